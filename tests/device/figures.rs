//! What is measured, and how it is told.

use std::fmt;
use std::time::{Duration, Instant};

use crate::bench::{Bench, Change};

/// How long something took, again and again.
#[derive(Default)]
pub(crate) struct Spread(Vec<Duration>);

impl Spread {
    /// Something that began then ended now.
    pub(crate) fn add(&mut self, began: Instant, ended: Instant) {
        self.0.push(ended.saturating_duration_since(began));
    }

    pub(crate) fn median(&self) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        sorted[sorted.len() / 2]
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let worst = self.0.iter().max().copied().unwrap_or_default();
        let (median, times) = (self.median(), self.0.len());
        write!(f, "median {median:.1?}, worst {worst:.1?}, {times} times")
    }
}

/// How a line blinks.
#[derive(Debug)]
pub(crate) struct Blink {
    /// Seconds from one lighting up to the next.
    pub(crate) period: f64,
    /// The part of the time that it is lit.
    pub(crate) lit: f64,
    /// When it lit up, in seconds since the watching began.
    pub(crate) rises: Vec<f64>,
}

impl Blink {
    /// Fails unless the period is right within a tenth, and that part of the time is lit, as near as one sees it from
    /// outside.
    #[track_caller]
    pub(crate) fn expect(&self, period: f64, lit: f64) {
        self.expect_within(0.1, period, lit);
    }

    /// The same, where that part of the period may be missing or too much.
    #[track_caller]
    pub(crate) fn expect_within(&self, part: f64, period: f64, lit: f64) {
        let off = (self.period / period - 1.0).abs();
        assert!(off < part, "every {period} s expected: {self:?}");
        let off = (self.lit - lit).abs();
        assert!(off < 0.15, "{lit} of the time expected: {self:?}");
    }
}

/// How some lamps' lines blink, watched for that long; a line that is steady fails.
#[track_caller]
pub(crate) fn blinks(bench: &Bench, lamps: &[&str], lasts: Duration) -> Vec<Blink> {
    let changes = bench.watch(lamps, lasts);
    let one = |lamp: &&str| blink(changes.iter().filter(|change| change.lamp == **lamp));
    lamps.iter().map(one).collect()
}

#[track_caller]
fn blink<'a>(changes: impl Iterator<Item = &'a Change>) -> Blink {
    // What it was at the beginning is no change.
    let changes: Vec<&Change> = changes.skip(1).collect();
    let rises = changes.iter().filter(|change| change.lit);
    let rises: Vec<f64> = rises.map(|change| change.at).collect();
    // Medians, so that a machine that was busy for a moment spoils one spell and no more.
    let apart = rises.windows(2).map(|pair| pair[1] - pair[0]);
    let period =
        median(apart.collect()).unwrap_or_else(|| panic!("it does not blink: {changes:?}"));
    let spells = changes.windows(2).filter(|pair| pair[0].lit);
    let lit = median(spells.map(|pair| pair[1].at - pair[0].at).collect());
    Blink {
        period,
        lit: lit.unwrap_or_default() / period,
        rises,
    }
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}
