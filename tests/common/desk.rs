//! An agent in virtual time, and the peers that send to it.
//!
//! Messages are text of one `char` for each byte (ISO-8859-1), so that every byte survives a test's string work.

#![allow(dead_code, reason = "each test uses its own part of this")]
#![allow(unused_imports, reason = "each test uses its own part of this")]

mod connection;
mod echo;
mod server;

pub(crate) use connection::Connection;
pub(crate) use echo::{assert_echoes, rows, values};
pub(crate) use server::{Server, call, dialogs, forwarding, presence, summary, watcher, winfo};

use lampfield::wire::flow::Flow;
use lampfield::{
    Agent, Duration, Input, Instant, LampSettings, Moment, Network, Output, Package,
    PresentitySettings, Seconds, Settings, Shows, Text, Wall, WatchSettings, Watched, limits,
};
use std::net::SocketAddr;

/// The presentity that every desk serves.
pub(crate) const DESK: &str = "sip:desk@192.0.2.1";

/// Where every desk listens.
pub(crate) const LOCAL: &str = "192.0.2.1:5060";

/// Whom a watching desk watches, and where that is.
pub(crate) const BOSS: &str = "sip:boss@192.0.2.50";
pub(crate) const BOSS_AT: &str = "192.0.2.50:5060";

/// Somebody outside of the trusted network.
pub(crate) const STRANGER: &str = "198.51.100.7:5062";

/// An agent, its clock, and what it said besides messages.
pub(crate) struct Desk {
    pub(crate) agent: Box<Agent>,
    pub(crate) now: Instant,
    pub(crate) wall: Wall,
    pub(crate) reports: Vec<String>,
    buf: Vec<u8>,
}

/// A message that the agent sent.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sent {
    pub(crate) flow: Flow,
    pub(crate) text: String,
}

impl Desk {
    /// Serves [`DESK`] to everybody in 192.0.2.0/24.
    pub(crate) fn new() -> Desk {
        Desk::with(|_| {})
    }

    pub(crate) fn with(change: impl FnOnce(&mut Settings)) -> Desk {
        Desk::at(LOCAL, [1, 2], Instant::from_millis(1_000_000), change)
    }

    /// With an address, a seed and a start of its own.
    pub(crate) fn at(
        local: &str,
        seed: [u64; 2],
        now: Instant,
        change: impl FnOnce(&mut Settings),
    ) -> Desk {
        let mut settings = Settings::new();
        settings.restore_defaults();
        trust(&mut settings, "192.0.2.0/24");
        serve(&mut settings, DESK);
        change(&mut settings);
        settings.validate().expect("settings of a test");
        let mut agent = Box::new(Agent::new());
        let wall = Wall::from_unix_millis(1_790_000_000_000);
        agent.start(
            Moment { now, wall },
            &settings,
            seed,
            &[local.parse::<SocketAddr>().unwrap().into()],
        );
        Desk {
            agent,
            now,
            wall,
            reports: Vec::new(),
            buf: vec![0; limits::MESSAGE],
        }
    }

    /// Hands in a datagram, and collects what is sent because of it.
    pub(crate) fn send(&mut self, remote: &str, text: &str) -> Vec<Sent> {
        self.send_bytes(remote.parse().unwrap(), &bytes(text))
    }

    pub(crate) fn moment(&self) -> Moment {
        Moment {
            now: self.now,
            wall: self.wall,
        }
    }

    pub(crate) fn send_bytes(&mut self, remote: SocketAddr, bytes: &[u8]) -> Vec<Sent> {
        let local = match remote {
            SocketAddr::V4(_) => LOCAL.parse().unwrap(),
            SocketAddr::V6(_) => "[2001:db8::1]:5060".parse().unwrap(),
        };
        self.take(Flow::udp(local, remote), bytes)
    }

    pub(crate) fn take(&mut self, flow: Flow, bytes: &[u8]) -> Vec<Sent> {
        self.agent.handle_datagram(self.moment(), flow, bytes);
        self.drain()
    }

    /// Hands in what must be answered with one response and nothing else.
    #[track_caller]
    pub(crate) fn ask(&mut self, remote: &str, text: &str) -> Sent {
        let mut sent = self.send(remote, text);
        assert_eq!(sent.len(), 1, "one answer to {text}\n{sent:#?}");
        sent.remove(0)
    }

    pub(crate) fn input(&mut self, input: Input) -> Vec<Sent> {
        self.agent.handle_input(self.moment(), 0, input);
        self.drain()
    }

