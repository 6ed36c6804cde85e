//! Datagrams of which the network says that they did not get there, and forged words of that and of answers.

extern crate std;

use super::fixture::*;
use crate::events::watched::Watched;
use crate::ground::time::{Duration, Seconds};
use crate::roles::watcher::Order;
use crate::wire::sip::Status;
use std::format;
use std::vec::Vec;

const SECOND: Duration = Duration::from_secs(1);

/// The same request under another branch.
fn guessed(sent: &Sent) -> Sent {
    let branch = sent.branch();
    let (begin, last) = branch.split_at(branch.len() - 1);
    let last = if last == "0" { "1" } else { "0" };
    let text = sent.text.replace(branch, &format!("{begin}{last}"));
    Sent {
        text,
        ..sent.clone()
    }
}

#[test]
fn an_error_that_quotes_no_request_of_ours_means_nothing() /* T06 */
{
    let mut f = Fixture::asking();
    let sent = f.last();
    let forged = guessed(&sent);
    f.bounce(&forged);
    assert_eq!(f.report().state, "subscribing");
    f.establish("peer", "");
    let refresh = f.expect_one(300 * SECOND);
    // What was answered long ago is not on its way any more.
    f.bounce(&sent);
    f.bounce(&guessed(&refresh));
    f.bounce_at(&refresh, address(STRANGER));
    assert_eq!((f.report().state, f.is_broken()), ("refreshing", false));
    f.bounce(&refresh);
    assert!(f.is_broken());
}

#[test]
fn an_error_about_one_request_leaves_the_others_on_their_way() /* T06 */
{
    let mut f = Fixture::new();
    let mut ids = Vec::new();
    for user in ["a", "b", "c"] {
        ids.push(f.add(&order(&format!("sip:{user}@192.0.2.1"))));
    }
    let sent: Vec<Sent> = (0..3).map(|_| f.expect_one(SECOND)).collect();
    f.bounce(&sent[1]);
    let states = |f: &Fixture| -> Vec<&str> {
        let states = ids.iter().map(|id| f.watcher.state(*id));
        states.map(|it| it.expect("it is there").state).collect()
    };
    assert_eq!(states(&f), ["subscribing", "retrying", "subscribing"]);
}

#[test]
fn an_answer_that_comes_after_an_error_counts() /* T06 */
{
    let mut f = Fixture::asking();
    let sent = f.last();
    f.bounce(&sent);
    assert_eq!(
        (f.report().state, f.watched()),
        ("retrying", Watched::Unknown)
    );
    // From elsewhere, or a refusal: nothing is to be had by that.
    f.answer_from(&sent, 200, "Expires: 300\r\n", address(STRANGER));
    f.answer(&sent, 403, "");
    assert_eq!(f.report().state, "retrying");
    f.answer(&sent, 200, "Expires: 300\r\n");
    assert_eq!(f.report().state, "subscribing");
    f.tell("peer", 1, "confirmed");
    assert_eq!((f.watched(), f.is_broken()), (Watched::Busy, false));
    f.expect_silence(100 * SECOND);
}

#[test]
fn a_notify_that_comes_after_an_error_counts() /* T06 S01 */
{
    let mut f = Fixture::asking();
    let sent = f.last();
    f.bounce(&sent);
    let text = calls(0, "full", "confirmed");
    let notify = sent.notify("peer", 1, "active;expires=300", &dialog_info(&text));
    assert!(f.notify_from(&notify, STRANGER, false).is_err());
    assert_eq!(f.report().state, "retrying");
    f.notify_ok(&notify);
    assert_eq!((f.watched(), f.is_broken()), (Watched::Busy, false));
    // Once it is asked anew the first attempt is over.
    let mut f = Fixture::asking();
    let sent = f.last();
    f.bounce(&sent);
    let again = f.expect_one(5 * SECOND);
    assert_ne!(again.tag(), sent.tag());
    let late = sent.notify("peer", 1, "active", &dialog_info(&text));
    f.notify_refused(&late, Status::NO_SUCH_SUBSCRIPTION);
    f.answer(&sent, 200, "");
    assert_eq!(f.report().state, "subscribing");
}

