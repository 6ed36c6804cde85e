//! What is kept over a power cut, as the store gets it: plain data for `postcard`, which borrows what it holds.
//!
//! Moments do not survive a restart: the monotonic clock begins anew and the wall clock may be unset. A [`Lease`] says
//! how much of a lifetime was left when it was written, and when that was, if anybody knew.

use crate::ground::time::{Duration, Instant, Moment, Seconds};
use crate::wire::flow::{Flow, Transport};
use core::net::SocketAddr;
use serde::{Deserialize, Serialize};

/// The rest of a lifetime.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// Seconds that were left.
    left: u32,
    /// When that was, in milliseconds since 1970; 0 if the clock was not set.
    at: u64,
}

impl Lease {
    /// What is left until `ends`.
    pub fn new(ends: Instant, moment: Moment) -> Lease {
        Lease {
            left: ends.seconds_from(moment.now).0,
            at: moment.wall.unix_millis().unwrap_or(0),
        }
    }

    /// As [`Lease::ends`], but `least` from now at the earliest, for what may have been extended since it was written;
    /// `None` if it was over for longer than it had left then, or an hour.
    pub fn ends_at_least(self, moment: Moment, least: Seconds) -> Option<Instant> {
        const LONG: u32 = 3_600;
        let late = Lease {
            left: self.left.saturating_add(self.left.max(LONG)),
            ..self
        };
        if late.ends(moment) <= moment.now {
            return None;
        }
        Some(self.ends(moment).max(moment.now + least))
    }

    /// When it ends after a restart. Where a clock was not set, the time in between is taken for none: better to tell
    /// somebody who is gone than to forget somebody who is there.
    pub fn ends(self, moment: Moment) -> Instant {
        let passed = match (self.at, moment.wall.unix_millis()) {
            (0, _) | (_, None) => 0,
            (at, Some(wall)) => wall.saturating_sub(at),
        };
        let left = Seconds(self.left).duration();
        moment.now + left.saturating_sub(Duration::from_millis(passed))
    }
}

/// A flow. A connection does not survive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptFlow {
    transport: u8,
    local: SocketAddr,
    remote: SocketAddr,
}

impl KeptFlow {
    /// That of a running agent.
    pub const fn new(flow: &Flow) -> KeptFlow {
        KeptFlow {
            transport: match flow.transport {
                Transport::Udp => 0,
                Transport::Tcp => 1,
                Transport::Tls => 2,
            },
            local: flow.local,
            remote: flow.remote,
        }
    }

    /// The same, to be connected anew where it was a connection.
    pub const fn flow(&self) -> Option<Flow> {
        let transport = match self.transport {
            0 => Transport::Udp,
            1 => Transport::Tcp,
            2 => Transport::Tls,
            _ => return None,
        };
        Some(Flow {
            transport,
            ..Flow::udp(self.local, self.remote)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::time::Wall;

    #[test]
    fn a_lease_runs_on_while_the_power_is_off_if_the_clock_tells() {
        let (before, after) = (Instant::from_millis(900_000), Instant::from_millis(5_000));
        let wall = |seconds: u64| Wall::from_unix_millis(1_800_000_000_000 + seconds * 1_000);
        let at = |now, wall| Moment { now, wall };
        let lease = Lease::new(before + Seconds(600), at(before, wall(0)));
        assert_eq!(lease.ends(at(after, wall(100))), after + Seconds(500));
        assert_eq!(lease.ends(at(after, wall(700))), after, "it is over");
        assert_eq!(lease.ends(at(after, Wall::UNSET)), after + Seconds(600));
        // A clock that was set back proves nothing.
        let back = Wall::from_unix_millis(1_700_000_000_000);
        assert_eq!(lease.ends(at(after, back)), after + Seconds(600));
        let least = |wall| lease.ends_at_least(at(after, wall), Seconds(60));
        assert_eq!(least(wall(100)), Some(after + Seconds(500)));
        assert_eq!(least(wall(700)), Some(after + Seconds(60)), "it may live");
        assert_eq!(least(wall(600 + 3_601)), None, "nobody waits for so long");
        let unset = Lease::new(before + Seconds(600), at(before, Wall::UNSET));
        assert_eq!(unset.ends(at(after, wall(100))), after + Seconds(600));
    }
}
