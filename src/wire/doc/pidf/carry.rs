//! An element of one document made fit to stand in another, which we write.
//!
//! It stays as it is but for what the new place asks for: UTF-8, the namespace declarations that stood around it and
//! that it uses, the language that was said around it, an id of its own. Read Namespaces in XML 1.0 §3 and §5. Our root declares the PIDF namespace as the
//! default, and `dm` and `rpid`; what agrees with that is not declared again.
//!
//! Phones send prefixes that nobody declared, and our reader takes them. A watcher's parser may not, and would lose the
//! whole document, so such a prefix gets a namespace that means nothing. What breaks the rules of namespaces in other
//! ways is not carried.

use super::names::{NAMES, PIDF, PIDF_URI};
use super::walk::{Element, Kind};
use crate::ground::error_texts;
use crate::ground::limits;
use crate::wire::doc::XmlText;
use crate::wire::doc::out::Out;
use crate::wire::doc::xml::{MAX_ATTRIBUTES, MAX_DEPTH, MAX_SCOPES};
use heapless::Vec;
use xmlparser::{ElementEnd, StrSpan, Token, Tokenizer};

/// How an element is carried.
#[derive(Clone, Copy, Debug, Default)]
pub struct Carry<'a> {
    /// Goes behind the id, for the id alone is taken.
    pub suffix: &'a str,
    /// The service is closed, whatever it says of itself.
    pub closed: bool,
}

/// An element that was carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copied {
    /// Bytes written.
    pub len: usize,
    /// Elements in it, itself included.
    pub elements: usize,
}

/// Why an element was not carried; what the buffer holds then is nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Uncarried {
    /// The buffer is too short.
    Full,
    /// It can stand in no document that we write, or is larger than [`limits::CARRIED`].
    Unfit,
}

error_texts!(Uncarried:
    Uncarried::Full => "longer than its buffer",
    Uncarried::Unfit => "it can stand in no other document",
);

impl Element<'_> {
    /// Writes the element to `buf` so that it can stand in the same place of another document.
    ///
    /// # Errors
    /// [`Uncarried`]: nothing was written.
    pub fn carry_to(&self, how: Carry<'_>, buf: &mut [u8]) -> Result<Copied, Uncarried> {
        let mut room = [0; limits::CARRIED];
        let mut out = Out::new(&mut room);
        self.copy(&mut |piece| out.raw(piece));
        let len = out.finish().map_err(|_| Uncarried::Unfit)?;
        let text = core::str::from_utf8(&room[..len]).map_err(|_| Uncarried::Unfit)?;
        let mut scan = Scan::new(self);
        scan.run(text).ok_or(Uncarried::Unfit)?;
        let mut out = Out::new(buf);
        scan.write(text, how, &mut out).ok_or(Uncarried::Unfit)?;
        let len = out.finish().map_err(|_| Uncarried::Full)?;
        let elements = scan.elements;
        Ok(Copied { len, elements })
    }
}

/// What is to be known of an element before it is written.
struct Scan<'e, 't> {
    element: &'e Element<'e>,
    /// Declarations inside, in force at the place that is looked at.
    inner: Vec<(&'t str, &'t str), MAX_SCOPES>,
    /// How many were in force around each open element.
    around: [u8; MAX_DEPTH],
    depth: usize,
    /// Prefixes that need a declaration outside; empty for the default namespace.
    needed: Vec<&'t str, NEEDED>,
    most_inner: usize,
    elements: usize,
    /// Where the name of the element itself ends.
    name_end: usize,
    own_attributes: usize,
    /// The language it relies on, if it has none of its own.
    lang: Option<XmlText<'e>>,
    /// Where its id ends.
    id_end: Option<usize>,
    is_in_status: bool,
    basic_from: Option<usize>,
    /// What stands in each `basic`.
    basics: Vec<(usize, usize), BASICS>,
}

