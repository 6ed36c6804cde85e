//! Calls as servers tell them, and what they tell beside them.

use crate::message::bare;
use crate::peer::Peer;
use crate::setup::{at, call, calls, desk, lamp, subscribed};

/// signalwire/freeswitch #1772, asterisk/asterisk #803: parameters behind the brackets of a Route, a target without a
/// scheme, and the caller both in `remote` and in `local`.
#[test]
fn a_pickup_group_rings_with_odd_routes_and_targets() {
    let mut pbx = Peer::new();
    let (agent, mut bob) = subscribed(&mut pbx, "dialog");
    let ringing = calls(
        17,
        "<dialog id=\"7040\" call-id=\"pickup-1\" local-tag=\"DF-5C\" remote-tag=\"as79\" direction=\"recipient\">\
         <remote><identity display=\"A &amp; B\">sip:1332@pbx.test</identity><target uri=\"1334@pbx.test\"/></remote>\
         <local><identity>sip:1334@pbx.test</identity><target uri=\"1334@pbx.test\">\
         <param pname=\"+sip.rendering\" pvalue=\"yes\"/></target></local><state>early</state></dialog>",
    );
    let notify = bob.notify(&ringing);
    let notify = notify.replace("CSeq: 1 ", "CSeq: 983549051 ").replace(
        "Event: ",
        "Route: <sip:127.0.0.1:21714>;transport=udp\r\n\
         Allow-Events: talk, hold, conference, as-feature-event, dialog, line-seize, call-info, sla\r\n\
         Event: ",
    );
    assert_eq!(pbx.ask(bob.agent, &notify).status(), 200);
    agent.expect_state("blf1", "ringing");
}

/// Metaswitch/sprout #828, FreePBX/issue-tracker #667, pjsip/pjproject #1156: a bracket inside an attribute, tags that
/// do not match.
#[test]
fn a_document_that_is_no_xml_leaves_no_old_colour() {
    let mut pbx = Peer::new();
    let table = lamp(
        "blf1",
        "sip:bob@pbx.test",
        "dialog",
        &(at(&pbx) + "\ngrace = 1"),
    );
    let agent = desk(&table);
    let subscribe = pbx.want("SUBSCRIBE");
    let mut bob = pbx.accept(&subscribe, 300);
    pbx.tell(&mut bob, &calls(0, &call("1", "confirmed")));
    agent.expect_state("blf1", "busy");
    let notify = bob.notify(&calls(1, &call("<urn:gsma:imei:35>:1", "terminated")));
    assert_eq!(pbx.ask(bob.agent, &notify).status(), 400);
    agent.expect_state("blf1", "unknown");
    pbx.tell(&mut bob, &calls(2, ""));
    agent.expect_state("blf1", "idle");
}

/// fusionpbx/fusionpbx #1701, signalwire/freeswitch #1728, usecallmanagernz/patches #39, 2600hz/kazoo #1527: call
/// flows, parking places, agents, star codes, a number with a hash.
#[test]
fn features_are_watched_like_extensions() {
    const USERS: [&str; 8] = [
        "flow+401",
        "park+*5901",
        "*97",
        "4570%23",
        "agent+100",
        ".c!x",
        "70&5",
        "%2A21",
    ];
    for users in USERS.chunks(4) {
        let mut pbx = Peer::new();
        let target = |user: &str| format!("sip:{user}@pbx.test");
        let tables = (1..).zip(users).map(|(number, user)| {
            lamp(&format!("blf{number}"), &target(user), "dialog", &at(&pbx))
        });
        let agent = desk(&tables.collect::<String>());
        for _ in users {
            let subscribe = pbx.want("SUBSCRIBE");
            let user = users
                .iter()
                .position(|user| target(user) == subscribe.uri());
            let user = user.unwrap_or_else(|| panic!("asks {}", subscribe.uri()));
            assert_eq!(bare(subscribe.header("To")), subscribe.uri());
            let id = users[user].replace('&', "&amp;");
            let mut feature = pbx.accept(&subscribe, 300);
            pbx.tell(&mut feature, &calls(0, &call(&id, "confirmed")));
            agent.expect_state(&format!("blf{}", user + 1), "busy");
        }
    }
}
