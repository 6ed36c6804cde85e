//! SIP over TCP, and inside TLS over it: connections that peers open to us, and those that we open to them.
//!
//! Read RFC 3261 §18 and RFC 5626 §3.5.1 first. A connection has a number that no other ever has, so that an answer
//! never leaves through a neighbour. All of them share [`limits::CONNECTIONS`] places, each with one block of memory
//! for as long as it is taken; a message costs no allocation and a turn writes to a connection once.
//!
//! ```text
//!  listener ─ accept ─► place ─ receive, next ─► message, pong ─► agent
//!                         ▲                                        │
//!  connect ◄──────────────┴─────────────── flush ◄─────── send ◄───┘     events: connected, ended
//! ```

mod connection;
mod entry;
mod listeners;
mod secret;
mod times;

pub use connection::{Whose, outcome};
pub use entry::Held;
pub use listeners::{Listener, connect};
pub use times::{
    CARRIED, CLOSING, CONNECT, FIRST, IDLE, KEPT, PAUSE, PINGS, PINGS_WITHIN, STALLED, STRANGER,
    WHOLE,
};

use std::collections::VecDeque;
use std::io;
use std::net::IpAddr;
use std::vec::Vec;

use log::debug;

use self::connection::{Connection, Dead, State, Step, is_echo};
use self::listeners::Listeners;
use crate::ground::limits;
use crate::ground::time::Instant;
use crate::shell::journal::Limiter;
use crate::shell::poller::{Registry, Source};
use crate::shell::tls::Tls;
use crate::wire::flow::{End, Flow};
use crate::wire::sip::Status;

/// All streams.
///
/// Full: a stranger makes way for anybody else; then the one that is longest unused, if it was opened by a peer and that
/// is longer than a transaction takes (RFC 3261 §18); if it is ours, [`CARRIED`] or [`KEPT`]. Else the new one is closed
/// at once, and the log says who has the places. See [`entry`] for the shares of each.
#[derive(Debug)]
pub struct Streams {
    listeners: Listeners,
    tls: Tls,
    registry: Registry,
    places: Vec<Place>,
    /// Places with bytes to send.
    unsent: Vec<u16>,
    /// Places with messages that have come and wait for the next turn.
    put_off: VecDeque<u16>,
    events: VecDeque<Event>,
    /// No connection has had its time before this.
    due: Option<Instant>,
    /// How many got no place so far, and how often the log says so.
    refused: u64,
    limiter: Limiter,
}

#[derive(Debug, Default)]
struct Place {
    /// How many connections were here before.
    lap: u32,
    connection: Option<Connection>,
}

/// What the agent is told of connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// What was sent without a connection leaves through this one.
    Connected(Flow),
    /// A connection has ended, or none can be had: then its number is 0.
    Ended(Flow, End),
}

/// What came on a connection.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard<'a> {
    /// A message.
    Message {
        /// Where from.
        flow: Flow,
        /// All of it.
        bytes: &'a [u8],
    },
    /// Framing is lost (RFC 3261 §18.3): what is answered now still goes out.
    Lost {
        /// Where from.
        flow: Flow,
        /// What to answer.
        status: Status,
        /// What was understood.
        head: &'a [u8],
    },
    /// The answer to a ping of ours (RFC 5626 §4.4.1).
    Pong(Flow),
}

/// Streams let in before others get their turn.
const BATCH: usize = 16;

impl Streams {
    /// No streams yet; `registry` wakes whoever calls [`Streams::accept`] and [`Streams::receive`].
    ///
    /// # Errors
    /// The kernel's, when it is out of memory.
    pub fn new(listeners: Vec<Listener>, tls: Tls, registry: Registry) -> io::Result<Streams> {
        Ok(Streams {
            tls,
            listeners: Listeners::new(listeners, &registry)?,
            registry,
            places: (0..limits::CONNECTIONS).map(|_| Place::default()).collect(),
            unsent: Vec::with_capacity(limits::CONNECTIONS),
            put_off: VecDeque::with_capacity(limits::CONNECTIONS),
            events: VecDeque::with_capacity(2 * limits::CONNECTIONS),
            due: None,
            refused: 0,
            limiter: Limiter::new(),
        })
    }

