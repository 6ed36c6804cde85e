//! A quarter of an hour of one agent and its servers, drawn from a seed.

use crate::common::world::chance::Chance;
use crate::common::world::sip::Sip;
use crate::common::world::{MILLI, MINUTE, Moment, SECOND};
use crate::server::{Server, Tally, draw_faults};
use lampfield::wire::flow::Flow;
use lampfield::{
    Agent, Instant, LampSettings, Output, Package, Seconds, Settings, Shows, Text, Wall,
    WatchSettings, Watched,
};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};
use std::net::SocketAddr;

/// How long it lasts.
const LASTS: Moment = 14 * MINUTE;

/// No lamp is wrong for longer, wherever a fetch tells the truth.
const WRONG: Moment = 150 * SECOND;

/// Between two questions about a lamp at least.
const PAUSE: Moment = 60 * SECOND;

/// Questions in any second.
const BURST: usize = 3;

/// How long after a 481 the neighbours look whether they are known.
const DOUBT: Moment = 3 * SECOND;

/// How long nobody tells anything before a server counts as silent (Timers F and N), and one subscription looks whether it
/// is; that one does not lie for longer.
const SILENCE: Moment = 32 * SECOND;

/// How long after a NOTIFY that was overtaken the full state is asked for.
const GAP: Moment = 6 * SECOND;

/// Something on its way.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Flying {
    at: Moment,
    number: u64,
    to_agent: bool,
    server: usize,
    text: String,
}

/// A lamp, the line that it stands for, and what it shows.
struct Lamp {
    server: usize,
    line: usize,
    shows: Watched,
    /// Since when that is not so.
    wrong: Option<Moment>,
}

struct Life {
    now: Moment,
    agent: Box<Agent>,
    due: Moment,
    servers: Vec<Server>,
    lamps: Vec<Lamp>,
    network: BinaryHeap<Reverse<Flying>>,
    sent: u64,
    loss: u64,
    slowest: Moment,
    chance: Chance,
    buf: Vec<u8>,
    branches: HashSet<String>,
    /// When each lamp was last asked about, and when any was.
    asked: Vec<Moment>,
    questions: Vec<Moment>,
    /// When a NOTIFY was last overtaken by a later one.
    behind: Moment,
    /// When each server was asked anything, and when one of its NOTIFYs was last taken.
    requests: Vec<(usize, Moment)>,
    heard: Vec<Moment>,
    tally: Tally,
    loud: bool,
}

/// Lives the life of `seed`, with that audit.
pub(crate) fn live(seed: u64, audit: Seconds) -> Result<Tally, String> {
    let mut life = Life::begin(seed, audit)?;
    let lived = life.play();
    lived.map_err(|why| format!("at {} ms: {why}", life.now / MILLI))?;
    let mut tally = life.tally;
    tally.lives = 1;
    for server in &life.servers {
        tally.add(&server.tally);
    }
    Ok(tally)
}

impl Life {
    fn begin(seed: u64, audit: Seconds) -> Result<Life, String> {
        let mut chance = Chance::new(seed);
        let own = address("192.0.2.9:5060");
        let mut settings = Box::new(Settings::new());
        settings.restore_defaults();
        let (mut servers, mut lamps) = (Vec::new(), Vec::new());
        for number in 0..chance.pick(&[1, 1, 2]) {
            let faults = draw_faults(&mut chance);
            let lines = chance.between(1, 4) as usize;
            let there = address(&format!("192.0.2.{}:5060", 100 + number));
            let mut server = Server::new(there, lines, faults, chance.fork());
            for line in 0..lines {
                let presence = chance.permille(200);
                server.lines[line].only_presence = presence;
                add_lamp(&mut settings, &server.uri(line), presence, audit);
                lamps.push(Lamp {
                    server: number,
                    line,
                    shows: Watched::Unknown,
                    wrong: None,
                });
            }
            servers.push(server);
        }
        settings.validate().map_err(|why| why.to_string())?;
        let mut agent = Box::new(Agent::new());
        let seeds = [chance.bits(), chance.bits()];
        agent.start(moment(0), &settings, seeds, &[own.into()]);
        let mut life = Life {
            now: 0,
            agent,
            due: 0,
            asked: vec![0; lamps.len()],
            requests: Vec::new(),
            heard: vec![0; servers.len()],
            servers,
            lamps,
            network: BinaryHeap::new(),
            sent: 0,
            loss: chance.pick(&[0, 0, 10, 50]),
            slowest: chance.pick(&[2, 30, 150]) * MILLI,
            chance,
            buf: vec![0; 65_535],
            branches: HashSet::new(),
            questions: Vec::new(),
            behind: 0,
            tally: Tally::default(),
            loud: std::env::var_os("LAMPFIELD_SEED").is_some(),
        };
        life.drain()?;
        Ok(life)
    }

