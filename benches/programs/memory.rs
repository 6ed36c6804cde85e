//! Measures the memory of a running agent: after its start, and with full tables. `benches/memory` drives it.
//!
//! ```text
//! memory LAMPFIELD [KILOBYTES]     fails if more is resident with full tables
//! ```
//!
//! The agent is the real program on loopback, with as many presentities and lamps as it has places for. This
//! program is the rest of the world: it watches until the agent has no place left, and is watched by every lamp.

mod world;

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};

use world::{LAMPS, World, board, settings};

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
    let mut agent = Agent::start(Path::new(program), &world);
    agent.print("after start, all lamps told");
    let resident = agent.fill(&world);
    agent.stop();
    match most {
        Some(most) if resident > most => {
            eprintln!("memory: {resident} kB are resident, {most} may be");
            ExitCode::FAILURE
        }
        Some(_) | None => ExitCode::SUCCESS,
    }
}

/// The agent as a process, in a folder of its own.
struct Agent {
    child: Child,
    folder: PathBuf,
    sip: SocketAddr,
}

impl Agent {
    fn start(program: &Path, world: &World) -> Agent {
        let folder = std::env::temp_dir().join(format!("lampfield-memory-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        fs::write(folder.join("board.toml"), board()).expect("written");
        fs::write(folder.join("lampfield.toml"), settings(world.here)).expect("written");
        let mut child = Command::new(program)
            .args(["run", "--log", "info", "--listen", "udp:127.0.0.1:0"])
            .arg("--control")
            .arg(folder.join("control.sock"))
            .arg("--config")
            .arg(folder.join("lampfield.toml"))
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program runs");
        let mut log = BufReader::new(child.stderr.take().expect("piped"));
        let mut line = String::new();
        log.read_line(&mut line).expect("a line");
        let sip = line
            .strip_prefix("lampfield: ready, sip on udp:")
            .and_then(|rest| rest.split([' ', ',']).next())
            .and_then(|address| address.parse().ok())
            .unwrap_or_else(|| panic!("it did not start: {line}"));
        // Nobody may be stopped by a log that nobody reads.
        std::thread::spawn(move || log.lines().for_each(drop));
        let agent = Agent { child, folder, sip };
        world.serve(LAMPS);
        agent
    }

    /// Takes every place there is; gives the kilobytes that are resident then.
    fn fill(&self, world: &World) -> u64 {
        world.fetch(self.sip);
        self.print("many who only asked");
        world.fill(self.sip);
        self.print("all tables full")
    }

    /// Prints a row of the table and gives the resident kilobytes.
    fn print(&self, state: &str) -> u64 {
        let process = PathBuf::from(format!("/proc/{}", self.child.id()));
        let smaps = fs::read_to_string(process.join("smaps_rollup")).expect("Linux 4.14");
        let status = fs::read_to_string(process.join("status")).expect("Linux");
        let [rss, pss, anonymous] = ["Rss:", "Pss:", "Anonymous:"].map(|name| row(&smaps, name));
        let threads = row(&status, "Threads:");
        println!("{state:<30} {rss:>7} {pss:>7} {anonymous:>9} {threads:>8}");
        rss
    }

    fn stop(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
        let _ = fs::remove_dir_all(&self.folder); // The system clears its temporary files too.
    }
}

fn row(text: &str, name: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).expect(name)
}
