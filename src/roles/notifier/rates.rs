//! How often one watcher is told: as it asked, within what the owner allows (RFC 6446).
//!
//! What is sent again counts for nothing, nor does an interval hold back what answers a SUBSCRIBE, the first NOTIFY
//! after `pending`, or the last (§5.2).

use crate::events::package::Pace;
use crate::ground::time::{Duration, Instant, Seconds};
use crate::wire::sip::{Rate, Rates};

/// The rates in force for one watcher.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tempo {
    asked: Rates,
    in_force: Rates,
    /// The owner's pace for this watcher; zero is none.
    owner: Seconds,
    /// What the lifetime and the package set as bounds to what is asked.
    bounds: Bounds,
    /// Whether anything of all this counts.
    is_set: bool,
    /// When the last NOTIFY went out.
    last: Option<Instant>,
    /// How many went out in the period before, in thousandths (§7.4).
    count: u32,
}

/// Bounds to what a watcher asks for.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    /// No interval is longer: the lifetime that was left (§5.3).
    lifetime: Seconds,
    /// Nothing that is the same is told more often.
    package: Rate,
}

/// The period of a moving average, in intervals of the rate that is asked for (§7.4).
const PERIODS: u32 = 10;

/// One NOTIFY in the count.
const ONE: u32 = 1_000;

impl Tempo {
    /// The owner's pace, and nothing asked.
    pub(super) const fn new(owner: Seconds) -> Tempo {
        const NONE: Rates = Rates {
            max: None,
            min: None,
            adaptive_min: None,
        };
        Tempo {
            asked: NONE,
            in_force: NONE,
            owner,
            bounds: Bounds {
                lifetime: Seconds::ZERO,
                package: Rate::once_in(Seconds(1)),
            },
            is_set: owner.0 != 0,
            last: None,
            count: PERIODS * ONE,
        }
    }

    /// The watcher asks for these rates from now on, for so long a lifetime.
    pub(super) fn ask(&mut self, rates: Rates, lifetime: Seconds, pace: Pace) {
        let least = u32::try_from(pace.interval.as_secs()).unwrap_or(u32::MAX);
        if self.asked.adaptive_min != rates.adaptive_min {
            self.count = PERIODS * ONE;
        }
        self.asked = rates;
        self.bounds = Bounds {
            lifetime,
            package: Rate::once_in(Seconds(least.max(1))),
        };
        self.settle();
    }

    /// As [`Tempo::ask`], with the lifetime and the package's pace as they were.
    pub(super) fn ask_again(&mut self, rates: Rates) {
        if rates != self.asked {
            self.asked = rates;
            self.count = PERIODS * ONE;
            self.settle();
        }
    }

    /// The owner's pace is this from now on.
    pub(super) fn rule(&mut self, owner: Seconds) {
        if core::mem::replace(&mut self.owner, owner) != owner {
            self.settle();
        }
    }

    /// The owner wants what comes next to be told at once; what the watcher asked for stays.
    pub(super) fn hurry(&mut self) {
        if self.asked.max.is_none() {
            self.last = None;
        }
    }

    /// A NOTIFY goes out.
    #[inline]
    pub(super) fn note(&mut self, now: Instant) {
        if self.is_set {
            self.count_in(now);
        }
    }

    /// Whether the watcher asked for anything.
    pub(super) fn is_asked(&self) -> bool {
        self.is_set && self.asked != Rates::default()
    }

    /// What Subscription-State has to say (§4.2).
    pub(super) fn in_force(&self) -> Rates {
        self.in_force
    }

    /// Whether a change has to wait.
    #[inline]
    pub(super) fn holds(&self, now: Instant) -> bool {
        self.is_set && self.held_until().is_some_and(|until| now < until)
    }

    /// When a change may be told.
    pub(super) fn held_until(&self) -> Option<Instant> {
        if !self.is_set {
            return None;
        }
        let shortest = self.shortest()?;
        Some(self.last.map_or(Instant::ZERO, |last| last + shortest))
    }

    /// When the watcher wants to hear that nothing changed (§6.2, §7.2).
    pub(super) fn expected(&self) -> Option<Instant> {
        if !self.is_set {
            return None;
        }
        let least = self.in_force.min.map(Rate::interval);
        let average = self.in_force.adaptive_min.map(|rate| {
            // Equation (2) with a period of so many intervals.
            let timeout = rate.interval() * self.count / (PERIODS * ONE);
            timeout.max(self.shortest().unwrap_or_default())
        });
        let interval = match (least, average) {
            (Some(least), Some(average)) => least.min(average),
            (least, average) => least.or(average)?,
        };
        Some(self.last? + interval.min(LONGEST))
    }

    /// The time that has to pass between two NOTIFYs.
    fn shortest(&self) -> Option<Duration> {
        let owner = (self.owner > Seconds::ZERO).then(|| self.owner.duration());
        owner.max(self.in_force.max.map(Rate::interval))
    }

