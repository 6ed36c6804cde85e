//! PIDF in, reduced to what a lamp needs. Read RFC 3863 §4.2.3 on unknown elements, RFC 4479 §5 on notes.
//!
//! Each element has a [`Place`]; what has none is ignored with all it contains, so that a `<basic>` inside a
//! timed status (RFC 4481) or another extension never reaches a lamp.

use super::xpidf;
use super::{Activities, Basic, Summary};
use crate::wire::doc::xml::{self, Event, MAX_DEPTH, Namespace, Reader, Tag};
use crate::wire::doc::{Fault, Text};

/// Reads a body of `application/pidf+xml`, `application/cpim-pidf+xml` or `application/xpidf+xml`; the root
/// tells which it is, whatever it is called.
///
/// An unknown element with `mustUnderstand` voids the status, tuple or person it stands in (RFC 3863 §4.2.3).
/// Time stamps and priorities are not looked at. `basic` also takes `close`, and any case.
///
/// # Errors
/// Any [`Fault`]: nothing of such a document is used.
pub fn read(body: &[u8]) -> Result<Summary, Fault> {
    let mut summary = Summary::new();
    xml::open(body, &mut |reader| {
        let mut found = Found::default();
        match reader.next()? {
            Some(Event::Start(tag)) if tag.local == b"presence" => match tag.namespace {
                Namespace::Pidf => presence(reader, &mut found)?,
                Namespace::None => xpidf::presence(reader, &mut found)?,
                Namespace::DataModel
                | Namespace::Rpid
                | Namespace::DialogInfo
                | Namespace::WatcherInfo
                | Namespace::Xml
                | Namespace::Unknown => return Err(Fault::WrongRoot),
            },
            Some(Event::Start(_) | Event::End { .. }) => return Err(Fault::WrongRoot),
            None => return Err(Fault::Syntax),
        }
        found.summarise(&mut summary);
        Ok(())
    })?;
    Ok(summary)
}

/// What a document says so far.
#[derive(Default)]
pub(super) struct Found<'a> {
    basic: Option<Basic>,
    activities: Activities,
    person_note: Option<Text<'a>>,
    presence_note: Option<Text<'a>>,
    tuple_note: Option<Text<'a>>,
    tuples: usize,
    contacts: usize,
}

impl<'a> Found<'a> {
    /// Takes over a finished tuple.
    pub(super) fn add_tuple(&mut self, tuple: &Part<'a>) {
        self.tuples += 1;
        if tuple.void {
            return;
        }
        self.contacts += usize::from(tuple.contact);
        self.basic = open_first(self.basic, tuple.basic);
        self.activities = self.activities.with(tuple.activities);
        self.tuple_note = self.tuple_note.or(tuple.note);
    }

    fn add_person(&mut self, person: &Part<'a>) {
        if person.void {
            return;
        }
        self.activities = self.activities.with(person.activities);
        self.person_note = self.person_note.or(person.note);
    }

    fn summarise(&self, summary: &mut Summary) {
        summary.basic = self.basic;
        summary.activities = self.activities;
        summary.tuples = self.tuples.min(usize::from(u8::MAX)) as u8;
        summary.contacts = self.contacts.min(usize::from(u8::MAX)) as u8;
        let note = self.person_note.or(self.presence_note).or(self.tuple_note);
        if let Some(note) = note {
            summary.note = note.cut();
        }
    }
}

/// A tuple, a person, or the status inside one of them.
#[derive(Clone, Copy, Default)]
pub(super) struct Part<'a> {
    pub(super) basic: Option<Basic>,
    pub(super) activities: Activities,
    pub(super) contact: bool,
    note: Option<Text<'a>>,
    void: bool,
}

impl<'a> Part<'a> {
    /// Takes over a finished status.
    fn add_status(&mut self, status: &Part<'a>) {
        if status.void {
            return;
        }
        self.basic = open_first(self.basic, status.basic);
        self.activities = self.activities.with(status.activities);
        self.note = self.note.or(status.note);
    }
}

/// Open if either is.
fn open_first(a: Option<Basic>, b: Option<Basic>) -> Option<Basic> {
    match (a, b) {
        (Some(Basic::Open), _) | (_, Some(Basic::Open)) => Some(Basic::Open),
        (Some(Basic::Closed), _) | (_, Some(Basic::Closed)) => Some(Basic::Closed),
        (None, None) => None,
    }
}

/// Where in a document an element stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Presence,
    PresenceNote,
    Tuple,
    Person,
    Status,
    Basic,
    Contact,
    Note,
    Activities,
    /// Known, without anything in it for us.
    Leaf,
    /// Unknown, with all it contains.
    Ignored,
}

