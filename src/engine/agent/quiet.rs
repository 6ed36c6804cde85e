//! Rules for our own side: when a watch is not asked for, and when a lamp is dark though its state is known.

use super::Agent;
use crate::engine::config::WatchSettings;
use crate::events::watched::Watched;
use crate::ground::limits::{LAMPS, WATCHES};
use crate::ground::time::Instant;
use crate::users::lamps::Shows;
use crate::users::policy::{Direction, Policy};

/// By which rule, counted from 1, something of ours is quiet; 0 if it is not.
pub(super) struct Quiet {
    watches: [u8; WATCHES],
    lamps: [u8; LAMPS],
}

impl Quiet {
    pub(super) const fn new() -> Quiet {
        Quiet {
            watches: [0; WATCHES],
            lamps: [0; LAMPS],
        }
    }

    /// Whether a watch, which has that number in the settings, is asked for now.
    pub(super) fn set_rest(&mut self, number: usize, policy: &Policy, watch: &WatchSettings) {
        let (target, package) = (Some(&*watch.target), Some(watch.package));
        let rule = policy.forbids(Direction::Out, target, package);
        self.watches[number] = rule.map_or(0, |rule| rule + 1);
    }

    /// Whether a watch of the settings is not asked for now.
    pub(super) fn rests(&self, watch: usize) -> bool {
        self.watches.get(watch).is_some_and(|rule| *rule != 0)
    }

    /// Whether a lamp does not show what it knows.
    pub(super) const fn hides(&self, lamp: u16) -> bool {
        self.lamps[lamp as usize] != 0
    }
}

impl Agent {
    /// The number, from 0, of the rule by which a lamp is dark.
    pub(super) fn silenced_by(&self, lamp: usize) -> Option<u8> {
        self.quiet.lamps.get(lamp)?.checked_sub(1)
    }

    /// The number, from 0, of the rule by which the watch of a lamp is not asked for; of two watches both have to rest.
    pub(super) fn rests_by(&self, lamp: usize) -> Option<u8> {
        let shows = self.panel.lamps.get(lamp)?.shows();
        let watch = shows.watch()?;
        let other = shows.beside(watch);
        let rule = |watch: u16| self.quiet.watches.get(usize::from(watch))?.checked_sub(1);
        other.map_or(Some(0), rule)?;
        rule(watch)
    }

    /// Begins and ends watches, and lights lamps, as the rules want it now.
    pub(super) fn settle_own(&mut self, now: Instant) {
        for number in 0..self.watches.len() {
            let Some(watch) = self.settings.watches.get(number) else {
                continue;
            };
            let rested = self.quiet.rests(number);
            self.quiet.set_rest(number, &self.policy, watch);
            match (rested, self.quiet.rests(number)) {
                (false, true) => {
                    let id = self.watches[number].take();
                    id.into_iter().for_each(|id| self.watcher.remove(id));
                }
                (true, false) => {
                    let watch = watch.clone();
                    let id = self.ask_for(now, &watch);
                    self.watches[number] = id;
                    if let Some(id) = id {
                        self.watch_at[usize::from(id.slot())] = number as u16;
                    }
                }
                (false, false) | (true, true) => continue,
            }
            self.relight_showing(now, Shows::Watch(number as u16));
            self.examine_with_others(now, number as u16);
        }
        self.attach_members(now);
        for lamp in 0..self.settings.lamps.len() {
            if self.hide(lamp) {
                self.relight(now, lamp as u16);
                self.changes.note_lamp(lamp as u16);
            }
        }
    }

    /// Whether a lamp shows what it knows, by the rules as they are now. Says whether that is news.
    pub(super) fn hide(&mut self, lamp: usize) -> bool {
        let rule = self.hidden_by(lamp).map_or(0, |rule| rule + 1);
        core::mem::replace(&mut self.quiet.lamps[lamp], rule) != rule
    }

    /// The rule by which a lamp is dark now. One that shows calls and presence is only if neither is to be seen.
    fn hidden_by(&self, lamp: usize) -> Option<u8> {
        let seen = |watch: u16| {
            let watch = self.settings.watches.get(usize::from(watch))?;
            let (target, package) = (Some(&*watch.target), Some(watch.package));
            self.policy.forbids(Direction::Hear, target, package)
        };
        match self.settings.lamps.get(lamp)?.shows {
            Shows::Nothing => None,
            Shows::Watch(watch) => seen(watch),
            Shows::Both { calls, presence } => seen(calls).and(seen(presence)),
            Shows::Dnd(_) | Shows::Health | Shows::Waiting(_) => {
                self.policy.forbids(Direction::Hear, None, None)
            }
        }
    }

    /// What is known of a watch that is not asked for: nothing, and nobody is to blame for it.
    pub(super) const RESTING: Watched = Watched::Offline;
}
