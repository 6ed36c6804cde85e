//! A whole message: read RFC 3261 §7 and §8.2, and RFC 4475 for all that goes wrong.
//!
//! ```text
//! bytes ── start line ── rows ── mandatory fields ── body ──► Request | Response
//!              │           │            │             │
//!              └───────────┴─ first fault of a request ┴────► Broken (answer it) or Unusable (drop it)
//! ```
//!
//! Strict where two parsers could read two messages: line ends are CRLF only, nothing but blanks stands before a
//! colon, single-valued headers stand once, numbers do not wrap. Lenient where only the taste is bad.

use super::bytes::{Class, find, find_control, is_word};
use super::fault::{Fault, SINGLE, SINGLE_IN_RESPONSE, bad, lacking, repeated};
use super::fields::{CSeq, NameAddr, Via};
use super::grammar::{Bad, number, same_text, trim};
use super::headers::{Found, Headers, Rows, Scan};
use super::method::Method;
use super::name::Name;
use super::status::Status;
use super::uri::Uri;
use crate::ground::error_texts;
use crate::ground::limits;

/// What a datagram, or one framed message of a stream, turned out to be.
#[derive(Clone, Copy, Debug)]
pub enum Message<'a> {
    /// A request whose mandatory fields are sound.
    Request(Request<'a>),
    /// A response whose mandatory fields are sound.
    Response(Response<'a>),
    /// A request that can be refused and nothing else.
    Broken(Broken<'a>),
}

/// A request whose mandatory fields are sound.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// What is asked. The CSeq has the same method, unless this is one we do not recognise.
    pub method: Method<'a>,
    /// Of whom.
    pub uri: Uri<'a>,
    /// The same as written.
    pub uri_text: &'a [u8],
    /// The topmost Via value.
    pub via: Via<'a>,
    /// Who asks.
    pub from: NameAddr<'a>,
    /// Of whom it was asked first.
    pub to: NameAddr<'a>,
    /// Compared byte by byte.
    pub call_id: &'a [u8],
    /// Its number in the dialog.
    pub cseq: CSeq<'a>,
    /// All headers.
    pub headers: Headers<'a>,
    /// As long as Content-Length says; to the end if there is none.
    pub body: &'a [u8],
}

/// A response whose mandatory fields are sound. It has exactly one Via value: ours (RFC 3261 §8.1.3.3).
#[derive(Clone, Copy, Debug)]
pub struct Response<'a> {
    /// 100 to 699.
    pub status: u16,
    /// May be empty, and of any bytes.
    pub reason: &'a [u8],
    /// The Via we sent.
    pub via: Via<'a>,
    /// As in our request.
    pub from: NameAddr<'a>,
    /// With the peer's tag.
    pub to: NameAddr<'a>,
    /// As in our request.
    pub call_id: &'a [u8],
    /// As in our request.
    pub cseq: CSeq<'a>,
    /// All headers.
    pub headers: Headers<'a>,
    /// As long as Content-Length says; to the end if there is none.
    pub body: &'a [u8],
}

/// A request that can't be served but answered. Never an ACK: nothing answers an ACK.
#[derive(Clone, Copy, Debug)]
pub struct Broken<'a> {
    /// 400; 505 for another version; 513 for more rows than [`limits::ROWS`].
    pub status: Status,
    /// For the log, and the reason phrase of a 400 (RFC 3261 §21.4.1).
    pub why: &'static str,
    /// What was asked, as far as it can be told.
    pub method: Method<'a>,
    /// Of whom, as written.
    pub uri_text: &'a [u8],
    /// The topmost Via value; without one there is no way to answer but to the packet's source.
    pub via: Option<Via<'a>>,
    /// The rows that could be told apart.
    pub headers: Headers<'a>,
}

