//! An agent in virtual time, and the peers that send to it.
//!
//! Messages are text of one `char` for each byte (ISO-8859-1), so that every byte survives a test's string work.

#![allow(dead_code, reason = "each test uses its own part of this")]

use lampfield::engine::agent::{Agent, Output};
use lampfield::engine::config::{
    LampSettings, Network, PresentitySettings, Settings, WatchSettings,
};
use lampfield::events::package::Package;
use lampfield::events::watched::Watched;
use lampfield::ground::limits;
use lampfield::ground::text::Text;
use lampfield::ground::time::{Duration, Instant, Seconds, Wall};
use lampfield::users::compose::Input;
use lampfield::wire::flow::{Flow, Transport};
use lampfield::wire::sip::stream::{Frame, Framer};
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
        agent.start(now, wall, &settings, seed, &[local.parse().unwrap()]);
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

    pub(crate) fn send_bytes(&mut self, remote: SocketAddr, bytes: &[u8]) -> Vec<Sent> {
        let local = match remote {
            SocketAddr::V4(_) => LOCAL.parse().unwrap(),
            SocketAddr::V6(_) => "[2001:db8::1]:5060".parse().unwrap(),
        };
        self.take(Flow::udp(local, remote), bytes)
    }

    pub(crate) fn take(&mut self, flow: Flow, bytes: &[u8]) -> Vec<Sent> {
        self.agent.handle_datagram(self.now, flow, bytes);
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
        self.agent.handle_input(self.now, self.wall, 0, input);
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
                    self.agent.handle_timeout(self.now);
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
        self.agent.lamps().next().expect("a lamp").state
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
    lamp.watch = Some(number);
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

/// The other end of a watch: a server that was asked.
pub(crate) struct Server {
    pub(crate) address: String,
    /// The SUBSCRIBE it answers.
    pub(crate) subscribe: Sent,
    pub(crate) event: &'static str,
    pub(crate) cseq: u32,
    pub(crate) tag: &'static str,
}

impl Server {
    /// A desk that watches [`BOSS`], whose server has answered 200 and told nothing yet.
    #[track_caller]
    pub(crate) fn asked(package: Package) -> (Desk, Server) {
        let mut desk = Desk::with(|settings| watch(settings, "blf1", BOSS, package));
        let sent = desk.run(Duration::from_secs(3));
        let (_, subscribe) = sent.into_iter().next().expect("a SUBSCRIBE");
        let mut server = Server {
            address: BOSS_AT.to_string(),
            subscribe,
            event: package.name(),
            cseq: 1,
            tag: "server",
        };
        desk.drain();
        server.accept(&mut desk, 300);
        (desk, server)
    }

    /// As [`Server::asked`], and the boss is known to be free.
    #[track_caller]
    pub(crate) fn watched(package: Package) -> (Desk, Server) {
        let (mut desk, mut server) = Server::asked(package);
        let body = match package {
            Package::Presence => presence("open"),
            Package::Dialog => dialogs(0, "full", ""),
        };
        assert_eq!(server.tell(&mut desk, "active;expires=300", &body), 200);
        assert_eq!(desk.lamp(), Watched::Idle);
        (desk, server)
    }

    /// Answers the SUBSCRIBE with 200.
    pub(crate) fn accept(&mut self, desk: &mut Desk, expires: u32) {
        let contact = format!("Contact: <sip:boss@{}>", self.address);
        let status = format!("200 OK\r\n{contact}\r\nExpires: {expires}\r\n");
        let answer = self.subscribe.response(&status);
        let tagged = format!(";tag={}\r\nCall-ID", self.tag);
        let answer = if answer.contains(&tagged) {
            answer
        } else {
            answer.replacen("\r\nCall-ID", &tagged, 1)
        };
        assert_eq!(desk.send(BOSS_AT, &answer), []);
    }

    /// Tells a document; how the desk answered.
    #[track_caller]
    pub(crate) fn tell(&mut self, desk: &mut Desk, state: &str, body: &str) -> u16 {
        let text = self.notify(state, body);
        desk.ask(&self.address.clone(), &text).status()
    }

    /// The next NOTIFY with that Subscription-State and body.
    pub(crate) fn notify(&mut self, state: &str, body: &str) -> String {
        let media = match self.event {
            "dialog" => "Content-Type: application/dialog-info+xml\r\n",
            _ => "Content-Type: application/pidf+xml\r\n",
        };
        let media = if body.is_empty() { "" } else { media };
        let state = format!("Subscription-State: {state}\r\n");
        self.notify_with(&format!("{state}{media}"), body)
    }

    pub(crate) fn notify_with(&mut self, more: &str, body: &str) -> String {
        let cseq = self.cseq;
        self.cseq += 1;
        let (from, to) = self.ends();
        let call_id = self.subscribe.header("Call-ID").expect("a Call-ID");
        format!(
            "NOTIFY {DESK} SIP/2.0\r\n\
             Via: SIP/2.0/UDP {address};branch=z9hG4bKserver{tag}{cseq}\r\n\
             Max-Forwards: 70\r\n\
             From: {from}\r\n\
             To: {to}\r\n\
             Call-ID: {call_id}\r\n\
             CSeq: {cseq} NOTIFY\r\n\
             Contact: <sip:boss@{address}>\r\n\
             Event: {event}\r\n\
             {more}Content-Length: {len}\r\n\r\n{body}",
            address = self.address,
            tag = self.tag,
            event = self.event,
            len = body.chars().count(),
        )
    }

    /// From and To as the server writes them.
    fn ends(&self) -> (String, String) {
        let to = self.subscribe.header("To").expect("a To");
        let to = to.split(";tag=").next().unwrap_or(to);
        let from = self.subscribe.header("From").expect("a From");
        (format!("{to};tag={}", self.tag), from.to_string())
    }
}

/// A PIDF document.
pub(crate) fn presence(basic: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?><presence xmlns=\"urn:ietf:params:xml:ns:pidf\" entity=\"{BOSS}\">\
         <tuple id=\"t\"><status><basic>{basic}</basic></status><contact>{BOSS}</contact></tuple></presence>"
    )
}

