//! The addresses at which peers reach us: which one for whom, also when they change under us (DHCP, a new cable).
//!
//! A socket that listens on all addresses has none to put into a Via or Contact, and of several sockets not every one
//! is on the way to a peer. So a table says for each network that the kernel has a route to which address of ours its
//! datagrams leave from. The kernel itself says which: a socket is connected to somewhere in that network, and nothing
//! is sent.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::vec::Vec;

use log::info;

use super::routes::routes;
use crate::ground::network::Network;
use crate::ua::addresses::LocalAddress;

/// What to announce for `listeners`: the widest networks first, and no network of which the one around it says the same.
pub fn announced(listeners: &[SocketAddr]) -> Vec<LocalAddress> {
    if !depends_on_routes(listeners) {
        return listeners.iter().copied().map(LocalAddress::from).collect();
    }
    let routes = routes().unwrap_or_else(|error| {
        info!("routes cannot be asked for, so one address counts for all networks: {error}");
        Vec::new()
    });
    announced_with(listeners, &routes, source)
}

/// Whether what is announced changes with this machine's addresses and routes. One listener of a family at an address
/// of its own is announced to everybody.
pub fn depends_on_routes(listeners: &[SocketAddr]) -> bool {
    let count = |is_v4| listeners.iter().filter(|it| it.is_ipv4() == is_v4).count();
    let is_wild = |it: &SocketAddr| it.ip().is_unspecified();
    listeners.iter().any(is_wild) || count(true) > 1 || count(false) > 1
}

/// Writes into the log what is announced otherwise than before.
pub fn tell_changes(old: &[LocalAddress], new: &[LocalAddress]) {
    for it in new.iter().filter(|it| !old.contains(it)) {
        info!("our address towards {} is {} now", it.towards, it.at);
    }
    let is_gone = |it: &&LocalAddress| new.iter().all(|new| new.towards != it.towards);
    for it in old.iter().filter(is_gone) {
        info!(
            "our address towards {} is not {} any more",
            it.towards, it.at
        );
    }
}

/// `source` says from which address of ours a datagram leaves.
fn announced_with(
    listeners: &[SocketAddr],
    routes: &[Network],
    source: impl Fn(IpAddr) -> Option<IpAddr>,
) -> Vec<LocalAddress> {
    let everywhere = listeners.iter().map(|it| LocalAddress::from(*it).towards);
    let known = routes.iter().copied().chain(Network::LOOPBACK);
    let mut networks: Vec<Network> = everywhere.chain(known.filter(is_one_place)).collect();
    networks.sort_by_key(Network::prefix);
    let mut announced: Vec<LocalAddress> = Vec::new();
    for (index, &towards) in networks.iter().enumerate() {
        let narrower = &networks[index + 1..];
        if narrower.contains(&towards) {
            continue;
        }
        let from = probe(towards, narrower).and_then(&source);
        let Some(at) = listening(listeners, towards, from) else {
            continue;
        };
        let around = announced.iter().rev();
        let mut around = around.filter(|it| {
            towards
                .addresses()
                .next()
                .is_some_and(|ip| it.towards.contains(ip))
        });
        if around.next().is_none_or(|it| it.at != at) {
            announced.push(LocalAddress { towards, at });
        }
    }
    announced
}

/// Where nobody can be told apart by an address alone, nothing is announced.
fn is_one_place(network: &Network) -> bool {
    let link_local = Network::of(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0).into(), 10);
    let first = network.addresses().next();
    first.is_some_and(|first| !first.is_multicast() && !link_local.contains(first))
}

/// An address in the network that stands for it: in no narrower one, as each address of our own is.
fn probe(network: Network, narrower: &[Network]) -> Option<IpAddr> {
    /// The addresses that documentation uses (RFC 5737, RFC 3849), which nobody has.
    const FAR: [IpAddr; 2] = [
        IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
        IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)),
    ];
    /// As many as this machine may have addresses in one network.
    const TRIES: usize = 64;
    let far = FAR.into_iter().filter(|it| network.contains(*it));
    let mut inside = network.addresses();
    let lowest = inside.next();
    // The lowest address of a network once meant all of it.
    let candidates = far.chain(inside.take(TRIES)).chain(lowest);
    let mut free = candidates.filter(|it| !narrower.iter().any(|other| other.contains(*it)));
    free.next()
}

