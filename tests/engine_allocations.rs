//! The engine never allocates: not for a message, not for a timer, not for a lamp. `allocations.rs` has the same
//! proof with the shell around it.

#[path = "common/counting.rs"]
mod counting;
#[path = "../benches/kit/mod.rs"]
mod kit;

use counting::allocations;
use kit::cases::{lamp, rounds};
use kit::stage::{Script, Stage};
use lampfield::Package;

/// Plays the script and gives the allocations that the agent made.
#[track_caller]
fn spent(script: &Script) -> u64 {
    let mut stage = Stage::new();
    stage.prepare(script);
    let before = allocations();
    let played = stage.perform(script);
    let spent = allocations() - before;
    assert_eq!(played, script.said, "it said what it said before");
    spent
}

#[test]
fn ten_thousand_rounds_of_presence_allocate_nothing() {
    let script = rounds(Package::Presence, 10_000);
    assert_eq!(script.said.messages, 70_000, "3 answers and 4 NOTIFYs each");
    assert_eq!(spent(&script), 0);
}

#[test]
fn ten_thousand_rounds_of_dialog_allocate_nothing() {
    let script = rounds(Package::Dialog, 10_000);
    assert_eq!(script.said.messages, 70_000, "3 answers and 4 NOTIFYs each");
    assert_eq!(spent(&script), 0);
}

#[test]
fn ten_thousand_notifies_to_a_lamp_allocate_nothing() {
    let script = lamp(10_000);
    assert_eq!(script.said.messages, 10_000, "each was answered");
    assert_eq!(script.said.looks, 10_000, "each was shown");
    assert_eq!(spent(&script), 0);
}
