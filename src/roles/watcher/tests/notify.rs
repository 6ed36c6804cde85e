//! Which NOTIFYs count, and what the others are answered.

extern crate std;

use super::fixture::*;
use crate::events::answer::Refusal;
use crate::events::package::Package;
use crate::events::watched::Watched;
use crate::ground::time::Duration;
use crate::roles::watcher::watch::USAGES_PER_WATCH;
use crate::roles::watcher::{Order, SPARE_USAGES};
use crate::wire::sip::Status;
use std::format;
use std::string::String;

const SECOND: Duration = Duration::from_secs(1);

/// The second NOTIFY of [`Fixture::active`]'s notifier: bob is in a call.
fn busy(f: &Fixture) -> String {
    let text = calls(1, "full", "confirmed");
    f.last()
        .notify("peer", 2, "active;expires=200", &dialog_info(&text))
}

#[test]
fn notify_without_match_gets_481_and_moves_no_lamp() /* S03 B06 B07 */
{
    let mut f = Fixture::active();
    let good = busy(&f);
    let sent = f.last();
    let (tag, call) = (sent.tag(), sent.header("Call-ID"));
    let other_tag = format!(
        "{}{}",
        &tag[..20],
        if tag.ends_with('0') { '1' } else { '0' }
    );
    for (what, bad) in [
        ("a guessed tag", good.replace(tag, &other_tag)),
        ("a tag of nobody", good.replace(tag, "abc")),
        (
            "a slot of nobody",
            good.replace(tag, &format!("w7fff{}", &tag[5..])),
        ),
        (
            "an owner that is no watch",
            good.replace(tag, &format!("l{}", &tag[1..])),
        ),
        (
            "no tag",
            good.replace(
                &format!("To: {};tag={tag}", "<sip:desk@192.0.2.9>"),
                "To: <sip:desk@192.0.2.9>",
            ),
        ),
        ("another Call-ID", good.replace(call, "other")),
        (
            "another package",
            good.replace("Event: dialog", "Event: presence"),
        ),
        ("an id", good.replace("Event: dialog", "Event: dialog;id=7")),
    ] {
        assert_ne!(bad, good, "{what}");
        let answer = f.notify(&bad);
        assert_eq!(
            answer,
            Err(Refusal::Answer(Status::NO_SUCH_SUBSCRIPTION)),
            "{what}"
        );
        assert_eq!(f.watched(), Watched::Idle, "{what}");
    }
    f.notify_ok(&good);
    assert_eq!(f.watched(), Watched::Busy);
}

#[test]
fn packages_we_do_not_speak_get_489() /* S03 B09 */
{
    let mut f = Fixture::active();
    for event in ["check-sync", "talk", "Dialog", "dialog.winfo", "conference"] {
        let bad = busy(&f).replace("Event: dialog", &format!("Event: {event}"));
        f.notify_refused(&bad, Status::BAD_EVENT);
    }
    let without = busy(&f).replace("Event: dialog\r\n", "");
    f.notify_refused(&without, Status::BAD_EVENT);
    let two = busy(&f).replace("Event: dialog", "Event: dialog, presence");
    f.notify_refused(&two, Status::BAD_REQUEST);
    assert_eq!(f.watched(), Watched::Idle);
}

#[test]
fn without_subscription_state_it_is_400() /* S03 */
{
    let mut f = Fixture::active();
    let text = calls(1, "full", "confirmed");
    let without = f.last().notify("peer", 2, "", &dialog_info(&text));
    f.notify_refused(&without, Status::BAD_REQUEST);
    assert_eq!(f.watched(), Watched::Idle);
    let good = busy(&f);
    f.notify_ok(&good);
}

#[test]
fn a_lower_cseq_gets_500_and_a_gap_is_accepted() /* S19 S20 H06 */
{
    let mut f = Fixture::active();
    f.tell("peer", 7, "confirmed");
    let text = calls(1, "full", "early");
    let late = f.last().notify("peer", 2, "active", &dialog_info(&text));
    f.notify_refused(&late, Status::SERVER_ERROR);
    assert_eq!(f.watched(), Watched::Busy);
    f.tell("peer", 8, "");
    assert_eq!(f.watched(), Watched::Idle);
}

