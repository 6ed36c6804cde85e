//! The digest headers: read RFC 7616 §3.3 to §3.5, RFC 7615 and RFC 8760.
//!
//! Their values hold commas, so each row is one value and is never joined or split (RFC 3261 §7.3.1).

use super::super::grammar::{Bad, Parsed, Text, lws, same_text, separator, sws, text, token};
use super::super::headers::Headers;
use super::super::name::Name;
use crate::wire::out::{Out, Print};
use nom::Parser;
use nom::bytes::complete::take_while_m_n;
use nom::combinator::all_consuming;
use nom::multi::fold_many_m_n;
use nom::number::complete::hex_u32;
use nom::sequence::{delimited, preceded, separated_pair};

/// A row of the Authorization family: a scheme and its parameters.
#[derive(Clone, Copy, Debug)]
pub enum Auth<T> {
    /// Digest.
    Digest(T),
    /// Another scheme: ignored, no fault (RFC 4475 §3.3.7).
    Other,
}

/// A hash of RFC 8760 §2.1, as named on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm<'a> {
    /// Also when none is named.
    Md5,
    /// `MD5-sess`
    Md5Sess,
    /// `SHA-256`
    Sha256,
    /// `SHA-256-sess`
    Sha256Sess,
    /// `SHA-512-256`
    Sha512,
    /// `SHA-512-256-sess`
    Sha512Sess,
    /// Unknown: the challenge is skipped (RFC 8760 §2.4).
    Other(&'a [u8]),
}

impl<'a> Algorithm<'a> {
    /// The algorithm meant; names compare without case.
    pub fn from_bytes(name: &'a [u8]) -> Algorithm<'a> {
        const KNOWN: [Algorithm<'static>; 6] = [
            Algorithm::Md5,
            Algorithm::Md5Sess,
            Algorithm::Sha256,
            Algorithm::Sha256Sess,
            Algorithm::Sha512,
            Algorithm::Sha512Sess,
        ];
        KNOWN
            .into_iter()
            .find(|known| same_text(known.as_bytes(), name))
            .unwrap_or(Algorithm::Other(name))
    }

    /// The spelling on the wire.
    pub const fn as_bytes(&self) -> &'a [u8] {
        match self {
            Algorithm::Md5 => b"MD5",
            Algorithm::Md5Sess => b"MD5-sess",
            Algorithm::Sha256 => b"SHA-256",
            Algorithm::Sha256Sess => b"SHA-256-sess",
            Algorithm::Sha512 => b"SHA-512-256",
            Algorithm::Sha512Sess => b"SHA-512-256-sess",
            Algorithm::Other(name) => name,
        }
    }
}

/// A Digest challenge.
#[derive(Clone, Copy, Debug)]
pub struct Challenge<'a> {
    /// Whose password is asked for.
    pub realm: Text<'a>,
    /// To be hashed.
    pub nonce: Text<'a>,
    /// To be returned.
    pub opaque: Option<Text<'a>>,
    /// Whether only the nonce was too old.
    pub stale: bool,
    /// The hash.
    pub algorithm: Algorithm<'a>,
    /// `auth`, `auth-int` or both; absent from RFC 2069 peers.
    pub qop: Option<Text<'a>>,
    /// Where the credentials are good.
    pub domain: Option<Text<'a>>,
    /// Whether user names are hashed.
    pub userhash: bool,
}

/// Digest credentials.
#[derive(Clone, Copy, Debug)]
pub struct Credentials<'a> {
    /// Absent only if [`Credentials::username_star`] is there.
    pub username: Option<Text<'a>>,
    /// RFC 5987 form; both at once is an error and refused.
    pub username_star: Option<Text<'a>>,
    /// As in the challenge.
    pub realm: Text<'a>,
    /// As in the challenge.
    pub nonce: Text<'a>,
    /// What was hashed as the request's target.
    pub uri: Text<'a>,
    /// Hexadecimal digits.
    pub response: Text<'a>,
    /// The hash.
    pub algorithm: Algorithm<'a>,
    /// The client's nonce.
    pub cnonce: Option<Text<'a>>,
    /// As in the challenge.
    pub opaque: Option<Text<'a>>,
    /// `auth` or `auth-int`.
    pub qop: Option<Text<'a>>,
    /// Eight hexadecimal digits.
    pub nc: Option<u32>,
    /// Whether the user name is hashed.
    pub userhash: bool,
}

/// Parameters that one row may have; ours have at most twelve.
const PARAMS: usize = 32;

