//! How often something may happen, whoever makes it happen.

use crate::ground::time::Instant;

/// So many at once, and so many each second.
#[derive(Clone, Copy, Debug)]
pub struct Bucket {
    most: u32,
    each_second: u32,
    left: u32,
    since: Instant,
}

impl Bucket {
    /// A full one.
    pub const fn new(most: u32, each_second: u32) -> Bucket {
        Bucket {
            most,
            each_second,
            left: most,
            since: Instant::ZERO,
        }
    }

    /// Whether one more may be taken.
    pub fn take(&mut self, now: Instant) -> bool {
        let gained = (now - self.since).as_micros() * u128::from(self.each_second) / 1_000_000;
        if gained > 0 {
            let gained = u32::try_from(gained).unwrap_or(u32::MAX);
            self.left = self.left.saturating_add(gained).min(self.most);
            self.since = now;
        }
        let is_there = self.left > 0;
        self.left = self.left.saturating_sub(1);
        is_there
    }
}
