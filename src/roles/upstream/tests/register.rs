//! REGISTER: first, refreshed, challenged, told of another address.

use super::fixture::*;

const UUID: &str = "01234567-89ab-4def-bedc-ba9876543210";

#[test]
fn a_registration_names_the_domain_the_address_of_record_and_the_instance() /* R01 R07 R08 R15 */
{
    let mut f = Fixture::waiting(&REGISTERS);
    let sent = f.expect("REGISTER", secs(1));
    assert_eq!(sent.uri(), "sip:pbx.example");
    assert_eq!(sent.header("To"), "<sip:desk@pbx.example>");
    assert!(
        sent.header("From")
            .starts_with("<sip:desk@pbx.example>;tag=")
    );
    assert_eq!(sent.header("Supported"), "path, outbound, gruu");
    assert_eq!(sent.expires(), 600);
    let binding = format!("{CONTACT};+sip.instance=\"<urn:uuid:{UUID}>\";reg-id=1");
    assert_eq!(sent.headers("Contact").collect::<Vec<_>>(), [binding]);
    assert_eq!(sent.to(), address(SERVER));
}

#[test]
fn one_call_id_rising_cseq_and_one_request_at_a_time() /* R01 R06 */
{
    let mut f = Fixture::waiting(&REGISTERS);
    let first = f.expect("REGISTER", secs(1));
    // Whatever happens, nothing but the same bytes is sent while it is unanswered.
    let again = f.run(secs(10));
    assert_eq!(again.len(), 4);
    assert!(again.iter().all(|it| it.text == first.text));
    f.accept(&first);
    assert!(f.is_registered());
    let granted = f.now;
    let second = f.expect("REGISTER", secs(600));
    assert_eq!(second.header("Call-ID"), first.header("Call-ID"));
    assert_eq!(second.header("From"), first.header("From"));
    assert_eq!(second.seq(), first.seq() + 1);
    assert_ne!(second.branch(), first.branch());
    // Refreshed so early that Timer F still fits.
    assert!(granted + secs(600) >= second.at + secs(33));
    assert!(second.at >= granted + secs(400));
}

#[test]
fn a_short_lifetime_is_refreshed_at_half() /* R06 */
{
    let mut f = Fixture::waiting(&REGISTERS);
    let sent = f.expect("REGISTER", secs(1));
    f.answer(&sent, 200, &format!("Contact: {CONTACT};expires=60\r\n"));
    f.expect_silence(secs(26));
    f.expect("REGISTER", secs(4));
}

#[test]
fn our_own_binding_among_others_says_how_long() /* R02 */
{
    for (contacts, lasts) in [
        // By address, others untouched; the header only where the binding says nothing.
        (
            "Contact: <sip:desk@192.0.2.77:5060>;expires=60, <sip:desk@192.0.2.9:5060>;expires=300\r\nExpires: 100\r\n",
            300,
        ),
        ("Contact: <sip:desk@192.0.2.9>\r\nExpires: 100\r\n", 100),
        (
            "Contact: <sip:other@192.0.2.9:5060>;expires=60, <sip:desk@192.0.2.9:5060>;expires=300\r\n",
            300,
        ),
        // By instance, where the registrar put another address in.
        (
            "Contact: <sip:desk@203.0.113.9:4000>;+sip.instance=\"<urn:uuid:01234567-89ab-4def-bedc-ba9876543210>\";reg-id=9;expires=60, <sip:desk@203.0.113.9:4001>;+sip.instance=\"<urn:uuid:01234567-89ab-4def-bedc-ba9876543210>\";reg-id=1;expires=300\r\n",
            300,
        ),
        // Nothing at all: as asked. More than asked is never believed.
        ("", 600),
        ("Contact: <sip:desk@192.0.2.9:5060>;expires=86400\r\n", 600),
    ] {
        let mut f = Fixture::waiting(&REGISTERS);
        let sent = f.expect("REGISTER", secs(1));
        f.answer(&sent, 200, contacts);
        assert_eq!(f.report().expires, Some(f.now + secs(lasts)), "{contacts}");
    }
}

