//! SIP messages: read RFC 3261 §7, §18.3, §19.1, §20 and §25.
//!
//! [`parse`] reads a message without copying: everything in a [`Request`] or [`Response`] borrows from the bytes that
//! came in. What a message can't do without is read at once; every other header is read when its method on
//! [`Headers`] is called. [`Framer`] cuts a stream into messages, [`Writer`] builds them, [`respond`] answers.
//!
//! Text is bytes: nothing is assumed to be UTF-8. Nothing panics, whatever comes in.

mod build;
mod bytes;
pub mod digest;
mod fault;
mod fields;
mod grammar;
mod headers;
mod host;
mod message;
mod method;
mod name;
mod respond;
#[cfg(test)]
mod sample;
mod status;
pub mod stream;
mod uri;

pub use crate::wire::out::{Out, Print};
pub use build::Writer;
pub use fields::{
    Accept, Algorithm, Auth, CSeq, Challenge, Contact, Credentials, Disposition, Event, MediaType,
    NameAddr, Rate, Rates, Reason, State, SubscriptionState, Via,
};
pub use grammar::{Bad, Param, Params, Text, unfold};
pub use headers::{Headers, Rows};
pub use host::Host;
pub use message::{Broken, Message, Request, Response, Unusable, parse};
pub use method::Method;
pub use name::Name;
pub use respond::{
    ResponseHead, answer_address, is_answerable, is_somewhere, respond, respond_with,
};
pub use status::Status;
pub use stream::Framer;
pub use uri::{
    PresUri, SipUri, TelUri, Uri, UriParams, is_user_of, names_presentity, same_presentity,
    same_user, stands_for, unescaped,
};
