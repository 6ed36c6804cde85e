//! Group J: clocks.

use crate::desk::*;
use lampfield::{Duration, Input, Instant, Package, Seconds, Wall, Watched};

const PHONE: &str = "192.0.2.40:5060";

#[test]
fn a_step_of_the_wall_clock_moves_no_timer() /* ATTACKS J01 */
{
    let mut desk = Desk::new();
    desk.wall = Wall::UNSET;
    desk.watcher("bob", PHONE, "presence");
    let (year, hour) = (1_790_000_000_000, 3_600_000);
    let mut passed = 0;
    for wall in [0, year, year - hour, year + 1_000 * hour, 1, u64::MAX] {
        desk.wall = Wall::from_unix_millis(wall);
        assert_eq!(desk.run(Duration::from_secs(500)), [], "{wall}");
        passed += 500;
        let told = desk.input(Input::Dnd(passed % 1_000 == 0));
        assert!(told.len() <= 1);
        told.iter().for_each(|notify| desk.confirm(notify));
    }
    let last = desk.run(Duration::from_secs(601));
    assert_eq!(last[0].0, 600_000, "to the millisecond");
    assert_eq!(
        last[0].1.header("Subscription-State"),
        Some("terminated;reason=timeout")
    );
}

#[test]
fn a_document_before_the_clock_is_set_has_no_date() /* ATTACKS J01 J02 */
{
    let mut desk = Desk::new();
    desk.watcher("bob", PHONE, "presence");
    desk.wall = Wall::from_unix_millis(1_000);
    let told = desk.input(Input::Dnd(true)).remove(0);
    assert!(!told.body().contains("timestamp"), "{}", told.body());
    desk.confirm(&told);
    desk.wall = Wall::from_unix_millis(1_790_000_000_000);
    let told = desk.input(Input::Dnd(false)).remove(0);
    assert!(told.body().contains("<timestamp>2026-"), "{}", told.body());
}

#[test]
fn after_a_stop_of_ten_minutes_what_is_due_is_done_once() /* ATTACKS J01 */
{
    let mut desk = Desk::with(|settings| watch(settings, "blf1", BOSS, Package::Presence));
    desk.run(Duration::from_secs(3));
    let kept = desk.watcher("kept", PHONE, "presence");
    let silent = Peer::new("silent", "192.0.2.41:5060");
    desk.send(&silent.address, &silent.subscribe(3_600));
    let short = Peer::new("short", "192.0.2.42:5060");
    let sent = desk.send(&short.address, &short.subscribe(60));
    desk.confirm(&sent[1]);
    desk.now += Duration::from_secs(600);
    desk.agent.handle_timeout(desk.moment());
    let burst = desk.drain();
    let to = |address: &str| {
        burst
            .iter()
            .filter(|sent| sent.flow.remote == address.parse().unwrap())
            .count()
    };
    assert_eq!(
        (to(PHONE), to(&silent.address), to(&short.address)),
        (0, 0, 1),
        "{burst:#?}"
    );
    assert!(burst.len() <= 2, "{burst:#?}");
    assert_eq!(
        desk.subscriptions(),
        2,
        "the silent one is gone, the short one is told so"
    );
    let told = desk.input(Input::Dnd(true));
    assert!(
        told.iter()
            .any(|sent| sent.flow.remote == kept.address.parse().unwrap())
    );
}

#[test]
fn uptimes_at_which_counters_wrap_pass_unnoticed() /* ATTACKS J01 */
{
    let days = |bits: u32| (1_u64 << bits) - 30_000;
    for start in [days(31), days(32), 30_000, (1_u64 << 32) * 1_000 - 30_000] {
        let mut desk = Desk::at(LOCAL, [3, 4], Instant::from_millis(start), |settings| {
            watch(settings, "blf1", BOSS, Package::Presence);
            // No refresh but the one that is due.
            settings.watches[0].audit = Seconds::ZERO;
        });
        let asked = desk.run(Duration::from_secs(3));
        assert!(asked[0].1.is("SUBSCRIBE"));
        let mut server = Server {
            address: BOSS_AT.to_string(),
            subscribe: asked[0].1.clone(),
            event: "presence",
            cseq: 1,
            tag: "server",
        };
        server.accept(&mut desk, 300);
        assert_eq!(
            server.tell(&mut desk, "active;expires=300", &presence("open")),
            200
        );
        let bob = Peer::new("bob", PHONE);
        let sent = desk.send(PHONE, &bob.subscribe(60));
        desk.confirm(&sent[1]);
        let begun = desk.now;
        let sent = desk.run(Duration::from_secs(61));
        let expired: Vec<u64> = sent
            .iter()
            .filter(|(_, sent)| sent.is("NOTIFY"))
            .map(|(at, _)| *at)
            .collect();
        assert_eq!(expired[0], 60_000, "from {start}: neither early nor late");
        let mut refreshed = false;
        while !refreshed {
            let sent = desk.run(Duration::from_secs(1));
            refreshed = sent.iter().any(|(_, sent)| sent.is("SUBSCRIBE"));
            assert_ne!(desk.lamp(), Watched::Unknown);
            assert!(desk.now - begun < Duration::from_secs(300), "from {start}");
        }
        let at = desk.now - begun;
        assert!(at > Duration::from_secs(160), "from {start}: {at:?}");
    }
}
