//! The `presence` package (RFC 3856): PIDF with RPID.
//!
//! Read RFC 4479 §3 on what belongs to the service, the device and the person first.

use super::audience::Scene;
use super::memory::{Memory, Reading};
use super::spec::{Baseline, Body, BodyType, LampKind, Pace, Served, Spec};
use crate::events::presentity::Presentity;
use crate::events::watched::Watched;
use crate::ground::time::{Duration, Seconds};
use crate::wire::doc::Fault;
use crate::wire::doc::pidf::{self, Activities, Basic, Device, Person, Said, Summary, Tuple};

pub(super) const SPEC: Spec = Spec {
    name: "presence",
    expires: Seconds(3_600),
    bodies: &[
        BodyType::new("application/pidf+xml"),
        BodyType::new("application/cpim-pidf+xml"),
    ],
    // The format of old Asterisks.
    also_read: &[BodyType::new("application/xpidf+xml")],
    several_notifiers: false,
    watchers_of: None,
    lamp: LampKind::Status,
    // Nobody publishes for it, or what was published has expired.
    stateless: Some(Watched::Offline),
    read,
    served: Some(Served {
        partial: false,
        pace: Pace {
            burst: 4,
            interval: Duration::from_secs(5),
        },
        narrows: |_| false,
        revision: Presentity::presence_revision,
        write,
    }),
    published: true,
};

fn write(scene: &Scene<'_>, _: Baseline, buf: &mut [u8]) -> Option<Body> {
    let presentity = scene.presentity;
    write_as(presentity, presentity.uri(), buf).map(|len| Body {
        len,
        version_at: None,
    })
}

/// Writes the document as of `entity`: of the presentity itself, or of the name that it has at a server above us.
/// Returns its length; `None` if it does not fit, which no buffer of [`limits::BODY`](crate::ground::limits::BODY) bytes gives cause for.
pub fn write_as(presentity: &Presentity, entity: &str, buf: &mut [u8]) -> Option<usize> {
    let presence = presentity.presence();
    let note = if presence.note.is_empty() {
        None
    } else {
        Some(presence.note.as_str())
    };
    let timestamp = presentity.stamp().utc_to_millis();
    // Our device's URN stands once in every document: what comes back to us is known by it. A device that is in use has
    // nothing to say beyond the tuple and the person.
    let has_device = presence.idle || presence.service.is_none();
    // A tuple that says nothing is not written.
    let tuple = Tuple {
        id: OWN_IDS[0],
        basic: presence.service,
        // A phone that is not there is reached nowhere, and the note says why it is closed.
        contact: (!presence.gone).then_some(entity),
        priority: None,
        note: presence.gone.then_some("Offline"),
        device_id: (!has_device).then(|| presentity.device()),
        timestamp,
    };
    let person = Person {
        id: OWN_IDS[1],
        activities: presence.activities,
        note: None,
        timestamp,
    };
    let device = Device {
        id: OWN_IDS[2],
        idle: presence.idle.then_some(true),
        device_id: presentity.device(),
        note: None,
        timestamp,
    };
    let devices = if has_device {
        core::slice::from_ref(&device)
    } else {
        &[]
    };
    let document = pidf::Presence {
        entity,
        tuples: &[tuple],
        person: Some(person),
        devices,
        note,
        lang: (!presence.lang.is_empty()).then_some(presence.lang.as_str()),
        carried: presence.carried.parts(),
    };
    pidf::write(&document, buf).ok()
}

/// The ids of our own service, person and device. What is carried has others.
pub const OWN_IDS: [&str; 3] = ["sip", "person", "phone"];

fn read(memory: &mut Memory, body: &[u8]) -> Result<Reading, Fault> {
    Ok(memory.tell(watched(&pidf::read(body)?)))
}

/// What a lamp makes of a presence document, in any server's dialect.
///
/// Many servers leave `basic` open during a call, or close it, and say what goes on in a note: what is said in a word
/// counts before all else. Who is closed and busy does not want to be disturbed, away or not; who is closed and silent
/// is closed. Offline is whom somebody says to be so, and who has no service that is open or closed (baresip's are
/// "unknown" when it quits); an address that is missing says nothing, for many never write one.
pub fn watched(summary: &Summary) -> Watched {
    let is_closed = summary.basic == Some(Basic::Closed);
    let is_occupied = summary.activities.intersects(OCCUPIED);
    match summary.said {
        Some(Said::Offline) => Watched::Offline,
        Some(Said::Ringing) => Watched::Ringing,
        Some(Said::Talking) => Watched::Busy,
        Some(Said::Held) => Watched::Held,
        Some(Said::Refuses) => Watched::Dnd,
        Some(Said::Busy | Said::Away | Said::Free) | None if is_closed && is_occupied => {
            Watched::Dnd
        }
        Some(Said::Away | Said::Free) | None if is_occupied => Watched::Busy,
        Some(Said::Busy) => Watched::Busy,
        Some(Said::Away) => Watched::Away,
        Some(Said::Free) | None if summary.activities.intersects(ABSENT) => Watched::Away,
        Some(Said::Free) => Watched::Idle,
        None => match summary.basic {
            Some(Basic::Open) => Watched::Idle,
            Some(Basic::Closed) => Watched::Closed,
            None => Watched::Offline,
        },
    }
}

/// Here, but not to be spoken to.
const OCCUPIED: Activities = Activities::ON_THE_PHONE
    .with(Activities::BUSY)
    .with(Activities::MEETING)
    .with(Activities::PRESENTATION)
    .with(Activities::PERFORMANCE);

/// Not at the desk.
const ABSENT: Activities = Activities::AWAY
    .with(Activities::APPOINTMENT)
    .with(Activities::BREAKFAST)
    .with(Activities::DINNER)
    .with(Activities::HOLIDAY)
    .with(Activities::IN_TRANSIT)
    .with(Activities::MEAL)
    .with(Activities::PERMANENT_ABSENCE)
    .with(Activities::SHOPPING)
    .with(Activities::SLEEPING)
    .with(Activities::STEERING)
    .with(Activities::TRAVEL)
    .with(Activities::VACATION);
