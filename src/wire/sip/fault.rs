//! What can be wrong with a request, in the words of the reason phrase (RFC 3261 §21.4.1).

use super::headers::Headers;
use super::name::Name;
use super::status::Status;

/// The first fault of a request: what to answer and why.
pub(super) type Fault = (Status, &'static str);

pub(super) const fn bad(why: &'static str) -> Fault {
    (Status::BAD_REQUEST, why)
}

/// What is wrong with a header field that no request can do without.
#[cold]
pub(super) fn lacking(headers: Headers<'_>, name: Name) -> Fault {
    let found = MANDATORY.iter().find(|(known, _, _)| *known == name);
    let is_missing = headers.first(name).is_none();
    bad(match found {
        Some((_, missing, _)) if is_missing => missing,
        Some((_, _, malformed)) => malformed,
        None => Status::BAD_REQUEST.reason(),
    })
}

/// A header field stands twice, which may not.
#[cold]
pub(super) fn repeated(name: Name) -> Fault {
    let found = ONCE.iter().find(|(once, _)| *once == name);
    bad(found.map_or(Status::BAD_REQUEST.reason(), |(_, why)| why))
}

/// Headers that stand once in a request, long or compact (RFC 3261 §7.3.1): two of them are two readings.
pub(super) const SINGLE: u128 = bits(ONCE.len());

/// In a response only these matter enough to drop it.
pub(super) const SINGLE_IN_RESPONSE: u128 = bits(5);

const fn bits(first: usize) -> u128 {
    let mut set = 0;
    let mut at = 0;
    while at < first {
        set |= 1 << ONCE[at].0 as u32;
        at += 1;
    }
    set
}

const _: () = assert!(Name::COUNT <= 128, "a name is a bit of a u128");

const MANDATORY: [(Name, &str, &str); 4] = [
    (
        Name::From,
        "Missing From header field",
        "Malformed From header field",
    ),
    (
        Name::To,
        "Missing To header field",
        "Malformed To header field",
    ),
    (
        Name::CallId,
        "Missing Call-ID header field",
        "Malformed Call-ID header field",
    ),
    (
        Name::CSeq,
        "Missing CSeq header field",
        "Malformed CSeq header field",
    ),
];

/// The first five count in responses, too.
const ONCE: [(Name, &str); 15] = [
    (Name::From, "More than one From header field"),
    (Name::To, "More than one To header field"),
    (Name::CallId, "More than one Call-ID header field"),
    (Name::CSeq, "More than one CSeq header field"),
    (
        Name::ContentLength,
        "More than one Content-Length header field",
    ),
    (Name::MaxForwards, "More than one Max-Forwards header field"),
    (Name::ContentType, "More than one Content-Type header field"),
    (
        Name::ContentDisposition,
        "More than one Content-Disposition header field",
    ),
    (Name::Event, "More than one Event header field"),
    (Name::Expires, "More than one Expires header field"),
    (Name::MinExpires, "More than one Min-Expires header field"),
    (
        Name::SubscriptionState,
        "More than one Subscription-State header field",
    ),
    (Name::SipEtag, "More than one SIP-ETag header field"),
    (Name::SipIfMatch, "More than one SIP-If-Match header field"),
    (
        Name::SuppressIfMatch,
        "More than one Suppress-If-Match header field",
    ),
];
