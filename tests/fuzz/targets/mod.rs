//! What is fuzzed: each target takes any bytes, and panics if something is so that must not be. The same functions run
//! under libFuzzer (`tests/fuzz/run`) and without, over the kept corpus (`cargo test --test replay`).

mod configuration;
mod control;
mod digest;
mod dns;
mod documents;
mod engine;
mod framing;
pub(crate) mod message;
mod store;
mod strict;

/// A target.
pub(crate) type Target = fn(&[u8]);

/// All of them, by the names of their folders in the corpus.
pub(crate) const TARGETS: [(&str, Target); 9] = [
    ("message", message::run),
    ("framing", framing::run),
    ("documents", documents::run),
    ("digest", digest::run),
    ("dns", dns::run),
    ("store", store::run),
    ("configuration", configuration::run),
    ("control", control::run),
    ("engine", engine::run),
];
