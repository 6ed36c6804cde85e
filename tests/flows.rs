//! What users suffer, one call flow each, in fair weather unless the flow says otherwise.

mod common;

use common::world::chance::Chance;
use common::world::network::Weather;
use common::world::pbx::{Call, GOOD, Manners};
use common::world::phone::Event;
use common::world::{Line, MILLI, MINUTE, Moment, SECOND, World};
use lampfield::{Looks, Package, Watched};

/// A lamp's lifetime of subscription and grace, in seconds.
const TIMES: (u32, u32) = (300, 30);

/// A world in fair weather.
fn fair() -> World {
    let mut world = World::new(Weather::FAIR, Chance::new(7));
    world.trail = Some(Vec::new());
    world
}

/// A desk with a lamp for each of two extensions of a telephone system, both known to be idle.
fn at_a_pbx(manners: Manners) -> World {
    let mut world = fair();
    let (desk, pbx) = (world.add_desk(), world.add_pbx(manners));
    for extension in 0..2 {
        world.lamp_for_extension(desk, (pbx, extension), Package::Dialog, TIMES);
    }
    world.boot(desk).unwrap();
    world.run(20 * SECOND).unwrap();
    assert_eq!(world.astray(), Vec::<String>::new());
    world
}

/// Desk 0 with lamps for desk 1, in `dialog` and in `presence`, both known to be idle.
fn two_desks(weather: Weather) -> World {
    let mut world = fair();
    world.network.weather = weather;
    let (watching, watched) = (world.add_desk(), world.add_desk());
    for package in [Package::Dialog, Package::Presence] {
        world.lamp_for_desk(watching, watched, package, TIMES);
    }
    world.boot(watching).unwrap();
    world.boot(watched).unwrap();
    world.run(20 * SECOND).unwrap();
    assert_eq!(world.astray(), Vec::<String>::new());
    world
}

/// How long it takes until all is as it should be.
#[track_caller]
fn heals_within(world: &mut World, limit: Moment) -> Moment {
    let start = world.now;
    let healed = world.run_until(start + limit, 10 * MILLI, |world| world.astray().is_empty());
    assert!(healed.unwrap(), "{:#?}", world.astray());
    world.judge_all().unwrap();
    world.now - start
}

fn sent<'a>(world: &'a World, start: &'a str, since: Moment) -> impl Iterator<Item = &'a Line> {
    let trail = world.trail.as_ref().expect("it is kept");
    let meant = move |line: &&Line| line.at >= since && line.text.starts_with(start);
    trail.iter().filter(meant)
}

/// ```text
///   desk                    telephone system
///    │◄── NOTIFY idle ──────────│
///    │                          ✗ restarts, forgets everything
///    │                          │ alice is called; nobody is told
///    │── SUBSCRIBE (refresh) ──►│   at most 120 s after the last word
///    │◄──────────────── 481 ────│
///    │── SUBSCRIBE (alice) ────►│   at once
///    │◄── NOTIFY ringing ───────│
///    │── SUBSCRIBE (bob) ──────►│   within 2 s: bob's was there too
/// ```
#[test]
fn a_restarted_pbx_is_noticed_by_the_patrol() /* FIELD 1 4 S07 J08 */
{
    let mut world = at_a_pbx(GOOD);
    world.at_pbx(0, |pbx, _| pbx.restart());
    world.run(10 * SECOND).unwrap();
    world.at_pbx(0, |pbx, now| {
        pbx.call(now, 0, None, Call::Early);
    });
    let took = heals_within(&mut world, 122 * SECOND);
    assert!(took > 60 * SECOND, "nothing tells it earlier: {took}");
    world.run(3 * SECOND).unwrap();
    let served = world.pbxs[0].served();
    assert_eq!(served, 2, "the other lamp's subscription was lost too");
}

/// ```text
///   desk 0                  desk 1
///    │      ✗◄── NOTIFY busy ───│  handset up
///    │◄── NOTIFY busy ──────────│  500 ms later, the same bytes
///    │── 200 ──────────────────►│
/// ```
#[test]
fn one_lost_notify_kills_nothing() /* FIELD 3 T01 */
{
    let mut world = two_desks(Weather::FAIR);
    let pressed = world.now;
    let (here, there) = (world.desks[0].address, world.desks[1].address);
    world.press(1, |it| it.hook = true).unwrap();
    assert_eq!(world.network.lose(there, here), 2, "one for each package");
    world.run(400 * MILLI).unwrap();
    assert_eq!(world.shown(0, 0), Watched::Idle);
    world.run(105 * MILLI).unwrap();
    assert_eq!(world.astray(), Vec::<String>::new());
    let branches = |world: &World| {
        let lines = sent(world, "NOTIFY", pressed);
        let mut texts: Vec<String> = lines.map(|line| line.text.clone()).collect();
        texts.dedup();
        texts.sort();
        texts.dedup();
        texts.len()
    };
    assert_eq!(branches(&world), 2, "the same bytes were sent again");
    assert_eq!(world.desks[1].served(), 2);
    world.press(1, |it| it.hook = false).unwrap();
    heals_within(&mut world, 100 * MILLI);
}

