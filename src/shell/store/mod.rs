//! The state store: named records in one file that survives a power cut at any byte.
//!
//! The file is a log. What changes together is appended as one frame and forced to the disk; a frame that did not get
//! there whole was never written. When the log is mostly history, a new file with what is left takes its place.
//!
//! ```text
//!   head   LAMPSTOR, form, id of this store, checksum
//!   frame  length, number, checksum of what stands before it, entries (name, value or removal), checksum
//!   frame  …                       each names the one before: old bytes behind a torn frame never join the chain
//! ```
//!
//! A store that holds a good frame behind a bad one, or that is not ours, is set aside as `state.bad`, and the agent
//! begins anew: numbers that must never go back are better forgotten than taken from the past.
//!
//! [`Store`] is the file's owner, on any [`Medium`]; [`writer`] lets a thread of its own wait for the disk.

mod batch;
mod folder;
mod index;
mod log;
mod medium;
pub mod writer;

pub use batch::{Batch, MOST};
pub use folder::Folder;
pub use medium::Medium;

use std::format;
use std::io;
use std::string::{String, ToString};
use std::vec::Vec;

use embedded_svc::storage::{RawStorage, StorageBase};

use index::{Index, Place};
use log::{Chain, Found};

/// Records in a log that is called, each by a name of at most [`Store::NAME`] bytes.
pub struct Store<M> {
    medium: M,
    chain: Chain,
    index: Index,
    /// Where the next frame goes.
    end: u64,
    /// The last append may have left something behind: the next one begins with a new file.
    torn: bool,
    /// Whether the file was taken away since the last question.
    lost: bool,
    frame: Vec<u8>,
    counters: Counters,
}

/// What a store did to its disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Writes that were asked for.
    pub commits: u64,
    /// Bytes written, those of new files included.
    pub bytes: u64,
    /// Times that the disk was made to write at once.
    pub syncs: u64,
    /// New files.
    pub compactions: u64,
}

/// What a store was found like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opened {
    /// There was none.
    New,
    /// Whole.
    Whole,
    /// Its last write did not get there, and counts for nothing.
    Torn,
    /// It could not be used, for this reason, and is set aside.
    SetAside(String),
}

/// A log longer than this, and longer than [`HISTORY`] times what is in it, is replaced.
const LONG: u64 = 256 * 1024;
const HISTORY: u64 = 4;

impl<M: Medium> Store<M> {
    /// Bytes of a name.
    pub const NAME: usize = batch::NAME;

    /// Bytes of a value.
    pub const VALUE: usize = batch::VALUE;

