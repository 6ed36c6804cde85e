//! The package `as-feature-event`: what a telephone and its server know both, do-not-disturb and where calls go.
//!
//! No RFC has it. It is subscribed to by the telephone itself, about itself; a SUBSCRIBE with a body asks for a change, and
//! NOTIFYs tell every change, whoever made it.

use super::memory::{Memory, Reading};
use super::spec::{BodyType, LampKind, Spec};
use crate::events::watched::Watched;
use crate::ground::time::Seconds;
use crate::wire::doc::{Fault, features};

pub(super) const SPEC: Spec = Spec {
    name: "as-feature-event",
    expires: Seconds(3_600),
    bodies: &[BodyType::new("application/x-as-feature-event+xml")],
    also_read: &[BodyType::new("multipart/mixed")],
    several_notifiers: false,
    watchers_of: None,
    // It is lit while calls go elsewhere.
    lamp: LampKind::Calling,
    // No feature is switched on.
    stateless: Some(Watched::Idle),
    read,
    served: None,
    published: false,
};

fn read(memory: &mut Memory, body: &[u8]) -> Result<Reading, Fault> {
    let features = memory.switch(features::read(body)?);
    Ok(memory.tell(match features.forwards {
        Some(true) => Watched::Away,
        Some(false) | None => Watched::Idle,
    }))
}
