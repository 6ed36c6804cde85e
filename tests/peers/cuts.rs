//! The real program killed at random moments under load, and started again with the state that it left.
//!
//! ```text
//! phone                    desk                    hands
//!   | SUBSCRIBE dialog      |                        |
//!   |---------------------->|<-- press, note, press -|
//!   |<--- NOTIFY n, 200 --->|    state is written    |
//!   |                    SIGKILL                     |
//!   |                  started again                 |
//!   |<--- NOTIFY > n, 200 ->|                        |
//! ```

use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime};

use crate::agent::{Agent, LAMPFIELD, configuration};
use crate::process::{SOON, Scratch, free_port};

/// How often it is killed.
const ROUNDS: u64 = 12;

/// Where the moments of the killing come from.
const SEED: u64 = 0x6665;

/// How soon a watcher hears of an agent that serves again.
const AT_ONCE: Duration = Duration::from_secs(2);

/// The pause of a hand; with less a button counts as chattering, and is not heard.
const PACE: Duration = Duration::from_millis(50);

/// Longer than the store gathers changes: what is not written after so long is not going to be.
const QUIET: Duration = Duration::from_millis(1_000);

/// In every other round the hands are still at work, in the others the last press is on record for sure. A round begins
/// with a bucket of its own for writes, and is too short to use it up.
#[test]
fn killed_at_any_moment_it_tells_its_watchers_at_once_and_counts_on() /* N22 */
{
    let (port, scratch) = (free_port(), Scratch::new());
    let state = scratch.path("state");
    let text = format!(
        "state = \"{}\"\n{}",
        state.display(),
        configuration(port, &[])
    );
    let file = state.join("state");
    let mut agent = Agent::configured(port, &text, &[]);
    let mut phone = Phone::subscribe(&agent);
    phone.listen_until("the first NOTIFY", SOON, |phone| phone.heard > 0);
    let mut random = SEED;
    let mut pressed = 0;
    for round in 0..ROUNDS {
        let settles = round % 2 == 1;
        let before = written(&file);
        let hands = Hands::start(&agent, pressed);
        phone.listen_until("a write", SOON, |_| {
            written(&file) != before && hands.pressed() > pressed
        });
        let moment = Duration::from_millis(100 + next(&mut random) % 1_400);
        phone.listen_for(moment);
        if settles {
            hands.stop();
            phone.listen_until("the hands rest", SOON, |_| hands.have_ended());
            let (mut last, mut since) = (written(&file), Instant::now());
            phone.listen_until("the last write", SOON, |_| {
                if written(&file) != last {
                    (last, since) = (written(&file), Instant::now());
                }
                since.elapsed() > QUIET
            });
        }
        drop(agent); // This is SIGKILL.
        let (reached, begun) = hands.end();
        assert!(
            reached > pressed,
            "round {round}: nothing was pressed before the end"
        );
        phone.listen(); // What was still under way.
        let heard = phone.heard;

        agent = Agent::configured(port, &text, &[]);
        let ready = Instant::now();
        phone.listen_until("a NOTIFY after the restart", AT_ONCE, |phone| {
            phone.heard > heard
        });
        let waited = ready.elapsed();
        let (noted, dnd) = desk(&agent);
        println!(
            "round {round}: killed after {moment:?}, {pressed} to {reached} presses; {noted} on record, told after {waited:?}"
        );
        let expected = if settles {
            reached..=reached
        } else {
            pressed..=begun
        };
        assert!(
            expected.contains(&noted),
            "round {round}: {noted} is not in {expected:?}"
        );
        // A press comes before its note, so it may be on record alone.
        let odd = noted % 2 == 1;
        assert!(
            dnd == odd || !settles,
            "round {round}: dnd is {dnd} after {noted}"
        );
        pressed = if dnd == odd { noted } else { noted + 1 };
        assert!(pressed <= begun, "round {round}: {pressed} after {begun}");
        assert_eq!(phone.busy, dnd, "round {round}: what the phone was told");
    }
}

/// Presses do-not-disturb as fast as a button may be pressed, and counts the presses in the note, until the agent is
/// gone.
struct Hands {
    shared: Arc<Shared>,
    thread: JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    /// The last press that was begun.
    begun: AtomicU64,
    /// The last press whose note was taken.
    done: AtomicU64,
    stop: AtomicBool,
}

impl Hands {
    /// Goes on after so many presses.
    fn start(agent: &Agent, pressed: u64) -> Hands {
        let shared = Arc::new(Shared::default());
        shared.begun.store(pressed, Ordering::SeqCst);
        shared.done.store(pressed, Ordering::SeqCst);
        let (socket, theirs) = (agent.socket(), Arc::clone(&shared));
        let thread = thread::spawn(move || {
            for number in pressed + 1.. {
                if theirs.stop.load(Ordering::SeqCst) {
                    return;
                }
                theirs.begun.store(number, Ordering::SeqCst);
                let note = number.to_string();
                if !tell(&socket, &["press", "dnd"]) || !tell(&socket, &["set", "note", &note]) {
                    return;
                }
                theirs.done.store(number, Ordering::SeqCst);
                thread::sleep(PACE);
            }
        });
        Hands { shared, thread }
    }

    fn stop(&self) {
        self.shared.stop.store(true, Ordering::SeqCst);
    }

    fn pressed(&self) -> u64 {
        self.shared.done.load(Ordering::SeqCst)
    }

    fn have_ended(&self) -> bool {
        self.thread.is_finished()
    }

    /// The last press that was done, and the last that was begun.
    fn end(self) -> (u64, u64) {
        self.stop();
        self.thread.join().expect("the hands do not fail");
        let done = self.shared.done.load(Ordering::SeqCst);
        (done, self.shared.begun.load(Ordering::SeqCst))
    }
}

