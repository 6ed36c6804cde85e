//! NOTIFYs on streams: what becomes of one whose connection has ended, and which ones leave UDP for TCP.
//!
//! Read RFC 3261 §8.1.3.1, §18.1.1 and §18.4.

use super::Notifier;
use super::notify::Outcome;
use super::subscription::{InFlight, Notify, Subscription, Wants};
use crate::ground::limits;
use crate::ground::table::Id;
use crate::ground::time::Instant;
use crate::txn::client::Client;
use crate::ua::outbound::LONGEST_DATAGRAM;
use crate::wire::flow::{End, Flow, Transport};

impl Notifier {
    /// The connection of `flow` is no more; or, with number 0, none can be had to `flow.remote`. What is in flight
    /// there counts as answered with 503 (RFC 3261 §8.1.3.1), with two exceptions that are tried in another way at
    /// once:
    ///
    /// - The watcher's own connection ended: the newest state goes to its Contact.
    /// - A long NOTIFY left UDP for TCP and was refused: the same NOTIFY goes over UDP, as all that follow (RFC 3261
    ///   §18.1.1).
    pub fn handle_disconnected(&mut self, now: Instant, flow: &Flow, end: End) {
        for slot in 0..limits::SUBSCRIPTIONS as u16 {
            let Some(id) = self.subscriptions.id_at(slot) else {
                continue;
            };
            let Some(subscription) = self.subscriptions.get_mut(id) else {
                continue;
            };
            let was_its_own = subscription.flow.connection != 0;
            let is_there = match subscription.flow.connection {
                0 => subscription.flow.remote == flow.remote,
                number => number == flow.connection,
            };
            if !is_there {
                continue;
            }
            if was_its_own {
                subscription.call_back();
            }
            let Notify::InFlight(in_flight) = subscription.notify else {
                continue;
            };
            if !in_flight.transport.is_reliable() {
                continue;
            }
            match (subscription.flow.transport, end) {
                (Transport::Udp, End::Refused) => {
                    subscription.long_by = Transport::Udp;
                    subscription.notify = Notify::InFlight(in_flight.by_udp(now));
                    self.wake(id);
                }
                (Transport::Udp, End::Silent) => {
                    subscription.long_by = Transport::Udp;
                    self.finish(now, id, in_flight, Outcome::Unreachable);
                }
                (Transport::Tcp | Transport::Tls, _) if was_its_own => self.begin_again(id),
                (Transport::Udp | Transport::Tcp | Transport::Tls, _) => {
                    self.finish(now, id, in_flight, Outcome::Unreachable);
                }
            }
        }
    }

    pub(super) fn begin_again(&mut self, id: Id<Subscription>) {
        if let Some(subscription) = self.subscriptions.get_mut(id) {
            subscription.wants = Wants::Full;
            subscription.notify = Notify::Idle;
            self.wake(id);
        }
    }
}

impl Subscription {
    /// From now on its NOTIFYs go through connections that we open: to the Contact, or the first proxy, if that is at
    /// the address the watcher had (RFC 6665 §6.3). Behind a NAT it is not; then the watcher is tried where it was, and
    /// in vain unless it subscribes again.
    pub(super) fn call_back(&mut self) {
        let listens = self.dialog.next_hop();
        let listens = listens.filter(|address| address.ip() == self.flow.remote.ip());
        self.flow.remote = listens.unwrap_or(self.flow.remote);
        self.flow.connection = 0;
    }

    /// Whether a NOTIFY of `len` bytes, written for `flow`, is better sent by TCP. No connection is opened to where nobody
    /// has been heard of: what listens there may not speak SIP.
    pub(super) fn is_too_long(&self, flow: &Flow, len: usize) -> bool {
        len > LONGEST_DATAGRAM
            && !flow.transport.is_reliable()
            && self.long_by.is_reliable()
            && self.is_proven()
    }
}

impl InFlight {
    /// The same, sent by TCP.
    pub(super) fn by_tcp(mut self, now: Instant) -> InFlight {
        self.client = Client::start(now, self.client.nonce(), true);
        self.transport = Transport::Tcp;
        self
    }

    /// The same, to be sent by UDP with the next poll.
    fn by_udp(mut self, now: Instant) -> InFlight {
        self.client = Client::start(now, self.client.nonce(), false);
        self.transport = Transport::Udp;
        self.resend = true;
        self
    }
}
