//! What one turn reads and sends.

use super::*;
use crate::events::package::{Pace, Package};
use crate::ground::limits;
use crate::shell::hub::SHARE;
use crate::users::compose::Input;
use std::net::TcpStream;
use std::vec;

/// An agent that is turned by hand, and those who watch it, on one socket.
struct Site {
    runtime: Runtime,
    sip: SocketAddr,
    peer: UdpSocket,
}

/// Two turns' worth.
const WATCHERS: usize = 2 * TURN;

const _: () = assert!(WATCHERS <= limits::SUBSCRIPTIONS);

impl Site {
    /// Everybody has subscribed and was told.
    fn new() -> Site {
        let mut options = options(PathBuf::new());
        options.control = None;
        options.settings.watches.clear();
        for lamp in &mut options.settings.lamps {
            lamp.shows = Shows::Nothing;
        }
        options.settings.paces = [Pace::UNLIMITED; Package::SERVED_COUNT];
        let agent = Box::leak(Box::new(Agent::new()));
        let runtime = Runtime::new(agent, options).expect("it starts");
        let peer = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a peer");
        peer.set_nonblocking(true).expect("set");
        let sip = runtime.listeners()[0].address;
        let mut site = Site { runtime, sip, peer };
        site.turn();
        for number in 0..WATCHERS {
            site.subscribe(number);
            site.turn();
            let heard = site.hear();
            assert_eq!(heard.len(), 2, "{heard:?}");
            site.accept(&heard[1]);
            site.turn();
        }
        assert_eq!(site.hear(), Vec::<String>::new());
        site
    }

    /// One turn that has something to do.
    fn turn(&mut self) {
        self.runtime.turn().expect("a turn");
    }

    fn note(&self, text: &str) {
        let note = Input::Note(Text::copied(text).expect("short"));
        let mut hub = self.runtime.hub().borrow_mut();
        hub.change(|agent, moment| agent.handle_input(moment, 0, note));
    }

    fn send(&self, text: &str) {
        self.peer.send_to(text.as_bytes(), self.sip).expect("sent");
    }

    fn subscribe(&self, number: usize) {
        let here = self.peer.local_addr().expect("bound");
        self.send(&format!(
            "SUBSCRIBE sip:desk@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP {here};branch=z9hG4bKs{number};rport\r\n\
             Max-Forwards: 70\r\nFrom: <sip:w{number}@127.0.0.1>;tag=w{number}\r\nTo: <sip:desk@127.0.0.1>\r\n\
             Call-ID: w{number}@{here}\r\nCSeq: 1 SUBSCRIBE\r\nContact: <sip:w{number}@{here}>\r\n\
             Event: presence\r\nExpires: 3600\r\nContent-Length: 0\r\n\r\n"
        ));
    }

    fn ask(&self) {
        let here = self.peer.local_addr().expect("bound");
        self.send(&format!(
            "OPTIONS sip:desk@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP {here};branch=z9hG4bKo;rport\r\n\
             Max-Forwards: 70\r\nFrom: <sip:x@127.0.0.1>;tag=1\r\nTo: <sip:desk@127.0.0.1>\r\nCall-ID: 1@x\r\n\
             CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
        ));
    }

    fn accept(&self, notify: &str) {
        let names = ["Via: ", "From: ", "To: ", "Call-ID: ", "CSeq: "];
        let is_echoed = |row: &&str| names.iter().any(|name| row.starts_with(name));
        let rows: Vec<&str> = notify.split("\r\n").filter(is_echoed).collect();
        let rows = rows.join("\r\n");
        self.send(&format!(
            "SIP/2.0 200 OK\r\n{rows}\r\nContent-Length: 0\r\n\r\n"
        ));
    }

    /// What the peers have got.
    fn hear(&self) -> Vec<String> {
        let mut heard = Vec::new();
        let mut buf = vec![0; 4_096];
        while let Ok(length) = self.peer.recv(&mut buf) {
            heard.push(String::from_utf8_lossy(&buf[..length]).into_owned());
        }
        heard
    }

