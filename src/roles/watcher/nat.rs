//! Ways kept open for the NOTIFYs that come by them: through a NAT, and streams.
//!
//! Read RFC 5626 §4.4 and RFC 3581 §4. A watch with an account leaves that to the account. Any other sends two line ends to
//! its server: by datagram as often as a STUN request would go, but no server need know STUN, and whoever expects nothing
//! of the kind throws them away. That the NAT has given us another address shows in the answer to the next refresh. On a
//! stream they are a ping; one whose server has answered pings, and does so no more, is closed by the shell, and what went
//! through it is asked for at once.

use super::usage::{Usage, UsageState};
use super::{Action, USAGES, Watcher};
use crate::ground::random::Random;
use crate::ground::table::Id;
use crate::ground::time::Instant;
use crate::ua::retry;
use crate::wire::flow::{Flow, Transport};
use core::net::SocketAddr;

impl Watcher {
    /// Something was granted by that flow, by a server that sees us there if it says so: the way is kept open from now on,
    /// if that is a stream or leads through a NAT.
    pub(super) fn keep_open_soon(
        &mut self,
        now: Instant,
        flow: &Flow,
        seen: Option<SocketAddr>,
        random: &mut Random,
    ) {
        if flow.transport.is_reliable() {
            self.next_stream_ping
                .get_or_insert_with(|| now + retry::ping(None, random));
        } else if seen.is_some_and(|it| it != flow.local) {
            self.next_ping
                .get_or_insert_with(|| now + retry::nat(random));
        }
    }

    /// Keeps open what is to be, if it is time.
    pub(super) fn keep_open(&mut self, now: Instant, random: &mut Random) {
        if self.next_ping.is_some_and(|at| at <= now) {
            let any = self.ping_all(Usage::is_behind_a_nat);
            self.next_ping = any.then(|| now + retry::nat(random));
        }
        if self.next_stream_ping.is_some_and(|at| at <= now) {
            let any = self.ping_all(Usage::is_on_a_stream);
            self.next_stream_ping = any.then(|| now + retry::ping(None, random));
        }
    }

    /// Has the ways of all such usages pinged. Whether there is one.
    fn ping_all(&mut self, is_one: fn(&Usage) -> bool) -> bool {
        let mut any = false;
        for slot in 0..USAGES as u16 {
            if self
                .usages
                .id_at(slot)
                .is_some_and(|id| self.is_first_there(id, is_one))
            {
                self.pings.push(slot);
                any = true;
            }
        }
        any
    }

    /// The notifier was told an address that it does not see us at: it is told the other one soon, but not at once, for a NAT
    /// may give us another each time.
    pub(super) fn rename(&mut self, now: Instant, id: Id<Usage>, random: &mut Random) {
        if let Some(usage) = self.usages.get_mut(id)
            && let UsageState::Resting { refresh } = &mut usage.state
        {
            *refresh = (now + retry::recovery(0, random)).min(*refresh);
            self.settle_usage(id);
        }
    }

    /// Whether a usage is such a one, and none before it leads to the same place.
    fn is_first_there(&self, id: Id<Usage>, is_one: fn(&Usage) -> bool) -> bool {
        let leads = |usage: &Usage| {
            let watch = self.watches.get(usage.watch);
            watch.is_some_and(|it| it.follows().is_none()) && is_one(usage)
        };
        let mut there = self.usages.iter().filter(|(_, it)| leads(it));
        let Some(usage) = self.usages.get(id).filter(|it| leads(it)) else {
            return false;
        };
        let first = there.find(|(_, it)| it.peer() == usage.peer());
        first.is_some_and(|(first, _)| first == id)
    }

    /// The next datagram that keeps a NAT open.
    pub(super) fn poll_ping(&mut self, buf: &mut [u8]) -> Option<Action> {
        while let Some(slot) = self.pings.pop() {
            let id = self.usages.id_at(slot);
            if let Some(usage) = id.and_then(|id| self.usages.get(id)) {
                return Action::ping(usage.way.flow, buf);
            }
        }
        None
    }
}

impl Usage {
    fn is_behind_a_nat(&self) -> bool {
        match self.way.flow.transport {
            Transport::Udp => self.way.named != self.way.flow.local,
            Transport::Tcp | Transport::Tls => false,
        }
    }

    const fn is_on_a_stream(&self) -> bool {
        self.way.flow.transport.is_reliable()
    }
}
