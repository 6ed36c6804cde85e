//! What a watcher is shown: which document, and where an equal one is found.
//!
//! Watchers of one view share one document; a thousand of them cost one. What a watcher must not see changes neither the
//! document of its view nor the tag of that.

use super::bodies::{Bodies, BodyId, Making};
use super::condition::{Condition, Tag};
use super::subscription::{Subscription, Wants};
use super::winfo;
use super::{Blank, GROUPS, Notifier, group};
use crate::events::package::{Baseline, Package, Scene};
use crate::events::presentity::Presentity;
use crate::events::ruling::View;
use crate::events::subscription::{Reason, State};
use crate::ground::limits::{BODY, PRESENTITIES, RULE_NOTES};
use crate::ground::table::{Id, Table};
use crate::ground::time::{Instant, Moment, Wall};
use crate::wire::doc::pidf::Note;
use heapless::Vec;

/// The documents, and what stands in them besides the state of presentities.
pub(super) struct Documents {
    pub(super) bodies: Bodies,
    /// The newest documents of each group.
    latest: [Latest; GROUPS],
    /// What rules say in place of notes.
    pub(super) notes: Vec<Note, RULE_NOTES>,
    /// Of each presentity: a number that changes when its documents do for a reason of ours.
    pub(super) editions: [u32; PRESENTITIES],
    /// No document of a presentity is older than this: whoever sees otherwise from now on must not be told that what it
    /// sees has long been so.
    since: [Wall; PRESENTITIES],
    /// Presentities that somebody sees otherwise since just now.
    turned: u64,
    clock: Option<Moment>,
}

/// What a NOTIFY holds.
pub(super) struct Content {
    pub(super) body: Option<BodyId>,
    /// The tag of what is left out because it is known.
    pub(super) tag: Option<Tag>,
    /// What the watcher knows once it answered.
    pub(super) tells: Baseline,
    /// The revision of what it sees then; 0 if that is nothing.
    pub(super) revision: u32,
}

/// The documents last rendered for a group.
#[derive(Clone, Copy)]
struct Latest {
    full: Option<BodyId>,
    partial: Option<BodyId>,
    /// Of those who do not see everything.
    seen: Option<BodyId>,
    patched: Option<BodyId>,
}

impl Documents {
    pub(super) const fn new() -> Documents {
        Documents {
            bodies: Bodies::new(),
            latest: [Latest {
                full: None,
                partial: None,
                seen: None,
                patched: None,
            }; GROUPS],
            notes: Vec::new(),
            editions: [0; PRESENTITIES],
            since: [Wall::UNSET; PRESENTITIES],
            turned: 0,
            clock: None,
        }
    }

    /// Somebody sees the presentity otherwise from now on, or it is another one.
    pub(super) fn make_anew(&mut self, presentity: Id<Presentity>) {
        let slot = usize::from(presentity.slot());
        self.editions[slot] = self.editions[slot].wrapping_add(1);
        self.turned |= 1 << (slot % 64);
    }

    /// Where the newest document of that kind is noted.
    fn newest(&self, making: &Making) -> &Option<BodyId> {
        let latest = &self.latest[group(making.presentity, making.package)];
        match (making.view, making.told) {
            _ if making.patched => &latest.patched,
            (View::FULL, Baseline::Nothing) => &latest.full,
            (View::FULL, Baseline::Until(_)) => &latest.partial,
            _ => &latest.seen,
        }
    }

    fn newest_mut(&mut self, making: &Making) -> &mut Option<BodyId> {
        let latest = &mut self.latest[group(making.presentity, making.package)];
        match (making.view, making.told) {
            _ if making.patched => &mut latest.patched,
            (View::FULL, Baseline::Nothing) => &mut latest.full,
            (View::FULL, Baseline::Until(_)) => &mut latest.partial,
            _ => &mut latest.seen,
        }
    }

    /// Dates what was made anew.
    fn date(&mut self, now: Instant) {
        let turned = core::mem::take(&mut self.turned);
        let Some(clock) = self.clock else { return };
        let wall = (clock.wall + now.since(clock.now)).second();
        for (slot, since) in self.since.iter_mut().enumerate() {
            if turned & 1 << (slot % 64) != 0 {
                *since = wall;
            }
        }
    }
}

impl Notifier {
    /// What the wall clock says, for documents that only a ruling makes new.
    pub fn set_clock(&mut self, moment: Moment) {
        self.documents.clock = Some(moment);
    }

