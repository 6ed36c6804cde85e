//! What must hold on the wire, whatever happens: watched over all that agents send and are given.
//!
//! The bounds are those of a healthy agent in the worst weather. One request that nobody answers is sent eleven
//! times in 32 s (RFC 3261 §17.1.2). A watch sends one request at a time: new ones at most every 5 s for a gap in
//! the documents, or with back-off from 1.5 s after a failure. A notifier's changes are paced to one a second for
//! `dialog`, and a NOTIFY sent again was in flight for half a second.

use super::attacker::mark;
use super::chance::{Map, Plain, Set};
use super::sip::{Sip, attribute};
use super::{Moment, SECOND};
use std::hash::{Hash, Hasher};
use std::net::SocketAddr;

/// Copies of SUBSCRIBEs of one watch in any minute: two Timer F cycles, and twelve requests for a gap sent twice.
const SUBSCRIBES: usize = 48;

/// Different SUBSCRIBEs of one watch in any minute. Where a server has not the package, and wants to be asked for longer,
/// one attempt takes three.
const NEW_SUBSCRIBES: usize = 24;

/// Copies of NOTIFYs of one subscription in any minute: a hook that chatters is heard for a second and more, and where the
/// owner wants no pace, each edge is told.
const NOTIFIES: usize = 180;

/// What is known of the agents' traffic.
#[derive(Default)]
pub(crate) struct Wiretap {
    told: Map<Dialog, Telling>,
    /// By agent and watch: when each SUBSCRIBE was sent, and its branch.
    asked: Map<(SocketAddr, Digest), Vec<(Moment, Digest)>>,
    /// By who owes an answer, to whom, and the request's branch.
    owed: Map<(SocketAddr, SocketAddr, Digest), u32>,
    printed: Map<SocketAddr, Printed>,
    leaving: Set<SocketAddr>,
    /// Agents that began anew at least once.
    restarted: Set<SocketAddr>,
    pub(crate) requests: u64,
}

/// What stands for a text: two are not told apart once in 2⁶⁴ times.
type Digest = u64;

/// A dialog by its agent, and its Call-ID with the agent's tag.
type Dialog = (SocketAddr, Digest);

/// The documents that an agent told. It keeps the last few: a NOTIFY whose document made way for newer ones can't be
/// sent again, and gives way to the newest state.
#[derive(Default)]
struct Printed {
    told: u64,
    /// When each was told first, counted in documents.
    first: Map<Digest, u64>,
}

/// Documents kept by an agent at least.
const KEPT: u64 = 15;

/// The NOTIFYs of one subscription that an agent serves.
#[derive(Default)]
struct Telling {
    cseq: u32,
    bytes: Vec<u8>,
    version: Option<u32>,
    /// The CSeq that is in flight, since when, and when its document was new.
    in_flight: Option<(u32, Moment, u64)>,
    /// A SUBSCRIBE came since.
    asked: bool,
    copies: Vec<Moment>,
}

impl Wiretap {
    /// An agent sends.
    pub(crate) fn sent(
        &mut self,
        now: Moment,
        from: SocketAddr,
        to: SocketAddr,
        bytes: &[u8],
    ) -> Result<(), String> {
        let text = core::str::from_utf8(bytes).map_err(|_| "an agent sends no text")?;
        let sip = Sip::of(text);
        let written = sip.number("Content-Length") as usize;
        if written != sip.body.len() {
            return Err(format!("Content-Length {written}: {text}"));
        }
        let call_id = sip.header("Call-ID");
        let is_evil = sip.method().is_some() && call_id.starts_with("evil");
        if is_evil && !call_id.starts_with(&mark(to.ip())) {
            return Err(format!("{to} is told what somebody else asked for: {text}"));
        }
        match sip.method() {
            Some("NOTIFY") => self.notify_sent(now, from, &sip, bytes),
            Some("SUBSCRIBE") => self.subscribe_sent(now, from, &sip),
            Some(other) => Err(format!("nobody asked for {other}")),
            None => self.answer_sent(from, to, &sip),
        }
    }

    /// An agent is given a datagram.
    pub(crate) fn delivered(&mut self, from: SocketAddr, to: SocketAddr, bytes: &[u8]) {
        let Ok(text) = core::str::from_utf8(bytes) else {
            return;
        };
        let sip = Sip::of(text);
        match (sip.method(), sip.status()) {
            (Some(_), _) => {
                let owed = (to, from, digest(&[sip.branch()]));
                *self.owed.entry(owed).or_default() += 1;
                let telling = self.told.get_mut(&dialog(to, &sip, "To"));
                if let Some(telling) = telling {
                    telling.asked = true;
                }
            }
            (None, Some(200..)) if sip.cseq().1 == "NOTIFY" => {
                if let Some(telling) = self.told.get_mut(&dialog(to, &sip, "From"))
                    && telling
                        .in_flight
                        .is_some_and(|(cseq, ..)| cseq == sip.cseq().0)
                {
                    telling.in_flight = None;
                }
            }
            (None, _) => {}
        }
    }

    /// An agent is told that nobody is at `remote`: what is in flight to it is over.
    pub(crate) fn unreachable(&mut self, agent: SocketAddr) {
        self.land(agent);
    }

    /// An agent was told to stop.
    pub(crate) fn leaves(&mut self, agent: SocketAddr) {
        self.leaving.insert(agent);
    }

