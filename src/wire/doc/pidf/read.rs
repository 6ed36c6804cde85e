//! PIDF in, reduced to what a lamp needs. Read RFC 3863 §4.2.3 on unknown elements, RFC 4479 §5 on notes.
//!
//! Each element has a [`Place`]; what has none is ignored with all it contains, so that a `<basic>` inside a
//! timed status (RFC 4481) or another extension never reaches a lamp.

use super::gathered::{Gathered, Part, open_first};
use super::names::{AG_PROJECTS, CISCO, DATA_MODEL, NAMES, PIDF, RPID, is_root};
use super::{Activities, Basic, Said, Summary, xpidf};
use crate::wire::doc::frame::{self, Taker};
use crate::wire::doc::xml::{Reader, Tag};
use crate::wire::doc::{Fault, XmlText};

/// Reads a body of `application/pidf+xml`, `application/cpim-pidf+xml` or `application/xpidf+xml`, or a full one of
/// `application/pidf-diff+xml`; the root tells which it is, whatever it is called.
///
/// An unknown element with `mustUnderstand` voids the status, tuple or person it stands in (RFC 3863 §4.2.3).
/// Time stamps and priorities are not looked at. `basic` also takes `close`, and any case.
///
/// # Errors
/// Any [`Fault`]: nothing of such a document is used.
pub fn read(body: &[u8]) -> Result<Summary, Fault> {
    frame::open(body, NAMES, |reader| {
        let root = frame::root(reader)?;
        let gathered = if is_root(root) {
            let mut presence = Presence::default();
            frame::take(reader, &mut presence)?;
            presence.gathered
        } else if xpidf::is_root(root) {
            xpidf::gather(reader)?
        } else {
            return Err(Fault::WrongRoot);
        };
        Ok(gathered.summary())
    })
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
    Note,
    /// A word where no note stands.
    Word,
    Activities,
    Activity,
    /// An activity of Cisco's.
    Marker,
    /// Known, without anything in it for us.
    Leaf,
    /// One that nobody knows there.
    Unknown,
    /// What any of those contains.
    Ignored,
}

impl frame::Place for Place {
    const ROOT: Place = Place::Presence;

    fn child(self, tag: Tag<'_>) -> Place {
        match (self, tag.namespace, tag.local) {
            (Place::Presence, PIDF, b"tuple") => Place::Tuple,
            (Place::Presence, PIDF, b"note") => Place::PresenceNote,
            (Place::Presence, DATA_MODEL, b"person") => Place::Person,
            (Place::Presence, DATA_MODEL, b"device") => Place::Leaf,
            (Place::Tuple, PIDF, b"status") => Place::Status,
            (Place::Tuple, PIDF, b"contact") | (Place::Tuple, DATA_MODEL, b"deviceID") => {
                Place::Leaf
            }
            // Asterisk before version 13: a person has a status, and activities are in it.
            (Place::Person, PIDF | DATA_MODEL, b"status") => Place::Status,
            (Place::Status, PIDF, b"basic") => Place::Basic,
            // ComSIPL: a note inside the status.
            (Place::Tuple | Place::Person | Place::Status, PIDF | DATA_MODEL, b"note") => {
                Place::Note
            }
            (Place::Tuple | Place::Person, PIDF | DATA_MODEL, b"timestamp") => Place::Leaf,
            (Place::Tuple | Place::Person | Place::Status, RPID, b"activities") => {
                Place::Activities
            }
            // Blink: available, away, busy or offline.
            (Place::Status, AG_PROJECTS, b"extended")
            | (Place::Activities | Place::Person, RPID, b"note") => Place::Word,
            (Place::Activities, RPID, _) => Place::Activity,
            (Place::Activities, CISCO, _) => Place::Marker,
            (Place::Tuple | Place::Person, RPID, _) => Place::Leaf,
            (Place::Presence | Place::Tuple | Place::Person, _, _)
            | (Place::Status | Place::Activities, _, _) => Place::Unknown,
            (Place::PresenceNote | Place::Basic | Place::Note | Place::Word, _, _)
            | (Place::Activity | Place::Marker | Place::Leaf, _, _)
            | (Place::Unknown | Place::Ignored, _, _) => Place::Ignored,
        }
    }
}

