//! Multicast DNS messages, read by the `domain` crate (RFC 6762 §18). They are written by [`writer`](super::writer).
//!
//! What comes from the network becomes values of our own, bounded in number; a message that is broken anywhere counts
//! for nothing.

use std::fmt;
use std::net::IpAddr;
use std::vec::Vec;

use domain::base::iana::{Opcode, Rcode, Rtype};
use domain::base::message::RecordSection;
use domain::base::name::ToLabelIter;
use domain::base::{self, ParsedName, ParsedRecord};
use domain::rdata::{A, Aaaa, Ptr, Srv, Txt};

use crate::shell::journal::is_safe;

/// Seconds that a record lasts which names no host (§10).
pub const LONG: u32 = 4_500;

/// Bytes of a message that is read (§17).
pub const LONGEST: usize = 9_000;

/// Questions of one message that are looked at; the rest is left alone.
const QUESTIONS: usize = 64;

/// The same of the records in each of its parts.
const RECORDS: usize = 128;

/// The class of the internet, and the bit above it: "flush what you have" of a record, "answer me alone" of a question.
pub(super) const INTERNET: u16 = 1;
pub(super) const TOP: u16 = 0x8000;

/// A name as it is on the wire, without compression. Letters compare without case (§16).
#[derive(Clone, Debug)]
pub struct Name(pub(super) Vec<u8>);

/// What a question asks for, as far as we know answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// IPv4 addresses.
    A,
    /// Names: the instances of a service.
    Ptr,
    /// What is said of an instance.
    Txt,
    /// IPv6 addresses.
    Aaaa,
    /// Where an instance is.
    Srv,
    /// Everything there is.
    Any,
}

/// One question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// About whom.
    pub name: Name,
    /// What is asked.
    pub kind: Kind,
    /// Whether an answer to the asker alone is welcome (§5.4).
    pub is_unicast: bool,
}

/// One record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Whose it is.
    pub name: Name,
    /// Whether it replaces all others of its name and kind (§10.2).
    pub flushes: bool,
    /// Seconds; zero takes it back (§10.1).
    pub lifetime: u32,
    /// What it says.
    pub data: Data,
}

/// What a record says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Data {
    /// An address of a host.
    Address(IpAddr),
    /// An instance of a service.
    Pointer(Name),
    /// Where an instance is (RFC 2782); of equal ones there is only one here.
    Server {
        /// Its port.
        port: u16,
        /// Its host.
        host: Name,
    },
    /// Strings, each with its length in front (RFC 6763 §6).
    Text(Vec<u8>),
}

/// A message that came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// Counts only where an asker from elsewhere wants it back (§6.7).
    pub id: u16,
    /// Whether it answers, or asks.
    pub is_response: bool,
    /// Whether the asker knows more answers than fit into one message (§7.2).
    pub is_cut: bool,
    /// What is asked.
    pub questions: Vec<Question>,
    /// Answers, or those that the asker knows.
    pub answers: Vec<Record>,
    /// What a probe is going to claim (§8.2).
    pub claims: Vec<Record>,
    /// What may be of use beside the answers.
    pub more: Vec<Record>,
}

impl Name {
    /// A name written with dots; `None` if it is none.
    pub fn parse(text: &str) -> Option<Name> {
        let mut bytes = Vec::new();
        for label in text.strip_suffix('.').unwrap_or(text).split('.') {
            push_label(&mut bytes, label.as_bytes())?;
        }
        bytes.push(0);
        (bytes.len() <= LONGEST_NAME).then_some(Name(bytes))
    }

    /// The name with one label more in front, whatever letters that has.
    pub fn below(&self, label: &str) -> Option<Name> {
        let mut bytes = Vec::new();
        push_label(&mut bytes, label.as_bytes())?;
        bytes.extend(&self.0);
        (bytes.len() <= LONGEST_NAME).then_some(Name(bytes))
    }

    /// The label in front.
    pub fn first(&self) -> &[u8] {
        let len = usize::from(self.0[0]);
        &self.0[1..=len]
    }

