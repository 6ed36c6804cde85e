//! `lampfield policy`: which rule decides about somebody, and why the others do not.

use std::path::Path;
use std::string::{String, ToString};
use std::{eprintln, format};

use serde_json::Value;

use super::client::{escaped, query};
use super::view::{list, plain, text};
use super::{Exit, say};
use crate::shell::control::policy::{Asked, explain_settings};
use crate::shell::control::views::to_json;
use crate::shell::settings::{Configuration, Overrides};
use crate::shell::{clock, zone};

/// Where the agent answers that.
pub(super) fn path(asked: &Asked) -> String {
    let query = query(&[
        ("event", &asked.event),
        ("presentity", &asked.presentity),
        ("at", &asked.at),
    ]);
    format!("/policy/{}{query}", escaped(&asked.watcher))
}

/// Answers by the rules of a file.
pub(super) fn explain_file(file: &Path, asked: &Asked, json: bool) -> Exit {
    let configuration = match Configuration::load(file, Overrides::default()) {
        Ok(configuration) => configuration,
        Err(faults) => {
            eprintln!("{faults}");
            return Exit::Wrong;
        }
    };
    let now = clock::wall();
    let told = explain_settings(&configuration.settings, zone::read(now), now, asked);
    match told.map(|told| to_json(&told)) {
        Ok(told) if json => say(&told),
        Ok(told) => say(&view(&serde_json::from_str(&told).unwrap_or_default())),
        Err(wrong) => {
            eprintln!("lampfield: {wrong}");
            Exit::Failed
        }
    }
}

/// The answer as a person reads it.
pub(super) fn view(told: &Value) -> String {
    let [watcher, presentity, event, known_as, because] =
        ["watcher", "presentity", "event", "known_as", "because"].map(|key| text(told, key));
    let mut out = format!("{watcher} watches {presentity} ({event})\n");
    out += &format!("known as       {known_as}\n");
    let mut line = |label: &str, value: String| {
        if value != "-" {
            out += &format!("{label:15}{value}\n");
        }
    };
    line("at", text(told, "at"));
    line("verdict", verdict(told));
    line("sees", text(told, "sees"));
    if told
        .get("silent")
        .is_some_and(|it| *it == Value::Bool(true))
    {
        line("told", "nothing for as long".to_string());
    }
    if let Some(seconds) = told.get("at_most_every_s").filter(|it| it.is_number()) {
        line("told", format!("at most once in {} s", plain(seconds)));
    }
    line("until", text(told, "until"));
    line("because", because);
    if let Some(stranger) = told.get("if_unproven").filter(|it| it.is_string()) {
        let words = format!(
            "{} for a stranger who gives himself that name",
            plain(stranger)
        );
        line("but", words);
    }
    for rule in list(told.get("rules").unwrap_or(&Value::Null)) {
        let why = text(rule, "why_not");
        let fits = match why.as_str() {
            "-" => "it fits".to_string(),
            why => format!("it does not fit: {why}"),
        };
        let [number, line, says] = ["rule", "line", "says"].map(|key| text(rule, key));
        out += &format!("\nrule {number} (line {line})  {says}\n               {fits}\n");
    }
    out
}

fn verdict(told: &Value) -> String {
    match text(told, "verdict").as_str() {
        "allow" => "may watch".to_string(),
        "polite-block" => "is told what is told of somebody who is closed".to_string(),
        "confirm" => "waits until the owner decides".to_string(),
        "block" => "is refused with 403".to_string(),
        other => other.to_string(),
    }
}
