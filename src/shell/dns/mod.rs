//! Names to places without ever waiting (RFC 3263 §4).
//!
//! A number is an address already; then `localhost`, `/etc/hosts`, what was learnt lately, and at last the name
//! servers of `/etc/resolv.conf`, as [`plan`] says. Each question has a socket of its own (the kernel checks who answers,
//! and the port is a fresh random one), a random id, letters in random case, and a deadline. Additional records are not
//! believed: what they say is asked for.

pub mod files;
pub mod message;
pub mod plan;
mod stream;

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::string::{String, ToString};
use std::vec::Vec;
use std::{format, io};

use self::files::{ResolvConf, find_host, find_localhost};
use self::message::{Answer, Fate, Name, NotOurs};
pub use self::plan::Families;
use self::plan::Plan;
use self::stream::Stream;
use super::poller::{Registry, Source};
use crate::ground::random::Random;
use crate::ground::time::{Duration, Instant};
use crate::ua::query::{self, Query};
use crate::ua::targets::Target;
use crate::wire::flow::Transport;

/// Names asked for at the same time; one more gets "no address".
pub const LOOKUPS: usize = 32;

/// Names kept, found or not.
pub const CACHED: usize = 64;

/// How long a name server has for its answer.
pub const PATIENCE: Duration = Duration::from_secs(2);

/// How often all name servers are asked for one thing.
const ROUNDS: usize = 2;

/// How long one name is asked for, whatever there would be to ask. Then the agent has given it up.
const LONGEST: Duration = Duration::from_secs(38);

/// How long an answer is believed at least and at most, whatever it says.
const LIFETIME: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(3_600));

/// How long it is believed at least and at most that there is nothing, whatever the zone says (RFC 2308 §5).
const ABSENCE: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(300));

/// How long that is believed, or that nobody answers, if nothing is said.
const FAILURE: Duration = Duration::from_secs(10);

/// Resolves names for the agent.
pub struct Resolver {
    registry: Registry,
    usable: Families,
    paths: Paths,
    lookups: Vec<Lookup>,
    cache: VecDeque<Known>,
    finished: VecDeque<(Query, Found)>,
    random: Random,
}

/// Where a name leads, the best place first; nothing if nowhere.
pub type Found = Vec<Target>;

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
    transport: Option<Transport>,
}

struct Known {
    key: Key,
    found: Found,
    until: Instant,
}

/// By what a question is out.
enum Socket {
    Datagrams(UdpSocket),
    Stream(Stream),
}

