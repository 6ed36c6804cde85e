//! Presence as servers and phones send it.

use crate::body;
use lampfield::wire::WriteError;
use lampfield::wire::doc::Fault;
use lampfield::wire::doc::pidf::{self, Activities, Basic, Kind, Said};

/// All PIDF bodies with what a lamp should take from them: basic, activities, what a note says in a word, note,
/// tuples.
pub(crate) type Expected = (
    &'static str,
    &'static [u8],
    Option<Basic>,
    Activities,
    Option<Said>,
    &'static str,
    u8,
);

pub(crate) const BODIES: [Expected; 13] = [
    (
        "asterisk idle: the note stands before the tuple, the person has no id",
        body!("pidf_asterisk_idle"),
        Some(Basic::Open),
        Activities::NONE,
        Some(Said::Free),
        "Ready",
        1,
    ),
    (
        "asterisk talking: basic stays open, one open tuple wins",
        body!("pidf_asterisk_talking"),
        Some(Basic::Open),
        Activities::ON_THE_PHONE,
        Some(Said::Talking),
        "On the phone",
        2,
    ),
    (
        "asterisk unavailable",
        body!("pidf_asterisk_unavailable"),
        Some(Basic::Closed),
        Activities::NONE,
        Some(Said::Offline),
        "Unavailable",
        1,
    ),
    (
        "old asterisk: Latin-1, draft namespaces, activities in the person's status",
        body!("pidf_asterisk_old"),
        Some(Basic::Open),
        Activities::BUSY,
        None,
        "Beschäftigt",
        1,
    ),
    (
        "xpidf open",
        body!("xpidf_asterisk_open"),
        Some(Basic::Open),
        Activities::NONE,
        None,
        "",
        1,
    ),
    (
        "xpidf in use",
        body!("xpidf_asterisk_inuse"),
        Some(Basic::Open),
        Activities::ON_THE_PHONE,
        None,
        "",
        1,
    ),
    (
        "xpidf closed",
        body!("xpidf_asterisk_closed"),
        Some(Basic::Closed),
        Activities::NONE,
        Some(Said::Offline),
        "",
        1,
    ),
    (
        "freeswitch: declares ISO-8859-1 and sends UTF-8, single quotes, mixed line ends, bare &",
        body!("pidf_freeswitch"),
        Some(Basic::Open),
        Activities::AWAY,
        None,
        "Lunch & coffee with Zoë",
        1,
    ),
    (
        "linphone: its own element inside the status, PIDF under a prefix",
        body!("pidf_linphone_publish"),
        Some(Basic::Open),
        Activities::BUSY,
        None,
        "",
        1,
    ),
    (
        "comsipl: Close with a capital, the note inside the status, a pres: entity",
        body!("pidf_comsipl"),
        Some(Basic::Closed),
        Activities::NONE,
        None,
        "Out until Monday",
        1,
    ),
    (
        "softclient: OMA, CIPID, a timed status that must not count, notes in two languages",
        body!("pidf_softclient"),
        Some(Basic::Closed),
        Activities::MEETING.with(Activities::OTHER),
        None,
        "Im Geräteraum",
        2,
    ),
    (
        "baresip publishes offline: closed, with a contact and no activity",
        body!("pidf_baresip_publish"),
        Some(Basic::Closed),
        Activities::NONE,
        None,
        "",
        1,
    ),
    (
        "linphone publishes do-not-disturb: closed and away",
        body!("pidf_linphonec_publish"),
        Some(Basic::Closed),
        Activities::AWAY,
        None,
        "",
        1,
    ),
];

#[test]
fn presence_dialects_are_read() /* F04 F05 F07 G11 */
{
    for (name, body, basic, activities, said, note, tuples) in BODIES {
        let summary = pidf::read(body).expect(name);
        assert_eq!(summary.basic, basic, "{name}");
        assert_eq!(summary.activities, activities, "{name}");
        assert_eq!(summary.said, said, "{name}");
        assert_eq!(summary.note, note, "{name}");
        assert_eq!(summary.tuples, tuples, "{name}");
    }
}

