//! The writing half of XML: text goes out escaped (XML 1.0 §2.4), without the characters XML cannot carry
//! (§2.2), and a document that does not fit is not written at all.

use crate::wire::out;
use crate::wire::out::WriteError;

pub(super) use crate::wire::out::Mark;

/// Writes markup into a caller's buffer and remembers if something did not fit.
pub(super) struct Out<'b>(out::Out<'b>);

impl<'b> Out<'b> {
    /// An empty document in `buf`.
    pub(super) const fn new(buf: &'b mut [u8]) -> Out<'b> {
        Out(out::Out::new(buf))
    }

    /// Goes on where `sink` is.
    pub(super) fn onto(sink: &mut out::Out<'b>, write: impl FnOnce(&mut Out<'b>)) {
        let nowhere = out::Out::new(&mut []);
        let mut out = Out(core::mem::replace(sink, nowhere));
        write(&mut out);
        *sink = out.0;
    }

    /// Writes markup as it stands.
    pub(super) fn raw(&mut self, markup: &str) {
        self.bytes(markup.as_bytes());
    }

    /// Writes bytes as they stand.
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.0.raw(bytes);
    }

    /// Writes character data, escaped; also safe between either kind of quotes.
    pub(super) fn text(&mut self, text: &str) {
        let mut rest = text;
        while let Some(at) = rest.bytes().position(is_special) {
            self.raw(&rest[..at]);
            let odd = rest[at..].chars().next().unwrap_or('\0');
            self.special(odd);
            rest = &rest[at + odd.len_utf8()..];
        }
        self.raw(rest);
    }

    /// Writes ` name="value"`, if there is a value.
    pub(super) fn attribute(&mut self, name: &str, value: Option<&str>) {
        let Some(value) = value else { return };
        self.raw(" ");
        self.raw(name);
        self.raw("=\"");
        self.text(value);
        self.raw("\"");
    }

    /// Writes `<name>value</name>`, if there is a value.
    pub(super) fn element(&mut self, name: &str, value: Option<&str>) {
        let Some(value) = value else { return };
        self.open(name);
        self.text(value);
        self.close(name);
    }

    /// Writes `<name>`.
    pub(super) fn open(&mut self, name: &str) {
        self.raw("<");
        self.raw(name);
        self.raw(">");
    }

    /// Writes `</name>`.
    pub(super) fn close(&mut self, name: &str) {
        self.raw("</");
        self.raw(name);
        self.raw(">");
    }

    /// Writes a number with at least `width` digits.
    pub(super) fn number(&mut self, number: u32, width: usize) {
        self.0.padded(number, width);
    }

    /// Writes what spells itself without markup.
    pub(super) fn print(&mut self, what: &impl out::Print) {
        self.0.print(what);
    }

    /// How much is written so far.
    pub(super) const fn position(&self) -> usize {
        self.0.position()
    }

    /// Whether something did not fit.
    pub(super) const fn is_full(&self) -> bool {
        !self.0.is_sound()
    }

    /// Where the document is now, to come back to.
    pub(super) const fn mark(&self) -> Mark {
        self.0.mark()
    }

    /// Takes back what was written since.
    pub(super) const fn rewind(&mut self, mark: Mark) {
        self.0.rewind(mark);
    }

    /// The document's length.
    ///
    /// # Errors
    /// [`WriteError`] if any part did not fit.
    pub(super) const fn finish(self) -> Result<usize, WriteError> {
        self.0.finish()
    }

    /// Writes one character that is special to XML or unknown to it.
    fn special(&mut self, odd: char) {
        match odd {
            '&' => self.raw("&amp;"),
            '<' => self.raw("&lt;"),
            '>' => self.raw("&gt;"),
            '"' => self.raw("&quot;"),
            '\'' => self.raw("&apos;"),
            // As references, or a reader would turn them into blanks (XML 1.0 §2.11, §3.3.3).
            '\t' => self.raw("&#9;"),
            '\n' => self.raw("&#10;"),
            '\r' => self.raw("&#13;"),
            '\u{FFFE}' | '\u{FFFF}' | '\0'..='\u{1F}' => {}
            fine => self.raw(fine.encode_utf8(&mut [0; 4])),
        }
    }
}

/// Whether a byte may begin a character that needs a closer look. 0xEF begins U+FFFE and U+FFFF.
const fn is_special(byte: u8) -> bool {
    matches!(byte, 0..=0x1F | b'&' | b'<' | b'>' | b'"' | b'\'' | 0xEF)
}