/// Where we listen for who reaches us at `from`. Whoever is not reached from where we listen is told the first
/// listener of its family that has an address at all.
fn listening(
    listeners: &[SocketAddr],
    towards: Network,
    from: Option<IpAddr>,
) -> Option<SocketAddr> {
    let mut all = listeners.iter();
    if let Some(from) = from {
        if let Some(exact) = all.clone().find(|it| it.ip() == from) {
            return Some(*exact);
        }
        let wild = |it: &&SocketAddr| it.ip().is_unspecified() && it.is_ipv4() == from.is_ipv4();
        if let Some(wild) = all.clone().find(wild) {
            return Some(SocketAddr::new(from, wild.port()));
        }
    }
    let is_first = |it: &&SocketAddr| LocalAddress::from(**it).towards == towards;
    all.find(|it| is_first(it) && !it.ip().is_unspecified())
        .copied()
}

/// The address that a datagram to `remote` would leave from.
fn source(remote: IpAddr) -> Option<IpAddr> {
    let any: IpAddr = match remote {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let probe = UdpSocket::bind((any, 0)).ok()?;
    probe.connect((remote, 9)).ok()?;
    let ip = probe.local_addr().ok()?.ip();
    (!ip.is_unspecified()).then_some(ip)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
        let parse = |text: &&str| text.parse().expect("an address");
        texts.iter().map(parse).collect()
    }

    fn network(text: &str) -> Network {
        Network::parse(text).expect("a network")
    }

    /// A machine's routes, each with the address that the kernel would take.
    struct Machine(&'static [(&'static str, &'static str)]);

    impl Machine {
        /// As the kernel does it: the narrowest route counts.
        fn source(&self, remote: IpAddr) -> Option<IpAddr> {
            let mut ways: Vec<_> = self
                .0
                .iter()
                .map(|(to, from)| (network(to), from))
                .collect();
            ways.sort_by_key(|(to, _)| to.prefix());
            let way = ways.iter().rev().find(|(to, _)| to.contains(remote))?;
            way.1.parse().ok()
        }

        #[track_caller]
        fn expect(&self, listeners: &[&str], expected: &[(&str, &str)]) {
            let listeners = addresses(listeners);
            let routes: Vec<_> = self.0.iter().map(|(to, _)| network(to)).collect();
            let announced = announced_with(&listeners, &routes, |it| self.source(it));
            let expected = expected.iter().map(|(towards, at)| LocalAddress {
                towards: network(towards),
                at: at.parse().expect("an address"),
            });
            assert_eq!(announced, expected.collect::<Vec<_>>());
        }
    }

    const LOOPBACK: (&str, &str) = ("127.0.0.0/8", "127.0.0.1");

    #[test]
    fn a_desk_phone_has_one_address_and_loopback() {
        Machine(&[
            ("0.0.0.0/0", "192.168.1.5"),
            ("192.168.1.0/24", "192.168.1.5"),
            ("192.168.1.5", "192.168.1.5"),
            LOOPBACK,
            ("127.0.0.1", "127.0.0.1"),
        ])
        .expect(
            &["0.0.0.0:5060"],
            &[
                ("0.0.0.0/0", "192.168.1.5:5060"),
                ("127.0.0.0/8", "127.0.0.1:5060"),
            ],
        );
    }

    #[test]
    fn without_a_default_route_each_network_has_its_address() {
        Machine(&[
            ("10.1.0.0/16", "10.1.0.7"),
            ("10.2.0.0/16", "10.2.0.7"),
            ("10.1.0.7", "10.1.0.7"),
            ("10.2.0.7", "10.2.0.7"),
            LOOPBACK,
        ])
        .expect(
            &["0.0.0.0:5060"],
            &[
                ("127.0.0.0/8", "127.0.0.1:5060"),
                ("10.1.0.0/16", "10.1.0.7:5060"),
                ("10.2.0.0/16", "10.2.0.7:5060"),
            ],
        );
    }

    #[test]
    fn a_second_address_of_a_network_is_ours_for_ourselves_alone() {
        Machine(&[
            ("10.1.0.0/16", "10.1.0.7"),
            // What the kernel says of the lowest address holds for that address only.
            ("10.1.0.1", "10.1.0.1"),
            ("10.1.0.7", "10.1.0.7"),
        ])
        .expect(
            &["0.0.0.0:5060"],
            &[
                ("10.1.0.0/16", "10.1.0.7:5060"),
                ("10.1.0.1", "10.1.0.1:5060"),
            ],
        );
    }

    #[test]
    fn of_several_listeners_the_one_on_the_way_is_announced() {
        let machine = Machine(&[
            ("0.0.0.0/0", "192.168.1.5"),
            ("172.17.0.0/16", "172.17.0.1"),
            ("10.1.0.0/16", "10.1.0.7"),
            LOOPBACK,
        ]);
        machine.expect(
            &["127.0.0.1:5060", "192.168.1.5:5062"],
            &[
                ("0.0.0.0/0", "192.168.1.5:5062"),
                ("127.0.0.0/8", "127.0.0.1:5060"),
            ],
        );
        machine.expect(
            &["127.0.0.1:5060", "10.1.0.7:5061"],
            &[
                ("0.0.0.0/0", "127.0.0.1:5060"),
                ("10.1.0.0/16", "10.1.0.7:5061"),
            ],
        );
        machine.expect(
            &["10.1.0.7:5061", "0.0.0.0:5060"],
            &[
                ("0.0.0.0/0", "192.168.1.5:5060"),
                ("127.0.0.0/8", "127.0.0.1:5060"),
                ("172.17.0.0/16", "172.17.0.1:5060"),
                ("10.1.0.0/16", "10.1.0.7:5061"),
            ],
        );
    }

    #[test]
    fn families_do_not_mix_and_link_local_peers_are_left_out() {
        Machine(&[
            ("0.0.0.0/0", "192.168.1.5"),
            ("::/0", "2001:db8::7"),
            ("fe80::/64", "fe80::7"),
            ("ff00::/8", "fe80::7"),
            ("::1", "::1"),
            LOOPBACK,
        ])
        .expect(
            &["192.168.1.5:5060", "[::]:5061"],
            &[
                ("0.0.0.0/0", "192.168.1.5:5060"),
                ("::/0", "[2001:db8::7]:5061"),
                ("::1", "[::1]:5061"),
            ],
        );
    }

    #[test]
    fn without_a_network_there_is_still_loopback() {
        Machine(&[LOOPBACK, ("::1", "::1")]).expect(
            &["0.0.0.0:5060", "[::]:5060"],
            &[("127.0.0.0/8", "127.0.0.1:5060"), ("::1", "[::1]:5060")],
        );
    }

    #[test]
    fn one_listener_of_a_family_is_announced_to_everybody() {
        let listeners = addresses(&["10.0.0.1:5062", "[2001:db8::7]:5060"]);
        assert!(!depends_on_routes(&listeners));
        let expected: Vec<_> = listeners.iter().copied().map(LocalAddress::from).collect();
        assert_eq!(announced(&listeners), expected);
    }

    #[test]
    fn what_is_really_announced_can_be_bound() {
        let announced = announced(&addresses(&["0.0.0.0:0", "[::]:0"]));
        assert!(announced.iter().any(|it| it.at.ip() == Ipv4Addr::LOCALHOST));
        for it in announced.iter().filter(|it| it.at.is_ipv4()) {
            UdpSocket::bind(it.at).expect("it is ours");
        }
    }
}
