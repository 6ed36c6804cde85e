//! Requests of every kind, and what is answered without remembering them (RFC 3261 §8.2). Groups T and X.

use super::*;
use crate::engine::config::{LampSettings, WatchSettings};
use crate::events::package::Package;
use crate::users::lamps::Look;

fn one(sent: &[Sent]) -> &Sent {
    assert_eq!(sent.len(), 1, "{sent:#?}");
    &sent[0]
}

#[test]
fn a_retransmission_gets_the_same_bytes_and_is_not_executed_twice() /* T08 T09 T14 */
{
    let mut f = Fixture::new();
    let phone = Phone::new("bob", "presence");
    let text = phone.subscribe(600);
    let first = f.send(&phone, &text);
    f.confirm(&phone, &first[1]);
    for wait in [500, 1_000, 4_000, 26_000] {
        f.run(Duration::from_millis(wait));
        assert_eq!(one(&f.send(&phone, &text)), &first[0]);
    }
    assert_eq!(f.agent.notifier.len(), 1);
    f.run(Duration::from_secs(1));
    assert!(f.agent.transactions.is_empty(), "Timer J");
}

#[test]
fn the_same_branch_from_another_sent_by_is_another_transaction() /* T10 */
{
    let mut f = Fixture::new();
    let phone = Phone::new("bob", "presence");
    let text = phone.subscribe(600);
    let first = f.send(&phone, &text);
    let other = text
        .replace("UDP 192.0.2.", "UDP 192.0.3.")
        .replace("call-bob", "call-other");
    let second = f.send(&phone, &other);
    assert_eq!(second[0].status(), 200);
    assert_ne!(first[0].header("To"), second[0].header("To"));
}

#[test]
fn rfc_2543_retransmissions_are_known_without_a_branch() /* T11 */
{
    let mut f = Fixture::new();
    let phone = Phone::new("bob", "presence");
    for branch in ["", ";branch=z9hG4bK", ";branch=1"] {
        let text = phone
            .subscribe(600)
            .replace(";branch=z9hG4bKbob1SUBSCRIBE0", branch);
        let text = text.replace("call-bob", &format!("call{}", branch.len()));
        let first = f.send(&phone, &text);
        assert_eq!(first[0].status(), 200);
        assert_eq!(one(&f.send(&phone, &text)), &first[0], "{branch}");
    }
}

#[test]
fn a_forked_copy_gets_482() /* N33 */
{
    let mut f = Fixture::new();
    let phone = Phone::new("bob", "presence");
    f.send(&phone, &phone.subscribe(600));
    let fork = phone.subscribe(600).replace("z9hG4bKbob", "z9hG4bKfork");
    assert_eq!(one(&f.send(&phone, &fork)).status(), 482);
    assert_eq!(f.agent.notifier.len(), 1);
}

#[test]
fn cancel_of_a_known_subscribe_gets_200_and_does_nothing() /* N32 */
{
    let mut f = Fixture::new();
    let phone = Phone::new("bob", "presence");
    let text = phone.subscribe(600);
    f.send(&phone, &text);
    let cancel = text
        .replace("SUBSCRIBE sip", "CANCEL sip")
        .replace("1 SUBSCRIBE", "1 CANCEL");
    assert_eq!(one(&f.send(&phone, &cancel)).status(), 200);
    let unknown = cancel.replace("z9hG4bKbob", "z9hG4bKnone");
    assert_eq!(one(&f.send(&phone, &unknown)).status(), 481);
    assert_eq!(f.agent.notifier.len(), 1);
}

#[test]
fn recognised_methods_get_405_and_unknown_501_with_allow() /* T15 T16 A02 */
{
    let mut f = Fixture::new();
    let phone = Phone::new("bob", "");
    for (method, status) in [
        ("INVITE", 405),
        ("BYE", 405),
        ("REFER", 405),
        ("MESSAGE", 405),
        ("subscribe", 501),
    ] {
        let sent = f.send(&phone, &phone.request(method, ""));
        assert_eq!(one(&sent).status(), status, "{method}");
        assert_eq!(
            sent[0].header("Allow"),
            Some("SUBSCRIBE, NOTIFY, PUBLISH, REGISTER, OPTIONS, CANCEL")
        );
        assert_eq!(
            f.send(&phone, &phone.request(method, "")),
            sent,
            "the same tag without memory: T14"
        );
    }
    assert_eq!(f.send(&phone, &phone.request("ACK", "")), []);
    assert_eq!(f.run(Duration::from_secs(60)), []);
}

