//! From bytes to tokens: byte order mark, XML declaration (XML 1.0 §2.8), encodings (§4.3.3).
//!
//! Valid UTF-8 is read as UTF-8 even when ISO-8859-1 is declared: servers declare one and send the other, and
//! real Latin-1 text is practically never valid UTF-8 by accident.

use super::charset::Charset;
use super::{Fault, MAX_BODY, MAX_LATIN1, Names, Reader};

/// Runs `run` on the tokens of a body, in which these namespaces are known.
///
/// # Errors
/// [`Fault::Encoding`] and [`Fault::TooLarge`] before a token is read; else what `run` says.
pub(in crate::wire::doc) fn open<'a>(
    body: &'a [u8],
    names: Names,
    run: &mut dyn FnMut(&mut Reader<'a, '_>) -> Result<(), Fault>,
) -> Result<(), Fault> {
    if body.len() > MAX_BODY {
        return Err(Fault::TooLarge);
    }
    let (start, declared) = prolog(body)?;
    match core::str::from_utf8(&body[start..]) {
        Ok(text) => run(&mut Reader::new(body, start, text, Charset::Utf8, names)),
        Err(_) => match declared {
            Some(Charset::Utf8) => Err(Fault::Encoding),
            Some(Charset::Latin1) | None => in_bytes(body, start, Charset::Latin1, names, run),
            Some(Charset::Windows1252) => in_bytes(body, start, Charset::Windows1252, names, run),
        },
    }
}

/// The tokens of a document whose characters are bytes are those of a copy in which each byte above ASCII has a
/// stand-in; names and text are then taken from the document itself. Apart, for the copy's place on the stack.
#[cold]
#[inline(never)]
fn in_bytes<'a>(
    body: &'a [u8],
    start: usize,
    charset: Charset,
    names: Names,
    run: &mut dyn FnMut(&mut Reader<'a, '_>) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let mut room = [0; MAX_LATIN1];
    let source = &body[start..];
    let copy = room.get_mut(..source.len()).ok_or(Fault::TooLarge)?;
    for (to, &from) in copy.iter_mut().zip(source) {
        *to = charset.stand_in(from);
    }
    let text = core::str::from_utf8(copy).map_err(|_| Fault::Encoding)?;
    run(&mut Reader::new(body, start, text, charset, names))
}

/// Where the document goes on after its declaration, and the encoding it declares.
fn prolog(body: &[u8]) -> Result<(usize, Option<Charset>), Fault> {
    let (text, mut declared) = match body.strip_prefix(b"\xEF\xBB\xBF") {
        Some(text) => (text, Some(Charset::Utf8)),
        None => (body, None),
    };
    let is_utf16 = matches!(
        text,
        [0xFE, 0xFF, ..] | [0xFF, 0xFE, ..] | [0, ..] | [_, 0, ..]
    );
    if is_utf16 {
        return Err(Fault::Encoding);
    }
    let text = text.trim_ascii_start();
    let start = body.len() - text.len();
    let inside = match text.strip_prefix(b"<?xml") {
        Some(inside) if inside.first().is_some_and(u8::is_ascii_whitespace) => inside,
        Some(_) | None => return Ok((start, declared)),
    };
    let len = memchr::memmem::find(inside, b"?>").ok_or(Fault::Syntax)?;
    if let Some(encoding) = declaration(&inside[..len])? {
        let named = charset_named(encoding)?;
        declared.get_or_insert(named);
    }
    Ok((start + 5 + len + 2, declared))
}

/// The encoding that a declaration's pseudo-attributes name.
fn declaration(inside: &[u8]) -> Result<Option<&[u8]>, Fault> {
    let mut rest = inside.trim_ascii();
    let mut encoding = None;
    while !rest.is_empty() {
        let equals = memchr::memchr(b'=', rest).ok_or(Fault::Syntax)?;
        let name = rest[..equals].trim_ascii();
        let quoted = rest[equals + 1..].trim_ascii_start();
        let (&quote, value) = quoted.split_first().ok_or(Fault::Syntax)?;
        if !matches!(quote, b'"' | b'\'') {
            return Err(Fault::Syntax);
        }
        let end = memchr::memchr(quote, value).ok_or(Fault::Syntax)?;
        match name {
            b"version" if is_version_1(&value[..end]) => {}
            b"encoding" if encoding.is_none() => encoding = Some(&value[..end]),
            b"standalone" if matches!(&value[..end], b"yes" | b"no") => {}
            _ => return Err(Fault::Syntax),
        }
        let after = &value[end + 1..];
        rest = after.trim_ascii_start();
        if !rest.is_empty() && rest.len() == after.len() {
            return Err(Fault::Syntax);
        }
    }
    Ok(encoding)
}

/// XML 1.0 §2.8: any minor version.
fn is_version_1(number: &[u8]) -> bool {
    let minor = number.strip_prefix(b"1.").unwrap_or_default();
    !minor.is_empty() && minor.iter().all(u8::is_ascii_digit)
}

fn charset_named(name: &[u8]) -> Result<Charset, Fault> {
    const NAMES: [(&str, Charset); 10] = [
        ("utf-8", Charset::Utf8),
        ("utf8", Charset::Utf8),
        ("us-ascii", Charset::Utf8),
        ("ascii", Charset::Utf8),
        ("iso-8859-1", Charset::Latin1),
        ("iso8859-1", Charset::Latin1),
        ("iso_8859-1", Charset::Latin1),
        ("latin1", Charset::Latin1),
        ("windows-1252", Charset::Windows1252),
        ("cp1252", Charset::Windows1252),
    ];
    let is = |(known, _): &&(&str, Charset)| name.eq_ignore_ascii_case(known.as_bytes());
    let named = NAMES.iter().find(is).map(|(_, charset)| *charset);
    named.ok_or(Fault::Encoding)
}
