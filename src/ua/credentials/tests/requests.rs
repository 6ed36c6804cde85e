//! One request from its first challenge to its end.

use super::*;
use std::vec::Vec;

/// A request that is challenged by servers, and sent again each time.
struct Asked {
    login: Login,
    account: Account,
    random: Random,
    proof: Proof,
}

const WRONG: Next = Next::GiveUp("it does not take our password");
const AGAIN_AND_AGAIN: Next = Next::GiveUp("it asks again and again");

/// A challenge as `who` sends it: `WWW` or `Proxy`.
fn challenge(who: &str, realm: &str, nonce: &str) -> String {
    format!("{who}-Authenticate: Digest realm=\"{realm}\", nonce=\"{nonce}\", qop=\"auth\"\r\n")
}

fn stale(rows: &str) -> String {
    rows.replace("\r\n", ", stale=true\r\n")
}

impl Asked {
    /// The first of all requests.
    fn new() -> Asked {
        Asked {
            login: Login::new(),
            account: account(),
            random: Random::new(),
            proof: Proof::NONE,
        }
    }

    /// The first request after one that proved this realm with that nonce.
    fn after(realm: &str, nonce: &str) -> Asked {
        let mut it = Asked::new();
        assert_eq!(it.answer(&challenge("WWW", realm, nonce)), Next::Again);
        it.begin();
        assert_eq!(it.nonces(), [nonce]);
        it
    }

    /// Another request.
    fn begin(&mut self) {
        self.proof = self.login.prove(Proof::NONE, &mut self.random);
    }

    /// The request is challenged, and sent again if that helps.
    fn answer(&mut self, rows: &str) -> Next {
        let next = taken(&mut self.login, &self.account, rows, &mut self.proof);
        if next == Next::Again {
            self.proof = self.login.prove(self.proof, &mut self.random);
        }
        next
    }

    fn rows(&self) -> String {
        written(&self.login, self.proof)
    }

    /// The nonces it carries.
    fn nonces(&self) -> Vec<String> {
        let rows = self.rows();
        let nonces = rows.split(", nonce=\"").skip(1);
        nonces
            .filter_map(|it| it.split('"').next().map(String::from))
            .collect()
    }
}

#[test]
fn an_old_nonce_that_is_refused_without_a_challenge_is_dropped() /* freeswitch #1532 #1779 */
{
    let mut it = Asked::after("pbx", "old");
    assert_eq!(it.answer(""), Next::Again);
    assert_eq!(it.rows(), "", "once without");
    assert_eq!(it.answer(&challenge("WWW", "pbx", "new")), Next::Again);
    assert_eq!(it.nonces(), ["new"]);
    // The nonce that it was given just now is refused in the same way: it is used no more.
    assert!(matches!(it.answer(""), Next::GiveUp(_)));
    it.begin();
    assert_eq!(it.rows(), "");
}

#[test]
fn a_server_that_never_says_what_it_wants_is_asked_once_without_credentials() {
    let mut it = Asked::after("pbx", "old");
    for rows in ["", "WWW-Authenticate: Basic realm=\"pbx\"\r\n"] {
        it.begin();
        let is_first = rows.is_empty();
        assert_eq!(it.answer(rows) == Next::Again, is_first);
        assert!(matches!(it.answer(rows), Next::GiveUp(_)));
        assert_eq!(it.rows(), "");
    }
}

#[test]
fn a_nonce_that_came_meanwhile_is_not_dropped_with_the_old_one() {
    let mut it = Asked::after("pbx", "old");
    let mut other = it.proof;
    assert_eq!(
        taken(&mut it.login, &it.account, "", &mut other),
        Next::Again
    );
    let new = challenge("WWW", "pbx", "new");
    assert_eq!(
        taken(&mut it.login, &it.account, &new, &mut other),
        Next::Again
    );
    // The same refusal of the request that was on its way all the time.
    assert_eq!(it.answer(""), Next::Again);
    assert_eq!(it.nonces(), ["new"]);
}

