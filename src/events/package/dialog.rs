//! The `dialog` package (RFC 4235).
//!
//! We tell third parties one virtual dialog without identities (§3.7.2), and read what every server makes of
//! the format. Read §4.3 on versions first.
//!
//! Within one document the dialogs of one id, or of none, do not erase each other: proxies publish the branches of a
//! forked call under one (kamailio #2906), and the one that rings may stand before or behind the one that is over. From
//! one document to the next the later word on an id counts.

use super::audience::Scene;
use super::memory::{Heard, Memory, Order, Reading, hash};
use super::spec::{Baseline, Body, BodyType, LampKind, Pace, Served, Spec};
use crate::events::party::Party;
use crate::events::presentity::{Call, Calls};
use crate::events::ruling::View;
use crate::events::watched::Watched;
use crate::ground::limits;
use crate::ground::text;
use crate::ground::time::{Duration, Seconds};
use crate::wire::doc::dialog_info::{
    self, Dialog, Direction, Document, Entry, Extent, Participant, State,
};
use crate::wire::doc::{Fault, XmlText};
use crate::wire::sip::Event;
use core::fmt::Write;
use heapless::Vec;

pub(super) const SPEC: Spec = Spec {
    name: "dialog",
    expires: Seconds(3_600),
    bodies: &[BodyType::new("application/dialog-info+xml")],
    also_read: &[],
    several_notifiers: true,
    watchers_of: None,
    lamp: LampKind::Status,
    // Kamailio and OpenSIPS before the first call and when what was published has expired: nobody calls.
    stateless: Some(Watched::Idle),
    read,
    served: Some(Served {
        partial: true,
        pace: Pace {
            burst: 4,
            interval: Duration::from_secs(1),
        },
        narrows: names_a_dialog,
        discerns,
        revision: |presentity, view| match view {
            View::FULL => presentity.calls().revision() + 1,
            _ => 1,
        },
        write,
        patched: None,
    }),
    published: false,
};

/// Ended dialogs and the one that is up.
const MOST: usize = Calls::REMEMBERED + 1;

/// Who is shown somebody closed is shown somebody who calls nobody. There is no note and no device in it.
fn discerns(view: View) -> View {
    if view.hides(View::CLOSED) {
        View::CLOSED
    } else {
        View::FULL
    }
}

fn write(scene: &Scene<'_>, told: Baseline, buf: &mut [u8]) -> Option<Body> {
    let presentity = scene.presentity;
    let nobody = Calls::new();
    let (calls, told) = match scene.view {
        View::FULL => (presentity.calls(), told),
        _ => (&nobody, Baseline::Nothing),
    };
    let mut listed = Vec::<(Call, State), MOST>::new();
    let mut extent = Extent::Full;
    let mut told_calls = 0;
    if let Baseline::Until(revision) = told
        && let Some(known) = revision.checked_sub(1)
        && let Some(ended) = calls.ended_since(known)
    {
        extent = Extent::Partial;
        told_calls = known;
        listed.extend(ended.map(|call| (call, State::Terminated)));
    }
    if let Some(call) = calls.current()
        && (extent == Extent::Full || call.changed > told_calls)
    {
        let _ = listed.push((call, State::Confirmed));
    }
    let ids: Vec<text::Text<12>, MOST> = listed.iter().map(|(call, _)| id(*call)).collect();
    let entries: Vec<Entry<'_>, MOST> = listed
        .iter()
        .zip(&ids)
        .map(|(&(_, state), id)| virtual_dialog(id, state))
        .collect();
    let document = Document {
        entity: presentity.uri(),
        extent,
        dialogs: &entries,
    };
    let rendered = dialog_info::write(&document, buf).ok()?;
    Some(Body {
        len: rendered.len,
        version_at: Some(rendered.version_at),
    })
}

/// Whether the Event picks one dialog by its identifiers (§3.2). Ours is virtual and has none, so it is never meant
/// (RFC 4235 §3.2).
fn names_a_dialog(event: &Event<'_>) -> bool {
    let named = |name: &[u8]| event.params.get(name).is_some();
    named(b"call-id") || named(b"from-tag") || named(b"to-tag")
}

