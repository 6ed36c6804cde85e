//! What the agent's work costs, from a datagram in the buffer to a datagram in the buffer.
//!
//! `cargo bench --bench engine`. The conversations are recorded (see `kit`), so that no peer is in the figures. Each
//! sample is one performance of many times; the table at the end divides it, and sets each beside the floor of the
//! same run: a plain copy of as many bytes as the agent sent. For the fan-out of a large site:
//!
//! ```text
//! LAMPFIELD_SUBSCRIPTIONS=4096 LAMPFIELD_TRANSACTIONS=16384 cargo bench --bench engine
//! ```

#[path = "kit/mod.rs"]
mod kit;

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use kit::cases::Case;
use kit::stage::{STACK, Script, Stage};
use lampfield::{Agent, Package, limits};
use std::cell::RefCell;
use std::time::{Duration, Instant};

fn main() {
    let roomy = std::thread::Builder::new().stack_size(STACK);
    let thread = roomy.spawn(|| {
        divan::main();
        if !std::env::args().any(|arg| arg == "--test" || arg == "--list") {
            print_table();
        }
    });
    thread.expect("a thread").join().expect("no panic");
}

#[divan::bench(sample_size = 1, sample_count = 300)]
fn subscribe_cycles(bencher: Bencher<'_, '_>) {
    perform(bencher, Case::Subscribe);
}

#[divan::bench(sample_size = 1, sample_count = 300)]
fn fetch_cycles(bencher: Bencher<'_, '_>) {
    perform(bencher, Case::Fetch);
}

#[divan::bench(sample_size = 1, sample_count = 300)]
fn refresh_cycles(bencher: Bencher<'_, '_>) {
    perform(bencher, Case::Refresh);
}

#[divan::bench(sample_size = 1, sample_count = 100)]
fn fan_out_presence(bencher: Bencher<'_, '_>) {
    perform(bencher, Case::FanOut(Package::Presence));
}

#[divan::bench(sample_size = 1, sample_count = 100)]
fn fan_out_dialog(bencher: Bencher<'_, '_>) {
    perform(bencher, Case::FanOut(Package::Dialog));
}

#[divan::bench(sample_size = 1, sample_count = 300)]
fn notifies_to_lamp(bencher: Bencher<'_, '_>) {
    perform(bencher, Case::Lamp);
}

#[divan::bench(sample_size = 1, sample_count = 300)]
fn publications(bencher: Bencher<'_, '_>) {
    perform(bencher, Case::Publish);
}

fn perform(bencher: Bencher<'_, '_>, case: Case) {
    let script = case.record();
    let stage = RefCell::new(Stage::new());
    bencher
        .counter(ItemsCount::new(case.times()))
        .with_inputs(|| stage.borrow_mut().prepare(&script))
        .bench_local_values(|()| stage.borrow_mut().perform(&script));
}

fn print_table() {
    println!(
        "\n{} subscriptions, {} transactions, agent of {} bytes",
        limits::SUBSCRIPTIONS,
        limits::TRANSACTIONS,
        size_of::<Agent>()
    );
    println!(
        "{:<18} {:>9} {:>9} {:>7}  one is",
        "case", "ns", "copy ns", "ratio"
    );
    let mut stage = Stage::new();
    for case in Case::ALL {
        let script = case.record();
        let times = case.times() as f64;
        let spent = median(|| {
            stage.prepare(&script);
            let start = Instant::now();
            black_box(stage.perform(&script));
            start.elapsed()
        }) / times;
        let floor = copy(&script) / times;
        let ratio = if floor > 0.0 {
            format!("{:.1}", spent / floor)
        } else {
            String::from("-")
        };
        println!(
            "{:<18} {spent:>9.0} {floor:>9.1} {ratio:>7}  {}",
            case.name(),
            case.unit()
        );
    }
}

/// The floor: copying as many bytes as the agent sent, in as many pieces.
fn copy(script: &Script) -> f64 {
    let said = script.said;
    let Some(len) = said.bytes.checked_div(said.messages) else {
        return 0.0;
    };
    let (from, mut to) = (vec![b'x'; len], vec![0; len]);
    median(|| {
        let start = Instant::now();
        for _ in 0..said.messages {
            to.copy_from_slice(black_box(&from));
            black_box(&mut to);
        }
        start.elapsed()
    })
}

/// The median of some samples, in nanoseconds.
fn median(mut sample: impl FnMut() -> Duration) -> f64 {
    let mut samples: Vec<Duration> = (0..SAMPLES).map(|_| sample()).collect();
    samples.sort_unstable();
    samples[SAMPLES / 2].as_nanos() as f64
}

const SAMPLES: usize = 101;
