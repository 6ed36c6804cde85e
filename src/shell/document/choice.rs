//! Values that are one of a few words.

use std::format;
use std::vec::Vec;

use toml::de::DeValue;

use super::{Collector, Found, Section, found, suggestion};

impl<'d> Section<'d, '_> {
    /// One of the words `choices` behind `key`.
    pub fn choice<T: Copy>(
        &self,
        key: &str,
        choices: &[(&'static str, T)],
        faults: &mut Collector<'_>,
    ) -> Option<Found<T>> {
        let text = self.text(key, faults)?;
        chosen(key, text, choices, faults)
    }

    /// Some of the words `choices` behind `key`, at least one and each once; a single word counts as a list of one.
    pub fn choices<T: Copy>(
        &self,
        key: &str,
        choices: &[(&'static str, T)],
        faults: &mut Collector<'_>,
    ) -> Option<Vec<Found<T>>> {
        let texts = self.texts(key, faults)?;
        if texts.is_empty() {
            let at = self.key_place(key).unwrap_or(self.at);
            faults.add(at, format!("{key} is empty"), "leave the line out");
        }
        let mut all = Vec::new();
        for (number, text) in texts.iter().enumerate() {
            if texts[..number].iter().any(|it| it.value == text.value) {
                let what = format!("\"{}\" is there already", text.value.escape_debug());
                faults.add(text.at, what, "leave it out");
            } else {
                all.extend(chosen(key, *text, choices, faults));
            }
        }
        Some(all)
    }

    /// `true`, `false` or one of the words `choices` behind `key`.
    pub fn flag_or_choice<T: Copy>(
        &self,
        key: &str,
        (no, yes): (T, T),
        choices: &[(&'static str, T)],
        faults: &mut Collector<'_>,
    ) -> Option<Found<T>> {
        let value = self.value(key)?;
        match value.get_ref() {
            DeValue::Boolean(flag) => Some(found(value, if *flag { yes } else { no })),
            DeValue::String(text) => chosen(key, found(value, text.as_ref()), choices, faults),
            _ => {
                let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
                let remedy = format!(
                    "write {key} = true, {key} = false or {key} = \"{}\"",
                    words.join("\" or \"")
                );
                self.unfit(key, value, "true, false or a word", &remedy, faults)
            }
        }
    }
}

/// What the word behind `key` stands for, if it is one of `choices`.
fn chosen<T: Copy>(
    key: &str,
    text: Found<&str>,
    choices: &[(&'static str, T)],
    faults: &mut Collector<'_>,
) -> Option<Found<T>> {
    let chosen = choices.iter().find(|(word, _)| *word == text.value);
    if chosen.is_none() {
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        let what = format!("{key} cannot be \"{}\"", text.value.escape_debug());
        faults.add(text.at, what, suggestion(text.value, &words));
    }
    chosen.map(|(_, value)| Found {
        value: *value,
        at: text.at,
    })
}
