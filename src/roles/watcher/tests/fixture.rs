//! A watcher, a clock, and a notifier that says what the test wants.

extern crate std;

use super::super::*;
use crate::events::answer::Refusal;
use crate::events::package::Package;
use crate::events::watched::Watched;
use crate::ground::text::Text;
use crate::ground::time::{Duration, Seconds};
use crate::txn::token::Token;
use crate::ua::addresses::{LocalAddress, LocalAddresses};
use crate::ua::credentials::{Account, Login, Password};
pub(super) use crate::ua::outbound::{Accounts, Lead, Way};
use crate::ua::targets::Target;
pub(super) use crate::wire::flow::{End, Flow, Transport};
use crate::wire::sip::{self, Message, Rows, Status};
pub(super) use core::net::SocketAddr;
use std::boxed::Box;
use std::collections::VecDeque;
use std::format;
use std::string::String;
use std::vec::Vec;

pub(super) const SERVER: &str = "192.0.2.1:5060";
pub(super) const LOCAL: &str = "192.0.2.9:5060";
pub(super) const STRANGER: &str = "203.0.113.66:5060";

/// A datagram the watcher sent.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sent {
    pub(super) at: Instant,
    pub(super) to: SocketAddr,
    pub(super) flow: Flow,
    pub(super) text: String,
}

/// A watcher and its surroundings.
pub(super) struct Fixture {
    pub(super) watcher: Box<Watcher>,
    pub(super) random: Random,
    pub(super) accounts: Purse,
    pub(super) now: Instant,
    /// Names asked for and not answered.
    pub(super) queries: Vec<Query>,
    /// Empty datagrams, and when.
    pub(super) pings: Vec<(Instant, SocketAddr)>,
    /// The last watch added.
    pub(super) id: Option<Id<Watch>>,
    /// The last SUBSCRIBE of the watch that a NOTIFY is built from.
    pub(super) last: Option<Sent>,
    /// Sent, but not looked at by the test yet.
    unread: VecDeque<Sent>,
    buf: Vec<u8>,
}

/// Our addresses, and one account, number 0.
pub(super) struct Purse {
    pub(super) addresses: LocalAddresses,
    pub(super) account: Account,
    login: Login,
    /// The way of the account.
    pub(super) lead: Lead,
}

impl Accounts for Purse {
    fn addresses(&self) -> &LocalAddresses {
        &self.addresses
    }

    fn lead(&mut self, _: Instant, account: u16) -> Lead {
        assert_eq!(account, 0);
        self.lead
    }

    fn key(&mut self, account: u16) -> Option<(&Account, &mut Login)> {
        (account == 0).then_some((&self.account, &mut self.login))
    }
}

impl Purse {
    pub(super) fn fill(&mut self, user: &str, password: &str) {
        self.account.user = Text::copied(user).expect("short");
        self.account.password = Password::new(Text::copied(password).expect("short"));
    }
}

/// An order for the dialog package at [`SERVER`].
pub(super) fn order(target: &str) -> Order<'_> {
    Order {
        target,
        from: "sip:desk@192.0.2.9",
        package: Package::Dialog,
        role: Role::Alone,
        fallback: false,
        server: None,
        account: None,
        expires: Seconds(300),
        audit: Seconds::ZERO,
        at_most_every: Seconds::ZERO,
        partial: false,
    }
}

impl Sent {
    /// The value of a header row.
    #[track_caller]
    pub(super) fn header(&self, name: &str) -> &str {
        self.try_header(name)
            .unwrap_or_else(|| panic!("no {name} in {}", self.text))
    }

