//! The first SUBSCRIBE, and what opens a subscription.
//!
//! ```text
//!   watcher            notifier
//!      │── SUBSCRIBE ──►│
//!      │◄──────── 200 ──│     these two in
//!      │◄───── NOTIFY ──│     either order
//! ```

extern crate std;

use super::fixture::*;
use crate::events::package::Package;
use crate::events::watched::Watched;
use crate::ground::limits;
use crate::ground::time::{Duration, Instant, Seconds};
use crate::roles::watcher::{AddError, Order};
use crate::ua::query::Name;
use crate::wire::sip::Status;
use std::collections::BTreeSet;
use std::format;
use std::string::ToString;
use std::vec::Vec;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_subscribe_says_what_it_must() /* S25 T21 */
{
    let mut f = Fixture::waiting();
    let sent = f.expect_one(3 * SECOND);
    assert!(
        sent.text
            .starts_with("SUBSCRIBE sip:bob@192.0.2.1 SIP/2.0\r\n")
    );
    assert_eq!(sent.to, address(SERVER));
    assert_eq!(sent.header("Event"), "dialog");
    assert_eq!(sent.header("Accept"), "application/dialog-info+xml");
    assert_eq!(sent.header("Expires"), "300");
    assert_eq!(sent.header("To"), "<sip:bob@192.0.2.1>");
    assert!(sent.header("From").starts_with("<sip:desk@192.0.2.9>;tag="));
    assert_eq!(sent.header("Contact"), "<sip:desk@192.0.2.9:5060;gr>");
    assert_eq!(f.watched(), Watched::Subscribing);
    assert!(!f.is_broken());
}

#[test]
fn presence_accepts_every_type_it_reads() /* S25 */
{
    let mut f = Fixture::ordered(&Order {
        package: Package::Presence,
        ..order("sip:bob@192.0.2.1")
    });
    let sent = f.expect_one(3 * SECOND);
    assert_eq!(
        sent.header("Accept"),
        "application/pidf+xml, application/cpim-pidf+xml, application/xpidf+xml"
    );
}

#[test]
fn the_200_and_then_the_notify_make_it_active() /* S02 */
{
    let mut f = Fixture::active();
    assert_eq!(f.report().state, "active");
    assert_eq!(f.watched(), Watched::Idle);
    assert_eq!(f.report().last_status, Some(200));
    f.tell("peer", 2, "confirmed");
    assert_eq!(f.watched(), Watched::Busy);
    f.tell("peer", 3, "early");
    assert_eq!(f.watched(), Watched::Ringing);
}

#[test]
fn a_notify_before_the_200_is_accepted_and_the_200_adds_nothing() /* S01 */
{
    let mut f = Fixture::asking();
    let sent = f.last();
    let text = calls(0, "full", "confirmed");
    f.notify_ok(&sent.notify("peer", 1, "active;expires=200", &dialog_info(&text)));
    assert_eq!(f.watched(), Watched::Busy);
    let ends = f.report().expires;
    f.answer(&sent, 200, "Expires: 300\r\n");
    assert_eq!(f.watched(), Watched::Busy);
    assert_eq!(f.report().expires, ends);
    assert_eq!(f.report().state, "active");
    f.tell("peer", 2, "");
    assert_eq!(f.watched(), Watched::Idle);
}

#[test]
fn the_route_set_is_that_of_the_notify() /* S02 */
{
    let mut f = Fixture::asking();
    let sent = f.last();
    f.answer(
        &sent,
        200,
        "Record-Route: <sip:192.0.2.77;lr>\r\nExpires: 300\r\n",
    );
    let text = calls(0, "full", "");
    let notify = sent.notify("peer", 1, "active;expires=300", &dialog_info(&text));
    let routes = "Record-Route: <sip:192.0.2.7;lr>, <sip:192.0.2.8;lr>\r\nCSeq: 1 NOTIFY";
    f.notify_ok(&notify.replace("CSeq: 1 NOTIFY", routes));
    assert_eq!(f.report().remote, Some(address("192.0.2.7:5060")));
    let refresh = f.expect_one(300 * SECOND);
    assert_eq!(refresh.to, address("192.0.2.7:5060"));
    let found: Vec<&str> = refresh
        .text
        .lines()
        .filter(|line| line.starts_with("Route: "))
        .collect();
    assert_eq!(
        found,
        ["Route: <sip:192.0.2.7;lr>", "Route: <sip:192.0.2.8;lr>"]
    );
    assert!(
        refresh
            .text
            .starts_with("SUBSCRIBE sip:192.0.2.1:5060 SIP/2.0\r\n")
    );
}

