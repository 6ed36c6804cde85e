//! A stream between a peer and a desk.

use super::{Desk, LOCAL, Sent};
use lampfield::limits;
use lampfield::wire::flow::{Flow, Transport};
use lampfield::wire::sip::stream::{Frame, Framer};

/// A connection, as the shell will hold one: it frames, hands in, sends, and closes when framing is lost.
pub(crate) struct Connection {
    pub(crate) flow: Flow,
    pub(crate) is_open: bool,
    /// CRLFs sent in answer to pings.
    pub(crate) pongs: usize,
    framer: Framer,
    buffered: Vec<u8>,
}

impl Connection {
    pub(crate) fn new(remote: &str) -> Connection {
        Connection {
            flow: Flow {
                transport: Transport::Tcp,
                local: LOCAL.parse().unwrap(),
                remote: remote.parse().unwrap(),
                connection: 7,
            },
            is_open: true,
            pongs: 0,
            framer: Framer::new(),
            buffered: Vec::new(),
        }
    }

    /// A segment came in; what is sent because of it.
    pub(crate) fn receive(&mut self, desk: &mut Desk, segment: &[u8]) -> Vec<Sent> {
        let mut sent = Vec::new();
        self.buffered.extend_from_slice(segment);
        let mut at = 0;
        while self.is_open {
            let rest = &self.buffered[at..];
            at += match self.framer.look(rest, limits::MESSAGE) {
                Frame::Incomplete { need } => {
                    assert!(need > 0);
                    break;
                }
                Frame::Message { len } => {
                    sent.extend(desk.take(self.flow, &rest[..len]));
                    len
                }
                Frame::Ping => {
                    self.pongs += 1;
                    4
                }
                Frame::Skip(len) | Frame::Nuls(len) => len,
                Frame::Refuse { status, header_len } => {
                    let head = &rest[..header_len];
                    desk.agent.handle_lost_framing(self.flow, status, head);
                    sent.extend(desk.drain());
                    self.is_open = false;
                    0
                }
            };
        }
        self.buffered.drain(..at);
        sent
    }

    /// Whether all that came in was taken.
    pub(crate) fn is_at_rest(&self) -> bool {
        self.is_open && self.buffered.is_empty()
    }
}
