//! SUBSCRIBE as watchers send it, and how it is answered (RFC 6665 §4.2.1). Group N of the checklist.

use super::*;
use crate::wire::doc::pidf::Basic;

/// ```text
///   phone                agent
///     │── SUBSCRIBE ──────►│
///     │◄────────── 200 ────│
///     │◄──────── NOTIFY ───│  at once
/// ```
#[test]
fn notifier_sends_notify_immediately_after_200() /* N06 N10 N11 N12 N22 N34 S06 */
{
    let mut f = Fixture::new();
    let phone = Phone::new("bob", "presence;id=7");
    let sent = f.send(&phone, &phone.subscribe(600));
    let [ok, notify] = &sent[..] else {
        panic!("{sent:#?}")
    };
    assert_eq!((ok.status(), ok.header("Expires")), (200, Some("600")));
    assert_eq!(
        ok.header("Allow-Events"),
        Some("presence, dialog, as-feature-event")
    );
    assert!(ok.header("Allow").unwrap().contains("SUBSCRIBE, NOTIFY"));
    assert_eq!(
        (ok.header("Event"), ok.header("Subscription-State")),
        (None, None)
    );
    assert!(notify.is_notify());
    assert_eq!(notify.header("Event"), Some("presence;id=7"));
    assert_eq!(
        notify.header("Subscription-State"),
        Some("active;expires=600")
    );
    assert_eq!(notify.header("Content-Type"), Some("application/pidf+xml"));
    assert_eq!(notify.header("From"), ok.header("To"));
    assert_eq!(notify.header("To"), Some("<sip:bob@192.0.2.9>;tag=tbob"));
    assert_eq!(notify.header("Call-ID"), Some("call-bob"));
    assert_eq!(notify.header("Max-Forwards"), Some("70"));
    assert_eq!(notify.flow.remote, phone.address);
    assert!(notify.text.starts_with("NOTIFY sip:bob@"));
    assert_eq!(basic(notify), Some(Basic::Open));
}

#[test]
fn contacts_are_of_this_instance() /* N23 */
{
    let mut f = Fixture::new();
    let phone = Phone::new("bob", "presence");
    for message in f.send(&phone, &phone.subscribe(600)) {
        assert_eq!(
            message.header("Contact"),
            Some("<sip:desk@192.0.2.1:5060;gr>")
        );
    }
}

#[test]
fn unknown_and_missing_events_get_489_with_the_known_ones() /* N03 N05 */
{
    let mut f = Fixture::new();
    for (event, name) in [
        ("Event: conference\r\n", "a"),
        ("", "b"),
        ("Event: Presence\r\n", "c"),
        ("Event: message-summary\r\n", "d"),
    ] {
        let phone = Phone::new(name, "");
        let sent = f.send(&phone, &phone.request("SUBSCRIBE", event));
        assert_eq!(sent.len(), 1, "{sent:#?}");
        assert_eq!(
            (sent[0].status(), sent[0].header("Allow-Events")),
            (489, Some("presence, dialog, as-feature-event"))
        );
    }
    assert_eq!(f.agent.notifier.len(), 0);
}

#[test]
fn two_events_or_a_quoted_id_get_400() /* N04 */
{
    let mut f = Fixture::new();
    for (event, name) in [
        ("Event: presence\r\nEvent: dialog\r\n", "a"),
        ("Event: presence, dialog\r\n", "b"),
        ("Event: presence;id=\"a,b\"\r\n", "c"),
    ] {
        let phone = Phone::new(name, "");
        assert_eq!(
            f.send(&phone, &phone.request("SUBSCRIBE", event))[0].status(),
            400
        );
    }
}

