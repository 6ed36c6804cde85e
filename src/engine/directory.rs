//! The presentities we keep: found by the URI of a request, changed by local inputs.

use crate::events::presentity::{Call, Presentity};
use crate::events::reach::Reach;
use crate::ground::limits;
use crate::ground::random::Secret;
use crate::ground::table::{Id, Index, Table, cells};
use crate::ground::text::Text;
use crate::ground::time::{Instant, Moment};
use crate::users::compose::{Input, Inputs, Published, Sources, compose};
use crate::wire::sip::{Uri, names_presentity, same_presentity, unescaped};
use heapless::Vec;

/// Whose presence is kept here.
///
/// A Request-URI finds its presentity by the user part; the host only decides between two of the same user. A
/// phone is reached under many hosts (its address of today, its name, its server's domain), and all of them mean
/// the desk it stands on.
pub(super) struct Directory {
    secret: Secret,
    /// What tells our devices from those of another agent that serves the same.
    instance: [u64; 2],
    presentities: Table<Presentity, { limits::PRESENTITIES }>,
    desks: [Desk; limits::PRESENTITIES],
    by_user: Index<{ cells(limits::PRESENTITIES) }>,
}

/// What stands behind a presentity's state.
struct Desk {
    inputs: Inputs,
    /// When [`Inputs::idle`] began.
    idle_since: Instant,
    shows_dnd: bool,
    reach: Reach,
    /// Whether a phone ever registered for it.
    had_phone: bool,
    /// When the state last changed.
    since: Instant,
    user: u64,
}

impl Directory {
    /// Keeps nobody.
    pub(super) const fn new() -> Directory {
        Directory {
            secret: Secret::new(),
            instance: [0; 2],
            presentities: Table::new(),
            desks: [const {
                Desk {
                    inputs: Inputs::new(),
                    idle_since: Instant::ZERO,
                    shows_dnd: false,
                    reach: Reach::Here,
                    had_phone: false,
                    since: Instant::ZERO,
                    user: 0,
                }
            }; limits::PRESENTITIES],
            by_user: Index::new(),
        }
    }

    /// Takes the secret that strangers' URIs are hashed under. Before the first presentity only.
    pub(super) fn seed(&mut self, secret: Secret) {
        self.secret = secret;
    }

    /// Takes what names this instance of the agent.
    pub(super) fn set_instance(&mut self, instance: [u64; 2]) {
        self.instance = instance;
        for slot in 0..limits::PRESENTITIES as u16 {
            let id = self.presentities.id_at(slot);
            if let Some(presentity) = id.and_then(|id| self.presentities.get_mut(id)) {
                presentity.set_instance(instance);
            }
        }
    }

    /// Keeps one more; `None` if the table is full or the URI cannot be read.
    pub(super) fn add(
        &mut self,
        now: Instant,
        uri: &Text<{ limits::URI }>,
        shows_dnd: bool,
    ) -> Option<Id<Presentity>> {
        let user = self.hash(&Uri::parse(uri.as_bytes()).ok()?);
        let id = self
            .presentities
            .insert(Presentity::new(uri.clone()))
            .ok()?;
        if let Some(presentity) = self.presentities.get_mut(id) {
            presentity.set_instance(self.instance);
        }
        self.by_user.insert(user, id.slot());
        self.desks[usize::from(id.slot())] = Desk {
            inputs: Inputs::new(),
            idle_since: now,
            shows_dnd,
            reach: Reach::Here,
            had_phone: false,
            since: now,
            user,
        };
        Some(id)
    }

    /// Keeps it no more.
    pub(super) fn remove(&mut self, id: Id<Presentity>) {
        if self.presentities.remove(id).is_some() {
            self.by_user
                .remove(self.desks[usize::from(id.slot())].user, id.slot());
        }
    }

    /// Takes in a fact from a local presence user agent, for [`Directory::compose`] to make something of.
    pub(super) fn apply(&mut self, now: Instant, id: Id<Presentity>, input: Input) {
        let Some(desk) = self.desks.get_mut(usize::from(id.slot())) else {
            return;
        };
        let was_idle = desk.inputs.idle;
        desk.inputs.apply(input);
        if desk.inputs.idle && !was_idle {
            desk.idle_since = now;
        }
    }

    /// Changes whether watchers of `dialog` see do-not-disturb, from the next [`Directory::compose`] on.
    pub(super) fn show_dnd(&mut self, id: Id<Presentity>, shows_dnd: bool) {
        if let Some(desk) = self.desks.get_mut(usize::from(id.slot())) {
            desk.shows_dnd = shows_dnd;
        }
    }

