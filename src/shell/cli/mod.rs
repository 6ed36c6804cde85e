//! The command line. It is a client of the running agent's control socket, except for `run`, `check`, `watch`, `discover`
//! and the lists that need no agent.
//!
//! Exit codes:
//!
//! | code | meaning |
//! |---|---|
//! | 0 | done |
//! | 1 | the agent refused or failed |
//! | 2 | the command line or the configuration is wrong |
//! | 3 | no agent is running |
//! | 4 | `watch` received nothing |

pub mod args;
mod certificate;
pub mod client;
mod discover;
mod mailbox;
mod policy;
mod typed;
mod users;
pub mod view;
pub mod watch;

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::string::{String, ToString};
use std::vec::Vec;
use std::{env, eprintln, format};

use serde_json::Value;

use crate::shell::capacity::Capacity;
use crate::shell::control::socket::find;
use crate::shell::control::views;
use crate::shell::panel::board::{BUILT_IN, Board};
use crate::shell::run::{Outcome, run};
use crate::shell::settings::{Configuration, Overrides};
use args::{Ask, Command, Question, Set};
use client::{Client, Trouble};

/// What the shell that started us learns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done,
    /// The agent refused or failed.
    Failed,
    /// The command line or the configuration is wrong.
    Wrong,
    /// No agent is running.
    NoAgent,
    /// Nothing was received.
    Nothing,
}

impl Exit {
    /// The number.
    pub const fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Wrong => 2,
            Exit::NoAgent => 3,
            Exit::Nothing => 4,
        }
    }
}

/// Does what the command line of this process says.
pub fn main() -> ExitCode {
    let exit = match args::parse(env::args_os().skip(1).collect::<Vec<_>>()) {
        Ok(command) => perform(command),
        Err(usage) => {
            eprintln!("lampfield: {}\n  remedy: {}", usage.what, usage.remedy);
            Exit::Wrong
        }
    };
    ExitCode::from(exit.code())
}

fn perform(command: Command) -> Exit {
    match command {
        Command::Run(options) => match run(options) {
            Outcome::Done => Exit::Done,
            Outcome::Failed => Exit::Failed,
            Outcome::Wrong => Exit::Wrong,
        },
        Command::Check { file, board } => check(&file, board.as_deref()),
        Command::Ask(Ask {
            question:
                Question::Policy {
                    asked,
                    config: Some(file),
                    json,
                },
            ..
        }) => policy::explain_file(&file, &asked, json),
        Command::Ask(ask) => match self::ask(&ask) {
            Ok(()) => Exit::Done,
            Err(trouble) => complain(&trouble),
        },
        Command::Watch(wanted) => watch::watch(&wanted),
        Command::Certificates(wanted) => certificate::see_to(&wanted),
        Command::Discover { seconds, json } => discover::discover(seconds, json),
        Command::Users(wanted) => users::see_to(&wanted),
        Command::HashPassword { user, realm } => users::hash(&user, &realm),
        Command::Boards(None) => say(&boards()),
        Command::Boards(Some(name)) => board(&name),
        Command::Capacity { json } => say(&capacity(json)),
        Command::Version => say(&format!("lampfield {}\n", env!("CARGO_PKG_VERSION"))),
        Command::Help => say(HELP),
    }
}

fn check(file: &Path, board: Option<&str>) -> Exit {
    let overrides = Overrides {
        board,
        ..Overrides::default()
    };
    match Configuration::load(file, overrides) {
        Ok(configuration) => {
            let exit = say(&format!("{}: good\n\n{configuration}", file.display()));
            if let Some(warnings) = &configuration.warnings {
                eprintln!("\n{warnings}");
            }
            exit
        }
        Err(faults) => {
            eprintln!("{faults}");
            Exit::Wrong
        }
    }
}

fn boards() -> String {
    let mut rows = Vec::new();
    for (name, _) in BUILT_IN {
        let description = Board::find(name).map_or(String::new(), |it| it.description);
        rows.push(Vec::from([String::from(*name), description]));
    }
    view::table(&rows)
}

/// The text of a board's file, to begin one's own with.
fn board(name: &str) -> Exit {
    match Board::locate(name, Path::new("")) {
        Ok((_, text)) => say(&text),
        Err(missing) => {
            eprintln!("lampfield: {}\n  remedy: {}", missing.what, missing.remedy);
            Exit::Wrong
        }
    }
}

