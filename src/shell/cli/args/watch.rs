//! `lampfield watch`: whom to watch from here.

use std::format;
use std::string::String;

use super::values::{ADDRESS, is_fit, login_of};
use super::{
    Command, EVENT, FROM, JSON, Line, Login, PASSWORD_ENV, PASSWORD_FILE, SECONDS, SERVER, USER,
    Usage,
};
use crate::engine::config::needs_tls;
use crate::events::package::Package;
use crate::shell::tls;

/// Whom to watch from here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watch {
    /// Whom.
    pub target: String,
    /// What to subscribe to.
    pub package: Package,
    /// The next hop, where it is not the target's host.
    pub server: Option<String>,
    /// Who to be; without it somebody at our own address.
    pub from: Option<String>,
    /// With which account, if any.
    pub login: Option<Login>,
    /// How long; without it until interrupted.
    pub seconds: Option<u32>,
    /// As JSON, one object to a line.
    pub json: bool,
}

impl Line {
    pub(super) fn watch(mut self) -> Result<Command, Usage> {
        let own = [USER, PASSWORD_FILE, PASSWORD_ENV];
        let allowed = [&[EVENT, SECONDS, JSON, SERVER, FROM][..], &own].concat();
        let given = self.options("watch", 1, &allowed)?;
        given.or_help(|mut given| {
            let target = given.words.remove(0);
            is_fit(&target).map_err(|what| Usage::new(what, ADDRESS))?;
            if needs_tls(&target) && !tls::IS_HERE {
                let what = format!("{target} can only be asked over TLS");
                return Err(Usage::new(what, tls::TAKE_ANOTHER));
            }
            Ok(Command::Watch(Watch {
                target,
                package: given.event.unwrap_or(Package::Dialog),
                server: given.server,
                from: given.from,
                login: login_of(given.user, given.secrets)?,
                seconds: given.seconds,
                json: given.json,
            }))
        })
    }
}
