//! Tells as many watchers as there are places of one change after the other, on loopback. `benches/fan-out` drives it:
//!
//! ```text
//! fan_out LAMPFIELD     fails if a datagram is lost or sent twice, or if anybody goes without an answer
//! ```
//!
//! The agent is the real program. Each watcher answers a NOTIFY as soon as it is read, all of them on sockets that can
//! hold one for each, so that nothing is lost there. Meanwhile somebody else asks with OPTIONS, 2,000 times a second.

mod agent;

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use agent::Agent;
use lampfield::limits;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::sockopt::set_socket_recv_buffer_size;

/// Everybody is told of each.
const CHANGES: usize = 5;

/// Watchers that share a socket. A NOTIFY takes less than 3 kB there, and the kernel keeps some 200 kB.
const EACH: usize = 64;

/// From one OPTIONS to the next.
const PERIOD: Duration = Duration::from_micros(500);

/// Bytes of answers to OPTIONS that may wait, if the system allows so many.
const ANSWERS: usize = 1024 * 1024;

/// Waiting for longer than this is a failure.
const LIMIT: Duration = Duration::from_secs(20);

/// How long an answer may take that is still to come in the end.
const LATE: Duration = Duration::from_secs(2);

const SETTINGS: &str = "[[presentity]]\nuri = \"sip:desk@127.0.0.1\"\n\
    [subscriptions]\npace = { presence = { burst = 0, interval = 5 } }\n";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [program] = &args[..] else {
        eprintln!("usage: fan_out LAMPFIELD");
        return ExitCode::FAILURE;
    };
    let mut agent = Agent::start(Path::new(program), &[("lampfield.toml", SETTINGS)]);
    let outcome = measure(&agent);
    agent.stop();
    let faults = outcome.faults();
    for fault in &faults {
        eprintln!("fan-out: {fault}");
    }
    match faults.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

/// What must not have happened.
struct Outcome {
    untold: usize,
    repeated: usize,
    dropped: u64,
    unanswered: usize,
}

impl Outcome {
    fn faults(&self) -> Vec<String> {
        let Outcome {
            untold,
            repeated,
            dropped,
            unanswered,
        } = self;
        let all = [
            (*untold as u64, "watchers were not told"),
            (*repeated as u64, "NOTIFYs were sent twice"),
            (*dropped, "datagrams were dropped at the agent's socket"),
            (*unanswered as u64, "OPTIONS were not answered"),
        ];
        let bad = all.iter().filter(|(count, _)| *count > 0);
        bad.map(|(count, what)| format!("{count} {what}")).collect()
    }
}

fn measure(agent: &Agent) -> Outcome {
    let mut crowd = Crowd::subscribe(agent.sip);
    let (tell, told) = channel();
    let crowd = thread::spawn(move || {
        crowd.listen(&tell);
        crowd
    });
    let asking = Asking::start(agent.sip);
    println!("{} watchers, {CHANGES} changes", limits::SUBSCRIPTIONS);
    println!(
        "{:<10} {:>14} {:>14}",
        "change", "first told ms", "last told ms"
    );
    let mut untold = 0;
    for change in 1..=CHANGES {
        untold += tell_all(agent, &told, change);
    }
    let mut asked = asking.finish();
    drop(told);
    let crowd = crowd.join().expect("no panic");
    asked.print();
    let outcome = Outcome {
        untold,
        repeated: crowd.repeated,
        dropped: drops(agent.sip),
        unanswered: asked.sent - asked.took.len(),
    };
    println!(
        "NOTIFYs sent twice: {}, datagrams dropped at the agent's socket: {}",
        outcome.repeated, outcome.dropped
    );
    outcome
}

/// Makes a change and waits until everybody knows it; says who does not.
fn tell_all(agent: &Agent, told: &Receiver<Baseline>, change: usize) -> usize {
    let start = Instant::now();
    agent.command("/set/note", &format!("change {change}"));
    let mut first = None;
    for count in 0..limits::SUBSCRIPTIONS {
        let left = LIMIT.saturating_sub(start.elapsed());
        let Ok(Baseline { at, change: known }) = told.recv_timeout(left) else {
            return limits::SUBSCRIPTIONS - count;
        };
        assert_eq!(known, change, "what was told");
        let first = *first.get_or_insert(at);
        if count + 1 == limits::SUBSCRIPTIONS {
            let [first, last] = [first, at].map(|at| at.duration_since(start).as_secs_f64() * 1e3);
            println!("{change:<10} {first:>14.1} {last:>14.1}");
        }
    }
    0
}

