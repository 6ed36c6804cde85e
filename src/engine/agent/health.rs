//! Whether all is well with us: what a health lamp shows.
//!
//! Kept up to date watch by watch; nothing is ever counted anew while messages come.

use super::Agent;
use crate::events::watched::Watched;
use crate::ground::limits;
use crate::ground::time::{Instant, Moment};
use crate::roles::upstream::Stands;
use crate::users::lamps::Shows;

/// The watches and the servers above us by how they stand, and the panel.
pub(super) struct Health {
    standings: [Standing; PARTS],
    counts: [u16; Standing::COUNT],
    /// Since when at least one watch has been in doubt without end.
    doubt: Instant,
    panel_is_broken: bool,
}

/// What may be ill: each watch, then each upstream.
const PARTS: usize = limits::WATCHES + limits::UPSTREAMS;

/// How a watch stands, or an upstream.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// Its notifier vouches for what is known; or there is no such watch.
    Well,
    /// The first subscription is under way.
    Subscribing,
    /// Something is known that nobody vouches for at present.
    InDoubt,
    /// Nothing is known.
    Broken,
}

impl Standing {
    const COUNT: usize = Standing::Broken as usize + 1;

    /// That of a link, and since when it has not stood as it should.
    const fn of_link(stands: Stands) -> Standing {
        match stands {
            Stands::Off | Stands::Yes => Standing::Well,
            Stands::Waiting => Standing::Subscribing,
            Stands::Retrying | Stands::Refused => Standing::InDoubt,
        }
    }

    /// That of a watch that knows this, and since when that is in doubt.
    const fn of(watched: Watched, broken_since: Option<Instant>) -> Standing {
        match (watched, broken_since) {
            (Watched::Unknown, _) => Standing::Broken,
            (Watched::Subscribing, _) => Standing::Subscribing,
            (_, Some(_)) => Standing::InDoubt,
            (_, None) => Standing::Well,
        }
    }
}

impl Health {
    /// There is nothing that could be ill.
    pub(super) const fn new() -> Health {
        Health {
            standings: [Standing::Well; PARTS],
            counts: [0; Standing::COUNT],
            doubt: Instant::ZERO,
            panel_is_broken: false,
        }
    }

    /// What a health lamp knows, and since when that is in doubt. Its grace is that of every lamp: a server that
    /// restarts does not make it flicker.
    pub(super) fn known(&self) -> (Watched, Option<Instant>) {
        let has = |standing: Standing| self.counts[standing as usize] > 0;
        if self.panel_is_broken || has(Standing::Broken) {
            (Watched::Unknown, None)
        } else if has(Standing::InDoubt) {
            (Watched::Idle, Some(self.doubt))
        } else if has(Standing::Subscribing) {
            (Watched::Subscribing, None)
        } else {
            (Watched::Idle, None)
        }
    }

    /// What is wrong, for a person.
    pub(super) fn trouble(&self) -> Option<&'static str> {
        let has = |standing: Standing| self.counts[standing as usize] > 0;
        if self.panel_is_broken {
            Some("a line of the panel is in trouble")
        } else if has(Standing::Broken) {
            Some("of somebody watched nothing is known")
        } else if has(Standing::InDoubt) {
            Some("a subscription, a registration or a publication is broken")
        } else {
            None
        }
    }

    /// As [`Health::note`]; says whether that is news.
    fn takes_in(&mut self, part: usize, standing: Standing, since: Instant) -> bool {
        let is_news = self.standings[part] != standing;
        if is_news {
            self.note(part, standing, since);
        }
        is_news
    }

    /// A part stands like that from now on; one in doubt has been so since then.
    fn note(&mut self, part: usize, standing: Standing, since: Instant) {
        let old = core::mem::replace(&mut self.standings[part], standing);
        let doubts = self.counts[Standing::InDoubt as usize];
        self.counts[old as usize] = self.counts[old as usize].saturating_sub(1);
        self.counts[standing as usize] += 1;
        if doubts == 0 && standing == Standing::InDoubt {
            self.doubt = since;
        }
    }
}

impl Agent {
    /// Whether every line of the panel works.
    pub fn handle_panel(&mut self, moment: Moment, healthy: bool) {
        self.health.panel_is_broken = !healthy;
        self.relight_showing(moment.now, Shows::Health);
    }

