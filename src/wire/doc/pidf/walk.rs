//! The parts of a PIDF document, for a compositor: it carries through untouched what it does not know.

use crate::wire::doc::out::{Full, Out};
use crate::wire::doc::xml::{self, Event, Namespace, Reader, Tag};
use crate::wire::doc::{Fault, Text};

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
    pub id: Option<Text<'a>>,
    /// Its bytes from `<` to `>`, in the document's encoding.
    pub raw: &'a [u8],
    reader: &'a Reader<'a, 'a>,
}

impl<'a> Element<'a> {
    /// The namespace declarations around it, which it may need: prefix (empty for the default) and URI. Of two with the
    /// same prefix the later counts.
    pub fn namespaces(&self) -> impl Iterator<Item = (Text<'a>, Text<'a>)> {
        self.reader.scopes()
    }

    pub(super) fn copy(&self, emit: &mut dyn FnMut(&str)) {
        self.reader.copy(self.raw, emit);
    }

    /// Copies the element to `buf` as it stands, but in UTF-8 and with every bare `&` escaped. Returns the
    /// copy's length.
    ///
    /// # Errors
    /// [`Full`] if it does not fit.
    pub fn copy_to(&self, buf: &mut [u8]) -> Result<usize, Full> {
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
    run(body, &mut |reader| {
        reader.clone().check_rest()?;
        children(reader, each)
    })
}

/// As [`walk`] for a document that was found good before, at half the cost.
///
/// # Errors
/// Any [`Fault`]: the document was not good, and `each` was called for what stands before the fault.
pub fn walk_again(body: &[u8], each: &mut dyn FnMut(&Element<'_>)) -> Result<(), Fault> {
    run(body, &mut |reader| children(reader, each))
}

fn children(reader: &mut Reader<'_, '_>, each: &mut dyn FnMut(&Element<'_>)) -> Result<(), Fault> {
    let (mut kind, mut id) = (Kind::Other, None);
    while let Some(event) = reader.next()? {
        match event {
            Event::Start(tag) if reader.depth() == 2 => {
                kind = kind_of(tag);
                id = reader.attribute("id");
            }
            Event::End { raw, .. } if reader.depth() == 1 => each(&Element {
                kind,
                id,
                raw,
                reader,
            }),
            Event::Start(_) | Event::End { .. } => {}
        }
    }
    Ok(())
}

/// Shows what the persons of a PIDF document have besides activities, notes and timestamps: children of an extension, of
/// kind [`Kind::Other`], each with the number of its person. The document was found good before.
///
/// # Errors
/// As [`walk_again`].
pub fn walk_persons(body: &[u8], each: &mut dyn FnMut(u8, &Element<'_>)) -> Result<(), Fault> {
    run(body, &mut |reader| {
        let (mut person, mut is_in_person, mut is_known) = (0_u8, false, false);
        let mut id = None;
        while let Some(event) = reader.next()? {
            match event {
                Event::Start(tag) if reader.depth() == 2 => {
                    is_in_person = kind_of(tag) == Kind::Person;
                    person = person.saturating_add(u8::from(is_in_person));
                }
                Event::Start(tag) if reader.depth() == 3 => {
                    is_known = is_known_in_person(tag);
                    id = reader.attribute("id");
                }
                Event::End { raw, .. } if reader.depth() == 2 && is_in_person && !is_known => {
                    let element = Element {
                        kind: Kind::Other,
                        id,
                        raw,
                        reader,
                    };
                    each(person, &element);
                }
                Event::Start(_) | Event::End { .. } => {}
            }
        }
        Ok(())
    })
}

/// Runs `run` behind the start tag of a PIDF root.
fn run<'a>(
    body: &'a [u8],
    run: &mut dyn FnMut(&mut Reader<'a, '_>) -> Result<(), Fault>,
) -> Result<(), Fault> {
    xml::open(body, &mut |reader| {
        match reader.next()? {
            Some(Event::Start(tag)) if is_root(tag) => {}
            Some(Event::Start(_) | Event::End { .. }) => return Err(Fault::WrongRoot),
            None => return Err(Fault::Syntax),
        }
        run(reader)
    })
}

fn is_root(tag: Tag<'_>) -> bool {
    tag.namespace == Namespace::Pidf && tag.local == b"presence"
}

fn kind_of(tag: Tag<'_>) -> Kind {
    match (tag.namespace, tag.local) {
        (Namespace::Pidf, b"tuple") => Kind::Tuple,
        (Namespace::Pidf, b"note") => Kind::Note,
        (Namespace::DataModel, b"person") => Kind::Person,
        (Namespace::DataModel, b"device") => Kind::Device,
        _ => Kind::Other,
    }
}

/// What a summary tells of a person, and what is ours to say.
fn is_known_in_person(tag: Tag<'_>) -> bool {
    match tag.namespace {
        Namespace::Rpid => tag.local == b"activities",
        Namespace::Pidf | Namespace::DataModel => {
            matches!(tag.local, b"note" | b"timestamp" | b"status")
        }
        Namespace::None
        | Namespace::DialogInfo
        | Namespace::WatcherInfo
        | Namespace::Xml
        | Namespace::Unknown => false,
    }
}
