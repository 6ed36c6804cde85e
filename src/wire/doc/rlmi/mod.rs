//! Resource list meta-information (RFC 4662 §5): which resources are on a list, and how each of them stands.
//!
//! What is known of a resource itself is in another part of the same body, to which a `cid` leads: see
//! [`multipart`](super::multipart).

mod read;

pub use read::read;

use super::word::words;
use crate::wire::doc::XmlText;
use heapless::Vec;

/// Notifiers of one resource that are told apart: as many as a phone's proxy forks to. More are left out.
pub const MAX_INSTANCES: usize = 8;

words! {
    /// How the list server's own subscription to a resource stands (RFC 4662 §5.5).
    State {
        /// What is known is told.
        Active = "active",
        /// The resource's owner has not decided.
        Pending = "pending",
        /// It is over.
        Terminated = "terminated",
    }
}

/// The root of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct List<'a> {
    /// The address of the list.
    pub uri: Option<XmlText<'a>>,
    /// The document's number in its subscription; `None` if absent or no 32-bit number.
    pub version: Option<u32>,
    /// Whether it tells of every resource on the list, as it does unless it says otherwise.
    pub full: bool,
}

/// One resource as read.
#[derive(Clone, Debug, Default)]
pub struct Resource<'a> {
    /// Its address; what would be asked for without a list.
    pub uri: Option<XmlText<'a>>,
    /// What people call it; of several names the first.
    pub name: Option<XmlText<'a>>,
    /// Its notifiers. There is none while nothing is known of it (RFC 4662 §4.5).
    pub instances: Vec<Instance<'a>, MAX_INSTANCES>,
}

/// One notifier of a resource as read. Whatever a server leaves out is `None`, and so is a state nobody knows.
#[derive(Clone, Copy, Debug, Default)]
pub struct Instance<'a> {
    /// Unique for the resource.
    pub id: Option<XmlText<'a>>,
    /// How it stands.
    pub state: Option<State>,
    /// Why it is over.
    pub reason: Option<XmlText<'a>>,
    /// The name of the part that tells what is known.
    pub cid: Option<XmlText<'a>>,
}
