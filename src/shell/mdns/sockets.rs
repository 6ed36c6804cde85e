//! The sockets of multicast DNS: one for each family, on the port that all responders of a machine share (RFC 6762 §15).

use std::io::{self, IoSlice, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6, UdpSocket};
use std::os::fd::AsRawFd;
use std::vec;
use std::vec::Vec;

use nix::cmsg_space;
use nix::libc;
use nix::sys::socket::{
    ControlMessage, ControlMessageOwned, MsgFlags, SockaddrIn, SockaddrIn6, SockaddrStorage,
    recvmsg, sendmsg, setsockopt, sockopt,
};
use rustix::net::sockopt as options;
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, socket_with};

use super::links::{Link, Origin, Outgoing, PORT};
use super::message::LONGEST;
use crate::shell::poller::{Registry, Source};

/// The groups (§3).
const GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 251);
const GROUP_V6: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0xfb);

/// Of every answer (§11): each router on the way takes one.
const HOPS: u32 = 255;

/// Datagrams taken before others get their turn.
const PILE: usize = 64;

/// The sockets.
#[derive(Debug)]
pub struct Sockets {
    v4: Option<UdpSocket>,
    v6: Option<UdpSocket>,
    joined: Vec<(u32, bool)>,
    /// Whether nobody else of this machine had the port.
    pub is_alone: bool,
}

impl Sockets {
    /// Opens what there is.
    ///
    /// # Errors
    /// The kernel's, where no family can be had.
    pub fn open(registry: Option<&Registry>) -> io::Result<Sockets> {
        let mut is_alone = true;
        let v4 = open(false, &mut is_alone);
        let v6 = open(true, &mut is_alone).ok();
        let v4 = match (v4, &v6) {
            (Ok(v4), _) => Some(v4),
            (Err(_), Some(_)) => None,
            (Err(error), None) => return Err(error),
        };
        for socket in v4.iter().chain(&v6) {
            if let Some(registry) = registry {
                registry.add(socket, Source::Mdns)?;
            }
        }
        Ok(Sockets {
            v4,
            v6,
            joined: Vec::new(),
            is_alone,
        })
    }

    /// Joins the groups on `links`, and forgets those that are gone.
    pub fn join(&mut self, links: &[Link]) {
        let is_there = |(index, is_v6): (u32, bool)| {
            links.iter().any(|it| it.index == index && it.speaks(is_v6))
        };
        for (index, is_v6) in self.joined.clone() {
            if !is_there((index, is_v6)) {
                self.change(index, is_v6, false);
            }
        }
        self.joined.retain(|it| is_there(*it));
        for link in links {
            for is_v6 in [false, true] {
                let key = (link.index, is_v6);
                if link.speaks(is_v6) && !self.joined.contains(&key) {
                    self.change(link.index, is_v6, true);
                    self.joined.push(key);
                }
            }
        }
    }

    /// What fails is tried again when the link comes back: nobody hears us there now.
    fn change(&self, index: u32, is_v6: bool, joins: bool) {
        let any = Ipv4Addr::UNSPECIFIED;
        let _ = match (is_v6, &self.v4, &self.v6) {
            (false, Some(socket), _) if joins => {
                options::set_ip_add_membership_with_ifindex(socket, &GROUP, &any, index)
            }
            (false, Some(socket), _) => {
                options::set_ip_drop_membership_with_ifindex(socket, &GROUP, &any, index)
            }
            (true, _, Some(socket)) if joins => {
                options::set_ipv6_add_membership(socket, &GROUP_V6, index)
            }
            (true, _, Some(socket)) => options::set_ipv6_drop_membership(socket, &GROUP_V6, index),
            (false, None, _) | (true, _, None) => Ok(()),
        };
    }

    /// Sends a message. One that is lost is sent again by whoever needs it.
    pub fn send(&self, message: &Outgoing) {
        let bytes = [IoSlice::new(&message.bytes)];
        let flags = MsgFlags::MSG_DONTWAIT;
        let _ = match (message.is_v6, &self.v4, &self.v6) {
            (false, Some(socket), _) => {
                let to = match message.to {
                    Some(SocketAddr::V4(to)) => to,
                    Some(SocketAddr::V6(_)) | None => SocketAddrV4::new(GROUP, PORT),
                };
                let info = libc::in_pktinfo {
                    ipi_ifindex: message.link as i32,
                    ipi_spec_dst: libc::in_addr { s_addr: 0 },
                    ipi_addr: libc::in_addr { s_addr: 0 },
                };
                let control = [ControlMessage::Ipv4PacketInfo(&info)];
                let to = SockaddrIn::from(to);
                sendmsg(socket.as_raw_fd(), &bytes, &control, flags, Some(&to))
            }
            (true, _, Some(socket)) => {
                let to = match message.to {
                    Some(SocketAddr::V6(to)) => to,
                    Some(SocketAddr::V4(_)) | None => {
                        SocketAddrV6::new(GROUP_V6, PORT, 0, message.link)
                    }
                };
                let info = libc::in6_pktinfo {
                    ipi6_ifindex: message.link,
                    ipi6_addr: libc::in6_addr { s6_addr: [0; 16] },
                };
                let control = [ControlMessage::Ipv6PacketInfo(&info)];
                let to = SockaddrIn6::from(to);
                sendmsg(socket.as_raw_fd(), &bytes, &control, flags, Some(&to))
            }
            (false, None, _) | (true, _, None) => Ok(0),
        };
    }

