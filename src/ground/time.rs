//! Time as an argument: a monotonic [`Instant`] for timers, a [`Wall`] time for documents only.
//!
//! A Pi without a clock chip starts in 1970 and jumps when the network tells it the date. Protocol timers must
//! not notice, so they never see a [`Wall`].

use super::text::Text;
use core::ops::{Add, AddAssign, Sub};
pub use core::time::Duration;

/// A moment on the monotonic clock, in microseconds since an origin the shell chose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(u64);

impl Instant {
    /// The clock's origin.
    pub const ZERO: Instant = Instant(0);

    /// Later than every other moment.
    pub const MAX: Instant = Instant(u64::MAX);

    /// The earlier of two moments, or the one that there is.
    pub fn earlier(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
        earlier(one, other)
    }

    /// The moment `micros` microseconds after the origin.
    pub const fn from_micros(micros: u64) -> Instant {
        Instant(micros)
    }

    /// The moment `millis` milliseconds after the origin.
    pub const fn from_millis(millis: u64) -> Instant {
        Instant(millis.saturating_mul(1_000))
    }

    /// Microseconds since the origin.
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// The time from `earlier` to this moment; zero if `earlier` is later.
    pub const fn since(self, earlier: Instant) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }

    /// Whole seconds from `now` until this moment, rounded up; zero if it has passed.
    pub const fn seconds_from(self, now: Instant) -> Seconds {
        let left = self.0.saturating_sub(now.0).div_ceil(1_000_000);
        Seconds(if left > u32::MAX as u64 {
            u32::MAX
        } else {
            left as u32
        })
    }
}

impl Add<Duration> for Instant {
    type Output = Instant;

    /// Saturates: the far future stays the far future.
    fn add(self, lasts: Duration) -> Instant {
        let micros = u64::try_from(lasts.as_micros()).unwrap_or(u64::MAX);
        Instant(self.0.saturating_add(micros))
    }
}

impl AddAssign<Duration> for Instant {
    fn add_assign(&mut self, lasts: Duration) {
        *self = *self + lasts;
    }
}

impl Add<Seconds> for Instant {
    type Output = Instant;

    fn add(self, lasts: Seconds) -> Instant {
        self + lasts.duration()
    }
}

impl Sub<Instant> for Instant {
    type Output = Duration;

    /// As [`Instant::since`]: never negative.
    fn sub(self, earlier: Instant) -> Duration {
        self.since(earlier)
    }
}

/// A whole number of seconds, the unit of `Expires`, `Min-Expires` and `Retry-After` (RFC 3261 §20.19).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seconds(pub u32);

impl Seconds {
    /// No time at all: an unsubscription, a fetch.
    pub const ZERO: Seconds = Seconds(0);

    /// The same as a [`Duration`].
    pub const fn duration(self) -> Duration {
        Duration::from_secs(self.0 as u64)
    }
}

/// Wall-clock time, in milliseconds since 1970-01-01T00:00:00Z; for documents and rules by time of day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wall(u64);

impl Wall {
    /// A clock that was never set. Documents then carry no timestamp (RFC 3863 §4.1.7).
    pub const UNSET: Wall = Wall(0);

    /// The earlier of two times, or the one that there is.
    pub fn earlier(one: Option<Wall>, other: Option<Wall>) -> Option<Wall> {
        earlier(one, other)
    }

    /// The time `millis` milliseconds after 1970 began. Before 2020 a clock counts as [`Wall::UNSET`].
    pub const fn from_unix_millis(millis: u64) -> Wall {
        const YEAR_2020: u64 = 1_577_836_800_000;
        Wall(if millis < YEAR_2020 { 0 } else { millis })
    }

    /// Milliseconds since 1970, or `None` while the clock is unset.
    pub const fn unix_millis(self) -> Option<u64> {
        if self.0 == 0 { None } else { Some(self.0) }
    }

    /// The calendar date and time of day in UTC, or `None` while the clock is unset.
    pub const fn utc(self) -> Option<Utc> {
        let Some(millis) = self.unix_millis() else {
            return None;
        };
        Some(Utc::from_unix_seconds(millis / 1_000))
    }

    /// As [`Wall::utc`], to the millisecond.
    pub const fn utc_to_millis(self) -> Option<Utc> {
        match self.utc() {
            Some(utc) => Some(Utc {
                millis: (self.0 % 1_000) as u16,
                ..utc
            }),
            None => None,
        }
    }

    /// The beginning of its second.
    #[must_use]
    pub const fn second(self) -> Wall {
        Wall(self.0 - self.0 % 1_000)
    }
}

impl Add<Duration> for Wall {
    type Output = Wall;

