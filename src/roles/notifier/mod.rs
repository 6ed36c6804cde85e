//! The notifier: answers SUBSCRIBE and tells watchers what changes (RFC 6665 §4.2, 3856, 4235).
//!
//! ```text
//!  SUBSCRIBE ──► Pending ──allow──► Active ──expiry, unsubscribe, end of service──► Terminated
//!                   └────────── block, nobody decides ─────────────────────────────────┘
//!
//!  in each of them:     Idle ──wants──► InFlight ──2xx──► Idle
//!                                          ├──5xx────► Later ──► InFlight
//!                                          └──481, 408, …──► the entry is gone
//! ```
//!
//! A watcher has at most one NOTIFY in flight. What changes meanwhile is merged, and the newest state goes out when the
//! transaction ends. A SUBSCRIBE is the one exception: its NOTIFY goes out at once (RFC 6665 §4.2.1.2) and takes the
//! place of the one in flight, which is sent no more.
//!
//! Read RFC 6665 §4.2 first.

mod absent;
mod audience;
mod bodies;
mod condition;
mod documents;
mod judging;
mod kept;
mod list_notify;
mod list_rows;
mod lists;
mod moves;
mod notify;
mod rates;
mod shares;
mod state;
mod streams;
mod subscribe;
mod subscription;
mod target;
mod waiting;
mod winfo;

pub use absent::Gone;
pub use kept::KeptSubscription;
/// For those who tell how large the tables are.
#[cfg(feature = "std")]
pub use list_rows::Row as ListRow;
pub use subscription::{Subscription, Who};
pub use target::Subscriber;

use crate::events::pace::Bucket;
use crate::events::package::{Pace, Package};
use crate::events::presentity::Presentity;
use crate::events::ruling::View;
use crate::events::subscription::{Reason, State};
use crate::ground::limits;
use crate::ground::random::Secret;
use crate::ground::table::{Chains, Id, Index, Queue, Table, cells};
use crate::ground::time::{Instant, Seconds};
use crate::ground::timers::Timers;
use crate::txn::token::{Owner, Token};
use absent::Absent;
use audience::Audiences;
use documents::Documents;
use judging::Rejudged;
use lists::Lists;
use shares::Shares;
use subscription::{Notify, Wants};
use waiting::Waiting;

/// All subscriptions served.
///
/// Full: a new SUBSCRIBE gets 503 with Retry-After (RFC 6665 §6.3) unless it comes from a device that subscribed to the
/// same before and forgot, whose old entry it takes. An authorised watcher is never evicted for another. Nobody has more
/// than its share ([`limits::SHARE`], [`limits::SHARE_OF_ADDRESS`]); beyond that it alone is refused.
pub struct Notifier {
    subscriptions: Table<Subscription, { limits::SUBSCRIPTIONS }>,
    timers: Timers<{ limits::SUBSCRIPTIONS }>,
    /// Subscriptions that may have something to send now.
    ready: Queue<{ limits::SUBSCRIPTIONS }>,
    secret: Secret,
    /// One subscription of each device, by [`Notifier::device`]: to find what a device forgot without a search.
    by_device: Index<{ cells(limits::SUBSCRIPTIONS) }>,
    /// Who watches what, by [`group`].
    watchers: Chains<{ limits::SUBSCRIPTIONS }, GROUPS>,
    /// What each group is, or will be, told.
    revisions: [u32; GROUPS],
    /// The same of what those see who see most.
    most: [u32; GROUPS],
    buckets: [Bucket; GROUPS],
    /// Groups whose change waits for its pace.
    paced: Timers<GROUPS>,
    documents: Documents,
    rules: Rules,
    /// Those who have to hear what was ruled anew.
    rejudged: Rejudged,
    /// Whether a subscription of before a restart waits to be judged.
    unjudged: bool,
    shares: Shares,
    /// Those whom nobody has allowed to watch.
    waiting: Waiting,
    /// Subscriptions that the store has to hear of, and by when.
    pub(crate) unsaved: Timers<{ limits::SUBSCRIPTIONS }>,
    /// Those who went before anybody decided.
    absent: Absent,
    audiences: Audiences,
    lists: Lists,
    /// Subscriptions that are not what they were, for those who follow.
    altered: Queue<{ limits::SUBSCRIPTIONS }>,
}

/// What the configuration says about subscriptions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Shorter lifetimes get 423.
    pub min_expires: Seconds,
    /// Longer lifetimes are shortened.
    pub max_expires: Seconds,
    /// How often each package tells changes.
    pub pace: [Pace; Package::SERVED_COUNT],
    /// What those are told who may not watch yet, or never may.
    pub blank: Blank,
}

