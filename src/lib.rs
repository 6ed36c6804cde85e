//! Lampfield is an edge presence agent for embedded Linux: buttons in, lamps out, SIP in the middle.
//!
//! The library is the agent without an operating system. [`Agent`] is a value: change it (`start`, `handle_*`, `stop`),
//! then [poll](Agent::poll) it until it says [`Output::Wait`]. It is `no_std`, allocates nothing, forbids `unsafe`, and
//! touches no socket, clock, file or thread: time comes in as an argument, randomness from one generator that the caller
//! seeds, and the agent *says* what to send and show.
//!
//! A desk with one lamp that watches the desk itself, over a real socket, until the lamp is green:
//!
//! ```
//! use lampfield::wire::flow::Flow;
//! use lampfield::{Agent, Colour, Instant, LampSettings, Moment, Network, Output, Package};
//! use lampfield::{PresentitySettings, Settings, Shows, Text, Wall, WatchSettings, limits};
//! # use lampfield::Duration;
//! use std::net::UdpSocket;
//!
//! let socket = UdpSocket::bind("127.0.0.1:0")?;
//! let here = socket.local_addr()?;
//! let desk = Text::copied(&format!("sip:desk@{here}"))?;
//!
//! let mut settings = Settings::default();
//! let loopback = Network::parse("127.0.0.0/8").expect("a network");
//! settings.trusted.push(loopback).expect("there is room");
//! let presentity = PresentitySettings::new(desk.clone());
//! settings.presentities.push(presentity).expect("there is room");
//! let watch = WatchSettings::new(desk.clone(), desk, Package::Presence);
//! let watch = settings.share_watch(watch)?;
//! let mut lamp = LampSettings::new(Text::copied("blf1")?);
//! lamp.shows = Shows::Watch(watch);
//! settings.lamps.push(lamp).expect("there is room");
//! settings.validate()?;
//!
//! let began = std::time::Instant::now();
//! let moment = || Moment {
//!     now: Instant::from_micros(began.elapsed().as_micros() as u64),
//!     wall: Wall::UNSET, // Documents bear no date then.
//! };
//! let mut agent = Box::new(Agent::new());
//! let seed = [1, 2]; // From the operating system's random numbers, in earnest.
//! agent.start(moment(), &settings, seed, &[here.into()]);
//! let mut buf = vec![0; limits::MESSAGE];
//! 'running: loop {
//!     let until = loop {
//!         match agent.poll(moment().now, &mut buf) {
//!             Output::Send { flow, len } => drop(socket.send_to(&buf[..len], flow.remote)?),
//!             Output::Lamp { look, .. } if look.colour == Colour::Green => break 'running,
//!             Output::Wait(until) => break until,
//!             Output::Lamp { .. } | Output::Resolve { .. } => {}
//!             Output::Report(_) | Output::Changed(_) | Output::Gesture { .. } => {}
//!         }
//!     };
//!     # assert!(began.elapsed().as_secs() < 20, "the lamp never turned green");
//!     let wait = until.map(|until| (until - moment().now).max(Duration::from_millis(1)));
//!     socket.set_read_timeout(wait)?;
//!     match socket.recv_from(&mut buf) {
//!         Ok((len, from)) => agent.handle_datagram(moment(), Flow::udp(here, from), &buf[..len]),
//!         Err(_) => agent.handle_timeout(moment()),
//!     }
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The floors
//!
//! Inside, a file uses only floors below its own, and the files of a floor do not use each other in a circle:
//!
//! | floor | folder | what it holds |
//! |---|---|---|
//! | 7 | `shell` | sockets, DNS, clock, store, panel, control socket, command line (feature `std`) |
//! | 6 | `engine` | the agent, its settings, what it says |
//! | 5 | `users` | policy, composition, buttons, lamps |
//! | 4 | `roles` | notifier, watcher, compositor, registrar, upstream |
//! | 3 | `events` | event packages, what is known of a presentity, subscription states (RFC 6665) |
//! | 3 | `ua` | what every user agent needs: the way to a server, credentials, dialogs, retry delays |
//! | 2 | `txn` | non-INVITE transactions (RFC 3261 §17) |
//! | 1 | [`wire`] | SIP messages and presence documents |
//! | 0 | `ground` | time, limits, text, tables, timers, randomness |
#![no_std]
#![forbid(unsafe_code)]

#[cfg(feature = "std")]
extern crate std;

mod engine;
mod events;
mod ground;
mod roles;
#[cfg(feature = "std")]
mod shell;
mod txn;
mod ua;
mod users;
pub mod wire;

pub use engine::agent::status;
pub use engine::agent::{
    Agent, Ambiguous, Decree, Description, KEY, Key, Lost, Output, RECORD, Report, Standing,
    Subject, Trouble, UriExcerpt, Whom, Word,
};
pub use engine::config::{
    Account, Action, Authentication, ButtonSettings, Days, Demand, Direction, During, Full,
    Invalid, LampSettings, Lifetimes, Listed, Listener, Packages, PresentitySettings, Redirects,
    Rule, Rules, Server, Settings, Shows, Span, Strangers, Then, UpstreamSettings, WatchRole,
    WatchSettings, Who, Zone,
};
pub use events::package::{Pace, Package};
pub use events::ruling::{Ruling, View};
pub use events::watched::Watched;
pub use ground::limits;
pub use ground::network::Network;
pub use ground::text::{Excerpt, Text, TooLong};
pub use ground::time::{Duration, Instant, Moment, Seconds, Wall};
pub use roles::watcher::{Doubt, IS_A_LIST, Listed as OnList, Standing as ListStanding};
#[cfg(feature = "std")]
pub use shell::cli::main;
pub use ua::addresses::LocalAddress;
pub use ua::guard::{User, Users};
pub use ua::query::{Name, Query};
pub use ua::targets::Target;
pub use users::compose::Input;
pub use users::lamps::{Colour, Look, Looks, Pattern};
pub use users::policy::{Basis, Change, Decided, Local, Misfit, Policy, SILENCE, Trial, Watching};

/// What the project's own tests and benches drive beside all that; it changes without notice.
#[doc(hidden)]
pub mod parts {
    pub use crate::engine::config::{is_address, is_same};
    pub use crate::events::package::presence::write_as;
    pub use crate::events::package::{Memory, Reading};
    pub use crate::events::presentity::Presentity;
    pub use crate::events::reach::Reach;
    pub use crate::ground::random::Random;
    #[cfg(feature = "std")]
    pub use crate::shell::{
        commands::Commands,
        control::{Place, Rights, converse},
        dns::{self, Paths},
        document::Faults,
        panel::board::Board,
        runtime::{Options, Runtime},
        settings::{Configuration, Overrides},
        store::{Batch, Counters, Medium, Opened, Store},
        tls::{Tls, Wanted},
        users::Roll,
    };
    pub use crate::ua::credentials::{Login, Next, Password, Proof};
    pub use crate::users::compose::{Inputs, Published, Sources, compose};
}
