//! Users with a password: into the file and out of it, with an agent and without.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;

use super::process::{Agent, Folder, complaint, exits, json, lampfield, out};

#[test]
fn users_need_no_agent() {
    let folder = Folder::new("users");
    let password = folder.file("password", "correct horse\n");
    let users = folder.path("users");
    let nowhere = folder.path("nowhere.sock");
    let run =
        |words: &[&str]| lampfield(&[words, &["--control", &nowhere, "--users", &users]].concat());
    let added = run(&[
        "user",
        "add",
        "ann",
        "--realm",
        "desk.example",
        "--password-file",
        &password,
    ]);
    exits(&added, 0);
    assert_eq!(
        out(&added),
        "ann of desk.example has a password now (SHA-256); it counts as soon as an agent starts\n"
    );
    let mode = fs::metadata(&users).expect("made").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    // The realm of those who are there is the one that is meant.
    exits(
        &run(&["user", "add", "bob", "--md5", "--password-file", &password]),
        0,
    );
    let listed = run(&["user", "list"]);
    assert_eq!(
        out(&listed),
        "USER  REALM         ALGORITHMS\n\
         ann   desk.example  SHA-256\n\
         bob   desk.example  SHA-256, MD5\n"
    );
    let line = lampfield(&[
        "hash-password",
        "bob",
        "desk.example",
        "--md5",
        "--password-file",
        &password,
    ]);
    exits(&line, 0);
    let text = fs::read_to_string(&users).expect("text");
    assert!(text.contains(&out(&line)), "{text}");
    assert!(!text.contains("horse"), "{text}");
    let unknown = run(&["user", "remove", "carl"]);
    exits(&unknown, 2);
    assert!(
        complaint(&unknown).contains("there are: ann, bob"),
        "{}",
        complaint(&unknown)
    );
    exits(&run(&["user", "remove", "ann"]), 0);
    exits(&lampfield(&["user", "list", "--control", &nowhere]), 2);
}

#[test]
fn a_running_agent_takes_them_in_at_once() {
    let folder = Folder::new("users-live");
    let password = folder.file("password", "correct horse\n");
    let config = folder.file(
        "lampfield.toml",
        "[authentication]\nusers = \"users\"\n[[presentity]]\nuri = \"sip:desk@127.0.0.1\"\n",
    );
    let agent = Agent::start(&folder, &["--config", &config]);
    let added = agent.ask(&["user", "add", "ann", "--password-file", &password]);
    exits(&added, 0);
    assert_eq!(
        out(&added),
        "ann of 127.0.0.1 has a password now (SHA-256)\n"
    );
    let listed = json(&agent.ask(&["user", "list", "--json"]));
    assert_eq!(listed[0]["name"], "ann");
    let known = known(&agent);
    assert!(known.contains(r#"{"name":"ann","algorithms":["SHA-256"]}"#));
    assert!(!known.contains("SHA-256="), "{known}");
    exits(&agent.ask(&["user", "remove", "ann"]), 0);
    assert!(self::known(&agent).contains(r#""users":[]"#));
    // What cannot be read changes nothing.
    exits(
        &agent.ask(&["user", "add", "bob", "--password-file", &password]),
        0,
    );
    fs::write(folder.path("users"), "bob\n").expect("written");
    exits(&agent.ask(&["user", "remove", "bob"]), 2);
    assert!(self::known(&agent).contains("bob"));
}

/// What the agent says of its users.
fn known(agent: &Agent) -> String {
    let mut stream = UnixStream::connect(&agent.control).expect("it listens");
    write!(stream, "GET /users HTTP/1.1\r\nConnection: close\r\n\r\n").expect("written");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}
