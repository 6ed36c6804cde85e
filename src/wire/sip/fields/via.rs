//! Via: read RFC 3261 §18.2, §20.42, RFC 3581 §4 and RFC 5118 §4.5.

use super::super::grammar::{
    Bad, Params, Text, is_token, number, param, port, same_text, skip_space, trim,
};
use super::super::host::{Host, address, hostport};
use super::super::out::{Out, Print};
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
        let (params, rest) = Params::take(sent_by, |param| via.see(param.name, param.value))?;
        via.params = params;
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
    let len = input
        .iter()
        .position(|&byte| !is_token(byte))
        .unwrap_or(input.len());
    if len == 0 {
        return Err(Bad);
    }
    Ok(input.split_at(len))
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
