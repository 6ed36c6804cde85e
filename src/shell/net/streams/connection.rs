//! One stream: what it has brought, what is to go out, and how long it may take.
//!
//! ```text
//!   connect ──► Connecting ─┬──► Shaking ─┐   accept ──► Fresh ── first message ──┐
//!                           └─────────────┴────► Open ◄───────────────────────────┘
//!                                               │ framing lost
//!                                               ▼
//!                                             Lost ── answer sent ──► Closing ── end of stream, time ──► gone
//! ```
//!
//! Inside TLS ([`secret`]) all that is said goes through its session first: what is in the block to be sent is secret already.

mod pongs;
mod secret;

use std::boxed::Box;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::ops::Range;
use std::vec;

use rustix::io::Errno;
use rustix::net::sockopt::{
    set_socket_keepalive, set_tcp_keepidle, set_tcp_keepintvl, set_tcp_nodelay,
    set_tcp_user_timeout,
};
use rustix::net::{RecvFlags, SendFlags, recv, send};

use self::pongs::Pongs;
use super::{
    CARRIED, CLOSING, CONNECT, FIRST, IDLE, KEPT, PINGS, PINGS_WITHIN, STALLED, STRANGER, WHOLE,
};
use crate::ground::limits::MESSAGE;
use crate::ground::time::{Duration, Instant};
use crate::shell::tls::Session;
use crate::txn::T1_64;
use crate::wire::flow::{End, Flow};
use crate::wire::sip::Status;
use crate::wire::sip::stream::{Frame, Framer, is_pong};

/// A connected stream, or one that is about to be.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) tcp: TcpStream,
    pub(super) flow: Flow,
    pub(super) whose: Whose,
    /// When it was let in, or we began to open it.
    pub(super) since: Instant,
    pub(super) state: State,
    /// What keeps it secret, if anything does.
    tls: Option<Session>,
    framer: Framer,
    /// What came in, then what goes out. Pages that no byte ever reached are not really used.
    bytes: Box<[u8]>,
    heard: Range<usize>,
    unsent: Range<usize>,
    /// Whether the poller looks for room to write.
    pub(super) waits_for_room: bool,
    /// Whether what it has brought waits for the next turn; until then nothing more is read.
    pub(super) is_put_off: bool,
    /// By when the message that has begun must be whole.
    whole_by: Option<Instant>,
    /// So many of the unsent bytes must be gone by then.
    owed: Option<(usize, Instant)>,
    /// When a message or a ping last passed, either way. Of a stranger, when it came: nothing that it does keeps its
    /// place.
    pub(super) used: Instant,
    pings: u8,
    pings_since: Instant,
    pongs: Pongs,
}

/// Whose a connection is, which says who makes way for whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// A peer opened it whom nobody trusts, and who was granted nothing on it.
    Stranger,
    /// Another peer opened it.
    Peer,
    /// We did, to carry what had no other way.
    Carrier,
    /// We did, and somebody of us counts on it.
    Kept,
}

impl Whose {
    /// Whether we opened it.
    pub const fn is_ours(self) -> bool {
        match self {
            Whose::Stranger | Whose::Peer => false,
            Whose::Carrier | Whose::Kept => true,
        }
    }