    /// Whether it is `parent` with one label in front.
    pub fn is_below(&self, parent: &Name) -> bool {
        let behind = self.0.get(1 + usize::from(self.0[0])..);
        behind.is_some_and(|it| it.eq_ignore_ascii_case(&parent.0))
    }

    fn read(parsed: &impl ToLabelIter) -> Name {
        let mut bytes = Vec::new();
        for label in parsed.iter_labels() {
            bytes.push(label.len() as u8);
            bytes.extend(label.as_slice());
        }
        Name(bytes)
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Name) -> bool {
        // No length is a letter.
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for Name {}

impl fmt::Display for Name {
    /// With dots, and what does not show as what it is escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut at, mut len) = (1, usize::from(self.0[0]));
        while len > 0 {
            if at > 1 {
                f.write_str(".")?;
            }
            write_safely(f, &self.0[at..at + len])?;
            at += len;
            len = usize::from(self.0[at]);
            at += 1;
        }
        Ok(())
    }
}

/// Writes what a stranger said.
pub fn write_safely(f: &mut impl fmt::Write, text: &[u8]) -> fmt::Result {
    for chunk in text.utf8_chunks() {
        for letter in chunk.valid().chars() {
            match letter {
                '\\' => f.write_str("\\\\")?,
                _ if is_safe(letter) => f.write_char(letter)?,
                _ => write!(f, "{}", letter.escape_default())?,
            }
        }
        write!(f, "{}", chunk.invalid().escape_ascii())?;
    }
    Ok(())
}

impl Kind {
    pub(super) const fn number(self) -> u16 {
        match self {
            Kind::A => 1,
            Kind::Ptr => 12,
            Kind::Txt => 16,
            Kind::Aaaa => 28,
            Kind::Srv => 33,
            Kind::Any => 255,
        }
    }

    fn of(number: u16) -> Option<Kind> {
        let known = [
            Kind::A,
            Kind::Ptr,
            Kind::Txt,
            Kind::Aaaa,
            Kind::Srv,
            Kind::Any,
        ];
        known.into_iter().find(|it| it.number() == number)
    }
}

impl Question {
    /// Whether `record` answers it.
    pub fn wants(&self, record: &Record) -> bool {
        (self.kind == Kind::Any || self.kind == record.data.kind()) && self.name == record.name
    }
}

impl Record {
    /// The same, taken back.
    pub fn goodbye(mut self) -> Record {
        self.lifetime = 0;
        self
    }

    /// Whether both say the same of the same.
    pub fn is_same(&self, other: &Record) -> bool {
        self.name == other.name && self.data == other.data
    }
}

impl Data {
    /// What it answers.
    pub const fn kind(&self) -> Kind {
        match self {
            Data::Address(IpAddr::V4(_)) => Kind::A,
            Data::Address(IpAddr::V6(_)) => Kind::Aaaa,
            Data::Pointer(_) => Kind::Ptr,
            Data::Server { .. } => Kind::Srv,
            Data::Text(_) => Kind::Txt,
        }
    }

