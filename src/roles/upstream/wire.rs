//! The requests to a server as they are written, and what they have in common.

use super::dialect::Dialect;
use super::errand::{Exchange, Kind, branch};
use super::link::Link;
use super::registration::{Instance, uuid};
use crate::ground::limits::URI;
use crate::ground::text::Text;
use crate::txn::token::Token;
use crate::ua::dialog::write_via;
use crate::ua::request::USER_AGENT;
use crate::wire::flow::{Flow, Transport};
use crate::wire::sip::{CSeq, Method, Name, Out, Uri, Writer};
use core::net::SocketAddr;
use heapless::Vec;

/// The number of our flow (RFC 5626 §4.2.1). A registrar tells flows apart by address of record, instance and this
/// number, and an account has no second flow beside the one it uses.
pub(super) const REG_ID: u32 = 1;

impl Link {
    /// Writes down the head of the REGISTER that `exchange` stands for.
    pub(super) fn write_register(
        &mut self,
        slot: u16,
        exchange: &Exchange,
        nonce: u64,
        instance: Instance,
        buf: &mut [u8],
    ) -> Option<()> {
        let it = &self.registration;
        let mut scratch = Text::new();
        let whose = self.outbound.servers.redirect().unwrap_or(&self.aor);
        let uri = domain(whose, &mut scratch)?.as_bytes();
        let expires = if exchange.farewell { 0 } else { self.expires.0 };
        let mut w = Writer::new(buf);
        write_head(
            &mut w,
            &Head {
                method: Method::Register,
                uri,
                aor: &self.aor,
                tag: it.tag,
                call: it.call,
                seq: exchange.seq,
                flow: &exchange.way.flow,
                branch: branch(Kind::Register, slot, nonce),
            },
        );
        let contact = exchange.way.contact();
        let binding = (contact.transport, contact.local);
        self.write_binding(&mut w, binding, instance);
        // A Contact that we were known by is taken back with the new one, unless the server knows us by instance
        // anyway (RFC 3261 §10.2.2).
        if let Some(old) = it.contact.filter(|old| *old != binding && !it.outbound) {
            w.field_with(Name::Contact, |out| {
                self.print_address(out, old);
                out.raw(b";expires=0");
            });
        }
        w.header_u32(Name::Expires, expires);
        w.header(
            Name::Supported,
            if it.plain {
                b"path, gruu"
            } else {
                b"path, outbound, gruu"
            },
        );
        self.write_credentials(&mut w, Method::Register, uri, exchange, b"");
        let len = w.finish_lines().ok()?;
        self.registration.head = Vec::from_slice(buf.get(..len)?).ok()?;
        Some(())
    }

    /// Writes the REGISTER that was written down.
    pub(super) fn copy_register(&self, buf: &mut [u8]) -> Option<usize> {
        let mut w = Writer::new(buf);
        w.raw(&self.registration.head).empty_body();
        w.finish().ok()
    }

    /// Writes down the head of the PUBLISH that `exchange` stands for.
    pub(super) fn write_publish(
        &mut self,
        slot: u16,
        exchange: &Exchange,
        nonce: u64,
        buf: &mut [u8],
    ) -> Option<()> {
        let it = &self.publication;
        let mut scratch = Text::new();
        let own = match self.choice.spoken {
            Dialect::Presence | Dialect::FreeSwitch => &*self.aor,
            Dialect::Asterisk => resource(&it.devices.publication, &self.aor, &mut scratch)?,
        };
        // Only who publishes and does no more is sent elsewhere.
        let uri = match self.first() {
            Kind::Publish => self.outbound.servers.redirect().unwrap_or(own),
            Kind::Register | Kind::Probe => own,
        };
        let uri = uri.as_bytes();
        let is_last = exchange.farewell && it.is_silent();
        let expires = if is_last { 0 } else { self.expires.0 };
        let mut w = Writer::new(buf);
        write_head(
            &mut w,
            &Head {
                method: Method::Publish,
                uri,
                aor: &self.aor,
                tag: it.tag,
                call: it.call,
                seq: exchange.seq,
                flow: &exchange.way.flow,
                branch: branch(Kind::Publish, slot, nonce),
            },
        );
        let (event, _) = it.package(self.choice.spoken);
        w.header(Name::Event, event.as_bytes());
        w.header_u32(Name::Expires, expires);
        if let Some(etag) = &it.etag {
            w.header(Name::SipIfMatch, etag.as_bytes());
        }
        self.write_credentials(&mut w, Method::Publish, uri, exchange, &it.body);
        let len = w.finish_lines().ok()?;
        self.publication.head = Vec::from_slice(buf.get(..len)?).ok()?;
        Some(())
    }

    /// Writes the PUBLISH that was written down.
    pub(super) fn copy_publish(&self, buf: &mut [u8]) -> Option<usize> {
        let body = &self.publication.body[..];
        let mut w = Writer::new(buf);
        w.raw(&self.publication.head);
        if body.is_empty() {
            w.empty_body();
        } else {
            let (_, media_type) = self.publication.package(self.choice.spoken);
            w.body(media_type.as_bytes(), body);
        }
        w.finish().ok()
    }

