//! The floors hold: a file imports only from floors below its own, no files use each other in a circle, nothing below
//! the shell touches the operating system, and no file outgrows a reader.

#[path = "floors/circles.rs"]
mod circles;

use std::fs;
use std::path::{Path, PathBuf};

use circles::Module;

/// The floors with their numbers, each with the parts of it that its other parts may use. Two folders share floor 3 and
/// do not know each other.
const FLOORS: [(usize, &str, &[&str]); 9] = [
    (
        0,
        "ground",
        &[
            "hex", "limits", "network", "random", "table", "text", "time", "timers",
        ],
    ),
    (1, "wire", &["flow", "out"]),
    (2, "txn", &["token"]),
    (
        3,
        "ua",
        &[
            "credentials",
            "next_hop",
            "outbound",
            "query",
            "request",
            "retry",
        ],
    ),
    (
        3,
        "events",
        &[
            "etag",
            "package",
            "party",
            "presentity",
            "ruling",
            "watched",
        ],
    ),
    (4, "roles", &[]),
    (5, "users", &[]),
    (6, "engine", &["answers", "config", "directory"]),
    (7, "shell", &[]),
];

/// What only the shell may name.
const OPERATING_SYSTEM: [&str; 7] = [
    "Instant::now",
    "SystemTime",
    "std::net",
    "std::fs",
    "std::thread",
    "std::io",
    "std::process",
];

/// Circles that are still there. The list only gets shorter.
const CIRCLES: [&[&str]; 0] = [];

/// Lines of a file that a reader can hold in mind.
const LONGEST: usize = 500;

struct File {
    path: PathBuf,
    text: String,
}

impl File {
    /// `roles`, `notifier` for `src/roles/notifier/pace.rs`.
    fn place(&self) -> (String, String) {
        let inside = self.path.strip_prefix(source()).expect("it is inside");
        let mut parts = inside
            .iter()
            .map(|part| part.to_string_lossy().trim_end_matches(".rs").to_string());
        (
            parts.next().unwrap_or_default(),
            parts.next().unwrap_or_default(),
        )
    }

    /// `roles/notifier/pace`; `roles/notifier` for that folder's `mod.rs`.
    fn module(&self) -> Module {
        let inside = self.path.strip_prefix(source()).expect("it is inside");
        let name = inside.with_extension("").display().to_string();
        let code: Vec<&str> = self.code().map(|(_, line)| line).collect();
        Module {
            name: name.trim_end_matches("/mod").to_string(),
            code: code.join("\n"),
        }
    }

    fn is_test(&self) -> bool {
        self.path
            .iter()
            .any(|part| part == "tests" || part == "tests.rs")
    }

    /// The lines with their numbers, without comments and without the tests at the end of the file.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self
            .text
            .lines()
            .take_while(|line| *line != "#[cfg(test)]" || !self.text.contains("\nmod tests {"));
        lines
            .enumerate()
            .map(|(at, line)| (at + 1, line.split("//").next().unwrap_or_default()))
    }
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn files() -> Vec<File> {
    let mut found = Vec::new();
    let mut folders = vec![source()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("text");
                found.push(File { path, text });
            }
        }
    }
    assert!(found.len() > 50, "the source was not found");
    found
}

fn floor(name: &str) -> Option<(usize, &'static [&'static str])> {
    let found = FLOORS.iter().find(|(_, floor, _)| *floor == name);
    found.map(|(number, _, shared)| (*number, *shared))
}

/// Every `crate::floor::part` that a line names.
fn imports(line: &str) -> impl Iterator<Item = (&str, &str)> {
    line.match_indices("crate::").map(|(at, found)| {
        let mut names = line[at + found.len()..].split(|c: char| !c.is_alphanumeric() && c != '_');
        let floor = names.next().unwrap_or_default();
        (
            floor,
            names.find(|name| !name.is_empty()).unwrap_or_default(),
        )
    })
}

