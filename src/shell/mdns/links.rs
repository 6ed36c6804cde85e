//! The links that multicast reaches: each interface that is up, with its addresses.

use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::vec::Vec;

use nix::ifaddrs::getifaddrs;
use nix::net::if_::{InterfaceFlags, if_nametoindex};
use nix::sys::socket::SockaddrStorage;

use crate::ground::network::Network;

/// Links that are spoken on. Full: further ones are left alone.
pub const LINKS: usize = 16;

/// The port (RFC 6762 §3).
pub const PORT: u16 = 5_353;

/// An interface.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Link {
    /// Its number.
    pub index: u32,
    /// Its addresses, each with the network around it.
    pub addresses: Vec<(IpAddr, Network)>,
    /// Those of them that peers reach us at.
    pub told: Vec<IpAddr>,
}

/// Where a message came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// On which interface.
    pub link: u32,
    /// From whom.
    pub source: SocketAddr,
    /// Whether it went to all.
    pub is_multicast: bool,
    /// Whether no router has passed it on: it has all the hops that it may be sent with.
    pub is_direct: bool,
}

/// A message to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// On which interface.
    pub link: u32,
    /// Over which family.
    pub is_v6: bool,
    /// To whom alone; `None` for all.
    pub to: Option<SocketAddr>,
    /// The message.
    pub bytes: Vec<u8>,
}

impl Link {
    /// Whether datagrams of that family can leave here.
    pub fn speaks(&self, is_v6: bool) -> bool {
        self.addresses.iter().any(|(ip, _)| ip.is_ipv6() == is_v6)
    }

    /// Whether somebody at `ip` is on this link.
    pub fn is_near(&self, ip: IpAddr) -> bool {
        self.addresses
            .iter()
            .any(|(_, network)| network.contains(ip))
    }

    /// Whether that is one of our own addresses here.
    pub fn has(&self, ip: IpAddr) -> bool {
        self.addresses.iter().any(|(own, _)| *own == ip)
    }
}

/// The links there are. `is_told` says which addresses peers reach us at.
///
/// # Errors
/// The kernel's.
pub fn links(is_told: impl Fn(IpAddr) -> bool) -> io::Result<Vec<Link>> {
    let wanted = InterfaceFlags::IFF_UP | InterfaceFlags::IFF_MULTICAST;
    let mut links: Vec<Link> = Vec::new();
    for it in getifaddrs()? {
        let is_wanted =
            it.flags.contains(wanted) && !it.flags.contains(InterfaceFlags::IFF_LOOPBACK);
        let address = it.address.as_ref().and_then(ip);
        let (true, Some(address)) = (is_wanted, address) else {
            continue;
        };
        let Ok(index) = if_nametoindex(it.interface_name.as_str()) else {
            continue;
        };
        let prefix = it.netmask.as_ref().and_then(ip).map_or(128, prefix);
        let at = match links.iter().position(|link| link.index == index) {
            Some(at) => at,
            None if links.len() >= LINKS => continue,
            None => {
                links.push(Link {
                    index,
                    ..Link::default()
                });
                links.len() - 1
            }
        };
        let link = &mut links[at];
        link.addresses.push((address, Network::of(address, prefix)));
        if is_told(address) && !is_link_local(address) {
            link.told.push(address);
        }
    }
    Ok(links)
}

fn ip(address: &SockaddrStorage) -> Option<IpAddr> {
    let v4 = address.as_sockaddr_in().map(|it| it.ip().into());
    v4.or_else(|| address.as_sockaddr_in6().map(|it| it.ip().into()))
}

fn prefix(mask: IpAddr) -> u8 {
    let ones = match mask {
        IpAddr::V4(mask) => mask.to_bits().leading_ones(),
        IpAddr::V6(mask) => mask.to_bits().leading_ones(),
    };
    ones as u8
}

/// An address that says nothing without its link.
fn is_link_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(_) => false,
        IpAddr::V6(ip) => Ipv6Addr::is_unicast_link_local(&ip),
    }
}