    /// Hands all that has come to `handle`, within reason; the poller reminds us of the rest.
    pub fn receive(&self, mut handle: impl FnMut(Origin, &[u8])) {
        let mut room = [0; LONGEST];
        for socket in self.v4.iter().chain(&self.v6) {
            for _ in 0..PILE {
                let Some((origin, len)) = receive(socket, &mut room) else {
                    break;
                };
                if let Some(origin) = origin {
                    handle(origin, &room[..len]);
                }
            }
        }
    }
}

/// The next datagram: where it came from, if that is known, and its length.
fn receive(socket: &UdpSocket, room: &mut [u8]) -> Option<(Option<Origin>, usize)> {
    let mut bytes = [IoSliceMut::new(room)];
    let mut control = cmsg_space!(libc::in6_pktinfo, libc::c_int);
    let flags = MsgFlags::MSG_DONTWAIT;
    let message =
        recvmsg::<SockaddrStorage>(socket.as_raw_fd(), &mut bytes, Some(&mut control), flags);
    let message = message.ok()?;
    let source = message.address.as_ref().and_then(address);
    let arrival = message.cmsgs().ok().and_then(|mut all| {
        all.find_map(|control| match control {
            ControlMessageOwned::Ipv4PacketInfo(info) => {
                let to = Ipv4Addr::from_bits(u32::from_be(info.ipi_addr.s_addr));
                Some((info.ipi_ifindex as u32, IpAddr::V4(to)))
            }
            ControlMessageOwned::Ipv6PacketInfo(info) => {
                let to = Ipv6Addr::from(info.ipi6_addr.s6_addr);
                Some((info.ipi6_ifindex, IpAddr::V6(to)))
            }
            _ => None,
        })
    });
    let is_direct = message.cmsgs().is_ok_and(|mut all| {
        all.any(|control| match control {
            ControlMessageOwned::Ipv4Ttl(hops) | ControlMessageOwned::Ipv6HopLimit(hops) => {
                u32::try_from(hops) == Ok(HOPS)
            }
            _ => false,
        })
    });
    let origin = source.zip(arrival).map(|(source, (link, to))| Origin {
        link,
        source,
        is_multicast: to == IpAddr::V4(GROUP) || to == IpAddr::V6(GROUP_V6),
        is_direct,
    });
    Some((origin, message.bytes))
}

fn address(storage: &SockaddrStorage) -> Option<SocketAddr> {
    let v4 = storage
        .as_sockaddr_in()
        .map(|it| SocketAddrV4::new(it.ip(), it.port()).into());
    v4.or_else(|| {
        let it = storage.as_sockaddr_in6()?;
        Some(SocketAddrV6::new(it.ip(), it.port(), 0, it.scope_id()).into())
    })
}

/// Alone, if that is possible; whoever comes later may have the port as well.
fn open(is_v6: bool, is_alone: &mut bool) -> io::Result<UdpSocket> {
    let family = if is_v6 {
        AddressFamily::INET6
    } else {
        AddressFamily::INET
    };
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = socket_with(family, SocketType::DGRAM, flags, None)?;
    let any: IpAddr = if is_v6 {
        options::set_ipv6_v6only(&socket, true)?;
        options::set_ipv6_multicast_hops(&socket, HOPS)?;
        options::set_ipv6_unicast_hops(&socket, Some(HOPS as u8))?;
        setsockopt(&socket, sockopt::Ipv6RecvPacketInfo, &true)?;
        setsockopt(&socket, sockopt::Ipv6RecvHopLimit, &true)?;
        Ipv6Addr::UNSPECIFIED.into()
    } else {
        options::set_ip_multicast_ttl(&socket, HOPS)?;
        options::set_ip_ttl(&socket, HOPS)?;
        setsockopt(&socket, sockopt::Ipv4PacketInfo, &true)?;
        setsockopt(&socket, sockopt::Ipv4RecvTtl, &true)?;
        Ipv4Addr::UNSPECIFIED.into()
    };
    let place = SocketAddr::new(any, PORT);
    let is_free = bind(&socket, &place).is_ok();
    options::set_socket_reuseaddr(&socket, true)?;
    options::set_socket_reuseport(&socket, true)?;
    if !is_free {
        *is_alone = false;
        bind(&socket, &place)?;
    }
    Ok(UdpSocket::from(socket))
}
