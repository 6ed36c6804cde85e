//! STUN, as much as keeping a way through a NAT open needs: a Binding request, and the answer that says where it came
//! from.
//!
//! Read RFC 5389 §6, §7.3 and §15.2 first (RFC 8489 keeps them); RFC 5626 §4.4.2 and §8 say what SIP makes of it. There is
//! no authentication in it: an answer is believed for its number, which only who has seen the request knows.
//!
//! ```text
//!   0 0 │ type (14) │ length (16) │ magic cookie (32) │ number (96) │ attributes: type (16), length (16), value, padding
//! ```

#[cfg(test)]
mod tests;

use core::net::{IpAddr, SocketAddr};

/// What an answer is known by (RFC 5389 §6).
pub type Number = [u8; 12];

/// A message that means something to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message {
    /// Somebody asks where he is seen.
    Request(Number, Strange),
    /// It is said where we are seen, or nothing that we understand.
    Success(Number, Option<SocketAddr>),
    /// We are not told.
    Error(Number),
}

/// Attributes of a request that must be understood, and are not (RFC 5389 §7.3.1): the first of them, for an answer is to
/// be no longer than it has to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Strange {
    all: [u16; 2],
    len: u8,
}

/// Bytes of the longest message that is written here: a Binding success that names an IPv6 address.
pub const LONGEST: usize = HEAD + 4 + 20;

/// Bytes before the attributes.
const HEAD: usize = 20;
const COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];

const REQUEST: u16 = 0x0001;
const SUCCESS: u16 = 0x0101;
const ERROR: u16 = 0x0111;

const USERNAME: u16 = 0x0006;
const INTEGRITY: u16 = 0x0008;
const ERROR_CODE: u16 = 0x0009;
const UNKNOWN: u16 = 0x000a;
const XOR_MAPPED: u16 = 0x0020;
/// From here on nobody has to understand an attribute.
const OPTIONAL: u16 = 0x8000;

/// Reads one datagram. `None` for what is no Binding request or answer to one, or is not whole: an indication keeps a NAT
/// open, and wants nothing; what came before RFC 5389 has no magic cookie.
pub fn parse(bytes: &[u8]) -> Option<Message> {
    let (head, attributes) = bytes.split_first_chunk::<HEAD>()?;
    let [high, low, long, short, rest @ ..] = *head;
    let is_whole = usize::from(u16::from_be_bytes([long, short])) == attributes.len();
    if !is_whole || !attributes.len().is_multiple_of(4) || !rest.starts_with(&COOKIE) {
        return None;
    }
    let number = *rest.last_chunk()?;
    match u16::from_be_bytes([high, low]) {
        REQUEST => strange(attributes).map(|strange| Message::Request(number, strange)),
        SUCCESS => mapped(attributes, number).map(|at| Message::Success(number, at)),
        ERROR => Some(Message::Error(number)),
        _ => None,
    }
}

/// The number of a Binding request of which this is the beginning.
pub fn quoted(beginning: &[u8]) -> Option<Number> {
    let (head, _) = beginning.split_first_chunk::<HEAD>()?;
    let is_one = head.starts_with(&REQUEST.to_be_bytes()) && head[4..].starts_with(&COOKIE);
    is_one.then_some(*head.last_chunk()?)
}

/// Writes a Binding request; `None` if `buf` is too short.
pub fn write_request(number: Number, buf: &mut [u8]) -> Option<usize> {
    write(REQUEST, number, &[], buf)
}

/// Writes the answer that whoever asked is seen at `at`; `None` if `buf` is too short.
pub fn write_success(number: Number, at: SocketAddr, buf: &mut [u8]) -> Option<usize> {
    let mut value = [0; 24];
    let (ip, family) = match at.ip().to_canonical() {
        IpAddr::V4(ip) => (&ip.octets()[..], 1),
        IpAddr::V6(ip) => (&ip.octets()[..], 2),
    };
    let len = 4 + ip.len();
    value[..2].copy_from_slice(&XOR_MAPPED.to_be_bytes());
    value[3] = len as u8;
    value[5] = family;
    value[6..8].copy_from_slice(&at.port().to_be_bytes());
    value[8..4 + len].copy_from_slice(ip);
    disguise(&mut value[6..4 + len], number);
    write(SUCCESS, number, &value[..4 + len], buf)
}

