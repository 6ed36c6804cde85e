//! Fifty thousand desks with publications that nobody would send, composed. `LAMPFIELD_SEED` runs another fifty
//! thousand.
//!
//! Whatever is published: no panic; the document fits, our own reader takes it, it is well-formed by the rules of XML
//! namespaces as a strict watcher knows them, and no id stands in it twice.

#[path = "common/mutate.rs"]
mod mutate;
#[path = "fuzz/targets/strict.rs"]
mod strict;

use lampfield::parts::{Inputs, Presentity, Published, Reach, Sources, compose, write_as};
use lampfield::wire::doc::pidf::{self, Activities, Basic, Said, Summary};
use lampfield::{Input, Instant, Package, Text, Wall, limits};
use mutate::Mutator;
use strict::check;

const DESKS: u64 = 50_000;

const SAMPLES: [&[u8]; 11] = [
    include_bytes!("bodies/pidf_linphone_publish.xml"),
    include_bytes!("bodies/pidf_grandstream_publish.xml"),
    include_bytes!("bodies/pidf_baresip_publish.xml"),
    include_bytes!("bodies/pidf_softclient.xml"),
    include_bytes!("bodies/pidf_pjsua_brb.xml"),
    include_bytes!("bodies/pidf_jitsi_dnd.xml"),
    include_bytes!("bodies/pidf_freeswitch_unregistered.xml"),
    include_bytes!("bodies/pidf_asterisk_old.xml"),
    include_bytes!("bodies/pidf_asterisk_talking.xml"),
    b"<p:presence xmlns:p='urn:ietf:params:xml:ns:pidf' xmlns='urn:a' xmlns:b='urn:b' xmlns:c='urn:b'><p:tuple id='a'>\
      <p:status><p:basic>open</p:basic></p:status></p:tuple><x b:y='1' c:z='2' id='a'/><u:v u:w='' id='sip'/></p:presence>",
    b"<presence xmlns='urn:ietf:params:xml:ns:pidf' xmlns:dm='urn:ietf:params:xml:ns:pidf:data-model' \
      xmlns:rpid='urn:ietf:params:xml:ns:pidf:rpid' xmlns:s='urn:s'><tuple id='a'/><tuple id='a.1'/><tuple id='a'/>\
      <dm:person id='a'><rpid:mood id='a'><s:x/></rpid:mood><s:y id='a.2'/></dm:person><dm:device id='phone'/>\
      <dm:device id='a'/><s:z id='person' s:i='s:j'/></presence>",
];

/// What closed together with any of these refuses.
const BUSY: Activities = Activities::ON_THE_PHONE
    .with(Activities::BUSY)
    .with(Activities::MEETING)
    .with(Activities::PRESENTATION)
    .with(Activities::PERFORMANCE);

const DICTIONARY: &[&[u8]] = &[
    b"<",
    b">",
    b"/>",
    b"&",
    b"&amp;",
    b"&#120;",
    b"]]>",
    b"<![CDATA[open]]>",
    b"<!-- x -->",
    b"<?pi x?>",
    b" id='a'",
    b" id=\"a.1\"",
    b" id=''",
    b" xmlns=''",
    b" xmlns='urn:c'",
    b" xmlns:b='urn:b'",
    b" xmlns:b=' urn:b '",
    b" xmlns:p=''",
    b" xmlns:xml='urn:x'",
    b" b:y='1'",
    b" c:y='1'",
    b" xml:lang='de'",
    b" mustUnderstand='1'",
    b"<basic>open</basic>",
    b"<status>",
    b"</status>",
    b"<tuple id='a'>",
    b"<tuple id='b'><status><basic>closed</basic></status></tuple>",
    b"</tuple>",
    b"<note>Do not disturb</note>",
    b"<note>On the phone</note>",
    b"<note xml:lang='en'>Offline</note>",
    b"<note>available</note>",
    b"<u:v/>",
    b"<xmlns:v/>",
    b"<b:c/><b:c id='b'/>",
    b"encoding='ISO-8859-1'",
    b"\xE9",
    b"\xC3\xA9",
    b"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    b"<a/><a/><a/><a/><a/><a/><a/><a/><a/><a/><a/><a/><a/><a/><a/><a/><a/><a/><a/><a/><a/><a/><a/><a/><a/>",
];

/// A published document that the compositor would take.
fn document(mutator: &mut Mutator, body: &mut Vec<u8>) -> Option<Summary> {
    let sample = SAMPLES[mutator.below(SAMPLES.len())];
    match mutator.below(4) {
        0 => {
            body.clear();
            body.extend_from_slice(sample);
        }
        1..=2 => mutator.mutate(sample, body),
        _ => {
            // More of the same, so that not all of it fits.
            body.clear();
            body.extend_from_slice(sample);
            let ends =
                |at: &usize| body[*at..].starts_with(b"<tuple") || body[*at..].starts_with(b"<dm:");
            if let Some(at) = (0..body.len()).find(ends) {
                let piece: &[u8] = DICTIONARY[mutator.below(DICTIONARY.len())];
                let many = piece.repeat(mutator.below(20));
                body.splice(at..at, many);
            }
        }
    }
    if body.len() > limits::PUBLICATION || pidf::walk(body, &mut |_| {}).is_err() {
        return None;
    }
    pidf::read(body).ok()
}

