//! Policy: who may watch (RFC 6665 §4.2.1.1).
//!
//! Who is in a trusted network may watch. What becomes of strangers, all the others, is the owner's choice: they get
//! 403, or they wait until the owner decides about each. Digest authentication and the owner's rules take their
//! place beside it and give the same verdicts.

use crate::events::identity::{Identity, UserId};
use crate::events::package::Package;
use crate::events::ruling::Ruling;
use crate::events::subscription::Verdict;
use crate::ground::limits::{DECISIONS, TRUSTED, USERS};
use crate::ground::network::Network;
use crate::ground::random::Secret;
use crate::ground::table::{Index, cells};
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

/// A watcher as the owner decides about it. Its URI proves nothing, but its NOTIFYs go to its address.
#[derive(Clone, Copy, Debug)]
pub struct Watching<'a> {
    /// Whom it watches, as a URI.
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

/// Whose requests are served, and what the owner has decided.
pub struct Policy {
    trusted: Vec<Network, TRUSTED>,
    strangers: Strangers,
    users: Vec<UserId, USERS>,
    decided: Decisions,
}

impl Policy {
    /// Trusts nobody.
    pub const fn new() -> Policy {
        Policy {
            trusted: Vec::new(),
            strangers: Strangers::Refuse,
            users: Vec::new(),
            decided: Decisions::new(),
        }
    }

    /// Takes the secret that strangers' URIs are hashed under. Before the first decision only.
    pub fn seed(&mut self, secret: Secret) {
        self.decided.secret = secret;
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

    /// The user of that name, whether there is one or not.
    pub fn user_id(&self, name: &[u8]) -> UserId {
        let hasher = self.decided.secret.hasher();
        UserId::from_bits(hasher.part(b"user").part(name).finish())
    }

    /// The owner decided. It counts until the agent ends, or until [`DECISIONS`] newer ones.
    pub fn decide(&mut self, who: Watching<'_>, may: bool) {
        self.decided.set(who, may);
    }

    /// What the owner decided, the oldest first: by keys under the secret, which say nothing without it.
    pub fn decisions(&self) -> impl Iterator<Item = (u64, bool)> {
        self.decided.iter().map(|it| (it.key, it.may))
    }

    /// Takes back a decision of before a restart, under the same secret.
    pub fn recall(&mut self, key: u64, may: bool) {
        self.decided.put(key, may);
    }

    /// Whether requests of every kind from `address` are served.
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(address))
    }

    /// Who somebody at `address` is who proved to be `identity` once: what users there are and what networks are trusted
    /// may have changed since.
    pub fn identity_now(&self, identity: Identity, address: IpAddr) -> Identity {
        match identity {
            Identity::User(user) if self.users.contains(&user) => identity,
            Identity::User(_) | Identity::Network | Identity::Nobody => {
                match self.trusts(address) {
                    true => Identity::Network,
                    false => Identity::Nobody,
                }
            }
        }
    }

    /// Whether somebody may watch of whom only this is known.
    pub fn admits(&self, identity: Identity) -> Verdict {
        match self.strangers {
            _ if identity.is_known() => Verdict::Allow,
            Strangers::Refuse => Verdict::Block,
            Strangers::Ask => Verdict::Confirm,
        }
    }

    /// Whether this watcher may watch, and what it is told.
    pub fn judge(&self, who: Watching<'_>) -> Ruling {
        Ruling::plain(match (self.admits(who.identity), self.decided.get(who)) {
            (Verdict::Confirm, Some(true)) => Verdict::Allow,
            (Verdict::Confirm, Some(false)) => Verdict::Block,
            (verdict, _) => verdict,
        })
    }
}

impl Default for Policy {
    fn default() -> Policy {
        Policy::new()
    }
}

/// The owner's last decisions. Full: the oldest makes way, and that watcher waits once more.
struct Decisions {
    secret: Secret,
    kept: [Decision; DECISIONS],
    by_key: Index<{ cells(DECISIONS) }>,
    /// How many were made so far.
    made: usize,
}

/// What the owner decided about one watcher.
#[derive(Clone, Copy, Debug)]
pub struct Decision {
    key: u64,
    may: bool,
}

impl Decisions {
    const fn new() -> Decisions {
        Decisions {
            secret: Secret::new(),
            kept: [Decision { key: 0, may: false }; DECISIONS],
            by_key: Index::new(),
            made: 0,
        }
    }

