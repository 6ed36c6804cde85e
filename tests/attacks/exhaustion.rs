//! Group C: using up what there is.

use crate::desk::*;
use lampfield::{Duration, Input, Strangers, limits};

const ATTACKER: &str = "192.0.2.66:5060";

#[test]
fn ten_thousand_subscriptions_fill_a_table_and_nothing_more() /* ATTACKS C01 N38 */
{
    let mut desk = Desk::new();
    let mut bob = desk.watcher("bob", "192.0.2.40:5060", "presence");
    let carol = desk.watcher("carol", "192.0.2.41:5060", "dialog");
    let mut granted = 0;
    for number in 0..10_000 {
        let peer = Peer::new(&format!("n{number}"), ATTACKER);
        let sent = desk.send(ATTACKER, &peer.subscribe(3_600));
        match sent[0].status() {
            200 => granted += 1,
            status => assert_eq!((status, sent.len()), (503, 1)),
        }
        assert_eq!(
            sent[0].header("Retry-After").is_some(),
            sent[0].status() == 503
        );
        desk.run(Duration::from_millis(1));
    }
    assert!(granted <= limits::SUBSCRIPTIONS.min(limits::TRANSACTIONS) && granted > 0);
    assert!(desk.subscriptions() <= limits::SUBSCRIPTIONS);
    // I2: who was there before refreshes and is told.
    let refreshed = desk.send(&bob.address.clone(), &bob.refresh(3_600));
    assert_eq!(refreshed[0].status(), 200);
    desk.confirm(&refreshed[1]);
    let told = desk.input(Input::Hook(true));
    for address in [&bob.address, &carol.address] {
        let at = address.parse().unwrap();
        let notify = told.iter().find(|sent| sent.flow.remote == at);
        desk.confirm(notify.expect("told at once"));
    }
    // I3: and the table is as empty as before when the timers have run.
    desk.run(Duration::from_secs(40));
    assert_eq!(desk.subscriptions(), 2);
}

#[test]
fn a_phone_that_reboots_for_ever_keeps_one_place() /* ATTACKS C01 */
{
    let mut desk = Desk::new();
    for number in 1..limits::SUBSCRIPTIONS {
        let address = format!("192.0.2.{}:5060", 100 + number);
        desk.watcher(&format!("n{number}"), &address, "presence");
        desk.run(Duration::from_secs(1));
    }
    for boot in 0..200 {
        let mut phone = Peer::new(&format!("boot{boot}"), ATTACKER);
        phone.event = "presence".to_string();
        let contact = "Contact: <sip:phone@192.0.2.66:5060>\r\n";
        let more = format!("{contact}Event: presence\r\nExpires: 3600\r\n");
        let sent = desk.send(ATTACKER, &phone.bare("SUBSCRIBE", &more));
        assert_eq!(sent[0].status(), 200, "boot {boot}");
        desk.confirm(&sent[1]);
        assert_eq!(desk.subscriptions(), limits::SUBSCRIPTIONS);
        desk.run(Duration::from_secs(1));
    }
    assert_eq!(desk.run(Duration::from_secs(1)), []);
}

#[test]
fn a_flood_of_everything_leaves_memory_flat_and_others_served() /* ATTACKS C02 I2 I3 */
{
    let mut desk = Desk::new();
    let mut bob = desk.watcher("bob", "192.0.2.40:5060", "presence");
    let methods = [
        "REGISTER",
        "SUBSCRIBE",
        "PUBLISH",
        "NOTIFY",
        "MESSAGE",
        "OPTIONS",
        "INVITE",
        "FOO",
    ];
    for number in 0..45_000_usize {
        let method = methods[number % methods.len()];
        let address = if number % 3 == 0 { STRANGER } else { ATTACKER };
        let peer = Peer::new(&format!("f{number}"), address);
        let text = peer.request(method, "Event: dialog\r\nSubscription-State: active\r\n");
        let sent = desk.send(address, &text);
        assert!((1..=2).contains(&sent.len()), "{method}");
        assert!(sent[0].status() >= 200);
        assert!(desk.subscriptions() <= limits::SUBSCRIPTIONS);
        desk.run(Duration::from_millis(2));
        if number % 500 == 499 {
            let refreshed = desk.send(&bob.address.clone(), &bob.refresh(3_600));
            assert_eq!(refreshed[0].status(), 200, "after {number}");
            desk.confirm(&refreshed[1]);
        }
    }
    desk.run(Duration::from_secs(70));
    assert_eq!(desk.subscriptions(), 1, "only who was there before");
    let told = desk.input(Input::Dnd(true));
    assert_eq!(told.len(), 1);
    desk.confirm(&told[0]);
}

