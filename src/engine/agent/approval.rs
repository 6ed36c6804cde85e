//! Watchers about whom the owner decides: strangers who wait, and those of whom he thinks otherwise later.

use super::{Agent, Excerpt, Report};
use crate::engine::directory::Directory;
use crate::events::identity::{Identity, UserId};
use crate::events::package::Package;
use crate::events::presentity::Presentity;
use crate::events::subscription::{State, Verdict};
use crate::ground::error_texts;
use crate::ground::limits::DECISIONS;
use crate::ground::table::Id;
use crate::ground::time::{Moment, Wall};
use crate::roles::notifier::{Gone, Notifier, Subscription, Who};
use crate::users::policy::{Decided, Policy, Watching};
use core::net::{IpAddr, Ipv4Addr};
use heapless::Vec;

/// Whom the owner means among the watchers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whom<'a> {
    /// Those who give themselves this URI.
    Named(&'a [u8]),
    /// Those at this address.
    At(IpAddr),
    /// The user of this name, also while it does not watch.
    User(&'a [u8]),
}

/// What the owner decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decree {
    /// What becomes of the watcher.
    pub what: Decided,
    /// In which package; `None` for all.
    pub package: Option<Package>,
    /// Until when; `None` for good.
    pub until: Option<Wall>,
}

/// Watchers at several addresses give themselves this name. Anybody can, so the owner has to say at which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ambiguous;

error_texts!(Ambiguous: Ambiguous => "watchers at several addresses give themselves this name");