    /// What rules say in place of notes, by number. Who is told one of them that is another one now hears of it. A longer
    /// one than [`limits::NOTE`](crate::ground::limits::NOTE), and more than [`RULE_NOTES`], are left out.
    pub fn set_notes<'a>(&mut self, notes: impl IntoIterator<Item = &'a str>) {
        let notes = notes.into_iter().take(RULE_NOTES);
        let notes: Vec<Note, RULE_NOTES> =
            notes.map(|it| it.try_into().unwrap_or_default()).collect();
        let old = core::mem::replace(&mut self.documents.notes, notes);
        for slot in 0..crate::ground::limits::SUBSCRIPTIONS as u16 {
            let Some(id) = self.subscriptions.id_at(slot) else {
                continue;
            };
            let Some(subscription) = self.subscriptions.get_mut(id) else {
                continue;
            };
            if let Some(number) = subscription.view.note().map(usize::from)
                && old.get(number) != self.documents.notes.get(number)
            {
                self.documents.make_anew(subscription.presentity);
                subscription.sent = 0;
                self.tell(slot);
            }
            self.renote_members(id, &old);
        }
    }

    /// Dates the documents that rulings have made new.
    #[inline]
    pub(super) fn date_documents(&mut self, now: Instant) {
        if self.documents.turned != 0 {
            self.documents.date(now);
        }
    }

    /// What the next NOTIFY for the watcher holds; `None` if it has nothing new for it, and none is sent.
    #[inline]
    pub(super) fn content(
        &mut self,
        now: Instant,
        id: Id<Subscription>,
        presentities: &Table<Presentity, PRESENTITIES>,
    ) -> Option<Content> {
        let subscription = self.subscriptions.get(id)?;
        if let Some(row) = subscription.row {
            return self.list_content(now, id, row, presentities);
        }
        let making = self.making(now, subscription, presentities);
        let subscription = self.subscriptions.get_mut(id)?;
        let sees_nothing_new = making.is_some_and(|it| it.revision == subscription.sent);
        if subscription.wants == Wants::Changes && sees_nothing_new {
            subscription.wants = Wants::Nothing;
            return None;
        }
        let mut content = Content {
            body: None,
            tag: None,
            tells: subscription.told,
            revision: making.map_or(0, |making| making.revision),
        };
        if subscription.condition != Condition::Never {
            content.tag = making.map(|making| making.tag(&self.secret, subscription.body));
            if subscription.condition.holds(content.tag) {
                if subscription.wants == Wants::Full {
                    return Some(content);
                }
                subscription.wants = Wants::Nothing;
                subscription.tempo.note(now);
                return None;
            }
        }
        if let Some(making) = making
            && let Some(body) = self.document(&making, presentities)
        {
            content.body = Some(body);
            content.tells = Baseline::Until(making.revision);
        }
        Some(content)
    }

    /// What the document for the watcher is made of; `None` if it gets none.
    pub(super) fn making(
        &self,
        now: Instant,
        subscription: &Subscription,
        presentities: &Table<Presentity, PRESENTITIES>,
    ) -> Option<Making> {
        let (presentity, package) = (subscription.presentity, subscription.package);
        let view = self.view_of(subscription)?;
        let served = package.served()?;
        let patched = package.spec().is_patched(subscription.body);
        let wants_changes = match subscription.wants {
            Wants::Changes => patched || served.partial && view.without_parties() == View::FULL,
            Wants::Nothing | Wants::Again | Wants::Full => false,
        };
        // Put together anew: a copy of the whole is taken apart bit by bit here, at ten times the cost.
        let told = match subscription.told {
            Baseline::Until(revision) if wants_changes => Baseline::Until(revision),
            Baseline::Until(_) | Baseline::Nothing => Baseline::Nothing,
        };
        let revision = match view {
            View::FULL => self.revisions[group(presentity, package)],
            _ => (served.revision)(presentities.get(presentity)?, view),
        };
        Some(Making {
            presentity,
            package,
            view,
            told,
            revision,
            edition: self.documents.editions[usize::from(presentity.slot())],
            patched,
            moment: match (told, package.watchers_of()) {
                (Baseline::Nothing, Some(_)) => now,
                (Baseline::Nothing, None) | (Baseline::Until(_), _) => Instant::ZERO,
            },
        })
    }

    /// The tag of what the watcher is told; `None` where there is nothing to tell.
    pub(super) fn tag(
        &self,
        now: Instant,
        subscription: &Subscription,
        presentities: &Table<Presentity, PRESENTITIES>,
    ) -> Option<Tag> {
        let making = self.making(now, subscription, presentities)?;
        Some(making.tag(&self.secret, subscription.body))
    }

    /// The document made of that, rendered unless an equal one is there.
    pub(super) fn document(
        &mut self,
        making: &Making,
        presentities: &Table<Presentity, PRESENTITIES>,
    ) -> Option<BodyId> {
        let documents = &self.documents;
        let newest = *documents.newest(making);
        if newest.is_some_and(|body| documents.bodies.is(body, making)) {
            return newest;
        }
        let known = documents.bodies.find(making);
        let body = known.or_else(|| match making.patched {
            true => self.render_patched(making, presentities),
            false => self.render(making, presentities.get(making.presentity)?),
        });
        *self.documents.newest_mut(making) = body;
        body
    }

    pub(super) fn render(&mut self, making: &Making, presentity: &Presentity) -> Option<BodyId> {
        let documents = &mut self.documents;
        let note = making.view.note();
        let note = note.and_then(|it| documents.notes.get(usize::from(it)));
        let mut scene = Scene {
            view: making.view,
            note: note.map(Note::as_str).filter(|it| !it.is_empty()),
            since: documents.since[usize::from(making.presentity.slot())],
            ..Scene::alone(presentity)
        };
        let tag = making.tag(&self.secret, 0);
        let Some(watched) = making.package.watchers_of() else {
            return documents.bodies.render(&scene, *making, tag);
        };
        let audience = winfo::View {
            now: making.moment,
            presentity: making.presentity,
            package: watched,
            winfo: making.package,
            secret: &self.secret,
            subscriptions: &self.subscriptions,
            watchers: &self.watchers,
            absent: &self.absent,
            audiences: &self.audiences,
        };
        scene.audience = &audience;
        documents.bodies.render(&scene, *making, tag)
    }

    /// Tells a document as what is different from the one that the watcher has; in full where that is not known any more,
    /// or nothing is gained.
    fn render_patched(
        &mut self,
        making: &Making,
        presentities: &Table<Presentity, PRESENTITIES>,
    ) -> Option<BodyId> {
        let patched = making.package.served()?.patched.as_ref()?;
        let plain = Making {
            told: Baseline::Nothing,
            patched: false,
            ..*making
        };
        let new = self.document(&plain, presentities)?;
        let bodies = &self.documents.bodies;
        let (new, _) = bodies.parts(new)?;
        let old = match making.told {
            Baseline::Until(revision) => bodies.find(&Making { revision, ..plain }),
            Baseline::Nothing => None,
        };
        let mut buf = [0; BODY];
        let diff = old
            .and_then(|old| bodies.parts(old))
            .and_then(|(old, _)| (patched.diff)(old, new, &mut buf));
        let body = diff.or_else(|| (patched.full)(new, &mut buf))?;
        let tag = making.tag(&self.secret, 0);
        self.documents.bodies.put(*making, tag, |place| {
            place.get_mut(..body.len)?.copy_from_slice(&buf[..body.len]);
            Some(body)
        })
    }

    /// What the watcher sees; `None` if it gets no document. Who may not see gets one that says nothing, and keeps it to
    /// the end.
    fn view_of(&self, subscription: &Subscription) -> Option<View> {
        let blank = |view: View| match self.rules.blank {
            Blank::Presence if subscription.package == Package::Presence => {
                // Nobody gets more from us than it asked for until it has shown that it is there.
                subscription
                    .is_proven()
                    .then(|| discerned(subscription.package, view))
            }
            Blank::Presence | Blank::NoBody => None,
        };
        match subscription.state {
            State::Pending { .. } => blank(View::PENDING),
            State::Terminated(Reason::Rejected | Reason::GiveUp(_)) => blank(View::BLANK),
            State::Active { .. } | State::Terminated(_) if !subscription.allowed => {
                blank(View::BLANK)
            }
            State::Active { .. }
            | State::Terminated(Reason::Timeout | Reason::NoResource | Reason::Deactivated) => {
                Some(subscription.view)
            }
        }
    }
}

/// What is left of a view in a package: those that show the same are one.
pub(super) fn discerned(package: Package, view: View) -> View {
    package.served().map_or(view, |it| (it.discerns)(view))
}
