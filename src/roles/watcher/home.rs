//! From one place of a name to the next, and back to the best (RFC 3263 §4.3).
//!
//! The subscription stays where it is until the best place is known to be there: that is looked at by a fetch beside it. One
//! that gives any answer but a grant is left alone for as long again.

use super::Watcher;
use super::cause::Cause;
use super::watch::{Attempt, Watch};
use crate::ground::random::Random;
use crate::ground::table::Id;
use crate::ground::time::Instant;
use crate::ua::outbound::{Long, Way};
use crate::ua::retry;
use crate::wire::flow::Flow;

impl Watcher {
    /// Looks at the best place, if it is time.
    pub(super) fn look_home(&mut self, now: Instant, id: Id<Watch>, random: &mut Random) {
        let Some(watch) = self.watches.get_mut(id) else {
            return;
        };
        if watch.home.is_none_or(|at| now < at) {
            return;
        }
        let best = watch.targets.best().filter(|_| watch.is_away());
        watch.home = best.map(|_| now + retry::home(random));
        if let Some(best) = best
            && watch.fetch.is_none()
        {
            // From where is found out when it is sent.
            let flow = Flow {
                transport: best.transport,
                ..Flow::udp(Flow::NOWHERE.local, best.address)
            };
            let way = Way {
                flow,
                named: flow.local,
                long: Long::Stays,
            };
            watch.fetch = Some(Attempt::new(now, id.slot(), way, random));
            self.ready_watches.push(id.slot());
        }
    }

    /// The best place grants what is asked: the subscription is made anew there.
    pub(super) fn come_home(&mut self, now: Instant, id: Id<Watch>) {
        if let Some(watch) = self.watches.get_mut(id) {
            watch.targets.go_home();
            self.renew(now, id, false);
        }
    }
}

impl Watch {
    /// The place in use does not work: turns to the next, if it has a way of its own and there is one left in this round.
    pub(super) fn turn(&mut self, cause: Cause) -> bool {
        let is_of_the_place = self.follows().is_none() && cause.is_of_the_place();
        is_of_the_place && self.targets.fail()
    }

    /// Whether it would.
    pub(super) fn may_turn(&self, cause: Cause) -> bool {
        self.follows().is_none() && cause.is_of_the_place() && self.targets.has_next()
    }

    /// A place granted what was asked: from one that is not the best it looks back.
    pub(super) fn settle(&mut self, now: Instant, random: &mut Random) {
        self.targets.settle();
        self.home = match self.is_away() {
            true => self.home.or_else(|| Some(now + retry::home(random))),
            false => None,
        };
    }

    /// Whether the fetch that is out looks at the best place, and asks nothing about the subscription.
    pub(super) fn is_looking_home(&self) -> bool {
        let there = self.fetch.map(|it| it.way.target());
        self.is_away() && there.is_some() && there == self.targets.best()
    }

    /// Whether there is a better place.
    fn is_away(&self) -> bool {
        self.follows().is_none() && self.targets.is_second_best()
    }
}
