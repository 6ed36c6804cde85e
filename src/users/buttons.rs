//! Buttons: what a hand did, told from the edges of a line that is already free of bounce.
//!
//! ```text
//!             ┌───────────────── up: Press ─────────────────┐   (no double press looked for)
//!             ▼                                             │
//!   Rest ──down──► Down ──────────────── up ──────────► Between ── 400 ms: Press ──► Rest
//!     │              └── 800 ms: Long, else Press ──┐       └── down: Double ──┐
//!     └──down, nothing else looked for: Press ──────┴──────────────────────────┴─► Spent ──up──► Rest
//!                                                                                    │
//!                                                            60 s: Stuck ◄───────────┘
//!   any ── more than 50 edges a second, for a second ──► Muted ── 1 s of quiet ──► where the line is then
//! ```
//!
//! A moment that has come counts before an edge at the same microsecond: call [`Gestures::take_due`] until it is
//! empty before each edge. So a press is long from 800 ms on, and a double one if less than 400 ms lie between the
//! first release and the second press. A press waits for a gesture only where that gesture is looked for, and where
//! only a double one is, a held button stops waiting after 800 ms: nobody begins a double press like that.

use crate::ground::limits::BUTTONS;
use crate::ground::time::{Duration, Instant};
use crate::ground::timers::Timers;

/// How long a button is held until that is a long press.
pub const LONG: Duration = Duration::from_millis(800);

/// The longest time from a release to the press that makes it a double one.
pub const DOUBLE: Duration = Duration::from_millis(400);

/// How long a button that springs back is held until it counts as stuck.
pub const STUCK: Duration = Duration::from_secs(60);

/// How long a chattering line must be quiet to be heard again.
pub const QUIET: Duration = Duration::from_secs(1);

/// How rarely the chatter of one button is reported.
pub const REPORT: Duration = Duration::from_secs(60);

/// A line may move this often for ever: 25 presses a second, twice what the quickest finger does.
const EDGE: Duration = Duration::from_millis(20);

/// How far a line may be ahead of that, for the edges that a busy machine hands over all at once.
const AHEAD: Duration = Duration::from_secs(1);

/// What is looked for in the edges of a button.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Habit {
    springs: bool,
    long: bool,
    double: bool,
}

impl Habit {
    /// Where it stands is what counts: a switch, a hook, a sensor, whatever lasts as long as it is held.
    pub const FOLLOWS: Habit = Habit {
        springs: false,
        long: false,
        double: false,
    };

    /// It springs back, and presses count; long and double ones are told apart only where they mean something.
    pub const fn springs(long: bool, double: bool) -> Habit {
        Habit {
            springs: true,
            long,
            double,
        }
    }

    const fn waits(self) -> bool {
        self.long || self.double
    }
}

/// Something that happened to a button.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// It was pressed.
    Press,
    /// It is held.
    Long,
    /// It was pressed twice.
    Double,
    /// One whose position counts is there now: down or up.
    Stands(bool),
    /// One that springs back did not for [`STUCK`].
    Stuck,
    /// One that was stuck came up.
    Free,
    /// Its line moves more often than a hand can: it is not heard before it is quiet for [`QUIET`]. Told at most once
    /// in [`REPORT`].
    Chatters,
}

/// All buttons of a panel, by number.
pub struct Gestures {
    keys: [Key; BUTTONS],
    timers: Timers<BUTTONS>,
}

#[derive(Clone, Copy)]
struct Key {
    habit: Habit,
    phase: Phase,
    /// Where the line is.
    line: Stand,
    /// Where the owner of the gestures believes it to be, if its position counts.
    told: Stand,
    /// When it went down.
    since: Instant,
    /// Later than now by [`EDGE`] for each edge that came too early.
    ahead: Instant,
    /// Its chatter is not reported before.
    hushed: Instant,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Nothing is under way.
    Rest,
    /// Held, and nothing came of it yet.
    Down,
    /// Up again, and perhaps pressed once more.
    Between,
    /// Held, and all has come of it that will.
    Spent,
    /// Held for too long.
    Stuck,
    /// Not heard.
    Muted,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stand {
    Unknown,
    Up,
    Down,
}

impl Gestures {
    /// Nobody has touched anything.
    pub const fn new() -> Gestures {
        Gestures {
            keys: [Key {
                habit: Habit::FOLLOWS,
                phase: Phase::Rest,
                line: Stand::Unknown,
                told: Stand::Unknown,
                since: Instant::ZERO,
                ahead: Instant::ZERO,
                hushed: Instant::ZERO,
            }; BUTTONS],
            timers: Timers::new(),
        }
    }

    /// From now on this is looked for. A gesture under way is dropped, and the position stays known: a button whose
    /// position counts is told to stand there.
    pub fn configure(&mut self, now: Instant, button: u16, habit: Habit) -> Option<Event> {
        let key = self.keys.get_mut(usize::from(button))?;
        key.habit = habit;
        key.told = Stand::Unknown;
        if key.phase == Phase::Muted {
            return None;
        }
        self.settle(now, button)
    }

    /// The button moved. Moments that have come must be [taken](Gestures::take_due) before.
    pub fn handle_edge(&mut self, now: Instant, button: u16, pressed: bool) -> Option<Event> {
        let key = self.keys.get_mut(usize::from(button))?;
        let stand = Stand::of(pressed);
        if key.line == stand {
            return None;
        }
        key.line = stand;
        if key.phase == Phase::Muted {
            self.timers.set(button, Some(now + QUIET));
            return None;
        }
        if key.runs_ahead(now) {
            return self.mute(now, button);
        }
        if !key.habit.springs {
            return key.tell();
        }
        let (phase, due, event) = key.step(now, pressed)?;
        key.phase = phase;
        self.timers.set(button, due);
        event
    }

