//! Users of a desk: phones outside of its networks that show a password, the right one or not; and phones from which the
//! owner hides at times.
//!
//! The digest is computed from RFC 7616 alone, by nothing of the agent's.

use super::desk::Desk;
use super::phone::{Event, Phone};
use super::sip::{Sip, attribute};
use super::{Moment, Party, SECOND, World};
use lampfield::wire::sip::{Algorithm, digest};
use lampfield::{
    Days, Direction, During, Network, Packages, Rule, Seconds, Span, Text, Then, User,
    View as Seen, Who,
};
use sha2::{Digest, Sha256};
use std::net::SocketAddr;

/// Whose users they are.
const REALM: &str = "desk.example";

/// There is one user for all: who guesses wrong must not lock out who knows.
const NAME: &str = "ann";
const PASSWORD: &str = "a right secret";

/// For how long a NOTIFY of before a rule holds may be sent again.
const LINGERS: Moment = 35 * SECOND;

/// What a phone shows that is asked who it is.
pub(crate) struct Login {
    password: &'static str,
    /// What it was asked, and how often it has answered that.
    challenge: Option<(String, u32)>,
    /// How often it was let in.
    pub(crate) proven: u64,
    /// How often it was not.
    pub(crate) refused: u64,
}

/// When the owner is closed to a phone, seconds of the day; and since when it is so.
#[derive(Clone, Copy)]
pub(crate) struct Hidden {
    hours: (u32, u32),
    since: Option<Moment>,
}

impl Login {
    fn new(knows: bool) -> Login {
        Login {
            password: if knows { PASSWORD } else { "a wrong guess" },
            challenge: None,
            proven: 0,
            refused: 0,
        }
    }

    pub(crate) fn knows(&self) -> bool {
        self.password == PASSWORD
    }

    /// The name in a From.
    pub(crate) const fn name(&self) -> &'static str {
        NAME
    }

    /// The header row that proves it, once it was asked.
    pub(crate) fn row(&mut self, method: &str, uri: &str) -> String {
        let Some((nonce, count)) = &mut self.challenge else {
            return String::new();
        };
        *count += 1;
        let (count, cnonce) = (format!("{count:08x}"), "f2/wE4q7");
        let login = hash(&[NAME, REALM, self.password]);
        let asked = hash(&[method, uri]);
        let response = hash(&[&login, nonce, &count, cnonce, "auth", &asked]);
        format!(
            "Authorization: Digest username=\"{NAME}\", realm=\"{REALM}\", nonce=\"{nonce}\", uri=\"{uri}\", \
             algorithm=SHA-256, qop=auth, nc={count}, cnonce=\"{cnonce}\", response=\"{response}\"\r\n"
        )
    }

    /// It is asked who it is; whether it tries once more.
    pub(crate) fn asked(&mut self, sip: &Sip<'_>) -> bool {
        let row = sip.header("WWW-Authenticate");
        let nonce = attribute(row, "nonce").expect("a challenge has a nonce");
        let is_stale = row.contains("stale=true");
        let shown = self.challenge.replace((nonce.to_string(), 0));
        if shown.is_none() || is_stale {
            return true;
        }
        self.challenge = None;
        self.refused += 1;
        false
    }
}

