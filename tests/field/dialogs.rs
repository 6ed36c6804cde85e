//! Calls as servers tell them, and what they tell beside them.

use crate::agent::Agent;
use crate::challenges::REFRESHED;
use crate::message::bare;
use crate::peer::Peer;
use crate::setup::{at, call, calls, desk, lamp, presence, subscribed, watching};

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

/// kamailio/kamailio #2906: behind a proxy that forks, the branches of a call are published under one id. Whatever the
/// order, the answered one counts.
#[test]
fn the_branches_of_a_forked_call_share_an_id() {
    let mut pbx = Peer::new();
    let (agent, mut bob) = subscribed(&mut pbx, "dialog");
    let branch = |state| call("z9hG4bK-77@10.0.0.5", state);
    let (answered, cancelled) = (branch("confirmed"), branch("terminated"));
    for (version, dialogs, state) in [
        (0, String::new(), "idle"),
        (1, cancelled.clone() + &answered, "busy"),
        (2, String::new(), "idle"),
        (3, answered.clone() + &cancelled, "busy"),
        (4, branch("early") + &answered, "ringing"),
        (5, answered + &branch("early"), "ringing"),
        (6, cancelled.clone() + &cancelled, "idle"),
    ] {
        pbx.tell(&mut bob, &calls(version, &dialogs));
        agent.expect_state("blf1", state);
    }
}

/// kamailio/kamailio #55: for phones that expect a dialog in every document there is a dummy, which has no id.
#[test]
fn a_nameless_dummy_stands_beside_the_call() {
    let mut pbx = Peer::new();
    let (agent, mut bob) = subscribed(&mut pbx, "dialog");
    let dummy = "<dialog><state>terminated</state></dialog>";
    let real = "<dialog call-id=\"3c26\" direction=\"recipient\"><state>confirmed</state></dialog>";
    for (version, dialogs, state) in [
        (0, dummy.to_string(), "idle"),
        (1, dummy.to_string() + real, "busy"),
        (2, dummy.to_string(), "idle"),
        (3, real.to_string() + dummy, "busy"),
        (4, String::new(), "idle"),
    ] {
        pbx.tell(&mut bob, &calls(version, &dialogs));
        agent.expect_state("blf1", state);
    }
}

/// kamailio/kamailio #55, OpenSIPS/opensips #3362: there is no record of an extension before its first call. The
/// subscription is active, and its NOTIFY has no body.
#[test]
fn an_extension_without_a_first_call_is_idle() {
    let mut pbx = Peer::new();
    let (agent, mut bob) = subscribed(&mut pbx, "dialog");
    pbx.tell(&mut bob, "");
    agent.expect_state("blf1", "idle");
    expect_no_state_at_the_server(&agent);
    pbx.tell(&mut bob, &calls(0, &call("1", "early")));
    agent.expect_state("blf1", "ringing");
}

/// OpenSIPS/opensips #2854, kamailio/kamailio #1930: a phone loses its power in a call, and what it published runs out.
/// The refresh is answered with a NOTIFY without a body. One that answers nothing tells about the subscription alone.
#[test]
fn a_call_that_ran_out_at_the_server_is_over() {
    let mut pbx = Peer::new();
    let agent = watching(&pbx, "dialog");
    let subscribe = pbx.want("SUBSCRIBE");
    let mut bob = pbx.accept(&subscribe, 10);
    pbx.tell(&mut bob, &calls(0, &call("1", "confirmed")));
    agent.expect_state("blf1", "busy");
    pbx.tell(&mut bob, "");
    agent.expect_state("blf1", "busy");
    let refresh = pbx.want_within("SUBSCRIBE", REFRESHED);
    pbx.renew(&refresh, 300);
    pbx.tell(&mut bob, "");
    agent.expect_state("blf1", "idle");
    expect_no_state_at_the_server(&agent);
}

/// kamailio/kamailio #1930: the same for presence, where no state is no phone.
#[test]
fn a_presence_that_the_server_does_not_know_is_offline() {
    let mut pbx = Peer::new();
    let (agent, mut bob) = subscribed(&mut pbx, "presence");
    pbx.tell(&mut bob, "");
    agent.expect_state("blf1", "offline");
    expect_no_state_at_the_server(&agent);
    pbx.tell(&mut bob, &presence("sip:bob@pbx.test", "open", ""));
    agent.expect_state("blf1", "idle");
}

/// mikopbx/Core #1059: who is it? The party at the other end is the remote one, whichever way the call went.
#[test]
fn the_caller_is_shown() {
    let mut pbx = Peer::new();
    let (agent, mut bob) = subscribed(&mut pbx, "dialog");
    for (version, state, shown) in [
        (0, "early", "ringing"),
        (1, "confirmed", "busy"),
        (2, "terminated", "idle"),
    ] {
        let dialog = format!(
            "<dialog id=\"1\" direction=\"recipient\"><state>{state}</state>\
             <local><identity display=\"Bob\">sip:bob@pbx.test</identity></local>\
             <remote><identity display=\"Ann &amp; Eve\">sip:0550100@pbx.test</identity></remote></dialog>"
        );
        pbx.tell(&mut bob, &calls(version, &dialog));
        agent.expect_state("blf1", shown);
        let is_over = state == "terminated";
        for told in [
            agent.get("/lamps").to_string(),
            agent.why("blf1").to_string(),
            agent.run(&["lamps"]),
            agent.run(&["why", "blf1"]),
        ] {
            for part in ["Ann & Eve", "0550100"] {
                assert_eq!(told.contains(part), !is_over, "{part} in {told}");
            }
        }
    }
    assert!(!agent.log().contains("0550100"), "{}", agent.log());
}

/// `why` says why the lamp shows what nobody told.
#[track_caller]
fn expect_no_state_at_the_server(agent: &Agent) {
    let why = agent.run(&["why", "blf1"]);
    assert!(why.contains("the server knows no state"), "{why}");
}
