//! The `presence` package (RFC 3856): PIDF with RPID.
//!
//! Read RFC 4479 §3 on what belongs to the service, the device and the person first.

use super::{Body, MediaType, Memory, Pace, Reading, Scene, Spec, Told};
use crate::events::presentity::Presentity;
use crate::events::watched::Watched;
use crate::ground::random::Secret;
use crate::ground::text::Text;
use crate::ground::time::{Duration, Seconds};
use crate::wire::doc::pidf::{self, Activities, Basic, Device, Person, Summary, Tuple};
use crate::wire::doc::xml::Fault;
use core::fmt::Write;

pub(super) const SPEC: Spec = Spec {
    name: "presence",
    expires: Seconds(3_600),
    bodies: &[
        MediaType {
            kind: "application",
            subtype: "pidf+xml",
            text: "application/pidf+xml",
        },
        MediaType {
            kind: "application",
            subtype: "cpim-pidf+xml",
            text: "application/cpim-pidf+xml",
        },
    ],
    several_notifiers: false,
    watchers_of: None,
    partial: false,
    pace: Pace {
        burst: 4,
        interval: Duration::from_secs(5),
    },
    narrows: |_| false,
    revision: Presentity::presence_revision,
    write,
    read,
};

fn write(scene: &Scene<'_>, _: Told, buf: &mut [u8]) -> Option<Body> {
    let presentity = scene.presentity;
    let presence = presentity.presence();
    let note = if presence.note.is_empty() {
        None
    } else {
        Some(presence.note.as_str())
    };
    let timestamp = presentity.stamp().utc();
    let tuple = Tuple {
        id: "sip",
        basic: Some(presence.basic),
        contact: Some(presentity.uri()),
        priority: None,
        note: None,
        device_id: None,
        timestamp,
    };
    let person = Person {
        id: "person",
        activities: presence.activities,
        note: None,
        timestamp,
    };
    let device_id = device_id(presentity.uri());
    let device = Device {
        id: "phone",
        idle: Some(true),
        device_id: &device_id,
        note: None,
        timestamp,
    };
    // A device that is in use has nothing to say beyond the tuple and the person.
    let devices = if presence.idle {
        core::slice::from_ref(&device)
    } else {
        &[]
    };
    let document = pidf::Presence {
        entity: presentity.uri(),
        tuples: &[tuple],
        person: Some(person),
        devices,
        note,
        lang: None,
    };
    pidf::write(&document, buf).ok().map(|len| Body {
        len,
        version_at: None,
    })
}

/// A URN for the presentity's device that is the same after every restart (RFC 4479 §3.4): a UUID made of its URI
/// (RFC 9562 §5.8).
fn device_id(uri: &str) -> Text<45> {
    let hash = |salt: &[u8]| {
        let hasher = Secret::new().hasher().part(salt);
        hasher.part(uri.as_bytes()).finish()
    };
    let (high, low) = (hash(b"high"), hash(b"low"));
    let mut urn = Text::new();
    let _ = write!(
        urn,
        "urn:uuid:{:08x}-{:04x}-8{:03x}-{:04x}-{:012x}",
        high >> 32,
        high >> 16 & 0xffff,
        high & 0xfff,
        low >> 50 | 0x8000,
        low & 0xffff_ffff_ffff,
    );
    urn
}

fn read(memory: &mut Memory, body: &[u8]) -> Result<Reading, Fault> {
    Ok(memory.tell(watched(&pidf::read(body)?)))
}

/// What a lamp makes of a presence document, in any server's dialect.
///
/// Many servers leave `basic` open during a call and say what goes on in a note, so an open document is
/// judged by note, then by activity; a closed one is either an owner who does not want to be disturbed or a
/// device that is not there. A note counts only if it is one of the servers' phrases from end to end: people write
/// notes too, and "Bringing cake" is no call. Who is closed and busy does not want to be disturbed, away or not.
fn watched(summary: &Summary) -> Watched {
    let says = |phrases: &[&str]| {
        let note = summary.note.trim();
        phrases
            .iter()
            .any(|phrase| note.eq_ignore_ascii_case(phrase))
    };
    let refuses = says(&["do not disturb", "dnd"]);
    match summary.basic {
        Some(Basic::Closed) if refuses => Watched::Dnd,
        Some(Basic::Closed) if says(&["unavailable", "offline", "unregistered", "not online"]) => {
            Watched::Offline
        }
        Some(Basic::Closed) if summary.activities.intersects(OCCUPIED) => Watched::Dnd,
        Some(Basic::Closed) if summary.activities.intersects(ABSENT) => Watched::Away,
        Some(Basic::Closed) if summary.contacts > 0 => Watched::Dnd,
        Some(Basic::Closed) => Watched::Offline,
        Some(Basic::Open) | None if refuses => Watched::Dnd,
        Some(Basic::Open) | None if says(&["ringing"]) => Watched::Ringing,
        Some(Basic::Open) | None if says(&["on hold"]) => Watched::Held,
        Some(Basic::Open) | None if says(&["on the phone"]) => Watched::Busy,
        Some(Basic::Open) | None if summary.activities.intersects(OCCUPIED) => Watched::Busy,
        Some(Basic::Open) | None if summary.activities.intersects(ABSENT) => Watched::Away,
        Some(Basic::Open) => Watched::Idle,
        None => Watched::Offline,
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