    fn play(&mut self) -> Result<(), String> {
        loop {
            let arrival = self.network.peek().map_or(Moment::MAX, |next| next.0.at);
            let servers = self.servers.iter().map(Server::due).min();
            let servers = servers.unwrap_or(Moment::MAX);
            let next = arrival.min(servers).min(self.due);
            if next > LASTS {
                self.now = LASTS;
                return self.judge_all();
            }
            self.now = self.now.max(next);
            if arrival == next {
                self.arrive()?;
            } else if servers == next {
                self.wake_servers()?;
            } else {
                self.agent.handle_timeout(moment(self.now));
                self.drain()?;
            }
        }
    }

    fn wake_servers(&mut self) -> Result<(), String> {
        let now = self.now;
        for number in 0..self.servers.len() {
            if self.servers[number].due() > now {
                continue;
            }
            self.servers[number].wake(now);
            self.judge_all()?;
            self.flush(number);
            if self.loud {
                self.tell_truth(number);
            }
        }
        Ok(())
    }

    fn arrive(&mut self) -> Result<(), String> {
        let Some(Reverse(flying)) = self.network.pop() else {
            return Ok(());
        };
        let there = self.servers[flying.server].address;
        if flying.to_agent {
            let flow = Flow::udp(address("192.0.2.9:5060"), there);
            self.agent
                .handle_datagram(moment(self.now), flow, flying.text.as_bytes());
            return self.drain();
        }
        self.servers[flying.server].receive(self.now, &flying.text);
        self.flush(flying.server);
        Ok(())
    }

    fn flush(&mut self, server: usize) {
        for text in self.servers[server].take_sent() {
            self.carry(server, true, text);
        }
    }

    fn carry(&mut self, server: usize, to_agent: bool, text: String) {
        if self.loud {
            let (from, to) = if to_agent {
                ("server", "agent")
            } else {
                ("agent", "server")
            };
            println!(
                "{:>9} {from}{server} to {to}: {}",
                self.now / MILLI,
                text.lines().next().unwrap_or_default()
            );
        }
        // A server repeats the answer to a fetch until it is heard (RFC 3261 §17.1.2.2); here all at once.
        let repeats = match text.contains("\r\nSubscription-State: terminated") && to_agent {
            true => 3,
            false => 0,
        };
        if (0..=repeats).all(|_| self.chance.permille(self.loss)) {
            return;
        }
        self.sent += 1;
        self.network.push(Reverse(Flying {
            at: self.now + self.chance.between(MILLI, self.slowest),
            number: self.sent,
            to_agent,
            server,
            text,
        }));
    }

    /// Polls until the agent waits; sends what it sends, and looks at its lamps.
    fn drain(&mut self) -> Result<(), String> {
        let mut lit = false;
        loop {
            match self.agent.poll(instant(self.now), &mut self.buf) {
                Output::Send { flow, len } => {
                    let text = String::from_utf8_lossy(&self.buf[..len]).into_owned();
                    let to = |server: &Server| server.address == flow.remote;
                    let server = self.servers.iter().position(to);
                    let server = server.ok_or("it sends to nobody")?;
                    self.watch(server, &text)?;
                    self.carry(server, false, text);
                }
                Output::Lamp { .. } | Output::Changed(_) => lit = true,
                Output::Resolve { .. } => return Err("every server is an address".to_string()),
                Output::Report(_) | Output::Gesture { .. } => {}
                Output::Wait(until) => {
                    self.due = until.map_or(Moment::MAX, Instant::as_micros);
                    break;
                }
            }
        }
        if lit { self.look() } else { Ok(()) }
    }

    /// The lamps as they are lit now. What they showed until now, and what they show, must be allowed.
    fn look(&mut self) -> Result<(), String> {
        for lamp in 0..self.lamps.len() {
            let status = self.agent.lamps().nth(lamp).ok_or("a lamp is missing")?;
            let state = status.state.unwrap_or_default();
            if self.lamps[lamp].shows != state {
                self.lamps[lamp].shows = state;
                self.judge_lamp(lamp)?;
                if self.loud {
                    println!("{:>9} lamp{lamp} shows {}", self.now / MILLI, state.name());
                }
            }
        }
        Ok(())
    }

    fn judge_all(&mut self) -> Result<(), String> {
        (0..self.lamps.len()).try_for_each(|lamp| self.judge_lamp(lamp))
    }

