//! The sink that messages and documents are written to: bounded, and all or nothing.

use crate::ground::error_texts;
use crate::ground::hex::hex;
use core::net::{IpAddr, SocketAddr};

/// Why nothing was written. What the buffer holds must not be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteError {
    /// It is longer than the buffer.
    TooLong,
    /// A value would have broken the message: it holds a CR, LF or NUL, or is empty where it must not be.
    Illegal,
}

error_texts!(WriteError:
    WriteError::TooLong => "longer than its buffer",
    WriteError::Illegal => "a value that cannot be written",
);

/// Bytes into a caller's slice. Once something failed nothing more is taken, and [`Out::finish`] says why.
#[derive(Debug)]
pub struct Out<'b> {
    buf: &'b mut [u8],
    at: usize,
    error: Option<WriteError>,
}

/// A place in what was written so far, to come back to.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    at: usize,
    error: Option<WriteError>,
}

impl Mark {
    /// How much was written up to there.
    pub const fn position(&self) -> usize {
        self.at
    }
}

/// What can be written as it is read.
pub trait Print {
    /// Appends the canonical spelling; the sink remembers a failure.
    fn print(&self, out: &mut Out<'_>);
}

impl<'b> Out<'b> {
    /// An empty sink.
    pub const fn new(buf: &'b mut [u8]) -> Out<'b> {
        Out {
            buf,
            at: 0,
            error: None,
        }
    }

    /// Appends bytes as they are.
    #[inline]
    pub fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        if let Some(hole) = self.hole(bytes.len()) {
            hole.copy_from_slice(bytes);
        }
        self
    }

    /// The next `len` bytes, to be filled; `None` if they do not fit or something failed before.
    #[inline]
    fn hole(&mut self, len: usize) -> Option<&mut [u8]> {
        if self.error.is_some() {
            return None;
        }
        let from = self.at;
        let hole = self.buf.get_mut(from..from + len);
        match hole {
            Some(_) => self.at += len,
            None => self.error = Some(WriteError::TooLong),
        }
        hole
    }

    /// Appends bytes of a header value; a CR, LF or NUL among them fails the whole.
    #[inline]
    pub fn value(&mut self, bytes: &[u8]) -> &mut Self {
        // Pieces are short: a plain pass over them beats a call of memchr.
        let is_bad = |byte: &u8| matches!(byte, b'\r' | b'\n' | 0);
        if bytes.iter().fold(false, |bad, byte| bad | is_bad(byte)) {
            self.fail();
        }
        self.raw(bytes)
    }

    /// Appends what a peer sent of a header value, folding included (RFC 3261 §7.3.1). A CR or LF that is no folding fails
    /// the whole.
    #[inline]
    pub fn echo(&mut self, bytes: &[u8]) -> &mut Self {
        let is_control = |byte: &u8| *byte < b' ';
        if bytes.iter().fold(false, |any, byte| any | is_control(byte)) && !is_folded(bytes) {
            self.fail();
        }
        self.raw(bytes)
    }

    /// Appends one byte.
    pub fn byte(&mut self, byte: u8) -> &mut Self {
        self.raw(&[byte])
    }

    /// Appends a decimal number.
    pub fn decimal(&mut self, number: u32) -> &mut Self {
        self.padded(number, 1)
    }

    /// Appends a decimal number with at least `width` digits, ten at most.
    pub fn padded(&mut self, mut number: u32, width: usize) -> &mut Self {
        let digits = number.checked_ilog10().unwrap_or(0) as usize + 1;
        if let Some(hole) = self.hole(digits.max(width.min(10))) {
            for digit in hole.iter_mut().rev() {
                *digit = b'0' + (number % 10) as u8;
                number /= 10;
            }
        }
        self
    }

    /// Appends the last `digits` hexadecimal digits of a number, in lower case.
    pub fn hex(&mut self, number: u64, digits: usize) -> &mut Self {
        if let Some(hole) = self.hole(digits) {
            hex(hole, number);
        }
        self
    }

    /// Appends an address as a parameter value is written: IPv6 without brackets (RFC 5118 §4.5).
    pub fn ip(&mut self, ip: IpAddr) -> &mut Self {
        match ip {
            IpAddr::V4(v4) => {
                let [a, b, c, d] = v4.octets();
                self.decimal(a.into()).byte(b'.').decimal(b.into());
                self.byte(b'.').decimal(c.into());
                self.byte(b'.').decimal(d.into())
            }
            IpAddr::V6(v6) => self.display(&v6),
        }
    }

    /// Appends an address as a host is written: IPv6 in brackets.
    pub fn host(&mut self, ip: IpAddr) -> &mut Self {
        match ip {
            IpAddr::V4(_) => self.ip(ip),
            IpAddr::V6(_) => self.byte(b'[').ip(ip).byte(b']'),
        }
    }

    /// Appends `host:port`.
    pub fn address(&mut self, address: SocketAddr) -> &mut Self {
        self.host(address.ip())
            .byte(b':')
            .decimal(address.port().into())
    }

