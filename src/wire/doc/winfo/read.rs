//! Watcher information in. Elements are known by where they stand; the rest is ignored.

use super::{Event, Extent, Head, Status, Watcher};
use crate::wire::doc::xml::{self, MAX_DEPTH, Namespace, Reader, Tag};
use crate::wire::doc::{Fault, Text};

/// Reads the root only; what follows may still turn out to be broken.
///
/// # Errors
/// Any [`Fault`] up to the root's end.
pub fn read_head(body: &[u8]) -> Result<Head, Fault> {
    let mut head = None;
    xml::open(body, &mut |reader| {
        head = Some(root(reader)?);
        Ok(())
    })?;
    head.ok_or(Fault::Syntax)
}

/// Shows the watchers of all lists of a body in their order, once the whole document is known to be good, and
/// returns its root.
///
/// # Errors
/// Any [`Fault`]: `each` was not called.
pub fn read(body: &[u8], each: &mut dyn FnMut(&Watcher<'_>)) -> Result<Head, Fault> {
    let mut head = None;
    xml::open(body, &mut |reader| {
        head = Some(root(reader)?);
        reader.clone().check_rest()?;
        watchers(reader, each)
    })?;
    head.ok_or(Fault::Syntax)
}

fn root(reader: &mut Reader<'_, '_>) -> Result<Head, Fault> {
    match reader.next()? {
        Some(xml::Event::Start(tag)) if is_ours(tag, b"watcherinfo") => {}
        Some(xml::Event::Start(_) | xml::Event::End { .. }) => return Err(Fault::WrongRoot),
        None => return Err(Fault::Syntax),
    }
    let number = |version: Text<'_>| version.number();
    Ok(Head {
        version: reader.attribute("version").and_then(number),
        extent: reader
            .attribute("state")
            .and_then(extent)
            .unwrap_or(Extent::Full),
    })
}

/// Where in a document an element stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Root,
    List,
    Watcher,
    Ignored,
}

impl Place {
    fn child(self, tag: Tag<'_>) -> Place {
        match self {
            Place::Root if is_ours(tag, b"watcher-list") => Place::List,
            Place::List if is_ours(tag, b"watcher") => Place::Watcher,
            Place::Root | Place::List | Place::Watcher | Place::Ignored => Place::Ignored,
        }
    }
}

/// Reads what follows the root's start tag.
fn watchers<'a>(
    reader: &mut Reader<'a, '_>,
    each: &mut dyn FnMut(&Watcher<'_>),
) -> Result<(), Fault> {
    let mut places = [Place::Root; MAX_DEPTH];
    let mut list = Watcher::default();
    let mut watcher = list;
    while let Some(event) = reader.next()? {
        let depth = reader.depth();
        match event {
            xml::Event::Start(tag) => {
                let place = places[depth - 2].child(tag);
                places[depth - 1] = place;
                match place {
                    Place::List => {
                        list.resource = reader.attribute("resource");
                        list.package = reader.attribute("package");
                    }
                    Place::Watcher => watcher = begun(reader, &list),
                    Place::Root | Place::Ignored => {}
                }
            }
            xml::Event::End { text, .. } if places[depth] == Place::Watcher => {
                watcher.uri = Some(text).filter(|uri| !uri.is_empty());
                each(&watcher);
            }
            xml::Event::End { .. } => {}
        }
    }
    Ok(())
}

/// A watcher of `list` whose element just began.
fn begun<'a>(reader: &Reader<'a, '_>, list: &Watcher<'a>) -> Watcher<'a> {
    let number = |name| {
        let text: Option<Text<'_>> = reader.attribute(name);
        text.and_then(|text| text.number())
    };
    Watcher {
        id: reader.attribute("id"),
        status: reader.attribute("status").and_then(status),
        event: reader.attribute("event").and_then(event),
        display: reader.attribute("display-name"),
        expiration: number("expiration"),
        subscribed: number("duration-subscribed"),
        uri: None,
        ..*list
    }
}

fn is_ours(tag: Tag<'_>, local: &[u8]) -> bool {
    tag.namespace == Namespace::WatcherInfo && tag.local == local
}

fn status(text: Text<'_>) -> Option<Status> {
    let mut all = Status::ALL.into_iter();
    all.find(|status| text.is(status.as_str()))
}

fn event(text: Text<'_>) -> Option<Event> {
    Event::ALL.into_iter().find(|event| text.is(event.as_str()))
}

fn extent(text: Text<'_>) -> Option<Extent> {
    let mut all = Extent::ALL.into_iter();
    all.find(|extent| text.is(extent.as_str()))
}