#[test]
fn unique_branches_fill_the_transactions_and_those_that_run_go_on() /* ATTACKS C03 T18 */
{
    let mut desk = Desk::new();
    let bob = Peer::new("bob", "192.0.2.40:5060");
    let text = bob.subscribe(600);
    let first = desk.send(&bob.address, &text);
    desk.confirm(&first[1]);
    let mut refused = 0;
    for number in 0..20_000 {
        let peer = Peer::new(&format!("n{number}"), ATTACKER);
        let sent = desk.send(ATTACKER, &peer.subscribe(0));
        match sent[0].status() {
            200 => desk.confirm(&sent[1]),
            status => {
                assert_eq!((status, sent.len()), (503, 1));
                assert!(sent[0].header("Retry-After").is_some());
                refused += 1;
            }
        }
        if number % 5_000 == 0 {
            assert_eq!(
                desk.send(&bob.address, &text),
                [first[0].clone()],
                "the retransmission"
            );
        }
        desk.now += Duration::from_micros(200);
    }
    // All but one place were free when it came.
    assert_eq!(refused, 20_000 - limits::TRANSACTIONS / 2);
    // What strangers send takes no place at all.
    for number in 0..1_000 {
        let peer = Peer::new(&format!("s{number}"), STRANGER);
        assert_eq!(desk.ask(STRANGER, &peer.subscribe(600)).status(), 403);
    }
    desk.run(Duration::from_secs(33));
    let carol = desk.watcher("carol", "192.0.2.41:5060", "dialog");
    assert_eq!((carol.cseq, desk.subscriptions()), (1, 2));
}

#[test]
fn a_watcher_that_vanishes_at_once_is_forgotten() /* ATTACKS C08 */
{
    let mut desk = Desk::new();
    desk.watcher("bob", "192.0.2.40:5060", "presence");
    let gone = Peer::new("gone", ATTACKER);
    assert_eq!(desk.send(ATTACKER, &gone.subscribe(3_600)).len(), 2);
    for second in 0..31 {
        let told = desk.input(Input::Dnd(second % 2 == 0));
        for notify in &told {
            assert_ne!(
                notify.flow.remote,
                ATTACKER.parse().unwrap(),
                "one in flight at most"
            );
            desk.confirm(notify);
        }
        for (_, sent) in desk.run(Duration::from_secs(1)) {
            if sent.flow.remote != ATTACKER.parse().unwrap() {
                desk.confirm(&sent);
            }
        }
    }
    assert_eq!(desk.subscriptions(), 2);
    desk.run(Duration::from_secs(2));
    assert_eq!(desk.subscriptions(), 1, "Timer F");
}

#[test]
fn a_phone_that_never_answers_gets_481_for_its_next_refresh() /* ATTACKS C09 */
{
    let mut desk = Desk::new();
    desk.watcher("bob", "192.0.2.40:5060", "presence");
    let mut deaf = desk.watcher("deaf", ATTACKER, "presence");
    let told = desk.input(Input::Dnd(true));
    let at = |address: &str| address.parse().unwrap();
    let of = |address| {
        told.iter()
            .find(|sent| sent.flow.remote == at(address))
            .expect("told")
    };
    desk.confirm(of("192.0.2.40:5060"));
    let next = desk.input(Input::Dnd(false));
    assert_eq!(next.len(), 1, "the others are told at once");
    assert_eq!(next[0].flow.remote, at("192.0.2.40:5060"));
    desk.confirm(&next[0]);
    desk.run(Duration::from_secs(33));
    assert_eq!(desk.answer(of(ATTACKER), "200 OK"), [], "too late");
    let refresh = deaf.refresh(3_600);
    assert_eq!(desk.ask(ATTACKER, &refresh).status(), 481);
    assert_eq!(desk.subscriptions(), 1);
    let again = desk.watcher("again", ATTACKER, "presence");
    assert!(again.to_tag.is_some());
}

#[test]
fn strangers_who_come_and_go_leave_little_behind() /* ATTACKS G07 W06 */
{
    let mut desk = Desk::with(|settings| settings.strangers = Strangers::Ask);
    let mut owner = Peer::new("desk", "192.0.2.40:5070");
    owner.event = "presence.winfo".to_string();
    let asked = |text: String| text.replace("sip:desk@192.0.2.9", DESK);
    let sent = desk.send(&owner.address, &asked(owner.subscribe(3_600)));
    owner.learn(&sent[0]);
    desk.confirm(&sent[1]);
    let mut told = 0;
    for at in 0..2_000 {
        let address = format!("198.51.{}.{}:5062", 100 + at / 1_000, 1 + at % 250);
        let eve = Peer::new(&format!("eve{at}"), &address);
        let long = format!("From: <sip:{}", "&".repeat(200));
        let text = eve.subscribe(0).replace("From: <sip:", &long);
        for request in desk.send(&address, &text) {
            if request.is("NOTIFY") {
                for more in desk.answer(&request, "200 OK") {
                    assert_eq!(more.flow.remote.to_string(), owner.address);
                    assert!(more.body().len() <= limits::BODY + 10);
                    told += 1;
                    desk.answer(&more, "200 OK");
                }
            }
        }
        assert!(desk.agent.absent().count() <= limits::ABSENT);
        for (_, more) in desk.run(Duration::from_millis(100)) {
            assert_eq!(more.flow.remote.to_string(), owner.address);
            assert!(more.body().len() <= limits::BODY + 10);
            told += 1;
            desk.answer(&more, "200 OK");
        }
    }
    // 200 s: the burst, and one in five seconds.
    assert!((40..=46).contains(&told), "{told}");
    assert_eq!(desk.agent.absent().count(), limits::ABSENT);
    desk.serves_others();
}
