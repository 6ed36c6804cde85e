//! The words and values of a command line, each checked as it is read.

use std::ffi::OsString;
use std::format;
use std::net::IpAddr;
use std::path::PathBuf;
use std::string::{String, ToString};
use std::vec::Vec;

use super::{Given, Line, Question, SEE_HELP, Set, Usage};
use crate::engine::config::{is_address, is_name, is_watch_server};
use crate::events::package::Package;
use crate::ground::limits::{NOTE, USER};
use crate::ground::time::Duration;
use crate::shell::control::call;
use crate::shell::control::policy::Asked;
use crate::shell::document::{has_password, shown, suggestion};
use crate::shell::listen::{Listen, NotAListen};
use crate::shell::panel::{LONGEST_HOLD, held};
use crate::wire::doc::pidf::Activities;

/// Who to be where a password is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// The user's name.
    pub user: String,
    /// Where the password is.
    pub secret: Secret,
}

/// Where a password is. It never stands on the command line, which everybody on the machine can read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Secret {
    /// In this file, alone.
    File(PathBuf),
    /// In this variable of the environment.
    Variable(String),
}

impl Line {
    pub(super) fn text(&mut self) -> Result<String, Usage> {
        text(self.0.value()?)
    }

    pub(super) fn listen(&mut self) -> Result<Listen, Usage> {
        let written = self.text()?;
        written.parse().map_err(|error: NotAListen| {
            let what = format!("cannot listen on \"{}\"", written.escape_debug());
            Usage::new(what, error.to_string())
        })
    }

    pub(super) fn level(&mut self) -> Result<&'static str, Usage> {
        let written = self.text()?;
        let level = LEVELS.into_iter().find(|it| *it == written);
        level.ok_or_else(|| {
            let what = format!("there is no log level \"{}\"", written.escape_debug());
            Usage::new(what, suggestion(&written, &LEVELS))
        })
    }

    pub(super) fn address(&mut self, option: &str) -> Result<String, Usage> {
        let written = self.text()?;
        is_fit(&written).map_err(|what| Usage::new(format!("{option}: {what}"), ADDRESS))?;
        Ok(written)
    }

    pub(super) fn event(&mut self) -> Result<Package, Usage> {
        let written = self.text()?;
        Package::from_name(written.as_bytes()).ok_or_else(|| {
            let what = format!("there is no event \"{}\"", written.escape_debug());
            Usage::new(what, suggestion(&written, &Package::NAMES))
        })
    }

    pub(super) fn seconds(&mut self) -> Result<u32, Usage> {
        let written = self.text()?;
        let seconds = written.parse().ok().filter(|it| (1..=86_400).contains(it));
        seconds.ok_or_else(|| {
            let what = format!("\"{}\" is no number of seconds", written.escape_debug());
            Usage::new(what, "write a number from 1 to 86400")
        })
    }

    pub(super) fn user(&mut self) -> Result<String, Usage> {
        let written = self.text()?;
        if written.contains(':') {
            let what = "the user holds a colon, and perhaps a password behind it";
            let remedy = "write the user alone, and say with --password-file where the password is";
            return Err(Usage::new(what, remedy));
        }
        let is_name = !written.is_empty() && !written.contains(['"', '\\', '\r', '\n']);
        match is_name && written.len() <= USER {
            true => Ok(written),
            false => {
                let what = format!("\"{}\" is no user", shown(&written));
                let remedy = format!("write 1 to {USER} bytes without quotes");
                Err(Usage::new(what, remedy))
            }
        }
    }

    pub(super) fn server(&mut self) -> Result<String, Usage> {
        let written = self.text()?;
        if is_watch_server(&written) {
            return Ok(written);
        }
        let what = format!("\"{}\" is no server", shown(&written));
        Err(Usage::new(
            what,
            "write host or host:port, an IPv6 address in brackets",
        ))
    }
}

/// Who to be, by `--user` and what says where the password is: at most one thing.
pub(super) fn login_of(
    user: Option<String>,
    mut secrets: Vec<Secret>,
) -> Result<Option<Login>, Usage> {
    let secret = secrets.pop();
    if !secrets.is_empty() {
        let remedy = "leave out --password-file or --password-env";
        return Err(Usage::new(
            "the password cannot come from two places",
            remedy,
        ));
    }
    match (user, secret) {
        (None, None) => Ok(None),
        (None, Some(_)) => Err(Usage::new("a password needs a user", "add --user NAME")),
        (Some(user), secret) => Ok(Some(Login {
            user,
            secret: secret.unwrap_or_else(|| Secret::Variable(PASSWORD.to_string())),
        })),
    }
}

pub(super) fn text(written: OsString) -> Result<String, Usage> {
    written.into_string().map_err(|written| {
        let what = format!(
            "\"{}\" is not UTF-8",
            written.to_string_lossy().escape_debug()
        );
        Usage::new(what, SEE_HELP)
    })
}

