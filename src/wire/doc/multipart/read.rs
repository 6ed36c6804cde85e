//! Parts in. Read RFC 2046 §5.1.1 and RFC 2387 §3.
//!
//! Where the grammar has CRLF a lone LF does too. A body is used as a whole or not at all, so the last boundary has to be
//! there.

use super::{MAX_BOUNDARY, MAX_PARTS};
use crate::wire::doc::Fault;
use crate::wire::doc::xml::MAX_BODY;
use heapless::Vec;
use memchr::{memchr, memmem};

/// The parts of a body, in their order; at least one.
#[derive(Clone, Debug)]
pub struct Parts<'a> {
    body: &'a [u8],
    spans: Vec<Span, MAX_PARTS>,
    root: usize,
}

/// Where a part stands.
#[derive(Clone, Copy, Debug)]
struct Span {
    start: u16,
    end: u16,
}

/// A part: what its fields say of it, and its content.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Part<'a> {
    /// Its name in the body, without angle brackets.
    pub id: Option<&'a [u8]>,
    /// The value of its Content-Type as written.
    pub media: Option<&'a [u8]>,
    /// Whether the content is in another encoding than 7bit, 8bit and binary, which are none (RFC 2045 §6.2).
    pub is_encoded: bool,
    /// The content.
    pub body: &'a [u8],
}

/// Finds the parts of `body`. `boundary` and `start` are the parameters of its type: what stands between the parts, and the
/// name of the root if that is not the first one (RFC 2387 §3.2).
///
/// # Errors
/// [`Fault::Syntax`] for a boundary that can be none, without a first and a last one in the body, and where no part has
/// the name of the root; [`Fault::TooLarge`] over [`MAX_PARTS`].
pub fn read<'a>(body: &'a [u8], boundary: &[u8], start: Option<&[u8]>) -> Result<Parts<'a>, Fault> {
    if body.len() > MAX_BODY {
        return Err(Fault::TooLarge);
    }
    let spans = split(body, &delimiter(boundary)?)?;
    let mut parts = Parts {
        body,
        spans,
        root: 0,
    };
    if let Some(start) = start {
        parts.root = parts.find(bare(start)).ok_or(Fault::Syntax)?;
    }
    Ok(parts)
}

impl<'a> Parts<'a> {
    /// The part that says what the others are.
    pub fn root(&self) -> Part<'a> {
        self.at(self.root)
    }

    /// The part of that name, with or without angle brackets; never the root.
    pub fn named(&self, id: &[u8]) -> Option<Part<'a>> {
        let at = self.find(bare(id))?;
        (at != self.root).then(|| self.at(at))
    }

    /// All of them, in their order.
    pub fn iter(&self) -> impl Iterator<Item = Part<'a>> {
        (0..self.spans.len()).map(|at| self.at(at))
    }

    fn find(&self, id: &[u8]) -> Option<usize> {
        self.iter().position(|part| part.id == Some(id))
    }

    fn at(&self, at: usize) -> Part<'a> {
        let Span { start, end } = self.spans[at];
        part(&self.body[usize::from(start)..usize::from(end)])
    }
}

type Delimiter = Vec<u8, { MAX_BOUNDARY + 2 }>;

/// What begins the line between two parts.
fn delimiter(boundary: &[u8]) -> Result<Delimiter, Fault> {
    let is_allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(byte);
    let is_good = boundary.iter().all(is_allowed) && !boundary.ends_with(b" ");
    if boundary.is_empty() || boundary.len() > MAX_BOUNDARY || !is_good {
        return Err(Fault::Syntax);
    }
    let mut delimiter = Delimiter::new();
    let fits = delimiter.extend_from_slice(b"--");
    let fits = fits.and_then(|()| delimiter.extend_from_slice(boundary));
    fits.map(|()| delimiter).map_err(|_| Fault::Syntax)
}

/// Cuts a body at its delimiters. What stands before the first and behind the last one is nobody's.
fn split(body: &[u8], delimiter: &[u8]) -> Result<Vec<Span, MAX_PARTS>, Fault> {
    let mut spans = Vec::new();
    let mut begins = None;
    for at in memmem::find_iter(body, delimiter) {
        let Some((line, behind)) = line_at(body, at, delimiter.len()) else {
            continue;
        };
        if let Some(start) = begins {
            let end = content_end(body, start, at);
            let span = Span {
                start: start as u16,
                end: end as u16,
            };
            spans.push(span).map_err(|_| Fault::TooLarge)?;
        }
        match line {
            Line::Between => begins = Some(behind),
            Line::Last if spans.is_empty() => break,
            Line::Last => return Ok(spans),
        }
    }
    Err(Fault::Syntax)
}

