//! SUBSCRIBE as watchers send it, and what they are told (RFC 6665 §4.2). Group N and D of the checklist.

use super::*;
use crate::events::package::{Pace, Package};
use crate::wire::doc::dialog_info::{self, Extent, State};
use crate::wire::doc::pidf::{self, Basic};

fn basic(notify: &Sent) -> Option<Basic> {
    pidf::read(notify.body().as_bytes())
        .expect("a PIDF document")
        .basic
}

/// Version, extent and states of a dialog-info document.
fn dialogs(notify: &Sent) -> (u32, Extent, StdVec<(String, State)>) {
    let mut found = StdVec::new();
    let head = dialog_info::read(notify.body().as_bytes(), &mut |dialog| {
        found.push((dialog.id.unwrap().to_string(), dialog.state.unwrap()));
    })
    .expect("a dialog-info document");
    (head.version.unwrap(), head.extent, found)
}

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
    assert_eq!(ok.header("Allow-Events"), Some("presence, dialog"));
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
    ] {
        let phone = Phone::new(name, "");
        let sent = f.send(&phone, &phone.request("SUBSCRIBE", event));
        assert_eq!(sent.len(), 1, "{sent:#?}");
        assert_eq!(
            (sent[0].status(), sent[0].header("Allow-Events")),
            (489, Some("presence, dialog"))
        );
    }
    assert_eq!(f.agent.notifier.len(), 0);
}

