//! README.md, the manual page and `lampfield help` show the commands and options that there are.

use super::*;
use std::collections::BTreeSet;

const README: &str = include_str!("../../../../../README.md");
const MANUAL: &str = include_str!("../../../../../boards/package/files/lampfield.1");
const SOURCE: &str = include_str!("../../args.rs");

/// Those that are told once, for all commands.
const COMMON: [&str; 2] = [CONTROL, JSON];

/// Every option that is read.
fn options() -> Vec<String> {
    let named = SOURCE.lines().filter_map(|line| {
        let (_, value) = line.strip_prefix("const ")?.split_once(": &str = \"--")?;
        Some(format!("--{}", value.strip_suffix("\";")?))
    });
    let named: Vec<String> = named.collect();
    assert!(named.len() > 10, "{named:?}");
    named
}

/// The options that `command` takes, wherever else the line is wrong.
fn options_of(command: &str) -> Vec<String> {
    let takes = |option: &String| match parse([command, option].map(OsString::from)) {
        // Help takes anything.
        Ok(Command::Help) => false,
        Ok(_) => true,
        Err(usage) => usage.what != format!("{command} has no option {option}"),
    };
    options().into_iter().filter(takes).collect()
}

/// Fails unless each word behind `--` is an option.
#[track_caller]
fn has_no_other_option(text: &str) {
    let options = options();
    for word in behind(text, "--") {
        assert!(
            options.contains(&format!("--{word}")),
            "there is no --{word}"
        );
    }
}

/// The words behind each `start` in `text`.
fn behind<'t>(text: &'t str, start: &str) -> BTreeSet<&'t str> {
    let is_word = |it: char| it.is_ascii_alphanumeric() || it == '-';
    let words = text.split(start).skip(1);
    let words = words.map(|rest| rest.split(|it| !is_word(it)).next().unwrap_or_default());
    // Tables are drawn with dashes.
    words
        .filter(|it| !it.is_empty() && !it.starts_with('-'))
        .collect()
}

/// The part of README.md about the command line, and of that the rows of commands.
fn readme() -> (&'static str, Vec<&'static str>) {
    let (_, chapter) = README.split_once("\n## Command line\n").expect("a chapter");
    let chapter = chapter.split("\n## ").next().unwrap_or_default();
    let table = chapter.trim_start().split("\n\n").next();
    (chapter, table.unwrap_or_default().lines().skip(2).collect())
}

/// What `.SH` begins.
fn section(name: &str) -> &'static str {
    let (_, rest) = MANUAL.split_once(&format!("\n.SH {name}\n")).expect(name);
    rest.split("\n.SH ").next().unwrap_or_default()
}

#[test]
fn the_readme_shows_every_command_and_option_and_no_other() {
    let (chapter, rows) = readme();
    assert!(rows.len() > 10, "{rows:#?}");
    for command in COMMANDS {
        let is_head = |row: &&&str| {
            let head = row.split(" | ").next().unwrap_or_default();
            let starts =
                ["`lampfield ", ", `", "`lampfield [", ", "].map(|it| format!("{it}{command}"));
            starts.iter().any(|start| {
                let mut found = head.match_indices(start.as_str());
                found.any(|(at, _)| {
                    !head[at + start.len()..].starts_with(|it: char| it.is_alphanumeric())
                })
            })
        };
        let row = rows.iter().find(is_head);
        let row = row.unwrap_or_else(|| panic!("README has no {command}"));
        for option in options_of(command) {
            let is_shown = COMMON.contains(&option.as_str()) || row.contains(&option);
            assert!(
                is_shown,
                "README does not say that {command} takes {option}"
            );
        }
    }
    for option in COMMON {
        assert!(chapter.contains(option), "{option}");
    }
    for row in &rows {
        let head = row.split(" | ").next().unwrap_or_default();
        for word in behind(head, "`lampfield ") {
            assert!(COMMANDS.contains(&word), "README shows a command {word}");
        }
    }
    has_no_other_option(chapter);
}

#[test]
fn the_manual_shows_every_command_and_option_and_no_other() {
    let [synopsis, commands] = ["SYNOPSIS", "COMMANDS"].map(|it| section(it).replace("\\-", "-"));
    let heads: Vec<&str> = commands.split(".TP\n").skip(1).collect();
    for command in COMMANDS {
        let is_word = |it: char| it.is_ascii_alphanumeric() || it == '-';
        let has = |text: &str| text.split(|it| !is_word(it)).any(|it| it == command);
        assert!(has(&synopsis), "the synopsis has no {command}");
        // The options of `run` are heads too.
        let entry = heads
            .iter()
            .position(|it| has(it.lines().next().unwrap_or_default()));
        let entry = entry.unwrap_or_else(|| panic!("the manual has no {command}"));
        let entry = match command {
            "run" => heads[entry..].join("\n"),
            _ => heads[entry].to_string(),
        };
        for option in options_of(command) {
            let is_shown = COMMON.contains(&option.as_str()) || entry.contains(&option);
            assert!(
                is_shown,
                "the manual does not say that {command} takes {option}"
            );
        }
    }
    let all = MANUAL.replace("\\-", "-");
    has_no_other_option(&all);
    for option in options() {
        assert!(all.contains(&option), "{option}");
    }
    for (at, _) in synopsis.match_indices("lampfield ") {
        let rest = &synopsis[at + "lampfield ".len()..];
        let end = rest
            .find(|it: char| !it.is_ascii_alphanumeric() && it != '-')
            .unwrap_or(rest.len());
        assert!(
            COMMANDS.contains(&&rest[..end]),
            "the manual shows a command {}",
            &rest[..end]
        );
    }
}

#[test]
fn the_help_shows_every_command_and_option_and_no_other() {
    let help = crate::shell::cli::HELP;
    for command in COMMANDS {
        let entries = help.split("\n  lampfield ").skip(1);
        let is_own = |entry: &&str| {
            let name = entry.split_whitespace().next().unwrap_or_default();
            name.trim_matches(['[', ']']) == command
        };
        let own: Vec<&str> = entries.filter(is_own).collect();
        assert!(!own.is_empty(), "help has no {command}");
        for option in options_of(command) {
            let is_shown = option == CONTROL || own.iter().any(|it| it.contains(&option));
            assert!(is_shown, "help does not say that {command} takes {option}");
        }
    }
    has_no_other_option(help);
}
