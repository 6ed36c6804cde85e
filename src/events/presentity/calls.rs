//! The calls of a presentity: what its `dialog` watchers are told of (RFC 4235 §3.7.1).
//!
//! ```text
//!  trying ──► proceeding ──► early ──► confirmed ──► told as terminated, once
//!      └───────────┴───────────┴────────────────────────┘
//! ```
//!
//! Between confirmed and held a call may change as often as it likes. No call goes back: one that seems to is another
//! one under the same name, and gets a number of its own.

use crate::events::party::Party;
use crate::ground::limits::CALLS;
use crate::ground::random::Secret;
use crate::ground::text::Text;
use crate::wire::doc::dialog_info::{Direction, Ending, State};
use crate::wire::doc::pidf::Said;
use heapless::{Deque, Vec};

/// One call, as whoever has it tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// What it is known by from one telling to the next, see [`Call::key`].
    pub key: u64,
    /// How far it is.
    pub state: State,
    /// Whether the presentity has put it on hold. Means nothing before it is confirmed.
    pub is_held: bool,
    /// Who called whom, if that is known.
    pub direction: Option<Direction>,
    /// Why it ended, where it has and that is known.
    pub ending: Option<Ending>,
    /// Who is at the other end; [`Party::NOBODY`] if that is not known.
    pub party: Party,
    /// What it is called in SIP.
    pub names: Names,
}

/// What tells a dialog from all others (RFC 3261 §12). What is not known, or longer than its place, is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Its Call-ID.
    pub call_id: Text<80>,
    /// The presentity's tag.
    pub local_tag: Text<40>,
    /// The other end's tag.
    pub remote_tag: Text<40>,
}

/// The calls that watchers know of.
#[derive(Clone, Debug, Default)]
pub struct Calls {
    up: Vec<Told, CALLS>,
    /// Those that ended, oldest first, so that a partial document can say so once (RFC 4235 §4.1).
    ended: Deque<Ended, { Calls::REMEMBERED }>,
    /// The revision of the last ended one that was forgotten.
    forgotten: u32,
    revision: u32,
    /// The last revision in which something changed that everybody sees.
    seen: u32,
    numbered: u32,
}

/// A call that is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The call.
    pub call: Call,
    /// Unique for the presentity, constant while the call lives (RFC 4235 §4.1.1).
    pub number: u32,
    /// The revision in which anything of it changed.
    changed: u32,
    /// The revision in which something changed that everybody sees.
    seen: u32,
}

/// A call that is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// The number that it had.
    pub number: u32,
    /// Who called whom.
    pub direction: Option<Direction>,
    /// Why it ended.
    pub ending: Option<Ending>,
    /// The revision in which it did.
    pub changed: u32,
}

/// What a key is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    /// Its Call-ID: equal wherever the call is told of.
    CallId = 1,
    /// The id of a dialog in the documents of one publication, which has that number.
    Dialog = 2,
    /// A name that a local source has given it.
    Local = 3,
}

impl Call {
    /// One that is known by that key, and of which nothing more is known.
    pub const fn new(key: u64, state: State) -> Call {
        Call {
            key,
            state,
            is_held: false,
            direction: None,
            ending: None,
            party: Party::NOBODY,
            names: Names::NONE,
        }
    }

    /// The virtual dialog of somebody who is in a call of which nothing is known (RFC 4235 §3.7.2).
    pub const fn unknown() -> Call {
        Call::new(0, State::Confirmed)
    }

    /// The key of a call with that name; of names that are no Call-IDs, `of` says whose they are. Never 0.
    pub fn key(naming: Naming, of: u8, name: impl Iterator<Item = char>) -> u64 {
        let hasher = Secret::new().hasher().part(&[naming as u8, of]);
        let hasher = name.fold(hasher, |hasher, char| {
            hasher.part(char.encode_utf8(&mut [0; 4]).as_bytes())
        });
        hasher.finish().max(1)
    }

    /// Whether it is over.
    pub fn is_over(&self) -> bool {
        self.state == State::Terminated
    }

    /// Whether it is up: answered, held or not.
    pub fn is_up(&self) -> bool {
        self.state == State::Confirmed
    }

    /// Whether the presentity is being called and has not answered.
    pub fn rings(&self) -> bool {
        let waits = matches!(self.state, State::Trying | State::Proceeding | State::Early);
        waits && self.direction != Some(Direction::Initiator)
    }

