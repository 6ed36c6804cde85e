//! Servers that want to be told otherwise than by presence.

use super::fixture::*;
use crate::events::party::Party;
use crate::events::presentity::{Call, Names, Presence};
use crate::ground::text::Text;
use crate::wire::doc::dialog_info::State;
use crate::wire::doc::pidf::{Activities, Basic};

const ASTERISK: Plan<'static> = Plan {
    dialect: Some(Dialect::Asterisk),
    ..PUBLISHES
};

const FREESWITCH: Plan<'static> = Plan {
    dialect: Some(Dialect::FreeSwitch),
    ..PUBLISHES
};

/// Registers, and publishes as the server takes it.
const REGISTERS_TOO: Plan<'static> = Plan {
    dialect: None,
    ..PLAN
};

/// The same without a registration.
const AUTO: Plan<'static> = Plan {
    dialect: None,
    ..PUBLISHES
};

const NAMED_ASTERISK: &str = "Server: Asterisk PBX 22.10.0\r\n";

fn dnd() -> Presence {
    Presence {
        basic: Basic::Closed,
        service: Some(Basic::Closed),
        activities: Activities::BUSY,
        note: Text::copied("Do not disturb").expect("short"),
        ..Presence::new()
    }
}

fn call() -> Presence {
    Presence {
        activities: Activities::ON_THE_PHONE,
        note: Text::copied("On the phone").expect("short"),
        ..Presence::new()
    }
}

/// The device and its state in a PUBLISH to an Asterisk.
#[track_caller]
fn state(sent: &Sent) -> (String, String) {
    assert_eq!(sent.header("Event"), "asterisk-devicestate");
    assert_eq!(sent.header("Content-Type"), "application/json");
    assert_eq!(sent.uri(), "sip:desk@pbx.example");
    let value = |key: &str| {
        let (_, rest) = sent
            .body()
            .split_once(&format!("\"{key}\":\""))
            .expect("the key");
        String::from(rest.split('"').next().expect("its end"))
    };
    assert_eq!(value("type"), "devicestate");
    assert!(sent.body().contains("\"cachable\":1"));
    assert_eq!(value("eid").len(), 17);
    (value("device"), value("state"))
}

/// What is told now, device by device, each accepted.
#[track_caller]
fn states(f: &mut Fixture) -> Vec<String> {
    let mut told = Vec::new();
    while let Some(sent) = f.next(Duration::ZERO) {
        let (device, state) = state(&sent);
        told.push(format!("{device} {state}"));
        f.accept(&sent);
    }
    told
}

/// An Asterisk that knows both devices.
fn standing() -> Fixture {
    let mut f = Fixture::waiting(&ASTERISK);
    let first = f.expect("PUBLISH", secs(1));
    assert_eq!(first.try_header("SIP-If-Match"), None);
    assert_eq!(state(&first), ("Custom:DNDdesk".into(), "NOT_INUSE".into()));
    f.accept(&first);
    assert_eq!(states(&mut f), ["Custom:HOOKdesk NOT_INUSE"]);
    assert!(f.is_published());
    f
}

#[test]
fn an_asterisk_is_told_the_states_of_devices_in_one_publication() {
    let mut f = standing();
    assert_eq!(f.report().dialect, Some("asterisk"));
    f.turn(dnd());
    assert_eq!(states(&mut f), ["Custom:DNDdesk BUSY"]);
    f.turn(call());
    assert_eq!(
        states(&mut f),
        ["Custom:DNDdesk NOT_INUSE", "Custom:HOOKdesk INUSE"]
    );
    // A note is nothing to it: no more than a refresh.
    f.change("lunch");
    assert_eq!(states(&mut f), ["Custom:HOOKdesk NOT_INUSE"]);
    f.change("dinner");
    if let Some(sent) = f.next(Duration::ZERO) {
        assert_eq!(sent.body(), "");
        f.accept(&sent);
    }
    let refresh = f.expect("PUBLISH", secs(600));
    assert!(refresh.body().is_empty() && refresh.try_header("SIP-If-Match").is_some());
}

