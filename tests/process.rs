//! The agent as a process: its start, its signals, its end.
#![cfg(feature = "std")]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, UdpSocket};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rustix::fs::OFlags;
use rustix::pty::{OpenptFlags, openpt, ptsname, unlockpt};
use rustix::termios::{Action, tcflow};

/// What does not come within this does not come.
const LIMIT: Duration = Duration::from_secs(20);

/// A folder with a configuration, and the agent that runs by it.
struct Agent {
    folder: PathBuf,
    child: Child,
    log: BufReader<ChildStderr>,
    sip: SocketAddr,
}

const PROGRAM: &str = env!("CARGO_BIN_EXE_lampfield");

const GOOD: &str = "[[presentity]]\nuri = \"sip:desk@127.0.0.1\"\n";

impl Agent {
    fn start(test: &str) -> Agent {
        let name = format!("lampfield-process-{}-{test}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).expect("a folder");
        let agent = Agent::start_in(folder, GOOD);
        agent.unwrap_or_else(|text| panic!("it did not start: {text}"))
    }

    /// Starts an agent with this configuration, or gives what it said instead of being ready.
    fn start_in(folder: PathBuf, text: &str) -> Result<Agent, String> {
        Agent::start_by(Command::new(PROGRAM), folder, text)
    }

    /// The same, with a command that runs the program.
    fn start_by(mut command: Command, folder: PathBuf, text: &str) -> Result<Agent, String> {
        let file = folder.join("lampfield.toml");
        fs::write(&file, text).expect("written");
        let mut child = command
            .args(["run", "--listen", "udp:127.0.0.1:0", "--config"])
            .arg(&file)
            .arg("--control")
            .arg(folder.join("control.sock"))
            .env_remove("LAMPFIELD_LOG")
            .stderr(Stdio::piped())
            .spawn()
            .expect("it runs");
        let mut log = BufReader::new(child.stderr.take().expect("piped"));
        let mut said = String::new();
        // It may have something to say before it is ready.
        let sip = loop {
            let before = said.len();
            if log.read_line(&mut said).expect("a line") == 0 {
                assert_eq!(child.wait().expect("it ends").code(), Some(1), "{said}");
                return Err(said);
            }
            let ready = said[before..].strip_prefix("lampfield: ready, sip on udp:");
            if let Some((sip, _)) = ready.and_then(|rest| rest.split_once(' ')) {
                break sip.parse().expect("an address");
            }
        };
        Ok(Agent {
            sip,
            folder,
            child,
            log,
        })
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).expect("a process id");
        kill(Pid::from_raw(pid), signal).expect("sent");
    }

    /// Reads the log until a line ends in `text`.
    fn expect_log(&mut self, text: &str) {
        let mut all = String::new();
        loop {
            let before = all.len();
            let more = self.log.read_line(&mut all).expect("a line");
            assert!(more > 0, "no {text:?} in {all}");
            if all[before..].trim_end().ends_with(text) {
                return;
            }
        }
    }

    fn status(&self) -> String {
        let mut stream = UnixStream::connect(self.folder.join("control.sock")).expect("it listens");
        stream.set_read_timeout(Some(LIMIT)).expect("set");
        let request = b"GET /presentities HTTP/1.1\r\nConnection: close\r\n\r\n";
        stream.write_all(request).expect("written");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
    }

    fn expect_end(&mut self, code: Option<i32>, within: Duration) {
        let before = Instant::now();
        let status = self.child.wait().expect("it ends");
        assert_eq!(status.code(), code);
        let after = before.elapsed();
        assert!(after < within, "after {after:?}");
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill(); // It may have ended already.
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder); // The system clears its temporary files too.
    }
}

/// Subscribes and takes the 200 and the first NOTIFY, which is for the caller to answer.
fn subscribe(sip: SocketAddr) -> (UdpSocket, String) {
    let watcher = UdpSocket::bind("127.0.0.1:0").expect("a watcher");
    watcher.set_read_timeout(Some(LIMIT)).expect("set");
    let here = watcher.local_addr().expect("bound");
    let text = format!(
        "SUBSCRIBE sip:desk@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP {here};branch=z9hG4bK1;rport\r\n\
         Max-Forwards: 70\r\nFrom: <sip:bob@127.0.0.1>;tag=b\r\nTo: <sip:desk@127.0.0.1>\r\nCall-ID: 1@{here}\r\n\
         CSeq: 1 SUBSCRIBE\r\nContact: <sip:bob@{here}>\r\nEvent: presence\r\nExpires: 300\r\n\
         Content-Length: 0\r\n\r\n"
    );
    watcher.send_to(text.as_bytes(), sip).expect("sent");
    let answer = receive(&watcher);
    assert!(answer.starts_with("SIP/2.0 200 "), "{answer}");
    let notify = receive(&watcher);
    assert!(notify.starts_with("NOTIFY sip:bob@"), "{notify}");
    (watcher, notify)
}

