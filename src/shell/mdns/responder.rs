//! Says who is here (RFC 6762 §6 to §10, RFC 6763).
//!
//! ```text
//!            three probes, a quarter second apart      two announcements, a second apart
//!   serve ──► Probing ───────────────────────────────► Announcing ─────────────────────► Standing
//!              ▲  │ somebody else has the name,          │ addresses change: announced again │
//!              │  ▼ or claims it with better records     │                                   │
//!             another name, or a second's wait ◄─── somebody else says that it is his ◄──────┘
//! ```
//!
//! A *claim* is a name that only one may have: the host's, and each instance's. All go the same way, most of the time
//! together. Where another responder of this machine has the host's name, with our own addresses, it keeps it.

use std::net::IpAddr;
use std::string::{String, ToString};
use std::vec::Vec;
use std::{format, vec};

use super::known::{SERVICES, services};
use super::links::Link;
use super::message::{Data, LONG, LONGEST_LABEL, Message, Name, Record};
use super::writer::text;
use crate::ground::random::Random;
use crate::ground::time::{Duration, Instant};

/// What there is to say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Services {
    /// The host's name, one label.
    pub host: String,
    /// The ports of `_sip._udp` and `_sip._tcp`, where that is spoken.
    pub ports: [Option<u16>; 2],
    /// Our presentities, each with the name of its instance.
    pub instances: Vec<Served>,
}

/// A presentity, as it is announced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Served {
    /// The instance's name, one label.
    pub name: String,
    /// The presentity's address.
    pub uri: String,
}

/// Says it.
#[derive(Debug)]
pub struct Responder {
    services: Services,
    claims: Vec<Claim>,
    /// How many names were lost to others, one soon after the other, and when the last one was.
    conflicts: (u32, Instant),
    /// When each record went out last, and where.
    told: Vec<Told>,
}

/// A name that only one may have.
#[derive(Debug)]
struct Claim {
    /// The name as it was wanted.
    wanted: String,
    /// The name as it is now.
    label: String,
    /// How often it was changed.
    changes: u32,
    what: What,
    state: State,
    next: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    /// The host.
    Host,
    /// The presentity of that number.
    Instance(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Asks whether somebody has it, for the so-manieth time.
    Probing(u8),
    /// Says that it is ours, for the so-manieth time.
    Announcing(u8),
    /// It is ours.
    Standing,
    /// Another responder of this machine has it, and may keep it.
    Lent,
}

#[derive(Debug)]
struct Told {
    link: (u32, bool),
    record: Record,
    at: Instant,
}

/// What is due.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Due {
    /// Names to ask for, before they are claimed.
    pub probes: Vec<Name>,
    /// Whether something is to be announced.
    pub announces: bool,
}

/// Probes (§8.1), and the time between them.
const PROBES: u8 = 3;
const PROBE: Duration = Duration::from_millis(250);

/// Announcements (§8.3), and the time between them.
const ANNOUNCEMENTS: u8 = 2;
const ANNOUNCEMENT: Duration = Duration::from_secs(1);

/// Whoever loses so many names, each within such a time, waits so long before each further one (§8.1).
const CONFLICTS: u32 = 15;
const WITHIN: Duration = Duration::from_secs(10);
const PENANCE: Duration = Duration::from_secs(5);

/// How long who lost a tie waits before he asks again (§8.2).
const TIE: Duration = Duration::from_secs(1);

/// A record goes to everybody at most so often (§6).
const CALM: Duration = Duration::from_secs(1);

/// Seconds that records last which name a host (§10).
const SHORT: u32 = 120;

/// The service that lists services (RFC 6763 §9), and the kind of ours that can be watched (§7.1).
const TYPES: &str = "_services._dns-sd._udp.local";
const PRESENCE: &str = "_presence._sub";

