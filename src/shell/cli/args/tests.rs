//! Each command as it is typed, and each way to type it wrong.

use super::*;
use crate::shell::control::policy::Asked;
use crate::shell::tls::{self, Wanted};

mod documents;
mod users;

fn read(line: &[&str]) -> Result<Command, Usage> {
    let words: Vec<OsString> = line.iter().map(OsString::from).collect();
    parse(words)
}

#[track_caller]
fn means(line: &[&str], command: &Command) {
    assert_eq!(read(line).as_ref(), Ok(command));
}

#[track_caller]
fn asks(line: &[&str], question: Question) {
    let command = Command::Ask(Ask {
        control: None,
        question,
    });
    means(line, &command);
}

#[track_caller]
fn wrong(line: &[&str], what: &str, remedy: &str) {
    assert_eq!(read(line), Err(Usage::new(what, remedy)));
}

#[test]
fn without_a_command_it_runs() {
    means(&[], &Command::Run(Run::default()));
    means(&["run"], &Command::Run(Run::default()));
    let all = Command::Run(Run {
        config: Some(PathBuf::from("a.toml")),
        board: Some("sim".to_string()),
        listen: ["udp:0.0.0.0:5060", "udp:[::]:5060"]
            .iter()
            .map(|it| it.parse().expect("a listener"))
            .collect(),
        control: Some(PathBuf::from("/c")),
        state: Some(PathBuf::from("/s")),
        log: Some("debug"),
    });
    let options = [
        "--config",
        "a.toml",
        "--board=sim",
        "--listen",
        "udp:0.0.0.0:5060",
        "--listen",
        "udp:[::]:5060",
        "--control=/c",
        "--state=/s",
        "--log",
        "debug",
    ];
    means(&options, &all);
    let mut with_command = Vec::from(["run"]);
    with_command.extend(options);
    means(&with_command, &all);
}

#[test]
fn questions_are_read() {
    asks(&["status"], Question::Status { json: false });
    asks(&["status", "--json"], Question::Status { json: true });
    let lamps = Question::Lamps {
        json: true,
        follow: true,
    };
    asks(&["lamps", "--follow", "--json"], lamps);
    asks(&["lamps", "--test"], Question::TestLamps);
    wrong(
        &["lamps", "--test", "--json"],
        "--test shows nothing here",
        "leave out --json and --follow",
    );
    #[cfg(not(feature = "tls"))]
    wrong(
        &["watch", "sips:bob@pbx"],
        "sips:bob@pbx can only be asked over TLS",
        crate::shell::tls::TAKE_ANOTHER,
    );
    asks(&["watchers"], Question::Watchers { json: false });
    asks(
        &["registrations", "--json"],
        Question::Registrations { json: true },
    );
    asks(
        &["publications", "--json"],
        Question::Publications { json: true },
    );
    let press = |lasts| Question::Press {
        button: "dnd".to_string(),
        lasts,
    };
    asks(&["press", "dnd"], press(None));
    let lasts = Some(crate::ground::time::Duration::from_millis(1_500));
    asks(&["press", "--for", "1.5", "dnd"], press(lasts));
    asks(&["release", "hook"], Question::Release("hook".to_string()));
    for what in ["allow", "block", "polite-block", "forget"] {
        for named in ["sip:eve@host", "198.51.100.7", "2001:db8::7", "user:eve"] {
            let decide = |event, until: Option<&str>| Question::Decide {
                watcher: named.to_string(),
                what,
                event,
                until: until.map(str::to_string),
            };
            asks(&[what, named], decide(None, None));
            if what != "forget" {
                let line = [what, named, "--event", "dialog", "--until", "2026-12-24"];
                asks(&line, decide(Some(Package::Dialog), Some("2026-12-24")));
            }
        }
    }
    let asked = Asked {
        watcher: "ann".to_string(),
        event: Some("dialog".to_string()),
        presentity: Some("sip:desk@host".to_string()),
        at: Some("Fri 18:30".to_string()),
    };
    let line = [
        "policy",
        "ann",
        "--event",
        "dialog",
        "--presentity",
        "sip:desk@host",
    ];
    let more = ["--at", "Fri 18:30", "--config", "a.toml", "--json"];
    let config = Some(PathBuf::from("a.toml"));
    let policy = Question::Policy {
        asked,
        config,
        json: true,
    };
    asks(&[&line[..], &more].concat(), policy);
    let why = Question::Why {
        lamp: "blf1".to_string(),
        json: false,
    };
    asks(&["why", "blf1"], why);
    let elsewhere = Command::Ask(Ask {
        control: Some(PathBuf::from("/tmp/c")),
        question: press(None),
    });
    means(&["press", "--control", "/tmp/c", "dnd"], &elsewhere);
}

