//! Who watches: what a watcher's subscription is to the owner of what it watches (RFC 3857 §4.7.1).
//!
//! Every change of a subscription's state goes through [`Notifier::track`]: it is where an audience changes. That takes
//! constant time and tells nobody yet; the next poll does. A state that nobody could have been told of is never
//! told: neither a fetch by somebody who may watch, nor one who came and went between two documents.

use super::subscription::Track;
use super::{GROUPS, Notifier, Subscription};
use crate::ground::limits;
use crate::ground::random::Secret;
use crate::ground::table::{Id, Queue};
use crate::ground::time::Instant;
use crate::wire::doc::winfo::Event;
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

/// A watcher that is no more.
pub(super) struct Ended {
    group: usize,
    pub(super) id: u64,
    pub(super) track: Track,
    pub(super) uri: Uri,
}

/// A watcher's own URI.
pub(super) type Uri = Vec<u8, { limits::URI }>;

impl Audiences {
    pub(super) const fn new() -> Audiences {
        Audiences {
            ended: Deque::new(),
            forgotten: [0; GROUPS],
            changed: Queue::new(),
        }
    }

    /// Those of a group that ended after `revision`, the oldest first; `None` where some of them are forgotten.
    pub(super) fn ended_since(
        &self,
        group: usize,
        revision: u32,
    ) -> Option<impl Iterator<Item = &Ended>> {
        let is_meant = move |it: &&Ended| it.group == group && it.track.changed > revision;
        (revision >= self.forgotten[group]).then(|| self.ended.iter().filter(is_meant))
    }

    fn forget(&mut self, ended: &Ended) {
        self.forgotten[ended.group] = ended.track.changed;
    }
}

impl Notifier {
    /// The subscription is there, in another state.
    pub(super) fn stands(&mut self, id: Id<Subscription>, group: usize, event: Event) {
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
}
