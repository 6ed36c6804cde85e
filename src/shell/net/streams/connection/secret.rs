//! A stream inside TLS: its session stands between the block of bytes and the socket.

use std::string::String;
use std::vec::Vec;

use super::{Connection, DEAD, Dead, IN, State};
use crate::ground::time::Instant;
use crate::shell::tls::{Broken, Session};
use crate::wire::flow::End;

impl Connection {
    /// Reads once, as [`Connection::receive`] does.
    pub(super) fn receive_secret(&mut self, now: Instant) -> Result<(), Dead> {
        let received = match &mut self.tls {
            Some(tls) => tls.receive(&self.tcp),
            None => Ok(()),
        };
        // An answer of the handshake; or to whom we do not believe, why.
        self.seal(now)?;
        received.map_err(Dead::of)?;
        self.unseal();
        Ok(())
    }

    /// Appends to what is to be sent, as [`Connection::queue`] does.
    pub(super) fn queue_secret(&mut self, now: Instant, message: &[u8]) -> Result<(), Dead> {
        self.touch(now);
        match self.tls.as_mut().is_some_and(|tls| tls.write(message)) {
            true => self.seal(now),
            false => Err(DEAD),
        }
    }

    /// Takes more of what has come inside TLS; says whether there was any.
    pub(in super::super) fn unseal(&mut self) -> bool {
        self.make_room_to_hear();
        let room = &mut self.bytes[self.heard.end..IN];
        let count = self.tls.as_mut().map_or(0, |tls| tls.read(room));
        self.heard.end += count;
        count > 0
    }

    /// Appends what the session has to say.
    fn seal(&mut self, now: Instant) -> Result<(), Dead> {
        while let Some(tls) = self.tls.as_mut().filter(|tls| tls.has_more()) {
            let count = tls.take(&mut self.bytes[self.unsent.end..]);
            self.unsent.end += count;
            if count == 0 {
                self.make_room_to_say(now)?;
                if self.unsent.end == self.bytes.len() {
                    return Err(DEAD);
                }
            }
        }
        Ok(())
    }

    /// The end of what we say inside TLS, if there is still room for it: without it a peer cannot tell the end from a cut.
    pub(in super::super) fn say_goodbye(&mut self, now: Instant) {
        if let Some(tls) = &mut self.tls {
            tls.close();
            // Whoever takes no more needs no goodbye.
            let _ = self.seal(now).and_then(|()| self.flush(now));
        }
    }

    /// There is a way to the peer: whether it is known who it is.
    pub(in super::super) fn look_whether_known(&mut self) -> bool {
        let is_shaking = self.tls.as_ref().is_some_and(Session::is_shaking);
        self.state = match self.state {
            State::Connecting { by } | State::Shaking { by } if is_shaking => State::Shaking { by },
            State::Connecting { .. } | State::Shaking { .. } => State::Open,
            state @ (State::Fresh { .. } | State::Open | State::Lost | State::Closing { .. }) => {
                state
            }
        };
        !is_shaking
    }

    /// Whether the peer is all of `names`, or may still turn out to be; nobody is asked for outside TLS.
    pub(in super::super) fn expect<'a>(&mut self, names: impl Iterator<Item = &'a str>) -> bool {
        self.tls.as_mut().is_none_or(|tls| tls.expect(names))
    }

    /// Whom the peer speaks for by the certificate that it has shown; they are given once.
    pub(in super::super) fn take_names(&mut self) -> Vec<String> {
        self.tls.as_mut().map_or(Vec::new(), Session::take_names)
    }

    /// Whether its session goes on with an earlier one.
    pub(in super::super) fn is_resumed(&self) -> bool {
        self.tls.as_ref().is_some_and(Session::is_resumed)
    }

    /// Whether its bytes are secret.
    pub(in super::super) fn is_secret(&self) -> bool {
        self.tls.is_some()
    }
}

impl Dead {
    fn of(broken: Broken) -> Dead {
        match broken {
            Broken::Closed => DEAD,
            Broken::Untrusted(why) => Dead(End::Untrusted(why)),
        }
    }
}
