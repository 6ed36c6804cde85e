//! Measures the memory of a running agent: after its start, and with full tables. `benches/memory` drives it.
//!
//! ```text
//! memory LAMPFIELD [KILOBYTES]     fails if more is resident with full tables
//! ```
//!
//! The agent is the real program on loopback, with as many presentities and lamps as it has places for. This
//! program is the rest of the world: it watches until the agent has no place left, and is watched by every lamp.

use lampfield::ground::limits;
use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

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
    let world = World::new();
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

/// Lamps on the panel, each with a watch of its own.
const LAMPS: usize = if limits::LAMPS < limits::WATCHES {
    limits::LAMPS
} else {
    limits::WATCHES
};

/// Waiting for longer than this is a failure.
const LIMIT: Duration = Duration::from_secs(20);

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
        // Those who only fetch leave a transaction behind; the lamps' NOTIFYs did too.
        let others = limits::SUBSCRIPTIONS + LAMPS;
        let fetches = limits::TRANSACTIONS.saturating_sub(others);
        for number in 0..fetches {
            let status = world.subscribe(self.sip, 0, number, "presence", 0);
            assert_eq!(status, 200, "fetch {number}");
        }
        self.print("many who only asked");
        let each = limits::SUBSCRIPTIONS.div_ceil(limits::PRESENTITIES);
        for number in 0..limits::SUBSCRIPTIONS {
            let event = ["presence", "dialog"][number % 2];
            let status = world.subscribe(self.sip, number / each, fetches + number, event, 3_600);
            assert_eq!(status, 200, "subscription {number}");
        }
        let status = world.subscribe(self.sip, 0, fetches + others, "presence", 3_600);
        assert_eq!(status, 503, "no place is left");
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

fn board() -> String {
    let mut text =
        String::from("name = \"full\"\ndescription = \"a full panel\"\nbackend = \"sim\"\n");
    for lamp in 0..LAMPS {
        text += &format!("[[lamp]]\nname = \"blf{lamp}\"\ncolours = [\"red\", \"green\"]\n");
    }
    text
}

fn settings(world: SocketAddr) -> String {
    let mut text = String::from("board = \"board.toml\"\n");
    for desk in 0..limits::PRESENTITIES {
        text += &format!("[[presentity]]\nuri = \"sip:desk{desk}@127.0.0.1\"\n");
    }
    for lamp in 0..LAMPS {
        text += &format!(
            "[[lamp]]\nname = \"blf{lamp}\"\nwatch = \"sip:phone{lamp}@{world}\"\nevent = \"dialog\"\n"
        );
    }
    text
}

/// Everybody else, on one socket.
struct World {
    socket: UdpSocket,
    here: SocketAddr,
}

impl World {
    fn new() -> World {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
        socket.set_read_timeout(Some(LIMIT)).expect("set");
        let here = socket.local_addr().expect("bound");
        World { socket, here }
    }

    /// Answers the agent's own subscriptions until `count` lamps were told.
    fn serve(&self, count: usize) {
        let mut told = HashMap::new();
        let start = Instant::now();
        while told.len() < count {
            assert!(start.elapsed() < LIMIT, "{} of {count} came", told.len());
            let (from, message) = self.receive();
            if message.starts_with("SUBSCRIBE ") {
                self.tell(from, &message);
            } else if message.starts_with("SIP/2.0 200 ") {
                told.insert(field(&message, "Call-ID").to_owned(), ());
            }
        }
    }

    /// Accepts a SUBSCRIBE and tells the state.
    fn tell(&self, agent: SocketAddr, subscribe: &str) {
        let here = self.here;
        let [via, from, to, call_id, cseq, contact] =
            ["Via", "From", "To", "Call-ID", "CSeq", "Contact"].map(|name| field(subscribe, name));
        self.send(
            agent,
            &format!(
                "SIP/2.0 200 OK\r\nVia: {via}\r\nFrom: {from}\r\nTo: {to};tag=world\r\nCall-ID: {call_id}\r\n\
                 CSeq: {cseq}\r\nContact: <sip:world@{here}>\r\nExpires: 3600\r\nContent-Length: 0\r\n\r\n"
            ),
        );
        let target = contact.trim_start_matches('<').split('>').next();
        let body = "<?xml version=\"1.0\"?><dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version=\"0\" \
                    state=\"full\" entity=\"sip:phone@127.0.0.1\"><dialog id=\"1\"><state>confirmed</state></dialog>\
                    </dialog-info>";
        self.send(
            agent,
            &format!(
                "NOTIFY {} SIP/2.0\r\nVia: SIP/2.0/UDP {here};branch=z9hG4bKn{call_id};rport\r\nMax-Forwards: 70\r\n\
                 From: {to};tag=world\r\nTo: {from}\r\nCall-ID: {call_id}\r\nCSeq: 1 NOTIFY\r\n\
                 Contact: <sip:world@{here}>\r\nEvent: dialog\r\nSubscription-State: active;expires=3600\r\n\
                 Content-Type: application/dialog-info+xml\r\nContent-Length: {}\r\n\r\n{body}",
                target.expect("a URI"),
                body.len()
            ),
        );
    }

    /// Subscribes to a desk and accepts its NOTIFY; gives the answer's status.
    fn subscribe(
        &self,
        agent: SocketAddr,
        desk: usize,
        number: usize,
        event: &str,
        expires: u32,
    ) -> u16 {
        let here = self.here;
        self.send(
            agent,
            &format!(
                "SUBSCRIBE sip:desk{desk}@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP {here};branch=z9hG4bKs{number};rport\r\n\
                 Max-Forwards: 70\r\nFrom: <sip:w{number}@127.0.0.1>;tag=w{number}\r\n\
                 To: <sip:desk{desk}@127.0.0.1>\r\nCall-ID: w{number}@{here}\r\nCSeq: 1 SUBSCRIBE\r\n\
                 Contact: <sip:w{number}@{here}>\r\nEvent: {event}\r\nExpires: {expires}\r\n\
                 Content-Length: 0\r\n\r\n"
            ),
        );
        let (mut status, mut told) = (0, false);
        while status == 0 || (status == 200 && !told) {
            let (from, message) = self.receive();
            if let Some(rest) = message.strip_prefix("SIP/2.0 ") {
                status = rest[..3].parse().expect("a status");
            } else if message.starts_with("NOTIFY ") {
                told = true;
                self.confirm(from, &message);
            }
        }
        status
    }

    fn confirm(&self, agent: SocketAddr, notify: &str) {
        let mut text = String::from("SIP/2.0 200 OK\r\n");
        for name in ["Via", "From", "To", "Call-ID", "CSeq"] {
            text += &format!("{name}: {}\r\n", field(notify, name));
        }
        self.send(agent, &(text + "Content-Length: 0\r\n\r\n"));
    }

    fn send(&self, to: SocketAddr, text: &str) {
        self.socket.send_to(text.as_bytes(), to).expect("sent");
    }

    fn receive(&self) -> (SocketAddr, String) {
        let mut buf = [0; 4_096];
        let (len, from) = self.socket.recv_from(&mut buf).expect("a message in time");
        (from, String::from_utf8_lossy(&buf[..len]).into_owned())
    }
}

fn field<'m>(message: &'m str, name: &str) -> &'m str {
    let mut rows = message.split("\r\n");
    rows.find_map(|row| row.strip_prefix(name)?.strip_prefix(": "))
        .unwrap_or_else(|| panic!("no {name} in {message}"))
}
