//! What the agent is told to do: whom it serves, whom it watches, what its lamps and buttons mean.
//!
//! [`Settings`] is plain data of fixed capacity. Who fills it in (a file, a test, the demonstration) calls
//! [`Settings::validate`] before the agent sees it; the agent relies on what `validate` promises.

mod authentication;
mod buttons;
mod invalid;
mod lamps;
mod lists;
pub mod rules;
mod served_lists;
mod softphones;
mod upstreams;
mod watches;

use crate::ground::error_texts;
use core::fmt::Write;
use core::net::SocketAddr;

use heapless::Vec;

pub use authentication::{Authentication, Demand, Listed, Listener};
pub use buttons::{Action, ButtonSettings, Gesture};
pub use invalid::Invalid;
pub use lamps::{LampSettings, Shows};
pub use lists::WatchRole;
pub use rules::{Days, Direction, During, Packages, Rule, Rules, Span, Then, Who, Zone};
pub use served_lists::ServedListSettings;
use served_lists::is_entity;
pub use softphones::SoftphoneSettings;
pub use upstreams::{Account, FEATURE, Features, Redirects, Server, UpstreamSettings};
pub use watches::WatchSettings;

use crate::events::package::{Pace, Package};
use crate::ground::limits::{
    BUTTONS, LAMPS, MAX_EXPIRES, MAX_PUBLICATION, MAX_REGISTRATION, MIN_EXPIRES, MIN_PUBLICATION,
    MIN_REGISTRATION, OWNERS, PRESENTITIES, SERVED_LISTS, SOFTPHONES, TRUSTED, UPSTREAMS, URI,
    USER, WATCHES,
};
pub use crate::ground::network::Network;
use crate::ground::text::Text;
use crate::ground::time::Seconds;
use crate::ua::next_hop::split_transport;
pub use crate::users::policy::Strangers;
use crate::wire::sip::{Bad, Uri, same_presentity};

/// All that the agent is told.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Whose presence is kept and served here.
    pub presentities: Vec<PresentitySettings, PRESENTITIES>,
    /// Lists of them that are served. Together they are no more than [`PRESENTITIES`].
    pub served_lists: Vec<ServedListSettings, SERVED_LISTS>,
    /// Phones on this device whose calls are those of presentities.
    pub softphones: Vec<SoftphoneSettings, SOFTPHONES>,
    /// The servers above us. No two have the same address of record.
    pub upstreams: Vec<UpstreamSettings, UPSTREAMS>,
    /// Our own subscriptions. No two are equal: lamps that ask for the same thing share one.
    pub watches: Vec<WatchSettings, WATCHES>,
    /// Every lamp of the panel, in the board's order.
    pub lamps: Vec<LampSettings, LAMPS>,
    /// Every button of the panel, in the board's order.
    pub buttons: Vec<ButtonSettings, BUTTONS>,
    /// Who is here may watch.
    pub trusted: Vec<Network, TRUSTED>,
    /// What becomes of those elsewhere.
    pub strangers: Strangers,
    /// Whether who waits for a decision about its presence subscription gets a document that says nothing, rather than
    /// none (RFC 3856 §6.6.2).
    pub blank_documents: bool,
    /// Who has to show a password.
    pub authentication: Authentication,
    /// Shortest lifetime granted to a subscription: below it 423 (RFC 6665 §4.2.1.1). At most 3600.
    pub min_expires: Seconds,
    /// Longest lifetime granted to a subscription.
    pub max_expires: Seconds,
    /// How long a registration lasts.
    pub registrations: Lifetimes,
    /// How often watchers are told, by package.
    pub paces: [Pace; Package::SERVED_COUNT],
    /// For how long others may publish here.
    pub publications: Lifetimes,
    /// What the owner rules about watchers, and about our own lamps.
    pub rules: Rules,
}

impl Settings {
    /// No settings at all, and not valid: every byte zero, so that a static costs nothing in flash.
    pub const fn new() -> Settings {
        Settings {
            presentities: Vec::new(),
            served_lists: Vec::new(),
            softphones: Vec::new(),
            upstreams: Vec::new(),
            watches: Vec::new(),
            lamps: Vec::new(),
            buttons: Vec::new(),
            trusted: Vec::new(),
            strangers: Strangers::Refuse,
            blank_documents: false,
            authentication: Authentication::new(),
            min_expires: Seconds::ZERO,
            max_expires: Seconds::ZERO,
            registrations: Lifetimes::NONE,
            paces: [Pace::UNLIMITED; Package::SERVED_COUNT],
            publications: Lifetimes::NONE,
            rules: Rules::new(),
        }
    }

    /// The demonstration: one desk, and the lamp `blf1` that watches it through a real SUBSCRIBE over loopback.
    /// Lamps and buttons are those of the simulated board.
    pub fn demo() -> Settings {
        let mut settings = Settings::new();
        settings.restore_demo(None);
        settings
    }

