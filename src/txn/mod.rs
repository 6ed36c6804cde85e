//! Floor 2: non-INVITE transactions (RFC 3261 §17, RFC 4320).
//!
//! A client transaction lives inside what it speaks for (a subscription, a watch), so there is no table of
//! them to exhaust. Server transactions remember what was answered, not the answer's bytes: a retransmission
//! carries everything else that is needed to write the same bytes again.

pub mod client;
pub mod server;
pub mod token;

use crate::ground::time::Duration;

/// Estimate of the round-trip time (RFC 3261 §17.1.1.1).
pub const T1: Duration = Duration::from_millis(500);

/// Longest interval between retransmissions (RFC 3261 §17.1.2.2).
pub const T2: Duration = Duration::from_secs(4);

/// How long a transaction may take: Timers F and J, and N of RFC 6665 §4.1.2.4.
pub const T1_64: Duration = Duration::from_secs(32);
