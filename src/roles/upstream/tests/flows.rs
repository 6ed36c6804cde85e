//! Ways that are kept open, and those that break: NATs, streams, pings.

use super::fixture::*;

const TCP: Plan<'static> = Plan {
    transport: Transport::Tcp,
    ..REGISTERS
};

/// A registration over a stream, with these rows in the 200.
fn stream(rows: &str) -> Fixture {
    let mut f = Fixture::waiting(&TCP);
    let sent = f.expect("REGISTER", secs(1));
    let flow = Flow {
        connection: 7,
        ..sent.flow
    };
    f.links.handle_connected(&flow);
    let rows = format!("Contact: {}\r\n{rows}", sent.header("Contact"));
    f.answer(&sent, 200, &rows);
    assert!(f.is_registered());
    f
}

fn pong(f: &mut Fixture, sent: &Sent) {
    f.links.handle_pong(&sent.flow);
}

#[test]
fn a_contact_behind_a_nat_is_corrected_at_once() /* R11 R02 */
{
    let mut f = Fixture::waiting(&REGISTERS);
    let first = f.expect("REGISTER", secs(1));
    let rows = format!("Contact: {}\r\n", first.header("Contact"));
    f.answer_seen(&first, 200, &rows, PUBLIC);
    let second = f.expect("REGISTER", Duration::ZERO);
    let contacts: Vec<_> = second.headers("Contact").collect();
    assert!(contacts[0].starts_with("<sip:desk@203.0.113.9:40000>;"));
    assert_eq!(contacts[1], format!("{CONTACT};expires=0"));
    let rows = format!("Contact: {};expires=300\r\n", contacts[0]);
    f.answer_seen(&second, 200, &rows, PUBLIC);
    assert_eq!(f.report().expires, Some(f.now + secs(300)));
    assert_eq!(f.report().public, Some(address(PUBLIC)));
    f.expect_silence(secs(23));
}

#[test]
fn a_nat_that_never_gives_the_same_address_is_left_alone() /* R11 */
{
    let mut f = Fixture::waiting(&REGISTERS);
    let mut asked = 0;
    let end = f.now + secs(300);
    while let Some(sent) = f.next(end.since(f.now)) {
        asked += usize::from(sent.method() == "REGISTER");
        let seen = format!(
            "203.0.113.9:{}",
            40_000 + sent.at.as_micros() % 10_000 + u64::from(sent.seq())
        );
        let rows = format!(
            "Contact: {};expires=600\r\n",
            sent.try_header("Contact").unwrap_or_default()
        );
        f.answer_seen(&sent, 200, &rows, &seen);
    }
    assert!(asked <= 5, "{asked} times");
}

#[test]
fn a_nat_is_kept_open_and_a_new_address_told() /* R11 */
{
    let mut f = Fixture::waiting(&REGISTERS);
    for _ in 0..2 {
        let sent = f.expect("REGISTER", secs(1));
        let rows = format!("Contact: {}\r\n", sent.header("Contact"));
        f.answer_seen(&sent, 200, &rows, PUBLIC);
    }
    for _ in 0..10 {
        let before = f.now;
        let probe = f.expect("OPTIONS", secs(30));
        let waited = probe.at.since(before);
        assert!(waited >= secs(24) && waited < secs(29), "{waited:?}");
        assert_eq!(probe.uri(), "sip:pbx.example");
        // Any answer will do.
        f.answer_seen(&probe, 404, "", PUBLIC);
    }
    let probe = f.expect("OPTIONS", secs(30));
    f.answer_seen(&probe, 200, "", "203.0.113.10:40000");
    let sent = f.expect("REGISTER", Duration::ZERO);
    let contacts: Vec<_> = sent.headers("Contact").collect();
    assert!(contacts[0].starts_with("<sip:desk@203.0.113.10:40000>;"));
    assert_eq!(contacts[1], "<sip:desk@203.0.113.9:40000>;expires=0");
}

#[test]
fn a_probe_without_an_answer_is_a_failed_flow() /* R11 */
{
    let mut f = Fixture::standing(&Plan {
        keep_alive: Some(KeepAlive::Options(Seconds(20))),
        ..REGISTERS
    });
    let probe = f.expect("OPTIONS", secs(20));
    assert!(probe.at >= Instant::from_millis(17_000));
    let again = f.run(secs(31));
    assert!(again.len() == 9 && again.iter().all(|it| it.text == probe.text));
    f.run(secs(2));
    assert_eq!(f.report().why, "it does not answer");
    f.expect("REGISTER", secs(30));
}

#[test]
fn without_a_nat_or_with_zero_nothing_is_kept_open() /* R11 */
{
    for plan in [
        REGISTERS,
        Plan {
            keep_alive: Some(KeepAlive::Options(Seconds::ZERO)),
            ..REGISTERS
        },
    ] {
        let mut f = Fixture::standing(&plan);
        f.expect_silence(secs(400));
    }
}

#[test]
fn who_only_publishes_never_registers() /* R11 */
{
    let mut f = Fixture::waiting(&PUBLISHES);
    let sent = f.expect("PUBLISH", secs(1));
    f.answer_seen(&sent, 200, "SIP-ETag: a\r\nExpires: 600\r\n", PUBLIC);
    let probe = f.expect("OPTIONS", secs(30));
    f.answer_seen(&probe, 200, "", "203.0.113.10:40000");
    f.expect_silence(secs(20));
}

