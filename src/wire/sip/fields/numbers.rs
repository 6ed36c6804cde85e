//! Headers that are a number: read RFC 3261 §20.14, §20.19, §20.22, §20.23, §20.33.

use super::super::grammar::{Bad, number, skip_space};
use super::super::headers::Headers;
use super::super::name::Name;
use crate::ground::time::Seconds;

impl Headers<'_> {
    /// Expires. Above 4294967295 it saturates (RFC 3261 §20.19).
    ///
    /// # Errors
    /// [`Bad`] for several rows or anything but digits: answer 400 or take the default.
    pub fn expires(&self) -> Result<Option<Seconds>, Bad> {
        let Some(value) = self.only(Name::Expires) else {
            return Ok(None);
        };
        number(value?)
            .map(|number| Some(Seconds(number)))
            .ok_or(Bad)
    }

    /// Min-Expires of a 423; garbage counts as absent.
    pub fn min_expires(&self) -> Option<Seconds> {
        number(self.first(Name::MinExpires)?).map(Seconds)
    }

    /// Retry-After without its comment and parameters; garbage counts as absent.
    pub fn retry_after(&self) -> Option<Seconds> {
        leading_number(self.first(Name::RetryAfter)?).map(Seconds)
    }

    /// Max-Forwards; `None` if it is absent or not 0 to 255, which is no fault for who does not forward.
    pub fn max_forwards(&self) -> Option<u8> {
        u8::try_from(number(self.first(Name::MaxForwards)?)?).ok()
    }

    /// Content-Length.
    ///
    /// # Errors
    /// [`Bad`] for several rows, even equal ones, or anything but digits (RFC 3261 §18.3).
    pub fn content_length(&self) -> Result<Option<u32>, Bad> {
        let Some(value) = self.only(Name::ContentLength) else {
            return Ok(None);
        };
        number(value?).map(Some).ok_or(Bad)
    }
}

/// Digits, then nothing, white space, a comment or parameters.
fn leading_number(value: &[u8]) -> Option<u32> {
    let len = value
        .iter()
        .position(|byte| !byte.is_ascii_digit())
        .unwrap_or(value.len());
    let (digits, rest) = value.split_at(len);
    match skip_space(rest) {
        [] | [b';' | b'(', ..] => number(digits),
        _ => None,
    }
}