/// One name on its way.
struct Lookup {
    key: Key,
    waiting: Vec<Query>,
    conf: ResolvConf,
    plan: Plan,
    tries: usize,
    /// The question as it is out: its id, and how its name is spelled.
    id: u16,
    spelled: Name,
    /// Whether a server gives names back in letters of its own: it is not asked to keep ours.
    is_plain: bool,
    /// Whether a server does not understand how much room we say there is: none is told.
    is_old: bool,
    socket: Option<Socket>,
    /// What came by datagram of an answer that was cut off, as long as the whole of it is asked for.
    part: Option<Answer>,
    deadline: Instant,
    gives_up: Instant,
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
            random: seeded(),
        }
    }

    /// Starts looking for `name`; the answer comes out of [`Resolver::take_finished`], perhaps at once.
    pub fn ask(&mut self, now: Instant, query: Query, name: query::Name<'_>) {
        let found = self.find_here(&name);
        if !found.is_empty() {
            return self.finished.push_back((query, found));
        }
        let key = Key {
            host: name.host.to_ascii_lowercase(),
            port: name.port,
            transport: name.transport,
        };
        let known = self.cache.iter().find(|it| it.key == key && it.until > now);
        if let Some(known) = known {
            return self.finished.push_back((query, known.found.clone()));
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
                    Err(Failure::Respelled) => {
                        self.lookups[at].is_plain = true;
                        self.send(now, at);
                        break;
                    }
                    Err(Failure::Misread) => {
                        self.lookups[at].is_old = true;
                        self.send(now, at);
                        break;
                    }
                    Err(Failure::Cut(part)) => {
                        self.ask_for_all(now, at, part);
                        break;
                    }
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
            if self.lookups[at].gives_up <= now {
                self.finish(now, at);
            } else if self.lookups[at].deadline <= now {
                self.try_again(now, at);
            }
        }
    }

    /// When [`Resolver::handle_timeout`] wants to be called.
    pub fn deadline(&self) -> Option<Instant> {
        let due = |it: &Lookup| it.deadline.min(it.gives_up);
        self.lookups.iter().map(due).min()
    }

    /// The next answer: the agent's query, and where the name leads.
    pub fn take_finished(&mut self) -> Option<(Query, Found)> {
        self.finished.pop_front()
    }

    /// Forgets what may have changed with the configuration.
    pub fn forget(&mut self) {
        self.cache.clear();
    }

    /// Whether no name server is needed for `host`.
    pub fn is_here(&self, host: &str) -> bool {
        let name = query::Name {
            host,
            port: None,
            transport: None,
        };
        !self.find_here(&name).is_empty()
    }

    /// What needs no name server.
    fn find_here(&self, name: &query::Name<'_>) -> Found {
        let (host, transport) = (name.host, name.transport.unwrap_or(Transport::Udp));
        let port = name.port.unwrap_or(transport.default_port());
        let number = host
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
            .unwrap_or(host);
        let usable = |ip| self.usable.take(ip);
        let known = || match find_localhost(host, usable) {
            Some(ip) => Vec::from([ip]),
            None => find_host(&files::read(&self.paths.hosts), host, usable),
        };
        let addresses = number
            .parse()
            .map_or_else(|_| known(), |ip| Vec::from([ip]));
        let target = |ip| Target {
            transport,
            address: SocketAddr::new(ip, port),
        };
        addresses.into_iter().map(target).collect()
    }

    fn start(&mut self, now: Instant, query: Query, key: Key) {
        let mut conf = ResolvConf::parse(&files::read(&self.paths.resolv_conf));
        for server in &mut conf.servers {
            server.set_port(self.paths.port);
        }
        let names = candidates(&key.host, &conf);
        let plan = Plan::new(names, key.port, key.transport, self.usable);
        if conf.servers.is_empty() || plan.question().is_none() || self.lookups.len() >= LOOKUPS {
            self.finished.push_back((query, Found::new()));
            return;
        }
        self.lookups.push(Lookup {
            key,
            waiting: Vec::from([query]),
            conf,
            plan,
            tries: 0,
            id: 0,
            spelled: Name::default(),
            is_plain: false,
            is_old: false,
            socket: None,
            part: None,
            deadline: now,
            gives_up: now + LONGEST,
        });
        self.send(now, self.lookups.len() - 1);
    }

    /// Sends the current question; a server that cannot be asked counts as one that does not answer.
    fn send(&mut self, now: Instant, at: usize) {
        let lookup = &mut self.lookups[at];
        lookup.deadline = now + PATIENCE;
        lookup.socket = None;
        if let Ok(socket) = lookup.open(&mut self.random) {
            // A socket that is not watched runs into the deadline like one that hears nothing.
            let _ = self.registry.add(&socket, Source::Dns);
            lookup.socket = Some(Socket::Datagrams(socket));
        }
    }

    /// Asks the same server the same over a stream.
    fn ask_for_all(&mut self, now: Instant, at: usize, part: Answer) {
        let lookup = &mut self.lookups[at];
        lookup.deadline = now + PATIENCE;
        lookup.part = Some(part);
        let server = lookup.server();
        let question = lookup.question(&mut self.random);
        let stream = question
            .ok_or(io::ErrorKind::NotFound.into())
            .and_then(|question| Stream::open(server, &question, self.registry.clone()));
        match stream {
            Ok(stream) => lookup.socket = Some(Socket::Stream(stream)),
            Err(_) => self.try_again(now, at),
        }
    }

    /// The server in turn is of no help. What it said by datagram before it failed to say it in full is better than
    /// nothing.
    fn try_again(&mut self, now: Instant, at: usize) {
        let lookup = &mut self.lookups[at];
        if let Some(part) = lookup.part.take().filter(|it| !it.is_empty()) {
            return self.advance(now, at, &part);
        }
        lookup.tries += 1;
        if lookup.tries < ROUNDS * lookup.conf.servers.len() {
            self.send(now, at);
        } else {
            lookup.plan.skip();
            self.go_on(now, at);
        }
    }

    fn advance(&mut self, now: Instant, at: usize, answer: &Answer) {
        self.lookups[at].plan.answer(answer, &mut self.random);
        self.go_on(now, at);
    }

    /// Turns to the next question, or is done.
    fn go_on(&mut self, now: Instant, at: usize) {
        let lookup = &mut self.lookups[at];
        (lookup.tries, lookup.part) = (0, None);
        if lookup.plan.question().is_some() {
            self.send(now, at);
        } else {
            self.finish(now, at);
        }
    }

    /// Where nobody answered, what was found last is better than nothing (it may be the network that is away).
    fn finish(&mut self, now: Instant, at: usize) {
        let Lookup {
            key, waiting, plan, ..
        } = self.lookups.swap_remove(at);
        let old = self.cache.iter().position(|it| it.key == key);
        let old = old.and_then(|at| self.cache.remove(at));
        let mut found = plan.found().to_vec();
        let until = now + lasts(&plan);
        if found.is_empty() && (plan.is_incomplete() || plan.question().is_some()) {
            found = old.map_or_else(Found::new, |known| known.found);
        }
        let finished = waiting.into_iter().map(|query| (query, found.clone()));
        self.finished.extend(finished);
        if self.cache.len() >= CACHED {
            self.cache.pop_front();
        }
        debug_assert!(until > now, "an answer lives for a while");
        self.cache.push_back(Known { key, found, until });
    }
}

