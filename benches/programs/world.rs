//! The rest of the world of an agent that is measured: it watches until the agent has no place left, and is watched
//! by every lamp.

use lampfield::limits;
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

/// Lamps on the panel, each with a watch of its own.
pub(crate) const LAMPS: usize = if limits::LAMPS < limits::WATCHES {
    limits::LAMPS
} else {
    limits::WATCHES
};

/// Those who only fetch where all tables are filled: this machine itself may.
pub(crate) const FETCHES: usize =
    limits::TRANSACTIONS.saturating_sub(limits::SUBSCRIPTIONS + LAMPS);

/// Waiting for longer than this is a failure.
const LIMIT: Duration = Duration::from_secs(20);

/// A panel with all the lamps there can be.
pub(crate) fn board() -> String {
    let mut text =
        String::from("name = \"full\"\ndescription = \"a full panel\"\nbackend = \"sim\"\n");
    for lamp in 0..LAMPS {
        text += &format!("[[lamp]]\nname = \"blf{lamp}\"\ncolours = [\"red\", \"green\"]\n");
    }
    text
}

/// The settings of an agent with as much to do as it has places for.
pub(crate) fn settings(world: SocketAddr) -> String {
    let mut text = String::from("board = \"board.toml\"\n");
    for desk in 0..limits::PRESENTITIES {
        text += &format!("[[presentity]]\nuri = \"sip:desk{desk}@127.0.0.1\"\n");
    }
    for lamp in 0..LAMPS {
        text += &format!(
            "[[lamp]]\nname = \"blf{lamp}\"\nwatch = \"sip:phone{lamp}@{world}\"\nevent = \"dialog\"\n"
        );
    }
    text
}

/// Everybody else, on one socket.
pub(crate) struct World {
    socket: UdpSocket,
    /// Where the agent finds it.
    pub(crate) here: SocketAddr,
}

impl World {
    /// On this machine's loopback, which the agent knows as `host`.
    pub(crate) fn new(host: IpAddr) -> World {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
        socket.set_read_timeout(Some(LIMIT)).expect("set");
        let port = socket.local_addr().expect("bound").port();
        World {
            socket,
            here: SocketAddr::new(host, port),
        }
    }

    /// Answers the agent's own subscriptions until `count` lamps were told.
    pub(crate) fn serve(&self, count: usize) {
        let mut told = HashMap::new();
        let start = Instant::now();
        while told.len() < count {
            assert!(start.elapsed() < LIMIT, "{} of {count} came", told.len());
            let (from, message) = self.receive();
            if message.starts_with("SUBSCRIBE ") {
                self.tell(from, &message);
            } else if message.starts_with("SIP/2.0 200 ") {
                told.insert(field(&message, "Call-ID").to_owned(), ());
            }
        }
    }

    /// So many who only fetch, and leave a transaction behind; the lamps' NOTIFYs did too.
    pub(crate) fn fetch(&self, agent: SocketAddr, count: usize) {
        for number in 0..count {
            let status = self.subscribe(agent, 0, number, "presence", 0);
            assert_eq!(status, 200, "fetch {number}");
        }
    }

    /// Takes so many of the places that are left.
    pub(crate) fn fill(&self, agent: SocketAddr, count: usize) {
        let each = limits::SUBSCRIPTIONS.div_ceil(limits::PRESENTITIES);
        for number in 0..count {
            let event = ["presence", "dialog"][number % 2];
            let status = self.subscribe(agent, number / each, FETCHES + number, event, 3_600);
            assert_eq!(status, 200, "subscription {number}");
        }
        let status = self.subscribe(agent, 0, limits::TRANSACTIONS, "presence", 3_600);
        assert_eq!(status, 503, "no place is left");
    }

