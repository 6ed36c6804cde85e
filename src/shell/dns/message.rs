//! DNS messages: a question out, an answer in (RFC 1035 §4, SRV RFC 2782, AAAA RFC 3596).
//!
//! Nothing here panics or allocates, and every loop is bounded by the length of the message.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use heapless::Vec;

/// Bytes of a question: header, name, type and class.
pub const QUESTION: usize = 12 + NAME + 4;

/// Bytes of a name on the wire (RFC 1035 §2.3.4).
const NAME: usize = 255;

/// Records of one answer that are used; the rest is left alone.
pub const RECORDS: usize = 16;

/// Steps through CNAMEs before an answer counts as a loop.
const ALIASES: usize = 8;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// IPv4 addresses.
    A,
    /// IPv6 addresses.
    Aaaa,
    /// Servers of a service.
    Srv,
}

/// A name in lower case, as it is on the wire without compression.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Name(Vec<u8, NAME>);

/// One server of a service (RFC 2782).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Lower is tried first.
    pub priority: u16,
    /// Share among those of equal priority.
    pub weight: u16,
    /// Where it listens.
    pub port: u16,
    /// Its host.
    pub host: Name,
}

/// What a name server said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Addresses, if those were asked for.
    pub addresses: Vec<IpAddr, RECORDS>,
    /// Servers, if those were asked for.
    pub servers: Vec<Server, RECORDS>,
    /// How long all of it may be kept, in seconds.
    pub lifetime: u32,
    /// The server could not do its work; another one may.
    pub failed: bool,
}

/// Not an answer to our question: keep waiting for the right one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotOurs;

impl Kind {
    const fn number(self) -> u16 {
        match self {
            Kind::A => 1,
            Kind::Aaaa => 28,
            Kind::Srv => 33,
        }
    }
}

impl Name {
    /// The name `text`, with or without a dot at its end. `None` if it is no domain name.
    pub fn from_text(text: &str) -> Option<Name> {
        let mut name = Name::default();
        for label in text.strip_suffix('.').unwrap_or(text).split('.') {
            name.push_label(label.as_bytes())?;
        }
        name.0.push(0).ok()?;
        Some(name)
    }

    /// `prefix` labels in front of this name, as in `_sip._udp`.
    pub fn below(&self, prefix: &str) -> Option<Name> {
        let mut name = Name::default();
        for label in prefix.split('.') {
            name.push_label(label.as_bytes())?;
        }
        name.0.extend_from_slice(&self.0).ok()?;
        Some(name)
    }

    /// Whether it has no label at all: a service that is not offered (RFC 2782).
    pub fn is_root(&self) -> bool {
        self.0.as_slice() == [0]
    }

    /// Reads a name that may be compressed; gives it and the place behind it.
    fn read(message: &[u8], mut at: usize) -> Option<(Name, usize)> {
        let mut name = Name::default();
        let mut end = None;
        loop {
            let length = *message.get(at)?;
            match length {
                0 => {
                    name.0.push(0).ok()?;
                    return Some((name, end.unwrap_or(at + 1)));
                }
                1..=63 => {
                    let label = message.get(at + 1..at + 1 + usize::from(length))?;
                    name.push_label(label)?;
                    at += 1 + label.len();
                }
                192.. => {
                    let low = *message.get(at + 1)?;
                    let to = usize::from(length & 63) << 8 | usize::from(low);
                    // Only backwards, so that it ends (and forwards is never right).
                    if to >= at {
                        return None;
                    }
                    end.get_or_insert(at + 2);
                    at = to;
                }
                64..=191 => return None,
            }
        }
    }

    fn push_label(&mut self, label: &[u8]) -> Option<()> {
        if label.is_empty() || label.len() > 63 {
            return None;
        }
        self.0.push(label.len() as u8).ok()?;
        for &byte in label {
            self.0.push(byte.to_ascii_lowercase()).ok()?;
        }
        Some(())
    }
}

/// Writes the question for `kind` records of `name`.
pub fn question(id: u16, name: &Name, kind: Kind) -> Vec<u8, QUESTION> {
    const RECURSE: [u8; 2] = [1, 0];
    let mut out = Vec::new();
    let parts: [&[u8]; 6] = [
        &id.to_be_bytes(),
        &RECURSE,
        &[0, 1, 0, 0, 0, 0, 0, 0],
        &name.0,
        &kind.number().to_be_bytes(),
        &INTERNET.to_be_bytes(),
    ];
    for part in parts {
        // QUESTION has room for the longest name.
        let _ = out.extend_from_slice(part);
    }
    out
}

