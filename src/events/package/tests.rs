//! What lamps make of the documents that servers and phones send, and of our own.

extern crate std;

use super::spec::BodyType;
use super::*;
use crate::events::presentity::{Call, Carried, Presence, Presentity};
use crate::events::ruling::View;
use crate::events::watched::Watched;
use crate::ground::limits;
use crate::ground::text::Text;
use crate::ground::time::{Seconds, Wall};
use crate::wire::doc::pidf::{Activities, Basic};
use std::format;
use std::string::String;

macro_rules! body {
    ($name:literal) => {
        include_bytes!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/bodies/",
            $name,
            ".xml"
        ))
    };
}

mod dialogs;
mod presence;
mod winfo;

fn read(package: Package, memory: &mut Memory, body: &[u8]) -> Reading {
    (package.spec().read)(memory, body).expect("a document")
}

fn served(package: Package) -> &'static Served {
    package.served().expect("a package that we serve")
}

fn state_of(package: Package, body: &[u8]) -> Watched {
    let mut memory = Memory::new();
    read(package, &mut memory, body);
    memory.watched()
}

#[test]
fn names_are_compared_byte_by_byte() /* N05 */
{
    assert_eq!(Package::from_name(b"presence"), Some(Package::Presence));
    assert_eq!(Package::from_name(b"dialog"), Some(Package::Dialog));
    let winfo = Package::from_name(b"presence.winfo");
    assert_eq!(winfo, Some(Package::PresenceWinfo));
    for other in [
        &b"Presence"[..],
        b"presence.Winfo",
        b"presence.winfo.winfo",
        b"",
        b"dialo",
    ] {
        assert_eq!(Package::from_name(other), None);
    }
}

#[test]
fn a_package_has_a_body_and_a_lifetime() /* N07 */
{
    for package in Package::ALL {
        assert!(!package.spec().bodies.is_empty());
        assert_eq!(package.spec().expires, Seconds(3_600));
    }
}

#[test]
fn dialogs_of_every_dialect_light_the_right_lamp() /* FIELD */
{
    for (name, body, expected) in [
        (
            "asterisk idle",
            &body!("dialog_asterisk_idle")[..],
            Watched::Idle,
        ),
        (
            "asterisk ringing",
            body!("dialog_asterisk_ringing"),
            Watched::Ringing,
        ),
        (
            "asterisk talking",
            body!("dialog_asterisk_talking"),
            Watched::Busy,
        ),
        (
            "asterisk hold",
            body!("dialog_asterisk_hold"),
            Watched::Held,
        ),
        (
            "freeswitch idle",
            body!("dialog_freeswitch_idle"),
            Watched::Idle,
        ),
        (
            "freeswitch hold is early and held",
            body!("dialog_freeswitch_hold"),
            Watched::Held,
        ),
        (
            "kamailio with several",
            body!("dialog_kamailio_several"),
            Watched::Ringing,
        ),
        (
            "opensips idle",
            body!("dialog_opensips_idle"),
            Watched::Idle,
        ),
        (
            "opensips with blanks",
            body!("dialog_opensips_spaces"),
            Watched::Trying,
        ),
        (
            "yealink full",
            body!("dialog_yealink_full"),
            Watched::Trying,
        ),
        (
            "no id, no entity, no version",
            body!("dialog_bare"),
            Watched::Busy,
        ),
    ] {
        assert_eq!(state_of(Package::Dialog, body), expected, "{name}");
    }
}

/// A dialog-info document with dialogs of `(id, state)`.
fn dialogs(version: u32, extent: &str, dialogs: &[(&str, &str)]) -> String {
    let mut body = format!(
        "<dialog-info xmlns='urn:ietf:params:xml:ns:dialog-info' version='{version}' state='{extent}' entity='sip:a@b'>"
    );
    for (id, state) in dialogs {
        body += &format!("<dialog id='{id}'><state>{state}</state></dialog>");
    }
    body + "</dialog-info>"
}

/// Reads dialog-info documents of these rows into `memory`, one after the other.
fn reader(memory: &mut Memory) -> impl FnMut(u32, &str, &[(&str, &str)]) -> Reading {
    |version, extent, rows| {
        let body = dialogs(version, extent, rows);
        read(Package::Dialog, memory, body.as_bytes())
    }
}

#[test]
fn partial_documents_change_rows_and_full_ones_replace_them() /* D14 D15 FIELD 11 */
{
    let mut memory = Memory::new();
    let mut next = reader(&mut memory);
    assert_eq!(next(0, "full", &[]), Reading::State(Watched::Idle));
    assert_eq!(
        next(1, "partial", &[("a", "early")]),
        Reading::State(Watched::Ringing)
    );
    assert_eq!(
        next(2, "partial", &[("b", "confirmed")]),
        Reading::State(Watched::Ringing)
    );
    assert_eq!(
        next(3, "partial", &[("a", "terminated")]),
        Reading::State(Watched::Busy)
    );
    assert_eq!(next(3, "partial", &[("b", "terminated")]), Reading::Stale);
    assert_eq!(next(1, "partial", &[("b", "terminated")]), Reading::Stale);
    assert_eq!(
        next(7, "partial", &[("c", "trying")]),
        Reading::Hole(Watched::Busy)
    );
    assert_eq!(
        next(8, "full", &[("d", "proceeding")]),
        Reading::State(Watched::Trying)
    );
    assert_eq!(
        next(9, "partial", &[("unseen", "terminated")]),
        Reading::State(Watched::Trying)
    );
}

