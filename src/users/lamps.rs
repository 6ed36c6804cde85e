//! Lamps: from what is known of somebody to what a lamp shows.
//!
//! A lamp may keep its look for its *grace* after the subscription behind it broke, so that a restarting
//! server does not make a panel flicker. After that it shows *unknown*, and never again the last known state:
//! a lamp that says "idle" because nobody answers is a lie (RFC 6665 §4.1.2.4).

mod shows;

pub use shows::{Shows, both};

use crate::events::package::LampKind;
use crate::events::watched::Watched;
use crate::ground::time::{Instant, Seconds};
use core::fmt;

/// The colour of a lamp.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Colour {
    /// Dark.
    #[default]
    Off,
    /// Green.
    Green,
    /// Red.
    Red,
    /// Red and green together.
    Amber,
    /// Blue.
    Blue,
    /// Green and blue together.
    Cyan,
    /// Red and blue together.
    Magenta,
    /// Red, green and blue together.
    White,
}

/// The pattern of a lamp.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Pattern {
    /// Lit all the time.
    #[default]
    Steady,
    /// Blinks about once a second.
    Slow,
    /// Blinks several times a second.
    Fast,
}

/// What a lamp shows. As text: `off`, `green`, `red fast`, `amber slow`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Look {
    /// Its colour.
    pub colour: Colour,
    /// Its pattern; [`Pattern::Steady`] when it is dark.
    pub pattern: Pattern,
}

/// The look of every watched state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Looks([Look; Watched::COUNT]);

/// One lamp: what it stands for, how it shows it, and what it shows now.
#[derive(Clone, Debug)]
pub struct Lamp {
    shows: Shows,
    grace: Seconds,
    looks: Looks,
    shown: Look,
    /// Whether it was lit ever; an `Option` of the look would not be zero.
    was_shown: bool,
}

impl Lamp {
    /// A lamp that stands for nothing and was never lit.
    pub const fn new() -> Lamp {
        Lamp {
            shows: Shows::Nothing,
            grace: Seconds::ZERO,
            looks: Looks([Look::OFF; Watched::COUNT]),
            shown: Look::OFF,
            was_shown: false,
        }
    }

    /// Says what the lamp stands for and how it shows it. What is lit stays lit until [`Lamp::show`].
    pub fn configure(&mut self, shows: Shows, grace: Seconds, looks: &Looks) {
        self.shows = shows;
        self.grace = grace;
        self.looks = looks.clone();
    }

    /// The lamp stands for nothing any more. What is lit stays lit until [`Lamp::show`].
    pub fn forget(&mut self) {
        self.shows = Shows::Nothing;
    }

    /// Lights the lamp; `false` if it shows that already.
    pub fn show(&mut self, look: Look) -> bool {
        let before = self.shown();
        (self.shown, self.was_shown) = (look, true);
        before != Some(look)
    }

    /// The look of a state. A lamp that stands for nothing is off.
    pub fn look(&self, state: Watched) -> Look {
        if self.shows == Shows::Nothing {
            return Look::OFF;
        }
        self.looks.get(state)
    }

    /// The state to show for what one subscription told, and when that changes by itself.
    ///
    /// `broken_since` is when the subscription was lost or came into doubt. Until `grace` later the last state
    /// stands; from that moment on it is [`Watched::Unknown`].
    pub fn state(
        &self,
        now: Instant,
        watched: Watched,
        broken_since: Option<Instant>,
    ) -> (Watched, Option<Instant>) {
        match broken_since.map(|since| since + self.grace) {
            None => (watched, None),
            Some(end) if now >= end => (Watched::Unknown, None),
            Some(_) if watched == Watched::Unknown => (Watched::Unknown, None),
            Some(end) => (watched, Some(end)),
        }
    }

    /// What it stands for.
    pub fn shows(&self) -> Shows {
        self.shows
    }

    /// What it shows; `None` before it was first lit.
    pub fn shown(&self) -> Option<Look> {
        self.was_shown.then_some(self.shown)
    }
}

impl Default for Lamp {
    fn default() -> Lamp {
        Lamp::new()
    }
}

impl Looks {
    /// What a lamp that stands for somebody else, or for our health, shows unless its settings say otherwise.
    pub const DEFAULT: Looks = {
        let mut looks = Looks([Look::OFF; Watched::COUNT]);
        let mut at = 0;
        while at < Watched::COUNT {
            let watched = Watched::ALL[at];
            looks.0[watched as usize] = Look::default_of(watched);
            at += 1;
        }
        looks
    };