    /// In a word, for people and programs.
    pub const fn name(self) -> &'static str {
        match self {
            Whose::Stranger => "stranger",
            Whose::Peer => "peer",
            Whose::Carrier | Whose::Kept => "ours",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// We are opening it.
    Connecting {
        /// Given up then.
        by: Instant,
    },
    /// We have opened it, and find out who is there.
    Shaking {
        /// Given up then.
        by: Instant,
    },
    /// Somebody opened it and has said nothing yet.
    Fresh {
        /// Closed then.
        by: Instant,
    },
    /// At work.
    Open,
    /// Nothing that it brings is a message any more; the answer to what began it is still to go out.
    Lost,
    /// All is said; the peer is left the time to read it.
    Closing {
        /// Closed then.
        by: Instant,
    },
}

/// What the bytes that came in begin with; it is taken off.
#[derive(Debug)]
pub(super) enum Step {
    /// A message, in [`Connection::bytes`].
    Message(Range<usize>),
    /// Answer it with CRLF.
    Ping,
    /// More pings than anybody needs.
    Flood,
    /// The answer to a ping of ours.
    Pong,
    /// Framing is lost: what to answer, and the head.
    Lost(Status, Range<usize>),
    /// Nothing for now.
    Nothing,
}

/// Bytes that may wait to be framed: one message.
const IN: usize = MESSAGE;

/// Bytes that may wait to be sent.
pub(super) const OUT: usize = 64 * 1024;

/// The stream takes no more, or is dead, in that way: close it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Dead(pub(super) End);

const DEAD: Dead = Dead(End::Closed);

impl Connection {
    pub(super) fn accepted(
        now: Instant,
        (tcp, tls): (TcpStream, Option<Session>),
        flow: Flow,
        is_trusted: bool,
    ) -> Connection {
        let (whose, patience) = match is_trusted {
            true => (Whose::Peer, FIRST),
            false => (Whose::Stranger, STRANGER),
        };
        let by = now + patience;
        Connection::new(now, (tcp, tls), flow, whose, State::Fresh { by })
    }

    pub(super) fn opened(
        now: Instant,
        (tcp, tls): (TcpStream, Option<Session>),
        flow: Flow,
    ) -> Connection {
        let state = State::Connecting { by: now + CONNECT };
        Connection::new(now, (tcp, tls), flow, Whose::Carrier, state)
    }

    fn new(
        now: Instant,
        (tcp, tls): (TcpStream, Option<Session>),
        flow: Flow,
        whose: Whose,
        state: State,
    ) -> Connection {
        Connection {
            tcp,
            flow,
            whose,
            since: now,
            state,
            tls,
            framer: Framer::new(),
            bytes: vec![0; IN + OUT].into_boxed_slice(),
            heard: 0..0,
            unsent: IN..IN,
            waits_for_room: whose.is_ours(),
            is_put_off: false,
            whole_by: None,
            owed: None,
            used: now,
            pings: 0,
            pings_since: now,
            pongs: Pongs::Never,
        }
    }

    /// Reads once. Everything before must have been stepped through, so that what is left is less than a message.
    pub(super) fn receive(&mut self, now: Instant) -> Result<(), Dead> {
        if self.tls.is_some() {
            return self.receive_secret(now);
        }
        self.make_room_to_hear();
        let room = &mut self.bytes[self.heard.end..IN];
        match recv(&self.tcp, room, RecvFlags::DONTWAIT) {
            Ok((0, _)) => Err(DEAD),
            Ok((count, _)) => {
                self.heard.end += count;
                Ok(())
            }
            Err(Errno::AGAIN | Errno::INTR) => Ok(()),
            Err(_) => Err(DEAD),
        }
    }

    fn make_room_to_hear(&mut self) {
        self.bytes.copy_within(self.heard.clone(), 0);
        self.heard = 0..self.heard.len();
    }

    /// Forgets what has come.
    pub(super) fn discard(&mut self) {
        self.heard = 0..0;
    }

    /// The next thing that came.
    pub(super) fn step(&mut self, now: Instant) -> Step {
        loop {
            if !matches!(self.state, State::Fresh { .. } | State::Open) {
                return Step::Nothing;
            }
            let buffered = &self.bytes[self.heard.clone()];
            if self.whose.is_ours() && is_pong(buffered) {
                self.take(2);
                self.touch(now);
                self.pongs = Pongs::Heard;
                return Step::Pong;
            }
            match self.framer.look(buffered, MESSAGE) {
                Frame::Incomplete { .. } => {
                    // A line end alone begins no message, and may wait for its ping's other half.
                    if buffered.first().is_some_and(|first| *first != b'\r') {
                        self.whole_by.get_or_insert(now + WHOLE);
                    }
                    return Step::Nothing;
                }
                Frame::Message { len } => {
                    self.state = State::Open;
                    self.whole_by = None;
                    self.touch(now);
                    return Step::Message(self.take(len));
                }
                Frame::Ping => {
                    self.take(4);
                    return self.pinged(now);
                }
                Frame::Skip(len) => {
                    self.take(len);
                    if self.whose.is_ours() {
                        self.touch(now);
                        return Step::Pong;
                    }
                }
                // They keep nothing alive: a stream of them alone is closed in its time.
                Frame::Nuls(len) => _ = self.take(len),
                Frame::Refuse { status, header_len } => {
                    self.state = State::Lost;
                    let head = self.take(header_len);
                    return Step::Lost(status, head);
                }
            }
        }
    }

