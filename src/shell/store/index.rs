//! Where each record's value stands in the file.

use std::vec::Vec;

use super::batch::{Batch, NAME, entries};

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

/// All records, by name. The memory for `most` of them is taken once.
///
/// Full: a batch with one more name is refused. A file may hold more all the same, if a build with larger tables wrote
/// it: they are taken in, and make way as they are removed.
pub(super) struct Index {
    known: Vec<Known>,
    most: usize,
}

impl Index {
    pub(super) fn new(most: usize) -> Index {
        Index {
            known: Vec::with_capacity(most),
            most,
        }
    }

    pub(super) fn most(&self) -> usize {
        self.most
    }

    pub(super) fn clear(&mut self) {
        self.known.clear();
    }

    pub(super) fn find(&self, name: &str) -> Option<Place> {
        let at = self.search(name).ok()?;
        Some(self.known[at].place)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, Place)> {
        self.known.iter().map(|known| (known.name(), known.place))
    }

    /// Bytes that a file of these records alone would have, roughly.
    pub(super) fn live_bytes(&self) -> u64 {
        let bytes = |known: &Known| u64::from(known.place.len) + u64::from(known.name_len) + 4;
        self.known.iter().map(bytes).sum()
    }

    /// Whether all names of a batch will have a place.
    pub(super) fn has_room_for(&self, batch: &Batch) -> bool {
        let new = entries(batch.entries()).flatten();
        let new = new.filter(|it| it.value.is_some() && self.find(it.name).is_none());
        let new = new.count();
        new == 0 || self.known.len() + new <= self.most
    }

    /// Takes in a batch whose entries stand at `at`.
    pub(super) fn take_in(&mut self, batch: &Batch, at: u64) {
        self.take_in_entries(batch.entries(), at);
    }

    /// Takes in entries that stand at `at`. `false` if they are none.
    pub(super) fn take_in_entries(&mut self, bytes: &[u8], at: u64) -> bool {
        for entry in entries(bytes) {
            let Some(entry) = entry else { return false };
            let place = entry.value.map(|(offset, len)| Place {
                at: at + offset as u64,
                len,
            });
            match (self.search(entry.name), place) {
                (Ok(known), Some(place)) => self.known[known].place = place,
                (Ok(known), None) => {
                    self.known.remove(known);
                }
                (Err(before), Some(place)) => {
                    self.known.insert(before, Known::new(entry.name, place));
                }
                (Err(_), None) => {}
            }
        }
        true
    }

    fn search(&self, name: &str) -> Result<usize, usize> {
        self.known.binary_search_by(|known| known.name().cmp(name))
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
