mod turns;

use super::*;
use crate::ground::text::Text;
use crate::shell::control::http::PATIENCE;
use crate::shell::control::{CONNECTIONS, FOLLOWERS};
use crate::shell::panel::board::Board;
use crate::shell::tls::Tls;
use crate::users::compose::Input;
use crate::users::lamps::Shows;
use nix::sys::signal::{Signal, raise};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, UdpSocket};
use std::os::unix::net::UnixStream;
use std::string::ToString;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::{format, fs};

/// An agent at work on a thread of its own, with the demonstration's settings.
struct Running {
    stop: StopHandle,
    sip: SocketAddr,
    folder: PathBuf,
    thread: Option<JoinHandle<Result<(), Failed>>>,
}

impl Running {
    fn start(test: &str) -> Running {
        Running::start_with(test, |_| {})
    }

    fn start_with(test: &str, change: impl FnOnce(&mut Options) + Send + 'static) -> Running {
        let folder =
            std::env::temp_dir().join(format!("lampfield-run-{}-{test}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let control = folder.join("control.sock");
        let (sender, receiver) = mpsc::channel();
        let work = move || {
            let agent = Box::leak(Box::new(Agent::new()));
            let mut options = options(control);
            change(&mut options);
            let mut runtime = Runtime::new(agent, options)?;
            let ready = (runtime.stop_handle(), runtime.listeners());
            sender.send(ready).expect("the test waits");
            runtime.run()
        };
        let roomy = thread::Builder::new().stack_size(64 << 20);
        let thread = roomy.spawn(work).expect("a thread");
        let (stop, listeners) = receiver.recv().expect("it starts");
        Running {
            stop,
            sip: listeners[0].address,
            folder,
            thread: Some(thread),
        }
    }

    fn connect(&self) -> UnixStream {
        let stream = UnixStream::connect(self.folder.join("control.sock")).expect("it listens");
        stream.set_read_timeout(Some(LIMIT)).expect("set");
        stream
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let mut stream = self.connect();
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
        )
        .expect("written");
        answer(stream)
    }

    fn get(&self, path: &str) -> (u16, Value) {
        self.ask("GET", path, "")
    }

    fn post(&self, path: &str, body: &str) -> (u16, Value) {
        self.ask("POST", path, body)
    }

    fn join(&mut self) -> Result<(), Failed> {
        let thread = self.thread.take().expect("not joined yet");
        thread.join().expect("no panic")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            self.stop.stop();
            self.stop.stop();
            let _ = thread.join(); // The test has said what is wrong.
        }
        let _ = fs::remove_dir_all(&self.folder); // The system clears its temporary files too.
    }
}

/// No answer within this is a failure.
const LIMIT: Duration = Duration::from_secs(10);

fn options(control: PathBuf) -> Options {
    let probe = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let address = probe.local_addr().expect("bound");
    let board = Board::find(Board::DEFAULT).expect("built in");
    let mut settings = Box::new(Settings::new());
    // The lamp watches our own desk, so the agent's own address must be known before.
    settings.restore_demo(Some(address));
    drop(probe);
    Options {
        state: None,
        settings,
        listen: Vec::from([address.into()]),
        control: Some(control),
        board,
        commands: Commands::default(),
        names: Paths::default(),
        discover: None,
        users: Roll::default(),
        tls: Tls::default(),
        signals: false,
        lasts: None,
        reload: Some(Box::new(|| {
            Err("FILE:1:1: nonsense\nremedy: sense".to_string())
        })),
    }
}

fn answer(stream: UnixStream) -> (u16, Value) {
    let mut text = String::new();
    let mut reader = BufReader::new(stream);
    reader.read_to_string(&mut text).expect("an answer");
    let (head, body) = text.split_once("\r\n\r\n").expect("a whole head");
    let status = head.split(' ').nth(1).expect("a status");
    let body = serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {body}"));
    (status.parse().expect("a number"), body)
}

/// Reads lines until one for `lamp` has `look`.
fn follow_until(reader: &mut impl BufRead, lamp: &str, look: &str) {
    let mut line = String::new();
    loop {
        line.clear();
        assert!(reader.read_line(&mut line).expect("a line") > 0, "ended");
        let value: Value = serde_json::from_str(&line).unwrap_or_default();
        if value["name"] == lamp && value["look"] == look {
            return;
        }
    }
}

