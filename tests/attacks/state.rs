//! Group H: event state, and things that happen in the same moment.

use crate::desk::*;
use lampfield::wire::flow::Flow;
use lampfield::{Duration, Input, Package, Watched};

const PHONE: &str = "192.0.2.40:5060";

#[test]
fn an_end_without_a_beginning_is_a_fetch_and_a_second_end_is_none() /* ATTACKS H01 N14 N15 */
{
    let mut desk = Desk::new();
    let sent = desk.send(PHONE, &Peer::new("fetch", PHONE).subscribe(0));
    assert_eq!((sent[0].status(), sent.len()), (200, 2));
    desk.confirm(&sent[1]);
    assert_eq!(desk.subscriptions(), 0);
    for pending in [false, true] {
        let mut bob = desk.watcher(&format!("bob{pending}"), PHONE, "presence");
        if pending {
            // Carol of the round before is told as well.
            assert_eq!(desk.input(Input::Hook(true)).len(), 2);
        }
        let last = desk.send(PHONE, &bob.refresh(0));
        assert_eq!((last[0].status(), last.len()), (200, 2));
        assert!(
            last[1]
                .header("Subscription-State")
                .unwrap()
                .starts_with("terminated")
        );
        assert_eq!(desk.ask(PHONE, &bob.refresh(0)).status(), 481);
        // The place goes to somebody else, who is told nothing of the old one.
        desk.confirm(&last[1]);
        let carol = desk.watcher(&format!("carol{pending}"), "192.0.2.41:5060", "presence");
        assert_eq!(desk.ask(PHONE, &bob.refresh(0)).status(), 481);
        assert_eq!(desk.answer(&last[1], "481 Gone"), []);
        assert_eq!(
            desk.subscriptions(),
            usize::from(pending) + 1,
            "a late answer hits nobody"
        );
        assert_eq!(carol.address, "192.0.2.41:5060");
    }
}

/// What can happen to a subscription in one moment.
#[derive(Clone, Copy, Debug)]
enum Event {
    Refresh,
    Change,
    Expiry,
    Loss,
}

#[test]
fn four_things_at_once_end_well_in_every_order() /* ATTACKS H02 */
{
    use Event::{Change, Expiry, Loss, Refresh};
    let mut orders = Vec::new();
    for a in [Refresh, Change, Expiry, Loss] {
        for b in [Refresh, Change, Expiry, Loss] {
            for c in [Refresh, Change, Expiry, Loss] {
                for d in [Refresh, Change, Expiry, Loss] {
                    orders.push([a, b, c, d]);
                }
            }
        }
    }
    for order in orders {
        let mut desk = Desk::new();
        let mut bob = desk.watcher("bob", PHONE, "presence");
        let mut known = Some(false);
        let mut dnd = false;
        desk.now += Duration::from_secs(3_600);
        let mut waiting: Vec<Sent> = Vec::new();
        for event in order {
            match event {
                Refresh => desk.agent.handle_datagram(
                    desk.moment(),
                    Flow::udp(LOCAL.parse().unwrap(), PHONE.parse().unwrap()),
                    &bytes(&bob.refresh(600)),
                ),
                Change => {
                    dnd = !dnd;
                    desk.agent.handle_input(desk.moment(), 0, Input::Dnd(dnd));
                }
                Expiry => desk.agent.handle_timeout(desk.moment()),
                Loss => {
                    if let Some(lost) = waiting.iter().rfind(|it| it.is("NOTIFY")) {
                        let (moment, quoted) = (desk.moment(), lost.text.as_bytes());
                        desk.agent
                            .handle_unreachable(moment, lost.flow.remote, quoted);
                    }
                }
            }
            waiting.extend(desk.drain());
        }
        // From here on the phone answers everything, and time passes.
        for _ in 0..20 {
            for sent in std::mem::take(&mut waiting) {
                if sent.is("NOTIFY") {
                    let over = sent
                        .header("Subscription-State")
                        .unwrap()
                        .starts_with("terminated");
                    known = (!over).then(|| sent.body().contains("closed"));
                    waiting.extend(desk.answer(&sent, "200 OK"));
                }
            }
            waiting.extend(
                desk.run(Duration::from_secs(5))
                    .into_iter()
                    .map(|(_, sent)| sent),
            );
        }
        match desk.subscriptions() {
            0 => {}
            1 => assert_eq!(known, Some(dnd), "{order:?}: it knows the last state"),
            more => panic!("{order:?}: {more}"),
        }
        desk.run(Duration::from_secs(4_000));
        assert!(desk.is_empty(), "{order:?}");
    }
}

