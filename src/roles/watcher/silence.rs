//! Servers that give no answer: one watch asks, the others wait; and when one hears of the server, all come back.
//!
//! ```text
//!   a request is not answered          one looks              one of us is answered
//!   ─► all watches there are in ──────► the others keep ─────► all there ask again, one after
//!      doubt from that moment on        what they told         the other, within seconds
//! ```
//!
//! Nobody's state is vouched for by another's answer: each subscription is refreshed, or made anew, for itself. Its lamp
//! keeps its look meanwhile, as long as its grace lasts. Whoever told us something since the request was sent that was
//! not answered shows that the server is there: then nobody else is in doubt.

use super::usage::{Usage, UsageState};
use super::watch::{State, Watch};
use super::{USAGES, Watcher};
use crate::ground::limits;
use crate::ground::random::Random;
use crate::ground::table::Id;
use crate::ground::time::{Duration, Instant};
use crate::txn::T2;
use crate::ua::reach::Reach;
use crate::ua::retry::{self, PROBE, Retry};
use core::net::SocketAddr;

/// How often a watch is woken without being answered. One whose requests alone vanish is not to live on its neighbours'
/// answers.
const WAKES: u8 = 3;

impl Watcher {
    /// Takes what was learnt of a server, for others who speak to it.
    pub fn take_news(&mut self) -> Option<(SocketAddr, Reach)> {
        self.news.take()
    }

    /// The server at `remote` granted somebody's request: what waits for that asks now, one after the other.
    pub fn handle_heard(&mut self, now: Instant, remote: SocketAddr, random: &mut Random) {
        let mut nth = 0;
        for slot in 0..limits::WATCHES as u16 {
            if let Some(id) = self.watches.id_at(slot)
                && let Some(watch) = self.watches.get_mut(id)
                && watch.awaits == Some(remote)
                && watch.wake(now, remote, now + retry::paced(nth, random))
            {
                nth += 1;
                self.settle_watch(id);
            }
        }
        for slot in 0..USAGES as u16 {
            if let Some(id) = self.usages.id_at(slot)
                && let Some(usage) = self.usages.get_mut(id)
                && usage.awaits
                && usage.wake(remote, now + retry::paced(nth, random))
            {
                nth += 1;
                self.settle_usage(id);
            }
        }
    }

    /// The server at `remote` gave somebody no answer to a request that was sent at `since`: what was told from there is
    /// in doubt from now on, and one subscription is refreshed to see.
    pub fn handle_silent(
        &mut self,
        now: Instant,
        remote: SocketAddr,
        since: Instant,
        random: &mut Random,
    ) {
        if !self.has_heard(remote, since) {
            self.doubt_all(now, remote, since, random);
        }
    }

    /// A request of ours was granted there.
    pub(super) fn hear(&mut self, now: Instant, remote: SocketAddr, random: &mut Random) {
        self.news.tell(remote, Reach::Heard);
        self.handle_heard(now, remote, random);
    }

    /// A request of ours was not answered there, that was sent at `since`. Whether others were, meanwhile.
    pub(super) fn miss(
        &mut self,
        now: Instant,
        remote: SocketAddr,
        since: Instant,
        random: &mut Random,
    ) -> bool {
        let is_there = self.has_heard(remote, since);
        if !is_there {
            self.news.tell(remote, Reach::Silent { since });
            self.doubt_all(now, remote, since, random);
        }
        is_there
    }

    /// One of several may have been lost on the way: a subscription that nobody has asked for lately is refreshed, to
    /// see whether its server is there.
    pub(super) fn look(&mut self, now: Instant, remote: SocketAddr, since: Instant) {
        if self.has_heard(remote, since) || self.asks_soon(now, remote) {
            return;
        }
        self.send_witness(now, remote, |usage| !usage.asked_just_now(now));
    }

    /// How long who asked at `remote` in vain waits before he asks again, after `usual` if it were for him alone. One asks
    /// often enough that a server which is back is found soon, so the others need not.
    pub(super) fn wait_at(
        &self,
        now: Instant,
        remote: SocketAddr,
        since: Instant,
        usual: Duration,
        random: &mut Random,
    ) -> Duration {
        if self.has_heard(remote, since) {
            usual
        } else if self.asks_soon(now, remote) {
            usual.max(Retry::Backoff.delay(u8::MAX, random))
        } else {
            usual.min(retry::probe(random))
        }
    }

    /// What was told from there is in doubt; one that asked for nothing since then looks.
    fn doubt_all(&mut self, now: Instant, remote: SocketAddr, since: Instant, random: &mut Random) {
        let mut is_news = false;
        for slot in 0..USAGES as u16 {
            let Some(id) = self.usages.id_at(slot) else {
                continue;
            };
            let Some(usage) = self.usages.get_mut(id) else {
                continue;
            };
            if usage.peer() != remote || core::mem::replace(&mut usage.awaits, true) {
                continue;
            }
            usage.doubt.get_or_insert(now);
            is_news = true;
            let watch_id = usage.watch;
            if let Some(watch) = self.watches.get_mut(watch_id) {
                watch.blame_neighbour();
            }
            self.tell(now, watch_id);
        }
        if is_news && !self.asks_soon(now, remote) {
            let soon = now + retry::paced(0, random);
            self.send_witness(soon, remote, |usage| usage.sent < since);
        }
    }

