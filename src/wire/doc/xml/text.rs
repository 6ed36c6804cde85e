//! Character data, decoded where it is read: references (XML 1.0 §4.1), line ends (§2.11), attribute blanks
//! (§3.3.3), CDATA sections (§2.7), comments.

use super::charset::Charset;
use core::fmt;
use heapless::String;

/// A piece of a document's text: an attribute's value, or an element's content up to its first child, without
/// the blanks at both ends.
///
/// Nothing is decoded until someone looks. An `&` that begins no reference stands for itself (FreeSWITCH does
/// not escape names).
#[derive(Clone, Copy)]
pub struct XmlText<'a> {
    raw: &'a [u8],
    kind: Kind,
    charset: Charset,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Attribute,
    Content,
}

impl<'a> XmlText<'a> {
    /// No text at all.
    pub const EMPTY: XmlText<'static> = XmlText {
        raw: &[],
        kind: Kind::Attribute,
        charset: Charset::Utf8,
    };

    pub(super) const fn attribute(raw: &'a [u8], charset: Charset) -> XmlText<'a> {
        XmlText {
            raw: raw.trim_ascii(),
            kind: Kind::Attribute,
            charset,
        }
    }

    pub(super) const fn content(raw: &'a [u8], charset: Charset) -> XmlText<'a> {
        XmlText {
            raw: raw.trim_ascii(),
            kind: Kind::Content,
            charset,
        }
    }

    /// The characters, decoded.
    pub const fn chars(&self) -> Chars<'a> {
        Chars {
            rest: self.raw,
            kind: self.kind,
            charset: self.charset,
            cdata: false,
        }
    }

    /// The bytes as they stand in the document, if that is the text: UTF-8 with nothing to decode.
    pub fn plain(&self) -> Option<&'a str> {
        let is_plain = self.charset == Charset::Utf8 && !self.is_coded();
        is_plain.then(|| core::str::from_utf8(self.raw).ok())?
    }

    /// Whether there are no characters.
    pub fn is_empty(&self) -> bool {
        self.chars().next().is_none()
    }

    /// Whether the text is this ASCII word, in any case.
    pub fn is(&self, word: &str) -> bool {
        if self.raw.eq_ignore_ascii_case(word.as_bytes()) {
            return true;
        }
        let same = |(a, b): (char, char)| a.eq_ignore_ascii_case(&b);
        // What stands for a character is longer than it.
        self.raw.len() > word.len()
            && self.is_coded()
            && self.chars().count() == word.len()
            && self.chars().zip(word.chars()).all(same)
    }

    /// The text as a decimal number; `None` if it is anything else or over 32 bits.
    pub fn number(&self) -> Option<u32> {
        let digit = |sum: Option<u32>, next: char| {
            let digit = next.to_digit(10)?;
            sum?.checked_mul(10)?.checked_add(digit)
        };
        if self.is_empty() {
            return None;
        }
        self.chars().fold(Some(0), digit)
    }

    /// A copy of the whole text; `None` if it does not fit.
    pub fn copy<const N: usize>(&self) -> Option<String<N>> {
        let mut copy = String::new();
        if let Some(plain) = self.plain() {
            copy.push_str(plain).ok()?;
            return Some(copy);
        }
        for char in self.chars() {
            copy.push(char).ok()?;
        }
        Some(copy)
    }

    /// A copy of as much of the text as fits, for people to read; never for comparing.
    pub fn cut<const N: usize>(&self) -> String<N> {
        let mut copy = String::new();
        if let Some(plain) = self.plain()
            && copy.push_str(plain).is_ok()
        {
            return copy;
        }
        for char in self.chars() {
            if copy.push(char).is_err() {
                break;
            }
        }
        copy
    }

    /// Whether these are the very bytes: of an ASCII text without anything to decode, the same as being equal to it,
    /// as long as the document does not write it in a roundabout way.
    pub(super) fn is_written(&self, text: &str) -> bool {
        self.raw == text.as_bytes()
    }

    /// Whether the characters differ from the bytes. Of the control characters XML has the tab and the line ends.
    pub(super) fn is_coded(&self) -> bool {
        let is_coded = |byte: &u8| matches!(byte, 0..=b'\r' | b'&' | b'<');
        self.raw.iter().any(is_coded)
    }
}

impl PartialEq<str> for XmlText<'_> {
    /// Exact, after decoding.
    fn eq(&self, other: &str) -> bool {
        match self.charset {
            // What stands for a character is never shorter than it.
            Charset::Utf8 if self.raw.len() < other.len() => false,
            Charset::Utf8 if !self.is_coded() => self.is_written(other),
            Charset::Utf8 | Charset::Latin1 | Charset::Windows1252 => {
                self.chars().eq(other.chars())
            }
        }
    }
}

impl PartialEq for XmlText<'_> {
    /// Exact, after decoding.
    fn eq(&self, other: &XmlText<'_>) -> bool {
        if self.charset == other.charset && !self.is_coded() && !other.is_coded() {
            return self.raw == other.raw;
        }
        self.chars().eq(other.chars())
    }
}