    /// The same of a lamp that calls its owner: for messages, waiting watchers, own do-not-disturb. It is dark while
    /// there is nothing to see to.
    pub const CALLING: Looks = {
        let mut looks = Looks::DEFAULT;
        looks.0[Watched::Idle as usize] = Look::OFF;
        looks
    };

    /// What a lamp of that kind shows unless its settings say otherwise.
    pub const fn usual(kind: LampKind) -> &'static Looks {
        match kind {
            LampKind::Status => &Looks::DEFAULT,
            LampKind::Calling => &Looks::CALLING,
        }
    }

    /// The look of `watched`.
    pub const fn get(&self, watched: Watched) -> Look {
        self.0[watched as usize]
    }

    /// Changes the look of `watched`.
    pub fn set(&mut self, watched: Watched, look: Look) {
        self.0[watched as usize] = look;
    }
}

impl Default for Looks {
    fn default() -> Looks {
        Looks::DEFAULT
    }
}

impl Look {
    /// Dark.
    pub const OFF: Look = Look::new(Colour::Off, Pattern::Steady);

    /// The look of a colour and a pattern. Dark does not blink.
    pub const fn new(colour: Colour, pattern: Pattern) -> Look {
        match colour {
            Colour::Off => Look {
                colour,
                pattern: Pattern::Steady,
            },
            Colour::Green
            | Colour::Red
            | Colour::Amber
            | Colour::Blue
            | Colour::Cyan
            | Colour::Magenta
            | Colour::White => Look { colour, pattern },
        }
    }

    /// Reads `COLOUR`, `COLOUR slow` or `COLOUR fast`; `off` has no pattern.
    pub fn parse(text: &str) -> Option<Look> {
        let (colour, pattern) = match text.split_once(' ') {
            None => (text, Pattern::Steady),
            Some((colour, pattern)) => (colour, Pattern::from_name(pattern)?),
        };
        let look = Look {
            colour: Colour::from_name(colour)?,
            pattern,
        };
        (look == Look::new(look.colour, look.pattern)).then_some(look)
    }

    const fn default_of(watched: Watched) -> Look {
        match watched {
            Watched::Unknown => Look::new(Colour::Amber, Pattern::Slow),
            Watched::Subscribing => Look::new(Colour::Amber, Pattern::Fast),
            Watched::Offline => Look::OFF,
            Watched::Idle => Look::new(Colour::Green, Pattern::Steady),
            Watched::Away => Look::new(Colour::Amber, Pattern::Steady),
            Watched::Closed | Watched::Dnd | Watched::Trying | Watched::Busy => {
                Look::new(Colour::Red, Pattern::Steady)
            }
            Watched::Waiting | Watched::Held => Look::new(Colour::Red, Pattern::Slow),
            Watched::Ringing => Look::new(Colour::Red, Pattern::Fast),
        }
    }
}

impl fmt::Display for Look {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.colour.name())?;
        match self.pattern {
            Pattern::Steady => Ok(()),
            Pattern::Slow => f.write_str(" slow"),
            Pattern::Fast => f.write_str(" fast"),
        }
    }
}

impl Colour {
    /// Every colour.
    pub const ALL: [Colour; 8] = [
        Colour::Off,
        Colour::Green,
        Colour::Red,
        Colour::Amber,
        Colour::Blue,
        Colour::Cyan,
        Colour::Magenta,
        Colour::White,
    ];

    /// The name in settings and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Colour::Off => "off",
            Colour::Green => "green",
            Colour::Red => "red",
            Colour::Amber => "amber",
            Colour::Blue => "blue",
            Colour::Cyan => "cyan",
            Colour::Magenta => "magenta",
            Colour::White => "white",
        }
    }

    /// The colour of that name.
    pub fn from_name(name: &str) -> Option<Colour> {
        Colour::ALL.into_iter().find(|colour| colour.name() == name)
    }
}

