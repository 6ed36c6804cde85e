//! A request of a model peer until its final answer: RFC 3261 §17.1.2, written a second time.

use super::{MILLI, Moment, SECOND};

/// A request that is sent again until it is answered, for 32 seconds.
#[derive(Clone, Debug)]
pub(crate) struct Pending {
    pub(crate) text: String,
    pub(crate) branch: String,
    pub(crate) cseq: u32,
    ends: Moment,
    next: Moment,
    interval: Moment,
}

/// What time brings to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tick {
    Nothing,
    Resend,
    Dead,
}

impl Pending {
    pub(crate) fn new(now: Moment, text: String, branch: String, cseq: u32) -> Pending {
        Pending {
            text,
            branch,
            cseq,
            ends: now + 32 * SECOND,
            next: now + 500 * MILLI,
            interval: 500 * MILLI,
        }
    }

    pub(crate) fn due(&self) -> Moment {
        self.next.min(self.ends)
    }

    pub(crate) fn tick(&mut self, now: Moment) -> Tick {
        if now >= self.ends {
            return Tick::Dead;
        }
        if now < self.next {
            return Tick::Nothing;
        }
        self.interval = (self.interval * 2).min(4 * SECOND);
        self.next = now + self.interval;
        Tick::Resend
    }
}
