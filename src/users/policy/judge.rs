//! Judgement: from who asks to what is ruled.

use super::decisions::Decided;
use super::names::{domain, of_domain, of_uri};
use super::rules::{Direction, Rule, Then, Who};
use super::time::{seconds, wall};
use super::{Act, Mask, Policy, Strangers, Watching};
use crate::events::identity::{Identity, UserId};
use crate::events::package::Package;
use crate::events::ruling::{Ruling, View};
use crate::events::subscription::Verdict;
use crate::ground::limits::RULES;
use crate::ground::network::Network;
use crate::ground::time::{Seconds, Wall};
use crate::wire::sip::{Host, Uri};
use core::net::IpAddr;

/// The pace of those who are told nothing while a rule holds: longer than anybody waits.
pub const SILENCE: Seconds = Seconds(u32::MAX);

/// What a ruling rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// The rule with that number, from 0.
    Rule(u8),
    /// What the owner decided, behind that rule or behind all.
    Decision(Option<u8>, Decided),
    /// It is in a trusted network.
    Trusted,
    /// It has shown who it is.
    User,
    /// It is a stranger, and those are refused, or wait.
    Stranger,
}

/// A name in a rule, ready to be compared.
#[derive(Clone, Copy, Debug)]
pub(super) enum Test {
    Everyone,
    NobodyKnown,
    User(UserId),
    Uri(u64),
    Domain(u64),
    Network(Network),
}

/// What the time of the day makes of the rules.
#[derive(Clone, Copy)]
pub(super) struct Clock {
    pub(super) wall: Wall,
    /// The rules whose time it is.
    pub(super) holds: Mask,
    /// When that changes, of each.
    next: [Option<Wall>; RULES],
}

/// Somebody whom rules may be about.
pub(super) struct Subject<'a> {
    pub(super) identity: Identity,
    pub(super) uri: &'a [u8],
    pub(super) address: Option<IpAddr>,
    /// The hash of its URI, once it was asked for; and of the domain in that.
    pub(super) name: Option<u64>,
    pub(super) domain: Option<u64>,
}

/// What came of a walk along the rules.
pub(super) struct Found {
    pub(super) rule: Option<u8>,
    pub(super) until: Option<Wall>,
}

/// How a name in a rule compares.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    No,
    /// It says so of itself, and nothing proves it.
    Unproven,
    Yes,
}

impl Clock {
    pub(super) const NEW: Clock = Clock {
        wall: Wall::UNSET,
        holds: 0,
        next: [None; RULES],
    };

    /// When the first rule changes.
    pub(super) fn first(&self) -> Option<Wall> {
        self.next.iter().flatten().min().copied()
    }
}