    /// What it says of the presentity in a word; `None` once it is over. Who calls is in a call: it is not free.
    pub fn said(&self) -> Option<Said> {
        match self.state {
            State::Terminated => None,
            State::Confirmed if self.is_held => Some(Said::Held),
            _ if self.rings() => Some(Said::Ringing),
            State::Trying | State::Proceeding | State::Early | State::Confirmed => {
                Some(Said::Talking)
            }
        }
    }

    /// Of two words on one call, or of two calls where there is room for one, the greater counts.
    pub fn rank(&self) -> u8 {
        match self.state {
            State::Terminated => 0,
            State::Trying => 1,
            State::Proceeding => 2,
            State::Early => 3,
            State::Confirmed if self.is_held => 4,
            State::Confirmed => 5,
        }
    }

    /// How far it is; held or not is the same.
    fn progress(&self) -> u8 {
        self.rank().min(4)
    }

    /// Whether everybody sees the same of both.
    fn looks_like(&self, other: &Call) -> bool {
        let seen = |it: &Call| (it.state, it.is_held, it.direction);
        seen(self) == seen(other)
    }
}

impl Names {
    /// None.
    pub const NONE: Names = Names {
        call_id: Text::new(),
        local_tag: Text::new(),
        remote_tag: Text::new(),
    };
}

impl Told {
    /// The revision in which it last changed, for those who see who is at the other end, or for all.
    pub const fn changed(&self, shows_parties: bool) -> u32 {
        match shows_parties {
            true => self.changed,
            false => self.seen,
        }
    }
}

impl Calls {
    /// Ended calls remembered for watchers that were not told yet; who is further behind gets a full document.
    pub const REMEMBERED: usize = 4;

    /// None yet.
    pub const fn new() -> Calls {
        Calls {
            up: Vec::new(),
            ended: Deque::new(),
            forgotten: 0,
            revision: 0,
            seen: 0,
            numbered: 0,
        }
    }

    /// The calls are these now, those among them that are over for the last time. Says whether anything is different.
    ///
    /// There are no more of them than [`CALLS`], and no two of one key.
    pub fn update(&mut self, calls: &[Call]) -> bool {
        let (before, next) = (self.revision, self.revision + 1);
        for at in (0..self.up.len()).rev() {
            let known = &self.up[at].call;
            let now = calls.iter().find(|it| it.key == known.key);
            match now {
                Some(now) if !now.is_over() && now.progress() >= known.progress() => {
                    self.change(at, now, next);
                }
                over => self.end(at, over.and_then(|it| it.ending), next),
            }
        }
        for call in calls.iter().filter(|it| !it.is_over()) {
            if !self.up.iter().any(|it| it.call.key == call.key) {
                self.begin(call, next);
            }
        }
        self.revision != before
    }

    /// Those that are up, or on their way there.
    pub fn up(&self) -> &[Told] {
        &self.up
    }

    /// Grows with every change that is to be seen, with who is at the other end or without.
    pub const fn revision(&self, shows_parties: bool) -> u32 {
        match shows_parties {
            true => self.revision,
            false => self.seen,
        }
    }

    /// Those that ended after revision `told`; `None` if some of them are forgotten.
    pub fn ended_since(&self, told: u32) -> Option<impl Iterator<Item = Ended>> {
        if told < self.forgotten {
            return None;
        }
        let ended = self.ended.iter().copied();
        Some(ended.filter(move |it| it.changed > told))
    }

    fn begin(&mut self, call: &Call, revision: u32) {
        let told = Told {
            call: call.clone(),
            number: self.numbered + 1,
            changed: revision,
            seen: revision,
        };
        if self.up.push(told).is_ok() {
            self.numbered += 1;
            (self.revision, self.seen) = (revision, revision);
        }
    }

    fn change(&mut self, at: usize, now: &Call, revision: u32) {
        let told = &mut self.up[at];
        if told.call == *now {
            return;
        }
        if !told.call.looks_like(now) {
            told.seen = revision;
            self.seen = revision;
        }
        told.changed = revision;
        told.call.clone_from(now);
        self.revision = revision;
    }

