//! Messages as they are on the wire.

use std::string::ToString;
use std::vec::Vec;

use super::*;
use crate::shell::mdns::writer::{Part, ROOM, Writer, text};

fn name(text: &str) -> Name {
    Name::parse(text).expect("a name")
}

fn records() -> Vec<Record> {
    let instance = name("_sip._udp.local")
        .below("Anna's desk")
        .expect("a name");
    let record = |name: &Name, flushes, data| Record {
        name: name.clone(),
        flushes,
        lifetime: 120,
        data,
    };
    Vec::from([
        record(
            &name("_sip._udp.local"),
            false,
            Data::Pointer(instance.clone()),
        ),
        record(
            &instance,
            true,
            Data::Server {
                port: 5_060,
                host: name("kitchen.local"),
            },
        ),
        record(
            &instance,
            true,
            Data::Text(text(&[("uri", "sip:desk@kitchen.local")])),
        ),
        record(
            &name("Kitchen.local"),
            true,
            Data::Address([192, 0, 2, 1].into()),
        ),
        record(
            &name("kitchen.local"),
            true,
            Data::Address("2001:db8::1".parse().unwrap()),
        ),
    ])
}

#[test]
fn what_is_written_is_read_again() {
    let question = Question {
        name: name("kitchen.local"),
        kind: Kind::Any,
        is_unicast: true,
    };
    let mut writer = Writer::answer(7);
    assert!(writer.ask(&question));
    for record in records() {
        assert!(writer.record(Part::Answer, &record));
    }
    assert!(writer.record(Part::Claim, &records()[3]));
    assert!(writer.record(Part::More, &records()[1]));
    let read = read(&writer.finish()).expect("a message");
    assert_eq!((read.id, read.is_response, read.is_cut), (7, true, false));
    assert_eq!(read.questions, [question]);
    assert_eq!(read.answers, records());
    assert_eq!(read.claims, [records()[3].clone()]);
    assert_eq!(read.more, [records()[1].clone()]);
}

#[test]
fn a_message_never_outgrows_a_packet() {
    let mut writer = Writer::answer(0);
    let host = |nth| Record {
        name: name(&std::format!("host{nth}.local")),
        ..records()[3].clone()
    };
    let written = (0..1_000).take_while(|nth| writer.record(Part::Answer, &host(*nth)));
    let count = written.count();
    assert!(count > 40);
    let bytes = writer.finish();
    assert!(bytes.len() <= ROOM);
    assert_eq!(read(&bytes).expect("a message").answers.len(), count);
}

#[test]
fn names_compare_without_case_and_show_with_dots() {
    assert_eq!(name("Kitchen.LOCAL."), name("kitchen.local"));
    assert_ne!(name("kitchen.local"), name("kitchen.locals"));
    let instance = name("_sip._udp.local").below("Anna.x").expect("a name");
    assert!(instance.is_below(&name("_SIP._udp.local")));
    assert_eq!(instance.to_string(), "Anna.x._sip._udp.local");
    assert_eq!(instance.first(), b"Anna.x");
    for bad in ["", "a..b", ".a"] {
        assert!(Name::parse(bad).is_none(), "{bad}");
    }
    assert!(Name::parse(&"a".repeat(64)).is_none());
    assert!(Name::parse(&"a.".repeat(128)).is_none());
}

#[test]
fn strings_are_found_by_their_keys() {
    let text = text(&[("txtvers", "1"), ("uri", "sip:a@b"), ("uri", "second")]);
    assert_eq!(value(&text, "URI"), Some(&b"sip:a@b"[..]));
    assert_eq!(value(&text, "ur"), None);
    assert_eq!(value(&[5, b'u'], "u"), None);
    assert_eq!(value(&[], "u"), None);
}
