//! The program as a user meets it: real processes, real sockets on loopback, exit codes and texts.

#![cfg(feature = "std")]

#[path = "cli/accounts.rs"]
mod accounts;
#[path = "cli/configuration.rs"]
mod configuration;
#[path = "cli/process.rs"]
mod process;
#[path = "cli/users.rs"]
mod users;

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

use process::{Agent, Folder, Process, complaint, exits, free_port, json, lampfield, out};
use serde_json::Value;

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
    assert!(out(&boards).starts_with("sim "));
    let template = lampfield(&["boards", "template"]);
    exits(&template, 0);
    assert_eq!(out(&template), include_str!("../boards/template.toml"));
    exits(&lampfield(&["boards", "nothing"]), 2);
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
        &["publications"],
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

/// Whether a line of `lamps --follow --json` is about this lamp with this look.
fn shows<'l>(lamp: &'l str, look: &'l str) -> impl Fn(&str) -> bool + 'l {
    move |line| {
        let value: Value = serde_json::from_str(line).expect("a line of JSON");
        value["name"] == lamp && value["look"] == look
    }
}

/// ```text
/// press dnd ──► control socket ──► presence of sip:desk ──NOTIFY over loopback──► lamp blf1
/// ```
#[test]
fn pressing_dnd_turns_the_lamp_red_and_again_green() {
    let folder = Folder::new("dnd");
    let agent = Agent::start(&folder, &[]);
    let lamps = agent.follow();
    lamps.wait_for(shows("blf1", "green"));
    exits(&agent.ask(&["press", "dnd"]), 0);
    lamps.wait_for(shows("blf1", "red"));

    let all = json(&agent.ask(&["lamps", "--json"]));
    assert_eq!(all.as_array().map(Vec::len), Some(4), "{all}");
    let first = &all[0];
    assert_eq!(first["name"], "blf1");
    assert_eq!(first["look"], "red");
    assert_eq!(first["watches"], "sip:desk@127.0.0.1");
    assert!(
        first["state"].is_string() && first["since_s"].is_number(),
        "{first}"
    );
    assert!(first.get("since").is_some());
    assert_eq!(all[1]["look"], "off", "blf2 watches nobody");
    assert_eq!(all[1]["watches"], Value::Null);

    let status = json(&agent.ask(&["status", "--json"]));
    assert_eq!(status["presentities"][0]["uri"], "sip:desk@127.0.0.1");
    assert_eq!(status["presentities"][0]["basic"], "closed");
    assert!(status["presentities"][0]["activities"].is_array());
    assert!(status["presentities"][0].get("note").is_some());
    assert_eq!(status["subscriptions"], 1);
    assert_eq!(status["watches"], 1);
    assert_eq!(status["publications"], 0);
    assert!(status["uptime_s"].is_number());

    exits(&agent.ask(&["press", "dnd"]), 0);
    lamps.wait_for(shows("blf1", "green"));
}

#[test]
fn the_handset_shows_on_the_lamp_until_it_is_put_down() {
    let folder = Folder::new("hook");
    let agent = Agent::start(&folder, &[]);
    let lamps = agent.follow();
    lamps.wait_for(shows("blf1", "green"));
    exits(&agent.ask(&["press", "hook"]), 0);
    lamps.wait_for(shows("blf1", "red"));
    exits(&agent.ask(&["release", "hook"]), 0);
    lamps.wait_for(shows("blf1", "green"));
}

#[test]
fn facts_that_are_set_show_in_the_status() {
    let folder = Folder::new("set");
    let agent = Agent::start(&folder, &[]);
    for (what, value) in [
        ("note", "back at four"),
        ("activity", "meeting"),
        ("hook", "up"),
    ] {
        exits(&agent.ask(&["set", what, value]), 0);
    }
    let status = json(&agent.ask(&["status", "--json"]));
    let desk = &status["presentities"][0];
    assert_eq!(desk["note"], "back at four");
    assert_eq!(desk["hook"], "up");
    let activities = desk["activities"].as_array().expect("a list");
    for activity in ["meeting", "on-the-phone"] {
        assert!(activities.iter().any(|it| it == activity), "{status}");
    }
    exits(&agent.ask(&["set", "note", ""]), 0);
    exits(&agent.ask(&["set", "activity", "none"]), 0);
    let status = json(&agent.ask(&["status", "--json"]));
    assert_ne!(status["presentities"][0]["note"], "back at four");
    assert_eq!(
        status["presentities"][0]["activities"],
        serde_json::json!(["on-the-phone"])
    );
}