/// What a line with a delimiter is.
enum Line {
    Between,
    Last,
}

/// The line whose delimiter is at that place and where the next one begins, if it is such a line.
fn line_at(body: &[u8], at: usize, len: usize) -> Option<(Line, usize)> {
    let begins = at == 0 || body[at - 1] == b'\n';
    let rest = &body[at + len..];
    let (line, rest) = match rest.strip_prefix(b"--") {
        Some(rest) => (Line::Last, rest),
        None => (Line::Between, rest),
    };
    let end = memchr(b'\n', rest);
    let is_blank = rest[..end.unwrap_or(rest.len())]
        .iter()
        .all(|byte| matches!(byte, b' ' | b'\t' | b'\r'));
    let is_closed = end.is_some() || matches!(line, Line::Last);
    let behind = body.len() - rest.len() + end.map_or(rest.len(), |end| end + 1);
    (begins && is_blank && is_closed).then_some((line, behind))
}

/// Where the content ends before a delimiter: the line end there is the delimiter's own.
fn content_end(body: &[u8], start: usize, delimiter: usize) -> usize {
    let content = &body[start..delimiter];
    let content = content.strip_suffix(b"\n").unwrap_or(content);
    start + content.strip_suffix(b"\r").unwrap_or(content).len()
}

/// Reads the fields of a part up to the empty line. What is no field is stepped over.
fn part(text: &[u8]) -> Part<'_> {
    let mut part = Part::default();
    let mut rest = text;
    while let Some((field, behind)) = field(rest) {
        rest = behind;
        if field.is_empty() {
            part.body = rest;
            break;
        }
        let colon = memchr(b':', field).unwrap_or(field.len());
        let (name, value) = field.split_at(colon);
        let value = value.get(1..).unwrap_or_default().trim_ascii();
        let is = |wanted: &str| name.trim_ascii().eq_ignore_ascii_case(wanted.as_bytes());
        if is("Content-ID") {
            part.id = Some(bare(value)).filter(|id| !id.is_empty());
        } else if is("Content-Type") {
            part.media = Some(value);
        } else if is("Content-Transfer-Encoding") {
            let plain: [&[u8]; 3] = [b"7bit", b"8bit", b"binary"];
            part.is_encoded = !plain.iter().any(|it| value.eq_ignore_ascii_case(it));
        }
    }
    part
}

/// The first field of a text with the lines that continue it, without the last line end, and what follows it; `None` at the
/// end of the text.
fn field(text: &[u8]) -> Option<(&[u8], &[u8])> {
    if text.is_empty() {
        return None;
    }
    let mut end = 0;
    loop {
        let Some(line) = memchr(b'\n', &text[end..]) else {
            return Some((text, b""));
        };
        end += line + 1;
        let (field, rest) = text.split_at(end);
        let is_empty = field.trim_ascii().is_empty();
        if is_empty || !matches!(rest.first(), Some(b' ' | b'\t')) {
            let field = if is_empty {
                b""
            } else {
                field.trim_ascii_end()
            };
            return Some((field, rest));
        }
    }
}

