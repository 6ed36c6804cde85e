//! The guard in virtual time: a phone that knows a password, and others who do not.

extern crate std;
use super::*;
use crate::ground::limits::{NONCES, USERS};
use crate::ground::random::Random;
use crate::ground::time::{Duration, Seconds};
use crate::wire::sip::digest::{login_hash, name_hash};
use crate::wire::sip::{Message, Rows, parse};
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

const REALM: &str = "desk.example";
const HOME: &str = "192.0.2.9";
const ELSEWHERE: &str = "198.51.100.7";

struct Fixture {
    guard: Guard,
    now: Instant,
}

/// What a phone shows.
#[derive(Clone)]
struct Phone {
    user: &'static str,
    password: &'static str,
    algorithm: Algorithm<'static>,
    nc: u32,
    nonce: String,
    /// Parameters in place of its own: `name=value`.
    instead: Vec<(&'static str, String)>,
}

fn user(name: &str, password: &str, may_md5: bool) -> User {
    let hash = |algorithm| {
        let (name, realm) = (name.as_bytes(), REALM.as_bytes());
        login_hash(algorithm, name, realm, password.as_bytes()).expect("spoken")
    };
    let md5 = may_md5.then(|| hash(Algorithm::Md5));
    let text = Text::copied(name).expect("short");
    User::new(text, REALM, hash(Algorithm::Sha256), md5)
}

impl Fixture {
    /// Ann with SHA-256 alone, Bob with MD5 too.
    fn new() -> Fixture {
        Fixture::with(&[user("ann", "secret", false), user("bob", "hidden", true)])
    }

    fn with(users: &[User]) -> Fixture {
        let mut random = Random::new();
        random.seed([3, 4]);
        let mut guard = Guard::new();
        guard.seed(random.secret(), random.secret());
        guard.set_realm(&Text::copied(REALM).expect("short"));
        guard.set_users(users);
        Fixture {
            guard,
            now: Instant::from_millis(5_000_000),
        }
    }

    fn nonce(&mut self, home: &str) -> String {
        let to = home.parse().expect("an address");
        let ann = Uri::parse(b"sip:ann@192.0.2.9").expect("a URI");
        let challenges = self.guard.challenge(self.now, to, &ann, false);
        String::from_utf8(challenges.nonce.to_vec()).expect("digits")
    }

    /// What the credentials come to, with the use of the nonce.
    fn show(&mut self, phone: &Phone, home: &str) -> &'static str {
        self.show_to(&phone.request(), home)
    }

    fn show_to(&mut self, request: &str, home: &str) -> &'static str {
        let mut rows = Rows::new();
        let Ok(Message::Request(request)) = parse(request.as_bytes(), &mut rows) else {
            panic!("no request: {request}");
        };
        let from = home.parse().expect("an address");
        match self.guard.examine(self.now, from, &request) {
            Shown::Nothing => "nothing",
            Shown::Bad(_) => "bad",
            Shown::Wrong(Some(_)) => "wrong",
            Shown::Wrong(None) => "unheard",
            Shown::Stale => "stale",
            Shown::Right(right) => match self.guard.spend(self.now, right) {
                true => "right",
                false => "replayed",
            },
        }
    }

    /// A phone of Ann's that was asked there.
    fn ann(&mut self, home: &str) -> Phone {
        Phone::new("ann", "secret", self.nonce(home))
    }
}

impl Phone {
    fn new(user: &'static str, password: &'static str, nonce: String) -> Phone {
        Phone {
            user,
            password,
            algorithm: Algorithm::Sha256,
            nc: 1,
            nonce,
            instead: Vec::new(),
        }
    }

    fn next(&self) -> Phone {
        Phone {
            nc: self.nc + 1,
            ..self.clone()
        }
    }

    fn with(mut self, name: &'static str, value: &str) -> Phone {
        self.instead.push((name, value.to_string()));
        self
    }

