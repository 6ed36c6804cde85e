//! STUN at the port where we take SIP: our servers' answers, and Binding requests of phones behind a NAT (RFC 5626 §8).

use super::Agent;
use crate::events::package::Pace;
use crate::ground::time::{Duration, Instant};
use crate::txn::token::Token;
use crate::wire::flow::{Flow, Transport};
use crate::wire::sip::is_answerable;
use crate::wire::stun::{self, Message};

/// Answers to strangers, all together: each is about as long as what it answers, and a phone asks twice a minute.
const STRANGERS: Pace = Pace {
    burst: 20,
    interval: Duration::from_millis(100),
};

impl Agent {
    /// A datagram that is no SIP: whether it was STUN, and all is done that is to be done about it.
    #[cold]
    pub(super) fn handle_stun(&mut self, now: Instant, flow: &Flow, bytes: &[u8]) -> bool {
        let Some(message) = stun::parse(bytes).filter(|_| flow.transport == Transport::Udp) else {
            return false;
        };
        let (number, mapped) = match message {
            Message::Request(number, strange) => {
                let is_welcome =
                    self.trusts(flow.remote.ip()) || self.bindings.take(now, STRANGERS).is_ok();
                let buf = &mut self.reply.bytes;
                let written = match strange.is_empty() {
                    true => stun::write_success(number, flow.remote, buf),
                    false => stun::write_strange(number, strange, buf),
                };
                if let Some(len) = written.filter(|_| is_welcome && is_answerable(flow.remote)) {
                    (self.reply.flow, self.reply.len) = (*flow, len);
                }
                return true;
            }
            Message::Success(number, mapped) => (number, Ok(mapped)),
            Message::Error(number) => (number, Err(())),
        };
        if let Some(token) = Token::from_number(number) {
            let (addresses, random) = (&mut self.locals, &mut self.random);
            self.upstreams
                .handle_binding(now, token, mapped, flow, addresses, random);
        }
        true
    }
}
