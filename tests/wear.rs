//! What a day costs the card: the real agent and the real store, on a disk that counts, in virtual time.
//!
//! 64 watchers, a phone that registers here and publishes, perhaps a server above that gets all of it.
//! `cargo test --test wear -- --nocapture` prints the figures. The bounds are about one and a half times what was
//! measured, so that a reason to write that slips in is noticed.
//!
//! | a day | syncs | kilobytes | at most |
//! |---|---|---|---|
//! | with changes of state, published at a server | 432 | 926 | [`PUBLISHED`] |
//! | with changes of state | 226 | 832 | [`ALONE`] |
//! | of refreshes alone | 150 | 795 | [`QUIET`] |
//!
//! Refreshes of a phone cost a write each 10 min, and the subscriptions go along. What a server adds is the entity-tag
//! that it gives with each refresh.
#![cfg(feature = "std")]

use lampfield::parts::{Batch, Counters, Medium, Store};
use lampfield::wire::flow::{Flow, Transport};
use lampfield::{
    Agent, Duration, Input, Instant, Key, Moment, Network, Output, PresentitySettings, RECORD,
    Server, Settings, Text, UpstreamSettings, Wall, limits,
};
use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::net::SocketAddr;

/// The most that a day may cost.
struct Bound {
    syncs: u64,
    kilobytes: u64,
}

const PUBLISHED: Bound = Bound {
    syncs: 650,
    kilobytes: 1_400,
};

const ALONE: Bound = Bound {
    syncs: 560,
    kilobytes: 1_300,
};

const QUIET: Bound = Bound {
    syncs: 440,
    kilobytes: 1_300,
};

const DESK: &str = "sip:desk@192.0.2.1";
const LOCAL: &str = "192.0.2.1:5060";
const PHONE: &str = "192.0.2.40:5062";

const START: Instant = Instant::from_millis(1_000_000);
const WALL: u64 = 1_790_000_000_000;

/// Everybody has come and refreshed once before it is counted.
const SETTLED: Duration = Duration::from_secs(2 * 3_600);
const DAY: Duration = Duration::from_secs(24 * 3_600);

/// Changes of the desk's own state in a day: half of them the handset's, which nobody writes down.
const CHANGES: u64 = 200;
/// Changes of what the phone publishes.
const AMENDMENTS: u64 = 20;

/// What happens at a time of its own, in the order of these numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// A watcher subscribes, or refreshes: each 30 min, for 60.
    Subscribe(usize),
    /// The phone registers: each 5 min, for 10.
    Register,
    /// The phone refreshes what it publishes: each 10 min, for 20.
    Publish,
    /// The phone publishes something else.
    Amend,
    /// Somebody presses a button.
    Change(u64),
}

/// An agent, its disk, and everybody who talks to it.
struct World {
    agent: Box<Agent>,
    now: Instant,
    due: Option<Instant>,
    store: Store<Memory>,
    batch: Batch,
    buf: Vec<u8>,
    record: Vec<u8>,
    events: BTreeSet<(Instant, Event)>,
    /// Our tag in each watcher's dialog.
    tags: Vec<String>,
    /// The newest entity-tag that the phone knows.
    etag: String,
    /// Changes of the phone's document so far.
    amended: u64,
    /// Numbers every request, and every entity-tag of the server.
    count: u64,
    /// Requests that came to the server and to watchers.
    heard: Heard,
}

/// Requests of the agent, by method.
#[derive(Clone, Copy, Debug, Default)]
struct Heard {
    registers: u64,
    publishes: u64,
    notifies: u64,
}

