//! Refreshes that name what is known already, and what their answers say; and how often a watch wants to be told.

extern crate std;

use super::fixture::*;
use crate::events::package::Package;
use crate::events::watched::Watched;
use crate::ground::time::{Duration, Seconds};
use crate::roles::watcher::{Doubt, Order};
use std::format;
use std::string::String;

const SECOND: Duration = Duration::from_secs(1);
const CONDITION: &str = "Suppress-If-Match";

/// The same NOTIFY, whose state is called `tag`.
fn named(notify: &str, tag: &str) -> String {
    let row = format!("SIP-ETag: {tag}\r\nContent-Length:");
    notify.replacen("Content-Length:", &row, 1)
}

impl Fixture {
    /// Tells a document of that extent in the dialog of "peer", and what it is called.
    #[track_caller]
    fn tell_named(&mut self, cseq: u32, extent: &str, dialogs: &str, tag: &str) {
        let text = calls(cseq, extent, dialogs);
        let notify = self
            .last()
            .notify("peer", cseq, "active", &dialog_info(&text));
        self.notify_ok(&named(&notify, tag));
    }

    /// Tells nothing, of what is called `tag`.
    #[track_caller]
    fn tell_same(&mut self, cseq: u32, tag: &str) {
        let notify = self
            .last()
            .notify("peer", cseq, "active;expires=300", &EMPTY);
        self.notify_ok(&named(&notify, tag));
    }

    /// The next refresh, which is answered by 200.
    #[track_caller]
    fn refresh_with(&mut self, condition: Option<&str>) -> Sent {
        let refresh = self.expect_one(300 * SECOND);
        assert!(!refresh.is_first());
        assert_eq!(refresh.try_header(CONDITION), condition, "{}", refresh.text);
        refresh
    }
}

/// A watch that was told of a call, which the notifier calls "a1".
fn busy() -> Fixture {
    let mut f = Fixture::asking();
    let sent = f.last();
    assert_eq!(sent.try_header(CONDITION), None);
    f.answer(&sent, 200, "Expires: 300\r\n");
    f.tell_named(1, "full", "confirmed", "a1");
    f
}

/// The same, asked about every minute.
fn audited() -> Fixture {
    let mut f = Fixture::ordered(&Order {
        expires: Seconds(3_600),
        audit: Seconds(120),
        ..order("sip:bob@192.0.2.1")
    });
    let sent = f.expect_one(3 * SECOND);
    f.answer(&sent, 200, "Expires: 3600\r\n");
    f.tell_named(1, "full", "confirmed", "a1");
    f
}

#[test]
fn an_unchanged_state_costs_one_answer_and_no_document() /* F15 */
{
    let mut f = busy();
    f.changes();
    for _ in 0..20 {
        let refresh = f.refresh_with(Some("a1"));
        f.answer(&refresh, 204, "Expires: 300\r\n");
        assert_eq!(f.report().state, "active");
        assert_eq!(f.report().expires, Some(f.now + Seconds(300)));
        assert_eq!(f.report().confirmed, Some(f.now));
        f.expect_silence(150 * SECOND);
        assert_eq!((f.watched(), f.is_broken()), (Watched::Busy, false));
    }
    assert_eq!(f.changes(), 0);
}

#[test]
fn a_204_may_shorten_the_subscription() /* F15 S06 */
{
    let mut f = busy();
    let refresh = f.refresh_with(Some("a1"));
    f.answer(&refresh, 204, "Expires: 100\r\n");
    assert_eq!(f.report().expires, Some(f.now + Seconds(100)));
    f.expect_one(70 * SECOND);
}

