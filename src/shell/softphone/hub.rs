//! What phones on this device say, told to the agent.

use log::debug;

use std::net::SocketAddr;

use super::{Order, Said};
use crate::engine::agent::Agent;
use crate::ground::time::Instant;
use crate::shell::clock;
use crate::shell::hub::Hub;

impl Hub {
    /// The phones are those of the settings now.
    pub(in crate::shell) fn configure_phones(&mut self, now: Instant) {
        let settings = self.agent.settings().softphones.clone();
        let agent = &mut *self.agent;
        self.softphones
            .configure(now, &settings, &mut |said| pass(agent, now, said));
    }

    /// A phone says something, or its connection is there, or no more.
    pub(in crate::shell) fn hear_phone(&mut self, now: Instant, number: u8) {
        let agent = &mut *self.agent;
        self.softphones
            .handle_ready(now, number, &mut |said| pass(agent, now, said));
        self.settle(now);
    }

    /// The phone at that address is to do something.
    pub(in crate::shell) fn tell_phone(&mut self, now: Instant, at: SocketAddr, order: Order<'_>) {
        let agent = &mut *self.agent;
        self.softphones
            .order(now, at, order, &mut |said| pass(agent, now, said));
    }

    /// It may be time to connect to a phone again.
    pub(in crate::shell) fn call_phones(&mut self, now: Instant) {
        let agent = &mut *self.agent;
        self.softphones
            .handle_timeout(now, &mut |said| pass(agent, now, said));
    }
}

fn pass(agent: &mut Agent, now: Instant, said: Said<'_>) {
    let moment = clock::dated(now);
    match said {
        Said::Call(presentity, fact) => {
            if let Err(full) = agent.handle_call(moment, presentity, &fact) {
                debug!("a call of a phone is not told: {full}");
            }
        }
        Said::Gone(phone) => agent.end_calls(moment, phone, None),
    }
}
