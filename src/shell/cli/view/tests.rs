//! Each listing, from the JSON that the agent gives.

use super::*;
use serde_json::json;

#[test]
fn lamps_stand_in_columns() {
    let text = lamps(&json!([
        {"name": "blf1", "look": "red", "watches": "sip:desk@127.0.0.1", "state": "dnd",
         "since": "2026-11-20T11:00:00Z", "since_s": 75},
        {"name": "blf2", "look": "off", "watches": null, "state": null, "since": null,
         "since_s": 4000},
        {"name": "dnd", "look": "off", "shows": "dnd", "watches": null, "presentity": "sip:a@b",
         "state": "idle", "since": null, "since_s": 5},
        {"name": "ok", "look": "green", "shows": "health", "state": "idle", "since_s": 0},
    ]));
    assert_eq!(
        text,
        "LAMP  LOOK   STATE  SINCE       SHOWS\n\
         blf1  red    dnd    1 min 15 s  sip:desk@127.0.0.1\n\
         blf2  off    -      1 h 6 min   -\n\
         dnd   off    idle   5 s         dnd of sip:a@b\n\
         ok    green  idle   0 s         health\n"
    );
}

#[test]
fn status_shows_presentities_and_counts() {
    let text = status(&json!({
        "version": "0.1.0", "uptime_s": 90_000, "listen": ["udp:127.0.0.1:5060"],
        "presentities": [{"uri": "sip:desk@127.0.0.1", "basic": "open", "activities":
            ["on-the-phone", "meeting"], "note": ""}],
        "subscriptions": [{}, {}], "watches": [{}], "publications": 0, "registrations": 1,
    }));
    assert_eq!(
        text,
        "lampfield 0.1.0, up 1 d 1 h\nlistens on udp:127.0.0.1:5060\n\n\
         PRESENTITY          BASIC  ACTIVITIES             NOTE\n\
         sip:desk@127.0.0.1  open   on-the-phone, meeting  -\n\n\
         subscriptions  2\nwatches        1\npublications   0\nregistrations  1\n"
    );
}

#[test]
fn watchers_are_listed_or_said_to_be_none() {
    assert_eq!(watchers(&json!([])), "nobody watches\n");
    let text = watchers(
        &json!([{"presentity": "sip:a@b", "watcher": "sip:\u{1b}[2J@c",
        "user": null, "package": "dialog", "state": "active", "expires_s": 59,
        "remote": "10.0.0.1:5060"},
        {"presentity": "sip:a@b", "watcher": "sip:ann@c", "user": "ann", "package": "dialog",
        "state": "active", "expires_s": 59, "remote": "10.0.0.1:5060"}]),
    );
    assert_eq!(
        text,
        "WATCHER          USER  PRESENTITY  EVENT   STATE   EXPIRES  ADDRESS\n\
         sip:\\u{1b}[2J@c  -     sip:a@b     dialog  active  59 s     10.0.0.1:5060\n\
         sip:ann@c        ann   sip:a@b     dialog  active  59 s     10.0.0.1:5060\n"
    );
}

#[test]
fn registrations_are_listed_or_said_to_be_none() {
    assert_eq!(registrations(&json!([])), "nobody is registered\n");
    let text = registrations(
        &json!([{"presentity": "sip:a@b", "contact": "sip:a@10.0.0.1:5062", "expires_s": 59,
        "remote": "10.0.0.1:5062"}]),
    );
    assert_eq!(
        text,
        "PRESENTITY  CONTACT              EXPIRES  ADDRESS\n\
         sip:a@b     sip:a@10.0.0.1:5062  59 s     10.0.0.1:5062\n"
    );
}

