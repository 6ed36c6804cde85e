//! In the steady state no message costs a heap allocation, from the socket to the socket.
#![cfg(feature = "std")]

#[path = "common/counting.rs"]
mod counting;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use counting::allocations;
use lampfield::parts::{Board, Commands, Options, Paths, Roll, Runtime, Tls};
use lampfield::{Agent, Input, Network, Pace, Package, Settings, Shows, Strangers, limits};

/// Rounds after which everything has found its place.
const WARM_UP: u32 = 400;

/// How the watcher talks.
enum Way {
    Datagrams(UdpSocket),
    /// With what was read beyond the last message.
    Stream(TcpStream, String),
}

/// A watcher on a socket of its own, and the agent it watches, turn by turn on one thread.
struct Bench {
    runtime: Runtime,
    sip: SocketAddr,
    watcher: Way,
    here: SocketAddr,
    cseq: u32,
    dialog: u32,
    /// What the agent put into To.
    to: String,
    /// Allocations of the agent's turns.
    spent: u64,
}

impl Bench {
    fn new(by_tcp: bool) -> Bench {
        Bench::with(by_tcp, None)
    }

    /// With a control socket there.
    fn with(by_tcp: bool, control: Option<PathBuf>) -> Bench {
        let board = Board::find(Board::DEFAULT).expect("built in");
        let mut settings = Box::new(Settings::new());
        settings.restore_demo(None);
        // Only those who watch us, so that every datagram is one that we caused.
        settings.watches.clear();
        for lamp in &mut settings.lamps {
            lamp.shows = Shows::Nothing;
        }
        // What strangers do shows on this lamp; what those do whom we trust does not.
        settings.lamps[0].shows = Shows::Waiting(0);
        settings.strangers = Strangers::Ask;
        settings.trusted.clear();
        let own = Network::parse("127.0.0.1/32").expect("a network");
        settings.trusted.push(own).expect("room");
        // Every change is told at once.
        settings.paces = [Pace::UNLIMITED; Package::SERVED_COUNT];
        let agent = Box::leak(Box::new(Agent::new()));
        let options = Options {
            state: None,
            settings,
            listen: vec!["udp:127.0.0.1:0".parse().expect("an address")],
            control,
            board,
            commands: Commands::default(),
            names: Paths::default(),
            discover: None,
            users: Roll::default(),
            tls: Tls::default(),
            signals: false,
            reload: None,
            lasts: None,
        };
        let mut runtime = Runtime::new(agent, options).expect("it starts");
        runtime.turn().expect("the first turn");
        let sip = runtime.listeners()[0].address;
        let limit = Some(PATIENCE);
        let (watcher, here) = if by_tcp {
            let tcp = TcpStream::connect(sip).expect("a watcher");
            tcp.set_read_timeout(limit).expect("set");
            tcp.set_nodelay(true).expect("set");
            // It is let in.
            runtime.turn().expect("a turn");
            let here = tcp.local_addr().expect("bound");
            (Way::Stream(tcp, String::new()), here)
        } else {
            let udp = UdpSocket::bind("127.0.0.1:0").expect("a watcher");
            udp.set_read_timeout(limit).expect("set");
            let here = udp.local_addr().expect("bound");
            (Way::Datagrams(udp), here)
        };
        Bench {
            sip,
            here,
            runtime,
            watcher,
            cseq: 0,
            dialog: 0,
            to: String::new(),
            spent: 0,
        }
    }

    /// One turn, for something that is there already.
    fn turn(&mut self) {
        let before = allocations();
        self.runtime.turn().expect("a turn");
        self.spent += allocations() - before;
    }

    /// A turn that finds a keep-alive at least: what tasks have to do is done before a turn sleeps.
    fn nudge(&mut self) {
        let peer = UdpSocket::bind("127.0.0.1:0").expect("a peer");
        peer.send_to(b"\r\n\r\n", self.sip).expect("sent");
        self.runtime.turn().expect("a turn");
    }

    fn send(&mut self, text: &str) {
        match &mut self.watcher {
            Way::Datagrams(udp) => {
                udp.send_to(text.as_bytes(), self.sip).expect("sent");
            }
            Way::Stream(tcp, _) => tcp.write_all(text.as_bytes()).expect("sent"),
        }
        self.turn();
    }

