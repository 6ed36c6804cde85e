//! Partial presence in (RFC 5262): a document that is kept, and what is told to be different in it, in the patch
//! operations of RFC 5261.
//!
//! ```text
//!   sel of the patch ──► select: the one place in the kept document ──► its bytes are cut, and others put there
//! ```
//!
//! What goes beyond the selectors that [`select`] knows, an operation that meets nothing or more than one thing, and
//! prefixes that mean something else where they are put: none of that applies, and nothing is kept then. Whoever reads
//! asks for the whole document, which is right whatever happened.

mod select;

use self::select::{Found, Leaf, Selector};
use super::names::{NAMES, NUMBERED, is_root};
use crate::ground::limits;
use crate::wire::doc::frame::{self, Extent, Head};
use crate::wire::doc::out::Out;
use crate::wire::doc::xml::{Event, Reader, Tag};
use crate::wire::doc::{Fault, XmlText};
use core::ops::Range;
use heapless::Vec;

/// A document that is kept to be patched: its root, in UTF-8. Empty: nothing is kept.
pub type Kept = Vec<u8, { limits::DOCUMENT }>;

/// A patch does not apply. What was kept is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unfit;

/// Operations of one patch. With more of them the whole document is shorter.
const OPERATIONS: usize = 32;

/// Says whether a body tells all or what is different, and its number.
///
/// # Errors
/// Any [`Fault`] up to the root's end.
pub fn read_head(body: &[u8]) -> Result<Head<'_>, Fault> {
    frame::open(body, NAMES, |reader| {
        let root = frame::root(reader)?;
        let extent = match is_root(root) {
            true => Extent::Full,
            false if is_diff(root) => Extent::Partial,
            false => return Err(Fault::WrongRoot),
        };
        Ok(Head {
            version: reader.attribute("version").and_then(|it| it.number()),
            extent,
            entity: reader.attribute("entity"),
        })
    })
}

/// Keeps a whole document. Nothing is kept of one that has a fault, or is longer than [`limits::DOCUMENT`] bytes.
pub fn keep(kept: &mut Kept, body: &[u8]) {
    kept.clear();
    let mut fits = true;
    let read = frame::open(body, NAMES, |reader| {
        while let Some(event) = reader.next()? {
            if let Event::End { raw, .. } = event
                && reader.depth() == 0
            {
                let mut put =
                    |piece: &str| fits &= kept.extend_from_slice(piece.as_bytes()).is_ok();
                reader.copy(raw, &mut put);
            }
        }
        Ok(())
    });
    if read.is_err() || !fits {
        kept.clear();
    }
}

/// Makes the document that is kept what a patch says.
///
/// # Errors
/// [`Unfit`]: ask for the whole document.
pub fn patch(kept: &mut Kept, body: &[u8]) -> Result<(), Unfit> {
    let done = frame::open(body, NAMES, |reader| {
        // What is copied from it has to be well-formed.
        reader.clone().check_rest()?;
        apply_all(kept, reader)?.ok_or(Fault::WrongRoot)
    });
    done.map_err(|_| {
        kept.clear();
        Unfit
    })
}

/// Does one operation after the other; `None` if one does not apply.
fn apply_all(kept: &mut Kept, reader: &mut Reader<'_, '_>) -> Result<Option<()>, Fault> {
    if !is_diff(frame::root(reader)?) || declare(kept, reader).is_none() {
        return Ok(None);
    }
    let scopes = reader.scopes().count();
    let (mut operation, mut count) = (None, 0);
    while let Some(event) = reader.next()? {
        match (event, reader.depth()) {
            (Event::Start(tag), 2) => {
                count += 1;
                operation = Operation::of(reader, tag);
                // What it declares by itself is not known any more at its end.
                if reader.scopes().count() != scopes || count > OPERATIONS {
                    return Ok(None);
                }
            }
            (Event::End { raw, .. }, 1) => {
                let done = operation.take().and_then(|it| it.apply(kept, reader, raw));
                if done.is_none() {
                    return Ok(None);
                }
            }
            (Event::Start(_) | Event::End { .. }, _) => {}
        }
    }
    Ok(Some(()))
}

