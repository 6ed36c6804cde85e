//! One host's part in multicast DNS: a browser, a responder, and what goes in and out of them. It touches no socket and
//! no clock: time is an argument, and what is to be sent is polled.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hasher};
use std::net::IpAddr;
use std::vec::Vec;

use super::answers::{Answers, Pending};
use super::browser::{Browser, News};
use super::bucket::Bucket;
use super::known::Known;
use super::links::{Link, Origin, Outgoing, PORT};
use super::message::{self, Kind, Message, Name, Question, Record};
use super::responder::{Due, Responder, Services};
use super::writer::{Part, Writer, written};
use crate::ground::random::Random;
use crate::ground::time::Instant;

/// Messages that are read at once, and then each second: who floods us costs no more.
const TAKEN: Bucket = Bucket::new(256, 200);

/// The same of answers to one asker alone, whom anybody can invent.
const ALONE: Bucket = Bucket::new(64, 32);

/// Messages of our own that are known when they come back.
const OWN: usize = 64;

/// Addresses that were ours lately: others may still say so.
const FORMER: usize = 16;

/// Seconds that a record lasts for who knows nothing of this protocol (§6.7).
const LEGACY: u32 = 10;

/// A host's part.
#[derive(Debug)]
pub struct Node {
    links: Vec<Link>,
    former: VecDeque<IpAddr>,
    browser: Browser,
    responder: Option<Responder>,
    random: Random,
    answers: Answers,
    outgoing: VecDeque<Outgoing>,
    own: VecDeque<u64>,
    taken: Bucket,
    alone: Bucket,
    renamed: Vec<(Name, Name)>,
    /// Whether an answer to us alone gets here: nobody else of this machine has the port.
    is_alone: bool,
}

impl Node {
    /// Asks and says nothing so far. `usable` says which families there are SIP sockets for: IPv4, IPv6; `is_alone`,
    /// whether nobody else of this machine has the port.
    pub fn new(seed: [u64; 2], usable: (bool, bool), is_alone: bool) -> Node {
        let mut random = Random::new();
        random.seed(seed);
        Node {
            links: Vec::new(),
            former: VecDeque::new(),
            browser: Browser::new(usable),
            responder: None,
            random,
            answers: Answers::default(),
            outgoing: VecDeque::new(),
            own: VecDeque::new(),
            taken: TAKEN,
            alone: ALONE,
            renamed: Vec::new(),
            is_alone,
        }
    }

    /// The links there are now. What changed is announced at once.
    pub fn set_links(&mut self, now: Instant, links: Vec<Link>) {
        if links == self.links {
            return;
        }
        for (ip, _) in self.links.iter().flat_map(|it| &it.addresses) {
            self.former.push_back(*ip);
        }
        while self.former.len() > FORMER {
            self.former.pop_front();
        }
        self.links = links;
        let networks = self.links.iter().flat_map(|it| &it.addresses);
        let networks = networks.map(|(_, network)| *network).collect();
        let links = &self.links;
        let is_there = |index| links.iter().any(|it| it.index == index);
        self.browser.set_networks(networks, is_there);
        self.answers.clear();
        if let Some(responder) = &mut self.responder {
            responder.announce_anew(now);
        }
    }

    /// Announces `services` from now on, instead of others.
    pub fn serve(&mut self, now: Instant, services: Services) {
        if self
            .responder
            .as_ref()
            .is_some_and(|it| *it.services() == services)
        {
            return;
        }
        self.take_leave(now);
        self.responder = Some(Responder::new(now, services, &mut self.random));
    }

    /// Says goodbye for all that was announced (§10.1).
    pub fn take_leave(&mut self, _now: Instant) {
        let Some(responder) = self.responder.take() else {
            return;
        };
        self.answers.clear();
        for link in self.links.clone() {
            let records = responder.records(&link).into_iter();
            let records: Vec<Record> = records.map(Record::goodbye).collect();
            self.send_to_all(&link, &records, &[]);
        }
    }

    /// Looks for a name: see [`Browser::ask`].
    pub fn ask(&mut self, now: Instant, host: &str) {
        self.browser.ask(now, host, &mut self.random);
        self.hear_ourselves(now);
    }

    /// Looks for all instances from now on.
    pub fn look_around(&mut self, now: Instant) {
        self.browser.look_around(now, &mut self.random);
    }

    /// What is known of others.
    pub fn known(&self) -> &Known {
        self.browser.everything()
    }

    /// What became known.
    pub fn take_news(&mut self) -> Option<News> {
        self.browser.take_news()
    }

