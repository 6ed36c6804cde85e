//! Lamps out: what each shows, and until when.

use super::{Agent, Output};
use crate::events::party::Party;
use crate::events::watched::Watched;
use crate::ground::limits::{LAMPS, PRESENTITIES, WATCHES};
use crate::ground::table::{Chains, Id};
use crate::ground::time::Instant;
use crate::roles::watcher::Watch;
use crate::users::lamps::{Lamp, Look, Shows, both};
use crate::wire::doc::message_summary::Messages;
use core::iter::successors;

/// How many things lamps can stand for.
const SOURCES: usize = HEALTH + 1;

const DND: usize = WATCHES;
const WAITING: usize = DND + PRESENTITIES;
const HEALTH: usize = WAITING + PRESENTITIES;

/// How many of them one lamp stands for at most.
const SOURCES_EACH: usize = 2;

/// The places of what a lamp stands for among all of them.
fn sources(shows: Shows) -> impl Iterator<Item = usize> {
    let (one, other) = match shows {
        Shows::Nothing => (None, None),
        Shows::Watch(watch) => (Some(usize::from(watch)), None),
        Shows::Both { calls, presence } => (Some(calls.into()), Some(presence.into())),
        Shows::Dnd(presentity) => (Some(DND + usize::from(presentity)), None),
        Shows::Waiting(presentity) => (Some(WAITING + usize::from(presentity)), None),
        Shows::Health => (Some(HEALTH), None),
    };
    one.into_iter().chain(other)
}

/// Which lamps stand for the same: a list for each source, and for each lamp a place in each of its lists.
pub(super) struct Showing(Chains<{ LAMPS * SOURCES_EACH }, SOURCES>);

/// Where a lamp stands in a list.
#[derive(Clone, Copy)]
struct Place(u16);

impl Showing {
    pub(super) const fn new() -> Showing {
        Showing(Chains::new())
    }

    /// The lamp, which stood for nothing, stands for that from now on.
    pub(super) fn enter(&mut self, lamp: u16, shows: Shows) {
        for (source, place) in sources(shows).zip(Place::of(lamp)) {
            self.0.enter(source, place);
        }
    }

    /// The lamp, which stood for that, stands for nothing any more.
    pub(super) fn leave(&mut self, lamp: u16, shows: Shows) {
        for (source, place) in sources(shows).zip(Place::of(lamp)) {
            self.0.leave(source, place);
        }
    }

    /// The lamps that a watch feeds.
    pub(super) fn fed_by(&self, watch: u16) -> impl Iterator<Item = u16> {
        let first = self.first(watch.into());
        successors(first, |place| self.after(*place)).map(Place::lamp)
    }

    fn first(&self, source: usize) -> Option<Place> {
        self.0.first(source).map(Place)
    }

    fn after(&self, place: Place) -> Option<Place> {
        self.0.after(place.0).map(Place)
    }
}

impl Place {
    /// All that a lamp may have.
    fn of(lamp: u16) -> impl Iterator<Item = u16> {
        let each = SOURCES_EACH as u16;
        lamp * each..(lamp + 1) * each
    }

    const fn lamp(self) -> u16 {
        self.0 / SOURCES_EACH as u16
    }
}

impl Agent {
    /// The look that the shell does not show yet.
    pub(super) fn next_look(&mut self) -> Option<Output> {
        let lamp = usize::from(self.panel.changed.pop()?);
        let look = self.panel.lamps.get(lamp)?.shown()?;
        let bright = self.quiet.bright(lamp);
        Some(Output::Lamp { lamp, look, bright })
    }

    /// The state of a watch changed, or its subscription broke or came back.
    pub(super) fn handle_watched(&mut self, now: Instant, id: Id<Watch>) {
        let watch = self.watch_at[usize::from(id.slot())];
        self.relight_showing(now, Shows::Watch(watch));
        self.examine_with_others(now, watch);
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
        for source in sources(shows) {
            let mut next = self.panel.showing.first(source);
            while let Some(place) = next {
                next = self.panel.showing.after(place);
                self.relight(now, place.lamp());
            }
        }
    }