    /// The button was found there, at the start or after its line was away. Never a gesture; one under way that does
    /// not fit is dropped.
    pub fn handle_position(&mut self, now: Instant, button: u16, pressed: bool) -> Option<Event> {
        let key = self.keys.get_mut(usize::from(button))?;
        key.line = Stand::of(pressed);
        match (key.phase, pressed) {
            (Phase::Muted, _) => None,
            (Phase::Down | Phase::Spent | Phase::Stuck, true) | (Phase::Between, false) => None,
            (Phase::Stuck, false) => self.settle(now, button).or(Some(Event::Free)),
            (Phase::Rest | Phase::Between, true) => self.settle(now, button),
            (Phase::Rest | Phase::Down | Phase::Spent, false) => self.settle(now, button),
        }
    }

    /// Takes what came of time alone until `now`, in the order in which it came.
    pub fn take_due(&mut self, now: Instant) -> Option<(u16, Event)> {
        while let Some(button) = self.timers.take_due(now) {
            if let Some(event) = self.expire(now, button) {
                return Some((button, event));
            }
        }
        None
    }

    /// When [`Gestures::take_due`] has something.
    pub fn due(&self) -> Option<Instant> {
        self.timers.next()
    }

    /// Whether the button is down and its owner knows.
    pub fn stands_pressed(&self, button: u16) -> bool {
        let key = self.keys.get(usize::from(button));
        key.is_some_and(|key| key.told == Stand::Down)
    }

    /// Whether the button is not heard, for its line moves more often than a hand can.
    pub fn chatters(&self, button: u16) -> bool {
        let key = self.keys.get(usize::from(button));
        key.is_some_and(|key| key.phase == Phase::Muted)
    }

    fn expire(&mut self, now: Instant, button: u16) -> Option<Event> {
        let key = &mut self.keys[usize::from(button)];
        match key.phase {
            Phase::Rest | Phase::Stuck => None,
            Phase::Down => {
                key.phase = Phase::Spent;
                self.timers.set(button, Some(key.since + STUCK));
                Some(if key.habit.long {
                    Event::Long
                } else {
                    Event::Press
                })
            }
            Phase::Between => {
                key.phase = Phase::Rest;
                Some(Event::Press)
            }
            Phase::Spent => {
                key.phase = Phase::Stuck;
                Some(Event::Stuck)
            }
            Phase::Muted => self.settle(now, button),
        }
    }

    /// Begins anew from where the line is.
    fn settle(&mut self, now: Instant, button: u16) -> Option<Event> {
        let key = &mut self.keys[usize::from(button)];
        let is_held = key.habit.springs && key.line == Stand::Down;
        (key.phase, key.since) = match is_held {
            true => (Phase::Spent, now),
            false => (Phase::Rest, now),
        };
        self.timers.set(button, is_held.then_some(now + STUCK));
        if key.habit.springs { None } else { key.tell() }
    }

    fn mute(&mut self, now: Instant, button: u16) -> Option<Event> {
        let key = &mut self.keys[usize::from(button)];
        key.phase = Phase::Muted;
        self.timers.set(button, Some(now + QUIET));
        if now < key.hushed {
            return None;
        }
        key.hushed = now + REPORT;
        Some(Event::Chatters)
    }
}

impl Default for Gestures {
    fn default() -> Gestures {
        Gestures::new()
    }
}

impl Key {
    /// Counts an edge. Whether the line has moved too often.
    fn runs_ahead(&mut self, now: Instant) -> bool {
        self.ahead = self.ahead.max(now) + EDGE;
        self.ahead - now > AHEAD
    }

    /// What an edge makes of a button that springs back: its phase, when that ends, and what happened.
    fn step(
        &mut self,
        now: Instant,
        pressed: bool,
    ) -> Option<(Phase, Option<Instant>, Option<Event>)> {
        if pressed {
            self.since = now;
        }
        let stuck = Some(now + STUCK);
        match (self.phase, pressed) {
            (Phase::Rest, true) if self.habit.waits() => {
                Some((Phase::Down, Some(now + LONG), None))
            }
            (Phase::Rest, true) => Some((Phase::Spent, stuck, Some(Event::Press))),
            (Phase::Between, true) => Some((Phase::Spent, stuck, Some(Event::Double))),
            (Phase::Down, false) if self.habit.double => {
                Some((Phase::Between, Some(now + DOUBLE), None))
            }
            (Phase::Down, false) => Some((Phase::Rest, None, Some(Event::Press))),
            (Phase::Spent, false) => Some((Phase::Rest, None, None)),
            (Phase::Stuck, false) => Some((Phase::Rest, None, Some(Event::Free))),
            // The line's first word is that it is up.
            (Phase::Rest | Phase::Between, false) => None,
            // Equal edges in a row don't come here.
            (Phase::Down | Phase::Spent | Phase::Stuck, true) | (Phase::Muted, _) => None,
        }
    }

    /// Tells where the line is, if that is known and news.
    fn tell(&mut self) -> Option<Event> {
        if self.line == Stand::Unknown || self.told == self.line {
            return None;
        }
        self.told = self.line;
        Some(Event::Stands(self.line == Stand::Down))
    }
}

impl Stand {
    const fn of(pressed: bool) -> Stand {
        if pressed { Stand::Down } else { Stand::Up }
    }
}

#[cfg(test)]
mod tests;
