//! A presentity: whose presence we keep, and its composed state, from which every document is made.

use crate::ground::limits;
use crate::ground::text::Text;
use crate::ground::time::Wall;
use crate::wire::doc::pidf::{Activities, Basic};
use heapless::Deque;

/// A presentity of ours (RFC 2778 §2) and what is known of it.
#[derive(Clone, Debug)]
pub struct Presentity {
    uri: Text<{ limits::URI }>,
    presence: Presence,
    presence_revision: u32,
    /// When [`Presentity::presence`] last changed.
    stamp: Wall,
    calls: Calls,
}

/// What the `presence` package tells: the content of one PIDF document (RFC 3863, 4479, 4480).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presence {
    /// Whether the presentity takes calls.
    pub basic: Basic,
    /// What the person does.
    pub activities: Activities,
    /// What the person, or the agent for it, says.
    pub note: Text<{ limits::NOTE }>,
    /// Whether the person has been away from the device for long (RFC 4480 §3.11).
    pub idle: bool,
    /// Whether there is no address at which the presentity can be reached: its phone is not registered.
    pub gone: bool,
}

/// What the `dialog` package tells a third party: one virtual dialog while the presentity is busy, without
/// identities or tags (RFC 4235 §3.7.2).
#[derive(Clone, Debug, Default)]
pub struct Calls {
    /// The virtual dialog that is up.
    current: Option<Call>,
    /// Dialogs that ended, oldest first, so that a partial document can say so once (D09).
    ended: Deque<Call, { Calls::REMEMBERED }>,
    /// The revision of the last ended dialog that was forgotten.
    forgotten: u32,
    revision: u32,
    numbered: u32,
}

/// One virtual dialog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// Unique for the presentity, constant while the dialog lives (D04).
    pub number: u32,
    /// The revision in which it came to its present state.
    pub changed: u32,
}

impl Presentity {
    /// A presentity that is open, idle and silent.
    pub fn new(uri: Text<{ limits::URI }>) -> Presentity {
        Presentity {
            uri,
            presence: Presence::new(),
            presence_revision: 1,
            stamp: Wall::UNSET,
            calls: Calls::default(),
        }
    }

    /// Takes the newly composed state; says whether anything is different now.
    pub fn update(&mut self, wall: Wall, presence: Presence, in_call: bool) -> bool {
        let calls = self.calls.update(in_call);
        if self.presence == presence {
            return calls;
        }
        self.presence = presence;
        self.presence_revision += 1;
        self.stamp = wall;
        true
    }

    /// Its URI as configured: the `entity` of every document.
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// What the `presence` package tells.
    pub fn presence(&self) -> &Presence {
        &self.presence
    }

    /// A number that changes with [`Presentity::presence`]; never 0.
    pub fn presence_revision(&self) -> u32 {
        self.presence_revision
    }

    /// When that last changed; [`Wall::UNSET`] if nobody knows.
    pub fn stamp(&self) -> Wall {
        self.stamp
    }

    /// What the `dialog` package tells.
    pub fn calls(&self) -> &Calls {
        &self.calls
    }
}

impl Presence {
    /// Open, idle and silent.
    pub const fn new() -> Presence {
        Presence {
            basic: Basic::Open,
            activities: Activities::NONE,
            note: Text::new(),
            idle: false,
            gone: false,
        }
    }
}

impl Default for Presence {
    fn default() -> Presence {
        Presence::new()
    }
}

impl Calls {
    /// Ended dialogs remembered for watchers that were not told yet; who is further behind gets a full document.
    pub const REMEMBERED: usize = 4;

    /// The virtual dialog that is up.
    pub fn current(&self) -> Option<Call> {
        self.current
    }

    /// Grows with every change.
    pub fn revision(&self) -> u32 {
        self.revision
    }

    /// The dialogs that ended after revision `told`; `None` if some of them are forgotten.
    pub fn ended_since(&self, told: u32) -> Option<impl Iterator<Item = Call>> {
        if told < self.forgotten {
            return None;
        }
        Some(
            self.ended
                .iter()
                .copied()
                .filter(move |call| call.changed > told),
        )
    }

    fn update(&mut self, in_call: bool) -> bool {
        match (self.current, in_call) {
            (None, true) => {
                self.revision += 1;
                self.numbered += 1;
                self.current = Some(Call {
                    number: self.numbered,
                    changed: self.revision,
                });
                true
            }
            (Some(call), false) => {
                self.revision += 1;
                self.current = None;
                if self.ended.is_full() {
                    self.forgotten = self
                        .ended
                        .pop_front()
                        .map_or(self.forgotten, |oldest| oldest.changed);
                }
                let _ = self.ended.push_back(Call {
                    number: call.number,
                    changed: self.revision,
                });
                true
            }
            (None, false) | (Some(_), true) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::vec::Vec;

    #[test]
    fn a_dialog_keeps_its_number_and_ends_once() /* D04 D09 */
    {
        let mut calls = Calls::default();
        assert!(calls.update(true) && !calls.update(true));
        let up = calls.current().expect("it is up");
        assert!(calls.update(false) && !calls.update(false));
        assert_eq!(calls.current(), None);
        let ended: Vec<_> = calls.ended_since(up.changed).expect("remembered").collect();
        assert_eq!(
            ended,
            [Call {
                number: up.number,
                changed: 2
            }]
        );
        assert_eq!(calls.ended_since(2).expect("remembered").count(), 0);
        calls.update(true);
        assert_ne!(calls.current().expect("it is up").number, up.number);
    }

    #[test]
    fn a_watcher_far_behind_gets_a_full_document() {
        let mut calls = Calls::default();
        for _ in 0..=Calls::REMEMBERED {
            calls.update(true);
            calls.update(false);
        }
        assert!(calls.ended_since(1).is_none());
        assert!(calls.ended_since(2).is_some());
    }
}
