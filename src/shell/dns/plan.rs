//! What to ask for to find the servers of a name, and in which order they are tried.
//!
//! Read RFC 3263 §4.1 and §4.2, and RFC 2782 on priority and weight.
//!
//! ```text
//!   a port is written                                     A, AAAA
//!   the transport is written                  its SRV ──► A, AAAA of each server
//!                                                 none ─► A, AAAA of the name
//!   neither                 NAPTR ──► SRV of each service, as above
//!                               none ─► SRV for UDP, for TCP, A, AAAA: the first that there are
//! ```
//!
//! Where no transport is written NAPTR records choose TLS as they choose others, for who is there has to prove that he
//! is the one who was asked for. It is no promise: a later one of the records may lead past it.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::vec::Vec;

use super::message::{Answer, Kind, Name, Server, Service};
use crate::ground::limits::TARGETS;
use crate::ground::random::Random;
use crate::ua::targets::Target;
use crate::wire::flow::Transport;

/// Questions for one name. Hostile records lead to no more.
pub const QUESTIONS: usize = 24;

/// The address families that there are sockets for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Families {
    /// There is an IPv4 socket.
    pub v4: bool,
    /// There is an IPv6 socket.
    pub v6: bool,
}

/// One question, and what its answer is for.
#[derive(Clone, Debug)]
pub struct Question {
    /// The records asked for.
    pub kind: Kind,
    /// Whose.
    pub name: Name,
    transport: Transport,
    port: u16,
}

/// The questions for one name, and what was found so far.
pub struct Plan {
    usable: Families,
    /// Asked one after the other, the current one first.
    questions: VecDeque<Question>,
    /// Asked in turn as long as nothing is found.
    otherwise: VecDeque<Vec<Question>>,
    /// How many more may be asked.
    left: usize,
    found: Vec<Target>,
    /// The shortest that anything of it may be believed, in seconds.
    lifetime: Option<u32>,
    /// Whether a question had no answer.
    is_incomplete: bool,
}

impl Plan {
    /// What may have to be asked for any of `names`, which stand for the same; the first that leads anywhere counts.
    pub fn new(
        names: impl Iterator<Item = Name>,
        port: Option<u16>,
        transport: Option<Transport>,
        usable: Families,
    ) -> Plan {
        let mut plan = Plan {
            usable,
            questions: VecDeque::new(),
            otherwise: VecDeque::new(),
            left: QUESTIONS,
            found: Vec::new(),
            lifetime: None,
            is_incomplete: false,
        };
        for name in names {
            plan.add(&name, port, transport);
        }
        plan.next_group();
        plan
    }

    /// What is to be asked now; `None` when all is known that will be.
    pub fn question(&self) -> Option<&Question> {
        self.questions.front()
    }

    /// Takes the answer to the current question, and turns to the next.
    pub fn answer(&mut self, answer: &Answer, random: &mut Random) {
        let Some(question) = self.questions.pop_front() else {
            return;
        };
        if !answer.is_empty() || self.found.is_empty() {
            let both = [self.lifetime, answer.lifetime].into_iter().flatten();
            self.lifetime = both.min();
        }
        match question.kind {
            Kind::A | Kind::Aaaa => self.take_addresses(&question, answer, random),
            Kind::Srv => self.take_servers(&question, answer, random),
            Kind::Naptr => self.take_services(answer),
        }
        self.go_on();
    }

    /// Nobody answers the current question: turns to the next.
    pub fn skip(&mut self) {
        self.is_incomplete = true;
        self.questions.pop_front();
        self.go_on();
    }

    /// Where the name leads, the best place first.
    pub fn found(&self) -> &[Target] {
        &self.found
    }

    /// How long that may be believed, in seconds; `None` if nobody says.
    pub const fn lifetime(&self) -> Option<u32> {
        self.lifetime
    }

    /// Whether there may be more than was found, for want of an answer.
    pub const fn is_incomplete(&self) -> bool {
        self.is_incomplete
    }

    fn add(&mut self, name: &Name, port: Option<u16>, transport: Option<Transport>) {
        let spoken = transport.unwrap_or(Transport::Udp);
        if port.is_none() {
            let (first, last): (Option<Kind>, &[Transport]) = match transport {
                Some(_) => (None, &[spoken]),
                None => (Some(Kind::Naptr), &[Transport::Udp, Transport::Tcp]),
            };
            let naptr = first.map(|kind| Question::new(kind, name.clone(), spoken, 0));
            let srv = last.iter().filter_map(|&transport| {
                let name = name.below(service_of(transport))?;
                Some(Question::new(Kind::Srv, name, transport, 0))
            });
            let groups = naptr.into_iter().chain(srv).map(|it| Vec::from([it]));
            self.otherwise.extend(groups);
        }
        let port = port.unwrap_or(spoken.default_port());
        let addresses = self.addresses_of(name, spoken, port);
        self.otherwise.push_back(addresses);
    }

    /// IPv4 first: what has both is more often reached by it.
    fn addresses_of(&self, name: &Name, transport: Transport, port: u16) -> Vec<Question> {
        let kinds = [(self.usable.v4, Kind::A), (self.usable.v6, Kind::Aaaa)];
        let usable = kinds.into_iter().filter(|(usable, _)| *usable);
        let question = |(_, kind)| Question::new(kind, name.clone(), transport, port);
        usable.map(question).collect()
    }

