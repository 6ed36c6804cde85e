//! The owner's word about single watchers: who is meant by it, and when it counts.

use super::decisions::{Decided, Decision};
use super::judge::{Basis, Clock};
use super::names::{address, address_hash};
use super::rules::Then;
use super::{Policy, Strangers, Watching};
use crate::events::identity::UserId;
use crate::events::package::Package;
use crate::ground::time::Wall;
use core::net::IpAddr;

impl Policy {
    /// The owner decided about this watcher, in its package or in all of them, until then or for good.
    /// [`Decided::Nothing`] takes back what was decided before.
    pub fn decide(
        &mut self,
        who: &Watching<'_>,
        package: Option<Package>,
        what: Decided,
        until: Option<Wall>,
    ) {
        let key = self.key(who, package);
        let (name, place) = (self.name_hash(who.watcher), self.place_hash(who));
        self.decided
            .put(Decision::new(key, (name, place), what, until));
        if package.is_none() {
            // What holds for all counts for each, whatever was said of it before.
            for package in Package::ALL {
                let key = self.key(who, Some(package));
                self.decided.forget(|it| it.key == key);
            }
        }
    }

    /// Takes back what was decided about those who give themselves this name; how many decisions that were.
    pub fn forget_named(&mut self, name: &[u8]) -> usize {
        let name = self.name_hash(name);
        self.decided.forget(|it| it.name == name)
    }

    /// The same of those at an address.
    pub fn forget_at(&mut self, address: IpAddr) -> usize {
        let place = address_hash(self.secret, address);
        self.decided.forget(|it| it.place == place)
    }

    /// The same of a user.
    pub fn forget_user(&mut self, user: UserId) -> usize {
        self.decided.forget(|it| it.place == user.bits())
    }

    /// What the owner decided, the oldest first: by keys under the secret, which say nothing without it.
    pub fn decisions(&self) -> impl Iterator<Item = Decision> {
        self.decided.iter()
    }

    /// Takes back a decision of before a restart, under the same secret.
    pub fn recall(&mut self, decision: Decision) {
        self.decided.put(decision);
    }

    /// Whether the owner's word counts about this watcher.
    pub fn asks_about(&self, who: &Watching<'_>) -> bool {
        let (_, basis, _) = self.judge_by(&self.clock, who);
        match basis {
            Basis::Rule(rule) => self.rules[usize::from(rule)].then == Then::Confirm,
            Basis::Decision(..) | Basis::User => true,
            Basis::Stranger => self.strangers == Strangers::Ask,
            Basis::Trusted => false,
        }
    }

    /// What tells this watcher from others, for those who count them.
    pub fn key_of(&self, who: &Watching<'_>) -> u64 {
        self.key(who, None)
    }

    pub(super) fn decided(
        &self,
        clock: &Clock,
        who: &Watching<'_>,
    ) -> Option<(Decided, Option<Wall>)> {
        if self.decided.is_empty() {
            return None;
        }
        let one = self
            .decided
            .get(self.key(who, Some(who.package)), clock.wall);
        one.or_else(|| self.decided.get(self.key(who, None), clock.wall))
    }

    /// A user is who it is wherever it comes from; of others the name and the address count together.
    fn key(&self, who: &Watching<'_>, package: Option<Package>) -> u64 {
        let package = [package.map_or(u8::MAX, |it| it as u8)];
        let hasher = self.secret.hasher();
        let hasher = hasher.part(who.presentity.as_bytes()).part(&package);
        let hasher = match who.identity.name() {
            Some(user) => hasher.part(b"user").part(&user.bits().to_be_bytes()),
            None => address(hasher.part(who.watcher), who.address),
        };
        hasher.finish()
    }

    fn place_hash(&self, who: &Watching<'_>) -> u64 {
        match who.identity.name() {
            Some(user) => user.bits(),
            None => address_hash(self.secret, who.address),
        }
    }

    fn name_hash(&self, name: &[u8]) -> u64 {
        self.secret.hasher().part(b"name").part(name).finish()
    }
}
