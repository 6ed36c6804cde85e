//! What phones publish here.

use crate::peer::Peer;
use crate::process::free_port;
use crate::setup::{desk_at, lamp, presence, publish, sip, subscribe};

/// onsip/SIP.js #736, pjsip/pjproject #136, Metaswitch/sprout #828: no blank between attributes, an element that never
/// ends, a name and address as entity, a bracket inside an attribute.
#[test]
fn what_is_no_xml_is_refused_and_the_publication_stays() {
    let port = free_port();
    let uri = format!("sip:desk@127.0.0.1:{port}");
    let agent = desk_at(port, &lamp("blf1", &uri, "presence", ""));
    let (mut phone, at) = (Peer::new(), sip(&agent));
    let meeting =
        "<dm:person id=\"a\"><rpid:activities><rpid:meeting/></rpid:activities></dm:person>";
    let good = publish(&phone, &uri, None, &presence(&uri, "open", meeting));
    let answer = phone.ask(at, &good);
    assert_eq!(answer.status(), 200, "{}", answer.text);
    let tag = answer.header("SIP-ETag").to_string();
    agent.expect_state("blf1", "busy");
    let root = "<?xml version=\"1.0\"?><presence xmlns=\"urn:ietf:params:xml:ns:pidf\"";
    let open = "<status><basic>open</basic></status>";
    for bad in [
        format!("{root}entity=\"{uri}\"><tuple id=\"32\">{open}<status></tuple></presence>"),
        format!("{root} entity=\"\"Ann\" <{uri}>\"><tuple id=\"x\">{open}</tuple></presence>"),
        format!("{root} entity=\"{uri}\"><tuple id=\"<urn:x>\">{open}</tuple></presence>"),
    ] {
        let request = publish(&phone, &uri, Some(&tag), &bad);
        assert_eq!(phone.ask(at, &request).status(), 400, "{bad}");
    }
    agent.expect_state("blf1", "busy");
    let refresh = publish(&phone, &uri, Some(&tag), "");
    assert_eq!(phone.ask(at, &refresh).status(), 200);
}

/// BelledonneCommunications/linphone-desktop #727: To without brackets, and an element of the maker's own in the status.
#[test]
fn linphone_publishes_that_it_is_busy() {
    let port = free_port();
    let uri = format!("sip:desk@127.0.0.1:{port}");
    let agent = desk_at(port, &lamp("blf1", &uri, "presence", ""));
    agent.expect_state("blf1", "idle");
    let mut phone = Peer::new();
    let document = include_str!("../bodies/pidf_linphone_publish.xml");
    let request = publish(&phone, &uri, None, document);
    let request = request.replace(&format!("To: <{uri}>"), &format!("To: {uri}"));
    assert_eq!(phone.ask(sip(&agent), &request).status(), 200);
    agent.expect_state("blf1", "busy");
}

/// Two phones of one person, behind one address: they name their tuples differently.
#[test]
fn two_phones_behind_one_address_stay_two() {
    let port = free_port();
    let uri = format!("sip:desk@127.0.0.1:{port}");
    let agent = desk_at(port, &lamp("blf1", &uri, "presence", ""));
    let phone =
        "<dm:person id=\"p\"><rpid:activities><rpid:on-the-phone/></rpid:activities></dm:person>";
    for (tuple, more) in [("t1", phone), ("t2", "")] {
        let document = presence(&uri, "open", more).replace("\"t1\"", &format!("\"{tuple}\""));
        let mut one = Peer::new();
        let request = publish(&one, &uri, None, &document);
        assert_eq!(one.ask(sip(&agent), &request).status(), 200);
    }
    let publications = agent.get("/publications");
    assert_eq!(
        publications.as_array().map(Vec::len),
        Some(2),
        "{publications}"
    );
    agent.expect_state("blf1", "busy");
}

/// A phone that is set offline in baresip, pjsua or Twinkle publishes `closed` (RFC 3863 §4.1.4). It never said do not
/// disturb, nor that it is in a call.
#[test]
fn a_phone_that_is_closed_is_told_as_closed_and_no_more() {
    let port = free_port();
    let uri = format!("sip:desk@127.0.0.1:{port}");
    let lamps = lamp("blf1", &uri, "dialog", "") + &lamp("blf2", &uri, "presence", "");
    let agent = desk_at(port, &lamps);
    let (mut phone, at) = (Peer::new(), sip(&agent));
    let request = publish(&phone, &uri, None, &presence(&uri, "closed", ""));
    assert_eq!(phone.ask(at, &request).status(), 200);
    agent.expect_state("blf2", "closed");
    agent.expect_state("blf1", "idle");
    let request = subscribe(&phone, &uri, "presence");
    assert_eq!(phone.ask(at, &request).status(), 200);
    let notify = phone.want("NOTIFY");
    phone.confirm(&notify);
    let body = notify.body();
    assert!(body.contains("<basic>closed</basic>"), "{body}");
    assert!(!body.contains("isturb") && !body.contains("busy"), "{body}");
}

/// The language of a note is the reader's matter: it is told as it was published.
#[test]
fn a_note_keeps_its_language() {
    let port = free_port();
    let uri = format!("sip:desk@127.0.0.1:{port}");
    let agent = desk_at(port, "");
    let (mut phone, at) = (Peer::new(), sip(&agent));
    let person = "<dm:person id=\"p\"><rpid:activities><rpid:away/></rpid:activities>\
                  <dm:note xml:lang=\"de\">Im Ger\u{e4}teraum</dm:note></dm:person>";
    let request = publish(&phone, &uri, None, &presence(&uri, "open", person));
    assert_eq!(phone.ask(at, &request).status(), 200);
    let request = subscribe(&phone, &uri, "presence");
    assert_eq!(phone.ask(at, &request).status(), 200);
    let notify = phone.want("NOTIFY");
    phone.confirm(&notify);
    assert!(
        notify
            .body()
            .contains("xml:lang=\"de\">Im Ger\u{e4}teraum<"),
        "{}",
        notify.body()
    );
}

/// OpenSIPS/opensips #2249: a phone starts anew in a call, from another port, and knows no entity-tag. The call is over,
/// and nobody says so but the new document.
#[test]
fn a_phone_that_starts_anew_replaces_what_it_published() {
    let port = free_port();
    let uri = format!("sip:desk@127.0.0.1:{port}");
    let lamps = lamp("blf1", &uri, "dialog", "") + &lamp("blf2", &uri, "presence", "");
    let agent = desk_at(port, &lamps);
    let phone =
        "<dm:person id=\"p\"><rpid:activities><rpid:on-the-phone/></rpid:activities></dm:person>";
    for (more, state) in [(phone, "busy"), ("", "idle")] {
        let mut one = Peer::new();
        let request = publish(&one, &uri, None, &presence(&uri, "open", more));
        assert_eq!(one.ask(sip(&agent), &request).status(), 200);
        agent.expect_state("blf1", state);
        agent.expect_state("blf2", state);
    }
    // The same again on a connection.
    let mut one = Peer::connected(&agent.address());
    let request = publish(&one, &uri, None, &presence(&uri, "open", phone));
    assert_eq!(one.ask(sip(&agent), &request).status(), 200);
    agent.expect_state("blf1", "busy");
    let publications = agent.get("/publications");
    assert_eq!(
        publications.as_array().map(Vec::len),
        Some(1),
        "{publications}"
    );
}
