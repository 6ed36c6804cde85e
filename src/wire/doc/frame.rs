//! The frame of a document: the root, with what it says of the whole, and the elements in it, each known by where it
//! stands. The formats share it and tell here what they have of their own.
//!
//! A document is used as a whole or not at all: nothing of it is shown before all of it is known to be good.

use super::Fault;
use super::word::words;
use super::xml::{self, Event, MAX_DEPTH, Names, Namespace, Reader, Tag, XmlText};

words! {
    /// Whether a document tells everything or what changed (RFC 4235 §4.1, RFC 3858 §3).
    Extent {
        /// All there is: the table is flushed first.
        Full = "full",
        /// Only what changed: rows by id.
        Partial = "partial",
    }
}

/// The root of a document, one in the row of a subscription's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head<'a> {
    /// The document's number in its subscription; `None` if absent or no 32-bit number.
    pub version: Option<u32>,
    /// Full if the document does not say.
    pub extent: Extent,
    /// Whose state it tells, in formats that say so at the root.
    pub entity: Option<XmlText<'a>>,
}

/// A document that was written without its version number, which each subscription counts for itself:
/// `buf[..version_at]`, the version in decimal digits, `buf[version_at..len]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// The document's length without the version's digits.
    pub len: usize,
    /// Where the digits go.
    pub version_at: usize,
}

/// A format of documents.
pub(super) struct Format {
    /// The root's name, without prefix.
    pub(super) root: &'static str,
    /// The namespace of the root.
    pub(super) namespace: Namespace,
    /// All namespaces that the format knows.
    pub(super) names: Names,
    /// The attributes of the root that may say its [`Extent`].
    pub(super) extent: &'static [&'static str],
}

/// Where in a document an element stands.
pub(super) trait Place: Copy {
    /// At its root.
    const ROOT: Self;

    /// The place of an element in one that stands here. What a format does not know has a place too, with all it
    /// contains.
    fn child(self, tag: Tag<'_>) -> Self;
}

/// Takes what stands below the root.
pub(super) trait Taker<'a> {
    /// The places that the format knows.
    type Place: Place;

    /// The root has begun.
    fn root(&mut self, _: &Reader<'a, '_>) {}

    /// An element begins, at the last place of `open`: those of all elements that are open, the root's first.
    fn begin(&mut self, reader: &Reader<'a, '_>, open: &[Self::Place], tag: Tag<'a>);

    /// The element at the last place of `open` ends, with the text up to its first child; `raw` is all of it.
    fn end(
        &mut self,
        reader: &Reader<'a, '_>,
        open: &[Self::Place],
        text: XmlText<'a>,
        raw: &'a [u8],
    );
}

/// Reads the root only; what follows may still turn out to be broken.
///
/// # Errors
/// Any [`Fault`] up to the root's end.
pub(super) fn read_head<'a>(body: &'a [u8], format: &Format) -> Result<Head<'a>, Fault> {
    open(body, format.names, |reader| format.enter(reader))
}

/// Shows what a body has to `taker`, once the whole document is known to be good, and returns its root.
///
/// # Errors
/// Any [`Fault`]: nothing was shown.
pub(super) fn read<'a>(
    body: &'a [u8],
    format: &Format,
    taker: &mut impl Taker<'a>,
) -> Result<Head<'a>, Fault> {
    open(body, format.names, |reader| {
        let head = format.enter(reader)?;
        reader.clone().check_rest()?;
        take(reader, taker)?;
        Ok(head)
    })
}

/// As [`read`] for a document that was found good before, at half the cost.
///
/// # Errors
/// Any [`Fault`]: the document was not good, and what stands before the fault was shown.
pub(super) fn read_again<'a>(
    body: &'a [u8],
    format: &Format,
    taker: &mut impl Taker<'a>,
) -> Result<(), Fault> {
    open(body, format.names, |reader| {
        format.check(root(reader)?)?;
        take(reader, taker)
    })
}

/// Runs `run` on a document before its root.
pub(super) fn open<'a, T>(
    body: &'a [u8],
    names: Names,
    mut run: impl FnMut(&mut Reader<'a, '_>) -> Result<T, Fault>,
) -> Result<T, Fault> {
    let mut result = None;
    xml::open(body, names, &mut |reader| {
        result = Some(run(reader)?);
        Ok(())
    })?;
    result.ok_or(Fault::Syntax)
}

/// The tag of the root.
pub(super) fn root<'a>(reader: &mut Reader<'a, '_>) -> Result<Tag<'a>, Fault> {
    match reader.next()? {
        Some(Event::Start(tag)) => Ok(tag),
        Some(Event::End { .. }) => Err(Fault::WrongRoot),
        None => Err(Fault::Syntax),
    }
}

/// Shows the root, whose start tag was read, and what follows it.
pub(super) fn take<'a, T: Taker<'a>>(
    reader: &mut Reader<'a, '_>,
    taker: &mut T,
) -> Result<(), Fault> {
    taker.root(reader);
    let mut places = [T::Place::ROOT; MAX_DEPTH];
    while let Some(event) = reader.next()? {
        let depth = reader.depth();
        match event {
            Event::Start(tag) => {
                places[depth - 1] = places[depth - 2].child(tag);
                taker.begin(reader, &places[..depth], tag);
            }
            Event::End { text, raw } => taker.end(reader, &places[..=depth], text, raw),
        }
    }
    Ok(())
}

impl Format {
    /// Whether this is the root of such a document.
    pub(super) fn is_root(&self, tag: Tag<'_>) -> bool {
        tag.namespace == self.namespace && tag.local == self.root.as_bytes()
    }

    fn check(&self, root: Tag<'_>) -> Result<(), Fault> {
        match self.is_root(root) {
            true => Ok(()),
            false => Err(Fault::WrongRoot),
        }
    }

    /// Steps into the document and says what its root does.
    fn enter<'a>(&self, reader: &mut Reader<'a, '_>) -> Result<Head<'a>, Fault> {
        self.check(root(reader)?)?;
        let mut extent = self.extent.iter();
        let extent = extent.find_map(|name| reader.attribute(name));
        Ok(Head {
            version: reader.attribute("version").and_then(|it| it.number()),
            extent: extent.and_then(Extent::of).unwrap_or(Extent::Full),
            entity: reader.attribute("entity"),
        })
    }
}