/// A message that is dropped without a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// What only keeps the way through a NAT open: line ends (RFC 5626 §4.4.1), NULs, `jaK`, `PING`, or a Binding
    /// request or indication of STUN (RFC 8489 §5).
    KeepAlive,
    /// No SIP start line.
    NotSip,
    /// A response with a fault, or with more than one Via.
    Response,
    /// A request that does not say where it came from.
    NoVia,
    /// An ACK with a fault.
    Ack,
    /// Longer than [`limits::MESSAGE`].
    TooLong,
}

error_texts!(Unusable:
    Unusable::KeepAlive => "a keep-alive",
    Unusable::NotSip => "not SIP",
    Unusable::Response => "a response with a fault",
    Unusable::NoVia => "a request without a Via",
    Unusable::Ack => "an ACK with a fault",
    Unusable::TooLong => "a message that is too long",
);

/// Reads one datagram or one framed message.
///
/// A body shorter than its Content-Length is a fault; what follows the body is ignored (RFC 3261 §18.3).
///
/// # Errors
/// [`Unusable`]: drop it silently.
pub fn parse<'a>(bytes: &'a [u8], rows: &'a mut Rows) -> Result<Message<'a>, Unusable> {
    if bytes.len() > limits::MESSAGE {
        return Err(Unusable::TooLong);
    }
    let bytes = skip_line_ends(bytes)?;
    let Some(line) = start_line(bytes) else {
        return Err(match is_keep_alive(bytes) {
            true => Unusable::KeepAlive,
            false => Unusable::NotSip,
        });
    };
    match line.kind {
        Kind::Response(code) => {
            let status = status_line(code).ok_or(Unusable::Response)?;
            response(bytes, line.len, status, rows).ok_or(Unusable::Response)
        }
        Kind::Request(method, uri) => request(bytes, &line, method, uri, rows),
    }
}

/// Line ends before the start line are skipped (RFC 3261 §7.5).
#[inline]
fn skip_line_ends(mut bytes: &[u8]) -> Result<&[u8], Unusable> {
    while let [b'\r', b'\n', rest @ ..] = bytes {
        bytes = rest;
    }
    if bytes.iter().all(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
        return Err(Unusable::KeepAlive);
    }
    Ok(bytes)
}

/// Whether what is no SIP is known to keep a NAT open.
#[cold]
fn is_keep_alive(bytes: &[u8]) -> bool {
    if let [0x00, 0x01 | 0x11, high, low, ..] = *bytes {
        // A STUN message is as long as it says, behind a head of 20 bytes.
        return bytes.len() == 20 + usize::from(u16::from_be_bytes([high, low]));
    }
    let word = bytes.trim_ascii_end();
    let word = word.strip_suffix(b"\0").unwrap_or(word);
    word == b"jaK" || word == b"PING"
}

/// A start line that is SIP at all.
struct StartLine<'a> {
    kind: Kind<'a>,
    /// Its length with the line end.
    len: usize,
    fault: Option<Fault>,
}

enum Kind<'a> {
    /// Method and URI as written.
    Request(&'a [u8], &'a [u8]),
    /// All behind the version.
    Response(&'a [u8]),
}

const VERSION: &[u8] = b"SIP/2.0";

#[inline]
fn start_line(bytes: &[u8]) -> Option<StartLine<'_>> {
    let mut end = find_control(bytes)?;
    if bytes[end] != b'\r' {
        end = memchr::memchr2(b'\r', b'\n', bytes)?;
    }
    let [b'\r', b'\n', ..] = bytes[end..] else {
        return None;
    };
    let line = &bytes[..end];
    let len = end + 2;
    if let Some((version, rest)) = line.split_at_checked(VERSION.len())
        && same_text(version, VERSION)
    {
        return Some(StartLine {
            kind: Kind::Response(rest),
            len,
            fault: None,
        });
    }
    let (method, rest) = line.split_at(Class::TOKEN.run(line));
    if let [b' ', rest @ ..] = rest
        && let Some((rest, version)) = rest.split_at_checked(rest.len().wrapping_sub(7))
        && same_text(version, VERSION)
        && let [uri @ .., b' '] = rest
        && find(b' ', uri).is_none()
        && !method.is_empty()
    {
        return Some(StartLine {
            kind: Kind::Request(method, uri),
            len,
            fault: None,
        });
    }
    let (uri, fault) = odd_request_line(method, rest)?;
    Some(StartLine {
        kind: Kind::Request(method, uri),
        len,
        fault: Some(fault),
    })
}

