//! Which of several servers a client speaks to: in the order of their priority, and on to the next when one fails
//! (RFC 3263 §4.3, RFC 3261 §8.1.3.4).

use super::dialog::without_headers;
use super::next_hop::{NextHop, NoNextHop, written_transport};
use super::targets::Turn;
use crate::ground::limits::{HOST, SERVERS, URI};
use crate::ground::text::Text;
use crate::ground::time::Seconds;
use crate::wire::flow::Transport;
use crate::wire::sip::{Host, Uri};
use core::net::IpAddr;
use heapless::Vec;

/// A server and how it is spoken to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// `host[:port]`.
    pub host: Text<HOST>,
    /// Over what; as its records say, if that is not written (RFC 3263 §4.1).
    pub transport: Option<Transport>,
}

/// The servers of one account.
#[derive(Clone, Debug)]
pub struct ServerList {
    /// The first is the best.
    servers: Vec<Server, SERVERS>,
    /// Which one is spoken to.
    turn: Turn,
    /// Where a server sent us instead, until it fails.
    redirect: Option<Text<URI>>,
    /// Whether that is no place of the account's own.
    is_outside: bool,
    /// Redirections followed since a server worked.
    redirected: u8,
}

/// Redirections followed in a row.
const REDIRECTIONS: u8 = 3;

impl ServerList {
    /// Begins with the first of `servers`, of which there is at least one.
    pub fn new(servers: &[Server]) -> ServerList {
        ServerList {
            servers: servers.iter().take(SERVERS).cloned().collect(),
            turn: Turn::new(),
            redirect: None,
            is_outside: false,
            redirected: 0,
        }
    }

    /// Takes other servers. The one in use stays in use if it is the best of them or was not the best before. Whether
    /// another one is to be asked now.
    pub fn change(&mut self, servers: &[Server]) -> bool {
        let servers: Vec<Server, SERVERS> = servers.iter().take(SERVERS).cloned().collect();
        if servers == self.servers {
            return false;
        }
        let was_first = !self.is_second_best();
        let kept = self
            .server()
            .and_then(|it| servers.iter().position(|other| other == it));
        let kept = kept.filter(|at| *at == 0 || !was_first);
        self.servers = servers;
        self.turn = Turn::of(kept.unwrap_or(0));
        if kept.is_none() {
            self.forget_redirect();
        }
        kept.is_none()
    }

