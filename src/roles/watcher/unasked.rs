//! What servers tell without having been asked: message summaries for whoever is registered there.
//!
//! Read RFC 3842 §3.11 and RFC 6665 §4.1.3 first: a NOTIFY without a subscription has no place in either, and many PBXs
//! send nothing else for a mailbox. It is believed where an account is registered with its sender, which the caller sees
//! to, and vouches for what it says as long as that is so.
//!
//! Such a NOTIFY has no order: of these and of a subscription's the last one to arrive counts.

use super::Watcher;
use super::told::format_of;
use super::usage::Knowledge;
use super::watch::{State, Watch};
use crate::events::answer::Refusal;
use crate::events::package::Package;
use crate::events::watched::Watched;
use crate::ground::limits;
use crate::ground::time::Instant;
use crate::wire::doc::message_summary::{self, MessageSummary};
use crate::wire::sip::{Request, Uri, same_user};
use core::net::{IpAddr, SocketAddr};

impl Watcher {
    /// Takes in a message summary that nobody asked for, from the server of the account of that number, to the user of
    /// `called`: for the watches of that mailbox that go with the account, and for no other. `None` if there is none:
    /// then it is a NOTIFY without a subscription like any other.
    ///
    /// Whose mailbox it is, its `Message-Account` says. Many servers write there whom to call for the messages, and for
    /// all mailboxes the same: where it names nobody who is watched, it is the mailbox of `called`.
    ///
    /// # Errors
    /// [`Refusal`]: the answer to a body that can't be read. Nothing was applied.
    pub fn handle_unasked(
        &mut self,
        now: Instant,
        account: u16,
        called: &Uri<'_>,
        request: &Request<'_>,
        from: SocketAddr,
    ) -> Option<Result<(), Refusal>> {
        let is_mailbox = |watch: &Watch| watch.is_mailbox_of(account);
        if !self.watches.iter().any(|(_, watch)| is_mailbox(watch)) {
            return None;
        }
        let summary = match summary(request) {
            Ok(summary) => summary,
            Err(refusal) => return Some(Err(refusal)),
        };
        // Who says nothing changes nothing.
        let Some(summary) = summary else {
            return Some(Ok(()));
        };
        let named = summary.account.and_then(|it| Uri::parse(it).ok());
        let named = named.is_some_and(|named| {
            self.tell_mailboxes(now, account, &named, &summary, request.body, from)
        });
        let told = named || self.tell_mailboxes(now, account, called, &summary, request.body, from);
        told.then_some(Ok(()))
    }

    /// What the server of that account told without having been asked is in doubt, unless `vouches` says that it still
    /// knows us there.
    pub fn doubt_unasked(&mut self, now: Instant, account: u16, vouches: impl Fn(IpAddr) -> bool) {
        for slot in 0..limits::WATCHES as u16 {
            let Some(id) = self.watches.id_at(slot) else {
                continue;
            };
            let Some(watch) = self.watches.get_mut(id) else {
                continue;
            };
            let from = watch
                .story
                .unasked
                .filter(|_| watch.account == Some(account));
            if from.is_none_or(|from| vouches(from.ip())) {
                continue;
            }
            watch.story.unasked = None;
            // Usages that know it have it from there too, but their notifiers vouch for it.
            if watch.usages.is_empty() {
                watch.doubt_since(now);
                self.changed.push(slot);
            }
            self.tell(now, id);
        }
    }

    /// Tells all mailboxes of that user what was said; `false` if there is none.
    fn tell_mailboxes(
        &mut self,
        now: Instant,
        account: u16,
        user: &Uri<'_>,
        summary: &MessageSummary<'_>,
        body: &[u8],
        from: SocketAddr,
    ) -> bool {
        let mut found = false;
        for slot in 0..limits::WATCHES as u16 {
            let Some(id) = self.watches.id_at(slot) else {
                continue;
            };
            let Some(watch) = self.watches.get_mut(id) else {
                continue;
            };
            let target = Uri::parse(watch.target.as_bytes());
            if !watch.is_mailbox_of(account) || !target.is_ok_and(|it| same_user(&it, user)) {
                continue;
            }
            found = true;
            let watched = match summary.waiting {
                true => Watched::Waiting,
                false => Watched::Idle,
            };
            let story = &mut watch.story;
            let before = (story.watched, story.broken_since, story.messages);
            story.watched = watched;
            story.messages = summary.messages;
            story.told = true;
            story.broken_since = None;
            story.last_notify = Some(now);
            story.unasked = Some(from);
            if before != (watched, None, summary.messages) {
                self.changed.push(slot);
            }
            for usage in watch.usages.clone() {
                if let Some(usage) = self.usages.get_mut(usage) {
                    let _ = (Package::MessageSummary.spec().read)(&mut usage.memory, body);
                    usage.knowledge = Knowledge::Known(watched);
                    usage.forget_tag();
                }
            }
            self.settle_watch(id);
        }
        found
    }
}

impl Watch {
    /// Whether it watches a mailbox with that account.
    fn is_mailbox_of(&self, account: u16) -> bool {
        let is_over = matches!(self.state, State::Ending(_));
        self.account == Some(account) && self.package == Package::MessageSummary && !is_over
    }
}

/// What the body says; `None` without one.
fn summary<'a>(request: &Request<'a>) -> Result<Option<MessageSummary<'a>>, Refusal> {
    if request.body.is_empty() {
        return Ok(None);
    }
    format_of(Package::MessageSummary, request)?;
    let read = message_summary::read(request.body);
    read.map(Some).map_err(|fault| Refusal::bad(fault.reason()))
}
