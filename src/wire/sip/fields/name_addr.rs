//! From, To, Contact and their like: read RFC 3261 §20.10, §20.20, §20.39 and §25.1 (`name-addr`).

use super::super::grammar::{
    Bad, Class, Params, Text, find, is_space, quoted, same_text, skip_space, trim,
};
use super::super::headers::Headers;
use super::super::name::Name;
use super::super::out::{Out, Print};
use super::super::uri::Uri;
use crate::ground::time::Seconds;

/// A display name, a URI and the header's parameters.
///
/// Read in every legal form and the common illegal ones: no blank before `<`, display names of any bytes that
/// are no separator, a bare URI (whose `;` parameters then belong to the header).
#[derive(Clone, Copy, Debug)]
pub struct NameAddr<'a> {
    /// As written, quotes included; see [`NameAddr::display_text`].
    pub display: Option<&'a [u8]>,
    /// The address.
    pub uri: Uri<'a>,
    /// The address as written, without angle brackets.
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
    #[inline]
    pub fn parse(input: &'a [u8]) -> Result<NameAddr<'a>, Bad> {
        let raw = trim(input);
        let (display, uri_text, behind) = address(raw)?;
        let mut tag = None;
        let (params, rest) = Params::take(behind, |param| {
            if !same_text(param.name, b"tag") {
                return Ok(());
            }
            let value = param.value.ok_or(Bad)?;
            match tag.replace(value.raw()) {
                None => Ok(()),
                Some(_) => Err(Bad),
            }
        })?;
        if !rest.is_empty() {
            return Err(Bad);
        }
        Ok(NameAddr {
            display,
            uri: Uri::parse(uri_text)?,
            uri_text,
            params,
            raw,
            tag,
        })
    }

    /// The `tag` parameter; never empty.
    pub const fn tag(&self) -> Option<&'a [u8]> {
        self.tag
    }

    /// The display name without its quotes; `None` if there is none or it is empty.
    pub fn display_text(&self) -> Option<Text<'a>> {
        let display = self.display?;
        // Unquoted names are several tokens: they stand for themselves.
        let text = Text::parse(display).unwrap_or(Text::plain(display));
        (!text.raw().is_empty()).then_some(text)
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

/// Display name, URI, and what stands behind the address.
type Address<'a> = (Option<&'a [u8]>, &'a [u8], &'a [u8]);

#[inline]
fn address(input: &[u8]) -> Result<Address<'_>, Bad> {
    match input {
        [b'<', ..] => {
            let (uri, behind) = brackets(input)?;
            Ok((None, uri, behind))
        }
        [b'"', ..] => {
            let (rest, display) = quoted(input)?;
            let (uri, behind) = brackets(skip_space(rest))?;
            Ok((Some(display), uri, behind))
        }
        _ => bare(input),
    }
}

/// `"<" URI ">"`
#[inline]
fn brackets(input: &[u8]) -> Result<(&[u8], &[u8]), Bad> {
    let [b'<', inner @ ..] = input else {
        return Err(Bad);
    };
    let end = find(b'>', inner).ok_or(Bad)?;
    Ok((&inner[..end], &inner[end + 1..]))
}

/// An unquoted display name before `<`, or a URI without brackets: it ends at white space, `;` or the end, and can't
/// hold `?` or `,` (RFC 3261 §20).
fn bare(input: &[u8]) -> Result<Address<'_>, Bad> {
    let end = input
        .iter()
        .position(|byte| b"<\",;>".contains(byte))
        .unwrap_or(input.len());
    let (before, rest) = input.split_at(end);
    match rest {
        [b'<', ..] => {
            let display = trim(before);
            let is_plain = display
                .iter()
                .all(|&byte| Class::URI.has(byte) || is_space(byte));
            let (uri, behind) = brackets(rest)?;
            if is_plain {
                Ok((Some(display), uri, behind))
            } else {
                Err(Bad)
            }
        }
        [] | [b';', ..] => {
            let uri = trim(before);
            if uri.contains(&b'?') {
                Err(Bad)
            } else {
                Ok((None, uri, rest))
            }
        }
        _ => Err(Bad),
    }
}

/// A value of the Contact header.
#[derive(Clone, Copy, Debug)]
pub enum Contact<'a> {
    /// `*`: all bindings (RFC 3261 §10.2.2).
    Star,
    /// One address.
    Addr(NameAddr<'a>),
}

impl<'a> Contact<'a> {
    /// Reads one value.
    ///
    /// # Errors
    /// [`Bad`] as [`NameAddr::parse`].
    pub fn parse(input: &'a [u8]) -> Result<Contact<'a>, Bad> {
        match trim(input) {
            b"*" => Ok(Contact::Star),
            value => NameAddr::parse(value).map(Contact::Addr),
        }
    }

    /// The address, unless it is the star.
    pub const fn addr(&self) -> Option<&NameAddr<'a>> {
        match self {
            Contact::Star => None,
            Contact::Addr(addr) => Some(addr),
        }
    }
}

impl Print for Contact<'_> {
    fn print(&self, out: &mut Out<'_>) {
        match self {
            Contact::Star => {
                out.byte(b'*');
            }
            Contact::Addr(addr) => addr.print(out),
        }
    }
}

impl<'a> Headers<'a> {
    /// All Contact values, in order.
    pub fn contacts(&self) -> impl Iterator<Item = Result<Contact<'a>, Bad>> + use<'a> {
        self.values(Name::Contact).map(Contact::parse)
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
