//! What was really so, and whether a lamp may say so.

use super::{Moment, clock};
use lampfield::Watched;

/// All that a source ever was.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    whole: Vec<(Moment, Watched)>,
    /// What its parts are, and when a part was last in each state it was ever in: a lamp that missed the news of one
    /// call may show another one's for a moment.
    parts: Vec<Watched>,
    left: Vec<(Moment, Watched)>,
}

impl History {
    pub(crate) fn note(&mut self, now: Moment, state: Watched) {
        if self.whole.last().is_none_or(|(_, last)| *last != state) {
            self.whole.push((now, state));
        }
    }

    /// Notes what its parts are now.
    pub(crate) fn note_parts(&mut self, now: Moment, parts: Vec<Watched>) {
        for part in std::mem::replace(&mut self.parts, parts) {
            self.left.retain(|(_, state)| *state != part);
            self.left.push((now, part));
        }
    }

    /// What the source is now.
    #[track_caller]
    pub(crate) fn last(&self) -> Watched {
        self.whole.last().expect("a source is something").1
    }

    /// When the source was last in `state` at or before `now`; `None` if it never was.
    pub(crate) fn last_time(&self, now: Moment, state: Watched) -> Option<Moment> {
        let whole = self.whole.iter().rposition(|(_, was)| *was == state);
        let whole = whole.map(|at| self.whole.get(at + 1).map_or(now, |(left, _)| *left));
        let part = self.left.iter().find(|(_, was)| *was == state);
        let part = part.map(|(at, _)| *at);
        let part = part.max(self.parts.contains(&state).then_some(now));
        whole.max(part)
    }

    fn tell(&self) -> String {
        let tell = |(at, state): &(Moment, Watched)| format!("{} {}", clock(*at), state.name());
        self.whole.iter().map(tell).collect::<Vec<_>>().join(", ")
    }
}

/// Whether a lamp may show `state`: its source is so, or was so not longer ago than `oldest`. That nothing is known
/// is always honest.
pub(crate) fn judge(
    now: Moment,
    state: Watched,
    history: &History,
    oldest: Moment,
) -> Result<(), String> {
    match state {
        Watched::Unknown | Watched::Subscribing => return Ok(()),
        Watched::Offline
        | Watched::Idle
        | Watched::Away
        | Watched::Closed
        | Watched::Waiting
        | Watched::Dnd
        | Watched::Held
        | Watched::Trying
        | Watched::Busy
        | Watched::Ringing => {}
    }
    match history.last_time(now, state) {
        Some(at) if now - at <= oldest => Ok(()),
        Some(at) => Err(format!(
            "it shows {}, which its source left at {} ({} s ago, at most {} s are allowed); the source: {}",
            state.name(),
            clock(at),
            (now - at) / 1_000_000,
            oldest / 1_000_000,
            history.tell()
        )),
        None => Err(format!(
            "it shows {}, which its source never was; the source: {}",
            state.name(),
            history.tell()
        )),
    }
}
