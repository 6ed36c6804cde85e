//! What the machine knows about names: `/etc/hosts` and `/etc/resolv.conf`.

use std::fs::File;
use std::io::Read;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::string::{String, ToString};
use std::vec::Vec;

/// Name servers that are asked; the resolver of the C library takes as many.
pub const SERVERS: usize = 3;

/// Domains that are tried behind a name without a dot.
pub const DOMAINS: usize = 3;

/// Who answers, and where a short name may belong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResolvConf {
    /// Whom to ask, in this order.
    pub servers: Vec<SocketAddr>,
    /// What a name without a dot may end in.
    pub domains: Vec<String>,
}

impl ResolvConf {
    /// Reads the text of a `resolv.conf`; lines that make no sense are passed over.
    pub fn parse(text: &str) -> ResolvConf {
        let mut conf = ResolvConf::default();
        for line in text.lines() {
            let mut words = line.split_ascii_whitespace();
            match words.next() {
                Some("nameserver") => {
                    let address = words.next().and_then(|word| word.parse::<IpAddr>().ok());
                    if conf.servers.len() < SERVERS {
                        conf.servers
                            .extend(address.map(|ip| SocketAddr::new(ip, 53)));
                    }
                }
                // The last one counts.
                Some("search" | "domain") => {
                    conf.domains = words.take(DOMAINS).map(ToString::to_string).collect();
                }
                Some(_) | None => {}
            }
        }
        conf
    }
}

/// The address of `name` in the text of a hosts file, of a family that `usable` takes.
pub fn find_host(text: &str, name: &str, usable: impl Fn(IpAddr) -> bool) -> Option<IpAddr> {
    text.lines().find_map(|line| {
        let line = line.split('#').next().unwrap_or_default();
        let mut words = line.split_ascii_whitespace();
        let ip = words.next()?.parse().ok().filter(|&ip| usable(ip))?;
        words
            .any(|word| word.eq_ignore_ascii_case(name))
            .then_some(ip)
    })
}

/// `localhost` and all below it are this machine, whatever anybody says (RFC 6761 §6.3).
pub fn find_localhost(name: &str, usable: impl Fn(IpAddr) -> bool) -> Option<IpAddr> {
    let name = name.strip_suffix('.').unwrap_or(name);
    let last = name.rsplit('.').next()?;
    let loopback = [IpAddr::V4(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()];
    let local = last.eq_ignore_ascii_case("localhost");
    loopback.into_iter().find(|&ip| local && usable(ip))
}

/// A small text file, or what can be read of it.
pub fn read(path: &str) -> String {
    const ENOUGH: u64 = 64 * 1024;
    let mut bytes = Vec::new();
    if let Ok(file) = File::open(path) {
        // Half a file is better than none.
        let _ = file.take(ENOUGH).read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolv_conf_as_people_write_it() {
        let conf = ResolvConf::parse(
            "# from DHCP\nnameserver 192.168.1.1\nnameserver  fd00::1 # x\nnameserver nonsense\n\
             search a.example\nsearch office.example example\noptions edns0\nnameserver\n\
             nameserver 10.0.0.1\nnameserver 10.0.0.2\n",
        );
        let servers = ["192.168.1.1:53", "[fd00::1]:53", "10.0.0.1:53"];
        assert_eq!(
            conf.servers,
            servers.map(|text| text.parse().expect("an address"))
        );
        assert_eq!(conf.domains, ["office.example", "example"]);
        assert_eq!(ResolvConf::parse(""), ResolvConf::default());
    }

    #[test]
    fn hosts_are_found_by_any_of_their_names() {
        let text = "127.0.0.1 localhost\n#10.9.9.9 pbx\n10.0.0.5\tpbx.example PBX # old\nfe80::zz x\n::1 six\n";
        let find = |name| find_host(text, name, |_| true);
        assert_eq!(find("pbx"), Some([10, 0, 0, 5].into()));
        assert_eq!(find("Pbx.Example"), Some([10, 0, 0, 5].into()));
        assert_eq!(find("old"), None);
        assert_eq!(find("x"), None);
        assert_eq!(find_host(text, "six", |ip| ip.is_ipv4()), None);
        assert_eq!(find("six"), Some(Ipv6Addr::LOCALHOST.into()));
    }

    #[test]
    fn localhost_is_always_here() {
        let find = |name| find_localhost(name, |_| true);
        for name in ["localhost", "LocalHost.", "a.localhost"] {
            assert_eq!(find(name), Some(Ipv4Addr::LOCALHOST.into()), "{name}");
        }
        let six = find_localhost("localhost", |ip| ip.is_ipv6());
        assert_eq!(six, Some(Ipv6Addr::LOCALHOST.into()));
        assert_eq!(find("localhost.example"), None);
    }
}
