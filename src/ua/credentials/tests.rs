//! Challenges as servers send them, and what becomes of them.

extern crate std;

mod requests;

use super::*;
use crate::ground::limits::NONCE;
use crate::wire::sip::{self, Auth, Credentials, Message, Rows};
use std::format;
use std::string::{String, ToString};

const ASTERISK: &str = "WWW-Authenticate: Digest realm=\"asterisk\",\
    nonce=\"1795000000/9e107d9d372bb6826bd81d3542a419d6\",opaque=\"5ccc069c403ebaf9\",\
    algorithm=MD5,qop=\"auth\"\r\n";
const FREESWITCH: &str = "WWW-Authenticate: Digest realm=\"192.0.2.1\", \
    nonce=\"0d3a8c1e-9a6f-11ee-8c90-0242ac120002\", algorithm=MD5, qop=\"auth\"\r\n";
const KAMAILIO: &str = "WWW-Authenticate: Digest realm=\"pbx.example\", nonce=\"ZVxrBGVcadh0\"\r\n";

fn account() -> Account {
    Account {
        user: Text::copied("100").expect("short"),
        password: Password::new(Text::copied("secret").expect("short")),
        realm: None,
    }
}

/// The answer to a request that carried what is known.
fn take(login: &mut Login, account: &Account, rows: &str) -> Next {
    let mut proof = login.prove(Proof::NONE, &mut Random::new());
    taken(login, account, rows, &mut proof)
}

fn taken(login: &mut Login, account: &Account, rows: &str, proof: &mut Proof) -> Next {
    let text = format!(
        "SIP/2.0 401 Unauthorized\r\nVia: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bKx\r\n\
         From: <sip:100@pbx.example>;tag=a\r\nTo: <sip:100@pbx.example>;tag=b\r\nCall-ID: c\r\n\
         CSeq: 1 REGISTER\r\n{rows}Content-Length: 0\r\n\r\n"
    );
    let mut storage = Rows::new();
    match sip::parse(text.as_bytes(), &mut storage) {
        Ok(Message::Response(response)) if rows.starts_with("Authentication-Info") => {
            login.handle_info(&response, proof);
            Next::Again
        }
        Ok(Message::Response(response)) => login.take(&response, account, proof),
        other => panic!("{other:?}"),
    }
}

fn written(login: &Login, proof: Proof) -> String {
    let mut buf = [0; 1_024];
    let mut w = Writer::new(&mut buf);
    let uri = b"sip:pbx.example";
    login.write(&mut w, &account(), Method::Register, uri, proof, b"");
    let len = w.finish_lines().expect("it fits");
    String::from_utf8_lossy(&buf[..len]).to_string()
}

fn next(login: &mut Login, random: &mut Random) -> String {
    let proof = login.prove(Proof::NONE, random);
    written(login, proof)
}

#[test]
fn real_challenges_are_answered() /* A02 A03 A07 A13 */
{
    let mut random = Random::new();
    for (challenge, has_qop) in [(ASTERISK, true), (FREESWITCH, true), (KAMAILIO, false)] {
        let mut login = Login::new();
        assert_eq!(next(&mut login, &mut random), "", "nobody asked");
        assert_eq!(take(&mut login, &account(), challenge), Next::Again);
        let proof = login.prove(Proof::NONE, &mut random);
        let row = written(&login, proof);
        assert_eq!(row, written(&login, proof), "a retransmission is the same");
        let value = row
            .strip_prefix("Authorization: ")
            .expect("one row")
            .trim_end();
        let Ok(Auth::Digest(it)) = Credentials::parse(value.as_bytes()) else {
            panic!("{row}");
        };
        assert!(it.uri.is(b"sip:pbx.example") && it.uri.is_quoted());
        assert_eq!(it.nc, has_qop.then_some(1));
        assert_eq!(it.cnonce.is_some(), has_qop);
        let digest = sip::digest::Digest {
            algorithm: it.algorithm,
            username: b"100",
            realm: it.realm.raw(),
            password: b"secret",
            nonce: it.nonce.raw(),
            qop: if has_qop {
                sip::digest::Qop::Auth
            } else {
                sip::digest::Qop::None
            },
            nc: 1,
            cnonce: it.cnonce.map_or(b"", |it| it.raw()),
            method: b"REGISTER",
            uri: b"sip:pbx.example",
            body: b"",
        };
        let expected = digest.response().expect("spoken");
        assert_eq!(it.response.raw(), expected.as_bytes());
    }
}

