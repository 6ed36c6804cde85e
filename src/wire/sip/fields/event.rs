//! Event: read RFC 6665 §8.2.1, and RFC 4235 §3.2 for the dialog package's parameters.

use super::super::grammar::{Bad, Params, same_text, token};
use super::super::headers::Headers;
use super::super::name::Name;
use super::super::out::{Out, Print};

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
    /// [`Bad`] for anything but one package: a comma, a bad parameter, two ids.
    #[inline]
    pub fn parse(input: &'a [u8]) -> Result<Event<'a>, Bad> {
        let (rest, package) = token(input)?;
        let mut id = None;
        let (params, rest) = Params::take(rest, |param| {
            if !same_text(param.name, b"id") {
                return Ok(());
            }
            match id.replace(param.value.ok_or(Bad)?.raw()) {
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

impl Print for Event<'_> {
    fn print(&self, out: &mut Out<'_>) {
        out.value(self.package).value(self.params.raw());
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
