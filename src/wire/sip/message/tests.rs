extern crate std;

use super::super::build::Writer;
use super::super::sample::{SUBSCRIBE, with_rows};
use super::*;
use std::format;
use std::string::String;
use std::vec::Vec;

const NOTIFY: &str = "NOTIFY sip:door@192.0.2.7:5070 SIP/2.0\r\n\
    Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKn1\r\n\
    From: <sip:desk@example.com>;tag=t1\r\n\
    To: \"Door\" <sip:door@example.com>;tag=f1\r\n\
    Call-ID: c1@192.0.2.7\r\n\
    CSeq: 4 NOTIFY\r\n\
    Subscription-State: active;expires=60\r\n\
    Event: presence\r\n\
    Content-Type: text/plain\r\n\
    Content-Length: 9\r\n\r\n\
    a\r\n\r\nb\r\n\r";

const OK: &str = "SIP/2.0 200 OK\r\n\
    Via: SIP/2.0/UDP 192.0.2.7:5070;branch=z9hG4bKa1;received=192.0.2.7;rport=5070\r\n\
    From: <sip:door@example.com>;tag=f1\r\n\
    To: <sip:desk@example.com>;tag=t1\r\n\
    Call-ID: c1@192.0.2.7\r\n\
    CSeq: 17 SUBSCRIBE\r\n\
    Expires: 3600\r\n\
    Content-Length: 0\r\n\r\n";

/// What became of a message, in a word.
fn outcome(text: impl AsRef<[u8]>) -> String {
    match parse(text.as_ref(), &mut Rows::new()) {
        Ok(Message::Request(_)) => "request".into(),
        Ok(Message::Response(response)) => format!("response {}", response.status),
        Ok(Message::Broken(broken)) => format!("broken {}", broken.status.code()),
        Err(unusable) => format!("{unusable:?}"),
    }
}

