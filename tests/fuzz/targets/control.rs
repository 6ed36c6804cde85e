//! The control connection: bytes from whoever can open the socket, in pieces, to the demonstration.

use lampfield::parts::{
    Board, Commands, Options, Paths, Place, Rights, Roll, Runtime, Tls, converse,
};
use lampfield::{Agent, Settings};
use smol::block_on;
use smol::io::{AsyncRead, AsyncWrite};
use std::cell::{Cell, OnceCell};
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

thread_local! {
    static DEMO: OnceCell<Runtime> = const { OnceCell::new() };
}

/// The first byte says how long the pieces are, and whether the caller may change anything.
pub(crate) fn run(bytes: &[u8]) {
    let Some((&how, said)) = bytes.split_first() else {
        return;
    };
    let rights = match how & 1 {
        0 => Rights::Full,
        _ => Rights::Look,
    };
    DEMO.with(|demo| {
        let demo = demo.get_or_init(demonstration);
        let mut stream = Pieces {
            left: said,
            piece: usize::from(how >> 1) * 8 + 1,
            answers: Vec::new(),
        };
        // Whoever goes too early is an error of the stream's.
        let place = Place::new(&Rc::new(Cell::new(0)));
        let _ = block_on(converse(&mut stream, demo.hub(), rights, &place));
        check(&stream.answers);
    });
}

/// One whole answer after the other: each is as long as it says, whatever it repeats of what was said.
fn check(answers: &[u8]) {
    let mut rest = std::str::from_utf8(answers).expect("answers are text");
    while !rest.is_empty() {
        let (head, body) = rest.split_once("\r\n\r\n").expect("a head ends");
        let status = head.strip_prefix("HTTP/1.1 ").and_then(|it| it.get(..3));
        let code = status.and_then(|it| it.parse::<u16>().ok());
        assert!(code.is_some_and(|it| (200..600).contains(&it)), "{rest}");
        let length = head
            .split("\r\n")
            .find_map(|row| row.strip_prefix("Content-Length: "));
        rest = match length {
            Some(length) => &body[length.parse::<usize>().expect("a number")..],
            None => behind_chunks(body),
        };
    }
}

/// What follows a body in chunks; nothing behind one that was cut off.
fn behind_chunks(mut body: &str) -> &str {
    while !body.is_empty() {
        let (length, rest) = body.split_once("\r\n").expect("a chunk has a length");
        let length = usize::from_str_radix(length, 16).expect("a number");
        let (_, rest) = rest.split_at(length);
        body = rest.strip_prefix("\r\n").expect("a chunk ends");
        if length == 0 {
            break;
        }
    }
    body
}

/// The demonstration, without a socket of its own.
fn demonstration() -> Runtime {
    let mut settings = Box::new(Settings::new());
    settings.restore_demo(None);
    let options = Options {
        settings,
        users: Roll::default(),
        tls: Tls::default(),
        listen: Vec::new(),
        control: None,
        state: None,
        board: Board::find(Board::DEFAULT).expect("built in"),
        commands: Commands::default(),
        names: Paths::default(),
        discover: None,
        signals: false,
        reload: Some(Box::new(|| Err("read again".to_string()))),
        lasts: None,
    };
    let agent = Box::leak(Box::new(Agent::new()));
    Runtime::new(agent, options).expect("it starts")
}

/// A stream in memory: what is said in pieces, then its end.
struct Pieces<'a> {
    left: &'a [u8],
    piece: usize,
    answers: Vec<u8>,
}

impl AsyncRead for Pieces<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let len = self.left.len().min(buf.len()).min(self.piece);
        let (taken, left) = self.left.split_at(len);
        buf[..len].copy_from_slice(taken);
        self.left = left;
        Poll::Ready(Ok(len))
    }
}

impl AsyncWrite for Pieces<'_> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.answers.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
