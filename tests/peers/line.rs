//! What a phone is told about its server: the same for every make.

use crate::agent::Agent;
use crate::kamailio::Kamailio;

/// What carries the messages between a phone and its server.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    Udp,
    Tcp,
}

impl Transport {
    /// As in a URI's parameter.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Transport::Udp => "udp",
            Transport::Tcp => "tcp",
        }
    }
}

/// One user's line at a server.
pub(crate) struct Line<'a> {
    pub(crate) user: &'a str,
    /// What stands behind the `@` of his address: with a port where the server's addresses have one.
    pub(crate) domain: String,
    /// Where the server is: "HOST:PORT".
    pub(crate) server: String,
    pub(crate) password: &'a str,
    pub(crate) transport: Transport,
}

impl Line<'_> {
    /// A line at Kamailio, over UDP.
    pub(crate) fn at_kamailio<'a>(kamailio: &Kamailio, user: &'a str) -> Line<'a> {
        Line {
            user,
            domain: "127.0.0.1".to_owned(),
            server: kamailio.address(),
            password: Kamailio::password(user),
            transport: Transport::Udp,
        }
    }

    /// A line at Lampfield, over UDP: it trusts the loopback address and asks for no password.
    pub(crate) fn at_lampfield<'a>(agent: &Agent, user: &'a str) -> Line<'a> {
        Line {
            user,
            domain: agent.address(),
            server: agent.address(),
            password: "none",
            transport: Transport::Udp,
        }
    }

    /// The same line over another transport.
    pub(crate) fn over(self, transport: Transport) -> Self {
        Line { transport, ..self }
    }

    /// The user's address of record.
    pub(crate) fn uri(&self) -> String {
        format!("sip:{}@{}", self.user, self.domain)
    }
}
