//! Floor 0: what everything else stands on. Nothing here knows about SIP.

pub mod limits;
pub mod network;
pub mod random;
pub mod table;
pub mod text;
pub mod time;
pub mod timers;
