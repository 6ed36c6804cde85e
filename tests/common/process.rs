//! Children, ports, folders and deadlines: what every end-to-end test needs.
//!
//! Nothing outlives a test: a child is ended, by its own id, when its [`Running`] is dropped. Nothing is waited for
//! by sleeping: a condition is asked for again and again until it holds, or until its deadline fails the test.
#![allow(dead_code, reason = "every test program takes what it needs")]

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use std::{env, process, thread};

/// How long anything that happens at once may take on a slow and busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(10);

/// How often a condition is asked for.
pub(crate) const GLANCE: Duration = Duration::from_millis(20);

/// Asks `condition` until it holds, and fails the test if it does not within `limit`.
#[track_caller]
pub(crate) fn wait_for<T>(
    what: &str,
    limit: Duration,
    mut condition: impl FnMut() -> Option<T>,
) -> T {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(found) = condition() {
            return found;
        }
        assert!(Instant::now() < deadline, "not within {limit:?}: {what}");
        thread::sleep(GLANCE);
    }
}

/// A port of the loopback address that nobody else uses: free for UDP and TCP now, and outside the range from
/// which the kernel takes ports by itself. The three after it are left alone: baresip speaks TLS on the next one.
/// Each test process walks a stretch of its own.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    const FIRST: u32 = 20_000;
    const PLACES: u32 = 2_500;

    for _ in 0..PLACES {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = FIRST + (process::id() * 64 + step) % PLACES * 4;
        let port = u16::try_from(port).expect("below 30,000");
        if is_free(port) && is_free(port + 1) {
            return port;
        }
    }
    panic!("no free port on the loopback address");
}

fn is_free(port: u16) -> bool {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    UdpSocket::bind(address).is_ok() && TcpListener::bind(address).is_ok()
}

/// Whether somebody has bound `port` for UDP over IPv4.
///
/// Read from the kernel's table: trying to bind it would be in the way of the one that is waited for.
pub(crate) fn is_bound(port: u16) -> bool {
    let end = format!(":{port:04X}");
    let table = fs::read_to_string("/proc/net/udp").expect("Linux lists its sockets");
    table
        .lines()
        .filter_map(|line| line.split_whitespace().nth(1))
        .any(|local| local.ends_with(&end))
}

/// A folder of one test, removed with it unless the test failed.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> Scratch {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "lampfield-test-{}-{}",
            process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let folder = env::temp_dir().join(name);
        fs::create_dir_all(&folder).expect("the folder for temporary files can be written to");
        Scratch(folder)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Writes a file and returns its path.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).expect("the scratch folder can be written to");
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if !thread::panicking() {
            fs::remove_dir_all(&self.0).ok();
        }
    }
}

/// A child process whose output goes to a file. It is killed when this is dropped.
pub(crate) struct Running {
    name: String,
    child: Child,
    output: PathBuf,
}

impl Running {
    /// Starts `command`, with nothing to read and with both outputs in `output`.
    ///
    /// A program that is not installed fails the test with the remedy.
    pub(crate) fn start(command: &mut Command, output: PathBuf) -> Running {
        Running::spawn(command.stdin(Stdio::null()), output)
    }

    /// The same for a program that is told what to do line by line; it learns of the end when the pipe is dropped.
    pub(crate) fn start_told(command: &mut Command, output: PathBuf) -> (Running, ChildStdin) {
        let mut running = Running::spawn(command.stdin(Stdio::piped()), output);
        let orders = running.child.stdin.take().expect("its input is a pipe");
        (running, orders)
    }

    fn spawn(command: &mut Command, output: PathBuf) -> Running {
        // What it runs in is not what it is.
        let inside = command.get_args().nth(1);
        let name = match command.get_program() {
            program if program == "timeout" => inside.unwrap_or(program),
            program => program,
        };
        let name = name.to_string_lossy().into_owned();
        let file = File::create(&output).expect("the scratch folder can be written to");
        let errors = file.try_clone().expect("a file can be shared");
        let child = command
            .stdout(file)
            .stderr(errors)
            .spawn()
            .unwrap_or_else(|error| {
                panic!("{name} does not start ({error}): `tests/run` installs what is missing")
            });
        Running {
            name,
            child,
            output,
        }
    }

    /// Sends a signal, by its name: `TERM`, `HUP`.
    pub(crate) fn signal(&self, signal: &str) {
        let order = format!("kill -{signal} {}", self.child.id());
        let status = Command::new("sh").args(["-c", &order]).status();
        assert!(
            status.is_ok_and(|status| status.success()),
            "{order} failed"
        );
    }

    /// Tells the child to end and waits a while for it: for one that has children of its own to see to. Never fails
    /// the test: this is for a test that may have failed already.
    pub(crate) fn end(&mut self) {
        if !matches!(self.child.try_wait(), Ok(None)) {
            return;
        }
        let order = format!("kill -TERM {}", self.child.id());
        Command::new("sh").args(["-c", &order]).status().ok();
        let deadline = Instant::now() + SOON;
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < deadline {
            thread::sleep(GLANCE);
        }
    }

    /// Waits until the child has ended by itself.
    #[track_caller]
    pub(crate) fn wait(&mut self, limit: Duration) -> ExitStatus {
        let name = self.name.clone();
        wait_for(&format!("{name} ends"), limit, || {
            self.child.try_wait().expect("the child is ours")
        })
    }

    /// Fails the test if the child has ended already.
    #[track_caller]
    pub(crate) fn expect_alive(&mut self) {
        if let Some(status) = self.child.try_wait().expect("the child is ours") {
            panic!("{} ended with {status}:\n{}", self.name, self.output());
        }
    }

    /// What the child has printed so far.
    pub(crate) fn output(&self) -> String {
        read(&self.output)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("--- output of {}:\n{}---", self.name, self.output());
        }
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The text of a file, or nothing where there is none; bytes that are not UTF-8 are shown as such.
pub(crate) fn read(path: &Path) -> String {
    fs::read(path)
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .unwrap_or_default()
}
