//! What the agent says.

use crate::engine::config::Gesture;
use crate::ground::text::Excerpt;
use crate::ground::time::Instant;
use crate::ua::query::Query;
use crate::users::lamps::Look;
use crate::users::policy::Decided;
use crate::wire::flow::Flow;
use crate::wire::sip::Status;
use core::fmt;
use core::net::{IpAddr, SocketAddr};

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Output {
    /// Send the first `len` bytes of the buffer on `flow`.
    Send {
        /// From where to where.
        flow: Flow,
        /// Bytes of the message.
        len: usize,
    },
    /// Show a look on the lamp with that number in the settings.
    Lamp {
        /// The lamp.
        lamp: usize,
        /// What it shows from now on.
        look: Look,
        /// How bright, in percent of what it can: less than 100 while a rule of the owner dims it. 0 with a look that is
        /// dark by a rule.
        bright: u8,
    },
    /// Find the address of [`Agent::query`](super::Agent::query), and give it to
    /// [`Agent::handle_resolved`](super::Agent::handle_resolved).
    Resolve {
        /// The question.
        query: Query,
    },
    /// Something worth a line in the log.
    Report(Report),
    /// This is not what it was: [`Agent::describe`](super::Agent::describe) says what it is now. Told once for all that
    /// happened to it since it was told last.
    Changed(Subject),
    /// This was done with a button whose settings want it [told](crate::engine::config::ButtonSettings::told).
    Gesture {
        /// The button with that number in the settings.
        button: u16,
        /// What.
        gesture: Gesture,
    },
    /// Nothing, until then or until something comes in.
    Wait(Option<Instant>),
}

/// What the agent tells changes of.
///
/// What only passes is no change: a refresh that changes nothing but a lifetime, a moment that comes nearer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// What the lamp with that number in the settings shows, or stands for.
    Lamp(u16),
    /// The presentity with that number in the settings.
    Presentity(u16),
    /// The subscription in that place of the table of those that we serve: another one, in another state, or gone.
    Watcher(u16),
    /// How the account with that number in the settings stands with its servers.
    Account(u16),
    /// The publication in that place of its table.
    Publication(u16),
    /// The phone that is registered in that place of its table.
    Registration(u16),
}

/// A name in a report: long enough for the URIs that people give each other.
pub type UriExcerpt = Excerpt<100>;

/// A word in a report: a method, a package, the name of a lamp.
pub type Word = Excerpt<32>;

/// Something worth a line in the log. When strangers cause many at once, some are lost; what our accounts and lamps have
/// to say is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Report {
    /// A request was refused.
    Refused {
        /// Whose.
        remote: SocketAddr,
        /// Its method.
        method: Word,
        /// Its Request-URI.
        target: UriExcerpt,
        /// Its event package, if it names one.
        package: Word,
        /// How.
        status: Status,
        /// Why, where the status alone does not say it.
        why: &'static str,
    },
    /// Somebody does not know a user's password.
    WrongPassword {
        /// Where it is.
        remote: SocketAddr,
        /// The user; nobody that is not there is named, for it may be the password itself.
        user: Word,
    },
    /// A datagram was dropped without a word.
    Dropped {
        /// Whose.
        remote: SocketAddr,
        /// Why.
        why: &'static str,
    },
    /// A watcher outside the trusted networks waits for the owner's decision.
    Waits {
        /// Where it is.
        remote: SocketAddr,
        /// The URI that it gives itself.
        watcher: UriExcerpt,
        /// Whom it wants to watch.
        presentity: UriExcerpt,
    },
    /// The owner decided about a watcher.
    Decided {
        /// Where it is.
        at: IpAddr,
        /// The URI that it gives itself.
        watcher: UriExcerpt,
        /// Whom it watches, or wanted to.
        presentity: UriExcerpt,
        /// What becomes of it.
        what: Decided,
    },
    /// An account stands otherwise with the servers above us.
    Account {
        /// Who we are there.
        aor: UriExcerpt,
        /// The server it is about, as configured.
        server: UriExcerpt,
        /// How.
        stands: Standing,
    },
    /// The subscription behind lamps is gone, or back.
    Lamps {
        /// The first of them; empty if the watch feeds none.
        first: Word,
        /// How many there are besides.
        others: u16,
        /// Whom they watch.
        target: UriExcerpt,
        /// In which package, where they watch in another one too; else empty.
        package: Word,
        /// Where that was asked.
        remote: Option<SocketAddr>,
        /// Why it is gone; `None` when it is back.
        lost: Option<Lost>,
        /// Who tells its state all the same.
        unasked: Option<SocketAddr>,
    },
    /// A button needs looking after.
    Button {
        /// Its number in the settings.
        button: u16,
        /// What is wrong with it, or right again.
        trouble: Trouble,
    },
}

