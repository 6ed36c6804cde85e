//! First SUBSCRIBEs that are refused.

extern crate std;

use super::fixture::*;
use crate::events::package::Package;
use crate::events::watched::Watched;
use crate::ground::time::Duration;
use crate::roles::watcher::Order;
use crate::txn::token::Token;
use crate::wire::flow::Flow;
use crate::wire::sip::{self, Message, Rows};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn every_code_has_its_delay() /* S22 T07 */
{
    for (codes, least, most) in [
        (&[408, 480, 481, 486, 487, 491][..], 1_500, 2_500),
        (&[500, 502, 503, 504, 599, 600, 699], 1_500, 2_500),
        (&[300, 302, 305, 380, 399], 45_000, 75_000),
        (&[400, 401, 402, 403, 404, 405, 406, 407], 45_000, 75_000),
        (&[410, 413, 414, 415, 416, 420, 421, 423], 45_000, 75_000),
        (&[482, 483, 484, 485, 488, 489, 493, 499], 45_000, 75_000),
        (&[501, 505, 513, 603, 604, 606], 45_000, 75_000),
    ] {
        for code in codes {
            let mut f = Fixture::asking();
            let sent = f.last();
            f.answer(&sent, *code, "");
            assert_eq!(f.watched(), Watched::Unknown, "{code}");
            assert_eq!(f.report().broken_since, Some(f.now), "{code}");
            assert_eq!(f.report().last_status, Some(*code));
            let next = f.expect_one(100 * SECOND);
            let delay = (next.at - sent.at).as_millis();
            assert!((least..=most).contains(&delay), "{code}: {delay} ms");
            assert_ne!(next.header("Call-ID"), sent.header("Call-ID"));
        }
    }
}

#[test]
fn retry_after_is_obeyed_and_bounded() /* S22 B11 */
{
    for (row, least, most) in [
        ("Retry-After: 120\r\n", 120, 133),
        ("Retry-After: 120;duration=5 (busy)\r\n", 120, 133),
        ("Retry-After: 0\r\n", 1, 3),
        ("Retry-After: tomorrow\r\n", 1, 3),
        ("Retry-After: 4294967295\r\n", 3_600, 3_961),
    ] {
        let mut f = Fixture::asking();
        let sent = f.last();
        f.answer(&sent, 503, row);
        let next = f.expect_one(4_000 * SECOND);
        let delay = (next.at - sent.at).as_secs();
        assert!((least..=most).contains(&delay), "{row} {delay}");
    }
}

#[test]
fn a_423_is_followed_once() /* S22 B11 */
{
    let mut f = Fixture::asking();
    let sent = f.last();
    f.answer(&sent, 423, "Min-Expires: 900\r\n");
    let longer = f.expect_one(SECOND);
    assert_eq!((longer.expires(), longer.seq()), (900, 2));
    assert_eq!(longer.header("Call-ID"), sent.header("Call-ID"));
    assert_eq!(longer.tag(), sent.tag());
    assert_ne!(longer.branch(), sent.branch());
    f.answer(&longer, 423, "Min-Expires: 1800\r\n");
    f.expect_silence(40 * SECOND);
    assert_eq!(f.watched(), Watched::Unknown);
    // What was learnt stays.
    assert_eq!(f.expect_one(60 * SECOND).expires(), 900);
}

#[test]
fn timer_n_begins_with_each_subscribe() /* S04 */
{
    let mut f = Fixture::asking();
    let sent = f.last();
    f.answer(&sent, 100, "");
    f.run(10 * SECOND);
    f.answer(&sent, 423, "Min-Expires: 900\r\n");
    let longer = f.expect_one(SECOND);
    f.answer(&longer, 200, "");
    f.expect_silence(25 * SECOND);
    let text = calls(0, "full", "confirmed");
    f.notify_ok(&longer.notify("peer", 1, "active", &dialog_info(&text)));
    assert_eq!(f.watched(), Watched::Busy);
}

