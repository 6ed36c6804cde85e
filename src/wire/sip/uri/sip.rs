//! `sip:`, `sips:` and `pres:` URIs.

use super::super::bytes::{Class, find};
use super::super::grammar::Bad;
use super::super::host::{Host, hostport};
use super::{UriParams, escapes_are_whole};
use crate::wire::out::{Out, Print};
use core::fmt;

/// `sip:user:password@host:port;params?headers`
#[derive(Clone, Copy)]
pub struct SipUri<'a> {
    /// `sips:`
    pub secure: bool,
    /// As written, escapes included; never empty. May hold `;` and `?` (RFC 4475 §3.1.1.9).
    pub user: Option<&'a [u8]>,
    /// As written; may be empty.
    pub password: Option<&'a [u8]>,
    /// Where it leads.
    pub host: Host<'a>,
    /// `None` is not 5060: it leaves room for the DNS.
    pub port: Option<u16>,
    /// Behind the host.
    pub params: UriParams<'a>,
    /// Behind the question token; empty if there is none. They never become headers of a message.
    pub headers: &'a [u8],
}

impl<'a> SipUri<'a> {
    /// Reads what stands behind the scheme's colon.
    #[inline]
    pub(super) fn parse(secure: bool, input: &'a [u8]) -> Result<SipUri<'a>, Bad> {
        match SipUri::take_plain(secure, input) {
            Some((uri, [])) => Ok(uri),
            Some(_) | None => SipUri::parse_odd(secure, input),
        }
    }

    /// Reads `user@host[:port][;params]` without password, escapes and headers from the beginning; gives it and what
    /// follows, which may still be part of a URI that is not so plain.
    #[inline(always)]
    pub(super) fn take_plain(secure: bool, input: &'a [u8]) -> Option<(SipUri<'a>, &'a [u8])> {
        let (user @ [_, ..], [b'@', behind @ ..]) = input.split_at(Class::PLAIN_USER.run(input))
        else {
            return None;
        };
        let (rest, (host, port)) = hostport(behind).ok()?;
        let (params, rest) = match rest {
            [b';', ..] => rest.split_at(Class::PLAIN_PARAM.run(rest)),
            _ => (&[][..], rest),
        };
        let uri = SipUri {
            secure,
            user: Some(user),
            password: None,
            host,
            port,
            params: UriParams(params),
            headers: b"",
        };
        Some((uri, rest))
    }

    /// With all that may stand in it.
    fn parse_odd(secure: bool, input: &'a [u8]) -> Result<SipUri<'a>, Bad> {
        let (user, password, behind) = userinfo(input)?;
        let (rest, (host, port)) = hostport(behind)?;
        let (params, headers) = tail(rest)?;
        Ok(SipUri {
            secure,
            user,
            password,
            host,
            port,
            params,
            headers,
        })
    }

    /// The `transport` parameter as written.
    pub fn transport(&self) -> Option<&'a [u8]> {
        self.params.get(b"transport")
    }

    /// Whether a proxy of this URI is a loose router (RFC 3261 §16.12).
    pub fn is_loose_router(&self) -> bool {
        self.params.get(b"lr").is_some()
    }
}

impl Print for SipUri<'_> {
    fn print(&self, out: &mut Out<'_>) {
        out.raw(if self.secure { b"sips:" } else { b"sip:" });
        if let Some(user) = self.user {
            out.value(user);
            if let Some(password) = self.password {
                out.byte(b':').value(password);
            }
            out.byte(b'@');
        }
        out.print(&self.host);
        if let Some(port) = self.port {
            out.byte(b':').decimal(port.into());
        }
        out.value(self.params.raw());
        if !self.headers.is_empty() {
            out.byte(b'?').value(self.headers);
        }
    }
}

/// `pres:user@host?headers` (RFC 3859 §3.2).
#[derive(Clone, Copy, Debug)]
pub struct PresUri<'a> {
    /// As written, escapes included.
    pub user: Option<&'a [u8]>,
    /// The domain.
    pub host: Host<'a>,
    /// Outside the grammar, and seen.
    pub port: Option<u16>,
    /// Outside the grammar, and seen.
    pub params: UriParams<'a>,
    /// Behind the question token; empty if there is none.
    pub headers: &'a [u8],
}

