//! The power goes in the middle of it all, and comes back.

use std::time::{Duration, Instant};

use lampfield::{Package, Watched};

use crate::bench::{Bench, DISK, Disk, SOON, Setup, holds_within};
use crate::figures::blinks;
use crate::notifier::Notifier;
use crate::watcher::Watcher;
use crate::{HEAD, button, lamp, tell_boot_time};

fn configuration(pbx: &Notifier) -> String {
    [
        "board = \"qemu-phone\"\n".to_owned(),
        HEAD.to_owned(),
        button("hook", "hook", ""),
        button("night", "dnd", ""),
        button("dnd", "activity meeting", ""),
        lamp("blf1", "watch", &pbx.uri("bob")),
    ]
    .concat()
}

/// The handset is lifted and the night switch turned while the power is away: what the lines say counts after it, not
/// what was before. A lamp says that it does not know until it does.
#[test]
fn after_a_power_cut_lines_and_lamps_are_true() {
    let pbx = Notifier::start();
    let config = configuration(&pbx);
    let setup = Setup {
        config: &config,
        ..Setup::default()
    };
    let bench = Bench::start(&setup);
    let presence = Watcher::subscribe(bench.sip, Package::Presence);
    presence.expect(Watched::Idle);
    pbx.expect_watcher("bob");
    pbx.call("bob", Some("confirmed"));
    bench.expect_lit(&["lamp1"]);
    bench.bounce("dnd", 7, Duration::from_millis(40));
    bench.cut();
    let port = pbx.port();
    drop((pbx, presence));

    let bench = Bench::start(&Setup {
        hold: &["hook", "blf5"],
        ..setup
    });
    tell_boot_time(&bench);
    let dialog = Watcher::subscribe(bench.sip, Package::Dialog);
    dialog.expect(Watched::Busy);
    let desk = &bench.json("status")["presentities"][0];
    assert_eq!((&desk["hook"], &desk["dnd"]), (&"up".into(), &true.into()));

    bench.expect_look("blf1", "amber fast");
    let amber = blinks(&bench, &["lamp1", "lamp2"], Duration::from_secs(3));
    amber.iter().for_each(|blink| blink.expect(0.25, 0.5));
    let pbx = Notifier::start_on(port);
    pbx.expect_watcher("bob");
    bench.expect_lit(&["lamp2"]);

    bench.release("hook");
    bench.release("blf5");
    dialog.expect(Watched::Idle);
    assert_eq!(bench.stop(), 0);
    dialog.expect_end();
}

/// Longer than the store gathers changes.
const QUIET: Duration = Duration::from_millis(1_500);

/// The power goes while notes are written one after another. The watcher hears of the phone that is back without having
/// sent anything, in the same dialog, with numbers that go on; what was on record is true, and the lamp shows it.
#[test]
fn after_a_power_cut_the_watchers_are_told_and_what_was_set_is_set() /* N22 */
{
    let disk = Disk::new();
    let config = [
        "board = \"qemu-phone\"\n",
        &format!("state = \"{DISK}/agent\"\n"),
        HEAD,
        &button("dnd", "dnd", ""),
        &lamp("dnd", "shows", "dnd"),
    ]
    .concat();
    let setup = Setup {
        config: &config,
        disk: Some(&disk),
        ..Setup::default()
    };
    let bench = Bench::start(&setup);
    let dialog = Watcher::subscribe(bench.sip, Package::Dialog);
    dialog.expect(Watched::Idle);
    bench.click("dnd", Duration::from_millis(80));
    dialog.expect(Watched::Busy);
    let (mut last, mut since) = (written(&bench), Instant::now());
    let settled = holds_within(SOON, || {
        let now = written(&bench);
        if now != last {
            (last, since) = (now, Instant::now());
        }
        since.elapsed() > QUIET
    });
    assert!(settled, "it writes on and on\n{}", bench.log());

    bench.sh("(i=0; while i=$((i + 1)); do lampfield set note $i; done) >/dev/null 2>&1 &");
    let wrote = holds_within(SOON, || written(&bench) != last);
    assert!(wrote, "no note is written\n{}", bench.log());
    let heard = dialog.count();
    bench.cut();

    let bench = Bench::start(&setup);
    let serves = Instant::now();
    let told = dialog.expect_from(heard, Watched::Busy);
    let late = told.saturating_duration_since(serves);
    assert!(
        late < Duration::from_secs(2),
        "told {late:?} after it served"
    );
    bench.expect_lamp("dndlamp", true);
    let desk = &bench.json("status")["presentities"][0];
    assert_eq!(desk["dnd"], true, "{desk}");
    let note = desk["note"].as_str().and_then(|note| note.parse().ok());
    assert!(note.is_some_and(|note: u32| note > 0), "{desk}");
    println!(
        "told {:.1?} after power-on; note {note:?}",
        told - bench.powered
    );
    bench.click("dnd", Duration::from_millis(80));
    dialog.expect(Watched::Idle);
    assert_eq!(bench.stop(), 0);
    dialog.expect_end();
}

/// What changes with every write of the state.
fn written(bench: &Bench) -> String {
    bench.sh(&format!("stat -c '%i %s %Y' {DISK}/agent/state"))
}
