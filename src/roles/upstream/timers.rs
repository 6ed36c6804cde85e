//! What time and the network bring: what is due, Timers E and F, lost flows, servers that fail.

use super::errand::{Errand, Exchange, Kind, owner};
use super::link::Link;
use super::outage::Fault;
use super::{LINKS, Upstreams};
use crate::ground::random::Random;
use crate::ground::table::Id;
use crate::ground::time::Instant;
use crate::txn::client::Expiry;
use crate::txn::token::Token;
use crate::ua::outbound::Long;
use crate::ua::retry::lost_flow;
use crate::wire::flow::{End, Flow};
use core::net::SocketAddr;

impl Upstreams {
    /// Does what is due at `now`.
    pub fn handle_timeout(&mut self, now: Instant, random: &mut Random) {
        while let Some(slot) = self.timers.take_due(now) {
            if let Some(id) = self.links.id_at(slot) {
                self.link_timeout(now, id, random);
                self.settle(id);
            }
        }
    }

    /// The network says that the datagram of that branch did not get to `remote`, as a 503 from there (RFC 3261
    /// §8.1.3.1). Whether it is one of ours.
    pub fn handle_unreachable(
        &mut self,
        now: Instant,
        token: Token,
        remote: SocketAddr,
        random: &mut Random,
    ) -> bool {
        let Some(id) = self.links.id_at(token.slot) else {
            return false;
        };
        let Some(link) = self.links.get_mut(id) else {
            return false;
        };
        let is_it = |exchange: &Exchange| {
            exchange.request.awaits(token.nonce) && exchange.way.flow.remote == remote
        };
        let mut kinds = Kind::ALL.into_iter().filter(|it| owner(*it) == token.owner);
        let asked = kinds.find_map(|kind| {
            let exchange = link.exchange_mut(kind).copied().filter(is_it)?;
            Some((kind, exchange))
        });
        let Some((kind, exchange)) = asked else {
            return false;
        };
        link.note(kind, 503);
        self.fail(now, id, Fault::Silent("it cannot be reached"), random);
        if let Some(link) = self.links.get_mut(id)
            && kind == Kind::Register
        {
            link.registration.late = Some(exchange);
        }
        true
    }

    /// A connection ended, or could not be made: as a 503 to what is in flight there. Where nothing is, the server is
    /// not to blame: it is told where we are over a new connection, soon (RFC 5626 §4.5). What left datagrams for a
    /// stream that is refused goes by datagram after all (RFC 3261 §18.1.1).
    pub fn handle_disconnected(
        &mut self,
        now: Instant,
        flow: &Flow,
        end: End,
        random: &mut Random,
    ) {
        for slot in 0..LINKS as u16 {
            let Some(id) = self.links.id_at(slot) else {
                continue;
            };
            let Some(link) = self.links.get_mut(id) else {
                continue;
            };
            if link.outbound.handle_disconnected(flow) {
                if link.note_unreachable(flow.remote) {
                    self.fail(now, id, Fault::Silent(lost(end)), random);
                } else if !link.unsettled {
                    link.lose(now, end, random);
                    self.settle(id);
                }
                continue;
            }
            let had_moved = link.moved_to(flow);
            if end != End::Closed {
                link.outbound.refuse_streams(flow.remote);
            }
            match end {
                End::Refused if had_moved => {
                    link.move_back(flow);
                    self.settle(id);
                }
                End::Closed | End::Silent if had_moved => {
                    link.note_unreachable(flow.remote);
                    self.fail(now, id, Fault::Silent("the connection is lost"), random);
                }
                End::Closed | End::Refused | End::Silent | End::Untrusted(_) => {}
            }
        }
    }

    /// A connection that was asked for is there.
    pub fn handle_connected(&mut self, flow: &Flow) {
        for slot in 0..LINKS as u16 {
            let id = self.links.id_at(slot);
            if let Some(link) = id.and_then(|id| self.links.get_mut(id)) {
                link.outbound.handle_connected(flow);
            }
        }
    }

    /// The other end of a connection answered a ping (RFC 5626 §4.4.1).
    pub fn handle_pong(&mut self, flow: &Flow) {
        for slot in 0..LINKS as u16 {
            let id = self.links.id_at(slot);
            if let Some(link) = id.and_then(|id| self.links.get_mut(id))
                && link.outbound.connection() == flow.connection
                && link.outbound.transport() == flow.transport
            {
                link.registration.handle_pong();
                self.timers.set(slot, link.due());
            }
        }
    }

