//! From a look to how each element of a lamp is lit over time. Pure: the time is an argument.
//!
//! Rhythms count from the clock's origin, not from when they began: all lamps of one rhythm blink in step, and an
//! agent that was late catches up.
//!
//! A lamp with one element, whatever its colour, says with rhythms what others say with colours: lit means busy.
//!
//! | look | rhythm |
//! |---|---|
//! | `green` | dark |
//! | `red` | lit |
//! | `amber` | winks: 100 ms dark each second |
//! | `amber slow` | flashes: 100 ms lit each 2 s |
//! | `amber fast` | flashes fast: 100 ms lit each 500 ms |
//! | any other `slow`, `fast` | 500 ms lit, 500 ms dark; 125 ms each |
//! | other colours | as `red` |
//!
//! A lamp of several elements mixes them. A colour that it cannot make becomes the nearest: any light beats none.

use super::board::Hue;
use crate::ground::time::{Duration, Instant};
use crate::users::lamps::{Colour, Look, Pattern};

/// How an element is lit over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rhythm {
    /// Not at all.
    Dark,
    /// All the time.
    Lit,
    /// Blinks: lit so long, dark so long.
    Blinks(Millis, Millis),
}

type Millis = u16;

const SLOW: Rhythm = Rhythm::Blinks(500, 500);
const FAST: Rhythm = Rhythm::Blinks(125, 125);
const WINK: Rhythm = Rhythm::Blinks(900, 100);
const FLASH: Rhythm = Rhythm::Blinks(100, 1_900);
const FLASH_FAST: Rhythm = Rhythm::Blinks(100, 400);

impl Rhythm {
    /// The rhythm of the element of colour `hue`, one of `elements`, when their lamp shows `look`.
    pub(super) fn of(look: Look, hue: Hue, elements: Hues) -> Rhythm {
        if elements == Hues::only(hue) {
            return Rhythm::alone(look);
        }
        if mixture(look.colour, elements).has(hue) {
            Rhythm::steady_or(look.pattern, Rhythm::Lit)
        } else {
            Rhythm::Dark
        }
    }

    /// How long it is lit and dark by turns, if it blinks.
    pub(super) fn phases(self) -> Option<(Duration, Duration)> {
        match self {
            Rhythm::Dark | Rhythm::Lit => None,
            Rhythm::Blinks(lit, dark) => Some((millis(lit), millis(dark))),
        }
    }

    /// Whether it is lit at this moment.
    pub(super) fn is_lit(self, now: Instant) -> bool {
        match self {
            Rhythm::Dark => false,
            Rhythm::Lit => true,
            Rhythm::Blinks(lit, dark) => phase(now, lit, dark) < micros(lit),
        }
    }

    /// When it is lit or dark next.
    pub(super) fn next(self, now: Instant) -> Option<Instant> {
        let Rhythm::Blinks(lit, dark) = self else {
            return None;
        };
        let phase = phase(now, lit, dark);
        let end = if phase < micros(lit) {
            micros(lit)
        } else {
            micros(lit) + micros(dark)
        };
        Some(now + Duration::from_micros(end - phase))
    }

    fn alone(look: Look) -> Rhythm {
        match (look.colour, look.pattern) {
            (Colour::Off, _) => Rhythm::Dark,
            (Colour::Amber, Pattern::Steady) => WINK,
            (Colour::Amber, Pattern::Slow) => FLASH,
            (Colour::Amber, Pattern::Fast) => FLASH_FAST,
            (Colour::Green, pattern) => Rhythm::steady_or(pattern, Rhythm::Dark),
            (
                Colour::Red | Colour::Blue | Colour::Cyan | Colour::Magenta | Colour::White,
                pattern,
            ) => Rhythm::steady_or(pattern, Rhythm::Lit),
        }
    }

    fn steady_or(pattern: Pattern, steady: Rhythm) -> Rhythm {
        match pattern {
            Pattern::Steady => steady,
            Pattern::Slow => SLOW,
            Pattern::Fast => FAST,
        }
    }
}

/// The colours that a lamp has elements of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hues(u8);

impl Hues {
    /// Just this one.
    pub(super) const fn only(hue: Hue) -> Hues {
        Hues(1 << hue as u8)
    }

    /// These and `hue`.
    pub(super) const fn and(self, hue: Hue) -> Hues {
        Hues(self.0 | Hues::only(hue).0)
    }

    /// All of `hues`.
    pub(super) fn all(hues: impl Iterator<Item = Hue>) -> Hues {
        hues.fold(Hues(0), Hues::and)
    }

    const fn has(self, hue: Hue) -> bool {
        self.0 & Hues::only(hue).0 != 0
    }

    const fn hold(self, other: Hues) -> bool {
        self.0 & other.0 == other.0
    }
}

/// What to light for `colour`: the first that the lamp has all elements of.
fn mixture(colour: Colour, elements: Hues) -> Hues {
    let both = RED.and(Hue::Green);
    let choices: &[Hues] = match colour {
        Colour::Off => return Hues(0),
        Colour::Red => &[RED, AMBER, WHITE, BLUE],
        Colour::Green => &[GREEN, WHITE, BLUE, AMBER],
        Colour::Amber => &[AMBER, both, RED, WHITE, GREEN],
        Colour::Blue => &[BLUE, WHITE, both, AMBER, RED],
        Colour::Cyan => &[GREEN.and(Hue::Blue), BLUE, WHITE, both, AMBER, RED],
        Colour::Magenta => &[RED.and(Hue::Blue), RED, BLUE, WHITE, AMBER],
        Colour::White => &[WHITE, both.and(Hue::Blue), both, AMBER, RED, BLUE],
    };
    let found = choices.iter().copied().find(|it| elements.hold(*it));
    found.unwrap_or(elements)
}

