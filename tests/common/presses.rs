//! Do-not-disturb pressed again and again, and how long somebody else's lamp takes to show it.

use std::thread;
use std::time::{Duration, Instant};

use crate::agent::Agent;

/// What a desk has to have in its configuration that is pressed as fast as the lamp follows: else the fifth press within
/// a few seconds waits for its turn, as do those after it.
pub(crate) const AT_ONCE: &str = "[subscriptions]\npace.presence = { burst = 0, interval = 5 }\n";

/// How often it is pressed.
const PRESSES: usize = 100;

/// No hand presses faster, and a button that moves like that is not heard.
const HAND: Duration = Duration::from_millis(80);

/// At most so long half of the presses may take.
const MEDIAN: Duration = Duration::from_millis(100);

/// Presses the button of `desk`, whose presence the lamp `blf1` of `other` shows through a server. Each press has to
/// appear there, and half of them soon. The times are printed, and count from before a command is started that presses.
#[track_caller]
pub(crate) fn press_a_hundred_times(desk: &Agent, other: &Agent, through: &str) {
    other.expect_lamp("blf1", "green");
    let changes = other.follow("blf1");
    changes.skip_to("green");
    let mut times: Vec<Duration> = ["red", "green"]
        .into_iter()
        .cycle()
        .take(PRESSES)
        .map(|look| {
            let pressed = Instant::now();
            desk.run(&["press", "dnd"]);
            changes.expect(&[look]);
            let took = pressed.elapsed();
            thread::sleep(HAND.saturating_sub(took));
            took
        })
        .collect();
    times.sort();
    let median = times[PRESSES / 2];
    println!(
        "{through}: {PRESSES} of {PRESSES} presses, median {median:?}, 99 of 100 within {:?}, all within {:?}",
        times[PRESSES * 99 / 100 - 1],
        times[PRESSES - 1],
    );
    assert!(median <= MEDIAN, "{median:?}");
}