impl<'a> Challenge<'a> {
    /// Reads a whole row.
    ///
    /// # Errors
    /// [`Bad`] for what is no parameter list, a parameter twice, no realm, no nonce.
    pub fn parse(input: &'a [u8]) -> Result<Auth<Challenge<'a>>, Bad> {
        let Some(found) = digest(input)? else {
            return Ok(Auth::Other);
        };
        Ok(Auth::Digest(Challenge {
            realm: found.realm.ok_or(Bad)?,
            nonce: found.nonce.ok_or(Bad)?,
            opaque: found.opaque,
            stale: is_true(found.stale),
            algorithm: algorithm(found.algorithm),
            qop: found.qop,
            domain: found.domain,
            userhash: is_true(found.userhash),
        }))
    }
}

impl<'a> Credentials<'a> {
    /// Reads a whole row.
    ///
    /// # Errors
    /// [`Bad`] for what is no parameter list, a parameter twice, a missing realm, nonce, uri, response or user name,
    /// both kinds of user name, or an nc that is not eight hexadecimal digits.
    pub fn parse(input: &'a [u8]) -> Result<Auth<Credentials<'a>>, Bad> {
        let Some(found) = digest(input)? else {
            return Ok(Auth::Other);
        };
        if found.username.is_some() == found.username_star.is_some() {
            return Err(Bad);
        }
        let nc = found.nc.map(|text| count(text.raw())).transpose()?;
        Ok(Auth::Digest(Credentials {
            username: found.username,
            username_star: found.username_star,
            realm: found.realm.ok_or(Bad)?,
            nonce: found.nonce.ok_or(Bad)?,
            uri: found.uri.ok_or(Bad)?,
            response: found.response.ok_or(Bad)?,
            algorithm: algorithm(found.algorithm),
            cnonce: found.cnonce,
            opaque: found.opaque,
            qop: found.qop,
            nc,
            userhash: is_true(found.userhash),
        }))
    }
}

/// All parameters that any of these rows can have.
#[derive(Default)]
struct Found<'a> {
    username: Option<Text<'a>>,
    username_star: Option<Text<'a>>,
    realm: Option<Text<'a>>,
    nonce: Option<Text<'a>>,
    uri: Option<Text<'a>>,
    response: Option<Text<'a>>,
    algorithm: Option<Text<'a>>,
    cnonce: Option<Text<'a>>,
    opaque: Option<Text<'a>>,
    qop: Option<Text<'a>>,
    nc: Option<Text<'a>>,
    userhash: Option<Text<'a>>,
    stale: Option<Text<'a>>,
    domain: Option<Text<'a>>,
    next_nonce: Option<Text<'a>>,
}

impl<'a> Found<'a> {
    /// Keeps a parameter we know; a second one of that name would be another reading of the row.
    fn with(mut self, (name, value): AuthParam<'a>) -> Result<Found<'a>, Bad> {
        let place = self.place(name);
        match place.and_then(|place| place.replace(value)) {
            None => Ok(self),
            Some(_) => Err(Bad),
        }
    }

    fn place(&mut self, name: &[u8]) -> Option<&mut Option<Text<'a>>> {
        let places: [(&[u8], &mut Option<Text<'a>>); 15] = [
            (b"username", &mut self.username),
            (b"username*", &mut self.username_star),
            (b"realm", &mut self.realm),
            (b"nonce", &mut self.nonce),
            (b"uri", &mut self.uri),
            (b"response", &mut self.response),
            (b"algorithm", &mut self.algorithm),
            (b"cnonce", &mut self.cnonce),
            (b"opaque", &mut self.opaque),
            (b"qop", &mut self.qop),
            (b"nc", &mut self.nc),
            (b"userhash", &mut self.userhash),
            (b"stale", &mut self.stale),
            (b"domain", &mut self.domain),
            (b"nextnonce", &mut self.next_nonce),
        ];
        places
            .into_iter()
            .find(|(known, _)| same_text(known, name))
            .map(|(_, place)| place)
    }
}

/// `"Digest" LWS auth-params`; `None` for another scheme.
fn digest(input: &[u8]) -> Result<Option<Found<'_>>, Bad> {
    let (rest, scheme) = token(input)?;
    if !same_text(scheme, b"Digest") {
        return Ok(None);
    }
    let (_, found) = all_consuming(delimited(lws, auth_params, sws)).parse(rest)?;
    found.map(Some)
}

/// `auth-param *( COMMA auth-param )`, at most [`PARAMS`] of them.
fn auth_params(input: &[u8]) -> Parsed<'_, Result<Found<'_>, Bad>> {
    let (rest, first) = auth_param(input)?;
    fold_many_m_n(
        0,
        PARAMS - 1,
        preceded(separator(','), auth_param),
        || Found::default().with(first),
        |found, param| found?.with(param),
    )
    .parse(rest)
}

/// `token EQUAL ( token / quoted-string )`
fn auth_param(input: &[u8]) -> Parsed<'_, AuthParam<'_>> {
    separated_pair(token, separator('='), text).parse(input)
}

/// Name and value.
type AuthParam<'a> = (&'a [u8], Text<'a>);

fn algorithm(text: Option<Text<'_>>) -> Algorithm<'_> {
    text.map_or(Algorithm::Md5, |text| Algorithm::from_bytes(text.raw()))
}

fn is_true(text: Option<Text<'_>>) -> bool {
    text.is_some_and(|text| same_text(text.raw(), b"true"))
}

/// `8LHEX`; capital letters are read too.
fn count(text: &[u8]) -> Result<u32, Bad> {
    let digits = take_while_m_n(8, 8, |byte: u8| byte.is_ascii_hexdigit());
    let (_, nc) = all_consuming(digits.and_then(hex_u32)).parse(text)?;
    Ok(nc)
}

impl Print for Challenge<'_> {
    fn print(&self, out: &mut Out<'_>) {
        out.raw(b"Digest realm=\"").value(self.realm.raw());
        out.raw(b"\", nonce=\"").value(self.nonce.raw()).byte(b'"');
        quote(out, b", opaque=\"", self.opaque);
        quote(out, b", domain=\"", self.domain);
        if self.stale {
            out.raw(b", stale=true");
        }
        out.raw(b", algorithm=").value(self.algorithm.as_bytes());
        quote(out, b", qop=\"", self.qop);
        if self.userhash {
            out.raw(b", userhash=true");
        }
    }
}

impl Print for Credentials<'_> {
    /// Quoted and unquoted as RFC 7616 §3.4 wants each.
    fn print(&self, out: &mut Out<'_>) {
        out.raw(b"Digest ");
        if let Some(name) = self.username_star {
            out.raw(b"username*=").value(name.raw());
        }
        quote(out, b"username=\"", self.username);
        quote(out, b", realm=\"", Some(self.realm));
        quote(out, b", nonce=\"", Some(self.nonce));
        quote(out, b", uri=\"", Some(self.uri));
        quote(out, b", response=\"", Some(self.response));
        out.raw(b", algorithm=").value(self.algorithm.as_bytes());
        quote(out, b", opaque=\"", self.opaque);
        if let Some(qop) = self.qop {
            out.raw(b", qop=").value(qop.raw());
        }
        if let Some(nc) = self.nc {
            out.raw(b", nc=").hex(nc.into(), 8);
        }
        quote(out, b", cnonce=\"", self.cnonce);
        if self.userhash {
            out.raw(b", userhash=true");
        }
    }
}

