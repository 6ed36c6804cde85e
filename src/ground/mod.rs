//! Floor 0: what everything else stands on. Nothing here reads or writes SIP; [`limits`] alone knows what its numbers
//! are for.

pub mod limits;
pub mod network;
pub mod random;
pub mod table;
pub mod text;
pub mod time;
pub mod timers;
