//! `lampfield certificate`: what it makes, openssl takes too.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::agent::{Agent, certify, house, lamp};
use crate::process::Scratch;
use crate::trust::show;

#[test]
fn a_certificate_is_shown_as_it_was_made() {
    let scratch = Scratch::new();
    certify(
        &scratch,
        &[
            "desk.example",
            "192.0.2.1",
            "2001:db8::1",
            "--authority",
            "house",
        ],
    );
    let shown = show(&scratch, "desk.example.pem");
    for part in [
        "for        desk.example, 192.0.2.1, 2001:db8::1\n",
        "signed by  Lampfield authority\n",
        "\"desk.example sha256:",
    ] {
        assert!(shown.contains(part), "{shown}");
    }
    let shown = show(&scratch, "house/authority.pem");
    assert!(shown.contains("signed by  itself\n"), "{shown}");
    for key in ["desk.example.key", "house/authority.key"] {
        let found = std::fs::metadata(scratch.path(key)).expect("it was made");
        assert_eq!(found.permissions().mode() & 0o777, 0o600);
    }
    let verified = Command::new("openssl")
        .args([
            "verify",
            "-x509_strict",
            "-CAfile",
            "house/authority.pem",
            "desk.example.pem",
        ])
        .current_dir(scratch.path(""))
        .status();
    assert!(verified.is_ok_and(|it| it.success()));
}

#[test]
fn nothing_is_written_over_and_odd_names_are_refused() {
    let scratch = Scratch::new();
    certify(&scratch, &["desk.example"]);
    for name in ["desk.example", "../desk", "*.example", ""] {
        let output = Command::new(env!("CARGO_BIN_EXE_lampfield"))
            .args(["certificate", "new", name])
            .current_dir(scratch.path(""))
            .output()
            .expect("it runs");
        assert_eq!(output.status.code(), Some(2), "{name}");
    }
}

#[test]
fn one_that_signs_itself_is_an_authority_of_its_own() {
    let scratch = house("127.0.0.1");
    certify(&scratch, &["127.0.0.1"]);
    for end in ["pem", "key"] {
        let made = scratch.path(&format!("127.0.0.1.{end}"));
        std::fs::rename(made, scratch.path(&format!("own.{end}"))).expect("it was made");
    }
    let desk = Agent::start(&scratch, "", &[]);
    let tls = "authorities = \"own.pem\"";
    let door = Agent::asking(&scratch, tls, &lamp(&desk, "127.0.0.1"), &[]);
    door.expect_lamp("green");
}

#[test]
fn a_key_that_others_can_read_is_refused() {
    let scratch = house("127.0.0.1");
    let key = scratch.path("own.key");
    std::fs::set_permissions(&key, PermissionsExt::from_mode(0o644)).expect("set");
    let file = scratch.write(
        "open.toml",
        "listen = [\"tls:127.0.0.1:0\"]\n[tls]\ncertificate = \"own.pem\"\nkey = \"own.key\"\n",
    );
    let output = Command::new(env!("CARGO_BIN_EXE_lampfield"))
        .arg("check")
        .arg(file)
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("others than its owner may read the key"),
        "{said}"
    );
    assert!(said.contains("chmod 600"), "{said}");
}