    /// Its number and bytes, by which two hosts that claim a name are ordered (§8.2).
    pub fn rank(&self) -> (u16, Vec<u8>) {
        let bytes = match self {
            Data::Address(IpAddr::V4(ip)) => ip.octets().to_vec(),
            Data::Address(IpAddr::V6(ip)) => ip.octets().to_vec(),
            Data::Pointer(name) => name.0.clone(),
            Data::Server { port, host } => [&server(*port)[..], &host.0].concat(),
            Data::Text(text) => text.clone(),
        };
        (self.kind().number(), bytes)
    }
}

/// Reads a message; `None` for one that is none, or speaks of something else (§18.3, §18.11).
pub fn read(bytes: &[u8]) -> Option<Message> {
    let message = base::Message::from_octets(bytes).ok()?;
    let header = message.header();
    if header.opcode() != Opcode::QUERY || header.rcode() != Rcode::NOERROR {
        return None;
    }
    let (asked, answers, claims, more) = message.sections().ok()?;
    let mut questions = Vec::new();
    for question in asked.take(QUESTIONS) {
        let question = question.ok()?;
        let class = question.qclass().to_int();
        if let Some(kind) = Kind::of(question.qtype().to_int())
            && [INTERNET, Kind::Any.number()].contains(&(class & !TOP))
        {
            questions.push(Question {
                name: Name::read(question.qname()),
                kind,
                is_unicast: class & TOP != 0,
            });
        }
    }
    Some(Message {
        id: header.id(),
        is_response: header.qr(),
        is_cut: header.tc(),
        questions,
        answers: records(answers)?,
        claims: records(claims)?,
        more: records(more)?,
    })
}

fn records(section: RecordSection<'_, &[u8]>) -> Option<Vec<Record>> {
    let mut records = Vec::new();
    for record in section.take(RECORDS) {
        records.extend(record_of(&record.ok()?)?);
    }
    Some(records)
}

/// The record, if it is of a kind that we know; `None` if it is broken.
fn record_of(parsed: &ParsedRecord<'_, &[u8]>) -> Option<Option<Record>> {
    let class = parsed.class().to_int();
    if class & !TOP != INTERNET {
        return Some(None);
    }
    let data = match parsed.rtype() {
        Rtype::A => {
            let record = parsed.to_record::<A>().ok()??;
            Data::Address(IpAddr::V4(record.data().addr()))
        }
        Rtype::AAAA => {
            let record = parsed.to_record::<Aaaa>().ok()??;
            Data::Address(IpAddr::V6(record.data().addr()))
        }
        Rtype::PTR => {
            let record = parsed.to_record::<Ptr<ParsedName<&[u8]>>>().ok()??;
            Data::Pointer(Name::read(record.data().ptrdname()))
        }
        Rtype::SRV => {
            let record = parsed.to_record::<Srv<ParsedName<&[u8]>>>().ok()??;
            Data::Server {
                port: record.data().port(),
                host: Name::read(record.data().target()),
            }
        }
        Rtype::TXT => {
            let record = parsed.to_record::<Txt<&[u8]>>().ok()??;
            let mut text = Vec::new();
            for part in record.data().iter() {
                text.push(part.len() as u8);
                text.extend(part);
            }
            Data::Text(text)
        }
        _ => return Some(None),
    };
    Some(Some(Record {
        name: Name::read(&parsed.owner()),
        flushes: class & TOP != 0,
        lifetime: parsed.ttl().as_secs(),
        data,
    }))
}

/// The value of `key` in the strings of a text record (RFC 6763 §6.4).
pub fn value<'t>(text: &'t [u8], key: &str) -> Option<&'t [u8]> {
    strings(text).find_map(|part| {
        let (name, value) = part.split_at_checked(key.len())?;
        let value = value.strip_prefix(b"=")?;
        name.eq_ignore_ascii_case(key.as_bytes()).then_some(value)
    })
}

/// The strings of a text record.
fn strings(mut text: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (len, rest) = text.split_first()?;
        let (part, rest) = rest.split_at_checked(usize::from(*len))?;
        text = rest;
        Some(part)
    })
}

/// Priority and weight, which are zero (§9 of RFC 6763), and the port.
pub(super) fn server(port: u16) -> [u8; 6] {
    let [high, low] = port.to_be_bytes();
    [0, 0, 0, 0, high, low]
}

fn push_label(bytes: &mut Vec<u8>, label: &[u8]) -> Option<()> {
    if label.is_empty() || label.len() > LONGEST_LABEL {
        return None;
    }
    bytes.push(label.len() as u8);
    bytes.extend(label);
    Some(())
}

/// Bytes of a label (RFC 1035 §2.3.4).
pub const LONGEST_LABEL: usize = 63;

/// Bytes of a name on the wire.
const LONGEST_NAME: usize = 255;

#[cfg(test)]
mod tests;
