//! Via: read RFC 3261 §18.2, §20.42, RFC 3581 §4 and RFC 5118 §4.5.

use super::super::grammar::{
    Bad, Params, Text, number, param, params, plain_param, port, same_text, skip_space, token, trim,
};
use super::super::host::{Host, address, hostport};
use crate::wire::out::{Out, Print};
use core::net::IpAddr;

/// One Via value: the hop a message came over and its answer goes back.
#[derive(Clone, Copy, Debug)]
pub struct Via<'a> {
    /// `UDP`, `TCP`, `TLS` or any other token, as written.
    pub transport: &'a [u8],
    /// The host of sent-by.
    pub host: Host<'a>,
    /// The port of sent-by.
    pub port: Option<u16>,
    /// The transaction's name; RFC 2543 peers send none.
    pub branch: Option<&'a [u8]>,
    /// As written: brackets around IPv6 are wrong and seen (RFC 5118 §4.5).
    pub received: Option<&'a [u8]>,
    /// `Some(None)` asks for it (RFC 3581 §3).
    pub rport: Option<Option<u16>>,
    /// Never obeyed (a stranger's packet would choose our target).
    pub maddr: Option<&'a [u8]>,
    /// Never obeyed.
    pub ttl: Option<u8>,
    /// This value as written.
    pub raw: &'a [u8],
    params: Params<'a>,
}

impl<'a> Via<'a> {
    /// Reads the first value of a Via row; gives it and what follows its comma.
    ///
    /// # Errors
    /// [`Bad`] for a missing protocol, host or parameter, or for one that stands twice.
    #[inline]
    pub fn take(input: &'a [u8]) -> Result<(Via<'a>, &'a [u8]), Bad> {
        let (transport, behind) = protocol(input)?;
        let (sent_by, (host, port)) = sent_by(behind)?;
        let mut via = Via {
            transport,
            host,
            port,
            branch: None,
            received: None,
            rport: None,
            maddr: None,
            ttl: None,
            raw: b"",
            params: Params::NONE,
        };
        // The branch comes first in most, and is the longest.
        let mut behind = sent_by;
        if let Some((branch, rest)) = plain_param(b";branch=", sent_by) {
            via.branch = Some(branch);
            behind = rest;
        }
        let rest = params(behind, |param| via.see(param.name, param.value))?;
        via.params = Params(trim(&sent_by[..sent_by.len() - rest.len()]));
        via.raw = trim(&input[..input.len() - rest.len()]);
        Ok((via, rest.get(1..).unwrap_or_default()))
    }

    /// The address in `received`.
    pub fn received_ip(&self) -> Option<IpAddr> {
        address(self.received?)
    }

    /// Whether the branch was made by the rules of RFC 3261 and names the transaction (§8.1.1.7). The bare cookie
    /// does not.
    pub fn has_cookie(&self) -> bool {
        self.branch
            .is_some_and(|branch| branch.len() > 7 && branch.starts_with(b"z9hG4bK"))
    }

    /// Where `received` and `rport` stand in [`Via::raw`], semicolon included: a response replaces them.
    pub(crate) fn reply_params(&self) -> impl Iterator<Item = (usize, usize)> + use<'a> {
        let len = self.raw.len();
        let mut rest = self.params.raw();
        core::iter::from_fn(move || {
            loop {
                let from = len - rest.len();
                let [b';', tail @ ..] = skip_space(rest) else {
                    return None;
                };
                let (tail, found) = param(skip_space(tail)).ok()?;
                rest = tail;
                if same_text(found.name, b"received") || same_text(found.name, b"rport") {
                    return Some((from, len - rest.len()));
                }
            }
        })
    }

    /// Takes a parameter; each of ours may stand once.
    #[inline]
    fn see(&mut self, name: &'a [u8], value: Option<Text<'a>>) -> Result<(), Bad> {
        let raw = value.map(|value| value.raw());
        match name.len() {
            6 if same_text(name, b"branch") => once(&mut self.branch, raw.ok_or(Bad)?),
            8 if same_text(name, b"received") => once(&mut self.received, raw.ok_or(Bad)?),
            5 if same_text(name, b"rport") => once(&mut self.rport, raw.and_then(port)),
            5 if same_text(name, b"maddr") => once(&mut self.maddr, raw.ok_or(Bad)?),
            3 if same_text(name, b"ttl") => {
                let ttl = raw.and_then(number).and_then(|ttl| u8::try_from(ttl).ok());
                once(&mut self.ttl, ttl.ok_or(Bad)?)
            }
            _ => Ok(()),
        }
    }
}

