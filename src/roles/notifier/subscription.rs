//! One watcher's subscription, and how it stands.

use super::bodies::BodyId;
use super::condition::{Condition, Tag};
use super::list_rows::Row;
use super::rates::Tempo;
use super::shares::Keys;
use crate::events::identity::Identity;
use crate::events::package::{Baseline, Package};
use crate::events::presentity::Presentity;
use crate::events::ruling::View;
use crate::events::subscription::State;
use crate::ground::limits;
use crate::ground::table::Id;
use crate::ground::time::{Instant, Seconds};
use crate::txn::client::Client;
use crate::ua::dialog::Dialog;
use crate::wire::doc::winfo::Event;
use crate::wire::flow::{Flow, Transport};
use core::net::SocketAddr;
use heapless::Vec;

/// One watcher's subscription.
pub struct Subscription {
    pub(super) dialog: Dialog,
    /// What it stands under in the index of devices.
    pub(super) device: u64,
    /// Where its NOTIFYs go.
    pub(super) flow: Flow,
    /// How those go that are long for a datagram: by TCP, until it is known that nobody takes them there (RFC 3261
    /// §18.1.1).
    pub(super) long_by: Transport,
    pub(super) presentity: Id<Presentity>,
    /// Its place among those to lists, if it is to one.
    pub(super) row: Option<Id<Row>>,
    pub(super) package: Package,
    /// Who watches, as far as it was proven when it subscribed.
    pub(super) identity: Identity,
    /// The `id` of its Event.
    pub(super) event_id: Vec<u8, { limits::EVENT_ID }>,
    /// Which of the package's body types it takes.
    pub(super) body: u8,
    pub(super) state: State,
    /// What it sees, as far as its package tells views apart.
    pub(super) view: View,
    /// Whether the policy was asked since a restart. Before that nothing is told.
    pub(super) judged: bool,
    /// Whether it may be told of the presentity. One that waited in vain may not, nor when its end is told.
    pub(super) allowed: bool,
    /// Whether the watcher has proven to be where it says it is: it answered, or came back with our tag.
    pub(super) heard: bool,
    /// Whether its NOTIFYs go where its SUBSCRIBE came from, and we believe that.
    pub(super) near: bool,
    pub(super) track: Track,
    /// What the watcher has confirmed to know.
    pub(super) told: Baseline,
    /// The revision of what it was sent last in its view; 0 if that is of no use any more.
    pub(super) sent: u32,
    /// What it has already.
    pub(super) condition: Condition,
    /// How often it is told.
    pub(super) tempo: Tempo,
    /// Whose share of the table it is in.
    pub(super) shares: Keys,
    /// The version of the next document, for packages that count them (RFC 4235 §4.1).
    pub(super) version: u32,
    pub(super) wants: Wants,
    pub(super) notify: Notify,
    /// NOTIFYs in a row that failed in passing.
    pub(super) failures: u8,
    pub(super) reserved: Reserved,
}

/// A watcher as the owner decides about it.
#[derive(Clone, Copy, Debug)]
pub struct Who<'a> {
    /// Whom it watches.
    pub presentity: Id<Presentity>,
    /// In which package.
    pub package: Package,
    /// Who it is, as far as it is proven.
    pub identity: Identity,
    /// The URI it gives itself.
    pub watcher: &'a [u8],
    /// Where its NOTIFYs go.
    pub remote: SocketAddr,
}

/// What the watcher is still to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Wants {
    /// It knows all.
    Nothing,
    /// What changed.
    Changes,
    /// What is so now, changed or not: it asked to hear of us now and then (RFC 6446 §6).
    Again,
    /// Everything: it asked.
    Full,
}

/// What is on its way to the watcher.
#[derive(Clone, Copy)]
pub(super) enum Notify {
    /// Nothing.
    Idle,
    /// A NOTIFY.
    InFlight(InFlight),
    /// Nothing before this, for the last NOTIFY failed in passing (RFC 5057 §5.1).
    Later { until: Instant },
}

/// A NOTIFY on its way: all that is needed to send the same bytes again.
#[derive(Clone, Copy)]
pub(super) struct InFlight {
    pub(super) client: Client,
    pub(super) seq: u32,
    /// The state it tells, and the lifetime left then.
    pub(super) state: State,
    pub(super) expires: Seconds,
    /// The document, unless the watcher gets none, or has it already.
    pub(super) body: Option<BodyId>,
    /// What the document is known by that is left out because the watcher has it.
    pub(super) tag: Option<Tag>,
    /// Which of the package's types it is sent as.
    pub(super) media_type: u8,
    pub(super) version: u32,
    /// What the watcher knows once it answered.
    pub(super) tells: Baseline,
    /// How it goes.
    pub(super) transport: Transport,
    pub(super) resend: bool,
}

/// Up to where numbers are known to the store.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Reserved {
    pub(super) seq: u32,
    pub(super) version: u32,
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

impl Subscription {
    /// Whom it watches.
    pub fn presentity(&self) -> Id<Presentity> {
        self.presentity
    }

    /// In which package.
    pub fn package(&self) -> Package {
        self.package
    }

    /// Its state.
    pub fn state(&self) -> State {
        self.state
    }

    /// The dialog it lives in.
    pub fn dialog(&self) -> &Dialog {
        &self.dialog
    }

    /// Where its NOTIFYs go.
    pub fn flow(&self) -> &Flow {
        &self.flow
    }

    /// Who watches.
    pub fn who(&self) -> Who<'_> {
        Who {
            presentity: self.presentity,
            package: self.package,
            identity: self.identity,
            watcher: self.dialog.remote_uri(),
            remote: self.flow.remote,
        }
    }

    /// Whether it is told in the package's patched format.
    pub(super) fn is_patched(&self) -> bool {
        self.package.spec().is_patched(self.body)
    }

    /// Whether the last NOTIFY is on its way.
    pub(super) fn is_taking_leave(&self) -> bool {
        match &self.notify {
            Notify::InFlight(in_flight) => in_flight.is_last(),
            Notify::Idle | Notify::Later { .. } => false,
        }
    }

    /// Whether it has shown that somebody is there who wants what we send.
    pub(super) fn is_proven(&self) -> bool {
        self.heard || self.near
    }

    /// When its timer goes off.
    pub(super) fn due(&self) -> Option<Instant> {
        let notify = match &self.notify {
            Notify::Idle => self.tempo_due(),
            Notify::InFlight(in_flight) => Some(in_flight.client.due()),
            Notify::Later { until } => Some(*until),
        };
        Instant::earlier(notify, self.state.ends())
    }

    /// When the next NOTIFY may or must go out by the rates agreed.
    fn tempo_due(&self) -> Option<Instant> {
        match (self.state, self.wants) {
            (State::Active { .. }, Wants::Changes) => self.tempo.held_until(),
            (State::Active { .. }, Wants::Nothing) => self.tempo.expected(),
            _ => None,
        }
    }
}

impl InFlight {
    /// What it tells is of no use to the watcher any more.
    pub(super) fn forget_told(&mut self) {
        self.tells = Baseline::Nothing;
    }

    /// Whether it ends the subscription.
    pub(super) const fn is_last(&self) -> bool {
        matches!(self.state, State::Terminated(_))
    }
}

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
