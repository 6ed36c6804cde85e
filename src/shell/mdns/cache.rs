//! What others said of themselves, for as long as they said (RFC 6762 §10). Only what somebody wants comes in, so that
//! who floods a link with names takes nobody's place but his own.

use std::vec::Vec;

use super::message::{Data, Kind, Name, Record};
use crate::ground::time::{Duration, Instant};

/// Records kept. Full: the one that ends first goes.
pub const RECORDS: usize = 512;

/// Records of one name and kind on one interface that are kept: nobody needs more addresses. Full: the one that was
/// heard first goes.
pub const EACH: usize = 8;

/// No record is believed for longer, whatever it says (§10: 75 minutes is what others give).
const LONGEST: u32 = 4_500;

/// How long a record lasts that was taken back or replaced (§10.1, §10.2).
const GRACE: Duration = Duration::from_secs(1);

/// The records.
#[derive(Debug, Default)]
pub struct Cache {
    records: Vec<Cached>,
}

#[derive(Debug)]
struct Cached {
    record: Record,
    interface: u32,
    heard: Instant,
    until: Instant,
    is_replaced: bool,
}

/// A record that is believed.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    /// What it says.
    pub data: &'a Data,
    /// When it was heard last.
    pub heard: Instant,
    /// Whether others have taken its place, and it only lasts until all of them are heard.
    pub is_replaced: bool,
}

impl Cache {
    /// Takes what was heard on `interface`.
    pub fn take(&mut self, now: Instant, interface: u32, record: &Record) {
        self.expire(now);
        if record.flushes {
            self.flush(now, interface, record);
        }
        let here = |it: &Cached| it.interface == interface && it.record.is_same(record);
        let old = self.records.iter().position(here);
        if record.lifetime == 0 {
            if let Some(at) = old {
                self.records[at].until = self.records[at].until.min(now + GRACE);
            }
            return;
        }
        if let Some(at) = old {
            self.records.remove(at);
        }
        self.make_room(interface, record);
        let lifetime = Duration::from_secs(record.lifetime.min(LONGEST).into());
        self.records.push(Cached {
            record: record.clone(),
            interface,
            heard: now,
            until: now + lifetime,
            is_replaced: false,
        });
    }

    /// What is believed of `name`, the newest last.
    pub fn find(&self, now: Instant, name: &Name, kind: Kind) -> impl Iterator<Item = Found<'_>> {
        let is_it = move |it: &&Cached| {
            it.until > now && it.record.data.kind() == kind && it.record.name == *name
        };
        self.records.iter().filter(is_it).map(|it| Found {
            data: &it.record.data,
            heard: it.heard,
            is_replaced: it.is_replaced,
        })
    }

    /// Forgets what was heard on interfaces that are gone.
    pub fn keep(&mut self, is_there: impl Fn(u32) -> bool) {
        self.records.retain(|it| is_there(it.interface));
    }

    /// Forgets what is over.
    pub fn expire(&mut self, now: Instant) {
        self.records.retain(|it| it.until > now);
    }

    /// When something is over for the next time.
    pub fn due(&self) -> Option<Instant> {
        self.records.iter().map(|it| it.until).min()
    }

    /// Others of its name and kind are over soon, but those that came with it or just before (§10.2).
    fn flush(&mut self, now: Instant, interface: u32, record: &Record) {
        for it in &mut self.records {
            let is_other = it.record.name == record.name
                && it.record.data.kind() == record.data.kind()
                && it.record.data != record.data;
            if is_other && it.interface == interface && now - it.heard >= GRACE {
                it.until = it.until.min(now + GRACE);
                it.is_replaced = true;
            }
        }
    }

    fn make_room(&mut self, interface: u32, record: &Record) {
        let beside = |it: &Cached| {
            it.interface == interface
                && it.record.name == record.name
                && it.record.data.kind() == record.data.kind()
                && it.record.data.kind() != Kind::Ptr
        };
        if self.records.iter().filter(|it| beside(it)).count() >= EACH
            && let Some(first) = self.records.iter().position(beside)
        {
            self.records.remove(first);
        }
        if self.records.len() >= RECORDS {
            let all = self.records.iter().enumerate();
            if let Some((first, _)) = all.min_by_key(|(_, it)| it.until) {
                self.records.remove(first);
            }
        }
    }
}
