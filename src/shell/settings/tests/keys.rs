//! Keys in the wrong table, and that README.md and the manual page show the keys there are.

use std::collections::BTreeSet;

use toml::de::{DeTable, DeValue};

use super::*;
use crate::shell::settings::keys::{PACE, TABLES, of_the_file};

const README: &str = include_str!("../../../../README.md");
const MANUAL: &str = include_str!("../../../../boards/package/files/lampfield.1");
const PACKAGED: &str = include_str!("../../../../boards/package/files/lampfield.toml");

/// The table, without brackets, and the key. Nothing is the table of what stands before the first one.
type Key = (String, String);

#[test]
fn a_key_below_the_wrong_table_says_where_it_belongs() {
    for (text, remedy) in [
        (
            "[[lamp]]\nname = \"blf1\"\ntrusted = []",
            "`trusted` belongs to the top, before the first [table]",
        ),
        (
            "[subscriptions]\nmax_expires = 60\nlog = \"debug\"",
            "`log` belongs to the top, before the first [table]",
        ),
        (
            "[[button]]\nname = \"dnd\"\ngrace = 5",
            "`grace` belongs below [[lamp]]",
        ),
        ("\n\naor = \"sip:a@b\"", "`aor` belongs below [[upstream]]"),
        (
            "\n\nname = \"dnd\"",
            "`name` belongs below [[lamp]] or [[button]]",
        ),
        (
            "\n\nexpires = 60",
            "`expires` belongs below [[upstream]] or [[list]] or [[lamp]]",
        ),
        (
            "[[lamp]]\nname = \"blf1\"\nservers = \"pbx\"",
            "did you mean `server`? `servers` belongs below [[upstream]]",
        ),
        (
            "[registrations]\nmax_expires = 60\npace = {}",
            "`pace` belongs below [subscriptions]",
        ),
        (
            "[subscriptions]\nmax_expires = 3600\nburst = 1",
            "`burst` belongs into pace, by package: pace = { presence = { burst = … } }",
        ),
        (
            "[subscriptions]\npace.dialog.burst = 1\npace.interval = 1",
            "`interval` belongs into pace, by package: pace = { presence = { interval = … } }",
        ),
        (
            "[[lamp]]\nname = \"blf1\"\nringing = \"red\"",
            "`ringing` belongs into looks: looks = { ringing = \"…\" }",
        ),
        // Nobody knows it, or it is near enough to one that is known here.
        (
            "[[lamp]]\nname = \"blf1\"\nserver_ = \"pbx\"",
            "did you mean `server`?",
        ),
        (
            "[[presentity]]\nuri = \"sip:a@b\"\ncolour = 1",
            "use one of: uri, dialog_shows_dnd, registers, owners",
        ),
    ] {
        let faults = read(text).expect_err("a key in the wrong table").faults;
        let unknown: Vec<(usize, &str)> = faults
            .iter()
            .filter(|it| it.what.starts_with("unknown key "))
            .map(|it| (it.line, it.remedy.as_str()))
            .collect();
        assert_eq!(unknown, [(3, remedy)], "{text}");
    }
}

/// Every key that stands in a table of `toml`, and those that a comment offers instead: `or key = …`.
fn written(toml: &str) -> BTreeSet<Key> {
    fn collect(name: &str, table: &DeTable<'_>, all: &mut BTreeSet<Key>) {
        for (key, value) in table {
            let key = key.get_ref().as_ref();
            all.insert((name.to_string(), key.to_string()));
            match value.get_ref() {
                DeValue::Table(inner) => collect(key, inner, all),
                DeValue::Array(items) => {
                    for item in items {
                        if let DeValue::Table(inner) = item.get_ref() {
                            collect(key, inner, all);
                        }
                    }
                }
                _ => {}
            }
        }
    }
    let mut all = BTreeSet::new();
    collect("", DeTable::parse(toml).expect("TOML").get_ref(), &mut all);
    let mut table = String::new();
    for line in toml.lines() {
        if line.starts_with('[') {
            let end = line.rfind(']').expect("a table's name");
            table = line[..end].trim_matches(['[', ']']).to_string();
        }
        let offered = line
            .split_once(" or ")
            .and_then(|(_, it)| it.split_once(" ="));
        if let Some((key, _)) = offered.filter(|_| line.contains('#')) {
            all.insert((table.clone(), key.to_string()));
        }
    }
    all
}

/// Every key there is, without those that stand in `looks` and in a package's `pace`.
fn known() -> BTreeSet<Key> {
    let mut all = BTreeSet::new();
    let mut add = |table: &str, keys: &[&str]| {
        all.extend(keys.iter().map(|it| (table.to_string(), it.to_string())));
    };
    add("", &of_the_file());
    for table in TABLES {
        add(table.name.trim_matches(['[', ']']), table.keys);
    }
    add("pace", Package::served_names());
    all
}