#[test]
fn a_request_that_is_only_half_read_gets_a_tag_too() /* T14 */
{
    let mut f = Fixture::new();
    let phone = Phone::new("bob", "presence");
    let broken = phone.subscribe(600).replace("CSeq: 1", "CSeq: x");
    let sent = f.send(&phone, &broken);
    assert_eq!(one(&sent).status(), 400);
    assert!(sent[0].header("To").unwrap().contains(";tag="));
    assert_eq!(f.send(&phone, &broken), sent, "the same each time");
    let open = broken.replace("To: <sip", "To: \"open <sip");
    let sent = f.send(&phone, &open);
    assert!(
        !sent[0].header("To").unwrap().contains(";tag="),
        "never inside an open quote"
    );
}

#[test]
fn options_tells_what_is_served() /* N34 T15 */
{
    let mut f = Fixture::new();
    let phone = Phone::new("bob", "");
    let sent = f.send(
        &phone,
        &phone
            .request("OPTIONS", "")
            .replace("Forwards: 70", "Forwards: 0"),
    );
    assert_eq!(one(&sent).status(), 200);
    assert_eq!(
        sent[0].header("Allow-Events"),
        Some("presence, dialog, as-feature-event")
    );
    assert!(sent[0].header("Allow").unwrap().contains("SUBSCRIBE"));
    assert!(
        sent[0]
            .header("Accept")
            .unwrap()
            .contains("application/pidf+xml")
    );
    let unknown = phone
        .request("OPTIONS", "")
        .replace("OPTIONS sip:desk@", "OPTIONS sip:nobody@");
    assert_eq!(one(&f.send(&phone, &unknown)).status(), 404);
}

#[test]
fn strangers_get_403_and_nothing_else_happens() /* N02 B02 */
{
    let mut f = Fixture::new();
    let phone = Phone::new("eve", "presence");
    for method in ["SUBSCRIBE", "NOTIFY", "OPTIONS", "REGISTER"] {
        let text = phone.request(method, "Event: presence\r\n");
        let sent = f.send_from("198.51.100.7:5062".parse().unwrap(), &text);
        assert_eq!(one(&sent).status(), 403, "{method}");
        assert!(sent[0].text.len() < 2 * text.len());
    }
    assert!(f.agent.notifier.is_empty() && f.agent.transactions.is_empty());
}

#[test]
fn unserved_users_get_404_and_unserved_schemes_416() /* N02 N35 */
{
    let mut f = Fixture::new();
    let phone = Phone::new("bob", "presence");
    for (uri, status) in [
        ("sip:nobody@192.0.2.1", 404),
        ("tel:+1", 404),
        ("http://example.com", 416),
        ("mailto:desk@192.0.2.1", 416),
    ] {
        let text = phone
            .subscribe(600)
            .replace("SUBSCRIBE sip:desk@192.0.2.1", &format!("SUBSCRIBE {uri}"));
        assert_eq!(one(&f.send(&phone, &text)).status(), status, "{uri}");
    }
}

#[test]
fn a_presentity_is_found_by_every_name_it_has() /* N35 N36 */
{
    for (at, uri) in [
        "sip:desk@phone.local",
        "pres:desk@192.0.2.1",
        "sip:d%65sk@192.0.2.1:5060",
        "sips:desk@192.0.2.1",
    ]
    .into_iter()
    .enumerate()
    {
        let mut f = Fixture::new();
        let phone = Phone::new(&format!("p{at}"), "presence");
        let text = phone
            .subscribe(600)
            .replace("SUBSCRIBE sip:desk@192.0.2.1", &format!("SUBSCRIBE {uri}"));
        let text = text.replace("To: <sip:desk@192.0.2.1>", "To: <isbn:2983792873>");
        assert_eq!(f.send(&phone, &text)[0].status(), 200, "{uri}");
    }
    let mut f = Fixture::with(|settings| {
        settings.presentities[0] =
            PresentitySettings::new(Text::copied("sip:+1-201@192.0.2.1").unwrap());
    });
    let phone = Phone::new("tel", "presence");
    let text = phone
        .subscribe(600)
        .replace("SUBSCRIBE sip:desk@", "SUBSCRIBE sip:+1-201@");
    assert_eq!(f.send(&phone, &text)[0].status(), 200);
}

