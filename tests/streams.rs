//! The real program over TCP: phones that prefer it, and peers that mean no good.
#![cfg(feature = "std")]

use std::fs;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::{Duration, Instant};

/// What does not come within this does not come.
const LIMIT: Duration = Duration::from_secs(20);

/// The agent as a process, with a folder of its own.
struct Agent {
    folder: PathBuf,
    child: Child,
    log: BufReader<ChildStderr>,
    /// The line that said it was ready, and what it said before.
    ready: String,
    before: String,
    sip: SocketAddr,
}

impl Agent {
    fn start(test: &str) -> Agent {
        // That number may be somebody's over TCP: then the agent does without, and another is tried.
        for _ in 0..10 {
            let agent = Agent::start_with(test, &["udp:127.0.0.1:0"], None);
            if agent.ready.contains(" tcp:") {
                return agent;
            }
        }
        panic!("no port that is free over TCP too");
    }

    /// With at most that many descriptors.
    fn start_with(test: &str, listen: &[&str], descriptors: Option<usize>) -> Agent {
        let name = format!("lampfield-streams-{}-{test}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).expect("a folder");
        let program = env!("CARGO_BIN_EXE_lampfield");
        let mut command = match descriptors {
            None => Command::new(program),
            Some(limit) => {
                let mut shell = Command::new("sh");
                let line = format!("ulimit -n {limit}; exec {program} \"$@\"");
                shell.args(["-c", &line, "sh"]);
                shell
            }
        };
        let file = folder.join("lampfield.toml");
        fs::write(&file, "[[presentity]]\nuri = \"sip:desk@127.0.0.1\"\n").expect("written");
        command.arg("run");
        for listen in listen {
            command.args(["--listen", listen]);
        }
        command.arg("--config").arg(&file);
        command.arg("--control").arg(folder.join("control.sock"));
        command.env_remove("LAMPFIELD_LOG").stderr(Stdio::piped());
        let mut child = command.spawn().expect("it runs");
        let mut log = BufReader::new(child.stderr.take().expect("piped"));
        let (mut ready, mut before) = (String::new(), String::new());
        while !ready.starts_with("lampfield: ready, sip on ") {
            before += &ready;
            ready.clear();
            let more = log.read_line(&mut ready).expect("a line");
            assert!(more > 0, "it did not start: {before}");
        }
        let words = ready["lampfield: ready, sip on ".len()..].trim_end();
        let first = words.split([' ', ',']).next().unwrap_or_default();
        let (_, sip) = first.split_once(':').expect("a transport");
        Agent {
            sip: sip.parse().expect("an address"),
            folder,
            child,
            log,
            ready,
            before,
        }
    }

    fn dial(&self) -> Phone {
        Phone::new(TcpStream::connect(self.sip).expect("it listens"))
    }

    /// Asks the control socket.
    fn ask(&self, method: &str, path: &str, body: &str) -> String {
        let mut stream = UnixStream::connect(self.folder.join("control.sock")).expect("it listens");
        stream.set_read_timeout(Some(LIMIT)).expect("set");
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
        )
        .expect("written");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        answer
    }

    fn dnd(&self, value: &str) {
        self.ask("POST", "/set/dnd", value);
    }

    /// Somebody else is served by datagrams within a second.
    #[track_caller]
    fn serves_datagrams(&self) {
        let peer = UdpSocket::bind("127.0.0.1:0").expect("a peer");
        peer.set_read_timeout(Some(Duration::from_secs(1)))
            .expect("set");
        let here = peer.local_addr().expect("bound");
        let text = options("UDP", &here.to_string(), here.port());
        peer.send_to(text.as_bytes(), self.sip).expect("sent");
        let mut buf = [0; 2_048];
        let length = peer.recv(&mut buf).expect("it is served");
        assert!(buf[..length].starts_with(b"SIP/2.0 200 "));
    }

    fn descriptors(&self) -> usize {
        self.numbers().len()
    }

    /// The numbers of its descriptors.
    fn numbers(&self) -> Vec<usize> {
        let all = fs::read_dir(format!("/proc/{}/fd", self.child.id())).expect("Linux");
        let number = |entry: fs::DirEntry| entry.file_name().to_str()?.parse().ok();
        all.filter_map(|entry| number(entry.ok()?)).collect()
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill(); // It may have ended already.
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder); // The system clears its temporary files too.
    }
}

/// One end of a stream; reads whole messages.
struct Phone {
    tcp: TcpStream,
    read: String,
    here: SocketAddr,
}

