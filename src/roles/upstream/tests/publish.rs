//! PUBLISH: initial, refresh, modify, and what servers say to it.

use super::fixture::*;

fn tuple(sent: &Sent) -> &str {
    let id = sent.body().split("<tuple id=\"").nth(1).expect("a tuple");
    id.split('"').next().expect("its end")
}

#[test]
fn the_first_has_a_document_and_no_tag() /* P01 */
{
    let mut f = Fixture::waiting(&PUBLISHES);
    let sent = f.expect("PUBLISH", secs(1));
    assert_eq!(sent.uri(), "sip:desk@pbx.example");
    assert_eq!(sent.header("Event"), "presence");
    assert_eq!(sent.header("Content-Type"), "application/pidf+xml");
    assert!(sent.body().contains("<presence"));
    assert_eq!(sent.try_header("SIP-If-Match"), None);
    assert_eq!(sent.try_header("Contact"), None);
}

#[test]
fn publishing_waits_for_the_registration() {
    let mut f = Fixture::waiting(&PLAN);
    let sent = f.expect("REGISTER", secs(1));
    f.change("early");
    assert!(f.run(secs(5)).iter().all(|it| it.method() == "REGISTER"));
    f.accept(&sent);
    assert!(f.expect("PUBLISH", Duration::ZERO).body().contains("early"));
}

#[test]
fn every_tag_replaces_the_one_before() /* P02 P03 P08 P11 */
{
    let mut f = Fixture::standing(&PUBLISHES);
    for _ in 0..3 {
        let before = f.now;
        let sent = f.expect("PUBLISH", secs(600));
        assert_eq!(sent.header("SIP-If-Match"), format!("e{}", sent.seq() - 1));
        assert_eq!(sent.body(), "");
        assert_eq!(sent.try_header("Content-Type"), None);
        assert_eq!(sent.try_header("Route"), None);
        assert!(before + secs(600) >= sent.at + secs(33));
        let rows = format!(
            "Record-Route: <sip:proxy.example;lr>\r\nSIP-ETag: e{}\r\nExpires: 600\r\n",
            sent.seq()
        );
        f.answer(&sent, 200, &rows);
    }
    // The granted time rules, whatever was asked for.
    let sent = f.expect("PUBLISH", secs(600));
    f.answer(&sent, 200, "SIP-ETag: short\r\nExpires: 100\r\n");
    f.expect("PUBLISH", secs(66));
}

#[test]
fn a_change_modifies_the_same_tuple() /* P09 */
{
    let mut f = Fixture::waiting(&PUBLISHES);
    let first = f.expect("PUBLISH", secs(1));
    f.accept(&first);
    f.change("lunch");
    let sent = f.expect("PUBLISH", Duration::ZERO);
    assert_eq!(sent.header("SIP-If-Match"), "e1");
    assert!(sent.body().contains("lunch"));
    assert_eq!(tuple(&sent), tuple(&first));
}

#[test]
fn changes_while_one_is_on_its_way_are_merged() /* P04 */
{
    let mut f = Fixture::waiting(&PUBLISHES);
    let sent = f.expect("PUBLISH", secs(1));
    for note in ["one", "two", "three"] {
        f.change(note);
        let again = f.run(secs(1));
        assert!(again.iter().all(|it| it.text == sent.text));
    }
    f.accept(&sent);
    let next = f.expect("PUBLISH", Duration::ZERO);
    assert!(next.body().contains("three"));
    f.accept(&next);
    f.expect_silence(secs(300));
}

#[test]
fn changes_are_told_no_faster_than_the_pace_and_the_last_one_always() {
    let mut f = Fixture::standing(&PUBLISHES);
    f.links.set_pace(Pace {
        burst: 2,
        interval: secs(5),
    });
    let mut told = Vec::new();
    for at in 0..20 {
        f.change(&format!("n{at}"));
        // The same revision again is no news.
        let presentity = f.presentities.get(f.desk).expect("it is there");
        f.links.handle_change(f.now, f.desk, presentity);
        let end = f.now + secs(if at == 19 { 10 } else { 1 });
        while let Some(sent) = f.next(end.since(f.now)) {
            f.accept(&sent);
            told.push(sent);
        }
    }
    assert!((5..=6).contains(&told.len()), "{}", told.len());
    assert!(told.last().expect("some").body().contains("n19"));
}

#[test]
fn a_forgotten_tag_is_dropped_and_everything_told_again() /* P05 */
{
    let mut f = Fixture::standing(&PUBLISHES);
    let sent = f.expect("PUBLISH", secs(600));
    assert!(f.answer(&sent, 412, ""), "it seems to have forgotten us");
    let next = f.expect("PUBLISH", Duration::ZERO);
    assert_eq!(next.try_header("SIP-If-Match"), None);
    assert!(next.body().contains("<presence"));
    // A second one is no reason to go on at once.
    assert!(!f.answer(&next, 412, ""));
    f.expect_silence(secs(44));
    f.expect("PUBLISH", secs(32));
}

#[test]
fn too_brief_is_followed_within_bounds() /* P06 */
{
    let mut f = Fixture::waiting(&PUBLISHES);
    let sent = f.expect("PUBLISH", secs(1));
    f.answer(&sent, 423, "Min-Expires: 1200\r\n");
    let sent = f.expect("PUBLISH", Duration::ZERO);
    assert_eq!(sent.expires(), 1_200);
    assert!(!sent.body().is_empty());
    f.answer(&sent, 423, "Min-Expires: 2400\r\n");
    f.expect_silence(secs(44));
}

