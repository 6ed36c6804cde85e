//! Lamps that audit their server: what ends by itself in life is asked about, again and again.
//!
//! Read RFC 6665 §4.1.2.2 and §4.4.3 first. A NOTIFY that never comes looks like a state that lasts. The field knows many
//! ways to it:
//!
//! * The server knows the end and tells nobody: kamailio #2540 (no subscription is found to tell), asterisk #793 (dead
//!   subscriptions in the way), OpenSIPS #1869 (the call ended on the other node after a fail-over).
//! * What it tells in a dialog is wrong, and what it tells a newcomer is right: kamailio #1427 (the end of one call is
//!   taken for the end of another), freeswitch #156 (a second call's end is told as "early" once more).
//! * Its own record is wrong until that expires, and then nobody is told: kamailio #3192 ("early" written behind
//!   "terminated"), OpenSIPS #3801 and #3802 (the record of a branch that nobody ends), #3880 (the end on another node).
//! * It was restarted and has forgotten all subscriptions.
//!
//! So a call, a held call, a ringing or dialling phone is a state to be confirmed. The agent asks about it in turn by a
//! refresh in the dialog, which brings the full state, and by a fetch beside it, which no state of the dialog can spoil.
//!
//! ```text
//!            half an audit           half an audit
//!   a state ────────────► refresh ─┬──────────────► fetch ─┬─ the same ──────► refresh, and so on
//!   that ends                ▲     │                       ├─ refused ───────► refresh; a new subscription if it lasts
//!   by itself                └─────┘ another state         └─ another state ─► 2 s for the dialog to say so too,
//!                                                                              then a new subscription decides
//! ```
//!
//! A lamp at rest is not asked about. But of each server the oldest subscription is refreshed when nothing was heard in
//! it for an audit: a server that was restarted has lost that one too, and its 481 makes the others doubt (the *patrol*).
//!
//! The cost: a question a minute for a lamp in a call, one an audit for a server with all lamps at rest, and never more
//! than three a second ([`PACE`]). The ways a question ends are those of any request: unanswered, the subscription is in
//! doubt or lost. Answered without a document, it leaves the state unconfirmed, which after an audit is a doubt as well.

use super::Watcher;
use super::doubt::{Ask, Doubt, MINUTE, between, lasts, silence};
use super::usage::{Gap, Usage, UsageState};
use super::watch::{Attempt, State, Watch};
use crate::ground::random::Random;
use crate::ground::table::Id;
use crate::ground::time::{Duration, Instant, Seconds};

/// Between two questions about all lamps: never more than three a second.
const PACE: Duration = Duration::from_millis(350);

impl Usage {
    /// A NOTIFY was accepted, with a document or without.
    pub(super) fn vouch(&mut self, now: Instant, watch: &Watch, tells: bool, random: &mut Random) {
        self.audit.heard = now;
        if tells || self.pending {
            let known = watch.place.most().or(self.knowledge.watched());
            self.audit.hear(now, known, watch.audit.period, random);
        }
    }

    /// Whether something was asked and nothing that came since says that it is still so.
    fn is_unconfirmed(&self, now: Instant, period: Seconds) -> bool {
        let audit = &self.audit;
        let in_vain = audit.asked.is_some_and(|asked| audit.confirmed < asked);
        let most = period.duration() * 3 / 2;
        audit.says.is_some() && in_vain && now - audit.confirmed >= most
    }
}

impl Watcher {
    /// A NOTIFY of a usage was accepted: its server is on the patrol, and a new subscription has decided who was right.
    pub(super) fn audited(&mut self, now: Instant, id: Id<Usage>) {
        let Some(usage) = self.usages.get(id) else {
            return;
        };
        let Some(watch) = self.watches.get_mut(usage.watch) else {
            return;
        };
        if watch.is_audited() {
            let soon = now + silence(watch.audit.period);
            self.patrol = Some(self.patrol.map_or(soon, |at| at.min(soon)));
        }
        let settles = !matches!(usage.audit.next, Some((_, Ask::Renew)));
        if let Some(before) = watch.audit.before.take_if(|_| settles)
            && usage.audit.opened == now
        {
            let was_wrong = usage.knowledge.watched() == Some(before);
            watch.audit.misled = if was_wrong { watch.audit.misled + 1 } else { 0 };
        }
        self.mistrust(now, id);
    }

