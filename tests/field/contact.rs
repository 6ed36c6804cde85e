//! Requests to the Contact that we registered.

use crate::peer::{Peer, branch, unique};
use crate::setup::{account, careful_desk, desk, registered, request, sip, subscribe};

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

/// asterisk/asterisk #1019 and #1927, versatica/JsSIP #644: the account's server qualifies its Contact with rows of its
/// own, and takes it out of service if the answer is not a 2xx (`qualify_2xx_only`). Here nobody is trusted otherwise.
#[test]
fn the_server_qualifies_the_contact_that_it_has() {
    let mut pbx = Peer::new().registrar(60);
    let agent = careful_desk(&account(&pbx.here.to_string(), "publish = false"));
    let contact = registered(&mut pbx, &agent);
    let here = pbx.here;
    for (to, from) in [
        (format!("<{contact}>"), "<sip:100@pbx.test>"),
        (contact.clone(), "\"Unknown\" <sip:Unknown@127.0.0.1>"),
        (format!("<{contact}>"), "asterisk <sip:asterisk@127.0.0.1>"),
    ] {
        let options = format!(
            "OPTIONS {contact} SIP/2.0\r\n\
             v: SIP/2.0/UDP {here};rport;branch={branch}\r\n\
             f: {from};tag=1\r\n\
             t: {to}\r\n\
             m: <sip:100@{here}>\r\n\
             i: {call}\r\n\
             CSeq: 6123 OPTIONS\r\n\
             k: 100rel, timer, replaces, norefersub\r\n\
             Max-Forwards: 70\r\n\
             User-Agent: PBX\r\n\
             l:  0\r\n\r\n",
            branch = branch(),
            call = unique(),
        );
        let answer = pbx.ask(sip(&agent), &options);
        assert_eq!(answer.status(), 200, "{options}{}", answer.text);
    }
}

/// asterisk/asterisk #1019: the same where all of this machine is trusted.
#[test]
fn a_trusted_server_qualifies_the_contact_too() {
    let mut pbx = Peer::new().registrar(60);
    let agent = desk(&account(&pbx.here.to_string(), "publish = false"));
    let contact = registered(&mut pbx, &agent);
    let options = request(&pbx, "OPTIONS", &contact, "", "");
    assert_eq!(pbx.ask(sip(&agent), &options).status(), 200);
}

/// asterisk/asterisk #1927: whoever has nothing but that Contact asks there for the presence of its owner, too.
#[test]
fn a_subscribe_to_the_contact_finds_the_presentity() {
    let mut pbx = Peer::new().registrar(60);
    let agent = desk(&account(&pbx.here.to_string(), "publish = false"));
    let contact = registered(&mut pbx, &agent);
    let text = subscribe(&pbx, &contact, "presence");
    assert_eq!(pbx.ask(sip(&agent), &text).status(), 200, "{text}");
    let notify = pbx.want("NOTIFY");
    pbx.confirm(&notify);
    assert!(
        notify.body().contains("<basic>open</basic>"),
        "{}",
        notify.text
    );
}
