//! The commands, and how each is written.

pub(super) const COMMANDS: [&str; 20] = [
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
    "user",
    "hash-password",
    "watch",
    "why",
    "boards",
    "capacity",
    "version",
    "help",
];

/// How a command is written.
pub(super) fn synopsis(command: &str) -> &str {
    match command {
        "allow" => "allow WATCHER|ADDRESS",
        "block" => "block WATCHER|ADDRESS",
        "check" => "check FILE [--board NAME|FILE]",
        "boards" => "boards [NAME]",
        "press" => "press NAME [--for SECONDS]",
        "release" => "release NAME",
        "set" => "set dnd|hook|activity|note|idle VALUE",
        "user" => "user add NAME, user remove NAME, or user list",
        "hash-password" => "hash-password NAME REALM",
        "watch" => "watch URI",
        "why" => "why LAMP",
        alone => alone,
    }
}
