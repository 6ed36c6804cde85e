//! Keeping a subscription: refreshes, expiry, and servers that forget.

extern crate std;

use super::fixture::*;
use crate::events::watched::Watched;
use crate::ground::time::{Duration, Seconds};
use crate::roles::watcher::Order;
use crate::wire::sip::Status;
use std::format;
use std::string::String;

const SECOND: Duration = Duration::from_secs(1);

/// A refresh that is out and unanswered, 300 s after a NOTIFY that gave 300 s.
fn refreshing() -> (Fixture, Sent) {
    let mut f = Fixture::active();
    let opened = f.last();
    let refresh = f.expect_one(300 * SECOND);
    f.last = Some(opened);
    (f, refresh)
}

#[test]
fn a_refresh_is_the_same_dialog_with_the_next_cseq() /* S05 */
{
    let mut f = Fixture::active();
    let (opened, told) = (f.last(), f.now);
    let mut expected_seq = 1;
    for round in 0..20 {
        let refresh = f.expect_one(300 * SECOND);
        expected_seq += 1;
        assert_eq!(refresh.seq(), expected_seq);
        assert_eq!(refresh.tag(), opened.tag());
        assert_eq!(refresh.header("Call-ID"), opened.header("Call-ID"));
        assert_eq!(refresh.header("To"), "<sip:bob@192.0.2.1>;tag=peer");
        assert_eq!(refresh.header("Event"), "dialog");
        assert_eq!(refresh.expires(), 300);
        assert_eq!(f.report().state, "refreshing");
        f.answer(&refresh, 200, "Expires: 300\r\n");
        f.last = Some(opened.clone());
        f.tell("peer", 2 + round, "");
        assert_eq!(f.report().state, "active");
        assert!(!f.is_broken());
    }
    assert!(f.now - told < 20 * 256 * SECOND);
}

#[test]
fn a_refresh_leaves_time_for_timer_f() /* S05 */
{
    for seed in 0..50 {
        for lifetime in [60, 90, 300, 3_600] {
            let mut f = Fixture::seeded(seed);
            f.add(&Order {
                expires: Seconds(lifetime),
                ..order("sip:bob@192.0.2.1")
            });
            let sent = f.expect_one(3 * SECOND);
            f.answer(&sent, 200, &format!("Expires: {lifetime}\r\n"));
            let text = calls(0, "full", "");
            f.notify_ok(&sent.notify("peer", 1, "active", &dialog_info(&text)));
            let refresh = f.expect_one(Duration::from_secs(lifetime.into()));
            let after = (refresh.at - sent.at).as_secs_f64() / f64::from(lifetime);
            assert!((0.43..=0.86).contains(&after), "{lifetime} {after}");
            if lifetime > 80 {
                assert!((refresh.at - sent.at).as_secs() + 35 <= u64::from(lifetime));
            }
        }
    }
}

#[test]
fn the_shortest_lifetime_told_counts() /* S06 */
{
    for (granted, notified, lasts) in [
        ("Expires: 120\r\n", "active", 120),
        ("Expires: 120\r\n", "active;expires=100", 100),
        ("", "active;expires=100", 100),
        ("Expires: 99999\r\n", "active;expires=99999", 300),
        ("", "active", 300),
        ("Expires: soon\r\n", "active;expires=soon", 300),
    ] {
        for notify_first in [false, true] {
            let mut f = Fixture::asking();
            let sent = f.last();
            let text = calls(0, "full", "");
            let notify = sent.notify("peer", 1, notified, &dialog_info(&text));
            if notify_first {
                f.notify_ok(&notify);
            }
            f.answer(&sent, 200, granted);
            if !notify_first {
                f.notify_ok(&notify);
            }
            let ends = f.report().expires;
            assert_eq!(ends, Some(f.now + Seconds(lasts)), "{granted}{notified}");
            let refresh = f.expect_one(Duration::from_secs(lasts.into()));
            assert!(!refresh.is_first(), "{granted}{notified}");
        }
    }
}

