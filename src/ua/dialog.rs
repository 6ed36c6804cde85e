//! A dialog as a notifier or a subscriber keeps it (RFC 3261 §12): header lines packed once, ready to be
//! copied into every request.

use crate::ground::error_texts;
use crate::ground::limits;
use crate::txn::token::{Owner, Token};
use crate::ua::next_hop::transport_of;
use crate::wire::flow::{Flow, Transport};
use crate::wire::sip::{CSeq, Method, Name, NameAddr, Request, Uri, Writer, is_answerable, unfold};
use core::net::SocketAddr;
use core::ops::Range;
use heapless::Vec;
use serde::{Deserialize, Serialize};

/// One side of a dialog, or of one that a peer has yet to join.
pub struct Dialog {
    /// `From`, `To` and `Call-ID`, as they stand in our requests.
    fixed: Vec<u8, { limits::DIALOG }>,
    call_id: Range<u16>,
    /// Empty if the peer gave none, which RFC 2543 allowed.
    remote_tag: Range<u16>,
    /// `Route` lines, in order.
    routes: Vec<u8, { limits::ROUTES }>,
    /// The first route's URI in `routes`, and whether it routes loosely (§12.2.1.1).
    first_route: Option<(Range<u16>, Routing)>,
    /// The remote target: the peer's Contact.
    target: Vec<u8, { limits::URI }>,
    /// Our tag.
    token: Token,
    /// The CSeq of our last request.
    local_seq: u32,
    /// The CSeq of the peer's last request, if it sent one.
    remote_seq: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Routing {
    Loose,
    Strict,
}

/// A dialog on its way through the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptDialog<'a> {
    fixed: &'a [u8],
    call_id: (u16, u16),
    remote_tag: (u16, u16),
    routes: &'a [u8],
    first_route: Option<(u16, u16, bool)>,
    target: &'a [u8],
    slot: u16,
    nonce: u64,
    seq: u32,
    remote_seq: Option<u32>,
}

/// A dialog's strings do not fit their places: 513 to who sent them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLarge;

error_texts!(TooLarge: TooLarge => "names, routes or addresses of a dialog are too long");

impl Dialog {
    /// The dialog that `request` opens towards us: a SUBSCRIBE we accept, or the NOTIFY that answers ours (RFC 6665
    /// §4.4.1). In both we are the UAS, so the Record-Route is our route set in its own order (RFC 3261 §12.1.1).
    ///
    /// # Errors
    /// [`TooLarge`] if names, addresses, routes or target exceed [`limits::DIALOG`], [`limits::ROUTES`] or
    /// [`limits::URI`] bytes.
    pub fn accepted(
        request: &Request<'_>,
        target: &[u8],
        token: Token,
        local_seq: u32,
    ) -> Result<Dialog, TooLarge> {
        let mut dialog = Dialog::empty(token, local_seq);
        dialog.push(b"From: ", request.to.raw)?;
        if request.to.tag().is_none() {
            dialog.extend(b";tag=")?;
            dialog.extend(&token.text())?;
        }
        dialog.push(b"\r\nTo: ", request.from.raw)?;
        if let Some(tag) = request.from.tag().filter(|tag| !tag.is_empty()) {
            // It stands last, or nearly so: comparing backwards finds it at once.
            let mut places = dialog.fixed.windows(tag.len());
            let at = places.rposition(|place| place == tag);
            dialog.remote_tag = at.map_or(0..0, |at| range(at, tag.len()));
        }
        dialog.finish(request.call_id)?;
        for route in request.headers.record_routes() {
            dialog.push_route(route)?;
        }
        dialog.retarget(target)?;
        dialog.remote_seq = Some(request.cseq.number);
        Ok(dialog)
    }

    /// The half of a dialog that a request of ours may open (RFC 3261 §8.1.1).
    ///
    /// # Errors
    /// [`TooLarge`] as for [`Dialog::accepted`].
    pub fn opening(
        local: &str,
        remote: &str,
        call_id: &[u8],
        token: Token,
        local_seq: u32,
    ) -> Result<Dialog, TooLarge> {
        let mut dialog = Dialog::empty(token, local_seq);
        dialog.push(b"From: <", local.as_bytes())?;
        dialog.push(b">;tag=", &token.text())?;
        dialog.push(b"\r\nTo: <", remote.as_bytes())?;
        dialog.extend(b">")?;
        dialog.finish(call_id)?;
        dialog.retarget(remote.as_bytes())?;
        Ok(dialog)
    }

