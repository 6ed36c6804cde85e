//! Who gets a place, and who makes way for whom.

use super::*;
use crate::ground::limits::{
    CARRIERS, CARRIERS_EACH, CONNECTIONS, CONNECTIONS_EACH, CONNECTIONS_IN, STRANGERS,
    STRANGERS_EACH,
};

fn stranger(number: usize) -> Ipv4Addr {
    Ipv4Addr::new(127, 9, 0, 1 + u8::try_from(number).unwrap())
}

fn phone(number: usize) -> Ipv4Addr {
    Ipv4Addr::new(127, 0, 1, 1 + u8::try_from(number).unwrap())
}

/// All places that strangers may have, each held by one who has said something.
fn strangers(it: &mut Fixture) -> Vec<(Peer, Flow)> {
    (0..STRANGERS)
        .map(|number| it.talker_from(stranger(number)))
        .collect()
}

#[test]
fn strangers_have_a_quarter_of_the_places_and_one_of_them_a_part_of_that() /* ATTACKS C05 */
{
    let mut it = Fixture::new();
    let crowd: Vec<Peer> = (0..20).map(|_| it.dial_from(stranger(0))).collect();
    it.turn_until(|_| crowd.iter().filter(|it| it.is_open()).count() == STRANGERS_EACH);
    let others: Vec<Peer> = (1..20).map(|at| it.dial_from(stranger(at))).collect();
    let all = || crowd.iter().chain(&others);
    it.turn_until(|_| all().filter(|it| it.is_open()).count() == STRANGERS);
    assert_eq!((it.streams.len(), it.streams.refused()), (STRANGERS, 37));
}

#[test]
fn a_stranger_who_says_nothing_is_closed_soon() /* ATTACKS C05 */
{
    let mut it = Fixture::new();
    let mut silent = it.dial_from(stranger(0));
    it.turn();
    it.pass(STRANGER - Duration::from_millis(1));
    silent.write("\r\n\r\n");
    it.turn();
    silent.expect("\r\n");
    it.pass(Duration::from_millis(1));
    silent.expect_end();
    assert!(it.streams.is_empty());
}

#[test]
fn nothing_that_a_stranger_does_keeps_it_its_place_from_others() /* ATTACKS C05 */
{
    let mut it = Fixture::new();
    let mut all = strangers(&mut it);
    let early = it.dial_from(stranger(100));
    it.turn_until(|_| !early.is_open());
    it.pass(STRANGER);
    for (peer, flow) in &mut all {
        peer.write("\r\n\r\n");
        it.turn();
        peer.expect("\r\n");
        peer.write(&message("again"));
        it.turn();
        it.send(*flow, "no");
        peer.expect("no");
    }
    it.talker_from(stranger(100));
    assert_eq!(it.events, [Event::Ended(all[0].1, End::Closed)]);
    all[0].0.expect_end();
}

#[test]
fn strangers_make_way_for_phones_at_once() /* ATTACKS C05 */
{
    let mut it = Fixture::new();
    let mut guests = strangers(&mut it);
    let rest = CONNECTIONS_IN - STRANGERS;
    let mut phones: Vec<_> = (0..rest).map(|at| it.talker_from(phone(at))).collect();
    assert_eq!(it.events, []);
    for (number, guest) in guests.iter_mut().enumerate() {
        phones.push(it.talker_from(phone(rest + number)));
        assert_eq!(it.events.pop(), Some(Event::Ended(guest.1, End::Closed)));
        guest.0.expect_end();
    }
    // And nobody for them.
    it.pass(T1_64 * 2);
    let refused = it.dial_from(stranger(0));
    it.turn_until(|_| !refused.is_open());
    assert!(phones.iter().all(|(peer, _)| peer.is_open()));
}

#[test]
fn there_is_a_place_for_a_server_of_ours_whoever_else_came() /* ATTACKS C05 */
{
    let mut it = Fixture::new();
    let _guests = strangers(&mut it);
    let crowd: Vec<_> = (0..CONNECTIONS).map(|at| it.dial_from(phone(at))).collect();
    it.turn_until(|it| it.streams.len() == CONNECTIONS_IN);
    it.turn_until(|_| crowd.iter().filter(|it| it.is_open()).count() == CONNECTIONS_IN);
    it.events.clear();
    let server = TcpListener::bind(LOCALHOST).unwrap();
    let flow = Flow::tcp(it.at, server.local_addr().unwrap(), 0);
    it.send(flow, "REGISTER");
    it.turn_until(|it| !it.events.is_empty());
    assert!(matches!(it.events[..], [Event::Connected(_)]));
    Peer::new(server.accept().unwrap().0).expect("REGISTER");
}