    /// Forgets everything, then sets what is not zero by default.
    pub fn restore_defaults(&mut self) {
        self.presentities.clear();
        self.served_lists.clear();
        self.softphones.clear();
        self.upstreams.clear();
        self.watches.clear();
        self.lamps.clear();
        self.buttons.clear();
        self.trusted.clear();
        self.strangers = Strangers::Refuse;
        self.blank_documents = true;
        self.authentication = Authentication::new();
        self.rules.clear();
        self.min_expires = MIN_EXPIRES;
        self.max_expires = MAX_EXPIRES;
        self.registrations = Lifetimes {
            min: MIN_REGISTRATION,
            max: MAX_REGISTRATION,
        };
        self.publications = Lifetimes {
            min: MIN_PUBLICATION,
            max: MAX_PUBLICATION,
        };
        let usual = Package::SERVED.iter().filter_map(|it| it.served());
        for (pace, served) in self.paces.iter_mut().zip(usual) {
            *pace = served.pace;
        }
    }

    /// As [`Settings::demo`], in place. `server` is the agent's own address where it is not 127.0.0.1:5060.
    pub fn restore_demo(&mut self, server: Option<SocketAddr>) {
        const DESK: &str = "sip:desk@127.0.0.1";
        self.restore_defaults();
        let desk = || Text::copied(DESK).unwrap_or_default();
        let mut watch = WatchSettings::new(desk(), desk(), Package::Dialog);
        watch.server = server.map(|address| {
            let mut text = Text::new();
            let _ = write!(text, "{address}"); // An address is always shorter than a host name.
            text
        });
        // What does not fit a build with smaller tables is left out.
        let _ = self.trusted.extend_from_slice(&Network::LOOPBACK);
        let _ = self.presentities.push(PresentitySettings::new(desk()));
        let _ = self.watches.push(watch);
        for name in ["blf1", "blf2", "blf3", "blf4"] {
            let mut lamp = LampSettings::new(Text::copied(name).unwrap_or_default());
            if name == "blf1" {
                lamp.shows = Shows::Watch(0);
            }
            let _ = self.lamps.push(lamp);
        }
        for (name, latching, press) in [("hook", true, Action::Hook), ("dnd", false, Action::Dnd)] {
            let name = Text::copied(name).unwrap_or_default();
            let mut button = ButtonSettings::new(name, latching);
            button.press = press;
            let _ = self.buttons.push(button);
        }
    }

    /// Becomes equal to `other` without a copy on the stack, and without touching places that nobody has.
    pub fn copy_from(&mut self, other: &Settings) {
        fn copy<T: Clone, const N: usize>(to: &mut Vec<T, N>, from: &Vec<T, N>) {
            to.clear();
            let _ = to.extend_from_slice(from); // It has the same capacity.
        }
        let Settings {
            presentities,
            served_lists,
            softphones,
            upstreams,
            watches,
            lamps,
            buttons,
            trusted,
            min_expires,
            max_expires,
            registrations,
            paces,
            strangers,
            blank_documents,
            publications,
            authentication,
            rules,
        } = other;
        self.authentication.clone_from(authentication);
        self.rules.copy_from(rules);
        self.publications = *publications;
        copy(&mut self.presentities, presentities);
        copy(&mut self.served_lists, served_lists);
        copy(&mut self.softphones, softphones);
        copy(&mut self.upstreams, upstreams);
        copy(&mut self.watches, watches);
        copy(&mut self.lamps, lamps);
        copy(&mut self.buttons, buttons);
        copy(&mut self.trusted, trusted);
        (self.min_expires, self.max_expires) = (*min_expires, *max_expires);
        self.registrations = *registrations;
        (self.paces, self.strangers) = (*paces, *strangers);
        self.blank_documents = *blank_documents;
    }

    /// The index of a watch equal to `wanted`, which is added if there is none yet.
    ///
    /// # Errors
    /// [`Full`] when [`WATCHES`] others are there.
    pub fn share_watch(&mut self, wanted: WatchSettings) -> Result<u16, Full> {
        let at = match self.watches.iter().position(|watch| *watch == wanted) {
            Some(at) => at,
            None => {
                self.watches.push(wanted).map_err(|_| Full)?;
                self.watches.len() - 1
            }
        };
        u16::try_from(at).map_err(|_| Full)
    }

    /// Checks what the agent relies on: every index finds something, names and presentities are unique,
    /// URIs are usable in a request, times make sense.
    ///
    /// # Errors
    /// The first thing that is wrong; its text says what to do.
    pub fn validate(&self) -> Result<(), Invalid> {
        if self.max_expires == Seconds::ZERO || self.min_expires > self.max_expires {
            return Err(Invalid::Lifetimes);
        }
        // RFC 6665 §4.2.1.1: 423 is allowed only below an hour.
        if self.min_expires > Seconds(3_600) {
            return Err(Invalid::MinExpires);
        }
        if !self.registrations.make_sense() {
            return Err(Invalid::Registrations);
        }
        if !self.publications.make_sense() {
            return Err(Invalid::Publications);
        }
        self.validate_presentities()?;
        self.validate_served_lists()?;
        self.validate_softphones()?;
        self.validate_upstreams()?;
        self.validate_watches()?;
        self.validate_lists()?;
        self.validate_lamps()?;
        self.validate_buttons()?;
        self.validate_rules()
    }