    /// Composes a presentity anew, of what its buttons say, how its phone is registered here, its calls, and what is
    /// published, the newest document first. Whether that made it another one.
    pub(super) fn compose(
        &mut self,
        moment: Moment,
        id: Id<Presentity>,
        calls: &[Call],
        published: &[Published<'_>],
    ) -> bool {
        let Some(presentity) = self.presentities.get_mut(id) else {
            return false;
        };
        let desk = &mut self.desks[usize::from(id.slot())];
        let composed = compose(&Sources {
            inputs: &desk.inputs,
            idle_since: desk.idle_since,
            shows_dnd: desk.shows_dnd,
            reach: desk.reach,
            device: presentity.device(),
            calls,
            published,
        });
        let is_other = presentity.set_dnd(desk.inputs.dnd);
        let is_new = presentity.update(moment.wall, composed.presence, &composed.calls) || is_other;
        if is_new {
            desk.since = moment.now;
        }
        is_new
    }

    /// Its phone came or went, from the next [`Directory::compose`] on.
    pub(super) fn set_reach(&mut self, id: Id<Presentity>, reach: Reach) {
        if let Some(desk) = self.desks.get_mut(usize::from(id.slot())) {
            desk.reach = reach;
        }
    }

    /// A phone has registered for it.
    pub(super) fn note_phone(&mut self, id: Id<Presentity>) {
        if let Some(desk) = self.desks.get_mut(usize::from(id.slot())) {
            desk.had_phone = true;
        }
    }

    /// Whether one ever did.
    pub(super) fn had_phone(&self, id: Id<Presentity>) -> bool {
        let desk = self.desks.get(usize::from(id.slot()));
        desk.is_some_and(|desk| desk.had_phone)
    }

    /// The presentity that a request means: the one of that host, else the one whose port the request left out, else any
    /// of that user.
    pub(super) fn find(&self, uri: &Uri<'_>) -> Option<Id<Presentity>> {
        let hash = self.hash(uri);
        let has_host = |slot| self.uri(slot).is_some_and(|own| same_presentity(&own, uri));
        let has_no_port = |slot| {
            self.uri(slot)
                .is_some_and(|own| names_presentity(uri, &own))
        };
        let has_user = |slot| self.uri(slot).is_some_and(|own| user(&own) == user(uri));
        let slot = self
            .by_user
            .find(hash, has_host)
            .or_else(|| self.by_user.find(hash, has_no_port))
            .or_else(|| self.by_user.find(hash, has_user))?;
        self.presentities.id_at(slot)
    }

    /// Whether the URI is the presentity's own. Unlike in a Request-URI the host counts too: it is somebody's name.
    pub(super) fn is_named(&self, id: Id<Presentity>, uri: &Uri<'_>) -> bool {
        let presentity = self.presentities.get(id);
        let own = presentity.and_then(|it| Uri::parse(it.uri().as_bytes()).ok());
        own.is_some_and(|own| same_presentity(&own, uri))
    }

    /// The presentity configured under exactly this URI.
    pub(super) fn configured(&self, uri: &str) -> Option<Id<Presentity>> {
        self.presentities
            .iter()
            .find(|(_, presentity)| presentity.uri() == uri)
            .map(|(id, _)| id)
    }

    /// All of them, for those who render their documents.
    pub(super) fn presentities(&self) -> &Table<Presentity, { limits::PRESENTITIES }> {
        &self.presentities
    }

    /// Since when its state is what it is.
    pub(super) fn since(&self, id: Id<Presentity>) -> Option<Instant> {
        self.presentities.get(id)?;
        self.desks
            .get(usize::from(id.slot()))
            .map(|desk| desk.since)
    }

    /// What its local presence user agents say.
    pub(super) fn inputs(&self, id: Id<Presentity>) -> Option<&Inputs> {
        self.presentities.get(id)?;
        self.desks
            .get(usize::from(id.slot()))
            .map(|desk| &desk.inputs)
    }

    fn uri(&self, slot: u16) -> Option<Uri<'_>> {
        let presentity = self.presentities.get(self.presentities.id_at(slot)?)?;
        Uri::parse(presentity.uri().as_bytes()).ok()
    }

    fn hash(&self, uri: &Uri<'_>) -> u64 {
        self.secret.hasher().part(&user(uri)).finish()
    }
}

/// The user part with its escapes undone; the digits of a telephone number (RFC 3966 §5.1.1).
fn user(uri: &Uri<'_>) -> Vec<u8, { limits::URI }> {
    match uri {
        Uri::Tel(uri) => uri.digits().take(limits::URI).collect(),
        // No user of ours is longer, so a cut one finds nobody.
        Uri::Sip(_) | Uri::Pres(_) | Uri::Other { .. } => {
            unescaped(uri.user()).take(limits::URI).collect()
        }
    }
}