/// Parts with colons between them, as one hash in hexadecimal.
fn hash(parts: &[&str]) -> String {
    let hash = Sha256::digest(parts.join(":"));
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Desk {
    /// Gives the desk a user, before it starts.
    pub(crate) fn guard(&mut self) {
        let (name, realm) = (NAME.as_bytes(), REALM.as_bytes());
        let hash = digest::login_hash(Algorithm::Sha256, name, realm, PASSWORD.as_bytes());
        let text = Text::copied(NAME).expect("short");
        let user = User::new(text, REALM, hash.expect("spoken"), None);
        self.settings.authentication.realm = Text::copied(REALM).expect("short");
        self.users = vec![user];
    }

    pub(crate) fn is_guarded(&self) -> bool {
        !self.users.is_empty()
    }

    /// The owner is closed to whoever is at `address`, at these seconds of each day.
    fn hide(&mut self, address: SocketAddr, hours: (u32, u32)) {
        let rules = &mut self.settings.rules;
        let at = rules.names.len() as u8;
        let network = Network::parse(&format!("{}/32", address.ip())).expect("a network");
        rules.names.push(Who::Network(network)).expect("room");
        let rule = Rule {
            line: 0,
            names: (at, at + 1),
            whom: Default::default(),
            packages: Packages::ALL,
            direction: Direction::In,
            span: Span {
                days: Days::ALL,
                hours: Some(hours),
                dates: None,
            },
            during: During::default(),
            then: Then::PoliteBlock,
            view: Seen::FULL,
            bright: 100,
            pace: Seconds::ZERO,
        };
        rules.list.push(rule).expect("room");
    }

    /// Whether those hours are now. While nobody knows how late it is, what hides holds.
    fn is_within(&self, now: Moment, (from, until): (u32, u32)) -> bool {
        let Some(millis) = self.wall(now).unix_millis() else {
            return true;
        };
        let second = (millis / 1_000 % 86_400) as u32;
        match from < until {
            true => (from..until).contains(&second),
            false => second >= from || second < until,
        }
    }
}

impl World {
    /// A phone outside of the networks that are trusted, which says it is the desk's user.
    pub(crate) fn add_user(
        &mut self,
        desk: usize,
        event: Event,
        expires: u32,
        knows: bool,
    ) -> usize {
        let number = self.add_stranger(desk, event, expires);
        let phone = &mut self.phones[number];
        phone.is_stranger = !knows;
        phone.login = Some(Login::new(knows));
        number
    }

    /// The owner of its desk is closed to a phone for some minutes of each day, the first of them in `wait` seconds.
    pub(crate) fn hide_from(&mut self, phone: usize, wait: u32, lasts: u32) {
        let Some(Party::Desk(desk)) = self.parties.get(&self.phones[phone].server) else {
            return;
        };
        let desk = &mut self.desks[*desk];
        let second = (desk.wall / 1_000 % 86_400) as u32;
        let hours = [wait, wait + lasts].map(|it| (second + it) % 86_400);
        let hours = (hours[0], hours[1]);
        desk.hide(self.phones[phone].address, hours);
        self.phones[phone].hidden = Some(Hidden { hours, since: None });
    }

    /// Whether a desk does other things at other times of the day, or says when it asked who somebody is.
    pub(crate) fn is_ruled_by_clocks(&self) -> bool {
        let mut desks = self.desks.iter();
        desks.any(|desk| desk.settings.rules.has_times() || desk.is_guarded())
    }

    /// Whether the owner of `desk` is closed to `phone` now.
    pub(super) fn is_hidden(&self, desk: &Desk, phone: &Phone) -> bool {
        let hidden = phone.hidden.as_ref();
        hidden.is_some_and(|it| desk.is_within(self.now, it.hours))
    }

    /// Notes from which phones the owner of a desk hides now; how often one begins to is counted.
    pub(super) fn note_hidden(&mut self, desk: usize) {
        let (now, desk) = (self.now, &self.desks[desk]);
        for phone in &mut self.phones {
            let Some(hidden) = phone
                .hidden
                .as_mut()
                .filter(|_| phone.server == desk.address)
            else {
                continue;
            };
            match desk.is_within(now, hidden.hours) {
                true if hidden.since.is_none() => {
                    hidden.since = Some(now);
                    self.hidings += 1;
                }
                true => {}
                false => hidden.since = None,
            }
        }
    }

    /// Who does not know the password is told nothing at all, and from whom the owner hides that he is closed.
    pub(super) fn keep_hidden(
        &self,
        desk: usize,
        to: SocketAddr,
        sip: &Sip<'_>,
    ) -> Result<(), String> {
        let Some(Party::Phone(phone)) = self.parties.get(&to) else {
            return Ok(());
        };
        let phone = &self.phones[*phone];
        // Elsewhere strangers may wait, and others speak in its name.
        let is_its_own = phone.server == self.desks[desk].address;
        if !is_its_own || sip.method() != Some("NOTIFY") {
            return Ok(());
        }
        if phone.login.as_ref().is_some_and(|it| !it.knows()) {
            return Err(format!(
                "desk{desk} tells who knows no password: {}",
                sip.body
            ));
        }
        let since = phone.hidden.as_ref().and_then(|it| it.since);
        let is_long = since.is_some_and(|since| since + LINGERS < self.now);
        match is_long && !is_closed(sip.body) {
            true => Err(format!("desk{desk} is not closed: {}", sip.body)),
            false => Ok(()),
        }
    }
}

/// Whether a document says no more than that of somebody who is closed and has no calls.
fn is_closed(body: &str) -> bool {
    let calls = body.matches("<dialog ").count();
    let ended = body.matches(">terminated<").count();
    let is_silent = body.contains("<dialog-info") && calls == ended;
    let is_polite = body.contains(">closed<") && !body.contains("<rpid:") && !body.contains("note");
    body.is_empty() || is_silent || is_polite
}
