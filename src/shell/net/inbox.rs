//! Receiving: several datagrams with one system call, and the errors that routers and peers sent back.

use std::boxed::Box;
use std::io::{self, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::AsRawFd;
use std::vec;
use std::vec::Vec;

use nix::cmsg_space;
use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::{
    ControlMessageOwned, MsgFlags, MultiHeaders, RecvMsg, SockaddrStorage, recvmmsg, recvmsg,
};

use super::Socket;
use crate::ground::limits::MESSAGE;
use crate::wire::flow::Flow;

/// Room for the datagrams of one batch, and the headers that the kernel fills in.
#[derive(Debug)]
pub struct Inbox {
    bytes: Box<[u8]>,
    sockets: Vec<Receiver>,
    /// Control data of one error report.
    report: Vec<u8>,
}

#[derive(Debug)]
struct Receiver {
    socket: Socket,
    headers: MultiHeaders<SockaddrStorage>,
}

/// Datagrams taken from one socket before others get their turn.
pub const BATCH: usize = 8;

/// Bytes that an error report may quote: all that an ICMPv6 message has room for (RFC 4443 §3.1).
const QUOTED: usize = 1_280;

/// Error reports taken from one socket before others get their turn.
const REPORTS: usize = 32;

/// Sockets that fail for good would otherwise wake us for ever.
#[derive(Debug, PartialEq, Eq)]
pub enum Received {
    /// All that was there, or a full batch; if there is more, the poller says so again.
    Datagrams(usize),
    /// An error stands before the next datagram: see [`Inbox::take_errors`].
    Failed(Errno),
}

impl Inbox {
    /// An inbox for `sockets`. Memory that no datagram ever filled is not really used.
    pub fn new(sockets: &[Socket]) -> Inbox {
        let receiver = |socket: &Socket| Receiver {
            socket: socket.clone(),
            headers: MultiHeaders::preallocate(BATCH, wants_local(socket)),
        };
        Inbox {
            bytes: vec![0; BATCH * MESSAGE].into_boxed_slice(),
            sockets: sockets.iter().map(receiver).collect(),
            report: cmsg_space!(libc::sock_extended_err, libc::sockaddr_in6),
        }
    }

    /// Takes a batch of datagrams from socket `at` and hands each to `handle`.
    pub fn receive(&mut self, at: usize, mut handle: impl FnMut(Flow, &[u8])) -> Received {
        let Some(Receiver { socket, headers }) = self.sockets.get_mut(at) else {
            return Received::Datagrams(0);
        };
        let mut rooms = self.bytes.chunks_exact_mut(MESSAGE);
        let mut slices: [_; BATCH] =
            std::array::from_fn(|_| [IoSliceMut::new(rooms.next().unwrap_or_default())]);
        let fd = socket.udp.as_raw_fd();
        let messages = match recvmmsg(fd, headers, &mut slices, MsgFlags::MSG_DONTWAIT, None) {
            Ok(messages) => messages,
            Err(Errno::EAGAIN | Errno::EINTR) => return Received::Datagrams(0),
            Err(error) => return Received::Failed(error),
        };
        let mut count = 0;
        for message in messages {
            count += 1;
            if let Some(remote) = message.address.as_ref().and_then(address) {
                let local = local(&message, socket.bound);
                let bytes = message.iovs().next().unwrap_or_default();
                handle(Flow::udp(local, remote), bytes);
            }
        }
        Received::Datagrams(count)
    }

    /// Takes the error reports of socket `at` and hands `unreachable` the peers that did not get a datagram, and what the
    /// report quotes of that: perhaps nothing, and at any rate what anybody on the network can write (RFC 8085 §5.2).
    pub fn take_errors(&mut self, at: usize, mut unreachable: impl FnMut(SocketAddr, &[u8])) {
        let Some(Receiver { socket, .. }) = self.sockets.get(at) else {
            return;
        };
        let fd = socket.udp.as_raw_fd();
        for _ in 0..REPORTS {
            // The start of our own datagram comes back too.
            let mut own = [IoSliceMut::new(&mut self.bytes[..QUOTED])];
            let flags = MsgFlags::MSG_ERRQUEUE | MsgFlags::MSG_DONTWAIT;
            self.report.resize(self.report.capacity(), 0);
            let control = Some(self.report.as_mut_slice());
            let Ok(message) = recvmsg::<SockaddrStorage>(fd, &mut own, control, flags) else {
                break;
            };
            if let Some(remote) = message.address.as_ref().and_then(address)
                && tells_unreachable(&message, remote.ip())
            {
                unreachable(remote, message.iovs().next().unwrap_or_default());
            }
        }
        // What is left is an error without a report; asking for it takes it away.
        let _ = socket.udp.take_error();
    }
}

/// Only a socket that listens on every address must be told which one a datagram came to.
fn wants_local(socket: &Socket) -> Option<Vec<u8>> {
    match socket.bound.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Some(cmsg_space!(libc::in_pktinfo)),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Some(cmsg_space!(libc::in6_pktinfo)),
        IpAddr::V4(_) | IpAddr::V6(_) => None,
    }
}

