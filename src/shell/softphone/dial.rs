//! Tells a baresip what to call: its module `ctrl_tcp` takes netstrings of JSON, and answers in the same.
//!
//! A connection lasts for one order: baresip serves one at a time, and another program may want it.

use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::string::{String, ToString};
use std::vec::Vec;
use std::{format, str};

use log::{info, warn};
use rustix::io::{Errno, read, write};
use rustix::net::{AddressFamily, SocketFlags, SocketType, connect, socket_with, sockopt};
use serde_json::{Value, json};

use crate::ground::time::{Duration, Instant};
use crate::shell::poller::{Registry, Source};

/// What a softphone is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order<'a> {
    /// Call this address.
    Dial(&'a str),
    /// Answer the call that rings.
    Accept,
}

/// Tells a baresip what to do. An order that comes while another one is under way takes its place: the last press counts.
#[derive(Debug)]
pub struct Dialer {
    registry: Registry,
    exchange: Option<Exchange>,
    /// How the last order failed, if it did.
    failing: Option<String>,
}

#[derive(Debug)]
struct Exchange {
    socket: OwnedFd,
    at: SocketAddr,
    /// What is to be sent; nothing, once it was.
    order: Vec<u8>,
    /// What came back and was not read yet.
    got: Vec<u8>,
    ends: Instant,
}

/// How long an order may take until the softphone has answered.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// Bytes of one message of baresip's that are kept; none that it answers with is nearly as long.
const LONGEST: usize = 16 * 1024;

impl Dialer {
    /// Nothing was ordered yet.
    pub const fn new(registry: Registry) -> Dialer {
        Dialer {
            registry,
            exchange: None,
            failing: None,
        }
    }

    /// Gives the order to the baresip at that address.
    pub fn send(&mut self, now: Instant, at: SocketAddr, order: Order<'_>) {
        self.exchange = None;
        match self.open(now, at, netstring(order)) {
            Ok(exchange) => self.exchange = Some(exchange),
            Err(error) => self.tell(at, Some(error.to_string())),
        }
    }

    /// Its descriptor is ready.
    pub fn handle_ready(&mut self) {
        let Some(exchange) = &mut self.exchange else {
            return;
        };
        let result = match exchange.order.is_empty() {
            false => exchange.give(&self.registry),
            true => exchange.hear(),
        };
        let at = exchange.at;
        match result {
            Ok(None) => {}
            Ok(Some(refusal)) => self.finish(at, refusal),
            Err(error) => self.finish(at, Some(error.to_string())),
        }
    }

    /// [`Dialer::deadline`] may be there.
    pub fn handle_timeout(&mut self, now: Instant) {
        if let Some(late) = self.exchange.take_if(|it| it.ends <= now) {
            self.tell(late.at, Some("it does not answer".to_string()));
        }
    }

    /// When the softphone has taken too long.
    pub fn deadline(&self) -> Option<Instant> {
        self.exchange.as_ref().map(|it| it.ends)
    }

    fn open(&self, now: Instant, at: SocketAddr, order: Vec<u8>) -> io::Result<Exchange> {
        let family = match at {
            SocketAddr::V4(_) => AddressFamily::INET,
            SocketAddr::V6(_) => AddressFamily::INET6,
        };
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let socket = socket_with(family, SocketType::STREAM, flags, None)?;
        match connect(&socket, &at) {
            Ok(()) | Err(Errno::INPROGRESS) => {}
            Err(errno) => return Err(errno.into()),
        }
        self.registry.add_both(&socket, Source::Softphone)?;
        Ok(Exchange {
            socket,
            at,
            order,
            got: Vec::new(),
            ends: now + PATIENCE,
        })
    }

    fn finish(&mut self, at: SocketAddr, refusal: Option<String>) {
        self.exchange = None;
        self.tell(at, refusal);
    }

    /// A line in the log when orders fail, fail otherwise, or work again.
    fn tell(&mut self, at: SocketAddr, failure: Option<String>) {
        if failure == self.failing {
            return;
        }
        match &failure {
            Some(why) => warn!(
                "baresip at {at} was not told to call: {why}; remedy: start it with the modules menu.so and ctrl_tcp.so, \
                 and ctrl_tcp_listen {at} in its config"
            ),
            None => info!("baresip at {at} does what it is told again"),
        }
        self.failing = failure;
    }
}

impl Exchange {
    /// The connection stands: gives the order, which fits into what the kernel keeps.
    fn give(&mut self, registry: &Registry) -> io::Result<Option<Option<String>>> {
        sockopt::socket_error(&self.socket)??;
        let given = write(&self.socket, &self.order)?;
        self.order.drain(..given);
        if self.order.is_empty() {
            registry.change(&self.socket, Source::Softphone, true, false)?;
        }
        Ok(None)
    }

    /// Reads until there is an answer: `Some(None)` if it did as it was told, `Some(Some(why))` if not.
    fn hear(&mut self) -> io::Result<Option<Option<String>>> {
        let mut buf = [0; 1_024];
        loop {
            match read(&self.socket, &mut buf) {
                Ok(0) => return Err(io::Error::other("it hung up")),
                Ok(len) => self.got.extend_from_slice(&buf[..len]),
                Err(Errno::AGAIN) => return Ok(None),
                Err(errno) => return Err(errno.into()),
            }
            while let Some(message) = take_netstring(&mut self.got)? {
                if let Some(answer) = answer(&message) {
                    return Ok(Some(answer));
                }
            }
        }
    }
}

