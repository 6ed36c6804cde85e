//! What the machine knows about names: `/etc/hosts` and `/etc/resolv.conf`.

use nom::branch::alt;
use nom::bytes::complete::{tag, take_till, take_till1};
use nom::character::complete::{multispace0, multispace1};
use nom::combinator::{eof, map_res, rest};
use nom::sequence::{pair, preceded, terminated};
use nom::{IResult, Parser};
use std::fs::File;
use std::io::Read;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::string::{String, ToString};
use std::vec::Vec;

use crate::ground::limits::TARGETS;

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
            match resolv_line(line) {
                Ok((_, Line::Server(ip))) if conf.servers.len() < SERVERS => {
                    conf.servers.push(SocketAddr::new(ip, 53));
                }
                // The last one counts.
                Ok((_, Line::Domains(domains))) => {
                    let domains = domains.split_ascii_whitespace().take(DOMAINS);
                    conf.domains = domains.map(ToString::to_string).collect();
                }
                Ok((_, Line::Server(_))) | Err(_) => {}
            }
        }
        conf
    }
}

/// A line of a `resolv.conf` that says something to us.
enum Line<'a> {
    Server(IpAddr),
    Domains(&'a str),
}

/// What a parser gives: the rest and the thing read.
type Parsed<'a, T> = IResult<&'a str, T, ()>;

/// `"nameserver" address` or `( "search" / "domain" ) *domain`; what follows an address is ignored.
fn resolv_line(line: &str) -> Parsed<'_, Line<'_>> {
    let server = preceded(keyword("nameserver"), address).map(Line::Server);
    let domains = alt((keyword("search"), keyword("domain")));
    let domains = preceded(domains, rest).map(Line::Domains);
    preceded(multispace0, alt((server, domains))).parse(line)
}

/// `*( LWS name )` behind an address, up to a `#`.
fn hosts_line(line: &str) -> Parsed<'_, (IpAddr, &str)> {
    preceded(multispace0, pair(address, names)).parse(line)
}

fn names(input: &str) -> Parsed<'_, &str> {
    take_till(|it| it == '#').parse(input)
}

/// The whole word, and the white space behind it.
fn keyword<'a>(word: &'static str) -> impl Parser<&'a str, Output = &'a str, Error = ()> {
    terminated(tag(word), alt((multispace1, eof)))
}

/// A numeric address, up to white space or the end.
fn address(input: &str) -> Parsed<'_, IpAddr> {
    map_res(take_till1(|it: char| it.is_ascii_whitespace()), str::parse).parse(input)
}

/// The addresses of `name` in the text of a hosts file, of families that `usable` takes.
pub fn find_host(text: &str, name: &str, usable: impl Fn(IpAddr) -> bool) -> Vec<IpAddr> {
    let found = text.lines().filter_map(|line| {
        let (_, (ip, names)) = hosts_line(line).ok()?;
        let mut names = names.split_ascii_whitespace();
        (usable(ip) && names.any(|it| it.eq_ignore_ascii_case(name))).then_some(ip)
    });
    found.take(TARGETS).collect()
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
        let text = "127.0.0.1 localhost\n#10.9.9.9 pbx\n10.0.0.5\tpbx.example PBX # old\nfe80::zz x\n::1 six\n10.0.0.6 pbx\n";
        let find = |name| find_host(text, name, |_| true);
        let pbx = IpAddr::from([10, 0, 0, 5]);
        assert_eq!(find("pbx"), [pbx, [10, 0, 0, 6].into()]);
        assert_eq!(find("Pbx.Example"), [pbx]);
        assert_eq!(find("old"), [] as [IpAddr; 0]);
        assert_eq!(find("x"), [] as [IpAddr; 0]);
        assert_eq!(find_host(text, "six", |ip| ip.is_ipv4()), [] as [IpAddr; 0]);
        assert_eq!(find("six"), [IpAddr::from(Ipv6Addr::LOCALHOST)]);
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
