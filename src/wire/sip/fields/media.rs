//! What a body is: Content-Type, Content-Disposition, Content-Encoding (RFC 3261 §20.11 to §20.15).

use super::super::grammar::{Bad, Params, same_text, skip_space, token};
use super::super::headers::Headers;
use super::super::name::Name;
use crate::wire::out::{Out, Print};

/// `application/pidf+xml;charset=utf-8`
#[derive(Clone, Copy, Debug)]
pub struct MediaType<'a> {
    /// Before the slash, as written.
    pub kind: &'a [u8],
    /// Behind the slash, as written.
    pub subtype: &'a [u8],
    /// Its parameters.
    pub params: Params<'a>,
}

impl<'a> MediaType<'a> {
    /// Reads a whole value.
    ///
    /// # Errors
    /// [`Bad`] for anything but `token/token` and parameters.
    #[inline]
    pub fn parse(input: &'a [u8]) -> Result<MediaType<'a>, Bad> {
        let (rest, kind) = token(input)?;
        let [b'/', rest @ ..] = skip_space(rest) else {
            return Err(Bad);
        };
        let (rest, subtype) = token(skip_space(rest))?;
        let (params, rest) = Params::take(rest, |_| Ok(()))?;
        if !rest.is_empty() {
            return Err(Bad);
        }
        Ok(MediaType {
            kind,
            subtype,
            params,
        })
    }

    /// Whether it is that type, whatever the case and the parameters.
    pub fn matches(&self, kind: &str, subtype: &str) -> bool {
        same_text(self.kind, kind.as_bytes()) && same_text(self.subtype, subtype.as_bytes())
    }

    /// A parameter's value without quotes.
    pub fn param(&self, name: &[u8]) -> Option<&'a [u8]> {
        self.params.get(name)
    }
}

impl Print for MediaType<'_> {
    fn print(&self, out: &mut Out<'_>) {
        out.value(self.kind).byte(b'/').value(self.subtype);
        out.value(self.params.raw());
    }
}

/// `session;handling=optional`
#[derive(Clone, Copy, Debug)]
pub struct Disposition<'a> {
    /// What the body is for, as written.
    pub kind: &'a [u8],
    /// Its parameters.
    pub params: Params<'a>,
}

impl<'a> Disposition<'a> {
    /// Reads a whole value.
    ///
    /// # Errors
    /// [`Bad`] for anything but a token and parameters.
    pub fn parse(input: &'a [u8]) -> Result<Disposition<'a>, Bad> {
        let (rest, kind) = token(input)?;
        let (params, rest) = Params::take(rest, |_| Ok(()))?;
        if rest.is_empty() {
            Ok(Disposition { kind, params })
        } else {
            Err(Bad)
        }
    }

    /// Whether a body that is not understood may be ignored.
    pub fn is_optional(&self) -> bool {
        self.params
            .get(b"handling")
            .is_some_and(|handling| same_text(handling, b"optional"))
    }
}

impl Print for Disposition<'_> {
    fn print(&self, out: &mut Out<'_>) {
        out.value(self.kind).value(self.params.raw());
    }
}

impl<'a> Headers<'a> {
    /// Content-Type.
    ///
    /// # Errors
    /// [`Bad`] for several rows or what is no media type: answer 415 or 400.
    pub fn content_type(&self) -> Result<Option<MediaType<'a>>, Bad> {
        match self.only(Name::ContentType) {
            Some(value) => MediaType::parse(value?).map(Some),
            None => Ok(None),
        }
    }

    /// Content-Disposition.
    ///
    /// # Errors
    /// [`Bad`] for several rows, or what is not a media type.
    pub fn content_disposition(&self) -> Result<Option<Disposition<'a>>, Bad> {
        match self.only(Name::ContentDisposition) {
            Some(value) => Disposition::parse(value?).map(Some),
            None => Ok(None),
        }
    }

    /// Whether a body of unknown type may be ignored (RFC 3261 §8.2.3): `handling=optional`.
    pub fn content_disposition_optional(&self) -> bool {
        matches!(self.content_disposition(), Ok(Some(found)) if found.is_optional())
    }

    /// Content-Encoding as written, unless it changes nothing: absent, empty or `identity`.
    pub fn content_encoding(&self) -> Option<&'a [u8]> {
        self.values(Name::ContentEncoding)
            .find(|value| !same_text(value, b"identity"))
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::super::super::sample::headers;
    use super::*;
    use std::format;

    #[test]
    fn types_match_without_case_and_parameters() /* C06 */
    {
        for text in [
            "application/pidf+xml",
            "Application / PIDF+xml ;charset=\"utf-8\"",
            "application/pidf+xml;a;b=c",
        ] {
            let found = MediaType::parse(text.as_bytes()).expect("valid");
            assert!(found.matches("application", "pidf+xml"), "{text}");
        }
        let found = MediaType::parse(b"multipart/related;boundary=\"a b\"").expect("valid");
        assert!(!found.matches("multipart", "mixed") && !found.matches("application", "related"));
        assert_eq!(found.param(b"Boundary"), Some(&b"a b"[..]));
    }

    #[test]
    fn no_type_is_a_fault() /* C06, ATTACKS G05 */
    {
        for value in [
            "",
            ";",
            "application",
            "application/",
            "/xml",
            "a/b;",
            "a/b, c/d",
            "a/b c",
        ] {
            let found = headers(&format!("Content-Type: {value}\r\n"), |headers| {
                headers.content_type().is_err()
            });
            assert!(found, "{value:?}");
        }
        assert!(headers("c: a/b\r\n", |headers| matches!(
            headers.content_type(),
            Ok(Some(_))
        )));
        assert!(headers("", |headers| matches!(
            headers.content_type(),
            Ok(None)
        )));
    }

    #[test]
    fn only_optional_bodies_may_be_ignored() /* N40 */
    {
        for (value, expected) in [
            ("render;handling=optional", true),
            ("render; Handling = Optional", true),
            ("render;handling=required", false),
            ("render", false),
            (";handling=optional", false),
        ] {
            let rows = format!("Content-Disposition: {value}\r\n");
            assert_eq!(
                headers(&rows, |headers| headers.content_disposition_optional()),
                expected,
                "{value}"
            );
        }
        assert!(!headers("", |headers| headers.content_disposition_optional()));
    }

    #[test]
    fn identity_is_no_encoding() /* ATTACKS G10 */
    {
        assert!(headers("e: gzip\r\n", |headers| headers.content_encoding()
            == Some(b"gzip")));
        assert!(headers(
            "Content-Encoding: Identity, deflate\r\n",
            |headers| headers.content_encoding() == Some(b"deflate")
        ));
        assert!(headers("Content-Encoding: identity\r\n", |headers| headers
            .content_encoding()
            .is_none()));
        assert!(headers("Content-Encoding:\r\n", |headers| headers
            .content_encoding()
            .is_none()));
    }
}
