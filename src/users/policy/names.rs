//! Names of people and places, hashed under the agent's secret so that they are compared as numbers.

use crate::ground::limits::URI;
use crate::ground::random::{Hashing, Secret};
use crate::wire::sip::{Host, Uri, unescaped};
use core::net::IpAddr;
use heapless::Vec;

pub(super) fn address(hasher: Hashing, address: IpAddr) -> Hashing {
    match address.to_canonical() {
        IpAddr::V4(address) => hasher.part(&address.octets()),
        IpAddr::V6(address) => hasher.part(&address.octets()),
    }
}

pub(super) fn address_hash(secret: Secret, at: IpAddr) -> u64 {
    address(secret.hasher().part(b"address"), at).finish()
}

/// The user and the host of a URI: the port says on which phone somebody is, not who.
pub(super) fn of_uri(secret: Secret, uri: &Uri<'_>) -> u64 {
    let hasher = secret.hasher().part(b"uri");
    let plain = uri.user();
    let hasher = match plain.is_empty() || plain.contains(&b'%') {
        false => hasher.part(plain),
        true => {
            let mut user = Vec::<u8, URI>::new();
            user_of(uri, &mut user);
            hasher.part(&user)
        }
    };
    match host_of(uri) {
        Some(host) => host_in(hasher, &host).finish(),
        None => hasher.finish(),
    }
}

/// The domain of a URI; 0 if it is in none.
pub(super) fn of_domain(secret: Secret, uri: &Uri<'_>) -> u64 {
    host_of(uri).map_or(0, |host| domain(secret, &host))
}

pub(super) fn domain(secret: Secret, host: &Host<'_>) -> u64 {
    host_in(secret.hasher().part(b"domain"), host).finish()
}

fn host_in(hasher: Hashing, host: &Host<'_>) -> Hashing {
    match host {
        Host::Name(name) => {
            let mut lower = [0; 255];
            let lower = &mut lower[..name.len().min(255)];
            lower.copy_from_slice(&name[..lower.len()]);
            lower.make_ascii_lowercase();
            hasher.part(lower)
        }
        Host::V4(v4) => hasher.part(&v4.octets()),
        Host::V6(v6) => hasher.part(&v6.octets()),
    }
}

fn host_of<'a>(uri: &Uri<'a>) -> Option<Host<'a>> {
    match uri {
        Uri::Sip(uri) => Some(uri.host),
        Uri::Pres(uri) => Some(uri.host),
        Uri::Tel(_) | Uri::Other { .. } => None,
    }
}

/// The user part with its escapes undone; the digits of a telephone number (RFC 3966 §5.1.1). What is longer than a URI
/// that is kept is cut.
pub(super) fn user_of(uri: &Uri<'_>, into: &mut Vec<u8, URI>) {
    match uri {
        Uri::Tel(uri) => into.extend(uri.digits().take(URI)),
        Uri::Other { rest, .. } => into.extend(unescaped(rest).take(URI)),
        Uri::Sip(_) | Uri::Pres(_) => into.extend(unescaped(uri.user()).take(URI)),
    }
}
