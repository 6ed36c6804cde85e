//! How attempts, usages and watches end, and what follows.

use super::cause::Cause;
use super::reason::{End, Leaves};
use super::silence::Asked;
use super::usage::{Usage, UsageState};
use super::watch::{Gone, State, Watch};
use super::{USAGES, Watcher};
use crate::events::watched::Watched;
use crate::ground::limits;
use crate::ground::random::Random;
use crate::ground::table::Id;
use crate::ground::time::{Duration, Instant, Seconds};
use crate::ua::retry::{self, Retry};
use core::net::{IpAddr, SocketAddr};

/// A subscription that stood this long may have been a good one, whose end is not held against the peer.
const CALM: Duration = Duration::from_secs(60);

/// A usage that asked this recently knows how its server is: it is not sent to look.
const ASKED_JUST_NOW: Duration = Duration::from_secs(60);

impl Watcher {
    /// Ends the attempt or subscription of a watch and plans the next one. All usages are forgotten: what they told
    /// is in doubt from now on.
    pub(super) fn fail(
        &mut self,
        now: Instant,
        id: Id<Watch>,
        cause: Cause,
        retry: Retry,
        retry_after: Option<Seconds>,
        random: &mut Random,
    ) {
        let was_good = self.was_good(now, id);
        let asked = self.last_asked(id);
        let is_silent = cause.is_of_the_server() || cause == Cause::Expired && self.is_awaiting(id);
        self.patrol_soon(now);
        if cause.is_of_the_server() {
            self.doubt_account(Some(id));
        }
        let Some(watch) = self.watches.get_mut(id) else {
            return;
        };
        watch.blame(cause);
        if matches!(watch.state, State::Ending(_)) {
            return self.forget_watch(id);
        }
        if was_good {
            watch.failures = 0;
        }
        let turns = watch.turn(cause);
        if let Some(asked) = retry_after.filter(|_| !turns) {
            watch.not_before = now + retry::retry_after(asked, random);
        }
        let usual = match turns {
            true => Duration::ZERO,
            false => retry.delay(watch.failures, random),
        };
        watch.failures = watch.failures.saturating_add((!turns).into());
        watch.state = State::Waiting { until: now + usual };
        watch.doubt_since(now);
        watch.awaits = None;
        self.forget_usages(id);
        let wait = match asked {
            Some(asked) if is_silent && !turns => self.give_way(now, &asked, usual, random),
            Some(_) | None => usual,
        };
        if let Some(watch) = self.watches.get_mut(id) {
            let until = (now + wait).max(watch.not_before);
            watch.state = State::Waiting { until };
            let waits = !turns && (is_silent || cause.is_of_an_ill_server());
            watch.awaits = asked.filter(|_| waits).map(|asked| asked.remote);
        }
        self.changed.push(id.slot());
        self.settle_watch(id);
    }

    /// No answer came: another subscription there looks whether the server is there. How long to wait, after `usual`.
    fn give_way(
        &mut self,
        now: Instant,
        asked: &Asked,
        usual: Duration,
        random: &mut Random,
    ) -> Duration {
        let Asked { remote, since } = *asked;
        self.look(now, remote, since);
        self.wait_at(now, remote, since, usual, random)
    }

    /// Ends one usage. Its watch begins anew, unless the notifier does not want to be asked again and others are
    /// left: then it is one of several less.
    pub(super) fn lose(
        &mut self,
        now: Instant,
        id: Id<Usage>,
        cause: Cause,
        retry: Retry,
        retry_after: Option<Seconds>,
        random: &mut Random,
    ) {
        let Some(usage) = self.usages.get(id) else {
            return;
        };
        let watch_id = usage.watch;
        let Some(watch) = self.watches.get_mut(watch_id) else {
            return;
        };
        let ending = matches!(watch.state, State::Ending(_));
        let unwanted = retry == Retry::Rare && watch.usages.len() > 1;
        if ending || unwanted {
            watch.blame(cause);
            self.forget_usage(id);
            self.patrol_soon(now);
            if ending && self.is_without_usage(watch_id) {
                self.forget_watch(watch_id);
            } else {
                self.tell(now, watch_id);
            }
            return;
        }
        self.fail(now, watch_id, cause, retry, retry_after, random);
    }

