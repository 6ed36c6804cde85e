//! The real program on a machine with two networks: which address it names to whom, and who hears when one changes.
//!
//! ```text
//!   desk (a namespace)                              here (another one)
//!     10.71.1.1 ──────────── a cable ───────────── 10.71.1.2  pbx
//!     10.71.2.1 ──────────── a cable ───────────── 10.71.2.2  neighbour
//!     fd71:2::1                                    fd71:2::2  the same
//! ```
//!
//! There is no other route, and both namespaces end with the test. Only root can make them: for anybody else a test says
//! that it was skipped.
#![cfg(feature = "std")]

#[path = "networks/errors.rs"]
mod errors;
#[path = "networks/names.rs"]
mod names;
#[path = "common/namespace.rs"]
mod namespace;
#[path = "networks/nat.rs"]
mod nat;

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, Command};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use std::{env, thread};

use namespace::in_a_network;

/// What does not come within this does not come.
const LIMIT: Duration = Duration::from_secs(10);

/// Within this everybody has heard of a new address, on a busy machine too; the next refresh is minutes away.
const AT_ONCE: Duration = Duration::from_secs(5);

/// How often a datagram is looked for.
const GLANCE: Duration = Duration::from_millis(20);

#[test]
fn each_peer_is_told_our_address_on_its_network() {
    in_a_network("each_peer_is_told_our_address_on_its_network", || {
        let desk = Desk::start();
        let (pbx, neighbour) = (Peer::at("10.71.1.2"), Peer::at("10.71.2.2"));
        let same = Peer::at("fd71:2::2");
        let desk = desk.serve();
        pbx.expect("REGISTER", LIMIT).expect_named("10.71.1.1");
        neighbour
            .expect("SUBSCRIBE", LIMIT)
            .expect_named("10.71.2.1");
        same.expect("SUBSCRIBE", LIMIT).expect_named("[fd71:2::1]");
        // A second address: who asks there is answered from there, and told that one.
        desk.ip("addr add 10.71.2.9/24 dev desk2");
        let notify = neighbour.subscribe("10.71.2.9");
        notify.expect_named("10.71.2.9");
        let notify = neighbour.subscribe("10.71.2.1");
        notify.expect_named("10.71.2.1");
    });
}

#[test]
fn a_new_address_is_told_to_all_at_once() {
    in_a_network("a_new_address_is_told_to_all_at_once", || {
        let desk = Desk::start();
        let (pbx, neighbour) = (Peer::at("10.71.1.2"), Peer::at("10.71.2.2"));
        let desk = desk.serve();
        pbx.grant(&pbx.expect("REGISTER", LIMIT));
        neighbour.accept(&neighbour.expect("SUBSCRIBE", LIMIT));
        neighbour.subscribe("10.71.2.1");
        let mut phone = Phone::subscribe("10.71.2.2", "10.71.2.1");
        pbx.drain();
        neighbour.drain();
        desk.ip("addr del 10.71.2.1/24 dev desk2");
        desk.ip("addr add 10.71.2.7/24 dev desk2");
        // The lamp and the watcher, in whatever order.
        let (mut subscribes, mut notifies) = (0, 0);
        while subscribes == 0 || notifies == 0 {
            let request = neighbour.expect("", AT_ONCE);
            request.expect_named("10.71.2.7");
            match request.0.split(' ').next() {
                Some("NOTIFY") => {
                    neighbour.confirm(&request);
                    notifies += 1;
                }
                _ => {
                    neighbour.accept(&request);
                    subscribes += 1;
                }
            }
        }
        phone.expect_call_from("10.71.2.7");
        // To the other network nothing has changed.
        assert_eq!(pbx.look("REGISTER"), None);
        desk.ip("addr del 10.71.1.1/24 dev desk1");
        desk.ip("addr add 10.71.1.7/24 dev desk1");
        pbx.expect("REGISTER", AT_ONCE).expect_named("10.71.1.7");
    });
}

fn ip(words: &str) {
    run(Command::new("ip").args(words.split(' ')));
}

fn run(command: &mut Command) {
    let output = command.output().expect("it starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}");
}

/// A machine of its own: a namespace that lasts as long as the process that holds it.
struct Desk {
    holder: Child,
    agent: Option<Child>,
    folder: PathBuf,
}