#[test]
fn status_watchers_and_why_speak_to_people() {
    let folder = Folder::new("words");
    let agent = Agent::start(&folder, &[]);
    agent.follow().wait_for(shows("blf1", "green"));
    let status = out(&agent.ask(&["status"]));
    assert!(status.starts_with(concat!("lampfield ", env!("CARGO_PKG_VERSION"), ", up ")));
    assert!(
        status.contains(&format!("listens on udp:127.0.0.1:{}\n", agent.port)),
        "{status}"
    );
    let watchers = out(&agent.ask(&["watchers"]));
    assert!(watchers.starts_with("WATCHER "), "{watchers}");
    assert!(watchers.contains("  dialog  active  "), "{watchers}");
    let why = out(&agent.ask(&["why", "blf1"]));
    assert!(
        why.starts_with("blf1 shows green: idle (the default look)\n"),
        "{why}"
    );
    assert!(
        why.contains("\nwatches        sip:desk@127.0.0.1 (dialog)\n"),
        "{why}"
    );
    assert!(why.contains("\nlast NOTIFY    "), "{why}");
    let nobody = out(&agent.ask(&["why", "blf4"]));
    assert!(nobody.starts_with("blf4 shows off: "), "{nobody}");
    assert!(nobody.contains(": it watches nobody\n"), "{nobody}");
}

#[test]
fn a_press_that_counts_as_chatter_says_so_and_exits_with_1() {
    /// As many presses in one piece as no hand makes in a second.
    const BURST: usize = 40;
    let folder = Folder::new("chatter");
    let agent = Agent::start(&folder, &[]);
    let request = "POST /press/dnd HTTP/1.1\r\n\r\n".repeat(BURST - 1)
        + "POST /press/dnd HTTP/1.1\r\nConnection: close\r\n\r\n";
    let chatters = (0..50).find_map(|_| {
        let mut stream = UnixStream::connect(&agent.control).expect("it listens");
        stream.write_all(request.as_bytes()).expect("written");
        let mut answers = String::new();
        stream.read_to_string(&mut answers).expect("answered");
        assert_eq!(answers.matches("HTTP/1.1 ").count(), BURST);
        assert!(answers.contains("HTTP/1.1 429 "), "{answers}");
        // On a busy machine a second may be over until then, and the button is heard again.
        let press = agent.ask(&["press", "dnd"]);
        (!press.status.success()).then_some(press)
    });
    let press = chatters.expect("a press within a second");
    exits(&press, 1);
    assert_eq!(
        complaint(&press),
        "lampfield: the button dnd moves more often than a hand can: it is not heard until it is quiet for 1 s\n"
    );
}

#[test]
fn what_the_agent_refuses_exits_with_1_and_its_words() {
    let folder = Folder::new("refused");
    let agent = Agent::start(&folder, &[]);
    let button = agent.ask(&["press", "door"]);
    exits(&button, 1);
    assert_eq!(
        complaint(&button),
        "lampfield: there is no button \"door\"; there are: hook, dnd\n"
    );
    let lamp = agent.ask(&["why", "blf9"]);
    exits(&lamp, 1);
    assert_eq!(
        complaint(&lamp),
        "lampfield: there is no lamp \"blf9\"; there are: blf1, blf2, blf3, blf4\n"
    );
    exits(
        &agent.ask(&["set", "dnd", "on", "--presentity", "sip:no@one"]),
        1,
    );
}

#[test]
fn a_diagnostic_watcher_prints_each_state() {
    let folder = Folder::new("watch");
    let agent = Agent::start(&folder, &[]);
    for event in ["dialog", "presence"] {
        let server = format!("127.0.0.1:{}", agent.port);
        let watcher = Process::start(&[
            "watch",
            "sip:desk@127.0.0.1",
            "--server",
            &server,
            "--event",
            event,
            "--json",
        ]);
        let is = |state: &'static str| {
            move |line: &str| {
                let value: Value = serde_json::from_str(line).expect("a line of JSON");
                value["package"] == event && value["state"] == state
            }
        };
        watcher.wait_for(is("idle"));
        exits(&agent.ask(&["set", "hook", "up"]), 0);
        watcher.wait_for(is("busy"));
        exits(&agent.ask(&["set", "hook", "down"]), 0);
        watcher.wait_for(is("idle"));
        watcher.signal("TERM");
        assert_eq!(watcher.end(), Some(0));
    }
}

