//! Why attempts and subscriptions end.

use super::reason::denies_package;
use crate::wire::flow::End;
use crate::wire::sip::Status;

/// Why an attempt or a subscription ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// The SUBSCRIBE was answered with this code.
    Refused(u16),
    /// The same for a reason that is known: of a challenge, why what proves who we are does not help.
    Unproven(u16, &'static str),
    /// Timer F.
    NoAnswer,
    /// Timer N after a 2xx.
    NoNotify,
    /// ICMP said so.
    Unreachable,
    /// Inside TLS it is not believed, for that reason.
    Untrusted(&'static str),
    /// The name has no address.
    Unresolved,
    /// The server answers, and knows no lists.
    NoList,
    /// We have no address of the peer's family, or no room for the request.
    NoLocalAddress,
    /// The lifetime passed without a refresh.
    Expired,
    /// The account moved to another server.
    Moved,
    /// The server gave somebody else no answer.
    Neighbour,
    /// The notifier ended it, with this reason.
    Terminated(&'static str),
}

impl Cause {
    /// A final answer of that status that nothing can be done about; with why, where that is known.
    pub(super) fn of_refusal(status: Status, why: Option<&'static str>) -> Cause {
        match why {
            Some(why) => Cause::Unproven(status.code(), why),
            None => Cause::Refused(status.code()),
        }
    }

    /// A connection that ended so, under a request.
    pub(super) const fn of_end(end: End) -> Cause {
        match end {
            End::Closed | End::Refused | End::Silent => Cause::Unreachable,
            End::Untrusted(why) => Cause::Untrusted(why.why()),
        }
    }

    pub(super) const fn reason(self) -> &'static str {
        match self {
            Cause::Refused(_) => "refused",
            Cause::Unproven(_, why) => why,
            Cause::NoAnswer => "no answer",
            Cause::NoNotify => "no NOTIFY",
            Cause::Unreachable => "unreachable",
            Cause::Untrusted(why) => why,
            Cause::Unresolved => "name not found",
            Cause::NoList => "no list there",
            Cause::NoLocalAddress => "no local address",
            Cause::Expired => "expired",
            Cause::Moved => "another server",
            Cause::Neighbour => "its server is silent",
            Cause::Terminated(reason) => reason,
        }
    }

    /// Whether it says that the server is not there.
    pub(super) const fn is_of_the_server(self) -> bool {
        match self {
            Cause::NoAnswer | Cause::Unreachable | Cause::Untrusted(_) => true,
            Cause::Refused(_)
            | Cause::Unproven(..)
            | Cause::NoNotify
            | Cause::Unresolved
            | Cause::NoList
            | Cause::NoLocalAddress
            | Cause::Expired
            | Cause::Moved
            | Cause::Neighbour
            | Cause::Terminated(_) => false,
        }
    }

    /// Whether another place of the same name may do better (RFC 3263 §4.3).
    pub(super) const fn is_of_the_place(self) -> bool {
        self.is_of_the_server()
            || self.is_of_an_ill_server()
            || matches!(self, Cause::NoLocalAddress)
    }

    /// Whether it says that the server does not have the package.
    pub(super) const fn denies_package(self) -> bool {
        matches!(self, Cause::Refused(code) if denies_package(code))
    }

    /// Whether it says that the server is there, but not well.
    pub(super) const fn is_of_an_ill_server(self) -> bool {
        matches!(self, Cause::Refused(408 | 500 | 502..=504))
    }

    /// The code that stands for it (RFC 3261 §8.1.3.1).
    pub(super) const fn status(self) -> Option<u16> {
        match self {
            Cause::Refused(code) | Cause::Unproven(code, _) => Some(code),
            Cause::NoAnswer => Some(408),
            Cause::Unreachable | Cause::Untrusted(_) => Some(503),
            Cause::NoNotify
            | Cause::Unresolved
            | Cause::NoList
            | Cause::NoLocalAddress
            | Cause::Expired
            | Cause::Moved
            | Cause::Neighbour
            | Cause::Terminated(_) => None,
        }
    }
}
