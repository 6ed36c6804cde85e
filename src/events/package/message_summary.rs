//! The `message-summary` package (RFC 3842), watched only: the mailbox is elsewhere.

use super::memory::{Memory, Reading};
use super::spec::{BodyType, LampKind, Spec};
use crate::events::watched::Watched;
use crate::ground::time::Seconds;
use crate::wire::doc::{Fault, message_summary};

pub(super) const SPEC: Spec = Spec {
    name: "message-summary",
    expires: Seconds(3_600),
    bodies: &[BodyType::new("application/simple-message-summary")],
    also_read: &[],
    // Messages wait if any of the notifiers says so (RFC 3842 §3.10).
    several_notifiers: true,
    watchers_of: None,
    lamp: LampKind::Calling,
    // Whoever has the mailbox tells its summary at once (RFC 3842 §3.8): without one, messages may wait all the same.
    stateless: None,
    read,
    served: None,
    published: false,
};

fn read(memory: &mut Memory, body: &[u8]) -> Result<Reading, Fault> {
    let summary = message_summary::read(body)?;
    memory.count(summary.messages);
    Ok(memory.tell(match summary.waiting {
        true => Watched::Waiting,
        false => Watched::Idle,
    }))
}
