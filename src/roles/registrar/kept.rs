//! Bindings over a power cut: a phone that is registered stays so, for as long as it asked for.

use super::{Binding, Registrar};
use crate::events::kept::{KeptFlow, Lease};
use crate::events::presentity::Presentity;
use crate::ground::limits;
use crate::ground::table::Id;
use crate::ground::text::Text;
use crate::ground::time::{Instant, Moment};
use crate::wire::sip::Uri;
use serde::{Deserialize, Serialize};

/// A binding as it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptBinding<'a> {
    /// Who is reached there.
    pub presentity: &'a str,
    pub(super) contact: &'a str,
    device: Option<u64>,
    call: u64,
    cseq: u32,
    pub(super) lease: Lease,
    flow: KeptFlow,
}

impl Registrar {
    /// The record of what is in a slot, `None` if nothing is; it is due again when half of what it says is over, and not
    /// before `again`. `uri_of` gives the URI of a presentity.
    pub fn kept<'a>(
        &'a mut self,
        moment: Moment,
        slot: u16,
        again: Instant,
        uri_of: impl FnOnce(Id<Presentity>) -> Option<&'a str>,
    ) -> Option<KeptBinding<'a>> {
        let id = self.bindings.id_at(slot)?;
        let it = self.bindings.get(id)?;
        // A refresh alone is no reason to write, until the lifetime on record runs out.
        let half = moment.now + (it.ends - moment.now) / 2;
        self.unsaved.hasten(slot, half.max(again));
        Some(KeptBinding {
            presentity: uri_of(it.presentity)?,
            contact: &it.contact,
            device: it.device,
            call: it.call,
            cseq: it.cseq,
            lease: Lease::new(it.ends, moment),
            flow: KeptFlow::new(&it.flow),
        })
    }

    /// Takes a binding back that was kept in `slot`. Says whether it is there again: one that expired meanwhile, whose
    /// URI is no URI, or for which there is no room, is not.
    pub fn restore(
        &mut self,
        moment: Moment,
        slot: u16,
        presentity: Id<Presentity>,
        kept: &KeptBinding<'_>,
    ) -> bool {
        let ends = kept.lease.ends(moment).min(moment.now + self.max_expires);
        let is_crowded = self.own(presentity).count() >= limits::BINDINGS_EACH;
        let is_uri = Uri::parse(kept.contact.as_bytes()).is_ok();
        let (Ok(contact), Some(flow)) = (Text::copied(kept.contact), kept.flow.flow()) else {
            return false;
        };
        if ends <= moment.now || is_crowded || !is_uri {
            return false;
        }
        let binding = Binding {
            presentity,
            contact,
            device: kept.device,
            call: kept.call,
            cseq: kept.cseq,
            ends,
            flow,
        };
        self.insert_at(slot, binding).is_some()
    }
}
