//! What tells one event package from another (RFC 6665 §5.4).

use super::audience::Scene;
use super::document::Document;
use super::memory::{Memory, Reading};
use crate::events::presentity::Presentity;
use crate::events::ruling::View;
use crate::events::watched::Watched;
use crate::ground::time::{Duration, Seconds};
use crate::wire::doc::Fault;
use crate::wire::sip::Event;

/// What tells one package from another. Each is watched; what more is done with it, it says itself.
pub struct Spec {
    /// The event type, compared byte by byte (RFC 6665 §8.2.1); also the word in configurations and on the command
    /// line.
    pub name: &'static str,
    /// The lifetime of a subscription that names none.
    pub expires: Seconds,
    /// The body types that are read and, where the package is served, written; its default first.
    pub bodies: &'static [BodyType],
    /// Body types that are read besides, of servers that know no better.
    pub also_read: &'static [BodyType],
    /// Whether a forked SUBSCRIBE may end in several subscriptions, whose states are merged (RFC 6665 §5.4.9).
    pub several_notifiers: bool,
    /// The event type whose watchers this one tells of (RFC 3857): a template-package, for the owner alone.
    pub watchers_of: Option<&'static str>,
    /// What a lamp is for that watches it.
    pub lamp: LampKind,
    /// What it means when the notifier has nothing to tell although it is asked: it knows no state (RFC 6665 §4.2.1.2).
    /// `None` where that leaves everything open.
    pub stateless: Option<Watched>,
    /// Takes in a document that a notifier sent.
    pub read: fn(&mut Memory, &[u8]) -> Result<Reading, Fault>,
    /// How it is served; `None` if others do that.
    pub served: Option<Served>,
    /// Whether its state can be published to us (RFC 3903).
    pub published: bool,
}

/// What is particular to a package that we serve.
pub struct Served {
    /// Whether nobody but the presentity itself is told: whoever has proven to be it, or names it from a trusted network.
    pub private: bool,
    /// Whether a SUBSCRIBE may ask for a change, in a body of the package's own type.
    pub switched: bool,
    /// Whether [`Baseline`] matters: a later document may carry the changes alone.
    pub partial: bool,
    /// How often changes are told unless the configuration says otherwise.
    pub pace: Pace,
    /// Whether the Event asks for a part of the state that we keep no track of; such a subscription ends at once.
    pub narrows: fn(&Event<'_>) -> bool,
    /// What the package makes of a view: those that show the same in it are one.
    pub discerns: fn(View) -> View,
    /// A number that changes with what the package tells of a presentity in a view that it discerns. Never 0. Of no use
    /// where it tells of watchers.
    pub revision: fn(&Presentity, View) -> u32,
    /// Writes the document.
    pub write: fn(&Scene<'_>, Baseline, &mut [u8]) -> Option<Body>,
    /// How its documents are told in part to those who ask for that, if the format itself cannot.
    pub patched: Option<Patched>,
}

/// A format that tells documents in full, with a number, or as what is different from the one before.
pub struct Patched {
    /// Its body type; its number is that behind the last of [`Spec::bodies`].
    pub body: BodyType,
    /// Tells a document in full.
    pub full: fn(&[u8], &mut [u8]) -> Option<Body>,
    /// Tells what makes the second document of the first; `None` where that is better told in full.
    pub diff: Diff,
    /// Takes in either of them.
    pub read: fn(&mut Document, &mut Memory, &[u8]) -> Result<Reading, Fault>,
}

/// Writes what is different between two documents.
pub type Diff = fn(&[u8], &[u8], &mut [u8]) -> Option<Body>;

impl Spec {
    /// The body type of that number: one of [`Spec::bodies`], or the one behind them that is patched.
    pub fn body_type(&self, number: u8) -> Option<&BodyType> {
        if let Some(plain) = self.bodies.get(usize::from(number)) {
            return Some(plain);
        }
        let patched = self.patched()?;
        self.is_patched(number).then_some(&patched.body)
    }

    /// How its documents are told in part.
    pub const fn patched(&self) -> Option<&Patched> {
        match &self.served {
            Some(served) => served.patched.as_ref(),
            None => None,
        }
    }

    /// Whether that is the number of the one that is patched.
    pub const fn is_patched(&self, number: u8) -> bool {
        number as usize == self.bodies.len()
    }
}

/// What a lamp is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LampKind {
    /// It shows how somebody is, and is lit while all is well.
    Status,
    /// It calls its owner, and is dark while nothing waits.
    Calling,
}

/// A media type that a body may have, in lower case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyType {
    /// The part before the slash.
    pub kind: &'static str,
    /// The part after it.
    pub subtype: &'static str,
    /// Both.
    pub text: &'static str,
}

/// How often the changes of one presentity are told in one package: a burst at once, then one an interval
/// (RFC 3856 §6.10, 4235 §3.10).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Changes told at once before the interval counts; 0 tells every change at once, always.
    pub burst: u8,
    /// The interval in which one more is told.
    pub interval: Duration,
}

/// What the watcher a document is for knows already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Baseline {
    /// Nothing, or it asked: the document is full.
    Nothing,
    /// Everything up to this revision.
    Until(u32),
}

/// A document written into a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Body {
    /// Bytes written.
    pub len: usize,
    /// Where the subscription's own version number goes, if the format has one (RFC 4235 §4.1).
    pub version_at: Option<usize>,
}

impl BodyType {
    /// The type `kind/subtype`.
    ///
    /// # Panics
    /// Without a slash; at compile time, where it is a constant.
    pub const fn new(text: &'static str) -> BodyType {
        let mut slash = 0;
        while text.as_bytes()[slash] != b'/' {
            slash += 1;
        }
        BodyType {
            kind: text.split_at(slash).0,
            subtype: text.split_at(slash + 1).1,
            text,
        }
    }
}

impl Pace {
    /// Every change at once.
    pub const UNLIMITED: Pace = Pace {
        burst: 0,
        interval: Duration::ZERO,
    };
}
