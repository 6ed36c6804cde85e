//! What can be asked of the agent, whatever carries the request. All answers are JSON.
//!
//! | route | answer or effect |
//! |---|---|
//! | `GET /status` `/lamps` `/watchers` `/watches` `/registrations` `/publications` `/presentities` `/capacity` `/panel` | what the name says |
//! | `GET /lamps?follow=1` | a line for each lamp, then a line for each change, without end |
//! | `GET /why/LAMP` | why the lamp shows what it shows |
//! | `POST /press/BUTTON` `/release/BUTTON` | moves a button of the simulated panel; `/press/BUTTON?for=SECONDS` holds it |
//! | `POST /lamps/test` | lights every element of every lamp alone for a second, then what was to be shown |
//! | `POST /set/{dnd,hook,activity,note,idle}` | an input with its value as the body, for the first presentity or `?presentity=URI` |
//! | `POST /set/call` | a call: `ringing`, `talking`, `held` or `none` as the body; `?peer=URI`, `?direction=in` or `out`, `?id=NAME`, `?for=SECONDS` |
//! | `GET /users` | who has a password, and the file that they stand in |
//! | `POST /users/reload` | reads that file again |
//! | `GET /policy/WATCHER` | what is ruled about a watcher, and why; `?event=PACKAGE`, `?presentity=URI`, `?at=MOMENT` |
//! | `POST /{allow,block,polite-block,forget}/WATCHER` | decides about a watcher, by URI, address or `user:NAME`; `?event=PACKAGE`, `?until=MOMENT` |
//! | `POST /reload` | reads the configuration again |
//!
//! Whatever is a POST changes something; a caller who may only look gets 403 for it.

use std::borrow::ToOwned;
use std::cell::RefCell;
use std::string::{String, ToString};
use std::vec::Vec;

use embedded_svc::http::Method;
use embedded_svc::http::server::asynch::Connection;

use super::call;
use super::follow::follow;
use super::http::BODY;
use super::place::Place;
use super::policy::{Asked, Known, explain};
use super::rights::Rights;
use super::views::{self, Now};
use crate::engine::agent::{Ambiguous, Decree, Whom};
use crate::events::package::Package;
use crate::ground::limits;
use crate::ground::text::Text;
use crate::shell::capacity::Capacity;
use crate::shell::clock;
use crate::shell::hub::Hub;
use crate::shell::panel::{LONGEST_HOLD, Untouchable, held};
use crate::shell::words;
use crate::users::buttons::QUIET;
use crate::users::compose::{Input, Source};
use crate::users::policy::Decided;
use crate::wire::doc::pidf::Activities;

/// Status and body of an answer.
type Answer = (u16, String);

/// Answers one request of a caller who has these rights.
///
/// # Errors
/// The connection's.
pub async fn handle<C: Connection>(
    connection: &mut C,
    hub: &RefCell<Hub>,
    rights: Rights,
    place: &Place,
) -> Result<(), C::Error> {
    let target = connection.uri().to_owned();
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let get = connection.method() == Method::Get;
    let follows = parameter(query, "follow").is_some_and(|value| value != "0");
    let follows = get && path == "/lamps" && follows;
    if follows && place.follow() {
        return follow(connection, hub).await;
    }
    let body = read_body(connection).await?;
    let (status, body) = if follows {
        (503, views::error("too many follow"))
    } else if get {
        look(path, query, hub)
    } else if rights.may_change() {
        act(path, query, &body, hub)
    } else {
        (
            403,
            views::error("who is connected here may look, and change nothing"),
        )
    };
    let length = body.len().to_string();
    let rows = [
        ("Content-Type", views::MEDIA_TYPE),
        ("Content-Length", &length),
    ];
    connection.initiate_response(status, None, &rows).await?;
    connection.write_all(body.as_bytes()).await
}

/// Routes that change nothing.
fn look(path: &str, query: &str, hub: &RefCell<Hub>) -> Answer {
    let (hub, now) = (&*hub.borrow(), Now::read());
    let agent = &*hub.agent;
    let json = match path {
        "/status" => views::to_json(&views::status(hub, now)),
        "/lamps" => views::to_json(&views::lamps(agent, now)),
        "/watchers" => views::to_json(&views::watchers(agent, now)),
        "/watches" => views::to_json(&views::watches(agent, now)),
        "/registrations" => views::to_json(&views::registrations(agent, now)),
        "/publications" => views::to_json(&views::publications(agent, now)),
        "/presentities" => views::to_json(&views::presentities(agent, now)),
        "/capacity" => views::to_json(&Capacity::of_this_build()),
        "/users" => views::to_json(&views::users(hub)),
        "/panel" => views::to_json(&views::face(hub)),
        _ => match path.strip_prefix("/policy/").and_then(decode) {
            Some(watcher) => return look_at_policy(&watcher, query, hub),
            None => return look_at_lamp(path, hub, now),
        },
    };
    (200, json)
}

