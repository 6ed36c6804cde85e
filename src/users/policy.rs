//! Policy: who may watch (RFC 6665 §4.2.1.1).
//!
//! Today it knows trusted networks and nothing else: who is in one may watch, everybody else gets 403. Digest
//! authentication and the owner's rules take their place beside it and give the same verdicts.

use crate::events::subscription::Verdict;
use crate::ground::limits;
use crate::ground::network::Network;
use core::net::IpAddr;
use heapless::Vec;

/// The networks whose requests are served.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    trusted: Vec<Network, { limits::TRUSTED }>,
}

impl Policy {
    /// Trusts nobody.
    pub const fn new() -> Policy {
        Policy {
            trusted: Vec::new(),
        }
    }

    /// Trusts these networks from now on.
    pub fn trust(&mut self, networks: &Vec<Network, { limits::TRUSTED }>) {
        self.trusted.clone_from(networks);
    }

    /// Whether requests from `address` are served at all.
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(address))
    }

    /// Whether a watcher at `address` may watch.
    pub fn judge(&self, address: IpAddr) -> Verdict {
        if self.trusts(address) {
            Verdict::Allow
        } else {
            Verdict::Block
        }
    }
}
