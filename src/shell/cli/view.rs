//! The agent's JSON as a person reads it: aligned, short, one thing to a line.
//!
//! Fields that are not there show as `-`: the agent may be of another version.

mod rows;

pub use rows::{headings, table};

use std::string::{String, ToString};
use std::vec::Vec;
use std::{format, vec};

use serde_json::Value;

use super::mailbox::{counted, with_messages};
use crate::shell::journal::is_safe;

/// `lampfield lamps`.
pub fn lamps(lamps: &Value) -> String {
    let mut rows = vec![headings(&["LAMP", "LOOK", "STATE", "SINCE", "SHOWS"])];
    rows.extend(list(lamps).iter().map(lamp_row));
    let parties: Vec<String> = list(lamps).iter().map(lamp_party).collect();
    // Most of the time nobody calls.
    if parties.iter().any(|party| !party.is_empty()) {
        rows[0].push("PARTY".to_string());
        for (row, party) in rows[1..].iter_mut().zip(parties) {
            row.push(party);
        }
    }
    table(&rows)
}

/// One line of `lampfield lamps --follow`.
pub fn lamp(lamp: &Value) -> String {
    let cells = lamp_row(lamp);
    let [name, look, state, _, shows] = &cells[..] else {
        return String::new();
    };
    let time = text(lamp, "since");
    let line = format!(
        "{time}  {name:8}{look:12}{state:12}{shows}  {}",
        lamp_party(lamp)
    );
    line.trim_end().to_string()
}

/// The other party of a call in one line, as in a From: a name, an address, or both.
pub fn party(display: &str, uri: &str) -> String {
    match (display, uri) {
        ("", uri) => uri.to_string(),
        (display, "") => display.to_string(),
        (display, uri) => format!("{display} <{uri}>"),
    }
}

/// Who is at the other end of the call that a lamp shows; empty if nobody is named.
fn lamp_party(lamp: &Value) -> String {
    let told = lamp.get("party").unwrap_or(&Value::Null);
    let [display, uri] = ["display", "uri"].map(|key| told.get(key).map_or(String::new(), plain));
    party(&display, &uri)
}

fn lamp_row(lamp: &Value) -> Vec<String> {
    vec![
        text(lamp, "name"),
        text(lamp, "look"),
        text(lamp, "state"),
        age(lamp, "since_s"),
        stands_for(lamp),
    ]
}

/// Whom a lamp watches, or what of our own it shows.
fn stands_for(lamp: &Value) -> String {
    let [watches, shows, presentity] =
        ["watches", "shows", "presentity"].map(|key| text(lamp, key));
    match (watches.as_str(), presentity.as_str()) {
        ("-", "-") => shows,
        ("-", whose) => format!("{shows} of {whose}"),
        _ => with_messages(watches, lamp),
    }
}

/// `lampfield status`.
pub fn status(status: &Value) -> String {
    let mut out = format!(
        "lampfield {}, up {}\n",
        text(status, "version"),
        age(status, "uptime_s")
    );
    for address in member(status, "listen") {
        out += &format!("listens on {}\n", plain(address));
    }
    let presentities = member(status, "presentities");
    if !presentities.is_empty() {
        let mut rows = vec![headings(&["PRESENTITY", "BASIC", "ACTIVITIES", "NOTE"])];
        rows.extend(presentities.iter().map(|it| {
            let activities: Vec<String> = member(it, "activities").iter().map(plain).collect();
            vec![
                text(it, "uri"),
                text(it, "basic"),
                or_dash(&activities.join(", ")),
                text(it, "note"),
            ]
        }));
        out += "\n";
        out += &table(&rows);
    }
    out += "\n";
    for what in ["subscriptions", "watches", "publications", "registrations"] {
        out += &format!("{what:15}{}\n", count(status, what));
    }
    if let Some(places) = status.get("connections") {
        out += &connections(places);
    }
    let upstreams = member(status, "upstreams");
    if !upstreams.is_empty() {
        let words = [
            "UPSTREAM",
            "SERVER",
            "REGISTRATION",
            "PUBLICATION",
            "DIALECT",
            "TROUBLE",
        ];
        let keys = [
            "aor",
            "server",
            "registration",
            "publication",
            "dialect",
            "trouble",
        ];
        let mut rows = vec![headings(&words)];
        rows.extend(
            upstreams
                .iter()
                .map(|it| keys.map(|key| text(it, key)).to_vec()),
        );
        out += "\n";
        out += &table(&rows);
    }
    for trouble in member(status, "troubles") {
        out += &format!("\n{}", self::trouble(trouble));
    }
    out
}

