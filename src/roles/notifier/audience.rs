//! Who watches: what a watcher's subscription is to the owner of what it watches (RFC 3857 §4.7.1).
//!
//! ```text
//!   SUBSCRIBE ──► pending ──approved──► active
//!                    │ timeout             │ timeout, rejected, deactivated, …
//!                    ▼                     ▼
//!                 waiting ──────────► terminated
//!                    approved, rejected, giveup
//! ```
//!
//! Every change of a subscription's state goes through [`Notifier::track`]: it is where an audience changes. That takes
//! constant time and tells nobody yet; the next poll does. A state that nobody could have been told of is never
//! told: neither a fetch by somebody who may watch, nor one who came and went between two documents.

use super::absent::Absent;
use super::{GROUPS, Notifier, Subscription, group};
use crate::events::package::{Audience, Package};
use crate::events::presentity::Presentity;
use crate::events::subscription::{Reason, State};
use crate::ground::limits;
use crate::ground::random::Secret;
use crate::ground::table::{Chains, Id, Queue, Table};
use crate::ground::time::{Instant, Seconds};
use crate::txn::token::hex;
use crate::wire::doc::winfo::{Entry, Event, Status};
use heapless::{Deque, Vec};

/// What changed in the audiences of all presentities.
pub(super) struct Audiences {
    /// Watchers that ended, oldest first. Full: the oldest makes way.
    ended: Deque<Ended, { limits::ENDED }>,
    /// For each group the revision of its last ended watcher that is forgotten.
    forgotten: [u32; GROUPS],
    /// Groups, of packages that tell of watchers, in which something changed that nobody was told yet.
    changed: Queue<GROUPS>,
}

/// How a watcher's subscription came to its present state.
#[derive(Clone, Copy, Debug)]
pub(super) struct Track {
    /// When its SUBSCRIBE came.
    pub(super) since: Instant,
    /// The revision of the audience in which it was first there.
    pub(super) first: u32,
    /// The revision in which it came to its present state.
    pub(super) changed: u32,
    /// What brought it there.
    pub(super) event: Event,
}

/// A watcher that is no more.
struct Ended {
    group: usize,
    id: u64,
    track: Track,
    uri: Uri,
}

/// A watcher's own URI.
pub(super) type Uri = Vec<u8, { limits::URI }>;

impl Track {
    /// A subscription that begins.
    pub(super) const fn new(since: Instant) -> Track {
        Track {
            since,
            first: 0,
            changed: 0,
            event: Event::Subscribe,
        }
    }
}

impl Audiences {
    pub(super) const fn new() -> Audiences {
        Audiences {
            ended: Deque::new(),
            forgotten: [0; GROUPS],
            changed: Queue::new(),
        }
    }

    fn forget(&mut self, ended: &Ended) {
        self.forgotten[ended.group] = ended.track.changed;
    }
}

impl Notifier {
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

    /// The subscription is there, in another state.
    fn stands(&mut self, id: Id<Subscription>, group: usize, event: Event) {
        let revision = self.revise(group);
        if let Some(subscription) = self.subscriptions.get_mut(id) {
            let track = &mut subscription.track;
            (track.changed, track.event) = (revision, event);
            if track.first == 0 {
                track.first = revision;
            }
        }
    }

    /// The subscription is over for good.
    pub(super) fn ends(&mut self, id: Id<Subscription>, group: usize, event: Event) {
        let Some(subscription) = self.subscriptions.get(id) else {
            return;
        };
        let uri = Uri::from_slice(subscription.dialog.remote_uri()).unwrap_or_default();
        let (id, track) = (subscription.watcher_id(&self.secret), subscription.track);
        self.ended(group, id, track, uri, event);
    }

    /// A watcher is no more.
    pub(super) fn ended(&mut self, group: usize, id: u64, track: Track, uri: Uri, event: Event) {
        let changed = self.revise(group);
        let ended = Ended {
            group,
            id,
            track: Track {
                changed,
                event,
                ..track
            },
            uri,
        };
        // Whoever asks from now on gets a full document.
        if self.watchers.first(group).is_none() {
            return self.audiences.forget(&ended);
        }
        if self.audiences.ended.is_full()
            && let Some(oldest) = self.audiences.ended.pop_front()
        {
            self.audiences.forget(&oldest);
        }
        let _ = self.audiences.ended.push_back(ended);
    }

    /// An audience changed: its new revision. It is told in the next poll.
    pub(super) fn revise(&mut self, group: usize) -> u32 {
        self.audiences.changed.push(group as u16);
        self.revisions[group] += 1;
        self.revisions[group]
    }

    /// Tells those who watch watchers what changed, as far as the pace allows.
    pub(super) fn tell_audiences(&mut self, now: Instant) {
        while let Some(group) = self.audiences.changed.pop() {
            self.tell_group(now, usize::from(group));
        }
    }
}

