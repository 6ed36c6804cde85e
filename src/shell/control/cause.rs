//! What keeps a lamp from knowing, where the agent itself can tell.

use std::net::SocketAddr;
use std::string::{String, ToString};

use crate::engine::agent::status::Why;
use crate::engine::config::Settings;
use crate::roles::watcher::{IS_A_LIST, Listed, Report, Standing};
use crate::shell::listen::Listen;
use crate::shell::settings::{reach, rule_in_words};
use crate::wire::flow::Mistrust;

/// What is in the way.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Cause {
    /// In words.
    pub(super) what: String,
    /// What to do about it, where something can be done here.
    pub(super) remedy: Option<String>,
}

/// What is said of a server that was asked and answered without a document.
const STATELESS: &str = "the server knows no state";

/// The cause of what a lamp shows, if it is not the watched one.
pub(super) fn cause(why: &Why<'_>, listen: &[Listen]) -> Option<Cause> {
    let watches = [why.watch.as_ref(), why.presence.as_ref()];
    let all = || watches.into_iter().flatten();
    let out_of_reach = || {
        let what = all().find_map(|it| reach::cause(listen, it.remote?))?;
        let remedy = Some(reach::LISTEN.to_string());
        Some(Cause { what, remedy })
    };
    let refused = all().find_map(|it| it.distrusts).map(distrust);
    let untrusted = || all().find_map(|it| untrusted(it.last_reason));
    let found = refused.or_else(untrusted).or_else(out_of_reach);
    // Nothing can be done about this here, and often nothing has to be.
    found
        .or_else(|| all().find_map(|it| on_a_list(&it.listed?, it.target)))
        .or_else(|| all().find_map(is_a_list))
        .or_else(|| alone(watches))
        .or_else(|| stateless(watches))
}

/// The owner has a rule that keeps the lamp dark, or dim.
pub(super) fn owner_rule(number: Option<u8>, settings: &Settings) -> Option<Cause> {
    let number = number.map(usize::from)?;
    let rule = settings.rules.list.get(number)?;
    let (says, line) = (rule_in_words(settings, rule), rule.line);
    Some(Cause {
        what: std::format!("rule {}, in line {line}: {says}", number + 1),
        remedy: None,
    })
}

/// A NOTIFY from there was refused.
fn distrust(who: SocketAddr) -> Cause {
    let ip = who.ip().to_canonical();
    Cause {
        what: std::format!(
            "a NOTIFY from {who} was refused: nobody was asked there, and it is not trusted"
        ),
        remedy: Some(std::format!(
            "if it is the server's too, add \"{ip}\" to `trusted`"
        )),
    }
}

/// A list is told, and does not tell of the one who is watched.
fn on_a_list(listed: &Listed<'_>, target: &str) -> Option<Cause> {
    let list = listed.list;
    let (what, remedy) = match listed.standing {
        Standing::Unlisted if listed.is_told => {
            let what = std::format!("{target} is not on the list {list}");
            let remedy = "add it to the list at the server, or leave `list` out for this lamp";
            (what, Some(remedy))
        }
        Standing::Nested => {
            let what = std::format!("{target} is a list itself, which is not looked into");
            let remedy = "let the lamp name that list, and somebody on it";
            (what, Some(remedy))
        }
        Standing::Ended(reason) => {
            let what = std::format!("the list {list} has no subscription to {target}: {reason}");
            (what, None)
        }
        Standing::Pending => (std::format!("{target} has not allowed it yet"), None),
        Standing::Untold if listed.is_told => {
            let what = std::format!("the list {list} knows nothing of {target} yet");
            (what, None)
        }
        Standing::Unreadable => {
            let what = std::format!("what the list {list} tells of {target} can't be read");
            (what, None)
        }
        Standing::Unlisted | Standing::Untold | Standing::Active => return None,
    };
    let remedy = remedy.map(ToString::to_string);
    Some(Cause { what, remedy })
}

/// Whom a lamp asks for is a list of others.
fn is_a_list(watch: &Report<'_>) -> Option<Cause> {
    let is_said = watch.last_reason == IS_A_LIST && watch.last_status == Some(421);
    is_said.then(|| a_list_of_others(watch.target))
}

fn a_list_of_others(target: &str) -> Cause {
    Cause {
        what: std::format!("{target} is a list of others"),
        remedy: Some(std::format!(
            "add [[list]] uri = \"{target}\", and let the lamp name list = \"{target}\" and watch somebody on it"
        )),
    }
}

/// A server inside TLS is not believed.
fn untrusted(reason: &str) -> Option<Cause> {
    let why = Mistrust::ALL.into_iter().find(|it| it.why() == reason)?;
    Some(Cause {
        what: std::format!("nothing is asked of the server: {reason}"),
        remedy: Some(why.remedy().to_string()),
    })
}

/// A server was asked, and has nothing to tell.
fn stateless(watches: [Option<&Report<'_>>; 2]) -> Option<Cause> {
    let mut all = watches.into_iter().flatten();
    all.any(|it| it.is_stateless).then(|| Cause {
        what: STATELESS.to_string(),
        remedy: None,
    })
}

/// Of a lamp of both, one package is not to be had.
fn alone(both: [Option<&Report<'_>>; 2]) -> Option<Cause> {
    let [Some(calls), Some(presence)] = both else {
        return None;
    };
    let (missing, other) = match (calls.lacks_package, presence.lacks_package) {
        (true, false) => (calls.package.name(), presence.package.name()),
        (false, true) => (presence.package.name(), calls.package.name()),
        (true, true) | (false, false) => return None,
    };
    Some(Cause {
        what: std::format!("the server does not have {missing}: the lamp shows {other} alone"),
        remedy: Some(std::format!(
            "if that is how it is, ask for event = \"{other}\""
        )),
    })
}

#[cfg(test)]
mod tests;