    /// Lets in who waits at listener `at`, within reason. `trusts` says of whom we think well.
    pub fn accept(&mut self, now: Instant, at: usize, trusts: impl Fn(IpAddr) -> bool) {
        for _ in 0..BATCH {
            let Some((tcp, local)) = self.listeners.accept(now, at, &self.registry) else {
                break;
            };
            if let Ok(remote) = tcp.peer_addr() {
                let flow = Flow {
                    transport: self.listeners.transport(at),
                    ..Flow::tcp(local, remote, 0)
                };
                self.let_in(now, tcp, flow, trusts(remote.ip()));
            }
        }
        self.note_due(self.listeners.due());
    }

    /// Something happened to the connection at `place`. Takes what has come: hand out all that [`Streams::next`] gives.
    pub fn receive(&mut self, now: Instant, place: u16) {
        let Some(connection) = self.at(place) else {
            return;
        };
        if let State::Connecting { .. } = connection.state {
            self.look_whether_connected(now, place);
            return;
        }
        if connection.has_unsent() {
            self.flush_place(now, place);
        }
        let Some(connection) = self.at(place).filter(|it| !it.is_put_off) else {
            return;
        };
        let received = connection.receive(now);
        if let State::Closing { .. } = connection.state {
            connection.discard();
        }
        if let Err(Dead(end)) = received {
            // What was asked before has been answered; a last answer may be in the queue.
            self.flush_place(now, place);
            return self.end(now, place, end, "closed by the peer");
        }
        if connection.is_secret() {
            self.shake(now, place);
        }
    }

