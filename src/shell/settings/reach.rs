//! Whom an agent cannot reach that speaks to this machine alone: a configuration without `listen` does, and says
//! nothing of it to those elsewhere.

use std::net::{IpAddr, SocketAddr};
use std::string::{String, ToString};
use std::vec::Vec;

use super::{Settings, Shows};
use crate::shell::listen::Listen;
use crate::wire::sip::{Host, Uri};

/// What to do about it.
pub const LISTEN: &str =
    "add listen = [\"udp:0.0.0.0:5060\"] before the first [table], or this machine's own address";

/// Whether nothing that is bound to `listen` comes to other machines, or hears of them.
pub fn is_for_this_machine(listen: &[Listen]) -> bool {
    listen.iter().all(|it| is_this_machine(it.address.ip()))
}

/// Why the peer at `remote` cannot be reached, as far as that is due to `listen`.
pub fn cause(listen: &[Listen], remote: SocketAddr) -> Option<String> {
    if !is_for_this_machine(listen) || is_this_machine(remote.ip()) {
        return None;
    }
    let listen: Vec<String> = listen.iter().map(ToString::to_string).collect();
    let listen = listen.join(", ");
    Some(std::format!(
        "the agent speaks to this machine alone ({listen}), and {} is elsewhere",
        remote.ip()
    ))
}

/// Somebody in `settings` who is not on this machine: an address, or, where `named` says that names count, a name. A
/// server, whom a lamp watches, or else one of ours, whom nobody elsewhere can watch.
pub(super) fn elsewhere(settings: &Settings, named: bool) -> Option<String> {
    let servers = settings.upstreams.iter().flat_map(|it| &it.servers);
    let servers = servers.map(|it| it.host.as_str());
    let watches = settings.lamps.iter().filter_map(|lamp| match lamp.shows {
        Shows::Watch(at) | Shows::Both { calls: at, .. } => settings.watches.get(usize::from(at)),
        Shows::Nothing | Shows::Dnd(_) | Shows::Health | Shows::Waiting(_) => None,
    });
    // Those of an account go through its servers.
    let watches = watches.filter(|it| it.upstream.is_none());
    let hops = watches.map(|it| it.server.as_deref().unwrap_or(&it.target));
    let own = settings.presentities.iter().map(|it| it.uri.as_str());
    let mut all = servers.chain(hops).chain(own);
    let found = all.find(|it| is_elsewhere(it, named));
    found.map(ToString::to_string)
}

/// Whether an address, or a `host[:port]`, leads away from this machine.
fn is_elsewhere(place: &str, named: bool) -> bool {
    let host = match Uri::parse(place.as_bytes()) {
        Ok(Uri::Sip(uri)) => Some(uri.host),
        Ok(Uri::Pres(uri)) => Some(uri.host),
        Ok(Uri::Tel(_) | Uri::Other { .. }) | Err(_) => {
            let end = match place.rfind(']') {
                Some(bracket) => bracket + 1,
                None => place.find(':').unwrap_or(place.len()),
            };
            Host::parse(&place.as_bytes()[..end]).ok()
        }
    };
    match host {
        Some(Host::Name(name)) => named && !is_localhost(name),
        Some(Host::V4(ip)) => !is_this_machine(ip.into()),
        Some(Host::V6(ip)) => !is_this_machine(ip.into()),
        None => false,
    }
}

/// RFC 6761 §6.3.
fn is_localhost(name: &[u8]) -> bool {
    let name = name.to_ascii_lowercase();
    let name = name.strip_suffix(b".").unwrap_or(&name);
    name == b"localhost" || name.ends_with(b".localhost")
}

fn is_this_machine(ip: IpAddr) -> bool {
    ip.to_canonical().is_loopback()
}
