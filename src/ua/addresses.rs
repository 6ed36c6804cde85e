//! What peers call us: the addresses we listen on, by where the peers are, and those that servers see us at through a NAT.

use crate::ground::limits::{LOCALS, UPSTREAMS, WATCHES};
use crate::ground::network::Network;
use crate::wire::flow::{Flow, Transport};
use crate::wire::sip::Response;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use heapless::Vec;

/// An address of ours, and who reaches us there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalAddress {
    /// Where those peers are.
    pub towards: Network,
    /// Where they reach us.
    pub at: SocketAddr,
}

/// Our own addresses. Full, of own ones: those behind the first [`LOCALS`] are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LocalAddresses {
    own: Vec<LocalAddress, LOCALS>,
    /// Where we listen inside TLS.
    secure: Vec<SocketAddr, SECURE>,
    seen: Vec<Seen, SEEN>,
}

/// Listeners inside TLS whose ports are told to peers.
const SECURE: usize = 8;

/// Servers behind a NAT whose word on our address is kept: each account's and each watch's.
const SEEN: usize = UPSTREAMS + WATCHES;

/// What a server says our requests come from (`received` and `rport`, RFC 3581 §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    by: SocketAddr,
    at: SocketAddr,
    /// What it saw there: our own address towards it.
    of: Option<SocketAddr>,
}

impl LocalAddresses {
    /// Nowhere at all.
    pub const fn new() -> LocalAddresses {
        LocalAddresses {
            own: Vec::new(),
            secure: Vec::new(),
            seen: Vec::new(),
        }
    }

    /// Where we listen; says whether that is news. What a server saw of an address that is another one now is
    /// forgotten.
    pub fn listen_on(&mut self, own: &[LocalAddress]) -> bool {
        let own = &own[..own.len().min(LOCALS)];
        if self.own == own {
            return false;
        }
        self.own = own.iter().copied().collect();
        let own = &self.own;
        self.seen.retain(|seen| towards(own, seen.by) == seen.of);
        true
    }

    /// Where we listen inside TLS. Full: those behind the first [`SECURE`] are told to nobody.
    pub fn listen_inside(&mut self, all: &[SocketAddr]) {
        self.secure = all.iter().take(SECURE).copied().collect();
    }

    /// The port inside TLS of an address of ours: that of the listener there, of one at all addresses of the family, or of
    /// the first there is.
    fn secure_port(&self, ip: IpAddr) -> Option<u16> {
        let mut all = self.secure.iter();
        let there = all.clone().find(|it| it.ip() == ip);
        let wild = |it: &&SocketAddr| it.ip().is_unspecified() && it.is_ipv4() == ip.is_ipv4();
        let at = there.or_else(|| all.clone().find(wild));
        at.or_else(|| all.next()).map(SocketAddr::port)
    }

    /// Our address for a peer: that towards the narrowest network it lies in. `None` if we have none.
    pub fn towards(&self, remote: SocketAddr) -> Option<SocketAddr> {
        towards(&self.own, remote)
    }

    /// Whether this is an address of ours, towards whomever.
    pub fn has(&self, ip: IpAddr) -> bool {
        self.own.iter().any(|it| it.at.ip() == ip)
    }

    /// Whether we listen there, for whomever.
    pub fn listens_at(&self, at: SocketAddr) -> bool {
        let is_there = |it: &LocalAddress| {
            it.at == at || it.at.ip() == at.ip() && self.secure_port(at.ip()) == Some(at.port())
        };
        self.own.iter().any(is_there)
    }

    /// The flow to a peer, from our address for it. `None` if we have none.
    pub fn flow(&self, transport: Transport, remote: SocketAddr) -> Option<Flow> {
        let mut local = self.towards(remote)?;
        if transport == Transport::Tls
            && let Some(port) = self.secure_port(local.ip())
        {
            local.set_port(port);
        }
        Some(Flow {
            transport,
            ..Flow::udp(local, remote)
        })
    }

