//! When two URIs are one: RFC 3261 §19.1.4 for SIP, RFC 3966 §4 for numbers, RFC 3856 §5 for presentities.

use super::super::grammar::same_text;
use super::super::host::Host;
use super::tel::plain_digits;
use super::{PresUri, SipUri, TelUri, Uri, pairs};

impl Uri<'_> {
    /// Whether both are equal by the rules of their scheme. Not transitive for SIP: unknown parameters that only one
    /// has are ignored (RFC 3261 §19.1.4).
    pub fn equivalent(&self, other: &Uri<'_>) -> bool {
        match (self, other) {
            (Uri::Sip(one), Uri::Sip(two)) => one.equivalent(two),
            (Uri::Tel(one), Uri::Tel(two)) => one.equivalent(two),
            (Uri::Pres(one), Uri::Pres(two)) => one.equivalent(two),
            (
                Uri::Other { scheme, rest },
                Uri::Other {
                    scheme: scheme2,
                    rest: rest2,
                },
            ) => same_text(scheme, scheme2) && rest == rest2,
            (Uri::Sip(_) | Uri::Tel(_) | Uri::Pres(_) | Uri::Other { .. }, _) => false,
        }
    }
}

impl SipUri<'_> {
    /// RFC 3261 §19.1.4.
    pub fn equivalent(&self, other: &SipUri<'_>) -> bool {
        self.secure == other.secure
            && same_part(self.user, other.user)
            && same_part(self.password, other.password)
            && self.host == other.host
            && self.port == other.port
            && params_agree(self, other)
            && params_agree(other, self)
            && headers_agree(self.headers, other.headers)
    }
}

impl PresUri<'_> {
    fn equivalent(&self, other: &PresUri<'_>) -> bool {
        same_part(self.user, other.user)
            && self.host == other.host
            && self.port == other.port
            && headers_agree(self.headers, other.headers)
    }
}

impl TelUri<'_> {
    /// RFC 3966 §4: separators and case do not count, every parameter does.
    pub fn equivalent(&self, other: &TelUri<'_>) -> bool {
        self.digits().eq(other.digits()) && self.has_params_of(other) && other.has_params_of(self)
    }

    fn has_params_of(&self, other: &TelUri<'_>) -> bool {
        let is_same = |name: &[u8], ours: &[u8], theirs: &[u8]| {
            if ours.starts_with(b"+") || same_text(name, b"ext") {
                plain_digits(ours).eq(plain_digits(theirs))
            } else {
                same_escaped(ours, theirs, true)
            }
        };
        other.params.iter().all(|(name, theirs)| {
            self.params.iter().any(|(mine, ours)| {
                let (ours, theirs) = (ours.unwrap_or_default(), theirs.unwrap_or_default());
                same_text(mine, name) && is_same(name, ours, theirs)
            })
        })
    }
}

/// Whether two URIs name one presentity: same user and host whatever the scheme (`sip`, `sips`, `pres`), parameters
/// and headers ignored, the default port like none; numbers as in RFC 3966 §4.
pub fn same_presentity(one: &Uri<'_>, two: &Uri<'_>) -> bool {
    match (at_host(one), at_host(two)) {
        (Some(one), Some(two)) => {
            same_part(one.user, two.user) && one.host == two.host && one.port == two.port
        }
        _ => one.equivalent(two),
    }
}

/// As [`same_presentity`], where `name` may leave out the port that the presentity `own` has: liblinphone's From and To
/// have none, wherever its server is. A port that is told has to be the right one.
pub fn names_presentity(name: &Uri<'_>, own: &Uri<'_>) -> bool {
    match (at_host(name), at_host(own)) {
        (Some(name), Some(own)) if !name.has_port => {
            same_part(name.user, own.user) && name.host == own.host
        }
        _ => same_presentity(name, own),
    }
}

/// Whether two URIs have the same user part, at whatever host; none counts as an empty one.
pub fn same_user(one: &Uri<'_>, two: &Uri<'_>) -> bool {
    match (at_host(one), at_host(two)) {
        (Some(one), Some(two)) => {
            let users = [one, two].map(|it| it.user.unwrap_or_default());
            same_part(Some(users[0]), Some(users[1]))
        }
        (None, _) | (_, None) => false,
    }
}

/// Whether `name` is that of whom a URI names: its user part, or that with its host behind an `@`.
pub fn is_user_of(name: &[u8], uri: &Uri<'_>) -> bool {
    let Some(at) = at_host(uri) else {
        return match uri {
            Uri::Tel(tel) => tel.digits().eq(plain_digits(name)),
            Uri::Sip(_) | Uri::Pres(_) | Uri::Other { .. } => false,
        };
    };
    if same_part(at.user, Some(name)) {
        return true;
    }
    let Some(sign) = name.iter().rposition(|byte| *byte == b'@') else {
        return false;
    };
    same_part(at.user, Some(&name[..sign]))
        && Host::parse(&name[sign + 1..]).is_ok_and(|host| host == at.host)
}