/// Who has the places for TCP; each by name once somebody got none.
fn connections(places: &Value) -> String {
    let taken = member(places, "taken");
    let (all, refused) = (text(places, "places"), text(places, "refused"));
    let mut out = format!("{:15}{} of {all} places", "connections", taken.len());
    if refused == "0" {
        return out + "\n";
    }
    out += &format!(", {refused} refused\n");
    for it in taken {
        let [remote, whose] = ["remote", "whose"].map(|key| text(it, key));
        out += &format!("{:15}{whose:10}{remote}  {}\n", "", age(it, "since_s"));
    }
    out
}

/// A line of the panel that does not work, as the log tells it.
fn trouble(trouble: &Value) -> String {
    let [place, line, part, name, what, remedy] =
        ["place", "line", "part", "name", "what", "remedy"].map(|key| text(trouble, key));
    let whose = if part == "button" { "button" } else { "lamp" };
    format!("{place}: the line {line} of {whose} \"{name}\" {what}\n  remedy: {remedy}\n")
}

/// `lampfield watchers`.
pub fn watchers(watchers: &Value) -> String {
    let watchers = list(watchers);
    if watchers.is_empty() {
        return "nobody watches\n".to_string();
    }
    let mut rows = vec![headings(&[
        "WATCHER",
        "USER",
        "PRESENTITY",
        "EVENT",
        "STATE",
        "EXPIRES",
        "ADDRESS",
    ])];
    rows.extend(watchers.iter().map(|it| {
        vec![
            text(it, "watcher"),
            text(it, "user"),
            text(it, "presentity"),
            text(it, "package"),
            text(it, "state"),
            age(it, "expires_s"),
            text(it, "remote"),
        ]
    }));
    table(&rows)
}

/// `lampfield registrations`.
pub fn registrations(registrations: &Value) -> String {
    let registrations = list(registrations);
    if registrations.is_empty() {
        return "nobody is registered\n".to_string();
    }
    let mut rows = vec![headings(&["PRESENTITY", "CONTACT", "EXPIRES", "ADDRESS"])];
    rows.extend(registrations.iter().map(|it| {
        vec![
            text(it, "presentity"),
            text(it, "contact"),
            age(it, "expires_s"),
            text(it, "remote"),
        ]
    }));
    table(&rows)
}

/// `lampfield publications`.
pub fn publications(publications: &Value) -> String {
    let publications = list(publications);
    if publications.is_empty() {
        return "nobody publishes\n".to_string();
    }
    let mut rows = vec![headings(&[
        "PRESENTITY",
        "EVENT",
        "BASIC",
        "ACTIVITIES",
        "NOTE",
        "SINCE",
        "EXPIRES",
        "PUBLISHER",
        "ADDRESS",
    ])];
    rows.extend(publications.iter().map(|it| {
        let activities: Vec<String> = member(it, "activities").iter().map(plain).collect();
        vec![
            text(it, "presentity"),
            text(it, "event"),
            text(it, "basic"),
            or_dash(&activities.join(", ")),
            text(it, "note"),
            age(it, "since_s"),
            age(it, "expires_s"),
            text(it, "publisher"),
            text(it, "remote"),
        ]
    }));
    table(&rows)
}

