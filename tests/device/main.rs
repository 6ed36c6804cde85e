//! The real program on an ARM board in QEMU: real edges on real lines, real lamps, a real kernel.
//!
//! Each test boots the board once or twice and walks through what belongs together; `boards/bench` says how to do the
//! same by hand. The board is 10.0.2.15, this machine 10.0.2.2. The numbers in the comments are those of the
//! requirement lists. `cargo test --test device -- --nocapture` shows the figures.
#![cfg(feature = "std")]

#[path = "../common/bench.rs"]
mod bench;
mod figures;
mod lights;
mod lines;
mod notifier;
mod phone;
mod power;
mod sip;
mod watcher;

use std::net::UdpSocket;
use std::time::{Duration, Instant};

use crate::bench::Bench;

/// Who lives on the board.
pub(crate) const DESK: &str = "sip:desk@10.0.2.15";

/// What every configuration begins with: the network, and every change told at once.
pub(crate) const HEAD: &str = r#"
listen = ["udp:10.0.2.15:5060"]
trusted = ["10.0.2.0/24"]
log = "debug"
[subscriptions]
pace = { presence = { burst = 0 }, dialog = { burst = 0 } }
[[presentity]]
uri = "sip:desk@10.0.2.15"
"#;

/// A table of a configuration that says what a button does; `more` are more lines.
pub(crate) fn button(name: &str, does: &str, more: &str) -> String {
    format!("[[button]]\nname = \"{name}\"\ndoes = \"{does}\"\n{more}\n")
}

/// A table of a configuration that says what a lamp shows.
pub(crate) fn lamp(name: &str, key: &str, value: &str) -> String {
    format!("[[lamp]]\nname = \"{name}\"\n{key} = \"{value}\"\n")
}

/// Asks as a telephone system does to learn whether somebody is there; sent again until it is answered.
#[track_caller]
pub(crate) fn expect_options(bench: &Bench) -> Instant {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port of the loopback");
    let limit = Some(Duration::from_millis(500));
    socket
        .set_read_timeout(limit)
        .expect("a socket can time out");
    let port = socket.local_addr().expect("it is bound").port();
    let text = format!(
        "OPTIONS {DESK} SIP/2.0\r\n\
         Via: SIP/2.0/UDP 10.0.2.2:{port};branch=z9hG4bKoptions;rport\r\n\
         Max-Forwards: 70\r\n\
         From: <sip:pbx@10.0.2.2>;tag=pbx\r\n\
         To: <{DESK}>\r\n\
         Call-ID: options\r\n\
         CSeq: 1 OPTIONS\r\n\
         Content-Length: 0\r\n\r\n"
    );
    let mut buf = [0; 2048];
    for _ in 0..20 {
        socket
            .send_to(text.as_bytes(), bench.sip)
            .expect("it can be sent");
        if let Ok(len) = socket.recv(&mut buf) {
            assert!(buf[..len].starts_with(b"SIP/2.0 200 "));
            return Instant::now();
        }
    }
    panic!("OPTIONS is not answered\n{}", bench.log());
}

/// Tells when the board answered first, in two clocks.
#[track_caller]
pub(crate) fn tell_boot_time(bench: &Bench) {
    let answered = expect_options(bench).duration_since(bench.powered);
    let ready = bench.ready_after();
    println!(
        "power-on to the first answer: {answered:.1?}; serving {ready} s after the kernel's start"
    );
}