#[test]
fn silence_is_eleven_sends_and_a_failure_after_timer_f() /* S04 T01 T02 */
{
    let mut f = Fixture::waiting();
    let first = f.expect_one(3 * SECOND);
    let mut sent = std::vec![first.clone()];
    sent.extend(f.run(Duration::from_millis(31_999)));
    let times: Vec<u64> = sent
        .iter()
        .map(|sent| (sent.at - first.at).as_micros() as u64 / 1_000)
        .collect();
    assert_eq!(
        times,
        [
            0, 500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500
        ]
    );
    assert!(sent.iter().all(|again| again.text == first.text));
    assert_eq!(f.watched(), Watched::Subscribing);
    f.run(Duration::from_millis(1));
    assert_eq!(f.watched(), Watched::Unknown);
    assert_eq!(f.report().broken_since, Some(first.at + 32 * SECOND));
    assert_eq!(f.report().last_status, Some(408));
    assert_eq!(f.report().last_reason, "no answer");
}

#[test]
fn a_200_without_notify_fails_with_timer_n() /* S04 */
{
    let mut f = Fixture::asking();
    let sent = f.last();
    f.answer(&sent, 200, "Expires: 300\r\n");
    f.expect_silence(31 * SECOND);
    assert_eq!(f.watched(), Watched::Subscribing);
    f.run(SECOND);
    assert_eq!(f.watched(), Watched::Unknown);
    assert_eq!(f.report().last_reason, "no NOTIFY");
    let text = calls(0, "full", "");
    let late = sent.notify("peer", 1, "active;expires=300", &dialog_info(&text));
    f.notify_refused(&late, Status::NO_SUCH_SUBSCRIPTION);
}

#[test]
fn a_notify_at_timer_n_is_too_late_even_before_the_timer_was_looked_at() /* S04 */
{
    let mut f = Fixture::asking();
    let sent = f.last();
    f.now = sent.at + 32 * SECOND;
    let text = calls(0, "full", "confirmed");
    let late = sent.notify("peer", 1, "active", &dialog_info(&text));
    f.notify_refused(&late, Status::NO_SUCH_SUBSCRIPTION);
}

#[test]
fn a_provisional_answer_slows_the_request_down() /* T03 */
{
    let mut f = Fixture::asking();
    let sent = f.last();
    f.answer(&sent, 100, "");
    let again = f.run(Duration::from_millis(8_600));
    let times: Vec<u64> = again
        .iter()
        .map(|again| (again.at - sent.at).as_micros() as u64 / 1_000)
        .collect();
    assert_eq!(times, [500, 4_500, 8_500]);
}

#[test]
fn a_new_attempt_has_a_new_call_id_tag_and_branch() /* S07 T21 */
{
    let mut f = Fixture::asking();
    let mut seen = BTreeSet::new();
    for _ in 0..5 {
        let sent = f.last();
        for part in [sent.tag(), sent.branch(), sent.header("Call-ID")] {
            assert!(seen.insert(part.to_string()), "{part} twice");
        }
        f.answer(&sent, 503, "");
        f.expect_one(400 * SECOND);
    }
}

#[test]
fn a_boot_is_no_burst() /* S26 */
{
    let mut f = Fixture::new();
    let start = f.now;
    for number in 0..limits::WATCHES {
        f.add(&order(&format!("sip:u{number}@192.0.2.1")));
    }
    let mut per_window = [0; 10];
    let mut moments = BTreeSet::new();
    let sent = f.run(Duration::from_millis(450));
    for sent in sent.iter().chain(&f.run(Duration::from_millis(2_000))) {
        if sent.is_first() && moments.insert(sent.tag().to_string()) {
            per_window[((sent.at - start).as_millis() / 250) as usize] += 1;
        }
    }
    assert_eq!(moments.len(), limits::WATCHES);
    assert!(per_window.iter().all(|count| *count <= 8), "{per_window:?}");
}

const fn name(host: &str, port: Option<u16>) -> Name<'_> {
    Name {
        host,
        port,
        transport: None,
    }
}

#[test]
fn a_name_is_asked_for_and_its_address_kept_for_bad_times() /* T20 */
{
    let mut f = Fixture::ordered(&order("sip:bob@pbx.example"));
    f.run(3 * SECOND);
    let query = f.queries.pop().expect("a query");
    assert_eq!(f.watcher.query(query), Some(name("pbx.example", None)));
    assert_eq!(f.report().state, "resolving");
    f.watcher
        .handle_resolved(f.now, query, &[place("192.0.2.5:5060")], &mut f.random);
    let sent = f.expect_one(SECOND);
    assert_eq!(sent.to, address("192.0.2.5:5060"));
    assert_eq!(f.watcher.query(query), None);
    f.answer(&sent, 503, "");
    f.run(3 * SECOND);
    let query = f.queries.pop().expect("it is resolved anew");
    f.watcher.handle_resolved(f.now, query, &[], &mut f.random);
    assert_eq!(f.expect_one(SECOND).to, address("192.0.2.5:5060"));
}

#[test]
fn a_name_without_address_is_unknown_and_asked_for_again() {
    let mut f = Fixture::ordered(&order("sip:bob@pbx.example:5070"));
    f.run(3 * SECOND);
    let query = f.queries.pop().expect("a query");
    assert_eq!(
        f.watcher.query(query),
        Some(name("pbx.example", Some(5_070)))
    );
    let mut query = query;
    let nowhere = ["0.0.0.0:5060", "224.0.0.1:5060"].map(place);
    for found in [&nowhere[..0], &nowhere[..1], &nowhere] {
        f.watcher
            .handle_resolved(f.now, query, found, &mut f.random);
        assert_eq!(f.watched(), Watched::Unknown);
        assert_eq!(f.report().last_reason, "name not found");
        query = f.next_query(20 * SECOND);
    }
    f.watcher
        .handle_resolved(f.now, query, &[place("192.0.2.5:5070")], &mut f.random);
    assert_eq!(f.expect_one(SECOND).to, address("192.0.2.5:5070"));
}

