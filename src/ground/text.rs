//! Text of bounded length, and text on its way into a log line.

use core::fmt::{self, Write as _};
use core::ops::Deref;
use heapless::String;

/// UTF-8 text of at most `N` bytes; never cut: what does not fit is refused.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text<const N: usize>(String<N>);

/// The text is longer than its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong;

error_texts!(TooLong: TooLong => "longer than its place");

impl<const N: usize> Text<N> {
    /// The empty text.
    pub const fn new() -> Text<N> {
        Text(String::new())
    }

    /// Copies `text`.
    ///
    /// # Errors
    /// [`TooLong`] above `N` bytes.
    pub fn copied(text: &str) -> Result<Text<N>, TooLong> {
        let mut copy = Text::new();
        copy.push_str(text)?;
        Ok(copy)
    }

    /// Copies bytes off the wire.
    ///
    /// # Errors
    /// [`TooLong`] above `N` bytes; bytes that are not UTF-8 do not fit either.
    pub fn from_bytes(bytes: &[u8]) -> Result<Text<N>, TooLong> {
        core::str::from_utf8(bytes).map_or(Err(TooLong), Text::copied)
    }

    /// Appends `text`, all of it or nothing.
    ///
    /// # Errors
    /// [`TooLong`] if it does not fit.
    pub fn push_str(&mut self, text: &str) -> Result<(), TooLong> {
        self.0.push_str(text).map_err(|_| TooLong)
    }

    /// Makes it empty.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl<const N: usize> Deref for Text<N> {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl<const N: usize> fmt::Display for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl<const N: usize> fmt::Write for Text<N> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push_str(text).map_err(|_| fmt::Error)
    }
}

/// The beginning of a text, kept for a log line: at most `N` bytes of it, which is below 256. Where it is shown, control
/// characters and what is no UTF-8 are escaped, and `...` says that there was more.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Excerpt<const N: usize> {
    bytes: [u8; N],
    len: u8,
    is_cut: bool,
}

impl<const N: usize> Excerpt<N> {
    /// Of nothing.
    pub const NONE: Excerpt<N> = Excerpt {
        bytes: [0; N],
        len: 0,
        is_cut: false,
    };

    /// The beginning of `text`.
    pub fn of(text: &[u8]) -> Excerpt<N> {
        let len = text.len().min(N).min(usize::from(u8::MAX));
        let mut excerpt = Excerpt {
            len: len as u8,
            is_cut: len < text.len(),
            ..Excerpt::NONE
        };
        excerpt.bytes[..len].copy_from_slice(&text[..len]);
        excerpt
    }

    /// Whether it is of nothing.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    fn kept(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

impl<const N: usize> fmt::Display for Excerpt<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.kept().utf8_chunks() {
            for letter in chunk.valid().chars() {
                match letter.is_control() {
                    true => write!(f, "{}", letter.escape_default())?,
                    false => f.write_char(letter)?,
                }
            }
            write!(f, "{}", chunk.invalid().escape_ascii())?;
        }
        f.write_str(if self.is_cut { "..." } else { "" })
    }
}

impl<const N: usize> fmt::Debug for Excerpt<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::ToString;

    #[test]
    fn text_is_whole_or_refused() {
        let mut text = Text::<4>::copied("abc").expect("it fits");
        assert_eq!(text.push_str("de"), Err(TooLong));
        assert_eq!(text.as_str(), "abc");
        assert_eq!(text.push_str("d"), Ok(()));
        assert_eq!(Text::<4>::from_bytes(b"\xC0\x80"), Err(TooLong));
    }

    #[test]
    fn a_log_line_stays_one_line() {
        let excerpt = Excerpt::<40>::of(b"a\r\nb\x1b[1m%n\xC3\xBC\xFF");
        assert_eq!(excerpt.to_string(), "a\\r\\nb\\u{1b}[1m%nü\\xff");
        let long = Excerpt::<40>::of(&[b'x'; 500]).to_string();
        assert_eq!((long.chars().count(), long.ends_with("...")), (43, true));
        assert_eq!(Excerpt::<40>::NONE.to_string(), "");
    }
}