    /// Where to send now.
    ///
    /// # Errors
    /// [`NoNextHop`] if that is nowhere.
    pub fn hop(&self) -> Result<NextHop<'_>, NoNextHop> {
        match (&self.redirect, self.server()) {
            (Some(target), _) => NextHop::of_target(target),
            (None, Some(server)) => {
                NextHop::of_server(&server.host, server.transport.unwrap_or(Transport::Udp))
            }
            (None, None) => Err(NoNextHop::Nowhere),
        }
    }

    /// Over what, if that is written.
    pub fn transport(&self) -> Option<Transport> {
        match &self.redirect {
            Some(target) => written_transport(target.as_bytes()),
            None => self.server()?.transport,
        }
    }

    /// The server in use, as it is configured.
    pub fn server(&self) -> Option<&Server> {
        self.servers.get(self.turn.at())
    }

    /// Which one that is.
    pub const fn at(&self) -> usize {
        self.turn.at()
    }

    /// The server of that number, as it is configured.
    pub fn get(&self, at: usize) -> Option<&Server> {
        self.servers.get(at)
    }

    /// Where a server sent us, as a Request-URI.
    pub fn redirect(&self) -> Option<&str> {
        self.redirect.as_deref()
    }

    /// Forgets where a server sent us: that counts for one request (RFC 3261 §21.3.3). `false` if none did.
    pub fn forget_redirect(&mut self) -> bool {
        self.redirected = 0;
        self.is_outside = false;
        self.redirect.take().is_some()
    }

    /// Whether a server sent us to a place that is not the account's own: nothing is proved there.
    pub const fn is_outside(&self) -> bool {
        self.is_outside
    }

    /// Whether `target` is a place of the account of `aor`: the host of that address or of one of the servers, what is below
    /// its name, or the very host at `here` that sends us there.
    pub fn is_own(&self, target: &[u8], aor: &str, here: IpAddr) -> bool {
        let Some(target) = sip_host(target) else {
            return false;
        };
        let answered = target.ip().is_some_and(|ip| ip.to_canonical() == here);
        let servers = self.servers.iter().filter_map(|it| host_of(&it.host));
        let mut own = servers.chain(sip_host(aor.as_bytes()));
        answered && !self.is_outside || own.any(|own| is_below(target, own))
    }

    /// Whether a better server than this one is configured.
    pub const fn is_second_best(&self) -> bool {
        self.turn.at() > 0
    }

    /// Whether there is another one to try in this round.
    pub fn has_next(&self) -> bool {
        self.turn.has_next(self.servers.len())
    }

    /// Whether there is more than one.
    pub fn has_several(&self) -> bool {
        self.servers.len() > 1
    }

    /// The one in use works.
    pub const fn settle(&mut self) {
        self.turn.settle();
        self.redirected = 0;
    }

    /// The one in use does not: turns to the next. `false` if all have failed in turn: time to wait, and to begin again
    /// with the best.
    pub fn fail(&mut self) -> bool {
        self.forget_redirect();
        self.turn.fail(self.servers.len())
    }

    /// Turns to the best one.
    pub fn go_home(&mut self) {
        self.forget_redirect();
        self.turn = Turn::new();
    }

    /// A server sends us elsewhere (3xx), to a place that is the account's own or not. `false` if that is followed no
    /// further: too often, not a `sip` URI, from TLS to none (RFC 5630 §5.1.1), too long, or where we are.
    pub fn follow(&mut self, target: &[u8], is_own: bool) -> bool {
        let is_plain = match Uri::parse(target) {
            Ok(Uri::Sip(uri)) => !uri.secure && uri.transport().is_none_or(is_known),
            Ok(Uri::Tel(_) | Uri::Pres(_) | Uri::Other { .. }) | Err(_) => false,
        };
        // What it would add to our headers has no place in a Request-URI (§19.1.1).
        let Ok(target) = Text::from_bytes(without_headers(target)) else {
            return false;
        };
        let downgrades = self.transport() == Some(Transport::Tls);
        if !is_plain
            || downgrades
            || self.redirected >= REDIRECTIONS
            || self.redirect.as_ref() == Some(&target)
        {
            return false;
        }
        self.redirected += 1;
        self.redirect = Some(target);
        self.is_outside = !is_own;
        true
    }
}

/// Whether servers may send us to others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Redirects {
    /// To those of the account's own domain.
    #[default]
    Own,
    /// To any, who are told no proof of who we are.
    Anywhere,
}

/// How the way to the servers of an account is kept open over datagrams, where the owner says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeepAlive {
    /// By OPTIONS, so often; zero for never.
    Options(Seconds),
    /// By STUN: they answer it at the port where they take SIP (RFC 5626 §8).
    Stun,
}

fn sip_host(uri: &[u8]) -> Option<Host<'_>> {
    match Uri::parse(uri) {
        Ok(Uri::Sip(uri)) => Some(uri.host),
        Ok(Uri::Tel(_) | Uri::Pres(_) | Uri::Other { .. }) | Err(_) => None,
    }
}

/// The host of `host[:port]`.
fn host_of(server: &str) -> Option<Host<'_>> {
    match NextHop::of_server(server, Transport::Udp) {
        Ok(NextHop::Name(name, _)) => Some(Host::Name(name.as_bytes())),
        Ok(NextHop::Address(address)) => Some(match address.ip() {
            IpAddr::V4(v4) => Host::V4(v4),
            IpAddr::V6(v6) => Host::V6(v6),
        }),
        Err(_) => None,
    }
}