/// `lampfield why LAMP`.
pub fn why(why: &Value) -> String {
    let lamp = why.get("lamp").unwrap_or(why);
    let [name, look, state, rule] = [
        text(lamp, "name"),
        text(lamp, "look"),
        text(lamp, "state"),
        text(why, "rule"),
    ];
    let mut out = match state.as_str() {
        "-" => format!("{name} shows {look}: {rule}\n"),
        state => format!("{name} shows {look}: {state} ({rule})\n"),
    };
    if let Some(messages) = counted(lamp) {
        out += &format!("messages       {messages}\n");
    }
    out += &format!("since          {} ago\n", age(lamp, "since_s"));
    let party = lamp_party(lamp);
    if !party.is_empty() {
        out += &format!("party          {party}\n");
    }
    if why.get("grace_left_s").is_some_and(Value::is_number) {
        out += &format!("grace left     {}\n", age(why, "grace_left_s"));
    }
    for key in ["cause", "remedy"] {
        let value = text(why, key);
        if value != "-" {
            out += &format!("{key:15}{value}\n");
        }
    }
    let both = ["watch", "presence"].map(|key| why.get(key).filter(|it| it.is_object()));
    let is_one_of_two = both.iter().all(Option::is_some);
    for watch in both.into_iter().flatten() {
        out += if is_one_of_two { "\n" } else { "" };
        out += &subscription(watch, is_one_of_two);
    }
    out
}

/// What `lampfield why` says of a subscription; of one of two also what it tells.
fn subscription(watch: &Value, is_one_of_two: bool) -> String {
    let mut out = format!(
        "watches        {} ({})\n",
        text(watch, "target"),
        text(watch, "package")
    );
    if is_one_of_two {
        out += &format!("tells          {}\n", text(watch, "watched"));
    }
    out += &format!("subscription   {}\n", text(watch, "state"));
    for (label, key) in [
        ("list", "list"),
        ("on the list", "listed"),
        ("unasked by", "unasked"),
        ("peer", "remote"),
        ("last answer", "last_status"),
        ("last reason", "last_reason"),
        ("doubt", "doubt"),
    ] {
        let value = text(watch, key);
        if value != "-" {
            out += &format!("{label:15}{value}\n");
        }
    }
    for (label, key, ending) in [
        ("last NOTIFY", "last_notify_s", " ago"),
        ("confirmed", "confirmed_s", " ago"),
        ("broken for", "broken_s", ""),
        ("expires in", "expires_s", ""),
        ("next attempt", "next_s", ""),
    ] {
        if watch.get(key).is_some_and(Value::is_number) {
            out += &format!("{label:15}{}{ending}\n", age(watch, key));
        }
    }
    out
}

/// A time of so many seconds, in at most two units.
pub fn lasting(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{minutes} min {} s", seconds % 60),
        3_600..86_400 => format!("{hours} h {} min", minutes % 60),
        86_400.. => format!("{days} d {} h", hours % 24),
    }
}

pub(super) fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn member<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value.get(key).map_or(&[], list)
}

pub(super) fn text(value: &Value, key: &str) -> String {
    or_dash(&value.get(key).map_or(String::new(), plain))
}

fn or_dash(text: &str) -> String {
    if text.is_empty() { "-" } else { text }.to_string()
}

/// A value in one line, safe for a terminal: much of it was said by strangers.
pub(super) fn plain(value: &Value) -> String {
    let text = match value {
        Value::Null => return String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let safe = |letter: char| {
        if is_safe(letter) {
            String::from(letter)
        } else {
            letter.escape_default().collect()
        }
    };
    text.chars().map(safe).collect()
}

fn age(value: &Value, key: &str) -> String {
    let seconds = value.get(key).and_then(Value::as_f64);
    // A cast from a float saturates, and whole seconds are all that is shown.
    seconds.map_or("-".to_string(), |it| lasting(it as u64))
}

/// How many there are: a number, or the length of a list.
fn count(value: &Value, key: &str) -> String {
    match value.get(key) {
        Some(Value::Array(items)) => items.len().to_string(),
        Some(other) => plain(other),
        None => "-".to_string(),
    }
}

#[cfg(test)]
mod tests;
