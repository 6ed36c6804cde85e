//! States that end by themselves, and servers that say nothing of their end.

extern crate std;

use super::fixture::*;
use crate::events::package::Package;
use crate::events::watched::Watched;
use crate::ground::time::{Duration, Instant, Seconds};
use crate::roles::watcher::{Doubt, Order};
use crate::wire::sip::Status;
use std::format;
use std::vec::Vec;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const FETCHED: &str = "terminated;reason=timeout";

/// A watch for an hour at a time, so that what is asked meanwhile is the audit's, told that bob's state is `dialogs`.
fn told(dialogs: &str) -> Fixture {
    let mut f = Fixture::ordered(&audited("sip:bob@192.0.2.1"));
    opened(&mut f, dialogs);
    f
}

fn audited(target: &str) -> Order<'_> {
    Order {
        expires: Seconds(3_600),
        audit: Seconds(120),
        ..order(target)
    }
}

fn opened(f: &mut Fixture, dialogs: &str) -> Sent {
    let sent = f.expect_one(5 * SECOND);
    assert!(sent.is_first());
    f.answer(&sent, 200, "Expires: 3600\r\n");
    let text = calls(0, "full", dialogs);
    f.notify_ok(&sent.notify("peer", 1, "active;expires=3600", &dialog_info(&text)));
    sent
}

/// Answers a refresh, and tells that state in the dialog of `opening`.
fn confirm(f: &mut Fixture, opening: &Sent, refresh: &Sent, cseq: u32, dialogs: &str) {
    f.answer(refresh, 200, "Expires: 3600\r\n");
    let text = calls(cseq, "full", dialogs);
    f.notify_ok(&opening.notify("peer", cseq, "active;expires=3600", &dialog_info(&text)));
}

/// Answers a fetch.
fn answer_fetch(f: &mut Fixture, fetch: &Sent, dialogs: &str) {
    assert!(is_fetch(fetch), "{}", fetch.text);
    f.answer(fetch, 200, "Expires: 0\r\n");
    let text = calls(0, "full", dialogs);
    f.notify_ok(&fetch.notify("other", 1, FETCHED, &dialog_info(&text)));
}

fn is_fetch(sent: &Sent) -> bool {
    sent.is_first() && sent.expires() == 0
}

#[test]
fn a_call_is_asked_about_in_the_dialog_and_beside_it_in_turn() {
    let mut f = told("confirmed");
    let opening = f.last();
    let mut asked: Vec<Instant> = Vec::from([opening.at]);
    for round in 0..4 {
        let refresh = f.expect_one(70 * SECOND);
        assert!(!refresh.is_first());
        assert_eq!(f.report().doubt, Some(Doubt::Asked));
        confirm(&mut f, &opening, &refresh, 2 + round, "confirmed");
        let fetch = f.expect_one(70 * SECOND);
        assert_ne!(fetch.header("Call-ID"), opening.header("Call-ID"));
        assert_ne!(fetch.tag(), opening.tag());
        assert_eq!(f.report().doubt, Some(Doubt::Asked));
        answer_fetch(&mut f, &fetch, "confirmed");
        assert_eq!(f.report().doubt, None);
        assert_eq!(f.report().confirmed, Some(f.now));
        asked.extend([refresh.at, fetch.at]);
    }
    for pair in asked.windows(2) {
        let pause = pair[1] - pair[0];
        assert!(pause >= MINUTE && pause <= 63 * SECOND, "{pause:?}");
    }
    assert_eq!((f.watched(), f.is_broken()), (Watched::Busy, false));
}

#[test]
fn an_end_that_was_never_told_is_found_by_a_refresh() /* FIELD 11 */
{
    for state in ["confirmed", "early", "trying"] {
        let mut f = told(state);
        let opening = f.last();
        let refresh = f.expect_one(70 * SECOND);
        confirm(&mut f, &opening, &refresh, 2, "");
        assert_eq!(f.watched(), Watched::Idle);
        // A lamp at rest is not asked about, but its server is.
        let patrol = f.expect_one(125 * SECOND);
        assert!(!patrol.is_first() && patrol.at - refresh.at >= 100 * SECOND);
    }
}