#[test]
fn every_route_answers_in_json() {
    let running = Running::start("routes");
    let (status, body) = running.get("/status");
    assert_eq!(status, 200);
    assert_eq!(body["presentities"][0]["uri"], "sip:desk@127.0.0.1");
    assert_eq!(body["listen"][0], format!("udp:{}", running.sip));
    for key in [
        "uptime_s",
        "subscriptions",
        "watches",
        "publications",
        "registrations",
    ] {
        assert!(body[key].is_number(), "{key}: {body}");
    }
    let (_, lamps) = running.get("/lamps");
    let first = &lamps[0];
    assert_eq!(first["name"], "blf1");
    for key in ["look", "watches", "state"] {
        assert!(first[key].is_string(), "{key}: {first}");
    }
    for path in [
        "/watchers",
        "/watches",
        "/registrations",
        "/publications",
        "/presentities",
    ] {
        let (status, body) = running.get(path);
        assert!(status == 200 && body.is_array(), "{path}: {body}");
    }
    let (status, why) = running.get("/why/blf1");
    assert_eq!((status, &why["lamp"]["name"]), (200, &first["name"]));
    let (_, panel) = running.get("/panel");
    assert_eq!(panel["buttons"][1]["name"], "dnd");
    let (_, capacity) = running.get("/capacity");
    assert!(capacity["total"].is_number(), "{capacity}");
}

#[test]
fn what_is_not_there_is_answered_with_what_is() {
    let running = Running::start("wrong");
    for (method, path, body, status, text) in [
        (
            "GET",
            "/nothing",
            "",
            404,
            "/nothing: there is nothing here",
        ),
        (
            "POST",
            "/status",
            "",
            405,
            "/status: the other method, please",
        ),
        (
            "GET",
            "/press/dnd",
            "",
            405,
            "/press/dnd: the other method, please",
        ),
        (
            "POST",
            "/press/door",
            "",
            404,
            "there is no button \"door\"; there are: hook, dnd",
        ),
        (
            "GET",
            "/why/blf9",
            "",
            404,
            "there is no lamp \"blf9\"; there are: blf1, blf2, blf3, blf4",
        ),
        (
            "POST",
            "/set/dnd",
            "maybe",
            400,
            "dnd: the value is on or off",
        ),
        (
            "POST",
            "/set/dnd?presentity=sip:x@y",
            "on",
            404,
            "there is no presentity \"sip:x@y\"; there are: sip:desk@127.0.0.1",
        ),
        (
            "POST",
            "/set/note",
            &"x".repeat(5_000),
            413,
            "the body is too long",
        ),
    ] {
        let (got, answer) = running.ask(method, path, body);
        assert_eq!(
            (got, answer["error"].as_str()),
            (status, Some(text)),
            "{path}"
        );
    }
}

#[test]
fn inputs_reach_the_presentity() {
    let running = Running::start("inputs");
    for (path, value) in [
        ("/set/dnd", "on"),
        ("/set/activity", "meeting"),
        ("/set/note?presentity=sip%3Adesk@127.0.0.1", "back at five"),
        ("/press/hook", ""),
    ] {
        assert_eq!(running.post(path, value).0, 200, "{path}");
    }
    let (_, all) = running.get("/presentities");
    let desk = &all[0];
    assert_eq!(desk["basic"], "closed");
    assert_eq!(desk["dnd"], true);
    assert_eq!(desk["hook"], "up");
    assert_eq!(desk["note"], "back at five");
    let activities = desk["activities"].as_array().expect("a list");
    assert!(activities.contains(&"meeting".into()), "{desk}");
    assert_eq!(running.post("/release/hook", "").0, 200);
    assert_eq!(running.get("/presentities").1[0]["hook"], "down");
}

#[test]
fn a_follower_sees_the_lamp_turn_red_and_green_again() {
    let running = Running::start("follow");
    let mut stream = running.connect();
    write!(stream, "GET /lamps?follow=1 HTTP/1.1\r\n\r\n").expect("written");
    let mut reader = BufReader::new(stream);
    follow_until(&mut reader, "blf1", "green");
    for look in ["red", "green", "red"] {
        assert_eq!(running.post("/press/dnd", "").0, 200);
        follow_until(&mut reader, "blf1", look);
    }
}