#[expect(
    clippy::large_enum_variant,
    reason = "it is looked at where it is returned, and kept nowhere"
)]
enum Failure {
    /// Not for us: wait on.
    Stray,
    /// This server writes names in letters of its own.
    Respelled,
    /// This server does not know what is newer than itself.
    Misread,
    /// This is the part of its answer that fits a datagram.
    Cut(Answer),
    /// This server cannot help: ask the next.
    Server,
}

impl Lookup {
    /// The server whose turn it is.
    fn server(&self) -> SocketAddr {
        self.conf.servers[self.tries % self.conf.servers.len()]
    }

    /// The question that is asked now, with a new number and in new letters; `None` when there is none left.
    fn question(
        &mut self,
        random: &mut Random,
    ) -> Option<heapless::Vec<u8, { message::QUESTION }>> {
        let question = self.plan.question()?;
        self.id = random.bits() as u16;
        self.spelled = match self.is_plain {
            true => question.name.clone(),
            false => question.name.mixed(random),
        };
        let kind = question.kind;
        Some(message::question(
            self.id,
            &self.spelled,
            kind,
            !self.is_old,
        ))
    }

    fn open(&mut self, random: &mut Random) -> io::Result<UdpSocket> {
        let server = self.server();
        let any: IpAddr = if server.is_ipv4() {
            Ipv4Addr::UNSPECIFIED.into()
        } else {
            Ipv6Addr::UNSPECIFIED.into()
        };
        let question = self.question(random).ok_or(io::ErrorKind::NotFound)?;
        let socket = UdpSocket::bind((any, 0))?;
        socket.set_nonblocking(true)?;
        socket.connect(server)?;
        socket.send(&question)?;
        Ok(socket)
    }

    /// The next thing that came on the socket, if there is any.
    fn receive(&mut self, buf: &mut [u8]) -> Option<Result<Answer, Failure>> {
        let question = self.plan.question()?;
        let (bytes, is_datagram) = match self.socket.as_mut()? {
            Socket::Datagrams(socket) => match socket.recv(buf) {
                Ok(length) => (&buf[..length], true),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return None,
                Err(_) => return Some(Err(Failure::Server)),
            },
            Socket::Stream(stream) => match stream.advance() {
                Ok(whole) => (whole?, false),
                Err(_) => return Some(Err(Failure::Server)),
            },
        };
        let answer = message::answer(bytes, self.id, &self.spelled, question.kind);
        Some(match answer {
            Ok(answer) => match answer.fate {
                Fate::Whole => Ok(answer),
                Fate::Cut if is_datagram => Err(Failure::Cut(answer)),
                // There is no more of it.
                Fate::Cut if !answer.is_empty() => Ok(answer),
                Fate::Misread if !self.is_old => Err(Failure::Misread),
                Fate::Cut | Fate::Misread | Fate::Failed => Err(Failure::Server),
            },
            Err(NotOurs::Respelled) if !self.is_plain && is_datagram => Err(Failure::Respelled),
            Err(NotOurs::Respelled | NotOurs::Stray) if is_datagram => Err(Failure::Stray),
            // Nothing else comes there.
            Err(NotOurs::Respelled | NotOurs::Stray) => Err(Failure::Server),
        })
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

/// The names that may be meant: a short one may belong to one of our domains.
fn candidates<'a>(host: &'a str, conf: &'a ResolvConf) -> impl Iterator<Item = Name> {
    let short = !host.contains('.');
    let domains = conf.domains.iter().filter(move |_| short);
    let longer = domains.map(move |domain| format!("{host}.{domain}"));
    let all = longer.chain([host.to_string()]);
    all.filter_map(|text| Name::from_text(&text))
}

/// How long the outcome of a plan is believed.
fn lasts(plan: &Plan) -> Duration {
    let said = plan.lifetime().map(|it| Duration::from_secs(it.into()));
    let (least, most) = match plan.found() {
        [] if plan.is_incomplete() => return FAILURE,
        [] => ABSENCE,
        [_, ..] => LIFETIME,
    };
    said.unwrap_or(FAILURE).clamp(least, most)
}

/// Randomness of the system's, which waits until it has some.
fn seeded() -> Random {
    let mut seed = [0; 16];
    let mut random = Random::new();
    if rustix::rand::getrandom(&mut seed, rustix::rand::GetRandomFlags::empty()).is_ok() {
        let (one, two) = seed.split_at(8);
        let half = |bytes: &[u8]| bytes.iter().fold(0, |all, it| all << 8 | u64::from(*it));
        random.seed([half(one), half(two)]);
    }
    random
}

#[cfg(test)]
mod tests;
