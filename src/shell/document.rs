//! A TOML file with the place of everything in it, so that each mistake is told where it stands and what to do.
//!
//! Mistakes are collected, not returned: a reader goes on and the user sees them all at once. No message repeats a line
//! of the file: it may hold a password.

use std::fmt;
use std::ops::RangeInclusive;
use std::path::Path;
use std::string::{String, ToString};
use std::vec::Vec;
use std::{format, fs, io, mem, vec};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::sandbox;

mod choice;
mod shown;
mod spelling;
pub use shown::{has_password, shown};
pub use spelling::{nearest, suggestion};

/// One mistake in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub remedy: String,
}

/// Everything wrong with one file, in the file's order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults {
    /// As the user named it.
    pub file: String,
    /// At least one.
    pub faults: Vec<Fault>,
}

impl Faults {
    /// A file that could not be read at all: told at its first character.
    pub fn whole(file: &str, what: String, remedy: &str) -> Faults {
        Faults {
            file: file.to_string(),
            faults: vec![Fault {
                line: 1,
                column: 1,
                what,
                remedy: remedy.to_string(),
            }],
        }
    }
}

impl fmt::Display for Faults {
    /// Two lines each: `FILE:LINE:COLUMN: what`, and indented `remedy: what to do`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, fault) in self.faults.iter().enumerate() {
            if at > 0 {
                f.write_str("\n")?;
            }
            let Fault {
                line,
                column,
                what,
                remedy,
            } = fault;
            write!(
                f,
                "{}:{line}:{column}: {what}\n  remedy: {remedy}",
                self.file
            )?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}

/// The text of `file`, which people know as `what`.
///
/// # Errors
/// It cannot be read, or is not UTF-8: told at the first character that is not.
pub fn read(file: &Path, what: &str) -> Result<String, Faults> {
    let name = file.display().to_string();
    let bytes = fs::read(file).map_err(|error| {
        let what = format!("{what} cannot be read: {error}");
        Faults::whole(&name, what, remedy(file, &error))
    })?;
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let good = String::from_utf8_lossy(&error.as_bytes()[..at]);
        let mut faults = Collector::new(&good);
        let remedy = "save the file as plain text, with the encoding UTF-8";
        faults.add(at, "this character is not written in UTF-8", remedy);
        faults.finish(&name, ()).expect_err("something was found")
    })
}

/// What to do about a file that cannot be read.
pub fn remedy(file: &Path, error: &io::Error) -> &'static str {
    match sandbox::hides(file, error) {
        true => sandbox::OPEN_IT,
        false => "check the path and its permissions",
    }
}

/// What to do about a key that a table does not know, from the names of both: where more can be said than which of the
/// table's keys is the nearest.
pub type Advice = fn(table: &str, key: &str) -> Option<String>;

/// Collects the mistakes of one text, and what is only doubtful.
pub struct Collector<'t> {
    text: &'t str,
    advice: Advice,
    found: Vec<(usize, Fault)>,
    doubts: Vec<(usize, Fault)>,
}

