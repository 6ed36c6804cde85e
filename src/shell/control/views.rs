//! What the faces show, as JSON. Times are seconds; moments are RFC 3339 too, where the wall clock is set.

mod connections;
mod face;
mod publications;
mod upstream;
mod users;

pub use face::face;
pub use publications::Publication;
pub use users::users;

use std::string::{String, ToString};
use std::vec::Vec;

use serde::Serialize;

use self::connections::Connections;
use self::upstream::Upstream;
use crate::engine::agent::Agent;
use crate::engine::agent::status::{
    LampStatus, PresentityStatus, RegistrationStatus, SubscriptionStatus, Why,
};
use crate::engine::config::Settings;
use crate::events::party;
use crate::events::watched::Watched;
use crate::ground::time::{Instant, Seconds, Wall};
use crate::roles::watcher;
use crate::shell::clock;
use crate::shell::control::cause::{cause, owner_rule};
use crate::shell::control::mailbox::Messages;
use crate::shell::hub::Hub;
use crate::shell::listen::Listen;
use crate::shell::panel;
use crate::users::lamps::Shows;
use crate::wire::doc::pidf::Basic;

/// The moment of looking.
#[derive(Clone, Copy)]
pub struct Now {
    mono: Instant,
    wall: Wall,
}

impl Now {
    /// Looks at the clocks.
    pub fn read() -> Now {
        Now {
            mono: clock::now(),
            wall: clock::wall(),
        }
    }

    fn date(self, moment: Instant) -> Option<String> {
        let utc = clock::wall_of(moment, self.mono, self.wall).utc()?;
        Some(utc.to_string())
    }

    fn ago(self, moment: Instant) -> u64 {
        (self.mono - moment).as_secs()
    }

    fn left(self, moment: Instant) -> u32 {
        let Seconds(left) = moment.seconds_from(self.mono);
        left
    }
}

/// `GET /lamps`, one of them.
#[derive(Debug, Serialize, PartialEq, Eq)]
pub struct Lamp {
    name: String,
    look: String,
    shows: Option<&'static str>,
    watches: Option<String>,
    presentity: Option<String>,
    state: Option<&'static str>,
    party: Option<Party>,
    messages: Option<Messages>,
    since: Option<String>,
    since_s: u64,
}

/// Who is at the other end of a call. Nobody but the owner's own faces is shown it.
#[derive(Debug, Serialize, PartialEq, Eq)]
pub struct Party {
    display: Option<String>,
    uri: Option<String>,
}

impl Party {
    /// That party.
    pub fn new(party: &party::Party) -> Party {
        let told = |text: &str| Some(text.to_string()).filter(|text| !text.is_empty());
        Party {
            display: told(party.display()),
            uri: told(party.uri()),
        }
    }
}

impl Lamp {
    /// That lamp now.
    pub fn new(lamp: &LampStatus<'_>, now: Now) -> Lamp {
        let whom = lamp.whom.map(ToString::to_string);
        let (watches, presentity) = match lamp.shows {
            Shows::Watch(_) | Shows::Both { .. } => (whom, None),
            Shows::Nothing | Shows::Dnd(_) | Shows::Health | Shows::Waiting(_) => (None, whom),
        };
        Lamp {
            name: lamp.name.to_string(),
            look: lamp.look.to_string(),
            shows: lamp.shows.name(),
            watches,
            presentity,
            state: lamp.state.map(Watched::name),
            party: lamp.party.map(Party::new),
            messages: lamp.messages.map(Messages::from),
            since: now.date(lamp.since),
            since_s: now.ago(lamp.since),
        }
    }

    /// Whether a follower has to hear of it; time passing is no news.
    pub fn shows_the_same(&self, other: &Lamp) -> bool {
        self.name == other.name
            && self.look == other.look
            && self.state == other.state
            && self.party == other.party
            && self.messages == other.messages
            && self.shows == other.shows
            && self.watches == other.watches
            && self.presentity == other.presentity
    }
}

/// `GET /presentities`, one of them.
#[derive(Debug, Serialize)]
pub struct Presentity {
    uri: String,
    basic: &'static str,
    activities: Vec<&'static str>,
    note: Option<String>,
    hook: &'static str,
    dnd: bool,
    idle: bool,
    since: Option<String>,
    since_s: u64,
}

