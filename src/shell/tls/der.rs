//! What people want to know of a certificate, read from its DER (X.690, RFC 5280 §4.1).

use std::format;
use std::net::IpAddr;
use std::string::{String, ToString};
use std::vec::Vec;

/// A certificate, as people read it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// The DNS names, addresses and URIs that it is for.
    pub names: Vec<String>,
    /// Whom it is given to, by what is in its name.
    pub subject: String,
    /// Who signed it.
    pub issuer: String,
    /// The first day on which it is valid, as `2026-01-31`.
    pub from: String,
    /// The last.
    pub until: String,
}

const SEQUENCE: u8 = 0x30;
const EXTENSIONS: u8 = 0xa3;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const OBJECT: u8 = 0x06;
const OCTETS: u8 = 0x04;
const DNS_NAME: u8 = 0x82;
const URI: u8 = 0x86;
const ADDRESS: u8 = 0x87;

/// `id-ce-subjectAltName`: 2.5.29.17.
const ALTERNATIVE_NAMES: [u8; 3] = [0x55, 0x1d, 0x11];

impl Summary {
    /// Reads one; `None` if it is none.
    pub fn of(der: &[u8]) -> Option<Summary> {
        let (certificate, _) = expect(der, SEQUENCE)?;
        let (mut rest, _) = expect(certificate, SEQUENCE)?;
        if rest.first() == Some(&VERSION) {
            rest = take(rest)?.2;
        }
        let (_, _, rest) = take(rest)?; // The serial number.
        let (_, rest) = expect(rest, SEQUENCE)?; // How it is signed.
        let (issuer, rest) = expect(rest, SEQUENCE)?;
        let (validity, rest) = expect(rest, SEQUENCE)?;
        let (subject, rest) = expect(rest, SEQUENCE)?;
        let (from_tag, from, until) = take(validity)?;
        let (until_tag, until, _) = take(until)?;
        let (_, rest) = expect(rest, SEQUENCE)?; // The key.
        Some(Summary {
            names: names(rest),
            subject: name(subject),
            issuer: name(issuer),
            from: day(from_tag, from)?,
            until: day(until_tag, until)?,
        })
    }
}

/// The tag and the content of what `bytes` begin with, and what is behind it.
fn take(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, mut rest) = rest.split_first()?;
    let mut len = usize::from(first & 0x7f);
    if first & 0x80 != 0 {
        let (digits, behind) = rest.split_at_checked(len).filter(|_| len <= 3)?;
        len = digits.iter().fold(0, |len, it| len << 8 | usize::from(*it));
        rest = behind;
    }
    let (content, rest) = rest.split_at_checked(len)?;
    Some((tag, content, rest))
}

fn expect(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, content, rest) = take(bytes)?;
    (found == tag).then_some((content, rest))
}

/// All that stands in a sequence.
fn each(mut bytes: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    std::iter::from_fn(move || {
        let (tag, content, rest) = take(bytes)?;
        bytes = rest;
        Some((tag, content))
    })
}

/// The texts of a distinguished name: `Lampfield authority`.
fn name(content: &[u8]) -> String {
    let sets = each(content).flat_map(|(_, set)| each(set));
    let texts = sets.filter_map(|(_, pair)| each(pair).nth(1));
    let texts: Vec<String> = texts
        .map(|(_, text)| String::from_utf8_lossy(text).escape_debug().to_string())
        .collect();
    texts.join(", ")
}

/// `2026-01-31`, of a UTCTime or GeneralizedTime (RFC 5280 §4.1.2.5).
fn day(tag: u8, time: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(time).ok().filter(|it| it.is_ascii())?;
    let text = match tag {
        UTC_TIME if text.get(..2)? < "50" => format!("20{text}"),
        UTC_TIME => format!("19{text}"),
        _ => text.to_string(),
    };
    let (year, month, day) = (text.get(..4)?, text.get(4..6)?, text.get(6..8)?);
    Some(format!("{year}-{month}-{day}"))
}

/// A name that a certificate is for; other kinds are of no use to us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Name<'a> {
    Dns(&'a [u8]),
    Uri(&'a [u8]),
    Address(IpAddr),
}

fn names(rest: &[u8]) -> Vec<String> {
    let text = |it: &[u8]| String::from_utf8_lossy(it).escape_debug().to_string();
    let names = alternatives(rest).map(|name| match name {
        Name::Dns(it) | Name::Uri(it) => text(it),
        Name::Address(it) => it.to_string(),
    });
    names.collect()
}

/// All names that a certificate is for.
pub(super) fn names_in(der: &[u8]) -> impl Iterator<Item = Name<'_>> {
    let signed = expect(der, SEQUENCE).and_then(|(it, _)| expect(it, SEQUENCE));
    alternatives(signed.map_or(&[][..], |(it, _)| it))
}

fn alternatives(rest: &[u8]) -> impl Iterator<Item = Name<'_>> {
    let extensions = each(rest).find(|(tag, _)| *tag == EXTENSIONS);
    let extensions = extensions.and_then(|(_, it)| expect(it, SEQUENCE));
    let mut all = each(extensions.map_or(&[][..], |(it, _)| it));
    let is_names = |extension: &&[u8]| each(extension).next() == Some((OBJECT, &ALTERNATIVE_NAMES));
    let found = all.find_map(|(_, extension)| Some(extension).filter(is_names));
    let octets = found.and_then(|it| each(it).find(|(tag, _)| *tag == OCTETS));
    let general = octets.and_then(|(_, it)| expect(it, SEQUENCE));
    each(general.map_or(&[][..], |(it, _)| it)).filter_map(|(tag, content)| match tag {
        DNS_NAME => Some(Name::Dns(content)),
        URI => Some(Name::Uri(content)),
        ADDRESS => address(content).map(Name::Address),
        _ => None,
    })
}

fn address(content: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(content).map(IpAddr::from);
    let v6 = || <[u8; 16]>::try_from(content).map(IpAddr::from);
    v4.or_else(|_| v6()).ok()
}