impl Phone {
    fn new(tcp: TcpStream) -> Phone {
        tcp.set_read_timeout(Some(LIMIT)).expect("set");
        tcp.set_write_timeout(Some(LIMIT)).expect("set");
        tcp.set_nodelay(true).expect("set");
        Phone {
            here: tcp.local_addr().expect("bound"),
            tcp,
            read: String::new(),
        }
    }

    fn write(&mut self, text: &str) {
        self.tcp.write_all(text.as_bytes()).expect("written");
    }

    fn receive(&mut self) -> String {
        let mut buf = [0; 4_096];
        loop {
            if let Some(length) = whole(&self.read) {
                let rest = self.read.split_off(length);
                return std::mem::replace(&mut self.read, rest);
            }
            let length = self.tcp.read(&mut buf).expect("a message");
            assert!(length > 0, "closed after {:?}", self.read);
            self.read += &String::from_utf8_lossy(&buf[..length]);
        }
    }

    fn options(&mut self, number: u16) {
        let text = options("TCP", &self.here.to_string(), number);
        self.write(&text);
        assert_eq!(status(&self.receive()), 200);
    }

    /// Subscribes with a Contact there; the answer and the NOTIFY, which is confirmed.
    fn subscribe(&mut self, contact: SocketAddr) -> String {
        let text = subscribe("TCP", self.here, contact, "");
        self.write(&text);
        assert_eq!(status(&self.receive()), 200);
        let notify = self.receive();
        self.confirm(&notify);
        notify
    }

    fn confirm(&mut self, notify: &str) {
        assert!(notify.starts_with("NOTIFY sip:bob@"), "{notify}");
        assert!(notify.contains("\r\nVia: SIP/2.0/TCP "), "{notify}");
        self.write(&accept(notify));
    }

    /// The other side closes; what comes before is given.
    fn rest(&mut self) -> String {
        let mut rest = Vec::new();
        match self.tcp.read_to_end(&mut rest) {
            Ok(_) => {}
            Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
        }
        String::from_utf8_lossy(&rest).into_owned()
    }
}

fn options(transport: &str, here: &str, number: u16) -> String {
    format!(
        "OPTIONS sip:desk@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/{transport} {here};branch=z9hG4bK{number};rport\r\n\
         Max-Forwards: 70\r\nFrom: <sip:x@127.0.0.1>;tag=x\r\nTo: <sip:desk@127.0.0.1>\r\n\
         Call-ID: {number}@x\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
    )
}

fn subscribe(transport: &str, here: SocketAddr, contact: SocketAddr, more: &str) -> String {
    format!(
        "SUBSCRIBE sip:desk@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/{transport} {here};branch=z9hG4bKs;rport\r\n\
         Max-Forwards: 70\r\nFrom: <sip:bob@127.0.0.1>;tag=b\r\nTo: <sip:desk@127.0.0.1>\r\n\
         Call-ID: 1{more}@{here}\r\nCSeq: 1 SUBSCRIBE\r\nContact: <sip:bob@{contact}>\r\nEvent: presence\r\n\
         Expires: 600\r\nContent-Length: 0\r\n\r\n"
    )
}

/// The 200 to a request.
fn accept(request: &str) -> String {
    let names = ["Via: ", "From: ", "To: ", "Call-ID: ", "CSeq: "];
    let is_echoed = |line: &&str| names.iter().any(|name| line.starts_with(name));
    let rows: Vec<&str> = request.split("\r\n").filter(is_echoed).collect();
    let rows = rows.join("\r\n");
    format!("SIP/2.0 200 OK\r\n{rows}\r\nContent-Length: 0\r\n\r\n")
}

fn status(answer: &str) -> u16 {
    let code = answer
        .strip_prefix("SIP/2.0 ")
        .and_then(|rest| rest.get(..3));
    let code = code.and_then(|code| code.parse().ok());
    code.unwrap_or_else(|| panic!("no answer: {answer}"))
}

/// The length of the message that the text begins with, if all of it is there.
fn whole(text: &str) -> Option<usize> {
    let head = text.find("\r\n\r\n")? + 4;
    let length = text[..head].split("Content-Length: ").nth(1)?;
    let body: usize = length.split('\r').next()?.parse().ok()?;
    (text.len() >= head + body).then_some(head + body)
}

/// Waits for what the agent does by itself.
#[track_caller]
fn comes_true(what: impl Fn() -> bool) {
    let until = Instant::now() + LIMIT;
    while !what() {
        assert!(Instant::now() < until, "it did not come true");
        std::thread::yield_now();
    }
}

