//! What phones publish here.

use crate::peer::Peer;
use crate::process::free_port;
use crate::setup::{desk_at, lamp, presence, publish, sip};

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