const RED: Hues = Hues::only(Hue::Red);
const GREEN: Hues = Hues::only(Hue::Green);
const BLUE: Hues = Hues::only(Hue::Blue);
const AMBER: Hues = Hues::only(Hue::Amber);
const WHITE: Hues = Hues::only(Hue::White);

fn phase(now: Instant, lit: Millis, dark: Millis) -> u64 {
    now.as_micros() % (micros(lit) + micros(dark))
}

fn micros(millis: Millis) -> u64 {
    u64::from(millis) * 1_000
}

fn millis(millis: Millis) -> Duration {
    Duration::from_millis(millis.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(text: &str) -> Look {
        Look::parse(text).unwrap_or_else(|| panic!("{text} is a look"))
    }

    #[track_caller]
    fn mixes(elements: &[Hue], table: &[(&str, &[Hue])]) {
        let all = Hues::all(elements.iter().copied());
        for (text, lit) in table {
            for hue in elements {
                let expected = if lit.contains(hue) {
                    Rhythm::Lit
                } else {
                    Rhythm::Dark
                };
                let found = Rhythm::of(look(text), *hue, all);
                assert_eq!(found, expected, "{text}: {hue:?} of {elements:?}");
            }
        }
    }

    #[test]
    fn colours_are_mixed_from_the_elements_there_are() {
        use Hue::{Amber, Blue, Green, Red, White};
        mixes(
            &[Red, Green],
            &[
                ("off", &[]),
                ("red", &[Red]),
                ("green", &[Green]),
                ("amber", &[Red, Green]),
            ],
        );
        mixes(
            &[Red, Green, Blue],
            &[
                ("red", &[Red]),
                ("green", &[Green]),
                ("blue", &[Blue]),
                ("amber", &[Red, Green]),
                ("cyan", &[Green, Blue]),
                ("magenta", &[Red, Blue]),
                ("white", &[Red, Green, Blue]),
            ],
        );
        mixes(
            &[Red, Green],
            &[
                ("blue", &[Red, Green]),
                ("cyan", &[Red, Green]),
                ("magenta", &[Red]),
                ("white", &[Red, Green]),
            ],
        );
        mixes(
            &[Red, Green, Amber],
            &[("red", &[Red]), ("green", &[Green]), ("amber", &[Amber])],
        );
        mixes(
            &[Red, Blue, White],
            &[("red", &[Red]), ("green", &[White]), ("amber", &[Red])],
        );
    }

    #[test]
    fn a_look_that_is_not_off_lights_every_lamp_of_two_elements() {
        for one in Hue::ALL {
            for other in Hue::ALL.into_iter().filter(|it| *it != one) {
                let all = Hues::only(one).and(other);
                for colour in Colour::ALL.into_iter().filter(|it| *it != Colour::Off) {
                    let text = colour.name();
                    let lit = [one, other].map(|it| Rhythm::of(look(text), it, all));
                    assert!(lit.contains(&Rhythm::Lit), "{text} of {one:?}, {other:?}");
                }
            }
        }
    }

    #[test]
    fn all_elements_of_a_colour_blink_together() {
        let all = Hues::only(Hue::Red).and(Hue::Green);
        for hue in [Hue::Red, Hue::Green] {
            assert_eq!(Rhythm::of(look("amber slow"), hue, all), SLOW);
            assert_eq!(Rhythm::of(look("amber fast"), hue, all), FAST);
        }
        assert_eq!(Rhythm::of(look("red fast"), Hue::Green, all), Rhythm::Dark);
    }

    #[test]
    fn one_element_says_with_rhythms_what_others_say_with_colours() {
        for hue in Hue::ALL {
            for (text, expected) in [
                ("off", Rhythm::Dark),
                ("green", Rhythm::Dark),
                ("green slow", SLOW),
                ("green fast", FAST),
                ("red", Rhythm::Lit),
                ("red slow", SLOW),
                ("red fast", FAST),
                ("amber", WINK),
                ("amber slow", FLASH),
                ("amber fast", FLASH_FAST),
                ("blue", Rhythm::Lit),
                ("cyan slow", SLOW),
                ("magenta fast", FAST),
                ("white", Rhythm::Lit),
            ] {
                let found = Rhythm::of(look(text), hue, Hues::only(hue));
                assert_eq!(found, expected, "{text} on {hue:?}");
            }
        }
    }

    /// Walks through two periods from change to change.
    #[test]
    fn rhythms_change_at_their_microsecond_and_in_step() {
        for rhythm in [SLOW, FAST, WINK, FLASH, FLASH_FAST] {
            let (lit, dark) = rhythm.phases().expect("it blinks");
            let period = (lit + dark).as_micros();
            let period = u64::try_from(period).expect("short");
            let mut now = Instant::from_micros(1_000_000 * period);
            for _ in 0..2 {
                assert!(rhythm.is_lit(now));
                let end = rhythm.next(now).expect("it ends");
                assert_eq!(end - now, lit);
                let last = Instant::from_micros(end.as_micros() - 1);
                assert!(rhythm.is_lit(last) && !rhythm.is_lit(end));
                assert_eq!(rhythm.next(last), Some(end));
                now = rhythm.next(end).expect("it begins");
                assert_eq!(now - end, dark);
            }
        }
    }

    #[test]
    fn what_does_not_blink_never_changes() {
        let now = Instant::from_millis(77);
        for (rhythm, lit) in [(Rhythm::Dark, false), (Rhythm::Lit, true)] {
            assert_eq!(rhythm.is_lit(now), lit);
            assert_eq!(rhythm.next(now), None);
        }
    }
}