impl World {
    fn new(changes: bool, upstream: bool) -> World {
        let settings = settings(upstream);
        let mut agent = Box::new(Agent::new());
        agent.start(
            dated(START),
            &settings,
            [1, 2],
            &[LOCAL.parse::<SocketAddr>().unwrap().into()],
        );
        agent.keep();
        let (store, _) = Store::open(Memory::default(), 7, Key::COUNT).unwrap();
        let watchers = limits::SUBSCRIPTIONS.min(64);
        let mut world = World {
            agent,
            now: START,
            due: None,
            store,
            batch: Batch::new(),
            buf: vec![0; limits::MESSAGE],
            record: vec![0; RECORD],
            events: BTreeSet::new(),
            tags: vec![String::new(); watchers],
            etag: String::new(),
            amended: 0,
            count: 0,
            heard: Heard::default(),
        };
        // Times that rarely meet, as in life.
        for watcher in 0..watchers {
            world.plan(
                Duration::from_millis(1_000 + 27_911 * watcher as u64),
                Event::Subscribe(watcher),
            );
        }
        world.plan(Duration::from_millis(1_700), Event::Register);
        world.plan(Duration::from_millis(7_300), Event::Publish);
        if changes {
            for amendment in 0..AMENDMENTS {
                let at = SETTLED + DAY / AMENDMENTS as u32 * amendment as u32;
                world.events.insert((
                    START + at + Duration::from_secs(61 + amendment),
                    Event::Amend,
                ));
            }
            for change in 0..CHANGES {
                let at = SETTLED + DAY / CHANGES as u32 * change as u32;
                let late = Duration::from_secs(change * 37 % 200);
                world
                    .events
                    .insert((START + at + late, Event::Change(change)));
            }
        }
        world.drain();
        world
    }

    /// Goes from one thing that is due to the next.
    fn run(&mut self, lasts: Duration) {
        let end = self.now + lasts;
        loop {
            let event = self.events.first().map(|(at, _)| *at);
            let next = [event, self.due, self.agent.save_due()];
            let next = next.into_iter().flatten().min().unwrap_or(end);
            if next >= end {
                self.now = end;
                return;
            }
            self.now = self.now.max(next);
            if self.due.is_some_and(|due| due <= self.now) {
                self.agent.handle_timeout(dated(self.now));
                self.drain();
            }
            if let Some((at, event)) = self.events.first().copied()
                && at <= self.now
            {
                self.events.pop_first();
                self.happen(event);
            }
            self.save();
        }
    }