impl<'a> Subject<'a> {
    fn new(identity: Identity, uri: &'a [u8], address: Option<IpAddr>) -> Subject<'a> {
        Subject {
            identity,
            uri,
            address,
            name: None,
            domain: None,
        }
    }

    pub(super) fn of(who: &Watching<'a>) -> Subject<'a> {
        Subject::new(who.identity, who.watcher, Some(who.address))
    }
}

impl Policy {
    /// Whether this watcher may watch, and what it is told.
    pub fn judge(&self, who: Watching<'_>) -> Ruling {
        self.judge_by(&self.clock, &who).0
    }

    /// Whether a rule says that this watcher is served in some way, whatever becomes of others.
    pub fn serves_by_rule(&self, who: Watching<'_>) -> bool {
        let (ruling, basis, _) = self.judge_by(&self.clock, &who);
        match basis {
            Basis::Rule(_) | Basis::Decision(Some(_), _) => ruling.verdict != Verdict::Block,
            Basis::Decision(None, _) | Basis::Trusted | Basis::User | Basis::Stranger => false,
        }
    }

    /// By which rule, counted from 0, the owner of these rules does not want a watch of ours asked for.
    pub fn forbids(&self, target: &str, package: Package) -> Option<u8> {
        let rule = self.own_rule(Direction::Out, Some(target), Some(package))?;
        (self.rules[usize::from(rule)].then == Then::Block).then_some(rule)
    }

    /// How bright lamps may show what they know of a watch of ours, in percent of what they can, and by which rule,
    /// counted from 0: dark is 0. `None` where no rule fits. A lamp without a target shows something of our own.
    pub fn shines(&self, target: Option<&str>, package: Option<Package>) -> Option<(u8, u8)> {
        let number = self.own_rule(Direction::Hear, target, package)?;
        let rule = &self.rules[usize::from(number)];
        let bright = match rule.then {
            Then::Allow => rule.bright,
            Then::Block | Then::PoliteBlock | Then::Confirm => 0,
        };
        Some((bright, number))
    }

    /// The rule of that direction that decides about a watch of ours.
    fn own_rule(
        &self,
        direction: Direction,
        target: Option<&str>,
        package: Option<Package>,
    ) -> Option<u8> {
        let candidates = self.of_direction[direction as usize];
        if candidates == 0 {
            return None;
        }
        let of_package = package.map_or(Mask::MAX, |it| self.of_package[it as usize]);
        let anyway = self.mask(|rule| rule.whom.is_empty() && !rule.during.is_limited());
        let open = self.open.iter().fold(anyway, |all, open| all | open);
        let uri = target.unwrap_or_default().as_bytes();
        let mut subject = Subject::new(Identity::Network, uri, None);
        let found = self.walk(&self.clock, candidates & of_package & open, &mut subject);
        found.rule
    }

    /// Whether rules let a user do that for the presentity in that place; `None` where they say nothing of it.
    pub fn may_act(&self, user: UserId, place: u16, act: Act) -> Option<bool> {
        let direction = match act {
            Act::Publish => Direction::Publish,
            Act::Register => Direction::Register,
        };
        let candidates = self.of_direction[direction as usize] & self.open[usize::from(place)];
        let mut subject = Subject::new(Identity::User(user), b"", None);
        let found = self.walk(&self.clock, candidates, &mut subject);
        let rule = self.rules.get(usize::from(found.rule?))?;
        Some(rule.then == Then::Allow)
    }

    /// What is ruled by that clock, on what it rests, and which rule of `tell` has a part in it.
    pub(super) fn judge_by(
        &self,
        clock: &Clock,
        who: &Watching<'_>,
    ) -> (Ruling, Basis, Option<u8>) {
        let mut subject = Subject::of(who);
        let open = self.open[usize::from(who.place)] & self.of_package[who.package as usize];
        let own = open & self.of_direction[Direction::In as usize];
        let found = self.walk(clock, own, &mut subject);
        let (mut ruling, basis) = match found.rule {
            Some(rule) => self.by_rule(clock, who, rule),
            None => self.by_default(clock, who),
        };
        ruling.until = Wall::earlier(ruling.until, found.until);
        let tell = open & self.of_direction[Direction::Tell as usize];
        if tell == 0 || ruling.verdict == Verdict::Block || ruling.view == View::CLOSED {
            return (ruling, basis, None);
        }
        let told = self.walk(clock, tell, &mut subject);
        ruling.until = Wall::earlier(ruling.until, told.until);
        if let Some(rule) = told.rule {
            self.temper(&mut ruling, usize::from(rule));
        }
        (ruling, basis, told.rule)
    }

    /// What a rule of `in` says.
    fn by_rule(&self, clock: &Clock, who: &Watching<'_>, number: u8) -> (Ruling, Basis) {
        let rule = &self.rules[usize::from(number)];
        let allowed = Ruling {
            view: rule.view,
            pace: rule.pace,
            ..Ruling::plain(Verdict::Allow)
        };
        let ruling = match rule.then {
            Then::Allow => allowed,
            Then::Block => Ruling::plain(Verdict::Block),
            Then::PoliteBlock => closed(),
            Then::Confirm => match self.decided(clock, who) {
                None => Ruling::plain(Verdict::Confirm),
                Some((what, until)) => {
                    let ruling = Ruling {
                        until,
                        ..of_decision(what, allowed)
                    };
                    return (ruling, Basis::Decision(Some(number), what));
                }
            },
        };
        (ruling, Basis::Rule(number))
    }

    /// What is so where no rule fits.
    fn by_default(&self, clock: &Clock, who: &Watching<'_>) -> (Ruling, Basis) {
        let (verdict, basis) = match (who.identity, self.strangers) {
            (Identity::Network, _) => {
                return (Ruling::plain(Verdict::Allow), Basis::Trusted);
            }
            (Identity::Nobody, Strangers::Refuse) => {
                return (Ruling::plain(Verdict::Block), Basis::Stranger);
            }
            (Identity::User(_) | Identity::Certificate(_), _) => (Verdict::Allow, Basis::User),
            (Identity::Nobody, Strangers::Ask) => (Verdict::Confirm, Basis::Stranger),
        };
        match self.decided(clock, who) {
            None => (Ruling::plain(verdict), basis),
            Some((what, until)) => {
                let ruling = of_decision(what, Ruling::plain(Verdict::Allow));
                (Ruling { until, ..ruling }, Basis::Decision(None, what))
            }
        }
    }

    /// What a rule of `tell` makes of a ruling.
    fn temper(&self, ruling: &mut Ruling, rule: usize) {
        let rule = &self.rules[rule];
        match rule.then {
            Then::Allow | Then::Confirm => {
                ruling.view = ruling.view.with(rule.view);
                ruling.pace = ruling.pace.max(rule.pace);
            }
            Then::Block => ruling.pace = SILENCE,
            Then::PoliteBlock => {
                ruling.view = View::CLOSED;
                ruling.pace = Seconds::ZERO;
            }
        }
    }

    /// The first of the candidates that fits, and until when the clock makes no other of it.
    fn walk(&self, clock: &Clock, candidates: Mask, subject: &mut Subject<'_>) -> Found {
        let mut found = Found {
            rule: None,
            until: None,
        };
        let mut left = self.sift(candidates, subject);
        while left != 0 {
            let number = left.trailing_zeros() as usize;
            left &= left - 1;
            if self.fits(&self.rules[number], subject) != Fit::Yes {
                continue;
            }
            found.until = Wall::earlier(found.until, clock.next[number]);
            if clock.holds >> number & 1 == 1 {
                found.rule = Some(number as u8);
                break;
            }
        }
        found
    }

    /// The candidates without those that name one person, domain or user, and another one: most rules do, and a number
    /// tells.
    fn sift(&self, candidates: Mask, subject: &mut Subject<'_>) -> Mask {
        let [of_uri, of_domain, of_user] = self.of_one;
        let mut left = candidates;
        if candidates & of_uri != 0 {
            left &= !self.others(candidates & of_uri, self.name_of(subject));
        }
        if candidates & of_domain != 0 {
            left &= !self.others(candidates & of_domain, self.domain_of(subject));
        }
        if candidates & of_user != 0 {
            left &= !match subject.identity.name() {
                Some(user) => self.others(candidates & of_user, user.bits()),
                None => of_user,
            };
        }
        left
    }

    /// Those of these rules whose one name is another one.
    fn others(&self, rules: Mask, name: u64) -> Mask {
        let all = self.keys.iter().enumerate();
        let others = |mask, (at, key): (usize, &u64)| mask | Mask::from(*key != name) << at;
        rules & all.fold(0, others)
    }

    /// Whether a rule is about somebody.
    #[inline]
    pub(super) fn fits(&self, rule: &Rule, subject: &mut Subject<'_>) -> Fit {
        let (first, last) = rule.names;
        let tests = &self.tests[usize::from(first)..usize::from(last)];
        let mut fit = Fit::No;
        for test in tests {
            match self.passes(test, subject) {
                Fit::Yes => return Fit::Yes,
                // Whoever says so of himself may have it so, as long as it gives him nothing.
                Fit::Unproven if rule.then != Then::Allow => return Fit::Yes,
                Fit::Unproven => fit = Fit::Unproven,
                Fit::No => {}
            }
        }
        fit
    }

    #[inline]
    fn passes(&self, test: &Test, subject: &mut Subject<'_>) -> Fit {
        let sure = |is: bool| if is { Fit::Yes } else { Fit::No };
        let named = match test {
            Test::Everyone => return Fit::Yes,
            Test::NobodyKnown => return sure(subject.identity == Identity::Nobody),
            Test::User(user) => return sure(subject.identity.name() == Some(*user)),
            Test::Network(network) => {
                return sure(is_in(network, subject.address));
            }
            Test::Uri(hash) => self.name_of(subject) == *hash,
            Test::Domain(hash) => self.domain_of(subject) == *hash,
        };
        match named {
            true if subject.identity.is_known() => Fit::Yes,
            true => Fit::Unproven,
            false => Fit::No,
        }
    }

    /// The hash of a subject's URI; 0 without one, to which nothing is hashed on purpose.
    fn name_of(&self, subject: &mut Subject<'_>) -> u64 {
        let uri = subject.uri;
        let of = || Uri::parse(uri).map_or(0, |uri| of_uri(self.secret, &uri));
        *subject.name.get_or_insert_with(of)
    }

    /// The hash of the domain in that; 0 without one.
    fn domain_of(&self, subject: &mut Subject<'_>) -> u64 {
        let uri = subject.uri;
        let of = || Uri::parse(uri).map_or(0, |uri| of_domain(self.secret, &uri));
        *subject.domain.get_or_insert_with(of)
    }

    pub(super) fn test(&self, name: &Who) -> Test {
        match name {
            Who::Everyone => Test::Everyone,
            Who::NobodyKnown => Test::NobodyKnown,
            Who::User(user) => Test::User(self.user_id(user.as_bytes())),
            Who::Uri(text) => {
                Test::Uri(Uri::parse(text.as_bytes()).map_or(1, |uri| of_uri(self.secret, &uri)))
            }
            Who::Domain(text) => Test::Domain(
                Host::parse(text.as_bytes()).map_or(1, |host| domain(self.secret, &host)),
            ),
            Who::Network(network) => Test::Network(*network),
        }
    }

    /// What the rules make of that time.
    pub(super) fn clock_at(&self, wall_time: Wall) -> Clock {
        let mut clock = Clock {
            wall: wall_time,
            ..Clock::NEW
        };
        let now = seconds(wall_time);
        for (at, rule) in self.rules.iter().enumerate() {
            let holds = match now {
                _ if !rule.span.is_limited() => true,
                Some(now) => {
                    clock.next[at] = rule.span.next_change(&self.zone, now).map(wall);
                    rule.span.holds(self.zone.local(now))
                }
                None => !rule.grants(),
            };
            clock.holds |= Mask::from(holds) << at;
        }
        clock
    }
}

/// What becomes of a watcher about whom that was decided.
fn of_decision(what: Decided, allowed: Ruling) -> Ruling {
    match what {
        Decided::Allow => allowed,
        Decided::Block => Ruling::plain(Verdict::Block),
        Decided::PoliteBlock => closed(),
        Decided::Nothing => Ruling::plain(Verdict::Confirm),
    }
}

/// What somebody is told who shall not know that it is told nothing.
const fn closed() -> Ruling {
    Ruling {
        view: View::CLOSED,
        ..Ruling::plain(Verdict::Allow)
    }
}

/// Whether somebody is in a network. A call of its own: inside the walk what it takes is worked out for each rule.
#[inline(never)]
fn is_in(network: &Network, address: Option<IpAddr>) -> bool {
    address.is_some_and(|address| network.contains(address))
}
