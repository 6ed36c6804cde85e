//! What real servers send (one body for each dialect under `tests/bodies`), and what we write, read back.

use lampfield::ground::time::Wall;
use lampfield::wire::doc::dialog_info::{self, Direction, Ending, Extent, State};
use lampfield::wire::doc::pidf::{self, Activities, Basic, Kind, Summary};
use lampfield::wire::doc::{Fault, Full};

/// A body of `tests/bodies`.
macro_rules! body {
    ($name:literal) => {
        include_bytes!(concat!("bodies/", $name, ".xml")).as_slice()
    };
}

/// All PIDF bodies with what a lamp should take from them: basic, activities, note, tuples, contacts.
type Expected = (
    &'static str,
    &'static [u8],
    Option<Basic>,
    Activities,
    &'static str,
    u8,
    u8,
);

const PRESENCE: [Expected; 11] = [
    (
        "asterisk idle: the note stands before the tuple, the person has no id",
        body!("pidf_asterisk_idle"),
        Some(Basic::Open),
        Activities::NONE,
        "Ready",
        1,
        1,
    ),
    (
        "asterisk talking: basic stays open, one open tuple wins",
        body!("pidf_asterisk_talking"),
        Some(Basic::Open),
        Activities::ON_THE_PHONE,
        "On the phone",
        2,
        1,
    ),
    (
        "asterisk unavailable",
        body!("pidf_asterisk_unavailable"),
        Some(Basic::Closed),
        Activities::NONE,
        "Unavailable",
        1,
        0,
    ),
    (
        "old asterisk: Latin-1, draft namespaces, activities in the person's status",
        body!("pidf_asterisk_old"),
        Some(Basic::Open),
        Activities::BUSY,
        "Beschäftigt",
        1,
        1,
    ),
    (
        "xpidf open",
        body!("xpidf_asterisk_open"),
        Some(Basic::Open),
        Activities::NONE,
        "",
        1,
        1,
    ),
    (
        "xpidf in use",
        body!("xpidf_asterisk_inuse"),
        Some(Basic::Open),
        Activities::ON_THE_PHONE,
        "",
        1,
        1,
    ),
    (
        "xpidf closed",
        body!("xpidf_asterisk_closed"),
        Some(Basic::Closed),
        Activities::NONE,
        "",
        1,
        1,
    ),
    (
        "freeswitch: declares ISO-8859-1 and sends UTF-8, single quotes, mixed line ends, bare &",
        body!("pidf_freeswitch"),
        Some(Basic::Open),
        Activities::AWAY,
        "Lunch & coffee with Zoë",
        1,
        0,
    ),
    (
        "linphone: its own element inside the status, PIDF under a prefix",
        body!("pidf_linphone_publish"),
        Some(Basic::Open),
        Activities::BUSY,
        "",
        1,
        1,
    ),
    (
        "comsipl: Close with a capital, the note inside the status, a pres: entity",
        body!("pidf_comsipl"),
        Some(Basic::Closed),
        Activities::NONE,
        "Out until Monday",
        1,
        0,
    ),
    (
        "softclient: OMA, CIPID, a timed status that must not count, notes in two languages",
        body!("pidf_softclient"),
        Some(Basic::Closed),
        Activities::MEETING.with(Activities::OTHER),
        "Im Geräteraum",
        2,
        1,
    ),
];

