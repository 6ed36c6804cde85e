//! The dialects in which servers are told of a presence, and which of them one speaks.
//!
//! RFC 3903 is one; what others make of it was read in their sources. An Asterisk takes nothing but the states of
//! devices, see [`device_state`](crate::wire::doc::device_state). A FreeSWITCH takes presence, and reads `closed` as a
//! phone that is not registered.

use crate::events::package::Package;
use crate::ground::limits::DEVICE;
use crate::ground::random::Secret;
use crate::ground::text::Text;
use crate::wire::sip::{Name, Response, Status};

/// How a server is told of a presence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// By PIDF (RFC 3856, 3863), as Kamailio, OpenSIPS and Flexisip take it.
    Presence,
    /// By the states of devices.
    Asterisk,
    /// By PIDF that is never closed.
    FreeSwitch,
}

/// What an Asterisk calls what it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Devices {
    /// The publication, which is the user of its Request-URI.
    pub publication: Text<DEVICE>,
    /// The device that is busy while its owner does not want to be disturbed; empty for none.
    pub dnd: Text<DEVICE>,
    /// The device that is in use during a call; empty for none.
    pub hook: Text<DEVICE>,
}

impl Dialect {
    /// The word in configurations and in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Dialect::Presence => "presence",
            Dialect::Asterisk => "asterisk",
            Dialect::FreeSwitch => "freeswitch",
        }
    }

    /// What a server gives away of itself: its name.
    pub(super) fn hinted(response: &Response<'_>) -> Option<Dialect> {
        let name = |name| response.headers.first(name);
        let name = name(Name::Server).or_else(|| name(Name::UserAgent))?;
        let known = NAMES.iter().find(|(it, _)| has_word(name, it));
        known.map(|(_, dialect)| *dialect)
    }

    /// The one to try at a server that does not take this one (and may not have said what it is). A FreeSWITCH takes
    /// what the others are told, too.
    const fn next(self) -> Dialect {
        match self {
            Dialect::Presence | Dialect::FreeSwitch => Dialect::Asterisk,
            Dialect::Asterisk => Dialect::Presence,
        }
    }
}

impl Devices {
    /// None has a name.
    pub const fn new() -> Devices {
        Devices {
            publication: Text::new(),
            dnd: Text::new(),
            hook: Text::new(),
        }
    }

    /// The names that a user's have without further words. Those of a very long name are empty.
    pub fn of_user(user: &str) -> Devices {
        let named = |prefix| {
            let mut name = Text::copied(prefix).unwrap_or_default();
            match name.push_str(user) {
                Ok(()) => name,
                Err(_) => Text::new(),
            }
        };
        Devices {
            publication: named(""),
            dnd: named("Custom:DND"),
            hook: named("Custom:HOOK"),
        }
    }

    /// Their names, in the order in which they are told; empty for none.
    pub(super) fn names(&self) -> [&str; DEVICES] {
        [&self.dnd, &self.hook]
    }
}

/// How many devices a presence is told by.
pub(super) const DEVICES: usize = 2;

/// Which dialect is spoken over a link: the one that is wanted, or one that the server seems to take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Choice {
    wanted: Option<Dialect>,
    /// The one that the server's name stands for.
    hint: Option<Dialect>,
    /// Whether it says that it keeps do-not-disturb itself, and tells of it.
    pub(super) has_features: bool,
    /// Whether the server refused another one before this.
    searched: bool,
    pub(super) spoken: Dialect,
}

impl Choice {
    pub(super) fn new(wanted: Option<Dialect>) -> Choice {
        Choice {
            wanted,
            hint: None,
            has_features: false,
            searched: false,
            spoken: wanted.unwrap_or(Dialect::Presence),
        }
    }

    /// Whether it was made for that wish.
    pub(super) fn is_wanted(&self, dialect: Option<Dialect>) -> bool {
        self.wanted == dialect
    }

    /// Takes in what the server gives away of itself. Whether another dialect is spoken from now on; one that `works` is
    /// not given up for a name.
    pub(super) fn hear(&mut self, response: &Response<'_>, works: bool) -> bool {
        let mut events = response.headers.values(Name::AllowEvents);
        self.has_features |= events.any(|it| it == Package::Features.name().as_bytes());
        let Some(hint) = Dialect::hinted(response).filter(|it| self.hint != Some(*it)) else {
            return false;
        };
        self.hint = Some(hint);
        self.searched = false;
        let turns = self.wanted.is_none() && !works && self.spoken != hint;
        if turns {
            self.spoken = hint;
        }
        turns
    }

    /// The server refuses what it is told. Whether there is another dialect to try at once: the one that this answer itself
    /// `turned` to, or the next; once it has refused all it is asked again in the first of them, later.
    pub(super) fn is_refused(&mut self, status: Status, turned: bool) -> bool {
        let lacks = matches!(status.code(), 405 | 415 | 489 | 501);
        if self.wanted.is_some() || !lacks || turned {
            return lacks && turned;
        }
        self.spoken = match self.searched {
            true => self.hint.unwrap_or(Dialect::Presence),
            false => self.spoken.next(),
        };
        self.searched = !self.searched;
        self.searched
    }

    /// The server takes what it is told.
    pub(super) const fn is_granted(&mut self) {
        self.searched = false;
    }
}

/// The instance as which we tell states of devices: the same after every restart, for an Asterisk believes each for ever.
/// Bit 1 says that nobody assigned it (RFC 9542 §2.1).
pub(super) fn entity(aor: &str) -> [u8; 6] {
    let hash = Secret::new().hasher().part(b"entity").part(aor.as_bytes());
    let [.., first, b, c, d, e, f] = hash.finish().to_be_bytes();
    [first & !1 | 2, b, c, d, e, f]
}

/// The words by which servers are known, in lower case.
const NAMES: [(&[u8], Dialect); 3] = [
    (b"asterisk", Dialect::Asterisk),
    (b"fpbx", Dialect::Asterisk),
    (b"freeswitch", Dialect::FreeSwitch),
];

fn has_word(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len())
        .any(|it| it.eq_ignore_ascii_case(word))
}
