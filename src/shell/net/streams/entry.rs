//! How connections get their places, and who makes way for whom.
//!
//! | whose | in all | to or from one address, or one IPv6 /64 |
//! |---|---|---|
//! | strangers' | [`limits::STRANGERS`] | [`limits::STRANGERS_EACH`] |
//! | all that peers opened | [`limits::CONNECTIONS_IN`] | [`limits::CONNECTIONS_EACH`] |
//! | ours that carry | [`limits::CARRIERS`] | [`limits::CARRIERS_EACH`] |
//!
//! Whoever has its share gets a place only from its own kind.

use std::fmt::{self, Write as _};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::string::String;
use std::vec::Vec;

use log::{debug, info};

use super::connection::{Connection, State, Whose, tune};
use super::listeners::connect;
use super::{Event, Streams};
use crate::ground::limits;
use crate::ground::network::site;
use crate::ground::time::Instant;
use crate::shell::poller::Source;
use crate::wire::flow::{End, Flow, Mistrust, Transport};

/// Who has a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// The peer's address.
    pub remote: SocketAddr,
    /// Whose connection it is.
    pub whose: Whose,
    /// Since when.
    pub since: Instant,
}

/// What some may have of the places.
#[derive(Clone, Copy, Debug)]
struct Share {
    of: Kind,
    /// Of them, those at one site alone.
    near: Option<IpAddr>,
    most: usize,
}

/// Those who share places.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Strangers,
    Incoming,
    Carriers,
}

impl Share {
    /// The shares that a newcomer has part in, the narrowest first.
    fn all(whose: Whose, near: IpAddr) -> impl Iterator<Item = Share> {
        let (of, most_near, most) = match whose {
            Whose::Stranger => (Kind::Strangers, limits::STRANGERS_EACH, limits::STRANGERS),
            Whose::Peer => (
                Kind::Incoming,
                limits::CONNECTIONS_EACH,
                limits::CONNECTIONS_IN,
            ),
            Whose::Carrier | Whose::Kept => {
                (Kind::Carriers, limits::CARRIERS_EACH, limits::CARRIERS)
            }
        };
        let share = |of, near, most| Share { of, near, most };
        let near = share(of, Some(near), most_near);
        let incoming =
            (!whose.is_ours()).then(|| share(Kind::Incoming, None, limits::CONNECTIONS_IN));
        [near, share(of, None, most)].into_iter().chain(incoming)
    }

    fn has(&self, it: &Connection) -> bool {
        let is_its = match self.of {
            Kind::Strangers => it.whose == Whose::Stranger,
            Kind::Incoming => !it.whose.is_ours(),
            Kind::Carriers => it.whose == Whose::Carrier,
        };
        let is_near = self
            .near
            .is_none_or(|near| near == site(it.flow.remote.ip()));
        is_its && is_near && it.is_usable()
    }
}

impl Streams {
    pub(super) fn let_in(&mut self, now: Instant, tcp: TcpStream, flow: Flow, is_trusted: bool) {
        let whose = match is_trusted {
            true => Whose::Peer,
            false => Whose::Stranger,
        };
        let tls = match flow.transport {
            Transport::Udp | Transport::Tcp => None,
            Transport::Tls => match self.tls.accept() {
                Some(tls) => Some(tls),
                None => return,
            },
        };
        let Some(place) = self.room(now, whose, flow.remote) else {
            return;
        };
        tune(&tcp);
        let source = Source::Stream(place);
        if self.registry.add(&tcp, source).is_err() {
            return;
        }
        let flow = self.number(place, flow);
        let connection = Connection::accepted(now, (tcp, tls), flow, is_trusted);
        self.enter(place, connection);
    }

