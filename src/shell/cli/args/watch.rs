//! `lampfield watch`: whom to watch from here.

use std::format;
use std::path::PathBuf;
use std::string::String;

use super::values::{ADDRESS, is_fit, login_of};
use super::{
    AUTHORITIES, Command, EVENT, FROM, JSON, Line, Login, PASSWORD_ENV, PASSWORD_FILE, PIN,
    SECONDS, SERVER, USER, Usage,
};
use crate::engine::config::needs_tls;
use crate::events::package::Package;
use crate::shell::tls::{self, Pin, Wanted};

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
    /// Whom servers are believed for, inside TLS.
    pub tls: Wanted,
    /// How long; without it until interrupted.
    pub seconds: Option<u32>,
    /// As JSON, one object to a line.
    pub json: bool,
}

impl Line {
    pub(super) fn watch(mut self) -> Result<Command, Usage> {
        let own = [USER, PASSWORD_FILE, PASSWORD_ENV];
        let common = [EVENT, SECONDS, JSON, SERVER, FROM, AUTHORITIES, PIN];
        let allowed = [&common[..], &own].concat();
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
                tls: believed(given.authorities, &given.pins)?,
                login: login_of(given.user, given.secrets)?,
                seconds: given.seconds,
                json: given.json,
            }))
        })
    }
}

/// Whom servers are believed for.
fn believed(authorities: Option<PathBuf>, pins: &[String]) -> Result<Wanted, Usage> {
    let is_used = tls::IS_HERE;
    if !is_used && (authorities.is_some() || !pins.is_empty()) {
        return Err(Usage::new("there is no TLS here", tls::TAKE_ANOTHER));
    }
    let pin = |text: &String| {
        let what = format!("\"{}\" is no pin", text.escape_debug());
        let remedy = "write \"HOST sha256:DIGITS\", as lampfield certificate show prints them";
        Pin::parse(text).ok_or_else(|| Usage::new(what, remedy))
    };
    Ok(Wanted {
        authorities,
        pins: pins.iter().map(pin).collect::<Result<_, Usage>>()?,
        is_used,
        ..Wanted::default()
    })
}