    /// Accepts a SUBSCRIBE and tells the state.
    fn tell(&self, agent: SocketAddr, subscribe: &str) {
        let here = self.here;
        let [via, from, to, call_id, cseq, contact] =
            ["Via", "From", "To", "Call-ID", "CSeq", "Contact"].map(|name| field(subscribe, name));
        self.send(
            agent,
            &format!(
                "SIP/2.0 200 OK\r\nVia: {via}\r\nFrom: {from}\r\nTo: {to};tag=world\r\nCall-ID: {call_id}\r\n\
                 CSeq: {cseq}\r\nContact: <sip:world@{here}>\r\nExpires: 3600\r\nContent-Length: 0\r\n\r\n"
            ),
        );
        let target = contact.trim_start_matches('<').split('>').next();
        let body = "<?xml version=\"1.0\"?><dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version=\"0\" \
                    state=\"full\" entity=\"sip:phone@127.0.0.1\"><dialog id=\"1\"><state>confirmed</state></dialog>\
                    </dialog-info>";
        self.send(
            agent,
            &format!(
                "NOTIFY {} SIP/2.0\r\nVia: SIP/2.0/UDP {here};branch=z9hG4bKn{call_id};rport\r\nMax-Forwards: 70\r\n\
                 From: {to};tag=world\r\nTo: {from}\r\nCall-ID: {call_id}\r\nCSeq: 1 NOTIFY\r\n\
                 Contact: <sip:world@{here}>\r\nEvent: dialog\r\nSubscription-State: active;expires=3600\r\n\
                 Content-Type: application/dialog-info+xml\r\nContent-Length: {}\r\n\r\n{body}",
                target.expect("a URI"),
                body.len()
            ),
        );
    }

    /// Subscribes to a desk and accepts its NOTIFY; gives the answer's status.
    pub(crate) fn subscribe(
        &self,
        agent: SocketAddr,
        desk: usize,
        number: usize,
        event: &str,
        expires: u32,
    ) -> u16 {
        let here = self.here;
        self.send(
            agent,
            &format!(
                "SUBSCRIBE sip:desk{desk}@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP {here};branch=z9hG4bKs{number};rport\r\n\
                 Max-Forwards: 70\r\nFrom: <sip:w{number}@127.0.0.1>;tag=w{number}\r\n\
                 To: <sip:desk{desk}@127.0.0.1>\r\nCall-ID: w{number}@{here}\r\nCSeq: 1 SUBSCRIBE\r\n\
                 Contact: <sip:w{number}@{here}>\r\nEvent: {event}\r\nExpires: {expires}\r\n\
                 Content-Length: 0\r\n\r\n"
            ),
        );
        let (mut status, mut told) = (0, false);
        while status == 0 || (status == 200 && !told) {
            let (from, message) = self.receive();
            if let Some(rest) = message.strip_prefix("SIP/2.0 ") {
                status = rest[..3].parse().expect("a status");
            } else if message.starts_with("NOTIFY ") {
                told = true;
                self.confirm(from, &message);
            }
        }
        status
    }

    /// Waits for a NOTIFY, accepts it, and says when it came.
    #[allow(dead_code, reason = "not every program presses buttons")]
    pub(crate) fn told(&self) -> Instant {
        loop {
            let (from, message) = self.receive();
            let came = Instant::now();
            if message.starts_with("NOTIFY ") {
                self.confirm(from, &message);
                return came;
            }
        }
    }

    fn confirm(&self, agent: SocketAddr, notify: &str) {
        let mut text = String::from("SIP/2.0 200 OK\r\n");
        for name in ["Via", "From", "To", "Call-ID", "CSeq"] {
            text += &format!("{name}: {}\r\n", field(notify, name));
        }
        self.send(agent, &(text + "Content-Length: 0\r\n\r\n"));
    }

    fn send(&self, to: SocketAddr, text: &str) {
        self.socket.send_to(text.as_bytes(), to).expect("sent");
    }

    fn receive(&self) -> (SocketAddr, String) {
        let mut buf = [0; 4_096];
        let (len, from) = self.socket.recv_from(&mut buf).expect("a message in time");
        (from, String::from_utf8_lossy(&buf[..len]).into_owned())
    }
}

fn field<'m>(message: &'m str, name: &str) -> &'m str {
    let mut rows = message.split("\r\n");
    rows.find_map(|row| row.strip_prefix(name)?.strip_prefix(": "))
        .unwrap_or_else(|| panic!("no {name} in {message}"))
}
