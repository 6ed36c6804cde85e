//! The board `qemu-phone`: its buttons and lamps on GPIO lines, and all that one person does in a day.

use std::thread;
use std::time::{Duration, Instant};

use lampfield::{Package, Watched};

use crate::bench::{Bench, SOON, Setup, holds_within};
use crate::figures::{Spread, blinks};
use crate::notifier::Notifier;
use crate::watcher::Watcher;
use crate::{HEAD, button, lamp, tell_boot_time};

/// The lines of the two-colour lamps, by the names of `boards/bench/pins.txt`.
const BLF1: Lines = Lines {
    red: "lamp1",
    green: "lamp2",
};
const BLF2: Lines = Lines {
    red: "lamp3",
    green: "lamp4",
};
/// The line of the lamp blf3, which has one colour only.
const BLF3: &str = "lamp5";
/// The line of the lamp that shows our own do-not-disturb.
const DND: &str = "dndlamp";

/// The lines of all lamps.
const ALL: &[&str] = &[
    "lamp1", "lamp2", "lamp3", "lamp4", "lamp5", "ring", "dndlamp", "relay",
];

struct Lines {
    red: &'static str,
    green: &'static str,
}

fn configuration(pbx: &Notifier) -> String {
    [
        "board = \"qemu-phone\"\n".to_owned(),
        HEAD.to_owned(),
        button("hook", "hook", ""),
        button("dnd", "dnd", ""),
        button(
            "blf1",
            "activity meeting",
            "long = \"clear\"\ndouble = \"away\"",
        ),
        button("blf2", "dnd hold", ""),
        button("blf4", "clear", ""),
        lamp("blf1", "watch", &pbx.uri("bob")),
        lamp("blf2", "watch", &pbx.uri("carol")),
        lamp("blf3", "watch", &pbx.uri("dave")),
        lamp("dnd", "shows", "dnd"),
        lamp("health", "shows", "health"),
    ]
    .concat()
}

/// One boot, one day.
#[test]
fn a_day_with_the_phone() {
    let pbx = Notifier::start();
    let bench = Bench::start(&Setup {
        config: &configuration(&pbx),
        ..Setup::default()
    });
    tell_boot_time(&bench);
    let desk = Desk {
        presence: Watcher::subscribe(bench.sip, Package::Presence),
        dialog: Watcher::subscribe(bench.sip, Package::Dialog),
        bench,
        pbx,
    };
    let jammed = Instant::now();
    desk.bench.press("blf4"); // and nobody lets go of it
    // First, so that what the others told is long over when it has to be quiet.
    desk.step("lamps follow others", Desk::lamps);
    desk.step("lamp test", Desk::lamp_test);
    desk.step("a press reaches everybody", Desk::press);
    desk.step("the hook is a call", Desk::hook);
    desk.step("gestures", Desk::gestures);
    desk.step("a burst of presses", Desk::burst);
    desk.step("presses while the program is held up", Desk::held_up);
    desk.step("a chattering hook", Desk::chatter);
    desk.step("a stuck button", |desk| desk.stuck(jammed));
    desk.step("idle", Desk::idle);
    desk.end();
}

/// The phone, and who watches and is watched.
struct Desk {
    bench: Bench,
    pbx: Notifier,
    presence: Watcher,
    dialog: Watcher,
}

impl Desk {
    fn step<T>(&self, name: &str, walk: impl FnOnce(&Desk) -> T) -> T {
        let began = Instant::now();
        let result = walk(self);
        println!("ok: {name}: {:.1?}", began.elapsed());
        result
    }

    /// /* N10 N22 D01 */
    fn press(&self) {
        let (mut told, mut lit) = (Spread::default(), Spread::default());
        for number in 0..20 {
            let on = number % 2 == 0;
            let began = Instant::now();
            self.bench.press("dnd");
            lit.add(began, self.bench.expect_lamp(DND, on));
            let state = if on { Watched::Dnd } else { Watched::Idle };
            told.add(began, self.presence.expect(state));
            self.dialog
                .expect(if on { Watched::Busy } else { Watched::Idle });
            self.bench.release("dnd");
            pause(30);
        }
        println!("press to NOTIFY: {told}");
        println!("press to lamp: {lit}");
    }

