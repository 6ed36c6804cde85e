//! From, To, Contact and their like: read RFC 3261 §20.10, §20.20, §20.39 and §25.1 (`name-addr`).

use super::super::bytes::{Class, find, is_space};
use super::super::grammar::{
    Bad, Params, plain_param, quoted, same_text, skip_space, trim, trim_end,
};
use super::super::headers::Headers;
use super::super::name::Name;
use super::super::uri::Uri;
use crate::ground::time::Seconds;
use crate::wire::out::{Out, Print};

/// A display name, a URI and the header's parameters.
///
/// Read in every legal form and the common illegal ones: no blank before `<`, display names of any bytes that
/// are no separator, a bare URI (whose `;` parameters then belong to the header).
#[derive(Clone, Copy, Debug)]
pub struct NameAddr<'a> {
    /// As written, quotes included.
    pub display: Option<&'a [u8]>,
    /// The address as written, without angle brackets; see [`NameAddr::uri`].
    pub uri_text: &'a [u8],
    /// The header's parameters, never the URI's.
    pub params: Params<'a>,
    /// The whole value as written.
    pub raw: &'a [u8],
    tag: Option<&'a [u8]>,
}

impl<'a> NameAddr<'a> {
    /// Reads one whole value.
    ///
    /// # Errors
    /// [`Bad`] for an open quote or bracket, a bad URI, an unquoted comma, an empty parameter, two tags.
    pub fn parse(input: &'a [u8]) -> Result<NameAddr<'a>, Bad> {
        match NameAddr::take(trim(input))? {
            (addr, _, []) => Ok(addr),
            _ => Err(Bad),
        }
    }

    /// Reads the first value of a list; gives it, its URI, and the rest: nothing, or from a comma on.
    /// Bare URIs in a list are refused: split it before.
    #[inline(always)]
    fn take(input: &'a [u8]) -> Result<(NameAddr<'a>, Uri<'a>, &'a [u8]), Bad> {
        let address = address(input)?;
        let behind = address.behind;
        let (tag, params, rest) = match behind {
            [] => (None, Params::NONE, behind),
            _ => match plain_param(b";tag=", behind) {
                Some((tag, rest @ [])) => (Some(tag), Params(behind), rest),
                Some(_) | None => tag_and_params(behind)?,
            },
        };
        let addr = NameAddr {
            display: address.display,
            uri_text: address.uri_text,
            params,
            raw: trim_end(&input[..input.len() - rest.len()]),
            tag,
        };
        Ok((addr, address.uri, rest))
    }

    /// The address.
    pub fn uri(&self) -> Uri<'a> {
        // It was sound when the value was read: the other case never comes.
        Uri::parse(self.uri_text).unwrap_or(Uri::Other {
            scheme: b"",
            rest: self.uri_text,
        })
    }

    /// The `tag` parameter; never empty.
    pub const fn tag(&self) -> Option<&'a [u8]> {
        self.tag
    }

    /// The `expires` parameter of a Contact (RFC 3261 §10.2.1.1); garbage counts as absent.
    pub fn expires(&self) -> Option<Seconds> {
        super::super::grammar::number(self.params.get(b"expires")?).map(Seconds)
    }
}

impl Print for NameAddr<'_> {
    fn print(&self, out: &mut Out<'_>) {
        if let Some(display) = self.display {
            out.value(display).byte(b' ');
        }
        out.byte(b'<').value(self.uri_text).byte(b'>');
        out.value(self.params.raw());
    }
}

/// The `tag`, all parameters, and what follows them.
type TagAndParams<'a> = (Option<&'a [u8]>, Params<'a>, &'a [u8]);

fn tag_and_params(input: &[u8]) -> Result<TagAndParams<'_>, Bad> {
    let mut tag = None;
    let (params, rest) = Params::take(input, |param| {
        if !same_text(param.name, b"tag") {
            return Ok(());
        }
        let value = param.value.ok_or(Bad)?;
        match tag.replace(value.raw()) {
            None => Ok(()),
            Some(_) => Err(Bad),
        }
    })?;
    Ok((tag, params, rest))
}

/// An address and what stands behind it.
struct Address<'a> {
    display: Option<&'a [u8]>,
    uri_text: &'a [u8],
    uri: Uri<'a>,
    behind: &'a [u8],
}

