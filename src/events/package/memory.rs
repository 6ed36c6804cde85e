//! What a watcher keeps of one notifier's documents, and the rules by which numbered ones follow each other
//! (RFC 4235 §4.3, RFC 3858 §4).

use crate::events::watched::Watched;
use crate::ground::limits;
use crate::wire::doc::XmlText;
use heapless::Vec;

/// What a watcher keeps of one notifier's documents, to apply partial ones to.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// The version of the last document applied.
    version: Option<u32>,
    /// Whether no document is missing since the last full one.
    whole: bool,
    /// Its parts.
    rows: Rows,
    watched: Watched,
}

/// The parts of a watched state that say something, in a table of rows by id.
#[derive(Clone, Debug, Default)]
pub(super) struct Rows {
    rows: Vec<Row, { limits::WATCHED_PARTS }>,
    /// Whether a part found no place.
    lost: bool,
}

/// One part of a watched state: a dialog, a watcher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Row {
    id: u64,
    watched: Watched,
}

/// What the root of a document says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Order {
    /// Its number in the subscription.
    pub(super) version: Option<u32>,
    /// Whether it tells only what changed.
    pub(super) partial: bool,
}

/// What the parts of a document said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Heard {
    /// How many there were.
    pub(super) listed: usize,
    /// The most that one of them said.
    pub(super) told: Option<Watched>,
    /// Whether the document says less than it seems to: what it leaves is believed, and asked for.
    pub(super) doubtful: bool,
}

/// What came of reading a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// The state is this now.
    State(Watched),
    /// The document is older than what is known: nothing changed.
    Stale,
    /// A document since the last full one is missing: ask for a full one (RFC 4235 §4.3). This one tells that the state
    /// is at least this.
    Gap(Watched),
    /// A document is missing and this one tells nothing of the state for certain; by what is left it would be this.
    Hole(Watched),
}

impl Memory {
    /// Nothing was told yet.
    pub const fn new() -> Memory {
        Memory {
            version: None,
            whole: false,
            rows: Rows::new(),
            watched: Watched::Unknown,
        }
    }

    /// What is known now.
    pub fn watched(&self) -> Watched {
        self.watched
    }

    /// Takes in a document that tells everything and has no number.
    pub(super) fn tell(&mut self, watched: Watched) -> Reading {
        self.watched = watched;
        Reading::State(watched)
    }

    /// The number of the last document applied.
    pub(super) fn version(&self) -> Option<u32> {
        self.version
    }

    /// Whether a partial document was overtaken by what is known.
    pub(super) fn is_behind(&self, order: Order) -> bool {
        match (self.version, order.version) {
            (Some(known), Some(version)) => order.partial && version <= known,
            (None, _) | (_, None) => false,
        }
    }

    /// The rows that a document is applied to: a copy, so that one that breaks off half-way changes nothing.
    pub(super) fn rows(&self, order: Order) -> Rows {
        if order.partial {
            self.rows.clone()
        } else {
            Rows::new()
        }
    }

    /// Takes over the rows that a good document was applied to.
    pub(super) fn settle(&mut self, order: Order, rows: Rows, heard: Heard) -> Reading {
        let known = self.version;
        let follows = match (known, order.version) {
            (Some(known), Some(version)) => version == known.saturating_add(1),
            (None, Some(_)) => false,
            (_, None) => true,
        };
        // A hole stays a hole, however well the documents behind it follow each other.
        let whole = !order.partial || (follows && self.whole);
        self.whole = whole || heard.listed == 0;
        self.version = order.version.or(known);
        self.watched = rows.most().unwrap_or(Watched::Idle);
        // All that are known are over, and some had no place to be known.
        let hollow = rows.lost && rows.is_empty();
        self.rows = rows;
        if whole && !heard.doubtful && !hollow {
            Reading::State(self.watched)
        } else if heard.listed == 0 || heard.told == Some(self.watched) {
            Reading::Gap(self.watched)
        } else {
            // The part that ended may be the last one we know of and not the last one there is.
            Reading::Hole(self.watched)
        }
    }
}

impl Rows {
    const fn new() -> Rows {
        Rows {
            rows: Vec::new(),
            lost: false,
        }
    }

    /// The part of that id says this now, or nothing any more.
    pub(super) fn set(&mut self, id: u64, watched: Option<Watched>) {
        let place = self.rows.iter().position(|row| row.id == id);
        let Some(watched) = watched else {
            if let Some(place) = place {
                self.rows.swap_remove(place);
            }
            return;
        };
        if let Some(place) = place {
            self.rows[place].watched = watched;
        } else if self.rows.push(Row { id, watched }).is_err() {
            self.lost = true;
            // More parts than a lamp can count: keep the ones it would show.
            if let Some(least) = self.rows.iter_mut().min_by_key(|row| row.watched)
                && least.watched < watched
            {
                *least = Row { id, watched };
            }
        }
    }

    /// Nothing says anything.
    pub(super) fn clear(&mut self) {
        self.rows.clear();
    }

    /// Whether nothing says anything.
    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    fn most(&self) -> Option<Watched> {
        self.rows.iter().map(|row| row.watched).max()
    }
}

/// FNV-1a: ids come from the one notifier we subscribed to, and a collision costs no more than a part.
pub(super) fn hash(id: &XmlText<'_>) -> u64 {
    id.chars().fold(0xcbf2_9ce4_8422_2325, |hash, char| {
        (hash ^ u64::from(char)).wrapping_mul(0x0100_0000_01b3)
    })
}