/// All dialog-info bodies: what the root says, how many dialogs there are.
const DIALOGS: [(&str, &[u8], Option<u32>, Extent, usize); 12] = [
    (
        "asterisk idle",
        body!("dialog_asterisk_idle"),
        Some(4),
        Extent::Full,
        1,
    ),
    (
        "asterisk ringing",
        body!("dialog_asterisk_ringing"),
        Some(5),
        Extent::Full,
        1,
    ),
    (
        "asterisk talking",
        body!("dialog_asterisk_talking"),
        Some(7),
        Extent::Full,
        1,
    ),
    (
        "asterisk hold",
        body!("dialog_asterisk_hold"),
        Some(7),
        Extent::Full,
        1,
    ),
    (
        "freeswitch idle: empty",
        body!("dialog_freeswitch_idle"),
        Some(12),
        Extent::Partial,
        0,
    ),
    (
        "freeswitch hold",
        body!("dialog_freeswitch_hold"),
        Some(13),
        Extent::Full,
        1,
    ),
    (
        "kamailio: padded version",
        body!("dialog_kamailio_several"),
        Some(21),
        Extent::Full,
        4,
    ),
    (
        "opensips: blanks in tags",
        body!("dialog_opensips_spaces"),
        Some(3),
        Extent::Full,
        1,
    ),
    (
        "opensips idle: self-closed",
        body!("dialog_opensips_idle"),
        Some(0),
        Extent::Full,
        0,
    ),
    (
        "opensips partial",
        body!("dialog_opensips_partial"),
        Some(9),
        Extent::Partial,
        1,
    ),
    (
        "yealink full",
        body!("dialog_yealink_full"),
        Some(1),
        Extent::Full,
        2,
    ),
    (
        "yealink partial: no entity",
        body!("dialog_yealink_partial"),
        Some(6),
        Extent::Partial,
        1,
    ),
];

/// A dialog as plain values.
#[derive(Debug, Default, PartialEq)]
struct Row {
    id: Option<String>,
    call_id: Option<String>,
    local_tag: Option<String>,
    remote_tag: Option<String>,
    direction: Option<Direction>,
    state: Option<State>,
    event: Option<Ending>,
    code: Option<u16>,
    held: bool,
    local: End,
    remote: End,
}

#[derive(Debug, Default, PartialEq)]
struct End {
    identity: Option<String>,
    display: Option<String>,
    target: Option<String>,
    rendering: Option<bool>,
}

fn rows(body: &[u8]) -> Result<Vec<Row>, Fault> {
    let end = |end: &dialog_info::Participant<'_>| End {
        identity: end.identity.map(|text| text.to_string()),
        display: end.display.map(|text| text.to_string()),
        target: end.target.map(|text| text.to_string()),
        rendering: end.rendering,
    };
    let mut rows = Vec::new();
    dialog_info::read(body, &mut |dialog| {
        rows.push(Row {
            id: dialog.id.map(|text| text.to_string()),
            call_id: dialog.call_id.map(|text| text.to_string()),
            local_tag: dialog.local_tag.map(|text| text.to_string()),
            remote_tag: dialog.remote_tag.map(|text| text.to_string()),
            direction: dialog.direction,
            state: dialog.state,
            event: dialog.event,
            code: dialog.code,
            held: dialog.is_held(),
            local: end(&dialog.local),
            remote: end(&dialog.remote),
        });
    })?;
    Ok(rows)
}

fn only_row(body: &[u8]) -> Row {
    let mut rows = rows(body).expect("a good document");
    assert_eq!(rows.len(), 1);
    rows.remove(0)
}

fn some(text: &str) -> Option<String> {
    Some(text.to_string())
}

#[test]
fn presence_dialects_are_read() /* F04 F05 F07 G11 */
{
    for (name, body, basic, activities, note, tuples, contacts) in PRESENCE {
        let summary = pidf::read(body).expect(name);
        assert_eq!(summary.basic, basic, "{name}");
        assert_eq!(summary.activities, activities, "{name}");
        assert_eq!(summary.note, note, "{name}");
        assert_eq!(
            (summary.tuples, summary.contacts),
            (tuples, contacts),
            "{name}"
        );
    }
}

#[test]
fn grandstream_closed_is_dnd_without_entity() {
    let summary = pidf::read(body!("pidf_grandstream_publish")).expect("a good document");
    assert_eq!(summary.basic, Some(Basic::Closed));
    assert_eq!(summary.tuples, 1);
}

#[test]
fn dialog_dialects_are_read() /* D01 D05 */
{
    for (name, body, version, extent, count) in DIALOGS {
        let mut seen = 0;
        let head = dialog_info::read(body, &mut |_| seen += 1).expect(name);
        assert_eq!(
            (head.version, head.extent, seen),
            (version, extent, count),
            "{name}"
        );
        let early = dialog_info::read_head(body).expect(name);
        assert_eq!(
            (early.version, early.extent, early.entity),
            (version, extent, head.entity)
        );
    }
}

