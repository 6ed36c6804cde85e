//! Selectors: the place in a document that a patch names. Read RFC 5261 §4.1 and §4.2.2 first.
//!
//! ```text
//!   selector = root *( "/" step ) [ "/" ( "text()" / "@" name ) ]
//!   root     = "*" / "presence" / the root's own name
//!   step     = ( "*" / [ prefix ":" ] name ) [ "[" number "]" / "[@" name "='" value "']" ]
//! ```
//!
//! Prefixes are those of the patch, and what has none is in its default namespace (RFC 5261 §4.2.2). A selector has to
//! find one place and no other (§4.1).

use super::super::names::{NAMES, is_root};
use crate::wire::doc::frame;
use crate::wire::doc::xml::{Event, Reader, Tag};
use crate::wire::doc::{Fault, XmlText};
use core::ops::Range;
use heapless::Vec;

/// Steps of a selector. Activities stand at the fourth.
const STEPS: usize = 8;

/// What leads to one place.
pub(super) struct Selector<'s, 'p> {
    steps: Vec<Step<'s, 'p>, STEPS>,
    pub(super) leaf: Leaf<'s>,
}

/// What is meant at the end of the steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leaf<'s> {
    /// The element.
    Element,
    /// Its text, if there is nothing else in it.
    Text,
    /// An attribute of it.
    Attribute(&'s str),
}

/// One element on the way.
struct Step<'s, 'p> {
    /// `*` for any.
    local: &'s str,
    uri: Option<XmlText<'p>>,
    which: Which<'s>,
}

/// Which of those of that name.
enum Which<'s> {
    Any,
    Nth(usize),
    With(&'s str, &'s str),
}

/// A place in a document, by its bytes.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    /// The element from `<` to `>`.
    pub(super) element: Range<usize>,
    /// What is in it.
    pub(super) content: Range<usize>,
    /// The attribute that was asked for, with its name, and its value.
    attribute: Range<usize>,
    pub(super) value: Range<usize>,
    /// Whether all prefixes mean beside it, and in it, what they mean at the root.
    pub(super) is_plain_around: bool,
    pub(super) is_plain_inside: bool,
}

impl<'s, 'p> Selector<'s, 'p> {
    /// Reads a selector of `patch`; `None` if it is none that is known here.
    pub(super) fn parse(text: &'s str, patch: &Reader<'p, '_>) -> Option<Selector<'s, 'p>> {
        let mut steps = Vec::new();
        let mut leaf = Leaf::Element;
        let text = text.trim_ascii();
        let mut rest = Some(text.strip_prefix('/').unwrap_or(text));
        while let Some(text) = rest {
            let (step, after) = cut(text)?;
            rest = after;
            match step.strip_prefix('@') {
                Some(name) if rest.is_none() && is_name(name) => leaf = Leaf::Attribute(name),
                Some(_) => return None,
                None if step == "text()" && rest.is_none() => leaf = Leaf::Text,
                None => steps.push(Step::parse(step, patch)?).ok()?,
            }
        }
        (!steps.is_empty()).then_some(Selector { steps, leaf })
    }

    /// The one place that it leads to.
    pub(super) fn find(&self, document: &[u8]) -> Option<Found> {
        let found = frame::open(document, NAMES, |reader| self.search(reader));
        let found = found.ok().flatten()?;
        let is_there = match self.leaf {
            Leaf::Element => true,
            Leaf::Text => {
                let text = document.get(found.content.clone())?;
                !text.is_empty() && !text.contains(&b'<')
            }
            Leaf::Attribute(_) => !found.attribute.is_empty(),
        };
        is_there.then_some(found)
    }

    fn search(&self, reader: &mut Reader<'_, '_>) -> Result<Option<Found>, Fault> {
        let mut met = [0; STEPS];
        let (mut deep, mut scopes) = (0, 0);
        let mut found = None;
        loop {
            let around = reader.scopes().count();
            let Some(event) = reader.next()? else {
                return Ok(found);
            };
            match event {
                Event::Start(tag) => {
                    let depth = reader.depth();
                    if depth == 1 {
                        scopes = reader.scopes().count();
                    }
                    let step = self.steps.get(deep).filter(|_| depth == deep + 1);
                    let Some(step) = step.filter(|step| step.names(reader, tag)) else {
                        continue;
                    };
                    met[deep] += 1;
                    if !step.which.is(reader, met[deep]) {
                        continue;
                    }
                    deep = depth;
                    if let Some(next) = met.get_mut(deep) {
                        *next = 0;
                    }
                    if deep == self.steps.len() {
                        if found.is_some() {
                            return Ok(None);
                        }
                        let mut place = self.place(reader);
                        place.is_plain_around = around == scopes;
                        place.is_plain_inside = reader.scopes().count() == scopes;
                        found = Some(place);
                    }
                }
                Event::End { raw, .. } if reader.depth() + 1 == deep => {
                    if let Some(found) = found.as_mut().filter(|_| deep == self.steps.len()) {
                        found.end(raw);
                    }
                    deep -= 1;
                }
                Event::End { .. } => {}
            }
        }
    }

