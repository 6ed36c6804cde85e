//! Non-INVITE server transactions (RFC 3261 §17.2.2): what was answered to whom, for Timer J.
//!
//! An answer depends on the request and on a few facts. The request comes again with every retransmission, so
//! only the facts are kept, and the same bytes are written anew. Requests that change nothing (and everything
//! that is refused before it changes something) are answered statelessly (§8.2.7) and never come here.

use super::T1_64;
use crate::ground::limits;
use crate::ground::random::Secret;
use crate::ground::table::{Index, cells};
use crate::ground::time::Instant;
use crate::wire::sip::{Host, Method, Request};
use core::net::IpAddr;
use heapless::Deque;

/// The last [`limits::TRANSACTIONS`] requests that changed something, with the facts `A` of their answers.
///
/// Full: a new request that would change something is refused with 503 before it does; running transactions
/// go on (RFC 3261 §17). One address, or IPv6 /64, has no more than are still free, so half of them where it is alone:
/// whoever loops is refused, and there is always room for somebody else. A proxy on this machine speaks for everybody, so
/// loopback has no share. Entries leave in the order they came, for all of them live equally long.
pub struct Transactions<A> {
    secret: Secret,
    kept: Deque<Kept<A>, { limits::TRANSACTIONS }>,
    /// The number of the oldest entry: entry `n` is at `n - first` of the deque.
    first: u16,
    by_key: Index<{ cells(limits::TRANSACTIONS) }>,
    by_merge: Index<{ cells(limits::TRANSACTIONS) }>,
    /// How many are kept of whom, by a hash of the address: a few of the many cells are ever used, so that hardly two
    /// share one.
    of: [u16; cells(limits::TRANSACTIONS)],
    least_free: usize,
}

struct Kept<A> {
    key: u64,
    merge: u64,
    whose: u16,
    /// Timer J.
    ends: Instant,
    answer: A,
}

/// The cell of those who have no share: none.
const EVERYBODY: u16 = u16::MAX;

/// How a request relates to those seen before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen<A> {
    /// A retransmission: write the same answer again.
    Again(A),
    /// The same request on another way, forked by a proxy: 482 (RFC 3261 §8.2.2.2).
    Merged,
    /// A request not seen before.
    New(Key),
}

/// Whether one more is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// It is.
    Free,
    /// Whoever sent it has as many as are left for all others.
    Share,
    /// Nobody's is.
    Full,
}

/// What a request is known by from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    key: u64,
    merge: u64,
    whose: u16,
}

impl<A: Copy> Transactions<A> {
    /// Nothing is kept yet.
    pub const fn new() -> Transactions<A> {
        Transactions {
            secret: Secret::new(),
            kept: Deque::new(),
            first: 0,
            by_key: Index::new(),
            by_merge: Index::new(),
            of: [0; cells(limits::TRANSACTIONS)],
            least_free: 0,
        }
    }

    /// Takes the secret that strangers' branches are hashed under. Before the first request only.
    pub fn seed(&mut self, secret: Secret) {
        self.secret = secret;
    }

    /// Looks up a request that came from there.
    pub fn look_up(&self, request: &Request<'_>, from: IpAddr) -> Seen<A> {
        let key = self.key(request, request.method);
        if let Some(kept) = self.find(key) {
            return Seen::Again(kept.answer);
        }
        let merge = self.merge_key(request);
        let in_dialog = request.to.tag().is_some();
        let merges = |number| self.at(number).is_some_and(|kept| kept.merge == merge);
        if !in_dialog && self.by_merge.find(merge, merges).is_some() {
            return Seen::Merged;
        }
        let whose = self.whose(from);
        Seen::New(Key { key, merge, whose })
    }

    /// Whether the request that `cancel` names is known: a CANCEL then gets 200, and has no other effect (RFC 6665
    /// §4.6).
    pub fn knows_cancelled(&self, cancel: &Request<'_>) -> bool {
        [
            Method::Subscribe,
            Method::Notify,
            Method::Register,
            Method::Publish,
        ]
        .into_iter()
        .any(|method| self.find(self.key(cancel, method)).is_some())
    }

    /// Keeps the answer until Timer J. The caller has asked [`Transactions::room`] before it acted.
    pub fn keep(&mut self, now: Instant, Key { key, merge, whose }: Key, answer: A) {
        let kept = Kept {
            key,
            merge,
            whose,
            ends: now + T1_64,
            answer,
        };
        let number = self.first.wrapping_add(self.kept.len() as u16) & Self::NUMBERS;
        if self.kept.push_back(kept).is_ok() {
            self.by_key.insert(key, number);
            self.by_merge.insert(merge, number);
            if let Some(its) = self.of.get_mut(usize::from(whose)) {
                *its += 1;
            }
        }
    }

