//! The addresses at which peers reach us, also when they change under us (DHCP, a new cable).
//!
//! A socket that listens on all addresses has none to put into a Via or Contact. It is announced with the address
//! that the kernel would use towards the world; the kernel's own messages (rtnetlink) say when to look again.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::vec::Vec;

use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{AddressFamily, RecvFlags, SocketFlags, SocketType, bind, recv, socket_with};

/// What to announce for each of `listeners`.
pub fn announced(listeners: &[SocketAddr]) -> Vec<SocketAddr> {
    announced_with(listeners, address_towards_the_world)
}

fn announced_with(
    listeners: &[SocketAddr],
    ours: impl Fn(IpAddr) -> Option<IpAddr>,
) -> Vec<SocketAddr> {
    let concrete = |listener: &SocketAddr| {
        let ip = match listener.ip() {
            ip if !ip.is_unspecified() => ip,
            ip => ours(ip).unwrap_or(match ip {
                IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            }),
        };
        SocketAddr::new(ip, listener.port())
    };
    listeners.iter().map(concrete).collect()
}

/// The address that a datagram of `any`'s family to somewhere far away would leave with. Nothing is sent; the
/// destinations are those that documentation uses (RFC 5737, RFC 3849), which nobody has.
fn address_towards_the_world(any: IpAddr) -> Option<IpAddr> {
    let far: IpAddr = match any {
        IpAddr::V4(_) => Ipv4Addr::new(192, 0, 2, 1).into(),
        IpAddr::V6(_) => Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).into(),
    };
    let probe = UdpSocket::bind((any, 0)).ok()?;
    probe.connect((far, 9)).ok()?;
    let ip = probe.local_addr().ok()?.ip();
    (!ip.is_unspecified()).then_some(ip)
}

/// Tells that an address or a route came or went.
#[derive(Debug)]
pub struct Moves(OwnedFd);

impl Moves {
    /// Listens to the kernel.
    ///
    /// # Errors
    /// The kernel's: a sandbox may forbid it, and life goes on without.
    pub fn listen() -> io::Result<Moves> {
        const IPV4_ADDRESSES: u32 = 0x10;
        const IPV4_ROUTES: u32 = 0x40;
        const IPV6_ADDRESSES: u32 = 0x100;
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        // Protocol 0 is NETLINK_ROUTE.
        let fd = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, None)?;
        let groups = IPV4_ADDRESSES | IPV4_ROUTES | IPV6_ADDRESSES;
        bind(&fd, &SocketAddrNetlink::new(0, groups))?;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
        let parse = |text: &&str| text.parse().expect("an address");
        texts.iter().map(parse).collect()
    }

    #[test]
    fn only_wildcards_are_replaced_and_ports_stay() {
        let listeners = addresses(&["0.0.0.0:5060", "[::]:5061", "10.0.0.1:5062"]);
        let ours = |any: IpAddr| {
            let ours = if any.is_ipv4() {
                "192.0.2.7"
            } else {
                "2001:db8::7"
            };
            ours.parse().ok()
        };
        let expected = addresses(&["192.0.2.7:5060", "[2001:db8::7]:5061", "10.0.0.1:5062"]);
        assert_eq!(announced_with(&listeners, ours), expected);
    }

    #[test]
    fn without_a_network_there_is_still_loopback() {
        let listeners = addresses(&["0.0.0.0:5060", "[::]:5060"]);
        let expected = addresses(&["127.0.0.1:5060", "[::1]:5060"]);
        assert_eq!(announced_with(&listeners, |_| None), expected);
    }

    #[test]
    fn the_real_address_is_one_that_can_be_bound() {
        for listener in addresses(&["0.0.0.0:0", "[::]:0"]) {
            let [announced] = announced(&[listener])[..] else {
                panic!("one for one");
            };
            assert!(!announced.ip().is_unspecified());
            if announced.is_ipv4() {
                UdpSocket::bind(announced).expect("it is ours");
            }
        }
    }
}