    /// The bytes of a step.
    pub(super) fn bytes(&self, range: Range<usize>) -> &[u8] {
        &self.bytes[range]
    }

    /// Appends to what is to be sent.
    pub(super) fn queue(&mut self, now: Instant, message: &[u8]) -> Result<(), Dead> {
        self.pongs.note(now, message);
        if self.tls.is_some() {
            return self.queue_secret(now, message);
        }
        if self.bytes.len() - self.unsent.end < message.len() {
            self.make_room_to_say(now)?;
        }
        let end = self.unsent.end + message.len();
        let room = self.bytes.get_mut(self.unsent.end..end).ok_or(DEAD)?;
        room.copy_from_slice(message);
        self.unsent.end = end;
        self.touch(now);
        Ok(())
    }

    fn make_room_to_say(&mut self, now: Instant) -> Result<(), Dead> {
        self.flush(now)?;
        self.bytes.copy_within(self.unsent.clone(), IN);
        self.unsent = IN..IN + self.unsent.len();
        Ok(())
    }

    /// Sends as much as the stream takes.
    pub(super) fn flush(&mut self, now: Instant) -> Result<(), Dead> {
        if matches!(self.state, State::Connecting { .. }) {
            return Ok(());
        }
        while !self.unsent.is_empty() {
            let bytes = &self.bytes[self.unsent.clone()];
            match send(&self.tcp, bytes, SendFlags::DONTWAIT | SendFlags::NOSIGNAL) {
                Ok(count) => {
                    self.unsent.start += count;
                    self.owed = self.owed.and_then(|(owed, by)| {
                        let owed = owed.checked_sub(count).filter(|owed| *owed > 0)?;
                        Some((owed, by))
                    });
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN | Errno::NOBUFS | Errno::NOMEM) => {
                    let all = self.unsent.len();
                    self.owed.get_or_insert((all, now + STALLED));
                    return Ok(());
                }
                Err(_) => return Err(DEAD),
            }
        }
        self.unsent = IN..IN;
        Ok(())
    }

    /// Says goodbye: what we sent arrives, also if the peer still sends. Closing at once would let the kernel answer
    /// unread bytes with RST, and RST takes our last words with it.
    pub(super) fn leave(&mut self, now: Instant) {
        self.say_goodbye(now);
        let _ = self.tcp.shutdown(Shutdown::Write); // A dead one needs no goodbye.
        self.state = State::Closing { by: now + CLOSING };
        self.unsent = IN..IN;
        self.owed = None;
        self.whole_by = None;
        self.discard();
    }

    pub(super) fn has_unsent(&self) -> bool {
        !self.unsent.is_empty()
    }

    /// Whether messages can leave through it, now or once it is connected.
    pub(super) fn is_usable(&self) -> bool {
        !matches!(self.state, State::Closing { .. })
    }

    /// Whether it makes way for one of a `newcomer`.
    pub(super) fn may_go(&self, now: Instant, newcomer: Whose) -> bool {
        let is_for_stranger = newcomer == Whose::Stranger;
        let stays = match self.whose {
            Whose::Stranger if is_for_stranger => STRANGER,
            Whose::Stranger => Duration::ZERO,
            Whose::Peer | Whose::Carrier | Whose::Kept if is_for_stranger => return false,
            Whose::Peer => T1_64,
            Whose::Carrier => CARRIED,
            Whose::Kept => KEPT,
        };
        let is_at_work = match self.state {
            State::Open => true,
            State::Fresh { .. } => self.whose == Whose::Stranger,
            State::Connecting { .. }
            | State::Shaking { .. }
            | State::Lost
            | State::Closing { .. } => false,
        };
        is_at_work && now >= self.used + stays
    }

