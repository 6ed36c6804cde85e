//! The `[[upstream]]` tables: the servers above us, and what we are there.

use std::format;
use std::path::Path;

use super::keys::UPSTREAM;
use super::{DAY, Reader, build_with};
use crate::engine::config::{
    Account, FEATURE, Features, Server, UpstreamSettings, WatchSettings, is_same, is_server,
    needs_tls,
};
use crate::events::package::Package;
use crate::ground::limits::{DEVICE, SERVERS, UPSTREAMS, URI};
use crate::ground::text::Text;
use crate::ground::time::Seconds;
use crate::roles::upstream::Dialect;
use crate::shell::document::{Found, Section, shown};
use crate::ua::servers::{KeepAlive, Redirects};
use crate::wire::doc::device_state::is_device;
use crate::wire::flow::Transport;
use crate::wire::sip::Uri;

impl Reader<'_, '_> {
    pub(super) fn upstreams(&mut self, root: &Section<'_, '_>, folder: &Path) {
        for section in root.sections("upstream", UPSTREAM.name, UPSTREAM.keys, &mut self.faults) {
            let Some(upstream) = self.upstream(&section, folder) else {
                continue;
            };
            if self.settings.upstreams.push(upstream).is_err() {
                let what = format!("more than {UPSTREAMS} upstreams");
                self.faults.add(section.at, what, build_with("UPSTREAMS"));
                break;
            }
        }
    }

    fn upstream(&mut self, section: &Section<'_, '_>, folder: &Path) -> Option<UpstreamSettings> {
        let register = section.flag("register", &mut self.faults);
        let publish = section.flag_or_choice(
            "publish",
            (Publish::Nothing, AUTO),
            &PUBLISH,
            &mut self.faults,
        );
        let expires = section.number("expires", 1..=DAY, &mut self.faults);
        let keep_alive = self.keep_alive(section);
        let redirects = section.choice("redirects", &REDIRECTS, &mut self.faults);
        let servers = self.servers(section);
        let named = section.text("presentity", &mut self.faults);
        let account = self.account(section, folder);
        let aor = self.aor(section)?;
        let mut upstream = UpstreamSettings::new(aor);
        upstream.account = account;
        if upstream.account.user.is_empty() {
            upstream.account.user = user_of(&upstream.aor).unwrap_or_default();
        }
        upstream.servers = match servers {
            Some(servers) => servers,
            None => self.server_of(section, &upstream.aor)?,
        };
        if needs_tls(&upstream.aor) && !upstream.goes_by_tls() {
            let what = format!("{} is asked over TLS only", upstream.aor);
            let remedy = "write each of servers as tls:HOST, or leave servers out";
            self.faults.add(section.at, what, remedy);
            return None;
        }
        upstream.register = register.is_none_or(|it| it.value);
        if let Some(expires) = expires {
            upstream.expires = Seconds(expires.value);
        }
        match (publish.map_or(AUTO, |it| it.value), named) {
            (Publish::Presence(dialect), named) => {
                upstream.publish = self.published(section, named)?;
                upstream.dialect = dialect;
                self.devices(section, &mut upstream);
            }
            (Publish::Features, named) => {
                if let Some(presentity) = self.published(section, named)? {
                    upstream.features = self.features(section, &upstream, presentity);
                }
            }
            (Publish::Nothing, Some(Found { at, .. })) => {
                let what = "presentity without publish means nothing";
                self.faults
                    .add(at, what, "leave presentity or publish = false out");
            }
            (Publish::Nothing, None) => {}
        }
        upstream.redirects = redirects.map_or(Redirects::Own, |it| it.value);
        upstream.keep_alive = keep_alive;
        Some(upstream)
    }

    /// `keep_alive`: a number of seconds, or a word.
    fn keep_alive(&mut self, section: &Section<'_, '_>) -> Option<KeepAlive> {
        const KEY: &str = "keep_alive";
        if section.is_text(KEY) {
            let word = section.choice(KEY, &[("stun", KeepAlive::Stun)], &mut self.faults);
            return word.map(|it| it.value);
        }
        let number = section.number(KEY, 0..=3_600, &mut self.faults);
        number.map(|it| KeepAlive::Options(Seconds(it.value)))
    }

