//! The network between the parties: it loses, doubles, delays and reorders what it carries.

use super::chance::{Chance, Map};
use super::{MILLI, Moment};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::{IpAddr, SocketAddr};

/// How bad the network is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Weather {
    /// Datagrams lost, in a thousand.
    pub(crate) loss: u64,
    /// Datagrams that arrive twice, in a thousand.
    pub(crate) doubles: u64,
    /// The longest way; every datagram takes its own time, so they overtake each other.
    pub(crate) slowest: Moment,
    /// Datagrams in a thousand that take ten times as long.
    pub(crate) stragglers: u64,
    /// Whether the network says that nobody is at an address.
    pub(crate) quick: bool,
}

impl Weather {
    /// Nothing is lost, nothing overtakes.
    pub(crate) const FAIR: Weather = Weather {
        loss: 0,
        doubles: 0,
        slowest: 2 * MILLI,
        stragglers: 0,
        quick: false,
    };
}

/// What arrives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    Datagram(Vec<u8>),
    /// Nobody is at the address that it comes from.
    Unreachable(Vec<u8>),
}

/// A datagram on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Datagram {
    pub(crate) from: SocketAddr,
    pub(crate) to: SocketAddr,
    pub(crate) arrival: Arrival,
}

/// All that is on its way.
pub(crate) struct Network {
    pub(crate) weather: Weather,
    chance: Chance,
    queue: BinaryHeap<Reverse<(Moment, u64)>>,
    flying: Map<u64, Datagram>,
    /// The last thing sent on each way in fair weather: it is not overtaken.
    last: Map<(SocketAddr, SocketAddr), Moment>,
    sent: u64,
    /// Hosts cut off, and until when.
    cut: Map<IpAddr, Moment>,
}

impl Network {
    pub(crate) fn new(weather: Weather, chance: Chance) -> Network {
        Network {
            weather,
            chance,
            queue: BinaryHeap::new(),
            flying: Map::default(),
            last: Map::default(),
            sent: 0,
            cut: Map::default(),
        }
    }

    /// Cuts a host off until then.
    pub(crate) fn cut(&mut self, host: IpAddr, until: Moment) {
        let end = self.cut.entry(host).or_insert(until);
        *end = until.max(*end);
    }

    /// All cables are in, the sky is clear.
    pub(crate) fn clear(&mut self) {
        self.cut.clear();
        self.weather = Weather::FAIR;
    }

    /// Loses all that is on its way between two hosts in this direction; says how much that was.
    pub(crate) fn lose(&mut self, from: SocketAddr, to: SocketAddr) -> usize {
        let before = self.flying.len();
        self.flying
            .retain(|_, datagram| datagram.from != from || datagram.to != to);
        before - self.flying.len()
    }

    pub(crate) fn send(&mut self, now: Moment, datagram: Datagram) {
        let weather = self.weather;
        if self.is_cut(now, datagram.from.ip()) || self.is_cut(now, datagram.to.ip()) {
            return;
        }
        if self.chance.permille(weather.loss) {
            return;
        }
        if self.chance.permille(weather.doubles) {
            self.carry(now, datagram.clone());
        }
        self.carry(now, datagram);
    }

    /// When the next thing arrives.
    pub(crate) fn due(&mut self) -> Option<Moment> {
        while let Some(Reverse((at, number))) = self.queue.peek() {
            if self.flying.contains_key(number) {
                return Some(*at);
            }
            self.queue.pop();
        }
        None
    }

    /// Takes what arrives at `now`. What flies into a host that was cut off meanwhile is lost.
    pub(crate) fn take(&mut self, now: Moment) -> Option<Datagram> {
        while self.due().is_some_and(|at| at <= now) {
            let Reverse((_, number)) = self.queue.pop()?;
            let datagram = self.flying.remove(&number)?;
            if !self.is_cut(now, datagram.to.ip()) {
                return Some(datagram);
            }
        }
        None
    }

    fn carry(&mut self, now: Moment, datagram: Datagram) {
        let mut takes = self.chance.between(MILLI, self.weather.slowest.max(MILLI));
        if self.chance.permille(self.weather.stragglers) {
            takes *= 10;
        }
        let mut at = now + takes;
        if self.weather.slowest <= Weather::FAIR.slowest {
            let last = self.last.entry((datagram.from, datagram.to)).or_default();
            at = at.max(*last + 1);
            *last = at;
        }
        self.sent += 1;
        self.queue.push(Reverse((at, self.sent)));
        self.flying.insert(self.sent, datagram);
    }

    fn is_cut(&self, now: Moment, host: IpAddr) -> bool {
        self.cut.get(&host).is_some_and(|until| now < *until)
    }
}
