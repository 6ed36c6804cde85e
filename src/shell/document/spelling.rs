//! What somebody may have meant who wrote a word that is not known.

use std::format;
use std::string::String;
use std::vec;
use std::vec::Vec;

/// "did you mean" the nearest of `known`, or else all of them.
pub fn suggestion(written: &str, known: &[&str]) -> String {
    match nearest(written, known) {
        Some(word) => format!("did you mean `{word}`?"),
        None => format!("use one of: {}", known.join(", ")),
    }
}

/// The one of `known` that is near enough to be meant.
pub fn nearest<'k>(written: &str, known: &[&'k str]) -> Option<&'k str> {
    known
        .iter()
        .map(|word| (distance(written, word), *word))
        .min_by_key(|(far, _)| *far)
        .filter(|(far, word)| *far <= 1.max(word.len() / 3))
        .map(|(_, word)| word)
}

/// Letters to change, add, take away or swap with their neighbour until `one` is `other`; long words are cut.
fn distance(one: &str, other: &str) -> usize {
    let cut = |text: &str| text.to_ascii_lowercase().into_bytes().into_iter().take(32);
    let (one, other): (Vec<u8>, Vec<u8>) = (cut(one).collect(), cut(other).collect());
    let mut rows = vec![vec![0; other.len() + 1]; one.len() + 1];
    for i in 0..=one.len() {
        for j in 0..=other.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let changed = rows[i - 1][j - 1] + usize::from(one[i - 1] != other[j - 1]);
                changed.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1)
            };
            let swapped =
                i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1];
            if swapped {
                rows[i][j] = rows[i][j].min(rows[i - 2][j - 2] + 1);
            }
        }
    }
    rows[one.len()][other.len()]
}
