//! Presence documents as servers and phones write them.

use crate::peer::Peer;
use crate::setup::{presence, subscribed};

/// Metaswitch/sprout #1794, pjsip/pjproject #4225: elements of a maker's own, with a prefix that nobody declared.
#[test]
fn a_prefix_that_nobody_declared_hides_nothing() {
    let mut pbx = Peer::new();
    let (agent, mut bob) = subscribed(&mut pbx, "presence");
    pbx.tell(&mut bob, &presence("sip:bob@pbx.test", "open", ""));
    agent.expect_state("blf1", "idle");
    let wild = "<ere:wild ere:kind=\"a\">x &lt; y</ere:wild>\
                <dm:person id=\"p\"><rpid:activities><vnd:desk/><rpid:busy/></rpid:activities></dm:person>";
    pbx.tell(&mut bob, &presence("sip:bob@pbx.test", "open", wild));
    agent.expect_state("blf1", "busy");
}

/// pjsip/pjproject #307 and #1150.
#[test]
fn the_root_has_a_prefix_and_the_tuple_a_default_namespace() {
    let mut pbx = Peer::new();
    let (agent, mut bob) = subscribed(&mut pbx, "presence");
    let document = |basic: &str| {
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n\
             <pidf:presence xmlns:xs=\"http://www.w3.org/2001/XMLSchema\" \
             xmlns:pidf=\"urn:ietf:params:xml:ns:pidf\" entity=\"tel:+15550100\">\r\n\
             <tuple xmlns=\"urn:ietf:params:xml:ns:pidf\" id=\"03a4a00b\"><status><basic>{basic}</basic></status>\
             <contact>sip:bob@pbx.test</contact>\
             <timestamp>2007-05-24T15:20:30.734+01:00</timestamp></tuple>\r\n</pidf:presence>\r\n"
        )
    };
    pbx.tell(&mut bob, &document("open"));
    agent.expect_lamp("blf1", "green");
    pbx.tell(&mut bob, &document(" closed "));
    agent.expect_lamp("blf1", "red");
}

/// asterisk/asterisk #1898, InnovateAsterisk/Browser-Phone #370: entity and contact are those of the watcher.
#[test]
fn a_document_that_names_the_watcher_is_about_the_watched() {
    let mut pbx = Peer::new();
    let (agent, mut bob) = subscribed(&mut pbx, "presence");
    let us = bob.target.clone();
    let document = |note: &str, basic: &str, activity: &str| {
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <presence entity=\"{us}\" xmlns=\"urn:ietf:params:xml:ns:pidf\" \
             xmlns:dm=\"urn:ietf:params:xml:ns:pidf:data-model\" xmlns:rpid=\"urn:ietf:params:xml:ns:pidf:rpid\">\n\
             <note>{note}</note>\n\
             <tuple id=\"202\"><status><basic>{basic}</basic></status><contact priority=\"1\">{us}</contact></tuple>\n\
             <dm:person>{activity}</dm:person>\n</presence>\n"
        )
    };
    let phone = "<rpid:activities><rpid:on-the-phone/></rpid:activities>";
    for (note, basic, activity, state) in [
        ("Ready", "open", "", "idle"),
        ("On the phone", "open", phone, "busy"),
        ("Ringing", "open", phone, "ringing"),
        ("Unavailable", "closed", "", "offline"),
    ] {
        pbx.tell(&mut bob, &document(note, basic, activity));
        agent.expect_state("blf1", state);
    }
}

/// The softclients of the OMA: services, homepages and moods of elements that are not ours, and a note in a language.
#[test]
fn a_softclient_with_oma_and_cipid_elements_is_busy() {
    let mut pbx = Peer::new();
    let (agent, mut bob) = subscribed(&mut pbx, "presence");
    let document = |activity: &str| {
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <presence xmlns=\"urn:ietf:params:xml:ns:pidf\" xmlns:pdm=\"urn:ietf:params:xml:ns:pidf:data-model\" \
             xmlns:rpid=\"urn:ietf:params:xml:ns:pidf:rpid\" xmlns:c=\"urn:ietf:params:xml:ns:pidf:cipid\" \
             xmlns:op=\"urn:oma:xml:prs:pidf:oma-pres\" entity=\"sip:bob@pbx.test\">\n\
             <tuple id=\"a1232\"><status><basic>open</basic></status><op:willingness><op:basic>open</op:basic>\
             </op:willingness><op:service-description><op:service-id>org.example:voice</op:service-id>\
             <op:version>1.0</op:version></op:service-description><contact>sip:bob@pbx.test</contact></tuple>\n\
             <pdm:person id=\"p1\"><op:overriding-willingness><op:basic>open</op:basic></op:overriding-willingness>\
             <rpid:activities>{activity}</rpid:activities><c:homepage>http://example.test/bob</c:homepage>\
             <pdm:note xml:lang=\"en\">Back on Monday</pdm:note></pdm:person>\n</presence>\n"
        )
    };
    pbx.tell(&mut bob, &document("<rpid:unknown/>"));
    agent.expect_state("blf1", "idle");
    pbx.tell(&mut bob, &document("<rpid:busy/>"));
    agent.expect_state("blf1", "busy");
}
