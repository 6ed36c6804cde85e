//! The commands, and how each is written.

pub(super) const COMMANDS: [&str; 25] = [
    "run",
    "check",
    "status",
    "lamps",
    "watchers",
    "registrations",
    "publications",
    "press",
    "release",
    "set",
    "allow",
    "block",
    "polite-block",
    "forget",
    "policy",
    "user",
    "hash-password",
    "certificate",
    "watch",
    "discover",
    "why",
    "boards",
    "capacity",
    "version",
    "help",
];

/// How a command is written.
pub(super) fn synopsis(command: &str) -> &str {
    match command {
        "allow" => "allow WATCHER [--event PACKAGE] [--until DATE]",
        "block" => "block WATCHER [--event PACKAGE] [--until DATE]",
        "polite-block" => "polite-block WATCHER [--event PACKAGE] [--until DATE]",
        "forget" => "forget WATCHER",
        "policy" => "policy WATCHER [--event PACKAGE] [--presentity URI] [--at TIME]",
        "check" => "check FILE [--board NAME|FILE]",
        "boards" => "boards [NAME]",
        "press" => "press NAME [--for SECONDS]",
        "release" => "release NAME",
        "set" => "set dnd|hook|activity|note|idle|call VALUE",
        "user" => "user add NAME, user remove NAME, or user list",
        "hash-password" => "hash-password NAME REALM",
        "certificate" => "certificate new NAME [--authority FOLDER], or certificate show FILE",
        "watch" => "watch URI",
        "why" => "why LAMP",
        alone => alone,
    }
}
