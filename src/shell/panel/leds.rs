//! Elements that are LEDs of the kernel's LED class.
//!
//! The kernel shows each as a folder of small files. `brightness` lights it, from 0 to `max_brightness`; `trigger`
//! says what else moves it: nothing for a steady light, `timer` for a rhythm, which then has the files `delay_on`
//! and `delay_off` (milliseconds) and costs us no wake-up.
//!
//! `brightness` stays open: a change is one system call. A change from or to a rhythm opens the others.

use std::borrow::ToOwned;
use std::ffi::CStr;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::string::String;
use std::vec::Vec;
use std::{format, str};

use heapless::String as Bounded;
use rustix::fs::{Mode, OFlags, open, openat};
use rustix::io::{Errno, pread, pwrite};

use super::Problem;
use crate::ground::time::Duration;
pub(super) use driver::KIND;
use plugs::Plugs;

mod driver;
mod plugs;

/// Where the kernel shows its LEDs.
pub const ROOT: &str = "/sys/class/leds";

/// One LED.
#[derive(Debug)]
pub struct Led {
    folder: OwnedFd,
    brightness: OwnedFd,
    /// The most that `brightness` takes.
    most: u32,
    /// What it takes for a light that is lit.
    full: Bounded<16>,
    blinks: bool,
    /// The files of a rhythm are not ours. They are made with it, for root, and what udev changes about that comes
    /// too late: no need to try again.
    is_refused: bool,
}

impl Led {
    /// The LED called `name` below `root`; dark, whatever moved it before. It is to shine with so many percent of what it
    /// can, and at least as little as it can.
    ///
    /// # Errors
    /// It is not there, or not ours to use.
    pub fn open(root: &Path, name: &str, bright: u8) -> Result<Led, Problem> {
        // A name is not a path.
        let found = if name.contains('/') || name.starts_with('.') {
            Err(Errno::NOENT)
        } else {
            Led::take(&root.join(name), bright)
        };
        found.map_err(|errno| problem(errno, root, name))
    }

    /// Lights it, or darkens it; a rhythm ends.
    ///
    /// # Errors
    /// The kernel's: it is gone.
    pub fn set(&mut self, lit: bool) -> io::Result<()> {
        if self.blinks {
            self.write(c"trigger", "none\n")?;
            self.blinks = false;
        }
        Ok(self.shine(lit)?)
    }

    /// Has the kernel blink it: lit for `on`, dark for `off`, beginning lit. `false` if this kernel can't, or
    /// not for us; it is dark then.
    ///
    /// # Errors
    /// The kernel's: it is gone.
    pub fn blink(&mut self, on: Duration, off: Duration) -> io::Result<bool> {
        self.set(false)?;
        if self.is_refused {
            return Ok(false);
        }
        match self.start(on, off) {
            Ok(()) => Ok(true),
            Err(Errno::ACCESS) => {
                self.is_refused = true;
                self.set(false)?;
                Ok(false)
            }
            // Such a trigger is not there: its module is not loaded, or the LED is the device's own.
            Err(Errno::INVAL | Errno::NOENT | Errno::OPNOTSUPP) => {
                self.set(false)?;
                Ok(false)
            }
            Err(errno) => Err(errno.into()),
        }
    }

    /// Shines with so many percent of what it can the next time that it is lit, and at least as little as it can.
    pub fn dim(&mut self, bright: u8) {
        self.full = level(self.most, bright);
    }

    /// Whether it is still there; what is not written to says nothing by itself.
    pub fn is_there(&self) -> bool {
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        openat(&self.folder, c"brightness", flags, Mode::empty()).is_ok()
    }

    fn take(path: &Path, bright: u8) -> Result<Led, Errno> {
        let folder = open(
            path,
            OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
            Mode::empty(),
        )?;
        let brightness = openat(&folder, c"brightness", WRITE, Mode::empty())?;
        let most = most(&folder)?;
        let led = Led {
            most,
            full: level(most, bright),
            folder,
            brightness,
            blinks: false,
            is_refused: false,
        };
        // An LED that nothing else may move has no such file.
        match led.write(c"trigger", "none\n") {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(errno) => return Err(errno),
        }
        led.shine(false)?;
        Ok(led)
    }