#[test]
fn of_two_desks_with_one_user_the_host_decides() /* N36 */
{
    let mut f = Fixture::with(|settings| {
        let other = PresentitySettings::new(Text::copied("sip:desk@other.example").unwrap());
        settings.presentities.push(other).unwrap();
    });
    let phone = Phone::new("bob", "presence");
    let text = phone.subscribe(600).replace(
        "SUBSCRIBE sip:desk@192.0.2.1",
        "SUBSCRIBE sip:desk@other.example",
    );
    let sent = f.send(&phone, &text);
    assert!(
        sent[1].body().contains("entity=\"sip:desk@other.example\""),
        "{}",
        sent[1].text
    );
}

#[test]
fn unsupported_extensions_get_420_with_exactly_them() /* N39 */
{
    let mut f = Fixture::new();
    let phone = Phone::new("bob", "presence");
    let text = phone.request(
        "SUBSCRIBE",
        "Event: presence\r\nRequire: eventlist, foo\r\nRequire: bar\r\n",
    );
    let sent = f.send(&phone, &text);
    assert_eq!(
        (one(&sent).status(), sent[0].header("Unsupported")),
        (420, Some("foo, bar"))
    );
}

#[test]
fn a_body_nobody_understands_gets_415_unless_optional() /* N40 G10 */
{
    let mut f = Fixture::new();
    for (name, more, status) in [
        ("a", "Content-Type: text/plain\r\n", 415),
        (
            "b",
            "Content-Type: text/plain\r\nContent-Disposition: x;handling=optional\r\n",
            200,
        ),
        (
            "c",
            "Content-Type: text/plain\r\nContent-Encoding: gzip\r\n",
            415,
        ),
    ] {
        let phone = Phone::new(name, "");
        let text = phone.request("SUBSCRIBE", &format!("Event: presence\r\n{more}"));
        let text = text.replace("Content-Length: 0\r\n\r\n", "Content-Length: 4\r\n\r\nbody");
        let sent = f.send(&phone, &text);
        assert_eq!(sent[0].status(), status, "{more}");
        assert_eq!(sent[0].header("Accept-Encoding").is_some(), status == 415);
    }
}

#[test]
fn answers_go_where_the_via_and_the_packet_say() /* X03 X04 X05 X06 B03 */
{
    let mut f = Fixture::new();
    let phone = Phone::new("bob", "");
    let source = phone.address;
    for (via, to, expected) in [
        (
            "192.0.2.9:5070;branch=z9hG4bKa;rport",
            source,
            "received=192.0.2.",
        ),
        (
            "192.0.2.9:5070;branch=z9hG4bKb",
            SocketAddr::new(source.ip(), 5_070),
            "received=192.0.2.",
        ),
        (
            "host.example;branch=z9hG4bKc",
            SocketAddr::new(source.ip(), 5_060),
            "received=192.0.2.",
        ),
        (
            "h;branch=z9hG4bKd;maddr=198.51.100.1;received=198.51.100.2;rport=9",
            source,
            "rport=5062",
        ),
    ] {
        let text = phone.request("OPTIONS", "");
        let start = text.find("UDP ").unwrap() + 4;
        let end = start + text[start..].find("\r\n").unwrap();
        let sent = f.send(&phone, &format!("{}{via}{}", &text[..start], &text[end..]));
        assert_eq!(one(&sent).flow.remote, to, "{via}");
        let via = sent[0].header("Via").unwrap();
        assert!(
            via.contains(expected) && !via.contains("received=198"),
            "{via}"
        );
    }
}

