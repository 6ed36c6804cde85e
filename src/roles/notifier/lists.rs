//! Lists of presentities that are watched as one (RFC 4662): who is on them, and what each of their watchers may see of
//! whom.
//!
//! A list is kept among the presentities, for its URI is asked for as theirs are, and has no state of its own. Whoever
//! subscribes to it has one subscription, one place in [`Lists`], and a virtual subscription to each member: the owner's
//! policy decides about every one by itself, as if it had been asked for alone.

use super::documents::discerned;
use super::list_rows::{Row, best};
use super::shares::Keys;
use super::subscription::{Notify, Wants};
use super::{Notifier, Subscription, Who};
use crate::events::package::Baseline;
use crate::events::presentity::Presentity;
use crate::events::ruling::Ruling;
use crate::events::subscription::{State, Verdict};
use crate::ground::limits::{
    LIST_MEMBERS, LIST_PARTS, LIST_SHARE, LIST_SUBSCRIPTIONS, SERVED_LISTS, SUBSCRIPTIONS,
};
use crate::ground::table::{Id, Table};
use crate::ground::time::Instant;
use crate::wire::doc::pidf::Note;
use heapless::Vec;

/// The lists, and what is known of those who watch them.
///
/// Full: a SUBSCRIBE to a list gets 503 with Retry-After, as with a full table of subscriptions.
pub(super) struct Lists {
    lists: Vec<List, SERVED_LISTS>,
    pub(super) rows: Table<Row, LIST_SUBSCRIPTIONS>,
    /// Documents of one NOTIFY that tests do not let it have.
    reserved: usize,
}

struct List {
    id: Id<Presentity>,
    members: Vec<Id<Presentity>, LIST_MEMBERS>,
}

impl Lists {
    pub(super) const fn new() -> Lists {
        Lists {
            lists: Vec::new(),
            rows: Table::new(),
            reserved: 0,
        }
    }

    /// How many documents there may be in one NOTIFY.
    pub(super) fn parts(&self) -> usize {
        LIST_PARTS - self.reserved
    }

    /// Who is on it, if it is a list.
    pub(super) fn members(&self, id: Id<Presentity>) -> Option<&[Id<Presentity>]> {
        let list = self.lists.iter().find(|list| list.id == id)?;
        Some(&list.members)
    }

    /// The places of the lists that whoever has that place is on.
    pub(super) fn with(&self, member: u16) -> Vec<u16, SERVED_LISTS> {
        let has = |list: &&List| list.members.iter().any(|id| id.slot() == member);
        let lists = self.lists.iter().filter(has);
        lists.map(|list| list.id.slot()).collect()
    }
}

impl Notifier {
    /// Lets no more documents than that into one NOTIFY about a list; for tests of many members.
    #[cfg(test)]
    pub fn let_parts(&mut self, parts: usize) {
        self.lists.reserved = LIST_PARTS.saturating_sub(parts);
    }

    /// Who is on which list from now on; a list is one of the presentities. Whether anything is different: then all are
    /// to be judged. More than [`SERVED_LISTS`], and members beyond [`LIST_MEMBERS`], are left out.
    pub fn set_lists<'a>(
        &mut self,
        lists: impl Iterator<Item = (Id<Presentity>, &'a [Id<Presentity>])>,
    ) -> bool {
        let is_same = |old: &List, new: &List| old.id == new.id && old.members == new.members;
        let new = lists.take(SERVED_LISTS).map(|(id, members)| List {
            id,
            members: members.iter().copied().take(LIST_MEMBERS).collect(),
        });
        let new: Vec<List, SERVED_LISTS> = new.collect();
        let old = core::mem::replace(&mut self.lists.lists, new);
        let new = &self.lists.lists;
        if old.len() == new.len() && old.iter().zip(new).all(|(old, new)| is_same(old, new)) {
            return false;
        }
        for slot in 0..SUBSCRIPTIONS as u16 {
            if let Some(id) = self.subscriptions.id_at(slot) {
                self.list_anew(id);
            }
        }
        true
    }

    /// The list that is watched may have other members: all of them are told.
    fn list_anew(&mut self, id: Id<Subscription>) {
        let Some(subscription) = self.subscriptions.get_mut(id) else {
            return;
        };
        let Some(row) = subscription
            .row
            .and_then(|row| self.lists.rows.get_mut(row))
        else {
            return;
        };
        let list = |list: &&List| list.id == subscription.presentity;
        let Some(list) = self.lists.lists.iter().find(list) else {
            return; // It is told that there is no such list any more.
        };
        let is_same = row
            .members
            .iter()
            .map(|it| it.id)
            .eq(list.members.iter().copied());
        if is_same {
            return;
        }
        row.change(&list.members);
        subscription.wants = subscription.wants.max(Wants::Changes);
        subscription.told = Baseline::Nothing;
        self.ready.push(id.slot());
    }