#[test]
fn a_tag_of_before_the_restart_is_tried_first() /* P07 */
{
    for answer in [200, 412] {
        let mut f = Fixture::waiting(&PUBLISHES);
        let ends = f.now + secs(300);
        f.links.recall(f.id, "old", ends);
        assert_eq!(f.links.held(f.id), Some(("old", ends)));
        let sent = f.expect("PUBLISH", secs(1));
        assert_eq!(sent.header("SIP-If-Match"), "old");
        assert!(!sent.body().is_empty(), "a modify");
        f.links.recall(f.id, "older", ends);
        assert!(!f.links.take_renewed(f.id));
        f.answer(&sent, answer, "SIP-ETag: new\r\nExpires: 600\r\n");
        assert!(f.links.take_renewed(f.id) && !f.links.take_renewed(f.id));
        if answer == 412 {
            let sent = f.expect("PUBLISH", Duration::ZERO);
            assert_eq!(sent.try_header("SIP-If-Match"), None);
        } else {
            assert_eq!(f.links.held(f.id), Some(("new", f.now + secs(600))));
        }
    }
    // One that has ended is not tried.
    let mut f = Fixture::waiting(&PUBLISHES);
    f.links.recall(f.id, "old", f.now);
    assert_eq!(
        f.expect("PUBLISH", secs(1)).try_header("SIP-If-Match"),
        None
    );
}

#[test]
fn asked_to_wait_it_waits_whatever_changes() /* P10 */
{
    let mut f = Fixture::standing(&PLAN);
    f.change("one");
    let sent = f.expect("PUBLISH", Duration::ZERO);
    f.answer(&sent, 503, "Retry-After: 120\r\n");
    assert!(f.is_registered() && !f.is_published());
    f.change("two");
    f.expect_silence(secs(119));
    let sent = f.expect("PUBLISH", secs(14));
    assert_eq!(sent.header("SIP-If-Match"), "e1");
    assert!(sent.body().contains("two"));
    f.accept(&sent);
    assert!(f.is_published());
}

#[test]
fn after_silence_the_tag_is_kept_and_the_next_is_a_modify() /* P10 R05 */
{
    let mut f = Fixture::standing(&PUBLISHES);
    let refresh = f.expect("PUBLISH", secs(600));
    let again = f.run(secs(33));
    assert!(again.len() == 10 && again.iter().all(|it| it.text == refresh.text));
    f.expect_silence(secs(13));
    let sent = f.expect("PUBLISH", secs(18));
    assert_eq!(sent.header("SIP-If-Match"), "e1");
    assert!(!sent.body().is_empty());
}

#[test]
fn a_refused_publication_leaves_the_registration_alone() {
    for status in [403, 489, 500, 503, 408] {
        let mut f = Fixture::waiting(&PLAN);
        let sent = f.expect("REGISTER", secs(1));
        f.accept(&sent);
        let sent = f.expect("PUBLISH", Duration::ZERO);
        f.answer(&sent, status, "");
        assert!(f.is_registered());
        let expected = match status {
            403 | 489 => Stands::Refused,
            _ => Stands::Retrying,
        };
        assert_eq!(f.report().publication, expected);
        assert!(!f.report().why.is_empty());
        // A refresh of the one does not make the other well.
        let mut publishes = 0;
        for sent in core::iter::from_fn(|| f.next(secs(560)))
            .take(8)
            .collect::<Vec<_>>()
        {
            assert_ne!(sent.method(), "OPTIONS");
            publishes += usize::from(sent.method() == "PUBLISH");
        }
        assert!(publishes >= 1, "{status}");
    }
}

#[test]
fn a_publication_for_no_time_is_a_refusal() {
    let mut f = Fixture::waiting(&PUBLISHES);
    let sent = f.expect("PUBLISH", secs(1));
    f.answer(&sent, 200, "SIP-ETag: a\r\nExpires: 0\r\n");
    f.expect_silence(secs(44));
    assert_eq!(
        f.expect("PUBLISH", secs(32)).try_header("SIP-If-Match"),
        None
    );
}

#[test]
fn a_server_that_seems_to_have_forgotten_us_is_told_everything() {
    let mut f = Fixture::standing(&PLAN);
    f.links.handle_doubt(f.now, f.id);
    f.expect_silence(secs(60));
    f.links.handle_doubt(f.now, f.id);
    let sent = f.expect("REGISTER", Duration::ZERO);
    f.links.handle_doubt(f.now, f.id);
    f.accept(&sent);
    let sent = f.expect("PUBLISH", Duration::ZERO);
    assert_eq!(sent.header("SIP-If-Match"), "e1");
    f.accept(&sent);
    f.expect_silence(secs(100));
}

#[test]
fn a_publication_goes_on_while_the_registrar_wants_to_wait() /* R14 */
{
    let mut f = Fixture::standing(&PLAN);
    f.run(secs(60));
    f.links.handle_doubt(f.now, f.id);
    let sent = f.expect("REGISTER", Duration::ZERO);
    f.answer(&sent, 503, "Retry-After: 300\r\n");
    let sent = f.expect("PUBLISH", Duration::ZERO);
    f.accept(&sent);
    assert!(f.is_registered() && f.is_published());
}