/// Tells a faulty request line from what is no SIP at all: a method, and a version at the end.
fn odd_request_line<'a>(method: &[u8], rest: &'a [u8]) -> Option<(&'a [u8], Fault)> {
    let trimmed = trim(rest);
    let space = trimmed
        .iter()
        .rposition(|&byte| byte == b' ' || byte == b'\t')?;
    let (uri, version) = (trim(&trimmed[..space]), &trimmed[space + 1..]);
    if method.is_empty() || !is_version(version) {
        return None;
    }
    if same_text(version, VERSION) {
        return Some((uri, bad("Too many blanks in the request line")));
    }
    let fault = (Status::VERSION_NOT_SUPPORTED, "not SIP/2.0");
    Some((uri, fault))
}

/// `"SIP" "/" 1*DIGIT "." 1*DIGIT`
fn is_version(text: &[u8]) -> bool {
    let Some((name, numbers)) = text.split_at_checked(4) else {
        return false;
    };
    let mut parts = numbers.split(|&byte| byte == b'.');
    let mut is_number = || parts.next().is_some_and(|part| number(part).is_some());
    same_text(name, b"SIP/") && is_number() && is_number() && parts.next().is_none()
}

/// Status code and reason phrase.
fn status_line(rest: &[u8]) -> Option<(u16, &[u8])> {
    let [b' ', a, b, c, rest @ ..] = rest else {
        return None;
    };
    let code = u16::try_from(number(&[*a, *b, *c])?).ok()?;
    let reason = match rest {
        [] => rest,
        [b' ', reason @ ..] => reason,
        _ => return None,
    };
    Status::new(code).map(|status| (status.code(), reason))
}

/// What the rows of a message came to.
struct Head<'a> {
    headers: Headers<'a>,
    body_at: usize,
    fault: Option<Fault>,
}

#[inline(never)]
fn head<'a>(bytes: &'a [u8], at: usize, single: u128, rows: &'a mut Rows) -> Head<'a> {
    rows.clear();
    let mut fault = None;
    let mut scan = Scan::new(bytes, at);
    let body_at = loop {
        let line = match scan.plain() {
            Some(line) => line,
            None => match scan.odd() {
                Found::Line(line) => line,
                Found::Fault(why) => {
                    fault = fault.or(Some(bad(why)));
                    continue;
                }
                Found::End(at) => break at,
                Found::Cut => {
                    fault = fault.or(Some(bad("The head does not end")));
                    break bytes.len();
                }
            },
        };
        match rows.push(&line) {
            Some(true) => {}
            Some(false) if single >> (line.name as u32) & 1 == 0 => {}
            Some(false) => fault = fault.or_else(|| Some(repeated(line.name))),
            None => {
                let full = (Status::MESSAGE_TOO_LARGE, "too many header rows");
                fault = fault.or(Some(full));
            }
        }
    };
    Head {
        headers: Headers::new(bytes, rows),
        body_at,
        fault,
    }
}

/// The body as Content-Length has it (RFC 3261 §18.3).
#[inline]
fn body<'a>(bytes: &'a [u8], head: &Head<'_>) -> Result<&'a [u8], &'static str> {
    let rest = bytes.get(head.body_at..).unwrap_or_default();
    match head.headers.content_length() {
        Ok(None) => Ok(rest),
        Ok(Some(len)) => rest
            .get(..len as usize)
            .ok_or("Body shorter than its Content-Length"),
        Err(Bad) => Err("Malformed Content-Length header field"),
    }
}