    /// Asks about a state that ends by itself, if it is time.
    pub(super) fn audit(&mut self, now: Instant, id: Id<Usage>, random: &mut Random) {
        let Some(usage) = self.usages.get_mut(id) else {
            return;
        };
        let Some(watch) = self.watches.get(usage.watch) else {
            return;
        };
        let Some((_, ask)) = usage.audit.next.filter(|(at, _)| *at <= now) else {
            return;
        };
        let earliest = self.next_question.max(watch.not_before);
        if now < earliest {
            usage.audit.next = Some((earliest, ask));
            return;
        }
        let period = watch.audit.period;
        self.mistrust(now, id);
        let Some(usage) = self.usages.get_mut(id) else {
            return;
        };
        let then = match ask {
            Ask::Refresh => Ask::Fetch,
            Ask::Fetch | Ask::Renew => Ask::Refresh,
        };
        usage.audit.next = Some((now + between(period, random), then));
        let watch_id = usage.watch;
        match ask {
            // Whoever is failing is asked as a failure is.
            _ if usage.retries > 0 => {}
            // It was asked just now: the other way is next, as soon as may be.
            Ask::Refresh if now - usage.sent < MINUTE => {
                usage.audit.next = Some((usage.sent + MINUTE, then));
            }
            Ask::Refresh => {
                self.count_question(now, id);
                self.refresh(id);
            }
            Ask::Fetch => self.fetch(now, id, random),
            Ask::Renew => {
                self.count_question(now, id);
                self.renew(now, watch_id, true);
            }
        }
    }

    /// What nobody confirms by either way is in doubt since it became older than an audit.
    pub(super) fn mistrust(&mut self, now: Instant, id: Id<Usage>) {
        let Some(usage) = self.usages.get_mut(id) else {
            return;
        };
        let watch_id = usage.watch;
        let Some(watch) = self.watches.get(watch_id) else {
            return;
        };
        let period = watch.audit.period;
        if usage.is_unconfirmed(now, period) {
            let since = usage.audit.confirmed + period.duration();
            usage.doubt.get_or_insert(since);
            self.tell(now, watch_id);
        }
    }

    /// Notes that a question is asked.
    pub(super) fn count_question(&mut self, now: Instant, id: Id<Usage>) {
        self.next_question = now + PACE;
        if let Some(usage) = self.usages.get_mut(id) {
            usage.audit.asked = Some(now);
        }
    }

    /// Begins a fetch. Where none is answered, a state that lasts too long is asked about by a new subscription. A forked
    /// subscription is left alone: a newcomer may be told by another of its notifiers first.
    fn fetch(&mut self, now: Instant, id: Id<Usage>, random: &mut Random) {
        let Some(usage) = self.usages.get(id) else {
            return;
        };
        let (watch_id, slot, audit) = (usage.watch, usage.watch.slot(), usage.audit);
        let Some(watch) = self.watches.get_mut(watch_id) else {
            return;
        };
        let State::Told { attempt, .. } = &watch.state else {
            return;
        };
        if watch.usages.len() > 1 || attempt.request.is_in_flight() || now < watch.audit.quiet {
            return;
        }
        if !watch.audit.may_fetch() {
            let most = audit.says.and_then(lasts);
            if most.is_some_and(|most| now - audit.since >= most) {
                self.count_question(now, id);
                self.renew(now, watch_id, false);
            }
            return;
        }
        watch.fetch = Some(Attempt::new(now, slot, attempt.way, random));
        self.ready_watches.push(slot);
        self.count_question(now, id);
        self.settle_watch(watch_id);
    }

    /// Begins a new subscription in place of the one there is, whose next NOTIFY gets 481. What was told stays, if not
    /// `doubted`.
    pub(super) fn renew(&mut self, now: Instant, id: Id<Watch>, doubted: bool) {
        self.forget_usages(id);
        let Some(watch) = self.watches.get_mut(id) else {
            return;
        };
        watch.failures = 0;
        if doubted {
            watch.story.last_reason = CONTRADICTED;
            watch.doubt_since(now);
            self.changed.push(id.slot());
        }
        self.seek(id, true);
    }
}

impl Watch {
    /// Why what is known is doubtful although the subscription stands.
    pub(super) fn doubt(&self, usage: Option<&Usage>) -> Option<Doubt> {
        let Some(usage) = usage else {
            let is_renewed = self.audit.before.is_some() && self.story.broken_since.is_some();
            return is_renewed.then_some(Doubt::Contradicted);
        };
        let is_asked = match &usage.state {
            UsageState::Refreshing(_) => usage.audit.asked.is_some_and(|at| at >= usage.sent),
            UsageState::Resting { .. } | UsageState::Ending(_) => false,
        };
        match usage.gap {
            Gap::Open { .. } | Gap::Asked(_) => return Some(Doubt::Gap),
            Gap::Closed => {}
        }
        usage.audit.says?;
        match usage.audit.next {
            Some((_, Ask::Renew)) => Some(Doubt::Contradicted),
            Some((_, Ask::Refresh | Ask::Fetch)) | None if is_asked => Some(Doubt::Asked),
            Some(_) | None if self.fetch.is_some() => Some(Doubt::Asked),
            Some(_) | None => {
                let unconfirmed = usage.doubt.is_some() && usage.retries == 0;
                unconfirmed.then_some(Doubt::Unconfirmed)
            }
        }
    }
}

/// What `last_reason` says of a subscription that was given up for a new one.
const CONTRADICTED: &str = "contradicted";
