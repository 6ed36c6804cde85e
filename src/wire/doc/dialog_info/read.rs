//! Dialog information in: which namespace, root and places it has. What has no place is ignored.

use super::{Dialog, Direction, Ending, Head, Participant, State};
use crate::wire::doc::frame::{self, Format, Taker};
use crate::wire::doc::xml::{Namespace, Reader, Tag};
use crate::wire::doc::{Fault, XmlText};

const DIALOG_INFO: Namespace = Namespace::numbered(0);

const FORMAT: Format = Format {
    root: "dialog-info",
    namespace: DIALOG_INFO,
    names: &[("urn:ietf:params:xml:ns:dialog-info", DIALOG_INFO)],
    // `notify-state` is a slip of an example in RFC 4235.
    extent: &["state", "notify-state"],
};

/// Reads the root only; what follows may still turn out to be broken.
///
/// # Errors
/// Any [`Fault`] up to the root's end.
pub fn read_head(body: &[u8]) -> Result<Head<'_>, Fault> {
    frame::read_head(body, &FORMAT)
}

/// Shows the dialogs of a body in their order, once the whole document is known to be good, and returns its
/// root.
///
/// No dialog at all means idle. Of several dialogs the caller picks.
///
/// # Errors
/// Any [`Fault`]: `each` was not called.
pub fn read<'a>(body: &'a [u8], each: &mut dyn FnMut(&Dialog<'_>)) -> Result<Head<'a>, Fault> {
    let dialog = Dialog::default();
    frame::read(body, &FORMAT, &mut Dialogs { dialog, each })
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

impl frame::Place for Place {
    const ROOT: Place = Place::Root;

    fn child(self, tag: Tag<'_>) -> Place {
        if tag.namespace != DIALOG_INFO {
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

/// Gathers a dialog and shows it when it is whole.
struct Dialogs<'a, 'e> {
    dialog: Dialog<'a>,
    each: &'e mut dyn FnMut(&Dialog<'_>),
}

impl<'a> Taker<'a> for Dialogs<'a, '_> {
    type Place = Place;

    /// Takes the attributes.
    fn begin(&mut self, reader: &Reader<'a, '_>, open: &[Place], _: Tag<'a>) {
        match open[open.len() - 1] {
            Place::Dialog => {
                self.dialog = Dialog {
                    id: reader.attribute("id"),
                    call_id: reader.attribute("call-id"),
                    local_tag: reader.attribute("local-tag"),
                    remote_tag: reader.attribute("remote-tag"),
                    direction: reader.attribute("direction").and_then(Direction::of),
                    ..Dialog::default()
                };
            }
            Place::State => {
                self.dialog.event = reader.attribute("event").and_then(Ending::of);
                self.dialog.code = reader.attribute("code").and_then(code);
            }
            Place::Identity => {
                let shown = display(reader);
                let end = participant(open, &mut self.dialog);
                end.display = shown.or(end.display);
            }
            Place::Target => {
                let shown = display(reader);
                let end = participant(open, &mut self.dialog);
                end.display = end.display.or(shown);
                end.target = Some(reader.attribute("uri").unwrap_or(XmlText::EMPTY));
            }
            Place::Param => {
                if let Some(rendering) = rendering(reader) {
                    participant(open, &mut self.dialog).rendering = rendering;
                }
            }
            Place::Root | Place::Local | Place::Remote | Place::Ignored => {}
        }
    }

    fn end(&mut self, _: &Reader<'a, '_>, open: &[Place], text: XmlText<'a>, _: &'a [u8]) {
        match open[open.len() - 1] {
            Place::Dialog => (self.each)(&self.dialog),
            Place::State => self.dialog.state = State::of(text),
            Place::Identity => participant(open, &mut self.dialog).identity = Some(text),
            Place::Root
            | Place::Local
            | Place::Remote
            | Place::Target
            | Place::Param
            | Place::Ignored => {}
        }
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
fn display<'a>(reader: &Reader<'a, '_>) -> Option<XmlText<'a>> {
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

/// RFC 4235 §4.4: 100 to 699.
fn code(text: XmlText<'_>) -> Option<u16> {
    let code = text.number()?.try_into().ok()?;
    (100..=699).contains(&code).then_some(code)
}
