//! When to look again for what is missing: after 5 s, 10, 20, 40, then every minute.

use crate::ground::time::{Duration, Instant};

/// When to look again for what is missing.
#[derive(Debug)]
pub(super) struct Retry {
    at: Option<Instant>,
    wait: Duration,
}

impl Retry {
    const FIRST: Duration = Duration::from_secs(5);
    const LAST: Duration = Duration::from_secs(60);

    /// Nothing is missing.
    pub(super) const fn new() -> Retry {
        Retry {
            at: None,
            wait: Retry::FIRST,
        }
    }

    /// Something has gone missing.
    pub(super) fn begin(&mut self, now: Instant) {
        self.wait = Retry::FIRST;
        self.plan(now, false);
    }

    /// We have looked: everything is there, or later again.
    pub(super) fn plan(&mut self, now: Instant, all: bool) {
        if all {
            *self = Retry::new();
        } else {
            self.at = Some(now + self.wait);
            self.wait = (self.wait * 2).min(Retry::LAST);
        }
    }

    /// Whether to look now.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.at.is_some_and(|at| at <= now)
    }

    /// When to look.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_come_less_and_less_often_until_everything_is_there() {
        let mut retry = Retry::new();
        retry.begin(Instant::ZERO);
        for seconds in [5, 15, 35, 75, 135, 195] {
            let due = Instant::from_millis(seconds * 1_000);
            assert_eq!(retry.deadline(), Some(due));
            assert!(retry.is_due(due));
            retry.plan(due, false);
        }
        retry.plan(Instant::ZERO, true);
        assert_eq!(retry.deadline(), None);
        retry.begin(Instant::ZERO);
        assert_eq!(retry.deadline(), Some(Instant::from_millis(5_000)));
    }
}
