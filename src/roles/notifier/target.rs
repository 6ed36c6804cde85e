//! Who subscribes, and where its NOTIFYs go (RFC 6665 §6.3).

use super::subscription::Who;
use crate::events::answer::Refusal;
use crate::events::identity::Identity;
use crate::events::ruling::Ruling;
use crate::ua::dialog;
use crate::wire::flow::Flow;
use crate::wire::sip::{Contact, NameAddr, Request, Uri, answer_address, is_somewhere};
use core::net::SocketAddr;

/// What the engine knows of who sent a SUBSCRIBE.
#[derive(Clone, Copy)]
pub struct Subscriber<'a> {
    /// Where it came from.
    pub flow: &'a Flow,
    /// Who it is, as far as it is proven.
    pub identity: Identity,
    /// What the policy says of it.
    pub rules: &'a dyn Fn(Who<'_>) -> Ruling,
    /// Whether an address is in a trusted network, so that a Contact may name it (RFC 6665 §6.3).
    pub trusts: &'a dyn Fn(SocketAddr) -> bool,
    /// Whether it is the owner of what it wants to watch: nobody else is told who watches (RFC 3857 §4.6).
    pub owns: &'a dyn Fn() -> bool,
}

/// Where a watcher wants its NOTIFYs.
pub(super) struct Target<'a> {
    pub(super) text: &'a [u8],
    uri: Uri<'a>,
}

/// The Contact: at most one, of scheme sip or sips, at an address that somebody can be at (RFC 3261 §8.1.1.8).
pub(super) fn contact<'a>(request: &Request<'a>) -> Result<Option<Target<'a>>, Refusal> {
    let mut contacts = request.headers.contacts();
    let Some(first) = contacts.next() else {
        return Ok(None);
    };
    let Ok(Contact::Addr(contact, uri)) = first else {
        return Err(Refusal::bad("Malformed Contact header field"));
    };
    if contacts.next().is_some() {
        return Err(Refusal::bad("More than one Contact"));
    }
    match &uri {
        Uri::Sip(sip) if is_somewhere(sip) => Ok(Some(Target {
            text: contact.uri_text,
            uri,
        })),
        Uri::Sip(_) | Uri::Tel(_) | Uri::Pres(_) | Uri::Other { .. } => {
            Err(Refusal::bad("Contact with no address to send to"))
        }
    }
}

/// The address by which a device that comes again is known: on a stream it comes from another port each time.
pub(super) fn home(flow: &Flow) -> SocketAddr {
    let mut address = flow.remote;
    if flow.transport.is_reliable() {
        address.set_port(0);
    }
    address
}

/// Where NOTIFYs go: back to where the SUBSCRIBE came from, unless the route or Contact names a numeric address
/// that belongs there.
///
/// A Contact at the sender's own address says on which port it listens. One elsewhere is followed only from a
/// sender that is not behind a NAT (its Via names the address it has) and into a trusted network; so nobody
/// makes us send to a third party (RFC 6665 §6.3), and phones behind a NAT get their NOTIFYs. What listens on our
/// loopback is nobody's business who is not there.
pub(super) fn notify_flow(
    request: &Request<'_>,
    from: Subscriber<'_>,
    target: &Target<'_>,
) -> Flow {
    let source = from.flow.remote;
    let first_route = request.headers.record_routes().next();
    let named = match first_route {
        Some(route) => NameAddr::parse(route)
            .ok()
            .and_then(|route| dialog::numeric_address(&route.uri())),
        None => dialog::numeric_address(&target.uri),
    };
    let is_direct = request.via.host.ip() == Some(source.ip());
    let is_allowed = |named: SocketAddr| is_reachable(named, source) && (from.trusts)(named);
    let remote = match named {
        _ if from.flow.transport.is_reliable() => source,
        Some(named) if named.ip() == source.ip() => named,
        Some(named) if is_direct && is_allowed(named) => named,
        Some(_) | None => answer_address(&request.via, from.flow),
    };
    Flow {
        remote,
        ..*from.flow
    }
}

/// Whether somebody at `source` may mean that address at all.
fn is_reachable(named: SocketAddr, source: SocketAddr) -> bool {
    let is_loopback = |address: SocketAddr| address.ip().to_canonical().is_loopback();
    is_loopback(source) || !is_loopback(named)
}

/// Whether NOTIFYs on that flow go back to where the SUBSCRIBE came from, and somebody is there for certain: a
/// connection, or an address that we trust, or one whose user has answered a challenge.
pub(super) fn is_near(flow: &Flow, from: Subscriber<'_>) -> bool {
    let goes_back = flow.remote.ip() == from.flow.remote.ip();
    goes_back && (flow.transport.is_reliable() || from.identity.is_known())
}