    fn aor(&mut self, section: &Section<'_, '_>) -> Option<Text<URI>> {
        let written = section.required("aor", "sip:100@pbx.example", &mut self.faults)?;
        let aor = self.address("aor", written)?;
        if self
            .settings
            .upstreams
            .iter()
            .any(|it| is_same(&it.aor, &aor))
        {
            let what = format!("{aor} is there already");
            self.faults.add(
                written.at,
                what,
                "name each aor only once; give it several servers",
            );
            return None;
        }
        Some(aor)
    }

    /// `servers`, each `host[:port]` with `udp:`, `tcp:` or `tls:` before it.
    fn servers(&mut self, section: &Section<'_, '_>) -> Option<heapless::Vec<Server, SERVERS>> {
        let texts = section.texts("servers", &mut self.faults)?;
        let mut servers = heapless::Vec::new();
        if texts.is_empty() {
            let at = section.key_place("servers")?;
            self.faults.add(
                at,
                "servers is empty",
                "leave it out to ask the host of aor",
            );
        }
        for text in texts {
            let Some(server) = server(text.value) else {
                let what = format!("\"{}\" is no server", shown(text.value));
                let remedy = "write host or host:port, with tcp: or tls: before it";
                self.faults.add(text.at, what, remedy);
                continue;
            };
            if servers.push(server).is_err() {
                let what = format!("more than {SERVERS} servers");
                self.faults.add(text.at, what, "leave some out");
                break;
            }
        }
        Some(servers)
    }

    /// The host of the address of record is the server where none is named.
    fn server_of(
        &mut self,
        section: &Section<'_, '_>,
        aor: &str,
    ) -> Option<heapless::Vec<Server, SERVERS>> {
        let host = aor.split_once('@').map_or("", |(_, host)| host);
        let host = host.split([';', '?']).next().unwrap_or_default();
        let secure = if needs_tls(aor) { "tls:" } else { "" };
        let Some(server) = server(&format!("{secure}{host}")) else {
            let what = "nobody knows where the server is";
            self.faults
                .add(section.at, what, "add servers = [\"host:port\"]");
            return None;
        };
        let mut servers = heapless::Vec::new();
        let _ = servers.push(server); // It is the first.
        Some(servers)
    }

    /// Whose presence is published: the one that is named, or the first; nobody's where there is none.
    #[allow(clippy::option_option, reason = "a mistake is not the same as nobody")]
    fn published(
        &mut self,
        section: &Section<'_, '_>,
        named: Option<Found<&str>>,
    ) -> Option<Option<u16>> {
        match named {
            Some(named) => self.presentity(named).map(Some),
            None if self.settings.presentities.is_empty() => {
                if let Some(at) = section.key_place("publish") {
                    let what = "there is nobody to publish";
                    self.faults.add(at, what, "add a [[presentity]]");
                }
                Some(None)
            }
            None => Some(Some(0)),
        }
    }

    /// A server that keeps do-not-disturb too is watched for it, as who we are there.
    fn features(
        &mut self,
        section: &Section<'_, '_>,
        upstream: &UpstreamSettings,
        presentity: u16,
    ) -> Option<Features> {
        let own = upstream.aor.clone();
        let mut watch = WatchSettings::new(own.clone(), own, Package::Features);
        watch.upstream = Some(self.settings.upstreams.len() as u16);
        watch.expires = upstream.expires;
        let Ok(watch) = self.settings.share_watch(watch) else {
            self.too_many(section);
            return None;
        };
        Some(Features { presentity, watch })
    }