#[test]
fn publications_are_listed_or_said_to_be_none() {
    assert_eq!(publications(&json!([])), "nobody publishes\n");
    let text = publications(
        &json!([{"presentity": "sip:a@b", "event": "presence", "publisher": "sip:a@c",
        "basic": "closed", "activities": ["busy", "meeting"], "note": null, "since_s": 61,
        "expires_s": 59, "remote": "10.0.0.1:5060"}]),
    );
    assert_eq!(
        text,
        "PRESENTITY  EVENT     BASIC   ACTIVITIES     NOTE  SINCE      EXPIRES  PUBLISHER  ADDRESS\n\
         sip:a@b     presence  closed  busy, meeting  -     1 min 1 s  59 s     sip:a@c    10.0.0.1:5060\n"
    );
}

#[test]
fn status_ends_with_the_lines_that_do_not_work() {
    let text = status(&json!({"troubles": [
        {"place": "boards/x.toml:12", "line": "gpio:GPIO17", "part": "button", "name": "hook",
        "what": "is taken by \"gpio-keys\"", "remedy": "name another line"},
        {"place": "boards/x.toml:20", "line": "led:a", "part": "red", "name": "blf1",
        "what": "is not there", "remedy": "load its driver"}]}));
    let (_, troubles) = text.split_once("\n\nboards").expect("troubles");
    assert_eq!(
        troubles,
        "/x.toml:12: the line gpio:GPIO17 of button \"hook\" is taken by \"gpio-keys\"\n  \
         remedy: name another line\n\n\
         boards/x.toml:20: the line led:a of lamp \"blf1\" is not there\n  \
         remedy: load its driver\n"
    );
}

#[test]
fn why_tells_the_look_the_rule_and_the_subscription() {
    let text = why(&json!({
        "lamp": {"name": "blf1", "look": "amber slow", "state": "unknown", "since_s": 3},
        "rule": "the default look", "grace_left_s": null,
        "watch": {"target": "sip:bob@pbx", "package": "dialog", "state": "waiting",
            "remote": "10.0.0.5:5060", "last_status": 503, "last_reason": "",
            "doubt": "not confirmed", "confirmed_s": 62,
            "last_notify_s": 61, "broken_s": 33, "expires_s": null, "next_s": 12}
    }));
    assert_eq!(
        text,
        "blf1 shows amber slow: unknown (the default look)\n\
         since          3 s ago\n\
         watches        sip:bob@pbx (dialog)\n\
         subscription   waiting\n\
         peer           10.0.0.5:5060\n\
         last answer    503\n\
         doubt          not confirmed\n\
         last NOTIFY    1 min 1 s ago\n\
         confirmed      1 min 2 s ago\n\
         broken for     33 s\n\
         next attempt   12 s\n"
    );
    let told = why(&json!({
        "lamp": {"name": "blf1", "look": "amber slow", "state": "unknown", "since_s": 3},
        "rule": "the default look", "cause": "nobody is there", "remedy": "go there",
        "watch": null
    }));
    assert_eq!(
        told,
        "blf1 shows amber slow: unknown (the default look)\nsince          3 s ago\n\
         cause          nobody is there\nremedy         go there\n"
    );
    let nobody = why(&json!({
        "lamp": {"name": "blf2", "look": "off", "state": null, "since_s": 5},
        "rule": "it watches nobody", "watch": null
    }));
    assert_eq!(
        nobody,
        "blf2 shows off: it watches nobody\nsince          5 s ago\n"
    );
}

#[test]
fn what_is_missing_or_strange_shows_as_a_dash() {
    assert_eq!(lamps(&json!("x")), "LAMP  LOOK  STATE  SINCE  SHOWS\n");
    assert_eq!(
        lamps(&json!([{}, 5])),
        "LAMP  LOOK  STATE  SINCE  SHOWS\n-     -     -      -      -\n-     -     -      -      -\n"
    );
}

#[test]
fn times_have_at_most_two_units() {
    for (seconds, text) in [
        (0, "0 s"),
        (59, "59 s"),
        (60, "1 min 0 s"),
        (3_599, "59 min 59 s"),
        (3_600, "1 h 0 min"),
        (86_400, "1 d 0 h"),
        (u64::MAX, "213503982334601 d 7 h"),
    ] {
        assert_eq!(lasting(seconds), text);
    }
}