impl Place {
    /// The place of a child; `None` for one that nobody knows there.
    fn child(self, tag: Tag<'_>) -> Option<Place> {
        use Namespace::{DataModel, Pidf, Rpid};
        let place = match (self, tag.namespace, tag.local) {
            (Place::Presence, Pidf, b"tuple") => Place::Tuple,
            (Place::Presence, Pidf, b"note") => Place::PresenceNote,
            (Place::Presence, DataModel, b"person") => Place::Person,
            (Place::Presence, DataModel, b"device") => Place::Leaf,
            (Place::Tuple, Pidf, b"status") => Place::Status,
            (Place::Tuple, Pidf, b"contact") => Place::Contact,
            (Place::Tuple, DataModel, b"deviceID") => Place::Leaf,
            // Asterisk before version 13: a person has a status, and activities are in it.
            (Place::Person, Pidf | DataModel, b"status") => Place::Status,
            (Place::Status, Pidf, b"basic") => Place::Basic,
            // ComSIPL: a note inside the status.
            (Place::Tuple | Place::Person | Place::Status, Pidf | DataModel, b"note") => {
                Place::Note
            }
            (Place::Tuple | Place::Person, Pidf | DataModel, b"timestamp") => Place::Leaf,
            (Place::Tuple | Place::Person | Place::Status, Rpid, b"activities") => {
                Place::Activities
            }
            (Place::Tuple | Place::Person | Place::Activities, Rpid, _) => Place::Leaf,
            (Place::PresenceNote | Place::Basic | Place::Contact, _, _)
            | (Place::Note | Place::Leaf | Place::Ignored, _, _) => Place::Ignored,
            (Place::Presence | Place::Tuple | Place::Person, _, _)
            | (Place::Status | Place::Activities, _, _) => return None,
        };
        Some(place)
    }
}

/// Reads a PIDF whose root has begun.
fn presence<'a>(reader: &mut Reader<'a, '_>, found: &mut Found<'a>) -> Result<(), Fault> {
    let mut places = [Place::Presence; MAX_DEPTH];
    let mut part = Part::default();
    let mut status = Part::default();
    while let Some(event) = reader.next()? {
        let depth = reader.depth();
        match event {
            Event::Start(tag) => {
                let parent = places[depth - 2];
                let place = parent.child(tag).unwrap_or_else(|| {
                    if must_understand(reader) {
                        void(&places[..depth - 1], &mut part, &mut status);
                    }
                    Place::Ignored
                });
                places[depth - 1] = place;
                match place {
                    Place::Tuple | Place::Person => part = Part::default(),
                    Place::Status => status = Part::default(),
                    Place::Leaf if parent == Place::Activities => {
                        let doing = Activities::named(tag.local).unwrap_or_default();
                        let at = innermost(&places[..depth], &mut part, &mut status);
                        at.activities = at.activities.with(doing);
                    }
                    Place::Presence
                    | Place::PresenceNote
                    | Place::Basic
                    | Place::Contact
                    | Place::Note
                    | Place::Activities
                    | Place::Leaf
                    | Place::Ignored => {}
                }
            }
            Event::End { text, .. } => match places[depth] {
                Place::PresenceNote => found.presence_note = first(found.presence_note, text),
                Place::Tuple => found.add_tuple(&part),
                Place::Person => found.add_person(&part),
                Place::Status => part.add_status(&status),
                Place::Basic => status.basic = open_first(status.basic, basic(text)),
                Place::Contact => part.contact |= !text.is_empty(),
                Place::Note => {
                    let at = innermost(&places[..depth], &mut part, &mut status);
                    at.note = first(at.note, text);
                }
                Place::Presence | Place::Activities | Place::Leaf | Place::Ignored => {}
            },
        }
    }
    Ok(())
}

/// The status if one is open, else the tuple or person.
fn innermost<'p, 'a>(
    open: &[Place],
    part: &'p mut Part<'a>,
    status: &'p mut Part<'a>,
) -> &'p mut Part<'a> {
    if open.contains(&Place::Status) {
        status
    } else {
        part
    }
}

/// Voids what an element stands in that we had to understand. The whole document is never void: RFC 3863
/// §4.2.3 knows the attribute only inside a status.
fn void<'a>(open: &[Place], part: &mut Part<'a>, status: &mut Part<'a>) {
    innermost(open, part, status).void = true;
}

/// Whether the element that just began says so (RFC 3863 §4.2.3). The attribute is often unqualified.
fn must_understand(reader: &Reader<'_, '_>) -> bool {
    let qualified = reader.attribute_in(Namespace::Pidf, "mustUnderstand");
    let said = qualified.or_else(|| reader.attribute("mustUnderstand"));
    said.is_some_and(|said| said.is("1") || said.is("true"))
}

fn basic(text: Text<'_>) -> Option<Basic> {
    if text.is("open") {
        return Some(Basic::Open);
    }
    (text.is("closed") || text.is("close")).then_some(Basic::Closed)
}

/// Of several notes (one for each language) the first that says something.
fn first<'a>(before: Option<Text<'a>>, text: Text<'a>) -> Option<Text<'a>> {
    before.or_else(|| (!text.is_empty()).then_some(text))
}