    fn receive(&mut self) -> String {
        let mut buf = [0; 4_096];
        match &mut self.watcher {
            Way::Datagrams(udp) => {
                let length = udp.recv(&mut buf).unwrap_or_else(|_| {
                    // The turn before was for somebody else's wake-up.
                    self.runtime.turn().expect("a turn");
                    udp.recv(&mut buf).expect("an answer")
                });
                String::from_utf8_lossy(&buf[..length]).into_owned()
            }
            Way::Stream(tcp, read) => loop {
                if let Some(length) = whole(read) {
                    let rest = read.split_off(length);
                    return std::mem::replace(read, rest);
                }
                let length = tcp.read(&mut buf).expect("an answer");
                assert!(length > 0, "closed after {read:?}");
                read.push_str(std::str::from_utf8(&buf[..length]).expect("text"));
            },
        }
    }

    /// A SUBSCRIBE, its 200, the NOTIFY and our 200 to that.
    fn subscribe(&mut self, expires: u32) {
        self.cseq += 1;
        let Bench {
            sip,
            here,
            cseq,
            dialog,
            to,
            watcher,
            ..
        } = self;
        let transport = match watcher {
            Way::Datagrams(_) => "UDP",
            Way::Stream(..) => "TCP",
        };
        let text = format!(
            "SUBSCRIBE sip:desk@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/{transport} {here};branch=z9hG4bK{dialog}x{cseq};rport\r\n\
             Max-Forwards: 70\r\nFrom: <sip:bob@127.0.0.1>;tag=b{dialog}\r\nTo: <sip:desk@127.0.0.1>{to}\r\n\
             Call-ID: {dialog}@{sip}\r\nCSeq: {cseq} SUBSCRIBE\r\nContact: <sip:bob@{here}>\r\nEvent: dialog\r\n\
             Accept: application/dialog-info+xml\r\nExpires: {expires}\r\nContent-Length: 0\r\n\r\n"
        );
        self.send(&text);
        let first = self.receive();
        let second = self.receive();
        let (answer, notify) = if first.starts_with("SIP/2.0 ") {
            (first, second)
        } else {
            (second, first)
        };
        assert!(answer.starts_with("SIP/2.0 200 "), "{answer}");
        if self.to.is_empty() {
            let tag = row(&answer, "To").split_once(";tag=").expect("a tag").1;
            self.to = format!(";tag={tag}");
        }
        self.accept(&notify);
    }

    /// Answers a NOTIFY.
    fn accept(&mut self, notify: &str) {
        assert!(notify.starts_with("NOTIFY sip:bob@"), "{notify}");
        let mut text = String::from("SIP/2.0 200 OK\r\n");
        for name in ["Via", "From", "To", "Call-ID", "CSeq"] {
            text += &format!("{name}: {}\r\n", row(notify, name));
        }
        text += "Content-Length: 0\r\n\r\n";
        self.send(&text);
    }

    /// The owner switches DND, by its button or otherwise: one NOTIFY.
    fn switch(&mut self, by_button: bool) {
        let before = allocations();
        let mut hub = self.runtime.hub().borrow_mut();
        if by_button {
            let pressed = hub.change_panel(|panel, now| panel.press(now, "dnd", None));
            assert_eq!(pressed, Ok(()));
        } else {
            let is_on = hub.agent.presentities().any(|it| it.inputs.dnd);
            let input = Input::Dnd(!is_on);
            hub.change(|agent, moment| agent.handle_input(moment, 0, input));
        }
        drop(hub);
        self.spent += allocations() - before;
        let notify = self.receive();
        self.accept(&notify);
    }

    /// A refresh or a change; now and then the subscription ends and another begins. Not too often: the agent
    /// remembers each beginning for 32 s (RFC 3261 §17.2.2), and sends newcomers away when it can't.
    fn round(&mut self, number: u32) {
        if number % 100 == 99 {
            self.subscribe(0);
            self.dialog += 1;
            self.to.clear();
        }
        if self.to.is_empty() || number.is_multiple_of(2) {
            self.subscribe(300);
        } else {
            // A button that is pressed thousands of times in a second chatters, and is not heard.
            self.switch(number % 1_000 == 1);
        }
    }
}