    fn link_timeout(&mut self, now: Instant, id: Id<Link>, random: &mut Random) {
        let Some(link) = self.links.get_mut(id) else {
            return;
        };
        if link.outbound.due().is_some_and(|until| until <= now) {
            return self.fail(now, id, Fault::Silent("its name has no address"), random);
        }
        if link.registration.has_lost_flow(now) {
            return self.fail(now, id, Fault::Silent("no pong came"), random);
        }
        for kind in Kind::ALL {
            let Some(exchange) = link.exchange_mut(kind) else {
                continue;
            };
            match exchange.request.handle_timeout(now) {
                Expiry::Nothing | Expiry::Resend => {}
                Expiry::TimedOut => {
                    let exchange = *exchange;
                    if kind == Kind::Probe && link.is_deaf(&exchange) {
                        continue;
                    }
                    link.note(kind, 408);
                    return self.fail(now, id, Fault::Silent("it does not answer"), random);
                }
            }
        }
        if link.registration.ends().is_some_and(|ends| ends <= now) {
            link.registration.lapse();
        }
        link.registration.begin_ping(now, random);
        link.go_home(now);
        link.begin_due(now);
    }
}

impl Link {
    /// Looks at the best server again. Should it still be down, what stands at the other one lasts for a way back.
    fn go_home(&mut self, now: Instant) {
        let is_time = self.home.is_some_and(|home| home <= now);
        if is_time && !self.leaving && self.is_resting(self.first()) {
            self.outbound.go_home();
            self.home = None;
            self.unsettled = true;
            self.registration.be_silent();
            self.be_modern();
            self.rest(Kind::Probe, None);
            // Told there once it knows us.
            if self.is_resting(Kind::Publish) {
                self.publication.be_quiet(now);
                self.rest(Kind::Publish, None);
            }
            self.begin_at(Some(now));
        }
    }

    /// Begins what is due. Where a server sent us counts for one request only: the next one asks it again.
    fn begin_due(&mut self, now: Instant) {
        for kind in Kind::ALL {
            if !self.errand(kind).is_due(now) {
                continue;
            }
            if kind == self.first() && self.outbound.servers.forget_redirect() {
                self.outbound.leave();
            }
            self.begin(kind);
        }
    }

    /// The connection is gone, and nothing with it.
    fn lose(&mut self, now: Instant, end: End, random: &mut Random) {
        self.registration.be_silent();
        let soon = now + lost_flow(end, random);
        if self.registration.stands(now)
            && let Errand::Resting { until } = &mut self.registration.errand
        {
            *until = Some(until.map_or(soon, |it| it.min(soon)));
        }
    }

    /// Whether a request in flight left datagrams for a stream to `flow.remote`.
    fn moved_to(&self, flow: &Flow) -> bool {
        Kind::ALL.iter().any(|kind| self.has_moved(*kind, flow))
    }

    fn has_moved(&self, kind: Kind, flow: &Flow) -> bool {
        match self.errand(kind) {
            Errand::Asking(it) => {
                let has_moved = it.request.is_in_flight() && it.way.long == Long::Moved;
                has_moved && it.way.flow.remote == flow.remote
            }
            Errand::Resting { .. } => false,
        }
    }

    /// Sends what left datagrams for a stream to `flow.remote` once more, as a new request.
    fn move_back(&mut self, flow: &Flow) {
        for kind in Kind::ALL {
            if self.has_moved(kind, flow)
                && let Some(exchange) = self.exchange_mut(kind)
            {
                let (proof, raised) = (exchange.proof, exchange.raised);
                self.repeat(kind, proof, raised);
            }
        }
    }

    /// Notes the outcome of a request.
    pub(super) const fn note(&mut self, kind: Kind, status: u16) {
        match kind {
            Kind::Register => self.story.registered = Some(status),
            Kind::Publish => self.story.published = Some(status),
            Kind::Probe => {}
        }
    }

    /// Nobody is at `remote`: says whether anything is in flight there.
    fn note_unreachable(&mut self, remote: SocketAddr) -> bool {
        let mut is_asking = false;
        for kind in Kind::ALL {
            let flow = match self.errand(kind) {
                Errand::Asking(it) if it.request.is_in_flight() => it.way.flow,
                Errand::Asking(_) | Errand::Resting { .. } => continue,
            };
            if flow.remote == remote {
                self.note(kind, 503);
                is_asking = true;
            }
        }
        is_asking
    }
}

/// What is said of a server whose connection ended so.
const fn lost(end: End) -> &'static str {
    match end {
        End::Closed | End::Refused | End::Silent => "the connection is lost",
        End::Untrusted(why) => why.why(),
    }
}
