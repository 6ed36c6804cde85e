//! The real disk: `state` in a folder of its own, `state.new` while it is made, `state.bad` for one that was no good.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::vec::Vec;

use rustix::fs::{FlockOperation, OFlags, flock};

use super::Medium;

/// A folder that one store has for itself.
pub struct Folder {
    path: PathBuf,
    file: Option<File>,
    /// Why that can only be read, if so.
    closed: Option<ErrorKind>,
    new: Option<File>,
    /// Held as long as we live: two agents must not write one state. `None` while the folder can only be read.
    lock: Option<File>,
}

/// A larger file is not ours.
const LARGEST: u64 = 64 * 1024 * 1024;

impl Folder {
    /// Takes the folder, which is made if it is not there. One that can only be read is taken too: nothing can be written
    /// until that changes.
    ///
    /// # Errors
    /// The system's; [`ErrorKind::WouldBlock`] if another agent has it.
    pub fn take(path: &Path) -> io::Result<Folder> {
        DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        let lock = match lock(path) {
            Ok(lock) => Some(lock),
            Err(error) if is_for_reading(&error) => None,
            Err(error) => return Err(error),
        };
        Ok(Folder {
            path: path.to_path_buf(),
            file: None,
            closed: None,
            new: None,
            lock,
        })
    }

    fn at(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

impl Medium for Folder {
    fn load(&mut self) -> io::Result<Option<Vec<u8>>> {
        let path = self.at("state");
        let open = |writes| {
            let mut options = OpenOptions::new();
            // Whoever made a pipe of that name lets nobody wait.
            options.custom_flags(OFlags::NONBLOCK.bits() as i32);
            options.read(true).write(writes).open(&path)
        };
        let opened = match open(true) {
            Err(error) if is_for_reading(&error) => {
                self.closed = Some(error.kind());
                open(false)
            }
            opened => opened,
        };
        let mut file = match opened {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) if error.kind() == ErrorKind::IsADirectory => return Err(no_file()),
            Err(error) => return Err(error),
        };
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(no_file());
        }
        if metadata.len() > LARGEST {
            let why = "it is larger than any of ours";
            return Err(io::Error::new(ErrorKind::InvalidData, why));
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        self.file = Some(file);
        Ok(Some(bytes))
    }

    fn read_at(&self, at: u64, buf: &mut [u8]) -> io::Result<()> {
        self.file
            .as_ref()
            .ok_or(ErrorKind::NotFound)?
            .read_exact_at(buf, at)
    }

    fn write_at(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        if let Some(why) = self.closed {
            return Err(why.into());
        }
        self.file
            .as_ref()
            .ok_or(ErrorKind::NotFound)?
            .write_all_at(bytes, at)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.as_ref().ok_or(ErrorKind::NotFound)?.sync_data()
    }

    fn write_new(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.lock.is_none() {
            self.lock = Some(lock(&self.path)?);
        }
        let path = self.at("state.new");
        let _ = fs::remove_file(&path); // What a cut left of an earlier one.
        let mut file = open(&path)?;
        file.write_all(bytes)?;
        self.new = Some(file);
        Ok(())
    }

    fn sync_new(&mut self) -> io::Result<()> {
        self.new.as_ref().ok_or(ErrorKind::NotFound)?.sync_all()
    }

    fn adopt_new(&mut self) -> io::Result<()> {
        fs::rename(self.at("state.new"), self.at("state"))?;
        self.file = self.new.take();
        self.closed = None;
        Ok(())
    }

    fn sync_folder(&mut self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }

    fn is_in_place(&self) -> bool {
        let ours = self.file.as_ref().and_then(|file| file.metadata().ok());
        let there = fs::symlink_metadata(self.at("state")).ok();
        let is_it = |ours: &Metadata, there: &Metadata| {
            (ours.dev(), ours.ino()) == (there.dev(), there.ino())
        };
        matches!((&ours, &there), (Some(ours), Some(there)) if is_it(ours, there))
    }

    fn set_aside(&mut self) -> io::Result<()> {
        fs::rename(self.at("state"), self.at("state.bad"))
    }
}

/// Whether this is no more than that nothing may be written.
fn is_for_reading(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied
    )
}

fn no_file() -> io::Error {
    io::Error::new(ErrorKind::InvalidData, "it is no file")
}

fn lock(folder: &Path) -> io::Result<File> {
    let lock = open(&folder.join("lock"))?;
    flock(&lock, FlockOperation::NonBlockingLockExclusive)?;
    Ok(lock)
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).mode(0o600);
    options.truncate(false).open(path)
}

#[cfg(test)]
mod tests {
    use super::super::{Opened, Store};
    use super::*;
    use embedded_svc::storage::RawStorage;
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    use std::format;
    use std::string::String;

    fn path(test: &str) -> PathBuf {
        let name = format!("lampfield-folder-{}-{test}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&path); // There is none, unless a test was cut off.
        path
    }

    fn open_store(path: &Path) -> (Store<Folder>, Opened) {
        let folder = Folder::take(path).expect("it is free");
        Store::open(folder, 7, 8).expect("opened")
    }

    #[test]
    fn what_is_no_file_is_set_aside_at_once() /* ATTACKS J03 */
    {
        for is_pipe in [true, false] {
            let path = path(if is_pipe { "pipe" } else { "directory" });
            fs::create_dir(&path).expect("made");
            let state = path.join("state");
            match is_pipe {
                true => mknodat(CWD, &state, FileType::Fifo, Mode::RWXU, 0).expect("a pipe"),
                false => fs::create_dir(&state).expect("made"),
            }
            let (mut store, opened) = open_store(&path);
            assert_eq!(opened, Opened::SetAside(String::from("it is no file")));
            store.set_raw("a", b"1").expect("written");
            assert!(path.join("state.bad").exists() && state.is_file());
            let _ = fs::remove_dir_all(&path); // The system clears its temporary files too.
        }
    }

    #[test]
    fn a_file_that_is_taken_away_is_written_anew() /* ATTACKS J03 J04 */
    {
        let path = path("taken");
        let (mut store, _) = open_store(&path);
        let state = path.join("state");
        store.set_raw("a", b"1").expect("written");
        assert!(!store.take_lost());
        for replaced in [false, true] {
            fs::remove_file(&state).expect("removed");
            if replaced {
                fs::write(&state, b"another").expect("written");
            }
            store.set_raw("b", b"2").expect("written");
            assert!(store.take_lost() && !store.take_lost());
        }
        drop(store);
        let (store, opened) = open_store(&path);
        assert_eq!(opened, Opened::Whole);
        let mut names = Vec::new();
        store.each(&mut |name, _| names.push(String::from(name)));
        assert_eq!(names, ["a", "b"]);
        let _ = fs::remove_dir_all(&path); // The system clears its temporary files too.
    }
}