impl Eq for XmlText<'_> {}

impl fmt::Display for XmlText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.chars()
            .try_for_each(|char| fmt::Write::write_char(f, char))
    }
}

impl fmt::Debug for XmlText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

/// The decoded characters of a [`XmlText`].
#[derive(Clone)]
pub struct Chars<'a> {
    rest: &'a [u8],
    kind: Kind,
    charset: Charset,
    cdata: bool,
}

impl Iterator for Chars<'_> {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        while self.is_at_markup() {
            self.skip_markup()?;
        }
        let (char, len) = match *self.rest.first()? {
            b'&' if !self.cdata => self.reference(),
            b'\r' if self.rest.get(1) == Some(&b'\n') => (self.blank('\n'), 2),
            b'\r' | b'\n' => (self.blank('\n'), 1),
            b'\t' => (self.blank('\t'), 1),
            ascii @ 0..=0x7F => (char::from(ascii), 1),
            high if self.charset != Charset::Utf8 => (self.charset.char(high), 1),
            _ => utf8(self.rest),
        };
        self.rest = self.rest.get(len..).unwrap_or_default();
        Some(char)
    }
}

impl Chars<'_> {
    fn is_at_markup(&self) -> bool {
        match self.rest.first() {
            Some(b'<') => self.kind == Kind::Content && !self.cdata,
            Some(b']') => self.cdata && self.rest.starts_with(b"]]>"),
            _ => false,
        }
    }

    /// Steps over one piece of markup; `None` at the end of the text.
    fn skip_markup(&mut self) -> Option<()> {
        let len = if self.cdata {
            self.cdata = false;
            3
        } else if self.rest.starts_with(b"<![CDATA[") {
            self.cdata = true;
            9
        } else if self.rest.starts_with(b"<!--") {
            7 + memchr::memmem::find(self.rest.get(4..)?, b"-->")?
        } else {
            4 + memchr::memmem::find(self.rest.strip_prefix(b"<?")?, b"?>")?
        };
        self.rest = self.rest.get(len..)?;
        Some(())
    }

    /// A blank character as it is: in an attribute it is always a space.
    fn blank(&self, blank: char) -> char {
        match self.kind {
            Kind::Attribute => ' ',
            Kind::Content => blank,
        }
    }

    fn reference(&self) -> (char, usize) {
        match reference(self.rest) {
            Reference::Char(char, len) => (char, len),
            Reference::None | Reference::Illegal => ('&', 1),
        }
    }
}

/// What stands at an `&`.
pub(super) enum Reference {
    /// A character and the length of its reference.
    Char(char, usize),
    /// No reference: the `&` stands for itself.
    None,
    /// A reference to a character XML does not allow (XML 1.0 §4.1).
    Illegal,
}

/// The references that need no declaration.
const NAMED: [(&[u8], char); 5] = [
    (b"&amp;", '&'),
    (b"&lt;", '<'),
    (b"&gt;", '>'),
    (b"&quot;", '"'),
    (b"&apos;", '\''),
];

/// Decodes the reference at the beginning of `text`, which begins with `&`.
pub(super) fn reference(text: &[u8]) -> Reference {
    if let Some(number) = text.strip_prefix(b"&#") {
        return numeric(number);
    }
    for (name, char) in NAMED {
        if text.starts_with(name) {
            return Reference::Char(char, name.len());
        }
    }
    Reference::None
}

/// Decodes `38;` or `x26;`.
fn numeric(text: &[u8]) -> Reference {
    let (radix, digits) = match text.strip_prefix(b"x") {
        Some(digits) => (16, digits),
        None => (10, text),
    };
    let mut code = 0_u32;
    for (at, &byte) in digits.iter().enumerate() {
        match char::from(byte).to_digit(radix) {
            Some(digit) => code = code.saturating_mul(radix).saturating_add(digit),
            None if byte == b';' && at > 0 => {
                let len = text.len() - digits.len() + at + 3;
                return legal(code).map_or(Reference::Illegal, |char| Reference::Char(char, len));
            }
            None => return Reference::None,
        }
    }
    Reference::None
}

/// The character of a code that XML 1.0 §2.2 allows.
fn legal(code: u32) -> Option<char> {
    let char = char::from_u32(code)?;
    let is_control = char < ' ' && !matches!(char, '\t' | '\n' | '\r');
    (!is_control && !matches!(char, '\u{FFFE}' | '\u{FFFF}')).then_some(char)
}

/// The first character of UTF-8 text.
fn utf8(text: &[u8]) -> (char, usize) {
    let len = match text.first() {
        Some(0xC0..=0xDF) => 2,
        Some(0xE0..=0xEF) => 3,
        Some(0xF0..) => 4,
        Some(_) | None => 1,
    };
    let char = text
        .get(..len)
        .and_then(|bytes| core::str::from_utf8(bytes).ok());
    match char.and_then(|char| char.chars().next()) {
        Some(char) => (char, len),
        None => (char::REPLACEMENT_CHARACTER, 1),
    }
}
