//! Sending: messages are written straight into one arena and leave with as few system calls as possible.
//!
//! A socket that takes no more is left alone for a moment ([`PAUSE`]); meanwhile its messages wait in a backlog
//! of bounded size, and no more should be made ([`Outbox::takes_more`]). When that is full too, the newest message is
//! dropped: SIP sends again.

use std::boxed::Box;
use std::collections::VecDeque;
use std::io::IoSlice;
use std::net::SocketAddr;
use std::ops::Range;
use std::vec;
use std::vec::Vec;

use heapless::Vec as Bounded;
use nix::errno::Errno;
use rustix::net::addr::SocketAddrArg;
use rustix::net::{MMsgHdr, SendAncillaryBuffer, SendFlags, SocketAddrAny, sendmmsg, sendto};

use super::Socket;
use super::inbox::is_unreachable;
use crate::ground::limits::MESSAGE;
use crate::ground::time::{Duration, Instant};
use crate::txn::T1;
use crate::wire::flow::Flow;

/// Messages on their way out.
#[derive(Debug)]
pub struct Outbox {
    sockets: Vec<Socket>,
    arena: Box<[u8]>,
    used: usize,
    entries: Bounded<Entry, BATCH>,
    backlog: VecDeque<(Entry, Box<[u8]>)>,
    waiting: usize,
    blocked: Option<Blocked>,
    /// Messages dropped since the last look.
    dropped: u32,
}

/// A socket takes no more.
#[derive(Clone, Copy, Debug)]
struct Blocked {
    since: Instant,
    retry: Instant,
}

#[derive(Clone, Debug)]
struct Entry {
    socket: u8,
    remote: SocketAddr,
    bytes: Range<usize>,
}

/// Messages sent with one system call.
pub const BATCH: usize = 32;

/// How long a socket that takes no more is left alone.
pub const PAUSE: Duration = Duration::from_millis(5);

/// How long nothing new is made for a socket that takes no more. What waits longer is sent again anyhow.
pub const PATIENCE: Duration = T1;

/// Bytes that may wait for a socket that takes no more.
pub const BACKLOG: usize = 256 * 1024;

/// Small messages share an arena of twice the largest message, so there is always room for one more.
const ARENA: usize = 2 * MESSAGE;

/// What became of a datagram.
enum Sent {
    Yes,
    /// No room in the socket or the device: later.
    Later,
    /// It cannot go there.
    Unreachable,
    /// Nothing that anyone can help.
    Lost,
}

impl Outbox {
    /// An outbox for `sockets`.
    pub fn new(sockets: &[Socket]) -> Outbox {
        Outbox {
            sockets: sockets.to_vec(),
            arena: vec![0; ARENA].into_boxed_slice(),
            used: 0,
            entries: Bounded::new(),
            backlog: VecDeque::new(),
            waiting: 0,
            blocked: None,
            dropped: 0,
        }
    }

    /// Room for one message of any size. Call [`Outbox::flush`] first if [`Outbox::is_full`].
    pub fn room(&mut self) -> &mut [u8] {
        &mut self.arena[self.used..]
    }

    /// Whether the next message might not fit.
    pub fn is_full(&self) -> bool {
        self.entries.is_full() || self.arena.len() - self.used < MESSAGE
    }

    /// The first `len` bytes of [`Outbox::room`] are a message for `flow`.
    pub fn push(&mut self, flow: Flow, len: usize) {
        let bytes = self.used..self.used + len;
        let Some(socket) = self.socket_for(flow) else {
            self.dropped += 1; // There is no socket of that address family.
            return;
        };
        let entry = Entry {
            socket,
            remote: flow.remote,
            bytes,
        };
        match self.entries.push(entry) {
            Ok(()) => self.used += len,
            Err(_) => self.dropped += 1,
        }
    }

    /// Sends what is there. `unreachable` hears which peers cannot be had.
    pub fn flush(&mut self, now: Instant, mut unreachable: impl FnMut(SocketAddr)) {
        let mut at = 0;
        while at < self.entries.len() {
            if self.blocked.is_some() {
                // Order matters to a peer: behind what waits already.
                self.postpone(at, now);
                at += 1;
                continue;
            }
            let run = self.run_from(at);
            at += self.send_run(at..at + run, now, &mut unreachable);
        }
        self.entries.clear();
        self.used = 0;
    }

    /// When [`Outbox::handle_timeout`] wants to be called.
    pub fn deadline(&self) -> Option<Instant> {
        self.blocked.map(|it| it.retry)
    }

