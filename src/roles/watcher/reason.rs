//! What ends a subscription: the reasons a notifier gives, and refusals. Read RFC 6665 §4.1.3.

use crate::ground::time::Seconds;
use crate::ua::retry::Retry;
use crate::wire::sip::{Reason, SubscriptionState};

/// What the end of a subscription means for us.
pub(super) struct End {
    pub(super) reason: &'static str,
    pub(super) retry: Retry,
    pub(super) retry_after: Option<Seconds>,
    pub(super) leaves: Leaves,
}

/// What is known of the watched after the end.
pub(super) enum Leaves {
    /// What was told last, in doubt.
    Nothing,
    /// It is not there.
    Gone,
    /// What was told last, for it cannot change.
    LastState,
}

impl End {
    /// Reads a `terminated` (RFC 6665 §4.1.3). Where the reason gives `retry-after` no meaning it is not looked at.
    pub(super) fn of(state: &SubscriptionState<'_>) -> End {
        let after = state.retry_after;
        let (reason, retry, retry_after, leaves) = match state.reason {
            Some(Reason::Deactivated) => ("deactivated", Retry::Soon, None, Leaves::Nothing),
            Some(Reason::Timeout) => ("timeout", Retry::Soon, None, Leaves::Nothing),
            Some(Reason::Probation) => ("probation", Retry::Backoff, after, Leaves::Nothing),
            Some(Reason::Giveup) => ("giveup", Retry::Slow, after, Leaves::Nothing),
            Some(Reason::Rejected) => ("rejected", Retry::Rare, None, Leaves::Nothing),
            Some(Reason::NoResource) => ("noresource", Retry::Rare, None, Leaves::Gone),
            Some(Reason::Invariant) => ("invariant", Retry::Rare, None, Leaves::LastState),
            Some(Reason::BadFilter) => ("badfilter", Retry::Rare, None, Leaves::Nothing),
            Some(Reason::Other(_)) => ("terminated", Retry::Backoff, after, Leaves::Nothing),
            None => ("terminated", Retry::Backoff, after, Leaves::Nothing),
        };
        End {
            reason,
            retry,
            retry_after,
            leaves,
        }
    }

    /// A refusal that says once more that there is nobody.
    pub(super) const fn of_nobody() -> End {
        End {
            reason: "noresource",
            retry: Retry::Rare,
            retry_after: None,
            leaves: Leaves::Gone,
        }
    }

    /// Is not believed at its word: it is asked for again.
    pub(super) const fn doubt(&mut self) {
        self.retry = Retry::Query;
        self.leaves = Leaves::Nothing;
    }
}

/// Whether a refusal with that code may mean that the server does not have the package: the code made for it (RFC 6665
/// §8.3.2), or one of those that servers without event packages have for what they do not know.
pub(super) const fn denies_package(code: u16) -> bool {
    matches!(code, 400 | 404 | 405 | 415 | 489 | 501)
}
