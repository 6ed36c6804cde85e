//! A disk that loses its power, fills up and fails. What was written and not synced is made of sectors that get to the
//! plates in any order, in part or not at all; so are new names.

use lampfield::parts::{Medium, Random};
use std::cell::RefCell;
use std::io::{self, ErrorKind};
use std::rc::Rc;

const SECTOR: usize = 512;

/// The disk; clones are the same one.
#[derive(Clone, Default)]
pub(crate) struct Disk(Rc<RefCell<Plates>>);

#[derive(Default)]
struct Plates {
    files: Vec<Content>,
    /// Which file is called `state`: now, and after a cut if the folder was not synced.
    name: Option<usize>,
    safe_name: Option<usize>,
    new: Option<usize>,
    aside: usize,
    /// Bytes until the power fails.
    fuse: Option<usize>,
    /// Bytes until the disk is full.
    room: Option<usize>,
    read_only: bool,
    /// One in so many calls fails.
    fails: Option<u64>,
    random: Random,
    written: usize,
}

#[derive(Clone, Default)]
struct Content {
    now: Vec<u8>,
    safe: Vec<u8>,
    /// Where and what was written since the last sync.
    loose: Vec<(usize, Vec<u8>)>,
}

impl Disk {
    pub(crate) fn new(seed: u64) -> Disk {
        let disk = Disk::default();
        disk.0.borrow_mut().random.seed([seed, 0x6469_736b]);
        disk
    }

    /// The power fails after so many more bytes.
    pub(crate) fn light_fuse(&self, bytes: Option<usize>) {
        self.0.borrow_mut().fuse = bytes;
    }

    pub(crate) fn leave_room(&self, bytes: Option<usize>) {
        self.0.borrow_mut().room = bytes;
    }

    pub(crate) fn set_read_only(&self, read_only: bool) {
        self.0.borrow_mut().read_only = read_only;
    }

    pub(crate) fn fail_one_in(&self, calls: Option<u64>) {
        self.0.borrow_mut().fails = calls;
    }

    /// Bytes written so far.
    pub(crate) fn written(&self) -> usize {
        self.0.borrow().written
    }

    /// How often a store was set aside.
    pub(crate) fn aside(&self) -> usize {
        self.0.borrow().aside
    }

    /// The power fails, and comes back.
    pub(crate) fn cut(&self) {
        let plates = &mut *self.0.borrow_mut();
        plates.fuse = None;
        let random = &mut plates.random;
        if random.bits().is_multiple_of(2) {
            plates.safe_name = plates.name;
        }
        for file in &mut plates.files {
            for (at, bytes) in std::mem::take(&mut file.loose) {
                settle(&mut file.safe, at, &bytes, random);
            }
            file.now = file.safe.clone();
        }
        plates.name = plates.safe_name;
        plates.new = None;
    }

    /// Turns one bit of the file, if there is one; says where.
    pub(crate) fn flip(&self) -> Option<usize> {
        let plates = &mut *self.0.borrow_mut();
        let file = plates.name?;
        let len = plates.files[file].safe.len();
        let bit = (plates.random.bits() as usize) % (len * 8).max(1);
        let byte = plates.files[file].safe.get_mut(bit / 8)?;
        *byte ^= 1 << (bit % 8);
        plates.files[file].now = plates.files[file].safe.clone();
        Some(bit / 8)
    }
}

/// What becomes of a write that was not synced: each sector of it is there, or not, or its first bytes are.
fn settle(file: &mut Vec<u8>, at: usize, bytes: &[u8], random: &mut Random) {
    let mut from = 0;
    while from < bytes.len() {
        let sector_end = (at + from) / SECTOR * SECTOR + SECTOR;
        let to = bytes.len().min(sector_end - at);
        let kept = match random.bits() % 4 {
            0 => 0,
            1 => (random.bits() as usize) % (to - from + 1),
            _ => to - from,
        };
        // A file may have its new length before its bytes: whatever lay there before shows.
        let grows = random.bits().is_multiple_of(2);
        let end = at + from + if grows { to - from } else { kept };
        if kept > 0 || grows {
            let filler = if random.bits().is_multiple_of(2) {
                0
            } else {
                random.bits() as u8
            };
            if file.len() < end {
                file.resize(end, filler);
            }
        }
        if kept > 0 {
            let place = &mut file[at + from..at + from + kept];
            place.copy_from_slice(&bytes[from..from + kept]);
        }
        from = to;
    }
}

