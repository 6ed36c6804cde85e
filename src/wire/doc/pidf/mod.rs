//! Presence information (RFC 3863) with persons and devices (RFC 4479) and activities (RFC 4480).
//!
//! [`read`] reduces any dialect to the [`Summary`] a lamp needs, [`walk`] shows the parts of a document to a
//! compositor, [`write()`] emits a [`Presence`], [`patch()`] makes a document that is kept another one.

mod activities;
mod carry;
mod diff;
mod gathered;
mod hide;
mod names;
mod patch;
mod read;
mod said;
mod walk;
mod write;
mod xpidf;

pub use activities::Activities;
pub use carry::{Carry, Copied, Uncarried};
pub use diff::{write_diff, write_full};
pub use hide::{Topics, pieces};
pub use patch::{Kept, Unfit, keep, patch, read_head};
pub use read::read;
pub use said::Said;
pub use walk::{Element, Kind, walk, walk_again, walk_persons};
pub use write::write;

use crate::ground::limits;
use crate::ground::time::Utc;

/// Whether a service takes communication (RFC 3863 §4.1.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basic {
    /// It does.
    Open,
    /// It does not.
    Closed,
}

impl Basic {
    /// The value in a document.
    pub const fn as_str(self) -> &'static str {
        match self {
            Basic::Open => "open",
            Basic::Closed => "closed",
        }
    }
}

/// A note for people, cut to [`limits::NOTE`] bytes.
pub type Note = heapless::String<{ limits::NOTE }>;

/// The language of a note, as RFC 5646 spells it; empty where none is named, and for a longer one.
pub type Lang = heapless::String<{ limits::LANG }>;

/// What a lamp needs to know, from any dialect of PIDF or xpidf.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Open if any tuple is open; `None` if no tuple says anything understood.
    pub basic: Option<Basic>,
    /// The activities of all persons together.
    pub activities: Activities,
    /// The state that notes tell in a word, wherever they stand.
    pub said: Option<Said>,
    /// The person's note, or the presentity's, or a tuple's; empty without one.
    pub note: Note,
    /// The language of the note.
    pub lang: Lang,
    /// How many tuples (or xpidf addresses) the document has; 255 means that many or more.
    pub tuples: u8,
}

impl Summary {
    /// Nothing known.
    pub const fn new() -> Summary {
        Summary {
            basic: None,
            activities: Activities::NONE,
            said: None,
            note: Note::new(),
            lang: Lang::new(),
            tuples: 0,
        }
    }
}

/// A document to write.
#[derive(Clone, Copy, Debug)]
pub struct Presence<'a> {
    /// The presentity's URI.
    pub entity: &'a str,
    /// Its services.
    pub tuples: &'a [Tuple<'a>],
    /// The human being.
    pub person: Option<Person<'a>>,
    /// Its devices.
    pub devices: &'a [Device<'a>],
    /// A note for persons that have none of their own (RFC 4479 §5).
    pub note: Option<&'a str>,
    /// The language of all notes in the document, as RFC 5646 spells it.
    pub lang: Option<&'a str>,
    /// Elements of other documents.
    pub carried: Carried<'a>,
}

/// Elements of other documents, as [`Element::carry_to`] has written them, ids unique.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Carried<'a> {
    /// Services.
    pub tuples: &'a [u8],
    /// Children of the person.
    pub person: &'a [u8],
    /// Devices, then extensions.
    pub others: &'a [u8],
    /// What of all that is left out.
    pub hidden: Topics,
}

impl Carried<'_> {
    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.tuples.is_empty() && self.person.is_empty() && self.others.is_empty()
    }

    /// None.
    pub const NONE: Carried<'static> = Carried {
        tuples: &[],
        person: &[],
        others: &[],
        hidden: Topics::NONE,
    };
}

/// A service (RFC 3863 §4.1.2).
#[derive(Clone, Copy, Debug)]
pub struct Tuple<'a> {
    /// Unique in the document, persons and devices included; an XML name.
    pub id: &'a str,
    /// Its state.
    pub basic: Option<Basic>,
    /// Where it is reached.
    pub contact: Option<&'a str>,
    /// The contact's priority in thousandths, 0 to 1000 (RFC 3863 §4.1.5); a larger one is not written.
    pub priority: Option<u16>,
    /// A note for people.
    pub note: Option<&'a str>,
    /// The URN of the device it runs on (RFC 4479 §3.5).
    pub device_id: Option<&'a str>,
    /// When it last changed.
    pub timestamp: Option<Utc>,
}

/// A person (RFC 4479 §3.3).
#[derive(Clone, Copy, Debug)]
pub struct Person<'a> {
    /// Unique in the document.
    pub id: &'a str,
    /// What the person does.
    pub activities: Activities,
    /// A note for people.
    pub note: Option<&'a str>,
    /// When it last changed.
    pub timestamp: Option<Utc>,
}

/// A device (RFC 4479 §3.5).
#[derive(Clone, Copy, Debug)]
pub struct Device<'a> {
    /// Unique in the document.
    pub id: &'a str,
    /// Whether nobody has touched it for a while (RFC 4480 §3.11).
    pub idle: Option<bool>,
    /// Its URN.
    pub device_id: &'a str,
    /// A note for people.
    pub note: Option<&'a str>,
    /// When it last changed.
    pub timestamp: Option<Utc>,
}
