//! Presence as servers and phones send it.

use crate::body;
use lampfield::wire::WriteError;
use lampfield::wire::doc::Fault;
use lampfield::wire::doc::pidf::{self, Activities, Basic, Kind};

/// All PIDF bodies with what a lamp should take from them: basic, activities, note, tuples, contacts.
pub(crate) type Expected = (
    &'static str,
    &'static [u8],
    Option<Basic>,
    Activities,
    &'static str,
    u8,
    u8,
);

pub(crate) const BODIES: [Expected; 13] = [
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
        0,
    ),
    (
        "xpidf in use",
        body!("xpidf_asterisk_inuse"),
        Some(Basic::Open),
        Activities::ON_THE_PHONE,
        "",
        1,
        0,
    ),
    (
        "xpidf closed",
        body!("xpidf_asterisk_closed"),
        Some(Basic::Closed),
        Activities::NONE,
        "",
        1,
        0,
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
    (
        "baresip publishes offline: closed, with a contact and no activity",
        body!("pidf_baresip_publish"),
        Some(Basic::Closed),
        Activities::NONE,
        "",
        1,
        1,
    ),
    (
        "linphone publishes do-not-disturb: closed and away",
        body!("pidf_linphonec_publish"),
        Some(Basic::Closed),
        Activities::AWAY,
        "",
        1,
        1,
    ),
];

#[test]
fn presence_dialects_are_read() /* F04 F05 F07 G11 */
{
    for (name, body, basic, activities, note, tuples, contacts) in BODIES {
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
fn a_namespace_has_the_names_of_its_drafts_and_no_others() /* F04 G11 */
{
    const IETF: &str = "urn:ietf:params:xml:ns:";
    let read = |pidf: &str, data_model: &str, rpid: &str| {
        let body = format!(
            "<presence xmlns='{IETF}{pidf}' xmlns:dm='{IETF}{data_model}' xmlns:r='{IETF}{rpid}'>\
             <dm:person><r:activities><r:busy/></r:activities></dm:person></presence>"
        );
        pidf::read(body.as_bytes()).map(|summary| summary.activities)
    };
    for pidf in ["pidf", "pidf:", "cpim-pidf", "cpim-pidf:"] {
        for data_model in ["pidf:data-model", "pidf:person"] {
            for rpid in ["pidf:rpid", "pidf:rpid:rpid-person"] {
                assert_eq!(read(pidf, data_model, rpid), Ok(Activities::BUSY));
            }
        }
    }
    let (pidf, data_model, rpid) = ("pidf", "pidf:data-model", "pidf:rpid");
    for other in ["PIDF", "pidf::", "dialog-info", "pidf:rpid"] {
        assert_eq!(read(other, data_model, rpid), Err(Fault::WrongRoot));
    }
    for other in ["pidf:data-model:", "pidf:cipid", "pidf"] {
        assert_eq!(read(pidf, other, rpid), Ok(Activities::NONE), "{other}");
    }
    for other in ["pidf:RPID", "pidf:rpid:", "pidf:data-model"] {
        assert_eq!(
            read(pidf, data_model, other),
            Ok(Activities::NONE),
            "{other}"
        );
    }
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
        let id = element.id.expect("an id").to_string();
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
            (Kind::Tuple, "voice".to_string()),
            (Kind::Tuple, "chat".to_string()),
            (Kind::Person, "me".to_string()),
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
        assert_eq!(
            element.copy_to(&mut buf[..len - 1]),
            Err(WriteError::TooLong)
        );
    })
    .expect("a good document");
    let note = "<note x='&amp;'>über &amp; <![CDATA[&]]>&amp;</note>".to_string();
    let tuple = "<tuple id='a'/>".to_string();
    assert_eq!(copies, [(Kind::Note, note), (Kind::Tuple, tuple)]);
}