/// What is ruled about a watcher.
fn look_at_policy(watcher: &str, query: &str, hub: &Hub) -> Answer {
    let given = |name: &str| parameter(query, name).and_then(decode);
    let asked = Asked {
        watcher: watcher.to_string(),
        event: given("event"),
        presentity: given("presentity"),
        at: given("at"),
    };
    let known = Known {
        policy: hub.agent.policy(),
        settings: hub.agent.settings(),
        places: hub.agent.places().collect(),
        now: clock::wall(),
    };
    match explain(&known, &asked) {
        Ok(told) => (200, views::to_json(&told)),
        Err(wrong) => (400, views::error(&wrong)),
    }
}

fn look_at_lamp(path: &str, hub: &Hub, now: Now) -> Answer {
    let Some(name) = path.strip_prefix("/why/").and_then(decode) else {
        return unknown_path(path);
    };
    match views::why(hub, &name, now) {
        Some(reason) => (200, views::to_json(&reason)),
        None => {
            let names = hub.agent.lamps().map(|lamp| lamp.name.to_string());
            not_there("lamp", &name, names)
        }
    }
}

/// Routes that change something.
fn act(path: &str, query: &str, body: &str, hub: &RefCell<Hub>) -> Answer {
    let hub = &mut *hub.borrow_mut();
    let mut segments = path.trim_start_matches('/').splitn(2, '/');
    let (verb, name) = (segments.next(), segments.next());
    match (verb, name.and_then(decode)) {
        (Some("press"), Some(name)) => press(hub, &name, query),
        (Some("release"), Some(name)) => release(hub, &name),
        (Some("set"), Some(what)) => set(hub, &what, query, body.trim()),
        (Some("allow"), Some(watcher)) => decide(hub, &watcher, Decided::Allow, query),
        (Some("block"), Some(watcher)) => decide(hub, &watcher, Decided::Block, query),
        (Some("polite-block"), Some(watcher)) => decide(hub, &watcher, Decided::PoliteBlock, query),
        (Some("forget"), Some(watcher)) => decide(hub, &watcher, Decided::Nothing, query),
        (Some("lamps"), Some(what)) if what == "test" => {
            hub.test_lamps();
            done()
        }
        (Some("users"), Some(what)) if what == "reload" => match hub.reload_users() {
            Ok(()) => done(),
            Err(error) => (400, views::error(&error)),
        },
        (Some("reload"), None) => match hub.reload() {
            Ok(()) => done(),
            Err(error) => (400, views::error(&error)),
        },
        _ => unknown_path(path),
    }
}

fn press(hub: &mut Hub, name: &str, query: &str) -> Answer {
    let lasts = match parameter(query, "for") {
        None => None,
        Some(seconds) => match held(seconds) {
            Some(lasts) => Some(lasts),
            None => {
                let text = std::format!("for is from 0 to {LONGEST_HOLD} seconds, as 1.5");
                return (400, views::error(&text));
            }
        },
    };
    let pressed = hub.touch(|panel, now| panel.press(now, name, lasts));
    touched(hub, name, pressed)
}

fn release(hub: &mut Hub, name: &str) -> Answer {
    let released = hub.touch(|panel, now| panel.release(now, name));
    touched(hub, name, released)
}