    /// The next thing that came on the connection at `place`.
    pub fn next(&mut self, now: Instant, place: u16) -> Option<Heard<'_>> {
        let (found, flow) = loop {
            let connection = self.at(place)?;
            let flow = connection.flow;
            match connection.step(now) {
                Step::Ping => self.push(now, place, b"\r\n"),
                Step::Flood => self.end(now, place, End::Closed, "too many pings"),
                Step::Nothing if connection.state == State::Lost => {
                    self.leave(now, place);
                    return None;
                }
                Step::Nothing if connection.unseal() => {}
                Step::Nothing => {
                    let due = connection.due();
                    self.note_due(Some(due));
                    return None;
                }
                Step::Pong => return Some(Heard::Pong(flow)),
                Step::Message(range) => break ((None, range), flow),
                Step::Lost(status, head) => break ((Some(status), head), flow),
            }
        };
        let connection = self.places[usize::from(place)].connection.as_ref()?;
        Some(match found {
            (None, range) => Heard::Message {
                flow,
                bytes: connection.bytes(range),
            },
            (Some(status), head) => Heard::Lost {
                flow,
                status,
                head: connection.bytes(head),
            },
        })
    }

    /// What else has come on the connection at `place` is for the next turn: others want theirs.
    pub fn put_off(&mut self, place: u16) {
        if let Some(connection) = self.at(place) {
            connection.is_put_off = true;
            self.put_off.push_back(place);
        }
    }

    /// Whether what has come on the connection at `place` was put off.
    pub fn is_put_off(&self, place: u16) -> bool {
        let place = self.places.get(usize::from(place));
        place.is_some_and(|it| it.connection.as_ref().is_some_and(|it| it.is_put_off))
    }

    /// How many connections were put off: nobody may sleep until it was their turn.
    pub fn waiting(&self) -> usize {
        self.put_off.len()
    }

    /// One that was put off and has its turn now.
    pub fn take_waiting(&mut self) -> Option<u16> {
        let place = self.put_off.pop_front()?;
        if let Some(connection) = self.at(place) {
            connection.is_put_off = false;
        }
        Some(place)
    }

    /// Sends a message through the connection of `flow`. It leaves with [`Streams::flush`], or once there is a
    /// connection; if it cannot, [`Event::Ended`] says so.
    pub fn send(&mut self, now: Instant, flow: Flow, message: &[u8]) {
        self.send_to(now, flow, std::iter::empty(), message);
    }

    /// The same, where a new connection inside TLS is one with all of `names` (RFC 5922 §7.3).
    pub fn send_to<'a>(
        &mut self,
        now: Instant,
        flow: Flow,
        names: impl Iterator<Item = &'a str>,
        message: &[u8],
    ) {
        let place = match flow.connection {
            0 => self.connection_to(now, flow, names),
            number => self.keep(number).ok_or(End::Closed),
        };
        match place {
            Ok(place) => self.push(now, place, message),
            Err(end) => self.events.push_back(Event::Ended(flow, end)),
        }
    }

    /// Writes what there is to write.
    pub fn flush(&mut self, now: Instant) {
        while let Some(place) = self.unsent.pop() {
            self.flush_place(now, place);
        }
    }

    /// What the agent is to be told.
    pub fn take_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Whether [`Streams::take_event`] has something.
    pub fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

    /// When [`Streams::handle_timeout`] wants to be called. Without a connection there is nothing to wait for.
    pub fn deadline(&self) -> Option<Instant> {
        self.due
    }

    /// Closes what has had its time.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.due.is_none_or(|due| due > now) {
            return;
        }
        self.listeners.handle_timeout(now, &self.registry);
        self.due = self.listeners.due();
        for place in 0..limits::CONNECTIONS as u16 {
            let Some(connection) = self.at(place) else {
                continue;
            };
            let due = connection.due();
            if due > now {
                self.note_due(Some(due));
                continue;
            }
            let end = connection.ends(now);
            self.end(now, place, end, "out of time");
        }
    }

    /// Ends the connections whose end here is at an address that is not ours any more: the peer's bytes find no way.
    pub fn end_elsewhere(&mut self, now: Instant, is_ours: impl Fn(IpAddr) -> bool) {
        for place in 0..limits::CONNECTIONS as u16 {
            let local = self.at(place).map(|it| it.flow.local.ip());
            if local.is_some_and(|ip| !is_ours(ip)) {
                self.end(now, place, End::Closed, "its address is gone");
            }
        }
    }

    /// Others are trusted from now on.
    pub fn judge(&mut self, now: Instant, trusts: impl Fn(IpAddr) -> bool) {
        for place in 0..limits::CONNECTIONS as u16 {
            if let Some(connection) = self.at(place) {
                let is_trusted = trusts(connection.flow.remote.ip());
                connection.judge(now, is_trusted);
            }
        }
    }

    /// The peer of that connection was granted what it asked for: it is no stranger.
    pub fn vouch(&mut self, now: Instant, place: u16) {
        if let Some(connection) = self.at(place) {
            connection.judge(now, true);
        }
    }

    /// Who has the places.
    pub fn held(&self) -> impl Iterator<Item = Held> {
        self.connections().map(|it| Held {
            remote: it.flow.remote,
            whose: it.whose,
            since: it.since,
        })
    }

    /// How many connections got no place so far.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// How many connections there are.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.connections().count()
    }

    /// Whether there is no connection.
    #[cfg(test)]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn look_whether_connected(&mut self, now: Instant, place: u16) {
        let Some(connection) = self.at(place) else {
            return;
        };
        let flow = connection.flow;
        match outcome(&connection.tcp) {
            None => {}
            Some(Ok(())) if !is_echo(&connection.tcp, flow.remote) => {
                if connection.look_whether_known() {
                    self.events.push_back(Event::Connected(flow));
                }
                self.flush_place(now, place);
            }
            Some(Err(error)) if error.kind() == io::ErrorKind::TimedOut => {
                self.end(now, place, End::Silent, "no answer");
            }
            Some(Ok(()) | Err(_)) => self.end(now, place, End::Refused, "refused"),
        }
    }

    /// Where the connection of that number is. Whoever names it wants it to stay.
    fn keep(&mut self, number: u32) -> Option<u16> {
        let place = self.place_of(number)?;
        let it = self.at(place)?;
        if !it.is_usable() {
            return None;
        }
        if it.whose.is_ours() {
            it.whose = Whose::Kept;
        }
        Some(place)
    }

    fn place_of(&mut self, number: u32) -> Option<u16> {
        let place = (number.checked_sub(1)? % limits::CONNECTIONS as u32) as u16;
        let is_it = self.at(place)?.flow.connection == number;
        is_it.then_some(place)
    }

    fn push(&mut self, now: Instant, place: u16, message: &[u8]) {
        let Some(connection) = self.at(place) else {
            return;
        };
        let was_empty = !connection.has_unsent();
        if connection.queue(now, message).is_err() {
            return self.end(now, place, End::Closed, "takes no more");
        }
        let pong_due = connection.pong_due();
        if was_empty && !connection.waits_for_room {
            self.unsent.push(place);
        }
        self.note_due(pong_due);
    }

    fn flush_place(&mut self, now: Instant, place: u16) {
        let Some(connection) = self.at(place) else {
            return;
        };
        if connection.flush(now).is_err() {
            return self.end(now, place, End::Closed, "cannot be written to");
        }
        let waits = connection.has_unsent();
        if waits != connection.waits_for_room {
            connection.waits_for_room = waits;
            self.look(place);
        }
        if waits {
            let due = self.at(place).map(|it| it.due());
            self.note_due(due);
        }
    }

    /// Sends what is left to send and says goodbye.
    fn leave(&mut self, now: Instant, place: u16) {
        self.flush_place(now, place);
        let Some(connection) = self.at(place) else {
            return;
        };
        connection.leave(now);
        connection.waits_for_room = false;
        let (flow, due) = (connection.flow, connection.due());
        debug!("stream with {}: framing lost", flow.remote);
        self.events.push_back(Event::Ended(flow, End::Closed));
        self.look(place);
        self.note_due(Some(due));
    }

    fn look(&mut self, place: u16) {
        if let Some(it) = &self.places[usize::from(place)].connection {
            let source = Source::Stream(place);
            // Cannot fail for what was added.
            let _ = self
                .registry
                .change(&it.tcp, source, true, it.waits_for_room);
        }
    }

    /// Closes a connection. The agent has heard of one that is closing already.
    fn end(&mut self, now: Instant, place: u16, end: End, why: &str) {
        let Some(mut connection) = self.places[usize::from(place)].connection.take() else {
            return;
        };
        match end {
            End::Untrusted(why) => self.note_untrusted(now, &connection, why),
            End::Closed | End::Refused | End::Silent => {
                debug!("stream with {}: {why}", connection.flow.remote);
            }
        }
        connection.say_goodbye(now);
        let flow = match connection.state {
            State::Closing { .. } => return,
            // Nobody knows its number yet.
            State::Connecting { .. } | State::Shaking { .. } => Flow {
                connection: 0,
                ..connection.flow
            },
            State::Fresh { .. } | State::Open | State::Lost => connection.flow,
        };
        self.events.push_back(Event::Ended(flow, end));
    }

    fn at(&mut self, place: u16) -> Option<&mut Connection> {
        self.places.get_mut(usize::from(place))?.connection.as_mut()
    }

    fn connections(&self) -> impl Iterator<Item = &Connection> {
        self.places.iter().filter_map(|it| it.connection.as_ref())
    }

    fn note_due(&mut self, due: Option<Instant>) {
        self.due = [self.due, due].into_iter().flatten().min();
    }
}

#[cfg(test)]
mod tests;
