//! What a configuration means once it is in force: its warnings, its secrets, what is out of reach, and what a reload
//! cannot change.

use std::fs;
use std::net::UdpSocket;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::process::{Folder, Process, complaint, exits, free_port, json, lampfield, out};
use super::{ONE_LAMP, configured};

/// What nobody may see.
const SECRET: &str = "hunter2";

/// An account at a server of 127.0.0.1 that never answers.
fn account(server: u16, more: &str) -> String {
    format!("[[upstream]]\naor = \"sip:100@127.0.0.1\"\nservers = \"127.0.0.1:{server}\"\n{more}\n")
}

#[test]
fn a_password_in_the_configuration_is_refused_and_not_shown() {
    let folder = Folder::new("password");
    for (wrong, remedy) in [
        (account(9, "password = \"hunter2\""), "password_file = "),
        (account(9, "passwort = hunter2"), "text in double quotes"),
        (
            account(9, "password_file = \"hunter2\""),
            "name a file with the password",
        ),
        (account(9, "password_env = \"hunter2\""), "name a variable"),
        (
            "[[upstream]]\naor = \"sip:100:hunter2@pbx\"\n".to_string(),
            "password_file of an",
        ),
    ] {
        let file = folder.file("lamp.toml", &wrong);
        for command in [&["check", &file][..], &["run", "--config", &file]] {
            let refused = lampfield(command);
            exits(&refused, 2);
            let told = complaint(&refused);
            assert!(told.contains(remedy), "{told}");
            assert!(
                !format!("{told}{}", out(&refused)).contains(SECRET),
                "{told}"
            );
        }
    }
}

#[test]
fn a_password_that_others_can_read_is_a_warning_of_check_and_at_the_start() {
    let folder = Folder::new("readable");
    let password = folder.file("pbx.password", SECRET);
    let registrar = silent("127.0.0.1:0");
    let server = registrar.local_addr().expect("bound").port();
    let file = folder.file(
        "lamp.toml",
        &account(server, "password_file = \"pbx.password\""),
    );
    let mode = |mode: u32| {
        let rights = fs::Permissions::from_mode(mode);
        fs::set_permissions(&password, rights).expect("it is ours");
    };
    mode(0o644);
    let good = lampfield(&["check", &file]);
    exits(&good, 0);
    assert!(out(&good).starts_with(&format!("{file}: good\n")));
    let warning = format!(
        "{file}:4:17: warning: others can read the password's file\n  \
         remedy: take that right from them: chmod o= {password}\n"
    );
    assert_eq!(complaint(&good), format!("\n{warning}"));
    let control = folder.path("control.sock");
    let listen = ["--listen", "udp:127.0.0.1:0", "--control", &control];
    let process = Process::start_logging(&[&["run", "--config", &file], &listen[..]].concat());
    for line in warning.lines() {
        process.wait_for(|logged| logged.ends_with(line));
    }
    process.wait_for(|line| line.contains("ready, sip on "));
    drop(process);
    mode(0o640);
    let quiet = lampfield(&["check", &file]);
    exits(&quiet, 0);
    assert_eq!(complaint(&quiet), "");
}

#[test]
fn who_is_out_of_reach_is_a_warning_and_the_cause_that_why_tells() {
    let folder = Folder::new("reach");
    let lamp = "[[presentity]]\nuri = \"sip:desk@127.0.0.1\"\n\
                [[lamp]]\nname = \"blf1\"\nwatch = \"sip:bob@192.0.2.1\"\n\
                [[lamp]]\nname = \"blf2\"\nwatch = \"sip:bob@127.0.0.1\"\nserver = \"127.0.0.1:9\"\n";
    let file = folder.file("check.toml", lamp);
    let good = lampfield(&["check", &file]);
    exits(&good, 0);
    assert_eq!(
        complaint(&good),
        format!(
            "\n{file}:1:1: warning: the agent speaks to this machine alone, and sip:bob@192.0.2.1 is \
             elsewhere\n  remedy: add listen = [\"udp:0.0.0.0:5060\"] before the first [table], or this \
             machine's own address\n"
        )
    );
    let agent = configured(&folder, free_port(), lamp);
    let asked = |lamp: &str| {
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            let why = json(&agent.ask(&["why", lamp, "--json"]));
            // It has been tried once.
            if why["watch"]["remote"].is_string() {
                return why;
            }
            assert!(Instant::now() < until, "{why}");
        }
    };
    let why = asked("blf1");
    let cause = format!(
        "the agent speaks to this machine alone (udp:127.0.0.1:{0}, tcp:127.0.0.1:{0}), and 192.0.2.1 is elsewhere",
        agent.port
    );
    assert_eq!(why["cause"], Value::from(cause.as_str()), "{why}");
    let remedy = why["remedy"].as_str().expect("a remedy");
    assert!(remedy.starts_with("add listen = "), "{remedy}");
    let told = out(&agent.ask(&["why", "blf1"]));
    assert!(
        told.contains(&format!(
            "\ncause          {cause}\nremedy         add listen"
        )),
        "{told}"
    );
    let why = asked("blf2");
    assert_eq!([&why["cause"], &why["remedy"]], [&Value::Null; 2], "{why}");
}