/// Datagrams that the kernel dropped because the agent's socket, on loopback, was full.
fn drops(sip: SocketAddr) -> u64 {
    let table = fs::read_to_string("/proc/net/udp").expect("Linux");
    let local = format!("0100007F:{:04X}", sip.port());
    let mut rows = table.lines().map(str::split_whitespace);
    let row = rows.find(|row| row.clone().nth(1) == Some(&local));
    let drops = row.and_then(|row| row.last()?.parse().ok());
    drops.expect("the agent's socket")
}

/// A watcher heard of a change for the first time.
struct Baseline {
    at: Instant,
    change: usize,
}

/// All watchers.
struct Crowd {
    sockets: Vec<UdpSocket>,
    /// The newest CSeq that each has seen.
    seen: Vec<u32>,
    repeated: usize,
    buf: Vec<u8>,
}

impl Crowd {
    /// Everybody subscribes and is told.
    fn subscribe(sip: SocketAddr) -> Crowd {
        let count = limits::SUBSCRIPTIONS.div_ceil(EACH);
        let mut crowd = Crowd {
            sockets: (0..count).map(|_| socket()).collect(),
            seen: vec![0; limits::SUBSCRIPTIONS],
            repeated: 0,
            buf: vec![0; 8 * 1024],
        };
        for number in 0..limits::SUBSCRIPTIONS {
            let socket = &crowd.sockets[number / EACH];
            socket.set_read_timeout(Some(LIMIT)).expect("set");
            let text = subscribe(number, socket.local_addr().expect("bound"));
            socket.send_to(text.as_bytes(), sip).expect("sent");
            let length = socket.recv(&mut crowd.buf).expect("an answer");
            assert!(crowd.buf[..length].starts_with(b"SIP/2.0 200 "));
            crowd.take(number / EACH).expect("a NOTIFY");
        }
        for socket in &crowd.sockets {
            socket.set_nonblocking(true).expect("set");
        }
        crowd
    }

    /// Hears and answers NOTIFYs until none has come for [`LATE`].
    fn listen(&mut self, tell: &Sender<Baseline>) {
        let sockets: Vec<UdpSocket> = self.sockets.iter().map(clone).collect();
        let ready = |socket| PollFd::new(socket, PollFlags::IN);
        let mut ready: Vec<PollFd<'_>> = sockets.iter().map(ready).collect();
        let patience = Timespec::try_from(LATE).expect("short");
        while poll(&mut ready, Some(&patience)).expect("poll works") > 0 {
            for (at, ready) in ready.iter().enumerate() {
                while ready.revents().contains(PollFlags::IN)
                    && let Some(news) = self.take(at)
                {
                    if let Some(change) = news {
                        let at = Instant::now();
                        let _ = tell.send(Baseline { at, change }); // Nobody waits any more, after a failure.
                    }
                }
            }
        }
    }

    /// Reads a NOTIFY and answers it. Says which change it tells, if it tells any that is new to its watcher; `None`
    /// when there is nothing to read.
    fn take(&mut self, at: usize) -> Option<Option<usize>> {
        let (length, from) = self.sockets[at].recv_from(&mut self.buf).ok()?;
        let text = std::str::from_utf8(&self.buf[..length]).expect("text");
        assert!(text.starts_with("NOTIFY sip:w"), "{text}");
        self.sockets[at]
            .send_to(accept(text).as_bytes(), from)
            .expect("sent");
        let watcher: usize = number(text, "NOTIFY sip:w");
        let cseq = number(text, "\nCSeq: ");
        if cseq <= self.seen[watcher] {
            self.repeated += 1;
            return Some(None);
        }
        self.seen[watcher] = cseq;
        let tells = text.contains(">change ");
        Some(tells.then(|| number(text, ">change ")))
    }
}

fn socket() -> UdpSocket {
    UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port")
}

fn clone(socket: &UdpSocket) -> UdpSocket {
    socket.try_clone().expect("a descriptor")
}

fn subscribe(number: usize, here: SocketAddr) -> String {
    format!(
        "SUBSCRIBE sip:desk@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP {here};branch=z9hG4bKs{number};rport\r\n\
         Max-Forwards: 70\r\nFrom: <sip:w{number}@127.0.0.1>;tag=w{number}\r\nTo: <sip:desk@127.0.0.1>\r\n\
         Call-ID: w{number}@{here}\r\nCSeq: 1 SUBSCRIBE\r\nContact: <sip:w{number}@{here}>\r\nEvent: presence\r\n\
         Expires: 3600\r\nContent-Length: 0\r\n\r\n"
    )
}