/// A name without the angle brackets around it (RFC 2045 §7).
fn bare(id: &[u8]) -> &[u8] {
    let inside = id.strip_prefix(b"<").and_then(|id| id.strip_suffix(b">"));
    inside.unwrap_or(id)
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::format;
    use std::string::String;

    const BODY: &str = "who reads this has no reader\r\n--one\r\nContent-ID: <root@a>\r\n\
        Content-Type: application/rlmi+xml;\r\n charset=\"UTF-8\"\r\n\r\n<list/>\r\n--one  \r\n\
        content-transfer-encoding: Binary\r\ncontent-id: b@a\r\n\r\n<a>\r\n--oneself\r\n</a>\r\n\r\n--one\r\n\
        Content-Transfer-Encoding: base64\r\n\r\nPGEvPg==\r\n--one--\r\nand this neither";

    fn parts<'a>(body: &'a str, boundary: &str) -> Result<Parts<'a>, Fault> {
        read(body.as_bytes(), boundary.as_bytes(), None)
    }

    #[test]
    fn parts_are_what_stands_between_the_boundaries() /* F17, RFC 2046 5.1.1 */
    {
        let parts = parts(BODY, "one").expect("good");
        let mut all = parts.iter();
        let root = Part {
            id: Some(b"root@a"),
            media: Some(b"application/rlmi+xml;\r\n charset=\"UTF-8\""),
            is_encoded: false,
            body: b"<list/>",
        };
        assert_eq!(all.next(), Some(root));
        let second = all.next().expect("a second part");
        assert_eq!(second.body, b"<a>\r\n--oneself\r\n</a>\r\n");
        assert!(second.media.is_none() && !second.is_encoded);
        assert!(
            all.next()
                .is_some_and(|it| it.is_encoded && it.id.is_none())
        );
        assert_eq!(all.next(), None);
        assert_eq!(parts.named(b"<b@a>"), Some(second));
        assert_eq!(parts.named(b"b@a"), Some(second));
        assert_eq!((parts.named(b"root@a"), parts.named(b"c@a")), (None, None));
    }

    #[test]
    fn the_type_may_say_which_part_is_the_root() /* F17, RFC 2387 3.2 */
    {
        let named = |start: &'static [u8]| read(BODY.as_bytes(), b"one", Some(start));
        for start in [&b"<b@a>"[..], b"b@a"] {
            let parts = named(start).expect("good");
            assert_eq!(parts.root().id, Some(&b"b@a"[..]));
            assert!(parts.named(b"root@a").is_some() && parts.named(b"b@a").is_none());
        }
        assert_eq!(named(b"<x>").err(), Some(Fault::Syntax));
    }

    #[test]
    fn lines_may_end_in_lf_and_a_part_may_be_empty() {
        let body = "--x\nContent-ID: <a>\n\n<list/>\n--x\n\n--x--";
        let parts = parts(body, "x").expect("good");
        let bodies: std::vec::Vec<&[u8]> = parts.iter().map(|part| part.body).collect();
        assert_eq!(bodies, [&b"<list/>"[..], b""]);
    }

    #[test]
    fn a_part_of_parts_is_one_part() /* G08, F19 */
    {
        let inner = "--in\r\n\r\n<list/>\r\n--in--\r\n";
        let body = format!(
            "--out\r\n\r\n<list/>\r\n--out\r\nContent-Type: multipart/related\r\n\r\n{inner}\r\n--out--"
        );
        let parts = parts(&body, "out").expect("good");
        let last = parts.iter().last();
        assert!(last.is_some_and(|it| it.body == inner.as_bytes()));
        assert_eq!(parts.iter().count(), 2);
    }

    #[test]
    fn what_has_no_boundaries_or_bad_ones_is_refused() /* G08 */
    {
        let long = "a".repeat(71);
        for boundary in ["", long.as_str(), "a\r\nb", "a ", "\u{e9}", "a\0"] {
            let body = format!("--{boundary}\r\n\r\na\r\n--{boundary}--");
            assert_eq!(
                parts(&body, boundary).err(),
                Some(Fault::Syntax),
                "{boundary:?}"
            );
        }
        assert!(parts(&format!("--{0}\n\n\n--{0}--", &long[1..]), &long[1..]).is_ok());
        for body in [
            "",
            "--",
            "--a",
            "--a--",
            "--a--\r\n--a\r\n",
            "x --a\n\n--a--",
            "--a\n--a\n",
        ] {
            assert_eq!(parts(body, "a").err(), Some(Fault::Syntax), "{body:?}");
        }
    }

    #[test]
    fn every_part_of_a_body_is_cut_short() /* G04, G08 */
    {
        let end = BODY.find("--one--").expect("it ends") + 7;
        for cut in 0..end {
            assert_eq!(
                parts(&BODY[..cut], "one").err(),
                Some(Fault::Syntax),
                "{cut}"
            );
        }
        assert!(parts(&BODY[..end], "one").is_ok());
    }

    #[test]
    fn more_parts_than_fit_are_refused() /* G08 */
    {
        let body = |parts: usize| {
            let mut body = String::new();
            (0..parts).for_each(|_| body.push_str("--a\r\n\r\n\r\n"));
            body.push_str("--a--");
            body
        };
        assert_eq!(
            parts(&body(MAX_PARTS), "a").map(|it| it.iter().count()),
            Ok(MAX_PARTS)
        );
        for more in [MAX_PARTS + 1, 5_000] {
            assert_eq!(parts(&body(more), "a").err(), Some(Fault::TooLarge));
        }
    }
}
