//! Buttons that are keys or switches of input devices, which come and go.
//!
//! ```text
//!   /dev/input ── inotify ──► look: open what has a wanted key, ask where its keys are ──► Position
//!   event3     ── read ─────► moved ──► settled, if the board asks for it ───────────────► Edge
//!              ── gone ─────► its buttons stay as they were; look again
//! ```
//!
//! A device is wanted by its name, by `eventN`, or because it has a key that may come from any device. Several may
//! be: a button is down while one of them holds it. No other key of theirs wakes us (the kernel leaves them out),
//! nobody is kept from reading them too, and while none comes or goes nothing is looked for.

use std::vec::Vec;

use super::board::line::KeyLine;
use super::{Event, Problem, Queue, Touch};
use crate::ground::time::{Duration, Instant};
use crate::shell::panel::driver::Ports;
use codes::Code;
pub(super) use driver::KIND;
use folder::{Folder, Places};
use node::{Codes, Device, Node};
use problem::Seen;

pub mod codes;
mod driver;
mod event;
mod folder;
pub mod node;
mod problem;

/// The keys that a board wants, and the devices that have them.
#[derive(Debug)]
pub struct Keys<N = Device> {
    wanted: Vec<Wanted>,
    devices: [Option<Open<N>>; DEVICES],
    places: Places,
    /// Without it, devices are looked for now and then.
    folder: Option<Folder>,
    ports: Ports,
    /// The places in `wanted` of those that moved and do not rest yet.
    restless: Vec<usize>,
    /// When to look for devices although nothing says that one came.
    again: Option<Instant>,
}

/// Input devices open at the same time. One more is a trouble of the buttons that have it only.
pub const DEVICES: usize = 16;

/// A key that the board wants.
#[derive(Debug)]
struct Wanted {
    button: usize,
    line: KeyLine,
    /// Devices that have it.
    devices: usize,
    /// Devices where it is down.
    holders: usize,
    /// As it was told last.
    told: Option<bool>,
    /// When it will have rested long enough to be told.
    rests: Option<Instant>,
    problem: Option<Problem>,
}

/// A device that is open.
#[derive(Debug)]
struct Open<N> {
    node: N,
    number: u16,
    /// Its wanted keys, by their codes.
    keys: Vec<Held>,
}

/// A wanted key of an open device.
#[derive(Debug)]
struct Held {
    code: Code,
    /// Its place in [`Keys::wanted`].
    wanted: usize,
    down: bool,
}

impl Keys {
    /// Finds the devices. `wanted` are the board's numbers of the buttons and their keys; the first of the `ports` is
    /// the folder's, the [`DEVICES`] after it are the devices'. What is not there yet is taken when it comes.
    pub(super) fn open(wanted: &[(usize, KeyLine)], ports: Ports) -> Keys {
        Keys::open_below(Places::new(), wanted, ports)
    }
}

impl<N: Node> Keys<N> {
    fn open_below(places: Places, wanted: &[(usize, KeyLine)], ports: Ports) -> Keys<N> {
        let mut keys = Keys {
            wanted: wanted.iter().cloned().map(Wanted::new).collect(),
            devices: [const { None }; DEVICES],
            folder: None,
            places,
            ports,
            restless: Vec::with_capacity(wanted.len()),
            again: None,
        };
        if !keys.wanted.is_empty() {
            // Nobody has told the time yet; at worst it looks once more at once.
            keys.look(Instant::ZERO, &mut Queue::new());
        }
        keys
    }

    /// A port is ready: what happened goes into `events`.
    pub fn handle_readable(&mut self, now: Instant, port: u8, events: &mut Queue) {
        match usize::from(port) {
            0 => self.look(now, events),
            device @ 1..=DEVICES => self.read(now, device - 1, events),
            _ => {}
        }
    }

    /// [`Keys::deadline`] may be there.
    pub fn handle_timeout(&mut self, now: Instant, events: &mut Queue) {
        let wanted = &mut self.wanted;
        self.restless.retain(|at| {
            let key = &mut wanted[*at];
            if key.rests.is_some_and(|rests| rests <= now) {
                key.tell(Event::Edge, events);
            }
            key.rests.is_some()
        });
        if self.again.is_some_and(|again| again <= now) {
            self.look(now, events);
        }
    }

