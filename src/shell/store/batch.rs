//! Changes that are made together: entries as they stand in a frame.

use std::fmt;
use std::vec::Vec;

/// Bytes of all entries of a batch.
pub const MOST: usize = 64 * 1024;

/// Bytes of a name.
pub(super) const NAME: usize = 15;

/// Bytes of one value.
pub(super) const VALUE: usize = 8 * 1024;

/// Changes to be made together; the later of two to one name counts.
#[derive(Debug)]
pub struct Batch {
    entries: Vec<u8>,
}

/// A change does not fit a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// The name is empty or too long.
    Name,
    /// The value is too long.
    Value,
    /// The batch is full: commit it first.
    Full,
}

impl Batch {
    /// No change. All the memory it will ever need is taken now.
    pub fn new() -> Batch {
        Batch {
            entries: Vec::with_capacity(MOST),
        }
    }

    /// Adds a change: a value for the name, or its removal.
    ///
    /// # Errors
    /// [`Unfit`]; the batch is as it was.
    pub fn put(&mut self, name: &str, value: Option<&[u8]>) -> Result<(), Unfit> {
        if name.is_empty() || name.len() > NAME {
            return Err(Unfit::Name);
        }
        let len = value.map_or(0, <[u8]>::len);
        if len > VALUE {
            return Err(Unfit::Value);
        }
        if len + name.len() + OVERHEAD > self.room() {
            return Err(Unfit::Full);
        }
        write(&mut self.entries, name, value);
        Ok(())
    }

    /// Whether any value still fits.
    pub fn has_room(&self) -> bool {
        self.room() >= VALUE + NAME + OVERHEAD
    }

    /// Whether nothing is to be changed.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Forgets all changes.
    pub fn clear(&mut self) {
        self.entries.clear();
    }

    pub(super) fn entries(&self) -> &[u8] {
        &self.entries
    }

    fn room(&self) -> usize {
        MOST - self.entries.len()
    }
}

impl Default for Batch {
    fn default() -> Batch {
        Batch::new()
    }
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Unfit::Name => "the name has no length that a record's can have",
            Unfit::Value => "the value is too long",
            Unfit::Full => "the batch is full",
        })
    }
}

impl core::error::Error for Unfit {}

/// Bytes of an entry beside its name and value: whether there is a value, and two lengths.
const OVERHEAD: usize = 4;

/// Appends an entry.
pub(super) fn write(entries: &mut Vec<u8>, name: &str, value: Option<&[u8]>) {
    let len = value.map_or(0, <[u8]>::len) as u16; // At most `VALUE`.
    entries.push(name.len() as u8);
    entries.push(u8::from(value.is_some()));
    entries.extend_from_slice(&len.to_le_bytes());
    entries.extend_from_slice(name.as_bytes());
    entries.extend_from_slice(value.unwrap_or_default());
}

/// An entry, and where its value begins among all entries.
pub(super) struct Entry<'a> {
    pub(super) name: &'a str,
    pub(super) value: Option<(usize, u16)>,
}

/// Reads entries one after the other; `None` inside for what is not an entry.
pub(super) fn entries(bytes: &[u8]) -> impl Iterator<Item = Option<Entry<'_>>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        if at >= bytes.len() {
            return None;
        }
        let entry = read(bytes, at);
        at = match &entry {
            Some((_, next)) => *next,
            None => bytes.len(),
        };
        Some(entry.map(|(entry, _)| entry))
    })
}

fn read(bytes: &[u8], at: usize) -> Option<(Entry<'_>, usize)> {
    let [name_len, has_value, low, high] = *bytes.get(at..at + OVERHEAD)?.first_chunk()?;
    let len = u16::from_le_bytes([low, high]);
    let name_at = at + OVERHEAD;
    let value_at = name_at + usize::from(name_len);
    let end = value_at + usize::from(len);
    let name = core::str::from_utf8(bytes.get(name_at..value_at)?).ok()?;
    let is_sound = !name.is_empty() && name.len() <= NAME && usize::from(len) <= VALUE;
    bytes.get(value_at..end).filter(|_| is_sound)?;
    let value = match has_value {
        0 if len == 0 => None,
        1 => Some((value_at, len)),
        _ => return None,
    };
    Some((Entry { name, value }, end))
}
