//! Times as people write and read them: days of the week, times of day, dates, moments.

use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

use crate::ground::time::Wall;
use crate::users::policy::time::{seconds, wall};
use crate::users::policy::{Days, Local, Span, Zone};

/// What a moment can be, behind "is no moment: ".
pub const MOMENT: &str =
    "is no moment: write \"18:30\", \"Fri 18:30\", \"2026-12-24\" or \"2026-12-24 18:30\"";

/// Seconds.
const DAY: u32 = 86_400;

const NAMES: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];

/// The days that a word stands for: a day's name or its first three letters, `weekdays`, `weekend`, `daily`.
pub fn days(word: &str) -> Option<Days> {
    let word = word.to_ascii_lowercase();
    match word.as_str() {
        "weekdays" => return Some(Days::WORKING),
        "weekend" => return Some(Days::WEEKEND),
        "daily" => return Some(Days::ALL),
        _ => {}
    }
    let is_it = |name: &&str| {
        let name = name.to_ascii_lowercase();
        name == word || name[..3] == word
    };
    let at = NAMES.iter().position(is_it)?;
    Some(Days::NONE.with(u8::try_from(at).ok()?))
}

/// Seconds since midnight of `18:30`; `24:00` is the end of a day.
pub fn time_of_day(text: &str) -> Option<u32> {
    let (hour, minute) = text.split_once(':')?;
    let number = |digits: &str, length: [usize; 2]| {
        let is_number = digits.bytes().all(|it| it.is_ascii_digit());
        let fits = is_number && length.contains(&digits.len());
        fits.then(|| digits.parse::<u32>().ok()).flatten()
    };
    let (hour, minute) = (number(hour, [1, 2])?, number(minute, [2, 2])?);
    let fits = minute < 60 && (hour < 24 || (hour, minute) == (24, 0));
    fits.then_some(hour * 3_600 + minute * 60)
}

/// The day since 1970 of a date as `2026-12-24`.
pub fn date(text: &str) -> Option<i32> {
    let parts: Vec<&str> = text.split('-').collect();
    let [year, month, day] = parts[..] else {
        return None;
    };
    let is_number = |it: &str| it.bytes().all(|it| it.is_ascii_digit());
    let fits = (year.len(), month.len(), day.len()) == (4, 2, 2);
    if !fits || ![year, month, day].into_iter().all(is_number) {
        return None;
    }
    let (year, month, day): (i32, i32, i32) =
        (year.parse().ok()?, month.parse().ok()?, day.parse().ok()?);
    if !(1..=12).contains(&month) || year < 1970 {
        return None;
    }
    // Years begin in March, so that the leap day is the last.
    let (years, months) = match month {
        1 | 2 => (year - 1, month + 9),
        _ => (year, month - 3),
    };
    let leaps = years / 4 - years / 100 + years / 400;
    let number = 365 * years + leaps + (153 * months + 2) / 5 + day - 1 - 719_468;
    (date_in_words(number) == text).then_some(number)
}

/// The moment that is meant: `2026-12-24 18:30`, or the next time that clocks show `Fri 18:30` or `18:30`. A date alone
/// is its first moment.
pub fn moment(text: &str, zone: &Zone, now: Wall) -> Option<Wall> {
    let (first, rest) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
    let second = match rest.trim() {
        "" => None,
        rest => Some(time_of_day(rest).filter(|it| *it < DAY)?),
    };
    if let Some(day) = date(first) {
        let second = second.unwrap_or(0);
        return Some(wall(zone.utc(Local { day, second })));
    }
    let now = seconds(now)?;
    let (on, second) = match (days(first), second) {
        (Some(on), second) => (on, second.unwrap_or(0)),
        (None, None) => (Days::ALL, time_of_day(first).filter(|it| *it < DAY)?),
        (None, Some(_)) => return None,
    };
    let today = zone.local(now).day;
    let mut all = (today..today + 9).filter(|day| on.has(Days::of(*day)));
    let next = all.find_map(|day| {
        let at = zone.utc(Local { day, second });
        (at > now).then_some(at)
    });
    next.map(wall)
}

/// The end of what somebody wants until then: a date alone lasts until it is over.
pub fn end(text: &str, zone: &Zone, now: Wall) -> Option<Wall> {
    match date(text.trim()) {
        Some(day) => Some(wall(zone.utc(Local {
            day: day + 1,
            second: 0,
        }))),
        None => moment(text, zone, now),
    }
}