    /// A name of ours that another host has, and the one in its place.
    pub fn take_renamed(&mut self) -> Option<(Name, Name)> {
        self.renamed.pop()
    }

    /// Takes a message from the network, if it is from this link (§11).
    pub fn handle_message(&mut self, now: Instant, origin: Origin, bytes: &[u8]) {
        let Some(link) = self
            .links
            .iter()
            .find(|it| it.index == origin.link)
            .cloned()
        else {
            return;
        };
        let source = origin.source.ip();
        let is_ours = link.has(source);
        if is_ours && self.own.contains(&hash(bytes)) {
            return;
        }
        if !(origin.is_multicast || link.is_near(source)) || !self.taken.take(now) {
            return;
        }
        let Some(message) = message::read(bytes) else {
            return;
        };
        if !message.is_response {
            self.handle_question(now, origin, &link, &message);
        } else if origin.source.port() == PORT && (origin.is_multicast || origin.is_direct) {
            // From elsewhere no answer comes (§6): what went to all is passed on by no router, and what went to us alone may
            // have any source on it, but not all its hops (§11).
            self.browser.handle_answer(now, origin.link, &message);
            self.defend(now, &message, &link, is_ours);
        }
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.browser.handle_timeout(now);
        let questions = self.browser.take_questions(now, self.is_alone);
        self.send_questions(now, &questions);
        let due = self.responder.as_mut().map(|it| it.handle_timeout(now));
        if let Some(due) = due.filter(|it| *it != Due::default()) {
            for link in self.links.clone() {
                self.send_claims(now, &link, &due);
            }
            self.hear_ourselves(now);
        }
        while let Some(pending) = self.answers.take_due(now) {
            self.send_pending(now, pending);
        }
    }

    /// The next message to send.
    pub fn poll(&mut self) -> Option<Outgoing> {
        let outgoing = self.outgoing.pop_front()?;
        if self.own.len() >= OWN {
            self.own.pop_front();
        }
        self.own.push_back(hash(&outgoing.bytes));
        Some(outgoing)
    }

    /// When [`Node::handle_timeout`] has something to do.
    pub fn due(&self) -> Option<Instant> {
        let responder = self.responder.as_ref().and_then(Responder::due);
        let all = [self.browser.due(), responder, self.answers.due()];
        all.into_iter().flatten().min()
    }

    /// What is ours is known without the network.
    fn hear_ourselves(&mut self, now: Instant) {
        let Some(responder) = &self.responder else {
            return;
        };
        for link in &self.links {
            let message = Message {
                is_response: true,
                answers: responder.records(link),
                ..Message::default()
            };
            self.browser.handle_answer(now, link.index, &message);
        }
    }

    fn handle_question(&mut self, now: Instant, origin: Origin, link: &Link, message: &Message) {
        self.browser.handle_probe(message);
        let Some(responder) = &mut self.responder else {
            return;
        };
        if !message.claims.is_empty() {
            responder.handle_probe(now, message, link);
        }
        if message.questions.is_empty() {
            return self.answers.forget_known(origin, message);
        }
        let all = responder.records(link);
        let is_known = |record: &Record| {
            let enough = |it: &Record| it.is_same(record) && it.lifetime >= record.lifetime / 2;
            message.answers.iter().any(enough)
        };
        let asked = |record: &&Record| message.questions.iter().any(|it| it.wants(record));
        let wanted = all.iter().filter(asked).filter(|it| !is_known(it));
        let wanted: Vec<Record> = wanted.cloned().collect();
        if wanted.is_empty() {
            return;
        }
        let family = (origin.link, origin.source.is_ipv6());
        let is_legacy = origin.source.port() != PORT;
        let wants_all = message.questions.iter().any(|it| !it.is_unicast);
        let is_late = wanted.iter().all(|it| responder.was_told(now, family, it));
        if is_legacy || !origin.is_multicast || !wants_all && is_late {
            self.answer_alone(now, origin, link, message, &wanted);
        } else {
            self.answers
                .add(now, origin, message, wanted, &mut self.random);
        }
    }

