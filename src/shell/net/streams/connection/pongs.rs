//! What becomes of our pings on a stream (RFC 5626 §4.4.1).

use crate::ground::time::Instant;
use crate::ua::request::PING;
use crate::ua::retry::PONG;

/// Whether the peer answers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pongs {
    /// None was ever answered: the peer may not know of them.
    Never,
    /// The last one was.
    Heard,
    /// The next answer must be there by then.
    Due(Instant),
}

impl Pongs {
    /// A message of ours goes out, perhaps a ping.
    pub(super) fn note(&mut self, now: Instant, message: &[u8]) {
        if *self == Pongs::Heard && message == PING {
            *self = Pongs::Due(now + PONG);
        }
    }

    /// By when an answer must be there.
    pub(super) const fn due(self) -> Option<Instant> {
        match self {
            Pongs::Due(by) => Some(by),
            Pongs::Never | Pongs::Heard => None,
        }
    }
}
