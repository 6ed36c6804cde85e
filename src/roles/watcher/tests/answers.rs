//! What answers do to a subscription beyond yes and no: lifetimes, second thoughts, and what `why` tells of them.

extern crate std;

use super::fixture::*;
use crate::events::package::Package;
use crate::events::watched::Watched;
use crate::ground::time::{Duration, Seconds};
use crate::roles::watcher::Order;
use crate::wire::sip::Status;

const SECOND: Duration = Duration::from_secs(1);

/// An active subscription whose refresh is out.
fn refreshing() -> (Fixture, Sent) {
    let mut f = Fixture::active();
    let refresh = f.expect_one(300 * SECOND);
    assert!(!refresh.is_first());
    (f, refresh)
}

#[test]
fn a_423_is_followed_once_and_what_it_allows_is_asked_from_then_on() /* S04 */
{
    let mut f = Fixture::asking();
    f.answer(&f.last(), 423, "Min-Expires: 600\r\n");
    assert_eq!(f.report().last_status, Some(423));
    let again = f.expect_one(Duration::ZERO);
    assert_eq!((again.expires(), again.seq()), (600, 2));
    f.answer(&again, 423, "Min-Expires: 700\r\n");
    f.expect_silence(10 * SECOND);
    let later = f.expect_one(1_200 * SECOND);
    assert_eq!(later.expires(), 600, "what the first one allowed");
}

#[test]
fn a_423_to_a_refresh_is_followed_once_in_the_dialog() /* S04 */
{
    let (mut f, refresh) = refreshing();
    f.answer(&refresh, 423, "Min-Expires: 600\r\n");
    let again = f.expect_one(Duration::ZERO);
    assert_eq!((again.expires(), again.is_first()), (600, false));
    assert!(again.seq() > refresh.seq());
    f.answer(&again, 423, "Min-Expires: 700\r\n");
    let next = f.expect_one(30 * SECOND);
    assert!(next.at > again.at, "not at once");
    assert_eq!(next.expires(), 600, "it is remembered");
}

#[test]
fn a_day_may_be_wanted_and_no_more() /* S04 */
{
    for (wanted, follows) in [(86_400, true), (86_401, false)] {
        let mut f = Fixture::asking();
        f.answer(&f.last(), 423, &std::format!("Min-Expires: {wanted}\r\n"));
        let again = f.next(Duration::ZERO);
        assert_eq!(again.is_some(), follows, "{wanted}");
    }
}

#[test]
fn a_2xx_behind_the_first_notify_can_only_shorten_what_that_said() /* S07 */
{
    for (granted, most) in [(100, 100), (9_000, 300)] {
        let mut f = Fixture::asking();
        let sent = f.last();
        let text = calls(0, "full", "");
        f.notify_ok(&sent.notify("peer", 1, "active;expires=300", &dialog_info(&text)));
        f.answer(&sent, 200, &std::format!("Expires: {granted}\r\n"));
        let ends = f.report().expires.expect("a lifetime");
        assert!(ends <= sent.at + most * SECOND, "{granted}");
        let refresh = f.expect_one(most * SECOND);
        assert!(refresh.at < ends, "{granted}: before it ends");
    }
}

#[test]
fn more_than_was_asked_for_is_not_taken() /* S06 */
{
    let mut f = Fixture::asking();
    let sent = f.last();
    f.answer(&sent, 200, "Expires: 9000\r\n");
    let text = calls(0, "full", "");
    f.notify_ok(&sent.notify("peer", 1, "active", &dialog_info(&text)));
    let ends = f.report().expires.expect("a lifetime");
    assert!(ends <= f.now + 300 * SECOND);
}

#[test]
fn a_provisional_answer_to_a_refresh_decides_nothing() /* T03 */
{
    let (mut f, refresh) = refreshing();
    f.answer(&refresh, 100, "");
    assert_eq!((f.report().state, f.is_broken()), ("refreshing", false));
    f.answer(&refresh, 200, "Expires: 300\r\n");
    f.tell("peer", 2, "confirmed");
    assert_eq!((f.report().state, f.watched()), ("active", Watched::Busy));
}