#[test]
fn the_newest_tag_is_what_is_named() /* F12 F15 */
{
    let mut f = busy();
    let opening = f.last();
    f.tell_named(2, "partial", "early", "a2");
    assert_eq!(f.watched(), Watched::Ringing);
    let refresh = f.refresh_with(Some("a2"));
    // It does not match any more.
    f.answer(&refresh, 200, "Expires: 300\r\n");
    f.last = Some(opening.clone());
    f.tell_named(3, "full", "", "a3");
    assert_eq!(f.watched(), Watched::Idle);
    let refresh = f.refresh_with(Some("a3"));
    f.answer(&refresh, 204, "Expires: 300\r\n");
    // Partial documents follow what a 204 left as it was.
    f.last = Some(opening);
    f.tell_named(4, "partial", "confirmed", "a4");
    assert_eq!((f.watched(), f.is_broken()), (Watched::Busy, false));
    f.refresh_with(Some("a4"));
}

#[test]
fn no_document_with_the_tag_that_is_held_changes_nothing() /* F14 F15 */
{
    for refreshed in [false, true] {
        let mut f = busy();
        let opening = f.last();
        if refreshed {
            let refresh = f.refresh_with(Some("a1"));
            f.answer(&refresh, 200, "Expires: 300\r\n");
        } else {
            f.run(5 * SECOND);
        }
        f.last = Some(opening);
        f.tell_same(2, "a1");
        let report = f.report();
        assert_eq!(
            (report.watched, report.is_stateless),
            (Watched::Busy, false)
        );
        assert_eq!(report.confirmed, Some(f.now));
        f.expect_silence(100 * SECOND);
        f.refresh_with(Some("a1"));
    }
}

#[test]
fn no_document_with_another_tag_has_the_state_asked_for() {
    let mut f = busy();
    let opening = f.last();
    f.tell_named(2, "full", "", "a2");
    f.run(6 * SECOND);
    f.tell_same(3, "a1");
    assert_eq!(f.watched(), Watched::Idle);
    let refresh = f.expect_one(SECOND);
    assert_eq!(refresh.try_header(CONDITION), None);
    f.answer(&refresh, 200, "Expires: 300\r\n");
    f.last = Some(opening);
    f.tell_named(4, "full", "confirmed", "a1");
    assert_eq!((f.watched(), f.is_broken()), (Watched::Busy, false));
}

#[test]
fn a_server_that_knows_no_state_may_name_that_too() {
    let mut f = Fixture::asking();
    let sent = f.last();
    f.answer(&sent, 200, "Expires: 300\r\n");
    f.tell_same(1, "none");
    assert!(f.report().is_stateless);
    let refresh = f.refresh_with(Some("none"));
    f.answer(&refresh, 204, "Expires: 300\r\n");
    assert!(f.report().is_stateless && !f.is_broken());
    f.last = Some(sent);
    f.tell_named(2, "full", "early", "a1");
    f.refresh_with(Some("a1"));
}

#[test]
fn a_tag_is_forgotten_with_what_it_names() {
    type Tell = fn(&mut Fixture);
    let cases: [(&str, Tell); 6] = [
        ("untagged", |f| f.tell("peer", 2, "")),
        ("a gap", |f| f.tell_named(5, "partial", "early", "a5")),
        ("unreadable", |f| {
            let notify = f.last().notify("peer", 2, "active", &dialog_info("<"));
            assert!(f.notify(&named(&notify, "a2")).is_err());
        }),
        ("pending", |f| {
            let text = calls(2, "full", "");
            let notify = f.last().notify("peer", 2, "pending", &dialog_info(&text));
            f.notify_ok(&named(&notify, "a2"));
        }),
        ("too long", |f| f.tell_named(2, "full", "", &"a".repeat(65))),
        ("no token", |f| f.tell_named(2, "full", "", "a,2")),
    ];
    for (what, tell) in cases {
        let mut f = busy();
        tell(&mut f);
        let refresh = f.expect_one(300 * SECOND);
        assert!(!refresh.is_first());
        assert_eq!(refresh.try_header(CONDITION), None, "{what}");
    }
    let mut f = busy();
    f.tell_named(2, "full", "", &"a".repeat(64));
    f.refresh_with(Some(&"a".repeat(64)));
}

