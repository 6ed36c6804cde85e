//! Sending: messages are written straight into one arena and leave with as few system calls as possible.
//!
//! A socket that takes no more is left alone for a moment ([`PAUSE`]); meanwhile its messages wait in a backlog
//! of bounded size, and no more should be made ([`Outbox::takes_more`]). When that is full too, the newest message is
//! dropped: SIP sends again.
//!
//! From a socket on all addresses the kernel would let a datagram leave from the address that leads to its peer. A
//! flow may have another one: who asked at a second address of ours is answered from there (RFC 3581 §4).

use std::boxed::Box;
use std::collections::VecDeque;
use std::io::IoSlice;
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::os::fd::AsRawFd;
use std::vec;
use std::vec::Vec;

use heapless::Vec as Bounded;
use nix::cmsg_space;
use nix::errno::Errno;
use nix::libc::{in_addr, in_pktinfo, in6_addr, in6_pktinfo};
use nix::sys::socket::{ControlMessage, MsgFlags, MultiHeaders, SockaddrStorage};
use rustix::net::addr::SocketAddrArg;
use rustix::net::{MMsgHdr, SendAncillaryBuffer, SendFlags, SocketAddrAny, sendmmsg, sendto};

use super::Socket;
use super::inbox::is_unreachable;
use crate::ground::limits::MESSAGE;
use crate::ground::time::{Duration, Instant};
use crate::txn::T1;
use crate::ua::addresses::{LocalAddress, LocalAddresses};
use crate::wire::flow::Flow;

