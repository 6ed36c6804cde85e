//! The file of users, made, changed and refused.

use super::*;

struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Folder {
        let name = format!("lampfield-users-{}-{test}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).expect("a folder");
        Folder(path)
    }

    fn file(&self, text: &str) -> PathBuf {
        let file = self.0.join("users");
        fs::write(&file, text).expect("written");
        fs::set_permissions(&file, Permissions::from_mode(0o600)).expect("set");
        file
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0); // The system clears its temporary files too.
    }
}

fn entry(name: &str, may_md5: bool) -> Entry {
    Entry::new(name, "desk.example", "secret", may_md5).expect("usable")
}

#[test]
fn users_come_into_the_file_and_go_again() {
    let folder = Folder::new("edit");
    let file = folder.0.join("users");
    add(&file, &entry("ann", false), None).expect("made");
    let mode = fs::metadata(&file).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let noted = format!("# ours\n{}", fs::read_to_string(&file).expect("text"));
    let file = folder.file(&noted);
    add(&file, &entry("bob", true), None).expect("added");
    add(&file, &entry("ann", true), None).expect("changed");
    let roll = Roll::read(&file, "desk.example").expect("good");
    let names: Vec<(&str, bool)> = roll
        .users
        .iter()
        .map(|it| (it.name(), it.may_md5()))
        .collect();
    assert_eq!(names, [("ann", true), ("bob", true)]);
    assert_eq!(remove(&file, "carl"), Ok(false));
    assert_eq!(remove(&file, "ann"), Ok(true));
    let text = fs::read_to_string(&file).expect("text");
    assert_eq!(text, format!("# ours\n{}\n", entry("bob", true)));
    assert!(
        fs::read_dir(&folder.0).expect("listed").count() == 1,
        "nothing else is left"
    );
}

#[test]
fn a_file_that_others_may_read_is_not_taken() {
    let folder = Folder::new("open");
    let file = folder.file(&format!("{}\n", entry("ann", false)));
    for mode in [0o640, 0o604, 0o620, 0o666] {
        fs::set_permissions(&file, Permissions::from_mode(mode)).expect("set");
        let fault = Roll::read(&file, "desk.example").expect_err("open to others");
        assert_eq!(fault.remedy, format!("chmod 600 {}", file.display()));
        add(&file, &entry("bob", false), None).expect_err("open to others");
    }
}

#[test]
fn what_is_wrong_is_said_with_its_line_and_without_a_hash() {
    let folder = Folder::new("wrong");
    let good = entry("ann", true).to_string();
    for (line, what) in [
        ("ann", "a line has no realm"),
        ("ann desk.example", "a line has no SHA-256 hash"),
        (
            "ann desk.example SHA-256=12",
            "a hash has not the digits that it needs",
        ),
        (
            &good.replace("MD5", "SHA-256"),
            "a hash has not the digits that it needs",
        ),
        (&format!("{good} x"), "a line has a word too many"),
        (&good.replace("ann", "a:b"), "\"a:b\" is no name of a user"),
        (&format!("{good}\n{good}"), "the user ann is there already"),
    ] {
        let file = folder.file(&format!("# x\n{line}\n"));
        let fault = Roll::read(&file, "desk.example").expect_err(line);
        assert!(fault.what.contains(what), "{fault}");
        assert!(fault.what.contains("users:"), "{fault}");
        assert!(!fault.to_string().contains(&good[30..50]), "{fault}");
    }
    let many: String = (0..=USERS)
        .map(|at| format!("{}\n", entry(&format!("u{at}"), false)))
        .collect();
    Roll::read(&folder.file(&many), "desk.example").expect_err("too many");
    Roll::read(&folder.0.join("none"), "desk.example").expect_err("not there");
}

#[test]
fn those_of_another_realm_are_named_and_not_taken() {
    let folder = Folder::new("realm");
    let file = folder.file(&format!("{}\n", entry("ann", false)));
    let roll = Roll::read(&file, "other.example").expect("good");
    assert!(roll.users.is_empty());
    assert_eq!(roll.strays, ["ann"]);
}

#[test]
fn passwords_and_names_that_cannot_be_are_refused() {
    for (name, password) in [
        ("", "x"),
        ("a b", "x"),
        ("a\"", "x"),
        ("ann", ""),
        ("ann", "a\nb"),
    ] {
        assert!(
            Entry::new(name, "desk.example", password, false).is_err(),
            "{name}"
        );
    }
    assert!(Entry::new("ann", "a b", "x", false).is_err());
    assert!(Entry::new("ann", "a", &"x".repeat(PASSWORD + 1), false).is_err());
    assert!(Entry::new("jäs", "a", "ü", false).is_ok());
}