#[test]
fn a_binding_with_another_host_counts_for_what_it_grants() {
    for (rows, lasts) in [
        // A border element put its own address in: it is the only one.
        (
            "Contact: <sip:desk@203.0.113.9:4000>;expires=60\r\nExpires: 500\r\n",
            60,
        ),
        (
            "Contact: <sip:other@203.0.113.9:4000>\r\nExpires: 500\r\n",
            500,
        ),
        // Of several, the one that goes first; what is over is no binding.
        (
            "Contact: <sip:a@203.0.113.9>;expires=300, <sip:b@203.0.113.9>;expires=0, <sip:c@203.0.113.9>;expires=90\r\n",
            90,
        ),
        (
            "Contact: <sip:a@203.0.113.9>, <sip:b@203.0.113.9>\r\nExpires: 120\r\n",
            120,
        ),
        ("Contact: *\r\nExpires: 120\r\n", 120),
    ] {
        let mut f = Fixture::waiting(&REGISTERS);
        let sent = f.expect("REGISTER", secs(1));
        f.answer(&sent, 200, rows);
        assert_eq!(f.report().expires, Some(f.now + secs(lasts)), "{rows}");
        assert_eq!(f.report().gruu, None);
        f.expect("REGISTER", secs(lasts));
    }
}

#[test]
fn a_registration_for_no_time_is_a_refusal_that_is_tried_again() {
    let mut f = Fixture::waiting(&REGISTERS);
    let sent = f.expect("REGISTER", secs(1));
    f.answer(&sent, 200, &format!("Contact: {CONTACT};expires=0\r\n"));
    assert_eq!(f.report().registration, Stands::Retrying);
    f.expect_silence(secs(44));
    f.expect("REGISTER", secs(32));
}

#[test]
fn too_brief_is_followed_once_and_not_beyond_a_day() /* R03 ATTACKS B11 */
{
    let mut f = Fixture::waiting(&REGISTERS);
    let first = f.expect("REGISTER", secs(1));
    f.answer(&first, 423, "Min-Expires: 1800\r\n");
    let second = f.expect("REGISTER", Duration::ZERO);
    assert_eq!((second.expires(), second.seq()), (1_800, first.seq() + 1));
    f.answer(&second, 423, "Min-Expires: 3600\r\n");
    f.expect_silence(secs(44));
    for row in ["Min-Expires: 4294967295\r\n", "Min-Expires: 10\r\n", ""] {
        let mut f = Fixture::waiting(&REGISTERS);
        let sent = f.expect("REGISTER", secs(1));
        f.answer(&sent, 423, row);
        f.expect_silence(secs(44));
        f.expect("REGISTER", secs(32));
    }
}

#[test]
fn too_brief_a_publication_is_treated_alike() /* ATTACKS B11 */
{
    let mut f = Fixture::waiting(&PUBLISHES);
    let first = f.expect("PUBLISH", secs(1));
    f.answer(&first, 423, "Min-Expires: 1800\r\n");
    let second = f.expect("PUBLISH", Duration::ZERO);
    assert_eq!((second.expires(), second.seq()), (1_800, first.seq() + 1));
    f.answer(&second, 423, "Min-Expires: 4294967295\r\n");
    f.expect_silence(secs(44));
    f.expect("PUBLISH", secs(32));
}

#[test]
fn without_outbound_the_flow_has_no_number() /* R08 */
{
    let mut f = Fixture::waiting(&REGISTERS);
    let sent = f.expect("REGISTER", secs(1));
    f.answer(&sent, 439, "");
    let plain = f.expect("REGISTER", Duration::ZERO);
    assert_eq!(plain.header("Supported"), "path, gruu");
    assert!(!plain.header("Contact").contains("reg-id"));
    assert!(plain.header("Contact").contains(UUID));
    f.answer(&plain, 439, "");
    f.expect_silence(secs(44));
}

#[test]
fn a_gruu_is_kept_as_it_came_and_dropped_with_the_registration() /* R15 */
{
    const GRUU: &str = "sip:desk@pbx.example;gr=urn:uuid:01234567-89ab-4def-bedc-ba9876543210";
    let mut f = Fixture::waiting(&REGISTERS);
    let sent = f.expect("REGISTER", secs(1));
    let contact = sent.header("Contact");
    let rows = format!("Contact: {contact};pub-gruu=\"{GRUU}\";expires=600\r\n");
    f.answer(&sent, 200, &rows);
    assert_eq!(f.report().gruu, Some(GRUU));
    f.run(secs(601));
    assert_eq!(f.report().gruu, None);
    assert_eq!(f.report().expires, None, "it has lapsed");
    assert!(core::iter::from_fn(|| f.links.take_changed()).count() > 0);
}

