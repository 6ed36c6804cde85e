//! Wrong passwords, counted where they come from and for whom (RFC 7616 §5.8): whoever guesses is soon heard only every
//! few seconds. Nobody is locked out: from elsewhere the user gets in, and with a nonce that has proved its password from
//! there too.

use crate::ground::limits::FAILURES;
use crate::ground::time::{Duration, Instant};
use heapless::Vec;

/// So many wrong passwords are looked at as fast as they come.
pub(super) const FREE: u8 = 10;

/// After them, one in so long.
pub(super) const APART: Duration = Duration::from_secs(4);

/// After so long without another one all is forgotten.
const FORGIVEN: Duration = Duration::from_secs(900);

/// The sources of wrong passwords. Full: the one that has been quiet for longest makes way.
pub(super) struct Failures {
    sources: Vec<Source, FAILURES>,
    /// Those with a nonce that was never given to where they come from. Who they are is not known: they share one count.
    unknown: Count,
}

struct Source {
    key: u64,
    count: Count,
}

/// Wrong passwords of one source.
#[derive(Clone, Copy)]
struct Count {
    wrong: u8,
    last: Instant,
}

impl Failures {
    pub(super) const fn new() -> Failures {
        Failures {
            sources: Vec::new(),
            unknown: Count::NONE,
        }
    }

    /// Whether a password from this source is looked at; `None` for one that is anywhere.
    pub(super) fn may_try(&self, now: Instant, source: Option<u64>) -> bool {
        match source {
            None => self.unknown.may_try(now),
            Some(key) => self.find(key).is_none_or(|it| it.count.may_try(now)),
        }
    }

    /// Its password was wrong.
    pub(super) fn note(&mut self, now: Instant, source: Option<u64>) {
        let Some(key) = source else {
            return self.unknown.add(now);
        };
        if let Some(known) = self.sources.iter_mut().find(|it| it.key == key) {
            return known.count.add(now);
        }
        if self.sources.is_full() {
            let places = 0..self.sources.len();
            if let Some(quiet) = places.min_by_key(|at| self.sources[*at].count.last) {
                self.sources.swap_remove(quiet);
            }
        }
        let mut count = Count::NONE;
        count.add(now);
        let _ = self.sources.push(Source { key, count }); // There is room now.
    }

    /// It was right.
    pub(super) fn forgive(&mut self, key: u64) {
        self.sources.retain(|it| it.key != key);
    }

    fn find(&self, key: u64) -> Option<&Source> {
        self.sources.iter().find(|it| it.key == key)
    }
}

impl Count {
    const NONE: Count = Count {
        wrong: 0,
        last: Instant::ZERO,
    };

    fn may_try(self, now: Instant) -> bool {
        self.wrong < FREE || now - self.last >= APART
    }

    fn add(&mut self, now: Instant) {
        if now - self.last >= FORGIVEN {
            self.wrong = 0;
        }
        self.wrong = self.wrong.saturating_add(1);
        self.last = now;
    }
}
