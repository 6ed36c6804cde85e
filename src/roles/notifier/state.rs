//! What state a subscription is in, and who has to hear of another one: the store, those who count the waiting, the
//! audience, and those who remember whoever went.
//!
//! ```text
//!   SUBSCRIBE ──► pending ──approved──► active
//!                    │ timeout             │ timeout, rejected, deactivated, …
//!                    ▼                     ▼
//!                 waiting ──────────► terminated
//!                    approved, rejected, giveup
//! ```
//!
//! Read RFC 3857 §4.7.1 first.

use super::{Notifier, Subscription, group};
use crate::events::subscription::{Reason, State};
use crate::ground::table::Id;
use crate::ground::time::Instant;
use crate::wire::doc::winfo::Event;

impl Notifier {
    /// The subscription is in another state from now on. Nothing else changes the state of one that is there, and so
    /// what follows from a change is done here.
    pub(super) fn turn(&mut self, id: Id<Subscription>, state: State) {
        let Some(subscription) = self.subscriptions.get_mut(id) else {
            return;
        };
        let presentity = subscription.presentity;
        let old = core::mem::replace(&mut subscription.state, state);
        if core::mem::discriminant(&old) != core::mem::discriminant(&state) {
            self.unsaved.hasten(id.slot(), Instant::ZERO);
            self.altered.push(id.slot());
        }
        self.count(presentity, old, -1);
        self.count(presentity, state, 1);
        self.track(id, Some(old));
    }

    /// A subscription is in another state than `old`, or new. This is the one place that all such changes go through.
    pub(super) fn track(&mut self, id: Id<Subscription>, old: Option<State>) {
        let Some(subscription) = self.subscriptions.get(id) else {
            return;
        };
        let Some(winfo) = subscription.package.winfo() else {
            return;
        };
        let group = group(subscription.presentity, winfo);
        match (old, subscription.state) {
            (Some(State::Pending { .. }), State::Pending { .. })
            | (Some(State::Active { .. }), State::Active { .. })
            | (Some(State::Terminated(_)), _)
            // A fetch; what becomes of a stranger's is seen when it goes.
            | (None, State::Terminated(_)) => {}
            (None, State::Pending { .. } | State::Active { .. }) => {
                self.returned(id);
                self.stands(id, group, Event::Subscribe);
            }
            (Some(State::Active { .. }), State::Pending { .. }) => {
                self.stands(id, group, Event::Subscribe);
            }
            (Some(State::Pending { .. }), State::Active { .. }) => {
                self.stands(id, group, Event::Approved);
            }
            (Some(State::Pending { ends }), State::Terminated(Reason::Timeout)) => {
                self.leaves(id, group, ends);
            }
            (Some(State::Pending { .. } | State::Active { .. }), State::Terminated(reason)) => {
                self.ends(id, group, event(reason));
            }
        }
    }
}

const fn event(reason: Reason) -> Event {
    match reason {
        Reason::Timeout => Event::Timeout,
        Reason::Deactivated => Event::Deactivated,
        Reason::Rejected => Event::Rejected,
        Reason::GiveUp(_) => Event::GiveUp,
        Reason::NoResource => Event::NoResource,
    }
}