#[test]
fn the_same_cseq_again_is_accepted_and_changes_nothing() /* S19 */
{
    let mut f = Fixture::active();
    let good = busy(&f);
    f.notify_ok(&good);
    f.changes();
    f.notify_ok(&good);
    assert_eq!(f.watched(), Watched::Busy);
    assert_eq!(f.changes(), 0);
}

#[test]
fn a_notifier_that_counts_anew_is_replaced_within_a_minute() /* S19 */
{
    let mut f = Fixture::asking();
    let sent = f.last();
    f.answer(&sent, 200, "Expires: 300\r\n");
    let text = calls(0, "full", "");
    f.notify_ok(&sent.notify("peer", 900, "active", &dialog_info(&text)));
    f.run(10 * SECOND);
    let busy = calls(1, "full", "confirmed");
    for cseq in [1, 2] {
        let low = sent.notify("peer", cseq, "active", &dialog_info(&busy));
        f.notify_refused(&low, Status::SERVER_ERROR);
    }
    let refresh = f.expect_one(6 * SECOND);
    assert!(!refresh.is_first());
    f.answer(&refresh, 200, "");
    let low = sent.notify("peer", 3, "active", &dialog_info(&busy));
    f.notify_refused(&low, Status::SERVER_ERROR);
    let next = f.expect_one(40 * SECOND);
    assert!(next.is_first());
    assert!(f.is_broken());
    f.establish("peer2", "confirmed");
    assert_eq!(f.watched(), Watched::Busy);
    assert!(!f.is_broken());
}

#[test]
fn one_late_notify_now_and_then_is_no_reason_to_ask() /* S19 H06 */
{
    let mut f = Fixture::active();
    f.run(10 * SECOND);
    for round in 1..10 {
        f.tell("peer", round * 10, "");
        let late = f.last().notify("peer", round * 10 - 5, "active", &EMPTY);
        f.notify_refused(&late, Status::SERVER_ERROR);
    }
    f.expect_silence(20 * SECOND);
}

#[test]
fn in_a_dialog_only_the_notifiers_address_counts() /* S24 B08 */
{
    let mut f = Fixture::active();
    let kill = f
        .last()
        .notify("peer", 2, "terminated;reason=rejected", &EMPTY);
    for trusted in [false, true] {
        let answer = f.notify_from(&kill, STRANGER, trusted);
        assert_eq!(answer, Err(Refusal::Answer(Status::FORBIDDEN)));
        assert_eq!(f.report().state, "active");
    }
    // The same CSeq from the right address is not spoilt by the attempt.
    let good = busy(&f);
    assert_eq!(f.notify_from(&good, "192.0.2.1:39999", false), Ok(()));
    assert_eq!(f.watched(), Watched::Busy);
}

#[test]
fn a_dialog_is_opened_only_by_whom_we_asked_or_by_a_trusted_peer() /* S24 */
{
    let text = calls(0, "full", "confirmed");
    for (trusted, expected) in [
        (false, Err(Refusal::Answer(Status::FORBIDDEN))),
        (true, Ok(())),
    ] {
        let mut f = Fixture::asking();
        let notify = f.last().notify("peer", 1, "active", &dialog_info(&text));
        assert_eq!(f.notify_from(&notify, STRANGER, trusted), expected);
        assert_eq!(f.watched() == Watched::Busy, trusted);
    }
}