/// Reads the answer to [`question`].
///
/// # Errors
/// [`NotOurs`] for anything that is not a whole answer to exactly that question.
pub fn answer(message: &[u8], id: u16, name: &Name, kind: Kind) -> Result<Answer, NotOurs> {
    let header = Header::read(message).ok_or(NotOurs)?;
    if header.id != id || !header.is_answer() || header.questions != 1 {
        return Err(NotOurs);
    }
    let (asked, at) = Name::read(message, 12).ok_or(NotOurs)?;
    let asked_kind = number(message, at).ok_or(NotOurs)?;
    let asked_class = number(message, at + 2).ok_or(NotOurs)?;
    if asked != *name || asked_kind != kind.number() || asked_class != INTERNET {
        return Err(NotOurs);
    }
    let mut answer = Answer {
        failed: header.is_failure(),
        ..Answer::default()
    };
    if answer.failed {
        return Ok(answer);
    }
    collect(message, at + 4, header.answers, name, kind, &mut answer);
    // Cut off in the middle, and nothing in the part that came: of no use.
    let empty = answer.addresses.is_empty() && answer.servers.is_empty();
    answer.failed = header.is_cut() && empty;
    Ok(answer)
}

/// Follows the aliases from `name` and takes the records at their end.
fn collect(message: &[u8], start: usize, count: u16, name: &Name, kind: Kind, answer: &mut Answer) {
    let mut owner = name.clone();
    answer.lifetime = u32::MAX;
    for _ in 0..ALIASES {
        let mut alias = None;
        for record in Records::new(message, start, count) {
            if record.class != INTERNET || record.owner != owner {
                continue;
            }
            if record.kind == kind.number() {
                take(message, &record, kind, answer);
            } else if record.kind == CNAME {
                alias = Name::read(message, record.data).map(|(name, _)| (name, record.lifetime));
            }
        }
        let found = !answer.addresses.is_empty() || !answer.servers.is_empty();
        match alias {
            Some((next, lifetime)) if !found => {
                answer.lifetime = answer.lifetime.min(lifetime);
                owner = next;
            }
            Some(_) | None => break,
        }
    }
}

fn take(message: &[u8], record: &Record, kind: Kind, answer: &mut Answer) {
    let data = &message[record.data..record.end];
    let taken = match kind {
        Kind::A => <[u8; 4]>::try_from(data)
            .is_ok_and(|bytes| push_address(answer, Ipv4Addr::from(bytes).into())),
        Kind::Aaaa => <[u8; 16]>::try_from(data)
            .is_ok_and(|bytes| push_address(answer, Ipv6Addr::from(bytes).into())),
        Kind::Srv => server(message, record).is_some_and(|one| answer.servers.push(one).is_ok()),
    };
    if taken {
        answer.lifetime = answer.lifetime.min(record.lifetime);
    }
}

fn push_address(answer: &mut Answer, address: IpAddr) -> bool {
    answer.addresses.push(address).is_ok()
}

fn server(message: &[u8], record: &Record) -> Option<Server> {
    let (host, end) = Name::read(message, record.data + 6)?;
    (end <= record.end).then_some(())?;
    Some(Server {
        priority: number(message, record.data)?,
        weight: number(message, record.data + 2)?,
        port: number(message, record.data + 4)?,
        host,
    })
}

const INTERNET: u16 = 1;
const CNAME: u16 = 5;

struct Header {
    id: u16,
    flags: u16,
    questions: u16,
    answers: u16,
}

impl Header {
    fn read(message: &[u8]) -> Option<Header> {
        message.get(..12)?;
        Some(Header {
            id: number(message, 0)?,
            flags: number(message, 2)?,
            questions: number(message, 4)?,
            answers: number(message, 6)?,
        })
    }

    const fn is_answer(&self) -> bool {
        self.flags & 0x8000 != 0
    }

    const fn is_cut(&self) -> bool {
        self.flags & 0x0200 != 0
    }

    /// Anything but "no error" and "no such name", which are both answers.
    const fn is_failure(&self) -> bool {
        !matches!(self.flags & 15, 0 | 3)
    }
}

struct Record {
    owner: Name,
    kind: u16,
    class: u16,
    lifetime: u32,
    /// Its data is `data..end` of the message.
    data: usize,
    end: usize,
}

/// The records of the answer section, until one is broken.
struct Records<'a> {
    message: &'a [u8],
    at: usize,
    left: u16,
}

impl<'a> Records<'a> {
    fn new(message: &'a [u8], at: usize, count: u16) -> Records<'a> {
        const ENOUGH: u16 = 64;
        let left = count.min(ENOUGH);
        Records { message, at, left }
    }

    fn read(&mut self) -> Option<Record> {
        let (owner, at) = Name::read(self.message, self.at)?;
        let high = number(self.message, at + 4)?;
        let low = number(self.message, at + 6)?;
        let data = at + 10;
        let end = data + usize::from(number(self.message, at + 8)?);
        self.message.get(data..end)?;
        self.at = end;
        Some(Record {
            owner,
            kind: number(self.message, at)?,
            class: number(self.message, at + 2)?,
            lifetime: u32::from(high) << 16 | u32::from(low),
            data,
            end,
        })
    }
}

impl Iterator for Records<'_> {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        self.left = self.left.checked_sub(1)?;
        let record = self.read();
        if record.is_none() {
            self.left = 0;
        }
        record
    }
}

fn number(message: &[u8], at: usize) -> Option<u16> {
    let bytes = message.get(at..at + 2)?;
    Some(u16::from_be_bytes([bytes[0], bytes[1]]))
}

#[cfg(test)]
mod tests;