/// ```text
/// agent ── SUBSCRIBE ──► 127.0.0.1: 200 ── asks its other half ──► 127.0.0.2 ── NOTIFY ──► agent: 403
/// ```
#[test]
fn why_names_whose_notify_was_refused_and_the_remedy() {
    let (asked, other) = (silent("127.0.0.1:0"), silent("127.0.0.2:0"));
    let [server, elsewhere] = [&asked, &other].map(|it| it.local_addr().expect("bound"));
    let folder = Folder::new("distrust");
    let lamp = format!(
        "trusted = []\n[[presentity]]\nuri = \"sip:desk@127.0.0.1\"\n\
         [[lamp]]\nname = \"blf1\"\nwatch = \"sip:bob@127.0.0.1\"\nserver = \"{server}\"\n"
    );
    let agent = configured(&folder, free_port(), &lamp);
    let mut buf = [0; 4_096];
    let (length, from) = asked.recv_from(&mut buf).expect("a SUBSCRIBE");
    let subscribe = String::from_utf8_lossy(&buf[..length]).into_owned();
    let rows = |names: &[&str]| {
        let wanted = |row: &&str| names.iter().any(|name| row.starts_with(name));
        let rows: Vec<&str> = subscribe.split("\r\n").filter(wanted).collect();
        rows.join("\r\n")
    };
    let ok = format!(
        "SIP/2.0 200 OK\r\n{}\r\nContact: <sip:bob@{server}>\r\nExpires: 300\r\n\r\n",
        rows(&["Via:", "From:", "To:", "Call-ID:", "CSeq:"])
            .replace("To: <sip:bob@127.0.0.1>", "To: <sip:bob@127.0.0.1>;tag=bob")
    );
    asked.send_to(ok.as_bytes(), from).expect("sent");
    let body = "<dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version=\"0\" state=\"full\" \
                entity=\"sip:bob@127.0.0.1\"/>";
    let contact = subscribe
        .split("Contact: <")
        .nth(1)
        .and_then(|it| it.split('>').next());
    let swapped = rows(&["From:", "To:"])
        .replace("From:", "To-:")
        .replace("To:", "From:")
        .replace("To-:", "To:");
    let notify = |by: &UdpSocket| {
        let here = by.local_addr().expect("bound");
        let text = format!(
            "NOTIFY {} SIP/2.0\r\nVia: SIP/2.0/UDP {here};branch=z9hG4bK{}\r\nMax-Forwards: 70\r\n\
             {}\r\n{}\r\nCSeq: 1 NOTIFY\r\nContact: <sip:bob@{here}>\r\nEvent: dialog\r\n\
             Subscription-State: active;expires=300\r\nContent-Type: application/dialog-info+xml\r\n\
             Content-Length: {}\r\n\r\n{body}",
            contact.expect("a Contact"),
            here.port(),
            swapped.replace(
                "From: <sip:bob@127.0.0.1>",
                "From: <sip:bob@127.0.0.1>;tag=bob"
            ),
            rows(&["Call-ID:"]),
            body.len()
        );
        by.send_to(text.as_bytes(), from).expect("sent");
        let mut buf = [0; 4_096];
        let length = by.recv(&mut buf).expect("an answer");
        String::from_utf8_lossy(&buf[..length]).into_owned()
    };
    let answer = notify(&other);
    assert!(answer.starts_with("SIP/2.0 403 "), "{answer}");
    let why = json(&agent.ask(&["why", "blf1", "--json"]));
    let cause = format!(
        "a NOTIFY from {elsewhere} was refused: nobody was asked there, and it is not trusted"
    );
    assert_eq!(why["cause"], Value::from(cause.as_str()), "{why}");
    let told = out(&agent.ask(&["why", "blf1"]));
    let remedy = "if it is the server's too, add \"127.0.0.2\" to `trusted`";
    assert!(
        told.contains(&format!(
            "\ncause          {cause}\nremedy         {remedy}\n"
        )),
        "{told}"
    );
    let answer = notify(&asked);
    assert!(answer.starts_with("SIP/2.0 200 "), "{answer}");
    let why = json(&agent.ask(&["why", "blf1", "--json"]));
    assert_eq!(
        [&why["cause"], &why["lamp"]["look"]],
        [&Value::Null, &"green".into()],
        "{why}"
    );
}