/// A moment as clocks and calendars show it: `Fri 2026-11-27 18:30`.
pub fn moment_in_words(at: Wall, zone: &Zone) -> String {
    let Some(at) = seconds(at) else {
        return "a time that nobody knows".to_string();
    };
    let Local { day, second } = zone.local(at);
    let name = NAMES[usize::from(Days::of(day))];
    format!(
        "{} {} {}",
        &name[..3],
        date_in_words(day),
        time_in_words(second)
    )
}

/// When a span holds: `Monday to Friday from 18:00 until 08:00 of the next day`. Empty if it is always.
pub fn span_in_words(span: &Span) -> String {
    let mut parts = Vec::new();
    if span.days != Days::ALL {
        parts.push(format!("on {}", days_in_words(span.days)));
    }
    if let Some((from, until)) = span.hours {
        let next = if from < until { "" } else { " of the next day" };
        let (from, until) = (time_in_words(from), time_in_words(until));
        parts.push(format!("from {from} until {until}{next}"));
    }
    match span.dates {
        None => {}
        Some((first, last)) if first == last => parts.push(date_in_words(first)),
        Some((first, last)) => {
            let (first, last) = (date_in_words(first), date_in_words(last));
            parts.push(format!("between {first} and {last}"));
        }
    }
    parts.join(", ")
}

/// A day since 1970 as `2026-12-24`.
pub fn date_in_words(day: i32) -> String {
    let day = u64::try_from(day).unwrap_or(0);
    // The calendar of the documents; nothing is told of the time before 2020 there, so it is asked for a day much later.
    const CYCLE: (u64, u32) = (146_097, 400);
    let later = Wall::from_unix_millis((day + CYCLE.0) * u64::from(DAY) * 1_000);
    later.utc().map_or_else(String::new, |utc| {
        format!("{:04}-{:02}-{:02}", utc.year - CYCLE.1, utc.month, utc.day)
    })
}

fn time_in_words(second: u32) -> String {
    format!("{:02}:{:02}", second / 3_600, second / 60 % 60)
}

fn days_in_words(days: Days) -> String {
    let all = (0..7).filter(|day| days.has(*day));
    let names: Vec<&str> = all.map(|day| NAMES[usize::from(day)]).collect();
    match days {
        Days::WORKING => "Monday to Friday".to_string(),
        _ => names.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_times_read_as_they_are_printed() {
        for text in ["1970-01-01", "2024-02-29", "2026-12-24", "2100-03-01"] {
            assert_eq!(date_in_words(date(text).expect(text)), text);
        }
        for text in [
            "2026-02-29",
            "2026-13-01",
            "2026-1-1",
            "26-01-01",
            "",
            "2026-01-00",
            "+026-01-01",
        ] {
            assert_eq!(date(text), None, "{text}");
        }
        assert_eq!(date("1970-01-02"), Some(1));
        assert_eq!(time_of_day("8:05"), Some(29_100));
        assert_eq!(time_of_day("24:00"), Some(DAY));
        for text in ["24:01", "18", "18:5", "18:60", ":00", "-1:00", "018:00"] {
            assert_eq!(time_of_day(text), None, "{text}");
        }
        assert_eq!(days("Fri"), Some(Days::NONE.with(4)));
        assert_eq!(days("sunday"), Some(Days::NONE.with(6)));
        assert_eq!((days("WEEKEND"), days("fr")), (Some(Days::WEEKEND), None));
    }

    #[test]
    fn a_moment_is_the_next_of_its_kind() {
        let zone = Zone::new(3_600, []);
        // Wednesday, 2026-11-25 12:00 local time.
        let now = wall(1_795_604_400);
        assert_eq!(moment_in_words(now, &zone), "Wed 2026-11-25 12:00");
        for (text, expected) in [
            ("18:30", "Wed 2026-11-25 18:30"),
            ("08:00", "Thu 2026-11-26 08:00"),
            ("Fri 18:30", "Fri 2026-11-27 18:30"),
            ("wed 12:00", "Wed 2026-12-02 12:00"),
            ("weekend", "Sat 2026-11-28 00:00"),
            ("2026-12-24", "Thu 2026-12-24 00:00"),
            ("2026-12-24 18:30", "Thu 2026-12-24 18:30"),
        ] {
            let at = moment(text, &zone, now).expect(text);
            assert_eq!(moment_in_words(at, &zone), expected, "{text}");
        }
        for text in [
            "",
            "soon",
            "Fri 25:00",
            "2026-12-24 x",
            "18:30 Fri",
            "24:00",
        ] {
            assert_eq!(moment(text, &zone, now), None, "{text}");
        }
        let end = end("2026-12-24", &zone, now).expect("a date");
        assert_eq!(moment_in_words(end, &zone), "Fri 2026-12-25 00:00");
    }
}
