//! Where streams begin.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::vec::Vec;

use rustix::io::Errno;
use rustix::net::sockopt::{set_ipv6_v6only, set_socket_reuseaddr};
use rustix::net::{AddressFamily, SocketFlags, SocketType, accept_with, bind, listen, socket_with};

use super::PAUSE;
use crate::ground::time::Instant;
use crate::shell::net::BindError;
use crate::shell::poller::{Registry, Source};
use crate::wire::flow::Transport;

/// A socket that takes streams.
#[derive(Debug)]
pub struct Listener {
    tcp: TcpListener,
    /// What is spoken: TCP, or TLS over it.
    pub transport: Transport,
    /// Where it listens: the port is the real one, the address may be unspecified.
    pub bound: SocketAddr,
}

/// All of them.
#[derive(Debug)]
pub(super) struct Listeners {
    all: Vec<Listener>,
    /// No descriptor or memory was left: nobody is let in before this.
    paused: Option<Instant>,
}

/// Streams that may wait until we let them in.
const BACKLOG: i32 = 64;

impl Listener {
    /// Listens at `address`, for TCP or for TLS over it; an IPv6 one takes IPv6 only.
    ///
    /// # Errors
    /// Why the address cannot be had.
    pub fn open(transport: Transport, address: SocketAddr) -> Result<Listener, BindError> {
        let opened = || -> io::Result<Listener> {
            let fd = socket_with(family(address), SocketType::STREAM, FLAGS, None)?;
            // Streams of the run before may still be closing.
            set_socket_reuseaddr(&fd, true)?;
            if address.is_ipv6() {
                set_ipv6_v6only(&fd, true)?;
            }
            bind(&fd, &address)?;
            listen(&fd, BACKLOG)?;
            let tcp = TcpListener::from(fd);
            let bound = tcp.local_addr()?;
            Ok(Listener {
                tcp,
                transport,
                bound,
            })
        };
        opened().map_err(|error| BindError {
            transport,
            address,
            error,
        })
    }
}

impl Listeners {
    pub(super) fn new(all: Vec<Listener>, registry: &Registry) -> io::Result<Listeners> {
        for (at, listener) in (0..).zip(&all) {
            registry.add(&listener.tcp, Source::Listener(at))?;
        }
        Ok(Listeners { all, paused: None })
    }

    /// Lets one in: the stream and our address as its peer sees it.
    pub(super) fn accept(
        &mut self,
        now: Instant,
        at: usize,
        registry: &Registry,
    ) -> Option<(TcpStream, SocketAddr)> {
        let listener = self.all.get(at)?;
        loop {
            match accept_with(&listener.tcp, FLAGS) {
                Ok(fd) => {
                    let tcp = TcpStream::from(fd);
                    let local = match listener.bound {
                        bound if !bound.ip().is_unspecified() => bound,
                        _ => tcp.local_addr().ok()?,
                    };
                    return Some((tcp, local));
                }
                Err(Errno::INTR | Errno::CONNABORTED) => {}
                Err(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM) => {
                    self.pause(now, registry);
                    return None;
                }
                Err(_) => return None,
            }
        }
    }

    /// What is spoken at listener `at`.
    pub(super) fn transport(&self, at: usize) -> Transport {
        self.all.get(at).map_or(Transport::Tcp, |it| it.transport)
    }

    /// Lets nobody in for a moment: they wait in the kernel, and would wake us for nothing.
    pub(super) fn pause(&mut self, now: Instant, registry: &Registry) {
        self.paused = Some(now + PAUSE);
        self.look(registry);
    }

    /// Whether one listens at this very address, and not at all of them.
    pub(super) fn any_at(&self, local: SocketAddr) -> bool {
        self.all.iter().any(|it| it.bound.ip() == local.ip())
    }

    pub(super) fn due(&self) -> Option<Instant> {
        self.paused
    }

    pub(super) fn handle_timeout(&mut self, now: Instant, registry: &Registry) {
        if self.paused.take_if(|until| now >= *until).is_some() {
            self.look(registry);
        }
    }

    fn look(&self, registry: &Registry) {
        for (at, listener) in (0..).zip(&self.all) {
            // Cannot fail for what was added.
            let _ = registry.change(
                &listener.tcp,
                Source::Listener(at),
                self.paused.is_none(),
                false,
            );
        }
    }
}

/// Begins to connect to `remote`, from the address `from` if that is given.
///
/// # Errors
/// The kernel's: there is no way there.
pub fn connect(remote: SocketAddr, from: Option<SocketAddr>) -> io::Result<TcpStream> {
    let fd = socket_with(family(remote), SocketType::STREAM, FLAGS, None)?;
    if let Some(from) = from {
        bind(&fd, &SocketAddr::new(from.ip(), 0))?;
    }
    match rustix::net::connect(&fd, &remote) {
        Ok(()) | Err(Errno::INPROGRESS | Errno::INTR) => Ok(TcpStream::from(fd)),
        Err(error) => Err(error.into()),
    }
}

const FLAGS: SocketFlags = SocketFlags::NONBLOCK.union(SocketFlags::CLOEXEC);

fn family(address: SocketAddr) -> AddressFamily {
    match address {
        SocketAddr::V4(_) => AddressFamily::INET,
        SocketAddr::V6(_) => AddressFamily::INET6,
    }
}