    fn request(&self) -> String {
        const URI: &str = "sip:desk@192.0.2.1";
        let digest = Digest {
            algorithm: self.algorithm,
            username: self.user.as_bytes(),
            realm: REALM.as_bytes(),
            password: self.password.as_bytes(),
            nonce: self.nonce.as_bytes(),
            qop: Qop::Auth,
            nc: self.nc,
            cnonce: b"0a4f113b",
            method: b"SUBSCRIBE",
            uri: URI.as_bytes(),
            body: b"",
        };
        let response = digest.response().unwrap_or(Hex::zero(Algorithm::Sha256));
        let response = String::from_utf8(response.as_bytes().to_vec()).expect("digits");
        let algorithm = String::from_utf8(self.algorithm.as_bytes().to_vec()).expect("text");
        let mut all = Vec::from([
            ("username", format!("\"{}\"", self.user)),
            ("realm", format!("\"{REALM}\"")),
            ("nonce", format!("\"{}\"", self.nonce)),
            ("uri", format!("\"{URI}\"")),
            ("response", format!("\"{response}\"")),
            ("algorithm", algorithm),
            ("qop", "auth".to_string()),
            ("nc", format!("{:08x}", self.nc)),
            ("cnonce", "\"0a4f113b\"".to_string()),
        ]);
        for (name, value) in &self.instead {
            all.retain(|(known, _)| known != name);
            if !value.is_empty() {
                all.push((name, value.clone()));
            }
        }
        let all: Vec<String> = all
            .iter()
            .map(|(name, it)| format!("{name}={it}"))
            .collect();
        with_rows(&format!("Authorization: Digest {}\r\n", all.join(", ")))
    }
}

fn with_rows(rows: &str) -> String {
    format!(
        "SUBSCRIBE sip:desk@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1\r\n\
         Max-Forwards: 70\r\nFrom: <sip:ann@192.0.2.9>;tag=1\r\nTo: <sip:desk@192.0.2.1>\r\n\
         Call-ID: 1\r\nCSeq: 1 SUBSCRIBE\r\n{rows}Content-Length: 0\r\n\r\n"
    )
}

#[test]
fn a_password_is_proved_with_either_hash() /* A01, A07 */
{
    let mut f = Fixture::new();
    let ann = f.ann(HOME);
    assert_eq!(f.show(&ann, HOME), "right");
    assert_eq!(f.show(&ann.next(), HOME), "right");
    let mut bob = Phone::new("bob", "hidden", f.nonce(HOME));
    bob.algorithm = Algorithm::Md5;
    assert_eq!(f.show(&bob, HOME), "right");
    // None at all is MD5 (RFC 7616 §3.3).
    assert_eq!(f.show(&bob.next().with("algorithm", ""), HOME), "right");
}

#[test]
fn who_shows_nothing_of_ours_shows_nothing() /* A05, A14, ATTACKS F02 */
{
    let mut f = Fixture::new();
    let foreign = f.ann(HOME).with("realm", "\"elsewhere\"").request();
    assert_eq!(f.show_to(&foreign, HOME), "nothing");
    assert_eq!(f.show_to(&with_rows(""), HOME), "nothing");
    let basic = with_rows("Authorization: Basic YW5uOnNlY3JldA==\r\n");
    assert_eq!(f.show_to(&basic, HOME), "nothing");
    // Ours is found among others.
    let ours = f.ann(HOME).request();
    let both = ours.replace(
        "Authorization: Digest",
        "Authorization: Digest username=\"a\", realm=\"b\", nonce=\"c\", uri=\"d\", response=\"e\"\r\n\
         Authorization: Basic x\r\nAuthorization: Digest",
    );
    assert_eq!(f.show_to(&both, HOME), "right");
}

#[test]
fn nothing_is_taken_that_was_not_offered() /* A06, A09, A10, ATTACKS F05 */
{
    let mut f = Fixture::new();
    // Of Ann's password there is no MD5 hash, named or not.
    let mut ann = f.ann(HOME);
    ann.algorithm = Algorithm::Md5;
    assert_eq!(f.show(&ann, HOME), "wrong");
    assert_eq!(f.show(&ann.with("algorithm", ""), HOME), "wrong");
    for algorithm in [
        Algorithm::Sha256Sess,
        Algorithm::Md5Sess,
        Algorithm::Sha512,
        Algorithm::Other(b"SHA-1"),
    ] {
        let mut ann = f.ann(HOME);
        ann.algorithm = algorithm;
        assert_eq!(f.show(&ann, HOME), "unheard", "{algorithm:?}");
    }
    for (name, value) in [("qop", "auth-int"), ("qop", ""), ("nc", ""), ("cnonce", "")] {
        let ann = f.ann(HOME).with(name, value);
        assert_eq!(f.show(&ann, HOME), "unheard", "{name}={value}");
    }
    // A SHA-256 proof under the name of MD5.
    let ann = f.ann(HOME).with("algorithm", "MD5");
    assert_eq!(f.show(&ann, HOME), "wrong");
}