/// A peer that says nothing by itself; what it waits for comes soon or not at all.
fn silent(address: &str) -> UdpSocket {
    let socket = UdpSocket::bind(address).expect("a free port");
    let limit = Some(Duration::from_secs(20));
    socket.set_read_timeout(limit).expect("set");
    socket
}

/// An agent that takes everything from its file, in `folder`.
fn by_its_file(folder: &Folder, text: &str) -> Process {
    let file = folder.file("lamp.toml", text);
    let process = Process::start_logging(&["run", "--config", &file]);
    process.wait_for(|line| line.contains("ready, sip on "));
    process
}

#[test]
fn a_reload_says_what_takes_a_restart_and_control_counts_from_its_file() {
    let folder = Folder::new("restart");
    let good = format!(
        "listen = \"udp:127.0.0.1:{}\"\ncontrol = \"own.sock\"\n{ONE_LAMP}",
        free_port()
    );
    let process = by_its_file(&folder, &good);
    let control = folder.path("own.sock");
    exits(&lampfield(&["status", "--control", &control]), 0);
    let reload = |text: &str, expected: &[&str]| {
        folder.file("lamp.toml", text);
        process.signal("HUP");
        for end in expected {
            process.wait_for(|line| line.ends_with(end));
        }
    };
    const READ: &str = "configuration read again";
    const CHANGED: &str = "changed, but counting only from the next start on: ";
    for (text, keys) in [
        (good.replace("own.sock", "other.sock"), "`control`"),
        (format!("log = \"debug\"\n{good}"), "`log`"),
        (
            format!(
                "sandbox = false\nstate = \"kept\"\n{}",
                good.replacen("udp:", "tcp:", 1)
            ),
            "`listen`, `state`, `sandbox`",
        ),
    ] {
        reload(&text, &[&format!("{CHANGED}{keys}"), READ]);
    }
    let other = "name = \"o\"\nbackend = \"sim\"\n[[button]]\nname = \"dnd\"\n\
                 [[lamp]]\nname = \"blf1\"\ncolours = [\"red\"]\n";
    folder.file("other.toml", other);
    let refused = [
        "the board has changed: start the agent again",
        "the configuration in force goes on",
    ];
    let keys = format!("{CHANGED}`board`, `log`");
    reload(
        &format!("board = \"other.toml\"\nlog = \"off\"\n{good}"),
        &[&keys, refused[0], refused[1]],
    );
    // What is as it was at the start takes none.
    folder.file("lamp.toml", &good);
    process.signal("HUP");
    let next = process.wait_for(|_| true);
    assert!(next.ends_with(READ), "{next}");
    exits(&lampfield(&["status", "--control", &control]), 0);
}

/// The sandbox was closed before the configuration named the folder.
#[test]
fn a_reload_says_that_the_sandbox_hides_a_password() {
    let (folder, elsewhere) = (Folder::new("sandboxed"), Folder::new("elsewhere"));
    let registrar = silent("127.0.0.1:0");
    let server = registrar.local_addr().expect("bound").port();
    let file = folder.file("lamp.toml", ONE_LAMP);
    let control = folder.path("control.sock");
    let listen = [
        "--listen",
        "udp:127.0.0.1:0",
        "--control",
        &control,
        "--log",
        "debug",
    ];
    let process = Process::start_logging(&[&["run", "--config", &file], &listen[..]].concat());
    let sandbox = process.wait_for(|line| line.contains("sandbox"));
    process.wait_for(|line| line.contains("ready, sip on "));
    if sandbox.contains("no sandbox") {
        eprintln!("this kernel has no Landlock: nothing was tested");
        return;
    }
    let hidden = elsewhere.file("pbx.password", "hunter2\n");
    folder.file(
        "lamp.toml",
        &account(server, &format!("password_file = \"{hidden}\"")),
    );
    exits(&lampfield(&["check", &file]), 0);
    process.signal("HUP");
    process.wait_for(|line| {
        line.contains("lamp.toml:4:17: the password's file cannot be read: Permission denied")
    });
    process.wait_for(|line| {
        line.ends_with(
            "  remedy: the sandbox of the running agent hides it: start the agent again, which opens what its \
             configuration names then; or put the file beside the configuration",
        )
    });
    process.wait_for(|line| line.ends_with("the configuration in force goes on"));
    folder.file("pbx.password", "hunter2\n");
    folder.file(
        "lamp.toml",
        &account(server, "password_file = \"pbx.password\""),
    );
    process.signal("HUP");
    process.wait_for(|line| line.ends_with("configuration read again"));
}
