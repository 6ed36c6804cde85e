//! Hosts that are elsewhere than before, and who is to be asked for there.
//!
//! Nobody is told so by SIP: the shell hears it from the network (RFC 6762 §8.4), where anybody may say it. So it makes a
//! watch ask, and no more; what a lamp shows comes from the notifier that answers.

use super::Watcher;
use super::watch::{State, Watch};
use crate::ground::limits;
use crate::ground::random::Random;
use crate::ground::table::Id;
use crate::ground::text::Text;
use crate::ground::time::Instant;
use crate::txn::T1;
use crate::ua::next_hop::NextHop;
use crate::ua::query::Query;
use crate::ua::retry;
use crate::wire::sip::Uri;
use core::fmt::Write;
use core::net::IpAddr;

impl Watcher {
    /// `host` has these addresses now, or is there at last: watches that go there by its name, and were told from none of
    /// them, ask for its address anew, one after the other.
    pub fn handle_host(
        &mut self,
        now: Instant,
        host: &str,
        addresses: &[IpAddr],
        random: &mut Random,
    ) {
        let mut nth = 0;
        for slot in 0..limits::WATCHES as u16 {
            if let Some(id) = self.watches.id_at(slot)
                && self.watches.get(id).is_some_and(|it| it.goes_to(host))
                && self.visit(now, id, now + retry::paced(nth, random), addresses)
            {
                nth += 1;
            }
        }
    }

    /// Whom the one who answers a query wants to be asked for: he stands in the Request-URI from now on, at the host that
    /// stands there already. Nothing becomes of a user that no URI can hold.
    pub fn handle_user(&mut self, query: Query, user: &str) {
        let Some(id) = self.find_query(query) else {
            return;
        };
        if let Some(watch) = self.watches.get_mut(id)
            && let Some(target) = watch.target_of(user)
        {
            watch.target = target;
        }
    }

    /// Says whether it is to ask.
    fn visit(&mut self, now: Instant, id: Id<Watch>, soon: Instant, addresses: &[IpAddr]) -> bool {
        let Some(watch) = self.watches.get_mut(id) else {
            return false;
        };
        match &mut watch.state {
            State::Waiting { until } => {
                // Who was asked to wait waits.
                *until = (*until).min(soon.max(watch.not_before));
                watch.failures = 0;
                self.settle_watch(id);
                true
            }
            State::Asking(attempt) => {
                let is_there = addresses.contains(&attempt.way.flow.remote.ip());
                let asks = !is_there || now - attempt.sent >= T1;
                if asks {
                    self.seek(id, true);
                }
                asks
            }
            State::Told { .. } => {
                let told = watch.usages.iter().filter_map(|it| self.usages.get(*it));
                let told = told.map(|usage| usage.peer().ip());
                let asked = watch.targets.here().map(|it| it.address.ip());
                let is_there = told.chain(asked).any(|ip| addresses.contains(&ip));
                if !is_there {
                    self.begin_anew(now, id, soon);
                }
                !is_there
            }
            State::Listed | State::Seeking { .. } | State::Resolving { .. } | State::Ending(_) => {
                false
            }
        }
    }
}

impl Watch {
    /// Whether its requests go to that name.
    fn goes_to(&self, host: &str) -> bool {
        self.follows().is_none()
            && matches!(self.hop(), Ok(NextHop::Name(name, _)) if name.eq_ignore_ascii_case(host))
    }

    /// The target with another user.
    fn target_of(&self, user: &str) -> Option<Text<{ limits::URI }>> {
        let uri = Uri::parse(self.target.as_bytes()).ok()?;
        let host = uri.sip()?.host;
        let mut target = Text::new();
        write!(target, "sip:{user}@{host}").ok()?;
        let is_plain = |uri: &Uri<'_>| {
            uri.sip().is_some_and(|it| {
                it.host == host && it.headers.is_empty() && it.user == Some(user.as_bytes())
            })
        };
        let is_good = Uri::parse(target.as_bytes()).is_ok_and(|uri| is_plain(&uri));
        is_good.then_some(target)
    }
}