/// Those.
fn is_inner((table, key): &Key) -> bool {
    let is_pace = Package::served_names().contains(&table.as_str());
    let is_look = table == "looks" && Watched::ALL.iter().any(|it| it.name() == key);
    is_look || is_pace && PACE.keys.contains(&key.as_str())
}

fn missing<'k>(from: &'k BTreeSet<Key>, all: &'k BTreeSet<Key>) -> Vec<&'k Key> {
    all.difference(from).collect()
}

/// The text of the chapter that begins with this line, up to the next one like it.
fn chapter<'t>(text: &'t str, head: &str) -> &'t str {
    let (_, rest) = text.split_once(&format!("\n{head}\n")).expect(head);
    let like = format!("\n{} ", head.split(' ').next().unwrap_or_default());
    rest.split(&like).next().unwrap_or(rest)
}

#[test]
fn the_readme_shows_every_key_and_no_other() {
    let chapter = chapter(README, "## Configuration");
    let blocks = chapter.split("```toml\n").skip(1);
    let blocks = blocks.filter_map(|it| it.split("```").next());
    let mut shown: BTreeSet<Key> = blocks.flat_map(written).collect();
    shown.retain(|it| !is_inner(it));
    assert_eq!(missing(&shown, &known()), Vec::<&Key>::new(), "not shown");
    assert_eq!(missing(&known(), &shown), Vec::<&Key>::new(), "not known");
    for key in PACE
        .keys
        .iter()
        .copied()
        .chain(Watched::ALL.map(Watched::name))
    {
        let is_shown = [format!("`{key}`"), format!("{key} = ")]
            .iter()
            .any(|it| chapter.contains(it));
        assert!(is_shown, "{key}");
    }
    for example in README.split("```toml\n").skip(1) {
        let keys = written(example.split("```").next().unwrap_or_default());
        let odd: Vec<&Key> = keys
            .iter()
            .filter(|it| !is_inner(it) && !known().contains(*it))
            .collect();
        assert_eq!(odd, Vec::<&Key>::new(), "in an example");
    }
}

#[test]
fn the_manual_shows_every_key_and_no_other() {
    let chapter = chapter(MANUAL, ".SH CONFIGURATION");
    let mut shown = BTreeSet::new();
    let mut table = "";
    let mut lines = chapter.lines();
    while let Some(line) = lines.next() {
        if let Some(head) = line.strip_prefix(".SS ") {
            let name = head.split(' ').next().unwrap_or_default();
            table = name.trim_matches(['"', '[', ']', ',']);
        } else if line == ".TP" {
            let key = lines.next().and_then(|it| it.strip_prefix(".B "));
            let key = key.expect("one key behind each .TP");
            shown.insert((table.to_string(), key.to_string()));
        }
    }
    let mut all = known();
    // The tables have headings of their own, and what stands in `pace` and `looks` is told there.
    let own: Vec<&str> = TABLES
        .iter()
        .map(|it| it.name.trim_matches(['[', ']']))
        .collect();
    all.retain(|(table, key)| {
        !(table.is_empty() && own.contains(&key.as_str()) || table == "pace")
    });
    all.extend(
        PACE.keys
            .iter()
            .map(|it| ("pace".to_string(), it.to_string())),
    );
    let top = shown.iter().map(|(table, key)| match table.as_str() {
        "Before" => (String::new(), key.clone()),
        table => (table.to_string(), key.clone()),
    });
    let shown: BTreeSet<Key> = top.collect();
    assert_eq!(missing(&shown, &all), Vec::<&Key>::new(), "not shown");
    assert_eq!(missing(&all, &shown), Vec::<&Key>::new(), "not known");
    let words: BTreeSet<&str> = chapter.split([' ', '\n', ',', '"']).collect();
    for word in Package::served_names()
        .iter()
        .copied()
        .chain(Watched::ALL.map(Watched::name))
    {
        assert!(words.contains(word), "{word}");
    }
}

#[test]
fn the_packaged_configuration_has_keys_that_exist() {
    let on = |line: &str| match line.strip_prefix('#') {
        Some(setting) if !setting.starts_with(' ') => setting.to_string(),
        _ => line.to_string(),
    };
    let lines: Vec<String> = PACKAGED.lines().map(on).collect();
    let keys = written(&lines.join("\n"));
    assert!(keys.len() > 15, "{keys:?}");
    assert_eq!(missing(&known(), &keys), Vec::<&Key>::new());
}
