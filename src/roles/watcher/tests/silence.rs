//! Servers that give no answer, and what that means for all watches there.

extern crate std;

use super::fixture::*;
use crate::events::watched::Watched;
use crate::ground::table::Id;
use crate::ground::time::{Duration, Instant, Seconds};
use crate::roles::watcher::{Order, Watch};
use crate::ua::reach::Reach;
use std::format;
use std::vec::Vec;

const SECOND: Duration = Duration::from_secs(1);

/// So many watches at the server, all told; and one at another. The first is refreshed long before the others.
fn told(count: usize) -> (Fixture, Vec<Id<Watch>>, Vec<Sent>) {
    let mut f = Fixture::new();
    let (mut ids, mut opened) = (Vec::new(), Vec::new());
    for number in 0..=count {
        let host = if number == count { 2 } else { 1 };
        let expires = Seconds(if number == 0 { 120 } else { 3_600 });
        let target = format!("sip:u{number}@192.0.2.{host}");
        ids.push(f.add(&Order {
            expires,
            ..order(&target)
        }));
        let sent = f.expect_one(3 * SECOND);
        accept(&mut f, &sent);
        opened.push(sent);
    }
    while f.watcher.take_news().is_some() {}
    (f, ids, opened)
}

/// Answers, and tells that nobody is on the phone.
fn accept(f: &mut Fixture, sent: &Sent) {
    f.answer(sent, 200, &format!("Expires: {}\r\n", sent.expires()));
    let text = calls(sent.seq(), "full", "");
    let tag = if sent.is_first() {
        "peer"
    } else {
        sent.header("To").split(";tag=").nth(1).unwrap()
    };
    let notify = sent.notify(tag, sent.seq(), "active", &dialog_info(&text));
    let from = format!("{}", sent.to);
    let notify = notify.replace("<sip:192.0.2.1:5060>", &format!("<sip:{from}>"));
    assert_eq!(f.notify_from(&notify, &from, false), Ok(()));
}

fn doubts(f: &Fixture, ids: &[Id<Watch>]) -> Vec<Option<Instant>> {
    let known = ids
        .iter()
        .map(|id| f.watcher.known(*id).expect("it is there"));
    known.map(|(_, since)| since).collect()
}

/// New requests outside and inside of dialogs.
fn new(sent: &[Sent]) -> Vec<&Sent> {
    let mut found: Vec<&Sent> = Vec::new();
    for it in sent {
        if !found.iter().any(|other| other.branch() == it.branch()) {
            found.push(it);
        }
    }
    found
}

#[test]
fn the_first_silence_puts_all_there_in_doubt_and_one_looks() {
    for is_refused in [false, true] {
        let (mut f, ids, _) = told(8);
        let refresh = f.expect_one(120 * SECOND);
        assert!(refresh.header("To").contains("sip:u0@"));
        if is_refused {
            f.bounce(&refresh);
        } else {
            f.run(32 * SECOND - (f.now - refresh.at));
        }
        let found = doubts(&f, &ids);
        assert!(
            found[..8].iter().all(|it| it.is_some() && *it == found[0]),
            "{found:?}"
        );
        assert_eq!(found[8], None, "the other server is as good as it was");
        let since = refresh.at;
        let news = (address(SERVER), Reach::Silent { since });
        assert_eq!(f.watcher.take_news(), Some(news));
        // One of them looks; nobody else asks.
        let sent = f.run(20 * SECOND);
        assert_eq!(new(&sent).len(), 1, "{sent:#?}");
        assert_eq!(f.watched(), Watched::Idle);
    }
}

#[test]
fn neighbours_are_vouched_for_one_by_one_when_one_is_answered() {
    let (mut f, ids, _) = told(8);
    let refresh = f.expect_one(120 * SECOND);
    f.run(32 * SECOND - (f.now - refresh.at));
    let began = f.now;
    for _ in 0..8 {
        let sent = f.expect_one(2 * SECOND);
        accept(&mut f, &sent);
    }
    assert!(f.now - began < 3 * SECOND);
    assert_eq!(doubts(&f, &ids), [None; 9]);
    f.expect_silence(60 * SECOND);
}

#[test]
fn a_server_that_told_somebody_meanwhile_is_there() {
    let (mut f, ids, opened) = told(4);
    let refresh = f.expect_one(120 * SECOND);
    f.run(10 * SECOND);
    let text = calls(1, "full", "confirmed");
    f.notify_ok(&opened[3].notify("peer", 2, "active", &dialog_info(&text)));
    f.run(32 * SECOND - (f.now - refresh.at));
    assert_eq!(doubts(&f, &ids)[1..], [None; 4]);
    assert!(doubts(&f, &ids)[0].is_some());
}

#[test]
fn one_asks_a_dead_server_and_all_come_back_when_it_is_heard_of() {
    let (mut f, ids, _) = told(8);
    f.run(3_700 * SECOND);
    let sent = f.run(600 * SECOND);
    let there = new(&sent);
    let there: Vec<_> = there.iter().filter(|it| it.to == address(SERVER)).collect();
    // One each 55 s, and the others each 4 minutes or so.
    assert!(there.len() <= 12 + 8 * 3, "{}", there.len());
    let gaps = there.windows(2).map(|it| it[1].at - it[0].at);
    assert!(gaps.max() <= Some(62 * SECOND + SECOND));
    // An account hears of it.
    let (now, random) = (f.now, &mut f.random);
    f.watcher.handle_heard(now, address(SERVER), random);
    let mut moments = Vec::new();
    while let Some(sent) = f.next((now + 10 * SECOND) - f.now) {
        if sent.to == address(SERVER) && sent.is_first() {
            moments.push(sent.at);
            accept(&mut f, &sent);
        }
    }
    assert_eq!(doubts(&f, &ids)[..8], [None; 8]);
    let busiest = moments.iter().map(|from| {
        let within = |at: &&Instant| **at >= *from && **at < *from + SECOND;
        moments.iter().filter(within).count()
    });
    assert!(busiest.max() <= Some(6), "{moments:?}");
}

#[test]
fn a_retry_after_is_obeyed_when_the_server_is_heard_of() {
    let mut f = Fixture::asking();
    let sent = f.last();
    f.answer(&sent, 503, "Retry-After: 100\r\n");
    let (now, random) = (f.now, &mut f.random);
    f.watcher.handle_heard(now, address(SERVER), random);
    f.expect_silence(100 * SECOND);
}

#[test]
fn one_that_alone_is_not_answered_does_not_live_on_its_neighbours() {
    let mut f = Fixture::asking();
    let mut asked = 0;
    let end = f.now + 3_600 * SECOND;
    let mut last = f.last();
    while let Some(sent) = f.next(end - f.now) {
        if sent.branch() != last.branch() {
            asked += 1;
        }
        last = sent;
        let (now, random) = (f.now, &mut f.random);
        f.watcher.handle_heard(now, address(SERVER), random);
    }
    assert!(asked <= 3_600 / 47 + 4, "{asked}");
}
