//! Names to addresses without ever waiting: RFC 3263 §4, but for its NAPTR records.
//!
//! A number is an address already; then `localhost`, `/etc/hosts`, what was learnt lately, and at last the name
//! servers of `/etc/resolv.conf`: SRV where no port is given, `_sip._udp` or `_sip._tcp` as the transport is, then A or
//! AAAA, whichever the sockets can use. Each question has a socket of its own (the kernel checks who answers, and the port is a fresh random
//! one), a random id, and a deadline.

pub mod files;
pub mod message;

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::string::{String, ToString};
use std::vec::Vec;
use std::{format, io};

use self::files::{ResolvConf, find_host, find_localhost};
use self::message::{Answer, Kind, Name, Server};
use super::poller::{Registry, Source};
use crate::ground::time::{Duration, Instant};
use crate::ua::query::{self, Query};
use crate::wire::flow::Transport;

/// Names asked for at the same time; one more gets "no address".
pub const LOOKUPS: usize = 32;

/// Names kept, found or not.
pub const CACHED: usize = 64;

/// How long a name server has for its answer.
pub const PATIENCE: Duration = Duration::from_secs(2);

/// How often all name servers are asked for one thing.
const ROUNDS: usize = 2;

/// How long an answer is believed at least and at most, whatever it says.
const LIFETIME: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(3_600));

/// How long a failure is believed.
const FAILURE: Duration = Duration::from_secs(10);

/// The port where none is given or found (RFC 3261 §19.1.2).
const SIP: u16 = 5_060;

/// Resolves names for the agent.
pub struct Resolver {
    registry: Registry,
    usable: Families,
    paths: Paths,
    lookups: Vec<Lookup>,
    cache: VecDeque<Known>,
    finished: VecDeque<(Query, Option<SocketAddr>)>,
    /// Which of several equal addresses comes next: everybody should not ask the first.
    turn: usize,
}

/// The address families that there are sockets for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Families {
    /// There is an IPv4 socket.
    pub v4: bool,
    /// There is an IPv6 socket.
    pub v6: bool,
}

/// Where the machine's knowledge lies, and the port where name servers listen.
#[derive(Clone, Debug)]
pub struct Paths {
    /// `/etc/hosts`
    pub hosts: String,
    /// `/etc/resolv.conf`
    pub resolv_conf: String,
    /// 53
    pub port: u16,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Key {
    host: String,
    port: Option<u16>,
    transport: Transport,
}

struct Known {
    key: Key,
    addresses: Vec<SocketAddr>,
    until: Instant,
}

/// One name on its way. `questions` are what is still to be asked, the current one first.
struct Lookup {
    key: Key,
    waiting: Vec<Query>,
    conf: ResolvConf,
    questions: VecDeque<Question>,
    tries: usize,
    id: u16,
    socket: Option<UdpSocket>,
    deadline: Instant,
    /// A server said so itself that there is nothing, or we only got no answer.
    heard: bool,
}

struct Question {
    kind: Kind,
    name: Name,
    port: u16,
}

impl Resolver {
    /// A resolver that reports its sockets to `registry` as [`Source::Dns`].
    pub fn new(registry: Registry, usable: Families, paths: Paths) -> Resolver {
        Resolver {
            registry,
            usable,
            paths,
            lookups: Vec::new(),
            cache: VecDeque::new(),
            finished: VecDeque::new(),
            turn: 0,
        }
    }

    /// Starts looking for `name`; the answer comes out of [`Resolver::take_finished`], perhaps at once.
    pub fn ask(&mut self, now: Instant, query: Query, name: query::Name<'_>) {
        if let Some(ip) = self.find_here(name.host) {
            let address = SocketAddr::new(ip, name.port.unwrap_or(SIP));
            self.finished.push_back((query, Some(address)));
            return;
        }
        let key = Key {
            host: name.host.to_ascii_lowercase(),
            port: name.port,
            transport: name.transport,
        };
        let known = self.cache.iter().find(|it| it.key == key && it.until > now);
        if let Some(known) = known {
            let address = pick(&known.addresses, &mut self.turn);
            self.finished.push_back((query, address));
            return;
        }
        if let Some(lookup) = self.lookups.iter_mut().find(|it| it.key == key) {
            lookup.waiting.push(query);
            return;
        }
        self.start(now, query, key);
    }

    /// Takes what name servers have sent.
    pub fn handle_readable(&mut self, now: Instant) {
        let mut buf = [0; 4_096];
        for at in (0..self.lookups.len()).rev() {
            while let Some(heard) = self.lookups[at].receive(&mut buf) {
                match heard {
                    Ok(answer) => {
                        self.advance(now, at, &answer);
                        break; // The lookup has moved on, or is gone.
                    }
                    Err(Failure::Stray) => {}
                    Err(Failure::Server) => {
                        self.try_again(now, at);
                        break;
                    }
                }
            }
        }
    }