/// An order as baresip reads it.
fn netstring(order: Order<'_>) -> Vec<u8> {
    let order = match order {
        Order::Dial(uri) => json!({ "command": "dial", "params": uri }),
        Order::Accept => json!({ "command": "accept" }),
    };
    let order = order.to_string();
    format!("{}:{order},", order.len()).into_bytes()
}

/// Takes the first whole netstring off `got`.
fn take_netstring(got: &mut Vec<u8>) -> io::Result<Option<Vec<u8>>> {
    let broken = || io::Error::other("it speaks something else");
    let Some(colon) = got.iter().position(|it| *it == b':') else {
        return if got.len() > 8 {
            Err(broken())
        } else {
            Ok(None)
        };
    };
    let length = str::from_utf8(&got[..colon]).ok();
    let length: Option<usize> = length.and_then(|it| it.parse().ok());
    let length = length.filter(|it| *it <= LONGEST).ok_or_else(broken)?;
    let end = colon + 1 + length;
    match got.get(end) {
        None => Ok(None),
        Some(b',') => {
            let message = got[colon + 1..end].to_vec();
            got.drain(..=end);
            Ok(Some(message))
        }
        Some(_) => Err(broken()),
    }
}

/// What an answer says: `Some(None)` if it is one and good. Events are none.
fn answer(message: &[u8]) -> Option<Option<String>> {
    let message: Value = serde_json::from_slice(message).ok()?;
    if message["response"] != true {
        return None;
    }
    let said = message["data"].as_str().unwrap_or_default().trim();
    let refuses = message["ok"] != true;
    Some(refuses.then(|| format!("it refuses: {said}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::clock;
    use crate::shell::poller::Poller;
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};

    const URI: &str = "sip:bob@pbx.example";

    struct Fixture {
        dialer: Dialer,
        poller: Poller,
        baresip: TcpListener,
    }

    impl Fixture {
        fn new() -> Fixture {
            let poller = Poller::new().expect("a poller");
            Fixture {
                dialer: Dialer::new(poller.registry()),
                poller,
                baresip: TcpListener::bind("127.0.0.1:0").expect("bound"),
            }
        }

        /// Gives an order and returns baresip's end of the connection, with what it was told.
        fn order(&mut self, order: Order<'_>) -> (TcpStream, String) {
            let at = self.baresip.local_addr().expect("bound");
            self.dialer.send(clock::now(), at, order);
            self.turn();
            let (mut stream, _) = self.baresip.accept().expect("it comes");
            let mut text = [0; 256];
            let len = stream.read(&mut text).expect("it says something");
            (stream, String::from_utf8_lossy(&text[..len]).into_owned())
        }

        fn turn(&mut self) {
            for source in self.poller.wait(false).expect("waits") {
                assert_eq!(source, Source::Softphone);
                self.dialer.handle_ready();
            }
        }
    }

    #[test]
    fn an_order_is_a_netstring_and_events_are_no_answer() {
        let mut f = Fixture::new();
        let (mut stream, said) = f.order(Order::Dial(URI));
        let order = r#"48:{"command":"dial","params":"sip:bob@pbx.example"},"#;
        assert_eq!(said, order);
        stream
            .write_all(b"14:{\"event\":true},31:{\"response\":true,\"ok\"")
            .expect("written");
        f.turn();
        assert!(f.dialer.deadline().is_some());
        stream.write_all(b":true   },").expect("written");
        f.turn();
        assert_eq!((f.dialer.deadline(), f.dialer.failing), (None, None));
    }

    #[test]
    fn a_refusal_a_silence_and_nobody_there_are_told() {
        let mut f = Fixture::new();
        let (mut stream, said) = f.order(Order::Accept);
        assert_eq!(said, r#"20:{"command":"accept"},"#);
        let no = r#"{"response":true,"ok":false,"data":"no call\n"}"#;
        write!(stream, "{}:{no},", no.len()).expect("written");
        f.turn();
        assert_eq!(f.dialer.failing.as_deref(), Some("it refuses: no call"));

        let (_silent, _) = f.order(Order::Dial(URI));
        let due = f.dialer.deadline().expect("it may not last");
        f.dialer.handle_timeout(due);
        assert_eq!(f.dialer.failing.as_deref(), Some("it does not answer"));

        let (other, _) = f.order(Order::Dial(URI));
        drop(other);
        f.turn();
        assert_eq!(f.dialer.failing.as_deref(), Some("it hung up"));

        let at = f.baresip.local_addr().expect("bound");
        f.baresip = TcpListener::bind("127.0.0.1:0").expect("bound");
        f.dialer.send(clock::now(), at, Order::Dial(URI));
        if f.dialer.exchange.is_some() {
            f.turn();
        }
        let failing = f.dialer.failing.as_deref().unwrap_or_default();
        assert!(failing.starts_with("Connection refused"), "{failing}");
    }

    #[test]
    fn what_is_no_netstring_is_not_waited_for() {
        for (text, whole) in [
            (&b"5:hello,"[..], Some(Some("hello"))),
            (b"5:hel", Some(None)),
            (b"", Some(None)),
            (b"5:hello;", None),
            (b"99999999:", None),
            (b"HTTP/1.1 400 ", None),
            (b"x:", None),
        ] {
            let found = take_netstring(&mut text.to_vec()).ok();
            let whole = whole.map(|it| it.map(|it| it.as_bytes().to_vec()));
            assert_eq!(found, whole, "{}", text.escape_ascii());
        }
    }
}
