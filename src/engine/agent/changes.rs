//! What changed, by subject, for those who follow: a page, a line on a screen, a message bus.
//!
//! Every subject waits at most once, in a place of its own: no change is lost but those that another one overtook, and
//! it costs nothing to have many.

use super::status::{
    LampStatus, PresentityStatus, PublicationStatus, RegistrationStatus, SubscriptionStatus,
};
use super::{Agent, Subject};
use crate::events::presentity::Presentity;
use crate::ground::limits;
use crate::ground::table::{Id, Queue};
use crate::ground::time::Instant;
use crate::roles::upstream;

/// What is known of a subject.
#[allow(
    clippy::large_enum_variant,
    reason = "there is one of it, for as long as somebody looks at it"
)]
#[derive(Clone, Copy, Debug)]
pub enum Description<'a> {
    /// Of a lamp.
    Lamp(LampStatus<'a>),
    /// Of a presentity.
    Presentity(PresentityStatus<'a>),
    /// Of a subscription that we serve.
    Watcher(SubscriptionStatus<'a>),
    /// Of an account.
    Account(upstream::Report<'a>),
    /// Of a publication.
    Publication(PublicationStatus<'a>),
    /// Of a phone that is registered here.
    Registration(RegistrationStatus<'a>),
}

/// Subjects that changed since they were told last, but for those that the roles keep themselves.
pub(super) struct Changes {
    lamps: Queue<{ limits::LAMPS }>,
    presentities: Queue<{ limits::PRESENTITIES }>,
    accounts: Queue<{ limits::UPSTREAMS }>,
}

impl Changes {
    pub(super) const fn new() -> Changes {
        Changes {
            lamps: Queue::new(),
            presentities: Queue::new(),
            accounts: Queue::new(),
        }
    }

    /// The lamp with that number shows something else, or stands for it.
    pub(super) fn note_lamp(&mut self, lamp: u16) {
        self.lamps.push(lamp);
    }

    /// The account with that number stands otherwise.
    pub(super) fn note_account(&mut self, account: u16) {
        self.accounts.push(account);
    }

    /// The settings are others: every number in them may mean somebody else.
    pub(super) fn note_all(&mut self) {
        (0..limits::LAMPS as u16).for_each(|lamp| self.lamps.push(lamp));
        (0..limits::PRESENTITIES as u16).for_each(|it| self.presentities.push(it));
        (0..limits::UPSTREAMS as u16).for_each(|account| self.accounts.push(account));
    }
}

impl Agent {
    /// What is known of a subject now; `None` if there is no such thing, or none any more.
    pub fn describe(&self, now: Instant, subject: Subject) -> Option<Description<'_>> {
        match subject {
            Subject::Lamp(lamp) => self.lamp(lamp.into()).map(Description::Lamp),
            Subject::Presentity(number) => {
                let id = *self.presentities.get(usize::from(number))?;
                self.presentity(id).map(Description::Presentity)
            }
            Subject::Watcher(slot) => {
                let subscription = self.notifier.at(slot)?;
                Some(Description::Watcher(self.subscription(subscription)))
            }
            Subject::Account(number) => {
                let id = self.links.get(usize::from(number)).copied().flatten()?;
                self.upstreams
                    .report(now, id, &self.locals)
                    .map(Description::Account)
            }
            Subject::Publication(slot) => {
                let publication = self.compositor.at(slot)?;
                Some(Description::Publication(self.publication(publication)))
            }
            Subject::Registration(slot) => {
                let binding = self.registrar.at(slot)?;
                Some(Description::Registration(self.registration(binding)))
            }
        }
    }

    /// The next subject that changed.
    pub(super) fn next_change(&mut self) -> Option<Subject> {
        if let Some(slot) = self.notifier.take_altered() {
            return Some(Subject::Watcher(slot));
        }
        if let Some(lamp) = self.changes.lamps.pop() {
            return Some(Subject::Lamp(lamp));
        }
        if let Some(presentity) = self.changes.presentities.pop() {
            return Some(Subject::Presentity(presentity));
        }
        if let Some(account) = self.changes.accounts.pop() {
            return Some(Subject::Account(account));
        }
        if let Some(slot) = self.compositor.take_altered() {
            return Some(Subject::Publication(slot));
        }
        self.registrar.take_altered().map(Subject::Registration)
    }

    /// A presentity of the settings has another presence, or other inputs.
    pub(super) fn note_presentity(&mut self, id: Id<Presentity>) {
        if let Some(number) = self.presentities.iter().position(|it| *it == id) {
            self.changes.presentities.push(number as u16);
        }
    }
}
