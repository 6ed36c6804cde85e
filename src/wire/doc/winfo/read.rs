//! Watcher information in: which namespace, root and places it has. What has no place is ignored.

use super::{Event, Head, Status, Watcher};
use crate::wire::doc::frame::{self, Format, Taker};
use crate::wire::doc::xml::{Namespace, Reader, Tag};
use crate::wire::doc::{Fault, XmlText};

const WATCHER_INFO: Namespace = Namespace::numbered(0);

const FORMAT: Format = Format {
    root: "watcherinfo",
    namespace: WATCHER_INFO,
    names: &[("urn:ietf:params:xml:ns:watcherinfo", WATCHER_INFO)],
    extent: &["state"],
};

/// Reads the root only; what follows may still turn out to be broken.
///
/// # Errors
/// Any [`Fault`] up to the root's end.
pub fn read_head(body: &[u8]) -> Result<Head<'_>, Fault> {
    frame::read_head(body, &FORMAT)
}

/// Shows the watchers of all lists of a body in their order, once the whole document is known to be good, and
/// returns its root.
///
/// # Errors
/// Any [`Fault`]: `each` was not called.
pub fn read<'a>(body: &'a [u8], each: &mut dyn FnMut(&Watcher<'_>)) -> Result<Head<'a>, Fault> {
    let (list, watcher) = Default::default();
    let watchers = &mut Watchers {
        list,
        watcher,
        each,
    };
    frame::read(body, &FORMAT, watchers)
}

/// Where in a document an element stands.
#[derive(Clone, Copy)]
enum Place {
    Root,
    List,
    Watcher,
    Ignored,
}

impl frame::Place for Place {
    const ROOT: Place = Place::Root;

    fn child(self, tag: Tag<'_>) -> Place {
        if tag.namespace != WATCHER_INFO {
            return Place::Ignored;
        }
        match (self, tag.local) {
            (Place::Root, b"watcher-list") => Place::List,
            (Place::List, b"watcher") => Place::Watcher,
            _ => Place::Ignored,
        }
    }
}

/// Gathers a watcher and shows it when it is whole.
struct Watchers<'a, 'e> {
    /// What a watcher has of its list.
    list: Watcher<'a>,
    watcher: Watcher<'a>,
    each: &'e mut dyn FnMut(&Watcher<'_>),
}

impl<'a> Taker<'a> for Watchers<'a, '_> {
    type Place = Place;

    fn begin(&mut self, reader: &Reader<'a, '_>, open: &[Place], _: Tag<'a>) {
        let number = |name| reader.attribute(name).and_then(|text| text.number());
        match open[open.len() - 1] {
            Place::List => {
                self.list.resource = reader.attribute("resource");
                self.list.package = reader.attribute("package");
            }
            Place::Watcher => {
                self.watcher = Watcher {
                    id: reader.attribute("id"),
                    status: reader.attribute("status").and_then(Status::of),
                    event: reader.attribute("event").and_then(Event::of),
                    display: reader.attribute("display-name"),
                    expiration: number("expiration"),
                    subscribed: number("duration-subscribed"),
                    ..self.list
                };
            }
            Place::Root | Place::Ignored => {}
        }
    }

    fn end(&mut self, _: &Reader<'a, '_>, open: &[Place], text: XmlText<'a>, _: &'a [u8]) {
        match open[open.len() - 1] {
            Place::Watcher => {
                self.watcher.uri = Some(text).filter(|uri| !uri.is_empty());
                (self.each)(&self.watcher);
            }
            Place::Root | Place::List | Place::Ignored => {}
        }
    }
}