#[track_caller]
fn with_request<T>(text: impl AsRef<[u8]>, see: impl FnOnce(Request<'_>) -> T) -> T {
    match parse(text.as_ref(), &mut Rows::new()) {
        Ok(Message::Request(request)) => see(request),
        other => panic!("a request, not {other:?}"),
    }
}

#[test]
fn a_request_is_read() {
    with_request(SUBSCRIBE, |request| {
        assert_eq!(request.method, Method::Subscribe);
        assert_eq!(request.uri_text, b"sip:desk@example.com");
        assert_eq!(request.via.branch, Some(&b"z9hG4bKa1"[..]));
        assert_eq!(request.from.tag(), Some(&b"f1"[..]));
        assert_eq!(request.to.tag(), None);
        assert_eq!(request.call_id, b"c1@192.0.2.7");
        assert_eq!(request.cseq.number, 17);
        assert_eq!(request.headers.max_forwards(), Some(70));
        assert_eq!(request.body, b"");
    });
    with_request(NOTIFY, |request| {
        assert_eq!(request.body, b"a\r\n\r\nb\r\n\r");
    });
}

#[test]
fn a_response_is_read() {
    let mut rows = Rows::new();
    let Ok(Message::Response(response)) = parse(OK.as_bytes(), &mut rows) else {
        panic!("a response");
    };
    assert_eq!((response.status, response.reason), (200, &b"OK"[..]));
    assert_eq!(response.to.tag(), Some(&b"t1"[..]));
    assert_eq!(response.via.rport, Some(Some(5_070)));
}

#[test]
fn a_prefix_is_never_a_message() {
    for text in [SUBSCRIBE, NOTIFY, OK] {
        for len in 0..text.len() {
            let found = outcome(&text[..len]);
            assert!(
                found != "request" && !found.starts_with("response"),
                "{len}: {found}"
            );
        }
    }
}

#[test]
fn one_table_serves_one_message_after_another() {
    let mut rows = Rows::new();
    for _ in 0..3 {
        let Ok(Message::Request(request)) = parse(NOTIFY.as_bytes(), &mut rows) else {
            panic!("a request");
        };
        assert!(request.headers.event().is_ok_and(|event| event.is_some()));
        let Ok(Message::Response(response)) = parse(OK.as_bytes(), &mut rows) else {
            panic!("a response");
        };
        assert!(response.headers.event().is_ok_and(|event| event.is_none()));
        assert_eq!(response.headers.all().count(), 7);
    }
}

#[test]
fn content_length_rules_the_body_of_a_datagram() /* X08, ATTACKS E02 E03 */
{
    for (value, expected) in [
        ("Content-Length: 4", Ok(&b"abcd"[..])),
        ("Content-Length: 0", Ok(b"")),
        ("l: 004", Ok(b"abcd")),
        ("X: y", Ok(b"abcdefgh")),
        ("Content-Length: 8", Ok(b"abcdefgh")),
        ("Content-Length: 9", Err("broken 400")),
        ("Content-Length: 9999", Err("broken 400")),
        ("Content-Length: 4294967296", Err("broken 400")),
        ("Content-Length: 18446744073709551620", Err("broken 400")),
        ("Content-Length: -4", Err("broken 400")),
        ("Content-Length: +4", Err("broken 400")),
        ("Content-Length: 0x4", Err("broken 400")),
        ("Content-Length: five", Err("broken 400")),
        ("Content-Length: 4 4", Err("broken 400")),
        ("Content-Length: 4,4", Err("broken 400")),
        ("Content-Length:", Err("broken 400")),
        ("Content-Length: 4\r\nContent-Length: 4", Err("broken 400")),
        ("Content-Length: 4\r\nl: 5", Err("broken 400")),
    ] {
        let text = SUBSCRIBE.replace("Content-Length: 0", value) + "abcdefgh";
        match expected {
            Ok(body) => with_request(&text, |request| assert_eq!(request.body, body, "{value}")),
            Err(word) => assert_eq!(outcome(&text), word, "{value}"),
        }
    }
    assert_eq!(
        outcome(OK.replace("Content-Length: 0", "Content-Length: 1")),
        "Response"
    );
}

#[test]
fn keep_alives_are_no_messages() /* X11 */
{
    for bytes in [
        &b""[..],
        b"\r\n",
        b"\r\n\r\n",
        b"\0",
        b"\0\0\0\0",
        b"\n",
        b"\r\n\0",
    ] {
        assert_eq!(outcome(bytes), "KeepAlive");
    }
    assert_eq!(outcome(format!("\r\n\r\n{SUBSCRIBE}")), "request");
}

#[test]
fn one_message_has_many_spellings() /* X12 */
{
    let odd = "SUBSCRIBE sip:desk@example.com SIP/2.0\r\n\
        v  :SIP / 2.0 / UDP 192.0.2.7 : 5070\r\n ;branch\r\n\t=\tz9hG4bKa1 ; rport\r\n\
        MAX-FORWARDS:  70  \r\n\
        f\t: \"Door \\\"3\\\"\"<sip:door@example.com>;TAG=f1\r\n\
        t:\r\n <sip:desk@example.com>\r\n\
        I:c1@192.0.2.7\r\n\
        cseq: 00017\r\n  SUBSCRIBE\r\n\
        l:0\r\n\r\n";
    with_request(SUBSCRIBE, |plain| {
        with_request(odd, |odd| {
            assert_eq!(odd.call_id, plain.call_id);
            assert_eq!(odd.cseq, plain.cseq);
            assert_eq!(odd.from.tag(), plain.from.tag());
            assert_eq!(odd.from.display, plain.from.display);
            assert_eq!(odd.to.uri_text, plain.to.uri_text);
            assert_eq!(
                (odd.via.host, odd.via.port),
                (plain.via.host, plain.via.port)
            );
            assert_eq!(odd.via.branch, plain.via.branch);
            assert_eq!(odd.via.rport, plain.via.rport);
            assert_eq!(odd.headers.max_forwards(), plain.headers.max_forwards());
        });
    });
}

#[test]
fn habits_of_real_peers_are_read() {
    let text = NOTIFY
        .replace(
            "192.0.2.9;branch=z9hG4bKn1",
            "192.0.2.9;branch=z9hG4bKn1\r\n  ;received=192.0.2.1;rport=9",
        )
        .replace(
            "From: <sip:desk@example.com>;tag=t1",
            "From: sip:desk@example.com",
        )
        .replace("State: active", "State:active")
        .replace("Event:", "Contact: sip:192.0.2.9\r\nEvent:");
    with_request(text, |request| {
        assert_eq!(request.via.received_ip(), "192.0.2.1".parse().ok());
        assert_eq!(request.from.tag(), None);
        let state = request.headers.subscription_state();
        assert!(state.is_ok_and(|state| state.is_some_and(|state| state.expires.is_some())));
        let contact = request.headers.contacts().next().and_then(Result::ok);
        let addr = contact.as_ref().and_then(|contact| contact.addr());
        assert_eq!(addr.map(|addr| addr.uri_text), Some(&b"sip:192.0.2.9"[..]));
    });
}

#[test]
fn unknown_headers_are_found_by_name() {
    let text = with_rows("x-Lamp: 1, 2\r\nX-LAMP: 3\r\nNewFangled : a\r\n b\r\n");
    with_request(text, |request| {
        assert_eq!(request.headers.other(b"X-Lamp"), Some(&b"1, 2"[..]));
        assert_eq!(request.headers.other(b"newfangled"), Some(&b"a\r\n b"[..]));
        assert_eq!(request.headers.other(b"Lamp"), None);
        let all: Vec<_> = request.headers.values(Name::Other).collect();
        assert_eq!(all, [&b"1"[..], b"2", b"3", b"a\r\n b"]);
    });
}

#[test]
fn mandatory_fields_are_needed_once() /* ATTACKS A07 D06 D10 */
{
    let mandatory = ["Via", "From", "To", "Call-ID", "CSeq"];
    for name in mandatory {
        let line = SUBSCRIBE
            .lines()
            .find(|line| line.starts_with(&format!("{name}:")))
            .expect("there");
        let missing = SUBSCRIBE.replace(&format!("{line}\r\n"), "");
        let word = if name == "Via" { "NoVia" } else { "broken 400" };
        assert_eq!(outcome(missing), word, "without {name}");
        let empty = SUBSCRIBE.replace(line, &format!("{name}: "));
        assert_eq!(outcome(empty), "broken 400", "empty {name}");
        if name != "Via" {
            let twice = SUBSCRIBE.replace(line, &format!("{line}\r\n{line}"));
            assert_eq!(outcome(twice), "broken 400", "two of {name}");
        }
    }
    for rows in [
        "Event: presence\r\nEvent : presence\r\n",
        "Event: presence\r\no: dialog\r\n",
        "Expires: 1\r\nEXPIRES: 1\r\n",
        "Max-Forwards: 1\r\nMax-Forwards: 1\r\n",
        "Content-Type: a/b\r\nc: a/b\r\n",
        "SIP-If-Match: a\r\nSIP-If-Match: a\r\n",
        "To: <sip:x@y>;tag=\r\n",
    ] {
        assert_eq!(outcome(with_rows(rows)), "broken 400", "{rows:?}");
    }
    for rows in [
        "",
        "Accept: a/b\r\nAccept: c/d\r\n",
        "Max-Forwards: 300\r\n",
        "Expires: x\r\n",
        "Via: SIP/2.0/TCP b\r\n",
    ] {
        assert_eq!(outcome(with_rows(rows)), "request", "{rows:?}");
    }
}

#[test]
fn only_blanks_stand_before_a_colon() /* ATTACKS A06 */
{
    for byte in (0..=255_u8).filter(|byte| !Class::TOKEN.has(*byte) && *byte != b':') {
        let mut text = with_rows("To#: <sip:x@y>;tag=1\r\n").into_bytes();
        let at = text.iter().position(|&byte| byte == b'#').expect("there");
        text[at] = byte;
        assert_eq!(outcome(&text), "broken 400", "{byte}");
    }
    for rows in [
        "no colon\r\n",
        ": no name\r\n",
        " : x\r\n",
        "To\r\n : x\r\n",
        "A B: x\r\n",
    ] {
        assert_eq!(outcome(with_rows(rows)), "broken 400", "{rows:?}");
    }
}

#[test]
fn line_ends_are_crlf() /* ATTACKS E06 */
{
    for rows in [
        "Subject: a\nb\r\n",
        "Subject: a\rb\r\n",
        "Subject: a\r\r\n",
        "Subject: a\nTo: <sip:x@y>\r\n",
        "Subject: a\n b\r\n",
        "\nSubject: a\r\n",
    ] {
        assert_eq!(outcome(with_rows(rows)), "broken 400", "{rows:?}");
    }
    assert_eq!(outcome(SUBSCRIBE.replace("\r\n", "\n")), "NotSip");
    assert_eq!(outcome(SUBSCRIBE.replace("\r\n", "\r")), "NotSip");
    assert_eq!(outcome(SUBSCRIBE.replacen("\r\n", "\n", 1)), "NotSip");
    // A Via with a lone LF in it is not even echoed.
    assert_eq!(outcome(SUBSCRIBE.replace(";rport", ";rport\n")), "NoVia");
}

#[test]
fn start_lines() /* D13 of ATTACKS */
{
    for (line, expected) in [
        ("SUBSCRIBE sip:desk@example.com sip/2.0", "request"),
        ("SUBSCRIBE sip:desk@example.com SIP/7.0", "broken 505"),
        ("SUBSCRIBE  sip:desk@example.com SIP/2.0", "broken 400"),
        ("SUBSCRIBE sip:desk@example.com  SIP/2.0", "broken 400"),
        ("SUBSCRIBE sip:desk@example.com SIP/2.0 ", "broken 400"),
        ("SUBSCRIBE\tsip:desk@example.com SIP/2.0", "broken 400"),
        ("SUBSCRIBE sip:desk@ example.com SIP/2.0", "broken 400"),
        ("SUBSCRIBE <sip:desk@example.com> SIP/2.0", "broken 400"),
        (
            "SUBSCRIBE sip:desk@example.com?Route=x SIP/2.0",
            "broken 400",
        ),
        ("SUBSCRIBE sip:2001:db8::1 SIP/2.0", "broken 400"),
        ("SUBSCRIBE sip:desk@example.com SIP/2.0.0", "NotSip"),
        ("SUBSCRIBE sip:desk@example.com", "NotSip"),
        ("SUBSCRIBE SIP/2.0", "NotSip"),
        (" SUBSCRIBE sip:desk@example.com SIP/2.0", "NotSip"),
        ("GET / HTTP/1.1", "NotSip"),
        ("\u{feff}SUBSCRIBE sip:desk@example.com SIP/2.0", "NotSip"),
        ("\u{16}\u{3}\u{1}", "NotSip"),
        ("", "broken 400"),
    ] {
        let text = SUBSCRIBE.replacen("SUBSCRIBE sip:desk@example.com SIP/2.0", line, 1);
        if line.is_empty() {
            // The message then begins with its Via.
            assert_eq!(outcome(text), "NotSip");
        } else {
            assert_eq!(outcome(text), expected, "{line:?}");
        }
    }
}

#[test]
fn the_method_stands_twice_and_agrees() /* T15 */
{
    assert_eq!(
        outcome(SUBSCRIBE.replacen("SUBSCRIBE", "OPTIONS", 1)),
        "broken 400"
    );
    assert_eq!(
        outcome(SUBSCRIBE.replacen("SUBSCRIBE", "NEWMETHOD", 1)),
        "request"
    );
    with_request(SUBSCRIBE.replace("SUBSCRIBE", "subscribe"), |request| {
        assert!(!request.method.is_known());
    });
}

#[test]
fn an_ack_is_never_broken() /* T15 */
{
    assert_eq!(outcome(SUBSCRIBE.replace("SUBSCRIBE", "ACK")), "request");
    assert_eq!(outcome(SUBSCRIBE.replacen("SUBSCRIBE", "ACK", 1)), "Ack");
    assert_eq!(
        outcome(
            SUBSCRIBE
                .replace("SUBSCRIBE", "ACK")
                .replace("SIP/2.0\r", "SIP/7.0\r")
        ),
        "Ack"
    );
}

#[test]
fn bad_responses_are_dropped() /* T05 T07, ATTACKS D11 */
{
    for (line, expected) in [
        ("SIP/2.0 200 OK", "response 200"),
        ("sip/2.0 200 OK", "response 200"),
        ("SIP/2.0 200 ", "response 200"),
        ("SIP/2.0 200", "response 200"),
        ("SIP/2.0 100 = 2**3 * 5**2 \u{43d}\u{43e}", "response 100"),
        ("SIP/2.0 699 x", "response 699"),
        ("SIP/2.0 099 x", "Response"),
        ("SIP/2.0 700 x", "Response"),
        ("SIP/2.0 1000 x", "Response"),
        (
            "SIP/2.0 4294967301 better not break the receiver",
            "Response",
        ),
        ("SIP/2.0 2x0 OK", "Response"),
        ("SIP/2.0  200 OK", "Response"),
        ("SIP/2.0", "Response"),
        ("SIP/3.0 200 OK", "NotSip"),
    ] {
        assert_eq!(
            outcome(OK.replacen("SIP/2.0 200 OK", line, 1)),
            expected,
            "{line}"
        );
    }
    for (from, to) in [
        ("From:", "X:"),
        ("To:", "X:"),
        ("Via:", "X:"),
        ("Call-ID:", "X:"),
        ("CSeq:", "X:"),
        ("CSeq: 17", "CSeq: 4294967296"),
        (
            "rport=5070\r\n",
            "rport=5070, SIP/2.0/UDP 255.255.255.255\r\n",
        ),
        ("From:", "Via: SIP/2.0/UDP 255.255.255.255\r\nFrom:"),
        ("Content-Length: 0", "Content-Length: 0\r\nl: 0"),
        ("Call-ID:", "Call-ID: a\r\nCall-ID:"),
    ] {
        assert_eq!(outcome(OK.replacen(from, to, 1)), "Response", "{to}");
    }
}

#[test]
fn the_table_of_rows_has_an_end() /* ATTACKS D04 D10 */
{
    let own = 7;
    let rows = |count: usize| with_rows(&"X: y\r\n".repeat(count - own + 1));
    assert_eq!(outcome(rows(limits::ROWS - 1)), "request");
    assert_eq!(outcome(rows(limits::ROWS)), "request");
    assert_eq!(outcome(rows(limits::ROWS + 1)), "broken 513");
    assert_eq!(
        outcome(with_rows(&"Via: SIP/2.0/UDP a\r\n".repeat(1_000))),
        "broken 513"
    );
}

#[test]
fn long_things_are_whole_or_refused() /* ATTACKS D02 D04 D13 */
{
    let long = "A".repeat(60_000);
    assert_eq!(outcome(with_rows(&format!("{long}: x\r\n"))), "request");
    with_request(with_rows(&format!("X-Lamp: {long}\r\n")), |request| {
        assert_eq!(
            request.headers.other(b"x-lamp").map(<[u8]>::len),
            Some(60_000)
        );
    });
    with_request(SUBSCRIBE.replace("c1@", &long), |request| {
        assert_eq!(request.call_id.len(), 60_009);
    });
    with_request(
        SUBSCRIBE.replace("tag=f1", &format!("tag={long}")),
        |request| {
            assert_eq!(request.from.tag().map(<[u8]>::len), Some(60_000));
        },
    );
    assert_eq!(
        outcome(SUBSCRIBE.replace("17 SUBSCRIBE", &format!("0 {long}"))),
        "broken 400"
    );
    assert_eq!(
        outcome(with_rows(&format!(
            "Subject: a{}\r\n",
            "\r\n ".repeat(20_000)
        ))),
        "request"
    );
    assert_eq!(
        outcome(with_rows(&format!("X: {}\r\n", "A".repeat(65_536)))),
        "TooLong"
    );
    let fits = limits::MESSAGE - with_rows("X: \r\n").len();
    assert_eq!(
        outcome(with_rows(&format!("X: {}\r\n", "A".repeat(fits)))),
        "request"
    );
}

#[test]
fn bytes_are_bytes() /* ATTACKS D12 */
{
    for bytes in [
        &b"\xc0\x80"[..],
        b"\xed\xa0\x80",
        b"\xf8",
        b"\xe2\x82",
        b"\0",
        b"\x7f",
    ] {
        let splice = |place: &str| {
            let (before, behind) = SUBSCRIBE.split_once(place).expect("there");
            [
                before.as_bytes(),
                place.as_bytes(),
                bytes,
                behind.as_bytes(),
            ]
            .concat()
        };
        // In a quoted string anything goes; elsewhere what is not visible is a fault.
        assert_eq!(outcome(splice("\"Door ")), "request", "{bytes:?}");
        let is_visible = bytes[0] > 0x7f;
        let expected = if is_visible { "request" } else { "broken 400" };
        assert_eq!(outcome(splice("Call-ID: c1")), expected, "{bytes:?}");
        assert_eq!(outcome(splice("tag=f")), expected, "{bytes:?}");
        assert_eq!(outcome(splice("CSeq: 17")), "broken 400", "{bytes:?}");
    }
}

#[test]
fn what_is_read_can_be_written_and_read_again() {
    for text in [SUBSCRIBE, NOTIFY] {
        let once = rewrite(text.as_bytes());
        let twice = rewrite(&once);
        assert_eq!(once, twice);
        with_request(text, |old| {
            with_request(&once, |new| {
                assert_eq!(new.method, old.method);
                assert_eq!(new.cseq, old.cseq);
                assert_eq!(new.call_id, old.call_id);
                assert_eq!(new.from.raw, old.from.raw);
                assert_eq!(new.body, old.body);
            });
        });
    }
}

/// Builds a message from what was read of one.
fn rewrite(bytes: &[u8]) -> Vec<u8> {
    with_request(bytes, |request| {
        let mut buf = [0; 2_048];
        let mut w = Writer::new(&mut buf);
        w.request(request.method, request.uri_text)
            .field(Name::Via, &request.via)
            .field(Name::From, &request.from)
            .field(Name::To, &request.to)
            .header(Name::CallId, request.call_id)
            .field(Name::CSeq, &request.cseq);
        if let Ok(Some(media)) = request.headers.content_type() {
            let mut kind = [0; 64];
            let len = crate::wire::out::Out::new(&mut kind).print(&media).finish();
            w.body(&kind[..len.expect("fits")], request.body);
        }
        let len = w.finish().expect("it fits");
        buf[..len].to_vec()
    })
}

#[test]
fn what_only_keeps_a_nat_open_is_told_from_what_is_no_sip() {
    let stun = |kind: u8, len: u8, more: usize| {
        let mut bytes = Vec::from([0, kind, 0, len, 0x21, 0x12, 0xa4, 0x42]);
        bytes.resize(20 + more, 7);
        bytes
    };
    for bytes in [
        Vec::from(*b"jaK"),
        Vec::from(*b"jaK\0"),
        Vec::from(*b"PING\r\n"),
        Vec::from(*b"\r\nPING"),
        stun(0x01, 0, 0),
        stun(0x01, 8, 8),
        stun(0x11, 0, 0),
    ] {
        assert_eq!(outcome(&bytes), "KeepAlive", "{}", bytes.escape_ascii());
    }
    for bytes in [
        Vec::from(*b"jaKs"),
        Vec::from(*b"PING PONG"),
        stun(0x01, 8, 0),
        stun(0x01, 0, 1),
        stun(0x02, 0, 0),
        Vec::from([0, 1, 0]),
    ] {
        assert_eq!(outcome(&bytes), "NotSip", "{}", bytes.escape_ascii());
    }
}
