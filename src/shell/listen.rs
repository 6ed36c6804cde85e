//! Where the agent listens: `udp:ADDRESS:PORT` on the command line and in a configuration, which means UDP and TCP; or
//! `tcp:ADDRESS:PORT`, TCP alone; or `tls:ADDRESS:PORT`, TLS over TCP.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use super::tls;
use crate::wire::flow::Transport;

/// One address to listen on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listen {
    /// How messages come.
    pub transport: Transport,
    /// Where; port 0 lets the system choose one.
    pub address: SocketAddr,
}

impl Listen {
    /// Without further words: this machine only.
    pub const DEFAULT: Listen = Listen {
        transport: Transport::Udp,
        address: SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 5060),
    };

    /// An address by which this machine itself reaches the listener.
    pub fn seen_from_here(self) -> SocketAddr {
        let mut address = self.address;
        if address.ip().is_unspecified() {
            address.set_ip(match address {
                SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            });
        }
        address
    }
}

impl From<SocketAddr> for Listen {
    fn from(address: SocketAddr) -> Listen {
        Listen {
            transport: Transport::Udp,
            address,
        }
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let transport = match self.transport {
            Transport::Udp => "udp",
            Transport::Tcp => "tcp",
            Transport::Tls => "tls",
        };
        write!(f, "{transport}:{}", self.address)
    }
}

impl FromStr for Listen {
    type Err = NotAListen;

    fn from_str(text: &str) -> Result<Listen, NotAListen> {
        let (transport, address) = text.split_once(':').ok_or(NotAListen::Form)?;
        let transport = match transport {
            "udp" => Transport::Udp,
            "tcp" => Transport::Tcp,
            "tls" if tls::IS_HERE => Transport::Tls,
            "tls" => return Err(NotAListen::Absent),
            _ => return Err(NotAListen::Form),
        };
        Ok(Listen {
            transport,
            address: address.parse().map_err(|_| NotAListen::Form)?,
        })
    }
}

/// Why a text is no [`Listen`]; the text says what to write instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotAListen {
    /// It is written otherwise.
    Form,
    /// A transport that this program does not have.
    Absent,
}

impl fmt::Display for NotAListen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NotAListen::Form => "write udp:ADDRESS:PORT, as udp:0.0.0.0:5060 or udp:[::]:5060",
            NotAListen::Absent => tls::TAKE_ANOTHER,
        })
    }
}

impl std::error::Error for NotAListen {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn listeners_are_read_and_printed_alike() {
        for text in [
            "udp:0.0.0.0:5060",
            "udp:[::]:5060",
            "udp:127.0.0.1:0",
            "tcp:[::1]:5060",
            #[cfg(feature = "tls")]
            "tls:0.0.0.0:5061",
        ] {
            let listen: Listen = text.parse().expect(text);
            assert_eq!(listen.to_string(), text);
        }
        for (text, error) in [
            ("", NotAListen::Form),
            ("5060", NotAListen::Form),
            ("udp:5060", NotAListen::Form),
            ("udp:localhost:5060", NotAListen::Form),
            ("udp:::5060", NotAListen::Form),
            ("sctp:0.0.0.0:5060", NotAListen::Form),
            ("udp:0.0.0.0:65536", NotAListen::Form),
        ] {
            assert_eq!(text.parse::<Listen>(), Err(error), "{text}");
        }
    }

    #[test]
    fn a_wildcard_is_reached_over_loopback() {
        for (text, here) in [
            ("udp:0.0.0.0:5060", "127.0.0.1:5060"),
            ("udp:[::]:7", "[::1]:7"),
            ("udp:10.0.0.1:5060", "10.0.0.1:5060"),
        ] {
            let listen: Listen = text.parse().expect(text);
            assert_eq!(listen.seen_from_here().to_string(), here);
        }
    }
}