#[inline(always)]
fn address(input: &[u8]) -> Result<Address<'_>, Bad> {
    let (display, rest) = match input {
        [b'<', ..] => (None, input),
        [b'"', ..] => {
            let (rest, display) = quoted(input)?;
            (Some(display), skip_space(rest))
        }
        _ => match bare(input)? {
            (display, [], rest) => (display, rest),
            (_, uri_text, behind) => {
                return Ok(Address {
                    display: None,
                    uri_text,
                    uri: Uri::parse(uri_text)?,
                    behind,
                });
            }
        },
    };
    let [b'<', inner @ ..] = rest else {
        return Err(Bad);
    };
    let (uri_text, uri, behind) = match Uri::take_plain(inner) {
        Some((uri, [b'>', behind @ ..])) => (&inner[..inner.len() - behind.len() - 1], uri, behind),
        Some(_) | None => {
            let end = find(b'>', inner).ok_or(Bad)?;
            let text = &inner[..end];
            (text, Uri::parse(text)?, &inner[end + 1..])
        }
    };
    Ok(Address {
        display,
        uri_text,
        uri,
        behind,
    })
}

/// Display name, URI, and what follows.
type Bare<'a> = (Option<&'a [u8]>, &'a [u8], &'a [u8]);

/// An unquoted display name and what follows it, from `<` on; or a URI without brackets and what follows: it ends at
/// white space, `;` or the end, and can't hold `?` or `,` (RFC 3261 §20).
fn bare(input: &[u8]) -> Result<Bare<'_>, Bad> {
    let end = input
        .iter()
        .position(|byte| b"<\",;>".contains(byte))
        .unwrap_or(input.len());
    let (before, rest) = input.split_at(end);
    let text = trim(before);
    let is_plain = |&byte: &u8| Class::URI.has(byte) || is_space(byte);
    match rest {
        [b'<', ..] if text.iter().all(is_plain) => Ok((Some(text), &[], rest)),
        [] | [b';', ..] if !text.is_empty() && !text.contains(&b'?') => Ok((None, text, rest)),
        _ => Err(Bad),
    }
}

/// A value of the Contact header.
#[derive(Clone, Copy, Debug)]
pub enum Contact<'a> {
    /// `*`: all bindings (RFC 3261 §10.2.2).
    Star,
    /// One address, and its URI.
    Addr(NameAddr<'a>, Uri<'a>),
}

impl<'a> Contact<'a> {
    /// Reads one value.
    ///
    /// # Errors
    /// [`Bad`] as [`NameAddr::parse`].
    pub fn parse(input: &'a [u8]) -> Result<Contact<'a>, Bad> {
        match trim(input) {
            b"*" => Ok(Contact::Star),
            value => match Contact::take(value)? {
                (contact, []) => Ok(contact),
                _ => Err(Bad),
            },
        }
    }

    #[inline]
    fn take(input: &'a [u8]) -> Result<(Contact<'a>, &'a [u8]), Bad> {
        let (addr, uri, rest) = NameAddr::take(input)?;
        Ok((Contact::Addr(addr, uri), rest))
    }

    /// The address, unless it is the star.
    pub const fn addr(&self) -> Option<&NameAddr<'a>> {
        match self {
            Contact::Star => None,
            Contact::Addr(addr, _) => Some(addr),
        }
    }
}

impl Print for Contact<'_> {
    fn print(&self, out: &mut Out<'_>) {
        match self {
            Contact::Star => {
                out.byte(b'*');
            }
            Contact::Addr(addr, _) => addr.print(out),
        }
    }
}

impl<'a> Headers<'a> {
    /// All Contact values, in order.
    pub fn contacts(&self) -> impl Iterator<Item = Result<Contact<'a>, Bad>> + use<'a> {
        self.typed(Name::Contact, Contact::take, Contact::parse)
    }

    /// All Route values, in order.
    pub fn routes(&self) -> impl Iterator<Item = Result<NameAddr<'a>, Bad>> + use<'a> {
        self.values(Name::Route).map(NameAddr::parse)
    }

    /// All Record-Route values as written, in order.
    pub fn record_routes(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.values(Name::RecordRoute)
    }
}

#[cfg(test)]
mod tests;
