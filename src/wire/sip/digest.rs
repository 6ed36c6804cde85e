//! Digests: read RFC 7616 §3.4, RFC 8760 §2.2 and RFC 3261 §22.4.

use super::fields::{Algorithm, Credentials};
use super::grammar::Text;
use crate::ground::hex::hex;
use core::fmt;
use md5::Md5;
use sha2::Sha256;

/// Hexadecimal digits of the longest hash.
const LONGEST: usize = 64;

/// A hash in lower-case hexadecimal digits: 32 or 64 of them (RFC 7616 §3.4.1).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Hex {
    digits: [u8; LONGEST],
    len: usize,
}

impl Hex {
    /// As many digits as a hash by this algorithm has, all of them zero: no password is hashed to them.
    pub fn zero(algorithm: Algorithm<'_>) -> Hex {
        let len = hash_of(algorithm).map_or(0, |(hash, _)| hash.digits());
        Hex {
            digits: [b'0'; LONGEST],
            len,
        }
    }

    fn of(bytes: &[u8]) -> Hex {
        let mut digits = [0; LONGEST];
        for (pair, byte) in digits.chunks_exact_mut(2).zip(bytes) {
            hex(pair, u64::from(*byte));
        }
        Hex {
            digits,
            len: 2 * bytes.len().min(LONGEST / 2),
        }
    }

    /// Reads the digits of a hash by this algorithm; `None` if there are more or fewer, or others.
    pub fn read(algorithm: Algorithm<'_>, written: &[u8]) -> Option<Hex> {
        let (hash, _) = hash_of(algorithm)?;
        let is_whole = written.len() == hash.digits() && written.iter().all(u8::is_ascii_hexdigit);
        let mut digits = [0; LONGEST];
        let place = digits.get_mut(..written.len()).filter(|_| is_whole)?;
        place.copy_from_slice(written);
        digits.make_ascii_lowercase();
        Some(Hex {
            digits,
            len: written.len(),
        })
    }

    /// The digits.
    pub fn as_bytes(&self) -> &[u8] {
        &self.digits[..self.len]
    }

    /// Whether these are the same digits, small or capital. How long it takes says nothing of where they differ.
    pub fn matches(&self, digits: &[u8]) -> bool {
        let mut differs = u8::from(digits.len() != self.len);
        for (at, own) in self.as_bytes().iter().enumerate() {
            let other = digits.get(at).copied().unwrap_or_default();
            differs |= own ^ other.to_ascii_lowercase();
        }
        core::hint::black_box(differs) == 0
    }
}

/// The hash behind an algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hash {
    Md5,
    Sha256,
}

impl Hash {
    /// How many digits it has.
    const fn digits(self) -> usize {
        match self {
            Hash::Md5 => 32,
            Hash::Sha256 => 64,
        }
    }

    /// Hashes the parts with a colon between them.
    fn join(self, parts: &[&[u8]]) -> Hex {
        match self {
            Hash::Md5 => Hex::of(&joined::<Md5>(parts)),
            Hash::Sha256 => Hex::of(&joined::<Sha256>(parts)),
        }
    }
}

fn joined<D: sha2::Digest>(parts: &[&[u8]]) -> sha2::digest::Output<D> {
    let mut hasher = D::new();
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            hasher.update(b":");
        }
        hasher.update(part);
    }
    hasher.finalize()
}

/// Quality of protection (RFC 7616 §3.4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Qop {
    /// None at all: peers of RFC 2069.
    None,
    /// `auth`: of the method and the URI.
    Auth,
    /// `auth-int`: of the body as well.
    AuthInt,
}

impl Qop {
    /// The word on the wire; `None` for none.
    pub const fn name(self) -> Option<&'static str> {
        match self {
            Qop::None => None,
            Qop::Auth => Some("auth"),
            Qop::AuthInt => Some("auth-int"),
        }
    }
}

/// All that a digest is made of. Texts stand as between their quotes on the wire.
#[derive(Clone, Copy)]
pub struct Digest<'a> {
    /// How it is hashed.
    pub algorithm: Algorithm<'a>,
    /// Who.
    pub username: &'a [u8],
    /// Where.
    pub realm: &'a [u8],
    /// The secret.
    pub password: &'a [u8],
    /// The server's nonce.
    pub nonce: &'a [u8],
    /// What is protected.
    pub qop: Qop,
    /// How often the nonce was used, this time included.
    pub nc: u32,
    /// The client's nonce.
    pub cnonce: &'a [u8],
    /// The request's method.
    pub method: &'a [u8],
    /// The `uri` parameter.
    pub uri: &'a [u8],
    /// The request's body, for [`Qop::AuthInt`].
    pub body: &'a [u8],
}