    /// Opens the store on `medium`, or begins one; `id` is random, and only used then. It holds `most` records, for which
    /// all the memory is taken now.
    ///
    /// # Errors
    /// What the medium says: there will be no store.
    pub fn open(medium: M, id: u64, most: usize) -> io::Result<(Store<M>, Opened)> {
        let mut store = Store {
            medium,
            chain: Chain::new(id),
            index: Index::new(most),
            end: 0,
            torn: false,
            lost: false,
            frame: Vec::with_capacity(MOST + log::OVERHEAD),
            counters: Counters::default(),
        };
        let bytes = match store.medium.load() {
            Ok(Some(bytes)) => bytes,
            Ok(None) => {
                store.begin_anew()?;
                return Ok((store, Opened::New));
            }
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                return store.set_aside(&error.to_string());
            }
            Err(error) => return Err(error),
        };
        // Whoever wrote it may have died before it was on the disk, and what is read now is used from now on.
        let synced = store
            .medium
            .sync()
            .and_then(|()| store.medium.sync_folder());
        store.torn = synced.is_err();
        match log::read(&bytes, &mut store.index) {
            Found::Whole(chain, end) => {
                (store.chain, store.end) = (chain, end);
                Ok((store, Opened::Whole))
            }
            Found::Torn(chain, end) => {
                (store.chain, store.end) = (chain, end);
                store.torn = true;
                Ok((store, Opened::Torn))
            }
            Found::Bad(why) => store.set_aside(why),
        }
    }

    fn set_aside(mut self, why: &str) -> io::Result<(Store<M>, Opened)> {
        self.medium.set_aside()?;
        self.index.clear();
        self.begin_anew()?;
        Ok((self, Opened::SetAside(why.to_string())))
    }

    /// Whether the file was taken away since the last question: what was in it is in a new one.
    pub fn take_lost(&mut self) -> bool {
        core::mem::take(&mut self.lost)
    }

    /// Makes all of `batch` so, or none of it; it is on the disk then.
    ///
    /// # Errors
    /// What the medium says; nothing counts as changed, and the next commit begins with a new file.
    pub fn commit(&mut self, batch: &Batch) -> io::Result<()> {
        self.counters.commits += 1;
        if !self.torn && !self.medium.is_in_place() {
            (self.torn, self.lost) = (true, true);
        }
        if self.torn {
            self.compact()?;
        }
        self.append(batch)?;
        if self.end > LONG && self.end > HISTORY * self.index.live_bytes() {
            // What was to be written is; an old log that stays is no reason to say otherwise.
            let _ = self.compact();
        }
        Ok(())
    }

    /// Shows every record, by name. One that cannot be read is left out.
    pub fn each(&self, see: &mut dyn FnMut(&str, &[u8])) {
        let mut value = Vec::new();
        for (name, place) in self.index.iter() {
            value.resize(usize::from(place.len), 0);
            if self.medium.read_at(place.at, &mut value).is_ok() {
                see(name, &value);
            }
        }
    }

    /// What it did to the disk since it was opened.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// The medium.
    pub fn medium(&mut self) -> &mut M {
        &mut self.medium
    }

    fn append(&mut self, batch: &Batch) -> io::Result<()> {
        if !self.index.has_room_for(batch) {
            return Err(io::Error::other(format!(
                "more than {} records",
                self.index.most()
            )));
        }
        let next = self.chain.frame(batch.entries(), &mut self.frame);
        self.counters.bytes += self.frame.len() as u64;
        self.counters.syncs += 1;
        let written = self.medium.write_at(self.end, &self.frame);
        if let Err(error) = written.and_then(|()| self.medium.sync()) {
            self.torn = true;
            return Err(error);
        }
        self.index.take_in(batch, self.end + log::BEFORE);
        self.end += self.frame.len() as u64;
        self.chain = next;
        Ok(())
    }

    /// Writes what there is into a new file, which takes the old one's place once it is whole.
    fn compact(&mut self) -> io::Result<()> {
        let mut entries = Vec::new();
        let mut value = Vec::new();
        for (name, place) in self.index.iter() {
            value.resize(usize::from(place.len), 0);
            self.medium.read_at(place.at, &mut value)?;
            batch::write(&mut entries, name, Some(&value));
        }
        self.renew(&entries)
    }

    fn begin_anew(&mut self) -> io::Result<()> {
        self.renew(&[])
    }

    fn renew(&mut self, entries: &[u8]) -> io::Result<()> {
        let mut bytes = self.chain.head();
        let mut chain = self.chain.begin();
        let mut end = bytes.len() as u64;
        let mut index = Index::new(self.index.most());
        if !entries.is_empty() {
            let mut frame = Vec::new();
            chain = chain.frame(entries, &mut frame);
            index.take_in_entries(entries, end + log::BEFORE);
            end += frame.len() as u64;
            bytes.extend_from_slice(&frame);
        }
        self.counters.compactions += 1;
        self.counters.bytes += bytes.len() as u64;
        self.counters.syncs += 2;
        self.medium.write_new(&bytes)?;
        self.medium.sync_new()?;
        self.medium.adopt_new()?;
        (self.chain, self.index, self.end) = (chain, index, end);
        self.torn = false;
        // The new name may not have got to the disk, and then the old file is what a cut leaves. What is written from now
        // on would be lost with it, so this has to succeed before anything counts.
        if let Err(error) = self.medium.sync_folder() {
            self.torn = true;
            return Err(error);
        }
        Ok(())
    }
}

impl<M: Medium> StorageBase for Store<M> {
    type Error = io::Error;

    fn contains(&self, name: &str) -> io::Result<bool> {
        Ok(self.index.find(name).is_some())
    }

    fn remove(&mut self, name: &str) -> io::Result<bool> {
        if self.index.find(name).is_none() {
            return Ok(false);
        }
        let mut batch = Batch::new();
        batch.put(name, None).map_err(io::Error::other)?;
        self.commit(&batch).map(|()| true)
    }
}

impl<M: Medium> RawStorage for Store<M> {
    fn len(&self, name: &str) -> io::Result<Option<usize>> {
        Ok(self.index.find(name).map(|place| usize::from(place.len)))
    }

    fn get_raw<'a>(&self, name: &str, buf: &'a mut [u8]) -> io::Result<Option<&'a [u8]>> {
        let Some(Place { at, len }) = self.index.find(name) else {
            return Ok(None);
        };
        let value = buf.get_mut(..usize::from(len));
        let value =
            value.ok_or_else(|| io::Error::other("the buffer is shorter than the value"))?;
        self.medium.read_at(at, value)?;
        Ok(Some(value))
    }

    /// Says whether the name was there before.
    fn set_raw(&mut self, name: &str, value: &[u8]) -> io::Result<bool> {
        let was_there = self.index.find(name).is_some();
        let mut batch = Batch::new();
        batch.put(name, Some(value)).map_err(io::Error::other)?;
        self.commit(&batch).map(|()| was_there)
    }
}

#[cfg(test)]
mod tests;
