//! What must hold on the wire, whatever happens: watched over all that agents send and are given.
//!
//! The bounds are those of a healthy agent in the worst weather. One request that nobody answers is sent eleven
//! times in 32 s (RFC 3261 §17.1.2). A watch sends one request at a time: new ones at most every 5 s for a gap in
//! the documents, or with back-off from 1.5 s after a failure. A notifier's changes are paced to one a second for
//! `dialog`, and a NOTIFY sent again was in flight for half a second.

use super::sip::{Sip, attribute};
use super::{Moment, SECOND};
use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;

/// Copies of SUBSCRIBEs of one watch in any minute: two Timer F cycles, and twelve requests for a gap sent twice.
const SUBSCRIBES: usize = 48;

/// Different SUBSCRIBEs of one watch in any minute.
const NEW_SUBSCRIBES: usize = 16;

/// Copies of NOTIFYs of one subscription in any minute.
const NOTIFIES: usize = 130;

/// What is known of the agents' traffic.
#[derive(Default)]
pub(crate) struct Wiretap {
    told: HashMap<String, Telling>,
    asked: HashMap<String, Vec<(Moment, String)>>,
    owed: HashMap<(SocketAddr, SocketAddr), HashMap<String, u32>>,
    printed: HashMap<SocketAddr, Printed>,
    leaving: HashSet<SocketAddr>,
    /// Agents that began anew at least once.
    restarted: HashSet<SocketAddr>,
    pub(crate) requests: u64,
}

/// The documents that an agent told. It keeps the last few: a NOTIFY whose document made way for newer ones can't be
/// sent again, and gives way to the newest state.
#[derive(Default)]
struct Printed {
    told: u64,
    /// When each was told first, counted in documents.
    first: HashMap<String, u64>,
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
                let owed = self.owed.entry((to, from)).or_default();
                *owed.entry(sip.branch().to_string()).or_default() += 1;
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
        let own = format!("{agent} ");
        for (name, telling) in &mut self.told {
            if name.starts_with(&own) {
                telling.in_flight = None;
            }
        }
    }

    /// An agent was told to stop.
    pub(crate) fn leaves(&mut self, agent: SocketAddr) {
        self.leaving.insert(agent);
    }

    /// An agent starts anew: it owes nothing. Dialogs that it has kept go on, with numbers behind all that were used.
    pub(crate) fn forget(&mut self, agent: SocketAddr) {
        self.leaving.remove(&agent);
        self.restarted.insert(agent);
        let own = format!("{agent} ");
        for (_, telling) in self
            .told
            .iter_mut()
            .filter(|(name, _)| name.starts_with(&own))
        {
            telling.in_flight = None;
        }
        self.owed.retain(|(owing, _), _| *owing != agent);
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
        let asked = self.asked.entry(format!("{from} {watch}")).or_default();
        keep_minute(now, asked, |(at, _)| *at);
        if asked.iter().all(|(_, branch)| branch != sip.branch()) {
            self.requests += 1;
        }
        asked.push((now, sip.branch().to_string()));
        let mut branches: Vec<&str> = asked.iter().map(|(_, branch)| branch.as_str()).collect();
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
        let owed = self
            .owed
            .get_mut(&(from, to))
            .and_then(|owed| owed.get_mut(sip.branch()));
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
        let root = body.split("<dialog-info").nth(1).unwrap_or(body);
        let (before, after) = root.split_once(" version=\"").unwrap_or((root, ""));
        let after = after.trim_start_matches(|digit: char| digit.is_ascii_digit());
        let told = self.told;
        *self.first.entry(format!("{before}{after}")).or_insert(told)
    }
}

/// A dialog by its agent, Call-ID and the agent's tag, which stands in `mine`.
fn dialog(agent: SocketAddr, sip: &Sip<'_>, mine: &str) -> String {
    let tag = sip.tag(mine).unwrap_or_default();
    format!("{agent} {} {tag}", sip.header("Call-ID"))
}

fn keep_minute<T>(now: Moment, list: &mut Vec<T>, at: impl Fn(&T) -> Moment) {
    list.retain(|entry| at(entry) + 60 * SECOND > now);
}
