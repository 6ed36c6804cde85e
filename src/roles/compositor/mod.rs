//! The event state compositor: takes PUBLISH and keeps what phones say of a presentity (RFC 3903 §6).
//!
//! ```text
//!  initial ──► a publication ──refresh, modify──► the same under another entity-tag
//!                  ├──remove, expiry, its presentity is gone──► nothing
//!                  └──an initial PUBLISH of the same phone────► replaced
//! ```
//!
//! **Orphans.** A phone whose 200 was lost, or that was switched off, knows no tag of its publication any more: it gets
//! 412 or does not even try, publishes anew, and its old document would contradict the new one until it expires. So an
//! initial PUBLISH takes the place of an older publication of the same publisher: for the same presentity, with the
//! same From, in the same package, from the same IP address or IPv6 /64, and besides with the same tuple ids or the same Call-ID; wherever it
//! comes from, with the same `+sip.instance` in a Contact, and never with another one. The port may be another one: a
//! phone that has started again has another connection, or another place at its NAT. From the same port too, it takes
//! the place of the one publication it can have meant, while the last word of this address was a PUBLISH that got 412.
//! All others stay side by side, as RFC 3903 §4.2 wants it for several publishers: two phones behind one address are told
//! apart by their tuple ids. A phone that makes up everything anew each time it starts keeps no more than
//! [`limits::PUBLICATIONS_PUBLISHER`]: what it never refreshed goes first.
//!
//! Calls (`dialog`) are published side by side with presence and never take its place. There a server may speak for a
//! phone with one publication for each call, as Kamailio does, or with one for all, as Asterisk: the ids of the dialogs
//! count as those of tuples. The last word on a call is told for some seconds only, so no lifetime is too brief for it.
//!
//! Two phones that publish as the same user, from behind one address, under ids that their maker has written into them
//! (baresip's, Grandstream's) cannot be told from one that has started again. They take turns: the last to publish
//! anew counts, and the other one gets 412 to its refresh and does so too. Each needs a user of its own.
//!
//! Read RFC 3903 §6 first. The steps keep its numbers.

mod document;
mod kept;
mod publish;
#[cfg(test)]
mod tests;

pub use kept::KeptPublication;
pub use publish::Publisher;

use crate::events::etag::EntityTag;
use crate::events::package::Package;
use crate::events::presentity::Presentity;
use crate::ground::limits;
use crate::ground::random::Secret;
use crate::ground::table::{Id, Queue, Table};
use crate::ground::text::Text;
use crate::ground::time::{Instant, Seconds};
use crate::ground::timers::Timers;
use crate::wire::doc::pidf::Summary;
use core::net::SocketAddr;
use heapless::{Deque, Vec};

/// All publications.
///
/// Full, or [`limits::PUBLICATIONS_EACH`] of one presentity: an initial PUBLISH gets 503 with Retry-After (RFC 3903 §9)
/// unless it replaces an older one of the same publisher. Nobody's publication makes way for another's. One address, or
/// IPv6 /64, gets that answer when it has three quarters, of all or of one presentity's; what it has can be refreshed,
/// modified and removed.
pub struct Compositor {
    publications: Table<Publication, { limits::PUBLICATIONS }>,
    /// When each expires.
    timers: Timers<{ limits::PUBLICATIONS }>,
    /// Publications that the store has to hear of, and by when.
    pub(crate) unsaved: Timers<{ limits::PUBLICATIONS }>,
    /// What entity-tags are made under, and what strangers' texts are hashed under.
    secret: Secret,
    /// The shortest lifetime granted: below it 423.
    min_expires: Seconds,
    /// The longest, and that of a PUBLISH which names none.
    max_expires: Seconds,
    /// How many changes there were.
    changes: u32,
    /// Publications that are not what they were, for those who follow.
    altered: Queue<{ limits::PUBLICATIONS }>,
    /// Whose publications changed since the last question.
    changed: Vec<Id<Presentity>, { limits::PRESENTITIES }>,
    /// Whose last PUBLISH got 412, and for whom.
    refused: Deque<(Id<Presentity>, SocketAddr), REFUSED>,
}

/// What one publisher says of a presentity.
pub struct Publication {
    presentity: Id<Presentity>,
    /// In which package.
    package: Package,
    tag: EntityTag,
    knows: Knows,
    ends: Instant,
    /// As it came, in its own encoding.
    document: Vec<u8, { limits::PUBLICATION }>,
    says: Summary,
    /// A hash of the ids of its tuples, or dialogs; `None` without any.
    ids: Option<u64>,
    /// The URI of the From.
    publisher: Text<{ limits::URI }>,
    /// A hash of the Call-ID of the PUBLISH that began it.
    call: u64,
    /// A hash of the `+sip.instance` that its Contact named.
    device: Option<u64>,
    remote: SocketAddr,
    number: u8,
    /// When it was last refreshed or modified; `None` if never.
    refreshed: Option<Instant>,
    changed: Instant,
    order: u32,
}

/// Which tags a publication answers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Knows {
    /// The newest, and no other.
    Newest,
    /// It was taken back from a store, which does not hear of each refresh: one of its own that is not older than what
    /// the store knew.
    SinceKept,
}

/// PUBLISHes with 412 that are remembered.
const REFUSED: usize = 4;

