//! Do-not-disturb that is the same here, at a server that keeps it too, and at telephones that follow ours
//! (`as-feature-event`).
//!
//! Whoever switched it last counts. At the start that is the server: it may have been switched there while we were off.

use super::Agent;
use crate::engine::config::{FEATURE, Features};
use crate::events::answer::{Answer, Refusal};
use crate::events::identity::Identity;
use crate::events::package::{BodyType, Package};
use crate::events::presentity::Presentity;
use crate::ground::table::Id;
use crate::ground::time::Moment;
use crate::roles::upstream::{Report, Stands};
use crate::txn::token::Token;
use crate::users::compose::Input;
use crate::wire::doc::{Fault, features};
use crate::wire::flow::Flow;
use crate::wire::sip::{Request, Status};

impl Agent {
    /// Whether the owner of the presentity with that number does not want to be disturbed.
    pub(super) fn refuses(&self, presentity: usize) -> bool {
        let id = self.presentities.get(presentity).copied();
        let inputs = id.and_then(|id: Id<Presentity>| self.directory.inputs(id));
        inputs.is_some_and(|it| it.dnd)
    }

    /// Has do-not-disturb switched at all servers that keep it too, but for the one that said so.
    pub(super) fn switch_features(&mut self, presentity: usize, dnd: bool, but: Option<u16>) {
        let all = self.settings.upstreams.iter();
        for kept in all.filter_map(|it| it.features) {
            let is_it = usize::from(kept.presentity) == presentity && Some(kept.watch) != but;
            let id = self.watches.get(usize::from(kept.watch)).copied().flatten();
            if let Some(id) = id.filter(|_| is_it) {
                self.watcher.switch(id, dnd);
            }
        }
    }

    /// Takes in what servers have said of it.
    pub(super) fn hear_features(&mut self, moment: Moment) {
        while let Some((id, dnd)) = self.watcher.take_switched() {
            let watch = self.watch_at[usize::from(id.slot())];
            let mut all = self.settings.upstreams.iter().filter_map(|it| it.features);
            let Some(kept) = all.find(|it| it.watch == watch) else {
                continue;
            };
            let presentity = usize::from(kept.presentity);
            if self.refuses(presentity) != dnd {
                self.take_input(moment, presentity, Input::Dnd(dnd));
                self.switch_features(presentity, dnd, Some(watch));
            }
        }
    }

    /// A SUBSCRIBE in which a telephone asks to switch what it is told of: where that is granted it is a press of our
    /// own key. What we do not keep, as where calls go, stays as it is, and the NOTIFY says nothing of it.
    pub(super) fn answer_switch(
        &mut self,
        moment: Moment,
        flow: &Flow,
        request: &Request<'_>,
        identity: Identity,
    ) -> Result<Answer, Refusal> {
        let asked = features::read(request.body).map_err(|fault| match fault {
            Fault::TooLarge | Fault::TooDeep => Status::REQUEST_ENTITY_TOO_LARGE.into(),
            Fault::Syntax | Fault::Doctype | Fault::Encoding | Fault::WrongRoot => {
                Refusal::bad(fault.reason())
            }
        })?;
        let known = request.to.tag().and_then(Token::from_tag);
        let known = known.and_then(|it| self.notifier.watched(it));
        let answer = self.answer_subscribe(moment, flow, request, identity)?;
        let watched = match answer {
            Answer::Subscribed { tag: Some(tag), .. } => self.notifier.watched(tag),
            Answer::Subscribed { tag: None, .. } | Answer::Unchanged { .. } => known,
            Answer::Registered { .. }
            | Answer::Published { .. }
            | Answer::Done
            | Answer::Refused(_) => None,
        };
        let mut all = self.presentities.iter();
        let number = watched.and_then(|id| all.position(|it| *it == id));
        if let Some((number, dnd)) = number.zip(asked.dnd)
            && self.refuses(number) != dnd
        {
            self.handle_input(moment, number, Input::Dnd(dnd));
        }
        Ok(answer)
    }

    /// What there is to say about an account, with how the server stands that keeps do-not-disturb too.
    pub(super) fn with_features<'a>(&'a self, report: Report<'a>, kept: Features) -> Report<'a> {
        let id = self.watches.get(usize::from(kept.watch)).copied().flatten();
        let Some(state) = id.and_then(|id| self.watcher.state(id)) else {
            return report;
        };
        let stands = match (state.expires, state.lost, state.last_status) {
            (Some(_), false, _) => Stands::Yes,
            (_, _, None) => Stands::Waiting,
            (_, _, Some(300..=407 | 409..=499 | 600..)) => Stands::Refused,
            (_, true, Some(_)) => Stands::Retrying,
            (None, false, Some(_)) => Stands::Waiting,
        };
        Report {
            publication: stands,
            dialect: Some(FEATURE),
            published_until: state.expires,
            last_publish: state.last_status,
            why: match (report.why.is_empty(), stands) {
                (true, Stands::Refused | Stands::Retrying) => state.last_reason,
                (_, Stands::Off | Stands::Waiting | Stands::Yes) | (false, _) => report.why,
            },
            broken_since: report.broken_since.or(state.broken_since),
            ..report
        }
    }
}

/// Whether a SUBSCRIBE brings what may ask for a change of what it subscribes to: a body of the package's own type.
pub(super) fn asks_to_switch(request: &Request<'_>) -> bool {
    if request.body.is_empty() {
        return false;
    }
    let (Ok(Some(event)), Ok(Some(named))) =
        (request.headers.event(), request.headers.content_type())
    else {
        return false;
    };
    let is_own = |body: &BodyType| named.matches(body.kind, body.subtype);
    let package = Package::from_name(event.package).filter(|it| it.is_switched());
    package.is_some_and(|it| it.spec().bodies.iter().any(is_own))
}