#[test]
fn a_grandstream_that_is_closed_says_nothing_else() {
    let summary = pidf::read(body!("pidf_grandstream_publish")).expect("a good document");
    assert_eq!(summary.basic, Some(Basic::Closed));
    assert_eq!((summary.said, summary.note.as_str()), (None, ""));
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
    assert_eq!((void.basic, void.tuples), (Some(Basic::Closed), 2));
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
            for rpid in ["pidf:rpid", "pidf:rpid:rpid-person", "pidf:status:rpid"] {
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
        assert_eq!(summary.basic, Some(Basic::Open));
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
fn a_device_is_not_the_person() /* F06 F07 */
{
    let body = b"<presence xmlns='urn:ietf:params:xml:ns:pidf' xmlns:d='urn:ietf:params:xml:ns:pidf:data-model' \
                 xmlns:r='urn:ietf:params:xml:ns:pidf:rpid'><tuple/>\
                 <d:device><r:activities><r:busy/></r:activities><d:note>charging</d:note></d:device></presence>";
    let summary = pidf::read(body).expect("a good document");
    assert!(summary.activities.is_empty());
    assert_eq!(summary.note, "");
    assert_eq!(summary.tuples, 1);
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

const HEAD: &str = "<presence xmlns='urn:ietf:params:xml:ns:pidf' \
                    xmlns:dm='urn:ietf:params:xml:ns:pidf:data-model' \
                    xmlns:r='urn:ietf:params:xml:ns:pidf:rpid' xmlns:agp='urn:ag-projects:xml:ns:pidf'";

fn summary(inside: &str) -> pidf::Summary {
    let body = format!("{HEAD}>{inside}</presence>");
    pidf::read(body.as_bytes()).expect("a good document")
}

#[test]
fn a_word_is_heard_wherever_a_note_stands_and_whatever_basic_says() /* FIELD */
{
    for basic in ["open", "closed", "unknown"] {
        for inside in [
            "<note>busy</note><tuple><status><basic>B</basic></status></tuple>",
            "<tuple><status><basic>B</basic></status></tuple><note> BUSY\n</note>",
            "<tuple><status><basic>B</basic></status><note>Busy</note></tuple>",
            "<tuple><status><basic>B</basic><note>busy</note></status></tuple>",
            "<tuple><status><basic>B</basic></status></tuple><dm:person><dm:note>busy</dm:note></dm:person>",
            "<tuple><status><basic>B</basic></status></tuple><dm:person><note>busy</note></dm:person>",
            "<tuple><status><basic>B</basic></status></tuple><dm:person><r:note>busy</r:note></dm:person>",
            "<tuple><status><basic>B</basic></status></tuple><dm:person><r:activities><r:note>busy</r:note>\
             <r:unknown/></r:activities></dm:person>",
            "<tuple><status><basic>B</basic><agp:extended>busy</agp:extended></status></tuple>",
            "<note>Gone fishing</note><note>&#98;us<!-- x -->y</note><tuple><status><basic>B</basic></status></tuple>",
            "<note><![CDATA[busy]]></note><tuple><status><basic>B</basic></status></tuple>",
        ] {
            let inside = inside.replace("<basic>B", &format!("<basic>{basic}"));
            assert_eq!(summary(&inside).said, Some(Said::Busy), "{inside}");
            let more = inside
                .replace("usy", "usy baking")
                .replace("USY", "USY BAKING");
            let more = more.replace("us<!-- x -->y", "usy baking");
            assert_eq!(summary(&more).said, None, "{more}");
        }
    }
    for elsewhere in [
        "<dm:device><dm:note>busy</dm:note></dm:device>",
        "<x:y xmlns:x='urn:x'><note>busy</note></x:y>",
        "<tuple><contact>busy</contact></tuple>",
    ] {
        assert_eq!(summary(elsewhere).said, None, "{elsewhere}");
    }
}

#[test]
fn of_several_words_the_one_that_says_most_counts() {
    let tuple = |basic: &str, note: &str| {
        let note = match note {
            "" => String::new(),
            note => format!("<note>{note}</note>"),
        };
        format!("<tuple><status><basic>{basic}</basic></status>{note}</tuple>")
    };
    for (presence, tuples, expected) in [
        (
            "Available",
            vec![("open", "On the phone")],
            Some(Said::Talking),
        ),
        (
            "On the phone",
            vec![("open", "Available")],
            Some(Said::Talking),
        ),
        ("Gone fishing", vec![("open", "Away")], Some(Said::Away)),
        ("Away", vec![("open", "")], Some(Said::Away)),
        (
            "Ringing",
            vec![("open", "On hold"), ("open", "Busy")],
            Some(Said::Ringing),
        ),
        (
            "",
            vec![("open", "Available"), ("closed", "Offline")],
            Some(Said::Free),
        ),
        // At one service only.
        (
            "",
            vec![("open", ""), ("closed", "Offline")],
            Some(Said::Free),
        ),
        (
            "",
            vec![("closed", "Do not disturb"), ("open", "")],
            Some(Said::Free),
        ),
        (
            "",
            vec![("closed", "Do not disturb"), ("closed", "Available")],
            Some(Said::Free),
        ),
        (
            "",
            vec![("closed", "Do not disturb"), ("closed", "")],
            Some(Said::Refuses),
        ),
        (
            "",
            vec![("closed", "Do not disturb"), ("closed", "Offline")],
            Some(Said::Refuses),
        ),
        (
            "DND",
            vec![("open", ""), ("closed", "DND")],
            Some(Said::Refuses),
        ),
        // At none at all.
        (
            "On the phone",
            vec![("closed", "Offline")],
            Some(Said::Offline),
        ),
        (
            "Available",
            vec![("closed", "Offline"), ("closed", "")],
            Some(Said::Offline),
        ),
        ("Offline", vec![("open", "")], Some(Said::Offline)),
        ("", vec![("open", "")], None),
    ] {
        let inside: String = tuples
            .iter()
            .map(|(basic, note)| tuple(basic, note))
            .collect();
        let inside = format!("<note>{presence}</note>{inside}");
        assert_eq!(summary(&inside).said, expected, "{inside}");
    }
}

#[test]
fn a_note_has_the_language_of_what_is_around_it() {
    let read = |root: &str, inside: &str| {
        let body = format!("{HEAD} {root}>{inside}</presence>");
        let summary = pidf::read(body.as_bytes()).expect("a good document");
        (summary.note.to_string(), summary.lang.to_string())
    };
    let long = "x".repeat(36);
    for (root, inside, lang) in [
        ("", "<note xml:lang='de-AT'>n</note>", "de-AT"),
        ("", "<note lang='de'>n</note>", ""),
        ("xml:lang='de'", "<note>n</note>", "de"),
        ("xml:lang='de'", "<note xml:lang=''>n</note>", ""),
        (
            "xml:lang='de'",
            "<note xml:lang='fr'> </note><note>n</note>",
            "de",
        ),
        (
            "xml:lang='de'",
            "<tuple xml:lang='fr'><note>n</note></tuple>",
            "fr",
        ),
        (
            "xml:lang='de'",
            "<tuple><status><note>n</note></status></tuple>",
            "de",
        ),
        (
            "",
            "<tuple><status xml:lang='fr'><basic/></status><note>n</note></tuple>",
            "",
        ),
        (
            "",
            "<tuple xml:lang='fr'/><tuple><note>n</note></tuple>",
            "",
        ),
        (
            "",
            "<note xml:lang='en'>o</note><dm:person xml:lang='fr'><dm:note xml:lang='it'>n</dm:note></dm:person>",
            "it",
        ),
        ("", &format!("<note xml:lang='{long}'>n</note>"), ""),
    ] {
        let expected = ("n".to_string(), lang.to_string());
        assert_eq!(read(root, inside), expected, "{root} {inside}");
    }
}

#[test]
fn ciscos_own_activities_are_words() /* FIELD */
{
    for (activities, expected, also) in [
        ("<ce:dnd/>", Some(Said::Refuses), Activities::NONE),
        (
            "<e:on-the-phone/><ce:alerting/>",
            Some(Said::Ringing),
            Activities::ON_THE_PHONE,
        ),
        ("<ce:available/>", Some(Said::Free), Activities::NONE),
        ("<ce:sideways/><e:busy/>", None, Activities::BUSY),
        ("<dm:dnd/>", None, Activities::NONE),
    ] {
        let body = format!(
            "{HEAD} xmlns:e='urn:ietf:params:xml:ns:pidf:status:rpid' \
             xmlns:ce='urn:cisco:params:xml:ns:pidf:rpid'><dm:person><e:activities>{activities}</e:activities>\
             </dm:person><tuple id='1'><status><basic>open</basic></status></tuple></presence>"
        );
        let summary = pidf::read(body.as_bytes()).expect("a good document");
        assert_eq!(
            (summary.said, summary.activities),
            (expected, also),
            "{body}"
        );
    }
}
