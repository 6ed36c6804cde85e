//! Writes multicast DNS messages (RFC 6762 §18), never beyond what one packet holds.

use std::net::IpAddr;
use std::vec::Vec;

use super::message::{Data, INTERNET, Name, Question, Record, TOP, server};

/// Bytes of a message that is sent: one packet of an Ethernet (§17).
pub const ROOM: usize = 1_440;

/// Where in a message a record stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Among the answers.
    Answer = 1,
    /// Among what a probe claims.
    Claim = 2,
    /// Beside the answers.
    More = 3,
}

/// Writes a message, with names compressed (RFC 1035 §4.1.4). Parts are written in their order.
#[derive(Debug)]
pub struct Writer {
    bytes: Vec<u8>,
    counts: [u16; 4],
    /// Names that stand in it, and where.
    names: Vec<(Vec<u8>, u16)>,
}

impl Writer {
    /// An empty question (§18.2).
    pub fn question() -> Writer {
        Writer::new(0, [0, 0])
    }

    /// An empty answer, which is authoritative (§18.4).
    pub fn answer(id: u16) -> Writer {
        Writer::new(id, [0x84, 0])
    }

    fn new(id: u16, flags: [u8; 2]) -> Writer {
        let mut bytes = Vec::with_capacity(ROOM);
        bytes.extend(id.to_be_bytes());
        bytes.extend(flags);
        bytes.extend([0; 8]);
        Writer {
            bytes,
            counts: [0; 4],
            names: Vec::new(),
        }
    }

    /// Adds a question; says whether there was room.
    pub fn ask(&mut self, question: &Question) -> bool {
        let top = if question.is_unicast { TOP } else { 0 };
        self.whole(0, |writer| {
            writer.name(&question.name);
            writer.number(question.kind.number());
            writer.number(INTERNET | top);
        })
    }

    /// Adds a record; says whether there was room.
    pub fn record(&mut self, part: Part, record: &Record) -> bool {
        let top = if record.flushes { TOP } else { 0 };
        self.whole(part as usize, |writer| {
            writer.name(&record.name);
            writer.number(record.data.kind().number());
            writer.number(INTERNET | top);
            writer.bytes.extend(record.lifetime.to_be_bytes());
            let at = writer.bytes.len();
            writer.number(0);
            match &record.data {
                Data::Address(IpAddr::V4(ip)) => writer.bytes.extend(ip.octets()),
                Data::Address(IpAddr::V6(ip)) => writer.bytes.extend(ip.octets()),
                Data::Pointer(name) => writer.name(name),
                Data::Server { port, host } => {
                    writer.bytes.extend(server(*port));
                    writer.name(host);
                }
                // An empty one is a string without letters (RFC 6763 §6.1).
                Data::Text(text) if text.is_empty() => writer.bytes.push(0),
                Data::Text(text) => writer.bytes.extend(text),
            }
            let len = (writer.bytes.len() - at - 2) as u16;
            writer.bytes[at..at + 2].copy_from_slice(&len.to_be_bytes());
        })
    }

    /// Whether nothing stands in it.
    pub fn is_empty(&self) -> bool {
        self.counts == [0; 4]
    }

    /// The message.
    pub fn finish(mut self) -> Vec<u8> {
        for (at, count) in self.counts.into_iter().enumerate() {
            self.bytes[4 + 2 * at..6 + 2 * at].copy_from_slice(&count.to_be_bytes());
        }
        self.bytes
    }

    /// All that `write` writes, or nothing.
    fn whole(&mut self, part: usize, write: impl FnOnce(&mut Writer)) -> bool {
        let (bytes, names) = (self.bytes.len(), self.names.len());
        write(self);
        let fits = self.bytes.len() <= ROOM;
        if fits {
            self.counts[part] += 1;
        } else {
            self.bytes.truncate(bytes);
            self.names.truncate(names);
        }
        fits
    }

    fn number(&mut self, number: u16) {
        self.bytes.extend(number.to_be_bytes());
    }

    fn name(&mut self, name: &Name) {
        let mut rest = name.0.as_slice();
        while rest[0] > 0 {
            let known = self.names.iter().find(|(it, _)| it == rest);
            if let Some((_, at)) = known {
                let pointer = 0xc000 | *at;
                return self.number(pointer);
            }
            // ROOM is below what a pointer reaches.
            self.names.push((rest.to_vec(), self.bytes.len() as u16));
            let (label, behind) = rest.split_at(1 + usize::from(rest[0]));
            self.bytes.extend(label);
            rest = behind;
        }
        self.bytes.push(0);
    }
}

/// What a text record says: `key=value` each.
pub fn text(pairs: &[(&str, &str)]) -> Vec<u8> {
    let mut text = Vec::new();
    for (key, value) in pairs {
        let len = key.len() + 1 + value.len();
        // What does not fit is left out: nobody is to read half of it.
        let Ok(len) = u8::try_from(len) else { continue };
        text.push(len);
        text.extend(key.bytes().chain([b'=']).chain(value.bytes()));
    }
    text
}

/// As many messages as it takes.
pub fn written(records: &[Record], more: &[Record]) -> Vec<Vec<u8>> {
    let mut messages = Vec::new();
    let mut writer = Writer::answer(0);
    for record in records {
        if !writer.record(Part::Answer, record) {
            messages.push(std::mem::replace(&mut writer, Writer::answer(0)).finish());
            writer.record(Part::Answer, record);
        }
    }
    for record in more {
        // Who needs it asks.
        writer.record(Part::More, record);
    }
    if !writer.is_empty() {
        messages.push(writer.finish());
    }
    messages
}
