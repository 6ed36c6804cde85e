//! Tokens to elements.

use super::charset::Charset;
use super::copy;
use super::text::{Reference, reference};
use super::{
    Fault, MAX_ATTRIBUTES, MAX_DEPTH, MAX_ELEMENTS, MAX_SCOPES, Names, Namespace, XmlText,
};
use core::ops::Range;
use xmlparser::{ElementEnd, StrSpan, Token, Tokenizer};

/// What comes next in a document.
#[derive(Clone, Copy)]
pub(in crate::wire::doc) enum Event<'a> {
    /// An element begins; its attributes can be asked for until the next event.
    Start(Tag<'a>),
    /// An element ends.
    End {
        /// Its content up to the first child.
        text: XmlText<'a>,
        /// All of it, from `<` to `>`.
        raw: &'a [u8],
    },
}

/// An element's name.
#[derive(Clone, Copy)]
pub(in crate::wire::doc) struct Tag<'a> {
    /// The namespace its prefix stands for.
    pub(in crate::wire::doc) namespace: Namespace,
    /// The name without the prefix.
    pub(in crate::wire::doc) local: &'a [u8],
}

/// A piece of the document, by position.
#[derive(Clone, Copy, Default)]
struct Span {
    start: u16,
    end: u16,
}

#[derive(Clone, Copy, Default)]
struct Attribute {
    prefix: Span,
    local: Span,
    value: Span,
    /// The namespace's number, [`NO_URI`] without one.
    uri: u8,
}

/// A namespace declaration.
#[derive(Clone, Copy)]
struct Scope {
    prefix: Span,
    value: Span,
    /// The place of the first declaration with the same URI: the namespace's number.
    uri: u8,
    namespace: Namespace,
}

/// An element that has not ended.
#[derive(Clone, Copy, Default)]
struct Open {
    prefix: Span,
    local: Span,
    start: u16,
    content: u16,
    /// Where the first child begins; 0 without one.
    child: u16,
    /// How many namespace declarations were in force outside.
    scopes: u8,
}

const NO_URI: u8 = u8::MAX;

const NO_SCOPE: Scope = Scope {
    prefix: Span { start: 0, end: 0 },
    value: Span { start: 0, end: 0 },
    uri: NO_URI,
    namespace: Namespace::NONE,
};

/// A document being read. After an error there is nothing more to ask.
#[derive(Clone)]
pub(in crate::wire::doc) struct Reader<'a, 't> {
    raw: &'a [u8],
    /// Where in `raw` the tokens begin.
    base: usize,
    charset: Charset,
    names: Names,
    tokens: Tokenizer<'t>,
    attributes: [Attribute; MAX_ATTRIBUTES],
    attribute_count: usize,
    scopes: [Scope; MAX_SCOPES],
    scope_count: usize,
    open: [Open; MAX_DEPTH],
    depth: usize,
    elements: usize,
    /// The element that just began has no content: where its tag ends.
    closed_at: Option<u16>,
}

impl<'a, 't> Reader<'a, 't> {
    /// Reads `text`, which stands for `raw[base..]` byte by byte.
    pub(super) fn new(
        raw: &'a [u8],
        base: usize,
        text: &'t str,
        charset: Charset,
        names: Names,
    ) -> Reader<'a, 't> {
        Reader {
            raw,
            base,
            charset,
            names,
            tokens: Tokenizer::from(text),
            attributes: [Attribute::default(); MAX_ATTRIBUTES],
            attribute_count: 0,
            scopes: [NO_SCOPE; MAX_SCOPES],
            scope_count: 0,
            open: [Open::default(); MAX_DEPTH],
            depth: 0,
            elements: 0,
            closed_at: None,
        }
    }