    /// Gives up on servers that did not answer in time.
    pub fn handle_timeout(&mut self, now: Instant) {
        for at in (0..self.lookups.len()).rev() {
            if self.lookups[at].deadline <= now {
                self.try_again(now, at);
            }
        }
    }

    /// When [`Resolver::handle_timeout`] wants to be called.
    pub fn deadline(&self) -> Option<Instant> {
        self.lookups.iter().map(|lookup| lookup.deadline).min()
    }

    /// The next answer: the agent's query and an address, or none.
    pub fn take_finished(&mut self) -> Option<(Query, Option<SocketAddr>)> {
        self.finished.pop_front()
    }

    /// Forgets what may have changed with the configuration.
    pub fn forget(&mut self) {
        self.cache.clear();
    }

    /// What needs no name server.
    fn find_here(&self, host: &str) -> Option<IpAddr> {
        let number = host
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
            .unwrap_or(host);
        if let Ok(ip) = number.parse() {
            return Some(ip);
        }
        let usable = |ip| self.usable.take(ip);
        find_localhost(host, usable)
            .or_else(|| find_host(&files::read(&self.paths.hosts), host, usable))
    }

    fn start(&mut self, now: Instant, query: Query, key: Key) {
        let mut conf = ResolvConf::parse(&files::read(&self.paths.resolv_conf));
        for server in &mut conf.servers {
            server.set_port(self.paths.port);
        }
        let questions = self.questions_for(&key, &conf);
        if conf.servers.is_empty() || questions.is_empty() || self.lookups.len() >= LOOKUPS {
            self.finished.push_back((query, None));
            return;
        }
        self.lookups.push(Lookup {
            key,
            waiting: Vec::from([query]),
            conf,
            questions,
            tries: 0,
            id: 0,
            socket: None,
            deadline: now,
            heard: false,
        });
        self.send(now, self.lookups.len() - 1);
    }

    /// All that may have to be asked for a name, in order.
    fn questions_for(&self, key: &Key, conf: &ResolvConf) -> VecDeque<Question> {
        let mut questions = VecDeque::new();
        let short = !key.host.contains('.');
        let domains = conf.domains.iter().filter(|_| short);
        let longer = domains.map(|domain| format!("{}.{domain}", key.host));
        let candidates = longer.chain([key.host.to_string()]);
        for name in candidates.filter_map(|text| Name::from_text(&text)) {
            if key.port.is_none()
                && let Some(service) = name.below(service_of(key.transport))
            {
                questions.push_back(Question {
                    kind: Kind::Srv,
                    name: service,
                    port: SIP,
                });
            }
            questions.extend(self.address_questions(&name, key.port.unwrap_or(SIP)));
        }
        questions
    }

    fn address_questions(&self, name: &Name, port: u16) -> Vec<Question> {
        let kinds = [(self.usable.v4, Kind::A), (self.usable.v6, Kind::Aaaa)];
        let usable = kinds.into_iter().filter(|(usable, _)| *usable);
        usable
            .map(|(_, kind)| Question {
                kind,
                name: name.clone(),
                port,
            })
            .collect()
    }

    /// Sends the current question; a server that cannot be asked counts as one that does not answer.
    fn send(&mut self, now: Instant, at: usize) {
        let lookup = &mut self.lookups[at];
        lookup.deadline = now + PATIENCE;
        lookup.socket = None;
        if let Ok(socket) = lookup.open() {
            // A socket that is not watched runs into the deadline like one that hears nothing.
            let _ = self.registry.add(&socket, Source::Dns);
            lookup.socket = Some(socket);
        }
    }

    fn try_again(&mut self, now: Instant, at: usize) {
        let lookup = &mut self.lookups[at];
        lookup.tries += 1;
        if lookup.tries < ROUNDS * lookup.conf.servers.len() {
            self.send(now, at);
        } else {
            self.next_question(now, at);
        }
    }

    fn advance(&mut self, now: Instant, at: usize, answer: &Answer) {
        let lookup = &mut self.lookups[at];
        lookup.heard = true;
        let port = lookup.questions.front().map_or(SIP, |it| it.port);
        if !answer.addresses.is_empty() {
            let to_address = |&ip| SocketAddr::new(ip, port);
            let addresses = answer.addresses.iter().map(to_address).collect();
            let lifetime = Duration::from_secs(u64::from(answer.lifetime));
            let until = now + lifetime.clamp(LIFETIME.0, LIFETIME.1);
            self.finish(now, at, addresses, until);
            return;
        }
        let best = best_servers(&answer.servers);
        let more: Vec<Question> = best
            .iter()
            .flat_map(|server| self.address_questions(&server.host, server.port))
            .collect();
        let lookup = &mut self.lookups[at];
        for question in more.into_iter().rev() {
            // Behind the current one, which is done.
            lookup.questions.insert(1, question);
        }
        self.next_question(now, at);
    }

