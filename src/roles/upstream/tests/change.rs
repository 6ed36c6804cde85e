//! Orders that change while a link stands.

use super::fixture::*;
use crate::ground::text::Text;

/// What is ordered of the link next.
struct Next<'a> {
    servers: &'a [&'a str],
    register: bool,
    publish: bool,
    expires: u32,
    password: &'a str,
}

/// What [`PLAN`] ordered.
const SAME: Next<'static> = Next {
    servers: &["192.0.2.1"],
    register: true,
    publish: true,
    expires: 600,
    password: "secret",
};

fn change(f: &mut Fixture, next: &Next<'_>) {
    let servers: Vec<Server> = next.servers.iter().map(|it| server(it)).collect();
    let account = Account {
        user: Text::copied("desk").expect("short"),
        password: crate::ua::credentials::Password::new(
            Text::copied(next.password).expect("short"),
        ),
        realm: None,
    };
    let order = Order {
        aor: PLAN.aor,
        servers: &servers,
        account: &account,
        redirects: Redirects::Own,
        register: next.register,
        publish: next.publish.then_some(f.desk),
        dialect: PLAN.dialect,
        devices: &Devices::of_user("desk"),
        expires: Seconds(next.expires),
        keep_alive: None,
    };
    f.links.change(f.now, f.id, &order);
}

fn server(host: &str) -> Server {
    Server {
        host: Text::copied(host).expect("short"),
        transport: Some(Transport::Udp),
    }
}

#[test]
fn another_lifetime_is_asked_for_in_place() {
    let mut f = Fixture::waiting(&PLAN);
    let first = f.expect("REGISTER", secs(1));
    f.accept(&first);
    let published = f.expect("PUBLISH", secs(1));
    f.accept(&published);
    change(
        &mut f,
        &Next {
            expires: 300,
            ..SAME
        },
    );
    assert!(f.is_registered() && f.is_published());
    let sent = f.expect("REGISTER", Duration::ZERO);
    assert_eq!((sent.expires(), sent.seq()), (300, first.seq() + 1));
    assert_eq!(sent.header("Call-ID"), first.header("Call-ID"));
    f.accept(&sent);
    let sent = f.expect("PUBLISH", Duration::ZERO);
    assert_eq!(sent.header("SIP-If-Match"), "e1");
    assert_eq!((sent.expires(), sent.body()), (300, ""));
    f.accept(&sent);
    f.expect_silence(secs(100));
}

#[test]
fn other_servers_are_asked_at_once_and_nothing_is_taken_back() {
    let mut f = Fixture::standing(&PLAN);
    while f.links.take_moved().is_some() {}
    change(
        &mut f,
        &Next {
            servers: &["192.0.2.2"],
            ..SAME
        },
    );
    assert!(f.is_registered(), "where it was");
    let sent = f.expect("REGISTER", Duration::ZERO);
    assert_eq!((sent.to(), sent.expires()), (address(SECOND), 600));
    assert_eq!(f.links.take_moved(), None, "it does not work yet");
    f.accept(&sent);
    assert_eq!(f.links.take_moved(), Some(f.id));
    let sent = f.expect("PUBLISH", Duration::ZERO);
    assert_eq!(sent.to(), address(SECOND));
    assert_eq!(sent.try_header("SIP-If-Match"), None, "it knows nothing");
    f.accept(&sent);
    f.expect_silence(secs(100));
}

#[test]
fn a_second_server_more_changes_nothing_that_stands() {
    let mut f = Fixture::standing(&PLAN);
    let servers = &["192.0.2.1", "192.0.2.2"];
    change(&mut f, &Next { servers, ..SAME });
    let sent = f.expect("REGISTER", Duration::ZERO);
    assert_eq!(sent.to(), address(SERVER));
    f.unreachable(SERVER);
    let sent = f.expect("REGISTER", Duration::ZERO);
    assert_eq!(sent.to(), address(SECOND));
}

