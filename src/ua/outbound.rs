//! The way to the servers of one account: which of them is spoken to, where it is, over what, and with which
//! credentials.
//!
//! Read RFC 3263 §4, RFC 5626 §4.3 and RFC 3261 §18.1.1 first. Whoever asks with the account takes the way from here and
//! keeps none of his own: the registration, the publication, and each watch that goes through it. What a server is
//! *asked* while it may not work is not yet where the others go: they stay on the way that worked, until it failed or
//! another one works.

use super::addresses::{LocalAddresses, seen_at};
use super::credentials::{Account, Login};
use super::next_hop::{NextHop, bare_host};
use super::query::Name;
use super::servers::{Server, ServerList};
use super::targets::{Target, Targets};
use crate::ground::time::{Duration, Instant};
use crate::wire::flow::{Flow, Transport};
use crate::wire::sip::Response;
use core::net::{IpAddr, SocketAddr};

/// The way of one account.
pub struct Outbound {
    /// Who we are there, and what the servers have asked so far.
    pub account: Account,
    /// What the servers have asked.
    pub login: Login,
    /// The servers, and which of them is asked.
    pub servers: ServerList,
    place: Place,
    /// Where it is, or was when its name was asked for last.
    targets: Targets,
    /// The connection in use, for a stream; 0 before it is known.
    connection: u32,
    /// Over what requests go that are too long for a datagram.
    long_by: Transport,
    /// The way that worked last, and the address that our Contact named there.
    works: Option<Way>,
    /// Whether it leads to a place that is not the account's own.
    works_outside: bool,
    /// Which of the servers is there.
    works_at: usize,
}

/// Where the server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Nobody has asked.
    Unknown,
    /// Its name is to be asked for.
    Wanted { until: Instant },
    /// Its name is asked for.
    Asked { number: u32, until: Instant },
    /// Known.
    Known,
}

/// Which way a request goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Way {
    /// From where to where; what its Via names.
    pub flow: Flow,
    /// Where the peer reaches us; what its Contact names.
    pub named: SocketAddr,
    /// What a request does that is too long for a datagram.
    pub long: Long,
}

/// What a request does that is too long for a datagram (RFC 3261 §18.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Long {
    /// It may go by TCP.
    MayMove,
    /// It goes by datagram all the same: the peer takes no connections. Or there is no datagram.
    Stays,
    /// It went by TCP; the rest, and whoever calls us there, goes by datagram.
    Moved,
}

/// What is known of the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lead {
    /// This is it.
    Way(Way),
    /// The server's name is asked for.
    Soon,
    /// There is none: the server's address leads nowhere, or we have no address of its family.
    Nowhere,
}

/// Those who ask with an account lend each other the way; the numbers are their owner's.
pub trait Accounts {
    /// Our own addresses.
    fn addresses(&self) -> &LocalAddresses;

    /// Where requests with the account of that number go.
    fn lead(&mut self, now: Instant, account: u16) -> Lead;

    /// The account of that number, and what its servers have asked.
    fn key(&mut self, account: u16) -> Option<(&Account, &mut Login)>;
}

/// Longer requests are not for datagrams, unless the peer takes no connections (RFC 3261 §18.1.1).
pub const LONGEST_DATAGRAM: usize = 1_300;

/// How long a name may take to be resolved. The shell answers sooner; this is for one that forgets.
pub const RESOLVE: Duration = Duration::from_secs(40);

impl Outbound {
    /// Begins with the first of `servers`.
    pub fn new(account: &Account, servers: &[Server]) -> Outbound {
        Outbound {
            account: account.clone(),
            login: Login::new(),
            servers: ServerList::new(servers),
            place: Place::Unknown,
            targets: Targets::new(),
            connection: 0,
            long_by: Transport::Tcp,
            works: None,
            works_outside: false,
            works_at: 0,
        }
    }

    /// Takes what the settings say now. Whether that leads elsewhere: the server in use is not one of `servers`, or no
    /// longer the best of them.
    pub fn change(&mut self, account: &Account, servers: &[Server]) -> bool {
        if self.account != *account {
            self.account = account.clone();
            self.login = Login::new();
        }
        let moves = self.servers.change(servers);
        if moves {
            self.leave();
            self.works = None;
        }
        moves
    }