/// ```text
///   phone                      agent
///     ├── connect ──────────────►│
///     ├── SUBSCRIBE ────────────►│
///     │◄──────────── 200, NOTIFY─┤
///     │◄────────────────── NOTIFY┤  DND
///     ├── close ────────────────►│
///     │◄──────── connect, NOTIFY─┤  DND off, to the Contact
///     │◄────────────────── NOTIFY┤  DND
/// ```
#[test]
fn a_phone_that_prefers_tcp_is_served_on_its_connection_then_called_back() /* X02 X07 */
{
    let agent = Agent::start("phone");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a phone listens");
    let contact = listener.local_addr().expect("bound");
    let mut phone = agent.dial();
    let notify = phone.subscribe(contact);
    assert!(notify.contains("<basic>open</basic>"), "{notify}");
    agent.dnd("on");
    let notify = phone.receive();
    assert!(notify.contains("<basic>closed</basic>"), "{notify}");
    phone.confirm(&notify);
    // The phone starts again, and still has its subscription.
    let before = agent.descriptors();
    drop(phone);
    comes_true(|| agent.descriptors() < before);
    agent.dnd("off");
    let mut phone = Phone::new(listener.accept().expect("it calls back").0);
    for (basic, next) in [("open", "on"), ("closed", "off"), ("open", "off")] {
        let notify = phone.receive();
        let basic = format!("<basic>{basic}</basic>");
        assert!(notify.contains(&basic), "{notify}");
        phone.confirm(&notify);
        agent.dnd(next);
    }
}

#[test]
fn a_connection_that_ends_under_a_notify_has_it_sent_elsewhere_at_once() /* T06 ATTACKS C06 C07 */
{
    let agent = Agent::start("under");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a phone listens");
    let mut phone = agent.dial();
    phone.subscribe(listener.local_addr().expect("bound"));
    agent.dnd("on");
    phone.receive(); // Not confirmed.
    let before = Instant::now();
    drop(phone);
    let mut phone = Phone::new(listener.accept().expect("it calls back").0);
    let notify = phone.receive();
    assert!(before.elapsed() < Duration::from_secs(2));
    assert!(notify.contains("<basic>closed</basic>"), "{notify}");
    phone.confirm(&notify);
}

#[test]
fn segments_make_no_difference() /* ATTACKS E04 X10 */
{
    let agent = Agent::start("segments");
    let mut phone = agent.dial();
    let here = phone.here.to_string();
    for byte in options("TCP", &here, 1).as_bytes() {
        phone.tcp.write_all(&[*byte]).expect("written");
    }
    assert_eq!(status(&phone.receive()), 200);
    let all: String = (0..50)
        .map(|number| options("TCP", &here, number))
        .collect();
    phone.write(&all);
    for number in 0..50 {
        let answer = phone.receive();
        assert_eq!(status(&answer), 200);
        assert!(
            answer.contains(&format!("Call-ID: {number}@x\r\n")),
            "{answer}"
        );
    }
    // A boundary inside of a ping.
    for part in ["\r", "\n\r", "\n"] {
        phone.write(part);
    }
    let mut pong = [0; 2];
    phone.tcp.read_exact(&mut pong).expect("a pong");
    assert_eq!(&pong, b"\r\n");
    phone.options(2);
}

#[test]
fn a_flood_of_pings_ends_its_connection_and_no_other() /* ATTACKS E05 */
{
    let agent = Agent::start("pings");
    let mut phone = agent.dial();
    let mut flood = agent.dial();
    phone.options(1);
    flood.write(&"\r\n\r\n".repeat(5_000));
    let rest = flood.rest();
    assert!(
        rest.len() < 100 && rest.chars().all(|it| "\r\n".contains(it)),
        "{rest:?}"
    );
    phone.options(2);
    agent.serves_datagrams();
}

