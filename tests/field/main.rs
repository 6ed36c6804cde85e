//! What happens in the field: messages after public bug reports about other products, sent to the running program over
//! real sockets. Each case names its reports by project and number; names, numbers and addresses in it are ours.
//!
//! ```text
//!   telephone system, proxy, phone            the program
//!      (a model in this test)  ◄── loopback ──►  with a configuration, a simulated panel and a control socket
//! ```
//!
//! What takes minutes happens in virtual time, with the agent as a value.
#![cfg(feature = "std")]

#[path = "../common/agent.rs"]
mod agent;
mod message;
mod peer;
#[path = "../common/process.rs"]
mod process;
mod setup;
#[path = "../common/desk.rs"]
mod virtual_time;

mod both;
mod challenges;
mod contact;
mod dialogs;
mod doubts;
mod endings;
mod keep_alives;
mod mailbox;
mod notifies;
mod outages;
mod presence;
mod publications;
mod registrations;
mod streams;
mod watchers;