#[test]
fn a_423_that_asks_too_much_or_too_little_is_a_refusal() /* B11 */
{
    for row in [
        "Min-Expires: 4294967295\r\n",
        "Min-Expires: 86401\r\n",
        "Min-Expires: 300\r\n",
        "Min-Expires: 1\r\n",
        "Min-Expires: x\r\n",
        "",
    ] {
        let mut f = Fixture::asking();
        let sent = f.last();
        f.answer(&sent, 423, row);
        f.expect_silence(40 * SECOND);
        assert_eq!(f.expect_one(60 * SECOND).expires(), 300, "{row}");
    }
}

#[test]
fn a_489_falls_back_from_dialog_to_presence_where_configured() {
    let mut f = Fixture::ordered(&Order {
        fallback: true,
        ..order("sip:bob@192.0.2.1")
    });
    let sent = f.expect_one(3 * SECOND);
    assert_eq!(sent.header("Event"), "dialog");
    f.answer(&sent, 489, "Allow-Events: presence\r\n");
    let second = f.expect_one(SECOND);
    assert_eq!(second.header("Event"), "presence");
    assert_ne!(second.header("Call-ID"), sent.header("Call-ID"));
    assert_eq!(f.report().package, Package::Presence);
    assert_eq!(f.watched(), Watched::Subscribing);
    f.answer(&second, 489, "");
    assert_eq!(f.watched(), Watched::Unknown);
    f.expect_silence(40 * SECOND);
    assert_eq!(f.expect_one(60 * SECOND).header("Event"), "dialog");
}

#[test]
fn every_refusal_that_may_mean_the_package_falls_back_once() {
    for code in [400, 404, 405, 415, 489, 501] {
        let mut f = Fixture::ordered(&Order {
            fallback: true,
            ..order("sip:bob@192.0.2.1")
        });
        let sent = f.expect_one(3 * SECOND);
        f.answer(&sent, code, "");
        let second = f.expect_one(SECOND);
        assert_eq!(second.header("Event"), "presence", "{code}");
        f.answer(&second, code, "");
        f.expect_silence(40 * SECOND);
        assert_eq!(f.expect_one(60 * SECOND).header("Event"), "dialog");
    }
    for code in [403, 406, 480, 488, 500, 503, 603] {
        let mut f = Fixture::ordered(&Order {
            fallback: true,
            ..order("sip:bob@192.0.2.1")
        });
        let sent = f.expect_one(3 * SECOND);
        f.answer(&sent, code, "");
        assert_eq!(
            f.expect_one(80 * SECOND).header("Event"),
            "dialog",
            "{code}"
        );
    }
}

#[test]
fn a_server_that_served_the_package_refuses_something_else() {
    for (code, event) in [(404, "dialog"), (400, "dialog"), (489, "presence")] {
        let mut f = Fixture::ordered(&Order {
            fallback: true,
            ..order("sip:bob@192.0.2.1")
        });
        f.expect_one(3 * SECOND);
        f.establish("peer", "");
        let refresh = f.expect_one(300 * SECOND);
        f.answer(&refresh, 481, "");
        let anew = f.expect_one(SECOND);
        f.answer(&anew, code, "");
        let next = f.expect_one(160 * SECOND);
        assert_eq!(next.header("Event"), event, "{code}");
    }
}

#[test]
fn without_fallback_a_489_is_a_refusal() {
    for package in Package::ALL {
        let mut f = Fixture::ordered(&Order {
            package,
            fallback: package != Package::Dialog,
            ..order("sip:bob@192.0.2.1")
        });
        let sent = f.expect_one(3 * SECOND);
        f.answer(&sent, 489, "Allow-Events: presence\r\n");
        f.expect_silence(40 * SECOND);
        assert_eq!(f.watched(), Watched::Unknown);
    }
}

#[test]
fn a_202_is_a_200() /* S17 */
{
    let mut f = Fixture::asking();
    let sent = f.last();
    f.answer(&sent, 202, "Expires: 300\r\n");
    let text = calls(0, "full", "");
    f.notify_ok(&sent.notify("peer", 1, "active;expires=300", &dialog_info(&text)));
    assert_eq!(f.report().state, "active");
}