#[test]
fn who_is_in_doubt_wants_to_be_told_all() {
    let mut f = busy();
    let opening = f.last();
    let refresh = f.refresh_with(Some("a1"));
    f.answer(&refresh, 503, "");
    assert!(f.is_broken());
    let refresh = f.refresh_with(None);
    f.answer(&refresh, 200, "Expires: 300\r\n");
    f.last = Some(opening);
    f.tell_named(2, "full", "confirmed", "a1");
    assert!(!f.is_broken());
    f.refresh_with(Some("a1"));
}

#[test]
fn a_new_subscription_names_nothing() /* F14 */
{
    let mut f = busy();
    let refresh = f.refresh_with(Some("a1"));
    f.answer(&refresh, 481, "");
    let anew = f.expect_one(3 * SECOND);
    assert!(anew.is_first());
    assert_eq!(anew.try_header(CONDITION), None);
    // Another notifier's tag is its own.
    f.answer(&anew, 200, "Expires: 300\r\n");
    let notify = anew.notify("other", 1, "active;expires=300", &EMPTY);
    f.notify_ok(&named(&notify, "a1"));
    assert!(f.report().is_stateless);
    assert_eq!(f.watched(), Watched::Idle);
}

#[test]
fn each_notifier_of_a_fork_has_its_own_tag() {
    let mut f = Fixture::asking();
    let sent = f.last();
    f.answer(&sent, 200, "Expires: 300\r\n");
    for (tag, state) in [("one", ""), ("two", "confirmed")] {
        let text = calls(0, "full", state);
        let notify = sent.notify(tag, 1, "active;expires=300", &dialog_info(&text));
        f.notify_ok(&named(&notify, &format!("of-{tag}")));
    }
    for _ in 0..2 {
        let refresh = f.expect_one(300 * SECOND);
        let (_, tag) = refresh.header("To").split_once(";tag=").expect("a tag");
        assert_eq!(refresh.header(CONDITION), format!("of-{tag}"));
        f.answer(&refresh, 204, "Expires: 300\r\n");
    }
    assert_eq!((f.watched(), f.is_broken()), (Watched::Busy, false));
}

#[test]
fn a_repeated_refresh_stays_the_same_bytes_whatever_is_told_meanwhile() /* T01 */
{
    let mut f = busy();
    let opening = f.last();
    let refresh = f.refresh_with(Some("a1"));
    f.last = Some(opening);
    f.tell_named(2, "full", "early", "a2");
    let copies = f.run(2 * SECOND);
    assert!(!copies.is_empty());
    assert!(copies.iter().all(|copy| copy.text == refresh.text));
    f.answer(&refresh, 204, "Expires: 300\r\n");
    assert_eq!((f.watched(), f.is_broken()), (Watched::Ringing, false));
    // What it is called is not known any more.
    f.refresh_with(None);
}

#[test]
fn a_204_ends_an_unsubscription() /* F15 */
{
    let mut f = busy();
    f.watcher.stop();
    let end = f.expect_one(SECOND);
    assert_eq!((end.expires(), end.header(CONDITION)), (0, "a1"));
    f.answer(&end, 204, "");
    assert!(f.watcher.is_idle());
    // A server that does not know the condition tells once more.
    let mut f = busy();
    let opening = f.last();
    f.watcher.stop();
    let end = f.expect_one(SECOND);
    f.answer(&end, 200, "Expires: 0\r\n");
    let last = opening.notify("peer", 2, "terminated;reason=timeout", &EMPTY);
    f.notify_ok(&named(&last, "a1"));
    assert!(f.watcher.is_idle());
}

#[test]
fn a_204_for_a_lamp_that_knows_nothing_begins_anew() {
    // In answer to the first SUBSCRIBE.
    let mut f = Fixture::asking();
    let sent = f.last();
    f.answer(&sent, 204, "Expires: 300\r\n");
    assert_eq!(f.report().last_reason, "no NOTIFY");
    let again = f.expect_one(5 * SECOND);
    assert!(again.is_first() && again.tag() != sent.tag());
    // In answer to a refresh, behind a document that was not understood.
    let mut f = busy();
    let notify = f.last().notify("peer", 2, "active", &dialog_info("<"));
    assert!(f.notify(&notify).is_err());
    let refresh = f.refresh_with(None);
    f.answer(&refresh, 204, "Expires: 300\r\n");
    let again = f.expect_one(5 * SECOND);
    assert!(again.is_first());
    assert_eq!(again.try_header(CONDITION), None);
    // From then on no condition is made.
    f.answer(&again, 200, "Expires: 300\r\n");
    f.tell_named(1, "full", "confirmed", "a1");
    f.refresh_with(None);
}

