//! Who has the places for TCP, as `GET /status` shows them.

use std::string::{String, ToString};
use std::vec::Vec;

use serde::Serialize;

use super::Now;
use crate::ground::limits;
use crate::shell::net::streams::{Held, Streams};

/// The places for connections.
#[derive(Debug, Serialize)]
pub struct Connections {
    places: usize,
    refused: u64,
    taken: Vec<Taken>,
}

#[derive(Debug, Serialize)]
struct Taken {
    remote: String,
    whose: &'static str,
    since_s: u64,
}

impl Connections {
    /// As they are now.
    pub(super) fn new(streams: &Streams, now: Now) -> Connections {
        let taken = |it: Held| Taken {
            remote: it.remote.to_string(),
            whose: it.whose.name(),
            since_s: now.ago(it.since),
        };
        Connections {
            places: limits::CONNECTIONS,
            refused: streams.refused(),
            taken: streams.held().map(taken).collect(),
        }
    }
}