    /// As `shell::saving` does it, with a disk that is done at once.
    fn save(&mut self) {
        if self.agent.save_due().is_none_or(|due| due > self.now) {
            return;
        }
        self.agent.begin_save(self.now);
        while self.batch.has_room() {
            let Some((key, len)) = self.agent.next_record(dated(self.now), &mut self.record) else {
                break;
            };
            let value = len.map(|len| &self.record[..len]);
            self.batch.put(&key.name(), value).expect("there is room");
        }
        if !self.batch.is_empty() {
            self.store.commit(&self.batch).expect("it never fails");
            self.batch.clear();
        }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Subscribe(watcher) => {
                self.plan(Duration::from_secs(1_800), event);
                self.subscribe(watcher);
            }
            Event::Register => {
                self.plan(Duration::from_secs(300), event);
                let more = format!("Contact: <sip:desk@{PHONE}>\r\nExpires: 600\r\n");
                self.request("REGISTER", "sip:192.0.2.1", "register", "", &more, "");
            }
            Event::Publish => {
                self.plan(Duration::from_secs(600), event);
                self.publish(self.etag.is_empty());
            }
            Event::Amend => {
                self.amended += 1;
                self.publish(true);
            }
            Event::Change(number) => {
                let input = match number % 10 {
                    0 => Input::Note(Text::copied(&format!("back at {number}")).unwrap()),
                    it @ (1 | 3 | 5 | 7 | 9) => Input::Hook(it % 4 == 1),
                    it => Input::Dnd(it % 4 == 2),
                };
                self.agent.handle_input(dated(self.now), 0, input);
                self.drain();
            }
        }
    }

    fn subscribe(&mut self, watcher: usize) {
        let event = ["presence", "dialog"][watcher % 2];
        let address = address(watcher);
        let more =
            format!("Contact: <sip:w{watcher}@{address}>\r\nEvent: {event}\r\nExpires: 3600\r\n");
        let tag = self.tags[watcher].clone();
        self.request(
            "SUBSCRIBE",
            DESK,
            &format!("watch-{watcher}"),
            &tag,
            &more,
            "",
        );
    }

    fn publish(&mut self, says: bool) {
        let mut more = "Event: presence\r\nExpires: 1200\r\n".to_string();
        if !self.etag.is_empty() {
            more += &format!("SIP-If-Match: {}\r\n", self.etag);
        }
        let mut body = String::new();
        if says {
            more += "Content-Type: application/pidf+xml\r\n";
            body = format!(
                "<presence xmlns='urn:ietf:params:xml:ns:pidf' entity='{DESK}'><tuple id='phone'><status>\
                 <basic>open</basic></status><note>{} calls missed</note></tuple></presence>",
                self.amended
            );
        }
        self.request("PUBLISH", DESK, "publish", "", &more, &body);
    }

    fn request(&mut self, method: &str, uri: &str, call: &str, tag: &str, more: &str, body: &str) {
        self.count += 1;
        let count = self.count;
        let (from, remote) = match call.strip_prefix("watch-") {
            Some(number) => (
                format!("sip:w{number}@192.0.2.9"),
                address(number.parse().unwrap()),
            ),
            None => (DESK.to_string(), PHONE.parse().unwrap()),
        };
        let to_tag = if tag.is_empty() {
            String::new()
        } else {
            format!(";tag={tag}")
        };
        let text = format!(
            "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {remote};branch=z9hG4bK{count};rport\r\n\
             Max-Forwards: 70\r\nFrom: <{from}>;tag=t{call}\r\nTo: <{DESK}>{to_tag}\r\nCall-ID: {call}\r\n\
             CSeq: {count} {method}\r\n{more}Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.datagram(remote, &text);
        self.drain();
    }

    /// Polls until the agent waits; peers answer at once.
    fn drain(&mut self) {
        let mut answers = VecDeque::new();
        loop {
            match self.agent.poll(self.now, &mut self.buf) {
                Output::Send { flow, len } => {
                    let text = String::from_utf8_lossy(&self.buf[..len]).into_owned();
                    let answer = self.hear(&text);
                    answers.extend(answer.map(|it| (flow.remote, it)));
                }
                Output::Wait(due) => {
                    self.due = due;
                    let Some((remote, answer)) = answers.pop_front() else {
                        return;
                    };
                    self.datagram(remote, &answer);
                }
                Output::Lamp { .. }
                | Output::Resolve { .. }
                | Output::Report(_)
                | Output::Changed(_)
                | Output::Gesture { .. } => {}
            }
        }
    }

    /// What a peer answers.
    fn hear(&mut self, text: &str) -> Option<String> {
        if let Some(status) = text.strip_prefix("SIP/2.0 ") {
            assert!(status.starts_with("200 "), "{text}");
            let call = row(text, "Call-ID");
            if let Some(watcher) = call.strip_prefix("watch-") {
                let (_, tag) = row(text, "To").split_once(";tag=").unwrap();
                self.tags[watcher.parse::<usize>().unwrap()] = tag.to_string();
            } else if call == "publish" {
                self.etag = row(text, "SIP-ETag").to_string();
            }
            return None;
        }
        // A way through a NAT is kept open with less than a request.
        let (method, _) = text.split_once(' ')?;
        let more = match method {
            "PUBLISH" => {
                self.count += 1;
                self.heard.publishes += 1;
                format!("SIP-ETag: e{}\r\nExpires: 300\r\n", self.count)
            }
            "REGISTER" => {
                self.heard.registers += 1;
                format!("Contact: {};expires=300\r\n", row(text, "Contact"))
            }
            "NOTIFY" => {
                self.heard.notifies += 1;
                String::new()
            }
            _ => panic!("nobody expects {text}"),
        };
        let mut answer = "SIP/2.0 200 OK\r\n".to_string();
        for name in ["Via", "From", "To", "Call-ID", "CSeq"] {
            answer += &format!("{name}: {}\r\n", row(text, name));
        }
        Some(answer + &more + "Content-Length: 0\r\n\r\n")
    }

    fn datagram(&mut self, remote: SocketAddr, text: &str) {
        let flow = Flow::udp(LOCAL.parse().unwrap(), remote);
        self.agent
            .handle_datagram(dated(self.now), flow, text.as_bytes());
    }

    fn plan(&mut self, after: Duration, event: Event) {
        self.events.insert((self.now + after, event));
    }
}

fn settings(upstream: bool) -> Box<Settings> {
    let mut settings = Box::new(Settings::new());
    settings.restore_defaults();
    let here = Network::parse("192.0.2.0/24").unwrap();
    settings.trusted.push(here).unwrap();
    let mut desk = PresentitySettings::new(Text::copied(DESK).unwrap());
    desk.registers = true;
    settings.presentities.push(desk).unwrap();
    if upstream {
        let mut upstream = UpstreamSettings::new(Text::copied("sip:100@192.0.2.50").unwrap());
        upstream.publish = Some(0);
        let host = Text::copied("192.0.2.50").unwrap();
        let transport = Some(Transport::Udp);
        upstream.servers.push(Server { host, transport }).unwrap();
        settings.upstreams.push(upstream).unwrap();
    }
    settings.validate().unwrap();
    settings
}

