//! CSeq: read RFC 3261 §8.1.1.5 and §20.16.

use super::super::bytes::Class;
use super::super::grammar::{Bad, leading_number, skip_space};
use super::super::method::Method;
use crate::wire::out::{Out, Print};

/// A request's number in its dialog, and its method again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CSeq<'a> {
    /// Ours are below 2^31; up to 2^32-1 is read.
    pub number: u32,
    /// The request's method.
    pub method: Method<'a>,
}

impl<'a> CSeq<'a> {
    /// Reads a whole value.
    ///
    /// # Errors
    /// [`Bad`] for a number above 2^32-1 (never wrapped) or anything but a number and a method.
    #[inline]
    pub fn parse(input: &'a [u8]) -> Result<CSeq<'a>, Bad> {
        let (number, rest) = leading_number(input).ok_or(Bad)?;
        let number = u32::try_from(number).map_err(|_| Bad)?;
        let text = skip_space(rest);
        let method = Method::from_bytes(text);
        // A method we know is made of the right bytes.
        let is_method = method.is_known() || !text.is_empty() && Class::TOKEN.has_all(text);
        if text.len() < rest.len() && is_method {
            Ok(CSeq { number, method })
        } else {
            Err(Bad)
        }
    }
}

impl Print for CSeq<'_> {
    fn print(&self, out: &mut Out<'_>) {
        out.decimal(self.number)
            .byte(b' ')
            .value(self.method.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_never_wrap() /* T21, ATTACKS D02 D11 */
    {
        for (input, expected) in [
            (&b"1 SUBSCRIBE"[..], Some((1, Method::Subscribe))),
            (b"0009\r\n  INVITE", Some((9, Method::Invite))),
            (b"4294967295\tNOTIFY", Some((u32::MAX, Method::Notify))),
            (b"0 subscribe", Some((0, Method::Other(b"subscribe")))),
            (b"4294967296 NOTIFY", None),
            (b"36893488147419103232 REGISTER", None),
            (b"-1 NOTIFY", None),
            (b"1", None),
            (b"1 ", None),
            (b" NOTIFY", None),
            (b"NOTIFY", None),
            (b"1 NOTIFY x", None),
            (b"1 NOTIFY,", None),
            (b"1e3 NOTIFY", None),
            (b"", None),
        ] {
            let expected = expected.map(|(number, method)| CSeq { number, method });
            assert_eq!(CSeq::parse(input).ok(), expected, "{input:?}");
        }
    }

    #[test]
    fn prints_as_read() {
        let cseq = CSeq::parse(b"17  SUBSCRIBE").expect("valid");
        let mut buf = [0; 32];
        let len = Out::new(&mut buf).print(&cseq).finish().expect("fits");
        assert_eq!(&buf[..len], b"17 SUBSCRIBE");
    }
}