    /// Whether what is made now has a chance to leave soon. What can wait had better: it is not lost, and says the
    /// newest when it is made.
    pub fn takes_more(&self, now: Instant) -> bool {
        self.blocked.is_none_or(|it| now >= it.since + PATIENCE)
    }

    /// Tries again what a full socket left behind.
    pub fn handle_timeout(&mut self, now: Instant, mut unreachable: impl FnMut(SocketAddr)) {
        let Some(blocked) = self.blocked.filter(|it| it.retry <= now) else {
            return;
        };
        while let Some((entry, bytes)) = self.backlog.front() {
            match send_one(&self.sockets[usize::from(entry.socket)], entry, bytes) {
                Sent::Later => {
                    let retry = now + PAUSE;
                    self.blocked = Some(Blocked { retry, ..blocked });
                    return;
                }
                Sent::Unreachable => unreachable(entry.remote),
                Sent::Yes => {}
                Sent::Lost => self.dropped += 1,
            }
            self.waiting -= bytes.len();
            self.backlog.pop_front();
        }
        self.blocked = None;
    }

    /// How many messages were dropped since the last call.
    pub fn take_dropped(&mut self) -> u32 {
        std::mem::take(&mut self.dropped)
    }

    /// A datagram leaves from the socket that its flow names; one from "any address" from the first that can.
    fn socket_for(&self, flow: Flow) -> Option<u8> {
        let fits = |bound: SocketAddr| {
            bound.is_ipv4() == flow.remote.is_ipv4() && bound.port() == flow.local.port()
        };
        let exact = |socket: &Socket| socket.bound == flow.local;
        let wild = |socket: &Socket| {
            fits(socket.bound)
                && (socket.bound.ip().is_unspecified() || flow.local.ip().is_unspecified())
        };
        let family = |socket: &Socket| socket.bound.is_ipv4() == flow.remote.is_ipv4();
        let all = &self.sockets;
        let at = all
            .iter()
            .position(exact)
            .or_else(|| all.iter().position(wild))
            .or_else(|| all.iter().position(family))?;
        u8::try_from(at).ok()
    }

    /// How many entries from `at` on leave through the same socket.
    fn run_from(&self, at: usize) -> usize {
        let socket = self.entries[at].socket;
        let others = self.entries[at..].iter();
        others.take_while(|entry| entry.socket == socket).count()
    }

    /// Sends entries of one socket and says how many are dealt with, at least one.
    fn send_run(
        &mut self,
        run: Range<usize>,
        now: Instant,
        unreachable: &mut impl FnMut(SocketAddr),
    ) -> usize {
        let entries = &self.entries[run.clone()];
        let socket = &self.sockets[usize::from(entries[0].socket)];
        if entries.len() > 1
            && let Ok(sent @ 1..) = send_many(socket, entries, &self.arena)
        {
            return sent;
        }
        // One alone, or the first of many failed: its own error tells why.
        let entry = &entries[0];
        match send_one(socket, entry, &self.arena[entry.bytes.clone()]) {
            Sent::Yes => {}
            Sent::Unreachable => unreachable(entry.remote),
            Sent::Lost => self.dropped += 1,
            Sent::Later => self.postpone(run.start, now),
        }
        1
    }

    fn postpone(&mut self, at: usize, now: Instant) {
        let entry = &self.entries[at];
        let bytes = &self.arena[entry.bytes.clone()];
        if self.waiting + bytes.len() > BACKLOG {
            self.dropped += 1;
            return;
        }
        self.waiting += bytes.len();
        self.backlog.push_back((entry.clone(), bytes.into()));
        if self.blocked.is_none() {
            self.block(now);
        }
    }

    /// A socket has just said that it takes no more.
    pub(in crate::shell) fn block(&mut self, now: Instant) {
        self.blocked = Some(Blocked {
            since: now,
            retry: now + PAUSE,
        });
    }
}

/// An earlier datagram's error report may stand in the way: the kernel tells it once, instead of sending.
fn send_one(socket: &Socket, entry: &Entry, bytes: &[u8]) -> Sent {
    for _ in 0..2 {
        match sendto(&socket.udp, bytes, SendFlags::DONTWAIT, &entry.remote) {
            Ok(_) => return Sent::Yes,
            Err(error) => match Errno::from_raw(error.raw_os_error()) {
                Errno::EINTR | Errno::ECONNREFUSED => {}
                Errno::EAGAIN | Errno::ENOBUFS | Errno::ENOMEM => return Sent::Later,
                Errno::EMSGSIZE => return Sent::Unreachable,
                other if is_unreachable(other) => return Sent::Unreachable,
                _ => return Sent::Lost,
            },
        }
    }
    Sent::Lost
}

