//! Who is where: names that somebody asked for, and what became of them (RFC 6762 §5).
//!
//! ```text
//!            a question at once, then after 1, 2, 4 s       answered, or kept from before, or nobody
//!   ask ──► Asking ───────────────────────────────────────► Resting ──► ask …
//!                                                           │ another address is heard: news
//! ```
//!
//! A name that was asked for once is listened to from then on: hosts say by themselves when they come, go and move, so
//! that a watch follows at once. What is kept from before is only used when nobody answers, for who asks again has found
//! nobody at the address that he knows.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::string::{String, ToString};
use std::vec::Vec;

use super::cache::Found;
use super::known::{Known, Place, SERVICES, is_instance, services};
use super::message::{Data, Kind, LONG, Message, Name, Question, Record};
use crate::ground::network::Network;
use crate::ground::random::Random;
use crate::ground::time::{Duration, Instant};

/// Names that are listened to. Full: the one that nobody asked for longest goes, or nothing is found.
pub const WANTED: usize = 128;

/// Instances of services that are kept while somebody looks around. Full: further ones are not seen.
pub const INSTANCES: usize = 128;

/// How long before the first question, so that those of several hosts do not meet (§5.2).
const FIRST: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(100));

/// How often is asked, each time after twice as long.
const TRIES: u8 = 4;

/// How long before the second question.
const AGAIN: Duration = Duration::from_secs(1);

/// After so long without an answer what is kept from before is taken.
const PATIENCE: Duration = Duration::from_millis(1_500);

/// What was heard so shortly before is not asked for.
const FRESH: Duration = Duration::from_secs(2);

/// Between news of one name, whoever plays with it.
const CALM: Duration = Duration::from_secs(1);

/// Somebody who looks for names.
#[derive(Debug)]
pub struct Browser {
    known: Known,
    wanted: Vec<Wanted>,
    news: VecDeque<News>,
    /// Whether all instances of our services are looked for, and when is asked next.
    tour: Option<(Instant, u8)>,
}

/// What became known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// The answer for who asked.
    Found {
        /// The name as it was asked for.
        host: String,
        /// Where it is; `None` if nobody says so.
        place: Option<Place>,
    },
    /// A name that was asked for before is elsewhere, or is there at last.
    Moved {
        /// The name as it was asked for.
        host: String,
        /// All its addresses.
        addresses: Vec<IpAddr>,
    },
}

#[derive(Debug)]
struct Wanted {
    host: String,
    name: Name,
    is_instance: bool,
    state: State,
    /// The addresses that were told.
    told: Vec<IpAddr>,
    used: Instant,
    calm: Instant,
    /// When news are told that came too soon after others.
    late: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Resting,
    Asking {
        began: Instant,
        tries: u8,
        next: Instant,
        /// When what is kept from before is good enough, if that was not looked at yet.
        patience: Option<Instant>,
    },
}

impl Browser {
    /// Nobody is looked for. `usable` says which families there are sockets for: IPv4, IPv6.
    pub fn new(usable: (bool, bool)) -> Browser {
        Browser {
            known: Known {
                usable,
                ..Known::default()
            },
            wanted: Vec::new(),
            news: VecDeque::new(),
            tour: None,
        }
    }

    /// Our networks, and which interfaces there are.
    pub fn set_networks(&mut self, networks: Vec<Network>, is_there: impl Fn(u32) -> bool) {
        self.known.networks = networks;
        self.known.cache.keep(is_there);
    }

    /// Looks for `host`: [`News::Found`] follows, perhaps at once.
    pub fn ask(&mut self, now: Instant, host: &str, random: &mut Random) {
        let Some(at) = self.want(now, host) else {
            return self.tell_found(host, None);
        };
        let wanted = &self.wanted[at];
        if matches!(wanted.state, State::Asking { .. }) {
            return;
        }
        if self.is_complete(now, wanted, |heard| heard + FRESH >= now) {
            return self.finish(now, at);
        }
        self.wanted[at].state = State::Asking {
            began: now,
            tries: 0,
            next: now + random.duration(FIRST.0, FIRST.1),
            patience: Some(now + PATIENCE),
        };
    }

    /// Begins to look for all instances of our services.
    pub fn look_around(&mut self, now: Instant, random: &mut Random) {
        self.tour = Some((now + random.duration(FIRST.0, FIRST.1), 0));
    }

    /// Takes what an answer says.
    pub fn handle_answer(&mut self, now: Instant, interface: u32, message: &Message) {
        if self.wanted.is_empty() && self.tour.is_none() {
            return;
        }
        let records = || message.answers.iter().chain(&message.more);
        let is_address = |it: &&Record| matches!(it.data, Data::Address(_));
        // Which addresses are wanted is known behind where the instances are.
        let mut is_news = false;
        for record in records().filter(|it| !is_address(it)) {
            is_news |= self.take(now, interface, record);
        }
        for record in records().filter(is_address) {
            is_news |= self.take(now, interface, record);
        }
        if is_news {
            self.look_at_all(now);
        }
    }

