//! What is carried over from published documents: which elements, in which order, under which ids.

use super::{Heard, Published};
use crate::events::package::presence::OWN_IDS;
use crate::events::presentity::Carried;
use crate::ground::limits::PUBLICATIONS_EACH;
use crate::ground::random::{Hashing, Secret};
use crate::ground::text::Text;
use crate::wire::doc::pidf::{self, Carry, Element, Kind, Uncarried};
use core::fmt::Write;
use heapless::Vec;

/// Elements with an id that are looked at; of more, the rest is left out. No more than these fit.
const IDS: usize = 160;

/// Elements that are carried, with those inside: our own reader takes 512 in a document, and we write 40 at most.
const ELEMENTS: usize = 448;

/// Names of person's elements that are told apart.
const NAMES: usize = 32;

/// Carries what fits; with `closed`, no service is open.
pub(super) fn carry(heard: &Heard<'_>, winner: Option<Published<'_>>, closed: bool) -> Carried {
    let mut carrier = Carrier {
        carried: Carried::new(),
        ids: Ids::of(heard, winner),
        elements: 0,
        full: false,
        closed,
    };
    carrier.all(heard, Kind::Tuple);
    carrier.carried.end_tuples();
    if let Some(winner) = winner {
        carrier.person(&winner);
    }
    carrier.carried.end_person();
    carrier.all(heard, Kind::Device);
    carrier.all(heard, Kind::Other);
    carrier.carried
}

struct Carrier {
    carried: Carried,
    ids: Ids,
    elements: usize,
    /// Something did not fit: what comes behind it matters less.
    full: bool,
    closed: bool,
}

impl Carrier {
    /// Every element of that kind, the newest document first.
    fn all(&mut self, heard: &Heard<'_>, kind: Kind) {
        for published in heard {
            if self.full || !self.ids.has(published.number, kind) {
                continue;
            }
            self.ids.begin(published.number, false);
            // It was read when it came.
            let _ = pidf::walk_again(published.document, &mut |element| {
                let id = self.ids.next(element);
                if element.kind == kind {
                    self.one(element, id);
                }
            });
        }
    }

    /// The extensions of the persons; of several persons' only the first of each name.
    fn person(&mut self, winner: &Published<'_>) {
        if self.full || !self.ids.has(winner.number, Kind::Person) {
            return;
        }
        let mut names: Vec<(u8, u64), NAMES> = Vec::new();
        self.ids.begin(winner.number, true);
        let _ = pidf::walk_persons(winner.document, &mut |person, element| {
            let id = self.ids.next(element);
            let name = hash(tag_name(element.raw).iter().map(|&it| char::from(it)));
            let is_known = |&(of, known): &(u8, u64)| known == name && of != person;
            if !names.iter().any(is_known) && names.push((person, name)).is_ok() {
                self.one(element, id);
            }
        });
    }

    fn one(&mut self, element: &Element<'_>, id: Id) {
        if self.full {
            return;
        }
        let suffix = match id {
            Id::None => Text::new(),
            Id::TooMany => return,
            Id::At(at) => self.ids.suffix(at, element),
        };
        let how = Carry {
            suffix: &suffix,
            closed: self.closed,
        };
        let room = ELEMENTS - self.elements;
        let mut elements = 0;
        let pushed = self.carried.push(|buf| {
            let copied = element.carry_to(how, buf)?;
            elements = copied.elements;
            match elements <= room {
                true => Ok(copied.len),
                false => Err(Uncarried::Full),
            }
        });
        match pushed {
            Ok(()) => self.elements += elements,
            Err(Uncarried::Unfit) => {}
            // Larger than all the room there is: the others need not go because of it.
            Err(Uncarried::Full) if self.carried.is_empty() => {}
            Err(Uncarried::Full) => self.full = true,
        }
    }
}

/// The id of an element that is looked at.
#[derive(Clone, Copy)]
enum Id {
    /// It has none.
    None,
    /// That one of the table.
    At(usize),
    /// The table has no place for it.
    TooMany,
}

/// The ids of all documents, those of the publications of low numbers first, so that it does not depend on what changed
/// last who has to give way.
struct Ids {
    all: Vec<Entry, IDS>,
    /// Ids that were made up.
    made: Vec<u64, IDS>,
    /// Where the ids of the document begin that is being walked, how many of them there are, and how far it is.
    at: usize,
    end: usize,
    /// Which kinds of elements each publication has.
    kinds: Vec<(u8, Kinds), { PUBLICATIONS_EACH }>,
}

#[derive(Clone, Copy)]
struct Entry {
    number: u8,
    is_in_person: bool,
    id: u64,
    /// Which of the ids made up for its like it got; 0 while it has its own.
    count: u16,
}

/// One bit for each kind.
type Kinds = u8;

