//! Every way a notifier or we ourselves end a subscription.

extern crate std;

use super::fixture::*;
use crate::events::watched::Watched;
use crate::ground::time::Duration;
use crate::users::lamps::{Lamp, Looks, Shows};
use crate::wire::sip::Status;
use std::vec::Vec;

const SECOND: Duration = Duration::from_secs(1);

/// A subscription that stood for two minutes and showed a call, then ended with `state`.
fn ended(state: &str) -> Fixture {
    let mut f = Fixture::active();
    f.tell("peer", 2, "confirmed");
    f.run(120 * SECOND);
    let end = f.last().notify("peer", 3, state, &EMPTY);
    f.notify_ok(&end);
    f
}

/// The new attempt comes after at least `least` and at most `most` seconds.
#[track_caller]
fn expect_attempt(f: &mut Fixture, least: u64, most: u64) -> Sent {
    let old = f.last();
    f.expect_silence(Duration::from_secs(least));
    let sent = f.expect_one(Duration::from_secs(most - least));
    assert!(sent.is_first());
    assert_ne!(sent.tag(), old.tag());
    assert_ne!(sent.header("Call-ID"), old.header("Call-ID"));
    sent
}

#[test]
fn every_reason_has_its_delay() /* S09 S10 S11 S12 S13 S14 S15 S16 */
{
    for (state, least, most) in [
        ("terminated;reason=deactivated;retry-after=500", 0, 1),
        ("terminated;reason=timeout;retry-after=500", 0, 1),
        ("terminated;reason=probation;retry-after=500", 500, 551),
        ("terminated;reason=probation", 1, 3),
        ("terminated;reason=giveup;retry-after=500", 500, 551),
        ("terminated;reason=giveup", 45, 76),
        ("terminated;reason=rejected;retry-after=5", 2_699, 4_501),
        ("terminated;reason=noresource;retry-after=500", 2, 5),
        (
            "terminated;reason=invariant;retry-after=31536000",
            2_699,
            4_501,
        ),
        ("terminated;reason=badfilter", 2_699, 4_501),
        ("terminated", 1, 3),
        ("terminated;retry-after=500", 500, 551),
        ("terminated;reason=whatever;retry-after=500", 500, 551),
        (
            "terminated;reason=probation;retry-after=4294967295",
            3_600,
            3_961,
        ),
        ("terminated;reason=probation;retry-after=soon", 1, 3),
    ] {
        let mut f = ended(state);
        assert_eq!(f.report().expires, None, "{state}");
        expect_attempt(&mut f, least, most);
    }
}

#[test]
fn after_an_end_the_state_is_in_doubt_until_it_is_told_again() /* S23 */
{
    for reason in [
        "deactivated",
        "timeout",
        "probation",
        "giveup",
        "rejected",
        "badfilter",
    ] {
        let mut f = ended(&std::format!("terminated;reason={reason}"));
        let broken = f.now;
        assert_eq!(f.watched(), Watched::Busy, "{reason}");
        assert_eq!(f.report().broken_since, Some(broken), "{reason}");
        assert_eq!(f.report().last_reason, reason);
        let sent = f.expect_one(4_600 * SECOND);
        assert_eq!(f.report().broken_since, Some(broken), "{reason}");
        f.answer(&sent, 200, "");
        assert_eq!(f.report().broken_since, Some(broken), "{reason}");
        let pending = sent.notify("new", 1, "pending;expires=300", &EMPTY);
        f.notify_ok(&pending);
        assert_eq!(f.report().broken_since, Some(broken), "{reason}");
        f.tell("new", 2, "");
        assert_eq!(f.watched(), Watched::Idle);
        assert!(!f.is_broken());
    }
}

#[test]
fn a_lamp_never_keeps_its_look_longer_than_its_grace() /* S23 */
{
    let mut f = ended("terminated;reason=probation;retry-after=500");
    let mut lamp = Lamp::new();
    lamp.configure(
        Shows::Watch(0),
        crate::ground::time::Seconds(30),
        &Looks::DEFAULT,
    );
    let state = |f: &Fixture| lamp.state(f.now, f.watched(), f.report().broken_since).0;
    f.run(Duration::from_millis(29_999));
    assert_eq!(state(&f), Watched::Busy);
    f.run(Duration::from_millis(1));
    assert_eq!(state(&f), Watched::Unknown);
    for _ in 0..50 {
        f.run(60 * SECOND);
        assert_eq!(state(&f), Watched::Unknown);
    }
}

