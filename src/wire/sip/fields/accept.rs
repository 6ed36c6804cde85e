//! Accept: read RFC 3261 §20.1 and RFC 2616 §14.1.

use super::super::grammar::{Bad, Params, same_text, skip_space, token};
use super::super::headers::Headers;
use super::super::name::Name;

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
        for value in headers.values(Name::Accept).take(VALUES) {
            let Ok(range) = Range::parse(value) else {
                continue;
            };
            let Some(found) = range.matches(kind, subtype) else {
                continue;
            };
            if best.is_none_or(|(before, quality)| {
                found > before || (found == before && range.quality > quality)
            }) {
                best = Some((found, range.quality));
            }
        }
        best.map(|(_, quality)| quality)
            .filter(|&quality| quality > 0)
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
    fn parse(input: &'a [u8]) -> Result<Range<'a>, Bad> {
        let (rest, kind) = token(input)?;
        let [b'/', rest @ ..] = skip_space(rest) else {
            return Err(Bad);
        };
        let (rest, subtype) = token(skip_space(rest))?;
        let mut quality = 1_000;
        let (_, rest) = Params::take(rest, |param| {
            if same_text(param.name, b"q") {
                quality = thousandths(param.value.ok_or(Bad)?.raw()).ok_or(Bad)?;
            }
            Ok(())
        })?;
        if !rest.is_empty() {
            return Err(Bad);
        }
        Ok(Range {
            kind,
            subtype,
            quality,
        })
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

/// `qvalue`: 0 to 1 with at most three decimals; more decimals are cut, more than 1 is 1.
pub(crate) fn thousandths(text: &[u8]) -> Option<u16> {
    let (whole, decimals) = match memchr::memchr(b'.', text) {
        Some(dot) => (&text[..dot], &text[dot + 1..]),
        None => (text, &b""[..]),
    };
    let digits = whole.iter().chain(decimals);
    if (whole.is_empty() && decimals.is_empty()) || !digits.clone().all(u8::is_ascii_digit) {
        return None;
    }
    if whole.iter().any(|&digit| digit != b'0') {
        return Some(1_000);
    }
    let mut value = 0;
    for at in 0..3 {
        value = value * 10 + decimals.get(at).map_or(0, |digit| u16::from(digit - b'0'));
    }
    Some(value)
}

impl<'a> Headers<'a> {
    /// Accept.
    pub fn accept(&self) -> Accept<'a> {
        if !self.has(Name::Accept) {
            Accept::Absent
        } else if self.values(Name::Accept).next().is_none() {
            Accept::Empty
        } else {
            Accept::List(*self)
        }
    }
}