impl Responder {
    /// Begins to claim the names of `services`.
    pub fn new(now: Instant, services: Services, random: &mut Random) -> Responder {
        let first = now + random.duration(Duration::ZERO, PROBE);
        let claim = |what, wanted: &str| Claim {
            wanted: wanted.to_string(),
            label: wanted.to_string(),
            changes: 0,
            what,
            state: State::Probing(0),
            next: Some(first),
        };
        let mut claims = vec![claim(What::Host, &services.host)];
        for (at, served) in services.instances.iter().enumerate() {
            claims.push(claim(What::Instance(at), &served.name));
        }
        Responder {
            services,
            claims,
            conflicts: (0, now),
            told: Vec::new(),
        }
    }

    /// What is said.
    pub fn services(&self) -> &Services {
        &self.services
    }

    /// Our addresses changed: says so at once, with records that replace the old ones (§8.4).
    pub fn announce_anew(&mut self, now: Instant) {
        for claim in &mut self.claims {
            match claim.state {
                State::Announcing(_) | State::Standing => {
                    (claim.state, claim.next) = (State::Announcing(0), Some(now));
                }
                State::Lent => (claim.state, claim.next) = (State::Probing(0), Some(now)),
                State::Probing(_) => {}
            }
        }
        self.told.clear();
    }

    /// What is due; it goes to every link.
    pub fn handle_timeout(&mut self, now: Instant) -> Due {
        let mut due = Due::default();
        let is_late = |claim: &Claim| claim.next.is_some_and(|next| next <= now);
        for claim in self.claims.iter_mut().filter(|it| is_late(it)) {
            (claim.state, claim.next) = match claim.state {
                State::Probing(PROBES..) => (State::Announcing(0), Some(now)),
                State::Probing(nth) => {
                    due.probes.extend(claim.names());
                    (State::Probing(nth + 1), Some(now + PROBE))
                }
                State::Announcing(_) | State::Standing | State::Lent => (claim.state, claim.next),
            };
            if let State::Announcing(nth) = claim.state {
                due.announces = true;
                let is_last = nth + 1 >= ANNOUNCEMENTS;
                (claim.state, claim.next) = match is_last {
                    true => (State::Standing, None),
                    false => (State::Announcing(nth + 1), Some(now + ANNOUNCEMENT)),
                };
            }
        }
        due
    }

    /// When something is due.
    pub fn due(&self) -> Option<Instant> {
        self.claims.iter().filter_map(|it| it.next).min()
    }

    /// All that is ours on `link`, and was said already or is now.
    pub fn records(&self, link: &Link) -> Vec<Record> {
        let is_ours = |claim: &&Claim| match claim.state {
            State::Announcing(_) | State::Standing => true,
            State::Probing(_) | State::Lent => false,
        };
        let ours = self.claims.iter().filter(is_ours);
        let mut records = Vec::new();
        for claim in ours {
            records.extend(self.own(claim, link));
            records.extend(self.pointers(claim));
        }
        records.extend(
            records
                .iter()
                .any(|it| !it.flushes)
                .then(|| self.types())
                .into_iter()
                .flatten(),
        );
        records
    }

    /// What probes claim.
    pub fn claimed(&self, link: &Link) -> Vec<Record> {
        let probing = self.claims.iter().filter(|it| it.is_probing());
        let claimed = probing.flat_map(|claim| self.own(claim, link));
        claimed
            .map(|it| Record {
                flushes: false,
                ..it
            })
            .collect()
    }

