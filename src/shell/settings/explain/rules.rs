//! The owner's rules in words.

use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

use crate::engine::config::{Direction, Packages, Rule, Settings, Then, Who};
use crate::events::package::Package;
use crate::events::ruling::View;
use crate::ground::time::Seconds;
use crate::shell::words;

/// A rule in one sentence: whom it is about, when, and what then.
pub fn rule_in_words(settings: &Settings, rule: &Rule) -> String {
    let names = settings.rules.names_of(rule).iter().map(name_in_words);
    let names = joined(&names.collect::<Vec<_>>());
    let whom = rule.whom.iter().filter_map(|at| {
        let presentity = settings.presentities.get(usize::from(*at))?;
        Some(presentity.uri.to_string())
    });
    let whom: Vec<String> = whom.collect();
    let (does, whom) = match rule.direction {
        Direction::In | Direction::Tell => (" who watches ", or_anybody(&whom)),
        Direction::Publish => (" who publishes for ", or_anybody(&whom)),
        Direction::Register => (" who registers for ", or_anybody(&whom)),
        Direction::Out | Direction::Hear => ("", String::new()),
    };
    let subject = match rule.direction {
        Direction::Out => format!("lamps that watch {names}"),
        Direction::Hear => format!("lamps that show {names}"),
        Direction::In | Direction::Tell | Direction::Publish | Direction::Register => names,
    };
    let event = packages_in_words(rule.packages);
    let when = when_in_words(rule);
    let then = then_in_words(settings, rule);
    format!("{subject}{does}{whom}{event}{when}: {then}")
}

/// What is seen in a view, and how often: `without notes, at most once in 600 s`. Empty if all is, as often as by anybody.
pub fn view_in_words(settings: &Settings, view: View, pace: Seconds) -> String {
    let mut parts = Vec::new();
    if view.hides(View::CLOSED) {
        return "what is told of somebody who is closed".to_string();
    }
    if view.hides(View::BASIC) {
        parts.push("open or closed and nothing more".to_string());
    } else {
        for (hidden, words) in [
            (View::NO_NOTES, "without notes"),
            (View::NO_ACTIVITIES, "without activities"),
            (View::NO_DEVICES, "without devices"),
        ] {
            if view.hides(hidden) {
                parts.push(words.to_string());
            }
        }
    }
    if view.shows_parties() {
        parts.push("with whom calls are".to_string());
    }
    let note = view.note().map(usize::from);
    if let Some(note) = note.and_then(|note| settings.rules.notes.get(note)) {
        parts.push(format!("with the note \"{note}\""));
    }
    if pace != Seconds::ZERO {
        parts.push(format!("at most once in {} s", pace.0));
    }
    parts.join(", ")
}

fn then_in_words(settings: &Settings, rule: &Rule) -> String {
    let told = view_in_words(settings, rule.view, rule.pace);
    let told = match told.is_empty() {
        true => String::new(),
        false => format!(", {told}"),
    };
    match (rule.direction, rule.then) {
        (Direction::In, Then::Allow) => format!("may watch{told}"),
        (Direction::In, Then::Confirm) => format!("waits until the owner decides{told}"),
        (Direction::In, Then::Block) => "is refused with 403".to_string(),
        (Direction::In | Direction::Tell, Then::PoliteBlock) => {
            "is told what is told of somebody who is closed".to_string()
        }
        (Direction::Tell, Then::Allow | Then::Confirm) if told.is_empty() => {
            "is told everything".to_string()
        }
        (Direction::Tell, Then::Allow | Then::Confirm)
            if rule.view.without_parties() == View::FULL && rule.pace == Seconds::ZERO =>
        {
            format!("is told more{told}")
        }
        (Direction::Tell, Then::Allow | Then::Confirm) => format!("is told less{told}"),
        (Direction::Tell, Then::Block) => "is told nothing for as long".to_string(),
        (Direction::Out, Then::Allow) => "ask".to_string(),
        (Direction::Out, Then::Block | Then::PoliteBlock | Then::Confirm) => {
            "do not ask".to_string()
        }
        (Direction::Hear, Then::Allow) if rule.bright < 100 => {
            format!("show what they know, {} percent bright", rule.bright)
        }
        (Direction::Hear, Then::Allow) => "show what they know".to_string(),
        (Direction::Hear, Then::Block | Then::PoliteBlock | Then::Confirm) => {
            "stay dark".to_string()
        }
        (Direction::Publish | Direction::Register, Then::Allow) => "may".to_string(),
        (
            Direction::Publish | Direction::Register,
            Then::Block | Then::PoliteBlock | Then::Confirm,
        ) => "is refused with 403".to_string(),
    }
}

fn when_in_words(rule: &Rule) -> String {
    let mut when = words::span_in_words(&rule.span);
    let during = match (rule.during.dnd, rule.during.away) {
        (false, false) => "",
        (true, false) => "while do-not-disturb is on",
        (false, true) => "while away",
        (true, true) => "while do-not-disturb is on or away",
    };
    if !during.is_empty() {
        when += if when.is_empty() { "" } else { ", " };
        when += during;
    }
    match when.is_empty() {
        true => when,
        false => format!(", {when}"),
    }
}

fn name_in_words(name: &Who) -> String {
    match name {
        Who::Everyone => "everyone".to_string(),
        Who::NobodyKnown => "a stranger".to_string(),
        Who::User(user) => format!("user {user}"),
        Who::Uri(uri) => uri.to_string(),
        Who::Domain(domain) => format!("anybody of {domain}"),
        Who::Network(network) => format!("anybody at {network}"),
    }
}

fn packages_in_words(packages: Packages) -> String {
    if packages == Packages::ALL {
        return String::new();
    }
    let names = Package::ALL.iter().filter(|it| packages.has(**it));
    format!(
        " ({})",
        joined(&names.map(|it| it.name().to_string()).collect::<Vec<_>>())
    )
}

fn or_anybody(whom: &[String]) -> String {
    match whom.is_empty() {
        true => "anybody here".to_string(),
        false => joined(whom),
    }
}

fn joined(words: &[String]) -> String {
    words.join(" or ")
}
