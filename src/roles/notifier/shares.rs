//! Fair shares of the table: what one address, one watcher and one user may have of it.
//!
//! A phone that runs wild is refused what others still get. An address is all of a /64 in IPv6, since one host has as
//! many as it likes there; a watcher is who gives itself one name at one address. Counting takes constant time.

use crate::events::identity::Identity;
use crate::ground::limits::{SHARE, SHARE_OF_ADDRESS, SUBSCRIPTIONS};
use crate::ground::random::Secret;
use crate::ground::table::{Index, Table, cells};
use core::net::IpAddr;

/// How many subscriptions each has.
pub(super) struct Shares {
    addresses: Tally,
    watchers: Tally,
    users: Tally,
}

/// Whose share a subscription is in: hashes; 0 for nobody's.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Keys {
    address: u64,
    watcher: u64,
    user: u64,
}

/// How many there are of each key.
struct Tally {
    held: Table<Held, SUBSCRIPTIONS>,
    by_key: Index<{ cells(SUBSCRIPTIONS) }>,
}

struct Held {
    key: u64,
    count: u16,
}

impl Keys {
    /// Those of a watcher at that address.
    pub(super) fn of(secret: &Secret, address: IpAddr, watcher: &[u8], who: Identity) -> Keys {
        let hasher = match address.to_canonical() {
            // What runs on this host is its owner's.
            address if address.is_loopback() => return Keys::default(),
            IpAddr::V4(address) => secret.hasher().part(&address.octets()),
            IpAddr::V6(address) => secret.hasher().part(&address.octets()[..8]),
        };
        Keys {
            address: hasher.finish(),
            watcher: hasher.part(watcher).finish(),
            user: match who {
                Identity::User(user) => user.bits(),
                Identity::Nobody | Identity::Network => 0,
            },
        }
    }
}

impl Shares {
    pub(super) const fn new() -> Shares {
        Shares {
            addresses: Tally::new(),
            watchers: Tally::new(),
            users: Tally::new(),
        }
    }

    /// Who has no room for one more, if there is somebody: in words for the log.
    pub(super) fn full_for(&self, keys: Keys) -> Option<&'static str> {
        if self.addresses.count(keys.address) >= SHARE_OF_ADDRESS {
            Some("its address has its share of the subscriptions")
        } else if self.watchers.count(keys.watcher) >= SHARE {
            Some("the watcher has its share of the subscriptions")
        } else if self.users.count(keys.user) >= SHARE {
            Some("the user has its share of the subscriptions")
        } else {
            None
        }
    }

    pub(super) fn take(&mut self, keys: Keys) {
        self.addresses.take(keys.address);
        self.watchers.take(keys.watcher);
        self.users.take(keys.user);
    }

    pub(super) fn give_back(&mut self, keys: Keys) {
        self.addresses.give_back(keys.address);
        self.watchers.give_back(keys.watcher);
        self.users.give_back(keys.user);
    }
}

impl Tally {
    const fn new() -> Tally {
        Tally {
            held: Table::new(),
            by_key: Index::new(),
        }
    }

    fn count(&self, key: u64) -> usize {
        let held = self.find(key).and_then(|slot| {
            let id = self.held.id_at(slot)?;
            self.held.get(id)
        });
        held.map_or(0, |held| usize::from(held.count))
    }

    fn take(&mut self, key: u64) {
        if key == 0 {
            return;
        }
        let known = self.find(key).and_then(|slot| self.held.id_at(slot));
        if let Some(held) = known.and_then(|id| self.held.get_mut(id)) {
            held.count += 1;
            return;
        }
        // There are as many places as subscriptions.
        if let Ok(id) = self.held.insert(Held { key, count: 1 }) {
            self.by_key.insert(key, id.slot());
        }
    }

    fn give_back(&mut self, key: u64) {
        let Some(id) = self.find(key).and_then(|slot| self.held.id_at(slot)) else {
            return;
        };
        let Some(held) = self.held.get_mut(id) else {
            return;
        };
        held.count -= 1;
        if held.count == 0 {
            self.held.remove(id);
            self.by_key.remove(key, id.slot());
        }
    }

    fn find(&self, key: u64) -> Option<u16> {
        if key == 0 {
            return None;
        }
        self.by_key.find(key, |slot| {
            let held = self.held.id_at(slot).and_then(|id| self.held.get(id));
            held.is_some_and(|held| held.key == key)
        })
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::events::identity::UserId;
    use std::boxed::Box;

    fn keys(address: &str, watcher: &str, user: u64) -> Keys {
        let who = match user {
            0 => Identity::Network,
            user => Identity::User(UserId::from_bits(user)),
        };
        let address = address.parse().expect("an address");
        Keys::of(&Secret::from_bits([1, 2]), address, watcher.as_bytes(), who)
    }

    #[test]
    fn each_has_its_share_and_no_more() /* ATTACKS C01 */
    {
        let mut shares = Box::new(Shares::new());
        let ann = keys("2001:db8::1", "sip:ann@host", 0);
        for _ in 0..SHARE {
            assert_eq!(shares.full_for(ann), None);
            shares.take(ann);
        }
        assert!(
            shares
                .full_for(ann)
                .is_some_and(|who| who.contains("watcher"))
        );
        let bob = keys("2001:db8::2", "sip:bob@host", 0);
        for _ in SHARE..SHARE_OF_ADDRESS {
            assert_eq!(shares.full_for(bob), None);
            shares.take(bob);
        }
        let cleo = keys("2001:db8::3", "sip:cleo@host", 0);
        assert!(
            shares
                .full_for(cleo)
                .is_some_and(|who| who.contains("address"))
        );
        assert_eq!(
            shares.full_for(keys("2001:db8:0:1::3", "sip:ann@host", 0)),
            None
        );
        shares.give_back(ann);
        assert_eq!(shares.full_for(cleo), None);
    }

    #[test]
    fn a_user_has_one_share_wherever_it_is() /* ATTACKS C01 */
    {
        let mut shares = Box::new(Shares::new());
        for at in 0..SHARE {
            let address = std::format!("192.0.2.{at}");
            shares.take(keys(&address, "sip:ann@host", 7));
        }
        let full = |address, user| {
            shares
                .full_for(keys(address, "sip:ann@host", user))
                .is_some()
        };
        assert!(full("198.51.100.1", 7) && !full("198.51.100.1", 8));
        assert!(!full("198.51.100.1", 0) && !full("127.0.0.1", 0));
    }
}