    /// Takes what others say: whether names of ours are theirs (§8.1, §9). `is_ours` knows this machine's addresses,
    /// `is_neighbour` says that another responder of this machine speaks. Names that were changed come back, with the
    /// ones in their place.
    pub fn handle_answer(
        &mut self,
        now: Instant,
        message: &Message,
        link: &Link,
        is_ours: impl Fn(IpAddr) -> bool,
        is_neighbour: bool,
    ) -> Vec<(Name, Name)> {
        let mut renamed = Vec::new();
        for at in 0..self.claims.len() {
            let claim = &self.claims[at];
            let names = claim.names();
            let own = self.own(claim, link);
            let about = |it: &&Record| it.lifetime > 0 && names.contains(&it.name);
            let is_harmless = |it: &Record| match &it.data {
                Data::Address(ip) => is_ours(*ip),
                // Instances of one name on one machine are two agents'.
                data => own
                    .iter()
                    .any(|own| own.name == it.name && own.data == *data),
            };
            let mut said = message.answers.iter().chain(&message.more).filter(about);
            let is_lost = said.clone().any(|it| !is_harmless(it));
            let is_had = claim.what == What::Host && is_neighbour && said.next().is_some();
            match claim.state {
                // Who has not asked yet hears it again when he does.
                State::Probing(1..) if is_lost => renamed.extend(self.rename(now, at)),
                State::Probing(_) if is_had => {
                    let claim = &mut self.claims[at];
                    (claim.state, claim.next) = (State::Lent, None);
                }
                // Whoever was there first says so again (§9).
                State::Announcing(_) | State::Standing if is_lost => self.probe_again(now, at),
                State::Lent if is_lost => {}
                State::Probing(_) | State::Announcing(_) | State::Standing | State::Lent => {}
            }
        }
        renamed
    }

    /// Takes a probe of others for names that we are about to claim: the better records win (§8.2).
    pub fn handle_probe(&mut self, now: Instant, message: &Message, link: &Link) {
        for at in 0..self.claims.len() {
            let claim = &self.claims[at];
            if !claim.is_probing() {
                continue;
            }
            let (own, names) = (self.own(claim, link), claim.names());
            for name in &names {
                let rank = |records: &[Record]| {
                    let about = records.iter().filter(|it| it.name == *name);
                    let mut ranks: Vec<_> = about.map(|it| it.data.rank()).collect();
                    ranks.sort();
                    ranks
                };
                let (theirs, ours) = (rank(&message.claims), rank(&own));
                if !theirs.is_empty() && theirs > ours {
                    let claim = &mut self.claims[at];
                    (claim.state, claim.next) = (State::Probing(0), Some(now + TIE));
                    break;
                }
            }
        }
    }

    /// Whether `record` may go to all of `link`, and if so, notes that it does. To defend a name it may sooner.
    pub fn may_tell(
        &mut self,
        now: Instant,
        link: (u32, bool),
        record: &Record,
        is_defence: bool,
    ) -> bool {
        let calm = if is_defence { PROBE } else { CALM };
        let is_it = |it: &Told| it.link == link && it.record.is_same(record);
        match self.told.iter_mut().find(|it| is_it(it)) {
            Some(told) if now - told.at < calm => false,
            Some(told) => {
                told.at = now;
                true
            }
            None => {
                self.told.push(Told {
                    link,
                    record: record.clone(),
                    at: now,
                });
                true
            }
        }
    }

    /// Whether it went to all of `link` so lately that who asks for himself needs no more (§5.4).
    pub fn was_told(&self, now: Instant, link: (u32, bool), record: &Record) -> bool {
        let lately = Duration::from_secs(u64::from(record.lifetime) / 4);
        let is_it = |it: &Told| it.link == link && it.record.is_same(record);
        self.told.iter().any(|it| is_it(it) && now - it.at < lately)
    }

    /// What belongs beside `record` (RFC 6763 §12).
    pub fn beside(&self, record: &Record, all: &[Record]) -> Vec<Record> {
        let (instance, host) = match &record.data {
            Data::Pointer(instance) => {
                let is_it = |it: &&Record| it.name == *instance;
                let host = all.iter().filter(is_it).find_map(|it| host_of(&it.data));
                (Some(instance), host)
            }
            data => (None, host_of(data)),
        };
        let is_beside = |it: &&Record| Some(&it.name) == instance || Some(&it.name) == host;
        all.iter().filter(is_beside).cloned().collect()
    }

    fn probe_again(&mut self, now: Instant, at: usize) {
        let claim = &mut self.claims[at];
        (claim.state, claim.next) = (State::Probing(0), Some(now));
    }

