//! Who may ask: challenges as servers and the proxies before them send them.

use std::time::Duration;

use crate::agent::Agent;
use crate::message::Message;
use crate::peer::Peer;
use crate::process::{SOON, wait_for};
use crate::setup::{account, calls, desk, extension};

/// When a refresh has come that is due after five seconds, on a busy machine too.
pub(crate) const REFRESHED: Duration = Duration::from_secs(12);

/// baresip/re #1557, baresip/baresip #717, BelledonneCommunications/linphone-sdk #18, fusionpbx/fusionpbx #7164: servers
/// that forget nonces do not always say `stale`.
#[test]
fn a_refresh_is_challenged_anew_though_nothing_is_stale() {
    let mut pbx = Peer::new().registrar(60);
    let agent = extension(&pbx);
    let subscribe = pbx.want("SUBSCRIBE");
    pbx.challenge(&subscribe, 401, "pbx.test", "879A545A");
    let subscribe = pbx.want("SUBSCRIBE");
    let mut bob = pbx.accept(&subscribe, 10);
    pbx.tell(&mut bob, &calls(0, ""));
    agent.expect_state("blf1", "idle");
    let refresh = pbx.want_within("SUBSCRIBE", REFRESHED);
    assert!(refresh.header("Authorization").contains("\"879A545A\""));
    pbx.challenge(&refresh, 401, "pbx.test", "11112222");
    let refresh = pbx.want("SUBSCRIBE");
    assert!(refresh.header("Authorization").contains("\"11112222\""));
    assert!(
        bob.has(&refresh) && refresh.is_in_dialog(),
        "{}",
        refresh.text
    );
    pbx.renew(&refresh, 300);
    agent.expect_state("blf1", "idle");
}

/// signalwire/freeswitch #242 (RFC 3261 §22.3): the proxy at the edge asks first, then the server behind it, which may
/// have the same name.
#[test]
fn a_proxy_asks_a_subscribe_first_then_the_server_behind_it() {
    for edge in ["edge.test", "pbx.test"] {
        let mut pbx = Peer::new().registrar(60);
        let agent = extension(&pbx);
        let subscribe = asked_twice(&mut pbx, "SUBSCRIBE", edge);
        let mut bob = pbx.accept(&subscribe, 300);
        pbx.tell(&mut bob, &calls(0, ""));
        agent.expect_state("blf1", "idle");
    }
}

/// signalwire/freeswitch #242: the same for REGISTER.
#[test]
fn a_proxy_asks_a_register_first_then_the_server_behind_it() {
    for edge in ["edge.test", "pbx.test"] {
        let mut pbx = Peer::new();
        let agent = desk(&account(&pbx.here.to_string(), "publish = false"));
        let register = asked_twice(&mut pbx, "REGISTER", edge);
        let row = format!("Contact: <{}>;expires=60\r\n", register.contact());
        pbx.answer(&register, "200 OK", &row);
        expect_upstream(&agent, "registration", "registered");
    }
}

/// signalwire/freeswitch #242: the same for PUBLISH.
#[test]
fn a_proxy_asks_a_publish_first_then_the_server_behind_it() {
    for edge in ["edge.test", "pbx.test"] {
        let mut pbx = Peer::new();
        let agent = desk(&account(&pbx.here.to_string(), "register = false"));
        let publish = asked_twice(&mut pbx, "PUBLISH", edge);
        pbx.answer(&publish, "200 OK", "SIP-ETag: 1\r\nExpires: 60\r\n");
        expect_upstream(&agent, "publication", "published");
    }
}

/// signalwire/freeswitch #1532, #1779 and #2640: a refresh with a nonce that is a minute old gets a 401 that asks nothing.
/// Phones that prove the same again and again have sent millions. Without credentials they would be asked anew.
#[test]
fn a_401_that_asks_nothing_ends_a_nonce() {
    let mut pbx = Peer::new().registrar(60);
    let agent = extension(&pbx);
    let subscribe = proven(&mut pbx, "SUBSCRIBE");
    let mut bob = pbx.accept(&subscribe, 10);
    pbx.tell(&mut bob, &calls(0, ""));
    agent.expect_state("blf1", "idle");
    let refresh = proven_anew(&mut pbx, "SUBSCRIBE");
    let mut bob = pbx.accept(&refresh, 300);
    pbx.tell(&mut bob, &calls(9, ""));
    agent.expect_state("blf1", "idle");
}