    fn count_in(&mut self, now: Instant) {
        if let (Some(last), Some(rate)) = (self.last, self.in_force.adaptive_min) {
            let period = rate.interval().saturating_mul(PERIODS);
            let left = period.saturating_sub(now.since(last));
            let counted = u128::from(self.count) * left.as_micros() / period.as_micros().max(1);
            self.count = u32::try_from(counted)
                .unwrap_or(u32::MAX)
                .saturating_add(ONE);
        }
        self.last = Some(now);
    }

    /// Finds what is in force (§5.3, §8).
    fn settle(&mut self) {
        let owner = (self.owner > Seconds::ZERO).then(|| Rate::once_in(self.owner));
        let slower = |rate: Rate, bound: Option<Rate>| bound.map_or(rate, |bound| rate.min(bound));
        let lifetime = Rate::once_in(self.bounds.lifetime);
        let max = self.asked.max.map(|rate| slower(rate.max(lifetime), owner));
        let most = slower(self.bounds.package, max.or(owner));
        let adaptive_min = self.asked.adaptive_min.map(|rate| rate.min(most));
        let min = self.asked.min.map(|rate| rate.min(most));
        self.in_force = Rates {
            max,
            min: min.filter(|min| adaptive_min.is_none_or(|average| *min < average)),
            adaptive_min,
        };
        self.is_set = self.in_force != Rates::default() || owner.is_some();
    }
}

/// No timer is set further ahead.
const LONGEST: Duration = Duration::from_secs(86_400);

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::wire::sip::Event;
    use std::format;

    const PACE: Pace = Pace {
        burst: 4,
        interval: Duration::from_secs(5),
    };

    fn rates(text: &str) -> Rates {
        let text = format!("presence{text}");
        Rates::of(&Event::parse(text.as_bytes()).expect("an event").params)
    }

    fn tempo(asked: &str, owner: u32) -> Tempo {
        let mut tempo = Tempo::new(Seconds(owner));
        tempo.ask(rates(asked), Seconds(600), PACE);
        tempo
    }

    #[test]
    fn what_is_asked_is_brought_within_its_bounds() /* F09 F11 */
    {
        for (asked, owner, in_force) in [
            ("", 0, ""),
            ("", 60, ""),
            (";max-rate=0.1", 0, ";max-rate=0.1"),
            (";max-rate=0.1", 60, ";max-rate=0.0166666666"),
            (";max-rate=0.0001", 0, ";max-rate=0.0016666666"),
            (
                ";max-rate=0.1;min-rate=0.5",
                0,
                ";max-rate=0.1;min-rate=0.1",
            ),
            (";min-rate=50", 0, ";min-rate=0.2"),
            (";min-rate=0.1", 20, ";min-rate=0.05"),
            (
                ";min-rate=0.1;adaptive-min-rate=0.05",
                0,
                ";adaptive-min-rate=0.05",
            ),
            (
                ";min-rate=0.01;adaptive-min-rate=0.05;max-rate=0.04",
                0,
                ";max-rate=0.04;min-rate=0.01;adaptive-min-rate=0.04",
            ),
        ] {
            assert_eq!(tempo(asked, owner).in_force(), rates(in_force), "{asked}");
        }
    }

    #[test]
    fn changes_are_held_and_silence_is_broken() /* F10 F11 */
    {
        let mut tempo = tempo(";max-rate=0.1;min-rate=0.02", 0);
        let at = |seconds: u64| Instant::from_millis(seconds * 1_000);
        assert!(!tempo.holds(at(100)) && tempo.expected().is_none());
        tempo.note(at(100));
        assert!(tempo.holds(at(109)) && !tempo.holds(at(110)));
        assert_eq!(tempo.expected(), Some(at(150)));
        tempo.ask(Rates::default(), Seconds(600), PACE);
        assert!(!tempo.holds(at(101)) && tempo.expected().is_none());
    }

    /// After a burst the silence may be longer; later it is what was asked for.
    #[test]
    fn an_average_is_kept() /* F09 F11 */
    {
        let mut tempo = tempo(";adaptive-min-rate=0.1", 0);
        let at = |seconds: u64| Instant::from_millis(seconds * 1_000);
        tempo.note(at(100));
        assert_eq!(tempo.expected(), Some(at(110)));
        for second in 101..111 {
            tempo.note(at(second));
        }
        let silence = |tempo: &Tempo, last: u64| tempo.expected().expect("some time") - at(last);
        assert!(silence(&tempo, 110) > Duration::from_secs(17));
        let mut now = at(110);
        for _ in 0..40 {
            now = tempo.expected().expect("some time");
            tempo.note(now);
        }
        let steady = tempo.expected().expect("some time") - now;
        assert!(steady.abs_diff(Duration::from_secs(10)) < Duration::from_millis(200));
    }
}