#[test]
fn the_last_answer_is_told_whichever_it_was() {
    let (mut f, refresh) = refreshing();
    f.answer(&refresh, 503, "");
    assert_eq!(f.report().last_status, Some(503));
    let again = f.expect_one(30 * SECOND);
    f.answer(&again, 202, "Expires: 300\r\n");
    assert_eq!(f.report().last_status, Some(202));
}

#[test]
fn a_notify_that_cannot_be_read_is_not_the_last_one_accepted() {
    let mut f = Fixture::active();
    let told = f.report().last_notify;
    f.run(10 * SECOND);
    let bad = f.last().notify("peer", 2, "active", &dialog_info("<"));
    f.notify_refused(&bad, Status::BAD_REQUEST);
    assert_eq!(f.report().last_notify, told);
    f.tell("peer", 3, "");
    assert_eq!(f.report().last_notify, Some(f.now));
}

#[test]
fn nobody_at_another_address_is_no_answer_to_us() /* T06 */
{
    let mut f = Fixture::asking();
    let other = address("192.0.2.77:5060");
    let sent = f.last();
    f.bounce_at(&sent, other);
    assert_eq!((f.report().state, f.is_broken()), ("subscribing", false));
    f.establish("peer", "");
    assert_eq!(f.watched(), Watched::Idle);
}

#[test]
fn a_server_that_forgot_something_else_is_asked_and_no_other() {
    let mut f = Fixture::new();
    for target in ["sip:a@192.0.2.1", "sip:b@192.0.2.2"] {
        f.add(&Order {
            expires: Seconds(3_600),
            ..order(target)
        });
        let sent = f.expect_one(3 * SECOND);
        f.answer(&sent, 200, "Expires: 3600\r\n");
        let text = calls(0, "full", "");
        let notify = sent.notify("peer", 1, "active", &dialog_info(&text));
        let notify = notify.replace("<sip:192.0.2.1:5060>", &std::format!("<sip:{}>", sent.to));
        let from = std::format!("{}", sent.to);
        assert_eq!(f.notify_from(&notify, &from, false), Ok(()));
    }
    f.run(61 * SECOND);
    let forgot = address("192.0.2.2:5060").ip();
    f.watcher.handle_forgotten(f.now, forgot, &mut f.random);
    let asked = f.run(5 * SECOND);
    assert!(!asked.is_empty());
    assert!(asked.iter().all(|sent| sent.to.ip() == forgot), "{asked:?}");
}

#[test]
fn who_is_not_there_stays_so_while_nobody_answers() /* S14 S23 */
{
    let mut f = Fixture::asking();
    let gone = "terminated;reason=noresource";
    f.notify_ok(&f.last().notify("peer", 1, gone, &EMPTY));
    assert_eq!((f.watched(), f.is_broken()), (Watched::Offline, false));
    let again = f.expect_one(4_600 * SECOND);
    assert!(again.is_first());
    f.run(40 * SECOND);
    assert_eq!((f.watched(), f.is_broken()), (Watched::Offline, true));
}

/// A lamp blinks *subscribing* until its notifier tells something; one that never does is not waited for.
#[test]
fn a_lamp_hears_that_a_notifier_tells_nothing() /* S03 */
{
    let mut f = Fixture::ordered(&Order {
        package: Package::MessageSummary,
        ..order("sip:bob@192.0.2.1")
    });
    let sent = f.expect_one(3 * SECOND);
    f.answer(&sent, 200, "Expires: 300\r\n");
    f.notify_ok(&sent.notify("peer", 1, "pending;expires=300", &EMPTY));
    f.changes();
    f.run(31 * SECOND);
    assert_eq!((f.watched(), f.changes()), (Watched::Subscribing, 0));
    f.run(2 * SECOND);
    assert_eq!((f.watched(), f.changes()), (Watched::Unknown, 1));
}

#[test]
fn a_lamp_hears_of_its_watch_before_anything_is_sent() {
    let mut f = Fixture::waiting();
    assert_eq!((f.changes(), f.watched()), (1, Watched::Subscribing));
}
