//! Dialog information out (RFC 4235 §4.4). One body serves many subscriptions: the version number, which
//! each subscription counts for itself (§4.1), goes into a hole.

use super::super::out::Out;
use super::{Direction, Ending, Extent, Rendered, State};
use crate::wire::out::WriteError;

/// A document to write.
#[derive(Clone, Copy, Debug)]
pub struct Document<'a> {
    /// Whose dialogs these are.
    pub entity: &'a str,
    /// All of them, or those that changed.
    pub extent: Extent,
    /// The dialogs.
    pub dialogs: &'a [Entry<'a>],
}

/// A dialog to write. For third parties without a right to more, leave out all that may be `None`: the
/// virtual dialog of RFC 4235 §3.7.2.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// Unique among current dialogs, constant until terminated.
    pub id: &'a str,
    /// The dialog's Call-ID.
    pub call_id: Option<&'a str>,
    /// The observed user's tag.
    pub local_tag: Option<&'a str>,
    /// The other end's tag.
    pub remote_tag: Option<&'a str>,
    /// Who called whom.
    pub direction: Option<Direction>,
    /// The state.
    pub state: State,
    /// Why it ended; written only if it did (RFC 4235 §4.1.2).
    pub event: Option<Ending>,
    /// The status code that changed the state; written only from 100 to 699.
    pub code: Option<u16>,
    /// The observed user's end.
    pub local: Option<Party<'a>>,
    /// The other end.
    pub remote: Option<Party<'a>>,
}

/// One end of a dialog to write (RFC 4235 §4.1.6).
#[derive(Clone, Copy, Debug, Default)]
pub struct Party<'a> {
    /// The URI of From or To.
    pub identity: Option<&'a str>,
    /// The name shown; written only beside an identity.
    pub display: Option<&'a str>,
    /// The Contact's URI.
    pub target: Option<&'a str>,
    /// Whether this end plays anything it receives (RFC 4235 §5.2). Without a target the identity stands for
    /// it.
    pub rendering: Option<bool>,
}

/// Writes a document without its version number into `buf`: compact, UTF-8, with XML declaration.
///
/// Text is escaped and loses the characters XML 1.0 does not know.
///
/// # Errors
/// [`WriteError`] if the document is longer than `buf`; what `buf` holds then is no document.
pub fn write(document: &Document<'_>, buf: &mut [u8]) -> Result<Rendered, WriteError> {
    let mut out = Out::new(buf);
    out.raw("<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
    out.raw("<dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version=\"");
    let version_at = out.position();
    out.raw("\"");
    out.attribute("state", Some(document.extent.as_str()));
    out.attribute("entity", Some(document.entity));
    out.raw(">");
    for entry in document.dialogs {
        dialog(entry, &mut out);
    }
    out.close("dialog-info");
    let len = out.finish()?;
    Ok(Rendered { len, version_at })
}

fn dialog(entry: &Entry<'_>, out: &mut Out<'_>) {
    out.raw("<dialog");
    out.attribute("id", Some(entry.id));
    out.attribute("call-id", entry.call_id);
    out.attribute("local-tag", entry.local_tag);
    out.attribute("remote-tag", entry.remote_tag);
    out.attribute("direction", entry.direction.map(Direction::as_str));
    out.raw(">");
    state(entry, out);
    party("local", entry.local.as_ref(), out);
    party("remote", entry.remote.as_ref(), out);
    out.close("dialog");
}

fn state(entry: &Entry<'_>, out: &mut Out<'_>) {
    out.raw("<state");
    if entry.state == State::Terminated {
        out.attribute("event", entry.event.map(Ending::as_str));
    }
    if let Some(code @ 100..=699) = entry.code {
        out.raw(" code=\"");
        out.number(u32::from(code), 3);
        out.raw("\"");
    }
    out.raw(">");
    out.raw(entry.state.as_str());
    out.close("state");
}

fn party(name: &str, party: Option<&Party<'_>>, out: &mut Out<'_>) {
    let Some(party) = party else { return };
    out.open(name);
    if let Some(identity) = party.identity {
        out.raw("<identity");
        out.attribute("display", party.display);
        out.raw(">");
        out.text(identity);
        out.close("identity");
    }
    target(party, out);
    out.close(name);
}

fn target(party: &Party<'_>, out: &mut Out<'_>) {
    if party.target.is_none() && party.rendering.is_none() {
        return;
    }
    out.raw("<target");
    out.attribute("uri", party.target.or(party.identity).or(Some("")));
    match party.rendering {
        Some(true) => out.raw("><param pname=\"+sip.rendering\" pval=\"yes\"/></target>"),
        Some(false) => out.raw("><param pname=\"+sip.rendering\" pval=\"no\"/></target>"),
        None => out.raw("/>"),
    }
}
