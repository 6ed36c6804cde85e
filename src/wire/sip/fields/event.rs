//! Event: read RFC 6665 §8.2.1, and RFC 4235 §3.2 for the dialog package's parameters.

use super::super::bytes::Class;
use super::super::grammar::{Bad, Param, Params, same_text, token};
use super::super::headers::Headers;
use super::super::name::Name;
use crate::wire::out::{Out, Print};
use core::fmt;

/// An event package, with the id that tells two subscriptions of one dialog apart.
#[derive(Clone, Copy, Debug)]
pub struct Event<'a> {
    /// Package and templates: `presence`, `presence.winfo`. Compared byte by byte: `Presence` is another one.
    pub package: &'a [u8],
    /// Compared byte by byte; with id never matches without.
    pub id: Option<&'a [u8]>,
    /// All parameters, `id` included; the others are not compared.
    pub params: Params<'a>,
}

impl<'a> Event<'a> {
    /// Reads a whole value.
    ///
    /// # Errors
    /// [`Bad`] for anything but one package: a comma, a bad parameter, two ids, an id that is no token.
    #[inline]
    pub fn parse(input: &'a [u8]) -> Result<Event<'a>, Bad> {
        let (rest, package) = token(input)?;
        let mut id = None;
        let (params, rest) = Params::take(rest, |param| {
            if !same_text(param.name, b"id") {
                return Ok(());
            }
            match id.replace(id_of(param)?) {
                None => Ok(()),
                Some(_) => Err(Bad),
            }
        })?;
        if !rest.is_empty() {
            return Err(Bad);
        }
        Ok(Event {
            package,
            id,
            params,
        })
    }

    /// Whether both mean the same subscription: package and id byte by byte, nothing else (RFC 6665 §8.2.1).
    pub fn matches(&self, other: &Event<'_>) -> bool {
        self.package == other.package && self.id == other.id
    }
}

/// `"id" EQUAL token` (RFC 6665 §8.4): it is echoed without quotes.
fn id_of(param: Param<'_>) -> Result<&[u8], Bad> {
    match param.value {
        Some(id) if !id.is_quoted() && Class::TOKEN.has_all(id.raw()) => Ok(id.raw()),
        Some(_) | None => Err(Bad),
    }
}

impl Print for Event<'_> {
    fn print(&self, out: &mut Out<'_>) {
        out.value(self.package).value(self.params.raw());
    }
}

impl fmt::Display for Event<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.package.escape_ascii().fmt(f)?;
        self.params.raw().escape_ascii().fmt(f)
    }
}

impl<'a> Headers<'a> {
    /// Event.
    ///
    /// # Errors
    /// [`Bad`] for several rows or values: answer 400 (RFC 6665 §8.2.1).
    pub fn event(&self) -> Result<Option<Event<'a>>, Bad> {
        match self.only(Name::Event) {
            Some(value) => Event::parse(value?).map(Some),
            None => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::super::super::sample::headers;
    use super::*;
    use std::format;

    fn event(text: &str) -> Result<Event<'_>, Bad> {
        Event::parse(text.as_bytes())
    }

    #[test]
    fn package_and_id_are_read() /* N05, D10 */
    {
        let found =
            event("dialog ; id=7;Call-Id=\"a\\\"b\";from-tag=x;include-session-description")
                .expect("valid");
        assert_eq!((found.package, found.id), (&b"dialog"[..], Some(&b"7"[..])));
        let call_id = found.params.find(b"call-id").and_then(|param| param.value);
        assert!(call_id.is_some_and(|text| text.is(b"a\"b")));
        assert_eq!(found.params.get(b"from-tag"), Some(&b"x"[..]));
        assert!(found.params.find(b"include-session-description").is_some());
        assert_eq!(
            event("presence.winfo").map(|event| event.package),
            Ok(&b"presence.winfo"[..])
        );
    }

    #[test]
    fn two_events_or_none_are_refused() /* N04, ATTACKS D09 */
    {
        for value in [
            "",
            ";id=1",
            "presence,dialog",
            "presence, ",
            "presence dialog",
            "presence;",
            "presence;id",
            "presence;id=",
            "presence;id=1;id=2",
            "presence;id=\"1",
            "presence;id=\"1\"",
            "presence;id=\"a,b\"",
            "presence;id=a@b",
        ] {
            let found = headers(&format!("Event: {value}\r\n"), |headers| {
                headers.event().map(|event| event.is_some())
            });
            assert_eq!(found, Err(Bad), "{value:?}");
        }
        let twice = headers("Event: presence\r\no: presence\r\n", |headers| {
            headers.event().is_err()
        });
        assert!(twice);
        assert!(headers("", |headers| matches!(headers.event(), Ok(None))));
    }

    #[test]
    fn packages_compare_byte_by_byte() /* N05 */
    {
        for (one, two, expected) in [
            ("presence", "presence", true),
            ("presence;id=1", "presence;x=2;ID=1", true),
            ("presence", "Presence", false),
            ("presence", "presence;id=1", false),
            ("presence;id=a", "presence;id=A", false),
            ("presence", "presence.winfo", false),
        ] {
            let (one, two) = (event(one).expect("valid"), event(two).expect("valid"));
            assert_eq!(one.matches(&two), expected);
        }
    }

    #[test]
    fn prints_as_read() {
        let mut buf = [0; 64];
        let found = event("dialog;id=7;call-id=\"a\"").expect("valid");
        let len = Out::new(&mut buf).print(&found).finish().expect("fits");
        assert_eq!(&buf[..len], b"dialog;id=7;call-id=\"a\"");
        let shown = format!("{}", event("dialog;id=7").expect("valid"));
        assert_eq!(shown, "dialog;id=7");
    }
}