fn capacity(json: bool) -> String {
    let Capacity { tables, total } = Capacity::of_this_build();
    if json {
        return views::to_json(&Capacity { tables, total });
    }
    let mut rows = Vec::from([view::headings(&[
        "TABLE",
        "ENTRIES",
        "EACH",
        "BYTES",
        "WHEN FULL",
    ])]);
    rows.extend(tables.iter().map(|it| {
        let [entries, each, bytes] = [it.entries, it.each, it.bytes].map(|it| format!("{it:>7}"));
        Vec::from([
            String::from(it.name),
            entries,
            each,
            bytes,
            String::from(it.full),
        ])
    }));
    rows.push(Vec::from([
        String::from("total"),
        String::new(),
        String::new(),
        format!("{total:>7}"),
    ]));
    view::table(&rows)
}

fn ask(ask: &Ask) -> Result<(), Trouble> {
    let socket = ask.control.clone().unwrap_or_else(find);
    let client = Client::new(&socket);
    match &ask.question {
        Question::Status { json } => show(&client.get("/status")?, *json, view::status),
        Question::Lamps { json, follow: true } => follow(&client, *json),
        Question::Lamps { json, .. } => show(&client.get("/lamps")?, *json, view::lamps),
        Question::TestLamps => client.post("/lamps/test", "").map(drop),
        Question::Watchers { json } => show(&client.get("/watchers")?, *json, view::watchers),
        Question::Registrations { json } => {
            show(&client.get("/registrations")?, *json, view::registrations)
        }
        Question::Publications { json } => {
            show(&client.get("/publications")?, *json, view::publications)
        }
        Question::Why { lamp, json } => {
            show(&client.get(&format!("/why/{lamp}"))?, *json, view::why)
        }
        Question::Press { button, lasts } => {
            let lasts = lasts.map_or(String::new(), |it| {
                format!("?for={}.{:03}", it.as_secs(), it.subsec_millis())
            });
            client
                .post(&format!("/press/{button}{lasts}"), "")
                .map(drop)
        }
        Question::Release(name) => client.post(&format!("/release/{name}"), "").map(drop),
        Question::Decide {
            watcher,
            what,
            event,
            until,
        } => {
            let event = event.map(|it| it.name().to_string());
            let query = client::query(&[("event", &event), ("until", until)]);
            let watcher = client::escaped(watcher);
            let path = format!("/{what}/{watcher}{query}");
            client.post(&path, "").map(drop)
        }
        Question::Policy { asked, json, .. } => {
            show(&client.get(&policy::path(asked))?, *json, policy::view)
        }
        Question::Set(Set {
            what,
            value,
            besides,
        }) => {
            let mut path = format!("/set/{what}");
            for (at, (name, value)) in besides.iter().enumerate() {
                let sign = if at == 0 { '?' } else { '&' };
                path += &format!("{sign}{name}={}", client::escaped(value));
            }
            client.post(&path, value).map(drop)
        }
    }
}

/// Prints an answer as it came, or as a person reads it.
fn show(answer: &str, json: bool, view: fn(&Value) -> String) -> Result<(), Trouble> {
    let text = if json {
        format!("{}\n", answer.trim_end())
    } else {
        view(&serde_json::from_str(answer).map_err(|error| Trouble::Broken(error.into()))?)
    };
    print(&text).map_err(Trouble::Broken)
}

/// Each lamp as it is, then each change, until interrupted.
fn follow(client: &Client, json: bool) -> Result<(), Trouble> {
    client.follow("/lamps?follow=1", |line| {
        if json {
            return print(&format!("{line}\n"));
        }
        let value: Value = serde_json::from_str(line)?;
        match &value {
            Value::Array(lamps) => lamps
                .iter()
                .try_for_each(|lamp| print(&format!("{}\n", view::lamp(lamp)))),
            lamp => print(&format!("{}\n", view::lamp(lamp))),
        }
    })
}

