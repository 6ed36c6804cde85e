//! Lists of tokens, and entity-tags: read RFC 3261 §20.5, §20.32 and RFC 3903 §11.3.

use super::super::bytes::Class;
use super::super::grammar::Bad;
use super::super::headers::Headers;
use super::super::name::Name;

impl<'a> Headers<'a> {
    /// The option tags a peer requires.
    pub fn require(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.values(Name::Require)
    }

    /// The option tags a peer supports.
    pub fn supported(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.values(Name::Supported)
    }

    /// The methods a peer takes.
    pub fn allow(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.values(Name::Allow)
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
        let rows = "Require: a, b\r\nRequire:,c,\r\nAllow: NOTIFY\r\n";
        headers(rows, |headers| {
            assert_eq!(headers.require().collect::<Vec<_>>(), [b"a", b"b", b"c"]);
            assert_eq!(headers.allow().collect::<Vec<_>>(), [b"NOTIFY"]);
            assert_eq!(headers.values(Name::Supported).count(), 0);
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
}
