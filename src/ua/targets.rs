//! Where a name leads: places in the order they are asked in, and on to the next when one fails (RFC 3263 §4.3).

use crate::ground::limits::TARGETS;
use crate::wire::flow::Transport;
use crate::wire::sip::is_answerable;
use core::net::SocketAddr;
use heapless::Vec;

/// A place where a server is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// Over what.
    pub transport: Transport,
    /// Where.
    pub address: SocketAddr,
}

/// The places of one name, and which of them is asked.
///
/// Full: those behind the first [`TARGETS`] are left out.
#[derive(Clone, Debug, Default)]
pub struct Targets {
    /// The first is the best.
    list: Vec<Target, TARGETS>,
    turn: Turn,
}

/// Which of several is asked: each once a round.
#[derive(Clone, Copy, Debug, Default)]
pub struct Turn {
    at: u8,
    /// How many have failed since one worked.
    failed: u8,
}

impl Targets {
    /// Nowhere.
    pub const fn new() -> Targets {
        Targets {
            list: Vec::new(),
            turn: Turn::new(),
        }
    }

    /// Takes places, the best first, and begins there. Where they are those of before, in whatever order, all stays as it
    /// is: one that has just failed does not come back at the head of a list that is drawn anew. `false` if nobody can
    /// be at any of them: those of before are kept.
    pub fn take(&mut self, found: &[Target]) -> bool {
        let usable = found.iter().filter(|it| is_answerable(it.address));
        let list: Vec<Target, TARGETS> = usable.take(TARGETS).copied().collect();
        let is_same = list.len() == self.list.len() && list.iter().all(|it| self.list.contains(it));
        if list.is_empty() || is_same {
            return !list.is_empty();
        }
        self.list = list;
        self.go_home();
        true
    }

    /// The place in use.
    pub fn here(&self) -> Option<Target> {
        self.list.get(self.turn.at()).copied()
    }

    /// The best one.
    pub fn best(&self) -> Option<Target> {
        self.list.first().copied()
    }

    /// Whether there is a better one.
    pub const fn is_second_best(&self) -> bool {
        self.turn.at() > 0
    }

    /// Whether there is another one to try in this round.
    pub fn has_next(&self) -> bool {
        self.turn.has_next(self.list.len())
    }

    /// Whether there is more than one.
    pub fn has_several(&self) -> bool {
        self.list.len() > 1
    }

    /// The one in use works.
    pub const fn settle(&mut self) {
        self.turn.settle();
    }

    /// The one in use does not: turns to the next. `false` if all have failed in turn: the first comes next.
    pub fn fail(&mut self) -> bool {
        self.turn.fail(self.list.len())
    }

    /// Turns to the best one.
    pub const fn go_home(&mut self) {
        self.turn = Turn::new();
    }
}

impl Turn {
    /// The first one's.
    pub const fn new() -> Turn {
        Turn { at: 0, failed: 0 }
    }

    /// That one's.
    pub const fn of(at: usize) -> Turn {
        Turn {
            at: at as u8,
            failed: 0,
        }
    }

    /// Whose it is.
    pub const fn at(self) -> usize {
        self.at as usize
    }

    /// Whether one of `count` is left in this round, behind the one in use.
    pub const fn has_next(self, count: usize) -> bool {
        (self.failed as usize) + 1 < count
    }

    /// The one in use works.
    pub const fn settle(&mut self) {
        self.failed = 0;
    }

    /// The one in use does not: turns to the next of `count`. `false` if all have failed in turn: the first comes next.
    pub const fn fail(&mut self, count: usize) -> bool {
        if !self.has_next(count) {
            *self = Turn::new();
            return false;
        }
        self.failed += 1;
        self.at = ((self.at as usize + 1) % count) as u8;
        true
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;

    fn place(host: u8) -> Target {
        Target {
            transport: Transport::Udp,
            address: ([192, 0, 2, host], 5_060).into(),
        }
    }

    #[test]
    fn each_is_asked_once_a_round_and_what_works_stays() /* T20 */
    {
        let mut targets = Targets::new();
        assert!(!targets.fail() && targets.here().is_none());
        assert!(targets.take(&[1, 2, 3].map(place)));
        assert!(targets.fail() && targets.is_second_best());
        targets.settle();
        assert!(targets.fail() && targets.fail());
        assert_eq!(targets.here(), Some(place(1)), "round about");
        assert!(!targets.has_next() && !targets.fail());
        assert!(targets.has_next() && targets.fail());
        targets.go_home();
        assert_eq!(targets.here(), Some(place(1)));
    }

    #[test]
    fn a_list_in_another_order_changes_nothing_and_an_empty_one_neither() {
        let mut targets = Targets::new();
        assert!(targets.take(&[1, 2].map(place)) && targets.fail());
        assert!(targets.take(&[2, 1].map(place)) && !targets.take(&[]));
        assert_eq!(targets.here(), Some(place(2)));
        assert!(!targets.has_next(), "the first has failed in this round");
        let nowhere = Target {
            address: ([224, 0, 0, 1], 5_060).into(),
            ..place(0)
        };
        assert!(!targets.take(&[nowhere]));
        assert!(targets.take(&[nowhere, place(3)]));
        assert_eq!(targets.here(), Some(place(3)));
        assert!(!targets.has_several());
    }

    #[test]
    fn of_too_many_the_last_are_left_out() {
        let many = std::vec::Vec::from_iter((1..=TARGETS as u8 + 1).map(place));
        let mut targets = Targets::new();
        assert!(targets.take(&many));
        let asked = 1 + core::iter::from_fn(|| targets.fail().then_some(())).count();
        assert_eq!(asked, TARGETS);
    }
}
