//! What the policy rules about a watcher, and why: `GET /policy/WATCHER`, and `lampfield policy` without an agent.

use std::boxed::Box;
use std::format;
use std::net::{IpAddr, Ipv4Addr};
use std::string::{String, ToString};
use std::vec::Vec;

use serde::Serialize;

use crate::engine::config::{Settings, Strangers, is_address, is_same};
use crate::events::identity::Identity;
use crate::events::package::Package;
use crate::events::ruling::View;
use crate::events::subscription::Verdict;
use crate::ground::time::{Seconds, Wall};
use crate::shell::settings::{rule_in_words, view_in_words};
use crate::shell::words;
use crate::users::policy::{Basis, Decided, Misfit, Policy, SILENCE, Trial, Watching, Zone};

/// About whom it is asked, and when.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// A user's name, with or without `user:`, a URI or an IP address.
    pub watcher: String,
    /// In which package; without it `presence`.
    pub event: Option<String>,
    /// Whom it watches; without it the first.
    pub presentity: Option<String>,
    /// When; without it now.
    pub at: Option<String>,
}

/// The policy that is asked.
pub struct Known<'a> {
    /// What decides.
    pub policy: &'a Policy,
    /// The settings that its rules are from.
    pub settings: &'a Settings,
    /// In which place of the policy each presentity of the settings is.
    pub places: Vec<u16>,
    /// The time.
    pub now: Wall,
}

/// What is ruled, and why.
#[derive(Debug, Serialize)]
pub struct Told {
    watcher: String,
    /// As whom it was judged.
    known_as: String,
    presentity: String,
    event: &'static str,
    at: Option<String>,
    verdict: &'static str,
    sees: Option<String>,
    at_most_every_s: Option<u32>,
    silent: bool,
    until: Option<String>,
    because: String,
    /// The number of the rule that decides, and the line it stands in.
    rule: Option<usize>,
    line: Option<u32>,
    /// The rule about what is told that has a part in it.
    tell_rule: Option<usize>,
    rules: Vec<OneRule>,
    /// The verdict about a stranger who merely gives himself that name.
    if_unproven: Option<&'static str>,
}

/// One rule about watchers.
#[derive(Debug, Serialize)]
struct OneRule {
    rule: usize,
    line: u32,
    says: String,
    fits: bool,
    why_not: Option<&'static str>,
}

/// What is ruled about whom is asked about.
///
/// # Errors
/// What is wrong with the question.
pub fn explain(known: &Known<'_>, asked: &Asked) -> Result<Told, String> {
    let Known {
        policy, settings, ..
    } = known;
    let package = package_of(asked.event.as_deref())?;
    let number = presentity_of(settings, asked.presentity.as_deref())?;
    let wall = match &asked.at {
        None => known.now,
        Some(text) => words::moment(text, policy.zone(), known.now)
            .ok_or_else(|| format!("\"{text}\" {}", words::MOMENT))?,
    };
    let presentity = settings.presentities[number].uri.as_str();
    let place = known.places.get(number).copied().unwrap_or_default();
    let (identity, watcher, address) = who(policy, &asked.watcher);
    let about = Watching {
        place,
        presentity,
        package,
        identity,
        watcher: watcher.as_bytes(),
        address,
    };
    let trial = policy.explain(&about, wall);
    let stranger = Watching {
        identity: Identity::Nobody,
        ..about
    };
    let is_named = is_address(&watcher) && identity == Identity::Network;
    let if_unproven = is_named.then(|| verdict_of(&policy.explain(&stranger, wall)));
    let rule = match trial.basis {
        Basis::Rule(rule) | Basis::Decision(Some(rule), _) => Some(usize::from(rule)),
        Basis::Decision(None, _) | Basis::Trusted | Basis::User | Basis::Stranger => None,
    };
    let in_zone = |at: Wall| words::moment_in_words(at, policy.zone());
    let (view, pace) = (trial.ruling.view, trial.ruling.pace);
    let silent = pace == SILENCE;
    let may_watch = trial.ruling.verdict != Verdict::Block;
    let sees = view_in_words(settings, view, Seconds::ZERO);
    Ok(Told {
        watcher: asked.watcher.clone(),
        known_as: known_as(&asked.watcher, identity),
        presentity: presentity.to_string(),
        event: package.name(),
        at: wall.unix_millis().map(|_| in_zone(wall)),
        verdict: verdict_of(&trial),
        sees: Some(sees).filter(|it| may_watch && !it.is_empty()),
        at_most_every_s: (!silent && pace.0 > 0).then_some(pace.0),
        silent,
        until: trial.ruling.until.map(in_zone),
        because: because(settings, &trial),
        rule: rule.map(|rule| rule + 1),
        line: rule.map(|rule| settings.rules.list[rule].line),
        tell_rule: trial.tell.map(|rule| usize::from(rule) + 1),
        rules: rules(settings, &trial),
        if_unproven,
    })
}

