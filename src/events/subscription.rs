//! What a notifier's side of a subscription can be in (RFC 6665 §4.1.3, §4.4), and what decides it.

use crate::ground::time::{Instant, Seconds};

/// What the owner's policy says of a watcher (RFC 6665 §4.2.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// May watch.
    Allow,
    /// Nobody decided yet: the subscription is pending.
    Confirm,
    /// May not: 403.
    Block,
}

/// The state of a subscription we serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Waits for the owner's decision; the watcher is told nothing of the presentity.
    Pending {
        /// When it expires without a refresh.
        ends: Instant,
    },
    /// The watcher is told of every change.
    Active {
        /// When it expires without a refresh.
        ends: Instant,
    },
    /// Over; the entry lives until the watcher was told.
    Terminated(Reason),
}

/// Why a notifier ends a subscription (RFC 6665 §4.1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Expired, unsubscribed, or a fetch.
    Timeout,
    /// We go down or move: subscribe again at once.
    Deactivated,
    /// The owner withdrew the permission.
    Rejected,
    /// Nobody decided in time: try again after this.
    GiveUp(Seconds),
    /// The presentity, or the dialog that was asked for, is gone.
    NoResource,
}

impl State {
    /// The word of Subscription-State.
    pub const fn name(self) -> &'static str {
        match self {
            State::Pending { .. } => "pending",
            State::Active { .. } => "active",
            State::Terminated(_) => "terminated",
        }
    }

    /// When it expires without a refresh.
    pub const fn ends(self) -> Option<Instant> {
        match self {
            State::Pending { ends } | State::Active { ends } => Some(ends),
            State::Terminated(_) => None,
        }
    }

    /// The same state with another end.
    #[must_use]
    pub const fn until(self, ends: Instant) -> State {
        match self {
            State::Pending { .. } => State::Pending { ends },
            State::Active { .. } => State::Active { ends },
            State::Terminated(reason) => State::Terminated(reason),
        }
    }
}

impl Reason {
    /// The word of the `reason` parameter.
    pub const fn name(self) -> &'static str {
        match self {
            Reason::Timeout => "timeout",
            Reason::Deactivated => "deactivated",
            Reason::Rejected => "rejected",
            Reason::GiveUp(_) => "giveup",
            Reason::NoResource => "noresource",
        }
    }

    /// The `retry-after` parameter.
    pub const fn retry_after(self) -> Option<Seconds> {
        match self {
            Reason::GiveUp(after) => Some(after),
            Reason::Timeout | Reason::Deactivated | Reason::Rejected | Reason::NoResource => None,
        }
    }
}