    pub(super) fn try_header(&self, name: &str) -> Option<&str> {
        self.text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    pub(super) fn tag(&self) -> &str {
        self.header("From").split(";tag=").nth(1).expect("a tag")
    }

    pub(super) fn branch(&self) -> &str {
        let via = self.header("Via").split(";branch=").nth(1);
        via.and_then(|rest| rest.split(';').next())
            .expect("a branch")
    }

    pub(super) fn seq(&self) -> u32 {
        let cseq = self.header("CSeq").strip_suffix(" SUBSCRIBE");
        cseq.and_then(|number| number.parse().ok())
            .expect("a CSeq of a SUBSCRIBE")
    }

    pub(super) fn expires(&self) -> u32 {
        self.header("Expires").parse().expect("a number")
    }

    /// Whether it is outside of a dialog.
    pub(super) fn is_first(&self) -> bool {
        !self.header("To").contains(";tag=")
    }

    /// An answer to it, with more header rows.
    pub(super) fn answer(&self, code: u16, rows: &str) -> String {
        let to = self.header("To");
        let tag = if self.is_first() { ";tag=peer" } else { "" };
        format!(
            "SIP/2.0 {code} x\r\nVia: {}\r\nFrom: {}\r\nTo: {to}{tag}\r\nCall-ID: {}\r\nCSeq: {}\r\n{rows}Content-Length: 0\r\n\r\n",
            self.header("Via"),
            self.header("From"),
            self.header("Call-ID"),
            self.header("CSeq"),
        )
    }

    /// A NOTIFY for it from the notifier with `tag`.
    pub(super) fn notify(&self, tag: &str, cseq: u32, state: &str, body: &Body<'_>) -> String {
        let target = self.header("To").split(";tag=").next().expect("a URI");
        let kind = body
            .kind
            .map_or(String::new(), |kind| format!("Content-Type: {kind}\r\n"));
        let state = if state.is_empty() {
            String::new()
        } else {
            format!("Subscription-State: {state}\r\n")
        };
        format!(
            "NOTIFY sip:desk@{LOCAL} SIP/2.0\r\nVia: SIP/2.0/UDP {SERVER};branch=z9hG4bKn{tag}{cseq}\r\nMax-Forwards: 70\r\nFrom: {target};tag={tag}\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: {cseq} NOTIFY\r\nContact: <sip:{SERVER}>\r\nEvent: {}\r\n{state}{kind}Content-Length: {}\r\n\r\n{}",
            self.header("From"),
            self.header("Call-ID"),
            self.header("Event"),
            body.text.len(),
            body.text,
        )
    }
}

/// A NOTIFY's body.
pub(super) struct Body<'a> {
    pub(super) kind: Option<&'a str>,
    pub(super) text: &'a str,
}

pub(super) const EMPTY: Body<'static> = Body {
    kind: None,
    text: "",
};

/// A dialog-info document with one dialog of that state; none if it is empty.
pub(super) fn calls(version: u32, extent: &str, state: &str) -> String {
    let dialog = if state.is_empty() {
        String::new()
    } else {
        format!("<dialog id=\"d1\" direction=\"recipient\"><state>{state}</state></dialog>")
    };
    format!(
        "<?xml version=\"1.0\"?><dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version=\"{version}\" state=\"{extent}\" entity=\"sip:bob@{SERVER}\">{dialog}</dialog-info>"
    )
}

pub(super) fn dialog_info(text: &str) -> Body<'_> {
    Body {
        kind: Some("application/dialog-info+xml"),
        text,
    }
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

impl Fixture {
    pub(super) fn new() -> Fixture {
        Fixture::seeded(1)
    }

    pub(super) fn seeded(seed: u64) -> Fixture {
        let mut random = Random::new();
        random.seed([seed, 77]);
        let watcher = Box::new(Watcher::new());
        let mut addresses = LocalAddresses::new();
        addresses.listen_on(&[address(LOCAL).into(), address("[2001:db8::9]:5060").into()]);
        let to_server = Way::of(Flow::udp(address(LOCAL), address(SERVER)), &addresses);
        Fixture {
            accounts: Purse {
                addresses,
                account: Account::new(),
                login: Login::new(),
                lead: Lead::Way(to_server),
            },
            watcher,
            random,
            now: Instant::from_millis(1_000),
            queries: Vec::new(),
            pings: Vec::new(),
            id: None,
            last: None,
            unread: VecDeque::new(),
            buf: std::vec![0; 4_096],
        }
    }

    /// A watch of bob at the server, not asked yet.
    pub(super) fn waiting() -> Fixture {
        Fixture::ordered(&order("sip:bob@192.0.2.1"))
    }

    pub(super) fn ordered(order: &Order<'_>) -> Fixture {
        let mut f = Fixture::new();
        f.add(order);
        f
    }

    /// A watch whose first SUBSCRIBE is out.
    pub(super) fn asking() -> Fixture {
        let mut f = Fixture::waiting();
        f.expect_one(Duration::from_secs(3));
        f
    }

    /// A watch that was told "idle" in a dialog whose next NOTIFY is number 2.
    pub(super) fn active() -> Fixture {
        let mut f = Fixture::asking();
        f.establish("peer", "");
        f
    }

    pub(super) fn add(&mut self, order: &Order<'_>) -> Id<Watch> {
        let id = self.watcher.add(self.now, order, &mut self.random);
        let id = id.expect("there is room");
        self.id = Some(id);
        id
    }