#[test]
fn what_cannot_be_read_is_bad() /* A17, ATTACKS F01, F04, F07 */
{
    let mut f = Fixture::new();
    for (name, value) in [
        ("realm", ""),
        ("nonce", ""),
        ("uri", ""),
        ("response", ""),
        ("username", ""),
        ("username*", "UTF-8''ann"),
        ("nc", "1"),
        ("nc", "000000001"),
        ("nc", "0000000g"),
        ("uri", "\"sip:other@192.0.2.1\""),
        ("uri", "\"sip:192.0.2.2\""),
        ("uri", "\"/\""),
    ] {
        let ann = f.ann(HOME).with(name, value);
        assert_eq!(f.show(&ann, HOME), "bad", "{name}={value}");
    }
    for row in ["Digest ", "Digest x=\"", "Digest username"] {
        let row = with_rows(&format!("Authorization: {row}\r\n"));
        assert_eq!(f.show_to(&row, HOME), "bad", "{row}");
    }
    for response in [
        "\"0\"",
        &format!("\"{}\"", "0".repeat(65)),
        &format!("\"{}\"", "0".repeat(10_000)),
    ] {
        let ann = f.ann(HOME).with("response", response);
        assert_eq!(f.show(&ann, HOME), "wrong");
    }
}

#[test]
fn the_uri_may_have_changed_its_host_on_the_way() /* A13 */
{
    let mut f = Fixture::new();
    let nonce = f.nonce(HOME);
    let ann = Phone::new("ann", "secret", nonce);
    let request = ann
        .request()
        .replace("SUBSCRIBE sip:desk@192.0.2.1 ", "SUBSCRIBE sip:desk@gw ");
    assert_eq!(f.show_to(&request, HOME), "right");
    let other = ann.next().request();
    let other = other.replace(
        "SUBSCRIBE sip:desk@192.0.2.1 ",
        "SUBSCRIBE sip:bob@192.0.2.1 ",
    );
    assert_eq!(f.show_to(&other, HOME), "bad");
}

#[test]
fn names_may_be_hidden_or_spelt_out() /* A17 */
{
    let mut f = Fixture::with(&[user("jäs", "secret", true), user("ann", "secret", true)]);
    for algorithm in [Algorithm::Sha256, Algorithm::Md5] {
        let hash = name_hash(algorithm, b"ann", REALM.as_bytes()).expect("spoken");
        let hash = format!("\"{}\"", String::from_utf8_lossy(hash.as_bytes()));
        let mut ann = f.ann(HOME);
        ann.algorithm = algorithm;
        let hidden = ann.with("username", &hash);
        assert_eq!(
            f.show(&hidden.clone().with("userhash", "true"), HOME),
            "right"
        );
        assert_eq!(
            f.show(&hidden.next(), HOME),
            "unheard",
            "nobody is called so"
        );
    }
    let jas = Phone::new("jäs", "secret", f.nonce(HOME)).with("username", "");
    let jas = jas.with("username*", "utf-8'de'j%C3%A4s");
    assert_eq!(f.show(&jas, HOME), "right");
}

#[test]
fn nobody_uses_a_nonce_twice() /* A11, ATTACKS F03, F04 */
{
    let mut f = Fixture::new();
    let mut ann = f.ann(HOME);
    assert_eq!(f.show(&ann, HOME), "right");
    assert_eq!(f.show(&ann, HOME), "replayed");
    ann.nc = 7;
    assert_eq!(f.show(&ann, HOME), "right", "some were lost");
    ann.nc = 6;
    assert_eq!(f.show(&ann, HOME), "replayed");
    ann.nc = u32::MAX;
    assert_eq!(f.show(&ann, HOME), "right");
    ann.nc = 0;
    assert_eq!(f.show(&ann, HOME), "replayed");
    let mut fresh = f.ann(HOME);
    fresh.nc = 0;
    assert_eq!(f.show(&fresh, HOME), "replayed");
    // Nor does one user use another one's.
    let bob = Phone::new("bob", "hidden", ann.nonce.clone());
    assert_eq!(f.show(&bob, HOME), "replayed");
}