#[test]
fn a_notify_counts_from_the_request_to_the_end_and_no_longer() /* ATTACKS H03 S02 S03 S04 */
{
    // Before the 200.
    let mut desk = Desk::with(|settings| watch(settings, "blf1", BOSS, Package::Presence));
    let sent = desk.run(Duration::from_millis(400));
    let mut server = Server {
        address: BOSS_AT.to_string(),
        subscribe: sent[0].1.clone(),
        event: "presence",
        cseq: 1,
        tag: "server",
    };
    assert_eq!(
        server.tell(&mut desk, "active;expires=300", &presence("closed")),
        200
    );
    assert_eq!(desk.lamp(), Watched::Closed);
    // The 200 is lost: Timer F passes, and the subscription stands.
    desk.run(Duration::from_secs(40));
    assert_eq!(desk.lamp(), Watched::Closed);
    assert_eq!(
        server.tell(&mut desk, "active;expires=300", &presence("open")),
        200
    );
    // A package that nobody asked for.
    let text = server.notify("active", &presence("open"));
    let foreign = text.replace("Event: presence", "Event: conference");
    assert_eq!(desk.ask(BOSS_AT, &foreign).status(), 489);
    let other = text.replace("Event: presence", "Event: dialog");
    let other = other.replace("z9hG4bKserver", "z9hG4bKother");
    assert_eq!(desk.ask(BOSS_AT, &other).status(), 481);
    // After the end.
    assert_eq!(server.tell(&mut desk, "terminated;reason=giveup", ""), 200);
    assert_eq!(
        server.tell(&mut desk, "active;expires=300", &presence("closed")),
        481
    );
}

#[test]
fn unserved_packages_get_489() /* ATTACKS H03 N03 */
{
    let mut desk = Desk::new();
    for event in ["conference", "presence.winfo.winfo", "reg", "x"] {
        let mut peer = Peer::new(event, PHONE);
        peer.event = event.to_string();
        assert_eq!(desk.ask(PHONE, &peer.subscribe(600)).status(), 489);
    }
    assert!(desk.is_empty());
}

#[test]
fn expiry_while_a_notify_is_unanswered_leaves_nothing_behind() /* ATTACKS H04 N15 */
{
    for (answers, reloads) in [(true, false), (false, false), (true, true), (false, true)] {
        let mut desk = Desk::new();
        desk.watcher("bob", PHONE, "presence");
        desk.run(Duration::from_secs(3_590));
        let told = desk.input(Input::Hook(true)).remove(0);
        if reloads {
            let settings = desk.agent.settings().clone();
            desk.agent.reconfigure(desk.moment(), &settings);
        }
        let sent = desk.run(Duration::from_secs(11));
        assert!(sent.iter().all(|(_, sent)| *sent == told), "one in flight");
        if answers {
            let last = desk.answer(&told, "200 OK");
            assert_eq!(last.len(), 1);
            assert_eq!(
                last[0].header("Subscription-State"),
                Some("terminated;reason=timeout")
            );
            desk.confirm(&last[0]);
        } else {
            desk.run(Duration::from_secs(33));
        }
        assert_eq!(desk.subscriptions(), 0);
        assert!(desk.is_empty());
        let carol = desk.watcher("carol", "192.0.2.41:5060", "presence");
        let told = desk.input(Input::Hook(false));
        assert_eq!(told.len(), 1, "new changes are told");
        assert_eq!(told[0].flow.remote, carol.address.parse().unwrap());
    }
}

#[test]
fn two_changes_in_wrong_order_leave_the_later_one() /* ATTACKS H06 S19 */
{
    let (mut desk, mut server) = Server::watched(Package::Presence);
    let first = server.notify("active;expires=300", &presence("open"));
    let second = server.notify("active;expires=300", &presence("closed"));
    assert_eq!(desk.ask(BOSS_AT, &second).status(), 200);
    assert_eq!(desk.lamp(), Watched::Closed);
    assert_eq!(desk.ask(BOSS_AT, &first).status(), 500);
    assert_eq!(desk.lamp(), Watched::Closed);
    // And our own are never two at once.
    desk.watcher("bob", PHONE, "presence");
    assert_eq!(desk.input(Input::Dnd(true)).len(), 1);
    assert_eq!(desk.input(Input::Dnd(false)), []);
}

/// Refreshes sent within that time, each answered with 200.
fn refreshes(desk: &mut Desk, server: &mut Server, lasts: u64) -> usize {
    let mut count = 0;
    for _ in 0..lasts * 4 {
        for (_, sent) in desk.run(Duration::from_millis(250)) {
            assert!(sent.is("SUBSCRIBE"));
            count += 1;
            server.subscribe = sent;
            server.accept(desk, 300);
        }
    }
    count
}

