//! Hosts and ports: read RFC 3261 §25.1 (`hostport`) and RFC 5118 for what goes wrong with IPv6.

use super::bytes::{Class, bytes_equal, find};
use super::grammar::{Bad, NO, Parsed, leading_number};
use crate::wire::out::{Out, Print};
use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A host name or a numeric address.
#[derive(Clone, Copy, Debug)]
pub enum Host<'a> {
    /// A name, at most 255 bytes.
    Name(&'a [u8]),
    /// `192.0.2.1`
    V4(Ipv4Addr),
    /// `[2001:db8::1]`
    V6(Ipv6Addr),
}

impl<'a> Host<'a> {
    /// Reads a whole host.
    ///
    /// # Errors
    /// [`Bad`] for an empty label, a name that ends in a number, an address without brackets.
    pub fn parse(input: &'a [u8]) -> Result<Host<'a>, Bad> {
        match host(input)? {
            ([], host) => Ok(host),
            _ => Err(Bad),
        }
    }

    /// The address, if it is one.
    pub const fn ip(&self) -> Option<IpAddr> {
        match self {
            Host::Name(_) => None,
            Host::V4(v4) => Some(IpAddr::V4(*v4)),
            Host::V6(v6) => Some(IpAddr::V6(*v6)),
        }
    }
}

impl PartialEq for Host<'_> {
    /// Names compare without case; an address never equals a name (RFC 3261 §19.1.4).
    fn eq(&self, other: &Host<'_>) -> bool {
        match (self, other) {
            (Host::Name(one), Host::Name(two)) => one.eq_ignore_ascii_case(two),
            (Host::V4(one), Host::V4(two)) => one == two,
            (Host::V6(one), Host::V6(two)) => one == two,
            (Host::Name(_) | Host::V4(_) | Host::V6(_), _) => false,
        }
    }
}

impl Eq for Host<'_> {}

impl Print for Host<'_> {
    fn print(&self, out: &mut Out<'_>) {
        match *self {
            Host::Name(name) => out.value(name),
            Host::V4(v4) => out.host(IpAddr::V4(v4)),
            Host::V6(v6) => out.host(IpAddr::V6(v6)),
        };
    }
}

impl fmt::Display for Host<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Host::Name(name) => name.escape_ascii().fmt(f),
            Host::V4(v4) => v4.fmt(f),
            Host::V6(v6) => write!(f, "[{v6}]"),
        }
    }
}

/// `host`: as much as belongs to it.
#[inline(always)]
pub(crate) fn host(input: &[u8]) -> Parsed<'_, Host<'_>> {
    match input {
        [b'[', inner @ ..] => {
            let end = find(b']', inner).ok_or(NO)?;
            let address = v6(&inner[..end]).ok_or(NO)?;
            Ok((&inner[end + 1..], Host::V6(address)))
        }
        [first, ..] if first.is_ascii_digit() => match v4_prefix(input) {
            Some((v4, rest)) => Ok((rest, Host::V4(v4))),
            None => name(input),
        },
        _ => name(input),
    }
}

/// `hostname`
#[inline(always)]
fn name(input: &[u8]) -> Parsed<'_, Host<'_>> {
    let (text, rest) = input.split_at_checked(name_len(input)).ok_or(NO)?;
    match text {
        [] => Err(NO),
        _ => Ok((rest, Host::Name(text))),
    }
}

/// The length of a name, or 0: it has no empty label but a last one, and that is no number.
fn name_len(input: &[u8]) -> usize {
    let text = &input[..Class::HOST.run(input)];
    let (Some(first), Some(last)) = (text.first(), text.last()) else {
        return 0;
    };
    let is_number = last.is_ascii_digit() && ends_in_number(text);
    if *first == b'.' || text.len() > 255 || is_number || has_empty_label(text) {
        return 0;
    }
    text.len()
}

/// The last label of a name begins with a letter (RFC 3261 §25.1 `toplabel`); a number there means an address.
fn ends_in_number(text: &[u8]) -> bool {
    let last = text.rsplit(|&byte| byte == b'.').next().unwrap_or(text);
    last.iter().all(u8::is_ascii_digit)
}

/// Two dots in a row. Eight bytes at a time, overlapping by one so that no pair is missed.
#[inline]
fn has_empty_label(mut text: &[u8]) -> bool {
    while let Some(word) = text.first_chunk() {
        let dots = bytes_equal(b'.', *word);
        if dots & (dots >> 8) != 0 {
            return true;
        }
        text = &text[7..];
    }
    text.windows(2).any(|pair| pair == b"..")
}

/// `host [ ":" port ]`, no white space.
#[inline]
pub(crate) fn hostport(input: &[u8]) -> Parsed<'_, (Host<'_>, Option<u16>)> {
    let (rest, host) = host(input)?;
    let [b':', digits @ ..] = rest else {
        return Ok((rest, (host, None)));
    };
    let (port, rest) = leading_number(digits).ok_or(NO)?;
    match u16::try_from(port) {
        Ok(port) if port != 0 => Ok((rest, (host, Some(port)))),
        Ok(_) | Err(_) => Err(NO),
    }
}