#[test]
fn a_known_challenge_is_answered_unasked_with_a_rising_count() /* A11 A15 */
{
    let (mut login, mut random) = (Login::new(), Random::new());
    take(&mut login, &account(), ASTERISK);
    for count in 1..=3 {
        let row = next(&mut login, &mut random);
        assert!(row.contains(&format!(", nc={count:08x}")), "{row}");
    }
    for (info, nonce) in [
        ("qop=auth, nextnonce=\"n1\"", "n1"),
        ("NextNonce = \"n,2\"", "n,2"),
        ("rspauth=\"\",\r\n\tnextnonce=n3", "n3"),
    ] {
        let info = format!("Authentication-Info: {info}\r\n");
        take(&mut login, &account(), &info);
        let row = next(&mut login, &mut random);
        let expected = format!(", nonce=\"{nonce}\"");
        assert!(
            row.contains(&expected) && row.contains("nc=00000001"),
            "{row}"
        );
    }
    for info in ["x=\"nextnonce=\\\"n4\\\"\"", "nextnonce=\"n4", "nextnonce"] {
        let info = format!("Authentication-Info: {info}\r\n");
        take(&mut login, &account(), &info);
        let row = next(&mut login, &mut random);
        assert!(row.contains("nonce=\"n3\""), "{info}: {row}");
    }
}

#[test]
fn a_session_without_a_qop_cannot_be_proved() /* A09 */
{
    let rows = KAMAILIO.replace("\r\n", ", algorithm=MD5-sess\r\n");
    let mut login = Login::new();
    let expected = Next::GiveUp("it asks for the hash of a session without a qop");
    assert_eq!(take(&mut login, &account(), &rows), expected);
    assert_eq!(next(&mut login, &mut Random::new()), "");
    // Another challenge below it may be better.
    let both = format!("{rows}{KAMAILIO}");
    assert_eq!(take(&mut login, &account(), &both), Next::Again);
}

#[test]
fn the_topmost_challenge_that_we_speak_is_taken() /* A04 A05 */
{
    let (mut login, mut random) = (Login::new(), Random::new());
    let rows = "WWW-Authenticate: Basic realm=\"a\"\r\n\
        WWW-Authenticate: Digest realm=\"a\", nonce=\"1\", algorithm=SHA-512-256, qop=\"auth\"\r\n\
        WWW-Authenticate: Digest realm=\"a\", nonce=\"2\", algorithm=SHA-256, qop=\"auth-int, auth\"\r\n\
        WWW-Authenticate: Digest realm=\"a\", nonce=\"3\", algorithm=MD5, qop=\"auth\"\r\n";
    assert_eq!(take(&mut login, &account(), rows), Next::Again);
    let row = next(&mut login, &mut random);
    assert!(
        row.contains("algorithm=SHA-256") && row.contains("qop=auth, "),
        "{row}"
    );
    // Whoever stands in the way now cannot make us weaker (A06).
    let weaker =
        "WWW-Authenticate: Digest realm=\"a\", nonce=\"4\", algorithm=MD5, qop=\"auth\"\r\n";
    let expected = Next::GiveUp("it asks for a weaker hash than before");
    let next = taken(&mut login, &account(), weaker, &mut { Proof::NONE });
    assert_eq!(next, expected);
    let basic = "WWW-Authenticate: Basic realm=\"a\"\r\n";
    let next = take(&mut Login::new(), &account(), basic);
    assert!(matches!(next, Next::GiveUp(_)), "{next:?}");
}

