//! Where each record's value stands in the file.

use std::vec::Vec;

use super::batch::{Batch, entries};

/// Bytes of a name.
pub(super) const NAME: usize = 15;

/// Records at once.
pub(super) const MOST: usize = 512;

/// A value's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) at: u64,
    pub(super) len: u16,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    name: [u8; NAME],
    name_len: u8,
    place: Place,
}

/// All records, by name. Its memory is taken once.
pub(super) struct Index(Vec<Known>);

impl Index {
    pub(super) fn new() -> Index {
        Index(Vec::with_capacity(MOST))
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    pub(super) fn find(&self, name: &str) -> Option<Place> {
        let at = self.search(name).ok()?;
        Some(self.0[at].place)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, Place)> {
        self.0.iter().map(|known| (known.name(), known.place))
    }

    /// Bytes that a file of these records alone would have, roughly.
    pub(super) fn live_bytes(&self) -> u64 {
        let bytes = |known: &Known| u64::from(known.place.len) + u64::from(known.name_len) + 4;
        self.0.iter().map(bytes).sum()
    }

    /// Whether all names of a batch will have a place.
    pub(super) fn has_room_for(&self, batch: &Batch) -> bool {
        let new = entries(batch.entries()).flatten();
        let new = new.filter(|it| it.value.is_some() && self.find(it.name).is_none());
        self.0.len() + new.count() <= MOST
    }

    /// Takes in a batch whose entries stand at `at`.
    pub(super) fn take_in(&mut self, batch: &Batch, at: u64) {
        self.take_in_entries(batch.entries(), at);
    }

    /// Takes in entries that stand at `at`. `false` if they are none, or too many.
    pub(super) fn take_in_entries(&mut self, bytes: &[u8], at: u64) -> bool {
        for entry in entries(bytes) {
            let Some(entry) = entry else { return false };
            let place = entry.value.map(|(offset, len)| Place {
                at: at + offset as u64,
                len,
            });
            match (self.search(entry.name), place) {
                (Ok(known), Some(place)) => self.0[known].place = place,
                (Ok(known), None) => {
                    self.0.remove(known);
                }
                (Err(_), Some(_)) if self.0.len() == MOST => return false,
                (Err(before), Some(place)) => self.0.insert(before, Known::new(entry.name, place)),
                (Err(_), None) => {}
            }
        }
        true
    }

    fn search(&self, name: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|known| known.name().cmp(name))
    }
}

impl Known {
    fn new(name: &str, place: Place) -> Known {
        let mut bytes = [0; NAME];
        bytes[..name.len()].copy_from_slice(name.as_bytes());
        Known {
            name: bytes,
            name_len: name.len() as u8,
            place,
        }
    }

    fn name(&self) -> &str {
        let name = &self.name[..usize::from(self.name_len)];
        core::str::from_utf8(name).unwrap_or_default()
    }
}
