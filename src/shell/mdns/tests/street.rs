//! A link, and the hosts on it: what one sends all hear, also itself, sometimes late, twice or not at all.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::string::{String, ToString};
use std::vec::Vec;

use super::super::browser::News;
use super::super::links::{Link, Origin, Outgoing, PORT};
use super::super::message::{self, Message};
use super::super::node::Node;
use super::super::responder::{Served, Services};
use crate::ground::network::Network;
use crate::ground::random::Random;
use crate::ground::time::{Duration, Instant};

pub(super) const SECOND: Duration = Duration::from_secs(1);

/// The number of the only interface that anybody has.
const ETHERNET: u32 = 2;

/// A link and its hosts.
pub(super) struct Street {
    pub(super) now: Instant,
    pub(super) hosts: Vec<Host>,
    /// All that was sent: when, by whom, what.
    pub(super) sent: Vec<(Instant, usize, Outgoing)>,
    /// Of a hundred datagrams, for each who hears it.
    pub(super) lost: u64,
    pub(super) doubled: u64,
    on_the_way: BTreeMap<(Instant, u64), (usize, Origin, Vec<u8>)>,
    count: u64,
    random: Random,
}

/// A host.
pub(super) struct Host {
    pub(super) node: Node,
    pub(super) ip: IpAddr,
    pub(super) news: Vec<News>,
    pub(super) renamed: Vec<String>,
    is_off: bool,
}

impl Street {
    pub(super) fn new(seed: u64) -> Street {
        let mut random = Random::new();
        random.seed([seed, 7]);
        Street {
            now: Instant::from_millis(1_000_000),
            hosts: Vec::new(),
            sent: Vec::new(),
            lost: 0,
            doubled: 0,
            on_the_way: BTreeMap::new(),
            count: 0,
            random,
        }
    }

    /// One more host, which says nothing.
    pub(super) fn host(&mut self, ip: &str) -> usize {
        let ip: IpAddr = ip.parse().expect("an address");
        let seed = [self.random.bits(), self.random.bits()];
        let mut node = Node::new(seed, (true, true), true);
        node.set_links(self.now, Vec::from([link(ip)]));
        self.hosts.push(Host {
            node,
            ip,
            news: Vec::new(),
            renamed: Vec::new(),
            is_off: false,
        });
        self.hosts.len() - 1
    }

    /// One more, which announces a desk.
    pub(super) fn desk(&mut self, ip: &str, name: &str) -> usize {
        let at = self.host(ip);
        let now = self.now;
        self.hosts[at].node.serve(now, services(name));
        at
    }

    /// The host has another address.
    pub(super) fn move_to(&mut self, at: usize, ip: &str) {
        let ip: IpAddr = ip.parse().expect("an address");
        self.hosts[at].ip = ip;
        self.hosts[at]
            .node
            .set_links(self.now, Vec::from([link(ip)]));
    }

    /// Its cable is pulled: it says nothing, and hears nothing.
    pub(super) fn cut(&mut self, at: usize) {
        self.hosts[at].is_off = true;
    }

    pub(super) fn ask(&mut self, at: usize, host: &str) {
        self.hosts[at].node.ask(self.now, host);
    }

    /// Lets time pass.
    pub(super) fn run(&mut self, lasts: Duration) {
        let end = self.now + lasts;
        loop {
            self.deliver();
            for at in 0..self.hosts.len() {
                if self.hosts[at].node.due().is_some_and(|due| due <= self.now) {
                    self.hosts[at].node.handle_timeout(self.now);
                }
                self.collect(at);
            }
            let way = self.on_the_way.keys().next().map(|(at, _)| *at);
            let nodes = self.hosts.iter().filter_map(|it| it.node.due());
            let next = nodes.chain(way).min().filter(|next| *next <= end);
            match next {
                Some(next) => self.now = next.max(self.now + Duration::from_micros(1)),
                None => break self.now = end,
            }
        }
    }

    /// A datagram from a stranger, to all of the link.
    pub(super) fn shout(&mut self, from: SocketAddr, bytes: &[u8]) {
        for at in 0..self.hosts.len() {
            self.tell(at, from, true, bytes);
        }
    }

