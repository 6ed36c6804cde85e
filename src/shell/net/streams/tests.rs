//! Real streams over loopback, in virtual time.

use super::listeners::connect;
use super::*;
use crate::ground::time::Duration;
use crate::shell::clock;
use crate::shell::poller::Poller;
use crate::shell::timer::Timer;
use crate::shell::tls::Tls;
use crate::txn::T1_64;
use crate::wire::flow::Transport;
use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::string::{String, ToString};
use std::{format, vec};

mod deadlines;
mod ours;
mod shares;

/// What came, with its own bytes.
#[derive(Clone, Debug, PartialEq)]
enum Said {
    Message(Flow, String),
    Lost(Flow, u16, String),
    Pong(Flow),
}

struct Fixture {
    streams: Streams,
    poller: Poller,
    now: Instant,
    at: SocketAddr,
    said: Vec<Said>,
    events: Vec<Event>,
    /// Real time, which ends tests that wait for nothing.
    _guard: Timer,
}

/// Whoever dials from 127.9.0.0/16 is a stranger.
fn is_trusted(ip: IpAddr) -> bool {
    !matches!(ip, IpAddr::V4(ip) if ip.octets().starts_with(&[127, 9]))
}

const LOCALHOST: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

impl Fixture {
    fn new() -> Fixture {
        Fixture::at(LOCALHOST)
    }

    fn at(address: SocketAddr) -> Fixture {
        let (poller, mut guard) = (Poller::new().unwrap(), Timer::new().unwrap());
        let registry = poller.registry();
        guard
            .set(Some(clock::now() + Duration::from_secs(60)))
            .unwrap();
        registry.add(&guard, Source::Timer).unwrap();
        let listener = Listener::open(Transport::Tcp, address).expect("it listens");
        Fixture {
            at: listener.bound,
            streams: Streams::new(vec![listener], Tls::default(), registry).unwrap(),
            poller,
            now: Instant::from_millis(1_000),
            said: Vec::new(),
            events: Vec::new(),
            _guard: guard,
        }
    }

    /// Waits for something, and deals with all that is there.
    fn turn(&mut self) {
        let sources: Vec<_> = self.poller.wait(false).unwrap().collect();
        for source in sources {
            match source {
                Source::Listener(at) => {
                    self.streams.accept(self.now, usize::from(at), is_trusted);
                }
                Source::Stream(place) => self.hear(place),
                _ => panic!("nothing came within a minute: {:?}", self.said),
            }
        }
        self.flush();
    }

    fn hear(&mut self, place: u16) {
        self.streams.receive(self.now, place);
        while let Some(heard) = self.streams.next(self.now, place) {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            self.said.push(match heard {
                Heard::Message { flow, bytes } => Said::Message(flow, text(bytes)),
                Heard::Lost { flow, status, head } => Said::Lost(flow, status.code(), text(head)),
                Heard::Pong(flow) => Said::Pong(flow),
            });
            if let Some(Said::Lost(flow, status, _)) = self.said.last() {
                let (flow, answer) = (*flow, format!("SIP/2.0 {status} Lost\r\n\r\n"));
                self.streams.send(self.now, flow, answer.as_bytes());
            }
        }
    }

    fn flush(&mut self) {
        self.streams.flush(self.now);
        while let Some(event) = self.streams.take_event() {
            self.events.push(event);
        }
    }

    #[track_caller]
    fn turn_until(&mut self, is_done: impl Fn(&Fixture) -> bool) {
        for _ in 0..100_000 {
            if is_done(self) {
                return;
            }
            self.turn();
        }
        panic!("it never came to that: {:?} {:?}", self.said, self.events);
    }

    fn pass(&mut self, lasts: Duration) {
        self.now += lasts;
        self.streams.handle_timeout(self.now);
        self.flush();
    }

    fn send(&mut self, flow: Flow, text: &str) {
        self.streams.send(self.now, flow, text.as_bytes());
        self.flush();
    }

    /// A peer that nobody has let in yet.
    fn dial(&self) -> Peer {
        self.dial_from(Ipv4Addr::LOCALHOST)
    }

    fn dial_from(&self, from: Ipv4Addr) -> Peer {
        let to = SocketAddr::from((Ipv4Addr::LOCALHOST, self.at.port()));
        let tcp = connect(to, Some((from, 0).into())).expect("a peer");
        Peer::new(tcp)
    }

    /// A peer that was let in and has said something.
    fn talker(&mut self) -> (Peer, Flow) {
        self.talker_from(Ipv4Addr::LOCALHOST)
    }

    fn talker_from(&mut self, from: Ipv4Addr) -> (Peer, Flow) {
        let mut peer = self.dial_from(from);
        let before = self.said.len();
        peer.write(&message("hello"));
        self.turn_until(|it| it.said.len() > before);
        let Some(Said::Message(flow, _)) = self.said.last() else {
            panic!("no message: {:?}", self.said);
        };
        (peer, *flow)
    }

