//! Lists: one subscription that tells of many resources. Read RFC 4662 §4 and §5.6 first.
//!
//! Whoever is on a list and is watched here has a watch, a *member*, that asks for nothing: its list tells it.
//!
//! ```text
//!   the list's watch            its members
//!   told a list ──────────────► Listed: what the list says of them, in doubt while the list is
//!   the server has no such ───► each asks for itself, as any watch does
//!   list, or knows none
//!        │ asked again, as after any refusal
//!        └─ told a list ──────► Listed again; their own subscriptions' next NOTIFYs get 481
//! ```
//!
//! Whether a server knows lists it says with `Require: eventlist` in its 2xx or its NOTIFY, or by telling one: not all say
//! it. One that has answered and told without either has taken us for a watcher of somebody of that name.
//!
//! A list that counts backwards is not applied, but asked for once more: a server that lost its count tells all there is
//! in answer, and that is taken whatever its number. The order of NOTIFYs is that of their CSeq.
//!
//! A list is not fetched (see `audit`): what a server tells of it at once is not all it knows (RFC 4662 §4.6).

use super::cause::Cause;
use super::member::Member;
use super::place::{Listed, Place};
use super::reason::denies_package;
use super::watch::{State, Watch};
use super::{WatchId, Watcher};
use crate::events::watched::Watched;
use crate::ground::limits;
use crate::ground::random::Random;
use crate::ground::table::Id;
use crate::ground::time::{Instant, Seconds};
use crate::ua::retry::{self, Retry};
use crate::wire::sip::Status;

impl Watcher {
    /// Says which list tells a member; `None` if that can't be asked for, and the member is to ask for itself.
    pub fn attach(
        &mut self,
        now: Instant,
        id: Id<Watch>,
        list: Option<Id<Watch>>,
        random: &mut Random,
    ) {
        let tells = |id| {
            let place = self.watches.get(id).map(|list| &list.place);
            matches!(place, Some(Place::List(listing)) if !listing.apart)
        };
        let is_told = list.is_some_and(tells);
        let Some(watch) = self.watches.get_mut(id) else {
            return;
        };
        let Place::Member(member) = &mut watch.place else {
            return;
        };
        if core::mem::replace(&mut member.list, list) == list && list.is_some() {
            return;
        }
        match list.filter(|_| is_told) {
            Some(list) => {
                self.enlist(now, id);
                self.ask_for_all(now, list);
            }
            None => self.part(now, id, now + retry::first(id.slot(), random)),
        }
    }

    /// The server has no such list: its members ask for themselves until it has.
    pub(super) fn disband(&mut self, now: Instant, list: Id<Watch>, random: &mut Random) {
        let Some(Place::List(listing)) = self.place_mut(list) else {
            return;
        };
        listing.apart = true;
        let mut nth = 0;
        for slot in 0..limits::WATCHES as u16 {
            if let Some(id) = self.member_at(slot, list) {
                self.part(now, id, now + retry::paced(nth, random));
                nth += 1;
            }
        }
    }

    /// The list is not to be had here; it is asked for again as whatever is refused.
    pub(super) fn deny(
        &mut self,
        now: Instant,
        list: Id<Watch>,
        cause: Cause,
        retry_after: Option<Seconds>,
        random: &mut Random,
    ) {
        self.fail(now, list, cause, Retry::Slow, retry_after, random);
        self.disband(now, list, random);
    }

    /// The members of a list that is told do not ask for themselves any more.
    pub(super) fn reunite(&mut self, now: Instant, list: Id<Watch>) {
        let Some(Place::List(listing)) = self.place_mut(list) else {
            return;
        };
        if !core::mem::take(&mut listing.apart) {
            return;
        }
        for slot in 0..limits::WATCHES as u16 {
            let Some(id) = self.watches.id_at(slot) else {
                continue;
            };
            let watch = self.watches.get(id);
            if watch.is_some_and(|watch| watch.is_member_of(list)) {
                self.enlist(now, id);
            }
        }
    }

    /// From now on a list tells it. What was told stays until it does.
    fn enlist(&mut self, now: Instant, id: Id<Watch>) {
        self.forget_usages(id);
        self.forget_record(id.slot());
        let Some(watch) = self.watches.get_mut(id) else {
            return;
        };
        if watch.story.told {
            watch.doubt_since(now);
        }
        if let Place::Member(member) = &mut watch.place {
            *member = Member::of(member.list);
            watch.state = State::Listed;
            watch.late = None;
            watch.speaks = watch.package;
        }
        self.changed.push(id.slot());
        self.settle_watch(id);
    }

