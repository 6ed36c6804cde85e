//! Proving who we are to a server (RFC 3261 §22, RFC 7616, RFC 8760): the client's side of digest authentication.
//!
//! An [`Account`] is what the settings say, a [`Login`] what its server has asked so far. Credentials for a challenge
//! that is known go out with every request, before anybody asks (RFC 3261 §22.2), so that a refresh costs one exchange.
//!
//! A role that asks with an account: [`Login::prove`] for each new request, [`Login::write`] each time its bytes are
//! written, [`Login::take`] at a 401 or 407; on [`Next::Again`] the same request goes out as a new one, with the next
//! CSeq (RFC 3261 §8.1.3.5).
//!
//! `rspauth` is not looked at: a server that would have to prove itself is one that we should speak TLS to.

mod challenge;
#[cfg(test)]
mod tests;

use crate::ground::limits::{PASSWORD, REALM, USER};
use crate::ground::random::Random;
use crate::ground::text::Text;
use crate::wire::sip::{Method, Name, Response, Writer};
use challenge::Known;
use core::fmt;

/// Who we are to a server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// The user's name.
    pub user: Text<USER>,
    /// The secret. Without one no challenge is answered.
    pub password: Password,
    /// The only realm that is answered (RFC 3261 §22); without one that of the account's own servers, whichever it is.
    pub realm: Option<Text<REALM>>,
}

/// A secret; it prints as `…`.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Password(Text<PASSWORD>);

/// What an account's servers have asked, at most one realm of each kind.
#[derive(Clone, Debug, Default)]
pub struct Login {
    /// By `WWW-Authenticate`.
    user: Option<Known>,
    /// By `Proxy-Authenticate`.
    proxy: Option<Known>,
}

/// What makes the credentials of one request its own: the same each time its bytes are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proof {
    user: u32,
    proxy: u32,
    cnonce: u64,
}

/// What becomes of a request that was challenged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Send it again, as a new request: there are better credentials now.
    Again,
    /// Don't; says why.
    GiveUp(&'static str),
}

/// How often one request is sent again for a challenge: once for the first, once more if its nonce was stale.
const TRIES: u8 = 2;

/// How many rows of challenges are looked at.
const ROWS: usize = 8;

impl Account {
    /// Nobody.
    pub const fn new() -> Account {
        Account {
            user: Text::new(),
            password: Password(Text::new()),
            realm: None,
        }
    }

    /// Whether any challenge can be answered.
    pub fn has_password(&self) -> bool {
        !self.password.as_bytes().is_empty()
    }
}

impl Password {
    /// That secret.
    pub const fn new(text: Text<PASSWORD>) -> Password {
        Password(text)
    }

    fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl Proof {
    /// That of a request without credentials.
    pub const NONE: Proof = Proof {
        user: 0,
        proxy: 0,
        cnonce: 0,
    };
}

impl Login {
    /// Nobody has asked yet.
    pub const fn new() -> Login {
        Login {
            user: None,
            proxy: None,
        }
    }

    /// Takes in the challenges of a 401 or 407 to a request that was sent again `tries` times already.
    pub fn take(&mut self, response: &Response<'_>, account: &Account, tries: u8) -> Next {
        if !account.has_password() {
            return Next::GiveUp("it wants a password, and there is none");
        }
        if tries >= TRIES {
            return Next::GiveUp("it does not take our password");
        }
        let mut why = "it asks for a proof that we do not know";
        let mut is_news = false;
        for (name, place) in [
            (Name::WwwAuthenticate, &mut self.user),
            (Name::ProxyAuthenticate, &mut self.proxy),
        ] {
            let rows = response.headers.challenges(name).take(ROWS);
            let Some(found) = challenge::best(rows, account, place.as_ref()) else {
                continue;
            };
            match found {
                Ok(known) => {
                    *place = Some(known);
                    is_news = true;
                }
                Err(refused) => why = refused,
            }
        }
        // After the first time only a stale nonce is a reason: the password is not going to be better (RFC 7616 §3.3).
        match is_news {
            true if tries == 0 || self.is_stale() => Next::Again,
            true => Next::GiveUp("it does not take our password"),
            false => Next::GiveUp(why),
        }
    }

    /// Draws what makes the next request's credentials its own.
    pub fn prove(&mut self, random: &mut Random) -> Proof {
        let count = |known: &mut Option<Known>| known.as_mut().map_or(0, Known::count);
        Proof {
            user: count(&mut self.user),
            proxy: count(&mut self.proxy),
            cnonce: random.bits(),
        }
    }

    /// Writes the credentials of a request, if anybody has asked for them.
    pub fn write(
        &self,
        w: &mut Writer<'_>,
        account: &Account,
        method: Method<'_>,
        uri: &[u8],
        proof: Proof,
        body: &[u8],
    ) {
        for (name, known, nc) in [
            (Name::Authorization, &self.user, proof.user),
            (Name::ProxyAuthorization, &self.proxy, proof.proxy),
        ] {
            if let Some(known) = known
                && nc > 0
            {
                known.write(w, name, account, method, uri, (nc, proof.cnonce), body);
            }
        }
    }

    /// Takes the next nonce that a server gives with a 2xx (RFC 7616 §3.5).
    pub fn handle_info(&mut self, response: &Response<'_>) {
        if let Some(known) = &mut self.user
            && let Some(nonce) = response.headers.next_nonce()
        {
            known.renew(nonce.raw());
        }
    }

    fn is_stale(&self) -> bool {
        let is_stale = |known: &Option<Known>| known.as_ref().is_some_and(Known::is_stale);
        is_stale(&self.user) || is_stale(&self.proxy)
    }
}
