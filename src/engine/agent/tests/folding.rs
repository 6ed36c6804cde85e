//! Header values that go on in the next line: what is kept of them and what is echoed (RFC 3261 §7.3.1).

use super::approval::{asking, stranger};
use super::*;

fn with(phone: &Phone, rows: &str) -> String {
    phone.request("SUBSCRIBE", &format!("{rows}Event: presence\r\n"))
}

#[test]
fn a_folded_record_route_is_echoed_whole_and_followed() /* N21 T14 */
{
    let mut f = Fixture::new();
    let phone = Phone::new("bob", "presence");
    let value = "<sip:192.0.2.70;lr>,\r\n <sip:192.0.2.71;lr>\r\n\t;x=y";
    let sent = f.send(&phone, &with(&phone, &format!("Record-Route: {value}\r\n")));
    assert_eq!(sent.len(), 2, "a 200 and a NOTIFY: {sent:#?}");
    assert_eq!(sent[0].status(), 200);
    let row = format!("\r\nRecord-Route: {value}\r\n");
    assert!(sent[0].text.contains(&row), "{}", sent[0].text);
    let expected = ["<sip:192.0.2.70;lr>", "<sip:192.0.2.71;lr> ;x=y"];
    assert_eq!(sent[1].headers("Route"), expected);
    assert!(sent[1].text.starts_with("NOTIFY sip:bob@"));
}

#[test]
fn a_folded_strict_route_becomes_the_request_uri_and_nothing_else() /* N21 I02 */
{
    let mut f = Fixture::new();
    let phone = Phone::new("bob", "presence");
    let routes = "Record-Route: \"A\"\r\n <sip:old@192.0.2.70>\r\n , <sip:192.0.2.71;lr>\r\n";
    let sent = f.send(&phone, &with(&phone, routes));
    let start = "NOTIFY sip:old@192.0.2.70 SIP/2.0\r\nVia: ";
    assert!(sent[1].text.starts_with(start), "{}", sent[1].text);
    let contact = format!("<sip:bob@{}>", phone.address);
    assert_eq!(sent[1].headers("Route"), ["<sip:192.0.2.71;lr>", &contact]);
    assert_eq!(sent[1].header("CSeq"), Some("1 NOTIFY"));
    assert!(!sent[1].text.contains("\r\n "), "{}", sent[1].text);
}

#[test]
fn folded_names_are_those_of_the_dialog() /* N34 */
{
    let mut f = Fixture::new();
    let mut phone = Phone::new("bob", "presence");
    let fold = |text: &str| {
        text.replace("From: <", "From:\r\n \"B\r\n\t ob\"\r\n <")
            .replace(";tag=tbob", "\r\n ;tag=tbob")
            .replace("To: <", "To: Desk \r\n <")
    };
    let sent = f.send(&phone, &fold(&phone.subscribe(600)));
    phone.learn(&Sent {
        text: sent[0].text.replace("Desk \r\n ", ""),
        ..sent[0].clone()
    });
    let to = "\"B ob\" <sip:bob@192.0.2.9> ;tag=tbob";
    assert_eq!(sent[1].header("To"), Some(to));
    let from = format!("Desk <{DESK}>;tag={}", phone.to_tag.as_deref().unwrap());
    assert_eq!(sent[1].header("From"), Some(&from[..]));
    f.confirm(&phone, &sent[1]);
    let refreshed = f.send(&phone, &fold(&phone.clone().refresh(600)));
    assert_eq!(refreshed[0].status(), 200, "the tag is known again");
}

#[test]
fn who_folds_a_from_is_seen_and_blocked_by_name() /* N29 */
{
    let mut f = asking();
    let eve = stranger("eve", "presence", 1);
    let text = eve.subscribe(600).replace("From: <", "From: \"Eve\"\r\n <");
    let sent = f.send(&eve, &text);
    f.confirm(&eve, &sent[1]);
    let name = |f: &Fixture| f.agent.subscriptions().next().map(|it| it.watcher.to_vec());
    assert_eq!(name(&f).as_deref(), Some(&b"sip:eve@192.0.2.9"[..]));
    assert_eq!(f.decide("eve", false), Ok(1));
    let told = f.drain();
    let state = told[0].header("Subscription-State");
    assert_eq!(state, Some("terminated;reason=rejected"));
}

#[test]
fn a_folded_or_odd_option_tag_is_refused_by_name() /* N39 */
{
    for tag in ["a\r\n b", "a\0b"] {
        let mut f = Fixture::new();
        let phone = Phone::new("bob", "presence");
        let sent = f.send(&phone, &with(&phone, &format!("Require: x, {tag}\r\n")));
        assert_eq!(sent[0].status(), 420, "{tag:?}");
        let row = format!("\r\nUnsupported: x, {tag}\r\n");
        assert!(sent[0].text.contains(&row), "{}", sent[0].text);
    }
}