fn once<T>(place: &mut Option<T>, value: T) -> Result<(), Bad> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(Bad),
    }
}

/// `SIP / 2.0 / transport`, white space around the slashes. The version is the start line's affair: a Via of
/// another version is still echoed (RFC 4475 §3.1.2.16).
#[inline]
fn protocol(input: &[u8]) -> Result<(&[u8], &[u8]), Bad> {
    let behind = match input.strip_prefix(b"SIP/2.0/") {
        Some(behind) => behind,
        None => slow_protocol(input)?,
    };
    let (transport, behind) = token_and_rest(behind)?;
    match behind {
        [b' ' | b'\t' | b'\r' | b'\n', ..] => Ok((transport, skip_space(behind))),
        _ => Err(Bad),
    }
}

fn slow_protocol(input: &[u8]) -> Result<&[u8], Bad> {
    let (name, behind) = token_and_rest(input)?;
    if !same_text(name, b"SIP") {
        return Err(Bad);
    }
    let (version, behind) = token_and_rest(slash(behind)?)?;
    if version.is_empty() {
        return Err(Bad);
    }
    slash(behind)
}

fn slash(input: &[u8]) -> Result<&[u8], Bad> {
    match skip_space(input) {
        [b'/', rest @ ..] => Ok(skip_space(rest)),
        _ => Err(Bad),
    }
}

#[inline]
fn token_and_rest(input: &[u8]) -> Result<(&[u8], &[u8]), Bad> {
    let (rest, found) = token(input)?;
    Ok((found, rest))
}

type SentBy<'a> = (&'a [u8], (Host<'a>, Option<u16>));

/// `host [ COLON port ]`, white space around the colon.
#[inline]
fn sent_by(input: &[u8]) -> Result<SentBy<'_>, Bad> {
    let (rest, (host, found)) = hostport(input)?;
    if found.is_some() {
        return Ok((rest, (host, found)));
    }
    let [b':', rest @ ..] = skip_space(rest) else {
        return Ok((rest, (host, None)));
    };
    let (digits, rest) = token_and_rest(skip_space(rest))?;
    Ok((rest, (host, Some(port(digits).ok_or(Bad)?))))
}

