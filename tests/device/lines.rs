//! Lines in the hands of kernel drivers: keys and LEDs; and lines that are taken, missing, or come and go.

use std::time::{Duration, Instant};

use lampfield::{Package, Watched};

use crate::bench::{Bench, SOON, Setup, holds_within};
use crate::figures::{Spread, blinks};
use crate::notifier::Notifier;
use crate::watcher::Watcher;
use crate::{HEAD, button, expect_options, lamp};

/// Half of the lines are keys of `gpio-keys` and LEDs of `gpio-leds` (`boards/bench/pins-kernel.txt`); the button
/// `absent` and the lamp `taken` cannot work.
const BOARD: &str = r#"
name = "kernel-lines"
description = "keys and LEDs of kernel drivers"
backend = "hardware"
[[button]]
name = "hook"
kind = "switch"
line = "gpio:GPIO17"
active_low = true
[[button]]
name = "dnd"
line = "key:lampfield-keys/148"
[[button]]
name = "door"
line = "key:*/203"
[[button]]
name = "polled"
line = "gpio:GPIO27"
active_low = true
poll = 20
[[button]]
name = "absent"
line = "gpio:NOWHERE"
[[lamp]]
name = "bob"
red = "led:lampfield:lamp5"
green = "led:lampfield:ring"
[[lamp]]
name = "own"
red = "led:lampfield:dndlamp"
[[lamp]]
name = "health"
red = "gpio:GPIO23"
green = "gpio:GPIO24"
[[lamp]]
name = "taken"
red = "gpio:GPIO9"
"#;

fn configuration(pbx: &Notifier) -> String {
    [
        "board = \"/etc/board.toml\"\n".to_owned(),
        HEAD.to_owned(),
        button("hook", "hook", ""),
        button("dnd", "dnd", ""),
        button("door", "activity meeting", ""),
        button("polled", "away", ""),
        lamp("bob", "watch", &pbx.uri("bob")),
        lamp("own", "shows", "dnd"),
        lamp("health", "shows", "health"),
        lamp("taken", "shows", "dnd"),
    ]
    .concat()
}

#[test]
fn keys_leds_and_lines_that_fail() {
    let pbx = Notifier::start();
    let bench = Bench::start(&Setup {
        config: &configuration(&pbx),
        board: Some(BOARD),
        pins: Some("pins-kernel.txt"),
        ..Setup::default()
    });
    expect_options(&bench);
    let watcher = Watcher::subscribe(bench.sip, Package::Presence);
    keys_work(&bench, &watcher);
    leds_work(&bench, &pbx);
    failing_lines_are_told(&bench);
    keys_come_and_go(&bench, &watcher);
    a_line_that_is_freed_is_taken(&bench, &watcher);
    assert_eq!(bench.stop(), 0);
}

fn keys_work(bench: &Bench, watcher: &Watcher) {
    let (mut told, mut lit) = (Spread::default(), Spread::default());
    bench.expect_lamp("dndlamp", false); // whoever presses the buttons has started, too
    for number in 0..20 {
        let on = number % 2 == 0;
        let began = Instant::now();
        bench.press("blf3");
        lit.add(began, bench.expect_lamp("dndlamp", on));
        told.add(
            began,
            watcher.expect(if on { Watched::Dnd } else { Watched::Idle }),
        );
        bench.release("blf3");
        std::thread::sleep(Duration::from_millis(30));
    }
    println!("key to NOTIFY: {told}");
    println!("key to LED: {lit}");
    let click = |name| bench.click(name, Duration::from_millis(80));
    click("door");
    watcher.expect(Watched::Busy);
    click("door");
    watcher.expect(Watched::Idle);
    for state in [Watched::Away, Watched::Idle] {
        bench.press("dnd"); // the polled line: it is seen only where it stays for a while
        watcher.expect(state);
        bench.release("dnd");
        std::thread::sleep(Duration::from_millis(300));
    }
    bench.press("hook");
    watcher.expect(Watched::Busy);
    bench.release("hook");
    watcher.expect(Watched::Idle);
}