/// Declares at the kept root those prefixes of the patch that it does not have (RFC 5261 §4.2.3). `None` if one means
/// something else there.
fn declare(kept: &mut Kept, patch: &Reader<'_, '_>) -> Option<()> {
    let mut buf = [0; limits::DOCUMENT];
    let mut out = Out::new(&mut buf);
    let at = frame::open(kept, NAMES, |reader| {
        frame::root(reader)?;
        for (prefix, uri) in patch.scopes() {
            match reader.scopes().find(|(known, _)| *known == prefix) {
                Some((_, known)) if known == uri => continue,
                // Names without a prefix would all become others.
                Some(_) => return Err(Fault::WrongRoot),
                None if prefix.is_empty() => return Err(Fault::WrongRoot),
                None => {}
            }
            let (prefix, uri) = prefix.plain().zip(uri.plain()).ok_or(Fault::WrongRoot)?;
            out.raw(" xmlns:");
            out.raw(prefix);
            out.raw("=\"");
            out.text(uri);
            out.raw("\"");
        }
        // Without a default of its own a name of the patch would fall into the one that is kept.
        let has_default = |reader: &Reader<'_, '_>| reader.scopes().any(|(it, _)| it.is_empty());
        match has_default(patch) || !has_default(reader) {
            true => Ok(reader.place().1),
            false => Err(Fault::WrongRoot),
        }
    });
    let len = out.finish().ok()?;
    let at = before_end_of_tag(kept, at.ok()?)?;
    splice(kept, at..at, &buf[..len])
}

/// One operation (RFC 5261 §4).
struct Operation<'a> {
    act: Act<'a>,
    sel: XmlText<'a>,
    /// Where its content begins in the patch.
    content: usize,
    /// Where its element begins.
    start: usize,
}

#[derive(Clone, Copy)]
enum Act<'a> {
    Add(Side),
    AddAttribute(XmlText<'a>),
    Replace,
    Remove,
}

/// Where an element is put, beside or in the one that is selected.
#[derive(Clone, Copy)]
enum Side {
    Before,
    After,
    First,
    Last,
}

