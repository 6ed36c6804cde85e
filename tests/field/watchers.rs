//! Phones that watch us, with what each make writes.

use crate::message::bare;
use crate::peer::Peer;
use crate::setup::{desk, sip, subscribe};

/// jitsi/jitsi #402: a Call-ID with an IPv6 address, and a Contact with a display name.
#[test]
fn jitsi_is_told() {
    is_told("presence", |_, text| {
        edited(&text, "Call-ID", "00112233aabb@0:0:0:0:0:0:0:0")
            .replace("Contact: <", "Contact: \"207\" <")
            .replace(
                ">\r\nEvent",
                ";transport=udp;registering_acc=10_0_10_15>\r\nEvent",
            )
            .replace(
                "Expires: 600",
                "Expires: 3600\r\nAccept: application/pidf+xml",
            )
    });
}

/// pjsip/pjproject #4474: a D-Link has a display name without quotes in To, and accepts whatever comes.
#[test]
fn a_d_link_is_told() {
    is_told("dialog", |_, text| text.replace("To: <", "To: Af <"));
}

/// BelledonneCommunications/linphone-sdk #16, BelledonneCommunications/linphone-android #1300: To without brackets,
/// parameters of the Contact itself, and an absurd lifetime.
#[test]
fn linphone_is_told() {
    is_told("presence", |uri, text| {
        edited(&text, "To", uri)
            .replace(
                ">\r\nEvent",
                ";transport=udp>;expires=600;\
                 +sip.instance=\"<urn:uuid:00000000-0000-4000-8000-000000000001>\"\r\nEvent",
            )
            .replace("Expires: 600", "Expires: 423197357")
    });
}

/// kamailio/kamailio #521, BelledonneCommunications/linphone-sdk #205: the longest lifetime that there is, and types that
/// we do not have.
#[test]
fn the_longest_lifetime_is_granted_as_ours() {
    is_told("presence", |_, text| {
        text.replace(
            "Expires: 600",
            "Expires: 4294967295\r\nAccept: application/pidf+xml, application/sdp, text/plain",
        )
    });
}

/// OpenSIPS/opensips #2539: a Snom, whose Contact has a parameter that it knows itself by.
#[test]
fn a_snom_is_told() {
    is_told("dialog;sla", |_, text| {
        text.replace(">\r\nEvent", ";line=gx1px7uv>;reg-id=1\r\nEvent")
            .replace(
                "Expires: 600",
                "Expires: 600\r\nAccept: application/dialog-info+xml;q=0.9, */*;q=0.1",
            )
    });
}

/// signalwire/freeswitch #398: a Contact that nobody but the proxy reaches.
#[test]
fn a_browser_behind_a_proxy_is_told() {
    is_told("presence", |_, text| {
        let via = text
            .split("UDP ")
            .nth(1)
            .and_then(|rest| rest.split(';').next());
        let proxy = via.expect("a Via").to_string();
        let contact = "<sip:w1@w1w1w1.invalid;transport=wss;X-PUSH-URI=x>";
        edited(&text, "Contact", contact).replace(
            "Event: ",
            &format!("Record-Route: <sip:{proxy};r2=on;lr;nat=yes>\r\nEvent: "),
        )
    });
}

/// A phone subscribes with that SUBSCRIBE, and is told; for an hour at most.
#[track_caller]
fn is_told(event: &str, written: impl Fn(&str, String) -> String) {
    let agent = desk("");
    let (mut phone, at) = (Peer::new(), sip(&agent));
    let text = written(&agent.uri(), subscribe(&phone, &agent.uri(), event));
    let answer = phone.ask(at, &text);
    assert_eq!(answer.status(), 200, "{text}");
    let expires: u32 = answer.header("Expires").parse().expect("a number");
    assert!((60..=3_600).contains(&expires), "{expires}");
    let notify = phone.want("NOTIFY");
    let contact = text.split("Contact: ").nth(1).expect("a Contact");
    assert_eq!(
        notify.uri(),
        bare(contact.split("\r\n").next().expect("a row"))
    );
    let package = event.split(';').next().expect("a package");
    let media = notify.header("Content-Type");
    let is_its = media.contains(match package {
        "dialog" => "dialog-info",
        _ => "pidf",
    });
    assert!(is_its, "{media}");
    phone.confirm(&notify);
}

/// The message with another value of that header.
fn edited(text: &str, name: &str, value: &str) -> String {
    let rows = text.split("\r\n").map(|row| match row.split_once(": ") {
        Some((other, _)) if other == name => format!("{name}: {value}"),
        _ => row.to_string(),
    });
    rows.collect::<Vec<String>>().join("\r\n")
}
