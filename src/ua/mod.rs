//! Floor 3, the other half: what every user agent needs (RFC 3261 §8.1, §12, §22), whatever it asks for. Nothing here
//! knows about events.

pub mod addresses;
pub mod credentials;
pub mod dialog;
pub mod guard;
pub mod next_hop;
pub mod outbound;
pub mod query;
pub mod reach;
pub mod request;
pub mod retry;
pub mod servers;
pub mod targets;
