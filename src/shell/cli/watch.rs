//! `lampfield watch`: a diagnostic watcher. It is an agent of its own with one watch, one lamp and a socket of
//! its own, and prints each change until its time is over or somebody interrupts it.

use std::boxed::Box;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::string::{String, ToString};
use std::vec::Vec;
use std::{eprintln, format, io, vec};

use serde_json::json;

use super::args::{Login, Secret, Watch};
use super::{Exit, print, view};
use crate::engine::agent::Agent;
use crate::engine::config::{
    Account, LampSettings, Network, Server, Settings, Shows, UpstreamSettings, WatchSettings,
    is_address,
};
use crate::events::party::Party;
use crate::ground::text::{Text, TooLong};
use crate::ground::time::{Duration, Instant, Wall};
use crate::roles::watcher::Doubt;
use crate::shell::commands::Commands;
use crate::shell::control::{mailbox, views};
use crate::shell::dns::Paths;
use crate::shell::failed::Failed;
use crate::shell::listen::Listen;
use crate::shell::panel::board::Board;
use crate::shell::run::take_agent;
use crate::shell::runtime::{Options, Runtime, State};
use crate::shell::settings::{Lacking, password_in, password_of};
use crate::shell::tls::Tls;
use crate::shell::users::Roll;
use crate::shell::{clock, journal};
use crate::wire::doc::message_summary::Messages;

/// Who we are when nobody says otherwise (RFC 3323 §4.1.1.3).
const ANONYMOUS: &str = "sip:anonymous@anonymous.invalid";

/// Watches until the time is over. What goes wrong is said on standard error.
pub fn watch(wanted: &Watch) -> Exit {
    // Whoever wants to hear more says so in LAMPFIELD_LOG.
    let level = std::env::var_os("LAMPFIELD_LOG")
        .is_none()
        .then_some("warn");
    if let Err(level) = journal::start(level) {
        eprintln!("lampfield: LAMPFIELD_LOG is \"{}\"", level.escape_debug());
        return Exit::Wrong;
    }
    let account = match wanted.login.as_ref().map(account).transpose() {
        Ok(account) => account,
        Err(Lacking { what, remedy }) => {
            eprintln!("lampfield: {what}\n  remedy: {remedy}");
            return Exit::Wrong;
        }
    };
    match run(wanted, account) {
        Ok(true) => Exit::Done,
        Ok(false) => {
            eprintln!("lampfield: no state was received");
            Exit::Nothing
        }
        Err(Failed(text)) => {
            eprintln!("lampfield: {text}");
            Exit::Failed
        }
    }
}

/// Whether a state was received.
fn run(wanted: &Watch, account: Option<Account>) -> Result<bool, Failed> {
    let settings = settings(wanted, account);
    let tls = Tls::load(&wanted.tls).map_err(|fault| Failed(fault.to_string()));
    let options = Options {
        state: None,
        settings: settings.map_err(|TooLong| Failed("a name is too long".to_string()))?,
        listen: any_port(),
        control: None,
        board: Board::empty(),
        signals: true,
        commands: Commands::default(),
        names: Paths::default(),
        discover: None,
        users: Roll::default(),
        tls: tls?,
        reload: None,
        lasts: wanted.seconds.map(|it| Duration::from_secs(it.into())),
    };
    let agent = take_agent()?;
    let began = clock::now();
    let mut runtime = Runtime::new(agent, options)?;
    let mut seen = None;
    let mut received = false;
    loop {
        let state = runtime.turn()?;
        let now = look(runtime.hub().borrow().agent);
        if let Some(sight) = &now
            && now != seen
            && state == State::Running
        {
            received |= sight.received;
            let wrote = print(&sight.line(wanted.json, began));
            match wrote {
                Ok(()) => {}
                // Who reads us has seen enough.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(received),
                Err(error) => return Err(error.into()),
            }
            seen = now;
        }
        if state == State::Stopped {
            return Ok(received);
        }
    }
}

/// What is known of the watched one.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Sight {
    state: &'static str,
    party: Option<Party>,
    is_stateless: bool,
    look: String,
    package: &'static str,
    subscription: &'static str,
    remote: Option<SocketAddr>,
    status: Option<u16>,
    reason: String,
    messages: Option<Messages>,
    doubt: Option<&'static str>,
    /// Whether a NOTIFY has come.
    received: bool,
}

fn look(agent: &Agent) -> Option<Sight> {
    let watch = agent.watches().next()?;
    let lamp = agent.lamps().next()?;
    Some(Sight {
        state: watch.watched.name(),
        party: lamp.party.cloned(),
        is_stateless: watch.is_stateless,
        look: lamp.look.to_string(),
        package: watch.package.name(),
        subscription: watch.state,
        remote: watch.remote,
        status: watch.last_status,
        reason: watch.last_reason.to_string(),
        messages: watch.messages,
        doubt: watch.doubt.map(Doubt::reason),
        received: watch.last_notify.is_some(),
    })
}

impl Sight {
    fn line(&self, json: bool, began: Instant) -> String {
        let (now, wall) = (clock::now(), clock::wall());
        if json {
            return self.json(now - began, wall);
        }
        let time = match wall.utc() {
            Some(utc) => utc.to_string(),
            None => {
                let tenths = (now - began).as_millis() / 100;
                format!("{:>5}.{} s", tenths / 10, tenths % 10)
            }
        };
        let mut line = format!(
            "{time}  {:13}{:12}{:9} {:14}",
            self.state, self.look, self.package, self.subscription
        );
        if let Some(remote) = self.remote {
            line += &format!("{remote}  ");
        }
        if let Some(status) = self.status {
            line += &format!("{status} ");
        }
        if let Some(messages) = self.messages {
            line += &format!("{messages}  ");
        }
        line += &self.reason;
        if self.is_stateless {
            line += "  the server knows no state";
        }
        if let Some(party) = &self.party {
            line += &format!("  {}", view::party(party.display(), party.uri()));
        }
        if let Some(doubt) = self.doubt {
            line += &format!("  doubtful: {doubt}");
        }
        format!("{}\n", line.trim_end())
    }