    fn set(&mut self, who: Watching<'_>, may: bool) {
        self.put(self.key(who), may);
    }

    fn iter(&self) -> impl Iterator<Item = Decision> {
        let first = self.made.saturating_sub(DECISIONS);
        (first..self.made).map(|number| self.kept[number % DECISIONS])
    }

    fn put(&mut self, key: u64, may: bool) {
        if let Some(slot) = self.find(key) {
            self.kept[slot].may = may;
            return;
        }
        let slot = self.made % DECISIONS;
        if self.made >= DECISIONS {
            self.by_key.remove(self.kept[slot].key, slot as u16);
        }
        self.kept[slot] = Decision { key, may };
        self.by_key.insert(key, slot as u16);
        self.made += 1;
    }

    fn get(&self, who: Watching<'_>) -> Option<bool> {
        if self.made == 0 {
            return None;
        }
        self.find(self.key(who)).map(|slot| self.kept[slot].may)
    }

    fn find(&self, key: u64) -> Option<usize> {
        let is_it = |slot: u16| self.kept[usize::from(slot)].key == key;
        self.by_key.find(key, is_it).map(usize::from)
    }

    fn key(&self, who: Watching<'_>) -> u64 {
        let hasher = self.secret.hasher();
        let hasher = hasher.part(who.presentity.as_bytes()).part(who.watcher);
        match who.address.to_canonical() {
            IpAddr::V4(address) => hasher.part(&address.octets()).finish(),
            IpAddr::V6(address) => hasher.part(&address.octets()).finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::format;
    use std::string::ToString;

    fn policy(strangers: Strangers) -> Policy {
        let mut policy = Policy::new();
        let mut trusted = Vec::new();
        let network = Network::parse("192.0.2.0/24").expect("a network");
        trusted.push(network).expect("room");
        policy.trust(&trusted, strangers);
        policy
    }

    fn watching<'a>(watcher: &'a str, address: &str) -> Watching<'a> {
        let address: IpAddr = address.parse().expect("an address");
        Watching {
            presentity: "sip:desk@192.0.2.1",
            package: Package::Presence,
            identity: match address.to_string().starts_with("192.0.2.") {
                true => Identity::Network,
                false => Identity::Nobody,
            },
            watcher: watcher.as_bytes(),
            address,
        }
    }

    #[test]
    fn strangers_are_refused_or_wait_and_neighbours_may_watch() {
        let bob =
            |policy: &Policy, address| policy.judge(watching("sip:bob@host", address)).verdict;
        let (refusing, asking) = (policy(Strangers::Refuse), policy(Strangers::Ask));
        assert_eq!(bob(&refusing, "192.0.2.7"), Verdict::Allow);
        assert_eq!(bob(&asking, "192.0.2.7"), Verdict::Allow);
        assert_eq!(bob(&refusing, "198.51.100.7"), Verdict::Block);
        assert_eq!(bob(&asking, "198.51.100.7"), Verdict::Confirm);
    }

    #[test]
    fn a_decision_is_about_one_watcher_at_one_address_and_one_presentity() {
        let mut policy = policy(Strangers::Ask);
        let bob = watching("sip:bob@host", "198.51.100.7");
        policy.decide(bob, true);
        assert_eq!(policy.judge(bob).verdict, Verdict::Allow);
        for other in [
            watching("sip:bob@host", "198.51.100.8"),
            watching("sip:ann@host", "198.51.100.7"),
            Watching {
                presentity: "sip:door@192.0.2.1",
                ..bob
            },
        ] {
            assert_eq!(policy.judge(other).verdict, Verdict::Confirm, "{other:?}");
        }
        policy.decide(bob, false);
        assert_eq!(
            policy.judge(bob).verdict,
            Verdict::Block,
            "the last word counts"
        );
    }

    #[test]
    fn the_oldest_decision_makes_way() {
        let mut policy = policy(Strangers::Ask);
        let names: std::vec::Vec<_> = (0..3 * DECISIONS).map(|at| format!("sip:{at}@h")).collect();
        for (at, name) in names.iter().enumerate() {
            policy.decide(watching(name, "198.51.100.7"), true);
            for (before, name) in names[..=at].iter().enumerate() {
                let verdict = policy.judge(watching(name, "198.51.100.7")).verdict;
                let is_kept = before + DECISIONS > at;
                assert_eq!(verdict == Verdict::Allow, is_kept, "{before} of {at}");
            }
        }
    }
}