/// `?event=PACKAGE` decides about that one alone, `?until=DATE` for so long.
fn decide(hub: &mut Hub, watcher: &str, what: Decided, query: &str) -> Answer {
    let given = |name: &str| parameter(query, name).map(|it| decode(it).unwrap_or_default());
    let package = match given("event") {
        None => None,
        Some(name) => match Package::from_name(name.as_bytes()) {
            Some(package) => Some(package),
            None => {
                return (
                    400,
                    views::error(&std::format!("there is no event \"{name}\"")),
                );
            }
        },
    };
    let until = match given("until") {
        None => None,
        Some(text) => match words::end(&text, hub.agent.policy().zone(), clock::wall()) {
            Some(until) => Some(until),
            None => {
                return (
                    400,
                    views::error(&std::format!("\"{text}\" {}", words::MOMENT)),
                );
            }
        },
    };
    let decree = Decree {
        what,
        package,
        until,
    };
    let whom = match (watcher.strip_prefix("user:"), watcher.parse()) {
        (Some(user), _) => Whom::User(user.as_bytes()),
        (None, Ok(address)) => Whom::At(address),
        (None, Err(_)) => Whom::Named(watcher.as_bytes()),
    };
    match hub.change(|agent, moment| agent.decide(moment, whom, decree)) {
        Ok(0) => {}
        Ok(_) => return done(),
        Err(Ambiguous) => {
            let text = std::format!(
                "{watcher} is at several addresses, and anybody can use the name: \
                 give the address that you mean, see `lampfield watchers`"
            );
            return (409, views::error(&text));
        }
    }
    if what == Decided::Nothing {
        let text = std::format!("nothing was decided about \"{watcher}\"");
        return (404, views::error(&text));
    }
    let agent = &hub.agent;
    let waiting = agent.subscriptions().filter(|it| it.state == "pending");
    let waiting = waiting.chain(agent.absent());
    let waiting = waiting.map(|it| String::from_utf8_lossy(it.watcher).into_owned());
    not_there("waiting watcher", watcher, waiting)
}

/// The answer to a press or a release.
fn touched(hub: &Hub, name: &str, result: Result<(), Untouchable>) -> Answer {
    match result {
        Ok(()) => done(),
        Err(Untouchable::Missing) => {
            let buttons = hub.panel.buttons().iter();
            not_there("button", name, buttons.map(|button| button.name.clone()))
        }
        Err(Untouchable::Real) => {
            let board = &hub.board;
            let text =
                std::format!("the buttons of the board {board} are real: press them by hand");
            (409, views::error(&text))
        }
        Err(Untouchable::Chatters) => {
            let text = std::format!(
                "the button {name} moves more often than a hand can: it is not heard until it is quiet for {} s",
                QUIET.as_secs()
            );
            (429, views::error(&text))
        }
    }
}

fn set(hub: &mut Hub, what: &str, query: &str, value: &str) -> Answer {
    let presentity = match parameter(query, "presentity").map(|uri| decode(uri).unwrap_or_default())
    {
        None => 0,
        Some(uri) => {
            let mut all = hub.agent.presentities();
            let Some(at) = all.position(|presentity| presentity.uri == uri) else {
                let names = hub.agent.presentities().map(|it| it.uri.to_string());
                return not_there("presentity", &uri, names);
            };
            at
        }
    };
    if presentity >= hub.agent.presentities().count() {
        return (404, views::error("no presentity is configured"));
    }
    if what == "call" {
        return set_call(hub, presentity, query, value);
    }
    match input(what, value) {
        Ok(input) => {
            hub.change(|agent, moment| agent.handle_input(moment, presentity, input));
            done()
        }
        Err(error) => (error.status, views::error(&error.text)),
    }
}

fn set_call(hub: &mut Hub, presentity: usize, query: &str, state: &str) -> Answer {
    let told = call::Told::new(state, |name| parameter(query, name).and_then(decode));
    let fact = match told.fact() {
        Ok(fact) => fact,
        Err(wrong) => return (400, views::error(&wrong)),
    };
    let told = hub.change(|agent, moment| match &fact {
        Some(fact) => agent.handle_call(moment, presentity, fact),
        None => {
            agent.end_calls(moment, Source::Told, Some(presentity));
            Ok(())
        }
    });
    match told {
        Ok(()) => done(),
        Err(full) => (503, views::error(&full.to_string())),
    }
}

struct Wrong {
    status: u16,
    text: String,
}

