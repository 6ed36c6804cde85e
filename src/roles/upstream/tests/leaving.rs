//! Leave that is taken.

use super::fixture::*;

#[test]
fn what_was_published_is_removed_and_the_registration_ended() /* P03 R04 */
{
    let mut f = Fixture::standing(&PLAN);
    f.links.stop(f.now);
    let publish = f.expect("PUBLISH", Duration::ZERO);
    let register = f.expect("REGISTER", Duration::ZERO);
    assert_eq!((publish.expires(), register.expires()), (0, 0));
    assert_eq!(publish.header("SIP-If-Match"), "e1");
    assert_eq!(publish.body(), "");
    assert!(register.header("Contact").starts_with(CONTACT));
    f.change("too late");
    f.answer(&publish, 200, "SIP-ETag: e2\r\nExpires: 0\r\n");
    f.answer(&register, 200, "");
    assert!(f.links.is_idle());
    f.expect_silence(secs(1_000));
}

#[test]
fn a_farewell_that_is_challenged_is_said_again() {
    let mut f = Fixture::standing(&REGISTERS);
    f.links.stop(f.now);
    let sent = f.expect("REGISTER", Duration::ZERO);
    let row = "WWW-Authenticate: Digest realm=\"pbx\", nonce=\"n1\", qop=\"auth\"\r\n";
    f.answer(&sent, 401, row);
    let sent = f.expect("REGISTER", Duration::ZERO);
    assert_eq!(sent.expires(), 0);
    f.answer(&sent, 200, "");
    assert!(f.links.is_idle());
}

#[test]
fn a_farewell_that_is_refused_or_unheard_is_the_last() {
    for status in [403, 412, 500, 503, 0] {
        let mut f = Fixture::standing(&PLAN);
        f.links.stop(f.now);
        let publish = f.expect("PUBLISH", Duration::ZERO);
        let register = f.expect("REGISTER", Duration::ZERO);
        if status > 0 {
            f.answer(&publish, status, "");
            assert!(!f.links.is_idle(), "the other one is still asked");
            f.answer(&register, status, "");
        } else {
            f.run(secs(33));
        }
        assert!(f.links.is_idle(), "{status}");
        f.expect_silence(secs(1_000));
    }
}

#[test]
fn what_is_on_its_way_is_answered_before_leave_is_taken() /* R01 P04 */
{
    let mut f = Fixture::waiting(&PLAN);
    let sent = f.expect("REGISTER", secs(1));
    f.links.stop(f.now);
    assert!(f.run(secs(2)).iter().all(|it| it.text == sent.text));
    f.accept(&sent);
    let last = f.expect("REGISTER", Duration::ZERO);
    assert_eq!((last.expires(), last.seq()), (0, sent.seq() + 1));
    f.accept(&last);
    assert!(f.links.is_idle());

    let mut f = Fixture::standing(&PUBLISHES);
    f.change("new");
    let sent = f.expect("PUBLISH", Duration::ZERO);
    f.links.stop(f.now);
    f.accept(&sent);
    let last = f.expect("PUBLISH", Duration::ZERO);
    assert_eq!((last.expires(), last.header("SIP-If-Match")), (0, "e2"));
    f.answer(&last, 200, "");
    assert!(f.links.is_idle());
}

#[test]
fn who_never_was_anybody_leaves_without_a_word() {
    let mut f = Fixture::waiting(&PLAN);
    f.links.stop(f.now);
    assert!(f.links.is_idle());
    f.expect_silence(secs(100));
    assert!(f.links.take_changed().is_none());
}

#[test]
fn links_that_are_gone_hide_no_change_of_others() {
    let mut f = Fixture::waiting(&PLAN);
    let account = Account::new();
    let servers = [Server {
        host: crate::ground::text::Text::copied("192.0.2.2").expect("short"),
        transport: None,
    }];
    let order = Order {
        aor: "sip:a@b",
        servers: &servers,
        account: &account,
        redirects: Redirects::Own,
        register: true,
        publish: None,
        dialect: None,
        devices: &Devices::of_user("desk"),
        expires: Seconds(60),
        keep_alive: None,
    };
    while f.links.take_changed().is_some() {}
    let other = f.links.add(f.now, &order, &mut f.random).expect("room");
    while f.links.take_changed().is_some() {}
    f.links.remove(f.now, f.id);
    f.run(secs(1));
    assert_eq!(f.links.take_changed(), Some(other));
    // Full: who takes leave makes way.
    for _ in 0..3 * LINKS {
        let id = f.links.add(f.now, &order, &mut f.random).expect("room");
        f.run(secs(2));
        f.links.remove(f.now, id);
    }
}
