//! One challenge, kept: what is hashed and what goes back as it came.

use super::{Account, Use};
use crate::ground::hex::hex;
use crate::ground::limits::{NONCE, OPAQUE, REALM};
use crate::ground::text::Text;
use crate::wire::sip::digest::{Digest, Qop, is_spoken};
use crate::wire::sip::{Algorithm, Challenge, Method, Name, Writer};

/// A challenge that we can answer.
#[derive(Clone, Debug)]
pub(super) struct Known {
    realm: Text<REALM>,
    nonce: Text<NONCE>,
    opaque: Option<Text<OPAQUE>>,
    algorithm: Algorithm<'static>,
    qop: Qop,
    /// Whether the nonce before was refused for its age alone.
    stale: bool,
    /// How often the nonce was used (RFC 7616 §3.4).
    count: u32,
    /// Whether it was refused: it is used no more.
    spent: bool,
    /// Which challenge of all it is, and which was the first of its realm.
    lap: u32,
    first: u32,
}

impl Known {
    /// A challenge, after what was known of its realm `before`. Its place among others comes later ([`Known::follow`]).
    ///
    /// # Errors
    /// Why it cannot be answered.
    pub(super) fn new(
        challenge: &Challenge<'_>,
        account: &Account,
        before: Option<&Known>,
    ) -> Result<Known, &'static str> {
        const TOO_LONG: &str = "its challenge is longer than any we know";
        let realm = Text::from_bytes(challenge.realm.raw()).map_err(|_| TOO_LONG)?;
        if account.realm.as_ref().is_some_and(|own| *own != realm) {
            return Err("it asks for another realm than the account's");
        }
        if !is_spoken(challenge.algorithm) {
            return Err("it asks for a hash that we do not speak");
        }
        let algorithm = owned(challenge.algorithm);
        // Whoever could have SHA-256 and suddenly wants MD5 is not who it was (RFC 8760 §3).
        let was_strong = before.is_some_and(|it| is_strong(it.algorithm));
        if was_strong && !is_strong(algorithm) {
            return Err("it asks for a weaker hash than before");
        }
        let opaque = match challenge.opaque {
            Some(opaque) => Some(Text::from_bytes(opaque.raw()).map_err(|_| TOO_LONG)?),
            None => None,
        };
        let qop = qop(challenge)?;
        // Its hash holds a nonce of ours, which only a qop lets us tell (RFC 7616 §3.4).
        if qop == Qop::None && is_session(algorithm) {
            return Err("it asks for the hash of a session without a qop");
        }
        Ok(Known {
            realm,
            nonce: Text::from_bytes(challenge.nonce.raw()).map_err(|_| TOO_LONG)?,
            opaque,
            algorithm,
            qop,
            stale: challenge.stale,
            count: 0,
            spent: false,
            lap: 0,
            first: 0,
        })
    }

    /// The same as challenge number `lap`, in the place of what was there before.
    pub(super) fn follow(self, before: Option<&Known>, lap: u32) -> Known {
        let same = before.filter(|it| it.realm == self.realm);
        let first = same.map_or(lap, |it| it.first);
        Known { lap, first, ..self }
    }

    pub(super) const fn lap(&self) -> u32 {
        self.lap
    }

    /// Whether it is the realm of the challenge with that number.
    pub(super) const fn is_of(&self, lap: u32) -> bool {
        self.first <= lap && lap <= self.lap
    }

    /// Whether it is of that realm.
    pub(super) fn is_for(&self, realm: &[u8]) -> bool {
        self.realm.as_bytes() == realm
    }

    pub(super) const fn is_stale(&self) -> bool {
        self.stale
    }

    /// One more use of the nonce, unless it was refused.
    pub(super) const fn count(&mut self) -> Use {
        if self.spent {
            return Use::NONE;
        }
        self.count = self.count.saturating_add(1);
        Use {
            count: self.count,
            lap: self.lap,
        }
    }

    /// The nonce was refused. What hash the realm asks for is remembered.
    pub(super) const fn spend(&mut self) {
        self.spent = true;
    }

    /// The server gave another nonce. One that is too long is not taken: the old one is as good as it was.
    pub(super) fn renew(&mut self, nonce: &[u8]) {
        if let Ok(nonce) = Text::from_bytes(nonce)
            && nonce != self.nonce
        {
            self.nonce = nonce;
            self.count = 0;
            self.spent = false;
        }
    }

    /// Writes the credentials: quoted and unquoted as RFC 7616 §3.4 wants each (RFC 7616 §3.3).
    #[allow(clippy::too_many_arguments, reason = "all of it is hashed")]
    pub(super) fn write(
        &self,
        w: &mut Writer<'_>,
        name: Name,
        account: &Account,
        method: Method<'_>,
        uri: &[u8],
        (nc, seed): (u32, u64),
        body: &[u8],
    ) {
        let mut cnonce = [0; 16];
        hex(&mut cnonce, seed);
        let digest = Digest {
            algorithm: self.algorithm,
            username: account.user.as_bytes(),
            realm: self.realm.as_bytes(),
            password: account.password.as_bytes(),
            nonce: self.nonce.as_bytes(),
            qop: self.qop,
            nc,
            cnonce: &cnonce,
            method: method.as_bytes(),
            uri,
            body,
        };
        let Some(response) = digest.response() else {
            return; // Such a challenge is not kept.
        };
        let opaque = self.opaque.as_ref().map(|it| it.as_bytes());
        w.field(name, &digest.credentials(&response, opaque));
    }
}

/// The best that the challenge allows: a proxy may change bodies, so the head alone where there is a choice.
fn qop(challenge: &Challenge<'_>) -> Result<Qop, &'static str> {
    let Some(offered) = challenge.qop else {
        return Ok(Qop::None);
    };
    let has = |wanted: &[u8]| {
        let mut words = offered.raw().split(|byte| *byte == b',');
        words.any(|word| word.trim_ascii().eq_ignore_ascii_case(wanted))
    };
    if has(b"auth") {
        Ok(Qop::Auth)
    } else if has(b"auth-int") {
        Ok(Qop::AuthInt)
    } else {
        Err("it asks for a protection that we do not know")
    }
}

const fn is_session(algorithm: Algorithm<'_>) -> bool {
    matches!(
        algorithm,
        Algorithm::Md5Sess | Algorithm::Sha256Sess | Algorithm::Sha512Sess
    )
}

const fn is_strong(algorithm: Algorithm<'_>) -> bool {
    !matches!(algorithm, Algorithm::Md5 | Algorithm::Md5Sess)
}

fn owned(algorithm: Algorithm<'_>) -> Algorithm<'static> {
    match algorithm {
        Algorithm::Md5 => Algorithm::Md5,
        Algorithm::Md5Sess => Algorithm::Md5Sess,
        Algorithm::Sha256 => Algorithm::Sha256,
        Algorithm::Sha256Sess => Algorithm::Sha256Sess,
        Algorithm::Sha512 => Algorithm::Sha512,
        Algorithm::Sha512Sess => Algorithm::Sha512Sess,
        Algorithm::Other(_) => Algorithm::Other(b""),
    }
}
