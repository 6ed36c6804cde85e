//! Bytes: what classes they are of, and where the next one of a kind stands. A message's time goes here.
//!
//! Nothing here knows the grammar. Words of eight bytes are looked at with whole-number arithmetic, which every
//! processor has; runs of sixteen in the way that compilers turn into vector code where there is any.

const ONES: u64 = 0x0101_0101_0101_0101;
const TOPS: u64 = ONES << 7;

const TOKEN: u8 = 1;
const HOST: u8 = 2;
const USER: u8 = 4;
const VALUE: u8 = 8;
const URI: u8 = 16;
const SPACE: u8 = 32;
const PLAIN: u8 = 64;
const PARAM: u8 = 128;

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
            if byte != b'%' && byte != b'?' {
                class |= PARAM;
            }
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
    /// What may stand behind the host of a URI that has neither headers nor escapes.
    pub(crate) const PLAIN_PARAM: Class = Class(PARAM);
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

    /// How many bytes at the beginning belong to it; four at a time.
    #[inline(always)]
    pub(crate) fn run(self, bytes: &[u8]) -> usize {
        let mut len = 0;
        for &[a, b, c, d] in bytes.as_chunks::<4>().0 {
            let class = |byte: u8| CLASS[usize::from(byte)];
            if class(a) & class(b) & class(c) & class(d) & self.0 == 0 {
                if !self.has(a) {
                    return len;
                }
                if !self.has(b) {
                    return len + 1;
                }
                return len + if self.has(c) { 3 } else { 2 };
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
}

/// Whether all bytes are visible: a Call-ID may hold quotes and brackets without balance (RFC 4475 §3.1.1.2).
#[inline]
pub(crate) fn is_word(bytes: &[u8]) -> bool {
    // Without an early return the compiler looks at all sixteen at once.
    let is_visible = |bytes: &[u8]| {
        bytes
            .iter()
            .fold(true, |all, &byte| all & (byte > b' ') & (byte != 0x7f))
    };
    match bytes.last_chunk::<16>() {
        // The last sixteen overlap those before.
        Some(last) => {
            let mut chunks = bytes.as_chunks::<16>().0.iter();
            chunks.all(|chunk| is_visible(chunk)) && is_visible(last)
        }
        None => is_visible(bytes),
    }
}

/// White space inside a header value, folding included.
#[inline(always)]
pub(crate) fn is_space(byte: u8) -> bool {
    CLASS[usize::from(byte)] & SPACE != 0
}

/// Where a byte stands. For what is near: `memchr` costs more than it saves below some forty bytes.
#[inline(always)]
pub(crate) fn find(needle: u8, bytes: &[u8]) -> Option<usize> {
    first_hit(
        bytes,
        |word| bytes_equal(needle, word),
        |byte| byte == needle,
    )
}

/// Where the first byte stands that is wanted: `hits` marks those of a word by their top bits.
#[inline(always)]
pub(crate) fn first_hit(
    bytes: &[u8],
    hits: impl Fn([u8; 8]) -> u64,
    is_hit: impl Fn(u8) -> bool,
) -> Option<usize> {
    let (words, rest) = bytes.as_chunks();
    for (at, word) in words.iter().enumerate() {
        let hits = hits(*word);
        if hits != 0 {
            return Some(at * 8 + hits.trailing_zeros() as usize / 8);
        }
    }
    let at = rest.iter().position(|&byte| is_hit(byte))?;
    Some(words.len() * 8 + at)
}

/// Where the first control byte stands (DEL is not one here).
#[inline(always)]
pub(crate) fn find_control(bytes: &[u8]) -> Option<usize> {
    // A byte below the blank borrows from its top bit; so may its neighbour above, but never the first.
    let controls = |word: &[u8; 8]| {
        let text = u64::from_le_bytes(*word);
        text.wrapping_sub(ONES * u64::from(b' ')) & !text & TOPS
    };
    let mut rest = bytes;
    while let Some((chunk, behind)) = rest.split_first_chunk::<16>() {
        // Without an early return the compiler looks at all sixteen at once.
        if chunk.iter().fold(false, |any, &byte| any | (byte < b' ')) {
            let halves = chunk.as_chunks::<8>().0;
            let hit = match controls(&halves[0]) {
                0 => 64 + controls(&halves[1]).trailing_zeros(),
                hits => hits.trailing_zeros(),
            };
            return Some(bytes.len() - rest.len() + hit as usize / 8);
        }
        rest = behind;
    }
    let at = rest.iter().position(|&byte| byte < b' ')?;
    Some(bytes.len() - rest.len() + at)
}

/// The top bit of each of eight bytes that is the needle. The lowest is always right; above it the neighbour of the
/// needle's code may pass for it.
#[inline(always)]
pub(crate) fn bytes_equal(needle: u8, word: [u8; 8]) -> u64 {
    // A byte that is zero after the exclusive or borrows from its top bit.
    let odd = u64::from_le_bytes(word) ^ (ONES * u64::from(needle));
    odd.wrapping_sub(ONES) & !odd & TOPS
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::vec;

    #[test]
    fn bytes_are_found_at_every_place() {
        let mut text = [b'x'; 40];
        for at in 0..text.len() {
            text[at] = b':';
            // The code next to the needle's must not pass for it.
            if let Some(next) = text.get_mut(at + 1) {
                *next = b':' + 1;
            }
            if at > 0 {
                text[at - 1] = b':' ^ 1;
            }
            assert_eq!(find(b':', &text), Some(at));
            assert_eq!(find(b':', &text[..at]), None);
            text = [b'x'; 40];
        }
        assert_eq!(find(0, b"12345678\x001"), Some(8));
        assert_eq!(find(b'a', b""), None);
    }

    #[test]
    fn classes_run_to_the_first_stranger() {
        for len in 0..20 {
            let mut text = [b'a'; 20];
            text[len] = b' ';
            assert_eq!(Class::TOKEN.run(&text), len);
            assert_eq!(Class::TOKEN.run(&text[..len]), len);
        }
        assert!(Class::TOKEN.has_all(b"-.!%*_+`'~aZ09"));
        for byte in [
            b'(', b')', b'<', b'>', b'@', b',', b';', b':', b'\\', b'"', b'/', b'[', b'=', 0, 127,
            128,
        ] {
            assert!(!Class::TOKEN.has(byte), "{byte}");
        }
    }

    /// Every place in every length, with every byte: words, chunks and what is left over.
    #[test]
    fn each_byte_is_found_where_it_stands() {
        for len in 0..50 {
            let mut text = vec![b'x'; len];
            assert_eq!((find(b':', &text), find_control(&text)), (None, None));
            assert!(is_word(&text) && Class::TOKEN.has_all(&text));
            for at in 0..len {
                for byte in 0..=u8::MAX {
                    text[at] = byte;
                    let is = |wanted: bool| wanted.then_some(at);
                    assert_eq!(find(b':', &text), is(byte == b':'), "{byte} at {at}");
                    assert_eq!(find_control(&text), is(byte < b' '), "{byte} at {at}");
                    let is_visible = byte > b' ' && byte != 0x7f;
                    assert_eq!(is_word(&text), is_visible, "{byte} at {at}");
                    let run = if Class::VALUE.has(byte) { len } else { at };
                    assert_eq!(Class::VALUE.run(&text), run, "{byte} at {at}");
                }
                text[at] = b'x';
            }
        }
    }

    #[test]
    fn the_first_of_several_is_found() {
        for at in 0..40 {
            for next in at + 1..40 {
                // The neighbour of the needle's code may pass for it, but only behind it.
                for neighbour in *b":;\x1f\x00" {
                    let mut text = [b'x'; 40];
                    (text[at], text[next]) = (b':', neighbour);
                    assert_eq!(find(b':', &text), Some(at));
                    (text[at], text[next]) = (b'\r', neighbour);
                    assert_eq!(find_control(&text), Some(at));
                    (text[at], text[next]) = (b' ', b'\n');
                    assert_eq!(find_control(&text), Some(next));
                }
            }
        }
    }
}