    fn end(&mut self, at: usize, ending: Option<Ending>, revision: u32) {
        let told = self.up.remove(at);
        (self.revision, self.seen) = (revision, revision);
        if self.ended.is_full() {
            let oldest = self.ended.pop_front();
            self.forgotten = oldest.map_or(self.forgotten, |it| it.changed);
        }
        let _ = self.ended.push_back(Ended {
            number: told.number,
            direction: told.call.direction,
            ending,
            changed: revision,
        }); // There is room now.
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::vec::Vec;

    fn call(key: u64, state: State) -> Call {
        Call::new(key, state)
    }

    /// Number and state of each.
    fn told(calls: &Calls) -> Vec<(u32, State)> {
        let all = calls.up().iter();
        all.map(|it| (it.number, it.call.state)).collect()
    }

    fn ended(calls: &Calls, since: u32) -> Vec<u32> {
        let all = calls.ended_since(since).expect("remembered");
        all.map(|it| it.number).collect()
    }

    #[test]
    fn a_dialog_keeps_its_number_and_ends_once() /* D04 D09 */
    {
        let mut calls = Calls::default();
        for state in [
            State::Trying,
            State::Proceeding,
            State::Early,
            State::Confirmed,
        ] {
            assert!(calls.update(&[call(7, state)]));
            assert!(!calls.update(&[call(7, state)]));
            assert_eq!(told(&calls), [(1, state)]);
        }
        let before = calls.revision(false);
        assert!(calls.update(&[]) && !calls.update(&[]));
        assert_eq!(
            (told(&calls), ended(&calls, before)),
            (Vec::new(), [1].into())
        );
        assert!(ended(&calls, before + 1).is_empty());
        calls.update(&[call(7, State::Early)]);
        assert_eq!(told(&calls), [(2, State::Early)]);
    }

    #[test]
    fn several_calls_are_several_dialogs() {
        let mut calls = Calls::default();
        calls.update(&[call(1, State::Confirmed), call(2, State::Early)]);
        let before = calls.revision(false);
        calls.update(&[call(2, State::Confirmed), call(3, State::Trying)]);
        assert_eq!(told(&calls), [(2, State::Confirmed), (3, State::Trying)]);
        assert_eq!(ended(&calls, before), [1]);
    }

    #[test]
    fn no_dialog_goes_back() /* D07 */
    {
        let mut calls = Calls::default();
        calls.update(&[call(1, State::Confirmed)]);
        let before = calls.revision(false);
        calls.update(&[call(1, State::Early)]);
        assert_eq!(told(&calls), [(2, State::Early)]);
        assert_eq!(ended(&calls, before), [1]);
    }

    #[test]
    fn a_held_call_is_the_same_dialog() {
        let mut calls = Calls::default();
        let mut up = call(1, State::Confirmed);
        for is_held in [false, true, false] {
            up.is_held = is_held;
            assert!(calls.update(core::slice::from_ref(&up)));
            assert_eq!(told(&calls), [(1, State::Confirmed)]);
        }
    }

    #[test]
    fn who_is_at_the_other_end_is_news_for_those_alone_who_see_it() /* N30 */
    {
        let mut calls = Calls::default();
        let mut rings = call(1, State::Early);
        calls.update(core::slice::from_ref(&rings));
        let before = [false, true].map(|it| calls.revision(it));
        rings.party = Party::named("", "sip:bob@b");
        assert!(calls.update(&[rings]));
        let after = [false, true].map(|it| calls.revision(it));
        assert_eq!((after[0], after[1]), (before[0], before[1] + 1));
        let told = &calls.up()[0];
        assert!(told.changed(true) > told.changed(false));
    }

    #[test]
    fn why_a_call_ended_is_remembered() /* D08 */
    {
        let mut calls = Calls::default();
        calls.update(&[call(1, State::Early)]);
        let over = Call {
            ending: Some(Ending::Cancelled),
            ..call(1, State::Terminated)
        };
        assert!(calls.update(core::slice::from_ref(&over)));
        assert!(!calls.update(&[over]), "it is over once");
        let mut all = calls.ended_since(0).expect("remembered");
        assert_eq!(all.next().and_then(|it| it.ending), Some(Ending::Cancelled));
    }

    #[test]
    fn a_watcher_far_behind_gets_a_full_document() {
        let mut calls = Calls::default();
        for _ in 0..=Calls::REMEMBERED {
            calls.update(&[Call::unknown()]);
            calls.update(&[]);
        }
        assert!(calls.ended_since(1).is_none());
        assert!(calls.ended_since(2).is_some());
    }

    #[test]
    fn names_of_different_kinds_are_different() {
        let keys = [
            Call::key(Naming::CallId, 0, "a".chars()),
            Call::key(Naming::Dialog, 1, "a".chars()),
            Call::key(Naming::Dialog, 2, "a".chars()),
            Call::key(Naming::Local, 0, "a".chars()),
            Call::key(Naming::Local, 0, "".chars()),
            Call::unknown().key,
        ];
        for (at, key) in keys.iter().enumerate() {
            assert!(!keys[..at].contains(key));
        }
    }
}
