//! Phones next door that register here: who may, and what it does to presence.

use super::Agent;
use crate::engine::config::Action;
use crate::events::answer::{Answer, Refusal};
use crate::events::identity::Identity;
use crate::events::presentity::Presentity;
use crate::events::reach::Reach;
use crate::ground::table::Id;
use crate::ground::time::Moment;
use crate::users::policy::Act;
use crate::wire::flow::Flow;
use crate::wire::sip::{NameAddr, Request, Status, Uri};

impl Agent {
    /// A REGISTER from a user or a trusted network (RFC 3261 §10.3). Of its steps, 1 is taken as passed, for a phone
    /// reaches us under many hosts; 2 and 3 are those of every request.
    pub(super) fn answer_register(
        &mut self,
        moment: Moment,
        flow: &Flow,
        request: &Request<'_>,
        identity: Identity,
    ) -> Result<Answer, Refusal> {
        self.takes_more()?;
        // Step 4: nobody registers somebody else; of a user the From was looked at already.
        let presentity = self.named(&request.to);
        if identity == Identity::Network && self.named(&request.from) != presentity {
            return Err(Status::FORBIDDEN.into());
        }
        // Step 5.
        let presentity = presentity.ok_or(Status::NOT_FOUND)?;
        if !self.may_act_for(identity, presentity, Act::Register) {
            return Err(Status::FORBIDDEN.into());
        }
        let registered = self
            .registrar
            .handle_register(moment.now, request, presentity, flow);
        self.hear_registrations(moment);
        registered
    }

    /// Whether the phone of a presentity is there. The agent's own device always is; a presentity is taken for another
    /// one's if the settings say so, or if somebody has registered for it and no button of the panel speaks for it.
    pub fn reachable(&self, presentity: Id<Presentity>) -> Reach {
        if self.registrar.is_registered(presentity) {
            return Reach::Registered;
        }
        let at = self.presentities.iter().position(|it| *it == presentity);
        let settings = at.and_then(|at| self.settings.presentities.get(at));
        let told = settings.is_some_and(|it| it.registers);
        match told || (self.directory.had_phone(presentity) && !self.has_button(at)) {
            true => Reach::Gone,
            false => Reach::Here,
        }
    }

    /// Whose bindings came or went: watchers are told.
    pub(super) fn hear_registrations(&mut self, moment: Moment) {
        while let Some(id) = self.registrar.take_changed() {
            if !self.directory.had_phone(id) {
                self.directory.note_phone(id);
                self.keeping.touch(moment.now, id);
            }
            self.reach(moment, id);
        }
    }

    /// The settings are new.
    pub(super) fn reach_all(&mut self, moment: Moment) {
        for at in 0..self.presentities.len() {
            self.reach(moment, self.presentities[at]);
        }
    }

    pub(super) fn reach(&mut self, moment: Moment, id: Id<Presentity>) {
        let reach = self.reachable(id);
        self.directory.set_reach(id, reach);
        self.compose(moment, id);
    }

    fn has_button(&self, presentity: Option<usize>) -> bool {
        self.settings.buttons.iter().any(|button| {
            Some(usize::from(button.presentity)) == presentity
                && button.actions().any(|it| it != Action::None)
        })
    }

    /// The presentity that a request means; a list is none.
    pub(super) fn find(&self, uri: &Uri<'_>) -> Option<Id<Presentity>> {
        let found = self.directory.find(uri);
        found.filter(|id| !self.lists.contains(id))
    }

    /// Who is meant by an address in a From or To.
    pub(super) fn named(&self, address: &NameAddr<'_>) -> Option<Id<Presentity>> {
        match address.uri() {
            Uri::Other { .. } => None,
            uri @ (Uri::Sip(_) | Uri::Tel(_) | Uri::Pres(_)) => self.find(&uri),
        }
    }
}