fn input(what: &str, value: &str) -> Result<Input, Wrong> {
    let wrong = |text: &str| Wrong {
        status: 400,
        text: std::format!("{what}: {text}"),
    };
    let on = || match value {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err(wrong("the value is on or off")),
    };
    match (what, value) {
        ("dnd", _) => on().map(Input::Dnd),
        ("idle", _) => on().map(Input::Idle),
        ("hook", "up") => Ok(Input::Hook(true)),
        ("hook", "down") => Ok(Input::Hook(false)),
        ("hook", _) => Err(wrong("the value is up or down")),
        ("activity", "none" | "") => Ok(Input::Activity(Activities::NONE)),
        ("activity", name) => Activities::named(name.as_bytes())
            .map(Input::Activity)
            .ok_or_else(|| wrong(&std::format!("\"{name}\" is no activity of RFC 4480"))),
        ("note", text) => match Text::copied(text) {
            Ok(text) => Ok(Input::Note(text)),
            Err(_) => Err(wrong(&std::format!("at most {} bytes", limits::NOTE))),
        },
        _ => Err(Wrong {
            status: 404,
            text: std::format!(
                "there is no input \"{what}\"; there are: dnd, hook, activity, note, idle, call"
            ),
        }),
    }
}

async fn read_body<C: Connection>(connection: &mut C) -> Result<String, C::Error> {
    let mut bytes = std::vec![0; BODY];
    let mut length = 0;
    while length < bytes.len() {
        match connection.read(&mut bytes[length..]).await? {
            0 => break,
            more => length += more,
        }
    }
    bytes.truncate(length);
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn parameter<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    query.split('&').find_map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (key == name).then_some(value)
    })
}

/// Resolves `%XX` (RFC 3986 §2.1). `None` if it is not text.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        rest = tail;
        if first != b'%' {
            bytes.push(first);
            continue;
        }
        let (digits, tail) = tail.split_at_checked(2)?;
        let mut digits = digits.iter().map(|&digit| char::from(digit).to_digit(16));
        let value = digits.try_fold(0, |value, digit| Some(value * 16 + digit?))?;
        bytes.push(u8::try_from(value).ok()?);
        rest = tail;
    }
    String::from_utf8(bytes).ok()
}

fn done() -> Answer {
    (200, "{\"ok\":true}\n".to_string())
}

fn unknown_path(path: &str) -> Answer {
    let (status, text) = match is_known(path) {
        true => (405, "the other method, please"),
        false => (404, "there is nothing here"),
    };
    (status, views::error(&std::format!("{path}: {text}")))
}

/// Whether the path would mean something with the other method.
fn is_known(path: &str) -> bool {
    let verb = path.trim_start_matches('/').split('/').next();
    let name = path.trim_start_matches('/').split_once('/');
    match verb.unwrap_or_default() {
        "users" => name.is_none_or(|(_, what)| what == "reload"),
        "lamps" => name.is_none_or(|(_, what)| what == "test"),
        "status" | "watchers" | "watches" | "registrations" | "publications" | "presentities"
        | "capacity" | "panel" | "reload" => name.is_none(),
        "why" | "press" | "release" | "set" | "allow" | "block" | "polite-block" | "forget"
        | "policy" => name.is_some(),
        _ => false,
    }
}

fn not_there(what: &str, name: &str, names: impl Iterator<Item = String>) -> Answer {
    let names: Vec<String> = names.collect();
    let text = std::format!(
        "there is no {what} \"{name}\"; there are: {}",
        names.join(", ")
    );
    (404, views::error(&text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_resolved() {
        for (text, expected) in [
            ("blf1", Some("blf1")),
            ("sip%3Aa%40b", Some("sip:a@b")),
            ("%c3%BC", Some("ü")),
            ("%", None),
            ("%4", None),
            ("%zz", None),
            ("%+1", None),
            ("%ff", None),
        ] {
            assert_eq!(decode(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn parameters_are_found_by_their_whole_name() {
        assert_eq!(parameter("a=1&follow=1", "follow"), Some("1"));
        assert_eq!(parameter("follow", "follow"), Some(""));
        assert_eq!(parameter("unfollow=1", "follow"), None);
    }

    #[test]
    fn a_wrong_value_says_which_are_right() {
        for (what, value, status, text) in [
            ("dnd", "yes", 400, "dnd: the value is on or off"),
            ("hook", "on", 400, "hook: the value is up or down"),
            (
                "activity",
                "x",
                400,
                "activity: \"x\" is no activity of RFC 4480",
            ),
            (
                "mood",
                "on",
                404,
                "there is no input \"mood\"; there are: dnd, hook, activity, note, idle, call",
            ),
        ] {
            let Err(wrong) = input(what, value) else {
                panic!("{what} {value} was taken");
            };
            assert_eq!((wrong.status, wrong.text.as_str()), (status, text));
        }
        assert!(input("note", &"x".repeat(limits::NOTE + 1)).is_err());
        assert!(input("note", &"x".repeat(limits::NOTE)).is_ok());
    }
}