#[test]
fn a_document_that_says_nothing_of_itself_is_full() {
    let body = body!("dialog_bare");
    let head = dialog_info::read_head(body).expect("a good document");
    assert_eq!((head.version, head.extent), (None, Extent::Full));
    assert!(head.entity.is_none());
    let row = only_row(body);
    assert_eq!(
        (row.id, row.direction, row.state),
        (None, None, Some(State::Confirmed))
    );
}

#[test]
fn asterisk_ringing_names_both_ends() {
    let expected = Row {
        id: some("201"),
        call_id: some("pickup-7f2c"),
        local_tag: some("lt1"),
        remote_tag: some("rt1"),
        direction: Some(Direction::Recipient),
        state: Some(State::Early),
        local: End {
            identity: some("sip:201@pbx.example.net"),
            target: some("sip:201@pbx.example.net"),
            ..End::default()
        },
        remote: End {
            identity: some("sip:301@pbx.example.net"),
            display: some("Front \"Door\" & Yard"),
            target: some("sip:301@pbx.example.net"),
            rendering: None,
        },
        ..Row::default()
    };
    assert_eq!(only_row(body!("dialog_asterisk_ringing")), expected);
}

#[test]
fn hold_is_seen_in_confirmed_and_in_early_and_nowhere_else() {
    let asterisk = only_row(body!("dialog_asterisk_hold"));
    assert_eq!(
        (asterisk.state, asterisk.held),
        (Some(State::Confirmed), true)
    );
    // A target without a URI is a target all the same.
    assert_eq!(asterisk.local.target, some(""));
    let freeswitch = only_row(body!("dialog_freeswitch_hold"));
    assert_eq!(
        (freeswitch.state, freeswitch.held),
        (Some(State::Early), true)
    );
    assert!(!only_row(body!("dialog_asterisk_ringing")).held);
    assert!(!only_row(body!("dialog_asterisk_talking")).held);
    // The other end's silence is not our hold; a terminated call is not held.
    let text = String::from_utf8_lossy(body!("dialog_asterisk_hold")).into_owned();
    assert!(!only_row(text.replace("local", "remote").as_bytes()).held);
    assert!(!only_row(text.replace("confirmed", "terminated").as_bytes()).held);
    assert!(!only_row(text.replace("\"no\"", "\"yes\"").as_bytes()).held);
    assert!(only_row(text.replace("pvalue", "pval").as_bytes()).held);
}

#[test]
fn bare_ampersands_in_names_stand_for_themselves() {
    let row = only_row(body!("dialog_freeswitch_hold"));
    assert_eq!(row.local.display, some("Smith & Sons"));
    assert_eq!(row.remote.display, some("Q&A desk"));
    assert_eq!(row.remote.target, some("sip:**204@sw.example.org"));
}

#[test]
fn several_dialogs_come_in_order_and_one_may_say_nothing() {
    let rows = rows(body!("dialog_kamailio_several")).expect("a good document");
    let states: Vec<_> = rows.iter().map(|row| row.state).collect();
    assert_eq!(
        states,
        [
            Some(State::Terminated),
            Some(State::Early),
            Some(State::Confirmed),
            None
        ]
    );
    // The name shown may sit on the target.
    assert_eq!(rows[1].remote.display, some("Gate"));
    // Nothing leaks from one dialog into the next.
    assert_eq!(rows[2].remote, End::default());
    assert_eq!(
        (rows[3].id.as_deref(), rows[3].call_id.as_deref()),
        (Some("aa4"), None)
    );
}

#[test]
fn a_terminated_dialog_says_why() /* D06 */
{
    let row = only_row(body!("dialog_opensips_partial"));
    assert_eq!(row.id, some("MTIzNDU.8f1e"));
    assert_eq!(row.state, Some(State::Terminated));
    assert_eq!((row.event, row.code), (Some(Ending::RemoteBye), Some(200)));
}

