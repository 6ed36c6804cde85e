//! The servers above us: where we register and publish, and with whose account we watch.

use super::{Invalid, Settings, is_address, is_server, needs_tls};
use crate::events::package::Package;
use crate::ground::limits::{SERVERS, URI};
use crate::ground::text::Text;
use crate::ground::time::Seconds;
use crate::roles::upstream::Devices;
pub use crate::roles::upstream::Dialect;
pub use crate::ua::credentials::Account;
use crate::ua::servers::KeepAlive;
pub use crate::ua::servers::Redirects;
pub use crate::ua::servers::Server;
use crate::wire::doc::device_state::is_device;
use crate::wire::flow::Transport;
use crate::wire::sip::Uri;
use heapless::Vec;

/// What we are at a server, or at several of one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamSettings {
    /// Who we are there.
    pub aor: Text<URI>,
    /// The servers, the best first; at least one.
    pub servers: Vec<Server, SERVERS>,
    /// What proves it.
    pub account: Account,
    /// Whether its servers may send us to others.
    pub redirects: Redirects,
    /// Whether we register.
    pub register: bool,
    /// Whose presence we publish: an index into [`Settings::presentities`].
    pub publish: Option<u16>,
    /// In which dialect; without it in one that the server seems to take.
    pub dialect: Option<Dialect>,
    /// What an Asterisk calls what it is told.
    pub devices: Devices,
    /// Whose do-not-disturb its server keeps too, if it does.
    pub features: Option<Features>,
    /// The lifetime we ask for.
    pub expires: Seconds,
    /// How the way is kept open over datagrams; without it as the server says, and through a NAT as often as needed.
    pub keep_alive: Option<KeepAlive>,
}

/// The word for what is spoken to a server that keeps do-not-disturb too, in configurations and in JSON.
pub const FEATURE: &str = "feature";

/// A do-not-disturb that is the same here and at a server (`as-feature-event`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Features {
    /// Whose it is: an index into [`Settings::presentities`].
    pub presentity: u16,
    /// By which watch: an index into [`Settings::watches`].
    pub watch: u16,
}

impl UpstreamSettings {
    /// Lifetime asked for without further words: a restarted server is noticed within five minutes.
    pub const EXPIRES: Seconds = Seconds(300);

    /// A server as it is without further words, where nothing is published yet.
    pub fn new(aor: Text<URI>) -> UpstreamSettings {
        let user = Uri::parse(aor.as_bytes()).map_or(&b""[..], |uri| uri.user());
        let user = core::str::from_utf8(user).unwrap_or_default();
        UpstreamSettings {
            devices: Devices::of_user(user),
            aor,
            servers: Vec::new(),
            account: Account::new(),
            redirects: Redirects::Own,
            register: true,
            publish: None,
            dialect: None,
            features: None,
            expires: UpstreamSettings::EXPIRES,
            keep_alive: None,
        }
    }
}

impl UpstreamSettings {
    /// Whether all its servers are asked inside TLS.
    pub fn goes_by_tls(&self) -> bool {
        self.servers
            .iter()
            .all(|it| it.transport == Some(Transport::Tls))
    }

    /// Whether that can be the user of a URI as it is, as a publication's name is.
    pub fn is_user(name: &str) -> bool {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.!~*'()+$".contains(&byte);
        !name.is_empty() && name.bytes().all(fits)
    }

    /// Whether what an Asterisk is told has names that it can have, if that may be asked for.
    pub fn has_devices(&self) -> bool {
        let names = [&self.devices.dnd, &self.devices.hook];
        let are_sound = names.iter().all(|it| it.is_empty() || is_device(it));
        let speaks = self.publish.is_some() && self.dialect == Some(Dialect::Asterisk);
        let are_there = UpstreamSettings::is_user(&self.devices.publication)
            && names.iter().any(|it| !it.is_empty());
        are_sound && (are_there || !speaks)
    }
}

impl Settings {
    fn has_features(&self, features: Features) -> bool {
        let watch = self.watches.get(usize::from(features.watch));
        let is_there = usize::from(features.presentity) < self.presentities.len();
        is_there && watch.is_some_and(|it| it.package == Package::Features)
    }

    pub(super) fn validate_upstreams(&self) -> Result<(), Invalid> {
        for (at, upstream) in self.upstreams.iter().enumerate() {
            let is_insecure = needs_tls(&upstream.aor) && !upstream.goes_by_tls();
            if !is_address(&upstream.aor) || is_insecure {
                return Err(Invalid::UpstreamAor(at));
            }
            let mut before = self.upstreams.iter().take(at);
            if before.any(|other| other.aor == upstream.aor) {
                return Err(Invalid::UpstreamTwice(at));
            }
            let servers = &upstream.servers;
            if servers.is_empty() || servers.iter().any(|it| !is_server(&it.host)) {
                return Err(Invalid::UpstreamServers(at));
            }
            let own = upstream.publish.map(usize::from);
            if own.is_some_and(|own| own >= self.presentities.len()) {
                return Err(Invalid::UpstreamPresentity(at));
            }
            let features = upstream.features;
            if features.is_some_and(|it| !self.has_features(it)) {
                return Err(Invalid::UpstreamFeatures(at));
            }
            if upstream.expires == Seconds::ZERO {
                return Err(Invalid::UpstreamExpires(at));
            }
            if !upstream.has_devices() {
                return Err(Invalid::UpstreamDevices(at));
            }
        }
        Ok(())
    }
}