    fn judge_lamp(&mut self, lamp: usize) -> Result<(), String> {
        let Lamp {
            server,
            line,
            shows,
            wrong,
        } = self.lamps[lamp];
        let truth = self.servers[server].lines[line].truth();
        // That nothing is known is always honest.
        let is_wrong = ![truth, Watched::Unknown, Watched::Subscribing].contains(&shows);
        let lasts = wrong.map_or(0, |since| self.now - since);
        self.tally.longest = self.tally.longest.max(lasts);
        self.lamps[lamp].wrong = is_wrong.then(|| wrong.unwrap_or(self.now));
        if lasts <= WRONG {
            return Ok(());
        }
        let (shows, truth, seconds) = (shows.name(), truth.name(), lasts / SECOND);
        Err(format!(
            "lamp{lamp} was wrong for {seconds} s; it shows {shows}, line{line} of server{server} is {truth}"
        ))
    }

    /// Looks at a request of the agent: none comes too often.
    fn watch(&mut self, server: usize, text: &str) -> Result<(), String> {
        let sip = Sip::of(text);
        match sip.status() {
            Some(500) => self.behind = self.now,
            Some(200) => self.heard[server] = self.now,
            Some(_) | None => {}
        }
        if sip.method() != Some("SUBSCRIBE") || !self.branches.insert(sip.branch().to_string()) {
            return Ok(());
        }
        let user = sip
            .header("To")
            .split(['@', ':'])
            .nth(1)
            .unwrap_or_default();
        let is_it = |it: &Lamp| it.server == server && user == format!("u{}", it.line);
        let lamp = self.lamps.iter().position(is_it).ok_or("nobody's lamp")?;
        let is_first = sip.tag("To").is_none();
        let looks = self.looks(server);
        self.requests.push((server, self.now));
        match (is_first, sip.number("Expires")) {
            (true, 0) => self.tally.fetches += 1,
            (true, _) => {
                self.tally.renewals += 1;
                return Ok(());
            }
            (false, _) => self.tally.refreshes += 1,
        }
        let now = self.now;
        let forgot = self.servers[server].forgot;
        let is_gap = !is_first && self.behind > 0 && now < self.behind + GAP;
        if forgot.is_some_and(|at| now < at + DOUBT) || is_gap || looks {
            return Ok(());
        }
        let pause = now - self.asked[lamp];
        if pause < PAUSE && self.asked[lamp] > 0 {
            return Err(format!(
                "lamp{lamp} is asked about after {} ms",
                pause / MILLI
            ));
        }
        self.asked[lamp] = now;
        self.questions.push(now);
        self.questions.retain(|at| at + SECOND > now);
        if self.questions.len() > BURST {
            return Err(format!("{} questions in a second", self.questions.len()));
        }
        Ok(())
    }

    /// Whether something that this server was asked has just been given up, and nobody there has told anything since.
    fn looks(&self, server: usize) -> bool {
        let given_up =
            (self.now.saturating_sub(SILENCE + SECOND))..=self.now.saturating_sub(SILENCE);
        self.requests.iter().any(|&(asked, at)| {
            asked == server && given_up.contains(&at) && self.heard[server] < at
        })
    }

    fn tell_truth(&self, server: usize) {
        for (number, line) in self.servers[server].lines.iter().enumerate() {
            let state = line.truth();
            println!(
                "{:>9} line{number} of server{server} is {}",
                self.now / MILLI,
                state.name()
            );
        }
    }
}

impl Tally {
    pub(crate) fn add(&mut self, other: &Tally) {
        self.lives += other.lives;
        self.changes += other.changes;
        self.swallowed += other.swallowed;
        self.swapped += other.swapped;
        self.frozen += other.frozen;
        self.ghosts += other.ghosts;
        self.restarts += other.restarts;
        self.refreshes += other.refreshes;
        self.fetches += other.fetches;
        self.renewals += other.renewals;
        self.longest = self.longest.max(other.longest);
    }
}

fn add_lamp(settings: &mut Settings, target: &str, presence: bool, audit: Seconds) {
    let text = |text: &str| Text::copied(text).expect("short");
    let package = if presence {
        Package::Presence
    } else {
        Package::Dialog
    };
    let mut watch = WatchSettings::new(text(target), text("sip:desk@192.0.2.9"), package);
    // No refresh but those of the audit.
    watch.expires = Seconds(3_600);
    watch.audit = audit;
    let index = settings.share_watch(watch).expect("room");
    let name = format!("lamp{}", settings.lamps.len());
    let mut lamp = LampSettings::new(Text::copied(&name).expect("short"));
    lamp.shows = Shows::Watch(index);
    settings.lamps.push(lamp).expect("room");
}

fn instant(now: Moment) -> Instant {
    Instant::from_micros(now)
}

fn moment(now: Moment) -> lampfield::Moment {
    lampfield::Moment {
        now: instant(now),
        wall: Wall::UNSET,
    }
}

fn address(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}
