//! Conditional notification: a refresh that costs a document only if there is news.
//!
//! Read RFC 5839 §5 first, then §6.2 to §6.4. The entity-tag of a NOTIFY names the state that it tells; a SUBSCRIBE that
//! gives it back in Suppress-If-Match is answered by 204, and no NOTIFY, while that is the state.
//!
//! ```text
//!   what comes                                      what is held then
//!   a document that tells all that is known         its tag, if it has one
//!   a partial one that leaves nothing open          its tag: it names the full state (RFC 5839 §6.4)
//!   one that leaves something open, is unreadable,  none
//!     or of somebody who may not be watched yet
//!   none, with the tag that is held                 the same: nothing has changed (RFC 5839 §6.2)
//!   none, without a tag                             the same: it says no more than how long the subscription lasts
//!   none, with another tag                          the same, and the full state is asked for
//! ```
//!
//! The tag is held in the dialog that it came in, and forgotten with it: who begins anew wants to be told. What is in
//! doubt is asked for without it, and so is all that a notifier tells which took a condition badly (RFC 5839 §5.8).

use super::Watcher;
use super::usage::{Condition, Gap, Refresh, TAG, Usage, UsageState};
use super::watch::Watch;
use crate::ground::random::Random;
use crate::ground::table::Id;
use crate::ground::text::Text;
use crate::ground::time::Instant;
use crate::wire::sip::{Name, Request, Writer};

impl Watcher {
    /// The notifier says that nothing has changed since what the refresh named.
    pub(super) fn unchanged(&mut self, now: Instant, id: Id<Usage>, random: &mut Random) {
        let Some(usage) = self.usages.get_mut(id) else {
            return;
        };
        let watch_id = usage.watch;
        let Some(watch) = self.watches.get(watch_id) else {
            return;
        };
        usage.vouch(now, watch, true, random);
        if usage.gap == Gap::Closed {
            usage.doubt = None;
        }
        self.audited(now, id);
        self.tell(now, watch_id);
    }

    /// The notifier took a condition badly: none is made any more.
    pub(super) fn ask_plainly(&mut self, id: Id<Usage>) {
        let watch = self.usages.get(id).map(|usage| usage.watch);
        if let Some(watch) = watch.and_then(|id| self.watches.get_mut(id)) {
            watch.plain = true;
        }
    }
}

impl Usage {
    /// What is known is what the NOTIFY says, in full.
    pub(super) fn hold_tag_of(&mut self, request: &Request<'_>) {
        let tag = request.headers.sip_etag().ok().flatten();
        let tag = tag.and_then(|tag| Text::from_bytes(tag).ok());
        self.hold(tag.unwrap_or_default());
    }

    /// What is known has no name.
    pub(super) fn forget_tag(&mut self) {
        if !self.tag.is_empty() {
            self.hold(Text::new());
        }
    }

    fn hold(&mut self, tag: Text<TAG>) {
        match &mut self.state {
            // Its retransmissions must stay the same bytes.
            UsageState::Refreshing(refresh) | UsageState::Ending(refresh)
                if refresh.condition != Condition::None && refresh.request.is_in_flight() =>
            {
                if self.tag != tag {
                    refresh.condition = Condition::Overtaken;
                }
            }
            UsageState::Resting { .. } | UsageState::Refreshing(_) | UsageState::Ending(_) => {
                self.tag = tag;
            }
        }
    }

    /// Whether a NOTIFY without a document says that nothing has changed (RFC 5839 §6.2).
    pub(super) fn is_same(&self, request: &Request<'_>) -> bool {
        request.body.is_empty()
            && !self.tag.is_empty()
            && request.headers.sip_etag() == Ok(Some(self.tag.as_bytes()))
    }

    /// Whether it names a state which is not the one that is held.
    pub(super) fn is_other(&self, request: &Request<'_>) -> bool {
        let named = request.headers.sip_etag().ok().flatten();
        named.is_some_and(|named| !self.tag.is_empty() && named != self.tag.as_bytes())
    }

    /// Decides whether the request that is about to be sent makes a condition.
    pub(super) fn make_condition(&mut self, watch: &Watch) {
        let is_sure = self.doubt.is_none() && self.gap == Gap::Closed && self.knows();
        let Some(refresh) = self.refresh_mut() else {
            return;
        };
        let was_overtaken = refresh.condition == Condition::Overtaken;
        refresh.condition = Condition::None;
        let ends = matches!(self.state, UsageState::Ending(_));
        if was_overtaken {
            self.tag.clear();
        }
        // Who leaves has no use for the state.
        let makes = (is_sure || ends) && !self.tag.is_empty() && !watch.plain;
        if let Some(refresh) = self.refresh_mut().filter(|_| makes) {
            refresh.condition = Condition::Made;
        }
    }

    /// Whether the request that is out makes a condition.
    pub(super) fn made_condition(&self) -> bool {
        match &self.state {
            UsageState::Refreshing(refresh) | UsageState::Ending(refresh) => {
                refresh.condition != Condition::None
            }
            UsageState::Resting { .. } => false,
        }
    }

    /// Writes the condition of the request that is sent.
    pub(super) fn write_condition(&self, w: &mut Writer<'_>, refresh: &Refresh) {
        match refresh.condition {
            Condition::None => {}
            Condition::Made | Condition::Overtaken => {
                w.header(Name::SuppressIfMatch, self.tag.as_bytes());
            }
        }
    }

    /// The request is over: a tag that was overtaken names nothing that is known.
    pub(super) fn end_condition(&mut self) {
        let overtaken = |refresh: &mut Refresh| refresh.condition == Condition::Overtaken;
        if self.refresh_mut().is_some_and(overtaken) {
            self.tag.clear();
        }
    }
}
