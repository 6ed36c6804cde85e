//! HTTP/1.1 on any stream (RFC 9112), as `embedded-svc` wants it: a request, its body, one answer.
//!
//! Every wait has a limit, and so has every length: a slow or careless peer costs one connection for a few seconds.

use std::fmt;
use std::future::Future;
use std::io::{self, ErrorKind, Write as _};
use std::string::{String, ToString};
use std::vec::Vec;

use embedded_svc::http::server::asynch::Connection;
use embedded_svc::http::{Headers, Method, Query};
use embedded_svc::io::asynch::{Read, Write};
use embedded_svc::io::{Error, ErrorKind as IoKind, ErrorType};
use smol::Timer;
use smol::future::or;
use smol::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::ground::time::Duration;

/// Bytes of a request's first line and header rows.
pub const HEAD: usize = 8 * 1024;

/// Bytes of a request's body.
pub const BODY: usize = 4 * 1024;

/// Header rows of a request.
const ROWS: usize = 32;

/// How long a request may take to arrive, and an answer to be taken.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// How long a connection may lie still between requests.
pub const IDLE: Duration = Duration::from_secs(30);

/// Bytes of an answer that are collected before they are written.
const COLLECT: usize = 16 * 1024;

/// A conversation on one stream.
pub struct Http<S> {
    head: Head,
    body: Body<S>,
    answer: Answer,
    keep: bool,
    idle: Duration,
    out: Vec<u8>,
}

/// First line and header rows of the request.
#[derive(Debug)]
pub struct Head {
    method: Method,
    uri: String,
    rows: Vec<(String, String)>,
}

/// The body of the request.
pub struct Body<S> {
    raw: Raw<S>,
    left: usize,
}

/// The stream, and what was read from it too early.
pub struct Raw<S> {
    stream: S,
    early: Vec<u8>,
    patience: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    NotBegun,
    Whole,
    Chunked,
}

/// Why a conversation ends.
#[derive(Debug)]
pub enum HttpError {
    /// The stream failed.
    Io(io::Error),
    /// The peer was too slow.
    Slow,
    /// The request is answered with this status and text, and the connection closed.
    Refused(u16, &'static str),
}

impl<S: AsyncRead + AsyncWrite + Unpin> Http<S> {
    /// A conversation that has not begun, with a peer that has `patience` for the first request, and each to arrive.
    pub fn new(stream: S, patience: Duration) -> Http<S> {
        Http {
            head: Head {
                method: Method::Get,
                uri: String::new(),
                rows: Vec::new(),
            },
            body: Body {
                raw: Raw {
                    stream,
                    early: Vec::new(),
                    patience,
                },
                left: 0,
            },
            answer: Answer::NotBegun,
            keep: false,
            idle: patience,
            out: Vec::new(),
        }
    }

    /// Reads the next request's head; `false`: there is none, the peer has closed.
    ///
    /// # Errors
    /// [`HttpError::Refused`] for what is no request we take.
    pub async fn read_head(&mut self) -> Result<bool, HttpError> {
        self.answer = Answer::NotBegun;
        self.keep = false;
        let raw = &mut self.body.raw;
        if raw.early.is_empty() && within(self.idle, raw.fill()).await? == 0 {
            return Ok(false);
        }
        let length = within(raw.patience, find_head(raw)).await?;
        let (head, left, keep) = parse(&raw.early[..length])?;
        raw.early.drain(..length);
        self.head = head;
        self.body.left = left;
        self.keep = keep;
        self.idle = IDLE;
        Ok(true)
    }

    /// Ends the answer; says whether another request may follow.
    ///
    /// # Errors
    /// The stream's.
    pub async fn finish(&mut self) -> Result<bool, HttpError> {
        match self.answer {
            Answer::Chunked => self.out.extend(b"0\r\n\r\n"),
            Answer::NotBegun | Answer::Whole => {}
        }
        self.flush().await?;
        // What nobody has read of a body would be taken for the next request.
        Ok(self.keep && self.body.left == 0)
    }

    /// Answers with an error and its `body`, unless an answer has begun, and gives up on the connection.
    ///
    /// # Errors
    /// The stream's.
    pub async fn refuse(
        &mut self,
        status: u16,
        media_type: &str,
        body: &str,
    ) -> Result<(), HttpError> {
        self.keep = false;
        if self.answer == Answer::NotBegun {
            let length = body.len().to_string();
            let rows = [("Content-Type", media_type), ("Content-Length", &length)];
            self.initiate_response(status, None, &rows).await?;
            self.write_all(body.as_bytes()).await?;
        }
        self.flush().await?;
        self.linger().await
    }

