//! The agent, driven as the shell drives it, and what must hold of all that it says.

use super::grammar::{Bytes, LOCAL, PBX, PEERS, REGISTRAR, Seen};
use lampfield::wire::flow::{End, Flow, Transport};
use lampfield::wire::sip::stream::{Frame, Framer};
use lampfield::wire::sip::{Message, Rows, Unusable, parse};
use lampfield::{
    Agent, Duration, Instant, Key, Look, Moment, Output, Query, RECORD, Seconds, Settings, Shows,
    Target, Wall, Watched, limits,
};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

/// Steps of one poll, and timers of two hours, at most: far more than tables have places.
const STEPS: usize = 3_000;
const TIMERS: usize = 20_000;

/// An agent, its clocks and its store, and all that was seen of it.
pub(super) struct Desk {
    pub(super) agent: Box<Agent>,
    pub(super) seen: Seen,
    settings: Box<Settings>,
    now: Instant,
    wall: Wall,
    buf: Vec<u8>,
    /// The hosts that it may speak to.
    hosts: BTreeSet<IpAddr>,
    asked: Vec<Query>,
    /// The last datagram that came, and the last way by TCP that it took.
    last: Option<(Flow, Vec<u8>)>,
    stream: Option<Flow>,
    connections: u32,
    disk: BTreeMap<String, Vec<u8>>,
    boots: u64,
    /// Nobody will say anything any more.
    is_over: bool,
}

impl Desk {
    pub(super) fn start(settings: Box<Settings>) -> Desk {
        let (agent, moment) = super::restart(&settings);
        let mut desk = Desk {
            agent,
            seen: Seen::default(),
            settings,
            now: moment.now,
            wall: moment.wall,
            buf: vec![0; limits::MESSAGE],
            hosts: [PBX, REGISTRAR].map(|it| it.remote.ip()).into(),
            asked: Vec::new(),
            last: None,
            stream: None,
            connections: 100,
            disk: BTreeMap::new(),
            boots: 1,
            is_over: false,
        };
        desk.agent.keep();
        desk.settle();
        desk
    }

    pub(super) fn moment(&self) -> Moment {
        Moment {
            now: self.now,
            wall: self.wall,
        }
    }

    pub(super) fn receive(&mut self, flow: Flow, bytes: &[u8]) {
        self.hosts.insert(flow.remote.ip());
        if flow == PBX || flow == REGISTRAR {
            self.hosts.extend(named(bytes));
        }
        self.agent.handle_datagram(self.moment(), flow, bytes);
        self.last = Some((flow, bytes.to_vec()));
    }

    /// The last datagram again, from the same place or another one.
    pub(super) fn repeat(&mut self, bytes: &mut Bytes<'_>) {
        if let Some((flow, datagram)) = self.last.clone() {
            let elsewhere = bytes.pick(&PEERS);
            let flow = bytes.pick(&[flow, elsewhere]);
            self.receive(flow, &datagram);
        }
    }

    /// Polls until it waits; looks at all that it says.
    pub(super) fn settle(&mut self) {
        for _ in 0..STEPS {
            match self.agent.poll(self.now, &mut self.buf) {
                Output::Send { flow, len } => self.check_sent(flow, len),
                Output::Resolve { query } => self.asked.push(query),
                Output::Changed(subject) => {
                    let described = self.agent.describe(self.now, subject);
                    assert!(described.is_none_or(|it| !format!("{it:?}").is_empty()));
                }
                Output::Lamp { lamp, look, bright } => {
                    // Those that are no more go out.
                    assert!(lamp < self.settings.lamps.len() || look == Look::OFF);
                    assert!(bright <= 100 && (bright > 0 || look == Look::OFF));
                }
                Output::Report(report) => assert!(!report.to_string().is_empty()),
                Output::Gesture { button, .. } => {
                    assert!(usize::from(button) < self.settings.buttons.len());
                }
                Output::Wait(_) => return,
            }
        }
        panic!("it never waits");
    }

