//! The `dialog` package (RFC 4235).
//!
//! We tell third parties of each call how far it is and who called, and no more: identities, tags and the reason of an
//! end are for those to whom a rule shows them. Of a call of which nothing is known there is one virtual dialog (§3.7.2).
//! And we read what every server makes of the format. Read §4.3 on versions first.
//!
//! Within one document the dialogs of one id, or of none, do not erase each other: proxies publish the branches of a
//! forked call under one (kamailio #2906), and the one that rings may stand before or behind the one that is over. From
//! one document to the next the later word on an id counts.

use super::audience::Scene;
use super::memory::{Heard, Memory, Order, Reading, hash};
use super::spec::{Baseline, Body, BodyType, LampKind, Pace, Served, Spec};
use crate::events::party::Party;
use crate::events::presentity::{Call, Calls, Ended, Names, Naming, Told};
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
        private: false,
        switched: false,
        partial: true,
        pace: Pace {
            burst: 4,
            interval: Duration::from_secs(1),
        },
        narrows: names_a_dialog,
        discerns,
        revision: |presentity, view| match view {
            View::CLOSED => 1,
            _ => presentity.calls().revision(view.shows_parties()) + 1,
        },
        write,
        patched: None,
    }),
    published: true,
};

/// Calls that ended, and those that are up.
const MOST: usize = Calls::REMEMBERED + limits::CALLS;

/// Who is shown somebody closed is shown somebody who calls nobody. There is no note and no device in it.
fn discerns(view: View) -> View {
    match view.shows_parties() {
        _ if view.hides(View::CLOSED) => View::CLOSED,
        true => View::PARTIES,
        false => View::FULL,
    }
}

/// Writes the calls. Should the names in them not fit, they are left out.
fn write(scene: &Scene<'_>, told: Baseline, buf: &mut [u8]) -> Option<Body> {
    let named = scene.view.shows_parties();
    let body = write_calls(scene, told, named, buf);
    match body {
        None if named => write_calls(scene, told, false, buf),
        _ => body,
    }
}

fn write_calls(scene: &Scene<'_>, told: Baseline, named: bool, buf: &mut [u8]) -> Option<Body> {
    let nobody = Calls::new();
    let (calls, told) = match scene.view {
        View::CLOSED => (&nobody, Baseline::Nothing),
        _ => (scene.presentity.calls(), told),
    };
    let shows_parties = scene.view.shows_parties();
    let mut listed = Vec::<Listed<'_>, MOST>::new();
    let mut extent = Extent::Full;
    let mut known = 0;
    if let Baseline::Until(revision) = told
        && let Some(revision) = revision.checked_sub(1)
        && let Some(ended) = calls.ended_since(revision)
    {
        (extent, known) = (Extent::Partial, revision);
        listed.extend(ended.map(Listed::Ended));
    }
    let up = calls.up().iter();
    let is_news = |it: &&Told| extent == Extent::Full || it.changed(shows_parties) > known;
    listed.extend(up.filter(is_news).map(Listed::Up));
    let ids: Vec<text::Text<12>, MOST> = listed.iter().map(Listed::id).collect();
    let (rows, uri) = (listed.iter().zip(&ids), scene.presentity.uri());
    let entries: Vec<Entry<'_>, MOST> = rows.map(|(it, id)| it.entry(id, uri, named)).collect();
    let document = Document {
        entity: uri,
        extent,
        dialogs: &entries,
    };
    let rendered = dialog_info::write(&document, buf).ok()?;
    Some(Body {
        len: rendered.len,
        version_at: Some(rendered.version_at),
    })
}

/// A call to be told.
#[derive(Clone, Copy)]
enum Listed<'a> {
    Ended(Ended),
    Up(&'a Told),
}

impl<'a> Listed<'a> {
    fn id(&self) -> text::Text<12> {
        let number = match self {
            Listed::Ended(call) => call.number,
            Listed::Up(told) => told.number,
        };
        let mut id = text::Text::new();
        let _ = write!(id, "d{number}");
        id
    }

    /// The dialog of that id, of whom lives at `uri`: how far it is and who called, and where it is `named` the rest.
    fn entry(&self, id: &'a str, uri: &'a str, named: bool) -> Entry<'a> {
        let mut entry = Entry {
            id,
            call_id: None,
            local_tag: None,
            remote_tag: None,
            direction: None,
            state: State::Terminated,
            event: None,
            code: None,
            local: None,
            remote: None,
        };
        match self {
            Listed::Ended(call) => {
                entry.direction = call.direction;
                entry.event = call.ending.filter(|_| named);
            }
            Listed::Up(Told { call, .. }) => {
                (entry.state, entry.direction) = (call.state, call.direction);
                // That end plays nothing of what it receives (§5.2).
                entry.local = call.is_held.then_some(dialog_info::Party {
                    target: Some(uri),
                    rendering: Some(false),
                    ..dialog_info::Party::default()
                });
                if named {
                    name(&mut entry, call);
                }
            }
        }
        entry
    }
}

/// Says which dialog it is, and with whom.
fn name<'a>(entry: &mut Entry<'a>, call: &'a Call) {
    let some = |text: &'a str| Some(text).filter(|text| !text.is_empty());
    entry.call_id = some(&call.names.call_id);
    entry.local_tag = some(&call.names.local_tag);
    entry.remote_tag = some(&call.names.remote_tag);
    let (identity, display) = (some(call.party.uri()), some(call.party.display()));
    let identity = identity.or(display.map(|_| ANONYMOUS));
    entry.remote = identity.map(|identity| dialog_info::Party {
        identity: Some(identity),
        display,
        ..dialog_info::Party::default()
    });
}

/// The address of somebody of whom only a name is known (RFC 3323 §4.1.1.3).
const ANONYMOUS: &str = "sip:anonymous@anonymous.invalid";

/// Whether the Event picks one dialog by its identifiers (§3.2). Most of ours have none that is known, so none is ever
/// meant.
fn names_a_dialog(event: &Event<'_>) -> bool {
    let named = |name: &[u8]| event.params.get(name).is_some();
    named(b"call-id") || named(b"from-tag") || named(b"to-tag")
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

/// The call that a document which is published of `entity` tells of; `publication` tells documents apart. `None` if it
/// does not say how far that is.
pub fn call(dialog: &Dialog<'_>, entity: &str, publication: u8) -> Option<Call> {
    let state = dialog.state?;
    let (call_id, id) = (told(dialog.call_id), told(dialog.id));
    let key = match (call_id, id) {
        (Some(call_id), _) => Call::key(Naming::CallId, 0, call_id.chars()),
        (None, id) => {
            let id = id.unwrap_or(XmlText::EMPTY);
            Call::key(Naming::Dialog, publication, id.chars())
        }
    };
    let is_held = dialog.is_held();
    Some(Call {
        // FreeSWITCH holds what is early.
        state: if is_held { State::Confirmed } else { state },
        is_held,
        direction: dialog.direction,
        ending: dialog.event.filter(|_| state == State::Terminated),
        party: other_party(dialog, entity).map_or(Party::NOBODY, Party::whole),
        names: Names {
            call_id: kept(call_id),
            local_tag: kept(dialog.local_tag),
            remote_tag: kept(dialog.remote_tag),
        },
        ..Call::new(key, state)
    })
}

fn kept<const N: usize>(text: Option<XmlText<'_>>) -> text::Text<N> {
    let copy = text.and_then(|text| text.copy::<N>());
    copy.map_or(text::Text::new(), |copy| {
        text::Text::copied(&copy).unwrap_or_default()
    })
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
