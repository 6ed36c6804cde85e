//! A stream in memory.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::vec::Vec;

use smol::io::{AsyncRead, AsyncWrite};

/// A stream that gives what it is told in these pieces, then ends; what is written to it is kept.
pub(crate) struct Pieces {
    pieces: VecDeque<Vec<u8>>,
    pub(crate) written: Vec<u8>,
}

impl Pieces {
    pub(crate) fn new(pieces: &[&[u8]]) -> Pieces {
        let kept = pieces.iter().filter(|piece| !piece.is_empty());
        Pieces {
            pieces: kept.map(|piece| piece.to_vec()).collect(),
            written: Vec::new(),
        }
    }
}

impl AsyncRead for Pieces {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let Some(mut piece) = self.pieces.pop_front() else {
            return Poll::Ready(Ok(0));
        };
        let length = piece.len().min(buf.len());
        buf[..length].copy_from_slice(&piece[..length]);
        if length < piece.len() {
            self.pieces.push_front(piece.split_off(length));
        }
        Poll::Ready(Ok(length))
    }
}

impl AsyncWrite for Pieces {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.written.extend(buf);
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