    fn check_sent(&mut self, flow: Flow, len: usize) {
        let bytes = &self.buf[..len];
        let shown = || format!("to {}: {}", flow.remote, bytes.escape_ascii());
        assert!(
            flow.local.ip() == LOCAL.ip(),
            "from {}, {}",
            flow.local,
            shown()
        );
        assert!(
            self.hosts.contains(&flow.remote.ip()),
            "to a third party, {}",
            shown()
        );
        let mut rows = Rows::new();
        let is_sound = match parse(bytes, &mut rows) {
            Ok(Message::Request(_) | Message::Response(_)) => true,
            // Who gets an answer through proxies finds all their Vias in it.
            Err(Unusable::Response) => bytes.windows(6).filter(|it| it == b"\r\nVia:").count() > 1,
            Ok(Message::Broken(_)) | Err(_) => false,
        };
        assert!(is_sound, "it can't be parsed, {}", shown());
        let frame = Framer::new().look(bytes, limits::MESSAGE);
        assert_eq!(frame, Frame::Message { len }, "{}", shown());
        if flow.transport == Transport::Tcp {
            self.stream = Some(flow);
        }
        if !self.is_over {
            let text = String::from_utf8_lossy(bytes).into_owned();
            self.seen.note(flow, text);
        }
    }

    /// Lets time pass, timer by timer.
    pub(super) fn pass(&mut self, lasts: Duration) {
        self.pass_to(self.now + lasts);
    }

    fn pass_to(&mut self, end: Instant) {
        for _ in 0..TIMERS {
            self.settle();
            self.save();
            match self.agent.due() {
                Some(due) if due <= end => {
                    let passed = due.max(self.now);
                    let millis = (passed - self.now).as_millis() as u64;
                    if let Some(wall) = self.wall.unix_millis() {
                        self.wall = Wall::from_unix_millis(wall + millis);
                    }
                    self.now = passed;
                    self.agent.handle_timeout(self.moment());
                }
                Some(_) | None => {
                    self.now = end;
                    return;
                }
            }
        }
        panic!("it never rests");
    }

    /// Writes what is due to the store.
    fn save(&mut self) {
        if self.agent.save_due().is_none_or(|due| due > self.now) {
            return;
        }
        self.agent.begin_save(self.now);
        self.write();
    }

    fn write(&mut self) {
        let mut buf = [0; RECORD];
        for _ in 0..=Key::COUNT {
            match self.agent.next_record(self.moment(), &mut buf) {
                Some((key, Some(len))) => drop(
                    self.disk
                        .insert(key.name().to_string(), buf[..len].to_vec()),
                ),
                Some((key, None)) => drop(self.disk.remove(key.name().as_str())),
                None => return,
            }
        }
        panic!("a write without an end");
    }

    /// A power cut; what is on the disk is there.
    pub(super) fn restart(&mut self) {
        self.boots += 1;
        *self.agent = const { Agent::new() };
        let seed = [self.boots, 2];
        self.agent
            .start(self.moment(), &self.settings, seed, &[LOCAL.into()]);
        for first in [true, false] {
            for (name, record) in &self.disk {
                let key = Key::named(name).expect("only such are written");
                if (key == Key::Identity) == first {
                    let is_taken = self.agent.restore(self.moment(), key, record);
                    assert!(is_taken || key != Key::Identity, "its own record: {name}");
                }
            }
        }
        self.agent.keep();
        self.agent.begin_save(self.now);
        self.write();
        (self.stream, self.asked) = (None, Vec::new());
    }

    pub(super) fn reconfigure(&mut self, settings: Box<Settings>) {
        self.settings = settings;
        self.agent.reconfigure(self.moment(), &self.settings);
    }

    /// The clock of the wall steps by years.
    pub(super) fn step_wall(&mut self, bytes: &mut Bytes<'_>) {
        let millis = bytes.pick(&[0, 1_790_000_000_000, 946_684_800_000, 4_102_444_800_000]);
        self.wall = Wall::from_unix_millis(millis);
    }