#[test]
fn who_was_refused_is_remembered_until_a_notify_is_taken() /* S24 */
{
    let refused = Err(Refusal::Answer(Status::FORBIDDEN));
    let text = calls(0, "full", "confirmed");
    let mut f = Fixture::asking();
    assert_eq!(f.report().distrusts, None);
    let notify = f.last().notify("peer", 1, "active", &dialog_info(&text));
    // Who does not know what was asked is nobody to tell of.
    let foreign = notify.replace("Event: dialog", "Event: presence");
    assert_ne!(f.notify_from(&foreign, STRANGER, false), Ok(()));
    assert_eq!(f.report().distrusts, None);
    assert_eq!(f.notify_from(&notify, STRANGER, false), refused);
    assert_eq!(f.report().distrusts, STRANGER.parse().ok());
    assert_eq!(f.notify_from(&notify, "192.0.2.1:5060", false), Ok(()));
    assert_eq!(f.report().distrusts, None);
    // Another notifier beside one that vouches for the state is in nobody's way.
    let other = f.last().notify("other", 1, "active", &dialog_info(&text));
    assert_eq!(f.notify_from(&other, STRANGER, false), refused);
    assert_eq!(f.report().distrusts, None);
}

#[test]
fn both_the_notifiers_addresses_count_its_source_and_its_contact() /* S24 */
{
    let mut f = Fixture::asking();
    let text = calls(0, "full", "");
    let notify = f
        .last()
        .notify("peer", 1, "active;expires=300", &dialog_info(&text));
    assert_eq!(f.notify_from(&notify, "192.0.2.50:5060", true), Ok(()));
    for (cseq, from, state, expected) in [
        (2, "192.0.2.50:5060", "confirmed", Watched::Busy),
        (3, SERVER, "early", Watched::Ringing),
    ] {
        let text = calls(cseq, "full", state);
        let notify = f.last().notify("peer", cseq, "active", &dialog_info(&text));
        assert_eq!(f.notify_from(&notify, from, false), Ok(()));
        assert_eq!(f.watched(), expected);
    }
}

#[test]
fn presence_keeps_one_notifier_and_refuses_a_second() /* S21 */
{
    let pidf = "<?xml version=\"1.0\"?><presence xmlns=\"urn:ietf:params:xml:ns:pidf\" entity=\"sip:bob@192.0.2.1\"><tuple id=\"t\"><status><basic>open</basic></status><contact>sip:bob@192.0.2.1</contact></tuple></presence>";
    let body = Body {
        kind: Some("application/pidf+xml"),
        text: pidf,
    };
    let mut f = Fixture::ordered(&Order {
        package: Package::Presence,
        ..order("sip:bob@192.0.2.1")
    });
    let sent = f.expect_one(3 * SECOND);
    f.notify_ok(&sent.notify("one", 1, "active;expires=300", &body));
    assert_eq!(f.watched(), Watched::Idle);
    f.notify_refused(
        &sent.notify("two", 1, "active;expires=300", &body),
        Status::NO_SUCH_SUBSCRIPTION,
    );
    f.notify_ok(&sent.notify("one", 2, "active;expires=299", &body));
}

#[test]
fn dialog_merges_several_notifiers_of_one_subscribe() /* S21 D16 */
{
    let mut f = Fixture::asking();
    let sent = f.last();
    for (tag, state, merged) in [
        ("one", "", Watched::Idle),
        ("two", "confirmed", Watched::Busy),
        ("three", "early", Watched::Ringing),
    ] {
        let text = calls(0, "full", state);
        f.notify_ok(&sent.notify(tag, 1, "active;expires=300", &dialog_info(&text)));
        assert_eq!(f.watched(), merged);
    }
    f.answer(&sent, 200, "");
    f.tell("three", 2, "");
    assert_eq!(f.watched(), Watched::Busy);
    f.tell("two", 2, "");
    assert_eq!(f.watched(), Watched::Idle);
}

#[test]
fn after_timer_n_no_notifier_joins() /* S04 */
{
    let mut f = Fixture::active();
    f.run(33 * SECOND);
    let text = calls(0, "full", "confirmed");
    let late = f.last().notify("late", 1, "active", &dialog_info(&text));
    f.notify_refused(&late, Status::NO_SUCH_SUBSCRIPTION);
    assert_eq!(f.watched(), Watched::Idle);
}