/// What a NOTIFY holds for somebody who may not watch (RFC 3856 §6.6.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Blank {
    /// In the presence package a document that says nothing of the presentity; elsewhere no body.
    #[default]
    Presence,
    /// No body.
    NoBody,
}

impl Notifier {
    /// Serves nobody yet.
    pub const fn new() -> Notifier {
        Notifier {
            subscriptions: Table::new(),
            timers: Timers::new(),
            ready: Queue::new(),
            secret: Secret::new(),
            by_device: Index::new(),
            watchers: Chains::new(),
            revisions: [0; GROUPS],
            most: [0; GROUPS],
            buckets: [Bucket::new(); GROUPS],
            paced: Timers::new(),
            documents: Documents::new(),
            rules: Rules {
                min_expires: Seconds::ZERO,
                max_expires: Seconds::ZERO,
                pace: [Pace::UNLIMITED; Package::SERVED_COUNT],
                blank: Blank::Presence,
            },
            rejudged: Rejudged::new(),
            unjudged: false,
            shares: Shares::new(),
            waiting: Waiting::new(),
            unsaved: Timers::new(),
            absent: Absent::new(),
            audiences: Audiences::new(),
            lists: Lists::new(),
            altered: Queue::new(),
        }
    }

    /// Takes the secret that strangers' Contacts are hashed under. Before the first SUBSCRIBE only.
    pub fn seed(&mut self, secret: Secret) {
        self.secret = secret;
    }

    /// Takes new rules; subscriptions that are there keep what they were granted.
    pub fn set_rules(&mut self, rules: Rules) {
        self.rules = rules;
    }

    /// A presentity may have changed: its watchers are told at once, or as soon as the pace allows.
    pub fn handle_change(&mut self, now: Instant, id: Id<Presentity>, presentity: &Presentity) {
        for &package in Package::SERVED {
            let Some(served) = package.served().filter(|_| package.watchers_of().is_none()) else {
                continue;
            };
            let group = group(id, package);
            let revision = (served.revision)(presentity, View::FULL);
            let most = (served.revision)(presentity, (served.discerns)(View::PARTIES));
            let before = core::mem::replace(&mut self.revisions[group], revision);
            let known = core::mem::replace(&mut self.most[group], most);
            if (before, known) != (revision, most) {
                self.tell_group(now, group);
            }
        }
    }

    /// The presentity is not served any more: its watchers are told so.
    pub fn handle_removal(&mut self, presentity: Id<Presentity>) {
        self.forget_absent(presentity);
        self.documents.make_anew(presentity);
        for &package in Package::SERVED {
            let mut next = self.watchers.first(group(presentity, package));
            while let Some(slot) = next {
                next = self.watchers.after(slot);
                if let Some(id) = self.subscriptions.id_at(slot) {
                    self.terminate(id, Reason::NoResource);
                    // Also one that is over: nobody waits for what is not there.
                    self.turn(id, State::Terminated(Reason::NoResource));
                }
            }
        }
    }

    /// Ends every subscription, telling each watcher why (RFC 6665 §4.2.2).
    pub fn stop(&mut self, reason: Reason) {
        for slot in 0..limits::SUBSCRIPTIONS as u16 {
            let Some(id) = self.subscriptions.id_at(slot) else {
                continue;
            };
            // There is no time to wait for answers: what is in flight gives way to the last word, unless it is that.
            if let Some(subscription) = self.subscriptions.get_mut(id)
                && !subscription.is_taking_leave()
            {
                subscription.notify = Notify::Idle;
                self.terminate(id, reason);
                self.wake(id);
            }
        }
    }

    /// Leaves room for only `left` more subscriptions; for tests of a full table.
    #[cfg(test)]
    pub fn leave_room(&mut self, left: Option<usize>) {
        self.subscriptions.leave_room(left);
    }

    /// All subscriptions.
    pub fn iter(&self) -> impl Iterator<Item = (Id<Subscription>, &Subscription)> {
        self.subscriptions.iter()
    }

    /// The one in that place of the table.
    pub fn at(&self, slot: u16) -> Option<&Subscription> {
        self.subscriptions.get(self.subscriptions.id_at(slot)?)
    }

    /// A place whose subscription is another one, is in another state, has another address, or is gone.
    pub fn take_altered(&mut self) -> Option<u16> {
        self.altered.pop()
    }

    /// Whom the subscription is to that a tag of ours leads to.
    pub fn watched(&self, token: Token) -> Option<Id<Presentity>> {
        let subscription = self.subscriptions.get(self.find(token)?)?;
        (subscription.dialog.token() == token).then_some(subscription.presentity)
    }