#[test]
fn a_notify_may_shorten_and_is_followed() /* S06 */
{
    let mut f = Fixture::active();
    let text = calls(1, "full", "");
    f.notify_ok(
        &f.last()
            .notify("peer", 2, "active;expires=40", &dialog_info(&text)),
    );
    let start = f.now;
    let refresh = f.expect_one(300 * SECOND);
    assert!(refresh.at - start <= 20 * SECOND);
}

#[test]
fn a_refresh_confirmed_by_notify_first_takes_its_lifetime_from_the_200() /* S06 */
{
    let (mut f, refresh) = refreshing();
    let text = calls(1, "full", "");
    f.notify_ok(&f.last().notify("peer", 2, "active", &dialog_info(&text)));
    assert_eq!(f.report().state, "refreshing");
    f.answer(&refresh, 200, "Expires: 300\r\n");
    assert_eq!(f.report().state, "active");
    assert_eq!(f.report().expires, Some(f.now + Seconds(300)));
}

#[test]
fn a_200_after_the_notify_of_a_refresh_can_only_shorten() /* S01 S06 */
{
    let (mut f, refresh) = refreshing();
    let text = calls(1, "full", "");
    let notify = f
        .last()
        .notify("peer", 2, "active;expires=100", &dialog_info(&text));
    f.notify_ok(&notify);
    f.answer(&refresh, 200, "Expires: 300\r\n");
    assert_eq!(f.report().expires, Some(f.now + Seconds(100)));
}

#[test]
fn a_contact_in_the_200_is_followed() /* S05 N19 */
{
    let (mut f, refresh) = refreshing();
    let moved = "Contact: <sip:192.0.2.1:5077>\r\nExpires: 300\r\n";
    f.answer(&refresh, 200, moved);
    f.notify_ok(
        &f.last()
            .notify("peer", 2, "active", &EMPTY)
            .replace("Contact", "X"),
    );
    let next = f.expect_one(300 * SECOND);
    assert_eq!(next.to, address("192.0.2.1:5077"));
}

#[test]
fn a_refresh_that_worked_begins_the_retries_anew() /* S08 */
{
    let (mut f, mut refresh) = refreshing();
    for _ in 0..3 {
        f.answer(&refresh, 503, "");
        refresh = f.expect_one(20 * SECOND);
    }
    f.answer(&refresh, 204, "Expires: 300\r\n");
    let refresh = f.expect_one(300 * SECOND);
    f.answer(&refresh, 503, "");
    let again = f.expect_one(20 * SECOND);
    assert!(again.at - refresh.at <= Duration::from_millis(2_500));
}

#[test]
fn old_failures_are_forgiven_once_a_refresh_worked() /* S26 */
{
    let mut f = Fixture::asking();
    for _ in 0..6 {
        let sent = f.last();
        f.answer(&sent, 503, "");
        f.expect_one(400 * SECOND);
    }
    f.establish("peer", "");
    let refresh = f.expect_one(300 * SECOND);
    f.answer(&refresh, 204, "Expires: 300\r\n");
    let ends = f.report().expires.expect("it lives");
    loop {
        let again = f.expect_one(300 * SECOND);
        if again.is_first() {
            assert!(again.at >= ends && again.at - ends <= SECOND);
            break;
        }
        f.answer(&again, 503, "");
    }
}

#[test]
fn of_several_notifiers_one_in_doubt_leaves_the_whole_in_doubt() /* D16 S23 */
{
    let mut f = Fixture::asking();
    let sent = f.last();
    f.answer(&sent, 200, "Expires: 300\r\n");
    for tag in ["one", "two"] {
        let text = calls(0, "full", "");
        f.notify_ok(&sent.notify(tag, 1, "active;expires=300", &dialog_info(&text)));
    }
    let refresh = f.expect_one(300 * SECOND);
    let (doubtful, sure) = if refresh.header("To").ends_with("one") {
        ("one", "two")
    } else {
        ("two", "one")
    };
    f.answer(&refresh, 503, "");
    assert!(f.is_broken());
    f.last = Some(sent);
    f.tell(sure, 2, "confirmed");
    assert!(f.is_broken());
    f.tell(doubtful, 2, "");
    assert!(!f.is_broken());
    assert_eq!(f.watched(), Watched::Busy);
}

