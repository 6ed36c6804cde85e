//! Buttons that are keys or switches of input devices, which come and go.

use std::vec::Vec;

use super::board::line::KeyLine;
use super::{Problem, Queue, Touch};
use crate::ground::time::Instant;
use crate::shell::poller::Registry;

pub mod codes;

/// The keys that a board wants.
#[derive(Debug)]
pub struct Keys {
    wanted: Vec<(usize, Problem)>,
}

impl Keys {
    /// Finds the devices. `wanted` are the board's numbers of the buttons and their keys; descriptors are added as
    /// `Source::Panel(base)` and up. What is not there yet is looked for later.
    pub fn open(wanted: &[(usize, KeyLine)], _registry: &Registry, _base: u8) -> Keys {
        let problem = || Problem::new("is not supported", "use a line of the kind gpio");
        Keys {
            wanted: wanted.iter().map(|(at, _)| (*at, problem())).collect(),
        }
    }

    /// The descriptor `Source::Panel(which)` is ready: what happened goes into `events`.
    pub fn handle_readable(&mut self, _now: Instant, _which: u8, _events: &mut Queue) {}

    /// [`Keys::deadline`] is there.
    pub fn handle_timeout(&mut self, _now: Instant, _events: &mut Queue) {}

    /// When [`Keys::handle_timeout`] wants to be called.
    pub fn deadline(&self) -> Option<Instant> {
        None
    }

    /// Where every key is now that can be read.
    pub fn positions(&self) -> impl Iterator<Item = Touch> {
        core::iter::empty()
    }

    /// The buttons whose key can't be read, and why.
    pub fn troubles(&self) -> impl Iterator<Item = (usize, &Problem)> {
        self.wanted.iter().map(|(at, problem)| (*at, problem))
    }
}