impl Desk {
    fn start() -> Desk {
        let desk = Desk::alone();
        ip("link set lo up");
        desk.ip("link set lo up");
        for number in [1, 2] {
            let (here, there) = (format!("here{number}"), format!("desk{number}"));
            let holder = desk.holder.id();
            ip(&format!(
                "link add {here} type veth peer name {there} netns {holder}"
            ));
            ip(&format!("addr add 10.71.{number}.2/24 dev {here}"));
            ip(&format!("link set {here} up"));
            desk.ip(&format!("addr add 10.71.{number}.1/24 dev {there}"));
            desk.ip(&format!("link set {there} up"));
        }
        // Nobody else has them, so nobody is asked first.
        ip("addr add fd71:2::2/64 dev here2 nodad");
        desk.ip("addr add fd71:2::1/64 dev desk2 nodad");
        desk
    }

    /// In a network that nothing leads to.
    fn alone() -> Desk {
        let holder = Command::new("unshare")
            .args(["--net", "sleep", "300"])
            .spawn()
            .expect("unshare is there");
        let folder = env::temp_dir().join(format!("lampfield-networks-{}", holder.id()));
        let desk = Desk {
            holder,
            agent: None,
            folder,
        };
        let network = |who: &str| fs::read_link(format!("/proc/{who}/ns/net")).ok();
        let until = Instant::now() + LIMIT;
        while network(&desk.holder.id().to_string()) == network("self") {
            assert!(Instant::now() < until, "it stays in our network");
            thread::sleep(GLANCE);
        }
        desk
    }

    /// Starts the agent there, and returns when it is ready.
    fn serve(self) -> Desk {
        let text = "listen = [\"udp:0.0.0.0:5060\", \"udp:[::]:5060\"]\n\
             trusted = [\"10.71.0.0/16\"]\n\
             [[presentity]]\n\
             uri = \"sip:desk@10.71.2.1\"\n\
             [[upstream]]\n\
             aor = \"sip:100@10.71.1.2\"\n\
             servers = [\"10.71.1.2:5070\"]\n\
             publish = false\n\
             [[lamp]]\n\
             name = \"blf1\"\n\
             watch = \"sip:bob@10.71.2.2:5070\"\n\
             event = \"dialog\"\n\
             [[lamp]]\n\
             name = \"blf2\"\n\
             watch = \"sip:bob@[fd71:2::2]:5070\"\n\
             event = \"dialog\"\n";
        self.serve_with(text, "")
    }

    /// Starts the agent there with that configuration, and with that `/etc/resolv.conf`.
    fn serve_with(mut self, text: &str, resolv_conf: &str) -> Desk {
        fs::create_dir_all(&self.folder).expect("a folder");
        let file = self.folder.join("lampfield.toml");
        fs::write(&file, text).expect("written");
        let names = self.folder.join("resolv.conf");
        fs::write(&names, resolv_conf).expect("written");
        let control = self.folder.join("control");
        let agent = self
            .inside("unshare")
            .args(["--mount", "sh", "-c"])
            .arg("mount --bind \"$0\" /etc/resolv.conf && exec \"$@\"")
            .arg(names)
            .arg(env!("CARGO_BIN_EXE_lampfield"))
            .arg("run")
            .arg("--config")
            .arg(file)
            .arg("--control")
            .arg(&control)
            .spawn()
            .expect("nsenter is there");
        self.agent = Some(agent);
        let until = Instant::now() + LIMIT;
        while !control.exists() {
            assert!(Instant::now() < until, "it does not start");
            thread::sleep(GLANCE);
        }
        self
    }

    fn ip(&self, words: &str) {
        run(self.inside("ip").args(words.split(' ')));
    }

    fn inside(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        let network = format!("--net=/proc/{}/ns/net", self.holder.id());
        command.args([&network, "--", program]);
        command
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        for child in self.agent.iter_mut().chain([&mut self.holder]) {
            child.kill().ok();
            child.wait().ok();
        }
        fs::remove_dir_all(&self.folder).ok();
    }
}

/// A message, as text.
#[derive(Debug, PartialEq)]
struct Message(String);

impl Message {
    #[track_caller]
    fn header(&self, name: &str) -> &str {
        let rows = self.0.split("\r\n").skip(1);
        let mut values = rows.filter_map(|row| row.strip_prefix(name)?.strip_prefix(": "));
        values
            .next()
            .unwrap_or_else(|| panic!("{name} in {}", self.0))
    }

    /// Its Via and its Contact name us so.
    #[track_caller]
    fn expect_named(&self, ip: &str) {
        let (via, contact) = (self.header("Via"), self.header("Contact"));
        assert!(via.contains(&format!(" {ip}:5060;")), "{via}");
        assert!(contact.contains(&format!("@{ip}:5060")), "{contact}");
    }