    fn hook(&self) {
        self.bench.press("hook");
        self.dialog.expect(Watched::Busy);
        self.presence.expect(Watched::Busy);
        self.bench.release("hook");
        self.dialog.expect(Watched::Idle);
        self.presence.expect(Watched::Idle);
    }

    /// Short, long and double presses of one button are three things.
    fn gestures(&self) {
        let short = || self.bench.click("blf1", Duration::from_millis(80));
        short();
        self.presence.expect(Watched::Busy); // a meeting
        self.bench.press("blf1");
        self.presence.expect(Watched::Idle); // a long press clears while it is still held
        self.bench.release("blf1");
        self.double();
        self.presence.expect(Watched::Away);
        self.bench.click("blf1", Duration::from_millis(1_500));
        self.presence.expect(Watched::Idle);
    }

    /// Presses twice; once more where the emulator was too slow for that to be one gesture.
    fn double(&self) {
        for _ in 0..5 {
            let begun = Instant::now();
            self.bench.click("blf1", Duration::from_millis(80));
            self.bench.click("blf1", Duration::from_millis(80));
            if begun.elapsed() < Duration::from_millis(400) {
                return;
            }
            self.bench.sh("lampfield set activity none");
        }
        panic!("no two presses within 400 ms");
    }

    /// What others do is on the lines in the right colours and rhythms.
    fn lamps(&self) {
        let bench = &self.bench;
        self.pbx.expect_watcher("bob");
        self.pbx.expect_watcher("carol");
        bench.expect_lit(&[BLF1.green, BLF2.green]);
        self.pbx.call("carol", Some("confirmed"));
        bench.expect_lit(&[BLF1.green, BLF2.red]);
        self.pbx.call("bob", Some("early"));
        bench.expect_look("blf1", "red fast");
        self.pbx.expect_watcher("dave");
        self.pbx.call("dave", Some("early"));
        bench.expect_look("blf3", "red fast");
        let ringing = blinks(bench, &[BLF1.red, BLF3], Duration::from_secs(3));
        ringing.iter().for_each(|blink| blink.expect(0.25, 0.5));
        assert!(!bench.is_lit(BLF1.green), "red is not amber");

        self.pbx.hold("bob");
        self.pbx.hold("carol");
        bench.expect_look("blf1", "red slow");
        bench.expect_look("blf2", "red slow");
        let held = blinks(bench, &[BLF1.red, BLF2.red], Duration::from_secs(5));
        held.iter().for_each(|blink| blink.expect(1.0, 0.5));
        let apart = held[0].rises.iter().zip(&held[1].rises);
        let apart: Vec<f64> = apart.map(|(one, other)| (one - other).abs()).collect();
        assert!(
            apart.iter().any(|apart| *apart < 0.03),
            "out of step: {apart:?}"
        );
        println!(
            "fast every {:.3} s, slow every {:.3} s",
            ringing[0].period, held[0].period
        );

        for extension in ["bob", "carol", "dave"] {
            self.pbx.call(extension, None);
        }
        bench.expect_lit(&[BLF1.green, BLF2.green]);

        let mut lit = Spread::default();
        for number in 0..20 {
            let busy = number % 2 == 0;
            let began = Instant::now();
            self.pbx.call("bob", busy.then_some("confirmed"));
            lit.add(began, bench.expect_lamp(BLF1.red, busy));
        }
        println!("NOTIFY to lamp: {lit}");
    }

