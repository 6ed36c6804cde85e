//! Measures the agent on an emulated ARMv7 board: memory, wake-ups, start, and the way from an edge to a NOTIFY.
//! `benches/footprint` drives it.

#[path = "../../tests/common/bench.rs"]
mod bench;
mod world;

use std::net::Ipv4Addr;
use std::thread;
use std::time::{Duration, Instant};

use bench::{Bench, Setup};
use lampfield::limits;
use world::{LAMPS, World, board, settings};

fn main() {
    println!(
        "{:<30} {:>7} {:>7} {:>9} {:>8}",
        "kilobytes", "rss", "pss", "anonymous", "threads"
    );
    idle();
    full();
}

/// The machine that the board's network ends at.
const WORLD: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 2);

const HEAD: &str = "listen = [\"udp:10.0.2.15:5060\"]\ntrusted = [\"10.0.2.0/24\"]\n";

/// Longer than any transaction lives.
const SETTLED: u32 = 40;

/// A desk phone with one lamp that watches somebody.
fn idle() {
    let world = World::new(WORLD.into());
    let bench = Bench::start(&Setup {
        config: &format!(
            "{HEAD}board = \"qemu-phone\"\n[[presentity]]\nuri = \"sip:desk0@127.0.0.1\"\n\
             [[button]]\nname = \"dnd\"\ndoes = \"dnd\"\n\
             [[lamp]]\nname = \"blf1\"\nwatch = \"sip:phone0@{}\"\nevent = \"dialog\"\n",
            world.here
        ),
        ..Setup::default()
    });
    world.serve(1);
    print(&bench, "a phone at rest", 1);
    bench.measure(SETTLED);
    let halves = [bench.measure(30), bench.measure(30)];
    let wakeups: f64 = halves.iter().map(|it| it.get("wakeups")).sum();
    println!("wake-ups in a minute at rest: {wakeups}");
    let started = halves[0].get("started");
    println!(
        "from exec to serving: {:.0} ms",
        (bench.ready_after() - started) * 1e3
    );
    press(&bench, &world);
    bench.sh("lampfield status");
    print(&bench, "the same after a command", 1);
    assert_eq!(bench.stop(), 0);
}

/// Presses a button and looks when the NOTIFY comes. The way through the emulator counts; the debouncing does not, as
/// the chip does that and QEMU's leaves it out.
fn press(bench: &Bench, world: &World) {
    let status = world.subscribe(bench.sip, 0, 0, "dialog", 3_600);
    assert_eq!(status, 200, "a subscription");
    let mut times: Vec<Duration> = (0..20)
        .map(|_| {
            let before = Instant::now();
            let came = thread::scope(|scope| {
                let told = scope.spawn(|| world.told());
                bench.press("dnd");
                told.join().expect("a NOTIFY")
            });
            bench.release("dnd");
            // A token of the pace comes back, and the debouncing ends.
            bench.sh("sleep 1");
            came.duration_since(before)
        })
        .collect();
    times.sort();
    println!(
        "from an edge to its NOTIFY, beyond the debouncing: median {:.1} ms, worst {:.1} ms",
        times[times.len() / 2].as_secs_f64() * 1e3,
        times[times.len() - 1].as_secs_f64() * 1e3
    );
}

/// A panel with all lamps there can be, and as many watchers as one machine may have.
fn full() {
    let world = World::new(WORLD.into());
    let bench = Bench::start(&Setup {
        config: &format!("{HEAD}{}", settings(world.here)),
        board: Some(&board()),
        ..Setup::default()
    });
    world.serve(LAMPS);
    print(&bench, "all lamps told", 1);
    // It has a transaction of each lamp already, and no more of them than are left for others.
    let own = LAMPS + limits::SHARE_OF_ADDRESS;
    world.fetch(bench.sip, (limits::TRANSACTIONS / 2).saturating_sub(own));
    world.fill(bench.sip, limits::SHARE_OF_ADDRESS);
    print(&bench, "a machine's share of watchers", 1);
    assert_eq!(bench.stop(), 0);
}

fn print(bench: &Bench, state: &str, seconds: u32) {
    let measured = bench.measure(seconds);
    let [rss, pss, anonymous, threads] =
        ["rss", "pss", "anonymous", "threads"].map(|name| measured.get(name));
    println!("{state:<30} {rss:>7} {pss:>7} {anonymous:>9} {threads:>8}");
}
