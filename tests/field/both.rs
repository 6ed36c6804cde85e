//! One lamp for the calls and the presence of a person.

use crate::agent::Agent;
use crate::message::Message;
use crate::peer::{Peer, Subscription};
use crate::process::SOON;
use crate::setup::{at, call, calls, desk, lamp, presence};

const BOB: &str = "sip:bob@pbx.test";

/// tomek-o/tSIP #20, BelledonneCommunications/linphone-desktop #1006: in `dialog` an extension that is free looks like one
/// whose phone is off. Presence knows, and a call wins over it.
#[test]
fn a_free_extension_and_one_without_a_phone_differ() {
    let mut pbx = Peer::new();
    let agent = watching_both(&pbx);
    let mut dialogs = granted(&mut pbx, "dialog");
    let mut person = granted(&mut pbx, "presence");
    let away = "<dm:person id=\"p\"><rpid:activities><rpid:away/></rpid:activities></dm:person>";
    let unavailable = presence(BOB, "closed", "<note>Unavailable</note>");
    pbx.tell(&mut dialogs, &calls(0, ""));
    pbx.tell(&mut person, &presence(BOB, "open", ""));
    agent.expect_state("blf1", "idle");
    pbx.tell(&mut person, &presence(BOB, "open", away));
    agent.expect_state("blf1", "away");
    pbx.tell(&mut dialogs, &calls(1, &call("1", "early")));
    agent.expect_state("blf1", "ringing");
    pbx.tell(&mut dialogs, &calls(2, &call("1", "terminated")));
    agent.expect_state("blf1", "away");
    pbx.tell(&mut person, &unavailable);
    agent.expect_state("blf1", "offline");
}

/// irontec/ivozprovider #2638: a server that has one of the packages leaves the lamp to it.
#[test]
fn a_server_of_calls_alone_lights_the_lamp() {
    let mut pbx = Peer::new();
    let agent = watching_both(&pbx);
    let mut dialogs = granted(&mut pbx, "dialog");
    let refused = asked(&mut pbx, "presence");
    pbx.answer(&refused, "489 Bad Event", "Allow-Events: dialog\r\n");
    pbx.tell(&mut dialogs, &calls(0, &call("1", "confirmed")));
    agent.expect_state("blf1", "busy");
    pbx.tell(&mut dialogs, &calls(1, ""));
    agent.expect_state("blf1", "idle");
}

fn watching_both(pbx: &Peer) -> Agent {
    desk(&lamp("blf1", BOB, "both", &at(pbx)))
}

#[track_caller]
fn granted(pbx: &mut Peer, event: &str) -> Subscription {
    let subscribe = asked(pbx, event);
    pbx.accept(&subscribe, 300)
}

/// The SUBSCRIBE for that package.
#[track_caller]
fn asked(pbx: &mut Peer, event: &str) -> Message {
    let found = pbx.look_for(SOON, |it| it.is("SUBSCRIBE") && it.header("Event") == event);
    found.unwrap_or_else(|| panic!("no SUBSCRIBE for {event}"))
}