    /// A refresh failed, but the subscription stands until it expires (RFC 6665 §4.1.2.2): the next try is within that
    /// time.
    pub(super) fn postpone(
        &mut self,
        now: Instant,
        id: Id<Usage>,
        cause: Cause,
        retry_after: Option<Seconds>,
        random: &mut Random,
    ) {
        let Some(usage) = self.usages.get_mut(id) else {
            return;
        };
        let watch_id = usage.watch;
        let watch = self.watches.get(watch_id);
        // Another place of its name need not wait until this one's word has run out.
        let moves = watch.is_some_and(|it| it.may_turn(cause));
        if moves || matches!(usage.state, UsageState::Ending(_)) {
            return self.lose(now, id, cause, Retry::Backoff, None, random);
        }
        let (peer, sent) = (usage.peer(), usage.sent);
        let mut wait = retry::backoff(usage.retries, random);
        // Nothing is on its way any more.
        usage.state = UsageState::Resting {
            refresh: usage.ends,
        };
        if cause.is_of_the_server() {
            self.doubt_account(Some(watch_id));
            self.miss(now, peer, sent, random);
            wait = self.wait_at(now, peer, sent, wait, random);
        }
        let Some(usage) = self.usages.get_mut(id) else {
            return;
        };
        let mut refresh = now + wait;
        usage.retries = usage.retries.saturating_add(1);
        usage.doubt.get_or_insert(now);
        let Some(watch) = self.watches.get_mut(watch_id) else {
            return;
        };
        if let Some(asked) = retry_after {
            watch.not_before = now + retry::retry_after(asked, random);
            refresh = refresh.max(watch.not_before);
        }
        usage.state = UsageState::Resting { refresh };
        watch.blame(cause);
        watch.doubt_since(now);
        self.changed.push(watch_id.slot());
        self.settle_usage(id);
    }

    /// One subscription at `peer` turned out to be lost: the others there are refreshed soon, each at most once
    /// a minute, so that a restarted server is noticed within the shortest refresh and not the longest.
    pub(super) fn doubt_neighbours(&mut self, now: Instant, peer: SocketAddr, random: &mut Random) {
        let mut nth = 0;
        for slot in 0..USAGES as u16 {
            let Some(id) = self.usages.id_at(slot) else {
                continue;
            };
            let Some(usage) = self.usages.get_mut(id) else {
                continue;
            };
            let is_there = usage.peer() == peer;
            let asked_just_now = usage.asked_just_now(now);
            let UsageState::Resting { refresh } = &mut usage.state else {
                continue;
            };
            let soon = now + retry::paced(nth, random);
            if is_there && !asked_just_now && soon < *refresh {
                *refresh = soon;
                nth += 1;
                self.settle_usage(id);
            }
        }
    }

    /// The account whose way a watch goes may have lost its server, or be forgotten there.
    pub(super) fn doubt_account(&mut self, id: Option<Id<Watch>>) {
        let watch = id.and_then(|id| self.watches.get(id));
        if let Some(account) = watch.and_then(Watch::follows)
            && usize::from(account) < limits::UPSTREAMS
        {
            self.doubted.push(account);
        }
    }

    /// The server at `peer` has forgotten something else of ours: whether it knows our subscriptions is doubtful.
    pub fn handle_forgotten(&mut self, now: Instant, peer: IpAddr, random: &mut Random) {
        let mut peers = self.usages.iter().map(|(_, usage)| usage.peer());
        let found = peers.find(|it| it.ip() == peer);
        drop(peers);
        if let Some(peer) = found {
            self.doubt_neighbours(now, peer, random);
        }
    }

    /// Forgets a watch and all that hangs on it.
    pub(super) fn forget_watch(&mut self, id: Id<Watch>) {
        self.forget_usages(id);
        self.forget_record(id.slot());
        if let Some(watch) = self.watches.remove(id) {
            self.watch_timers.set(id.slot(), None);
            watch.document.map(|id| self.documents.remove(id));
        }
    }

    /// Makes room for a new watch at the cost of one that was removed: its notifiers' next NOTIFY gets 481.
    pub(super) fn give_up_an_ending_watch(&mut self) {
        let ending = |watch: &Watch| matches!(watch.state, State::Ending(_));
        let found = self.watches.iter().find(|(_, watch)| ending(watch));
        if let Some((id, _)) = found {
            self.forget_watch(id);
        }
    }

    /// Works out what the usages of a watch tell together (RFC 4235 §3.9) and tells the lamps if that changed.
    pub(super) fn tell(&mut self, now: Instant, id: Id<Watch>) {
        let Some(watch) = self.watches.get_mut(id) else {
            return;
        };
        let usages = watch
            .usages
            .iter()
            .filter_map(|usage| self.usages.get(*usage));
        if watch.story.hear(now, usages) {
            self.changed.push(id.slot());
        }
    }

    /// Sets the watch's timer to what its state says.
    pub(super) fn settle_watch(&mut self, id: Id<Watch>) {
        if let Some(watch) = self.watches.get(id) {
            self.watch_timers.set(id.slot(), watch.due());
        }
    }

