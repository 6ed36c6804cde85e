//! Proving who we are to a server (RFC 3261 §22, RFC 7616, RFC 8760): the client's side of digest authentication.
//!
//! An [`Account`] is what the settings say, a [`Login`] what its server has asked so far. Credentials for a challenge
//! that is known go out with every request, before anybody asks (RFC 3261 §22.2), so that a refresh costs one exchange.
//!
//! A role that asks with an account: [`Login::prove`] for each new request, [`Login::write`] each time its bytes are
//! written, [`Login::take`] at a 401 or 407; on [`Next::Again`] the same request goes out as a new one, with the next
//! CSeq (RFC 3261 §8.1.3.5). What a role has to remember of a request is its [`Proof`].
//!
//! What a 401 or 407 means is decided here, for all of them:
//!
//! | it asks for | the request |
//! |---|---|
//! | a realm that it was not asked for before, from whatever place (RFC 3261 §22.3) | proves that too, beside the others |
//! | a realm whose old nonce it carried, or, once, whose nonce is stale | proves it with the new nonce |
//! | a realm that it has just proved with a fresh nonce | is given up: that is a wrong password |
//! | nothing that can be answered, and it carried old nonces | goes once without: some servers drop a nonce like that |
//! | nothing that can be answered otherwise | is given up |
//!
//! A nonce that was refused is used no more, and no request is sent for ever.
//!
//! `rspauth` is not looked at: a server that would have to prove itself is one that we should speak TLS to.

mod challenge;
#[cfg(test)]
mod tests;

use crate::ground::limits::{PASSWORD, REALM, USER};
use crate::ground::random::Random;
use crate::ground::text::Text;
use crate::wire::sip::{Auth, Challenge, Method, Name, Response, Writer};
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

/// What an account's servers have asked: of each kind the last realms, for each of two proxies in a row may want a proof
/// of its own (RFC 3261 §22.3).
///
/// Full: a new realm takes the place of the one that was asked for longest ago; it is asked for again.
#[derive(Clone, Debug, Default)]
pub struct Login {
    /// By kind: [`Kind::keys`].
    keys: [Option<Known>; KEYS],
    /// How many challenges were taken in.
    laps: u32,
}

/// What makes the credentials of one request its own, the same each time its bytes are written; and what became of those
/// that it carried before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proof {
    uses: [Use; KEYS],
    cnonce: u64,
    /// The keys that it was asked for since it was sent first, one bit each; and those of which that nonce was stale.
    asked: u8,
    renewed: u8,
    /// How often it was sent again for a challenge.
    tries: u8,
    /// Whether it was sent again without what it carried.
    bare: bool,
}

/// One use of one nonce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Use {
    /// Zero for none.
    count: u32,
    /// Which challenge the nonce came with.
    lap: u32,
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A user agent, by `WWW-Authenticate`.
    User,
    /// A proxy, by `Proxy-Authenticate`.
    Proxy,
}

/// What becomes of a request that was challenged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Send it again, as a new request: there are better credentials now, or none.
    Again,
    /// Don't; says why.
    GiveUp(&'static str),
}

/// Realms that are known of each kind.
const REALMS: usize = 2;
const KEYS: usize = 2 * REALMS;

/// How often one request is sent again for challenges: without an old nonce, for a proxy, for the server behind it, and
/// for a nonce that grew stale meanwhile. Whoever invents a realm each time is not answered for ever.
const TRIES: u8 = 4;

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
    /// That of a request without credentials, that nobody has asked for any.
    pub const NONE: Proof = Proof {
        uses: [Use::NONE; KEYS],
        cnonce: 0,
        asked: 0,
        renewed: 0,
        tries: 0,
        bare: false,
    };

    /// The use that it carried of a key, if it did.
    fn carried(&self, key: usize, known: &Known) -> Option<Use> {
        let carried = self.uses[key];
        (carried.count > 0 && known.is_of(carried.lap)).then_some(carried)
    }

    const fn was_asked(&self, key: usize) -> bool {
        self.asked & 1 << key != 0
    }

    /// Whether a nonce that it was given itself may be stale already: once, not each time (RFC 7616 §3.3).
    const fn may_renew(&mut self, key: usize) -> bool {
        let renewed = self.renewed;
        self.renewed |= 1 << key;
        renewed & 1 << key == 0
    }
}

