//! Lists of tokens, entity-tags and warnings: read RFC 3261 §20.32, §20.37, §20.43 and RFC 3903 §11.3.

use super::super::bytes::Class;
use super::super::grammar::{Bad, Text, quoted, skip_space};
use super::super::headers::Headers;
use super::super::name::Name;
use super::super::out::{Out, Print};

/// `399 host "text"`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Warning<'a> {
    /// Three digits.
    pub code: u16,
    /// Who says it.
    pub agent: &'a [u8],
    /// What it says.
    pub text: Text<'a>,
}

impl<'a> Warning<'a> {
    /// Reads one value.
    ///
    /// # Errors
    /// [`Bad`] for anything but three digits, an agent and a quoted text.
    pub fn parse(input: &'a [u8]) -> Result<Warning<'a>, Bad> {
        let [a, b, c, b' ' | b'\t', rest @ ..] = input else {
            return Err(Bad);
        };
        let mut code = 0;
        for digit in [a, b, c] {
            if !digit.is_ascii_digit() {
                return Err(Bad);
            }
            code = code * 10 + u16::from(digit - b'0');
        }
        let rest = skip_space(rest);
        let quote = memchr::memchr(b'"', rest).ok_or(Bad)?;
        let agent = super::super::grammar::trim(&rest[..quote]);
        match quoted(&rest[quote..])? {
            ([], all) if !agent.is_empty() => Ok(Warning {
                code,
                agent,
                text: Text::parse(all)?,
            }),
            _ => Err(Bad),
        }
    }
}

impl Print for Warning<'_> {
    fn print(&self, out: &mut Out<'_>) {
        out.decimal(self.code.into())
            .byte(b' ')
            .value(self.agent)
            .raw(b" \"");
        out.value(self.text.raw()).byte(b'"');
    }
}

impl<'a> Headers<'a> {
    /// The option tags a peer requires.
    pub fn require(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.values(Name::Require)
    }

    /// The option tags a peer supports.
    pub fn supported(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.values(Name::Supported)
    }

    /// The option tags a peer refused with 420.
    pub fn unsupported(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.values(Name::Unsupported)
    }

    /// The methods a peer takes.
    pub fn allow(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.values(Name::Allow)
    }

    /// The event packages a peer serves.
    pub fn allow_events(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.values(Name::AllowEvents)
    }

    /// Warnings; bad ones are skipped.
    pub fn warnings(&self) -> impl Iterator<Item = Warning<'a>> + use<'a> {
        self.values(Name::Warning)
            .filter_map(|value| Warning::parse(value).ok())
    }

    /// SIP-ETag (RFC 3903 §11.3.1).
    ///
    /// # Errors
    /// [`Bad`] for several rows or anything but one token.
    pub fn sip_etag(&self) -> Result<Option<&'a [u8]>, Bad> {
        self.entity_tag(Name::SipEtag)
    }

    /// SIP-If-Match (RFC 3903 §11.3.2).
    ///
    /// # Errors
    /// [`Bad`] for several rows or anything but one token: answer 400 (RFC 3903 §6 step 3).
    pub fn sip_if_match(&self) -> Result<Option<&'a [u8]>, Bad> {
        self.entity_tag(Name::SipIfMatch)
    }

    /// Suppress-If-Match (RFC 5839 §7.2); `*` matches any.
    ///
    /// # Errors
    /// [`Bad`] for several rows or anything but one token.
    pub fn suppress_if_match(&self) -> Result<Option<&'a [u8]>, Bad> {
        self.entity_tag(Name::SuppressIfMatch)
    }

    fn entity_tag(&self, name: Name) -> Result<Option<&'a [u8]>, Bad> {
        let Some(value) = self.only(name) else {
            return Ok(None);
        };
        let value = value?;
        if value.is_empty() || !Class::TOKEN.has_all(value) {
            return Err(Bad);
        }
        Ok(Some(value))
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::super::super::sample::headers;
    use super::*;
    use std::format;
    use std::vec::Vec;

    #[test]
    fn tokens_come_from_rows_and_commas() /* X12 N39 */
    {
        let rows =
            "Require: a, b\r\nRequire:,c,\r\nk: gruu\r\nu: presence , dialog\r\nAllow: NOTIFY\r\n";
        headers(rows, |headers| {
            assert_eq!(headers.require().collect::<Vec<_>>(), [b"a", b"b", b"c"]);
            assert_eq!(headers.supported().collect::<Vec<_>>(), [b"gruu"]);
            assert_eq!(
                headers.allow_events().collect::<Vec<_>>(),
                [&b"presence"[..], b"dialog"]
            );
            assert_eq!(headers.allow().collect::<Vec<_>>(), [b"NOTIFY"]);
            assert_eq!(headers.unsupported().count(), 0);
        });
    }

    #[test]
    fn an_entity_tag_is_one_token() /* C02 */
    {
        for (value, expected) in [
            ("dx200xyz", Ok(Some(&b"dx200xyz"[..]))),
            ("*", Ok(Some(b"*"))),
            ("", Err(Bad)),
            ("a, b", Err(Bad)),
            ("a b", Err(Bad)),
            ("\"a\"", Err(Bad)),
        ] {
            headers(&format!("SIP-If-Match: {value}\r\n"), |headers| {
                assert_eq!(headers.sip_if_match(), expected, "{value:?}");
            });
        }
        headers(
            "SIP-If-Match: a\r\nSIP-If-Match: a\r\nSIP-ETag: b\r\nSuppress-If-Match: *\r\n",
            |headers| {
                assert_eq!(headers.sip_if_match(), Err(Bad));
                assert_eq!(headers.sip_etag(), Ok(Some(&b"b"[..])));
                assert_eq!(headers.suppress_if_match(), Ok(Some(&b"*"[..])));
            },
        );
        headers("", |headers| assert_eq!(headers.sip_if_match(), Ok(None)));
    }

    #[test]
    fn warnings_have_three_digits() /* ATTACKS D09 */
    {
        let rows = "Warning: 399 a.example.com \"one, \\\"two\\\"\", 307 b:5060 \"x\"\r\nWarning: 1812 o \"In Progress\", 399 \"x\", 399 a \"x, 12x a \"x\"\r\n";
        headers(rows, |headers| {
            let found: Vec<_> = headers.warnings().collect();
            assert_eq!(found.len(), 2, "{found:?}");
            assert_eq!(
                (found[0].code, found[0].agent),
                (399, &b"a.example.com"[..])
            );
            assert!(found[0].text.is(b"one, \"two\""));
            let mut buf = [0; 64];
            let len = Out::new(&mut buf).print(&found[1]).finish().expect("fits");
            assert_eq!(&buf[..len], b"307 b:5060 \"x\"");
        });
    }
}
