//! What we are at the servers above us: registered (RFC 3261 §10, 5626, 5627) and published (RFC 3903 §4).
//!
//! A *link* is one account at one server, or at several in the order of their priority. Three kinds of request go over
//! it, one of each at a time: REGISTER, PUBLISH once we are registered (or need not be), and OPTIONS or a Binding
//! request of STUN to keep a NAT open.
//!
//! ```text
//!   one kind                                        the link
//!     ┌─────────┐  due, changed   ┌────────┐          a server fails: no answer, unreachable, 5xx, flow lost
//!     │ Resting ├────────────────►│ Asking │            ──► the next in order, at once
//!     └────▲────┘                 └───┬────┘            ──► all failed: 15 to 30 s after the first of them
//!          ├── 200: refresh in time ──┤               a second-best one works
//!          ├── refused: slower ───────┤                 ──► another look at the best after ten minutes
//!          └── 401, 407, 423, 412, 3xx: once more ◄─────┘
//! ```
//!
//! Whatever fails is tried again within bounded, random time; nothing is ever given up. A server that answers that it is
//! not well is left alone for longer each time, up to half an hour (RFC 5626 §4.5). One that does not answer is not: it
//! has no load that we could add to, and the lamps of the account wait for us to find it back.
//!
//! Which server that is, and the way there, is the link's [`Outbound`]; the watches of the account go the same way.
//! Whenever it leads elsewhere, and a request was granted there, they hear of it ([`Upstreams::take_moved`]).
//!
//! Registration and publication are one role because they share the account, the server in use and what it says of our
//! address: a server that fails one of them has failed both.

mod answer;
mod called;
mod change;
mod dialect;
mod errand;
mod hosts;
mod link;
mod outage;
mod poll;
mod probe;
mod publication;
mod registration;
mod status;
mod terms;
#[cfg(test)]
mod tests;
mod timers;
mod wire;

pub use dialect::{Devices, Dialect};
pub use link::{Link, Order};
pub use poll::Around;
pub use registration::Instance;
pub use status::{Report, Stands};

use self::errand::{Errand, Kind};
use self::link::Stun;
use crate::events::package::Pace;
use crate::events::presentity::Presentity;
use crate::ground::limits::UPSTREAMS;
use crate::ground::random::Random;
use crate::ground::table::{Id, Queue, Table};
use crate::ground::text::TooLong;
use crate::ground::time::{Duration, Instant};
use crate::ground::timers::Timers;
use crate::ua::addresses::LocalAddresses;
use crate::ua::outbound::Outbound;
use crate::ua::reach::News;

/// Links kept at once: those in force, and as many that take leave.
pub const LINKS: usize = 2 * UPSTREAMS;

/// All links of an agent.
///
/// Full: a link that takes leave makes way; the settings have no more than [`UPSTREAMS`] others.
pub struct Upstreams {
    links: Table<Link, LINKS>,
    timers: Timers<LINKS>,
    /// Links that may have something to send.
    ready: Queue<LINKS>,
    /// Links whose standing may have changed.
    changed: Queue<LINKS>,
    /// Links whose way leads elsewhere.
    moved: Queue<LINKS>,
    instance: Instance,
    pace: Pace,
    /// What was learnt of servers, for others who speak to them.
    news: News,
    /// How many names were asked for.
    asked: u32,
}

/// A server that was asked this recently is not asked because another role has doubts.
const ASKED_JUST_NOW: Duration = Duration::from_secs(60);

/// The links of one agent begin one after the other (RFC 6665 §4.1.2).
const STEP: Duration = Duration::from_millis(200);

impl Upstreams {
    /// There is no server above us.
    pub const fn new() -> Upstreams {
        Upstreams {
            links: Table::new(),
            timers: Timers::new(),
            ready: Queue::new(),
            changed: Queue::new(),
            moved: Queue::new(),
            instance: [0; 2],
            pace: Pace::UNLIMITED,
            news: News::new(),
            asked: 0,
        }
    }

    /// Says what this instance is called. Before the first link only.
    pub const fn set_instance(&mut self, instance: Instance) {
        self.instance = instance;
    }

    /// How often changes are published.
    pub const fn set_pace(&mut self, pace: Pace) {
        self.pace = pace;
    }