    /// Takes another name, and asks for that.
    fn rename(&mut self, now: Instant, at: usize) -> Option<(Name, Name)> {
        let (count, last) = self.conflicts;
        let count = if now - last > WITHIN { 1 } else { count + 1 };
        self.conflicts = (count, now);
        let wait = match count {
            CONFLICTS.. => PENANCE,
            _ => Duration::ZERO,
        };
        let claim = &mut self.claims[at];
        let old = claim.names().into_iter().next();
        claim.changes += 1;
        let behind = format!("-{}", claim.changes + 1);
        claim.label = shortened(&claim.wanted, LONGEST_LABEL - behind.len()) + &behind;
        (claim.state, claim.next) = (State::Probing(0), Some(now + wait));
        let new = claim.names().into_iter().next();
        let is_host = claim.what == What::Host;
        if is_host {
            // The instances are at another host now.
            self.announce_anew(now);
        }
        old.zip(new)
    }

    /// What only we may say of the claim.
    fn own(&self, claim: &Claim, link: &Link) -> Vec<Record> {
        let record = |name: &Name, lifetime, data| Record {
            name: name.clone(),
            flushes: true,
            lifetime,
            data,
        };
        let mut records = Vec::new();
        match claim.what {
            What::Host => {
                for name in claim.names() {
                    let addresses = link.told.iter();
                    records.extend(addresses.map(|ip| record(&name, SHORT, Data::Address(*ip))));
                }
            }
            What::Instance(at) => {
                let text = self.services.instances.get(at).map(|it| described(&it.uri));
                for (name, port) in claim.names().iter().zip(&self.services.ports) {
                    let host = self.claims.first().and_then(Claim::host);
                    if let (Some(port), Some(host), Some(text)) = (*port, host, &text) {
                        records.push(record(name, SHORT, Data::Server { port, host }));
                        records.push(record(name, LONG, Data::Text(text.clone())));
                    }
                }
            }
        }
        records
    }

    /// What leads to the claim, and may lead to others as well.
    fn pointers(&self, claim: &Claim) -> Vec<Record> {
        let What::Instance(_) = claim.what else {
            return Vec::new();
        };
        let mut records = Vec::new();
        let spoken = SERVICES.iter().zip(&self.services.ports);
        for ((service, port), name) in spoken.zip(claim.names()) {
            if port.is_none() {
                continue;
            }
            let kinds = [service.to_string(), format!("{PRESENCE}.{service}")];
            for kind in kinds.iter().filter_map(|it| Name::parse(it)) {
                records.push(pointer(kind, name.clone()));
            }
        }
        records
    }

    fn types(&self) -> Vec<Record> {
        let spoken = SERVICES.iter().zip(&self.services.ports);
        let spoken = spoken.filter(|(_, port)| port.is_some());
        let types = spoken
            .filter_map(|(service, _)| Some(pointer(Name::parse(TYPES)?, Name::parse(service)?)));
        types.collect()
    }
}

impl Claim {
    const fn is_probing(&self) -> bool {
        matches!(self.state, State::Probing(_))
    }

    /// The names that it is about: one of a host, of an instance one for each service.
    fn names(&self) -> Vec<Name> {
        match self.what {
            What::Host => self.host().into_iter().collect(),
            What::Instance(_) => services().filter_map(|it| it.below(&self.label)).collect(),
        }
    }

    fn host(&self) -> Option<Name> {
        Name::parse("local")?.below(&self.label)
    }
}

fn pointer(name: Name, to: Name) -> Record {
    Record {
        name,
        flushes: false,
        lifetime: LONG,
        data: Data::Pointer(to),
    }
}

fn host_of(data: &Data) -> Option<&Name> {
    match data {
        Data::Server { host, .. } => Some(host),
        Data::Address(_) | Data::Pointer(_) | Data::Text(_) => None,
    }
}

/// What is said of a presentity: nothing that changes, and nothing of its state.
fn described(uri: &str) -> Vec<u8> {
    text(&[
        ("txtvers", "1"),
        ("uri", uri),
        ("events", "presence,dialog"),
    ])
}

/// At most so many bytes of it, in whole letters.
fn shortened(text: &str, most: usize) -> String {
    let mut end = text.len().min(most);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_string()
}
