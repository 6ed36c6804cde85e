//! The owner's rules among the settings.

pub use crate::users::policy::{
    Days, Direction, During, Packages, Rule, Rules, Span, Then, Who, Zone,
};

use super::{Invalid, Settings};
use crate::events::ruling::View;
use crate::ground::time::Seconds;

impl Settings {
    /// Whether rules speak of what there is, and say nothing that has no meaning.
    pub(super) fn validate_rules(&self) -> Result<(), Invalid> {
        let rules = &self.rules;
        for (at, rule) in rules.list.iter().enumerate() {
            let (first, last) = rule.names;
            let has_names = first < last && usize::from(last) <= rules.names.len();
            let names = rules.names_of(rule).iter();
            let is_good = has_names
                && names.into_iter().all(|name| is_fit(name, rule.direction))
                && is_meaningful(rule)
                && rule
                    .view
                    .note()
                    .is_none_or(|note| usize::from(note) < rules.notes.len());
            let mut whom = rule.whom.iter();
            if !is_good || whom.any(|it| usize::from(*it) >= self.presentities.len()) {
                return Err(Invalid::Rule(at));
            }
        }
        Ok(())
    }
}

/// Whether a rule of that direction can be about such names.
pub fn is_fit(name: &Who, direction: Direction) -> bool {
    match (name, direction) {
        (_, Direction::In | Direction::Tell) | (Who::Everyone, _) => true,
        (Who::Uri(_) | Who::Domain(_), Direction::Out | Direction::Hear) => true,
        (Who::User(_), Direction::Publish | Direction::Register) => true,
        (Who::User(_) | Who::NobodyKnown | Who::Network(_), Direction::Out | Direction::Hear) => {
            false
        }
        (
            Who::Uri(_) | Who::Domain(_) | Who::NobodyKnown | Who::Network(_),
            Direction::Publish | Direction::Register,
        ) => false,
    }
}

/// Whether a rule of that direction can say that.
pub fn can_say(direction: Direction, then: Then) -> bool {
    match (direction, then) {
        (_, Then::Allow | Then::Block) => true,
        (Direction::In, Then::PoliteBlock | Then::Confirm) => true,
        (Direction::Tell, Then::PoliteBlock) => true,
        (Direction::Tell, Then::Confirm) => false,
        (
            Direction::Out | Direction::Hear | Direction::Publish | Direction::Register,
            Then::PoliteBlock | Then::Confirm,
        ) => false,
    }
}

/// Whether all that a rule says goes together.
fn is_meaningful(rule: &Rule) -> bool {
    let shows_less = rule.view != View::FULL || rule.pace != Seconds::ZERO;
    let may_show_less = rule.direction.is_about_watchers()
        && match rule.then {
            Then::Allow | Then::Confirm => true,
            Then::Block | Then::PoliteBlock => false,
        };
    let may_dim = rule.direction == Direction::Hear && rule.then == Then::Allow;
    let is_bright = rule.bright == 100 || (may_dim && (1..100).contains(&rule.bright));
    can_say(rule.direction, rule.then) && (may_show_less || !shows_less) && is_bright
}
