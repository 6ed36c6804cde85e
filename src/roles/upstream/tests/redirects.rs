//! Servers that send us elsewhere (RFC 3261 §8.1.3.4, ATTACKS B10).

use super::fixture::*;

const ANYWHERE: Plan<'static> = Plan {
    redirects: Redirects::Anywhere,
    ..PLAN
};

const REGISTERS_ANYWHERE: Plan<'static> = Plan {
    publish: false,
    ..ANYWHERE
};

const CHALLENGE: &str = "WWW-Authenticate: Digest realm=\"pbx\", nonce=\"n1\"\r\n";

/// Registers at servers of that name, and answers the question for them.
fn named() -> (Fixture, Sent) {
    let mut f = Fixture::waiting(&Plan {
        servers: &["sip1.pbx.example"],
        ..REGISTERS
    });
    let sent = resolved(&mut f, SERVER);
    (f, sent)
}

/// Answers the next question for a name; the REGISTER that then goes there.
#[track_caller]
fn resolved(f: &mut Fixture, at: &str) -> Sent {
    f.expect_silence(secs(1));
    let (query, found) = (f.queries.pop().expect("a query"), place(at));
    f.links
        .handle_resolved(f.now, query, &[found], &mut f.random);
    let sent = f.expect("REGISTER", Duration::ZERO);
    assert_eq!(sent.to().ip(), address(at).ip());
    sent
}

#[test]
fn a_redirection_stays_in_the_domain_it_came_from() /* ATTACKS B10 */
{
    for outside in [
        "192.0.2.3",
        "evil.example",
        "pbx.example.evil.example",
        "evilpbx.example",
        "127.0.0.1",
    ] {
        let (mut f, sent) = named();
        f.answer(&sent, 302, &format!("Contact: <sip:desk@{outside}>\r\n"));
        f.expect_silence(secs(44));
        assert_eq!(f.report().why, "it sends us elsewhere", "{outside}");
        let sent = f.expect("REGISTER", secs(32));
        assert_eq!(sent.to(), address(SERVER));
    }
    for inside in ["sip2.pbx.example", "PBX.example:5070", "a.sip1.pbx.example"] {
        let (mut f, sent) = named();
        f.answer(&sent, 302, &format!("Contact: <sip:desk@{inside}>\r\n"));
        resolved(&mut f, "192.0.2.77:5060");
    }
    // Of several the first that may be followed; the same host at another port is the same host.
    let (mut f, sent) = named();
    let rows = "Contact: <sip:desk@evil.example>, <sip:desk@192.0.2.1:5070>\r\n";
    f.answer(&sent, 302, rows);
    let sent = f.expect("REGISTER", secs(1));
    assert_eq!(sent.to(), address("192.0.2.1:5070"));
}

#[test]
fn who_is_reached_by_a_redirection_to_anywhere_is_told_no_password() /* ATTACKS B10 */
{
    let mut f = Fixture::waiting(&REGISTERS_ANYWHERE);
    let sent = f.expect("REGISTER", secs(1));
    f.answer(&sent, 401, CHALLENGE);
    let sent = f.expect("REGISTER", secs(1));
    assert!(sent.try_header("Authorization").is_some());
    f.answer(&sent, 302, "Contact: <sip:192.0.2.3>\r\n");
    let sent = f.expect("REGISTER", secs(1));
    assert_eq!(sent.to(), address("192.0.2.3:5060"));
    assert_eq!(sent.try_header("Authorization"), None);
    f.answer(&sent, 401, CHALLENGE);
    f.expect_silence(secs(44));
    assert_eq!(f.report().why, "it is not ours, and is told no password");
    // The account's own server is, later.
    let sent = f.expect("REGISTER", secs(32));
    assert_eq!(sent.to(), address(SERVER));
    assert!(sent.try_header("Authorization").is_some());
    // Within the domain it is told as everywhere there.
    let (mut f, sent) = named();
    f.answer(&sent, 302, "Contact: <sip:sip2.pbx.example>\r\n");
    let sent = resolved(&mut f, "192.0.2.77:5060");
    f.answer(&sent, 401, CHALLENGE);
    let sent = f.expect("REGISTER", secs(1));
    assert!(sent.try_header("Authorization").is_some());
}

#[test]
fn whoever_goes_the_way_of_an_account_proves_nothing_outside_either() /* ATTACKS B10 */
{
    let mut f = Fixture::waiting(&REGISTERS_ANYWHERE);
    let sent = f.expect("REGISTER", secs(1));
    f.answer(&sent, 302, "Contact: <sip:192.0.2.3>\r\n");
    let sent = f.expect("REGISTER", secs(1));
    f.accept(&sent);
    let outbound = f.links.outbound(f.id).expect("it is there");
    assert!(outbound.proven_key().is_none());
    // Until the account is at its own server again.
    let refresh = f.expect("REGISTER", secs(600));
    assert_eq!(refresh.to(), address(SERVER));
    f.accept(&refresh);
    let outbound = f.links.outbound(f.id).expect("it is there");
    assert!(outbound.proven_key().is_some());
}

#[test]
fn a_redirection_is_followed_for_one_request() /* R01 */
{
    let mut f = Fixture::waiting(&ANYWHERE);
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
    let mut f = Fixture::waiting(&Plan {
        register: false,
        ..ANYWHERE
    });
    let sent = f.expect("PUBLISH", secs(1));
    f.answer(&sent, 302, "Contact: <sip:desk@192.0.2.3:5070>\r\n");
    let sent = f.expect("PUBLISH", Duration::ZERO);
    assert_eq!(sent.uri(), "sip:desk@192.0.2.3:5070");
    assert_eq!(sent.to(), address("192.0.2.3:5070"));
}

#[test]
fn a_registrar_that_sends_publications_away_stays_the_registrar() {
    let mut f = Fixture::waiting(&ANYWHERE);
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
    let mut f = Fixture::waiting(&REGISTERS_ANYWHERE);
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
        let mut f = Fixture::waiting(&REGISTERS_ANYWHERE);
        let sent = f.expect("REGISTER", secs(1));
        f.answer(&sent, 302, &format!("Contact: {contact}\r\n"));
        f.expect_silence(secs(44));
        assert_eq!(f.expect("REGISTER", secs(32)).to(), address(SERVER));
    }
    let mut f = Fixture::waiting(&REGISTERS_ANYWHERE);
    let sent = f.expect("REGISTER", secs(1));
    f.answer(&sent, 302, "Contact: <sips:192.0.2.3>, <sip:192.0.2.4>\r\n");
    assert_eq!(
        f.expect("REGISTER", Duration::ZERO).to(),
        address("192.0.2.4:5060")
    );
    // A server that wants safety is not asked without (RFC 5630 §5.1.1).
    for status in [416, 480] {
        let mut f = Fixture::waiting(&REGISTERS_ANYWHERE);
        let sent = f.expect("REGISTER", secs(1));
        f.answer(&sent, status, "Warning: 380 pbx \"SIPS Not Allowed\"\r\n");
        f.expect_silence(secs(44));
    }
}
