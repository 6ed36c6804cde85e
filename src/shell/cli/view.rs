//! The agent's JSON as a person reads it: aligned, short, one thing to a line.
//!
//! Fields that are not there show as `-`: the agent may be of another version.

use std::string::{String, ToString};
use std::vec::Vec;
use std::{format, vec};

use serde_json::Value;

/// `lampfield lamps`.
pub fn lamps(lamps: &Value) -> String {
    let mut rows = vec![headings(&["LAMP", "LOOK", "STATE", "SINCE", "SHOWS"])];
    rows.extend(list(lamps).iter().map(lamp_row));
    table(&rows)
}

/// One line of `lampfield lamps --follow`.
pub fn lamp(lamp: &Value) -> String {
    let cells = lamp_row(lamp);
    let [name, look, state, _, shows] = &cells[..] else {
        return String::new();
    };
    let time = text(lamp, "since");
    format!("{time}  {name:8}{look:12}{state:12}{shows}")
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
        _ => watches,
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
    let upstreams = member(status, "upstreams");
    if !upstreams.is_empty() {
        let words = [
            "UPSTREAM",
            "SERVER",
            "REGISTRATION",
            "PUBLICATION",
            "TROUBLE",
        ];
        let keys = ["aor", "server", "registration", "publication", "trouble"];
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
        "PRESENTITY",
        "EVENT",
        "STATE",
        "EXPIRES",
        "ADDRESS",
    ])];
    rows.extend(watchers.iter().map(|it| {
        vec![
            text(it, "watcher"),
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
    out += &format!("since          {} ago\n", age(lamp, "since_s"));
    if why.get("grace_left_s").is_some_and(Value::is_number) {
        out += &format!("grace left     {}\n", age(why, "grace_left_s"));
    }
    for key in ["cause", "remedy"] {
        let value = text(why, key);
        if value != "-" {
            out += &format!("{key:15}{value}\n");
        }
    }
    let Some(watch) = why.get("watch").filter(|it| it.is_object()) else {
        return out;
    };
    out += &format!(
        "watches        {} ({})\n",
        text(watch, "target"),
        text(watch, "package")
    );
    out += &format!("subscription   {}\n", text(watch, "state"));
    for (label, key) in [
        ("peer", "remote"),
        ("last answer", "last_status"),
        ("last reason", "last_reason"),
    ] {
        let value = text(watch, key);
        if value != "-" {
            out += &format!("{label:15}{value}\n");
        }
    }
    for (label, key, ending) in [
        ("last NOTIFY", "last_notify_s", " ago"),
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

/// Rows of cells, each column as wide as its widest cell.
pub fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut out = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line += &format!("{cell:width$}  ");
        }
        out += line.trim_end();
        out += "\n";
    }
    out
}

/// The headings of a [`table`].
pub fn headings(words: &[&str]) -> Vec<String> {
    words.iter().map(ToString::to_string).collect()
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

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn member<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value.get(key).map_or(&[], list)
}

fn text(value: &Value, key: &str) -> String {
    or_dash(&value.get(key).map_or(String::new(), plain))
}

fn or_dash(text: &str) -> String {
    if text.is_empty() { "-" } else { text }.to_string()
}

/// A value in one line, safe for a terminal: much of it was said by strangers.
fn plain(value: &Value) -> String {
    let text = match value {
        Value::Null => return String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let safe = |letter: char| {
        if letter.is_control() {
            letter.escape_default().collect()
        } else {
            String::from(letter)
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
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn lamps_stand_in_columns() {
        let text = lamps(&json!([
            {"name": "blf1", "look": "red", "watches": "sip:desk@127.0.0.1", "state": "dnd",
             "since": "2026-11-20T11:00:00Z", "since_s": 75},
            {"name": "blf2", "look": "off", "watches": null, "state": null, "since": null,
             "since_s": 4000},
            {"name": "dnd", "look": "off", "shows": "dnd", "watches": null, "presentity": "sip:a@b",
             "state": "idle", "since": null, "since_s": 5},
            {"name": "ok", "look": "green", "shows": "health", "state": "idle", "since_s": 0},
        ]));
        assert_eq!(
            text,
            "LAMP  LOOK   STATE  SINCE       SHOWS\n\
             blf1  red    dnd    1 min 15 s  sip:desk@127.0.0.1\n\
             blf2  off    -      1 h 6 min   -\n\
             dnd   off    idle   5 s         dnd of sip:a@b\n\
             ok    green  idle   0 s         health\n"
        );
    }

    #[test]
    fn status_shows_presentities_and_counts() {
        let text = status(&json!({
            "version": "0.1.0", "uptime_s": 90_000, "listen": ["udp:127.0.0.1:5060"],
            "presentities": [{"uri": "sip:desk@127.0.0.1", "basic": "open", "activities":
                ["on-the-phone", "meeting"], "note": ""}],
            "subscriptions": [{}, {}], "watches": [{}], "publications": 0, "registrations": 1,
        }));
        assert_eq!(
            text,
            "lampfield 0.1.0, up 1 d 1 h\nlistens on udp:127.0.0.1:5060\n\n\
             PRESENTITY          BASIC  ACTIVITIES             NOTE\n\
             sip:desk@127.0.0.1  open   on-the-phone, meeting  -\n\n\
             subscriptions  2\nwatches        1\npublications   0\nregistrations  1\n"
        );
    }

    #[test]
    fn watchers_are_listed_or_said_to_be_none() {
        assert_eq!(watchers(&json!([])), "nobody watches\n");
        let text = watchers(
            &json!([{"presentity": "sip:a@b", "watcher": "sip:\u{1b}[2J@c",
            "package": "dialog", "state": "active", "expires_s": 59, "remote": "10.0.0.1:5060"}]),
        );
        assert_eq!(
            text,
            "WATCHER          PRESENTITY  EVENT   STATE   EXPIRES  ADDRESS\n\
             sip:\\u{1b}[2J@c  sip:a@b     dialog  active  59 s     10.0.0.1:5060\n"
        );
    }

    #[test]
    fn registrations_are_listed_or_said_to_be_none() {
        assert_eq!(registrations(&json!([])), "nobody is registered\n");
        let text = registrations(
            &json!([{"presentity": "sip:a@b", "contact": "sip:a@10.0.0.1:5062", "expires_s": 59,
            "remote": "10.0.0.1:5062"}]),
        );
        assert_eq!(
            text,
            "PRESENTITY  CONTACT              EXPIRES  ADDRESS\n\
             sip:a@b     sip:a@10.0.0.1:5062  59 s     10.0.0.1:5062\n"
        );
    }

    #[test]
    fn publications_are_listed_or_said_to_be_none() {
        assert_eq!(publications(&json!([])), "nobody publishes\n");
        let text = publications(&json!([{"presentity": "sip:a@b", "publisher": "sip:a@c",
            "basic": "closed", "activities": ["busy", "meeting"], "note": null, "since_s": 61,
            "expires_s": 59, "remote": "10.0.0.1:5060"}]));
        assert_eq!(
            text,
            "PRESENTITY  BASIC   ACTIVITIES     NOTE  SINCE      EXPIRES  PUBLISHER  ADDRESS\n\
             sip:a@b     closed  busy, meeting  -     1 min 1 s  59 s     sip:a@c    10.0.0.1:5060\n"
        );
    }

    #[test]
    fn status_ends_with_the_lines_that_do_not_work() {
        let text = status(&json!({"troubles": [
            {"place": "boards/x.toml:12", "line": "gpio:GPIO17", "part": "button", "name": "hook",
            "what": "is taken by \"gpio-keys\"", "remedy": "name another line"},
            {"place": "boards/x.toml:20", "line": "led:a", "part": "red", "name": "blf1",
            "what": "is not there", "remedy": "load its driver"}]}));
        let (_, troubles) = text.split_once("\n\nboards").expect("troubles");
        assert_eq!(
            troubles,
            "/x.toml:12: the line gpio:GPIO17 of button \"hook\" is taken by \"gpio-keys\"\n  \
             remedy: name another line\n\n\
             boards/x.toml:20: the line led:a of lamp \"blf1\" is not there\n  \
             remedy: load its driver\n"
        );
    }

    #[test]
    fn why_tells_the_look_the_rule_and_the_subscription() {
        let text = why(&json!({
            "lamp": {"name": "blf1", "look": "amber slow", "state": "unknown", "since_s": 3},
            "rule": "the default look", "grace_left_s": null,
            "watch": {"target": "sip:bob@pbx", "package": "dialog", "state": "waiting",
                "remote": "10.0.0.5:5060", "last_status": 503, "last_reason": "",
                "last_notify_s": 61, "broken_s": 33, "expires_s": null, "next_s": 12}
        }));
        assert_eq!(
            text,
            "blf1 shows amber slow: unknown (the default look)\n\
             since          3 s ago\n\
             watches        sip:bob@pbx (dialog)\n\
             subscription   waiting\n\
             peer           10.0.0.5:5060\n\
             last answer    503\n\
             last NOTIFY    1 min 1 s ago\n\
             broken for     33 s\n\
             next attempt   12 s\n"
        );
        let told = why(&json!({
            "lamp": {"name": "blf1", "look": "amber slow", "state": "unknown", "since_s": 3},
            "rule": "the default look", "cause": "nobody is there", "remedy": "go there",
            "watch": null
        }));
        assert_eq!(
            told,
            "blf1 shows amber slow: unknown (the default look)\nsince          3 s ago\n\
             cause          nobody is there\nremedy         go there\n"
        );
        let nobody = why(&json!({
            "lamp": {"name": "blf2", "look": "off", "state": null, "since_s": 5},
            "rule": "it watches nobody", "watch": null
        }));
        assert_eq!(
            nobody,
            "blf2 shows off: it watches nobody\nsince          5 s ago\n"
        );
    }

    #[test]
    fn what_is_missing_or_strange_shows_as_a_dash() {
        assert_eq!(lamps(&json!("x")), "LAMP  LOOK  STATE  SINCE  SHOWS\n");
        assert_eq!(
            lamps(&json!([{}, 5])),
            "LAMP  LOOK  STATE  SINCE  SHOWS\n-     -     -      -      -\n-     -     -      -      -\n"
        );
    }

    #[test]
    fn times_have_at_most_two_units() {
        for (seconds, text) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min 0 s"),
            (3_599, "59 min 59 s"),
            (3_600, "1 h 0 min"),
            (86_400, "1 d 0 h"),
            (u64::MAX, "213503982334601 d 7 h"),
        ] {
            assert_eq!(lasting(seconds), text);
        }
    }
}
