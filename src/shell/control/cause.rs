//! What keeps a lamp from knowing, where the agent itself can tell.

use std::net::SocketAddr;
use std::string::{String, ToString};

use crate::engine::agent::status::Why;
use crate::engine::config::Settings;
use crate::roles::watcher::Report;
use crate::shell::listen::Listen;
use crate::shell::settings::{reach, rule_in_words};

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
    let found = refused.or_else(out_of_reach);
    // Nothing can be done about this here, and often nothing has to be.
    found
        .or_else(|| alone(watches))
        .or_else(|| stateless(watches))
}

/// The owner has a rule that keeps the lamp dark.
pub(super) fn owner_rule(why: &Why<'_>, settings: &Settings) -> Option<Cause> {
    let number = why.owner_rule.map(usize::from)?;
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
