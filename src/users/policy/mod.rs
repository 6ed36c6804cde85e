//! Policy: who may watch (RFC 6665 §4.2.1.1), what it sees and how often it is told; and for our own side, whom our lamps
//! ask and what they show.
//!
//! One ruling comes of two rules. Among those of direction `in` the first that fits says whether somebody may watch. Where
//! none fits, who is in a trusted network or has shown who it is may watch; what becomes of strangers, all the others, is
//! the owner's choice: they get 403, or they wait until the owner decides about each. What the owner decided counts where
//! a rule says `confirm`, or no rule fits and the watcher is not there by its network alone.
//!
//! Of those who may watch, the first rule of direction `tell` that fits says what they are told while it lasts. What
//! either rule hides is hidden, and the longer of two paces counts. `block` there means that nothing is told for as long
//! ([`SILENCE`]); the subscription goes on.
//!
//! A name in From proves nothing of strangers, so a rule that names a URI or a domain fits them only if it allows nothing.
//!
//! Whether a rule's time has come is worked out beforehand ([`Policy::tick`]), and so is whom and what it is about: a
//! judgement looks at bits, and at the names of the few rules that are left.

mod decisions;
mod judge;
mod names;
mod rules;
pub mod time;
mod trial;
mod word;

pub use decisions::{Decided, Decision};
pub use judge::{Basis, SILENCE};
pub use rules::{Direction, During, Packages, Rule, Rules, Then, Who};
pub use time::{Change, Days, Local, Span, Zone};
pub use trial::{Misfit, Trial};

use self::decisions::Decisions;
use self::judge::{Clock, Test};
use crate::events::identity::{Identity, UserId};
use crate::events::package::Package;
use crate::events::subscription::Verdict;
use crate::ground::limits::{PRESENTITIES, RULE_NAMES, RULES, TRUSTED, USERS};
use crate::ground::network::Network;
use crate::ground::random::Secret;
use crate::ground::time::Wall;
use core::net::IpAddr;
use heapless::Vec;

/// What becomes of watchers outside the trusted networks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strangers {
    /// They are refused.
    #[default]
    Refuse,
    /// They wait for the owner.
    Ask,
}

/// A watcher as the policy sees it. Its URI proves nothing, but its NOTIFYs go to its address.
#[derive(Clone, Copy, Debug)]
pub struct Watching<'a> {
    /// Whom it watches, by its place in the table of presentities.
    pub place: u16,
    /// The same, as a URI.
    pub presentity: &'a str,
    /// In which package.
    pub package: Package,
    /// Who it is, as far as it is proven.
    pub identity: Identity,
    /// The URI it gives itself.
    pub watcher: &'a [u8],
    /// Where it is.
    pub address: IpAddr,
}

/// What somebody does for a presentity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Publishes its state.
    Publish,
    /// Registers a phone for it.
    Register,
}

/// Bits of rules, the first rule's lowest.
type Mask = u32;

const _: () = assert!(RULES <= Mask::BITS as usize, "a bit for each rule");

/// Whose requests are served, what the rules say, and what the owner has decided.
pub struct Policy {
    trusted: Vec<Network, TRUSTED>,
    strangers: Strangers,
    users: Vec<UserId, USERS>,
    secret: Secret,
    decided: Decisions,
    rules: Vec<Rule, RULES>,
    /// The names in the rules, ready to be compared.
    tests: Vec<Test, RULE_NAMES>,
    /// The rules that have one name alone: a URI, a domain, a user; and that name as a number.
    of_one: [Mask; 3],
    keys: [u64; RULES],
    of_direction: [Mask; Direction::COUNT],
    of_package: [Mask; Package::ALL.len()],
    /// The rules about each presentity, as it is now.
    open: [Mask; PRESENTITIES],
    /// What the owner of each does.
    doing: [During; PRESENTITIES],
    /// Which presentity of the settings is in each place, counted from 1.
    number: [u16; PRESENTITIES],
    zone: Zone,
    clock: Clock,
}

impl Policy {
    /// Trusts nobody.
    pub const fn new() -> Policy {
        Policy {
            trusted: Vec::new(),
            strangers: Strangers::Refuse,
            users: Vec::new(),
            secret: Secret::new(),
            decided: Decisions::new(),
            rules: Vec::new(),
            tests: Vec::new(),
            of_one: [0; 3],
            keys: [0; RULES],
            of_direction: [0; Direction::COUNT],
            of_package: [0; Package::ALL.len()],
            open: [0; PRESENTITIES],
            doing: [During::ALWAYS; PRESENTITIES],
            number: [0; PRESENTITIES],
            zone: Zone::UTC,
            clock: Clock::NEW,
        }
    }

    /// Takes the secret that names are hashed under. Before the first decision, and before the rules.
    pub fn seed(&mut self, secret: Secret) {
        self.secret = secret;
    }

    /// Trusts these networks from now on, and treats strangers like that.
    pub fn trust(&mut self, networks: &Vec<Network, TRUSTED>, strangers: Strangers) {
        self.trusted.clone_from(networks);
        self.strangers = strangers;
    }