    fn answer(&self, more: &str) -> String {
        let mut answer = String::from("SIP/2.0 200 OK\r\n");
        for name in ["Via", "From", "To", "Call-ID", "CSeq"] {
            answer += &format!("{name}: {}\r\n", self.header(name));
        }
        answer + more + "Content-Length: 0\r\n\r\n"
    }
}

/// Somebody on one of the networks.
struct Peer {
    socket: UdpSocket,
    ip: &'static str,
}

impl Peer {
    fn at(ip: &'static str) -> Peer {
        let socket = UdpSocket::bind((ip, 5_070)).expect("the address is here");
        socket.set_read_timeout(Some(GLANCE)).expect("set");
        Peer { socket, ip }
    }

    /// The next message that begins so.
    #[track_caller]
    fn expect(&self, begins: &str, limit: Duration) -> Message {
        let until = Instant::now() + limit;
        loop {
            if let Some(message) = self.receive().filter(|it| it.0.starts_with(begins)) {
                return message;
            }
            assert!(Instant::now() < until, "no {begins} at {}", self.ip);
        }
    }

    /// What begins so among all that has come.
    fn look(&self, begins: &str) -> Option<Message> {
        let mut all = std::iter::from_fn(|| self.receive());
        all.find(|it| it.0.starts_with(begins))
    }

    /// What was sent twice before is of no interest.
    fn drain(&self) {
        while self.receive().is_some() {}
    }

    fn receive(&self) -> Option<Message> {
        let mut buf = [0; 4_096];
        match self.socket.recv_from(&mut buf) {
            Ok((len, _)) => Some(Message(String::from_utf8_lossy(&buf[..len]).into_owned())),
            Err(error) if error.kind() == ErrorKind::WouldBlock => None,
            Err(error) => panic!("{error}"),
        }
    }

    /// Subscribes at that address of the desk, through a port that hears nothing from any other.
    #[track_caller]
    fn subscribe(&self, desk: &str) -> Message {
        let socket = UdpSocket::bind((self.ip, 0)).expect("bound");
        socket.connect((desk, 5_060)).expect("there is a route");
        socket.set_read_timeout(Some(GLANCE)).expect("set");
        let port = socket.local_addr().expect("bound").port();
        let (call, contact) = (format!("{port}"), format!("{}:5070", self.ip));
        let subscribe = subscribe("UDP", &format!("{}:{port}", self.ip), desk, &call, &contact);
        socket.send(subscribe.as_bytes()).expect("sent");
        let asking = Peer {
            socket,
            ip: self.ip,
        };
        asking.expect("SIP/2.0 200", LIMIT);
        let until = Instant::now() + LIMIT;
        loop {
            let notify = self.expect("NOTIFY", LIMIT);
            if notify.header("Call-ID") == call {
                self.confirm(&notify);
                return notify;
            }
            assert!(Instant::now() < until, "no NOTIFY for {call}");
        }
    }

    /// Grants a SUBSCRIBE, and tells that all is quiet.
    #[track_caller]
    fn accept(&self, subscribe: &Message) {
        static TOLD: AtomicU32 = AtomicU32::new(1);
        let (ip, told) = (self.ip, TOLD.fetch_add(1, Ordering::Relaxed));
        self.send(subscribe, &granted(subscribe, ip));
        let notify = told_idle(subscribe, ip, told);
        self.send(subscribe, &notify);
        self.expect("SIP/2.0 200", LIMIT);
    }

    fn confirm(&self, notify: &Message) {
        self.send(notify, &notify.answer(""));
    }

    fn grant(&self, register: &Message) {
        let contact = format!("Contact: {};expires=300\r\n", register.header("Contact"));
        self.send(register, &register.answer(&contact));
    }

    fn send(&self, to: &Message, text: &str) {
        let via = to.header("Via");
        let sent_by = via.split([' ', ';']).nth(1).expect("where it is");
        self.socket.send_to(text.as_bytes(), sent_by).expect("sent");
    }
}

/// The To of a subscription that bob granted.
fn tagged(subscribe: &Message) -> String {
    match subscribe.header("To") {
        to if to.contains(";tag=") => to.to_string(),
        to => format!("{to};tag=bob"),
    }
}

