//! Users with a password, as they are typed.

use super::*;

fn new_user(name: &str) -> NewUser {
    NewUser {
        name: name.to_string(),
        may_md5: false,
        password: None,
    }
}

#[test]
fn users_come_go_and_are_listed() {
    means(
        &["user", "add", "ann"],
        &Command::Users(Users::Add {
            user: new_user("ann"),
            place: Place::default(),
        }),
    );
    means(
        &[
            "user",
            "add",
            "ann",
            "--md5",
            "--password-file",
            "p",
            "--realm",
            "r",
            "--users",
            "u",
            "--control",
            "s",
        ],
        &Command::Users(Users::Add {
            user: NewUser {
                may_md5: true,
                password: Some(PathBuf::from("p")),
                ..new_user("ann")
            },
            place: Place {
                users: Some(PathBuf::from("u")),
                config: None,
                realm: Some("r".to_string()),
                control: Some(PathBuf::from("s")),
            },
        }),
    );
    means(
        &["user", "remove", "ann", "--config", "c"],
        &Command::Users(Users::Remove {
            name: "ann".to_string(),
            place: Place {
                config: Some(PathBuf::from("c")),
                ..Place::default()
            },
        }),
    );
    means(
        &["user", "list", "--json"],
        &Command::Users(Users::List {
            json: true,
            place: Place::default(),
        }),
    );
    means(
        &["hash-password", "ann", "desk.example"],
        &Command::HashPassword {
            user: new_user("ann"),
            realm: "desk.example".to_string(),
        },
    );
}

#[test]
fn what_is_no_way_to_say_it_is_told() {
    for line in [
        &["user", "add"][..],
        &["user", "remove"],
        &["user", "list", "ann"],
        &["user", "remove", "ann", "--md5"],
        &["user", "list", "--password-file", "p"],
    ] {
        let usage = read(line).expect_err("wrong");
        assert_eq!(usage.what, format!("user {} is written otherwise", line[1]));
    }
    wrong(
        &["user", "ad", "ann"],
        "a user cannot be \"ad\"",
        "did you mean `add`?",
    );
    // A password on the line is a word too many.
    let usage = read(&["user", "add", "ann", "hunter2"]).expect_err("wrong");
    assert_eq!(usage.what, "\"hunter2\" is too much");
}