fn quote(out: &mut Out<'_>, before: &[u8], text: Option<Text<'_>>) {
    if let Some(text) = text {
        out.raw(before).value(text.raw()).byte(b'"');
    }
}

impl<'a> Headers<'a> {
    /// WWW-Authenticate and Proxy-Authenticate rows of a 401 or 407, topmost first.
    pub fn challenges(
        &self,
        name: Name,
    ) -> impl Iterator<Item = Result<Auth<Challenge<'a>>, Bad>> + use<'a> {
        self.rows(name).map(Challenge::parse)
    }

    /// The nonce for the next request, as Authentication-Info has it (RFC 7616 §3.5, RFC 7615 §3); a row that is no
    /// parameter list counts as absent.
    pub fn next_nonce(&self) -> Option<Text<'a>> {
        self.rows(Name::AuthenticationInfo).find_map(|row| {
            let read = all_consuming(delimited(sws, auth_params, sws)).parse(row);
            read.ok()?.1.ok()?.next_nonce
        })
    }

    /// Authorization and Proxy-Authorization rows of a request, topmost first.
    pub fn credentials(
        &self,
        name: Name,
    ) -> impl Iterator<Item = Result<Auth<Credentials<'a>>, Bad>> + use<'a> {
        self.rows(name).map(Credentials::parse)
    }
}

#[cfg(test)]
mod tests;
