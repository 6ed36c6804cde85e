//! A configuration and a board, as somebody wrote them: taken, or refused with a place in the text and a remedy for each
//! fault. What is taken can be explained, and an agent runs by it.

use super::engine::{restart, run_for};
use lampfield::parts::{Board, Configuration, Faults, Overrides};
use lampfield::{Duration, limits};
use std::path::Path;

pub(crate) fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Err(faults) = Board::parse("board.toml", text) {
        check(text, &faults);
    }
    // Neither the boards nor the passwords of this machine are read.
    if text.contains("file") {
        return;
    }
    let overrides = Overrides {
        board: Some("sim"),
        listen: &[],
    };
    match Configuration::parse("lampfield.toml", text, Path::new("/nowhere"), overrides) {
        Ok(configuration) => live(text, &configuration),
        Err(faults) => check(text, &faults),
    }
}

/// Each fault stands somewhere in the text, and says what and what to do.
fn check(text: &str, faults: &Faults) {
    assert!(!faults.faults.is_empty(), "refused, and nothing is wrong");
    let lines: Vec<&str> = text.split('\n').collect();
    for fault in &faults.faults {
        let shown = format!("{fault:?} of {text:?}");
        assert!(
            !fault.what.is_empty() && !fault.remedy.is_empty(),
            "{shown}"
        );
        let line = fault.line.checked_sub(1).and_then(|at| lines.get(at));
        let line = line.unwrap_or_else(|| panic!("no such line: {shown}"));
        let columns = line.chars().count() + 1;
        assert!(
            (1..=columns).contains(&fault.column),
            "no such column: {shown}"
        );
        assert!(
            !fault.what.contains('\n') && !fault.remedy.contains('\n'),
            "{shown}"
        );
    }
}

fn live(text: &str, configuration: &Configuration) {
    if let Some(warnings) = &configuration.warnings {
        check(text, warnings);
    }
    assert!(!configuration.to_string().is_empty());
    let (mut agent, moment) = restart(&configuration.settings);
    let mut buf = vec![0; limits::MESSAGE];
    run_for(&mut agent, moment, Duration::from_secs(60), &mut buf);
}