    fn next_question(&mut self, now: Instant, at: usize) {
        let lookup = &mut self.lookups[at];
        lookup.questions.pop_front();
        lookup.tries = 0;
        if lookup.questions.is_empty() {
            self.finish(now, at, Vec::new(), now + FAILURE);
        } else {
            self.send(now, at);
        }
    }

    /// Without any answer, the last good address is better than none (it may be the network that is away).
    fn finish(&mut self, now: Instant, at: usize, mut addresses: Vec<SocketAddr>, until: Instant) {
        let lookup = self.lookups.swap_remove(at);
        let old = self.cache.iter().position(|it| it.key == lookup.key);
        let old = old.and_then(|at| self.cache.remove(at));
        if addresses.is_empty() && !lookup.heard {
            addresses = old.map_or_else(Vec::new, |known| known.addresses);
        }
        let address = pick(&addresses, &mut self.turn);
        let queries = lookup.waiting.iter();
        self.finished.extend(queries.map(|&query| (query, address)));
        if self.cache.len() >= CACHED {
            self.cache.pop_front();
        }
        debug_assert!(until > now, "an answer lives for a while");
        self.cache.push_back(Known {
            key: lookup.key,
            addresses,
            until,
        });
    }
}

enum Failure {
    /// Not for us: wait on.
    Stray,
    /// This server cannot help: ask the next.
    Server,
}

impl Lookup {
    fn open(&mut self) -> io::Result<UdpSocket> {
        let server = self.conf.servers[self.tries % self.conf.servers.len()];
        let any: IpAddr = if server.is_ipv4() {
            Ipv4Addr::UNSPECIFIED.into()
        } else {
            Ipv6Addr::UNSPECIFIED.into()
        };
        let question = self.questions.front().ok_or(io::ErrorKind::NotFound)?;
        let mut id = [0; 2];
        rustix::rand::getrandom(&mut id, rustix::rand::GetRandomFlags::empty())?;
        self.id = u16::from_ne_bytes(id);
        let socket = UdpSocket::bind((any, 0))?;
        socket.set_nonblocking(true)?;
        socket.connect(server)?;
        socket.send(&message::question(self.id, &question.name, question.kind))?;
        Ok(socket)
    }

    /// The next thing that came on the socket, if there is any.
    fn receive(&mut self, buf: &mut [u8]) -> Option<Result<Answer, Failure>> {
        let question = self.questions.front()?;
        let length = match self.socket.as_ref()?.recv(buf) {
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return None,
            Err(_) => return Some(Err(Failure::Server)),
        };
        let answer = message::answer(&buf[..length], self.id, &question.name, question.kind);
        Some(match answer {
            Ok(answer) if answer.failed => Err(Failure::Server),
            Ok(answer) => Ok(answer),
            Err(message::NotOurs) => Err(Failure::Stray),
        })
    }
}

impl Families {
    const fn take(self, ip: IpAddr) -> bool {
        match ip {
            IpAddr::V4(_) => self.v4,
            IpAddr::V6(_) => self.v6,
        }
    }
}

impl Default for Paths {
    fn default() -> Paths {
        Paths {
            hosts: "/etc/hosts".to_string(),
            resolv_conf: "/etc/resolv.conf".to_string(),
            port: 53,
        }
    }
}

/// What a name's SRV records stand under (RFC 3263 §4.1).
const fn service_of(transport: Transport) -> &'static str {
    match transport {
        Transport::Udp => "_sip._udp",
        Transport::Tcp => "_sip._tcp",
        Transport::Tls => "_sips._tcp",
    }
}

fn pick(addresses: &[SocketAddr], turn: &mut usize) -> Option<SocketAddr> {
    *turn = turn.wrapping_add(1);
    addresses.get(*turn % addresses.len().max(1)).copied()
}

/// The servers to try, best first; a few are enough. A lone root means that the service is not offered.
fn best_servers(servers: &[Server]) -> Vec<Server> {
    const ENOUGH: usize = 4;
    let mut sorted: Vec<Server> = servers
        .iter()
        .filter(|server| !server.host.is_root())
        .cloned()
        .collect();
    // Shares by weight would need a draw per call; the heavier first is right for main and spare.
    sorted.sort_by_key(|server| (server.priority, u16::MAX - server.weight));
    sorted.truncate(ENOUGH);
    sorted
}

#[cfg(test)]
mod tests;