fn inputs(mutator: &mut Mutator) -> Inputs {
    let mut inputs = Inputs::new();
    inputs.apply(Input::Hook(mutator.below(4) == 0));
    inputs.apply(Input::Dnd(mutator.below(4) == 0));
    inputs.apply(Input::Idle(mutator.below(4) == 0));
    if mutator.below(4) == 0 {
        inputs.apply(Input::Activity(Activities::ALL));
        let note = "\"".repeat(limits::NOTE);
        inputs.apply(Input::Note(Text::copied(&note).expect("it fits")));
    }
    inputs
}

#[test]
fn whatever_is_published_the_document_fits_and_is_well_formed() /* C19, ATTACKS G07 G11 G12 */
{
    let seed = std::env::var("LAMPFIELD_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    let seed: u64 = seed.unwrap_or(1);
    let uri = format!("sip:{}@192.0.2.1", "u".repeat(limits::URI - 14));
    let mut presentity = Presentity::new(Text::copied(&uri).expect("it fits"));
    let mut taken = 0;
    let mut longest = 0;
    let mut renamed = 0;
    let mut silent = 0;
    let mut bodies = vec![Vec::new(); limits::PUBLICATIONS_EACH];
    for desk in 0..DESKS {
        let mut mutator = Mutator::new(seed.wrapping_mul(DESKS) + desk, DICTIONARY);
        let mutator = &mut mutator;
        let count = 1 + mutator
            .below(3)
            .min(mutator.below(limits::PUBLICATIONS_EACH));
        let mut says = Vec::new();
        for body in &mut bodies[..count] {
            says.push(document(mutator, body));
        }
        let published: Vec<Published<'_>> = says
            .iter()
            .zip(&bodies)
            .enumerate()
            .filter_map(|(at, (says, document))| {
                Some(Published {
                    number: at as u8 + 1,
                    package: Package::Presence,
                    changed: Instant::from_millis(100 - at as u64),
                    says: says.as_ref()?,
                    document,
                })
            })
            .collect();
        taken += published.len();
        let inputs = inputs(mutator);
        let reach = [Reach::Here, Reach::Registered, Reach::Gone][mutator.below(3)];
        let composed = compose(&Sources {
            inputs: &inputs,
            idle_since: Instant::from_millis(99),
            shows_dnd: true,
            reach,
            device: presentity.device(),
            calls: &[],
            published: &published,
        });
        let wall = Wall::from_unix_millis(1_790_000_000_001);
        let in_call = !composed.calls.is_empty();
        presentity.update(wall, composed.presence, &composed.calls);
        let mut buf = [0; limits::BODY];
        let len = write_as(&presentity, &uri, &mut buf);
        let len = len.unwrap_or_else(|| panic!("desk {desk} of seed {seed} does not fit"));
        longest = longest.max(len);
        let text = std::str::from_utf8(&buf[..len]).expect("UTF-8");
        let faults = check(text);
        let shown = || format!("desk {desk} of seed {seed}: {text}");
        assert_eq!(faults, Vec::<String>::new(), "{}", shown());
        let summary = pidf::read(text.as_bytes()).unwrap_or_else(|it| panic!("{it:?} {}", shown()));
        if inputs.dnd {
            assert_ne!(summary.basic, Some(Basic::Open), "{}", shown());
            let is_busy = summary.activities.contains(Activities::BUSY);
            assert!(is_busy || presentity.presence().gone, "{}", shown());
        }
        let red = Activities::BUSY.with(Activities::ON_THE_PHONE);
        if in_call {
            assert!(summary.activities.intersects(red), "{}", shown());
        }
        // Nobody says that he is busy, or in a call, or not to be disturbed: then nobody is told so.
        let speaks = |it: &Published<'_>| {
            let is_word = matches!(it.says.said, Some(said) if said >= Said::Busy);
            is_word || it.says.activities.intersects(BUSY)
        };
        if !inputs.dnd
            && !inputs.hook_up
            && inputs.activity.is_empty()
            && !published.iter().any(speaks)
        {
            silent += 1;
            assert!(!in_call, "{}", shown());
            assert!(!summary.activities.intersects(red), "{}", shown());
            let note = presentity.presence().note.as_str();
            assert_ne!(note, "Do not disturb", "{}", shown());
        }
        renamed += usize::from(text.contains("a.2"));
    }
    assert!(taken > 40_000, "{taken} publications were composed");
    assert!(longest > limits::BODY - 400, "some were large: {longest}");
    assert!(renamed > 1_000, "{renamed} had equal ids");
    assert!(silent > 1_000, "{silent} said nothing of being busy");
}

#[test]
fn the_strict_reader_can_refuse() {
    for bad in [
        "<a",
        "<a/><b/>",
        "<a></b>",
        "<p:a/>",
        "<a xmlns:p=''/>",
        "<a p:b=''/>",
        "<a xmlns:p='u' xmlns:q='u' p:b='' q:b=''/>",
        "<a xmlns:p='u' xmlns:q='&#117;' p:b='' q:b=''/>",
        "<a xmlns:xml='u'/>",
        "<a>&</a>",
        "<a>&b;</a>",
        "<a b='' b=''/>",
        "<a><b id='x'/><c id=' x'/></a>",
        "<a><b id='x'/><d:person xmlns:d='urn:ietf:params:xml:ns:pidf:data-model'><c id='x'/></d:person></a>",
    ] {
        assert_ne!(check(bad), Vec::<String>::new(), "{bad}");
    }
    assert_eq!(
        check("<a xmlns='u' xmlns:p='v' p:b='' b=''><p:c xml:lang='d'/>&amp;</a>"),
        Vec::<String>::new()
    );
}
