//! The registrar: which phones are registered here, where, and until when (RFC 3261 §10.3).
//!
//! It is there for the phones next door that know no other server: they register before they publish or watch, and
//! whether they are there is part of their presence. No call is routed by it, so there is no Path (RFC 3327), no
//! Service-Route, no GRUU and no RFC 5626 beyond this: a phone that names its instance and flow keeps its one binding
//! when its address changes, and so does one that corrects its address in the same call over the same flow.
//!
//! Read RFC 3261 §10.3 first. The steps of [`Registrar::handle_register`] keep its numbers.

mod kept;
mod register;
#[cfg(test)]
mod tests;

pub use kept::KeptBinding;

use crate::events::presentity::Presentity;
use crate::ground::limits;
use crate::ground::random::Secret;
use crate::ground::table::{Chains, Id, Queue, Table};
use crate::ground::text::Text;
use crate::ground::time::{Instant, Seconds};
use crate::ground::timers::Timers;
use crate::wire::flow::Flow;
use crate::wire::sip::{Name, Writer};
use heapless::Vec;

/// All bindings.
///
/// Full for a presentity ([`limits::BINDINGS_EACH`]): a new binding takes the place of one of the address, or IPv6 /64,
/// that has most of them, if that is two more than the sender's has; else of one of the sender's own. Full, or three
/// quarters of all for one address: of one of the presentity's from the sender's own. Of several the one that would end
/// first; where there is none, 503 with Retry-After. So nobody keeps another phone out, nor itself by its own leftovers,
/// and all can be refreshed, moved and removed.
pub struct Registrar {
    bindings: Table<Binding, { limits::BINDINGS }>,
    timers: Timers<{ limits::BINDINGS }>,
    /// Whose each binding is, by the presentity's slot.
    of: Chains<{ limits::BINDINGS }, { limits::PRESENTITIES }>,
    /// Who is registered now and was not, or the other way round.
    changed: Vec<Id<Presentity>, { limits::PRESENTITIES }>,
    secret: Secret,
    min_expires: Seconds,
    max_expires: Seconds,
    /// Bindings that the store has to hear of, and by when.
    pub(crate) unsaved: Timers<{ limits::BINDINGS }>,
    /// Bindings that are not what they were, for those who follow.
    altered: Queue<{ limits::BINDINGS }>,
}

/// That somebody can be reached at an address for a while (RFC 3261 §6).
#[derive(Clone, Debug)]
pub struct Binding {
    presentity: Id<Presentity>,
    /// The URI as it was written.
    contact: Text<{ limits::URI }>,
    /// What instance and flow hash to, if both were named (RFC 5626 §6).
    device: Option<u64>,
    /// What the Call-ID hashes to that it was last registered in, and the number there.
    call: u64,
    cseq: u32,
    ends: Instant,
    /// Where it was last registered from.
    flow: Flow,
}

impl Registrar {
    /// Knows nobody yet.
    pub const fn new() -> Registrar {
        Registrar {
            bindings: Table::new(),
            timers: Timers::new(),
            of: Chains::new(),
            changed: Vec::new(),
            secret: Secret::new(),
            min_expires: Seconds::ZERO,
            max_expires: Seconds::ZERO,
            unsaved: Timers::new(),
            altered: Queue::new(),
        }
    }

    /// Takes the secret that strangers' instances and Call-IDs are hashed under. Before the first REGISTER only. Where
    /// bindings are kept over a restart it is to be the same; under another one a phone that comes back is known by
    /// its Contact alone, and may begin its numbers anew.
    pub fn seed(&mut self, secret: Secret) {
        self.secret = secret;
    }

    /// Takes new rules: shorter lifetimes get 423, longer ones are shortened. Bindings that are there keep what they
    /// were granted.
    pub fn set_rules(&mut self, min_expires: Seconds, max_expires: Seconds) {
        self.min_expires = min_expires;
        self.max_expires = max_expires;
    }