    /// Sets the usage's timer to what its state says.
    pub(super) fn settle_usage(&mut self, id: Id<Usage>) {
        if let Some(usage) = self.usages.get(id) {
            self.usage_timers.set(id.slot(), usage.due());
        }
    }

    /// Whether a subscription that worked is said to be of nobody: some servers say so of one that merely lapsed
    /// (freeswitch #1532), so they are asked once more, and not again before it has stood for a while.
    pub(super) fn is_worth_a_query(&mut self, now: Instant, id: Id<Usage>, end: &End) -> bool {
        let Some(usage) = self.usages.get(id) else {
            return false;
        };
        let watch_id = usage.watch;
        let is_active = !usage.pending
            && matches!(
                usage.state,
                UsageState::Resting { .. } | UsageState::Refreshing(_)
            );
        let was_good = self.was_good(now, watch_id);
        let Some(watch) = self.watches.get_mut(watch_id) else {
            return false;
        };
        let is_gone = matches!(end.leaves, Leaves::Gone) && watch.usages.len() == 1;
        let asks = is_gone && is_active && (was_good || watch.gone == Gone::Unsaid);
        if asks {
            watch.gone = Gone::Said;
        }
        asks
    }

    /// Whether the subscription stood for a while, and at least one refresh worked if any was tried.
    fn was_good(&self, now: Instant, id: Id<Watch>) -> bool {
        let Some(watch) = self.watches.get(id) else {
            return false;
        };
        let since = match &watch.state {
            State::Told { since, .. } => *since,
            State::Waiting { .. }
            | State::Listed
            | State::Seeking { .. }
            | State::Resolving { .. }
            | State::Asking(_)
            | State::Ending(_) => return false,
        };
        let mut usages = watch
            .usages
            .iter()
            .filter_map(|usage| self.usages.get(*usage));
        now - since >= CALM && usages.any(|usage| usage.proven || usage.retries == 0)
    }

    fn is_without_usage(&self, id: Id<Watch>) -> bool {
        self.watches
            .get(id)
            .is_some_and(|watch| watch.usages.is_empty())
    }

    pub(super) fn forget_usages(&mut self, id: Id<Watch>) {
        if let Some(watch) = self.watches.get_mut(id) {
            watch.fetch = None;
            watch.home = None;
            watch.audit.refused = watch.place.is_list();
        }
        while let Some(usage) = self
            .watches
            .get(id)
            .and_then(|watch| watch.usages.last().copied())
        {
            self.forget_usage(usage);
        }
    }

    fn forget_usage(&mut self, id: Id<Usage>) {
        let Some(usage) = self.usages.remove(id) else {
            return;
        };
        self.usage_timers.set(id.slot(), None);
        if let Some(watch) = self.watches.get_mut(usage.watch) {
            if watch.usages.len() > 1 {
                self.spare_used -= 1;
            }
            watch.usages.retain(|other| *other != id);
            if let Some(attempt) = watch.attempt_mut() {
                attempt.left = Some(super::usage::tag_hash(usage.dialog.remote_tag()));
            }
        }
    }
}

impl Watch {
    /// Notes why something ended.
    pub(super) fn blame(&mut self, cause: Cause) {
        self.story.last_reason = cause.reason();
        self.story.last_status = cause.status().or(self.story.last_status);
        self.story.denied |= cause.denies_package();
    }

    /// Notes that it is in doubt for what a neighbour's requests came to.
    pub(super) fn blame_neighbour(&mut self) {
        self.blame(Cause::Neighbour);
    }

    /// From now on nobody vouches for what is known, unless that was so before, or somebody does who was not asked.
    pub(super) fn doubt_since(&mut self, now: Instant) {
        if self.story.unasked.is_some() {
            return;
        }
        self.story.broken_since.get_or_insert(now);
        if !self.story.told {
            self.story.watched = Watched::Unknown;
        }
    }

    /// Whether the SUBSCRIBE that opens it is unanswered on its way to `remote`.
    pub(super) fn asks_at(&self, remote: SocketAddr) -> bool {
        self.attempt().is_some_and(|attempt| {
            attempt.way.flow.remote == remote && attempt.request.is_in_flight()
        })
    }
}

impl Usage {
    /// Whether it knows how its server is, or is about to.
    pub(super) fn asked_just_now(&self, now: Instant) -> bool {
        let asked = self.audit.asked.map_or(self.sent, |at| at.max(self.sent));
        now - asked < ASKED_JUST_NOW
    }

    /// Whether a SUBSCRIBE is unanswered on its way to `remote`.
    pub(super) fn asks_at(&self, remote: SocketAddr) -> bool {
        self.peer() == remote && self.is_in_flight()
    }
}

const _: () = assert!(USAGES <= 1 << 15 && limits::WATCHES <= 1 << 15);
