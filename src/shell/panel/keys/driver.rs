//! Keys of input devices as the panel's driver.

use std::boxed::Box;
use std::vec::Vec;

use super::{DEVICES, Keys};
use crate::ground::time::Instant;
use crate::shell::panel::board::Input;
use crate::shell::panel::board::line::KeyLine;
use crate::shell::panel::driver::{Driver, End, Kind, Ports, Wiring};
use crate::shell::panel::{Event, Problem, Queue};
use crate::users::lamps::Look;

/// Keys of input devices; ports for their folder and the devices.
pub(in crate::shell::panel) const KIND: Kind = Kind {
    ports: 1 + DEVICES as u8,
    open,
};

/// Keys, and which lines of the board they are.
#[derive(Debug)]
struct KeysDriver {
    keys: Keys,
    /// The board's numbers of lines and their buttons.
    lines: Vec<(usize, usize)>,
}

fn open(
    wiring: &Wiring<'_>,
    ports: &Ports,
    _: Instant,
    events: &mut Queue,
) -> Option<Box<dyn Driver>> {
    let mut lines = Vec::new();
    let mut wanted: Vec<(usize, KeyLine)> = Vec::new();
    for (number, it) in wiring.lines.iter().enumerate() {
        match it.end {
            End::Button(button, Input::Key(line)) => {
                lines.push((number, button));
                wanted.push((button, line.clone()));
            }
            End::Button(_, Input::Gpio(_)) | End::Light(..) => {}
        }
    }
    if wanted.is_empty() {
        return None;
    }
    let keys = Keys::open(&wanted, ports.clone());
    keys.positions()
        .for_each(|it| events.push(Event::Position(it)));
    Some(Box::new(KeysDriver { keys, lines }))
}

impl Driver for KeysDriver {
    fn show(&mut self, _: Instant, _: usize, _: Look) {}

    fn flush(&mut self, _: Instant) -> bool {
        true
    }

    fn handle_readable(&mut self, now: Instant, port: u8, events: &mut Queue) {
        self.keys.handle_readable(now, port, events);
    }

    fn handle_timeout(&mut self, now: Instant, events: &mut Queue) {
        if self.keys.deadline().is_some_and(|deadline| deadline <= now) {
            self.keys.handle_timeout(now, events);
        }
    }

    fn deadline(&self) -> Option<Instant> {
        self.keys.deadline()
    }

    fn trouble(&self, line: usize) -> Option<&Problem> {
        let (_, button) = self.lines.iter().find(|(number, _)| *number == line)?;
        let mut all = self.keys.troubles();
        all.find_map(|(at, problem)| (at == *button).then_some(problem))
    }

    fn end(&mut self) {}
}