impl fmt::Debug for Digest<'_> {
    /// All but the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Digest")
            .field("algorithm", &self.algorithm)
            .field(
                "username",
                &format_args!("{}", self.username.escape_ascii()),
            )
            .field("realm", &format_args!("{}", self.realm.escape_ascii()))
            .field("nonce", &format_args!("{}", self.nonce.escape_ascii()))
            .field("qop", &self.qop)
            .field("nc", &self.nc)
            .finish_non_exhaustive()
    }
}

impl<'a> Digest<'a> {
    /// The `response` parameter; `None` for an algorithm that we do not speak.
    pub fn response(&self) -> Option<Hex> {
        let (hash, _) = hash_of(self.algorithm)?;
        self.response_under(&hash.join(&[self.username, self.realm, self.password]))
    }

    /// The same, of the [hash](login_hash) that stands for user, realm and password.
    pub fn response_under(&self, login: &Hex) -> Option<Hex> {
        let (hash, session) = hash_of(self.algorithm)?;
        let mut a1 = *login;
        if session {
            a1 = hash.join(&[a1.as_bytes(), self.nonce, self.cnonce]);
        }
        let a2 = match self.qop {
            Qop::None | Qop::Auth => hash.join(&[self.method, self.uri]),
            Qop::AuthInt => {
                let body = hash.join(&[self.body]);
                hash.join(&[self.method, self.uri, body.as_bytes()])
            }
        };
        let (a1, a2) = (a1.as_bytes(), a2.as_bytes());
        let Some(qop) = self.qop.name() else {
            return Some(hash.join(&[a1, self.nonce, a2]));
        };
        let mut nc = [0; 8];
        hex(&mut nc, u64::from(self.nc));
        Some(hash.join(&[a1, self.nonce, &nc, self.cnonce, qop.as_bytes(), a2]))
    }

    /// The credentials of which `response` is the proof. Without a qop no nonce of ours is told (RFC 7616 §3.4).
    pub fn credentials(&self, response: &'a Hex, opaque: Option<&'a [u8]>) -> Credentials<'a> {
        let qop = self.qop.name();
        Credentials {
            username: Some(Text::plain(self.username)),
            username_star: None,
            realm: Text::plain(self.realm),
            nonce: Text::plain(self.nonce),
            uri: Text::plain(self.uri),
            response: Text::plain(response.as_bytes()),
            algorithm: self.algorithm,
            cnonce: qop.map(|_| Text::plain(self.cnonce)),
            opaque: opaque.map(Text::plain),
            qop: qop.map(|name| Text::plain(name.as_bytes())),
            nc: qop.map(|_| self.nc),
            userhash: false,
        }
    }
}

/// What a server keeps instead of a password (RFC 7616 §3.4.2): a hash of whose it is, where, and the password itself.
/// `None` for an algorithm that we do not speak.
pub fn login_hash(
    algorithm: Algorithm<'_>,
    username: &[u8],
    realm: &[u8],
    password: &[u8],
) -> Option<Hex> {
    let (hash, _) = hash_of(algorithm)?;
    Some(hash.join(&[username, realm, password]))
}

/// A user's name as `userhash` has it (RFC 7616 §3.4.4); `None` for an algorithm that we do not speak.
pub fn name_hash(algorithm: Algorithm<'_>, username: &[u8], realm: &[u8]) -> Option<Hex> {
    let (hash, _) = hash_of(algorithm)?;
    Some(hash.join(&[username, realm]))
}

/// Whether we speak an algorithm.
pub fn is_spoken(algorithm: Algorithm<'_>) -> bool {
    hash_of(algorithm).is_some()
}