impl<'t> Collector<'t> {
    /// Nothing is wrong with `text` yet.
    pub fn new(text: &'t str) -> Collector<'t> {
        Collector::with_advice(text, |_, _| None)
    }

    /// The same, for a kind of file that knows more about keys.
    pub fn with_advice(text: &'t str, advice: Advice) -> Collector<'t> {
        Collector {
            text,
            advice,
            found: Vec::new(),
            doubts: Vec::new(),
        }
    }

    /// Reads the text as TOML. Mistakes in the writing itself are collected; the table then holds what could be
    /// understood.
    pub fn parse(&mut self) -> Spanned<DeTable<'t>> {
        let (table, errors) = DeTable::parse_recoverable(self.text);
        for error in errors {
            let at = error.span().map_or(0, |it| it.start);
            let next = self.text.get(at..).and_then(|it| it.chars().next());
            let remedy = match error.message() {
                "duplicate key" => "keep one of the two",
                // What word processors make of the straight ones.
                _ if matches!(next, Some('“' | '”' | '„' | '‘' | '’')) => {
                    "put text into straight double quotes: \"…\""
                }
                _ => "write `key = value`, one to a line, with text in double quotes",
            };
            self.add(at, error.message().to_string(), remedy);
        }
        table
    }

    /// Adds a mistake at byte `at`.
    pub fn add(&mut self, at: usize, what: impl Into<String>, remedy: impl Into<String>) {
        let fault = self.fault(at, what.into(), remedy.into());
        self.found.push((at, fault));
    }

    /// Adds something at byte `at` that is possible, but hardly meant.
    pub fn warn(&mut self, at: usize, what: &str, remedy: impl Into<String>) {
        let fault = self.fault(at, format!("warning: {what}"), remedy.into());
        self.doubts.push((at, fault));
    }

    /// What is doubtful, in the file's order; none if there are mistakes.
    pub fn warnings(&mut self, file: &str) -> Option<Faults> {
        let doubts = mem::take(&mut self.doubts);
        in_order(file, doubts).filter(|_| self.is_clean())
    }

    /// Whether nothing was found so far.
    pub fn is_clean(&self) -> bool {
        self.found.is_empty()
    }

    /// The line of byte `at`, from 1.
    pub fn line(&self, at: usize) -> usize {
        self.place(at).0
    }

    /// The end: `value` if nothing was found.
    ///
    /// # Errors
    /// Everything found, in the file's order.
    pub fn finish<T>(self, file: &str, value: T) -> Result<T, Faults> {
        match in_order(file, self.found) {
            None => Ok(value),
            Some(faults) => Err(faults),
        }
    }

    fn fault(&self, at: usize, what: String, remedy: String) -> Fault {
        let (line, column) = self.place(at);
        Fault {
            line,
            column,
            what,
            remedy,
        }
    }

    fn place(&self, at: usize) -> (usize, usize) {
        let before = self.text.get(..at).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let start = before.rfind('\n').map_or(0, |it| it + 1);
        (line, before[start..].chars().count() + 1)
    }
}

/// What was found in `file`, if anything was.
fn in_order(file: &str, mut found: Vec<(usize, Fault)>) -> Option<Faults> {
    found.sort_by_key(|(at, _)| *at);
    (!found.is_empty()).then(|| Faults {
        file: file.to_string(),
        faults: found.into_iter().map(|(_, fault)| fault).collect(),
    })
}

/// A value and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found<T> {
    /// What is written there.
    pub value: T,
    /// The byte it begins at.
    pub at: usize,
}

/// One table of the file, its keys already known to be known.
pub struct Section<'d, 't> {
    /// As errors call it: `[[lamp]]`, or `the file`.
    name: &'static str,
    table: &'d DeTable<'t>,
    /// The byte it begins at.
    pub at: usize,
}

impl<'d, 't> Section<'d, 't> {
    /// The table `table`; keys that are not in `known` are mistakes.
    pub fn open(
        name: &'static str,
        table: &'d DeTable<'t>,
        at: usize,
        known: &[&str],
        faults: &mut Collector<'_>,
    ) -> Section<'d, 't> {
        for key in table.keys() {
            let written = key.get_ref().as_ref();
            if !known.contains(&written) {
                let what = format!("unknown key `{}` in {name}", written.escape_debug());
                let remedy = (faults.advice)(name, written);
                let remedy = remedy.unwrap_or_else(|| suggestion(written, known));
                faults.add(key.span().start, what, remedy);
            }
        }
        Section { name, table, at }
    }

    /// Text behind `key`.
    pub fn text(&self, key: &str, faults: &mut Collector<'_>) -> Option<Found<&'d str>> {
        let value = self.value(key)?;
        match value.get_ref() {
            DeValue::String(text) => Some(found(value, text.as_ref())),
            _ => self.unfit(key, value, "text", &format!("write {key} = \"…\""), faults),
        }
    }

    /// Text behind `key`, which must be there.
    pub fn required(
        &self,
        key: &str,
        example: &str,
        faults: &mut Collector<'_>,
    ) -> Option<Found<&'d str>> {
        if self.value(key).is_none() {
            let what = format!("{} has no {key}", self.name);
            faults.add(self.at, what, format!("add {key} = \"{example}\""));
        }
        self.text(key, faults)
    }

    /// A whole number behind `key`, inside `range`.
    pub fn number(
        &self,
        key: &str,
        range: RangeInclusive<u32>,
        faults: &mut Collector<'_>,
    ) -> Option<Found<u32>> {
        let value = self.value(key)?;
        let (least, most) = (range.start(), range.end());
        let remedy = format!("write {key} = N with N from {least} to {most}");
        let DeValue::Integer(written) = value.get_ref() else {
            return self.unfit(key, value, "a whole number", &remedy, faults);
        };
        let number = u32::from_str_radix(written.as_str(), written.radix()).ok();
        let Some(number) = number.filter(|it| range.contains(it)) else {
            let what = format!("{key} is {}, which is out of range", written.as_str());
            faults.add(value.span().start, what, remedy);
            return None;
        };
        Some(found(value, number))
    }