/// ```text
///   phone                   desk
///    │◄── NOTIFY ───────────────│  handset up
///    │── 481 ──────────────────►│  it forgot
///    │                          │  nothing more for the old dialog
///    │── SUBSCRIBE ────────────►│  when it likes
/// ```
#[test]
fn a_phone_that_says_481_is_not_told_again() /* FIELD 4 N26 */
{
    let mut world = fair();
    let desk = world.add_desk();
    let phone = world.add_phone(desk, Event::Dialog, 300);
    world.boot(desk).unwrap();
    world.run(5 * SECOND).unwrap();
    assert_eq!(world.desks[desk].served(), 1);
    world.phones[phone].habits.forgets = 1_000;
    world.press(desk, |it| it.hook = true).unwrap();
    world.run(10 * MILLI).unwrap();
    assert_eq!(world.desks[desk].served(), 0);
    world.phones[phone].cut();
    let since = world.now;
    world.press(desk, |it| it.hook = false).unwrap();
    world.run(MINUTE).unwrap();
    assert_eq!(sent(&world, "NOTIFY", since).count(), 0);
}

/// ```text
///   phone                   desk
///    ✗ no power                 │  handset up
///    ✗     ◄── NOTIFY ×11 ──────│  32 s, then it is forgotten
///
///    ✗                          │  nothing happens
///    ✗     ◄── NOTIFY ×11 ──────│  terminated;reason=timeout, after the lifetime
/// ```
#[test]
fn dead_subscriptions_do_not_pile_up() /* FIELD 5 N27 H04 */
{
    for presses in [true, false] {
        let mut world = fair();
        let desk = world.add_desk();
        let phone = world.add_phone(desk, Event::Presence, 300);
        world.boot(desk).unwrap();
        world.run(5 * SECOND).unwrap();
        world.phones[phone].cut();
        let died = world.now;
        if presses {
            world.press(desk, |it| it.dnd = true).unwrap();
        } else {
            world.run(294 * SECOND).unwrap();
            assert_eq!(world.desks[desk].served(), 1);
        }
        world.run(31 * SECOND).unwrap();
        assert_eq!(world.desks[desk].served(), 1);
        world.run(3 * SECOND).unwrap();
        assert_eq!(world.desks[desk].served(), 0);
        assert_eq!(sent(&world, "NOTIFY", died).count(), 11);
        assert_eq!(world.desks[desk].due, None, "nothing is left to wait for");
    }
}

/// ```text
///   desk                    telephone system
///    │── SUBSCRIBE 300 ────────►│
///    │◄── 200, Expires: 60 ─────│  the granted lifetime counts, not the one asked for
///    │── SUBSCRIBE (refresh) ──►│  before it ends, again and again
/// ```
#[test]
fn no_subscription_lapses_however_short_it_is() /* FIELD 6 S05 */
{
    for grants in [20, 60, 100, 3_600] {
        let mut world = at_a_pbx(Manners {
            grants,
            undated: grants == 60,
            ..GOOD
        });
        world.run(120 * MINUTE).unwrap();
        let lapsed = sent(&world, "NOTIFY", 0);
        let lapsed = lapsed.filter(|line| line.text.contains("terminated"));
        assert_eq!(lapsed.count(), 0, "granted {grants} s");
        let asked = sent(&world, "SUBSCRIBE", 0).count() as u64;
        let lifetimes = 2 * 7_200 / u64::from(grants.min(300));
        assert!(
            asked >= lifetimes,
            "granted {grants} s: asked {asked} times"
        );
        assert!(
            asked <= 3 * lifetimes,
            "granted {grants} s: asked {asked} times"
        );
        assert_eq!(world.astray(), Vec::<String>::new());
    }
}