    /// The next event; `None` at the end of a whole document.
    pub(in crate::wire::doc) fn next(&mut self) -> Result<Option<Event<'a>>, Fault> {
        if let Some(end) = self.closed_at.take() {
            return self.end(end, end).map(Some);
        }
        while let Some(token) = self.tokens.next() {
            match token.map_err(|_| Fault::Syntax)? {
                Token::ElementStart {
                    prefix,
                    local,
                    span,
                } => return self.start(prefix, local, span).map(Some),
                Token::ElementEnd {
                    end: ElementEnd::Close(prefix, local),
                    span,
                } => {
                    self.check_name(prefix, local)?;
                    let span = self.span(span);
                    return self.end(span.start, span.end).map(Some);
                }
                Token::Text { text } => self.check_references(self.span(text))?,
                Token::Cdata { .. } | Token::Comment { .. } => {}
                Token::ProcessingInstruction {
                    target, content, ..
                } => check_instruction(target, content)?,
                Token::DtdStart { .. }
                | Token::EmptyDtd { .. }
                | Token::EntityDeclaration { .. }
                | Token::DtdEnd { .. } => return Err(Fault::Doctype),
                Token::Declaration { .. } | Token::Attribute { .. } | Token::ElementEnd { .. } => {
                    return Err(Fault::Syntax);
                }
            }
        }
        let is_whole = self.depth == 0 && self.elements > 0;
        if is_whole {
            Ok(None)
        } else {
            Err(Fault::Syntax)
        }
    }

    /// Reads to the end of the document, for its faults only.
    pub(in crate::wire::doc) fn check_rest(&mut self) -> Result<(), Fault> {
        while self.next()?.is_some() {}
        Ok(())
    }

    /// The value of an attribute without prefix.
    pub(in crate::wire::doc) fn attribute(&self, name: &str) -> Option<XmlText<'a>> {
        self.find(
            |attribute| attribute.uri == NO_URI && self.at(attribute.prefix).is_empty(),
            name,
        )
    }

    /// The value of an attribute in a namespace.
    pub(in crate::wire::doc) fn attribute_in(
        &self,
        namespace: Namespace,
        name: &str,
    ) -> Option<XmlText<'a>> {
        let is_in = |attribute: &Attribute| {
            let scope = self.scopes.get(usize::from(attribute.uri));
            scope.is_some_and(|scope| scope.namespace == namespace)
        };
        self.find(is_in, name)
    }

    /// The value of its `xml:lang` (XML 1.0 §2.12).
    pub(in crate::wire::doc) fn lang(&self) -> Option<XmlText<'a>> {
        // No name can be bound to that prefix but its own (Namespaces in XML 1.0 §3).
        self.find(|attribute| self.at(attribute.prefix) == b"xml", "lang")
    }

    /// Where the attribute without prefix stands in the document: with its name and quotes, and its value alone.
    pub(in crate::wire::doc) fn attribute_place(
        &self,
        name: &str,
    ) -> Option<(Range<usize>, Range<usize>)> {
        let is_it =
            |it: &&Attribute| self.at(it.prefix).is_empty() && self.at(it.local) == name.as_bytes();
        let found = self.attributes[..self.attribute_count].iter().find(is_it)?;
        let value = usize::from(found.value.start)..usize::from(found.value.end);
        Some((usize::from(found.local.start)..value.end + 1, value))
    }

    /// Where the element that just began does so, and where its tag ends.
    pub(in crate::wire::doc) fn place(&self) -> (usize, usize) {
        let open = self.open[..self.depth].last().copied();
        let Open { start, content, .. } = open.unwrap_or_default();
        (usize::from(start), usize::from(content))
    }

    /// The namespace of the element that just began, as its declaration writes it.
    pub(in crate::wire::doc) fn uri(&self) -> Option<XmlText<'a>> {
        let open = self.open[..self.depth].last()?;
        self.scope(open.prefix).map(|scope| self.value(scope.value))
    }

    /// How many elements are open, the one that just began included.
    pub(in crate::wire::doc) const fn depth(&self) -> usize {
        self.depth
    }

    /// The namespace declarations in force: prefix (empty for the default) and URI. Of two with the same
    /// prefix the later counts.
    pub(in crate::wire::doc) fn scopes(&self) -> impl Iterator<Item = (XmlText<'a>, XmlText<'a>)> {
        self.scopes[..self.scope_count]
            .iter()
            .map(|scope| (self.value(scope.prefix), self.value(scope.value)))
    }

    /// Hands one of this document's elements on, in UTF-8 and with every bare `&` escaped.
    pub(in crate::wire::doc) fn copy(&self, raw: &[u8], emit: &mut dyn FnMut(&str)) {
        copy::copy(raw, self.charset, emit);
    }

    fn start(
        &mut self,
        prefix: StrSpan<'t>,
        local: StrSpan<'t>,
        span: StrSpan<'t>,
    ) -> Result<Event<'a>, Fault> {
        let start = self.span(span).start;
        self.elements += 1;
        if self.elements > MAX_ELEMENTS {
            return Err(Fault::TooLarge);
        }
        if self.depth == 0 && self.elements > 1 {
            return Err(Fault::Syntax);
        }
        if self.depth == MAX_DEPTH {
            return Err(Fault::TooDeep);
        }
        if let Some(parent) = self.open[..self.depth].last_mut()
            && parent.child == 0
        {
            parent.child = start;
        }
        let mut open = Open {
            prefix: self.span(prefix),
            local: self.name(prefix, local)?,
            start,
            content: 0,
            child: 0,
            scopes: self.scope_count as u8,
        };
        open.content = self.read_attributes()?;
        self.resolve_attributes(usize::from(open.scopes))?;
        self.open[self.depth] = open;
        self.depth += 1;
        Ok(Event::Start(Tag {
            namespace: self.namespace(open.prefix),
            local: self.at(open.local),
        }))
    }

    /// Reads the rest of a start tag and says where it ends.
    fn read_attributes(&mut self) -> Result<u16, Fault> {
        self.attribute_count = 0;
        let mut declarations = 0;
        loop {
            match self
                .tokens
                .next()
                .ok_or(Fault::Syntax)?
                .map_err(|_| Fault::Syntax)?
            {
                Token::Attribute {
                    prefix,
                    local,
                    value,
                    ..
                } => {
                    if self.attribute_count + declarations == MAX_ATTRIBUTES {
                        return Err(Fault::TooLarge);
                    }
                    let local = self.name(prefix, local)?;
                    let (prefix, value) = (self.span(prefix), self.span(value));
                    self.check_references(value)?;
                    if self.at(prefix) == b"xmlns" {
                        declarations += 1;
                        self.declare(local, value)?;
                    } else if self.at(prefix).is_empty() && self.at(local) == b"xmlns" {
                        declarations += 1;
                        self.declare(Span::default(), value)?;
                    } else {
                        self.attributes[self.attribute_count] = Attribute {
                            prefix,
                            local,
                            value,
                            uri: NO_URI,
                        };
                        self.attribute_count += 1;
                    }
                }
                Token::ElementEnd { end, span } => {
                    let tag_end = self.span(span).end;
                    return match end {
                        ElementEnd::Open => Ok(tag_end),
                        ElementEnd::Empty => {
                            self.closed_at = Some(tag_end);
                            Ok(tag_end)
                        }
                        ElementEnd::Close(..) => Err(Fault::Syntax),
                    };
                }
                _ => return Err(Fault::Syntax),
            }
        }
    }

    fn declare(&mut self, prefix: Span, value: Span) -> Result<(), Fault> {
        if self.scope_count == MAX_SCOPES {
            return Err(Fault::TooLarge);
        }
        // As written: two spellings of one URI only hide a doubled attribute, and decoding each anew for each
        // would cost a flood of declarations too much.
        let is_same = |scope: &Scope| self.at(scope.value) == self.at(value);
        let same = self.scopes[..self.scope_count].iter().position(is_same);
        self.scopes[self.scope_count] = Scope {
            prefix,
            value,
            uri: same.unwrap_or(self.scope_count) as u8,
            namespace: Namespace::of(self.value(value), self.names),
        };
        self.scope_count += 1;
        Ok(())
    }

    /// Finds the attributes' namespaces; none may come twice (Namespaces §6.3), nor a declaration.
    fn resolve_attributes(&mut self, outside: usize) -> Result<(), Fault> {
        for at in 0..self.attribute_count {
            let Attribute { prefix, local, .. } = self.attributes[at];
            let uri = match self.at(prefix) {
                b"" => NO_URI,
                _ => self.scope(prefix).map_or(NO_URI, |scope| scope.uri),
            };
            self.attributes[at].uri = uri;
            let is_same = |other: &Attribute| {
                let is_bound = uri != NO_URI && uri == other.uri;
                (is_bound || self.at(prefix) == self.at(other.prefix))
                    && self.at(local) == self.at(other.local)
            };
            if self.attributes[..at].iter().any(is_same) {
                return Err(Fault::Syntax);
            }
        }
        let new = &self.scopes[outside..self.scope_count];
        let is_twice = |(at, scope): (usize, &Scope)| {
            let is_same = |other: &Scope| self.at(other.prefix) == self.at(scope.prefix);
            new[..at].iter().any(is_same)
        };
        if new.iter().enumerate().any(is_twice) {
            return Err(Fault::Syntax);
        }
        Ok(())
    }

    fn check_name(&self, prefix: StrSpan<'t>, local: StrSpan<'t>) -> Result<(), Fault> {
        let open = self.open[..self.depth].last().ok_or(Fault::Syntax)?;
        let is_same = self.at(open.prefix) == self.at(self.span(prefix))
            && self.at(open.local) == self.at(self.name(prefix, local)?);
        if is_same { Ok(()) } else { Err(Fault::Syntax) }
    }

    /// Ends the innermost element, whose end tag goes from `tag` to `end`.
    fn end(&mut self, tag: u16, end: u16) -> Result<Event<'a>, Fault> {
        self.depth = self.depth.checked_sub(1).ok_or(Fault::Syntax)?;
        let open = self.open[self.depth];
        self.scope_count = usize::from(open.scopes);
        self.attribute_count = 0;
        let text = Span {
            start: open.content,
            end: if open.child == 0 { tag } else { open.child },
        };
        let raw = Span {
            start: open.start,
            end,
        };
        Ok(Event::End {
            text: XmlText::content(self.at(text), self.charset),
            raw: self.at(raw),
        })
    }

    /// A reference to a character XML does not know is a fault; a bare `&` is not.
    fn check_references(&self, span: Span) -> Result<(), Fault> {
        let text = self.at(span);
        let is_illegal = |at| matches!(reference(&text[at..]), Reference::Illegal);
        if memchr::memchr_iter(b'&', text).any(is_illegal) {
            return Err(Fault::Syntax);
        }
        Ok(())
    }

    fn namespace(&self, prefix: Span) -> Namespace {
        match self.scope(prefix) {
            Some(scope) => scope.namespace,
            None => match self.at(prefix) {
                b"" => Namespace::NONE,
                b"xml" => Namespace::XML,
                _ => Namespace::UNKNOWN,
            },
        }
    }

    /// The declaration in force for a prefix.
    fn scope(&self, prefix: Span) -> Option<&Scope> {
        let prefix = self.at(prefix);
        let in_force = &self.scopes[..self.scope_count];
        in_force
            .iter()
            .rfind(|scope| self.at(scope.prefix) == prefix)
    }

    fn find(&self, is_in: impl Fn(&Attribute) -> bool, name: &str) -> Option<XmlText<'a>> {
        let is_it = |attribute: &&Attribute| {
            is_in(attribute) && self.at(attribute.local) == name.as_bytes()
        };
        let found = self.attributes[..self.attribute_count].iter().find(is_it)?;
        Some(self.value(found.value))
    }

    fn value(&self, span: Span) -> XmlText<'a> {
        XmlText::attribute(self.at(span), self.charset)
    }

    fn at(&self, span: Span) -> &'a [u8] {
        let range = usize::from(span.start)..usize::from(span.end);
        self.raw.get(range).unwrap_or_default()
    }

    /// The place of a name without its prefix. The tokens take `:name` for a name without prefix, which would
    /// pair it with `name`; it is not a name then (Namespaces §4).
    fn name(&self, prefix: StrSpan<'t>, local: StrSpan<'t>) -> Result<Span, Fault> {
        let span = self.span(local);
        let before = usize::from(span.start).checked_sub(1);
        let is_bare = prefix.is_empty() && before.and_then(|at| self.raw.get(at)) == Some(&b':');
        if is_bare {
            Err(Fault::Syntax)
        } else {
            Ok(span)
        }
    }

    /// A token's place in the document. The document's length fits 16 bits.
    fn span(&self, span: StrSpan<'t>) -> Span {
        let start = self.base + span.start();
        Span {
            start: start as u16,
            end: (start + span.as_str().len()) as u16,
        }
    }
}

/// An instruction's name is not `xml` and ends with a blank (XML 1.0 §2.6); the tokens do not ask for either.
fn check_instruction(target: StrSpan<'_>, content: Option<StrSpan<'_>>) -> Result<(), Fault> {
    let is_reserved = target.as_str().eq_ignore_ascii_case("xml");
    let is_glued = content.is_some_and(|content| content.start() == target.end());
    if is_reserved || is_glued {
        return Err(Fault::Syntax);
    }
    Ok(())
}