#[test]
fn a_full_transaction_table_refuses_only_what_is_new() /* T18 N38 */
{
    let mut f = Fixture::new();
    let mut old = f.watching("old", "presence");
    let text = old.clone().subscribe(600);
    f.agent.transactions.leave_room(Some(0));
    let phone = Phone::new("bob", "presence");
    let sent = f.send(&phone, &phone.subscribe(600));
    assert_eq!(
        (one(&sent).status(), sent[0].header("Retry-After")),
        (503, Some("30"))
    );
    old.to_tag = None;
    assert_eq!(
        one(&f.send(&old, &old.subscribe(3_600))).status(),
        200,
        "the running one goes on"
    );
    assert!(text.contains("tag="));
}

#[test]
fn responses_that_are_not_ours_are_dropped() /* T05 B12 */
{
    let mut f = Fixture::new();
    let phone = f.watching("bob", "presence");
    let told = f.input(Input::Dnd(true));
    let right = told[0].answer("481 Gone");
    for wrong in [
        right.replace("UDP 192.0.2.1:5060", "UDP 192.0.2.8:5060"),
        right.replace("z9hG4bKs", "z9hG4bKx"),
        right.replace("NOTIFY", "SUBSCRIBE"),
        right.replacen("Via:", "Via: SIP/2.0/UDP 192.0.2.7\r\nVia:", 1),
    ] {
        f.send(&phone, &wrong);
        assert_eq!(f.agent.notifier.len(), 1, "{wrong}");
    }
    f.send_from("192.0.2.250:5060".parse().unwrap(), &right);
    assert_eq!(f.agent.notifier.len(), 1, "from another address");
    f.send(&phone, &right);
    assert_eq!(f.agent.notifier.len(), 0);
}

#[test]
fn unknown_final_codes_count_as_their_class() /* T07 */
{
    let mut f = Fixture::new();
    let phone = f.watching("bob", "presence");
    let told = f.input(Input::Dnd(true));
    for code in ["099", "700", "1000", "4294967301"] {
        f.send(&phone, &told[0].answer(&format!("{code} Odd")));
        assert_eq!(
            f.input(Input::Note(Text::copied(code).unwrap())),
            [],
            "still in flight"
        );
    }
    let next = f.send(&phone, &told[0].answer("299 Fine"));
    assert_eq!(next.len(), 1, "told, so the newest follows");
}

#[test]
fn a_provisional_answer_slows_the_repetition() /* T03 */
{
    let mut f = Fixture::new();
    let phone = f.watching("bob", "presence");
    let told = f.input(Input::Dnd(true));
    f.send(&phone, &told[0].answer("100 Trying"));
    let repeats: StdVec<u64> = f
        .run(Duration::from_secs(33))
        .iter()
        .map(|(at, _)| *at)
        .collect();
    assert_eq!(
        repeats,
        [500, 4_500, 8_500, 12_500, 16_500, 20_500, 24_500, 28_500]
    );
}

#[test]
fn an_answer_to_an_announced_address_counts_wherever_it_arrives() /* T05 */
{
    let mut f = Fixture::with(|settings| {
        let bob = || Text::copied("sip:bob@192.0.2.50").unwrap();
        let watch = WatchSettings::new(bob(), bob(), Package::Presence);
        settings.watches.push(watch).unwrap();
    });
    let (_, subscribe) = f.run(Duration::from_secs(1)).remove(0);
    let loopback = Flow::udp(
        "127.0.0.1:5060".parse().unwrap(),
        "192.0.2.50:5060".parse().unwrap(),
    );
    let answer = subscribe.answer("100 Trying");
    f.agent
        .handle_datagram(f.moment(), loopback, answer.as_bytes());
    let repeats: StdVec<u64> = f
        .run(Duration::from_secs(9))
        .iter()
        .map(|(at, _)| *at / 1_000)
        .collect();
    assert_eq!(repeats.len(), 3, "the 100 slowed it down: {repeats:?}");
}

#[test]
fn every_answer_is_final_at_once_and_never_408() /* T12 T13 */
{
    let mut f = Fixture::new();
    for method in ["SUBSCRIBE", "NOTIFY", "OPTIONS", "CANCEL", "PUBLISH", "FOO"] {
        for more in [
            "",
            "Event: presence\r\n",
            "Event: x\r\n",
            "Require: y\r\n",
            "Expires: 1\r\n",
        ] {
            let phone = Phone::new(&format!("{method}{}", more.len()), "");
            let sent = f.send(&phone, &phone.request(method, more));
            let status = sent[0].status();
            assert!(status >= 200 && status != 408, "{method} {more} {status}");
        }
    }
}

