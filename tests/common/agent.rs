//! The real `lampfield`, run as a user runs it: a configuration file, a control socket, commands.
#![allow(dead_code, reason = "every test program takes what it needs")]

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Instant;

use serde_json::Value;

use crate::process::{GLANCE, Running, SOON, Scratch, free_port, wait_for};

/// The program.
pub(crate) const LAMPFIELD: &str = env!("CARGO_BIN_EXE_lampfield");

/// A running agent with the presentity `desk`, the buttons `dnd` and `hook`, and the lamps it was given.
pub(crate) struct Agent {
    process: Running,
    scratch: Scratch,
    port: u16,
}

/// What one lamp of the agent watches.
pub(crate) struct Watch<'a> {
    pub(crate) lamp: &'a str,
    pub(crate) target: String,
    pub(crate) event: &'a str,
    /// More lines of the lamp's table, in TOML.
    pub(crate) more: &'a str,
}

impl Agent {
    /// Starts an agent on a port of its own and returns when it serves.
    pub(crate) fn start(watches: &[Watch<'_>]) -> Agent {
        Agent::start_on(free_port(), watches)
    }

    /// Starts an agent on `port`, over IPv4 and IPv6.
    pub(crate) fn start_on(port: u16, watches: &[Watch<'_>]) -> Agent {
        Agent::configured(port, &configuration(port, watches), &[])
    }

    /// Starts an agent on `port` with a configuration of the test's own, and with files of these names beside it.
    pub(crate) fn configured(port: u16, configuration: &str, files: &[(&str, &str)]) -> Agent {
        let scratch = Scratch::new();
        for (name, text) in files {
            scratch.write(name, text);
        }
        let config = scratch.write("lampfield.toml", configuration);
        let socket = scratch.path("control");
        let mut command = Command::new(LAMPFIELD);
        command
            .arg("run")
            .arg("--config")
            .arg(config)
            .arg("--control")
            .arg(&socket);
        let mut process = Running::start(&mut command, scratch.path("log"));
        wait_for("lampfield opens its control socket", SOON, || {
            process.expect_alive();
            UnixStream::connect(&socket).ok()
        });
        Agent {
            process,
            scratch,
            port,
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Where it speaks SIP over IPv4.
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Where it speaks SIP over IPv6.
    pub(crate) fn address6(&self) -> String {
        format!("[::1]:{}", self.port)
    }

    /// Its presentity.
    pub(crate) fn uri(&self) -> String {
        presentity(self.port)
    }

    /// Runs a command of the command line, which has to succeed, and returns what it prints.
    #[track_caller]
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        let socket = self.socket();
        let socket = socket.to_str().expect("the folder's path is UTF-8");
        lampfield(&[arguments, &["--control", socket]].concat())
    }

    /// What a command prints with `--json`.
    #[track_caller]
    pub(crate) fn json(&self, command: &str) -> Value {
        let text = self.run(&[command, "--json"]);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{command}: {error} in {text}"))
    }

    /// What its control socket answers at `path`: the same, without a process for each question.
    #[track_caller]
    pub(crate) fn get(&self, path: &str) -> Value {
        let mut stream = UnixStream::connect(self.socket()).expect("it listens");
        stream.set_read_timeout(Some(SOON)).expect("set");
        write!(stream, "GET {path} HTTP/1.1\r\nConnection: close\r\n\r\n").expect("written");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        serde_json::from_str(body).unwrap_or_else(|error| panic!("{path}: {error} in {answer}"))
    }

    /// What `lamp` shows and why.
    #[track_caller]
    pub(crate) fn why(&self, lamp: &str) -> Value {
        self.get(&format!("/why/{lamp}"))
    }

    /// Waits until `lamp` stands for `state`.
    #[track_caller]
    pub(crate) fn expect_state(&self, lamp: &str, state: &str) {
        let deadline = Instant::now() + SOON;
        loop {
            let why = self.why(lamp);
            if why["lamp"]["state"] == state {
                return;
            }
            assert!(Instant::now() < deadline, "{lamp} is not {state}: {why}");
            thread::sleep(GLANCE);
        }
    }

    /// What it has printed so far.
    pub(crate) fn log(&self) -> String {
        self.process.output()
    }

    /// Waits until `count` subscriptions are served.
    #[track_caller]
    pub(crate) fn expect_watchers(&self, count: usize) {
        wait_for(&format!("{count} subscriptions served"), SOON, || {
            let watchers = self.json("watchers");
            let list = watchers.as_array().expect("watchers are a list");
            let active = list.iter().filter(|one| one["state"] == "active").count();
            (list.len() == count && active == count).then_some(())
        });
    }

    /// Waits until `lamp` shows `look`.
    #[track_caller]
    pub(crate) fn expect_lamp(&self, lamp: &str, look: &str) {
        wait_for(&format!("{lamp} shows {look}"), SOON, || {
            (self.look(lamp) == look).then_some(())
        });
    }

    /// What `lamp` shows now.
    #[track_caller]
    pub(crate) fn look(&self, lamp: &str) -> String {
        let lamps = self.json("lamps");
        let list = lamps.as_array().expect("lamps are a list");
        let one = list.iter().find(|one| one["name"] == lamp);
        let look = one.and_then(|one| one["look"].as_str());
        look.expect("the lamp is on the board").to_owned()
    }

    /// Follows the changes of `lamp` from now on.
    pub(crate) fn follow(&self, lamp: &str) -> Changes {
        Changes::start(self.socket(), lamp)
    }

    /// Has it read its configuration again.
    pub(crate) fn reload(&self) {
        self.process.signal("HUP");
    }

    /// Stops it as an init system does; it has to end by itself, with success.
    #[track_caller]
    pub(crate) fn stop(mut self) {
        self.process.signal("TERM");
        let status = self.process.wait(SOON);
        assert!(status.success(), "lampfield ended with {status}");
    }

    /// Its control socket.
    pub(crate) fn socket(&self) -> PathBuf {
        self.scratch.path("control")
    }
}

/// The looks of one lamp as `lampfield lamps --json --follow` tells them.
pub(crate) struct Changes {
    child: Child,
    looks: Receiver<String>,
}

impl Changes {
    fn start(socket: PathBuf, lamp: &str) -> Changes {
        let mut child = Command::new(LAMPFIELD)
            .args(["lamps", "--json", "--follow", "--control"])
            .arg(socket)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("lampfield starts");
        let output = child.stdout.take().expect("its output is a pipe");
        let (sender, looks) = mpsc::channel();
        let lamp = lamp.to_owned();
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let change: Value = serde_json::from_str(&line).expect("each line is JSON");
                if change["name"] == lamp.as_str() {
                    let look = change["look"].as_str().expect("a lamp has a look");
                    if sender.send(look.to_owned()).is_err() {
                        break;
                    }
                }
            }
        });
        Changes { child, looks }
    }

