//! Floor 1: wire formats. SIP messages and presence documents, read without copying and written all or nothing.
//!
//! Nothing here panics, whatever the bytes are; nothing here allocates or keeps state between calls.

pub mod doc;
pub mod flow;
mod out;
pub mod sip;
pub mod stun;

pub use out::WriteError;
