//! A question over TCP, where the answer is too long for a datagram (RFC 1035 §4.2.2, RFC 7766 §5).
//!
//! One question a connection. Whatever comes but one whole message, or is not done by the question's deadline, is no
//! answer.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::vec;
use std::vec::Vec;

use crate::shell::net::streams::connect;
use crate::shell::poller::{Registry, Source};

/// Bytes of an answer. One that is longer tells of more servers than anybody would try.
const LONGEST: usize = 16 * 1_024;

/// A question on its way, or its answer.
pub struct Stream {
    tcp: TcpStream,
    registry: Registry,
    unsent: Vec<u8>,
    heard: Vec<u8>,
}

impl Stream {
    /// Begins to ask `server`.
    ///
    /// # Errors
    /// The kernel's: there is no way there.
    pub fn open(server: SocketAddr, question: &[u8], registry: Registry) -> io::Result<Stream> {
        let tcp = connect(server, None)?;
        registry.add_both(&tcp, Source::Dns)?;
        let mut unsent = Vec::from((question.len() as u16).to_be_bytes());
        unsent.extend_from_slice(question);
        Ok(Stream {
            tcp,
            registry,
            unsent,
            heard: Vec::new(),
        })
    }

    /// Says and hears what can be just now: the answer, once it is whole.
    ///
    /// # Errors
    /// Nobody is there, or what comes is too long or is cut off.
    pub fn advance(&mut self) -> io::Result<Option<&[u8]>> {
        if let Some(error) = self.tcp.take_error()? {
            return Err(error);
        }
        while !self.unsent.is_empty() {
            match self.tcp.write(&self.unsent) {
                Ok(count) => drop(self.unsent.drain(..count)),
                Err(error) => return later(error),
            }
            if self.unsent.is_empty() {
                self.registry.change(&self.tcp, Source::Dns, true, false)?;
            }
        }
        let mut room = vec![0; 2_048];
        loop {
            if let Some(len) = self.len()
                && let Some(whole) = 2usize.checked_add(len).filter(|it| *it <= self.heard.len())
            {
                return Ok(Some(&self.heard[2..whole]));
            }
            match self.tcp.read(&mut room) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => self.heard.extend_from_slice(&room[..count]),
                Err(error) => return later(error),
            }
            if self.heard.len() > LONGEST || self.len().is_some_and(|it| it > LONGEST) {
                return Err(io::ErrorKind::InvalidData.into());
            }
        }
    }

    /// How long the answer says that it is.
    fn len(&self) -> Option<usize> {
        let head = self.heard.first_chunk()?;
        Some(usize::from(u16::from_be_bytes(*head)))
    }
}

/// What is wrong, unless there is only nothing to do just now.
fn later(error: io::Error) -> io::Result<Option<&'static [u8]>> {
    match error.kind() {
        io::ErrorKind::Interrupted | io::ErrorKind::NotConnected | io::ErrorKind::WouldBlock => {
            Ok(None)
        }
        _ => Err(error),
    }
}
