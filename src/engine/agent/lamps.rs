//! Lamps out: what each shows, and until when.

use super::{Agent, Output};
use crate::events::watched::Watched;
use crate::ground::table::Id;
use crate::ground::time::Instant;
use crate::roles::watcher::Watch;

impl Agent {
    /// The look that the shell does not show yet.
    pub(super) fn next_look(&mut self) -> Option<Output> {
        let lamp = usize::from(self.panel.changed.pop()?);
        let look = self.panel.lamps.get(lamp)?.shown()?;
        Some(Output::Lamp { lamp, look })
    }

    /// The state of a watch changed, or its subscription broke or came back.
    pub(super) fn relight_watching(&mut self, now: Instant, watch: Id<Watch>) {
        let watch = usize::from(self.watch_at[usize::from(watch.slot())]);
        let mut next = self.panel.watching.first(watch);
        while let Some(lamp) = next {
            next = self.panel.watching.after(lamp);
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
        }
    }

    /// What is known of whom a lamp stands for, and since when that is in doubt.
    pub(super) fn known(&self, lamp: u16) -> (Watched, Option<Instant>) {
        if self.stopping {
            return (Watched::Unknown, None);
        }
        let watch = self.panel.lamps[usize::from(lamp)].watch();
        let id = watch.and_then(|watch| *self.watches.get(usize::from(watch))?);
        match id.and_then(|id| self.watcher.state(id)) {
            Some(known) => (known.watched, known.broken_since),
            None => (Watched::Unknown, None),
        }
    }
}
