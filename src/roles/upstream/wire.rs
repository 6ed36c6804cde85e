//! What the requests to a server have in common.

use crate::ground::limits::URI;
use crate::ground::text::Text;
use crate::txn::token::Token;
use crate::ua::dialog::write_via;
use crate::wire::flow::Flow;
use crate::wire::sip::{Method, Name, Writer};

/// Who we say we are.
pub(super) const USER_AGENT: &[u8] = concat!("Lampfield/", env!("CARGO_PKG_VERSION")).as_bytes();

/// What a request outside of any dialog begins with (RFC 3261 §8.1.1).
pub(super) struct Head<'a> {
    pub(super) method: Method<'a>,
    pub(super) uri: &'a [u8],
    /// From and To: we speak about ourselves.
    pub(super) aor: &'a str,
    pub(super) tag: Token,
    pub(super) call: Token,
    pub(super) seq: u32,
    pub(super) flow: &'a Flow,
    pub(super) branch: Token,
}

pub(super) fn write_head(w: &mut Writer<'_>, head: &Head<'_>) {
    let aor = head.aor.as_bytes();
    w.request(head.method, head.uri);
    write_via(w, head.flow, head.branch);
    w.raw(b"Max-Forwards: 70\r\n");
    w.begin(Name::From)
        .part(b"<")
        .part(aor)
        .part(b">;tag=")
        .part(&head.tag.text())
        .end();
    w.begin(Name::To).part(b"<").part(aor).part(b">").end();
    w.header(Name::CallId, &head.call.text());
    w.begin(Name::CSeq)
        .part_u32(head.seq)
        .part(b" ")
        .part(head.method.as_bytes())
        .end();
    w.row(b"User-Agent", USER_AGENT);
}

/// The domain of an address of record, as a URI without a user (RFC 3261 §10.2, R01).
pub(super) fn domain<'s>(aor: &str, scratch: &'s mut Text<URI>) -> Option<&'s str> {
    let (scheme, rest) = aor.split_once(':')?;
    let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    let host = host.split([';', '?']).next()?;
    scratch.push_str(scheme).ok()?;
    scratch.push_str(":").ok()?;
    scratch.push_str(host).ok()?;
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
