//! README.md says what is true: its configuration, its looks and its JSON are held against the program.

use std::collections::BTreeSet;
use std::process::Command;

use lampfield::{Looks, Watched};
use serde_json::Value;

use crate::agent::{Agent, Watch, lampfield};
use crate::process::Scratch;

const README: &str = include_str!("../../README.md");

#[test]
fn the_examples_are_good_configurations() {
    let examples: Vec<&str> = README
        .split("```toml\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect();
    assert!(
        examples.len() >= 4,
        "README shows a configuration and three set-ups"
    );
    let scratch = Scratch::new();
    scratch.write("pbx.password", "secret\n");
    make_certificates(&scratch);
    for example in examples {
        let file = scratch.write("readme.toml", example);
        lampfield(&["check", &file.to_string_lossy()]);
    }
}

/// Those that the examples name.
fn make_certificates(scratch: &Scratch) {
    for name in ["desk.example", "desk.local"] {
        let made = Command::new(env!("CARGO_BIN_EXE_lampfield"))
            .args(["certificate", "new", name, "--authority", "house"])
            .current_dir(scratch.path(""))
            .output()
            .expect("it runs");
        assert!(made.status.success());
    }
}

#[test]
fn the_table_of_looks_has_every_state_with_its_look() {
    for watched in Watched::ALL {
        let row = format!(
            "| `{}` | `{}` |",
            watched.name(),
            Looks::DEFAULT.get(watched)
        );
        assert!(README.lines().any(|line| line.contains(&row)), "{row}");
    }
}

#[test]
fn json_has_the_keys_that_programs_were_promised() {
    let desk = Agent::start(&[]);
    let agent = Agent::start(&[Watch {
        lamp: "blf1",
        target: desk.uri(),
        event: "presence",
        more: "",
    }]);
    desk.expect_watchers(1);
    let json = |arguments: &[&str]| {
        let text = agent.run(arguments);
        serde_json::from_str::<Value>(&text).unwrap_or_else(|error| panic!("{error} in {text}"))
    };

    let status = json(&["status", "--json"]);
    assert_eq!(
        keys(&[&status, &status["presentities"][0], &status["connections"]]),
        promised("status")
    );
    assert_eq!(keys(&[&json(&["lamps", "--json"])[0]]), promised("lamps"));
    assert_eq!(keys(&[&desk.json("watchers")[0]]), promised("watchers"));
    let why = json(&["why", "blf1", "--json"]);
    assert_eq!(keys(&[&why, &why["watch"]]), promised("why"));

    let capacity: Value = serde_json::from_str(&lampfield(&["capacity", "--json"])).expect("JSON");
    assert_eq!(
        keys(&[&capacity, &capacity["tables"][0]]),
        promised("capacity")
    );
    let lines = lampfield(&["watch", &desk.uri(), "--seconds", "3", "--json"]);
    for line in lines.lines() {
        let line: Value = serde_json::from_str(line).expect("each line is JSON");
        assert_eq!(keys(&[&line]), promised("watch"));
    }
}

fn keys(objects: &[&Value]) -> BTreeSet<String> {
    let objects = objects
        .iter()
        .map(|value| value.as_object().expect("an object"));
    objects.flat_map(|object| object.keys().cloned()).collect()
}

/// The words between braces in a command's row of README's table.
fn promised(command: &str) -> BTreeSet<String> {
    let start = format!("| `{command}` |");
    let mut rows = README.lines().filter(|line| line.starts_with(&start));
    let row = rows.next_back().expect("the command has a row");
    let braces = row.split('{').skip(1);
    let inside = braces.filter_map(|rest| rest.split('}').next());
    inside
        .flat_map(|words| words.split(','))
        .map(|word| word.trim().trim_end_matches("[]").to_owned())
        .collect()
}