    /// Appends what prints itself.
    pub fn print(&mut self, what: &impl Print) -> &mut Self {
        what.print(self);
        self
    }

    /// Appends what displays itself: the slow way, for what is rare.
    pub fn display(&mut self, what: &dyn core::fmt::Display) -> &mut Self {
        // A failure is remembered.
        let _ = core::fmt::write(self, format_args!("{what}"));
        self
    }

    /// Appends values with a comma between them.
    pub fn list<'v>(&mut self, values: impl IntoIterator<Item = &'v [u8]>) -> &mut Self {
        for (at, value) in values.into_iter().enumerate() {
            self.raw(if at == 0 { b"" } else { b", " }).echo(value);
        }
        self
    }

    /// Makes the whole fail: what should be written can't be. What failed first is what is told.
    pub fn fail(&mut self) -> &mut Self {
        self.error = self.error.or(Some(WriteError::Illegal));
        self
    }

    /// Whether all went well so far.
    pub const fn is_sound(&self) -> bool {
        self.error.is_none()
    }

    /// How much is written so far; where a value can be patched later.
    pub const fn position(&self) -> usize {
        self.at
    }

    /// Where the sink is now, to come back to.
    pub const fn mark(&self) -> Mark {
        Mark {
            at: self.at,
            error: self.error,
        }
    }

    /// Takes back what was written since.
    pub const fn rewind(&mut self, mark: Mark) {
        (self.at, self.error) = (mark.at, mark.error);
    }

    /// How much is written.
    ///
    /// # Errors
    /// [`WriteError`] if anything did not fit or was refused.
    pub const fn finish(&self) -> Result<usize, WriteError> {
        match self.error {
            None => Ok(self.at),
            Some(error) => Err(error),
        }
    }
}

/// Whether each CR and LF is of a line end that white space follows.
#[inline(never)]
fn is_folded(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while let Some(at) = memchr::memchr2(b'\r', b'\n', rest) {
        match &rest[at..] {
            [b'\r', b'\n', b' ' | b'\t', tail @ ..] => rest = tail,
            _ => return false,
        }
    }
    true
}

impl core::fmt::Write for Out<'_> {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        self.raw(text.as_bytes());
        match self.error {
            None => Ok(()),
            Some(_) => Err(core::fmt::Error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Write = fn(&mut Out<'_>);

    fn written(write: Write) -> Result<usize, WriteError> {
        let mut buf = [0; 8];
        let mut out = Out::new(&mut buf);
        write(&mut out);
        out.finish()
    }

    #[test]
    fn what_failed_first_is_told() {
        let cases: [(Write, _); 5] = [
            (|out| _ = out.value(b"12345678"), Ok(8)),
            (|out| _ = out.value(b"123456789"), Err(WriteError::TooLong)),
            (|out| _ = out.value(b"\r"), Err(WriteError::Illegal)),
            (
                |out| _ = out.raw(b"123456789").fail(),
                Err(WriteError::TooLong),
            ),
            (
                |out| _ = out.fail().raw(b"123456789"),
                Err(WriteError::Illegal),
            ),
        ];
        for (write, expected) in cases {
            assert_eq!(written(write), expected);
        }
    }

    #[test]
    fn only_folding_is_echoed() /* ATTACKS I01 I02 */
    {
        for (value, expected) in [
            (&b"a\r\n b"[..], true),
            (b"\r\n\t\r\n b", true),
            (b"a\0\tb", true),
            (b"a\r\nb", false),
            (b"a\r\n", false),
            (b"a\r", false),
            (b"a\n b", false),
            (b"a\r\n b\r", false),
        ] {
            let mut buf = [0; 16];
            let echoed = Out::new(&mut buf).echo(value).finish();
            assert_eq!(echoed.is_ok(), expected, "{}", value.escape_ascii());
        }
    }

    #[test]
    fn numbers_are_as_wide_as_wanted() {
        for (number, width, expected) in [
            (0, 1, &b"0"[..]),
            (7, 3, b"007"),
            (1_234, 2, b"1234"),
            (u32::MAX, 1, b"4294967295"),
            (5, 99, b"0000000005"),
        ] {
            let mut buf = [0; 16];
            let mut out = Out::new(&mut buf);
            let len = out.padded(number, width).finish().expect("it fits");
            assert_eq!(&buf[..len], expected);
        }
        let mut buf = [0; 16];
        let len = Out::new(&mut buf).hex(0x1f, 8).finish().expect("it fits");
        assert_eq!(&buf[..len], b"0000001f");
    }

    #[test]
    fn a_part_can_be_taken_back() {
        let mut buf = [0; 4];
        let mut out = Out::new(&mut buf);
        let mark = out.raw(b"ab").mark();
        out.raw(b"cde").rewind(mark);
        assert_eq!(out.raw(b"f").finish(), Ok(3));
        assert_eq!(&buf[..3], b"abf");
    }
}