    /// Takes changes until `look` is told; what comes before it does not matter.
    #[track_caller]
    pub(crate) fn skip_to(&self, look: &str) {
        let deadline = Instant::now() + SOON;
        while self.next(deadline) != look {}
    }

    /// Takes the next changes, which have to be exactly these.
    #[track_caller]
    pub(crate) fn expect(&self, looks: &[&str]) {
        for look in looks {
            assert_eq!(self.next(Instant::now() + SOON), *look, "of {looks:?}");
        }
    }

    #[track_caller]
    fn next(&self, deadline: Instant) -> String {
        let left = deadline.saturating_duration_since(Instant::now());
        self.looks.recv_timeout(left).unwrap_or_else(|error| {
            let error = match error {
                RecvTimeoutError::Timeout => "the lamp did not change in time",
                RecvTimeoutError::Disconnected => "`lamps --follow` ended",
            };
            panic!("{error}")
        })
    }
}

impl Drop for Changes {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Runs `lampfield`, which has to succeed, and returns what it prints.
#[track_caller]
pub(crate) fn lampfield(arguments: &[&str]) -> String {
    let Output {
        status,
        stdout,
        stderr,
    } = Command::new(LAMPFIELD)
        .args(arguments)
        .output()
        .expect("lampfield starts");
    assert!(
        status.success(),
        "lampfield {arguments:?} ended with {status}: {}",
        String::from_utf8_lossy(&stderr)
    );
    String::from_utf8(stdout).expect("the command line prints UTF-8")
}

fn presentity(port: u16) -> String {
    format!("sip:desk@127.0.0.1:{port}")
}

/// The configuration of an agent on `port`, over UDP, with these watches.
pub(crate) fn configuration(port: u16, watches: &[Watch<'_>]) -> String {
    let desk = presentity(port);
    let mut text = format!(
        "listen = [\"udp:127.0.0.1:{port}\", \"udp:[::1]:{port}\"]\n\
         log = \"debug\"\n\
         [[presentity]]\n\
         uri = \"{desk}\"\n\
         [[presentity]]\n\
         uri = \"sip:desk@[::1]:{port}\"\n\
         [[button]]\n\
         name = \"dnd\"\n\
         does = \"dnd\"\n\
         [[button]]\n\
         name = \"hook\"\n\
         does = \"hook\"\n"
    );
    for Watch {
        lamp,
        target,
        event,
        more,
    } in watches
    {
        write!(
            text,
            "[[lamp]]\nname = \"{lamp}\"\nwatch = \"{target}\"\nevent = \"{event}\"\n{more}\n"
        )
        .expect("a string can grow");
    }
    text
}
