//! Netstrings in: `5:hello,` (D. J. Bernstein, 1997), from a peer that we believe as far as a buffer goes.

use std::vec::Vec;

/// Bytes that came and are not whole messages yet.
#[derive(Debug)]
pub(super) struct Netstrings {
    bytes: Vec<u8>,
    /// How many of them were told.
    told: usize,
}

/// It is no netstring, or too long for one: nothing behind it means anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Garbled;

impl Netstrings {
    /// None; no message is longer than [`LONGEST`].
    pub(super) fn new() -> Netstrings {
        Netstrings {
            bytes: Vec::with_capacity(ROOM),
            told: 0,
        }
    }

    /// Forgets everything: another stream begins.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.told = 0;
    }

    /// Takes in what `read` puts into the room that is left; how much that was.
    pub(super) fn fill<E>(
        &mut self,
        read: impl FnOnce(&mut [u8]) -> Result<usize, E>,
    ) -> Result<usize, E> {
        self.bytes.drain(..self.told);
        self.told = 0;
        let before = self.bytes.len();
        self.bytes.resize(ROOM, 0);
        let read = read(&mut self.bytes[before..]);
        self.bytes
            .truncate(before + read.as_ref().map_or(0, |&it| it));
        read
    }

    /// The next whole message; `None` if more has to come.
    ///
    /// # Errors
    /// Nothing will ever come of it.
    pub(super) fn next(&mut self) -> Result<Option<&[u8]>, Garbled> {
        let rest = &self.bytes[self.told..];
        let Some(colon) = rest.iter().take(DIGITS + 1).position(|&it| it == b':') else {
            return match rest.len() <= DIGITS && rest.iter().all(u8::is_ascii_digit) {
                true => Ok(None),
                false => Err(Garbled),
            };
        };
        let digits = core::str::from_utf8(&rest[..colon]).map_err(|_| Garbled)?;
        let is_number = digits.bytes().all(|it| it.is_ascii_digit());
        let length: usize = digits.parse().map_err(|_| Garbled)?;
        if !is_number || length > LONGEST {
            return Err(Garbled);
        }
        let end = colon + 1 + length;
        match rest.get(end) {
            None => Ok(None),
            Some(b',') => {
                let from = self.told + colon + 1;
                self.told += end + 1;
                Ok(Some(&self.bytes[from..from + length]))
            }
            Some(_) => Err(Garbled),
        }
    }
}

/// Bytes of a message: a list of many calls.
const LONGEST: usize = 8_192;

/// Digits of that.
const DIGITS: usize = 4;

const ROOM: usize = LONGEST + DIGITS + 2;

#[cfg(test)]
mod tests {
    use super::*;

    fn fed(all: &mut Netstrings, bytes: &[u8]) {
        let read = |room: &mut [u8]| {
            room[..bytes.len()].copy_from_slice(bytes);
            Ok::<_, ()>(bytes.len())
        };
        assert_eq!(all.fill(read), Ok(bytes.len()));
    }

    #[test]
    fn messages_come_in_any_pieces() {
        let stream = b"5:hello,0:,3:a:b,";
        for cut in 0..=stream.len() {
            let mut all = Netstrings::new();
            let mut told: Vec<Vec<u8>> = Vec::new();
            for piece in [&stream[..cut], &stream[cut..]] {
                fed(&mut all, piece);
                while let Some(message) = all.next().expect("good") {
                    told.push(message.to_vec());
                }
            }
            assert_eq!(told, [&b"hello"[..], b"", b"a:b"], "{cut}");
        }
    }

    #[test]
    fn what_is_none_is_garbled() {
        for stream in [
            &b"x"[..],
            b"5x",
            b":",
            b"+1:a,",
            b"2:ab;",
            b"99999",
            b"9999:",
            b"12345:",
        ] {
            let mut all = Netstrings::new();
            fed(&mut all, stream);
            assert_eq!(all.next(), Err(Garbled), "{stream:?}");
        }
    }
}