    fn json(&self, after: Duration, wall: Wall) -> String {
        let value = json!({
            "time": wall.utc().map(|utc| utc.to_string()),
            "after_s": after.as_millis() as f64 / 1_000.0,
            "state": self.state,
            "party": self.party.as_ref().map(views::Party::new),
            "stateless": self.is_stateless,
            "look": self.look,
            "package": self.package,
            "subscription": self.subscription,
            "remote": self.remote.map(|it| it.to_string()),
            "last_status": self.status,
            "last_reason": self.reason,
            "messages": self.messages.map(mailbox::Messages::from),
            "doubt": self.doubt,
        });
        format!("{value}\n")
    }
}

/// What proves who we are.
fn account(login: &Login) -> Result<Account, Lacking> {
    let mut account = Account::new();
    account.user = Text::copied(&login.user).unwrap_or_default();
    account.password = match &login.secret {
        Secret::Variable(name) => password_of(name)?,
        Secret::File(path) => {
            let (password, warning) = password_in(path)?;
            if let Some(warning) = warning {
                eprintln!("lampfield: {warning}");
            }
            password
        }
    };
    Ok(account)
}

/// One watch and one lamp. Everybody is trusted: there is nothing here to be had.
fn settings(wanted: &Watch, account: Option<Account>) -> Result<Box<Settings>, TooLong> {
    let mut settings = Box::new(Settings::new());
    settings.restore_defaults();
    let from = from(wanted);
    let mut watch = WatchSettings::new(
        Text::copied(&wanted.target)?,
        Text::copied(&from)?,
        wanted.package,
    );
    watch.server = wanted.server.as_deref().map(Text::copied).transpose()?;
    if let Some(account) = account {
        let mut upstream = UpstreamSettings::new(Text::copied(&from)?);
        upstream.account = account;
        (upstream.register, upstream.publish) = (false, None);
        let host = watch.server.take();
        let host = host.map_or_else(|| Text::copied(host_of(&wanted.target)), Ok)?;
        let server = Server {
            host,
            transport: None,
        };
        // Every build has room for one of each.
        let _ = upstream.servers.push(server);
        let _ = settings.upstreams.push(upstream);
        watch.upstream = Some(0);
    }
    let mut lamp = LampSettings::new(Text::copied("watch")?);
    if let Ok(number) = settings.share_watch(watch) {
        lamp.shows = Shows::Watch(number);
        lamp.looks = settings.default_looks(lamp.shows).clone();
    }
    let _ = settings.lamps.push(lamp); // Every build has room for one.
    for everywhere in ["0.0.0.0/0", "::/0"] {
        if let Some(network) = Network::parse(everywhere) {
            let _ = settings.trusted.push(network);
        }
    }
    Ok(settings)
}

/// Who we say we are. Some packages are for the owner alone, and a server knows its users by their names.
fn from(wanted: &Watch) -> String {
    let own = wanted.login.as_ref().map(|login| {
        let host = host_of(&wanted.target);
        format!("sip:{}@{host}", login.user)
    });
    match (&wanted.from, own, wanted.package.is_private()) {
        (Some(from), _, _) => from.clone(),
        (None, _, true) => wanted.target.clone(),
        (None, Some(own), false) if is_address(&own) => own,
        (None, _, false) => ANONYMOUS.to_string(),
    }
}

/// Where an address leads, as `host[:port]`.
fn host_of(address: &str) -> &str {
    let (_, rest) = address.split_once(':').unwrap_or_default();
    let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    host.split([';', '?']).next().unwrap_or_default()
}

/// A free port of each kind of address that this machine has.
fn any_port() -> Vec<Listen> {
    let mut listen = vec![SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)).into()];
    let six = SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0));
    if UdpSocket::bind(six).is_ok() {
        listen.push(six.into());
    }
    listen
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn sight() -> Sight {
        Sight {
            state: "ringing",
            party: Some(Party::told("Front Door", "sip:301@pbx.example")),
            is_stateless: false,
            look: "red fast".to_string(),
            package: "dialog",
            subscription: "active",
            remote: None,
            status: Some(200),
            reason: String::new(),
            messages: None,
            doubt: None,
            received: true,
        }
    }

    #[test]
    fn a_line_tells_the_other_party_and_that_there_is_no_state() {
        let told = sight().line(false, clock::now());
        let (_, told) = told.split_once("ringing ").expect("the state");
        let rest = "red fast    dialog    active        200   Front Door <sip:301@pbx.example>\n";
        assert_eq!(told.trim_start(), rest);
        let nothing = Sight {
            state: "idle",
            party: None,
            is_stateless: true,
            ..sight()
        };
        let told = nothing.line(false, clock::now());
        assert!(
            told.ends_with("200   the server knows no state\n"),
            "{told}"
        );
    }

    #[test]
    fn json_has_the_other_party_or_null() {
        let value = |sight: Sight| -> Value {
            let line = sight.line(true, clock::now());
            serde_json::from_str(&line).expect("JSON")
        };
        let told = value(sight());
        let party = json!({"display": "Front Door", "uri": "sip:301@pbx.example"});
        assert_eq!(
            (&told["party"], &told["stateless"]),
            (&party, &json!(false))
        );
        let nobody = Sight {
            party: None,
            ..sight()
        };
        assert_eq!(value(nobody)["party"], Value::Null);
    }
}
