//! A usage: one notifier's side of a watch, with its dialog, its documents and its refreshes.

use super::WatchId;
use super::doubt::Audit;
use crate::events::package::Memory;
use crate::events::watched::Watched;
use crate::ground::text::Text;
use crate::ground::time::{Duration, Instant, Seconds};
use crate::ua::credentials::Proof;
use crate::ua::dialog::Dialog;
use crate::ua::outbound::Way;
use crate::ua::request::Sending;
use core::net::{IpAddr, SocketAddr};

/// Bytes of an entity-tag that is held. A longer one is as none.
pub(super) const TAG: usize = 64;

/// Full documents are asked for after a gap no more often than this (RFC 4235 §4.3).
const GAP_PACE: Duration = Duration::from_secs(5);

/// One notifier that answered a watch.
pub struct Usage {
    pub(super) watch: WatchId,
    pub(super) dialog: Dialog,
    pub(super) memory: Memory,
    pub(super) knowledge: Knowledge,
    /// What the notifier calls that state; empty if it does not, or if the state is not known in full.
    pub(super) tag: Text<TAG>,
    /// Where the NOTIFY that opened it came from: others must come from there too (RFC 6665 §4.1.3).
    pub(super) heard_from: IpAddr,
    /// Which way our last request went.
    pub(super) way: Way,
    /// When the subscription expires.
    pub(super) ends: Instant,
    /// The lifetime last asked for.
    pub(super) asked: Seconds,
    /// When the last SUBSCRIBE was sent.
    pub(super) sent: Instant,
    /// Whether the notifier still waits for its owner's decision.
    pub(super) pending: bool,
    /// When the notifier told or granted something last.
    pub(super) heard: Instant,
    /// Whether it is in doubt because its server gave somebody no answer.
    pub(super) awaits: bool,
    /// Since when it is doubtful that the notifier knows us.
    pub(super) doubt: Option<Instant>,
    /// Refreshes that failed in a row.
    pub(super) retries: u8,
    /// Whether a refresh ever worked.
    pub(super) proven: bool,
    pub(super) gap: Gap,
    /// Whether it was asked, since what it tells changed last, about a NOTIFY without a document.
    pub(super) asked_empty: bool,
    /// NOTIFYs in a row whose CSeq was lower than one before.
    pub(super) behind: u8,
    pub(super) audit: Audit,
    pub(super) state: UsageState,
}

/// What the notifier's documents tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Knowledge {
    /// There was none yet.
    Nothing,
    /// This, by the last one.
    Known(Watched),
    /// It was asked and knows no state, which means this (see [`Spec`](crate::events::package::Spec)).
    Stateless(Watched),
    /// The last one could not be read (RFC 3261 §21.4.13).
    Unreadable,
}

impl Knowledge {
    /// What is known, whoever said it.
    pub(super) const fn watched(self) -> Option<Watched> {
        match self {
            Knowledge::Known(watched) | Knowledge::Stateless(watched) => Some(watched),
            Knowledge::Nothing | Knowledge::Unreadable => None,
        }
    }
}

/// A hole in the sequence of partial documents (RFC 4235 §4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gap {
    /// There is none.
    Closed,
    /// A full document is wanted, to be asked for from this moment on; it was asked for so often before.
    Open { at: Instant, asked: u8 },
    /// It was asked for so often. After [`ASKS`] times another gap asks only when a full document came in between,
    /// so that a notifier that cannot count is not asked for ever.
    Asked(u8),
}

/// How often a full document is asked for: the first one may be overtaken by partial ones.
const ASKS: u8 = 3;

/// What the subscription is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UsageState {
    /// It stands until it is refreshed.
    Resting { refresh: Instant },
    /// A refresh is out.
    Refreshing(Refresh),
    /// An unsubscription is out.
    Ending(Refresh),
}

/// A SUBSCRIBE in the dialog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refresh {
    pub(super) request: Sending,
    pub(super) seq: u32,
    pub(super) expires: Seconds,
    /// Timer N; set when it is sent.
    pub(super) notify_by: Instant,
    /// Whether a NOTIFY came since.
    pub(super) told: bool,
    /// Whether one of them said how long the subscription lasts.
    pub(super) dated: bool,
    /// Whether a 423 was followed already.
    pub(super) raised: bool,
    pub(super) condition: Condition,
    /// The credentials of the request, and what was said to those before.
    pub(super) proof: Proof,
}

