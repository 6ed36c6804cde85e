//! URIs: read RFC 3261 §19.1, RFC 3966 (`tel`) and RFC 3859 (`pres`).
//!
//! Reading keeps every byte as it came; what compares equal is decided in [`same`].

mod same;
mod sip;
mod tel;
#[cfg(test)]
mod tests;

pub use same::{is_user_of, names_presentity, same_presentity, same_user, stands_for, unescaped};
pub use sip::{PresUri, SipUri};
pub use tel::TelUri;

use super::bytes::{Class, find};
use super::grammar::{Bad, same_text};
use crate::wire::out::{Out, Print};
use core::fmt;

/// A URI of any scheme.
#[derive(Clone, Copy, Debug)]
pub enum Uri<'a> {
    /// `sip:` or `sips:`
    Sip(SipUri<'a>),
    /// `tel:`
    Tel(TelUri<'a>),
    /// `pres:`
    Pres(PresUri<'a>),
    /// Any other absolute URI: kept, echoed, never followed.
    Other {
        /// Before the colon, as written.
        scheme: &'a [u8],
        /// Behind the colon.
        rest: &'a [u8],
    },
}

impl<'a> Uri<'a> {
    /// Its user; empty if it has none, and of a number.
    pub fn user(&self) -> &'a [u8] {
        match self {
            Uri::Sip(uri) => uri.user.unwrap_or_default(),
            Uri::Pres(uri) => uri.user.unwrap_or_default(),
            Uri::Tel(_) | Uri::Other { .. } => b"",
        }
    }

    /// Reads a whole URI.
    ///
    /// # Errors
    /// [`Bad`] for blanks, controls, quotes or angle brackets, a cut escape, a missing scheme, an empty user, a host
    /// or port that is not one (RFC 5118 §4.2: an IPv6 address without brackets).
    #[inline]
    pub fn parse(input: &'a [u8]) -> Result<Uri<'a>, Bad> {
        match input {
            [b's', b'i', b'p', b':', rest @ ..] => SipUri::parse(false, rest).map(Uri::Sip),
            _ => Uri::parse_any(input),
        }
    }

    /// Reads the URI that the input begins with, if it is a plain one: `sip:user@host`, port and parameters, no headers
    /// and no escapes; gives it and what follows. So its end need not be looked for; but what follows may still be part
    /// of another URI.
    #[inline(always)]
    pub(super) fn take_plain(input: &'a [u8]) -> Option<(Uri<'a>, &'a [u8])> {
        let (uri, rest) = SipUri::take_plain(false, input.strip_prefix(b"sip:")?)?;
        Some((Uri::Sip(uri), rest))
    }

    fn parse_any(input: &'a [u8]) -> Result<Uri<'a>, Bad> {
        let colon = find(b':', input).ok_or(Bad)?;
        let (scheme, rest) = (&input[..colon], &input[colon + 1..]);
        if same_text(scheme, b"sip") {
            SipUri::parse(false, rest).map(Uri::Sip)
        } else if same_text(scheme, b"sips") {
            SipUri::parse(true, rest).map(Uri::Sip)
        } else if same_text(scheme, b"tel") {
            TelUri::parse(rest).map(Uri::Tel)
        } else if same_text(scheme, b"pres") {
            PresUri::parse(rest).map(Uri::Pres)
        } else if is_scheme(scheme) && !rest.is_empty() && Class::URI.has_all(rest) {
            Ok(Uri::Other { scheme, rest })
        } else {
            Err(Bad)
        }
    }

    /// The SIP or SIPS URI, if it is one.
    pub const fn sip(&self) -> Option<&SipUri<'a>> {
        match self {
            Uri::Sip(sip) => Some(sip),
            Uri::Tel(_) | Uri::Pres(_) | Uri::Other { .. } => None,
        }
    }
}

impl Print for Uri<'_> {
    fn print(&self, out: &mut Out<'_>) {
        match self {
            Uri::Sip(sip) => sip.print(out),
            Uri::Tel(tel) => tel.print(out),
            Uri::Pres(pres) => pres.print(out),
            Uri::Other { scheme, rest } => {
                out.value(scheme).byte(b':').value(rest);
            }
        }
    }
}

impl fmt::Display for Uri<'_> {
    /// As it was written, but for the password of a SIP URI.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Uri::Sip(sip) => sip.fmt(f),
            Uri::Tel(tel) => tel.fmt(f),
            Uri::Pres(pres) => pres.fmt(f),
            Uri::Other { scheme, rest } => {
                write!(f, "{}:{}", scheme.escape_ascii(), rest.escape_ascii())
            }
        }
    }
}

/// `ALPHA *( ALPHA / DIGIT / "+" / "-" / "." )`
fn is_scheme(scheme: &[u8]) -> bool {
    let [first, rest @ ..] = scheme else {
        return false;
    };
    first.is_ascii_alphabetic()
        && rest
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(byte))
}

/// Every `%` is followed by two hexadecimal digits.
#[inline]
fn escapes_are_whole(mut text: &[u8]) -> bool {
    while let Some(at) = find(b'%', text) {
        match &text[at + 1..] {
            [high, low, rest @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                text = rest;
            }
            _ => return false,
        }
    }
    true
}

/// Parameters of a URI: `;lr;transport=tcp`, or nothing. No white space, no quotes.
#[derive(Clone, Copy, Debug, Default)]
pub struct UriParams<'a>(&'a [u8]);

impl<'a> UriParams<'a> {
    /// All of them, name and value (`None` for a flag), in order; empty ones are skipped.
    pub fn iter(&self) -> impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)> + use<'a> {
        pairs(self.0, b';')
    }

    /// The raw value of the first parameter of that name; empty for a flag.
    pub fn get(&self, name: &[u8]) -> Option<&'a [u8]> {
        self.iter()
            .find(|(found, _)| same_text(found, name))
            .map(|(_, value)| value.unwrap_or_default())
    }

    /// As they were written, from the first semicolon on.
    pub const fn raw(&self) -> &'a [u8] {
        self.0
    }
}

/// `name[=value]` pairs between separators.
fn pairs<'a>(
    text: &'a [u8],
    separator: u8,
) -> impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)> + use<'a> {
    text.split(move |&byte| byte == separator)
        .filter(|pair| !pair.is_empty())
        .map(|pair| match find(b'=', pair) {
            Some(at) => (&pair[..at], Some(&pair[at + 1..])),
            None => (pair, None),
        })
}
