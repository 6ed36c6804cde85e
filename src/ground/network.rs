//! Ranges of addresses, as a configuration names them and a route leads to them (RFC 4632 §3.1).

use cidr::{IpCidr, IpInet};
use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A range of addresses as `192.168.0.0/16` or `fd00::/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network(IpCidr);

impl Network {
    /// This machine itself.
    pub const LOOPBACK: [Network; 2] = [
        Network::of(IpAddr::V4(Ipv4Addr::LOCALHOST), 8),
        Network::of(IpAddr::V6(Ipv6Addr::LOCALHOST), 128),
    ];

    /// The addresses that have the first `prefix` bits of `address`; of more bits than there are, `address` alone.
    pub const fn of(address: IpAddr, prefix: u8) -> Network {
        match IpInet::new(address, prefix) {
            Ok(inet) => Network(inet.network()),
            Err(_) => Network(IpCidr::new_host(address)),
        }
    }

    /// Reads `address/bits`, or a single address. Bits behind the prefix are dropped; a v4-mapped IPv6 network
    /// becomes the IPv4 network it means.
    pub fn parse(text: &str) -> Option<Network> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let written: IpAddr = address.parse().ok()?;
        let widest = IpCidr::new_host(written).network_length();
        let prefix = match prefix {
            None => widest,
            Some(digits) if digits.bytes().all(|it| it.is_ascii_digit()) => digits.parse().ok()?,
            Some(_) => return None,
        };
        if prefix > widest {
            return None;
        }
        let address = written.to_canonical();
        let mapped = widest - IpCidr::new_host(address).network_length();
        Some(match prefix.checked_sub(mapped) {
            Some(prefix) => Network::of(address, prefix),
            // Wider than all mapped addresses, it is an IPv6 network that merely begins there.
            None => Network::of(written, prefix),
        })
    }

    /// How many leading bits its addresses share.
    pub const fn prefix(&self) -> u8 {
        self.0.network_length()
    }

    /// All its addresses, from the lowest to the highest.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.0.iter().addresses()
    }

    /// Whether `address` lies inside. A v4-mapped IPv6 address counts as the IPv4 address it is.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

/// Who counts as one where places are shared out: an IPv4 address, or all of an IPv6 /64, for whoever has one address
/// of it can take any other (RFC 4291 §2.5.1).
pub fn site(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        v4 @ IpAddr::V4(_) => v4,
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() & !u128::from(u64::MAX)).into(),
    }
}

/// Whether somebody who has `its` of a table's entries may have one more while so many are `free`: where it is alone it
/// gets three quarters, so that there is always room for others.
pub const fn is_fair(its: usize, free: usize) -> bool {
    its < 3 * free
}

impl fmt::Display for Network {
    /// As it is written in a configuration; a single address without its prefix.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::ToString;

    #[test]
    fn a_site_is_an_address_or_half_of_one() {
        let site_of = |text: &str| site(text.parse().expect("an address")).to_string();
        for (address, site) in [
            ("192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
            ("::1", "::"),
        ] {
            assert_eq!(site_of(address), site);
        }
    }

    #[test]
    fn networks_are_read_masked_and_printed() {
        for (written, printed) in [
            ("192.168.1.7/24", "192.168.1.0/24"),
            ("10.0.0.1", "10.0.0.1"),
            ("10.0.0.1/32", "10.0.0.1"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("fd00::1/8", "fd00::/8"),
            ("::/0", "::/0"),
            ("::1", "::1"),
            ("10.0.0.0/08", "10.0.0.0/8"),
            ("::ffff:10.1.2.3/104", "10.0.0.0/8"),
            ("::ffff:10.1.2.3", "10.1.2.3"),
        ] {
            let network = Network::parse(written).expect(written);
            assert_eq!(network.to_string(), printed);
        }
        for bad in [
            "",
            "/8",
            "10.0.0.0/33",
            "10.0.0.0/",
            "10.0.0.0/+8",
            "::/129",
            "10/8",
            "host",
        ] {
            assert_eq!(Network::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_mapped_address_counts_as_the_ipv4_address_it_is() {
        let network = Network::parse("192.168.0.0/16").expect("a network");
        let inside = |it: &str| network.contains(it.parse().expect("an address"));
        assert!(inside("192.168.255.255"));
        assert!(inside("::ffff:192.168.0.1"));
        assert!(!inside("192.169.0.0"));
        assert!(!inside("::ffff:192.169.0.1"));
        assert!(!inside("::c0a8:1"));
        let all_six = Network::parse("::/0").expect("a network");
        assert!(all_six.contains("2001:db8::1".parse().expect("an address")));
        assert!(!all_six.contains("192.168.0.1".parse().expect("an address")));
    }
}
