//! DNS messages: a question out, an answer in (RFC 1035 §4, SRV RFC 2782, AAAA RFC 3596, NAPTR RFC 3403).
//!
//! `domain` reads them: it checks every length, and follows a compressed name only backwards. What is taken from a message
//! is bounded here. Nothing panics or allocates.

use core::net::IpAddr;

use domain::base::iana::{Class, Rcode, Rtype};
use domain::base::message::RecordSection;
use domain::base::name::ToLabelIter;
use domain::base::{Message, ParsedName, Ttl};
use domain::rdata::{A, Aaaa, Cname, Naptr, Soa, Srv};
use heapless::Vec;

use crate::ground::random::Random;
use crate::wire::flow::Transport;

/// Bytes of a question: header, name, type and class, and what there is room for.
pub const QUESTION: usize = 12 + NAME + 4 + OPT.len();

/// The room that we say there is for an answer by datagram (RFC 6891 §6.2.5): what passes any network in one piece.
pub const ROOM: u16 = 1_232;

/// An OPT record that says so (RFC 6891 §6.1.2).
const OPT: [u8; 11] = [
    0,
    0,
    41,
    ROOM.to_be_bytes()[0],
    ROOM.to_be_bytes()[1],
    0,
    0,
    0,
    0,
    0,
    0,
];

/// Bytes of a name on the wire (RFC 1035 §2.3.4).
const NAME: usize = 255;

/// Records of one answer that are used; the rest is left alone.
pub const RECORDS: usize = 16;

/// Records of one section that are looked at.
const ENOUGH: usize = 64;

/// Steps through CNAMEs before an answer counts as a loop.
const ALIASES: usize = 8;

/// A name in a message.
type Parsed<'a> = ParsedName<&'a [u8]>;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// IPv4 addresses.
    A,
    /// IPv6 addresses.
    Aaaa,
    /// Servers of a service.
    Srv,
    /// Services of a domain.
    Naptr,
}

/// A name as it is on the wire without compression. Two are equal that differ in the case of letters alone (RFC 4343).
#[derive(Clone, Debug, Default, Eq)]
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

/// One way to speak SIP with a domain (RFC 3263 §4.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Lower comes first.
    pub order: u16,
    /// Lower comes first, among those of equal order.
    pub preference: u16,
    /// What is spoken.
    pub transport: Transport,
    /// Whose SRV records say where.
    pub name: Name,
}

/// What a name server said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Addresses, if those were asked for.
    pub addresses: Vec<IpAddr, RECORDS>,
    /// Servers, if those were asked for.
    pub servers: Vec<Server, RECORDS>,
    /// Services, if those were asked for.
    pub services: Vec<Service, RECORDS>,
    /// How long all of it may be kept, or that there is nothing (RFC 2308 §5), in seconds; `None` if nobody says.
    pub lifetime: Option<u32>,
    /// What is to be made of it.
    pub fate: Fate,
}

/// What is to be made of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fate {
    /// It is all there is.
    #[default]
    Whole,
    /// It was cut off to fit a datagram: a stream has room for all of it.
    Cut,
    /// The server could not do its work; another one may.
    Failed,
    /// The server does not understand the question as it was put: perhaps what is newer than itself (RFC 6891 §7).
    Misread,
}

/// Not an answer to our question: keep waiting for the right one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotOurs {
    /// To another question, or none at all.
    Stray,
    /// To our question, but not as it was spelled.
    Respelled,
}