    /// Forgets the bindings whose time is over.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(slot) = self.timers.take_due(now) {
            if let Some(id) = self.bindings.id_at(slot) {
                self.remove(id);
            }
        }
    }

    /// The presentity is not served any more: its bindings are forgotten with it.
    pub fn handle_removal(&mut self, presentity: Id<Presentity>) {
        let all: Vec<Id<Binding>, { limits::BINDINGS_EACH }> = self.own(presentity).collect();
        for id in all {
            self.remove(id);
        }
        self.changed.retain(|it| *it != presentity);
    }

    /// Somebody for whom [`Registrar::is_registered`] may be different from what it was when last asked here.
    pub fn take_changed(&mut self) -> Option<Id<Presentity>> {
        self.changed.pop()
    }

    /// The one in that place of the table.
    pub fn at(&self, slot: u16) -> Option<&Binding> {
        self.bindings.get(self.bindings.id_at(slot)?)
    }

    /// A place whose binding is another one, names another Contact, came from elsewhere, or is gone.
    pub fn take_altered(&mut self) -> Option<u16> {
        self.altered.pop()
    }

    /// Leaves room for only `left` more bindings; for tests of a full table.
    #[cfg(test)]
    pub fn leave_room(&mut self, left: Option<usize>) {
        self.bindings.leave_room(left);
    }

    /// When [`Registrar::handle_timeout`] has something to do.
    pub fn due(&self) -> Option<Instant> {
        self.timers.next()
    }

    /// Whether a binding of the presentity lives.
    pub fn is_registered(&self, presentity: Id<Presentity>) -> bool {
        self.own(presentity).next().is_some()
    }

    /// All bindings.
    pub fn iter(&self) -> impl Iterator<Item = (Id<Binding>, &Binding)> {
        self.bindings.iter()
    }

    /// How many there are.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.bindings.len()
    }

    /// Whether nobody is registered.
    #[cfg(test)]
    pub fn is_empty(&self) -> bool {
        self.bindings.is_empty()
    }

    /// Writes the Contact rows of a 200 sent at `at`: every binding of the presentity with the seconds that it has left
    /// then (§10.3 step 8). So an answer that is repeated later is the same, unless another one came between.
    pub fn write_contacts(&self, presentity: Id<Presentity>, at: Instant, w: &mut Writer<'_>) {
        let own = self.own(presentity).filter_map(|id| self.bindings.get(id));
        for binding in own.filter(|it| it.ends > at) {
            let Seconds(left) = binding.ends.seconds_from(at);
            let contact = binding.contact.as_bytes();
            w.field_with(Name::Contact, |out| {
                out.raw(b"<")
                    .value(contact)
                    .raw(b">;expires=")
                    .decimal(left);
            });
        }
    }

    /// The bindings of a presentity: [`limits::BINDINGS_EACH`] at most.
    fn own(&self, presentity: Id<Presentity>) -> impl Iterator<Item = Id<Binding>> {
        let mut next = self.of.first(usize::from(presentity.slot()));
        core::iter::from_fn(move || {
            let slot = next?;
            next = self.of.after(slot);
            self.bindings.id_at(slot)
        })
        // Whoever had the presentity's slot before it has no bindings any more, but an old id may still be asked for.
        .filter(move |&id| {
            self.bindings
                .get(id)
                .is_some_and(|it| it.presentity == presentity)
        })
    }

    /// Takes a binding in; `None` if the table is full.
    fn insert(&mut self, binding: Binding) -> Option<Id<Binding>> {
        let slot = self.bindings.vacant()?;
        self.insert_at(slot, binding)
    }

    fn insert_at(&mut self, slot: u16, binding: Binding) -> Option<Id<Binding>> {
        let (presentity, ends) = (binding.presentity, binding.ends);
        let is_first = !self.is_registered(presentity);
        let id = self.bindings.insert_at(slot, binding).ok()?;
        self.unsaved.hasten(slot, Instant::ZERO);
        self.altered.push(slot);
        self.of.enter(usize::from(presentity.slot()), id.slot());
        self.timers.set(id.slot(), Some(ends));
        if is_first {
            self.note(presentity);
        }
        Some(id)
    }

    fn remove(&mut self, id: Id<Binding>) {
        let Some(binding) = self.bindings.remove(id) else {
            return;
        };
        let presentity = binding.presentity;
        self.of.leave(usize::from(presentity.slot()), id.slot());
        self.timers.set(id.slot(), None);
        self.unsaved.hasten(id.slot(), Instant::ZERO);
        self.altered.push(id.slot());
        if !self.is_registered(presentity) {
            self.note(presentity);
        }
    }

    fn note(&mut self, presentity: Id<Presentity>) {
        if !self.changed.contains(&presentity) {
            // There is a place for each presentity, and those that are gone give theirs back.
            let _ = self.changed.push(presentity);
        }
    }
}

impl Default for Registrar {
    fn default() -> Registrar {
        Registrar::new()
    }
}

impl Binding {
    /// Who is reached there.
    pub fn presentity(&self) -> Id<Presentity> {
        self.presentity
    }

    /// The URI as it was written.
    pub fn contact(&self) -> &str {
        &self.contact
    }

    /// When it ends without a refresh.
    pub fn ends(&self) -> Instant {
        self.ends
    }

    /// Where it was last registered from.
    pub fn flow(&self) -> &Flow {
        &self.flow
    }
}
