//! SIPp as a peer: scenarios from `tests/sipp`, as a watcher of Lampfield or as the notifier it watches.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::process::{Running, SOON, Scratch, free_port, is_bound, read, wait_for};

/// Longer than any scenario here takes; SIPp itself gives up then.
const PATIENCE: Duration = Duration::from_secs(180);

/// Bytes of SIPp's socket: a full table's answers and NOTIFYs at once. Its own 64 KiB drop some of them.
const BUFFER: &str = "1048576";

/// How many calls SIPp makes and how fast, so that every load here is bounded.
#[derive(Clone, Copy)]
pub(crate) struct Load {
    pub(crate) calls: u32,
    pub(crate) per_second: u32,
    /// Calls at the same time.
    pub(crate) at_once: u32,
}

/// One call.
pub(crate) const ONCE: Load = Load {
    calls: 1,
    per_second: 1,
    at_once: 1,
};

/// One run of a scenario. It ends by itself, or is killed when this is dropped.
pub(crate) struct Sipp {
    process: Running,
    scratch: Scratch,
    scenario: String,
    calls: u32,
}

/// What a run came to.
#[derive(Debug)]
pub(crate) struct Tally {
    pub(crate) successful: u32,
    pub(crate) retransmissions: u32,
}

impl Sipp {
    /// Starts a scenario in which SIPp sends the first request, to the presentity `desk` at `agent` ("HOST:PORT").
    pub(crate) fn calling(scenario: &str, agent: &str, load: Load) -> Sipp {
        let local = if agent.starts_with('[') {
            "[::1]"
        } else {
            "127.0.0.1"
        };
        let mut command = Command::new("sipp");
        command
            .arg(agent)
            .args(["-s", "desk", "-i", local])
            .args(["-r", &load.per_second.to_string()])
            .args(["-l", &load.at_once.to_string()]);
        Sipp::start(command, scenario, free_port(), load.calls)
    }

    /// Starts a scenario in which SIPp waits for requests about `bob`, and returns when it listens.
    pub(crate) fn called(scenario: &str, port: u16, calls: u32) -> Sipp {
        let mut command = Command::new("sipp");
        command.args(["-s", "bob", "-i", "127.0.0.1", "-deadcall_wait", "0"]);
        let mut sipp = Sipp::start(command, scenario, port, calls);
        wait_for("SIPp listens", SOON, || {
            sipp.process.expect_alive();
            is_bound(port).then_some(())
        });
        sipp
    }

    /// Starts a scenario in which SIPp is the user 200 and asks a server ("HOST:PORT") that wants a proof of that about
    /// another of its users.
    pub(crate) fn asking(scenario: &str, server: &str, about: &str, password: &str) -> Sipp {
        let mut command = Command::new("sipp");
        command
            .arg(server)
            .args(["-s", about, "-i", "127.0.0.1"])
            .args(["-au", "200", "-ap", password]);
        Sipp::start(command, scenario, free_port(), 1)
    }

    fn start(mut command: Command, scenario: &str, port: u16, calls: u32) -> Sipp {
        let scratch = Scratch::new();
        let file = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/sipp")
            .join(scenario)
            .with_extension("xml");
        command
            .arg("-sf")
            .arg(file)
            .args(["-p", &port.to_string()])
            .args(["-mp", &free_port().to_string()])
            .args(["-m", &calls.to_string()])
            .args(["-buff_size", BUFFER])
            .args(["-timeout", &PATIENCE.as_secs().to_string()])
            .args(["-timeout_error", "-nostdin", "-trace_stat", "-trace_err"])
            .args(["-trace_logs", "-log_file"])
            .arg(scratch.path("log"))
            .arg("-stf")
            .arg(scratch.path("tally.csv"))
            .arg("-error_file")
            .arg(scratch.path("errors"))
            .env("TERM", "dumb");
        Sipp {
            process: Running::start(&mut command, scratch.path("screen")),
            scratch,
            scenario: scenario.to_owned(),
            calls,
        }
    }

    /// Waits until the last line that the scenario wrote down is this one, and returns when that was seen.
    #[track_caller]
    pub(crate) fn expect_log(&mut self, line: &str, limit: Duration) -> Instant {
        let what = format!("SIPp writes {line:?}");
        wait_for(&what, limit, || {
            let log = read(&self.scratch.path("log"));
            if log.lines().last() == Some(line) {
                return Some(Instant::now());
            }
            self.process.expect_alive();
            None
        })
    }

    /// Waits for the end of the run. Fails the test unless every call went as the scenario says.
    #[track_caller]
    pub(crate) fn finish(mut self) -> Tally {
        let status = self.process.wait(PATIENCE + SOON);
        let errors = read(&self.scratch.path("errors"));
        assert!(
            status.success(),
            "{}: SIPp ended with {status}; it saw\n{errors}",
            self.scenario
        );
        let tally = Tally::parse(&read(&self.scratch.path("tally.csv")));
        assert_eq!(
            tally.successful, self.calls,
            "{}: calls went wrong\n{errors}",
            self.scenario
        );
        tally
    }
}

impl Tally {
    /// Reads the last row of SIPp's statistics; the first names the columns.
    fn parse(table: &str) -> Tally {
        let mut rows = table.lines().filter(|row| !row.is_empty());
        let names = rows.next().expect("SIPp names its columns").split(';');
        let last = rows.next_back().expect("SIPp counted its calls");
        let values: Vec<&str> = last.split(';').collect();
        let number = |wanted: &str| {
            let at = names.clone().position(|name| name == wanted);
            let text = values[at.expect("SIPp has the column")];
            text.parse().expect("SIPp counts in whole numbers")
        };
        Tally {
            successful: number("SuccessfulCall(C)"),
            retransmissions: number("Retransmissions(C)"),
        }
    }
}
