//! Resource list meta-information in: which namespace, root and places it has. What has no place is ignored.

use super::{Instance, List, Resource, State};
use crate::wire::doc::frame::{self, Format, Taker};
use crate::wire::doc::xml::{Namespace, Reader, Tag};
use crate::wire::doc::{Fault, XmlText};

const RLMI: Namespace = Namespace::numbered(0);

const FORMAT: Format = Format {
    root: "list",
    namespace: RLMI,
    names: &[("urn:ietf:params:xml:ns:rlmi", RLMI)],
    extent: &[],
};

/// Shows the resources of a list in their order, once the whole document is known to be good, and returns its root.
///
/// # Errors
/// Any [`Fault`]: `each` was not called.
pub fn read<'a>(body: &'a [u8], each: &mut dyn FnMut(&Resource<'_>)) -> Result<List<'a>, Fault> {
    let (resource, full) = (Resource::default(), true);
    let resources = &mut Resources {
        resource,
        full,
        uri: None,
        each,
    };
    let head = frame::read(body, &FORMAT, resources)?;
    Ok(List {
        uri: resources.uri,
        version: head.version,
        full: resources.full,
    })
}

/// Where in a document an element stands.
#[derive(Clone, Copy)]
enum Place {
    Root,
    Resource,
    Name,
    Instance,
    Ignored,
}

impl frame::Place for Place {
    const ROOT: Place = Place::Root;

    fn child(self, tag: Tag<'_>) -> Place {
        if tag.namespace != RLMI {
            return Place::Ignored;
        }
        match (self, tag.local) {
            (Place::Root, b"resource") => Place::Resource,
            (Place::Resource, b"name") => Place::Name,
            (Place::Resource, b"instance") => Place::Instance,
            _ => Place::Ignored,
        }
    }
}

/// Gathers a resource and shows it when it is whole.
struct Resources<'a, 'e> {
    resource: Resource<'a>,
    /// What the root says.
    full: bool,
    uri: Option<XmlText<'a>>,
    each: &'e mut dyn FnMut(&Resource<'_>),
}

impl<'a> Taker<'a> for Resources<'a, '_> {
    type Place = Place;

    fn root(&mut self, reader: &Reader<'a, '_>) {
        let full = reader.attribute("fullState");
        self.full = full.is_none_or(|it| !it.is("false") && !it.is("0"));
        self.uri = reader.attribute("uri");
    }

    fn begin(&mut self, reader: &Reader<'a, '_>, open: &[Place], _: Tag<'a>) {
        match open[open.len() - 1] {
            Place::Resource => {
                self.resource = Resource {
                    uri: reader.attribute("uri"),
                    ..Resource::default()
                };
            }
            Place::Instance => {
                let instance = Instance {
                    id: reader.attribute("id"),
                    state: reader.attribute("state").and_then(State::of),
                    reason: reader.attribute("reason"),
                    cid: reader.attribute("cid"),
                };
                // More than can be told apart: those before them stand for all.
                let _ = self.resource.instances.push(instance);
            }
            Place::Root | Place::Name | Place::Ignored => {}
        }
    }

    fn end(&mut self, _: &Reader<'a, '_>, open: &[Place], text: XmlText<'a>, _: &'a [u8]) {
        match open[open.len() - 1] {
            Place::Resource => (self.each)(&self.resource),
            Place::Name => {
                let name = Some(text).filter(|name| !name.is_empty());
                self.resource.name = self.resource.name.or(name);
            }
            Place::Root | Place::Instance | Place::Ignored => {}
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::super::MAX_INSTANCES;
    use super::*;
    use std::borrow::ToOwned;
    use std::string::{String, ToString};
    use std::vec::Vec;
    use std::{format, vec};

    const LIST: &str = "<?xml version=\"1.0\"?>\n<list xmlns=\"urn:ietf:params:xml:ns:rlmi\" uri=\"sip:lamps@a\" \
        version=\"7\" fullState=\"true\" cid=\"all@a\"><name xml:lang=\"en\">Lamps</name>\
        <resource uri=\"sip:bob@a\"><name xml:lang=\"en\">Bob &amp; Co</name><name>Robert</name>\
        <instance id=\"1\" state=\"active\" cid=\"1@a\"><x xmlns=\"y\"/></instance></resource>\
        <resource uri=\"sip:jim@a\"><instance id=\"2\" state=\"terminated\" reason=\"rejected\"/>\
        <instance id=\"3\" state=\"Pending\"/></resource><resource uri=\"sip:new@a\"/></list>";

    /// Every resource as a line.
    fn shown(text: &str) -> Result<(String, Vec<String>), Fault> {
        let mut lines = vec![];
        let list = read(text.as_bytes(), &mut |resource| {
            let text = |it: Option<XmlText<'_>>| it.map_or("-".to_owned(), |it| it.to_string());
            let mut line = format!("{} {}", text(resource.uri), text(resource.name));
            for it in &resource.instances {
                let state = it.state.map_or("-", State::as_str);
                let (id, reason, cid) = (text(it.id), text(it.reason), text(it.cid));
                line += &format!(", {id} {state} {reason} {cid}");
            }
            lines.push(line);
        });
        list.map(|list| (format!("{:?} {}", list.version, list.full), lines))
    }

    #[test]
    fn a_list_tells_how_each_resource_stands() /* F18, F19 */
    {
        let (list, lines) = shown(LIST).expect("good");
        assert_eq!(list, "Some(7) true");
        let expected = [
            "sip:bob@a Bob & Co, 1 active - 1@a",
            "sip:jim@a -, 2 terminated rejected -, 3 pending - -",
            "sip:new@a -",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn a_list_is_full_unless_it_says_otherwise() /* F18 */
    {
        for (written, full) in [
            ("true", true),
            ("1", true),
            ("false", false),
            ("0", false),
            ("", true),
            ("x", true),
        ] {
            let text = LIST.replace("fullState=\"true\"", &format!("fullState=\"{written}\""));
            assert_eq!(shown(&text).expect("good").0, format!("Some(7) {full}"));
        }
        let text = LIST
            .replace("fullState=\"true\"", "")
            .replace("\"7\"", "\"4294967296\"");
        assert_eq!(shown(&text).expect("good").0, "None true");
    }

    #[test]
    fn what_is_no_list_is_refused_before_anything_is_shown() /* G04 */
    {
        let mut calls = 0;
        let other = LIST.replace("ns:rlmi", "ns:rlm");
        assert_eq!(
            read(other.as_bytes(), &mut |_| calls += 1),
            Err(Fault::WrongRoot)
        );
        for cut in 0..LIST.len() {
            assert!(
                read(&LIST.as_bytes()[..cut], &mut |_| calls += 1).is_err(),
                "{cut}"
            );
        }
        assert_eq!(calls, 0);
    }

    #[test]
    fn of_more_notifiers_than_are_told_apart_the_first_stand() {
        let instance = "<instance id=\"i\" state=\"active\"/>".repeat(MAX_INSTANCES + 3);
        let text = format!(
            "<list xmlns=\"urn:ietf:params:xml:ns:rlmi\"><resource uri=\"sip:a@b\">{instance}</resource></list>"
        );
        let mut seen = 0;
        let list = read(text.as_bytes(), &mut |resource| {
            seen = resource.instances.len();
        });
        assert!(list.is_ok_and(|list| list.full && list.version.is_none() && list.uri.is_none()));
        assert_eq!(seen, MAX_INSTANCES);
    }
}