    /// Whether `request` is of this dialog. Its To tag led here; the rest must agree too (§12.2.2).
    pub fn matches(&self, request: &Request<'_>) -> bool {
        request.call_id == self.call_id()
            && request.from.tag().unwrap_or_default() == self.remote_tag()
    }

    /// Takes the CSeq of a request in the dialog; `false` if an earlier one was higher: 500 (§12.2.2).
    pub fn advance(&mut self, number: u32) -> bool {
        if self.remote_seq.is_some_and(|last| number < last) {
            return false;
        }
        self.remote_seq = Some(number);
        true
    }

    /// Changes the remote target (§12.2). What it would add to our headers is left out: the target becomes a
    /// Request-URI, which has none (§19.1.1, §19.1.5).
    ///
    /// # Errors
    /// [`TooLarge`] above [`limits::URI`] bytes; the old target stays.
    pub fn retarget(&mut self, target: &[u8]) -> Result<(), TooLarge> {
        self.target = Vec::from_slice(without_headers(target)).map_err(|_| TooLarge)?;
        Ok(())
    }

    /// The CSeq of the next request: one more than any before (RFC 3261 §12.2.1.1).
    pub fn next_seq(&mut self) -> u32 {
        self.local_seq = (self.local_seq + 1) & 0x7fff_ffff;
        self.local_seq
    }

    /// Writes a request's start line and all header lines that the dialog settles, with `seq` and the branch
    /// of `branch`. The caller adds what is particular to the method.
    pub fn write_request(
        &self,
        w: &mut Writer<'_>,
        method: Method<'_>,
        seq: u32,
        flow: &Flow,
        branch: Token,
    ) {
        let strict = matches!(&self.first_route, Some((_, Routing::Strict)));
        w.request(method, self.request_uri());
        write_via(w, flow, branch);
        w.raw(b"Max-Forwards: 70\r\n");
        w.raw(&self.fixed);
        let number = seq;
        w.field(Name::CSeq, &CSeq { number, method });
        if strict {
            let own_row = memchr::memchr(b'\n', &self.routes).map_or(0, |end| end + 1);
            w.raw(&self.routes[own_row..]);
            w.field_with(Name::Route, |out| {
                out.raw(b"<").value(&self.target).raw(b">");
            });
        } else {
            w.raw(&self.routes);
        }
    }

    /// The Request-URI of our requests: the target, or a first route that routes strictly (§12.2.1.1).
    pub fn request_uri(&self) -> &[u8] {
        match &self.first_route {
            Some((first, Routing::Strict)) => slice(&self.routes, first),
            Some((_, Routing::Loose)) | None => &self.target,
        }
    }

    /// The numeric address that the route set or the target names, if it is one a datagram can go to.
    pub fn next_hop(&self) -> Option<SocketAddr> {
        let uri = match &self.first_route {
            Some((first, _)) => slice(&self.routes, first),
            None => &self.target,
        };
        numeric_address(&Uri::parse(uri).ok()?)
    }