#[test]
fn a_nonce_is_good_for_five_minutes_by_the_clock_that_only_counts() /* A12, A18, ATTACKS J02 */
{
    let mut f = Fixture::new();
    let ann = f.ann(HOME);
    f.now += Duration::from_secs(299);
    assert_eq!(f.show(&ann, HOME), "right");
    f.now += Duration::from_secs(2);
    assert_eq!(f.show(&ann.next(), HOME), "stale");
    let mut wrong = ann.next();
    wrong.password = "guess";
    assert_eq!(f.show(&wrong, HOME), "wrong", "stale is for the right one");
}

#[test]
fn a_nonce_is_good_where_it_was_given_and_nowhere_else() /* A12, ATTACKS F03 */
{
    let mut f = Fixture::new();
    let ann = f.ann(HOME);
    assert_eq!(f.show(&ann, ELSEWHERE), "stale");
    assert_eq!(f.show(&ann, HOME), "right");
    // It is one address, however it is written.
    assert_eq!(f.show(&ann.next(), "::ffff:192.0.2.9"), "right");
    let six = f.ann("2001:db8::1");
    assert_eq!(
        f.show(&six, "2001:db8::2"),
        "right",
        "another day's address"
    );
    assert_eq!(f.show(&six.next(), "2001:db8:0:1::2"), "stale");
    // Nor is that of another run.
    let mut other = Fixture::new();
    let mut random = Random::new();
    random.seed([5, 6]);
    other.guard.seed(random.secret(), random.secret());
    assert_eq!(other.show(&ann, HOME), "stale");
    // Nor one that somebody made up.
    for nonce in [
        "",
        "x",
        &"0".repeat(40),
        &"f".repeat(40),
        &"0".repeat(8_000),
    ] {
        let made = Phone::new("ann", "secret", nonce.to_string());
        assert_eq!(f.show(&made, HOME), "stale", "{}", nonce.len());
    }
}

#[test]
fn what_is_forgotten_is_never_taken_again() /* A18 */
{
    let mut f = Fixture::new();
    let unused = f.ann(HOME);
    let first = f.ann(HOME);
    assert_eq!(f.show(&first, HOME), "right");
    let mut others = Vec::new();
    for _ in 0..NONCES {
        let other = f.ann(HOME);
        assert_eq!(f.show(&other, HOME), "right");
        others.push(other);
    }
    // The first made way; so nothing that was given up to then counts, used or not.
    assert_eq!(f.show(&first, HOME), "replayed");
    assert_eq!(f.show(&first.next(), HOME), "replayed");
    assert_eq!(f.show(&unused, HOME), "replayed");
    for other in others {
        assert_eq!(f.show(&other, HOME), "replayed");
        assert_eq!(f.show(&other.next(), HOME), "right", "it is remembered");
    }
    // Those that are old make way before any that is good.
    f.now = f.now + Seconds(301);
    let late = f.ann(HOME);
    let floor = f.guard.nonces_floor();
    assert_eq!(f.show(&late, HOME), "right");
    assert_eq!(f.guard.nonces_floor(), floor);
}

#[test]
fn somebody_who_is_not_there_is_wrong_like_somebody_who_is() /* A19, ATTACKS A05 */
{
    let mut f = Fixture::new();
    for user in ["ann", "nobody", "", "a\\\"b"] {
        let guess = Phone::new(user, "guess", f.nonce(HOME));
        let seen = f.show(&guess, HOME);
        let is_there = user == "ann";
        assert_eq!(seen, if is_there { "wrong" } else { "unheard" }, "{user}");
        let made = Phone::new(user, "guess", "made up".to_string());
        f.show(&made, HOME);
    }
    // What is not there has no password: not the hash of zeros either.
    let zeros = "0".repeat(64);
    let nobody = Phone::new("nobody", "", f.nonce(HOME)).with("response", &format!("\"{zeros}\""));
    assert_eq!(f.show(&nobody, HOME), "unheard");
}

