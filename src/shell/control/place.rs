//! What callers are at: whoever says nothing makes way for one who asks, and whoever follows leaves places to others.

use std::cell::Cell;
use std::rc::Rc;

use super::FOLLOWERS;
use crate::ground::time::Instant;
use crate::shell::clock;

/// A caller's place. It is free again when this goes.
#[derive(Debug)]
pub struct Place {
    doing: Cell<Doing>,
    /// How many follow.
    followers: Rc<Cell<usize>>,
}

/// What a caller is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Doing {
    /// It has asked nothing since then.
    Nothing(Instant),
    /// It asks, and is answered.
    Asks,
    /// It is told of changes.
    Follows,
}

impl Place {
    /// A place among those of which so many follow.
    pub fn new(followers: &Rc<Cell<usize>>) -> Place {
        Place {
            doing: Cell::new(Doing::Nothing(clock::now())),
            followers: followers.clone(),
        }
    }

    /// It may ask the next thing now.
    pub fn rest(&self) {
        self.turn_to(Doing::Nothing(clock::now()));
    }

    /// It asks.
    pub fn ask(&self) {
        self.turn_to(Doing::Asks);
    }

    /// It wants to follow; `false`: too many do.
    pub fn follow(&self) -> bool {
        let may = self.followers.get() < FOLLOWERS;
        if may {
            self.turn_to(Doing::Follows);
        }
        may
    }

    /// Since when it has asked nothing.
    pub fn idle_since(&self) -> Option<Instant> {
        match self.doing.get() {
            Doing::Nothing(since) => Some(since),
            Doing::Asks | Doing::Follows => None,
        }
    }

    fn turn_to(&self, doing: Doing) {
        let count = |doing: Doing| usize::from(doing == Doing::Follows);
        let before = self.doing.replace(doing);
        self.followers
            .set(self.followers.get() + count(doing) - count(before));
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.ask();
    }
}