#[test]
fn what_a_fetch_contradicts_is_decided_by_a_new_subscription() /* FIELD 11 */
{
    let mut f = told("confirmed");
    let opening = f.last();
    let refresh = f.expect_one(70 * SECOND);
    confirm(&mut f, &opening, &refresh, 2, "confirmed");
    let fetch = f.expect_one(70 * SECOND);
    answer_fetch(&mut f, &fetch, "");
    assert_eq!(f.watched(), Watched::Busy, "the dialog may still say so");
    assert_eq!(f.report().doubt, Some(Doubt::Contradicted));
    let anew = f.expect_one(3 * SECOND);
    assert!(anew.is_first() && anew.expires() == 3_600);
    assert!(f.is_broken());
    assert_eq!(f.report().doubt, Some(Doubt::Contradicted));
    assert_eq!(f.report().last_reason, "contradicted");
    f.answer(&anew, 200, "Expires: 3600\r\n");
    let idle = calls(0, "full", "");
    f.notify_ok(&anew.notify("new", 1, "active", &dialog_info(&idle)));
    assert_eq!((f.watched(), f.is_broken()), (Watched::Idle, false));
    assert!(anew.at - opening.at < 130 * SECOND);
    // The old dialog is over.
    let late = opening.notify("peer", 3, "active", &dialog_info(&idle));
    f.notify_refused(&late, Status::NO_SUCH_SUBSCRIPTION);
}

#[test]
fn a_notify_that_is_asked_for_seldom_is_given_its_time() /* F10 */
{
    let mut f = Fixture::ordered(&Order {
        at_most_every: Seconds(20),
        ..audited("sip:bob@192.0.2.1")
    });
    opened(&mut f, "confirmed");
    let opening = f.last();
    let refresh = f.expect_one(70 * SECOND);
    confirm(&mut f, &opening, &refresh, 2, "confirmed");
    let fetch = f.expect_one(70 * SECOND);
    answer_fetch(&mut f, &fetch, "");
    f.expect_silence(21 * SECOND);
    let idle = calls(3, "full", "");
    f.notify_ok(&opening.notify("peer", 3, "active", &dialog_info(&idle)));
    assert_eq!(f.watched(), Watched::Idle);
    f.expect_silence(MINUTE);
}

#[test]
fn a_notify_that_comes_a_moment_after_the_fetch_settles_it() {
    let mut f = told("confirmed");
    let opening = f.last();
    let refresh = f.expect_one(70 * SECOND);
    confirm(&mut f, &opening, &refresh, 2, "confirmed");
    let fetch = f.expect_one(70 * SECOND);
    answer_fetch(&mut f, &fetch, "");
    f.run(SECOND);
    let idle = calls(3, "full", "");
    f.notify_ok(&opening.notify("peer", 3, "active", &dialog_info(&idle)));
    assert_eq!(f.watched(), Watched::Idle);
    f.expect_silence(MINUTE);
}

#[test]
fn a_fetch_that_is_older_than_what_the_dialog_says_is_not_heard() {
    let mut f = told("confirmed");
    let opening = f.last();
    let refresh = f.expect_one(70 * SECOND);
    confirm(&mut f, &opening, &refresh, 2, "confirmed");
    let fetch = f.expect_one(70 * SECOND);
    f.run(SECOND);
    let rings = calls(3, "full", "early");
    f.notify_ok(&opening.notify("peer", 3, "active", &dialog_info(&rings)));
    answer_fetch(&mut f, &fetch, "confirmed");
    assert_eq!((f.watched(), f.report().doubt), (Watched::Ringing, None));
    f.expect_silence(55 * SECOND);
    // The questions go on as they did.
    assert!(!f.expect_one(8 * SECOND).is_first());
}

#[test]
fn fetches_that_prove_wrong_twice_are_given_up() {
    let mut f = told("confirmed");
    let mut opening = f.last();
    for round in 0..2 {
        let refresh = f.expect_one(70 * SECOND);
        confirm(&mut f, &opening, &refresh, 2, "confirmed");
        let fetch = f.expect_one(70 * SECOND);
        answer_fetch(&mut f, &fetch, "");
        // The dialog was right, says a new one.
        opening = opened(&mut f, "confirmed");
        assert_eq!(f.watched(), Watched::Busy, "{round}");
    }
    let mut cseq = 2;
    let end = f.now + 50 * MINUTE;
    while let Some(refresh) = f.next(end - f.now) {
        assert!(!refresh.is_first(), "{}", refresh.text);
        confirm(&mut f, &opening, &refresh, cseq, "confirmed");
        cseq += 1;
    }
    assert!(cseq > 20);
}

