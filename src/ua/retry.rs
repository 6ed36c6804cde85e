//! How long to wait before the next request of ours. Nothing here is ever a day, and everything is random enough that
//! a hundred phones do not come back in the same second (RFC 6665 §4.1.2).

use crate::ground::limits;
use crate::ground::random::Random;
use crate::ground::time::{Duration, Seconds};
use crate::wire::flow::End;

/// The watches of one agent begin one after the other, each this long after the one before.
const STEP: Duration = Duration::from_micros(62_500);

/// How much later than its step a watch may begin.
const STEP_JITTER: Duration = Duration::from_millis(250);

/// "At once", spread so that a server that ends all subscriptions is not hit by all of us in one instant.
const SOON: Duration = Duration::from_secs(1);

const QUERY: Duration = Duration::from_secs(2);

/// What is to be asked at one server goes out one after the other, each this long after the one before.
const PACE: Duration = Duration::from_millis(250);

/// A server that gave no answer is asked again within this time, by one of us.
pub const PROBE: Duration = Duration::from_secs(30);

const BACKOFF_FIRST: Duration = Duration::from_secs(2);
const BACKOFF_MOST: Duration = Duration::from_secs(240);
const SLOW_FIRST: Duration = Duration::from_secs(60);
const SLOW_MOST: Duration = Duration::from_secs(900);
/// How long a second-best server is good enough.
const HOME: Duration = Duration::from_secs(600);
const RARE: Duration = Duration::from_secs(3_600);

const NAT_LEAST: Duration = Duration::from_secs(24);
const NAT_SPREAD: Duration = Duration::from_secs(5);

/// What a refresh leaves of the lifetime: Timer F and a little.
const MARGIN: Duration = Duration::from_secs(35);

/// No refresh earlier than this after the SUBSCRIBE before, however short the lifetime.
const REFRESH_LEAST: Duration = Duration::from_secs(5);

/// How soon to try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// At once; backing off if the last try was just now too.
    Soon,
    /// 2 to 5 s: what the peer says is doubtful, and asked for once more.
    Query,
    /// 2 s, doubling to at most 5 minutes: the peer is not there, or not well.
    Backoff,
    /// 1 minute, doubling to about 15: the peer says no, and somebody must change its settings or ours.
    Slow,
    /// About an hour: the peer asked us not to come back. RFC 6665 §4.1.3 says SHOULD NOT; we deviate, because
    /// a lamp must not be dead for ever after one packet or one slip of an administrator.
    Rare,
}

impl Retry {
    /// The delay after `failures` tries that failed in a row.
    pub fn delay(self, failures: u8, random: &mut Random) -> Duration {
        match self {
            Retry::Soon if failures == 0 => random.duration(Duration::ZERO, SOON),
            Retry::Soon => backoff(failures - 1, random),
            Retry::Query => random.duration(QUERY, QUERY * 3 / 2),
            Retry::Backoff => backoff(failures, random),
            Retry::Slow => jittered(doubled(SLOW_FIRST, failures, SLOW_MOST), random),
            Retry::Rare => jittered(RARE, random),
        }
    }
}

/// The delay of the first SUBSCRIBE of the watch in `slot`: 0 to 2.2 s for the first 32.
pub fn first(slot: u16, random: &mut Random) -> Duration {
    random.duration(STEP * u32::from(slot), STEP_JITTER)
}

/// The delay after `failures` tries without an answer, or with one that says "later".
pub fn backoff(failures: u8, random: &mut Random) -> Duration {
    jittered(doubled(BACKOFF_FIRST, failures, BACKOFF_MOST), random)
}

/// The delay of the request that comes after `nth` others to one server: four in a second, whoever they are for.
pub fn paced(nth: u16, random: &mut Random) -> Duration {
    random.duration(PACE * u32::from(nth), PACE)
}

/// The delay of who finds out whether a server that gave no answer is back, for all the others.
pub fn probe(random: &mut Random) -> Duration {
    random.duration(PROBE / 2, PROBE / 2)
}

/// A `Retry-After` as we obey it: never less than asked, never more than [`limits::LONGEST_RETRY`] and a tenth.
pub fn retry_after(asked: Seconds, random: &mut Random) -> Duration {
    let asked = asked.min(limits::LONGEST_RETRY).duration();
    random.duration(asked, asked / 10)
}

/// How long until everything is tried again after no server worked (RFC 5626 §4.5): half to all of 30 s, doubled
/// with each round in which one answered that it is not well, but never more than half an hour.
pub fn recovery(failures: u8, random: &mut Random) -> Duration {
    const BASE: Duration = Duration::from_secs(30);
    const MOST: Duration = Duration::from_secs(1_800);
    let upper = (BASE * (1 << failures.min(7))).min(MOST);
    random.duration(upper / 2, upper / 2)
}