    /// A server says where it sees us; says whether that is news. Full: the oldest makes way, whose server is told our
    /// own address until it says again what it sees.
    pub fn see(&mut self, by: SocketAddr, at: SocketAddr) -> bool {
        let own = self.towards(by);
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
            let _ = self.seen.push(Seen { by, at, of: own }); // There is room now.
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
}

impl From<SocketAddr> for LocalAddress {
    /// Whoever speaks its family reaches us there.
    fn from(at: SocketAddr) -> LocalAddress {
        let any = match at {
            SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        };
        LocalAddress {
            towards: Network::of(any, 0),
            at,
        }
    }
}

/// Where the server sees us, by the Via that it returned (RFC 3581 §4).
pub fn seen_at(response: &Response<'_>, flow: &Flow) -> Option<SocketAddr> {
    // The port that a stream comes from is no port to call.
    if flow.transport.is_reliable() {
        return None;
    }
    let via = &response.via;
    let port = via.rport.flatten()?;
    let ip = via.received_ip().unwrap_or(flow.local.ip());
    (port != 0 && ip.is_ipv4() == flow.local.is_ipv4()).then(|| SocketAddr::new(ip, port))
}

/// Of equally narrow networks the first one counts.
fn towards(own: &[LocalAddress], remote: SocketAddr) -> Option<SocketAddr> {
    let near = own.iter().filter(|it| it.towards.contains(remote.ip()));
    let best = near.rev().max_by_key(|it| it.towards.prefix())?;
    Some(best.at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().expect("an address")
    }

    fn towards_network(network: &str, at: &str) -> LocalAddress {
        LocalAddress {
            towards: Network::parse(network).expect("a network"),
            at: address(at),
        }
    }

    #[test]
    fn a_peer_is_told_the_address_that_it_sees() {
        let (own, remote) = (address("192.0.2.7:5060"), address("198.51.100.5:5060"));
        let mut locals = LocalAddresses::new();
        locals.listen_on(&[own.into()]);
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
        assert!(!locals.listen_on(&[own.into()]), "as before");
        assert_eq!(locals.as_seen(&flow).local, public);
        assert!(locals.listen_on(&[address("192.0.2.8:5060").into()]));
        assert_eq!(locals.as_seen(&flow).local, own, "whatever it was");
    }

    #[test]
    fn the_narrowest_network_around_a_peer_chooses_our_address() {
        let mut locals = LocalAddresses::new();
        let rows = [
            towards_network("0.0.0.0/0", "192.0.2.7:5060"),
            towards_network("10.0.0.0/8", "10.0.0.1:5060"),
            towards_network("10.7.0.0/16", "10.7.0.1:5060"),
            towards_network("fd00::/8", "[fd00::1]:5060"),
        ];
        locals.listen_on(&rows);
        for (remote, local) in [
            ("198.51.100.5:5060", Some("192.0.2.7:5060")),
            ("10.1.1.1:5060", Some("10.0.0.1:5060")),
            ("10.7.1.1:5060", Some("10.7.0.1:5060")),
            ("[fd00::2]:5060", Some("[fd00::1]:5060")),
            ("[2001:db8::1]:5060", None),
        ] {
            let local = local.map(address);
            assert_eq!(locals.towards(address(remote)), local, "{remote}");
        }
        assert!(locals.has(address("10.7.0.1:9").ip()));
        assert!(!locals.has(address("10.7.0.2:9").ip()));
    }

    #[test]
    fn each_address_has_its_own_port_inside_tls() {
        let mut locals = LocalAddresses::new();
        locals.listen_on(&[
            towards_network("0.0.0.0/0", "192.0.2.7:5060"),
            towards_network("10.0.0.0/8", "10.0.0.1:5060"),
            towards_network("fd00::/8", "[fd00::1]:5060"),
        ]);
        let port = |locals: &LocalAddresses, transport, remote: &str| {
            let flow = locals.flow(transport, address(remote)).expect("a way");
            flow.local.port()
        };
        let far = "198.51.100.5:5061";
        assert_eq!(port(&locals, Transport::Tls, far), 5060, "nowhere");
        locals.listen_inside(&["10.0.0.1:5071", "0.0.0.0:5061"].map(address));
        assert_eq!(port(&locals, Transport::Tls, far), 5061);
        assert_eq!(port(&locals, Transport::Tls, "10.0.0.9:5061"), 5071);
        assert_eq!(port(&locals, Transport::Tls, "[fd00::9]:5061"), 5071);
        assert_eq!(port(&locals, Transport::Tcp, "10.0.0.9:5061"), 5060);
        assert!(locals.listens_at(address("10.0.0.1:5071")));
        assert!(!locals.listens_at(address("10.0.0.1:5061")));
        assert!(locals.listens_at(address("192.0.2.7:5061")));
    }

    #[test]
    fn what_a_server_sees_stays_while_our_address_towards_it_does() {
        let world = towards_network("0.0.0.0/0", "192.0.2.7:5060");
        let mut locals = LocalAddresses::new();
        locals.listen_on(&[world, towards_network("10.0.0.0/8", "10.0.0.1:5060")]);
        let (far, near) = (address("198.51.100.5:5060"), address("10.0.0.5:5060"));
        for server in [far, near] {
            assert!(locals.see(server, address("203.0.113.9:40000")));
        }
        let named = |locals: &LocalAddresses, server| {
            let flow = locals.flow(Transport::Udp, server).expect("a way");
            locals.as_seen(&flow).local
        };
        assert!(locals.listen_on(&[world, towards_network("10.0.0.0/8", "10.0.0.2:5060")]));
        assert_eq!(named(&locals, far), address("203.0.113.9:40000"));
        assert_eq!(named(&locals, near), address("10.0.0.2:5060"));
    }

    #[test]
    fn of_too_many_networks_the_last_are_left_out() {
        let rows = (0..=LOCALS as u8).map(|number| LocalAddress {
            towards: Network::of([10, 0, number, 0].into(), 24),
            at: SocketAddr::from(([10, 0, number, 1], 5_060)),
        });
        let rows: Vec<LocalAddress, { LOCALS + 1 }> = rows.collect();
        let mut locals = LocalAddresses::new();
        assert!(locals.listen_on(&rows));
        assert!(!locals.listen_on(&rows));
        let last = |number: u8| SocketAddr::from(([10, 0, number, 9], 5_060));
        assert_eq!(locals.towards(last(LOCALS as u8)), None);
        let expected = SocketAddr::from(([10, 0, LOCALS as u8 - 1, 1], 5_060));
        assert_eq!(locals.towards(last(LOCALS as u8 - 1)), Some(expected));
    }

    #[test]
    fn of_too_many_servers_the_oldest_makes_way() {
        let mut locals = LocalAddresses::new();
        locals.listen_on(&[address("192.0.2.7:5060").into()]);
        for host in 0..=SEEN as u16 {
            let [high, low] = host.to_be_bytes();
            let by = SocketAddr::from(([10, 0, high, low], 5_060));
            assert!(locals.see(by, address("203.0.113.9:40000")));
        }
        assert_eq!(locals.seen.len(), SEEN);
        assert_eq!(locals.seen[0].by, address("10.0.0.1:5060"));
    }
}
