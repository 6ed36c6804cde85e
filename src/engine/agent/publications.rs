//! What phones publish: to the compositor, and from there into what watchers are told.

use super::Agent;
use crate::events::answer::{Answer, Refusal};
use crate::events::identity::Identity;
use crate::events::presentity::Presentity;
use crate::events::subscription::Verdict;
use crate::ground::limits;
use crate::ground::table::Id;
use crate::ground::time::Moment;
use crate::roles::compositor::{Publication, Publisher};
use crate::users::compose::Published;
use crate::users::policy::Act;
use crate::wire::flow::Flow;
use crate::wire::sip::{Request, Status, Uri, names_presentity};
use heapless::Vec;

impl Agent {
    /// A PUBLISH (RFC 3903 §6) from a user, or from somebody whom we trust.
    pub(super) fn answer_publish(
        &mut self,
        moment: Moment,
        flow: &Flow,
        request: &Request<'_>,
        identity: Identity,
    ) -> Result<Answer, Refusal> {
        // Step 1.
        let id = self.find(&request.uri).ok_or(Status::NOT_FOUND)?;
        self.takes_more()?;
        let may = match identity {
            Identity::Network => self.is_itself(id, request),
            Identity::User(_) | Identity::Certificate(_) | Identity::Nobody => {
                self.may_act_for(identity, id, Act::Publish)
            }
        };
        let from = Publisher {
            flow,
            verdict: match may {
                true => Verdict::Allow,
                false => Verdict::Block,
            },
        };
        let random = &mut self.random;
        let answer = self
            .compositor
            .handle_publish(moment.now, request, id, from, random)?;
        self.hear_publications(moment);
        Ok(answer)
    }

    /// Whether a request comes from whom it is about (RFC 3903 §14.1): the presentity by the name that we know it by,
    /// or by the one that the request itself uses. A port may be left out of it, unless that makes it somebody else's.
    fn is_itself(&self, id: Id<Presentity>, request: &Request<'_>) -> bool {
        let Some(presentity) = self.directory.presentities().get(id) else {
            return false;
        };
        let from = request.from.uri();
        let own = Uri::parse(presentity.uri().as_bytes());
        let names_it = names_presentity(&from, &request.uri)
            || own.is_ok_and(|own| names_presentity(&from, &own));
        names_it && self.named(&request.from) == Some(id)
    }

    /// Composes anew whatever publications have changed.
    pub(super) fn hear_publications(&mut self, moment: Moment) {
        while let Some(id) = self.compositor.take_changed() {
            self.compose(moment, id);
        }
    }

    /// Composes a presentity anew and tells whoever has to hear of it.
    pub(super) fn compose(&mut self, moment: Moment, id: Id<Presentity>) {
        let is_new = {
            let its = self.compositor.of(id);
            let published: Vec<_, { limits::PUBLICATIONS_EACH }> =
                its.iter().map(|it| published(it)).collect();
            let calls = self.calls.of(id);
            self.directory.compose(moment, id, &calls, &published)
        };
        if is_new {
            self.note_presentity(id);
        }
        self.note_doing(moment, id);
        self.tell_watchers(moment.now, id);
    }
}

fn published(it: &Publication) -> Published<'_> {
    Published {
        number: it.number(),
        package: it.package(),
        changed: it.changed(),
        says: it.says(),
        document: it.document(),
    }
}
