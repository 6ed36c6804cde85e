//! Group A: who may ask. There is no digest yet: a trusted network is the only way in.

use crate::desk::*;
use lampfield::{Duration, Input, Settings, Strangers};

/// A desk with the settings that a user who configures nothing gets.
fn untouched() -> Desk {
    Desk::with(|settings| {
        let mut demo = Settings::demo();
        demo.watches.clear();
        demo.lamps.clear();
        serve(&mut demo, DESK);
        settings.clone_from(&demo);
    })
}

#[test]
fn untouched_settings_serve_nobody_from_outside() /* ATTACKS A01 A04 */
{
    let mut desk = untouched();
    for event in ["dialog", "presence", "presence.winfo", "message-summary"] {
        let peer = Peer::new(event, STRANGER);
        let more = format!("Event: {event}\r\nAccept: */*\r\n");
        let text = peer.request("SUBSCRIBE", &more);
        assert_eq!(desk.ask(STRANGER, &text).status(), 403, "{event}");
    }
    desk.input(Input::Dnd(true));
    assert_eq!(desk.run(Duration::from_secs(4_000)), [], "no NOTIFY, ever");
    assert!(desk.is_empty());
}

#[test]
fn an_emergency_text_is_shown_to_nobody() /* ATTACKS A02 */
{
    let mut desk = Desk::new();
    for (address, status) in [("192.0.2.40:5060", 405), (STRANGER, 403)] {
        let text = Peer::new("911", address).request("MESSAGE", "Content-Type: text/plain\r\n");
        assert_eq!(desk.ask(address, &text).status(), status);
    }
    assert_eq!(desk.run(Duration::from_secs(100)), []);
    assert!(desk.is_empty());
}

#[test]
fn what_a_message_says_of_its_sender_opens_nothing() /* ATTACKS A03 A04 A07 A09 */
{
    let mut desk = Desk::new();
    desk.watcher("bob", "192.0.2.40:5060", "presence");
    let text = Peer::new("bob", STRANGER).subscribe(600);
    for (from, to) in [
        ("From: <sip:bob@", "From: <sip:desk@"),
        ("From: <sip:bob@", "From: \"bob;\0\" <sip:desk@"),
        ("UDP 198.51.100.7:5062", "UDP 192.0.2.40:5060"),
        ("UDP 198.51.100.7:5062", "UDP 127.0.0.1"),
        ("rport", "rport=5060;received=192.0.2.40"),
        ("Max-", "P-Asserted-Identity: <sip:desk@192.0.2.1>\r\nMax-"),
        ("Max-", "P-Asserted-Identity : <sip:desk@192.0.2.1>\r\nMax-"),
        ("Max-", "Remote-Party-ID: <sip:desk@192.0.2.1>\r\nMax-"),
        ("Max-", "X-Trusted: yes\r\nMax-"),
        ("@198.51.100.7:5062>", "@192.0.2.40:5060>"),
    ] {
        let lie = text.replace(from, to);
        assert_ne!(lie, text);
        let sent = desk.send(STRANGER, &lie);
        assert!(sent.len() == 1 && sent[0].status() == 403, "{sent:#?}");
        assert_eq!(sent[0].flow.remote.ip().to_string(), "198.51.100.7");
    }
    assert_eq!(desk.subscriptions(), 1);
}

#[test]
fn strangers_cannot_tell_users_from_nobody() /* ATTACKS A05 */
{
    let mut desk = Desk::new();
    let text = Peer::new("eve", STRANGER).subscribe(600);
    let served = desk.ask(STRANGER, &text);
    for nobody in ["sip:nobody@192.0.2.1", "sip:desk@example.com", "tel:+123"] {
        let line = format!("SUBSCRIBE {nobody} ");
        let text = text.replacen(&format!("SUBSCRIBE {DESK} "), &line, 1);
        assert_eq!(desk.ask(STRANGER, &text), served, "{nobody}");
    }
}

#[test]
fn a_header_hidden_behind_a_control_byte_is_refused() /* ATTACKS A06 */
{
    let mut desk = Desk::new();
    let peer = Peer::new("bob", "192.0.2.40:5060");
    for byte in ["\u{b}", "\u{1}", "\0", "\u{c}", "\u{7f}", "\u{a0}"] {
        let hidden = format!("To{byte}: <{DESK}>;tag=s0000\r\nCall-ID");
        let text = peer.subscribe(600).replacen("Call-ID", &hidden, 1);
        assert_eq!(desk.ask(&peer.address, &text).status(), 400, "{byte:?}");
    }
    assert!(desk.is_empty());
}