    /// Our own addresses changed. Servers to which that is news are told at once, and those that were out of reach are
    /// tried again. What is on its way from the old address is not waited for: no answer finds it.
    pub fn handle_addresses(
        &mut self,
        now: Instant,
        before: &LocalAddresses,
        addresses: &LocalAddresses,
    ) {
        for slot in 0..LINKS as u16 {
            if let Some(id) = self.links.id_at(slot)
                && let Some(link) = self.links.get_mut(id)
                && !link.leaving
                && link
                    .outbound
                    .remote()
                    .is_none_or(|it| before.towards(it) != addresses.towards(it))
            {
                link.outbound.leave();
                link.registration.be_silent();
                link.stun = Stun::Untried;
                link.begin_anew(now);
                self.settle(id);
            }
        }
    }

    /// Begins to be somebody at a server, or goes on where leave of the same account was not over yet.
    ///
    /// # Errors
    /// [`TooLong`]: the address of record is longer than it may be.
    pub fn add(
        &mut self,
        now: Instant,
        order: &Order<'_>,
        random: &mut Random,
    ) -> Result<Id<Link>, TooLong> {
        if let Some(id) = self.leaving(order.aor) {
            self.change(now, id, order);
            return Ok(id);
        }
        if self.links.is_full() {
            self.give_up_one();
        }
        let slot = self.links.vacant().ok_or(TooLong)?;
        let first = now + random.duration(STEP * u32::from(slot), STEP);
        let mut link = Link::new(order, first)?;
        link.registration.draw(slot, random);
        link.publication.draw(slot, random);
        let id = self.links.insert(link).map_err(|_| TooLong)?;
        self.settle(id);
        Ok(id)
    }

    /// Takes leave: what was published is removed, the registration ended.
    pub fn remove(&mut self, now: Instant, id: Id<Link>) {
        let Some(link) = self.links.get_mut(id) else {
            return;
        };
        if core::mem::replace(&mut link.leaving, true) {
            return;
        }
        link.rest(Kind::Probe, None);
        link.registration.be_silent();
        for kind in [Kind::Publish, Kind::Register] {
            // What is in flight is answered first (RFC 3261 §10.2, RFC 3903 §4).
            let sent = link.exchange_mut(kind).map(|it| it.request);
            if !sent.is_some_and(|it| it.is_in_flight()) {
                link.part(now, kind);
            }
        }
        self.settle(id);
    }

    /// Takes leave of all.
    pub fn stop(&mut self, now: Instant) {
        for slot in 0..LINKS as u16 {
            if let Some(id) = self.links.id_at(slot) {
                self.remove(now, id);
            }
        }
    }

    /// Whether there is no link any more.
    pub fn is_idle(&self) -> bool {
        self.links.is_empty()
    }

    /// A presentity has another presence.
    pub fn handle_change(&mut self, now: Instant, id: Id<Presentity>, presentity: &Presentity) {
        for slot in 0..LINKS as u16 {
            let Some(link_id) = self.links.id_at(slot) else {
                continue;
            };
            let Some(link) = self.links.get_mut(link_id) else {
                continue;
            };
            if link.publication.of != Some(id) || link.leaving {
                continue;
            }
            let revision = publication::revision(presentity, link.choice.spoken);
            let Some(when) = link.publication.renew(now, revision, self.pace) else {
                continue;
            };
            link.publish_at(now, when);
            self.settle(link_id);
        }
    }

    /// Who else asks with the account of a link finds that its server does not answer, or has forgotten: whether it
    /// still knows us is asked now, and not when it is due, but once a minute at most. Nothing is asked of one that is
    /// known to be in trouble; where nothing of ours is asked for at all, the next server is tried.
    pub fn handle_doubt(&mut self, now: Instant, id: Id<Link>) {
        let Some(link) = self.links.get_mut(id) else {
            return;
        };
        if link.leaving {
            return;
        }
        if !link.asks() {
            link.outbound.fail();
            self.moved.push(id.slot());
            return;
        }
        let asked_just_now = now - link.asked < ASKED_JUST_NOW;
        let is_at_rest = link.is_resting(Kind::Register) && link.is_resting(Kind::Publish);
        if !link.unsettled && link.story.broken_since().is_none() && is_at_rest && !asked_just_now {
            link.begin_anew(now);
            self.settle(id);
        }
    }