#[test]
fn facts_are_read_with_their_values() {
    for (what, value) in [
        ("dnd", "on"),
        ("dnd", "off"),
        ("hook", "up"),
        ("hook", "down"),
        ("idle", "on"),
        ("activity", "meeting"),
        ("activity", "none"),
        ("note", "back at four"),
        ("note", ""),
    ] {
        let set = Set {
            what,
            value: value.to_string(),
            besides: Vec::new(),
        };
        asks(&["set", what, value], Question::Set(set));
    }
    let set = Set {
        what: "dnd",
        value: "on".to_string(),
        besides: [("presentity", "sip:a@b".to_string())].to_vec(),
    };
    asks(
        &["set", "dnd", "on", "--presentity", "sip:a@b"],
        Question::Set(set),
    );
}

#[test]
fn a_call_is_told_with_what_is_known_of_it() {
    let set = Set {
        what: "call",
        value: "ringing".to_string(),
        besides: [
            ("peer", "sip:bob@b"),
            ("direction", "out"),
            ("id", "line 2"),
            ("for", "30"),
        ]
        .map(|(name, value)| (name, value.to_string()))
        .to_vec(),
    };
    let line = [
        "set",
        "call",
        "ringing",
        "--id",
        "line 2",
        "--for",
        "30",
        "--direction",
        "out",
        "--peer",
        "sip:bob@b",
    ];
    asks(&line, Question::Set(set));
    for (wrong_one, what, remedy) in [
        (
            &["--peer", "bob"][..],
            "--peer cannot be \"bob\"",
            "write sip:name@host or tel:number, at most 96 bytes",
        ),
        (
            &["--direction", "up"],
            "--direction cannot be \"up\"",
            "write in or out",
        ),
        (
            &["--for", "0"],
            "--for cannot be \"0\"",
            "write seconds from 1 to 86400",
        ),
    ] {
        let line = [&["set", "call", "talking"], wrong_one].concat();
        wrong(&line, what, remedy);
    }
    wrong(
        &["set", "call", "busy"],
        "call cannot be \"busy\"",
        "write ringing, talking, held, none",
    );
    wrong(
        &["set", "dnd", "on", "--for", "5"],
        "--for means nothing with dnd",
        "it is for `lampfield set call`",
    );
}

#[test]
fn wrong_facts_are_told_with_what_would_be_right() {
    wrong(
        &["set", "dnd", "up"],
        "dnd cannot be \"up\"",
        "write on or off",
    );
    wrong(
        &["set", "hook", "on"],
        "hook cannot be \"on\"",
        "write up or down",
    );
    wrong(
        &["set", "dmd", "on"],
        "there is no \"dmd\" to set",
        "did you mean `dnd`?",
    );
    wrong(
        &["set", "activity", "dancing"],
        "activity cannot be \"dancing\"",
        "write an activity of RFC 4480 §3.2 as meeting or away, or none",
    );
    wrong(
        &["set", "note", "a\nb"],
        "note cannot be \"a\\nb\"",
        "write a line of at most 128 bytes, or \"\" for none",
    );
    wrong(
        &["set", "dnd"],
        "set needs more words",
        "write lampfield set dnd|hook|activity|note|idle|call VALUE",
    );
}

#[test]
fn a_diagnostic_watch_is_read() {
    let plain = Watch {
        target: "sip:bob@host".to_string(),
        package: Package::Dialog,
        server: None,
        from: None,
        login: None,
        tls: Wanted {
            is_used: tls::IS_HERE,
            ..Wanted::default()
        },
        seconds: None,
        json: false,
    };
    means(&["watch", "sip:bob@host"], &Command::Watch(plain.clone()));
    let full = Watch {
        package: Package::Presence,
        server: Some("[::1]:5070".to_string()),
        from: Some("sip:me@host".to_string()),
        seconds: Some(5),
        json: true,
        ..plain
    };
    let line = [
        "watch",
        "sip:bob@host",
        "--event=presence",
        "--server=[::1]:5070",
        "--from=sip:me@host",
        "--seconds=5",
        "--json",
    ];
    means(&line, &Command::Watch(full));
    wrong(
        &["watch", "bob"],
        "\"bob\" is no address",
        "write sip:name@host",
    );
    let watch = |option: &'static str| ["watch", "sip:b@c", option];
    wrong(
        &watch("--event=presense"),
        "there is no event \"presense\"",
        "did you mean `presence`?",
    );
    wrong(
        &watch("--seconds=0"),
        "\"0\" is no number of seconds",
        "write a number from 1 to 86400",
    );
    wrong(
        &watch("--pin=pbx.example"),
        match tls::IS_HERE {
            true => "\"pbx.example\" is no pin",
            false => "there is no TLS here",
        },
        match tls::IS_HERE {
            true => "write \"HOST sha256:DIGITS\", as lampfield certificate show prints them",
            false => tls::TAKE_ANOTHER,
        },
    );
    wrong(
        &watch("--server=a b"),
        "\"a b\" is no server",
        "write host or host:port, an IPv6 address in brackets",
    );
}

