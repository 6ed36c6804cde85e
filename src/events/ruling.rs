//! What the owner's policy says of a watcher: whether it may watch, what it sees, and how often it is told.
//!
//! A ruling is a value: policies make it, roles obey it, and neither knows the other.

use super::subscription::Verdict;
use crate::ground::time::{Seconds, Wall};
use crate::wire::doc::pidf::Topics;

/// What is ruled about one watcher of one presentity in one package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ruling {
    /// Whether it may watch.
    pub verdict: Verdict,
    /// What it sees.
    pub view: View,
    /// It is told at most once in so many seconds; zero: as often as anybody.
    pub pace: Seconds,
    /// When the clock may make another ruling of this one; `None` if it can't.
    pub until: Option<Wall>,
}

/// What a document leaves out. Watchers of one view share one document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// A bit for each thing that is left out, and [`PARTIES`] for what is told besides.
    hidden: u8,
    /// The number of the note that is told in place of all others, from 1.
    note: u8,
}

/// Whether the other ends of calls are told of.
const PARTIES: u8 = 128;

impl Ruling {
    /// This verdict, with nothing hidden and no pace.
    pub const fn plain(verdict: Verdict) -> Ruling {
        Ruling {
            verdict,
            view: View::FULL,
            pace: Seconds::ZERO,
            until: None,
        }
    }
}

impl View {
    /// Everything.
    pub const FULL: View = View { hidden: 0, note: 0 };
    /// Without notes.
    pub const NO_NOTES: View = View { hidden: 1, note: 0 };
    /// Without activities.
    pub const NO_ACTIVITIES: View = View { hidden: 2, note: 0 };
    /// Without devices.
    pub const NO_DEVICES: View = View { hidden: 4, note: 0 };
    /// Whether it is open or closed, and nothing more.
    pub const BASIC: View = View {
        hidden: 8 | 7,
        note: 0,
    };
    /// What is told of somebody who is closed and has nothing to say (RFC 6665 §6.2).
    pub const CLOSED: View = View {
        hidden: 16 | 15,
        note: 0,
    };
    /// What those are told who wait for a decision (RFC 3856 §6.6.2): nothing of the presentity.
    pub const PENDING: View = View {
        hidden: 32 | 31,
        note: 0,
    };
    /// What those are told who waited in vain: nothing, not even that.
    pub const BLANK: View = View {
        hidden: 64 | 63,
        note: 0,
    };

    /// Everything, and with whom the calls are: nobody is told that unless a rule says so (RFC 4235 §3.7.2).
    pub const PARTIES: View = View {
        hidden: PARTIES,
        note: 0,
    };

    /// What both leave out, and what either tells besides. Of two notes the other's counts, if it has one.
    #[must_use]
    pub const fn with(self, other: View) -> View {
        View {
            hidden: self.hidden | other.hidden,
            note: if other.note == 0 {
                self.note
            } else {
                other.note
            },
        }
    }

    /// The same, with the note of that number in place of all others.
    #[must_use]
    pub const fn with_note(self, number: u8) -> View {
        View {
            note: number + 1,
            ..self
        }
    }

    /// Whether it leaves out at least what `other` does.
    pub const fn hides(self, other: View) -> bool {
        self.hidden & other.hidden == other.hidden
    }

    /// Whether it tells with whom calls are. Where nothing is told but open or closed, nobody is named.
    pub const fn shows_parties(self) -> bool {
        self.hidden & PARTIES != 0 && !self.hides(View::BASIC)
    }

    /// The same without telling with whom calls are.
    #[must_use]
    pub const fn without_parties(self) -> View {
        View {
            hidden: self.hidden & !PARTIES,
            ..self
        }
    }

    /// What it leaves out of what phones published. A note in place of all others hides those.
    pub const fn topics(self) -> Topics {
        let notes = if self.note == 0 {
            0
        } else {
            Topics::NOTES.bits()
        };
        Topics::from_bits(self.hidden & !PARTIES | notes)
    }

    /// The view as a number: another one for another view.
    pub const fn bits(self) -> u16 {
        (self.hidden as u16) << 8 | self.note as u16
    }

    /// The number of the note that is told in place of all others.
    pub const fn note(self) -> Option<u8> {
        self.note.checked_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_add_up() {
        let both = View::NO_NOTES.with(View::NO_DEVICES);
        assert!(both.hides(View::NO_NOTES) && both.hides(View::NO_DEVICES));
        assert!(!both.hides(View::NO_ACTIVITIES));
        assert!(View::BASIC.hides(View::NO_NOTES) && View::CLOSED.hides(View::BASIC));
        assert_eq!(View::FULL.with_note(0).with(View::NO_NOTES).note(), Some(0));
        assert_eq!(View::FULL.note(), None);
        assert_eq!(View::NO_DEVICES.topics(), Topics::DEVICES);
        assert_eq!(View::FULL.with_note(3).topics(), Topics::NOTES);
        assert_ne!(View::CLOSED.bits(), View::CLOSED.with_note(0).bits());
    }

    #[test]
    fn other_ends_of_calls_are_shown_to_nobody_by_default() {
        for view in [View::FULL, View::NO_NOTES, View::BASIC, View::CLOSED] {
            assert!(!view.shows_parties());
            let both = view.with(View::PARTIES);
            assert_eq!(both.shows_parties(), !view.hides(View::BASIC));
            assert_eq!(both.topics(), view.topics());
            assert_eq!(both.without_parties(), view);
            assert!(both.hides(view));
        }
    }
}