    /// A name server answers what was asked first, or has no answer.
    pub(super) fn resolve(&mut self, bytes: &mut Bytes<'_>) {
        if self.asked.is_empty() {
            return;
        }
        let query = self.asked.remove(0);
        if let Some(name) = self.agent.query(query) {
            assert!(!name.host.is_empty());
        }
        let all = [PBX, REGISTRAR, PBX].map(|it| Target {
            transport: it.transport,
            address: it.remote,
        });
        let found = bytes.pick(&[&all[..0], &all[..1], &all[1..2], &all]);
        let moment = self.moment();
        self.agent.handle_resolved(moment, query, found);
    }

    /// The connection that was asked for last is there.
    pub(super) fn connect(&mut self) {
        if let Some(flow) = self.stream {
            self.connections += 1;
            let flow = Flow::tcp(flow.local, flow.remote, self.connections);
            self.stream = Some(flow);
            self.agent.handle_connected(&flow);
        }
    }

    /// The connection that was there last is no more.
    pub(super) fn disconnect(&mut self, bytes: &mut Bytes<'_>) {
        if let Some(flow) = self.stream.take() {
            let end = bytes.pick(&[End::Closed, End::Refused, End::Silent]);
            let moment = self.moment();
            self.agent.handle_disconnected(moment, &flow, end);
        }
    }

    /// Nobody says a word for hours.
    pub(super) fn fall_silent(&mut self, lasts: Seconds) {
        self.is_over = true;
        self.pass_to(self.now + lasts);
        let served: Vec<String> = self
            .agent
            .subscriptions()
            .map(|it| format!("{it:?}"))
            .collect();
        assert!(served.is_empty(), "still served: {served:#?}");
        assert_eq!(self.agent.registrations().count(), 0, "still registered");
        assert_eq!(self.agent.publications().count(), 0, "still published");
        for (at, lamp) in self.agent.lamps().enumerate() {
            assert!(self.agent.why(at).is_some());
            let state = lamp.state.unwrap_or_default();
            let is_honest = match lamp.shows {
                Shows::Watch(_) | Shows::Both { .. } => is_silent(state),
                Shows::Waiting(_) => state != Watched::Waiting,
                Shows::Nothing | Shows::Dnd(_) | Shows::Health => true,
            };
            assert!(
                is_honest,
                "{} knows {} after hours of silence",
                lamp.name,
                state.name()
            );
        }
    }

    /// It takes its leave, whoever listens.
    pub(super) fn stop(&mut self) {
        self.is_over = true;
        self.agent.stop(self.now);
        self.pass_to(self.now + Seconds(70));
        assert!(self.agent.is_stopped(), "it can't stop");
    }
}

/// Whether a lamp does not claim to know.
const fn is_silent(state: Watched) -> bool {
    match state {
        Watched::Unknown | Watched::Subscribing => true,
        Watched::Offline
        | Watched::Idle
        | Watched::Away
        | Watched::Closed
        | Watched::Waiting
        | Watched::Dnd
        | Watched::Held
        | Watched::Trying
        | Watched::Busy
        | Watched::Ringing => false,
    }
}

/// The hosts that a server of ours names: it may send us there.
fn named(bytes: &[u8]) -> Vec<IpAddr> {
    let text = String::from_utf8_lossy(bytes);
    let is_part = |it: char| it.is_ascii_hexdigit() || matches!(it, '.' | ':' | '[' | ']');
    let words = text
        .split(|it| !is_part(it))
        .filter(|word| word.contains(['.', ':']));
    let host = |word: &str| {
        let full: Option<SocketAddr> = word.parse().ok();
        full.map(|it| it.ip())
            .or_else(|| word.trim_matches(['[', ']', ':']).parse().ok())
    };
    words.filter_map(host).collect()
}

/// Lets an agent run alone; it comes to rest.
pub(crate) fn run_for(agent: &mut Agent, moment: Moment, lasts: Duration, buf: &mut [u8]) {
    let (end, mut now) = (moment.now + lasts, moment.now);
    for _ in 0..TIMERS {
        let waits = (0..STEPS).any(|_| matches!(agent.poll(now, buf), Output::Wait(_)));
        assert!(waits, "it never waits");
        match agent.due() {
            Some(due) if due <= end => now = due.max(now),
            Some(_) | None => return,
        }
        let wall = moment.wall;
        agent.handle_timeout(Moment { now, wall });
    }
    panic!("it never rests");
}