#[test]
fn a_name_nobody_answers_for_is_given_up() {
    let mut f = Fixture::ordered(&order("sip:bob@pbx.example"));
    f.expect_silence(60 * SECOND);
    assert_eq!(f.watched(), Watched::Unknown);
}

#[test]
fn a_stale_resolution_finds_nothing() {
    let mut f = Fixture::ordered(&order("sip:bob@pbx.example"));
    f.run(3 * SECOND);
    let query = f.queries.pop().expect("a query");
    let id = f.id.expect("a watch");
    f.watcher.remove(id);
    f.add(&order("sip:carol@other.example"));
    f.run(3 * SECOND);
    f.watcher
        .handle_resolved(f.now, query, &[place("192.0.2.5:5060")], &mut f.random);
    f.expect_silence(3 * SECOND);
}

#[test]
fn the_configured_server_gets_everything() {
    let mut f = Fixture::ordered(&Order {
        server: Some("192.0.2.44:5080"),
        ..order("sip:bob@pbx.example")
    });
    let sent = f.expect_one(3 * SECOND);
    assert_eq!(sent.to, address("192.0.2.44:5080"));
    let text = calls(0, "full", "");
    let notify = sent.notify("peer", 1, "active;expires=300", &dialog_info(&text));
    assert_eq!(f.notify_from(&notify, "192.0.2.44:5080", false), Ok(()));
    f.answer(&sent, 200, "");
    assert_eq!(f.expect_one(300 * SECOND).to, address("192.0.2.44:5080"));
}

#[test]
fn a_peer_of_a_family_we_have_no_address_in_is_not_asked() {
    let mut f = Fixture::new();
    f.listen(&[LOCAL]);
    f.add(&order("sip:bob@[2001:db8::1]"));
    f.expect_silence(30 * SECOND);
    assert_eq!(f.report().last_reason, "no local address");
    assert_eq!(f.watched(), Watched::Unknown);
    f.listen(&["[2001:db8::9]:5060"]);
    let sent = f.expect_one(200 * SECOND);
    assert!(
        sent.header("Via")
            .starts_with("SIP/2.0/UDP [2001:db8::9]:5060;")
    );
}

#[test]
fn bad_orders_are_refused() /* R16 */
{
    let mut f = Fixture::new();
    let long = format!("sip:{}@192.0.2.1", "x".repeat(limits::URI));
    for (order, error) in [
        (order("tel:+4930"), AddError::Nowhere),
        (order("sip:bob@224.0.0.1"), AddError::Nowhere),
        (order(&long), AddError::TooLong),
    ] {
        let added = f.watcher.add(f.now, &order, &mut f.random);
        assert_eq!(added, Err(error));
    }
    assert!(f.watcher.is_idle());
}

#[test]
fn a_full_table_refuses_and_a_removed_watch_makes_room() {
    let mut f = Fixture::active();
    let removed = f.id.expect("a watch");
    f.watcher.leave_room(Some(0), None);
    let bob = order("sip:carol@192.0.2.1");
    let added = f.watcher.add(f.now, &bob, &mut f.random);
    assert_eq!(added, Err(AddError::Full));
    f.watcher.remove(removed);
    f.add(&bob);
    assert!(f.watcher.state(removed).is_none());
}

#[test]
fn no_room_for_a_usage_is_a_503_and_nothing_leaks() {
    let mut f = Fixture::asking();
    f.watcher.leave_room(None, Some(0));
    let text = calls(0, "full", "");
    let notify = f.last().notify("peer", 1, "active", &dialog_info(&text));
    assert!(f.notify(&notify).is_err());
    assert_eq!(f.watched(), Watched::Subscribing);
    f.watcher.leave_room(None, None);
    f.notify_ok(&notify);
    assert_eq!(f.watched(), Watched::Idle);
}

#[test]
fn lifetimes_asked_for_are_a_minute_to_a_day() {
    for (ordered, asked) in [(0, 60), (60, 60), (3_600, 3_600), (u32::MAX, 86_400)] {
        let mut f = Fixture::ordered(&Order {
            expires: Seconds(ordered),
            ..order("sip:bob@192.0.2.1")
        });
        assert_eq!(f.expect_one(3 * SECOND).expires(), asked);
    }
}

#[test]
fn time_without_news_changes_nothing_for_the_lamps() {
    let mut f = Fixture::active();
    f.changes();
    f.tell("peer", 2, "");
    assert_eq!(f.changes(), 0);
    f.tell("peer", 3, "confirmed");
    assert_eq!(f.changes(), 1);
    assert_ne!(f.report().last_notify, Some(Instant::ZERO));
}
