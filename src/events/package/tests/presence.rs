//! What lamps make of presence documents, and of our own.

use super::*;
use crate::events::package::presence::write_as;

macro_rules! body {
    ($name:literal) => {
        include_bytes!(concat!("../../../../tests/bodies/", $name, ".xml"))
    };
}

/// What a lamp shows for a document with this inside.
#[track_caller]
fn looks(inside: &str) -> Watched {
    let body = format!(
        "<presence xmlns='urn:ietf:params:xml:ns:pidf' xmlns:dm='urn:ietf:params:xml:ns:pidf:data-model' \
         xmlns:rpid='urn:ietf:params:xml:ns:pidf:rpid' entity='sip:a@b'>{inside}</presence>"
    );
    state_of(Package::Presence, body.as_bytes())
}

fn tuple(basic: &str) -> String {
    format!("<tuple id='a'><status><basic>{basic}</basic></status></tuple>")
}

fn doing(activity: &str) -> String {
    format!("<dm:person><rpid:activities><rpid:{activity}/></rpid:activities></dm:person>")
}

#[test]
fn presence_of_every_dialect_lights_the_right_lamp() /* FIELD, FIELD 12, FIELD 13 */
{
    for (name, body, expected) in [
        (
            "asterisk idle",
            &body!("pidf_asterisk_idle")[..],
            Watched::Idle,
        ),
        (
            "asterisk talking",
            body!("pidf_asterisk_talking"),
            Watched::Busy,
        ),
        (
            "asterisk unavailable",
            body!("pidf_asterisk_unavailable"),
            Watched::Offline,
        ),
        ("asterisk of old", body!("pidf_asterisk_old"), Watched::Busy),
        ("baresip", body!("pidf_baresip_publish"), Watched::Closed),
        ("comsipl", body!("pidf_comsipl"), Watched::Closed),
        ("freeswitch", body!("pidf_freeswitch"), Watched::Away),
        (
            "freeswitch, nobody registered",
            body!("pidf_freeswitch_unregistered"),
            Watched::Offline,
        ),
        (
            "grandstream",
            body!("pidf_grandstream_publish"),
            Watched::Closed,
        ),
        (
            "grandstream with an empty contact",
            body!("pidf_grandstream_contact"),
            Watched::Closed,
        ),
        ("jitsi", body!("pidf_jitsi_dnd"), Watched::Dnd),
        ("linphone", body!("pidf_linphone_publish"), Watched::Busy),
        (
            "linphone wants no calls",
            body!("pidf_linphonec_publish"),
            Watched::Away,
        ),
        ("pjsua", body!("pidf_pjsua_brb"), Watched::Away),
        ("softclient", body!("pidf_softclient"), Watched::Dnd),
        ("xpidf open", body!("xpidf_asterisk_open"), Watched::Idle),
        ("xpidf in use", body!("xpidf_asterisk_inuse"), Watched::Busy),
        (
            "xpidf closed",
            body!("xpidf_asterisk_closed"),
            Watched::Offline,
        ),
    ] {
        assert_eq!(state_of(Package::Presence, body), expected, "{name}");
    }
}

#[test]
fn closed_is_closed_with_an_address_an_empty_one_and_none() /* FIELD 12 */
{
    for contact in [
        "",
        "<contact/>",
        "<contact priority='0.5'></contact>",
        "<contact>sip:a@b</contact>",
    ] {
        for (basic, expected) in [
            ("open", Watched::Idle),
            ("Open", Watched::Idle),
            ("closed", Watched::Closed),
            ("Close", Watched::Closed),
        ] {
            let inside = tuple(basic).replace("</tuple>", &format!("{contact}</tuple>"));
            assert_eq!(looks(&inside), expected, "{inside}");
        }
    }
    let two = format!("{}{}", tuple("closed"), tuple("closed"));
    assert_eq!(looks(&two), Watched::Closed);
    assert_eq!(looks(&format!("{two}{}", tuple("open"))), Watched::Idle);
}

#[test]
fn offline_is_whom_somebody_says_to_be_so() /* FIELD 12 */
{
    assert_eq!(looks(""), Watched::Offline, "no service at all");
    assert_eq!(looks("<note>Gone fishing</note>"), Watched::Offline);
    assert_eq!(looks(&doing("meeting")), Watched::Busy);
    assert_eq!(looks(&tuple("unknown")), Watched::Offline, "baresip quits");
    assert_eq!(looks("<tuple/>"), Watched::Offline);
    for basic in ["open", "closed", "unknown"] {
        for note in ["Unavailable", "unregistered", "Offline", "NOT ONLINE"] {
            let inside = format!("<note>{note}</note>{}{}", tuple(basic), doing("away"));
            assert_eq!(looks(&inside), Watched::Offline, "{inside}");
        }
    }
}

