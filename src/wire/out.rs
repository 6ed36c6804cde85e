//! A bounded sink of bytes: all or nothing.

use super::bytes::find_control;

/// It did not fit, or a value would have broken the message (a CR, LF or NUL in it). Nothing may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// Bytes into a caller's slice. Once something did not fit, nothing more is taken and [`Out::finish`] says so.
#[derive(Debug)]
pub struct Out<'b> {
    buf: &'b mut [u8],
    at: usize,
    failed: bool,
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
            failed: false,
        }
    }

    /// Appends bytes as they are.
    #[inline]
    pub fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        if self.failed {
            return self;
        }
        let end = self.at + bytes.len();
        match self.buf.get_mut(self.at..end) {
            Some(hole) => {
                hole.copy_from_slice(bytes);
                self.at = end;
            }
            None => self.failed = true,
        }
        self
    }

    /// Appends bytes of a header value; a CR, LF or NUL among them fails the whole.
    #[inline]
    pub fn value(&mut self, bytes: &[u8]) -> &mut Self {
        // Pieces are short: a plain pass over them beats a call of memchr.
        let is_bad = |byte: &u8| matches!(byte, b'\r' | b'\n' | 0);
        self.failed |= bytes.iter().fold(false, |bad, byte| bad | is_bad(byte));
        self.raw(bytes)
    }

    /// Appends what a peer sent of a header value, folding included (RFC 3261 §7.3.1). A CR or LF that is no folding fails
    /// the whole.
    #[inline]
    pub fn echo(&mut self, bytes: &[u8]) -> &mut Self {
        self.failed |= find_control(bytes).is_some() && !is_folded(bytes);
        self.raw(bytes)
    }

    /// Appends one byte.
    pub fn byte(&mut self, byte: u8) -> &mut Self {
        self.raw(&[byte])
    }

    /// Appends a decimal number.
    pub fn decimal(&mut self, mut number: u32) -> &mut Self {
        let mut digits = [0; 10];
        let mut at = digits.len();
        loop {
            at -= 1;
            digits[at] = b'0' + (number % 10) as u8;
            number /= 10;
            if number == 0 {
                return self.raw(&digits[at..]);
            }
        }
    }

    /// Appends sixteen hexadecimal digits.
    pub fn hex64(&mut self, number: u64) -> &mut Self {
        let mut digits = [0; 16];
        for (at, digit) in digits.iter_mut().enumerate() {
            *digit = b"0123456789abcdef"[(number >> (60 - 4 * at) & 15) as usize];
        }
        self.raw(&digits)
    }

    /// Appends eight hexadecimal digits.
    pub fn hex32(&mut self, number: u32) -> &mut Self {
        let mut digits = [0; 8];
        for (at, digit) in digits.iter_mut().enumerate() {
            *digit = b"0123456789abcdef"[(number >> (28 - 4 * at) & 15) as usize];
        }
        self.raw(&digits)
    }

    /// Appends an address as a parameter value is written: IPv6 without brackets (RFC 5118 §4.5).
    pub fn ip(&mut self, ip: core::net::IpAddr) -> &mut Self {
        match ip {
            core::net::IpAddr::V4(v4) => {
                let [a, b, c, d] = v4.octets();
                self.decimal(a.into()).byte(b'.').decimal(b.into());
                self.byte(b'.').decimal(c.into());
                self.byte(b'.').decimal(d.into())
            }
            core::net::IpAddr::V6(v6) => self.display(&v6),
        }
    }

    /// Appends an address as a host is written: IPv6 in brackets.
    pub fn host(&mut self, ip: core::net::IpAddr) -> &mut Self {
        match ip {
            core::net::IpAddr::V4(_) => self.ip(ip),
            core::net::IpAddr::V6(_) => self.byte(b'[').ip(ip).byte(b']'),
        }
    }

    /// Appends `host:port`.
    pub fn address(&mut self, address: core::net::SocketAddr) -> &mut Self {
        self.host(address.ip())
            .byte(b':')
            .decimal(address.port().into())
    }

    /// Appends what prints itself.
    pub fn print(&mut self, what: &impl Print) -> &mut Self {
        what.print(self);
        self
    }

    /// Makes the whole fail: what should be written can't be.
    pub fn fail(&mut self) -> &mut Self {
        self.failed = true;
        self
    }

    /// How much is written so far; where a value can be patched later.
    pub const fn position(&self) -> usize {
        self.at
    }

    /// How much is written.
    ///
    /// # Errors
    /// [`Full`] if anything did not fit or was refused.
    pub const fn finish(&self) -> Result<usize, Full> {
        if self.failed { Err(Full) } else { Ok(self.at) }
    }

    /// The slow way, for the rare IPv6 address.
    fn display(&mut self, what: &dyn core::fmt::Display) -> &mut Self {
        if core::fmt::write(self, format_args!("{what}")).is_err() {
            self.failed = true;
        }
        self
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
        if self.failed {
            Err(core::fmt::Error)
        } else {
            Ok(())
        }
    }
}
