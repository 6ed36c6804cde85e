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
    /// The binding, to be kept.
    pub fn kept(&self, now: Instant, id: Id<Binding>) -> Option<Kept<'_>> {
        let binding = self.bindings.get(id)?;
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

    /// Takes a binding in that was kept `ago`; where nobody knows how long that was, nought. `None` if its time is over,
    /// its URI is no URI, or there is no room.
    pub fn restore(
        &mut self,
        now: Instant,
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
        self.insert(Binding {
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
        })
    }
}
