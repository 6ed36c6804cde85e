//! Reads one SUBSCRIBE many times, for an instruction counter:
//!
//! ```text
//! cargo build --release --example parse_cost
//! valgrind --tool=callgrind target/release/examples/parse_cost 10000
//! ```

use lampfield::wire::sip::{Message, Name, Rows, parse};
use std::hint::black_box;

fn main() {
    let times: u32 = std::env::args()
        .nth(1)
        .and_then(|times| times.parse().ok())
        .unwrap_or(10_000);
    let bytes = include_bytes!("../benches/subscribe.sip");
    let mut rows = Rows::new();
    let start = std::time::Instant::now();
    for _ in 0..times {
        read(black_box(bytes), &mut rows);
    }
    let each = start.elapsed() / times;
    println!("{} bytes, {times} times: {each:?} each", bytes.len());
}

/// Parses, and asks for everything a notifier needs.
#[inline(never)]
fn read(bytes: &[u8], rows: &mut Rows) {
    let message = parse(bytes, rows);
    let Ok(Message::Request(request)) = &message else {
        panic!("a sound request");
    };
    let headers = &request.headers;
    black_box(&headers.event().ok());
    black_box(&headers.expires().ok());
    black_box(headers.max_forwards());
    black_box(&headers.accept().quality("application", "pidf+xml"));
    black_box(&headers.contacts().next().and_then(Result::ok));
    black_box(headers.has(Name::Require));
    black_box(&message);
}