    /// Takes what the peer still says, within reason: closing over unread bytes would cut our answer off.
    async fn linger(&mut self) -> Result<(), HttpError> {
        /// A body far too long is read to its end as long as it is shorter than this.
        const ENOUGH: usize = 256 * 1024;
        let patience = self.body.raw.patience;
        let stream = &mut self.body.raw.stream;
        stream.close().await?;
        let drain = async {
            let mut buf = [0; 1_024];
            let mut taken = 0;
            while taken < ENOUGH {
                match stream.read(&mut buf).await? {
                    0 => break,
                    more => taken += more,
                }
            }
            Ok(())
        };
        within(patience, drain).await
    }
}

impl<S: AsyncRead + Unpin> Raw<S> {
    /// Reads more into `early` and says how much.
    async fn fill(&mut self) -> Result<usize, HttpError> {
        let before = self.early.len();
        self.early.resize(before + 1_024, 0);
        let got = self.stream.read(&mut self.early[before..]).await;
        self.early
            .truncate(before + got.as_ref().copied().unwrap_or(0));
        Ok(got?)
    }
}

/// Waits for the whole head and gives its length.
async fn find_head<S: AsyncRead + Unpin>(raw: &mut Raw<S>) -> Result<usize, HttpError> {
    let mut from = 0;
    loop {
        let end = memchr::memmem::find(&raw.early[from..], b"\r\n\r\n");
        if let Some(at) = end {
            return Ok(from + at + 4);
        }
        if raw.early.len() >= HEAD {
            return Err(HttpError::Refused(431, "the request's head is too long"));
        }
        from = raw.early.len().saturating_sub(3);
        if raw.fill().await? == 0 {
            return Err(HttpError::Io(ErrorKind::UnexpectedEof.into()));
        }
    }
}

/// Gives the head, the length of the body, and whether the connection stays.
fn parse(bytes: &[u8]) -> Result<(Head, usize, bool), HttpError> {
    let bad = HttpError::Refused(400, "this is not an HTTP request");
    let mut rows = [httparse::EMPTY_HEADER; ROWS];
    let mut request = httparse::Request::new(&mut rows);
    if !matches!(request.parse(bytes), Ok(httparse::Status::Complete(_))) {
        return Err(bad);
    }
    let (Some(method), Some(uri), Some(version)) = (request.method, request.path, request.version)
    else {
        return Err(bad);
    };
    let method = match method {
        "GET" => Method::Get,
        "POST" => Method::Post,
        _ => return Err(HttpError::Refused(405, "only GET and POST are known")),
    };
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    let head = Head {
        method,
        uri: uri.to_string(),
        rows: request
            .headers
            .iter()
            .map(|row| (row.name.to_string(), text(row.value)))
            .collect(),
    };
    if head.transfer_encoding().is_some() {
        return Err(HttpError::Refused(411, "a body needs a Content-Length"));
    }
    let left = body_length(&head)?;
    let close = head
        .connection()
        .is_some_and(|value| value.eq_ignore_ascii_case("close"));
    Ok((head, left, version == 1 && !close))
}

fn body_length(head: &Head) -> Result<usize, HttpError> {
    let rows = head.rows.iter();
    let mut lengths = rows.filter(|(name, _)| name.eq_ignore_ascii_case("Content-Length"));
    let Some((_, first)) = lengths.next() else {
        return Ok(0);
    };
    // "+5" is a number to Rust, not to RFC 9110 §8.6; two lengths are an attack.
    if lengths.next().is_some() || !first.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(HttpError::Refused(400, "the Content-Length is not one"));
    }
    match first.parse() {
        Ok(length) if length <= BODY => Ok(length),
        Ok(_) | Err(_) => Err(HttpError::Refused(413, "the body is too long")),
    }
}

async fn within<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, HttpError>>,
) -> Result<T, HttpError> {
    or(work, async {
        Timer::after(limit).await;
        Err(HttpError::Slow)
    })
    .await
}

impl Query for Head {
    fn uri(&self) -> &str {
        &self.uri
    }

    fn method(&self) -> Method {
        self.method
    }
}

impl Headers for Head {
    fn header(&self, name: &str) -> Option<&str> {
        let mut rows = self.rows.iter();
        let row = rows.find(|(row, _)| row.eq_ignore_ascii_case(name));
        row.map(|(_, value)| value.as_str())
    }
}

impl<S> ErrorType for Raw<S> {
    type Error = HttpError;
}

impl<S: AsyncRead + Unpin> Read for Raw<S> {
    async fn read(&mut self, buf: &mut [u8]) -> Result<usize, HttpError> {
        if self.early.is_empty() {
            return Ok(self.stream.read(buf).await?);
        }
        let length = buf.len().min(self.early.len());
        buf[..length].copy_from_slice(&self.early[..length]);
        self.early.drain(..length);
        Ok(length)
    }
}

impl<S: AsyncWrite + Unpin> Write for Raw<S> {
    async fn write(&mut self, buf: &[u8]) -> Result<usize, HttpError> {
        Ok(self.stream.write(buf).await?)
    }

