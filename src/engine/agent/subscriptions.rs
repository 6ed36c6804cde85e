//! SUBSCRIBEs of those who watch our presentities: to the notifier, with what the policy says of them.

use super::approval::{uri_of, watching};
use super::{Agent, Excerpt, Report};
use crate::events::answer::{Answer, Refusal};
use crate::events::identity::Identity;
use crate::ground::time::Moment;
use crate::roles::notifier::{Subscriber, Who};
use crate::wire::flow::Flow;
use crate::wire::sip::{Request, Status};

impl Agent {
    /// A SUBSCRIBE: in a dialog of ours if its To has a tag, or for one of our presentities.
    pub(super) fn answer_subscribe(
        &mut self,
        moment: Moment,
        flow: &Flow,
        request: &Request<'_>,
        identity: Identity,
    ) -> Result<Answer, Refusal> {
        self.notifier.set_clock(moment);
        let (policy, directory, locals) = (&self.policy, &self.directory, &self.locals);
        // Nobody whom we don't know sends our NOTIFYs elsewhere, not even to those whom we trust.
        let is_known = identity.is_known();
        let mut from = Subscriber {
            flow,
            identity,
            rules: &|who: Who<'_>| policy.judge(watching(policy, directory, who)),
            trusts: &|named| is_known && policy.trusts(named.ip()) && !locals.listens_at(named),
            owns: &|| false,
        };
        if request.to.tag().is_some() {
            let presentities = directory.presentities();
            return self
                .notifier
                .handle_refresh(moment.now, request, presentities, from);
        }
        let known = directory.find(&request.uri);
        let presentity = known
            .or_else(|| self.behind_contact(moment.now, flow, &request.uri))
            .ok_or(Status::NOT_FOUND)?;
        self.takes_more()?;
        let is_owner = identity.name().is_some_and(|it| self.owns(it, presentity));
        let is_named = || directory.is_named(presentity, &request.from.uri());
        let owns = || is_owner || (identity == Identity::Network && is_named());
        from.owns = &owns;
        let random = &mut self.random;
        let answer = self
            .notifier
            .handle_subscribe(moment.now, request, presentity, from, random)?;
        if let Answer::Subscribed { tag: Some(tag), .. } = answer
            && !self.notifier.is_allowed(tag)
        {
            self.report(Report::Waits {
                remote: flow.remote,
                watcher: Excerpt::of(request.from.uri_text),
                presentity: Excerpt::of(uri_of(&self.directory, presentity).as_bytes()),
            });
        }
        Ok(answer)
    }
}