impl Pattern {
    /// The pattern of that name; steady has none.
    fn from_name(name: &str) -> Option<Pattern> {
        match name {
            "slow" => Some(Pattern::Slow),
            "fast" => Some(Pattern::Fast),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::events::package::Package;
    use crate::ground::time::Duration;
    use std::string::ToString;

    #[test]
    fn default_looks_are_those_of_the_manual() {
        let expected = [
            (Watched::Unknown, "amber slow"),
            (Watched::Subscribing, "amber fast"),
            (Watched::Offline, "off"),
            (Watched::Idle, "green"),
            (Watched::Away, "amber"),
            (Watched::Closed, "red"),
            (Watched::Waiting, "red slow"),
            (Watched::Dnd, "red"),
            (Watched::Held, "red slow"),
            (Watched::Trying, "red"),
            (Watched::Busy, "red"),
            (Watched::Ringing, "red fast"),
        ];
        assert_eq!(expected.len(), Watched::COUNT);
        for (watched, look) in expected {
            assert_eq!(Looks::DEFAULT.get(watched).to_string(), look);
        }
    }

    #[test]
    fn looks_read_as_they_are_printed() {
        for colour in Colour::ALL {
            for pattern in [Pattern::Steady, Pattern::Slow, Pattern::Fast] {
                let look = Look::new(colour, pattern);
                assert_eq!(Look::parse(&look.to_string()), Some(look));
            }
        }
        for text in [
            "",
            "pink",
            "off slow",
            "red steady",
            "red  slow",
            "red slow ",
            "Red",
            "slow",
        ] {
            assert_eq!(Look::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_changed_look_is_that_state_alone() {
        let mut looks = Looks::DEFAULT;
        looks.set(Watched::Idle, Look::OFF);
        for watched in Watched::ALL {
            let expected = if watched == Watched::Idle {
                Look::OFF
            } else {
                Looks::DEFAULT.get(watched)
            };
            assert_eq!(looks.get(watched), expected);
        }
    }

    fn lamp(grace: u32) -> Lamp {
        let mut lamp = Lamp::new();
        lamp.configure(Shows::Watch(0), Seconds(grace), &Looks::DEFAULT);
        lamp
    }

    #[test]
    fn a_whole_subscription_shows_every_state_without_end() {
        for watched in Watched::ALL {
            assert_eq!(
                lamp(30).state(Instant::from_millis(5), watched, None),
                (watched, None)
            );
            assert_eq!(lamp(30).look(watched), Looks::DEFAULT.get(watched));
        }
    }

    #[test]
    fn grace_ends_to_the_microsecond_in_unknown() /* S23 */
    {
        let broken = Instant::from_millis(1_000);
        let end = broken + Duration::from_secs(30);
        let before = Instant::from_micros(end.as_micros() - 1);
        let unknown = (Watched::Unknown, None);
        for watched in Watched::ALL {
            let change = (watched != Watched::Unknown).then_some(end);
            let found = lamp(30).state(before, watched, Some(broken));
            assert_eq!(found, (watched, change));
            for after in [end, end + Duration::from_secs(86_400)] {
                assert_eq!(lamp(30).state(after, watched, Some(broken)), unknown);
            }
        }
    }

    #[test]
    fn no_grace_is_unknown_at_once() /* S23 */
    {
        let now = Instant::from_millis(7);
        assert_eq!(
            lamp(0).state(now, Watched::Busy, Some(now)),
            (Watched::Unknown, None)
        );
    }

    #[test]
    fn a_lamp_that_calls_its_owner_is_dark_otherwise() {
        for watched in Watched::ALL {
            let expected = match watched {
                Watched::Idle => Look::OFF,
                other => Looks::DEFAULT.get(other),
            };
            assert_eq!(Looks::CALLING.get(watched), expected);
        }
    }

    #[test]
    fn a_lamp_looks_as_its_package_asks() {
        let kind = |package: Package| package.spec().lamp;
        for package in [Package::Presence, Package::Dialog] {
            assert_eq!(Looks::usual(kind(package)), &Looks::DEFAULT);
        }
        for package in [Package::PresenceWinfo, Package::MessageSummary] {
            assert_eq!(Looks::usual(kind(package)), &Looks::CALLING);
        }
    }

    #[test]
    fn a_lamp_for_nothing_is_off() {
        assert_eq!(Lamp::new().look(Watched::Ringing), Look::OFF);
    }

    #[test]
    fn only_a_change_is_shown() {
        let mut lamp = lamp(30);
        let red = Looks::DEFAULT.get(Watched::Busy);
        assert!(lamp.show(red));
        assert!(!lamp.show(red));
        assert_eq!(lamp.shown(), Some(red));
        assert!(lamp.show(Look::OFF));
    }
}
