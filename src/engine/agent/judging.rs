//! When the policy is asked again: other rules, another time of the day, another state of a presentity.

use super::Agent;
use super::approval::watching;
use super::setup::place_rules;
use crate::engine::config::{During, Zone};
use crate::events::presentity::Presentity;
use crate::ground::table::Id;
use crate::ground::time::{Duration, Instant, Moment, Wall};
use crate::users::policy::Policy;
use crate::wire::doc::pidf::Activities;

/// A calendar clock that is put right little by little runs off from ours by less than a second in this time.
const LOOK: Duration = Duration::from_secs(3_600);

impl Agent {
    /// What clocks show here, for rules about the time of the day.
    pub fn set_zone(&mut self, moment: Moment, zone: Zone) {
        if *self.policy.zone() != zone {
            self.policy.set_zone(zone, moment.wall);
            self.judge_anew(moment);
        }
    }

    /// What the owner rules, for those who ask why.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// In which place of the policy each presentity of the settings is.
    pub fn places(&self) -> impl Iterator<Item = u16> {
        self.presentities.iter().map(|id| id.slot())
    }

    /// Takes the rules of the settings once more: names are hashed under another secret.
    pub(super) fn hash_rules_anew(&mut self, wall: Wall) {
        place_rules(&mut self.policy, &self.presentities, &self.settings, wall);
    }

    /// The calendar clock is another one: somebody has set it, or a time has come that a rule speaks of.
    pub fn handle_clock(&mut self, moment: Moment) {
        if self.policy.tick(moment.wall) {
            self.judge_anew(moment);
        } else {
            self.expect_change(moment);
        }
    }

    /// The time may have come at which a rule begins or ceases to hold.
    pub(super) fn handle_boundary(&mut self, moment: Moment) {
        if self.boundary.is_some_and(|at| at <= moment.now) {
            self.handle_clock(moment);
        }
    }

    /// What the owner of a presentity does may have changed.
    pub(super) fn note_doing(&mut self, moment: Moment, id: Id<Presentity>) {
        let presentity = self.directory.presentities().get(id);
        let (Some(presentity), Some(inputs)) = (presentity, self.directory.inputs(id)) else {
            return;
        };
        let told = presentity.presence();
        let doing = During {
            dnd: inputs.dnd,
            away: told.idle || told.activities.contains(Activities::AWAY),
        };
        if self.policy.set_doing(id.slot(), doing) {
            self.judge_anew(moment);
        }
    }

    /// Watchers and our own lamps are judged by what is in force now.
    pub(super) fn judge_anew(&mut self, moment: Moment) {
        self.judge_all();
        self.settle_own(moment.now);
        self.expect_change(moment);
    }

    /// Who may watch is said otherwise, by the policy that is in force already.
    pub(super) fn judge_all(&mut self) {
        let (policy, directory) = (&self.policy, &self.directory);
        self.notifier
            .judge_all(|who| Some(policy.judge(watching(policy, directory, who))));
    }

    /// Sets the timer for the next time that a rule speaks of.
    pub(super) fn expect_change(&mut self, moment: Moment) {
        let next = self.policy.next_change();
        self.boundary = next.and_then(|at| wait(moment, at));
    }
}

/// When to look whether that time has come.
fn wait(moment: Moment, at: Wall) -> Option<Instant> {
    let (at, now) = (at.unix_millis()?, moment.wall.unix_millis()?);
    let left = Duration::from_millis(at.saturating_sub(now));
    Some(moment.now + left.min(LOOK))
}
