//! Names of the local network: `local:kitchen` is a lamp's target, `local:desk` somebody who lives at this machine.

use std::format;

use super::Reader;
use crate::engine::config::{is_address, is_name};
use crate::ground::limits::URI;
use crate::ground::text::Text;
use crate::shell::mdns;

/// What such a name begins with.
pub(super) const LOCAL: &str = "local:";

impl Reader<'_, '_> {
    /// The address that `name` stands for under `key`: a target's is that of the instance, everybody else's is here.
    pub(super) fn local(&mut self, key: &str, name: &str, at: usize) -> Option<Text<URI>> {
        let written = match key {
            "watch" => format!(
                "sip:{}.{}",
                name.to_ascii_lowercase(),
                mdns::known::SERVICES[0]
            ),
            _ => format!("sip:{name}@{}.local", mdns::host()),
        };
        let is_good = is_name(name) && !name.contains('.') && name.len() <= LONGEST;
        let address = Text::copied(&written).ok();
        let address = address.filter(|it| is_good && is_address(it));
        if address.is_none() {
            let what = format!(
                "{key} is no name of the local network: \"{}\"",
                name.escape_debug()
            );
            let remedy = "write local:name, with letters, digits, - and _ in the name";
            self.faults.add(at, what, remedy);
        }
        address
    }
}

/// Bytes of a label (RFC 1035 §2.3.4).
const LONGEST: usize = mdns::message::LONGEST_LABEL;
