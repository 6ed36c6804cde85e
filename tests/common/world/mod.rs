//! The world: agents and model peers on a network that loses, doubles, delays and reorders, in virtual time.
//!
//! Nothing here sleeps or asks the time. The world goes from one event to the next: a datagram arrives, a timer is
//! due, somebody presses a button, the power fails. After each it checks what must always hold; the first thing that
//! does not ends the run with its seed.
//!
//! ```text
//!   desks (agents) ◄──┐                            ┌──► phones (model watchers)
//!    hardware, lamps  ├── network ── wiretap ──────┤
//!    truth            ┘   weather, cuts            └──► telephone systems (model notifiers)
//! ```

pub(crate) mod attacker;
mod birth;
pub(crate) mod chance;
pub(crate) mod desk;
mod disk;
pub(crate) mod documents;
mod judging;
pub(crate) mod life;
pub(crate) mod network;
mod owner;
pub(crate) mod pbx;
pub(crate) mod phone;
pub(crate) mod request;
pub(crate) mod sip;
pub(crate) mod truth;
mod user;
pub(crate) mod wiretap;

use attacker::Attacker;
use chance::{Chance, Map, Set};
use desk::{Desk, Shown};
use lampfield::Package;
use network::{Arrival, Datagram, Network, Weather};
use pbx::{Manners, Pbx};
use phone::{Event, Phone};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use wiretap::Wiretap;

/// Microseconds since the world began.
pub(crate) type Moment = u64;

pub(crate) const MILLI: Moment = 1_000;
pub(crate) const SECOND: Moment = 1_000_000;
pub(crate) const MINUTE: Moment = 60 * SECOND;

/// What happens in one instant at most; more is a loop.
const CROWD: u32 = 5_000;

/// What happens in all at most: ten times what the busiest life needs.
const EVENTS: u32 = 500_000;

/// All there is.
pub(crate) struct World {
    pub(crate) now: Moment,
    pub(crate) desks: Vec<Desk>,
    pub(crate) phones: Vec<Phone>,
    pub(crate) pbxs: Vec<Pbx>,
    pub(crate) attacker: Option<Attacker>,
    pub(crate) network: Network,
    pub(crate) wiretap: Wiretap,
    /// Everything sent, one line each, if it is kept.
    pub(crate) trail: Option<Vec<Line>>,
    /// What a lamp stands for.
    sources: BTreeMap<(usize, usize), Source>,
    /// Strangers that desks let in since they were switched on.
    let_in: Set<(usize, SocketAddr)>,
    /// Times that an owner began to hide from somebody.
    hidings: u64,
    parties: Map<SocketAddr, Party>,
    chance: Chance,
    /// Whether monotonic clocks begin at zero, whatever chance says.
    pub(crate) clocks_at_zero: bool,
    loud: bool,
    crowd: (Moment, u32),
    events: u32,
}

/// A datagram that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) at: Moment,
    pub(crate) from: SocketAddr,
    pub(crate) to: SocketAddr,
    pub(crate) text: String,
}

/// Whose state a lamp shows.
#[derive(Clone, Copy, Debug)]
enum Source {
    Presence(usize),
    Dialog(usize),
    Extension(usize, usize),
}

#[derive(Clone, Copy, Debug)]
enum Party {
    Desk(usize),
    Phone(usize),
    Pbx(usize),
    Attacker,
}

/// What comes next.
#[derive(Clone, Copy)]
enum Next {
    Arrival,
    Desk(usize),
    Phone(usize),
    Pbx(usize),
}

impl World {
    pub(crate) fn new(weather: Weather, mut chance: Chance) -> World {
        World {
            now: 0,
            desks: Vec::new(),
            phones: Vec::new(),
            pbxs: Vec::new(),
            attacker: None,
            network: Network::new(weather, chance.fork()),
            wiretap: Wiretap::default(),
            trail: None,
            sources: BTreeMap::new(),
            let_in: Set::default(),
            hidings: 0,
            parties: Map::default(),
            chance,
            clocks_at_zero: false,
            loud: std::env::var_os("LAMPFIELD_SEED").is_some(),
            crowd: (0, 0),
            events: 0,
        }
    }

