//! Rulings made anew about those who watch: by the owner, by other settings, by the clock (RFC 6665 §4.2.2).
//!
//! Everybody whose ruling is another one has to be told, and at six in the evening that may be all at once. Their NOTIFYs
//! go out in the order of the table, [`BATCH`] in each [`INTERVAL`]; a change of the presentity does not wait for them, and
//! takes with it what was ruled.

use super::documents::{Documents, discerned};
use super::subscription::{Notify, Wants};
use super::waiting::heeded;
use super::{Notifier, Subscription, Who};
use crate::events::package::Baseline;
use crate::events::ruling::Ruling;
use crate::events::subscription::{Reason, State, Verdict};
use crate::ground::limits::SUBSCRIPTIONS;
use crate::ground::table::{Id, Queue};
use crate::ground::time::{Duration, Instant};

/// How many are told at once.
const BATCH: usize = 10;

/// After which time the next ones are told: a hundred a second.
const INTERVAL: Duration = Duration::from_millis(100);

/// Those who have to hear what was ruled.
pub(super) struct Rejudged {
    slots: Queue<SUBSCRIPTIONS>,
    /// How many more may be told before `next`.
    left: usize,
    next: Instant,
}

impl Rejudged {
    pub(super) const fn new() -> Rejudged {
        Rejudged {
            slots: Queue::new(),
            left: 0,
            next: Instant::ZERO,
        }
    }

    /// When the next ones are told.
    pub(super) fn due(&self) -> Option<Instant> {
        (!self.slots.is_empty()).then_some(self.next)
    }
}

impl Notifier {
    /// Judges anew every watcher for whom there is a ruling. One that was allowed and has to wait now is asked to come
    /// again; one that went before anybody decided is remembered no longer.
    pub fn judge_all(&mut self, judge: impl Fn(Who<'_>) -> Option<Ruling>) {
        self.judge_absent(&judge);
        self.unjudged = false;
        for slot in 0..SUBSCRIPTIONS as u16 {
            if let Some(id) = self.subscriptions.id_at(slot)
                && let Some(ruling) = self.judge(id, &judge)
            {
                self.obey(id, ruling);
            }
        }
    }

    /// As [`Notifier::judge_all`], of one.
    #[cfg(test)]
    pub fn decide(&mut self, id: Id<Subscription>, verdict: Verdict) {
        self.obey(id, Ruling::plain(verdict));
    }

    /// Whether there are subscriptions of before a restart that nobody has judged since.
    pub fn wants_judging(&self) -> bool {
        self.unjudged
    }

    /// Tells the next of those whose ruling is another one.
    pub(super) fn tell_rejudged(&mut self, now: Instant) {
        let rejudged = &mut self.rejudged;
        if rejudged.slots.is_empty() {
            return;
        }
        if now >= rejudged.next {
            (rejudged.left, rejudged.next) = (BATCH, now + INTERVAL);
        }
        while rejudged.left > 0
            && let Some(slot) = rejudged.slots.pop()
        {
            rejudged.left -= 1;
            self.ready.push(slot);
        }
    }

    fn judge(
        &mut self,
        id: Id<Subscription>,
        judge: &dyn Fn(Who<'_>) -> Option<Ruling>,
    ) -> Option<Ruling> {
        let subscription = self.subscriptions.get(id)?;
        match subscription.row {
            None => judge(subscription.who()),
            Some(_) => self.judge_members(id, judge),
        }
    }

    fn obey(&mut self, id: Id<Subscription>, ruling: Ruling) {
        let Some(subscription) = self.subscriptions.get_mut(id) else {
            return;
        };
        let verdict = heeded(subscription.package, ruling.verdict);
        let mut tells = !core::mem::replace(&mut subscription.judged, true);
        tells |= subscription.see(ruling, &mut self.documents);
        // What waited for its pace may have nothing to wait for any more.
        tells |= subscription.wants == Wants::Changes;
        let state = match (subscription.state, verdict) {
            (State::Terminated(_), _)
            | (State::Pending { .. }, Verdict::Confirm)
            | (State::Active { .. }, Verdict::Allow) => subscription.state,
            (State::Pending { ends }, Verdict::Allow) => State::Active { ends },
            (State::Active { .. }, Verdict::Confirm) => State::Terminated(Reason::Deactivated),
            (State::Pending { .. } | State::Active { .. }, Verdict::Block) => {
                State::Terminated(Reason::Rejected)
            }
        };
        if state != subscription.state {
            subscription.wants = Wants::Full;
            subscription.allowed = match state {
                State::Active { .. } => true,
                State::Pending { .. } | State::Terminated(_) => {
                    subscription.allowed && verdict != Verdict::Confirm
                }
            };
            let allowed = subscription.allowed;
            self.turn(id, state);
            if allowed {
                self.waits_no_more(id);
            }
            tells = true;
        }
        self.arm(id);
        if tells {
            self.rejudged.slots.push(id.slot());
        }
    }
}

impl Subscription {
    /// Takes what it sees and how often it is told; says whether it has to be told what it sees now.
    pub(super) fn see(&mut self, ruling: Ruling, documents: &mut Documents) -> bool {
        self.tempo.rule(ruling.pace);
        let view = discerned(self.package, ruling.view);
        if core::mem::replace(&mut self.view, view) == view || !self.allowed {
            return false;
        }
        self.sees_otherwise();
        documents.make_anew(self.presentity);
        matches!(self.state, State::Active { .. })
    }

    /// Its view is another one: what it knows is of no use, nor is what is on its way to it.
    fn sees_otherwise(&mut self) {
        self.wants = self.wants.max(Wants::Changes);
        self.told = Baseline::Nothing;
        self.sent = 0;
        self.tempo.hurry();
        match &mut self.notify {
            Notify::InFlight(in_flight) => in_flight.forget_told(),
            Notify::Idle | Notify::Later { .. } => {}
        }
    }
}
