//! NOTIFYs without a document: when they say that there is no state, and when they say nothing.

extern crate std;

use super::fixture::*;
use crate::events::package::Package;
use crate::events::watched::Watched;
use crate::ground::time::Duration;
use crate::roles::watcher::Order;
use crate::wire::sip::Status;
use std::collections::BTreeSet;
use std::format;
use std::string::String;

const SECOND: Duration = Duration::from_secs(1);

impl Fixture {
    /// A NOTIFY of "peer" without a document.
    #[track_caller]
    fn tell_nothing(&mut self, cseq: u32, state: &str) {
        let notify = self.last().notify("peer", cseq, state, &EMPTY);
        self.notify_ok(&notify);
    }

    /// Waits for a refresh and answers it, with a NOTIFY without a document before or behind the 200.
    #[track_caller]
    fn refresh_with_nothing(&mut self, cseq: u32, within: Duration, notify_first: bool) {
        let refresh = self.expect_one(within);
        assert!(!refresh.is_first());
        let opened = refresh.clone();
        if notify_first {
            self.tell_nothing(cseq, "active;expires=300");
        }
        self.answer(&opened, 200, "Expires: 300\r\n");
        if !notify_first {
            self.tell_nothing(cseq, "active;expires=300");
        }
    }

    #[track_caller]
    fn expect(&self, watched: Watched, is_stateless: bool) {
        let report = self.report();
        assert_eq!(
            (report.watched, report.is_stateless, report.broken_since),
            (watched, is_stateless, None)
        );
    }
}

/// A watch in `package` whose first SUBSCRIBE is out and answered.
fn asking(package: Package) -> Fixture {
    let mut f = Fixture::ordered(&Order {
        package,
        ..order("sip:bob@192.0.2.1")
    });
    let sent = f.expect_one(3 * SECOND);
    f.answer(&sent, 200, "Expires: 300\r\n");
    f
}

#[test]
fn an_empty_first_notify_means_that_there_is_no_state() /* S23 */
{
    for (package, expected) in [
        (Package::Dialog, Watched::Idle),
        (Package::Presence, Watched::Offline),
    ] {
        let mut f = asking(package);
        f.changes();
        f.tell_nothing(1, "active;expires=300");
        f.expect(expected, true);
        assert_eq!(f.changes(), 1);
        assert_eq!(f.report().state, "active");
        f.expect_silence(100 * SECOND);
        // It is no less than what a document tells: in doubt it stays for its grace.
        f.tell_nothing(2, "terminated;reason=timeout");
        assert_eq!(f.watched(), expected);
        assert!(f.is_broken() && !f.report().is_stateless);
    }
}

#[test]
fn where_no_state_leaves_everything_open_nothing_is_known() {
    for package in [Package::MessageSummary, Package::PresenceWinfo] {
        let mut f = asking(package);
        f.tell_nothing(1, "active;expires=300");
        f.expect(Watched::Subscribing, false);
        f.run(33 * SECOND);
        f.expect(Watched::Unknown, false);
    }
    let mut f = asking(Package::MessageSummary);
    let waiting = Body {
        kind: None,
        text: "Messages-Waiting: yes\r\n",
    };
    f.notify_ok(&f.last().notify("peer", 1, "active;expires=300", &waiting));
    f.refresh_with_nothing(2, 300 * SECOND, true);
    f.expect(Watched::Waiting, false);
}

#[test]
fn an_empty_answer_to_a_refresh_ends_what_was_told() /* kamailio #55 */
{
    for notify_first in [false, true] {
        let mut f = Fixture::active();
        f.tell("peer", 2, "confirmed");
        f.refresh_with_nothing(3, 300 * SECOND, notify_first);
        f.expect(Watched::Idle, true);
        // One that answers nothing leaves it so, and so does the next refresh.
        f.tell_nothing(4, "active;expires=200");
        f.expect(Watched::Idle, true);
        f.refresh_with_nothing(5, 300 * SECOND, !notify_first);
        f.expect(Watched::Idle, true);
        f.tell("peer", 6, "early");
        f.expect(Watched::Ringing, false);
    }
}

#[test]
fn an_empty_notify_that_answers_nothing_keeps_the_state_and_has_it_asked_for() /* S20 */
{
    let mut f = Fixture::active();
    f.run(10 * SECOND);
    f.tell("peer", 2, "confirmed");
    f.tell_nothing(3, "active;expires=200");
    f.expect(Watched::Busy, false);
    f.refresh_with_nothing(4, SECOND, false);
    f.expect(Watched::Idle, true);
    f.expect_silence(100 * SECOND);
}

#[test]
fn what_cannot_change_is_not_asked_for() {
    let mut f = Fixture::active();
    f.run(10 * SECOND);
    for cseq in 2..9 {
        f.tell_nothing(cseq, "active;expires=200");
        f.expect(Watched::Idle, false);
        f.expect_silence(5 * SECOND);
    }
}

#[test]
fn a_server_that_sends_empty_notifys_all_the_time_is_asked_once_for_each_state() /* H09 */
{
    let mut f = Fixture::active();
    let mut cseq = 1;
    let mut asked = BTreeSet::new();
    for round in 0..120 {
        let state = if round < 60 { "confirmed" } else { "early" };
        if round % 60 == 0 {
            cseq += 1;
            f.tell("peer", cseq, state);
        }
        for sent in f.run(SECOND) {
            asked.insert(sent.seq());
            f.last = Some(sent.clone());
            f.answer(&sent, 200, "Expires: 300\r\n");
            cseq += 1;
            f.tell("peer", cseq, state);
        }
        cseq += 1;
        f.tell_nothing(cseq, "active;expires=300");
        let expected = if round < 60 {
            Watched::Busy
        } else {
            Watched::Ringing
        };
        f.expect(expected, false);
    }
    assert_eq!(asked.len(), 2);
}

