//! Watcher information (RFC 3858): who watches a resource, and how that stands.
//!
//! [`read`] shows a document watcher by watcher, [`Draft`] writes one body for many subscriptions, with a hole for
//! each subscription's own version number.

mod read;
mod write;

pub use read::{read, read_head};
pub use write::{Draft, Entry, Rendered};

use crate::wire::doc::Text;

/// How a watcher's subscription stands (RFC 3857 §4.7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It waits for the owner's decision.
    Pending,
    /// It is told of every change.
    Active,
    /// It went before the owner decided.
    Waiting,
    /// It is over.
    Terminated,
}

impl Status {
    const ALL: [Status; 4] = [
        Status::Pending,
        Status::Active,
        Status::Waiting,
        Status::Terminated,
    ];

    /// The value in a document.
    pub const fn as_str(self) -> &'static str {
        match self {
            Status::Pending => "pending",
            Status::Active => "active",
            Status::Waiting => "waiting",
            Status::Terminated => "terminated",
        }
    }
}

/// What brought a watcher's subscription where it is (RFC 3857 §4.7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Its SUBSCRIBE.
    Subscribe,
    /// The owner allowed it.
    Approved,
    /// The server ended it; it may come again at once.
    Deactivated,
    /// The server ended it; it may come again later.
    Probation,
    /// The owner does not want it.
    Rejected,
    /// It expired or unsubscribed.
    Timeout,
    /// Nobody decided in time.
    GiveUp,
    /// What it watched is gone.
    NoResource,
}

impl Event {
    const ALL: [Event; 8] = [
        Event::Subscribe,
        Event::Approved,
        Event::Deactivated,
        Event::Probation,
        Event::Rejected,
        Event::Timeout,
        Event::GiveUp,
        Event::NoResource,
    ];

    /// The value in a document.
    pub const fn as_str(self) -> &'static str {
        match self {
            Event::Subscribe => "subscribe",
            Event::Approved => "approved",
            Event::Deactivated => "deactivated",
            Event::Probation => "probation",
            Event::Rejected => "rejected",
            Event::Timeout => "timeout",
            Event::GiveUp => "giveup",
            Event::NoResource => "noresource",
        }
    }
}

/// Whether a document tells of all watchers or of those that changed (RFC 3858 §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// All watchers there are: the table is flushed first.
    Full,
    /// Only those that changed: rows by id.
    Partial,
}

impl Extent {
    const ALL: [Extent; 2] = [Extent::Full, Extent::Partial];

    /// The value in a document.
    pub const fn as_str(self) -> &'static str {
        match self {
            Extent::Full => "full",
            Extent::Partial => "partial",
        }
    }
}

/// The root of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The document's number in its subscription; `None` if absent or no 32-bit number.
    pub version: Option<u32>,
    /// Full if the document does not say.
    pub extent: Extent,
}

/// One watcher as read. Whatever a server leaves out is `None`, and so is a value nobody knows.
#[derive(Clone, Copy, Debug, Default)]
pub struct Watcher<'a> {
    /// Whom it watches, as its list says.
    pub resource: Option<Text<'a>>,
    /// In which package, as its list says.
    pub package: Option<Text<'a>>,
    /// Unique in its list, constant until terminated.
    pub id: Option<Text<'a>>,
    /// How it stands.
    pub status: Option<Status>,
    /// What brought it there.
    pub event: Option<Event>,
    /// The name shown.
    pub display: Option<Text<'a>>,
    /// Seconds until it expires.
    pub expiration: Option<u32>,
    /// Seconds since it subscribed.
    pub subscribed: Option<u32>,
    /// Its URI.
    pub uri: Option<Text<'a>>,
}