#[test]
fn a_watch_takes_a_handful_of_notifiers_and_no_more() /* S21 */
{
    let text = calls(0, "full", "");
    let mut f = Fixture::asking();
    for number in 0..USAGES_PER_WATCH + 2 {
        let tag = format!("p{number}");
        let notify = f
            .last()
            .notify(&tag, 1, "active;expires=300", &dialog_info(&text));
        let expected = if number < USAGES_PER_WATCH {
            Ok(())
        } else {
            Err(Refusal::Answer(Status::NO_SUCH_SUBSCRIPTION))
        };
        assert_eq!(f.notify(&notify), expected, "{number}");
    }
}

#[test]
fn the_first_notifier_of_every_watch_has_a_place_whatever_others_fork() /* S21 */
{
    let text = calls(0, "full", "");
    let mut f = Fixture::new();
    for number in 0..crate::ground::limits::WATCHES {
        f.add(&order(&format!("sip:u{number}@192.0.2.1")));
    }
    let mut sent = f.run(3 * SECOND);
    sent.retain({
        let mut seen = std::collections::BTreeSet::new();
        move |sent| seen.insert(String::from(sent.tag()))
    });
    let mut spare = 0;
    for sent in &sent {
        f.notify_ok(&sent.notify("first", 1, "active;expires=300", &dialog_info(&text)));
        let forked = sent.notify("second", 1, "active;expires=300", &dialog_info(&text));
        spare += usize::from(f.notify(&forked).is_ok());
    }
    assert_eq!(sent.len(), crate::ground::limits::WATCHES);
    assert_eq!(spare, SPARE_USAGES);
    f.watcher.stop();
    f.run(40 * SECOND);
    assert!(f.watcher.is_idle());
    assert_eq!(f.watcher.spare_used, 0);
    assert!(f.watcher.usages.is_empty());
}

#[test]
fn a_from_without_tag_is_the_dialog_without_tag() {
    let mut f = Fixture::asking();
    let text = calls(0, "full", "confirmed");
    let notify = f
        .last()
        .notify("peer", 1, "active;expires=300", &dialog_info(&text));
    f.notify_ok(&notify.replace(";tag=peer", ""));
    assert_eq!(f.watched(), Watched::Busy);
    let sent = f.last();
    f.answer(&sent, 200, "");
    let refresh = f.expect_one(300 * SECOND);
    assert_eq!(refresh.header("To"), "<sip:bob@192.0.2.1>");
    assert_eq!(refresh.tag(), sent.tag());
}

#[test]
fn a_contact_that_moves_is_followed() /* S05 N19 */
{
    let mut f = Fixture::active();
    let opened = f.last();
    let moved = busy(&f).replace(
        "Contact: <sip:192.0.2.1:5060>",
        "Contact: sip:192.0.2.1:5099",
    );
    f.notify_ok(&moved);
    let refresh = f.expect_one(300 * SECOND);
    assert!(
        refresh
            .text
            .starts_with("SUBSCRIBE sip:192.0.2.1:5099 SIP/2.0\r\n")
    );
    assert_eq!(refresh.to, address("192.0.2.1:5099"));
    // One that moves while it is asked gets its retransmissions where it was (T20).
    let text = calls(2, "full", "");
    let moved = opened.notify("peer", 3, "active", &dialog_info(&text));
    f.notify_ok(&moved.replace("<sip:192.0.2.1:5060>", "<sip:192.0.2.1:5088>"));
    let again = f.expect_one(SECOND);
    assert_eq!(
        again,
        Sent {
            at: again.at,
            ..refresh
        }
    );
}

#[test]
fn names_too_long_for_a_dialog_get_513() {
    let mut f = Fixture::asking();
    let text = calls(0, "full", "");
    let notify = f
        .last()
        .notify(&"t".repeat(700), 1, "active", &dialog_info(&text));
    f.notify_refused(&notify, Status::MESSAGE_TOO_LARGE);
    assert_eq!(f.watched(), Watched::Subscribing);
}