#[test]
fn where_fetches_are_refused_what_rings_too_long_is_subscribed_to_anew() {
    let mut f = told("early");
    let opening = f.last();
    let refresh = f.expect_one(70 * SECOND);
    confirm(&mut f, &opening, &refresh, 2, "early");
    let fetch = f.expect_one(70 * SECOND);
    assert!(is_fetch(&fetch));
    f.answer(&fetch, 400, "");
    let refresh = f.expect_one(70 * SECOND);
    assert!(!refresh.is_first());
    confirm(&mut f, &opening, &refresh, 3, "early");
    assert!(!f.is_broken());
    let anew = f.expect_one(70 * SECOND);
    assert_eq!(anew.expires(), 3_600);
    assert_eq!((f.watched(), f.is_broken()), (Watched::Ringing, false));
    f.answer(&anew, 200, "Expires: 3600\r\n");
    let idle = calls(0, "full", "");
    f.notify_ok(&anew.notify("new", 1, "active", &dialog_info(&idle)));
    assert_eq!(f.watched(), Watched::Idle);
}

#[test]
fn where_fetches_are_refused_a_call_is_only_refreshed() {
    let mut f = told("confirmed");
    let opening = f.last();
    let (mut cseq, mut fetches) = (2, 0);
    let end = f.now + 30 * MINUTE;
    while let Some(sent) = f.next(end - f.now) {
        if sent.is_first() {
            fetches += 1;
            f.answer(&sent, 400, "");
            continue;
        }
        confirm(&mut f, &opening, &sent, cseq, "confirmed");
        cseq += 1;
        assert!(!f.is_broken());
    }
    assert_eq!((fetches, cseq > 12), (1, true));
}

#[test]
fn an_empty_answer_to_a_fetch_says_nothing_of_the_state() {
    let mut f = told("confirmed");
    let opening = f.last();
    let refresh = f.expect_one(70 * SECOND);
    confirm(&mut f, &opening, &refresh, 2, "confirmed");
    let fetch = f.expect_one(70 * SECOND);
    f.answer(&fetch, 200, "");
    f.notify_ok(&fetch.notify("other", 1, FETCHED, &EMPTY));
    f.expect_silence(30 * SECOND);
    assert_eq!((f.watched(), f.is_broken()), (Watched::Busy, false));
}

#[test]
fn a_challenged_fetch_is_sent_with_credentials() {
    let mut f = Fixture::new();
    f.accounts.fill("desk", "secret");
    f.add(&Order {
        account: Some(0),
        ..audited("sip:bob@192.0.2.1")
    });
    let opening = opened(&mut f, "confirmed");
    let refresh = f.expect_one(70 * SECOND);
    confirm(&mut f, &opening, &refresh, 2, "confirmed");
    let fetch = f.expect_one(70 * SECOND);
    let challenge =
        "WWW-Authenticate: Digest realm=\"pbx\", nonce=\"n\", algorithm=MD5, qop=\"auth\"\r\n";
    f.answer(&fetch, 401, challenge);
    let again = f.expect_one(SECOND);
    assert!(is_fetch(&again) && again.seq() == fetch.seq() + 1);
    assert!(again.try_header("Authorization").is_some());
    answer_fetch(&mut f, &again, "confirmed");
    assert_eq!(f.report().confirmed, Some(f.now));
}

#[test]
fn what_nobody_confirms_is_in_doubt_after_an_audit() {
    let mut f = told("confirmed");
    let told_at = f.now;
    let opening = f.last();
    let end = f.now + 190 * SECOND;
    while let Some(sent) = f.next(end - f.now) {
        // It knows us, and tells nothing.
        if sent.is_first() {
            f.answer(&sent, 200, "");
            f.notify_ok(&sent.notify("other", 1, FETCHED, &EMPTY));
        } else {
            f.answer(&sent, 204, "Expires: 3600\r\n");
        }
    }
    assert_eq!(f.report().doubt, Some(Doubt::Unconfirmed));
    let since = f.report().broken_since.expect("it is in doubt");
    assert_eq!(since - told_at, 120 * SECOND);
    assert!(!f.report().lost, "the subscription stands");
    // Whoever confirms it then is believed.
    let busy = calls(2, "full", "confirmed");
    f.notify_ok(&opening.notify("peer", 2, "active", &dialog_info(&busy)));
    assert_eq!((f.is_broken(), f.report().doubt), (false, None));
}

