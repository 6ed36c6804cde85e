//! Connections that we open.

use super::*;
use crate::ground::limits::{CARRIERS, CONNECTIONS_IN};

/// A server that a fixture connects to.
struct Server(TcpListener);

impl Server {
    fn new() -> Server {
        Server::at(1)
    }

    fn at(last: usize) -> Server {
        let ip = Ipv4Addr::new(127, 0, 0, u8::try_from(last).unwrap());
        Server(TcpListener::bind((ip, 0)).expect("it listens"))
    }

    fn flow(&self, it: &Fixture) -> Flow {
        Flow::tcp(it.at, self.0.local_addr().unwrap(), 0)
    }

    fn accept(&self) -> Peer {
        Peer::new(self.0.accept().expect("somebody comes").0)
    }

    /// Nobody else has come.
    #[track_caller]
    fn expect_nobody(&self) {
        self.0.set_nonblocking(true).unwrap();
        assert!(self.0.accept().is_err(), "a connection too many");
        self.0.set_nonblocking(false).unwrap();
    }
}

#[test]
fn what_is_sent_to_an_address_opens_one_connection_and_stays_on_it() /* X01 */
{
    let mut it = Fixture::new();
    let server = Server::new();
    let flow = server.flow(&it);
    it.send(flow, "one ");
    it.send(flow, "two ");
    it.turn_until(|it| !it.events.is_empty());
    let mut peer = server.accept();
    peer.expect("one two ");
    let Some(Event::Connected(ours)) = it.events.pop() else {
        panic!("{:?}", it.events);
    };
    assert_eq!((ours.local, ours.remote), (flow.local, flow.remote));
    it.send(flow, "three ");
    assert_eq!(it.events.pop(), Some(Event::Connected(ours)));
    it.send(ours, "four");
    peer.expect("three four");
    assert_eq!(it.events, []);
    server.expect_nobody();
    peer.write(&message("answer"));
    it.turn_until(|it| it.said.len() == 1);
    assert_eq!(it.said, [Said::Message(ours, message("answer"))]);
}

#[test]
fn a_lone_line_end_is_the_answer_to_our_ping() /* X10, RFC 5626 4.4.1 */
{
    let mut it = Fixture::new();
    let server = Server::new();
    it.send(server.flow(&it), "\r\n\r\n");
    it.turn_until(|it| !it.events.is_empty());
    let mut peer = server.accept();
    peer.expect("\r\n\r\n");
    let Some(Event::Connected(ours)) = it.events.pop() else {
        panic!("{:?}", it.events);
    };
    peer.write("\r\n");
    it.turn_until(|it| it.said == [Said::Pong(ours)]);
    peer.write(&format!("\r\n{}", message("a")));
    it.turn_until(|it| it.said.len() == 3);
    assert_eq!(
        it.said[1..],
        [Said::Pong(ours), Said::Message(ours, message("a"))]
    );
    // A server may ping too.
    peer.write("\r\n\r\n");
    it.turn();
    peer.expect("\r\n");
}

#[test]
fn who_answered_pings_and_does_so_no_more_is_gone() /* R10, RFC 5626 4.4.1 */
{
    let mut it = Fixture::new();
    let server = Server::new();
    let to = server.flow(&it);
    it.send(to, "\r\n\r\n");
    it.turn_until(|it| !it.events.is_empty());
    let mut peer = server.accept();
    let Some(Event::Connected(ours)) = it.events.pop() else {
        panic!("{:?}", it.events);
    };
    // Of one who never did it means nothing.
    it.pass(Duration::from_secs(60));
    it.send(to, "\r\n\r\n");
    peer.expect("\r\n\r\n\r\n\r\n");
    peer.write("\r\n");
    it.turn_until(|it| it.said == [Said::Pong(ours)]);
    it.events.clear();
    it.send(to, "\r\n\r\n");
    it.events.clear();
    it.pass(Duration::from_millis(9_999));
    assert_eq!(it.events, []);
    it.pass(Duration::from_millis(1));
    assert_eq!(it.events, [Event::Ended(ours, End::Silent)]);
    assert!(it.streams.is_empty());
}

#[test]
fn a_nul_behind_a_keep_alive_costs_nothing_and_answers_nothing() /* resiprocate #38 */
{
    let mut it = Fixture::new();
    let server = Server::new();
    it.send(server.flow(&it), "\r\n\r\n");
    it.turn_until(|it| !it.events.is_empty());
    let mut peer = server.accept();
    peer.expect("\r\n\r\n");
    let Some(Event::Connected(ours)) = it.events.pop() else {
        panic!("{:?}", it.events);
    };
    peer.write(&format!("\0\0{}\r\n\0{}", message("a"), message("b")));
    it.turn_until(|it| it.said.len() == 3);
    let [a, b] = ["a", "b"].map(|it| Said::Message(ours, message(it)));
    assert_eq!(it.said, [a, Said::Pong(ours), b]);
}

#[test]
fn where_nobody_listens_the_agent_is_told_so() /* T06 X01 */
{
    let mut it = Fixture::new();
    let server = Server::new();
    let flow = server.flow(&it);
    drop(server);
    it.send(flow, "lost");
    it.turn_until(|it| !it.events.is_empty());
    assert_eq!(it.events, [Event::Ended(flow, End::Refused)]);
    assert!(it.streams.is_empty());
    // Nor can anybody be there.
    let nowhere = Flow {
        remote: "[::1]:9".parse().unwrap(),
        ..flow
    };
    it.events.clear();
    it.send(nowhere, "lost");
    assert_eq!(it.events, [Event::Ended(nowhere, End::Refused)]);
}