#[test]
fn an_answer_that_could_not_be_sent_is_still_known() /* T17 */
{
    let mut f = Fixture::new();
    let phone = Phone::new("bob", "presence");
    let text = phone.subscribe(600);
    let first = f.send(&phone, &text);
    f.bounce(&first[0]);
    assert_eq!(one(&f.send(&phone, &text)), &first[0]);
    assert_eq!(f.agent.notifier.len(), 1);
}

#[test]
fn the_calendar_moves_no_timer() /* T19 J01 */
{
    let mut f = Fixture::new();
    f.watching("bob", "presence");
    let due = f.agent.due();
    for millis in [0, 1_000, 4_000_000_000_000, 1_600_000_000_000] {
        f.wall = Wall::from_unix_millis(millis);
        f.input(Input::Idle(false));
        f.agent.handle_timeout(f.moment());
        assert_eq!((f.agent.due(), f.drain()), (due, std::vec![]));
    }
}

/// A desk with a lamp that watches bob.
fn with_lamp() -> Fixture {
    Fixture::with(|settings| {
        let bob = || Text::copied("sip:bob@192.0.2.50").unwrap();
        let watch = WatchSettings::new(bob(), bob(), Package::Presence);
        settings.watches.push(watch).unwrap();
        let mut lamp = LampSettings::new(Text::copied("blf1").unwrap());
        lamp.shows = Shows::Watch(0);
        settings.lamps.push(lamp).unwrap();
    })
}

#[test]
fn a_lamp_that_a_reload_drops_goes_dark() /* S23 */
{
    let mut f = with_lamp();
    f.drain();
    let mut settings = f.agent.settings().clone();
    settings.lamps.clear();
    f.agent.reconfigure(f.moment(), &settings);
    let mut buf = std::vec![0; limits::MESSAGE];
    let output = f.agent.poll(f.now, &mut buf);
    let dark = Output::Lamp {
        lamp: 0,
        look: Look::OFF,
        bright: 100,
    };
    assert_eq!(output, dark);
    assert_eq!(f.drain(), []);
}

#[test]
fn a_lamp_whose_target_cannot_be_asked_says_why() /* FIELD 12 */
{
    let mut f = with_lamp();
    let mut settings = f.agent.settings().clone();
    settings.watches[0].target = Text::copied("sip:bob@255.255.255.255").unwrap();
    f.agent.reconfigure(f.moment(), &settings);
    let why = f.agent.why(0).expect("the lamp");
    assert_eq!(why.lamp.state, Some(Watched::Unknown));
    assert!(
        why.watch.is_none() && why.rule.contains("can't be asked"),
        "{}",
        why.rule
    );
}

#[test]
fn a_notify_is_answered_before_any_lamp_is_lit() /* S18 */
{
    let mut f = with_lamp();
    let (_, subscribe) = f.run(Duration::from_secs(1)).remove(0);
    let (to, from) = (
        subscribe.header("From").unwrap(),
        subscribe.header("To").unwrap(),
    );
    let notify = format!(
        "NOTIFY sip:bob@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.50;branch=z9hG4bKn1\r\n\
         From: {from};tag=b\r\nTo: {to}\r\nCall-ID: {}\r\nCSeq: 1 NOTIFY\r\nEvent: presence\r\n\
         Subscription-State: terminated;reason=noresource\r\nContent-Length: 0\r\n\r\n",
        subscribe.header("Call-ID").unwrap()
    );
    let flow = Flow::udp(LOCAL.parse().unwrap(), "192.0.2.50:5060".parse().unwrap());
    f.agent.handle_datagram(f.moment(), flow, notify.as_bytes());
    let mut buf = std::vec![0; limits::MESSAGE];
    let Output::Send { len, .. } = f.agent.poll(f.now, &mut buf) else {
        panic!("the answer comes first");
    };
    assert!(buf[..len].starts_with(b"SIP/2.0 200 "));
    assert!(matches!(
        f.agent.poll(f.now, &mut buf),
        Output::Lamp { lamp: 0, .. }
    ));
}
