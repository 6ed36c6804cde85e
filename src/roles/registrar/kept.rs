//! A binding as it is kept over a restart.

use super::{Binding, Registrar};
use crate::events::presentity::Presentity;
use crate::ground::limits;
use crate::ground::table::Id;
use crate::ground::text::Text;
use crate::ground::time::{Instant, Seconds};
use crate::wire::flow::{Flow, Transport};
use crate::wire::sip::Uri;
use core::net::SocketAddr;
use serde::{Deserialize, Serialize};

/// What is kept of a [`Binding`]. Whose it is, the engine keeps with it: an [`Id`] means nothing after a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept<'a> {
    /// The URI.
    pub contact: &'a str,
    device: Option<u64>,
    call: u64,
    cseq: u32,
    /// Seconds it had left when it was written.
    pub left: u32,
    /// Whether it came over a stream, which is gone now.
    stream: bool,
    local: SocketAddr,
    remote: SocketAddr,
}

impl Registrar {
    /// When the store wants to hear of a change.
    pub fn save_due(&self) -> Option<Instant> {
        self.unsaved.next()
    }

    /// Takes the slot of a binding that the store has to hear of by then.
    pub fn take_unsaved(&mut self, until: Instant) -> Option<u16> {
        self.unsaved.take_due(until)
    }

    /// The store has to hear what is in a slot, if there is such a slot.
    pub fn save_again(&mut self, now: Instant, slot: u16) {
        if usize::from(slot) < limits::BINDINGS {
            self.unsaved.hasten(slot, now);
        }
    }

    /// The store has to hear of every slot.
    pub fn save_all(&mut self, now: Instant) {
        for slot in 0..limits::BINDINGS as u16 {
            self.unsaved.hasten(slot, now);
        }
    }

    /// Whose binding is in a slot, and until when.
    pub fn owner(&self, slot: u16) -> Option<(Id<Presentity>, Instant)> {
        let binding = self.bindings.get(self.bindings.id_at(slot)?)?;
        Some((binding.presentity, binding.ends))
    }

    /// The binding in a slot, to be kept. A refresh alone is no reason to write, until half of what is written is over;
    /// nor is anything `again` before then.
    pub fn kept(&mut self, now: Instant, slot: u16, again: Instant) -> Option<Kept<'_>> {
        let id = self.bindings.id_at(slot)?;
        let binding = self.bindings.get(id)?;
        let half = now + (binding.ends - now) / 2;
        self.unsaved.hasten(slot, half.max(again));
        Some(Kept {
            contact: &binding.contact,
            device: binding.device,
            call: binding.call,
            cseq: binding.cseq,
            left: binding.ends.seconds_from(now).0,
            stream: binding.flow.transport.is_reliable(),
            local: binding.flow.local,
            remote: binding.flow.remote,
        })
    }

    /// Takes a binding in that was kept in `slot` so long `ago`; where nobody knows how long that was, nought. `None` if its time is over,
    /// its URI is no URI, or there is no room.
    pub fn restore(
        &mut self,
        now: Instant,
        slot: u16,
        presentity: Id<Presentity>,
        kept: &Kept<'_>,
        ago: Seconds,
    ) -> Option<Id<Binding>> {
        let left = kept.left.checked_sub(ago.0).filter(|left| *left > 0)?;
        let is_crowded = self.own(presentity).count() >= limits::BINDINGS_EACH;
        if is_crowded || Uri::parse(kept.contact.as_bytes()).is_err() {
            return None;
        }
        let transport = match kept.stream {
            true => Transport::Tcp,
            false => Transport::Udp,
        };
        let binding = Binding {
            presentity,
            contact: Text::copied(kept.contact).ok()?,
            device: kept.device,
            call: kept.call,
            cseq: kept.cseq,
            ends: now + Seconds(left.min(self.max_expires.0)),
            flow: Flow {
                transport,
                ..Flow::udp(kept.local, kept.remote)
            },
        };
        self.insert_at(slot, binding)
    }
}