/// Two colours on two LEDs; the kernel blinks them, and the program sleeps meanwhile.
fn leds_work(bench: &Bench, pbx: &Notifier) {
    pbx.expect_watcher("bob");
    bench.expect_lamp("ring", true);
    pbx.call("bob", Some("early"));
    bench.expect_look("bob", "red fast");
    let fast = blinks(bench, &["lamp5"], Duration::from_secs(3));
    // The kernel's timers are coarse: a tick more for each half.
    fast[0].expect_within(0.15, 0.25, 0.5);
    assert!(!bench.is_lit("ring"), "red is not amber");
    pbx.hold("bob");
    bench.expect_look("bob", "red slow");
    let slow = blinks(bench, &["lamp5"], Duration::from_secs(5));
    slow[0].expect(1.0, 0.5);
    println!(
        "LED: fast every {:.3} s, slow every {:.3} s",
        fast[0].period, slow[0].period
    );
    pbx.call("bob", None);
    bench.expect_lamp("ring", true);
    bench.expect_lamp("lamp5", false);
}

/// What is wrong, where, and what to do is told; the health lamp shows it.
fn failing_lines_are_told(bench: &Bench) {
    let status = bench.json("status");
    let troubles = status["troubles"].to_string();
    for word in [
        "taken",
        "gpio:GPIO9",
        "absent",
        "gpio:NOWHERE",
        "/etc/board.toml:",
    ] {
        assert!(troubles.contains(word), "no {word} in {troubles}");
    }
    bench.expect_log("gpio:GPIO9");
    bench.expect_log("gpio:NOWHERE");
    bench.expect_look("health", "amber slow");
    let health = blinks(bench, &["lamp1", "lamp2"], Duration::from_secs(5));
    health.iter().for_each(|blink| blink.expect(1.0, 0.5));
}

/// A keypad is unplugged and plugged in again.
fn keys_come_and_go(bench: &Bench, watcher: &Watcher) {
    let driver = "/sys/bus/platform/drivers/gpio-keys";
    bench.sh(&format!("echo lampfield-keys >{driver}/unbind"));
    bench.expect_json("status", |status| {
        status["troubles"]
            .to_string()
            .contains("lampfield-keys/148")
    });
    bench.press("hook");
    watcher.expect(Watched::Busy);
    bench.release("hook");
    watcher.expect(Watched::Idle);
    bench.sh(&format!("echo lampfield-keys >{driver}/bind"));
    let back = || {
        !bench.json("status")["troubles"]
            .to_string()
            .contains("lampfield-keys/148")
    };
    assert!(
        holds_within(SOON, back),
        "the keys do not come back:\n{}",
        bench.log()
    );
    bench.click("blf3", Duration::from_millis(80));
    watcher.expect(Watched::Dnd);
    bench.click("blf3", Duration::from_millis(80));
    watcher.expect(Watched::Idle);
}

/// The driver of the LEDs goes, and with it two lamps; the line that it held is ours within a minute.
fn a_line_that_is_freed_is_taken(bench: &Bench, watcher: &Watcher) {
    bench.sh("echo lampfield-leds >/sys/bus/platform/drivers/leds-gpio/unbind");
    bench.click("blf3", Duration::from_millis(80));
    watcher.expect(Watched::Dnd);
    let lit = || bench.is_lit("relay");
    assert!(
        holds_within(Duration::from_secs(70) + SOON, lit),
        "not taken:\n{}",
        bench.log()
    );
    let troubles = bench.json("status")["troubles"].to_string();
    assert!(troubles.contains("led:lampfield:dndlamp"), "{troubles}");
    assert!(!troubles.contains("gpio:GPIO9"), "{troubles}");
    bench.click("blf3", Duration::from_millis(80));
    bench.expect_lamp("relay", false);
}