    pub(crate) fn add_desk(&mut self) -> usize {
        let number = self.desks.len();
        let address = address(10 + number, 5_060);
        self.parties.insert(address, Party::Desk(number));
        self.desks.push(Desk::new(address));
        number
    }

    pub(crate) fn add_phone(&mut self, desk: usize, event: Event, expires: u32) -> usize {
        let number = self.phones.len();
        let address = address(100 + number, 5_062);
        self.parties.insert(address, Party::Phone(number));
        let (server, chance) = (self.desks[desk].address, self.chance.fork());
        self.phones
            .push(Phone::new(address, server, event, expires, chance));
        number
    }

    pub(crate) fn add_pbx(&mut self, manners: Manners) -> usize {
        let number = self.pbxs.len();
        let address = address(200 + number, 5_060);
        self.parties.insert(address, Party::Pbx(number));
        let chance = self.chance.fork();
        self.pbxs.push(Pbx::new(address, manners, chance));
        number
    }

    /// Somebody who means ill.
    pub(crate) fn add_attacker(&mut self) {
        let attacker = Attacker::new(self.chance.fork());
        self.parties.insert(attacker.address, Party::Attacker);
        self.attacker = Some(attacker);
    }

    /// He does something, if there is one; in a calm nothing that is much.
    pub(crate) fn attack(&mut self, calm: bool) {
        let Some(attacker) = &mut self.attacker else {
            return;
        };
        let desks: Vec<SocketAddr> = self.desks.iter().map(|it| it.address).collect();
        let phones = self.phones.iter().map(|it| it.address);
        let pbxs = self.pbxs.iter().map(|it| it.address);
        let others: Vec<SocketAddr> = phones.chain(pbxs).chain(desks.clone()).collect();
        for attacker::Forged { from, to, arrival } in attacker.act(&desks, &others, calm) {
            match &arrival {
                Arrival::Datagram(bytes) => self.log(from, to, bytes),
                Arrival::Unreachable(_) => {
                    self.say(|| format!("it is said that nobody is at {from}"));
                }
            }
            self.network.send(self.now, Datagram { from, to, arrival });
        }
    }

    /// A lamp at `desk` for the desk `other`, before it boots.
    pub(crate) fn lamp_for_desk(
        &mut self,
        desk: usize,
        other: usize,
        package: Package,
        times: (u32, u32),
    ) -> usize {
        let (uri, server) = (self.desks[other].uri.clone(), self.desks[other].address);
        self.desks[desk].watch(&uri, server, package, false, times);
        let lamp = self.desks[desk].settings.lamps.len() - 1;
        let source = match package {
            Package::Presence => Source::Presence(other),
            Package::Dialog => Source::Dialog(other),
            Package::PresenceWinfo => panic!("only the owner is told who watches"),
            Package::MessageSummary => panic!("no desk has a mailbox"),
            Package::Features => panic!("a phone's own affair"),
        };
        self.sources.insert((desk, lamp), source);
        lamp
    }

    /// A lamp at `desk` for an extension of a telephone system, before it boots.
    pub(crate) fn lamp_for_extension(
        &mut self,
        desk: usize,
        (pbx, extension): (usize, usize),
        package: Package,
        times: (u32, u32),
    ) -> usize {
        let (uri, server) = (self.pbxs[pbx].uri(extension), self.pbxs[pbx].address);
        self.desks[desk].watch(&uri, server, package, true, times);
        let lamp = self.desks[desk].settings.lamps.len() - 1;
        self.sources
            .insert((desk, lamp), Source::Extension(pbx, extension));
        lamp
    }

    /// A lamp at `desk` for whoever that is, before it boots; nobody checks what it shows.
    pub(crate) fn lamp_for_uri(&mut self, desk: usize, uri: &str) {
        self.desks[desk].watch_uri(uri, None, Package::Dialog, false, (300, 30));
    }