    /// When [`Keys::handle_timeout`] wants to be called.
    pub fn deadline(&self) -> Option<Instant> {
        let restless = self.restless.iter().filter_map(|at| self.wanted[*at].rests);
        restless.chain(self.again).min()
    }

    /// Where every key is that can be read, or could be when it was last told.
    pub fn positions(&self) -> impl Iterator<Item = Touch> {
        let known = |key: &Wanted| {
            Some(Touch {
                button: key.button,
                pressed: key.told?,
            })
        };
        self.wanted.iter().filter_map(known)
    }

    /// The buttons whose key can't be read, and why.
    pub fn troubles(&self) -> impl Iterator<Item = (usize, &Problem)> {
        let troubles = self
            .wanted
            .iter()
            .map(|key| (key.button, key.problem.as_ref()));
        troubles.filter_map(|(button, problem)| Some((button, problem?)))
    }

    /// Opens what is wanted and came, and finds out what is wrong with the rest.
    fn look(&mut self, now: Instant, events: &mut Queue) {
        let hears = self.hear();
        let mut seen = Vec::new();
        for number in self.places.numbers() {
            let name = self.places.name(number);
            let has = if self
                .wanted
                .iter()
                .any(|key| key.line.accepts(number, &name))
            {
                self.take_in(number, &name, events)
            } else {
                Ok(Codes::default())
            };
            seen.push(Seen { number, name, has });
        }
        for key in &mut self.wanted {
            let find = || problem::find(&key.line, &seen, &self.places, key.told.is_some());
            key.problem = (key.devices == 0).then(find);
        }
        let strange = seen.iter().any(Seen::may_change_unheard);
        self.again = (strange || !hears).then(|| now + AGAIN);
    }

    /// Makes sure that the folder is watched; whether it is.
    fn hear(&mut self) -> bool {
        if let Some(folder) = &mut self.folder {
            return folder.drain().is_ok();
        }
        let watched = Folder::watch(&self.places.devices).and_then(|folder| {
            self.ports.add(&folder, 0)?;
            Ok(folder)
        });
        self.folder = watched.ok();
        self.folder.is_some()
    }

    /// Opens a device, keeps it if it has a wanted key, and says what it has.
    fn take_in(&mut self, number: u16, name: &str, events: &mut Queue) -> std::io::Result<Codes> {
        let mut open = self.devices.iter().flatten();
        if let Some(device) = open.find(|it| it.number == number) {
            return device.node.has();
        }
        let node = N::open(&self.places.path(number))?;
        let has = node.has()?;
        let keys = self.keys_of(number, name, &has);
        if keys.is_empty() {
            return Ok(has);
        }
        let Some(slot) = self.devices.iter().position(Option::is_none) else {
            let full = std::format!("more than {DEVICES} input devices");
            return Err(std::io::Error::other(full));
        };
        node.want(keys.iter().map(|it| it.code).collect());
        self.ports.add(&node, slot + 1)?;
        let held = node.held()?;
        for key in &keys {
            self.wanted[key.wanted].devices += 1;
        }
        self.devices[slot] = Some(Open { node, number, keys });
        self.place(slot, &held, events);
        Ok(has)
    }

    /// The wanted keys that a device has, by their codes.
    fn keys_of(&self, number: u16, name: &str, has: &Codes) -> Vec<Held> {
        let all = self.wanted.iter().enumerate();
        let mine =
            all.filter(|(_, key)| key.line.accepts(number, name) && has.contains(key.line.code));
        let mut keys: Vec<Held> = mine
            .map(|(wanted, key)| Held {
                code: key.line.code,
                wanted,
                down: false,
            })
            .collect();
        keys.sort_by_key(|it| it.code);
        keys
    }

    /// Takes what a device says, within reason; the poller reminds us of the rest.
    fn read(&mut self, now: Instant, slot: usize, events: &mut Queue) {
        let mut buf = [0_u8; 64 * event::SIZE];
        for _ in 0..BATCHES {
            let Some(device) = &self.devices[slot] else {
                return;
            };
            match rustix::io::read(&device.node, &mut buf) {
                Ok(len @ 1..) => self.handle_events(now, slot, &buf[..len], events),
                Err(rustix::io::Errno::AGAIN) => return,
                Err(rustix::io::Errno::INTR) => {}
                Ok(0) | Err(_) => return self.let_go(now, slot, events),
            }
        }
    }

