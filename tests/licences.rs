//! What we link and test with: every licence is one we may use, and every crate comes from the registry.
//!
//! The tree is the one `Cargo.lock` pins, for all platforms and with development dependencies; nothing is skipped.
//! A licence is an SPDX expression: AND binds tighter than OR, and one allowed way through it is enough.

#![cfg(feature = "std")]

use std::env;
use std::process::Command;

use serde_json::Value;

/// Licences that ask for no more than a notice.
const ALLOWED: [&str; 9] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "MIT",
    "Unicode-3.0",
    "Zlib",
];

/// Crates that cost more than they give on a device. They must not come in through another one; tests may use them.
const BANNED: [&str; 4] = ["clap", "openssl-sys", "quick-xml", "tokio"];

#[test]
fn every_licence_is_allowed() {
    let bad: Vec<String> = packages()
        .iter()
        .filter_map(|package| {
            let licence = package["license"].as_str().unwrap_or("(none is named)");
            (!allows(licence)).then(|| format!("{}: {licence}", name(package)))
        })
        .collect();
    assert!(bad.is_empty(), "not allowed: {bad:#?}");
}

#[test]
fn every_crate_comes_from_the_registry() {
    let packages = packages();
    let ours: Vec<&str> = packages
        .iter()
        .filter(|package| package["source"].is_null())
        .map(name)
        .collect();
    assert_eq!(ours, ["lampfield"], "crates from a folder");

    let mut sources: Vec<&str> = packages
        .iter()
        .filter_map(|package| package["source"].as_str())
        .collect();
    sources.sort_unstable();
    sources.dedup();
    assert!(
        sources.len() == 1 && sources[0].starts_with("registry+"),
        "crates from elsewhere: {sources:?}"
    );
}

#[test]
fn the_program_carries_no_banned_crate() {
    let tree = cargo(&[
        "tree",
        "--offline",
        "--locked",
        "--all-features",
        "--target=all",
        "--edges=normal",
        "--prefix=none",
        "--format={p}",
    ])
    .unwrap_or_else(|error| panic!("the tree cannot be listed; try `cargo fetch`: {error}"));
    let crates = || tree.lines().filter_map(|line| line.split(' ').next());
    assert!(crates().any(|name| name == "nom"), "not our tree: {tree}");

    let found: Vec<&str> = crates().filter(|name| BANNED.contains(name)).collect();
    assert!(found.is_empty(), "banned: {found:?}");
}

#[test]
fn expressions_are_judged_as_spdx_says() {
    let cases = [
        ("MIT", true),
        ("GPL-3.0-only", false),
        ("MIT OR Apache-2.0", true),
        ("MIT/Apache-2.0", true),
        ("GPL-2.0-only OR MIT", true),
        ("GPL-2.0-only AND MIT", false),
        ("MIT AND GPL-2.0-only OR GPL-3.0-only", false),
        ("MIT OR GPL-2.0-only AND GPL-3.0-only", true),
        ("(MIT OR GPL-2.0-only) AND Unicode-3.0", true),
        ("(MIT OR Apache-2.0) AND LGPL-2.1-only", false),
        ("Apache-2.0 WITH LLVM-exception OR GPL-3.0-only", true),
        ("GPL-2.0-only WITH Classpath-exception-2.0", false),
        ("", false),
        ("(MIT", false),
        ("MIT Apache-2.0", false),
        ("MIT OR", false),
    ];
    for (expression, expected) in cases {
        assert_eq!(allows(expression), expected, "{expression:?}");
    }
}

/// The packages of the whole tree.
///
/// Asked without the network. Where crates of other platforms were never fetched, that is made up for once.
fn packages() -> Vec<Value> {
    let metadata = || cargo(&["metadata", "--format-version", "1", "--offline", "--locked"]);
    let text = metadata()
        .or_else(|_| cargo(&["fetch", "--locked"]).and_then(|_| metadata()))
        .unwrap_or_else(|error| panic!("the tree cannot be listed; try `cargo fetch`: {error}"));
    let mut tree: Value = serde_json::from_str(&text).expect("cargo writes JSON");
    match tree["packages"].take() {
        Value::Array(packages) if packages.len() > 1 => packages,
        other => panic!("cargo lists packages, not {other}"),
    }
}

/// Runs cargo in the project and returns what it prints, or its complaint.
fn cargo(arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .map_err(|error| error.to_string())?;
    if output.status.success() {
        String::from_utf8(output.stdout).map_err(|error| error.to_string())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

fn name(package: &Value) -> &str {
    package["name"].as_str().expect("a package has a name")
}

/// Whether an SPDX expression can be kept with allowed licences alone. What is not understood is not allowed.
fn allows(expression: &str) -> bool {
    // Before SPDX, crates wrote a slash for OR.
    let spaced = expression
        .replace('/', " OR ")
        .replace('(', " ( ")
        .replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = &words[..];
    either(&mut rest).unwrap_or(false) && rest.is_empty()
}

/// `both OR both …`
fn either(words: &mut &[&str]) -> Option<bool> {
    let mut kept = both(words)?;
    while next_is(words, "OR") {
        kept |= both(words)?;
    }
    Some(kept)
}

/// `one AND one …`
fn both(words: &mut &[&str]) -> Option<bool> {
    let mut kept = one(words)?;
    while next_is(words, "AND") {
        kept &= one(words)?;
    }
    Some(kept)
}

/// A licence, a licence WITH an exception, or an expression in parentheses.
fn one(words: &mut &[&str]) -> Option<bool> {
    if next_is(words, "(") {
        let kept = either(words)?;
        return next_is(words, ")").then_some(kept);
    }
    let licence = take(words)?;
    if next_is(words, "WITH") {
        let with = format!("{licence} WITH {}", take(words)?);
        return Some(ALLOWED.contains(&with.as_str()));
    }
    Some(ALLOWED.contains(&licence))
}

fn next_is(words: &mut &[&str], word: &str) -> bool {
    let found = words.first() == Some(&word);
    if found {
        *words = &words[1..];
    }
    found
}

fn take<'a>(words: &mut &[&'a str]) -> Option<&'a str> {
    let (first, rest) = words.split_first()?;
    *words = rest;
    Some(first)
}
