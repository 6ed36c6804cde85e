//! `tel:` URIs (RFC 3966).

use super::super::bytes::Class;
use super::super::grammar::Bad;
use super::{UriParams, escapes_are_whole};
use crate::wire::out::{Out, Print};
use core::fmt;

/// `tel:+1-201-555-0123;ext=5`
#[derive(Clone, Copy, Debug)]
pub struct TelUri<'a> {
    /// As written: a `+` first if it is global, visual separators included, at least one digit.
    pub number: &'a [u8],
    /// Behind the number.
    pub params: UriParams<'a>,
}

impl<'a> TelUri<'a> {
    pub(super) fn parse(input: &'a [u8]) -> Result<TelUri<'a>, Bad> {
        let len = memchr::memchr(b';', input).unwrap_or(input.len());
        let (number, params) = input.split_at(len);
        let digits = number.strip_prefix(b"+").unwrap_or(number);
        let is_number = digits
            .iter()
            .all(|&byte| is_digit(byte) || is_separator(byte))
            && digits.iter().any(|&byte| is_digit(byte));
        let is_plain = Class::URI.has_all(params) && escapes_are_whole(params);
        if !is_number || !is_plain {
            return Err(Bad);
        }
        Ok(TelUri {
            number,
            params: UriParams(params),
        })
    }

    /// The number's digits (and a leading `+`) without separators, letters in lower case (RFC 3966 §4).
    pub fn digits(&self) -> impl Iterator<Item = u8> + use<'a> {
        plain_digits(self.number)
    }
}

impl Print for TelUri<'_> {
    fn print(&self, out: &mut Out<'_>) {
        out.raw(b"tel:").value(self.number).value(self.params.raw());
    }
}

impl fmt::Display for TelUri<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (number, params) = (self.number, self.params.raw());
        write!(f, "tel:{}{}", number.escape_ascii(), params.escape_ascii())
    }
}

/// A number without separators, letters in lower case.
pub(super) fn plain_digits(number: &[u8]) -> impl Iterator<Item = u8> + '_ {
    number
        .iter()
        .filter(|&&byte| !is_separator(byte))
        .map(u8::to_ascii_lowercase)
}

/// `phonedigit-hex`: local numbers have `*`, `#` and A to F.
fn is_digit(byte: u8) -> bool {
    byte.is_ascii_hexdigit() || byte == b'*' || byte == b'#'
}

/// `visual-separator`
fn is_separator(byte: u8) -> bool {
    matches!(byte, b'-' | b'.' | b'(' | b')')
}