    /// There are users of these names from now on, and no others.
    pub fn know<'a>(&mut self, names: impl Iterator<Item = &'a str>) {
        self.users.clear();
        for name in names {
            let _ = self.users.push(self.user_id(name.as_bytes())); // There are no more than it holds.
        }
    }

    /// Takes other rules. `places` says for each presentity of the settings in which place of the table it is.
    pub fn set_rules(&mut self, rules: &Rules, places: impl IntoIterator<Item = u16>, wall: Wall) {
        self.rules.clear();
        let _ = self.rules.extend_from_slice(&rules.list); // There is room for as many.
        self.tests.clear();
        for name in &rules.names {
            let _ = self.tests.push(self.test(name));
        }
        self.of_direction = [0; Direction::COUNT];
        self.of_package = [0; Package::ALL.len()];
        self.of_one = [0; 3];
        for (at, rule) in self.rules.iter().enumerate() {
            if let Some((kind, key)) = one_name(rule, &self.tests) {
                self.of_one[kind] |= 1 << at;
                self.keys[at] = key;
            }
            self.of_direction[rule.direction as usize] |= 1 << at;
            for package in Package::ALL {
                let has = Mask::from(rule.packages.has(package));
                self.of_package[package as usize] |= has << at;
            }
        }
        self.number = [0; PRESENTITIES];
        for (number, place) in (1..).zip(places) {
            self.number[usize::from(place)] = number;
        }
        for place in 0..PRESENTITIES {
            self.open[place] = self.open_at(place);
        }
        self.tick(wall);
    }

    /// The owner of the presentity in that place does this now. Whether some rule asks for it.
    pub fn set_doing(&mut self, place: u16, doing: During) -> bool {
        let place = usize::from(place);
        if core::mem::replace(&mut self.doing[place], doing) == doing {
            return false;
        }
        let open = self.open_at(place);
        core::mem::replace(&mut self.open[place], open) != open
    }

    /// The local time of the device.
    pub fn set_zone(&mut self, zone: Zone, wall: Wall) {
        self.zone = zone;
        self.tick(wall);
    }

    /// It is so late now: what rules say is as the clock wants it, until [`Policy::next_change`]. Whether that makes a
    /// difference.
    pub fn tick(&mut self, wall: Wall) -> bool {
        let clock = self.clock_at(wall);
        let before = core::mem::replace(&mut self.clock, clock);
        before.holds != self.clock.holds
            || self.decided.counting(before.wall) != self.decided.counting(wall)
    }

    /// When [`Policy::tick`] is due.
    pub fn next_change(&self) -> Option<Wall> {
        let first = self.decided.next_end(self.clock.wall);
        self.clock.first().into_iter().chain(first).min()
    }

    /// The local time of the device.
    pub fn zone(&self) -> &Zone {
        &self.zone
    }

    /// Whether requests of every kind from `address` are served.
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(address))
    }

    /// The user of that name, whether there is one or not.
    pub fn user_id(&self, name: &[u8]) -> UserId {
        UserId::from_bits(self.secret.hasher().part(b"user").part(name).finish())
    }

    /// Who somebody at `address` is who proved to be `identity` once: what users there are and what networks are trusted
    /// may have changed since.
    pub fn identity_now(&self, identity: Identity, address: IpAddr) -> Identity {
        match identity {
            Identity::User(user) if self.users.contains(&user) => identity,
            Identity::Certificate(_) => identity,
            Identity::User(_) | Identity::Network | Identity::Nobody => {
                match self.trusts(address) {
                    true => Identity::Network,
                    false => Identity::Nobody,
                }
            }
        }
    }

    /// Whether somebody may watch of whom only this is known. `Confirm` means that it depends: on the owner, or on a
    /// rule.
    pub fn admits(&self, identity: Identity) -> Verdict {
        match self.strangers {
            _ if identity.is_known() => Verdict::Allow,
            Strangers::Refuse if !self.lets_strangers_in() => Verdict::Block,
            Strangers::Refuse | Strangers::Ask => Verdict::Confirm,
        }
    }

    fn lets_strangers_in(&self) -> bool {
        let mut rules = self.rules.iter();
        rules.any(|rule| rule.direction == Direction::In && rule.then != Then::Block)
    }

    /// The rules about the presentity in that place while its owner does what he does.
    fn open_at(&self, place: usize) -> Mask {
        let number = self.number[place];
        let doing = self.doing[place];
        self.mask(|rule| {
            let is_meant = rule.whom.is_empty() || rule.whom.iter().any(|it| it + 1 == number);
            number != 0 && is_meant && rule.during.holds(doing)
        })
    }

    /// The rules that are like that.
    fn mask(&self, is: impl Fn(&Rule) -> bool) -> Mask {
        let all = self.rules.iter().enumerate();
        all.fold(0, |mask, (at, rule)| mask | Mask::from(is(rule)) << at)
    }
}

/// The one name that a rule has, as a number, and whether it is a URI, a domain or a user.
fn one_name(rule: &Rule, tests: &[Test]) -> Option<(usize, u64)> {
    let (first, last) = rule.names;
    let [test] = tests.get(usize::from(first)..usize::from(last))? else {
        return None;
    };
    match *test {
        Test::Uri(key) => Some((0, key)),
        Test::Domain(key) => Some((1, key)),
        Test::User(user) => Some((2, user.bits())),
        Test::Everyone | Test::NobodyKnown | Test::Network(_) => None,
    }
}

impl Default for Policy {
    fn default() -> Policy {
        Policy::new()
    }
}

#[cfg(test)]
mod tests;
