//! The header families, one file each: type, reading, printing and tests together.
//!
//! A message needs Via, From, To, Call-ID and CSeq, so these are read at once; all others are read when asked for, by
//! a method of [`super::Headers`] that stands in the family's file.

mod accept;
mod auth;
mod cseq;
mod event;
mod lists;
mod media;
mod name_addr;
mod numbers;
mod rate;
mod state;
mod via;

pub use accept::Accept;
pub use auth::{Algorithm, Auth, Challenge, Credentials};
pub use cseq::CSeq;
pub use event::Event;
pub use media::{Disposition, MediaType};
pub use name_addr::{Contact, NameAddr};
pub use rate::{Rate, Rates};
pub use state::{Reason, State, SubscriptionState};
pub use via::Via;