/// The hash, and whether A1 is that of a session (RFC 7616 §3.4.2).
const fn hash_of(algorithm: Algorithm<'_>) -> Option<(Hash, bool)> {
    match algorithm {
        Algorithm::Md5 => Some((Hash::Md5, false)),
        Algorithm::Md5Sess => Some((Hash::Md5, true)),
        Algorithm::Sha256 => Some((Hash::Sha256, false)),
        Algorithm::Sha256Sess => Some((Hash::Sha256, true)),
        // It would cost 39 kB more, for a hash that no SIP server known to us offers alone.
        Algorithm::Sha512 | Algorithm::Sha512Sess | Algorithm::Other(_) => None,
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::{String, ToString};

    const MUFASA: Digest<'static> = Digest {
        algorithm: Algorithm::Md5,
        username: b"Mufasa",
        realm: b"http-auth@example.org",
        password: b"Circle of Life",
        nonce: b"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
        qop: Qop::Auth,
        nc: 1,
        cnonce: b"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
        method: b"GET",
        uri: b"/dir/index.html",
        body: b"",
    };

    fn response(digest: &Digest<'_>) -> String {
        let hex = digest.response().expect("spoken");
        core::str::from_utf8(hex.as_bytes())
            .expect("digits")
            .to_string()
    }

    #[test]
    fn the_rfcs_examples_come_out() /* A07: RFC 7616 §3.9.1, RFC 2617 §3.5 */
    {
        assert_eq!(response(&MUFASA), "8ca523f5e9506fed4657c9700eebdbec");
        let sha256 = Digest {
            algorithm: Algorithm::Sha256,
            ..MUFASA
        };
        assert_eq!(
            response(&sha256),
            "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"
        );
        let old = Digest {
            realm: b"testrealm@host.com",
            password: b"Circle Of Life",
            nonce: b"dcd98b7102dd2f0e8b11d0f600bfb0c093",
            cnonce: b"0a4f113b",
            ..MUFASA
        };
        assert_eq!(response(&old), "6629fae49393a05397450978507c4ef1");
    }

    #[test]
    fn a_server_needs_the_hash_alone() /* A07, A19 */
    {
        for algorithm in [Algorithm::Md5, Algorithm::Sha256] {
            let digest = Digest {
                algorithm,
                ..MUFASA
            };
            let login = login_hash(algorithm, MUFASA.username, MUFASA.realm, MUFASA.password);
            let without = Digest {
                password: b"",
                ..digest
            };
            let proof = without.response_under(&login.expect("spoken"));
            assert!(proof == digest.response());
            assert!(login != name_hash(algorithm, MUFASA.username, MUFASA.realm));
        }
    }

    #[test]
    fn digits_match_whole_and_in_either_case() /* ATTACKS F07 */
    {
        let hex = MUFASA.response().expect("spoken");
        let digits = response(&MUFASA);
        assert!(hex.matches(digits.as_bytes()));
        assert!(hex.matches(digits.to_ascii_uppercase().as_bytes()));
        let read = |algorithm, digits: &str| Hex::read(algorithm, digits.as_bytes());
        assert!(read(Algorithm::Md5, &digits.to_ascii_uppercase()) == Some(hex));
        assert!(read(Algorithm::Sha256, &digits).is_none());
        assert!(read(Algorithm::Md5, &digits[1..]).is_none());
        assert!(read(Algorithm::Md5, &digits.replace('8', "g")).is_none());
        for wrong in [
            "",
            "8",
            &digits[..31],
            &std::format!("{digits}0"),
            &digits.repeat(300),
            &digits.replace('8', "9"),
        ] {
            assert!(!hex.matches(wrong.as_bytes()), "{wrong}");
        }
    }

    #[test]
    fn a_session_hashes_both_nonces_into_a1() /* A09 */
    {
        let session = Digest {
            algorithm: Algorithm::Md5Sess,
            ..MUFASA
        };
        let a1 = Hash::Md5.join(&[MUFASA.username, MUFASA.realm, MUFASA.password]);
        let a1 = Hash::Md5.join(&[a1.as_bytes(), MUFASA.nonce, MUFASA.cnonce]);
        let a2 = Hash::Md5.join(&[b"GET", MUFASA.uri]);
        let (a1, a2) = (a1.as_bytes(), a2.as_bytes());
        let nc: &[u8] = b"00000001";
        let expected = Hash::Md5.join(&[a1, MUFASA.nonce, nc, MUFASA.cnonce, b"auth", a2]);
        assert!(session.response() == Some(expected));
    }

    #[test]
    fn an_absent_body_is_hashed_as_the_empty_one() /* A10 */
    {
        let whole = Digest {
            qop: Qop::AuthInt,
            ..MUFASA
        };
        let with_body = Digest {
            body: b"x",
            ..whole
        };
        let empty = Hash::Md5.join(&[b""]);
        assert_eq!(empty.as_bytes(), b"d41d8cd98f00b204e9800998ecf8427e");
        assert_ne!(response(&whole), response(&MUFASA));
        assert_ne!(response(&whole), response(&with_body));
    }

    #[test]
    fn peers_of_rfc_2069_have_no_qop() /* A02 */
    {
        let old = Digest {
            qop: Qop::None,
            ..MUFASA
        };
        let a1 = Hash::Md5.join(&[MUFASA.username, MUFASA.realm, MUFASA.password]);
        let a2 = Hash::Md5.join(&[b"GET", MUFASA.uri]);
        let expected = Hash::Md5.join(&[a1.as_bytes(), MUFASA.nonce, a2.as_bytes()]);
        assert!(old.response() == Some(expected));
    }

    #[test]
    fn a_password_is_not_printed() {
        let printed = std::format!("{MUFASA:?}");
        assert!(printed.contains("Mufasa"), "{printed}");
        assert!(!printed.contains("Circle"), "{printed}");
        // Nor as numbers.
        assert!(!printed.contains("67, 105"), "{printed}");
    }

    #[test]
    fn what_we_do_not_speak_has_no_response() {
        for algorithm in [Algorithm::Sha512, Algorithm::Other(b"SHA-1")] {
            assert!(!is_spoken(algorithm));
            assert!(
                Digest {
                    algorithm,
                    ..MUFASA
                }
                .response()
                .is_none()
            );
        }
    }
}