    /// An agent starts anew: it owes nothing. Dialogs that it has kept go on, with numbers behind all that were used.
    pub(crate) fn forget(&mut self, agent: SocketAddr) {
        self.leaving.remove(&agent);
        self.restarted.insert(agent);
        self.land(agent);
        self.owed.retain(|(owing, ..), _| *owing != agent);
    }

    /// Nothing of an agent's is in flight any more.
    fn land(&mut self, agent: SocketAddr) {
        for ((teller, _), telling) in &mut self.told {
            if *teller == agent {
                telling.in_flight = None;
            }
        }
    }

    fn notify_sent(
        &mut self,
        now: Moment,
        from: SocketAddr,
        sip: &Sip<'_>,
        bytes: &[u8],
    ) -> Result<(), String> {
        let telling = self.told.entry(dialog(from, sip, "From")).or_default();
        let printed = self.printed.entry(from).or_default();
        let (cseq, _) = sip.cseq();
        let fail = |why: &str| Err(format!("{why}: {} {}", sip.start, sip.header("CSeq")));
        keep_minute(now, &mut telling.copies, |at| *at);
        telling.copies.push(now);
        if telling.copies.len() > NOTIFIES {
            return fail("a storm of NOTIFYs");
        }
        if cseq < telling.cseq {
            return fail("a NOTIFY's CSeq goes back");
        }
        if cseq == telling.cseq {
            return if telling.bytes == bytes {
                Ok(())
            } else {
                fail("a NOTIFY sent again is not the same")
            };
        }
        // An agent that stops takes leave without waiting for anybody.
        let leaves = self.leaving.contains(&from)
            && sip.header("Subscription-State").starts_with("terminated");
        if let Some((_, since, printed_at)) = telling.in_flight
            && !telling.asked
            && !leaves
            && now < since + 32 * SECOND
            && printed.told < printed_at + KEPT
        {
            return fail("a second NOTIFY in flight");
        }
        self.requests += 1;
        telling.cseq = cseq;
        telling.bytes = bytes.to_vec();
        telling.in_flight = Some((cseq, now, printed.note(sip.body)));
        telling.asked = false;
        if let Some(root) = sip.body.split("<dialog-info").nth(1) {
            let version: Option<u32> = attribute(root, "version").and_then(|it| it.parse().ok());
            let expected = telling.version.map_or(0, |last| last + 1);
            // Behind a restart there is a gap of at least half of what is kept in reserve.
            let jumps = version > Some(expected + 30_000) && self.restarted.contains(&from);
            if version != Some(expected) && !jumps {
                return fail(&format!("version {version:?}, not {expected}"));
            }
            telling.version = version;
        }
        Ok(())
    }

    fn subscribe_sent(
        &mut self,
        now: Moment,
        from: SocketAddr,
        sip: &Sip<'_>,
    ) -> Result<(), String> {
        // An agent's Call-IDs begin with the number of the watch.
        let watch = sip.header("Call-ID").get(..5).unwrap_or_default();
        let asked = self.asked.entry((from, digest(&[watch]))).or_default();
        let branch = digest(&[sip.branch()]);
        keep_minute(now, asked, |(at, _)| *at);
        if asked.iter().all(|(_, other)| *other != branch) {
            self.requests += 1;
        }
        asked.push((now, branch));
        let mut branches: Vec<Digest> = asked.iter().map(|(_, branch)| *branch).collect();
        branches.sort_unstable();
        branches.dedup();
        if asked.len() > SUBSCRIBES || branches.len() > NEW_SUBSCRIBES {
            let (copies, new) = (asked.len(), branches.len());
            return Err(format!(
                "a storm of SUBSCRIBEs: {copies}, {new} of them new, within a minute: {}",
                sip.start
            ));
        }
        Ok(())
    }

    fn answer_sent(
        &mut self,
        from: SocketAddr,
        to: SocketAddr,
        sip: &Sip<'_>,
    ) -> Result<(), String> {
        let owed = self.owed.get_mut(&(from, to, digest(&[sip.branch()])));
        match owed {
            Some(owed) if *owed > 0 => {
                *owed -= 1;
                Ok(())
            }
            Some(_) | None => Err(format!("an answer that nobody waits for: {}", sip.start)),
        }
    }
}

impl Printed {
    /// Notes a document that is told; says when it was told first.
    fn note(&mut self, body: &str) -> u64 {
        self.told += 1;
        // Behind the XML declaration, which has a version too.
        let root = body.find("<dialog-info").map_or(body, |at| &body[at..]);
        let (before, after) = root.split_once(" version=\"").unwrap_or((root, ""));
        let after = after.trim_start_matches(|digit: char| digit.is_ascii_digit());
        let told = self.told;
        *self.first.entry(digest(&[before, after])).or_insert(told)
    }
}

/// A dialog of an agent, whose tag stands in `mine`.
fn dialog(agent: SocketAddr, sip: &Sip<'_>, mine: &str) -> Dialog {
    let tag = sip.tag(mine).unwrap_or_default();
    (agent, digest(&[sip.header("Call-ID"), tag]))
}

fn digest(texts: &[&str]) -> Digest {
    let mut hasher = Plain::default();
    texts.hash(&mut hasher);
    hasher.finish()
}

fn keep_minute<T>(now: Moment, list: &mut Vec<T>, at: impl Fn(&T) -> Moment) {
    list.retain(|entry| at(entry) + 60 * SECOND > now);
}
