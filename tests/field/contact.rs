//! Requests to the Contact that we registered.

use crate::peer::Peer;
use crate::setup::{account, careful_desk, registered, request, sip};

/// asterisk/asterisk #1019: servers qualify a Contact; who has nothing to do with the account is judged as everybody is.
#[test]
fn a_stranger_asks_a_registered_contact_in_vain() {
    let mut pbx = Peer::new().registrar(60);
    let agent = careful_desk(&account(&pbx.here.to_string(), "publish = false"));
    let contact = registered(&mut pbx, &agent);
    let mut stranger = Peer::at("127.0.0.2");
    let options = request(&stranger, "OPTIONS", &contact, "", "");
    assert_eq!(stranger.ask(sip(&agent), &options).status(), 403);
}
