//! `lampfield user` and `lampfield hash-password`: the file of users is changed from here, and a running agent told to
//! read it. So it needs no right to write it, and an agent that does not run finds the users at its start.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::string::{String, ToString};
use std::vec::Vec;
use std::{eprintln, format};

use serde_json::{Value, json};

use super::args::{NewUser, Place, Users};
use super::client::{Client, Trouble};
use super::{Exit, complain, say, typed, view};
use crate::shell::control::socket::find;
use crate::shell::document;
use crate::shell::settings::{Configuration, Overrides};
use crate::shell::users::{self, Entry, Fault};

/// Where the users stand.
struct Found {
    file: PathBuf,
    /// Whose users these are, if somebody says so.
    realm: Option<String>,
    control: PathBuf,
}

/// Why it was not done.
enum Failed {
    /// Something is wrong with what was asked for, or with a file.
    Wrong(String),
    /// No agent runs.
    NoAgent,
    /// The agent does not answer, or does not do it.
    Agent(Trouble),
}

impl From<Fault> for Failed {
    fn from(fault: Fault) -> Failed {
        Failed::Wrong(fault.to_string())
    }
}

/// Does what is wanted with the users.
pub fn see_to(wanted: &Users) -> Exit {
    let done = match wanted {
        Users::Add { user, place } => add(user, place),
        Users::Remove { name, place } => remove(name, place),
        Users::List { json, place } => list(*json, place),
    };
    told(done)
}

/// Prints the line of a user.
pub fn hash(user: &NewUser, realm: &str) -> Exit {
    told(entry(user, realm).map(|entry| format!("{entry}\n")))
}

fn told(done: Result<String, Failed>) -> Exit {
    match done {
        Ok(text) => say(&text),
        Err(Failed::Wrong(text)) => {
            eprintln!("lampfield: {text}");
            Exit::Wrong
        }
        Err(Failed::NoAgent) => {
            eprintln!("lampfield: {NOBODY_KNOWS}");
            Exit::Wrong
        }
        Err(Failed::Agent(trouble)) => complain(&trouble),
    }
}

fn add(user: &NewUser, place: &Place) -> Result<String, Failed> {
    let found = find_users(place)?;
    let realm = place.realm.clone().or(found.realm.clone());
    let realm = match realm {
        Some(realm) => realm,
        None => only_realm(&found.file)?,
    };
    let entry = entry(user, &realm)?;
    users::add(&found.file, &entry, owner(&found))?;
    let name = &user.name;
    let done = format!(
        "{name} of {realm} has a password now ({})",
        entry.algorithms()
    );
    tell_agent(&found, &done)
}

fn remove(name: &str, place: &Place) -> Result<String, Failed> {
    let found = find_users(place)?;
    if !users::remove(&found.file, name)? {
        let names: Vec<String> = users::list(&found.file)?
            .iter()
            .map(|it| it.name.to_string())
            .collect();
        let name = name.escape_debug();
        let text = format!(
            "there is no user \"{name}\" in {}\n  remedy: there are: {}",
            found.file.display(),
            names.join(", ")
        );
        return Err(Failed::Wrong(text));
    }
    tell_agent(&found, &format!("{name} has no password any more"))
}

fn list(as_json: bool, place: &Place) -> Result<String, Failed> {
    let found = find_users(place)?;
    let all = users::list(&found.file)?;
    if as_json {
        let all = all.iter().map(|it| {
            let algorithms: Vec<&str> = it.algorithms().split(", ").collect();
            json!({ "name": it.name.as_str(), "realm": it.realm.as_str(), "algorithms": algorithms })
        });
        return Ok(format!("{}\n", Value::from(all.collect::<Vec<Value>>())));
    }
    if all.is_empty() {
        return Ok("there are no users\n".to_string());
    }
    let mut rows = Vec::from([view::headings(&["USER", "REALM", "ALGORITHMS"])]);
    rows.extend(all.iter().map(|it| {
        Vec::from([
            it.name.to_string(),
            it.realm.to_string(),
            it.algorithms().to_string(),
        ])
    }));
    Ok(view::table(&rows))
}

