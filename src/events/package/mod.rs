//! The event packages we speak: a closed set. A new one is a file beside these and a line in the list below.

mod audience;
pub mod dialog;
mod document;
mod features;
mod memory;
mod message_summary;
pub mod presence;
mod spec;
#[cfg(test)]
mod tests;
mod winfo;

pub use audience::{Audience, Scene};
pub use document::Document;
pub use memory::{Memory, Reading};
pub use spec::{Baseline, Body, BodyType, LampKind, Pace, Patched, Served, Spec};

/// Makes the enum, its list and its descriptions of one list of lines.
macro_rules! packages {
    ($($(#[$doc:meta])* $name:ident in $file:ident,)*) => {
        /// An event package (RFC 6665 §5).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Package {
            $($(#[$doc])* $name,)*
        }

        impl Package {
            /// Every package: those we serve, then those we only watch.
            pub const ALL: [Package; [$($file::SPEC.name,)*].len()] = [$(Package::$name,)*];

            /// What is particular to the package.
            pub const fn spec(self) -> &'static Spec {
                match self {
                    $(Package::$name => &$file::SPEC,)*
                }
            }
        }
    };
}

// Those we serve come first.
packages! {
    /// `presence` (RFC 3856).
    Presence in presence,
    /// `dialog` (RFC 4235).
    Dialog in dialog,
    /// `presence.winfo` (RFC 3857): who watches the presence.
    PresenceWinfo in winfo,
    /// `as-feature-event`: do-not-disturb and forwarding, where a server keeps them too.
    Features in features,
    /// `message-summary` (RFC 3842): whether messages wait.
    MessageSummary in message_summary,
}

impl Package {
    /// How many packages we serve.
    pub const SERVED_COUNT: usize = {
        let mut count = 0;
        while count < Package::ALL.len() && Package::ALL[count].is_served() {
            count += 1;
        }
        let mut at = count;
        while at < Package::ALL.len() {
            assert!(!Package::ALL[at].is_served(), "those we serve come first");
            at += 1;
        }
        count
    };

    /// The packages we serve, those of Allow-Events in its order. A number of one, as in `package as usize`, is its
    /// place here.
    pub const SERVED: &'static [Package] =
        Package::ALL.as_slice().split_at(Package::SERVED_COUNT).0;

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

    /// The package of an Event header; case counts.
    pub fn from_name(name: &[u8]) -> Option<Package> {
        let mut all = Package::ALL.iter().copied();
        all.find(|package| package.name().as_bytes() == name)
    }

    /// The names of those we serve, in that order.
    pub const fn served_names() -> &'static [&'static str] {
        Package::NAMES.split_at(Package::SERVED_COUNT).0
    }

    /// The event type.
    pub const fn name(self) -> &'static str {
        self.spec().name
    }

    /// How we serve it, if we do.
    pub const fn served(self) -> Option<&'static Served> {
        self.spec().served.as_ref()
    }

    /// Whether we serve it.
    pub const fn is_served(self) -> bool {
        self.served().is_some()
    }

    /// Whether nobody but the presentity itself is told by us.
    pub const fn is_private(self) -> bool {
        PRIVATE[self as usize]
    }

    /// Whether a SUBSCRIBE may ask for a change, in a body of the package's own type.
    pub fn is_switched(self) -> bool {
        self.served().is_some_and(|it| it.switched)
    }

    /// Whether its state can be published to us.
    pub const fn is_published(self) -> bool {
        self.spec().published
    }

    /// The package whose watchers this one tells of.
    pub const fn watchers_of(self) -> Option<Package> {
        WATCHERS_OF[self as usize]
    }

    /// The package we serve that tells of the watchers of this one.
    pub const fn winfo(self) -> Option<Package> {
        WINFO[self as usize]
    }
}

/// What [`Package::is_private`] says of each.
const PRIVATE: [bool; Package::ALL.len()] = {
    let mut private = [false; Package::ALL.len()];
    let mut at = 0;
    while at < private.len() {
        if let Some(served) = Package::ALL[at].served() {
            private[at] = served.private;
        }
        at += 1;
    }
    private
};

/// What [`Package::watchers_of`] says of each.
const WATCHERS_OF: [Option<Package>; Package::ALL.len()] = {
    let mut watched = [None; Package::ALL.len()];
    let mut at = 0;
    while at < watched.len() {
        if let Some(name) = Package::ALL[at].spec().watchers_of {
            watched[at] = Some(named(name));
        }
        at += 1;
    }
    watched
};

/// What [`Package::winfo`] says of each.
const WINFO: [Option<Package>; Package::ALL.len()] = {
    let mut winfo = [None; Package::ALL.len()];
    let mut at = 0;
    while at < Package::SERVED_COUNT {
        if let Some(watched) = WATCHERS_OF[at] {
            winfo[watched as usize] = Some(Package::ALL[at]);
        }
        at += 1;
    }
    winfo
};

/// The package of that name, at compile time; the build fails without one.
const fn named(name: &str) -> Package {
    let mut at = 0;
    while !is_same(Package::ALL[at].name(), name) {
        at += 1;
    }
    Package::ALL[at]
}

const fn is_same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let mut at = 0;
    while at < one.len() && at < other.len() && one[at] == other[at] {
        at += 1;
    }
    at == one.len() && at == other.len()
}