#[test]
fn a_resource_that_is_gone_is_asked_for_once_more_and_then_offline() /* S14 freeswitch #1532 */
{
    for confirms in ["404", "410", "604", "noresource"] {
        let mut f = ended("terminated;reason=noresource");
        assert_eq!(f.watched(), Watched::Busy, "what was told last");
        assert!(f.is_broken());
        let sent = expect_attempt(&mut f, 2, 5);
        match confirms.parse() {
            Ok(code) => f.answer(&sent, code, ""),
            Err(_) => {
                f.answer(&sent, 200, "");
                f.notify_ok(&sent.notify("peer", 1, "terminated;reason=noresource", &EMPTY));
            }
        }
        assert_eq!(f.watched(), Watched::Offline, "{confirms}");
        assert!(!f.is_broken());
        expect_attempt(&mut f, 2_699, 4_501);
    }
}

#[test]
fn a_resource_of_a_subscription_that_merely_lapsed_is_there() /* freeswitch #1532 */
{
    let mut f = ended("terminated;reason=noresource");
    for _ in 0..3 {
        let sent = f.expect_one(5 * SECOND);
        f.answer(&sent, 200, "Expires: 300\r\n");
        let text = calls(0, "full", "");
        f.notify_ok(&sent.notify("peer", 1, "active;expires=300", &dialog_info(&text)));
        assert_eq!((f.watched(), f.is_broken()), (Watched::Idle, false));
        f.run(120 * SECOND);
        f.notify_ok(&sent.notify("peer", 2, "terminated;reason=noresource", &EMPTY));
    }
    // Said twice within a minute it is believed.
    let sent = f.expect_one(5 * SECOND);
    f.answer(&sent, 200, "Expires: 300\r\n");
    let text = calls(0, "full", "");
    f.notify_ok(&sent.notify("peer", 1, "active;expires=300", &dialog_info(&text)));
    f.notify_ok(&sent.notify("peer", 2, "terminated;reason=noresource", &EMPTY));
    assert_eq!((f.watched(), f.is_broken()), (Watched::Offline, false));
    f.expect_silence(2_699 * SECOND);
}

#[test]
fn a_resource_that_never_was_there_is_offline_at_once() /* S14 */
{
    let mut f = Fixture::asking();
    let sent = f.last();
    f.answer(&sent, 200, "");
    f.notify_ok(&sent.notify("peer", 1, "terminated;reason=noresource", &EMPTY));
    assert_eq!((f.watched(), f.is_broken()), (Watched::Offline, false));
    f.expect_silence(2_699 * SECOND);
}

#[test]
fn a_refresh_answered_404_is_asked_about_once_more_within_seconds() {
    for code in [404, 410] {
        let mut f = Fixture::active();
        let refresh = f.expect_one(300 * SECOND);
        f.answer(&refresh, code, "");
        assert_eq!((f.watched(), f.is_broken()), (Watched::Idle, true));
        let sent = f.expect_one(SECOND);
        assert!(sent.is_first());
        f.answer(&sent, code, "");
        f.expect_silence(45 * SECOND);
    }
}

#[test]
fn a_state_that_cannot_change_stands() /* S15 */
{
    let mut f = Fixture::active();
    let text = calls(1, "full", "confirmed");
    let end = f.last().notify(
        "peer",
        2,
        "terminated;reason=invariant",
        &dialog_info(&text),
    );
    f.notify_ok(&end);
    assert_eq!(f.watched(), Watched::Busy);
    assert!(!f.is_broken());
}

#[test]
fn a_last_document_counts_and_a_broken_one_does_not_stop_the_end() /* S17 S20 */
{
    let mut f = Fixture::active();
    let text = calls(1, "full", "confirmed");
    let end = "terminated;reason=probation;expires=99";
    f.notify_ok(&f.last().notify("peer", 2, end, &dialog_info(&text)));
    assert_eq!(f.watched(), Watched::Busy);
    assert!(f.is_broken());
    let mut f = Fixture::active();
    f.notify_ok(&f.last().notify("peer", 2, end, &dialog_info("<dialog")));
    assert_eq!(f.report().state, "retrying");
}

#[test]
fn an_end_instead_of_a_beginning_is_followed_too() /* S11 */
{
    let mut f = Fixture::asking();
    let sent = f.last();
    f.answer(&sent, 200, "");
    f.notify_ok(&sent.notify("peer", 1, "terminated;reason=rejected", &EMPTY));
    assert_eq!(f.watched(), Watched::Unknown);
    assert_eq!(f.report().last_reason, "rejected");
    expect_attempt(&mut f, 2_699, 4_501);
}

#[test]
fn of_several_notifiers_one_that_is_gone_leaves_the_others() /* D16 */
{
    let mut f = Fixture::asking();
    let sent = f.last();
    f.answer(&sent, 200, "");
    for (tag, state) in [("one", ""), ("two", "confirmed")] {
        let text = calls(0, "full", state);
        f.notify_ok(&sent.notify(tag, 1, "active;expires=300", &dialog_info(&text)));
    }
    f.notify_ok(&sent.notify("two", 2, "terminated;reason=noresource", &EMPTY));
    assert_eq!(f.watched(), Watched::Idle);
    assert!(!f.is_broken());
    assert_eq!(f.report().state, "active");
    f.notify_refused(
        &sent.notify("two", 3, "active", &EMPTY),
        Status::NO_SUCH_SUBSCRIPTION,
    );
}