#[test]
fn a_note_says_what_the_status_does_not() /* FIELD */
{
    for (note, expected) in [
        ("Ready", Watched::Idle),
        ("available", Watched::Idle),
        ("Online", Watched::Idle),
        ("Ringing", Watched::Ringing),
        ("On the phone", Watched::Busy),
        ("in a call", Watched::Busy),
        ("busy", Watched::Busy),
        ("On hold", Watched::Held),
        ("away", Watched::Away),
        ("Idle", Watched::Away),
        ("Be right back", Watched::Away),
        ("Do not disturb", Watched::Dnd),
        (" dnd\n", Watched::Dnd),
        ("Unavailable", Watched::Offline),
    ] {
        for basic in ["open", "closed", "unknown"] {
            let inside = format!("<note>{note}</note>{}", tuple(basic));
            assert_eq!(looks(&inside), expected, "{basic} {note}");
        }
    }
}

#[test]
fn what_people_write_in_notes_lights_no_lamp() /* FIELD 12 13 */
{
    for note in [
        "Bringing cake at four",
        "Put the printer on hold",
        "not on the phone today, write",
        "DND is for beginners",
        "busy baking",
        "The router is offline today",
    ] {
        for (basic, expected) in [("open", Watched::Idle), ("closed", Watched::Closed)] {
            let inside = format!("<note>{note}</note>{}", tuple(basic));
            assert_eq!(looks(&inside), expected, "{basic} {note}");
        }
    }
}

#[test]
fn a_word_and_an_activity_add_up() /* FIELD */
{
    for (basic, note, activity, expected) in [
        // Asterisk says busy of everybody who has a call.
        ("open", "Ringing", "busy", Watched::Ringing),
        ("closed", "On hold", "busy", Watched::Held),
        ("closed", "On the phone", "busy", Watched::Busy),
        ("closed", "Do not disturb", "on-the-phone", Watched::Dnd),
        // Who is free in a word may be busy all the same, and whoever is busy and away is busy.
        ("open", "Available", "on-the-phone", Watched::Busy),
        ("open", "Available", "away", Watched::Away),
        ("open", "Away", "meeting", Watched::Busy),
        ("open", "Be right back", "unknown", Watched::Away),
        ("closed", "Away", "busy", Watched::Dnd),
        ("closed", "Busy", "busy", Watched::Dnd),
        ("closed", "", "busy", Watched::Dnd),
        ("closed", "", "away", Watched::Away),
        ("closed", "", "unknown", Watched::Closed),
        ("open", "", "unknown", Watched::Idle),
    ] {
        let inside = format!("<note>{note}</note>{}{}", tuple(basic), doing(activity));
        assert_eq!(looks(&inside), expected, "{inside}");
    }
}

#[test]
fn who_is_gone_is_offline_whatever_its_owner_notes() /* FIELD 12 */
{
    let mut presentity = Presentity::new(Text::copied("sip:desk@192.0.2.1").expect("it fits"));
    for note in ["", "back at three", "Available", "On the phone"] {
        let gone = Presence {
            basic: Basic::Closed,
            service: Some(Basic::Closed),
            note: Text::copied(note).expect("short"),
            gone: true,
            ..Presence::new()
        };
        presentity.update(Wall::UNSET, gone, &[]);
        let mut buf = [0; limits::BODY];
        let len = write_as(&presentity, "sip:desk@192.0.2.1", &mut buf).expect("it fits");
        let text = core::str::from_utf8(&buf[..len]).expect("UTF-8");
        assert_eq!(
            state_of(Package::Presence, &buf[..len]),
            Watched::Offline,
            "{text}"
        );
        assert!(text.contains(note));
    }
}

#[test]
fn a_note_is_told_in_its_language() {
    let mut presentity = Presentity::new(Text::copied("sip:desk@192.0.2.1").expect("it fits"));
    let noted = Presence {
        note: Text::copied("Im Urlaub").expect("short"),
        lang: "de".try_into().expect("short"),
        ..Presence::new()
    };
    presentity.update(Wall::UNSET, noted, &[]);
    let mut buf = [0; limits::BODY];
    let len = write_as(&presentity, "sip:desk@192.0.2.1", &mut buf).expect("it fits");
    let text = core::str::from_utf8(&buf[..len]).expect("UTF-8");
    assert!(
        text.contains("<note xml:lang=\"de\">Im Urlaub</note>"),
        "{text}"
    );
}

