//! The agent as a service: what the manager hears, what the journal gets, and what the sandbox keeps closed.
#![cfg(feature = "std")]

use std::fs;
use std::io::{BufRead, BufReader, PipeReader};
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// What does not come within this does not come.
const LIMIT: Duration = Duration::from_secs(20);

const GOOD: &str = "listen = [\"udp:127.0.0.1:0\"]\n[[presentity]]\nuri = \"sip:desk@127.0.0.1\"\n";

/// A folder with a manager's socket and a configuration, and the agent that runs by it.
struct Service {
    folder: PathBuf,
    manager: UnixDatagram,
    child: Child,
    log: BufReader<PipeReader>,
}

impl Service {
    fn start(test: &str, configuration: &str, environment: &[(&str, &str)]) -> Service {
        let name = format!("lampfield-service-{}-{test}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(folder.join("etc")).expect("a folder");
        let file = folder.join("etc/lampfield.toml");
        fs::write(&file, configuration).expect("written");
        let manager = UnixDatagram::bind(folder.join("notify")).expect("free");
        manager.set_read_timeout(Some(LIMIT)).expect("set");
        let (log, stderr) = std::io::pipe().expect("a pipe");
        let inode = rustix::fs::fstat(&log).expect("open");
        let child = Command::new(env!("CARGO_BIN_EXE_lampfield"))
            .args(["run", "--config"])
            .arg(&file)
            .arg("--control")
            .arg(folder.join("control.sock"))
            .env_remove("LAMPFIELD_LOG")
            .env("NOTIFY_SOCKET", folder.join("notify"))
            .env(
                "JOURNAL_STREAM",
                format!("{}:{}", inode.st_dev, inode.st_ino),
            )
            .envs(environment.iter().copied())
            .stderr(stderr)
            .spawn()
            .expect("it runs");
        Service {
            folder,
            manager,
            child,
            log: BufReader::new(log),
        }
    }

    fn configure(&self, configuration: &str) {
        fs::write(self.folder.join("etc/lampfield.toml"), configuration).expect("written");
        self.signal(Signal::SIGHUP);
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).expect("a process id");
        kill(Pid::from_raw(pid), signal).expect("sent");
    }

    fn heard(&self) -> String {
        let mut buf = [0; 1_024];
        let length = self.manager.recv(&mut buf).expect("a message in time");
        String::from_utf8_lossy(&buf[..length]).into_owned()
    }

    #[track_caller]
    fn expect(&self, beginning: &str) -> String {
        let text = self.heard();
        assert!(text.starts_with(beginning), "{text} instead of {beginning}");
        text
    }

    /// The next line of the log that holds `text`.
    fn expect_log(&mut self, text: &str) -> String {
        let mut all = String::new();
        loop {
            let before = all.len();
            let more = self.log.read_line(&mut all).expect("a line");
            assert!(more > 0, "no {text:?} in {all}");
            if all[before..].contains(text) {
                return all[before..].trim_end().to_string();
            }
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill(); // It may have ended already.
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder); // The system clears its temporary files too.
    }
}

#[test]
fn the_manager_hears_that_it_is_ready_reloads_and_stops() {
    let mut service = Service::start("steps", GOOD, &[]);
    service.expect("READY=1\nSTATUS=sip on udp:127.0.0.1:");
    service.configure(GOOD);
    service.expect("RELOADING=1\nMONOTONIC_USEC=");
    service.expect("READY=1\n");
    service.configure("listen = 5060\n");
    service.expect("RELOADING=1\n");
    let text = service.expect("READY=1\n");
    assert!(text.contains("configuration was refused"), "{text}");
    service.signal(Signal::SIGTERM);
    service.expect("STOPPING=1\n");
    assert_eq!(service.child.wait().expect("it ends").code(), Some(0));
}

