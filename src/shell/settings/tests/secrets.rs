//! Where a password comes from, and that nothing shows it.

use super::*;
use crate::ua::credentials::Password;
use std::os::unix::fs::PermissionsExt;
use std::{env, fs, process};

/// What must not be seen.
const SECRET: &str = "hunter2";

struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Folder {
        let name = format!("lampfield-secrets-{}-{test}", process::id());
        let path = env::temp_dir().join(name);
        fs::create_dir_all(&path).expect("a folder");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("set");
        Folder(path)
    }

    fn write(&self, name: &str, text: &str, mode: u32) {
        let path = self.0.join(name);
        fs::write(&path, text).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("set");
    }

    fn read(&self, text: &str) -> Result<Configuration, Faults> {
        let text = format!("{LISTENS}{text}");
        Configuration::parse("lamp.toml", &text, &self.0, Overrides::default())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0); // The system clears its temporary files too.
    }
}

/// So that nobody is out of reach.
const LISTENS: &str = "listen = \"udp:0.0.0.0:5060\"\n";

const FROM_FILE: &str = "[[upstream]]\naor = \"sip:100@pbx\"\npassword_file = \"pbx.password\"\n";

#[test]
fn a_password_comes_from_a_file_beside_the_configuration() {
    let folder = Folder::new("file");
    folder.write("pbx.password", "hunter2\r\n", 0o600);
    let read = folder.read(FROM_FILE).expect("good");
    let account = &read.settings.upstreams[0].account;
    assert_eq!(
        account.password,
        Password::new(Text::copied(SECRET).expect("short"))
    );
    assert_eq!(read.secrets, [folder.0.join("pbx.password")]);
    assert_eq!(read.warnings, None);
    let told = read.to_string();
    assert!(told.contains("; as 100 with a password\n"), "{told}");
    assert!(!told.contains(SECRET), "{told}");
}

#[test]
fn a_file_that_others_can_read_is_a_warning() {
    let folder = Folder::new("mode");
    let warned = |mode: u32| {
        folder.write("pbx.password", SECRET, mode);
        let read = folder.read(FROM_FILE).expect("good");
        read.warnings.map(|it| it.to_string())
    };
    let expected = format!(
        "lamp.toml:4:17: warning: others can read the password's file\n  \
         remedy: take that right from them: chmod o= {}",
        folder.0.join("pbx.password").display()
    );
    assert_eq!(warned(0o644), Some(expected.clone()));
    assert_eq!(warned(0o604), Some(expected));
    // The group may be the agent's own.
    assert_eq!(warned(0o640), None);
    assert_eq!(warned(0o602), None);
    // Nobody else comes as far as the file.
    fs::set_permissions(&folder.0, fs::Permissions::from_mode(0o750)).expect("set");
    assert_eq!(warned(0o644), None);
}

#[test]
fn a_file_or_variable_without_a_password_is_told() {
    let folder = Folder::new("none");
    let told = |text: &str| {
        let faults = folder.read(&format!("[[upstream]]\naor = \"sip:100@pbx\"\n{text}"));
        faults.expect_err("no password").to_string()
    };
    const HERE: &str = "\n  remedy: put the password there, on one line of at most 64 bytes";
    for text in ["", "\n", "one\ntwo\n", &"x".repeat(65)] {
        folder.write("empty", text, 0o600);
        let expected = format!("lamp.toml:4:17: there is no usable password{HERE}");
        assert_eq!(told("password_file = \"empty\""), expected);
    }
    assert_eq!(
        told("password_file = \"hunter2\""),
        "lamp.toml:4:17: the password's file cannot be read: No such file or directory (os error 2)\n  \
         remedy: name a file with the password and nothing else in it; a relative path counts from this \
         file's folder"
    );
    assert_eq!(
        told("password_env = \"hunter2\""),
        "lamp.toml:4:16: there is no environment variable of this name, or it is no text\n  \
         remedy: name a variable that the agent is started with, or name a file: \
         password_file = \"pbx.password\""
    );
    assert_eq!(
        told("password_env = \"PATH\"\npassword_file = \"empty\""),
        "lamp.toml:4:16: the password cannot come from two places\n  \
         remedy: leave out password_file or password_env"
    );
}

#[test]
fn a_password_in_the_configuration_is_sent_to_a_file_of_its_own() {
    const REMEDY: &str = "write the password, and nothing else, into a file that only this user may read, \
                          and the file's name here: password_file = \"pbx.password\"";
    for key in [
        "password",
        "Password",
        "passwort",
        "pasword",
        "paswort",
        "passwd",
        "pass",
        "pwd",
        "secret",
        "sip_secret",
        "credentials",
        "kennwort",
        "passphrase",
        "passwords",
        "auth_password",
    ] {
        let text = format!("[[upstream]]\naor = \"sip:1@h\"\n{key} = \"hunter2\"");
        let expected = format!("3:1: unknown key `{key}` in [[upstream]] | {REMEDY}");
        refused(&text, &[&expected]);
        let expected =
            format!("1:1: unknown key `{key}` in the file | {REMEDY}, below [[upstream]]");
        refused(&format!("{key} = 7"), &[&expected]);
    }
    for (key, meant) in [
        ("passwort_file", "password_file"),
        ("pasword_file", "password_file"),
        ("password_fiel", "password_file"),
        ("pass_env", "password_env"),
        ("password_evn", "password_env"),
    ] {
        let faults = read(&format!(
            "[[upstream]]\naor = \"sip:1@h\"\n{key} = \"hunter2\""
        ));
        let remedy = &faults.expect_err("unknown").faults[0].remedy;
        let is_safe = *remedy == format!("did you mean `{meant}`?") || remedy.starts_with(REMEDY);
        assert!(is_safe, "{key}: {remedy}");
    }
}