impl Ids {
    fn of(heard: &Heard<'_>, winner: Option<Published<'_>>) -> Ids {
        let mut ids = Ids {
            all: Vec::new(),
            made: Vec::new(),
            at: 0,
            end: 0,
            kinds: Vec::new(),
        };
        for number in 1..=PUBLICATIONS_EACH as u8 {
            let published = heard.iter().find(|it| it.number == number);
            if let Some(published) = published {
                let is_winner = winner.is_some_and(|winner| winner.number == number);
                ids.take(published, is_winner);
            }
        }
        ids
    }

    /// Of the persons' elements only the winner's are carried.
    fn take(&mut self, published: &Published<'_>, is_winner: bool) {
        let number = published.number;
        let mut kinds = 0;
        let _ = pidf::walk_again(published.document, &mut |element| {
            kinds |= bit(element.kind);
            self.enter(number, false, element);
        });
        if is_winner && kinds & bit(Kind::Person) != 0 {
            let _ = pidf::walk_persons(published.document, &mut |_, element| {
                self.enter(number, true, element);
            });
        }
        let _ = self.kinds.push((number, kinds)); // There are no more publications than that.
    }

    fn enter(&mut self, number: u8, is_in_person: bool, element: &Element<'_>) {
        if let Some(id) = element.id {
            let _ = self.all.push(Entry {
                number,
                is_in_person,
                id: hash(id.chars()),
                count: 0,
            });
        }
    }

    fn has(&self, number: u8, kind: Kind) -> bool {
        let mut all = self.kinds.iter();
        all.any(|&(of, kinds)| of == number && kinds & bit(kind) != 0)
    }

    /// A walk through the document of that publication begins, or through its persons.
    fn begin(&mut self, number: u8, is_in_person: bool) {
        let is_its = |it: &Entry| it.number == number && it.is_in_person == is_in_person;
        self.at = self.all.iter().position(is_its).unwrap_or(self.all.len());
        let its = self.all[self.at..].iter().take_while(|it| is_its(it));
        self.end = self.at + its.count();
    }

    /// The id of the next element of the walk.
    fn next(&mut self, element: &Element<'_>) -> Id {
        if element.id.is_none() {
            return Id::None;
        }
        if self.at == self.end {
            return Id::TooMany;
        }
        self.at += 1;
        Id::At(self.at - 1)
    }

    /// What goes behind the id so that there is no other like it.
    fn suffix(&mut self, at: usize, element: &Element<'_>) -> Text<SUFFIX> {
        let mut suffix = Text::new();
        let Some(entry) = self.all.get(at).copied() else {
            return suffix;
        };
        let mut own = OWN_IDS.iter().map(|own| hash(own.chars()));
        let is_taken = own.any(|own| own == entry.id)
            || self.all[..at].iter().any(|it| it.id == entry.id)
            || self.made.contains(&entry.id);
        if !is_taken {
            return suffix;
        }
        let id = element.id.unwrap_or(crate::wire::doc::XmlText::EMPTY);
        // Those before it are taken.
        let likes = self.all.iter();
        let likes = likes.filter(|it| (it.number, it.id) == (entry.number, entry.id));
        let before = likes.map(|it| usize::from(it.count)).max().unwrap_or(0);
        for count in before + 1..=2 * IDS {
            suffix.clear();
            let _ = match count {
                1 => write!(suffix, ".{}", entry.number),
                count => write!(suffix, ".{}.{count}", entry.number),
            };
            let made = hash(id.chars().chain(suffix.chars()));
            let is_free = !self.all.iter().any(|it| it.id == made) && !self.made.contains(&made);
            if is_free {
                let _ = self.made.push(made); // As many as ids.
                self.all[at].count = count as u16;
                break;
            }
        }
        suffix
    }
}

/// A dot, a number of one digit, a dot and three digits.
const SUFFIX: usize = 8;

const _: () = assert!(PUBLICATIONS_EACH <= 99 && IDS * 2 <= 999);

const fn bit(kind: Kind) -> Kinds {
    match kind {
        Kind::Tuple => 1,
        Kind::Person => 2,
        Kind::Device => 4,
        Kind::Note => 8,
        Kind::Other => 16,
    }
}

/// Nobody gains by ids that collide: one of them gets a suffix that it would not need.
fn hash(chars: impl Iterator<Item = char>) -> u64 {
    let part = |hash: Hashing, char: char| hash.part(char.encode_utf8(&mut [0; 4]).as_bytes());
    chars.fold(Secret::new().hasher(), part).finish()
}

/// The name in a start tag, with its prefix.
fn tag_name(raw: &[u8]) -> &[u8] {
    let name = raw.get(1..).unwrap_or_default();
    let is_end = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'>' | b'/');
    &name[..name.iter().position(is_end).unwrap_or(name.len())]
}
