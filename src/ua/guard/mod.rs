//! Digest as the server has it: who has proved to know a password (RFC 3261 §22, RFC 7616, RFC 8760).
//!
//! ```text
//!   credentials of our realm? ── none ─────────────────────────────────────────────► Nothing
//!        │
//!   read in full, uri of this request? ── no ──────────────────────────────────────► Bad
//!        │
//!   is a password looked at just now? ── no ───────────────────────────────────────► Wrong
//!        │
//!   the response that the password makes? ── no ───────────────────────────────────► Wrong
//!        │
//!   our nonce, given to there, of the last minutes? ── no ─────────────────────────► Stale
//!        │
//!      Right ── a count of the nonce that was not seen before? (spend) ── no ──────► stale
//! ```
//!
//! A challenge keeps nothing. Users that are not there are checked like those who are, against a hash that no password
//! has, so that neither the answer nor the work for it tells who is there.

mod failures;
mod nonces;
mod user;

pub use user::{User, Users};

use self::failures::Failures;
use self::nonces::{Digits, Home, Nonce, Nonces};
use crate::ground::limits::REALM;
use crate::ground::random::Secret;
use crate::ground::text::Text;
use crate::ground::time::Instant;
use crate::wire::sip::digest::{Digest, Hex, Qop};
use crate::wire::sip::{
    Algorithm, Auth, Bad, Challenge, Credentials, Name, Request, Text as Quoted, Uri, Writer,
    is_user_of, same_user,
};
use core::net::IpAddr;

/// The users of one realm, and what they have proved.
pub struct Guard {
    secret: Secret,
    realm: Text<REALM>,
    users: Users,
    nonces: Nonces,
    failures: Failures,
}

/// What the credentials of a request come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown<'a> {
    /// There are none for us.
    Nothing,
    /// They can't be read, or are of another request: 400 says why.
    Bad(&'static str),
    /// They prove nothing. The user they are for, where there is one and its password was looked at.
    Wrong(Option<&'a str>),
    /// The password is right, but the nonce is not ours, not for there, or too old (RFC 7616 §3.3).
    Stale,
    /// They are right, if [`Guard::spend`] says so too.
    Right(Right),
}

/// Who was proved, and with what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Right {
    /// The place in the table.
    user: usize,
    nonce: Nonce,
    nc: u32,
}

/// What a 401 asks for.
#[derive(Clone, Copy, Debug)]
pub struct Challenges<'a> {
    realm: &'a str,
    nonce: Digits,
    stale: bool,
    algorithms: &'static [Algorithm<'static>],
}

impl Guard {
    /// Knows nobody.
    pub const fn new() -> Guard {
        Guard {
            secret: Secret::new(),
            realm: Text::new(),
            users: Users::new(),
            nonces: Nonces::new(),
            failures: Failures::new(),
        }
    }

    /// Takes the secrets of this run. Before the first challenge only.
    pub fn seed(&mut self, nonces: Secret, names: Secret) {
        self.nonces.seed(nonces);
        self.secret = names;
    }

    /// Whose users they are, as phones show it when they ask for a password.
    pub fn set_realm(&mut self, realm: &Text<REALM>) {
        self.realm.clone_from(realm);
    }

    /// Knows these users from now on, and no others.
    pub fn set_users(&mut self, users: &[User]) {
        self.users.clear();
        let _ = self.users.extend_from_slice(users); // There are no more than it holds.
    }

    /// All users.
    pub fn users(&self) -> &[User] {
        &self.users
    }

    /// The name of whom these credentials proved.
    pub fn name(&self, right: Right) -> &str {
        self.users.get(right.user).map_or("", User::name)
    }

    /// Looks at the credentials of a request from that address. Those of other realms are none of ours, and neither are
    /// other schemes.
    pub fn examine(&mut self, now: Instant, from: IpAddr, request: &Request<'_>) -> Shown<'_> {
        let mut rows = request.headers.credentials(Name::Authorization);
        let ours = rows.find_map(|row| match row {
            Ok(Auth::Digest(it)) => it.realm.bytes().eq(self.realm.bytes()).then_some(Ok(it)),
            Ok(Auth::Other) => None,
            Err(bad) => Some(Err(bad)),
        });
        match ours {
            None => Shown::Nothing,
            Some(Err(Bad)) => Shown::Bad("Malformed Authorization header field"),
            Some(Ok(shown)) if !is_of(&shown, request) => {
                Shown::Bad("Credentials for another Request-URI")
            }
            Some(Ok(shown)) => self.check(now, Home::of(from), request, &shown),
        }
    }

    /// Uses what was proved, for this request and no other. `false` if it was used before: the request is a copy, or has
    /// been overtaken (RFC 7616 §3.4).
    #[must_use]
    pub fn spend(&mut self, now: Instant, right: Right) -> bool {
        let user = self.user_key(Some(right.user));
        self.nonces.take(now, right.nonce, right.nc, user)
    }

    /// What to ask somebody there for who calls himself like that. `stale` if only the nonce was at fault.
    pub fn challenge(
        &mut self,
        now: Instant,
        to: IpAddr,
        name: &Uri<'_>,
        stale: bool,
    ) -> Challenges<'_> {
        let algorithms = self.algorithms_for(name);
        Challenges {
            nonce: self.nonces.give(now, Home::of(to)),
            realm: &self.realm,
            stale,
            algorithms,
        }
    }