/// ```text
/// watch ── SUBSCRIBE ──► agent: pending ──► log        allow ──► agent ── NOTIFY ──► watch: idle
/// ```
#[test]
fn a_stranger_waits_until_it_is_allowed() {
    let folder = Folder::new("ask");
    let text = "trusted = []\nstrangers = \"ask\"\n[[presentity]]\nuri = \"sip:desk@127.0.0.1\"\n";
    let file = folder.file("lamp.toml", text);
    let agent = Agent::start(&folder, &["--config", &file]);
    let server = format!("127.0.0.1:{}", agent.port);
    let arguments = ["watch", "sip:desk@127.0.0.1", "--json", "--server", &server];
    let own = ["--from", "sip:eve@127.0.0.1", "--event", "presence"];
    let watcher = Process::start(&[&arguments[..], &own].concat());
    agent
        .process
        .wait_for(|line| line.contains(" waits to be allowed"));
    let watchers = json(&agent.ask(&["watchers", "--json"]));
    assert_eq!(watchers[0]["state"], "pending");

    let nobody = agent.ask(&["block", "sip:bob@127.0.0.1"]);
    exits(&nobody, 1);
    assert_eq!(
        complaint(&nobody),
        "lampfield: there is no waiting watcher \"sip:bob@127.0.0.1\"; there are: \
         sip:eve@127.0.0.1\n"
    );
    exits(&agent.ask(&["allow", "127.0.0.1"]), 0);
    watcher.wait_for(|line| line.contains("\"state\":\"idle\""));
    let watchers = json(&agent.ask(&["watchers", "--json"]));
    assert_eq!(watchers[0]["state"], "active");
}

#[test]
fn a_diagnostic_watcher_that_hears_nothing_exits_with_4() {
    let server = format!("127.0.0.1:{}", free_port());
    let nothing = lampfield(&[
        "watch",
        "sip:bob@127.0.0.1",
        "--server",
        &server,
        "--seconds",
        "1",
    ]);
    exits(&nothing, 4);
    assert_eq!(complaint(&nothing), "lampfield: no state was received\n");
}

#[test]
fn a_signal_ends_the_agent_and_its_socket() {
    for signal in ["TERM", "INT"] {
        let folder = Folder::new(&format!("end-{signal}"));
        let agent = Agent::start(&folder, &[]);
        agent.process.signal(signal);
        assert_eq!(agent.process.end(), Some(0));
        assert!(!Path::new(&agent.control).exists());
    }
}

#[test]
fn an_agent_that_cannot_start_says_why() {
    let folder = Folder::new("start");
    let agent = Agent::start(&folder, &[]);
    let listen = format!("udp:127.0.0.1:{}", agent.port);
    let other = folder.path("other.sock");
    let taken = lampfield(&["run", "--listen", &listen, "--control", &other]);
    exits(&taken, 1);
    assert!(
        complaint(&taken).contains(&format!("127.0.0.1:{}", agent.port)),
        "{}",
        complaint(&taken)
    );
    let free = format!("udp:127.0.0.1:{}", free_port());
    let alive = lampfield(&["run", "--listen", &free, "--control", &agent.control]);
    exits(&alive, 1);
    assert!(
        complaint(&alive).contains(&agent.control),
        "{}",
        complaint(&alive)
    );

    let bad = folder.file("bad.toml", "lisen = 1\n");
    let wrong = lampfield(&["run", "--config", &bad]);
    exits(&wrong, 2);
    assert!(complaint(&wrong).starts_with(&format!("{bad}:1:1: unknown key `lisen`")));
}

const ONE_LAMP: &str = "[[presentity]]\nuri = \"sip:desk@127.0.0.1\"\n\
    [[button]]\nname = \"dnd\"\ndoes = \"dnd\"\n";