    /// Refreshes one subscription there at `when`.
    fn send_witness(
        &mut self,
        when: Instant,
        remote: SocketAddr,
        may_look: impl Fn(&Usage) -> bool,
    ) {
        for slot in 0..USAGES as u16 {
            if let Some(id) = self.usages.id_at(slot)
                && let Some(usage) = self.usages.get_mut(id)
                && usage.peer() == remote
                && may_look(usage)
                && let UsageState::Resting { refresh } = &mut usage.state
            {
                *refresh = when.min(*refresh);
                return self.settle_usage(id);
            }
        }
    }

    /// Whether a notifier there told or granted something since then.
    fn has_heard(&self, remote: SocketAddr, since: Instant) -> bool {
        let mut there = self.usages.iter().filter(|(_, it)| it.peer() == remote);
        there.any(|(_, usage)| usage.heard >= since)
    }

    /// Whether the server there is being asked, or soon is.
    fn asks_soon(&self, now: Instant, remote: SocketAddr) -> bool {
        let by = now + PROBE;
        let mut watches = self.watches.iter().map(|(_, watch)| watch);
        let mut usages = self.usages.iter().map(|(_, usage)| usage);
        watches.any(|it| it.asks_at(remote) || it.asks_by(remote, by))
            || usages.any(|it| it.asks_at(remote) || it.asks_by(remote, by))
    }
}

impl Watch {
    /// Its server may be back: asks again at `when`, if that is what it waits for. Whether it does.
    fn wake(&mut self, now: Instant, remote: SocketAddr, when: Instant) -> bool {
        self.awaits = None;
        let when = when.max(self.not_before);
        let wakes = self.woken < WAKES
            && match &self.state {
                State::Waiting { until } => when < *until,
                // What was sent while nobody was there may be over before it is sent once more.
                State::Asking(attempt) => self.asks_at(remote) && now - attempt.sent >= T2,
                State::Listed
                | State::Seeking { .. }
                | State::Resolving { .. }
                | State::Told { .. }
                | State::Ending(_) => false,
            };
        if wakes {
            self.woken += 1;
            self.state = State::Waiting { until: when };
        }
        wakes
    }

    /// Whether it waits for that server, and asks by then whether it is back.
    fn asks_by(&self, remote: SocketAddr, by: Instant) -> bool {
        let asks = matches!(self.state, State::Waiting { until } if until <= by);
        asks && self.awaits == Some(remote)
    }
}

impl Usage {
    /// Its server is there: it is refreshed by `when`, if that was in doubt. Whether it is to be.
    fn wake(&mut self, remote: SocketAddr, when: Instant) -> bool {
        if self.peer() != remote || !core::mem::take(&mut self.awaits) {
            return false;
        }
        match &mut self.state {
            UsageState::Resting { refresh } if when < *refresh => {
                *refresh = when;
                true
            }
            UsageState::Resting { .. } | UsageState::Refreshing(_) | UsageState::Ending(_) => false,
        }
    }

    /// Whether it is in doubt for its server's sake, and asks by then.
    fn asks_by(&self, remote: SocketAddr, by: Instant) -> bool {
        let asks = matches!(self.state, UsageState::Resting { refresh } if refresh <= by);
        asks && self.awaits && self.peer() == remote
    }

    /// The notifier told or granted something.
    pub(super) const fn hear(&mut self, now: Instant) {
        self.heard = now;
        self.awaits = false;
    }
}

/// What a watch asked for last: where, and when.
#[derive(Clone, Copy)]
pub(super) struct Asked {
    pub(super) remote: SocketAddr,
    pub(super) since: Instant,
}

impl Watcher {
    /// What a watch asked for last: a refresh, or its first SUBSCRIBE.
    pub(super) fn last_asked(&self, id: Id<Watch>) -> Option<Asked> {
        let watch = self.watches.get(id)?;
        let usages = watch.usages.iter();
        let usages = usages.filter_map(|id| self.usages.get(*id));
        let refreshed = usages.max_by_key(|usage| usage.sent).map(|usage| Asked {
            remote: usage.peer(),
            since: usage.sent,
        });
        let asked = || {
            let attempt = watch.attempt()?;
            let (remote, since) = (attempt.way.flow.remote, attempt.sent);
            Some(Asked { remote, since })
        };
        refreshed.or_else(asked)
    }

    /// Whether the subscription of a watch ran out because its server is silent.
    pub(super) fn is_awaiting(&self, id: Id<Watch>) -> bool {
        let usages = self.watches.get(id).map(|watch| watch.usages.iter());
        let mut usages = usages.into_iter().flatten();
        usages.any(|id| self.usages.get(*id).is_some_and(|usage| usage.awaits))
    }
}
