//! What a role learns of a server that others of us speak to as well.
//!
//! A server that gave no answer is *silent* until one of us hears of it. Then everybody asks who waited for that, and not
//! when his own delay is over: after an outage all come back together.

use crate::ground::time::Instant;
use core::net::SocketAddr;
use heapless::Deque;

/// What was learnt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// It granted a request.
    Heard,
    /// It gave no answer to a request that was sent then.
    Silent {
        /// When.
        since: Instant,
    },
}

/// What others are still to hear of.
///
/// Full: the newest is lost. Who would have needed it finds out by his own timers.
pub struct News(Deque<(SocketAddr, Reach), 8>);

impl News {
    /// There is none.
    pub const fn new() -> News {
        News(Deque::new())
    }

    /// Something was learnt of the server at `remote`.
    pub fn tell(&mut self, remote: SocketAddr, reach: Reach) {
        if !self.0.iter().any(|it| *it == (remote, reach)) {
            let _ = self.0.push_back((remote, reach));
        }
    }

    /// Takes the oldest.
    pub fn take(&mut self) -> Option<(SocketAddr, Reach)> {
        self.0.pop_front()
    }
}

impl Default for News {
    fn default() -> News {
        News::new()
    }
}