    /// Takes a probe: whoever claims a name has just begun, so that it is news when he is there.
    pub fn handle_probe(&mut self, probe: &Message) {
        for wanted in &mut self.wanted {
            if probe.claims.iter().any(|it| it.name == wanted.name) {
                wanted.told.clear();
            }
        }
    }

    /// What is due: news, and the end of patience. Questions come out of [`Browser::take_questions`].
    pub fn handle_timeout(&mut self, now: Instant) {
        self.known.cache.expire(now);
        for at in 0..self.wanted.len() {
            let is_known = !self.known.places(now, &self.wanted[at].name).is_empty();
            let State::Asking {
                tries,
                next,
                patience,
                ..
            } = &mut self.wanted[at].state
            else {
                continue;
            };
            let is_over = *tries >= TRIES && *next <= now;
            let is_patient = patience.take_if(|until| *until <= now).is_none();
            if is_over || is_known && !is_patient {
                self.finish(now, at);
            }
        }
        self.look_at_all(now);
    }

    /// The questions that are due; `is_alone` says whether an answer to us alone gets here.
    pub fn take_questions(&mut self, now: Instant, is_alone: bool) -> Vec<Question> {
        let mut questions = Vec::new();
        for at in 0..self.wanted.len() {
            let State::Asking { tries, next, .. } = &mut self.wanted[at].state else {
                continue;
            };
            if *next > now || *tries >= TRIES {
                continue;
            }
            *next = now + AGAIN * (1 << *tries);
            *tries += 1;
            let is_unicast = is_alone && *tries == 1;
            self.questions_for(now, &self.wanted[at], is_unicast, &mut questions);
        }
        self.take_tour(now, &mut questions);
        questions
    }

    /// What is known of others.
    pub fn everything(&self) -> &Known {
        &self.known
    }

    /// What became known.
    pub fn take_news(&mut self) -> Option<News> {
        self.news.pop_front()
    }

    /// When [`Browser::handle_timeout`] and [`Browser::take_questions`] have something to do.
    pub fn due(&self) -> Option<Instant> {
        let asking = self.wanted.iter().filter_map(|it| match it.state {
            State::Asking { next, patience, .. } => Instant::earlier(Some(next), patience),
            State::Resting => it.late,
        });
        let tour = self.tour.map(|(next, _)| next);
        asking.chain(tour).chain(self.known.cache.due()).min()
    }

    /// The records that are known already of what is looked around for, which nobody needs to repeat (§7.1).
    pub fn known(&self, now: Instant, question: &Question) -> Vec<Record> {
        if question.kind != Kind::Ptr {
            return Vec::new();
        }
        let found = self.known.cache.find(now, &question.name, Kind::Ptr);
        let known = found.map(|found| Record {
            name: question.name.clone(),
            flushes: false,
            lifetime: LONG,
            data: found.data.clone(),
        });
        known.collect()
    }

    fn want(&mut self, now: Instant, host: &str) -> Option<usize> {
        if let Some(at) = self.wanted.iter().position(|it| it.host == host) {
            self.wanted[at].used = now;
            return Some(at);
        }
        let name = Name::parse(host)?;
        if self.wanted.len() >= WANTED {
            let all = self.wanted.iter().enumerate();
            let idle = all.filter(|(_, it)| it.state == State::Resting);
            let (oldest, _) = idle.min_by_key(|(_, it)| it.used)?;
            self.wanted.remove(oldest);
        }
        self.wanted.push(Wanted {
            host: host.to_string(),
            is_instance: is_instance(&name),
            name,
            state: State::Resting,
            told: Vec::new(),
            used: now,
            calm: now,
            late: None,
        });
        Some(self.wanted.len() - 1)
    }

    /// Says whether it is of use.
    fn take(&mut self, now: Instant, interface: u32, record: &Record) -> bool {
        let is_of_use = self.is_of_use(now, record);
        if is_of_use {
            self.known.cache.take(now, interface, record);
        }
        is_of_use
    }

    fn is_of_use(&self, now: Instant, record: &Record) -> bool {
        let name = &record.name;
        let is_wanted = self.wanted.iter().any(|it| it.name == *name);
        let is_tour = self.tour.is_some();
        match &record.data {
            Data::Pointer(instance) => {
                let is_service = |it: Name| it == *name && instance.is_below(&it);
                is_tour && services().any(is_service) && self.count(now) < INSTANCES
            }
            Data::Server { .. } | Data::Text(_) => is_wanted || is_tour && is_instance(name),
            Data::Address(_) => is_wanted || self.is_target(now, name),
        }
    }

    fn count(&self, now: Instant) -> usize {
        let all = SERVICES.iter().map(|it| self.known.pointers(now, it).len());
        all.sum()
    }

