//! The composed presence of a presentity: the content of one PIDF document.

use crate::ground::limits;
use crate::ground::text::Text;
use crate::wire::doc::pidf::{self, Activities, Basic};
use heapless::Vec;

/// What the `presence` package tells: the content of one PIDF document (RFC 3863, 4479, 4480).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presence {
    /// Whether the presentity takes calls, on any of its services.
    pub basic: Basic,
    /// Whether it does on the service that we tell of ourselves; `None` where others tell of all there are.
    pub service: Option<Basic>,
    /// What the person does.
    pub activities: Activities,
    /// What the person, or the agent for it, says.
    pub note: Text<{ limits::NOTE }>,
    /// The language of that, where somebody named it.
    pub lang: pidf::Lang,
    /// Whether the person has been away from the device for long (RFC 4480 §3.11).
    pub idle: bool,
    /// Whether the presentity is offline: its phone should be registered, and is not.
    pub gone: bool,
    /// What others published.
    pub carried: Carried,
}

/// Elements of published documents, one behind the other: services, then what belongs into the person, then devices and
/// extensions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Carried {
    bytes: Vec<u8, { limits::CARRIED }>,
    /// Where the services end.
    tuples: u16,
    /// Where the person's elements end.
    person: u16,
}

impl Presence {
    /// Closed and silent, and nothing more is known.
    pub fn closed() -> Presence {
        Presence {
            basic: Basic::Closed,
            service: Some(Basic::Closed),
            ..Presence::new()
        }
    }

    /// Open, idle and silent.
    pub const fn new() -> Presence {
        Presence {
            basic: Basic::Open,
            service: Some(Basic::Open),
            activities: Activities::NONE,
            note: Text::new(),
            lang: pidf::Lang::new(),
            idle: false,
            gone: false,
            carried: Carried::new(),
        }
    }

    /// Whether the presentity does not want to be disturbed.
    pub fn refuses(&self) -> bool {
        self.basic == Basic::Closed && self.activities.contains(Activities::BUSY) && !self.gone
    }

    /// Whether it is in a call.
    pub fn is_on_the_phone(&self) -> bool {
        self.activities.contains(Activities::ON_THE_PHONE)
    }
}

impl Carried {
    /// Nothing.
    pub const fn new() -> Carried {
        Carried {
            bytes: Vec::new(),
            tuples: 0,
            person: 0,
        }
    }

    /// Puts one more element at the end: `write` gets the room that is left, and says how much it took.
    ///
    /// # Errors
    /// What `write` says; nothing was added then.
    pub fn push<E>(&mut self, write: impl FnOnce(&mut [u8]) -> Result<usize, E>) -> Result<(), E> {
        let before = self.bytes.len();
        let _ = self.bytes.resize(limits::CARRIED, 0); // That is its capacity.
        let written = write(&mut self.bytes[before..]);
        let len = before + written.as_ref().map_or(0, |&len| len);
        self.bytes.truncate(len);
        written.map(|_| ())
    }

    /// What comes now belongs into the person.
    pub fn end_tuples(&mut self) {
        self.tuples = self.bytes.len() as u16;
        self.person = self.tuples;
    }

    /// What comes now stands behind the person.
    pub fn end_person(&mut self) {
        self.person = self.bytes.len() as u16;
    }

    /// Whether there is no service in it.
    pub const fn has_no_tuple(&self) -> bool {
        self.tuples == 0
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The three parts.
    pub fn parts(&self) -> pidf::Carried<'_> {
        let (tuples, rest) = self.bytes.split_at(usize::from(self.tuples));
        let (person, others) = rest.split_at(usize::from(self.person - self.tuples));
        pidf::Carried {
            tuples,
            person,
            others,
            hidden: pidf::Topics::NONE,
        }
    }
}

const _: () = assert!(limits::CARRIED <= u16::MAX as usize);

impl Default for Presence {
    fn default() -> Presence {
        Presence::new()
    }
}
