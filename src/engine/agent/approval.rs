//! Strangers who want to watch, and the owner who lets them.

use super::Agent;
use crate::engine::directory::Directory;
use crate::events::presentity::Presentity;
use crate::events::subscription::Verdict;
use crate::ground::limits::WAITING;
use crate::ground::table::Id;
use crate::roles::notifier::Subscription;
use crate::users::policy::Watching;
use core::net::IpAddr;
use heapless::Vec;

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

    /// Allows or blocks each watcher that waits under this URI, whomever it wants to watch, now and when it comes back.
    /// How many of its subscriptions waited.
    pub fn decide_waiting(&mut self, watcher: &[u8], may: bool) -> usize {
        let verdict = if may { Verdict::Allow } else { Verdict::Block };
        let before = self.notifier.waiting().count();
        loop {
            let mut all = self.notifier.waiting();
            let found = all.find(|(_, it)| it.dialog().remote_uri() == watcher);
            let Some((id, _)) = found else { break };
            drop(all);
            self.decide(id, verdict);
        }
        before - self.notifier.waiting().count()
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
        self.policy.decide(who, verdict == Verdict::Allow);
        for id in all {
            self.notifier.decide(id, verdict);
        }
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