    /// The server of the link in that slot has forgotten what was published there, so it was restarted and has
    /// forgotten the registration too: that is told again now, not when it is due.
    pub fn register_again(&mut self, now: Instant, slot: u16) {
        let Some(id) = self.links.id_at(slot) else {
            return;
        };
        if let Some(link) = self.links.get_mut(id)
            && !link.leaving
            && link.registration.stands(now)
            && link.is_resting(Kind::Register)
        {
            link.rest(Kind::Register, Some(now));
            self.settle(id);
        }
    }

    /// The way of a link, for others who go it too. It may lead them to ask for the server's name: the next poll sees.
    pub fn outbound(&mut self, id: Id<Link>) -> Option<&mut Outbound> {
        let link = self.links.get_mut(id)?;
        self.ready.push(id.slot());
        Some(&mut link.outbound)
    }

    /// Takes a link whose way leads elsewhere now.
    pub fn take_moved(&mut self) -> Option<Id<Link>> {
        while let Some(slot) = self.moved.pop() {
            if let Some(id) = self.links.id_at(slot) {
                return Some(id);
            }
        }
        None
    }

    /// The entity-tag of what is published over a link, and when the server forgets it.
    pub fn held(&self, id: Id<Link>) -> Option<(&str, Instant)> {
        self.links.get(id)?.publication.held()
    }

    /// Takes back the entity-tag of before a restart: the first PUBLISH modifies what the server still has (RFC 3903
    /// §4.2).
    pub fn recall(&mut self, id: Id<Link>, etag: &str, ends: Instant) {
        if let Some(link) = self.links.get_mut(id) {
            link.publication.recall(etag, ends);
        }
    }

    /// Whether the entity-tag changed since this was asked last; refreshes count.
    pub fn take_renewed(&mut self, id: Id<Link>) -> bool {
        let link = self.links.get_mut(id);
        link.is_some_and(|it| core::mem::take(&mut it.publication.changed))
    }

    /// Whose presence is published over a link.
    pub fn publishes(&self, id: Id<Link>) -> Option<Id<Presentity>> {
        self.links.get(id)?.publication.of
    }

    /// Takes a link whose standing may have changed.
    pub fn take_changed(&mut self) -> Option<Id<Link>> {
        while let Some(slot) = self.changed.pop() {
            if let Some(id) = self.links.id_at(slot) {
                return Some(id);
            }
        }
        None
    }

    /// When [`Upstreams::handle_timeout`] has something to do.
    pub fn due(&self) -> Option<Instant> {
        self.timers.next()
    }

    /// Something about a link changed: its timer is set anew, and the next poll looks at it.
    fn settle(&mut self, id: Id<Link>) {
        let Some(link) = self.links.get(id) else {
            return;
        };
        self.changed.push(id.slot());
        if link.is_over() {
            self.links.remove(id);
            self.timers.set(id.slot(), None);
            return;
        }
        self.timers.set(id.slot(), link.due());
        self.ready.push(id.slot());
    }

    fn give_up_one(&mut self) {
        let leaving = self.links.iter().find(|(_, link)| link.leaving);
        if let Some((id, _)) = leaving {
            self.links.remove(id);
            self.timers.set(id.slot(), None);
        }
    }
}

impl Link {
    /// Publishes at `when`, unless a request is on its way (then behind it) or the registration is still to come.
    fn publish_at(&mut self, now: Instant, when: Instant) {
        if self.unsettled || self.ends(Kind::Publish) || !self.may_publish(now) {
            return;
        }
        let when = self.publication.not_before(when);
        if let Errand::Resting { until } = &mut self.publication.errand {
            *until = Some(until.map_or(when, |until| until.min(when)));
        }
    }
}

impl Link {
    /// Tells the server everything again, as soon as it can be.
    fn begin_anew(&mut self, now: Instant) {
        self.rest(Kind::Probe, None);
        if !self.is_resting(Kind::Publish) {
            self.publication.doubt();
        }
        self.rest(Kind::Publish, None);
        self.begin_at(Some(now));
    }
}

impl Default for Upstreams {
    fn default() -> Upstreams {
        Upstreams::new()
    }
}

/// Bytes of a REGISTER, or of a PUBLISH without its body: they hold what is as long as it may be, and the answer to one
/// challenge. What does not fit is tried again later, slower each time.
const HEAD: usize = 2_048;
