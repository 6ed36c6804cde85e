//! Who sends a request, as far as it is proven.

use super::Agent;
use crate::events::identity::Identity;
use crate::wire::flow::Flow;

impl Agent {
    /// Who sends what comes in on `flow`.
    pub(super) fn identity_of(&self, flow: &Flow) -> Identity {
        let address = flow.remote.ip();
        self.policy.identity_now(Identity::Nobody, address)
    }
}