    /// Whether a text stands behind `key`.
    pub fn is_text(&self, key: &str) -> bool {
        let value = self.value(key).map(Spanned::get_ref);
        matches!(value, Some(DeValue::String(_)))
    }

    /// `true` or `false` behind `key`.
    pub fn flag(&self, key: &str, faults: &mut Collector<'_>) -> Option<Found<bool>> {
        let value = self.value(key)?;
        match value.get_ref() {
            DeValue::Boolean(flag) => Some(found(value, *flag)),
            _ => {
                let remedy = format!("write {key} = true or {key} = false, without quotes");
                self.unfit(key, value, "true or false", &remedy, faults)
            }
        }
    }

    /// A list of texts behind `key`; a single text counts as a list of one.
    pub fn texts(&self, key: &str, faults: &mut Collector<'_>) -> Option<Vec<Found<&'d str>>> {
        let value = self.value(key)?;
        let remedy = format!("write {key} = [\"…\", \"…\"]");
        let items = match value.get_ref() {
            DeValue::String(text) => return Some(vec![found(value, text.as_ref())]),
            DeValue::Array(items) => items,
            _ => return self.unfit(key, value, "a list of texts", &remedy, faults),
        };
        let mut texts = Vec::new();
        for item in items {
            match item.get_ref() {
                DeValue::String(text) => texts.push(found(item, text.as_ref())),
                _ => {
                    let _: Option<()> = self.unfit(key, item, "a list of texts", &remedy, faults);
                }
            }
        }
        Some(texts)
    }

    /// The table behind `key`.
    pub fn section(
        &self,
        key: &str,
        name: &'static str,
        known: &[&str],
        faults: &mut Collector<'_>,
    ) -> Option<Section<'d, 't>> {
        let value = self.value(key)?;
        match value.get_ref() {
            DeValue::Table(table) => {
                let at = self.key_place(key).unwrap_or(value.span().start);
                Some(Section::open(name, table, at, known, faults))
            }
            _ => {
                let first = known.first().copied().unwrap_or("key");
                let remedy = format!("write {key} = {{ {first} = … }}");
                self.unfit(key, value, "a table", &remedy, faults)
            }
        }
    }

    /// The tables behind `key`, each opened by `[[key]]`.
    pub fn sections(
        &self,
        key: &str,
        name: &'static str,
        known: &[&str],
        faults: &mut Collector<'_>,
    ) -> Vec<Section<'d, 't>> {
        let Some(value) = self.value(key) else {
            return Vec::new();
        };
        let remedy = format!("begin each one with a line [[{key}]]");
        let DeValue::Array(items) = value.get_ref() else {
            let _: Option<()> = self.unfit(key, value, "a list of tables", &remedy, faults);
            return Vec::new();
        };
        let mut sections = Vec::new();
        for item in items {
            match item.get_ref() {
                DeValue::Table(table) => {
                    let at = item.span().start;
                    sections.push(Section::open(name, table, at, known, faults));
                }
                _ => {
                    let _: Option<()> = self.unfit(key, item, "a list of tables", &remedy, faults);
                }
            }
        }
        sections
    }

    /// Every key of the table with its place.
    pub fn keys(&self) -> impl Iterator<Item = Found<&'d str>> {
        self.table.keys().map(|key| Found {
            value: key.get_ref().as_ref(),
            at: key.span().start,
        })
    }

    /// Where `key` itself stands.
    pub fn key_place(&self, key: &str) -> Option<usize> {
        self.keys().find(|it| it.value == key).map(|it| it.at)
    }

    fn value(&self, key: &str) -> Option<&'d Spanned<DeValue<'t>>> {
        self.table.get(key)
    }

    /// Adds "KEY must be WANTED, not what it is"; always `None`.
    fn unfit<T>(
        &self,
        key: &str,
        value: &Spanned<DeValue<'_>>,
        wanted: &str,
        remedy: &str,
        faults: &mut Collector<'_>,
    ) -> Option<T> {
        let kind = shown::kind(value.get_ref());
        let what = format!("{key} must be {wanted}, not {kind}");
        faults.add(value.span().start, what, remedy);
        None
    }
}

fn found<T>(value: &Spanned<DeValue<'_>>, inner: T) -> Found<T> {
    Found {
        value: inner,
        at: value.span().start,
    }
}

#[cfg(test)]
mod tests;