#[test]
fn of_several_notifiers_one_that_moves_is_asked_anew_with_all() /* S09 D16 */
{
    let mut f = Fixture::asking();
    let sent = f.last();
    f.answer(&sent, 200, "");
    for tag in ["one", "two"] {
        let text = calls(0, "full", "");
        f.notify_ok(&sent.notify(tag, 1, "active;expires=300", &dialog_info(&text)));
    }
    f.notify_ok(&sent.notify("two", 2, "terminated;reason=deactivated", &EMPTY));
    assert!(f.is_broken());
    f.notify_refused(
        &sent.notify("one", 2, "active", &EMPTY),
        Status::NO_SUCH_SUBSCRIPTION,
    );
    assert!(f.expect_one(3 * SECOND).is_first());
}

#[test]
fn removing_unsubscribes_and_waits_for_the_last_notify() /* S12 */
{
    let mut f = Fixture::active();
    let (id, opened) = (f.id.expect("a watch"), f.last());
    f.watcher.remove(id);
    f.watcher.remove(id);
    let sent = f.poll();
    let [end] = &sent[..] else { panic!("{sent:?}") };
    assert_eq!((end.expires(), end.is_first()), (0, false));
    assert_eq!((end.tag(), end.seq()), (opened.tag(), 2));
    assert_eq!(f.report().state, "ending");
    f.answer(end, 200, "Expires: 0\r\n");
    assert!(!f.watcher.is_idle());
    f.notify_ok(&opened.notify("peer", 2, "terminated;reason=timeout", &EMPTY));
    assert!(f.watcher.is_idle());
    f.expect_silence(400 * SECOND);
}

#[test]
fn an_unsubscription_ends_however_the_notifier_takes_it() {
    for code in [204, 403, 404, 481, 500, 503] {
        let mut f = Fixture::active();
        f.watcher.stop();
        let end = f.expect_one(SECOND);
        f.answer(&end, code, "");
        assert!(f.watcher.is_idle(), "{code}");
        assert_eq!(f.watcher.due(), None);
    }
    let mut f = Fixture::active();
    f.watcher.stop();
    assert_eq!(f.run(33 * SECOND).len(), 11);
    assert!(f.watcher.is_idle());
    let mut f = Fixture::active();
    f.watcher.stop();
    let end = f.expect_one(SECOND);
    f.bounce(&end);
    assert!(f.watcher.is_idle());
}

#[test]
fn a_watch_that_nobody_answered_is_forgotten_at_once() {
    for mut f in [
        Fixture::waiting(),
        Fixture::asking(),
        Fixture::ordered(&order("sip:bob@pbx.example")),
    ] {
        f.poll();
        f.watcher.stop();
        assert!(f.watcher.is_idle());
        assert_eq!(f.watcher.due(), None);
        f.expect_silence(100 * SECOND);
    }
}

#[test]
fn stopping_during_a_refresh_leaves_the_refresh() {
    let mut f = Fixture::active();
    let refresh = f.expect_one(300 * SECOND);
    f.watcher.stop();
    let sent: Vec<Sent> = f.poll();
    assert_eq!(sent.len(), 1);
    assert_eq!((sent[0].expires(), sent[0].seq()), (0, refresh.seq() + 1));
    f.answer(&refresh, 481, "");
    assert!(!f.watcher.is_idle());
    f.answer(&sent[0], 481, "");
    assert!(f.watcher.is_idle());
}

/// A server that is about to leave ends a subscription whose first NOTIFY was lost, and tells what changed since.
#[test]
fn a_first_notify_that_ends_with_a_part_of_the_state_tells_nothing() /* S23 */
{
    let terminated = "terminated;reason=deactivated";
    for (extent, watched) in [("partial", Watched::Unknown), ("full", Watched::Idle)] {
        let mut f = Fixture::asking();
        let body = calls(1, extent, "terminated");
        let end = f.last().notify("peer", 2, terminated, &dialog_info(&body));
        f.notify_ok(&end);
        assert_eq!(f.watched(), watched, "{extent}");
    }
}

/// A call ends by itself, and nobody is left to say so: what a notifier that takes leave told is shown, but not vouched for.
#[test]
fn a_call_that_a_leaving_notifier_told_is_asked_about_at_once() /* S09 S23 */
{
    for reason in ["deactivated", "timeout"] {
        let mut f = Fixture::asking();
        let body = calls(0, "full", "confirmed");
        let state = std::format!("terminated;reason={reason}");
        f.notify_ok(&f.last().notify("peer", 1, &state, &dialog_info(&body)));
        assert_eq!((f.watched(), f.is_broken()), (Watched::Busy, true));
        expect_attempt(&mut f, 0, 1);
    }
}
