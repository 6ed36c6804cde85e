//! Names without a server: multicast DNS and service discovery (RFC 6762, RFC 6763).
//!
//! [`node`] is one host's part in it, made of a [`browser`] and a [`responder`]; [`message`] is what they say,
//! [`links`] where, [`sockets`] by what means. [`Mdns`] is what the loop has of it. Nothing is on the wire before
//! somebody asks for a name, or something is to be announced.

pub mod answers;
pub mod browser;
pub mod bucket;
pub mod cache;
pub mod known;
pub mod links;
pub mod message;
pub mod node;
pub mod responder;
pub mod sockets;
pub mod writer;

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::string::String;
use std::vec::Vec;
use std::{format, io};

use log::{debug, info, warn};

use self::browser::News;
use self::known::Place;
use self::message::Name;
use self::node::Node;
use self::responder::{Served, Services};
use self::sockets::Sockets;
use super::listen::Listen;
use super::poller::Registry;
use crate::ground::time::Instant;
use crate::ua::query::Query;
use crate::wire::flow::Transport;

/// Those who ask for names at the same time. Full: further ones get "no address", and ask again.
const WAITING: usize = 128;

/// What the loop has of multicast DNS.
pub struct Mdns {
    registry: Registry,
    seed: [u64; 2],
    listeners: Vec<Listen>,
    working: Option<Working>,
    deadline: Option<Instant>,
    waiting: Vec<Waiting>,
    found: VecDeque<Found>,
    moved: VecDeque<(String, Vec<IpAddr>)>,
}

struct Working {
    node: Node,
    sockets: Sockets,
}

struct Waiting {
    query: Query,
    host: String,
    port: Option<u16>,
}

/// What a query found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Whose answer it is.
    pub query: Query,
    /// The address, if there is one.
    pub address: Option<SocketAddr>,
    /// The user to ask for, where an instance says so.
    pub user: Option<String>,
}

/// Whether a name is asked for here (RFC 6762 §3).
pub fn is_local(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    let last = host.rsplit_once('.').map(|(_, last)| last);
    last.is_some_and(|last| last.eq_ignore_ascii_case("local"))
}

/// The machine's name, as far as it can stand in front of `.local`; else ours.
pub fn host() -> String {
    let name = rustix::system::uname();
    let name = name.nodename().to_string_lossy();
    let first = name.split('.').next().unwrap_or_default();
    let label: String = label(first).to_ascii_lowercase();
    match label.as_str() {
        "" | "localhost" => String::from("lampfield"),
        _ => label,
    }
}

/// The names of our instances: the host's of the first presentity, and further ones with their user in front.
pub fn instances<'a>(host: &str, uris: impl Iterator<Item = &'a str>) -> Vec<Served> {
    let name = |uri: &str| {
        let uri = uri.split_once(':').map_or(uri, |(_, rest)| rest);
        let user = uri.split_once('@').map_or("", |(user, _)| user);
        label(&format!("{user}-{host}"))
    };
    let served = uris.enumerate().map(|(at, uri)| Served {
        name: if at == 0 {
            String::from(host)
        } else {
            name(uri)
        },
        uri: String::from(uri),
    });
    served.collect()
}

/// What everybody can write behind `local:`.
fn label(text: &str) -> String {
    let is_plain = |it: char| it.is_ascii_alphanumeric() || it == '-';
    let plain = text.chars().map(|it| if is_plain(it) { it } else { '-' });
    let plain: String = plain.take(message::LONGEST_LABEL).collect();
    String::from(plain.trim_matches('-'))
}

impl Mdns {
    /// Silent so far. `listeners` is where SIP is spoken.
    pub fn new(registry: Registry, seed: [u64; 2], listeners: Vec<Listen>) -> Mdns {
        Mdns {
            registry,
            seed,
            listeners,
            working: None,
            deadline: None,
            waiting: Vec::new(),
            found: VecDeque::new(),
            moved: VecDeque::new(),
        }
    }

    /// Looks for `host`; the answer comes out of [`Mdns::take_found`].
    pub fn ask(&mut self, now: Instant, query: Query, host: &str, port: Option<u16>) {
        let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
        if self.waiting.len() >= WAITING || !self.work(now) {
            return self.found.push_back(Found {
                query,
                address: None,
                user: None,
            });
        }
        if let Some(working) = &mut self.working {
            working.node.ask(now, &host);
        }
        self.waiting.push(Waiting { query, host, port });
        self.go_on(now);
    }

    /// Announces presentities, each under the name of its instance, at this host.
    pub fn serve(&mut self, now: Instant, host: &str, instances: Vec<Served>) {
        let port = |transport| {
            let mut listeners = self.listeners.iter();
            let listener = listeners.find(|it| it.transport == transport);
            listener.map(|it| it.address.port())
        };
        let services = Services {
            host: String::from(host),
            ports: [port(Transport::Udp), port(Transport::Tcp)],
            instances,
        };
        if !self.work(now) {
            return;
        }
        if let Some(working) = &mut self.working {
            working.node.serve(now, services);
        }
        self.go_on(now);
    }

