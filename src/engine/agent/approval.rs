//! Strangers who want to watch, and the owner who lets them.

use super::{Agent, Report};
use crate::engine::directory::Directory;
use crate::events::presentity::Presentity;
use crate::events::subscription::{State, Verdict};
use crate::ground::table::Id;
use crate::roles::notifier::Subscription;
use crate::users::policy::{Policy, Watching};
use core::net::IpAddr;

/// Whom the owner means among the watchers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whom<'a> {
    /// Those who give themselves this URI.
    Named(&'a [u8]),
    /// Those at this address.
    At(IpAddr),
}

/// Watchers at several addresses give themselves this name. Anybody can, so the owner has to say at which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ambiguous;

impl Whom<'_> {
    /// Whether it is the watcher behind this subscription.
    fn means(&self, subscription: &Subscription) -> bool {
        match *self {
            Whom::Named(name) => subscription.dialog().remote_uri() == name,
            Whom::At(address) => {
                subscription.flow().remote.ip().to_canonical() == address.to_canonical()
            }
        }
    }
}

impl Agent {
    /// Lets the watcher who waits longest for the presentity with that number in the settings watch it, with all its
    /// subscriptions, now and when it comes back. Whether anybody waited.
    pub fn approve_waiting(&mut self, presentity: usize) -> bool {
        let Some(&presentity) = self.presentities.get(presentity) else {
            return false;
        };
        self.decide_first(true, |_, it| waits(it) && it.presentity() == presentity)
    }

    /// Allows each watcher that is meant and waits, or blocks it, also if it was allowed before; whomever it wants to
    /// watch, now and when it comes back. How many watchers that were, each counted once for each whom it watches. Who is
    /// trusted can't be blocked.
    ///
    /// # Errors
    /// [`Ambiguous`]: nothing was decided.
    pub fn decide_strangers(&mut self, whom: Whom<'_>, may: bool) -> Result<usize, Ambiguous> {
        let is_meant = |policy: &Policy, it: &Subscription| {
            let is_allowed = matches!(it.state(), State::Active { .. })
                && policy.admits(it.flow().remote.ip()) == Verdict::Confirm;
            whom.means(it) && (waits(it) || (is_allowed && !may))
        };
        let meant = self.notifier.iter().map(|(_, it)| it);
        let meant = meant.filter(|it| is_meant(&self.policy, it));
        let mut addresses = meant.map(|it| it.flow().remote.ip());
        let first = addresses.next();
        if addresses.any(|address| Some(address) != first) {
            return Err(Ambiguous);
        }
        drop(addresses);
        let mut decided = 0;
        while self.decide_first(may, is_meant) {
            decided += 1;
        }
        Ok(decided)
    }

    /// How many subscriptions wait for a decision about the presentity with that number in the settings.
    pub fn waiting(&self, presentity: usize) -> usize {
        let id = self.presentities.get(presentity);
        id.map_or(0, |&id| self.notifier.pending(id))
    }

    /// What the owner says of a watcher outside the trusted networks.
    pub(super) fn judge_stranger(
        &self,
        presentity: Id<Presentity>,
        watcher: &[u8],
        address: IpAddr,
    ) -> Verdict {
        self.policy.judge(Watching {
            presentity: uri_of(&self.directory, presentity),
            watcher,
            address,
        })
    }

    /// Who may watch is said otherwise, by the policy that is in force already.
    pub(super) fn judge_all(&mut self) {
        let (policy, directory) = (&self.policy, &self.directory);
        self.notifier
            .judge_all(|it| Some(policy.judge(watching(directory, it))));
    }

    /// Decides about the first watcher that is meant, those who wait before the others: for all its subscriptions, and
    /// for those to come. Whether there was one.
    fn decide_first(
        &mut self,
        may: bool,
        is_meant: impl Fn(&Policy, &Subscription) -> bool,
    ) -> bool {
        let mut all = self.notifier.waiting().chain(self.notifier.iter());
        let Some((_, found)) = all.find(|(_, it)| is_meant(&self.policy, it)) else {
            return false;
        };
        let remote = found.flow().remote;
        self.policy.decide(watching(&self.directory, found), may);
        drop(all);
        let (policy, directory) = (&self.policy, &self.directory);
        self.notifier
            .judge_all(|it| match policy.judge(watching(directory, it)) {
                Verdict::Confirm => None,
                verdict @ (Verdict::Allow | Verdict::Block) => Some(verdict),
            });
        self.keeping.decided();
        self.report(Report::Decided { remote, may });
        true
    }
}

fn waits(subscription: &Subscription) -> bool {
    matches!(subscription.state(), State::Pending { .. })
}

fn watching<'a>(directory: &'a Directory, subscription: &'a Subscription) -> Watching<'a> {
    Watching {
        presentity: uri_of(directory, subscription.presentity()),
        watcher: subscription.dialog().remote_uri(),
        address: subscription.flow().remote.ip(),
    }
}

fn uri_of(directory: &Directory, presentity: Id<Presentity>) -> &str {
    let presentity = directory.presentities().get(presentity);
    presentity.map_or("", Presentity::uri)
}
