//! Mistakes and how they are told.

use super::*;

#[track_caller]
fn faults_of(text: &str, read: impl FnOnce(&Section<'_, '_>, &mut Collector<'_>)) -> String {
    let mut faults = Collector::new(text);
    let table = faults.parse();
    let known = ["name", "number", "flag", "list", "deep", "deeper"];
    let section = Section::open("the file", table.get_ref(), 0, &known, &mut faults);
    read(&section, &mut faults);
    match faults.finish("f.toml", ()) {
        Ok(()) => String::new(),
        Err(faults) => faults.to_string(),
    }
}

#[test]
fn an_unknown_key_gets_the_nearest_known_one() {
    let text = faults_of("\n  nmae = \"x\"\nzzzzzz = 1\n", |_, _| {});
    assert_eq!(
        text,
        "f.toml:2:3: unknown key `nmae` in the file\n  remedy: did you mean `name`?\n\
         f.toml:3:1: unknown key `zzzzzz` in the file\n  \
         remedy: use one of: name, number, flag, list, deep, deeper"
    );
}

#[test]
fn a_wrong_type_says_what_it_is_and_how_to_write_it() {
    let file = "name = 1\nnumber = \"5\"\nflag = 1.5\nlist = [\"a\", true]\ndeep = []\ndeeper = 1";
    let text = faults_of(file, |section, faults| {
        assert_eq!(section.text("name", faults), None);
        assert_eq!(section.number("number", 1..=9, faults), None);
        assert_eq!(section.flag("flag", faults), None);
        let list = section.texts("list", faults).expect("a list");
        assert_eq!((list.len(), list[0].value), (1, "a"));
        assert!(section.section("deep", "deep", &["x"], faults).is_none());
        assert!(section.sections("deeper", "x", &["x"], faults).is_empty());
    });
    assert_eq!(
        text,
        "f.toml:1:8: name must be text, not a whole number\n  remedy: write name = \"…\"\n\
         f.toml:2:10: number must be a whole number, not text\n  \
         remedy: write number = N with N from 1 to 9\n\
         f.toml:3:8: flag must be true or false, not a number with a point\n  \
         remedy: write flag = true or flag = false, without quotes\n\
         f.toml:4:14: list must be a list of texts, not true or false\n  \
         remedy: write list = [\"…\", \"…\"]\n\
         f.toml:5:8: deep must be a table, not a list\n  remedy: write deep = { x = … }\n\
         f.toml:6:10: deeper must be a list of tables, not a whole number\n  \
         remedy: begin each one with a line [[deeper]]"
    );
}

#[test]
fn a_number_out_of_range_is_told_with_its_bounds() {
    for (written, shown) in [("0", "0"), ("-1", "-1"), ("99999999999", "99999999999")] {
        let text = faults_of(&format!("number = {written}"), |section, faults| {
            assert_eq!(section.number("number", 1..=9, faults), None);
        });
        assert_eq!(
            text,
            format!(
                "f.toml:1:10: number is {shown}, which is out of range\n  \
                 remedy: write number = N with N from 1 to 9"
            )
        );
    }
}

#[test]
fn columns_count_characters_and_all_writing_mistakes_are_told() {
    let text = faults_of("name = \"ä\" number\nflag = yes\n", |_, _| {});
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 4, "{text}");
    assert!(lines[0].starts_with("f.toml:1:12: "), "{text}");
    assert!(lines[2].starts_with("f.toml:2:8: "), "{text}");
}

#[test]
fn quotes_of_word_processors_are_told_with_a_remedy() {
    let text = faults_of("name = “a”\n", |_, _| {});
    let remedy = text.lines().nth(1).unwrap_or_default();
    let expected = "  remedy: put text into straight double quotes: \"…\"";
    assert!(text.starts_with("f.toml:1:8: "), "{text}");
    assert_eq!(remedy, expected, "{text}");
}

#[test]
fn windows_line_ends_and_byte_order_marks_change_nothing() {
    let text = faults_of(
        "\u{feff}name = \"a\"\r\nnumber = 3\r\n",
        |section, faults| {
            let name = section.text("name", faults).expect("it is there");
            assert_eq!(name.value, "a");
            let number = section.number("number", 1..=9, faults);
            assert_eq!(number.map(|it| it.value), Some(3));
        },
    );
    assert_eq!(text, "");
}

#[test]
fn a_file_in_another_encoding_is_told_with_the_place() {
    let name = format!("lampfield-document-{}.toml", std::process::id());
    let file = std::env::temp_dir().join(name);
    let read = |bytes: &[u8]| {
        std::fs::write(&file, bytes).expect("a temporary file");
        read(&file, "the configuration").map_err(|faults| faults.faults[0].clone())
    };
    assert_eq!(read("ü\n".as_bytes()).as_deref(), Ok("ü\n"));
    let latin = read(b"a = 1\nb = \"\xfc\"\n").expect_err("Latin-1");
    let windows = read(b"\xff\xfea\0=\0").expect_err("UTF-16");
    std::fs::remove_file(&file).expect("it is ours");
    assert_eq!((latin.line, latin.column), (2, 6));
    assert_eq!((windows.line, windows.column), (1, 1));
    assert_eq!(latin.what, "this character is not written in UTF-8");
    let remedy = "save the file as plain text, with the encoding UTF-8";
    assert_eq!(latin.remedy, remedy);
    let none = super::read(&file, "the configuration").expect_err("removed");
    assert!(
        none.to_string()
            .contains("the configuration cannot be read: ")
    );
}

#[test]
fn the_second_of_two_equal_keys_is_told() {
    let text = faults_of("name = \"a\"\nname = \"b\"\n", |_, _| {});
    assert_eq!(
        text,
        "f.toml:2:1: duplicate key\n  remedy: keep one of the two"
    );
}

#[test]
fn suggestions_come_only_when_they_are_near() {
    for (written, expected) in [
        ("expire", "did you mean `expires`?"),
        ("evnet", "did you mean `event`?"),
        ("Event", "did you mean `event`?"),
        ("x", "use one of: expires, event"),
        ("", "use one of: expires, event"),
        ("presentity", "use one of: expires, event"),
    ] {
        assert_eq!(suggestion(written, &["expires", "event"]), expected);
    }
}