    fn handle_events(&mut self, now: Instant, slot: usize, bytes: &[u8], events: &mut Queue) {
        for event in event::events(bytes) {
            match event {
                event::Event::Moved { code, pressed } => {
                    self.move_key(now, slot, code, pressed, events);
                }
                event::Event::Report => {}
                event::Event::Dropped => {
                    // All that was read or waits is older than what the device says now.
                    let device = self.devices[slot].as_ref();
                    if let Some(Ok(held)) = device.map(|it| it.node.held()) {
                        self.place(slot, &held, events);
                    }
                    return;
                }
            }
        }
    }

    /// A key of a device moved.
    fn move_key(&mut self, now: Instant, slot: usize, code: Code, down: bool, events: &mut Queue) {
        let Some(device) = &mut self.devices[slot] else {
            return;
        };
        let first = device.keys.partition_point(|it| it.code < code);
        let same = device.keys[first..]
            .iter_mut()
            .take_while(|it| it.code == code);
        for held in same.filter(|it| it.down != down) {
            held.put(down, &mut self.wanted);
            self.wanted[held.wanted].moved(now, events);
            if self.wanted[held.wanted].rests.is_some() && !self.restless.contains(&held.wanted) {
                self.restless.push(held.wanted);
            }
        }
    }

    /// Where all keys of a device are: nobody saw them move.
    fn place(&mut self, slot: usize, where_down: &Codes, events: &mut Queue) {
        let Some(device) = &mut self.devices[slot] else {
            return;
        };
        for held in &mut device.keys {
            held.put(where_down.contains(held.code), &mut self.wanted);
            self.wanted[held.wanted].tell(Event::Position, events);
        }
    }

    /// A device is gone. Its buttons stay as they were, unless another one knows better. It is looked for a little
    /// later, lest one that is there and can't be read keeps us busy.
    fn let_go(&mut self, now: Instant, slot: usize, events: &mut Queue) {
        let gone = self.devices[slot].take();
        for mut held in gone.into_iter().flat_map(|it| it.keys) {
            held.put(false, &mut self.wanted);
            let key = &mut self.wanted[held.wanted];
            key.devices -= 1;
            key.rests = None;
            if key.devices > 0 {
                key.tell(Event::Position, events);
            } else {
                key.problem = Some(problem::gone(&key.line));
            }
        }
        self.again = Some(now + SOON);
    }
}

impl Wanted {
    fn new((button, line): (usize, KeyLine)) -> Wanted {
        Wanted {
            button,
            line,
            devices: 0,
            holders: 0,
            told: None,
            rests: None,
            problem: None,
        }
    }

    /// It moved: tells so, at once or when it has rested.
    fn moved(&mut self, now: Instant, events: &mut Queue) {
        match self.line.debounce {
            None | Some(Duration::ZERO) => self.tell(Event::Edge, events),
            Some(rest) => self.rests = Some(now + rest),
        }
    }

    /// Tells where it is, if that is news.
    fn tell(&mut self, how: fn(Touch) -> Event, events: &mut Queue) {
        let pressed = self.holders > 0;
        self.rests = None;
        if self.told.replace(pressed) != Some(pressed) {
            let button = self.button;
            events.push(how(Touch { button, pressed }));
        }
    }
}

impl KeyLine {
    /// Whether it may be a key of this device.
    fn accepts(&self, number: u16, name: &str) -> bool {
        let wanted = self.device.as_deref();
        let numbered = |wanted: &str| wanted.strip_prefix("event")?.parse().ok();
        wanted.is_none_or(|wanted| wanted == name || numbered(wanted) == Some(number))
    }
}

impl Held {
    /// Takes note of where it is, here and with the button.
    fn put(&mut self, down: bool, wanted: &mut [Wanted]) {
        let holders = &mut wanted[self.wanted].holders;
        match (self.down, down) {
            (false, true) => *holders += 1,
            (true, false) => *holders -= 1,
            (true, true) | (false, false) => {}
        }
        self.down = down;
    }
}

/// Batches read from one device before others get their turn.
const BATCHES: usize = 8;

/// When a device that went is looked for.
const SOON: Duration = Duration::from_secs(1);

/// How often devices are looked for where nothing says that they come.
const AGAIN: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests;
