//! What keeps a lamp from knowing, where the agent itself can tell.

use std::string::{String, ToString};

use crate::engine::agent::status::Why;
use crate::shell::listen::Listen;
use crate::shell::settings::reach;

/// The cause, and what to do about it.
pub(super) fn cause(why: &Why<'_>, listen: &[Listen]) -> Option<(String, String)> {
    let watch = why.watch.as_ref()?;
    if let Some(who) = watch.distrusts {
        let ip = who.ip().to_canonical();
        return Some((
            std::format!(
                "a NOTIFY from {who} was refused: nobody was asked there, and it is not trusted"
            ),
            std::format!("if it is the server's too, add \"{ip}\" to `trusted`"),
        ));
    }
    let cause = reach::cause(listen, watch.remote?)?;
    Some((cause, reach::LISTEN.to_string()))
}
