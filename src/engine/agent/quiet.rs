//! Rules for our own side: when a watch is not asked for, and when a lamp is dim, or dark though its state is known.

use super::Agent;
use crate::engine::config::WatchSettings;
use crate::events::watched::Watched;
use crate::ground::limits::{LAMPS, WATCHES};
use crate::ground::time::Instant;
use crate::users::lamps::Shows;
use crate::users::policy::Policy;

/// By which rule, counted from 1, something of ours is quiet; 0 if it is not.
pub(super) struct Quiet {
    watches: [u8; WATCHES],
    lamps: [u8; LAMPS],
    /// The percent of its light that each lamp does without: all of them in the dark.
    lost: [u8; LAMPS],
}

impl Quiet {
    pub(super) const fn new() -> Quiet {
        Quiet {
            watches: [0; WATCHES],
            lamps: [0; LAMPS],
            lost: [0; LAMPS],
        }
    }

    /// Whether a watch, which has that number in the settings, is asked for now.
    pub(super) fn set_rest(&mut self, number: usize, policy: &Policy, watch: &WatchSettings) {
        let rule = policy.forbids(&watch.target, watch.package);
        self.watches[number] = rule.map_or(0, |rule| rule + 1);
    }

    /// Whether a watch of the settings is not asked for now.
    pub(super) fn rests(&self, watch: usize) -> bool {
        self.watches.get(watch).is_some_and(|rule| *rule != 0)
    }

    /// Whether a lamp does not show what it knows.
    pub(super) const fn hides(&self, lamp: u16) -> bool {
        self.lost[lamp as usize] == FULL
    }

    /// How bright a lamp shines, in percent of what it can.
    pub(super) fn bright(&self, lamp: usize) -> u8 {
        self.lost.get(lamp).map_or(FULL, |lost| FULL - lost)
    }
}

/// All of a lamp's light, in percent.
const FULL: u8 = 100;

impl Agent {
    /// The number, from 0, of the rule by which a lamp is dark.
    pub(super) fn silenced_by(&self, lamp: usize) -> Option<u8> {
        let rule = self.quiet.lamps.get(lamp)?.checked_sub(1)?;
        (self.quiet.bright(lamp) == 0).then_some(rule)
    }

    /// The number, from 0, of the rule by which a lamp is dim.
    pub(super) fn dimmed_by(&self, lamp: usize) -> Option<u8> {
        let rule = self.quiet.lamps.get(lamp)?.checked_sub(1)?;
        (1..FULL).contains(&self.quiet.bright(lamp)).then_some(rule)
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

    /// How bright a lamp shows what it knows, by the rules as they are now. Says whether that is news, which the shell
    /// is told though the look may be the same.
    pub(super) fn hide(&mut self, lamp: usize) -> bool {
        let (bright, rule) = match self.shine_of(lamp) {
            Some((bright, rule)) => (bright, rule + 1),
            None => (FULL, 0),
        };
        let lost = core::mem::replace(&mut self.quiet.lost[lamp], FULL - bright);
        let is_news = lost != FULL - bright;
        if is_news {
            self.panel.changed.push(lamp as u16);
        }
        core::mem::replace(&mut self.quiet.lamps[lamp], rule) != rule || is_news
    }

    /// How bright a lamp is now, and by which rule. One that shows calls and presence is as bright as the brighter one.
    fn shine_of(&self, lamp: usize) -> Option<(u8, u8)> {
        let seen = |watch: u16| {
            let watch = self.settings.watches.get(usize::from(watch))?;
            self.policy.shines(Some(&watch.target), Some(watch.package))
        };
        match self.settings.lamps.get(lamp)?.shows {
            Shows::Nothing => None,
            Shows::Watch(watch) => seen(watch),
            Shows::Both { calls, presence } => {
                let (presence, calls) = (seen(presence)?, seen(calls)?);
                Some(if calls.0 > presence.0 {
                    calls
                } else {
                    presence
                })
            }
            Shows::Dnd(_) | Shows::Health | Shows::Waiting(_) => self.policy.shines(None, None),
        }
    }

    /// What is known of a watch that is not asked for: nothing, and nobody is to blame for it.
    pub(super) const RESTING: Watched = Watched::Offline;
}
