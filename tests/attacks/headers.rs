//! Group D: headers and URIs that are broken, long, empty, or there twice.

use crate::desk::*;
use lampfield::Duration;

pub(crate) const EVE: &str = "192.0.2.66:5060";

pub(crate) fn eve() -> Peer {
    Peer::new("eve", EVE)
}

/// One answer with one of these statuses, or none where 0 is among them; made of the request's bytes; with nothing
/// left behind.
#[track_caller]
pub(crate) fn expect(desk: &mut Desk, text: &str, statuses: &[u16]) -> u16 {
    let sent = desk.send(EVE, text);
    assert!(sent.len() <= 1, "{sent:#?}");
    let status = sent.first().map_or(0, Sent::status);
    let shown: String = text.chars().take(600).collect();
    assert!(statuses.contains(&status), "{status} to {shown:?}");
    for answer in &sent {
        assert_echoes(text, answer);
    }
    assert!(desk.is_empty(), "left something behind: {shown:?}");
    desk.serves_others();
    status
}

/// A SUBSCRIBE that is served if this header line is harmless: then it is a fetch, which is brought to its end.
#[track_caller]
pub(crate) fn expect_or_served(desk: &mut Desk, text: &str, statuses: &[u16]) -> u16 {
    let sent = desk.send(EVE, text);
    let status = sent.first().map_or(0, Sent::status);
    let shown: String = text.chars().take(600).collect();
    assert!(statuses.contains(&status), "{status} to {shown:?}");
    assert_eq!(
        sent.len(),
        usize::from(status != 0) + usize::from(status == 200)
    );
    for answer in sent.iter().take(1) {
        assert_echoes(text, answer);
    }
    if let Some(notify) = sent.get(1) {
        assert!(notify.is("NOTIFY"));
        desk.confirm(notify);
    }
    desk.run(Duration::from_secs(33));
    assert!(desk.is_empty(), "left something behind: {shown:?}");
    status
}

/// A fetch with this line more.
pub(crate) fn fetch(line: &str) -> String {
    eve().request(
        "SUBSCRIBE",
        &format!("Event: presence\r\nExpires: 0\r\n{line}"),
    )
}

#[test]
fn a_method_of_thousands_of_letters_overflows_no_key() /* ATTACKS D02 */
{
    let mut desk = Desk::new();
    for len in [1, 255, 256, 3_000, 30_000] {
        let method = "A".repeat(len);
        let text = eve().bare(&method, "");
        let branch = text
            .split_once(";branch")
            .unwrap()
            .1
            .split_once("\r\n")
            .unwrap()
            .0
            .to_string();
        let text = text
            .replace(&format!(";branch{branch}"), "")
            .replace("CSeq: 1 ", "CSeq: 0 ");
        expect(&mut desk, &text, &[501]);
        let known = text.replacen(&format!("{method} sip"), "SUBSCRIBE sip", 1);
        expect(&mut desk, &known, &[400]);
    }
}

#[test]
fn a_flood_of_accept_values_is_judged_the_same_each_time() /* ATTACKS D03 */
{
    let mut desk = Desk::new();
    let rows = "Accept: text/plain\r\n".repeat(64);
    let values = format!("Accept: {}\r\n", vec!["text/plain"; 1_000].join(", "));
    let long = format!("Accept: {}\r\n", "A".repeat(8_000));
    let ranges = format!("Accept: {}\r\n", vec!["*/*;q=0.1"; 1_000].join(","));
    let params = format!("Accept: */*{}\r\n", ";a=b".repeat(2_000));
    let last = format!(
        "Accept: {}, application/pidf+xml\r\n",
        vec!["text/plain"; 5_000].join(",")
    );
    for (line, statuses) in [
        (rows, &[406][..]),
        (values, &[406]),
        (long, &[400, 406]),
        (ranges, &[200]),
        (params, &[200]),
        (last, &[200, 406]),
    ] {
        let first = expect_or_served(&mut desk, &fetch(&line), statuses);
        let again = fetch(&line)
            .replace("z9hG4bK", "z9hG4bKagain")
            .replace("call-", "again-");
        assert_eq!(expect_or_served(&mut desk, &again, statuses), first);
    }
}