    /// Answers one asker, who may know nothing of this protocol (§5.4, §6.7).
    fn answer_alone(
        &mut self,
        now: Instant,
        origin: Origin,
        link: &Link,
        message: &Message,
        wanted: &[Record],
    ) {
        if !link.is_near(origin.source.ip()) || !self.alone.take(now) {
            return;
        }
        let is_legacy = origin.source.port() != PORT;
        let plain = |record: &Record| Record {
            flushes: record.flushes && !is_legacy,
            lifetime: if is_legacy {
                record.lifetime.min(LEGACY)
            } else {
                record.lifetime
            },
            ..record.clone()
        };
        let mut writer = Writer::answer(if is_legacy { message.id } else { 0 });
        if is_legacy {
            for question in &message.questions {
                writer.ask(&Question {
                    is_unicast: false,
                    ..question.clone()
                });
            }
        }
        for record in wanted {
            writer.record(Part::Answer, &plain(record));
        }
        for record in self.beside(link, wanted) {
            writer.record(Part::More, &plain(&record));
        }
        self.outgoing.push_back(Outgoing {
            link: origin.link,
            is_v6: origin.source.is_ipv6(),
            to: Some(origin.source),
            bytes: writer.finish(),
        });
    }

    /// Looks whether names of ours are others'.
    fn defend(&mut self, now: Instant, message: &Message, link: &Link, is_neighbour: bool) {
        let Some(responder) = &mut self.responder else {
            return;
        };
        let (links, former) = (&self.links, &self.former);
        let is_ours = |ip| former.contains(&ip) || links.iter().any(|it| it.has(ip));
        let renamed = responder.handle_answer(now, message, link, is_ours, is_neighbour);
        self.renamed.extend(renamed);
    }

    fn send_questions(&mut self, now: Instant, questions: &[Question]) {
        if questions.is_empty() {
            return;
        }
        let mut writer = Writer::question();
        let mut full = Vec::new();
        for question in questions {
            if !writer.ask(question) {
                full.push(std::mem::replace(&mut writer, Writer::question()).finish());
                writer.ask(question);
            }
        }
        for known in questions.iter().flat_map(|it| self.browser.known(now, it)) {
            writer.record(Part::Answer, &known);
        }
        full.push(writer.finish());
        for link in self.links.clone() {
            full.iter().for_each(|bytes| self.send(&link, bytes));
        }
    }

    /// Probes and announcements.
    fn send_claims(&mut self, now: Instant, link: &Link, due: &Due) {
        let Some(responder) = &mut self.responder else {
            return;
        };
        if !due.probes.is_empty() {
            let mut writer = Writer::question();
            for name in &due.probes {
                writer.ask(&Question {
                    name: name.clone(),
                    kind: Kind::Any,
                    is_unicast: self.is_alone,
                });
            }
            for record in responder.claimed(link) {
                writer.record(Part::Claim, &record);
            }
            self.send(link, &writer.finish());
        }
        if due.announces
            && let Some(responder) = &mut self.responder
        {
            let records = responder.records(link);
            for is_v6 in [false, true] {
                let mut tell = |it: &Record| responder.may_tell(now, (link.index, is_v6), it, true);
                records.iter().for_each(|it| {
                    tell(it);
                });
            }
            self.send_to_all(link, &records, &[]);
        }
    }

    fn send_pending(&mut self, now: Instant, pending: Pending) {
        let Some(link) = self
            .links
            .iter()
            .find(|it| it.index == pending.link.0)
            .cloned()
        else {
            return;
        };
        let Some(responder) = &mut self.responder else {
            return;
        };
        let all = responder.records(&link);
        let is_ours = |it: &Record| all.contains(it);
        let mut may = |it: &Record| {
            is_ours(it) && responder.may_tell(now, pending.link, it, pending.is_defence)
        };
        let records: Vec<Record> = pending.records.into_iter().filter(|it| may(it)).collect();
        let more = self.beside(&link, &records);
        for bytes in written(&records, &more) {
            self.outgoing.push_back(Outgoing {
                link: link.index,
                is_v6: pending.link.1,
                to: None,
                bytes,
            });
        }
    }

    /// What belongs beside `records`, and is not among them.
    fn beside(&self, link: &Link, records: &[Record]) -> Vec<Record> {
        let mut more: Vec<Record> = Vec::new();
        let Some(responder) = &self.responder else {
            return more;
        };
        let all = responder.records(link);
        for record in records.iter().flat_map(|it| responder.beside(it, &all)) {
            if !records.contains(&record) && !more.contains(&record) {
                more.push(record);
            }
        }
        more
    }

    fn send_to_all(&mut self, link: &Link, records: &[Record], more: &[Record]) {
        written(records, more)
            .iter()
            .for_each(|it| self.send(link, it));
    }

    /// Over each family that the link speaks.
    fn send(&mut self, link: &Link, bytes: &[u8]) {
        for is_v6 in [false, true] {
            if link.speaks(is_v6) {
                self.outgoing.push_back(Outgoing {
                    link: link.index,
                    is_v6,
                    to: None,
                    bytes: bytes.to_vec(),
                });
            }
        }
    }
}

fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    hasher.finish()
}
