//! What the agent says.

use crate::ground::time::Instant;
use crate::ua::query::Query;
use crate::users::lamps::Look;
use crate::wire::flow::Flow;
use crate::wire::sip::Status;
use core::fmt;
use core::net::SocketAddr;

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
    },
    /// Find the address of [`Agent::query`](super::Agent::query), and give it to
    /// [`Agent::handle_resolved`](super::Agent::handle_resolved).
    Resolve {
        /// The question.
        query: Query,
    },
    /// Something worth a line in the log.
    Report(Report),
    /// Nothing, until then or until something comes in.
    Wait(Option<Instant>),
}

/// Something worth a line in the log. When many come at once, some are lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Report {
    /// A request was refused.
    Refused {
        /// Whose.
        remote: SocketAddr,
        /// How.
        status: Status,
        /// Why, where the status alone does not say it.
        why: &'static str,
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
    },
    /// The owner let a watcher in who waited, or sent it away.
    Decided {
        /// Where it is.
        remote: SocketAddr,
        /// Whether it may watch.
        may: bool,
    },
    /// A button needs looking after.
    Button {
        /// Its number in the settings.
        button: u16,
        /// What is wrong with it, or right again.
        trouble: Trouble,
    },
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

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Report::Refused {
                remote,
                status,
                why,
            } => {
                write!(
                    f,
                    "refused a request from {remote}: {} {}",
                    status.code(),
                    status.reason()
                )?;
                if why.is_empty() {
                    Ok(())
                } else {
                    write!(f, " ({why})")
                }
            }
            Report::Dropped { remote, why } => write!(f, "dropped a datagram from {remote}: {why}"),
            Report::Waits { remote } => {
                write!(f, "a watcher at {remote} waits to be allowed or blocked")
            }
            Report::Decided { remote, may: true } => {
                write!(f, "the watcher at {remote} is allowed")
            }
            Report::Decided { remote, may: false } => {
                write!(f, "the watcher at {remote} is blocked")
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
