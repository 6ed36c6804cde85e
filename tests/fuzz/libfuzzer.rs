//! One target under libFuzzer: the one that the environment names.
#![no_main]

mod targets;

use libfuzzer_sys::fuzz_target;
use std::sync::OnceLock;
use targets::{TARGETS, Target};

static CHOSEN: OnceLock<Target> = OnceLock::new();

fn choose() -> Target {
    let wanted = std::env::var("LAMPFIELD_TARGET").unwrap_or_default();
    let found = TARGETS.iter().find(|(name, _)| *name == wanted);
    let Some((_, target)) = found else {
        let names: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
        panic!("LAMPFIELD_TARGET is one of: {}", names.join(" "));
    };
    *target
}

fuzz_target!(|bytes: &[u8]| CHOSEN.get_or_init(choose)(bytes));