    /// Every element lights alone for a second; then all is as it was.
    fn lamp_test(&self) {
        self.bench.sh("lampfield lamps --test");
        let changes = self.bench.watch(ALL, Duration::from_secs(10));
        for line in ALL {
            let lit = changes
                .iter()
                .any(|change| change.lamp == *line && change.lit);
            assert!(lit, "{line} was never lit: {changes:?}");
        }
        self.bench.expect_lit(&[BLF1.green, BLF2.green]);
    }

    /// Two hundred presses as fast as a hand can: each of the 400 edges is seen on the lamp and told to the watcher.
    fn burst(&self) {
        let (mut told, mut lit) = (Spread::default(), Spread::default());
        let before = self.presence.count();
        for edge in 0..400 {
            let began = Instant::now();
            let down = edge % 2 == 0;
            if down {
                self.bench.press("blf2");
            } else {
                self.bench.release("blf2");
            }
            lit.add(began, self.bench.expect_lamp(DND, down));
            let state = if down { Watched::Dnd } else { Watched::Idle };
            told.add(began, self.presence.expect_from(before + edge, state));
            thread::sleep(Duration::from_millis(33).saturating_sub(began.elapsed()));
        }
        assert_eq!(self.presence.count(), before + 400);
        println!("edge to NOTIFY in the burst: {told}");
        println!("edge to lamp in the burst: {lit}");
    }

    /// What is pressed while the program gets no processor waits in the kernel; where that overflows, the position
    /// counts.
    fn held_up(&self) {
        self.bench.sh("kill -STOP $(cat /run/start.pid)");
        self.bench.bounce("dnd", 6, Duration::from_millis(60));
        self.bench.sh("kill -CONT $(cat /run/start.pid)");
        self.presence.expect(Watched::Dnd); // three presses
        self.bench.click("dnd", Duration::from_millis(60));
        self.presence.expect(Watched::Idle);

        self.bench.sh("kill -STOP $(cat /run/start.pid)");
        self.bench.bounce("hook", 41, Duration::from_millis(40));
        self.bench.sh("kill -CONT $(cat /run/start.pid)");
        self.dialog.expect(Watched::Busy);
        self.bench.release("hook");
        self.dialog.expect(Watched::Idle);
    }

    /// A bad contact is reported, floods nobody, and ends in the truth.
    fn chatter(&self) {
        let before = self.presence.count();
        self.bench.bounce("blf2", 401, Duration::from_millis(8));
        self.bench.expect_log("chatters");
        self.presence.expect(Watched::Dnd);
        let told = self.presence.count() - before;
        assert!(told < 250, "{told} NOTIFYs of 401 edges");
        pause(1_500); // quiet enough to be heard again
        self.bench.release("blf2");
        self.presence.expect(Watched::Idle);
    }

    /// A button that is down for more than a minute is reported, and so is its being free again.
    fn stuck(&self, jammed: Instant) {
        let limit = Duration::from_secs(60).saturating_sub(jammed.elapsed()) + SOON;
        let reported = || self.bench.log().contains("has been down for a minute");
        assert!(
            holds_within(limit, reported),
            "not told:\n{}",
            self.bench.log()
        );
        self.bench.release("blf4");
        self.bench.expect_log("came up");
    }

    /// Nothing due, nothing done.
    fn idle(&self) {
        pause(6_000); // the last NOTIFY's transaction ends (RFC 3261 §17.1.2.2, timer K)
        let measured = self.bench.measure(20);
        let wakeups = measured.get("wakeups");
        println!("{wakeups} wakeups in 20 s; {}", measured.all());
        assert!(
            wakeups < 1.0,
            "{wakeups} wakeups with nothing due\n{}",
            self.bench.log()
        );
    }

    /// Those who watch are told that it ends; nothing went wrong.
    fn end(self) {
        assert_eq!(self.bench.stop(), 0);
        let state = self.presence.expect_end();
        println!("ended: {state}");
        self.dialog.expect_end();
    }
}

/// Lets time pass: for what has to be quiet, not for what has to come.
fn pause(milliseconds: u64) {
    thread::sleep(Duration::from_millis(milliseconds));
}
