//! Watchers when an address of ours is no more: each is told where we are now, at once.
//!
//! A NOTIFY is a target refresh request: its Contact is where the watcher sends what comes next (RFC 6665 §3.2, RFC
//! 3261 §12.2). Without it the next refresh would go to where we were.

use super::{Notifier, Subscription};
use crate::ground::limits;
use crate::ua::addresses::LocalAddresses;

impl Notifier {
    /// Our addresses are others now. Who knows us by one that is not among them gets a NOTIFY from the one that leads to
    /// it. Where there is none to lead there, all stays until there is.
    pub fn handle_moves(&mut self, locals: &LocalAddresses) {
        for slot in 0..limits::SUBSCRIPTIONS as u16 {
            let Some(id) = self.subscriptions.id_at(slot) else {
                continue;
            };
            if let Some(subscription) = self.subscriptions.get_mut(id)
                && subscription.follow(locals)
            {
                // No answer finds the way back to the address that what is in flight names.
                self.begin_again(id);
            }
        }
    }
}

impl Subscription {
    /// Leaves an address that is not ours any more for the one that leads to the watcher; says whether it did. The port
    /// stays: it is that of the listener.
    pub(super) fn follow(&mut self, locals: &LocalAddresses) -> bool {
        let Some(now) = locals.towards(self.flow.remote) else {
            return false;
        };
        if locals.has(self.flow.local.ip()) {
            return false;
        }
        self.flow.local.set_ip(now.ip());
        if self.flow.transport.is_reliable() {
            self.call_back();
        }
        true
    }
}
