//! Servers that send us elsewhere (RFC 3261 §8.1.3.4, ATTACKS B10).

use super::fixture::*;

#[test]
fn a_redirection_is_followed_for_one_request() /* R01 */
{
    let mut f = Fixture::waiting(&PLAN);
    let sent = f.expect("REGISTER", secs(1));
    f.answer(&sent, 302, "Contact: <sip:desk@192.0.2.3;x=y>\r\n");
    let sent = f.expect("REGISTER", Duration::ZERO);
    assert_eq!(sent.to(), address("192.0.2.3:5060"));
    assert_eq!(sent.uri(), "sip:192.0.2.3", "a registrar is a domain");
    f.accept(&sent);
    // The rest goes where we are registered.
    let sent = f.expect("PUBLISH", Duration::ZERO);
    assert_eq!(sent.to(), address("192.0.2.3:5060"));
    assert_eq!(sent.uri(), "sip:desk@pbx.example");
    f.accept(&sent);
    let refresh = loop {
        let sent = f.next(secs(600)).expect("a refresh");
        if sent.method() == "REGISTER" {
            break sent;
        }
        f.accept(&sent);
    };
    assert_eq!(refresh.to(), address(SERVER));
}

#[test]
fn whoever_only_publishes_is_sent_elsewhere_with_the_whole_address() {
    let mut f = Fixture::waiting(&PUBLISHES);
    let sent = f.expect("PUBLISH", secs(1));
    f.answer(&sent, 302, "Contact: <sip:desk@192.0.2.3:5070>\r\n");
    let sent = f.expect("PUBLISH", Duration::ZERO);
    assert_eq!(sent.uri(), "sip:desk@192.0.2.3:5070");
    assert_eq!(sent.to(), address("192.0.2.3:5070"));
}

#[test]
fn a_registrar_that_sends_publications_away_stays_the_registrar() {
    let mut f = Fixture::waiting(&PLAN);
    let sent = f.expect("REGISTER", secs(1));
    f.accept(&sent);
    let sent = f.expect("PUBLISH", Duration::ZERO);
    f.answer(&sent, 302, "Contact: <sip:192.0.2.3>\r\n");
    f.expect_silence(secs(44));
    assert_eq!(f.expect("PUBLISH", secs(32)).to(), address(SERVER));
}

#[test]
fn redirections_end() /* ATTACKS B10 */
{
    let mut f = Fixture::waiting(&REGISTERS);
    let mut sent = f.expect("REGISTER", secs(1));
    for at in 3..6 {
        f.answer(&sent, 302, &format!("Contact: <sip:192.0.2.{at}>\r\n"));
        sent = f.expect("REGISTER", Duration::ZERO);
        assert_eq!(sent.to(), address(&format!("192.0.2.{at}:5060")));
    }
    f.answer(&sent, 302, "Contact: <sip:192.0.2.6>\r\n");
    f.expect_silence(secs(44));
    // Later it is begun anew, and followed again.
    let sent = f.expect("REGISTER", secs(32));
    assert_eq!(sent.to(), address(SERVER));
    f.answer(&sent, 302, "Contact: <sip:192.0.2.6>\r\n");
    let sent = f.expect("REGISTER", Duration::ZERO);
    f.answer(&sent, 302, "Contact: <sip:192.0.2.6>\r\n");
    f.expect_silence(secs(44));
}

#[test]
fn nothing_is_redirected_to_or_from_safety() /* R16 */
{
    for contact in [
        "<sips:192.0.2.3>",
        "<sip:192.0.2.3;transport=tls>",
        "<tel:+4930123>",
        "*",
    ] {
        let mut f = Fixture::waiting(&REGISTERS);
        let sent = f.expect("REGISTER", secs(1));
        f.answer(&sent, 302, &format!("Contact: {contact}\r\n"));
        f.expect_silence(secs(44));
        assert_eq!(f.expect("REGISTER", secs(32)).to(), address(SERVER));
    }
    let mut f = Fixture::waiting(&REGISTERS);
    let sent = f.expect("REGISTER", secs(1));
    f.answer(&sent, 302, "Contact: <sips:192.0.2.3>, <sip:192.0.2.4>\r\n");
    assert_eq!(
        f.expect("REGISTER", Duration::ZERO).to(),
        address("192.0.2.4:5060")
    );
    // A server that wants safety is not asked without (RFC 5630 §5.1.1).
    for status in [416, 480] {
        let mut f = Fixture::waiting(&REGISTERS);
        let sent = f.expect("REGISTER", secs(1));
        f.answer(&sent, status, "Warning: 380 pbx \"SIPS Not Allowed\"\r\n");
        f.expect_silence(secs(44));
    }
}
