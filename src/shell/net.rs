//! The network: datagrams in and out, in batches, with the errors that come back for them; and streams.
//!
//! [`inbox`] receives datagrams, [`outbox`] sends them; both hold the same sockets. [`streams`] holds what is there of
//! TCP, [`places`] says where all of them are, [`locals`] what peers call us and
//! [`routes`] what the kernel knows of that.

pub mod inbox;
pub mod locals;
pub mod outbox;
pub mod places;
pub mod routes;
pub mod streams;

use std::fmt;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::rc::Rc;
use std::string::ToString;
use std::vec::Vec;

use nix::sys::socket::{setsockopt, sockopt};
use rustix::net::sockopt::set_socket_recv_buffer_size;
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, socket_with};

use super::failed::Failed;
use super::listen::Listen;
use crate::ground::limits;
use crate::wire::flow::Transport;

/// The most sockets one agent listens on.
pub const SOCKETS: usize = 16;

/// Bytes of datagrams that may wait in the kernel, which doubles it for what it needs itself: room for an answer of each
/// watcher, who may all be told at the same time.
const RECEIVE_BUFFER: usize = 1024 * 1024 + 1024 * limits::SUBSCRIPTIONS;

/// A socket and the address it is bound to.
#[derive(Clone, Debug)]
pub struct Socket {
    /// The socket, non-blocking.
    pub udp: Rc<UdpSocket>,
    /// Where it listens: the port is the real one, the address may be unspecified.
    pub bound: SocketAddr,
}

/// A socket could not be opened.
#[derive(Debug)]
pub struct BindError {
    /// Over which transport.
    pub transport: Transport,
    /// The address that was asked for.
    pub address: SocketAddr,
    /// Why not.
    pub error: io::Error,
}

/// Opens a socket for each address.
///
/// # Errors
/// The first address that cannot be had.
pub fn listen(addresses: &[SocketAddr]) -> Result<Vec<Socket>, BindError> {
    addresses
        .iter()
        .map(|&address| {
            open(address).map_err(|error| BindError {
                transport: Transport::Udp,
                address,
                error,
            })
        })
        .collect()
}

/// An IPv6 socket takes IPv6 only, so that no peer ever has a v4-mapped address.
fn open(address: SocketAddr) -> io::Result<Socket> {
    let family = if address.is_ipv4() {
        AddressFamily::INET
    } else {
        AddressFamily::INET6
    };
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let fd = socket_with(family, SocketType::DGRAM, flags, None)?;
    if address.is_ipv4() {
        setsockopt(&fd, sockopt::Ipv4RecvErr, &true)?;
        if address.ip().is_unspecified() {
            setsockopt(&fd, sockopt::Ipv4PacketInfo, &true)?;
        }
    } else {
        setsockopt(&fd, sockopt::Ipv6V6Only, &true)?;
        setsockopt(&fd, sockopt::Ipv6RecvErr, &true)?;
        if address.ip().is_unspecified() {
            setsockopt(&fd, sockopt::Ipv6RecvPacketInfo, &true)?;
        }
    }
    // As much as the system allows: a burst waits there while we work. Unused, it costs nothing.
    let _ = set_socket_recv_buffer_size(&fd, RECEIVE_BUFFER);
    bind(&fd, &address)?;
    let udp = UdpSocket::from(fd);
    let bound = udp.local_addr()?;
    Ok(Socket {
        udp: Rc::new(udp),
        bound,
    })
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let BindError {
            transport,
            address,
            error,
        } = self;
        let listen = Listen {
            transport: *transport,
            address: *address,
        };
        write!(f, "cannot listen on {listen}: {error}")?;
        match error.kind() {
            io::ErrorKind::AddrInUse => write!(
                f,
                "\nremedy: end the program that has this port, or listen elsewhere with --listen"
            ),
            io::ErrorKind::AddrNotAvailable => write!(
                f,
                "\nremedy: this machine does not have the address; listen on one that `ip addr` shows"
            ),
            io::ErrorKind::PermissionDenied => {
                write!(f, "\nremedy: ports below 1024 need more rights")
            }
            _ => Ok(()),
        }
    }
}

impl From<BindError> for Failed {
    fn from(error: BindError) -> Failed {
        Failed(error.to_string())
    }
}

#[cfg(test)]
mod tests;
