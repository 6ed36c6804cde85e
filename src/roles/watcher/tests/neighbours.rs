//! What one lost subscription says of the others at the same server.

extern crate std;

use super::fixture::*;
use crate::ground::time::{Duration, Instant, Seconds};
use crate::roles::watcher::Order;
use std::format;
use std::vec::Vec;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_server_that_does_not_answer_one_is_asked_by_all() /* FIELD 1 */
{
    let mut f = Fixture::new();
    for (target, expires) in [("sip:a@192.0.2.1", 3_600), ("sip:b@192.0.2.1", 120)] {
        f.add(&Order {
            expires: Seconds(expires),
            ..order(target)
        });
        let sent = f.expect_one(3 * SECOND);
        f.answer(&sent, 200, &format!("Expires: {expires}\r\n"));
        let text = calls(0, "full", "");
        f.notify_ok(&sent.notify("peer", 1, "active", &dialog_info(&text)));
    }
    let refresh = f.expect_one(120 * SECOND);
    assert!(refresh.header("To").contains("sip:b@"));
    f.run(refresh.at + 32 * SECOND - f.now);
    let sent = f.run(2 * SECOND);
    let asks = |sent: &Sent| sent.header("To").contains("sip:a@") && !sent.is_first();
    assert!(sent.iter().any(asks));
}

#[test]
fn a_lost_subscription_says_nothing_of_other_servers() /* FIELD 1 */
{
    let mut f = Fixture::new();
    let mut opened = Vec::new();
    for (target, expires) in [("sip:a@192.0.2.1", 3_600), ("sip:b@192.0.2.2", 120)] {
        f.add(&Order {
            expires: Seconds(expires),
            ..order(target)
        });
        let sent = f.expect_one(3 * SECOND);
        f.answer(&sent, 200, &format!("Expires: {expires}\r\n"));
        let text = calls(0, "full", "");
        let notify = sent.notify("peer", 1, "active", &dialog_info(&text));
        let notify = notify.replace("<sip:192.0.2.1:5060>", &format!("<sip:{}>", sent.to));
        let from = format!("{}", sent.to);
        assert_eq!(f.notify_from(&notify, &from, false), Ok(()));
        opened.push(sent);
    }
    let refresh = f.expect_one(120 * SECOND);
    assert_eq!(refresh.to, opened[1].to);
    f.answer(&refresh, 481, "");
    let next = f.run(60 * SECOND);
    assert!(next.iter().all(|sent| sent.to == opened[1].to));
}

#[test]
fn a_restarted_server_is_noticed_by_all_within_seconds_of_the_first() /* FIELD 1 */
{
    let mut f = Fixture::new();
    let mut opened = Vec::new();
    for number in 0..8 {
        f.add(&Order {
            expires: Seconds(if number == 0 { 120 } else { 3_600 }),
            ..order(&format!("sip:u{number}@192.0.2.1"))
        });
        let sent = f.expect_one(3 * SECOND);
        f.answer(&sent, 200, &format!("Expires: {}\r\n", sent.expires()));
        let text = calls(0, "full", "");
        f.notify_ok(&sent.notify("peer", 1, "active", &dialog_info(&text)));
        opened.push(sent);
    }
    let first = f.expect_one(120 * SECOND);
    assert!(!first.is_first());
    f.answer(&first, 481, "");
    let (mut refreshed, mut anew) = (Vec::<Instant>::new(), Vec::<Instant>::new());
    let end = f.now + 10 * SECOND;
    let known = first.at;
    while let Some(sent) = f.next(end - f.now) {
        if sent.is_first() {
            anew.push(sent.at);
            f.answer(&sent, 200, "");
            let text = calls(0, "full", "");
            f.notify_ok(&sent.notify("new", 1, "active;expires=120", &dialog_info(&text)));
        } else {
            refreshed.push(sent.at);
            f.answer(&sent, 481, "");
        }
    }
    assert_eq!((refreshed.len(), anew.len()), (7, 8));
    assert!(refreshed.iter().all(|at| *at - known <= 2 * SECOND));
    assert!(anew.iter().all(|at| *at - known <= 4 * SECOND));
    // They do not go in one burst.
    let spread = *refreshed.last().expect("seven") - refreshed[0];
    assert!(spread > Duration::from_millis(200));
}