/// A dialog-info document.
pub(crate) fn dialogs(version: u32, extent: &str, dialogs: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?><dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version=\"{version}\" \
         state=\"{extent}\" entity=\"{BOSS}\">{dialogs}</dialog-info>"
    )
}

/// One dialog of such a document.
pub(crate) fn call(id: &str, state: &str) -> String {
    format!("<dialog id=\"{id}\"><state>{state}</state></dialog>")
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

/// A connection, as the shell will hold one: it frames, hands in, sends, and closes when framing is lost.
pub(crate) struct Connection {
    pub(crate) flow: Flow,
    pub(crate) is_open: bool,
    /// CRLFs sent in answer to pings.
    pub(crate) pongs: usize,
    framer: Framer,
    buffered: Vec<u8>,
}

impl Connection {
    pub(crate) fn new(remote: &str) -> Connection {
        Connection {
            flow: Flow {
                transport: Transport::Tcp,
                local: LOCAL.parse().unwrap(),
                remote: remote.parse().unwrap(),
                connection: 7,
            },
            is_open: true,
            pongs: 0,
            framer: Framer::new(),
            buffered: Vec::new(),
        }
    }

    /// A segment came in; what is sent because of it.
    pub(crate) fn receive(&mut self, desk: &mut Desk, segment: &[u8]) -> Vec<Sent> {
        let mut sent = Vec::new();
        self.buffered.extend_from_slice(segment);
        let mut at = 0;
        while self.is_open {
            let rest = &self.buffered[at..];
            at += match self.framer.look(rest, limits::MESSAGE) {
                Frame::Incomplete { need } => {
                    assert!(need > 0);
                    break;
                }
                Frame::Message { len } => {
                    sent.extend(desk.take(self.flow, &rest[..len]));
                    len
                }
                Frame::Ping => {
                    self.pongs += 1;
                    4
                }
                Frame::Skip(len) => len,
                Frame::Refuse { status, header_len } => {
                    let head = &rest[..header_len];
                    desk.agent.handle_lost_framing(self.flow, status, head);
                    sent.extend(desk.drain());
                    self.is_open = false;
                    0
                }
            };
        }
        self.buffered.drain(..at);
        sent
    }

    /// Whether all that came in was taken.
    pub(crate) fn is_at_rest(&self) -> bool {
        self.is_open && self.buffered.is_empty()
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

/// Header rows as a plain reader sees them: name, and value with its folding but without the blanks around it.
pub(crate) fn rows(message: &str) -> Vec<(String, String)> {
    let head = message.trim_start_matches("\r\n");
    let head = head.split("\r\n\r\n").next().unwrap_or_default();
    let mut rows: Vec<String> = Vec::new();
    for line in head.split("\r\n").skip(1) {
        match rows.last_mut() {
            Some(row) if line.starts_with([' ', '\t']) => {
                row.push_str("\r\n");
                row.push_str(line);
            }
            _ => rows.push(line.to_string()),
        }
    }
    let blanks = [' ', '\t', '\r', '\n'];
    rows.iter()
        .filter_map(|row| row.split_once(':'))
        .map(|(name, value)| {
            let name = match &*name.trim_matches(blanks).to_ascii_lowercase() {
                "v" => "via".to_string(),
                "f" => "from".to_string(),
                "t" => "to".to_string(),
                "i" => "call-id".to_string(),
                other => other.to_string(),
            };
            (name, value.trim_matches(blanks).to_string())
        })
        .collect()
}

/// The values of one header, as [`rows`] sees them.
pub(crate) fn values<'a>(rows: &'a [(String, String)], name: &str) -> Vec<&'a str> {
    rows.iter()
        .filter(|(other, _)| other == name)
        .map(|(_, value)| &value[..])
        .collect()
}

/// A response repeats what it has to, byte for byte (T14): all Via values but for `received` and `rport` of the
/// topmost, From, Call-ID, CSeq, and To with a tag.
#[track_caller]
pub(crate) fn assert_echoes(request: &str, response: &Sent) {
    let (asked, said) = (rows(request), rows(&response.text));
    let (asked_vias, said_vias) = (values(&asked, "via"), values(&said, "via"));
    assert_eq!(asked_vias.len(), said_vias.len(), "{}", response.text);
    for (at, (asked, said)) in asked_vias.iter().zip(&said_vias).enumerate() {
        if at == 0 {
            assert_eq!(without_reply_params(asked), without_reply_params(said));
        } else {
            assert_eq!(asked, said);
        }
    }
    for name in ["from", "call-id", "cseq"] {
        let first = values(&asked, name).first().copied();
        assert_eq!(values(&said, name).first().copied(), first, "{name}");
    }
    let asked_to = values(&asked, "to").first().copied();
    let said_to = values(&said, "to").first().copied();
    assert_eq!(
        said_to.map(|to| to.len()) >= asked_to.map(|to| to.len()),
        true
    );
    if let (Some(asked), Some(said)) = (asked_to, said_to) {
        let added = said.strip_prefix(asked).expect("To as it was");
        assert!(added.is_empty() || added.starts_with(";tag="), "{said}");
    }
}

/// A Via row whose first value has no `received` and `rport`.
fn without_reply_params(row: &str) -> String {
    let (first, rest) = match row.split_once(',') {
        Some((first, rest)) => (first, format!(",{rest}")),
        None => (row, String::new()),
    };
    let kept: Vec<&str> = first
        .split(';')
        .filter(|param| {
            let name = param.split('=').next().unwrap_or_default().trim();
            !name.eq_ignore_ascii_case("received") && !name.eq_ignore_ascii_case("rport")
        })
        .map(str::trim_end)
        .collect();
    kept.join(";") + rest.trim_end()
}