#[test]
fn an_asterisk_that_has_forgotten_is_told_of_every_device() {
    let mut f = standing();
    f.turn(dnd());
    states(&mut f);
    let refresh = f.expect("PUBLISH", secs(600));
    assert!(f.answer(&refresh, 412, ""), "it was restarted");
    let both = ["Custom:DNDdesk BUSY", "Custom:HOOKdesk NOT_INUSE"];
    assert_eq!(states(&mut f), both);
    // So is one of which nobody knows what it has heard.
    f.turn(Presence::new());
    let sent = f.expect("PUBLISH", Duration::ZERO);
    f.answer(&sent, 500, "");
    let sent = f.expect("PUBLISH", secs(200));
    assert_eq!(state(&sent), ("Custom:DNDdesk".into(), "NOT_INUSE".into()));
    f.accept(&sent);
    assert_eq!(states(&mut f), ["Custom:HOOKdesk NOT_INUSE"]);
}

#[test]
fn an_asterisk_keeps_the_last_word_so_that_is_that_nothing_is_left() {
    let mut f = standing();
    f.turn(dnd());
    states(&mut f);
    f.links.stop(f.now);
    let sent = f.expect("PUBLISH", Duration::ZERO);
    assert_eq!(state(&sent), ("Custom:DNDdesk".into(), "NOT_INUSE".into()));
    assert_eq!(sent.expires(), 600);
    let row = "WWW-Authenticate: Digest realm=\"pbx\", nonce=\"n1\", qop=\"auth\"\r\n";
    f.answer(&sent, 401, row);
    let sent = f.expect("PUBLISH", Duration::ZERO);
    assert_eq!(state(&sent), ("Custom:DNDdesk".into(), "NOT_INUSE".into()));
    f.accept(&sent);
    let last = f.expect("PUBLISH", Duration::ZERO);
    assert_eq!((last.expires(), last.body()), (0, ""));
    f.answer(&last, 200, "SIP-ETag: 9\r\nExpires: 0\r\n");
    assert!(f.links.is_idle());
    f.expect_silence(secs(1_000));
}

#[test]
fn a_last_word_that_is_refused_or_unheard_is_the_last() {
    for status in [403, 412, 489, 500, 503, 0] {
        let mut f = standing();
        f.turn(dnd());
        states(&mut f);
        f.links.stop(f.now);
        let sent = f.expect("PUBLISH", Duration::ZERO);
        if status > 0 {
            f.answer(&sent, status, "");
        } else {
            f.run(secs(33));
        }
        assert!(f.links.is_idle(), "{status}");
        f.expect_silence(secs(1_000));
    }
}

#[test]
fn an_asterisk_is_told_as_the_same_instance_after_every_restart() {
    let mut one = Fixture::waiting(&ASTERISK);
    let mut other = Fixture::waiting(&Plan {
        seed: 9,
        ..ASTERISK
    });
    other.links.set_instance([7, 7]);
    let (one, other) = (
        one.expect("PUBLISH", secs(1)),
        other.expect("PUBLISH", secs(1)),
    );
    assert_eq!(one.body(), other.body());
}