    /// Where the server is has to be found out, and the way there to be opened.
    pub const fn leave(&mut self) {
        self.place = Place::Unknown;
        self.connection = 0;
        self.long_by = Transport::Tcp;
    }

    /// The place that is asked fails: turns to the next that its name leads to, and then to the next server. `false` if
    /// all have failed in turn: time to wait, and to begin again with the best.
    pub fn fail(&mut self) -> bool {
        let here = self.remote();
        self.works = self.works.filter(|way| Some(way.flow.remote) != here);
        let is_known = self.place == Place::Known;
        self.leave();
        if is_known && self.targets.fail() {
            self.place = Place::Known;
            return true;
        }
        self.servers.fail()
    }

    /// Turns to the best server, and its best place; the way that worked stays until that one works too.
    pub fn go_home(&mut self) {
        self.servers.go_home();
        self.targets.go_home();
        self.leave();
    }

    /// All that is wanted has been answered there.
    pub const fn rest(&mut self) {
        self.servers.settle();
        self.targets.settle();
    }

    /// Whether there is a better server than this one, or a better place of its name.
    pub const fn is_second_best(&self) -> bool {
        self.servers.is_second_best() || self.targets.is_second_best()
    }

    /// Whether there is another one to try in this round.
    pub fn has_next(&self) -> bool {
        self.servers.has_next() || self.place == Place::Known && self.targets.has_next()
    }

    /// Whether there is more than one.
    pub fn has_several(&self) -> bool {
        self.servers.has_several() || self.targets.has_several()
    }

    /// A request that went that way was granted. Says whether that is news to who goes the same way.
    pub fn settle(&mut self, way: &Way) -> bool {
        let works = match way.long {
            Long::MayMove | Long::Stays => {
                if way.flow.connection != 0 {
                    self.connection = way.flow.connection;
                }
                let flow = self.through(way.flow);
                Way { flow, ..*way }
            }
            Long::Moved => Way {
                flow: Flow::udp(way.flow.local, way.flow.remote),
                long: Long::MayMove,
                ..*way
            },
        };
        self.works_outside = self.servers.is_outside();
        self.works_at = self.servers.at();
        self.works.replace(works) != Some(works)
    }

    /// What proves who we are to the server that is asked, and what was asked for so far; nothing where we were sent to a
    /// place that is not the account's own, for proofs are for the servers of their realm (RFC 3261 §22.1).
    pub fn key(&mut self) -> Option<(&Account, &mut Login)> {
        (!self.servers.is_outside()).then_some((&self.account, &mut self.login))
    }

    /// The same for those who go the way of [`Outbound::proven`].
    pub fn proven_key(&mut self) -> Option<(&Account, &mut Login)> {
        let is_outside = match self.works {
            Some(_) => self.works_outside,
            None => self.servers.is_outside(),
        };
        (!is_outside).then_some((&self.account, &mut self.login))
    }

    /// Where requests go that find out whether the server works.
    pub fn lead(&mut self, now: Instant, addresses: &LocalAddresses) -> Lead {
        if self.place == Place::Unknown {
            self.place = match self.servers.hop() {
                Ok(NextHop::Address(address)) => {
                    let transport = self.servers.transport().unwrap_or(Transport::Udp);
                    self.targets.take(&[Target { transport, address }]);
                    Place::Known
                }
                Ok(NextHop::Name(..)) => Place::Wanted {
                    until: now + RESOLVE,
                },
                Err(_) => return Lead::Nowhere,
            };
        }
        let Some(target) = self.target() else {
            return Lead::Soon;
        };
        match addresses.flow(target.transport, target.address) {
            Some(flow) => Lead::Way(self.way(self.through(flow), addresses)),
            None => Lead::Nowhere,
        }
    }

