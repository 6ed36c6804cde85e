//! One input device, open: which keys and switches it has, which of them are down, and what happens to them.
//!
//! `evdevil` asks the kernel what only an ioctl can answer; the events themselves are read without it.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

use evdevil::Evdev;
use evdevil::bits::BitSet;
use evdevil::event::{EventType, Key, Switch};

use super::codes::Code;

/// An open input device.
pub trait Node: AsFd + Sized {
    /// Opens the device at `path`; reading from it never waits.
    fn open(path: &Path) -> io::Result<Self>;

    /// The keys and switches that it has.
    fn has(&self) -> io::Result<Codes>;

    /// Those that are down. What was not read yet of them is forgotten.
    fn held(&self) -> io::Result<Codes>;

    /// Nothing but `codes` shall wake us; a kernel that can't do that wakes us for others too.
    fn want(&self, codes: Codes);
}

/// Keys and switches.
#[derive(Clone, Copy, Debug, Default)]
pub struct Codes {
    keys: BitSet<Key>,
    switches: BitSet<Switch>,
}

impl Codes {
    /// Whether `code` is one of them.
    pub fn contains(&self, code: Code) -> bool {
        match code {
            Code::Key(number) => self.keys.contains(Key::from_raw(number)),
            Code::Switch(number) => self.switches.contains(Switch::from_raw(number)),
        }
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = Code> {
        let keys = self.keys.iter().map(|it| Code::Key(it.raw()));
        keys.chain(self.switches.iter().map(|it| Code::Switch(it.raw())))
    }
}

impl FromIterator<Code> for Codes {
    /// Numbers beyond the kernel's last are left out.
    fn from_iter<T: IntoIterator<Item = Code>>(codes: T) -> Codes {
        let mut all = Codes::default();
        for code in codes {
            match code {
                Code::Key(number) if number <= super::codes::LAST_KEY => {
                    all.keys.insert(Key::from_raw(number));
                }
                Code::Switch(number) if number <= LAST_SWITCH => {
                    all.switches.insert(Switch::from_raw(number));
                }
                Code::Key(_) | Code::Switch(_) => {}
            }
        }
        all
    }
}

/// The kernel's `SW_MAX`.
const LAST_SWITCH: u16 = 0x10;

/// The kernel's own.
#[derive(Debug)]
pub struct Device(Evdev);

impl AsFd for Device {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Node for Device {
    fn open(path: &Path) -> io::Result<Device> {
        let device = Evdev::open(path)?;
        device.set_nonblocking(true)?;
        Ok(Device(device))
    }

    fn has(&self) -> io::Result<Codes> {
        Ok(Codes {
            keys: self.0.supported_keys()?,
            switches: self.0.supported_switches()?,
        })
    }

    fn held(&self) -> io::Result<Codes> {
        Ok(Codes {
            keys: self.0.key_state()?,
            switches: self.0.switch_state()?,
        })
    }

    fn want(&self, codes: Codes) {
        // Before Linux 4.4 there is none of this.
        let _ = self.0.set_event_mask([EventType::KEY, EventType::SW]);
        let _ = self.0.set_key_mask(codes.keys.iter());
        let _ = self.0.set_switch_mask(codes.switches.iter());
    }
}