#[test]
fn who_follows_leaves_places_to_commands_and_who_says_nothing_makes_way() /* C05 */
{
    let running = Running::start("crowd");
    let mut crowd = Vec::new();
    for _ in 0..FOLLOWERS {
        let mut stream = running.connect();
        write!(stream, "GET /lamps?follow=1 HTTP/1.1\r\n\r\n").expect("written");
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        reader.read_line(&mut line).expect("it is served");
        assert_eq!(line, "HTTP/1.1 200 OK\r\n");
        crowd.push(reader);
    }
    let (status, body) = running.get("/lamps?follow=1");
    assert_eq!((status, &body["error"]), (503, &"too many follow".into()));
    // Whoever says nothing is not in the way of whoever does.
    let mut silent: Vec<_> = (0..2 * CONNECTIONS).map(|_| running.connect()).collect();
    assert_eq!(running.get("/status").0, 200);
    assert_eq!(silent[0].read(&mut [0; 8]).expect("closed"), 0);
    // And goes soon.
    let before = clock::now();
    let last = silent.last_mut().expect("some");
    assert_eq!(last.read(&mut [0; 8]).expect("closed"), 0);
    assert!(clock::now() - before < PATIENCE + Duration::from_secs(2));
    drop(crowd.pop());
    // That one has gone is seen a moment later.
    let limit = clock::now() + LIMIT;
    while running.get("/lamps?follow=0").0 != 200 || !running.can_follow() {
        assert!(clock::now() < limit, "no room was made");
    }
}

#[test]
fn one_connection_too_many_is_told_so() /* C05 */
{
    let running = Running::start("full");
    let mut busy = Vec::new();
    for _ in 0..CONNECTIONS {
        let mut stream = running.connect();
        // With the answer to the first the second has begun, which has no end.
        let rest = "POST /set/dnd HTTP/1.1\r\nContent-Length: 2\r\n\r\no";
        write!(stream, "GET /status HTTP/1.1\r\n\r\n{rest}").expect("written");
        assert!(stream.read(&mut [0; 8_192]).expect("an answer") > 0);
        busy.push(stream);
    }
    // Nothing is asked on this one, so that no unread request cuts the answer off.
    let (status, body) = answer(running.connect());
    assert_eq!(status, 503);
    assert_eq!(body["error"], "too many connections");
}

impl Running {
    fn can_follow(&self) -> bool {
        let mut stream = self.connect();
        write!(stream, "GET /lamps?follow=1 HTTP/1.1\r\n\r\n").expect("written");
        let mut line = String::new();
        let read = BufReader::new(stream).read_line(&mut line);
        read.is_ok() && line == "HTTP/1.1 200 OK\r\n"
    }
}

#[test]
fn a_slow_client_delays_nobody() /* C06 I5 */
{
    let running = Running::start("slow");
    let mut slow = running.connect();
    write!(slow, "POST /set/dnd HTTP/1.1\r\nContent-Length: 2\r\n\r\no").expect("written");
    assert_eq!(running.get("/status").0, 200);
    write!(slow, "n").expect("written");
    let mut text = [0; 15];
    slow.read_exact(&mut text).expect("an answer");
    assert_eq!(&text, b"HTTP/1.1 200 OK");
    assert_eq!(running.get("/presentities").1[0]["dnd"], true);
}

#[test]
fn a_bad_configuration_is_told_and_the_agent_goes_on() {
    let running = Running::start("reload");
    assert_eq!(running.post("/set/dnd", "on").0, 200);
    let (status, body) = running.post("/reload", "");
    assert_eq!(status, 400);
    assert_eq!(body["error"], "FILE:1:1: nonsense\nremedy: sense");
    running.stop.reload();
    assert_eq!(running.get("/presentities").1[0]["dnd"], true);
}

#[test]
fn stopping_takes_leave_and_removes_the_socket() /* J05 */
{
    let mut running = Running::start("stop");
    assert_eq!(running.get("/status").0, 200);
    let before = clock::now();
    running.stop.stop();
    running.join().expect("it ends well");
    assert!(clock::now() - before <= LEAVE + Duration::from_secs(1));
    assert!(!running.folder.join("control.sock").exists());
}