    fn messages(&self) -> Vec<&str> {
        let all = self.said.iter();
        all.filter_map(|said| match said {
            Said::Message(_, text) => Some(text.as_str()),
            Said::Lost(..) | Said::Pong(_) => None,
        })
        .collect()
    }
}

struct Peer(TcpStream);

impl Peer {
    fn new(tcp: TcpStream) -> Peer {
        tcp.set_nonblocking(false).unwrap();
        tcp.set_read_timeout(Some(core::time::Duration::from_secs(20)))
            .unwrap();
        tcp.set_nodelay(true).unwrap();
        Peer(tcp)
    }

    fn write(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).expect("written");
    }

    #[track_caller]
    fn expect(&mut self, text: &str) {
        let mut got = vec![0; text.len()];
        self.0.read_exact(&mut got).expect("it comes");
        assert_eq!(String::from_utf8_lossy(&got), text);
    }

    /// Nothing more comes, ever.
    #[track_caller]
    fn expect_end(&mut self) {
        match self.0.read(&mut [0; 64]) {
            Ok(count) => assert_eq!(count, 0, "more than expected"),
            Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
        }
    }

    /// Whether the other side is still there; what it says is left.
    fn is_open(&self) -> bool {
        self.0.set_nonblocking(true).unwrap();
        let peeked = self.0.peek(&mut [0; 1]);
        self.0.set_nonblocking(false).unwrap();
        match peeked {
            Ok(count) => count > 0,
            Err(error) => error.kind() == ErrorKind::WouldBlock,
        }
    }
}

fn message(name: &str) -> String {
    format!("OPTIONS sip:{name} SIP/2.0\r\nContent-Length: 4\r\n\r\nbody")
}

#[test]
fn a_message_byte_by_byte_is_a_message() /* ATTACKS E04 X10 */
{
    let mut it = Fixture::new();
    let mut peer = it.dial();
    let text = message("a");
    it.turn();
    for at in 0..text.len() {
        assert!(it.said.is_empty());
        peer.write(&text[at..=at]);
        it.turn();
    }
    let Some(Said::Message(flow, got)) = it.said.pop() else {
        panic!("nothing came");
    };
    assert_eq!(got, text);
    let remote = peer.0.local_addr().unwrap();
    assert_eq!((flow.local, flow.remote), (it.at, remote));
    assert_eq!(
        (flow.transport, flow.connection > 0),
        (Transport::Tcp, true)
    );
}

#[test]
fn many_messages_in_one_piece_come_one_by_one_and_are_answered_in_one() /* ATTACKS E04 X10 */
{
    let mut it = Fixture::new();
    let mut peer = it.dial();
    let all: Vec<String> = (0..50).map(|number| message(&number.to_string())).collect();
    peer.write(&all.concat());
    it.turn_until(|it| it.said.len() == 50);
    assert_eq!(it.messages(), all);
    let Said::Message(flow, _) = it.said[0] else {
        panic!("no message");
    };
    for text in &all {
        it.streams.send(it.now, flow, text.as_bytes());
    }
    it.flush();
    peer.expect(&all.concat());
}

#[test]
fn a_stream_longer_than_its_buffer_loses_nothing() {
    let mut it = Fixture::new();
    let mut peer = it.dial();
    let body = "x".repeat(30_000);
    let long = format!("NOTIFY sip:a SIP/2.0\r\nContent-Length: 30000\r\n\r\n{body}");
    let count = 200;
    let text = long.repeat(count);
    let writer = std::thread::spawn(move || {
        peer.write(&text);
        peer
    });
    it.turn_until(|it| it.said.len() == count);
    assert!(it.messages().iter().all(|got| *got == long));
    writer.join().unwrap();
}

#[test]
fn pings_are_answered_wherever_they_stand() /* ATTACKS E05 X10 */
{
    let mut it = Fixture::new();
    let (mut peer, flow) = it.talker();
    peer.write("\r\n\r\n");
    it.turn();
    peer.expect("\r\n");
    for part in ["\r", "\n", "\r", "\n"] {
        assert!(peer.is_open());
        peer.write(part);
        it.turn();
    }
    peer.expect("\r\n");
    peer.write(&format!("\r\n\r\n{}\r\n\r\n{}", message("a"), message("b")));
    it.turn_until(|it| it.said.len() == 3);
    it.send(flow, "end");
    peer.expect("\r\n\r\nend");
}

#[test]
fn a_flood_of_pings_is_answered_for_a_while_then_closed() /* ATTACKS E05 */
{
    let mut it = Fixture::new();
    let (mut peer, flow) = it.talker();
    for _ in 0..3 {
        peer.write(&"\r\n\r\n".repeat(usize::from(PINGS)));
        let all = "\r\n".repeat(usize::from(PINGS));
        it.turn();
        peer.expect(&all);
        it.pass(PINGS_WITHIN);
    }
    peer.write(&"\r\n\r\n".repeat(10_000));
    it.turn_until(|it| it.events == [Event::Ended(flow, End::Closed)]);
    assert!(it.streams.is_empty());
}

