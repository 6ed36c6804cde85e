//! The header rows of one message: where they are, found in constant time.

use super::bytes::{Class, find, find_control, is_space};
use super::grammar::{Bad, same_text, skip_space, split_value, trim_end};
use super::name::Name;
use crate::ground::limits;

/// A header row: offsets into the message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    name: Name,
    /// The next row of that name, plus one; 0 for none.
    next: u8,
    name_at: u16,
    name_len: u16,
    value_at: u16,
    value_len: u16,
}

/// Scratch space for one message's rows: the caller keeps one and lends it to every [`super::parse`].
///
/// Full at [`limits::ROWS`]: the message is answered 513.
#[derive(Debug)]
pub struct Rows {
    count: u8,
    /// Per name: its first row, plus one; 0 for none.
    first: [u8; Name::COUNT],
    last: [u8; Name::COUNT],
    rows: [Row; limits::ROWS],
}

const _: () = assert!(limits::ROWS < 255, "a row's number fits a byte");
const _: () = assert!(limits::MESSAGE <= 65_535, "an offset fits 16 bits");

impl Rows {
    /// No rows.
    pub const fn new() -> Rows {
        const EMPTY: Row = Row {
            name: Name::Via,
            next: 0,
            name_at: 0,
            name_len: 0,
            value_at: 0,
            value_len: 0,
        };
        Rows {
            count: 0,
            first: [0; Name::COUNT],
            last: [0; Name::COUNT],
            rows: [EMPTY; limits::ROWS],
        }
    }

    pub(crate) fn clear(&mut self) {
        self.count = 0;
        self.first = [0; Name::COUNT];
        self.last = [0; Name::COUNT];
    }

    /// Takes a row; says whether it is the first of its name, or `None` if the table is full.
    #[inline]
    pub(crate) fn push(&mut self, line: &Line) -> Option<bool> {
        let row = self.rows.get_mut(usize::from(self.count))?;
        *row = Row {
            name: line.name,
            next: 0,
            name_at: line.name_at as u16,
            name_len: line.name_len as u16,
            value_at: line.value_at as u16,
            value_len: line.value_len as u16,
        };
        self.count += 1;
        let name = line.name as usize;
        let before = core::mem::replace(&mut self.last[name], self.count);
        if before == 0 {
            self.first[name] = self.count;
            return Some(true);
        }
        if let Some(row) = self.rows.get_mut(usize::from(before) - 1) {
            row.next = self.count;
        }
        Some(false)
    }

    fn at(&self, number: u8) -> Option<&Row> {
        self.rows.get(usize::from(number.checked_sub(1)?))
    }
}

impl Default for Rows {
    fn default() -> Rows {
        Rows::new()
    }
}

/// The headers of a message. Known names are found without a search.
#[derive(Clone, Copy)]
pub struct Headers<'a> {
    bytes: &'a [u8],
    rows: &'a Rows,
}