#[test]
fn a_document_and_an_empty_notify_that_answer_together_end_nothing() {
    let mut f = Fixture::active();
    f.tell("peer", 2, "confirmed");
    let refresh = f.expect_one(300 * SECOND);
    f.tell("peer", 3, "confirmed");
    f.tell_nothing(4, "active;expires=300");
    f.answer(&refresh, 200, "Expires: 300\r\n");
    f.expect(Watched::Busy, false);
    // Which of them was the answer, another refresh tells.
    f.refresh_with_nothing(5, 6 * SECOND, false);
    f.expect(Watched::Idle, true);
}

#[test]
fn before_a_refresh_is_sent_nothing_answers_it() {
    let mut f = Fixture::active();
    f.tell("peer", 2, "confirmed");
    f.now = f.watcher.due().expect("the refresh");
    f.watcher.handle_timeout(f.now, &mut f.random);
    f.tell_nothing(3, "active;expires=300");
    f.expect(Watched::Busy, false);
}

#[test]
fn pending_tells_nothing_and_what_follows_it_tells_all() /* S23 */
{
    let mut f = asking(Package::Dialog);
    f.tell_nothing(1, "pending;expires=300");
    f.expect(Watched::Subscribing, false);
    f.tell_nothing(2, "active;expires=300");
    f.expect(Watched::Idle, true);
    f.tell_nothing(3, "pending;expires=300");
    f.expect(Watched::Unknown, false);
    f.refresh_with_nothing(4, 300 * SECOND, true);
    f.expect(Watched::Idle, true);
}

#[test]
fn terminated_and_unknown_words_without_a_document_say_nothing_of_the_state() /* S17 S20 */
{
    let mut f = asking(Package::Dialog);
    f.tell_nothing(1, "dormant;expires=300");
    f.expect(Watched::Subscribing, false);
    let mut f = Fixture::active();
    f.tell("peer", 2, "confirmed");
    f.tell_nothing(3, "dormant;expires=200");
    f.expect(Watched::Busy, false);
    let refresh = f.expect_one(300 * SECOND);
    f.answer(&refresh, 200, "Expires: 300\r\n");
    f.tell_nothing(4, "terminated;reason=giveup");
    assert_eq!((f.watched(), f.is_broken()), (Watched::Busy, true));
}

#[test]
fn what_could_not_be_read_is_known_again_with_the_next_answer() /* S27 */
{
    let mut f = Fixture::active();
    let broken = f.last().notify(
        "peer",
        2,
        "active;expires=200",
        &dialog_info("<dialog-info"),
    );
    f.notify_refused(&broken, Status::BAD_REQUEST);
    f.tell_nothing(3, "active;expires=200");
    assert_eq!((f.watched(), f.is_broken()), (Watched::Unknown, true));
    f.refresh_with_nothing(4, 300 * SECOND, false);
    f.expect(Watched::Idle, true);
}

#[test]
fn an_empty_answer_vouches_for_the_server_again() /* S23 */
{
    let mut f = Fixture::active();
    f.tell("peer", 2, "confirmed");
    let refresh = f.expect_one(300 * SECOND);
    f.answer(&refresh, 503, "");
    assert!(f.is_broken());
    f.refresh_with_nothing(3, 60 * SECOND, false);
    f.expect(Watched::Idle, true);
}

#[test]
fn of_several_notifiers_one_that_knows_something_counts() /* D16 */
{
    let mut f = asking(Package::Dialog);
    let sent = f.last();
    f.notify_ok(&sent.notify("one", 1, "active", &EMPTY));
    f.expect(Watched::Idle, true);
    let text = calls(0, "full", "confirmed");
    f.notify_ok(&sent.notify("two", 1, "active", &dialog_info(&text)));
    f.expect(Watched::Busy, false);
    f.notify_ok(&sent.notify("three", 1, "active", &EMPTY));
    f.expect(Watched::Busy, false);
}

#[test]
fn partial_documents_go_on_where_there_was_no_state() /* D14 */
{
    let mut f = Fixture::active();
    f.tell("peer", 2, "confirmed");
    f.refresh_with_nothing(3, 300 * SECOND, true);
    for (cseq, state, expected) in [
        (4, "early", Watched::Ringing),
        (5, "terminated", Watched::Idle),
    ] {
        let text: String = calls(cseq - 1, "partial", state);
        let notify = f
            .last()
            .notify("peer", cseq, "active;expires=200", &dialog_info(&text));
        f.notify_ok(&notify);
        f.expect(expected, false);
    }
    f.expect_silence(100 * SECOND);
}

#[test]
fn presence_that_expired_is_offline() {
    let mut f = asking(Package::Presence);
    let open = "<presence xmlns='urn:ietf:params:xml:ns:pidf' entity='sip:bob@192.0.2.1'><tuple id='a'>\
                <status><basic>open</basic></status></tuple></presence>";
    let body = Body {
        kind: Some("application/pidf+xml"),
        text: open,
    };
    f.notify_ok(&f.last().notify("peer", 1, "active;expires=300", &body));
    f.expect(Watched::Idle, false);
    f.run(10 * SECOND);
    f.tell_nothing(2, &format!("active;expires={}", 290));
    f.expect(Watched::Idle, false);
    f.refresh_with_nothing(3, SECOND, false);
    f.expect(Watched::Offline, true);
}