#[test]
fn lifetimes_are_granted_shortened_or_refused() /* N06 N07 N08 N09 */
{
    let mut f = Fixture::new();
    for (name, line, status, granted) in [
        ("a", "", 200, Some("3600")),
        ("b", "Expires: 61\r\n", 200, Some("61")),
        ("c", "Expires: 7200\r\n", 200, Some("3600")),
        ("d", "Expires: 4294967295\r\n", 200, Some("3600")),
        ("e", "Expires: 4294967296\r\n", 200, Some("3600")),
        ("f", "Expires: 59\r\n", 423, None),
        ("g", "Expires: abc\r\n", 400, None),
        ("h", "Expires: -1\r\n", 400, None),
    ] {
        let phone = Phone::new(name, "");
        let sent = f.send(
            &phone,
            &phone.request("SUBSCRIBE", &format!("Event: presence\r\n{line}")),
        );
        assert_eq!(
            (sent[0].status(), sent[0].header("Expires")),
            (status, granted),
            "{line}"
        );
        if status == 423 {
            assert_eq!(sent[0].header("Min-Expires"), Some("60"));
        }
    }
}

#[test]
fn fetch_gets_one_final_notify_and_leaves_nothing() /* N14 */
{
    let mut f = Fixture::new();
    let phone = Phone::new("bob", "presence");
    let sent = f.send(&phone, &phone.subscribe(0));
    assert_eq!(
        (sent[0].status(), sent[0].header("Expires")),
        (200, Some("0"))
    );
    assert_eq!(
        sent[1].header("Subscription-State"),
        Some("terminated;reason=timeout")
    );
    assert_eq!(basic(&sent[1]), Some(Basic::Open));
    assert_eq!(f.agent.notifier.len(), 1);
    f.confirm(&phone, &sent[1]);
    assert_eq!(f.agent.notifier.len(), 0);
}

#[test]
fn unsubscribe_ends_with_a_final_notify() /* N15 N12 H01 */
{
    let mut f = Fixture::new();
    let mut phone = f.watching("bob", "presence");
    let sent = f.send(&phone.clone(), &phone.refresh(0));
    assert_eq!(
        (sent[0].status(), sent[0].header("Expires")),
        (200, Some("0"))
    );
    assert_eq!(
        sent[1].header("Subscription-State"),
        Some("terminated;reason=timeout")
    );
    let again = f.send(&phone.clone(), &phone.refresh(0));
    assert_eq!(again[0].status(), 481);
    f.confirm(&phone, &sent[1]);
    assert_eq!(f.agent.notifier.len(), 0);
}

#[test]
fn expiry_ends_with_a_final_notify() /* N15 */
{
    let mut f = Fixture::new();
    let phone = f.watching("bob", "presence");
    let sent = f.run(Duration::from_secs(3_601));
    let (at, last) = &sent[0];
    assert_eq!(
        (*at, last.header("Subscription-State")),
        (3_600_000, Some("terminated;reason=timeout"))
    );
    f.confirm(&phone, last);
    assert_eq!(f.agent.notifier.len(), 0);
}

#[test]
fn subscribe_with_a_foreign_tag_gets_481_and_creates_nothing() /* N16 A08 */
{
    let mut f = Fixture::new();
    let known = f.watching("bob", "presence");
    let right = known.to_tag.clone().unwrap();
    for tag in [
        "nonsense",
        "s0000000000000000000",
        &right.replace('s', "w"),
        &format!("{right}0"),
    ] {
        let mut phone = known.clone();
        phone.cseq += 1;
        phone.to_tag = Some(tag.to_string());
        assert_eq!(
            f.send(&phone, &phone.subscribe(600))[0].status(),
            481,
            "{tag}"
        );
    }
    let mut stranger = Phone::new("eve", "presence");
    stranger.to_tag = Some(right);
    assert_eq!(f.send(&stranger, &stranger.subscribe(0))[0].status(), 481);
    assert_eq!(f.agent.notifier.len(), 1);
}

