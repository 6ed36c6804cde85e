//! What a presence document says, gathered part by part from any dialect.

use super::{Activities, Basic, Note, Summary};
use crate::wire::doc::XmlText;

/// What a document says so far.
#[derive(Default)]
pub(super) struct Gathered<'a> {
    basic: Option<Basic>,
    activities: Activities,
    person_note: Option<XmlText<'a>>,
    pub(super) presence_note: Option<XmlText<'a>>,
    tuple_note: Option<XmlText<'a>>,
    tuples: usize,
    contacts: usize,
}

impl<'a> Gathered<'a> {
    /// Takes over a finished tuple.
    pub(super) fn add_tuple(&mut self, tuple: &Part<'a>) {
        self.tuples += 1;
        if tuple.void {
            return;
        }
        self.contacts += usize::from(tuple.contact);
        self.basic = open_first(self.basic, tuple.basic);
        self.activities = self.activities.with(tuple.activities);
        self.tuple_note = self.tuple_note.or(tuple.note);
    }

    /// Takes over a finished person.
    pub(super) fn add_person(&mut self, person: &Part<'a>) {
        if person.void {
            return;
        }
        self.activities = self.activities.with(person.activities);
        self.person_note = self.person_note.or(person.note);
    }

    /// All of it, as a lamp needs it.
    pub(super) fn summary(&self) -> Summary {
        let note = self.person_note.or(self.presence_note).or(self.tuple_note);
        Summary {
            basic: self.basic,
            activities: self.activities,
            note: note.map_or(Note::new(), |note| note.cut()),
            tuples: self.tuples.min(usize::from(u8::MAX)) as u8,
            contacts: self.contacts.min(usize::from(u8::MAX)) as u8,
        }
    }
}

/// A tuple, a person, or the status inside one of them.
#[derive(Clone, Copy, Default)]
pub(super) struct Part<'a> {
    pub(super) basic: Option<Basic>,
    pub(super) activities: Activities,
    pub(super) contact: bool,
    pub(super) note: Option<XmlText<'a>>,
    /// Something in it had to be understood and was not.
    pub(super) void: bool,
}

impl<'a> Part<'a> {
    /// Takes over a finished status.
    pub(super) fn add_status(&mut self, status: &Part<'a>) {
        if status.void {
            return;
        }
        self.basic = open_first(self.basic, status.basic);
        self.activities = self.activities.with(status.activities);
        self.note = self.note.or(status.note);
    }
}

/// Open if either is.
pub(super) fn open_first(a: Option<Basic>, b: Option<Basic>) -> Option<Basic> {
    match (a, b) {
        (Some(Basic::Open), _) | (_, Some(Basic::Open)) => Some(Basic::Open),
        (Some(Basic::Closed), _) | (_, Some(Basic::Closed)) => Some(Basic::Closed),
        (None, None) => None,
    }
}