/// Whether `name` stands for whom a URI names: a host for everybody there, a user at a host for himself alone.
pub fn stands_for(name: &[u8], uri: &Uri<'_>) -> bool {
    let Some(at) = at_host(uri) else {
        return false;
    };
    let (is_user, host) = match name.iter().rposition(|byte| *byte == b'@') {
        Some(sign) => (same_part(at.user, Some(&name[..sign])), &name[sign + 1..]),
        None => (true, name),
    };
    is_user && Host::parse(host).is_ok_and(|host| host == at.host)
}

struct AtHost<'a> {
    user: Option<&'a [u8]>,
    host: Host<'a>,
    /// 0 for the default one.
    port: u16,
    has_port: bool,
}

fn at_host<'a>(uri: &Uri<'a>) -> Option<AtHost<'a>> {
    let (user, host, port, default) = match uri {
        Uri::Sip(sip) if sip.secure => (sip.user, sip.host, sip.port, 5_061),
        Uri::Sip(sip) => (sip.user, sip.host, sip.port, 5_060),
        Uri::Pres(pres) => (pres.user, pres.host, pres.port, 5_060),
        Uri::Tel(_) | Uri::Other { .. } => return None,
    };
    let has_port = port.is_some();
    let port = match port {
        Some(port) if port != default => port,
        Some(_) | None => 0,
    };
    Some(AtHost {
        user,
        host,
        port,
        has_port,
    })
}

/// Parts that compare with case: user and password.
fn same_part(one: Option<&[u8]>, two: Option<&[u8]>) -> bool {
    match (one, two) {
        (Some(one), Some(two)) => one == two || same_escaped(one, two, false),
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    }
}

/// Whether each parameter of `one` stands equal in `two`, or is of those that may be missing there. One that stands twice
/// must not (RFC 3261 §19.1.1), and does: each value counts.
fn params_agree(one: &SipUri<'_>, two: &SipUri<'_>) -> bool {
    /// An explicit default is not the same as none.
    const NEVER_MISSING: [&[u8]; 5] = [b"transport", b"user", b"ttl", b"method", b"maddr"];
    one.params.iter().all(|(name, mine)| {
        let mut is_there = false;
        let is_equal = two.params.iter().any(|(found, theirs)| {
            let is_named = same_escaped(found, name, true);
            is_there |= is_named;
            let (mine, theirs) = (mine.unwrap_or_default(), theirs.unwrap_or_default());
            is_named && same_escaped(mine, theirs, true)
        });
        let may_miss = || !NEVER_MISSING.iter().any(|must| same_text(must, name));
        is_equal || (!is_there && may_miss())
    })
}

/// The same headers, in any order; a header's own rules are not applied beyond case of the name and escapes.
fn headers_agree(one: &[u8], two: &[u8]) -> bool {
    let within = |one: &[u8], two: &[u8]| {
        pairs(one, b'&').all(|(name, value)| {
            pairs(two, b'&').any(|(name2, value2)| {
                same_escaped(name, name2, true)
                    && same_escaped(value.unwrap_or_default(), value2.unwrap_or_default(), false)
            })
        })
    };
    one == two
        || (pairs(one, b'&').count() == pairs(two, b'&').count()
            && within(one, two)
            && within(two, one))
}

/// Equal once escapes are resolved. An escaped reserved character is not the bare one (RFC 2396 §2.2).
fn same_escaped(one: &[u8], two: &[u8], ignore_case: bool) -> bool {
    let fold = |(byte, kept): (u8, bool)| {
        let byte = if ignore_case {
            byte.to_ascii_lowercase()
        } else {
            byte
        };
        (byte, kept)
    };
    meant(one).map(fold).eq(meant(two).map(fold))
}

/// The bytes meant by a text with escapes (RFC 3986 §2.1); a broken escape stands for itself.
pub fn unescaped(text: &[u8]) -> impl Iterator<Item = u8> + '_ {
    meant(text).map(|(byte, _)| byte)
}

/// The same; the flag says that it is a reserved character which was escaped.
fn meant(text: &[u8]) -> impl Iterator<Item = (u8, bool)> + '_ {
    let mut rest = text;
    core::iter::from_fn(move || {
        if let [b'%', high, low, tail @ ..] = rest
            && let (Some(high), Some(low)) = (hex(*high), hex(*low))
        {
            rest = tail;
            let byte = high << 4 | low;
            return Some((byte, b";/?:@&=+$,".contains(&byte)));
        }
        let (first, tail) = rest.split_first()?;
        rest = tail;
        Some((*first, false))
    })
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}