    /// A watch of the settings stands as it did, or otherwise.
    pub(super) fn examine(&mut self, now: Instant, watch: usize) {
        if self.finds_otherwise(now, watch) {
            self.relight_showing(now, Shows::Health);
        }
    }

    /// As [`Agent::examine`], also for the watches that feed lamps together with this one: whether one of them can do
    /// without its package depends on the other.
    pub(super) fn examine_with_others(&mut self, now: Instant, watch: u16) {
        self.examine(now, watch.into());
        for lamp in 0..self.settings.lamps.len() {
            if let Some(other) = self.settings.lamps[lamp].shows.beside(watch) {
                self.examine(now, other.into());
            }
        }
    }

    /// As [`Agent::examine`], for all there can be: the settings are new, and all lamps are about to be relit. What is
    /// in doubt may be so under another number; it gets no new grace.
    pub(super) fn examine_all(&mut self, now: Instant) {
        for watch in 0..limits::WATCHES {
            self.finds_otherwise(now, watch);
        }
        for upstream in 0..limits::UPSTREAMS {
            self.finds_link_otherwise(now, upstream);
        }
    }

    /// As [`Agent::examine`], for an upstream of the settings.
    pub(super) fn examine_link(&mut self, now: Instant, upstream: usize) {
        if self.finds_link_otherwise(now, upstream) {
            self.relight_showing(now, Shows::Health);
        }
    }

    fn finds_link_otherwise(&mut self, now: Instant, upstream: usize) -> bool {
        let id = self.links.get(upstream).copied().flatten();
        let standing = id.and_then(|id| self.upstreams.standing(now, id));
        let (standing, since) = match standing {
            Some((stands, since)) => (Standing::of_link(stands), since),
            None => (Standing::Well, None),
        };
        self.health
            .takes_in(limits::WATCHES + upstream, standing, since.unwrap_or(now))
    }

    /// Takes in how a watch stands. Whether that is news.
    fn finds_otherwise(&mut self, now: Instant, watch: usize) -> bool {
        let (watched, since) = self.known_of(watch);
        let standing = match watch < self.watches.len() {
            true if self.is_dispensable(watch as u16) => Standing::Well,
            true => Standing::of(watched, since),
            false => Standing::Well,
        };
        self.health.takes_in(watch, standing, since.unwrap_or(now))
    }

    /// Whether the server does not have the package of a watch, and every lamp that it feeds has another watch at hand.
    fn is_dispensable(&self, watch: u16) -> bool {
        if !self.lacks_package(watch.into()) {
            return false;
        }
        let all = self.settings.lamps.iter().map(|lamp| lamp.shows);
        let mut others = all.filter_map(|shows| match shows.beside(watch) {
            Some(other) => Some(!self.lacks_package(other.into())),
            None => (shows.watch() == Some(watch)).then_some(false),
        });
        others.next() == Some(true) && others.all(|is_at_hand| is_at_hand)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::random::Random;

    const ALL: [Standing; Standing::COUNT] = [
        Standing::Well,
        Standing::Subscribing,
        Standing::InDoubt,
        Standing::Broken,
    ];

    #[test]
    fn what_is_counted_is_what_a_look_at_all_watches_would_say() {
        let mut random = Random::new();
        random.seed([7, 9]);
        let mut health = Health::new();
        let mut doubt = None;
        for step in 1..5_000 {
            let now = Instant::from_millis(step);
            let watch = random.bits() as usize % limits::WATCHES;
            // Mostly well, or it would hardly ever be so of all.
            let standing = ALL[(random.bits() as usize % 40).saturating_sub(36)];
            health.note(watch, standing, now);
            let has = |wanted: Standing| health.standings.contains(&wanted);
            doubt = has(Standing::InDoubt).then(|| doubt.unwrap_or(now));
            let expected = if has(Standing::Broken) {
                (Watched::Unknown, None)
            } else if let Some(doubt) = doubt {
                (Watched::Idle, Some(doubt))
            } else if has(Standing::Subscribing) {
                (Watched::Subscribing, None)
            } else {
                (Watched::Idle, None)
            };
            assert_eq!(health.known(), expected, "step {step}");
        }
    }
}
