//! The `dialog` package (RFC 4235).
//!
//! We tell third parties one virtual dialog without identities (§3.7.2), and read what every server makes of
//! the format. Read §4.3 on versions first.

use super::{Body, MediaType, Memory, Pace, Reading, Row, Spec, Told};
use crate::events::presentity::{Call, Presentity};
use crate::events::watched::Watched;
use crate::ground::text;
use crate::ground::time::{Duration, Seconds};
use crate::wire::doc::dialog_info::{self, Dialog, Direction, Document, Entry, Extent, State};
use crate::wire::doc::xml::{Fault, Text};
use crate::wire::sip::Event;
use core::fmt::Write;
use heapless::Vec;

pub(super) const SPEC: Spec = Spec {
    name: "dialog",
    expires: Seconds(3_600),
    bodies: &[MediaType {
        kind: "application",
        subtype: "dialog-info+xml",
        text: "application/dialog-info+xml",
    }],
    several_notifiers: true,
    partial: true,
    pace: Pace {
        burst: 4,
        interval: Duration::from_secs(1),
    },
    narrows: names_a_dialog,
    revision: |presentity| presentity.calls().revision() + 1,
    write,
    read,
};

/// Ended dialogs and the one that is up.
const MOST: usize = crate::events::presentity::Calls::REMEMBERED + 1;

fn write(presentity: &Presentity, told: Told, buf: &mut [u8]) -> Option<Body> {
    let calls = presentity.calls();
    let mut listed = Vec::<(Call, State), MOST>::new();
    let mut extent = Extent::Full;
    let mut told_calls = 0;
    if let Told::Until(revision) = told
        && let Some(ended) = calls.ended_since(revision - 1)
    {
        extent = Extent::Partial;
        told_calls = revision - 1;
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
/// (D10).
fn names_a_dialog(event: &Event<'_>) -> bool {
    let named = |name: &[u8]| event.params.get(name).is_some();
    named(b"call-id") || named(b"from-tag") || named(b"to-tag")
}

/// A dialog that tells a third party nothing but its state (D11).
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
    let known = memory.version;
    let partial = match head.extent {
        Extent::Full => false,
        Extent::Partial => true,
    };
    if partial
        && let (Some(known), Some(version)) = (known, head.version)
        && version <= known
    {
        return Ok(Reading::Stale);
    }
    // The document is applied to a copy, so that one that breaks off half-way changes nothing.
    let mut rows = if partial {
        memory.rows.clone()
    } else {
        Vec::new()
    };
    let mut listed = 0;
    let mut told = None;
    dialog_info::read(body, &mut |dialog| {
        listed += 1;
        told = told.max(watched(dialog));
        apply(&mut rows, dialog);
    })?;
    // FreeSWITCH says "no call" so; by the letter it says nothing. Believe it, and ask for the full state.
    let empties = partial && listed == 0 && !rows.is_empty();
    if empties {
        rows.clear();
    }
    memory.rows = rows;
    memory.version = head.version.or(known);
    memory.watched = memory
        .rows
        .iter()
        .map(|row| row.watched)
        .max()
        .unwrap_or(Watched::Idle);
    let follows = match (known, head.version) {
        (Some(known), Some(version)) => version == known.saturating_add(1),
        (None, Some(_)) => false,
        (_, None) => true,
    };
    // A hole stays a hole, however well the documents behind it follow each other.
    let whole = !partial || (follows && memory.whole);
    memory.whole = whole || listed == 0;
    Ok(if whole && !empties {
        Reading::State(memory.watched)
    } else if listed == 0 || told == Some(memory.watched) {
        Reading::Gap(memory.watched)
    } else {
        // The call that ended may be the last one we know of and not the last one there is.
        Reading::Hole(memory.watched)
    })
}

fn apply<const N: usize>(rows: &mut Vec<Row, N>, dialog: &Dialog<'_>) {
    let id = dialog.id.as_ref().map_or(0, hash);
    let place = rows.iter().position(|row| row.id == id);
    let Some(watched) = watched(dialog) else {
        if let Some(place) = place {
            rows.swap_remove(place);
        }
        return;
    };
    if let Some(place) = place {
        rows[place].watched = watched;
    } else if rows.push(Row { id, watched }).is_err()
        && let Some(least) = rows.iter_mut().min_by_key(|row| row.watched)
        && least.watched < watched
    {
        // More calls than a lamp can count: keep the ones it would show.
        *least = Row { id, watched };
    }
}

/// What a lamp makes of one dialog; `None` if the dialog is over or says nothing.
fn watched(dialog: &Dialog<'_>) -> Option<Watched> {
    let outgoing = dialog.direction == Some(Direction::Initiator);
    match dialog.state? {
        State::Terminated => None,
        State::Early | State::Confirmed if dialog.is_held() => Some(Watched::Held),
        State::Confirmed => Some(Watched::Busy),
        State::Early if outgoing => Some(Watched::Trying),
        State::Early => Some(Watched::Ringing),
        State::Trying | State::Proceeding => Some(Watched::Trying),
    }
}

/// FNV-1a: ids come from the one notifier we subscribed to, and a collision costs no more than a call.
fn hash(id: &Text<'_>) -> u64 {
    id.chars().fold(0xcbf2_9ce4_8422_2325, |hash, char| {
        (hash ^ u64::from(char)).wrapping_mul(0x0100_0000_01b3)
    })
}