    /// Timer J: forgets what is old.
    pub fn handle_timeout(&mut self, now: Instant) {
        while self.kept.front().is_some_and(|oldest| oldest.ends <= now) {
            let Some(Kept {
                key, merge, whose, ..
            }) = self.kept.pop_front()
            else {
                return;
            };
            if let Some(its) = self.of.get_mut(usize::from(whose)) {
                *its -= 1;
            }
            self.by_key.remove(key, self.first);
            self.by_merge.remove(merge, self.first);
            self.first = (self.first + 1) & Self::NUMBERS;
        }
    }

    /// When the oldest is to be forgotten.
    pub fn due(&self) -> Option<Instant> {
        self.kept.front().map(|oldest| oldest.ends)
    }

    /// Whether there is room for a request that changes something.
    pub fn room(&self, key: Key) -> Room {
        self.room_in(limits::TRANSACTIONS, key)
    }

    /// The same in a quarter of all places: for requests that something else tells apart too, and for those of strangers.
    pub fn room_to_spare(&self, key: Key) -> Room {
        self.room_in(limits::TRANSACTIONS / 4, key)
    }

    fn room_in(&self, places: usize, key: Key) -> Room {
        let free = places.saturating_sub(self.kept.len() + self.least_free);
        match self.of.get(usize::from(key.whose)) {
            _ if free == 0 => Room::Full,
            Some(&its) if usize::from(its) >= free => Room::Share,
            Some(_) | None => Room::Free,
        }
    }

    /// Leaves room for only `left` more; `None` takes the bound away. For tests of a full table.
    #[cfg(test)]
    pub fn leave_room(&mut self, left: Option<usize>) {
        self.least_free = left.map_or(0, |left| {
            limits::TRANSACTIONS.saturating_sub(self.kept.len() + left)
        });
    }

    /// Transactions kept.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.kept.len()
    }

    /// Whether none is kept.
    #[cfg(test)]
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Entry numbers are 15 bits and wrap.
    const NUMBERS: u16 = 0x7fff;

    fn find(&self, key: u64) -> Option<&Kept<A>> {
        let is_it = |number| self.at(number).is_some_and(|kept| kept.key == key);
        self.at(self.by_key.find(key, is_it)?)
    }

    fn at(&self, number: u16) -> Option<&Kept<A>> {
        self.kept
            .get(usize::from(number.wrapping_sub(self.first) & Self::NUMBERS))
    }

    /// RFC 3261 §17.2.3: branch, sent-by and method; for an RFC 2543 peer, all that makes a request.
    fn key(&self, request: &Request<'_>, method: Method<'_>) -> u64 {
        let via = &request.via;
        let hasher = self.secret.hasher().part(method.as_bytes());
        match via.branch {
            Some(branch) if via.has_cookie() => {
                let hasher = match via.host {
                    Host::Name(name) => hasher.part_ignoring_case(name),
                    Host::V4(ip) => hasher.part(&ip.octets()),
                    Host::V6(ip) => hasher.part(&ip.octets()),
                };
                let port = via.port.unwrap_or(5_060).to_be_bytes();
                hasher.part(&port).part(branch).finish()
            }
            Some(_) | None => hasher
                .part(request.uri_text)
                .part(request.to.tag().unwrap_or_default())
                .part(request.from.tag().unwrap_or_default())
                .part(request.call_id)
                .part(&request.cseq.number.to_be_bytes())
                .part(via.raw)
                .finish(),
        }
    }

    /// The cell in which those from there are counted.
    fn whose(&self, from: IpAddr) -> u16 {
        if from.is_loopback() {
            return EVERYBODY;
        }
        (self.secret.of_host(from) % cells(limits::TRANSACTIONS) as u64) as u16
    }

    fn merge_key(&self, request: &Request<'_>) -> u64 {
        self.secret
            .hasher()
            .part(request.from.tag().unwrap_or_default())
            .part(request.call_id)
            .part(&request.cseq.number.to_be_bytes())
            .part(request.method.as_bytes())
            .finish()
    }
}

impl<A: Copy> Default for Transactions<A> {
    fn default() -> Transactions<A> {
        Transactions::new()
    }
}
