//! The device's face: its named buttons and lamps. The loop sees one [`Panel`], whatever it is made of.
//!
//! ```text
//!                 Edge, Position, Health              Look
//!                          ▲                            │
//!  ┌───────────────────────┴────────────────────────────▼─────────────────┐
//!  │ Panel      a face, wires, a test of the lamps, and drivers:          │
//!  │            [gpio]  lines of GPIO chips, buttons and lamps            │
//!  │            [keys]  keys and switches of input devices                │
//!  │            [leds]  LEDs that a kernel driver has                     │
//!  │            [simulated]  no hardware: buttons pressed by command      │
//!  └──────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! A [driver] takes the lines of the board that it knows; [kinds] lists all of them.
//!
//! What the panel reports is debounced; what it means is the engine's to say. A line that is not there, taken or
//! forbidden is a [`Trouble`] and is tried again and again; the rest of the panel works.

pub mod board;
mod driver;
mod face;
mod gpio;
pub mod keys;
mod kinds;
pub mod leds;
mod lights;
mod retry;
mod rhythm;
mod round;
mod simulated;
mod trouble;
mod wires;

use std::boxed::Box;
use std::collections::VecDeque;
use std::vec::Vec;

use self::board::Board;
use self::driver::{Driver, Move, Ports, Wiring};
use self::face::Face;
use self::kinds::KINDS;
use self::round::Round;
use self::wires::Wires;
use crate::ground::time::{Duration, Instant};
use crate::shell::poller::Registry;
use crate::users::lamps::Look;
pub use face::{Button, Lamp};
pub use trouble::{Problem, Trouble};

/// A button and where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Touch {
    /// The button's place on the board.
    pub button: usize,
    /// Down or up.
    pub pressed: bool,
}

/// What a panel reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Somebody moved a button.
    Edge(Touch),
    /// A button was found so: its line came back, or some of its edges were lost.
    Position(Touch),
    /// Whether every line works now.
    Health(bool),
}

/// What was not taken yet. It grows when it must, which is never in the steady state.
#[derive(Debug)]
pub struct Queue(VecDeque<Event>);

impl Queue {
    /// An empty one.
    pub fn new() -> Queue {
        Queue(VecDeque::with_capacity(64))
    }

    /// Adds an event behind the others.
    pub fn push(&mut self, event: Event) {
        self.0.push_back(event);
    }

    /// Takes the oldest one.
    pub fn take(&mut self) -> Option<Event> {
        self.0.pop_front()
    }
}

impl Default for Queue {
    fn default() -> Queue {
        Queue::new()
    }
}

/// The panel of a board, whatever its lines are. Nothing here fails: what does not work is among
/// [`Panel::troubles`].
#[derive(Debug)]
pub struct Panel {
    face: Face,
    wires: Wires,
    drivers: Vec<Plugged>,
    /// What each lamp is to show; a test shows something else meanwhile.
    wanted: Vec<Option<Look>>,
    /// How bright each lamp shines, in percent of what it can.
    bright: Vec<u8>,
    test: Round,
    events: Queue,
    healthy: Option<bool>,
    /// Something has failed that nobody was told of yet, since then.
    upset: Option<Instant>,
    deadline: Option<Instant>,
}

/// A driver, and which descriptors are its own.
#[derive(Debug)]
struct Plugged {
    driver: Box<dyn Driver>,
    ports: Ports,
}

impl Panel {
    /// The board's panel: asks for all of its lines; those that can't be had are tried again later. Descriptors are
    /// added to `registry` as `Source::Panel`. Its first events say where the buttons are.
    pub fn open(board: &Board, registry: &Registry, now: Instant) -> Panel {
        let (wires, lines) = Wires::of(board);
        let (mut drivers, mut events) = (Vec::new(), Queue::new());
        let wiring = Wiring {
            board,
            lines: &lines,
        };
        let mut first = 0;
        for kind in KINDS {
            let ports = Ports::new(registry.clone(), first, kind.ports);
            // The last kind may take all that is left.
            first = first.saturating_add(kind.ports);
            if let Some(driver) = (kind.open)(&wiring, &ports, now, &mut events) {
                drivers.push(Plugged { driver, ports });
            }
        }
        let face = Face::new(board);
        let mut panel = Panel {
            wanted: face.lamps.iter().map(|_| None).collect(),
            bright: face.lamps.iter().map(|_| 100).collect(),
            face,
            wires,
            drivers,
            test: Round::of(board),
            events,
            healthy: None,
            upset: None,
            deadline: None,
        };
        panel.settle(now);
        panel
    }

    /// Has the lamp at `lamp` show `look`; a lamp that is not there shows nothing.
    pub fn show(&mut self, now: Instant, lamp: usize, look: Look) {
        if let Some(wanted) = self.wanted.get_mut(lamp) {
            *wanted = Some(look);
        }
        self.relight(now);
    }

    /// Has the lamp at `lamp` shine with so many percent of what it can, whatever it shows; one without levels goes on as
    /// it is, and 0 is for one that shows nothing.
    pub fn dim(&mut self, now: Instant, lamp: usize, percent: u8) {
        let bright = self.bright.get_mut(lamp).filter(|it| **it != percent);
        let Some(bright) = bright else { return };
        *bright = percent;
        for Plugged { driver, .. } in &mut self.drivers {
            driver.dim(now, lamp, percent);
        }
        self.flush(now);
    }

    /// `Source::Panel(which)` is ready.
    pub fn handle_readable(&mut self, now: Instant, which: u8) {
        for Plugged { driver, ports } in &mut self.drivers {
            if let Some(port) = ports.port(which) {
                driver.handle_readable(now, port, &mut self.events);
            }
        }
        self.flush(now);
        self.settle(now);
    }

