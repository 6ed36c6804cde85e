//! How connections get their places, and who makes way for whom.

use std::net::{IpAddr, SocketAddr, TcpStream};

use log::debug;

use super::connection::{Connection, State, tune};
use super::listeners::connect;
use super::{Event, Streams};
use crate::ground::limits;
use crate::ground::time::Instant;
use crate::shell::poller::Source;
use crate::wire::flow::{End, Flow};

impl Streams {
    pub(super) fn let_in(
        &mut self,
        now: Instant,
        tcp: TcpStream,
        local: SocketAddr,
        remote: SocketAddr,
    ) {
        let from = remote.ip();
        let is_theirs =
            |it: &&Connection| it.opened.is_none() && it.is_usable() && it.flow.remote.ip() == from;
        let place = if self.connections().filter(is_theirs).count() < limits::CONNECTIONS_EACH {
            self.room(now, None)
        } else {
            self.room(now, Some(from))
        };
        let Some(place) = place else {
            debug!("no room for a stream from {remote}");
            return;
        };
        tune(&tcp);
        let source = Source::Stream(place);
        if self.registry.add(&tcp, source).is_err() {
            return;
        }
        let flow = self.number(place, local, remote);
        self.enter(place, Connection::accepted(now, tcp, flow));
    }

    /// A connection that we have to `flow.remote`, or begin to have.
    pub(super) fn connection_to(&mut self, now: Instant, flow: Flow) -> Result<u16, End> {
        let mut all = (0..).zip(&self.places);
        let known = all.find_map(|(place, it)| {
            let it = it.connection.as_ref()?;
            let leads_there =
                it.opened.is_some() && it.flow.remote == flow.remote && it.is_usable();
            leads_there.then_some((place, it.flow, it.state))
        });
        match known {
            Some((place, _, State::Connecting { .. })) => return Ok(place),
            Some((place, flow, _)) => {
                self.events.push_back(Event::Connected(flow));
                return Ok(place);
            }
            None => {}
        }
        let place = self.room(now, None).ok_or(End::Refused)?;
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
        let flow = self.number(place, flow.local, flow.remote);
        self.enter(place, Connection::opened(now, tcp, flow));
        Ok(place)
    }

    /// A free place, if need be that of one who was unused for long: of anybody's, or of `from`'s only.
    fn room(&mut self, now: Instant, from: Option<IpAddr>) -> Option<u16> {
        if from.is_none()
            && let Some(vacant) = self.places.iter().position(|it| it.connection.is_none())
        {
            return u16::try_from(vacant).ok();
        }
        let unused = (0..).zip(&self.places).filter_map(|(place, it)| {
            let it = it.connection.as_ref()?;
            let concerns = from.is_none_or(|from| from == it.flow.remote.ip());
            let since = match it.state {
                State::Closing { .. } => Instant::ZERO,
                State::Open if it.may_go(now) => it.used,
                State::Connecting { .. } | State::Fresh { .. } | State::Open | State::Lost => {
                    return None;
                }
            };
            concerns.then_some((since, place))
        });
        let (_, place) = unused.min()?;
        self.end(place, End::Closed, "makes way");
        Some(place)
    }

    /// The flow of a new connection at `place`, with a number that comes again only after 2³² connections.
    fn number(&mut self, place: u16, local: SocketAddr, remote: SocketAddr) -> Flow {
        let all = limits::CONNECTIONS as u32;
        let lap = &mut self.places[usize::from(place)].lap;
        let connection = *lap * all + u32::from(place) + 1;
        *lap = (*lap + 1) % (u32::MAX / all);
        Flow::tcp(local, remote, connection)
    }

    fn enter(&mut self, place: u16, connection: Connection) {
        self.note_due(Some(connection.due()));
        self.places[usize::from(place)].connection = Some(connection);
    }
}