impl<'a> PresUri<'a> {
    pub(super) fn parse(input: &'a [u8]) -> Result<PresUri<'a>, Bad> {
        let SipUri {
            secure: _,
            user,
            password: None,
            host,
            port,
            params,
            headers,
        } = SipUri::parse(false, input)?
        else {
            return Err(Bad);
        };
        Ok(PresUri {
            user,
            host,
            port,
            params,
            headers,
        })
    }
}

impl Print for PresUri<'_> {
    fn print(&self, out: &mut Out<'_>) {
        out.raw(b"pres:");
        if let Some(user) = self.user {
            out.value(user).byte(b'@');
        }
        out.print(&self.host);
        if let Some(port) = self.port {
            out.byte(b':').decimal(port.into());
        }
        out.value(self.params.raw());
        if !self.headers.is_empty() {
            out.byte(b'?').value(self.headers);
        }
    }
}

impl fmt::Display for SipUri<'_> {
    /// As it was written, but for the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.secure { "sips:" } else { "sip:" })?;
        let password = self.password.map(|_| ":…").unwrap_or_default();
        show_address(f, self.user, password, (self.host, self.port))?;
        show_tail(f, self.params, self.headers)
    }
}

impl fmt::Debug for SipUri<'_> {
    /// As [`fmt::Display`] has it: a password is a secret (RFC 3261 §19.1.1).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SipUri({self})")
    }
}

impl fmt::Display for PresUri<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("pres:")?;
        show_address(f, self.user, "", (self.host, self.port))?;
        show_tail(f, self.params, self.headers)
    }
}

fn show_address(
    f: &mut fmt::Formatter<'_>,
    user: Option<&[u8]>,
    password: &str,
    (host, port): (Host<'_>, Option<u16>),
) -> fmt::Result {
    if let Some(user) = user {
        write!(f, "{}{password}@", user.escape_ascii())?;
    }
    match port {
        Some(port) => write!(f, "{host}:{port}"),
        None => write!(f, "{host}"),
    }
}

fn show_tail(f: &mut fmt::Formatter<'_>, params: UriParams<'_>, headers: &[u8]) -> fmt::Result {
    write!(f, "{}", params.raw().escape_ascii())?;
    match headers {
        [] => Ok(()),
        headers => write!(f, "?{}", headers.escape_ascii()),
    }
}

/// User, password, and what stands behind the `@`.
type UserInfo<'a> = (Option<&'a [u8]>, Option<&'a [u8]>, &'a [u8]);

/// `[ user [ ":" password ] "@" ]`. The first `@` ends it: none may stand unescaped anywhere else.
fn userinfo(input: &[u8]) -> Result<UserInfo<'_>, Bad> {
    let Some(at) = find(b'@', input) else {
        return Ok((None, None, input));
    };
    let (info, behind) = (&input[..at], &input[at + 1..]);
    let (user, password) = match find(b':', info) {
        Some(colon) => (&info[..colon], Some(&info[colon + 1..])),
        None => (info, None),
    };
    let is_whole = escapes_are_whole(user) && password.is_none_or(escapes_are_whole);
    if user.is_empty() || !is_whole || !Class::USER.has_all(info) {
        return Err(Bad);
    }
    Ok((Some(user), password, behind))
}

/// Parameters and headers, from `;` or `?` to the end.
fn tail(input: &[u8]) -> Result<(UriParams<'_>, &[u8]), Bad> {
    match input {
        [] => return Ok((UriParams::default(), b"")),
        [b';' | b'?', ..] => {}
        _ => return Err(Bad),
    }
    if !Class::URI.has_all(input) || !escapes_are_whole(input) {
        return Err(Bad);
    }
    match find(b'?', input) {
        Some(token) if token + 1 == input.len() => Err(Bad),
        Some(token) => Ok((UriParams(&input[..token]), &input[token + 1..])),
        None => Ok((UriParams(input), b"")),
    }
}