fn dated(now: Instant) -> Moment {
    let wall = Wall::from_unix_millis(WALL + now.since(START).as_millis() as u64);
    Moment { now, wall }
}

fn address(watcher: usize) -> SocketAddr {
    format!("192.0.2.{}:5062", 100 + watcher).parse().unwrap()
}

fn row<'a>(text: &'a str, name: &str) -> &'a str {
    let mut lines = text.split("\r\n");
    let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    value.unwrap_or_else(|| panic!("no {name}: {text}"))
}

/// A disk that never fails.
#[derive(Default)]
struct Memory {
    file: Option<Vec<u8>>,
    new: Vec<u8>,
    bytes: u64,
    syncs: u64,
}

impl Medium for Memory {
    fn load(&mut self) -> io::Result<Option<Vec<u8>>> {
        Ok(self.file.clone())
    }

    fn read_at(&self, at: u64, buf: &mut [u8]) -> io::Result<()> {
        let from = self.file.as_ref().and_then(|it| it.get(at as usize..));
        let bytes = from.and_then(|it| it.get(..buf.len()));
        buf.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn write_at(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.bytes += bytes.len() as u64;
        let file = self.file.get_or_insert_default();
        file.truncate(at as usize);
        assert_eq!(file.len(), at as usize, "a log has no holes");
        file.extend_from_slice(bytes);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.syncs += 1;
        Ok(())
    }

    fn write_new(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.bytes += bytes.len() as u64;
        self.new = bytes.to_vec();
        Ok(())
    }

    fn sync_new(&mut self) -> io::Result<()> {
        self.sync()
    }

    fn adopt_new(&mut self) -> io::Result<()> {
        self.file = Some(std::mem::take(&mut self.new));
        Ok(())
    }

    fn sync_folder(&mut self) -> io::Result<()> {
        self.sync()
    }

    fn set_aside(&mut self) -> io::Result<()> {
        self.file = None;
        Ok(())
    }
}

/// Lives through a day and gives what it cost.
fn day(name: &str, changes: bool, upstream: bool) -> Counters {
    let mut world = World::new(changes, upstream);
    world.run(SETTLED);
    let before = world.store.counters();
    world.heard = Heard::default();
    world.run(DAY);
    let after = world.store.counters();
    let Heard {
        registers,
        publishes,
        notifies,
    } = world.heard;
    // It was the day that it says.
    assert_eq!(world.agent.subscriptions().count(), world.tags.len());
    assert_eq!(world.agent.registrations().count(), 1);
    assert_eq!(world.agent.publications().count(), 1);
    assert_eq!(world.amended, if changes { AMENDMENTS } else { 0 });
    let refreshes = if upstream { 24 * 12 } else { 0 };
    assert!(registers >= refreshes && publishes >= refreshes);
    assert_eq!(upstream, registers > 0 && publishes > 0);
    let told = if changes { CHANGES / 2 } else { 0 } + 48;
    assert!(notifies >= told * world.tags.len() as u64, "{notifies}");
    let medium = world.store.medium();
    assert_eq!((medium.bytes, medium.syncs), (after.bytes, after.syncs));
    let spent = Counters {
        commits: after.commits - before.commits,
        bytes: after.bytes - before.bytes,
        syncs: after.syncs - before.syncs,
        compactions: after.compactions - before.compactions,
    };
    let Counters {
        commits,
        bytes,
        syncs,
        compactions,
    } = spent;
    println!(
        "{name}: {commits} commits, {syncs} syncs, {} kilobytes, {compactions} new files; told {notifies} times, {publishes} PUBLISH above",
        bytes / 1_000
    );
    spent
}

#[track_caller]
fn check(spent: Counters, most: &Bound) {
    assert!(spent.syncs <= most.syncs, "{spent:?}");
    assert!(spent.bytes <= most.kilobytes * 1_000, "{spent:?}");
}

#[test]
fn a_day_that_is_published_at_a_server() {
    check(day("with a server", true, true), &PUBLISHED);
}

#[test]
fn a_day_without_a_server() {
    check(day("without a server", true, false), &ALONE);
}

#[test]
fn a_day_of_refreshes_alone() {
    check(day("refreshes alone", false, false), &QUIET);
}