/// The 200 to a request.
fn accept(request: &str) -> String {
    let names = ["Via: ", "From: ", "To: ", "Call-ID: ", "CSeq: "];
    let is_echoed = |line: &&str| names.iter().any(|name| line.starts_with(name));
    let rows: Vec<&str> = request.split("\r\n").filter(is_echoed).collect();
    let rows = rows.join("\r\n");
    format!("SIP/2.0 200 OK\r\n{rows}\r\nContent-Length: 0\r\n\r\n")
}

fn receive(watcher: &UdpSocket) -> String {
    let mut buf = [0; 4_096];
    let length = watcher.recv(&mut buf).expect("a message");
    String::from_utf8_lossy(&buf[..length]).into_owned()
}

#[test]
fn an_agent_that_nobody_asked_has_one_thread() {
    let agent = Agent::start("thread");
    let threads = || {
        let tasks = fs::read_dir(format!("/proc/{}/task", agent.child.id()));
        tasks.expect("Linux").count()
    };
    let (_watcher, _notify) = subscribe(agent.sip);
    assert_eq!(threads(), 1);
    agent.status();
    assert_eq!(threads(), 2, "async-io's reactor");
}

/// It hides from the program what the kernel maps for reading the clock; whoever looks for that behind its back dies.
#[test]
fn valgrind_runs_it_and_finds_nothing() {
    let name = format!("lampfield-process-{}-valgrind", std::process::id());
    let folder = std::env::temp_dir().join(name);
    fs::create_dir_all(&folder).expect("a folder");
    let mut command = Command::new("valgrind");
    // What it says itself belongs in no log of ours; an error that it finds is the exit code.
    command.arg(format!("--log-file={}", folder.join("found").display()));
    command.arg("--error-exitcode=99");
    command.arg(PROGRAM);
    let agent = Agent::start_by(command, folder, GOOD);
    let mut agent = agent.unwrap_or_else(|text| panic!("it did not start: {text}"));
    let (watcher, notify) = subscribe(agent.sip);
    let sent = watcher.send_to(accept(&notify).as_bytes(), agent.sip);
    sent.expect("sent");
    agent.signal(Signal::SIGTERM);
    let last = receive(&watcher);
    let sent = watcher.send_to(accept(&last).as_bytes(), agent.sip);
    sent.expect("sent");
    agent.expect_end(Some(0), LIMIT);
}

#[test]
fn sighup_takes_good_settings_and_leaves_bad_ones() {
    let mut agent = Agent::start("hup");
    let file = agent.folder.join("lampfield.toml");
    fs::write(
        &file,
        "[[presentity]]\nuri = \"sip:desk@127.0.0.1\"\ncolour = 1\n",
    )
    .expect("written");
    agent.signal(Signal::SIGHUP);
    agent.expect_log("the configuration in force goes on");
    assert!(agent.status().contains("sip:desk@127.0.0.1"));

    let more = format!("{GOOD}[[presentity]]\nuri = \"sip:door@127.0.0.1\"\n");
    fs::write(&file, more).expect("written");
    agent.signal(Signal::SIGHUP);
    agent.expect_log("configuration read again");
    let status = agent.status();
    assert!(status.contains("sip:desk@127.0.0.1"), "{status}");
    assert!(status.contains("sip:door@127.0.0.1"), "{status}");
}

#[test]
fn a_reload_keeps_the_subscriptions() {
    let mut agent = Agent::start("keep");
    let (watcher, notify) = subscribe(agent.sip);
    let answer = accept(&notify);
    let sent = watcher.send_to(answer.as_bytes(), agent.sip);
    sent.expect("sent");
    agent.signal(Signal::SIGHUP);
    agent.expect_log("configuration read again");
    agent.signal(Signal::SIGTERM);
    let last = receive(&watcher);
    assert!(
        last.contains("\r\nSubscription-State: terminated;reason=deactivated\r\n"),
        "{last}"
    );
    let sent = watcher.send_to(accept(&last).as_bytes(), agent.sip);
    sent.expect("sent");
    agent.expect_end(Some(0), Duration::from_secs(5));
}

