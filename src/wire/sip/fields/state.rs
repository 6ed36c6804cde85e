//! Subscription-State: read RFC 6665 §4.1.3 and §8.2.3.

use super::super::grammar::{Bad, Params, number, same_text, token};
use super::super::headers::Headers;
use super::super::name::Name;
use super::super::out::{Out, Print};
use crate::ground::time::Seconds;

/// What a NOTIFY says about its subscription.
#[derive(Clone, Copy, Debug)]
pub struct SubscriptionState<'a> {
    /// Whether it lives.
    pub state: State<'a>,
    /// Seconds left; garbage counts as absent. Without meaning in `terminated`.
    pub expires: Option<Seconds>,
    /// When to try again; garbage counts as absent. Only in `terminated`.
    pub retry_after: Option<Seconds>,
    /// Why it ended. Only in `terminated`.
    pub reason: Option<Reason<'a>>,
    /// All parameters.
    pub params: Params<'a>,
}

/// The states of RFC 6665 §8.2.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State<'a> {
    /// Accepted.
    Active,
    /// Not decided yet.
    Pending,
    /// Over.
    Terminated,
    /// Unknown: not terminated (RFC 6665 §4.1.3).
    Other(&'a [u8]),
}

/// The reasons of RFC 6665 §4.1.3 and RFC 4660.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason<'a> {
    /// Subscribe again at once.
    Deactivated,
    /// Try again later.
    Probation,
    /// Do not try again.
    Rejected,
    /// It ran out.
    Timeout,
    /// Nobody decided in time.
    Giveup,
    /// The resource is gone.
    NoResource,
    /// The state can't change any more.
    Invariant,
    /// The filter was refused.
    BadFilter,
    /// Unknown.
    Other(&'a [u8]),
}

impl<'a> State<'a> {
    fn from_bytes(text: &'a [u8]) -> State<'a> {
        if same_text(text, b"active") {
            State::Active
        } else if same_text(text, b"pending") {
            State::Pending
        } else if same_text(text, b"terminated") {
            State::Terminated
        } else {
            State::Other(text)
        }
    }

    /// The spelling on the wire.
    pub const fn as_bytes(&self) -> &'a [u8] {
        match self {
            State::Active => b"active",
            State::Pending => b"pending",
            State::Terminated => b"terminated",
            State::Other(text) => text,
        }
    }
}

impl<'a> Reason<'a> {
    fn from_bytes(text: &'a [u8]) -> Reason<'a> {
        const KNOWN: [Reason<'static>; 8] = [
            Reason::Deactivated,
            Reason::Probation,
            Reason::Rejected,
            Reason::Timeout,
            Reason::Giveup,
            Reason::NoResource,
            Reason::Invariant,
            Reason::BadFilter,
        ];
        KNOWN
            .into_iter()
            .find(|known| same_text(known.as_bytes(), text))
            .unwrap_or(Reason::Other(text))
    }

    /// The spelling on the wire.
    pub const fn as_bytes(&self) -> &'a [u8] {
        match self {
            Reason::Deactivated => b"deactivated",
            Reason::Probation => b"probation",
            Reason::Rejected => b"rejected",
            Reason::Timeout => b"timeout",
            Reason::Giveup => b"giveup",
            Reason::NoResource => b"noresource",
            Reason::Invariant => b"invariant",
            Reason::BadFilter => b"badfilter",
            Reason::Other(text) => text,
        }
    }
}

impl<'a> SubscriptionState<'a> {
    /// Reads a whole value.
    ///
    /// # Errors
    /// [`Bad`] for a missing state, a second value or a bad parameter.
    #[inline]
    pub fn parse(input: &'a [u8]) -> Result<SubscriptionState<'a>, Bad> {
        let (rest, state) = token(input)?;
        let mut found = SubscriptionState {
            state: State::from_bytes(state),
            expires: None,
            retry_after: None,
            reason: None,
            params: Params::NONE,
        };
        let (params, rest) = Params::take(rest, |param| {
            let value = param.value.map(|value| value.raw());
            if same_text(param.name, b"expires") {
                found.expires = value.and_then(number).map(Seconds);
            } else if same_text(param.name, b"retry-after") {
                found.retry_after = value.and_then(number).map(Seconds);
            } else if same_text(param.name, b"reason") {
                found.reason = value.map(Reason::from_bytes);
            }
            Ok(())
        })?;
        found.params = params;
        if rest.is_empty() { Ok(found) } else { Err(Bad) }
    }
}

impl Print for SubscriptionState<'_> {
    fn print(&self, out: &mut Out<'_>) {
        out.value(self.state.as_bytes());
        if let Some(Seconds(seconds)) = self.expires {
            out.raw(b";expires=").decimal(seconds);
        }
        if let Some(reason) = &self.reason {
            out.raw(b";reason=").value(reason.as_bytes());
        }
        if let Some(Seconds(seconds)) = self.retry_after {
            out.raw(b";retry-after=").decimal(seconds);
        }
    }
}

impl<'a> Headers<'a> {
    /// Subscription-State.
    ///
    /// # Errors
    /// [`Bad`] for several rows or values, or no state at all: answer 400.
    pub fn subscription_state(&self) -> Result<Option<SubscriptionState<'a>>, Bad> {
        match self.only(Name::SubscriptionState) {
            Some(value) => SubscriptionState::parse(value?).map(Some),
            None => Ok(None),
        }
    }
}
