//! The recorder and the player.

use super::users::user;
use lampfield::wire::flow::Flow;
use lampfield::{Agent, Demand, Duration, Input, Instant, Moment, Output, Settings, Wall, limits};
use std::hint::black_box;
use std::net::SocketAddr;
use std::ops::Range;

/// Where the agent listens.
pub const LOCAL: &str = "192.0.2.1:5060";

/// Stack for a thread with a stage: an agent with large tables passes over it when it is made.
pub const STACK: usize = (16 << 20) + 4 * size_of::<Agent>();

const WALL: Wall = Wall::from_unix_millis(1_790_000_000_000);
const START: Instant = Instant::from_millis(1_000_000);

fn dated(now: Instant) -> Moment {
    Moment { now, wall: WALL }
}

/// What came of playing steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Played {
    /// Messages that the agent sent.
    pub messages: usize,
    /// Their bytes.
    pub bytes: usize,
    /// Looks that lamps took.
    pub looks: usize,
}

/// A recorded conversation: what goes before, and the part that is measured.
pub struct Script {
    settings: Box<Settings>,
    bytes: Vec<u8>,
    steps: Vec<Step>,
    /// The first step of the part that is measured.
    body: usize,
    /// What the agent said in the part that is measured.
    pub said: Played,
}

struct Step {
    at: Instant,
    what: What,
}

enum What {
    Datagram { flow: Flow, bytes: Range<usize> },
    Input(Input),
    Time,
}

/// An agent that plays scripts. Nothing here allocates once it is made.
pub struct Stage {
    agent: Box<Agent>,
    buf: Vec<u8>,
    due: Option<Instant>,
}

impl Stage {
    pub fn new() -> Stage {
        Stage {
            agent: Box::new(Agent::new()),
            buf: vec![0; limits::MESSAGE],
            due: None,
        }
    }

    /// Starts a fresh agent and plays what goes before.
    pub fn prepare(&mut self, script: &Script) {
        self.reset(&script.settings);
        self.play(&script.bytes, &script.steps[..script.body]);
    }

    /// Plays the part that is measured, once after each [`Stage::prepare`].
    pub fn perform(&mut self, script: &Script) -> Played {
        self.play(&script.bytes, &script.steps[script.body..])
    }

    fn reset(&mut self, settings: &Settings) {
        *self.agent = Agent::new();
        let local = LOCAL.parse::<SocketAddr>().expect("an address").into();
        self.agent.start(dated(START), settings, [1, 2], &[local]);
        if settings.authentication.demand != Demand::Strangers {
            let users: Vec<_> = (0..limits::USERS as u32).map(user).collect();
            self.agent.set_users(&users);
        }
        self.due = None;
        self.drain(START, |_, _| {});
    }

    fn play(&mut self, bytes: &[u8], steps: &[Step]) -> Played {
        let mut played = Played::default();
        for step in steps {
            let sum = self.take(step, bytes, |_, message| {
                black_box(message);
            });
            played.messages += sum.messages;
            played.bytes += sum.bytes;
            played.looks += sum.looks;
        }
        played
    }

    /// One turn of a shell's loop: the timers that are due, what came in, what is to be done.
    fn take(&mut self, step: &Step, bytes: &[u8], sent: impl FnMut(Flow, &[u8])) -> Played {
        if self.due.is_some_and(|due| due <= step.at) {
            self.agent.handle_timeout(dated(step.at));
        }
        match &step.what {
            What::Datagram { flow, bytes: range } => {
                let bytes = black_box(&bytes[range.clone()]);
                self.agent.handle_datagram(dated(step.at), *flow, bytes);
            }
            What::Input(input) => self.agent.handle_input(dated(step.at), 0, input.clone()),
            What::Time => {}
        }
        self.drain(step.at, sent)
    }

    fn drain(&mut self, now: Instant, mut sent: impl FnMut(Flow, &[u8])) -> Played {
        let mut played = Played::default();
        loop {
            match self.agent.poll(now, &mut self.buf) {
                Output::Send { flow, len } => {
                    played.messages += 1;
                    played.bytes += len;
                    sent(flow, &self.buf[..len]);
                }
                Output::Lamp { look, .. } => {
                    played.looks += 1;
                    black_box(look);
                }
                Output::Resolve { .. } | Output::Report(_) => {}
                Output::Changed(_) | Output::Gesture { .. } => {}
                Output::Wait(due) => {
                    self.due = due;
                    return played;
                }
            }
        }
    }
}

/// A message that the agent sent while a conversation was recorded.
pub struct Sent {
    pub remote: SocketAddr,
    pub text: String,
}

/// Holds a conversation and records it.
pub struct Recorder {
    stage: Stage,
    now: Instant,
    script: Script,
}

impl Recorder {
    pub fn new(settings: Box<Settings>) -> Recorder {
        settings.validate().expect("good settings");
        let mut stage = Stage::new();
        stage.reset(&settings);
        Recorder {
            stage,
            now: START,
            script: Script {
                settings,
                bytes: Vec::new(),
                steps: Vec::new(),
                body: 0,
                said: Played::default(),
            },
        }
    }

    /// A datagram comes; what is sent because of it.
    pub fn datagram(&mut self, remote: SocketAddr, text: &str) -> Vec<Sent> {
        let start = self.script.bytes.len();
        self.script.bytes.extend_from_slice(text.as_bytes());
        let flow = Flow::udp(LOCAL.parse().expect("an address"), remote);
        self.step(What::Datagram {
            flow,
            bytes: start..self.script.bytes.len(),
        })
    }

    /// The desk's own user does something.
    pub fn input(&mut self, input: Input) -> Vec<Sent> {
        self.step(What::Input(input))
    }

    /// Time passes; the timers that are due run when it is over.
    pub fn wait(&mut self, lasts: Duration) -> Vec<Sent> {
        self.now += lasts;
        self.step(What::Time)
    }

    /// When the agent wants to be called next.
    pub fn until_due(&self) -> Option<Duration> {
        Some(self.stage.due?.since(self.now))
    }

    /// From here on it is measured.
    pub fn token(&mut self) {
        self.script.body = self.script.steps.len();
        self.script.said = Played::default();
    }

    pub fn finish(self) -> Script {
        self.script
    }

    fn step(&mut self, what: What) -> Vec<Sent> {
        let step = Step { at: self.now, what };
        let mut all = Vec::new();
        let played = self.stage.take(&step, &self.script.bytes, |flow, message| {
            let text = std::str::from_utf8(message).expect("text").to_owned();
            let remote = flow.remote;
            all.push(Sent { remote, text });
        });
        self.script.said.messages += played.messages;
        self.script.said.bytes += played.bytes;
        self.script.said.looks += played.looks;
        self.script.steps.push(step);
        all
    }
}
