//! The test of the lamps: a round in which each element is lit alone.

use std::vec::Vec;

use super::board::{Board, Hue};
use crate::ground::time::{Duration, Instant};
use crate::users::lamps::{Colour, Look, Pattern};

/// The round.
#[derive(Debug)]
pub(super) struct Round {
    /// The lamp of each element, and how it looks with that one lit alone.
    steps: Vec<(usize, Look)>,
    /// When it began, while it goes on.
    began: Option<Instant>,
}

/// How long each element is lit alone.
pub(super) const ALONE: Duration = Duration::from_secs(1);

impl Round {
    /// The elements of a board, at rest.
    pub(super) fn of(board: &Board) -> Round {
        let lamps = board.lamps.iter().enumerate();
        let each = lamps.flat_map(|(at, lamp)| {
            let is_one = lamp.elements.len() == 1;
            let elements = lamp.elements.iter();
            elements.map(move |it| (at, alone(it.hue, is_one)))
        });
        Round {
            steps: each.collect(),
            began: None,
        }
    }

    /// Begins, or begins again.
    pub(super) fn begin(&mut self, now: Instant) {
        self.began = Some(now);
    }

    /// The lamp that is lit now, and how; behind the last one the round ends.
    pub(super) fn step(&mut self, now: Instant) -> Option<(usize, Look)> {
        let at = usize::try_from(self.seconds(now)?).unwrap_or(usize::MAX);
        let step = self.steps.get(at).copied();
        if step.is_none() {
            self.began = None;
        }
        step
    }

    /// When the next step is due.
    pub(super) fn next(&self, now: Instant) -> Option<Instant> {
        let steps = u32::try_from(self.seconds(now)? + 1).unwrap_or(u32::MAX);
        Some(self.began? + ALONE * steps)
    }

    fn seconds(&self, now: Instant) -> Option<u128> {
        Some((now - self.began?).as_micros() / ALONE.as_micros())
    }
}

/// The look of a lamp with only this element lit. A lamp that has no other says with rhythms what others say with
/// colours; red is the one that lights it.
const fn alone(hue: Hue, is_one: bool) -> Look {
    let colour = match hue {
        Hue::Green | Hue::Amber if is_one => Colour::Red,
        Hue::Red => Colour::Red,
        Hue::Green => Colour::Green,
        Hue::Blue => Colour::Blue,
        Hue::Amber => Colour::Amber,
        Hue::White => Colour::White,
    };
    Look::new(colour, Pattern::Steady)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::panel::rhythm::{Hues, Rhythm};

    #[test]
    fn each_step_lights_one_element_of_any_lamp() {
        for mask in 1_u8..1 << Hue::ALL.len() {
            let has = |hue: &Hue| mask & 1 << *hue as u8 != 0;
            let hues: Vec<Hue> = Hue::ALL.into_iter().filter(has).collect();
            let siblings = Hues::all(hues.iter().copied());
            for lit in &hues {
                let look = alone(*lit, hues.len() == 1);
                for hue in &hues {
                    let expected = if hue == lit {
                        Rhythm::Lit
                    } else {
                        Rhythm::Dark
                    };
                    assert_eq!(
                        Rhythm::of(look, *hue, siblings),
                        expected,
                        "{lit:?} of {hues:?}"
                    );
                }
            }
        }
    }
}
