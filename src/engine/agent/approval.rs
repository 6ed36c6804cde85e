//! Strangers who want to watch, and the owner who lets them.

use super::{Agent, Report};
use crate::engine::directory::Directory;
use crate::events::presentity::Presentity;
use crate::events::subscription::Verdict;
use crate::ground::limits::WAITING;
use crate::ground::table::Id;
use crate::roles::notifier::Subscription;
use crate::users::policy::Watching;
use core::net::IpAddr;
use heapless::Vec;

/// Whom the owner means among the watchers that wait.
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
        let mut all = self.notifier.waiting();
        let Some((first, _)) = all.find(|(_, it)| it.presentity() == presentity) else {
            return false;
        };
        drop(all);
        self.decide(first, Verdict::Allow);
        true
    }

    /// Allows or blocks each watcher that is meant, whomever it wants to watch, now and when it comes back. How many of
    /// their subscriptions waited.
    ///
    /// # Errors
    /// [`Ambiguous`]: nobody was allowed.
    pub fn decide_waiting(&mut self, whom: Whom<'_>, may: bool) -> Result<usize, Ambiguous> {
        let meant = self.notifier.waiting().filter(|(_, it)| whom.means(it));
        let mut addresses = meant.map(|(_, it)| it.flow().remote.ip());
        let first = addresses.next();
        if may && addresses.any(|address| Some(address) != first) {
            return Err(Ambiguous);
        }
        drop(addresses);
        let verdict = if may { Verdict::Allow } else { Verdict::Block };
        let before = self.notifier.waiting().count();
        loop {
            let mut all = self.notifier.waiting();
            let Some((id, _)) = all.find(|(_, it)| whom.means(it)) else {
                break;
            };
            drop(all);
            self.decide(id, verdict);
        }
        Ok(before - self.notifier.waiting().count())
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
            .judge_all(|it| policy.judge(watching(directory, it)));
    }

    /// Decides about the watcher behind a subscription: for all it waits with, and for those to come.
    fn decide(&mut self, id: Id<Subscription>, verdict: Verdict) {
        let Some((_, one)) = self.notifier.waiting().find(|(it, _)| *it == id) else {
            return;
        };
        let presentity = one.presentity();
        let who = watching(&self.directory, one);
        let is_same = |other: &Subscription| {
            other.presentity() == presentity
                && other.flow().remote.ip() == who.address
                && other.dialog().remote_uri() == who.watcher
        };
        let all = self.notifier.waiting().filter(|(_, it)| is_same(it));
        let all: Vec<Id<Subscription>, WAITING> = all.map(|(id, _)| id).collect();
        let (may, remote) = (verdict == Verdict::Allow, one.flow().remote);
        self.policy.decide(who, may);
        for id in all {
            self.notifier.decide(id, verdict);
        }
        self.report(Report::Decided { remote, may });
    }
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
