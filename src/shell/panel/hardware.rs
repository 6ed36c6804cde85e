//! The panel of a board whose lines are real.

use super::board::Board;
use super::face::Face;
use super::{Event, Queue, Trouble};
use crate::ground::time::Instant;
use crate::shell::poller::Registry;
use crate::users::lamps::Look;

/// Lines of this machine.
#[derive(Debug)]
pub struct Hardware {
    face: Face,
    events: Queue,
}

impl Hardware {
    /// Asks for every line of the board; those that can't be had are tried again later.
    pub fn open(board: &Board, _registry: Registry, _now: Instant) -> Hardware {
        Hardware {
            face: Face::new(board),
            events: Queue::new(),
        }
    }

    /// Has the lamp at `lamp` show `look`.
    pub fn show(&mut self, _now: Instant, lamp: usize, look: Look) {
        self.face.show(lamp, look);
    }

    /// `Source::Panel(which)` is ready.
    pub fn handle_readable(&mut self, _now: Instant, _which: u8) {}

    /// [`Hardware::deadline`] may be there.
    pub fn handle_timeout(&mut self, _now: Instant) {}

    /// When [`Hardware::handle_timeout`] wants to be called.
    pub fn deadline(&self) -> Option<Instant> {
        None
    }

    /// What has happened.
    pub fn take_event(&mut self) -> Option<Event> {
        self.events.take()
    }

    /// Lights every element alone, one after the other.
    pub fn test(&mut self, _now: Instant) {}

    /// What does not work.
    pub fn troubles(&self) -> impl Iterator<Item = Trouble<'_>> {
        core::iter::empty()
    }

    pub(super) fn face(&self) -> &Face {
        &self.face
    }
}