impl<'a> Operation<'a> {
    /// That of the element that just began; `None` if it is none that is known.
    fn of(reader: &Reader<'a, '_>, tag: Tag<'_>) -> Option<Operation<'a>> {
        let act = match tag.local {
            _ if tag.namespace != NUMBERED => return None,
            b"add" => match (reader.attribute("type"), reader.attribute("pos")) {
                (Some(name), None) => Act::AddAttribute(name),
                (None, pos) => Act::Add(Side::named(pos)?),
                (Some(_), Some(_)) => return None,
            },
            b"replace" => Act::Replace,
            b"remove" => Act::Remove,
            _ => return None,
        };
        let (start, content) = reader.place();
        Some(Operation {
            act,
            sel: reader.attribute("sel")?,
            content,
            start,
        })
    }

    /// Does it. `raw` is all of its element.
    fn apply(&self, kept: &mut Kept, patch: &Reader<'_, '_>, raw: &[u8]) -> Option<()> {
        let text = self.sel.copy::<{ limits::URI }>()?;
        let selector = Selector::parse(&text, patch)?;
        let found = selector.find(kept)?;
        let inside = raw.get(self.content - self.start..).unwrap_or_default();
        let inside = &inside[..memchr::memrchr(b'<', inside).unwrap_or_default()];
        let mut buf = [0; limits::DOCUMENT];
        let mut out = Out::new(&mut buf);
        patch.copy(inside, &mut |piece| out.raw(piece));
        let len = out.finish().ok()?;
        let content = core::str::from_utf8(&buf[..len]).ok()?;
        match self.act {
            Act::Add(side) => add(kept, &selector, &found, side, content),
            Act::AddAttribute(name) => add_attribute(kept, &selector, &found, name, content),
            Act::Replace => replace(kept, &selector, &found, content),
            Act::Remove => splice(kept, found.whole(selector.leaf), b""),
        }
    }
}

impl Side {
    fn named(pos: Option<XmlText<'_>>) -> Option<Side> {
        let Some(pos) = pos else {
            return Some(Side::Last);
        };
        let names = [
            ("before", Side::Before),
            ("after", Side::After),
            ("prepend", Side::First),
        ];
        let found = names.iter().find(|(name, _)| pos == **name);
        found.map(|(_, side)| *side)
    }
}

fn add(
    kept: &mut Kept,
    selector: &Selector<'_, '_>,
    found: &Found,
    side: Side,
    content: &str,
) -> Option<()> {
    let (at, is_plain) = match side {
        Side::Before => (found.element.start, found.is_plain_around),
        Side::After => (found.element.end, found.is_plain_around),
        Side::First => (found.content.start, found.is_plain_inside),
        Side::Last => (found.content.end, found.is_plain_inside),
    };
    if selector.leaf != Leaf::Element || !is_plain {
        return None;
    }
    match side {
        // `<a/>` has no room.
        Side::First | Side::Last if found.is_empty_tag(kept) => open_up(kept, found, content),
        Side::Before | Side::After | Side::First | Side::Last => {
            splice(kept, at..at, content.as_bytes())
        }
    }
}

/// Makes `<a></a>` of `<a/>`, with something in it.
fn open_up(kept: &mut Kept, found: &Found, content: &str) -> Option<()> {
    let mut buf = [0; limits::DOCUMENT];
    let mut out = Out::new(&mut buf);
    let tag = core::str::from_utf8(kept.get(found.element.clone())?).ok()?;
    let name = tag.strip_prefix('<')?;
    let name = name.split(|it: char| it.is_ascii_whitespace() || it == '/');
    out.raw(tag.strip_suffix("/>")?);
    out.raw(">");
    out.raw(content);
    out.close(name.into_iter().next()?);
    let len = out.finish().ok()?;
    splice(kept, found.element.clone(), &buf[..len])
}

fn add_attribute(
    kept: &mut Kept,
    selector: &Selector<'_, '_>,
    found: &Found,
    name: XmlText<'_>,
    content: &str,
) -> Option<()> {
    let name = name.copy::<{ limits::NAME }>()?;
    let name = name.strip_prefix('@')?;
    let is_plain = |it: char| it.is_ascii_alphanumeric() || matches!(it, '-' | '_' | '.');
    let is_name =
        name.starts_with(|it: char| it.is_ascii_alphabetic()) && name.chars().all(is_plain);
    // Of a prefix one had to know what it stands for there.
    if selector.leaf != Leaf::Element || !is_name || name == "xmlns" || !is_value(content) {
        return None;
    }
    let mut buf = [0; limits::DOCUMENT];
    let mut out = Out::new(&mut buf);
    for piece in [" ", name, "=\"", content, "\""] {
        out.raw(piece);
    }
    let len = out.finish().ok()?;
    let at = before_end_of_tag(kept, found.content.start)?;
    splice(kept, at..at, &buf[..len])
}

fn replace(
    kept: &mut Kept,
    selector: &Selector<'_, '_>,
    found: &Found,
    content: &str,
) -> Option<()> {
    let fits = match selector.leaf {
        Leaf::Element => found.is_plain_around && is_element(content),
        Leaf::Text => !content.contains('<'),
        Leaf::Attribute(_) => is_value(content),
    };
    let place = match selector.leaf {
        Leaf::Element => found.element.clone(),
        Leaf::Text => found.content.clone(),
        Leaf::Attribute(_) => found.value.clone(),
    };
    fits.then_some(())?;
    splice(kept, place, content.as_bytes())
}

/// Whether it can stand between quotes.
fn is_value(content: &str) -> bool {
    !content.contains(['<', '"', '\''])
}

/// Whether it is one element, and nothing else (RFC 5261 §4.4).
fn is_element(content: &str) -> bool {
    let content = content.trim_ascii();
    let mut is_one = content.starts_with('<') && content.ends_with('>');
    let read = frame::open(content.as_bytes(), NAMES, |reader| {
        frame::root(reader)?;
        reader.check_rest()
    });
    is_one &= read.is_ok() && !content.starts_with("<?") && !content.starts_with("<!");
    is_one
}

/// The place in an element's tag where another attribute goes, of which the content begins at `content`.
fn before_end_of_tag(kept: &Kept, content: usize) -> Option<usize> {
    let tag = kept.get(..content)?.strip_suffix(b">")?;
    Some(tag.strip_suffix(b"/").unwrap_or(tag).len())
}

/// Puts `new` in the place of what stands at `place`; `None` if it does not fit.
fn splice(kept: &mut Kept, place: Range<usize>, new: &[u8]) -> Option<()> {
    let Range { start, end } = place;
    kept.get(start..end)?;
    let before = kept.len();
    let after = before - (end - start) + new.len();
    if after > before {
        kept.resize(after, 0).ok()?;
    }
    kept.copy_within(end..before, start + new.len());
    kept[start..start + new.len()].copy_from_slice(new);
    kept.truncate(after);
    Some(())
}

fn is_diff(tag: Tag<'_>) -> bool {
    tag.namespace == NUMBERED && tag.local == b"pidf-diff"
}

#[cfg(test)]
mod tests;