    /// What is kept of it over a restart; `seq` is the highest CSeq that may have been used by then.
    pub fn kept(&self, seq: u32) -> KeptDialog<'_> {
        KeptDialog {
            fixed: &self.fixed,
            call_id: (self.call_id.start, self.call_id.end),
            remote_tag: (self.remote_tag.start, self.remote_tag.end),
            routes: &self.routes,
            first_route: self.first_route.as_ref().map(|(first, routing)| {
                let strict = *routing == Routing::Strict;
                (first.start, first.end, strict)
            }),
            target: &self.target,
            slot: self.token.slot,
            nonce: self.token.nonce,
            seq,
            remote_seq: self.remote_seq,
        }
    }

    /// The dialog of a subscription that we served before a restart; `None` if it fits its places no more.
    pub fn restored(kept: &KeptDialog<'_>) -> Option<Dialog> {
        let range = |(start, end): (u16, u16), within: &[u8]| {
            let is_sound = start <= end && usize::from(end) <= within.len();
            is_sound.then_some(start..end)
        };
        let first_route = match kept.first_route {
            None => None,
            Some((start, end, strict)) => {
                let routing = if strict {
                    Routing::Strict
                } else {
                    Routing::Loose
                };
                Some((range((start, end), kept.routes)?, routing))
            }
        };
        Some(Dialog {
            fixed: Vec::from_slice(kept.fixed).ok()?,
            call_id: range(kept.call_id, kept.fixed)?,
            remote_tag: range(kept.remote_tag, kept.fixed)?,
            routes: Vec::from_slice(kept.routes).ok()?,
            first_route,
            target: Vec::from_slice(kept.target).ok()?,
            token: Token {
                owner: Owner::Subscription,
                slot: kept.slot,
                nonce: kept.nonce,
            },
            local_seq: kept.seq,
            remote_seq: kept.remote_seq,
        })
    }

    /// The CSeq of our last request.
    pub fn local_seq(&self) -> u32 {
        self.local_seq
    }

    /// Our tag.
    pub fn token(&self) -> Token {
        self.token
    }

    /// The Call-ID.
    pub fn call_id(&self) -> &[u8] {
        slice(&self.fixed, &self.call_id)
    }

    /// The peer's tag; empty if it has none.
    pub fn remote_tag(&self) -> &[u8] {
        slice(&self.fixed, &self.remote_tag)
    }

    /// The peer's URI, as its From had it.
    pub fn remote_uri(&self) -> &[u8] {
        let to = memchr::memmem::find(&self.fixed, b"\r\nTo: ").map_or(0, |at| at + 6);
        let line = self.fixed.get(to..).unwrap_or_default();
        let end = memchr::memchr(b'\r', line).unwrap_or(line.len());
        NameAddr::parse(&line[..end]).map_or(b"", |peer| peer.uri_text)
    }

    /// The remote target.
    pub fn target(&self) -> &[u8] {
        &self.target
    }

    fn empty(token: Token, local_seq: u32) -> Dialog {
        Dialog {
            fixed: Vec::new(),
            call_id: 0..0,
            remote_tag: 0..0,
            routes: Vec::new(),
            first_route: None,
            target: Vec::new(),
            token,
            local_seq,
            remote_seq: None,
        }
    }

    fn finish(&mut self, call_id: &[u8]) -> Result<(), TooLarge> {
        self.push(b"\r\nCall-ID: ", call_id)?;
        self.call_id = range(self.fixed.len() - call_id.len(), call_id.len());
        self.extend(b"\r\n")
    }

    /// Appends one route. A value that does not parse is not one: it can't be followed.
    fn push_route(&mut self, value: &[u8]) -> Result<(), TooLarge> {
        extend(&mut self.routes, b"Route: ")?;
        let start = self.routes.len();
        extend_in_one_line(&mut self.routes, value)?;
        let value = &self.routes[start..];
        if self.first_route.is_none()
            && let Ok(route) = NameAddr::parse(value)
            && let Some(at) = memchr::memmem::find(value, route.uri_text)
        {
            let routing = match &route.uri() {
                Uri::Sip(uri) if uri.is_loose_router() => Routing::Loose,
                Uri::Sip(_) | Uri::Tel(_) | Uri::Pres(_) | Uri::Other { .. } => Routing::Strict,
            };
            let len = without_headers(route.uri_text).len();
            self.first_route = Some((range(start + at, len), routing));
        }
        extend(&mut self.routes, b"\r\n")
    }

    fn push(&mut self, head: &[u8], value: &[u8]) -> Result<(), TooLarge> {
        self.extend(head)?;
        extend_in_one_line(&mut self.fixed, value)
    }

    fn extend(&mut self, bytes: &[u8]) -> Result<(), TooLarge> {
        extend(&mut self.fixed, bytes)
    }
}

fn extend<const N: usize>(kept: &mut Vec<u8, N>, bytes: &[u8]) -> Result<(), TooLarge> {
    kept.extend_from_slice(bytes).map_err(|_| TooLarge)
}

/// Appends a value without its folding (RFC 3261 §7.3.1): what is kept is a line among lines.
fn extend_in_one_line<const N: usize>(kept: &mut Vec<u8, N>, value: &[u8]) -> Result<(), TooLarge> {
    for (at, line) in unfold(value).enumerate() {
        extend(kept, if at == 0 { b"" } else { b" " })?;
        extend(kept, line)?;
    }
    Ok(())
}

