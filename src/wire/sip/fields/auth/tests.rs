extern crate std;

use super::super::super::sample::headers;
use super::*;
use std::format;
use std::string::String;
use std::vec::Vec;

const CHALLENGE: &str = "Digest realm=\"desk, \\\"one\\\"\", nonce=\"n1\", opaque=\"o\", stale=true, algorithm=SHA-256, qop=\"auth,auth-int\"";
const CREDENTIALS: &str = "Digest username=\"door\", realm=\"desk\", nonce=\"n1\", uri=\"sip:desk@example.com\", response=\"0a\", algorithm=MD5-sess, opaque=\"o\", qop=auth, nc=0000001f, cnonce=\"c\"";

fn challenge(text: &str) -> Result<Auth<Challenge<'_>>, Bad> {
    Challenge::parse(text.as_bytes())
}

fn credentials(text: &str) -> Result<Auth<Credentials<'_>>, Bad> {
    Credentials::parse(text.as_bytes())
}

#[test]
fn challenges_are_read() /* A03 A04 */
{
    let Ok(Auth::Digest(found)) = challenge(CHALLENGE) else {
        panic!("a challenge");
    };
    assert!(found.realm.is(b"desk, \"one\"") && found.nonce.is(b"n1"));
    assert!(found.stale && !found.userhash);
    assert_eq!(found.algorithm, Algorithm::Sha256);
    assert!(found.qop.is_some_and(|qop| qop.is(b"auth,auth-int")));
    let Ok(Auth::Digest(plain)) =
        challenge("digest Realm=r ,\r\n nonce = \"n\",stale=\"TRUE\",x=y")
    else {
        panic!("a challenge");
    };
    assert!(plain.realm.is(b"r") && plain.stale);
    assert_eq!(plain.algorithm, Algorithm::Md5);
}

#[test]
fn credentials_are_read() /* A03 A11 */
{
    let Ok(Auth::Digest(found)) = credentials(CREDENTIALS) else {
        panic!("credentials");
    };
    assert!(found.username.is_some_and(|name| name.is(b"door")));
    assert!(found.uri.is(b"sip:desk@example.com") && found.response.is(b"0a"));
    assert_eq!((found.algorithm, found.nc), (Algorithm::Md5Sess, Some(31)));
    let quoted = CREDENTIALS.replace("qop=auth, nc=0000001f", "qop=\"auth\", nc=\"0000001F\"");
    let Ok(Auth::Digest(found)) = credentials(&quoted) else {
        panic!("credentials");
    };
    assert_eq!(found.nc, Some(31));
    assert!(found.qop.is_some_and(|qop| qop.is(b"auth")));
}

#[test]
fn other_schemes_are_no_fault() {
    for text in [
        "NoOneKnowsThisScheme opaque-data=here",
        "Basic QWxhZGRpbg==",
        "Bearer x",
        "Digest2 a",
    ] {
        assert!(matches!(credentials(text), Ok(Auth::Other)), "{text}");
        assert!(matches!(challenge(text), Ok(Auth::Other)), "{text}");
    }
}

#[test]
fn bad_rows_are_refused() /* A17, ATTACKS F01 F04 */
{
    for text in [
        "",
        "Digest",
        "Digest ",
        "Digest realm",
        "Digest realm=",
        "Digest realm=\"r",
        "Digest realm=r",
        "Digest nonce=n",
        "Digest realm=r,nonce=n,",
        "Digest realm=r nonce=n",
        "Digest realm=r,,nonce=n",
        "Digest realm=r,realm=s,nonce=n",
    ] {
        assert!(challenge(text).is_err(), "{text:?}");
    }
    for missing in [
        "realm=\"desk\", ",
        "nonce=\"n1\", ",
        "username=\"door\", ",
        "uri=\"sip:desk@example.com\", ",
        "response=\"0a\", ",
    ] {
        let text = CREDENTIALS.replace(missing, "");
        assert!(credentials(&text).is_err(), "without {missing}");
    }
    for nc in ["0000001", "000000001", "0000000g", "+0000001", "\"\""] {
        let text = CREDENTIALS.replace("0000001f", nc);
        assert!(credentials(&text).is_err(), "{nc}");
    }
    let both = format!("{CREDENTIALS}, username*=UTF-8''x");
    assert!(credentials(&both).is_err());
    let many: String = (0..500).map(|n| format!(", p{n}=1")).collect();
    assert!(credentials(&format!("{CREDENTIALS}{many}")).is_err());
}

#[test]
fn rows_are_never_split_or_joined() /* X12 */
{
    let rows = format!(
        "WWW-Authenticate: {CHALLENGE}\r\nWWW-Authenticate: Digest realm=r,nonce=n,algorithm=SHA-512-256\r\n"
    );
    headers(&rows, |headers| {
        let found: Vec<_> = headers
            .challenges(Name::WwwAuthenticate)
            .filter_map(|row| match row {
                Ok(Auth::Digest(challenge)) => Some(challenge.algorithm),
                Ok(Auth::Other) | Err(Bad) => None,
            })
            .collect();
        assert_eq!(found, [Algorithm::Sha256, Algorithm::Sha512]);
    });
    headers(&format!("Authorization: {CREDENTIALS}\r\n"), |headers| {
        assert_eq!(
            headers
                .credentials(Name::Authorization)
                .filter(Result::is_ok)
                .count(),
            1
        );
        assert_eq!(headers.credentials(Name::ProxyAuthorization).count(), 0);
    });
}

#[test]
fn algorithms_have_names() /* A01 */
{
    for name in [
        "MD5",
        "MD5-sess",
        "SHA-256",
        "SHA-256-sess",
        "SHA-512-256",
        "SHA-512-256-sess",
        "SHA-1",
    ] {
        let found = Algorithm::from_bytes(name.as_bytes());
        assert_eq!(found.as_bytes(), name.as_bytes());
        assert_eq!(matches!(found, Algorithm::Other(_)), name == "SHA-1");
    }
    assert_eq!(Algorithm::from_bytes(b"sha-256"), Algorithm::Sha256);
}

#[test]
fn prints_what_can_be_read_again() /* A03 */
{
    let mut buf = [0; 512];
    let Ok(Auth::Digest(found)) = challenge(CHALLENGE) else {
        panic!("a challenge");
    };
    let len = Out::new(&mut buf).print(&found).finish().expect("fits");
    assert_eq!(&buf[..len], CHALLENGE.as_bytes());
    let Ok(Auth::Digest(found)) = credentials(CREDENTIALS) else {
        panic!("credentials");
    };
    let len = Out::new(&mut buf).print(&found).finish().expect("fits");
    assert_eq!(&buf[..len], CREDENTIALS.as_bytes());
}
