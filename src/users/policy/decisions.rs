//! What the owner has decided about single watchers.
//!
//! Kept by hashes under the agent's secret, which say nothing without it: one of what is decided, others by which it is
//! found again when it is taken back.

use crate::ground::limits::DECISIONS;
use crate::ground::table::{Index, cells};
use crate::ground::time::Wall;
use serde::{Deserialize, Serialize};

/// What the owner decided about a watcher.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Decided {
    /// It may watch.
    Allow,
    /// It may not.
    Block,
    /// It is told what is told of somebody who is closed.
    PoliteBlock,
    /// Nothing any more.
    Nothing,
}

/// A decision about one watcher of one presentity, in one package or in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    pub(super) key: u64,
    /// The name the watcher gives itself; of a user nothing.
    pub(super) name: u64,
    /// Where it is, or which user it is.
    pub(super) place: u64,
    /// Milliseconds since 1970 until when it counts; 0 for good.
    until: u64,
    what: Decided,
}

/// The owner's last decisions. Full: the oldest makes way, and that watcher waits once more.
pub(super) struct Decisions {
    kept: [Decision; DECISIONS],
    by_key: Index<{ cells(DECISIONS) }>,
    /// How many were made so far.
    made: usize,
}

const _: () = assert!(DECISIONS <= 64, "a bit for each decision");

impl Decided {
    /// The word on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Decided::Allow => "allow",
            Decided::Block => "block",
            Decided::PoliteBlock => "polite-block",
            Decided::Nothing => "forget",
        }
    }
}

impl Decision {
    const NONE: Decision = Decision {
        key: 0,
        name: 0,
        place: 0,
        until: 0,
        what: Decided::Allow,
    };

    /// A decision that counts until then, or for good.
    pub(super) const fn new(
        key: u64,
        (name, place): (u64, u64),
        what: Decided,
        until: Option<Wall>,
    ) -> Decision {
        Decision {
            key,
            name,
            place,
            until: match until {
                Some(until) => match until.unix_millis() {
                    Some(millis) => millis,
                    None => 1,
                },
                None => 0,
            },
            what,
        }
    }

    /// What it says at that time. Without a clock only what refuses counts, if it is not for good.
    fn says(&self, now: Wall) -> Decided {
        let counts = match now.unix_millis() {
            _ if self.until == 0 => true,
            Some(now) => now < self.until,
            None => self.what != Decided::Allow,
        };
        match counts {
            true => self.what,
            false => Decided::Nothing,
        }
    }

    /// When it ceases to count.
    pub(super) fn ends(&self) -> Option<Wall> {
        (self.until != 0 && self.what != Decided::Nothing)
            .then(|| Wall::from_unix_millis(self.until))
    }
}

impl Decisions {
    pub(super) const fn new() -> Decisions {
        Decisions {
            kept: [Decision::NONE; DECISIONS],
            by_key: Index::new(),
            made: 0,
        }
    }

    /// The oldest first; those that were taken back are left out.
    pub(super) fn iter(&self) -> impl Iterator<Item = Decision> {
        let first = self.made.saturating_sub(DECISIONS);
        let all = (first..self.made).map(|number| self.kept[number % DECISIONS]);
        all.filter(|it| it.what != Decided::Nothing)
    }

    pub(super) fn put(&mut self, decision: Decision) {
        if let Some(slot) = self.find(decision.key) {
            self.kept[slot] = decision;
            return;
        }
        let slot = self.made % DECISIONS;
        if self.made >= DECISIONS {
            self.by_key.remove(self.kept[slot].key, slot as u16);
        }
        self.kept[slot] = decision;
        self.by_key.insert(decision.key, slot as u16);
        self.made += 1;
    }

    /// Takes back all that fit; how many did.
    pub(super) fn forget(&mut self, fits: impl Fn(&Decision) -> bool) -> usize {
        let made = self.made.min(DECISIONS);
        let all = self.kept[..made].iter_mut();
        let found = all.filter(|it| it.what != Decided::Nothing && fits(it));
        found.map(|it| it.what = Decided::Nothing).count()
    }

    /// Whether there is anything to look for.
    pub(super) const fn is_empty(&self) -> bool {
        self.made == 0
    }

    /// What was decided under that key, and until when that counts.
    pub(super) fn get(&self, key: u64, now: Wall) -> Option<(Decided, Option<Wall>)> {
        let kept = &self.kept[self.find(key)?];
        match kept.says(now) {
            Decided::Nothing => None,
            what @ (Decided::Allow | Decided::Block | Decided::PoliteBlock) => {
                Some((what, kept.ends()))
            }
        }
    }

    /// When the first of them ceases to count.
    pub(super) fn next_end(&self, now: Wall) -> Option<Wall> {
        let ends = self.kept[..self.made.min(DECISIONS)].iter();
        ends.filter_map(Decision::ends)
            .filter(|end| *end > now)
            .min()
    }

    /// Which of them count at that time, a bit for each.
    pub(super) fn counting(&self, now: Wall) -> u64 {
        let kept = self.kept[..self.made.min(DECISIONS)].iter().enumerate();
        kept.fold(0, |all, (at, it)| {
            all | u64::from(it.says(now) != Decided::Nothing) << at
        })
    }

    fn find(&self, key: u64) -> Option<usize> {
        let is_it = |slot: u16| self.kept[usize::from(slot)].key == key;
        self.by_key.find(key, is_it).map(usize::from)
    }
}