/// How long until what went through a connection that ended so asks again. One that is closed may be so to all at once,
/// by a server that restarts (RFC 5626 §4.5); one on which no pong came is so to us alone.
pub fn lost_flow(end: End, random: &mut Random) -> Duration {
    match end {
        End::Silent => paced(0, random),
        End::Closed | End::Refused | End::Untrusted(_) => recovery(0, random),
    }
}

/// How long until the best server is looked at again, after another one had to do.
pub fn home(random: &mut Random) -> Duration {
    random.duration(HOME, HOME / 5)
}

/// How long until a NAT is shown once more that the way is in use: 24 to 29 s (RFC 5626 §4.4.2).
pub fn nat(random: &mut Random) -> Duration {
    random.duration(NAT_LEAST, NAT_SPREAD)
}

/// How long until a stream is pinged: 95 to 120 s, or 80 to 100 % of what the server says (RFC 5626 §4.4.1).
pub fn ping(flow_timer: Option<Duration>, random: &mut Random) -> Duration {
    match flow_timer {
        Some(most) => random.duration(most * 4 / 5, most / 5),
        None => random.duration(Duration::from_secs(95), Duration::from_secs(25)),
    }
}

/// How long a pong may take (RFC 5626 §4.4.1).
pub const PONG: Duration = Duration::from_secs(10);

/// How long before the next refresh, when `left` of the lifetime is left: 76 to 85% of it, with Timer F and a little to
/// spare; half of it if it is too short for that.
pub fn refresh(left: Duration, random: &mut Random) -> Duration {
    let latest = if left < 2 * MARGIN {
        left / 2
    } else {
        (left * 17 / 20).min(left - MARGIN)
    };
    random
        .duration(latest * 9 / 10, latest / 10)
        .max(REFRESH_LEAST)
}

fn doubled(first: Duration, times: u8, most: Duration) -> Duration {
    let factor = 1u32 << times.min(16);
    (first * factor).min(most)
}

/// Plus or minus a quarter.
fn jittered(about: Duration, random: &mut Random) -> Duration {
    random.duration(about * 3 / 4, about / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn random() -> Random {
        let mut random = Random::new();
        random.seed([3, 4]);
        random
    }

    #[test]
    fn backoff_doubles_and_never_exceeds_five_minutes() {
        let mut random = random();
        for failures in 0..=u8::MAX {
            for _ in 0..20 {
                let delay = backoff(failures, &mut random);
                let about = Duration::from_secs(2 << failures.min(10)).min(BACKOFF_MOST);
                assert!(delay >= about * 3 / 4 && delay < about * 5 / 4);
                assert!(delay <= Duration::from_secs(300));
            }
        }
    }

    #[test]
    fn no_delay_is_a_day_and_none_but_soon_is_short() {
        let mut random = random();
        for failures in 0..=u8::MAX {
            for (retry, least, most) in [
                (Retry::Soon, 0, 300),
                (Retry::Query, 2, 5),
                (Retry::Backoff, 1, 300),
                (Retry::Slow, 45, 1_125),
                (Retry::Rare, 2_700, 4_500),
            ] {
                let delay = retry.delay(failures, &mut random).as_secs();
                assert!((least..=most).contains(&delay), "{retry:?} {delay}");
            }
        }
        assert!(Retry::Soon.delay(0, &mut random) < SOON);
        assert!(Retry::Soon.delay(1, &mut random) >= BACKOFF_FIRST * 3 / 4);
    }

    #[test]
    fn retry_after_is_obeyed_within_an_hour() {
        let mut random = random();
        for (asked, least, most) in [
            (0, 0, 1),
            (120, 120, 132),
            (3_600, 3_600, 3_960),
            (u32::MAX, 3_600, 3_960),
        ] {
            let delay = retry_after(Seconds(asked), &mut random).as_secs();
            assert!((least..=most).contains(&delay), "{asked} {delay}");
        }
    }

    #[test]
    fn refresh_leaves_timer_f_where_the_lifetime_allows() /* S05 */
    {
        let mut random = random();
        for left in 10..8_000 {
            let left = Duration::from_secs(left);
            let delay = refresh(left, &mut random);
            assert!(delay >= REFRESH_LEAST);
            assert!(delay <= left * 17 / 20);
            if left >= 2 * MARGIN {
                assert!(left - delay >= MARGIN);
                assert!(delay >= left / 2 * 9 / 10);
            }
        }
        assert_eq!(refresh(Duration::ZERO, &mut random), REFRESH_LEAST);
    }

    #[test]
    fn the_first_32_watches_begin_within_two_and_a_quarter_seconds() /* S26 */
    {
        let mut random = random();
        let starts = core::array::from_fn::<_, 32, _>(|slot| first(slot as u16, &mut random));
        assert!(
            starts
                .iter()
                .all(|start| *start < Duration::from_millis(2_250))
        );
        for window in 0..9 {
            let window = Duration::from_millis(250) * window;
            let within = starts
                .iter()
                .filter(|start| **start >= window && **start < window + Duration::from_millis(250));
            assert!(within.count() <= 8);
        }
    }
}