    /// Our own addresses are these now.
    pub(super) fn listen(&mut self, own: &[&str]) {
        let own: Vec<LocalAddress> = own.iter().map(|it| address(it).into()).collect();
        self.accounts.addresses.listen_on(&own);
        let (accounts, random) = (&mut self.accounts, &mut self.random);
        self.watcher.handle_addresses(self.now, accounts, random);
    }

    /// The way of the account leads there now.
    pub(super) fn lead_to(&mut self, flow: Flow) {
        let way = Way::of(flow, &self.accounts.addresses);
        self.accounts.lead = Lead::Way(way);
        let (accounts, random) = (&mut self.accounts, &mut self.random);
        self.watcher.handle_moved(self.now, 0, accounts, random);
    }

    pub(super) fn disconnect(&mut self, flow: &Flow, end: End) {
        self.watcher
            .handle_disconnected(self.now, flow, end, &mut self.random);
    }

    /// Answers the last SUBSCRIBE and tells one full document.
    #[track_caller]
    pub(super) fn establish(&mut self, tag: &str, dialogs: &str) {
        let sent = self.last.clone().expect("a SUBSCRIBE");
        self.answer(&sent, 200, "Expires: 300\r\n");
        let text = calls(0, "full", dialogs);
        self.notify_ok(&sent.notify(tag, 1, "active;expires=300", &dialog_info(&text)));
    }

    /// Runs for a while; gives what was sent.
    pub(super) fn run(&mut self, lasts: Duration) -> Vec<Sent> {
        let end = self.now + lasts;
        let mut sent = self.poll();
        let mut steps = 0;
        while let Some(due) = self.watcher.due().filter(|due| *due <= end) {
            steps += 1;
            assert!(steps < 100_000, "timers without end");
            self.now = self.now.max(due);
            self.watcher.handle_timeout(self.now, &mut self.random);
            sent.extend(self.poll());
        }
        self.now = end;
        sent
    }