#[test]
fn a_call_is_listed_with_its_other_party() {
    let ringing = json!({"name": "blf1", "look": "red fast", "watches": "sip:bob@pbx", "state": "ringing",
        "party": {"display": "Front \u{1b}[2J", "uri": "sip:301@pbx"}, "since": "2026-11-20T11:00:00Z",
        "since_s": 5});
    let talking = json!({"name": "blf2", "look": "red", "watches": "sip:ann@pbx", "state": "busy",
        "party": {"display": null, "uri": "sip:302@pbx"}, "since_s": 6});
    let idle = json!({"name": "blf3", "look": "green", "watches": "sip:cid@pbx", "state": "idle",
        "party": null, "since_s": 7});
    assert_eq!(
        lamps(&json!([ringing, talking, idle])),
        "LAMP  LOOK      STATE    SINCE  SHOWS        PARTY\n\
         blf1  red fast  ringing  5 s    sip:bob@pbx  Front \\u{1b}[2J <sip:301@pbx>\n\
         blf2  red       busy     6 s    sip:ann@pbx  sip:302@pbx\n\
         blf3  green     idle     7 s    sip:cid@pbx\n"
    );
    assert_eq!(
        lamp(&talking),
        "-  blf2    red         busy        sip:ann@pbx  sip:302@pbx"
    );
    assert_eq!(
        lamp(&idle),
        "-  blf3    green       idle        sip:cid@pbx"
    );
    let text = why(&json!({"lamp": ringing, "rule": "the default look", "watch": null}));
    assert_eq!(
        text,
        "blf1 shows red fast: ringing (the default look)\nsince          5 s ago\n\
         party          Front \\u{1b}[2J <sip:301@pbx>\n"
    );
    let name_alone = json!({"party": {"display": "Gate", "uri": null}});
    assert!(lamp(&name_alone).ends_with("-  Gate"));
}

#[test]
fn why_tells_of_two_subscriptions_in_a_paragraph_each() {
    let watch = |package: &str, watched: &str| {
        json!({"target": "sip:bob@pbx", "package": package,
        "watched": watched, "state": "active"})
    };
    let text = why(&json!({
        "lamp": {"name": "blf1", "look": "amber", "state": "away", "since_s": 3},
        "rule": "the default look", "watch": watch("dialog", "idle"),
        "presence": watch("presence", "away")
    }));
    let (_, paragraphs) = text.split_once("\n\n").expect("a blank line");
    assert_eq!(
        paragraphs,
        "watches        sip:bob@pbx (dialog)\ntells          idle\nsubscription   active\n\n\
         watches        sip:bob@pbx (presence)\ntells          away\nsubscription   active\n"
    );
}

#[test]
fn letters_that_hide_others_are_written_out() /* ATTACKS I03 */
{
    let text = watchers(
        &json!([{"presentity": "sip:a@b", "watcher": "sip:\u{202e}bob\u{200b}@c\u{1b}[2J",
        "package": "presence", "state": "active", "expires_s": 9, "remote": "10.0.0.1:5060"}]),
    );
    assert!(
        text.contains("sip:\\u{202e}bob\\u{200b}@c\\u{1b}[2J"),
        "{text}"
    );
}

#[test]
fn status_names_those_who_have_the_places_once_somebody_got_none() {
    let taken = [
        json!({"remote": "10.1.0.66:4000", "whose": "peer", "since_s": 61}),
        json!({"remote": "10.1.0.5:5060", "whose": "ours", "since_s": 5}),
    ];
    let told = |refused: u64| {
        let places = json!({"places": 8, "refused": refused, "taken": taken});
        status(&json!({ "connections": places }))
    };
    assert!(
        told(0).ends_with("\nconnections    2 of 8 places\n"),
        "{}",
        told(0)
    );
    assert!(
        told(3).ends_with(
            "\nconnections    2 of 8 places, 3 refused\n               \
             peer      10.1.0.66:4000  1 min 1 s\n               \
             ours      10.1.0.5:5060  5 s\n"
        ),
        "{}",
        told(3)
    );
}
