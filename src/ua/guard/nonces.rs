//! Nonces without a table of them (RFC 7616 §3.3, §5.1): each says itself when it was given, and its keyed hash that we
//! gave it, and to whom. Only what was used is remembered, so that nobody uses it twice.
//!
//! A nonce is good for the address that it was given to alone. So one that comes back proves that its sender hears us
//! there, and what goes wrong with it can be held against that address.

use crate::ground::hex::{hex, unhex};
use crate::ground::limits::NONCES;
use crate::ground::random::Secret;
use crate::ground::time::{Instant, Seconds};
use core::net::IpAddr;
use heapless::Vec;

/// How long a nonce is good. By the monotonic clock, so none is good again when somebody sets the time.
pub(super) const LASTS: Seconds = Seconds(300);

/// A nonce as it stands on the wire.
pub(super) type Digits = [u8; 40];

/// What a nonce says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Nonce {
    /// How many were given before it.
    serial: u64,
    /// The second of the monotonic clock in which it was given.
    second: u32,
    /// The keyed hash over both, and the address that it was given to.
    seal: u64,
}

/// Where somebody is: an IPv4 address, or the network of an IPv6 address, inside which a machine takes the addresses
/// that it likes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Home(u64);

/// Nonces that were used: the last [`NONCES`] of them. Full: the one that was used least recently makes way, and every
/// nonce that was given up to then and is not remembered is stale from now on. So what is forgotten is never taken again.
pub(super) struct Nonces {
    secret: Secret,
    given: u64,
    used: Vec<Used, NONCES>,
    /// Below it only those that are remembered count.
    floor: u64,
    uses: u64,
}

/// A nonce that proved something.
struct Used {
    serial: u64,
    second: u32,
    /// The highest count so far.
    nc: u32,
    user: u64,
    /// The number of its last use.
    last: u64,
}

impl Nonce {
    /// Reads what a client sends back.
    pub(super) fn read(digits: &[u8]) -> Option<Nonce> {
        let digits: &Digits = digits.try_into().ok()?;
        let (serial, rest) = digits.split_at(16);
        let (second, seal) = rest.split_at(8);
        Some(Nonce {
            serial: unhex(serial)?,
            second: u32::try_from(unhex(second)?).ok()?,
            seal: unhex(seal)?,
        })
    }

    fn digits(self) -> Digits {
        let mut digits = [0; 40];
        hex(&mut digits[..16], self.serial);
        hex(&mut digits[16..24], self.second.into());
        hex(&mut digits[24..], self.seal);
        digits
    }

    /// Whether it is too old.
    pub(super) fn is_old(self, now: Instant) -> bool {
        second(now).saturating_sub(self.second) >= LASTS.0
    }
}

impl Home {
    pub(super) const fn of(ip: IpAddr) -> Home {
        Home(match ip.to_canonical() {
            IpAddr::V4(ip) => ip.to_bits() as u64,
            IpAddr::V6(ip) => (ip.to_bits() >> 64) as u64,
        })
    }

    pub(super) const fn bytes(self) -> [u8; 8] {
        self.0.to_be_bytes()
    }
}

impl Nonces {
    pub(super) const fn new() -> Nonces {
        Nonces {
            secret: Secret::new(),
            given: 0,
            used: Vec::new(),
            floor: 0,
            uses: 0,
        }
    }

    pub(super) fn seed(&mut self, secret: Secret) {
        self.secret = secret;
    }

    /// Another one, for somebody there.
    pub(super) fn give(&mut self, now: Instant, home: Home) -> Digits {
        self.given += 1;
        let (serial, second) = (self.given, second(now));
        let seal = self.seal(serial, second, home);
        let nonce = Nonce {
            serial,
            second,
            seal,
        };
        nonce.digits()
    }

    /// Whether we gave it to somebody there.
    pub(super) fn is_ours(&self, nonce: Nonce, home: Home) -> bool {
        self.seal(nonce.serial, nonce.second, home) == nonce.seal
    }

    /// Whether it has proved before that somebody is this user.
    pub(super) fn has_proved(&self, nonce: Nonce, user: u64) -> bool {
        let mut used = self.used.iter();
        used.any(|it| it.serial == nonce.serial && it.user == user)
    }

    /// Uses a nonce of ours that is not too old, for the `nc`th time. Whether that is a new use of it (RFC 7616 §3.4).
    pub(super) fn take(&mut self, now: Instant, nonce: Nonce, nc: u32, user: u64) -> bool {
        self.uses += 1;
        let last = self.uses;
        if let Some(used) = self.used.iter_mut().find(|it| it.serial == nonce.serial) {
            let is_new = used.user == user && nc > used.nc;
            if is_new {
                (used.nc, used.last) = (nc, last);
            }
            return is_new;
        }
        if nonce.serial <= self.floor || nc == 0 {
            return false;
        }
        if self.used.is_full() {
            self.make_room(now);
        }
        let used = Used {
            serial: nonce.serial,
            second: nonce.second,
            nc,
            user,
            last,
        };
        self.used.push(used).is_ok()
    }

    #[cfg(test)]
    pub(super) fn floor(&self) -> u64 {
        self.floor
    }

    /// Forgets those that are too old to be good, or else the one that was used least recently.
    fn make_room(&mut self, now: Instant) {
        let age = |it: &Used| second(now).saturating_sub(it.second);
        self.used.retain(|it| age(it) < LASTS.0);
        if !self.used.is_full() {
            return;
        }
        let places = 0..self.used.len();
        if let Some(oldest) = places.min_by_key(|at| self.used[*at].last) {
            let forgotten = self.used.swap_remove(oldest);
            self.floor = self.floor.max(forgotten.serial);
        }
    }

    fn seal(&self, serial: u64, second: u32, home: Home) -> u64 {
        self.secret
            .hasher()
            .part(&serial.to_be_bytes())
            .part(&second.to_be_bytes())
            .part(&home.bytes())
            .finish()
    }
}

fn second(now: Instant) -> u32 {
    (now.as_micros() / 1_000_000) as u32
}