    /// SHA-256 first, and MD5 only if a user may use it (RFC 8760 §2.3). A user who may is asked for MD5 alone: phones
    /// that know nothing else fail at the sight of SHA-256 (baresip 1.0, SIPp 3.6) and don't look for more. A name that is
    /// nobody's is asked like one of the users, always the same, so that this tells nothing of who is there.
    fn algorithms_for(&self, name: &Uri<'_>) -> &'static [Algorithm<'static>] {
        let named = |it: &&User| is_user_of(it.name().as_bytes(), name);
        let like = self.users.iter().find(named).or_else(|| {
            let hash = self.secret.hasher().part(name.user()).finish();
            let at = (hash as usize).checked_rem(self.users.len())?;
            self.users.get(at)
        });
        if like.is_some_and(User::may_md5) {
            &[Algorithm::Md5]
        } else if self.users.iter().any(User::may_md5) {
            &[Algorithm::Sha256, Algorithm::Md5]
        } else {
            &[Algorithm::Sha256]
        }
    }

    fn check(
        &mut self,
        now: Instant,
        home: Home,
        request: &Request<'_>,
        shown: &Credentials<'_>,
    ) -> Shown<'_> {
        let Some((nc, cnonce)) = counted(shown) else {
            return Shown::Wrong(None);
        };
        let user = self.users.iter().position(|it| it.is_named(shown));
        let nonce = Nonce::read(shown.nonce.raw()).filter(|it| self.nonces.is_ours(*it, home));
        let key = self.user_key(user);
        // Only who hears us there can be held to account there.
        let source = nonce.map(|_| self.source(home, key));
        let is_proved = nonce.is_some_and(|it| self.nonces.has_proved(it, key));
        if !is_proved && !self.failures.may_try(now, source) {
            return Shown::Wrong(None);
        }
        let login = user.and_then(|at| self.users[at].login(shown.algorithm));
        let digest = Digest {
            algorithm: shown.algorithm,
            username: b"",
            realm: b"",
            password: b"",
            nonce: shown.nonce.raw(),
            qop: Qop::Auth,
            nc,
            cnonce: cnonce.raw(),
            method: request.method.as_bytes(),
            uri: shown.uri.raw(),
            body: b"",
        };
        let right = digest.response_under(&login.unwrap_or(Hex::zero(shown.algorithm)));
        let is_right = right.is_some_and(|it| it.matches(shown.response.raw()));
        let Some(user) = user.filter(|_| is_right && login.is_some()) else {
            self.failures.note(now, source);
            return Shown::Wrong(user.and_then(|at| self.users.get(at)).map(User::name));
        };
        match nonce.filter(|it| !it.is_old(now)) {
            None => Shown::Stale,
            Some(nonce) => {
                source.into_iter().for_each(|it| self.failures.forgive(it));
                Shown::Right(Right { user, nonce, nc })
            }
        }
    }

    #[cfg(test)]
    fn nonces_floor(&self) -> u64 {
        self.nonces.floor()
    }

    /// What a user is told apart by while others come and go; one that is not there shares its key with all such.
    fn user_key(&self, user: Option<usize>) -> u64 {
        let name = user.and_then(|at| self.users.get(at)).map(User::name);
        name.map_or(0, |name| {
            self.secret.hasher().part(name.as_bytes()).finish()
        })
    }

    fn source(&self, home: Home, user: u64) -> u64 {
        let hasher = self.secret.hasher().part(&home.bytes());
        hasher.part(&user.to_be_bytes()).finish()
    }
}

impl Default for Guard {
    fn default() -> Guard {
        Guard::new()
    }
}

impl Challenges<'_> {
    /// Writes them, a row for each hash, the better one first.
    pub fn write(&self, w: &mut Writer<'_>) {
        for &algorithm in self.algorithms {
            let challenge = Challenge {
                realm: Quoted::plain(self.realm.as_bytes()),
                nonce: Quoted::plain(&self.nonce),
                opaque: None,
                stale: self.stale,
                algorithm,
                qop: Some(Quoted::plain(b"auth")),
                domain: None,
                userhash: true,
            };
            w.field(Name::WwwAuthenticate, &challenge);
        }
    }
}

/// The count of the nonce and the client's own, of credentials with the protection and a hash that we offer.
fn counted<'a>(shown: &Credentials<'a>) -> Option<(u32, Quoted<'a>)> {
    let is_offered = match shown.algorithm {
        Algorithm::Sha256 | Algorithm::Md5 => true,
        Algorithm::Md5Sess
        | Algorithm::Sha256Sess
        | Algorithm::Sha512
        | Algorithm::Sha512Sess
        | Algorithm::Other(_) => false,
    };
    let qop = shown.qop?;
    let is_auth = qop.raw().eq_ignore_ascii_case(b"auth");
    (is_offered && is_auth).then_some((shown.nc?, shown.cnonce?))
}

/// Whether they are for this request: their `uri` is the Request-URI, which a proxy may have brought to another host on
/// the way (RFC 3261 §22.4, RFC 8760 §2.6); or its host alone, as SIPp writes it.
fn is_of(shown: &Credentials<'_>, request: &Request<'_>) -> bool {
    let written = shown.uri.raw();
    let is_meant = |uri: Uri<'_>| {
        let is_host = match (&uri, &request.uri) {
            (Uri::Sip(host), Uri::Sip(asked)) => host.user.is_none() && host.host == asked.host,
            (Uri::Sip(_) | Uri::Tel(_) | Uri::Pres(_) | Uri::Other { .. }, _) => false,
        };
        is_host || same_user(&uri, &request.uri) || uri.equivalent(&request.uri)
    };
    written == request.uri_text || Uri::parse(written).is_ok_and(is_meant)
}

#[cfg(test)]
mod tests;