    /// Its peer is trusted after all, or not any more.
    pub(super) fn judge(&mut self, now: Instant, is_trusted: bool) {
        self.whose = match self.whose {
            Whose::Stranger if is_trusted => {
                self.used = now;
                Whose::Peer
            }
            Whose::Peer if !is_trusted => Whose::Stranger,
            whose @ (Whose::Stranger | Whose::Peer | Whose::Carrier | Whose::Kept) => whose,
        };
    }

    /// When it has had its time, unless something happens before.
    pub(super) fn due(&self) -> Instant {
        let by = match self.state {
            State::Connecting { by }
            | State::Shaking { by }
            | State::Fresh { by }
            | State::Closing { by } => by,
            State::Open | State::Lost => self.used + IDLE,
        };
        let owed = self.owed.map(|(_, by)| by);
        let all = [Some(by), self.whole_by, owed, self.pong_due()];
        all.into_iter().flatten().min().unwrap_or(by)
    }

    /// By when a pong has to come, if one has.
    pub(super) const fn pong_due(&self) -> Option<Instant> {
        self.pongs.due()
    }

    /// Whether the peer has answered pings and does so no more: nobody is there.
    pub(super) fn is_lost(&self, now: Instant) -> bool {
        self.pong_due().is_some_and(|by| by <= now)
    }

    /// How it ends if it has had its time.
    pub(super) fn ends(&self, now: Instant) -> End {
        match self.state {
            State::Connecting { .. } | State::Shaking { .. } => End::Silent,
            _ if self.is_lost(now) => End::Silent,
            State::Fresh { .. } | State::Open | State::Lost | State::Closing { .. } => End::Closed,
        }
    }

    fn touch(&mut self, now: Instant) {
        if self.whose != Whose::Stranger {
            self.used = now;
        }
    }

    fn take(&mut self, len: usize) -> Range<usize> {
        let start = self.heard.start;
        self.heard.start += len;
        start..start + len
    }

    fn pinged(&mut self, now: Instant) -> Step {
        if now >= self.pings_since + PINGS_WITHIN {
            self.pings_since = now;
            self.pings = 0;
        }
        if self.pings == PINGS {
            return Step::Flood;
        }
        self.pings += 1;
        self.touch(now);
        Step::Ping
    }
}

/// Makes a stream as we like it: messages leave at once, and a peer that lost its power is found out. What the kernel
/// does not know of is done without.
pub(super) fn tune(tcp: &TcpStream) {
    let _ = set_tcp_nodelay(tcp, true); // Whole turns are written in one go already.
    let _ = set_socket_keepalive(tcp, true);
    let _ = set_tcp_keepidle(tcp, super::times::PROBE);
    let _ = set_tcp_keepintvl(tcp, super::times::PROBE / 10);
    let millis = STALLED.as_millis() as u32;
    let _ = set_tcp_user_timeout(tcp, millis);
}

/// Our own port talks to itself: nobody listened, and the kernel had just given us that number.
pub(super) fn is_echo(tcp: &TcpStream, remote: SocketAddr) -> bool {
    tcp.local_addr().is_ok_and(|local| local == remote)
}

/// What became of an attempt to connect; `None` while it is still on its way.
pub fn outcome(tcp: &TcpStream) -> Option<io::Result<()>> {
    match tcp.take_error() {
        Ok(None) => {}
        Ok(Some(error)) | Err(error) => return Some(Err(error)),
    }
    match tcp.peer_addr() {
        Ok(_) => Some(Ok(())),
        Err(error) if error.kind() == io::ErrorKind::NotConnected => None,
        Err(error) => Some(Err(error)),
    }
}