/// Where the datagram came to. A broadcast or multicast one came to no address of ours.
fn local(message: &RecvMsg<'_, '_, SockaddrStorage>, bound: SocketAddr) -> SocketAddr {
    if !bound.ip().is_unspecified() {
        return bound;
    }
    let ip = message.cmsgs().ok().and_then(|mut all| {
        all.find_map(|control| match control {
            // ipi_spec_dst is an address of ours even where the destination was a broadcast.
            ControlMessageOwned::Ipv4PacketInfo(info) => Some(IpAddr::V4(Ipv4Addr::from_bits(
                u32::from_be(info.ipi_spec_dst.s_addr),
            ))),
            ControlMessageOwned::Ipv6PacketInfo(info) => {
                Some(IpAddr::V6(Ipv6Addr::from(info.ipi6_addr.s6_addr)))
            }
            _ => None,
        })
    });
    let ip = ip.filter(|ip| !ip.is_multicast()).unwrap_or(bound.ip());
    SocketAddr::new(ip, bound.port())
}

fn tells_unreachable(message: &RecvMsg<'_, '_, SockaddrStorage>, remote: IpAddr) -> bool {
    let Ok(mut all) = message.cmsgs() else {
        return false;
    };
    all.any(|control| {
        let (error, offender) = match control {
            ControlMessageOwned::Ipv4RecvErr(error, offender) => {
                let ip = offender.map(|it| Ipv4Addr::from_bits(u32::from_be(it.sin_addr.s_addr)));
                (error, ip.map(IpAddr::V4))
            }
            ControlMessageOwned::Ipv6RecvErr(error, offender) => {
                let ip = offender.map(|it| Ipv6Addr::from(it.sin6_addr.s6_addr));
                (error, ip.map(IpAddr::V6))
            }
            _ => return false,
        };
        let errno = i32::try_from(error.ee_errno).map_or(Errno::UnknownErrno, Errno::from_raw);
        is_unreachable(errno) && may_say(&error, offender, remote)
    })
}

/// Whether `offender` is who can know. That a port is closed, or that nobody there speaks UDP, knows the peer alone; that
/// there is no way, any router.
fn may_say(error: &libc::sock_extended_err, offender: Option<IpAddr>, remote: IpAddr) -> bool {
    let is_of_the_peer = match (error.ee_origin, error.ee_type, error.ee_code) {
        // ICMP: protocol and port unreachable (RFC 792). ICMPv6: port unreachable (RFC 4443 §3.1).
        (libc::SO_EE_ORIGIN_ICMP, 3, 2 | 3) | (libc::SO_EE_ORIGIN_ICMP6, 1, 4) => true,
        (libc::SO_EE_ORIGIN_ICMP | libc::SO_EE_ORIGIN_ICMP6 | libc::SO_EE_ORIGIN_LOCAL, ..) => {
            false
        }
        _ => return false,
    };
    !is_of_the_peer || offender == Some(remote)
}

/// Whether an error says that this peer cannot be had just now. "Too long" is not among them: the kernel has
/// learnt the way's limit from it, and the next copy goes in fragments.
pub(super) fn is_unreachable(errno: Errno) -> bool {
    matches!(
        errno,
        Errno::ECONNREFUSED
            | Errno::EHOSTUNREACH
            | Errno::ENETUNREACH
            | Errno::EHOSTDOWN
            | Errno::ENETDOWN
            | Errno::ENOPROTOOPT
            | Errno::EACCES
            | Errno::EPERM
            | Errno::EADDRNOTAVAIL
            | Errno::EINVAL
            | Errno::ENONET
    )
}

fn address(storage: &SockaddrStorage) -> Option<SocketAddr> {
    if let Some(v4) = storage.as_sockaddr_in() {
        return Some(SocketAddr::V4(SocketAddrV4::from(*v4)));
    }
    storage
        .as_sockaddr_in6()
        .map(|v6| SocketAddr::V6(SocketAddrV6::from(*v6)))
}

impl From<Received> for io::Result<usize> {
    fn from(received: Received) -> io::Result<usize> {
        match received {
            Received::Datagrams(count) => Ok(count),
            Received::Failed(error) => Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_can_know_says_that_a_peer_is_not_there() {
        let peer: IpAddr = "192.0.2.1".parse().expect("an address");
        let peer6: IpAddr = "2001:db8::1".parse().expect("an address");
        let other: IpAddr = "203.0.113.66".parse().expect("an address");
        for (origin, kind, code, offender, remote, expected) in [
            // Port and protocol unreachable.
            (libc::SO_EE_ORIGIN_ICMP, 3, 3, Some(peer), peer, true),
            (libc::SO_EE_ORIGIN_ICMP, 3, 3, Some(other), peer, false),
            (libc::SO_EE_ORIGIN_ICMP, 3, 3, None, peer, false),
            (libc::SO_EE_ORIGIN_ICMP, 3, 2, Some(other), peer, false),
            (libc::SO_EE_ORIGIN_ICMP6, 1, 4, Some(peer6), peer6, true),
            (libc::SO_EE_ORIGIN_ICMP6, 1, 4, Some(other), peer6, false),
            // No way to the host or its network, or a firewall in it.
            (libc::SO_EE_ORIGIN_ICMP, 3, 1, Some(other), peer, true),
            (libc::SO_EE_ORIGIN_ICMP, 3, 13, Some(other), peer, true),
            (libc::SO_EE_ORIGIN_ICMP6, 1, 0, Some(other), peer6, true),
            // Our own kernel.
            (libc::SO_EE_ORIGIN_LOCAL, 0, 0, None, peer, true),
            (libc::SO_EE_ORIGIN_NONE, 0, 0, None, peer, false),
        ] {
            let error = libc::sock_extended_err {
                ee_errno: 0,
                ee_origin: origin,
                ee_type: kind,
                ee_code: code,
                ee_pad: 0,
                ee_info: 0,
                ee_data: 0,
            };
            let said = may_say(&error, offender, remote);
            assert_eq!(said, expected, "{origin} {kind} {code} {offender:?}");
        }
    }
}
