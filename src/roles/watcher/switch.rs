//! Do-not-disturb, where a server keeps it too: the package `as-feature-event`.
//!
//! A SUBSCRIBE asks for a change, and a NOTIFY tells what is so. Until what was asked for last is granted, whatever is told
//! may be older than that and does not count: so of two quick presses the second one stays, and of two who switch at the
//! same time both end with what the server says last. A wish that is not granted goes with the next SUBSCRIBE, and with
//! the first one after a failure.

use super::Watcher;
use super::usage::{Usage, UsageState};
use super::watch::Watch;
use super::wish::Wish;
use crate::ground::table::Id;

impl Watcher {
    /// Wants do-not-disturb switched where a watch of `as-feature-event` asks.
    pub fn switch(&mut self, id: Id<Watch>, dnd: bool) {
        if let Some(watch) = self.watches.get_mut(id) {
            watch.wish.want(dnd);
            watch.told_dnd = None;
            self.ask_for_wish(id);
        }
    }

    /// Takes a watch whose server tells how do-not-disturb is, if nothing else is wanted there.
    pub fn take_switched(&mut self) -> Option<(Id<Watch>, bool)> {
        while let Some(slot) = self.switched.pop() {
            if let Some(id) = self.watches.id_at(slot)
                && let Some(watch) = self.watches.get_mut(id)
                && let Some(dnd) = watch.told_dnd.take()
            {
                return Some((id, dnd));
            }
        }
        None
    }

    /// Takes in what a document said of it. A wish that came behind the request of before is asked for.
    pub(super) fn hear_switch(&mut self, id: Id<Watch>, told: Option<bool>) {
        let Some(watch) = self.watches.get_mut(id) else {
            return;
        };
        if watch.wish.is_open() {
            return self.ask_for_wish(id);
        }
        if watch.wish == Wish::NONE && told.is_some() {
            watch.told_dnd = told;
            self.switched.push(id.slot());
        }
    }

    /// Asks at once, unless a request is on its way: then behind it.
    fn ask_for_wish(&mut self, id: Id<Watch>) {
        let first = self
            .watches
            .get(id)
            .and_then(|it| it.usages.first().copied());
        if let Some(usage) = first
            && self.usages.get(usage).is_some_and(Usage::rests)
        {
            self.refresh(usage);
            self.settle_usage(usage);
        }
    }

    /// Whether nothing is wanted of any server that it has not granted, for the end of a test.
    #[cfg(test)]
    pub fn has_no_wish(&self, id: Id<Watch>) -> bool {
        self.watches.get(id).is_some_and(|it| it.wish == Wish::NONE)
    }
}

impl Usage {
    const fn rests(&self) -> bool {
        match &self.state {
            UsageState::Resting { .. } => true,
            UsageState::Refreshing(_) | UsageState::Ending(_) => false,
        }
    }
}
