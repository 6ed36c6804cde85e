//! Writing messages, all or nothing: read RFC 3261 §7.
//!
//! A [`Writer`] emits what its calls say, in that order; the first thing that does not fit or would break the
//! message (a CR, LF or NUL in a value) fails the whole, and [`Writer::finish`] is the only way to a length.

use super::headers::Headers;
use super::method::Method;
use super::name::Name;
use super::status::Status;
use crate::wire::out::{Out, Print, WriteError};

/// A message under construction in a caller's buffer.
///
/// ```
/// use lampfield::wire::sip::{Method, Name, Writer};
///
/// let mut buf = [0; 256];
/// let mut w = Writer::new(&mut buf);
/// w.request(Method::Options, b"sip:desk@example.com")
///     .header_u32(Name::MaxForwards, 70)
///     .empty_body();
/// let len = w.finish().unwrap();
/// assert!(buf[..len].ends_with(b"Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n"));
/// ```
#[derive(Debug)]
pub struct Writer<'b> {
    out: Out<'b>,
    has_body: bool,
}

impl<'b> Writer<'b> {
    /// Writes from the start of the buffer.
    pub const fn new(buf: &'b mut [u8]) -> Writer<'b> {
        Writer {
            out: Out::new(buf),
            has_body: false,
        }
    }

    /// The request line.
    pub fn request(&mut self, method: Method<'_>, uri: &[u8]) -> &mut Self {
        if uri.is_empty() || uri.contains(&b' ') {
            self.out.fail();
        }
        self.out.value(method.as_bytes()).byte(b' ').value(uri);
        self.out.raw(b" SIP/2.0\r\n");
        self
    }

    /// The status line with the code's own reason phrase.
    pub fn status(&mut self, status: Status) -> &mut Self {
        self.status_with(status, status.reason().as_bytes())
    }

    /// The status line with another reason phrase.
    pub fn status_with(&mut self, status: Status, reason: &[u8]) -> &mut Self {
        self.out
            .raw(b"SIP/2.0 ")
            .decimal(status.code().into())
            .byte(b' ')
            .value(reason)
            .raw(b"\r\n");
        self
    }

    /// A header row.
    pub fn header(&mut self, name: Name, value: &[u8]) -> &mut Self {
        self.field_with(name, |out| _ = out.value(value))
    }

    /// A header row that is a number.
    pub fn header_u32(&mut self, name: Name, value: u32) -> &mut Self {
        self.field_with(name, |out| _ = out.decimal(value))
    }

    /// A header row of anything that prints itself.
    pub fn field(&mut self, name: Name, value: &impl Print) -> &mut Self {
        self.field_with(name, |out| value.print(out))
    }

    /// All rows of that name as they came, folding included (RFC 3261 §7.3.1).
    pub fn echo(&mut self, headers: &Headers<'_>, name: Name) -> &mut Self {
        for row in headers.every_row(name) {
            self.echo_row(name, row);
        }
        self
    }

    /// One row as it came: it was split at its line end, so that folding is all it can hold of CR and LF.
    pub(super) fn echo_row(&mut self, name: Name, row: &[u8]) -> &mut Self {
        self.field_with(name, |out| _ = out.raw(row))
    }

    /// A header row whose value `write` appends. [`Name::Other`] has no name and fails.
    #[inline]
    pub fn field_with(&mut self, name: Name, write: impl FnOnce(&mut Out<'b>)) -> &mut Self {
        if name == Name::Other {
            self.out.fail();
        }
        self.out.raw(name.as_bytes()).raw(b": ");
        write(&mut self.out);
        self.out.raw(b"\r\n");
        self
    }

    /// Lines built before, each with its CRLF.
    pub fn raw(&mut self, lines: &[u8]) -> &mut Self {
        self.out.raw(lines);
        self
    }

    /// The body and its two headers; nothing can follow.
    pub fn body(&mut self, content_type: &[u8], body: &[u8]) -> &mut Self {
        self.header(Name::ContentType, content_type);
        self.close(&[body])
    }

    /// The body and its two headers, with a decimal number set into the body; nothing can follow.
    pub fn body_around(
        &mut self,
        content_type: &[u8],
        before: &[u8],
        number: u32,
        after: &[u8],
    ) -> &mut Self {
        let mut digits = [0; 10];
        let mut printed = Out::new(&mut digits);
        let len = printed.decimal(number).position();
        self.header(Name::ContentType, content_type);
        self.close(&[before, &digits[..len], after])
    }

    /// A body that `write` appends, and its two headers; nothing can follow. It is written twice, for its length stands
    /// before it.
    pub fn body_with(&mut self, content_type: &[u8], write: impl Fn(&mut Out<'b>)) -> &mut Self {
        self.header(Name::ContentType, content_type);
        let mark = self.out.mark();
        write(&mut self.out);
        let len = self.out.position() - mark.position();
        if self.out.is_sound() {
            self.out.rewind(mark);
        }
        self.close_with(len, write)
    }

    /// Says that there is no body; nothing can follow.
    pub fn empty_body(&mut self) -> &mut Self {
        self.close(&[])
    }

    /// How much is written so far: where a value can be patched later.
    pub const fn position(&self) -> usize {
        self.out.position()
    }

    /// The length of the message. One without a body is closed by [`Writer::empty_body`].
    ///
    /// # Errors
    /// [`WriteError`]: the buffer holds nothing that may be sent.
    pub fn finish(&mut self) -> Result<usize, WriteError> {
        if !self.has_body {
            self.empty_body();
        }
        self.out.finish()
    }

    /// The length so far, without closing the message: for lines to be kept and put in with [`Writer::raw`].
    ///
    /// # Errors
    /// [`WriteError`]: the buffer holds nothing that may be used.
    pub const fn finish_lines(&self) -> Result<usize, WriteError> {
        self.out.finish()
    }

    fn close(&mut self, body: &[&[u8]]) -> &mut Self {
        let len = body.iter().map(|part| part.len()).sum::<usize>();
        self.close_with(len, |out| {
            for part in body {
                out.raw(part);
            }
        })
    }

    fn close_with(&mut self, len: usize, write: impl FnOnce(&mut Out<'b>)) -> &mut Self {
        if self.has_body {
            self.out.fail();
        }
        self.has_body = true;
        self.header_u32(Name::ContentLength, u32::try_from(len).unwrap_or(u32::MAX));
        self.out.raw(b"\r\n");
        write(&mut self.out);
        self
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;

    fn notify(w: &mut Writer<'_>) {
        w.request(Method::Notify, b"sip:door@192.0.2.7")
            .field_with(Name::Event, |out| {
                out.value(b"dialog").raw(b";id=").decimal(7);
            })
            .header_u32(Name::Expires, u32::MAX)
            .raw(b"Subject: kept\r\n")
            .field_with(Name::Contact, |out| {
                let address = "[2001:db8::1]:5060".parse().expect("an address");
                out.raw(b"<sip:").address(address);
                out.raw(b";x=").hex(0xfe, 16).byte(b'>');
            })
            .body(b"text/plain", b"a\r\nb\0");
    }

    const EXPECTED: &[u8] = b"NOTIFY sip:door@192.0.2.7 SIP/2.0\r\n\
        Event: dialog;id=7\r\n\
        Expires: 4294967295\r\n\
        Subject: kept\r\n\
        Contact: <sip:[2001:db8::1]:5060;x=00000000000000fe>\r\n\
        Content-Type: text/plain\r\n\
        Content-Length: 5\r\n\r\n\
        a\r\nb\0";

    #[test]
    fn a_message_is_written() {
        let mut buf = [0; 512];
        let mut w = Writer::new(&mut buf);
        notify(&mut w);
        let len = w.finish().expect("it fits");
        assert_eq!(&buf[..len], EXPECTED);
    }

    #[test]
    fn it_is_all_or_nothing() {
        let mut buf = [0; 512];
        for len in 0..=EXPECTED.len() {
            let mut w = Writer::new(&mut buf[..len]);
            notify(&mut w);
            assert_eq!(w.finish().is_ok(), len == EXPECTED.len(), "{len} bytes");
        }
    }

    #[test]
    fn no_value_breaks_out() /* ATTACKS I01 */
    {
        for bad in [&b"a\rb"[..], b"a\nb", b"a\0b", b"a\r\nVia: x"] {
            let writes: [&dyn Fn(&mut Writer<'_>); 6] = [
                &|w| {
                    w.header(Name::Subject, bad);
                },
                &|w| {
                    w.field_with(Name::Subject, |out| _ = out.value(b"a").value(bad));
                },
                &|w| {
                    w.request(Method::Other(bad), b"sip:a");
                },
                &|w| {
                    w.request(Method::Notify, bad);
                },
                &|w| {
                    w.status_with(Status::OK, bad);
                },
                &|w| {
                    w.body(bad, b"x");
                },
            ];
            for write in writes {
                let mut buf = [0; 256];
                let mut w = Writer::new(&mut buf);
                write(&mut w);
                assert_eq!(
                    w.finish(),
                    Err(WriteError::Illegal),
                    "{}",
                    bad.escape_ascii()
                );
            }
        }
    }

    #[test]
    fn a_message_has_one_body() {
        let mut buf = [0; 256];
        let mut w = Writer::new(&mut buf);
        w.status(Status::BAD_EVENT).empty_body();
        let expected = b"SIP/2.0 489 Bad Event\r\nContent-Length: 0\r\n\r\n";
        assert_eq!(w.finish(), Ok(expected.len()));
        w.empty_body();
        assert_eq!(w.finish(), Err(WriteError::Illegal));
    }

    #[test]
    fn a_row_has_a_name() {
        let mut buf = [0; 256];
        assert_eq!(
            Writer::new(&mut buf).header(Name::Other, b"x").finish(),
            Err(WriteError::Illegal)
        );
        assert_eq!(
            Writer::new(&mut buf).header_u32(Name::Other, 1).finish(),
            Err(WriteError::Illegal)
        );
    }

    #[test]
    fn a_uri_with_blanks_is_no_target() {
        for uri in [&b""[..], b"sip:a b"] {
            let mut buf = [0; 256];
            let mut w = Writer::new(&mut buf);
            w.request(Method::Notify, uri);
            assert_eq!(w.finish(), Err(WriteError::Illegal));
        }
    }
}
