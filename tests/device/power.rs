//! The power goes in the middle of it all, and comes back.

use std::time::Duration;

use lampfield::events::package::Package;
use lampfield::events::watched::Watched;

use crate::bench::{Bench, Setup};
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