/// A namespace: what a prefix stands for.
#[derive(Clone, Copy)]
enum Uri<'e, 't> {
    Inner(&'t str),
    Outer(XmlText<'e>),
    Undeclared,
}

const NEEDED: usize = 16;

/// A service has one.
const BASICS: usize = 8;

/// Declarations in force at our root.
const OURS: usize = 3;

/// What our root declares.
const DECLARED: [(&str, &str); OURS] = [
    ("", PIDF_URI),
    ("dm", "urn:ietf:params:xml:ns:pidf:data-model"),
    ("rpid", "urn:ietf:params:xml:ns:pidf:rpid"),
];

/// Nothing may be bound to these (Namespaces §3).
const RESERVED: [&str; 2] = [
    "http://www.w3.org/XML/1998/namespace",
    "http://www.w3.org/2000/xmlns/",
];

impl<'e, 't> Scan<'e, 't> {
    fn new(element: &'e Element<'e>) -> Scan<'e, 't> {
        Scan {
            element,
            inner: Vec::new(),
            around: [0; MAX_DEPTH],
            depth: 0,
            needed: Vec::new(),
            most_inner: 0,
            elements: 0,
            name_end: 0,
            own_attributes: 0,
            lang: element.lang.filter(|lang| !lang.is_empty()),
            id_end: None,
            is_in_status: false,
            basic_from: None,
            basics: Vec::new(),
        }
    }

    /// Reads the element; `None` if it is unfit.
    fn run(&mut self, text: &'t str) -> Option<()> {
        let mut tokens = Tokenizer::from(text);
        while let Some(token) = tokens.next() {
            match token.ok()? {
                Token::ElementStart { prefix, local, .. } => {
                    self.start(prefix, local, &mut tokens)?;
                }
                Token::ElementEnd {
                    end: ElementEnd::Close(..),
                    span,
                } => self.end(span.start())?,
                Token::ElementEnd { .. } | Token::Attribute { .. } => return None,
                Token::Text { .. }
                | Token::Cdata { .. }
                | Token::Comment { .. }
                | Token::ProcessingInstruction { .. } => {}
                Token::Declaration { .. }
                | Token::DtdStart { .. }
                | Token::EmptyDtd { .. }
                | Token::EntityDeclaration { .. }
                | Token::DtdEnd { .. } => return None,
            }
        }
        let scopes = OURS + self.needed.len() + self.most_inner;
        let attributes = self.own_attributes + self.needed.len() + usize::from(self.lang.is_some());
        let fits = scopes <= MAX_SCOPES && attributes <= MAX_ATTRIBUTES;
        (self.depth == 0 && self.elements > 0 && fits).then_some(())
    }

    fn start(
        &mut self,
        prefix: StrSpan<'t>,
        local: StrSpan<'t>,
        tokens: &mut Tokenizer<'t>,
    ) -> Option<()> {
        *self.around.get_mut(self.depth)? = self.inner.len() as u8;
        self.elements += 1;
        let mut attributes: Vec<(&str, &str), MAX_ATTRIBUTES> = Vec::new();
        let mut values: Vec<&str, MAX_ATTRIBUTES> = Vec::new();
        let mut count = 0;
        let (end, is_empty) = loop {
            match tokens.next()?.ok()? {
                Token::Attribute {
                    prefix,
                    local,
                    value,
                    ..
                } => {
                    count += 1;
                    match (prefix.as_str(), local.as_str()) {
                        ("xmlns", name) => self.declare(name, value.as_str())?,
                        ("", "xmlns") => self.declare("", value.as_str())?,
                        ("", "id") if self.depth == 0 => {
                            let id = value.as_str().trim_ascii_end();
                            self.id_end = Some(value.start() + id.len());
                        }
                        ("", _) => values.push(value.as_str()).ok()?,
                        ("xml", "lang") if self.depth == 0 => self.lang = None,
                        ("xml", _) => {}
                        named => {
                            values.push(value.as_str()).ok()?;
                            attributes.push(named).ok()?;
                        }
                    }
                }
                Token::ElementEnd { end, span } => match end {
                    ElementEnd::Open => break (span.end(), false),
                    ElementEnd::Empty => break (span.end(), true),
                    ElementEnd::Close(..) => return None,
                },
                _ => return None,
            }
        };
        if self.depth == 0 {
            self.name_end = local.end();
            self.own_attributes = count;
        }
        self.most_inner = self.most_inner.max(self.inner.len());
        self.names(prefix.as_str(), &attributes, &values)?;
        if !is_empty {
            self.enter_basic(prefix.as_str(), local.as_str(), end);
        }
        self.depth += 1;
        match is_empty {
            true => self.end(end),
            false => Some(()),
        }
    }

    /// Looks at every name of a start tag, once its declarations are known.
    fn names(
        &mut self,
        own: &'t str,
        attributes: &[(&'t str, &'t str)],
        values: &[&'t str],
    ) -> Option<()> {
        if own == "xmlns" {
            return None;
        }
        if own != "xml" {
            self.need(own)?;
        }
        for (at, &(prefix, local)) in attributes.iter().enumerate() {
            self.need(prefix)?;
            // No attribute comes twice (Namespaces §6.3).
            let mut before = attributes[..at].iter().filter(|(_, other)| *other == local);
            if before.any(|(other, _)| self.uri(other).is(self.uri(prefix))) {
                return None;
            }
        }
        // A value may name something by prefix too, as `xsi:type` does.
        for value in values {
            if let Some((prefix, _)) = value.trim().split_once(':')
                && matches!(self.uri(prefix), Uri::Outer(_))
            {
                self.need(prefix)?;
            }
        }
        Some(())
    }

    /// A name with this prefix stands here.
    fn need(&mut self, prefix: &'t str) -> Option<()> {
        match self.uri(prefix) {
            Uri::Inner(_) => Some(()),
            Uri::Outer(_) | Uri::Undeclared if self.needed.contains(&prefix) => Some(()),
            Uri::Outer(_) | Uri::Undeclared => self.needed.push(prefix).ok(),
        }
    }

    fn uri(&self, prefix: &str) -> Uri<'e, 't> {
        let mut inner = self.inner.iter().rev();
        if let Some((_, uri)) = inner.find(|(declared, _)| *declared == prefix) {
            return Uri::Inner(uri);
        }
        let around = self.element.namespaces();
        match around.filter(|(declared, _)| declared == prefix).last() {
            Some((_, uri)) => Uri::Outer(uri),
            None => Uri::Undeclared,
        }
    }

    /// A declaration inside the element; `None` if namespaces do not allow it.
    fn declare(&mut self, prefix: &'t str, uri: &'t str) -> Option<()> {
        let is_reserved = matches!(prefix, "xml" | "xmlns") || RESERVED.contains(&uri.trim());
        let undeclares = uri.trim().is_empty() && !prefix.is_empty();
        // Two spellings of one URI could hide an attribute that comes twice.
        let is_plain = !uri.contains('&');
        if is_reserved || undeclares || !is_plain {
            return None;
        }
        self.inner.push((prefix, uri)).ok()
    }

    fn enter_basic(&mut self, prefix: &str, local: &str, content: usize) {
        if self.element.kind != Kind::Tuple {
            return;
        }
        let is = |name: &str| local == name && self.uri(prefix).is_pidf();
        match self.depth {
            1 => self.is_in_status = is("status"),
            2 if self.is_in_status && is("basic") => self.basic_from = Some(content),
            _ => {}
        }
    }

    /// An element ends, whose end tag begins at `tag`.
    fn end(&mut self, tag: usize) -> Option<()> {
        self.depth = self.depth.checked_sub(1)?;
        self.inner.truncate(usize::from(self.around[self.depth]));
        if self.depth == 2
            && let Some(from) = self.basic_from.take()
        {
            self.basics.push((from, tag)).ok()?;
        }
        Some(())
    }

    /// Writes the element; `None` if a declaration around it is unfit.
    fn write(&self, text: &str, how: Carry<'_>, out: &mut Out<'_>) -> Option<()> {
        out.raw(&text[..self.name_end]);
        for prefix in &self.needed {
            self.write_declaration(prefix, out)?;
        }
        if let Some(lang) = self.lang {
            out.raw(" xml:lang=\"");
            write_value(lang, out);
            out.raw("\"");
        }
        let mut at = self.name_end;
        if let Some(end) = self.id_end {
            out.raw(&text[at..end]);
            out.raw(how.suffix);
            at = end;
        }
        if how.closed {
            for &(from, to) in &self.basics {
                out.raw(&text[at..from]);
                out.raw("closed");
                at = to;
            }
        }
        out.raw(&text[at..]);
        Some(())
    }

    fn write_declaration(&self, prefix: &str, out: &mut Out<'_>) -> Option<()> {
        let around = match self.around_root(prefix) {
            Uri::Inner(_) | Uri::Undeclared => None,
            Uri::Outer(uri) => Some(uri),
        };
        let is_ours = |uri: &XmlText<'_>| {
            let ours = DECLARED.iter().find(|(ours, _)| *ours == prefix);
            ours.is_some_and(|(_, ours)| uri == *ours)
        };
        let is_reserved = |uri: &XmlText<'_>| RESERVED.iter().any(|reserved| uri == *reserved);
        match around {
            Some(uri) if is_ours(&uri) => return Some(()),
            Some(uri) if is_reserved(&uri) => return None,
            Some(uri) if uri.is_empty() && !prefix.is_empty() => return None,
            Some(_) | None => {}
        }
        out.raw(" xmlns");
        if !prefix.is_empty() {
            out.raw(":");
            out.raw(prefix);
        }
        out.raw("=\"");
        match around {
            Some(uri) => write_value(uri, out),
            None if prefix.is_empty() => {}
            None => {
                out.raw("urn:undeclared:");
                out.raw(prefix);
            }
        }
        out.raw("\"");
        Some(())
    }

    /// What a prefix stands for outside.
    fn around_root(&self, prefix: &str) -> Uri<'e, 't> {
        debug_assert!(self.inner.is_empty(), "the element has ended");
        self.uri(prefix)
    }
}

/// Writes the value of an attribute.
fn write_value(value: XmlText<'_>, out: &mut Out<'_>) {
    for char in value.chars() {
        out.text(char.encode_utf8(&mut [0; 4]));
    }
}

impl Uri<'_, '_> {
    fn is(self, other: Uri<'_, '_>) -> bool {
        match (self, other) {
            (Uri::Inner(one), Uri::Inner(two)) => one.trim() == two.trim(),
            (Uri::Inner(one), Uri::Outer(two)) => two == *one.trim(),
            (Uri::Outer(one), Uri::Inner(two)) => one == *two.trim(),
            (Uri::Outer(one), Uri::Outer(two)) => one == two,
            // Each such prefix has a namespace of its own.
            (Uri::Undeclared, _) | (_, Uri::Undeclared) => false,
        }
    }

    fn is_pidf(self) -> bool {
        let is = |uri: &str| NAMES.contains(&(uri, PIDF));
        match self {
            Uri::Inner(uri) => is(uri.trim()),
            Uri::Outer(uri) => uri.copy::<64>().is_some_and(|uri| is(&uri)),
            Uri::Undeclared => false,
        }
    }
}
