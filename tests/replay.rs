//! Every file of the fuzzer's corpus through its target, without the fuzzer: what was found once stays found.
//!
//! `LAMPFIELD_FILE=PATH LAMPFIELD_TARGET=NAME cargo test --test replay` runs one file of anywhere, as a finding.

#![cfg(feature = "std")]
#![allow(dead_code, reason = "some of it serves the fuzzer or other tests")]

#[path = "fuzz/targets/mod.rs"]
mod targets;

use std::path::{Path, PathBuf};
use targets::{TARGETS, Target};

/// An agent is large, and built on the stack before it is boxed.
const STACK: usize = 16 << 20;

/// Bytes of the whole corpus: it is small on purpose.
const MOST: u64 = 200 * 1_024;

#[test]
fn the_corpus_finds_nothing() {
    let single = std::env::var_os("LAMPFIELD_FILE").map(PathBuf::from);
    let wanted = std::env::var("LAMPFIELD_TARGET").ok();
    let mut bytes = 0;
    for (name, target) in TARGETS {
        if wanted.as_ref().is_some_and(|it| it != name) {
            continue;
        }
        let files = match &single {
            Some(file) => vec![file.clone()],
            None => corpus(name),
        };
        bytes += replay(name, target, files);
    }
    assert!(single.is_some() || bytes <= MOST, "{bytes} bytes of corpus");
}

/// Runs a target over its files, in a thread with a stack for it; says how many bytes they were.
fn replay(name: &str, target: Target, files: Vec<PathBuf>) -> u64 {
    println!("{name}: {} files", files.len());
    assert!(!files.is_empty(), "{name} has no corpus");
    let run = move || {
        let mut bytes = 0;
        for file in files {
            let content = std::fs::read(&file).expect("it is there");
            println!("{}", file.display());
            bytes += content.len() as u64;
            target(&content);
        }
        bytes
    };
    let thread = std::thread::Builder::new().stack_size(STACK);
    let thread = thread.name(format!("fuzz {name}"));
    let done = thread.spawn(run).expect("a thread").join();
    done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

fn corpus(target: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fuzz/corpus")
        .join(target);
    let entries = std::fs::read_dir(&folder).expect("a folder of the corpus");
    let mut files: Vec<PathBuf> = entries.map(|it| it.expect("an entry").path()).collect();
    files.sort();
    files
}
