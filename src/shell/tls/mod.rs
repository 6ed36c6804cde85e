//! SIP inside TLS 1.2 and 1.3: who is believed to be whom, and what a connection does to its bytes.
//!
//! Read RFC 5922 §7 and RFC 5630 first. rustls speaks the protocol; the sockets, the loop and the deadlines are those of
//! the streams, and a session is a filter between a stream's bytes and its socket. Without the feature `tls` there is
//! no session, and whoever asks for one is told so.

#[cfg(not(feature = "tls"))]
mod absent;
#[cfg(feature = "tls")]
mod context;
#[cfg(feature = "tls")]
mod der;
#[cfg(feature = "tls")]
pub mod house;
#[cfg(feature = "tls")]
mod identity;
#[cfg(feature = "tls")]
mod session;

use std::path::PathBuf;
use std::string::String;
use std::vec::Vec;

#[cfg(not(feature = "tls"))]
pub use absent::{Session, Tls};
#[cfg(feature = "tls")]
pub use context::Tls;
#[cfg(feature = "tls")]
pub use session::Session;

use crate::wire::flow::Mistrust;

/// Whether this program speaks TLS at all.
pub const IS_HERE: bool = cfg!(feature = "tls");

/// What to do about a configuration that wants TLS of a program without it.
pub const TAKE_ANOTHER: &str =
    "this program was built without TLS; take one with it: cargo build --features tls";

/// The authorities of this machine, where nothing else is said.
pub const SYSTEM: &str = "/etc/ssl/certs/ca-certificates.crt";

/// What a configuration says of TLS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The chain that we show, and its key.
    pub own: Option<(PathBuf, PathBuf)>,
    /// Whose certificates servers may have; without it, those of this machine.
    pub authorities: Option<PathBuf>,
    /// Whose certificates make a peer known that opens a connection to us; without it nobody is asked for one.
    pub client_authorities: Option<PathBuf>,
    /// Servers that are known by their very certificate.
    pub pins: Vec<Pin>,
    /// Whether anybody is spoken to or listened to.
    pub is_used: bool,
}

/// A server that is believed for its certificate alone: neither its authority, nor its names, nor its dates count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    /// The server's host, as it is configured.
    pub name: String,
    /// The SHA-256 of its certificate (DER).
    pub sha256: [u8; 32],
}

impl Wanted {
    /// Every file that is opened, now and with each reload.
    pub fn files(&self) -> Vec<PathBuf> {
        let own = self.own.iter().flat_map(|(chain, key)| [chain, key]);
        let named = own
            .chain(&self.authorities)
            .chain(&self.client_authorities)
            .cloned();
        let system = self.is_used && self.authorities.is_none();
        named.chain(system.then(|| PathBuf::from(SYSTEM))).collect()
    }
}

impl Pin {
    /// Reads `NAME sha256:HEX`; colons between the bytes are taken too, as openssl prints them.
    pub fn parse(text: &str) -> Option<Pin> {
        let (name, print) = text.split_once(' ')?;
        let digits: Vec<u8> = print
            .trim()
            .strip_prefix("sha256:")?
            .bytes()
            .filter(|it| *it != b':')
            .collect();
        let mut sha256 = [0; 32];
        if digits.len() != 64 || name.is_empty() {
            return None;
        }
        for (byte, pair) in sha256.iter_mut().zip(digits.chunks(2)) {
            let digit = |at: usize| char::from(pair[at]).to_digit(16);
            *byte = (digit(0)? << 4 | digit(1)?) as u8;
        }
        let name = String::from(name);
        Some(Pin { name, sha256 })
    }
}

/// Why a session is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// The stream below it is.
    Closed,
    /// The peer is not believed, or speaks something else.
    Untrusted(Mistrust),
}