#[test]
fn a_proxy_and_the_server_behind_it_are_answered_together() /* A14 freeswitch #242 */
{
    for (first, second) in [("Proxy", "WWW"), ("WWW", "Proxy")] {
        let mut it = Asked::new();
        assert_eq!(it.answer(&challenge(first, "edge", "n1")), Next::Again);
        assert_eq!(it.nonces(), ["n1"]);
        assert_eq!(it.answer(&challenge(second, "pbx", "n2")), Next::Again);
        let rows = it.rows();
        assert_eq!(rows.matches("Proxy-Authorization: Digest").count(), 1);
        assert_eq!(rows.matches("Digest ").count(), 2, "{rows}");
        // The next request has both before anybody asks.
        it.begin();
        assert_eq!(it.rows().matches("Digest ").count(), 2);
    }
}

#[test]
fn two_proxies_in_a_row_are_answered_together() /* RFC 3261 §22.3 */
{
    let mut it = Asked::new();
    assert_eq!(it.answer(&challenge("Proxy", "a", "n1")), Next::Again);
    assert_eq!(it.answer(&challenge("Proxy", "b", "n2")), Next::Again);
    assert_eq!(it.nonces(), ["n2", "n1"], "those asked for last first");
    // Both in one answer, as of a proxy that forks.
    let mut it = Asked::new();
    let both = challenge("Proxy", "a", "n1") + &challenge("Proxy", "b", "n2");
    assert_eq!(it.answer(&both), Next::Again);
    assert_eq!(it.nonces(), ["n2", "n1"]);
    // A third takes the place of the oldest.
    assert_eq!(it.answer(&challenge("Proxy", "c", "n3")), Next::Again);
    assert_eq!(it.nonces(), ["n3", "n2"]);
}

#[test]
fn only_a_fresh_proof_of_the_same_realm_that_is_refused_is_a_wrong_password() /* A12 */
{
    // Old nonces are replaced, whether the server calls them stale or not.
    for is_stale in [false, true] {
        let mut it = Asked::after("pbx", "old");
        let new = challenge("WWW", "pbx", "new");
        let new = if is_stale { stale(&new) } else { new };
        assert_eq!(it.answer(&new), Next::Again);
        assert_eq!(it.nonces(), ["new"]);
        assert_eq!(
            it.answer(&stale(&challenge("WWW", "pbx", "n3"))),
            Next::Again
        );
        assert_eq!(it.answer(&challenge("WWW", "pbx", "n4")), WRONG);
        // No proof is made of what was refused, not by the next request either.
        it.begin();
        assert_eq!(it.rows(), "");
    }
}

#[test]
fn a_password_refused_by_the_server_is_wrong_whatever_the_proxy_asks_next() {
    let mut it = Asked::new();
    assert_eq!(it.answer(&challenge("Proxy", "edge", "n1")), Next::Again);
    assert_eq!(it.answer(&challenge("WWW", "pbx", "n2")), Next::Again);
    let proxy = stale(&challenge("Proxy", "edge", "n3"));
    assert_eq!(it.answer(&proxy), Next::Again);
    assert_eq!(it.answer(&challenge("WWW", "pbx", "n4")), WRONG);
    it.begin();
    assert_eq!(it.nonces(), ["n3"], "the proxy's is as good as it was");
}

#[test]
fn nobody_is_answered_for_ever() /* ATTACKS B11 */
{
    let mut it = Asked::new();
    for number in 0..TRIES {
        let rows = challenge("WWW", &format!("r{number}"), "n");
        assert_eq!(it.answer(&rows), Next::Again);
    }
    assert_eq!(it.answer(&challenge("WWW", "r", "n")), AGAIN_AND_AGAIN);
    let mut it = Asked::new();
    for nonce in ["n1", "n2"] {
        let rows = stale(&challenge("WWW", "pbx", nonce));
        assert_eq!(it.answer(&rows), Next::Again);
    }
    assert_eq!(it.answer(&stale(&challenge("WWW", "pbx", "n3"))), WRONG);
}

#[test]
fn a_weaker_hash_is_not_to_be_had_by_dropping_the_nonce() /* A06 RFC 8760 §3 */
{
    let strong = challenge("WWW", "pbx", "n1").replace(", qop", ", algorithm=SHA-256, qop");
    let mut it = Asked::new();
    assert_eq!(it.answer(&strong), Next::Again);
    it.begin();
    assert_eq!(it.answer(""), Next::Again);
    let weaker = Next::GiveUp("it asks for a weaker hash than before");
    assert_eq!(it.answer(&challenge("WWW", "pbx", "n2")), weaker);
    assert_eq!(it.rows(), "");
}
