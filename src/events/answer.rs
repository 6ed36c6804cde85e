//! What a role says to a request: facts, from which the engine writes the response. They are small, so that a
//! server transaction keeps them instead of the response (see [`crate::txn::server`]).

use super::etag::EntityTag;
use super::presentity::Presentity;
use crate::ground::limits;
use crate::ground::table::Id;
use crate::ground::time::{Instant, Seconds};
use crate::txn::token::Token;
use crate::wire::sip::Status;

/// The facts of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// 200 to a SUBSCRIBE: our tag and the lifetime granted (RFC 6665 §4.2.1.1).
    Subscribed {
        /// The tag of a new dialog; `None` inside one, where To has it.
        tag: Option<Token>,
        /// Never more than was asked for (RFC 6665 §3.1.1).
        expires: Seconds,
        /// Whether it is to a list (RFC 4662 §4.1).
        is_list: bool,
    },
    /// 204 to a SUBSCRIBE in its dialog: the watcher has the state already, and no NOTIFY follows (RFC 5839 §6.3).
    Unchanged {
        /// The lifetime granted.
        expires: Seconds,
    },
    /// 200 to a REGISTER: whose bindings it lists (RFC 3261 §10.3 step 8).
    Registered {
        /// Whose.
        presentity: Id<Presentity>,
        /// From when on the seconds that they have left are counted, also in an answer that is repeated later.
        at: Instant,
    },
    /// 200 to a PUBLISH (RFC 3903 §6 step 6).
    Published {
        /// What the publication is called from now on; new with every 200 (RFC 3903 §6).
        tag: EntityTag,
        /// Never more than was asked for; zero once it is removed.
        expires: Seconds,
    },
    /// 200 to anything else.
    Done,
    /// The request is refused.
    Refused(Refusal),
}

/// Why a request is refused, by what the peer can do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Not like this.
    Answer(Status),
    /// Not like this, for a reason that the status alone does not tell: for the log, and the reason phrase of a 400
    /// (RFC 3261 §21.4.1).
    Because(Status, &'static str),
    /// Not now: with `Retry-After` (RFC 3261 §20.33).
    AnswerLater(Status, Seconds),
    /// Not now, for whoever asks has its share: 503 with `Retry-After`. What of, for the log.
    Share(&'static str),
    /// Not before it is proven who asks: 401 with challenges (RFC 3261 §22.2).
    Challenge {
        /// Whether the proof was right, and only its nonce was at fault (RFC 7616 §3.3).
        stale: bool,
    },
    /// Not so short: 423 with `Min-Expires` (RFC 6665 §4.2.1.1).
    TooBrief(Seconds),
}

impl Answer {
    /// Its status code.
    pub const fn status(self) -> Status {
        match self {
            Answer::Subscribed { .. }
            | Answer::Registered { .. }
            | Answer::Published { .. }
            | Answer::Done => Status::OK,
            Answer::Unchanged { .. } => Status::NO_NOTIFICATION,
            Answer::Refused(
                Refusal::Answer(status)
                | Refusal::Because(status, _)
                | Refusal::AnswerLater(status, _),
            ) => status,
            Answer::Refused(Refusal::Share(_)) => Status::SERVICE_UNAVAILABLE,
            Answer::Refused(Refusal::TooBrief(_)) => Status::INTERVAL_TOO_BRIEF,
            Answer::Refused(Refusal::Challenge { .. }) => Status::UNAUTHORIZED,
        }
    }
}

impl Refusal {
    /// Not now, for a table is full or we take our leave.
    pub const BUSY: Refusal =
        Refusal::AnswerLater(Status::SERVICE_UNAVAILABLE, limits::RETRY_AFTER);

    /// A 400 that says what is wrong.
    pub const fn bad(why: &'static str) -> Refusal {
        Refusal::Because(Status::BAD_REQUEST, why)
    }

    /// What the status alone does not tell; empty if there is nothing.
    pub const fn why(self) -> &'static str {
        match self {
            Refusal::Because(_, why) | Refusal::Share(why) => why,
            Refusal::Answer(_)
            | Refusal::AnswerLater(..)
            | Refusal::TooBrief(_)
            | Refusal::Challenge { .. } => "",
        }
    }
}

impl From<Status> for Refusal {
    fn from(status: Status) -> Refusal {
        Refusal::Answer(status)
    }
}