#[test]
fn a_full_document_is_taken_whatever_its_version() /* D14 H09 */
{
    let mut memory = Memory::new();
    for version in [5, 0, 0, 9, 4_294_967_295, 0] {
        let body = dialogs(version, "full", &[("a", "confirmed")]);
        assert_eq!(
            read(Package::Dialog, &mut memory, body.as_bytes()),
            Reading::State(Watched::Busy)
        );
    }
    let body = dialogs(1, "partial", &[("a", "terminated")]);
    assert_eq!(
        read(Package::Dialog, &mut memory, body.as_bytes()),
        Reading::State(Watched::Idle)
    );
}

#[test]
fn a_partial_document_before_any_full_one_asks_for_it() /* D14 */
{
    let mut memory = Memory::new();
    let body = dialogs(6, "partial", &[("a", "confirmed")]);
    assert_eq!(
        read(Package::Dialog, &mut memory, body.as_bytes()),
        Reading::Gap(Watched::Busy)
    );
}

#[test]
fn a_gap_stays_until_a_full_document() /* D14 FIELD 11 */
{
    let mut memory = Memory::new();
    let mut next = reader(&mut memory);
    next(0, "full", &[("a", "early")]);
    // Version 1, the end of a, is lost.
    assert_eq!(
        next(2, "partial", &[("b", "confirmed")]),
        Reading::Hole(Watched::Ringing)
    );
    assert_eq!(
        next(3, "partial", &[("b", "terminated")]),
        Reading::Hole(Watched::Ringing)
    );
    assert_eq!(next(4, "full", &[]), Reading::State(Watched::Idle));
    assert_eq!(
        next(5, "partial", &[("c", "trying")]),
        Reading::State(Watched::Trying)
    );
}

#[test]
fn behind_a_gap_a_call_that_ended_is_not_idle() /* D14 FIELD 11 15 */
{
    let mut memory = Memory::new();
    let mut next = reader(&mut memory);
    next(0, "full", &[("a", "confirmed")]);
    // Version 1, where b begins to ring, is overtaken.
    assert_eq!(
        next(2, "partial", &[("a", "terminated")]),
        Reading::Hole(Watched::Idle)
    );
    assert_eq!(
        next(3, "partial", &[("b", "early")]),
        Reading::Gap(Watched::Ringing)
    );
}

#[test]
fn an_empty_partial_document_is_believed_once_and_checked() /* FIELD 11 */
{
    let mut memory = Memory::new();
    read(
        Package::Dialog,
        &mut memory,
        dialogs(0, "full", &[("a", "confirmed")]).as_bytes(),
    );
    let empty = |version| dialogs(version, "partial", &[]);
    assert_eq!(
        read(Package::Dialog, &mut memory, empty(1).as_bytes()),
        Reading::Gap(Watched::Idle)
    );
    assert_eq!(
        read(Package::Dialog, &mut memory, empty(2).as_bytes()),
        Reading::State(Watched::Idle)
    );
}

#[test]
fn a_broken_document_changes_nothing() /* S27 */
{
    let mut memory = Memory::new();
    read(
        Package::Dialog,
        &mut memory,
        dialogs(0, "full", &[("a", "confirmed")]).as_bytes(),
    );
    let cut = dialogs(1, "full", &[("a", "terminated")]).replace("</dialog-info>", "");
    assert!((Package::Dialog.spec().read)(&mut memory, cut.as_bytes()).is_err());
    assert_eq!(memory.watched(), Watched::Busy);
    let next = dialogs(1, "partial", &[("b", "early")]);
    assert_eq!(
        read(Package::Dialog, &mut memory, next.as_bytes()),
        Reading::State(Watched::Ringing)
    );
}

#[test]
fn more_calls_than_fit_keep_those_a_lamp_would_show() {
    let mut memory = Memory::new();
    let ids: std::vec::Vec<String> = (0..limits::WATCHED_PARTS + 3)
        .map(|id| format!("{id}"))
        .collect();
    let mut rows: std::vec::Vec<(&str, &str)> =
        ids.iter().map(|id| (id.as_str(), "trying")).collect();
    rows.push(("last", "early"));
    let body = dialogs(0, "full", &rows);
    assert_eq!(
        read(Package::Dialog, &mut memory, body.as_bytes()),
        Reading::State(Watched::Ringing)
    );
}

