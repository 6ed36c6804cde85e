//! The package `as-feature-event`: what a telephone and its server know both, do-not-disturb and where calls go.
//!
//! No RFC has it. It is subscribed to by the telephone itself, about itself; a SUBSCRIBE with a body asks for a change, and
//! NOTIFYs tell every change, whoever made it. Where calls go is read only: nobody is told of it here.

use super::audience::Scene;
use super::memory::{Memory, Reading};
use super::spec::{Baseline, Body, BodyType, LampKind, Pace, Served, Spec};
use crate::events::ruling::View;
use crate::events::watched::Watched;
use crate::ground::time::{Duration, Seconds};
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
    served: Some(Served {
        private: true,
        switched: true,
        partial: false,
        // Two telephones that contradict each other make no storm.
        pace: Pace {
            burst: 4,
            interval: Duration::from_secs(5),
        },
        narrows: |_| false,
        // It is for the owner alone, who sees everything.
        discerns: |_| View::FULL,
        revision: |presentity, _| presentity.dnd_revision(),
        write,
        patched: None,
    }),
    published: false,
};

fn write(scene: &Scene<'_>, _: Baseline, buf: &mut [u8]) -> Option<Body> {
    let event = features::event(scene.presentity.dnd()).as_bytes();
    buf.get_mut(..event.len())?.copy_from_slice(event);
    Some(Body {
        len: event.len(),
        version_at: None,
    })
}

fn read(memory: &mut Memory, body: &[u8]) -> Result<Reading, Fault> {
    let features = memory.switch(features::read(body)?);
    Ok(memory.tell(match features.forwards {
        Some(true) => Watched::Away,
        Some(false) | None => Watched::Idle,
    }))
}