impl Use {
    const NONE: Use = Use { count: 0, lap: 0 };
}

impl Kind {
    const ALL: [Kind; 2] = [Kind::User, Kind::Proxy];

    /// The places of its realms.
    const fn keys(self) -> core::ops::Range<usize> {
        match self {
            Kind::User => 0..REALMS,
            Kind::Proxy => REALMS..KEYS,
        }
    }

    const fn challenge(self) -> Name {
        match self {
            Kind::User => Name::WwwAuthenticate,
            Kind::Proxy => Name::ProxyAuthenticate,
        }
    }

    const fn credentials(self) -> Name {
        match self {
            Kind::User => Name::Authorization,
            Kind::Proxy => Name::ProxyAuthorization,
        }
    }
}

/// What the challenges of one answer come to.
struct Verdict {
    /// Something is asked for that was not proved yet.
    is_news: bool,
    /// A fresh proof was refused.
    is_wrong: bool,
    /// Why what else was asked cannot be answered.
    why: &'static str,
}

impl Login {
    /// Nobody has asked yet.
    pub const fn new() -> Login {
        Login {
            keys: [const { None }; KEYS],
            laps: 0,
        }
    }

    /// Takes in the challenges of a 401 or 407 to the request with that proof.
    pub fn take(&mut self, response: &Response<'_>, account: &Account, proof: &mut Proof) -> Next {
        if !account.has_password() {
            return Next::GiveUp("it wants a password, and there is none");
        }
        let verdict = self.judge(response, account, proof);
        let goes_bare = !verdict.is_news && !verdict.is_wrong && self.drop_old(proof);
        if proof.tries >= TRIES && (verdict.is_news || goes_bare) {
            return Next::GiveUp("it asks again and again");
        }
        if verdict.is_news || goes_bare {
            proof.tries += 1;
            return Next::Again;
        }
        Next::GiveUp(match verdict.is_wrong {
            true => "it does not take our password",
            false => verdict.why,
        })
    }

    /// Draws what makes the next request's credentials its own, or those of the same request sent again.
    #[must_use]
    pub fn prove(&mut self, before: Proof, random: &mut Random) -> Proof {
        Proof {
            uses: self.keys.each_mut().map(|key| match key {
                Some(known) => known.count(),
                None => Use::NONE,
            }),
            cnonce: random.bits(),
            ..before
        }
    }

    /// Writes the credentials of a request, if anybody has asked for them: of each kind those first that were asked for
    /// last, for there are servers that look no further.
    pub fn write(
        &self,
        w: &mut Writer<'_>,
        account: &Account,
        method: Method<'_>,
        uri: &[u8],
        proof: Proof,
        body: &[u8],
    ) {
        for kind in Kind::ALL {
            let mut keys: [usize; REALMS] = core::array::from_fn(|nth| kind.keys().start + nth);
            keys.sort_unstable_by_key(|key| core::cmp::Reverse(self.lap(*key)));
            for key in keys {
                if let Some(known) = &self.keys[key]
                    && let Some(Use { count, .. }) = proof.carried(key, known)
                {
                    let (name, unique) = (kind.credentials(), (count, proof.cnonce));
                    known.write(w, name, account, method, uri, unique, body);
                }
            }
        }
    }

