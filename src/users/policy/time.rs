//! When a rule holds: days of the week, times of day, dates, all of them local.
//!
//! A span that goes past midnight belongs to the day on which it begins: from 22:00 until 06:00 on Fridays ends on
//! Saturday morning. Where clocks are put forward or back, the time that they show counts: what begins at 02:30 begins
//! when they jump over it, and what they show twice is twice.

use crate::ground::limits::CLOCK_CHANGES;
use crate::ground::time::Wall;
use heapless::Vec;

/// Seconds.
const DAY: i64 = 86_400;

/// The local time of a device, for some years.
///
/// Full: later changes are left out, and the last one stays until the shell fills it anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    /// Seconds east of UTC before the first change.
    offset: i32,
    changes: Vec<Change, CLOCK_CHANGES>,
}

/// From when on clocks are so far from UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// Seconds since 1970 in UTC.
    pub at: i64,
    /// Seconds east of UTC.
    pub offset: i32,
}

/// What clocks show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Local {
    /// Days since 1 January 1970.
    pub day: i32,
    /// Seconds since midnight.
    pub second: u32,
}

impl Zone {
    /// UTC.
    pub const UTC: Zone = Zone {
        offset: 0,
        changes: Vec::new(),
    };

    /// Clocks that are `offset` seconds east of UTC, until they change as told: the earliest change first.
    pub fn new(offset: i32, changes: impl IntoIterator<Item = Change>) -> Zone {
        Zone {
            offset,
            changes: changes.into_iter().take(CLOCK_CHANGES).collect(),
        }
    }

    /// What clocks show at that second since 1970.
    pub fn local(&self, at: i64) -> Local {
        let local = at + i64::from(self.offset_at(at));
        Local {
            day: local.div_euclid(DAY) as i32,
            second: local.rem_euclid(DAY) as u32,
        }
    }

    /// When clocks show that: the first time, where they do so twice; where they jump over it, about then.
    pub fn utc(&self, local: Local) -> i64 {
        let [first, second] = self.moments(local);
        match self.local(first) == local {
            true => first.min(if self.local(second) == local {
                second
            } else {
                first
            }),
            false => second,
        }
    }

    /// The moments at which clocks may show that. No zone is further than a day from UTC.
    fn moments(&self, local: Local) -> [i64; 2] {
        let naive = i64::from(local.day) * DAY + i64::from(local.second);
        [naive - DAY, naive + DAY].map(|around| naive - i64::from(self.offset_at(around)))
    }

    fn offset_at(&self, at: i64) -> i32 {
        let before = self.changes.iter().rev().find(|change| change.at <= at);
        before.map_or(self.offset, |change| change.offset)
    }
}

impl Default for Zone {
    fn default() -> Zone {
        Zone::UTC
    }
}

/// Days of the week, Monday first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Days(u8);

impl Days {
    /// Every day.
    pub const ALL: Days = Days(0x7f);
    /// Monday to Friday.
    pub const WORKING: Days = Days(0x1f);
    /// Saturday and Sunday.
    pub const WEEKEND: Days = Days(0x60);

    /// None.
    pub const NONE: Days = Days(0);

    /// These and one more, 0 for Monday.
    #[must_use]
    pub const fn with(self, day: u8) -> Days {
        Days(self.0 | 1 << (day % 7))
    }

    /// These and those.
    #[must_use]
    pub const fn and(self, others: Days) -> Days {
        Days(self.0 | others.0)
    }

    /// Whether a day of the week is among them, 0 for Monday.
    pub const fn has(self, day: u8) -> bool {
        self.0 >> (day % 7) & 1 == 1
    }

    /// Whether all of those are among them.
    pub const fn covers(self, others: Days) -> bool {
        self.0 & others.0 == others.0
    }

    /// The day of the week of a day since 1970, which began on a Thursday.
    pub const fn of(day: i32) -> u8 {
        (day as i64 + 3).rem_euclid(7) as u8
    }
}

/// When a rule holds. All that is told has to be so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// On these days of the week.
    pub days: Days,
    /// From one second of the day until another; the second is in the next day if it is not later.
    pub hours: Option<(u32, u32)>,
    /// From one day since 1970 to another, both included.
    pub dates: Option<(i32, i32)>,
}

impl Span {
    /// Always.
    pub const ALWAYS: Span = Span {
        days: Days::ALL,
        hours: None,
        dates: None,
    };

    /// Whether it holds at some time and not at another.
    pub fn is_limited(&self) -> bool {
        *self != Span::ALWAYS
    }

    /// Whether it holds while clocks show that.
    pub fn holds(&self, Local { day, second }: Local) -> bool {
        match self.hours {
            None => self.has(day),
            Some((from, until)) if from < until => self.has(day) && (from..until).contains(&second),
            Some((from, until)) => {
                (second >= from && self.has(day)) || (second < until && self.has(day - 1))
            }
        }
    }

    /// The first second after `now` from which on it holds and did not, or the other way round; `None` if that never
    /// comes.
    pub fn next_change(&self, zone: &Zone, now: i64) -> Option<i64> {
        if !self.is_limited() {
            return None;
        }
        let is_on = self.holds(zone.local(now));
        let mut next: Option<i64> = None;
        let mut look = |at: i64| {
            let is_first = at > now && next.is_none_or(|it| at < it);
            if is_first && self.holds(zone.local(at)) != is_on {
                next = Some(at);
            }
        };
        for change in &zone.changes {
            look(change.at);
        }
        let (from, until) = self.hours.unwrap_or_default();
        // Within a week every day has come; a date may be further away, and the last one ends all.
        let today = zone.local(now).day;
        let (first, last) = self.dates.unwrap_or((today, today));
        for begin in [today, first, last] {
            for day in begin.saturating_sub(1)..=begin.saturating_add(8) {
                for second in [0, from, until] {
                    for at in zone.moments(Local { day, second }) {
                        look(at);
                    }
                }
            }
        }
        next
    }

    /// Whether it holds whenever `other` does, as far as can be told without trying: the same hours or none, on at least
    /// those days and dates.
    pub fn covers(&self, other: &Span) -> bool {
        // What goes past midnight is on the next day as well.
        let goes_on = |(from, until)| from >= until;
        if *self == Span::ALWAYS || self == other || other.hours.is_some_and(goes_on) {
            return *self == Span::ALWAYS || self == other;
        }
        let hours = match (self.hours, other.hours) {
            (None, _) => true,
            (Some((from, until)), Some((first, last))) => {
                from < until && from <= first && last <= until
            }
            (Some(_), None) => false,
        };
        let dates = match (self.dates, other.dates) {
            (None, _) => true,
            (Some(own), Some(its)) => own.0 <= its.0 && its.1 <= own.1,
            (Some(_), None) => false,
        };
        hours && dates && self.days.covers(other.days)
    }

    fn has(&self, day: i32) -> bool {
        let is_dated = self
            .dates
            .is_none_or(|(first, last)| (first..=last).contains(&day));
        is_dated && self.days.has(Days::of(day))
    }
}

/// Whole seconds since 1970; `None` while the clock is unset.
pub fn seconds(wall: Wall) -> Option<i64> {
    wall.unix_millis().map(|millis| (millis / 1_000) as i64)
}

/// The wall time of that second.
pub fn wall(seconds: i64) -> Wall {
    Wall::from_unix_millis(u64::try_from(seconds).unwrap_or(0).saturating_mul(1_000))
}

#[cfg(test)]
mod tests;