    /// Where everybody else's requests go: the way that worked, or else the same.
    pub fn proven(&mut self, now: Instant, addresses: &LocalAddresses) -> Lead {
        let Some(Way { flow, .. }) = self.works else {
            return self.lead(now, addresses);
        };
        match addresses.flow(flow.transport, flow.remote) {
            Some(Flow { local, .. }) => Lead::Way(self.way(Flow { local, ..flow }, addresses)),
            None => Lead::Nowhere,
        }
    }

    /// Takes the name that is to be asked for now, as the question of that number.
    pub fn take_question(&mut self, number: u32) -> bool {
        let Place::Wanted { until } = self.place else {
            return false;
        };
        self.place = Place::Asked { number, until };
        true
    }

    /// Whether the question of that number is still unanswered.
    pub fn awaits(&self, number: u32) -> bool {
        matches!(self.place, Place::Asked { number: it, .. } if it == number)
    }

    /// What is to be found.
    pub fn name(&self) -> Option<Name<'_>> {
        match self.servers.hop() {
            Ok(NextHop::Name(host, port)) => Some(Name {
                host,
                port,
                transport: self.servers.transport(),
            }),
            Ok(NextHop::Address(_)) | Err(_) => None,
        }
    }

    /// Takes the places that the name leads to, the best first; `false` if nothing can be sent to any.
    pub fn resolve(&mut self, found: &[Target]) -> bool {
        let any = self.targets.take(found);
        if any {
            self.place = Place::Known;
        }
        any
    }

    /// When the name should have been found.
    pub const fn due(&self) -> Option<Instant> {
        match self.place {
            Place::Wanted { until } | Place::Asked { until, .. } => Some(until),
            Place::Unknown | Place::Known => None,
        }
    }

    /// A connection that was asked for is there; says whether it is ours.
    pub fn handle_connected(&mut self, flow: &Flow) {
        if self.leads_to(flow) {
            self.connection = flow.connection;
        }
        if let Some(works) = &mut self.works
            && works.flow.transport == flow.transport
            && works.flow.remote == flow.remote
        {
            works.flow.connection = flow.connection;
        }
    }

    /// The connection of `flow` is gone, or with number 0 cannot be had. Whether it is the one in use: one that was never
    /// there has the number 0, as ours has until it is.
    pub fn handle_disconnected(&mut self, flow: &Flow) -> bool {
        if let Some(works) = &mut self.works
            && works.flow.transport == flow.transport
            && works.flow.connection == flow.connection
        {
            works.flow.connection = 0;
        }
        let is_ours = self.leads_to(flow) && self.connection == flow.connection;
        if is_ours {
            self.connection = 0;
        }
        is_ours
    }

    /// The server at `remote` takes no connections: what is too long goes by datagram all the same.
    pub fn refuse_streams(&mut self, remote: SocketAddr) {
        if self.remote() == Some(remote) && !self.transport().is_reliable() {
            self.long_by = Transport::Udp;
        }
    }

    /// Over what the server is spoken to.
    pub fn transport(&self) -> Transport {
        let target = self.target().map(|it| it.transport);
        target
            .or_else(|| self.servers.transport())
            .unwrap_or(Transport::Udp)
    }

    /// Where the server is, once that is known.
    pub fn remote(&self) -> Option<SocketAddr> {
        match (self.place, self.servers.hop()) {
            (Place::Unknown, Ok(NextHop::Address(remote))) => Some(remote),
            (Place::Unknown | Place::Known | Place::Wanted { .. } | Place::Asked { .. }, _) => {
                self.target().map(|it| it.address)
            }
        }
    }

    /// Who the peer at `remote` has to be, if a server is spoken to there inside TLS: its host as it is configured.
    pub fn name_at(&self, remote: SocketAddr) -> Option<&str> {
        let is_there = |it: Target| (it.transport, it.address) == (Transport::Tls, remote);
        let works = self.works.map(|way| way.target());
        let at = match works.filter(|it| is_there(*it)) {
            _ if self.target().is_some_and(is_there) => self.servers.at(),
            Some(_) => self.works_at,
            None => return None,
        };
        Some(bare_host(&self.servers.get(at)?.host))
    }

    /// Whether requests go to that host, or the others' do: on whatever port, for a server asks from many.
    pub fn leads_to_host(&self, ip: IpAddr) -> bool {
        let works = self.works.map(|way| way.flow.remote);
        let hosts = [self.remote(), works].into_iter().flatten();
        let mut hosts = hosts.map(|it| it.ip().to_canonical());
        hosts.any(|host| host == ip.to_canonical())
    }

    /// The connection in use; 0 for none.
    pub const fn connection(&self) -> u32 {
        self.connection
    }

    /// The place that is asked, once that is known.
    fn target(&self) -> Option<Target> {
        match self.place {
            Place::Known => self.targets.here(),
            Place::Unknown | Place::Wanted { .. } | Place::Asked { .. } => None,
        }
    }

    fn leads_to(&self, flow: &Flow) -> bool {
        let Some(Target { transport, address }) = self.target() else {
            return false;
        };
        let is_there = (transport, address) == (flow.transport, flow.remote);
        transport.is_reliable() && is_there
    }

    /// The flow, over the connection in use.
    fn through(&self, flow: Flow) -> Flow {
        let connection = match flow.transport {
            Transport::Udp => 0,
            Transport::Tcp | Transport::Tls => self.connection,
        };
        Flow { connection, ..flow }
    }

    fn way(&self, flow: Flow, addresses: &LocalAddresses) -> Way {
        Way {
            long: match self.long_by.is_reliable() {
                true => Way::of(flow, addresses).long,
                false => Long::Stays,
            },
            ..Way::of(flow, addresses)
        }
    }
}

