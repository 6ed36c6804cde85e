//! Watcher information (RFC 3858): who watches a resource, and how that stands.
//!
//! [`read`] shows a document watcher by watcher, [`Draft`] writes one body for many subscriptions, with a hole for
//! each subscription's own version number.

mod read;
mod write;

pub use super::frame::{Extent, Head, Rendered};
pub use read::{read, read_head};
pub use write::{Draft, Entry};

use super::word::words;
use crate::wire::doc::XmlText;

words! {
    /// How a watcher's subscription stands (RFC 3857 §4.7.1).
    Status {
        /// It waits for the owner's decision.
        Pending = "pending",
        /// It is told of every change.
        Active = "active",
        /// It went before the owner decided.
        Waiting = "waiting",
        /// It is over.
        Terminated = "terminated",
    }
}

words! {
    /// What brought a watcher's subscription where it is (RFC 3857 §4.7.1).
    Event {
        /// Its SUBSCRIBE.
        Subscribe = "subscribe",
        /// The owner allowed it.
        Approved = "approved",
        /// The server ended it; it may come again at once.
        Deactivated = "deactivated",
        /// The server ended it; it may come again later.
        Probation = "probation",
        /// The owner does not want it.
        Rejected = "rejected",
        /// It expired or unsubscribed.
        Timeout = "timeout",
        /// Nobody decided in time.
        GiveUp = "giveup",
        /// What it watched is gone.
        NoResource = "noresource",
    }
}

/// One watcher as read. Whatever a server leaves out is `None`, and so is a value nobody knows.
#[derive(Clone, Copy, Debug, Default)]
pub struct Watcher<'a> {
    /// Whom it watches, as its list says.
    pub resource: Option<XmlText<'a>>,
    /// In which package, as its list says.
    pub package: Option<XmlText<'a>>,
    /// Unique in its list, constant until terminated.
    pub id: Option<XmlText<'a>>,
    /// How it stands.
    pub status: Option<Status>,
    /// What brought it there.
    pub event: Option<Event>,
    /// The name shown.
    pub display: Option<XmlText<'a>>,
    /// Seconds until it expires.
    pub expiration: Option<u32>,
    /// Seconds since it subscribed.
    pub subscribed: Option<u32>,
    /// Its URI.
    pub uri: Option<XmlText<'a>>,
}