impl Plates {
    /// Whether a call that changes something works.
    fn may_change(&mut self) -> io::Result<()> {
        if self.fuse == Some(0) {
            return Err(io::Error::other("no power"));
        }
        if self.read_only {
            return Err(ErrorKind::ReadOnlyFilesystem.into());
        }
        match self.fails {
            Some(calls) if self.random.bits().is_multiple_of(calls) => {
                Err(io::Error::other("I/O error"))
            }
            Some(_) | None => Ok(()),
        }
    }

    fn write(&mut self, file: usize, at: usize, bytes: &[u8]) -> io::Result<()> {
        let mut most = bytes.len();
        let mut outcome = Ok(());
        if let Some(room) = &mut self.room {
            if *room < most {
                most = *room;
                outcome = Err(ErrorKind::StorageFull.into());
            }
            *room -= most;
        }
        if let Some(fuse) = &mut self.fuse {
            if *fuse <= most {
                most = *fuse;
                outcome = Err(io::Error::other("no power"));
            }
            *fuse -= most;
        }
        let file = &mut self.files[file];
        let bytes = &bytes[..most];
        if file.now.len() < at + most {
            file.now.resize(at + most, 0);
        }
        file.now[at..at + most].copy_from_slice(bytes);
        file.loose.push((at, bytes.to_vec()));
        self.written += most;
        outcome
    }

    fn sync(&mut self, file: Option<usize>) -> io::Result<()> {
        self.may_change()?;
        let file = &mut self.files[file.ok_or(ErrorKind::NotFound)?];
        file.loose.clear();
        file.safe = file.now.clone();
        Ok(())
    }
}

impl Medium for Disk {
    fn load(&mut self) -> io::Result<Option<Vec<u8>>> {
        let plates = self.0.borrow();
        Ok(plates.name.map(|file| plates.files[file].now.clone()))
    }

    fn read_at(&self, at: u64, buf: &mut [u8]) -> io::Result<()> {
        let plates = self.0.borrow();
        let file = &plates.files[plates.name.ok_or(ErrorKind::NotFound)?].now;
        let piece = file.get(at as usize..at as usize + buf.len());
        buf.copy_from_slice(piece.ok_or(ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn write_at(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        let plates = &mut *self.0.borrow_mut();
        plates.may_change()?;
        let file = plates.name.ok_or(ErrorKind::NotFound)?;
        plates.write(file, at as usize, bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        let plates = &mut *self.0.borrow_mut();
        plates.sync(plates.name)
    }

    fn write_new(&mut self, bytes: &[u8]) -> io::Result<()> {
        let plates = &mut *self.0.borrow_mut();
        plates.may_change()?;
        plates.files.push(Content::default());
        let file = plates.files.len() - 1;
        plates.new = Some(file);
        plates.write(file, 0, bytes)
    }

    fn sync_new(&mut self) -> io::Result<()> {
        let plates = &mut *self.0.borrow_mut();
        plates.sync(plates.new)
    }

    fn adopt_new(&mut self) -> io::Result<()> {
        let plates = &mut *self.0.borrow_mut();
        plates.may_change()?;
        plates.name = Some(plates.new.take().ok_or(ErrorKind::NotFound)?);
        Ok(())
    }

    fn sync_folder(&mut self) -> io::Result<()> {
        let plates = &mut *self.0.borrow_mut();
        plates.may_change()?;
        plates.safe_name = plates.name;
        Ok(())
    }

    fn set_aside(&mut self) -> io::Result<()> {
        let plates = &mut *self.0.borrow_mut();
        plates.may_change()?;
        plates.name = None;
        plates.aside += 1;
        Ok(())
    }
}
