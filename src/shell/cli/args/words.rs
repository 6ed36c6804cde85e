//! The commands, and how each is written.

pub(super) const COMMANDS: [&str; 18] = [
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
        "watch" => "watch URI",
        "why" => "why LAMP",
        alone => alone,
    }
}