#[test]
fn a_challenge_is_answered_and_then_foreseen() /* A15 A16 A13 */
{
    const ROW: &str =
        "WWW-Authenticate: Digest realm=\"pbx\", nonce=\"n1\", algorithm=MD5, qop=\"auth\"\r\n";
    const STALE: &str = "WWW-Authenticate: Digest realm=\"pbx\", nonce=\"n2\", algorithm=MD5, qop=\"auth\", stale=true\r\n";
    let mut f = Fixture::waiting(&PLAN);
    let first = f.expect("REGISTER", secs(1));
    assert_eq!(first.try_header("Authorization"), None);
    f.answer(&first, 401, ROW);
    let second = f.expect("REGISTER", Duration::ZERO);
    let proof = second.header("Authorization");
    assert!(proof.contains("uri=\"sip:pbx.example\"") && proof.contains("nc=00000001"));
    assert_eq!(second.seq(), first.seq() + 1);
    assert_eq!(second.header("Call-ID"), first.header("Call-ID"));
    assert_ne!(second.branch(), first.branch());
    f.accept(&second);
    let publish = f.expect("PUBLISH", Duration::ZERO);
    assert!(publish.header("Authorization").contains("nc=00000002"));
    // A stale nonce costs one more exchange, with the whole document again.
    f.answer(&publish, 407, &STALE.replace("WWW", "Proxy"));
    let again = f.expect("PUBLISH", Duration::ZERO);
    assert!(again.header("Proxy-Authorization").contains("nonce=\"n2\""));
    assert_eq!(again.body(), publish.body());
    f.accept(&again);
    assert!(f.is_published());
}

#[test]
fn a_wrong_password_is_tried_slower_and_slower() /* ATTACKS B11 */
{
    const ROW: &str =
        "WWW-Authenticate: Digest realm=\"pbx\", nonce=\"n1\", qop=\"auth\", stale=true\r\n";
    let mut f = Fixture::waiting(&REGISTERS);
    let mut last = f.now;
    let mut gaps = Vec::new();
    for _ in 0..6 {
        let mut tries = 0;
        let mut sent = f.expect("REGISTER", secs(1_200));
        gaps.push(sent.at.since(last));
        loop {
            tries += 1;
            last = f.now;
            f.answer(&sent, 401, ROW);
            match f.next(Duration::ZERO) {
                Some(next) => sent = next,
                None => break,
            }
        }
        assert!(tries <= 3, "{tries}");
    }
    assert!(gaps[1] >= secs(45) && gaps[5] >= secs(600), "{gaps:?}");
    assert_eq!(f.report().why, "it does not take our password");
    // Without any there is nothing to try.
    let mut f = Fixture::waiting(&Plan {
        password: "",
        ..REGISTERS
    });
    let sent = f.expect("REGISTER", secs(1));
    f.answer(&sent, 401, ROW);
    f.expect_silence(secs(44));
}

#[test]
fn answers_from_elsewhere_or_to_something_else_are_dropped() /* ATTACKS B12 */
{
    let mut f = Fixture::waiting(&REGISTERS);
    let sent = f.expect("REGISTER", secs(1));
    let ok = sent.answer(200, &format!("Contact: {CONTACT}\r\n"), None);
    let stranger = Flow::udp(address(LOCAL), address(STRANGER));
    f.receive(&ok, &stranger);
    let branch = sent.branch();
    let digit = if branch.ends_with('0') { "1" } else { "0" };
    let guessed = format!("{}{digit}", &branch[..branch.len() - 1]);
    f.receive(&ok.replace(branch, &guessed), &sent.flow);
    f.receive(&ok.replace("1 REGISTER", "1 PUBLISH"), &sent.flow);
    f.receive(&ok.replace("1 REGISTER", "2 REGISTER"), &sent.flow);
    let slot = format!("{}ffff{}", &branch[..8], &branch[12..]);
    f.receive(&ok.replace(branch, &slot), &sent.flow);
    assert!(!f.is_registered());
    // Another port of the same host is that host.
    f.receive(&ok, &Flow::udp(address(LOCAL), address("192.0.2.1:6000")));
    assert!(f.is_registered());
}

#[test]
fn a_provisional_answer_slows_and_ends_nothing() /* T03 */
{
    let mut f = Fixture::waiting(&REGISTERS);
    let sent = f.expect("REGISTER", secs(1));
    f.answer(&sent, 100, "");
    let times: Vec<_> = f
        .run(secs(10))
        .iter()
        .map(|it| it.at.since(sent.at))
        .collect();
    assert_eq!(
        times,
        [
            Duration::from_millis(500),
            Duration::from_millis(4_500),
            Duration::from_millis(8_500)
        ]
    );
    f.accept(&sent);
    assert!(f.is_registered());
}