/// A dialog that tells a third party nothing but its state (RFC 4235 §3.7.2).
fn virtual_dialog(id: &str, state: State) -> Entry<'_> {
    Entry {
        id,
        call_id: None,
        local_tag: None,
        remote_tag: None,
        direction: None,
        state,
        event: None,
        code: None,
        local: None,
        remote: None,
    }
}

fn id(call: Call) -> text::Text<12> {
    let mut id = text::Text::new();
    let _ = write!(id, "d{}", call.number);
    id
}

/// Takes in a full or partial document. A full one is always taken, whatever its version: servers restart and
/// count anew, and a lamp that waits for their counter to catch up lies.
fn read(memory: &mut Memory, body: &[u8]) -> Result<Reading, Fault> {
    let head = dialog_info::read_head(body)?;
    let order = Order {
        version: head.version,
        partial: match head.extent {
            Extent::Full => false,
            Extent::Partial => true,
        },
    };
    if memory.is_behind(order) {
        return Ok(Reading::Stale);
    }
    let entity = head.entity.map(|entity| entity.cut::<{ limits::URI }>());
    let entity = entity.as_deref().unwrap_or_default();
    let mut rows = memory.rows(order);
    let mut heard = Heard::default();
    dialog_info::read(body, &mut |dialog| {
        heard.listed += 1;
        // Without a state it says nothing, not even that it is over.
        let Some(state) = dialog.state else { return };
        let (id, watched) = (row(dialog), watched(dialog, state));
        heard.told = heard.told.max(watched);
        rows.merge(id, watched);
        if let Some(watched) = watched {
            memory.name(&mut heard, id, watched, || other_party(dialog, entity));
        }
    })?;
    // FreeSWITCH says "no call" so; by the letter it says nothing. Believe it, and ask for the full state.
    heard.doubtful = order.partial && heard.listed == 0 && !rows.is_empty();
    if heard.doubtful {
        rows.clear();
    }
    Ok(memory.settle(order, rows, heard))
}

/// What a dialog is known by: its id, or else its Call-ID. All that have neither are one.
fn row(dialog: &Dialog<'_>) -> u64 {
    match (told(dialog.id), told(dialog.call_id)) {
        (Some(id), _) => hash(&id),
        (None, Some(call_id)) => hash(&call_id).rotate_left(1),
        (None, None) => 0,
    }
}

/// What a lamp makes of one dialog; `None` if it is over.
fn watched(dialog: &Dialog<'_>, state: State) -> Option<Watched> {
    let outgoing = dialog.direction == Some(Direction::Initiator);
    match state {
        State::Terminated => None,
        State::Early | State::Confirmed if dialog.is_held() => Some(Watched::Held),
        State::Confirmed => Some(Watched::Busy),
        State::Early if outgoing => Some(Watched::Trying),
        State::Early => Some(Watched::Ringing),
        State::Trying | State::Proceeding => Some(Watched::Trying),
    }
}

/// The other party of a dialog of `entity`, if the document names one.
///
/// By the letter that is the `remote` end, whoever called (RFC 4235 §4.1.6). So it is with Kamailio, OpenSIPS and
/// FreeSWITCH; the latter's remote *target* is a code to pick up the call at the watched one. An older Asterisk that does
/// not know the caller puts the watched one at both ends, and others exchange the two: who is watched is never the other.
fn other_party(dialog: &Dialog<'_>, entity: &str) -> Option<Party> {
    let (remote, local) = (party(&dialog.remote)?, party(&dialog.local));
    if remote.is_at(entity) {
        return local.filter(|local| !local.is_at(entity));
    }
    let is_local = local.is_some_and(|local| remote.is_at(local.uri()));
    (!is_local).then_some(remote)
}

/// One end of a dialog.
fn party(end: &Participant<'_>) -> Option<Party> {
    Party::new(end.display, told(end.identity).or(told(end.target)))
}

/// A text with something in it.
fn told(text: Option<XmlText<'_>>) -> Option<XmlText<'_>> {
    text.filter(|text| !text.is_empty())
}
