//! Rules that can never fit, and those about users who are not there.

use std::format;

use super::Reader;
use crate::engine::config::{During, Rule, Rules, Then, Who};
use crate::ground::time::Wall;
use crate::shell::words;
use crate::ua::guard::User;
use crate::users::policy::time::seconds;

impl Reader<'_, '_> {
    /// Warns of each rule that never fits: behind one that fits whenever it does, or of a date that is over.
    pub(super) fn doubt_rules(&mut self, places: &[usize], now: Wall) {
        let rules = &self.settings.rules;
        for (at, rule) in rules.list.iter().enumerate() {
            let place = places.get(at).copied().unwrap_or_default();
            let before = rules.list[..at].iter();
            let cover = before.enumerate().find(|(_, it)| covers(rules, it, rule));
            if let Some((earlier, it)) = cover {
                let what = format!(
                    "rule {} never fits: rule {}, in line {}, always fits before it",
                    at + 1,
                    earlier + 1,
                    it.line
                );
                self.faults
                    .warn(place, &what, "write it before that one, or leave it out");
                continue;
            }
            let today = seconds(now).map(|now| (now / 86_400) as i32);
            if let (Some((_, last)), Some(today)) = (rule.span.dates, today)
                && last < today - 1
            {
                let last = words::date_in_words(last);
                let what = format!("rule {} never fits any more: {last} is over", at + 1);
                self.faults
                    .warn(place, &what, "give it another date, or leave it out");
            }
        }
    }

    /// Warns of rules about somebody who has no password here, where others have one: mostly a name mistyped.
    pub(super) fn doubt_users(&mut self, places: &[usize], users: &[User]) {
        if users.is_empty() {
            return;
        }
        let rules = &self.settings.rules;
        for (at, (rule, place)) in rules.list.iter().zip(places).enumerate() {
            for name in rules.names_of(rule) {
                let Who::User(name) = name else { continue };
                if users.iter().all(|it| it.name() != name.as_str()) {
                    let what = format!("rule {} is about {name}, who is no user here", at + 1);
                    let remedy = format!("mend the name, or: lampfield user add {name}");
                    self.faults.warn(*place, &what, remedy);
                }
            }
        }
    }
}

/// Whether a rule fits whenever a later one does.
fn covers(rules: &Rules, rule: &Rule, later: &Rule) -> bool {
    let whom = rule.whom.is_empty()
        || (!later.whom.is_empty() && later.whom.iter().all(|it| rule.whom.contains(it)));
    let during = rule.during == During::ALWAYS || rule.during == later.during;
    rule.direction == later.direction
        && whom
        && during
        && rule.packages.covers(later.packages)
        && rule.span.covers(&later.span)
        && covers_names(rules, rule, later)
}

fn covers_names(rules: &Rules, rule: &Rule, later: &Rule) -> bool {
    let own = rules.names_of(rule);
    if own.contains(&Who::Everyone) {
        return true;
    }
    // What allows something does not fit strangers of that name, and what refuses does.
    let fits_strangers = rule.then != Then::Allow || later.then == Then::Allow;
    let mut names = rules.names_of(later).iter();
    names.all(|name| match name {
        Who::Everyone => false,
        Who::Uri(_) | Who::Domain(_) => fits_strangers && own.contains(name),
        Who::NobodyKnown | Who::User(_) | Who::Network(_) => own.contains(name),
    })
}