#[test]
fn these_codes_end_the_subscription_and_a_new_one_follows() /* S07 */
{
    for code in [
        404, 405, 410, 416, 480, 481, 482, 483, 484, 485, 489, 501, 604,
    ] {
        let (mut f, refresh) = refreshing();
        f.answer(&refresh, code, "");
        assert!(f.is_broken(), "{code}");
        assert_eq!(f.watched(), Watched::Idle);
        f.notify_refused(
            &f.last().notify("peer", 2, "active", &EMPTY),
            Status::NO_SUCH_SUBSCRIPTION,
        );
        let next = f.expect_one(2 * SECOND);
        assert!(next.is_first(), "{code}");
        assert_ne!(next.tag(), refresh.tag());
        assert_ne!(next.header("Call-ID"), refresh.header("Call-ID"));
        assert_eq!(f.report().last_status, Some(code));
    }
}

#[test]
fn other_codes_leave_it_until_it_expires() /* S08 */
{
    for code in [
        300, 302, 400, 401, 402, 403, 406, 407, 408, 412, 413, 415, 420, 423, 486, 487, 488, 491,
        493, 499, 500, 502, 503, 504, 513, 599, 600, 603, 606, 699,
    ] {
        let (mut f, refresh) = refreshing();
        let ends = f.report().expires.expect("it lives");
        f.answer(&refresh, code, "");
        assert!(f.is_broken(), "{code}");
        let mut tries = 0;
        loop {
            let again = f.expect_one(60 * SECOND);
            if again.is_first() {
                break;
            }
            tries += 1;
            assert!(again.at < ends);
            f.answer(&again, code, "");
        }
        assert!(f.now >= ends && f.now < ends + 2 * SECOND, "{code}");
        assert!((2..=8).contains(&tries), "{code}: {tries}");
    }
}

#[test]
fn a_refresh_that_works_at_the_second_try_takes_the_doubt_away() /* S08 */
{
    let (mut f, refresh) = refreshing();
    let opened = f.last();
    f.answer(&refresh, 503, "");
    assert!(f.is_broken());
    let again = f.expect_one(5 * SECOND);
    f.answer(&again, 200, "Expires: 300\r\n");
    f.notify_ok(&opened.notify("peer", 2, "active;expires=300", &EMPTY));
    assert!(!f.is_broken());
    assert_eq!(f.watched(), Watched::Idle);
}

#[test]
fn retry_after_holds_even_past_the_expiry() /* S08 */
{
    let (mut f, refresh) = refreshing();
    f.answer(&refresh, 503, "Retry-After: 600\r\n");
    f.expect_silence(600 * SECOND);
    assert!(f.expect_one(70 * SECOND).is_first());
}

#[test]
fn a_423_is_followed_once_with_what_it_asks_for() /* S08 B11 */
{
    let (mut f, refresh) = refreshing();
    f.answer(&refresh, 423, "Min-Expires: 1800\r\n");
    let longer = f.expect_one(SECOND);
    assert_eq!((longer.expires(), longer.seq()), (1_800, refresh.seq() + 1));
    f.answer(&longer, 423, "Min-Expires: 3600\r\n");
    f.expect_silence(SECOND);
    f.notify_ok(&f.last().notify("peer", 2, "active;expires=1800", &EMPTY));
    assert_eq!(f.report().expires, Some(f.now + Seconds(1_800)));
    for absurd in ["Min-Expires: 4294967295\r\n", "Min-Expires: 20\r\n", ""] {
        let (mut f, refresh) = refreshing();
        f.answer(&refresh, 423, absurd);
        f.expect_silence(SECOND);
        assert!(f.is_broken());
    }
}

#[test]
fn a_204_promises_that_no_notify_follows() /* F15 */
{
    let (mut f, refresh) = refreshing();
    f.answer(&refresh, 204, "Expires: 300\r\n");
    assert_eq!(f.report().state, "active");
    f.expect_silence(200 * SECOND);
    assert!(!f.is_broken());
}

