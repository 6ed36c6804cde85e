//! The parts of a PIDF document, for a compositor: it carries through untouched what it does not know.

use super::names::{DATA_MODEL, FORMAT, PIDF, RPID};
use crate::wire::doc::frame::{self, Taker};
use crate::wire::doc::out::Out;
use crate::wire::doc::xml::{Reader, Tag};
use crate::wire::doc::{Fault, XmlText};
use crate::wire::out::WriteError;

/// What a child of the root is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A service.
    Tuple,
    /// A person (RFC 4479 §3.3).
    Person,
    /// A device (RFC 4479 §3.5).
    Device,
    /// The presentity's own note.
    Note,
    /// An extension.
    Other,
}

/// One child of the root, or of a person.
#[derive(Clone, Copy)]
pub struct Element<'a> {
    /// What it is.
    pub kind: Kind,
    /// Its `id`.
    pub id: Option<XmlText<'a>>,
    /// Its bytes from `<` to `>`, in the document's encoding.
    pub raw: &'a [u8],
    /// The language of what is around it, which it may rely on (XML 1.0 §2.12).
    pub(super) lang: Option<XmlText<'a>>,
    reader: &'a Reader<'a, 'a>,
}

impl<'a> Element<'a> {
    /// The namespace declarations around it, which it may need: prefix (empty for the default) and URI. Of two with the
    /// same prefix the later counts.
    pub fn namespaces(&self) -> impl Iterator<Item = (XmlText<'a>, XmlText<'a>)> {
        self.reader.scopes()
    }

    pub(super) fn copy(&self, emit: &mut dyn FnMut(&str)) {
        self.reader.copy(self.raw, emit);
    }

    /// Copies the element to `buf` as it stands, but in UTF-8 and with every bare `&` escaped. Returns the
    /// copy's length.
    ///
    /// # Errors
    /// [`WriteError`] if it does not fit.
    pub fn copy_to(&self, buf: &mut [u8]) -> Result<usize, WriteError> {
        let mut out = Out::new(buf);
        self.reader.copy(self.raw, &mut |piece| out.raw(piece));
        out.finish()
    }
}

/// Shows the children of a PIDF root in their order, once the whole document is known to be good.
///
/// # Errors
/// Any [`Fault`]: `each` was not called.
pub fn walk(body: &[u8], each: &mut dyn FnMut(&Element<'_>)) -> Result<(), Fault> {
    let (id, lang) = (None, None);
    frame::read(body, &FORMAT, &mut Children { id, lang, each }).map(drop)
}

/// As [`walk`] for a document that was found good before, at half the cost.
///
/// # Errors
/// Any [`Fault`]: the document was not good, and `each` was called for what stands before the fault.
pub fn walk_again(body: &[u8], each: &mut dyn FnMut(&Element<'_>)) -> Result<(), Fault> {
    let (id, lang) = (None, None);
    frame::read_again(body, &FORMAT, &mut Children { id, lang, each })
}

/// Shows what the persons of a PIDF document have besides activities, notes and timestamps: children of an extension, of
/// kind [`Kind::Other`], each with the number of its person. The document was found good before.
///
/// # Errors
/// As [`walk_again`].
pub fn walk_persons(body: &[u8], each: &mut dyn FnMut(u8, &Element<'_>)) -> Result<(), Fault> {
    let mut persons = Persons {
        person: 0,
        id: None,
        langs: [None; 2],
        each,
    };
    frame::read_again(body, &FORMAT, &mut persons)
}

/// Where in a document an element stands.
#[derive(Clone, Copy)]
enum Place {
    Presence,
    Child(Kind),
    /// In a person, and nothing that a summary tells or that is ours to say.
    Extension,
    Ignored,
}

impl frame::Place for Place {
    const ROOT: Place = Place::Presence;

    fn child(self, tag: Tag<'_>) -> Place {
        match (self, tag.namespace, tag.local) {
            (Place::Presence, PIDF, b"tuple") => Place::Child(Kind::Tuple),
            (Place::Presence, PIDF, b"note") => Place::Child(Kind::Note),
            (Place::Presence, DATA_MODEL, b"person") => Place::Child(Kind::Person),
            (Place::Presence, DATA_MODEL, b"device") => Place::Child(Kind::Device),
            (Place::Presence, _, _) => Place::Child(Kind::Other),
            (Place::Child(Kind::Person), RPID, b"activities")
            | (Place::Child(Kind::Person), PIDF | DATA_MODEL, b"note" | b"timestamp" | b"status") => {
                Place::Ignored
            }
            (Place::Child(Kind::Person), _, _) => Place::Extension,
            (Place::Child(_) | Place::Extension | Place::Ignored, _, _) => Place::Ignored,
        }
    }
}

/// Shows the children of the root.
struct Children<'a, 'e> {
    /// That of the child that is open.
    id: Option<XmlText<'a>>,
    /// The root's.
    lang: Option<XmlText<'a>>,
    each: &'e mut dyn FnMut(&Element<'_>),
}

impl<'a> Taker<'a> for Children<'a, '_> {
    type Place = Place;

    fn root(&mut self, reader: &Reader<'a, '_>) {
        self.lang = reader.lang();
    }

    fn begin(&mut self, reader: &Reader<'a, '_>, open: &[Place], _: Tag<'a>) {
        match open[open.len() - 1] {
            Place::Child(_) => self.id = reader.attribute("id"),
            Place::Presence | Place::Extension | Place::Ignored => {}
        }
    }

    fn end(&mut self, reader: &Reader<'a, '_>, open: &[Place], _: XmlText<'a>, raw: &'a [u8]) {
        match open[open.len() - 1] {
            Place::Child(kind) => (self.each)(&Element {
                kind,
                id: self.id,
                raw,
                lang: self.lang,
                reader,
            }),
            Place::Presence | Place::Extension | Place::Ignored => {}
        }
    }
}

/// Shows the extensions of persons.
struct Persons<'a, 'e> {
    /// The number of the one that is open, or was last.
    person: u8,
    /// That of the extension that is open.
    id: Option<XmlText<'a>>,
    /// The root's, and the person's.
    langs: [Option<XmlText<'a>>; 2],
    each: &'e mut dyn FnMut(u8, &Element<'_>),
}

impl<'a> Taker<'a> for Persons<'a, '_> {
    type Place = Place;

    fn root(&mut self, reader: &Reader<'a, '_>) {
        self.langs = [reader.lang(); 2];
    }

    fn begin(&mut self, reader: &Reader<'a, '_>, open: &[Place], _: Tag<'a>) {
        match open[open.len() - 1] {
            Place::Child(Kind::Person) => {
                self.person = self.person.saturating_add(1);
                self.langs[1] = reader.lang().or(self.langs[0]);
            }
            Place::Extension => self.id = reader.attribute("id"),
            Place::Presence | Place::Child(_) | Place::Ignored => {}
        }
    }

    fn end(&mut self, reader: &Reader<'a, '_>, open: &[Place], _: XmlText<'a>, raw: &'a [u8]) {
        match open[open.len() - 1] {
            Place::Extension => {
                let element = Element {
                    kind: Kind::Other,
                    id: self.id,
                    raw,
                    lang: self.langs[1],
                    reader,
                };
                (self.each)(self.person, &element);
            }
            Place::Presence | Place::Child(_) | Place::Ignored => {}
        }
    }
}