    /// Starts the kernel's rhythm. Each delay that is written begins it anew, and a lit one goes on with its dark
    /// part; with nothing to be lit for it stays dark, so that the last step begins it lit, as its neighbours'. It blinks
    /// as brightly as it shone last, so it is lit until the next delay puts it out.
    fn start(&mut self, on: Duration, off: Duration) -> Result<(), Errno> {
        self.write(c"trigger", "timer\n")?;
        self.blinks = true;
        self.write(c"delay_on", "0\n")?;
        if self.most > 1 {
            self.shine(true)?;
        }
        self.write(c"delay_off", &millis(off))?;
        self.write(c"delay_on", &millis(on))
    }

    fn shine(&self, lit: bool) -> Result<(), Errno> {
        let value = if lit { &self.full } else { "0\n" };
        pwrite(&self.brightness, value.as_bytes(), 0).map(drop)
    }

    fn write(&self, file: &CStr, value: &str) -> Result<(), Errno> {
        let file = openat(&self.folder, file, WRITE, Mode::empty())?;
        rustix::io::write(&file, value.as_bytes()).map(drop)
    }
}

const WRITE: OFlags = OFlags::WRONLY.union(OFlags::CLOEXEC);

fn millis(duration: Duration) -> Bounded<16> {
    let mut text = Bounded::new();
    let _ = writeln!(text, "{}", duration.as_millis()); // Fits below 300,000 years.
    text
}

/// The most that `brightness` takes.
fn most(folder: &OwnedFd) -> Result<u32, Errno> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let file = openat(folder, c"max_brightness", flags, Mode::empty())?;
    let mut buf = [0; 16];
    let len = pread(&file, &mut buf[..], 0)?;
    let text = str::from_utf8(&buf[..len]).unwrap_or_default().trim();
    text.parse().map_err(|_| Errno::INVAL)
}

/// So many percent of that.
fn level(most: u32, bright: u8) -> Bounded<16> {
    let part = u64::from(most) * u64::from(bright) / 100;
    let mut text = Bounded::new();
    let _ = writeln!(text, "{}", part.max(1)); // Ten digits and the end of the line.
    text
}

fn problem(errno: Errno, root: &Path, name: &str) -> Problem {
    let path = root.join(name);
    match errno {
        Errno::NOENT | Errno::NOTDIR | Errno::NODEV | Errno::NXIO => missing(root),
        Errno::ACCESS | Errno::PERM => Problem::new(
            format!(
                "may not be lit: permission denied for {}/brightness",
                path.display()
            ),
            "install 60-lampfield.rules, as the package does, and add the agent's user to the group leds",
        ),
        Errno::ROFS => Problem::new(
            format!("may not be lit: {} is read-only", path.display()),
            "let the service write below /sys/devices (in the unit: ReadWritePaths=/sys/devices)",
        ),
        errno => Problem::new(
            format!("does not work: {}: {errno}", path.display()),
            "look into the kernel's log",
        ),
    }
}

/// The LEDs there are, in order.
fn names(root: &Path) -> Vec<String> {
    let entries = fs::read_dir(root).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.file_name().to_str().map(ToOwned::to_owned))
        .collect();
    names.sort_unstable();
    names
}

/// Whether a name fits a pattern, in which each `*` stands for any letters.
fn fits(name: &str, pattern: &str) -> bool {
    let Some((head, pattern)) = pattern.split_once('*') else {
        return name == pattern;
    };
    let Some(rest) = name.strip_prefix(head) else {
        return false;
    };
    let mut ends = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
    ends.any(|at| fits(&rest[at..], pattern))
}

fn missing(root: &Path) -> Problem {
    let what = format!("is not there: {} has no such LED", root.display());
    let names = names(root);
    if names.is_empty() {
        return Problem::new(
            what,
            "plug it in, or load the driver of the LED: it has none yet",
        );
    }
    Problem::new(what, format!("use one of: {}", names.join(", ")))
}

#[cfg(test)]
mod tests;
