//! Answering: read RFC 3261 §8.2.6 and §18.2, and RFC 3581 §4.

use super::build::Writer;
use super::fields::{NameAddr, Via};
use super::headers::Headers;
use super::message::{Broken, Request};
use super::name::Name;
use super::status::Status;
use super::uri::SipUri;
use crate::wire::flow::{Flow, Transport};
use crate::wire::out::Out;
use core::net::{IpAddr, SocketAddr};

/// What a response repeats of its request.
#[derive(Clone, Copy, Debug)]
pub struct ResponseHead<'a> {
    headers: Headers<'a>,
    via: Via<'a>,
    /// Whether a To tag of ours may be added: the To can be read and has none.
    takes_tag: bool,
}

impl<'a> Request<'a> {
    /// What a response to it repeats.
    pub const fn response_head(&self) -> ResponseHead<'a> {
        ResponseHead {
            headers: self.headers,
            via: self.via,
            takes_tag: self.to.tag().is_none(),
        }
    }
}

impl<'a> Broken<'a> {
    /// What the refusal repeats; `None` if its Via can't be read: then there is nobody to answer and it is dropped.
    pub fn response_head(&self) -> Option<ResponseHead<'a>> {
        let to = self.headers.every_row(Name::To).next();
        let takes_tag = to
            .and_then(|to| NameAddr::parse(to).ok())
            .is_some_and(|to| to.tag().is_none());
        Some(ResponseHead {
            headers: self.headers,
            via: self.via?,
            takes_tag,
        })
    }
}

impl<'a> ResponseHead<'a> {
    /// The topmost Via value.
    pub const fn via(&self) -> &Via<'a> {
        &self.via
    }

    /// The first value of one of the headers that a response repeats.
    pub fn value(&self, name: Name) -> Option<&'a [u8]> {
        self.headers.every_row(name).next()
    }
}

/// Writes the status line and what every response repeats: all Via rows byte for byte but for `received` and
/// `rport` of the topmost, From, To (with our tag if it had none and one is given), Call-ID, CSeq. Further headers
/// and the body are the caller's.
pub fn respond(
    w: &mut Writer<'_>,
    to: ResponseHead<'_>,
    flow: &Flow,
    status: Status,
    to_tag: Option<&[u8]>,
) {
    respond_with(w, to, flow, (status, status.reason()), to_tag);
}

/// As [`respond`], with another reason phrase than the code's own.
pub fn respond_with(
    w: &mut Writer<'_>,
    to: ResponseHead<'_>,
    flow: &Flow,
    (status, reason): (Status, &str),
    to_tag: Option<&[u8]>,
) {
    w.status_with(status, reason.as_bytes());
    vias(w, &to, flow);
    echo(w, &to, Name::From);
    let tag = to_tag.filter(|_| to.takes_tag);
    match (to.value(Name::To), tag) {
        (Some(value), Some(tag)) => {
            w.field_with(Name::To, |out| {
                out.raw(value).raw(b";tag=").value(tag);
            });
        }
        (Some(_), None) => echo(w, &to, Name::To),
        (None, _) => {}
    }
    echo(w, &to, Name::CallId);
    echo(w, &to, Name::CSeq);
}

/// Where the answer goes over datagrams, or over a new connection if the old one is gone.
///
/// With `rport`: the packet's source (RFC 3581 §4). Without: the source's address and the port of sent-by, else the
/// default (RFC 3261 §18.2.2). Never to `maddr`: a stranger's packet does not choose a target.
pub fn answer_address(via: &Via<'_>, flow: &Flow) -> SocketAddr {
    if via.rport.is_some() {
        return flow.remote;
    }
    let port = via.port.unwrap_or(flow.transport.default_port());
    SocketAddr::new(flow.remote.ip(), port)
}

/// Whether anything may be sent there: no port 0, no multicast, no broadcast, no unspecified address.
pub fn is_answerable(address: SocketAddr) -> bool {
    let is_one_host = match address.ip().to_canonical() {
        IpAddr::V4(v4) => !v4.is_multicast() && !v4.is_broadcast() && !v4.is_unspecified(),
        IpAddr::V6(v6) => !v6.is_multicast() && !v6.is_unspecified(),
    };
    is_one_host && address.port() != 0
}

/// Whether somebody can be there: no unspecified, broadcast or multicast address, nor port 0. A name may lead
/// anywhere.
pub fn is_somewhere(uri: &SipUri<'_>) -> bool {
    let port = uri.port.unwrap_or(Transport::Udp.default_port());
    let can_be = |ip| is_answerable(SocketAddr::new(ip, port));
    port != 0 && uri.host.ip().is_none_or(can_be)
}

/// A row as it came.
fn echo(w: &mut Writer<'_>, to: &ResponseHead<'_>, name: Name) {
    if let Some(value) = to.value(name) {
        w.echo_row(name, value);
    }
}

fn vias(w: &mut Writer<'_>, to: &ResponseHead<'_>, flow: &Flow) {
    let mut rows = to.headers.every_row(Name::Via);
    if let Some(top) = rows.next() {
        w.field_with(Name::Via, |out| {
            top_via(out, &to.via, flow);
            // What stood behind the first value in the same row, its comma included.
            out.raw(top.get(to.via.raw.len()..).unwrap_or_default());
        });
    }
    for row in rows {
        w.echo_row(Name::Via, row);
    }
}

/// The topmost value with our `received` and `rport`; what the client said of these is left out.
fn top_via(out: &mut Out<'_>, via: &Via<'_>, flow: &Flow) {
    let source = flow.remote.ip().to_canonical();
    let raw = via.raw;
    let mut kept = 0;
    for (from, to) in via.reply_params() {
        out.raw(raw.get(kept..from).unwrap_or_default());
        kept = to;
    }
    out.raw(raw.get(kept..).unwrap_or_default());
    if via.rport.is_some() || via.host.ip() != Some(source) {
        out.raw(b";received=").ip(source);
    }
    if via.rport.is_some() {
        out.raw(b";rport=").decimal(flow.remote.port().into());
    }
}

#[cfg(test)]
mod tests;