    pub(super) fn tell(&mut self, at: usize, from: SocketAddr, is_multicast: bool, bytes: &[u8]) {
        let origin = Origin {
            link: ETHERNET,
            source: from,
            is_multicast,
            is_direct: true,
        };
        self.hosts[at].node.handle_message(self.now, origin, bytes);
        self.collect(at);
    }

    /// A datagram to one host alone, which has come through a router whatever its source says.
    pub(super) fn route(&mut self, at: usize, from: SocketAddr, bytes: &[u8]) {
        let origin = Origin {
            link: ETHERNET,
            source: from,
            is_multicast: false,
            is_direct: false,
        };
        self.hosts[at].node.handle_message(self.now, origin, bytes);
        self.collect(at);
    }

    /// Where the host was told that `name` is.
    #[track_caller]
    pub(super) fn expect_found(&mut self, at: usize, name: &str) -> String {
        let news = std::mem::take(&mut self.hosts[at].news);
        let found = news.iter().rev().find_map(|it| match it {
            News::Found { host, place } if host == name => Some(place),
            News::Found { .. } | News::Moved { .. } => None,
        });
        let place = found.unwrap_or_else(|| panic!("no answer for {name}: {news:?}"));
        place.as_ref().map_or("nowhere".to_string(), |place| {
            let port = place.port.map_or(String::new(), |it| std::format!(":{it}"));
            let user = place
                .user
                .as_ref()
                .map_or(String::new(), |it| std::format!("{it}@"));
            std::format!("{user}{}{port}", place.ip)
        })
    }

    /// What was sent since then, as messages.
    pub(super) fn said(&self, at: usize, since: Instant) -> Vec<(Outgoing, Message)> {
        let his = self
            .sent
            .iter()
            .filter(|(when, who, _)| *who == at && *when >= since);
        let read = |it: &Outgoing| {
            (
                it.clone(),
                message::read(&it.bytes).expect("it can be read"),
            )
        };
        his.map(|(_, _, it)| read(it)).collect()
    }

    fn collect(&mut self, at: usize) {
        while let Some(message) = self.hosts[at].node.poll() {
            assert!(message.bytes.len() <= super::super::writer::ROOM);
            self.sent.push((self.now, at, message.clone()));
            if !self.hosts[at].is_off {
                self.carry(at, &message);
            }
        }
        while let Some(news) = self.hosts[at].node.take_news() {
            self.hosts[at].news.push(news);
        }
        while let Some((_, new)) = self.hosts[at].node.take_renamed() {
            self.hosts[at].renamed.push(std::format!("{new}"));
        }
    }

    fn carry(&mut self, from: usize, message: &Outgoing) {
        let origin = Origin {
            link: ETHERNET,
            source: SocketAddr::new(self.hosts[from].ip, PORT),
            is_multicast: message.to.is_none(),
            is_direct: true,
        };
        for at in 0..self.hosts.len() {
            let hears = message.to.is_none_or(|to| to.ip() == self.hosts[at].ip);
            if !hears || self.hosts[at].is_off {
                continue;
            }
            let copies = match self.random.bits() % 100 {
                chance if chance < self.lost => 0,
                chance if chance < self.lost + self.doubled => 2,
                _ => 1,
            };
            for _ in 0..copies {
                let spread = Duration::from_millis(3);
                let late = self.random.duration(Duration::from_micros(100), spread);
                self.count += 1;
                let key = (self.now + late, self.count);
                let what = (at, origin, message.bytes.clone());
                self.on_the_way.insert(key, what);
            }
        }
    }

    fn deliver(&mut self) {
        while let Some(first) = self.on_the_way.first_entry() {
            if first.key().0 > self.now {
                break;
            }
            let (at, origin, bytes) = first.remove();
            if !self.hosts[at].is_off {
                self.hosts[at].node.handle_message(self.now, origin, &bytes);
                self.collect(at);
            }
        }
    }
}

pub(super) fn services(name: &str) -> Services {
    Services {
        host: name.to_string(),
        ports: [Some(5_060), Some(5_060)],
        instances: Vec::from([Served {
            name: name.to_string(),
            uri: std::format!("sip:desk@{name}.local"),
        }]),
    }
}

fn link(ip: IpAddr) -> Link {
    let prefix = if ip.is_ipv4() { 24 } else { 64 };
    Link {
        index: ETHERNET,
        addresses: Vec::from([(ip, Network::of(ip, prefix))]),
        told: Vec::from([ip]),
    }
}