#[test]
fn another_address_is_told_at_once_and_the_old_one_taken_back() /* R04 R13 */
{
    let mut f = Fixture::standing(&PLAN);
    f.listen(&[LOCAL, "[2001:db8::9]:5060"]);
    f.expect_silence(secs(10));
    f.listen(&["192.0.2.10:5060"]);
    let sent = f.expect("REGISTER", Duration::ZERO);
    let contacts: Vec<_> = sent.headers("Contact").collect();
    assert!(
        contacts[0].starts_with("<sip:desk@192.0.2.10:5060>;")
            && contacts[0].ends_with(";reg-id=1")
    );
    assert_eq!(contacts[1..], [format!("{CONTACT};expires=0")]);
    f.accept(&sent);
    // The publication is told to be there still.
    let sent = f.expect("PUBLISH", Duration::ZERO);
    assert_eq!(sent.header("SIP-If-Match"), "e1");
    f.accept(&sent);
    let sent = f.expect_later("REGISTER", secs(600));
    assert_eq!(sent.headers("Contact").count(), 1);
}

#[test]
fn a_server_with_outbound_needs_no_taking_back() /* R04 */
{
    let mut f = Fixture::waiting(&REGISTERS);
    let sent = f.expect("REGISTER", secs(1));
    let rows = format!(
        "Require: outbound\r\nContact: {}\r\n",
        sent.header("Contact")
    );
    f.answer(&sent, 200, &rows);
    f.listen(&["192.0.2.10:5060"]);
    assert_eq!(
        f.expect("REGISTER", Duration::ZERO)
            .headers("Contact")
            .count(),
        1
    );
}

#[test]
fn a_network_that_comes_late_is_used_at_once() {
    let mut f = Fixture::waiting(&PLAN);
    f.listen(&[]);
    f.expect_silence(secs(3_600));
    assert_eq!(f.report().why, "we have no address of its family");
    f.listen(&[LOCAL]);
    f.expect("REGISTER", Duration::ZERO);
}

#[test]
fn an_edge_and_the_server_behind_it_are_both_convinced() /* A14 freeswitch #242 */
{
    const EDGE: &str = "Proxy-Authenticate: Digest realm=\"edge\", nonce=\"n1\", qop=\"auth\"\r\n";
    const PBX: &str = "WWW-Authenticate: Digest realm=\"pbx\", nonce=\"n2\", qop=\"auth\"\r\n";
    for (plan, method) in [(&REGISTERS, "REGISTER"), (&PUBLISHES, "PUBLISH")] {
        let mut f = Fixture::waiting(plan);
        let sent = f.expect(method, secs(1));
        f.answer(&sent, 407, EDGE);
        let sent = f.expect(method, Duration::ZERO);
        f.answer(&sent, 401, PBX);
        let sent = f.expect(method, Duration::ZERO);
        assert!(sent.header("Proxy-Authorization").contains("n1"));
        assert!(sent.header("Authorization").contains("n2"));
        f.answer(&sent, 401, PBX);
        f.expect_silence(secs(45));
        assert_eq!(f.report().why, "it does not take our password");
        // Nothing that was refused is sent again.
        let sent = f.expect(method, secs(30));
        assert_eq!(sent.try_header("Authorization"), None);
    }
}

#[test]
fn an_old_nonce_that_is_refused_without_a_challenge_is_dropped() /* freeswitch #1532 #1779 */
{
    const OLD: &str = "WWW-Authenticate: Digest realm=\"pbx\", nonce=\"old\", qop=\"auth\"\r\n";
    for (plan, method) in [(&REGISTERS, "REGISTER"), (&PUBLISHES, "PUBLISH")] {
        let mut f = Fixture::waiting(plan);
        let sent = f.expect(method, secs(1));
        f.answer(&sent, 401, OLD);
        let sent = f.expect(method, Duration::ZERO);
        f.accept(&sent);
        let sent = f.expect(method, secs(600));
        assert!(sent.header("Authorization").contains("old"));
        f.answer(&sent, 401, "");
        let sent = f.expect(method, Duration::ZERO);
        assert_eq!(sent.try_header("Authorization"), None);
        f.answer(&sent, 401, &OLD.replace("old", "new"));
        let sent = f.expect(method, Duration::ZERO);
        assert!(sent.header("Authorization").contains("new"));
        f.accept(&sent);
        assert!(f.report().broken_since.is_none());
    }
}
