//! Which users there are, and who has to show a password.

use super::*;
use crate::engine::config::{Demand, Listed};
use crate::shell::users::{Entry, add};
use crate::ua::guard::User;
use std::os::unix::fs::PermissionsExt;
use std::{env, fs, process};

struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Folder {
        let name = format!("lampfield-authentication-{}-{test}", process::id());
        let path = env::temp_dir().join(name);
        fs::create_dir_all(&path).expect("a folder");
        Folder(path)
    }

    fn add(&self, name: &str, realm: &str) {
        let entry = Entry::new(name, realm, "secret", true).expect("usable");
        add(&self.0.join("users"), &entry, None).expect("written");
    }

    fn read(&self, text: &str) -> Result<Configuration, Faults> {
        let text = format!("listen = \"udp:0.0.0.0:5060\"\n{text}");
        Configuration::parse("lamp.toml", &text, &self.0, Overrides::default())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0); // The system clears its temporary files too.
    }
}

const DESK: &str = "[[presentity]]\nuri = \"sip:desk@192.168.1.20\"\nowners = [\"ann\", \"bob\"]\n";

#[test]
fn users_come_from_their_file_and_the_realm_from_the_first_presentity() {
    let folder = Folder::new("good");
    folder.add("ann", "192.168.1.20");
    let text = format!("[authentication]\nusers = \"users\"\n{DESK}");
    let read = folder.read(&text).expect("good");
    assert_eq!(read.settings.authentication.realm.as_str(), "192.168.1.20");
    assert_eq!(read.settings.authentication.demand, Demand::Strangers);
    let names: Vec<&str> = read.users.users.iter().map(User::name).collect();
    assert_eq!(names, ["ann"]);
    assert_eq!(read.secrets, [folder.0.join("users")]);
    let owners = &read.settings.presentities[0].owners;
    let owners: Vec<&str> = owners.iter().map(Text::as_str).collect();
    assert_eq!(owners, ["ann", "bob"]);
    assert_eq!(read.warnings, None);
    let told = read.to_string();
    assert!(
        told.contains("users        ann; of the realm 192.168.1.20, in "),
        "{told}"
    );
    assert!(told.contains("better: authenticate = \"always\""), "{told}");
    let always = text.replace("users\"\n", "users\"\nauthenticate = \"always\"\n");
    let told = folder.read(&always).expect("good").to_string();
    assert!(
        told.contains("everybody but this machine has to show a password"),
        "{told}"
    );
    assert!(!told.contains("better:"), "{told}");
}

#[test]
fn without_the_section_nobody_is_asked() {
    let read = good(DESK);
    assert_eq!(read.settings.authentication.demand, Demand::Strangers);
    assert!(read.users.users.is_empty() && read.users.file.is_none());
    assert!(!read.to_string().contains("password"), "{read}");
}

#[test]
fn networks_and_listeners_can_be_named() {
    let folder = Folder::new("listed");
    folder.add("ann", "desk.example");
    let text = "[authentication]\nusers = \"users\"\nrealm = \"desk.example\"\n\
                authenticate = [\"192.168.7.0/24\", \"udp:0.0.0.0:5060\"]\n";
    let read = folder.read(text).expect("good");
    let Demand::Listed(Listed {
        networks,
        listeners,
    }) = &read.settings.authentication.demand
    else {
        panic!("a list");
    };
    assert_eq!((networks.len(), listeners.len()), (1, 1));
    let told = read.to_string();
    assert!(
        told.contains("those elsewhere, and all of 192.168.7.0/24, udp:0.0.0.0:5060, have"),
        "{told}"
    );
}

#[test]
fn users_that_are_not_there_yet_or_of_another_realm_are_a_warning() {
    let folder = Folder::new("none");
    let text = "[authentication]\nusers = \"users\"\nrealm = \"desk.example\"\n";
    let warnings = folder
        .read(text)
        .expect("good")
        .warnings
        .expect("a warning");
    assert!(
        warnings.to_string().contains("lampfield user add NAME"),
        "{warnings}"
    );
    folder.add("ann", "elsewhere");
    let read = folder.read(text).expect("good");
    assert!(read.users.users.is_empty());
    let warnings = read.warnings.expect("a warning").to_string();
    assert!(
        warnings.contains("the user ann is of another realm"),
        "{warnings}"
    );
}

#[test]
fn a_file_that_others_may_read_is_a_mistake() {
    let folder = Folder::new("open");
    folder.add("ann", "desk.example");
    let file = folder.0.join("users");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("set");
    let faults = folder
        .read("[authentication]\nusers = \"users\"\n")
        .expect_err("open");
    assert_eq!(
        faults.faults[0].remedy,
        format!("chmod 600 {}", file.display())
    );
}

#[test]
fn mistakes_are_said() {
    refused(
        "[authentication]\nauthenticate = \"always\"\n",
        &[
            "2:1: nobody has a password to show | add users = \"lampfield.users\", and users with \
           `lampfield user add NAME`",
        ],
    );
    for (text, what) in [
        ("realm = \"a b\"", "\"a b\" is no realm"),
        (
            "authenticate = \"never\"",
            "authenticate cannot be \"never\"",
        ),
        (
            "authenticate = [\"udp:0.0.0.0:9\"]",
            "the agent does not listen on udp:0.0.0.0:9",
        ),
        ("users = \"\"", "users cannot be a file"),
    ] {
        let faults = read(&format!("[authentication]\n{text}\n")).expect_err(text);
        assert!(faults.faults.iter().any(|it| it.what == what), "{faults}");
    }
    let owners =
        "[[presentity]]\nuri = \"sip:a@b\"\nowners = [\"a\", \"b\", \"c\", \"d\", \"e\"]\n";
    let faults = read(owners).expect_err("too many");
    assert_eq!(faults.faults[0].what, "more than 4 owners");
}

#[test]
fn a_rule_about_nobody_who_is_there_is_doubted() {
    let folder = Folder::new("nobody");
    folder.add("ann", "192.168.1.20");
    let text = format!(
        "[authentication]\nusers = \"users\"\n{DESK}[[rule]]\nwho = [\"user:ann\", \"user:anne\"]\nthen = \"block\"\n"
    );
    let warnings = folder.read(&text).expect("good").warnings;
    let all: Vec<String> = warnings.map_or(Vec::new(), |it| {
        let all = it.faults.iter();
        all.map(|it| format!("{}: {} | {}", it.line, it.what, it.remedy))
            .collect()
    });
    assert_eq!(
        all,
        [
            "7: warning: rule 1 is about anne, who is no user here | mend the name, or: lampfield user add anne"
        ]
    );
}
