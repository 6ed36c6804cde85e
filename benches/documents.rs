//! Reading and writing presence documents. `cargo bench --bench documents`; for instruction counts, the same
//! executable under `valgrind --tool=callgrind` with `--exact NAME --sample-count 1 --sample-size 1`.

use divan::{Bencher, black_box};
use lampfield::parts::{Inputs, Published, Reach, Sources, compose};
use lampfield::wire::doc::dialog_info::{self, Direction, Extent, State};
use lampfield::wire::doc::pidf::{self, Activities, Basic};
use lampfield::{Instant, Package};

const PIDF: &[u8] = include_bytes!("../tests/bodies/pidf_asterisk_talking.xml");
const OLD_PIDF: &[u8] = include_bytes!("../tests/bodies/pidf_asterisk_old.xml");
const XPIDF: &[u8] = include_bytes!("../tests/bodies/xpidf_asterisk_inuse.xml");
const LINPHONE: &[u8] = include_bytes!("../tests/bodies/pidf_linphone_publish.xml");
const BARESIP: &[u8] = include_bytes!("../tests/bodies/pidf_baresip_publish.xml");
const GRANDSTREAM: &[u8] = include_bytes!("../tests/bodies/pidf_grandstream_publish.xml");
const DIALOG: &[u8] = include_bytes!("../tests/bodies/dialog_asterisk_ringing.xml");

fn main() {
    divan::main();
}

#[divan::bench]
fn read_pidf() -> Option<Basic> {
    pidf::read(black_box(PIDF)).expect("a good document").basic
}

#[divan::bench]
fn read_pidf_in_latin1() -> Option<Basic> {
    pidf::read(black_box(OLD_PIDF))
        .expect("a good document")
        .basic
}

#[divan::bench]
fn read_xpidf() -> Option<Basic> {
    pidf::read(black_box(XPIDF)).expect("a good document").basic
}

#[divan::bench]
fn read_dialog_info() -> Option<State> {
    let mut state = None;
    dialog_info::read(black_box(DIALOG), &mut |dialog| state = dialog.state)
        .expect("a good document");
    state
}

#[divan::bench]
fn write_pidf(bencher: Bencher<'_, '_>) {
    let presence = pidf::Presence {
        entity: "sip:desk@example.com",
        tuples: &[pidf::Tuple {
            id: "t1",
            basic: Some(Basic::Open),
            contact: Some("sip:desk@192.0.2.1"),
            priority: None,
            note: None,
            device_id: None,
            timestamp: None,
        }],
        person: Some(pidf::Person {
            id: "p1",
            activities: Activities::ON_THE_PHONE,
            note: Some("back at five"),
            timestamp: None,
        }),
        devices: &[],
        note: None,
        lang: None,
        carried: pidf::Carried::NONE,
    };
    let mut buf = [0; 1_536];
    bencher.bench_local(|| pidf::write(black_box(&presence), &mut buf).expect("it fits"));
}

/// What a softphone and two phones publish, beside the desk's own state.
#[divan::bench(args = [0, 1, 3])]
fn compose_presence(bencher: Bencher<'_, '_>, publications: usize) {
    let documents = [LINPHONE, BARESIP, GRANDSTREAM];
    let says = documents.map(|document| pidf::read(document).expect("a good document"));
    let numbered = documents.iter().zip(&says).enumerate();
    let published: Vec<Published<'_>> = numbered
        .map(|(at, (document, says))| Published {
            number: at as u8 + 1,
            package: Package::Presence,
            changed: Instant::from_millis(100 - at as u64),
            says,
            document,
        })
        .take(publications)
        .collect();
    let sources = Sources {
        inputs: &Inputs::new(),
        idle_since: Instant::ZERO,
        shows_dnd: true,
        reach: Reach::Here,
        device: "urn:uuid:00000000-0000-8000-8000-000000000001",
        calls: &[],
        published: &published,
    };
    bencher.bench_local(|| compose(black_box(&sources)));
}

#[divan::bench]
fn write_dialog_info(bencher: Bencher<'_, '_>) {
    let document = dialog_info::Document {
        entity: "sip:desk@example.com",
        extent: Extent::Full,
        dialogs: &[dialog_info::Entry {
            id: "a1",
            call_id: None,
            local_tag: None,
            remote_tag: None,
            direction: Some(Direction::Recipient),
            state: State::Early,
            event: None,
            code: None,
            local: None,
            remote: Some(dialog_info::Party {
                identity: Some("sip:ada@example.com"),
                display: Some("Ada"),
                ..dialog_info::Party::default()
            }),
        }],
    };
    let mut buf = [0; 1_536];
    bencher.bench_local(|| {
        let rendered = dialog_info::write(black_box(&document), &mut buf);
        rendered.expect("it fits").len
    });
}
