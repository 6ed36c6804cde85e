//! Recorded conversations with an agent, for benches and for the allocation proof.
//!
//! An agent with the same seed and the same input says the same bytes. So a conversation is held once, with peers
//! that read and write text at leisure, and recorded; then it is played to a fresh agent, and nothing but the
//! agent's own work is in what is measured: no peer reads, no peer writes, no byte is copied.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each user of the kit takes it in whole and needs another part of it"
)]

pub mod cases;
pub mod peers;
pub mod reading;
pub mod stage;
pub mod users;