#[test]
fn long_names_and_values_are_taken_whole_or_refused() /* ATTACKS D04 */
{
    let mut desk = Desk::new();
    for len in [255, 256, 257, 4_096, 60_000] {
        let line = format!("{}: x\r\n", "N".repeat(len));
        expect_or_served(&mut desk, &fetch(&line), &[200]);
    }
    let text = fetch(&format!("{}: x\r\n", "N".repeat(65_000)));
    expect_or_served(&mut desk, &text, &[200]);
    for len in [1, 300, 4_096, 20_000] {
        let call_id = format!("Call-ID: {}\r\n", "c".repeat(len));
        let text = fetch("").replace("Call-ID: call-eve\r\n", &call_id);
        expect_or_served(
            &mut desk,
            &text,
            if len < 300 { &[200] } else { &[200, 513] },
        );
        let tag = format!("tag=t{}\r\n", "e".repeat(len));
        let text = fetch("").replace("tag=teve\r\n", &tag);
        expect_or_served(
            &mut desk,
            &text,
            if len < 300 { &[200] } else { &[200, 513] },
        );
    }
}

/// The length from which on a request is refused; below it every one is served.
fn limit(make: impl Fn(usize) -> String, most: usize) -> usize {
    let mut desk = Desk::new();
    let mut found = None;
    for len in 1..most {
        let text = make(len).replace("z9hG4bK", &format!("z9hG4bK{len}x"));
        let status = expect_or_served(&mut desk, &text, &[200, 513]);
        match (status, found) {
            (200, None) | (_, Some(_)) => {}
            (_, None) => found = Some(len),
        }
        assert!(found.is_none() || status == 513, "{len} after {found:?}");
    }
    found.expect("a limit")
}

#[test]
fn each_limit_is_sharp() /* ATTACKS D04 */
{
    let of_dialog = limit(
        |len| {
            fetch("").replace(
                "Call-ID: call-eve",
                &format!("Call-ID: {}", "c".repeat(len)),
            )
        },
        700,
    );
    assert!(of_dialog > 300, "{of_dialog}");
    let of_event = limit(
        |len| {
            fetch("").replace(
                "Event: presence",
                &format!("Event: presence;id={}", "i".repeat(len)),
            )
        },
        60,
    );
    assert_eq!(of_event, lampfield::limits::EVENT_ID + 1);
    let of_target = limit(
        |len| fetch("").replace("<sip:eve@", &format!("<sip:{}@", "u".repeat(len))),
        400,
    );
    assert!(of_target > 200, "{of_target}");
    let of_rows = limit(|len| fetch(&"X: y\r\n".repeat(len)), 140);
    assert_eq!(
        of_rows,
        lampfield::limits::ROWS + 1 - rows(&fetch("")).len()
    );
}