    /// Power on at a desk.
    pub(crate) fn boot(&mut self, desk: usize) -> Result<(), String> {
        // No machine starts an agent in its first second: what is due "since ever" is due by then.
        let drawn = self.chance.pick(&[0, 1, 1 << 20, 86_400 * SECOND, 1 << 45]);
        let origin = SECOND + if self.clocks_at_zero { 0 } else { drawn };
        let seed = [self.chance.bits(), self.chance.bits()];
        let now = self.now;
        self.say(|| format!("desk{desk} boots"));
        self.wiretap.forget(self.desks[desk].address);
        self.desks[desk].boot(now, origin, seed)?;
        // Who was let in is so still, where there is a store.
        if !self.desks[desk].remembers() {
            self.let_in.retain(|(at, _)| *at != desk);
        }
        self.after(desk, &[])
    }

    /// Power off at a desk. Its lamps are dark.
    pub(crate) fn cut(&mut self, desk: usize) -> Result<(), String> {
        self.say(|| format!("desk{desk} is cut off its power"));
        let shown = self.desks[desk].lamps.clone();
        self.desks[desk].cut();
        self.after(desk, &shown)
    }

    /// Somebody tells a desk's agent to stop. It leaves once everybody knows, or when its patience ends.
    pub(crate) fn stop(&mut self, desk: usize, patience: Option<Moment>) -> Result<(), String> {
        self.say(|| format!("desk{desk} is told to stop"));
        self.wiretap.leaves(self.desks[desk].address);
        let now = self.now;
        self.with_desk(desk, |desk| desk.stop(now, patience))
    }

    /// Somebody presses buttons at a desk.
    pub(crate) fn press(
        &mut self,
        desk: usize,
        change: impl FnOnce(&mut desk::Hardware),
    ) -> Result<(), String> {
        let now = self.now;
        self.with_desk(desk, |desk| desk.press(now, change))?;
        self.say(|| format!("desk{desk}"));
        Ok(())
    }

    /// Something happens to a telephone system.
    pub(crate) fn at_pbx(&mut self, pbx: usize, act: impl FnOnce(&mut Pbx, Moment)) {
        act(&mut self.pbxs[pbx], self.now);
        self.flush_pbx(pbx);
    }

    /// Lets time pass.
    pub(crate) fn run(&mut self, lasts: Moment) -> Result<(), String> {
        self.run_to(self.now + lasts)
    }

    /// Lets time pass until that moment.
    pub(crate) fn run_to(&mut self, end: Moment) -> Result<(), String> {
        while self.step(end)? {}
        Ok(())
    }

    /// Lets time pass until `done`, looking every `every`; `false` if it is not so by `end`.
    pub(crate) fn run_until(
        &mut self,
        end: Moment,
        every: Moment,
        done: impl Fn(&World) -> bool,
    ) -> Result<bool, String> {
        while self.now < end {
            if done(self) {
                return Ok(true);
            }
            self.run_to(end.min(self.now + every))?;
        }
        Ok(done(self))
    }

    /// Subscriptions that a desk has to itself.
    pub(crate) fn own_watches(&self, desk: usize) -> usize {
        let own = &self.desks[desk].uri;
        let watches = self.desks[desk].settings.watches.iter();
        watches.filter(|watch| watch.target.as_str() == own).count()
    }

    /// Goes to the next event before `end`; `false` when there is none left.
    fn step(&mut self, end: Moment) -> Result<bool, String> {
        let Some((at, next)) = self.next().filter(|(at, _)| *at <= end) else {
            self.now = self.now.max(end);
            return Ok(false);
        };
        self.now = self.now.max(at);
        self.count_crowd()?;
        let now = self.now;
        match next {
            Next::Arrival => self.arrive()?,
            Next::Desk(desk) => self.wake_desk(desk)?,
            Next::Phone(phone) => {
                self.phones[phone].wake(now);
                self.flush_phone(phone);
            }
            Next::Pbx(pbx) => self.at_pbx(pbx, Pbx::wake),
        }
        Ok(true)
    }

