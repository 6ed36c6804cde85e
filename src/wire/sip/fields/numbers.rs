//! Headers that are a number: read RFC 3261 §20.14, §20.19, §20.22, §20.23, §20.33.

use super::super::grammar::{Bad, Parsed, number, sws};
use super::super::headers::Headers;
use super::super::name::Name;
use crate::ground::time::Seconds;
use nom::Parser;
use nom::branch::alt;
use nom::character::complete::{digit1, one_of};
use nom::combinator::{eof, map_opt, peek, recognize};
use nom::sequence::terminated;

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
        let (_, seconds) = retry_after(self.first(Name::RetryAfter)?).ok()?;
        Some(Seconds(seconds))
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

/// `delta-seconds [ comment ] *( SEMI retry-param )`, of which only the first matters.
fn retry_after(input: &[u8]) -> Parsed<'_, u32> {
    let more = recognize(one_of("(;"));
    terminated(delta_seconds, (sws, alt((eof, peek(more))))).parse(input)
}

/// `1*DIGIT`; beyond 32 bits it saturates.
fn delta_seconds(input: &[u8]) -> Parsed<'_, u32> {
    map_opt(digit1, number).parse(input)
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::super::super::sample::headers;
    use super::*;
    use std::format;

    #[test]
    fn expires_saturates_or_is_refused() /* N09, ATTACKS D11 */
    {
        for (value, expected) in [
            ("3600", Ok(Some(Seconds(3_600)))),
            ("0", Ok(Some(Seconds(0)))),
            ("4294967295", Ok(Some(Seconds(u32::MAX)))),
            ("4294967296", Ok(Some(Seconds(u32::MAX)))),
            ("-1", Err(Bad)),
            ("1e9", Err(Bad)),
            ("0x10", Err(Bad)),
            ("3600 3600", Err(Bad)),
            ("3600, 3600", Err(Bad)),
            ("", Err(Bad)),
        ] {
            let found = headers(&format!("Expires: {value}\r\n"), |headers| {
                headers.expires()
            });
            assert_eq!(found, expected, "{value}");
        }
        assert_eq!(headers("", |headers| headers.expires()), Ok(None));
        let twice = headers("Expires: 60\r\nexpires: 60\r\n", |headers| {
            headers.expires()
        });
        assert_eq!(twice, Err(Bad));
    }

    #[test]
    fn retry_after_ignores_comments_and_parameters() /* ATTACKS D11 H10 */
    {
        for (value, expected) in [
            ("18000;duration=3600", Some(18_000)),
            ("120 (I'm in a meeting)", Some(120)),
            ("5", Some(5)),
            ("949302838503028349304023988", Some(u32::MAX)),
            ("soon", None),
            ("5 soon", None),
            ("", None),
        ] {
            let found = headers(&format!("Retry-After: {value}\r\n"), |headers| {
                headers.retry_after()
            });
            assert_eq!(found, expected.map(Seconds), "{value}");
        }
    }

    #[test]
    fn the_others_are_numbers_or_absent() {
        let rows = "Min-Expires: 120\r\nMax-Forwards: 0\r\n";
        headers(rows, |headers| {
            assert_eq!(headers.min_expires(), Some(Seconds(120)));
            assert_eq!(headers.max_forwards(), Some(0));
            assert_eq!(headers.content_length(), Ok(Some(0)));
        });
        headers("Min-Expires: never\r\nMax-Forwards: 256\r\n", |headers| {
            assert_eq!(headers.min_expires(), None);
            assert_eq!(headers.max_forwards(), None);
        });
    }
}
