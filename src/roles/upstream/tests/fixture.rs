//! Links, a clock, and servers that say what the test wants.

extern crate std;

pub(super) use super::super::*;
use crate::events::presentity::{Call, Presence};
use crate::ground::limits::PRESENTITIES;
use crate::ground::text::Text;
pub(super) use crate::ground::time::{Seconds, Wall};
use crate::txn::token::Token;
pub(super) use crate::ua::addresses::{LocalAddress, LocalAddresses};
pub(super) use crate::ua::credentials::Account;
pub(super) use crate::ua::query::{Name, Query};
pub(super) use crate::ua::reach::Reach;
use crate::ua::request::Action;
pub(super) use crate::ua::servers::{KeepAlive, Redirects, Server};
use crate::ua::targets::Target;
pub(super) use crate::wire::flow::{End, Flow, Transport};
use crate::wire::sip::{self, Message, Rows};
use crate::wire::stun;
pub(super) use core::net::SocketAddr;
use std::boxed::Box;
use std::collections::VecDeque;
pub(super) use std::format;
pub(super) use std::string::String;
pub(super) use std::vec::Vec;

pub(super) const SERVER: &str = "192.0.2.1:5060";
pub(super) const SECOND: &str = "192.0.2.2:5060";
pub(super) const LOCAL: &str = "192.0.2.9:5060";
pub(super) const PUBLIC: &str = "203.0.113.9:40000";
pub(super) const STRANGER: &str = "203.0.113.66:5060";
pub(super) const CONTACT: &str = "<sip:desk@192.0.2.9:5060>";

/// A message a link sent.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sent {
    pub(super) at: Instant,
    pub(super) flow: Flow,
    pub(super) text: String,
    /// What a Binding request is known by, if it is one; then there is no text.
    pub(super) number: Option<stun::Number>,
}

/// Links and their surroundings.
pub(super) struct Fixture {
    pub(super) links: Box<Upstreams>,
    pub(super) addresses: LocalAddresses,
    pub(super) presentities: Box<Table<Presentity, PRESENTITIES>>,
    pub(super) desk: Id<Presentity>,
    pub(super) random: Random,
    pub(super) now: Instant,
    /// Names asked for and not answered.
    pub(super) queries: Vec<Query>,
    /// The link.
    pub(super) id: Id<Link>,
    /// What was sent last, of that which was looked at.
    pub(super) last: Option<Sent>,
    /// What was sent since the network last said that something did not get there.
    sent: Vec<Sent>,
    unread: VecDeque<Sent>,
    buf: Vec<u8>,
}

/// What a fixture begins with.
pub(super) struct Plan<'a> {
    pub(super) aor: &'a str,
    pub(super) servers: &'a [&'a str],
    pub(super) transport: Transport,
    pub(super) redirects: Redirects,
    pub(super) register: bool,
    pub(super) publish: bool,
    pub(super) dialect: Option<Dialect>,
    pub(super) keep_alive: Option<KeepAlive>,
    pub(super) password: &'a str,
    pub(super) seed: u64,
}

/// Registers and publishes at [`SERVER`].
pub(super) const PLAN: Plan<'static> = Plan {
    aor: "sip:desk@pbx.example",
    servers: &["192.0.2.1"],
    transport: Transport::Udp,
    redirects: Redirects::Own,
    register: true,
    publish: true,
    dialect: Some(Dialect::Presence),
    keep_alive: None,
    password: "secret",
    seed: 1,
};

/// Registers only.
pub(super) const REGISTERS: Plan<'static> = Plan {
    publish: false,
    ..PLAN
};

/// Publishes only.
pub(super) const PUBLISHES: Plan<'static> = Plan {
    register: false,
    ..PLAN
};

pub(super) const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(super) fn place(text: &str) -> Target {
    Target {
        transport: Transport::Udp,
        address: address(text),
    }
}

