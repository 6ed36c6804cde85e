//! What the agent knows, for those who ask: the command line, a panel on a page, a person wondering about a lamp.

use super::Agent;
use super::approval::uri_of;
use crate::events::package::Package;
use crate::events::party::Party;
use crate::events::presentity::{Presence, Presentity};
use crate::events::watched::Watched;
use crate::ground::limits;
use crate::ground::table::Id;
use crate::ground::time::Instant;
use crate::roles::compositor::Publication;
use crate::roles::notifier::Subscription;
use crate::roles::registrar::Binding;
use crate::roles::watcher;
use crate::users::compose::Inputs;
use crate::users::lamps::{Look, Shows};
use crate::wire::doc::message_summary::Messages;
use crate::wire::doc::pidf::Summary;
use crate::wire::doc::winfo;
use core::net::SocketAddr;
use heapless::Vec;

/// A lamp.
#[derive(Clone, Copy, Debug)]
pub struct LampStatus<'a> {
    /// Its name on the board.
    pub name: &'a str,
    /// What it shows.
    pub look: Look,
    /// What it stands for.
    pub shows: Shows,
    /// Whom it stands for: the target of its watch, or a presentity of ours.
    pub whom: Option<&'a str>,
    /// The state that the look stands for; `None` if the lamp stands for nothing.
    pub state: Option<Watched>,
    /// The other party of the call that it shows, as far as the notifier names one: for the owner's own faces, never for
    /// a peer, and for no log line above `debug`.
    pub party: Option<&'a Party>,
    /// How many messages there are in its mailbox, where that was told.
    pub messages: Option<Messages>,
    /// Since when it shows that.
    pub since: Instant,
}

/// A presentity of ours.
#[derive(Clone, Copy, Debug)]
pub struct PresentityStatus<'a> {
    /// Its URI.
    pub uri: &'a str,
    /// What watchers are told.
    pub presence: &'a Presence,
    /// What its buttons and sensors say.
    pub inputs: &'a Inputs,
    /// Since when that is so.
    pub since: Instant,
}

/// A subscription that we serve, or one that is over and that nobody decided about.
#[derive(Clone, Copy, Debug)]
pub struct SubscriptionStatus<'a> {
    /// The presentity's URI; empty once it is gone.
    pub presentity: &'a str,
    /// Who watches: the URI of its From.
    pub watcher: &'a [u8],
    /// The user that it proved to be.
    pub user: Option<&'a str>,
    /// In which package.
    pub package: Package,
    /// `pending`, `active` or `terminated`; `waiting` if it went before the owner decided.
    pub state: &'static str,
    /// When it expires without a refresh; when it is given up.
    pub ends: Option<Instant>,
    /// Where its NOTIFYs go.
    pub remote: SocketAddr,
}

/// A phone that is registered here.
#[derive(Clone, Copy, Debug)]
pub struct RegistrationStatus<'a> {
    /// The presentity's URI.
    pub presentity: &'a str,
    /// Where it says that it can be reached.
    pub contact: &'a str,
    /// Where it registered from.
    pub remote: SocketAddr,
    /// When it ends without a refresh.
    pub ends: Instant,
}

/// What a phone has published here. Its entity-tag is nobody else's business.
#[derive(Clone, Copy, Debug)]
pub struct PublicationStatus<'a> {
    /// Of whom it tells; empty once that is gone.
    pub presentity: &'a str,
    /// In which package.
    pub package: Package,
    /// Who published it: the URI of its From.
    pub publisher: &'a str,
    /// Where that is.
    pub remote: SocketAddr,
    /// What it says.
    pub says: &'a Summary,
    /// When it expires without a refresh.
    pub ends: Instant,
    /// When it last said something else.
    pub since: Instant,
}

/// Why a lamp shows what it shows.
#[derive(Clone, Debug)]
pub struct Why<'a> {
    /// The lamp.
    pub lamp: LampStatus<'a>,
    /// What chose the look.
    pub rule: &'static str,
    /// The number, from 0, of the owner's rule that keeps the lamp dark, or its watch from being asked for.
    pub owner_rule: Option<u8>,
    /// The number, from 0, of the owner's rule by which the lamp is dim.
    pub dimmed_by: Option<u8>,
    /// When the lamp gives up a state that is in doubt.
    pub grace_ends: Option<Instant>,
    /// The watch behind it; of a lamp of both that of calls.
    pub watch: Option<watcher::Report<'a>>,
    /// That of presence, of a lamp of both.
    pub presence: Option<watcher::Report<'a>>,
}

