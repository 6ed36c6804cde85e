//! Subscriptions over a power cut: watchers are told at once, and never with a CSeq or version that they had before.
//!
//! A NOTIFY moves both numbers on, and the store is not asked each time. A record says up to where they may have been
//! used, [`HEADROOM`] beyond what was; after a restart they go on behind that. Who has used up half of it is saved
//! again.

use super::condition::Condition;
use super::rates::Tempo;
use super::shares::Keys;
use super::subscription::{Notify, Reserved, Subscription, Track, Wants};
use super::{Notifier, group};
use crate::events::identity::Identity;
use crate::events::kept::{KeptFlow, Lease};
use crate::events::package::{Baseline, Package};
use crate::events::presentity::Presentity;
use crate::events::ruling::View;
use crate::events::subscription::State;
use crate::ground::table::Id;
use crate::ground::time::{Instant, Moment, Seconds};
use crate::ua::addresses::LocalAddresses;
use crate::ua::dialog::{Dialog, KeptDialog};
use crate::wire::flow::Transport;
use heapless::Vec;
use serde::{Deserialize, Serialize};

/// Numbers that may be used before the store has to hear of it. At most 32,767 restarts fit one dialog's CSeq.
const HEADROOM: u32 = 1 << 16;

/// What a subscription has left at least when it is taken back.
const BRIEF: Seconds = Seconds(60);

/// A subscription as it is kept, without what was ruled of it, and what it asked for besides; its slot is part of its key, since the tag in the dialog leads there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptSubscription<'a> {
    /// Whom it watches.
    pub presentity: &'a str,
    package: &'a str,
    event_id: &'a [u8],
    body: u8,
    pending: bool,
    lease: Lease,
    flow: KeptFlow,
    #[serde(borrow)]
    dialog: KeptDialog<'a>,
    /// Up to where version numbers may have been used.
    versions: u32,
    identity: Identity,
}

impl Notifier {
    /// The record of what is in a slot, `None` if that is nothing to be kept: a free place, a subscription that is
    /// over. It is not due `again` before then. `presentity` is the URI of whom it watches.
    pub fn kept<'a>(
        &'a mut self,
        moment: Moment,
        slot: u16,
        again: Instant,
        uri_of: impl FnOnce(Id<Presentity>) -> Option<&'a str>,
    ) -> Option<KeptSubscription<'a>> {
        let id = self.subscriptions.id_at(slot)?;
        let subscription = self.subscriptions.get_mut(id)?;
        let (ends, pending) = match subscription.state {
            State::Pending { ends } => (ends, true),
            State::Active { ends } => (ends, false),
            State::Terminated(_) => return None,
        };
        subscription.reserve();
        // A refresh alone is no reason to write, until what is written is over.
        self.unsaved.hasten(slot, ends.max(again));
        let subscription = self.subscriptions.get(id)?;
        Some(KeptSubscription {
            presentity: uri_of(subscription.presentity)?,
            package: subscription.package.name(),
            event_id: &subscription.event_id,
            body: subscription.body,
            pending,
            lease: Lease::new(ends, moment),
            flow: KeptFlow::new(&subscription.flow),
            dialog: subscription.dialog.kept(subscription.reserved.seq),
            versions: subscription.reserved.version,
            identity: subscription.identity,
        })
    }

    /// Takes a subscription back that was kept in `slot`; it is told everything once it is judged anew. Says whether it is served
    /// again: one that expired meanwhile, or whose place or package is no more, is not.
    pub fn restore(
        &mut self,
        moment: Moment,
        slot: u16,
        presentity: Id<Presentity>,
        kept: &KeptSubscription<'_>,
        locals: &LocalAddresses,
    ) -> bool {
        // It may have been refreshed since it was written; whoever has gone says so when it is told.
        let ends = kept.lease.ends_at_least(moment, BRIEF);
        let package = Package::from_name(kept.package.as_bytes()).filter(|it| it.is_served());
        let dialog = Dialog::restored(&kept.dialog);
        let (Some(package), Some(dialog), Some(flow), Some(ends)) =
            (package, dialog, kept.flow.flow(), ends)
        else {
            return false;
        };
        let is_whole = dialog.token().slot == slot;
        let Some(event_id) = Vec::from_slice(kept.event_id).ok().filter(|_| is_whole) else {
            return false;
        };
        let device = self.device(presentity, package, &event_id, dialog.target());
        let address = flow.remote.ip();
        let shares = Keys::of(&self.secret, address, dialog.remote_uri(), kept.identity);
        let mut subscription = Subscription {
            device,
            flow,
            long_by: Transport::Tcp,
            presentity,
            row: None,
            package,
            identity: kept.identity,
            event_id,
            body: match package.spec().body_type(kept.body) {
                Some(_) => kept.body,
                None => 0,
            },
            state: match kept.pending {
                true => State::Pending { ends },
                false => State::Active { ends },
            },
            view: View::FULL,
            judged: false,
            allowed: !kept.pending,
            sent: 0,
            condition: Condition::Never,
            tempo: Tempo::new(Seconds::ZERO),
            shares,
            near: false,
            told: Baseline::Nothing,
            version: kept.versions,
            wants: Wants::Full,
            notify: Notify::Idle,
            failures: 0,
            heard: !kept.pending,
            track: Track::new(moment.now),
            reserved: Reserved {
                seq: dialog.local_seq(),
                version: kept.versions,
            },
            dialog,
        };
        if subscription.flow.transport.is_reliable() {
            subscription.call_back();
        }
        subscription.follow(locals);
        let Ok(id) = self.subscriptions.insert_at(slot, subscription) else {
            return false;
        };
        if !self.enter_list(id) {
            self.subscriptions.remove(id);
            return false;
        }
        self.shares.take(shares);
        self.unjudged = true;
        self.watchers.enter(group(presentity, package), slot);
        self.index(device, slot);
        self.track(id, None);
        if kept.pending {
            self.waits(id);
        }
        // At once: what is reserved is used from now on.
        self.unsaved.hasten(slot, moment.now);
        self.altered.push(slot);
        self.wake(id);
        true
    }
}

impl Subscription {
    fn reserve(&mut self) {
        self.reserved = Reserved {
            seq: self.dialog.local_seq().saturating_add(HEADROOM) & 0x7fff_ffff,
            version: self.version.saturating_add(HEADROOM),
        };
    }

    /// Whether more than half of what was reserved is used up.
    pub(super) fn runs_out(&self) -> bool {
        let left = self.reserved.seq.saturating_sub(self.dialog.local_seq());
        let versions = self.reserved.version.saturating_sub(self.version);
        left.min(versions) < HEADROOM / 2
    }
}