pub(super) fn address(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

impl Sent {
    #[track_caller]
    pub(super) fn header(&self, name: &str) -> &str {
        self.try_header(name)
            .unwrap_or_else(|| panic!("no {name} in {}", self.text))
    }

    pub(super) fn try_header(&self, name: &str) -> Option<&str> {
        let lines = self.text.lines();
        let mut found = lines.filter_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        found.next()
    }

    pub(super) fn headers<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let lines = self.text.lines().take_while(|line| !line.is_empty());
        lines.filter_map(move |line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    pub(super) fn method(&self) -> &str {
        self.text.split(' ').next().unwrap_or_default()
    }

    pub(super) fn uri(&self) -> &str {
        self.text.split(' ').nth(1).unwrap_or_default()
    }

    pub(super) fn body(&self) -> &str {
        self.text
            .split_once("\r\n\r\n")
            .map_or("", |(_, body)| body)
    }

    pub(super) fn branch(&self) -> &str {
        let via = self.header("Via").split(";branch=").nth(1);
        let branch = via.and_then(|rest| rest.split(';').next());
        branch.expect("a branch")
    }

    pub(super) fn seq(&self) -> u32 {
        let number = self.header("CSeq").split(' ').next();
        number.and_then(|it| it.parse().ok()).expect("a CSeq")
    }

    pub(super) fn expires(&self) -> u32 {
        self.header("Expires").parse().expect("a number")
    }

    pub(super) fn to(&self) -> SocketAddr {
        self.flow.remote
    }

    /// An answer to it, with more header rows; `seen` goes into its Via.
    pub(super) fn answer(&self, code: u16, rows: &str, seen: Option<&str>) -> String {
        let via = match seen.map(address) {
            Some(seen) => self.header("Via").replace(
                ";rport",
                &format!(";rport={};received={}", seen.port(), seen.ip()),
            ),
            None => String::from(self.header("Via")),
        };
        format!(
            "SIP/2.0 {code} x\r\nVia: {via}\r\nFrom: {}\r\nTo: {};tag=peer\r\nCall-ID: {}\r\nCSeq: {}\r\n{rows}Content-Length: 0\r\n\r\n",
            self.header("From"),
            self.header("To"),
            self.header("Call-ID"),
            self.header("CSeq"),
        )
    }
}

impl Fixture {
    /// A link that has not begun.
    pub(super) fn waiting(plan: &Plan<'_>) -> Fixture {
        let mut random = Random::new();
        random.seed([plan.seed, 77]);
        let now = Instant::from_millis(1_000);
        let mut links = Box::new(Upstreams::new());
        links.set_instance([0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210]);
        let mut addresses = LocalAddresses::new();
        addresses.listen_on(&[address(LOCAL).into(), address("[2001:db8::9]:5060").into()]);
        let mut presentities = Box::new(Table::new());
        let uri = Text::copied("sip:desk@192.0.2.9").expect("short");
        let desk = presentities.insert(Presentity::new(uri));
        let Ok(desk) = desk else { panic!("no room") };
        let servers: Vec<Server> = plan
            .servers
            .iter()
            .map(|host| Server {
                host: Text::copied(host).expect("short"),
                transport: Some(plan.transport),
            })
            .collect();
        let account = Account {
            user: Text::copied("desk").expect("short"),
            password: crate::ua::credentials::Password::new(
                Text::copied(plan.password).expect("short"),
            ),
            realm: None,
        };
        let order = Order {
            aor: plan.aor,
            servers: &servers,
            account: &account,
            redirects: plan.redirects,
            register: plan.register,
            publish: plan.publish.then_some(desk),
            dialect: plan.dialect,
            devices: &Devices::of_user("desk"),
            expires: Seconds(600),
            keep_alive: plan.keep_alive,
        };
        let id = links.add(now, &order, &mut random).expect("there is room");
        Fixture {
            links,
            addresses,
            presentities,
            desk,
            random,
            now,
            queries: Vec::new(),
            id,
            last: None,
            sent: Vec::new(),
            unread: VecDeque::new(),
            buf: std::vec![0; 8_192],
        }
    }

    /// A link for which all stands that the plan wants.
    pub(super) fn standing(plan: &Plan<'_>) -> Fixture {
        let mut f = Fixture::waiting(plan);
        if plan.register {
            let sent = f.expect("REGISTER", secs(1));
            f.accept(&sent);
        }
        if plan.publish {
            let sent = f.expect("PUBLISH", secs(1));
            f.accept(&sent);
        }
        f
    }

    /// Answers 200 as a plain server does.
    pub(super) fn accept(&mut self, sent: &Sent) {
        match sent.method() {
            "REGISTER" => {
                let rows = format!("Contact: {}\r\nExpires: 600\r\n", sent.header("Contact"));
                self.answer(sent, 200, &rows);
            }
            "PUBLISH" => {
                let rows = format!("SIP-ETag: e{}\r\nExpires: 600\r\n", sent.seq());
                self.answer(sent, 200, &rows);
            }
            _ => {
                self.answer(sent, 200, "");
            }
        }
    }

    /// The presence becomes another one.
    pub(super) fn change(&mut self, note: &str) {
        self.turn(Presence {
            note: Text::copied(note).expect("short"),
            ..Presence::new()
        });
    }

    /// The presence becomes this.
    pub(super) fn turn(&mut self, presence: Presence) {
        self.turn_with(presence, &[]);
    }

    /// The same, with calls.
    pub(super) fn turn_with(&mut self, presence: Presence, calls: &[Call]) {
        let presentity = self.presentities.get_mut(self.desk).expect("it is there");
        presentity.update(Wall::UNSET, presence, calls);
        self.links.handle_change(self.now, self.desk, presentity);
    }

    /// Runs for a while; gives what was sent.
    pub(super) fn run(&mut self, lasts: Duration) -> Vec<Sent> {
        let end = self.now + lasts;
        let mut sent = self.poll();
        while self.step(end) {
            sent.extend(self.poll());
        }
        self.now = end;
        sent
    }

    /// Goes on to the next timer that is due by `end`.
    pub(super) fn step(&mut self, end: Instant) -> bool {
        let due = self.links.due().filter(|due| *due <= end);
        if let Some(due) = due {
            self.now = self.now.max(due);
            self.links.handle_timeout(self.now, &mut self.random);
            let again = self.links.due();
            assert!(again.is_none_or(|it| it > self.now), "a timer without end");
        }
        due.is_some()
    }

    /// Runs until something is sent.
    pub(super) fn next(&mut self, within: Duration) -> Option<Sent> {
        let end = self.now + within;
        loop {
            let polled = self.poll();
            self.unread.extend(polled);
            if let Some(sent) = self.unread.pop_front() {
                self.last = Some(sent.clone());
                return Some(sent);
            }
            if !self.step(end) {
                self.now = end;
                return None;
            }
        }
    }

    /// Runs until something is sent: a request of that method.
    #[track_caller]
    pub(super) fn expect(&mut self, method: &str, within: Duration) -> Sent {
        let sent = self.next(within);
        let sent = sent.unwrap_or_else(|| panic!("no {method} within {within:?}"));
        assert_eq!(sent.method(), method, "{}", sent.text);
        sent
    }

    /// Runs until something is sent: a Binding request.
    #[track_caller]
    pub(super) fn expect_binding(&mut self, within: Duration) -> Sent {
        let sent = self.next(within);
        let sent = sent.unwrap_or_else(|| panic!("no Binding request within {within:?}"));
        assert!(sent.number.is_some(), "{}", sent.text);
        assert_eq!(sent.flow.transport, Transport::Udp);
        sent
    }

    /// Answers a Binding request from there, with where it says that we are, or with an error.
    pub(super) fn bind(&mut self, sent: &Sent, from: &str, mapped: Result<Option<&str>, ()>) {
        let token = sent.number.and_then(Token::from_number);
        let mapped = mapped.map(|it| it.map(address));
        let flow = Flow::udp(address(LOCAL), address(from));
        self.links.handle_binding(
            self.now,
            token.expect("our number"),
            mapped,
            &flow,
            &mut self.addresses,
            &mut self.random,
        );
    }

    /// Runs until a request of that method is sent; accepts all others.
    #[track_caller]
    pub(super) fn expect_later(&mut self, method: &str, within: Duration) -> Sent {
        let end = self.now + within;
        while let Some(sent) = self.next(end.since(self.now)) {
            if sent.method() == method {
                return sent;
            }
            if !sent.text.trim().is_empty() {
                self.accept(&sent);
            }
        }
        panic!("no {method} within {within:?}");
    }

    #[track_caller]
    pub(super) fn expect_silence(&mut self, lasts: Duration) {
        let sent = self.run(lasts);
        assert_eq!(sent, [], "something was sent");
    }

    pub(super) fn poll(&mut self) -> Vec<Sent> {
        let mut sent = Vec::from_iter(self.unread.drain(..));
        let mut polls = 0;
        let around = Around {
            addresses: &self.addresses,
            presentities: &self.presentities,
        };
        let (links, random) = (&mut self.links, &mut self.random);
        while let Some(action) = links.poll(self.now, &around, random, &mut self.buf) {
            polls += 1;
            assert!(polls < 100, "it has always something to say");
            match action {
                Action::Resolve { query } => self.queries.push(query),
                Action::Send { flow, len } => {
                    let number = stun::quoted(&self.buf[..len]);
                    let text = self.buf[..len].to_vec();
                    let text = match number {
                        Some(_) => String::new(),
                        None => String::from_utf8(text).expect("text"),
                    };
                    if !text.trim().is_empty() {
                        check(&text);
                    }
                    let at = self.now;
                    let one = Sent {
                        at,
                        flow,
                        text,
                        number,
                    };
                    self.sent.push(one.clone());
                    self.sent.drain(..self.sent.len().saturating_sub(16));
                    sent.push(one);
                }
            }
        }
        sent
    }

    /// Gives the link an answer to `sent`.
    pub(super) fn answer(&mut self, sent: &Sent, code: u16, rows: &str) -> bool {
        let text = sent.answer(code, rows, None);
        self.receive(&text, &sent.flow)
    }

    /// The same from a server that sees us at `seen`.
    pub(super) fn answer_seen(&mut self, sent: &Sent, code: u16, rows: &str, seen: &str) -> bool {
        let text = sent.answer(code, rows, Some(seen));
        self.receive(&text, &sent.flow)
    }

    pub(super) fn receive(&mut self, text: &str, flow: &Flow) -> bool {
        let mut rows = Rows::new();
        let Ok(Message::Response(response)) = sip::parse(text.as_bytes(), &mut rows) else {
            panic!("not a response: {text}");
        };
        let token = response.via.branch.and_then(Token::from_branch);
        let token = token.expect("our branch");
        self.links.handle_response(
            self.now,
            token,
            &response,
            flow,
            &mut self.addresses,
            &mut self.random,
        )
    }

    /// Our own addresses are these now.
    pub(super) fn listen(&mut self, own: &[&str]) {
        let own: Vec<LocalAddress> = own.iter().map(|it| address(it).into()).collect();
        let before = self.addresses.clone();
        if self.addresses.listen_on(&own) {
            self.links
                .handle_addresses(self.now, &before, &self.addresses);
        }
    }

    pub(super) fn disconnect(&mut self, flow: &Flow, end: End) {
        self.links
            .handle_disconnected(self.now, flow, end, &mut self.random);
    }

    /// The network says of what was sent there lately that it did not get there.
    pub(super) fn unreachable(&mut self, remote: &str) {
        for sent in core::mem::take(&mut self.sent) {
            if sent.to() == address(remote) {
                self.bounce(&sent);
            }
        }
    }

    pub(super) fn bounce(&mut self, sent: &Sent) {
        let Some(token) = Token::quoted(sent.text.as_bytes()) else {
            return;
        };
        self.links
            .handle_unreachable(self.now, token, sent.to(), &mut self.random);
    }

    /// Somebody else of us is answered at `remote`.
    pub(super) fn hear(&mut self, remote: &str) {
        self.links
            .handle_heard(self.now, address(remote), &mut self.random);
    }

    pub(super) fn report(&self) -> Report<'_> {
        let report = self.links.report(self.now, self.id, &self.addresses);
        report.expect("it is there")
    }

    pub(super) fn is_registered(&self) -> bool {
        self.report().registration == Stands::Yes
    }

    pub(super) fn is_published(&self) -> bool {
        self.report().publication == Stands::Yes
    }
}

/// What every request must be, whatever the test is about (T21, R16).
#[track_caller]
fn check(text: &str) {
    let mut rows = Rows::new();
    let Ok(Message::Request(request)) = sip::parse(text.as_bytes(), &mut rows) else {
        panic!("not a request: {text}");
    };
    assert!(request.from.tag().is_some() && request.cseq.number < 1 << 31);
    assert!(request.via.branch.and_then(Token::from_branch).is_some());
    assert_eq!(request.headers.max_forwards(), Some(70));
    assert!(!text.contains("transport=tls"), "{text}");
}
