//! Telling those who follow the lamps that there may be something new. Costs nothing while nobody follows.

use std::task::Waker;
use std::vec::Vec;

/// A counter of changes, and who waits for the next one.
#[derive(Debug, Default)]
pub struct Changes {
    count: u64,
    /// A lamp got another look since the last announcement.
    noted: bool,
    waiting: Vec<Waker>,
}

impl Changes {
    /// No change yet, and nobody waits.
    pub const fn new() -> Changes {
        Changes {
            count: 0,
            noted: false,
            waiting: Vec::new(),
        }
    }

    /// How many changes there were.
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Takes note of a change.
    pub fn note(&mut self) {
        self.noted = true;
    }

    /// Wakes the followers. While there are some, every turn counts: a lamp's state can change without its look,
    /// and they compare for themselves.
    pub fn announce(&mut self) {
        if !self.noted && self.waiting.is_empty() {
            return;
        }
        self.noted = false;
        self.count += 1;
        for waker in self.waiting.drain(..) {
            waker.wake();
        }
    }

    /// Wakes `waker` at the next change.
    pub fn wait(&mut self, waker: &Waker) {
        if !self.waiting.iter().any(|it| it.will_wake(waker)) {
            self.waiting.push(waker.clone());
        }
    }
}
