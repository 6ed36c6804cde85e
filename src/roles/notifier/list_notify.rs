//! NOTIFY about a list: the root says who is on it, and each other part how one of them is (RFC 4662 §4.5, §5).
//!
//! The first one, and the one after each SUBSCRIBE, tells of everybody; the others of those who changed. Documents are
//! those that everybody else of the same view gets, but that each is whole: a change of calls is told in full.

use super::Notifier;
use super::bodies::{BodyId, Making};
use super::documents::Content;
use super::list_rows::{Member, Part, Row};
use super::subscription::{InFlight, Subscription, Wants};
use crate::events::package::{Baseline, Package};
use crate::events::presentity::Presentity;
use crate::events::subscription::{State, Verdict};
use crate::ground::limits::{BODY, LIST_MEMBERS, LIST_PARTS, MESSAGE, PRESENTITIES, URI};
use crate::ground::table::{Id, Table};
use crate::ground::time::Instant;
use crate::wire::doc::Extent;
use crate::wire::doc::multipart_write::{Cid, Parts, write_type};
use crate::wire::doc::rlmi_write::{self, Instance, List, Resource};
use crate::wire::sip::{Name, Out, Writer};

/// Whatever the members say, it fits: the head with all names, the root, and the parts with their heads.
const _: () = assert!(
    4_096 + LIST_MEMBERS * (URI + 128) + LIST_PARTS * (BODY + 256) <= MESSAGE,
    "a NOTIFY about a list outgrew a message: see limits::LIST_MEMBERS"
);

/// What is told instead of a revision of somebody who may not be seen.
const UNSEEN: u32 = u32::MAX;

type Presentities = Table<Presentity, PRESENTITIES>;

impl Notifier {
    /// What the next NOTIFY about a list holds, noted in its row; `None` if there is nothing new.
    pub(super) fn list_content(
        &mut self,
        now: Instant,
        id: Id<Subscription>,
        row_id: Id<Row>,
        presentities: &Presentities,
    ) -> Option<Content> {
        let subscription = self.subscriptions.get(id)?;
        let package = subscription.package;
        let extent = match (subscription.wants, subscription.told) {
            (Wants::Changes, Baseline::Until(_)) => Extent::Partial,
            (Wants::Changes, Baseline::Nothing) => Extent::Full,
            (Wants::Nothing | Wants::Again | Wants::Full, _) => Extent::Full,
        };
        let row = self.lists.rows.get_mut(row_id)?;
        (row.extent, row.stale, row.held) = (extent, false, None);
        row.part();
        // Nobody gets more from us than it asked for until it has shown that it is there.
        let says = match (subscription.is_proven(), extent) {
            (true, _) => self.choose_parts(now, row_id, (package, extent), presentities)?,
            (false, Extent::Full) => row.name_all(subscription.allowed),
            (false, Extent::Partial) => false,
        };
        if !says {
            self.subscriptions.get_mut(id)?.wants = Wants::Nothing;
            return None;
        }
        Some(Content::of_a_list())
    }

    /// Chooses what is said of each member; whether that is anything.
    fn choose_parts(
        &mut self,
        now: Instant,
        row_id: Id<Row>,
        of: (Package, Extent),
        presentities: &Presentities,
    ) -> Option<bool> {
        let (mut documents, mut says) = (0, of.1 == Extent::Full);
        for at in 0..self.lists.rows.get(row_id)?.members.len() {
            let mut member = *self.lists.rows.get(row_id)?.members.get(at)?;
            let held = self.choose_part(now, &mut member, of, documents, presentities);
            documents += usize::from(matches!(member.part, Part::Told(_)));
            says |= member.part != Part::Left;
            let row = self.lists.rows.get_mut(row_id)?;
            row.held = Instant::earlier(row.held, held);
            *row.members.get_mut(at)? = member;
        }
        Some(says)
    }

    /// Chooses what is said of one member, and notes it as told; until when it is held back, if it is. One for whom there
    /// is no room has its turn in the next NOTIFY.
    fn choose_part(
        &mut self,
        now: Instant,
        member: &mut Member,
        (package, extent): (Package, Extent),
        documents: usize,
        presentities: &Presentities,
    ) -> Option<Instant> {
        let is_full = extent == Extent::Full;
        member.part = match extent {
            Extent::Full => Part::Named,
            Extent::Partial => Part::Left,
        };
        let making = self.member_making(member, package, presentities)?;
        let revision = making.map_or(UNSEEN, |it| it.revision);
        if !is_full && revision == member.sent {
            return None;
        }
        if let (false, held @ Some(_)) = (is_full, member.held_until(now)) {
            return held;
        }
        member.sent = 0;
        member.part = match (member.verdict, making) {
            (Verdict::Allow, Some(_)) if documents == self.lists.parts() => return None,
            (Verdict::Allow, Some(making)) => {
                Part::Told(self.lasting_document(&making, presentities)?)
            }
            (Verdict::Confirm, _) => Part::Pending,
            (Verdict::Block, _) | (Verdict::Allow, None) => Part::Rejected,
        };
        (member.sent, member.last) = (revision, Some(now));
        None
    }

