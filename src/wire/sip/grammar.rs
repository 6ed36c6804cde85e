//! The leaves of the grammar: tokens, quoted strings, numbers, parameters and lists.
//!
//! Read RFC 3261 §25.1 first. The leaves are nom parsers over bytes with the error type `()`: what was wrong is
//! said once, where the header is known. Folding needs no care here: the rows were split where a line end is *not*
//! followed by white space (§7.3.1), so a CR or LF inside a value is white space.

use super::bytes::{Class, bytes_equal, find, first_hit, is_space};
use crate::ground::error_texts;
use nom::bytes::complete::take_while1;
use nom::character::complete::char;
use nom::sequence::delimited;
use nom::{IResult, Parser};

/// What a nom leaf gives: the rest and the thing read.
pub(crate) type Parsed<'a, T> = IResult<&'a [u8], T, ()>;

/// A value that is not what its grammar allows.
///
/// In a header the message needs, the answer is 400; any other header counts as absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bad;

error_texts!(Bad: Bad => "not as its grammar has it");

impl From<nom::Err<()>> for Bad {
    fn from(_: nom::Err<()>) -> Bad {
        Bad
    }
}

/// The nom spelling of [`Bad`].
pub(crate) const NO: nom::Err<()> = nom::Err::Error(());

/// The bytes at the beginning that are of a class; none is an error.
#[inline(always)]
fn take1(class: Class, input: &[u8]) -> Parsed<'_, &[u8]> {
    match input.split_at(class.run(input)) {
        ([], _) => Err(NO),
        (taken, rest) => Ok((rest, taken)),
    }
}

/// `1*tokenchar`.
#[inline(always)]
pub(crate) fn token(input: &[u8]) -> Parsed<'_, &[u8]> {
    take1(Class::TOKEN, input)
}

/// `LWS`, or what stands for it between lines of one value.
pub(crate) fn lws(input: &[u8]) -> Parsed<'_, &[u8]> {
    take_while1(is_space).parse(input)
}

/// `SWS`: white space, or none.
#[inline(always)]
pub(crate) fn sws(input: &[u8]) -> Parsed<'_, ()> {
    Ok((skip_space(input), ()))
}

/// `COMMA`, `EQUAL`, `SLASH` and their like: the mark with white space around it.
#[inline(always)]
pub(crate) fn separator<'a>(mark: char) -> impl Parser<&'a [u8], Output = char, Error = ()> {
    delimited(sws, char(mark), sws)
}

/// The input without the white space it begins with.
#[inline(always)]
pub(crate) fn skip_space(mut input: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = input {
        if !is_space(*first) {
            break;
        }
        input = rest;
    }
    input
}

/// The input without the white space it ends with.
#[inline(always)]
pub(crate) fn trim_end(mut input: &[u8]) -> &[u8] {
    while let [rest @ .., last] = input {
        if !is_space(*last) {
            break;
        }
        input = rest;
    }
    input
}

/// The input without the white space at both ends.
#[inline(always)]
pub(crate) fn trim(input: &[u8]) -> &[u8] {
    trim_end(skip_space(input))
}

/// A quoted string, its quotes included. Any byte may be quoted by `\`, and any byte but `"` and `\` stands for itself:
/// display names with control bytes exist (RFC 4475 §3.1.1.2).
pub(crate) fn quoted(input: &[u8]) -> Parsed<'_, &[u8]> {
    let [b'"', inner @ ..] = input else {
        return Err(NO);
    };
    let ends = |word| bytes_equal(b'"', word) | bytes_equal(b'\\', word);
    let is_end = |byte| byte == b'"' || byte == b'\\';
    let mut at = first_hit(inner, ends, is_end).ok_or(NO)?;
    if inner[at] == b'\\' {
        at = escaped_end(inner).ok_or(NO)?;
    }
    let (value, rest) = input.split_at(at + 2);
    Ok((rest, value))
}

