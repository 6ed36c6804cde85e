//! Watches whose way leads elsewhere: another server, another connection, another address of ours.
//!
//! Read RFC 5626 §4.3, §4.5 and RFC 6665 §4.4.1 first. A subscription is one server's: over another way to the same server
//! it is refreshed, at another server it begins anew.

use super::cause::Cause;
use super::subscribe::way_now;
use super::usage::{Usage, UsageState};
use super::watch::{State, Watch};
use super::{USAGES, Watcher};
use crate::ground::limits;
use crate::ground::random::Random;
use crate::ground::table::Id;
use crate::ground::time::Instant;
use crate::ua::outbound::{Accounts, Lead, Long};
use crate::ua::request::Sending;
use crate::ua::retry;
use crate::wire::flow::{End, Flow};

impl Watcher {
    /// The way of an account leads elsewhere: the watches that go it follow, one after the other, wherever they were.
    pub fn handle_moved(
        &mut self,
        now: Instant,
        account: u16,
        accounts: &mut dyn Accounts,
        random: &mut Random,
    ) {
        let mut nth = 0;
        for slot in 0..limits::WATCHES as u16 {
            if let Some(id) = self.watches.id_at(slot)
                && self.watches.get(id).and_then(Watch::follows) == Some(account)
            {
                self.follow(now, id, now + retry::paced(nth, random), accounts);
                nth += 1;
            }
        }
    }

    /// Our own addresses changed: all notifiers are told the new ones, one after the other.
    pub fn handle_addresses(
        &mut self,
        now: Instant,
        accounts: &mut dyn Accounts,
        random: &mut Random,
    ) {
        for slot in 0..limits::WATCHES as u16 {
            if let Some(id) = self.watches.id_at(slot) {
                self.follow(now, id, now + retry::paced(slot, random), accounts);
            }
        }
    }

    /// An account proves otherwise who we are: what was refused to it is asked for once more, one after the other.
    pub fn handle_new_proof(&mut self, now: Instant, account: u16, random: &mut Random) {
        for slot in 0..limits::WATCHES as u16 {
            let Some(id) = self.watches.id_at(slot) else {
                continue;
            };
            let Some(watch) = self.watches.get_mut(id) else {
                continue;
            };
            let soon = (now + retry::paced(slot, random)).max(watch.not_before);
            let is_its_own = watch.account == Some(account);
            if let State::Waiting { until } = &mut watch.state
                && is_its_own
            {
                *until = soon.min(*until);
                watch.failures = 0;
                self.settle_watch(id);
            }
        }
    }

    /// The owner has changed something: what failed is tried once more, one after the other, and who was not believed is
    /// asked anew, for he may be trusted now.
    pub fn handle_reload(&mut self, now: Instant, random: &mut Random) {
        for slot in 0..limits::WATCHES as u16 {
            let Some(id) = self.watches.id_at(slot) else {
                continue;
            };
            let Some(watch) = self.watches.get_mut(id) else {
                continue;
            };
            let latest = match &watch.state {
                State::Waiting { until } if watch.failures > 0 => *until,
                State::Asking(_) if watch.story.distrusts.is_some() => Instant::MAX,
                State::Waiting { .. }
                | State::Listed
                | State::Seeking { .. }
                | State::Resolving { .. }
                | State::Asking(_)
                | State::Told { .. }
                | State::Ending(_) => continue,
            };
            let soon = (now + retry::paced(slot, random)).max(watch.not_before);
            watch.state = State::Waiting {
                until: soon.min(latest),
            };
            watch.failures = 0;
            self.settle_watch(id);
        }
    }

    /// The connection of `flow` is no more; or, with number 0, none can be had to `flow.remote`. To what is in flight there
    /// this is a 503, but what left datagrams for a stream that is refused goes by datagram after all (RFC 3261 §18.1.1).
    /// A subscription that had its connection is refreshed over a new one, soon (RFC 5626 §4.5).
    pub fn handle_disconnected(
        &mut self,
        now: Instant,
        flow: &Flow,
        end: End,
        random: &mut Random,
    ) {
        for slot in 0..limits::WATCHES as u16 {
            if let Some(id) = self.watches.id_at(slot) {
                self.watch_disconnected(now, id, flow, end, random);
            }
        }
        for slot in 0..USAGES as u16 {
            if let Some(id) = self.usages.id_at(slot) {
                self.usage_disconnected(now, id, flow, end, random);
            }
        }
    }