#[test]
fn a_refresh_without_notify_ends_it_with_timer_n() /* S04 */
{
    let (mut f, refresh) = refreshing();
    f.answer(&refresh, 200, "Expires: 300\r\n");
    f.expect_silence(31 * SECOND);
    assert!(!f.is_broken());
    assert!(f.expect_one(3 * SECOND).is_first());
    assert_eq!(f.report().broken_since, Some(refresh.at + 32 * SECOND));
    assert_eq!(f.report().last_reason, "no NOTIFY");
}

#[test]
fn a_server_that_is_gone_is_noticed_with_the_refresh() /* S04 T02 */
{
    let (mut f, refresh) = refreshing();
    let again = f.run(Duration::from_millis(31_999));
    assert_eq!(again.len(), 10);
    assert!(again.iter().all(|again| again.text == refresh.text));
    f.run(Duration::from_millis(1));
    assert_eq!(f.report().broken_since, Some(refresh.at + 32 * SECOND));
    assert!(f.expect_one(2 * SECOND).is_first());
}

#[test]
fn a_lost_200_after_a_notify_is_no_loss() /* S01 */
{
    let (mut f, _) = refreshing();
    let text = calls(1, "full", "confirmed");
    f.notify_ok(
        &f.last()
            .notify("peer", 2, "active;expires=300", &dialog_info(&text)),
    );
    let again = f.run(40 * SECOND);
    assert!(again.iter().all(|again| !again.is_first()));
    assert!(!f.is_broken());
    assert_eq!(f.report().state, "active");
}

#[test]
fn an_unreachable_peer_counts_as_503() /* T06 */
{
    let (mut f, refresh) = refreshing();
    f.bounce_at(&refresh, address("192.0.2.1:5099"));
    assert!(!f.is_broken());
    f.bounce(&refresh);
    assert!(f.is_broken());
    assert_eq!(f.report().last_status, Some(503));
    assert!(!f.expect_one(3 * SECOND).is_first());
    let mut f = Fixture::asking();
    f.tell("peer", 1, "confirmed");
    let sent = f.last();
    f.bounce(&sent);
    f.expect_silence(40 * SECOND);
    assert_eq!(f.watched(), Watched::Busy);
    let mut f = Fixture::asking();
    let sent = f.last();
    f.bounce(&sent);
    assert_eq!(f.watched(), Watched::Unknown);
    assert_ne!(f.expect_one(3 * SECOND).tag(), sent.tag());
}

/// A branch that leads to the same place but was not ours.
fn other_branch(sent: &Sent) -> String {
    let branch = sent.branch();
    let last = if branch.ends_with('0') { 1 } else { 0 };
    format!("{}{last}", &branch[..branch.len() - 1])
}

#[test]
fn answers_from_elsewhere_or_to_nothing_are_dropped() /* T05 B12 */
{
    let mut f = Fixture::asking();
    let sent = f.last();
    f.answer_from(&sent, 481, "", address(STRANGER));
    let other = Sent {
        text: sent.text.replace(sent.branch(), &other_branch(&sent)),
        ..sent.clone()
    };
    f.answer(&other, 481, "");
    assert_eq!(f.report().state, "subscribing");
    let (mut f, refresh) = refreshing();
    f.answer_from(&refresh, 481, "", address(STRANGER));
    assert!(!f.is_broken());
    let wrong_method = Sent {
        text: refresh.text.replace(" SUBSCRIBE\r\n", " NOTIFY\r\n"),
        ..refresh.clone()
    };
    f.answer(&wrong_method, 481, "");
    let wrong_branch = Sent {
        text: refresh
            .text
            .replace(refresh.branch(), &other_branch(&refresh)),
        ..refresh.clone()
    };
    f.answer(&wrong_branch, 481, "");
    assert!(!f.is_broken());
    f.answer(&refresh, 200, "Expires: 300\r\n");
    // A repeated answer finds nothing (T04).
    f.answer(&refresh, 481, "");
    assert!(!f.is_broken());
}