    /// What an Asterisk calls what it is told.
    fn devices(&mut self, section: &Section<'_, '_>, upstream: &mut UpstreamSettings) {
        let devices = &mut upstream.devices;
        for (key, name, is_fit) in [
            (
                "publication",
                &mut devices.publication,
                UpstreamSettings::is_user as fn(&str) -> bool,
            ),
            ("dnd_device", &mut devices.dnd, is_device_or_none),
            ("hook_device", &mut devices.hook, is_device_or_none),
        ] {
            let Some(written) = section.text(key, &mut self.faults) else {
                continue;
            };
            let is_other = !matches!(upstream.dialect, None | Some(Dialect::Asterisk));
            match Text::copied(written.value).ok().filter(|it| is_fit(it)) {
                _ if is_other => {
                    let what = format!("{key} means nothing without an Asterisk");
                    self.faults.add(written.at, what, "leave it out");
                }
                Some(text) => *name = text,
                None => {
                    let what = format!("\"{}\" is no {key}", shown(written.value));
                    let remedy =
                        format!("write 1 to {DEVICE} characters without blanks and quotes");
                    self.faults.add(written.at, what, remedy);
                }
            }
        }
        if upstream.dialect == Some(Dialect::Asterisk) && !upstream.has_devices() {
            let what = "an Asterisk would be told of no device";
            let remedy = "add publication = \"100\" and dnd_device = \"Custom:DND100\"";
            self.faults.add(section.at, what, remedy);
        }
    }

    fn account(&mut self, section: &Section<'_, '_>, folder: &Path) -> Account {
        let mut account = Account::new();
        if let Some(user) = self.short(section, "user") {
            self.refuse_password(section, &user);
            account.user = user;
        }
        account.realm = self.short(section, "realm");
        if let Some(password) = self.password(section, folder) {
            account.password = password;
        }
        account
    }

    /// `user = "100:secret"` would be seen wherever the user is.
    fn refuse_password(&mut self, section: &Section<'_, '_>, user: &str) {
        if let (true, Some(at)) = (user.contains(':'), section.key_place("user")) {
            let what = "user holds a colon, and perhaps a password behind it";
            let remedy =
                "write the user alone; a password stands in a file that password_file names";
            self.faults.add(at, what, remedy);
        }
    }

    fn short<const N: usize>(&mut self, section: &Section<'_, '_>, key: &str) -> Option<Text<N>> {
        let written = section.text(key, &mut self.faults)?;
        let text = Text::copied(written.value).ok();
        let text =
            text.filter(|it: &Text<N>| !it.is_empty() && !it.contains(['"', '\\', '\r', '\n']));
        if text.is_none() {
            let remedy = format!("write 1 to {N} bytes without quotes");
            self.faults
                .add(written.at, format!("{key} cannot be used"), remedy);
        }
        text
    }
}

/// What a server is told.
#[derive(Clone, Copy)]
enum Publish {
    Nothing,
    /// The presence, in that dialect; without it in one that the server seems to take.
    Presence(Option<Dialect>),
    /// Do-not-disturb, which it keeps too.
    Features,
}

const AUTO: Publish = Publish::Presence(None);

const PUBLISH: [(&str, Publish); 5] = [
    ("auto", AUTO),
    spoken(Dialect::Presence),
    spoken(Dialect::Asterisk),
    spoken(Dialect::FreeSwitch),
    (FEATURE, Publish::Features),
];

const fn spoken(dialect: Dialect) -> (&'static str, Publish) {
    (dialect.name(), Publish::Presence(Some(dialect)))
}

fn is_device_or_none(name: &str) -> bool {
    name.is_empty() || is_device(name)
}

/// To whom servers may send us.
const REDIRECTS: [(&str, Redirects); 2] =
    [("own", Redirects::Own), ("anywhere", Redirects::Anywhere)];

fn server(text: &str) -> Option<Server> {
    let (transport, host) = match text.split_once(':') {
        Some(("udp", host)) => (Some(Transport::Udp), host),
        Some(("tcp", host)) => (Some(Transport::Tcp), host),
        Some(("tls", host)) => (Some(Transport::Tls), host),
        _ => (None, text),
    };
    let host = Text::copied(host).ok().filter(|it| is_server(it))?;
    Some(Server { host, transport })
}

/// The user part of an address, where it is written without escapes.
fn user_of(aor: &str) -> Option<Text<{ crate::ground::limits::USER }>> {
    match Uri::parse(aor.as_bytes()) {
        Ok(Uri::Sip(uri)) => Text::from_bytes(uri.user?).ok(),
        Ok(Uri::Tel(_) | Uri::Pres(_) | Uri::Other { .. }) | Err(_) => None,
    }
}
