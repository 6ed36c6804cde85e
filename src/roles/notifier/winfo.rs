//! The audience of a presentity, as the watcherinfo documents of RFC 3858 tell it: whole, or what changed since a
//! revision.

use super::absent::Absent;
use super::audience::Audiences;
use super::subscription::Track;
use super::{GROUPS, Subscription, group};
use crate::events::package::{Audience, Package};
use crate::events::presentity::Presentity;
use crate::events::subscription::State;
use crate::ground::hex::hex;
use crate::ground::limits;
use crate::ground::random::Secret;
use crate::ground::table::{Chains, Id, Table};
use crate::ground::time::{Instant, Seconds};
use crate::wire::doc::winfo::{Entry, Status};

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
        let Some(ended) = self.audiences.ended_since(group, revision) else {
            return false;
        };
        let is_new = |track: &Track| track.changed > revision;
        self.subscribed(Status::Pending, is_new, each);
        self.waiting(is_new, each);
        self.subscribed(Status::Active, is_new, each);
        // Who came and went since was never told of.
        for it in ended.filter(|it| it.track.first <= revision) {
            self.show(it.id, Status::Terminated, &it.track, None, &it.uri, each);
        }
        true
    }
}

impl Subscription {
    const fn status(&self) -> Option<Status> {
        match self.state {
            State::Pending { .. } => Some(Status::Pending),
            State::Active { .. } => Some(Status::Active),
            State::Terminated(_) => None,
        }
    }
}
