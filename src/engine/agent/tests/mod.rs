//! The agent as its peers see it, in virtual time: one datagram in, all that comes of it out.

extern crate std;

mod approval;
mod both;
mod buttons;
mod called;
mod calls;
mod certified;
mod conditions;
mod devices;
mod events;
mod features;
mod folding;
mod following;
mod health;
mod keeping;
mod lamps;
mod leaving;
mod lists;
mod moves;
mod nat;
mod notifier;
mod outage;
mod own_calls;
mod partial;
mod passwords;
mod publish;
mod published_calls;
mod rates;
mod register;
mod reloads;
mod requests;
mod resolving;
mod restarts;
mod rules;
mod seen;
mod sending;
mod served_lists;
mod shares;
mod strangers;
mod streams;
mod telling;
mod transactions;
mod unasked;
mod winfo;

use super::*;
use crate::engine::config::{PresentitySettings, Settings};
use crate::ground::network::Network;
use crate::ground::text::Text;
use crate::ground::time::{Duration, Wall};
use crate::wire::doc::dialog_info::{self, Extent, State};
use crate::wire::doc::pidf::{self, Basic};
use core::net::SocketAddr;
use std::boxed::Box;
use std::format;
use std::string::{String, ToString};
use std::vec::Vec as StdVec;

const DESK: &str = "sip:desk@192.0.2.1";
const LOCAL: &str = "192.0.2.1:5060";

/// An agent that serves one desk to everybody in 192.0.2.0/24.
pub(super) struct Fixture {
    pub(super) agent: Box<Agent>,
    pub(super) now: Instant,
    pub(super) wall: Wall,
    buf: StdVec<u8>,
}

/// A message that the agent sent.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sent {
    pub(super) flow: Flow,
    pub(super) text: String,
}

/// A phone that watches the desk.
#[derive(Clone)]
pub(super) struct Phone {
    pub(super) address: SocketAddr,
    pub(super) name: String,
    pub(super) event: &'static str,
    pub(super) to_tag: Option<String>,
    pub(super) cseq: u32,
}

/// An agent that was never started. It is made here alone: two of them on the stack of one test are too many.
#[inline(never)]
fn new_agent() -> Box<Agent> {
    Box::new(Agent::new())
}

impl Fixture {
    pub(super) fn new() -> Fixture {
        Fixture::with(|_| {})
    }

    pub(super) fn with(change: impl FnOnce(&mut Settings)) -> Fixture {
        let mut settings = Settings::new();
        settings.restore_defaults();
        settings
            .trusted
            .push(Network::parse("192.0.2.0/24").unwrap())
            .unwrap();
        settings
            .presentities
            .push(PresentitySettings::new(Text::copied(DESK).unwrap()))
            .unwrap();
        change(&mut settings);
        settings.validate().unwrap();
        let mut agent = new_agent();
        let now = Instant::from_millis(1_000_000);
        let wall = Wall::from_unix_millis(1_790_000_000_000);
        agent.start(
            Moment { now, wall },
            &settings,
            [1, 2],
            &[LOCAL.parse::<SocketAddr>().unwrap().into()],
        );
        Fixture {
            agent,
            now,
            wall,
            buf: std::vec![0; limits::MESSAGE],
        }
    }

    pub(super) fn moment(&self) -> Moment {
        Moment {
            now: self.now,
            wall: self.wall,
        }
    }

    /// Hands in a datagram and collects what is sent because of it.
    pub(super) fn send_from(&mut self, remote: SocketAddr, text: &str) -> StdVec<Sent> {
        let flow = Flow::udp(LOCAL.parse().unwrap(), remote);
        self.agent
            .handle_datagram(self.moment(), flow, text.as_bytes());
        self.drain()
    }

    pub(super) fn send(&mut self, phone: &Phone, text: &str) -> StdVec<Sent> {
        self.send_from(phone.address, text)
    }

    pub(super) fn input(&mut self, input: Input) -> StdVec<Sent> {
        self.agent.handle_input(self.moment(), 0, input);
        self.drain()
    }