    /// Lets time pass, timer by timer; what is sent meanwhile, each with its time in milliseconds.
    pub(crate) fn run(&mut self, lasts: Duration) -> Vec<(u64, Sent)> {
        let start = self.now;
        let end = self.now + lasts;
        let mut sent = Vec::new();
        for _ in 0..1_000_000 {
            let at = (self.now - start).as_millis() as u64;
            let (due, said) = self.poll();
            sent.extend(said.into_iter().map(|message| (at, message)));
            match due {
                Some(due) if due <= end => {
                    self.now = self.now.max(due);
                    self.agent.handle_timeout(self.moment());
                }
                Some(_) | None => {
                    self.now = end;
                    return sent;
                }
            }
        }
        panic!("the agent never rests");
    }

    pub(crate) fn drain(&mut self) -> Vec<Sent> {
        self.poll().1
    }

    /// Polls until the agent waits; until when, and what it sent.
    pub(crate) fn poll(&mut self) -> (Option<Instant>, Vec<Sent>) {
        let mut sent = Vec::new();
        for _ in 0..10_000 {
            match self.agent.poll(self.now, &mut self.buf) {
                Output::Send { flow, len } => {
                    let text = text(&self.buf[..len]);
                    sent.push(Sent { flow, text });
                }
                Output::Wait(due) => return (due, sent),
                Output::Report(report) => self.reports.push(report.to_string()),
                Output::Lamp { .. } | Output::Resolve { .. } => {}
                Output::Changed(_) | Output::Gesture { .. } => {}
            }
        }
        panic!("the agent never waits");
    }

    /// Whether no table holds anything: every entry has a timer, and none is set.
    pub(crate) fn is_empty(&mut self) -> bool {
        let (due, sent) = self.poll();
        assert_eq!(sent, [], "it was quiet");
        due.is_none() && self.subscriptions() == 0
    }

    pub(crate) fn subscriptions(&self) -> usize {
        self.agent.subscriptions().count()
    }

    /// What the only lamp stands for.
    pub(crate) fn lamp(&self) -> Watched {
        self.agent
            .lamps()
            .next()
            .expect("a lamp")
            .state
            .expect("it watches")
    }

    /// A valid request from somebody else is served at once, with nothing else sent.
    #[track_caller]
    pub(crate) fn serves_others(&mut self) {
        let other = Peer::new("other", "192.0.2.99:5060");
        let answer = self.ask(&other.address, &other.request("OPTIONS", ""));
        assert_eq!(answer.status(), 200);
    }

    /// Somebody watches and knows the state.
    #[track_caller]
    pub(crate) fn watcher(&mut self, name: &str, address: &str, event: &str) -> Peer {
        let mut peer = Peer::new(name, address);
        peer.event = event.to_string();
        let sent = self.send(address, &peer.subscribe(3_600));
        assert_eq!(sent.len(), 2, "a 200 and a NOTIFY: {sent:#?}");
        peer.learn(&sent[0]);
        self.confirm(&sent[1]);
        peer
    }

    /// The watcher answers a NOTIFY with 200; nothing follows.
    #[track_caller]
    pub(crate) fn confirm(&mut self, notify: &Sent) {
        assert_eq!(self.answer(notify, "200 OK"), []);
    }

    /// Whoever was sent this request answers it.
    pub(crate) fn answer(&mut self, request: &Sent, status: &str) -> Vec<Sent> {
        self.send_bytes(request.flow.remote, &bytes(&request.response(status)))
    }
}

/// Trusts a network more.
pub(crate) fn trust(settings: &mut Settings, network: &str) {
    let network = Network::parse(network).unwrap();
    assert!(settings.trusted.push(network).is_ok());
}

/// Serves a presentity more.
pub(crate) fn serve(settings: &mut Settings, uri: &str) {
    let presentity = PresentitySettings::new(Text::copied(uri).unwrap());
    assert!(settings.presentities.push(presentity).is_ok());
}

/// Watches somebody, on a lamp with that name.
pub(crate) fn watch(settings: &mut Settings, lamp: &str, target: &str, package: Package) {
    let uri = |text| Text::copied(text).unwrap();
    let watch = WatchSettings::new(uri(target), uri(DESK), package);
    let number = settings.share_watch(watch).expect("room for a watch");
    let mut lamp = LampSettings::new(Text::copied(lamp).unwrap());
    lamp.shows = Shows::Watch(number);
    lamp.looks = settings.default_looks(lamp.shows).clone();
    lamp.grace = Seconds(30);
    assert!(settings.lamps.push(lamp).is_ok());
}