#[test]
fn no_answer_from_elsewhere_changes_anything() /* ATTACKS B12 */
{
    const ROWS: &str = "Expires: 1\r\nMin-Expires: 4000\r\nRetry-After: 900\r\nContact: <sip:203.0.113.66>\r\nWWW-Authenticate: Digest realm=\"r\", nonce=\"n\"\r\n";
    for status in [
        100, 200, 202, 204, 302, 401, 403, 407, 423, 481, 489, 503, 603,
    ] {
        let mut f = Fixture::new();
        f.accounts.fill("desk", "secret");
        f.add(&Order {
            account: Some(0),
            server: Some("192.0.2.1"),
            audit: Seconds(120),
            expires: Seconds(3_600),
            ..order("sip:bob@192.0.2.1")
        });
        let stranger = address(STRANGER);
        let first = f.expect_one(3 * SECOND);
        f.answer_from(&first, status, ROWS, stranger);
        assert_eq!(f.poll(), [], "{status}");
        assert_eq!(f.report().state, "subscribing", "{status}");
        assert_eq!(f.report().last_status, None);
        f.establish("peer", "confirmed");
        let (ends, refresh) = (f.report().expires, f.expect_one(70 * SECOND));
        f.answer_from(&refresh, status, ROWS, stranger);
        assert_eq!(f.poll(), [], "{status}");
        assert_eq!(
            (f.report().state, f.is_broken()),
            ("refreshing", false),
            "{status}"
        );
        assert_eq!(f.report().expires, ends);
        f.answer(&refresh, 200, "Expires: 3600\r\n");
        let text = calls(2, "full", "confirmed");
        f.notify_ok(&first.notify("peer", 2, "active", &dialog_info(&text)));
        let fetch = f.expect_one(70 * SECOND);
        assert_eq!(fetch.expires(), 0);
        f.answer_from(&fetch, status, ROWS, stranger);
        assert_eq!(f.poll(), [], "{status}");
        assert!(f.watcher.fetch_is_out(f.id.expect("a watch")), "{status}");
        assert!(!f.is_broken());
    }
}

#[test]
fn what_failed_is_tried_at_once_after_a_reload() {
    // Refused, and slower and slower.
    let mut f = Fixture::asking();
    for _ in 0..6 {
        let sent = f.last();
        f.answer(&sent, 403, "");
        f.expect_one(1_200 * SECOND);
    }
    let sent = f.last();
    f.answer(&sent, 403, "");
    f.expect_silence(30 * SECOND);
    f.watcher.handle_reload(f.now, &mut f.random);
    let sent = f.expect_one(SECOND);
    // As if for the first time.
    f.answer(&sent, 403, "");
    f.expect_one(80 * SECOND);
    // Who said when to come back is not bothered before.
    let sent = f.last();
    f.answer(&sent, 503, "Retry-After: 600\r\n");
    f.watcher.handle_reload(f.now, &mut f.random);
    f.expect_silence(600 * SECOND);
    // Whose NOTIFY was not believed is asked anew.
    let mut f = Fixture::asking();
    let sent = f.last();
    f.answer(&sent, 200, "Expires: 300\r\n");
    let notify = sent.notify("peer", 1, "active", &EMPTY);
    assert!(f.notify_from(&notify, STRANGER, false).is_err());
    f.watcher.handle_reload(f.now, &mut f.random);
    let again = f.expect_one(SECOND);
    assert!(again.is_first() && again.tag() != sent.tag());
    let notify = again.notify("peer", 1, "active", &EMPTY);
    assert_eq!(f.notify_from(&notify, STRANGER, true), Ok(()));
    f.answer(&again, 200, "Expires: 300\r\n");
    // What works goes on.
    f.watcher.handle_reload(f.now, &mut f.random);
    f.expect_silence(100 * SECOND);
}