#[test]
fn a_truncated_document_is_never_used() /* G04 */
{
    for body in all_bodies() {
        let whole = body.trim_ascii_end();
        for len in 0..whole.len() {
            let cut = &whole[..len];
            assert!(pidf::read(cut).is_err(), "{}", String::from_utf8_lossy(cut));
            let none = &mut |_: &pidf::Element<'_>| panic!("a part of half a document");
            assert!(pidf::walk(cut, none).is_err());
            let none = &mut |_: &dialog_info::Dialog<'_>| panic!("a dialog of half a document");
            assert!(dialog_info::read(cut, none).is_err());
        }
    }
}

#[test]
fn another_root_is_refused() /* G11 */
{
    for (name, body, ..) in DIALOGS {
        assert_eq!(pidf::read(body), Err(Fault::WrongRoot), "{name}");
    }
    for (name, body, ..) in PRESENCE {
        let read = dialog_info::read(body, &mut |_| panic!("a dialog in a PIDF"));
        assert_eq!(read.map(|_| ()), Err(Fault::WrongRoot), "{name}");
    }
}

#[test]
fn what_we_write_reads_back_and_writes_the_same() /* F01 F02 F03 F06 */
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
            id: "d1",
            device_id: "urn:uuid:6f2c1a9e-3d44-4a8e-9a41-0c7d5e8b1f10",
            note: None,
            timestamp: None,
        }],
        note: Some("the front desk"),
        lang: Some("en"),
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
    assert_eq!((summary.tuples, summary.contacts), (1, 1));
    for short in 0..len {
        assert_eq!(pidf::write(&presence, &mut buf[..short]), Err(Full));
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
        assert_eq!(dialog_info::write(&document, &mut buf[..short]), Err(Full));
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
    };
    let mut buf = [0; 512];
    let len = pidf::write(&presence, &mut buf).expect("it fits");
    let summary = pidf::read(&buf[..len]).expect("our own document");
    assert_eq!(summary.note, "abcdef\u{FFFD}\u{EFFF}g\u{7F}");
}

#[test]
fn must_understand_voids_the_part_it_stands_in() /* F04 */
{
    let with = |inside_status: &str, inside_tuple: &str| {
        let body = format!(
            "<presence xmlns='urn:ietf:params:xml:ns:pidf' xmlns:p='urn:ietf:params:xml:ns:pidf' \
             xmlns:x='urn:x'><tuple id='a'><status>{inside_status}<basic>open</basic></status>{inside_tuple}\
             <contact>sip:a@example.com</contact></tuple>\
             <tuple id='b'><status><basic>closed</basic></status></tuple></presence>"
        );
        pidf::read(body.as_bytes()).expect("a good document")
    };
    assert_eq!(with("<x:e/>", "").basic, Some(Basic::Open));
    assert_eq!(
        with("<x:e p:mustUnderstand='0'/>", "").basic,
        Some(Basic::Open)
    );
    assert_eq!(
        with("<x:e p:mustUnderstand='1'/>", "").basic,
        Some(Basic::Closed)
    );
    assert_eq!(
        with("<x:e p:mustUnderstand='true'/>", "").basic,
        Some(Basic::Closed)
    );
    assert_eq!(
        with("<x:e mustUnderstand='1'/>", "").basic,
        Some(Basic::Closed)
    );
    assert_eq!(
        with("<x:e x:mustUnderstand='1'/>", "").basic,
        Some(Basic::Open)
    );
    // Inside an element that is ignored it is ignored itself.
    assert_eq!(
        with("<x:e><x:f p:mustUnderstand='1'/></x:e>", "").basic,
        Some(Basic::Open)
    );
    let void = with("", "<x:e p:mustUnderstand='1'/>");
    assert_eq!(
        (void.basic, void.tuples, void.contacts),
        (Some(Basic::Closed), 2, 0)
    );
}

#[test]
fn odd_timestamps_and_priorities_do_no_harm() /* F03 */
{
    for (priority, timestamp) in [
        ("2", "yesterday"),
        ("-1", ""),
        ("0.99999", "2026-01-01t00:00:00z"),
    ] {
        let body = format!(
            "<presence xmlns='urn:ietf:params:xml:ns:pidf'><tuple><status><basic>open</basic></status>\
             <contact priority='{priority}'>sip:a@example.com</contact><timestamp>{timestamp}</timestamp>\
             </tuple></presence>"
        );
        let summary = pidf::read(body.as_bytes()).expect("a good document");
        assert_eq!((summary.basic, summary.contacts), (Some(Basic::Open), 1));
    }
}

