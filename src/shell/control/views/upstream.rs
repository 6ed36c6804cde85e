//! How an account stands with the servers above us.

use std::string::{String, ToString};

use serde::Serialize;

use super::Now;
use crate::ground::time::Instant;
use crate::roles::upstream::{Report, Stands};

/// A server above us.
#[derive(Debug, Serialize)]
pub(super) struct Upstream {
    aor: String,
    server: String,
    remote: Option<String>,
    registration: &'static str,
    expires_s: Option<u32>,
    publication: &'static str,
    dialect: Option<&'static str>,
    published_s: Option<u32>,
    last_register: Option<u16>,
    last_publish: Option<u16>,
    next_s: Option<u32>,
    public: Option<String>,
    gruu: Option<String>,
    trouble: Option<&'static str>,
    broken_since: Option<String>,
    broken_s: Option<u64>,
}

impl Upstream {
    pub(super) fn new(link: &Report<'_>, now: Now) -> Upstream {
        let seconds = |moment: Option<Instant>| moment.map(|moment| now.left(moment));
        Upstream {
            aor: link.aor.to_string(),
            server: link.server.to_string(),
            remote: link.remote.map(|it| it.to_string()),
            registration: match link.registration {
                Stands::Yes => "registered",
                other => other.name(),
            },
            expires_s: seconds(link.expires),
            publication: match link.publication {
                Stands::Yes => "published",
                other => other.name(),
            },
            dialect: link.dialect,
            published_s: seconds(link.published_until),
            last_register: link.last_register,
            last_publish: link.last_publish,
            next_s: seconds(link.next),
            public: link.public.map(|it| it.to_string()),
            gruu: link.gruu.map(ToString::to_string),
            trouble: Some(link.why).filter(|why| !why.is_empty()),
            broken_since: link.broken_since.and_then(|moment| now.date(moment)),
            broken_s: link.broken_since.map(|moment| now.ago(moment)),
        }
    }
}
