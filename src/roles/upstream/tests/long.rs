//! Requests that are too long for a datagram (RFC 3261 §18.1.1).

use super::fixture::*;

/// Presence of more than 1,300 bytes, by datagram.
fn long_presence(f: &mut Fixture) {
    let note = "&".repeat(120);
    f.change(&note);
}

fn is_tcp(sent: &Sent) -> bool {
    sent.flow.transport == Transport::Tcp && sent.header("Via").starts_with("SIP/2.0/TCP ")
}

/// An account whose name is as long as it may be.
fn long_plan(aor: &str) -> Plan<'_> {
    Plan { aor, ..REGISTERS }
}

fn long_aor() -> String {
    format!("sip:{}@pbx.example", "d".repeat(230))
}

/// A link whose REGISTER is long for its credentials.
fn challenged(plan: &Plan<'_>) -> (Fixture, Sent) {
    let mut f = Fixture::waiting(plan);
    let short = f.expect("REGISTER", secs(1));
    assert!(short.text.len() <= 1_300 && short.flow.transport == Transport::Udp);
    let nonce = "n".repeat(150);
    let asks =
        format!("WWW-Authenticate: Digest realm=\"pbx\", nonce=\"{nonce}\", qop=\"auth\"\r\n");
    f.answer(&short, 401, &asks);
    let sent = f.expect("REGISTER", Duration::ZERO);
    assert!(sent.text.len() > 1_300 && is_tcp(&sent), "{}", sent.text);
    (f, sent)
}

#[test]
fn a_long_register_goes_by_tcp_and_back_where_that_is_refused() /* X01 */
{
    let aor = long_aor();
    let (mut f, sent) = challenged(&long_plan(&aor));
    assert_eq!(sent.flow.connection, 0);
    assert!(
        !sent.header("Contact").contains("transport"),
        "we are called by datagram"
    );
    f.expect_silence(secs(10));
    // Another connection says nothing.
    f.disconnect(&Flow::tcp(address(LOCAL), address(SECOND), 0), End::Refused);
    f.expect_silence(secs(1));
    f.disconnect(&sent.flow, End::Refused);
    let again = f.expect("REGISTER", Duration::ZERO);
    assert_eq!(
        (again.flow.transport, again.seq()),
        (Transport::Udp, sent.seq() + 1)
    );
    f.accept(&again);
    assert!(f.is_registered());
    assert_eq!(
        f.expect("REGISTER", secs(600)).flow.transport,
        Transport::Udp
    );
}

#[test]
fn a_long_register_that_is_answered_counts_for_the_way_of_datagrams() /* X01 R10 */
{
    let aor = long_aor();
    let (mut f, sent) = challenged(&long_plan(&aor));
    f.links.handle_connected(&Flow {
        connection: 4,
        ..sent.flow
    });
    f.accept(&sent);
    assert!(f.is_registered());
    f.disconnect(
        &Flow {
            connection: 4,
            ..sent.flow
        },
        End::Closed,
    );
    // No pings, and no new registration for a connection that nobody is called by.
    assert!(is_tcp(&f.expect("REGISTER", secs(600))));
    assert!(f.now > Instant::from_millis(400_000));
}

#[test]
fn a_long_request_whose_connection_ends_fails_its_server() /* T06 */
{
    for end in [End::Closed, End::Silent] {
        let aor = long_aor();
        let (mut f, sent) = challenged(&Plan {
            servers: &["192.0.2.1", "192.0.2.2"],
            ..long_plan(&aor)
        });
        f.disconnect(&sent.flow, end);
        let next = f.expect("REGISTER", Duration::ZERO);
        assert_eq!(next.to(), address(SECOND));
        assert!(is_tcp(&next), "that one may take connections");
    }
}

#[test]
fn a_long_publish_goes_by_tcp_and_short_ones_by_datagram() /* X01 */
{
    let aor = format!("sip:{}@pbx.example", "d".repeat(60));
    let mut f = Fixture::standing(&Plan { aor: &aor, ..PLAN });
    f.change("short");
    let sent = f.expect("PUBLISH", secs(60));
    let len = sent.text.len();
    assert!(!is_tcp(&sent) && len <= 1_300, "{len}");
    f.accept(&sent);
    long_presence(&mut f);
    let sent = f.expect("PUBLISH", secs(60));
    let len = sent.text.len();
    assert!(is_tcp(&sent) && len > 1_300, "{len}");
    f.disconnect(&sent.flow, End::Refused);
    let again = f.expect("PUBLISH", Duration::ZERO);
    assert_eq!(
        (again.flow.transport, again.body()),
        (Transport::Udp, sent.body())
    );
    assert_eq!(again.header("SIP-If-Match"), "e2");
    f.accept(&again);
    assert!(f.is_published());
}