/// A presence document that is being read.
#[derive(Default)]
struct Presence<'a> {
    gathered: Gathered<'a>,
    /// The tuple or person that is open.
    part: Part<'a>,
    /// The status in it.
    status: Part<'a>,
    /// The languages of the root, of what stands in it, and so on (XML 1.0 §2.12).
    langs: [Option<XmlText<'a>>; LANGS],
}

/// A note stands in the status in a tuple in the root, at most.
const LANGS: usize = 4;

impl<'a> Taker<'a> for Presence<'a> {
    type Place = Place;

    fn root(&mut self, reader: &Reader<'a, '_>) {
        self.langs = [reader.lang(); LANGS];
    }

    fn begin(&mut self, reader: &Reader<'a, '_>, open: &[Place], tag: Tag<'a>) {
        match open[open.len() - 1] {
            Place::Tuple | Place::Person => {
                self.part = Part::default();
                self.note_lang(reader, open);
            }
            Place::Status => {
                self.status = Part::default();
                self.note_lang(reader, open);
            }
            Place::PresenceNote | Place::Note => self.note_lang(reader, open),
            Place::Activity => {
                let doing = Activities::named(tag.local).unwrap_or_default();
                let at = self.innermost(open);
                at.activities = at.activities.with(doing);
            }
            Place::Marker => {
                let at = self.innermost(open);
                at.said = at.said.max(Said::marked(tag.local));
            }
            // The whole document is never void: RFC 3863 §4.2.3 knows the attribute only inside a status.
            Place::Unknown if must_understand(reader) => self.innermost(open).void = true,
            Place::Presence
            | Place::Basic
            | Place::Word
            | Place::Activities
            | Place::Leaf
            | Place::Unknown
            | Place::Ignored => {}
        }
    }

    fn end(&mut self, _: &Reader<'a, '_>, open: &[Place], text: XmlText<'a>, _: &'a [u8]) {
        match open[open.len() - 1] {
            Place::PresenceNote => self.gathered.add_note(text, self.lang(open)),
            Place::Tuple => self.gathered.add_tuple(&self.part),
            Place::Person => self.gathered.add_person(&self.part),
            Place::Status => self.part.add_status(&self.status),
            Place::Basic => self.status.basic = open_first(self.status.basic, basic(text)),
            Place::Note => {
                let lang = self.lang(open);
                self.innermost(open).add_note(text, lang);
            }
            Place::Word => self.innermost(open).add_word(text),
            Place::Presence
            | Place::Activities
            | Place::Activity
            | Place::Marker
            | Place::Leaf
            | Place::Unknown
            | Place::Ignored => {}
        }
    }
}

impl<'a> Presence<'a> {
    /// The status if one is open, else the tuple or person.
    fn innermost(&mut self, open: &[Place]) -> &mut Part<'a> {
        if open.contains(&Place::Status) {
            &mut self.status
        } else {
            &mut self.part
        }
    }

    /// The element that just began is in this language, or in that of the one around it.
    fn note_lang(&mut self, reader: &Reader<'a, '_>, open: &[Place]) {
        let at = open.len() - 1;
        self.langs[at] = reader.lang().or(self.langs[at - 1]);
    }

    /// The language of the innermost element.
    fn lang(&self, open: &[Place]) -> Option<XmlText<'a>> {
        self.langs[open.len() - 1]
    }
}

/// Whether the element that just began says so (RFC 3863 §4.2.3). The attribute is often unqualified.
fn must_understand(reader: &Reader<'_, '_>) -> bool {
    let qualified = reader.attribute_in(PIDF, "mustUnderstand");
    let said = qualified.or_else(|| reader.attribute("mustUnderstand"));
    said.is_some_and(|said| said.is("1") || said.is("true"))
}

fn basic(text: XmlText<'_>) -> Option<Basic> {
    if text.is("open") {
        return Some(Basic::Open);
    }
    (text.is("closed") || text.is("close")).then_some(Basic::Closed)
}