/// Where the closing quote stands if there are escapes before it.
fn escaped_end(inner: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        match inner.get(at)? {
            b'"' => return Some(at),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// The lines of a value without the white space at their ends. Folding means one blank (§7.3.1), so that these lines with
/// a blank between them are the value in one line. Nearly every value is one line.
#[inline]
pub fn unfold(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(value);
    core::iter::from_fn(move || {
        let text = rest.take()?;
        let Some(end) = memchr::memchr(b'\r', text) else {
            return Some(text);
        };
        rest = Some(skip_space(&text[end..]));
        Some(trim_end(&text[..end]))
    })
}

/// `1*DIGIT`, the whole input. Numbers beyond 32 bits saturate and never wrap.
pub(crate) fn number(input: &[u8]) -> Option<u32> {
    match leading_number(input)? {
        (value, []) => Some(u32::try_from(value).unwrap_or(u32::MAX)),
        _ => None,
    }
}

/// As [`number`], but what does not fit 32 bits is refused.
pub(crate) fn exact_number(input: &[u8]) -> Option<u32> {
    match leading_number(input)? {
        (value, []) => u32::try_from(value).ok(),
        _ => None,
    }
}

/// `1*DIGIT` and what follows it. All numbers beyond 32 bits come out as 2^32.
#[inline(always)]
pub(crate) fn leading_number(input: &[u8]) -> Option<(u64, &[u8])> {
    let (mut value, mut rest) = (0, input);
    while let [digit @ b'0'..=b'9', tail @ ..] = rest {
        value = (value * 10 + u64::from(digit - b'0')).min(1 << 32);
        rest = tail;
    }
    (rest.len() < input.len()).then_some((value, rest))
}

/// A port: 1 to 65535. Port 0 can't be answered, so it is no port.
pub(crate) fn port(input: &[u8]) -> Option<u16> {
    u16::try_from(exact_number(input)?)
        .ok()
        .filter(|&port| port != 0)
}

/// `host` without case: the comparison of names, tokens and most parameters (§7.3.1).
#[inline]
pub(crate) fn same_text(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && (one == other || one.eq_ignore_ascii_case(other))
}

/// One parameter: `name` or `name = value`, the value a token or a quoted string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Param<'a> {
    /// As written; compare without case.
    pub name: &'a [u8],
    /// `None` for a flag such as `lr`.
    pub value: Option<Text<'a>>,
}

/// A parameter's value: a token, or the inside of a quoted string with its escapes still in it.
#[derive(Clone, Copy, Debug)]
pub struct Text<'a> {
    raw: &'a [u8],
    quoted: bool,
}

impl<'a> Text<'a> {
    /// Reads a whole quoted string or token.
    ///
    /// # Errors
    /// [`Bad`] for an open quote, or anything before or behind it.
    pub fn parse(input: &'a [u8]) -> Result<Text<'a>, Bad> {
        let (rest, text) = text(input)?;
        if rest.is_empty() { Ok(text) } else { Err(Bad) }
    }

    /// Bytes that stand for themselves.
    pub(crate) const fn plain(raw: &'a [u8]) -> Text<'a> {
        Text { raw, quoted: false }
    }

    /// The bytes between the quotes, escapes as they are; or the token.
    pub const fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// Whether it stands in quotes.
    pub const fn is_quoted(&self) -> bool {
        self.quoted
    }

    /// The bytes meant: each `\x` of a quoted string is `x`.
    pub fn bytes(&self) -> impl Iterator<Item = u8> + 'a {
        let mut rest = self.raw;
        let quoted = self.quoted;
        core::iter::from_fn(move || {
            let (mut first, mut tail) = rest.split_first()?;
            if quoted && *first == b'\\' {
                (first, tail) = tail.split_first()?;
            }
            rest = tail;
            Some(*first)
        })
    }

    /// Whether it means exactly these bytes.
    pub fn is(&self, bytes: &[u8]) -> bool {
        self.bytes().eq(bytes.iter().copied())
    }

    /// Copies the bytes meant; `None` if they do not fit.
    pub fn copy_to<'b>(&self, buf: &'b mut [u8]) -> Option<&'b [u8]> {
        let mut len = 0;
        for byte in self.bytes() {
            *buf.get_mut(len)? = byte;
            len += 1;
        }
        buf.get(..len)
    }
}

impl PartialEq for Text<'_> {
    /// Equal in what they mean: `"a"` is `a`.
    fn eq(&self, other: &Text<'_>) -> bool {
        self.bytes().eq(other.bytes())
    }
}

impl Eq for Text<'_> {}

