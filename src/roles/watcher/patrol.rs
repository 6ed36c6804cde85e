//! The patrol: of every server the oldest subscription is asked when nothing was heard in it for an audit.
//!
//! A server that was restarted has lost that one like all others, and its 481 makes those doubt, so that no lamp at rest
//! stays at rest for its whole lifetime (RFC 6665 §4.1.2.2).

use super::Watcher;
use super::doubt::{MINUTE, silence};
use super::usage::{Usage, UsageState};
use super::watch::Watch;
use crate::events::package::Package;
use crate::ground::limits;
use crate::ground::random::Random;
use crate::ground::table::Id;
use crate::ground::time::{Duration, Instant, Seconds};
use core::net::SocketAddr;
use heapless::Vec;

/// Servers on the patrol. Full: the subscriptions at further ones are only refreshed as usual.
const SERVERS: usize = if limits::WATCHES < 64 {
    limits::WATCHES
} else {
    64
};

impl Watcher {
    /// Asks the oldest subscription of every server of which nothing was heard for long. Those opened later are lost
    /// with it if the server was restarted.
    pub(super) fn patrol(&mut self, now: Instant, random: &mut Random) {
        if self.patrol.is_none_or(|at| now < at) {
            return;
        }
        let mut next: Option<(Instant, Duration)> = None;
        for (_, id) in self.oldest() {
            let Some((at, period)) = self.guard(now, id) else {
                continue;
            };
            let spread = period.duration() / 8;
            if next.is_none_or(|(earliest, _)| at < earliest) {
                next = Some((at, spread));
            }
        }
        self.patrol = next.map(|(at, spread)| at + random.duration(Duration::ZERO, spread));
    }

    /// Something ended: the oldest subscription of its server may be another one now.
    pub(super) fn patrol_soon(&mut self, now: Instant) {
        let soon = now + Duration::from_secs(1);
        self.patrol = self.patrol.map(|at| at.min(soon));
    }

    /// The oldest subscription at each server, of those that are audited.
    fn oldest(&self) -> Vec<(SocketAddr, Id<Usage>), SERVERS> {
        let mut found: Vec<(SocketAddr, Id<Usage>), SERVERS> = Vec::new();
        for (id, usage) in self.usages.iter() {
            let watch = self.watches.get(usage.watch);
            let is_audited = watch.is_some_and(|watch| watch.is_told() && watch.is_audited());
            if !is_audited || usage.pending {
                continue;
            }
            match found.iter_mut().find(|(peer, _)| *peer == usage.peer()) {
                None => _ = found.push((usage.peer(), id)),
                Some((_, oldest)) => {
                    let before = self.usages.get(*oldest);
                    if before.is_some_and(|it| usage.audit.opened < it.audit.opened) {
                        *oldest = id;
                    }
                }
            }
        }
        found
    }

    /// Refreshes a subscription of which nothing was heard for long; says when to look again, and its audit.
    fn guard(&mut self, now: Instant, id: Id<Usage>) -> Option<(Instant, Seconds)> {
        let usage = self.usages.get(id)?;
        let watch = self.watches.get(usage.watch)?;
        let period = watch.audit.period;
        let silent = usage.audit.heard + silence(period);
        let rested = usage.audit.asked.map_or(silent, |asked| asked + MINUTE);
        let due = silent.max(rested).max(watch.not_before);
        if now < due {
            return Some((due, period));
        }
        if usage.audit.next.is_some() {
            // It is asked anyway, and soon.
            return Some((now + MINUTE, period));
        }
        if !usage.is_resting() || usage.retries > 0 {
            return Some((now + silence(period), period));
        }
        if now < self.next_question {
            return Some((self.next_question, period));
        }
        self.count_question(now, id);
        self.refresh(id);
        self.settle_usage(id);
        Some((now + silence(period), period))
    }
}

impl Watch {
    /// Whether its package tells of calls, and its state is to be confirmed at all.
    pub(super) fn is_audited(&self) -> bool {
        let tells_of_calls = match self.speaks {
            Package::Presence | Package::Dialog => true,
            Package::PresenceWinfo | Package::MessageSummary | Package::Features => false,
        };
        tells_of_calls && self.audit.period > Seconds::ZERO
    }
}

impl Usage {
    fn is_resting(&self) -> bool {
        match &self.state {
            UsageState::Resting { .. } => true,
            UsageState::Refreshing(_) | UsageState::Ending(_) => false,
        }
    }
}