#[test]
fn a_via_that_misses_its_parts_is_refused() /* ATTACKS D05 */
{
    let mut desk = Desk::new();
    let text = eve().request("OPTIONS", "");
    let via = format!("SIP/2.0/UDP {EVE};branch=z9hG4bKeve1OPTIONS0;rport");
    assert!(text.contains(&via));
    for (broken, statuses) in [
        ("SIP/2.0/UDP :]", &[0, 400][..]),
        ("SIP/2.0/UDP", &[0, 400]),
        ("SIP/2.0/UDP ", &[0, 400]),
        ("SIP/2.0/UDP ;branch=z9hG4bKa", &[0, 400]),
        ("SIP/2.0/UDP :5060;branch=z9hG4bKa", &[0, 400]),
        ("SIP/2.0/UDP h:", &[0, 200, 400]),
        ("SIP/2.0/UDP h:99999", &[0, 400]),
        ("SIP/2.0/UDP []", &[0, 400]),
        ("SIP/2.0/UDP [::1", &[0, 400]),
        ("SIP/2.0/ h", &[0, 400]),
        ("SIP/2.0 h", &[0, 400]),
        ("/", &[0, 400]),
        ("", &[0, 400]),
        (",", &[0, 400]),
        ("SIP/2.0/UDP h;branch=", &[0, 200, 400]),
        ("SIP/2.0/UDP h;branch", &[0, 200, 400]),
        ("SIP/2.0/UDP h;;;", &[0, 200, 400]),
        ("SIP/2.0/UDP h;=;=x;rport=;received=", &[0, 200, 400]),
    ] {
        expect(&mut desk, &text.replace(&via, broken), statuses);
    }
    expect(
        &mut desk,
        &text.replace(&format!("Via: {via}\r\n"), ""),
        &[0],
    );
}

#[test]
fn a_to_in_doubt_is_refused() /* ATTACKS D06 */
{
    let mut desk = Desk::new();
    for to in [
        &format!("To: <{DESK}>\r\nTo: ;tag=\r\n")[..],
        "To: ;tag=\r\n",
        "To: ;\r\n",
        "To: ,\r\n",
        "To: <\r\n",
        "To: >\r\n",
        "To: <>\r\n",
        "To: <sip:a@b\r\n",
        "To: <sip:a@b>>\r\n",
        "To: <sip:a@b>,<sip:c@d>\r\n",
        "To: \"a <sip:a@b>\r\n",
        "To: \r\n",
        "",
    ] {
        let text = fetch("").replace(&format!("To: <{DESK}>\r\n"), to);
        expect(&mut desk, &text, &[400]);
    }
}

#[test]
fn a_from_in_doubt_is_refused_and_comes_back_as_it_was() /* ATTACKS D07 */
{
    let mut desk = Desk::new();
    for from in [
        "\";\"",
        "\"x",
        "<>",
        "sip:",
        "\"\\",
        "\"a\\\" <sip:a@b>",
        ";tag=1",
        "<sip:>;tag=1",
        "<:>",
        "",
    ] {
        let text = fetch("").replace(
            "From: <sip:eve@192.0.2.9>;tag=teve",
            &format!("From: {from}"),
        );
        expect(&mut desk, &text, &[400]);
    }
}

#[test]
fn a_uri_that_breaks_off_is_refused() /* ATTACKS D08 */
{
    let mut desk = Desk::new();
    let labels = format!("sip:desk@{}", vec!["a"; 255].join("."));
    for (uri, statuses) in [
        ("sip:desk%@192.0.2.1", &[400][..]),
        ("sip:desk%4@192.0.2.1", &[400]),
        ("sip:desk@192.0.2.1%", &[400]),
        ("sip:@", &[400]),
        ("sip:", &[400]),
        ("sip", &[400]),
        (":", &[400]),
        ("sip::5060", &[400]),
        ("sip:desk@192.0.2.1:65536", &[400]),
        ("sip:desk@192.0.2.1:99999", &[400]),
        ("sip:desk@192.0.2.1:0", &[400, 404]),
        ("sip:desk@.1", &[400, 404]),
        ("sip:desk@[.1]", &[400]),
        ("sip:desk@[::1", &[400]),
        ("sip:nobody@a..b", &[400, 404]),
        ("tel:", &[400]),
        ("pres:", &[400, 404]),
    ] {
        let text = fetch("").replacen(
            &format!("SUBSCRIBE {DESK} "),
            &format!("SUBSCRIBE {uri} "),
            1,
        );
        expect_or_served(&mut desk, &text, statuses);
    }
    let text = fetch("").replacen(
        &format!("SUBSCRIBE {DESK} "),
        &format!("SUBSCRIBE {labels} "),
        1,
    );
    expect_or_served(&mut desk, &text, &[200, 400, 404]);
    for uri in [
        "sip:eve@192.0.2.66%",
        "sip:e%4@192.0.2.66",
        "sip:@",
        "sip::5060",
        "sip:e@h:65536",
        "sip:e@[.1]",
    ] {
        let text = fetch("").replace(&format!("<sip:eve@{EVE}>"), &format!("<{uri}>"));
        expect(&mut desk, &text, &[400]);
    }
    let text = fetch("").replace(&format!("<sip:eve@{EVE}>"), &format!("<{labels}>"));
    expect_or_served(&mut desk, &text, &[400, 513]);
}