/// ```text
///   desk                    telephone system, which sends every change at once, in partial documents
///    │◄── NOTIFY full ──────────│  c1 early: ringing
///    │      ✗◄── NOTIFY 1 ──────│  c1 terminated
///    │◄── NOTIFY 2 ─────────────│  c2 confirmed: there is a gap
///    │── SUBSCRIBE (refresh) ──►│
///    │◄── NOTIFY 3, full ───────│  c2 confirmed: busy
///    │      ◄── NOTIFY 1 ───────│  again: 500
/// ```
#[test]
fn a_lost_end_of_a_call_leaves_no_lamp_ringing() /* FIELD 11 D14 */
{
    let mut world = at_a_pbx(Manners {
        eager: true,
        partial: true,
        ..GOOD
    });
    let (desk, pbx) = (world.desks[0].address, world.pbxs[0].address);
    world.at_pbx(0, |pbx, now| {
        pbx.call(now, 0, None, Call::Early);
    });
    heals_within(&mut world, 100 * MILLI);
    assert_eq!(world.shown(0, 0), Watched::Ringing);
    world.run(10 * SECOND).unwrap();
    world.at_pbx(0, |pbx, now| {
        pbx.call(now, 0, Some(1), Call::Over);
    });
    assert_eq!(world.network.lose(pbx, desk), 1);
    world.at_pbx(0, |pbx, now| {
        pbx.call(now, 0, None, Call::Confirmed);
    });
    heals_within(&mut world, SECOND);
    assert_eq!(world.shown(0, 0), Watched::Busy);
}

/// ```text
///   desk                    telephone system, as before
///    │◄── NOTIFY full ──────────│  c1 confirmed: busy
///    │      ✗◄── NOTIFY 1 ──────│  c2 early
///    │◄── NOTIFY 2 ─────────────│  c1 terminated: by what is known nobody calls, but there is a gap
///    │                          │  the lamp stays red: green would be a lie
///    │── SUBSCRIBE (refresh) ──►│
///    │◄── NOTIFY 3, full ───────│  c2 early: ringing
/// ```
#[test]
fn a_lost_second_call_never_shows_idle() /* FIELD 11 15 D14 */
{
    let mut world = at_a_pbx(Manners {
        eager: true,
        partial: true,
        ..GOOD
    });
    let (desk, pbx) = (world.desks[0].address, world.pbxs[0].address);
    world.at_pbx(0, |pbx, now| {
        pbx.call(now, 0, None, Call::Confirmed);
    });
    world.run(10 * MINUTE).unwrap();
    world.at_pbx(0, |pbx, now| {
        pbx.call(now, 0, None, Call::Early);
    });
    assert_eq!(world.network.lose(pbx, desk), 1);
    world.at_pbx(0, |pbx, now| {
        pbx.call(now, 0, Some(1), Call::Over);
    });
    // The world itself fails if the lamp ever shows idle, which the extension was ten minutes ago.
    heals_within(&mut world, 6 * SECOND);
    assert_eq!(world.shown(0, 0), Watched::Ringing);
}

/// ```text
///   desk 0                  desk 1
///    │◄── NOTIFY idle ──────────│
///    │                          ✗ no power
///    │── SUBSCRIBE ×11 ────────►✗ the next refresh
///    │                            32 s: in doubt; grace; unknown
/// ```
#[test]
fn idle_and_without_power_do_not_look_the_same() /* FIELD 12 S23 */
{
    let mut world = two_desks(Weather::FAIR);
    let idle = world.desks[0].lamps[0].look;
    world.cut(1).unwrap();
    world.run((255 + 32 + 30 + 1) * SECOND).unwrap();
    for lamp in &world.desks[0].lamps {
        assert_eq!(lamp.look, Looks::DEFAULT.get(Watched::Unknown));
        assert_ne!(lamp.look, idle);
    }
    world.boot(1).unwrap();
    heals_within(&mut world, 302 * SECOND);
    assert_eq!(world.desks[0].lamps[0].look, idle);
}

/// ```text
///   desk 0                  desk 1
///    │◄── NOTIFY busy ──────────│
///    ✗ is told to stop          │
///      its lamps may stay lit as they are for a weekend: they turn unknown before it goes
/// ```
#[test]
fn a_desk_that_stops_leaves_no_lamp_that_lies() /* FIELD 12 J05 */
{
    let mut world = two_desks(Weather::FAIR);
    world.press(1, |it| it.hook = true).unwrap();
    heals_within(&mut world, 100 * MILLI);
    world.stop(0, None).unwrap();
    world.run(10 * MILLI).unwrap();
    assert!(world.desks[0].is_stopped());
    for lamp in &world.desks[0].lamps {
        assert_eq!(lamp.look, Looks::DEFAULT.get(Watched::Unknown));
    }
}

