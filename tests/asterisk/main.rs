//! The real `lampfield` at a real Asterisk, set up as README says.
//!
//! `tests/asterisk/root` makes the Asterisk, and `tests/run` has it made. Where that can't be, its archive being out of
//! reach, these tests are left out, and counted so: `cargo test --test asterisk -- --ignored` runs them.

#[path = "../common/agent.rs"]
mod agent;
mod pbx;
#[path = "../common/process.rs"]
mod process;
mod readme;
mod states;