#[test]
fn who_guesses_is_heard_every_few_seconds_and_the_user_is_not_locked_out() /* ATTACKS F08 */
{
    let mut f = Fixture::new();
    let known = f.ann(HOME);
    assert_eq!(f.show(&known, HOME), "right");
    let guess = |f: &mut Fixture| Phone::new("ann", "guess", f.nonce(HOME));
    for _ in 0..failures::FREE {
        let guess = guess(&mut f);
        assert_eq!(f.show(&guess, HOME), "wrong");
    }
    for _ in 0..1_000 {
        let guess = guess(&mut f);
        assert_eq!(f.show(&guess, HOME), "unheard");
    }
    // Even the right one is not, just now.
    let fresh = f.ann(HOME);
    assert_eq!(f.show(&fresh, HOME), "unheard");
    // But her phone there goes on, she gets in elsewhere, and others get in there.
    assert_eq!(f.show(&known.next(), HOME), "right");
    let away = f.ann(ELSEWHERE);
    assert_eq!(f.show(&away, ELSEWHERE), "right");
    let bob = Phone::new("bob", "hidden", f.nonce(HOME));
    assert_eq!(f.show(&bob, HOME), "right");
}

#[test]
fn after_a_few_seconds_one_more_is_heard() /* ATTACKS F08 */
{
    let mut f = Fixture::new();
    for _ in 0..failures::FREE {
        let guess = Phone::new("ann", "guess", f.nonce(HOME));
        f.show(&guess, HOME);
    }
    f.now += failures::APART;
    let guess = Phone::new("ann", "guess", f.nonce(HOME));
    assert_eq!(f.show(&guess, HOME), "wrong");
    let ann = f.ann(HOME);
    assert_eq!(f.show(&ann, HOME), "unheard");
    f.now += failures::APART;
    assert_eq!(f.show(&ann, HOME), "right");
    // And all is forgiven.
    let guess = Phone::new("ann", "guess", f.nonce(HOME));
    assert_eq!(f.show(&guess, HOME), "wrong");
}

#[test]
fn nobody_locks_out_an_address_that_he_is_not_at() /* ATTACKS F08 */
{
    let mut f = Fixture::new();
    // Spoofed: he never hears what is sent there, so he has no nonce of there.
    let mine = f.nonce(ELSEWHERE);
    let mut heard = 0;
    for _ in 0..1_000 {
        let guess = Phone::new("ann", "guess", mine.clone());
        heard += usize::from(f.show(&guess, HOME) == "wrong");
    }
    assert_eq!(heard, usize::from(failures::FREE), "and guesses no faster");
    let ann = f.ann(HOME);
    assert_eq!(f.show(&ann, HOME), "right");
}

#[test]
fn each_is_asked_for_what_it_may_use_and_nobody_like_somebody() /* A01, A06, ATTACKS A05 */
{
    let mut f = Fixture::new();
    let asked = |f: &mut Fixture, name: &str| {
        let uri = format!("sip:{name}@192.0.2.9");
        let uri = Uri::parse(uri.as_bytes()).expect("a URI");
        let to = HOME.parse().expect("an address");
        f.guard
            .challenge(f.now, to, &uri, false)
            .algorithms
            .to_vec()
    };
    let both = [Algorithm::Sha256, Algorithm::Md5];
    assert_eq!(asked(&mut f, "ann"), both);
    assert_eq!(asked(&mut f, "bob"), [Algorithm::Md5]);
    let others: Vec<bool> = (0..64)
        .map(|at| {
            let name = format!("nobody{at}");
            let first = asked(&mut f, &name);
            assert_eq!(asked(&mut f, &name), first);
            first == both
        })
        .collect();
    assert!(others.contains(&true) && others.contains(&false));
    f.guard.set_users(&[user("ann", "secret", false)]);
    assert_eq!(asked(&mut f, "bob"), [Algorithm::Sha256]);
    f.guard.set_users(&[]);
    assert_eq!(asked(&mut f, "bob"), [Algorithm::Sha256]);
}

#[test]
fn users_come_and_go() {
    let mut f = Fixture::new();
    let ann = f.ann(HOME);
    assert_eq!(f.show(&ann, HOME), "right");
    f.guard.set_users(&[user("bob", "hidden", false)]);
    assert_eq!(f.show(&ann.next(), HOME), "unheard");
    f.guard
        .set_users(&[user("carl", "x", false), user("ann", "secret", false)]);
    assert_eq!(f.show(&ann, HOME), "replayed", "a new place in the table");
    assert_eq!(f.show(&ann.next(), HOME), "right");
    let all: Vec<User> = (0..USERS).map(|_| user("x", "y", true)).collect();
    f.guard.set_users(&all);
    assert_eq!(f.guard.users().len(), USERS);
}
