//! Answers that wait a little, so that several go out together and those that were given meanwhile do not (RFC 6762 §6).

use std::net::SocketAddr;
use std::vec::Vec;

use super::links::Origin;
use super::message::{Message, Record};
use crate::ground::random::Random;
use crate::ground::time::{Duration, Instant};

/// Answers that wait to be sent together with others. Full: further questions are not answered, and asked again.
const PENDING: usize = 64;

/// How long an answer waits that others may give as well (§6), and one for which the question is not all there (§7.2).
const SHARED: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(100));
const CUT: (Duration, Duration) = (Duration::from_millis(400), Duration::from_millis(100));

/// The answers that wait.
#[derive(Debug, Default)]
pub struct Answers(Vec<Pending>);

/// An answer that waits.
#[derive(Debug)]
pub struct Pending {
    /// On which interface it goes out, and whether over IPv6.
    pub link: (u32, bool),
    /// What it says.
    pub records: Vec<Record>,
    /// Whether it defends names that somebody else is about to claim.
    pub is_defence: bool,
    at: Instant,
    /// Who asks, as long as he is the only one.
    asker: Option<SocketAddr>,
}

impl Answers {
    /// Answers everybody, soon.
    pub fn add(
        &mut self,
        now: Instant,
        origin: Origin,
        message: &Message,
        records: Vec<Record>,
        random: &mut Random,
    ) {
        let is_defence = !message.claims.is_empty();
        let is_shared = records.iter().any(|it| !it.flushes);
        let wait = match (is_defence, message.is_cut, is_shared) {
            (true, _, _) | (false, false, false) => Duration::ZERO,
            (false, true, _) => random.duration(CUT.0, CUT.1),
            (false, false, true) => random.duration(SHARED.0, SHARED.1),
        };
        let (link, at) = ((origin.link, origin.source.is_ipv6()), now + wait);
        let beside = |it: &&mut Pending| it.link == link && it.is_defence == is_defence;
        if let Some(pending) = self.0.iter_mut().find(beside) {
            for record in records {
                if !pending.records.contains(&record) {
                    pending.records.push(record);
                }
            }
            // Whoever goes on asking holds up nobody.
            pending.at = if message.is_cut {
                pending.at.max(at)
            } else {
                pending.at.min(at)
            };
            pending.asker = pending.asker.filter(|it| *it == origin.source);
        } else if self.0.len() < PENDING {
            self.0.push(Pending {
                link,
                records,
                is_defence,
                at,
                asker: Some(origin.source),
            });
        }
    }

    /// The rest of what an asker knows already (§7.2).
    pub fn forget_known(&mut self, origin: Origin, message: &Message) {
        let his = |it: &&mut Pending| it.asker == Some(origin.source);
        for pending in self.0.iter_mut().filter(his) {
            let is_known = |record: &Record| message.answers.iter().any(|it| it.is_same(record));
            pending.records.retain(|it| !is_known(it));
        }
    }

    /// What is to be sent now.
    pub fn take_due(&mut self, now: Instant) -> Option<Pending> {
        let at = self.0.iter().position(|it| it.at <= now)?;
        Some(self.0.swap_remove(at))
    }

    /// When something is to be sent.
    pub fn due(&self) -> Option<Instant> {
        self.0.iter().map(|it| it.at).min()
    }

    /// Nothing waits any more.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}
