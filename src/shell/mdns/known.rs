//! What is known of others: where a host is, and what an instance says of itself.

use std::net::IpAddr;
use std::string::{String, ToString};
use std::vec::Vec;

use super::cache::Cache;
use super::message::{Data, Kind, Name, value};
use crate::ground::network::Network;
use crate::ground::time::Instant;

/// The services that stand for a presentity (RFC 6763 §7).
pub const SERVICES: [&str; 2] = ["_sip._udp.local", "_sip._tcp.local"];

/// What was heard, and what of it is of use.
#[derive(Debug, Default)]
pub struct Known {
    /// The records.
    pub cache: Cache,
    /// Our networks: addresses in them come first.
    pub networks: Vec<Network>,
    /// The families that there are sockets for: IPv4, IPv6.
    pub usable: (bool, bool),
}

/// Where somebody is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The address.
    pub ip: IpAddr,
    /// The port, where an instance says so.
    pub port: Option<u16>,
    /// The user there, where an instance says so.
    pub user: Option<String>,
}

/// An instance of a service: a stranger's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// Its name.
    pub name: Vec<u8>,
    /// `udp` or `tcp`.
    pub transport: &'static str,
    /// Whom it stands for.
    pub uri: Option<Vec<u8>>,
    /// What can be watched, by event package.
    pub events: Option<Vec<u8>>,
    /// Its host.
    pub host: Option<Name>,
    /// Its port.
    pub port: Option<u16>,
    /// Where its host is.
    pub addresses: Vec<IpAddr>,
}

impl Known {
    /// All instances that were found.
    pub fn instances(&self, now: Instant) -> Vec<Instance> {
        let mut instances = Vec::new();
        for (service, transport) in SERVICES.into_iter().zip(["udp", "tcp"]) {
            for name in self.pointers(now, service) {
                instances.push(self.instance(now, &name, transport));
            }
        }
        instances
    }

    fn instance(&self, now: Instant, name: &Name, transport: &'static str) -> Instance {
        let (host, port) = match self.server(now, name) {
            Some((host, port)) => (Some(host), Some(port)),
            None => (None, None),
        };
        let addresses = host.iter().flat_map(|host| self.addresses(now, host));
        Instance {
            name: name.first().to_vec(),
            transport,
            uri: self.text(now, name, "uri"),
            events: self.text(now, name, "events"),
            addresses: addresses.collect(),
            host,
            port,
        }
    }

    /// Where it is, the best first.
    pub fn places(&self, now: Instant, name: &Name) -> Vec<Place> {
        let (host, port, user) = match is_instance(name) {
            false => (Some(name.clone()), None, None),
            true => match self.server(now, name) {
                Some((host, port)) => (Some(host), Some(port), self.user(now, name)),
                None => (None, None, None),
            },
        };
        let addresses = host.iter().flat_map(|host| self.addresses(now, host));
        let place = |ip| Place {
            ip,
            port,
            user: user.clone(),
        };
        addresses.map(place).collect()
    }

    /// The addresses of a host that we can speak to: those in our networks, then what was heard last. Not those that
    /// others have replaced, for whoever moves is not where he was.
    pub fn addresses(&self, now: Instant, host: &Name) -> Vec<IpAddr> {
        let mut addresses: Vec<IpAddr> = Vec::new();
        for kind in self.kinds() {
            let found: Vec<_> = self.cache.find(now, host, kind).collect();
            for found in found.iter().rev() {
                if let Data::Address(ip) = found.data
                    && !found.is_replaced
                    && is_of_use(*ip)
                    && !addresses.contains(ip)
                {
                    addresses.push(*ip);
                }
            }
        }
        let is_near = |ip: &IpAddr| self.networks.iter().any(|it| it.contains(*ip));
        addresses.sort_by_key(|ip| !is_near(ip));
        addresses
    }

    /// The host and port that an instance names.
    pub fn server(&self, now: Instant, instance: &Name) -> Option<(Name, u16)> {
        let found = self.cache.find(now, instance, Kind::Srv).last()?;
        match found.data {
            Data::Server { host, port } if *port > 0 => Some((host.clone(), *port)),
            Data::Server { .. } | Data::Address(_) | Data::Pointer(_) | Data::Text(_) => None,
        }
    }

    fn text(&self, now: Instant, instance: &Name, key: &str) -> Option<Vec<u8>> {
        match self.cache.find(now, instance, Kind::Txt).last()?.data {
            Data::Text(text) => value(text, key).map(<[u8]>::to_vec),
            Data::Server { .. } | Data::Address(_) | Data::Pointer(_) => None,
        }
    }

    /// The user of the URI that an instance names.
    fn user(&self, now: Instant, instance: &Name) -> Option<String> {
        let uri = String::from_utf8(self.text(now, instance, "uri")?).ok()?;
        let rest = uri.strip_prefix("sip:")?;
        let (user, _) = rest.split_once('@')?;
        Some(user.to_string())
    }

    /// The instances of a service.
    pub fn pointers(&self, now: Instant, service: &str) -> Vec<Name> {
        let Some(service) = Name::parse(service) else {
            return Vec::new();
        };
        let mut names: Vec<Name> = Vec::new();
        for found in self.cache.find(now, &service, Kind::Ptr) {
            if let Data::Pointer(name) = found.data
                && !names.contains(name)
            {
                names.push(name.clone());
            }
        }
        names
    }

    /// What is asked for of a host.
    pub fn kinds(&self) -> Vec<Kind> {
        let all = [(self.usable.0, Kind::A), (self.usable.1, Kind::Aaaa)];
        let usable = all.into_iter().filter(|(usable, _)| *usable);
        usable.map(|(_, kind)| kind).collect()
    }
}

/// Addresses that a stranger may name: none that only count on his side, or are everybody's.
fn is_of_use(ip: IpAddr) -> bool {
    let is_link_local = match ip {
        // Which link is not said.
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
        IpAddr::V4(ip) => ip.is_broadcast(),
    };
    !(is_link_local || ip.is_loopback() || ip.is_unspecified() || ip.is_multicast())
}

/// Whether it is the name of an instance of one of our services, and else of a host.
pub fn is_instance(name: &Name) -> bool {
    services().any(|it| name.is_below(&it))
}

/// The names of the services.
pub fn services() -> impl Iterator<Item = Name> {
    SERVICES.iter().filter_map(|it| Name::parse(it))
}