/// With nobody to take leave of the agent ends at once; the kernel may blink a lamp long after that.
#[test]
fn lamps_end_unknown_also_when_leave_takes_no_time() {
    let mut options = options(PathBuf::new());
    (options.control, options.signals) = (None, true);
    options.settings.watches.clear();
    for lamp in &mut options.settings.lamps {
        lamp.shows = Shows::Dnd(0);
    }
    let agent = Box::leak(Box::new(Agent::new()));
    let mut runtime = Runtime::new(agent, options).expect("it starts");
    let look = |runtime: &Runtime| {
        let look = runtime.hub().borrow().panel.lamps()[0].look;
        look.map(|look| look.to_string())
    };
    assert_eq!(look(&runtime).as_deref(), Some("green"));
    // Only this thread, the test's own, gets it.
    raise(Signal::SIGTERM).expect("sent");
    runtime.run().expect("it ends well");
    assert_eq!(look(&runtime).as_deref(), Some("amber slow"));
}

/// An agent that is at rest announces nothing, so what a follower leaves behind would stay.
#[test]
fn followers_that_go_leave_nothing_behind() {
    let folder = std::env::temp_dir().join(format!("lampfield-run-{}-gone", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    let mut options = options(folder.join("control.sock"));
    options.settings.watches.clear();
    options.settings.lamps[0].shows = Shows::Nothing;
    let agent = Box::leak(Box::new(Agent::new()));
    let mut runtime = Runtime::new(agent, options).expect("it starts");
    let (path, stop) = (folder.join("control.sock"), runtime.stop_handle());
    let done = Arc::new(AtomicBool::new(false));
    let is_done = done.clone();
    let client = thread::spawn(move || {
        for _ in 0..20 {
            let mut stream = UnixStream::connect(&path).expect("it listens");
            stream.set_read_timeout(Some(LIMIT)).expect("set");
            let request = b"GET /lamps?follow=1 HTTP/1.1\r\n\r\n";
            stream.write_all(request).expect("written");
            let mut reader = BufReader::new(&stream);
            reader.read_line(&mut String::new()).expect("an answer");
        }
        let mut stream = UnixStream::connect(&path).expect("it listens");
        let request = b"GET /status HTTP/1.1\r\nConnection: close\r\n\r\n";
        stream.write_all(request).expect("written");
        answer(stream);
        is_done.store(true, Ordering::Release);
        stop.reload(); // Rings the bell.
    });
    while !done.load(Ordering::Acquire) {
        runtime.turn().expect("it turns");
    }
    client.join().expect("no panic");
    let kept = runtime.hub().borrow().changes.kept();
    assert!(kept < 10, "{kept} are kept");
    let _ = fs::remove_dir_all(&folder); // The system clears its temporary files too.
}

/// ```text
/// follower ── GET /lamps?follow=1 ──► agent ◄── OPTIONS, SUBSCRIBE ── others: the bell is silent
///          ◄────────── a line ───────       ◄── dnd
/// ```
#[test]
fn messages_that_change_no_lamp_leave_a_follower_asleep() {
    let folder = std::env::temp_dir().join(format!("lampfield-run-{}-asleep", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    let mut options = options(folder.join("control.sock"));
    options.settings.watches.clear();
    options.settings.lamps[0].shows = Shows::Dnd(0);
    let agent = Box::leak(Box::new(Agent::new()));
    let mut runtime = Runtime::new(agent, options).expect("it starts");
    let sip = runtime.listeners()[0].address;
    let mut stream = UnixStream::connect(folder.join("control.sock")).expect("it listens");
    let request = b"GET /lamps?follow=1 HTTP/1.1\r\n\r\n";
    stream.write_all(request).expect("written");
    stream.set_nonblocking(true).expect("set");
    let mut heard = String::new();
    read_until(&mut runtime, &mut stream, &mut heard, "\"blf4\"");

    let peer = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a peer");
    peer.set_nonblocking(true).expect("set");
    let from = peer.local_addr().expect("bound");
    let mut rings = 0;
    for number in 0..40 {
        let method = ["OPTIONS", "SUBSCRIBE"][number % 2];
        let text = format!(
            "{method} sip:desk@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP {from};branch=z9hG4bK{number};rport\r\n\
             Max-Forwards: 70\r\nFrom: <sip:x@127.0.0.1>;tag=1\r\nTo: <sip:desk@127.0.0.1>\r\n\
             Call-ID: {number}@x\r\nCSeq: 1 {method}\r\nContact: <sip:x@{from}>\r\nEvent: dialog\r\n\
             Content-Length: 0\r\n\r\n"
        );
        peer.send_to(text.as_bytes(), sip).expect("sent");
        while peer.recv(&mut [0; 2_048]).is_err() {
            // The first few turns may still be those of the follower's own connection.
            rings += usize::from(runtime.bell.rung() && number >= 10);
            runtime.turn().expect("it turns");
        }
    }
    assert_eq!(rings, 0, "wake-ups for messages that change no lamp");

    let mut hub = runtime.hub().borrow_mut();
    hub.change(|agent, moment| agent.handle_input(moment, 0, Input::Dnd(true)));
    drop(hub);
    assert!(runtime.bell.rung(), "a lamp changed");
    let lines = heard.lines().count();
    read_until(&mut runtime, &mut stream, &mut heard, "\"state\":\"dnd\"");
    let told: Vec<_> = heard
        .lines()
        .skip(lines)
        .filter(|it| it.contains('{'))
        .collect();
    assert_eq!(
        told.len(),
        1,
        "the lamp that changed, and no other: {told:?}"
    );
    let _ = fs::remove_dir_all(&folder); // The system clears its temporary files too.
}

/// Turns until the follower has heard of `text`.
fn read_until(runtime: &mut Runtime, stream: &mut UnixStream, heard: &mut String, text: &str) {
    let mut buf = [0; 4_096];
    while !heard.contains(text) {
        match stream.read(&mut buf) {
            Ok(length) => heard.push_str(&String::from_utf8_lossy(&buf[..length])),
            Err(_) => {
                // What tasks have to do is done before a turn sleeps: this one finds a keep-alive at least.
                let peer = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a peer");
                let sip = runtime.listeners()[0].address;
                peer.send_to(b"\r\n\r\n", sip).expect("sent");
                runtime.turn().expect("it turns");
            }
        }
    }
}

#[test]
fn a_second_agent_on_the_same_address_says_what_to_do() {
    let running = Running::start("twice");
    let agent = Box::leak(Box::new(Agent::new()));
    let mut options = options(running.folder.join("other.sock"));
    options.listen = Vec::from([running.sip.into()]);
    let Err(Failed(text)) = Runtime::new(agent, options) else {
        panic!("two agents on one address");
    };
    assert!(
        text.contains("remedy: end the program that has this port"),
        "{text}"
    );
}

#[test]
fn a_silent_name_server_keeps_nobody_waiting() /* J07 I5 */
{
    let server = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a server");
    server.set_read_timeout(Some(LIMIT)).expect("set");
    let port = server.local_addr().expect("bound").port();
    let folder = std::env::temp_dir().join(format!("lampfield-run-{}-names", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    let conf = folder.join("resolv.conf");
    fs::write(&conf, "nameserver 127.0.0.1\n").expect("written");
    let names = Paths {
        resolv_conf: conf.to_str().expect("UTF-8").to_string(),
        port,
        ..Paths::default()
    };
    let running = Running::start_with("dns", move |options| {
        let watch = &mut options.settings.watches[0];
        watch.server = None;
        watch.target = Text::copied("sip:bob@pbx.example").expect("short");
        options.names = names;
    });
    let question = server.recv_from(&mut [0; 512]);
    question.expect("the name is asked for");

    let before = clock::now();
    let answer = ask_options(running.sip);
    assert!(answer.starts_with("SIP/2.0 200 "), "{answer}");
    assert!(clock::now() - before < Duration::from_secs(1));
    let _ = fs::remove_dir_all(&folder); // The system clears its temporary files too.
}

/// Sends an OPTIONS from a fresh socket and gives the answer.
fn ask_options(sip: SocketAddr) -> String {
    let peer = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a peer");
    peer.set_read_timeout(Some(LIMIT)).expect("set");
    let from = peer.local_addr().expect("bound");
    let options = format!(
        "OPTIONS sip:desk@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP {from};branch=z9hG4bK1;rport\r\n\
         Max-Forwards: 70\r\nFrom: <sip:x@127.0.0.1>;tag=1\r\nTo: <sip:desk@127.0.0.1>\r\nCall-ID: 1@x\r\n\
         CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
    );
    peer.send_to(options.as_bytes(), sip).expect("sent");
    let mut buf = [0; 2_048];
    let (length, source) = peer.recv_from(&mut buf).expect("an answer");
    assert_eq!(source, sip);
    String::from_utf8_lossy(&buf[..length]).into_owned()
}
