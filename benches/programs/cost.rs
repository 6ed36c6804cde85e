//! Does one part of the agent's work many times, for an instruction counter. `benches/instructions` drives it:
//!
//! ```text
//! cost CASE ROUNDS          each round: preparation, then the work
//! cost CASE ROUNDS without  each round: preparation alone
//! cost list                 CASE TIMES UNIT, one a line
//! ```
//!
//! The difference of two counts, divided by rounds and times, is the work and nothing else.

#[path = "../kit/mod.rs"]
mod kit;

use kit::cases::Case;
use kit::reading;
use kit::stage::{STACK, Stage};
use std::env::args;
use std::hint::black_box;
use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<String> = args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (name, rounds, works) = match words[..] {
        ["list"] => {
            list();
            return ExitCode::SUCCESS;
        }
        [name, rounds] => (name, rounds, true),
        [name, rounds, "without"] => (name, rounds, false),
        _ => return usage(),
    };
    let Ok(rounds) = rounds.parse() else {
        return usage();
    };
    if let Some(case) = Case::ALL.into_iter().find(|case| case.name() == name) {
        let roomy = std::thread::Builder::new().stack_size(STACK);
        let thread = roomy.spawn(move || perform(case, rounds, works));
        thread.expect("a thread").join().expect("no panic");
    } else if let Some((_, _, read)) = reading::ALL.iter().find(|(known, ..)| *known == name) {
        for _ in 0..if works { rounds } else { 0 } {
            black_box(read)();
        }
    } else {
        return usage();
    }
    ExitCode::SUCCESS
}

fn perform(case: Case, rounds: u32, works: bool) {
    let script = case.record();
    let mut stage = Stage::new();
    for _ in 0..rounds {
        stage.prepare(&script);
        if works {
            assert_eq!(stage.perform(&script), script.said);
        }
    }
}

fn list() {
    for (name, unit, _) in reading::ALL {
        println!("{name} 1 {unit}");
    }
    for case in Case::ALL {
        println!("{} {} {}", case.name(), case.times(), case.unit());
    }
}

fn usage() -> ExitCode {
    eprintln!("usage: cost CASE ROUNDS [without] | cost list");
    ExitCode::FAILURE
}