#[test]
fn an_address_seen_meanwhile_does_not_change_a_retransmission() {
    let mut f = Fixture::standing(&Plan {
        keep_alive: Some(KeepAlive::Options(Seconds(500))),
        ..PLAN
    });
    let register = f.expect_later("REGISTER", secs(600));
    f.change("meanwhile");
    let publish = f.expect("PUBLISH", Duration::ZERO);
    // Another kind's answer brings another address, nonce and lifetime.
    let challenge = "WWW-Authenticate: Digest realm=\"pbx\", nonce=\"n1\", qop=\"auth\"\r\n";
    f.answer_seen(&publish, 401, challenge, PUBLIC);
    let next = f.expect("PUBLISH", Duration::ZERO);
    f.answer_seen(&next, 423, "Min-Expires: 1000\r\n", PUBLIC);
    let again = f.run(secs(10));
    let again = again.iter().filter(|it| it.branch() == register.branch());
    let again: Vec<_> = again.map(|it| &it.text).collect();
    assert_eq!(again, [&register.text; 4]);
}

#[test]
fn a_stream_is_pinged_and_without_outbound_needs_no_pong() /* R09 R10 */
{
    let mut f = stream("");
    let mut before = f.now;
    for _ in 0..4 {
        let ping = f.next(secs(121)).expect("a ping");
        assert_eq!(ping.text, "\r\n\r\n");
        assert_eq!(
            (ping.flow.transport, ping.flow.connection),
            (Transport::Tcp, 7)
        );
        let waited = ping.at.since(before);
        assert!(waited >= secs(95) && waited <= secs(120), "{waited:?}");
        before = ping.at;
    }
    assert!(f.is_registered() && f.report().why.is_empty());
}

#[test]
fn a_missing_pong_is_a_failed_flow() /* R09 R10 R13 */
{
    let mut f = stream("Require: outbound\r\nFlow-Timer: 30\r\n");
    for _ in 0..3 {
        let before = f.now;
        let ping = f.next(secs(31)).expect("a ping");
        let waited = ping.at.since(before);
        assert!(waited >= secs(24) && waited <= secs(30), "{waited:?}");
        pong(&mut f, &ping);
    }
    f.next(secs(31)).expect("a ping");
    f.expect_silence(secs(9));
    assert_eq!(f.report().why, "");
    f.run(secs(2));
    assert_eq!(f.report().why, "no pong came");
    let sent = f.expect("REGISTER", secs(30));
    assert_eq!(sent.flow.connection, 0, "over a new connection");
    assert!(sent.header("Contact").contains(";reg-id=1"));
}

#[test]
fn pings_that_come_faster_than_pongs_do_not_hide_a_failed_flow() /* R10 */
{
    let mut f = stream("Require: outbound\r\nFlow-Timer: 10\r\n");
    f.run(secs(21));
    assert_eq!(f.report().why, "no pong came");
}

#[test]
fn a_connection_that_ends_while_nothing_is_asked_blames_nobody() /* R12 */
{
    let mut f = Fixture::waiting(&Plan {
        servers: &["192.0.2.1", "192.0.2.2"],
        ..TCP
    });
    let sent = f.expect("REGISTER", secs(1));
    let flow = Flow {
        connection: 7,
        ..sent.flow
    };
    f.links.handle_connected(&flow);
    f.accept(&sent);
    f.disconnect(&flow, End::Closed);
    f.expect_silence(secs(14));
    let sent = f.expect("REGISTER", secs(16));
    assert_eq!((sent.to(), sent.flow.connection), (address(SERVER), 0));
    // But while something is: at once to the next.
    let none = Flow {
        connection: 0,
        ..sent.flow
    };
    f.disconnect(&none, End::Silent);
    assert_eq!(f.expect("REGISTER", Duration::ZERO).to(), address(SECOND));
}

#[test]
fn retry_after_leaves_the_registration_and_its_flow_alone() /* R14 */
{
    let mut f = stream("");
    let sent = f.expect_later("REGISTER", secs(600));
    f.answer(&sent, 503, "Retry-After: 40\r\n");
    assert!(f.is_registered());
    let before = f.now;
    let sent = f.expect_later("REGISTER", secs(45));
    assert!(sent.at.since(before) >= secs(40));
    assert_eq!(sent.flow.connection, 7);
    f.accept(&sent);
    assert!(f.is_registered() && f.report().why.is_empty());
}

#[test]
fn the_end_of_an_old_connection_says_nothing_of_the_new_one() /* R13 */
{
    let mut f = stream("");
    let old = Flow {
        connection: 7,
        transport: Transport::Tcp,
        ..Flow::udp(address(LOCAL), address(SERVER))
    };
    f.listen(&["192.0.2.10:5060"]);
    let sent = f.expect("REGISTER", Duration::ZERO);
    assert_eq!(sent.flow.connection, 0);
    f.disconnect(&old, End::Closed);
    f.accept(&sent);
    assert!(f.is_registered());
}