#[test]
fn a_better_password_is_used_at_once() {
    const ASKS: &str = "WWW-Authenticate: Digest realm=\"pbx\", nonce=\"n1\", qop=\"auth\"\r\n";
    let mut f = Fixture::waiting(&REGISTERS);
    let sent = f.expect("REGISTER", secs(1));
    f.answer(&sent, 401, ASKS);
    assert_eq!(f.report().registration, Stands::Waiting, "it was asked");
    let wrong = f.expect("REGISTER", Duration::ZERO);
    f.answer(&wrong, 401, ASKS);
    assert_eq!(f.report().registration, Stands::Refused);
    f.expect_silence(secs(40));
    change(
        &mut f,
        &Next {
            password: "better",
            publish: false,
            ..SAME
        },
    );
    let sent = f.expect("REGISTER", Duration::ZERO);
    f.answer(&sent, 401, ASKS);
    let right = f.expect("REGISTER", Duration::ZERO);
    assert_ne!(right.header("Authorization"), wrong.header("Authorization"));
    f.accept(&right);
    assert!(f.is_registered());
}

#[test]
fn what_is_not_wanted_any_more_is_taken_back_alone() {
    let mut f = Fixture::standing(&PLAN);
    change(
        &mut f,
        &Next {
            publish: false,
            ..SAME
        },
    );
    let mut sent = f.run(Duration::ZERO);
    sent.sort_by_key(|it| it.method() == "REGISTER");
    let [publish, register] = &sent[..] else {
        panic!("{sent:#?}");
    };
    assert_eq!((publish.method(), publish.expires()), ("PUBLISH", 0));
    assert_eq!(publish.header("SIP-If-Match"), "e1");
    assert_eq!((register.method(), register.expires()), ("REGISTER", 600));
    f.answer(publish, 200, "SIP-ETag: e2\r\nExpires: 0\r\n");
    f.accept(register);
    f.change("nobody is told");
    f.expect_silence(secs(60));
    assert_eq!(
        (f.report().publication, f.is_registered()),
        (Stands::Off, true)
    );
    // And the other way round.
    change(
        &mut f,
        &Next {
            register: false,
            ..SAME
        },
    );
    let sent = f.run(Duration::ZERO);
    let of = |method| sent.iter().find(|it| it.method() == method).expect(method);
    assert_eq!(of("REGISTER").expires(), 0);
    assert_eq!(of("PUBLISH").try_header("SIP-If-Match"), None);
    f.answer(of("REGISTER"), 200, "");
    f.accept(of("PUBLISH"));
    assert_eq!(
        (f.report().registration, f.is_published()),
        (Stands::Off, true)
    );
    f.expect_silence(secs(60));
}

#[test]
fn what_is_in_flight_is_answered_before_it_is_taken_back() /* R01 P04 */
{
    let mut f = Fixture::waiting(&REGISTERS);
    let sent = f.expect("REGISTER", secs(1));
    change(
        &mut f,
        &Next {
            register: false,
            publish: false,
            ..SAME
        },
    );
    f.expect_silence(Duration::ZERO);
    f.accept(&sent);
    assert_eq!(f.expect("REGISTER", Duration::ZERO).expires(), 0);
}

#[test]
fn who_takes_leave_and_is_wanted_again_stays() {
    let mut f = Fixture::standing(&REGISTERS);
    f.links.remove(f.now, f.id);
    let leave = f.expect("REGISTER", Duration::ZERO);
    assert_eq!(leave.expires(), 0);
    let servers = [server("192.0.2.1")];
    let account = Account::new();
    let order = Order {
        aor: PLAN.aor,
        servers: &servers,
        account: &account,
        redirects: Redirects::Own,
        register: true,
        publish: None,
        dialect: PLAN.dialect,
        devices: &Devices::of_user("desk"),
        expires: Seconds(600),
        keep_alive: None,
    };
    let id = f.links.add(f.now, &order, &mut f.random);
    assert_eq!(id, Ok(f.id));
    f.expect_silence(Duration::ZERO);
    f.answer(&leave, 200, "");
    let again = f.expect("REGISTER", Duration::ZERO);
    assert_eq!((again.expires(), again.seq()), (600, leave.seq() + 1));
    assert_eq!(again.header("Call-ID"), leave.header("Call-ID"));
    f.accept(&again);
    assert!(f.is_registered());
    f.expect_silence(secs(100));
}