impl Compositor {
    /// Keeps nothing yet.
    pub const fn new() -> Compositor {
        Compositor {
            publications: Table::new(),
            timers: Timers::new(),
            unsaved: Timers::new(),
            secret: Secret::new(),
            min_expires: Seconds::ZERO,
            max_expires: Seconds::ZERO,
            changes: 0,
            altered: Queue::new(),
            changed: Vec::new(),
            refused: Deque::new(),
        }
    }

    /// Takes the secret that entity-tags are made under. Before the first PUBLISH only; where publications are kept
    /// over a restart, it must be the one of before.
    pub fn seed(&mut self, secret: Secret) {
        self.secret = secret;
    }

    /// Shorter lifetimes get 423, longer ones are shortened, and a PUBLISH that names none gets the longest.
    /// Publications that are there keep what they were granted.
    pub fn set_rules(&mut self, min_expires: Seconds, max_expires: Seconds) {
        (self.min_expires, self.max_expires) = (min_expires, max_expires);
    }

    /// Publications that have expired are gone (RFC 3903 §4.3).
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(slot) = self.timers.take_due(now) {
            if let Some(id) = self.publications.id_at(slot) {
                self.forget(id);
            }
        }
    }

    /// The presentity is not served any more, nor is what was said of it.
    pub fn handle_removal(&mut self, presentity: Id<Presentity>) {
        for slot in 0..limits::PUBLICATIONS as u16 {
            let id = self.publications.id_at(slot);
            let is_its = |it: &Publication| it.presentity == presentity;
            if let Some(id) = id.filter(|&id| self.publications.get(id).is_some_and(is_its)) {
                self.forget(id);
            }
        }
        self.changed.retain(|&it| it != presentity);
    }

    /// Somebody whose publications changed since the last question: compose anew. A refresh is no change.
    pub fn take_changed(&mut self) -> Option<Id<Presentity>> {
        self.changed.pop()
    }

    /// Leaves room for only `left` more publications; for tests of a full table.
    #[cfg(test)]
    pub fn leave_room(&mut self, left: Option<usize>) {
        self.publications.leave_room(left);
    }

    /// What entity-tags are made under.
    pub fn secret(&self) -> Secret {
        self.secret
    }

    /// When [`Compositor::handle_timeout`] has something to do.
    pub fn due(&self) -> Option<Instant> {
        self.timers.next()
    }

    /// All publications.
    pub fn iter(&self) -> impl Iterator<Item = (Id<Publication>, &Publication)> {
        self.publications.iter()
    }

    /// What is said of a presentity, the newest document first.
    pub fn of(
        &self,
        presentity: Id<Presentity>,
    ) -> Vec<&Publication, { limits::PUBLICATIONS_EACH }> {
        let all = self.publications.iter().map(|(_, it)| it);
        let mut its: Vec<_, { limits::PUBLICATIONS_EACH }> =
            all.filter(|it| it.presentity == presentity).collect();
        its.sort_unstable_by_key(|it| core::cmp::Reverse(it.order));
        its
    }

    /// The one in that place of the table.
    pub fn at(&self, slot: u16) -> Option<&Publication> {
        self.publications.get(self.publications.id_at(slot)?)
    }

    /// A place whose publication is another one, says something else, or is gone.
    pub fn take_altered(&mut self) -> Option<u16> {
        self.altered.pop()
    }

    /// How many there are.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.publications.len()
    }

    /// Whether nobody has published anything.
    #[cfg(test)]
    pub fn is_empty(&self) -> bool {
        self.publications.is_empty()
    }

    fn forget(&mut self, id: Id<Publication>) {
        if let Some(gone) = self.publications.remove(id) {
            self.timers.set(id.slot(), None);
            self.unsaved.hasten(id.slot(), Instant::ZERO);
            self.announce(id, gone.presentity);
        }
    }

    /// The number of a document that is new.
    fn count_change(&mut self) -> u32 {
        self.changes = self.changes.wrapping_add(1);
        self.changes
    }

    fn announce(&mut self, id: Id<Publication>, presentity: Id<Presentity>) {
        self.altered.push(id.slot());
        if !self.changed.contains(&presentity) {
            let _ = self.changed.push(presentity); // There are as many places as presentities.
        }
    }
}

impl Default for Compositor {
    fn default() -> Compositor {
        Compositor::new()
    }
}

impl Publication {
    /// Of whom it tells.
    pub fn presentity(&self) -> Id<Presentity> {
        self.presentity
    }

    /// In which package.
    pub fn package(&self) -> Package {
        self.package
    }

    /// The document, as it came.
    pub fn document(&self) -> &[u8] {
        &self.document
    }

    /// What that says.
    pub fn says(&self) -> &Summary {
        &self.says
    }

    /// Who published it: the URI of its From.
    pub fn publisher(&self) -> &str {
        &self.publisher
    }

    /// Where that is.
    pub fn remote(&self) -> SocketAddr {
        self.remote
    }

    /// When it expires without a refresh.
    pub fn ends(&self) -> Instant {
        self.ends
    }

    /// When its document last changed.
    pub fn changed(&self) -> Instant {
        self.changed
    }

    /// Grows with every change of any document: the greater, the newer.
    pub fn order(&self) -> u32 {
        self.order
    }

    /// From 1 up: another one for each publication of a presentity, and the same as long as it lives.
    pub fn number(&self) -> u8 {
        self.number
    }
}
