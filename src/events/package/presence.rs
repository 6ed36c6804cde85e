//! The `presence` package (RFC 3856): PIDF with RPID.
//!
//! Read RFC 4479 §3 on what belongs to the service, the device and the person first.

use super::audience::Scene;
use super::memory::{Memory, Reading};
use super::spec::{Baseline, Body, BodyType, LampKind, Pace, Patched, Served, Spec};
use crate::events::presentity::{Presence, Presentity};
use crate::events::ruling::View;
use crate::events::watched::Watched;
use crate::ground::time::{Duration, Seconds, Utc};
use crate::wire::doc::pidf::{
    self, Activities, Basic, Carried, Device, Person, Said, Summary, Topics, Tuple,
};
use crate::wire::doc::{Fault, Rendered};

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
        private: false,
        switched: false,
        partial: false,
        pace: Pace {
            burst: 4,
            interval: Duration::from_secs(5),
        },
        narrows: |_| false,
        discerns: View::without_parties,
        revision: Presentity::presence_revision_in,
        write,
        patched: Some(Patched {
            body: BodyType::new("application/pidf-diff+xml"),
            full: |document, buf| pidf::write_full(document, buf).ok().map(numbered),
            diff: |old, new, buf| pidf::write_diff(old, new, buf).ok().map(numbered),
            read: |document, memory, body| document.read(memory, body, watched),
        }),
    }),
    published: true,
};

fn numbered(rendered: Rendered) -> Body {
    Body {
        len: rendered.len,
        version_at: Some(rendered.version_at),
    }
}

fn write(scene: &Scene<'_>, _: Baseline, buf: &mut [u8]) -> Option<Body> {
    let entity = scene.presentity.uri();
    let len = if scene.view.hides(View::PENDING) {
        write_blank(scene, entity, buf)
    } else if scene.view.hides(View::CLOSED) {
        write_as_seen(scene, &Presence::closed(), entity, buf)
    } else if scene.view.hides(View::BASIC) {
        write_basic(scene, entity, buf)
    } else {
        write_as_seen(scene, scene.presentity.presence(), entity, buf)
    };
    len.map(|len| Body {
        len,
        version_at: None,
    })
}

/// Writes the document as of `entity`: of the presentity itself, or of the name that it has at a server above us.
/// Returns its length; `None` if it does not fit, which no buffer of [`limits::BODY`](crate::ground::limits::BODY) bytes gives cause for.
pub fn write_as(presentity: &Presentity, entity: &str, buf: &mut [u8]) -> Option<usize> {
    write_as_seen(
        &Scene::alone(presentity),
        presentity.presence(),
        entity,
        buf,
    )
}

/// As [`write_as`] for a server that reads `closed` as a phone which is not registered, knows a note only in the person and
/// the first activity there is, and keeps one document of each user, whoever published it: what others published is not
/// in it.
pub fn write_open(presentity: &Presentity, entity: &str, buf: &mut [u8]) -> Option<usize> {
    let presence = presentity.presence();
    let note = Some(presence.note.as_str()).filter(|note| !note.is_empty());
    let basic = match presence.gone {
        true => Basic::Closed,
        false => Basic::Open,
    };
    let activities = match presence.refuses() {
        true => Activities::BUSY,
        false => presence.activities,
    };
    write_lean(entity, presentity.device(), (basic, activities, note), buf)
}

/// As [`write_open`] for a presentity that is free, whoever it is.
pub fn write_free(entity: &str, buf: &mut [u8]) -> Option<usize> {
    write_lean(entity, "", (Basic::Open, Activities::NONE, None), buf)
}

/// One service and one person, and the note in that.
fn write_lean(
    entity: &str,
    device: &str,
    (basic, activities, note): (Basic, Activities, Option<&str>),
    buf: &mut [u8],
) -> Option<usize> {
    let tuple = Tuple {
        contact: Some(entity),
        device_id: Some(device).filter(|it| !it.is_empty()),
        ..bare(basic)
    };
    let person = Person {
        id: OWN_IDS[1],
        activities,
        note,
        timestamp: None,
    };
    let document = pidf::Presence {
        entity,
        tuples: &[tuple],
        person: Some(person),
        devices: &[],
        note: None,
        lang: None,
        carried: Carried::NONE,
    };
    pidf::write(&document, buf).ok()
}

/// What the scene's view leaves of `presence`.
fn write_as_seen(
    scene: &Scene<'_>,
    presence: &Presence,
    entity: &str,
    buf: &mut [u8],
) -> Option<usize> {
    let (presentity, hidden) = (scene.presentity, scene.view.topics());
    let shows = |topics: Topics| !hidden.meets(topics);
    let own = Some(presence.note.as_str()).filter(|note| !note.is_empty() && shows(Topics::NOTES));
    let timestamp = timestamp(scene);
    // Our device's URN stands once in every document: what comes back to us is known by it. A device that is in use has
    // nothing to say beyond the tuple and the person.
    let has_device = shows(Topics::DEVICES) && (presence.idle || presence.service.is_none());
    // A tuple that says nothing is not written.
    let tuple = Tuple {
        id: OWN_IDS[0],
        basic: presence.service,
        // A phone that is not there is reached nowhere, and the note says why it is closed.
        contact: (!presence.gone).then_some(entity),
        priority: None,
        note: (presence.gone && shows(Topics::NOTES)).then_some("Offline"),
        device_id: (!has_device && shows(Topics::DEVICES)).then(|| presentity.device()),
        timestamp,
    };
    let person = Person {
        id: OWN_IDS[1],
        activities: match shows(Topics::ACTIVITIES) {
            true => presence.activities,
            false => Activities::NONE,
        },
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
    let lang = Some(presence.lang.as_str()).filter(|lang| !lang.is_empty() && own.is_some());
    let document = pidf::Presence {
        entity,
        tuples: &[tuple],
        person: Some(person),
        devices,
        note: scene.note.or(own),
        lang,
        carried: Carried {
            hidden,
            ..presence.carried.parts()
        },
    };
    pidf::write(&document, buf).ok()
}

/// Whether it is open, and nothing more: not even whether the phone is there.
fn write_basic(scene: &Scene<'_>, entity: &str, buf: &mut [u8]) -> Option<usize> {
    let tuple = Tuple {
        contact: Some(entity),
        timestamp: timestamp(scene),
        ..bare(scene.presentity.presence().basic)
    };
    write_tuple(tuple, scene.note, entity, buf)
}

/// What is no presence information at all. Who waits is told that it does.
fn write_blank(scene: &Scene<'_>, entity: &str, buf: &mut [u8]) -> Option<usize> {
    let waits = !scene.view.hides(View::BLANK);
    let note = waits.then_some("Waiting for permission");
    write_tuple(bare(Basic::Closed), note, entity, buf)
}

fn bare(basic: Basic) -> Tuple<'static> {
    Tuple {
        id: OWN_IDS[0],
        basic: Some(basic),
        contact: None,
        priority: None,
        note: None,
        device_id: None,
        timestamp: None,
    }
}

fn write_tuple(
    tuple: Tuple<'_>,
    note: Option<&str>,
    entity: &str,
    buf: &mut [u8],
) -> Option<usize> {
    let document = pidf::Presence {
        entity,
        tuples: &[tuple],
        person: None,
        devices: &[],
        note,
        lang: None,
        carried: Carried::NONE,
    };
    pidf::write(&document, buf).ok()
}

fn timestamp(scene: &Scene<'_>) -> Option<Utc> {
    let stamp = scene.presentity.stamp_in(scene.view);
    stamp.max(scene.since).utc_to_millis()
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
