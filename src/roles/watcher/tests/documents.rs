//! What the bodies of NOTIFYs do to the state.

extern crate std;

use super::fixture::*;
use crate::events::party::Party;
use crate::events::watched::Watched;
use crate::ground::time::Duration;
use crate::wire::sip::Status;
use std::string::String;

const SECOND: Duration = Duration::from_secs(1);

impl Fixture {
    /// A NOTIFY in the dialog of "peer".
    fn news(&self, cseq: u32, body: &Body<'_>) -> String {
        self.last().notify("peer", cseq, "active;expires=200", body)
    }
}

#[test]
fn a_pending_notifier_tells_nothing() /* S23 */
{
    let mut f = Fixture::asking();
    let sent = f.last();
    f.answer(&sent, 200, "");
    let text = calls(0, "full", "confirmed");
    f.notify_ok(&sent.notify("peer", 1, "pending;expires=300", &dialog_info(&text)));
    assert_eq!(f.watched(), Watched::Subscribing);
    assert_eq!(f.report().state, "pending");
    f.tell("peer", 2, "");
    assert_eq!(f.watched(), Watched::Idle);
    f.notify_ok(&sent.notify("peer", 3, "pending;expires=300", &EMPTY));
    assert_eq!(f.watched(), Watched::Unknown);
}

#[test]
fn reason_and_retry_after_mean_nothing_while_it_lives() /* S17 */
{
    let mut f = Fixture::active();
    let text = calls(1, "full", "confirmed");
    let odd = "active;expires=200;reason=rejected;retry-after=99";
    f.notify_ok(&f.last().notify("peer", 2, odd, &dialog_info(&text)));
    assert_eq!(f.report().state, "active");
    assert_eq!(f.watched(), Watched::Busy);
}

