//! How sure a watcher is of what it was told: the data of an audit. See `audit` for what is done with it.

use crate::events::watched::Watched;
use crate::ground::random::Random;
use crate::ground::time::{Duration, Instant, Seconds};

/// Between two questions about one lamp at least.
pub(super) const MINUTE: Duration = Duration::from_secs(60);

/// A phone that rings or dials longer than this is hard to believe.
const RINGS: Duration = Duration::from_secs(120);

/// A call, or a held one.
const TALKS: Duration = Duration::from_secs(3_600);

/// Fetches in a row that a new subscription proved wrong: a server that errs so often is not believed.
const MISLED: u8 = 2;

/// How sure the state of a usage is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Audit {
    /// When its first NOTIFY came, and its last.
    pub(super) opened: Instant,
    pub(super) heard: Instant,
    /// What the dialog says, if that ends by itself, and since when.
    pub(super) says: Option<Watched>,
    pub(super) since: Instant,
    /// When a document last said what is known, here or beside the dialog.
    pub(super) confirmed: Instant,
    /// When the last question was asked.
    pub(super) asked: Option<Instant>,
    pub(super) next: Option<(Instant, Ask)>,
}

/// How to find out whether a state is still so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ask {
    /// A refresh in the dialog (RFC 6665 §4.1.2.2).
    Refresh,
    /// A subscription that ends at once, beside it (RFC 6665 §4.4.3).
    Fetch,
    /// A new subscription in its place: the server contradicts itself.
    Renew,
}

/// What a watch found out about its server's answers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Auditor {
    /// How often each way of asking is used; zero for never.
    pub(super) period: Seconds,
    /// Whether the server refuses fetches, or answers them with nothing.
    pub(super) refused: bool,
    /// No fetch before this: the server asked us to wait.
    pub(super) quiet: Instant,
    /// Fetches in a row that were wrong, and what the dialog said when the last one contradicted it.
    pub(super) misled: u8,
    pub(super) before: Option<Watched>,
}

/// Why what is known of the watched is doubtful although the subscription stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// The server was asked whether it is still so, and has not answered yet.
    Asked,
    /// It said one thing in the subscription and another beside it.
    Contradicted,
    /// It was asked, and its answers say nothing.
    Unconfirmed,
    /// A document in between is missing, and a full one was asked for (RFC 4235 §4.3).
    Gap,
}

impl Doubt {
    /// The words for it.
    pub const fn reason(self) -> &'static str {
        match self {
            Doubt::Asked => "asked, no answer yet",
            Doubt::Contradicted => "contradicted",
            Doubt::Unconfirmed => "not confirmed",
            Doubt::Gap => "a document is missing",
        }
    }
}

impl Audit {
    /// Nothing was told yet.
    pub(super) const fn new(now: Instant) -> Audit {
        Audit {
            opened: now,
            heard: now,
            says: None,
            since: now,
            confirmed: now,
            asked: None,
            next: None,
        }
    }

    /// When the next question is due.
    pub(super) fn due(&self) -> Option<Instant> {
        self.next.map(|(at, _)| at)
    }

    /// A document told `known`, or nothing that can be known.
    pub(super) fn hear(
        &mut self,
        now: Instant,
        known: Option<Watched>,
        period: Seconds,
        random: &mut Random,
    ) {
        let says = known.filter(|watched| lasts(*watched).is_some());
        self.confirmed = now;
        if says == self.says {
            return;
        }
        (self.says, self.since) = (says, now);
        let is_doubted = says.is_some() && period > Seconds::ZERO;
        self.next = match self.next {
            _ if !is_doubted => None,
            // One call after the other: the questions go on, or who changes often is never fetched.
            Some((at, ask @ (Ask::Refresh | Ask::Fetch))) => Some((at, ask)),
            Some((_, Ask::Renew)) | None => Some((now + between(period, random), Ask::Refresh)),
        };
    }
}

impl Auditor {
    pub(super) const fn new(period: Seconds) -> Auditor {
        Auditor {
            period,
            refused: false,
            quiet: Instant::ZERO,
            misled: 0,
            before: None,
        }
    }

    pub(super) const fn may_fetch(&self) -> bool {
        !self.refused && self.misled < MISLED
    }
}

/// How long a state is believed that ends by itself; `None` for one that does not.
pub(super) const fn lasts(watched: Watched) -> Option<Duration> {
    match watched {
        Watched::Ringing | Watched::Trying => Some(RINGS),
        Watched::Busy | Watched::Held => Some(TALKS),
        Watched::Unknown
        | Watched::Subscribing
        | Watched::Offline
        | Watched::Idle
        | Watched::Away
        | Watched::Closed
        | Watched::Waiting
        | Watched::Dnd => None,
    }
}

/// The time between two questions: half an audit, as there are two ways to ask, and never less than a minute.
pub(super) fn between(period: Seconds, random: &mut Random) -> Duration {
    let half = (period.duration() / 2).max(MINUTE);
    random.duration(half, half / 24)
}

/// How long nothing may be heard of a server.
pub(super) fn silence(period: Seconds) -> Duration {
    period.duration() * 7 / 8
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::vec::Vec;

    #[test]
    fn only_what_ends_by_itself_is_doubted() {
        let doubted = Watched::ALL.into_iter().filter(|it| lasts(*it).is_some());
        let doubted: Vec<Watched> = doubted.collect();
        let calls = [
            Watched::Trying,
            Watched::Held,
            Watched::Busy,
            Watched::Ringing,
        ];
        assert_eq!(doubted, calls);
    }

    #[test]
    fn two_ways_to_ask_share_an_audit_and_a_minute_is_the_least() {
        let mut random = Random::new();
        random.seed([1, 2]);
        for (period, half) in [(120, 60), (60, 60), (600, 300)] {
            for _ in 0..100 {
                let pause = between(Seconds(period), &mut random);
                let half = Duration::from_secs(half);
                assert!(pause >= half && pause <= half * 25 / 24);
            }
        }
    }
}
