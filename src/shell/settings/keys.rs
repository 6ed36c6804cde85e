//! Which keys a configuration knows, and in which table each belongs. README.md and the manual page show all of them;
//! the tests hold the three together.

use std::format;
use std::string::String;
use std::vec::Vec;

use crate::events::watched::Watched;
use crate::shell::document::nearest;

/// A table of the file.
pub(super) struct Table {
    /// As errors call it.
    pub(super) name: &'static str,
    /// What it knows.
    pub(super) keys: &'static [&'static str],
}

/// What stands before the first table.
pub(super) const TOP: Table = Table {
    name: "the file",
    keys: &[
        "listen",
        "trusted",
        "strangers",
        "board",
        "control",
        "state",
        "log",
        "sandbox",
        "discover",
    ],
};

pub(super) const TLS: Table = Table {
    name: "[tls]",
    keys: &[
        "certificate",
        "key",
        "authorities",
        "client_authorities",
        "pins",
    ],
};

pub(super) const SUBSCRIPTIONS: Table = Table {
    name: "[subscriptions]",
    keys: &["min_expires", "max_expires", "blank_documents", "pace"],
};

pub(super) const REGISTRATIONS: Table = Table {
    name: "[registrations]",
    keys: &["min_expires", "max_expires"],
};

pub(super) const PUBLICATIONS: Table = Table {
    name: "[publications]",
    keys: &["min_expires", "max_expires"],
};

pub(super) const AUTHENTICATION: Table = Table {
    name: "[authentication]",
    keys: &["users", "realm", "authenticate"],
};

pub(super) const PRESENTITY: Table = Table {
    name: "[[presentity]]",
    keys: &["uri", "dialog_shows_dnd", "registers", "owners"],
};

pub(super) const SERVED_LIST: Table = Table {
    name: "[[served_list]]",
    keys: &["uri", "members"],
};

pub(super) const UPSTREAM: Table = Table {
    name: "[[upstream]]",
    keys: &[
        "aor",
        "servers",
        "redirects",
        "presentity",
        "user",
        "realm",
        "password_file",
        "password_env",
        "register",
        "publish",
        "publication",
        "dnd_device",
        "hook_device",
        "expires",
        "keep_alive",
    ],
};

pub(super) const LIST: Table = Table {
    name: "[[list]]",
    keys: &[
        "uri",
        "event",
        "server",
        "from",
        "expires",
        "audit",
        "at_most_every",
    ],
};

pub(super) const LAMP: Table = Table {
    name: "[[lamp]]",
    keys: &[
        "name",
        "watch",
        "list",
        "event",
        "fallback",
        "server",
        "from",
        "expires",
        "shows",
        "presentity",
        "audit",
        "at_most_every",
        "partial",
        "grace",
        "looks",
        "run",
    ],
};

pub(super) const BUTTON: Table = Table {
    name: "[[button]]",
    keys: &[
        "name",
        "does",
        "long",
        "double",
        "timeout",
        "presentity",
        "run",
        "dial",
        "pickup",
    ],
};

pub(super) const SOFTPHONE: Table = Table {
    name: "[[softphone]]",
    keys: &["baresip", "presentity", "dial", "accept"],
};

pub(super) const RULE: Table = Table {
    name: "[[rule]]",
    keys: &[
        "who",
        "whom",
        "event",
        "direction",
        "on",
        "from",
        "until",
        "dates",
        "while",
        "then",
        "view",
        "note",
        "at_most_every",
        "bright",
    ],
};

/// Of one package, in `pace` of `[subscriptions]`.
pub(super) const PACE: Table = Table {
    name: "pace",
    keys: &["burst", "interval"],
};

/// Every table that a line in brackets begins.
pub(super) const TABLES: [Table; 13] = [
    TLS,
    AUTHENTICATION,
    SUBSCRIPTIONS,
    REGISTRATIONS,
    PUBLICATIONS,
    PRESENTITY,
    SERVED_LIST,
    UPSTREAM,
    LIST,
    LAMP,
    SOFTPHONE,
    BUTTON,
    RULE,
];

/// The keys of the whole file: those before the first table, and the tables' own names.
pub(super) fn of_the_file() -> Vec<&'static str> {
    let tables = TABLES.iter().map(|it| it.name.trim_matches(['[', ']']));
    TOP.keys.iter().copied().chain(tables).collect()
}

/// What to do about `key` in the table called `table`, which does not know it: where a password belongs, or in which
/// table the key does.
pub(super) fn advice(table: &str, key: &str) -> Option<String> {
    if is_for_a_password(key) {
        let below = match table {
            _ if table == UPSTREAM.name => "",
            _ => ", below [[upstream]]",
        };
        return Some(format!(
            "write the password, and nothing else, into a file that only this user may read, and the file's \
             name here: password_file = \"pbx.password\"{below}"
        ));
    }
    if table == LAMP.name && Watched::ALL.iter().any(|it| it.name() == key) {
        return Some(format!(
            "`{key}` belongs into looks: looks = {{ {key} = \"…\" }}"
        ));
    }
    if [SUBSCRIPTIONS.name, PACE.name].contains(&table) && PACE.keys.contains(&key) {
        return Some(format!(
            "`{key}` belongs into pace, by package: pace = {{ presence = {{ {key} = … }} }}"
        ));
    }
    let belongs = belongs(key)?;
    let here = TABLES.iter().chain([&TOP]).find(|it| it.name == table);
    let meant = here.and_then(|here| nearest(key, here.keys));
    Some(match meant {
        Some(meant) => format!("did you mean `{meant}`? {belongs}"),
        None => belongs,
    })
}

/// In which tables a key belongs that some table knows.
fn belongs(key: &str) -> Option<String> {
    if TOP.keys.contains(&key) {
        return Some(format!(
            "`{key}` belongs to the top, before the first [table]"
        ));
    }
    let tables = TABLES.iter().filter(|it| it.keys.contains(&key));
    let names: Vec<&str> = tables.map(|it| it.name).collect();
    (!names.is_empty()).then(|| format!("`{key}` belongs below {}", names.join(" or ")))
}

/// Whether somebody who writes such a key is about to write a password behind it, in whatever language and spelling.
/// `password_file` and `password_env`, misspelt, are not meant.
fn is_for_a_password(key: &str) -> bool {
    const SAY_SO: [&str; 6] = ["pass", "pwd", "secret", "kennwort", "credential", "geheim"];
    let key = key.to_ascii_lowercase();
    let names_a_place = ["file", "env"].iter().any(|it| key.ends_with(it));
    let is_said = SAY_SO.iter().any(|it| key.contains(it));
    !names_a_place && (is_said || nearest(&key, &["password", "passwort"]).is_some())
}
