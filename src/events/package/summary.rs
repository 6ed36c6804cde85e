//! The `message-summary` package (RFC 3842), watched only: the mailbox is elsewhere.

use super::{MediaType, Memory, Pace, Reading, Spec};
use crate::events::watched::Watched;
use crate::ground::time::Seconds;
use crate::wire::doc::Fault;
use crate::wire::doc::summary;

pub(super) const SPEC: Spec = Spec {
    name: "message-summary",
    expires: Seconds(3_600),
    bodies: &[MediaType {
        kind: "application",
        subtype: "simple-message-summary",
        text: "application/simple-message-summary",
    }],
    // Messages wait if any of the notifiers says so (RFC 3842 §3.10).
    several_notifiers: true,
    read,
    // We have no mailbox to tell of.
    watchers_of: None,
    partial: false,
    pace: Pace::UNLIMITED,
    narrows: |_| true,
    revision: |_| 1,
    write: |_, _, _| None,
};

fn read(memory: &mut Memory, body: &[u8]) -> Result<Reading, Fault> {
    Ok(memory.tell(if summary::read(body)?.waiting {
        Watched::Waiting
    } else {
        Watched::Idle
    }))
}
