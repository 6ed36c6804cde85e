//! Servers that move, as a neighbour tells: the account asks for the name anew, and tells everything again there.

use super::fixture::*;
use core::net::IpAddr;

fn hear(f: &mut Fixture, host: &str, addresses: &[&str]) {
    let parse = |it: &&str| it.parse::<IpAddr>().expect("an address");
    let addresses: Vec<IpAddr> = addresses.iter().map(parse).collect();
    f.links.handle_host(f.now, host, &addresses);
}

/// Asked at `pbx.local`, which is at [`SERVER`].
fn found() -> (Fixture, Sent) {
    let mut f = Fixture::waiting(&Plan {
        servers: &["pbx.local"],
        ..PLAN
    });
    f.expect_silence(secs(1));
    let sent = find(&mut f, SERVER);
    (f, sent)
}

fn find(f: &mut Fixture, at: &str) -> Sent {
    let query = f.queries.pop().expect("a query");
    f.links
        .handle_resolved(f.now, query, &[place(at)], &mut f.random);
    f.expect("REGISTER", Duration::ZERO)
}

#[test]
fn an_account_follows_its_server_that_moves() {
    let (mut f, sent) = found();
    assert_eq!(sent.to(), address(SERVER));
    f.accept(&sent);
    let publish = f.expect("PUBLISH", Duration::ZERO);
    f.accept(&publish);
    hear(&mut f, "PBX.local", &["192.0.2.2"]);
    f.run(Duration::from_millis(1));
    assert_eq!(find(&mut f, SECOND).to(), address(SECOND));
}

#[test]
fn an_account_does_not_wait_for_an_answer_from_where_its_server_was() {
    let (mut f, _) = found();
    hear(&mut f, "pbx.local", &["192.0.2.2"]);
    f.run(Duration::from_millis(1));
    assert_eq!(find(&mut f, SECOND).to(), address(SECOND));
}

#[test]
fn a_server_that_stays_and_another_host_change_nothing() {
    let (mut f, sent) = found();
    f.accept(&sent);
    let publish = f.expect("PUBLISH", Duration::ZERO);
    f.accept(&publish);
    hear(&mut f, "pbx.local", &["192.0.2.2", "192.0.2.1"]);
    hear(&mut f, "kitchen.local", &["192.0.2.2"]);
    f.expect_silence(secs(1));
    assert!(f.queries.is_empty());
}
