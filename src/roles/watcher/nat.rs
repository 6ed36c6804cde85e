//! Ways through a NAT, kept open for the NOTIFYs that come by them.
//!
//! Read RFC 5626 §4.4.2 and RFC 3581 §4. A watch with an account leaves that to the account. Any other sends an empty
//! datagram of two line ends to its server as often as a STUN request would go: no server need know STUN, and whoever
//! expects nothing of the kind throws it away. That the NAT has given us another address shows in the answer to the next
//! refresh.

use super::usage::{Usage, UsageState};
use super::{Action, USAGES, Watcher};
use crate::ground::random::Random;
use crate::ground::table::Id;
use crate::ground::time::Instant;
use crate::ua::retry;
use crate::wire::flow::Transport;

impl Watcher {
    /// Something leads through a NAT: it is kept open from now on.
    pub(super) fn keep_open_soon(&mut self, now: Instant, random: &mut Random) {
        self.next_ping
            .get_or_insert_with(|| now + retry::nat(random));
    }

    /// Keeps open what leads through a NAT, if it is time.
    pub(super) fn keep_open(&mut self, now: Instant, random: &mut Random) {
        if self.next_ping.is_none_or(|at| now < at) {
            return;
        }
        let mut any = false;
        for slot in 0..USAGES as u16 {
            if self
                .usages
                .id_at(slot)
                .is_some_and(|id| self.is_first_there(id))
            {
                self.pings.push(slot);
                any = true;
            }
        }
        self.next_ping = any.then(|| now + retry::nat(random));
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

    /// Whether a usage leads through a NAT, and none before it to the same place.
    fn is_first_there(&self, id: Id<Usage>) -> bool {
        let leads = |usage: &Usage| {
            let watch = self.watches.get(usage.watch);
            watch.is_some_and(|it| it.follows().is_none()) && usage.is_behind_a_nat()
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
}