    /// What the document about a member is made of; `None` in it if it may not be seen, and `None` if it is not there.
    fn member_making(
        &self,
        member: &Member,
        package: Package,
        presentities: &Presentities,
    ) -> Option<Option<Making>> {
        let presentity = presentities.get(member.id)?;
        let served = package.served()?;
        Some((member.verdict == Verdict::Allow).then(|| Making {
            presentity: member.id,
            package,
            view: member.view,
            told: Baseline::Nothing,
            revision: (served.revision)(presentity, member.view),
            edition: self.documents.editions[usize::from(member.id.slot())],
            patched: false,
            moment: Instant::ZERO,
        }))
    }

    /// A document that is still there when all others of the same NOTIFY are rendered.
    fn lasting_document(&mut self, making: &Making, presentities: &Presentities) -> Option<BodyId> {
        let known = self.document(making, presentities)?;
        match self.documents.bodies.outlasts(known, LIST_PARTS) {
            true => Some(known),
            false => self.render(making, presentities.get(making.presentity)?),
        }
    }

    /// Whether the NOTIFY in flight can't be written again as it was.
    pub(super) fn is_list_stale(&self, row: Id<Row>) -> bool {
        let is_gone = |part: Part| match part {
            Part::Told(body) => self.documents.bodies.parts(body).is_none(),
            Part::Left | Part::Named | Part::Pending | Part::Rejected => false,
        };
        let row = self.lists.rows.get(row);
        row.is_none_or(|row| row.stale || row.members.iter().any(|it| is_gone(it.part)))
    }

    /// Writes the body, and what else makes it one about a list.
    pub(super) fn write_list(
        &self,
        w: &mut Writer<'_>,
        (subscription, row): (&Subscription, Id<Row>),
        in_flight: &InFlight,
        presentities: &Presentities,
    ) -> Option<()> {
        w.header(Name::Require, b"eventlist");
        // Of a list that is no more there is nothing to tell.
        let Some(list) = presentities.get(subscription.presentity) else {
            return Some(());
        };
        let row = self.lists.rows.get(row)?;
        let types = subscription.package.spec().bodies;
        let media_type = types.get(usize::from(in_flight.media_type))?.text;
        let key = in_flight.client.nonce();
        let head = List {
            uri: list.uri(),
            version: in_flight.version,
            full: row.extent == Extent::Full,
        };
        let mut content_type = [0; 160];
        let mut out = Out::new(&mut content_type);
        write_type(&mut out, key, rlmi_write::MEDIA_TYPE);
        let len = out.finish().ok()?;
        let numbered = || (1..).zip(&row.members);
        w.body_with(&content_type[..len], |out| {
            let mut parts = Parts::new(out, key);
            parts.part(0, rlmi_write::MEDIA_TYPE, |out| {
                let all = numbered().filter_map(|(part, member)| {
                    let uri = presentities.get(member.id)?.uri();
                    let instance = member.part.instance(Cid { key, part })?;
                    Some(Resource { uri, instance })
                });
                let parted = row.parted().iter().filter_map(|&id| {
                    let uri = presentities.get(id)?.uri();
                    let instance = Some(Instance::Removed);
                    Some(Resource { uri, instance })
                });
                rlmi_write::write(out, &head, all.chain(parted));
            });
            for (part, member) in numbered() {
                let Part::Told(body) = member.part else {
                    continue;
                };
                parts.part(part, media_type, |out| {
                    let Some((before, after)) = self.documents.bodies.parts(body) else {
                        out.fail();
                        return;
                    };
                    out.raw(before);
                    if let Some(after) = after {
                        out.decimal(in_flight.version).raw(after);
                    }
                });
            }
            parts.finish();
        });
        Some(())
    }
}

impl Subscription {
    /// A NOTIFY about a list is answered: what had no room in it, or changed meanwhile, is looked for.
    pub(super) fn look_again(&mut self) {
        match self.state {
            State::Pending { .. } | State::Active { .. } => {
                self.wants = self.wants.max(Wants::Changes);
            }
            State::Terminated(_) => {}
        }
    }
}

impl Content {
    /// Parts stand in the row.
    const fn of_a_list() -> Content {
        Content {
            body: None,
            tag: None,
            tells: Baseline::Until(1),
            revision: 0,
        }
    }
}