    /// Whether an instance that is looked for is there.
    fn is_target(&self, now: Instant, host: &Name) -> bool {
        let wanted = self.wanted.iter().filter(|it| it.is_instance);
        let mut wanted = wanted.map(|it| it.name.clone());
        let is_there = |name: &Name| {
            self.known
                .server(now, name)
                .is_some_and(|(it, _)| it == *host)
        };
        let is_seen = || {
            let pointers = SERVICES.iter().flat_map(|it| self.known.pointers(now, it));
            self.tour.is_some() && pointers.into_iter().any(|name| is_there(&name))
        };
        wanted.any(|name| is_there(&name)) || is_seen()
    }

    /// Answers who asks, and tells of those who moved.
    fn look_at_all(&mut self, now: Instant) {
        for at in 0..self.wanted.len() {
            let wanted = &self.wanted[at];
            match wanted.state {
                State::Asking { began, .. } => {
                    if self.is_complete(now, wanted, |heard| heard >= began) {
                        self.finish(now, at);
                    }
                }
                State::Resting => self.look_whether_moved(now, at),
            }
        }
    }

    fn look_whether_moved(&mut self, now: Instant, at: usize) {
        let wanted = &self.wanted[at];
        let places = self.known.places(now, &wanted.name);
        let addresses: Vec<IpAddr> = places.iter().map(|it| it.ip).collect();
        // One less is news as well: he may have been heard there a moment before he moved.
        let is_known = |it: &IpAddr| wanted.told.contains(it);
        let is_other = addresses.len() != wanted.told.len() || !addresses.iter().all(is_known);
        let is_new = is_other && !addresses.is_empty();
        let wanted = &mut self.wanted[at];
        if addresses.is_empty() {
            wanted.told.clear();
        }
        wanted.late = (is_new && now < wanted.calm).then_some(wanted.calm);
        if !is_new || wanted.late.is_some() {
            return;
        }
        wanted.told.clone_from(&addresses);
        wanted.calm = now + CALM;
        self.news.push_back(News::Moved {
            host: wanted.host.clone(),
            addresses,
        });
    }

    fn finish(&mut self, now: Instant, at: usize) {
        let places = self.known.places(now, &self.wanted[at].name);
        let wanted = &mut self.wanted[at];
        wanted.state = State::Resting;
        wanted.told = places.iter().map(|it| it.ip).collect();
        let host = wanted.host.clone();
        self.tell_found(&host, places.into_iter().next());
    }

    fn tell_found(&mut self, host: &str, place: Option<Place>) {
        self.news.push_back(News::Found {
            host: host.to_string(),
            place,
        });
    }

    /// Whether all that is to be known of it was heard so lately.
    fn is_complete(
        &self,
        now: Instant,
        wanted: &Wanted,
        is_late: impl Fn(Instant) -> bool,
    ) -> bool {
        let is_new = |found: Found<'_>| is_late(found.heard);
        let host = match wanted.is_instance {
            false => Some(wanted.name.clone()),
            true => {
                let mut servers = self.known.cache.find(now, &wanted.name, Kind::Srv);
                let mut texts = self.known.cache.find(now, &wanted.name, Kind::Txt);
                let is_told = servers.any(is_new) && texts.any(is_new);
                let server = self.known.server(now, &wanted.name);
                server.filter(|_| is_told).map(|(host, _)| host)
            }
        };
        host.is_some_and(|host| {
            let kinds = self.known.kinds().into_iter();
            let mut found = kinds.flat_map(|kind| self.known.cache.find(now, &host, kind));
            found.any(is_new)
        })
    }

    fn questions_for(
        &self,
        now: Instant,
        wanted: &Wanted,
        is_unicast: bool,
        questions: &mut Vec<Question>,
    ) {
        let mut add = |name: &Name, kind| {
            let question = Question {
                name: name.clone(),
                kind,
                is_unicast,
            };
            if !questions.contains(&question) {
                questions.push(question);
            }
        };
        let host = match wanted.is_instance {
            false => Some(wanted.name.clone()),
            true => {
                add(&wanted.name, Kind::Srv);
                add(&wanted.name, Kind::Txt);
                self.known.server(now, &wanted.name).map(|(host, _)| host)
            }
        };
        if let Some(host) = host {
            self.known
                .kinds()
                .into_iter()
                .for_each(|kind| add(&host, kind));
        }
    }

    /// Asks for all instances, and for what is missing about those that were found.
    fn take_tour(&mut self, now: Instant, questions: &mut Vec<Question>) {
        let Some((next, tries)) = self.tour else {
            return;
        };
        if next > now {
            return;
        }
        let wait = AGAIN * (1 << tries.min(6));
        self.tour = Some((now + wait, tries.saturating_add(1)));
        let mut add = |name: Name, kind| {
            questions.push(Question {
                name,
                kind,
                is_unicast: false,
            });
        };
        services().for_each(|it| add(it, Kind::Ptr));
        for name in SERVICES.iter().flat_map(|it| self.known.pointers(now, it)) {
            match self.known.server(now, &name) {
                None => add(name, Kind::Any),
                Some((host, _)) if self.known.addresses(now, &host).is_empty() => {
                    self.known
                        .kinds()
                        .into_iter()
                        .for_each(|kind| add(host.clone(), kind));
                }
                Some(_) => {}
            }
        }
    }
}