/// How an account stands with a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is there: for the first time, or again.
    Works,
    /// The same, and it was at another server before.
    Moved,
    /// The server says no.
    Refused {
        /// To which method.
        method: &'static str,
        /// With which status code.
        status: u16,
        /// What that means.
        why: &'static str,
    },
    /// The server can't be had.
    Fails {
        /// What is wrong.
        why: &'static str,
    },
}

/// Why lamps are without their subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost {
    /// The status code of a refusal.
    pub status: Option<u16>,
    /// Why, in a word or two.
    pub reason: &'static str,
}

/// What is wrong with a button, or right again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It springs back, and did not for a minute.
    Stuck,
    /// It was stuck and came up.
    Free,
    /// Its line moves more often than a hand can. Told at most once a minute.
    Chatters,
}

impl Report {
    /// Whether somebody else decides how many of these there are.
    pub const fn is_of_strangers(&self) -> bool {
        match self {
            Report::Refused { .. }
            | Report::WrongPassword { .. }
            | Report::Dropped { .. }
            | Report::Waits { .. } => true,
            Report::Decided { .. }
            | Report::Account { .. }
            | Report::Lamps { .. }
            | Report::Button { .. } => false,
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Report::Refused {
                remote,
                method,
                target,
                package,
                status,
                why,
            } => {
                write!(f, "refused {method} {target}")?;
                if !package.is_empty() {
                    write!(f, " ({package})")?;
                }
                write!(f, " from {remote}: {} {}", status.code(), status.reason())?;
                match why.is_empty() {
                    true => Ok(()),
                    false => write!(f, " ({why})"),
                }
            }
            Report::WrongPassword { remote, user } => {
                write!(f, "wrong password for the user {user} from {remote}")
            }
            Report::Dropped { remote, why } => write!(f, "dropped a datagram from {remote}: {why}"),
            Report::Waits {
                remote,
                watcher,
                presentity,
            } => write!(
                f,
                "{watcher} at {remote} waits to be allowed or blocked: it wants to watch {presentity}"
            ),
            Report::Decided {
                at,
                watcher,
                presentity,
                what,
            } => {
                let decided = match what {
                    Decided::Allow => "allowed",
                    Decided::Block => "blocked",
                    Decided::PoliteBlock => "politely blocked",
                    Decided::Nothing => "as any other",
                };
                write!(
                    f,
                    "{watcher} at {at} is {decided}: it is a watcher of {presentity}"
                )
            }
            Report::Account {
                aor,
                server,
                stands,
            } => match stands {
                Standing::Works => write!(f, "account {aor} is at {server}"),
                Standing::Moved => write!(f, "account {aor} has moved to {server}"),
                Standing::Refused {
                    method,
                    status,
                    why,
                } => write!(
                    f,
                    "account {aor} is refused by {server}: {status} to {method} ({why})"
                ),
                Standing::Fails { why } => {
                    write!(f, "account {aor} can't be at {server}: {why}")
                }
            },
            Report::Lamps {
                first,
                others,
                target,
                package,
                remote,
                lost,
                unasked,
            } => {
                match (first.is_empty(), others) {
                    (true, _) => f.write_str("a lamp")?,
                    (false, 0) => write!(f, "lamp {first}")?,
                    (false, _) => write!(f, "lamp {first} (and {others} more)")?,
                }
                if let Some(unasked) = unasked {
                    return write!(
                        f,
                        " is told by {unasked} without its subscription to {target}"
                    );
                }
                f.write_str(match lost {
                    Some(_) => " is without its subscription to ",
                    None => " has its subscription to ",
                })?;
                write!(f, "{target}")?;
                if !package.is_empty() {
                    write!(f, " ({package})")?;
                }
                let Some(lost) = lost else {
                    return f.write_str(" again");
                };
                if let Some(remote) = remote {
                    write!(f, " at {remote}")?;
                }
                write!(f, ": {}", lost.reason)?;
                match lost.status {
                    Some(status) => write!(f, " with {status}"),
                    None => Ok(()),
                }
            }
            Report::Button { button, trouble } => {
                write!(f, "button {} {trouble}", u32::from(*button) + 1)
            }
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Trouble::Stuck => "has been down for a minute: it does nothing until it comes up",
            Trouble::Free => "came up, and works again",
            Trouble::Chatters => {
                "chatters and is not heard until it is quiet for a second: check its line and bias"
            }
        })
    }
}
