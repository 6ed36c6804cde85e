//! The folder of the input devices, where they come and go.
//!
//! The kernel says when something in it changed: a device is there, or may be read now. While no device is there
//! at all there is no folder either; then the one above is watched for it.

use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::string::String;
use std::vec::Vec;

use rustix::fs::inotify::{CreateFlags, WatchFlags, add_watch, init, remove_watch};
use rustix::io::Errno;

/// Where the kernel keeps what is known of input devices.
#[derive(Clone, Debug)]
pub(super) struct Places {
    /// The devices: `eventN`.
    pub(super) devices: PathBuf,
    /// A folder for each, with its name in `device/name`.
    pub(super) facts: PathBuf,
}

impl Places {
    /// The kernel's.
    pub(super) fn new() -> Places {
        Places {
            devices: PathBuf::from("/dev/input"),
            facts: PathBuf::from("/sys/class/input"),
        }
    }

    /// The numbers of the devices that are there, lowest first.
    pub(super) fn numbers(&self) -> Vec<u16> {
        let entries = fs::read_dir(&self.devices).into_iter().flatten().flatten();
        let number = |entry: fs::DirEntry| {
            let name = entry.file_name();
            name.to_str()?.strip_prefix("event")?.parse().ok()
        };
        let mut numbers: Vec<u16> = entries.filter_map(number).collect();
        numbers.sort_unstable();
        numbers
    }

    /// Where device `number` is opened.
    pub(super) fn path(&self, number: u16) -> PathBuf {
        self.devices.join(std::format!("event{number}"))
    }

    /// What device `number` calls itself; anybody may ask, also who may not open it. Empty if it says nothing.
    pub(super) fn name(&self, number: u16) -> String {
        let path = self.facts.join(std::format!("event{number}/device/name"));
        let mut name = fs::read_to_string(path).unwrap_or_default();
        name.truncate(name.trim_end().len());
        name
    }
}

/// Tells that something in a folder changed.
#[derive(Debug)]
pub(super) struct Folder {
    inotify: OwnedFd,
    path: PathBuf,
    /// The watch on the folder above, while there is nothing to watch below.
    above: Option<i32>,
}

impl Folder {
    /// Watches `path`, also when it is not there yet.
    ///
    /// # Errors
    /// The kernel's, when it has no watch or descriptor left.
    pub(super) fn watch(path: &Path) -> io::Result<Folder> {
        let mut folder = Folder {
            inotify: init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?,
            path: path.to_path_buf(),
            above: None,
        };
        folder.renew()?;
        Ok(folder)
    }

    /// Takes what the kernel has said. What exactly does not matter: we look for ourselves, after this.
    ///
    /// # Errors
    /// The kernel's, when it has no watch left.
    pub(super) fn drain(&mut self) -> io::Result<()> {
        let mut buf = [0_u8; 1_024];
        while rustix::io::read(&self.inotify, &mut buf).is_ok() {}
        self.renew()
    }

    /// A folder that went took its watch with it; one that is watched already stays so.
    fn renew(&mut self) -> io::Result<()> {
        if self.try_below() == Err(Errno::NOENT) {
            let above = self.path.parent().unwrap_or(Path::new("/"));
            self.above = Some(add_watch(&self.inotify, above, WatchFlags::CREATE)?);
        }
        // It may have come in between.
        match self.try_below() {
            Ok(()) => {
                if let Some(above) = self.above.take() {
                    remove_watch(&self.inotify, above)?;
                }
                Ok(())
            }
            Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }

    fn try_below(&self) -> Result<(), Errno> {
        // Who may read a device is often said a moment after it has come.
        let what = WatchFlags::CREATE
            | WatchFlags::MOVED_TO
            | WatchFlags::ATTRIB
            | WatchFlags::DELETE_SELF
            | WatchFlags::ONLYDIR;
        add_watch(&self.inotify, &self.path, what).map(drop)
    }
}

impl AsFd for Folder {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inotify.as_fd()
    }
}
