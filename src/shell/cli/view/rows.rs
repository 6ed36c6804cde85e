//! Rows of cells under headings.

use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

/// Rows of cells, each column as wide as its widest cell.
pub fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut out = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line += &format!("{cell:width$}  ");
        }
        out += line.trim_end();
        out += "\n";
    }
    out
}

/// The headings of a [`table`].
pub fn headings(words: &[&str]) -> Vec<String> {
    words.iter().map(ToString::to_string).collect()
}