#[test]
fn a_fetch_without_an_answer_is_sent_again_and_given_up() {
    let mut f = told("confirmed");
    let opening = f.last();
    let refresh = f.expect_one(70 * SECOND);
    confirm(&mut f, &opening, &refresh, 2, "confirmed");
    let fetch = f.expect_one(70 * SECOND);
    let copies = f.run(40 * SECOND);
    assert_eq!(copies.len(), 10);
    assert!(copies.iter().all(|copy| copy.text == fetch.text));
    assert_eq!((f.watched(), f.is_broken()), (Watched::Busy, false));
    let refresh = f.expect_one(30 * SECOND);
    assert!(!refresh.is_first());
}

#[test]
fn a_notify_for_a_fetch_from_elsewhere_is_refused() {
    let mut f = told("confirmed");
    let opening = f.last();
    let refresh = f.expect_one(70 * SECOND);
    confirm(&mut f, &opening, &refresh, 2, "confirmed");
    let fetch = f.expect_one(70 * SECOND);
    let idle = calls(0, "full", "");
    let forged = fetch.notify("other", 1, FETCHED, &dialog_info(&idle));
    let told = f.notify_from(&forged, STRANGER, false);
    assert_eq!(told, Err(Status::FORBIDDEN.into()));
    assert_eq!(f.report().doubt, Some(Doubt::Asked));
    answer_fetch(&mut f, &fetch, "confirmed");
    // Once it is over it is nobody's.
    f.notify_refused(&forged, Status::NO_SUCH_SUBSCRIPTION);
}

#[test]
fn a_server_that_wants_to_be_left_alone_is() {
    let mut f = told("confirmed");
    let opening = f.last();
    let refresh = f.expect_one(70 * SECOND);
    confirm(&mut f, &opening, &refresh, 2, "confirmed");
    let fetch = f.expect_one(70 * SECOND);
    f.answer(&fetch, 503, "Retry-After: 600\r\n");
    let (quiet, mut cseq) = (f.now + 600 * SECOND, 3);
    while let Some(sent) = f.next(quiet - f.now) {
        assert!(!sent.is_first(), "a fetch");
        confirm(&mut f, &opening, &sent, cseq, "confirmed");
        cseq += 1;
        assert!(!f.is_broken());
    }
    assert!(cseq >= 7);
}

#[test]
fn without_an_audit_nobody_asks() {
    let mut f = Fixture::ordered(&Order {
        audit: Seconds::ZERO,
        ..audited("sip:bob@192.0.2.1")
    });
    opened(&mut f, "confirmed");
    f.expect_silence(40 * MINUTE);
    assert_eq!(f.report().doubt, None);
}

#[test]
fn a_subscription_that_is_refreshed_anyway_is_not_refreshed_for_an_audit() {
    let mut f = Fixture::ordered(&Order {
        expires: Seconds(60),
        ..audited("sip:bob@192.0.2.1")
    });
    let opening = opened(&mut f, "confirmed");
    let (end, mut cseq, mut fetches) = (f.now + 10 * MINUTE, 2, 0);
    let mut refreshed: Vec<Instant> = Vec::new();
    while let Some(sent) = f.next(end - f.now) {
        if sent.is_first() {
            fetches += 1;
            answer_fetch(&mut f, &sent, "confirmed");
        } else {
            refreshed.push(sent.at);
            f.answer(&sent, 200, "Expires: 60\r\n");
            let text = calls(cseq, "full", "confirmed");
            f.notify_ok(&opening.notify("peer", cseq, "active;expires=60", &dialog_info(&text)));
            cseq += 1;
        }
    }
    assert!((4..=5).contains(&fetches), "{fetches}");
    // 60 s leave half of it.
    assert!(
        refreshed
            .windows(2)
            .all(|two| two[1] - two[0] >= 25 * SECOND)
    );
    assert!(refreshed.len() <= 600 / 26, "{}", refreshed.len());
}

