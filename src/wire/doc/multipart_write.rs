//! `multipart/related` out (RFC 2387, RFC 2046 §5.1): parts that name each other by Content-ID (RFC 2392).
//!
//! The boundary and the ids are made of one key, so that the same message is written again byte by byte. Nobody knows the
//! key before the message is sent, and no part can hold the boundary.

use crate::wire::out::{Out, Print};

/// The name of one part of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cid {
    /// The message's key.
    pub key: u64,
    /// The part's number in it; the root is 0.
    pub part: u16,
}

/// A body in the making.
pub struct Parts<'o, 'b> {
    out: &'o mut Out<'b>,
    key: u64,
}

impl Print for Cid {
    /// Without angle brackets, as documents have it.
    fn print(&self, out: &mut Out<'_>) {
        out.decimal(u32::from(self.part)).byte(b'.');
        out.hex(self.key, 16).raw(b"@lampfield");
    }
}

impl<'o, 'b> Parts<'o, 'b> {
    /// Begins a body whose message has this key.
    pub fn new(out: &'o mut Out<'b>, key: u64) -> Parts<'o, 'b> {
        Parts { out, key }
    }

    /// Adds a part of this media type, in UTF-8, whose body `write` appends.
    pub fn part(&mut self, part: u16, media_type: &str, write: impl FnOnce(&mut Out<'b>)) {
        let cid = Cid {
            key: self.key,
            part,
        };
        self.delimiter();
        self.out.raw(b"\r\nContent-Transfer-Encoding: binary");
        self.out.raw(b"\r\nContent-ID: <").print(&cid).byte(b'>');
        self.out.raw(b"\r\nContent-Type: ");
        self.out.raw(media_type.as_bytes());
        self.out.raw(b";charset=\"UTF-8\"\r\n\r\n");
        write(self.out);
        self.out.raw(b"\r\n");
    }

    /// Ends the body.
    pub fn finish(mut self) {
        self.delimiter();
        self.out.raw(b"--\r\n");
    }

    fn delimiter(&mut self) {
        self.out.raw(b"--").hex(self.key, 16);
    }
}

/// Appends the Content-Type of a body whose root is of `root`.
pub fn write_type(out: &mut Out<'_>, key: u64, root: &str) {
    out.raw(b"multipart/related;type=\"").raw(root.as_bytes());
    out.raw(b"\";start=\"<").print(&Cid { key, part: 0 });
    // Last and without quotes: belle-sip takes the rest of the row for it, whatever that is.
    out.raw(b">\";boundary=").hex(key, 16);
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::String;

    #[test]
    fn parts_stand_between_boundaries() /* F17 */
    {
        let mut buf = [0; 1_024];
        let mut out = Out::new(&mut buf);
        let mut parts = Parts::new(&mut out, 0xab);
        parts.part(0, "application/rlmi+xml", |out| _ = out.raw(b"<list/>"));
        parts.part(7, "text/plain", |out| _ = out.raw(b"hi"));
        parts.finish();
        let len = out.finish().expect("it fits");
        let text = String::from_utf8_lossy(&buf[..len]);
        assert_eq!(
            text,
            "--00000000000000ab\r\n\
             Content-Transfer-Encoding: binary\r\n\
             Content-ID: <0.00000000000000ab@lampfield>\r\n\
             Content-Type: application/rlmi+xml;charset=\"UTF-8\"\r\n\r\n\
             <list/>\r\n\
             --00000000000000ab\r\n\
             Content-Transfer-Encoding: binary\r\n\
             Content-ID: <7.00000000000000ab@lampfield>\r\n\
             Content-Type: text/plain;charset=\"UTF-8\"\r\n\r\n\
             hi\r\n\
             --00000000000000ab--\r\n"
        );
        let mut buf = [0; 256];
        let mut out = Out::new(&mut buf);
        write_type(&mut out, 0xab, "application/rlmi+xml");
        let len = out.finish().expect("it fits");
        assert_eq!(
            String::from_utf8_lossy(&buf[..len]),
            "multipart/related;type=\"application/rlmi+xml\";\
             start=\"<0.00000000000000ab@lampfield>\";boundary=00000000000000ab"
        );
    }
}
