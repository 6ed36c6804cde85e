//! Measures the memory of a running agent: after its start, and with full tables. `benches/memory` drives it.
//!
//! ```text
//! memory LAMPFIELD [KILOBYTES]     fails if more is resident with full tables
//! ```
//!
//! The agent is the real program on loopback, with as many presentities and lamps as it has places for. This
//! program is the rest of the world: it watches until the agent has no place left, and is watched by every lamp.

mod agent;
mod world;

use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use agent::Agent;
use lampfield::limits;
use world::{FETCHES, LAMPS, World, board, settings};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (program, most) = match &args[..] {
        [program] => (program, None),
        [program, most] => (program, most.parse().ok()),
        _ => {
            eprintln!("usage: memory LAMPFIELD [KILOBYTES]");
            return ExitCode::FAILURE;
        }
    };
    println!(
        "{:<30} {:>7} {:>7} {:>9} {:>8}",
        "state", "rss", "pss", "anonymous", "threads"
    );
    let world = World::new(Ipv4Addr::LOCALHOST.into());
    let (board, settings) = (board(), settings(world.here));
    let files = [("board.toml", &*board), ("lampfield.toml", &*settings)];
    let mut agent = Agent::start(Path::new(program), &files);
    world.serve(LAMPS);
    print(&agent, "after start, all lamps told");
    world.fetch(agent.sip, FETCHES);
    print(&agent, "many who only asked");
    world.fill(agent.sip, limits::SUBSCRIPTIONS);
    let resident = print(&agent, "all tables full");
    agent.stop();
    match most {
        Some(most) if resident > most => {
            eprintln!("memory: {resident} kB are resident, {most} may be");
            ExitCode::FAILURE
        }
        Some(_) | None => ExitCode::SUCCESS,
    }
}

/// Prints a row of the table and gives the resident kilobytes.
fn print(agent: &Agent, state: &str) -> u64 {
    let process = PathBuf::from(format!("/proc/{}", agent.id()));
    let smaps = fs::read_to_string(process.join("smaps_rollup")).expect("Linux 4.14");
    let status = fs::read_to_string(process.join("status")).expect("Linux");
    let [rss, pss, anonymous] = ["Rss:", "Pss:", "Anonymous:"].map(|name| row(&smaps, name));
    let threads = row(&status, "Threads:");
    println!("{state:<30} {rss:>7} {pss:>7} {anonymous:>9} {threads:>8}");
    rss
}

fn row(text: &str, name: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).expect(name)
}
