//! What a watch is beside others: alone, a list, or on one. The data; see `list` for what is done with it.

use super::member::{Member, Standing};
use crate::events::watched::Watched;
use crate::wire::doc::rlmi::List;
use crate::wire::sip::Headers;

/// The option tag of lists (RFC 4662 §7.1).
pub(super) const EVENTLIST: &[u8] = b"eventlist";

/// Why somebody can't be asked who is a list of others (RFC 4662 §4.1).
pub const IS_A_LIST: &str = "it is a list";

/// How a watch comes to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It asks for its target.
    Alone,
    /// Its target is a list.
    List,
    /// A list tells it: see [`Watcher::attach`](super::Watcher::attach).
    Member,
}

/// What a watch is beside others.
pub(super) enum Place {
    Alone,
    List(Listing),
    Member(Member),
}

/// A list as told.
pub(super) struct Listing {
    /// The number of the last document applied (RFC 4662 §5.2).
    pub(super) version: Option<u32>,
    pub(super) knows: Knows,
    /// Whether its members ask for themselves.
    pub(super) apart: bool,
    /// What counts most of all that its members are told.
    pub(super) most: Option<Watched>,
}

/// Whether the server knows lists, by what it said in this attempt.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Knows {
    Unsaid,
    /// There was an answer that does not say so.
    Answered,
    /// There was a NOTIFY that does not say so.
    Told,
    Yes,
}

/// In what a server says whether it knows lists.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    Answer,
    Notify,
}

/// What the number of a list makes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// It is applied.
    Next,
    /// It is applied, and something before it is missing.
    Gap,
    /// It is older than what is known, or pretends to be.
    Stale,
}

/// The list that tells of somebody watched.
#[derive(Clone, Copy, Debug)]
pub struct Listed<'a> {
    /// Its address.
    pub list: &'a str,
    /// How the watched one stands on it.
    pub standing: Standing,
    /// Whether the list was ever told.
    pub is_told: bool,
}

impl Place {
    pub(super) const fn new(role: Role) -> Place {
        match role {
            Role::Alone => Place::Alone,
            Role::List => Place::List(Listing {
                version: None,
                knows: Knows::Unsaid,
                apart: false,
                most: None,
            }),
            Role::Member => Place::Member(Member::of(None)),
        }
    }

    pub(super) const fn is_list(&self) -> bool {
        match self {
            Place::List(_) => true,
            Place::Alone | Place::Member(_) => false,
        }
    }

    /// Whether it is a list whose members ask for themselves.
    pub(super) const fn is_apart(&self) -> bool {
        match self {
            Place::List(listing) => listing.apart,
            Place::Alone | Place::Member(_) => false,
        }
    }

    /// What counts most of what a list tells.
    pub(super) const fn most(&self) -> Option<Watched> {
        match self {
            Place::List(listing) => listing.most,
            Place::Alone | Place::Member(_) => None,
        }
    }

    /// It is asked for anew: nothing is said, and numbers begin again (RFC 4662 §5.2).
    pub(super) const fn begin(&mut self) {
        match self {
            Place::List(listing) => {
                listing.version = None;
                listing.knows = Knows::Unsaid;
            }
            Place::Alone | Place::Member(_) => {}
        }
    }

    /// Whether it is a list, and the server shows by these header fields, after all it said before, that it knows none.
    pub(super) fn is_denied_by(&mut self, said: Said, headers: &Headers<'_>) -> bool {
        let Place::List(listing) = self else {
            return false;
        };
        let (knows, denied) = match (listing.knows, said) {
            _ if names_lists(headers.require()) => (Knows::Yes, false),
            (Knows::Answered, Said::Notify) => (Knows::Answered, true),
            (Knows::Told, Said::Answer) => (Knows::Told, true),
            (Knows::Unsaid, Said::Answer) => (Knows::Answered, false),
            (Knows::Unsaid, Said::Notify) => (Knows::Told, false),
            (same, _) => (same, false),
        };
        listing.knows = knows;
        denied
    }
}

impl Listing {
    /// What the number of a list makes of it; `is_answer` says that it answers a SUBSCRIBE.
    pub(super) fn order(&self, told: &List<'_>, is_answer: bool) -> Order {
        match (self.version, told.version) {
            (Some(known), Some(version)) if version <= known && !(told.full && is_answer) => {
                Order::Stale
            }
            _ if told.full => Order::Next,
            (Some(known), Some(version)) if version - known == 1 => Order::Next,
            (_, None) => Order::Next,
            (Some(_) | None, Some(_)) => Order::Gap,
        }
    }
}

impl Listed<'_> {
    /// The word for how far it is, where the list is that far.
    pub(super) const fn progress(&self, list: &'static str) -> &'static str {
        match self.standing {
            Standing::Pending => "pending",
            Standing::Unlisted
            | Standing::Untold
            | Standing::Active
            | Standing::Ended(_)
            | Standing::Nested
            | Standing::Unreadable => list,
        }
    }

    /// Why nothing is known of it, in a word.
    pub(super) const fn reason(&self) -> Option<&'static str> {
        match self.standing {
            Standing::Unlisted if self.is_told => Some("not on the list"),
            Standing::Ended(reason) => Some(reason),
            Standing::Nested => Some("a list itself"),
            Standing::Unreadable => Some("unreadable"),
            Standing::Unlisted | Standing::Untold | Standing::Pending | Standing::Active => None,
        }
    }

    /// Whether the list tells, but not of this one.
    pub(super) const fn is_in_trouble(&self) -> bool {
        match self.standing {
            Standing::Unlisted => self.is_told,
            Standing::Nested | Standing::Unreadable => true,
            Standing::Untold | Standing::Pending | Standing::Active | Standing::Ended(_) => false,
        }
    }
}

/// Whether lists are among those option tags.
pub(super) fn names_lists<'a>(mut tags: impl Iterator<Item = &'a [u8]>) -> bool {
    tags.any(|tag| tag.eq_ignore_ascii_case(EVENTLIST))
}