    /// How many there are.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.subscriptions.len()
    }

    /// Whether nobody watches.
    pub fn is_empty(&self) -> bool {
        self.subscriptions.is_empty()
    }

    /// When [`Notifier::handle_timeout`] has something to do.
    pub fn due(&self) -> Option<Instant> {
        let due = Instant::earlier(self.timers.next(), self.paced.next());
        let due = Instant::earlier(due, self.rejudged.due());
        Instant::earlier(due, self.absent.due())
    }

    /// The subscription a tag or branch of ours leads to.
    fn find(&self, token: Token) -> Option<Id<Subscription>> {
        match token.owner {
            Owner::Subscription => self.subscriptions.id_at(token.slot),
            Owner::Watch | Owner::Usage | Owner::Registration | Owner::Publication => None,
        }
    }

    fn tell_group(&mut self, now: Instant, group: usize) {
        let lists = self.lists.with((group / Package::SERVED_COUNT) as u16);
        if self.watchers.first(group).is_none() && lists.is_empty() {
            return;
        }
        let pace = self.rules.pace[group % Package::SERVED_COUNT];
        match self.buckets[group].take(now, pace) {
            Err(later) => self.paced.set(group as u16, Some(later)),
            Ok(()) => {
                self.paced.set(group as u16, None);
                self.tell_all(group);
                for list in lists {
                    let package = group % Package::SERVED_COUNT;
                    self.tell_all(usize::from(list) * Package::SERVED_COUNT + package);
                }
            }
        }
    }

    fn tell_all(&mut self, group: usize) {
        let mut next = self.watchers.first(group);
        while let Some(slot) = next {
            next = self.watchers.after(slot);
            self.tell(slot);
        }
    }

    fn tell(&mut self, slot: u16) {
        let Some(id) = self.subscriptions.id_at(slot) else {
            return;
        };
        let Some(subscription) = self.subscriptions.get_mut(id) else {
            return;
        };
        match subscription.state {
            State::Active { .. } => {
                subscription.wants = subscription.wants.max(Wants::Changes);
                self.ready.push(slot);
            }
            State::Pending { .. } | State::Terminated(_) => {}
        }
    }

    fn terminate(&mut self, id: Id<Subscription>, reason: Reason) {
        let Some(subscription) = self.subscriptions.get_mut(id) else {
            return;
        };
        match subscription.state {
            State::Terminated(_) => {}
            State::Pending { .. } | State::Active { .. } => {
                subscription.wants = Wants::Full;
                self.turn(id, State::Terminated(reason));
                self.wake(id);
            }
        }
    }

    /// Something about the subscription changed: look at it in the next poll, and set its timer anew.
    fn wake(&mut self, id: Id<Subscription>) {
        self.ready.push(id.slot());
        self.arm(id);
    }

    fn arm(&mut self, id: Id<Subscription>) {
        let subscription = self.subscriptions.get(id);
        let held = subscription.and_then(|it| self.held(it));
        let due = subscription.and_then(Subscription::due);
        self.timers.set(id.slot(), Instant::earlier(due, held));
    }

    fn forget(&mut self, id: Id<Subscription>) {
        match self.subscriptions.get(id).map(Subscription::state) {
            Some(State::Active { .. }) => self.turn(id, State::Terminated(Reason::Timeout)),
            // It is not there, or subscribed anew: there is nobody left to wait.
            Some(State::Pending { .. }) => {
                self.turn(id, State::Terminated(Reason::GiveUp(limits::LONGEST_RETRY)));
            }
            Some(State::Terminated(_)) => self.fetched(id),
            None => {}
        }
        self.waits_no_more(id);
        if let Some(gone) = self.subscriptions.remove(id) {
            self.watchers
                .leave(group(gone.presentity, gone.package), id.slot());
            self.timers.set(id.slot(), None);
            self.by_device.remove(gone.device, id.slot());
            self.leave_list(gone.row);
            self.shares.give_back(gone.shares);
            self.unsaved.hasten(id.slot(), Instant::ZERO);
            self.altered.push(id.slot());
        }
    }
}

impl Default for Notifier {
    fn default() -> Notifier {
        Notifier::new()
    }
}

/// One for each presentity and package.
const GROUPS: usize = limits::PRESENTITIES * Package::SERVED_COUNT;

const fn group(presentity: Id<Presentity>, package: Package) -> usize {
    presentity.slot() as usize * Package::SERVED_COUNT + package as usize
}
