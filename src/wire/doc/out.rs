//! The writing half of XML: text goes out escaped (XML 1.0 §2.4), without the characters XML cannot carry
//! (§2.2), and a document that does not fit is not written at all.

/// The document is longer than the buffer. What the buffer holds now must not be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// Writes into a caller's buffer and remembers if something did not fit.
pub(super) struct Out<'b> {
    buf: &'b mut [u8],
    len: usize,
    full: bool,
}

/// A place in a document that was written so far.
#[derive(Clone, Copy)]
pub(super) struct Mark {
    len: usize,
    full: bool,
}

impl<'b> Out<'b> {
    /// An empty document in `buf`.
    pub(super) const fn new(buf: &'b mut [u8]) -> Out<'b> {
        Out {
            buf,
            len: 0,
            full: false,
        }
    }

    /// Writes markup as it stands.
    pub(super) fn raw(&mut self, markup: &str) {
        self.bytes(markup.as_bytes());
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
        let mut digits = [b'0'; 10];
        let mut at = digits.len();
        let mut left = number;
        while left > 0 {
            at -= 1;
            digits[at] = b'0' + (left % 10) as u8;
            left /= 10;
        }
        self.bytes(&digits[at.min(digits.len() - width.min(digits.len()))..]);
    }

    /// How much is written so far.
    pub(super) const fn position(&self) -> usize {
        self.len
    }

    /// Whether something did not fit.
    pub(super) const fn is_full(&self) -> bool {
        self.full
    }

    /// Where the document is now, to come back to.
    pub(super) const fn mark(&self) -> Mark {
        Mark {
            len: self.len,
            full: self.full,
        }
    }

    /// Takes back what was written since.
    pub(super) const fn rewind(&mut self, mark: Mark) {
        (self.len, self.full) = (mark.len, mark.full);
    }

    /// The document's length.
    ///
    /// # Errors
    /// [`Full`] if any part did not fit.
    pub(super) const fn finish(self) -> Result<usize, Full> {
        if self.full { Err(Full) } else { Ok(self.len) }
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

    /// Writes bytes as they stand.
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        match self.buf[self.len..].get_mut(..bytes.len()) {
            Some(room) => {
                room.copy_from_slice(bytes);
                self.len += bytes.len();
            }
            None => self.full = true,
        }
    }
}

/// Whether a byte may begin a character that needs a closer look. 0xEF begins U+FFFE and U+FFFF.
const fn is_special(byte: u8) -> bool {
    matches!(byte, 0..=0x1F | b'&' | b'<' | b'>' | b'"' | b'\'' | 0xEF)
}
