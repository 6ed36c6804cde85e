//! Group I: what a peer says never becomes a line of ours.

use crate::desk::*;
use lampfield::{Duration, Input, Package, Text};

const EVE: &str = "192.0.2.66:5060";

/// Header names that our messages may have.
const OURS: &[&str] = &[
    "via",
    "max-forwards",
    "from",
    "to",
    "call-id",
    "cseq",
    "contact",
    "event",
    "subscription-state",
    "sip-etag",
    "content-type",
    "content-length",
    "expires",
    "allow",
    "allow-events",
    "accept",
    "record-route",
    "route",
    "user-agent",
    "retry-after",
    "min-expires",
    "unsupported",
    "accept-encoding",
    "server",
];

/// A message of ours is one message: lines we know, one length, and that is right.
#[track_caller]
fn assert_sound(sent: &Sent) {
    let text = &sent.text;
    let rows = rows(text);
    for (name, value) in &rows {
        assert!(OURS.contains(&&name[..]), "a line {name:?} in {text}");
        assert!(
            !value
                .replace("\r\n ", "")
                .replace("\r\n\t", "")
                .contains(['\r', '\n']),
            "{text:?}"
        );
    }
    let lengths = values(&rows, "content-length");
    assert_eq!(lengths, [sent.body().len().to_string()], "{text}");
    for name in ["from", "to", "call-id", "cseq", "max-forwards"] {
        assert!(values(&rows, name).len() <= 1, "{text}");
    }
    let line = text.split("\r\n").next().unwrap_or_default();
    assert!(!line.contains('\r') && !line.contains('\n'));
}

/// Subscribes with a message that says odd things; all that is sent to it is sound.
fn follow(desk: &mut Desk, text: &str) -> Vec<Sent> {
    let mut all = desk.send(EVE, text);
    all.extend(desk.input(Input::Dnd(true)));
    if let Some(notify) = all.iter().find(|sent| sent.is("NOTIFY")).cloned() {
        all.extend(desk.answer(&notify, "200 OK"));
    }
    all.extend(desk.input(Input::Dnd(false)));
    all.extend(
        desk.run(Duration::from_secs(40))
            .into_iter()
            .map(|(_, sent)| sent),
    );
    all.iter().for_each(assert_sound);
    all
}

#[test]
fn line_ends_in_a_request_make_no_line_of_ours() /* ATTACKS I01 */
{
    let plain = Peer::new("eve", EVE).subscribe(600);
    for (from, to) in [
        (
            "<sip:eve@192.0.2.66",
            "<sip:eve%0d%0aX-Evil:%20yes@192.0.2.66",
        ),
        ("<sip:eve@192.0.2.66", "<sip:eve%00@192.0.2.66"),
        ("From: <", "From: \"a\\\r\\\nX-Evil: yes\" <"),
        ("From: <", "From: \"a\r\n X-Evil: yes\" <"),
        ("From: <", "From: \"a\nX-Evil: yes\" <"),
        ("From: <", "From: \"a\rX-Evil: yes\" <"),
        ("From: <", "From: \"\0\u{b}\u{7f}\" <"),
        (";tag=teve", ";tag=teve\r\n\t;x=\r\n X-Evil: yes"),
        (";tag=teve", ";tag=teve;x=\"\r\n X-Evil: yes\""),
        ("Call-ID: call-eve", "Call-ID: call\r\n X-Evil: yes"),
        ("Event: presence", "Event: presence;id=a\r\n X-Evil: yes"),
        (
            "Event: presence",
            "Event: presence;id=\"a%0d%0aX-Evil: yes\"",
        ),
        (
            "CSeq: 1",
            "Record-Route: <sip:192.0.2.66;lr;x=%0d%0aX-Evil:yes>\r\nCSeq: 1",
        ),
        (
            "CSeq: 1",
            "Record-Route: <sip:192.0.2.66;lr>\r\n ,<sip:192.0.2.66;lr>\r\nCSeq: 1",
        ),
        (
            "CSeq: 1",
            "Record-Route: \"\r\n X-Evil: yes\" <sip:192.0.2.66;lr>\r\nCSeq: 1",
        ),
        ("rport", "rport;x=\"\r\n X-Evil: yes\""),
    ] {
        let text = plain.replacen(from, to, 1);
        assert_ne!(text, plain);
        let mut desk = Desk::new();
        let sent = follow(&mut desk, &text);
        assert!(!sent.is_empty(), "{to:?}");
    }
}

#[test]
fn line_ends_in_answers_make_no_line_of_ours() /* ATTACKS I01 */
{
    for contact in [
        "<sip:eve%0d%0aX-Evil:%20yes@192.0.2.66>",
        "<sip:eve@192.0.2.66>\r\n ;X-Evil: yes",
        "\"\r\n X-Evil: yes\" <sip:eve@192.0.2.66>",
        "<sip:eve\r\n X-Evil: yes@192.0.2.66>",
        "<sip:eve\0@192.0.2.66>",
        "<sip:eve@192.0.2.66\rX-Evil: yes>",
    ] {
        let mut desk = Desk::new();
        desk.watcher("eve", EVE, "presence");
        let told = desk.input(Input::Dnd(true)).remove(0);
        desk.answer(&told, &format!("200 OK\r\nContact: {contact}\r\n"));
        let next = desk.input(Input::Dnd(false));
        next.iter().for_each(assert_sound);
    }
}

