//! How long everything about a stream may take, and how often.

use crate::ground::limits;
use crate::ground::time::Duration;
use crate::txn::{T1_64, T2};

/// How long a peer may say nothing after it has connected.
pub const FIRST: Duration = T1_64;

/// How long a stranger may say nothing, and how long it has its place for itself when other strangers come: a first
/// message follows at once, or with the first retransmissions.
pub const STRANGER: Duration = Duration::from_secs(5);

/// How long one message may take from its first byte to its last.
pub const WHOLE: Duration = T1_64;

/// How long bytes of ours may wait for a peer that does not read.
pub const STALLED: Duration = T1_64;

/// How long an attempt to connect may take.
pub const CONNECT: Duration = Duration::from_secs(10);

/// How long an unused connection lives: longer than a subscription or registration does without a refresh, so that
/// none loses its connection (RFC 3261 §18).
pub const IDLE: Duration = Duration::from_secs(limits::MAX_EXPIRES.0 as u64).saturating_add(T1_64);

/// How long a connection of ours that nobody keeps waits for an answer to what it carried, when others need its place.
pub const CARRIED: Duration = T2;

/// How long a connection of ours that somebody keeps may be unused before it makes way: longer than the rarest pings
/// are apart (RFC 5626 §4.4.1).
pub const KEPT: Duration = Duration::from_secs(900);

/// How long a peer has to read our last words.
pub const CLOSING: Duration = Duration::from_secs(2);

/// How long nobody is let in when there is no descriptor left.
pub const PAUSE: Duration = Duration::from_secs(1);

/// Pings answered within [`PINGS_WITHIN`]; with one more the connection is closed. Phones ping every half minute.
pub const PINGS: u8 = 20;

/// See [`PINGS`].
pub const PINGS_WITHIN: Duration = Duration::from_secs(10);

/// After how much silence the kernel looks whether the peer still has power.
pub(super) const PROBE: Duration = Duration::from_secs(300);
