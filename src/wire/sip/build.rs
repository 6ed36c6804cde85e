//! Writing messages, all or nothing: read RFC 3261 §7.
//!
//! A [`Writer`] emits what its calls say, in that order; the first thing that does not fit or would break the
//! message (a CR, LF or NUL in a value) fails the whole, and [`Writer::finish`] is the only way to a length.

use super::method::Method;
use super::name::Name;
use super::out::{Full, Out, Print};
use super::status::Status;
use core::net::{IpAddr, SocketAddr};

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
        self.row(name.as_bytes(), value)
    }

    /// A header row of several pieces, nothing between them.
    pub fn header_parts(&mut self, name: Name, parts: &[&[u8]]) -> &mut Self {
        self.begin(name);
        for part in parts {
            self.out.value(part);
        }
        self.end()
    }

    /// A header row that is a number.
    pub fn header_u32(&mut self, name: Name, value: u32) -> &mut Self {
        self.begin(name).out.decimal(value);
        self.end()
    }

    /// A header row of anything that prints itself.
    pub fn field(&mut self, name: Name, value: &impl Print) -> &mut Self {
        self.begin(name).out.print(value);
        self.end()
    }

    /// A header row as a peer sent it: its folding is repeated (RFC 3261 §7.3.1).
    pub fn echo(&mut self, name: Name, row: &[u8]) -> &mut Self {
        self.begin(name).out.echo(row);
        self.end()
    }

    /// A piece of a header value as a peer sent it: its folding is repeated (RFC 3261 §7.3.1).
    pub fn part_echo(&mut self, value: &[u8]) -> &mut Self {
        self.out.echo(value);
        self
    }

    /// A header row of any name.
    pub fn row(&mut self, name: &[u8], value: &[u8]) -> &mut Self {
        if name.is_empty() || !super::bytes::Class::TOKEN.has_all(name) {
            self.out.fail();
        }
        self.out.raw(name).raw(b": ").value(value).raw(b"\r\n");
        self
    }

    /// Lines built before, each with its CRLF.
    pub fn raw(&mut self, lines: &[u8]) -> &mut Self {
        self.out.raw(lines);
        self
    }

    /// Begins a header row; pieces follow, then [`Writer::end`]. [`Name::Other`] has no name and fails.
    pub fn begin(&mut self, name: Name) -> &mut Self {
        if name == Name::Other {
            self.out.fail();
        }
        self.out.raw(name.as_bytes()).raw(b": ");
        self
    }

    /// A piece of a header value.
    pub fn part(&mut self, value: &[u8]) -> &mut Self {
        self.out.value(value);
        self
    }

    /// A piece: a decimal number.
    pub fn part_u32(&mut self, value: u32) -> &mut Self {
        self.out.decimal(value);
        self
    }

    /// A piece: sixteen hexadecimal digits.
    pub fn part_hex(&mut self, value: u64) -> &mut Self {
        self.out.hex64(value);
        self
    }

    /// A piece: an address as a host, IPv6 in brackets.
    pub fn part_ip(&mut self, ip: IpAddr) -> &mut Self {
        self.out.host(ip);
        self
    }

    /// A piece: an address as a parameter value, IPv6 without brackets (RFC 5118 §4.5).
    pub fn part_bare_ip(&mut self, ip: IpAddr) -> &mut Self {
        self.out.ip(ip);
        self
    }

    /// A piece: `host:port`, IPv6 in brackets.
    pub fn part_address(&mut self, address: SocketAddr) -> &mut Self {
        self.out.address(address);
        self
    }

    /// Ends a header row.
    pub fn end(&mut self) -> &mut Self {
        self.out.raw(b"\r\n");
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
    /// [`Full`]: the buffer holds nothing that may be sent.
    pub fn finish(&mut self) -> Result<usize, Full> {
        if !self.has_body {
            self.empty_body();
        }
        self.out.finish()
    }

    /// The length so far, without closing the message: for lines to be kept and put in with [`Writer::raw`].
    ///
    /// # Errors
    /// [`Full`]: the buffer holds nothing that may be used.
    pub const fn finish_lines(&self) -> Result<usize, Full> {
        self.out.finish()
    }

    fn close(&mut self, body: &[&[u8]]) -> &mut Self {
        if self.has_body {
            self.out.fail();
        }
        self.has_body = true;
        let len = body.iter().map(|part| part.len()).sum::<usize>();
        self.header_u32(Name::ContentLength, u32::try_from(len).unwrap_or(u32::MAX));
        self.out.raw(b"\r\n");
        for part in body {
            self.out.raw(part);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;

    fn notify(w: &mut Writer<'_>) {
        w.request(Method::Notify, b"sip:door@192.0.2.7")
            .header_parts(Name::Event, &[b"dialog", b";id=", b"7"])
            .header_u32(Name::Expires, u32::MAX)
            .row(b"X-Lamp", b"1")
            .raw(b"Subject: kept\r\n")
            .begin(Name::Contact)
            .part(b"<sip:")
            .part_address("[2001:db8::1]:5060".parse().expect("an address"))
            .part(b";x=")
            .part_hex(0xfe)
            .part(b">")
            .end()
            .body(b"text/plain", b"a\r\nb\0");
    }

    const EXPECTED: &[u8] = b"NOTIFY sip:door@192.0.2.7 SIP/2.0\r\n\
        Event: dialog;id=7\r\n\
        Expires: 4294967295\r\n\
        X-Lamp: 1\r\n\
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
            let writes: [&dyn Fn(&mut Writer<'_>); 8] = [
                &|w| {
                    w.header(Name::Subject, bad);
                },
                &|w| {
                    w.header_parts(Name::Subject, &[b"a", bad]);
                },
                &|w| {
                    w.row(b"X", bad);
                },
                &|w| {
                    w.row(bad, b"x");
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
                assert_eq!(w.finish(), Err(Full), "{}", bad.escape_ascii());
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
        assert_eq!(w.finish(), Err(Full));
    }

    #[test]
    fn a_row_has_a_name() {
        let mut buf = [0; 256];
        assert_eq!(
            Writer::new(&mut buf).header(Name::Other, b"x").finish(),
            Err(Full)
        );
        assert_eq!(
            Writer::new(&mut buf).header_u32(Name::Other, 1).finish(),
            Err(Full)
        );
    }

    #[test]
    fn a_uri_with_blanks_is_no_target() {
        for uri in [&b""[..], b"sip:a b"] {
            let mut buf = [0; 256];
            let mut w = Writer::new(&mut buf);
            w.request(Method::Notify, uri);
            assert_eq!(w.finish(), Err(Full));
        }
    }
}