    fn next(&mut self) -> Option<(Moment, Next)> {
        let arrival = self.network.due().map(|at| (at, Next::Arrival));
        let desks = self.desks.iter().enumerate().filter_map(|(number, desk)| {
            let due = [desk.due, desk.saves, desk.stops]
                .into_iter()
                .flatten()
                .min()?;
            Some((due, Next::Desk(number)))
        });
        let phones = self.phones.iter().enumerate();
        let phones = phones.filter_map(|(number, it)| Some((it.due()?, Next::Phone(number))));
        let pbxs = self.pbxs.iter().enumerate();
        let pbxs = pbxs.filter_map(|(number, it)| Some((it.due()?, Next::Pbx(number))));
        desks
            .chain(phones)
            .chain(pbxs)
            .chain(arrival)
            .min_by_key(|(at, _)| *at)
    }

    fn count_crowd(&mut self) -> Result<(), String> {
        if self.crowd.0 != self.now {
            self.crowd = (self.now, 0);
        }
        self.crowd.1 += 1;
        self.events += 1;
        if self.events > EVENTS {
            return Err("it never comes to rest".to_string());
        }
        if self.crowd.1 > CROWD {
            return Err(format!("time stands still at {}", clock(self.now)));
        }
        Ok(())
    }

    fn wake_desk(&mut self, number: usize) -> Result<(), String> {
        let now = self.now;
        let desk = &self.desks[number];
        let leaves = desk.stops.is_some_and(|patience| patience <= now);
        if leaves || (desk.stops.is_some() && desk.is_stopped()) {
            return self.cut(number);
        }
        let mut due = [desk.due, desk.saves].into_iter().flatten();
        if due.any(|due| due <= now) {
            self.with_desk(number, |desk| desk.wake(now))?;
        }
        Ok(())
    }

    fn arrive(&mut self) -> Result<(), String> {
        let Some(datagram) = self.network.take(self.now) else {
            return Ok(());
        };
        let Datagram { from, to, arrival } = datagram;
        let now = self.now;
        match (self.parties.get(&to).copied(), arrival) {
            (Some(Party::Desk(desk)), arrival) if self.desks[desk].agent.is_none() => {
                match arrival {
                    Arrival::Datagram(bytes) => self.bounce(from, to, bytes),
                    Arrival::Unreachable(_) => {}
                }
                Ok(())
            }
            (Some(Party::Desk(desk)), Arrival::Datagram(bytes)) => {
                self.wiretap.delivered(from, to, &bytes);
                self.with_desk(desk, |desk| desk.receive(now, from, &bytes))
            }
            (Some(Party::Desk(desk)), Arrival::Unreachable(quoted)) => {
                self.wiretap.unreachable(to);
                self.with_desk(desk, |desk| desk.unreachable(now, from, &quoted))
            }
            (Some(Party::Phone(phone)), Arrival::Datagram(bytes)) => {
                self.phones[phone].receive(now, text(&bytes))?;
                self.flush_phone(phone);
                Ok(())
            }
            (Some(Party::Pbx(pbx)), Arrival::Datagram(bytes)) => {
                self.at_pbx(pbx, |pbx, now| pbx.receive(now, from, text(&bytes)));
                Ok(())
            }
            (Some(Party::Phone(_) | Party::Pbx(_)), Arrival::Unreachable(_))
            | (Some(Party::Attacker), _) => Ok(()),
            (None, _) => Err(format!("something arrives at {to}")),
        }
    }

    /// Nobody listens at `to`: in quick weather the network says so.
    fn bounce(&mut self, from: SocketAddr, to: SocketAddr, bytes: Vec<u8>) {
        if self.network.weather.quick {
            let (from, to, arrival) = (to, from, Arrival::Unreachable(bytes));
            self.network.send(self.now, Datagram { from, to, arrival });
        }
    }