#[test]
fn both_ending_signals_end_well_and_take_the_socket_along() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let mut agent = Agent::start(signal.as_str());
        agent.signal(signal);
        agent.expect_end(Some(0), Duration::from_secs(5));
        assert!(!agent.folder.join("control.sock").exists());
    }
}

/// A watcher that does not answer makes leave-taking last; nobody has to wait for that.
#[test]
fn leave_lasts_three_seconds_at_most_and_a_second_signal_ends_it() /* J05 */
{
    let mut agent = Agent::start("leave");
    let _silent = subscribe(agent.sip);
    agent.signal(Signal::SIGTERM);
    let before = Instant::now();
    agent.expect_end(Some(0), Duration::from_secs(5));
    assert!(before.elapsed() > Duration::from_secs(2), "it did not wait");

    let mut agent = Agent::start("leave");
    let _silent = subscribe(agent.sip);
    agent.signal(Signal::SIGTERM);
    agent.expect_log("stopping");
    agent.signal(Signal::SIGTERM);
    agent.expect_end(Some(0), Duration::from_secs(2));
}

#[test]
fn an_agent_that_takes_leave_reads_nothing_again() {
    let mut agent = Agent::start("late");
    let _silent = subscribe(agent.sip);
    agent.signal(Signal::SIGTERM);
    agent.expect_log("stopping");
    agent.signal(Signal::SIGHUP);
    agent.signal(Signal::SIGINT);
    let mut log = String::new();
    agent.log.read_to_string(&mut log).expect("text");
    assert!(!log.contains("read again"), "{log}");
    agent.expect_end(Some(0), LIMIT);
}

/// As when the log goes to a pipe whose reader hangs.
#[test]
fn a_log_that_nobody_reads_stops_nothing() {
    let agent = Agent::start("unread");
    let bad = "[[presentity]]\nuri = \"nobody\"\n".repeat(8);
    fs::write(agent.folder.join("lampfield.toml"), bad).expect("written");
    for _ in 0..200 {
        agent.signal(Signal::SIGHUP);
        assert!(agent.status().contains("sip:desk@127.0.0.1"));
    }
}

#[test]
fn a_second_agent_leaves_the_first_ones_socket_alone() {
    let agent = Agent::start("second");
    let Err(text) = Agent::start_in(agent.folder.clone(), GOOD) else {
        panic!("two agents on one socket");
    };
    assert!(
        text.starts_with("lampfield: another agent is running: "),
        "{text}"
    );
    assert!(
        text.contains("remedy: end it, or give this one another socket"),
        "{text}"
    );
    assert!(agent.status().contains("sip:desk@127.0.0.1"));
}

#[test]
fn after_a_crash_the_next_start_works() {
    let mut agent = Agent::start("crash");
    agent.signal(Signal::SIGKILL);
    agent.expect_end(None, LIMIT);
    assert!(agent.folder.join("control.sock").exists());
    let again = Agent::start_in(agent.folder.clone(), GOOD);
    let again = again.unwrap_or_else(|text| panic!("it did not start: {text}"));
    assert!(again.status().contains("sip:desk@127.0.0.1"));
}

#[test]
fn strangers_cannot_flood_the_log() {
    let mut agent = Agent::start("flood");
    let stranger = UdpSocket::bind("127.0.0.1:0").expect("a stranger");
    stranger.set_read_timeout(Some(LIMIT)).expect("set");
    for number in 0..20 {
        for _ in 0..100 {
            let sent = stranger.send_to(b"\x1b[2J no SIP \r\n\r\n", agent.sip);
            sent.expect("sent");
        }
        // The answer tells that they have been read, so that none is lost on the way.
        let options = format!(
            "OPTIONS sip:desk@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK{number};rport\r\n\
             Max-Forwards: 70\r\nFrom: <sip:x@127.0.0.1>;tag=x\r\nTo: <sip:desk@127.0.0.1>\r\n\
             Call-ID: {number}@x\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
        );
        let sent = stranger.send_to(options.as_bytes(), agent.sip);
        sent.expect("sent");
        assert!(receive(&stranger).starts_with("SIP/2.0 200 "));
    }
    agent.signal(Signal::SIGTERM);
    let mut log = String::new();
    agent.log.read_to_string(&mut log).expect("text");
    let lines = log.lines().count();
    assert!((3..60).contains(&lines), "{lines} lines");
    assert!(
        log.lines()
            .all(|line| line.len() < 500 && !line.contains('\x1b')),
        "{log}"
    );
}

