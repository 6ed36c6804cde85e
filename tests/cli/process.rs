//! The program as a process: started, read with a limit of time, and ended with the test.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::UdpSocket;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long anything may take before the test fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// A directory of the test's own, gone when it ends.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Folder {
        let id = std::process::id();
        let path = std::env::temp_dir().join(format!("lampfield-cli-{id}-{name}"));
        fs::create_dir_all(&path).expect("a temporary directory");
        Folder(path)
    }

    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        fs::write(&path, text).expect("the directory is writable");
        path.display().to_string()
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub(crate) fn lampfield(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lampfield"))
        .args(arguments)
        .output()
        .expect("the program starts")
}

pub(crate) fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

pub(crate) fn complaint(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("UTF-8")
}

#[track_caller]
pub(crate) fn exits(output: &Output, code: i32) {
    let text = complaint(output);
    assert_eq!(output.status.code(), Some(code), "{text}");
}

/// The answer as JSON; it must be good.
#[track_caller]
pub(crate) fn json(output: &Output) -> Value {
    exits(output, 0);
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// A UDP port of 127.0.0.1 that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    socket.local_addr().expect("it is bound").port()
}

/// A process whose lines can be waited for.
pub(crate) struct Process {
    child: Child,
    lines: Receiver<String>,
}

impl Process {
    /// Starts the program; its lines are those of standard output.
    pub(crate) fn start(arguments: &[&str]) -> Process {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lampfield"));
        let mut child = command
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("the program starts");
        let out = child.stdout.take().expect("it is piped");
        Process {
            child,
            lines: read_lines(out),
        }
    }

    /// As [`Process::start`]; its lines are those of standard error.
    pub(crate) fn start_logging(arguments: &[&str]) -> Process {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lampfield"));
        let mut child = command
            .args(arguments)
            .env_remove("LAMPFIELD_LOG")
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let log = child.stderr.take().expect("it is piped");
        Process {
            child,
            lines: read_lines(log),
        }
    }

    /// Waits for a line that is `wanted`.
    #[track_caller]
    pub(crate) fn wait_for(&self, wanted: impl Fn(&str) -> bool) -> String {
        let until = Instant::now() + PATIENCE;
        let mut seen = Vec::new();
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) if wanted(&line) => return line,
                Ok(line) => seen.push(line),
                Err(error) => panic!("{error}; the lines were {seen:#?}"),
            }
        }
    }

    /// Sends a signal by its name.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status();
        assert!(sent.expect("kill is there").success());
    }

    /// Waits until it ends; its exit code.
    #[track_caller]
    pub(crate) fn end(mut self) -> Option<i32> {
        let until = Instant::now() + PATIENCE;
        // Its lines end when it ends.
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(_) => {}
                Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => break,
                Err(timeout) => panic!("it does not end: {timeout}"),
            }
        }
        self.child.wait().expect("it is our child").code()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read_lines(from: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = channel();
    thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    lines
}

/// A running agent.
pub(crate) struct Agent {
    /// The process, its lines being the log.
    pub(crate) process: Process,
    /// Its control socket.
    pub(crate) control: String,
    /// Its SIP port on 127.0.0.1.
    pub(crate) port: u16,
}

impl Agent {
    /// Starts an agent with more `arguments` and waits until it is ready.
    #[track_caller]
    pub(crate) fn start(folder: &Folder, arguments: &[&str]) -> Agent {
        let (control, port) = (folder.path("control.sock"), free_port());
        let listen = format!("udp:127.0.0.1:{port}");
        let own = ["run", "--control", &control, "--listen", &listen];
        let process = Process::start_logging(&[&own, arguments].concat());
        process.wait_for(|line| line.contains("ready, sip on "));
        Agent {
            process,
            control,
            port,
        }
    }

    /// Asks or tells it something.
    pub(crate) fn ask(&self, arguments: &[&str]) -> Output {
        lampfield(&[arguments, &["--control", &self.control]].concat())
    }

    /// Follows its lamps, as JSON.
    pub(crate) fn follow(&self) -> Process {
        Process::start(&["lamps", "--follow", "--json", "--control", &self.control])
    }
}