#[test]
fn two_events_in_one_request_get_400() /* N04 */
{
    let mut f = Fixture::new();
    for (event, name) in [
        ("Event: presence\r\nEvent: dialog\r\n", "a"),
        ("Event: presence, dialog\r\n", "b"),
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

#[test]
fn every_change_is_told_to_every_watcher_of_both_packages() /* N31 */
{
    let mut f = Fixture::new();
    let watchers = [
        f.watching("bob", "presence"),
        f.watching("carol", "dialog"),
        f.watching("dave", "presence"),
    ];
    let told = f.input(Input::Hook(true));
    assert_eq!(told.len(), 3);
    for (watcher, _) in watchers.iter().zip(&told) {
        let notify = told
            .iter()
            .find(|sent| sent.flow.remote == watcher.address)
            .expect("told");
        f.confirm(watcher, notify);
    }
    let again = f.input(Input::Hook(true));
    assert_eq!(again, [], "nothing changed");
}

/// ```text
///   phone                agent       owner
///     │◄──────── NOTIFY 2 ─│◄── dnd on
///     │                    │◄── dnd off, off-hook: merged
///     │── 200 ────────────►│
///     │◄──────── NOTIFY 3 ─│   the newest state
/// ```
#[test]
fn one_notify_is_in_flight_and_the_newest_state_comes_last() /* N31 H06 */
{
    let mut f = Fixture::new();
    let phone = f.watching("bob", "presence");
    let first = f.input(Input::Dnd(true));
    assert_eq!(basic(&first[0]), Some(Basic::Closed));
    assert_eq!(f.input(Input::Dnd(false)), []);
    assert_eq!(f.input(Input::Hook(true)), []);
    let next = f.send(&phone, &first[0].answer("200 OK"));
    assert_eq!(next.len(), 1);
    assert_eq!(next[0].cseq(), first[0].cseq() + 1);
    assert_eq!(basic(&next[0]), Some(Basic::Open));
    assert!(next[0].body().contains("on-the-phone"));
    f.confirm(&phone, &next[0]);
}

#[test]
fn a_burst_is_told_at_once_then_at_the_interval_and_never_lost() /* N31 D12 */
{
    let mut f = Fixture::new();
    let phone = f.watching("bob", "presence");
    let mut told = 0;
    for press in 0..7 {
        for notify in f.input(Input::Dnd(press % 2 == 0)) {
            told += 1;
            f.confirm(&phone, &notify);
        }
    }
    assert_eq!(told, 4, "the burst of the default settings");
    let late = f.run(Duration::from_secs(6));
    assert_eq!(
        late.len(),
        2,
        "the merged change and its first repetition: {late:#?}"
    );
    assert_eq!((late[0].0, basic(&late[0].1)), (5_000, Some(Basic::Closed)));
}

#[test]
fn final_answers_that_deny_the_subscription_remove_it() /* N26 N27 */
{
    for status in [
        404, 405, 408, 410, 416, 480, 481, 482, 483, 484, 485, 489, 501, 604,
    ] {
        let mut f = Fixture::new();
        let phone = f.watching("bob", "presence");
        let told = f.input(Input::Dnd(true));
        assert_eq!(f.send(&phone, &told[0].answer(&format!("{status} No"))), []);
        assert_eq!(f.agent.notifier.len(), 0, "{status}");
        assert_eq!(f.run(Duration::from_secs(4_000)), []);
    }
}

#[test]
fn an_unanswered_notify_is_repeated_eleven_times_and_removes() /* N27 T01 T02 C08 */
{
    let mut f = Fixture::new();
    f.watching("bob", "presence");
    let told = f.input(Input::Dnd(true));
    let repeats = f.run(Duration::from_secs(33));
    assert_eq!(repeats.len(), 10);
    assert!(
        repeats.iter().all(|(_, repeat)| *repeat == told[0]),
        "the same bytes"
    );
    assert_eq!(f.agent.notifier.len(), 0);
    assert_eq!(f.run(Duration::from_secs(4_000)), []);
}

#[test]
fn passing_failures_keep_the_subscription_and_the_newest_state_is_told() /* N28 */
{
    for status in [400, 401, 403, 406, 407, 415, 420] {
        let mut f = Fixture::new();
        let phone = f.watching("bob", "presence");
        let told = f.input(Input::Dnd(true));
        f.send(&phone, &told[0].answer(&format!("{status} No")));
        assert_eq!(f.agent.notifier.len(), 1, "{status}");
        assert_eq!(f.input(Input::Dnd(false)).len(), 1, "{status}");
    }
    for (answer, waits) in [
        ("500 No", 4_000),
        ("503 No", 4_000),
        ("503 No\r\nRetry-After: 17\r\n", 17_000),
    ] {
        let mut f = Fixture::new();
        let phone = f.watching("bob", "presence");
        let told = f.input(Input::Dnd(true));
        f.send(&phone, &told[0].answer(answer));
        let again = f.run(Duration::from_millis(waits + 100));
        assert_eq!(
            (again.len(), again[0].0, basic(&again[0].1)),
            (1, waits, Some(Basic::Closed)),
            "{answer}"
        );
        f.confirm(&phone, &again[0].1);
    }
}

#[test]
fn an_unreachable_watcher_is_tried_again_and_then_removed() /* T06 */
{
    let mut f = Fixture::new();
    let phone = f.watching("bob", "presence");
    f.input(Input::Dnd(true));
    for waits in [4_000, 8_000, 16_000] {
        f.agent.handle_unreachable(f.now, phone.address);
        let again = f.run(Duration::from_millis(waits));
        assert_eq!(
            again.iter().map(|(at, _)| *at).collect::<StdVec<_>>(),
            [waits]
        );
    }
    f.agent.handle_unreachable(f.now, phone.address);
    assert!(f.agent.notifier.is_empty());
}

#[test]
fn a_full_table_refuses_the_new_and_refreshes_the_old() /* N38 */
{
    for left in 0..3 {
        let mut f = Fixture::new();
        let mut old = f.watching("old", "presence");
        f.agent.notifier.leave_room(Some(left));
        for number in 0..=left {
            let phone = Phone::new(&format!("n{number}"), "presence");
            let sent = f.send(&phone, &phone.subscribe(600));
            if number < left {
                assert_eq!(sent[0].status(), 200);
            } else {
                assert_eq!((sent.len(), sent[0].status()), (1, 503));
                assert_eq!(sent[0].header("Retry-After"), Some("30"));
            }
        }
        assert_eq!(f.send(&old.clone(), &old.refresh(600))[0].status(), 200);
        assert_eq!(f.agent.notifier.len(), 1 + left);
    }
}

#[test]
fn a_device_that_forgot_takes_its_own_place_in_a_full_table() /* N38 C01 */
{
    let mut f = Fixture::new();
    let mut phone = f.watching("bob", "presence");
    f.watching("carol", "presence");
    f.agent.notifier.leave_room(Some(0));
    let contact = format!("Contact: <sip:bob@{}>\r\n", phone.address);
    phone.name = "rebooted".to_string();
    phone.to_tag = None;
    let sent = f.send(
        &phone,
        &phone.bare_request("SUBSCRIBE", &format!("{contact}Event: presence\r\n")),
    );
    assert_eq!((sent.len(), sent[0].status()), (2, 200));
    assert_eq!(f.agent.notifier.len(), 2);
}

#[test]
fn a_device_that_moved_is_found_at_its_new_contact() /* N38 C01 */
{
    let mut f = Fixture::new();
    let mut phone = f.watching("bob", "presence");
    let moved = "Contact: <sip:moved@192.0.2.77:5070>\r\nEvent: presence\r\n";
    phone.cseq += 1;
    let sent = f.send(&phone, &phone.bare_request("SUBSCRIBE", moved));
    f.confirm(&phone, &sent[1]);
    f.agent.notifier.leave_room(Some(0));
    phone.to_tag = None;
    // The old Contact finds nothing; the new one finds the place that was forgotten.
    phone.name = "once".to_string();
    let old = format!(
        "Contact: <sip:bob@{}>\r\nEvent: presence\r\n",
        phone.address
    );
    let sent = f.send(&phone, &phone.bare_request("SUBSCRIBE", &old));
    assert_eq!(sent[0].status(), 503);
    phone.name = "again".to_string();
    let sent = f.send(&phone, &phone.bare_request("SUBSCRIBE", moved));
    assert_eq!((sent.len(), sent[0].status()), (2, 200));
    assert_eq!(f.agent.notifier.len(), 1);
}

#[test]
fn a_subscribe_storm_fills_the_table_and_empties_again() /* N38 C03 */
{
    let mut f = Fixture::new();
    let mut refused = 0;
    for number in 0..limits::SUBSCRIPTIONS + 500 {
        let phone = Phone::new(&format!("p{number}"), "presence");
        refused += usize::from(f.send(&phone, &phone.subscribe(60))[0].status() == 503);
    }
    assert_eq!(
        (f.agent.notifier.len(), refused),
        (limits::SUBSCRIPTIONS, 500)
    );
    f.run(Duration::from_secs(200));
    assert!(f.agent.notifier.is_empty() && f.agent.transactions.is_empty());
    f.watching("bob", "presence");
}

#[test]
fn stopping_tells_every_watcher() /* N37 */
{
    let mut f = Fixture::new();
    let watchers = [f.watching("bob", "presence"), f.watching("carol", "dialog")];
    f.agent.stop();
    let last = f.drain();
    for (watcher, notify) in watchers.iter().zip(&last) {
        assert_eq!(
            notify.header("Subscription-State"),
            Some("terminated;reason=deactivated")
        );
        f.confirm(watcher, notify);
    }
    assert!(f.agent.is_stopped());
}

#[test]
fn stopping_does_not_wait_for_answers() /* N37 J05 */
{
    let mut f = Fixture::new();
    f.watching("bob", "presence");
    let told = f.input(Input::Dnd(true));
    f.agent.stop();
    let last = f.drain();
    assert_eq!(last[0].cseq(), told[0].cseq() + 1);
    assert!(last[0].text.contains("terminated;reason=deactivated"));
}

#[test]
fn a_presentity_that_goes_takes_its_watchers_along_and_others_stay() /* N37 */
{
    let mut f = Fixture::new();
    let phone = f.watching("bob", "presence");
    let mut settings = f.agent.settings().clone();
    settings
        .trusted
        .push(Network::parse("198.51.100.0/24").unwrap())
        .unwrap();
    f.agent.reconfigure(f.now, f.wall, &settings);
    assert_eq!(
        f.drain(),
        [],
        "a reload that keeps the desk tells nobody anything"
    );
    settings.presentities[0] =
        PresentitySettings::new(Text::copied("sip:other@192.0.2.1").unwrap());
    f.agent.reconfigure(f.now, f.wall, &settings);
    let last = f.drain();
    assert_eq!(
        last[0].header("Subscription-State"),
        Some("terminated;reason=noresource")
    );
    f.confirm(&phone, &last[0]);
}

#[test]
fn a_dialog_subscription_counts_its_own_versions() /* D01 D02 D03 D04 D09 */
{
    let mut f = Fixture::new();
    let bob = f.watching("bob", "dialog");
    let on = f.input(Input::Hook(true));
    let (version, extent, up) = dialogs(&on[0]);
    assert_eq!(
        (version, extent, up.len(), up[0].1),
        (1, Extent::Partial, 1, State::Confirmed)
    );
    f.confirm(&bob, &on[0]);
    let mut carol = f.watching("carol", "dialog");
    let off = f.input(Input::Hook(false));
    let of = |phone: &Phone| {
        off.iter()
            .find(|sent| sent.flow.remote == phone.address)
            .unwrap()
    };
    assert_eq!(
        dialogs(of(&bob)),
        (
            2,
            Extent::Partial,
            std::vec![(up[0].0.clone(), State::Terminated)]
        )
    );
    assert_eq!(dialogs(of(&carol)).0, 1);
    f.confirm(&bob, of(&bob));
    f.confirm(&carol, of(&carol));
    let refreshed = f.send(&carol.clone(), &carol.refresh(600));
    assert_eq!(dialogs(&refreshed[1]), (2, Extent::Full, std::vec![]));
}

#[test]
fn a_call_missed_while_a_notify_was_in_flight_is_told_as_ended() /* D03 D09 */
{
    let mut f = Fixture::new();
    let phone = f.watching("bob", "dialog");
    let first = f.input(Input::Hook(true));
    f.input(Input::Hook(false));
    f.input(Input::Hook(true));
    let next = f.send(&phone, &first[0].answer("200 OK"));
    let (version, extent, calls) = dialogs(&next[0]);
    assert_eq!((version, extent), (2, Extent::Partial));
    let states: StdVec<_> = calls.iter().map(|(_, state)| *state).collect();
    assert_eq!(states, [State::Terminated, State::Confirmed]);
    assert_ne!(calls[0].0, calls[1].0);
}

#[test]
fn a_named_dialog_that_is_not_there_ends_at_once() /* D10 */
{
    let mut f = Fixture::new();
    let phone = Phone::new("bob", "dialog;call-id=\"a@b\";from-tag=1;to-tag=2");
    let sent = f.send(&phone, &phone.subscribe(600));
    assert_eq!(sent[0].status(), 200);
    assert_eq!(
        sent[1].header("Subscription-State"),
        Some("terminated;reason=noresource")
    );
}

#[test]
fn dnd_is_seen_in_both_packages_unless_switched_off() /* D11 */
{
    for shows_dnd in [true, false] {
        let mut f = Fixture::with(|settings| settings.presentities[0].dialog_shows_dnd = shows_dnd);
        f.watching("bob", "dialog");
        f.watching("carol", "presence");
        let told = f.input(Input::Dnd(true));
        assert_eq!(told.len(), if shows_dnd { 2 } else { 1 });
        assert!(
            told.iter()
                .any(|sent| sent.body().contains("<basic>closed</basic>"))
        );
        assert_eq!(
            told.iter()
                .filter(|sent| sent.body().contains("confirmed"))
                .count(),
            told.len() - 1
        );
    }
}

#[test]
fn a_document_that_made_way_for_newer_ones_is_replaced_by_the_newest() {
    let mut f = Fixture::with(|settings| {
        settings.paces = [Pace::UNLIMITED; Package::COUNT];
    });
    let silent = f.watching("silent", "presence");
    let awake = f.watching("awake", "presence");
    for press in 0..limits::BODIES + 2 {
        for notify in f.input(Input::Dnd(press % 2 == 0)) {
            if notify.flow.remote == awake.address {
                f.confirm(&awake, &notify);
            }
        }
    }
    let repeat = f.run(Duration::from_millis(600));
    assert_eq!(repeat.len(), 1);
    assert_eq!(repeat[0].1.flow.remote, silent.address);
    assert_eq!(
        (repeat[0].1.cseq(), basic(&repeat[0].1)),
        (3, Some(Basic::Open))
    );
}

/// Every other phone missed one call: two kinds of partial documents, each rendered once.
#[test]
fn watchers_behind_by_different_changes_share_their_documents() /* D03 */
{
    let mut f = Fixture::with(|settings| settings.paces = [Pace::UNLIMITED; Package::COUNT]);
    let phones: StdVec<Phone> = (0..2 * limits::BODIES)
        .map(|number| f.watching(&format!("p{number}"), "dialog"))
        .collect();
    for (number, notify) in f.input(Input::Hook(true)).iter().enumerate() {
        let answer = ["200 OK", "400 No"][number % 2];
        f.send_from(notify.flow.remote, &notify.answer(answer));
    }
    let told = f.input(Input::Hook(false));
    assert_eq!(told.len(), phones.len());
    let mut repeats = f.run(Duration::from_millis(510));
    repeats.retain(|(_, sent)| told.contains(sent));
    assert_eq!(
        repeats.len(),
        told.len(),
        "the same bytes again, not replacements"
    );
}

#[test]
fn all_packages_are_served() {
    let mut f = Fixture::new();
    for package in Package::ALL {
        f.watching(package.name(), package.name());
    }
}