#[test]
fn who_does_not_answer_is_given_up_in_time() /* T06 X01 */
{
    let mut it = Fixture::new();
    let server = Server::new();
    // One may wait to be let in; the kernel does not answer whoever comes after.
    rustix::net::listen(&server.0, 0).unwrap();
    let remote = server.0.local_addr().unwrap();
    let _crowd: Vec<_> = (0..4).map(|_| connect(remote, None).unwrap()).collect();
    let flow = server.flow(&it);
    it.send(flow, "waits");
    it.pass(CONNECT - Duration::from_millis(1));
    assert_eq!((it.events.len(), it.streams.len()), (0, 1));
    it.pass(Duration::from_millis(1));
    assert_eq!(it.events, [Event::Ended(flow, End::Silent)]);
    assert!(it.streams.is_empty());
}

#[test]
fn a_server_that_comes_again_gets_a_new_connection() /* X07 T06 */
{
    let mut it = Fixture::new();
    let server = Server::new();
    let flow = server.flow(&it);
    let mut numbers = Vec::new();
    for text in ["one", "two", "three"] {
        it.send(flow, text);
        it.turn_until(|it| !it.events.is_empty());
        let Some(Event::Connected(ours)) = it.events.pop() else {
            panic!("{:?}", it.events);
        };
        let mut peer = server.accept();
        peer.expect(text);
        drop(peer);
        it.turn_until(|it| !it.events.is_empty());
        assert_eq!(it.events.pop(), Some(Event::Ended(ours, End::Closed)));
        it.send(ours, "stale");
        assert_eq!(it.events.pop(), Some(Event::Ended(ours, End::Closed)));
        numbers.push(ours.connection);
    }
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), 3);
}

#[test]
fn one_that_is_kept_stays_where_others_make_way() /* ATTACKS C05 */
{
    let mut it = Fixture::new();
    let server = Server::new();
    let flow = server.flow(&it);
    let mut all = Vec::new();
    for at in 0..CONNECTIONS_IN {
        let from = Ipv4Addr::new(127, 0, 1, u8::try_from(at).unwrap());
        all.push(it.talker_from(from));
    }
    it.send(flow, "room");
    it.turn_until(|it| it.events.len() == 1);
    let mut peer = server.accept();
    peer.expect("room");
    let Some(Event::Connected(ours)) = it.events.pop() else {
        panic!("{:?}", it.events);
    };
    it.send(ours, "\r\n\r\n");
    // It is the oldest of all by now, and stays.
    it.pass(T1_64 * 2);
    it.talker_from(Ipv4Addr::new(127, 0, 2, 1));
    peer.expect("\r\n\r\n");
    assert!(peer.is_open());
}

/// More phones to call back than there are places: each is reached within a few turns.
#[test]
fn one_that_only_carries_makes_way_soon() /* ATTACKS C10 */
{
    let mut it = Fixture::new();
    let servers: Vec<Server> = (1..CARRIERS + 2).map(Server::at).collect();
    for server in &servers[..CARRIERS] {
        let flow = server.flow(&it);
        it.send(flow, "NOTIFY");
        it.turn_until(|it| !it.events.is_empty());
        it.events.clear();
    }
    let flow = servers[CARRIERS].flow(&it);
    it.send(flow, "NOTIFY");
    assert_eq!(it.events, [Event::Ended(flow, End::Refused)]);
    it.pass(CARRIED);
    it.events.clear();
    it.send(flow, "NOTIFY");
    it.turn_until(|it| it.events.len() == 2);
    servers[CARRIERS].accept().expect("NOTIFY");
    // Nor does it keep others out.
    it.talker();
}

#[test]
fn what_waits_for_a_connection_is_bounded() /* ATTACKS C06 */
{
    let mut it = Fixture::new();
    let server = Server::new();
    rustix::net::listen(&server.0, 0).unwrap();
    let remote = server.0.local_addr().unwrap();
    let _crowd: Vec<_> = (0..4).map(|_| connect(remote, None).unwrap()).collect();
    let flow = server.flow(&it);
    for _ in 0..7 {
        it.send(flow, &"x".repeat(10_000));
    }
    assert_eq!(it.events, [Event::Ended(flow, End::Closed)]);
}

/// Peers would be told of an end here only by their own patience: what goes to our old address comes to nobody.
#[test]
fn connections_from_an_address_that_is_gone_end_and_others_stay() {
    let mut it = Fixture::at((Ipv4Addr::UNSPECIFIED, 0).into());
    let server = Server::new();
    let second = SocketAddr::from(([127, 0, 0, 2], it.at.port()));
    let mut dialled = Peer::new(connect(second, None).expect("it listens"));
    dialled.write(&message("hello"));
    it.turn_until(|it| it.said.len() == 1);
    let (_peer, stays) = it.talker();
    let flow = Flow {
        local: second,
        ..server.flow(&it)
    };
    it.send(flow, "one ");
    it.turn_until(|it| !it.events.is_empty());
    let Some(Event::Connected(ours)) = it.events.pop() else {
        panic!("{:?}", it.events);
    };
    it.streams
        .end_elsewhere(it.now, |ip| ip == Ipv4Addr::LOCALHOST);
    it.flush();
    let Said::Message(theirs, _) = it.said[0] else {
        panic!("{:?}", it.said);
    };
    let ended = [theirs, ours].map(|flow| Event::Ended(flow, End::Closed));
    assert_eq!(it.events, ended);
    assert_eq!(it.streams.len(), 1);
    it.events.clear();
    it.send(stays, "still here");
    assert_eq!(it.events, []);
}