#[test]
fn a_freeswitch_is_never_told_closed_and_finds_the_note_in_the_person() {
    let mut f = Fixture::standing(&FREESWITCH);
    for (presence, activity, note) in [
        (dnd(), "<rpid:activities><rpid:busy/>", "Do not disturb"),
        (
            call(),
            "<rpid:activities><rpid:on-the-phone/>",
            "On the phone",
        ),
    ] {
        f.turn(presence);
        let sent = f.expect("PUBLISH", Duration::ZERO);
        let body = sent.body();
        assert_eq!(sent.header("Event"), "presence");
        assert!(body.contains("<basic>open</basic>"), "{body}");
        let (_, person) = body.split_once("<dm:person").expect("a person");
        assert!(person.contains(activity), "{body}");
        assert!(
            person.contains(&format!("<dm:note>{note}</dm:note></dm:person>")),
            "{body}"
        );
        f.accept(&sent);
    }
    // It keeps what it was told last, however long that may hold.
    f.links.stop(f.now);
    let sent = f.expect("PUBLISH", Duration::ZERO);
    assert!(sent.body().contains("<basic>open</basic>") && !sent.body().contains("activities"));
    f.accept(&sent);
    let last = f.expect("PUBLISH", Duration::ZERO);
    assert_eq!((last.expires(), last.body()), (0, ""));
    f.answer(&last, 200, "");
    assert!(f.links.is_idle());
}

#[test]
fn a_freeswitch_hears_closed_only_of_a_phone_that_is_not_there() {
    let mut f = Fixture::standing(&FREESWITCH);
    f.turn(Presence {
        gone: true,
        ..Presence::closed()
    });
    let sent = f.expect("PUBLISH", Duration::ZERO);
    assert!(sent.body().contains("<basic>closed</basic>"));
}

#[test]
fn the_name_in_the_answer_to_a_register_says_which_dialect_is_spoken() {
    for (row, event) in [
        (NAMED_ASTERISK, "asterisk-devicestate"),
        ("Server: FPBX-16.0.40.7(20.5.0)\r\n", "asterisk-devicestate"),
        ("User-Agent: FreeSWITCH-mod_sofia/1.10.12\r\n", "presence"),
        ("Server: kamailio (5.6.3 (x86_64/linux))\r\n", "presence"),
        ("", "presence"),
    ] {
        let mut f = Fixture::waiting(&REGISTERS_TOO);
        f.turn(dnd());
        let sent = f.expect("REGISTER", secs(1));
        let rows = format!(
            "{row}Contact: {}\r\nExpires: 600\r\n",
            sent.header("Contact")
        );
        f.answer(&sent, 200, &rows);
        let sent = f.expect("PUBLISH", Duration::ZERO);
        assert_eq!(sent.header("Event"), event, "{row}");
        let is_open = sent.body().contains("<basic>open");
        assert_eq!(is_open, row.contains("FreeSWITCH"), "{row}");
    }
}

#[test]
fn who_only_publishes_learns_the_name_from_a_challenge_or_a_refusal() {
    let challenge = "WWW-Authenticate: Digest realm=\"pbx\", nonce=\"n1\", qop=\"auth\"\r\n";
    for (code, rows) in [(401, challenge), (489, "")] {
        let mut f = Fixture::waiting(&AUTO);
        let sent = f.expect("PUBLISH", secs(1));
        assert_eq!(sent.header("Event"), "presence");
        f.answer(&sent, code, &format!("{NAMED_ASTERISK}{rows}"));
        let sent = f.expect("PUBLISH", Duration::ZERO);
        state(&sent);
        assert_eq!(sent.try_header("Authorization").is_some(), code == 401);
    }
}

#[test]
fn a_server_without_a_name_is_tried_in_another_dialect_and_asked_again_later() {
    let mut f = Fixture::waiting(&AUTO);
    let sent = f.expect("PUBLISH", secs(1));
    f.answer(&sent, 489, "");
    let sent = f.expect("PUBLISH", Duration::ZERO);
    state(&sent);
    f.answer(&sent, 489, "");
    assert_eq!(f.report().publication, Stands::Refused);
    f.expect_silence(secs(44));
    let sent = f.expect("PUBLISH", secs(32));
    assert_eq!(sent.header("Event"), "presence");
    // One that is found is kept, whatever becomes of a single request.
    f.answer(&sent, 489, "");
    let sent = f.expect("PUBLISH", Duration::ZERO);
    f.accept(&sent);
    states(&mut f);
    assert!(f.is_published());
    let sent = f.expect("PUBLISH", secs(600));
    f.answer(&sent, 500, "");
    state(&f.expect("PUBLISH", secs(200)));
}

