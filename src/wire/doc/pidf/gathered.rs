//! What a presence document says, gathered part by part from any dialect.

use super::{Activities, Basic, Note, Said, Summary};
use crate::wire::doc::XmlText;

/// What a document says so far.
#[derive(Default)]
pub(super) struct Gathered<'a> {
    basic: Option<Basic>,
    activities: Activities,
    /// What notes say in a word, each by itself: those of the tuples, and all others.
    service: Option<Said>,
    person: Option<Said>,
    /// Whether a tuple is open and says nothing else, or says in a word that it is.
    is_free: bool,
    person_note: Option<Noted<'a>>,
    presence_note: Option<Noted<'a>>,
    tuple_note: Option<Noted<'a>>,
    tuples: usize,
}

/// A note, and the language it is in.
#[derive(Clone, Copy)]
struct Noted<'a> {
    text: XmlText<'a>,
    lang: Option<XmlText<'a>>,
}

impl<'a> Gathered<'a> {
    /// Takes over a finished tuple.
    pub(super) fn add_tuple(&mut self, tuple: &Part<'a>) {
        self.tuples += 1;
        if tuple.void {
            return;
        }
        self.basic = open_first(self.basic, tuple.basic);
        self.activities = self.activities.with(tuple.activities);
        self.service = self.service.max(tuple.said);
        self.is_free |= match tuple.said {
            Some(said) => said == Said::Free,
            None => tuple.basic == Some(Basic::Open),
        };
        self.tuple_note = self.tuple_note.or(tuple.note);
    }

    /// Takes over a finished person.
    pub(super) fn add_person(&mut self, person: &Part<'a>) {
        if person.void {
            return;
        }
        self.activities = self.activities.with(person.activities);
        self.person = self.person.max(person.said);
        self.person_note = self.person_note.or(person.note);
    }

    /// Takes over a note of the presentity.
    pub(super) fn add_note(&mut self, text: XmlText<'a>, lang: Option<XmlText<'a>>) {
        self.person = self.person.max(Said::of(text));
        self.presence_note = Noted::first(self.presence_note, text, lang);
    }

    /// All of it, as a lamp needs it.
    pub(super) fn summary(&self) -> Summary {
        let note = self.person_note.or(self.presence_note).or(self.tuple_note);
        let lang = note.and_then(|note| note.lang);
        Summary {
            basic: self.basic,
            activities: self.activities,
            said: self.said(),
            note: note.map_or(Note::new(), |note| note.text.cut()),
            lang: lang.and_then(|lang| lang.copy()).unwrap_or_default(),
            tuples: self.tuples.min(usize::from(u8::MAX)) as u8,
        }
    }

    /// What all the words come to: the one that says most. But that somebody is offline, or wants no calls, at one
    /// service counts for nothing while another takes them; and who is at none of them is not there, whatever else is
    /// noted.
    fn said(&self) -> Option<Said> {
        let service = match self.service {
            Some(Said::Offline | Said::Refuses) if self.is_free => Some(Said::Free),
            Some(Said::Offline) => return self.service,
            said => said,
        };
        self.person.max(service)
    }
}

impl<'a> Noted<'a> {
    /// Of several notes (one for each language) the first that says something.
    fn first(
        before: Option<Noted<'a>>,
        text: XmlText<'a>,
        lang: Option<XmlText<'a>>,
    ) -> Option<Noted<'a>> {
        before.or_else(|| (!text.is_empty()).then_some(Noted { text, lang }))
    }
}

/// A tuple, a person, or the status inside one of them.
#[derive(Clone, Copy, Default)]
pub(super) struct Part<'a> {
    pub(super) basic: Option<Basic>,
    pub(super) activities: Activities,
    pub(super) said: Option<Said>,
    note: Option<Noted<'a>>,
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
        self.said = self.said.max(status.said);
        self.note = self.note.or(status.note);
    }

    /// Takes over a note.
    pub(super) fn add_note(&mut self, text: XmlText<'a>, lang: Option<XmlText<'a>>) {
        self.add_word(text);
        self.note = Noted::first(self.note, text, lang);
    }

    /// Takes over what may be a word.
    pub(super) fn add_word(&mut self, text: XmlText<'a>) {
        self.said = self.said.max(Said::of(text));
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
