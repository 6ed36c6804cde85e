//! What keeps a lamp from knowing, where the agent itself can tell.

use std::string::{String, ToString};

use crate::engine::agent::status::Why;
use crate::shell::listen::Listen;
use crate::shell::settings::reach;

/// What is in the way.
pub(super) struct Cause {
    /// In words.
    pub(super) what: String,
    /// What to do about it, where something can be done here.
    pub(super) remedy: Option<String>,
}

/// The cause of what a lamp shows, if it is not the watched one.
pub(super) fn cause(why: &Why<'_>, listen: &[Listen]) -> Option<Cause> {
    let watch = why.watch.as_ref()?;
    if let Some(who) = watch.distrusts {
        let ip = who.ip().to_canonical();
        return Some(Cause {
            what: std::format!(
                "a NOTIFY from {who} was refused: nobody was asked there, and it is not trusted"
            ),
            remedy: Some(std::format!(
                "if it is the server's too, add \"{ip}\" to `trusted`"
            )),
        });
    }
    if watch.is_stateless {
        return Some(Cause {
            what: STATELESS.to_string(),
            remedy: None,
        });
    }
    Some(Cause {
        what: reach::cause(listen, watch.remote?)?,
        remedy: Some(reach::LISTEN.to_string()),
    })
}

/// What is said of a server that was asked and answered without a document.
const STATELESS: &str = "the server knows no state";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::agent::status::LampStatus;
    use crate::events::package::Package;
    use crate::events::watched::Watched;
    use crate::ground::time::Instant;
    use crate::roles::watcher::Report;
    use crate::users::lamps::{Look, Shows};

    #[test]
    fn a_server_without_a_state_is_a_cause_that_takes_no_remedy() {
        let report = |is_stateless, distrusts: Option<&str>| Report {
            target: "sip:200@pbx.example",
            package: Package::Dialog,
            state: "active",
            watched: Watched::Idle,
            party: None,
            is_stateless,
            remote: None,
            expires: None,
            next: None,
            last_status: Some(200),
            last_reason: "",
            last_notify: Some(Instant::ZERO),
            distrusts: distrusts.map(|who| who.parse().expect("an address")),
            lost: false,
            broken_since: None,
        };
        let cause = |watch| {
            let lamp = LampStatus {
                name: "blf1",
                look: Look::OFF,
                shows: Shows::Watch(0),
                whom: None,
                state: Some(Watched::Idle),
                party: None,
                since: Instant::ZERO,
            };
            let why = Why {
                lamp,
                rule: "the default look",
                grace_ends: None,
                watch: Some(watch),
            };
            cause(&why, &[]).map(|it| (it.what, it.remedy))
        };
        assert_eq!(cause(report(false, None)), None);
        let stateless = (STATELESS.to_string(), None);
        assert_eq!(cause(report(true, None)), Some(stateless));
        let (what, remedy) = cause(report(false, Some("192.0.2.7:5060"))).expect("it is told");
        assert!(what.starts_with("a NOTIFY from 192.0.2.7:5060 was refused"));
        assert!(remedy.is_some_and(|it| it.contains("add \"192.0.2.7\" to `trusted`")));
    }
}