#[test]
fn an_asterisk_that_has_no_such_publication_is_asked_for_it_again() {
    let mut f = Fixture::waiting(&AUTO);
    let sent = f.expect("PUBLISH", secs(1));
    f.answer(&sent, 489, NAMED_ASTERISK);
    let sent = f.expect("PUBLISH", Duration::ZERO);
    f.answer(&sent, 404, NAMED_ASTERISK);
    assert_eq!(f.report().why, "it has no inbound-publication of that name");
    f.expect_silence(secs(44));
    state(&f.expect("PUBLISH", secs(32)));
}

#[test]
fn a_dialect_that_works_is_not_given_up_for_a_name() {
    let mut f = Fixture::standing(&AUTO);
    f.change("lunch");
    let sent = f.expect("PUBLISH", Duration::ZERO);
    let rows = format!("{NAMED_ASTERISK}SIP-ETag: e9\r\nExpires: 600\r\n");
    f.answer(&sent, 200, &rows);
    f.change("dinner");
    assert_eq!(
        f.expect("PUBLISH", Duration::ZERO).header("Event"),
        "presence"
    );
}

#[test]
fn a_dialect_that_was_chosen_is_the_only_one() {
    for (plan, event) in [
        (&ASTERISK, "asterisk-devicestate"),
        (
            &Plan {
                dialect: Some(Dialect::Presence),
                ..PUBLISHES
            },
            "presence",
        ),
    ] {
        let mut f = Fixture::waiting(plan);
        let sent = f.expect("PUBLISH", secs(1));
        f.answer(&sent, 489, "Server: FreeSWITCH\r\n");
        f.expect_silence(secs(44));
        assert_eq!(f.expect("PUBLISH", secs(32)).header("Event"), event);
    }
}

#[test]
fn a_server_that_takes_no_presence_and_has_features_is_said_to_want_them_asked_for() {
    let mut f = Fixture::waiting(&REGISTERS_TOO);
    let sent = f.expect("REGISTER", secs(1));
    let rows = format!(
        "Allow-Events: call-info, as-feature-event,dialog\r\nContact: {}\r\nExpires: 600\r\n",
        sent.header("Contact")
    );
    f.answer(&sent, 200, &rows);
    for _ in 0..2 {
        let sent = f.expect("PUBLISH", Duration::ZERO);
        f.answer(&sent, 405, "");
    }
    assert_eq!(
        f.report().why,
        "it keeps do-not-disturb itself: publish = \"feature\""
    );
}

fn a_call(state: State, is_held: bool) -> Call {
    Call {
        key: 7,
        state,
        is_held,
        direction: None,
        ending: None,
        party: Party::NOBODY,
        names: Names::default(),
    }
}

#[test]
fn an_asterisk_hears_how_far_a_call_is_though_a_note_of_the_owner_stays() {
    let mut f = standing();
    f.links.set_pace(Pace::UNLIMITED);
    for (state, is_held, presence, expected) in [
        (State::Early, false, Presence::new(), "RINGING"),
        (State::Confirmed, false, call(), "INUSE"),
        (State::Confirmed, true, call(), "ONHOLD"),
        (State::Confirmed, false, call(), "INUSE"),
    ] {
        f.turn_with(presence, &[a_call(state, is_held)]);
        assert_eq!(states(&mut f), [format!("Custom:HOOKdesk {expected}")]);
    }
    // Do-not-disturb that looks like a call is none.
    f.turn_with(dnd(), &[a_call(State::Confirmed, false)]);
    let both = ["Custom:DNDdesk BUSY", "Custom:HOOKdesk NOT_INUSE"];
    assert_eq!(states(&mut f), both);
}
