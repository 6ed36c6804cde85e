//! What a lamp stands for, and how one shows the calls and the presence of the same person.
//!
//! `dialog` tells of calls and of nothing else: who is free, who is away and whose phone is not registered look the same
//! in it. `presence` tells those apart, and knows less of a call. Together they tell all of it.

use crate::events::watched::Watched;

/// What a lamp stands for; the numbers are places in the settings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Shows {
    /// Nothing: it stays dark.
    #[default]
    Nothing,
    /// Somebody else, through this watch.
    Watch(u16),
    /// The same through two watches: a call wins, whoever tells it; without one the presence is shown.
    Both {
        /// The watch that tells of calls.
        calls: u16,
        /// The one that tells of presence.
        presence: u16,
    },
    /// Whether this presentity of ours does not want to be disturbed: `dnd` or `idle`.
    Dnd(u16),
    /// Whether all is well with us: `idle`, `subscribing` or `unknown`.
    Health,
    /// Whether watchers of this presentity of ours wait for its owner's approval: `waiting` or `idle`.
    Waiting(u16),
}

impl Shows {
    /// The word in configurations and in JSON; nothing has none.
    pub const fn name(self) -> Option<&'static str> {
        match self {
            Shows::Nothing => None,
            Shows::Watch(_) | Shows::Both { .. } => Some("watch"),
            Shows::Dnd(_) => Some("dnd"),
            Shows::Health => Some("health"),
            Shows::Waiting(_) => Some("waiting"),
        }
    }

    /// The watch it stands for, if it is one; of two that of calls.
    pub const fn watch(self) -> Option<u16> {
        match self {
            Shows::Watch(watch) | Shows::Both { calls: watch, .. } => Some(watch),
            Shows::Nothing | Shows::Dnd(_) | Shows::Health | Shows::Waiting(_) => None,
        }
    }

    /// The other one of two watches of which `watch` is one.
    pub const fn beside(self, watch: u16) -> Option<u16> {
        match self {
            Shows::Both { calls, presence } if watch == calls => Some(presence),
            Shows::Both { calls, presence } if watch == presence => Some(calls),
            Shows::Nothing
            | Shows::Watch(_)
            | Shows::Both { .. }
            | Shows::Dnd(_)
            | Shows::Health
            | Shows::Waiting(_) => None,
        }
    }
}

/// What a lamp shows by what is told of calls and of presence; `None` where the server does not have that package, and
/// the other one is all there is.
///
/// A call wins, whoever knows of it; of two, that of `calls`, which knows ringing from talking and who holds. Without one
/// `presence` says how it is. While it is not known whether there is a call, nobody is shown as idle: only what a call
/// would hardly change.
pub const fn both(calls: Option<Watched>, presence: Option<Watched>) -> Watched {
    match (calls, presence) {
        (Some(calls), Some(presence)) => merged(calls, presence),
        (Some(alone), None) | (None, Some(alone)) => alone,
        (None, None) => Watched::Unknown,
    }
}

const fn merged(calls: Watched, presence: Watched) -> Watched {
    match calls {
        Watched::Held | Watched::Trying | Watched::Busy | Watched::Ringing => calls,
        // No call, or nothing that could have one.
        Watched::Offline
        | Watched::Idle
        | Watched::Away
        | Watched::Closed
        | Watched::Waiting
        | Watched::Dnd => presence,
        Watched::Subscribing => match presence {
            Watched::Held | Watched::Trying | Watched::Busy | Watched::Ringing => presence,
            Watched::Unknown => Watched::Unknown,
            Watched::Subscribing
            | Watched::Offline
            | Watched::Idle
            | Watched::Away
            | Watched::Closed
            | Watched::Waiting
            | Watched::Dnd => Watched::Subscribing,
        },
        Watched::Unknown => match presence {
            Watched::Held | Watched::Trying | Watched::Busy | Watched::Ringing => presence,
            Watched::Offline | Watched::Away | Watched::Closed | Watched::Dnd => presence,
            Watched::Unknown | Watched::Subscribing | Watched::Idle | Watched::Waiting => {
                Watched::Unknown
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::Watched::*;
    use super::*;

    /// Which of the two is shown.
    enum Shown {
        Calls,
        Presence,
        Neither(Watched),
    }

    use Shown::{Calls, Neither, Presence};

    const CALL: &[Watched] = &[Held, Trying, Busy, Ringing];
    const NO_CALL: &[Watched] = &[Offline, Idle, Away, Closed, Waiting, Dnd];

    /// By what is told of presence.
    type Rows = &'static [(&'static [Watched], Shown)];

    /// By what is told of calls, then by what is told of presence.
    const TABLE: &[(&[Watched], Rows)] = &[
        (
            CALL,
            &[
                (CALL, Calls),
                (NO_CALL, Calls),
                (&[Subscribing, Unknown], Calls),
            ],
        ),
        (
            NO_CALL,
            &[
                (CALL, Presence),
                (NO_CALL, Presence),
                (&[Subscribing, Unknown], Presence),
            ],
        ),
        (
            &[Subscribing],
            &[
                (CALL, Presence),
                (NO_CALL, Neither(Subscribing)),
                (&[Subscribing], Neither(Subscribing)),
                (&[Unknown], Neither(Unknown)),
            ],
        ),
        (
            &[Unknown],
            &[
                (CALL, Presence),
                (&[Offline, Away, Closed, Dnd], Presence),
                (&[Idle, Waiting], Neither(Unknown)),
                (&[Subscribing, Unknown], Neither(Unknown)),
            ],
        ),
    ];

    #[test]
    fn every_pair_is_shown_as_the_table_says() {
        let mut told = 0;
        for (calls, rows) in TABLE {
            for (presence, shown) in *rows {
                for &calls in *calls {
                    for &presence in *presence {
                        let expected = match shown {
                            Calls => calls,
                            Presence => presence,
                            Neither(state) => *state,
                        };
                        let merged = both(Some(calls), Some(presence));
                        assert_eq!(merged, expected, "{calls:?} and {presence:?}");
                        told += 1;
                    }
                }
            }
        }
        assert_eq!(told, Watched::COUNT * Watched::COUNT, "each pair once");
    }

    #[test]
    fn nobody_is_idle_unless_both_vouch_for_it() /* S23 */
    {
        for calls in Watched::ALL {
            for presence in Watched::ALL {
                let vouches = |state| !matches!(state, Unknown | Subscribing);
                if both(Some(calls), Some(presence)) == Idle {
                    assert!(
                        vouches(calls) && vouches(presence),
                        "{calls:?}, {presence:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn without_one_package_the_other_says_all() {
        for alone in Watched::ALL {
            assert_eq!(both(Some(alone), None), alone);
            assert_eq!(both(None, Some(alone)), alone);
        }
        assert_eq!(both(None, None), Unknown);
    }
}