    /// What is ruled of somebody: of a list what its members' rulings make of the whole.
    pub(super) fn ruling(&self, who: Who<'_>, rules: &dyn Fn(Who<'_>) -> Ruling) -> Ruling {
        match self.lists.members(who.presentity) {
            None => rules(who),
            Some(members) => {
                let each = members.iter().map(|&presentity| Who { presentity, ..who });
                Ruling::plain(best(each.map(|who| rules(who).verdict)))
            }
        }
    }

    /// Everybody who is watched so: whom `who` names, or the members of that list.
    pub fn each_of<'a>(&'a self, who: Who<'a>) -> impl Iterator<Item = Who<'a>> + use<'a> {
        let members = self.lists.members(who.presentity);
        let alone = members.is_none().then_some(who);
        let members = members.unwrap_or_default().iter();
        let members = members.map(move |&presentity| Who { presentity, ..who });
        alone.into_iter().chain(members)
    }

    /// Members of lists about whom the owner has not decided yet.
    pub fn undecided(&self) -> impl Iterator<Item = Who<'_>> {
        let all = self.subscriptions.iter();
        let rows = all.filter_map(|(_, it)| Some((it, self.lists.rows.get(it.row?)?)));
        rows.flat_map(|(subscription, row)| {
            let pending = row.members.iter();
            let pending = pending.filter(|member| member.verdict == Verdict::Confirm);
            pending.map(|member| Who {
                presentity: member.id,
                ..subscription.who()
            })
        })
    }

    /// Whose share of the places is full for one more such subscription to a list: in words for the log.
    pub(super) fn list_full_for(&self, keys: Keys) -> Option<&'static str> {
        let all = self.subscriptions.iter().filter(|(_, it)| it.row.is_some());
        let own = all.filter(|(_, it)| it.shares.have_one_address(keys));
        (own.count() >= LIST_SHARE)
            .then_some("its address has its share of the subscriptions to lists")
    }

    /// Gives a new subscription to a list its place; `false` if there is none.
    pub(super) fn enter_list(&mut self, id: Id<Subscription>) -> bool {
        let Some(subscription) = self.subscriptions.get_mut(id) else {
            return false;
        };
        let Some(members) = self.lists.members(subscription.presentity) else {
            return true;
        };
        let row = self.lists.rows.insert(Row::new(members)).ok();
        subscription.row = row;
        row.is_some()
    }

    /// Judges each member of a list that is watched. What that makes of the whole; `None` where not all could be judged
    /// that have to be.
    pub(super) fn judge_members(
        &mut self,
        id: Id<Subscription>,
        judge: &dyn Fn(Who<'_>) -> Option<Ruling>,
    ) -> Option<Ruling> {
        let subscription = self.subscriptions.get_mut(id)?;
        let row = self.lists.rows.get_mut(subscription.row?)?;
        let mut tells = false;
        for member in &mut row.members {
            let who = Who {
                presentity: member.id,
                ..subscription.who()
            };
            let Some(mut ruling) = judge(who) else {
                if !subscription.judged {
                    return None;
                }
                continue;
            };
            ruling.view = discerned(subscription.package, ruling.view);
            let (verdict, view, pace) = (member.verdict, member.view, member.pace);
            // What waited for its pace may have nothing to wait for any more.
            tells |= member.obey(ruling) || pace != member.pace;
            if view != member.view {
                self.documents.make_anew(member.id);
            }
            self.waiting.recount(member.id, verdict, member.verdict);
        }
        if tells {
            subscription.wants = subscription.wants.max(Wants::Changes);
        }
        Some(Ruling::plain(row.verdict()))
    }

    /// The subscription is no more: nor is its place among those to lists.
    pub(super) fn leave_list(&mut self, row: Option<Id<Row>>) {
        let Some(row) = row.and_then(|row| self.lists.rows.remove(row)) else {
            return;
        };
        for member in &row.members {
            self.waiting
                .recount(member.id, member.verdict, Verdict::Block);
        }
    }

    /// Whether the owner has decided about all that the subscription is to.
    pub(super) fn is_decided(&self, subscription: &Subscription) -> bool {
        let row = subscription.row.and_then(|row| self.lists.rows.get(row));
        subscription.allowed && !row.is_some_and(Row::has_pending)
    }

    /// What rules say in place of notes is different: members whose view has one of those notes are told again.
    pub(super) fn renote_members(&mut self, id: Id<Subscription>, old: &[Note]) {
        let row = self.subscriptions.get(id).and_then(|it| it.row);
        let Some(row) = row.and_then(|row| self.lists.rows.get_mut(row)) else {
            return;
        };
        let mut tells = false;
        for member in &mut row.members {
            if let Some(number) = member.view.note().map(usize::from)
                && old.get(number) != self.documents.notes.get(number)
            {
                self.documents.make_anew(member.id);
                member.sent = 0;
                tells = true;
            }
        }
        if tells {
            self.tell(id.slot());
        }
    }

    /// When what the owner holds back of a list may be told.
    pub(super) fn held(&self, subscription: &Subscription) -> Option<Instant> {
        match (subscription.row, &subscription.notify) {
            (Some(row), Notify::Idle) => self.lists.rows.get(row)?.held,
            _ => None,
        }
    }

    /// It may be time to tell what the owner held back.
    pub(super) fn expect_held(&mut self, now: Instant, id: Id<Subscription>) {
        if let Some(subscription) = self.subscriptions.get_mut(id)
            && let State::Active { .. } = subscription.state
            && let Some(row) = subscription
                .row
                .and_then(|row| self.lists.rows.get_mut(row))
            && row.held.is_some_and(|held| held <= now)
        {
            row.held = None;
            subscription.wants = subscription.wants.max(Wants::Changes);
        }
    }
}