    /// [`Panel::deadline`] may be there.
    pub fn handle_timeout(&mut self, now: Instant) {
        for Plugged { driver, .. } in &mut self.drivers {
            driver.handle_timeout(now, &mut self.events);
        }
        self.relight(now);
        self.settle(now);
    }

    /// When [`Panel::handle_timeout`] wants to be called; never while nothing blinks, waits or is in trouble.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// The agent ends, and vouches for no lamp any more.
    pub fn end(&mut self) {
        for Plugged { driver, .. } in &mut self.drivers {
            driver.end();
        }
    }

    /// What has happened; ask until there is nothing more. The face knows it from then on.
    pub fn take_event(&mut self) -> Option<Event> {
        let event = self.events.take()?;
        if let Event::Edge(touch) | Event::Position(touch) = event
            && let Some(button) = self.face.buttons.get_mut(touch.button)
        {
            button.pressed = Some(touch.pressed);
        }
        Some(event)
    }

    /// Presses a simulated button: a momentary one comes up after `lasts`, or at once; a switch stays where it is
    /// unless it `lasts`. A button that is down already feels nothing, but stays down for `lasts` from now on.
    ///
    /// # Errors
    /// Why it can't be pressed.
    pub fn press(
        &mut self,
        now: Instant,
        name: &str,
        lasts: Option<Duration>,
    ) -> Result<(), Untouchable> {
        self.touch(now, name, Move::Press(lasts))
    }

    /// Lets a simulated button come up.
    ///
    /// # Errors
    /// Why it can't.
    pub fn release(&mut self, now: Instant, name: &str) -> Result<(), Untouchable> {
        self.touch(now, name, Move::Release)
    }

    /// Tests the lamps: lights every element alone, one after the other, then what was to be shown. Changes
    /// meanwhile are kept; a test under way begins again.
    pub fn test(&mut self, now: Instant) {
        self.test.begin(now);
        self.relight(now);
    }

    /// What does not work.
    pub fn troubles(&self) -> impl Iterator<Item = Trouble<'_>> {
        self.wires.troubles(|line| trouble(&self.drivers, line))
    }

    /// The buttons, in the board's order.
    pub fn buttons(&self) -> &[Button] {
        &self.face.buttons
    }

    /// The lamps, in the board's order.
    pub fn lamps(&self) -> &[Lamp] {
        &self.face.lamps
    }

    fn touch(&mut self, now: Instant, name: &str, how: Move) -> Result<(), Untouchable> {
        let button = self.face.buttons.iter().position(|it| it.name == name);
        let button = button.ok_or(Untouchable::Missing)?;
        let events = &mut self.events;
        let mut drivers = self.drivers.iter_mut();
        if !drivers.any(|it| it.driver.touch(now, button, how, events)) {
            return Err(Untouchable::Real);
        }
        self.plan(now);
        Ok(())
    }

    /// Has all lamps show what they should.
    fn relight(&mut self, now: Instant) {
        let step = self.test.step(now);
        for (at, lamp) in self.face.lamps.iter_mut().enumerate() {
            let look = match step {
                Some((tested, look)) if tested == at => Some(look),
                Some(_) => Some(Look::OFF),
                None => self.wanted[at],
            };
            if lamp.look != look {
                lamp.look = look;
                for Plugged { driver, .. } in &mut self.drivers {
                    driver.show(now, at, look.unwrap_or_default());
                }
            }
        }
        self.flush(now);
    }

    fn flush(&mut self, now: Instant) {
        for Plugged { driver, .. } in &mut self.drivers {
            if !driver.flush(now) {
                self.upset = Some(now);
            }
        }
        self.plan(now);
    }

    /// After anything that may have changed what works: says so.
    fn settle(&mut self, now: Instant) {
        let drivers = &self.drivers;
        let healthy = self.wires.tell(now, |line| trouble(drivers, line));
        if !self.wires.is_empty() && self.healthy.replace(healthy) != Some(healthy) {
            self.events.push(Event::Health(healthy));
        }
        self.upset = None;
        self.plan(now);
    }

    fn plan(&mut self, now: Instant) {
        let drivers = self.drivers.iter().filter_map(|it| it.driver.deadline());
        let own = [self.upset, self.test.next(now)];
        self.deadline = drivers.chain(own.into_iter().flatten()).min();
    }
}

fn trouble(drivers: &[Plugged], line: usize) -> Option<&Problem> {
    drivers.iter().find_map(|it| it.driver.trouble(line))
}

/// How long a simulated button may be held, in seconds.
pub const LONGEST_HOLD: u16 = 3_600;

/// How long a button is held, as people write it: seconds, `1.5`.
pub fn held(text: &str) -> Option<Duration> {
    // By hand: reading real numbers takes 20 kB of the program.
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let is_number = |it: &str| it.bytes().all(|digit| digit.is_ascii_digit());
    if text.is_empty() || text == "." || !is_number(whole) || !is_number(part) {
        return None;
    }
    let seconds: u16 = if whole.is_empty() {
        0
    } else {
        whole.parse().ok()?
    };
    let thousandths = part.bytes().chain(*b"000").take(3);
    let millis = thousandths.fold(0, |sum, digit| 10 * sum + u64::from(digit - b'0'));
    let lasts = Duration::from_millis(u64::from(seconds) * 1_000 + millis);
    (lasts <= Duration::from_secs(LONGEST_HOLD.into())).then_some(lasts)
}

/// Why nothing comes of pressing a button from the control socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Untouchable {
    /// There is none of that name.
    Missing,
    /// It is a real one: only a finger moves it.
    Real,
    /// It moved more often than a hand can, and is not heard until it rests.
    Chatters,
}

#[cfg(test)]
mod tests;
