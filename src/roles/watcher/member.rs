//! Members of lists: what a list says of one resource. Read RFC 4662 §5.5 first.
//!
//! ```text
//!   what the list says of it                    what is known then
//!   an active instance, with a document         what that tells, by the rules of its package
//!   without one                                 the server knows no state
//!   with one that is not in the body            the same as before
//!   pending, or no instance                     nothing
//!   terminated, noresource                      it is not there
//!   terminated for another reason               nothing: the list's server sees to it
//!   nothing at all, in a list of everybody      nothing
//! ```
//!
//! Of several instances the one that a lamp must not miss counts. A list on the list is not looked into.

use super::WatchId;
use crate::events::package::{Memory, Package, Reading};
use crate::events::party::Party;
use crate::events::watched::Watched;
use crate::wire::doc::XmlText;
use crate::wire::doc::message_summary::Messages;
use crate::wire::doc::multipart::Parts;
use crate::wire::doc::rlmi::{Instance, Resource, State};
use crate::wire::sip::MediaType;

/// How a resource stands on its list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The list did not name it.
    Unlisted,
    /// It is on the list, and nothing was told of it yet.
    Untold,
    /// Its owner has not decided.
    Pending,
    /// It is told.
    Active,
    /// Nothing more is told, for that reason.
    Ended(&'static str),
    /// It is a list itself, which is not looked into.
    Nested,
    /// What was told of it can't be read.
    Unreadable,
}

impl Standing {
    /// The word for it, in JSON and for people.
    pub const fn name(self) -> &'static str {
        match self {
            Standing::Unlisted => "unlisted",
            Standing::Untold => "untold",
            Standing::Pending => "pending",
            Standing::Active => "active",
            Standing::Ended(_) => "terminated",
            Standing::Nested => "nested",
            Standing::Unreadable => "unreadable",
        }
    }
}

/// Whoever is told by a list.
#[derive(Clone, Copy)]
pub(super) struct Member {
    pub(super) list: Option<WatchId>,
    pub(super) standing: Standing,
}

/// What a list told of a member.
pub struct Record {
    memory: Memory,
    /// A hash of the name of the notifier that the memory is of.
    instance: u64,
}

/// What one notifier of a resource says.
#[derive(Clone, Copy)]
pub(super) struct Word {
    pub(super) watched: Option<Watched>,
    pub(super) standing: Standing,
    /// Whether a document before it is missing, and whether what is known is in doubt for that.
    pub(super) gap: bool,
    pub(super) doubt: bool,
}

impl Member {
    /// Nothing was told yet.
    pub(super) const fn of(list: Option<WatchId>) -> Member {
        Member {
            list,
            standing: Standing::Unlisted,
        }
    }
}

impl Record {
    pub(super) const fn new() -> Record {
        Record {
            memory: Memory::new(),
            instance: 0,
        }
    }

    /// The other party of the call that is shown.
    pub(super) fn party(&self, watched: Watched) -> Option<&Party> {
        let is_shown = self.memory.watched() == watched;
        self.memory.party().filter(|_| is_shown)
    }

    /// How many messages wait, where that was told.
    pub(super) fn messages(&self) -> Option<Messages> {
        self.memory.messages()
    }

    /// What counts most of what the notifiers of a resource say.
    pub(super) fn hear(
        &mut self,
        package: Package,
        known: Option<Watched>,
        resource: &Resource<'_>,
        parts: &Parts<'_>,
        believes: bool,
    ) -> Word {
        let is_only = resource.instances.len() == 1;
        let mut most = Word::nothing(Standing::Untold);
        for (at, instance) in resource.instances.iter().enumerate() {
            let mut word = match instance.state {
                Some(State::Active) | None => self.read(package, known, instance, parts, is_only),
                Some(State::Pending) => Word::nothing(Standing::Pending),
                Some(State::Terminated) => Word::end(instance.reason),
            };
            if word.doubt && believes {
                word.doubt = false;
            }
            most.gap |= word.gap;
            if at == 0 || word.watched > most.watched {
                most = Word {
                    gap: most.gap,
                    ..word
                };
            }
        }
        most
    }

