//! Markup carried from one document to another.

use super::charset::Charset;
use super::text::{Reference, reference};

/// Hands a whole element on, in pieces: in UTF-8, and with every bare `&` escaped, so that it is well-formed
/// wherever it goes. `raw` must come from a document that was read to its end.
pub(super) fn copy(raw: &[u8], charset: Charset, emit: &mut dyn FnMut(&str)) {
    let mut rest = raw;
    while let Some(at) = memchr::memchr2(b'&', b'<', rest) {
        transcode(&rest[..at], charset, emit);
        rest = &rest[at..];
        let len = verbatim_len(rest);
        if len == 0 {
            emit("&amp;");
            rest = &rest[1..];
        } else {
            transcode(&rest[..len], charset, emit);
            rest = &rest[len..];
        }
    }
    transcode(rest, charset, emit);
}

/// How much at an `&` or `<` goes through as it stands: a section in which `&` means nothing, else the byte
/// itself, but nothing for a bare `&`.
fn verbatim_len(text: &[u8]) -> usize {
    if text.starts_with(b"&") {
        return match reference(text) {
            Reference::Char(..) => 1,
            Reference::None | Reference::Illegal => 0,
        };
    }
    for (begin, end) in [("<![CDATA[", "]]>"), ("<!--", "-->"), ("<?", "?>")] {
        if let Some(inside) = text.strip_prefix(begin.as_bytes()) {
            let len = memchr::memmem::find(inside, end.as_bytes());
            return len.map_or(text.len(), |len| begin.len() + len + end.len());
        }
    }
    1
}

fn transcode(bytes: &[u8], charset: Charset, emit: &mut dyn FnMut(&str)) {
    match core::str::from_utf8(bytes) {
        Ok(text) if charset == Charset::Utf8 || bytes.is_ascii() => emit(text),
        Ok(_) | Err(_) => {
            for &byte in bytes {
                emit(charset.char(byte).encode_utf8(&mut [0; 4]));
            }
        }
    }
}