#[test]
fn codes_that_are_none_are_dropped() /* T07 */
{
    let mut f = Fixture::asking();
    let sent = f.last();
    let text = sent.answer(200, "");
    let mut rows = Rows::new();
    let Ok(Message::Response(mut response)) = sip::parse(text.as_bytes(), &mut rows) else {
        panic!("not a response");
    };
    let token = response.via.branch.and_then(Token::from_branch);
    let flow = Flow::udp(address(LOCAL), sent.to);
    for code in [0, 99, 700, 999] {
        response.status = code;
        f.watcher.handle_response(
            f.now,
            token.expect("our branch"),
            &response,
            &flow,
            &mut f.accounts,
            &mut f.random,
        );
        assert_eq!(f.watched(), Watched::Subscribing);
        assert_eq!(f.report().state, "subscribing");
    }
    // It is still awaited.
    assert_eq!(f.run(SECOND).len(), 1);
}

#[test]
fn a_refusal_after_a_notify_changes_nothing() /* S01 */
{
    let mut f = Fixture::asking();
    let sent = f.last();
    let text = calls(0, "full", "confirmed");
    f.notify_ok(&sent.notify("peer", 1, "active;expires=300", &dialog_info(&text)));
    f.answer(&sent, 408, "");
    assert_eq!(f.report().state, "active");
    assert_eq!(f.watched(), Watched::Busy);
}

#[test]
fn a_challenge_is_answered_once_and_refreshes_carry_the_answer() /* S22 A11 A16 */
{
    const ASKS: &str = "WWW-Authenticate: Digest realm=\"pbx\", nonce=\"n1\", qop=\"auth\"\r\n";
    let mut f = Fixture::ordered(&Order {
        account: Some(0),
        ..order("sip:bob@192.0.2.1")
    });
    f.accounts.fill("100", "secret");
    let first = f.expect_one(3 * SECOND);
    assert!(first.try_header("Authorization").is_none());
    f.answer(&first, 401, ASKS);
    let second = f.expect_one(SECOND);
    let credentials = second.header("Authorization");
    assert!(credentials.contains("username=\"100\"") && credentials.contains("nc=00000001"));
    assert_eq!(second.seq(), first.seq() + 1);
    assert_eq!(second.header("Call-ID"), first.header("Call-ID"));
    assert_eq!(second.tag(), first.tag());
    // The same request again has the same credentials again.
    let again = f.expect_one(SECOND);
    assert_eq!(again.text, second.text);
    // A second plain challenge means that the password is wrong: no storm.
    f.answer(&second, 401, ASKS);
    let report = f.report();
    assert_eq!((report.state, report.last_status), ("retrying", Some(401)));
    assert_eq!(report.last_reason, "it does not take our password");
    f.expect_silence(30 * SECOND);
    // What was refused is not tried again.
    let next = f.expect_one(60 * SECOND);
    assert!(next.try_header("Authorization").is_none());
}

#[test]
fn an_old_nonce_refused_without_a_challenge_costs_no_lamp() /* freeswitch #1532 #1779 */
{
    const ASKS: &str = "WWW-Authenticate: Digest realm=\"pbx\", nonce=\"old\", qop=\"auth\"\r\n";
    let mut f = Fixture::ordered(&Order {
        account: Some(0),
        ..order("sip:bob@192.0.2.1")
    });
    f.accounts.fill("100", "secret");
    let sent = f.expect_one(3 * SECOND);
    f.answer(&sent, 401, ASKS);
    f.expect_one(SECOND);
    f.establish("peer", "");
    let refresh = f.expect_one(300 * SECOND);
    assert!(refresh.header("Authorization").contains("old"));
    f.answer(&refresh, 401, "");
    let bare = f.expect_one(SECOND);
    assert!(bare.try_header("Authorization").is_none() && !bare.is_first());
    f.answer(&bare, 401, &ASKS.replace("old", "new"));
    let proved = f.expect_one(SECOND);
    assert!(proved.header("Authorization").contains("new"));
    f.answer(&proved, 200, "Expires: 300\r\n");
    assert!(!f.is_broken());
}
