//! Circles: files that use each other, by way of others or not, so that none can be read before the rest.
//!
//! A file uses another where its code names it, or names what it re-exports: `use super::audience::Track`,
//! `net::SOCKETS`. A folder's own file (`panel/mod.rs`, `panel.rs`) uses its parts, and what these take back from it
//! does not count; nor do the lines of tests, and names that only a `*` brings.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// A file of the source.
pub(crate) struct Module {
    /// `roles/notifier/absent`; a folder's own file has the folder's name.
    pub(crate) name: String,
    /// Without comments and tests.
    pub(crate) code: String,
}

/// Files that use each other.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Circle {
    files: Vec<String>,
    /// Who names whom.
    uses: Vec<(String, String)>,
}

impl Circle {
    /// Its files, sorted.
    pub(crate) fn names(&self) -> Vec<&str> {
        self.files.iter().map(|it| &**it).collect()
    }
}

impl fmt::Display for Circle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.files.join(", "))?;
        for (one, other) in &self.uses {
            writeln!(f, "  {one} uses {other}")?;
        }
        Ok(())
    }
}

/// All circles among these files.
pub(crate) fn circles(modules: &[Module]) -> Vec<Circle> {
    let source = Source::read(modules);
    let uses: BTreeMap<&str, BTreeSet<String>> = modules
        .iter()
        .map(|module| (&*module.name, source.used_by(&module.name)))
        .collect();
    let reached = |from: &str| {
        let mut reached = BTreeSet::new();
        let mut next = Vec::from([from]);
        while let Some(name) = next.pop() {
            for used in uses.get(name).into_iter().flatten() {
                if reached.insert(&**used) {
                    next.push(used);
                }
            }
        }
        reached
    };
    let reached: BTreeMap<&str, BTreeSet<&str>> =
        uses.keys().map(|name| (*name, reached(name))).collect();
    let mut circles = BTreeSet::new();
    for (name, seen_from_here) in &reached {
        let back = |other: &&&str| reached.get(**other).is_some_and(|it| it.contains(name));
        let files: Vec<&str> = seen_from_here.iter().filter(back).copied().collect();
        if files.is_empty() {
            continue;
        }
        let inside = |one: &&str| {
            let used = uses[*one].iter().filter(|other| files.contains(&&***other));
            let one = (*one).to_string();
            used.map(move |other| (one.clone(), other.clone()))
                .collect::<Vec<_>>()
        };
        circles.insert(Circle {
            uses: files.iter().flat_map(inside).collect(),
            files: files.iter().map(|it| (*it).to_string()).collect(),
        });
    }
    circles.into_iter().collect()
}

/// A path in the code, as `["super", "audience", "Track"]`.
type Path = Vec<String>;

/// What each file names.
struct Source {
    named: BTreeMap<String, Named>,
}

#[derive(Default)]
struct Named {
    /// What a `use` brings, by the name that it has here.
    brought: BTreeMap<String, Path>,
    /// All paths.
    paths: Vec<Path>,
}

impl Source {
    fn read(modules: &[Module]) -> Source {
        let named = modules.iter().map(|it| {
            let named = Named::read(&tokens(&it.code));
            (it.name.clone(), named)
        });
        Source {
            named: named.collect(),
        }
    }

    /// The files that `module` uses, without those whose part it is.
    fn used_by(&self, module: &str) -> BTreeSet<String> {
        let paths = self.named[module].paths.iter();
        let used = paths.filter_map(|path| self.resolve(module, path, 0));
        used.filter(|used| used != module && !is_part(module, used))
            .collect()
    }

    /// The file that has what `path` means in `module`; `None` for what is not ours.
    fn resolve(&self, module: &str, path: &[String], depth: usize) -> Option<String> {
        let mut rest = path;
        let mut at = module.to_string();
        match rest.first()?.as_str() {
            "crate" => (at, rest) = (String::new(), &rest[1..]),
            "self" => rest = &rest[1..],
            "super" => {
                while let [first, behind @ ..] = rest
                    && first == "super"
                {
                    at = parent(&at).to_string();
                    rest = behind;
                }
            }
            first if self.named.contains_key(&join(&at, first)) => {}
            _ => return None,
        }
        while let [first, behind @ ..] = rest {
            let part = join(&at, first);
            if self.named.contains_key(&part) {
                at = part;
            } else if at != module
                && depth < DEEPEST
                && let Some(brought) = self.named.get(&at).and_then(|it| it.brought.get(first))
            {
                let whole: Path = brought.iter().chain(behind).cloned().collect();
                return self.resolve(&at, &whole, depth + 1).or(Some(at));
            } else {
                break;
            }
            rest = behind;
        }
        (!at.is_empty()).then_some(at)
    }
}

/// How often something may be re-exported on its way.
const DEEPEST: usize = 8;

impl Named {
    fn read(tokens: &[&str]) -> Named {
        let mut named = Named::default();
        let mut at = 0;
        while at < tokens.len() {
            at = match tokens[at] {
                "use" => named.take_use(tokens, at + 1, &Path::new()),
                _ => named.take_path(tokens, at),
            };
        }
        named
    }

