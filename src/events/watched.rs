//! What a lamp can know of somebody, whatever package and dialect it was told in.

/// The state of a watched presentity, as far as a lamp can show it.
///
/// The order is that of a merge: of two states for one lamp the later one here wins, so that ringing is never
/// hidden by a call that is merely up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Watched {
    /// Nothing is known: never told, or the subscription broke longer ago than the lamp's grace.
    #[default]
    Unknown,
    /// The first SUBSCRIBE is on its way.
    Subscribing,
    /// Not there, as somebody says: unregistered, without any service, or no such resource.
    Offline,
    /// Reachable and free.
    Idle,
    /// Reachable, but not at the desk.
    Away,
    /// Takes no calls, and nothing says why.
    Closed,
    /// Something waits for its owner: a message in a mailbox, a watcher for approval. Merged with the same only.
    Waiting,
    /// Does not want to be disturbed.
    Dnd,
    /// Calling somebody.
    Trying,
    /// A call is held.
    Held,
    /// In a call, or busy otherwise.
    Busy,
    /// Being called.
    Ringing,
}

impl Watched {
    /// Every state, in order.
    pub const ALL: [Watched; 12] = [
        Watched::Unknown,
        Watched::Subscribing,
        Watched::Offline,
        Watched::Idle,
        Watched::Away,
        Watched::Closed,
        Watched::Waiting,
        Watched::Dnd,
        Watched::Trying,
        Watched::Held,
        Watched::Busy,
        Watched::Ringing,
    ];

    /// How many states there are.
    pub const COUNT: usize = Watched::ALL.len();

    /// The name in configurations, on the command line and in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Watched::Unknown => "unknown",
            Watched::Subscribing => "subscribing",
            Watched::Offline => "offline",
            Watched::Idle => "idle",
            Watched::Away => "away",
            Watched::Closed => "closed",
            Watched::Waiting => "waiting",
            Watched::Dnd => "dnd",
            Watched::Held => "held",
            Watched::Trying => "trying",
            Watched::Busy => "busy",
            Watched::Ringing => "ringing",
        }
    }

    /// The state of that name.
    pub fn from_name(name: &str) -> Option<Watched> {
        Watched::ALL.into_iter().find(|state| state.name() == name)
    }
}
