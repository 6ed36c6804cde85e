//! A NAT between the watch and its server.

extern crate std;

use super::fixture::*;
use crate::ground::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

/// Where the server sees us.
const PUBLIC: &str = "203.0.113.9:40000";

/// The request as it comes out of the NAT: its answer says so (RFC 3581 §4).
fn behind(sent: &Sent) -> Sent {
    let text = sent
        .text
        .replace(";rport", ";rport=40000;received=203.0.113.9");
    Sent {
        text,
        ..sent.clone()
    }
}

#[test]
fn a_server_is_told_the_address_that_it_sees() /* X04 */
{
    let mut f = Fixture::asking();
    let sent = f.last();
    assert!(sent.header("Contact").contains("@192.0.2.9:5060"));
    f.last = Some(behind(&sent));
    f.establish("peer", "");
    let refresh = f.expect_one(300 * SECOND);
    assert!(
        refresh
            .header("Contact")
            .contains(&std::format!("@{PUBLIC}"))
    );
    assert!(refresh.header("Via").contains(" 192.0.2.9:5060;"));
    // That is right now: nothing more is asked for until the time comes.
    f.answer(&behind(&refresh), 200, "Expires: 300\r\n");
    let text = calls(1, "full", "");
    f.notify_ok(&sent.notify("peer", 2, "active;expires=300", &dialog_info(&text)));
    f.expect_silence(100 * SECOND);
}

#[test]
fn a_notify_that_goes_astray_is_not_waited_for() {
    let mut f = Fixture::asking();
    let sent = f.last();
    f.answer(&behind(&sent), 200, "Expires: 300\r\n");
    let again = f.expect_one(8 * SECOND);
    assert!(again.is_first());
    assert!(again.header("Contact").contains(&std::format!("@{PUBLIC}")));
}

#[test]
fn a_nat_that_changes_with_each_request_makes_no_storm() {
    let mut f = Fixture::asking();
    let sent = f.last();
    f.last = Some(behind(&sent));
    f.establish("peer", "");
    let end = f.now + 600 * SECOND;
    let (mut asked, mut port) = (0, 40_001);
    while let Some(refresh) = f.next(end - f.now) {
        asked += 1;
        port += 1;
        let behind = refresh.text.replace(
            ";rport",
            &std::format!(";rport={port};received=203.0.113.9"),
        );
        let behind = Sent {
            text: behind,
            ..refresh.clone()
        };
        f.answer(&behind, 200, "Expires: 300\r\n");
        let text = calls(asked, "full", "");
        let notify = sent.notify("peer", asked + 1, "active;expires=300", &dialog_info(&text));
        f.notify_ok(&notify);
    }
    assert!(asked <= 600 / 15, "{asked}");
}

#[test]
fn the_way_through_a_nat_is_kept_open() /* RFC 5626 §4.4.2 */
{
    let mut f = Fixture::asking();
    let sent = f.last();
    f.last = Some(behind(&sent));
    f.establish("peer", "");
    f.run(150 * SECOND);
    assert!((5..=6).contains(&f.pings.len()), "{:?}", f.pings);
    for pair in f.pings.windows(2) {
        let waited = pair[1].0 - pair[0].0;
        assert!(waited >= 24 * SECOND && waited <= 29 * SECOND, "{waited:?}");
    }
    assert!(f.pings.iter().all(|(_, to)| *to == address(SERVER)));
}

#[test]
fn without_a_nat_nothing_is_kept_open() {
    let mut f = Fixture::active();
    f.run(200 * SECOND);
    assert_eq!(f.pings, []);
}

/// A watch that goes by TCP.
fn streaming() -> (Fixture, Sent) {
    let mut f = Fixture::ordered(&order("sip:bob@192.0.2.1;transport=tcp"));
    let sent = f.expect_one(Duration::from_secs(3));
    f.establish("peer", "");
    (f, sent)
}

#[test]
fn the_stream_of_a_watch_is_pinged() /* R10 */
{
    let (mut f, sent) = streaming();
    assert_eq!(sent.flow.transport, Transport::Tcp);
    let began = f.now;
    f.run(200 * SECOND);
    assert!((1..=2).contains(&f.pings.len()), "{:?}", f.pings);
    let (first, to) = f.pings[0];
    assert!(first >= began + 94 * SECOND && first <= began + 121 * SECOND);
    assert_eq!(to, address(SERVER));
    // Two at one server have one connection.
    let (mut f, _) = streaming();
    f.add(&order("sip:eve@192.0.2.1;transport=tcp"));
    f.expect_one(3 * SECOND);
    f.establish("other", "");
    f.run(125 * SECOND);
    assert_eq!(f.pings.len(), 1, "{:?}", f.pings);
}

#[test]
fn a_stream_without_a_pong_is_left_at_once() /* R10 R12 */
{
    for (end, least, most) in [(End::Silent, 0, 1), (End::Closed, 15, 30)] {
        let (mut f, sent) = streaming();
        f.run(110 * SECOND);
        let before = f.now;
        let lost = Flow {
            connection: 7,
            ..sent.flow
        };
        f.disconnect(&lost, end);
        let again = f.expect_one(30 * SECOND);
        let waited = again.at - before;
        assert!(
            waited >= least * SECOND && waited <= most * SECOND,
            "{end:?}: {waited:?}"
        );
        assert!(!again.is_first(), "the subscription stands");
    }
}
