//! Peers that have shown a certificate, each on its connection: what it is for, and who speaks under it (RFC 5922 §7).
//!
//! A name proves something of what comes on its own connection, and of that only what says to be from there: a host
//! speaks for its users, and a user for himself.

use crate::ground::limits::{CERTIFIED, CONNECTIONS};
use crate::ground::text::Text;
use crate::wire::flow::{Flow, Transport};
use crate::wire::sip::{Uri, stands_for};
use heapless::Vec;

/// The connections whose peer has shown a certificate.
///
/// Full: the newcomer's certificate counts for nothing; there are no more connections than it holds.
pub(super) struct Certified(Vec<Peer, CONNECTIONS>);

/// One of them.
pub(super) struct Peer {
    connection: u32,
    /// One behind another, with a space between.
    names: Text<CERTIFIED>,
}

impl Certified {
    pub(super) const fn new() -> Certified {
        Certified(Vec::new())
    }

    /// The peer of that connection is all of these; names for which there is no room are left out.
    pub(super) fn learn<'a>(&mut self, connection: u32, names: impl Iterator<Item = &'a str>) {
        self.forget(connection);
        let mut known = Text::<CERTIFIED>::new();
        for name in names {
            let space = usize::from(!known.is_empty());
            if known.len() + space + name.len() <= CERTIFIED {
                // There is room for both.
                let _ = known.push_str(&" "[..space]);
                let _ = known.push_str(name);
            }
        }
        if known.is_empty() {
            return;
        }
        let _ = self.0.push(Peer {
            connection,
            names: known,
        });
    }

    /// The connection is no more.
    pub(super) fn forget(&mut self, connection: u32) {
        self.0.retain(|it| it.connection != connection);
    }

    /// The peer at the other end of that flow, if it has shown a certificate.
    pub(super) fn peer(&self, flow: &Flow) -> Option<&Peer> {
        match flow.transport {
            Transport::Udp | Transport::Tcp => None,
            Transport::Tls => self.0.iter().find(|it| it.connection == flow.connection),
        }
    }

    /// All names that are known.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().flat_map(|it| it.names.split(' '))
    }
}

impl Peer {
    /// The name under which a message from `from` comes.
    pub(super) fn name(&self, from: &Uri<'_>) -> Option<&str> {
        let mut names = self.names.split(' ');
        names.find(|name| stands_for(name.as_bytes(), from))
    }
}
