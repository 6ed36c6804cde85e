//! Group B: NOTIFYs and answers from somebody who only pretends.

use crate::desk::*;
use lampfield::{Duration, Input, Package, Watched};
use std::collections::HashSet;

/// A NOTIFY that belongs to no subscription of ours, from the server of one.
fn invented(number: u64, event: &str, body: &str) -> String {
    format!(
        "NOTIFY {DESK} SIP/2.0\r\nVia: SIP/2.0/UDP {BOSS_AT};branch=z9hG4bK{number}\r\n\
         From: <{BOSS}>;tag={number}\r\nTo: <{DESK}>;tag=w0000{number:016x}\r\nCall-ID: w0000{number:016x}\r\n\
         CSeq: 1 NOTIFY\r\nEvent: {event}\r\nSubscription-State: active\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[test]
fn an_invented_notify_changes_no_lamp() /* ATTACKS B06 */
{
    let (mut desk, mut server) = Server::watched(Package::Dialog);
    let red = dialogs(9, "full", &call("a", "confirmed"));
    for (event, body, status) in [
        ("dialog", &red[..], 481),
        ("presence", &presence("closed"), 481),
        ("message-summary", "Messages-Waiting: yes\r\n", 481),
        ("conference", "<x/>", 489),
        ("dialog", "<!DOCTYPE x>", 481),
    ] {
        let answer = desk.ask(BOSS_AT, &invented(1, event, body));
        assert_eq!(answer.status(), status, "{event}");
        assert_eq!(desk.lamp(), Watched::Idle);
    }
    let free = dialogs(1, "full", "");
    assert_eq!(server.tell(&mut desk, "active;expires=300", &free), 200);
}

#[test]
fn guesses_of_tags_find_nothing() /* ATTACKS B07 */
{
    let (mut desk, mut server) = Server::watched(Package::Presence);
    let body = presence("closed");
    let real = server.notify("active;expires=300", &body);
    let tag = real
        .split("To: ")
        .nth(1)
        .unwrap()
        .split(";tag=")
        .nth(1)
        .unwrap()[..21]
        .to_string();
    let call_id = server.subscribe.header("Call-ID").unwrap().to_string();
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    for number in 0..100_000 {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        let text = invented(seed, "presence", &body);
        // A third of the guesses knows the Call-ID, another third the tag.
        let text = match number % 3 {
            0 => text,
            1 => text.replace(
                &format!("Call-ID: w0000{seed:016x}"),
                &format!("Call-ID: {call_id}"),
            ),
            _ => text.replace(&format!("tag=w0000{seed:016x}"), &format!("tag={tag}")),
        };
        assert_eq!(desk.ask(BOSS_AT, &text).status(), 481);
    }
    assert_eq!(desk.lamp(), Watched::Idle);
    assert_eq!(desk.ask(BOSS_AT, &real).status(), 200);
    assert_eq!(desk.lamp(), Watched::Closed);
}

#[test]
fn tags_and_branches_are_never_drawn_twice() /* ATTACKS B07 B12 */
{
    let mut drawn = HashSet::new();
    let mut ones = [0_u32; 64];
    let mut desk = Desk::new();
    for number in 0..2_000_u32 {
        // One phone alone would have its share of transactions soon.
        let address = format!("192.0.2.{}:5060", 40 + number % 3);
        let peer = Peer::new(&format!("n{number}"), &address);
        let sent = desk.send(&peer.address, &peer.subscribe(0));
        let (_, tag) = sent[0].header("To").unwrap().split_once(";tag=").unwrap();
        let (_, branch) = sent[1]
            .header("Via")
            .unwrap()
            .split_once("z9hG4bK")
            .unwrap();
        for token in [tag, &branch[..21]] {
            assert!(drawn.insert(token.to_string()), "{token} came twice");
            let bits = u64::from_str_radix(&token[5..], 16).expect("64 bits");
            for (at, ones) in ones.iter_mut().enumerate() {
                *ones += (bits >> at & 1) as u32;
            }
        }
        desk.confirm(&sent[1]);
        desk.run(Duration::from_millis(100));
    }
    for ones in ones {
        assert!(
            (1_800..2_200).contains(&ones),
            "every bit is random: {ones} of 4000"
        );
    }
}

#[test]
fn one_forged_packet_does_not_put_out_a_lamp() /* ATTACKS B08 */
{
    for reason in ["rejected", "noresource", "deactivated", "giveup"] {
        let (mut desk, mut server) = Server::watched(Package::Presence);
        let text = server.notify(&format!("terminated;reason={reason}"), "");
        assert_eq!(desk.ask(STRANGER, &text).status(), 403, "{reason}");
        let text = text.replace("z9hG4bKserver", "z9hG4bKforged");
        assert_eq!(desk.ask("192.0.2.77:5060", &text).status(), 403, "{reason}");
        assert_eq!(desk.lamp(), Watched::Idle);
        assert_eq!(
            server.tell(&mut desk, "active;expires=300", &presence("closed")),
            200
        );
        assert_eq!(desk.lamp(), Watched::Closed);
    }
}

#[test]
fn a_forged_source_costs_a_lamp_an_hour_at_most() /* ATTACKS B08 */
{
    let (mut desk, mut server) = Server::watched(Package::Presence);
    assert_eq!(
        server.tell(&mut desk, "terminated;reason=rejected", ""),
        200
    );
    let sent = desk.run(Duration::from_secs(2 * 3_600));
    assert!(
        sent.iter().any(|(_, sent)| sent.is("SUBSCRIBE")),
        "it asks again"
    );
}

#[test]
fn a_stranger_reboots_nothing() /* ATTACKS B09 */
{
    let (mut desk, _server) = Server::watched(Package::Presence);
    for event in [
        "check-sync",
        "check-sync;reboot=true",
        "talk",
        "hold",
        "reboot",
        "resync",
        "ua-profile",
    ] {
        for from in [BOSS_AT, "192.0.2.77:5060"] {
            let answer = desk.ask(from, &invented(1, event, ""));
            assert_eq!(answer.status(), 489, "{event}");
        }
    }
    assert_eq!(desk.lamp(), Watched::Idle);
}

#[test]
fn forged_answers_end_no_subscription() /* ATTACKS B12 T05 */
{
    let mut desk = Desk::new();
    desk.watcher("bob", "192.0.2.40:5060", "presence");
    let told = desk.input(Input::Dnd(true)).remove(0);
    let right = told.response("481 Gone");
    let branch = told
        .header("Via")
        .unwrap()
        .split_once("branch=")
        .unwrap()
        .1
        .to_string();
    let guessed = format!("{}0123456789abcdef", &branch[..12]);
    for (from, forged) in [
        ("192.0.2.41:5060", right.clone()),
        (STRANGER, right.clone()),
        ("192.0.2.40:5060", right.replace(&branch, &guessed)),
        ("192.0.2.40:5060", right.replace(" NOTIFY", " SUBSCRIBE")),
        ("192.0.2.40:5060", right.replace("CSeq: ", "CSeq: 9")),
        (
            "192.0.2.40:5060",
            right.replace("UDP 192.0.2.1:5060", "UDP 192.0.2.2:5060"),
        ),
        (
            "192.0.2.40:5060",
            right.replace("UDP 192.0.2.1:5060", "UDP 192.0.2.1:5070"),
        ),
        (
            "192.0.2.40:5060",
            right.replacen("Via", "Via: SIP/2.0/UDP 192.0.2.9\r\nVia", 1),
        ),
    ] {
        assert_eq!(desk.send(from, &forged), []);
        assert_eq!(desk.subscriptions(), 1, "{forged}");
    }
    assert_eq!(
        desk.run(Duration::from_millis(600)).len(),
        1,
        "still repeated"
    );
    desk.confirm(&told);
    assert_eq!(desk.subscriptions(), 1);
}

#[test]
fn forged_answers_change_no_watch() /* ATTACKS B12 */
{
    let mut desk = Desk::with(|settings| watch(settings, "blf1", BOSS, Package::Presence));
    let sent = desk.run(Duration::from_millis(400));
    let (_, subscribe) = &sent[0];
    for status in ["403 No", "489 No", "481 No"] {
        let right = subscribe.response(status);
        for (from, forged) in [
            ("192.0.2.51:5060", right.clone()),
            (STRANGER, right.clone()),
            (BOSS_AT, right.replace(" SUBSCRIBE", " NOTIFY")),
            (BOSS_AT, right.replace("branch=z9hG4bKw", "branch=z9hG4bKl")),
        ] {
            assert_eq!(desk.send(from, &forged), []);
        }
    }
    let again = desk.run(Duration::from_millis(600));
    assert_eq!(again.len(), 1, "it still waits for the answer");
    assert_eq!(&again[0].1, subscribe);
}
