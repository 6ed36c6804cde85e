//! How often watchers are told (RFC 3856 §6.10, 4235 §3.10): a token bucket.

use crate::events::package::Pace;
use crate::ground::time::Instant;

/// The bucket. It starts full.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bucket {
    /// Tokens taken out.
    taken: u8,
    /// When the taken tokens were last counted down.
    counted: Instant,
}

impl Bucket {
    /// The bucket of nobody yet.
    pub const fn new() -> Bucket {
        Bucket {
            taken: 0,
            counted: Instant::ZERO,
        }
    }

    /// Takes a token.
    ///
    /// # Errors
    /// When the next one is there.
    pub fn take(&mut self, now: Instant, pace: Pace) -> Result<(), Instant> {
        if pace.burst == 0 || pace.interval.is_zero() {
            return Ok(());
        }
        while self.taken > 0 && now >= self.counted + pace.interval {
            self.taken -= 1;
            self.counted += pace.interval;
        }
        if self.taken == 0 {
            self.counted = now;
        }
        if self.taken >= pace.burst {
            return Err(self.counted + pace.interval);
        }
        self.taken += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::time::Duration;

    #[test]
    fn a_burst_passes_then_one_an_interval() /* N31 D12 */
    {
        let pace = Pace {
            burst: 2,
            interval: Duration::from_secs(5),
        };
        let mut bucket = Bucket::new();
        let at = Instant::from_millis;
        assert_eq!(bucket.take(at(1_000), pace), Ok(()));
        assert_eq!(bucket.take(at(1_100), pace), Ok(()));
        assert_eq!(bucket.take(at(1_200), pace), Err(at(6_000)));
        assert_eq!(bucket.take(at(6_000), pace), Ok(()));
        assert_eq!(bucket.take(at(6_100), pace), Err(at(11_000)));
        assert_eq!(bucket.take(at(60_000), pace), Ok(()));
        assert_eq!(bucket.take(at(60_000), pace), Ok(()));
        assert_eq!(bucket.take(at(60_000), pace), Err(at(65_000)));
    }

    #[test]
    fn a_burst_of_zero_never_waits() {
        let pace = Pace {
            burst: 0,
            interval: Duration::from_secs(5),
        };
        let mut bucket = Bucket::new();
        for _ in 0..100 {
            assert_eq!(bucket.take(Instant::ZERO, pace), Ok(()));
        }
    }
}
