//! Those who went before the owner decided about them: the state *waiting* of RFC 3857 §4.7.1.
//!
//! The owner can still decide, and the decision counts when they come back. Only who has proven to be where it says it
//! is is remembered, or an invented sender's name would stand there for days. All of them together, and those of one
//! address, are few ([`limits::ABSENT`], [`limits::ABSENT_EACH`]), and each is given up in the end
//! ([`limits::GIVE_UP`]).

use super::audience::Uri;
use super::subscription::Track;
use super::{Notifier, Subscription, Who, group};
use crate::events::identity::Identity;
use crate::events::package::Package;
use crate::events::presentity::Presentity;
use crate::events::ruling::Ruling;
use crate::events::subscription::{Reason, State, Verdict};
use crate::ground::limits;
use crate::ground::table::Id;
use crate::ground::time::Instant;
use crate::wire::doc::winfo::Event;
use core::net::SocketAddr;
use heapless::Vec;

/// Those who went, sorted by when they are given up.
pub(super) struct Absent(Vec<Gone, { limits::ABSENT }>);

/// A watcher who went before the owner decided.
pub struct Gone {
    pub(super) id: u64,
    pub(super) presentity: Id<Presentity>,
    pub(super) package: Package,
    pub(super) uri: Uri,
    pub(super) track: Track,
    identity: Identity,
    remote: SocketAddr,
    /// When it is given up.
    ends: Instant,
}

impl Absent {
    pub(super) const fn new() -> Absent {
        Absent(Vec::new())
    }

    pub(super) fn iter(&self) -> core::slice::Iter<'_, Gone> {
        self.0.iter()
    }

    /// Enters one more, for whom there is room.
    fn insert(&mut self, gone: Gone) {
        let is_later = |other: &Gone| other.ends > gone.ends;
        let at = self.0.iter().position(is_later).unwrap_or(self.0.len());
        let _ = self.0.insert(at, gone);
    }

    /// When the first of them is given up.
    pub(super) fn due(&self) -> Option<Instant> {
        self.0.first().map(|gone| gone.ends)
    }
}

impl Gone {
    /// Who it is.
    pub fn who(&self) -> Who<'_> {
        Who {
            presentity: self.presentity,
            package: self.package,
            identity: self.identity,
            watcher: &self.uri,
            remote: self.remote,
        }
    }

    /// In which package it wanted to watch.
    pub fn package(&self) -> Package {
        self.package
    }

    /// When it is given up.
    pub fn ends(&self) -> Instant {
        self.ends
    }

    fn is(&self, subscription: &Subscription) -> bool {
        let (own, its) = (self.who(), subscription.who());
        let address = |who: Who<'_>| who.remote.ip().to_canonical();
        self.package == subscription.package
            && (own.presentity, own.watcher, address(own))
                == (its.presentity, its.watcher, address(its))
    }
}

impl Notifier {
    /// Those who went before the owner decided, whoever went first first.
    pub fn absent(&self) -> impl Iterator<Item = &Gone> {
        self.absent.iter()
    }

    /// A pending subscription is over, and nobody decided.
    pub(super) fn leaves(&mut self, id: Id<Subscription>, winfo: usize, ends: Instant) {
        let Some(subscription) = self.subscriptions.get(id) else {
            return;
        };
        if !subscription.heard {
            return self.ends(id, winfo, Event::GiveUp);
        }
        self.remember(id, ends);
    }

    /// A subscription that was only to last for one NOTIFY is gone: if nobody decided, its watcher waits.
    pub(super) fn fetched(&mut self, id: Id<Subscription>) {
        if let Some(subscription) = self.subscriptions.get(id)
            && subscription.state == State::Terminated(Reason::Timeout)
            && subscription.track.changed == 0
            && !subscription.allowed
            && subscription.heard
        {
            self.remember(id, subscription.track.since);
        }
    }

    /// The watcher is here again: nobody need remember that it was (RFC 3857 §4.7.1).
    pub(super) fn returned(&mut self, id: Id<Subscription>) {
        if let Some(subscription) = self.subscriptions.get(id)
            && let Some(at) = self.absent.iter().position(|gone| gone.is(subscription))
        {
            self.end_absent(at, Event::GiveUp);
        }
    }

    /// Judges anew all who went and for whom there is a verdict.
    pub(super) fn judge_absent(&mut self, judge: impl Fn(Who<'_>) -> Option<Ruling>) {
        let mut at = 0;
        while let Some(gone) = self.absent.0.get(at) {
            match judge(gone.who()).map(|it| it.verdict) {
                Some(Verdict::Allow) => self.end_absent(at, Event::Approved),
                Some(Verdict::Block) => self.end_absent(at, Event::Rejected),
                Some(Verdict::Confirm) | None => at += 1,
            }
        }
    }

    /// What they wanted to watch is gone.
    pub(super) fn forget_absent(&mut self, presentity: Id<Presentity>) {
        let is_of = |gone: &Gone| gone.presentity == presentity;
        while let Some(at) = self.absent.iter().position(is_of) {
            self.end_absent(at, Event::NoResource);
        }
    }

    /// Gives up those whose time has come.
    pub(super) fn give_up(&mut self, now: Instant) {
        while self.absent.due().is_some_and(|due| due <= now) {
            self.end_absent(0, Event::GiveUp);
        }
    }

    /// Remembers the watcher of a subscription that ended then or would have. One that is remembered already only stays
    /// longer.
    fn remember(&mut self, id: Id<Subscription>, ended: Instant) {
        let Some(subscription) = self.subscriptions.get(id) else {
            return;
        };
        let ends = ended + limits::GIVE_UP;
        if let Some(at) = self.absent.iter().position(|gone| gone.is(subscription)) {
            let gone = self.absent.0.remove(at);
            return self.absent.insert(Gone { ends, ..gone });
        }
        let Some(winfo) = subscription.package.winfo() else {
            return;
        };
        let (presentity, package) = (subscription.presentity, subscription.package);
        let remote = subscription.flow.remote;
        self.make_room_for(remote);
        let changed = self.revise(group(presentity, winfo));
        let Some(subscription) = self.subscriptions.get(id) else {
            return;
        };
        let first = match subscription.track.first {
            0 => changed,
            first => first,
        };
        let gone = Gone {
            id: subscription.watcher_id(&self.secret),
            presentity,
            package,
            uri: Uri::from_slice(subscription.dialog.remote_uri()).unwrap_or_default(),
            track: Track {
                first,
                changed,
                event: Event::Timeout,
                ..subscription.track
            },
            identity: subscription.identity,
            remote,
            ends,
        };
        self.absent.insert(gone);
    }

    /// Makes room for one more at that address.
    fn make_room_for(&mut self, remote: SocketAddr) {
        let address = remote.ip().to_canonical();
        let is_there = |gone: &Gone| gone.remote.ip().to_canonical() == address;
        let there = self.absent.iter().filter(|gone| is_there(gone)).count();
        let first = match there >= limits::ABSENT_EACH {
            true => self.absent.iter().position(is_there),
            false => self.absent.0.is_full().then_some(0),
        };
        if let Some(first) = first {
            self.end_absent(first, Event::GiveUp);
        }
    }

    fn end_absent(&mut self, at: usize, event: Event) {
        let gone = self.absent.0.remove(at);
        if let Some(winfo) = gone.package.winfo() {
            let group = group(gone.presentity, winfo);
            self.ended(group, gone.id, gone.track, gone.uri, event);
        }
    }
}