fn package_of(named: Option<&str>) -> Result<Package, String> {
    let Some(name) = named else {
        return Ok(Package::Presence);
    };
    let served = Package::from_name(name.as_bytes()).filter(|it| it.is_served());
    served.ok_or_else(|| {
        let names = Package::served_names().join(", ");
        format!("there is no event \"{name}\" to watch here; there are: {names}")
    })
}

fn presentity_of(settings: &Settings, named: Option<&str>) -> Result<usize, String> {
    let all = &settings.presentities;
    let found = match named {
        None => (!all.is_empty()).then_some(0),
        Some(uri) => all.iter().position(|it| is_same(&it.uri, uri)),
    };
    found.ok_or_else(|| match named {
        None => "no presentity is configured".to_string(),
        Some(uri) => {
            let names: Vec<&str> = all.iter().map(|it| it.uri.as_str()).collect();
            format!(
                "there is no presentity \"{uri}\"; there are: {}",
                names.join(", ")
            )
        }
    })
}

/// As whom a watcher is judged that is called so. A URI alone is judged as if it were proven.
fn who(policy: &Policy, watcher: &str) -> (Identity, String, IpAddr) {
    const NOWHERE: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    if let Ok(address) = watcher.parse() {
        let identity = policy.identity_now(Identity::Nobody, address);
        return (identity, String::new(), address);
    }
    if is_address(watcher) {
        return (Identity::Network, watcher.to_string(), NOWHERE);
    }
    let name = watcher.strip_prefix("user:").unwrap_or(watcher);
    let user = policy.user_id(name.as_bytes());
    (Identity::User(user), String::new(), NOWHERE)
}

fn known_as(watcher: &str, identity: Identity) -> String {
    match identity {
        Identity::User(_) => {
            "a user who has shown the password, or a certificate of that name".to_string()
        }
        Identity::Certificate(_) => "who has shown a certificate of that name".to_string(),
        Identity::Network if is_address(watcher) => {
            "somebody in a trusted network who has that address".to_string()
        }
        Identity::Network => "somebody in a trusted network".to_string(),
        Identity::Nobody => "a stranger".to_string(),
    }
}

fn verdict_of(trial: &Trial) -> &'static str {
    match trial.ruling.verdict {
        Verdict::Allow if trial.ruling.view == View::CLOSED => "polite-block",
        Verdict::Allow => "allow",
        Verdict::Confirm => "confirm",
        Verdict::Block => "block",
    }
}

fn because(settings: &Settings, trial: &Trial) -> String {
    let decided = |what: Decided| match what {
        Decided::Allow => "the owner has allowed it",
        Decided::Block => "the owner has blocked it",
        Decided::PoliteBlock => "the owner has blocked it politely",
        Decided::Nothing => "the owner has said nothing",
    };
    match trial.basis {
        Basis::Rule(rule) => {
            let rule = usize::from(rule);
            let line = settings.rules.list[rule].line;
            format!("rule {}, in line {line}", rule + 1)
        }
        Basis::Decision(Some(rule), what) => {
            format!("rule {} asks the owner, and {}", rule + 1, decided(what))
        }
        Basis::Decision(None, what) => format!("no rule fits, and {}", decided(what)),
        Basis::Trusted => "no rule fits, and who is in a trusted network may watch".to_string(),
        Basis::User => {
            "no rule fits, and who has shown a password or a certificate may watch".to_string()
        }
        Basis::Stranger => {
            let what = match settings.strangers {
                Strangers::Refuse => "are refused",
                Strangers::Ask => "wait until they are allowed",
            };
            format!("no rule fits, and strangers {what}")
        }
    }
}

fn rules(settings: &Settings, trial: &Trial) -> Vec<OneRule> {
    let all = trial.rules.iter();
    let all = all.map(|(at, misfit)| {
        let rule = &settings.rules.list[usize::from(*at)];
        OneRule {
            rule: usize::from(*at) + 1,
            line: rule.line,
            says: rule_in_words(settings, rule),
            fits: misfit.is_none(),
            why_not: misfit.map(Misfit::in_words),
        }
    });
    all.collect()
}

/// The same without an agent: nobody is busy or away, and nothing was decided yet.
///
/// # Errors
/// As [`explain`].
pub fn explain_settings(
    settings: &Settings,
    zone: Zone,
    now: Wall,
    asked: &Asked,
) -> Result<Told, String> {
    let mut policy = Box::new(Policy::new());
    policy.trust(&settings.trusted, settings.strangers);
    policy.set_zone(zone, now);
    let places = (0..).take(settings.presentities.len());
    policy.set_rules(&settings.rules, places, now);
    let known = Known {
        policy: &policy,
        settings,
        places: (0..).take(settings.presentities.len()).collect(),
        now,
    };
    explain(&known, asked)
}

#[cfg(test)]
mod tests;