/// A peer that sends requests.
#[derive(Clone)]
pub(crate) struct Peer {
    pub(crate) name: String,
    pub(crate) address: String,
    pub(crate) event: String,
    pub(crate) to_tag: Option<String>,
    pub(crate) cseq: u32,
}

impl Peer {
    pub(crate) fn new(name: &str, address: &str) -> Peer {
        Peer {
            name: name.to_string(),
            address: address.to_string(),
            event: "presence".to_string(),
            to_tag: None,
            cseq: 1,
        }
    }

    pub(crate) fn subscribe(&self, expires: u32) -> String {
        let event = &self.event;
        self.request(
            "SUBSCRIBE",
            &format!("Event: {event}\r\nExpires: {expires}\r\n"),
        )
    }

    /// The next SUBSCRIBE in the dialog.
    pub(crate) fn refresh(&mut self, expires: u32) -> String {
        self.cseq += 1;
        self.subscribe(expires)
    }

    /// A request with a Contact and `more` lines.
    pub(crate) fn request(&self, method: &str, more: &str) -> String {
        let contact = format!("Contact: <sip:{}@{}>\r\n", self.name, self.address);
        self.bare(method, &format!("{contact}{more}"))
    }

    /// A request with the mandatory headers and `more` lines.
    pub(crate) fn bare(&self, method: &str, more: &str) -> String {
        let Peer {
            name,
            address,
            cseq,
            ..
        } = self;
        let tag = self.to_tag.as_ref().map(|tag| format!(";tag={tag}"));
        let tag = tag.unwrap_or_default();
        format!(
            "{method} {DESK} SIP/2.0\r\n\
             Via: SIP/2.0/UDP {address};branch=z9hG4bK{name}{cseq}{method}{};rport\r\n\
             Max-Forwards: 70\r\n\
             From: <sip:{name}@192.0.2.9>;tag=t{name}\r\n\
             To: <{DESK}>{tag}\r\n\
             Call-ID: call-{name}\r\n\
             CSeq: {cseq} {method}\r\n\
             {more}Content-Length: 0\r\n\r\n",
            tag.len()
        )
    }

    /// Learns our tag from the 200.
    #[track_caller]
    pub(crate) fn learn(&mut self, sent: &Sent) {
        assert_eq!(sent.status(), 200, "{}", sent.text);
        let to = sent.header("To").expect("a To");
        let (_, tag) = to.split_once(";tag=").expect("a tag");
        self.to_tag = Some(tag.to_string());
    }
}

impl Sent {
    #[track_caller]
    pub(crate) fn status(&self) -> u16 {
        let code = self
            .text
            .strip_prefix("SIP/2.0 ")
            .and_then(|rest| rest.get(..3));
        code.and_then(|code| code.parse().ok())
            .unwrap_or_else(|| panic!("no response: {}", self.text))
    }

    pub(crate) fn is(&self, method: &str) -> bool {
        self.text
            .strip_prefix(method)
            .is_some_and(|rest| rest.starts_with(' '))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers(name).into_iter().next()
    }

    pub(crate) fn headers(&self, name: &str) -> Vec<&str> {
        let head = self.text.split("\r\n\r\n").next().unwrap_or_default();
        head.split("\r\n")
            .filter_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
            .collect()
    }

    pub(crate) fn body(&self) -> &str {
        self.text
            .split_once("\r\n\r\n")
            .map_or("", |(_, body)| body)
    }

    /// The response of a peer to this request; `status` may go on with header lines.
    pub(crate) fn response(&self, status: &str) -> String {
        let (status, more) = status.split_once("\r\n").unwrap_or((status, ""));
        let mut answer = format!("SIP/2.0 {status}\r\n");
        for name in ["Via", "From", "To", "Call-ID", "CSeq"] {
            answer += &format!("{name}: {}\r\n", self.header(name).expect(name));
        }
        answer + more + "Content-Length: 0\r\n\r\n"
    }
}

/// Text of one `char` for each byte.
pub(crate) fn text(bytes: &[u8]) -> String {
    bytes.iter().map(|&byte| char::from(byte)).collect()
}

/// The bytes of such a text.
pub(crate) fn bytes(text: &str) -> Vec<u8> {
    text.chars()
        .map(|char| u8::try_from(char).expect("one byte for each char"))
        .collect()
}