    /// Goes the way that there is now, `soon`.
    fn follow(&mut self, now: Instant, id: Id<Watch>, soon: Instant, accounts: &mut dyn Accounts) {
        let Some(watch) = self.watches.get_mut(id) else {
            return;
        };
        let lead = watch.follows().map(|account| accounts.lead(now, account));
        match &mut watch.state {
            State::Waiting { until } => {
                // Whatever failed may work there. Who was asked to wait waits.
                *until = (*until).min(soon.max(watch.not_before));
                self.settle_watch(id);
            }
            State::Resolving { .. } if lead.is_some() => self.seek(id, true),
            State::Asking(attempt) => {
                let way = match lead {
                    Some(Lead::Way(way)) => Some(way),
                    Some(Lead::Soon | Lead::Nowhere) => None,
                    None => {
                        let target = attempt.way.target();
                        watch.way_to(target, accounts.addresses())
                    }
                };
                let is_same = |attempt: &super::watch::Attempt| {
                    way.is_some_and(|way| way.is_same(&attempt.way))
                };
                if !watch.attempt().is_some_and(is_same) {
                    // No answer finds us, or nobody is there to give one.
                    self.seek(id, true);
                }
            }
            State::Told { .. } => {
                let usages = watch.usages.clone();
                let moves = |usage: &Id<Usage>| match (lead, self.usages.get(*usage)) {
                    (Some(Lead::Way(way)), Some(usage)) => !way.is_beside(&usage.way),
                    (Some(Lead::Soon | Lead::Nowhere) | None, _) | (_, None) => false,
                };
                if usages.iter().any(moves) {
                    return self.begin_anew(now, id, soon);
                }
                for usage in usages {
                    self.follow_in_dialog(now, usage, soon, accounts);
                }
            }
            State::Listed | State::Seeking { .. } | State::Resolving { .. } | State::Ending(_) => {}
        }
    }

    /// Leaves a server, and asks the next one. What was told is in doubt until that one tells.
    pub(super) fn begin_anew(&mut self, now: Instant, id: Id<Watch>, until: Instant) {
        let Some(watch) = self.watches.get_mut(id) else {
            return;
        };
        watch.blame(Cause::Moved);
        watch.failures = 0;
        watch.state = State::Waiting { until };
        watch.doubt_since(now);
        self.forget_usages(id);
        self.changed.push(id.slot());
        self.settle_watch(id);
    }

    /// Refreshes a subscription over another way to the same server.
    fn follow_in_dialog(
        &mut self,
        now: Instant,
        id: Id<Usage>,
        soon: Instant,
        accounts: &mut dyn Accounts,
    ) {
        let Some(usage) = self.usages.get_mut(id) else {
            return;
        };
        let Some(watch) = self.watches.get(usage.watch) else {
            return;
        };
        let way = way_now(now, watch, usage, accounts);
        if way.is_none_or(|way| way.is_same(&usage.way)) {
            return;
        }
        match &mut usage.state {
            UsageState::Resting { refresh } => *refresh = soon.min(*refresh),
            UsageState::Refreshing(refresh) if refresh.request.is_in_flight() => {
                usage.state = UsageState::Resting { refresh: soon };
            }
            UsageState::Refreshing(_) | UsageState::Ending(_) => {}
        }
        self.settle_usage(id);
    }

    fn watch_disconnected(
        &mut self,
        now: Instant,
        id: Id<Watch>,
        flow: &Flow,
        end: End,
        random: &mut Random,
    ) {
        let Some(watch) = self.watches.get_mut(id) else {
            return;
        };
        let Some(attempt) = watch.attempt_mut() else {
            return;
        };
        if !attempt.request.is_in_flight() || !went_through(&attempt.way.flow, flow) {
            return;
        }
        let had_moved = attempt.way.long == Long::Moved;
        if had_moved && end == End::Refused {
            attempt.seq += 1;
            attempt.request = Sending::Due;
            attempt.way.long = Long::Stays;
            attempt.way.flow = Flow::udp(attempt.way.flow.local, flow.remote);
            watch.long = Long::Stays;
            self.ready_watches.push(id.slot());
            return self.settle_watch(id);
        }
        if had_moved && end == End::Silent {
            watch.long = Long::Stays;
        }
        self.watch_unreachable(now, id, flow.remote, Cause::of_end(end), random);
    }

    fn usage_disconnected(
        &mut self,
        now: Instant,
        id: Id<Usage>,
        flow: &Flow,
        end: End,
        random: &mut Random,
    ) {
        let Some(usage) = self.usages.get_mut(id) else {
            return;
        };
        if !went_through(&usage.way.flow, flow) {
            return;
        }
        let had_moved = usage.way.long == Long::Moved;
        if had_moved
            && end != End::Closed
            && let Some(watch) = self.watches.get_mut(usage.watch)
        {
            watch.long = Long::Stays;
        }
        if usage.is_in_flight() && had_moved && end == End::Refused {
            let seq = usage.dialog.next_seq();
            usage.way.flow = Flow::udp(usage.way.flow.local, flow.remote);
            usage.way.long = Long::Stays;
            if let Some(refresh) = usage.refresh_mut() {
                refresh.seq = seq;
                refresh.request = Sending::Due;
            }
            self.ready_usages.push(id.slot());
        } else if usage.is_in_flight() {
            return self.postpone(now, id, Cause::of_end(end), None, random);
        } else if !had_moved && let UsageState::Resting { refresh } = &mut usage.state {
            *refresh = (now + retry::lost_flow(end, random)).min(*refresh);
        }
        self.settle_usage(id);
    }
}

/// Whether a request that went by `flow` went through the connection that ended. One that was sent before there was a
/// connection had none's number.
fn went_through(flow: &Flow, ended: &Flow) -> bool {
    let same_peer = (flow.transport, flow.remote) == (ended.transport, ended.remote);
    let same_connection = flow.connection == 0 || flow.connection == ended.connection;
    flow.transport.is_reliable() && same_peer && same_connection
}
