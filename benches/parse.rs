//! What reading and answering a SIP message costs.

use divan::{Bencher, black_box};
use lampfield::wire::flow::Flow;
use lampfield::wire::sip::stream::Framer;
use lampfield::wire::sip::{Message, Rows, Status, Uri, Writer, parse, respond};

const SUBSCRIBE: &[u8] = include_bytes!("subscribe.sip");
const NOTIFY: &[u8] = include_bytes!("notify.sip");

fn main() {
    divan::main();
}

/// All that a notifier needs of a SUBSCRIBE.
#[divan::bench]
fn subscribe(bencher: Bencher) {
    let mut rows = Rows::new();
    bencher.bench_local(|| {
        let message = parse(black_box(SUBSCRIBE), &mut rows);
        let Ok(Message::Request(request)) = &message else {
            panic!("a request");
        };
        let headers = &request.headers;
        black_box((headers.event().ok(), headers.expires().ok()));
        black_box(headers.max_forwards());
        black_box(headers.accept().quality("application", "pidf+xml"));
        black_box(headers.contacts().next().and_then(Result::ok));
        black_box(request.cseq.number)
    });
}

/// All that a watcher needs of a NOTIFY, but for its body.
#[divan::bench]
fn notify(bencher: Bencher) {
    let mut rows = Rows::new();
    bencher.bench_local(|| {
        let message = parse(black_box(NOTIFY), &mut rows);
        let Ok(Message::Request(request)) = &message else {
            panic!("a request");
        };
        let headers = &request.headers;
        black_box((headers.event().ok(), headers.subscription_state().ok()));
        black_box(headers.content_type().ok());
        black_box(headers.contacts().next().and_then(Result::ok));
        black_box(request.body.len())
    });
}

#[divan::bench]
fn frame(bencher: Bencher) {
    bencher.bench_local(|| Framer::new().look(black_box(SUBSCRIBE), 65_535));
}

#[divan::bench]
fn answer(bencher: Bencher) {
    let mut rows = Rows::new();
    let Ok(Message::Request(request)) = parse(SUBSCRIBE, &mut rows) else {
        panic!("a request");
    };
    let address = |text: &str| text.parse().expect("an address");
    let flow = Flow::udp(address("192.0.2.9:5060"), address("192.0.2.41:5060"));
    let mut buf = [0; 1_024];
    bencher.bench_local(|| {
        let mut w = Writer::new(&mut buf);
        respond(
            &mut w,
            request.response_head(),
            &flow,
            Status::OK,
            Some(b"6f1c29a07be3d845"),
        );
        w.finish()
    });
}

#[divan::bench]
fn compare_uris(bencher: Bencher) {
    let uri = |text: &'static [u8]| match Uri::parse(text) {
        Ok(uri) => uri,
        Err(_) => panic!("a URI"),
    };
    let one = uri(b"sip:door3@pbx.example.com:5060;transport=udp");
    let two = uri(b"sip:door3@PBX.example.com:5060;Transport=UDP");
    bencher.bench_local(|| black_box(&one).equivalent(black_box(&two)));
}