impl Print for Via<'_> {
    fn print(&self, out: &mut Out<'_>) {
        out.raw(b"SIP/2.0/").value(self.transport).byte(b' ');
        out.print(&self.host);
        if let Some(port) = self.port {
            out.byte(b':').decimal(port.into());
        }
        if let Some(branch) = self.branch {
            out.raw(b";branch=").value(branch);
        }
        if let Some(ip) = self.received_ip() {
            out.raw(b";received=").ip(ip);
        }
        if let Some(rport) = self.rport {
            out.raw(b";rport");
            if let Some(port) = rport {
                out.byte(b'=').decimal(port.into());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::vec::Vec;

    #[test]
    fn every_part_is_read() /* X12 X16 T10 */
    {
        let (via, rest) = Via::take(
            b"SIP/2.0/UDP 192.0.2.7:5070;branch=z9hG4bKa1;RPORT=5;received=[2001:db8::9];maddr=a;ttl=9;x=\",\" , SIP/2.0/TCP b",
        )
        .expect("valid");
        assert_eq!(via.transport, b"UDP");
        assert_eq!(via.host, Host::parse(b"192.0.2.7").expect("a host"));
        assert_eq!(via.port, Some(5_070));
        assert_eq!(via.branch, Some(&b"z9hG4bKa1"[..]));
        assert!(via.has_cookie());
        assert_eq!(via.rport, Some(Some(5)));
        assert_eq!(via.received_ip(), "2001:db8::9".parse().ok());
        assert_eq!(via.maddr, Some(&b"a"[..]));
        assert_eq!(via.ttl, Some(9));
        assert!(via.raw.ends_with(b"x=\",\""));
        assert_eq!(rest, b" SIP/2.0/TCP b");
        let places: Vec<_> = via
            .reply_params()
            .map(|(from, to)| &via.raw[from..to])
            .collect();
        assert_eq!(places, [&b";RPORT=5"[..], b";received=[2001:db8::9]"]);
    }

    #[test]
    fn white_space_may_stand_everywhere() /* X12 */
    {
        let (via, rest) = Via::take(
            b"SIP  / 2.0\r\n /\tTLS   door.example.com  : 5061 ;\r\n  branch =  z9hG4bKx ; rport",
        )
        .expect("valid");
        assert_eq!(via.transport, b"TLS");
        assert_eq!(via.port, Some(5_061));
        assert_eq!(via.branch, Some(&b"z9hG4bKx"[..]));
        assert_eq!(via.rport, Some(None));
        assert_eq!(rest, b"");
    }

    #[test]
    fn old_and_foreign_ones_are_read() /* T11 */
    {
        for (input, branch) in [
            (&b"SIP/2.0/UDP a"[..], None),
            (b"SIP/7.0/UDP a;branch=z9hG4bK1", Some(&b"z9hG4bK1"[..])),
            (b"SIP/2.0/UNKNOWN a;branch=z9hG4bK", Some(b"z9hG4bK")),
            (b"sip/2.0/udp [2001:db8::9:1];branch=1", Some(b"1")),
        ] {
            let (via, _) = Via::take(input).expect("valid");
            assert_eq!(via.branch, branch);
        }
        let bare = Via::take(b"SIP/2.0/UDP a;branch=z9hG4bK").expect("valid").0;
        assert!(!bare.has_cookie());
    }

    #[test]
    fn bad_ones_are_refused() /* ATTACKS D05 */
    {
        for input in [
            &b""[..],
            b"SIP/2.0/UDP",
            b"SIP/2.0/UDP ",
            b"SIP/2.0/UDP :]",
            b"SIP/2.0/UDP :5060",
            b"SIP/2.0/UDP a:0",
            b"SIP/2.0/UDP a:65536",
            b"SIP/2.0/UDP a:x",
            b"SIP/2.0/UDP a;branch=",
            b"SIP/2.0/UDP a;branch",
            b"SIP/2.0/UDP a;;branch=1",
            b"SIP/2.0/UDP a;branch=1;branch=2",
            b"SIP/2.0/UDP a;ttl=256",
            b"SIP/2.0/UDP a;,;",
            b"SIP/2.0/UDP 192.0.2.15;;,;,,",
            b"SIP/2.0/UDP 2001:db8::9",
            b"SIP/2.0/UDP a b",
            b"SIP/2.0/ a",
            b"SIP/2.0 UDP a",
            b"HTTP/2.0/UDP a",
            b"SIP/2.0/UDP[2001:db8::9]",
        ] {
            assert!(Via::take(input).is_err(), "{}", input.escape_ascii());
        }
    }

    #[test]
    fn prints_what_can_be_read_again() {
        let text = b"SIP/2.0/UDP [2001:db8::9]:5070;branch=z9hG4bKa;received=2001:db8::1;rport=5";
        let (via, _) = Via::take(text).expect("valid");
        let mut buf = [0; 128];
        let len = Out::new(&mut buf).print(&via).finish().expect("fits");
        assert_eq!(&buf[..len], text);
    }
}
