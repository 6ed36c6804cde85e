//! Peers that take their time, and peers that are too many.

use super::*;
use crate::ground::limits::CONNECTIONS_EACH;

#[test]
fn silent_streams_fill_half_the_places_and_go_in_time() /* ATTACKS C05 */
{
    let mut it = Fixture::new();
    let crowd: Vec<Peer> = (0..60).map(|_| it.dial()).collect();
    // Whoever is not let in is closed.
    it.turn_until(|_| crowd.iter().filter(|peer| peer.is_open()).count() == CONNECTIONS_EACH);
    assert_eq!(it.streams.len(), CONNECTIONS_EACH);
    let (mut other, flow) = it.talker_from(Ipv4Addr::new(127, 0, 0, 2));
    it.send(flow, "served");
    other.expect("served");
    it.pass(FIRST - Duration::from_millis(1));
    assert_eq!(it.streams.len(), CONNECTIONS_EACH + 1);
    it.pass(Duration::from_millis(1));
    assert_eq!(it.streams.len(), 1, "only the one that talks is left");
    assert!(crowd.iter().all(|peer| !peer.is_open()));
    it.talker();
}

#[test]
fn pings_alone_say_nothing() /* ATTACKS C05 */
{
    let mut it = Fixture::new();
    let mut peer = it.dial();
    it.turn();
    it.pass(FIRST - Duration::from_secs(1));
    peer.write("\r\n\r\n");
    it.turn();
    peer.expect("\r\n");
    it.pass(Duration::from_secs(1));
    peer.expect_end();
}

#[test]
fn a_message_that_takes_too_long_ends_its_stream() /* ATTACKS C06 X13 */
{
    let body = "OPTIONS sip:a SIP/2.0\r\nContent-Length: 1000\r\n\r\nbody";
    let head = "OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/TCP 192.0.2.1\r\nFrom: someone";
    for text in [body, head] {
        let mut it = Fixture::new();
        let (mut peer, flow) = it.talker();
        let (mut other, _) = it.talker_from(Ipv4Addr::new(127, 0, 0, 2));
        peer.write(&text[..40]);
        it.turn();
        for at in 40..46 {
            it.pass(Duration::from_secs(5));
            assert_eq!(it.events, []);
            peer.write(&text[at..=at]);
            it.turn();
        }
        it.pass(Duration::from_secs(1));
        assert_eq!(it.events, []);
        it.pass(Duration::from_secs(1));
        assert_eq!(it.events, [Event::Ended(flow, End::Closed)]);
        peer.expect_end();
        other.write(&message("still here"));
        it.turn_until(|it| it.said.len() == 3);
    }
}

#[test]
fn a_whole_message_ends_its_deadline() /* X13 */
{
    let mut it = Fixture::new();
    let (mut peer, _) = it.talker();
    let text = message("slow");
    for _ in 0..3 {
        peer.write(&text[..10]);
        it.turn();
        it.pass(WHOLE - Duration::from_millis(1));
        peer.write(&text[10..]);
        it.turn();
    }
    it.pass(WHOLE);
    assert_eq!((it.said.len(), it.events.len()), (4, 0));
    // Half a ping is no message.
    peer.write("\r\n");
    it.turn();
    it.pass(WHOLE * 2);
    assert_eq!(it.events, []);
}

#[test]
fn an_unused_stream_outlives_a_subscription_and_not_more() /* X13 */
{
    let mut it = Fixture::new();
    let (mut peer, flow) = it.talker();
    it.pass(limits::MAX_EXPIRES.duration());
    assert_eq!(it.events, []);
    peer.write("\r\n\r\n");
    it.turn();
    it.pass(limits::MAX_EXPIRES.duration());
    it.send(flow, "NOTIFY");
    it.pass(IDLE - Duration::from_millis(1));
    assert_eq!(it.events, []);
    it.pass(Duration::from_millis(1));
    assert_eq!(it.events, [Event::Ended(flow, End::Closed)]);
    assert_eq!(it.streams.deadline(), None, "nothing is left to wait for");
}

/// As much as the kernel takes for a peer that does not read, and some more.
fn stuff(it: &mut Fixture, flow: Flow) -> usize {
    let text = "x".repeat(10_000);
    let mut sent = 0;
    while it.streams.at(0).is_some_and(|it| !it.has_unsent()) {
        it.send(flow, &text);
        sent += text.len();
    }
    sent
}

#[test]
fn who_does_not_read_is_closed_in_time() /* ATTACKS C06 */
{
    let mut it = Fixture::new();
    let (_peer, flow) = it.talker();
    stuff(&mut it, flow);
    it.pass(STALLED - Duration::from_millis(1));
    assert_eq!(it.events, []);
    it.pass(Duration::from_millis(1));
    assert_eq!(it.events, [Event::Ended(flow, End::Closed)]);
}

#[test]
fn who_reads_after_all_gets_everything_in_order() /* ATTACKS C06 */
{
    let mut it = Fixture::new();
    let (peer, flow) = it.talker();
    let sent = stuff(&mut it, flow);
    it.pass(STALLED / 2);
    it.send(flow, "last");
    let reader = std::thread::spawn(move || {
        let mut peer = peer;
        peer.expect(&"x".repeat(sent));
        peer.expect("last");
        peer
    });
    it.turn_until(|it| {
        !it.streams.places[0]
            .connection
            .as_ref()
            .unwrap()
            .has_unsent()
    });
    let peer = reader.join().unwrap();
    it.pass(STALLED);
    assert!(peer.is_open() && it.events.is_empty());
    // The poller is at rest again.
    assert_eq!(it.poller.wait(true).unwrap().count(), 0);
}

#[test]
fn what_waits_for_one_who_does_not_read_is_bounded() /* ATTACKS C06 */
{
    let mut it = Fixture::new();
    let (_peer, flow) = it.talker();
    stuff(&mut it, flow);
    for _ in 0..7 {
        it.send(flow, &"x".repeat(10_000));
        if !it.events.is_empty() {
            break;
        }
    }
    assert_eq!(it.events, [Event::Ended(flow, End::Closed)]);
    assert!(it.streams.is_empty());
}
