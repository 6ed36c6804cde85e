//! The leaves of the grammar: character classes, tokens, quoted strings, numbers, parameters and lists.
//!
//! Read RFC 3261 §25.1 first. The leaves are nom parsers over bytes with the error type `()`: what was wrong is
//! said once, where the header is known. Folding needs no care here: the rows were split where a line end is *not*
//! followed by white space (§7.3.1), so a CR or LF inside a value is white space.

use nom::IResult;

/// What a nom leaf gives: the rest and the thing read.
pub(crate) type Parsed<'a, T> = IResult<&'a [u8], T, ()>;

/// A value that is not what its grammar allows.
///
/// In a header the message needs, the answer is 400; any other header counts as absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bad;

impl From<nom::Err<()>> for Bad {
    fn from(_: nom::Err<()>) -> Bad {
        Bad
    }
}

/// The nom spelling of [`Bad`].
pub(crate) const NO: nom::Err<()> = nom::Err::Error(());

const ONES: u64 = 0x0101_0101_0101_0101;
const TOPS: u64 = ONES << 7;

const TOKEN: u8 = 1;
const HOST: u8 = 2;
const USER: u8 = 4;
const VALUE: u8 = 8;
const URI: u8 = 16;
const SPACE: u8 = 32;
const PLAIN: u8 = 64;

/// One table look-up per byte decides every class.
static CLASS: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut at = 0;
    while at < 256 {
        table[at] = class_of(at as u8);
        at += 1;
    }
    table
}

const fn class_of(byte: u8) -> u8 {
    let mut class = 0;
    if byte.is_ascii_alphanumeric() || is_one_of(byte, b"-.!%*_+`'~") {
        class |= TOKEN;
    }
    if byte.is_ascii_alphanumeric() || is_one_of(byte, b"-._") {
        class |= HOST;
    }
    if matches!(byte, b' ' | b'\t' | b'\r' | b'\n') {
        class |= SPACE;
    }
    if byte > b' ' && byte != 0x7f {
        if !is_one_of(byte, b"<>\"") {
            class |= URI;
            if byte != b'@' {
                class |= USER;
                if byte != b':' && byte != b'%' {
                    class |= PLAIN;
                }
            }
        }
        if !is_one_of(byte, b";,\"<>\\") {
            class |= VALUE;
        }
    }
    class
}

const fn is_one_of(byte: u8, set: &[u8]) -> bool {
    let mut at = 0;
    while at < set.len() {
        if set[at] == byte {
            return true;
        }
        at += 1;
    }
    false
}

/// Whether all bytes are visible, eight at a time: a Call-ID may hold quotes and brackets without balance (RFC 4475
/// §3.1.1.2).
#[inline]
pub(crate) fn is_word(bytes: &[u8]) -> bool {
    let (words, rest) = bytes.as_chunks();
    // A control byte or a blank borrows from its top bit when a `!` is taken away.
    let is_odd = |word: &[u8; 8]| {
        let text = u64::from_le_bytes(*word);
        let low = text.wrapping_sub(ONES * u64::from(b'!')) & !text & TOPS;
        low | bytes_equal(0x7f, *word) != 0
    };
    !words.iter().any(is_odd) && rest.iter().all(|&byte| byte > b' ' && byte != 0x7f)
}

/// A set of bytes that things are made of; one bit of the table.
#[derive(Clone, Copy)]
pub(crate) struct Class(u8);

impl Class {
    /// `token` of §25.1.
    pub(crate) const TOKEN: Class = Class(TOKEN);
    /// What a host name is made of; `_` is illegal and common.
    pub(crate) const HOST: Class = Class(HOST);
    /// What may stand in the user part of a URI. Wider than the grammar: `#` and raw UTF-8 are common.
    pub(crate) const USER: Class = Class(USER);
    /// What may stand in a user part that has neither password nor escapes.
    pub(crate) const PLAIN_USER: Class = Class(PLAIN);
    /// What an unquoted parameter value is made of. Wider than `gen-value`: tags and branches hold `=`, `@` and more.
    pub(crate) const VALUE: Class = Class(VALUE);
    /// What can stand in any URI at all: no blanks, controls, quotes or angle brackets.
    pub(crate) const URI: Class = Class(URI);

