//! Floor 7: the agent among sockets, clocks, signals, a panel and people.
//!
//! [`runtime`] is the one loop; the rest are its neighbours, each knowing one side of the operating system.

pub mod capacity;
pub mod changes;
pub mod cli;
pub mod clock;
pub mod commands;
pub mod control;
pub mod dns;
pub mod document;
pub mod failed;
pub mod hub;
pub mod journal;
pub mod listen;
pub mod mdns;
pub mod names;
pub mod net;
pub mod panel;
pub mod poller;
pub mod run;
pub mod runtime;
pub mod sandbox;
pub mod saving;
pub mod seed;
pub mod service;
pub mod settings;
pub mod signals;
pub mod softphone;
pub mod steps;
pub mod store;
pub mod timer;
pub mod tls;
pub mod users;
pub mod words;
pub mod zone;
