//! One source of randomness for tags, branches, identifiers and jitter, and keyed hashes for tables.
//!
//! Both come from SipHash-2-4 under a key that the shell takes from the operating system. As a keyed
//! pseudo-random function it gives away nothing about the next output, so a tag cannot be guessed from the
//! ones seen before (RFC 3261 §19.3), and strangers cannot choose keys that collide. The same seed gives the
//! same run, which is what makes a failing simulation repeatable.

use super::time::Duration;
use core::hash::Hasher;
use core::net::IpAddr;
use siphasher::sip::SipHasher24;

/// The generator.
#[derive(Clone, Debug, Default)]
pub struct Random {
    key: [u64; 2],
    drawn: u64,
}

impl Random {
    /// A generator that must be [seeded](Random::seed) before its numbers mean anything.
    pub const fn new() -> Random {
        Random {
            key: [0; 2],
            drawn: 0,
        }
    }

    /// Starts the sequence of `seed`.
    pub fn seed(&mut self, seed: [u64; 2]) {
        *self = Random {
            key: seed,
            drawn: 0,
        };
    }

    /// The next 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.drawn += 1;
        let mut hasher = SipHasher24::new_with_keys(self.key[0], self.key[1]);
        hasher.write_u64(self.drawn);
        hasher.finish()
    }

    /// A duration from `least` up to, not including, `least + spread`.
    pub fn duration(&mut self, least: Duration, spread: Duration) -> Duration {
        let spread = u64::try_from(spread.as_micros()).unwrap_or(u64::MAX).max(1);
        least + Duration::from_micros(self.bits() % spread)
    }

    /// A key for hashes that strangers must not foresee.
    pub fn secret(&mut self) -> Secret {
        Secret([self.bits(), self.bits()])
    }
}

/// A key for hashing what strangers send.
#[derive(Clone, Copy, Debug, Default)]
pub struct Secret([u64; 2]);

impl Secret {
    /// A key of zeros, until the generator is seeded.
    pub const fn new() -> Secret {
        Secret([0; 2])
    }

    /// A key that was drawn before.
    pub const fn from_bits(bits: [u64; 2]) -> Secret {
        Secret(bits)
    }

    /// A number for an address, or for the /64 of one in IPv6, to count by. It costs a tenth of a hash, and whoever knows
    /// many of them could work out the key: nothing may be hidden by it.
    pub fn of_host(&self, address: IpAddr) -> u64 {
        let bits = match address.to_canonical() {
            IpAddr::V4(address) => u64::from(address.to_bits()),
            IpAddr::V6(address) => (address.to_bits() >> 64) as u64,
        };
        let mixed = (bits ^ self.0[0]).wrapping_mul(self.0[1] | 1);
        mixed ^ mixed >> 32
    }

    /// Starts a hash over several parts.
    pub fn hasher(&self) -> Hashing {
        Hashing(SipHasher24::new_with_keys(self.0[0], self.0[1]))
    }
}

/// A hash in the making. Parts are kept apart: `("ab", "c")` and `("a", "bc")` differ.
#[derive(Clone)]
pub struct Hashing(SipHasher24);

impl Hashing {
    /// Takes in one part. Of one that is longer than any message only the end of its length counts.
    #[must_use]
    pub fn part(mut self, part: &[u8]) -> Hashing {
        self.0.write(part);
        self.0.write_u16(part.len() as u16);
        self
    }

    /// Takes in one part without regard to ASCII case.
    #[must_use]
    pub fn part_ignoring_case(mut self, part: &[u8]) -> Hashing {
        for byte in part {
            self.0.write_u8(byte.to_ascii_lowercase());
        }
        self.0.write_u16(part.len() as u16);
        self
    }

    /// The hash.
    pub fn finish(&self) -> u64 {
        self.0.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_a_sequence() {
        let (mut one, mut two, mut other) = (Random::new(), Random::new(), Random::new());
        one.seed([1, 2]);
        two.seed([1, 2]);
        other.seed([1, 3]);
        let drawn = [one.bits(), one.bits()];
        assert_eq!(drawn, [two.bits(), two.bits()]);
        assert_ne!(drawn[0], drawn[1]);
        assert_ne!(drawn[0], other.bits());
    }

    #[test]
    fn parts_of_a_hash_stay_apart() {
        let secret = Secret([7, 9]);
        let hash = |parts: [&[u8]; 2]| secret.hasher().part(parts[0]).part(parts[1]).finish();
        assert_ne!(hash([b"ab", b"c"]), hash([b"a", b"bc"]));
        assert_eq!(
            secret.hasher().part_ignoring_case(b"Example.COM").finish(),
            secret.hasher().part_ignoring_case(b"example.com").finish()
        );
    }
}
