//! What the kernel says of this machine's routes and addresses, and that they have changed (rtnetlink(7)).
//!
//! The kernel is asked through a socket, not through `/proc`, which the sandbox hides.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::vec::Vec;

use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, bind, recv, sendto, socket_with,
};

use crate::ground::network::Network;

/// The networks that routes lead to, in all tables; our own addresses are among them. Of more than [`ROUTES`] of one
/// family only so many.
///
/// # Errors
/// The kernel's: a sandbox may forbid the question.
pub fn routes() -> io::Result<Vec<Network>> {
    let mut routes = Vec::new();
    for family in [AddressFamily::INET, AddressFamily::INET6] {
        let fd = open()?;
        let kernel = SocketAddrNetlink::new(0, 0);
        sendto(&fd, &question(family), SendFlags::empty(), &kernel)?;
        let mut buf = std::vec![0; ANSWER];
        let most = routes.len() + ROUTES;
        // The kernel has the next part ready whenever one was taken.
        while routes.len() < most {
            let Ok((_, len)) = recv(&fd, &mut buf[..], RecvFlags::DONTWAIT) else {
                break;
            };
            if read(&buf[..len.min(ANSWER)], &mut routes) == Part::Last {
                break;
            }
        }
    }
    Ok(routes)
}

/// Tells that an address, a route, a rule about routes or an interface came, went or changed.
#[derive(Debug)]
pub struct Moves(OwnedFd);

impl Moves {
    /// Listens to the kernel.
    ///
    /// # Errors
    /// The kernel's: a sandbox may forbid it, and life goes on without.
    pub fn listen() -> io::Result<Moves> {
        // An interface that goes down takes its routes along, and nothing is said of each.
        const LINKS: u32 = 0x1;
        const IPV4_ADDRESSES: u32 = 0x10;
        const IPV4_ROUTES: u32 = 0x40;
        const IPV4_RULES: u32 = 0x80;
        const IPV6_ADDRESSES: u32 = 0x100;
        const IPV6_ROUTES: u32 = 0x400;
        const IPV6_RULES: u32 = 0x4_0000;
        let ipv4 = IPV4_ADDRESSES | IPV4_ROUTES | IPV4_RULES;
        let ipv6 = IPV6_ADDRESSES | IPV6_ROUTES | IPV6_RULES;
        let fd = open()?;
        bind(&fd, &SocketAddrNetlink::new(0, LINKS | ipv4 | ipv6))?;
        Ok(Moves(fd))
    }

    /// Takes what the kernel has said. What exactly does not matter: we look for ourselves.
    pub fn drain(&self) {
        const ENOUGH: usize = 64;
        let mut buf = [0_u8; 4_096];
        for _ in 0..ENOUGH {
            if recv(&self.0, &mut buf, RecvFlags::DONTWAIT).is_err() {
                break;
            }
        }
    }
}

impl AsFd for Moves {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Routes of one family that are read; a phone has ten, a router of the internet a million.
pub const ROUTES: usize = 1_024;

/// Bytes of one part of an answer: the kernel fills pages, up to 32 KiB.
const ANSWER: usize = 32 * 1_024;

/// Whether more of an answer follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    More,
    Last,
}

fn open() -> io::Result<OwnedFd> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    // Protocol 0 is NETLINK_ROUTE.
    Ok(socket_with(
        AddressFamily::NETLINK,
        SocketType::RAW,
        flags,
        None,
    )?)
}

const HEAD: usize = 16;
const ROUTE_HEAD: usize = 12;

/// RTM_GETROUTE for all routes of a family: `struct nlmsghdr`, then a `struct rtmsg` that names nothing else.
fn question(family: AddressFamily) -> [u8; HEAD + ROUTE_HEAD] {
    const GET_ROUTE: u16 = 26;
    const REQUEST_DUMP: u16 = 0x1 | 0x300;
    let mut bytes = [0; HEAD + ROUTE_HEAD];
    bytes[..4].copy_from_slice(&((HEAD + ROUTE_HEAD) as u32).to_ne_bytes());
    bytes[4..6].copy_from_slice(&GET_ROUTE.to_ne_bytes());
    bytes[6..8].copy_from_slice(&REQUEST_DUMP.to_ne_bytes());
    bytes[HEAD] = family.as_raw() as u8;
    bytes
}

/// Reads one part of an answer: messages, each with its length in front.
fn read(mut bytes: &[u8], routes: &mut Vec<Network>) -> Part {
    const NEW_ROUTE: u16 = 24;
    const ERROR: u16 = 2;
    const DONE: u16 = 3;
    while let Some((message, rest)) = take(bytes, u32_at(bytes, 0)) {
        match u16_at(message, 4) {
            Some(NEW_ROUTE) => routes.extend(route(message.get(HEAD..).unwrap_or_default())),
            Some(DONE | ERROR) | None => return Part::Last,
            Some(_) => {}
        }
        bytes = rest;
    }
    if bytes.is_empty() {
        Part::More
    } else {
        Part::Last
    }
}

