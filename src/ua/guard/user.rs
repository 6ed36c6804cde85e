//! Users: a name, and what proves it. No password is kept, only what it is hashed to (RFC 7616 §3.4.2).

use crate::ground::limits::{USER, USERS};
use crate::ground::text::Text;
use crate::wire::sip::digest::{Hex, name_hash};
use crate::wire::sip::{Algorithm, Credentials, unescaped};
use heapless::Vec;

/// The users there are. More are refused by whoever reads them.
pub type Users = Vec<User, USERS>;

/// Somebody with a password.
#[derive(Clone)]
pub struct User {
    name: Text<USER>,
    sha256: Hex,
    /// Where MD5 may be used.
    md5: Option<Hex>,
    /// The name as `userhash` has it (RFC 7616 §3.4.4), by either hash.
    hidden: [Hex; 2],
}

impl core::fmt::Debug for User {
    /// The name alone: who has the hashes needs no password here.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_tuple("User").field(&self.name.as_str()).finish()
    }
}

impl User {
    /// A user of `realm` by the [hashes](crate::wire::sip::digest::login_hash) of name, realm and password: SHA-256, and
    /// MD5 where it may be used.
    pub fn new(name: Text<USER>, realm: &str, sha256: Hex, md5: Option<Hex>) -> User {
        let hide = |algorithm| {
            let hash = name_hash(algorithm, name.as_bytes(), realm.as_bytes());
            hash.unwrap_or(Hex::zero(algorithm)) // Both are spoken.
        };
        User {
            hidden: [Algorithm::Sha256, Algorithm::Md5].map(hide),
            name,
            sha256,
            md5,
        }
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether MD5 may be used.
    pub const fn may_md5(&self) -> bool {
        self.md5.is_some()
    }

    /// What a proof by this algorithm is checked against; `None` for one that was not offered for this user.
    pub(super) fn login(&self, algorithm: Algorithm<'_>) -> Option<Hex> {
        match algorithm {
            Algorithm::Sha256 => Some(self.sha256),
            Algorithm::Md5 => self.md5,
            Algorithm::Md5Sess
            | Algorithm::Sha256Sess
            | Algorithm::Sha512
            | Algorithm::Sha512Sess
            | Algorithm::Other(_) => None,
        }
    }

    /// Whether the credentials name this user, openly or by a hash.
    pub(super) fn is_named(&self, credentials: &Credentials<'_>) -> bool {
        if let Some(star) = credentials.username_star {
            return is_extended(star.raw(), self.name.as_bytes());
        }
        let Some(name) = credentials.username else {
            return false;
        };
        if !credentials.userhash {
            return name.bytes().eq(self.name.bytes());
        }
        self.hidden.iter().any(|hash| hash.matches(name.raw()))
    }
}

/// Whether `written` is `name` in the form of RFC 5987 §3.2: `UTF-8''J%C3%A4s`, with a language between the quotes if
/// somebody likes.
fn is_extended(written: &[u8], name: &[u8]) -> bool {
    let mut parts = written.splitn(3, |byte| *byte == b'\'');
    let (Some(charset), Some(_), Some(value)) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    charset.eq_ignore_ascii_case(b"UTF-8") && unescaped(value).eq(name.iter().copied())
}
