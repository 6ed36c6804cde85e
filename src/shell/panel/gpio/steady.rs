//! When a level counts: our own debouncing, for lines that the kernel does not debounce.

use crate::ground::time::{Duration, Instant};

/// The position of one input.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Steady {
    /// What was reported last; `None` before anything was.
    pub(super) reported: Option<bool>,
    /// The line is different since then.
    since: Option<Instant>,
}

impl Steady {
    /// The line stands at this level. `true` if it is news.
    pub(super) fn set(&mut self, level: bool) -> bool {
        self.since = None;
        self.reported.replace(level) != Some(level)
    }

    /// The line was read. It counts when it was so for `debounce`, and read so at least twice. `true` if it is
    /// news.
    pub(super) fn read(&mut self, now: Instant, level: bool, debounce: Duration) -> bool {
        if self.reported == Some(level) {
            self.since = None;
            return false;
        }
        match self.since {
            Some(since) if now - since >= debounce => self.set(level),
            Some(_) => false,
            None => {
                self.since = Some(now);
                false
            }
        }
    }

    /// The line moved: it counts from the beginning.
    pub(super) fn stir(&mut self, now: Instant) {
        self.since = Some(now);
    }

    /// When a line that was stirred must be read.
    pub(super) fn due(&self, debounce: Duration) -> Option<Instant> {
        self.since.map(|since| since + debounce)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEBOUNCE: Duration = Duration::from_millis(30);

    fn up() -> Steady {
        let mut line = Steady::default();
        assert!(line.set(false));
        line
    }

    fn at(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    #[test]
    fn two_equal_reads_and_the_time_between_make_a_press() {
        let mut line = up();
        assert!(!line.read(at(20), true, DEBOUNCE));
        assert!(!line.read(at(40), true, DEBOUNCE));
        assert!(line.read(at(50), true, DEBOUNCE));
        assert!(!line.read(at(60), true, DEBOUNCE));
        assert_eq!(line.reported, Some(true));
    }

    #[test]
    fn a_glitch_between_reads_makes_none() {
        let mut line = up();
        assert!(!line.read(at(20), true, DEBOUNCE));
        assert!(!line.read(at(40), false, DEBOUNCE));
        assert!(!line.read(at(60), true, DEBOUNCE));
        assert!(!line.read(at(80), true, DEBOUNCE));
        assert_eq!(line.reported, Some(false));
    }

    #[test]
    fn one_read_is_never_enough() {
        let mut line = up();
        assert!(!line.read(at(20), true, Duration::ZERO));
        assert!(line.read(at(40), true, Duration::ZERO));
    }

    #[test]
    fn a_line_counts_once_it_has_rested() {
        let mut line = up();
        assert_eq!(line.due(DEBOUNCE), None);
        line.stir(at(10));
        line.stir(at(15));
        assert_eq!(line.due(DEBOUNCE), Some(at(45)));
        assert!(line.set(true));
        assert_eq!(line.due(DEBOUNCE), None);
        line.stir(at(100));
        assert!(!line.set(true));
    }
}
