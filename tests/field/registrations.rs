//! What registrars make of our REGISTER.

use crate::challenges::REFRESHED;
use crate::message::Message;
use crate::peer::Peer;
use crate::process::{GLANCE, SOON, wait_for};
use crate::setup::{account, calls, desk, lamp};

/// pjsip/pjproject #534, baresip/re #581: there is one Contact in the answer, with another port. It can only be ours.
#[test]
fn a_contact_with_another_port_is_ours_if_it_is_the_only_one() {
    let mut pbx = Peer::new();
    let agent = desk(&account(&pbx.here.to_string(), "publish = false"));
    let register = pbx.want("REGISTER");
    let contact = register.contact();
    let (host, _) = contact.rsplit_once(':').expect("a port");
    let row = format!("Contact: <{host}:40123>;expires=60\r\n");
    pbx.answer(&register, "200 OK", &row);
    wait_for("registered for a minute", SOON, || {
        let status = agent.get("/status");
        let upstream = &status["upstreams"][0];
        let lasts = upstream["expires_s"].as_u64()?;
        (upstream["registration"] == "registered" && lasts <= 60).then_some(())
    });
}

/// asterisk/asterisk #702, OpenSIPS/opensips #3659: phones that ask for what was granted shrink until they are refused.
#[test]
fn a_registrar_that_grants_less_each_time_is_asked_for_the_same() {
    let mut pbx = Peer::new();
    let _agent = desk(&account(&pbx.here.to_string(), "publish = false"));
    for (granted, limit) in [(10, SOON), (9, REFRESHED)] {
        let register = pbx.want_within("REGISTER", limit);
        let asked = register.text.contains("expires=300") || register.text.contains("Expires: 300");
        assert!(asked, "{}", register.text);
        let row = format!("Contact: <{}>;expires={granted}\r\n", register.contact());
        pbx.answer(&register, "200 OK", &row);
    }
}

/// BelledonneCommunications/linphone-iphone #804: a subscription alone is challenged. Nobody has to be registered there,
/// and nothing is published.
#[test]
fn an_account_may_be_there_for_its_password_alone() {
    let mut pbx = Peer::new();
    let account = account(&pbx.here.to_string(), "register = false\npublish = false");
    let agent = desk(&(account + &lamp("blf1", "sip:200@pbx.test", "dialog", "")));
    let subscribe = pbx.want("SUBSCRIBE");
    pbx.challenge(&subscribe, 401, "pbx.test", "aaaa1111");
    let subscribe = pbx.want("SUBSCRIBE");
    assert!(subscribe.header("Authorization").contains("\"aaaa1111\""));
    assert!(
        subscribe.header("From").contains("<sip:100@pbx.test>"),
        "{}",
        subscribe.text
    );
    let mut bob = pbx.accept(&subscribe, 300);
    pbx.tell(&mut bob, &calls(0, ""));
    agent.expect_state("blf1", "idle");
    let more = pbx.look_for(GLANCE, Message::is_request);
    assert!(more.is_none(), "{more:?}");
}