#[test]
fn a_restarted_server_is_noticed_by_lamps_at_rest() /* FIELD 1 */
{
    let mut f = Fixture::new();
    let targets: Vec<_> = (0..6).map(|it| format!("sip:u{it}@192.0.2.1")).collect();
    for target in &targets {
        f.add(&audited(target));
        opened(&mut f, "");
    }
    // Nothing but one subscription is asked, again and again the same.
    let mut patrols: Vec<Sent> = Vec::new();
    let end = f.now + 20 * MINUTE;
    while let Some(sent) = f.next(end - f.now) {
        assert!(sent.header("To").contains("sip:u0@"), "{}", sent.text);
        f.answer(&sent, 200, "Expires: 3600\r\n");
        let text = calls(9, "full", "");
        let cseq = 2 + patrols.len() as u32;
        f.notify_ok(&sent.notify("peer", cseq, "active", &dialog_info(&text)));
        patrols.push(sent);
    }
    assert!((10..=12).contains(&patrols.len()), "{}", patrols.len());
    let restarted = f.now;
    let mut anew = 0;
    while anew < 6 {
        let sent = f.expect_one(125 * SECOND);
        if sent.is_first() {
            anew += 1;
            f.answer(&sent, 200, "Expires: 3600\r\n");
            let text = calls(0, "full", "confirmed");
            f.notify_ok(&sent.notify("new", 1, "active", &dialog_info(&text)));
            assert!(sent.at - restarted < 125 * SECOND);
        } else {
            f.answer(&sent, 481, "");
        }
    }
}

#[test]
fn questions_about_all_lamps_never_come_in_a_burst() {
    let mut f = Fixture::new();
    let targets: Vec<_> = (0..32).map(|it| format!("sip:u{it}@192.0.2.1")).collect();
    let mut all = Vec::new();
    for target in &targets {
        f.add(&audited(target));
        all.push(opened(&mut f, ""));
    }
    for sent in &all {
        let text = calls(1, "full", "early");
        f.notify_ok(&sent.notify("peer", 2, "active", &dialog_info(&text)));
    }
    let sent = f.run(75 * SECOND);
    let mut asked: Vec<Instant> = Vec::new();
    for (at, one) in sent.iter().enumerate() {
        // Nobody answers: copies are no questions.
        let is_copy = sent[..at].iter().any(|it| it.branch() == one.branch());
        if !is_copy && !one.is_first() {
            asked.push(one.at);
        }
    }
    assert_eq!(asked.len(), 32);
    assert!(asked.windows(4).all(|four| four[3] - four[0] >= SECOND));
}

#[test]
fn a_mailbox_is_not_asked_about() {
    let mut f = Fixture::ordered(&Order {
        package: Package::MessageSummary,
        ..audited("sip:desk@192.0.2.1")
    });
    let sent = f.expect_one(5 * SECOND);
    f.answer(&sent, 200, "Expires: 3600\r\n");
    let waiting = Body {
        kind: Some("application/simple-message-summary"),
        text: "Messages-Waiting: yes\r\n",
    };
    f.notify_ok(&sent.notify("peer", 1, "active;expires=3600", &waiting));
    assert_eq!(f.watched(), Watched::Waiting);
    f.expect_silence(10 * MINUTE);
}

#[test]
fn who_waits_for_approval_is_not_asked_about() {
    let mut f = Fixture::ordered(&audited("sip:bob@192.0.2.1"));
    let sent = f.expect_one(5 * SECOND);
    f.answer(&sent, 200, "Expires: 3600\r\n");
    let text = calls(0, "full", "confirmed");
    f.notify_ok(&sent.notify("peer", 1, "pending", &dialog_info(&text)));
    f.expect_silence(10 * MINUTE);
}

#[test]
fn a_removed_watch_forgets_its_fetch() {
    let mut f = told("confirmed");
    let opening = f.last();
    let refresh = f.expect_one(70 * SECOND);
    confirm(&mut f, &opening, &refresh, 2, "confirmed");
    let fetch = f.expect_one(70 * SECOND);
    let id = f.id.expect("a watch");
    f.watcher.remove(id);
    let leave = f.expect_one(SECOND);
    assert!(!leave.is_first() && leave.expires() == 0);
    let idle = calls(0, "full", "");
    let late = fetch.notify("other", 1, FETCHED, &dialog_info(&idle));
    f.notify_refused(&late, Status::NO_SUCH_SUBSCRIPTION);
}
