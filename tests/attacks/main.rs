//! Attacks on a notifier and watcher, each with what must hold afterwards: nothing lost, tables bounded and empty
//! again, nothing sent to strangers, the next request served.
//!
//! The rows' numbers stand in the tests. Digest, registrations, and what needs sockets, files or TLS have their tests
//! where those are.

#[path = "../common/desk.rs"]
mod desk;

mod bodies;
mod exhaustion;
mod forgery;
mod framing;
mod headers;
mod injection;
mod odd;
mod publications;
mod reflection;
mod state;
mod time;
mod trust;