#[test]
fn versions_of_every_kind_cause_no_storm() /* ATTACKS H09 D14 */
{
    let (mut desk, mut server) = Server::watched(Package::Dialog);
    let busy = call("a", "confirmed");
    let tell = |desk: &mut Desk, server: &mut Server, version, extent, body: &str| {
        server.tell(desk, "active;expires=300", &dialogs(version, extent, body))
    };
    // The highest, then nought: a full one always counts.
    assert_eq!(tell(&mut desk, &mut server, u32::MAX, "full", &busy), 200);
    assert_eq!(desk.lamp(), Watched::Busy);
    assert_eq!(tell(&mut desk, &mut server, 0, "full", ""), 200);
    assert_eq!(desk.lamp(), Watched::Idle);
    // Equal and lower partial ones are old news.
    assert_eq!(tell(&mut desk, &mut server, 5, "full", ""), 200);
    for version in [5, 4, 0] {
        assert_eq!(tell(&mut desk, &mut server, version, "partial", &busy), 200);
        assert_eq!(desk.lamp(), Watched::Idle);
    }
    assert_eq!(refreshes(&mut desk, &mut server, 10), 0);
    // A gap asks once, however many follow.
    for version in [9, 20, 40, 80, 160, 4_000_000_000] {
        assert_eq!(tell(&mut desk, &mut server, version, "partial", &busy), 200);
        assert_eq!(desk.lamp(), Watched::Busy);
    }
    assert_eq!(refreshes(&mut desk, &mut server, 20), 1);
    assert_eq!(tell(&mut desk, &mut server, 1, "full", ""), 200);
    assert_eq!(desk.lamp(), Watched::Idle);
    // A notifier that can't count is not asked for ever.
    let mut asked = 0;
    for round in 0..100_u32 {
        tell(&mut desk, &mut server, 10 + round * 7, "partial", &busy);
        asked += refreshes(&mut desk, &mut server, 1);
    }
    assert!(asked <= 100 / 5 + 1, "{asked} in 100 s");
}

#[test]
fn a_partial_document_before_a_full_one_asks_for_it() /* ATTACKS H09 D14 */
{
    let (mut desk, mut server) = Server::asked(Package::Dialog);
    let body = dialogs(3, "partial", &call("a", "early"));
    assert_eq!(server.tell(&mut desk, "active;expires=300", &body), 200);
    assert_eq!(refreshes(&mut desk, &mut server, 20), 1);
}

#[test]
fn odd_subscription_states_are_read_with_care() /* ATTACKS H10 S06 */
{
    for state in [
        "active;expires=abc",
        "active;expires=",
        "active;expires=4294967296",
        "active;expires=99999999999999999999",
        "active",
        "foo;expires=300",
        "ACTIVE;EXPIRES=300",
        "active;expires=300;retry-after=garbage;reason=rejected",
    ] {
        let (mut desk, mut server) = Server::asked(Package::Presence);
        let status = server.tell(&mut desk, state, &presence("closed"));
        assert!(status == 200 || status == 400, "{state}: {status}");
        if status == 200 {
            assert_eq!(desk.lamp(), Watched::Closed, "{state}");
            assert_eq!(
                desk.run(Duration::from_secs(60)),
                [],
                "{state}: nothing at once"
            );
        }
        let sent = desk.run(Duration::from_secs(700));
        assert!(
            sent.iter().any(|(_, sent)| sent.is("SUBSCRIBE")),
            "{state}: and not never"
        );
    }
}

#[test]
fn a_lifetime_of_nought_is_over() /* ATTACKS H10 */
{
    let (mut desk, mut server) = Server::watched(Package::Presence);
    assert_eq!(
        server.tell(&mut desk, "active;expires=0", &presence("open")),
        200
    );
    let sent = desk.run(Duration::from_secs(60));
    assert!(sent.iter().any(|(_, sent)| sent.is("SUBSCRIBE")));
    assert!(sent.len() < 40, "no loop: {}", sent.len());
}

#[test]
fn a_retry_after_of_a_century_is_an_hour() /* ATTACKS H10 */
{
    for after in [
        "4294967295",
        "949302838503028349304023988",
        "garbage",
        "-1",
        "0",
    ] {
        for reason in ["probation", "giveup", "foo"] {
            let (mut desk, mut server) = Server::watched(Package::Presence);
            let state = format!("terminated;reason={reason};retry-after={after}");
            let status = server.tell(&mut desk, &state, "");
            assert_eq!(status, 200, "{state}");
            let sent = desk.run(Duration::from_secs(4_100));
            let first = sent.iter().find(|(_, sent)| sent.is("SUBSCRIBE"));
            let (at, _) = first.unwrap_or_else(|| panic!("{state}: never again"));
            assert!(after.len() != 10 || *at >= 3_600_000, "{state}: {at}");
            let attempts = sent.iter().filter(|(_, sent)| sent.is("SUBSCRIBE")).count();
            // Nobody answers: one request each 47 s or more, sent eleven times.
            assert!(attempts < 11 * 90, "{state}: {attempts}");
        }
    }
}