impl Kind {
    const fn number(self) -> Rtype {
        match self {
            Kind::A => Rtype::A,
            Kind::Aaaa => Rtype::AAAA,
            Kind::Srv => Rtype::SRV,
            Kind::Naptr => Rtype::NAPTR,
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

    /// The same with each letter in a case of chance: a server gives it back so, and who forges an answer has to guess it.
    #[must_use]
    pub fn mixed(&self, random: &mut Random) -> Name {
        let mut name = self.clone();
        for bytes in name.0.chunks_mut(64) {
            let bits = random.bits();
            for (nth, byte) in bytes.iter_mut().enumerate() {
                // A length is no letter: it is 63 at most.
                if bits >> nth & 1 == 1 && byte.is_ascii_alphabetic() {
                    *byte ^= 0x20;
                }
            }
        }
        name
    }

    /// Whether it has no label at all: a service that is not offered (RFC 2782).
    pub fn is_root(&self) -> bool {
        self.0.as_slice() == [0]
    }

    fn read(parsed: &Parsed<'_>) -> Option<Name> {
        let mut name = Name::default();
        for label in parsed.iter_labels().filter(|it| !it.is_root()) {
            name.push_label(label.as_slice())?;
        }
        name.0.push(0).ok()?;
        Some(name)
    }

    fn push_label(&mut self, label: &[u8]) -> Option<()> {
        if label.is_empty() || label.len() > 63 {
            return None;
        }
        self.0.push(label.len() as u8).ok()?;
        self.0.extend_from_slice(label).ok()
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Name) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

/// Writes the question for `kind` records of `name`; `tells_room` by EDNS (RFC 6891), which servers of old do not know.
pub fn question(id: u16, name: &Name, kind: Kind, tells_room: bool) -> Vec<u8, QUESTION> {
    const RECURSE: [u8; 2] = [1, 0];
    let mut out = Vec::new();
    let opt = if tells_room { &OPT[..] } else { &[] };
    let parts: [&[u8]; 7] = [
        &id.to_be_bytes(),
        &RECURSE,
        &[0, 1, 0, 0, 0, 0, 0, u8::from(tells_room)],
        &name.0,
        &kind.number().to_int().to_be_bytes(),
        &Class::IN.to_int().to_be_bytes(),
        opt,
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
    let message = Message::from_octets(message).map_err(|_| NotOurs::Stray)?;
    let header = message.header();
    if header.id() != id || !header.qr() {
        return Err(NotOurs::Stray);
    }
    let asked = message.sole_question().map_err(|_| NotOurs::Stray)?;
    let spelled = Name::read(asked.qname()).ok_or(NotOurs::Stray)?;
    if spelled != *name || (asked.qtype(), asked.qclass()) != (kind.number(), Class::IN) {
        return Err(NotOurs::Stray);
    }
    if spelled.0 != name.0 {
        return Err(NotOurs::Respelled);
    }
    let mut answer = Answer {
        fate: match header.rcode() {
            Rcode::NOERROR | Rcode::NXDOMAIN if header.tc() => Fate::Cut,
            Rcode::NOERROR | Rcode::NXDOMAIN => Fate::Whole,
            Rcode::FORMERR | Rcode::NOTIMP => Fate::Misread,
            _ => Fate::Failed,
        },
        ..Answer::default()
    };
    if matches!(answer.fate, Fate::Whole | Fate::Cut) {
        collect(&message, name, kind, &mut answer);
    }
    Ok(answer)
}

/// Follows the aliases from `name` and takes the records at their end.
fn collect(message: &Message<&[u8]>, name: &Name, kind: Kind, answer: &mut Answer) {
    let mut owner = name.clone();
    for _ in 0..ALIASES {
        let Ok(records) = message.answer() else {
            return;
        };
        let Some((next, lifetime)) = take(records, &owner, kind, answer) else {
            break;
        };
        answer.keep(lifetime);
        owner = next;
    }
    if answer.is_empty() {
        answer.lifetime = absence(message);
    }
}

/// Takes the records of `owner`; gives what it is an alias of, if there are none.
fn take(
    records: RecordSection<'_, &[u8]>,
    owner: &Name,
    kind: Kind,
    answer: &mut Answer,
) -> Option<(Name, Ttl)> {
    let mut alias = None;
    // Up to the first that is broken.
    for record in records.take(ENOUGH).map_while(Result::ok) {
        let is_its = Name::read(&record.owner().deref_octets()).is_some_and(|it| it == *owner);
        if record.class() != Class::IN || !is_its {
            continue;
        }
        let lifetime = record.ttl();
        let taken = match kind {
            Kind::A => match record.to_record::<A>() {
                Ok(Some(it)) => answer.addresses.push(it.data().addr().into()).is_ok(),
                Ok(None) | Err(_) => false,
            },
            Kind::Aaaa => match record.to_record::<Aaaa>() {
                Ok(Some(it)) => answer.addresses.push(it.data().addr().into()).is_ok(),
                Ok(None) | Err(_) => false,
            },
            Kind::Srv => match record.to_record::<Srv<Parsed<'_>>>() {
                Ok(Some(it)) => server(it.data()).is_some_and(|it| answer.servers.push(it).is_ok()),
                Ok(None) | Err(_) => false,
            },
            Kind::Naptr => match record.to_record::<Naptr<&[u8], Parsed<'_>>>() {
                Ok(Some(it)) => {
                    service(it.data()).is_some_and(|it| answer.services.push(it).is_ok())
                }
                Ok(None) | Err(_) => false,
            },
        };
        if taken {
            answer.keep(lifetime);
        } else if let Ok(Some(it)) = record.to_record::<Cname<Parsed<'_>>>() {
            alias = Name::read(it.data().cname()).map(|name| (name, lifetime));
        }
    }
    alias.filter(|_| answer.is_empty())
}

fn server(data: &Srv<Parsed<'_>>) -> Option<Server> {
    Some(Server {
        priority: data.priority(),
        weight: data.weight(),
        port: data.port(),
        host: Name::read(data.target())?,
    })
}

/// A service that we speak, if its SRV records come next: those are what RFC 3263 §4.1 has for SIP.
fn service(data: &Naptr<&[u8], Parsed<'_>>) -> Option<Service> {
    const SERVICES: [(&[u8], Transport); 3] = [
        (b"SIP+D2U", Transport::Udp),
        (b"SIP+D2T", Transport::Tcp),
        (b"SIPS+D2T", Transport::Tls),
    ];
    let is_srv = data.flags().as_slice().eq_ignore_ascii_case(b"s");
    let mut services = SERVICES.into_iter();
    let spoken = services.find(|(name, _)| data.services().as_slice().eq_ignore_ascii_case(name));
    let (_, transport) = spoken.filter(|_| is_srv && data.regexp().is_empty())?;
    Some(Service {
        order: data.order(),
        preference: data.preference(),
        transport,
        name: Name::read(data.replacement())?,
    })
}

/// How long it may be believed that there is nothing.
fn absence(message: &Message<&[u8]>) -> Option<u32> {
    let records = message.authority().ok()?;
    let mut records = records.take(ENOUGH).map_while(Result::ok);
    records.find_map(|record| {
        let soa = record.to_record::<Soa<Parsed<'_>>>().ok()??;
        Some(record.ttl().min(soa.data().minimum()).as_secs())
    })
}

impl Answer {
    /// Whether it brings nothing.
    pub fn is_empty(&self) -> bool {
        self.addresses.is_empty() && self.servers.is_empty() && self.services.is_empty()
    }

    fn keep(&mut self, lifetime: Ttl) {
        let lifetime = lifetime.as_secs();
        self.lifetime = Some(self.lifetime.map_or(lifetime, |it| it.min(lifetime)));
    }
}

#[cfg(test)]
mod tests;