/// Runs a command that fails once the agent is gone.
fn tell(socket: &PathBuf, arguments: &[&str]) -> bool {
    let status = Command::new(LAMPFIELD)
        .args(arguments)
        .arg("--control")
        .arg(socket)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    status.expect("lampfield starts").success()
}

/// A phone that watches the desk's calls and answers every NOTIFY. It sends nothing else after its SUBSCRIBE, and no
/// number that it is told may go back.
struct Phone {
    socket: UdpSocket,
    /// Call-ID, From and To of every NOTIFY.
    dialog: Option<[String; 3]>,
    cseq: u32,
    version: Option<u32>,
    /// NOTIFYs, without those sent again.
    heard: u32,
    /// What the last one said.
    busy: bool,
}

impl Phone {
    fn subscribe(agent: &Agent) -> Phone {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port of the loopback");
        let limit = Some(Duration::from_millis(10));
        socket
            .set_read_timeout(limit)
            .expect("a socket can time out");
        let (own, uri) = (socket.local_addr().expect("it is bound"), agent.uri());
        let text = format!(
            "SUBSCRIBE {uri} SIP/2.0\r\n\
             Via: SIP/2.0/UDP {own};branch=z9hG4bKcuts;rport\r\n\
             Max-Forwards: 70\r\n\
             From: <sip:phone@{own}>;tag=phone\r\n\
             To: <{uri}>\r\n\
             Call-ID: cuts\r\n\
             CSeq: 1 SUBSCRIBE\r\n\
             Contact: <sip:phone@{own}>\r\n\
             Event: dialog\r\n\
             Expires: 3600\r\n\
             Content-Length: 0\r\n\r\n"
        );
        socket
            .send_to(text.as_bytes(), agent.address())
            .expect("it can be sent");
        Phone {
            socket,
            dialog: None,
            cseq: 0,
            version: None,
            heard: 0,
            busy: false,
        }
    }

    /// Takes what has come until nothing does for a moment, 16 messages at most.
    fn listen(&mut self) {
        let mut buf = [0; 4_096];
        for _ in 0..16 {
            let Ok((len, from)) = self.socket.recv_from(&mut buf) else {
                return;
            };
            let text = String::from_utf8_lossy(&buf[..len]);
            if !text.starts_with("NOTIFY ") {
                assert!(text.starts_with("SIP/2.0 2"), "{text}");
                continue;
            }
            self.learn(&text);
            let mut answer = String::from("SIP/2.0 200 OK\r\n");
            for name in ["Via", "From", "To", "Call-ID", "CSeq"] {
                answer += &format!("{name}: {}\r\n", header(&text, name));
            }
            answer += "Content-Length: 0\r\n\r\n";
            self.socket
                .send_to(answer.as_bytes(), from)
                .expect("it can be sent");
        }
    }

    fn listen_for(&mut self, lasts: Duration) {
        let ends = Instant::now() + lasts;
        while Instant::now() < ends {
            self.listen();
        }
    }

    #[track_caller]
    fn listen_until(&mut self, what: &str, limit: Duration, mut holds: impl FnMut(&Phone) -> bool) {
        let deadline = Instant::now() + limit;
        while !holds(self) {
            assert!(
                Instant::now() < deadline,
                "not within {limit:?}: {what} (seed {SEED})"
            );
            self.listen();
        }
    }

    fn learn(&mut self, notify: &str) {
        let dialog = ["Call-ID", "From", "To"].map(|name| header(notify, name).to_owned());
        assert_eq!(self.dialog.get_or_insert_with(|| dialog.clone()), &dialog);
        let state = header(notify, "Subscription-State");
        assert!(state.starts_with("active"), "{notify}");
        let cseq = number(header(notify, "CSeq").split(' ').next());
        let version = number(
            notify
                .split_once("version=\"1.0\"")
                .and_then(|(_, document)| document.split_once(" version=\""))
                .and_then(|(_, rest)| rest.split('"').next()),
        );
        if (cseq, Some(version)) == (self.cseq, self.version) {
            return; // Sent again.
        }
        assert!(cseq > self.cseq, "CSeq {cseq} after {}", self.cseq);
        assert!(
            self.version.is_none_or(|last| version > last),
            "version {version} after {:?}",
            self.version
        );
        (self.cseq, self.version) = (cseq, Some(version));
        self.heard += 1;
        self.busy = notify.contains(">confirmed</state>");
    }
}

/// The last press on record, and whether do-not-disturb is on.
fn desk(agent: &Agent) -> (u64, bool) {
    let status = agent.json("status");
    let desk = &status["presentities"][0];
    let note = desk["note"].as_str().unwrap_or_default();
    let noted = if note.is_empty() { Ok(0) } else { note.parse() };
    let dnd = desk["dnd"].as_bool().expect("a desk has its dnd");
    (noted.expect("the note is a number"), dnd)
}

/// Changes with every write, also with one into a new file.
fn written(file: &Path) -> Option<(u64, SystemTime)> {
    let facts = file.metadata().ok()?;
    Some((facts.len(), facts.modified().ok()?))
}

fn header<'a>(message: &'a str, name: &str) -> &'a str {
    let mut lines = message.lines();
    let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    value.unwrap_or_else(|| panic!("no {name} in {message}"))
}

fn number(text: Option<&str>) -> u32 {
    let number = text.and_then(|text| text.parse().ok());
    number.expect("it is a number")
}

/// The next of a row of numbers that look random (xorshift).
fn next(random: &mut u64) -> u64 {
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    *random >> 11
}
