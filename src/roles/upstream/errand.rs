//! What is asked of a server: one request at a time of each kind (RFC 3261 §10.2, RFC 3903 §4).

use crate::ground::time::Instant;
use crate::txn::token::{Owner, Token};
use crate::ua::credentials::Proof;
use crate::ua::outbound::Way;
use crate::ua::request::Sending;

/// The kinds of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// REGISTER.
    Register,
    /// PUBLISH.
    Publish,
    /// OPTIONS, or a Binding request.
    Probe,
}

impl Kind {
    pub(super) const ALL: [Kind; 3] = [Kind::Register, Kind::Publish, Kind::Probe];
}

/// How far one kind is.
#[derive(Clone, Copy, Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "there are few of them, and no heap to put an exchange on"
)]
pub(super) enum Errand {
    /// Nothing is asked before then.
    Resting { until: Option<Instant> },
    /// A request is on its way, or waits for the server's address.
    Asking(Exchange),
}

/// A request, and what was done already to have it granted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Exchange {
    pub(super) request: Sending,
    pub(super) seq: u32,
    /// Which way it went.
    pub(super) way: Way,
    /// Whether it takes leave.
    pub(super) farewell: bool,
    /// The credentials it carries, and what was said to those before.
    pub(super) proof: Proof,
    /// Whether it was sent again for a 423.
    pub(super) raised: bool,
}

impl Exchange {
    pub(super) const fn new(seq: u32, farewell: bool) -> Exchange {
        Exchange {
            request: Sending::Due,
            seq,
            way: Way::NOWHERE,
            farewell,
            proof: Proof::NONE,
            raised: false,
        }
    }
}

impl Errand {
    /// When a timer of it is due.
    pub(super) fn due(&self) -> Option<Instant> {
        match self {
            Errand::Resting { until } => *until,
            Errand::Asking(exchange) => exchange.request.due(),
        }
    }

    /// Whether it is time to begin.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        matches!(self, Errand::Resting { until: Some(until) } if *until <= now)
    }

    /// Whether it waits to be sent, for the first time or again.
    pub(super) const fn wants_to_send(&self) -> bool {
        match self {
            Errand::Resting { .. } => false,
            Errand::Asking(exchange) => {
                matches!(exchange.request, Sending::Due | Sending::Again(_))
            }
        }
    }
}

/// The branch of a request of this kind.
pub(super) const fn branch(kind: Kind, slot: u16, nonce: u64) -> Token {
    let owner = owner(kind);
    Token { owner, slot, nonce }
}

/// Whose the branches of this kind are.
pub(super) const fn owner(kind: Kind) -> Owner {
    match kind {
        Kind::Register | Kind::Probe => Owner::Registration,
        Kind::Publish => Owner::Publication,
    }
}