impl Presentity {
    fn new(presentity: &PresentityStatus<'_>, now: Now) -> Presentity {
        Presentity {
            uri: presentity.uri.to_string(),
            basic: match presentity.presence.basic {
                Basic::Open => "open",
                Basic::Closed => "closed",
            },
            activities: presentity.presence.activities.names().collect(),
            note: Some(presentity.presence.note.as_str())
                .filter(|note| !note.is_empty())
                .map(ToString::to_string),
            hook: if presentity.inputs.hook_up {
                "up"
            } else {
                "down"
            },
            dnd: presentity.inputs.dnd,
            idle: presentity.inputs.idle,
            since: now.date(presentity.since),
            since_s: now.ago(presentity.since),
        }
    }
}

/// `GET /watchers`, one of them: a subscription that we serve, or one that waits for the owner when it is over.
#[derive(Debug, Serialize)]
pub struct Watcher {
    presentity: String,
    watcher: String,
    user: Option<String>,
    package: &'static str,
    state: &'static str,
    expires_s: Option<u32>,
    remote: String,
}

impl Watcher {
    fn new(subscription: &SubscriptionStatus<'_>, now: Now) -> Watcher {
        Watcher {
            presentity: subscription.presentity.to_string(),
            watcher: String::from_utf8_lossy(subscription.watcher).into_owned(),
            user: subscription.user.map(ToString::to_string),
            package: subscription.package.name(),
            state: subscription.state,
            expires_s: subscription.ends.map(|moment| now.left(moment)),
            remote: subscription.remote.to_string(),
        }
    }
}

/// `GET /registrations`, one of them: a phone that is registered here.
#[derive(Debug, Serialize)]
pub struct Registration {
    presentity: String,
    contact: String,
    remote: String,
    expires_s: u32,
}

impl Registration {
    fn new(registration: &RegistrationStatus<'_>, now: Now) -> Registration {
        Registration {
            presentity: registration.presentity.to_string(),
            contact: registration.contact.to_string(),
            remote: registration.remote.to_string(),
            expires_s: now.left(registration.ends),
        }
    }
}

/// `GET /watches`, one of them: our own subscription.
#[derive(Debug, Serialize)]
pub struct Watch {
    target: String,
    package: &'static str,
    state: &'static str,
    watched: &'static str,
    stateless: bool,
    unasked: Option<String>,
    remote: Option<String>,
    expires_s: Option<u32>,
    next_s: Option<u32>,
    last_status: Option<u16>,
    last_reason: &'static str,
    last_notify: Option<String>,
    last_notify_s: Option<u64>,
    broken_since: Option<String>,
    broken_s: Option<u64>,
    doubt: Option<&'static str>,
    confirmed_s: Option<u64>,
    list: Option<String>,
    listed: Option<&'static str>,
}

impl Watch {
    fn new(watch: &watcher::Report<'_>, now: Now) -> Watch {
        let seconds = |moment: Option<Instant>| moment.map(|moment| now.left(moment));
        Watch {
            target: watch.target.to_string(),
            package: watch.package.name(),
            state: watch.state,
            watched: watch.watched.name(),
            stateless: watch.is_stateless,
            unasked: watch.unasked.map(|from| from.to_string()),
            remote: watch.remote.map(|remote| remote.to_string()),
            expires_s: seconds(watch.expires),
            next_s: seconds(watch.next),
            last_status: watch.last_status,
            last_reason: watch.last_reason,
            last_notify: watch.last_notify.and_then(|moment| now.date(moment)),
            last_notify_s: watch.last_notify.map(|moment| now.ago(moment)),
            broken_since: watch.broken_since.and_then(|moment| now.date(moment)),
            broken_s: watch.broken_since.map(|moment| now.ago(moment)),
            doubt: watch.doubt.map(watcher::Doubt::reason),
            confirmed_s: watch.confirmed.map(|moment| now.ago(moment)),
            list: watch.listed.map(|listed| listed.list.to_string()),
            listed: watch.listed.map(|listed| listed.standing.name()),
        }
    }
}

/// `GET /why/NAME`.
#[derive(Debug, Serialize)]
pub struct Reason {
    lamp: Lamp,
    rule: &'static str,
    grace_left_s: Option<u32>,
    cause: Option<String>,
    remedy: Option<String>,
    watch: Option<Watch>,
    presence: Option<Watch>,
}

