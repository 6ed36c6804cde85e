//! Callers over a stream that is no socket.

use self::pieces::Pieces;
use super::*;
use crate::engine::agent::Agent;
use crate::engine::config::Settings;
use crate::shell::commands::Commands;
use crate::shell::dns::Paths;
use crate::shell::panel::board::Board;
use crate::shell::runtime::{Options, Runtime};
use crate::shell::tls::Tls;
use crate::shell::users::Roll;
use smol::block_on;
use std::boxed::Box;
use std::string::{String, ToString};
use std::vec::Vec;

pub(super) mod pieces;

/// The demonstration, without a control socket.
fn runtime() -> Runtime {
    let mut settings = Box::new(Settings::new());
    settings.restore_demo(None);
    let options = Options {
        settings,
        listen: Vec::new(),
        control: None,
        state: None,
        board: Board::find(Board::DEFAULT).expect("built in"),
        commands: Commands::default(),
        names: Paths::default(),
        discover: None,
        users: Roll::default(),
        tls: Tls::default(),
        signals: false,
        reload: Some(Box::new(|| Err("read again".to_string()))),
        lasts: None,
    };
    let agent = Box::leak(Box::new(Agent::new()));
    Runtime::new(agent, options).expect("it starts")
}

/// All that is answered to these requests, which come in one piece.
fn ask(runtime: &Runtime, rights: Rights, requests: &str) -> String {
    let mut stream = Pieces::new(&[requests.as_bytes()]);
    let place = Place::new(&Rc::default());
    let conversation = converse(&mut stream, runtime.hub(), rights, &place);
    block_on(conversation).expect("nothing is slow");
    String::from_utf8(stream.written).expect("text")
}

fn statuses(answers: &str) -> Vec<&str> {
    let lines = answers.split("HTTP/1.1 ").skip(1);
    lines.map(|line| &line[..3]).collect()
}

const LOOKS: [&str; 5] = [
    "GET /status",
    "GET /lamps",
    "GET /watchers",
    "GET /panel",
    "GET /why/blf1",
];

const COMMANDS: [&str; 8] = [
    "POST /press/dnd",
    "POST /release/dnd",
    "POST /set/dnd",
    "POST /lamps/test",
    "POST /allow/sip:a@b",
    "POST /block/sip:a@b",
    "POST /reload",
    "POST /anything",
];

fn requests(lines: &[&str]) -> String {
    let request = |line: &&str| std::format!("{line} HTTP/1.1\r\nContent-Length: 2\r\n\r\non");
    lines.iter().map(request).collect()
}

fn is_dnd(runtime: &Runtime) -> bool {
    let hub = runtime.hub().borrow();
    let desk = hub.agent.presentities().next().expect("a presentity");
    desk.inputs.dnd
}

#[test]
fn who_may_only_look_is_refused_every_command_and_changes_nothing() {
    let runtime = runtime();
    let answers = ask(&runtime, Rights::Look, &requests(&LOOKS));
    assert_eq!(statuses(&answers), ["200"; LOOKS.len()]);
    let answers = ask(&runtime, Rights::Look, &requests(&COMMANDS));
    assert_eq!(statuses(&answers), ["403"; COMMANDS.len()], "{answers}");
    assert!(answers.contains("{\"error\":\"who is connected here may look, and change nothing\"}"));
    assert!(!is_dnd(&runtime));
}

#[test]
fn who_has_all_rights_changes_what_it_says() {
    let runtime = runtime();
    let answers = ask(
        &runtime,
        Rights::Full,
        &requests(&["POST /set/dnd", "GET /status"]),
    );
    assert_eq!(statuses(&answers), ["200", "200"]);
    assert!(is_dnd(&runtime));
    let answers = ask(&runtime, Rights::Full, &requests(&COMMANDS));
    // Nobody waits to be let in, the file is wrong, and there is no such command.
    let expected = ["200", "200", "200", "200", "404", "404", "400", "404"];
    assert_eq!(statuses(&answers), expected, "{answers}");
}

#[test]
fn what_is_no_request_is_answered_and_ends_the_conversation() {
    let runtime = runtime();
    let answers = ask(
        &runtime,
        Rights::Full,
        "BREW /pot HTTP/1.1\r\n\r\nGET /lamps HTTP/1.1\r\n\r\n",
    );
    assert_eq!(statuses(&answers), ["405"]);
    assert!(
        answers.ends_with("{\"error\":\"only GET and POST are known\"}\n"),
        "{answers}"
    );
}