#[test]
fn what_windows_wrote_is_carried_over_as_it_reads() {
    let body = b"<?xml version='1.0' encoding='windows-1252'?>\
                 <presence xmlns='urn:ietf:params:xml:ns:pidf' xmlns:\x8A='urn:x'>\
                 <\x8A:e>9\x96\x31\x37 \x80</\x8A:e><note>\x93Caf\xE9\x94</note></presence>";
    let summary = pidf::read(body).expect("a good document");
    assert_eq!(summary.note, "\u{201C}Caf\u{e9}\u{201D}");
    let mut carried = Vec::new();
    pidf::walk(body, &mut |element| {
        let mut buf = [0; 256];
        let how = pidf::Carry::default();
        let len = element.carry_to(how, &mut buf).expect("it fits").len;
        carried.push(String::from_utf8_lossy(&buf[..len]).into_owned());
    })
    .expect("a good document");
    let extension = "<\u{160}:e xmlns:\u{160}=\"urn:x\">9\u{2013}17 \u{20AC}</\u{160}:e>";
    let note = "<note>\u{201C}Caf\u{e9}\u{201D}</note>";
    assert_eq!(carried, [extension, note]);
}

#[test]
fn a_device_is_not_the_person_and_an_empty_contact_is_none() /* F06 F07 */
{
    let body = b"<presence xmlns='urn:ietf:params:xml:ns:pidf' xmlns:d='urn:ietf:params:xml:ns:pidf:data-model' \
                 xmlns:r='urn:ietf:params:xml:ns:pidf:rpid'><tuple><contact> </contact></tuple>\
                 <d:device><r:activities><r:busy/></r:activities><d:note>charging</d:note></d:device></presence>";
    let summary = pidf::read(body).expect("a good document");
    assert!(summary.activities.is_empty());
    assert_eq!(summary.note, "");
    assert_eq!((summary.tuples, summary.contacts), (1, 0));
}

#[test]
fn of_xpidf_the_status_counts_before_the_substatus() {
    let with = |inside: &str| {
        let body = format!("<presence>{inside}</presence>");
        let summary = pidf::read(body.as_bytes()).expect("a good document");
        (summary.basic, summary.activities, summary.tuples)
    };
    let address = |inside: &str| with(&format!("<atom><address>{inside}</address></atom>"));
    let (open, closed) = (Some(Basic::Open), Some(Basic::Closed));
    for (inside, basic, activities) in [
        (
            "<msnsubstatus substatus='online'/><status status='closed'/>",
            closed,
            Activities::NONE,
        ),
        (
            "<status status='Closed'/><msnsubstatus substatus='online'/>",
            closed,
            Activities::NONE,
        ),
        (
            "<status status='open'/><msnsubstatus substatus='busy'/>",
            open,
            Activities::BUSY,
        ),
        (
            "<msnsubstatus substatus='berightback'/>",
            open,
            Activities::AWAY,
        ),
        (
            "<msnsubstatus substatus='offline'/>",
            closed,
            Activities::NONE,
        ),
        (
            "<msnsubstatus substatus='sideways'/>",
            None,
            Activities::NONE,
        ),
        ("<status status='sideways'/>", None, Activities::NONE),
        ("<status/>", None, Activities::NONE),
        (
            "<x:status xmlns:x='urn:x' status='open'/>",
            None,
            Activities::NONE,
        ),
        ("<x><status status='open'/></x>", None, Activities::NONE),
    ] {
        assert_eq!(address(inside), (basic, activities, 1), "{inside}");
    }
    let nowhere = (None, Activities::NONE, 0);
    assert_eq!(
        with("<x><address><status status='open'/></address></x>"),
        nowhere
    );
    assert_eq!(
        with("<x><atom><address><status status='open'/></address></atom></x>"),
        nowhere
    );
    assert_eq!(with(""), nowhere);
    let two = "<atom><address><status status='open'/></address><address><status status='closed'/></address></atom>";
    assert_eq!(with(two), (open, Activities::NONE, 2));
}