impl Reason {
    fn new(why: &Why<'_>, settings: &Settings, listen: &[Listen], now: Now) -> Reason {
        let cause = owner_rule(why.owner_rule, settings)
            .or_else(|| cause(why, listen))
            .or_else(|| owner_rule(why.dimmed_by, settings));
        Reason {
            lamp: Lamp::new(&why.lamp, now),
            rule: why.rule,
            grace_left_s: why.grace_ends.map(|moment| now.left(moment)),
            remedy: cause.as_ref().and_then(|it| it.remedy.clone()),
            cause: cause.map(|it| it.what),
            watch: why.watch.as_ref().map(|watch| Watch::new(watch, now)),
            presence: why.presence.as_ref().map(|watch| Watch::new(watch, now)),
        }
    }
}

/// `GET /status`.
#[derive(Debug, Serialize)]
pub struct Status {
    version: &'static str,
    uptime_s: u64,
    board: String,
    listen: Vec<String>,
    presentities: Vec<Presentity>,
    subscriptions: usize,
    watches: usize,
    publications: usize,
    registrations: usize,
    connections: Connections,
    upstreams: Vec<Upstream>,
    troubles: Vec<Trouble>,
}

/// A line of the panel that does not work.
#[derive(Debug, Serialize)]
struct Trouble {
    place: String,
    line: String,
    part: String,
    name: String,
    what: String,
    remedy: String,
}

impl Trouble {
    fn new(trouble: panel::Trouble<'_>) -> Trouble {
        Trouble {
            place: std::format!("{}:{}", trouble.file, trouble.row),
            line: trouble.line.to_string(),
            part: trouble.part.to_string(),
            name: trouble.name.to_string(),
            what: trouble.problem.what.clone(),
            remedy: trouble.problem.remedy.clone(),
        }
    }
}

/// All lamps.
pub fn lamps(agent: &Agent, now: Now) -> Vec<Lamp> {
    agent.lamps().map(|lamp| Lamp::new(&lamp, now)).collect()
}

/// All presentities.
pub fn presentities(agent: &Agent, now: Now) -> Vec<Presentity> {
    let all = agent.presentities();
    all.map(|one| Presentity::new(&one, now)).collect()
}

/// All subscriptions that we serve, and those who went before the owner decided.
pub fn watchers(agent: &Agent, now: Now) -> Vec<Watcher> {
    let all = agent.subscriptions().chain(agent.absent());
    all.map(|one| Watcher::new(&one, now)).collect()
}

/// All phones that are registered here.
pub fn registrations(agent: &Agent, now: Now) -> Vec<Registration> {
    let all = agent.registrations();
    all.map(|one| Registration::new(&one, now)).collect()
}

/// All that is published here.
pub fn publications(agent: &Agent, now: Now) -> Vec<Publication> {
    let all = agent.publications();
    all.map(|one| Publication::new(&one, now)).collect()
}

/// All our own subscriptions.
pub fn watches(agent: &Agent, now: Now) -> Vec<Watch> {
    let all = agent.watches();
    all.map(|watch| Watch::new(&watch, now)).collect()
}

/// Why the lamp called `name` shows what it shows; `None` if there is no such lamp.
pub fn why(hub: &Hub, name: &str, now: Now) -> Option<Reason> {
    let lamp = hub.agent.lamps().position(|lamp| lamp.name == name)?;
    let why = hub.agent.why(lamp)?;
    Some(Reason::new(&why, hub.agent.settings(), &hub.listeners, now))
}

/// The agent in a few numbers.
pub fn status(hub: &Hub, now: Now) -> Status {
    let listeners = hub.listeners.iter();
    Status {
        version: env!("CARGO_PKG_VERSION"),
        uptime_s: now.ago(hub.started),
        board: hub.board.clone(),
        listen: listeners.map(|it| std::format!("{it}")).collect(),
        presentities: presentities(hub.agent, now),
        subscriptions: hub.agent.subscriptions().count(),
        watches: hub.agent.watches().count(),
        publications: hub.agent.publications().count(),
        registrations: hub.agent.registrations().count(),
        connections: Connections::new(&hub.streams, now),
        upstreams: hub
            .agent
            .upstreams(now.mono)
            .map(|link| Upstream::new(&link, now))
            .collect(),
        troubles: hub.panel.troubles().map(Trouble::new).collect(),
    }
}

/// What all bodies are.
pub const MEDIA_TYPE: &str = "application/json";

/// An error's body.
pub fn error(text: &str) -> String {
    #[derive(Serialize)]
    struct Wrong<'a> {
        error: &'a str,
    }
    to_json(&Wrong { error: text })
}

/// JSON with a line's end behind it. Our own types can always be written.
pub fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default() + "\n"
}