#[test]
fn a_diagnostic_watch_has_a_password_from_elsewhere() {
    let secret = |more: &[&str]| {
        let line: Vec<&str> = ["watch", "sip:b@c", "--user", "100"]
            .iter()
            .chain(more)
            .copied()
            .collect();
        match read(&line) {
            Ok(Command::Watch(watch)) => watch.login.map(|it| (it.user, it.secret)),
            other => panic!("{other:?}"),
        }
    };
    let of = |secret| Some(("100".to_string(), secret));
    let usual = of(Secret::Variable("LAMPFIELD_PASSWORD".to_string()));
    assert_eq!(secret(&[]), usual);
    let variable = of(Secret::Variable("PBX".to_string()));
    assert_eq!(secret(&["--password-env", "PBX"]), variable);
    let file = of(Secret::File(PathBuf::from("pbx.password")));
    assert_eq!(secret(&["--password-file", "pbx.password"]), file);
    wrong(
        &["watch", "sip:b@c", "--password-file", "a"],
        "a password needs a user",
        "add --user NAME",
    );
    wrong(
        &[
            "watch",
            "sip:b@c",
            "--user",
            "a",
            "--password-file",
            "a",
            "--password-env",
            "b",
        ],
        "the password cannot come from two places",
        "leave out --password-file or --password-env",
    );
    wrong(
        &["watch", "sip:b@c", "--user="],
        "\"\" is no user",
        "write 1 to 64 bytes without quotes",
    );
}

#[test]
fn what_needs_no_agent_is_read() {
    let check = Command::Check {
        file: PathBuf::from("a.toml"),
        board: None,
    };
    means(&["check", "a.toml"], &check);
    means(&["boards"], &Command::Boards(None));
    means(&["capacity"], &Command::Capacity { json: false });
    means(&["capacity", "--json"], &Command::Capacity { json: true });
    for line in [["version"], ["--version"], ["-V"]] {
        means(&line, &Command::Version);
    }
    for line in [["help"], ["--help"], ["-h"]] {
        means(&line, &Command::Help);
    }
    means(&["press", "--help"], &Command::Help);
    means(&["run", "-h"], &Command::Help);
    means(&["boards", "-h"], &Command::Help);
}

#[test]
fn wrong_lines_are_told_with_what_to_do() {
    wrong(
        &["lamp"],
        "there is no command \"lamp\"",
        "did you mean `lamps`?",
    );
    wrong(
        &["--verbose"],
        "run has no option --verbose",
        "use one of: --config, --board, --listen, --control, --state, --log",
    );
    wrong(
        &["lamps", "--folow"],
        "lamps has no option --folow",
        "did you mean `--follow`?",
    );
    wrong(&["boards", "-x"], "boards has no option -x", SEE_HELP);
    wrong(
        &["status", "now"],
        "\"now\" is too much",
        "write lampfield status",
    );
    wrong(
        &["press"],
        "press needs more words",
        "write lampfield press NAME [--for SECONDS]",
    );
    wrong(
        &["press", "dnd", "--for", "NaN"],
        "\"NaN\" is no time to hold a button",
        "write seconds from 0 to 3600, as 1.5",
    );
    wrong(
        &["boards", "sim", "more"],
        "\"more\" is too much",
        "write lampfield boards [NAME]",
    );
    wrong(
        &["check", "a", "b"],
        "\"b\" is too much",
        "write lampfield check FILE [--board NAME|FILE]",
    );
    wrong(
        &["check"],
        "check needs more words",
        "write lampfield check FILE [--board NAME|FILE]",
    );
    wrong(
        &["press", "../status"],
        "no button is called \"../status\"",
        "see `lampfield lamps` and `lampfield boards` for the names",
    );
    wrong(
        &["run", "--config"],
        "missing argument for option '--config'",
        SEE_HELP,
    );
    #[cfg(not(feature = "tls"))]
    wrong(
        &["run", "--listen", "tls:0.0.0.0:5061"],
        "cannot listen on \"tls:0.0.0.0:5061\"",
        crate::shell::tls::TAKE_ANOTHER,
    );
    wrong(
        &["--log=loud"],
        "there is no log level \"loud\"",
        "use one of: off, error, warn, info, debug, trace",
    );
    wrong(
        &["status", "--json=yes"],
        "unexpected argument for option '--json': \"yes\"",
        SEE_HELP,
    );
}

#[test]
fn no_password_of_an_address_is_said_again() {
    for line in [
        &["watch", "sip:100:hunter2@pbx"][..],
        &["watch", "100:hunter2@pbx"],
        &["watch", "sip:a@b", "--from", "sip:100:hunter2@pbx"],
        &["watch", "sip:a@b", "--server", "100:hunter2@pbx"],
        &["watch", "sip:a@b", "--user", "100:hunter2"],
        &["watch", "sip:a@b", "--user", "100", "--password", "hunter2"],
        &["set", "dnd", "on", "--presentity", "sip:100:hunter2@pbx"],
        &["allow", "100:hunter2@pbx"],
        &["run", "--password", "hunter2"],
        &["run", "--password=hunter2"],
    ] {
        let wrong = read(line).expect_err("a password");
        let told = format!("{} {}", wrong.what, wrong.remedy);
        assert!(!told.contains("hunter2"), "{told}");
    }
    wrong(
        &["watch", "sip:100:hunter2@pbx"],
        "\"sip:100:…@pbx\" holds a password",
        "write sip:name@host",
    );
}