    /// An unset clock stays unset.
    fn add(self, lasts: Duration) -> Wall {
        match self.0 {
            0 => self,
            millis => {
                let lasts = u64::try_from(lasts.as_millis()).unwrap_or(u64::MAX);
                Wall(millis.saturating_add(lasts))
            }
        }
    }
}

/// A date and time of day in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Utc {
    /// Four digits until the year 10000.
    pub year: u32,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59.
    pub second: u8,
    /// 0 to 999; 0 is not written.
    pub millis: u16,
}

impl Utc {
    /// Days are counted from 1 March, so that the leap day is a year's last.
    const fn from_unix_seconds(seconds: u64) -> Utc {
        let days = seconds / 86_400 + 719_468;
        let era = days / 146_097;
        let day_of_era = days % 146_097;
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * day_of_year + 2) / 153;
        let month = if shifted < 10 {
            shifted + 3
        } else {
            shifted - 9
        };
        let rest = seconds % 86_400;
        Utc {
            year: (year_of_era + era * 400 + (month <= 2) as u64) as u32,
            month: month as u8,
            day: (day_of_year - (153 * shifted + 2) / 5 + 1) as u8,
            hour: (rest / 3_600) as u8,
            minute: (rest / 60 % 60) as u8,
            second: (rest % 60) as u8,
            millis: 0,
        }
    }
}

impl Utc {
    /// RFC 3339 with capital `T` and `Z`, as RFC 3863 §4.1.7 wants it; thousandths only where there are any.
    pub fn text(&self) -> Text<24> {
        let mut text = Text::new();
        append(&mut text, "", self.year, 4);
        for (mark, number) in [
            ("-", self.month),
            ("-", self.day),
            ("T", self.hour),
            (":", self.minute),
            (":", self.second),
        ] {
            append(&mut text, mark, number.into(), 2);
        }
        if self.millis != 0 {
            append(&mut text, ".", self.millis.into(), 3);
        }
        push(&mut text, "Z");
        text
    }
}

/// Appends a mark and the last `width` digits of a number.
fn append(text: &mut Text<24>, mark: &str, number: u32, width: u32) {
    push(text, mark);
    for place in (0..width).rev() {
        let digit = (number / 10_u32.pow(place) % 10) as usize;
        push(text, &"0123456789"[digit..=digit]);
    }
}

fn push(text: &mut Text<24>, piece: &str) {
    // It fits: all pieces together are 24 bytes.
    let _ = text.push_str(piece);
}

impl core::fmt::Display for Utc {
    /// As [`Utc::text`].
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&self.text())
    }
}

/// A moment by both clocks: what happens then is timed by one and dated by the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The monotonic clock, for timers.
    pub now: Instant,
    /// The calendar, for documents and rules about the time of day; it may be unset, and jump.
    pub wall: Wall,
}

fn earlier<T: Ord>(one: Option<T>, other: Option<T>) -> Option<T> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::ToString;

    #[test]
    fn utc_is_the_calendar() {
        for (seconds, expected) in [
            (1_582_934_400, "2020-02-29T00:00:00Z"),
            (1_583_020_799, "2020-02-29T23:59:59Z"),
            (1_583_020_800, "2020-03-01T00:00:00Z"),
            (1_767_225_599, "2025-12-31T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            let utc = Wall::from_unix_millis(seconds * 1_000)
                .utc()
                .expect("the clock is set");
            assert_eq!(utc.to_string(), expected);
        }
    }

    #[test]
    fn milliseconds_are_told_where_they_are_asked_for() {
        let wall = Wall::from_unix_millis(1_582_934_400_007);
        let text = |utc: Option<Utc>| utc.expect("the clock is set").to_string();
        assert_eq!(text(wall.utc()), "2020-02-29T00:00:00Z");
        assert_eq!(text(wall.utc_to_millis()), "2020-02-29T00:00:00.007Z");
        assert_eq!(text(wall.second().utc_to_millis()), "2020-02-29T00:00:00Z");
        assert_eq!(Wall::UNSET.utc_to_millis(), None);
        assert_eq!(Wall::UNSET + Duration::from_secs(1), Wall::UNSET);
        assert_eq!(wall.second() + Duration::from_millis(7), wall);
    }

    #[test]
    fn a_clock_in_1970_is_unset() {
        assert_eq!(Wall::from_unix_millis(12_345), Wall::UNSET);
        assert_eq!(Wall::UNSET.utc(), None);
    }

    #[test]
    fn instants_saturate_and_never_run_backwards() {
        let late = Instant::from_micros(u64::MAX - 1) + Duration::from_secs(5);
        assert_eq!(late.as_micros(), u64::MAX);
        assert_eq!(Instant::ZERO - late, Duration::ZERO);
        assert_eq!(
            Instant::from_millis(1_001).seconds_from(Instant::ZERO),
            Seconds(2)
        );
    }
}