    /// A connection that we have to `flow.remote`, or begin to have; inside TLS, with all of `names`.
    pub(super) fn connection_to<'a>(
        &mut self,
        now: Instant,
        flow: Flow,
        names: impl Iterator<Item = &'a str>,
    ) -> Result<u16, End> {
        let mut all = (0..).zip(&self.places);
        let known = all.find_map(|(place, it)| {
            let it = it.connection.as_ref()?;
            let is_there = (it.flow.transport, it.flow.remote) == (flow.transport, flow.remote);
            let leads_there = it.whose.is_ours() && is_there && it.is_usable() && !it.is_lost(now);
            leads_there.then_some(place)
        });
        if let Some(place) = known {
            // Another account may be sent there, and may not mean this peer.
            let is_meant = self.at(place).is_none_or(|it| it.expect(names));
            if !is_meant {
                return Err(End::Untrusted(Mistrust::Name));
            }
            self.join(place);
            return Ok(place);
        }
        let tls = match flow.transport {
            Transport::Udp | Transport::Tcp => None,
            Transport::Tls => {
                let tls = self.tls.connect(names, flow.remote.ip());
                Some(tls.ok_or(End::Untrusted(Mistrust::Absent))?)
            }
        };
        let place = self.room(now, Whose::Carrier, flow.remote);
        let place = place.ok_or(End::Refused)?;
        let from = self.listeners.any_at(flow.local).then_some(flow.local);
        let opened = connect(flow.remote, from).and_then(|tcp| {
            tune(&tcp);
            self.registry.add_both(&tcp, Source::Stream(place))?;
            Ok(tcp)
        });
        let tcp = opened.map_err(|error| {
            debug!("no stream to {}: {error}", flow.remote);
            End::Refused
        })?;
        let flow = self.number(place, flow);
        self.enter(place, Connection::opened(now, (tcp, tls), flow));
        Ok(place)
    }

    /// Somebody else's messages leave through it as well.
    fn join(&mut self, place: u16) {
        let Some(connection) = self.at(place) else {
            return;
        };
        let flow = connection.flow;
        match connection.state {
            State::Connecting { .. } | State::Shaking { .. } => {}
            State::Fresh { .. } | State::Open | State::Lost | State::Closing { .. } => {
                self.events.push_back(Event::Connected(flow));
            }
        }
    }

    /// A place for a connection of that kind with `remote`, if need be that of one who makes way.
    fn room(&mut self, now: Instant, whose: Whose, remote: SocketAddr) -> Option<u16> {
        let is_full = |share: &Share| {
            let its = self.connections().filter(|it| share.has(it));
            its.count() >= share.most
        };
        let full = Share::all(whose, site(remote.ip())).find(is_full);
        let place = match full {
            Some(share) => self.longest_unused(now, whose, |it| share.has(it)),
            None => match self.places.iter().position(|it| it.connection.is_none()) {
                Some(vacant) => return u16::try_from(vacant).ok(),
                None => self.longest_unused(now, whose, |_| true),
            },
        };
        match place {
            Some(place) => self.end(now, place, End::Closed, "makes way"),
            None => self.note_refused(now, remote),
        }
        place
    }

    /// Among some, the connection that makes way for one of a `newcomer`: one that says goodbye, a stranger's, or the
    /// one that is unused for longest.
    fn longest_unused(
        &self,
        now: Instant,
        newcomer: Whose,
        is_among: impl Fn(&Connection) -> bool,
    ) -> Option<u16> {
        let rank = |it: &Connection| match it.whose {
            Whose::Stranger => (1, it.used),
            Whose::Peer | Whose::Carrier | Whose::Kept => (2, it.used),
        };
        let rank = |it: &Connection| match it.is_usable() {
            true => rank(it),
            false => (0, it.used),
        };
        let all = (0..).zip(&self.places).filter_map(|(place, it)| {
            let it = it.connection.as_ref().filter(|it| is_among(it))?;
            let goes = !it.is_usable() || it.may_go(now, newcomer);
            goes.then_some((rank(it), place))
        });
        all.min().map(|(_, place)| place)
    }

    /// Nobody made way: the log says who has the places, so that somebody can do something about it.
    fn note_refused(&mut self, now: Instant, remote: SocketAddr) {
        self.refused += 1;
        let Some(kept_back) = self.limiter.admit(now) else {
            return;
        };
        let mut line = String::new();
        // A string takes everything.
        let _ = write!(line, "no place for tcp with {remote}: {}", self.holders());
        match kept_back {
            0 => info!("{line}"),
            more => info!("{line} ({more} lines kept back before)"),
        }
    }

    /// Who has how many places, those with the most first.
    fn holders(&self) -> Holders {
        let mut all: Vec<(usize, IpAddr, &'static str)> = Vec::new();
        for it in self.connections() {
            let (ip, name) = (site(it.flow.remote.ip()), it.whose.name());
            match all.iter_mut().find(|(_, at, by)| (*at, *by) == (ip, name)) {
                Some((count, _, _)) => *count += 1,
                None => all.push((1, ip, name)),
            }
        }
        all.sort_unstable_by_key(|(count, _, _)| std::cmp::Reverse(*count));
        Holders(all)
    }

    /// The flow of a new connection at `place`, with a number that comes again only after 2³² connections.
    fn number(&mut self, place: u16, flow: Flow) -> Flow {
        let all = limits::CONNECTIONS as u32;
        let lap = &mut self.places[usize::from(place)].lap;
        let connection = *lap * all + u32::from(place) + 1;
        *lap = (*lap + 1) % (u32::MAX / all);
        Flow { connection, ..flow }
    }

    fn enter(&mut self, place: u16, connection: Connection) {
        self.note_due(Some(connection.due()));
        self.places[usize::from(place)].connection = Some(connection);
    }
}

/// So many places, with whom, and whose.
struct Holders(Vec<(usize, IpAddr, &'static str)>);

impl fmt::Display for Holders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let taken: usize = self.0.iter().map(|(count, _, _)| count).sum();
        write!(f, "{taken} of {} taken", limits::CONNECTIONS)?;
        for (at, (count, ip, name)) in self.0.iter().enumerate() {
            let mark = if at == 0 { ": " } else { ", " };
            write!(f, "{mark}{count} {name} {ip}")?;
        }
        Ok(())
    }
}
