//! One connection's TLS: what came in becomes plain, what goes out becomes secret.
//!
//! The memory that it holds is bounded, whatever the peer does: while it shakes hands at most 64 KiB that wait to be
//! understood, for rustls takes no longer message of a handshake, and [`OUT`] that wait to be sent; afterwards a record
//! or two of 16 KiB.

use std::fmt;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::string::{String, ToString};
use std::sync::Arc;
use std::vec::Vec;

use rustls::{
    ClientConfig, ClientConnection, Connection, HandshakeKind, ServerConfig, ServerConnection,
};

use super::Broken;
use super::identity::{Pins, is_for, mistrust, names_of, server_name};
use crate::wire::flow::Mistrust;

/// Bytes that may wait for the end of the handshake.
pub const OUT: usize = 64 * 1024;

/// One connection's TLS.
pub struct Session {
    tls: Connection,
    /// Who the peer has to be, all of them: two accounts may have found the same address (RFC 5922 §7.3).
    names: Vec<String>,
    pins: Arc<Pins>,
    was_shaking: bool,
    /// Whether [`Session::take_names`] has given what there is.
    is_told: bool,
}

impl Session {
    pub(super) fn accepted(config: Arc<ServerConfig>) -> Option<Session> {
        let tls = Connection::Server(ServerConnection::new(config).ok()?);
        Some(Session::new(tls, Vec::new(), Arc::default()))
    }

    pub(super) fn opened(
        config: Arc<ClientConfig>,
        names: Vec<String>,
        pins: Arc<Pins>,
    ) -> Option<Session> {
        let first = server_name(names.first()?)?;
        let tls = Connection::Client(ClientConnection::new(config, first).ok()?);
        Some(Session::new(tls, names, pins))
    }

    fn new(mut tls: Connection, names: Vec<String>, pins: Arc<Pins>) -> Session {
        tls.set_buffer_limit(Some(OUT));
        Session {
            tls,
            names,
            pins,
            was_shaking: true,
            is_told: false,
        }
    }

    /// Reads once from the socket. Nothing that was written before the peer is known has left by then.
    ///
    /// # Errors
    /// Why it is over; what [`Session::take`] gives still says so to the peer.
    pub fn receive(&mut self, mut tcp: &TcpStream) -> Result<(), Broken> {
        match self.tls.read_tls(&mut tcp) {
            Ok(0) => return Err(Broken::Closed),
            Ok(_) => {}
            // What it holds already has to be read first.
            Err(error) if error.kind() == ErrorKind::Other => {}
            Err(error) => {
                return match error.kind() {
                    ErrorKind::WouldBlock | ErrorKind::Interrupted => Ok(()),
                    _ => Err(Broken::Closed),
                };
            }
        }
        let processed = self.tls.process_new_packets();
        processed.map_err(|error| Broken::Untrusted(mistrust(&error)))?;
        if self.was_shaking && !self.tls.is_handshaking() {
            self.was_shaking = false;
            if !self.fits() {
                return Err(Broken::Untrusted(Mistrust::Name));
            }
        }
        Ok(())
    }

    /// Reads what is plain; 0 if there is nothing.
    pub fn read(&mut self, room: &mut [u8]) -> usize {
        if room.is_empty() {
            return 0;
        }
        self.tls.reader().read(room).unwrap_or(0)
    }

    /// Takes what is to be sent; `false` if that is too much before the end of the handshake.
    pub fn write(&mut self, message: &[u8]) -> bool {
        let written = self.tls.writer().write(message);
        written.is_ok_and(|written| written == message.len())
    }

    /// Gives what is to go out, as much as there is room for.
    pub fn take(&mut self, mut room: &mut [u8]) -> usize {
        let all = room.len();
        while !room.is_empty() && self.tls.wants_write() {
            // Writing to memory does not fail.
            let _ = self.tls.write_tls(&mut room);
        }
        all - room.len()
    }

    /// Whether [`Session::take`] has more to give.
    pub fn has_more(&self) -> bool {
        self.tls.wants_write()
    }

    /// Whether it goes on with an earlier one, and was spared half of the handshake (RFC 8446 §2.2, RFC 5077).
    pub fn is_resumed(&self) -> bool {
        self.tls.handshake_kind() == Some(HandshakeKind::Resumed)
    }

    /// Whether the peer is not known yet.
    pub fn is_shaking(&self) -> bool {
        self.was_shaking
    }

    /// The peer has to be these as well. Whether it may be: once it is known, whether it is.
    pub fn expect<'a>(&mut self, names: impl Iterator<Item = &'a str>) -> bool {
        for name in names {
            if !self.names.iter().any(|it| it == name) {
                self.names.push(name.to_string());
            }
        }
        let fits = self.was_shaking || self.fits();
        if !fits {
            self.names.truncate(1);
        }
        fits
    }

    /// Whom the peer speaks for that opened the connection, once it has proven that its certificate is its own. They are
    /// given once.
    pub fn take_names(&mut self) -> Vec<String> {
        if self.was_shaking || core::mem::replace(&mut self.is_told, true) {
            return Vec::new();
        }
        match (&self.tls, self.tls.peer_certificates()) {
            (Connection::Server(_), Some([first, ..])) => names_of(first),
            (Connection::Server(_) | Connection::Client(_), _) => Vec::new(),
        }
    }

    /// Says goodbye (RFC 8446 §6.1).
    pub fn close(&mut self) {
        self.tls.send_close_notify();
    }

    /// Whether the peer's certificate is for everybody who it has to be.
    fn fits(&self) -> bool {
        let Some([first, ..]) = self.tls.peer_certificates() else {
            return self.names.is_empty();
        };
        // Of one that is known by its pin nobody has looked at more.
        let is_pinned = self.names.first().is_some_and(|it| self.pins.knows(it));
        let is = |name: &String| match is_pinned || self.pins.knows(name) {
            true => self.pins.has(name, first),
            false => is_for(first, name),
        };
        self.names.iter().all(is)
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("names", &self.names)
            .field("was_shaking", &self.was_shaking)
            .finish_non_exhaustive()
    }
}