#[test]
fn a_bad_length_is_answered_and_hides_no_request() /* ATTACKS E01 E02 X09 */
{
    let agent = Agent::start("length");
    for (length, expected) in [
        ("Content-Length: 4294967328", "413"),
        ("Content-Length: 18446744073709551626", "413"),
        ("Content-Length: -999", "400"),
        ("Content-Length: 5, 5", "400"),
        ("Content-Length: 0\r\nContent-Length: 5", "400"),
        ("X: none", "400"),
    ] {
        let mut phone = agent.dial();
        let text = options("TCP", &phone.here.to_string(), 1).replace("Content-Length: 0", length);
        let hidden = subscribe("TCP", phone.here, phone.here, "");
        phone.write(&(text + &hidden));
        let rest = phone.rest();
        assert!(
            rest.starts_with(&format!("SIP/2.0 {expected} ")),
            "{length}: {rest}"
        );
        assert_eq!(rest.matches("SIP/2.0 4").count(), 1, "{rest}");
    }
    let status = agent.ask("GET", "/status", "");
    assert!(status.contains("\"subscriptions\":0"), "{status}");
}

#[test]
fn lines_end_in_one_way_only_and_bodies_are_bodies() /* ATTACKS E06 E07 */
{
    let agent = Agent::start("lines");
    let mut phone = agent.dial();
    let hidden = subscribe("TCP", phone.here, phone.here, "");
    for body in [hidden.clone(), format!("\r\n\r\n{hidden}")] {
        let text = options("TCP", &phone.here.to_string(), 1).replace("OPTIONS", "MESSAGE");
        let length = format!(
            "Content-Type: message/sip\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        phone.write(&text.replace("Content-Length: 0\r\n\r\n", &length));
        assert_eq!(status(&phone.receive()), 405);
    }
    phone.options(2);
    for end in ["\n", "\r"] {
        let mut phone = agent.dial();
        let text = options("TCP", &phone.here.to_string(), 1).replace("\r\n", end);
        phone.write(&(text + "\r\n\r\n" + &hidden));
        assert_eq!(phone.rest(), "");
    }
    let status = agent.ask("GET", "/status", "");
    assert!(status.contains("\"subscriptions\":0"), "{status}");
}

#[test]
fn sixty_silent_connections_keep_nobody_from_datagrams() /* ATTACKS C05 */
{
    let agent = Agent::start("silent");
    let before = agent.descriptors();
    let crowd: Vec<Phone> = (0..60).map(|_| agent.dial()).collect();
    agent.serves_datagrams();
    comes_true(|| agent.descriptors() == before + 4);
    drop(crowd);
    comes_true(|| agent.descriptors() == before);
    agent.dial().options(1);
}

#[test]
fn one_byte_at_a_time_delays_nobody() /* ATTACKS C06 */
{
    let agent = Agent::start("slow");
    let mut slow = agent.dial();
    let mut other = agent.dial();
    let text = options("TCP", &slow.here.to_string(), 1);
    for (number, byte) in (0..).zip(text.as_bytes()) {
        slow.tcp.write_all(&[*byte]).expect("written");
        other.options(number);
    }
    assert_eq!(status(&slow.receive()), 200);
}

/// It asks and asks and never reads: what waits for it is bounded, and then it is closed.
#[test]
fn who_never_reads_is_closed_and_delays_nobody() /* ATTACKS C06 */
{
    let agent = Agent::start("deaf");
    let deaf = agent.dial();
    let text = options("TCP", &deaf.here.to_string(), 1).repeat(200);
    deaf.tcp.set_nonblocking(true).expect("set");
    let until = Instant::now() + LIMIT;
    let mut sent = 0_usize;
    loop {
        assert!(Instant::now() < until, "never closed");
        match (&deaf.tcp).write(text.as_bytes()) {
            // Cut anywhere: the agent sees a stream of requests, or loses framing, which closes too.
            Ok(count) => sent += count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => agent.serves_datagrams(),
            Err(error) => {
                let closed = [ErrorKind::ConnectionReset, ErrorKind::BrokenPipe];
                assert!(closed.contains(&error.kind()), "{error}");
                break;
            }
        }
    }
    assert!(sent > 64 * 1024);
    agent.serves_datagrams();
    agent.dial().options(1);
}

#[test]
fn who_asks_and_goes_leaves_nothing() /* ATTACKS C07 */
{
    let agent = Agent::start("gone");
    let before = agent.descriptors();
    for number in 0..200 {
        let mut phone = agent.dial();
        // One that was not let in is reset.
        let _ = phone
            .tcp
            .write_all(options("TCP", &phone.here.to_string(), number).as_bytes());
    }
    comes_true(|| agent.descriptors() == before);
    agent.serves_datagrams();
    agent.dial().options(1);
}

#[test]
fn a_tcp_port_that_is_taken_leaves_udp_to_do_it_alone() /* X02 */
{
    let taken = TcpListener::bind("127.0.0.1:0").expect("a listener");
    let listen = format!("udp:{}", taken.local_addr().expect("bound"));
    let mut agent = Agent::start_with("taken", &[&listen], None);
    let expected = format!("cannot listen on {}: ", listen.replace("udp", "tcp"));
    assert!(agent.before.contains(&expected), "{}", agent.before);
    assert!(agent.before.contains("remedy: "), "{}", agent.before);
    assert!(
        agent
            .before
            .contains(&format!("{listen} goes on without tcp")),
        "{}",
        agent.before
    );
    assert!(!agent.ready.contains("tcp:"), "{}", agent.ready);
    agent.serves_datagrams();
    let _ = agent.child.kill();
    let mut rest = String::new();
    agent.log.read_to_string(&mut rest).expect("text");
    assert_eq!(rest, "");
}

#[test]
fn tcp_alone_is_spoken_alone() {
    let agent = Agent::start_with("alone", &["tcp:127.0.0.1:0"], None);
    assert!(
        agent.ready.contains(&format!("sip on tcp:{}, ", agent.sip)),
        "{}",
        agent.ready
    );
    assert!(
        agent.before.contains("remedy: listen on udp:"),
        "{}",
        agent.before
    );
    let mut phone = agent.dial();
    phone.subscribe(phone.here);
    let status = agent.ask("GET", "/status", "");
    assert!(
        status.contains(&format!("[\"tcp:{}\"]", agent.sip)),
        "{status}"
    );
}

/// A document that is long for a datagram reaches a phone either way.
#[test]
fn a_long_notify_goes_by_tcp_where_somebody_listens_and_else_by_udp() /* X01 */
{
    let agent = Agent::start("long");
    agent.ask("POST", "/set/note", &"n".repeat(120));
    for has_tcp in [true, false] {
        let udp = UdpSocket::bind("127.0.0.1:0").expect("a phone");
        udp.set_read_timeout(Some(LIMIT)).expect("set");
        let here = udp.local_addr().expect("bound");
        let listener = has_tcp.then(|| TcpListener::bind(here));
        let listener = match listener {
            None => None,
            Some(Ok(listener)) => Some(listener),
            Some(Err(_)) => continue, // Somebody else has that port.
        };
        let text = subscribe("UDP", here, here, &"c".repeat(440));
        let long = format!("<sip:bob@{here};of={}>", "x".repeat(200));
        let text = text.replace(&format!("<sip:bob@{here}>"), &long);
        let before = Instant::now();
        udp.send_to(text.as_bytes(), agent.sip).expect("sent");
        let mut buf = [0; 4_096];
        let length = udp.recv(&mut buf).expect("an answer");
        assert!(buf[..length].starts_with(b"SIP/2.0 200 "));
        let notify = match &listener {
            Some(listener) => {
                let mut phone = Phone::new(listener.accept().expect("it comes by TCP").0);
                let notify = phone.receive();
                phone.confirm(&notify);
                notify
            }
            None => {
                let length = udp.recv(&mut buf).expect("it comes by UDP");
                let notify = String::from_utf8_lossy(&buf[..length]).into_owned();
                assert!(notify.contains("\r\nVia: SIP/2.0/UDP "), "{notify}");
                udp.send_to(accept(&notify).as_bytes(), agent.sip)
                    .expect("sent");
                notify
            }
        };
        assert!(notify.len() > 1_300, "{}", notify.len());
        assert!(before.elapsed() < Duration::from_secs(2));
    }
}

/// The agent has descriptors for two connections, and four come.
#[test]
fn without_descriptors_connections_wait_and_nothing_spins() /* ATTACKS C10 */
{
    let probe = Agent::start("probe");
    let taken = probe.numbers();
    let second = (0..).filter(|number| !taken.contains(number)).nth(1);
    drop(probe);
    let limit = second.map(|number: usize| number + 1);
    let agent = Agent::start_with("few", &["udp:127.0.0.1:0"], limit);
    if !agent.ready.contains(" tcp:") {
        return; // Somebody else has that port.
    }
    let mut crowd: Vec<Phone> = (0..4).map(|_| agent.dial()).collect();
    comes_true(|| agent.descriptors() == taken.len() + 2);
    agent.serves_datagrams();
    for phone in &mut crowd {
        phone.write(&options("TCP", &phone.here.to_string(), 1));
    }
    // Two are served; when they have gone, the others are.
    for mut phone in crowd {
        assert_eq!(status(&phone.receive()), 200);
    }
    agent.serves_datagrams();
}
