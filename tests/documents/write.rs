//! What we write, and what comes of it when it is read.

use crate::dialogs::{End, Row, only_row, rows};
use lampfield::Wall;
use lampfield::wire::WriteError;
use lampfield::wire::doc::dialog_info::{self, Direction, Ending, Extent, State};
use lampfield::wire::doc::pidf::{self, Activities, Basic};

#[test]
fn presence_is_written_in_order_and_reads_back() /* F01 F02 F03 F06 */
{
    let timestamp = Wall::from_unix_millis(1_772_694_489_000).utc();
    let tuples = [
        pidf::Tuple {
            id: "desk",
            basic: Some(Basic::Open),
            contact: Some("sip:desk@192.0.2.1;transport=udp"),
            priority: Some(50),
            note: Some("at the desk"),
            device_id: Some("urn:uuid:6f2c1a9e-3d44-4a8e-9a41-0c7d5e8b1f10"),
            timestamp,
        },
        pidf::Tuple {
            id: "mute",
            basic: None,
            contact: None,
            priority: None,
            note: None,
            device_id: None,
            timestamp: None,
        },
    ];
    let presence = pidf::Presence {
        entity: "sip:desk@example.com",
        tuples: &tuples,
        person: Some(pidf::Person {
            id: "p1",
            activities: Activities::BUSY.with(Activities::ON_THE_PHONE),
            note: Some("back at five"),
            timestamp,
        }),
        devices: &[pidf::Device {
            idle: None,
            id: "d1",
            device_id: "urn:uuid:6f2c1a9e-3d44-4a8e-9a41-0c7d5e8b1f10",
            note: None,
            timestamp: None,
        }],
        note: Some("the front desk"),
        lang: Some("en"),
        carried: pidf::Carried::NONE,
    };
    let mut buf = [0; 1_536];
    let len = pidf::write(&presence, &mut buf).expect("it fits");
    let expected = concat!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>",
        "<presence xmlns=\"urn:ietf:params:xml:ns:pidf\" xmlns:dm=\"urn:ietf:params:xml:ns:pidf:data-model\" ",
        "xmlns:rpid=\"urn:ietf:params:xml:ns:pidf:rpid\" entity=\"sip:desk@example.com\">",
        "<tuple id=\"desk\"><status><basic>open</basic></status>",
        "<dm:deviceID>urn:uuid:6f2c1a9e-3d44-4a8e-9a41-0c7d5e8b1f10</dm:deviceID>",
        "<contact priority=\"0.050\">sip:desk@192.0.2.1;transport=udp</contact>",
        "<note xml:lang=\"en\">at the desk</note><timestamp>2026-03-05T07:08:09Z</timestamp></tuple>",
        "<note xml:lang=\"en\">the front desk</note>",
        "<dm:person id=\"p1\"><rpid:activities><rpid:busy/><rpid:on-the-phone/></rpid:activities>",
        "<dm:note xml:lang=\"en\">back at five</dm:note>",
        "<dm:timestamp>2026-03-05T07:08:09Z</dm:timestamp></dm:person>",
        "<dm:device id=\"d1\"><dm:deviceID>urn:uuid:6f2c1a9e-3d44-4a8e-9a41-0c7d5e8b1f10</dm:deviceID></dm:device>",
        "</presence>",
    );
    assert_eq!(String::from_utf8_lossy(&buf[..len]), expected);
    let summary = pidf::read(&buf[..len]).expect("our own document");
    assert_eq!(summary.basic, Some(Basic::Open));
    assert_eq!(
        summary.activities,
        Activities::BUSY.with(Activities::ON_THE_PHONE)
    );
    assert_eq!(summary.note, "back at five");
    assert_eq!(summary.tuples, 1);
    for short in 0..len {
        assert_eq!(
            pidf::write(&presence, &mut buf[..short]),
            Err(WriteError::TooLong)
        );
    }
}