#[test]
fn empty_values_are_refused_only_where_one_is_needed() /* ATTACKS D09 */
{
    let mut desk = Desk::new();
    for (line, statuses) in [
        ("Warning: \r\n", &[200][..]),
        ("Subscription-State:\r\n", &[200]),
        ("Supported:\r\n", &[200]),
        ("Require:\r\n", &[200]),
        ("Allow-Events: ,,\r\n", &[200]),
        ("Accept:\r\n", &[406]),
        ("Accept: ,\r\n", &[406]),
        ("X:\r\n", &[200]),
        (":\r\n", &[400]),
    ] {
        expect_or_served(&mut desk, &fetch(line), statuses);
    }
    for (from, to, statuses) in [
        ("Event: presence", "Event:", &[400, 489][..]),
        ("Expires: 0", "Expires:", &[400]),
        (&format!("Contact: <sip:eve@{EVE}>")[..], "Contact:", &[400]),
        ("Call-ID: call-eve", "Call-ID:", &[400]),
        ("CSeq: 1 SUBSCRIBE", "CSeq:", &[400]),
        ("Content-Length: 0", "Content-Length:", &[400]),
    ] {
        let text = fetch("");
        assert!(text.contains(from));
        expect_or_served(&mut desk, &text.replace(from, to), statuses);
    }
}

#[test]
fn a_thousand_rows_are_too_many_and_two_readings_are_none() /* ATTACKS D10 */
{
    let mut desk = Desk::new();
    for line in [
        "Via: SIP/2.0/UDP h;branch=z9hG4bKa\r\n",
        "Record-Route: <sip:192.0.2.70;lr>\r\n",
        "Route: <sip:192.0.2.70;lr>\r\n",
        "Contact: <sip:eve@192.0.2.66>\r\n",
    ] {
        expect(&mut desk, &fetch(&line.repeat(1_000)), &[400, 513]);
    }
    let many = |name: &str, value: &str| format!("{name}: {}\r\n", vec![value; 1_000].join(","));
    for (line, statuses) in [
        (many("Contact", "<sip:eve@192.0.2.66>"), &[400][..]),
        (many("Record-Route", "<sip:192.0.2.70;lr>"), &[400, 513]),
        (many("Route", "<sip:192.0.2.70;lr>"), &[200, 400]),
        (many("Via", "SIP/2.0/UDP h;branch=z9hG4bKa"), &[200, 400]),
        ("Event: dialog\r\n".to_string(), &[400]),
        ("o: dialog\r\n".to_string(), &[400]),
        ("o: presence\r\n".to_string(), &[400]),
        ("Expires: 600\r\n".to_string(), &[400]),
        ("i: other\r\n".to_string(), &[400]),
        ("f: <sip:other@192.0.2.9>;tag=1\r\n".to_string(), &[400]),
        ("t: <sip:other@192.0.2.9>\r\n".to_string(), &[400]),
        ("l: 0\r\n".to_string(), &[400]),
        ("l: 5\r\n".to_string(), &[400]),
        ("m: <sip:other@192.0.2.66>\r\n".to_string(), &[400]),
        ("CSeq: 2 SUBSCRIBE\r\n".to_string(), &[400]),
    ] {
        expect_or_served(&mut desk, &fetch(&line), statuses);
    }
}
