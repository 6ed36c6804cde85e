//! The real program over TCP: phones that prefer it, and peers that mean no good.
#![cfg(feature = "std")]

mod agent;
mod phone;

use std::io::{BufRead, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::time::{Duration, Instant};

use agent::Agent;
use phone::{Phone, accept, options, status, subscribe};
use rustix::net::{AddressFamily, SocketType, bind, connect, socket};

/// What does not come within this does not come.
const LIMIT: Duration = Duration::from_secs(20);

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
fn a_nul_behind_a_keep_alive_does_not_cost_the_connection() /* resiprocate #38 */
{
    let agent = Agent::start("nul");
    let mut phone = agent.dial();
    phone.write("\r\n\0");
    phone.options(1);
    phone.write("\0\0\r\n\0");
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

#[test]
fn who_has_the_places_is_said_once_somebody_gets_none() /* ATTACKS C05 */
{
    let mut agent = Agent::start("places");
    let sip = agent.sip;
    let dial_from = |last: u8| {
        let from = SocketAddr::from(([127, 0, 0, last], 0));
        let fd = socket(AddressFamily::INET, SocketType::STREAM, None).expect("a socket");
        bind(&fd, &from).expect("bound");
        connect(&fd, &sip).expect("it listens");
        Phone::new(fd.into())
    };
    // Two of eight are for servers of ours.
    let mut phones: Vec<Phone> = (10..16).map(dial_from).collect();
    for (number, phone) in (0..).zip(&mut phones) {
        phone.options(number);
    }
    assert_eq!(dial_from(20).rest(), "");
    let mut line = String::new();
    while !line.contains("no place for tcp with 127.0.0.20:") {
        line.clear();
        assert!(agent.log.read_line(&mut line).expect("a line") > 0);
    }
    assert!(line.contains(": 6 of 8 taken: 1 peer 127.0.0.1"), "{line}");
    let status = agent.ask("GET", "/status", "");
    assert!(
        status.contains("\"connections\":{\"places\":8,\"refused\":1,"),
        "{status}"
    );
    assert_eq!(status.matches("\"whose\":\"peer\"").count(), 6, "{status}");
    for phone in &mut phones {
        phone.options(9);
    }
}