    /// One path of a `use` with all its branches; the place behind it.
    fn take_use(&mut self, tokens: &[&str], mut at: usize, before: &[String]) -> usize {
        let mut path = before.to_vec();
        while let Some(&token) = tokens.get(at) {
            at += 1;
            match token {
                "::" => {}
                "{" => {
                    while tokens.get(at).is_some_and(|it| *it != "}") {
                        at = self.take_use(tokens, at, &path);
                        at += usize::from(tokens.get(at) == Some(&","));
                    }
                    return at + 1;
                }
                "as" => {
                    let name = tokens.get(at).copied().unwrap_or_default();
                    self.bring(name, path);
                    return at + 1;
                }
                _ if is_name(token) => path.push(token.to_string()),
                _ => {
                    at -= usize::from(token != "*");
                    break;
                }
            }
        }
        if path.last().is_some_and(|it| it == "self") {
            path.pop();
        }
        let name = path.last().cloned().unwrap_or_default();
        self.bring(&name, path);
        at
    }

    fn bring(&mut self, name: &str, path: Path) {
        self.brought.insert(name.to_string(), path.clone());
        self.paths.push(path);
    }

    /// A path that stands anywhere else; the place behind it.
    fn take_path(&mut self, tokens: &[&str], mut at: usize) -> usize {
        let mut path = Path::new();
        while let Some(token) = tokens.get(at).filter(|it| is_name(it)) {
            path.push((*token).to_string());
            at += 1;
            if tokens.get(at) != Some(&"::") {
                break;
            }
            at += 1;
        }
        if path.is_empty() {
            return at + 1;
        }
        if path.len() > 1 {
            self.paths.push(path);
        }
        at
    }
}

/// Names, `::`, and single characters.
fn tokens(code: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = code.trim_start();
    while let Some(first) = rest.chars().next() {
        let end = match first {
            _ if first.is_alphanumeric() || first == '_' => rest
                .find(|it: char| !it.is_alphanumeric() && it != '_')
                .unwrap_or(rest.len()),
            ':' if rest.starts_with("::") => 2,
            _ => first.len_utf8(),
        };
        found.push(&rest[..end]);
        rest = rest[end..].trim_start();
    }
    found
}

fn is_name(token: &str) -> bool {
    token.starts_with(|it: char| it.is_alphabetic() || it == '_')
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() {
        name.to_string()
    } else {
        format!("{folder}/{name}")
    }
}

fn parent(module: &str) -> &str {
    module.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// Whether `module` is in the folder of `other`.
fn is_part(module: &str, other: &str) -> bool {
    module
        .strip_prefix(other)
        .is_some_and(|it| it.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn expect(sources: &[(&str, &str)], expected: &[&[&str]]) {
        let floors = ["ground", "roles", "shell"].map(|floor| (floor, ""));
        let modules: Vec<Module> = floors
            .iter()
            .chain(sources)
            .map(|(name, code)| Module {
                name: (*name).to_string(),
                code: (*code).to_string(),
            })
            .collect();
        let found = circles(&modules);
        let found: Vec<_> = found.iter().map(Circle::names).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn two_files_that_name_each_other_are_a_circle_however_they_name_themselves() {
        for other in [
            "use super::one::One;",
            "use crate::roles::{\n    one::{self, One as Another},\n    two,\n};",
            "fn it() -> super::one::One { todo!() }",
            "pub use super::one as first;",
        ] {
            let sources = [("roles/one", "use super::two::Two;"), ("roles/two", other)];
            expect(&sources, &[&["roles/one", "roles/two"]]);
        }
    }

    #[test]
    fn a_long_way_round_is_a_circle_too() {
        let sources = [
            ("shell/one", "use super::two::Two;"),
            ("shell/two", "use crate::shell::three::Three;"),
            ("shell/three", "use super::{four, one};"),
            ("shell/four", "use crate::ground::time::Instant;"),
            ("shell/five", "use super::one::One;"),
        ];
        expect(&sources, &[&["shell/one", "shell/three", "shell/two"]]);
    }

    #[test]
    fn a_part_that_uses_one_who_uses_the_whole_is_a_circle() {
        let sources = [
            ("shell/control", "mod router; fn it() { router::handle() }"),
            ("shell/control/router", "use crate::shell::hub::Hub;"),
            ("shell/hub", "use super::control::Control;"),
        ];
        let circle = ["shell/control", "shell/control/router", "shell/hub"];
        expect(&sources, &[&circle]);
    }

    #[test]
    fn a_re_export_hides_nothing() {
        let sources = [
            ("shell/store", "mod batch; mod index; pub use batch::Batch;"),
            ("shell/store/batch", "use super::index::NAME;"),
            ("shell/store/index", "use crate::shell::store::Batch;"),
        ];
        expect(&sources, &[&["shell/store/batch", "shell/store/index"]]);
    }

    #[test]
    fn a_whole_and_its_parts_are_none() {
        let sources = [
            ("shell/panel", "mod gpio; use gpio::Gpio;"),
            ("shell/panel/gpio", "mod chips; use super::Event;"),
            ("shell/panel/gpio/chips", "use crate::shell::panel::Event;"),
        ];
        expect(&sources, &[]);
    }

    #[test]
    fn names_of_others_are_none() {
        let sources = [
            (
                "ground/time",
                "use core::fmt; fn it() { text::of::<T>(); crate::nothing(); }",
            ),
            ("ground/text", "use super::time::Instant; use heapless::*;"),
        ];
        expect(&sources, &[]);
    }
}
