//! Several servers, and what happens when they fail.

use super::fixture::*;

const TWO: Plan<'static> = Plan {
    servers: &["192.0.2.1", "192.0.2.2"],
    ..PLAN
};

/// How the first server fails.
#[derive(Clone, Copy, Debug)]
enum Failure {
    Silence,
    Status(u16, &'static str),
    Unreachable,
}

fn fail(f: &mut Fixture, sent: &Sent, failure: Failure) {
    match failure {
        Failure::Silence => {
            let again = f.run(secs(32) - Duration::from_millis(1));
            assert!(again.len() == 10 && again.iter().all(|it| it.text == sent.text));
        }
        Failure::Status(status, rows) => {
            f.answer(sent, status, rows);
        }
        Failure::Unreachable => f.unreachable(&format!("{}", sent.to())),
    }
}

#[test]
fn the_next_server_is_asked_at_once_and_the_best_again_after_ten_minutes() /* R13 T20 */
{
    for failure in [
        Failure::Silence,
        Failure::Status(503, ""),
        Failure::Status(503, "Retry-After: 1000\r\n"),
        Failure::Status(500, ""),
        Failure::Unreachable,
    ] {
        let mut f = Fixture::waiting(&TWO);
        let first = f.expect("REGISTER", secs(1));
        assert_eq!(first.to(), address(SERVER));
        fail(&mut f, &first, failure);
        let second = f.expect("REGISTER", Duration::from_millis(2));
        assert_eq!(second.to(), address(SECOND), "{failure:?}");
        assert!(second.header("Contact").ends_with(";reg-id=1"));
        assert_ne!(second.branch(), first.branch());
        f.accept(&second);
        let settled = f.now;
        let publish = f.expect("PUBLISH", Duration::ZERO);
        assert_eq!(publish.to(), address(SECOND));
        f.accept(&publish);
        // Refreshes on the way go to the second.
        let home = loop {
            let sent = f.next(secs(720)).expect("another look");
            if sent.to() == address(SERVER) {
                break sent;
            }
            f.accept(&sent);
        };
        let waited = home.at.since(settled);
        assert!(waited >= secs(600) && waited <= secs(721), "{waited:?}");
        assert_eq!(home.method(), "REGISTER");
        // Still down: back, with the registration never lost.
        fail(&mut f, &home, failure);
        let back = f.expect("REGISTER", Duration::from_millis(2));
        assert!(f.is_registered());
        assert_eq!(back.to(), address(SECOND));
    }
}

#[test]
fn home_again_all_is_told_there() {
    let mut f = Fixture::waiting(&TWO);
    let sent = f.expect("REGISTER", secs(1));
    f.unreachable(SERVER);
    drop(sent);
    let mut published_home = false;
    let end = f.now + secs(1_000);
    while let Some(sent) = f.next(end.since(f.now)) {
        published_home |= sent.method() == "PUBLISH" && sent.to() == address(SERVER);
        f.accept(&sent);
    }
    assert!(published_home && f.is_registered() && f.is_published());
}

#[test]
fn when_all_are_silent_they_are_asked_again_within_half_a_minute() /* R05 R12 */
{
    when_all_fail(Fixture::unreachable, |_| 30);
}

#[test]
fn when_all_are_ill_they_are_asked_less_and_less_often() /* R05 R12 RFC 5626 §4.5 */
{
    let ill = |f: &mut Fixture, _: &str| {
        let sent = f.last.clone().expect("a request");
        f.answer(&sent, 503, "");
    };
    when_all_fail(ill, |upper| (2 * upper).min(1_800));
}

fn when_all_fail(fail: impl Fn(&mut Fixture, &str), longer: impl Fn(u64) -> u64) {
    let mut f = Fixture::waiting(&TWO);
    let mut upper = 30;
    let mut last = None;
    for _ in 0..10 {
        let sent = f.expect("REGISTER", secs(1_801));
        assert_eq!(sent.to(), address(SERVER));
        if let Some(last) = last {
            let waited = sent.at.since(last);
            assert!(
                waited >= secs(upper) / 2 && waited <= secs(upper),
                "{waited:?} {upper}"
            );
            upper = longer(upper);
        }
        fail(&mut f, SERVER);
        f.expect("REGISTER", Duration::ZERO);
        fail(&mut f, SECOND);
        last = Some(f.now);
        // A busy desk makes it no faster.
        f.change(&format!("{upper}"));
        f.expect_silence(secs(14));
    }
    assert_eq!(f.report().last_register, Some(503));
}

#[test]
fn a_slow_round_at_silent_servers_is_not_followed_by_another_wait() {
    let mut f = Fixture::waiting(&TWO);
    f.expect("REGISTER", secs(1));
    f.run(secs(32));
    assert!(
        f.next(secs(31))
            .is_some_and(|it| it.to() == address(SECOND))
    );
    f.run(secs(32));
    // The first has been left alone for half a minute already.
    let sent = f.run(secs(3));
    assert!(sent.iter().any(|it| it.to() == address(SERVER)));
}

#[test]
fn a_server_that_others_hear_of_is_asked_at_once() {
    for failure in [Failure::Unreachable, Failure::Status(503, "")] {
        let mut f = Fixture::standing(&PLAN);
        let sent = f.expect_later("REGISTER", secs(600));
        fail(&mut f, &sent, failure);
        f.run(secs(1));
        f.hear(SECOND);
        f.expect_silence(secs(5));
        f.hear(SERVER);
        let again = f.expect("REGISTER", Duration::from_millis(250));
        f.accept(&again);
        let publish = f.expect("PUBLISH", Duration::ZERO);
        f.accept(&publish);
        assert!(f.is_registered() && f.is_published());
    }
    // Whoever asked us to wait is obeyed.
    let mut f = Fixture::waiting(&PLAN);
    let sent = f.expect("REGISTER", secs(1));
    f.answer(&sent, 503, "Retry-After: 100\r\n");
    f.hear(SERVER);
    f.expect_silence(secs(100));
}

#[test]
fn a_server_that_has_no_answer_for_us_is_not_asked_whenever_it_has_one_for_others() {
    let mut f = Fixture::waiting(&REGISTERS);
    let mut asked = 0;
    let end = f.now + secs(3_600);
    while let Some(sent) = f.next(end.since(f.now)) {
        asked += 1;
        f.unreachable(&format!("{}", sent.to()));
        f.hear(SERVER);
    }
    assert!(asked <= 3_600 / 15 + 4, "{asked}");
}

#[test]
fn others_hear_once_of_a_server_that_falls_silent() {
    let mut f = Fixture::standing(&PLAN);
    while f.links.take_news().is_some() {}
    let sent = f.expect_later("REGISTER", secs(600));
    f.unreachable(SERVER);
    let (server, since) = (address(SERVER), sent.at);
    assert_eq!(f.links.take_news(), Some((server, Reach::Silent { since })));
    let sent = f.expect("REGISTER", secs(31));
    f.unreachable(SERVER);
    assert_eq!(f.links.take_news(), None);
    drop(sent);
    let sent = f.expect("REGISTER", secs(31));
    f.accept(&sent);
    assert_eq!(f.links.take_news(), Some((server, Reach::Heard)));
}

#[test]
fn servers_that_register_but_never_publish_are_not_played_against_each_other() {
    let mut f = Fixture::waiting(&TWO);
    let mut asked = 0;
    let end = f.now + secs(3_600);
    while let Some(sent) = f.next(end.since(f.now)) {
        asked += 1;
        if sent.method() == "REGISTER" {
            f.accept(&sent);
        } else if sent.seq() % 2 == 0 {
            f.unreachable(&format!("{}", sent.to()));
        } else {
            f.answer(&sent, 500, "");
        }
    }
    assert!(asked < 120, "{asked} requests in an hour");
    assert!(f.is_registered());
}

#[test]
fn a_name_is_asked_for_and_one_without_an_address_fails() {
    let mut f = Fixture::waiting(&Plan {
        servers: &["pbx.example", "192.0.2.2"],
        ..PLAN
    });
    f.expect_silence(secs(1));
    let query = f.queries.pop().expect("a query");
    let name = Name {
        host: "pbx.example",
        port: None,
        transport: Some(Transport::Udp),
    };
    assert_eq!(f.links.query(query), Some(name));
    f.links
        .handle_resolved(f.now, query, &[place("192.0.2.1:5060")], &mut f.random);
    let sent = f.expect("REGISTER", Duration::ZERO);
    assert_eq!(sent.to(), address(SERVER));
    f.unreachable(SERVER);
    let sent = f.expect("REGISTER", Duration::ZERO);
    assert_eq!(sent.to(), address(SECOND));
    f.unreachable(SECOND);
    f.expect_silence(secs(30));
    let query = f.queries.pop().expect("it is asked for again");
    f.links.handle_resolved(f.now, query, &[], &mut f.random);
    assert_eq!(f.expect("REGISTER", Duration::ZERO).to(), address(SECOND));
    f.unreachable(SECOND);
    // A resolver that never answers.
    f.expect_silence(secs(61));
    assert!(!f.queries.is_empty());
    assert_eq!(f.expect("REGISTER", secs(60)).to(), address(SECOND));
}

#[test]
fn the_places_of_a_name_are_tried_before_the_next_server() /* T20 RFC 3263 §4.3 */
{
    let mut f = Fixture::waiting(&Plan {
        servers: &["pbx.example", "192.0.2.3"],
        ..PLAN
    });
    f.expect_silence(secs(1));
    let both = [SERVER, SECOND].map(place);
    let query = f.queries.pop().expect("a query");
    f.links.handle_resolved(f.now, query, &both, &mut f.random);
    assert_eq!(f.expect("REGISTER", Duration::ZERO).to(), address(SERVER));
    f.unreachable(SERVER);
    assert_eq!(f.expect("REGISTER", Duration::ZERO).to(), address(SECOND));
    f.unreachable(SECOND);
    let third = f.expect("REGISTER", Duration::ZERO);
    assert_eq!(third.to(), address("192.0.2.3:5060"));
    f.unreachable("192.0.2.3:5060");
    // All have failed: after a while it begins again with the best.
    f.expect_silence(secs(14));
    let query = loop {
        f.run(secs(1));
        if let Some(query) = f.queries.pop() {
            break query;
        }
    };
    f.links.handle_resolved(f.now, query, &both, &mut f.random);
    let sent = f.expect("REGISTER", Duration::ZERO);
    assert_eq!(sent.to(), address(SERVER));
    f.answer(&sent, 503, "");
    let sent = f.expect("REGISTER", Duration::ZERO);
    assert_eq!(sent.to(), address(SECOND));
    f.accept(&sent);
    let publish = f.expect("PUBLISH", Duration::ZERO);
    assert_eq!(publish.to(), address(SECOND));
    f.accept(&publish);
    // The spare place is good enough for ten minutes.
    let settled = f.now;
    let home = loop {
        let sent = f.next(secs(1)).filter(|it| it.to() == address(SERVER));
        while let Some(query) = f.queries.pop() {
            f.links.handle_resolved(f.now, query, &both, &mut f.random);
        }
        if let Some(sent) = sent {
            break sent;
        }
        if let Some(last) = f.last.take() {
            f.accept(&last);
        }
        assert!(f.now.since(settled) < secs(730), "it does not look back");
    };
    assert!(home.at.since(settled) >= secs(600));
}

#[test]
fn refusals_are_slow_and_do_not_count_as_failures() {
    let mut f = Fixture::waiting(&TWO);
    for _ in 0..8 {
        let sent = f.expect("REGISTER", secs(1_200));
        assert_eq!(sent.to(), address(SERVER));
        f.answer(&sent, 403, "");
        f.expect_silence(secs(44));
    }
    let sent = f.expect("REGISTER", secs(1_200));
    f.accept(&sent);
    assert_eq!(f.report().why, "");
    f.expect("PUBLISH", Duration::ZERO);
    f.unreachable(SERVER);
    f.expect("REGISTER", Duration::ZERO);
    f.unreachable(SECOND);
    f.expect("REGISTER", secs(30));
}

#[test]
fn every_link_has_its_turn() {
    let mut f = Fixture::waiting(&TWO);
    let account = Account::new();
    let servers = [Server {
        host: crate::ground::text::Text::copied("192.0.2.3").expect("short"),
        transport: None,
    }];
    for number in 1..LINKS as u8 {
        let order = Order {
            aor: &format!("sip:{number}@pbx.example"),
            servers: &servers,
            account: &account,
            redirects: Redirects::Own,
            register: true,
            publish: None,
            dialect: None,
            devices: &Devices::of_user("desk"),
            expires: Seconds(600),
            keep_alive: None,
        };
        f.links.add(f.now, &order, &mut f.random).expect("room");
    }
    // Whoever is redirected, answered and changed in the same instant has something to say again and again.
    f.run(secs(2));
    f.listen(&["192.0.2.10:5060"]);
    let end = f.now;
    while f.step(end) {}
    let sent = f.poll();
    let mut who: Vec<_> = sent.iter().map(|it| it.header("From")).collect();
    who.sort_unstable();
    who.dedup();
    assert_eq!((who.len(), sent.len()), (LINKS, LINKS));
}