/// The 200 to a request.
fn accept(request: &str) -> String {
    let mut answer = String::from("SIP/2.0 200 OK\r\n");
    for row in request
        .split_inclusive("\r\n")
        .take_while(|row| *row != "\r\n")
    {
        let names = ["Via: ", "From: ", "To: ", "Call-ID: ", "CSeq: "];
        if names.iter().any(|name| row.starts_with(name)) {
            answer += row;
        }
    }
    answer + "Content-Length: 0\r\n\r\n"
}

/// The number that stands behind `before`.
fn number<N: std::str::FromStr>(text: &str, before: &str) -> N {
    let (_, rest) = text
        .split_once(before)
        .unwrap_or_else(|| panic!("no {before} in {text}"));
    let end = rest
        .find(|it: char| !it.is_ascii_digit())
        .unwrap_or(rest.len());
    let number = rest[..end].parse().ok();
    number.unwrap_or_else(|| panic!("no number behind {before} in {text}"))
}

/// Somebody who asks all the time.
struct Asking {
    ends: Arc<AtomicBool>,
    sender: thread::JoinHandle<usize>,
    receiver: thread::JoinHandle<Vec<Duration>>,
}

/// How it was answered.
struct Asked {
    sent: usize,
    took: Vec<Duration>,
}

impl Asking {
    fn start(sip: SocketAddr) -> Asking {
        let (socket, start) = (socket(), Instant::now());
        let (ends, over) = (
            Arc::new(AtomicBool::new(false)),
            Arc::new(AtomicBool::new(false)),
        );
        socket.set_read_timeout(Some(LATE)).expect("set");
        // Where the agent had to wait for a processor, many answers come at a time.
        set_socket_recv_buffer_size(&socket, ANSWERS).expect("set");
        let (there, stop, is_over) = (clone(&socket), ends.clone(), over.clone());
        let sender = thread::spawn(move || {
            let mut sent = 0;
            while !stop.load(Ordering::Acquire) {
                let text = options(sent, start.elapsed(), there.local_addr().expect("bound"));
                there.send_to(text.as_bytes(), sip).expect("sent");
                sent += 1;
                thread::sleep((PERIOD * sent as u32).saturating_sub(start.elapsed()));
            }
            is_over.store(true, Ordering::Release);
            sent
        });
        let receiver = thread::spawn(move || {
            let (mut took, mut buf) = (Vec::new(), [0; 2_048]);
            loop {
                let Ok(length) = socket.recv(&mut buf) else {
                    if over.load(Ordering::Acquire) {
                        return took;
                    }
                    continue;
                };
                let text = std::str::from_utf8(&buf[..length]).expect("text");
                assert!(text.starts_with("SIP/2.0 200 "), "{text}");
                let then = Duration::from_nanos(number(text, "\nCall-ID: "));
                took.push(start.elapsed().saturating_sub(then));
            }
        });
        Asking {
            ends,
            sender,
            receiver,
        }
    }

    fn finish(self) -> Asked {
        self.ends.store(true, Ordering::Release);
        Asked {
            sent: self.sender.join().expect("no panic"),
            took: self.receiver.join().expect("no panic"),
        }
    }
}

impl Asked {
    fn print(&mut self) {
        self.took.sort_unstable();
        let last = self.took.len().saturating_sub(1);
        let [median, late, worst] = [last / 2, last * 99 / 100, last].map(|at| {
            self.took
                .get(at)
                .map_or(0.0, |took| took.as_secs_f64() * 1e3)
        });
        println!(
            "OPTIONS meanwhile: {} sent, {} answered; median {median:.2} ms, p99 {late:.2} ms, worst {worst:.2} ms",
            self.sent,
            self.took.len()
        );
    }
}

fn options(number: usize, at: Duration, here: SocketAddr) -> String {
    format!(
        "OPTIONS sip:desk@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP {here};branch=z9hG4bKo{number};rport\r\n\
         Max-Forwards: 70\r\nFrom: <sip:x@127.0.0.1>;tag=x\r\nTo: <sip:desk@127.0.0.1>\r\nCall-ID: {}\r\n\
         CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
        at.as_nanos()
    )
}
