//! Accept: read RFC 3261 §20.1 and RFC 2616 §14.1.

use super::super::bytes::is_space;
use super::super::grammar::{Bad, Params, Parsed, same_text, separator, token};
use super::super::headers::Headers;
use super::super::name::Name;
use nom::Parser;
use nom::character::complete::{char, digit0};
use nom::combinator::{all_consuming, map_opt, opt};
use nom::sequence::{pair, preceded, separated_pair};

/// Which body types a peer takes.
#[derive(Clone, Copy, Debug)]
pub enum Accept<'a> {
    /// No such header: the package's default type.
    Absent,
    /// An empty header: nothing at all (RFC 3261 §20.1).
    Empty,
    /// Types and ranges; ask [`Accept::quality`].
    List(Headers<'a>),
}

/// Values that count; a thousand more cost nothing.
const VALUES: usize = 32;

impl Accept<'_> {
    /// How much the peer likes the type, from 1 to 1000; `None` if it does not take it: not listed, or `q=0`.
    /// The most specific match decides: the type, then `type/*`, then `*/*`. Only the first 32 values count.
    ///
    /// [`Accept::Absent`] gives `None`: what it means is the package's affair.
    pub fn quality(&self, kind: &str, subtype: &str) -> Option<u16> {
        let Accept::List(headers) = self else {
            return None;
        };
        let mut best: Option<(Match, u16)> = None;
        let ranges = headers.typed(Name::Accept, Range::take, |_| Err(Bad));
        for range in ranges.take(VALUES).flatten() {
            let Some(found) = range.matches(kind, subtype) else {
                continue;
            };
            if found == Match::Exact && range.quality == 1_000 {
                // Nothing beats that.
                return Some(1_000);
            }
            if best.is_none_or(|(before, quality)| {
                found > before || (found == before && range.quality > quality)
            }) {
                best = Some((found, range.quality));
            }
        }
        best.map(|(_, quality)| quality)
            .filter(|&quality| quality > 0)
    }

    /// As [`Accept::quality`], of a peer that names the type itself.
    pub fn named(&self, kind: &str, subtype: &str) -> Option<u16> {
        let Accept::List(headers) = self else {
            return None;
        };
        let ranges = headers.typed(Name::Accept, Range::take, |_| Err(Bad));
        let mut ranges = ranges.take(VALUES).flatten();
        let named = ranges.find(|it| it.matches(kind, subtype) == Some(Match::Exact));
        named.map(|it| it.quality).filter(|&quality| quality > 0)
    }

    /// Whether there was no such header.
    pub const fn is_absent(&self) -> bool {
        matches!(self, Accept::Absent)
    }
}

/// How closely a range names a type.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Match {
    Any,
    Kind,
    Exact,
}

struct Range<'a> {
    kind: &'a [u8],
    subtype: &'a [u8],
    quality: u16,
}

impl<'a> Range<'a> {
    /// Reads the first range of a list, `token SLASH token *( SEMI param )`; gives it and the rest.
    fn take(input: &'a [u8]) -> Result<(Range<'a>, &'a [u8]), Bad> {
        let mut types = separated_pair(token, separator('/'), token);
        let (rest, (kind, subtype)) = types.parse(input)?;
        let mut quality = 1_000;
        let (_, rest) = Params::take(rest, |param| {
            if same_text(param.name, b"q") {
                let text = param.value.ok_or(Bad)?.raw();
                (_, quality) = all_consuming(qvalue).parse(text)?;
            }
            Ok(())
        })?;
        let range = Range {
            kind,
            subtype,
            quality,
        };
        Ok((range, rest))
    }

    fn matches(&self, kind: &str, subtype: &str) -> Option<Match> {
        if self.kind == b"*" && self.subtype == b"*" {
            Some(Match::Any)
        } else if !same_text(self.kind, kind.as_bytes()) {
            None
        } else if self.subtype == b"*" {
            Some(Match::Kind)
        } else {
            same_text(self.subtype, subtype.as_bytes()).then_some(Match::Exact)
        }
    }
}

