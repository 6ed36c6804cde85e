//! A configuration in words, for `lampfield check`.

mod rules;

use std::fmt;
use std::string::{String, ToString};
use std::vec::Vec;

pub use rules::{rule_in_words, view_in_words};

use super::Configuration;
use crate::engine::config::{
    Action, ButtonSettings, LampSettings, Lifetimes, Server, Settings, Shows, Strangers,
    UpstreamSettings, WatchSettings,
};
use crate::events::package::{Pace, Package};
use crate::events::watched::Watched;
use crate::ground::time::Seconds;
use crate::shell::commands::command::Command;
use crate::shell::commands::dial::{Dial, Pickup};
use crate::shell::mdns;
use crate::shell::panel::board::Board;
use crate::wire::flow::Transport;

impl fmt::Display for Configuration {
    /// Who is served, who may watch, what each lamp shows and each button does; one thing to a line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let settings = &self.settings;
        let listen: Vec<String> = self.listen.iter().map(ToString::to_string).collect();
        writeln!(f, "listens on   {}", listen.join(", "))?;
        writeln!(
            f,
            "board        {}: {}",
            self.board.name, self.board.description
        )?;
        lines(f, &self.board)?;
        if let Some(control) = &self.control {
            writeln!(f, "control      {}", control.display())?;
        }
        if let Some(log) = self.log {
            writeln!(f, "log          {log}")?;
        }
        if !self.sandbox {
            writeln!(f, "sandbox      off")?;
        }
        if self.discover {
            writeln!(f, "discover     is announced as {}.local", mdns::host())?;
        }
        if let Some(state) = &self.state {
            writeln!(f, "state        is kept in {}", state.display())?;
        }
        served(f, settings)?;
        let mut head = "users";
        for line in self.passwords_in_words() {
            writeln!(f, "{head:<13}{line}")?;
            head = "";
        }
        for upstream in &settings.upstreams {
            explain_upstream(f, settings, upstream)?;
        }
        let lamps = settings.lamps.iter().zip(&self.board.lamps);
        for (number, (lamp, hardware)) in (0..).zip(lamps) {
            explain_lamp(f, settings, lamp, &hardware.name)?;
            explain_command(f, "when it changes", self.commands.of_lamp(number))?;
        }
        for (number, button) in (0..).zip(&settings.buttons) {
            explain_button(f, settings, button)?;
            explain_command(f, "each time", self.commands.of_button(number))?;
            if let Some(dial) = self.commands.dialled_by(number) {
                explain_dial(f, dial)?;
            }
        }
        explain_rules(f, settings)
    }
}

/// The rules in their order; the first that fits decides.
fn explain_rules(f: &mut fmt::Formatter<'_>, settings: &Settings) -> fmt::Result {
    for (number, rule) in (1..).zip(&settings.rules.list) {
        let head = std::format!("rule {number}");
        writeln!(f, "{head:<12} {}", rule_in_words(settings, rule))?;
    }
    if settings.rules.has_times() {
        writeln!(
            f,
            "             while the clock is not set, a rule for some time refuses but does not allow"
        )?;
    }
    Ok(())
}

/// Which line each button and lamp has; nothing for a board without lines.
fn lines(f: &mut fmt::Formatter<'_>, board: &Board) -> fmt::Result {
    let mut head = "lines";
    for button in &board.buttons {
        if let Some(input) = &button.input {
            writeln!(f, "{head:<13}button {}: {}", button.name, input.text)?;
            head = "";
        }
    }
    for lamp in &board.lamps {
        let outputs = lamp.elements.iter().filter_map(|it| {
            let output = it.output.as_ref()?;
            Some(std::format!("{} {}", it.hue.name(), output.text))
        });
        let outputs: Vec<String> = outputs.collect();
        if !outputs.is_empty() {
            writeln!(f, "{head:<13}lamp {}: {}", lamp.name, outputs.join(", "))?;
            head = "";
        }
    }
    Ok(())
}