fn complain(trouble: &Trouble) -> Exit {
    match trouble {
        // Who reads us has seen enough, as `head` does.
        Trouble::Broken(error) if error.kind() == io::ErrorKind::BrokenPipe => return Exit::Done,
        _ => eprintln!("lampfield: {trouble}"),
    }
    match trouble {
        Trouble::NoAgent { .. } | Trouble::Stranger { .. } | Trouble::Ended => Exit::NoAgent,
        Trouble::Refused(_) | Trouble::Broken(_) => Exit::Failed,
    }
}

fn say(text: &str) -> Exit {
    match print(text) {
        Ok(()) => Exit::Done,
        Err(error) => complain(&Trouble::Broken(error)),
    }
}

/// To standard output at once: who follows must not wait for a full buffer.
fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

const HELP: &str = "\
lampfield: an edge presence agent. Buttons in, lamps out, SIP in the middle.

  lampfield [run] [--config FILE] [--board NAME|FILE] [--listen udp:ADDR:PORT]...
            [--control SOCKET] [--state DIR] [--log LEVEL]
                              be the agent; without a configuration, the demonstration
                              (udp listens on TCP too; tcp:ADDR:PORT on TCP alone,
                              tls:ADDR:PORT inside TLS)
  lampfield check FILE [--board NAME|FILE]
                              explain a configuration

Ask or tell the running agent (each takes --control SOCKET):
  lampfield status [--json]
  lampfield lamps [--follow] [--json]
  lampfield lamps --test      light every element of every lamp for a second
  lampfield watchers [--json]
  lampfield registrations [--json]
                              the phones that are registered here
  lampfield publications [--json]
                              what phones have published here
  lampfield why LAMP [--json] what the lamp shows, and why
  lampfield press NAME [--for SECONDS]
                              press a button of the simulated panel, or hold it
  lampfield release NAME      let it go
  lampfield set dnd on|off
  lampfield set hook up|down
  lampfield set idle on|off
  lampfield set activity NAME|none
  lampfield set note TEXT     (each takes --presentity URI)
  lampfield set call ringing|talking|held|none [--peer URI] [--direction in|out]
            [--id NAME] [--for SECONDS]
                              a call; it ends by itself after 180 s of ringing or 4 h
  lampfield allow WATCHER [--event PACKAGE] [--until DATE]
                              let somebody watch who waits for it
  lampfield block WATCHER [--event PACKAGE] [--until DATE]
                              or not, also one who was let in
  lampfield polite-block WATCHER [--event PACKAGE] [--until DATE]
                              or show him somebody who is always closed
  lampfield forget WATCHER    take back what was decided
  lampfield policy WATCHER [--event PACKAGE] [--presentity URI] [--at \"Fri 18:30\"]
            [--config FILE] [--json]
                              which rule decides about somebody, and why

Users with a password, whether an agent runs or not:
  lampfield user add NAME [--md5] [--password-file FILE] [--realm REALM]
                              let somebody in, or change the password; --md5 for old phones
  lampfield user remove NAME
  lampfield user list [--json]
                              (each takes --users FILE or --config FILE; without one of
                              them, the running agent says where they stand)
  lampfield hash-password NAME REALM [--md5] [--password-file FILE]
                              print the line of a user for a file of users

Certificates for TLS:
  lampfield certificate new NAME... [--authority FOLDER]
                              make NAME.pem and NAME.key, for hosts or addresses; signed
                              by the authority in FOLDER, which is made once
  lampfield certificate show FILE
                              whom it is for, by whom and until when; its pin

Without an agent:
  lampfield watch URI [--event dialog|presence|presence.winfo|as-feature-event|message-summary]
                      [--seconds N] [--server [tls:]HOST[:PORT]] [--from URI] [--json]
                      [--authorities FILE] [--pin PIN]
                      [--user NAME [--password-file FILE | --password-env VARIABLE]]
                              watch somebody and print each change; the password is
                              in LAMPFIELD_PASSWORD unless one of these says where
  lampfield discover [--seconds N] [--json]
                              who announces himself on the local network
  lampfield boards [NAME]     the boards that are built in, or the file of one
  lampfield capacity [--json] the tables of this build and their bytes
  lampfield version
  lampfield help

Exit codes: 0 done, 1 the agent refused or failed, 2 wrong command line or
configuration, 3 no agent is running, 4 watch received nothing.
";