/// An address as it stands in a parameter: IPv6 with or without brackets (RFC 5118 §4.5).
pub(crate) fn address(input: &[u8]) -> Option<IpAddr> {
    match input {
        [b'[', inner @ .., b']'] => v6(inner).map(IpAddr::V6),
        _ if input.contains(&b':') => v6(input).map(IpAddr::V6),
        _ => v4(input).map(IpAddr::V4),
    }
}

fn v4(text: &[u8]) -> Option<Ipv4Addr> {
    let (v4, rest) = v4_prefix(text)?;
    rest.is_empty().then_some(v4)
}

/// Four numbers of at most three digits, and nothing of a name behind them.
#[inline]
fn v4_prefix(input: &[u8]) -> Option<(Ipv4Addr, &[u8])> {
    let mut octets = [0_u8; 4];
    let mut rest = input;
    for (at, octet) in octets.iter_mut().enumerate() {
        if at > 0 {
            rest = rest.strip_prefix(b".")?;
        }
        let mut value: u32 = 0;
        let mut digits = 0;
        while let [digit @ b'0'..=b'9', tail @ ..] = rest {
            value = value * 10 + u32::from(digit - b'0');
            digits += 1;
            if digits > 3 {
                return None;
            }
            rest = tail;
        }
        if digits == 0 {
            return None;
        }
        *octet = u8::try_from(value).ok()?;
    }
    match rest {
        [next, ..] if Class::HOST.has(*next) => None,
        _ => Some((Ipv4Addr::from(octets), rest)),
    }
}

/// Tolerates the three colons that an old grammar allowed (RFC 5118 §4.10).
fn v6(text: &[u8]) -> Option<Ipv6Addr> {
    let plain = core::str::from_utf8(text).ok()?;
    if let Ok(address) = plain.parse() {
        return Some(address);
    }
    let mut fixed = [0; 48];
    let at = plain.find(":::")?;
    let fixed = fixed.get_mut(..text.len() - 1)?;
    fixed[..at].copy_from_slice(&text[..at]);
    fixed[at..].copy_from_slice(&text[at + 1..]);
    core::str::from_utf8(fixed).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_names_or_addresses() /* X16, ATTACKS D08 */
    {
        let v6 = |text: &str| Some(Host::V6(text.parse().expect("an address")));
        for (input, expected) in [
            (&b"example.com"[..], Some(Host::Name(b"EXAMPLE.com"))),
            (b"pbx_1.local.", Some(Host::Name(b"pbx_1.local."))),
            (b"3com.example", Some(Host::Name(b"3com.example"))),
            (b"host9", Some(Host::Name(b"host9"))),
            (b"192.0.2.1", Some(Host::V4(Ipv4Addr::new(192, 0, 2, 1)))),
            (b"[2001:db8::10]", v6("2001:db8::10")),
            (b"[::ffff:192.0.2.10]", v6("::ffff:192.0.2.10")),
            (b"[2001:db8:::192.0.2.1]", v6("2001:db8::192.0.2.1")),
            (b"2001:db8::10", None),
            (b"[2001:db8::10", None),
            (b"[.1]", None),
            (b"[]", None),
            (b".1", None),
            (b"a..b", None),
            (b"abcdef..b", None),
            (b"abcdefg..b", None),
            (b"abcdefgh..b", None),
            (b"abcdefghijklm..b.c.d", None),
            (b"a.b.c.d.e.f.g.h.i..", None),
            (b"example.com..", None),
            (b"a.1", None),
            (b"192.0.2.256", None),
            (b"192.0.2", None),
            (b"1", None),
            (b"", None),
        ] {
            assert_eq!(Host::parse(input).ok(), expected, "{input:?}");
        }
        assert!(Host::parse(&[b'a'; 255]).is_ok());
        assert!(Host::parse(&[b'a'; 256]).is_err());
    }

    #[test]
    fn ports_are_one_to_65535() /* ATTACKS D08 */
    {
        for (input, expected) in [
            (&b"h:5070"[..], Some(Some(5_070))),
            (b"h", Some(None)),
            (b"h:65535", Some(Some(65_535))),
            (b"h:0", None),
            (b"h:65536", None),
            (b"h:99999999999999999999", None),
            (b"h:", None),
            (b":5060", None),
            (b"[2001:db8::10]:5070", Some(Some(5_070))),
        ] {
            let found = hostport(input).ok().map(|(_, (_, port))| port);
            assert_eq!(found, expected, "{input:?}");
        }
    }

    #[test]
    fn parameter_addresses_may_lack_brackets() /* X16 */
    {
        let expected = "2001:db8::9:255".parse().ok();
        assert_eq!(address(b"2001:db8::9:255"), expected);
        assert_eq!(address(b"[2001:db8::9:255]"), expected);
        assert_eq!(address(b"192.0.2.200"), "192.0.2.200".parse().ok());
        assert_eq!(address(b"elsewhere"), None);
    }
}