#[test]
fn who_answers_a_condition_with_silence_gets_no_more_of_them() {
    let mut f = busy();
    let refresh = f.refresh_with(Some("a1"));
    f.answer(&refresh, 200, "Expires: 300\r\n");
    let again = f.expect_one(40 * SECOND);
    assert!(again.is_first());
    f.answer(&again, 200, "Expires: 300\r\n");
    f.tell_named(1, "full", "confirmed", "a1");
    assert_eq!((f.watched(), f.is_broken()), (Watched::Busy, false));
    f.refresh_with(None);
}

#[test]
fn a_204_is_a_word_that_a_call_still_lasts() {
    let mut f = audited();
    let mut answers = 0;
    let end = f.now + 1_800 * SECOND;
    while let Some(sent) = f.next(end - f.now) {
        if sent.is_first() {
            assert_eq!((sent.expires(), sent.try_header(CONDITION)), (0, None));
            // It says nothing to who does not stay.
            f.answer(&sent, 200, "");
            let last = sent.notify("other", 1, "terminated;reason=timeout", &EMPTY);
            f.notify_ok(&last);
        } else {
            assert_eq!(sent.header(CONDITION), "a1");
            f.answer(&sent, 204, "Expires: 3600\r\n");
            assert_eq!(f.report().confirmed, Some(f.now));
            answers += 1;
        }
        assert!(!f.is_broken() && f.report().doubt.is_none());
    }
    assert!(answers >= 13, "{answers}");
    assert_eq!(f.watched(), Watched::Busy);
}

#[test]
fn an_audit_of_what_is_in_doubt_makes_no_condition() {
    let mut f = audited();
    let opening = f.last();
    let refresh = f.expect_one(70 * SECOND);
    assert_eq!(refresh.header(CONDITION), "a1");
    f.answer(&refresh, 503, "");
    let refresh = f.expect_one(70 * SECOND);
    assert_eq!(refresh.try_header(CONDITION), None);
    f.answer(&refresh, 200, "Expires: 3600\r\n");
    f.last = Some(opening);
    f.tell_named(2, "full", "confirmed", "a1");
    assert_eq!(f.report().doubt, None::<Doubt>);
    let fetch = f.expect_one(70 * SECOND);
    assert_eq!((fetch.expires(), fetch.try_header(CONDITION)), (0, None));
}

#[test]
fn a_watch_asks_for_its_pace_as_long_as_it_lasts() /* F09 */
{
    for (seconds, event) in [
        (0, "presence"),
        (1, "presence;max-rate=1"),
        (5, "presence;max-rate=0.2"),
        (3, "presence;max-rate=0.3333333333"),
        (3_600, "presence;max-rate=0.0002777777"),
    ] {
        let mut f = Fixture::ordered(&Order {
            package: Package::Presence,
            at_most_every: Seconds(seconds),
            ..order("sip:bob@192.0.2.1")
        });
        let sent = f.expect_one(3 * SECOND);
        assert_eq!(sent.header("Event"), event);
        f.answer(&sent, 200, "Expires: 300\r\n");
        // Who keeps it says so; who does not know it says nothing of it.
        let state = "active;expires=300;max-rate=0.2";
        f.notify_ok(&sent.notify("peer", 1, state, &EMPTY));
        let refresh = f.expect_one(300 * SECOND);
        assert_eq!(refresh.header("Event"), event);
        f.answer(&refresh, 200, "Expires: 300\r\n");
        let plain = sent.notify("peer", 2, "active", &EMPTY);
        f.notify_ok(&plain.replace(event, "presence"));
        f.watcher.stop();
        assert_eq!(f.expect_one(SECOND).header("Event"), "presence");
    }
}