/// Whatever key it stands behind, in whatever table, however it is written: no mistake shows it.
#[test]
fn no_mistake_shows_a_password() {
    let mut keys = std::vec![
        "password",
        "passwort",
        "pw",
        "secret",
        "password_file",
        "password_env",
        "user",
        "realm",
        "p"
    ];
    keys.extend(["password_fiel", "x.password", "\"pass word\""]);
    let values = [
        "\"hunter2\"",
        "'hunter2'",
        "hunter2",
        "\"hunter2",
        "'hunter2",
        "\"\"\"hunter2",
        "“hunter2”",
        "hunter2\"",
        "[\"hunter2\"]",
        "[hunter2",
        "{ x = \"hunter2\" }",
        "{ hunter2",
        "\"hunter2\" x",
        "\"hunter2\\x\"",
        "\"100:hunter2\"",
        "= \"hunter2\"",
        "\n\"hunter2\"",
        "\"hunter2\\nhunter2\"",
        "\"\"\"\nhunter2\n\"\"\"",
    ];
    let heads = [
        "",
        "[subscriptions]\n",
        "[[upstream]]\naor = \"sip:1@h\"\n",
        "[[lamp]]\nname = \"blf1\"\n",
        "[[presentity]]\nuri = \"sip:1@h\"\n",
        "[[button]]\nname = \"dnd\"\n",
        "[upstream]\n",
        "[[upstream\n",
    ];
    let mut mistakes = 0;
    for head in heads {
        for key in &keys {
            for value in values {
                for text in [
                    format!("{head}{key} = {value}\n"),
                    format!("{head}{key} = {value}\n{key} = 1\nlog = 1\n"),
                ] {
                    mistakes += usize::from(is_silent(&text));
                }
            }
        }
    }
    assert!(mistakes > 2_000, "{mistakes}");
}

/// A password in an address is refused wherever one can stand, and not shown.
#[test]
fn no_address_shows_a_password() {
    let addresses = [
        "sip:100:hunter2@pbx",
        "sips:100:hunter2@pbx",
        "SIP:100:hunter2@pbx:5060;lr",
        "100:hunter2@pbx",
        "sip:100:hunter2",
        "sip:100:hun@hunter2@pbx",
        "tcp:100:hunter2@pbx",
        "sip:100@pbx?Authorization=hunter2",
        "pres:100:hunter2@pbx",
        "sip:100@pbx:hunter2",
        "sip:100:hunter2@",
        "sip:100:hunter2@pbx\\r\\nX: y",
    ];
    let places = [
        "[[upstream]]\naor = ",
        "[[upstream]]\naor = \"sip:1@h\"\nservers = ",
        "[[upstream]]\naor = \"sip:1@h\"\npresentity = ",
        "[[presentity]]\nuri = ",
        "[[lamp]]\nname = \"blf1\"\nwatch = ",
        "[[lamp]]\nname = \"blf1\"\nfrom = \"sip:1@h\"\nwatch = \"sip:a@b\"\nserver = ",
        "[[lamp]]\nname = \"blf1\"\nwatch = \"sip:a@b\"\nfrom = ",
        "[[presentity]]\nuri = \"sip:a@b\"\n[[lamp]]\nname = \"blf1\"\nshows = \"dnd\"\npresentity = ",
        "[[presentity]]\nuri = \"sip:a@b\"\n[[button]]\nname = \"dnd\"\ndoes = \"dnd\"\npresentity = ",
    ];
    for place in places {
        for address in addresses {
            assert!(
                is_silent(&format!("{place}\"{address}\"")),
                "{place}{address} is taken"
            );
        }
    }
    refused(
        "[[upstream]]\naor = \"sip:100:hunter2@pbx\"",
        &[
            "2:7: aor holds a password: \"sip:100:…@pbx\" | leave it out; it stands in a file, which password_file \
           of an [[upstream]] names",
        ],
    );
}

/// Whether `text` is refused; refused or not, nothing that is said of it has the password.
fn is_silent(text: &str) -> bool {
    let read = read(text);
    let told = match &read {
        Ok(configuration) => format!("{configuration}{:?}", configuration.warnings),
        Err(faults) => faults.to_string(),
    };
    assert!(!told.contains(SECRET), "{text}\nis told so: {told}");
    read.is_err()
}