#[test]
fn no_secret_goes_to_another_realm() /* A21 ATTACKS F06 */
{
    let mut bound = account();
    bound.realm = Text::copied("pbx.example").ok();
    let mut login = Login::new();
    let next = take(&mut login, &bound, ASTERISK);
    assert!(matches!(next, Next::GiveUp(_)), "{next:?}");
    assert_eq!(super::tests::next(&mut login, &mut Random::new()), "");
    assert_eq!(take(&mut login, &bound, KAMAILIO), Next::Again);
    let next = take(&mut Login::new(), &Account::new(), KAMAILIO);
    assert!(matches!(next, Next::GiveUp(_)), "no password: {next:?}");
}

#[test]
fn monstrous_challenges_are_left_alone() /* ATTACKS F07 */
{
    let long = format!(
        "WWW-Authenticate: Digest realm=\"a\", nonce=\"{}\"\r\n",
        "n".repeat(NONCE + 1)
    );
    let next = take(&mut Login::new(), &account(), &long);
    assert!(matches!(next, Next::GiveUp(_)), "{next:?}");
    let many = "WWW-Authenticate: Basic realm=\"a\"\r\n".repeat(50) + KAMAILIO;
    let next = take(&mut Login::new(), &account(), &many);
    assert!(matches!(next, Next::GiveUp(_)), "{next:?}");
}

#[test]
fn a_password_prints_as_nothing() {
    assert!(!format!("{:?}", account()).contains("secret"));
}

#[test]
fn the_protection_is_the_best_that_is_offered() /* A03 */
{
    for (offered, chosen) in [
        ("auth", Some("qop=auth,")),
        ("auth-int", Some("qop=auth-int,")),
        ("auth-int,auth", Some("qop=auth,")),
        ("token", None),
    ] {
        let challenge = ASTERISK.replace("qop=\"auth\"", &format!("qop=\"{offered}\""));
        let mut login = Login::new();
        let taken = take(&mut login, &account(), &challenge);
        let row = next(&mut login, &mut Random::new()).replace(", ", ",");
        match chosen {
            Some(chosen) => {
                assert_eq!(taken, Next::Again, "{offered}");
                let row = row.trim_end().to_string() + ",";
                assert!(row.contains(chosen), "{offered}: {row}");
            }
            None => {
                assert!(matches!(taken, Next::GiveUp(_)), "{offered}");
                assert_eq!(row, "");
            }
        }
    }
}

#[test]
fn a_strong_hash_follows_a_strong_one() /* A06 */
{
    let mut login = Login::new();
    let strong = ASTERISK.replace("algorithm=MD5", "algorithm=SHA-256");
    assert_eq!(take(&mut login, &account(), &strong), Next::Again);
    let again = strong.replace("9e107d9d", "00000000");
    let stale = again.trim_end().to_string() + ",stale=true\r\n";
    assert_eq!(take(&mut login, &account(), &stale), Next::Again);
    assert!(next(&mut login, &mut Random::new()).contains("SHA-256"));
}

#[test]
fn the_same_nonce_given_once_more_counts_on() /* A11 */
{
    let mut random = Random::new();
    let mut login = Login::new();
    assert_eq!(take(&mut login, &account(), KAMAILIO_QOP), Next::Again);
    assert!(next(&mut login, &mut random).contains("nc=00000001"));
    let same = "Authentication-Info: nextnonce=\"ZVxrBGVcadh0\"\r\n";
    let mut proof = login.prove(Proof::NONE, &mut random);
    assert!(written(&login, proof).contains("nc=00000002"));
    taken(&mut login, &account(), same, &mut proof);
    assert!(next(&mut login, &mut random).contains("nc=00000003"));
    let other = "Authentication-Info: nextnonce=\"another\"\r\n";
    taken(&mut login, &account(), other, &mut proof);
    let row = next(&mut login, &mut random);
    assert!(
        row.contains("nc=00000001") && row.contains("another"),
        "{row}"
    );
}

const KAMAILIO_QOP: &str =
    "WWW-Authenticate: Digest realm=\"pbx.example\", nonce=\"ZVxrBGVcadh0\", qop=\"auth\"\r\n";