    /// Lets time pass, timer by timer, and collects what is sent meanwhile with its time in milliseconds.
    pub(super) fn run(&mut self, lasts: Duration) -> StdVec<(u64, Sent)> {
        let start = self.now;
        let end = self.now + lasts;
        let mut sent = StdVec::new();
        for _ in 0..10_000 {
            sent.extend(
                self.drain()
                    .into_iter()
                    .map(|message| ((self.now - start).as_millis() as u64, message)),
            );
            match self.agent.due() {
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

    /// The network says that it did not get there.
    pub(super) fn bounce(&mut self, sent: &Sent) {
        let moment = self.moment();
        self.agent
            .handle_unreachable(moment, sent.flow.remote, sent.text.as_bytes());
    }

    pub(super) fn drain(&mut self) -> StdVec<Sent> {
        let mut sent = StdVec::new();
        for _ in 0..10_000 {
            match self.agent.poll(self.now, &mut self.buf) {
                Output::Send { flow, len } => {
                    let text = String::from_utf8_lossy(&self.buf[..len]).into_owned();
                    sent.push(Sent { flow, text });
                }
                Output::Wait(_) => return sent,
                Output::Lamp { .. }
                | Output::Resolve { .. }
                | Output::Report(_)
                | Output::Changed(_)
                | Output::Gesture { .. } => {}
            }
        }
        panic!("the agent never waits");
    }

    /// A phone with an active subscription that knows the desk's state.
    #[track_caller]
    pub(super) fn watching(&mut self, name: &str, event: &'static str) -> Phone {
        let mut phone = Phone::new(name, event);
        let sent = self.send(&phone, &phone.subscribe(3_600));
        phone.learn(&sent[0]);
        assert_eq!(sent.len(), 2, "a 200 and a NOTIFY: {sent:#?}");
        self.confirm(&phone, &sent[1]);
        phone
    }

    /// The phone answers a NOTIFY with 200; nothing follows.
    #[track_caller]
    pub(super) fn confirm(&mut self, phone: &Phone, notify: &Sent) {
        let followed = self.send(phone, &notify.answer("200 OK"));
        assert_eq!(followed, []);
    }
}

impl Phone {
    pub(super) fn new(name: &str, event: &'static str) -> Phone {
        let last = name.bytes().map(u32::from).sum::<u32>() % 200 + 20;
        let address = format!("192.0.2.{last}:5062").parse().unwrap();
        Phone {
            address,
            name: name.to_string(),
            event,
            to_tag: None,
            cseq: 1,
        }
    }

    /// Learns our tag from the 200.
    #[track_caller]
    pub(super) fn learn(&mut self, sent: &Sent) {
        assert_eq!(sent.status(), 200, "{}", sent.text);
        let (_, tag) = sent.header("To").unwrap().split_once(";tag=").unwrap();
        self.to_tag = Some(tag.to_string());
    }

    pub(super) fn subscribe(&self, expires: u32) -> String {
        self.request(
            "SUBSCRIBE",
            &format!("Event: {}\r\nExpires: {expires}\r\n", self.event),
        )
    }

    /// The next SUBSCRIBE of the phone in its dialog.
    pub(super) fn refresh(&mut self, expires: u32) -> String {
        self.cseq += 1;
        self.subscribe(expires)
    }

    pub(super) fn request(&self, method: &str, more: &str) -> String {
        let contact = format!("Contact: <sip:{}@{}>\r\n", self.name, self.address);
        self.bare_request(method, &format!("{contact}{more}"))
    }

    /// A request with the mandatory headers and `more`.
    pub(super) fn bare_request(&self, method: &str, more: &str) -> String {
        let Phone {
            address,
            name,
            cseq,
            ..
        } = self;
        let tag = self
            .to_tag
            .as_ref()
            .map(|tag| format!(";tag={tag}"))
            .unwrap_or_default();
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
}

impl Sent {
    #[track_caller]
    pub(super) fn status(&self) -> u16 {
        let code = self
            .text
            .strip_prefix("SIP/2.0 ")
            .and_then(|rest| rest.get(..3));
        code.and_then(|code| code.parse().ok())
            .unwrap_or_else(|| panic!("no response: {}", self.text))
    }

    pub(super) fn is_notify(&self) -> bool {
        self.text.starts_with("NOTIFY ")
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let head = self.text.split("\r\n\r\n").next()?;
        head.split("\r\n")
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    pub(super) fn headers(&self, name: &str) -> StdVec<&str> {
        let head = self.text.split("\r\n\r\n").next().unwrap_or_default();
        head.split("\r\n")
            .filter_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
            .collect()
    }

    pub(super) fn body(&self) -> &str {
        self.text
            .split_once("\r\n\r\n")
            .map_or("", |(_, body)| body)
    }

    pub(super) fn cseq(&self) -> u32 {
        self.header("CSeq")
            .unwrap()
            .split(' ')
            .next()
            .unwrap()
            .parse()
            .unwrap()
    }

    /// The response of a peer to this request, with `more` header lines in `status`.
    pub(super) fn answer(&self, status: &str) -> String {
        let (status, more) = status.split_once("\r\n").unwrap_or((status, ""));
        let mut answer = format!("SIP/2.0 {status}\r\n");
        for name in ["Via", "From", "To", "Call-ID", "CSeq"] {
            answer += &format!("{name}: {}\r\n", self.header(name).unwrap());
        }
        answer + more + "Content-Length: 0\r\n\r\n"
    }
}

/// It tells nothing of whom it is about (RFC 3856 §6.6.2).
#[track_caller]
pub(super) fn assert_blank(notify: &Sent) {
    let nothing = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><presence xmlns=\"urn:ietf:params:xml:ns:pidf\" \
         entity=\"{DESK}\"><tuple id=\"sip\"><status><basic>closed</basic></status></tuple>"
    );
    let rest = notify.body().strip_prefix(&nothing);
    let waits = "<note>Waiting for permission</note></presence>";
    let is_pending = notify
        .header("Subscription-State")
        .is_some_and(|it| it.starts_with("pending"));
    let expected = if is_pending { waits } else { "</presence>" };
    assert_eq!(rest, Some(expected), "{notify:#?}");
}

pub(super) fn basic(notify: &Sent) -> Option<Basic> {
    pidf::read(notify.body().as_bytes())
        .expect("a PIDF document")
        .basic
}

/// Version, extent and states of a dialog-info document.
pub(super) fn dialogs(notify: &Sent) -> (u32, Extent, StdVec<(String, State)>) {
    let mut found = StdVec::new();
    let head = dialog_info::read(notify.body().as_bytes(), &mut |dialog| {
        found.push((dialog.id.unwrap().to_string(), dialog.state.unwrap()));
    })
    .expect("a dialog-info document");
    (head.version.unwrap(), head.extent, found)
}
