extern crate std;

use super::super::headers::Rows;
use super::super::message::{Message, parse};
use super::super::sample::{SUBSCRIBE, with_rows};
use super::*;
use core::net::SocketAddr;
use std::string::String;

fn address(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

fn flow(remote: &str) -> Flow {
    Flow::udp(address("192.0.2.9:5060"), address(remote))
}

/// The answer to a message that came from there, without its empty body.
#[track_caller]
fn answer(text: &str, remote: &str, tag: Option<&[u8]>) -> String {
    let mut rows = Rows::new();
    let message = parse(text.as_bytes(), &mut rows).expect("a message");
    let echo = match &message {
        Message::Request(request) => request.response_head(),
        Message::Broken(broken) => broken.response_head().expect("it can be answered"),
        Message::Response(_) => panic!("a response is not answered"),
    };
    let mut buf = [0; 4_096];
    let mut w = Writer::new(&mut buf);
    respond(&mut w, echo, &flow(remote), Status::OK, tag);
    let len = w.finish().expect("it fits");
    let text = String::from_utf8(buf[..len].to_vec()).expect("text");
    text.strip_suffix("Content-Length: 0\r\n\r\n")
        .expect("it ends")
        .into()
}

fn top_via(via: &str, remote: &str) -> String {
    let text = SUBSCRIBE.replace("SIP/2.0/UDP 192.0.2.7:5070;branch=z9hG4bKa1;rport", via);
    let answer = answer(&text, remote, None);
    let line = answer.lines().nth(1).expect("a Via");
    line.strip_prefix("Via: ").expect("a Via").into()
}

#[test]
fn a_response_repeats_its_request() /* T14 */
{
    assert_eq!(
        answer(SUBSCRIBE, "192.0.2.7:5070", Some(b"t1")),
        "SIP/2.0 200 OK\r\n\
         Via: SIP/2.0/UDP 192.0.2.7:5070;branch=z9hG4bKa1;received=192.0.2.7;rport=5070\r\n\
         From: \"Door \\\"3\\\"\" <sip:door@example.com>;tag=f1\r\n\
         To: <sip:desk@example.com>;tag=t1\r\n\
         Call-ID: c1@192.0.2.7\r\n\
         CSeq: 17 SUBSCRIBE\r\n"
    );
}

#[test]
fn a_refusal_for_too_many_rows_repeats_what_it_has_to() /* T14, ATTACKS D04 D10 */
{
    let via = "Via: SIP/2.0/UDP 192.0.2.8;branch=z9hG4bKb\r\n";
    for (more, vias) in [("X: y\r\n".repeat(200), 1), (via.repeat(150), 151)] {
        let text = with_rows(&more);
        let (mut buf, mut rows) = ([0; 16_384], Rows::new());
        let Ok(Message::Broken(broken)) = parse(text.as_bytes(), &mut rows) else {
            panic!("too many rows");
        };
        let mut w = Writer::new(&mut buf);
        let echo = broken.response_head().expect("it can be answered");
        respond(
            &mut w,
            echo,
            &flow("192.0.2.8:5060"),
            broken.status,
            Some(b"t1"),
        );
        let len = w.finish().expect("it fits");
        let answer = core::str::from_utf8(&buf[..len]).expect("text");
        assert_eq!(answer.matches("Via: ").count(), vias);
        for line in [
            "From: \"Door",
            "To: <sip:desk@example.com>;tag=t1",
            "Call-ID: c1@",
            "CSeq: 17",
        ] {
            assert_eq!(answer.matches(line).count(), 1, "{line}");
        }
    }
}

#[test]
fn a_to_tag_is_added_once() /* T14 */
{
    let tagged = SUBSCRIBE.replace(
        "To: <sip:desk@example.com>",
        "To: <sip:desk@example.com>;tag=x",
    );
    assert!(
        answer(&tagged, "192.0.2.7:5070", Some(b"t1"))
            .contains("To: <sip:desk@example.com>;tag=x\r\n")
    );
    assert!(answer(SUBSCRIBE, "192.0.2.7:5070", None).contains("To: <sip:desk@example.com>\r\n"));
}

#[test]
fn no_tag_goes_into_an_open_quote() /* T14 */
{
    let open = SUBSCRIBE.replace("To: <", "To: \"Desk <");
    let answer = answer(&open, "192.0.2.7:5070", Some(b"t1"));
    assert!(
        answer.contains("To: \"Desk <sip:desk@example.com>\r\n"),
        "{answer}"
    );
}

#[test]
fn the_rest_is_echoed_byte_for_byte() /* T14 */
{
    let odd = SUBSCRIBE
        .replace("CSeq: 17 SUBSCRIBE", "CSeq:  0017\r\n\t SUBSCRIBE")
        .replace("From: ", "f:   ")
        .replace("To: <sip", "To: \"a\r\n b\"  <sip");
    let answer = answer(&odd, "192.0.2.7:5070", Some(b"t1"));
    assert!(
        answer.contains("CSeq: 0017\r\n\t SUBSCRIBE\r\n"),
        "{answer}"
    );
    assert!(
        answer.contains("To: \"a\r\n b\"  <sip:desk@example.com>;tag=t1\r\n"),
        "{answer}"
    );
    assert!(
        answer.contains("From: \"Door \\\"3\\\"\" <sip:door@example.com>;tag=f1\r\n"),
        "{answer}"
    );
}

#[test]
fn all_vias_are_echoed_in_order() /* T14 */
{
    let rows =
        "Via: SIP/2.0/TCP b;x , SIP/2.0/TLS c;received=1.2.3.4;rport\r\nv:SIP / 2.0 / UDP d\r\n";
    let text = with_rows(rows).replace(";rport\r\nVia", ", SIP/2.0/UDP a2;rport\r\nVia");
    let answer = answer(&text, "192.0.2.7:5070", None);
    let vias: std::vec::Vec<_> = answer
        .lines()
        .filter(|line| line.starts_with("Via: "))
        .collect();
    assert_eq!(
        vias,
        [
            "Via: SIP/2.0/UDP 192.0.2.7:5070;branch=z9hG4bKa1, SIP/2.0/UDP a2;rport",
            "Via: SIP/2.0/TCP b;x , SIP/2.0/TLS c;received=1.2.3.4;rport",
            "Via: SIP / 2.0 / UDP d",
        ]
    );
}

#[test]
fn received_names_the_source() /* X03 X04 X16 */
{
    for (via, remote, expected) in [
        (
            "SIP/2.0/UDP 192.0.2.7",
            "192.0.2.7:9",
            "SIP/2.0/UDP 192.0.2.7",
        ),
        (
            "SIP/2.0/UDP 192.0.2.7",
            "192.0.2.8:9",
            "SIP/2.0/UDP 192.0.2.7;received=192.0.2.8",
        ),
        (
            "SIP/2.0/UDP a.example.com;branch=x",
            "192.0.2.8:9",
            "SIP/2.0/UDP a.example.com;branch=x;received=192.0.2.8",
        ),
        (
            "SIP/2.0/UDP 192.0.2.7;rport;branch=x",
            "192.0.2.7:9",
            "SIP/2.0/UDP 192.0.2.7;branch=x;received=192.0.2.7;rport=9",
        ),
        (
            "SIP/2.0/UDP a;received=198.51.100.1;branch=x;rport=77",
            "192.0.2.7:9",
            "SIP/2.0/UDP a;branch=x;received=192.0.2.7;rport=9",
        ),
        (
            "SIP/2.0/UDP 192.0.2.7;received=198.51.100.1",
            "192.0.2.7:9",
            "SIP/2.0/UDP 192.0.2.7",
        ),
        (
            "SIP/2.0/UDP 192.0.2.7 ; Received = \"x\" ; ttl=1",
            "192.0.2.8:9",
            "SIP/2.0/UDP 192.0.2.7  ; ttl=1;received=192.0.2.8",
        ),
        (
            "SIP/2.0/UDP [2001:db8::9:1];received=[2001:db8::9:255]",
            "[2001:db8::9:255]:9",
            "SIP/2.0/UDP [2001:db8::9:1];received=2001:db8::9:255",
        ),
        (
            "SIP/2.0/UDP [2001:db8::9]",
            "[2001:db8::9]:9",
            "SIP/2.0/UDP [2001:db8::9]",
        ),
        (
            "SIP/2.0/UDP 192.0.2.7",
            "[::ffff:192.0.2.7]:9",
            "SIP/2.0/UDP 192.0.2.7",
        ),
    ] {
        assert_eq!(top_via(via, remote), expected);
    }
}

fn target(via: &str, flow: &Flow) -> SocketAddr {
    answer_address(&Via::take(via.as_bytes()).expect("valid").0, flow)
}

#[test]
fn answers_go_to_the_source() /* X04 X05 X06, ATTACKS B03 */
{
    let flow = flow("192.0.2.7:1234");
    for (via, expected) in [
        ("SIP/2.0/UDP 192.0.2.7;rport", "192.0.2.7:1234"),
        ("SIP/2.0/UDP 192.0.2.7:5070;rport=9", "192.0.2.7:1234"),
        ("SIP/2.0/UDP 192.0.2.7:5070", "192.0.2.7:5070"),
        ("SIP/2.0/UDP a.example.com", "192.0.2.7:5060"),
        (
            "SIP/2.0/UDP 198.51.100.1:5070;maddr=198.51.100.2;received=198.51.100.3",
            "192.0.2.7:5070",
        ),
        (
            "SIP/2.0/UDP 255.255.255.255;maddr=239.0.0.1",
            "192.0.2.7:5060",
        ),
    ] {
        assert_eq!(target(via, &flow), address(expected), "{via}");
    }
    let secure = Flow {
        transport: Transport::Tls,
        ..flow
    };
    assert_eq!(target("SIP/2.0/TLS a", &secure), address("192.0.2.7:5061"));
}

#[test]
fn some_addresses_are_never_answered() /* ATTACKS B03 B04 */
{
    for text in [
        "192.0.2.7:0",
        "255.255.255.255:5060",
        "239.0.0.1:5060",
        "0.0.0.0:5060",
        "[::]:5060",
        "[ff02::1]:5060",
        "[2001:db8::1]:0",
        "[::ffff:239.0.0.1]:5060",
    ] {
        assert!(!is_answerable(address(text)), "{text}");
    }
    for text in ["192.0.2.7:5060", "127.0.0.1:1", "[2001:db8::1]:65535"] {
        assert!(is_answerable(address(text)), "{text}");
    }
}

#[test]
fn a_broken_request_is_answered_with_what_it_has() /* ATTACKS I02 */
{
    let bare = "OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP c;branch=x\r\n\r\n";
    assert_eq!(
        answer(bare, "192.0.2.7:9", Some(b"t1")),
        "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP c;branch=x;received=192.0.2.7\r\n"
    );
    let mut rows = Rows::new();
    let unusable = "OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP c;;,;\r\n\r\n";
    let Ok(Message::Broken(broken)) = parse(unusable.as_bytes(), &mut rows) else {
        panic!("a broken request");
    };
    assert!(broken.response_head().is_none());
}

#[test]
fn a_short_buffer_gives_nothing() {
    let mut rows = Rows::new();
    let Ok(Message::Request(request)) = parse(SUBSCRIBE.as_bytes(), &mut rows) else {
        panic!("a request");
    };
    let whole = {
        let mut buf = [0; 512];
        let mut w = Writer::new(&mut buf);
        respond(
            &mut w,
            request.response_head(),
            &flow("192.0.2.7:5070"),
            Status::OK,
            Some(b"t1"),
        );
        w.finish().expect("it fits")
    };
    let mut buf = [0; 512];
    for len in 0..=whole {
        let mut w = Writer::new(&mut buf[..len]);
        respond(
            &mut w,
            request.response_head(),
            &flow("192.0.2.7:5070"),
            Status::OK,
            Some(b"t1"),
        );
        assert_eq!(w.finish().is_ok(), len == whole, "{len} bytes");
    }
}