/// ```text
///   agent ── REGISTER, SUBSCRIBE ──► server: 403, 403
///   phone ── jaK, PING, a SUBSCRIBE to nobody, an OPTIONS without Call-ID ──► agent
/// ```
#[test]
fn the_log_says_at_its_usual_level_what_a_person_would_ask() {
    let server = UdpSocket::bind("127.0.0.1:0").expect("a server");
    server.set_read_timeout(Some(LIMIT)).expect("set");
    let at = server.local_addr().expect("bound");
    let text = format!(
        "{GOOD}[[upstream]]\naor = \"sip:100@127.0.0.1\"\nservers = [\"{at}\"]\n\
         [[lamp]]\nname = \"blf1\"\nwatch = \"sip:bob@127.0.0.1\"\nserver = \"{at}\"\n"
    );
    let name = format!("lampfield-process-{}-asks", std::process::id());
    let folder = std::env::temp_dir().join(name);
    fs::create_dir_all(&folder).expect("a folder");
    let agent = Agent::start_in(folder, &text);
    let mut agent = agent.unwrap_or_else(|text| panic!("it did not start: {text}"));
    for _ in 0..2 {
        let mut buf = [0; 2_048];
        let (length, from) = server.recv_from(&mut buf).expect("a request");
        let request = String::from_utf8_lossy(&buf[..length]).into_owned();
        let answer = accept(&request).replace("200 OK", "403 No");
        server.send_to(answer.as_bytes(), from).expect("sent");
    }
    let phone = UdpSocket::bind("127.0.0.1:0").expect("a phone");
    let from = phone.local_addr().expect("bound");
    for quiet in [&b"jaK"[..], b"PING", b"\0", b"\r\n\r\n"] {
        phone.send_to(quiet, agent.sip).expect("sent");
    }
    let rows = format!(
        "SIP/2.0\r\nVia: SIP/2.0/UDP {from};branch=z9hG4bK1;rport\r\nMax-Forwards: 70\r\n\
         From: <sip:x@127.0.0.1>;tag=x\r\nTo: <sip:nobody@127.0.0.1>\r\nContact: <sip:x@{from}>\r\n\
         Event: dialog\r\nContent-Length: 0\r\n"
    );
    let lost =
        format!("SUBSCRIBE sip:nobody@127.0.0.1 {rows}Call-ID: 1@x\r\nCSeq: 1 SUBSCRIBE\r\n\r\n");
    phone.send_to(lost.as_bytes(), agent.sip).expect("sent");
    let broken = format!("OPTIONS sip:desk@127.0.0.1 {rows}CSeq: 1 OPTIONS\r\n\r\n");
    phone.send_to(broken.as_bytes(), agent.sip).expect("sent");
    for _ in 0..2 {
        phone.recv(&mut [0; 2_048]).expect("an answer");
    }
    agent.signal(Signal::SIGTERM);
    let mut log = String::new();
    agent.log.read_to_string(&mut log).expect("text");
    let reported: Vec<&str> = log.lines().filter(|it| !it.contains("stopping")).collect();
    for line in [
        format!(
            "account sip:100@127.0.0.1 is refused by {at}: 403 to REGISTER (it does not let us)"
        ),
        format!(
            "lamp blf1 is without its subscription to sip:bob@127.0.0.1 at {at}: refused with 403"
        ),
        format!("refused SUBSCRIBE sip:nobody@127.0.0.1 (dialog) from {from}: 404 Not Found"),
        format!(
            "refused OPTIONS sip:desk@127.0.0.1 from {from}: 400 Bad Request (Missing Call-ID header field)"
        ),
    ] {
        let line = format!("lampfield: {line}");
        assert_eq!(
            reported.iter().filter(|it| **it == line).count(),
            1,
            "{line} in\n{log}"
        );
    }
    assert!(!log.contains("dropped a datagram"), "{log}");
}