/// `qvalue` in thousandths: 0 to 1 with at most three decimals. More decimals are cut, more than 1 is 1, and either side
/// of the dot may be empty.
fn qvalue(input: &[u8]) -> Parsed<'_, u16> {
    let digits = pair(digit0, opt(preceded(char('.'), digit0)));
    map_opt(digits, |(whole, decimals): (&[u8], Option<&[u8]>)| {
        let decimals = decimals.unwrap_or_default();
        if whole.is_empty() && decimals.is_empty() {
            return None;
        }
        if whole.iter().any(|&digit| digit != b'0') {
            return Some(1_000);
        }
        let decimal = |at: usize| decimals.get(at).map_or(0, |digit| u16::from(digit - b'0'));
        Some(decimal(0) * 100 + decimal(1) * 10 + decimal(2))
    })
    .parse(input)
}

/// Nothing but commas and blanks.
fn is_nothing(row: &[u8]) -> bool {
    row.iter().all(|&byte| byte == b',' || is_space(byte))
}

impl<'a> Headers<'a> {
    /// Accept.
    pub fn accept(&self) -> Accept<'a> {
        if !self.has(Name::Accept) {
            Accept::Absent
        } else if self.rows(Name::Accept).all(is_nothing) {
            Accept::Empty
        } else {
            Accept::List(*self)
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::super::super::sample::headers;
    use super::*;
    use std::format;

    fn quality(rows: &str) -> Option<u16> {
        headers(rows, |headers| {
            headers.accept().quality("application", "pidf+xml")
        })
    }

    #[test]
    fn the_closest_range_decides() /* N25 */
    {
        for (value, expected) in [
            ("application/pidf+xml", Some(1_000)),
            ("APPLICATION/PIDF+XML;q=0.5", Some(500)),
            ("*/*", Some(1_000)),
            ("application/*;q=0.25", Some(250)),
            ("application/pidf+xml;q=0, */*", None),
            ("*/*;q=0.9, application/*;q=0.1", Some(100)),
            ("*/*;q=0, application/pidf+xml;q=0.001", Some(1)),
            ("application/*;q=0", None),
            ("text/plain, application/xpidf+xml", None),
            ("text/*", None),
            (
                "text/plain,\r\n application/pidf+xml ; level=1 ; q=1.000",
                Some(1_000),
            ),
            ("application/pidf+xml;q=5", Some(1_000)),
            ("application/pidf+xml;q=.5", Some(500)),
            ("application/pidf+xml;q=0.0009", None),
            ("application/pidf+xml;q=x", None),
            ("application, /pidf+xml, ;;", None),
        ] {
            assert_eq!(
                quality(&format!("Accept: {value}\r\n")),
                expected,
                "{value}"
            );
        }
        let two = "Accept: text/plain\r\nAccept: application/pidf+xml;q=0.3\r\n";
        assert_eq!(quality(two), Some(300));
    }

    #[test]
    fn absent_is_not_empty() /* N24, ATTACKS D09 */
    {
        assert!(headers("", |headers| headers.accept().is_absent()));
        for rows in [
            "Accept:\r\n",
            "Accept: ,\r\n",
            "Accept:\r\nAccept: \r\n , \r\n",
        ] {
            assert!(
                headers(rows, |headers| matches!(headers.accept(), Accept::Empty)),
                "{rows:?}"
            );
        }
        assert!(headers("Accept: , a/b\r\n", |headers| matches!(
            headers.accept(),
            Accept::List(_)
        )));
    }

    #[test]
    fn only_the_first_values_count() /* ATTACKS D03 */
    {
        let many = "a/b,".repeat(VALUES - 1);
        assert_eq!(
            quality(&format!("Accept: {many}application/pidf+xml\r\n")),
            Some(1_000)
        );
        assert_eq!(
            quality(&format!("Accept: {many}a/b,application/pidf+xml\r\n")),
            None
        );
        let long = "A".repeat(8_192);
        assert_eq!(quality(&format!("Accept: {long}\r\n")), None);
    }
}
