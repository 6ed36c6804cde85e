//! The event packages we speak: a closed set. A new one is a file beside these and a line in the list below.

mod audience;
mod dialog;
mod memory;
pub mod presence;
mod summary;
#[cfg(test)]
mod tests;
mod winfo;

pub use audience::{Audience, Scene};
pub use memory::{Memory, Reading};

use super::presentity::Presentity;
use crate::ground::time::{Duration, Seconds};
use crate::wire::doc::xml::Fault;
use crate::wire::sip::Event;

/// Makes the enum, its list and its descriptions of one list of lines.
macro_rules! packages {
    (
        served { $($(#[$doc:meta])* $name:ident in $file:ident,)* }
        watched { $($(#[$other_doc:meta])* $other:ident in $other_file:ident,)* }
    ) => {
        /// An event package (RFC 6665 §5).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Package {
            $($(#[$doc])* $name,)*
            $($(#[$other_doc])* $other,)*
        }

        impl Package {
            /// Every package: those we serve, then those we only watch.
            pub const ALL: &'static [Package] = &[$(Package::$name,)* $(Package::$other,)*];

            /// The packages we serve, those of Allow-Events in its order. A number of one, as in `package as usize`,
            /// is its place here.
            pub const SERVED: &'static [Package] = &[$(Package::$name,)*];

            /// What is particular to the package.
            pub const fn spec(self) -> &'static Spec {
                match self {
                    $(Package::$name => &$file::SPEC,)*
                    $(Package::$other => &$other_file::SPEC,)*
                }
            }
        }
    };
}

packages! {
    served {
        /// `presence` (RFC 3856).
        Presence in presence,
        /// `dialog` (RFC 4235).
        Dialog in dialog,
        /// `presence.winfo` (RFC 3857): who watches the presence.
        PresenceWinfo in winfo,
    }
    watched {
        /// `message-summary` (RFC 3842): whether messages wait.
        MessageSummary in summary,
    }
}

/// What tells one package from another.
pub struct Spec {
    /// The event type; compared byte by byte (RFC 6665 §8.2.1).
    pub name: &'static str,
    /// The lifetime of a subscription that names none.
    pub expires: Seconds,
    /// The body types we write, the package's default first. All of them are read.
    pub bodies: &'static [MediaType],
    /// Whether a forked SUBSCRIBE may end in several subscriptions, whose states are merged (S21, D16).
    pub several_notifiers: bool,
    /// Takes in a document that a notifier sent.
    pub read: fn(&mut Memory, &[u8]) -> Result<Reading, Fault>,
    // What follows is of use only where we serve the package.
    /// The package whose watchers this one tells of (RFC 3857): a template-package, for the owner alone.
    pub watchers_of: Option<Package>,
    /// Whether [`Told`] matters: a later document may carry the changes alone.
    pub partial: bool,
    /// How often changes are told unless the configuration says otherwise.
    pub pace: Pace,
    /// Whether the Event asks for a part of the state that we keep no track of; such a subscription ends at once.
    pub narrows: fn(&Event<'_>) -> bool,
    /// A number that changes with what the package tells of a presentity. Never 0. Of no use where it tells of
    /// watchers.
    pub revision: fn(&Presentity) -> u32,
    /// Writes the document.
    pub write: fn(&Scene<'_>, Told, &mut [u8]) -> Option<Body>,
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

/// A media type, in lower case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MediaType {
    /// The part before the slash.
    pub kind: &'static str,
    /// The part after it.
    pub subtype: &'static str,
    /// Both.
    pub text: &'static str,
}

/// What the watcher a document is for knows already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
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
    /// Where the subscription's own version number goes, if the format has one (D02).
    pub version_at: Option<usize>,
}

impl Package {
    /// How many packages we serve.
    pub const SERVED_COUNT: usize = Package::SERVED.len();

    /// The package of an Event header; case counts (N05).
    pub fn from_name(name: &[u8]) -> Option<Package> {
        Package::ALL
            .iter()
            .copied()
            .find(|package| package.name().as_bytes() == name)
    }

    /// The names of all, in that order.
    pub const NAMES: [&'static str; Package::ALL.len()] = {
        let mut names = [""; Package::ALL.len()];
        let mut at = 0;
        while at < names.len() {
            names[at] = Package::ALL[at].name();
            at += 1;
        }
        names
    };

    /// The names of those we serve, in that order.
    pub const fn served_names() -> &'static [&'static str] {
        Package::NAMES.split_at(Package::SERVED_COUNT).0
    }

    /// The package we serve that tells of the watchers of this one.
    pub const fn winfo(self) -> Option<Package> {
        WINFO[self as usize]
    }

    /// Whether we serve it.
    pub const fn is_served(self) -> bool {
        (self as usize) < Package::SERVED_COUNT
    }

    /// The event type.
    pub const fn name(self) -> &'static str {
        self.spec().name
    }
}

impl Pace {
    /// Every change at once.
    pub const UNLIMITED: Pace = Pace {
        burst: 0,
        interval: Duration::ZERO,
    };
}

/// What [`Package::winfo`] says of each.
const WINFO: [Option<Package>; Package::ALL.len()] = {
    let mut winfo = [None; Package::ALL.len()];
    let mut at = 0;
    while at < Package::SERVED_COUNT {
        if let Some(package) = Package::SERVED[at].spec().watchers_of {
            winfo[package as usize] = Some(Package::SERVED[at]);
        }
        at += 1;
    }
    winfo
};
