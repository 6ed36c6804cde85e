//! Ranges of addresses, as a configuration names them.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A range of addresses as `192.168.0.0/16` or `fd00::/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// The lowest address; bits behind the prefix are zero.
    address: IpAddr,
    /// Leading bits that count.
    prefix: u8,
}

impl Network {
    /// This machine itself.
    pub const LOOPBACK: [Network; 2] = [
        Network {
            address: IpAddr::V4(Ipv4Addr::new(127, 0, 0, 0)),
            prefix: 8,
        },
        Network {
            address: IpAddr::V6(Ipv6Addr::LOCALHOST),
            prefix: 128,
        },
    ];

    /// Reads `address/bits`, or a single address. Bits behind the prefix are dropped; a v4-mapped IPv6 network
    /// becomes the IPv4 network it means.
    pub fn parse(text: &str) -> Option<Network> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let written: IpAddr = address.parse().ok()?;
        let widest = width(written);
        let prefix = match prefix {
            None => widest,
            Some(digits) if digits.bytes().all(|it| it.is_ascii_digit()) => digits.parse().ok()?,
            Some(_) => return None,
        };
        if prefix > widest {
            return None;
        }
        let address = written.to_canonical();
        let mapped = widest - width(address);
        // A network wider than all mapped addresses is an IPv6 network that merely begins there.
        let (address, prefix) = match prefix.checked_sub(mapped) {
            Some(prefix) => (address, prefix),
            None => (written, prefix),
        };
        Some(Network {
            address: masked(address, prefix),
            prefix,
        })
    }

    /// Whether `address` lies inside. A v4-mapped IPv6 address counts as the IPv4 address it is.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        width(address) == width(self.address) && masked(address, self.prefix) == self.address
    }
}

impl fmt::Display for Network {
    /// As it is written in a configuration; a single address without its prefix.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.address)?;
        if self.prefix < width(self.address) {
            write!(f, "/{}", self.prefix)?;
        }
        Ok(())
    }
}

/// Bits of an address of this family.
const fn width(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

/// `address` with only its first `prefix` bits.
fn masked(address: IpAddr, prefix: u8) -> IpAddr {
    let prefix = u32::from(prefix);
    match address {
        IpAddr::V4(it) => {
            let mask = u32::MAX.checked_shl(32 - prefix).unwrap_or(0);
            IpAddr::V4((it.to_bits() & mask).into())
        }
        IpAddr::V6(it) => {
            let mask = u128::MAX.checked_shl(128 - prefix).unwrap_or(0);
            IpAddr::V6((it.to_bits() & mask).into())
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::ToString;

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