#[test]
fn the_largest_documents_fit() /* G07 */
{
    let note = "\"".repeat(limits::NOTE);
    let uri = format!("sip:{}@192.0.2.1", "u".repeat(limits::URI - 14));
    let mut presentity = Presentity::new(Text::copied(&uri).expect("it fits"));
    let mut carried = Carried::new();
    let all_of_it = carried.push(|room| Ok::<_, ()>(room.len()));
    assert_eq!(all_of_it, Ok(()));
    carried.end_tuples();
    let presence = Presence {
        activities: Activities::ALL,
        carried,
        idle: true,
        note: Text::copied(&note).expect("it fits"),
        ..Presence::new()
    };
    presentity.update(
        Wall::from_unix_millis(1_790_000_000_000),
        presence,
        &[Call::unknown()],
    );
    for _ in 0..8 {
        for calls in [&[][..], &[Call::unknown()]] {
            presentity.update(Wall::UNSET, presentity.presence().clone(), calls);
        }
    }
    let mut buf = [0; limits::BODY];
    for &package in Package::SERVED {
        for told in [
            Baseline::Nothing,
            Baseline::Until(
                (served(package).revision)(&presentity, View::FULL)
                    .saturating_sub(7)
                    .max(1),
            ),
        ] {
            assert!(
                (served(package).write)(&Scene::alone(&presentity), told, &mut buf).is_some(),
                "{package:?} {told:?}"
            );
        }
    }
}

#[test]
fn every_package_is_known_by_its_name() /* N05 */
{
    for package in Package::ALL {
        let spec = package.spec();
        assert_eq!(Package::from_name(spec.name.as_bytes()), Some(package));
        assert_eq!(Package::NAMES[package as usize], spec.name);
        let mut others = Package::ALL.into_iter().filter(|other| *other != package);
        assert!(others.all(|other| other.name() != spec.name));
        let upper = spec.name.to_ascii_uppercase();
        assert_eq!(Package::from_name(upper.as_bytes()), None);
    }
}

#[test]
fn a_body_type_is_kind_and_subtype_in_lower_case() {
    for package in Package::ALL {
        let spec = package.spec();
        for body in spec.bodies.iter().chain(spec.also_read) {
            assert_eq!(format!("{}/{}", body.kind, body.subtype), body.text);
            assert_eq!(body.text.to_ascii_lowercase(), body.text);
        }
    }
    assert_eq!(
        BodyType::new("a/b"),
        BodyType {
            kind: "a",
            subtype: "b",
            text: "a/b"
        }
    );
}

#[test]
fn a_package_that_is_only_watched_says_nothing_of_serving() /* N34 */
{
    let spec = Package::MessageSummary.spec();
    assert!(spec.served.is_none() && !spec.published);
    assert_eq!(Package::MessageSummary.winfo(), None);
    let published: std::vec::Vec<Package> = Package::ALL
        .into_iter()
        .filter(|package| package.is_published())
        .collect();
    assert_eq!(published, [Package::Presence, Package::Dialog]);
}

#[test]
fn a_template_package_belongs_to_the_one_it_names() {
    assert_eq!(
        Package::PresenceWinfo.watchers_of(),
        Some(Package::Presence)
    );
    assert_eq!(Package::Presence.winfo(), Some(Package::PresenceWinfo));
    for package in [Package::Presence, Package::Dialog, Package::MessageSummary] {
        assert_eq!(package.watchers_of(), None);
    }
    assert_eq!(Package::Dialog.winfo(), None);
}

#[test]
fn who_was_told_nothing_gets_all_of_it() {
    let presentity = Presentity::new(Text::copied("sip:desk@192.0.2.1").expect("it fits"));
    let mut buf = [0; limits::BODY];
    for &package in Package::SERVED {
        let mut written = |told| {
            let scene = &Scene::alone(&presentity);
            let body = (served(package).write)(scene, told, &mut buf).expect("it fits");
            String::from_utf8_lossy(&buf[..body.len]).into_owned()
        };
        // No revision is 0; whoever asks for what came after it, asks for everything.
        let (all, since) = (written(Baseline::Nothing), written(Baseline::Until(0)));
        let is_partial = since.contains("state=\"partial\"");
        assert!(
            since == all || (is_partial && package == Package::PresenceWinfo),
            "{since}"
        );
    }
}

#[test]
fn what_we_only_watch_is_not_served() /* N03 N34 */
{
    assert_eq!(
        Package::served_names(),
        ["presence", "dialog", "presence.winfo", "as-feature-event"]
    );
    for (at, package) in Package::ALL.into_iter().enumerate() {
        assert_eq!(package as usize, at);
        assert_eq!(package.is_served(), Package::SERVED.contains(&package));
    }
}

#[test]
fn a_mailbox_with_messages_waits_and_any_other_is_idle() {
    let mut memory = Memory::new();
    let package = Package::MessageSummary;
    for (body, expected) in [
        (
            "Messages-Waiting: yes\r\nVoice-Message: 2/8 (0/2)\r\n",
            Watched::Waiting,
        ),
        ("Messages-Waiting: no\r\n", Watched::Idle),
    ] {
        let reading = read(package, &mut memory, body.as_bytes());
        assert_eq!(reading, Reading::State(expected));
        assert!((package.spec().read)(&mut memory, b"Messages-Waiting: 2").is_err());
        assert_eq!(
            memory.watched(),
            expected,
            "a broken document changes nothing"
        );
    }
}
