//! The owner's rules, as they are written: who, whom, what, when, and what then.

use super::time::Span;
use crate::events::package::Package;
use crate::events::ruling::View;
use crate::ground::limits::{
    HOST, NOTE, RULE_NAMES, RULE_NOTES, RULE_PRESENTITIES, RULES, URI, USER,
};
use crate::ground::network::Network;
use crate::ground::text::Text;
use crate::ground::time::Seconds;
use heapless::Vec;

/// The rules in their order, and the names and notes that they speak of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// The first that fits decides.
    pub list: Vec<Rule, RULES>,
    /// Whom they are about; each rule has a part of its own.
    pub names: Vec<Who, RULE_NAMES>,
    /// What is told in place of the presentity's note.
    pub notes: Vec<Text<NOTE>, RULE_NOTES>,
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The line it begins in, where it comes from a file.
    pub line: u32,
    /// Which of [`Rules::names`] it is about: from the first to before the last.
    pub names: (u8, u8),
    /// Whom they watch: numbers of presentities in the settings; none for all.
    pub whom: Vec<u16, RULE_PRESENTITIES>,
    /// In which packages.
    pub packages: Packages,
    /// What it rules.
    pub direction: Direction,
    /// When.
    pub span: Span,
    /// While the presentity is like that.
    pub during: During,
    /// What then.
    pub then: Then,
    /// What is seen then.
    pub view: View,
    /// No more often than once in so many seconds; zero: as often as anybody.
    pub pace: Seconds,
    /// Of `hear`: lamps shine with so many percent of what they can, 1 to 100, and never brighter than their board says.
    pub bright: u8,
}

/// Somebody a rule is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// Everybody, proven or not.
    Everyone,
    /// Those of whom nothing is proven.
    NobodyKnown,
    /// Who knows the password of that user, or has a certificate of that name.
    User(Text<USER>),
    /// Who has that address of record.
    Uri(Text<URI>),
    /// Those whose address of record is in that domain.
    Domain(Text<HOST>),
    /// Those who are there.
    Network(Network),
}

/// What a rule rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// Who watches us.
    #[default]
    In,
    /// What those are told.
    Tell,
    /// Whom our lamps ask.
    Out,
    /// What lamps show of what they are told.
    Hear,
    /// Who publishes for whom.
    Publish,
    /// Who registers for whom.
    Register,
}

/// What becomes of those whom a rule fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// They may; of `tell`: they are told, as the rule's view and pace say.
    Allow,
    /// They may not: 403; of `tell`: they are told nothing for as long.
    Block,
    /// They are told what is told of somebody who is closed.
    PoliteBlock,
    /// They wait until the owner decides.
    Confirm,
}

/// What the owner of a presentity does while a rule holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct During {
    /// Does not want to be disturbed.
    pub dnd: bool,
    /// Is away.
    pub away: bool,
}

/// Event packages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packages(u8);

impl Rules {
    /// None.
    pub const fn new() -> Rules {
        Rules {
            list: Vec::new(),
            names: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Whom a rule is about.
    pub fn names_of(&self, rule: &Rule) -> &[Who] {
        let (first, last) = rule.names;
        let names = self.names.get(usize::from(first)..usize::from(last));
        names.unwrap_or_default()
    }

    /// Whether one of the rules depends on the time.
    pub fn has_times(&self) -> bool {
        self.list.iter().any(|rule| rule.span.is_limited())
    }

    /// Becomes equal to `other` without a copy on the stack.
    pub fn copy_from(&mut self, other: &Rules) {
        self.clear();
        // They have the same capacity.
        let _ = self.list.extend_from_slice(&other.list);
        let _ = self.names.extend_from_slice(&other.names);
        let _ = self.notes.extend_from_slice(&other.notes);
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.list.clear();
        self.names.clear();
        self.notes.clear();
    }
}

impl Rule {
    /// A rule about those names, for all presentities and packages, at all times, that allows everything.
    pub const fn new(direction: Direction, names: (u8, u8)) -> Rule {
        Rule {
            line: 0,
            names,
            whom: Vec::new(),
            packages: Packages::ALL,
            direction,
            span: Span::ALWAYS,
            during: During::ALWAYS,
            then: Then::Allow,
            view: View::FULL,
            pace: Seconds::ZERO,
            bright: 100,
        }
    }

    /// Whether it gives somebody something: then it has to be sure of the time, too. What only says that less is told
    /// gives nothing.
    pub fn grants(&self) -> bool {
        let tells_more = self.view.shows_parties();
        let tells_less = self.view != View::FULL || self.pace != Seconds::ZERO;
        match self.then {
            Then::Allow => tells_more || !(tells_less && self.direction == Direction::Tell),
            Then::Block | Then::PoliteBlock | Then::Confirm => false,
        }
    }
}

impl Direction {
    /// How many there are.
    pub const COUNT: usize = Direction::ALL.len();

    /// All of them, in the order of their numbers.
    pub const ALL: [Direction; 6] = [
        Direction::In,
        Direction::Tell,
        Direction::Out,
        Direction::Hear,
        Direction::Publish,
        Direction::Register,
    ];

    /// The word in a configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Direction::In => "in",
            Direction::Tell => "tell",
            Direction::Out => "out",
            Direction::Hear => "hear",
            Direction::Publish => "publish",
            Direction::Register => "register",
        }
    }
}

impl Direction {
    /// Whether it rules about those who watch us.
    pub const fn is_about_watchers(self) -> bool {
        match self {
            Direction::In | Direction::Tell => true,
            Direction::Out | Direction::Hear | Direction::Publish | Direction::Register => false,
        }
    }
}

impl Then {
    /// All there are.
    pub const ALL: [Then; 4] = [Then::Allow, Then::Block, Then::PoliteBlock, Then::Confirm];

    /// The word in a configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Then::Allow => "allow",
            Then::Block => "block",
            Then::PoliteBlock => "polite-block",
            Then::Confirm => "confirm",
        }
    }
}

impl During {
    /// Whatever they do.
    pub const ALWAYS: During = During {
        dnd: false,
        away: false,
    };

    /// Whether it depends on what they do.
    pub fn is_limited(self) -> bool {
        self != During::ALWAYS
    }

    /// Whether that is so while they do `now`: of two things one is enough.
    pub const fn holds(self, now: During) -> bool {
        !(self.dnd || self.away) || (self.dnd && now.dnd) || (self.away && now.away)
    }
}

impl Packages {
    /// All of them.
    pub const ALL: Packages = Packages(u8::MAX);
    /// None.
    pub const NONE: Packages = Packages(0);

    /// These and one more.
    #[must_use]
    pub const fn with(self, package: Package) -> Packages {
        Packages(self.0 | 1 << package as u8)
    }

    /// Whether it is among them.
    pub const fn has(self, package: Package) -> bool {
        self.0 >> package as u8 & 1 == 1
    }

    /// Whether all of those are among them.
    pub const fn covers(self, others: Packages) -> bool {
        self.0 & others.0 == others.0
    }
}

const _: () = assert!(Package::ALL.len() <= 8, "a bit for each package");
