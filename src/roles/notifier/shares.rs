//! Fair shares of the table: what one address, one watcher and one user may have of it.
//!
//! A phone that runs wild is refused what others still get. An address is all of a /64 in IPv6, since one host has as
//! many as it likes there; a watcher is who gives itself one name at one address. Each is counted in one of many places;
//! two that happen to have the same one share a share.

use crate::events::identity::Identity;
use crate::ground::limits::{SHARE, SHARE_OF_ADDRESS, SUBSCRIPTIONS};
use crate::ground::random::Secret;
use crate::ground::table::cells;
use core::net::IpAddr;
use core::num::NonZeroU16;

/// How many subscriptions each has.
pub(super) struct Shares {
    addresses: Tally,
    watchers: Tally,
    users: Tally,
}

/// Whose share a subscription is in: places; `None` for nobody's.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Keys {
    address: Option<Place>,
    watcher: Option<Place>,
    user: Option<Place>,
}

/// A place in a tally, from 1.
type Place = NonZeroU16;

/// How many there are in each place.
struct Tally([u16; PLACES]);

/// So many that few of a full table meet.
const PLACES: usize = {
    let wanted = 4 * cells(SUBSCRIPTIONS);
    if wanted < 1 << 15 { wanted } else { 1 << 15 }
};

impl Keys {
    /// Those of a watcher at that address.
    pub(super) fn of(secret: &Secret, address: IpAddr, watcher: &[u8], who: Identity) -> Keys {
        // What runs on this host is its owner's.
        if address.to_canonical().is_loopback() {
            return Keys::default();
        }
        let host = secret.of_host(address);
        // Names meet names of the same address only, so nobody else has a part in it.
        let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        Keys {
            address: place(host),
            watcher: place(watcher.iter().fold(host, step)),
            user: who.name().and_then(|it| place(it.bits())),
        }
    }
}

impl Keys {
    /// Whether both are in the share of one address.
    pub(super) fn have_one_address(self, other: Keys) -> bool {
        self.address.is_some() && self.address == other.address
    }
}

impl Shares {
    pub(super) const fn new() -> Shares {
        Shares {
            addresses: Tally([0; PLACES]),
            watchers: Tally([0; PLACES]),
            users: Tally([0; PLACES]),
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
        self.addresses.add(keys.address, 1);
        self.watchers.add(keys.watcher, 1);
        self.users.add(keys.user, 1);
    }

    pub(super) fn give_back(&mut self, keys: Keys) {
        self.addresses.add(keys.address, -1);
        self.watchers.add(keys.watcher, -1);
        self.users.add(keys.user, -1);
    }
}

impl Tally {
    fn count(&self, place: Option<Place>) -> usize {
        place.map_or(0, |place| usize::from(self.0[usize::from(place.get()) - 1]))
    }

    fn add(&mut self, place: Option<Place>, by: i16) {
        if let Some(place) = place {
            let count = &mut self.0[usize::from(place.get()) - 1];
            *count = count.saturating_add_signed(by);
        }
    }
}

/// The place of that hash.
fn place(hash: u64) -> Option<Place> {
    let place = (hash ^ hash >> 32) as usize % PLACES;
    Place::new(place as u16 + 1)
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
