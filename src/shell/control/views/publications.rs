//! What phones and servers have published here, as `GET /publications` shows it.

use std::string::{String, ToString};
use std::vec::Vec;

use serde::Serialize;

use super::Now;
use crate::engine::agent::status::PublicationStatus;
use crate::events::package::Package;
use crate::wire::doc::pidf::{Basic, Said};

/// `GET /publications`, one of them: what a phone has published here.
#[derive(Debug, Serialize)]
pub struct Publication {
    presentity: String,
    event: &'static str,
    publisher: String,
    basic: Option<&'static str>,
    activities: Vec<&'static str>,
    note: Option<String>,
    remote: String,
    expires_s: u32,
    since: Option<String>,
    since_s: u64,
}

impl Publication {
    /// That publication now.
    pub fn new(publication: &PublicationStatus<'_>, now: Now) -> Publication {
        let says = publication.says;
        Publication {
            presentity: publication.presentity.to_string(),
            event: publication.package.name(),
            publisher: publication.publisher.to_string(),
            basic: says.basic.map(Basic::as_str),
            activities: says.activities.names().collect(),
            note: match says.said {
                Some(said) if publication.package == Package::Dialog => Some(call(said)),
                Some(_) | None => Some(says.note.as_str()).filter(|note| !note.is_empty()),
            }
            .map(ToString::to_string),
            remote: publication.remote.to_string(),
            expires_s: now.left(publication.ends),
            since: now.date(publication.since),
            since_s: now.ago(publication.since),
        }
    }
}

/// What the calls come to that are published, as presence has it in a note.
const fn call(said: Said) -> &'static str {
    match said {
        Said::Ringing => "Ringing",
        Said::Held => "On hold",
        Said::Talking | Said::Refuses | Said::Busy | Said::Away | Said::Free | Said::Offline => {
            "On the phone"
        }
    }
}