/// signalwire/freeswitch #2640: the same for REGISTER.
#[test]
fn a_401_that_asks_nothing_ends_the_nonce_of_a_registration() {
    let mut pbx = Peer::new();
    let agent = desk(&account(&pbx.here.to_string(), "publish = false"));
    let grant = |pbx: &mut Peer, register: Message| {
        let row = format!("Contact: <{}>;expires=10\r\n", register.contact());
        pbx.answer(&register, "200 OK", &row);
        expect_upstream(&agent, "registration", "registered");
    };
    let register = proven(&mut pbx, "REGISTER");
    grant(&mut pbx, register);
    let refresh = proven_anew(&mut pbx, "REGISTER");
    grant(&mut pbx, refresh);
}

/// signalwire/freeswitch #2640: the same for PUBLISH.
#[test]
fn a_401_that_asks_nothing_ends_the_nonce_of_a_publication() {
    let mut pbx = Peer::new();
    let agent = desk(&account(&pbx.here.to_string(), "register = false"));
    let publish = proven(&mut pbx, "PUBLISH");
    pbx.answer(&publish, "200 OK", "SIP-ETag: 1\r\nExpires: 10\r\n");
    expect_upstream(&agent, "publication", "published");
    let refresh = proven_anew(&mut pbx, "PUBLISH");
    pbx.answer(&refresh, "200 OK", "SIP-ETag: 2\r\nExpires: 60\r\n");
    expect_upstream(&agent, "publication", "published");
}

/// The first request with an answer to the server's challenge.
#[track_caller]
fn proven(pbx: &mut Peer, method: &str) -> Message {
    let request = pbx.want(method);
    pbx.challenge(&request, 401, "pbx.test", "aaaa1111");
    let request = pbx.want(method);
    assert!(request.header("Authorization").contains("\"aaaa1111\""));
    request
}

/// The server does not take the nonce any more, and says no more than that. The refresh with another one.
#[track_caller]
fn proven_anew(pbx: &mut Peer, method: &str) -> Message {
    let refresh = pbx.want_within(method, REFRESHED);
    assert!(refresh.header("Authorization").contains("\"aaaa1111\""));
    pbx.answer(&refresh, "401 Unauthorized", "");
    let bare = pbx.want(method);
    assert_eq!(bare.find("Authorization"), None, "{}", bare.text);
    pbx.challenge(&bare, 401, "pbx.test", "bbbb2222");
    let refresh = pbx.want(method);
    assert!(refresh.header("Authorization").contains("\"bbbb2222\""));
    refresh
}

/// signalwire/freeswitch #2640: only the same realm that does not take the same password has been given a wrong one.
#[test]
fn a_wrong_password_is_tried_once() {
    let mut pbx = Peer::new();
    let agent = desk(&account(&pbx.here.to_string(), "publish = false"));
    let register = proven(&mut pbx, "REGISTER");
    pbx.challenge(&register, 401, "pbx.test", "bbbb2222");
    expect_upstream(&agent, "registration", "refused");
    let again = pbx.look_for(SOON / 3, |it| it.is("REGISTER"));
    assert!(again.is_none(), "{again:?}");
}

/// Two realms ask who it is, one after the other; the request that answers both.
#[track_caller]
fn asked_twice(pbx: &mut Peer, method: &str, edge: &str) -> Message {
    let request = pbx.want(method);
    pbx.challenge(&request, 407, edge, "edge0001");
    let request = pbx.want(method);
    assert!(
        request
            .header("Proxy-Authorization")
            .contains("\"edge0001\"")
    );
    pbx.challenge(&request, 401, "pbx.test", "pbx00001");
    let request = pbx.want(method);
    assert!(
        request
            .header("Proxy-Authorization")
            .contains("\"edge0001\"")
    );
    assert!(request.header("Authorization").contains("\"pbx00001\""));
    request
}

/// Waits until `status` says so of the account.
#[track_caller]
fn expect_upstream(agent: &Agent, what: &str, stands: &str) {
    wait_for(&format!("it is {stands}"), SOON, || {
        (agent.get("/status")["upstreams"][0][what] == stands).then_some(())
    });
}
