//! The program as a user meets it: real processes, real sockets on loopback, exit codes and texts.

#![cfg(feature = "std")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A directory of the test's own, gone when it ends.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let id = std::process::id();
        let path = std::env::temp_dir().join(format!("lampfield-cli-{id}-{name}"));
        fs::create_dir_all(&path).expect("a temporary directory");
        Folder(path)
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        fs::write(&path, text).expect("the directory is writable");
        path.display().to_string()
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn lampfield(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lampfield"))
        .args(arguments)
        .output()
        .expect("the program starts")
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

fn complaint(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("UTF-8")
}

#[track_caller]
fn exits(output: &Output, code: i32) {
    let text = complaint(output);
    assert_eq!(output.status.code(), Some(code), "{text}");
}

#[test]
fn version_help_and_boards_need_no_agent() {
    let version = lampfield(&["version"]);
    exits(&version, 0);
    assert_eq!(
        out(&version),
        concat!("lampfield ", env!("CARGO_PKG_VERSION"), "\n")
    );
    let help = lampfield(&["--help"]);
    exits(&help, 0);
    assert!(out(&help).contains("\nExit codes: 0 done, "));
    let boards = lampfield(&["boards"]);
    exits(&boards, 0);
    assert!(out(&boards).starts_with("sim  simulated desk phone"));
}

#[test]
fn a_wrong_command_line_exits_with_2_and_a_remedy() {
    let wrong = lampfield(&["lamp"]);
    exits(&wrong, 2);
    assert_eq!(
        complaint(&wrong),
        "lampfield: there is no command \"lamp\"\n  remedy: did you mean `lamps`?\n"
    );
    exits(&lampfield(&["run", "--listen", "here"]), 2);
}

#[test]
fn check_explains_a_good_configuration() {
    let folder = Folder::new("check-good");
    let file = folder.file(
        "good.toml",
        "[[presentity]]\nuri = \"sip:desk@127.0.0.1\"\n\
         [[lamp]]\nname = \"blf1\"\nwatch = \"sip:bob@pbx.example\"\n",
    );
    let good = lampfield(&["check", &file]);
    exits(&good, 0);
    let text = out(&good);
    assert!(text.starts_with(&format!("{file}: good\n\n")), "{text}");
    assert!(
        text.contains("lamp blf1    watches sip:bob@pbx.example (dialog)"),
        "{text}"
    );
}

#[test]
fn check_tells_every_mistake_with_file_line_column_and_remedy() {
    let folder = Folder::new("check-bad");
    let file = folder.file("bad.toml", "lisen = 1\n[[lamp]]\nname = \"blf9\"\n");
    let bad = lampfield(&["check", &file]);
    exits(&bad, 2);
    assert_eq!(out(&bad), "");
    assert_eq!(
        complaint(&bad),
        format!(
            "{file}:1:1: unknown key `lisen` in the file\n  remedy: did you mean `listen`?\n\
             {file}:3:8: the board sim has no \"blf9\"\n  \
             remedy: use one of: blf1, blf2, blf3, blf4\n"
        )
    );
}

#[test]
fn a_board_of_ones_own_is_taken_from_a_file() {
    let folder = Folder::new("board");
    folder.file(
        "door.toml",
        "name = \"door\"\nbackend = \"sim\"\n[[lamp]]\nname = \"busy\"\ncolours = [\"red\"]\n",
    );
    let file = folder.file("door-station.toml", "board = \"door.toml\"\n");
    let good = lampfield(&["check", &file]);
    exits(&good, 0);
    assert!(
        out(&good).contains("\nlamp busy    watches nobody"),
        "{}",
        out(&good)
    );
    let elsewhere = lampfield(&["check", &file, "--board", "sim"]);
    assert!(
        out(&elsewhere).contains("\nlamp blf4 "),
        "{}",
        out(&elsewhere)
    );
}

#[test]
fn without_an_agent_every_question_exits_with_3() {
    let folder = Folder::new("no-agent");
    let socket = folder.path("control.sock");
    for question in [
        &["status"][..],
        &["lamps", "--follow"],
        &["watchers"],
        &["why", "blf1"],
        &["press", "dnd"],
        &["release", "dnd"],
        &["set", "dnd", "on"],
    ] {
        let asked = lampfield(&[question, &["--control", &socket]].concat());
        exits(&asked, 3);
        let text = complaint(&asked);
        assert!(
            text.contains(&format!("no agent is running at {socket}: ")),
            "{text}"
        );
        assert!(text.contains("start one with `lampfield run`"), "{text}");
    }
    assert!(!Path::new(&socket).exists());
}