    /// Reads the document of an active notifier.
    fn read(
        &mut self,
        package: Package,
        known: Option<Watched>,
        instance: &Instance<'_>,
        parts: &Parts<'_>,
        is_only: bool,
    ) -> Word {
        let stateless = package.spec().stateless;
        let Some(cid) = instance.cid.and_then(|cid| cid.copy::<CID>()) else {
            return Word::told(stateless);
        };
        let Some(part) = parts.named(cid.as_bytes()) else {
            return Word::told(known);
        };
        if part.body.trim_ascii().is_empty() {
            return Word::told(stateless);
        }
        match Kind::of(package, part.media) {
            Kind::Package if !part.is_encoded => {}
            Kind::Package | Kind::Foreign => return Word::nothing(Standing::Unreadable),
            Kind::Parts => return Word::nothing(Standing::Nested),
        }
        let name = instance.id.map_or(0, hash);
        let mut other = Memory::new();
        let memory = match name == self.instance || is_only {
            true => {
                if core::mem::replace(&mut self.instance, name) != name {
                    self.memory = Memory::new();
                }
                &mut self.memory
            }
            false => &mut other,
        };
        match (package.spec().read)(memory, part.body) {
            Ok(Reading::State(watched)) => Word::told(Some(watched)),
            Ok(Reading::Stale) => Word::told(known),
            Ok(Reading::Gap(watched)) => Word {
                gap: true,
                ..Word::told(Some(watched))
            },
            // Until the full document is there, the lamp says what it said, for its grace.
            Ok(Reading::Hole(watched)) => Word {
                gap: true,
                doubt: true,
                ..Word::told(known.or(Some(watched)))
            },
            // A list is not asked for parts of documents.
            Ok(Reading::Lost) | Err(_) => Word::nothing(Standing::Unreadable),
        }
    }
}

impl Word {
    const fn told(watched: Option<Watched>) -> Word {
        Word {
            watched,
            standing: match watched {
                Some(_) => Standing::Active,
                None => Standing::Untold,
            },
            gap: false,
            doubt: false,
        }
    }

    const fn nothing(standing: Standing) -> Word {
        Word {
            watched: None,
            standing,
            gap: false,
            doubt: false,
        }
    }

    /// It is over; what that says of the resource, RFC 6665 §4.1.3 has.
    fn end(reason: Option<XmlText<'_>>) -> Word {
        let known = REASONS
            .iter()
            .find(|known| reason.is_some_and(|it| it.is(known)));
        let reason = known.copied().unwrap_or("terminated");
        Word {
            watched: (reason == "noresource").then_some(Watched::Offline),
            ..Word::nothing(Standing::Ended(reason))
        }
    }
}

/// What the part is that a document should stand in.
enum Kind {
    /// A document of the package; one without a type is taken for that.
    Package,
    /// Several parts.
    Parts,
    /// Anything else.
    Foreign,
}

impl Kind {
    fn of(package: Package, media: Option<&[u8]>) -> Kind {
        let media = match media.map(MediaType::parse) {
            None => return Kind::Package,
            Some(Err(_)) => return Kind::Foreign,
            Some(Ok(media)) => media,
        };
        let spec = package.spec();
        let mut bodies = spec.bodies.iter().chain(spec.also_read);
        if bodies.any(|body| media.matches(body.kind, body.subtype)) {
            Kind::Package
        } else if media.kind.eq_ignore_ascii_case(b"multipart") {
            Kind::Parts
        } else {
            Kind::Foreign
        }
    }
}

/// Bytes of a part's name. A longer one is that of no part.
const CID: usize = 256;

/// The reasons there are (RFC 6665 §4.1.3).
const REASONS: [&str; 8] = [
    "deactivated",
    "timeout",
    "probation",
    "giveup",
    "rejected",
    "noresource",
    "invariant",
    "badfilter",
];

/// FNV-1a: names come from the one server we subscribed to.
fn hash(name: XmlText<'_>) -> u64 {
    name.chars().fold(0xcbf2_9ce4_8422_2325, |hash, char| {
        (hash ^ u64::from(char)).wrapping_mul(0x0100_0000_01b3)
    })
}
