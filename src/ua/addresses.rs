//! What peers call us: the addresses we listen on, and those that servers see us at through a NAT.

use crate::ground::limits::UPSTREAMS;
use crate::wire::flow::{Flow, Transport};
use core::net::SocketAddr;
use heapless::Vec;

/// Our own addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LocalAddresses {
    /// One of each family at most. No options: nowhere at all is all zeroes, so that a static costs no room.
    own: Vec<SocketAddr, 2>,
    seen: Vec<Seen, UPSTREAMS>,
}

/// What a server says our requests come from (`received` and `rport`, RFC 3581 §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    by: SocketAddr,
    at: SocketAddr,
}

impl LocalAddresses {
    /// Nowhere at all.
    pub const fn new() -> LocalAddresses {
        LocalAddresses {
            own: Vec::new(),
            seen: Vec::new(),
        }
    }

    /// Where we listen: one address of each family at most; says whether that is news. What servers saw of the old
    /// ones is forgotten.
    pub fn listen_on(&mut self, v4: Option<SocketAddr>, v6: Option<SocketAddr>) -> bool {
        let own: Vec<SocketAddr, 2> = v4.into_iter().chain(v6).collect();
        if self.own == own {
            return false;
        }
        self.own = own;
        self.seen.clear();
        true
    }

    /// The flow to a peer: from our address of its family. `None` if we have none.
    pub fn flow(&self, transport: Transport, remote: SocketAddr) -> Option<Flow> {
        let local = self.own_of(remote);
        Some(Flow {
            transport,
            ..Flow::udp(local?, remote)
        })
    }

    /// A server says where it sees us; says whether that is news. Full: the oldest makes way, whose server is told our
    /// own address until it says again what it sees.
    pub fn see(&mut self, by: SocketAddr, at: SocketAddr) -> bool {
        let own = self.own_of(at);
        let known = self.seen.iter().position(|seen| seen.by == by);
        if known.map_or(own, |known| Some(self.seen[known].at)) == Some(at) {
            return false;
        }
        if let Some(known) = known {
            self.seen.remove(known);
        } else if self.seen.is_full() {
            self.seen.remove(0);
        }
        if own != Some(at) {
            let _ = self.seen.push(Seen { by, at }); // There is room now.
        }
        true
    }

    /// The flow as a Contact names it to the peer at its other end: where that peer can reach us. A NAT may give us
    /// another address for each port of a peer; who is not known by its port is taken for its neighbour.
    #[must_use]
    pub fn as_seen(&self, flow: &Flow) -> Flow {
        let exact = self.seen.iter().find(|it| it.by == flow.remote);
        let near = || self.seen.iter().find(|it| it.by.ip() == flow.remote.ip());
        let seen = exact.or_else(near);
        Flow {
            local: seen.map_or(flow.local, |it| it.at),
            ..*flow
        }
    }

    /// Our address of the same family.
    fn own_of(&self, other: SocketAddr) -> Option<SocketAddr> {
        let mut own = self.own.iter();
        own.find(|it| it.is_ipv4() == other.is_ipv4()).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn a_peer_is_told_the_address_that_it_sees() {
        let (own, remote) = (address("192.0.2.7:5060"), address("198.51.100.5:5060"));
        let mut locals = LocalAddresses::new();
        locals.listen_on(Some(own), None);
        let flow = locals.flow(Transport::Udp, remote).expect("our family");
        assert_eq!(locals.flow(Transport::Udp, address("[::1]:5060")), None);
        assert!(!locals.see(remote, own), "no NAT is no news");
        let public = address("203.0.113.9:40000");
        assert!(locals.see(remote, public));
        assert!(!locals.see(remote, public));
        assert_eq!(locals.as_seen(&flow).local, public);
        let other = Flow::udp(own, address("198.51.100.6:5060"));
        assert_eq!(locals.as_seen(&other).local, own);
        let neighbour = Flow::udp(own, address("198.51.100.5:5070"));
        assert_eq!(locals.as_seen(&neighbour).local, public);
        let another = address("203.0.113.9:40001");
        assert!(locals.see(neighbour.remote, another));
        assert_eq!(locals.as_seen(&neighbour).local, another);
        assert_eq!(locals.as_seen(&flow).local, public);
        assert!(!locals.listen_on(Some(own), None), "as before");
        assert_eq!(locals.as_seen(&flow).local, public);
        assert!(locals.listen_on(Some(address("192.0.2.8:5060")), None));
        assert_eq!(locals.as_seen(&flow).local, own, "whatever it was");
    }

    #[test]
    fn of_too_many_servers_the_oldest_makes_way() {
        let mut locals = LocalAddresses::new();
        locals.listen_on(Some(address("192.0.2.7:5060")), None);
        for host in 0..=UPSTREAMS as u8 {
            let by = SocketAddr::from(([10, 0, 0, host], 5_060));
            assert!(locals.see(by, address("203.0.113.9:40000")));
        }
        assert_eq!(locals.seen.len(), UPSTREAMS);
        assert_eq!(locals.seen[0].by, address("10.0.0.1:5060"));
    }
}
