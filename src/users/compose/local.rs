//! The calls that local sources tell of: the phone on the same device, and whoever types or runs a script.
//!
//! A call that nobody ends would be told for ever. So each of them ends by itself, unless it is told again, and all of a
//! phone end when it is not heard any more.

use crate::events::party::Party;
use crate::events::presentity::{Call, Naming, Presentity};
use crate::ground::error_texts;
use crate::ground::limits::{CALLS, LOCAL_CALLS};
use crate::ground::table::Id;
use crate::ground::text::Text;
use crate::ground::time::{Instant, Seconds};
use crate::wire::doc::dialog_info::{Direction, Ending, State};
use heapless::Vec;

/// The calls that local sources tell of.
///
/// Full: one more is not told, and whoever tells of it hears [`NoRoom`].
pub struct LocalCalls(Vec<Local, LOCAL_CALLS>);

/// There is no room for one more call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoRoom;

error_texts!(NoRoom: NoRoom => "there is no room for one more call");

/// Who tells of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The command line, or whoever else speaks to the control socket.
    Told,
    /// A phone on this device, by its number in the settings.
    Phone(u8),
}

/// What a source says of one call.
#[derive(Clone, Copy, Debug)]
pub struct Fact<'a> {
    /// Who says so.
    pub source: Source,
    /// The Call-ID where a phone says so; else a name that tells it from others, which may be empty, and has a blank where
    /// a phone knows no Call-ID.
    pub id: &'a str,
    /// How far it is.
    pub state: State,
    /// Whether it is on hold.
    pub is_held: bool,
    /// Who called whom; `None` leaves it as it was.
    pub direction: Option<Direction>,
    /// Why it ended, where it has and that is known.
    pub ending: Option<Ending>,
    /// The URI of the other end; `None` leaves that as it was, with its name.
    pub peer: Option<&'a str>,
    /// The name of the other end.
    pub display: &'a str,
    /// How long that holds unless it is told again.
    pub lasts: Seconds,
}

struct Local {
    presentity: Id<Presentity>,
    source: Source,
    ends: Instant,
    call: Call,
}

impl Fact<'_> {
    fn key(&self) -> u64 {
        match self.source {
            Source::Told => Call::key(Naming::Local, 0, self.id.chars()),
            Source::Phone(_) => Call::key(Naming::CallId, 0, self.id.chars()),
        }
    }
}

impl LocalCalls {
    /// None yet.
    pub const fn new() -> LocalCalls {
        LocalCalls(Vec::new())
    }

    /// Takes in a fact.
    ///
    /// # Errors
    /// There is no room.
    pub fn tell(
        &mut self,
        now: Instant,
        presentity: Id<Presentity>,
        fact: &Fact<'_>,
    ) -> Result<(), NoRoom> {
        let key = fact.key();
        let is_it =
            |it: &Local| (it.presentity, it.source, it.call.key) == (presentity, fact.source, key);
        let known = self.0.iter().position(is_it);
        let at = match known {
            Some(at) => at,
            None if fact.state == State::Terminated => return Ok(()),
            None => {
                self.0
                    .push(Local::new(presentity, fact, key))
                    .map_err(|_| NoRoom)?;
                self.0.len() - 1
            }
        };
        self.0[at].ends = now + fact.lasts;
        self.0[at].take(fact);
        Ok(())
    }

    /// All that a source has told of a presentity, or of everybody, is over.
    pub fn end(&mut self, source: Source, presentity: Option<Id<Presentity>>) {
        for it in &mut self.0 {
            if it.source == source && presentity.is_none_or(|id| id == it.presentity) {
                it.call.state = State::Terminated;
            }
        }
    }

    /// The presentity is not served any more.
    pub fn handle_removal(&mut self, presentity: Id<Presentity>) {
        self.0.retain(|it| it.presentity != presentity);
    }

    /// Ends what was not told again in time.
    pub fn handle_timeout(&mut self, now: Instant) {
        let late = self.0.iter_mut().filter(|it| it.ends <= now);
        late.for_each(|it| it.call.state = State::Terminated);
    }

    /// Somebody of whom a call is over: compose anew, and then forget it with [`LocalCalls::forget_over`].
    pub fn next_over(&self) -> Option<Id<Presentity>> {
        let over = self.0.iter().find(|it| it.call.is_over());
        over.map(|it| it.presentity)
    }

    /// What is over was told.
    pub fn forget_over(&mut self, presentity: Id<Presentity>) {
        self.0
            .retain(|it| it.presentity != presentity || !it.call.is_over());
    }

    /// When [`LocalCalls::handle_timeout`] has something to do.
    pub fn due(&self) -> Option<Instant> {
        self.0.iter().map(|it| it.ends).min()
    }

    /// The calls of a presentity, those included that have just ended.
    pub fn of(&self, presentity: Id<Presentity>) -> Vec<Call, CALLS> {
        let its = self.0.iter().filter(|it| it.presentity == presentity);
        its.map(|it| it.call.clone()).take(CALLS).collect()
    }
}

impl Default for LocalCalls {
    fn default() -> LocalCalls {
        LocalCalls::new()
    }
}

impl Local {
    fn new(presentity: Id<Presentity>, fact: &Fact<'_>, key: u64) -> Local {
        let mut call = Call::new(key, fact.state);
        let is_call_id = match fact.source {
            Source::Told => false,
            // A phone may know of a call without knowing that (RFC 3261 §25.1).
            Source::Phone(_) => !fact.id.contains(' '),
        };
        if is_call_id {
            call.names.call_id = Text::copied(fact.id).unwrap_or_default();
        }
        Local {
            presentity,
            source: fact.source,
            ends: Instant::ZERO,
            call,
        }
    }

    fn take(&mut self, fact: &Fact<'_>) {
        let call = &mut self.call;
        (call.state, call.is_held, call.ending) = (fact.state, fact.is_held, fact.ending);
        call.direction = fact.direction.or(call.direction);
        if let Some(peer) = fact.peer {
            call.party = Party::named(fact.display, peer);
        }
    }
}