    fn validate_presentities(&self) -> Result<(), Invalid> {
        for (at, presentity) in self.presentities.iter().enumerate() {
            if !is_entity(&presentity.uri) {
                return Err(Invalid::Presentity(at));
            }
            let mut before = self.presentities.iter().take(at);
            if before.any(|other| is_same(&other.uri, &presentity.uri)) {
                return Err(Invalid::PresentityTwice(at));
            }
        }
        Ok(())
    }
}

impl Default for Settings {
    /// Nobody and nothing, and what is usual for the rest.
    fn default() -> Settings {
        let mut settings = Settings::new();
        settings.restore_defaults();
        settings
    }
}

/// Somebody whose presence is kept and served here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresentitySettings {
    /// The address watchers subscribe to, as `sip:desk@192.168.1.20`.
    pub uri: Text<URI>,
    /// Whether watchers of `dialog` see do-not-disturb as a confirmed dialog, so that their lamp turns red.
    pub dialog_shows_dnd: bool,
    /// Whether its phone registers here, so that it is closed while none does.
    pub registers: bool,
    /// Users that publish and register for it, beside the one of its own name.
    pub owners: Vec<Text<USER>, OWNERS>,
}

impl PresentitySettings {
    /// A presentity as it is without further words.
    pub const fn new(uri: Text<URI>) -> PresentitySettings {
        PresentitySettings {
            uri,
            dialog_shows_dnd: true,
            registers: false,
            owners: Vec::new(),
        }
    }
}

/// How long what a peer asks for may last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    /// Below it 423. At most 3600 (RFC 3261 §10.3 step 7).
    pub min: Seconds,
    /// More is shortened.
    pub max: Seconds,
}

impl Lifetimes {
    const NONE: Lifetimes = Lifetimes {
        min: Seconds::ZERO,
        max: Seconds::ZERO,
    };

    fn make_sense(self) -> bool {
        self.max > Seconds::ZERO && self.min <= self.max && self.min <= Seconds(3_600)
    }
}

/// A table has no room left; the caller names the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

error_texts!(Full: Full => "no room is left");

/// Whether `text` can stand as an address in a request: a `sip:`, `sips:` or `pres:` URI of ASCII without
/// headers of its own (RFC 3261 §19.1.1 forbids them there).
pub fn is_address(text: &str) -> bool {
    let headers = match Uri::parse(text.as_bytes()) {
        Ok(Uri::Sip(sip)) => sip.headers,
        Ok(Uri::Pres(pres)) => pres.headers,
        Ok(Uri::Tel(_) | Uri::Other { .. }) | Err(Bad) => return false,
    };
    headers.is_empty() && text.bytes().all(|it| it.is_ascii_graphic())
}

/// Whether the address may only be asked over TLS (RFC 3261 §26.2.2).
pub fn needs_tls(text: &str) -> bool {
    matches!(Uri::parse(text.as_bytes()), Ok(Uri::Sip(sip)) if sip.secure)
}

/// Whether two addresses are those of one presentity, however they are written.
pub fn is_same(one: &str, two: &str) -> bool {
    let uris = Uri::parse(one.as_bytes()).and_then(|one| Ok((one, Uri::parse(two.as_bytes())?)));
    uris.is_ok_and(|(one, two)| same_presentity(&one, &two))
}

/// Whether `text` is a server of a watch: as [`is_server`], with `tls:` before it if it is asked over TLS.
pub fn is_watch_server(text: &str) -> bool {
    is_server(split_transport(text).1)
}

/// Whether `text` is a `host` or `host:port`; an IPv6 address stands in brackets.
pub fn is_server(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    };
    let port_is_good = port.is_none_or(|port| {
        port.bytes().all(|it| it.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|it| it > 0)
    });
    let host_is_good = match host.strip_prefix('[').and_then(|it| it.strip_suffix(']')) {
        Some(inside) => inside.parse::<core::net::Ipv6Addr>().is_ok(),
        None => {
            let label = |it: u8| it.is_ascii_alphanumeric() || matches!(it, b'.' | b'-' | b'_');
            !host.is_empty() && host.len() <= 253 && host.bytes().all(label)
        }
    };
    port_is_good && host_is_good
}

/// Whether `text` can name a lamp or button: it stands in paths and on command lines, so it begins with a
/// letter or digit.
pub fn is_name(text: &str) -> bool {
    let clean = |it: u8| it.is_ascii_alphanumeric() || matches!(it, b'.' | b'-' | b'_');
    text.bytes().all(clean) && text.starts_with(|it: char| it.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests;