#[test]
fn the_version_goes_into_its_hole() /* D01 D02 D06 */
{
    let document = dialog_info::Document {
        entity: "sip:desk@example.com",
        extent: Extent::Full,
        dialogs: &[
            dialog_info::Entry {
                id: "a1",
                call_id: Some("c1"),
                local_tag: Some("l1"),
                remote_tag: Some("r1"),
                direction: Some(Direction::Initiator),
                state: State::Confirmed,
                event: Some(Ending::Timeout),
                code: Some(200),
                local: Some(dialog_info::Party {
                    identity: Some("sip:desk@example.com"),
                    rendering: Some(false),
                    ..dialog_info::Party::default()
                }),
                remote: Some(dialog_info::Party {
                    identity: Some("sip:ada@example.com"),
                    display: Some("Ada"),
                    target: Some("sip:ada@192.0.2.9"),
                    rendering: None,
                }),
            },
            dialog_info::Entry {
                id: "a2",
                call_id: None,
                local_tag: None,
                remote_tag: None,
                direction: None,
                state: State::Terminated,
                event: Some(Ending::RemoteBye),
                code: Some(99),
                local: None,
                remote: None,
            },
        ],
    };
    let mut buf = [0; 1_536];
    let rendered = dialog_info::write(&document, &mut buf).expect("it fits");
    let text = std::str::from_utf8(&buf[..rendered.len]).expect("UTF-8");
    let expected = concat!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>",
        "<dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version=\"\" state=\"full\" ",
        "entity=\"sip:desk@example.com\">",
        "<dialog id=\"a1\" call-id=\"c1\" local-tag=\"l1\" remote-tag=\"r1\" direction=\"initiator\">",
        "<state code=\"200\">confirmed</state>",
        "<local><identity>sip:desk@example.com</identity><target uri=\"sip:desk@example.com\">",
        "<param pname=\"+sip.rendering\" pval=\"no\"/></target></local>",
        "<remote><identity display=\"Ada\">sip:ada@example.com</identity>",
        "<target uri=\"sip:ada@192.0.2.9\"/></remote></dialog>",
        "<dialog id=\"a2\"><state event=\"remote-bye\">terminated</state></dialog></dialog-info>",
    );
    assert_eq!(text, expected);
    for version in ["0", "17", "4294967295"] {
        let (head, tail) = text.split_at(rendered.version_at);
        let whole = [head, version, tail].concat();
        let read = dialog_info::read_head(whole.as_bytes()).expect("our own document");
        assert_eq!(read.version, version.parse().ok());
    }
    for short in 0..rendered.len {
        assert_eq!(
            dialog_info::write(&document, &mut buf[..short]),
            Err(WriteError::TooLong)
        );
    }
}

#[test]
fn a_virtual_dialog_tells_a_state_and_no_more() /* D11 */
{
    let document = dialog_info::Document {
        entity: "sip:desk@example.com",
        extent: Extent::Full,
        dialogs: &[dialog_info::Entry {
            id: "v",
            call_id: None,
            local_tag: None,
            remote_tag: None,
            direction: None,
            state: State::Confirmed,
            event: None,
            code: None,
            local: None,
            remote: None,
        }],
    };
    let mut buf = [0; 512];
    let rendered = dialog_info::write(&document, &mut buf).expect("it fits");
    let text = String::from_utf8_lossy(&buf[..rendered.len]);
    assert!(text.ends_with("<dialog id=\"v\"><state>confirmed</state></dialog></dialog-info>"));
}

/// Text that tries to break out of a document.
const HOSTILE: &str =
    "a<b>&amp; \"q\" 'a' ]]> <!-- --> <![CDATA[ <?x?> é \u{10FFFD} &#65; tab\tcr\rlf\nend";

#[test]
fn hostile_text_reads_back_as_it_was() /* G12 F08 */
{
    let mut buf = [0; 2_048];
    let presence = pidf::Presence {
        entity: HOSTILE,
        tuples: &[],
        person: None,
        devices: &[],
        note: Some(HOSTILE),
        lang: Some(HOSTILE),
        carried: pidf::Carried::NONE,
    };
    let len = pidf::write(&presence, &mut buf).expect("it fits");
    assert_eq!(
        pidf::read(&buf[..len]).expect("our own document").note,
        HOSTILE
    );

    let hostile = Some(HOSTILE);
    let party = dialog_info::Party {
        identity: hostile,
        display: hostile,
        target: hostile,
        rendering: Some(true),
    };
    let document = dialog_info::Document {
        entity: HOSTILE,
        extent: Extent::Partial,
        dialogs: &[dialog_info::Entry {
            id: HOSTILE,
            call_id: hostile,
            local_tag: hostile,
            remote_tag: hostile,
            direction: Some(Direction::Recipient),
            state: State::Early,
            event: None,
            code: None,
            local: Some(party),
            remote: Some(party),
        }],
    };
    let rendered = dialog_info::write(&document, &mut buf).expect("it fits");
    let row = only_row(&buf[..rendered.len]);
    let head = dialog_info::read_head(&buf[..rendered.len]).expect("our own document");
    assert!(head.entity.is_some_and(|entity| entity == *HOSTILE));
    for text in [row.id, row.call_id, row.local_tag, row.remote_tag] {
        assert_eq!(text.as_deref(), hostile);
    }
    for end in [row.local, row.remote] {
        for text in [end.identity, end.display, end.target] {
            assert_eq!(text.as_deref(), hostile);
        }
        assert_eq!(end.rendering, Some(true));
    }
}