#[test]
fn blanks_before_a_colon_hide_no_second_event() /* ATTACKS A07 */
{
    let mut desk = Desk::new();
    let peer = Peer::new("bob", "192.0.2.40:5060");
    for blank in [" ", "\t", "  \t "] {
        let more = format!("Event{blank}: presence\r\nEvent: dialog\r\n");
        let text = peer.request("SUBSCRIBE", &more);
        assert_eq!(desk.ask(&peer.address, &text).status(), 400);
    }
    assert!(desk.is_empty());
}

#[test]
fn a_stolen_dialog_is_of_no_use_elsewhere() /* ATTACKS A08 */
{
    let mut desk = Desk::new();
    let mut bob = desk.watcher("bob", "192.0.2.40:5060", "presence");
    let mut thief = bob.clone();
    thief.address = STRANGER.to_string();
    for expires in [3_600, 0] {
        let text = thief.refresh(expires);
        assert_eq!(desk.ask(STRANGER, &text).status(), 403);
    }
    let mut invented = bob.clone();
    invented.cseq = 50;
    invented.to_tag = Some("s0000123456789abcdef0".to_string());
    let text = invented.subscribe(0);
    assert_eq!(desk.ask(&invented.address, &text).status(), 481);
    let told = desk.input(Input::Dnd(true));
    assert_eq!(told.len(), 1, "the subscription stands");
    assert_eq!(told[0].flow.remote, bob.address.parse().unwrap());
    desk.confirm(&told[0]);
    let refreshed = desk.send(&bob.address.clone(), &bob.refresh(600));
    assert_eq!(refreshed[0].status(), 200);
}

#[test]
fn nobody_publishes_for_somebody_else() /* ATTACKS A09 */
{
    let mut desk = Desk::new();
    let bob = desk.watcher("bob", "192.0.2.40:5060", "presence");
    let mut eve = Peer::new("eve", "192.0.2.41:5060");
    for event in ["presence", "dialog"] {
        eve.cseq += 1;
        let more = format!("Event: {event}\r\nP-Asserted-Identity: <{DESK}>\r\n");
        let text = eve.request("PUBLISH", &more);
        assert_eq!(desk.ask(&eve.address, &text).status(), 403);
    }
    assert_eq!(desk.agent.publications().count(), 0);
    assert_eq!(desk.run(Duration::from_secs(60)), []);
    assert_eq!(bob.cseq, 1);
}

#[test]
fn who_watches_is_told_to_no_stranger() /* ATTACKS A01 A03 W01 */
{
    for strangers in [Strangers::Refuse, Strangers::Ask] {
        let mut desk = Desk::with(|settings| settings.strangers = strangers);
        desk.watcher("bob", "192.0.2.40:5060", "presence");
        let mut eve = Peer::new("eve", STRANGER);
        eve.event = "presence.winfo".to_string();
        let text = eve.subscribe(600);
        for (from, to) in [
            ("eve@192.0.2.9", "desk@192.0.2.1"),
            ("<sip:eve@192.0.2.9>", "\"desk;\0\" <sip:desk@192.0.2.1>"),
            ("UDP 198.51.100.7:5062", "UDP 192.0.2.40:5060"),
            ("Max-", "P-Asserted-Identity: <sip:desk@192.0.2.1>\r\nMax-"),
            ("Expires: 600", "Expires: 0"),
        ] {
            let lie = text.replace(from, to);
            assert_ne!(lie, text);
            let sent = desk.send(STRANGER, &lie);
            assert_eq!((sent.len(), sent[0].status()), (1, 403), "{lie}");
        }
        // Nor to one who may watch, whatever he says of himself besides his address.
        let mut bob = Peer::new("bob", "192.0.2.40:5060");
        bob.event = "presence.winfo".to_string();
        bob.cseq = 9;
        let text = bob.subscribe(600).replace("call-bob", "call-more");
        for from in [
            "From: \"sip:desk@192.0.2.1\" <sip:bob@",
            "From: \"<sip:desk@192.0.2.1>\" <sip:bob@",
        ] {
            let lie = text.replace("From: <sip:bob@", from);
            let lie = lie.replace("Contact: <sip:bob@", "Contact: <sip:desk@");
            assert_eq!(desk.ask(&bob.address, &lie).status(), 403);
        }
        assert_eq!(desk.subscriptions(), 1);
        assert_eq!(desk.agent.absent().count(), 0);
    }
}