/// What a SUBSCRIBE in a dialog says of the state that is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    /// Nothing: it is to be told.
    None,
    /// Its name.
    Made,
    /// Its name, and another state was told since.
    Overtaken,
}

/// FNV-1a: a collision costs a notifier that chose its tag badly its place until the next attempt.
pub(super) fn tag_hash(tag: &[u8]) -> u64 {
    tag.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

impl Refresh {
    /// A request to be sent with the next poll.
    pub(super) const fn new(seq: u32, expires: Seconds) -> Refresh {
        Refresh {
            request: Sending::Due,
            seq,
            expires,
            notify_by: Instant::ZERO,
            told: false,
            dated: false,
            raised: false,
            condition: Condition::None,
            proof: Proof::NONE,
        }
    }
}

impl Usage {
    /// The request that is out.
    pub(super) const fn refresh_mut(&mut self) -> Option<&mut Refresh> {
        match &mut self.state {
            UsageState::Refreshing(refresh) | UsageState::Ending(refresh) => Some(refresh),
            UsageState::Resting { .. } => None,
        }
    }

    /// Whether a refresh was sent that no NOTIFY has followed yet.
    pub(super) fn awaits_notify(&self) -> bool {
        match &self.state {
            UsageState::Refreshing(refresh) => !refresh.told && refresh.request != Sending::Due,
            UsageState::Resting { .. } | UsageState::Ending(_) => false,
        }
    }

    /// Whether a request waits for its answer.
    pub(super) const fn is_in_flight(&self) -> bool {
        match &self.state {
            UsageState::Refreshing(refresh) | UsageState::Ending(refresh) => {
                refresh.request.is_in_flight()
            }
            UsageState::Resting { .. } => false,
        }
    }

    /// Notes that a document in between is missing.
    pub(super) fn open_gap(&mut self, now: Instant) {
        let asked = match self.gap {
            Gap::Closed => 0,
            Gap::Asked(asked) if asked < ASKS => asked,
            Gap::Open { .. } | Gap::Asked(_) => return,
        };
        let at = now.max(self.sent + GAP_PACE);
        self.gap = Gap::Open { at, asked };
        if let UsageState::Resting { refresh } = &mut self.state {
            *refresh = at.min(*refresh);
        }
    }

    /// Whether the notifier was asked for a full document in vain: what it tells is all there is.
    pub(super) fn cannot_count(&self) -> bool {
        self.gap == Gap::Asked(ASKS) && !self.is_in_flight()
    }

    /// Notes a NOTIFY with a lower CSeq (RFC 3261 §12.2.2). One is a late datagram. Two in a row are a notifier that
    /// counts anew after a restart: it is asked, and if its answer can't be taken either, Timer N ends the dialog.
    pub(super) fn fall_behind(&mut self, now: Instant) {
        self.behind = self.behind.saturating_add(1);
        if self.behind >= 2 {
            self.open_gap(now);
        }
    }

    /// When the usage has something to do.
    pub(super) fn due(&self) -> Option<Instant> {
        match &self.state {
            UsageState::Resting { refresh } => {
                let due = self.ends.min(*refresh);
                Some(self.audit.due().map_or(due, |audit| audit.min(due)))
            }
            UsageState::Refreshing(refresh) | UsageState::Ending(refresh)
                if refresh.request == Sending::Due =>
            {
                None
            }
            UsageState::Refreshing(refresh) => {
                let due = refresh.request.due_or(refresh.notify_by);
                Some(due.min(self.ends))
            }
            UsageState::Ending(refresh) => Some(refresh.request.due_or(refresh.notify_by)),
        }
    }

    /// Where our requests go.
    pub(super) const fn peer(&self) -> SocketAddr {
        self.way.flow.remote
    }

    /// Whether a NOTIFY may come from `address`.
    pub(super) fn hears(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address == self.heard_from.to_canonical() || address == self.peer().ip().to_canonical()
    }
}
