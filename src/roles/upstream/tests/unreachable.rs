//! Datagrams of which the network says that they did not get there, and forged words of that and of answers.

use super::fixture::*;

/// The same request under another branch.
fn guessed(sent: &Sent) -> Sent {
    let branch = sent.branch();
    let (begin, last) = branch.split_at(branch.len() - 1);
    let last = if last == "0" { "1" } else { "0" };
    let text = sent.text.replace(branch, &format!("{begin}{last}"));
    Sent {
        text,
        ..sent.clone()
    }
}

#[test]
fn an_error_that_quotes_no_request_of_ours_means_nothing() /* R09 */
{
    let mut f = Fixture::waiting(&PLAN);
    let sent = f.expect("REGISTER", secs(1));
    f.bounce(&guessed(&sent));
    let mut elsewhere = sent.clone();
    elsewhere.flow.remote = address("203.0.113.66:5060");
    f.bounce(&elsewhere);
    assert_eq!(f.report().last_register, None);
    f.accept(&sent);
    let publish = f.expect("PUBLISH", Duration::ZERO);
    // What was answered is not on its way any more.
    f.bounce(&sent);
    f.bounce(&guessed(&publish));
    assert!(f.is_registered());
    f.accept(&publish);
    assert!(f.is_published());
}

#[test]
fn a_registration_that_is_granted_after_an_error_counts() /* R09 */
{
    let mut f = Fixture::waiting(&REGISTERS);
    let sent = f.expect("REGISTER", secs(1));
    f.run(secs(1));
    f.bounce(&sent);
    assert_eq!(f.report().last_register, Some(503));
    // A refusal, or somebody else's word, does not.
    f.answer(&sent, 403, "");
    let granted = sent.answer(200, &format!("Contact: {CONTACT};expires=600\r\n"), None);
    let mut elsewhere = sent.flow;
    elsewhere.remote = address("203.0.113.66:5060");
    f.receive(&granted, &elsewhere);
    assert!(!f.is_registered());
    f.accept(&sent);
    assert!(f.is_registered());
    f.expect_silence(secs(400));
    // Once it is asked for anew the old answer is late.
    let sent = f.expect("REGISTER", secs(200));
    f.bounce(&sent);
    let again = f.expect("REGISTER", secs(60));
    assert_ne!(again.branch(), sent.branch());
    f.answer(&sent, 200, "");
    f.accept(&again);
    assert!(f.is_registered());
}

#[test]
fn no_answer_from_elsewhere_changes_anything() /* ATTACKS B12 */
{
    const ROWS: &str = "Expires: 0\r\nMin-Expires: 4000\r\nRetry-After: 900\r\nContact: <sip:203.0.113.66>\r\nSIP-ETag: x\r\nWWW-Authenticate: Digest realm=\"r\", nonce=\"n\"\r\n";
    for status in [100, 200, 302, 401, 403, 407, 412, 423, 439, 503, 603] {
        let mut f = Fixture::waiting(&Plan {
            redirects: Redirects::Anywhere,
            ..PLAN
        });
        for method in ["REGISTER", "PUBLISH"] {
            let sent = f.expect(method, secs(1));
            let mut stranger = sent.flow;
            stranger.remote = address("203.0.113.66:5060");
            f.receive(&sent.answer(status, ROWS, None), &stranger);
            assert_eq!(f.poll(), [], "{method} {status}");
            f.accept(&sent);
        }
        assert!(f.is_registered() && f.is_published(), "{status}");
    }
}
