//! Lampfield is an edge presence agent for embedded Linux: buttons in, lamps out, SIP in the middle.
//!
//! The library is the agent without an operating system. Everything below the shell is `no_std`, allocates
//! nothing, forbids `unsafe`, and touches no socket, clock, file or thread: time comes in as an argument,
//! randomness from one generator that the caller seeds, and the agent *says* what to send and show.
//!
//! The floors, lowest first; a file imports only from floors below its own:
//!
//! | floor | what it holds |
//! |---|---|
//! | [`ground`] | time, limits, text, tables, timers, randomness |
//! | [`wire`] | SIP messages and presence documents |
//! | [`txn`] | non-INVITE transactions (RFC 3261 §17) |
//! | [`ua`] | what every user agent needs: credentials, dialogs, servers |
//! | [`events`] | event packages and subscriptions (RFC 6665) |
//! | [`roles`] | notifier, watcher |
//! | [`users`] | policy, composition, lamps |
//! | [`engine`] | the agent and its settings |
//! | `shell` | sockets, panel, control socket, command line (feature `std`) |
#![no_std]
#![forbid(unsafe_code)]

#[cfg(feature = "std")]
extern crate std;

pub mod engine;
pub mod events;
pub mod ground;
pub mod roles;
#[cfg(feature = "std")]
pub mod shell;
pub mod txn;
pub mod ua;
pub mod users;
pub mod wire;
