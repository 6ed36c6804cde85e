//! Who sends a request, as far as it is proven, and whom that lets it act for.
//!
//! | who asks | what its requests need |
//! |---|---|
//! | somebody in a trusted network | nothing, unless the settings say so |
//! | who has shown a certificate on this connection, under a name in it | nothing |
//! | somebody elsewhere | a password, where there are users; without any they are strangers |
//!
//! Every request is looked at on its own, those in a dialog too (RFC 3261 §22.1): neither a password on a connection nor
//! a subscription proves who sends the next one (RFC 5922 §8.1).

use super::approval::watching;
use super::{Agent, Excerpt, Report};
use crate::engine::config::{Demand, PresentitySettings};
use crate::events::answer::Refusal;
use crate::events::identity::{Identity, UserId};
use crate::events::package::Package;
use crate::events::presentity::Presentity;
use crate::ground::table::Id;
use crate::ground::time::Instant;
use crate::roles::notifier::Who;
use crate::txn::server::Seen;
use crate::txn::token::Token;
use crate::ua::guard::{Right, Shown, User};
use crate::users::policy::Act;
use crate::wire::flow::Flow;
use crate::wire::sip::{Method, Name, Request, Status, Uri, is_user_of, names_presentity};
use core::net::IpAddr;

impl Agent {
    /// Knows these users from now on, and no others. Who was proven to be another one is so no more, and is judged as
    /// whoever is at its address.
    pub fn set_users(&mut self, users: &[User]) {
        self.guard.set_users(users);
        self.know_users();
        self.judge_all();
    }

    /// The users there are.
    pub fn users(&self) -> &[User] {
        self.guard.users()
    }

    /// Users are known by hashes of their names, and the secret of those is another one.
    pub(super) fn know_users(&mut self) {
        let names = self.guard.users().iter().map(User::name);
        self.policy.know(names);
    }

    /// Who sends this request. A password counts before a certificate. Those that ask for something of ours are asked for
    /// a password where it takes one, and credentials that nobody asked for count too.
    ///
    /// # Errors
    /// 401 for who has to prove it, or did so wrongly; 403 for a user under somebody else's name; 400 for credentials
    /// that can't be read.
    pub(super) fn identity_of(
        &mut self,
        now: Instant,
        flow: &Flow,
        request: &Request<'_>,
    ) -> Result<Identity, Refusal> {
        let address = flow.remote.ip();
        let peer = self.certified.peer(flow);
        let certified = peer.and_then(|it| it.name(&request.from.uri()));
        let by_address = match certified {
            Some(name) => Identity::Certificate(self.policy.user_id(name.as_bytes())),
            None => self.policy.identity_now(Identity::Nobody, address),
        };
        let asks = matches!(
            request.method,
            Method::Subscribe | Method::Publish | Method::Register
        );
        if !asks || !self.takes_passwords() {
            return Ok(by_address);
        }
        if request.headers.has(Name::Authorization) {
            match self.guard.examine(now, address, request) {
                Shown::Nothing => {}
                Shown::Bad(why) => return Err(Refusal::bad(why)),
                Shown::Stale => return Err(Refusal::Challenge { stale: true }),
                Shown::Wrong(user) => {
                    let user = user.map(|name| Excerpt::of(name.as_bytes()));
                    self.report_wrong(flow, user);
                    return Err(Refusal::Challenge { stale: false });
                }
                Shown::Right(right) => return self.prove(now, address, request, right),
            }
        }
        match certified.is_none() && self.must_prove(by_address, flow, request) {
            true => Err(Refusal::Challenge { stale: false }),
            false => Ok(by_address),
        }
    }

    /// Whether this identity may do that for a presentity: users where a rule says so, and for those that are theirs.
    /// Those of a trusted network are taken at their word, which is for others to check.
    pub(super) fn may_act_for(
        &self,
        identity: Identity,
        presentity: Id<Presentity>,
        act: Act,
    ) -> bool {
        match identity {
            Identity::Nobody => false,
            Identity::Network => true,
            Identity::User(user) | Identity::Certificate(user) => {
                let ruled = self.policy.may_act(user, presentity.slot(), act);
                ruled.unwrap_or_else(|| self.owns(user, presentity))
            }
        }
    }