fn send_many(socket: &Socket, entries: &[Entry], arena: &[u8]) -> rustix::io::Result<usize> {
    let addresses: Bounded<SocketAddrAny, BATCH> =
        entries.iter().map(|entry| entry.remote.as_any()).collect();
    let slices: Bounded<[IoSlice<'_>; 1], BATCH> = entries
        .iter()
        .map(|entry| [IoSlice::new(&arena[entry.bytes.clone()])])
        .collect();
    let mut controls: Bounded<SendAncillaryBuffer<'_, '_, '_>, BATCH> = entries
        .iter()
        .map(|_| SendAncillaryBuffer::default())
        .collect();
    let mut headers: Bounded<MMsgHdr<'_>, BATCH> = addresses
        .iter()
        .zip(&slices)
        .zip(&mut controls)
        .map(|((address, slice), control)| MMsgHdr::new_with_addr(address, slice, control))
        .collect();
    sendmmsg(&socket.udp, &mut headers, SendFlags::DONTWAIT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::net::listen;
    use std::net::UdpSocket;

    struct Fixture {
        outbox: Outbox,
        peer: UdpSocket,
        flow: Flow,
        now: Instant,
    }

    impl Fixture {
        /// The socket has just said that it takes no more.
        fn blocked() -> Fixture {
            let address = "127.0.0.1:0".parse().expect("an address");
            let sockets = listen(&[address]).expect("listens");
            let peer = UdpSocket::bind(address).expect("a peer");
            peer.set_nonblocking(true).expect("set");
            let now = Instant::from_millis(1_000);
            let mut outbox = Outbox::new(&sockets);
            outbox.block(now);
            Fixture {
                flow: Flow::udp(sockets[0].bound, peer.local_addr().expect("bound")),
                outbox,
                peer,
                now,
            }
        }

        fn push(&mut self, first: u8, len: usize) {
            self.outbox.room()[0] = first;
            self.outbox.push(self.flow, len);
            self.outbox.flush(self.now, |_| panic!("reachable"));
        }

        fn pass(&mut self, lasts: Duration) {
            self.now += lasts;
            let now = self.now;
            self.outbox.handle_timeout(now, |_| panic!("reachable"));
        }

        fn received(&self) -> Vec<u8> {
            let mut firsts = Vec::new();
            let mut buf = [0; 8];
            while self.peer.recv(&mut buf).is_ok() {
                firsts.push(buf[0]);
            }
            firsts
        }
    }

    #[test]
    fn a_full_socket_is_left_alone_then_gets_all_in_order() /* C10 */
    {
        let mut it = Fixture::blocked();
        it.push(1, 100);
        it.push(2, 100);
        assert_eq!(it.outbox.deadline(), Some(it.now + PAUSE));
        it.pass(PAUSE / 2);
        assert!(it.received().is_empty(), "too early");
        it.pass(PAUSE / 2);
        assert_eq!(it.received(), [1, 2]);
        assert_eq!(it.outbox.deadline(), None);
        it.push(3, 100);
        assert_eq!(it.received(), [3], "sent at once again");
    }

    #[test]
    fn nothing_is_made_for_a_full_socket_until_patience_ends() /* C10 */
    {
        let mut it = Fixture::blocked();
        assert!(!it.outbox.takes_more(it.now));
        assert!(!it.outbox.takes_more(it.now + PATIENCE / 2));
        assert!(it.outbox.takes_more(it.now + PATIENCE));
        it.pass(PAUSE);
        assert!(it.outbox.takes_more(it.now), "it takes again");
    }

    #[test]
    fn a_full_backlog_drops_the_newest_and_counts_it() /* C10 */
    {
        let mut it = Fixture::blocked();
        let fit = BACKLOG / 50_000;
        for number in 0..=fit {
            it.push(u8::try_from(number).expect("few"), 50_000);
        }
        assert_eq!(it.outbox.take_dropped(), 1);
        assert!(it.outbox.waiting <= BACKLOG);
        it.pass(PAUSE);
        assert_eq!(it.received()[0], 0, "the oldest comes first");
        assert_eq!((it.outbox.waiting, it.outbox.deadline()), (0, None));
    }
}