#[test]
fn who_was_granted_something_is_no_stranger() /* ATTACKS C05 */
{
    let mut it = Fixture::new();
    let mut all = strangers(&mut it);
    for place in 0..STRANGERS as u16 {
        it.streams.vouch(it.now, place);
    }
    it.pass(STRANGER);
    // One more from behind the same NAT, who has still to show who it is.
    it.talker_from(stranger(0));
    for at in 0..CONNECTIONS_IN - STRANGERS {
        it.talker_from(phone(at));
    }
    all.iter_mut().for_each(|(peer, flow)| {
        it.streams.send(it.now, *flow, b"yes");
        it.streams.flush(it.now);
        peer.expect("yes");
    });
    // Until others are trusted.
    it.streams.judge(it.now, |_| false);
    let whose = it.streams.held().map(|it| it.whose);
    assert!(whose.into_iter().all(|it| it == Whose::Stranger));
}

#[test]
fn one_address_makes_us_open_a_few_connections_and_all_together_half() /* ATTACKS C05 */
{
    let mut it = Fixture::new();
    let send = |it: &mut Fixture, from: Ipv4Addr| {
        let listener = TcpListener::bind((from, 0)).unwrap();
        let flow = Flow::tcp(it.at, listener.local_addr().unwrap(), 0);
        it.events.clear();
        it.send(flow, "NOTIFY");
        let is_refused = it.events == [Event::Ended(flow, End::Refused)];
        if !is_refused {
            it.turn_until(|it| {
                let mut events = it.events.iter();
                events.any(|it| matches!(it, Event::Connected(_)))
            });
        }
        (listener, is_refused)
    };
    let mut kept = Vec::new();
    for number in 0..10 {
        let (listener, is_refused) = send(&mut it, phone(0));
        assert_eq!(is_refused, number >= CARRIERS_EACH);
        kept.push(listener);
    }
    for number in 0..CARRIERS {
        let (listener, is_refused) = send(&mut it, phone(1 + number));
        assert_eq!(is_refused, number + CARRIERS_EACH >= CARRIERS);
        kept.push(listener);
    }
    assert_eq!(it.streams.len(), CARRIERS);
    // Phones come in all the same.
    it.talker();
}

#[test]
fn when_the_places_of_peers_are_taken_the_longest_unused_makes_way() /* ATTACKS C05 X13 */
{
    let mut it = Fixture::new();
    let mut all = Vec::new();
    for at in 0..CONNECTIONS_IN {
        let from = Ipv4Addr::new(127, 0, 1, u8::try_from(at).unwrap());
        all.push(it.talker_from(from));
        it.pass(Duration::from_secs(1));
    }
    let newcomer = Ipv4Addr::new(127, 0, 2, 1);
    let refused = it.dial_from(newcomer);
    it.turn_until(|_| !refused.is_open());
    assert_eq!(it.events, [], "all of them are in use");
    // The first one says something, so the second is the one that was silent for longest.
    let (first, _) = &mut all[0];
    first.write(&message("again"));
    it.turn();
    it.pass(Duration::from_secs(32));
    let (mut peer, flow) = it.talker_from(newcomer);
    assert_eq!(it.events, [Event::Ended(all[1].1, End::Closed)]);
    it.send(flow, "welcome");
    peer.expect("welcome");
    all[1].0.expect_end();
}

#[test]
fn an_address_with_its_share_loses_its_own_longest_unused() /* ATTACKS C05 */
{
    let mut it = Fixture::new();
    let mut all = Vec::new();
    let other = it.talker_from(Ipv4Addr::new(127, 0, 0, 2));
    for _ in 0..CONNECTIONS_EACH {
        it.pass(Duration::from_secs(1));
        all.push(it.talker());
    }
    let refused = it.dial();
    it.turn_until(|_| !refused.is_open());
    // A phone that was switched off and on again must not be kept out by its own leftovers.
    it.pass(T1_64);
    it.talker();
    assert_eq!(it.events, [Event::Ended(all[0].1, End::Closed)]);
    assert!(other.0.is_open());
}
