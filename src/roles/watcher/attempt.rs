//! The SUBSCRIBE that opens a subscription (RFC 6665 §4.1.2.1).

use crate::ground::random::Random;
use crate::ground::time::{Instant, Seconds};
use crate::txn::T1_64;
use crate::txn::token::{Owner, Token};
use crate::ua::credentials::Proof;
use crate::ua::outbound::Way;
use crate::ua::request::Sending;

/// The SUBSCRIBE that opens a subscription: what its NOTIFYs are known by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attempt {
    /// The From tag.
    pub(super) tag: Token,
    /// What the Call-ID is made of.
    pub(super) call: Token,
    pub(super) seq: u32,
    pub(super) way: Way,
    pub(super) request: Sending,
    /// When it was sent last as a new request.
    pub(super) sent: Instant,
    /// Timer N (RFC 6665 §4.1.2.4).
    pub(super) notify_by: Instant,
    /// The lifetime granted by the 2xx, for NOTIFYs that name none.
    pub(super) granted: Option<Seconds>,
    /// Whether a 423 was followed already.
    pub(super) raised: bool,
    /// The credentials of the request, and what was said to those before.
    pub(super) proof: Proof,
    /// A hash of the tag of the notifier that left last: its late datagrams do not bring it back.
    pub(super) left: Option<u64>,
}

impl Attempt {
    /// A request with a fresh Call-ID and From tag, to be sent with the next poll (RFC 6665 §4.1.2.1).
    pub(super) fn new(now: Instant, slot: u16, way: Way, random: &mut Random) -> Attempt {
        Attempt {
            tag: Token::draw(Owner::Watch, slot, random),
            call: Token::draw(Owner::Watch, slot, random),
            seq: 1,
            way,
            request: Sending::Due,
            sent: now,
            notify_by: now + T1_64,
            granted: None,
            raised: false,
            proof: Proof::NONE,
            left: None,
        }
    }

    /// When a request that was sent has something to do.
    pub(super) fn due(&self) -> Option<Instant> {
        (self.request != Sending::Due).then(|| self.request.due_or(self.notify_by))
    }

    /// The Call-ID.
    pub(super) fn call_id(&self) -> [u8; Token::LEN] {
        self.call.text()
    }
}
