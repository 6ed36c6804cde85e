//! What a watcher keeps of one notifier's documents, and the rules by which numbered ones follow each other
//! (RFC 4235 §4.3, RFC 3858 §4).

use crate::events::party::Party;
use crate::events::watched::Watched;
use crate::ground::limits;
use crate::wire::doc::XmlText;
use crate::wire::doc::features::Features;
use crate::wire::doc::message_summary::Messages;
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
    /// How many messages the last summary counted.
    messages: Option<Messages>,
    /// What was told of a telephone's features.
    features: Features,
    /// Whether do-not-disturb is on, if that was told and not taken.
    dnd: Option<bool>,
    /// Who is at the other end of the dialog that a lamp shows.
    party: Option<Named>,
}

/// The other end of one dialog.
#[derive(Clone, Debug)]
struct Named {
    id: u64,
    watched: Watched,
    party: Party,
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
    /// Whether the document that is read said so.
    fresh: bool,
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
#[derive(Clone, Debug, Default)]
pub(super) struct Heard {
    /// How many there were.
    pub(super) listed: usize,
    /// The most that one of them said.
    pub(super) told: Option<Watched>,
    /// Whether the document says less than it seems to: what it leaves is believed, and asked for.
    pub(super) doubtful: bool,
    /// Who is at the other end of the dialog that counts most among those which say so.
    named: Option<Named>,
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
    /// What it tells can't be told from it alone, and what it builds on is not there: ask for a full one (RFC 5263 §4.5).
    Lost,
}

impl Memory {
    /// Nothing was told yet.
    pub const fn new() -> Memory {
        Memory {
            version: None,
            whole: false,
            rows: Rows::new(),
            watched: Watched::Unknown,
            party: None,
            messages: None,
            features: Features::new(),
            dnd: None,
        }
    }

    /// What is known now.
    pub fn watched(&self) -> Watched {
        self.watched
    }

    /// The other party of what is known now, if that is a call and the notifier names one. The party of one dialog is
    /// kept, that of the one which counts: after its end another one that was told before has none until it is told
    /// again.
    pub fn party(&self) -> Option<&Party> {
        self.party.as_ref().map(|named| &named.party)
    }

    /// Takes in that the notifier knows no state, which means this (see [`Spec`](super::Spec)).
    pub fn tell_stateless(&mut self, watched: Watched) {
        *self = Memory {
            version: self.version,
            whole: true,
            watched,
            ..Memory::new()
        };
    }

    /// How many messages there are in a mailbox, where that was told.
    pub fn messages(&self) -> Option<Messages> {
        self.messages
    }

    /// Takes in what is told of a telephone's features; gives all that is known of them.
    pub(super) fn switch(&mut self, told: Features) -> Features {
        self.dnd = told.dnd.or(self.dnd);
        self.features.take(told);
        self.features
    }

    /// Takes whether do-not-disturb is on, if that was told since.
    pub fn take_dnd(&mut self) -> Option<bool> {
        self.dnd.take()
    }

    /// Takes in how many that are, if the document says so.
    pub(super) fn count(&mut self, messages: Option<Messages>) {
        self.messages = messages;
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
        let mut rows = Rows::new();
        if order.partial {
            rows.clone_from(&self.rows);
            rows.rows.iter_mut().for_each(|row| row.fresh = false);
        }
        rows
    }

    /// Notes who is at the other end of a dialog, unless one that counts more says so too. Of two that count the same
    /// it is the one that was shown before, or else the first.
    pub(super) fn name(
        &self,
        heard: &mut Heard,
        id: u64,
        watched: Watched,
        party: impl FnOnce() -> Option<Party>,
    ) {
        let shown = self.party.as_ref().map(|named| named.id);
        let rank = |id, watched| (watched, Some(id) == shown);
        let counts = |named: &Named| rank(named.id, named.watched) < rank(id, watched);
        if heard.named.as_ref().is_none_or(counts)
            && let Some(party) = party()
        {
            heard.named = Some(Named { id, watched, party });
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
        self.settle_party(order, &rows, heard.named);
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

    /// What a partial document does not repeat did not change (RFC 4235 §4.1.6); a full one that names nobody knows of
    /// nobody.
    fn settle_party(&mut self, order: Order, rows: &Rows, named: Option<Named>) {
        let most = rows.most();
        let counts = |named: &Named| most.is_some() && rows.get(named.id) == most;
        let kept = self
            .party
            .take()
            .filter(|kept| order.partial && counts(kept));
        let named = named.filter(counts);
        self.party = match (kept, named) {
            (Some(kept), Some(named)) if kept.id != named.id => Some(kept),
            (kept, named) => named.or(kept),
        };
    }
}

impl Rows {
    const fn new() -> Rows {
        Rows {
            rows: Vec::new(),
            lost: false,
        }
    }

    /// One of perhaps several parts of that id in a document says this, or nothing any more: what counts most stands,
    /// whatever their order. What an earlier document said of it does not count.
    pub(super) fn merge(&mut self, id: u64, watched: Option<Watched>) {
        let fresh = self.rows.iter().find(|row| row.id == id && row.fresh);
        if fresh.map(|row| row.watched) < watched || fresh.is_none() {
            self.set(id, watched);
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
        let row = Row {
            id,
            watched,
            fresh: true,
        };
        if let Some(place) = place {
            self.rows[place] = row;
        } else if self.rows.push(row).is_err() {
            self.lost = true;
            // More parts than a lamp can count: keep the ones it would show.
            if let Some(least) = self.rows.iter_mut().min_by_key(|row| row.watched)
                && least.watched < watched
            {
                *least = row;
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

    fn get(&self, id: u64) -> Option<Watched> {
        let row = self.rows.iter().find(|row| row.id == id);
        row.map(|row| row.watched)
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