#[test]
fn the_heart_beats_only_while_the_loop_turns() {
    let service = Service::start("heart", GOOD, &[("WATCHDOG_USEC", "400000")]);
    service.expect("READY=1\n");
    let before = Instant::now();
    for _ in 0..5 {
        service.expect("WATCHDOG=1");
    }
    assert!(before.elapsed() > Duration::from_millis(900), "too fast");
    service.signal(Signal::SIGSTOP);
    let silent = Some(Duration::from_millis(1_500));
    service.manager.set_read_timeout(silent).expect("set");
    // One may have been on its way.
    let mut buf = [0; 64];
    let late = (0..2).filter(|_| service.manager.recv(&mut buf).is_ok());
    assert!(late.count() < 2, "a stopped loop has a heart");
}

#[test]
fn no_heart_beats_for_another_process_or_without_a_watchdog() {
    for environment in [
        &[("WATCHDOG_USEC", "100000"), ("WATCHDOG_PID", "1")][..],
        &[("WATCHDOG_USEC", "0")],
        &[],
    ] {
        let service = Service::start("quiet", GOOD, environment);
        service.expect("READY=1\n");
        let while_idle = Some(Duration::from_millis(500));
        service.manager.set_read_timeout(while_idle).expect("set");
        assert!(service.manager.recv(&mut [0; 64]).is_err());
    }
}

#[test]
fn the_journal_gets_priorities_instead_of_names() {
    let mut service = Service::start("journal", GOOD, &[]);
    let line = service.expect_log("ready, ");
    assert!(line.starts_with("<6>ready, sip on udp:"), "{line}");
    service.configure("listen = 5060\n");
    let line = service.expect_log("in force");
    assert_eq!(line, "<4>the configuration in force goes on");

    let mut service = Service::start("faults", "listen = 5060\n", &[]);
    assert_eq!(service.child.wait().expect("it ends").code(), Some(2));
    let line = service.expect_log("lampfield.toml:1");
    assert!(line.starts_with("<3>"), "{line}");
}

/// The board would be taken if it could be read: without the sandbox, the complaint is another one.
#[test]
fn a_file_outside_stays_closed_to_a_running_agent() {
    let sim = concat!(env!("CARGO_MANIFEST_DIR"), "/boards/sim.toml");
    for (sandbox, complaint) in [
        ("true", "Permission denied"),
        ("false", "the board has changed"),
    ] {
        let configuration = format!("sandbox = {sandbox}\n{GOOD}");
        let mut service = Service::start(sandbox, &configuration, &[("LAMPFIELD_LOG", "debug")]);
        if sandbox == "true" && service.expect_log("sandbox").contains("no Landlock") {
            eprintln!("this kernel has no Landlock: nothing was tested");
            continue;
        }
        service.expect("READY=1\n");
        let board = service.folder.join("outside.toml");
        fs::copy(sim, &board).expect("copied");
        let text = fs::read_to_string(&board).expect("there");
        fs::write(&board, text.replace("\"sim\"\nd", "\"other\"\nd")).expect("written");
        service.configure(&format!("board = \"{}\"\n{configuration}", board.display()));
        service.expect_log(complaint);
        // What it is allowed goes on: the same file again.
        service.configure(&configuration);
        service.expect_log("configuration read again");
    }
}

/// Editors write a new file and rename it.
#[test]
fn a_configuration_that_is_replaced_is_read_again_inside_the_sandbox() {
    let mut service = Service::start("replaced", GOOD, &[]);
    service.expect("READY=1\n");
    let new = service.folder.join("etc/new");
    fs::write(&new, GOOD).expect("written");
    fs::rename(&new, service.folder.join("etc/lampfield.toml")).expect("renamed");
    service.signal(Signal::SIGHUP);
    service.expect_log("configuration read again");
    let socket = service.folder.join("control.sock");
    assert!(socket.exists());
    service.signal(Signal::SIGTERM);
    assert_eq!(service.child.wait().expect("it ends").code(), Some(0));
    assert!(!socket.exists(), "the sandbox kept the socket");
}