/// Somebody pressed Ctrl-S in the terminal that the agent was started in, and went home.
#[test]
fn a_terminal_that_was_stopped_does_not_stop_the_agent() {
    let shown = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
    unlockpt(&shown).expect("unlocked");
    let name = ptsname(&shown, Vec::new()).expect("it has a name");
    let path = name.into_string().expect("a path");
    let mut options = fs::File::options();
    options
        .read(true)
        .write(true)
        .custom_flags(OFlags::NOCTTY.bits() as i32);
    let terminal = options.open(path).expect("opened");
    let name = format!("lampfield-process-{}-terminal", std::process::id());
    let folder = std::env::temp_dir().join(name);
    fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join("lampfield.toml");
    fs::write(&file, GOOD).expect("written");
    let child = Command::new(PROGRAM)
        .args(["run", "--listen", "udp:127.0.0.1:0", "--config"])
        .arg(&file)
        .arg("--control")
        .arg(folder.join("control.sock"))
        .env_remove("LAMPFIELD_LOG")
        .stderr(terminal.try_clone().expect("another"))
        .spawn()
        .expect("it runs");
    let mut child = Ended(child);
    let mut log = BufReader::new(fs::File::from(shown));
    let mut line = String::new();
    log.read_line(&mut line).expect("a line");
    let ready = line.strip_prefix("lampfield: ready, sip on udp:");
    let (sip, _) = ready.and_then(|it| it.split_once(' ')).expect("ready");
    tcflow(&terminal, Action::OOff).expect("stopped");
    let peer = UdpSocket::bind("127.0.0.1:0").expect("a peer");
    peer.set_read_timeout(Some(Duration::from_secs(1)))
        .expect("set");
    let here = peer.local_addr().expect("bound");
    for number in 0..10 {
        // Each is worth a line.
        let text = format!(
            "OPTIONS sip:nobody@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP {here};branch=z9hG4bK{number}\r\n\
             From: <sip:a@127.0.0.1>;tag=1\r\nTo: <sip:nobody@127.0.0.1>\r\nCall-ID: {number}\r\n\
             CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
        );
        peer.send_to(text.as_bytes(), sip).expect("sent");
        let mut buf = [0; 2_048];
        let len = peer.recv(&mut buf).expect("it answers");
        assert!(buf[..len].starts_with(b"SIP/2.0 404 "));
    }
    tcflow(&terminal, Action::OOn).expect("on again");
    let text = "OPTIONS sip:nobody@127.0.0.1 SIP/2.0\r\n\r\n";
    peer.send_to(text.as_bytes(), sip).expect("sent");
    line.clear();
    while !line.contains("lines lost before: nobody read them") {
        line.clear();
        log.read_line(&mut line).expect("a line");
    }
    child.0.kill().expect("it is there");
    let _ = fs::remove_dir_all(&folder); // The system clears its temporary files too.
}

/// A process that does not outlive its test.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill(); // It may have ended already.
        let _ = self.0.wait();
    }
}

/// A small stack and little address space: what it needs it takes at its start.
#[test]
fn little_memory_is_enough_or_said_to_be_too_little() /* ATTACKS J09 */
{
    for (stack, space, starts) in [(256, 400_000, true), (256, 4_000, false)] {
        let name = format!("lampfield-process-{}-memory-{space}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).expect("a folder");
        let mut shell = Command::new("sh");
        let line = format!("ulimit -s {stack}; ulimit -v {space}; exec \"$0\" \"$@\"");
        shell.args(["-c", &line, PROGRAM]);
        if !starts {
            let end = shell.arg("version").stderr(Stdio::null()).status();
            assert!(!end.expect("it ends").success(), "in {space} kB");
            continue;
        }
        let agent = Agent::start_by(shell, folder, GOOD);
        let agent = agent.unwrap_or_else(|text| panic!("it did not start: {text}"));
        // The longest way through the stack: a document is read, composed with others and told.
        let (watcher, notify) = subscribe(agent.sip);
        assert!(notify.contains("<basic>open</basic>"), "{notify}");
        let here = watcher.local_addr().expect("bound");
        let tuple = "<tuple id='t'><status><basic>closed</basic></status></tuple>";
        let body = format!(
            "<presence xmlns='urn:ietf:params:xml:ns:pidf'>{}</presence>",
            tuple.repeat(2_000 / tuple.len())
        );
        let text = format!(
            "PUBLISH sip:desk@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP {here};branch=z9hG4bKp;rport\r\n\
             Max-Forwards: 70\r\nFrom: <sip:desk@127.0.0.1>;tag=p\r\nTo: <sip:desk@127.0.0.1>\r\n\
             Call-ID: p\r\nCSeq: 1 PUBLISH\r\nEvent: presence\r\nExpires: 300\r\n\
             Content-Type: application/pidf+xml\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        watcher.send_to(text.as_bytes(), agent.sip).expect("sent");
        let mut answer = receive(&watcher);
        while answer.starts_with("NOTIFY ") {
            answer = receive(&watcher);
        }
        assert!(answer.starts_with("SIP/2.0 200 "), "{answer}");
    }
}
