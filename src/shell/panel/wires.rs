//! The lines of a board, and what has been said about them.

use std::format;
use std::string::String;
use std::vec::Vec;

use log::{info, warn};

use super::board::{Board, Placed};
use super::driver::{End, Line};
use super::lights::Part;
use super::rhythm::Hues;
use super::{Problem, Trouble};
use crate::ground::time::Instant;
use crate::shell::journal::Limiter;

/// All lines of a board, in its order.
#[derive(Debug)]
pub(super) struct Wires {
    file: String,
    all: Vec<Wire>,
}

/// A line as the board's file names it.
#[derive(Debug)]
struct Wire {
    row: usize,
    text: String,
    part: &'static str,
    name: String,
    /// What was said to be wrong with it.
    told: Option<String>,
    /// A loose contact says the same all night.
    limiter: Limiter,
}

impl Wires {
    /// The board's, and what hangs on each of them.
    pub(super) fn of(board: &Board) -> (Wires, Vec<Line<'_>>) {
        let mut wires = Wires {
            file: board.file.clone(),
            all: Vec::new(),
        };
        let mut lines = Vec::new();
        for (button, it) in board.buttons.iter().enumerate() {
            if let Some(input) = &it.input {
                let label = wires.add(input, "button", "button", &it.name);
                let end = End::Button(button, &input.value);
                lines.push(Line { label, end });
            }
        }
        for (lamp, it) in board.lamps.iter().enumerate() {
            let siblings = Hues::all(it.elements.iter().map(|element| element.hue));
            for element in &it.elements {
                let Some(output) = &element.output else {
                    continue;
                };
                let hue = element.hue;
                let part = Part {
                    lamp,
                    hue,
                    siblings,
                };
                let label = wires.add(output, "lamp", hue.name(), &it.name);
                let end = End::Light(part, &output.value);
                lines.push(Line { label, end });
            }
        }
        (wires, lines)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// A line in the log for each line of the board that fails, or works again. Whether all of them work.
    pub(super) fn tell<'a>(
        &mut self,
        now: Instant,
        problem: impl Fn(usize) -> Option<&'a Problem>,
    ) -> bool {
        for (number, wire) in self.all.iter_mut().enumerate() {
            wire.tell(now, &self.file, problem(number));
        }
        self.all.iter().all(|wire| wire.told.is_none())
    }

    /// What does not work.
    pub(super) fn troubles<'a>(
        &'a self,
        problem: impl Fn(usize) -> Option<&'a Problem>,
    ) -> impl Iterator<Item = Trouble<'a>> {
        let all = self.all.iter().enumerate();
        all.filter_map(move |(number, wire)| Some(wire.trouble(&self.file, problem(number)?)))
    }

    fn add<T>(
        &mut self,
        placed: &Placed<T>,
        whose: &str,
        part: &'static str,
        name: &str,
    ) -> String {
        let Placed { row, text, .. } = placed;
        self.all.push(Wire {
            row: *row,
            text: text.clone(),
            part,
            name: String::from(name),
            told: None,
            limiter: Limiter::new(),
        });
        format!("{}:{row}: the line {text} of {whose} \"{name}\"", self.file)
    }
}

impl Wire {
    fn tell(&mut self, now: Instant, file: &str, problem: Option<&Problem>) {
        if problem.map(|it| &it.what) == self.told.as_ref() {
            return;
        }
        match problem {
            _ if self.limiter.admit(now).is_none() => {}
            Some(problem) => warn!("{:#}", self.trouble(file, problem)),
            None => info!("the line {} of \"{}\" works now", self.text, self.name),
        }
        self.told = problem.map(|it| it.what.clone());
    }

    fn trouble<'a>(&'a self, file: &'a str, problem: &'a Problem) -> Trouble<'a> {
        Trouble {
            file,
            row: self.row,
            line: &self.text,
            part: self.part,
            name: &self.name,
            problem,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loose_contact_does_not_flood_the_log_and_hides_no_other() {
        const NOW: Instant = Instant::from_millis(60_000);
        let board = "name = \"test\"\nbackend = \"hardware\"\n\
                     [[lamp]]\nname = \"blf1\"\nred = \"led:one\"\n\
                     [[lamp]]\nname = \"blf2\"\nred = \"led:two\"\n";
        let board = Board::parse("test.toml", board).expect("a board");
        let (mut wires, _) = Wires::of(&board);
        for number in 0..100 {
            let what = format!("is gone, for the {number}th time");
            let problem = Problem::new(what, "hold it");
            let all_work = wires.tell(NOW, |line| (line == 0).then_some(&problem));
            assert!(!all_work);
        }
        let last = wires.all[0].told.as_deref();
        assert_eq!(last, Some("is gone, for the 99th time"));
        let [loose, other] = [0, 1].map(|at| wires.all[at].limiter.admit(NOW));
        assert_eq!((loose, other), (None, Some(0)));
        assert!(wires.tell(NOW, |_| None));
    }
}