/// An agent that runs by this configuration, and logs.
fn configured(folder: &Folder, port: u16, text: &str) -> Agent {
    let file = folder.file("lamp.toml", text);
    let control = folder.path("control.sock");
    let listen = format!("udp:127.0.0.1:{port}");
    let run = [
        "run",
        "--config",
        &file,
        "--control",
        &control,
        "--listen",
        &listen,
    ];
    let process = Process::start_logging(&run);
    process.wait_for(|line| line.contains("ready, sip on "));
    Agent {
        process,
        control,
        port,
    }
}

#[test]
fn lamps_of_our_own_follow_the_button_and_are_told_apart() {
    let folder = Folder::new("own");
    let own = "[[lamp]]\nname = \"blf1\"\nshows = \"health\"\n\
               [[lamp]]\nname = \"blf2\"\nshows = \"dnd\"\nlooks = { dnd = \"magenta fast\" }\n";
    let agent = configured(&folder, free_port(), &format!("{ONE_LAMP}{own}"));
    let lamps = agent.follow();
    lamps.wait_for(shows("blf1", "green"));
    exits(&agent.ask(&["lamps", "--test"]), 0);
    exits(&agent.ask(&["press", "dnd"]), 0);
    lamps.wait_for(shows("blf2", "magenta fast"));
    let all = json(&agent.ask(&["lamps", "--json"]));
    let told = |at: usize| [&all[at]["shows"], &all[at]["presentity"], &all[at]["state"]];
    assert_eq!(told(0), [&"health".into(), &Value::Null, &"idle".into()]);
    let desk = Value::from("sip:desk@127.0.0.1");
    assert_eq!(told(1), [&"dnd".into(), &desk, &"dnd".into()]);
    assert_eq!(told(2), [&Value::Null; 3]);
    let why = out(&agent.ask(&["why", "blf2"]));
    assert!(
        why.starts_with("blf2 shows magenta fast: dnd (a look of the configuration)\n"),
        "{why}"
    );
}

#[test]
fn a_signal_reads_the_configuration_again_and_keeps_what_stays() {
    let folder = Folder::new("reload");
    let port = free_port();
    let lamp = |name: &str, looks: &str| {
        format!(
            "[[lamp]]\nname = \"{name}\"\nwatch = \"sip:desk@127.0.0.1\"\n\
             server = \"127.0.0.1:{port}\"\n{looks}"
        )
    };
    let one = format!("{ONE_LAMP}{}", lamp("blf1", ""));
    let agent = configured(&folder, port, &one);
    let lamps = agent.follow();
    lamps.wait_for(shows("blf1", "green"));
    let before = json(&agent.ask(&["watchers", "--json"]));

    folder.file(
        "lamp.toml",
        &format!("{one}{}", lamp("blf2", "looks = { idle = \"amber\" }\n")),
    );
    agent.process.signal("HUP");
    lamps.wait_for(shows("blf2", "amber"));
    let after = json(&agent.ask(&["watchers", "--json"]));
    assert_eq!(after.as_array().map(Vec::len), Some(1), "{before} {after}");
    assert_eq!(before[0]["remote"], after[0]["remote"]);

    folder.file("lamp.toml", "[[lamp]]\nname = \"blf7\"\n");
    agent.process.signal("HUP");
    agent
        .process
        .wait_for(|line| line.contains("lamp.toml:2:8: the board sim has no \"blf7\""));
    exits(&agent.ask(&["press", "dnd"]), 0);
    lamps.wait_for(shows("blf2", "red"));
}

#[test]
fn capacity_lists_every_table_with_its_bytes() {
    let tables = json(&lampfield(&["capacity", "--json"]));
    let rows = tables["tables"].as_array().expect("a list");
    let mut sum = 0;
    for row in rows {
        let number = |key: &str| row[key].as_u64().expect("a number");
        assert_eq!(number("bytes"), number("entries") * number("each"), "{row}");
        assert!(number("bytes") > 0, "{row}");
        sum += number("bytes");
    }
    assert_eq!(tables["total"].as_u64(), Some(sum), "{tables}");
    for name in [
        "presentities",
        "subscriptions",
        "publications",
        "watches",
        "lamps",
        "buttons",
    ] {
        assert!(rows.iter().any(|row| row["name"] == name), "{name}");
    }
    let text = out(&lampfield(&["capacity"]));
    assert!(text.starts_with("TABLE "), "{text}");
    assert!(text.contains("\nsubscriptions "), "{text}");
}
