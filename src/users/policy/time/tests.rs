//! Spans of time on a clock that changes.

extern crate std;
use super::*;
use std::vec::Vec as StdVec;

/// Central Europe in 2026 and 2027: an hour east, two from the last Sunday of March until that of October.
fn berlin() -> Zone {
    let change = |at, offset| Change { at, offset };
    Zone::new(
        3_600,
        [
            change(1_774_746_000, 7_200),
            change(1_792_890_000, 3_600),
            change(1_806_195_600, 7_200),
            change(1_824_944_400, 3_600),
        ],
    )
}

/// The day since 1970 of a date.
fn day(year: i32, month: i32, day: i32) -> i32 {
    let (y, m) = if month <= 2 {
        (year - 1, month + 9)
    } else {
        (year, month - 3)
    };
    365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719_468
}

fn at(zone: &Zone, date: (i32, i32, i32), hour: u32, minute: u32) -> i64 {
    let (year, month, of_month) = date;
    zone.utc(Local {
        day: day(year, month, of_month),
        second: hour * 3_600 + minute * 60,
    })
}

const fn hours(from: u32, until: u32) -> Option<(u32, u32)> {
    Some((from * 3_600, until * 3_600))
}

/// What clocks show at each change from `now` on.
fn changes(span: &Span, zone: &Zone, mut now: i64, count: usize) -> StdVec<(i32, u32, bool)> {
    let mut found = StdVec::new();
    while found.len() < count
        && let Some(next) = span.next_change(zone, now)
    {
        assert_ne!(
            span.holds(zone.local(next - 1)),
            span.holds(zone.local(next))
        );
        let local = zone.local(next);
        found.push((local.day, local.second / 60, span.holds(local)));
        now = next;
    }
    found
}

#[test]
fn a_night_begins_on_its_day_and_ends_on_the_next() {
    let zone = berlin();
    let fridays = Span {
        days: Days::NONE.with(4),
        hours: hours(22, 6),
        ..Span::ALWAYS
    };
    // 27 November 2026 is a Friday.
    let friday = day(2026, 11, 27);
    assert_eq!(Days::of(friday), 4);
    let now = at(&zone, (2026, 11, 25), 12, 0);
    assert_eq!(
        changes(&fridays, &zone, now, 3),
        [
            (friday, 22 * 60, true),
            (friday + 1, 6 * 60, false),
            (friday + 7, 22 * 60, true)
        ]
    );
    for (of_month, hour, holds) in [
        (27, 5, false),
        (27, 22, true),
        (28, 5, true),
        (28, 22, false),
    ] {
        let now = at(&zone, (2026, 11, of_month), hour, 0);
        assert_eq!(
            fridays.holds(zone.local(now)),
            holds,
            "{of_month}. {hour}:00"
        );
    }
}

#[test]
fn every_second_agrees_with_the_next_change() {
    let zone = berlin();
    let spans = [
        Span {
            hours: hours(18, 8),
            ..Span::ALWAYS
        },
        Span {
            hours: hours(2, 3),
            ..Span::ALWAYS
        },
        Span {
            days: Days::WORKING,
            hours: Some((9_000, 9_060)),
            ..Span::ALWAYS
        },
        Span {
            days: Days::WEEKEND,
            ..Span::ALWAYS
        },
        Span {
            dates: Some((day(2026, 3, 29), day(2026, 3, 29))),
            ..Span::ALWAYS
        },
        Span {
            dates: Some((day(2026, 10, 24), day(2026, 10, 25))),
            hours: hours(23, 4),
            ..Span::ALWAYS
        },
        Span {
            hours: hours(6, 6),
            days: Days::NONE.with(6),
            ..Span::ALWAYS
        },
    ];
    for span in spans {
        for start in [
            at(&zone, (2026, 3, 27), 0, 0),
            at(&zone, (2026, 10, 23), 0, 0),
        ] {
            let mut next = span.next_change(&zone, start);
            // A minute is the finest that a span of these is told in.
            for now in (start..start + 9 * DAY).step_by(60) {
                let changed = span.holds(zone.local(now)) != span.holds(zone.local(now - 60));
                if now > start {
                    assert_eq!(changed, next == Some(now), "{span:?} at {now}");
                }
                if changed && now > start {
                    next = span.next_change(&zone, now);
                }
            }
        }
    }
}

#[test]
fn clocks_put_forward_begin_what_they_jump_over_and_put_back_show_it_twice() {
    let zone = berlin();
    let span = Span {
        hours: Some((9_000, 10_800)),
        ..Span::ALWAYS
    };
    // 02:00 is followed by 03:00: nothing of it is left.
    let spring = at(&zone, (2026, 3, 29), 0, 0);
    let next = changes(&span, &zone, spring, 1);
    assert_eq!(next, [(day(2026, 3, 30), 150, true)]);
    // 03:00 is followed by 02:00.
    let autumn = at(&zone, (2026, 10, 25), 0, 0);
    let sunday = day(2026, 10, 25);
    assert_eq!(
        changes(&span, &zone, autumn, 4),
        [
            (sunday, 150, true),
            (sunday, 120, false),
            (sunday, 150, true),
            (sunday, 180, false)
        ]
    );
}

#[test]
fn dates_count_from_the_first_to_the_last_however_far_away() {
    let zone = berlin();
    let (first, last) = (day(2026, 12, 24), day(2027, 1, 6));
    let span = Span {
        dates: Some((first, last)),
        ..Span::ALWAYS
    };
    let now = at(&zone, (2026, 3, 1), 0, 0);
    assert_eq!(
        changes(&span, &zone, now, 5),
        [(first, 0, true), (last + 1, 0, false)]
    );
    let nights = Span {
        hours: hours(22, 6),
        ..span
    };
    let told = changes(&nights, &zone, now, 99);
    assert_eq!(told.len(), 28);
    assert_eq!(told[0], (first, 22 * 60, true));
    assert_eq!(told[27], (last + 1, 6 * 60, false));
    assert_eq!(
        nights.next_change(&zone, at(&zone, (2030, 1, 1), 0, 0)),
        None
    );
}

#[test]
fn local_time_is_told_and_found_again() {
    let zone = berlin();
    for hour in 0..2_000 {
        let now = 1_774_000_000 + hour * 3_600;
        let local = zone.local(now);
        let back = zone.utc(local);
        assert_eq!(zone.local(back), local);
        assert!(back <= now, "the first of two");
    }
    // Nobody ever sees half past two.
    let gap = at(&zone, (2026, 3, 29), 2, 30);
    assert!([5_400, 12_600].contains(&zone.local(gap).second));
    assert_eq!(
        Zone::UTC.local(-1),
        Local {
            day: -1,
            second: 86_399
        }
    );
}

#[test]
fn a_span_covers_another_only_if_it_holds_whenever_that_does() {
    let working = Span {
        days: Days::WORKING,
        hours: hours(8, 18),
        ..Span::ALWAYS
    };
    let noon = Span {
        days: Days::NONE.with(2),
        hours: hours(12, 13),
        ..Span::ALWAYS
    };
    let night = Span {
        hours: hours(22, 6),
        ..Span::ALWAYS
    };
    let late = Span {
        hours: hours(23, 24),
        ..Span::ALWAYS
    };
    assert!(Span::ALWAYS.covers(&working) && Span::ALWAYS.covers(&night));
    assert!(working.covers(&noon) && !noon.covers(&working));
    assert!(night.covers(&night) && !working.covers(&night) && !night.covers(&working));
    assert!(!night.covers(&late), "not told without trying");
    assert!(!working.covers(&Span::ALWAYS));
}
