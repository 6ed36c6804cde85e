//! Hosts that move, as a neighbour tells: the watch asks, and believes nobody but the notifier.

extern crate std;

use super::fixture::*;
use crate::events::watched::Watched;
use crate::ground::time::Duration;
use core::net::IpAddr;
use std::vec::Vec;

const SECOND: Duration = Duration::from_secs(1);

/// Told by the notifier of a name.
fn told() -> Fixture {
    let mut f = Fixture::ordered(&order("sip:bob@kitchen.local"));
    find(&mut f, "192.0.2.1:5060");
    let sent = f.expect_one(SECOND);
    f.answer(&sent, 200, "Expires: 300\r\n");
    f.tell("n1", 1, "");
    assert_eq!(f.watched(), Watched::Idle);
    f
}

fn find(f: &mut Fixture, at: &str) {
    let query = f.next_query(3 * SECOND);
    f.watcher
        .handle_resolved(f.now, query, &[place(at)], &mut f.random);
}

fn hear(f: &mut Fixture, host: &str, addresses: &[&str]) {
    let parse = |it: &&str| it.parse::<IpAddr>().expect("an address");
    let addresses: Vec<IpAddr> = addresses.iter().map(parse).collect();
    f.watcher
        .handle_host(f.now, host, &addresses, &mut f.random);
}

#[test]
fn a_watch_follows_a_host_that_moves_within_a_second() {
    let mut f = told();
    hear(&mut f, "Kitchen.local", &["192.0.2.77"]);
    find(&mut f, "192.0.2.77:5060");
    let sent = f.expect_one(SECOND);
    assert!(sent.is_first());
    assert_eq!(sent.to, address("192.0.2.77:5060"));
    // Until somebody there has told, what was told before is in doubt.
    assert!(f.is_broken());
}

#[test]
fn where_the_host_is_still_or_who_is_another_one_nothing_happens() {
    let mut f = told();
    hear(&mut f, "kitchen.local", &["192.0.2.99", "192.0.2.1"]);
    hear(&mut f, "hall.local", &["192.0.2.77"]);
    f.expect_silence(5 * SECOND);
    assert!(!f.is_broken());
}

#[test]
fn who_was_not_there_is_asked_as_soon_as_he_is() {
    let mut f = Fixture::ordered(&order("sip:bob@kitchen.local"));
    for _ in 0..6 {
        let query = f.next_query(400 * SECOND);
        f.watcher.handle_resolved(f.now, query, &[], &mut f.random);
    }
    assert_eq!(f.watched(), Watched::Unknown);
    hear(&mut f, "kitchen.local", &["192.0.2.1"]);
    let query = f.next_query(SECOND);
    f.watcher
        .handle_resolved(f.now, query, &[place("192.0.2.1:5060")], &mut f.random);
    f.expect_one(SECOND);
}

#[test]
fn who_answers_a_query_may_name_its_user_and_nothing_else() {
    const INSTANCE: &str = "sip:kitchen._sip._udp.local";
    for (user, uri) in [
        ("desk", "sip:desk@kitchen._sip._udp.local"),
        ("d%20k", "sip:d%20k@kitchen._sip._udp.local"),
        ("", INSTANCE),
        ("a@b", INSTANCE),
        ("a:b", INSTANCE),
        ("a b", INSTANCE),
        ("a\r\nX: y", INSTANCE),
        ("a>b", INSTANCE),
    ] {
        let mut f = Fixture::ordered(&order(INSTANCE));
        let query = f.next_query(3 * SECOND);
        f.watcher.handle_user(query, user);
        f.watcher
            .handle_resolved(f.now, query, &[place("192.0.2.1:5070")], &mut f.random);
        let sent = f.expect_one(SECOND);
        let first = std::format!("SUBSCRIBE {uri} SIP/2.0\r\n");
        assert!(sent.text.starts_with(&first), "{user:?}: {}", sent.text);
        assert_eq!(sent.to, address("192.0.2.1:5070"));
    }
}