#[test]
fn characters_xml_does_not_know_are_left_out() /* F08 G12 */
{
    let presence = pidf::Presence {
        entity: "sip:a@example.com",
        tuples: &[],
        person: None,
        devices: &[],
        note: Some("a\0b\u{1}c\u{1F}d\u{FFFE}e\u{FFFF}f\u{FFFD}\u{EFFF}g\u{7F}"),
        lang: None,
        carried: pidf::Carried::NONE,
    };
    let mut buf = [0; 512];
    let len = pidf::write(&presence, &mut buf).expect("it fits");
    let summary = pidf::read(&buf[..len]).expect("our own document");
    assert_eq!(summary.note, "abcdef\u{FFFD}\u{EFFF}g\u{7F}");
}

#[test]
fn a_notify_of_ours_fits_a_datagram() {
    let presence = pidf::Presence {
        entity: "sip:reception-desk@presence.example.com",
        tuples: &[pidf::Tuple {
            id: "t1",
            basic: Some(Basic::Closed),
            contact: Some("sip:reception-desk@192.0.2.100:5060"),
            priority: None,
            note: None,
            device_id: None,
            timestamp: Wall::from_unix_millis(1_772_694_489_000).utc(),
        }],
        person: Some(pidf::Person {
            id: "p1",
            activities: Activities::BUSY.with(Activities::ON_THE_PHONE),
            note: Some("in a meeting until three"),
            timestamp: None,
        }),
        devices: &[],
        note: None,
        lang: None,
        carried: pidf::Carried::NONE,
    };
    let mut buf = [0; 1_536];
    let len = pidf::write(&presence, &mut buf).expect("it fits");
    assert!(len < 700, "{len} bytes leave no room for the head");
}

#[test]
fn dialogs_read_and_written_again_are_the_same() /* D05 D06 */
{
    for (name, body, _, extent, _) in crate::dialogs::BODIES {
        let once = rewritten(body, extent);
        assert_eq!(once, rewritten(once.as_bytes(), extent), "{name}");
        let (before, after) = (rows(body), rows(once.as_bytes()));
        let mut before = before.expect("a good document");
        // A dialog without a state or id cannot be written.
        before.retain(|row| row.state.is_some() && row.id.is_some());
        let after = after.expect("our own document");
        assert_eq!(before.len(), after.len(), "{name}");
        for (before, after) in before.iter().zip(&after) {
            assert_eq!(
                (&before.id, &before.call_id),
                (&after.id, &after.call_id),
                "{name}"
            );
            assert_eq!(
                (before.state, before.event),
                (after.state, after.event),
                "{name}"
            );
            assert_eq!(
                (before.code, before.held),
                (after.code, after.held),
                "{name}"
            );
            assert_eq!(before.local.identity, after.local.identity, "{name}");
            assert_eq!(before.remote.identity, after.remote.identity, "{name}");
        }
    }
}

/// Reads a document and writes what it says.
fn rewritten(body: &[u8], extent: Extent) -> String {
    let rows = rows(body).expect("a good document");
    let entries: Vec<_> = rows.iter().filter_map(entry).collect();
    let document = dialog_info::Document {
        entity: "sip:desk@example.com",
        extent,
        dialogs: &entries,
    };
    let mut buf = [0; 4_096];
    let rendered = dialog_info::write(&document, &mut buf).expect("it fits");
    String::from_utf8_lossy(&buf[..rendered.len]).into_owned()
}

fn entry(row: &Row) -> Option<dialog_info::Entry<'_>> {
    Some(dialog_info::Entry {
        id: row.id.as_deref()?,
        call_id: row.call_id.as_deref(),
        local_tag: row.local_tag.as_deref(),
        remote_tag: row.remote_tag.as_deref(),
        direction: row.direction,
        state: row.state?,
        event: row.event,
        code: row.code,
        local: Some(party(&row.local)),
        remote: Some(party(&row.remote)),
    })
}

fn party(end: &End) -> dialog_info::Party<'_> {
    dialog_info::Party {
        identity: end.identity.as_deref(),
        display: end.display.as_deref(),
        target: end.target.as_deref(),
        rendering: end.rendering,
    }
}
