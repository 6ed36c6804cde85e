//! Subscription-State: read RFC 6665 §4.1.3 and §8.2.3.

use super::super::grammar::{Bad, Params, number, same_text, token};
use super::super::headers::Headers;
use super::super::name::Name;
use crate::ground::time::Seconds;
use crate::wire::out::{Out, Print};

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

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> SubscriptionState<'_> {
        SubscriptionState::parse(text.as_bytes()).expect("valid")
    }

    #[test]
    fn states_and_reasons_are_read() /* S06 S09 S16 */
    {
        let found = read("Active ; Expires = 599");
        assert_eq!(
            (found.state, found.expires),
            (State::Active, Some(Seconds(599)))
        );
        let found = read("pending");
        assert_eq!((found.state, found.expires), (State::Pending, None));
        for (text, reason) in [
            ("deactivated", Reason::Deactivated),
            ("Probation", Reason::Probation),
            ("rejected", Reason::Rejected),
            ("timeout", Reason::Timeout),
            ("giveup", Reason::Giveup),
            ("noresource", Reason::NoResource),
            ("invariant", Reason::Invariant),
            ("badfilter", Reason::BadFilter),
            ("tired", Reason::Other(b"tired")),
        ] {
            let mut buf = [0; 64];
            let parts = [
                &b"terminated;reason="[..],
                text.as_bytes(),
                b";retry-after=5",
            ];
            let mut out = Out::new(&mut buf);
            for part in parts {
                out.raw(part);
            }
            let len = out.finish().expect("fits");
            let found = SubscriptionState::parse(&buf[..len]).expect("valid");
            assert_eq!(found.state, State::Terminated);
            assert_eq!(found.reason, Some(reason));
            assert_eq!(found.retry_after, Some(Seconds(5)));
        }
    }

    #[test]
    fn odd_values_are_no_fault() /* ATTACKS H10 */
    {
        assert_eq!(read("foo").state, State::Other(b"foo"));
        assert_eq!(read("active;expires=abc").expires, None);
        assert_eq!(
            read("active;expires=99999999999").expires,
            Some(Seconds(u32::MAX))
        );
        assert_eq!(read("terminated;retry-after=soon").retry_after, None);
        assert_eq!(read("terminated").reason, None);
    }

    #[test]
    fn no_state_is_a_fault() /* S03, ATTACKS D09 */
    {
        for text in [
            "",
            ";expires=5",
            "active;",
            "active, pending",
            "active pending",
            "active;expires=",
        ] {
            assert!(
                SubscriptionState::parse(text.as_bytes()).is_err(),
                "{text:?}"
            );
        }
    }

    #[test]
    fn prints_what_it_means() /* N12 */
    {
        for text in [
            "active;expires=60",
            "pending;expires=0",
            "terminated;reason=giveup;retry-after=9",
            "foo",
        ] {
            let mut buf = [0; 64];
            let len = Out::new(&mut buf)
                .print(&read(text))
                .finish()
                .expect("fits");
            assert_eq!(&buf[..len], text.as_bytes());
        }
    }
}
