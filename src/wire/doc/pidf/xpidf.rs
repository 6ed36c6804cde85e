//! The format before PIDF, `application/xpidf+xml`, which Asterisk also sends as `application/cpim-pidf+xml`:
//!
//! ```text
//! <presence><presentity uri="…"/>
//!   <atom id="…"><address uri="…"><status status="inuse"/><msnsubstatus substatus="onthephone"/></address></atom>
//! </presence>
//! ```

use super::read::{Found, Part};
use super::{Activities, Basic};
use crate::wire::doc::xml::{Event, Namespace, Reader, Tag};
use crate::wire::doc::{Fault, Text};

/// Depths of the elements that count, the root being 1.
const ATOM: usize = 2;
const ADDRESS: usize = 3;
const STATUS: usize = 4;

/// Reads an xpidf document whose root has begun. An address is a tuple.
pub(super) fn presence<'a>(
    reader: &mut Reader<'a, '_>,
    found: &mut Found<'a>,
) -> Result<(), Fault> {
    let mut address = Part::default();
    // How many of the elements that are open are the ones expected there.
    let mut known = 1;
    while let Some(event) = reader.next()? {
        let depth = reader.depth();
        match event {
            Event::Start(tag) if is_expected(tag, depth) && known == depth - 1 => {
                known = depth;
                match depth {
                    // Its URI stands there whether a device is registered or not: no contact.
                    ADDRESS => address = Part::default(),
                    STATUS => status(reader, tag, &mut address),
                    _ => {}
                }
            }
            Event::Start(_) => {}
            Event::End { .. } => {
                if depth + 1 == ADDRESS && known == ADDRESS {
                    found.add_tuple(&address);
                }
                known = known.min(depth);
            }
        }
    }
    Ok(())
}

fn is_expected(tag: Tag<'_>, depth: usize) -> bool {
    tag.namespace == Namespace::None
        && match depth {
            ATOM => tag.local == b"atom",
            ADDRESS => tag.local == b"address",
            STATUS => tag.local == b"status" || tag.local == b"msnsubstatus",
            _ => false,
        }
}

fn status(reader: &Reader<'_, '_>, tag: Tag<'_>, address: &mut Part<'_>) {
    if tag.local == b"status" {
        let Some(status) = reader.attribute("status") else {
            return;
        };
        let (basic, activities) = of_status(status);
        address.basic = basic.or(address.basic);
        address.activities = address.activities.with(activities);
    } else if let Some(substatus) = reader.attribute("substatus") {
        let (basic, activities) = of_substatus(substatus);
        address.basic = address.basic.or(basic);
        address.activities = address.activities.with(activities);
    }
}

/// In use is reachable and on the phone.
fn of_status(status: Text<'_>) -> (Option<Basic>, Activities) {
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
fn of_substatus(substatus: Text<'_>) -> (Option<Basic>, Activities) {
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