    /// Whether the byte belongs to it.
    #[inline(always)]
    pub(crate) fn has(self, byte: u8) -> bool {
        CLASS[usize::from(byte)] & self.0 != 0
    }

    /// Whether all bytes belong to it.
    #[inline(always)]
    pub(crate) fn has_all(self, bytes: &[u8]) -> bool {
        self.run(bytes) == bytes.len()
    }

    /// How many bytes at the beginning belong to it. Four at a time: this is where a message's time goes.
    #[inline(always)]
    pub(crate) fn run(self, bytes: &[u8]) -> usize {
        let mut len = 0;
        for &[a, b, c, d] in bytes.as_chunks::<4>().0 {
            let class = |byte: u8| CLASS[usize::from(byte)];
            if class(a) & class(b) & class(c) & class(d) & self.0 == 0 {
                break;
            }
            len += 4;
        }
        while let Some(&byte) = bytes.get(len)
            && self.has(byte)
        {
            len += 1;
        }
        len
    }

    /// Splits off the bytes at the beginning that belong to it; none is an error.
    #[inline(always)]
    pub(crate) fn take1(self, input: &[u8]) -> Parsed<'_, &[u8]> {
        match input.split_at(self.run(input)) {
            ([], _) => Err(NO),
            (taken, rest) => Ok((rest, taken)),
        }
    }
}

/// White space inside a header value, folding included.
#[inline(always)]
pub(crate) fn is_space(byte: u8) -> bool {
    CLASS[usize::from(byte)] & SPACE != 0
}

/// `1*tokenchar`.
#[inline(always)]
pub(crate) fn token(input: &[u8]) -> Parsed<'_, &[u8]> {
    Class::TOKEN.take1(input)
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

/// Where a byte stands. For what is near: `memchr` costs more than it saves below some forty bytes.
#[inline(always)]
pub(crate) fn find(needle: u8, bytes: &[u8]) -> Option<usize> {
    let (words, rest) = bytes.as_chunks();
    for (at, word) in words.iter().enumerate() {
        let hits = bytes_equal(needle, *word);
        if hits != 0 {
            return Some(at * 8 + hits.trailing_zeros() as usize / 8);
        }
    }
    let at = rest.iter().position(|&byte| byte == needle)?;
    Some(words.len() * 8 + at)
}

/// The top bit of each of eight bytes that is the needle. The lowest is always right; above it the neighbour of the
/// needle's code may pass for it.
#[inline(always)]
pub(crate) fn bytes_equal(needle: u8, word: [u8; 8]) -> u64 {
    // A byte that is zero after the exclusive or borrows from its top bit.
    let odd = u64::from_le_bytes(word) ^ (ONES * u64::from(needle));
    odd.wrapping_sub(ONES) & !odd & TOPS
}

/// A quoted string, its quotes included. Any byte may be quoted by `\`, and any byte but `"` and `\` stands for itself:
/// display names with control bytes exist (RFC 4475 §3.1.1.2).
pub(crate) fn quoted(input: &[u8]) -> Parsed<'_, &[u8]> {
    let [b'"', inner @ ..] = input else {
        return Err(NO);
    };
    let mut at = find(b'"', inner).ok_or(NO)?;
    if find(b'\\', &inner[..at]).is_some() {
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

/// `1*DIGIT`, the whole input. Numbers beyond 32 bits saturate and never wrap.
pub(crate) fn number(input: &[u8]) -> Option<u32> {
    if input.is_empty() {
        return None;
    }
    let mut value: u32 = 0;
    for &byte in input {
        if !byte.is_ascii_digit() {
            return None;
        }
        value = value
            .saturating_mul(10)
            .saturating_add(u32::from(byte - b'0'));
    }
    Some(value)
}

/// As [`number`], but what does not fit 32 bits is refused.
pub(crate) fn exact_number(input: &[u8]) -> Option<u32> {
    if input.is_empty() {
        return None;
    }
    let mut value: u32 = 0;
    for &byte in input {
        if !byte.is_ascii_digit() {
            return None;
        }
        value = value.checked_mul(10)?.checked_add(u32::from(byte - b'0'))?;
    }
    Some(value)
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
    let (rest, raw) = Class::VALUE.take1(input)?;
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
