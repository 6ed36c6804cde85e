//! The three policies of README.md, asked as `lampfield policy` asks them.

use super::*;
use crate::shell::settings::{Configuration, Overrides};
use serde_json::Value;
use std::path::Path;

const README: &str = include_str!("../../../../README.md");
const FAMILY: &str = include_str!("../../../../tests/policies/family.toml");
const OFFICE: &str = include_str!("../../../../tests/policies/office.toml");
const DOOR: &str = include_str!("../../../../tests/policies/door.toml");

/// Wednesday, 25 November 2026, 12:00 UTC.
const NOW: u64 = 1_795_608_000;

fn read(text: &str) -> Configuration {
    let read = Configuration::parse("it", text, Path::new(""), Overrides::default());
    read.unwrap_or_else(|faults| panic!("{faults}"))
}

fn ask(configuration: &Configuration, now: Wall, asked: &Asked) -> Value {
    let told = explain_settings(&configuration.settings, Zone::UTC, now, asked);
    serde_json::to_value(told.expect("a good question")).expect("JSON")
}

/// Asks each question and expects that verdict of that rule; 0 is none.
fn check(text: &str, rows: &[(&str, &str, &str, &str, u64)]) {
    let configuration = read(text);
    for (watcher, rest, at, verdict, rule) in rows {
        let (presentity, event) = rest.split_once(' ').unwrap_or((rest, "presence"));
        let asked = Asked {
            watcher: watcher.to_string(),
            event: Some(event.to_string()),
            presentity: Some(presentity.to_string()),
            at: Some(at.to_string()),
        };
        let told = ask(&configuration, Wall::from_unix_millis(NOW * 1_000), &asked);
        let found = (told["verdict"].as_str(), told["rule"].as_u64().unwrap_or(0));
        assert_eq!(
            found,
            (Some(*verdict), *rule),
            "{watcher} at {at}: {told:#}"
        );
    }
}

#[test]
fn the_family_is_closed_to_all_but_the_parents_at_bedtime() {
    let kids = "sip:kids@192.168.1.20";
    let home = "sip:home@192.168.1.20";
    check(
        FAMILY,
        &[
            ("user:ann", kids, "23:00", "allow", 1),
            ("192.168.1.7", kids, "19:59", "allow", 0),
            ("192.168.1.7", kids, "20:00", "polite-block", 2),
            ("192.168.1.7", kids, "06:59", "polite-block", 2),
            ("192.168.1.7", kids, "07:00", "allow", 0),
            ("192.168.1.7", home, "23:00", "allow", 0),
            ("198.51.100.7", home, "12:00", "block", 0),
            ("sip:emma@grandma.example", home, "12:00", "confirm", 3),
        ],
    );
}

#[test]
fn the_office_rejects_all_watchers_after_working_hours() /* N29 */
{
    let desk = "sip:desk@192.168.7.20";
    check(
        OFFICE,
        &[
            ("192.168.7.9", desk, "Fri 17:59", "allow", 0),
            ("192.168.7.9", desk, "Fri 18:30", "block", 3),
            ("192.168.7.9", desk, "Thu 07:59", "block", 3),
            ("192.168.7.9", desk, "Sat 12:00", "block", 4),
            ("192.168.7.9", desk, "2026-12-28 12:00", "block", 2),
            ("switchboard", desk, "2026-12-28 12:00", "allow", 1),
            ("10.1.2.3", desk, "Fri 12:00", "allow", 0),
        ],
    );
}

#[test]
fn the_office_tells_tom_at_most_every_ten_minutes() /* N29 */
{
    let office = read(OFFICE);
    let now = Wall::from_unix_millis(NOW * 1_000);
    let told = |watcher: &str| {
        let watcher = watcher.to_string();
        ask(
            &office,
            now,
            &Asked {
                watcher,
                ..Asked::default()
            },
        )
    };
    let tom = told("sip:tom@pbx.example");
    assert_eq!(
        (tom["verdict"].as_str(), tom["at_most_every_s"].as_u64()),
        (Some("allow"), Some(600))
    );
    assert_eq!(tom["tell_rule"].as_u64(), Some(5));
    assert_eq!(
        tom["if_unproven"].as_str(),
        Some("block"),
        "anybody can say that he is Tom"
    );
    let ann = told("sip:ann@pbx.example");
    assert_eq!(ann["at_most_every_s"], Value::Null);
    assert_eq!(ann["sees"].as_str(), Some("without notes, without devices"));
    let colleague = told("192.168.7.9");
    assert_eq!(
        (colleague["tell_rule"].as_u64(), &colleague["sees"]),
        (Some(6), &Value::Null)
    );
    assert_eq!(colleague["until"].as_str(), Some("Wed 2026-11-25 18:00"));
}

#[test]
fn the_door_shows_strangers_open_or_closed_and_nothing_else() {
    let shop = "sip:shop@203.0.113.20";
    let calls = "sip:shop@203.0.113.20 dialog";
    check(
        DOOR,
        &[
            ("203.0.113.99", shop, "12:00", "allow", 3),
            ("203.0.113.99", calls, "12:00", "block", 4),
            (
                "sip:pest@nuisance.example",
                shop,
                "12:00",
                "polite-block",
                1,
            ),
            ("198.51.100.66", calls, "12:00", "polite-block", 1),
            ("ann", calls, "12:00", "allow", 2),
        ],
    );
    let door = read(DOOR);
    let asked = Asked {
        watcher: "203.0.113.99".to_string(),
        ..Asked::default()
    };
    let told = ask(&door, Wall::from_unix_millis(NOW * 1_000), &asked);
    let sees = "open or closed and nothing more, with the note \"Open Monday to Friday, 9 to 18\"";
    assert_eq!(told["sees"].as_str(), Some(sees));
    assert_eq!(told["at_most_every_s"].as_u64(), Some(60));
}

#[test]
fn without_a_clock_the_office_is_closed() {
    let office = read(OFFICE);
    for (watcher, verdict) in [("192.168.7.9", "block"), ("switchboard", "allow")] {
        let asked = Asked {
            watcher: watcher.to_string(),
            ..Asked::default()
        };
        let told = ask(&office, Wall::UNSET, &asked);
        assert_eq!(told["verdict"].as_str(), Some(verdict), "{told:#}");
        assert_eq!(told["at"], Value::Null);
    }
}

#[test]
fn the_readme_shows_these_files() {
    for text in [FAMILY, OFFICE, DOOR] {
        assert!(README.contains(text.trim_end()), "{text}");
    }
}

#[test]
fn the_files_mean_what_they_say() {
    for text in [FAMILY, OFFICE, DOOR] {
        let words = read(text).to_string();
        let rules = text.matches("[[rule]]").count();
        assert_eq!(
            words.lines().filter(|it| it.starts_with("rule ")).count(),
            rules,
            "{words}"
        );
        assert!(!words.contains("  rule"), "{words}");
    }
    let words = read(OFFICE).to_string();
    for line in [
        "rule 3       everyone who watches anybody here, from 18:00 until 08:00 of the next day: is refused with 403",
        "rule 5       sip:tom@pbx.example who watches anybody here: is told less, at most once in 600 s",
        "rule 10      lamps that watch sip:boss@pbx.example: do not ask",
    ] {
        assert!(words.contains(line), "{words}");
    }
}