/// The answer of bob at `ip` to a SUBSCRIBE.
fn granted(subscribe: &Message, ip: &str) -> String {
    let answer = subscribe.answer(&format!("Contact: <sip:bob@{ip}:5070>\r\nExpires: 600\r\n"));
    let to = format!("To: {}\r\n", subscribe.header("To"));
    answer.replace(&to, &format!("To: {}\r\n", tagged(subscribe)))
}

/// The NOTIFY of that number: all is quiet at bob's.
fn told_idle(subscribe: &Message, ip: &str, told: u32) -> String {
    let target = subscribe.header("Contact");
    let target = target.split(['<', '>']).nth(1).expect("a URI");
    let body = format!(
        "<?xml version=\"1.0\"?>\n\
         <dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version=\"{told}\" \
         state=\"full\" entity=\"sip:bob@{ip}\"/>"
    );
    let (them, us) = (tagged(subscribe), subscribe.header("From"));
    let call = subscribe.header("Call-ID");
    format!(
        "NOTIFY {target} SIP/2.0\r\n\
         Via: SIP/2.0/UDP {ip}:5070;branch=z9hG4bKtold{told}\r\n\
         Max-Forwards: 70\r\n\
         From: {them}\r\n\
         To: {us}\r\n\
         Call-ID: {call}\r\n\
         CSeq: {told} NOTIFY\r\n\
         Event: dialog\r\n\
         Subscription-State: active;expires=600\r\n\
         Contact: <sip:bob@{ip}:5070>\r\n\
         Content-Type: application/dialog-info+xml\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// One that prefers TCP.
struct Phone {
    listener: TcpListener,
    /// Stays open: nobody tells it that the other end has gone.
    _stream: TcpStream,
}

impl Phone {
    #[track_caller]
    fn subscribe(ip: &str, desk: &str) -> Phone {
        let listener = TcpListener::bind((ip, 5_072)).expect("the address is here");
        listener.set_nonblocking(true).expect("set");
        let mut stream = TcpStream::connect((desk, 5_060)).expect("it listens");
        let contact = format!("{ip}:5072;transport=tcp");
        let subscribe = subscribe("TCP", &format!("{ip}:5072"), desk, "phone", &contact);
        stream.write_all(subscribe.as_bytes()).expect("sent");
        let notify = Message::read(&mut stream, "NOTIFY");
        stream
            .write_all(notify.answer("").as_bytes())
            .expect("sent");
        Phone {
            listener,
            _stream: stream,
        }
    }

    /// It is called back, and told where the desk is.
    #[track_caller]
    fn expect_call_from(&mut self, desk: &str) {
        let until = Instant::now() + AT_ONCE;
        let (mut stream, from) = loop {
            match self.listener.accept() {
                Ok(call) => break call,
                Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
            }
            assert!(Instant::now() < until, "nobody calls back");
            thread::sleep(GLANCE);
        };
        assert_eq!(from.ip().to_string(), desk);
        stream.set_nonblocking(false).expect("set");
        Message::read(&mut stream, "NOTIFY").expect_named(desk);
    }
}

impl Message {
    /// What comes on a stream, up to the head of a message that begins so.
    #[track_caller]
    fn read(stream: &mut TcpStream, begins: &str) -> Message {
        stream.set_read_timeout(Some(LIMIT)).expect("set");
        let (mut bytes, mut buf) = (Vec::new(), [0; 4_096]);
        loop {
            let len = stream.read(&mut buf).expect("it says something");
            assert!(len > 0, "it has closed");
            bytes.extend(&buf[..len]);
            let text = String::from_utf8_lossy(&bytes);
            if let Some(at) = text.find(&format!("{begins} "))
                && let Some(end) = text[at..].find("\r\n\r\n")
            {
                return Message(text[at..at + end].to_string());
            }
        }
    }
}

fn subscribe(transport: &str, from: &str, desk: &str, call: &str, contact: &str) -> String {
    format!(
        "SUBSCRIBE sip:desk@10.71.2.1 SIP/2.0\r\n\
         Via: SIP/2.0/{transport} {from};branch=z9hG4bK{call}\r\n\
         Max-Forwards: 70\r\n\
         From: <sip:bob@{from}>;tag={call}\r\n\
         To: <sip:desk@{desk}>\r\n\
         Call-ID: {call}\r\n\
         CSeq: 1 SUBSCRIBE\r\n\
         Event: presence\r\n\
         Expires: 600\r\n\
         Contact: <sip:bob@{contact}>\r\n\
         Content-Length: 0\r\n\r\n"
    )
}
