//! Those who wait: subscriptions of strangers until the owner decides (RFC 6665 §4.2.1.1).
//!
//! A watcher that waits is told `pending`, with a document that says nothing of whom it watches, and nothing more; if it
//! goes without having been allowed, its last NOTIFY is no different, nor is that of a fetch. All of them together, and those of one
//! address, are few ([`limits::WAITING`], [`limits::WAITING_EACH`]). One too many gets 503 with Retry-After: 403 would
//! be a decision, and nobody has decided.

use super::{Notifier, Subscription};
use crate::events::identity::Identity;
use crate::events::package::Package;
use crate::events::presentity::Presentity;
use crate::events::subscription::{State, Verdict};
use crate::ground::limits::{PRESENTITIES, WAITING, WAITING_EACH};
use crate::ground::table::Id;
use crate::txn::token::Token;
use core::mem::take;
use core::net::IpAddr;
use heapless::Vec;

/// Subscriptions that nobody has allowed yet, whether they still wait or take their leave.
pub(super) struct Waiting {
    /// In the order in which they came.
    all: Vec<u16, WAITING>,
    /// How many of each presentity's are pending.
    pending: [u16; PRESENTITIES],
    changed: bool,
}

impl Waiting {
    pub(super) const fn new() -> Waiting {
        Waiting {
            all: Vec::new(),
            pending: [0; PRESENTITIES],
            changed: false,
        }
    }

    /// What is ruled of a member of a list that is watched is another verdict.
    pub(super) fn recount(&mut self, presentity: Id<Presentity>, old: Verdict, new: Verdict) {
        let counts = |verdict| i16::from(verdict == Verdict::Confirm);
        let by = counts(new) - counts(old);
        if by != 0 {
            self.add(presentity, by);
        }
    }

    fn add(&mut self, presentity: Id<Presentity>, by: i16) {
        let count = &mut self.pending[usize::from(presentity.slot())];
        *count = count.saturating_add_signed(by);
        self.changed = true;
    }
}

impl Notifier {
    /// The subscriptions that wait for a decision, the oldest first.
    pub fn waiting(&self) -> impl Iterator<Item = (Id<Subscription>, &Subscription)> {
        self.waiting.all.iter().filter_map(|&slot| {
            let id = self.subscriptions.id_at(slot)?;
            let subscription = self.subscriptions.get(id)?;
            matches!(subscription.state, State::Pending { .. }).then_some((id, subscription))
        })
    }

    /// How many of them wait for this presentity.
    pub fn pending(&self, presentity: Id<Presentity>) -> usize {
        usize::from(self.waiting.pending[usize::from(presentity.slot())])
    }

    /// Whether anybody began or ceased to wait since the last time.
    pub fn take_waiting_changed(&mut self) -> bool {
        take(&mut self.waiting.changed)
    }

    /// Who the subscription of this tag is of.
    pub fn identity(&self, tag: Token) -> Option<Identity> {
        let subscription = self.find(tag).and_then(|id| self.subscriptions.get(id));
        subscription.map(|it| it.identity)
    }

    /// Whether somebody has allowed the subscription of this tag, with all that it is to.
    pub fn is_allowed(&self, tag: Token) -> bool {
        let subscription = self.find(tag).and_then(|id| self.subscriptions.get(id));
        subscription.is_some_and(|it| self.is_decided(it))
    }

    /// Whether one more at that address may wait.
    pub(super) fn may_wait(&self, address: IpAddr) -> bool {
        let is_there = |&&slot: &&u16| {
            let id = self.subscriptions.id_at(slot);
            let subscription = id.and_then(|id| self.subscriptions.get(id));
            subscription.is_some_and(|it| it.flow.remote.ip() == address)
        };
        let all = &self.waiting.all;
        !all.is_full() && all.iter().filter(is_there).count() < WAITING_EACH
    }

    /// Nobody has allowed this new subscription.
    pub(super) fn waits(&mut self, id: Id<Subscription>) {
        let _ = self.waiting.all.push(id.slot()); // `may_wait` has seen the room.
        if let Some(subscription) = self.subscriptions.get(id) {
            self.count(subscription.presentity, subscription.state, 1);
        }
    }

    /// A subscription is allowed, or gone.
    pub(super) fn waits_no_more(&mut self, id: Id<Subscription>) {
        let Some(subscription) = self.subscriptions.get(id) else {
            return;
        };
        let all = &mut self.waiting.all;
        if let Some(at) = all.iter().position(|&slot| slot == id.slot()) {
            let _ = all.remove(at);
            self.count(subscription.presentity, subscription.state, -1);
        }
    }

    pub(super) fn count(&mut self, presentity: Id<Presentity>, state: State, by: i16) {
        match state {
            State::Active { .. } | State::Terminated(_) => {}
            State::Pending { .. } => self.waiting.add(presentity, by),
        }
    }
}

/// What becomes of the policy's verdict in a package. The owner does not decide about those who want to know what is for
/// him alone, as who watches: he is told himself, and others are refused.
pub(super) fn heeded(package: Package, verdict: Verdict) -> Verdict {
    match verdict {
        Verdict::Confirm if package.is_private() => Verdict::Block,
        Verdict::Allow | Verdict::Confirm | Verdict::Block => verdict,
    }
}