/// A quoted string or an unquoted value.
#[inline]
pub(crate) fn text(input: &[u8]) -> Parsed<'_, Text<'_>> {
    if let [b'"', ..] = input {
        let (rest, all) = quoted(input)?;
        let raw = &all[1..all.len() - 1];
        return Ok((rest, Text { raw, quoted: true }));
    }
    let (rest, raw) = take1(Class::VALUE, input)?;
    Ok((rest, Text { raw, quoted: false }))
}

/// `token [ EQUAL value ]`, with white space around the equals sign.
#[inline]
pub(crate) fn param(input: &[u8]) -> Parsed<'_, Param<'_>> {
    let (rest, name) = token(input)?;
    let [b'=', rest @ ..] = skip_space(rest) else {
        return Ok((rest, Param { name, value: None }));
    };
    let (rest, value) = text(skip_space(rest))?;
    Ok((
        rest,
        Param {
            name,
            value: Some(value),
        },
    ))
}

/// The value of the parameter that the input begins with, if that is `prefix` (`;name=`) to the byte and the value
/// stands without quotes; and the rest. Anything else is left to [`param`].
#[inline(always)]
pub(crate) fn plain_param<'a>(prefix: &[u8], input: &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
    let (rest, value) = take1(Class::VALUE, input.strip_prefix(prefix)?).ok()?;
    Some((value, rest))
}

/// Reads `*( SEMI param )`, shows each to `see`, and gives the rest: nothing, or from a comma on.
///
/// # Errors
/// [`Bad`] for an empty parameter, an open quote or anything else, and whatever `see` refuses.
#[inline]
pub(crate) fn params<'a>(
    mut input: &'a [u8],
    mut see: impl FnMut(Param<'a>) -> Result<(), Bad>,
) -> Result<&'a [u8], Bad> {
    loop {
        input = skip_space(input);
        match input {
            [] | [b',', ..] => return Ok(input),
            [b';', rest @ ..] => {
                let (rest, param) = param(skip_space(rest))?;
                see(param)?;
                input = rest;
            }
            _ => return Err(Bad),
        }
    }
}

/// Header parameters that were checked when their header was read: `;tag=1;expires=60`, or nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Params<'a>(pub(crate) &'a [u8]);

impl<'a> Params<'a> {
    /// No parameters.
    pub const NONE: Params<'static> = Params(b"");

    /// Reads parameters up to the end of the input or a comma; gives them and the rest.
    pub(crate) fn take(
        input: &'a [u8],
        see: impl FnMut(Param<'a>) -> Result<(), Bad>,
    ) -> Result<(Params<'a>, &'a [u8]), Bad> {
        let rest = params(input, see)?;
        let taken = &input[..input.len() - rest.len()];
        Ok((Params(trim(taken)), rest))
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = Param<'a>> + use<'a> {
        let mut rest = self.0;
        core::iter::from_fn(move || {
            let [b';', tail @ ..] = skip_space(rest) else {
                return None;
            };
            let (tail, param) = param(skip_space(tail)).ok()?;
            rest = tail;
            Some(param)
        })
    }

    /// The raw value of the first parameter of that name: without its quotes, empty for a flag.
    pub fn get(&self, name: &[u8]) -> Option<&'a [u8]> {
        let found = self.find(name)?;
        Some(found.value.map_or(&[][..], |value| value.raw()))
    }

    /// The first parameter of that name.
    pub fn find(&self, name: &[u8]) -> Option<Param<'a>> {
        self.iter().find(|param| same_text(param.name, name))
    }

    /// As they were written, from the first semicolon on.
    pub const fn raw(&self) -> &'a [u8] {
        self.0
    }
}

/// Splits off the first value of a comma list: up to a comma outside quotes and angle brackets.
pub(crate) fn split_value(input: &[u8]) -> (&[u8], &[u8]) {
    let mut at = 0;
    while let Some(found) = input
        .get(at..)
        .and_then(|rest| memchr::memchr3(b',', b'"', b'<', rest))
    {
        at += found;
        at += match input[at] {
            b',' => return (trim(&input[..at]), &input[at + 1..]),
            b'"' => quoted(&input[at..]).map_or(input.len() - at, |(_, all)| all.len()),
            _ => find(b'>', &input[at..]).map_or(1, |end| end + 1),
        };
    }
    (trim(input), &[])
}

#[cfg(test)]
mod tests;