impl<'a> Headers<'a> {
    pub(crate) const fn new(bytes: &'a [u8], rows: &'a Rows) -> Headers<'a> {
        Headers { bytes, rows }
    }

    /// The value of the first row of that name, trimmed; folding is still in it.
    #[inline]
    pub fn first(&self, name: Name) -> Option<&'a [u8]> {
        let number = *self.rows.first.get(name as usize)?;
        self.value(self.rows.at(number)?)
    }

    /// The value of the only row of that name; `Some(Err)` if there are several.
    pub(crate) fn only(&self, name: Name) -> Option<Result<&'a [u8], Bad>> {
        let row = self.rows.at(*self.rows.first.get(name as usize)?)?;
        if row.next != 0 {
            return Some(Err(Bad));
        }
        self.value(row).map(Ok)
    }

    /// The values of all rows of that name, in order, each as it was written.
    pub fn rows(&self, name: Name) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let headers = *self;
        self.chain(name).filter_map(move |row| headers.value(row))
    }

    /// As [`Headers::rows`], with those too that the table had no place for: a response repeats all or nothing.
    pub(crate) fn every_row(&self, name: Name) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let bytes = self.bytes;
        let is_whole = usize::from(self.rows.count) < limits::ROWS;
        let mut known = self.rows(name);
        let mut scan = Scan::new(bytes, 0);
        if !is_whole {
            // The start line.
            let _ = scan.next();
        }
        core::iter::from_fn(move || {
            if is_whole {
                return known.next();
            }
            loop {
                match scan.next() {
                    Found::Line(line) if line.name == name => return Some(line.value(bytes)),
                    Found::Line(_) | Found::Fault(_) => {}
                    Found::End(_) | Found::Cut => return None,
                }
            }
        })
    }

    /// The rows of that name split at commas (outside quotes and angle brackets), trimmed; empty ones are skipped.
    /// Rows and commas mean the same (RFC 3261 §7.3.1), except in the Authorization family and wherever only one
    /// value is allowed.
    pub fn values(&self, name: Name) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let mut rows = self.rows(name);
        let mut rest: &[u8] = &[];
        core::iter::from_fn(move || {
            loop {
                while rest.is_empty() {
                    rest = rows.next()?;
                    if rest.is_empty() {
                        continue;
                    }
                }
                let (value, tail) = split_value(rest);
                rest = tail;
                if !value.is_empty() {
                    return Some(value);
                }
            }
        })
    }

    /// As [`Headers::values`], each read by `take`, which gives a value and what follows it: nothing, or from a comma
    /// on. So most values are looked at once. What `take` refuses is split off and left to `parse`.
    #[inline]
    pub(super) fn typed<T, F, G>(
        &self,
        name: Name,
        take: F,
        parse: G,
    ) -> impl Iterator<Item = Result<T, Bad>> + use<'a, T, F, G>
    where
        F: Fn(&'a [u8]) -> Result<(T, &'a [u8]), Bad>,
        G: Fn(&'a [u8]) -> Result<T, Bad>,
    {
        let mut rows = self.rows(name);
        let mut rest: &[u8] = &[];
        core::iter::from_fn(move || {
            loop {
                match rest {
                    [] => rest = rows.next()?,
                    [b',', tail @ ..] => rest = tail,
                    [first, tail @ ..] if is_space(*first) => rest = tail,
                    _ => break,
                }
            }
            if let Ok((value, tail)) = take(rest) {
                rest = tail;
                return Some(Ok(value));
            }
            let (value, tail) = split_value(rest);
            rest = tail;
            Some(parse(value))
        })
    }

    /// The value of the first row of a name we have no [`Name`] for.
    pub fn other(&self, name: &[u8]) -> Option<&'a [u8]> {
        self.chain(Name::Other)
            .find(|row| {
                self.slice(row.name_at, row.name_len)
                    .is_some_and(|found| same_text(found, name))
            })
            .and_then(|row| self.value(row))
    }

    /// Whether there is a row of that name.
    pub fn has(&self, name: Name) -> bool {
        self.rows.first.get(name as usize).is_some_and(|&n| n != 0)
    }

    /// All rows in order: name as written and value.
    pub fn all(&self) -> impl Iterator<Item = (Name, &'a [u8], &'a [u8])> + use<'a> {
        let headers = *self;
        let count = usize::from(self.rows.count);
        self.rows.rows.iter().take(count).filter_map(move |row| {
            let name = headers.slice(row.name_at, row.name_len)?;
            Some((row.name, name, headers.value(row)?))
        })
    }

    fn chain(&self, name: Name) -> impl Iterator<Item = &'a Row> + use<'a> {
        let rows = self.rows;
        let mut number = rows.first.get(name as usize).copied().unwrap_or(0);
        core::iter::from_fn(move || {
            let row = rows.at(number)?;
            number = row.next;
            Some(row)
        })
    }

    #[inline]
    fn value(&self, row: &Row) -> Option<&'a [u8]> {
        self.slice(row.value_at, row.value_len)
    }

    #[inline]
    fn slice(&self, at: u16, len: u16) -> Option<&'a [u8]> {
        self.bytes.get(usize::from(at)..)?.get(..usize::from(len))
    }
}

impl core::fmt::Debug for Headers<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_list()
            .entries(
                self.all()
                    .map(|(_, name, value)| (name.escape_ascii(), value.escape_ascii())),
            )
            .finish()
    }
}

/// One header line as the scanner found it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line {
    pub(crate) name: Name,
    name_at: usize,
    name_len: usize,
    value_at: usize,
    value_len: usize,
}

impl Line {
    pub(crate) fn value<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        &bytes[self.value_at..self.value_at + self.value_len]
    }
}

/// What the scanner finds next.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Found {
    /// A header row.
    Line(Line),
    /// A line that is no header row; the scan goes on behind it.
    Fault(&'static str),
    /// The empty line; the body begins at this offset.
    End(usize),
    /// The message ends inside its head.
    Cut,
}

