//! Why a rule decides, and why those before it do not.

use super::judge::{Basis, Fit, Subject};
use super::{Policy, Rule, Watching};
use crate::events::ruling::Ruling;
use crate::ground::limits::RULES;
use crate::ground::time::Wall;
use heapless::Vec;

/// What is ruled about somebody at some time, and why.
#[derive(Clone, Debug)]
pub struct Trial {
    /// What is ruled.
    pub ruling: Ruling,
    /// On what that rests.
    pub basis: Basis,
    /// The rule of `tell` that has a part in it, counted from 0.
    pub tell: Option<u8>,
    /// Each rule about watchers, counted from 0, and why it does not fit; `None` for one that does.
    pub rules: Vec<(u8, Option<Misfit>), RULES>,
}

/// Why a rule does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misfit {
    /// It is about other presentities.
    Presentity,
    /// It is about other packages.
    Package,
    /// It is about others.
    Who,
    /// It is about somebody of that name, which nothing proves.
    Unproven,
    /// The presentity's owner does something else.
    Doing,
    /// It is for another time.
    Time,
    /// It is for some time, and the clock is not set.
    Clock,
}

impl Misfit {
    /// In words, behind "it does not fit:".
    pub const fn in_words(self) -> &'static str {
        match self {
            Misfit::Presentity => "it is about others who live here",
            Misfit::Package => "it is about other events",
            Misfit::Who => "it is about somebody else",
            Misfit::Unproven => "anybody can give himself that name, and it allows something",
            Misfit::Doing => {
                "it is for while the watched one does not want to be disturbed, or is away"
            }
            Misfit::Time => "it is for another time",
            Misfit::Clock => "it allows something for a time, and the clock is not set",
        }
    }
}

impl Policy {
    /// What is ruled about this watcher at that time, and why.
    pub fn explain(&self, who: &Watching<'_>, wall: Wall) -> Trial {
        let clock = self.clock_at(wall);
        let (ruling, basis, tell) = self.judge_by(&clock, who);
        let mut subject = Subject::of(who);
        let mut rules = Vec::new();
        for (at, rule) in self.rules.iter().enumerate() {
            if !rule.direction.is_about_watchers() {
                continue;
            }
            let in_time = clock.holds >> at & 1 == 1;
            let misfit = self.misfit(rule, who, &mut subject).or(match wall {
                _ if in_time => None,
                Wall::UNSET => Some(Misfit::Clock),
                _ => Some(Misfit::Time),
            });
            let _ = rules.push((at as u8, misfit)); // There are no more rules.
        }
        Trial {
            ruling,
            basis,
            tell,
            rules,
        }
    }

    /// Why a rule does not fit, but for the time.
    fn misfit(&self, rule: &Rule, who: &Watching<'_>, subject: &mut Subject<'_>) -> Option<Misfit> {
        let place = usize::from(who.place);
        let number = self.number[place];
        if !rule.whom.is_empty() && !rule.whom.iter().any(|it| it + 1 == number) {
            return Some(Misfit::Presentity);
        }
        if !rule.packages.has(who.package) {
            return Some(Misfit::Package);
        }
        match self.fits(rule, subject) {
            Fit::No => return Some(Misfit::Who),
            Fit::Unproven => return Some(Misfit::Unproven),
            Fit::Yes => {}
        }
        (!rule.during.holds(self.doing[place])).then_some(Misfit::Doing)
    }
}
