//! Why a key can't be read, and what to do about it.

use std::borrow::ToOwned;
use std::format;
use std::io;
use std::string::{String, ToString};
use std::vec::Vec;

use super::super::Problem;
use super::super::board::line::KeyLine;
use super::folder::Places;
use super::node::Codes;

/// A device that is there.
pub(super) struct Seen {
    /// Of `eventN`.
    pub(super) number: u16,
    /// What it calls itself.
    pub(super) name: String,
    /// What it has, or why it can't be asked; nothing if nobody wants it.
    pub(super) has: io::Result<Codes>,
}

impl Seen {
    /// Whether it failed for a reason whose end nobody will tell us.
    pub(super) fn may_change_unheard(&self) -> bool {
        let kind = self.has.as_ref().err().map(io::Error::kind);
        kind.is_some_and(|kind| !matches!(kind, io::ErrorKind::PermissionDenied))
    }
}

/// Its device was there and is no more.
pub(super) fn gone(line: &KeyLine) -> Problem {
    let what = match &line.device {
        Some(name) => format!(
            "is gone: the input device \"{}\" was unplugged",
            name.escape_debug()
        ),
        None => "is gone: the input device that had it was unplugged".to_owned(),
    };
    Problem::new(what, "plug it in again")
}

/// What is wrong with `line`, which none of the devices has.
pub(super) fn find(line: &KeyLine, seen: &[Seen], places: &Places, was_there: bool) -> Problem {
    let wanted = || seen.iter().filter(|it| line.accepts(it.number, &it.name));
    let refused = wanted().find_map(|it| Some((it, it.has.as_ref().err()?)));
    if let Some((device, error)) = refused {
        return unreadable(device, error, places);
    }
    match (&line.device, wanted().next()) {
        (Some(_), Some(device)) => lacking(device),
        _ if was_there => gone(line),
        (Some(name), None) => missing(name, seen),
        (None, _) => Problem::new(
            "is not there: no input device has this key",
            "plug in one that has it, or load its driver",
        ),
    }
}

fn unreadable(device: &Seen, error: &io::Error, places: &Places) -> Problem {
    let path = places.path(device.number);
    let shown = format!("{} (\"{}\")", path.display(), device.name.escape_debug());
    match error.kind() {
        io::ErrorKind::PermissionDenied => Problem::new(
            format!("may not be read: permission denied for {shown}"),
            "add the agent's user to the group that the device belongs to: input",
        ),
        _ => Problem::new(
            format!("can't be read: {shown}: {error}"),
            "look into the kernel's log",
        ),
    }
}

/// The device has other keys.
fn lacking(device: &Seen) -> Problem {
    const SHOWN: usize = 8;
    let what = format!(
        "is not there: \"{}\" has no such key",
        device.name.escape_debug()
    );
    let mut names: Vec<String> = device
        .has
        .iter()
        .flat_map(Codes::iter)
        .take(SHOWN + 1)
        .map(|code| code.to_string())
        .collect();
    if names.is_empty() {
        return Problem::new(what, "use another device: this one has no keys");
    }
    if names.len() > SHOWN {
        names[SHOWN] = "…".to_owned();
    }
    Problem::new(what, format!("use one that it has: {}", names.join(", ")))
}

/// There are other devices.
fn missing(name: &str, seen: &[Seen]) -> Problem {
    let what = format!(
        "is not there: no input device is called \"{}\"",
        name.escape_debug()
    );
    let mut names: Vec<String> = seen
        .iter()
        .map(|it| format!("\"{}\"", it.name.escape_debug()))
        .collect();
    names.sort_unstable();
    names.dedup();
    if names.is_empty() {
        return Problem::new(
            what,
            "plug it in, or load its driver: there is no input device",
        );
    }
    Problem::new(
        what,
        format!("plug it in, or use one of: {}", names.join(", ")),
    )
}