#[test]
fn line_ends_from_a_notifier_make_no_line_of_ours() /* ATTACKS I01 */
{
    for (from, to) in [
        (
            "<sip:boss@192.0.2.50:5060>",
            "<sip:boss%0d%0aX-Evil:%20yes@192.0.2.50:5060>",
        ),
        (
            "<sip:boss@192.0.2.50:5060>",
            "\"\r\n X-Evil: yes\" <sip:boss@192.0.2.50:5060>",
        ),
        (
            "<sip:boss@192.0.2.50:5060>",
            "<sip:boss@192.0.2.50?X-Evil=yes>",
        ),
        (";tag=server", ";tag=server\r\n ;X-Evil: yes"),
        (
            "Event",
            "Record-Route: <sip:192.0.2.50;lr>\r\n , <sip:192.0.2.50;X-Evil=yes;lr>\r\nEvent",
        ),
    ] {
        let (mut desk, mut server) = Server::asked(Package::Presence);
        let text = server.notify("active;expires=60", &presence("open"));
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text);
        let answer = desk.ask(BOSS_AT, &changed);
        assert_sound(&answer);
        for (_, sent) in desk.run(Duration::from_secs(120)) {
            assert_sound(&sent);
        }
    }
}

#[test]
fn the_owners_own_words_stay_in_the_document() /* ATTACKS I01 */
{
    let mut desk = Desk::new();
    desk.watcher("eve", EVE, "presence");
    let note = "\r\nX-Evil: yes\r\n\r\n<basic>open</basic>]]>&\"'";
    let told = desk
        .input(Input::Note(Text::copied(note).unwrap()))
        .remove(0);
    assert_sound(&told);
    assert!(
        !told.body().contains("<basic>open</basic>]]"),
        "{}",
        told.body()
    );
}

#[test]
fn headers_of_a_uri_never_become_headers() /* ATTACKS I02 */
{
    let plain = Peer::new("eve", EVE).subscribe(600);
    let contact = format!("<sip:eve@{EVE}?Route=%3Csip:198.51.100.9%3E&Event=evil&Subject=x>");
    let text = plain.replace(&format!("<sip:eve@{EVE}>"), &contact);
    let mut desk = Desk::new();
    for sent in follow(&mut desk, &text) {
        assert_eq!(sent.header("Route"), None);
        assert_eq!(sent.flow.remote, EVE.parse().unwrap());
        if sent.is("NOTIFY") {
            assert_eq!(sent.header("Event"), Some("presence"));
            assert!(
                !sent.text.split("\r\n").next().unwrap().contains('?'),
                "{}",
                sent.text
            );
        }
    }
}

#[test]
fn folded_and_long_values_come_back_as_they_were() /* ATTACKS I02 T14 */
{
    let plain = Peer::new("eve", EVE).request("OPTIONS", "");
    for (from, to) in [
        ("From: <", "From:\r\n\t \"a\r\n  b\"\r\n <"),
        ("To: <", "To:\r\n <"),
        ("Via: SIP/2.0/UDP ", "Via: SIP / 2.0 /\r\n UDP "),
        ("Via: ", "v:\r\n "),
        (
            "Call-ID: call",
            &format!("i:\r\n {}", "c".repeat(10_000))[..],
        ),
        (";rport", &format!(";rport;x={}", "y".repeat(10_000))[..]),
        ("CSeq: 1 ", "CSeq:\r\n 1\r\n "),
    ] {
        let text = plain.replacen(from, to, 1);
        assert_ne!(text, plain);
        let mut desk = Desk::new();
        let answer = desk.ask(EVE, &text);
        assert_echoes(&text, &answer);
        assert!([200, 400].contains(&answer.status()), "{to:?}");
    }
}

#[test]
fn a_report_is_one_short_clean_line() /* ATTACKS I03 I6 */
{
    let mut desk = Desk::new();
    let evil = "%n%s\u{1b}[2J\u{7}<script>";
    for address in [EVE, STRANGER] {
        let plain = Peer::new("eve", address).subscribe(600);
        for (from, to) in [
            (
                "Max-",
                format!("User-Agent: {}\r\nMax-", evil.repeat(4_000)),
            ),
            ("From: <sip:eve", format!("From: \"{evil}\" <sip:password")),
            ("Event: presence", format!("Event: {evil}")),
            ("SUBSCRIBE sip", format!("{} sip", "A".repeat(60_000))),
            ("SIP/2.0\r\n", "SIP/7.0\r\n".to_string()),
            ("Call-ID", format!("{evil}: x\r\nCall-ID")),
        ] {
            desk.send(address, &plain.replacen(from, &to, 1));
            desk.send(address, &to);
        }
    }
    assert!(desk.reports.len() > 10);
    for report in &desk.reports {
        assert!(report.len() < 200 && report.is_ascii(), "{report:?}");
        assert!(
            !report.contains(char::is_control) && !report.contains("password"),
            "{report:?}"
        );
        assert!(!report.contains('%') && !report.contains('<'), "{report:?}");
    }
}
