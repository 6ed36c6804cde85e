//! What time and the network bring: what is due, Timers E and F, lost flows, servers that fail.

use super::errand::{Errand, Kind};
use super::link::{Link, Place, recovery};
use super::{HOME, LINKS, Upstreams};
use crate::ground::random::Random;
use crate::ground::table::Id;
use crate::ground::time::Instant;
use crate::txn::client::Expiry;
use crate::wire::flow::Flow;
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

    /// The network says that nobody is at `remote`, as a 503 from there (T06).
    pub fn handle_unreachable(&mut self, now: Instant, remote: SocketAddr, random: &mut Random) {
        self.fail_where(now, "it cannot be reached", random, |link| {
            link.is_asking_at(remote)
        });
    }

    /// A connection ended, or could not be made.
    pub fn handle_disconnected(&mut self, now: Instant, flow: &Flow, random: &mut Random) {
        self.fail_where(now, "the connection is lost", random, |link| {
            let is_there = link.place == Place::At(flow.remote);
            let reliable = link.course.transport().is_reliable();
            let it_is = link.connection == flow.connection || link.connection == 0;
            reliable && is_there && it_is
        });
    }

    /// A connection that was asked for is there.
    pub fn handle_connected(&mut self, flow: &Flow) {
        for slot in 0..LINKS as u16 {
            let id = self.links.id_at(slot);
            if let Some(link) = id.and_then(|id| self.links.get_mut(id))
                && link.course.transport() == flow.transport
                && link.place == Place::At(flow.remote)
            {
                link.connection = flow.connection;
            }
        }
    }

    /// The other end of a connection answered a ping (RFC 5626 §4.4.1).
    pub fn handle_pong(&mut self, flow: &Flow) {
        for slot in 0..LINKS as u16 {
            let id = self.links.id_at(slot);
            if let Some(link) = id.and_then(|id| self.links.get_mut(id))
                && link.connection == flow.connection
                && link.course.transport() == flow.transport
            {
                link.registration.handle_pong();
                self.timers.set(slot, link.due());
            }
        }
    }

    fn fail_where(
        &mut self,
        now: Instant,
        why: &'static str,
        random: &mut Random,
        is_it: impl Fn(&Link) -> bool,
    ) {
        for slot in 0..LINKS as u16 {
            if let Some(id) = self.links.id_at(slot)
                && self.links.get(id).is_some_and(&is_it)
            {
                self.fail(now, id, why, random);
            }
        }
    }

    fn link_timeout(&mut self, now: Instant, id: Id<Link>, random: &mut Random) {
        let Some(link) = self.links.get_mut(id) else {
            return;
        };
        if let Place::Asking { until, .. } = link.place
            && until <= now
        {
            return self.fail(now, id, "its name has no address", random);
        }
        if link.registration.has_lost_flow(now) {
            return self.fail(now, id, "no pong came", random);
        }
        for kind in Kind::ALL {
            let Some(exchange) = link.exchange_mut(kind) else {
                continue;
            };
            match exchange.request.handle_timeout(now) {
                Expiry::Nothing | Expiry::Resend => {}
                Expiry::TimedOut => {
                    link.note(kind, 408);
                    return self.fail(now, id, "it does not answer", random);
                }
            }
        }
        if link.registration.ends().is_some_and(|ends| ends <= now) {
            link.registration.lapse();
        }
        link.go_home(now);
        link.begin_due(now);
    }

    /// The server in use does not work: turns to the next at once, or waits when all have failed. What was on its way
    /// begins again there; what was published is told again, for nobody knows whether it arrived (P10).
    pub(super) fn fail(
        &mut self,
        now: Instant,
        id: Id<Link>,
        why: &'static str,
        random: &mut Random,
    ) {
        let Some(link) = self.links.get_mut(id) else {
            return;
        };
        link.complain(now, why);
        link.place = Place::Unknown;
        link.connection = 0;
        link.registration.be_silent();
        link.rest(Kind::Probe, None);
        if matches!(link.publication.errand, Errand::Asking(_)) {
            link.publication.doubt();
        }
        if link.leaving {
            // There is no time to try others.
            link.rest(Kind::Register, None);
            link.rest(Kind::Publish, None);
            return self.settle(id);
        }
        let when = if link.course.fail() {
            now
        } else {
            let wait = recovery(link.failures, random);
            link.failures = link.failures.saturating_add(1);
            now + wait
        };
        link.home = None;
        link.rest(Kind::Publish, None);
        link.rest(link.first(), Some(when));
        self.settle(id);
    }
}

impl Link {
    /// The kind that everything else waits for.
    pub(super) const fn first(&self) -> Kind {
        if self.registration.wanted {
            Kind::Register
        } else {
            Kind::Publish
        }
    }

    /// Looks at the best server again, when it is time for a refresh anyway: should it still be down, the lifetime that
    /// is left lasts for an attempt at another one.
    fn go_home(&mut self, now: Instant) {
        let is_time = self.home.is_some_and(|home| home <= now);
        if is_time && self.errand(self.first()).is_due(now) {
            self.course.go_home();
            self.place = Place::Unknown;
            self.connection = 0;
            self.home = None;
        }
    }

    /// Begins what is due.
    fn begin_due(&mut self, now: Instant) {
        for kind in Kind::ALL {
            if self.errand(kind).is_due(now) {
                self.begin(kind);
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

    fn is_asking_at(&self, remote: SocketAddr) -> bool {
        Kind::ALL.into_iter().any(|kind| match self.errand(kind) {
            Errand::Asking(exchange) => {
                exchange.request.is_in_flight() && exchange.flow.remote == remote
            }
            Errand::Resting { .. } => false,
        })
    }
}

/// When the best server is looked at again.
pub(super) fn home_after(now: Instant, random: &mut Random) -> Instant {
    now + random.duration(HOME, HOME / 5)
}