#[test]
fn a_lower_cseq_gets_500_and_a_gap_is_accepted() /* N17 */
{
    let mut f = Fixture::new();
    let mut phone = f.watching("bob", "presence");
    phone.cseq = 40;
    let sent = f.send(&phone.clone(), &phone.refresh(600));
    assert_eq!(sent[0].status(), 200);
    f.confirm(&phone, &sent[1]);
    phone.cseq = 10;
    assert_eq!(f.send(&phone, &phone.subscribe(600))[0].status(), 500);
}

#[test]
fn another_event_in_the_dialog_gets_403() /* N18 */
{
    let mut f = Fixture::new();
    let mut phone = f.watching("bob", "presence");
    for event in ["dialog", "presence;id=x"] {
        phone.event = event;
        let sent = f.send(&phone.clone(), &phone.refresh(600));
        assert_eq!((sent.len(), sent[0].status()), (1, 403));
    }
    phone.event = "presence";
    assert_eq!(f.send(&phone.clone(), &phone.refresh(600))[0].status(), 200);
}

#[test]
fn a_new_contact_counts_only_with_a_2xx() /* N19 */
{
    let mut f = Fixture::new();
    let mut phone = f.watching("bob", "presence");
    phone.cseq += 1;
    let moved = "Contact: <sip:moved@192.0.2.77:5099>\r\nEvent: presence\r\n";
    let refused = phone.bare_request("SUBSCRIBE", &format!("{moved}Expires: 5\r\n"));
    assert_eq!(f.send(&phone, &refused)[0].status(), 423);
    let told = f.input(Input::Dnd(true));
    assert!(
        told[0].text.starts_with("NOTIFY sip:bob@"),
        "{}",
        told[0].text
    );
    f.confirm(&phone, &told[0]);
    phone.cseq += 1;
    let accepted = phone.bare_request("SUBSCRIBE", &format!("{moved}Expires: 600\r\n"));
    let sent = f.send(&phone, &accepted);
    assert_eq!(sent[0].status(), 200);
    assert!(
        sent[1]
            .text
            .starts_with("NOTIFY sip:moved@192.0.2.77:5099 SIP/2.0\r\n")
    );
}

#[test]
fn the_contact_in_the_answer_to_a_notify_is_the_new_target() /* N19 */
{
    let mut f = Fixture::new();
    let phone = f.watching("bob", "presence");
    let told = f.input(Input::Dnd(true));
    f.send(
        &phone,
        &told[0].answer("200 OK\r\nContact: <sip:other@192.0.2.50>\r\n"),
    );
    assert!(
        f.input(Input::Dnd(false))[0]
            .text
            .starts_with("NOTIFY sip:other@192.0.2.50 ")
    );
}

#[test]
fn anything_but_one_sip_contact_gets_400() /* N20 B04 */
{
    let mut f = Fixture::new();
    for (name, contact) in [
        ("a", ""),
        ("b", "Contact: <sip:x@192.0.2.3>, <sip:y@192.0.2.3>\r\n"),
        ("c", "Contact: <tel:+123>\r\n"),
        ("d", "Contact: *\r\n"),
        ("e", "Contact: <sip:x@0.0.0.0>\r\n"),
        ("f", "Contact: <sip:x@224.0.0.1>\r\n"),
        ("g", "Contact: <sip:x@[::]>\r\n"),
        ("h", "Contact: <sip:x@255.255.255.255>\r\n"),
        ("i", "Contact: <sip:x@192.0.2.3:0>\r\n"),
    ] {
        let phone = Phone::new(name, "");
        let sent = f.send(
            &phone,
            &phone.bare_request("SUBSCRIBE", &format!("{contact}Event: presence\r\n")),
        );
        assert_eq!(
            sent.iter().map(Sent::status).collect::<StdVec<_>>(),
            [400],
            "{contact}"
        );
    }
}

