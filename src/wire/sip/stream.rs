//! Framing of a stream: read RFC 3261 §7.5, §18.3 and RFC 5626 §3.5.1.
//!
//! ```text
//! buffered ── look ──► Incomplete      read on, then look again
//!                  ──► Message(len)    take off len bytes, parse them
//!                  ──► Ping            take off 4 bytes, answer CRLF
//!                  ──► Skip(n), Nuls(n) take off n bytes
//!                  ──► Refuse          answer what can be answered, close
//! ```
//!
//! The head is scanned with the parser's own scanner, so that the framer never sees another Content-Length than the
//! parser does (request smuggling). It is read once it is whole: while it grows, the search for its end goes on where it
//! stopped, so that a head which comes in many pieces costs no more than one.

use super::bytes::Class;
use super::grammar::{number, same_text};
use super::headers::{Found, Line, Scan};
use super::name::Name;
use super::status::Status;

/// What the buffered bytes begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame {
    /// No whole message yet; at least so many bytes are missing.
    Incomplete {
        /// Never 0.
        need: usize,
    },
    /// A message of so many bytes.
    Message {
        /// Head and body.
        len: usize,
    },
    /// CRLFCRLF: take it off and answer CRLF (RFC 5626 §3.5.1).
    Ping,
    /// A line end before a message: take it off (RFC 3261 §7.5).
    Skip(usize),
    /// So many NULs before a message: take them off. Asterisk from version 12 on sends one behind the line end of its
    /// keep-alive (resiprocate #38).
    Nuls(usize),
    /// Framing is lost: nothing behind this can be trusted. If the head can be parsed, answer; in any case close.
    Refuse {
        /// What to answer.
        status: Status,
        /// The head's length, as far as it came; 0 if there is nothing to answer.
        header_len: usize,
    },
}

/// Finds messages in a stream; one per connection. It holds no bytes, only how far it has looked.
#[derive(Clone, Copy, Debug, Default)]
pub struct Framer {
    /// No head ends before this offset.
    seen: usize,
    /// Head and message length, once the head was read.
    known: Option<usize>,
}

impl Framer {
    /// At the start of a stream.
    pub const fn new() -> Framer {
        Framer {
            seen: 0,
            known: None,
        }
    }

    /// Says what `buffered` begins with. `max` is the longest message the caller can hold.
    ///
    /// Between two calls bytes may only be added, unless the answer said to take some off.
    pub fn look(&mut self, buffered: &[u8], max: usize) -> Frame {
        let frame = self.frame(buffered, max);
        if !matches!(frame, Frame::Incomplete { .. }) {
            *self = Framer::new();
        }
        frame
    }

    fn frame(&mut self, buffered: &[u8], max: usize) -> Frame {
        if let Some(len) = self.known {
            return whole(buffered, len);
        }
        match buffered {
            [] => return Frame::Incomplete { need: 1 },
            [b'\r'] | [b'\r', b'\n'] | [b'\r', b'\n', b'\r'] => {
                return Frame::Incomplete { need: 1 };
            }
            [b'\r', b'\n', b'\r', b'\n', ..] => return Frame::Ping,
            [b'\r', b'\n', ..] => return Frame::Skip(2),
            [0, ..] => {
                let others = buffered.iter().position(|byte| *byte != 0);
                return Frame::Nuls(others.unwrap_or(buffered.len()));
            }
            [first, ..] if !Class::TOKEN.has(*first) => return refuse(0),
            _ => {}
        }
        let Some(head_len) = self.head(buffered) else {
            return self.unfinished(buffered, max);
        };
        match message_len(&buffered[..head_len], max) {
            Ok(len) => {
                self.known = Some(len);
                whole(buffered, len)
            }
            Err(status) => Frame::Refuse {
                status,
                header_len: head_len,
            },
        }
    }

    /// The head's length with its empty line; looks only at what is new.
    fn head(&mut self, buffered: &[u8]) -> Option<usize> {
        while let Some(found) = memchr::memchr(b'\n', buffered.get(self.seen..)?) {
            let end = self.seen + found + 1;
            if buffered[..end].ends_with(b"\r\n\r\n") {
                return Some(end);
            }
            self.seen = end;
        }
        self.seen = buffered.len();
        None
    }

    /// No end of the head yet: is it worth waiting?
    fn unfinished(&self, buffered: &[u8], max: usize) -> Frame {
        if buffered.len() >= max {
            return Frame::Refuse {
                status: Status::MESSAGE_TOO_LARGE,
                header_len: max,
            };
        }
        match first_line(buffered) {
            Some(line) if !is_sip(line) => refuse(0),
            Some(_) | None => Frame::Incomplete { need: 1 },
        }
    }
}

/// A lone CRLF: the answer to our own ping, if one is due (RFC 5626 §4.4.1).
pub fn is_pong(buffered: &[u8]) -> bool {
    buffered == b"\r\n"
}

const fn refuse(header_len: usize) -> Frame {
    Frame::Refuse {
        status: Status::BAD_REQUEST,
        header_len,
    }
}

const fn whole(buffered: &[u8], len: usize) -> Frame {
    if buffered.len() >= len {
        Frame::Message { len }
    } else {
        Frame::Incomplete {
            need: len - buffered.len(),
        }
    }
}

/// The length of the message whose head this is: Content-Length stands once, is digits only, and fits.
fn message_len(head: &[u8], max: usize) -> Result<usize, Status> {
    let line = first_line(head).ok_or(Status::BAD_REQUEST)?;
    if !is_sip(line) {
        return Err(Status::BAD_REQUEST);
    }
    let mut length: Option<Line> = None;
    let mut scan = Scan::new(head, line.len() + 2);
    loop {
        match scan.next() {
            Found::Line(line) if line.name == Name::ContentLength => {
                if length.replace(line).is_some() {
                    return Err(Status::BAD_REQUEST);
                }
            }
            Found::Line(_) => {}
            Found::Fault(_) | Found::Cut => return Err(Status::BAD_REQUEST),
            Found::End(_) => break,
        }
    }
    let value = length.ok_or(Status::BAD_REQUEST)?.value(head);
    let body = number(value).ok_or(Status::BAD_REQUEST)?;
    match head.len().checked_add(body as usize) {
        Some(len) if len <= max => Ok(len),
        Some(_) | None => Err(Status::REQUEST_ENTITY_TOO_LARGE),
    }
}

/// The start line without its end, once the end is there; a line that ends in a lone CR or LF is returned as well and
/// is no SIP.
fn first_line(buffered: &[u8]) -> Option<&[u8]> {
    let end = memchr::memchr2(b'\r', b'\n', buffered)?;
    match buffered[end..] {
        [b'\r'] => None,
        [b'\r', b'\n', ..] => Some(&buffered[..end]),
        _ => Some(b""),
    }
}

/// Begins or ends in a SIP version.
fn is_sip(line: &[u8]) -> bool {
    let begins = line.get(..4).is_some_and(|text| same_text(text, b"SIP/"));
    let line = super::grammar::trim(line);
    let word = line.rsplit(|&byte| byte == b' ').next().unwrap_or_default();
    begins || word.get(..4).is_some_and(|text| same_text(text, b"SIP/"))
}

#[cfg(test)]
mod tests;