    /// Does something with a desk, then sends what it sends and looks at its lamps.
    fn with_desk(
        &mut self,
        number: usize,
        act: impl FnOnce(&mut Desk) -> Result<(), String>,
    ) -> Result<(), String> {
        let shown = self.desks[number].lamps.clone();
        act(&mut self.desks[number])?;
        self.after(number, &shown)
    }

    fn after(&mut self, number: usize, shown: &[Shown]) -> Result<(), String> {
        let now = self.now;
        let from = self.desks[number].address;
        self.note_hidden(number);
        for (to, bytes) in self.desks[number].take_sent() {
            if !self.parties.contains_key(&to) {
                return Err(format!("desk{number} sends to {to}, who is nobody"));
            }
            self.log(from, to, &bytes);
            self.wiretap.sent(now, from, to, &bytes)?;
            self.keep_secret(number, to, &bytes)?;
            let arrival = Arrival::Datagram(bytes);
            self.network.send(now, Datagram { from, to, arrival });
        }
        self.judge_lamps(number, shown)
    }

    fn flush_phone(&mut self, number: usize) {
        let from = self.phones[number].address;
        for (to, bytes) in self.phones[number].take_sent() {
            self.carry(from, to, bytes);
        }
    }

    fn flush_pbx(&mut self, number: usize) {
        let from = self.pbxs[number].address;
        for (to, bytes) in self.pbxs[number].take_sent() {
            self.carry(from, to, bytes);
        }
    }

    fn carry(&mut self, from: SocketAddr, to: SocketAddr, bytes: Vec<u8>) {
        self.log(from, to, &bytes);
        let arrival = Arrival::Datagram(bytes);
        self.network.send(self.now, Datagram { from, to, arrival });
    }

    fn log(&mut self, from: SocketAddr, to: SocketAddr, bytes: &[u8]) {
        if let Some(attacker) = &mut self.attacker
            && from != attacker.address
        {
            attacker.hear(from, to, bytes);
        }
        if let Some(trail) = &mut self.trail {
            let text = text(bytes).to_string();
            let at = self.now;
            trail.push(Line { at, from, to, text });
        }
        self.say(|| {
            let sip = sip::Sip::of(text(bytes));
            let more = sip.find("Subscription-State").or(sip.find("Expires"));
            format!(
                "{} → {}  {}  {}  {}  {}",
                from.ip(),
                to.ip(),
                sip.start,
                sip.header("CSeq"),
                sip.header("Call-ID"),
                more.unwrap_or_default()
            ) + &told_by(sip.body)
        });
    }

    /// Tells what happens, when one seed is run alone.
    pub(crate) fn say(&self, what: impl FnOnce() -> String) {
        if self.loud {
            println!("{}  {}", clock(self.now), what());
        }
    }
}

fn address(last: usize, port: u16) -> SocketAddr {
    let last = u8::try_from(last).expect("a small world");
    SocketAddr::from(([192, 0, 2, last], port))
}

fn text(bytes: &[u8]) -> &str {
    core::str::from_utf8(bytes).expect("the world speaks UTF-8")
}

/// What a document tells, in a few words.
fn told_by(body: &str) -> String {
    let words = [
        "version=\"",
        " state=\"",
        "<dialog id=\"",
        "<state>",
        "<basic>",
        "<note>",
    ];
    let mut told = String::new();
    for (at, _) in body.char_indices() {
        if let Some(word) = words.iter().find(|word| body[at..].starts_with(**word)) {
            let rest = &body[at + word.len()..];
            told += "  ";
            told += rest.split(['"', '<']).next().unwrap_or_default();
        }
    }
    told
}

/// A moment as `12:34.567`.
pub(crate) fn clock(at: Moment) -> String {
    let (minutes, rest) = (at / MINUTE, at % MINUTE);
    format!(
        "{minutes:02}:{:02}.{:03}",
        rest / SECOND,
        rest % SECOND / MILLI
    )
}
