//! What time brings: attempts, refreshes, retransmissions, Timers F and N, expiry; and ICMP errors.

use super::Watcher;
use super::cause::Cause;
use super::usage::{Gap, Refresh, Usage, UsageState};
use super::watch::{Attempt, State, Watch};
use crate::events::watched::Watched;
use crate::ground::random::Random;
use crate::ground::table::Id;
use crate::ground::time::Instant;
use crate::txn::client::Expiry;
use crate::txn::token::{Owner, Token};
use crate::ua::request::Sending;
use crate::ua::retry::Retry;
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
        while let Some(slot) = self.usage_timers.take_due(now) {
            if let Some(id) = self.usages.id_at(slot) {
                self.usage_timeout(now, id, random);
                self.settle_usage(id);
            }
        }
        self.patrol(now, random);
        self.keep_open(now, random);
    }

    /// The network says that the datagram of that branch did not get to `remote`: it counts as a 503 (RFC 3261 §8.1.3.1).
    /// What else is asked there waits for its own answer. Whether it is one of ours.
    pub fn handle_unreachable(
        &mut self,
        now: Instant,
        token: Token,
        remote: SocketAddr,
        random: &mut Random,
    ) -> bool {
        match token.owner {
            Owner::Watch => self.opening_unreachable(now, token, remote, random),
            Owner::Usage => self.refresh_unreachable(now, token, remote, random),
            Owner::Subscription | Owner::Registration | Owner::Publication => false,
        }
    }

    /// The same for a SUBSCRIBE outside of any dialog. Should it be answered after all, before it is asked anew, that
    /// counts: other copies of it may have got there.
    fn opening_unreachable(
        &mut self,
        now: Instant,
        token: Token,
        remote: SocketAddr,
        random: &mut Random,
    ) -> bool {
        let Some(id) = self.watches.id_at(token.slot) else {
            return false;
        };
        let Some(watch) = self.watches.get(id) else {
            return false;
        };
        let is_it = |attempt: &Attempt| {
            attempt.request.awaits(token.nonce) && attempt.way.flow.remote == remote
        };
        if let Some(attempt) = watch.attempt().copied().filter(is_it) {
            self.watch_unreachable(now, id, remote, Cause::Unreachable, random);
            if let Some(watch) = self.watches.get_mut(id) {
                watch.late = Some(attempt);
            }
            return true;
        }
        let is_fetch = watch.fetch.as_ref().is_some_and(is_it);
        if is_fetch {
            self.end_fetch(now, id);
            self.settle_watch(id);
        }
        is_fetch
    }

    /// The same for a SUBSCRIBE in a dialog.
    fn refresh_unreachable(
        &mut self,
        now: Instant,
        token: Token,
        remote: SocketAddr,
        random: &mut Random,
    ) -> bool {
        let Some(id) = self.usages.id_at(token.slot) else {
            return false;
        };
        let usage = self.usages.get_mut(id).filter(|it| it.peer() == remote);
        let is_it = usage
            .and_then(Usage::refresh_mut)
            .is_some_and(|refresh| refresh.request.awaits(token.nonce));
        if is_it {
            self.postpone(now, id, Cause::Unreachable, None, random);
        }
        is_it
    }

    fn watch_timeout(&mut self, now: Instant, id: Id<Watch>, random: &mut Random) {
        self.fetch_timeout(now, id);
        if self.watches.get(id).is_some_and(Watch::is_told) {
            self.look_home(now, id, random);
        }
        let Some(watch) = self.watches.get_mut(id) else {
            return;
        };
        match &mut watch.state {
            State::Waiting { .. } => {
                watch.speaks = watch.package;
                self.seek(id, true);
            }
            State::Resolving { .. } => self.resolved(now, id, &[], random),
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
            State::Listed | State::Ending(_) | State::Seeking { .. } => {}
        }
    }

    pub(super) fn watch_unreachable(
        &mut self,
        now: Instant,
        id: Id<Watch>,
        remote: SocketAddr,
        cause: Cause,
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
                self.fail(now, id, cause, Retry::Backoff, None, random);
            }
            State::Told { attempt, .. } => attempt.request = Sending::Answered,
            State::Ending(_)
            | State::Waiting { .. }
            | State::Listed
            | State::Seeking { .. }
            | State::Resolving { .. } => {}
        }
    }

    fn usage_timeout(&mut self, now: Instant, id: Id<Usage>, random: &mut Random) {
        let Some(usage) = self.usages.get_mut(id) else {
            return;
        };
        let peer = usage.peer();
        let ended = now >= usage.ends;
        match &mut usage.state {
            UsageState::Resting { .. } | UsageState::Refreshing(_) if ended => {
                self.lose(now, id, Cause::Expired, Retry::Soon, None, random);
            }
            UsageState::Resting { refresh } if now < *refresh => self.audit(now, id, random),
            UsageState::Resting { .. } => self.refresh(id),
            UsageState::Refreshing(refresh) => match refresh.request.handle_timeout(now) {
                Expiry::Resend => self.ready_usages.push(id.slot()),
                Expiry::TimedOut if refresh.told => usage.rest(now, random),
                Expiry::TimedOut => self.silent(now, id, peer, Cause::NoAnswer, random),
                Expiry::Nothing if now >= refresh.notify_by && !refresh.told => {
                    self.silent(now, id, peer, Cause::NoNotify, random);
                }
                Expiry::Nothing => {}
            },
            UsageState::Ending(refresh) => match refresh.request.handle_timeout(now) {
                Expiry::Resend => self.ready_usages.push(id.slot()),
                Expiry::Nothing if now < refresh.notify_by => {}
                Expiry::TimedOut | Expiry::Nothing => {
                    self.lose(now, id, Cause::NoNotify, Retry::Soon, None, random);
                }
            },
        }
    }

    /// Sends a refresh with the next poll (RFC 6665 §4.1.2.2).
    pub(super) fn refresh(&mut self, id: Id<Usage>) {
        let Some(usage) = self.usages.get_mut(id) else {
            return;
        };
        let Some(watch) = self.watches.get(usage.watch) else {
            return;
        };
        let seq = usage.dialog.next_seq();
        usage.asked = watch.asks;
        usage.state = UsageState::Refreshing(Refresh::new(seq, watch.asks));
        match usage.gap {
            Gap::Open { asked, .. } => usage.gap = Gap::Asked(asked + 1),
            Gap::Closed | Gap::Asked(_) => {}
        }
        self.ready_usages.push(id.slot());
    }

    /// No NOTIFY came in Timer N: the subscription is over (RFC 6665 §4.1.2.2), and its neighbours' may be too; where no
    /// answer came either, they are in doubt as well.
    fn silent(
        &mut self,
        now: Instant,
        id: Id<Usage>,
        peer: SocketAddr,
        cause: Cause,
        random: &mut Random,
    ) {
        self.doubt_account(self.usages.get(id).map(|usage| usage.watch));
        let usage = self.usages.get(id);
        let sent = usage.map_or(now, |usage| usage.sent);
        if cause == Cause::NoNotify && usage.is_some_and(Usage::made_condition) {
            self.ask_plainly(id);
        }
        if cause == Cause::NoNotify || self.miss(now, peer, sent, random) {
            self.doubt_neighbours(now, peer, random);
        }
        self.lose(now, id, cause, Retry::Soon, None, random);
    }
}