#[test]
fn routes_are_recorded_in_order_and_followed() /* N21 */
{
    let mut f = Fixture::new();
    let phone = Phone::new("bob", "presence");
    let routes = "Record-Route: <sip:p1@192.0.2.70;lr>, <sip:192.0.2.71;lr>\r\nRecord-Route: <sip:192.0.2.72;lr>\r\n";
    let sent = f.send(
        &phone,
        &phone.request("SUBSCRIBE", &format!("{routes}Event: presence\r\n")),
    );
    let recorded = [
        "<sip:p1@192.0.2.70;lr>, <sip:192.0.2.71;lr>",
        "<sip:192.0.2.72;lr>",
    ];
    assert_eq!(sent[0].headers("Record-Route"), recorded);
    let expected = [
        "<sip:p1@192.0.2.70;lr>",
        "<sip:192.0.2.71;lr>",
        "<sip:192.0.2.72;lr>",
    ];
    assert_eq!(sent[1].headers("Route"), expected);
    assert!(sent[1].text.starts_with("NOTIFY sip:bob@"));
}

#[test]
fn a_strict_first_route_becomes_the_request_uri() /* N21 */
{
    let mut f = Fixture::new();
    let phone = Phone::new("bob", "presence");
    let routes = "Record-Route: <sip:old@192.0.2.70>, <sip:192.0.2.71;lr>\r\n";
    let sent = f.send(
        &phone,
        &phone.request("SUBSCRIBE", &format!("{routes}Event: presence\r\n")),
    );
    assert!(
        sent[1]
            .text
            .starts_with("NOTIFY sip:old@192.0.2.70 SIP/2.0\r\n")
    );
    let contact = format!("<sip:bob@{}>", phone.address);
    assert_eq!(sent[1].headers("Route"), ["<sip:192.0.2.71;lr>", &contact]);
}

#[test]
fn the_body_is_of_the_type_the_watcher_accepts() /* N24 N25 D13 */
{
    let mut f = Fixture::new();
    let pidf = Some("application/pidf+xml");
    for (name, event, accept, status, content_type) in [
        ("a", "presence", "", 200, pidf),
        (
            "b",
            "presence",
            "Accept: application/x-new, application/pidf+xml\r\n",
            200,
            pidf,
        ),
        (
            "c",
            "presence",
            "Accept: application/cpim-pidf+xml\r\n",
            200,
            Some("application/cpim-pidf+xml"),
        ),
        (
            "d",
            "presence",
            "Accept: application/xpidf+xml, application/cpim-pidf+xml;q=0.5\r\n",
            200,
            Some("application/cpim-pidf+xml"),
        ),
        ("e", "presence", "Accept: */*\r\n", 200, pidf),
        (
            "f",
            "presence",
            "Accept: application/*, application/pidf+xml;q=0\r\n",
            200,
            Some("application/cpim-pidf+xml"),
        ),
        ("g", "presence", "Accept: text/plain\r\n", 406, None),
        ("h", "presence", "Accept: \r\n", 406, None),
        ("i", "dialog", "", 200, Some("application/dialog-info+xml")),
        ("j", "dialog", "Accept: application/pidf+xml\r\n", 406, None),
    ] {
        let phone = Phone::new(name, "");
        let sent = f.send(
            &phone,
            &phone.request("SUBSCRIBE", &format!("{accept}Event: {event}\r\n")),
        );
        assert_eq!(sent[0].status(), status, "{accept}");
        assert_eq!(
            sent.get(1).and_then(|notify| notify.header("Content-Type")),
            content_type,
            "{accept}"
        );
    }
}

#[test]
fn a_refresh_may_change_the_body_type() /* N24 */
{
    let mut f = Fixture::new();
    let mut phone = f.watching("bob", "presence");
    phone.cseq += 1;
    let accept = "Accept: application/cpim-pidf+xml\r\nEvent: presence\r\nExpires: 600\r\n";
    let sent = f.send(&phone, &phone.request("SUBSCRIBE", accept));
    assert_eq!(
        sent[1].header("Content-Type"),
        Some("application/cpim-pidf+xml")
    );
}