#[test]
fn who_sends_nothing_but_nuls_is_closed_in_time() /* ATTACKS E05 */
{
    let mut it = Fixture::new();
    let mut silent = it.dial();
    let (mut talker, flow) = it.talker();
    for peer in [&mut silent, &mut talker] {
        peer.write(&"\0".repeat(100_000));
    }
    it.turn();
    assert_eq!((it.streams.len(), it.said.len()), (2, 1));
    it.pass(FIRST);
    assert_eq!(it.streams.len(), 1);
    talker.write("\0");
    it.turn();
    it.pass(IDLE - FIRST);
    assert!(it.events.contains(&Event::Ended(flow, End::Closed)));
    assert!(it.streams.is_empty());
}

#[test]
fn lost_framing_is_answered_and_what_hides_behind_never_read() /* ATTACKS E01 E02 X09 */
{
    for (length, status) in [("4294967296", 413), ("-1", 400), ("five", 400)] {
        let mut it = Fixture::new();
        let mut peer = it.dial();
        let head = format!("OPTIONS sip:a SIP/2.0\r\nContent-Length: {length}\r\n\r\n");
        // More than is read in one go, so that an end without care would be a reset.
        peer.write(&(head.clone() + &message("hidden").repeat(2_000)));
        it.turn_until(|it| !it.events.is_empty());
        let [Said::Lost(flow, got, lost)] = &it.said[..] else {
            panic!("{:?}", it.said);
        };
        assert_eq!((*got, lost), (status, &head));
        assert_eq!(it.events, [Event::Ended(*flow, End::Closed)]);
        peer.expect(&format!("SIP/2.0 {status} Lost\r\n\r\n"));
        peer.expect_end();
        drop(peer);
        it.turn_until(|it| it.streams.is_empty());
        assert_eq!(it.events.len(), 1, "the agent is told once");
    }
}

#[test]
fn who_sends_on_after_lost_framing_is_closed_in_time() /* ATTACKS E01 */
{
    let mut it = Fixture::new();
    let mut peer = it.dial();
    peer.write("OPTIONS sip:a SIP/2.0\r\nContent-Length: x\r\n\r\n");
    it.turn_until(|it| !it.events.is_empty());
    assert_eq!(it.streams.len(), 1);
    it.pass(CLOSING / 2);
    peer.write(&message("more"));
    it.turn();
    it.pass(CLOSING / 2);
    assert!(it.streams.is_empty());
    assert_eq!((it.said.len(), it.events.len()), (1, 1));
}

#[test]
fn junk_closes_without_an_answer() /* ATTACKS E05 E06 */
{
    for junk in ["\n", "\r\0", "GET / HTTP/1.1\r\n\r\n"] {
        let mut it = Fixture::new();
        let mut peer = it.dial();
        peer.write(junk);
        it.turn_until(|it| !it.events.is_empty());
        assert!(matches!(it.said[..], [Said::Lost(_, 400, _)]), "{junk:?}");
    }
}

#[test]
fn numbers_name_one_connection_for_ever() /* ATTACKS C07 */
{
    let mut it = Fixture::new();
    let mut seen: Vec<u32> = Vec::new();
    for _ in 0..20 {
        let (peer, flow) = it.talker();
        assert!(!seen.contains(&flow.connection) && flow.connection != 0);
        seen.push(flow.connection);
        drop(peer);
        it.turn_until(|it| it.streams.is_empty());
        assert_eq!(it.events.pop(), Some(Event::Ended(flow, End::Closed)));
        // Whoever is at that place now is not the one who was meant.
        let (peer, other) = it.talker();
        it.send(flow, "for the first");
        assert_eq!(it.events.pop(), Some(Event::Ended(flow, End::Closed)));
        it.send(other, "for the second");
        Peer(peer.0.try_clone().unwrap()).expect("for the second");
        seen.push(other.connection);
        drop(peer);
        it.turn_until(|it| it.streams.is_empty());
        it.events.clear();
    }
}

#[test]
fn on_all_addresses_each_stream_knows_its_own() /* X04 */
{
    let mut it = Fixture::at((Ipv4Addr::UNSPECIFIED, 0).into());
    for last in [1, 2, 3] {
        let to = SocketAddr::from(([127, 0, 0, last], it.at.port()));
        let mut peer = Peer::new(TcpStream::connect(to).unwrap());
        peer.write(&message("a"));
        let before = it.said.len();
        it.turn_until(|it| it.said.len() > before);
        let Some(Said::Message(flow, _)) = it.said.last() else {
            panic!("no message");
        };
        assert_eq!(flow.local, to);
    }
}

#[test]
fn without_descriptors_nobody_is_let_in_and_nothing_spins() /* ATTACKS C10 */
{
    let mut it = Fixture::new();
    it.streams.listeners.pause(it.now, &it.streams.registry);
    it.streams.note_due(it.streams.listeners.due());
    let mut peer = it.dial();
    peer.write(&message("a"));
    assert_eq!(it.poller.wait(true).unwrap().count(), 0, "it would spin");
    assert_eq!(it.streams.deadline(), Some(it.now + PAUSE));
    it.pass(PAUSE);
    it.turn_until(|it| it.said.len() == 1);
}