fn entry(user: &NewUser, realm: &str) -> Result<Entry, Failed> {
    let password = match &user.password {
        Some(file) => {
            let text = document::read(file, "the password");
            let text = text.map_err(|faults| Failed::Wrong(faults.to_string()))?;
            text.trim_end_matches(['\r', '\n']).to_string()
        }
        None => typed::password_for(&user.name).map_err(|error| {
            let remedy = "type it once more, or name a file with it: --password-file FILE";
            Failed::Wrong(format!("there is no password: {error}\n  remedy: {remedy}"))
        })?,
    };
    Ok(Entry::new(&user.name, realm, &password, user.may_md5)?)
}

fn find_users(place: &Place) -> Result<Found, Failed> {
    let control = |configured: Option<PathBuf>| {
        let control = place.control.clone().or(configured);
        control.unwrap_or_else(find)
    };
    if let Some(file) = &place.users {
        return Ok(Found {
            file: file.clone(),
            realm: None,
            control: control(None),
        });
    }
    let Some(config) = &place.config else {
        return ask_agent(&control(None));
    };
    let read = Configuration::load(config, Overrides::default());
    let read = read.map_err(|faults| Failed::Wrong(faults.to_string()))?;
    let file = read.users.file.ok_or_else(nowhere)?;
    Ok(Found {
        file,
        realm: Some(read.settings.authentication.realm.to_string()),
        control: control(read.control),
    })
}

/// The running agent knows.
fn ask_agent(control: &Path) -> Result<Found, Failed> {
    let answer = match Client::new(control).get("/users") {
        Ok(answer) => answer,
        Err(Trouble::NoAgent { .. }) => return Err(Failed::NoAgent),
        Err(trouble) => return Err(Failed::Agent(trouble)),
    };
    let answer: Value = serde_json::from_str(&answer)
        .map_err(|error| Failed::Agent(Trouble::Broken(error.into())))?;
    let text = |key: &str| {
        answer
            .get(key)
            .and_then(Value::as_str)
            .map(ToString::to_string)
    };
    Ok(Found {
        file: text("file").map(PathBuf::from).ok_or_else(nowhere)?,
        realm: text("realm"),
        control: control.to_path_buf(),
    })
}

fn nowhere() -> Failed {
    let text = "the configuration names no file of users\n  \
                remedy: add [authentication] with users = \"lampfield.users\" to it";
    Failed::Wrong(text.to_string())
}

/// The realm of all users in a file.
fn only_realm(file: &Path) -> Result<String, Failed> {
    let all = users::list(file)?;
    let first = all.first().map(|it| it.realm.to_string());
    let one = first.filter(|first| all.iter().all(|it| it.realm.as_str() == first));
    one.ok_or_else(|| {
        let remedy = "say it as the configuration does: --realm REALM";
        Failed::Wrong(format!(
            "nothing says of which realm the user is\n  remedy: {remedy}"
        ))
    })
}

/// Whose a new file is to be: the agent's, whose the control socket is too.
fn owner(found: &Found) -> Option<(u32, u32)> {
    let socket = fs::metadata(&found.control).ok()?;
    Some((socket.uid(), socket.gid()))
}

/// Lets the agent read the file, if it is one of its own.
fn tell_agent(found: &Found, done: &str) -> Result<String, Failed> {
    let client = Client::new(&found.control);
    let later = |why: &str| Ok(format!("{done}; {why}\n"));
    match ask_agent(&found.control) {
        Ok(its) if is_one_file(&its.file, &found.file) => {}
        Ok(_) | Err(Failed::Wrong(_) | Failed::Agent(Trouble::Refused(_))) => {
            return later("the agent that runs has other users");
        }
        Err(Failed::NoAgent) => return later("it counts as soon as an agent starts"),
        Err(failed) => return Err(failed),
    }
    match client.post("/users/reload", "") {
        Ok(_) => Ok(format!("{done}\n")),
        Err(trouble) => Err(Failed::Agent(trouble)),
    }
}

fn is_one_file(one: &Path, other: &Path) -> bool {
    let real = |it: &Path| fs::canonicalize(it).unwrap_or_else(|_| it.to_path_buf());
    real(one) == real(other)
}

const NOBODY_KNOWS: &str = "no agent runs that could say where the users stand\n  \
     remedy: name the configuration: --config FILE; or the file of users: --users FILE";