fn request<'a>(
    bytes: &'a [u8],
    line: &StartLine<'a>,
    method: &'a [u8],
    uri_text: &'a [u8],
    rows: &'a mut Rows,
) -> Result<Message<'a>, Unusable> {
    let head = head(bytes, line.len, SINGLE, rows);
    let method = Method::from_bytes(method);
    let headers = head.headers;
    let top = headers.first(Name::Via).ok_or(Unusable::NoVia)?;
    let (status, why) = 'fault: {
        if let Some(fault) = line.fault.or(head.fault) {
            break 'fault fault;
        }
        let Ok((via, _)) = Via::take(top) else {
            break 'fault bad("Malformed Via header field");
        };
        let Ok(uri) = request_uri(uri_text) else {
            break 'fault bad("Malformed Request-URI, or one with header fields");
        };
        let Ok(from) = name_addr(headers, Name::From) else {
            break 'fault lacking(headers, Name::From);
        };
        let Ok(to) = name_addr(headers, Name::To) else {
            break 'fault lacking(headers, Name::To);
        };
        let Some(call_id) = call_id(headers) else {
            break 'fault lacking(headers, Name::CallId);
        };
        let Some(cseq) = cseq(headers) else {
            break 'fault lacking(headers, Name::CSeq);
        };
        if cseq.method != method && method.is_known() {
            break 'fault bad("Another method in the CSeq header field");
        }
        let body = match body(bytes, &head) {
            Ok(body) => body,
            Err(why) => break 'fault bad(why),
        };
        // Built where the caller wants it: the struct is large.
        return Ok(Message::Request(Request {
            method,
            uri,
            uri_text,
            via,
            from,
            to,
            call_id,
            cseq,
            headers,
            body,
        }));
    };
    if method == Method::Ack {
        return Err(Unusable::Ack);
    }
    Ok(Message::Broken(Broken {
        status,
        why,
        method,
        uri_text,
        via: Via::take(top).ok().map(|(via, _)| via),
        headers,
    }))
}

/// A Request-URI has no headers (RFC 3261 §19.1.1, table 1).
#[inline(always)]
fn request_uri(text: &[u8]) -> Result<Uri<'_>, Bad> {
    let uri = Uri::parse(text)?;
    match uri.sip() {
        Some(sip) if !sip.headers.is_empty() => Err(Bad),
        Some(_) | None => Ok(uri),
    }
}

fn response<'a>(
    bytes: &'a [u8],
    at: usize,
    (status, reason): (u16, &'a [u8]),
    rows: &'a mut Rows,
) -> Option<Message<'a>> {
    let head = head(bytes, at, SINGLE_IN_RESPONSE, rows);
    let headers = head.headers;
    if head.fault.is_some() || headers.values(Name::Via).nth(1).is_some() {
        return None;
    }
    let (via, _) = Via::take(headers.first(Name::Via)?).ok()?;
    Some(Message::Response(Response {
        status,
        reason,
        via,
        from: name_addr(headers, Name::From).ok()?,
        to: name_addr(headers, Name::To).ok()?,
        call_id: call_id(headers)?,
        cseq: cseq(headers)?,
        headers,
        body: body(bytes, &head).ok()?,
    }))
}

#[inline]
fn name_addr(headers: Headers<'_>, name: Name) -> Result<NameAddr<'_>, Bad> {
    NameAddr::parse(headers.first(name).ok_or(Bad)?)
}

/// A Call-ID is one word of visible bytes, in no need of balance (RFC 4475 §3.1.1.2).
#[inline]
fn call_id(headers: Headers<'_>) -> Option<&[u8]> {
    headers
        .first(Name::CallId)
        .filter(|id| !id.is_empty() && is_word(id))
}

#[inline]
fn cseq(headers: Headers<'_>) -> Option<CSeq<'_>> {
    CSeq::parse(headers.first(Name::CSeq)?).ok()
}

#[cfg(test)]
mod tests;