    /// Says goodbye for what was announced.
    pub fn take_leave(&mut self, now: Instant) {
        if let Some(working) = &mut self.working {
            working.node.take_leave(now);
        }
        self.go_on(now);
    }

    /// Interfaces or addresses may have come or gone.
    pub fn look_for_links(&mut self, now: Instant) {
        let Some(working) = &mut self.working else {
            return;
        };
        working.look_for_links(now, &self.listeners);
        self.go_on(now);
    }

    /// Takes what has come.
    pub fn handle_readable(&mut self, now: Instant) {
        if let Some(Working { node, sockets }) = &mut self.working {
            sockets.receive(|origin, bytes| node.handle_message(now, origin, bytes));
        }
        self.go_on(now);
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.deadline.is_some_and(|due| due <= now) {
            self.go_on(now);
        }
    }

    /// When [`Mdns::handle_timeout`] wants to be called.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// The next answer.
    pub fn take_found(&mut self) -> Option<Found> {
        self.found.pop_front()
    }

    /// The next name that is elsewhere than before, with its addresses.
    pub fn take_moved(&mut self) -> Option<(String, Vec<IpAddr>)> {
        self.moved.pop_front()
    }

    /// Opens the sockets, if that is to do; says whether there are any.
    fn work(&mut self, now: Instant) -> bool {
        if self.working.is_some() {
            return true;
        }
        let sockets = match Sockets::open(Some(&self.registry)) {
            Ok(sockets) => sockets,
            Err(error) => {
                warn!("names that end in .local cannot be asked for: {error}");
                return false;
            }
        };
        let speaks = |is_v6| {
            self.listeners
                .iter()
                .any(|it| it.address.is_ipv6() == is_v6)
        };
        let usable = (speaks(false), speaks(true));
        let node = Node::new(self.seed, usable, sockets.is_alone);
        let mut working = Working { node, sockets };
        working.look_for_links(now, &self.listeners);
        self.working = Some(working);
        true
    }

    /// Does what is due, sends what is to be sent, and passes on what became known.
    fn go_on(&mut self, now: Instant) {
        let Some(Working { node, sockets }) = &mut self.working else {
            return;
        };
        if node.due().is_some_and(|due| due <= now) {
            node.handle_timeout(now);
        }
        while let Some(message) = node.poll() {
            sockets.send(&message);
        }
        while let Some((old, new)) = node.take_renamed() {
            warn!("{old} is another host's name, so ours is {new}");
        }
        self.deadline = node.due();
        while let Some(news) = self.working.as_mut().and_then(|it| it.node.take_news()) {
            match news {
                News::Found { host, place } => self.answer(&host, place.as_ref()),
                News::Moved { host, addresses } => {
                    let shown: Vec<_> = addresses.iter().map(|it| format!("{it}")).collect();
                    debug!("{} is at {} now", shown_name(&host), shown.join(" "));
                    self.moved.push_back((host, addresses));
                }
            }
        }
    }

    fn answer(&mut self, host: &str, place: Option<&Place>) {
        let found = &mut self.found;
        self.waiting.retain(|it| {
            if it.host != host {
                return true;
            }
            let port = |place: &Place| it.port.or(place.port).unwrap_or(SIP);
            found.push_back(Found {
                query: it.query,
                address: place.map(|place| SocketAddr::new(place.ip, port(place))),
                user: place.and_then(|place| place.user.clone()),
            });
            false
        });
    }
}

impl Working {
    fn look_for_links(&mut self, now: Instant, listeners: &[Listen]) {
        match links_of(listeners) {
            Ok(links) => {
                self.sockets.join(&links);
                self.node.set_links(now, links);
            }
            Err(error) => info!("this machine's interfaces cannot be asked for: {error}"),
        }
    }
}

/// The links there are, and where on them SIP is spoken.
fn links_of(listeners: &[Listen]) -> io::Result<Vec<links::Link>> {
    let own = listeners.iter().map(|it| it.address.ip());
    let own: Vec<IpAddr> = own.collect();
    let is_wild = |ip: IpAddr| {
        let mut wild = own.iter().filter(|it| it.is_unspecified());
        wild.any(|it| it.is_ipv4() == ip.is_ipv4())
    };
    links::links(|ip| own.contains(&ip) || is_wild(ip))
}

/// What a stranger may have written.
fn shown_name(host: &str) -> String {
    Name::parse(host).map_or_else(String::new, |name| format!("{name}"))
}

/// The port where none is given or found (RFC 3261 §19.1.2).
const SIP: u16 = 5_060;

#[cfg(test)]
mod tests;