    /// Where the element begins that just did.
    fn place(&self, reader: &Reader<'_, '_>) -> Found {
        let (start, content) = reader.place();
        let attribute = match self.leaf {
            Leaf::Attribute(name) => reader.attribute_place(name).unwrap_or_default(),
            Leaf::Element | Leaf::Text => Default::default(),
        };
        Found {
            element: start..start,
            content: content..content,
            attribute: attribute.0,
            value: attribute.1,
            is_plain_around: false,
            is_plain_inside: false,
        }
    }
}

impl<'s, 'p> Step<'s, 'p> {
    fn parse(text: &'s str, patch: &Reader<'p, '_>) -> Option<Step<'s, 'p>> {
        let (name, which) = match text.split_once('[') {
            Some((name, predicate)) => (name, Which::parse(predicate.strip_suffix(']')?)?),
            None => (text, Which::Any),
        };
        let (prefix, local) = name.split_once(':').unwrap_or(("", name));
        let mut scopes = patch.scopes().filter(|(known, _)| known == prefix);
        let uri = scopes.by_ref().last().map(|(_, uri)| uri);
        let is_known = uri.is_some() || prefix.is_empty();
        let is_step = (local == "*" && prefix.is_empty()) || (is_name(local) && is_known);
        is_step.then_some(Step { local, uri, which })
    }

    /// Whether the element that just began is meant, but for its predicate.
    fn names(&self, reader: &Reader<'_, '_>, tag: Tag<'_>) -> bool {
        if self.local == "*" {
            return true;
        }
        // The document that a patch is for is thought of as an ordinary one (RFC 5262 §6).
        if reader.depth() == 1 && is_root(tag) && self.local == "presence" {
            return true;
        }
        let uri = reader.uri();
        self.local.as_bytes() == tag.local
            && match (self.uri, uri) {
                (Some(own), Some(uri)) => own == uri,
                (None, None) => true,
                (None, Some(uri)) | (Some(uri), None) => uri.is_empty(),
            }
    }
}

impl<'s> Which<'s> {
    fn parse(predicate: &'s str) -> Option<Which<'s>> {
        let Some(attribute) = predicate.strip_prefix('@') else {
            let is_number = predicate.bytes().all(|it| it.is_ascii_digit());
            return predicate.parse().ok().filter(|_| is_number).map(Which::Nth);
        };
        let (name, value) = attribute.split_once('=')?;
        let single = || value.strip_prefix('\'')?.strip_suffix('\'');
        let double = || value.strip_prefix('"')?.strip_suffix('"');
        let value = single().or_else(double)?;
        let is_plain = is_name(name) && !value.contains(['\'', '"']);
        is_plain.then_some(Which::With(name, value))
    }

    /// Whether it is the element that just began, the one of that number.
    fn is(&self, reader: &Reader<'_, '_>, number: usize) -> bool {
        match self {
            Which::Any => true,
            Which::Nth(nth) => number == *nth,
            Which::With(name, value) => reader.attribute(name).is_some_and(|it| it == **value),
        }
    }
}

impl Found {
    /// All that is meant by a selector with that end.
    pub(super) fn whole(&self, leaf: Leaf<'_>) -> Range<usize> {
        match leaf {
            Leaf::Element => self.element.clone(),
            Leaf::Text => self.content.clone(),
            Leaf::Attribute(_) => self.attribute.clone(),
        }
    }

    /// Whether the element is written without an end tag.
    pub(super) fn is_empty_tag(&self, document: &[u8]) -> bool {
        self.content.start == self.element.end
            && document
                .get(..self.element.end)
                .is_some_and(|it| it.ends_with(b"/>"))
    }

    /// The element ends, of which `raw` is all.
    fn end(&mut self, raw: &[u8]) {
        self.element.end = self.element.start + raw.len();
        self.content.end = match self.content.start == self.element.end {
            true => self.element.end,
            false => self.element.start + memchr::memrchr(b'<', raw).unwrap_or_default(),
        };
    }
}

/// The first step of a selector, and what follows it. A value may hold a slash.
fn cut(text: &str) -> Option<(&str, Option<&str>)> {
    let mut quote = None;
    for (at, byte) in text.bytes().enumerate() {
        match (quote, byte) {
            (None, b'/') => return Some((text.get(..at)?, text.get(at + 1..))),
            (None, b'\'' | b'"') => quote = Some(byte),
            (Some(open), _) if open == byte => quote = None,
            (None | Some(_), _) => {}
        }
    }
    quote.is_none().then_some((text, None))
}

fn is_name(text: &str) -> bool {
    let is_part = |it: char| it.is_alphanumeric() || matches!(it, '-' | '_' | '.');
    text.starts_with(|it: char| it.is_alphabetic() || it == '_') && text.chars().all(is_part)
}