    async fn flush(&mut self) -> Result<(), HttpError> {
        Ok(self.stream.flush().await?)
    }
}

impl<S> ErrorType for Body<S> {
    type Error = HttpError;
}

impl<S: AsyncRead + Unpin> Read for Body<S> {
    async fn read(&mut self, buf: &mut [u8]) -> Result<usize, HttpError> {
        let length = buf.len().min(self.left);
        if length == 0 {
            return Ok(0);
        }
        let patience = self.raw.patience;
        let got = within(patience, self.raw.read(&mut buf[..length])).await?;
        if got == 0 {
            return Err(HttpError::Io(ErrorKind::UnexpectedEof.into()));
        }
        self.left -= got;
        Ok(got)
    }
}

impl<S> Query for Http<S> {
    fn uri(&self) -> &str {
        self.head.uri()
    }

    fn method(&self) -> Method {
        self.head.method()
    }
}

impl<S> Headers for Http<S> {
    fn header(&self, name: &str) -> Option<&str> {
        self.head.header(name)
    }
}

impl<S> ErrorType for Http<S> {
    type Error = HttpError;
}

impl<S: AsyncRead + Unpin> Read for Http<S> {
    async fn read(&mut self, buf: &mut [u8]) -> Result<usize, HttpError> {
        self.body.read(buf).await
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Write for Http<S> {
    /// Adds to the answer; a chunk of its own where the length was not told before.
    async fn write(&mut self, buf: &[u8]) -> Result<usize, HttpError> {
        if buf.is_empty() {
            return Ok(0); // An empty chunk would end the answer.
        }
        match self.answer {
            Answer::NotBegun | Answer::Whole => self.out.extend(buf),
            Answer::Chunked => {
                write!(self.out, "{:x}\r\n", buf.len())?;
                self.out.extend(buf);
                self.out.extend(b"\r\n");
            }
        }
        if self.out.len() >= COLLECT {
            self.flush().await?;
        }
        Ok(buf.len())
    }

    async fn flush(&mut self) -> Result<(), HttpError> {
        let Raw {
            stream, patience, ..
        } = &mut self.body.raw;
        let out = &self.out;
        within(*patience, async { Ok(stream.write_all(out).await?) }).await?;
        self.out.clear();
        Ok(())
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection for Http<S> {
    type Headers = Head;
    type Read = Body<S>;
    type RawConnectionError = HttpError;
    type RawConnection = Raw<S>;

    fn split(&mut self) -> (&Head, &mut Body<S>) {
        (&self.head, &mut self.body)
    }

    /// Begins the answer; without a `Content-Length` row it goes out in chunks.
    async fn initiate_response(
        &mut self,
        status: u16,
        message: Option<&str>,
        headers: &[(&str, &str)],
    ) -> Result<(), HttpError> {
        let message = message.unwrap_or_else(|| reason(status));
        write!(self.out, "HTTP/1.1 {status} {message}\r\n")?;
        for (name, value) in headers {
            write!(self.out, "{name}: {value}\r\n")?;
        }
        let mut names = headers.iter().map(|(name, _)| name);
        let whole = names.any(|name| name.eq_ignore_ascii_case("Content-Length"));
        self.answer = if whole {
            Answer::Whole
        } else {
            self.out.extend(b"Transfer-Encoding: chunked\r\n");
            Answer::Chunked
        };
        if !self.keep {
            self.out.extend(b"Connection: close\r\n");
        }
        self.out.extend(b"\r\n");
        Ok(())
    }

    fn is_response_initiated(&self) -> bool {
        self.answer != Answer::NotBegun
    }

    /// The stream below: the router listens there whether a follower has gone.
    fn raw_connection(&mut self) -> Result<&mut Raw<S>, HttpError> {
        Ok(&mut self.body.raw)
    }
}

/// The usual word for a status that we send.
fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        409 => "Conflict",
        411 => "Length Required",
        413 => "Content Too Large",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        503 => "Service Unavailable",
        _ => "Error",
    }
}

impl From<io::Error> for HttpError {
    fn from(error: io::Error) -> HttpError {
        HttpError::Io(error)
    }
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HttpError::Io(error) => write!(f, "{error}"),
            HttpError::Slow => f.write_str("the peer is too slow"),
            HttpError::Refused(status, text) => write!(f, "{status} {text}"),
        }
    }
}

impl std::error::Error for HttpError {}

impl Error for HttpError {
    fn kind(&self) -> IoKind {
        match self {
            HttpError::Io(error) if error.kind() == ErrorKind::BrokenPipe => IoKind::BrokenPipe,
            HttpError::Io(_) => IoKind::Other,
            HttpError::Slow => IoKind::TimedOut,
            HttpError::Refused(..) => IoKind::InvalidInput,
        }
    }
}

#[cfg(test)]
mod tests;