/// Walks over the header lines of a message. The framer and the parser both use it, so that they never read one
/// message in two ways.
#[derive(Debug)]
pub(crate) struct Scan<'a> {
    /// What is not read yet.
    rest: &'a [u8],
    /// Where that begins in the message.
    at: usize,
}

impl<'a> Scan<'a> {
    /// Begins behind the start line.
    pub(crate) fn new(bytes: &'a [u8], at: usize) -> Scan<'a> {
        let rest = bytes.get(at..).unwrap_or_default();
        Scan { rest, at }
    }

    /// The next thing, whatever it is.
    pub(crate) fn next(&mut self) -> Found {
        match self.plain() {
            Some(line) => Found::Line(line),
            None => self.odd(),
        }
    }

    /// The next row if it is as nearly everybody writes it: no blank before the colon, one behind it, no folding, no
    /// tab. Each byte is looked at once. Whatever is not so is left to [`Scan::odd`].
    #[inline(always)]
    pub(crate) fn plain(&mut self) -> Option<Line> {
        let (name, name_len) = Name::before_colon(self.rest)?;
        // Name, colon, one blank.
        let (head, value) = self.rest.split_at_checked(name_len + 2)?;
        if head.last() != Some(&b' ') {
            return None;
        }
        let value_len = find_control(value)?;
        let (value, [b'\r', b'\n', rest @ ..]) = value.split_at_checked(value_len)? else {
            return None;
        };
        let (first, last) = (value.first()?, value.last()?);
        if *first <= b' ' || *last <= b' ' || matches!(rest.first()?, b' ' | b'\t') {
            return None;
        }
        if name == Name::Other && !is_name(&head[..name_len]) {
            return None;
        }
        let line = Line {
            name,
            name_at: self.at,
            name_len,
            value_at: self.at + name_len + 2,
            value_len,
        };
        self.rest = rest;
        self.at = line.value_at + value_len + 2;
        Some(line)
    }

    /// The next thing, whatever it is: any line at all, and the end of the head.
    pub(crate) fn odd(&mut self) -> Found {
        let (found, len) = odd(self.rest, self.at);
        self.rest = self.rest.get(len..).unwrap_or_default();
        self.at += len;
        found
    }
}

/// What the bytes begin with, and its length; they stand at offset `start` of the message.
#[inline(never)]
fn odd(bytes: &[u8], start: usize) -> (Found, usize) {
    if let [b'\r', b'\n', ..] = bytes {
        return (Found::End(start + 2), 0);
    }
    let end = memchr::memchr2(b'\r', b'\n', bytes).and_then(|first| line_end(bytes, first));
    let Some((end, is_clean)) = end else {
        return (Found::Cut, 0);
    };
    let line = &bytes[..end];
    let found = match name_of(line) {
        _ if !is_clean => Found::Fault("CR or LF alone in the head"),
        None => Found::Fault("Malformed header line"),
        Some((name, name_len, colon)) => {
            let value = skip_space(&line[colon + 1..]);
            Found::Line(Line {
                name,
                name_at: start,
                name_len,
                value_at: start + line.len() - value.len(),
                value_len: trim_end(value).len(),
            })
        }
    };
    (found, end + 2)
}

/// The name before the colon, its length, and where the colon stands. Only blanks may stand between: anything else
/// lets two parsers read two names.
fn name_of(line: &[u8]) -> Option<(Name, usize, usize)> {
    let colon = find(b':', line)?;
    let mut text = &line[..colon];
    while let [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    let name = Name::from_bytes(text);
    // A name we know is made of the right bytes.
    if name == Name::Other && !is_name(text) {
        return None;
    }
    Some((name, text.len(), colon))
}

fn is_name(text: &[u8]) -> bool {
    !text.is_empty() && Class::TOKEN.has_all(text)
}

/// Where the CRLF stands that ends the line (one that no white space follows, RFC 3261 §7.3.1), and whether no CR or
/// LF stood alone before it; `first` is the first of them. `None` if the end is not there yet.
fn line_end(bytes: &[u8], first: usize) -> Option<(usize, bool)> {
    let mut is_clean = true;
    let mut at = first;
    loop {
        let from = match &bytes[at..] {
            [b'\r', b'\n', b' ' | b'\t', ..] => at + 3,
            [b'\r', b'\n', ..] => return Some((at, is_clean)),
            [b'\r'] => return None,
            _ => {
                is_clean = false;
                at + 1
            }
        };
        at = from + memchr::memchr2(b'\r', b'\n', bytes.get(from..)?)?;
    }
}
