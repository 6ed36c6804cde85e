//! Publications over a power cut.
//!
//! A change of the document is written down at once, a refresh is not: it would wear the card. So a phone may come back
//! with a tag that the store has never heard of; once after the restart, any tag of this publication that is not older
//! than the one in the record is as good as the newest (RFC 3903 §6 step 6 only forbids to give one out twice).

use super::{Compositor, Publication};
use crate::events::etag::EntityTag;
use crate::events::kept::Lease;
use crate::events::presentity::Presentity;
use crate::ground::limits;
use crate::ground::table::Id;
use crate::ground::text::Text;
use crate::ground::time::{Instant, Moment};
use core::net::SocketAddr;
use serde::{Deserialize, Serialize};

/// A publication as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptPublication<'a> {
    /// Of whom it tells.
    pub presentity: &'a str,
    nonce: u64,
    count: u32,
    lease: Lease,
    publisher: &'a str,
    call: u64,
    remote: SocketAddr,
    number: u8,
    order: u32,
    document: &'a [u8],
}

impl Compositor {
    /// The record of what is in a slot, `None` if nothing is; it is due again when half of what it says is over, and not
    /// before `again`. `uri_of` gives the URI of a presentity.
    pub fn kept<'a>(
        &'a mut self,
        moment: Moment,
        slot: u16,
        again: Instant,
        uri_of: impl FnOnce(Id<Presentity>) -> Option<&'a str>,
    ) -> Option<KeptPublication<'a>> {
        let id = self.publications.id_at(slot)?;
        let it = self.publications.get(id)?;
        // A refresh alone is no reason to write, until the lifetime on record runs out.
        let half = moment.now + (it.ends - moment.now) / 2;
        self.unsaved.hasten(slot, half.max(again));
        Some(KeptPublication {
            presentity: uri_of(it.presentity)?,
            nonce: it.tag.nonce,
            count: it.tag.count,
            lease: Lease::new(it.ends, moment),
            publisher: &it.publisher,
            call: it.call,
            remote: it.remote,
            number: it.number,
            order: it.order,
            document: &it.document,
        })
    }

    /// Takes a publication back that was kept in `slot`. Says whether it is there again: one that expired meanwhile, or
    /// whose place is taken, is not.
    pub fn restore(
        &mut self,
        moment: Moment,
        slot: u16,
        presentity: Id<Presentity>,
        kept: &KeptPublication<'_>,
    ) -> bool {
        let ends = kept.lease.ends(moment);
        let tag = EntityTag {
            nonce: kept.nonce,
            count: kept.count,
            salt: 0,
        };
        let restored = Publication::restored(presentity, tag, ends, kept.document, self.secret);
        let (Some(mut publication), Ok(publisher)) = (restored, Text::copied(kept.publisher))
        else {
            return false;
        };
        let is_number = (1..=limits::PUBLICATIONS_EACH as u8).contains(&kept.number);
        let is_taken = |it: &Publication| {
            it.presentity == presentity && (it.number == kept.number || it.tag.nonce == kept.nonce)
        };
        let has_room = !self.publications.iter().any(|(_, it)| is_taken(it));
        if ends <= moment.now || !is_number || !has_room {
            return false;
        }
        publication.publisher = publisher;
        (publication.call, publication.remote) = (kept.call, kept.remote);
        (publication.number, publication.order) = (kept.number, kept.order);
        publication.changed = moment.now;
        let Ok(id) = self.publications.insert_at(slot, publication) else {
            return false;
        };
        self.changes = self.changes.max(kept.order);
        self.timers.set(id.slot(), Some(ends));
        self.unsaved.hasten(slot, ends);
        self.announce(id, presentity);
        true
    }
}
