//! The device's time zone: what `TZ` names, or else `/etc/localtime` (tzset(3), RFC 9636).

use std::env;

use tz::{LocalTimeType, TimeZone};

use crate::ground::limits::CLOCK_CHANGES;
use crate::ground::time::Wall;
use crate::users::policy::time::seconds;
use crate::users::policy::{Change, Zone};

/// Seconds.
const DAY: i64 = 86_400;

/// Before this no clock is set.
const YEAR_2020: i64 = 1_577_836_800;

/// Days looked ahead: as many years as there is room for, with two changes each.
const AHEAD: i64 = CLOCK_CHANGES as i64 / 2 * 365;

/// What clocks show here from about `now` on. UTC, if the system does not know.
pub fn read(now: Wall) -> Zone {
    let named = env::var("TZ").ok().filter(|it| !it.is_empty());
    let zone = TimeZone::from_posix_tz(named.as_deref().unwrap_or("localtime"));
    zone.map_or(Zone::UTC, |zone| changes(&zone, seconds(now)))
}

fn changes(zone: &TimeZone, now: Option<i64>) -> Zone {
    let offset = |at: i64| {
        zone.find_local_time_type(at)
            .map_or(0, LocalTimeType::ut_offset)
    };
    let begin = now.unwrap_or(YEAR_2020) - 2 * DAY;
    let mut found = std::vec::Vec::new();
    for day in 0..AHEAD {
        let (from, until) = (begin + day * DAY, begin + (day + 1) * DAY);
        if found.len() < CLOCK_CHANGES && offset(from) != offset(until) {
            let at = first(from, until, |at| offset(at) != offset(from));
            found.push(Change {
                at,
                offset: offset(at),
            });
        }
    }
    Zone::new(offset(begin), found)
}

/// The first second behind `from` at which that is so; it is so at `until`.
fn first(mut from: i64, mut until: i64, is_so: impl Fn(i64) -> bool) -> i64 {
    while until - from > 1 {
        let middle = from + (until - from) / 2;
        match is_so(middle) {
            true => until = middle,
            false => from = middle,
        }
    }
    until
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::users::policy::Local;

    #[test]
    fn a_rule_of_summer_time_is_followed_for_years() {
        let zone = TimeZone::from_posix_tz("CET-1CEST,M3.5.0,M10.5.0/3").expect("a zone");
        let zone = changes(&zone, Some(1_774_000_000));
        for (at, hour) in [
            (1_774_745_999, 1),
            (1_774_746_000, 3),
            (1_792_889_999, 2),
            (1_792_890_000, 2),
            (1_824_944_400, 2),
            (1_774_746_000 + 15 * 31_557_600, 20),
        ] {
            let Local { second, .. } = zone.local(at);
            assert_eq!(second / 3_600, hour, "{at}");
        }
    }

    #[test]
    fn a_device_without_a_date_knows_its_zone_too() {
        let zone = TimeZone::from_posix_tz("EST5EDT,M3.2.0,M11.1.0").expect("a zone");
        let zone = changes(&zone, None);
        assert_eq!(zone.local(YEAR_2020).second, 19 * 3_600);
        let fixed = TimeZone::from_posix_tz("<+0530>-5:30").expect("a zone");
        assert_eq!(changes(&fixed, None), Zone::new(19_800, []));
    }
}