/// What another agent's lamp shows of a presentity of ours, in both packages.
fn shown(basic: Basic, activities: Activities, in_call: bool) -> (Watched, Watched) {
    let mut presentity = Presentity::new(Text::copied("sip:desk@192.0.2.1").expect("it fits"));
    let calls = [Call::unknown()];
    let presence = Presence {
        basic,
        service: Some(basic),
        activities,
        ..Presence::new()
    };
    presentity.update(
        Wall::from_unix_millis(1_790_000_000_000),
        presence,
        &calls[usize::from(!in_call)..],
    );
    let mut buf = [0; limits::BODY];
    let states = [Package::Presence, Package::Dialog].map(|package| {
        let body = (served(package).write)(&Scene::alone(&presentity), Baseline::Nothing, &mut buf)
            .expect("it fits");
        let mut document = buf[..body.len].to_vec();
        if let Some(at) = body.version_at {
            document.insert(at, b'0');
        }
        state_of(package, &document)
    });
    (states[0], states[1])
}

#[test]
fn our_own_documents_light_our_own_lamps() /* FIELD 13 */
{
    assert_eq!(
        shown(Basic::Open, Activities::NONE, false),
        (Watched::Idle, Watched::Idle)
    );
    assert_eq!(
        shown(Basic::Open, Activities::ON_THE_PHONE, true),
        (Watched::Busy, Watched::Busy)
    );
    assert_eq!(
        shown(Basic::Closed, Activities::BUSY, true),
        (Watched::Dnd, Watched::Busy)
    );
    assert_eq!(
        shown(Basic::Open, Activities::AWAY, false),
        (Watched::Away, Watched::Idle)
    );
    assert_eq!(
        shown(Basic::Closed, Activities::BUSY.with(Activities::AWAY), true),
        (Watched::Dnd, Watched::Busy)
    );
}

#[test]
fn an_idle_device_says_so() /* F06 */
{
    let mut presentity = Presentity::new(Text::copied("sip:desk@192.0.2.1").expect("it fits"));
    let idle = Presence {
        idle: true,
        activities: Activities::AWAY,
        ..Presence::new()
    };
    presentity.update(Wall::UNSET, idle, &[]);
    let mut buf = [0; limits::BODY];
    let body =
        (served(Package::Presence).write)(&Scene::alone(&presentity), Baseline::Nothing, &mut buf)
            .expect("it fits");
    let text = core::str::from_utf8(&buf[..body.len]).expect("UTF-8");
    let (_, device) = text
        .split_once("<dm:device id=\"phone\">")
        .expect("a device");
    let (input, id) = device.split_once("<dm:deviceID>urn:uuid:").expect("a URN");
    assert_eq!(input, "<rpid:user-input>idle</rpid:user-input>");
    let groups: std::vec::Vec<usize> = id[..36].split('-').map(str::len).collect();
    assert_eq!(groups, [8, 4, 4, 4, 12]);
    assert_eq!(&id[14..15], "8");
    assert!(matches!(&id[19..20], "8" | "9" | "a" | "b"), "{id}");
    assert_eq!(state_of(Package::Presence, &buf[..body.len]), Watched::Away);
}

#[test]
fn our_device_stands_once_in_every_document() /* ATTACKS B05 */
{
    let mut presentity = Presentity::new(Text::copied("sip:desk@192.0.2.1").expect("it fits"));
    for idle in [false, true] {
        for service in [None, Some(Basic::Closed), Some(Basic::Open)] {
            for gone in [false, true] {
                let presence = Presence {
                    idle,
                    service,
                    gone,
                    ..Presence::new()
                };
                presentity.update(Wall::UNSET, presence, &[]);
                let mut buf = [0; limits::BODY];
                let len = write_as(&presentity, "sip:100@pbx.example", &mut buf);
                let text = core::str::from_utf8(&buf[..len.expect("it fits")]).expect("UTF-8");
                assert_eq!(text.matches(presentity.device()).count(), 1, "{text}");
                assert!(text.contains(" entity=\"sip:100@pbx.example\">"), "{text}");
                assert_eq!(text.contains("idle</"), idle);
            }
        }
    }
}