/// Somebody who follows the lamps over the control socket, and has been told how they are.
struct Follower {
    stream: UnixStream,
    heard: String,
}

impl Follower {
    fn begin(bench: &mut Bench, control: &PathBuf) -> Follower {
        let mut stream = UnixStream::connect(control).expect("it listens");
        let request = b"GET /lamps?follow=1 HTTP/1.1\r\n\r\n";
        stream.write_all(request).expect("written");
        stream.set_nonblocking(true).expect("set");
        let mut follower = Follower {
            stream,
            heard: String::new(),
        };
        while !follower.heard.contains("\"blf4\"") {
            if follower.read() == 0 {
                bench.nudge();
            }
        }
        follower
    }

    /// Takes what has come; how much that was.
    fn read(&mut self) -> usize {
        let mut buf = [0; 4_096];
        let length = self.stream.read(&mut buf).unwrap_or(0);
        self.heard += &String::from_utf8_lossy(&buf[..length]);
        length
    }
}

/// What does not come within this does not come.
const PATIENCE: Duration = Duration::from_secs(1);

/// The length of the message that the text begins with, if all of it is there.
fn whole(text: &str) -> Option<usize> {
    let head = text.find("\r\n\r\n")? + 4;
    let body: usize = row(text, "Content-Length").parse().expect("a number");
    (text.len() >= head + body).then_some(head + body)
}

fn row<'m>(message: &'m str, name: &str) -> &'m str {
    let mut rows = message.split("\r\n");
    rows.find_map(|row| row.strip_prefix(name)?.strip_prefix(": "))
        .unwrap_or_else(|| panic!("no {name} in {message}"))
}

fn rounds_allocate_nothing(bench: &mut Bench) {
    for number in 0..WARM_UP {
        bench.round(number);
    }
    bench.spent = 0;
    for number in 0..10_000 {
        bench.round(number);
    }
    assert_eq!(bench.spent, 0, "allocations in 10,000 rounds");
}

/// Watchers take more than one turn to tell, and answer while others are told.
#[test]
fn telling_many_watchers_allocates_nothing() {
    let mut bench = Bench::new(false);
    for dialog in 0..limits::SUBSCRIPTIONS.min(64) as u32 {
        bench.dialog = dialog;
        bench.to.clear();
        bench.subscribe(3_600);
    }
    for round in 0..200 {
        if round == 20 {
            bench.spent = 0;
        }
        for told in 0..limits::SUBSCRIPTIONS.min(64) {
            match told {
                0 => bench.switch(false),
                _ => {
                    let notify = bench.receive();
                    bench.accept(&notify);
                }
            }
        }
    }
    assert_eq!(bench.spent, 0, "allocations in 180 rounds");
}

#[test]
fn ten_thousand_rounds_allocate_nothing() {
    rounds_allocate_nothing(&mut Bench::new(false));
}

#[test]
fn ten_thousand_rounds_on_a_stream_allocate_nothing() {
    rounds_allocate_nothing(&mut Bench::new(true));
}

#[test]
fn ten_thousand_rounds_with_a_follower_of_the_lamps_allocate_nothing() {
    let name = format!("lampfield-allocations-{}", std::process::id());
    let folder = std::env::temp_dir().join(name);
    std::fs::create_dir_all(&folder).expect("a folder");
    let control = folder.join("control.sock");
    let mut bench = Bench::with(false, Some(control.clone()));
    let mut follower = Follower::begin(&mut bench, &control);
    rounds_allocate_nothing(&mut bench);
    assert_eq!(
        follower.read(),
        0,
        "no lamp has changed: {}",
        follower.heard
    );
    // It is still there, and hears of a lamp that does.
    bench.runtime.hub().borrow_mut().change(|agent, moment| {
        let mut settings = Box::new(agent.settings().clone());
        settings.lamps[1].shows = Shows::Dnd(0);
        agent.reconfigure(moment, &settings);
    });
    while follower.read() == 0 {
        bench.nudge();
    }
    assert!(follower.heard.ends_with('\n'), "{}", follower.heard);
    assert!(follower.heard.contains("\"shows\":\"dnd\""));
    let _ = std::fs::remove_dir_all(&folder); // The system clears its temporary files too.
}