    /// From now on it asks for itself.
    fn part(&mut self, now: Instant, id: Id<Watch>, until: Instant) {
        let Some(watch) = self.watches.get_mut(id) else {
            return;
        };
        if !matches!(watch.state, State::Listed) {
            return;
        }
        watch.state = State::Waiting { until };
        match watch.story.told {
            true => watch.doubt_since(now),
            false => watch.story.watched = Watched::Subscribing,
        }
        self.changed.push(id.slot());
        self.settle_watch(id);
    }

    /// Forgets what a list told of the watch in that slot.
    pub(super) fn forget_record(&mut self, slot: u16) {
        if let Some(id) = self.records.id_at(slot) {
            self.records.remove(id);
        }
    }

    /// Asks for the whole list soon: somebody on it is new here.
    fn ask_for_all(&mut self, now: Instant, list: Id<Watch>) {
        let usage = self.watches.get(list).and_then(|it| it.usages.first());
        if let Some(&id) = usage
            && let Some(usage) = self.usages.get_mut(id)
        {
            usage.open_gap(now);
            self.settle_usage(id);
        }
    }

    /// A list's members show what it says, and so what becomes of it.
    pub(super) fn change_members(&mut self, list: Id<Watch>) {
        if !self.is_list(list) {
            return;
        }
        for slot in 0..limits::WATCHES as u16 {
            if self.member_at(slot, list).is_some() {
                self.changed.push(slot);
            }
        }
    }

    /// Whether it is the watch of a list.
    pub(super) fn is_list(&self, id: Id<Watch>) -> bool {
        self.watches.get(id).is_some_and(|it| it.place.is_list())
    }

    /// What is known through a watch, and since when that is in doubt.
    pub(super) fn knows(&self, watch: &Watch) -> (Watched, Option<Instant>) {
        let story = &watch.story;
        let own = (story.watched, story.broken_since);
        if watch.place.is_apart() {
            // Nobody waits for it.
            return (Watched::Idle, None);
        }
        if watch.member().is_none() {
            return own;
        }
        match self.list_of(watch) {
            None => (Watched::Unknown, None),
            Some(list) if story.told => {
                let since = Instant::earlier(story.broken_since, list.story.broken_since);
                (story.watched, since)
            }
            Some(list) if list.story.told => (Watched::Unknown, None),
            Some(list) => (list.story.watched, None),
        }
    }

    /// The list that tells of a watch, as long as it does.
    pub(super) fn list_of(&self, watch: &Watch) -> Option<&Watch> {
        self.watches.get(watch.member()?.list?)
    }

    /// The same for those who ask.
    pub(super) fn listed<'a>(&'a self, watch: &'a Watch) -> Option<Listed<'a>> {
        let (member, list) = (watch.member()?, self.list_of(watch)?);
        Some(Listed {
            list: &list.target,
            standing: member.standing,
            is_told: list.story.told,
        })
    }

    /// The watch in that slot, if that list tells it.
    pub(super) fn member_at(&self, slot: u16, list: WatchId) -> Option<Id<Watch>> {
        let id = self.watches.id_at(slot)?;
        let watch = self.watches.get(id)?;
        (watch.member().is_some() && watch.is_member_of(list)).then_some(id)
    }

    pub(super) fn place_mut(&mut self, id: Id<Watch>) -> Option<&mut Place> {
        self.watches.get_mut(id).map(|watch| &mut watch.place)
    }
}

impl Watch {
    /// What its list tells it, as long as one does.
    pub(super) const fn member(&self) -> Option<&Member> {
        match (&self.place, &self.state) {
            (Place::Member(member), State::Listed) => Some(member),
            _ => None,
        }
    }

    /// Whether it belongs to that list, told by it or not.
    fn is_member_of(&self, list: WatchId) -> bool {
        match &self.place {
            Place::Member(member) => member.list == Some(list),
            Place::Alone | Place::List(_) => false,
        }
    }
}

/// Whether that refusal of a list means that there is none: the codes that mean the package, and those that mean what a
/// list needs.
pub(super) const fn denies_list(status: Status) -> bool {
    denies_package(status.code()) || matches!(status.code(), 406 | 420)
}
