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

    /// How many wait for the next one.
    #[cfg(test)]
    pub fn waiting(&self) -> usize {
        self.waiting.len()
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::task::Wake;

    #[derive(Default)]
    struct Woken(AtomicU32);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn without_followers_only_new_looks_count() {
        let mut changes = Changes::new();
        changes.announce();
        assert_eq!(changes.count(), 0);
        changes.note();
        changes.note();
        changes.announce();
        changes.announce();
        assert_eq!(changes.count(), 1);
    }

    #[test]
    fn a_follower_is_woken_once_for_each_time_it_waits() {
        let mut changes = Changes::new();
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(woken.clone());
        changes.wait(&waker);
        changes.wait(&waker);
        changes.announce();
        changes.announce();
        assert_eq!(woken.0.load(Ordering::Relaxed), 1);
        changes.wait(&waker);
        changes.announce();
        assert_eq!(woken.0.load(Ordering::Relaxed), 2);
        assert_eq!(changes.count(), 2);
    }
}
