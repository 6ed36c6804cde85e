extern crate std;
use super::*;
use crate::wire::doc::{Fault, pidf};
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

const HEAD: &str = " xmlns=\"urn:ietf:params:xml:ns:pidf\" xmlns:dm=\"urn:ietf:params:xml:ns:pidf:data-model\" \
    entity=\"sip:a@b\"";

fn document(content: &str) -> String {
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?><presence{HEAD}>{content}</presence>")
}

/// The patch from one content to the other, with version 7.
fn diff(old: &str, new: &str) -> Option<String> {
    let mut buf = [0; 4_608];
    let (old, new) = (document(old), document(new));
    let Rendered { len, version_at } = write_diff(old.as_bytes(), new.as_bytes(), &mut buf).ok()?;
    let text = core::str::from_utf8(&buf[..len]).expect("UTF-8");
    Some(format!("{}7{}", &text[..version_at], &text[version_at..]))
}

/// Where a selector leads.
fn found(content: &str, sel: &str) -> Option<Node> {
    let shape = Shape::of(content).expect("elements");
    let mut node = None;
    for step in sel.strip_prefix("*").expect("the root").split('/').skip(1) {
        let (name, which) = step.split_once('[').expect("a predicate");
        let which = which.trim_end_matches(']');
        let mut all = shape.children(node).filter(|&it| shape.name(it) == name);
        node = match which.strip_prefix("@id='") {
            Some(id) => all.find(|&it| shape.id(it) == Some(id.trim_end_matches('\''))),
            None => all.nth(which.parse::<usize>().expect("a place") - 1),
        };
        node?;
    }
    node
}

/// Applies a patch as RFC 5261 §4 says.
fn apply(content: &str, patch: &str) -> String {
    let mut content = content.to_string();
    let (_, rest) = patch.split_once("<p:pidf-diff").expect("a root");
    let operations = rest.split_once('>').expect("a head").1;
    for operation in operations.split("<p:").skip(1) {
        let (tag, body) = operation.split_once('>').expect("a tag");
        let (_, sel) = tag.split_once("sel=\"").expect("a selector");
        let sel = sel.split('"').next().expect("its end");
        let body = body.split("</p:").next().expect("its end");
        let node = found(&content, sel);
        let (from, to) = match (tag.split(' ').next(), node) {
            (Some("remove" | "replace"), Some(node)) => (
                node.from.into(),
                usize::from(node.from) + Shape::of(&content).unwrap().raw(node).len(),
            ),
            (Some("add"), Some(node)) => {
                let shape = Shape::of(&content).unwrap();
                let at = match tag.contains("prepend") {
                    true => usize::from(node.from) + shape.tag(node).len(),
                    false => usize::from(node.from) + shape.raw(node).len(),
                };
                (at, at)
            }
            (Some("add"), None) if sel == "*" => (0, 0),
            other => panic!("{other:?} in {patch}"),
        };
        content.replace_range(from..to, body);
    }
    content
}

const SIP: &str = "<tuple id=\"sip\"><status><basic>open</basic></status><contact>sip:a@b</contact>\
    <timestamp>2026-01-01T00:00:00Z</timestamp></tuple>";
const PHONE: &str = "<tuple id=\"x1\"><status><basic>open</basic></status></tuple>";
const NOTE: &str = "<note>Back at three, and after that I am there until late</note>";
const PERSON: &str = "<dm:person id=\"person\"><dm:timestamp>1</dm:timestamp></dm:person>";
const LONG: &str = "<dm:device id=\"d\"><dm:deviceID>urn:uuid:00000000-0000-0000-0000-000000000000</dm:deviceID>\
    <dm:note>This stands here so that a patch is worth its while, as it is where phones publish</dm:note>\
    <dm:note>This too stands here so that a patch is worth its while: whoever publishes says much</dm:note>\
    <dm:note>And so does this, for a patch has a head of its own and names what it changes</dm:note></dm:device>";

#[test]
fn a_patch_says_what_is_different_and_no_more() {
    let old = format!("{SIP}{LONG}");
    let new = old.replace("<basic>open", "<basic>closed");
    let patch = diff(&old, &new).expect("a patch");
    assert_eq!(
        patch,
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><p:pidf-diff{HEAD} \
             xmlns:p=\"urn:ietf:params:xml:ns:pidf-diff\" version=\"7\"><p:replace \
             sel=\"*/tuple[@id='sip']/status[1]\"><status><basic>closed</basic></status></p:replace></p:pidf-diff>"
        )
    );
}

#[test]
fn every_patch_makes_the_new_document_of_the_old_one() {
    let closed = SIP.replace("open", "closed");
    let later = PERSON.replace('1', "2");
    let two = format!("{NOTE}<note>a</note>");
    let of = |parts: &[&str]| format!("{}{LONG}{LONG2}", parts.concat());
    const LONG2: &str = "<dm:device id=\"e\"><dm:note>One more device, which says nothing new from one document \
        to the next, and makes both of them long enough</dm:note></dm:device>";
    let contents: Vec<String> = [
        &[SIP][..],
        &[&closed],
        &[SIP, PHONE, NOTE, PERSON],
        &[&closed, PHONE, NOTE, PERSON],
        &[PHONE, NOTE, &later],
        &[SIP, PHONE, &two, &later],
        &[SIP, &two],
        &[PERSON],
        &[],
    ]
    .into_iter()
    .map(of)
    .collect();
    let mut patched = 0;
    for old in &contents {
        for new in &contents {
            let Some(patch) = diff(old, new) else {
                continue;
            };
            assert_eq!(apply(old, &patch), *new, "{patch}");
            assert!(patch.len() <= document(new).len());
            patched += 1;
        }
    }
    assert!(patched > 60, "{patched} of 81");
}

#[test]
fn what_cannot_be_named_is_told_in_full() {
    let of = |content: &str| format!("{content}{LONG}");
    for (old, new) in [
        // Another order; a default namespace; an id that is there twice, or has quotes; a prefix nobody knows.
        (format!("{SIP}{PHONE}"), format!("{PHONE}{SIP}")),
        (SIP.into(), format!("{SIP}<mood xmlns=\"urn:x\"/>")),
        (SIP.into(), format!("{SIP}{SIP}")),
        (SIP.into(), format!("{SIP}<tuple id=\"it's\"/>")),
        (format!("{SIP}<x:mood/>"), SIP.into()),
    ] {
        assert_eq!(diff(&of(&old), &of(&new)), None, "{new}");
    }
    assert_eq!(diff("<note>a</note>", "<note>b</note>"), None);
}

#[test]
fn a_full_document_keeps_all() {
    let mut buf = [0; 4_608];
    let document = document(SIP);
    let full = write_full(document.as_bytes(), &mut buf).expect("it fits");
    let text = core::str::from_utf8(&buf[..full.len]).expect("UTF-8");
    let text = format!("{}1{}", &text[..full.version_at], &text[full.version_at..]);
    assert_eq!(
        text,
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><p:pidf-full{HEAD} \
             xmlns:p=\"urn:ietf:params:xml:ns:pidf-diff\" version=\"1\">{SIP}</p:pidf-full>"
        )
    );
    assert!(write_full(document.as_bytes(), &mut [0; 100]).is_err());
    assert_eq!(pidf::read(text.as_bytes()), pidf::read(document.as_bytes()));
    let part = text.replace("pidf-full", "pidf-diff");
    assert_eq!(pidf::read(part.as_bytes()), Err(Fault::WrongRoot));
}
