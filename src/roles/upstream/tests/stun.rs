//! Ways that are kept open by STUN.

use super::fixture::*;

const OTHER: &str = "203.0.113.10:40000";

/// A registration of a server that takes part in RFC 5626, behind a NAT.
fn outbound(rows: &str) -> Fixture {
    let mut f = Fixture::waiting(&REGISTERS);
    for _ in 0..2 {
        let sent = f.expect("REGISTER", secs(1));
        let rows = format!("Contact: {}\r\n{rows}", sent.header("Contact"));
        f.answer_seen(&sent, 200, &rows, PUBLIC);
    }
    f
}

#[test]
fn a_server_with_outbound_is_asked_by_stun() /* R11 */
{
    let mut f = outbound("Require: outbound\r\n");
    for _ in 0..10 {
        let before = f.now;
        let probe = f.expect_binding(secs(29));
        let waited = probe.at.since(before);
        assert!(waited >= secs(24), "{waited:?}");
        assert_eq!(probe.to(), address(SERVER));
        f.bind(&probe, SERVER, Ok(Some(PUBLIC)));
        assert_eq!(f.run(Duration::ZERO), []);
    }
    assert!(f.is_registered() && f.report().why.is_empty());
}

#[test]
fn a_flow_timer_says_how_often() /* R11, RFC 5626 §4.4 */
{
    let mut f = outbound("Flow-Timer: 100\r\n");
    for _ in 0..4 {
        let before = f.now;
        let probe = f.expect_binding(secs(100));
        let waited = probe.at.since(before);
        assert!(waited >= secs(80), "{waited:?}");
        f.bind(&probe, SERVER, Ok(Some(PUBLIC)));
    }
}

#[test]
fn another_address_is_another_flow() /* R11 R12 R13 */
{
    let mut f = outbound("Require: outbound\r\n");
    while f.links.take_moved().is_some() {}
    let probe = f.expect_binding(secs(29));
    f.bind(&probe, SERVER, Ok(Some(OTHER)));
    // Whoever goes the same way hears of it, too.
    assert_eq!(f.links.take_moved(), Some(f.id));
    let sent = f.expect("REGISTER", Duration::ZERO);
    assert!(
        sent.header("Contact")
            .starts_with("<sip:desk@203.0.113.10:40000>;")
    );
    let rows = format!("Contact: {}\r\n", sent.header("Contact"));
    f.answer_seen(&sent, 200, &rows, OTHER);
    assert_eq!(f.report().public, Some(address(OTHER)));
}

#[test]
fn seven_requests_without_an_answer_are_a_failed_flow() /* R11 R12 */
{
    let mut f = outbound("Require: outbound\r\n");
    let probe = f.expect_binding(secs(29));
    f.bind(&probe, SERVER, Ok(Some(PUBLIC)));
    let probe = f.expect_binding(secs(29));
    let again = f.run(secs(39));
    assert_eq!(again.len(), 6);
    assert!(again.iter().all(|it| it.number == probe.number));
    assert!(f.report().why.is_empty());
    f.run(secs(1));
    assert_eq!(f.report().why, "it does not answer");
    f.expect("REGISTER", secs(30));
}

#[test]
fn a_server_that_never_answered_stun_is_asked_by_options() /* R11 */
{
    for answer in [None, Some(Err(()))] {
        let mut f = outbound("Require: outbound\r\n");
        let probe = f.expect_binding(secs(29));
        match answer {
            None => assert_eq!(f.run(secs(38)).len(), 6),
            Some(answer) => f.bind(&probe, SERVER, answer),
        }
        for _ in 0..4 {
            let probe = f.expect("OPTIONS", secs(30));
            f.answer_seen(&probe, 200, "", PUBLIC);
        }
        assert!(f.is_registered() && f.report().why.is_empty());
        // Another time, or another server, may be better.
        f.listen(&["192.0.2.10:5060"]);
        let sent = f.expect("REGISTER", Duration::ZERO);
        let rows = format!(
            "Contact: {}\r\nRequire: outbound\r\n",
            sent.header("Contact")
        );
        f.answer(&sent, 200, &rows);
        f.expect_binding(secs(29));
    }
}

#[test]
fn the_owner_may_say_that_a_server_answers_stun() /* R11 */
{
    let plan = Plan {
        keep_alive: Some(KeepAlive::Stun),
        ..REGISTERS
    };
    let mut f = Fixture::standing(&plan);
    let probe = f.expect_binding(secs(29));
    f.bind(&probe, SERVER, Ok(Some(LOCAL)));
    f.expect_binding(secs(29));
    // Lamps alone: there is nothing but this.
    let mut f = Fixture::waiting(&Plan {
        register: false,
        ..plan
    });
    let probe = f.expect_binding(secs(1));
    f.bind(&probe, SERVER, Ok(Some(PUBLIC)));
    assert_eq!(f.report().public, Some(address(PUBLIC)));
    // A server that the owner is wrong about.
    let probe = f.expect_binding(secs(29));
    f.bind(&probe, SERVER, Err(()));
    f.expect("OPTIONS", Duration::ZERO);
}

#[test]
fn only_the_port_that_was_asked_answers_and_only_once() /* ATTACKS B */
{
    let mut f = outbound("Require: outbound\r\n");
    let probe = f.expect_binding(secs(29));
    for from in ["192.0.2.1:5061", STRANGER] {
        f.bind(&probe, from, Ok(Some(OTHER)));
        f.bind(&probe, from, Err(()));
    }
    let guess = Sent {
        number: probe.number.map(|mut it| {
            it[11] ^= 1;
            it
        }),
        ..probe.clone()
    };
    f.bind(&guess, SERVER, Ok(Some(OTHER)));
    assert_eq!(f.report().public, Some(address(PUBLIC)));
    f.bind(&probe, SERVER, Ok(Some(PUBLIC)));
    f.bind(&probe, SERVER, Ok(Some(OTHER)));
    assert_eq!(f.report().public, Some(address(PUBLIC)));
    assert!(f.run(secs(20)).is_empty());
    // An address of another family is none that we could name.
    let probe = f.expect_binding(secs(29));
    f.bind(&probe, SERVER, Ok(Some("[2001:db8::77]:5060")));
    assert_eq!(f.report().public, Some(address(PUBLIC)));
}