    /// Runs until something is sent; gives the first of it, and fails if nothing comes in time.
    #[track_caller]
    pub(super) fn expect_one(&mut self, within: Duration) -> Sent {
        let sent = self.next(within);
        sent.unwrap_or_else(|| panic!("nothing was sent within {within:?}"))
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
            match self.watcher.due().filter(|due| *due <= end) {
                Some(due) => {
                    self.now = self.now.max(due);
                    self.watcher.handle_timeout(self.now, &mut self.random);
                }
                None => {
                    self.now = end;
                    return None;
                }
            }
        }
    }

    /// Runs until a name is asked for.
    #[track_caller]
    pub(super) fn next_query(&mut self, within: Duration) -> Query {
        self.queries.clear();
        let end = self.now + within;
        while self.queries.is_empty() && self.now < end {
            let sent = self.run(Duration::from_millis(100));
            assert_eq!(sent, [], "something was sent");
        }
        self.queries.pop().expect("a query in time")
    }

    #[track_caller]
    pub(super) fn expect_silence(&mut self, lasts: Duration) {
        let sent = self.run(lasts);
        assert_eq!(sent, [], "something was sent");
    }

    pub(super) fn poll(&mut self) -> Vec<Sent> {
        let mut sent = Vec::from_iter(self.unread.drain(..));
        while let Some(action) = self.watcher.poll(
            self.now,
            &mut self.accounts,
            &mut self.random,
            &mut self.buf,
        ) {
            match action {
                Action::Resolve { query } => self.queries.push(query),
                Action::Send { flow, len } if self.buf[..len] == *b"\r\n\r\n" => {
                    self.pings.push((self.now, flow.remote));
                }
                Action::Send { flow, len } => {
                    let text = String::from_utf8(self.buf[..len].to_vec()).expect("text");
                    check_subscribe(&text);
                    sent.push(Sent {
                        at: self.now,
                        to: flow.remote,
                        flow,
                        text,
                    });
                }
            }
        }
        sent
    }

    /// The network says that it did not get there.
    pub(super) fn bounce(&mut self, sent: &Sent) {
        self.bounce_at(sent, sent.to);
    }

    pub(super) fn bounce_at(&mut self, sent: &Sent, remote: SocketAddr) {
        let token = Token::from_branch(sent.branch().as_bytes()).expect("our branch");
        let (watcher, random) = (&mut self.watcher, &mut self.random);
        if watcher.handle_unreachable(self.now, token, remote, random) {
            watcher.handle_silent(self.now, remote, self.now, random);
        }
    }

    /// Gives the watcher an answer to `sent`.
    pub(super) fn answer(&mut self, sent: &Sent, code: u16, rows: &str) {
        self.answer_from(sent, code, rows, sent.to);
    }

    pub(super) fn answer_from(&mut self, sent: &Sent, code: u16, rows: &str, from: SocketAddr) {
        let text = sent.answer(code, rows);
        let mut rows = Rows::new();
        let Ok(Message::Response(response)) = sip::parse(text.as_bytes(), &mut rows) else {
            panic!("not a response: {text}");
        };
        let token = response.via.branch.and_then(Token::from_branch);
        let token = token.expect("our branch");
        let flow = Flow {
            transport: sent.flow.transport,
            ..Flow::udp(address(LOCAL), from)
        };
        let seen = self.watcher.handle_response(
            self.now,
            token,
            &response,
            &flow,
            &mut self.accounts,
            &mut self.random,
        );
        if let Some(seen) = seen {
            self.accounts.addresses.see(from, seen);
        }
    }

    /// Gives the watcher a NOTIFY from the server.
    pub(super) fn notify(&mut self, text: &str) -> Result<(), Refusal> {
        self.notify_from(text, SERVER, false)
    }

    pub(super) fn notify_from(
        &mut self,
        text: &str,
        from: &str,
        trusted: bool,
    ) -> Result<(), Refusal> {
        let mut rows = Rows::new();
        let request = match sip::parse(text.as_bytes(), &mut rows) {
            Ok(Message::Request(request)) => request,
            other => panic!("not a request: {other:?} {text}"),
        };
        let flow = Flow::udp(address(LOCAL), address(from));
        let addresses = &self.accounts.addresses;
        let random = &mut self.random;
        self.watcher
            .handle_notify(self.now, &request, &flow, trusted, addresses, random)
    }

    #[track_caller]
    pub(super) fn notify_ok(&mut self, text: &str) {
        assert_eq!(self.notify(text), Ok(()), "{text}");
    }

    #[track_caller]
    pub(super) fn notify_refused(&mut self, text: &str, status: Status) {
        let told = self.notify(text);
        let (Err(Refusal::Answer(got)) | Err(Refusal::Because(got, _))) = told else {
            panic!("{told:?} to {text}");
        };
        assert_eq!(got, status, "{text}");
    }

    /// Tells the last subscription's notifier's news: a full document, in the dialog of `tag`.
    #[track_caller]
    pub(super) fn tell(&mut self, tag: &str, cseq: u32, dialogs: &str) {
        let sent = self.last.clone().expect("a SUBSCRIBE");
        let text = calls(cseq, "full", dialogs);
        self.notify_ok(&sent.notify(tag, cseq, "active", &dialog_info(&text)));
    }

    pub(super) fn report(&self) -> Report<'_> {
        let id = self.id.expect("a watch");
        self.watcher.state(id).expect("it is there")
    }

    pub(super) fn watched(&self) -> Watched {
        self.report().watched
    }

    pub(super) fn is_broken(&self) -> bool {
        self.report().broken_since.is_some()
    }

    pub(super) fn last(&self) -> Sent {
        self.last.clone().expect("a SUBSCRIBE")
    }

    /// How many watches are in the changed queue.
    pub(super) fn changes(&mut self) -> usize {
        core::iter::from_fn(|| self.watcher.take_changed()).count()
    }
}

/// What every SUBSCRIBE must be, whatever the test is about (S25, T21).
#[track_caller]
fn check_subscribe(text: &str) {
    let mut rows = Rows::new();
    let Ok(Message::Request(request)) = sip::parse(text.as_bytes(), &mut rows) else {
        panic!("not a request: {text}");
    };
    let headers = request.headers;
    assert_eq!(request.method, sip::Method::Subscribe);
    assert!(request.from.tag().is_some() && request.cseq.number < 1 << 31);
    assert!(request.via.branch.and_then(Token::from_branch).is_some());
    assert_eq!(headers.max_forwards(), Some(70));
    assert!(text.contains("\r\nContent-Length: 0\r\n"), "{text}");
    assert_eq!(
        headers.contacts().filter(Result::is_ok).count(),
        1,
        "{text}"
    );
    assert!(headers.expires().is_ok_and(|expires| expires.is_some()));
    let event = headers.event().ok().flatten().expect("one Event");
    let mandatory: &[u8] = match event.package {
        b"presence" => b"application/pidf+xml",
        b"dialog" => b"application/dialog-info+xml",
        b"presence.winfo" => b"application/watcherinfo+xml",
        b"message-summary" => b"application/simple-message-summary",
        b"as-feature-event" => b"application/x-as-feature-event+xml",
        other => panic!("{}", other.escape_ascii()),
    };
    assert!(
        headers
            .values(sip::Name::Accept)
            .any(|kind| kind == mandatory)
    );
    assert!(request.body.is_empty());
}
