//! The format before PIDF, `application/xpidf+xml`, which Asterisk also sends as `application/cpim-pidf+xml`:
//!
//! ```text
//! <presence><presentity uri="…"/>
//!   <atom id="…"><address uri="…"><status status="inuse"/><msnsubstatus substatus="onthephone"/></address></atom>
//! </presence>
//! ```

use super::gathered::{Gathered, Part};
use super::{Activities, Basic, Said};
use crate::wire::doc::frame::{self, Taker};
use crate::wire::doc::xml::{Namespace, Reader, Tag};
use crate::wire::doc::{Fault, XmlText};

/// Whether a document with this root is one.
pub(super) fn is_root(tag: Tag<'_>) -> bool {
    tag.namespace == Namespace::NONE && tag.local == b"presence"
}

/// Reads a document whose root has begun. An address is a tuple.
pub(super) fn gather<'a>(reader: &mut Reader<'a, '_>) -> Result<Gathered<'a>, Fault> {
    let mut presence = Presence::default();
    frame::take(reader, &mut presence)?;
    Ok(presence.gathered)
}

/// Where in a document an element stands.
#[derive(Clone, Copy)]
enum Place {
    Presence,
    Atom,
    Address,
    Status,
    Substatus,
    Ignored,
}

impl frame::Place for Place {
    const ROOT: Place = Place::Presence;

    fn child(self, tag: Tag<'_>) -> Place {
        if tag.namespace != Namespace::NONE {
            return Place::Ignored;
        }
        match (self, tag.local) {
            (Place::Presence, b"atom") => Place::Atom,
            (Place::Atom, b"address") => Place::Address,
            (Place::Address, b"status") => Place::Status,
            (Place::Address, b"msnsubstatus") => Place::Substatus,
            _ => Place::Ignored,
        }
    }
}

/// A document that is being read.
#[derive(Default)]
struct Presence<'a> {
    gathered: Gathered<'a>,
    address: Part<'a>,
}

impl<'a> Taker<'a> for Presence<'a> {
    type Place = Place;

    fn begin(&mut self, reader: &Reader<'a, '_>, open: &[Place], _: Tag<'a>) {
        let address = &mut self.address;
        match open[open.len() - 1] {
            Place::Address => *address = Part::default(),
            Place::Status => {
                if let Some(status) = reader.attribute("status") {
                    let (basic, activities) = of_status(status);
                    address.basic = basic.or(address.basic);
                    address.activities = address.activities.with(activities);
                }
            }
            Place::Substatus => {
                if let Some(substatus) = reader.attribute("substatus") {
                    let (basic, activities) = of_substatus(substatus);
                    address.basic = address.basic.or(basic);
                    address.activities = address.activities.with(activities);
                    let is_offline = substatus.is("offline");
                    address.said = is_offline.then_some(Said::Offline).or(address.said);
                }
            }
            Place::Presence | Place::Atom | Place::Ignored => {}
        }
    }

    fn end(&mut self, _: &Reader<'a, '_>, open: &[Place], _: XmlText<'a>, _: &'a [u8]) {
        match open[open.len() - 1] {
            Place::Address => self.gathered.add_tuple(&self.address),
            Place::Presence | Place::Atom | Place::Status | Place::Substatus | Place::Ignored => {}
        }
    }
}

/// In use is reachable and on the phone.
fn of_status(status: XmlText<'_>) -> (Option<Basic>, Activities) {
    if status.is("open") {
        (Some(Basic::Open), Activities::NONE)
    } else if status.is("inuse") {
        (Some(Basic::Open), Activities::ON_THE_PHONE)
    } else if status.is("closed") || status.is("close") {
        (Some(Basic::Closed), Activities::NONE)
    } else {
        (None, Activities::NONE)
    }
}

/// The finer state; its reachability counts only where the status says none.
fn of_substatus(substatus: XmlText<'_>) -> (Option<Basic>, Activities) {
    const AWAY: [&str; 4] = ["away", "idle", "berightback", "outtolunch"];
    if substatus.is("offline") {
        return (Some(Basic::Closed), Activities::NONE);
    }
    let activities = if substatus.is("onthephone") {
        Activities::ON_THE_PHONE
    } else if substatus.is("busy") {
        Activities::BUSY
    } else if AWAY.iter().any(|away| substatus.is(away)) {
        Activities::AWAY
    } else if substatus.is("online") {
        Activities::NONE
    } else {
        return (None, Activities::NONE);
    };
    (Some(Basic::Open), activities)
}
