//! How subscriptions end.

use crate::challenges::REFRESHED;
use crate::peer::Peer;
use crate::process::SOON;
use crate::setup::{at, calls, desk, lamp, presence, subscribed, watching};

/// onsip/SIP.js #234: the phone went on in the dialog that was over. The last NOTIFY names a type, and has no body.
#[test]
fn a_subscription_that_timed_out_is_made_anew() {
    let mut pbx = Peer::new();
    let (agent, mut bob) = subscribed(&mut pbx, "presence");
    let open = presence("sip:bob@pbx.test", "open", "");
    pbx.tell(&mut bob, &open);
    agent.expect_state("blf1", "idle");
    let last = bob.notify_in("terminated;reason=timeout", "").replace(
        "Content-Length: ",
        "Content-Type: application/epresence+json\r\nContent-Length: ",
    );
    assert_eq!(pbx.ask(bob.agent, &last).status(), 200);
    let subscribe = pbx.want("SUBSCRIBE");
    assert!(
        !bob.has(&subscribe) && !subscribe.is_in_dialog(),
        "{}",
        subscribe.text
    );
    let mut again = pbx.accept(&subscribe, 300);
    pbx.tell(&mut again, &open);
    agent.expect_state("blf1", "idle");
}

/// signalwire/freeswitch #1532: FreeSWITCH says so of an extension that is there, when a subscription merely lapsed.
#[test]
fn no_resource_is_asked_about_once_more() {
    let mut pbx = Peer::new();
    let (agent, mut bob) = subscribed(&mut pbx, "dialog");
    pbx.tell(&mut bob, &calls(0, ""));
    agent.expect_state("blf1", "idle");
    let last = bob.notify_in("terminated;reason=noresource", "");
    assert_eq!(pbx.ask(bob.agent, &last).status(), 200);
    let subscribe = pbx.want("SUBSCRIBE");
    assert!(
        !bob.has(&subscribe) && !subscribe.is_in_dialog(),
        "{}",
        subscribe.text
    );
    let mut bob = pbx.accept(&subscribe, 300);
    pbx.tell(&mut bob, &calls(0, ""));
    agent.expect_state("blf1", "idle");
}

/// signalwire/freeswitch #1532: an extension that was deleted. It is asked about once more, and then seldom.
#[test]
fn no_resource_is_believed_the_second_time() {
    let mut pbx = Peer::new();
    let (agent, mut bob) = subscribed(&mut pbx, "dialog");
    pbx.tell(&mut bob, &calls(0, ""));
    let last = bob.notify_in("terminated;reason=noresource", "");
    assert_eq!(pbx.ask(bob.agent, &last).status(), 200);
    let subscribe = pbx.want("SUBSCRIBE");
    let mut bob = pbx.accept(&subscribe, 300);
    let last = bob.notify_in("terminated;reason=noresource", "");
    assert_eq!(pbx.ask(bob.agent, &last).status(), 200);
    agent.expect_state("blf1", "offline");
    let next = agent.why("blf1")["watch"]["next_s"].as_u64();
    assert!(next.is_some_and(|next| next > 600), "{next:?}");
}

/// signalwire/freeswitch #1532: the same said by an answer to the refresh.
#[test]
fn a_refresh_that_finds_nobody_is_followed_by_a_new_subscription() {
    let mut pbx = Peer::new();
    let agent = watching(&pbx, "dialog");
    let subscribe = pbx.want("SUBSCRIBE");
    let mut bob = pbx.accept(&subscribe, 10);
    pbx.tell(&mut bob, &calls(0, ""));
    let refresh = pbx.want_within("SUBSCRIBE", REFRESHED);
    pbx.answer(&refresh, "404 Not Found", "");
    let subscribe = pbx.want("SUBSCRIBE");
    assert!(
        !bob.has(&subscribe) && !subscribe.is_in_dialog(),
        "{}",
        subscribe.text
    );
    let mut bob = pbx.accept(&subscribe, 300);
    pbx.tell(&mut bob, &calls(0, ""));
    agent.expect_state("blf1", "idle");
}

/// pjsip/pjproject #4474 and #623, irontec/ivozprovider #536, and baresip as it is packaged: there are many ways to say
/// that a package is not served.
#[test]
fn whoever_does_not_tell_calls_is_asked_for_presence() {
    for refusal in [
        "489 Bad Event",
        "400 Bad Request",
        "404 Not Found",
        "405 Method Not Allowed",
        "415 Unsupported Media Type",
        "501 Not Implemented",
    ] {
        let mut pbx = Peer::new();
        let more = at(&pbx) + "\nfallback = true";
        let agent = desk(&lamp("blf1", "sip:bob@pbx.test", "dialog", &more));
        let subscribe = pbx.want("SUBSCRIBE");
        assert_eq!(subscribe.header("Event"), "dialog");
        pbx.answer(&subscribe, refusal, "");
        let subscribe = pbx.look_for(SOON, |it| it.is("SUBSCRIBE"));
        let subscribe = subscribe.unwrap_or_else(|| panic!("no fallback from {refusal}"));
        assert_eq!(subscribe.header("Event"), "presence", "{refusal}");
        let mut bob = pbx.accept(&subscribe, 300);
        pbx.tell(&mut bob, &presence("sip:bob@pbx.test", "open", ""));
        agent.expect_state("blf1", "idle");
    }
}
