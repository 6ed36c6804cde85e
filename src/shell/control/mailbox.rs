//! How many messages there are in a mailbox, as JSON.

use serde::Serialize;

use crate::wire::doc::message_summary;

/// A count of each kind.
#[derive(Debug, Serialize, PartialEq, Eq)]
pub struct Messages {
    new: u32,
    old: u32,
    urgent_new: u32,
    urgent_old: u32,
}

impl From<message_summary::Messages> for Messages {
    fn from(counted: message_summary::Messages) -> Messages {
        let message_summary::Messages {
            new,
            old,
            urgent_new,
            urgent_old,
        } = counted;
        Messages {
            new,
            old,
            urgent_new,
            urgent_old,
        }
    }
}