impl Decree {
    /// In all packages, for good.
    pub const fn plain(what: Decided) -> Decree {
        Decree {
            what,
            package: None,
            until: None,
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
        let waiting = self.notifier.waiting().map(|(_, it)| it.who());
        let mut all = waiting.chain(self.notifier.undecided());
        let Some(first) = all.find(|who| who.presentity == presentity) else {
            return false;
        };
        drop(all);
        let about = watching(&self.policy, &self.directory, first);
        let line = decision(&about, Decided::Allow);
        self.policy.decide(&about, None, Decided::Allow, None);
        self.report(line);
        self.enforce();
        self.keeping.decided();
        true
    }

    /// Decides about each watcher that is meant and waits, or went before anybody decided, or was allowed by the owner;
    /// whomever it wants to watch, now and when it comes back. How many watchers that were, each counted once for each
    /// whom it watches; of what is taken back, how many decisions. Who is trusted by its network alone can't be blocked.
    ///
    /// # Errors
    /// [`Ambiguous`]: nothing was decided.
    pub fn decide(
        &mut self,
        moment: Moment,
        whom: Whom<'_>,
        decree: Decree,
    ) -> Result<usize, Ambiguous> {
        let decided = match (decree.what, whom) {
            (Decided::Nothing, _) => self.take_back(whom),
            (_, Whom::User(name)) => self.decide_user(name, decree),
            (Decided::Allow | Decided::Block | Decided::PoliteBlock, _) => {
                self.decide_present(whom, decree)?
            }
        };
        if decided == 0 {
            return Ok(0);
        }
        self.policy.tick(moment.wall);
        match decree.what {
            // Who may not be sure of it any more comes again.
            Decided::Nothing => self.judge_all(),
            Decided::Allow | Decided::Block | Decided::PoliteBlock => self.enforce(),
        }
        self.keeping.decided();
        self.expect_change(moment);
        Ok(decided)
    }

    /// How many subscriptions wait for a decision about the presentity with that number in the settings.
    pub fn waiting(&self, presentity: usize) -> usize {
        let id = self.presentities.get(presentity);
        id.map_or(0, |&id| self.notifier.pending(id))
    }

    fn take_back(&mut self, whom: Whom<'_>) -> usize {
        match whom {
            Whom::Named(name) => self.policy.forget_named(name),
            Whom::At(address) => self.policy.forget_at(address),
            Whom::User(name) => self.policy.forget_user(self.policy.user_id(name)),
        }
    }

    /// A user is known by its name, so nothing depends on whether it is there.
    fn decide_user(&mut self, name: &[u8], decree: Decree) -> usize {
        let user = self.policy.user_id(name);
        for &id in &self.presentities {
            let about = Watching {
                place: id.slot(),
                presentity: uri_of(&self.directory, id),
                package: decree.package.unwrap_or(Package::Presence),
                identity: Identity::User(user),
                watcher: name,
                address: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            };
            self.policy
                .decide(&about, decree.package, decree.what, decree.until);
        }
        self.presentities.len()
    }

    fn decide_present(&mut self, whom: Whom<'_>, decree: Decree) -> Result<usize, Ambiguous> {
        let Agent {
            notifier,
            policy,
            directory,
            reports,
            ..
        } = self;
        let all = meant(notifier, policy, directory, whom);
        let mut places = all.map(|about| place(&about));
        let first = places.next();
        if places.any(|place| Some(place) != first) {
            return Err(Ambiguous);
        }
        drop(places);
        let mut keys = Vec::<u64, DECISIONS>::new();
        loop {
            let mut all = meant(notifier, policy, directory, whom);
            let Some(about) = all.find(|about| !keys.contains(&policy.key_of(about))) else {
                break;
            };
            drop(all);
            let _ = reports.push_back(decision(&about, decree.what)); // As in `Agent::report`.
            policy.decide(&about, decree.package, decree.what, decree.until);
            if keys.push(policy.key_of(&about)).is_err() {
                break; // More are not kept.
            }
        }
        Ok(keys.len())
    }

    /// Does what was decided last: for all subscriptions of that watcher.
    fn enforce(&mut self) {
        let (policy, directory) = (&self.policy, &self.directory);
        self.notifier.judge_all(|who| {
            let ruling = policy.judge(watching(policy, directory, who));
            (ruling.verdict != Verdict::Confirm).then_some(ruling)
        });
    }
}

/// The watchers that are meant and that there is something to decide about: those who wait first, then those who
/// watch, then those who went.
fn meant<'n, 'p>(
    notifier: &'n Notifier,
    policy: &'p Policy,
    directory: &'n Directory,
    whom: Whom<'p>,
) -> impl Iterator<Item = Watching<'n>> + use<'n, 'p> {
    let is_open = |it: &Subscription| match it.state() {
        State::Pending { .. } => true,
        State::Active { .. } => {
            let mut each = notifier.each_of(it.who());
            each.any(|who| policy.asks_about(&watching(policy, directory, who)))
        }
        State::Terminated(_) => false,
    };
    let all = notifier.waiting().chain(notifier.iter());
    let there = all
        .filter(move |(_, it)| is_open(it))
        .map(|(_, it)| it.who());
    let gone = notifier.absent().map(Gone::who);
    let all = notifier.undecided().chain(there).chain(gone);
    // Whoever waits for a list waits for each member.
    let all = all.flat_map(|who| notifier.each_of(who));
    let all = all.map(|who| watching(policy, directory, who));
    all.filter(move |about| match whom {
        Whom::Named(name) => about.watcher == name,
        Whom::At(address) => about.address.to_canonical() == address.to_canonical(),
        Whom::User(name) => about.identity.name() == Some(policy.user_id(name)),
    })
}

/// What tells two of one name apart: a user is who it is wherever it is.
fn place(about: &Watching<'_>) -> (Option<UserId>, Option<IpAddr>) {
    match about.identity.name() {
        Some(user) => (Some(user), None),
        None => (None, Some(about.address.to_canonical())),
    }
}

/// What the log is told of a decision.
fn decision(about: &Watching<'_>, what: Decided) -> Report {
    Report::Decided {
        at: about.address,
        watcher: Excerpt::of(about.watcher),
        presentity: Excerpt::of(about.presentity.as_bytes()),
        what,
    }
}

pub(super) fn watching<'a>(
    policy: &Policy,
    directory: &'a Directory,
    who: Who<'a>,
) -> Watching<'a> {
    Watching {
        place: who.presentity.slot(),
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
