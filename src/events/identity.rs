//! Who sends a request, as far as it is proven. No header that anybody can write says so (RFC 3261 §22, RFC 6665 §6.1).

use serde::{Deserialize, Serialize};

/// Who a peer is known to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Identity {
    /// Nothing is proven.
    #[default]
    Nobody,
    /// Its address is in a trusted network, whose members are taken at their word.
    Network,
    /// It has proven that it knows this user's password.
    User(UserId),
    /// It is on a connection whose peer showed a certificate of this name, and speaks under that name.
    Certificate(UserId),
}

/// A user, or who a certificate is for, by a hash of its name under a secret that lasts over a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserId(u64);

impl UserId {
    /// The user whose name has this hash.
    pub const fn from_bits(bits: u64) -> UserId {
        UserId(bits)
    }

    /// The hash.
    pub const fn bits(self) -> u64 {
        self.0
    }
}

impl Identity {
    /// Whether it is taken for who it says it is.
    pub const fn is_known(self) -> bool {
        match self {
            Identity::Nobody => false,
            Identity::Network | Identity::User(_) | Identity::Certificate(_) => true,
        }
    }

    /// The name that it has proven, by its password or its certificate.
    pub const fn name(self) -> Option<UserId> {
        match self {
            Identity::User(name) | Identity::Certificate(name) => Some(name),
            Identity::Network | Identity::Nobody => None,
        }
    }
}
