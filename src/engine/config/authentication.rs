//! Whose requests have to show a password.

use crate::ground::limits::{REALM, TRUSTED};
use crate::ground::network::Network;
use crate::ground::text::Text;
use crate::wire::flow::{Flow, Transport};
use core::net::SocketAddr;
use heapless::Vec;

/// What a password is asked for, and of whom.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Authentication {
    /// Whose users they are, as phones show it. Their hashes are made with it.
    pub realm: Text<REALM>,
    /// Who has to show one.
    pub demand: Demand,
}

/// Who has to show a password.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "there is one in all the settings"
)]
pub enum Demand {
    /// Those outside the trusted networks, once there are users.
    #[default]
    Strangers,
    /// Everybody but this machine itself.
    Always,
    /// Strangers, and those who come from or to one of these.
    Listed(Listed),
}

/// Networks and listeners whose requests always have to show a password.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// Where they come from.
    pub networks: Vec<Network, TRUSTED>,
    /// Where they arrive.
    pub listeners: Vec<Listener, TRUSTED>,
}

/// An address that we listen on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listener {
    /// UDP stands for TCP on the same port too.
    pub transport: Transport,
    /// The unspecified one stands for all of its kind.
    pub address: SocketAddr,
}

impl Authentication {
    /// Nobody is asked for anything.
    pub const fn new() -> Authentication {
        Authentication {
            realm: Text::new(),
            demand: Demand::Strangers,
        }
    }
}

impl Listed {
    /// Whether what comes in on `flow` is of one of them.
    pub fn includes(&self, flow: &Flow) -> bool {
        let from = flow.remote.ip();
        self.networks.iter().any(|it| it.contains(from))
            || self.listeners.iter().any(|it| it.has(flow))
    }
}

impl Listener {
    fn has(self, flow: &Flow) -> bool {
        let is_transport = self.transport == Transport::Udp || self.transport == flow.transport;
        let (own, at) = (self.address.ip(), flow.local.ip().to_canonical());
        // The unspecified IPv6 address listens for both kinds.
        let is_there = own.is_unspecified() && (own.is_ipv6() || at.is_ipv4());
        let is_there = is_there || own.to_canonical() == at;
        is_transport && self.address.port() == flow.local.port() && is_there
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listener(transport: Transport, address: &str) -> Listener {
        let address = address.parse().expect("an address");
        Listener { transport, address }
    }

    #[test]
    fn a_listener_has_what_arrives_there() {
        let flow = |local: &str| {
            let remote = "198.51.100.9:5060".parse().expect("an address");
            Flow::udp(local.parse().expect("an address"), remote)
        };
        let (udp, tcp) = (Transport::Udp, Transport::Tcp);
        assert!(listener(udp, "0.0.0.0:5060").has(&flow("192.0.2.1:5060")));
        assert!(listener(udp, "[::]:5060").has(&flow("192.0.2.1:5060")));
        assert!(listener(udp, "192.0.2.1:5060").has(&flow("192.0.2.1:5060")));
        assert!(!listener(udp, "0.0.0.0:5061").has(&flow("192.0.2.1:5060")));
        assert!(!listener(udp, "192.0.2.2:5060").has(&flow("192.0.2.1:5060")));
        assert!(!listener(tcp, "0.0.0.0:5060").has(&flow("192.0.2.1:5060")));
    }
}