    /// Writes the OPTIONS that `exchange` stands for.
    pub(super) fn write_probe(
        &self,
        slot: u16,
        exchange: &Exchange,
        nonce: u64,
        buf: &mut [u8],
    ) -> Option<usize> {
        let mut scratch = Text::new();
        let branch = branch(Kind::Probe, slot, nonce);
        let mut w = Writer::new(buf);
        write_head(
            &mut w,
            &Head {
                method: Method::Options,
                uri: domain(&self.aor, &mut scratch)?.as_bytes(),
                aor: &self.aor,
                tag: branch,
                call: branch,
                seq: exchange.seq,
                flow: &exchange.way.flow,
                branch,
            },
        );
        w.empty_body();
        w.finish().ok()
    }

    fn write_credentials(
        &self,
        w: &mut Writer<'_>,
        method: Method<'_>,
        uri: &[u8],
        exchange: &Exchange,
        body: &[u8],
    ) {
        let (login, account) = (&self.outbound.login, &self.outbound.account);
        login.write(w, account, method, uri, exchange.proof, body);
    }

    /// Our Contact; the instance and the number of the flow say whose it is when its address changes (RFC 5626 §4.1,
    /// §4.2.1).
    fn write_binding(
        &self,
        w: &mut Writer<'_>,
        binding: (Transport, SocketAddr),
        instance: Instance,
    ) {
        w.field_with(Name::Contact, |out| {
            self.print_address(out, binding);
            out.raw(b";+sip.instance=\"<urn:uuid:");
            out.raw(&uuid(instance)).raw(b">\"");
            if !self.registration.plain {
                out.raw(b";reg-id=").decimal(REG_ID);
            }
        });
    }

    fn print_address(&self, out: &mut Out<'_>, (transport, at): (Transport, SocketAddr)) {
        let user = self.user();
        let is_secure = matches!(Uri::parse(self.aor.as_bytes()), Ok(Uri::Sip(uri)) if uri.secure);
        out.raw(if is_secure { b"<sips:" } else { b"<sip:" });
        out.value(user);
        out.raw(if user.is_empty() { b"" } else { b"@" })
            .address(at);
        match transport {
            Transport::Udp => {}
            Transport::Tcp => _ = out.raw(b";transport=tcp"),
            // Whoever is called by a `sips` address has one there too (RFC 5630 §3.1.3).
            Transport::Tls if is_secure => {}
            Transport::Tls => _ = out.raw(b";transport=tls"),
        }
        out.byte(b'>');
    }

    /// The user in our address of record; empty if there is none.
    pub(super) fn user(&self) -> &[u8] {
        match Uri::parse(self.aor.as_bytes()) {
            Ok(Uri::Sip(uri)) => uri.user.unwrap_or_default(),
            Ok(Uri::Tel(_) | Uri::Pres(_) | Uri::Other { .. }) | Err(_) => b"",
        }
    }
}

/// What a request outside of any dialog begins with (RFC 3261 §8.1.1).
struct Head<'a> {
    method: Method<'a>,
    uri: &'a [u8],
    /// From and To: we speak about ourselves.
    aor: &'a str,
    tag: Token,
    call: Token,
    seq: u32,
    flow: &'a Flow,
    branch: Token,
}

fn write_head(w: &mut Writer<'_>, head: &Head<'_>) {
    let aor = head.aor.as_bytes();
    w.request(head.method, head.uri);
    write_via(w, head.flow, head.branch);
    w.raw(b"Max-Forwards: 70\r\n");
    w.field_with(Name::From, |out| {
        out.raw(b"<").value(aor).raw(b">;tag=");
        out.raw(&head.tag.text());
    });
    w.field_with(Name::To, |out| {
        out.raw(b"<").value(aor).raw(b">");
    });
    w.header(Name::CallId, &head.call.text());
    let (number, method) = (head.seq, head.method);
    w.field(Name::CSeq, &CSeq { number, method });
    w.header(Name::UserAgent, USER_AGENT);
}

/// The domain of an address of record, as a URI without a user (RFC 3261 §10.2).
fn domain<'s>(aor: &str, scratch: &'s mut Text<URI>) -> Option<&'s str> {
    let (scheme, rest) = aor.split_once(':')?;
    let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    let host = host.split([';', '?']).next()?;
    scratch.push_str(scheme).ok()?;
    scratch.push_str(":").ok()?;
    scratch.push_str(host).ok()?;
    Some(scratch)
}

/// What is published of an address of record under another name, as a URI in its domain.
fn resource<'s>(name: &str, aor: &str, scratch: &'s mut Text<URI>) -> Option<&'s str> {
    let mut host = Text::new();
    let (scheme, host) = domain(aor, &mut host)?.split_once(':')?;
    for part in [scheme, ":", name, "@", host] {
        scratch.push_str(part).ok()?;
    }
    Some(scratch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registrar_is_a_domain() /* R01 */
    {
        for (aor, expected) in [
            ("sip:100@pbx.example", "sip:pbx.example"),
            (
                "sip:100@pbx.example:5070;user=phone",
                "sip:pbx.example:5070",
            ),
            ("sip:[2001:db8::1]", "sip:[2001:db8::1]"),
        ] {
            assert_eq!(domain(aor, &mut Text::new()), Some(expected));
        }
    }
}