impl Way {
    /// From nobody to nobody.
    pub const NOWHERE: Way = Way {
        flow: Flow::NOWHERE,
        named: Flow::NOWHERE.local,
        long: Long::Stays,
    };

    /// The way of `flow`.
    #[must_use]
    pub fn of(flow: Flow, addresses: &LocalAddresses) -> Way {
        Way {
            flow,
            named: addresses.as_seen(&flow).local,
            long: match flow.transport {
                Transport::Udp => Long::MayMove,
                Transport::Tcp | Transport::Tls => Long::Stays,
            },
        }
    }

    /// The way of a request of `len` bytes, if that is another one: too long for a datagram, it goes by TCP.
    pub fn of_long(&self, len: usize) -> Option<Way> {
        match self.long {
            Long::MayMove if len > LONGEST_DATAGRAM => Some(Way {
                flow: Flow::tcp(self.flow.local, self.flow.remote, 0),
                long: Long::Moved,
                ..*self
            }),
            Long::MayMove | Long::Stays | Long::Moved => None,
        }
    }

    /// What a Contact names: over what, and where we are called.
    #[must_use]
    pub const fn contact(&self) -> Flow {
        let transport = match self.long {
            Long::Moved => Transport::Udp,
            Long::MayMove | Long::Stays => self.flow.transport,
        };
        Flow {
            transport,
            local: self.named,
            ..self.flow
        }
    }

    /// Whether the peer that answers so reaches us elsewhere than our Contact says: there is a NAT, or another than before.
    pub fn is_misnamed(&self, response: &Response<'_>) -> bool {
        seen_at(response, &self.flow).is_some_and(|seen| seen != self.named)
    }

    /// Where it leads.
    pub const fn target(&self) -> Target {
        let Flow {
            transport, remote, ..
        } = self.contact();
        Target {
            transport,
            address: remote,
        }
    }

    /// Whether it leads to the same server by the same transport, over whatever connection.
    pub fn is_beside(&self, other: &Way) -> bool {
        let (one, other) = (self.contact(), other.contact());
        (one.transport, one.remote) == (other.transport, other.remote)
    }

    /// Whether it is the same in all that a peer can notice. What was sent before there was a connection opened it, or joined
    /// it.
    pub fn is_same(&self, other: &Way) -> bool {
        let connections = [self.flow.connection, other.flow.connection];
        let may_share = connections[0] == connections[1] || connections.contains(&0);
        self.is_beside(other)
            && self.named == other.named
            && self.flow.local == other.flow.local
            && may_share
    }
}

#[cfg(test)]
mod tests;
