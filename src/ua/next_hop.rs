//! Where requests of ours go: the configured server, else the host of the target (RFC 3261 §8.1.2).

use crate::wire::flow::Transport;
use crate::wire::sip::{Host, Uri, is_answerable};
use core::net::{IpAddr, Ipv6Addr, SocketAddr};

/// Where requests go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextHop<'a> {
    /// To an address.
    Address(SocketAddr),
    /// To whatever address a name has.
    Name(&'a str, Option<u16>),
}

/// Why there is no place to send to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoNextHop {
    /// It names nobody a datagram can go to.
    Nowhere,
}

impl<'a> NextHop<'a> {
    /// Reads `host`, `host:port`, `[v6]` or `[v6]:port`, with the port of `transport` where none is written.
    pub fn of_server(text: &'a str, transport: Transport) -> Result<NextHop<'a>, NoNextHop> {
        let usual = transport.default_port();
        if let Ok(address) = text.parse::<SocketAddr>() {
            return reachable(address);
        }
        let bare = text
            .strip_prefix('[')
            .and_then(|text| text.strip_suffix(']'));
        if let Some(bare) = bare {
            let ip = bare.parse::<Ipv6Addr>().map_err(|_| NoNextHop::Nowhere)?;
            return reachable(SocketAddr::new(ip.into(), usual));
        }
        if let Ok(ip) = text.parse::<IpAddr>() {
            return reachable(SocketAddr::new(ip, usual));
        }
        let (name, port) = match text.split_once(':') {
            None => (text, None),
            Some((name, port)) => (name, Some(port.parse().map_err(|_| NoNextHop::Nowhere)?)),
        };
        match Host::parse(name.as_bytes()) {
            Ok(Host::Name(_)) if port != Some(0) => Ok(NextHop::Name(name, port)),
            Ok(Host::Name(_) | Host::V4(_) | Host::V6(_)) | Err(_) => Err(NoNextHop::Nowhere),
        }
    }

    /// Reads the URI of the watched.
    pub fn of_target(target: &'a str) -> Result<NextHop<'a>, NoNextHop> {
        let uri = Uri::parse(target.as_bytes()).map_err(|_| NoNextHop::Nowhere)?;
        let transport = transport_of(&uri).unwrap_or(Transport::Udp);
        let usual = transport.default_port();
        let (host, port) = match &uri {
            Uri::Sip(uri) => (uri.host, uri.port),
            Uri::Pres(uri) => (uri.host, uri.port),
            Uri::Tel(_) | Uri::Other { .. } => return Err(NoNextHop::Nowhere),
        };
        match host {
            Host::Name(name) => core::str::from_utf8(name)
                .map(|name| NextHop::Name(name, port))
                .map_err(|_| NoNextHop::Nowhere),
            Host::V4(ip) => reachable(SocketAddr::new(ip.into(), port.unwrap_or(usual))),
            Host::V6(ip) => reachable(SocketAddr::new(ip.into(), port.unwrap_or(usual))),
        }
    }
}

/// Over what a URI asks for its target: inside TLS where it is a `sips` URI, which is asked over nothing else (RFC 5630
/// §5.1.1), or as it says (RFC 3263 §4.1); `None` if it leaves that open, or names what we do not speak.
pub fn transport_of(uri: &Uri<'_>) -> Option<Transport> {
    let uri = uri.sip()?;
    if uri.secure {
        return Some(Transport::Tls);
    }
    let name = uri.transport()?;
    let spoken = [Transport::Udp, Transport::Tcp, Transport::Tls];
    let mut spoken = spoken.into_iter();
    spoken.find(|it| name.eq_ignore_ascii_case(it.name().as_bytes()))
}

/// The same of a URI as it is written.
pub fn written_transport(target: &[u8]) -> Option<Transport> {
    transport_of(&Uri::parse(target).ok()?)
}

/// A watch's server as it is written: over what it is asked, if that stands there, and its `host[:port]`.
pub fn split_transport(server: &str) -> (Option<Transport>, &str) {
    match server.strip_prefix("tls:") {
        Some(host) => (Some(Transport::Tls), host),
        None => (None, server),
    }
}

/// The host in `host[:port]`, as a certificate names it: an address without brackets.
pub fn bare_host(server: &str) -> &str {
    if let Some(rest) = server.strip_prefix('[') {
        return rest.split(']').next().unwrap_or_default();
    }
    match server.split_once(':') {
        Some((host, port)) if !port.contains(':') => host,
        Some(_) | None => server,
    }
}

/// The host of a URI, as a certificate names it.
pub fn host_of_target(target: &str) -> Option<&str> {
    let (_, rest) = target.split_once(':')?;
    let rest = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    let end = rest.find([';', '?']).unwrap_or(rest.len());
    Some(bare_host(&rest[..end]))
}

fn reachable<'a>(address: SocketAddr) -> Result<NextHop<'a>, NoNextHop> {
    if is_answerable(address) {
        Ok(NextHop::Address(address))
    } else {
        Err(NoNextHop::Nowhere)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;

    fn address(text: &str) -> Result<NextHop<'_>, NoNextHop> {
        Ok(NextHop::Address(text.parse().expect("an address")))
    }

    #[test]
    fn servers_are_hosts_with_or_without_port() {
        for (text, expected) in [
            ("192.0.2.1", address("192.0.2.1:5060")),
            ("192.0.2.1:5070", address("192.0.2.1:5070")),
            ("[2001:db8::1]", address("[2001:db8::1]:5060")),
            ("[2001:db8::1]:5070", address("[2001:db8::1]:5070")),
            ("2001:db8::1", address("[2001:db8::1]:5060")),
            ("pbx.example", Ok(NextHop::Name("pbx.example", None))),
            (
                "pbx.example:5070",
                Ok(NextHop::Name("pbx.example", Some(5_070))),
            ),
            ("pbx.example:0", Err(NoNextHop::Nowhere)),
            ("pbx.example:99999", Err(NoNextHop::Nowhere)),
            ("pbx example", Err(NoNextHop::Nowhere)),
            ("0.0.0.0", Err(NoNextHop::Nowhere)),
            ("224.0.0.1", Err(NoNextHop::Nowhere)),
            ("192.0.2.1:0", Err(NoNextHop::Nowhere)),
            ("[pbx]", Err(NoNextHop::Nowhere)),
            ("", Err(NoNextHop::Nowhere)),
        ] {
            let hop = NextHop::of_server(text, Transport::Udp);
            assert_eq!(hop, expected, "{text}");
        }
    }

    #[test]
    fn a_target_may_say_over_what() {
        for (text, expected) in [
            ("sip:bob@pbx.example;transport=TCP", Some(Transport::Tcp)),
            ("sip:bob@pbx.example;transport=udp", Some(Transport::Udp)),
            ("sip:bob@pbx.example;transport=tls", Some(Transport::Tls)),
            ("sips:bob@pbx.example;transport=tcp", Some(Transport::Tls)),
            ("sip:bob@pbx.example;transport=ws", None),
            ("sip:bob@pbx.example", None),
            ("pres:bob@pbx.example", None),
        ] {
            assert_eq!(written_transport(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn targets_lead_to_their_host() {
        for (text, expected) in [
            ("sip:bob@192.0.2.1", address("192.0.2.1:5060")),
            ("sip:bob@[2001:db8::1]:5070", address("[2001:db8::1]:5070")),
            (
                "sip:bob@pbx.example",
                Ok(NextHop::Name("pbx.example", None)),
            ),
            (
                "pres:bob@pbx.example",
                Ok(NextHop::Name("pbx.example", None)),
            ),
            (
                "sips:bob@pbx.example",
                Ok(NextHop::Name("pbx.example", None)),
            ),
            ("sips:bob@192.0.2.1", address("192.0.2.1:5061")),
            ("sip:bob@192.0.2.1;transport=tls", address("192.0.2.1:5061")),
            ("sips:bob@[2001:db8::1]:5070", address("[2001:db8::1]:5070")),
            ("tel:+4930123", Err(NoNextHop::Nowhere)),
            ("mailto:bob@pbx.example", Err(NoNextHop::Nowhere)),
            ("sip:bob@255.255.255.255", Err(NoNextHop::Nowhere)),
        ] {
            assert_eq!(NextHop::of_target(text), expected, "{text}");
        }
    }
}