/// Writes the answer that a request has attributes nobody understands here (420, RFC 5389 §15.6, §15.9); `None` if `buf` is
/// too short.
pub fn write_strange(number: Number, strange: Strange, buf: &mut [u8]) -> Option<usize> {
    let mut value = [0; 16];
    value[..2].copy_from_slice(&ERROR_CODE.to_be_bytes());
    value[3] = 4;
    value[6..8].copy_from_slice(&[4, 20]);
    value[8..10].copy_from_slice(&UNKNOWN.to_be_bytes());
    value[11] = 2 * strange.len;
    value[12..14].copy_from_slice(&strange.all[0].to_be_bytes());
    value[14..16].copy_from_slice(&strange.all[1].to_be_bytes());
    write(ERROR, number, &value, buf)
}

fn write(kind: u16, number: Number, attributes: &[u8], buf: &mut [u8]) -> Option<usize> {
    let len = HEAD + attributes.len();
    let buf = buf.get_mut(..len)?;
    buf[..2].copy_from_slice(&kind.to_be_bytes());
    buf[2..4].copy_from_slice(&(attributes.len() as u16).to_be_bytes());
    buf[4..8].copy_from_slice(&COOKIE);
    buf[8..HEAD].copy_from_slice(&number);
    buf[HEAD..].copy_from_slice(attributes);
    Some(len)
}

/// The first attribute and what is behind it; `None` if it is not whole.
fn attribute(bytes: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let (head, rest) = bytes.split_first_chunk::<4>()?;
    let [high, low, long, short] = *head;
    let len = usize::from(u16::from_be_bytes([long, short]));
    let value = rest.get(..len)?;
    let rest = rest.get(len.next_multiple_of(4)..)?;
    Some((u16::from_be_bytes([high, low]), value, rest))
}

/// What has to be understood of a request and is not; `None` if its attributes are not whole.
fn strange(mut attributes: &[u8]) -> Option<Strange> {
    let mut strange = Strange::default();
    while !attributes.is_empty() {
        let (kind, _, rest) = attribute(attributes)?;
        attributes = rest;
        // Whoever proves who he is need not here.
        let is_known = kind >= OPTIONAL || kind == USERNAME || kind == INTEGRITY;
        if !is_known && let Some(place) = strange.all.get_mut(usize::from(strange.len)) {
            *place = kind;
            strange.len += 1;
        }
    }
    Some(strange)
}

/// Where a success says that we are, if it does; `None` if its attributes are not whole. The first one counts.
fn mapped(mut attributes: &[u8], number: Number) -> Option<Option<SocketAddr>> {
    let mut found = None;
    while !attributes.is_empty() {
        let (kind, value, rest) = attribute(attributes)?;
        attributes = rest;
        if kind == XOR_MAPPED && found.is_none() {
            found = Some(address(value, number)?);
        }
    }
    Some(found)
}

fn address(value: &[u8], number: Number) -> Option<SocketAddr> {
    let mut plain = [0; 18];
    let ([_, family], hidden) = value.split_first_chunk::<2>()?;
    let plain = plain.get_mut(..hidden.len())?;
    plain.copy_from_slice(hidden);
    disguise(plain, number);
    let (port, ip) = plain.split_first_chunk::<2>()?;
    let ip = match family {
        1 => IpAddr::from(<[u8; 4]>::try_from(ip).ok()?),
        2 => IpAddr::from(<[u8; 16]>::try_from(ip).ok()?),
        _ => return None,
    };
    let port = u16::from_be_bytes(*port);
    (port != 0 && !ip.is_unspecified()).then(|| SocketAddr::new(ip, port))
}

/// Hides a port and an address from NATs that would change them, or takes that back (RFC 5389 §15.2).
fn disguise(port_and_ip: &mut [u8], number: Number) {
    let key = COOKIE.iter().chain(&number);
    let keys = COOKIE.iter().take(2).chain(key);
    for (byte, key) in port_and_ip.iter_mut().zip(keys) {
        *byte ^= key;
    }
}

impl Strange {
    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }
}