    /// Whether a user is the owner of a presentity: by its name, or by the settings.
    pub(super) fn owns(&self, user: UserId, presentity: Id<Presentity>) -> bool {
        let at = self.presentities.iter().position(|it| *it == presentity);
        let settings = at.and_then(|at| self.settings.presentities.get(at));
        settings.is_some_and(|it| {
            let name = self.user_name(user).unwrap_or_default();
            is_owner(name, it)
        })
    }

    /// The name of the user that somebody proved to be.
    pub(super) fn proven(&self, identity: Identity) -> Option<&str> {
        self.user_name(identity.name()?)
    }

    /// The name of a user, or one in a certificate whose owner is connected.
    pub(super) fn user_name(&self, user: UserId) -> Option<&str> {
        let names = self.guard.users().iter().map(User::name);
        let mut names = names.chain(self.certified.names());
        names.find(|name| self.policy.user_id(name.as_bytes()) == user)
    }

    /// The password was right: whether this is a use of it that was not seen before, under a name of the user's own.
    fn prove(
        &mut self,
        now: Instant,
        address: IpAddr,
        request: &Request<'_>,
        right: Right,
    ) -> Result<Identity, Refusal> {
        // A retransmission gets the answer of before, and uses nothing up.
        let is_again = matches!(self.transactions.look_up(request, address), Seen::Again(_));
        if !is_again && !self.guard.spend(now, right) {
            return Err(Refusal::Challenge { stale: true });
        }
        let name = self.guard.name(right);
        let from = request.from.uri();
        // What is published may be so in its own name; whose it is, is judged later (RFC 3903 §4).
        let is_in_its_name =
            request.method == Method::Publish && names_presentity(&from, &request.uri);
        if !is_in_its_name && !is_user_of(name.as_bytes(), &from) {
            let why = "the From is not the user's own";
            return Err(Refusal::Because(Status::FORBIDDEN, why));
        }
        Ok(Identity::User(self.policy.user_id(name.as_bytes())))
    }

    /// Whether anybody is ever asked for a password.
    fn takes_passwords(&self) -> bool {
        let demand = &self.settings.authentication.demand;
        !self.guard.users().is_empty() || *demand != Demand::Strangers
    }

    /// Whether who shows nothing is asked for a password: whoever would not be let in without, and those of whom the
    /// settings want it.
    fn must_prove(&self, by_address: Identity, flow: &Flow, request: &Request<'_>) -> bool {
        if !by_address.is_known() {
            return !self.serves_anybody(flow, request);
        }
        match &self.settings.authentication.demand {
            Demand::Strangers => false,
            Demand::Always => {
                let ip = flow.remote.ip();
                !ip.to_canonical().is_loopback() && !self.locals.has(ip)
            }
            Demand::Listed(listed) => listed.includes(flow),
        }
    }

    /// Whether a rule of the owner's serves whoever sends this, proven or not: what it asks for, or the subscription that
    /// it belongs to. What becomes of strangers otherwise is no such rule, for then nobody could ever show a password.
    fn serves_anybody(&self, flow: &Flow, request: &Request<'_>) -> bool {
        if request.method != Method::Subscribe {
            return false;
        }
        if let Some(tag) = request.to.tag() {
            let token = Token::from_tag(tag);
            return token.and_then(|it| self.notifier.identity(it)) == Some(Identity::Nobody);
        }
        let event = request.headers.event().ok().flatten();
        let package = event.and_then(|event| Package::from_name(event.package));
        let (Some(package), Some(presentity)) = (package, self.directory.find(&request.uri)) else {
            return false;
        };
        let who = Who {
            presentity,
            package,
            identity: Identity::Nobody,
            watcher: request.from.uri_text,
            remote: flow.remote,
        };
        let mut each = self.notifier.each_of(who);
        each.any(|who| {
            let who = watching(&self.policy, &self.directory, who);
            self.policy.serves_by_rule(who)
        })
    }

    fn report_wrong(&mut self, flow: &Flow, user: Option<Excerpt<32>>) {
        if let Some(user) = user {
            self.report(Report::WrongPassword {
                remote: flow.remote,
                user,
            });
        }
    }
}

/// Whether the user of that name owns the presentity.
fn is_owner(name: &str, presentity: &PresentitySettings) -> bool {
    let has_name = Uri::parse(presentity.uri.as_bytes())
        .is_ok_and(|uri| !name.is_empty() && is_user_of(name.as_bytes(), &uri));
    has_name || presentity.owners.iter().any(|it| it.as_str() == name)
}
