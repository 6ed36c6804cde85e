//! The device's face: its named buttons and lamps. The loop sees one [`Panel`], whatever it is made of.
//!
//! ```text
//!                 Edge, Position, Health              Look
//!                          ▲                            │
//!  ┌───────────────────────┴────────────────────────────▼─────────────────┐
//!  │ Panel      Simulated, or Hardware:                                   │
//!  │            [gpio]  lines of GPIO chips, buttons and lamps            │
//!  │            [keys]  keys and switches of input devices                │
//!  │            [leds]  LEDs that a kernel driver has                     │
//!  └──────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! What the panel reports is debounced; what it means is the engine's to say. A line that is not there, taken or
//! forbidden is a [`Trouble`] and is tried again and again; the rest of the panel works.

pub mod board;
mod face;
mod gpio;
mod hardware;
pub mod keys;
pub mod leds;
mod retry;
mod rhythm;
mod simulated;
mod trouble;

use std::boxed::Box;
use std::collections::VecDeque;

use self::board::{Backend, Board};
use self::face::Face;
use crate::ground::time::{Duration, Instant};
use crate::shell::poller::Registry;
use crate::users::lamps::Look;
pub use face::{Button, Lamp};
pub use hardware::Hardware;
pub use simulated::Simulated;
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

/// A panel of any kind. Nothing here fails: what does not work is among [`Panel::troubles`].
#[derive(Debug)]
pub enum Panel {
    /// No hardware: buttons are pressed through the control socket.
    Simulated(Simulated),
    /// Lines of this machine.
    Hardware(Box<Hardware>),
}

impl Panel {
    /// The board's panel. Descriptors are added to `registry` as `Source::Panel`. Its first events say where the
    /// buttons are.
    pub fn open(board: &Board, registry: &Registry, now: Instant) -> Panel {
        match board.backend {
            Backend::Simulated => Panel::Simulated(Simulated::new(board)),
            Backend::Hardware => Panel::Hardware(Box::new(Hardware::open(board, registry, now))),
        }
    }

    /// Has the lamp at `lamp` show `look`.
    pub fn show(&mut self, now: Instant, lamp: usize, look: Look) {
        match self {
            Panel::Simulated(panel) => panel.show(lamp, look),
            Panel::Hardware(panel) => panel.show(now, lamp, look),
        }
    }

    /// `Source::Panel(which)` is ready.
    pub fn handle_readable(&mut self, now: Instant, which: u8) {
        match self {
            Panel::Simulated(_) => {}
            Panel::Hardware(panel) => panel.handle_readable(now, which),
        }
    }

    /// [`Panel::deadline`] may be there.
    pub fn handle_timeout(&mut self, now: Instant) {
        match self {
            Panel::Simulated(panel) => panel.handle_timeout(now),
            Panel::Hardware(panel) => panel.handle_timeout(now),
        }
    }

    /// When [`Panel::handle_timeout`] wants to be called; never while nothing blinks, waits or is in trouble.
    pub fn deadline(&self) -> Option<Instant> {
        match self {
            Panel::Simulated(panel) => panel.deadline(),
            Panel::Hardware(panel) => panel.deadline(),
        }
    }

    /// The agent ends, and vouches for no lamp any more.
    pub fn end(&mut self) {
        match self {
            Panel::Simulated(_) => {}
            Panel::Hardware(panel) => panel.end(),
        }
    }

    /// What has happened; ask until there is nothing more.
    pub fn take_event(&mut self) -> Option<Event> {
        match self {
            Panel::Simulated(panel) => panel.take_event(),
            Panel::Hardware(panel) => panel.take_event(),
        }
    }

    /// Presses a simulated button: a momentary one comes up after `lasts`, a switch stays where it is unless it
    /// `lasts`.
    ///
    /// # Errors
    /// Why it can't be pressed.
    pub fn press(
        &mut self,
        now: Instant,
        name: &str,
        lasts: Option<Duration>,
    ) -> Result<(), Untouchable> {
        match self {
            Panel::Simulated(panel) => panel.press(now, name, lasts),
            Panel::Hardware(_) => Err(Untouchable::Real),
        }
    }

    /// Lets a simulated button come up.
    ///
    /// # Errors
    /// Why it can't.
    pub fn release(&mut self, name: &str) -> Result<(), Untouchable> {
        match self {
            Panel::Simulated(panel) => panel.release(name),
            Panel::Hardware(_) => Err(Untouchable::Real),
        }
    }

    /// Tests the lamps: lights every element alone, one after the other, then what was to be shown. Changes
    /// meanwhile are kept.
    pub fn test(&mut self, now: Instant) {
        match self {
            Panel::Simulated(panel) => panel.test(now),
            Panel::Hardware(panel) => panel.test(now),
        }
    }

    /// What does not work.
    pub fn troubles(&self) -> impl Iterator<Item = Trouble<'_>> {
        let hardware = match self {
            Panel::Simulated(_) => None,
            Panel::Hardware(panel) => Some(panel),
        };
        hardware.into_iter().flat_map(|panel| panel.troubles())
    }

    /// The buttons, in the board's order.
    pub fn buttons(&self) -> &[Button] {
        &self.face().buttons
    }

    /// The lamps, in the board's order.
    pub fn lamps(&self) -> &[Lamp] {
        &self.face().lamps
    }

    fn face(&self) -> &Face {
        match self {
            Panel::Simulated(panel) => panel.face(),
            Panel::Hardware(panel) => panel.face(),
        }
    }
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
mod tests {
    use super::*;

    #[test]
    fn seconds_are_read_as_people_write_them() {
        for (text, millis) in [
            ("0", Some(0)),
            ("1", Some(1_000)),
            ("1.5", Some(1_500)),
            (".25", Some(250)),
            ("2.", Some(2_000)),
            ("0.0019", Some(1)),
            ("3600", Some(3_600_000)),
            ("3600.001", None),
            ("65536", None),
            ("", None),
            (".", None),
            ("-1", None),
            ("+1", None),
            ("1e3", None),
            ("1.5.5", None),
            ("inf", None),
        ] {
            assert_eq!(held(text), millis.map(Duration::from_millis), "{text:?}");
        }
    }
}