    /// Takes the next nonce that a server gives with a 2xx to the request with that proof (RFC 7616 §3.5). It does not say
    /// of which realm: of the one that was proved, or of the last of them.
    pub fn handle_info(&mut self, response: &Response<'_>, proof: &Proof) {
        let keys = Kind::User.keys().filter_map(|key| {
            let known = self.keys[key].as_ref()?;
            proof.carried(key, known).map(|_| (known.lap(), key))
        });
        if let Some((_, key)) = keys.max()
            && let Some(known) = &mut self.keys[key]
            && let Some(nonce) = response.headers.next_nonce()
        {
            known.renew(nonce.raw());
        }
    }

    /// Looks at all challenges. Of several for one realm the topmost counts that we can answer (RFC 8760 §2.4).
    fn judge(&mut self, response: &Response<'_>, account: &Account, proof: &mut Proof) -> Verdict {
        let mut verdict = Verdict {
            is_news: false,
            is_wrong: false,
            why: "it asks for a proof that we do not know",
        };
        for kind in Kind::ALL {
            let mut done = 0_u8;
            let rows = response.headers.challenges(kind.challenge()).take(ROWS);
            for row in rows {
                let Ok(Auth::Digest(challenge)) = row else {
                    continue;
                };
                let known = self.find(kind, &challenge);
                let before = known.and_then(|key| self.keys[key].as_ref());
                let found = match Known::new(&challenge, account, before) {
                    Ok(found) => found,
                    Err(why) => {
                        verdict.why = why;
                        continue;
                    }
                };
                let key = known.unwrap_or_else(|| self.room(kind));
                if done & 1 << key != 0 {
                    continue;
                }
                done |= 1 << key;
                let is_proved = known.is_some() && self.is_proved(key, proof);
                if is_proved && !(found.is_stale() && proof.may_renew(key)) {
                    self.spend(key, proof);
                    verdict.is_wrong = true;
                    continue;
                }
                self.keep(key, found);
                proof.asked |= 1 << key;
                verdict.is_news = true;
            }
        }
        verdict
    }

    /// Nothing was asked that can be answered: what the request carried is used no more. Whether it is worth sending
    /// once without: something that it carried was old.
    fn drop_old(&mut self, proof: &mut Proof) -> bool {
        let mut was_old = false;
        for key in 0..KEYS {
            let Some(known) = &self.keys[key] else {
                continue;
            };
            if proof.carried(key, known).is_some() {
                was_old |= !proof.was_asked(key);
                self.spend(key, proof);
            }
        }
        !core::mem::replace(&mut proof.bare, true) && was_old
    }

    /// Whether the request proved that key with a nonce that it was given itself.
    fn is_proved(&self, key: usize, proof: &Proof) -> bool {
        let known = self.keys[key].as_ref();
        known.is_some_and(|it| proof.carried(key, it).is_some()) && proof.was_asked(key)
    }

    /// The nonce that the request used is used no more; another one that came meanwhile is.
    fn spend(&mut self, key: usize, proof: &Proof) {
        if let Some(known) = &mut self.keys[key]
            && known.lap() == proof.uses[key].lap
        {
            known.spend();
        }
    }

    fn keep(&mut self, key: usize, found: Known) {
        self.laps = self.laps.saturating_add(1);
        let before = self.keys[key].take();
        self.keys[key] = Some(found.follow(before.as_ref(), self.laps));
    }

    fn find(&self, kind: Kind, challenge: &Challenge<'_>) -> Option<usize> {
        let is_it = |known: &Known| known.is_for(challenge.realm.raw());
        let mut keys = kind.keys();
        keys.find(|key| self.keys[*key].as_ref().is_some_and(is_it))
    }

    /// The place for another realm.
    fn room(&self, kind: Kind) -> usize {
        let keys = kind.keys();
        let first = keys.start;
        keys.min_by_key(|key| self.lap(*key)).unwrap_or(first)
    }

    /// Which challenge a key is of; zero for none.
    fn lap(&self, key: usize) -> u32 {
        self.keys[key].as_ref().map_or(0, Known::lap)
    }
}