/// Whether `written` can be an address of ours, or else what is wrong with it.
pub(super) fn is_fit(written: &str) -> Result<(), String> {
    if has_password(written) {
        return Err(format!("\"{}\" holds a password", shown(written)));
    }
    match is_address(written) {
        true => Ok(()),
        false => Err(format!("\"{}\" is no address", shown(written))),
    }
}

pub(super) const ADDRESS: &str = "write sip:name@host";

pub(super) fn name_of(kind: &str, given: &Given) -> Result<String, Usage> {
    let name = &given.words[0];
    if is_name(name) {
        return Ok(name.clone());
    }
    let what = format!("no {kind} is called \"{}\"", name.escape_debug());
    Err(Usage::new(
        what,
        "see `lampfield lamps` and `lampfield boards` for the names",
    ))
}

pub(super) fn watcher_of(given: &Given, what: &'static str) -> Result<Question, Usage> {
    let watcher = given.words[0].clone();
    let is_user = |name: &str| !name.is_empty() && name.len() <= USER;
    let is_good = is_address(&watcher)
        || watcher.parse::<IpAddr>().is_ok()
        || watcher.strip_prefix("user:").is_some_and(is_user);
    if is_good {
        return Ok(Question::Decide {
            watcher,
            what,
            event: given.event,
            until: given.until.clone(),
        });
    }
    let wrong = format!("\"{}\" is no address", shown(&watcher));
    Err(Usage::new(
        wrong,
        "see `lampfield watchers` for those who wait; a user is user:NAME",
    ))
}

pub(super) fn policy_of(given: &Given) -> Question {
    Question::Policy {
        asked: Asked {
            watcher: given.words[0].clone(),
            event: given.event.map(|it| it.name().to_string()),
            presentity: given.presentity.clone(),
            at: given.at.clone(),
        },
        config: given.run.config.clone(),
        json: given.json,
    }
}

/// How long a button is held.
pub(super) fn held_for(written: &str) -> Result<Duration, Usage> {
    held(written).ok_or_else(|| {
        let what = format!("\"{}\" is no time to hold a button", written.escape_debug());
        let remedy = format!("write seconds from 0 to {LONGEST_HOLD}, as 1.5");
        Usage::new(what, remedy)
    })
}

pub(super) fn set_of(given: &Given) -> Result<Set, Usage> {
    let (what, value) = (given.words[0].as_str(), given.words[1].as_str());
    let facts = ["dnd", "hook", "activity", "note", "idle", "call"];
    let Some(what) = facts.into_iter().find(|it| *it == what) else {
        let wrong = format!("there is no \"{}\" to set", what.escape_debug());
        return Err(Usage::new(wrong, suggestion(what, &facts)));
    };
    let (good, wanted) = match what {
        "dnd" | "idle" => (["on", "off"].contains(&value), "on or off".to_string()),
        "hook" => (["up", "down"].contains(&value), "up or down".to_string()),
        "call" => (
            call::STATES.contains(&value),
            call::STATES.join(", ").to_string(),
        ),
        "activity" => {
            let wanted = "an activity of RFC 4480 §3.2 as meeting or away, or none";
            let known = value == "none" || Activities::named(value.as_bytes()).is_some();
            (known, wanted.to_string())
        }
        _ => (
            value.len() <= NOTE && !value.contains(char::is_control),
            format!("a line of at most {NOTE} bytes, or \"\" for none"),
        ),
    };
    if !good {
        let wrong = format!("{what} cannot be \"{}\"", value.escape_debug());
        return Err(Usage::new(wrong, format!("write {wanted}")));
    }
    Ok(Set {
        what,
        value: value.to_string(),
        besides: besides(given, what)?,
    })
}

/// What is said besides the value.
fn besides(given: &Given, what: &str) -> Result<Vec<(&'static str, String)>, Usage> {
    let of_a_call = [
        ("peer", &given.peer),
        ("direction", &given.direction),
        ("id", &given.id),
        ("for", &given.lasts),
    ];
    let mut besides = Vec::new();
    if let Some(whose) = &given.presentity {
        besides.push(("presentity", whose.clone()));
    }
    for (name, value) in of_a_call {
        let Some(value) = value else { continue };
        if what != "call" {
            let wrong = format!("--{name} means nothing with {what}");
            return Err(Usage::new(wrong, "it is for `lampfield set call`"));
        }
        if let Err(wanted) = call::check(name, value) {
            let wrong = format!("--{name} cannot be \"{}\"", shown(value));
            return Err(Usage::new(wrong, format!("write {wanted}")));
        }
        besides.push((name, value.clone()));
    }
    Ok(besides)
}

/// Where the password of `watch` is unless the line says otherwise.
const PASSWORD: &str = "LAMPFIELD_PASSWORD";

const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
