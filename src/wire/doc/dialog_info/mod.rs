//! Dialog information (RFC 4235 §4): what a phone's dialogs are doing.
//!
//! [`read`] shows a document dialog by dialog, [`write()`] renders one body for many subscriptions, with a hole
//! for each subscription's own version number.

mod read;
mod write;

pub use super::frame::{Extent, Head, Rendered};
pub use read::{read, read_head};
pub use write::{Document, Entry, Party, write};

use super::word::words;
use crate::wire::doc::XmlText;

words! {
    /// A dialog's state (RFC 4235 §3.7.1).
    State {
        /// INVITE sent or received, no answer yet.
        Trying = "trying",
        /// A provisional answer without a tag.
        Proceeding = "proceeding",
        /// A provisional answer with a tag: ringing.
        Early = "early",
        /// A call is up.
        Confirmed = "confirmed",
        /// Over.
        Terminated = "terminated",
    }
}

words! {
    /// Which end sent the INVITE (RFC 4235 §4.1.1).
    Direction {
        /// The observed user did.
        Initiator = "initiator",
        /// The other one did.
        Recipient = "recipient",
    }
}

words! {
    /// Why a dialog ended (RFC 4235 §4.1.2).
    Ending {
        /// The caller hung up before the answer.
        Cancelled = "cancelled",
        /// A final answer other than 2xx.
        Rejected = "rejected",
        /// Another dialog took its place (RFC 3891).
        Replaced = "replaced",
        /// The observed user hung up.
        LocalBye = "local-bye",
        /// The other end hung up.
        RemoteBye = "remote-bye",
        /// 481 or 408 inside the dialog.
        Error = "error",
        /// No answer.
        Timeout = "timeout",
    }
}

/// One dialog as read. Whatever a server leaves out is `None`, and so is a value nobody knows.
#[derive(Clone, Copy, Debug, Default)]
pub struct Dialog<'a> {
    /// Constant from trying to terminated; some servers use the extension.
    pub id: Option<XmlText<'a>>,
    /// The dialog's Call-ID.
    pub call_id: Option<XmlText<'a>>,
    /// The observed user's tag.
    pub local_tag: Option<XmlText<'a>>,
    /// The other end's tag; absent in a half-dialog.
    pub remote_tag: Option<XmlText<'a>>,
    /// Who called whom.
    pub direction: Option<Direction>,
    /// The state; a dialog without one says nothing new about it.
    pub state: Option<State>,
    /// Why it ended.
    pub event: Option<Ending>,
    /// The status code that changed the state, 100 to 699.
    pub code: Option<u16>,
    /// The observed user's end.
    pub local: Participant<'a>,
    /// The other end.
    pub remote: Participant<'a>,
}

impl Dialog<'_> {
    /// Whether the call is on hold: the observed user renders nothing of a call that is up.
    ///
    /// Asterisk says so with `confirmed`, FreeSWITCH with `early`: without this question it looks like ringing.
    pub fn is_held(&self) -> bool {
        let may_hold = match self.state {
            Some(State::Early | State::Confirmed) => true,
            Some(State::Trying | State::Proceeding | State::Terminated) | None => false,
        };
        may_hold && self.local.rendering == Some(false)
    }
}

/// One end of a dialog as read (RFC 4235 §4.1.6). What is absent in a partial document did not change.
#[derive(Clone, Copy, Debug, Default)]
pub struct Participant<'a> {
    /// The URI of From or To.
    pub identity: Option<XmlText<'a>>,
    /// The name shown, from `<identity>` or else from `<target>`.
    pub display: Option<XmlText<'a>>,
    /// The Contact's URI; empty if there is a target without one. A target replaces the old one and
    /// its `rendering` too (RFC 4235 §4.1.6.2).
    pub target: Option<XmlText<'a>>,
    /// `+sip.rendering` (RFC 4235 §5.2): whether this end plays anything it receives.
    pub rendering: Option<bool>,
}
