//! Talks to the running agent: HTTP/1.1 over its control socket, one request a connection, blocking.
//!
//! Everything read is bounded: who answers may be anybody who could put a socket there.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::string::{String, ToString};
use std::time::Duration;
use std::vec::Vec;
use std::{fmt, format};

use serde_json::Value;

use crate::shell::control::socket::is_a_strangers;

/// Where the agent listens for us.
#[derive(Clone, Debug)]
pub struct Client {
    socket: PathBuf,
}

/// Why there is no answer, or not the one wanted.
#[derive(Debug)]
pub enum Trouble {
    /// Nobody listens there: start an agent, or name the right socket.
    NoAgent {
        /// The socket tried.
        socket: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// Anybody could have put that socket there, and somebody else has: choose another.
    Stranger {
        /// The socket.
        socket: PathBuf,
    },
    /// The agent does not do that; its words.
    Refused(String),
    /// The agent ended while it was followed.
    Ended,
    /// The conversation failed: it may help to try again.
    Broken(io::Error),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trouble::NoAgent { socket, error } if error.kind() == ErrorKind::PermissionDenied => {
                write!(
                    f,
                    "the agent at {} is not for you: {error}\n  \
                     remedy: ask as root, or as a member of the group that its folder belongs to",
                    socket.display()
                )
            }
            Trouble::NoAgent { socket, error } => write!(
                f,
                "no agent is running at {}: {error}\n  \
                 remedy: start one with `lampfield run`, or name its socket with --control SOCKET",
                socket.display()
            ),
            Trouble::Stranger { socket } => write!(
                f,
                "{} is not asked: it is another user's, in a folder where anybody can make one\n  \
                 remedy: ask as that user, or name the right socket with --control SOCKET",
                socket.display()
            ),
            Trouble::Refused(words) => f.write_str(words),
            Trouble::Ended => f.write_str("the agent has ended"),
            Trouble::Broken(error) => write!(
                f,
                "the agent did not answer well: {error}\n  remedy: try again, or see its log"
            ),
        }
    }
}

impl Client {
    /// A client of the agent at `socket`.
    pub fn new(socket: &Path) -> Client {
        Client {
            socket: socket.to_path_buf(),
        }
    }

    /// Asks; the answer's JSON.
    ///
    /// # Errors
    /// [`Trouble`].
    pub fn get(&self, path: &str) -> Result<String, Trouble> {
        let body = self.request("GET", path, "", Some(PATIENCE))?;
        whole(body).map_err(Trouble::Broken)
    }

    /// Tells; the answer's JSON, which may be empty.
    ///
    /// # Errors
    /// [`Trouble`].
    pub fn post(&self, path: &str, body: &str) -> Result<String, Trouble> {
        let body = self.request("POST", path, body, Some(PATIENCE))?;
        whole(body).map_err(Trouble::Broken)
    }

    /// Asks, and hands each line of an answer that goes on to `each`, until the agent or `each` ends it.
    ///
    /// # Errors
    /// [`Trouble`].
    pub fn follow(
        &self,
        path: &str,
        mut each: impl FnMut(&str) -> io::Result<()>,
    ) -> Result<(), Trouble> {
        let mut body = BufReader::new(self.request("GET", path, "", None)?);
        loop {
            let line = line(&mut body, LONGEST_LINE).map_err(|error| match error.kind() {
                io::ErrorKind::UnexpectedEof => Trouble::Ended,
                _ => Trouble::Broken(error),
            })?;
            match line.as_deref() {
                None => return Ok(()),
                Some("") => {}
                Some(line) => each(line).map_err(Trouble::Broken)?,
            }
        }
    }

    fn request(
        &self,
        method: &str,
        path: &str,
        body: &str,
        patience: Option<Duration>,
    ) -> Result<Body<BufReader<UnixStream>>, Trouble> {
        if is_a_strangers(&self.socket) {
            return Err(Trouble::Stranger {
                socket: self.socket.clone(),
            });
        }
        let stream = UnixStream::connect(&self.socket).map_err(|error| Trouble::NoAgent {
            socket: self.socket.clone(),
            error,
        })?;
        let ask = || -> io::Result<(u16, Body<BufReader<UnixStream>>)> {
            stream.set_write_timeout(Some(PATIENCE))?;
            stream.set_read_timeout(patience)?;
            let length = body.len();
            let request = format!(
                "{method} {path} HTTP/1.1\r\nHost: lampfield\r\nConnection: close\r\n\
                 Content-Type: text/plain; charset=utf-8\r\nContent-Length: {length}\r\n\r\n{body}"
            );
            (&stream).write_all(request.as_bytes())?;
            answer(BufReader::new(stream))
        };
        let (status, body) = ask().map_err(Trouble::Broken)?;
        if (200..300).contains(&status) {
            return Ok(body);
        }
        let words = whole(body).map_err(Trouble::Broken)?;
        Err(Trouble::Refused(reason(status, &words)))
    }
}

/// `text` as it stands in a query (RFC 3986 §2.1).
pub fn escaped(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b':' | b'@' => {
                out.push(char::from(byte));
            }
            _ => out += &format!("%{byte:02X}"),
        }
    }
    out
}