    /// Works out anew what a lamp shows, and when that changes by itself.
    pub(super) fn relight(&mut self, now: Instant, number: u16) {
        let (state, change) = self.state_of(now, number);
        let lamp = &mut self.panel.lamps[usize::from(number)];
        let look = match self.quiet.hides(number) {
            true => Look::OFF,
            false => lamp.look(state),
        };
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
        self.relight_messages(number);
    }

    /// A mailbox with one message more shows the same, but not to those who look closer.
    fn relight_messages(&mut self, number: u16) {
        let messages = self.messages(number).unwrap_or_default();
        let shown = &mut self.panel.messages[usize::from(number)];
        if *shown != messages {
            *shown = messages;
            self.changes.note_lamp(number);
        }
    }

    /// How many messages are in the mailbox that a lamp stands for, as long as it shows what was told with that.
    pub(super) fn messages(&self, lamp: u16) -> Option<Messages> {
        let lit = &self.panel.lamps[usize::from(lamp)];
        let is_known = self.panel.states[usize::from(lamp)] != Watched::Unknown;
        let watch = lit.shows().watch().filter(|_| is_known && !self.stopping)?;
        let id = self.watches.get(usize::from(watch)).copied().flatten()?;
        self.watcher.messages(id)
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

    /// The state that a lamp has to show, and when it changes by itself.
    fn state_of(&self, now: Instant, number: u16) -> (Watched, Option<Instant>) {
        if self.stopping {
            return (Watched::Unknown, None);
        }
        let lamp = &self.panel.lamps[usize::from(number)];
        let (watched, broken_since) = match lamp.shows() {
            Shows::Nothing => (Watched::Unknown, None),
            Shows::Watch(watch) => self.known_of(usize::from(watch)),
            Shows::Both { calls, presence } => {
                return self.state_of_both(now, lamp, [calls, presence]);
            }
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
        };
        lamp.state(now, watched, broken_since)
    }

    /// The same of a lamp of calls and presence. Each of them has the grace to itself, and only an end that changes the
    /// state is one.
    fn state_of_both(
        &self,
        now: Instant,
        lamp: &Lamp,
        watches: [u16; 2],
    ) -> (Watched, Option<Instant>) {
        if watches.iter().all(|it| self.quiet.rests((*it).into())) {
            return (Agent::RESTING, None);
        }
        let told = watches.map(|watch| {
            let watch = usize::from(watch);
            let is_told = !self.lacks_package(watch) && !self.quiet.rests(watch);
            is_told.then(|| self.known_of(watch))
        });
        let one_at = |now, told: Option<(Watched, Option<Instant>)>| {
            told.map(|(watched, broken_since)| lamp.state(now, watched, broken_since))
        };
        let state_at = |now| {
            let [calls, presence] = told.map(|it| one_at(now, it).map(|(state, _)| state));
            both(calls, presence)
        };
        let state = state_at(now);
        let ends = told.into_iter().filter_map(|it| one_at(now, it)?.1);
        let change = ends.filter(|end| state_at(*end) != state).min();
        (state, change)
    }

    /// The same of a watch; of one that can't be asked nothing is, and of one that is not asked for that it rests.
    pub(super) fn known_of(&self, watch: usize) -> (Watched, Option<Instant>) {
        if self.quiet.rests(watch) {
            return (Agent::RESTING, None);
        }
        let id = self.watches.get(watch).copied().flatten();
        let known = id.and_then(|id| self.watcher.known(id));
        known.unwrap_or((Watched::Unknown, None))
    }

    /// Whether the server of a watch of the settings does not have its package.
    pub(super) fn lacks_package(&self, watch: usize) -> bool {
        let id = self.watches.get(watch).copied().flatten();
        id.is_some_and(|id| self.watcher.lacks_package(id))
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
