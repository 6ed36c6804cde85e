//! The `[tls]` section: our certificate, and whom we believe.

use std::format;
use std::path::Path;

use super::Reader;
use super::keys::{TLS, Table};
use crate::shell::document::{Section, shown};
use crate::shell::listen::Listen;
use crate::shell::tls::{Pin, Tls, Wanted};
use crate::wire::flow::Transport;

impl Reader<'_, '_> {
    /// Reads the section, and the files that it names.
    pub(super) fn tls(&mut self, root: &Section<'_, '_>, folder: &Path, listen: &[Listen]) -> Tls {
        let Table { name, keys } = TLS;
        let section = root.section("tls", name, keys, &mut self.faults);
        let listens = listen.iter().any(|it| it.transport == Transport::Tls);
        let is_used = listens || self.asks_by_tls() || section.is_some();
        let mut wanted = Wanted {
            is_used,
            ..Wanted::default()
        };
        if let Some(section) = &section {
            self.files(section, folder, &mut wanted);
            self.pins(section, &mut wanted);
        }
        let at = section.as_ref().map_or(0, |it| it.at);
        if listens && wanted.own.is_none() {
            let at = root.key_place("listen").unwrap_or(at);
            let remedy = "add [tls] with certificate = \"FILE\" and key = \"FILE\"; \
                          lampfield certificate new NAME makes both";
            self.faults
                .add(at, "tls is listened on without a certificate", remedy);
            return Tls::default();
        }
        // They are opened again with each reload.
        self.secrets.extend(wanted.files());
        Tls::load(&wanted).unwrap_or_else(|fault| {
            self.faults.add(at, fault.what, fault.remedy);
            Tls::default()
        })
    }

    /// Whether somebody is asked inside TLS.
    fn asks_by_tls(&self) -> bool {
        let settings = &self.settings;
        let accounts = settings.upstreams.iter().flat_map(|it| &it.servers);
        let mut accounts = accounts.map(|it| it.transport);
        let mut watches = settings.watches.iter();
        accounts.any(|it| it == Some(Transport::Tls)) || watches.any(|it| settings.goes_by_tls(it))
    }

    fn files(&mut self, section: &Section<'_, '_>, folder: &Path, wanted: &mut Wanted) {
        let faults = &mut self.faults;
        let mut file = |key| section.text(key, faults).map(|it| folder.join(it.value));
        let own = (file("certificate"), file("key"));
        wanted.authorities = file("authorities");
        wanted.client_authorities = file("client_authorities");
        wanted.own = match own {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            (Some(_), None) | (None, Some(_)) => {
                let what = "certificate and key mean nothing without each other";
                self.faults.add(section.at, what, "add the other one");
                None
            }
        };
    }

    fn pins(&mut self, section: &Section<'_, '_>, wanted: &mut Wanted) {
        for text in section.texts("pins", &mut self.faults).unwrap_or_default() {
            match Pin::parse(text.value) {
                Some(pin) => wanted.pins.push(pin),
                None => {
                    let what = format!("\"{}\" is no pin", shown(text.value));
                    let remedy =
                        "write \"HOST sha256:DIGITS\", as lampfield certificate show prints them";
                    self.faults.add(text.at, what, remedy);
                }
            }
        }
    }
}