fn served(f: &mut fmt::Formatter<'_>, settings: &Settings) -> fmt::Result {
    if settings.presentities.is_empty() {
        writeln!(f, "serves       nobody")?;
    }
    for presentity in &settings.presentities {
        write!(f, "serves       {}", presentity.uri)?;
        if presentity.dialog_shows_dnd {
            writeln!(f, "; do-not-disturb also shows to watchers of dialog")?;
        } else {
            writeln!(f, "; do-not-disturb shows to watchers of presence only")?;
        }
        if presentity.registers {
            writeln!(
                f,
                "             offline while its phone is not registered here"
            )?;
        }
    }
    for list in &settings.served_lists {
        let all = settings.members_of(list);
        let all = all.filter_map(|at| settings.presentities.get(at));
        let all: Vec<&str> = all.map(|it| it.uri.as_str()).collect();
        writeln!(f, "serves       {}, a list of {}", list.uri, all.join(", "))?;
    }
    for phone in &settings.softphones {
        let whose = settings.presentities.get(usize::from(phone.presentity));
        let whose = whose.map_or("?", |it| it.uri.as_str());
        let baresip = phone.baresip;
        writeln!(
            f,
            "hears        the calls of {whose} from baresip at {baresip}"
        )?;
    }
    let trusted: Vec<String> = settings.trusted.iter().map(ToString::to_string).collect();
    match (trusted.is_empty(), settings.strangers) {
        (true, Strangers::Refuse) => {
            writeln!(f, "may watch    nobody: every request is refused with 403")?;
        }
        (true, Strangers::Ask) => {
            writeln!(f, "may watch    nobody; all wait until they are allowed")?;
        }
        (false, strangers) => {
            let trusted = trusted.join(", ");
            let others = match strangers {
                Strangers::Refuse => "are refused with 403",
                Strangers::Ask => "wait until they are allowed",
            };
            writeln!(f, "may watch    {trusted}; others {others}")?;
        }
    }
    let (least, most) = (settings.min_expires.0, settings.max_expires.0);
    writeln!(f, "for          {least} to {most} seconds at a time")?;
    for (may, Lifetimes { min, max }) in [
        ("register", settings.registrations),
        ("publish", settings.publications),
    ] {
        let (min, max) = (min.0, max.0);
        writeln!(
            f,
            "may {may:<8} those of them who are trusted, for {min} to {max} seconds"
        )?;
    }
    for (&package, &rule) in Package::SERVED.iter().zip(&settings.paces) {
        let head = if package as usize == 0 {
            "are told"
        } else {
            ""
        };
        writeln!(f, "{head:<12} {}: {}", package.name(), pace(rule))?;
    }
    Ok(())
}

fn explain_upstream(
    f: &mut fmt::Formatter<'_>,
    settings: &Settings,
    upstream: &UpstreamSettings,
) -> fmt::Result {
    let servers: Vec<String> = upstream.servers.iter().map(server).collect();
    write!(
        f,
        "upstream     {} at {}: ",
        upstream.aor,
        servers.join(", then ")
    )?;
    let own = upstream.publish.map(usize::from);
    let own = own.and_then(|own| settings.presentities.get(own));
    match (upstream.register, own) {
        (true, Some(own)) => write!(f, "registers, and publishes {}", own.uri)?,
        (true, None) => write!(f, "registers")?,
        (false, Some(own)) => write!(f, "publishes {}", own.uri)?,
        (false, None) => write!(
            f,
            "neither registers nor publishes; its lamps watch with it"
        )?,
    }
    if let Some(features) = upstream.features {
        let own = settings.presentities.get(usize::from(features.presentity));
        let own = own.map_or("", |it| &it.uri);
        write!(f, ", keeps the do-not-disturb of {own} as the server does")?;
    }
    if let Some(dialect) = upstream.dialect.filter(|_| own.is_some()) {
        write!(f, " as {}", dialect.name())?;
    }
    if upstream.register || own.is_some() {
        write!(f, ", {} s at a time", upstream.expires.0)?;
    }
    match upstream.account.has_password() {
        true => writeln!(f, "; as {} with a password", upstream.account.user),
        false => writeln!(f, "; without a password"),
    }
}

fn server(server: &Server) -> String {
    match server.transport {
        None => server.host.to_string(),
        Some(Transport::Udp) => std::format!("udp:{}", server.host),
        Some(Transport::Tcp) => std::format!("tcp:{}", server.host),
        Some(Transport::Tls) => std::format!("tls:{}", server.host),
    }
}

fn pace(pace: Pace) -> String {
    if pace.burst == 0 || pace.interval.is_zero() {
        return "every change at once".to_string();
    }
    let seconds = pace.interval.as_secs();
    std::format!(
        "{} changes at once, then one in {seconds} s, the last one always",
        pace.burst
    )
}

fn explain_lamp(
    f: &mut fmt::Formatter<'_>,
    settings: &Settings,
    lamp: &LampSettings,
    name: &str,
) -> fmt::Result {
    write!(f, "{:<12} ", std::format!("lamp {name}"))?;
    let whose = |own: u16| {
        let presentity = settings.presentities.get(usize::from(own));
        presentity.map_or("", |it| it.uri.as_str())
    };
    match lamp.shows {
        Shows::Nothing => return writeln!(f, "watches nobody and stays off"),
        Shows::Watch(at) | Shows::Both { calls: at, .. } => {
            let is_both = matches!(lamp.shows, Shows::Both { .. });
            match settings.watches.get(usize::from(at)) {
                Some(watch) => explain_watch(f, watch, is_both)?,
                None => return writeln!(f),
            }
        }
        Shows::Dnd(own) => writeln!(f, "shows do-not-disturb of {}", whose(own))?,
        Shows::Waiting(own) => {
            writeln!(
                f,
                "shows whether watchers of {} wait for approval",
                whose(own)
            )?;
        }
        Shows::Health => writeln!(f, "shows whether all is well")?,
    }
    explain_looks(f, settings, lamp)
}

