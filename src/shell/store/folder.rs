//! The real disk: `state` in a folder of its own, `state.new` while it is made, `state.bad` for one that was no good.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::vec::Vec;

use rustix::fs::{FlockOperation, flock};

use super::Medium;

/// A folder that one store has for itself.
pub struct Folder {
    path: PathBuf,
    file: Option<File>,
    new: Option<File>,
    /// Held as long as we live: two agents must not write one state.
    _lock: File,
}

/// A larger file is not ours.
const LARGEST: u64 = 64 * 1024 * 1024;

impl Folder {
    /// Takes the folder, which is made if it is not there.
    ///
    /// # Errors
    /// The system's; [`ErrorKind::WouldBlock`] if another agent has it.
    pub fn take(path: &Path) -> io::Result<Folder> {
        DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        let lock = open(&path.join("lock"))?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive)?;
        Ok(Folder {
            path: path.to_path_buf(),
            file: None,
            new: None,
            _lock: lock,
        })
    }

    fn at(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

impl Medium for Folder {
    fn load(&mut self) -> io::Result<Option<Vec<u8>>> {
        let path = self.at("state");
        let mut file = match OpenOptions::new().read(true).write(true).open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut bytes = Vec::new();
        if file.metadata()?.len() <= LARGEST {
            file.read_to_end(&mut bytes)?;
        }
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
        self.file
            .as_ref()
            .ok_or(ErrorKind::NotFound)?
            .write_all_at(bytes, at)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.as_ref().ok_or(ErrorKind::NotFound)?.sync_data()
    }

    fn write_new(&mut self, bytes: &[u8]) -> io::Result<()> {
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
        Ok(())
    }

    fn sync_folder(&mut self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }

    fn set_aside(&mut self) -> io::Result<()> {
        fs::rename(self.at("state"), self.at("state.bad"))
    }
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).mode(0o600);
    options.truncate(false).open(path)
}