/// Messages on their way out.
#[derive(Debug)]
pub struct Outbox {
    senders: Vec<Sender>,
    /// The addresses that the kernel chooses by itself.
    locals: LocalAddresses,
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

#[derive(Debug)]
struct Sender {
    socket: Socket,
    /// Room to say which address a datagram is to leave from; only where that is open.
    headers: Option<MultiHeaders<SockaddrStorage>>,
}

#[derive(Clone, Debug)]
struct Entry {
    sender: u8,
    /// Where it leaves from, if the kernel has to be told.
    from: Option<IpAddr>,
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
            senders: sockets.iter().map(Sender::new).collect(),
            locals: LocalAddresses::new(),
            arena: vec![0; ARENA].into_boxed_slice(),
            used: 0,
            entries: Bounded::new(),
            backlog: VecDeque::new(),
            waiting: 0,
            blocked: None,
            dropped: 0,
        }
    }

    /// Takes the addresses that the kernel chooses for each network.
    pub fn announce(&mut self, locals: &[LocalAddress]) {
        self.locals.listen_on(locals);
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
        let Some(sender) = self.sender_for(flow) else {
            self.dropped += 1; // There is no socket of that address family.
            return;
        };
        let entry = Entry {
            sender,
            from: self.origin(sender, flow),
            remote: flow.remote,
            bytes,
        };
        match self.entries.push(entry) {
            Ok(()) => self.used += len,
            Err(_) => self.dropped += 1,
        }
    }

    /// Sends what is there. `unreachable` hears which peers cannot be had, and what was for them.
    pub fn flush(&mut self, now: Instant, mut unreachable: impl FnMut(SocketAddr, &[u8])) {
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
    pub fn handle_timeout(&mut self, now: Instant, mut unreachable: impl FnMut(SocketAddr, &[u8])) {
        let Some(blocked) = self.blocked.filter(|it| it.retry <= now) else {
            return;
        };
        while let Some((entry, bytes)) = self.backlog.front() {
            match self.senders[usize::from(entry.sender)].send_one(entry, bytes) {
                Sent::Later => {
                    let retry = now + PAUSE;
                    self.blocked = Some(Blocked { retry, ..blocked });
                    return;
                }
                Sent::Unreachable => unreachable(entry.remote, bytes),
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
    fn sender_for(&self, flow: Flow) -> Option<u8> {
        let fits = |bound: SocketAddr| {
            bound.is_ipv4() == flow.remote.is_ipv4() && bound.port() == flow.local.port()
        };
        let exact = |it: &Sender| it.socket.bound == flow.local;
        let wild = |it: &Sender| {
            fits(it.socket.bound) && (it.headers.is_some() || flow.local.ip().is_unspecified())
        };
        let family = |it: &Sender| it.socket.bound.is_ipv4() == flow.remote.is_ipv4();
        let all = &self.senders;
        let at = all
            .iter()
            .position(exact)
            .or_else(|| all.iter().position(wild))
            .or_else(|| all.iter().position(family))?;
        u8::try_from(at).ok()
    }

    /// The address that the kernel has to be told: the flow's, unless it is chosen anyway.
    fn origin(&self, sender: u8, flow: Flow) -> Option<IpAddr> {
        let ip = flow.local.ip();
        let is_open = self.senders[usize::from(sender)].headers.is_some();
        let is_one = !ip.is_unspecified() && ip.is_ipv4() == flow.remote.is_ipv4();
        let is_chosen = || {
            self.locals
                .towards(flow.remote)
                .is_some_and(|it| it.ip() == ip)
        };
        (is_open && is_one && !is_chosen()).then_some(ip)
    }

    /// How many entries from `at` on can leave together: through the same socket, and the kernel knows from where.
    fn run_from(&self, at: usize) -> usize {
        let first = &self.entries[at];
        let fits = |it: &&Entry| it.sender == first.sender && it.from.is_none();
        self.entries[at..].iter().take_while(fits).count().max(1)
    }

    /// Sends entries of one socket and says how many are dealt with, at least one.
    fn send_run(
        &mut self,
        run: Range<usize>,
        now: Instant,
        unreachable: &mut impl FnMut(SocketAddr, &[u8]),
    ) -> usize {
        let entries = &self.entries[run.clone()];
        let sender = &mut self.senders[usize::from(entries[0].sender)];
        if entries.len() > 1
            && let Ok(sent @ 1..) = send_many(&sender.socket, entries, &self.arena)
        {
            return sent;
        }
        // One alone, or the first of many failed: its own error tells why.
        let entry = &entries[0];
        let bytes = &self.arena[entry.bytes.clone()];
        match sender.send_one(entry, bytes) {
            Sent::Yes => {}
            Sent::Unreachable => unreachable(entry.remote, bytes),
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

impl Sender {
    fn new(socket: &Socket) -> Sender {
        let room = match socket.bound.ip() {
            ip if !ip.is_unspecified() => None,
            IpAddr::V4(_) => Some(cmsg_space!(in_pktinfo)),
            IpAddr::V6(_) => Some(cmsg_space!(in6_pktinfo)),
        };
        Sender {
            socket: socket.clone(),
            headers: room.map(|room| MultiHeaders::preallocate(1, Some(room))),
        }
    }

    /// An earlier datagram's error report may stand in the way: the kernel tells it once, instead of sending.
    fn send_one(&mut self, entry: &Entry, bytes: &[u8]) -> Sent {
        for _ in 0..2 {
            match self.transmit(entry, bytes) {
                Ok(()) => return Sent::Yes,
                Err(Errno::EINTR | Errno::ECONNREFUSED) => {}
                Err(Errno::EAGAIN | Errno::ENOBUFS | Errno::ENOMEM) => return Sent::Later,
                Err(Errno::EMSGSIZE) => return Sent::Unreachable,
                Err(other) if is_unreachable(other) => return Sent::Unreachable,
                Err(_) => return Sent::Lost,
            }
        }
        Sent::Lost
    }

    fn transmit(&mut self, entry: &Entry, bytes: &[u8]) -> Result<(), Errno> {
        let Sender { socket, headers } = self;
        let (Some(from), Some(headers)) = (entry.from, headers) else {
            let sent = sendto(&socket.udp, bytes, SendFlags::DONTWAIT, &entry.remote);
            return sent
                .map(drop)
                .map_err(|error| Errno::from_raw(error.raw_os_error()));
        };
        match from {
            IpAddr::V4(ip) => {
                let info = in_pktinfo {
                    ipi_ifindex: 0,
                    ipi_spec_dst: in_addr {
                        s_addr: ip.to_bits().to_be(),
                    },
                    ipi_addr: in_addr { s_addr: 0 },
                };
                let control = ControlMessage::Ipv4PacketInfo(&info);
                send_with(socket, headers, control, entry.remote, bytes)
            }
            IpAddr::V6(ip) => {
                let info = in6_pktinfo {
                    ipi6_addr: in6_addr {
                        s6_addr: ip.octets(),
                    },
                    ipi6_ifindex: 0,
                };
                let control = ControlMessage::Ipv6PacketInfo(&info);
                send_with(socket, headers, control, entry.remote, bytes)
            }
        }
    }
}

/// `nix` has this without an allocation for several messages only; one is enough.
fn send_with<'a>(
    socket: &'a Socket,
    headers: &'a mut MultiHeaders<SockaddrStorage>,
    control: ControlMessage<'a>,
    remote: SocketAddr,
    bytes: &'a [u8],
) -> Result<(), Errno> {
    let slices = [[IoSlice::new(bytes)]];
    let to = [Some(SockaddrStorage::from(remote))];
    let fd = socket.udp.as_raw_fd();
    let flags = MsgFlags::MSG_DONTWAIT;
    nix::sys::socket::sendmmsg(fd, headers, &slices, to, [control], flags).map(drop)
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
            self.outbox.flush(self.now, |_, _| panic!("reachable"));
        }

        fn pass(&mut self, lasts: Duration) {
            self.now += lasts;
            let now = self.now;
            self.outbox.handle_timeout(now, |_, _| panic!("reachable"));
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