/// What stands behind a path for those of `pairs` that are there.
pub fn query(pairs: &[(&str, &Option<String>)]) -> String {
    let given = pairs.iter().filter_map(|(name, value)| {
        let value = value.as_deref()?;
        Some(format!("{name}={}", escaped(value)))
    });
    let given: Vec<String> = given.collect();
    match given.is_empty() {
        true => String::new(),
        false => format!("?{}", given.join("&")),
    }
}

/// The words of a refusal: the agent's own, or else the status.
fn reason(status: u16, body: &str) -> String {
    let json: Option<Value> = serde_json::from_str(body).ok();
    let words = json.as_ref().and_then(|it| it.get("error")?.as_str());
    match words {
        Some(words) => words.to_string(),
        None => format!("the agent refused with {status}"),
    }
}

/// Reads the head of an answer; its status, and the body still to be read.
fn answer<R: BufRead>(mut reader: R) -> io::Result<(u16, Body<R>)> {
    let first = line(&mut reader, LONGEST_LINE)?.unwrap_or_default();
    let status = first
        .strip_prefix("HTTP/1.")
        .and_then(|it| it.split(' ').nth(1)?.parse().ok())
        .ok_or_else(|| broken("it does not speak HTTP"))?;
    let mut rest = Rest::UntilEnd;
    for _ in 0..MOST_FIELDS {
        let Some(field) = line(&mut reader, LONGEST_LINE)? else {
            return Err(broken("the answer ends in its head"));
        };
        if field.is_empty() {
            return Ok((status, Body { reader, rest }));
        }
        let Some((name, value)) = field.split_once(':') else {
            return Err(broken("a header line has no colon"));
        };
        if name.eq_ignore_ascii_case("content-length") {
            let length = value.trim().parse();
            rest = Rest::Bytes(length.map_err(|_| broken("its length is no number"))?);
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            rest = Rest::Chunk {
                left: 0,
                first: true,
            };
        }
    }
    Err(broken("its head is too long"))
}

/// The body of an answer, whatever its framing.
#[derive(Debug)]
struct Body<R> {
    reader: R,
    rest: Rest,
}

/// What is still to come.
#[derive(Debug)]
enum Rest {
    /// So many bytes.
    Bytes(u64),
    /// Chunks (RFC 9112 §7.1), and so much of the present one.
    Chunk { left: u64, first: bool },
    /// Whatever comes until the connection ends.
    UntilEnd,
    /// Nothing.
    Nothing,
}

impl<R: BufRead> Read for Body<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if let Rest::Chunk { left: 0, first } = self.rest {
            self.next_chunk(first)?;
        }
        let left = match &mut self.rest {
            Rest::Nothing => return Ok(0),
            Rest::UntilEnd => return self.reader.read(into),
            Rest::Bytes(left) | Rest::Chunk { left, .. } => left,
        };
        let most = usize::try_from(*left).unwrap_or(usize::MAX).min(into.len());
        if most == 0 {
            return Ok(0);
        }
        let read = self.reader.read(&mut into[..most])?;
        if read == 0 {
            return Err(broken("the answer ends too early"));
        }
        *left -= read as u64;
        Ok(read)
    }
}

impl<R: BufRead> Body<R> {
    fn next_chunk(&mut self, first: bool) -> io::Result<()> {
        if !first {
            line(&mut self.reader, LONGEST_LINE)?; // The line end behind the last chunk.
        }
        let Some(head) = line(&mut self.reader, LONGEST_LINE)? else {
            let what = "the answer ends between two chunks";
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, what));
        };
        let digits = head.split(';').next().unwrap_or_default().trim();
        let left = u64::from_str_radix(digits, 16).map_err(|_| broken("a chunk has no length"))?;
        self.rest = match left {
            0 => Rest::Nothing,
            _ => Rest::Chunk { left, first: false },
        };
        Ok(())
    }
}

/// The whole body as text, if it is not too large.
fn whole(body: impl Read) -> io::Result<String> {
    let mut bytes = Vec::new();
    body.take(LONGEST_BODY + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LONGEST_BODY {
        return Err(broken("the answer is too long"));
    }
    String::from_utf8(bytes).map_err(|_| broken("the answer is not UTF-8"))
}

/// One line without its end; `None` at the end of everything.
fn line(reader: &mut impl BufRead, longest: u64) -> io::Result<Option<String>> {
    let mut bytes = Vec::new();
    reader.take(longest).read_until(b'\n', &mut bytes)?;
    if bytes.is_empty() {
        return Ok(None);
    }
    if bytes.pop() != Some(b'\n') {
        return Err(broken("a line is too long or not ended"));
    }
    if bytes.last() == Some(&b'\r') {
        bytes.pop();
    }
    let line = String::from_utf8(bytes);
    line.map(Some).map_err(|_| broken("a line is not UTF-8"))
}

fn broken(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// How long the agent may take; it answers within one turn of its loop.
const PATIENCE: Duration = Duration::from_secs(5);

const LONGEST_BODY: u64 = 8 << 20;

const LONGEST_LINE: u64 = 1 << 20;

const MOST_FIELDS: usize = 64;

#[cfg(test)]
mod tests;
