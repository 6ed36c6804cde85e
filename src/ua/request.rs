//! A request of ours from the moment it is decided to its final answer.

use crate::ground::time::Instant;
use crate::txn::client::{Client, Expiry};
use crate::ua::query::Query;
use crate::wire::flow::Flow;

/// Who we say we are.
pub const USER_AGENT: &[u8] = concat!("Lampfield/", env!("CARGO_PKG_VERSION")).as_bytes();

/// What keeps a way open (RFC 5626 §3.5.1).
pub const PING: &[u8] = b"\r\n\r\n";

/// What a client role wants done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Send the first `len` bytes of the buffer.
    Send {
        /// Which way.
        flow: Flow,
        /// How many.
        len: usize,
    },
    /// Find the address of the name that the role's query asks for, and tell it.
    Resolve {
        /// The question.
        query: Query,
    },
}

impl Action {
    /// Two line ends, which keep the way open (RFC 5626 §3.5.1); `None` if `buf` has no room.
    pub fn ping(flow: Flow, buf: &mut [u8]) -> Option<Action> {
        buf.get_mut(..PING.len())?.copy_from_slice(PING);
        Some(Action::Send {
            flow,
            len: PING.len(),
        })
    }
}

/// How far a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sending {
    /// Not sent yet: the next poll sends it.
    Due,
    /// Sent; its answer is awaited.
    Sent(Client),
    /// Sent, and to be sent once more by the next poll (Timer E).
    Again(Client),
    /// It has its final answer, or will get none.
    Answered,
}

impl Sending {
    /// Timers E and F.
    pub fn handle_timeout(&mut self, now: Instant) -> Expiry {
        let (Sending::Sent(mut client) | Sending::Again(mut client)) = *self else {
            return Expiry::Nothing;
        };
        let expiry = client.handle_timeout(now);
        match expiry {
            // What is to be sent once more still is.
            Expiry::Nothing => {}
            Expiry::Resend => *self = Sending::Again(client),
            Expiry::TimedOut => *self = Sending::Answered,
        }
        expiry
    }

    /// A 1xx came.
    pub fn handle_provisional(&mut self) {
        match self {
            Sending::Sent(client) | Sending::Again(client) => client.handle_provisional(),
            Sending::Due | Sending::Answered => {}
        }
    }

    /// When Timer E or F is due.
    pub fn due(&self) -> Option<Instant> {
        match self {
            Sending::Sent(client) | Sending::Again(client) => Some(client.due()),
            Sending::Due | Sending::Answered => None,
        }
    }

    /// The earlier of Timer E or F and `other`.
    pub fn due_or(&self, other: Instant) -> Instant {
        self.due().map_or(other, |due| due.min(other))
    }

    /// Whether an answer under the branch of `nonce` is for this request.
    pub fn awaits(&self, nonce: u64) -> bool {
        match self {
            Sending::Sent(client) | Sending::Again(client) => client.nonce() == nonce,
            Sending::Due | Sending::Answered => false,
        }
    }

    /// Whether it is a Binding request of STUN, on its way.
    pub fn is_binding(&self) -> bool {
        match self {
            Sending::Sent(client) | Sending::Again(client) => client.is_binding(),
            Sending::Due | Sending::Answered => false,
        }
    }

    /// Whether it is on its way and unanswered.
    pub const fn is_in_flight(&self) -> bool {
        match self {
            Sending::Sent(_) | Sending::Again(_) => true,
            Sending::Due | Sending::Answered => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resend_is_not_lost_to_a_timer_that_is_not_due() /* T01 */
    {
        let mut sending = Sending::Sent(Client::start(Instant::ZERO, 1, false));
        let due = sending.due().expect("Timer E");
        assert_eq!(sending.handle_timeout(due), Expiry::Resend);
        assert!(matches!(sending, Sending::Again(_)));
        assert_eq!(sending.handle_timeout(due), Expiry::Nothing);
        assert!(matches!(sending, Sending::Again(_)));
    }
}