    fn go_on(&mut self) {
        self.left = self.left.saturating_sub(1);
        if self.left == 0 || self.found.len() >= TARGETS {
            self.questions.clear();
            self.otherwise.clear();
        }
        self.next_group();
    }

    fn next_group(&mut self) {
        while self.questions.is_empty()
            && self.found.is_empty()
            && let Some(group) = self.otherwise.pop_front()
        {
            self.questions.extend(group);
        }
    }

    /// Those of one host are equal: chance keeps everybody from asking the same one.
    fn take_addresses(&mut self, question: &Question, answer: &Answer, random: &mut Random) {
        let mut addresses = answer.addresses.clone();
        shuffle(&mut addresses, random);
        for ip in addresses {
            let target = question.target(ip);
            if self.found.len() < TARGETS && !self.found.contains(&target) {
                self.found.push(target);
            }
        }
    }

    fn take_servers(&mut self, question: &Question, answer: &Answer, random: &mut Random) {
        let denies = |it: &Server| it.host.is_root();
        if !answer.servers.is_empty() && answer.servers.iter().all(denies) {
            // The service is decidedly not to be had: its host's addresses are no way around that.
            self.otherwise
                .retain(|group| group.iter().all(|it| !it.kind.is_address()));
        }
        let servers = answer.servers.iter().filter(|it| !denies(it)).cloned();
        let servers = in_order(servers.collect(), random);
        let questions = servers.iter().take(TARGETS);
        let questions = questions
            .flat_map(|it| self.addresses_of(&it.host, question.transport, it.port))
            .collect();
        self.ask_next(questions);
    }

    fn take_services(&mut self, answer: &Answer) {
        let spoken = |it: &&Service| it.transport != Transport::Tls || cfg!(feature = "tls");
        let mut services: Vec<&Service> = answer.services.iter().filter(spoken).collect();
        services.sort_by_key(|it| (it.order, it.preference));
        let questions = services.into_iter().map(|it| {
            let Service {
                transport, name, ..
            } = it.clone();
            Question::new(Kind::Srv, name, transport, 0)
        });
        self.ask_next(questions.collect());
    }

    fn ask_next(&mut self, questions: Vec<Question>) {
        for question in questions.into_iter().rev() {
            self.questions.push_front(question);
        }
    }
}

impl Question {
    const fn new(kind: Kind, name: Name, transport: Transport, port: u16) -> Question {
        Question {
            kind,
            name,
            transport,
            port,
        }
    }

    const fn target(&self, ip: IpAddr) -> Target {
        Target {
            transport: self.transport,
            address: SocketAddr::new(ip, self.port),
        }
    }
}

impl Kind {
    const fn is_address(self) -> bool {
        match self {
            Kind::A | Kind::Aaaa => true,
            Kind::Srv | Kind::Naptr => false,
        }
    }
}

impl Families {
    /// Whether there is a socket for that address.
    pub const fn take(self, ip: IpAddr) -> bool {
        match ip {
            IpAddr::V4(_) => self.v4,
            IpAddr::V6(_) => self.v6,
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

/// By priority; among equals each comes next with a chance of its weight's share (RFC 2782).
fn in_order(mut servers: Vec<Server>, random: &mut Random) -> Vec<Server> {
    // Those without weight come first, so that they have a small chance among others.
    servers.sort_by_key(|it| (it.priority, it.weight));
    let mut ordered = Vec::new();
    while let Some(best) = servers.first().map(|it| it.priority) {
        let equals = servers.iter().take_while(|it| it.priority == best);
        let sum: u64 = equals.map(|it| u64::from(it.weight)).sum();
        let drawn = random.bits() % (sum + 1);
        let mut passed = 0;
        let at = servers.iter().position(|it| {
            passed += u64::from(it.weight);
            passed >= drawn
        });
        ordered.push(servers.remove(at.unwrap_or(0)));
    }
    ordered
}

fn shuffle<T>(list: &mut [T], random: &mut Random) {
    for at in (1..list.len()).rev() {
        let other = random.bits() % (at as u64 + 1);
        list.swap(at, other as usize);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn random(seed: u64) -> Random {
        let mut random = Random::new();
        random.seed([seed, 7]);
        random
    }

    fn server(priority: u16, weight: u16) -> Server {
        let host = Name::from_text("pbx.example").expect("a name");
        Server {
            priority,
            weight,
            port: 5_060,
            host,
        }
    }

    #[test]
    fn weights_are_shares_within_a_priority() /* T20 RFC 2782 */
    {
        let mut first = [0; 3];
        for seed in 0..1_000 {
            let servers = [(20, 0), (10, 30), (10, 10), (10, 0)].map(|(p, w)| server(p, w));
            let ordered = in_order(servers.to_vec(), &mut random(seed));
            assert_eq!(ordered.len(), 4);
            assert_eq!(ordered[3].priority, 20, "the spare is the last");
            first[usize::from(ordered[0].weight / 15 + u16::from(ordered[0].weight == 10))] += 1;
        }
        let [none, light, heavy] = first;
        assert!((650..850).contains(&heavy), "{first:?}");
        assert!((150..350).contains(&light), "{first:?}");
        assert!((5..80).contains(&none), "a small chance: {first:?}");
    }
}