/// Reads a `struct rtmsg` and the attributes behind it. `None` for what leads to no single peer.
fn route(bytes: &[u8]) -> Option<Network> {
    const UNICAST: u8 = 1;
    const LOCAL: u8 = 2;
    const CLONED: u32 = 0x200;
    const DESTINATION: u16 = 1;
    let (head, mut attributes) = bytes.split_at_checked(ROUTE_HEAD)?;
    let (family, prefix, kind) = (head[0], head[1], head[7]);
    // What the kernel has learnt of one peer lies in a network that it tells as well.
    let is_learnt = u32_at(head, 8)? & CLONED as usize != 0;
    if !matches!(kind, UNICAST | LOCAL) || is_learnt {
        return None;
    }
    let is_v4 = u16::from(family) == AddressFamily::INET.as_raw();
    let mut to = if is_v4 {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED)
    } else {
        IpAddr::V6(Ipv6Addr::UNSPECIFIED)
    };
    while let Some((attribute, rest)) = take(attributes, u16_at(attributes, 0).map(usize::from)) {
        if u16_at(attribute, 2) == Some(DESTINATION) {
            to = address(attribute.get(4..)?)?;
        }
        attributes = rest;
    }
    Some(Network::of(to, prefix))
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    v4.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from))
        .ok()
}

/// The first `len` bytes, and what follows at the next multiple of four.
fn take(bytes: &[u8], len: Option<usize>) -> Option<(&[u8], &[u8])> {
    let len = len.filter(|len| *len >= 4)?;
    let first = bytes.get(..len)?;
    let rest = bytes.get(len.next_multiple_of(4)..).unwrap_or_default();
    Some((first, rest))
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    let bytes = bytes.get(at..at + 2)?;
    Some(u16::from_ne_bytes(bytes.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<usize> {
    let bytes = bytes.get(at..at + 4)?;
    usize::try_from(u32::from_ne_bytes(bytes.try_into().ok()?)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::{String, ToString};

    /// A message with its length in front, filled up to a multiple of four.
    fn message(kind: u16, body: &[u8]) -> Vec<u8> {
        let len = (HEAD + body.len()) as u32;
        let mut bytes = Vec::from(len.to_ne_bytes());
        bytes.extend(kind.to_ne_bytes());
        bytes.resize(HEAD, 0);
        bytes.extend(body);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    fn route_to(family: AddressFamily, prefix: u8, kind: u8, to: &[u8]) -> Vec<u8> {
        let mut body = Vec::from([family.as_raw() as u8, prefix, 0, 0, 254, 0, 0, kind]);
        body.resize(ROUTE_HEAD, 0);
        // One of another kind stands in front.
        for (kind, data) in [(15_u16, &[254, 0, 0, 0][..]), (1, to)] {
            if !data.is_empty() {
                body.extend((4 + data.len() as u16).to_ne_bytes());
                body.extend(kind.to_ne_bytes());
                body.extend(data);
            }
        }
        message(24, &body)
    }

    fn shown(bytes: &[u8]) -> (Part, Vec<String>) {
        let mut routes = Vec::new();
        let part = read(bytes, &mut routes);
        (part, routes.iter().map(Network::to_string).collect())
    }

    #[test]
    fn routes_are_read_from_what_the_kernel_writes() {
        let (v4, v6) = (AddressFamily::INET, AddressFamily::INET6);
        let mut part = route_to(v4, 0, 1, &[]);
        part.extend(route_to(v4, 24, 1, &[192, 168, 1, 0]));
        part.extend(route_to(v4, 32, 2, &[192, 168, 1, 7]));
        part.extend(route_to(v4, 32, 3, &[192, 168, 1, 255])); // A broadcast address.
        part.extend(route_to(v6, 8, 1, &[[0xfd].as_slice(), &[0; 15]].concat()));
        let expected = ["0.0.0.0/0", "192.168.1.0/24", "192.168.1.7", "fd00::/8"];
        let expected = Vec::from(expected.map(String::from));
        assert_eq!(shown(&part), (Part::More, expected.clone()));
        part.extend(message(3, &[0; 4]));
        assert_eq!(shown(&part), (Part::Last, expected));
        assert_eq!(shown(&message(2, &[0; 20])), (Part::Last, Vec::new()));
    }

    #[test]
    fn what_is_cut_off_or_nonsense_ends_the_answer() {
        let part = route_to(AddressFamily::INET, 24, 1, &[192, 168, 1, 0]);
        for len in 1..part.len() {
            assert_eq!(shown(&part[..len]), (Part::Last, Vec::new()), "{len} bytes");
        }
        assert_eq!(shown(&[0; 64]), (Part::Last, Vec::new()));
    }

    #[test]
    fn the_kernel_tells_of_loopback() {
        let routes = routes().expect("the kernel answers");
        let loopback = IpAddr::from(Ipv4Addr::LOCALHOST);
        assert!(routes.iter().any(|it| it.contains(loopback)));
    }
}
