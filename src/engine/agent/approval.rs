//! Strangers who want to watch, and the owner who lets them.

use super::{Agent, Excerpt, Report};
use crate::engine::directory::Directory;
use crate::events::presentity::Presentity;
use crate::events::subscription::{State, Verdict};
use crate::ground::error_texts;
use crate::ground::table::Id;
use crate::roles::notifier::{Gone, Notifier, Subscription, Who};
use crate::users::policy::{Policy, Watching};
use core::net::{IpAddr, SocketAddr};

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

error_texts!(Ambiguous: Ambiguous => "watchers at several addresses give themselves this name");

impl Whom<'_> {
    /// Whether it is this watcher.
    fn means(&self, who: Who<'_>) -> bool {
        match *self {
            Whom::Named(name) => who.watcher == name,
            Whom::At(address) => who.remote.ip().to_canonical() == address.to_canonical(),
        }
    }
}

impl Agent {
    /// Lets the watcher who waits longest for the presentity with that number in the settings watch it, with all its
    /// subscriptions, now and when it comes back. Whether anybody waited; who went meanwhile waits no more.
    pub fn approve_waiting(&mut self, presentity: usize) -> bool {
        let Some(&presentity) = self.presentities.get(presentity) else {
            return false;
        };
        let mut all = self.notifier.waiting().map(|(_, it)| it.who());
        let Some(first) = all.find(|who| who.presentity == presentity) else {
            return false;
        };
        drop(all);
        let decided = watching(&self.policy, &self.directory, first);
        let line = decision(decided, first.remote, true);
        self.policy.decide(decided, true);
        self.enforce(line);
        true
    }

    /// Allows each watcher that is meant and waits, or went before anybody decided, or blocks it, also if it was
    /// allowed before; whomever it wants to watch, now and when it comes back. How many watchers that were, each
    /// counted once for each whom it watches. Who is trusted can't be blocked.
    ///
    /// # Errors
    /// [`Ambiguous`]: nothing was decided.
    pub fn decide_strangers(&mut self, whom: Whom<'_>, may: bool) -> Result<usize, Ambiguous> {
        let all = meant(&self.notifier, &self.policy, whom, may);
        let mut addresses = all.map(|who| who.remote.ip().to_canonical());
        let first = addresses.next();
        if addresses.any(|address| Some(address) != first) {
            return Err(Ambiguous);
        }
        drop(addresses);
        let mut decided = 0;
        loop {
            let first = meant(&self.notifier, &self.policy, whom, may).next();
            let Some(first) = first else {
                return Ok(decided);
            };
            let watching = watching(&self.policy, &self.directory, first);
            let line = decision(watching, first.remote, may);
            self.policy.decide(watching, may);
            self.enforce(line);
            decided += 1;
        }
    }

    /// How many subscriptions wait for a decision about the presentity with that number in the settings.
    pub fn waiting(&self, presentity: usize) -> usize {
        let id = self.presentities.get(presentity);
        id.map_or(0, |&id| self.notifier.pending(id))
    }

    /// Who may watch is said otherwise, by the policy that is in force already.
    pub(super) fn judge_all(&mut self) {
        let (policy, directory) = (&self.policy, &self.directory);
        self.notifier
            .judge_all(|who| Some(policy.judge(watching(policy, directory, who))));
    }

    /// Does what was decided last: for all subscriptions of that watcher. Says that in the log.
    fn enforce(&mut self, line: Report) {
        let (policy, directory) = (&self.policy, &self.directory);
        self.notifier.judge_all(|who| {
            let ruling = policy.judge(watching(policy, directory, who));
            (ruling.verdict != Verdict::Confirm).then_some(ruling)
        });
        self.keeping.decided();
        self.report(line);
    }
}

/// The watchers that are meant and that there is something to decide about: those who wait first, then those who
/// watch, then those who went.
fn meant<'n>(
    notifier: &'n Notifier,
    policy: &Policy,
    whom: Whom<'_>,
    may: bool,
) -> impl Iterator<Item = Who<'n>> {
    let is_open = move |it: &Subscription| {
        let is_allowed = matches!(it.state(), State::Active { .. })
            && policy.admits(policy.identity_now(it.who().identity, it.flow().remote.ip()))
                == Verdict::Confirm;
        waits(it) || (is_allowed && !may)
    };
    let all = notifier.waiting().chain(notifier.iter());
    let there = all
        .filter(move |(_, it)| is_open(it))
        .map(|(_, it)| it.who());
    let gone = notifier.absent().map(Gone::who);
    there.chain(gone).filter(move |who| whom.means(*who))
}

/// What the log is told of a decision.
fn decision(about: Watching<'_>, remote: SocketAddr, may: bool) -> Report {
    Report::Decided {
        remote,
        watcher: Excerpt::of(about.watcher),
        presentity: Excerpt::of(about.presentity.as_bytes()),
        may,
    }
}

fn waits(subscription: &Subscription) -> bool {
    matches!(subscription.state(), State::Pending { .. })
}

pub(super) fn watching<'a>(
    policy: &Policy,
    directory: &'a Directory,
    who: Who<'a>,
) -> Watching<'a> {
    Watching {
        presentity: uri_of(directory, who.presentity),
        package: who.package,
        identity: policy.identity_now(who.identity, who.remote.ip()),
        watcher: who.watcher,
        address: who.remote.ip(),
    }
}

pub(super) fn uri_of(directory: &Directory, presentity: Id<Presentity>) -> &str {
    let presentity = directory.presentities().get(presentity);
    presentity.map_or("", Presentity::uri)
}