/// Whether a host is that one, or has a name below its name.
fn is_below(host: Host<'_>, own: Host<'_>) -> bool {
    let (Host::Name(name), Host::Name(own)) = (host, own) else {
        return host == own;
    };
    let name = name.strip_suffix(b".").unwrap_or(name);
    let own = own.strip_suffix(b".").unwrap_or(own);
    let Some((above, end)) = name
        .len()
        .checked_sub(own.len())
        .map(|at| name.split_at(at))
    else {
        return false;
    };
    end.eq_ignore_ascii_case(own) && (above.is_empty() || above.ends_with(b"."))
}

/// A transport that a redirection may name; never one that would have to be secure (RFC 5630 §5.1.1).
fn is_known(transport: &[u8]) -> bool {
    transport.eq_ignore_ascii_case(b"udp") || transport.eq_ignore_ascii_case(b"tcp")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn servers(hosts: &[&str]) -> ServerList {
        let server = |host: &&str| Server {
            host: Text::copied(host).expect("short"),
            transport: None,
        };
        let servers: Vec<Server, SERVERS> = hosts.iter().map(server).collect();
        ServerList::new(&servers)
    }

    fn host(servers: &ServerList) -> &str {
        match servers.hop().expect("somewhere") {
            NextHop::Name(name, _) => name,
            NextHop::Address(_) => panic!("a name"),
        }
    }

    #[test]
    fn servers_are_tried_in_their_order_once_a_round() /* T20 */
    {
        let mut servers = servers(&["a", "b", "c"]);
        assert_eq!(host(&servers), "a");
        assert!(servers.fail());
        assert_eq!(host(&servers), "b");
        servers.settle();
        assert!(servers.is_second_best());
        assert!(servers.fail());
        assert_eq!(host(&servers), "c");
        assert!(servers.fail());
        assert_eq!(host(&servers), "a");
        assert!(!servers.fail(), "all three have failed");
        assert_eq!(host(&servers), "a");
        servers.fail();
        servers.go_home();
        assert_eq!(host(&servers), "a");
    }

    #[test]
    fn redirections_are_few_and_never_to_tls() /* ATTACKS B10 */
    {
        let mut servers = servers(&["a"]);
        assert!(!servers.follow(b"sips:x@b", true));
        assert!(!servers.follow(b"tel:1", true));
        assert!(!servers.follow(b"sip:x@b;transport=tls", true));
        assert!(servers.follow(b"sip:x@b;transport=tcp", true));
        assert_eq!(host(&servers), "b");
        assert_eq!(servers.transport(), Some(Transport::Tcp));
        assert!(!servers.follow(b"sip:x@b;transport=tcp", true), "to itself");
        assert!(servers.follow(b"sip:x@c", true) && servers.follow(b"sip:x@d", true));
        assert!(!servers.follow(b"sip:x@e", true), "for ever");
        assert!(!servers.fail(), "the only server");
        assert_eq!(servers.redirect(), None);
        assert!(servers.follow(b"sip:x@b?Subject=no", true), "another round");
        let mut secure = ServerList::new(&[Server {
            host: Text::copied("a").expect("short"),
            transport: Some(Transport::Tls),
        }]);
        assert!(!secure.follow(b"sip:x@b;transport=tcp", true));
        assert_eq!(servers.redirect(), Some("sip:x@b"));
    }

    #[test]
    fn a_place_of_the_account_has_its_name_or_one_below_it() /* ATTACKS B10 */
    {
        let mut servers = servers(&[
            "pbx.example:5070",
            "sip2.other.example",
            "192.0.2.1",
            "[2001:db8::1]",
        ]);
        let here = "192.0.2.7".parse().expect("an address");
        let aor = "sip:100@Home.Example";
        for (target, expected) in [
            ("sip:x@pbx.example", true),
            ("sip:x@PBX.example.;transport=tcp", true),
            ("sip:x@a.b.pbx.example:5099", true),
            ("sip:x@edge.home.example", true),
            ("sip:x@sip2.other.example", true),
            ("sip:x@192.0.2.1:5099", true),
            ("sip:x@[2001:db8::1]", true),
            ("sip:x@192.0.2.7", true),
            ("sip:x@sip1.other.example", false),
            ("sip:x@evilpbx.example", false),
            ("sip:x@pbx.example.evil.example", false),
            ("sip:x@example", false),
            ("sip:pbx.example@evil.example", false),
            ("sip:x@192.0.2.2", false),
            ("sip:x@127.0.0.1", false),
            ("sip:x@[2001:db8::2]", false),
            ("tel:1", false),
        ] {
            assert_eq!(
                servers.is_own(target.as_bytes(), aor, here),
                expected,
                "{target}"
            );
        }
        // Who was asked outside does not make itself one of ours.
        assert!(servers.follow(b"sip:x@evil.example", false) && servers.is_outside());
        assert!(!servers.is_own(b"sip:x@192.0.2.7", aor, here));
        assert!(servers.is_own(b"sip:x@pbx.example", aor, here));
        assert!(servers.forget_redirect() && !servers.is_outside());
    }

    #[test]
    fn a_redirection_keeps_the_question_token_of_a_user() /* RFC 4475 §3.1.1.9 */
    {
        let mut servers = servers(&["a"]);
        assert!(servers.follow(b"sip:x?y=z@b.example:5070;transport=tcp?Subject=no", true));
        assert_eq!(
            servers.redirect(),
            Some("sip:x?y=z@b.example:5070;transport=tcp")
        );
        let hop = servers.hop();
        assert_eq!(hop, Ok(NextHop::Name("b.example", Some(5_070))));
    }

    #[test]
    fn what_is_left_to_try_is_known() {
        let mut one = servers(&["a"]);
        assert!(!one.has_several() && !one.has_next() && !one.is_second_best());
        assert!(!one.fail() && !one.is_second_best());
        let mut two = servers(&["a", "b"]);
        assert!(two.has_several() && two.has_next() && !two.is_second_best());
        assert!(two.fail() && two.is_second_best() && !two.has_next());
        two.settle();
        assert!(two.has_next(), "another round");
        two.fail();
        assert!(!two.has_next());
        two.follow(b"sip:x@c;transport=UDP", true);
        two.go_home();
        assert_eq!((host(&two), two.redirect()), ("a", None));
        assert!(two.has_next(), "another round");
    }

    #[test]
    fn over_what_is_said_by_who_sends_us_there() {
        let mut servers = servers(&["a"]);
        for (target, transport) in [
            ("sip:x@b", None),
            ("sip:x@c;transport=TCP", Some(Transport::Tcp)),
            ("sip:x@d;transport=udp", Some(Transport::Udp)),
        ] {
            assert!(servers.follow(target.as_bytes(), true));
            assert_eq!(servers.transport(), transport, "{target}");
        }
    }

    #[test]
    fn other_servers_leave_the_one_in_use_in_use_where_they_can() {
        let list = |hosts: &[&str]| servers(hosts).servers;
        let mut servers = servers(&["a", "b"]);
        assert!(!servers.change(&list(&["a", "b"])), "the same");
        assert!(!servers.change(&list(&["a", "c"])), "the best is the same");
        assert!(servers.change(&list(&["d", "a"])), "there is a better one");
        assert_eq!(host(&servers), "d");
        servers.fail();
        assert!(!servers.change(&list(&["e", "a"])), "still second best");
        assert_eq!(host(&servers), "a");
        assert!(servers.is_second_best());
        assert!(servers.change(&list(&["e"])), "it is gone");
        assert_eq!(host(&servers), "e");
    }
}
