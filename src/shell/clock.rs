//! The two clocks. rustix asks the kernel with 64-bit times on every target, so that 32-bit devices pass 2038.

use crate::ground::time::{Instant, Moment, Wall};
use rustix::time::{ClockId, Timespec, clock_gettime};

/// Now, for timers.
///
/// The clock is `CLOCK_BOOTTIME`: it never jumps, and it goes on while the device sleeps. A lifetime that a
/// peer granted runs on too, so after a nap the agent must see at once what has expired.
pub fn now() -> Instant {
    let Timespec { tv_sec, tv_nsec } = clock_gettime(ClockId::Boottime);
    Instant::from_micros(positive(tv_sec) * 1_000_000 + positive(tv_nsec) / 1_000)
}

/// Now, for documents; unset until somebody has set the date.
pub fn wall() -> Wall {
    let Timespec { tv_sec, tv_nsec } = clock_gettime(ClockId::Realtime);
    Wall::from_unix_millis(positive(tv_sec) * 1_000 + positive(tv_nsec) / 1_000_000)
}

/// Now, by both clocks.
pub fn moment() -> Moment {
    dated(now())
}

/// A moment that has just been, with its date.
pub fn dated(now: Instant) -> Moment {
    Moment { now, wall: wall() }
}

/// The wall time of a past moment, or unset while the clock is.
pub fn wall_of(moment: Instant, now: Instant, wall: Wall) -> Wall {
    let ago = u64::try_from((now - moment).as_millis()).unwrap_or(u64::MAX);
    wall.unix_millis().map_or(Wall::UNSET, |millis| {
        Wall::from_unix_millis(millis.saturating_sub(ago))
    })
}

fn positive(part: impl TryInto<u64>) -> u64 {
    part.try_into().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_past_moment_has_its_wall_time() {
        let wall = Wall::from_unix_millis(1_800_000_000_000);
        let then = wall_of(
            Instant::from_millis(2_000),
            Instant::from_millis(5_000),
            wall,
        );
        assert_eq!(then, Wall::from_unix_millis(1_799_999_997_000));
        assert_eq!(
            wall_of(Instant::ZERO, Instant::ZERO, Wall::UNSET),
            Wall::UNSET
        );
    }

    #[test]
    fn the_clock_runs_forward() {
        let first = now();
        assert!(first > Instant::ZERO);
        assert!(now() >= first);
    }
}
