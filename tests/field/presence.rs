//! Presence documents as servers and phones write them.

use crate::message::TAG;
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

/// The GXP2020 of the literature, and its successors: green for open, red for closed. What it publishes has an empty
/// contact and no entity, which is no sign that nobody is there.
#[test]
fn closed_is_closed_whatever_the_contact() {
    let mut pbx = Peer::new();
    let (agent, mut bob) = subscribed(&mut pbx, "presence");
    let document = |basic: &str, contact: &str| {
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <presence xmlns=\"urn:ietf:params:xml:ns:pidf\" entity=\"\">\
             <tuple id=\"Grandstream\"><status><basic>{basic}</basic></status>{contact}</tuple></presence>"
        )
    };
    for contact in [
        "<contact priority=\"0.5\"></contact>",
        "<contact/>",
        "<contact priority=\"0.5\">sip:bob@pbx.test</contact>",
        "",
    ] {
        for (basic, state, look) in [
            ("open", "idle", "green"),
            ("closed", "closed", "red"),
            ("Open", "idle", "green"),
            ("Close", "closed", "red"),
        ] {
            pbx.tell(&mut bob, &document(basic, contact));
            agent.expect_state("blf1", state);
            assert_eq!(agent.look("blf1"), look, "{basic} {contact}");
        }
    }
}

/// tomek-o/tSIP #20, BelledonneCommunications/linphone-desktop #1006: who is closed is there. Of who is not there each
/// server says so in words of its own, or names no tuple at all.
#[test]
fn offline_is_what_somebody_says_is_offline() {
    let mut pbx = Peer::new();
    let (agent, mut bob) = subscribed(&mut pbx, "presence");
    let entity = "sip:bob@pbx.test";
    let closed = |note: &str| presence(entity, "closed", &format!("<note>{note}</note>"));
    let empty =
        format!("<presence xmlns=\"urn:ietf:params:xml:ns:pidf\" entity=\"{entity}\"></presence>");
    for document in [
        closed("Unavailable"),
        closed("Unregistered"),
        closed("offline"),
        closed("Offline "),
        empty,
    ] {
        pbx.tell(&mut bob, &presence(entity, "closed", ""));
        agent.expect_state("blf1", "closed");
        pbx.tell(&mut bob, &document);
        agent.expect_state("blf1", "offline");
        assert_eq!(agent.look("blf1"), "off", "{document}");
    }
}

/// ComSIPL, and others before RFC 4480: the whole state is a note, wherever it stands and whatever `basic` says. A note
/// that says more is no state.
#[test]
fn a_note_that_is_a_whole_state_is_that_state() {
    let mut pbx = Peer::new();
    let (agent, mut bob) = subscribed(&mut pbx, "presence");
    let document = |basic: &str, at: usize, note: &str| {
        let note = format!("<note>{note}</note>");
        let mut places = ["", "", "", ""];
        places[at] = &note;
        let [status, tuple, root, person] = places;
        let person = match person {
            "" => String::new(),
            note => format!(
                "<dm:person id=\"p\">{}</dm:person>",
                note.replace("note>", "dm:note>")
            ),
        };
        format!(
            "<?xml version=\"1.0\"?><presence xmlns=\"urn:ietf:params:xml:ns:pidf\" \
             xmlns:dm=\"urn:ietf:params:xml:ns:pidf:data-model\" entity=\"pres:bob@pbx.test\">\
             <tuple id=\"bob\"><status><basic>{basic}</basic>{status}</status>{tuple}</tuple>{root}{person}</presence>"
        )
    };
    let mut told = |basic: &str, at: usize, note: &str, state: &str, look: &str| {
        pbx.tell(&mut bob, &document(basic, at, note));
        agent.expect_state("blf1", state);
        assert_eq!(agent.look("blf1"), look, "{note} in {at} of {basic}");
    };
    for at in 0..4 {
        for basic in ["open", "closed"] {
            told(basic, at, "available", "idle", "green");
            told(basic, at, "busy", "busy", "red");
            told(basic, at, "away", "away", "amber");
            told(basic, at, "on the phone", "busy", "red");
        }
    }
    for (note, state, look) in [
        ("On The Phone", "busy", "red"),
        ("In a call  ", "busy", "red"),
        ("Ringing", "ringing", "red fast"),
        ("Be right back", "away", "amber"),
        ("Do Not Disturb", "dnd", "red"),
        ("busy baking", "idle", "green"),
        ("offline", "offline", "off"),
        ("Idle", "away", "amber"),
        ("not available on Monday", "idle", "green"),
    ] {
        told("open", 0, note, state, look);
    }
}

/// ComSIPL's NOTIFY as the literature prints it: From has no tag, so that the dialog is known by Call-ID and our own,
/// and Contact has no user.
#[test]
fn comsipl_notifies_without_a_tag() {
    let mut pbx = Peer::new();
    let (agent, mut bob) = subscribed(&mut pbx, "presence");
    for (note, look) in [
        ("available", "green"),
        ("busy", "red"),
        ("on the phone", "red"),
        ("away", "amber"),
    ] {
        let document = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n\
             <presence xmlns=\"urn:ietf:params:xml:ns:pidf\" entity=\"pres:bob@127.0.0.1\">\r\n\
             <tuple id=\"bob\"><status><basic>open</basic><note>{note}</note></status></tuple>\r\n</presence>\r\n"
        );
        let notify = bob
            .notify(&document)
            .replace(&format!(";tag={TAG}\r\n"), "\r\n");
        let answer = pbx.ask(bob.agent, &notify);
        assert_eq!(answer.status(), 200, "{notify}");
        agent.expect_lamp("blf1", look);
    }
}
