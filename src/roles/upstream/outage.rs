//! Servers that do not work, and what others of us learn of them.
//!
//! Read RFC 5626 §4.5 first. It lets who failed wait up to half an hour, so that a server that comes back is not flooded;
//! we wait so long for one that answers. What a phone sends to one that does not is one request at a time.

use super::errand::{Errand, Kind};
use super::{LINKS, Upstreams};
use crate::ground::random::Random;
use crate::ground::table::Id;
use crate::ground::time::{Duration, Instant};
use crate::roles::upstream::Link;
use crate::ua::reach::Reach;
use crate::ua::retry::{paced, recovery};
use core::net::SocketAddr;

/// Why a server does not work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It gives no answer, or cannot be reached.
    Silent(&'static str),
    /// It answers, but does not serve us.
    Ill(&'static str),
}

/// How often a link is woken without being answered: a server that answers others may have no answer for it.
const WAKES: u8 = 3;

/// Between two rounds at several servers, at least.
const ROUND: Duration = Duration::from_secs(1);

impl Upstreams {
    /// Takes what was learnt of a server, for others who speak to it.
    pub fn take_news(&mut self) -> Option<(SocketAddr, Reach)> {
        self.news.take()
    }

    /// The server at `remote` granted somebody's request: who waits for it asks now.
    pub fn handle_heard(&mut self, now: Instant, remote: SocketAddr, random: &mut Random) {
        for slot in 0..LINKS as u16 {
            if let Some(id) = self.links.id_at(slot)
                && let Some(link) = self.links.get_mut(id)
                && link.silent.contains(&remote)
            {
                link.wake(now + paced(0, random));
                self.settle(id);
            }
        }
    }

    /// The server at `remote` gave somebody no answer: whether it still knows us is asked now, as after any doubt.
    pub fn handle_silent(&mut self, now: Instant, remote: SocketAddr) {
        for slot in 0..LINKS as u16 {
            if let Some(id) = self.links.id_at(slot)
                && let Some(link) = self.links.get(id)
                && link.outbound.remote() == Some(remote)
                && (link.registration.wanted || link.publication.of.is_some())
            {
                self.handle_doubt(now, id);
            }
        }
    }

    /// The server in use does not work: turns to the next at once, or waits when all have failed. What was on its way
    /// begins again there; what was published is told again, for nobody knows whether it arrived (RFC 3903 §9).
    pub(super) fn fail(&mut self, now: Instant, id: Id<Link>, fault: Fault, random: &mut Random) {
        let Some(link) = self.links.get_mut(id) else {
            return;
        };
        let (Fault::Silent(why) | Fault::Ill(why)) = fault;
        let is_first = link.silent.is_empty();
        if link.registration.wanted {
            link.complain(now, Kind::Register, why);
        }
        if link.publication.of.is_some() {
            link.complain(now, Kind::Publish, why);
        }
        if let Some(remote) = link.outbound.remote() {
            if !link.silent.contains(&remote) {
                let _ = link.silent.push(remote); // Where redirections lead to more, one's own time comes.
            }
            if is_first && matches!(fault, Fault::Silent(_)) {
                let since = link.asked;
                self.news.tell(remote, Reach::Silent { since });
            }
        }
        let goes_on = link.outbound.fail();
        link.unsettled = true;
        link.registration.be_silent();
        link.rest(Kind::Probe, None);
        if !link.is_resting(Kind::Publish) {
            link.publication.doubt();
        }
        if link.outbound.has_several() {
            link.be_modern();
            link.publication.be_quiet(now);
        }
        if link.leaving {
            // There is no time to try others.
            link.rest(Kind::Register, None);
            link.rest(Kind::Publish, None);
            return self.settle(id);
        }
        for kind in [Kind::Register, Kind::Publish] {
            if link.ends(kind) {
                link.rest(kind, None);
            }
        }
        let when = link.next_try(now, goes_on, fault, random);
        link.home = None;
        // What still stands is refreshed in its time, however many failed with something else.
        let first = link.first();
        let refresh = match *link.errand(first) {
            Errand::Resting { until } if link.registration.stands(now) => until,
            Errand::Resting { .. } | Errand::Asking(_) => None,
        };
        link.rest(Kind::Publish, None);
        link.begin_at(Some(refresh.map_or(when, |it| it.min(when))));
        self.settle(id);
    }
}

impl Link {
    /// When the next server is asked: at once, or half a minute after the first of those that have all failed now.
    fn next_try(
        &mut self,
        now: Instant,
        goes_on: bool,
        fault: Fault,
        random: &mut Random,
    ) -> Instant {
        let began = *self.round.get_or_insert(now);
        if goes_on {
            return now;
        }
        self.round = None;
        let wait = recovery(self.failures, random);
        match fault {
            Fault::Silent(_) => {}
            Fault::Ill(_) => self.failures = self.failures.saturating_add(1),
        }
        (began + wait).max(now + random.duration(ROUND, ROUND))
    }

    /// A server that failed is there: it is asked at `when`.
    fn wake(&mut self, when: Instant) {
        let first = self.first();
        if self.leaving || self.woken == WAKES {
            return;
        }
        if let Errand::Resting { until: Some(until) } = self.errand_mut(first)
            && when < *until
        {
            *until = when;
            self.woken += 1;
        }
    }
}
