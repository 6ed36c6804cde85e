//! Names whose addresses the roles need: who asks, and for what (RFC 3263 §4).

use crate::wire::flow::Transport;

/// A question for the address of a name. Each one is asked once: a late answer to an earlier one finds nobody, least of
/// all another who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Query {
    /// Who asks.
    pub asker: Asker,
    /// His slot.
    pub slot: u16,
    /// Which of the questions of his kind it is; comes again only after 2³² others.
    pub number: u32,
}

/// The kinds of those who ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asker {
    /// A watch whose requests go to a name.
    Watch,
    /// A link to a server above us.
    Upstream,
}

/// What is to be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name<'a> {
    /// The host's name.
    pub host: &'a str,
    /// The port, if one is written: then the name itself has the address, else its SRV records come first (§4.2).
    pub port: Option<u16>,
    /// What is to be spoken there, if that is written: then it chooses the SRV records, as `_sip._udp` or `_sip._tcp`.
    /// Else the NAPTR records say what there is (§4.1).
    pub transport: Option<Transport>,
}
