//! Lamps out: what each shows, and until when.

use super::{Agent, Output};
use crate::events::party::Party;
use crate::events::watched::Watched;
use crate::ground::limits::{PRESENTITIES, WATCHES};
use crate::ground::table::Id;
use crate::ground::time::Instant;
use crate::roles::watcher::Watch;
use crate::users::lamps::Shows;

/// How many things lamps can stand for.
pub(super) const SOURCES: usize = HEALTH + 1;

const DND: usize = WATCHES;
const WAITING: usize = DND + PRESENTITIES;
const HEALTH: usize = WAITING + PRESENTITIES;

/// The place of what a lamp stands for among all of them.
pub(super) const fn source(shows: Shows) -> Option<usize> {
    match shows {
        Shows::Nothing => None,
        Shows::Watch(watch) => Some(watch as usize),
        Shows::Dnd(presentity) => Some(DND + presentity as usize),
        Shows::Waiting(presentity) => Some(WAITING + presentity as usize),
        Shows::Health => Some(HEALTH),
    }
}

impl Agent {
    /// The look that the shell does not show yet.
    pub(super) fn next_look(&mut self) -> Option<Output> {
        let lamp = usize::from(self.panel.changed.pop()?);
        let look = self.panel.lamps.get(lamp)?.shown()?;
        Some(Output::Lamp { lamp, look })
    }

    /// The state of a watch changed, or its subscription broke or came back.
    pub(super) fn handle_watched(&mut self, now: Instant, id: Id<Watch>) {
        let watch = self.watch_at[usize::from(id.slot())];
        self.relight_showing(now, Shows::Watch(watch));
        self.examine(now, usize::from(watch));
        self.look_at_watch(watch, id);
    }

    /// Watchers wait for approval that did not, or the other way round.
    pub(super) fn waiting_changed(&mut self, now: Instant) {
        for presentity in 0..PRESENTITIES {
            self.relight_showing(now, Shows::Waiting(presentity as u16));
        }
    }

    /// Works out anew what all lamps show that stand for this.
    pub(super) fn relight_showing(&mut self, now: Instant, shows: Shows) {
        let mut next = source(shows).and_then(|source| self.panel.showing.first(source));
        while let Some(lamp) = next {
            next = self.panel.showing.after(lamp);
            self.relight(now, lamp);
        }
    }

    /// Works out anew what a lamp shows, and when that changes by itself.
    pub(super) fn relight(&mut self, now: Instant, number: u16) {
        let (watched, broken_since) = self.known(number);
        let lamp = &mut self.panel.lamps[usize::from(number)];
        let (look, change) = lamp.look(now, watched, broken_since);
        let (state, _) = lamp.state(now, watched, broken_since);
        self.panel.graces.set(number, change);
        let looks_new = lamp.show(look);
        if looks_new {
            self.panel.changed.push(number);
        }
        let shown = &mut self.panel.states[usize::from(number)];
        if looks_new || *shown != state {
            *shown = state;
            self.panel.since[usize::from(number)] = now;
            self.changes.note_lamp(number);
        }
        self.relight_party(number);
    }

    /// A lamp whose call goes on with somebody else shows the same, but not to those who look closer.
    fn relight_party(&mut self, number: u16) {
        let party = self.party(number).map_or(0, hash);
        let told = &mut self.panel.parties[usize::from(number)];
        if *told != party {
            *told = party;
            self.changes.note_lamp(number);
        }
    }

    /// The other party of the call that a lamp shows, as far as it is named. A lamp that does not know names nobody.
    pub(super) fn party(&self, lamp: u16) -> Option<&Party> {
        if self.panel.states[usize::from(lamp)] == Watched::Unknown {
            return None;
        }
        let watch = self.panel.lamps[usize::from(lamp)].shows().watch()?;
        let id = (*self.watches.get(usize::from(watch))?)?;
        self.watcher.party(id)
    }

    /// What is known of what a lamp stands for, and since when that is in doubt.
    pub(super) fn known(&self, lamp: u16) -> (Watched, Option<Instant>) {
        if self.stopping {
            return (Watched::Unknown, None);
        }
        match self.panel.lamps[usize::from(lamp)].shows() {
            Shows::Nothing => (Watched::Unknown, None),
            Shows::Watch(watch) => self.known_of(usize::from(watch)),
            Shows::Dnd(presentity) => {
                let id = self.presentities.get(usize::from(presentity));
                let inputs = id.and_then(|id| self.directory.inputs(*id));
                let state = inputs.map(|it| if it.dnd { Watched::Dnd } else { Watched::Idle });
                (state.unwrap_or_default(), None)
            }
            Shows::Health => self.health.known(),
            Shows::Waiting(presentity) if self.waiting(usize::from(presentity)) > 0 => {
                (Watched::Waiting, None)
            }
            Shows::Waiting(_) => (Watched::Idle, None),
        }
    }

    /// The same of a watch; of one that can't be asked nothing is.
    pub(super) fn known_of(&self, watch: usize) -> (Watched, Option<Instant>) {
        let id = self.watches.get(watch).copied().flatten();
        let known = id.and_then(|id| self.watcher.known(id));
        known.unwrap_or((Watched::Unknown, None))
    }
}

/// FNV-1a: a collision costs a follower one change, and only until the call is over.
fn hash(party: &Party) -> u32 {
    let bytes = [party.display(), "\0", party.uri()]
        .into_iter()
        .flat_map(str::bytes);
    bytes.fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}