impl Subscription {
    /// What its owner is told to know the watcher by: it leads to no dialog of ours, and stays as long as the dialog.
    pub(super) fn watcher_id(&self, secret: &Secret) -> u64 {
        let hasher = secret.hasher().part(b"watcher");
        hasher.part(&self.dialog.token().text()).finish()
    }

    const fn status(&self) -> Option<Status> {
        match self.state {
            State::Pending { .. } => Some(Status::Pending),
            State::Active { .. } => Some(Status::Active),
            State::Terminated(_) => None,
        }
    }
}

const fn event(reason: Reason) -> Event {
    match reason {
        Reason::Timeout => Event::Timeout,
        Reason::Deactivated => Event::Deactivated,
        Reason::Probation(_) => Event::Probation,
        Reason::Rejected => Event::Rejected,
        Reason::GiveUp(_) => Event::GiveUp,
        Reason::NoResource => Event::NoResource,
    }
}

/// The audience of one presentity in one package, at one moment.
pub(super) struct View<'a> {
    pub(super) now: Instant,
    pub(super) presentity: Id<Presentity>,
    /// The package that they watch it in, and the one that tells so.
    pub(super) package: Package,
    pub(super) winfo: Package,
    pub(super) secret: &'a Secret,
    pub(super) subscriptions: &'a Table<Subscription, { limits::SUBSCRIPTIONS }>,
    pub(super) watchers: &'a Chains<{ limits::SUBSCRIPTIONS }, GROUPS>,
    pub(super) absent: &'a Absent,
    pub(super) audiences: &'a Audiences,
}

impl View<'_> {
    /// Those in that state, the newest first.
    fn subscribed(
        &self,
        status: Status,
        is_meant: impl Fn(&Track) -> bool,
        each: &mut dyn FnMut(&Entry<'_>),
    ) {
        let mut next = self.watchers.first(group(self.presentity, self.package));
        while let Some(slot) = next {
            next = self.watchers.after(slot);
            let id = self.subscriptions.id_at(slot);
            if let Some(subscription) = id.and_then(|id| self.subscriptions.get(id))
                && subscription.status() == Some(status)
                && is_meant(&subscription.track)
            {
                let id = subscription.watcher_id(self.secret);
                let ends = subscription.state.ends();
                let uri = subscription.dialog.remote_uri();
                self.show(id, status, &subscription.track, ends, uri, each);
            }
        }
    }

    /// Those that went before the owner decided, who went last first.
    fn waiting(&self, is_meant: impl Fn(&Track) -> bool, each: &mut dyn FnMut(&Entry<'_>)) {
        let all = self.absent.iter().rev();
        for gone in all.filter(|gone| gone.presentity == self.presentity) {
            if gone.package == self.package && is_meant(&gone.track) {
                let (id, track) = (gone.id, &gone.track);
                self.show(id, Status::Waiting, track, None, &gone.uri, each);
            }
        }
    }

    fn show(
        &self,
        id: u64,
        status: Status,
        track: &Track,
        ends: Option<Instant>,
        uri: &[u8],
        each: &mut dyn FnMut(&Entry<'_>),
    ) {
        let mut digits = [0; 16];
        hex(&mut digits, id);
        let since = self.now.since(track.since).as_secs();
        each(&Entry {
            id: core::str::from_utf8(&digits).unwrap_or_default(),
            status,
            event: track.event,
            expiration: ends.map(|ends| ends.seconds_from(self.now)),
            subscribed: Some(Seconds(u32::try_from(since).unwrap_or(u32::MAX))),
            uri: core::str::from_utf8(uri).unwrap_or_default(),
        });
    }
}

impl Audience for View<'_> {
    fn all(&self, each: &mut dyn FnMut(&Entry<'_>)) {
        self.subscribed(Status::Pending, |_| true, each);
        self.waiting(|_| true, each);
        self.subscribed(Status::Active, |_| true, each);
    }

    fn since(&self, revision: u32, each: &mut dyn FnMut(&Entry<'_>)) -> bool {
        let group = group(self.presentity, self.winfo);
        if revision < self.audiences.forgotten[group] {
            return false;
        }
        let is_new = |track: &Track| track.changed > revision;
        self.subscribed(Status::Pending, is_new, each);
        self.waiting(is_new, each);
        self.subscribed(Status::Active, is_new, each);
        let ended = self.audiences.ended.iter();
        for ended in ended.filter(|ended| ended.group == group && is_new(&ended.track)) {
            // Who came and went since was never told of.
            if ended.track.first <= revision {
                let Ended { id, track, uri, .. } = ended;
                self.show(*id, Status::Terminated, track, None, uri, each);
            }
        }
        true
    }
}
