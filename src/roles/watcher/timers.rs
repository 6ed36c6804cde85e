//! What time brings: attempts, refreshes, retransmissions, Timers F and N, expiry; and ICMP errors.

use super::ending::Cause;
use super::leg::{Gap, Leg, LegState, Refresh};
use super::watch::{State, Watch};
use super::{LEGS, Watcher};
use crate::events::delays::Retry;
use crate::events::sending::Sending;
use crate::events::watched::Watched;
use crate::ground::limits;
use crate::ground::random::Random;
use crate::ground::table::Id;
use crate::ground::time::Instant;
use crate::txn::client::Expiry;
use core::net::SocketAddr;

impl Watcher {
    /// Does what is due at `now`.
    pub fn handle_timeout(&mut self, now: Instant, random: &mut Random) {
        while let Some(slot) = self.watch_timers.take_due(now) {
            if let Some(id) = self.watches.id_at(slot) {
                self.watch_timeout(now, id, random);
                self.settle_watch(id);
            }
        }
        while let Some(slot) = self.leg_timers.take_due(now) {
            if let Some(id) = self.legs.id_at(slot) {
                self.leg_timeout(now, id, random);
                self.settle_leg(id);
            }
        }
    }

    /// The network says that nobody is at `remote`: for what waits for an answer from there this counts as a 503
    /// (T06). Looks at all watches, for it is rare and addresses are not indexed.
    pub fn handle_unreachable(&mut self, now: Instant, remote: SocketAddr, random: &mut Random) {
        for slot in 0..limits::WATCHES as u16 {
            if let Some(id) = self.watches.id_at(slot) {
                self.watch_unreachable(now, id, remote, random);
            }
        }
        for slot in 0..LEGS as u16 {
            if let Some(id) = self.legs.id_at(slot)
                && self.legs.get(id).is_some_and(|leg| leg.asks_at(remote))
            {
                self.postpone(now, id, Cause::Unreachable, None, random);
            }
        }
    }

    fn watch_timeout(&mut self, now: Instant, id: Id<Watch>, random: &mut Random) {
        let Some(watch) = self.watches.get_mut(id) else {
            return;
        };
        match &mut watch.state {
            State::Waiting { .. } => {
                watch.speaks = watch.package;
                self.begin(now, id, random);
            }
            State::Resolving { .. } => self.resolved(now, id, None, random),
            State::Asking(attempt) => match attempt.request.handle_timeout(now) {
                Expiry::Resend => self.ready_watches.push(id.slot()),
                Expiry::TimedOut => {
                    self.fail(now, id, Cause::NoAnswer, Retry::Backoff, None, random);
                }
                Expiry::Nothing if now >= attempt.notify_by => {
                    self.fail(now, id, Cause::NoNotify, Retry::Backoff, None, random);
                }
                Expiry::Nothing => {}
            },
            State::Told { attempt, .. } => {
                match attempt.request.handle_timeout(now) {
                    Expiry::Resend => self.ready_watches.push(id.slot()),
                    Expiry::TimedOut | Expiry::Nothing => {}
                }
                if now >= attempt.notify_by && watch.story.watched == Watched::Subscribing {
                    // The notifier answers but tells nothing: that is not the same as being idle.
                    watch.story.watched = Watched::Unknown;
                    self.changed.push(id.slot());
                }
            }
            State::Ending(_) => {}
        }
    }

    fn watch_unreachable(
        &mut self,
        now: Instant,
        id: Id<Watch>,
        remote: SocketAddr,
        random: &mut Random,
    ) {
        let Some(watch) = self.watches.get_mut(id) else {
            return;
        };
        if !watch.asks_at(remote) {
            return;
        }
        match &mut watch.state {
            State::Asking(_) => {
                self.fail(now, id, Cause::Unreachable, Retry::Backoff, None, random);
            }
            State::Told { attempt, .. } => attempt.request = Sending::Answered,
            State::Ending(_) | State::Waiting { .. } | State::Resolving { .. } => {}
        }
    }

    fn leg_timeout(&mut self, now: Instant, id: Id<Leg>, random: &mut Random) {
        let Some(leg) = self.legs.get_mut(id) else {
            return;
        };
        let peer = leg.peer;
        let ended = now >= leg.ends;
        match &mut leg.state {
            LegState::Resting { .. } | LegState::Refreshing(_) if ended => {
                self.lose(now, id, Cause::Expired, Retry::Soon, None, random);
            }
            LegState::Resting { .. } => self.refresh(id),
            LegState::Refreshing(refresh) => match refresh.request.handle_timeout(now) {
                Expiry::Resend => self.ready_legs.push(id.slot()),
                Expiry::TimedOut if refresh.told => leg.rest(now, random),
                Expiry::TimedOut => self.silent(now, id, peer, Cause::NoAnswer, random),
                Expiry::Nothing if now >= refresh.notify_by && !refresh.told => {
                    self.silent(now, id, peer, Cause::NoNotify, random);
                }
                Expiry::Nothing => {}
            },
            LegState::Ending(refresh) => match refresh.request.handle_timeout(now) {
                Expiry::Resend => self.ready_legs.push(id.slot()),
                Expiry::Nothing if now < refresh.notify_by => {}
                Expiry::TimedOut | Expiry::Nothing => {
                    self.lose(now, id, Cause::NoNotify, Retry::Soon, None, random);
                }
            },
        }
    }

    /// Sends a refresh with the next poll (S05).
    fn refresh(&mut self, id: Id<Leg>) {
        self.aim(id);
        let Some(leg) = self.legs.get_mut(id) else {
            return;
        };
        let Some(watch) = self.watches.get(leg.watch) else {
            return;
        };
        let seq = leg.dialog.next_seq();
        leg.asked = watch.asks;
        leg.state = LegState::Refreshing(Refresh::new(seq, watch.asks));
        match leg.gap {
            Gap::Open { asked, .. } => leg.gap = Gap::Asked(asked + 1),
            Gap::Closed | Gap::Asked(_) => {}
        }
        self.ready_legs.push(id.slot());
    }

    /// No NOTIFY came in Timer N: the subscription is over (RFC 6665 §4.1.2.2), and its neighbours' may be too.
    fn silent(
        &mut self,
        now: Instant,
        id: Id<Leg>,
        peer: SocketAddr,
        cause: Cause,
        random: &mut Random,
    ) {
        self.doubt_neighbours(now, peer, random);
        self.lose(now, id, cause, Retry::Soon, None, random);
    }
}