/// Writes our Via. It asks for `rport`, so that answers find their way back through a NAT (RFC 3581 §3).
pub fn write_via(w: &mut Writer<'_>, flow: &Flow, branch: Token) {
    w.field_with(Name::Via, |out| {
        let transport = flow.transport.name().as_bytes();
        out.raw(b"SIP/2.0/").raw(transport).byte(b' ');
        out.address(flow.local).raw(b";branch=");
        out.raw(Token::COOKIE).raw(&branch.text()).raw(b";rport");
    });
}

/// Writes our Contact: a user at the address the peer reaches us at. The `gr` parameter says that it leads
/// to this instance and no other (RFC 5627 §4.3, 7621 §2; RFC 6665 §4.5.1). Without its `transport` a peer on a stream
/// would answer by datagram (RFC 3263 §4.1). So `transport=tls` is written although RFC 5630 §3.1.3 and §5.1.1 want none:
/// `sips` in its place would ask for TLS on every hop of what nobody asked that for, and servers write and read it.
pub fn write_contact(w: &mut Writer<'_>, user: &[u8], flow: &Flow) {
    write_contact_by(w, b"<sip:", user, flow);
}

/// Whether a URI, as a Contact has it, wants TLS all the way: then ours in that dialog has to, too (RFC 3261 §12.1.1).
pub fn is_secure(uri: &[u8]) -> bool {
    uri.first_chunk::<5>()
        .is_some_and(|it| it.eq_ignore_ascii_case(b"sips:"))
}

/// The same in a dialog that was begun with a `sips` URI: one of those, too (RFC 5630 §5.1.1).
pub fn write_secure_contact(w: &mut Writer<'_>, user: &[u8], flow: &Flow) {
    write_contact_by(w, b"<sips:", user, flow);
}

fn write_contact_by(w: &mut Writer<'_>, begin: &[u8], user: &[u8], flow: &Flow) {
    let transport: &[u8] = match flow.transport {
        Transport::Udp => b"",
        Transport::Tls if begin == b"<sips:" => b"",
        Transport::Tcp => b";transport=tcp",
        Transport::Tls => b";transport=tls",
    };
    w.field_with(Name::Contact, |out| {
        out.raw(begin).value(user);
        out.raw(if user.is_empty() { b"" } else { b"@" });
        out.address(flow.local).raw(transport).raw(b";gr>");
    });
}

/// The address of a URI whose host is numeric; `None` for names and for addresses that nobody answers at.
pub fn numeric_address(uri: &Uri<'_>) -> Option<SocketAddr> {
    let transport = transport_of(uri).unwrap_or(Transport::Udp);
    let uri = uri.sip()?;
    let address = SocketAddr::new(uri.host.ip()?, uri.port.unwrap_or(transport.default_port()));
    is_answerable(address).then_some(address)
}

/// A URI up to its question token. A user part may hold one too, so that it takes the parser to tell.
pub fn without_headers(uri: &[u8]) -> &[u8] {
    if memchr::memchr(b'?', uri).is_none() {
        return uri;
    }
    let headers = match Uri::parse(uri) {
        Ok(Uri::Sip(sip)) => sip.headers.len(),
        Ok(Uri::Tel(_) | Uri::Pres(_) | Uri::Other { .. }) | Err(_) => 0,
    };
    match headers {
        0 => uri,
        len => &uri[..uri.len() - len - 1],
    }
}

fn range(start: usize, len: usize) -> Range<u16> {
    start as u16..(start + len) as u16
}

fn slice<'a>(bytes: &'a [u8], range: &Range<u16>) -> &'a [u8] {
    bytes
        .get(usize::from(range.start)..usize::from(range.end))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_uri_has_no_headers() /* ATTACKS I02 */
    {
        for (uri, left) in [
            ("sip:a@b", "sip:a@b"),
            ("sip:a@b?Route=x&y=z", "sip:a@b"),
            ("sip:a?b=c@d;p=q", "sip:a?b=c@d;p=q"),
            ("sip:a?b=c@d;p=q?X=y", "sip:a?b=c@d;p=q"),
            ("sips:[::1]:5061;p?X=y", "sips:[::1]:5061;p"),
            ("tel:+1?x=y", "tel:+1?x=y"),
            ("", ""),
        ] {
            assert_eq!(without_headers(uri.as_bytes()), left.as_bytes(), "{uri}");
        }
    }
}