    /// The same, in short: `N` for a NOTIFY, `A` for an answer, and how many in a row.
    fn kinds(&self) -> Vec<(char, usize)> {
        let mut kinds: Vec<(char, usize)> = Vec::new();
        for message in self.hear() {
            let kind = match message.starts_with("NOTIFY ") {
                true => 'N',
                false => 'A',
            };
            match kinds.last_mut() {
                Some((last, count)) if *last == kind => *count += 1,
                Some(_) | None => kinds.push((kind, 1)),
            }
        }
        kinds
    }
}

#[test]
fn everything_that_came_is_answered_before_more_watchers_are_told() {
    let mut site = Site::new();
    site.note("back at three");
    for _ in 0..20 {
        site.ask();
    }
    site.turn();
    assert_eq!(site.kinds(), [('N', TURN), ('A', 20), ('N', TURN)]);
    // Nothing is left to send, and nobody is sent anything twice.
    site.ask();
    site.turn();
    assert_eq!(site.kinds(), [('A', 1)]);
}

#[test]
fn whoever_answers_is_heard_while_the_others_are_told() {
    let mut site = Site::new();
    site.note("back at three");
    for _ in 0..2 {
        let told = site.hear();
        assert_eq!(told.len(), TURN);
        for notify in &told {
            site.accept(notify);
        }
        site.turn();
    }
    // All are free for the next change.
    site.note("back at four");
    site.ask();
    site.turn();
    let again = site.hear();
    let told = again.iter().filter(|it| it.contains("back at four"));
    assert_eq!((told.count(), again.len()), (WATCHERS, WATCHERS + 1));
}

/// A flood fills what one turn reads; the watchers are told all the same, and then it is read on.
#[test]
fn a_flood_keeps_no_watcher_waiting() /* C10 */
{
    let mut site = Site::new();
    site.note("back at three");
    for _ in 0..PILE {
        site.send("no SIP at all");
    }
    site.ask();
    site.turn();
    assert_eq!(site.kinds(), [('N', WATCHERS)]);
    site.turn();
    assert_eq!(site.kinds(), [('A', 1)]);
}

/// What waits in front of a socket that takes no more grows old, so nothing is made for it.
#[test]
fn a_socket_that_takes_no_more_gets_the_newest_when_it_does_again() /* C10 */
{
    let mut site = Site::new();
    site.runtime.hub().borrow_mut().outbox.block(clock::now());
    site.note("back at three");
    site.note("back at four");
    let limit = clock::now() + LIMIT;
    let mut heard = Vec::new();
    while heard.len() < WATCHERS {
        assert!(clock::now() < limit, "{} were told", heard.len());
        site.turn();
        heard.extend(site.hear());
    }
    assert_eq!(heard.len(), WATCHERS);
    assert!(heard.iter().all(|it| it.contains("back at four")));
    assert_eq!(site.runtime.hub().borrow_mut().outbox.take_dropped(), 0);
}

/// One who has sent fifty requests in one segment delays nobody by more than a turn's share of them.
#[test]
fn a_stream_full_of_requests_is_heard_a_share_in_a_turn() /* I5 */
{
    let mut site = Site::new();
    let mut stream = TcpStream::connect(site.sip).expect("it listens");
    let here = stream.local_addr().expect("bound");
    stream.set_nonblocking(true).expect("set");
    let request = |number: usize| {
        format!(
            "OPTIONS sip:desk@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP {here};branch=z9hG4bKt{number}\r\n\
             Max-Forwards: 70\r\nFrom: <sip:x@127.0.0.1>;tag=1\r\nTo: <sip:desk@127.0.0.1>\r\n\
             Call-ID: {number}@t\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
        )
    };
    let count = 3 * SHARE + 2;
    let all: String = (0..count).map(request).collect();
    stream.write_all(all.as_bytes()).expect("written");
    let mut answered = Vec::new();
    let mut buf = vec![0; 64 * 1_024];
    let mut asked = false;
    while answered.iter().sum::<usize>() < count {
        site.turn();
        let length = stream.read(&mut buf).unwrap_or(0);
        let text = String::from_utf8_lossy(&buf[..length]);
        answered.push(text.matches("SIP/2.0 200 OK").count());
        if asked {
            assert_eq!(site.kinds(), [('A', 1)], "in the next turn");
            asked = false;
        }
        if answered.iter().filter(|it| **it > 0).count() == 1 {
            site.ask();
            asked = true;
        }
    }
    answered.retain(|it| *it > 0);
    assert_eq!(answered, [SHARE, SHARE, SHARE, 2]);
}
