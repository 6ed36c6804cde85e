//! How subscriptions end.

use crate::peer::Peer;
use crate::setup::{presence, subscribed};

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
