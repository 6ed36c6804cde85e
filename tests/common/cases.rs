//! Where the torture messages lie, and the tables that say what becomes of each.

#![allow(dead_code, reason = "each test uses its own part of this")]

use std::path::{Path, PathBuf};

/// The rows of a table, each split into its columns; the first is the file.
pub(crate) fn table(folder: &Path) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(folder.join("expectations.tsv")).expect("a table");
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .skip(1)
        .map(|line| line.split('\t').map(String::from).collect())
        .collect()
}

/// Our own messages.
pub(crate) fn own_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/torture")
}

/// The RFCs' own bytes, where they lie beside the checkout or where `LAMPFIELD_RFC` says.
pub(crate) fn rfc_folder() -> Option<PathBuf> {
    let folder = std::env::var_os("LAMPFIELD_RFC").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/rfc"),
        PathBuf::from,
    );
    folder.is_dir().then_some(folder)
}
