//! What is known of the watcher of a list: what it may see of each member, and what it was told.

use super::bodies::BodyId;
use crate::events::presentity::Presentity;
use crate::events::ruling::{Ruling, View};
use crate::events::subscription::Verdict;
use crate::ground::limits::LIST_MEMBERS;
use crate::ground::table::Id;
use crate::ground::time::{Instant, Seconds};
use crate::wire::doc::Extent;
use crate::wire::doc::multipart_write::Cid;
use crate::wire::doc::rlmi_write::Instance;
use heapless::Vec;

/// What the watcher of a list may see, and was told.
pub struct Row {
    pub(super) members: Vec<Member, LIST_MEMBERS>,
    /// Who was told of and is on the list no more, the first so many of them as the last NOTIFY says so (RFC 4662 §4.4).
    /// Full: whoever leaves too just does not stand in the list any more.
    left: Vec<Id<Presentity>, LIST_MEMBERS>,
    parting: usize,
    /// What the last NOTIFY was.
    pub(super) extent: Extent,
    /// Whether the list was another one when that was written.
    pub(super) stale: bool,
    /// When what the owner holds back may be told.
    pub(super) held: Option<Instant>,
}

/// A virtual subscription to one member.
#[derive(Clone, Copy)]
pub(super) struct Member {
    pub(super) id: Id<Presentity>,
    pub(super) verdict: Verdict,
    pub(super) view: View,
    /// It is told at most once in so many seconds.
    pub(super) pace: Seconds,
    /// When it was told last.
    pub(super) last: Option<Instant>,
    /// The revision of what was told last; 0 if that is of no use any more.
    pub(super) sent: u32,
    pub(super) part: Part,
}

/// What a NOTIFY says of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Nothing: it is as it was.
    Left,
    /// That it is there.
    Named,
    /// How it is.
    Told(BodyId),
    /// That nobody has decided yet.
    Pending,
    /// That it may not be seen.
    Rejected,
}

impl Row {
    /// That of somebody who was told nothing, and may see nobody yet.
    pub(super) fn new(members: &[Id<Presentity>]) -> Row {
        Row {
            members: members.iter().map(|&id| Member::new(id)).collect(),
            left: Vec::new(),
            parting: 0,
            extent: Extent::Full,
            stale: false,
            held: None,
        }
    }

    /// Others are on the list from now on.
    pub(super) fn change(&mut self, members: &[Id<Presentity>]) {
        let is_on = |id: Id<Presentity>| members.contains(&id);
        for member in &self.members {
            if member.sent != 0 && !is_on(member.id) && !self.left.contains(&member.id) {
                let _ = self.left.push(member.id); // Its doc comment says what full means.
            }
        }
        self.left.retain(|&id| !is_on(id));
        self.parting = self.parting.min(self.left.len());
        let known = |id| self.members.iter().find(|it| it.id == id).copied();
        let new = members.iter();
        self.members = new
            .map(|&id| known(id).unwrap_or(Member::new(id)))
            .collect();
        self.stale = true;
    }

    /// Another NOTIFY is written: whom the last one parted with is forgotten.
    pub(super) fn part(&mut self) {
        self.left.drain(..self.parting);
        self.parting = self.left.len();
    }

    /// With whom the NOTIFY parts.
    pub(super) fn parted(&self) -> &[Id<Presentity>] {
        &self.left[..self.parting]
    }

    /// Tells who is on the list and no more, or nobody to those who may not know it; how each is follows. Something is
    /// said in any case.
    pub(super) fn name_all(&mut self, may_know: bool) -> bool {
        let part = if may_know { Part::Named } else { Part::Left };
        for member in &mut self.members {
            (member.part, member.sent) = (part, 0);
        }
        true
    }

    /// What the members' verdicts make of the subscription as a whole.
    pub(super) fn verdict(&self) -> Verdict {
        best(self.members.iter().map(|member| member.verdict))
    }

    pub(super) fn has_pending(&self) -> bool {
        let mut all = self.members.iter();
        all.any(|member| member.verdict == Verdict::Confirm)
    }
}

impl Member {
    pub(super) const fn new(id: Id<Presentity>) -> Member {
        Member {
            id,
            verdict: Verdict::Block,
            view: View::FULL,
            pace: Seconds::ZERO,
            last: None,
            sent: 0,
            part: Part::Left,
        }
    }

    /// Takes what is ruled; says whether it has to be told another thing now. What is seen otherwise is told at once.
    pub(super) fn obey(&mut self, ruling: Ruling) -> bool {
        let (verdict, view) = (ruling.verdict, ruling.view);
        self.pace = ruling.pace;
        if (self.verdict, self.view) == (verdict, view) {
            return false;
        }
        (self.verdict, self.view) = (verdict, view);
        (self.sent, self.last) = (0, None);
        true
    }

    /// Until when the owner holds back what changed.
    pub(super) fn held_until(&self, now: Instant) -> Option<Instant> {
        let until = self.last? + self.pace.duration();
        (until > now).then_some(until)
    }
}

impl Part {
    /// How it stands in the root; `None` if it does not, and `None` in it if only by name.
    pub(super) fn instance(self, cid: Cid) -> Option<Option<Instance>> {
        match self {
            Part::Left => None,
            Part::Named => Some(None),
            Part::Told(_) => Some(Some(Instance::Active(cid))),
            Part::Pending => Some(Some(Instance::Pending)),
            Part::Rejected => Some(Some(Instance::Rejected)),
        }
    }
}

/// The one that allows most.
pub(super) fn best(verdicts: impl Iterator<Item = Verdict>) -> Verdict {
    verdicts.fold(Verdict::Block, |best, verdict| match (best, verdict) {
        (Verdict::Allow, _) | (_, Verdict::Allow) => Verdict::Allow,
        (Verdict::Confirm, _) | (_, Verdict::Confirm) => Verdict::Confirm,
        (Verdict::Block, Verdict::Block) => Verdict::Block,
    })
}