fn explain_watch(f: &mut fmt::Formatter<'_>, watch: &WatchSettings, is_both: bool) -> fmt::Result {
    let event = match watch.fallback {
        _ if is_both => "dialog, and presence while there is no call",
        true => "dialog, or presence where that is refused",
        false => watch.package.name(),
    };
    write!(f, "watches {} ({event})", watch.target)?;
    if let Some(server) = &watch.server {
        write!(f, " through {server}")?;
    }
    write!(f, " as {}, {} s at a time", watch.from, watch.expires.0)?;
    let tells_of_calls = match watch.package {
        Package::Presence | Package::Dialog => true,
        Package::PresenceWinfo | Package::MessageSummary | Package::Features => false,
    };
    match watch.audit.0 {
        _ if !tells_of_calls => {}
        0 => write!(f, "; calls last until their end is told")?,
        audit => write!(f, "; asks every {audit} s whether a call still lasts")?,
    }
    match watch.at_most_every.0 {
        0 => {}
        seconds => write!(f, "; wants news at most every {seconds} s")?,
    }
    match watch.partial {
        true => writeln!(f, "; takes changes in part"),
        false => writeln!(f),
    }
}

fn explain_looks(
    f: &mut fmt::Formatter<'_>,
    settings: &Settings,
    lamp: &LampSettings,
) -> fmt::Result {
    let unknown = lamp.looks.get(Watched::Unknown);
    let grace = lamp.grace.0;
    let whose = match lamp.shows {
        Shows::Watch(_) => Some("its subscription"),
        Shows::Both { .. } => Some("either of its subscriptions"),
        Shows::Health => Some("any subscription"),
        Shows::Nothing | Shows::Dnd(_) | Shows::Waiting(_) => None,
    };
    if let Some(whose) = whose {
        writeln!(
            f,
            "             shows {unknown} when {whose} is broken for {grace} s"
        )?;
    }
    let usual = settings.default_looks(lamp.shows);
    let own: Vec<String> = Watched::ALL
        .into_iter()
        .filter(|it| lamp.looks.get(*it) != usual.get(*it))
        .map(|it| std::format!("{} {}", it.name(), lamp.looks.get(it)))
        .collect();
    if own.is_empty() {
        return Ok(());
    }
    writeln!(f, "             looks of its own: {}", own.join(", "))
}

fn explain_button(
    f: &mut fmt::Formatter<'_>,
    settings: &Settings,
    button: &ButtonSettings,
) -> fmt::Result {
    let whose = settings.presentities.get(usize::from(button.presentity));
    let head = std::format!("button {}", button.name);
    match whose.filter(|_| button.acts()) {
        None if button.told => writeln!(f, "{head:<12} {}", in_words(button)),
        None => writeln!(f, "{head:<12} does nothing"),
        Some(whose) => writeln!(f, "{head:<12} {}; for {}", in_words(button), whose.uri),
    }
}

fn explain_command(
    f: &mut fmt::Formatter<'_>,
    when: &str,
    command: Option<&Command>,
) -> fmt::Result {
    match command {
        Some(command) => writeln!(f, "             runs {command} {when}"),
        None => Ok(()),
    }
}

fn explain_dial(f: &mut fmt::Formatter<'_>, dial: &Dial) -> fmt::Result {
    write!(f, "             has {} called", dial.uri)?;
    match &dial.pickup {
        Some(Pickup::Accept) => writeln!(f, ", or answers where it rings"),
        Some(Pickup::Dial(uri)) => writeln!(f, ", or {uri} while it rings there"),
        None => writeln!(f),
    }
}

/// What a button does: `press: do-not-disturb on or off; held: clear`.
pub fn in_words(button: &ButtonSettings) -> String {
    if button.follows() {
        let when = if button.latching { "on" } else { "pressed" };
        return std::format!("while {when}: {}", action_in_words(button.press, button));
    }
    let gestures = [
        ("press", button.press),
        ("held", button.long),
        ("pressed twice", button.double),
    ];
    let words: Vec<String> = gestures
        .into_iter()
        .filter(|(_, action)| *action != Action::None)
        .map(|(gesture, action)| {
            let switches = match action {
                Action::Dnd | Action::Activity(_) | Action::Away => " on or off",
                _ => "",
            };
            std::format!("{gesture}: {}{switches}", action_in_words(action, button))
        })
        .collect();
    match words.is_empty() {
        true => "nothing".to_string(),
        false => words.join("; "),
    }
}

fn action_in_words(action: Action, button: &ButtonSettings) -> String {
    let words = match action {
        Action::None => "nothing",
        Action::Dnd | Action::DndHold => "do-not-disturb",
        Action::Hook => "the handset is up",
        Action::Activity(activity) | Action::ActivityHold(activity) => {
            let names: Vec<&str> = activity.names().collect();
            return std::format!("activity {}", names.join(", "));
        }
        Action::Away => "away",
        Action::Motion => {
            let Seconds(timeout) = button.timeout;
            return std::format!("somebody is there, else away after {timeout} s");
        }
        Action::Clear => "takes back do-not-disturb, activity, note and away",
        Action::Approve => "allows the watcher who waits longest",
        Action::Tell => "a command or a call",
    };
    words.to_string()
}
