//! Where SIP is spoken: the sockets and listeners for what the configuration asks for.

use std::net::SocketAddr;
use std::string::ToString;
use std::vec::Vec;

use log::warn;

use super::streams::Listener;
use super::{BindError, Socket, listen};
use crate::shell::listen::Listen;
use crate::wire::flow::Transport;

/// What listens.
#[derive(Debug)]
pub struct Places {
    /// For datagrams.
    pub sockets: Vec<Socket>,
    /// For streams.
    pub listeners: Vec<Listener>,
}

impl Places {
    /// Opens everything. What listens on UDP listens on TCP at the same port (RFC 3261 §18.1.1); if that is taken UDP
    /// does alone.
    ///
    /// # Errors
    /// The first address that cannot be had.
    pub fn open(wanted: &[Listen]) -> Result<Places, BindError> {
        let mut places = Places {
            sockets: Vec::new(),
            listeners: Vec::new(),
        };
        for it in wanted {
            match it.transport {
                Transport::Udp => {
                    let opened = listen(&[it.address])?;
                    let also = opened.iter().map(|socket| Listen {
                        transport: Transport::Tcp,
                        address: socket.bound,
                    });
                    // Asked for by itself, it must be had.
                    for also in also.filter(|also| !wanted.contains(also)) {
                        places.listen_too(also.address);
                    }
                    places.sockets.extend(opened);
                }
                Transport::Tcp | Transport::Tls => {
                    let listener = Listener::open(it.transport, it.address)?;
                    places.listeners.push(listener);
                }
            }
        }
        if places.sockets.is_empty() && !wanted.is_empty() {
            warn!("no udp among the listeners: what this agent asks of others by udp goes nowhere");
            warn!("remedy: listen on udp:ADDRESS:PORT too");
        }
        Ok(places)
    }

    /// Where it is, with real ports: UDP first.
    pub fn list(&self) -> Vec<Listen> {
        let sockets = self.sockets.iter().map(|socket| Listen {
            transport: Transport::Udp,
            address: socket.bound,
        });
        let listeners = self.listeners.iter().map(|listener| Listen {
            transport: listener.transport,
            address: listener.bound,
        });
        sockets.chain(listeners).collect()
    }

    fn listen_too(&mut self, address: SocketAddr) {
        match Listener::open(Transport::Tcp, address) {
            Ok(listener) => self.listeners.push(listener),
            Err(error) => {
                for line in error.to_string().lines() {
                    warn!("{line}");
                }
                warn!("udp:{address} goes on without tcp");
            }
        }
    }
}

/// Those of `listeners` at which peers reach us inside TLS.
pub fn inside_tls(listeners: &[Listen]) -> Vec<SocketAddr> {
    let secure = listeners.iter().filter(|it| it.transport == Transport::Tls);
    secure.map(|it| it.address).collect()
}

/// The addresses of `listeners` outside TLS, each once, those that take datagrams first. Where there is nothing but TLS,
/// those.
pub fn addresses(listeners: &[Listen]) -> Vec<SocketAddr> {
    let is_plain = |it: &&Listen| it.transport != Transport::Tls;
    let only_tls = listeners.iter().find(is_plain).is_none();
    let mut addresses: Vec<SocketAddr> = Vec::with_capacity(listeners.len());
    for it in listeners.iter().filter(|it| only_tls || is_plain(it)) {
        if !addresses.contains(&it.address) {
            addresses.push(it.address);
        }
    }
    addresses
}