/// What is wrong with an import of `part` of `floor` in a file at `place`.
fn fault(place: &(String, String), imported: (&str, &str)) -> Option<&'static str> {
    let (own, shared) = floor(&place.0)?;
    let (other, _) = floor(imported.0)?;
    match other.cmp(&own) {
        std::cmp::Ordering::Greater => Some("imports upward"),
        std::cmp::Ordering::Less => None,
        std::cmp::Ordering::Equal if place.0 != imported.0 => Some("imports sideways"),
        std::cmp::Ordering::Equal if place.0 == "shell" || place.1 == imported.1 => None,
        std::cmp::Ordering::Equal if shared.contains(&imported.1) => None,
        std::cmp::Ordering::Equal => Some("imports sideways"),
    }
}

#[test]
fn imports_run_downward() {
    let mut faults = Vec::new();
    for file in files().iter().filter(|file| !file.is_test()) {
        let place = file.place();
        for (number, line) in file.code() {
            for imported in imports(line) {
                if let Some(fault) = fault(&place, imported) {
                    faults.push(format!(
                        "{}:{number} {fault}: {}",
                        file.path.display(),
                        line.trim()
                    ));
                }
            }
        }
    }
    assert_eq!(faults, Vec::<String>::new());
}

#[test]
fn the_check_of_imports_can_fail() {
    let notifier = ("roles".to_string(), "notifier".to_string());
    for (line, expected) in [
        ("use crate::engine::agent::Agent;", Some("imports upward")),
        (
            "use crate::roles::watcher::Watcher;",
            Some("imports sideways"),
        ),
        ("use crate::roles::notifier::Pace;", None),
        ("use crate::ua::retry::Retry;", None),
        ("use crate::ground::{limits, table};", None),
    ] {
        let found = imports(line).next().expect("an import");
        assert_eq!(fault(&notifier, found), expected, "{line}");
    }
    let package = ("events".to_string(), "package".to_string());
    assert_eq!(fault(&package, ("ua", "retry")), Some("imports sideways"));
}

#[test]
fn no_files_use_each_other_in_a_circle() {
    let files = files();
    let modules = files.iter().filter(|file| !file.is_test());
    let found = circles::circles(&modules.map(File::module).collect::<Vec<_>>());
    let new: Vec<String> = found
        .iter()
        .filter(|circle| !CIRCLES.contains(&&*circle.names()))
        .map(ToString::to_string)
        .collect();
    assert!(new.is_empty(), "new circles:\n{}", new.concat());
    for circle in CIRCLES {
        let is_there = found.iter().any(|it| it.names() == circle);
        assert!(is_there, "{circle:?} is cured: take it off the list");
    }
}

#[test]
fn only_the_shell_touches_the_operating_system() {
    let mut faults = Vec::new();
    for file in files().iter().filter(|file| !file.is_test()) {
        if matches!(file.place().0.as_str(), "shell" | "main") {
            continue;
        }
        for (number, line) in file.code() {
            if OPERATING_SYSTEM.iter().any(|name| line.contains(name)) {
                faults.push(format!("{}:{number} {}", file.path.display(), line.trim()));
            }
        }
    }
    assert_eq!(faults, Vec::<String>::new());
}

#[test]
fn no_file_outgrows_a_reader() {
    let too_long: Vec<String> = files()
        .iter()
        .filter(|file| !file.is_test() && file.text.lines().count() > LONGEST)
        .map(|file| {
            format!(
                "{}: {} lines",
                file.path.display(),
                file.text.lines().count()
            )
        })
        .collect();
    assert_eq!(too_long, Vec::<String>::new());
}

#[test]
fn every_file_says_what_it_is() {
    let mute: Vec<String> = files()
        .iter()
        .filter(|file| !file.is_test() && !file.text.starts_with("//!"))
        .map(|file| file.path.display().to_string())
        .collect();
    assert_eq!(mute, Vec::<String>::new());
}