#[test]
fn a_basic_out_of_place_or_unheard_of_tells_nothing() /* F04 F06 */
{
    for inside in [
        "",
        "<basic>open</basic>",
        "<tuple><basic>open</basic></tuple>",
        "<tuple><status><x><basic>open</basic></x></status></tuple>",
        "<tuple><status><basic>opened</basic></status></tuple>",
        "<tuple><status><basic><x>open</x></basic></status></tuple>",
        "<tuple><status><basic xmlns='urn:x'>open</basic></status></tuple>",
        "<x><tuple><status><basic>open</basic></status></tuple></x>",
        "<tuple><tuple><status><basic>open</basic></status></tuple></tuple>",
    ] {
        let body = format!("<presence xmlns='urn:ietf:params:xml:ns:pidf'>{inside}</presence>");
        let summary = pidf::read(body.as_bytes()).expect("a good document");
        assert_eq!(summary.basic, None, "{inside}");
    }
}

#[test]
fn a_long_note_is_cut_between_characters() {
    let body = format!(
        "<presence xmlns='urn:ietf:params:xml:ns:pidf'><note>{}</note></presence>",
        "é".repeat(10_000)
    );
    let summary = pidf::read(body.as_bytes()).expect("a good document");
    assert_eq!(summary.note.as_str(), "é".repeat(64));
}

#[test]
fn a_walk_shows_each_part_once_and_whole() {
    let body = body!("pidf_softclient");
    let mut seen = Vec::new();
    pidf::walk(body, &mut |element| {
        let id = element.id.map(|id| id.to_string());
        assert_eq!(element.namespaces().count(), 6);
        let mut buf = [0; 2_048];
        let len = element.copy_to(&mut buf).expect("it fits");
        assert_eq!(&buf[..len], element.raw);
        seen.push((element.kind, id));
    })
    .expect("a good document");
    assert_eq!(
        seen,
        [
            (Kind::Tuple, some("voice")),
            (Kind::Tuple, some("chat")),
            (Kind::Person, some("me")),
        ]
    );
}

#[test]
fn a_part_is_carried_over_in_utf8_and_well_formed() {
    let body = b"<presence xmlns='urn:ietf:params:xml:ns:pidf'><note x='&'>\xFCber & <![CDATA[&]]>&amp;</note>\
                 <tuple id='a'/></presence>";
    let mut copies = Vec::new();
    pidf::walk(body, &mut |element| {
        let mut buf = [0; 256];
        let len = element.copy_to(&mut buf).expect("it fits");
        copies.push((
            element.kind,
            String::from_utf8_lossy(&buf[..len]).into_owned(),
        ));
        assert_eq!(element.copy_to(&mut buf[..len - 1]), Err(Full));
    })
    .expect("a good document");
    let note = "<note x='&amp;'>über &amp; <![CDATA[&]]>&amp;</note>".to_string();
    let tuple = "<tuple id='a'/>".to_string();
    assert_eq!(copies, [(Kind::Note, note), (Kind::Tuple, tuple)]);
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
    };
    let mut buf = [0; 1_536];
    let len = pidf::write(&presence, &mut buf).expect("it fits");
    assert!(len < 700, "{len} bytes leave no room for the head");
}

#[test]
fn an_empty_summary_knows_nothing() {
    assert_eq!(Summary::new(), Summary::default());
    assert_eq!(Summary::new().basic, None);
}

fn all_bodies() -> impl Iterator<Item = &'static [u8]> {
    let presence = PRESENCE.into_iter().map(|(_, body, ..)| body);
    let more = [body!("pidf_grandstream_publish"), body!("dialog_bare")];
    let dialogs = DIALOGS.into_iter().map(|(_, body, ..)| body);
    presence.chain(dialogs).chain(more)
}
