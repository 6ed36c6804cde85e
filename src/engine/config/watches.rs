//! Whom the agent watches.

use super::{Invalid, Settings, WatchRole, is_address, is_watch_server, needs_tls};
use crate::events::package::Package;
use crate::ground::limits::{HOST, URI};
use crate::ground::text::Text;
use crate::ground::time::Seconds;
use crate::ua::next_hop::{split_transport, written_transport};
use crate::wire::flow::Transport;

/// A subscription of our own to somebody else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchSettings {
    /// Whom we watch.
    pub target: Text<URI>,
    /// Who we say we are.
    pub from: Text<URI>,
    /// What we subscribe to.
    pub package: Package,
    /// Whether it is asked for, and for a list.
    pub role: WatchRole,
    /// Whether a 489 (Bad Event) to `dialog` makes us ask for `presence`.
    pub fallback: bool,
    /// The next hop as `host[:port]`, or `tls:host[:port]` if it is asked over TLS; without it the server of [`WatchSettings::upstream`], or the target's own host.
    pub server: Option<Text<HOST>>,
    /// With whose account we watch: an index into [`Settings::upstreams`].
    pub upstream: Option<u16>,
    /// The lifetime we ask for.
    pub expires: Seconds,
    /// How often a state that ends by itself is confirmed: a call, a ringing phone. Zero for never, else from
    /// [`WatchSettings::AUDIT`] to a day.
    pub audit: Seconds,
    /// The notifier is asked to tell us no more often than once in this time (RFC 6446 §5.1); zero for as it likes, else
    /// at most [`WatchSettings::SELDOM`].
    pub at_most_every: Seconds,
    /// Whether its notifier may tell what changes in part (RFC 5263); of one that asks for itself.
    pub partial: bool,
}

impl WatchSettings {
    /// Lifetime asked for without further words: a restarted server is noticed within five minutes, even
    /// without an audit.
    pub const EXPIRES: Seconds = Seconds(300);

    /// The audit without further words, and the shortest: there are two ways to ask, and a lamp asks once a minute at
    /// most.
    pub const AUDIT: Seconds = Seconds(120);

    /// The longest time between two notifications that can be asked for: news that is an hour old is no news.
    pub const SELDOM: Seconds = Seconds(3_600);

    /// A watch as it is without further words.
    pub const fn new(target: Text<URI>, from: Text<URI>, package: Package) -> WatchSettings {
        WatchSettings {
            target,
            from,
            package,
            role: WatchRole::Alone,
            fallback: false,
            server: None,
            upstream: None,
            expires: WatchSettings::EXPIRES,
            audit: WatchSettings::AUDIT,
            at_most_every: Seconds::ZERO,
            partial: false,
        }
    }
}

impl Settings {
    /// Whether whatever is asked for a watch is asked inside TLS.
    pub fn goes_by_tls(&self, watch: &WatchSettings) -> bool {
        let account = watch.upstream.map(usize::from);
        match (&watch.server, account.and_then(|it| self.upstreams.get(it))) {
            (Some(server), _) => split_transport(server).0 == Some(Transport::Tls),
            (None, Some(account)) => account.goes_by_tls(),
            (None, None) => written_transport(watch.target.as_bytes()) == Some(Transport::Tls),
        }
    }

    pub(super) fn validate_watches(&self) -> Result<(), Invalid> {
        for (at, watch) in self.watches.iter().enumerate() {
            if !is_address(&watch.target) {
                return Err(Invalid::Target(at));
            }
            if !is_address(&watch.from) {
                return Err(Invalid::From(at));
            }
            if watch.server.as_ref().is_some_and(|it| !is_watch_server(it)) {
                return Err(Invalid::Server(at));
            }
            if needs_tls(&watch.target) && !self.goes_by_tls(watch) {
                return Err(Invalid::WatchInsecure(at));
            }
            if watch.expires == Seconds::ZERO {
                return Err(Invalid::WatchExpires(at));
            }
            if watch.audit != Seconds::ZERO && watch.audit < WatchSettings::AUDIT {
                return Err(Invalid::WatchAudit(at));
            }
            if watch.at_most_every > WatchSettings::SELDOM {
                return Err(Invalid::WatchRate(at));
            }
            let upstream = watch.upstream.map(usize::from);
            if upstream.is_some_and(|it| it >= self.upstreams.len()) {
                return Err(Invalid::WatchUpstream(at));
            }
        }
        Ok(())
    }
}
