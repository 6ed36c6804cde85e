//! Dialog information in. Elements are known by where they stand; the rest is ignored.

use super::{Dialog, Direction, Ending, Extent, Head, Participant, State};
use crate::wire::doc::xml::{self, Event, MAX_DEPTH, Namespace, Reader, Tag};
use crate::wire::doc::{Fault, Text};

/// Reads the root only; what follows may still turn out to be broken.
///
/// # Errors
/// Any [`Fault`] up to the root's end.
pub fn read_head(body: &[u8]) -> Result<Head<'_>, Fault> {
    let mut head = None;
    xml::open(body, &mut |reader| {
        head = Some(root(reader)?);
        Ok(())
    })?;
    head.ok_or(Fault::Syntax)
}

/// Shows the dialogs of a body in their order, once the whole document is known to be good, and returns its
/// root.
///
/// No dialog at all means idle. Of several dialogs the caller picks.
///
/// # Errors
/// Any [`Fault`]: `each` was not called.
pub fn read<'a>(body: &'a [u8], each: &mut dyn FnMut(&Dialog<'_>)) -> Result<Head<'a>, Fault> {
    let mut head = None;
    xml::open(body, &mut |reader| {
        head = Some(root(reader)?);
        reader.clone().check_rest()?;
        dialogs(reader, each)
    })?;
    head.ok_or(Fault::Syntax)
}

fn root<'a>(reader: &mut Reader<'a, '_>) -> Result<Head<'a>, Fault> {
    match reader.next()? {
        Some(Event::Start(tag)) if is_ours(tag, b"dialog-info") => {}
        Some(Event::Start(_) | Event::End { .. }) => return Err(Fault::WrongRoot),
        None => return Err(Fault::Syntax),
    }
    // `notify-state` is a slip of an example in RFC 4235.
    let state = reader
        .attribute("state")
        .or_else(|| reader.attribute("notify-state"));
    Ok(Head {
        version: reader
            .attribute("version")
            .and_then(|version| version.number()),
        extent: state.and_then(extent).unwrap_or(Extent::Full),
        entity: reader.attribute("entity"),
    })
}

/// Where in a document an element stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Root,
    Dialog,
    State,
    Local,
    Remote,
    Identity,
    Target,
    Param,
    Ignored,
}

impl Place {
    fn child(self, tag: Tag<'_>) -> Place {
        if tag.namespace != Namespace::DialogInfo {
            return Place::Ignored;
        }
        match (self, tag.local) {
            (Place::Root, b"dialog") => Place::Dialog,
            (Place::Dialog, b"state") => Place::State,
            (Place::Dialog, b"local") => Place::Local,
            (Place::Dialog, b"remote") => Place::Remote,
            (Place::Local | Place::Remote, b"identity") => Place::Identity,
            (Place::Local | Place::Remote, b"target") => Place::Target,
            (Place::Local | Place::Remote | Place::Target, b"param") => Place::Param,
            _ => Place::Ignored,
        }
    }
}

/// Reads what follows the root's start tag.
fn dialogs<'a>(
    reader: &mut Reader<'a, '_>,
    each: &mut dyn FnMut(&Dialog<'_>),
) -> Result<(), Fault> {
    let mut places = [Place::Root; MAX_DEPTH];
    let mut dialog = Dialog::default();
    while let Some(event) = reader.next()? {
        let depth = reader.depth();
        match event {
            Event::Start(tag) => {
                places[depth - 1] = places[depth - 2].child(tag);
                begin(reader, &places[..depth], &mut dialog);
            }
            Event::End { text, .. } => match places[depth] {
                Place::Dialog => each(&dialog),
                Place::State => dialog.state = state(text),
                Place::Identity => {
                    participant(&places[..depth], &mut dialog).identity = Some(text);
                }
                Place::Root
                | Place::Local
                | Place::Remote
                | Place::Target
                | Place::Param
                | Place::Ignored => {}
            },
        }
    }
    Ok(())
}

/// Takes the attributes of the element that just began.
fn begin<'a>(reader: &Reader<'a, '_>, places: &[Place], dialog: &mut Dialog<'a>) {
    match places[places.len() - 1] {
        Place::Dialog => {
            *dialog = Dialog {
                id: reader.attribute("id"),
                call_id: reader.attribute("call-id"),
                local_tag: reader.attribute("local-tag"),
                remote_tag: reader.attribute("remote-tag"),
                direction: reader.attribute("direction").and_then(direction),
                ..Dialog::default()
            };
        }
        Place::State => {
            dialog.event = reader.attribute("event").and_then(ending);
            dialog.code = reader.attribute("code").and_then(code);
        }
        Place::Identity => {
            let shown = display(reader);
            let end = participant(places, dialog);
            end.display = shown.or(end.display);
        }
        Place::Target => {
            let shown = display(reader);
            let end = participant(places, dialog);
            end.display = end.display.or(shown);
            end.target = Some(reader.attribute("uri").unwrap_or(Text::EMPTY));
        }
        Place::Param => {
            if let Some(rendering) = rendering(reader) {
                participant(places, dialog).rendering = rendering;
            }
        }
        Place::Root | Place::Local | Place::Remote | Place::Ignored => {}
    }
}

/// The end of the dialog an open element belongs to.
fn participant<'d, 'a>(open: &[Place], dialog: &'d mut Dialog<'a>) -> &'d mut Participant<'a> {
    if open.contains(&Place::Local) {
        &mut dialog.local
    } else {
        &mut dialog.remote
    }
}

/// The prose of RFC 4235 §4.1.6.1 says `display`, its schema `display-name`.
fn display<'a>(reader: &Reader<'a, '_>) -> Option<Text<'a>> {
    let display = reader
        .attribute("display")
        .or_else(|| reader.attribute("display-name"));
    display.filter(|display| !display.is_empty())
}

/// What a parameter says of `+sip.rendering`: `None` if it is another one. RFC 4235 §4.1.6.2 has it without
/// the plus too; Asterisk and FreeSWITCH write `pvalue`.
fn rendering(reader: &Reader<'_, '_>) -> Option<Option<bool>> {
    let name = reader.attribute("pname")?;
    if !name.is("+sip.rendering") && !name.is("sip.rendering") {
        return None;
    }
    let value = reader
        .attribute("pval")
        .or_else(|| reader.attribute("pvalue"))?;
    if value.is("no") || value.is("\"no\"") {
        return Some(Some(false));
    }
    Some((value.is("yes") || value.is("\"yes\"")).then_some(true))
}

fn is_ours(tag: Tag<'_>, local: &[u8]) -> bool {
    tag.namespace == Namespace::DialogInfo && tag.local == local
}

fn state(text: Text<'_>) -> Option<State> {
    State::ALL.into_iter().find(|state| text.is(state.as_str()))
}

fn direction(text: Text<'_>) -> Option<Direction> {
    let mut all = Direction::ALL.into_iter();
    all.find(|direction| text.is(direction.as_str()))
}

fn ending(text: Text<'_>) -> Option<Ending> {
    let mut all = Ending::ALL.into_iter();
    all.find(|ending| text.is(ending.as_str()))
}

fn extent(text: Text<'_>) -> Option<Extent> {
    let mut all = Extent::ALL.into_iter();
    all.find(|extent| text.is(extent.as_str()))
}

/// RFC 4235 §4.4: 100 to 699.
fn code(text: Text<'_>) -> Option<u16> {
    let code = text.number()?.try_into().ok()?;
    (100..=699).contains(&code).then_some(code)
}
