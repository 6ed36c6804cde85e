//! Text of bounded length, and text on its way into a log line.

use core::fmt;
use core::ops::Deref;
use heapless::String;

/// UTF-8 text of at most `N` bytes; never cut: what does not fit is refused.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text<const N: usize>(String<N>);

/// The text is longer than its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong;

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

/// Strangers' bytes on their way into one log line: escaped, and cut after [`Printable::MOST`] of them.
pub struct Printable<'a>(pub &'a [u8]);

impl Printable<'_> {
    /// Bytes shown before the rest becomes `…`.
    pub const MOST: usize = 120;
}

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = &self.0[..self.0.len().min(Self::MOST)];
        write!(f, "{}", shown.escape_ascii())?;
        if shown.len() < self.0.len() {
            f.write_str("…")
        } else {
            Ok(())
        }
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
        assert_eq!(
            Printable(b"a\r\nb\x1b[1m%n").to_string(),
            "a\\r\\nb\\x1b[1m%n"
        );
        assert_eq!(
            Printable(&[b'x'; 500]).to_string().chars().count(),
            Printable::MOST + 1
        );
    }
}