#[test]
fn another_type_gets_415_and_the_lamp_turns_unknown() /* S27 */
{
    let mut f = Fixture::active();
    let body = Body {
        kind: Some("application/simple-message-summary"),
        text: "Messages-Waiting: yes\r\n",
    };
    f.notify_refused(&f.news(2, &body), Status::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(f.watched(), Watched::Unknown);
    assert_eq!(f.report().state, "active");
    f.tell("peer", 3, "");
    assert_eq!(f.watched(), Watched::Idle);
    assert!(!f.is_broken());
}

#[test]
fn a_malformed_body_gets_400_and_the_lamp_turns_unknown() /* S27 */
{
    let mut f = Fixture::active();
    f.tell("peer", 2, "confirmed");
    let whole = calls(2, "full", "early");
    for (cseq, cut) in [(3, whole.len() - 5), (4, whole.len() / 2)] {
        let body = dialog_info(&whole[..cut]);
        f.notify_refused(&f.news(cseq, &body), Status::BAD_REQUEST);
        assert_eq!(f.watched(), Watched::Unknown);
        assert_eq!(f.report().state, "active");
    }
    f.tell("peer", 5, "confirmed");
    assert_eq!(f.watched(), Watched::Busy);
}

#[test]
fn an_unreadable_notifier_makes_the_merge_unknown() /* S27 D16 */
{
    let mut f = Fixture::asking();
    let sent = f.last();
    let text = calls(0, "full", "");
    f.notify_ok(&sent.notify("one", 1, "active", &dialog_info(&text)));
    f.notify_refused(
        &sent.notify("two", 1, "active", &dialog_info("<dialog-info")),
        Status::BAD_REQUEST,
    );
    assert_eq!(f.watched(), Watched::Unknown);
    f.tell("two", 2, "");
    assert_eq!(f.watched(), Watched::Idle);
}

#[test]
fn types_have_parameters_case_and_may_be_missing() {
    let mut f = Fixture::active();
    let text = calls(1, "full", "confirmed");
    for (cseq, kind) in [
        (2, Some("Application/Dialog-Info+XML;charset=\"utf-8\"")),
        (3, None),
    ] {
        f.notify_ok(&f.news(cseq, &Body { kind, text: &text }));
        assert_eq!(f.watched(), Watched::Busy);
    }
}

#[test]
fn a_full_document_is_taken_whatever_its_version() /* D14 */
{
    let mut f = Fixture::active();
    for (cseq, version, state, expected) in [
        (2, 9, "confirmed", Watched::Busy),
        (3, 0, "early", Watched::Ringing),
        (4, 0, "", Watched::Idle),
        (5, u32::MAX, "confirmed", Watched::Busy),
        (6, 0, "", Watched::Idle),
    ] {
        let text = calls(version, "full", state);
        f.notify_ok(&f.news(cseq, &dialog_info(&text)));
        assert_eq!(f.watched(), expected);
    }
    f.expect_silence(100 * SECOND);
}

#[test]
fn partial_documents_in_order_are_applied_and_old_ones_are_not() /* D14 D15 */
{
    let mut f = Fixture::active();
    for (cseq, version, state, expected) in [
        (2, 1, "confirmed", Watched::Busy),
        (3, 2, "terminated", Watched::Idle),
        (4, 2, "early", Watched::Idle),
        (5, 1, "early", Watched::Idle),
        (6, 3, "early", Watched::Ringing),
    ] {
        let text = calls(version, "partial", state);
        f.notify_ok(&f.news(cseq, &dialog_info(&text)));
        assert_eq!(f.watched(), expected, "{version}");
    }
    f.expect_silence(100 * SECOND);
}

#[test]
fn a_gap_is_applied_and_followed_by_three_refreshes_at_most() /* D14 H09 */
{
    let mut f = Fixture::active();
    f.run(10 * SECOND);
    let text = calls(5, "partial", "confirmed");
    f.notify_ok(&f.news(2, &dialog_info(&text)));
    assert_eq!(f.watched(), Watched::Busy);
    for round in 0..3 {
        let refresh = f.expect_one(6 * SECOND);
        assert!(!refresh.is_first());
        f.answer(&refresh, 200, "");
        // The answer's document has a gap too; it may have overtaken the full one.
        let text = calls(10 + 5 * round, "partial", "confirmed");
        f.notify_ok(&f.news(3 + round, &dialog_info(&text)));
    }
    f.expect_silence(100 * SECOND);
    f.tell("peer", 9, "");
    assert_eq!(f.watched(), Watched::Idle);
}

#[test]
fn a_lost_document_is_asked_for_though_later_ones_follow_each_other() /* D14 FIELD 11 */
{
    let mut f = Fixture::active();
    let refresh = f.expect_one(300 * SECOND);
    // The full document that answers is overtaken by two partial ones, and so is the 200.
    let text = calls(2, "partial", "early");
    f.notify_ok(&f.news(3, &dialog_info(&text)));
    let text = calls(3, "partial", "confirmed");
    f.notify_ok(&f.news(4, &dialog_info(&text)));
    f.answer(&refresh, 200, "Expires: 300\r\n");
    let again = f.expect_one(6 * SECOND);
    assert!(again.at - refresh.at >= 5 * SECOND);
}

#[test]
fn behind_a_gap_the_end_of_a_call_is_not_idle() /* D14 S23 FIELD 11 15 */
{
    let mut f = Fixture::active();
    f.tell("peer", 2, "confirmed");
    f.run(10 * SECOND);
    let text = calls(7, "partial", "terminated");
    f.notify_ok(&f.news(3, &dialog_info(&text)));
    assert_eq!(f.watched(), Watched::Busy);
    assert!(f.is_broken());
    let refresh = f.expect_one(SECOND);
    f.answer(&refresh, 200, "");
    f.tell("peer", 4, "early");
    assert_eq!(f.watched(), Watched::Ringing);
    assert!(!f.is_broken());
}

#[test]
fn a_notifier_that_cannot_count_is_believed_in_the_end() /* D14 FIELD 11 */
{
    let mut f = Fixture::active();
    f.tell("peer", 2, "confirmed");
    f.run(10 * SECOND);
    for round in 0..6 {
        let text = calls(20 + 10 * round, "partial", "terminated");
        f.notify_ok(&f.news(3 + round, &dialog_info(&text)));
        assert_eq!(f.watched() == Watched::Idle && !f.is_broken(), round >= 3);
        if let Some(refresh) = f.next(6 * SECOND) {
            f.answer(&refresh, 200, "Expires: 300\r\n");
        }
    }
}

#[test]
fn an_empty_partial_document_at_the_end_is_not_idle() /* S23 D14 */
{
    let mut f = Fixture::active();
    f.tell("peer", 2, "confirmed");
    let text = calls(3, "partial", "");
    f.notify_ok(
        &f.last()
            .notify("peer", 3, "terminated;reason=giveup", &dialog_info(&text)),
    );
    assert_eq!(f.watched(), Watched::Busy);
    assert!(f.is_broken());
}

#[test]
fn a_gap_in_the_answer_to_a_regular_refresh_is_asked_about_too() /* D14 */
{
    let mut f = Fixture::active();
    let refresh = f.expect_one(300 * SECOND);
    f.answer(&refresh, 200, "Expires: 300\r\n");
    let text = calls(9, "partial", "confirmed");
    f.notify_ok(&f.news(2, &dialog_info(&text)));
    let again = f.expect_one(6 * SECOND);
    assert!(again.at - refresh.at >= 5 * SECOND);
}

#[test]
fn gaps_without_end_cost_one_refresh_in_five_seconds() /* H09 */
{
    let mut f = Fixture::active();
    let (mut cseq, mut asked) = (1, 0);
    for round in 0..60u32 {
        for sent in f.run(SECOND) {
            asked += 1;
            f.answer(&sent, 200, "Expires: 300\r\n");
            cseq += 1;
            let text = calls(round * 10, "full", "");
            f.notify_ok(&f.news(cseq, &dialog_info(&text)));
        }
        cseq += 1;
        let text = calls(round * 10 + 5, "partial", "confirmed");
        f.notify_ok(&f.news(cseq, &dialog_info(&text)));
    }
    assert!((8..=12).contains(&asked), "{asked}");
}

/// A document with one dialog, with that caller unless it is empty.
fn call(version: u32, extent: &str, state: &str, caller: &str) -> String {
    let remote = match caller {
        "" => String::new(),
        uri => std::format!("<remote><identity display='Ann'>{uri}</identity></remote>"),
    };
    calls(version, extent, state).replace("</state>", &std::format!("</state>{remote}"))
}

#[test]
fn the_other_party_is_told_for_as_long_as_the_call_lasts() {
    let mut f = Fixture::active();
    let ann = "sip:ann@192.0.2.1";
    for (cseq, extent, state, caller, told) in [
        (2, "full", "early", ann, Some(ann)),
        (3, "partial", "confirmed", "", Some(ann)),
        (4, "partial", "terminated", "", None),
        (
            5,
            "partial",
            "early",
            "sip:ben@192.0.2.1",
            Some("sip:ben@192.0.2.1"),
        ),
        // A full document that names nobody, and one that names the watched one itself.
        (6, "full", "early", "", None),
        (
            7,
            "full",
            "early",
            "sip:bob@192.0.2.1:5060;user=phone",
            None,
        ),
        (
            8,
            "full",
            "early",
            "sip:bob@192.0.2.7",
            Some("sip:bob@192.0.2.7"),
        ),
        (9, "full", "", "", None),
    ] {
        let text = call(cseq - 1, extent, state, caller);
        f.notify_ok(&f.news(cseq, &dialog_info(&text)));
        let party = f.report().party.map(Party::uri);
        assert_eq!(party, told, "{cseq}");
    }
}

#[test]
fn another_party_is_news_though_the_state_is_the_same() {
    let mut f = Fixture::active();
    let mut told = |cseq, caller| {
        let text = call(cseq, "full", "confirmed", caller);
        f.notify_ok(&f.news(cseq, &dialog_info(&text)));
        f.changes()
    };
    assert_eq!(told(2, "sip:ann@192.0.2.1"), 1);
    assert_eq!(told(3, "sip:ann@192.0.2.1"), 0);
    assert_eq!(told(4, "sip:ben@192.0.2.1"), 1);
    assert_eq!(told(5, ""), 1);
    assert_eq!(told(6, ""), 0);
}

#[test]
fn behind_a_hole_nobody_is_named_for_the_call_before_it() /* D14 */
{
    let mut f = Fixture::active();
    let text = call(1, "full", "early", "sip:ann@192.0.2.1");
    f.notify_ok(&f.news(2, &dialog_info(&text)));
    let other = call(5, "partial", "terminated", "").replace(
        "<dialog id=\"d1\"",
        "<dialog id='d2'><state>confirmed</state><remote><identity>sip:ben@x</identity></remote></dialog>\
         <dialog id=\"d1\"",
    );
    f.notify_ok(&f.news(3, &dialog_info(&other)));
    assert_eq!(f.watched(), Watched::Busy);
    let ended = call(9, "partial", "terminated", "").replace("d1", "d2");
    f.notify_ok(&f.news(4, &dialog_info(&ended)));
    assert_eq!((f.watched(), f.is_broken()), (Watched::Busy, true));
    assert!(f.report().party.is_none());
}

#[test]
fn of_several_notifiers_the_party_is_that_of_the_one_who_counts() /* D16 */
{
    let mut f = Fixture::asking();
    let sent = f.last();
    for (tag, state, caller) in [
        ("one", "confirmed", "sip:ann@x"),
        ("two", "early", "sip:ben@x"),
    ] {
        let text = call(0, "full", state, caller);
        f.notify_ok(&sent.notify(tag, 1, "active", &dialog_info(&text)));
    }
    let party = f.report().party.expect("somebody");
    assert_eq!((party.display(), party.uri()), ("Ann", "sip:ben@x"));
}