/// ```text
///   desk                    telephone system
///    │                          │  a lamp for a broadcast address, where nobody answers: unknown
///    │── SUBSCRIBE (alice) ────►│  the lamps behind it are none the worse
/// ```
#[test]
fn a_target_that_cannot_be_asked_for_takes_no_lamp_along() /* FIELD 12 */
{
    let mut world = fair();
    let (desk, pbx) = (world.add_desk(), world.add_pbx(GOOD));
    world.lamp_for_uri(desk, "sip:alice@255.255.255.255");
    world.lamp_for_extension(desk, (pbx, 0), Package::Dialog, TIMES);
    world.boot(desk).unwrap();
    world.run(5 * SECOND).unwrap();
    assert_eq!(world.shown(desk, 0), Watched::Unknown);
    assert_eq!(world.shown(desk, 1), Watched::Idle);
}

/// ```text
///   desk 0                  desk 1
///    │                          │  do not disturb
///    │◄── NOTIFY dialog ────────│  a confirmed dialog
///    │◄── NOTIFY presence ──────│  closed, busy, a note
/// ```
#[test]
fn do_not_disturb_reaches_every_lamp() /* FIELD 13 */
{
    for note in ["", "Bringing cake at four", "I am offline"] {
        for idle in [false, true] {
            let mut world = two_desks(Weather::FAIR);
            world
                .press(1, |it| (it.idle, it.note) = (idle, note))
                .unwrap();
            world.run(10 * SECOND).unwrap();
            world.press(1, |it| it.dnd = true).unwrap();
            heals_within(&mut world, 10 * MILLI);
            assert_eq!(world.shown(0, 0), Watched::Busy);
            assert_eq!(world.shown(0, 1), Watched::Dnd);
            world.press(1, |it| it.dnd = false).unwrap();
            heals_within(&mut world, 10 * MILLI);
        }
    }
}

/// ```text
///   desk 0                  desk 1
///    │                          │  ten presses within a second
///    │◄── NOTIFY ───────────────│  they overtake each other on the way
///    │── 500 ──────────────────►│  for those that come late
///    │◄── NOTIFY ───────────────│  the last one always
/// ```
#[test]
fn the_last_of_many_quick_changes_is_shown() /* FIELD 15 H06 N31 D12 */
{
    let slow = Weather {
        slowest: 900 * MILLI,
        doubles: 300,
        stragglers: 100,
        ..Weather::FAIR
    };
    for presses in 1..=10 {
        let mut world = two_desks(slow);
        for press in 0..presses {
            let look = press % 3;
            world
                .press(1, |it| (it.hook, it.dnd) = (look == 0, look == 1))
                .unwrap();
            world.run(90 * MILLI).unwrap();
        }
        // The pace of `presence` is one in five seconds after a burst of four.
        heals_within(&mut world, 40 * SECOND);
        let since = world.now;
        world.run(40 * SECOND).unwrap();
        assert_eq!(world.astray(), Vec::<String>::new());
        assert!(sent(&world, "NOTIFY", since + 33 * SECOND).count() == 0);
    }
}

/// ```text
///   desk                    telephone system, which waits for no answer
///    │           ◄── NOTIFY 7 ──│  c1 early
///    │      ◄── NOTIFY 8 ───────│  c1 confirmed
///    │◄── NOTIFY 9 ─────────────│  c1 terminated: idle
///    │── 200 (9), 500 (8, 7) ──►│  what comes late changes nothing
/// ```
#[test]
fn what_comes_late_changes_no_lamp() /* FIELD 2 15 H06 S19 */
{
    let mut world = at_a_pbx(Manners {
        eager: true,
        ..GOOD
    });
    world.network.weather.slowest = 400 * MILLI;
    let states = [Call::Early, Call::Confirmed, Call::Held, Call::Over];
    for round in 0..40 {
        let mut id = None;
        for state in &states[..2 + round % 3] {
            world.at_pbx(0, |pbx, now| id = Some(pbx.call(now, 0, id, *state)));
        }
        world.run(450 * MILLI).unwrap();
        assert_eq!(world.astray(), Vec::<String>::new(), "round {round}");
        world.at_pbx(0, |pbx, now| id = Some(pbx.call(now, 0, id, Call::Over)));
        world.run(MINUTE).unwrap();
    }
    let asked = sent(&world, "SUBSCRIBE", 0).count();
    assert!(asked < 200, "no storm of SUBSCRIBEs: {asked}");
}