impl Agent {
    /// The lamps, in the order of the settings.
    pub fn lamps(&self) -> impl Iterator<Item = LampStatus<'_>> {
        (0..self.settings.lamps.len()).filter_map(|lamp| self.lamp(lamp))
    }

    /// The presentities, in the order of the settings.
    pub fn presentities(&self) -> impl Iterator<Item = PresentityStatus<'_>> {
        let all = self.presentities.iter();
        all.filter_map(|&id| self.presentity(id))
    }

    /// The subscriptions that we serve.
    pub fn subscriptions(&self) -> impl Iterator<Item = SubscriptionStatus<'_>> {
        self.notifier.iter().map(|(_, it)| self.subscription(it))
    }

    /// The phones that are registered here, one for each address.
    pub fn registrations(&self) -> impl Iterator<Item = RegistrationStatus<'_>> {
        self.registrar.iter().map(|(_, it)| self.registration(it))
    }

    /// What is published here, the newest last.
    pub fn publications(&self) -> impl Iterator<Item = PublicationStatus<'_>> {
        let mut all: Vec<&Publication, { limits::PUBLICATIONS }> =
            self.compositor.iter().map(|(_, it)| it).collect();
        all.sort_unstable_by_key(|it| it.order());
        all.into_iter().map(|it| self.publication(it))
    }

    /// The watchers who went before the owner decided about them.
    pub fn absent(&self) -> impl Iterator<Item = SubscriptionStatus<'_>> {
        self.notifier.absent().map(|gone| {
            let who = gone.who();
            SubscriptionStatus {
                presentity: uri_of(&self.directory, who.presentity),
                watcher: who.watcher,
                user: self.proven(who.identity),
                package: gone.package(),
                state: winfo::Status::Waiting.as_str(),
                ends: Some(gone.ends()),
                remote: who.remote,
            }
        })
    }

    /// Our own subscriptions, in the order of the settings.
    pub fn watches(&self) -> impl Iterator<Item = watcher::Report<'_>> {
        let ids = self.watches.iter().copied().flatten();
        ids.filter_map(|id| self.watcher.state(id))
    }

    /// Why the lamp with that number in the settings shows what it shows.
    pub fn why(&self, lamp: usize) -> Option<Why<'_>> {
        let status = self.lamp(lamp)?;
        let lit = self.panel.lamps.get(lamp)?;
        let watch = lit.shows().watch();
        let presence = watch.and_then(|watch| lit.shows().beside(watch));
        let report = |watch: u16| {
            let id = self.watches.get(usize::from(watch)).copied().flatten()?;
            self.watcher.state(id)
        };
        let watch = watch.and_then(report);
        Some(Why {
            lamp: status,
            rule: self.rule(lamp, &status, watch.is_some()),
            owner_rule: self.silenced_by(lamp).or(self.rests_by(lamp)),
            dimmed_by: self.dimmed_by(lamp),
            grace_ends: self.panel.graces.due(lamp as u16),
            watch,
            presence: presence.and_then(report),
        })
    }

    /// What chose the look of a lamp.
    fn rule(&self, number: usize, lamp: &LampStatus<'_>, can_be_asked: bool) -> &'static str {
        let Some(state) = lamp.state else {
            return "it watches nobody";
        };
        if self.silenced_by(number).is_some() {
            return "a rule keeps it dark now";
        }
        if self.rests_by(number).is_some() {
            return "a rule does not let it ask now";
        }
        match lamp.shows {
            Shows::Watch(_) | Shows::Both { .. } if !can_be_asked => return CANNOT_ASK,
            Shows::Health => {
                if let Some(trouble) = self.health.trouble() {
                    return trouble;
                }
            }
            Shows::Nothing
            | Shows::Watch(_)
            | Shows::Both { .. }
            | Shows::Dnd(_)
            | Shows::Waiting(_) => {}
        }
        if self.settings.default_looks(lamp.shows).get(state) == lamp.look {
            "the default look"
        } else {
            "a look of the configuration"
        }
    }

    pub(super) fn presentity(&self, id: Id<Presentity>) -> Option<PresentityStatus<'_>> {
        let presentity = self.directory.presentities().get(id)?;
        Some(PresentityStatus {
            uri: presentity.uri(),
            presence: presentity.presence(),
            inputs: self.directory.inputs(id)?,
            since: self.directory.since(id)?,
        })
    }

    pub(super) fn subscription<'a>(&'a self, it: &'a Subscription) -> SubscriptionStatus<'a> {
        SubscriptionStatus {
            presentity: uri_of(&self.directory, it.presentity()),
            watcher: it.dialog().remote_uri(),
            user: self.proven(it.who().identity),
            package: it.package(),
            state: it.state().name(),
            ends: it.state().ends(),
            remote: it.flow().remote,
        }
    }

    pub(super) fn registration<'a>(&'a self, binding: &'a Binding) -> RegistrationStatus<'a> {
        RegistrationStatus {
            presentity: uri_of(&self.directory, binding.presentity()),
            contact: binding.contact(),
            remote: binding.flow().remote,
            ends: binding.ends(),
        }
    }

    pub(super) fn publication<'a>(&'a self, it: &'a Publication) -> PublicationStatus<'a> {
        PublicationStatus {
            presentity: uri_of(&self.directory, it.presentity()),
            package: it.package(),
            publisher: it.publisher(),
            remote: it.remote(),
            says: it.says(),
            ends: it.ends(),
            since: it.changed(),
        }
    }

    pub(super) fn lamp(&self, number: usize) -> Option<LampStatus<'_>> {
        let settings = self.settings.lamps.get(number)?;
        let lit = self.panel.lamps.get(number)?;
        let shows = lit.shows();
        let target = |watch| {
            let watch = self.settings.watches.get(usize::from(watch))?;
            Some(watch.target.as_str())
        };
        let own = |presentity| {
            let presentity = self.settings.presentities.get(usize::from(presentity))?;
            Some(presentity.uri.as_str())
        };
        let (whom, stands_for_something) = match shows {
            Shows::Nothing => (None, false),
            Shows::Watch(watch) | Shows::Both { calls: watch, .. } => (target(watch), true),
            Shows::Dnd(presentity) | Shows::Waiting(presentity) => (own(presentity), true),
            Shows::Health => (None, true),
        };
        Some(LampStatus {
            name: &settings.name,
            look: lit.shown().unwrap_or_default(),
            shows,
            whom,
            state: stands_for_something.then_some(self.panel.states[number]),
            party: self.party(number as u16),
            messages: self.messages(number as u16),
            since: self.panel.since[number],
        })
    }
}

/// Why a watch of the settings is not among the watcher's; its lamp shows unknown.
const CANNOT_ASK: &str = "whom it watches can't be asked: the address names no host that answers";
