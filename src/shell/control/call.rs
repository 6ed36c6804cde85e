//! A call that is told at the control socket: by a script, or whoever types.
//!
//! Nobody knows whether a script is still alive. So what it tells ends by itself, sooner where it rings; a call that goes
//! on for longer is told again, or with the time that it may take.

use std::format;
use std::string::String;

use crate::events::party::ADDRESS;
use crate::ground::time::Seconds;
use crate::shell::document::has_password;
use crate::users::compose::{Fact, Source};
use crate::wire::doc::dialog_info::{Direction, State};
use crate::wire::sip::Uri;

/// The words for how far a call is.
pub const STATES: [&str; 4] = ["ringing", "talking", "held", "none"];

/// A call as it is told.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// How far it is: one of [`STATES`].
    pub state: String,
    /// Its name, where one was given.
    pub id: Option<String>,
    /// The URI of the other end.
    pub peer: Option<String>,
    /// `in` or `out`.
    pub direction: Option<String>,
    /// For how many seconds that holds.
    pub lasts: Option<String>,
}

/// Whether what is called `name` can be `value`, or else what it can be.
///
/// # Errors
/// What it can be, in words.
pub fn check(name: &str, value: &str) -> Result<(), &'static str> {
    let (is_good, wanted) = match name {
        "peer" => (
            is_peer(value),
            "sip:name@host or tel:number, at most 96 bytes",
        ),
        "direction" => (direction(value).is_some(), "in or out"),
        "for" => (seconds(value).is_some(), "seconds from 1 to 86400"),
        _ => (
            value.len() <= LONGEST_ID && !value.contains(char::is_control),
            "a name of at most 64 bytes",
        ),
    };
    match is_good {
        true => Ok(()),
        false => Err(wanted),
    }
}

impl Told {
    /// One that is so far, with what is `given` besides under each name.
    pub fn new(state: &str, given: impl Fn(&str) -> Option<String>) -> Told {
        Told {
            state: String::from(state),
            id: given("id"),
            peer: given("peer"),
            direction: given("direction"),
            lasts: given("for"),
        }
    }

    /// What it says; `None` if all calls that were told here are over.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn fact(&self) -> Result<Option<Fact<'_>>, String> {
        let given = [
            ("peer", &self.peer),
            ("direction", &self.direction),
            ("for", &self.lasts),
            ("id", &self.id),
        ];
        for (name, value) in given {
            if let Some(value) = value {
                check(name, value).map_err(|wanted| format!("{name}: write {wanted}"))?;
            }
        }
        let (state, lasts) = match self.state.as_str() {
            "ringing" => (State::Early, RINGS),
            "talking" | "held" => (State::Confirmed, LASTS),
            "none" if self.id.is_none() => return Ok(None),
            "none" => (State::Terminated, RINGS),
            _ => return Err(format!("call: the value is one of: {}", STATES.join(", "))),
        };
        let given = self.direction.as_deref().and_then(direction);
        let lasts = self.lasts.as_deref().and_then(seconds).unwrap_or(lasts);
        Ok(Some(Fact {
            source: Source::Told,
            id: self.id.as_deref().unwrap_or_default(),
            state,
            is_held: self.state == "held",
            // What rings and says no more is being called.
            direction: match state {
                State::Early => given.or(Some(Direction::Recipient)),
                _ => given,
            },
            ending: None,
            peer: self.peer.as_deref(),
            display: "",
            lasts,
        }))
    }
}

fn direction(word: &str) -> Option<Direction> {
    match word {
        "in" => Some(Direction::Recipient),
        "out" => Some(Direction::Initiator),
        _ => None,
    }
}

fn seconds(word: &str) -> Option<Seconds> {
    let seconds = word.parse().ok().filter(|it| (1..=86_400).contains(it));
    seconds.map(Seconds)
}

fn is_peer(text: &str) -> bool {
    let is_uri = match Uri::parse(text.as_bytes()) {
        Ok(Uri::Sip(_) | Uri::Tel(_) | Uri::Pres(_)) => true,
        Ok(Uri::Other { .. }) | Err(_) => false,
    };
    let is_plain = text.bytes().all(|it| it.is_ascii_graphic()) && !has_password(text);
    is_uri && is_plain && text.len() <= ADDRESS
}

const LONGEST_ID: usize = 64;

/// No phone rings for longer.
const RINGS: Seconds = Seconds(180);

/// Few calls last longer.
const LASTS: Seconds = Seconds(4 * 3_600);

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    fn told(state: &str) -> Told {
        Told {
            state: state.to_string(),
            ..Told::default()
        }
    }

    #[test]
    fn a_call_is_told_in_a_word() {
        for (word, state, is_held, lasts) in [
            ("ringing", State::Early, false, RINGS),
            ("talking", State::Confirmed, false, LASTS),
            ("held", State::Confirmed, true, LASTS),
        ] {
            let told = told(word);
            let fact = told.fact().expect("good").expect("a call");
            assert_eq!(
                (fact.state, fact.is_held, fact.lasts),
                (state, is_held, lasts)
            );
            let rings = state == State::Early;
            assert_eq!(fact.direction.is_some(), rings, "{word}");
        }
        assert!(told("none").fact().expect("good").is_none());
        let one = Told {
            id: Some("a".to_string()),
            ..told("none")
        };
        let fact = one.fact().expect("good").expect("a call");
        assert_eq!((fact.id, fact.state), ("a", State::Terminated));
        assert!(told("busy").fact().is_err());
    }

    #[test]
    fn what_is_said_of_it_is_checked() {
        for (name, value, is_good) in [
            ("peer", "sip:bob@b", true),
            ("peer", "tel:+4930123", true),
            ("peer", "bob", false),
            ("peer", "sip:bob:secret@b", false),
            ("direction", "in", true),
            ("direction", "inwards", false),
            ("for", "86400", true),
            ("for", "86401", false),
            ("for", "-1", false),
            ("id", "line 2", true),
            ("id", "a\nb", false),
        ] {
            assert_eq!(check(name, value).is_ok(), is_good, "{name} {value}");
        }
        let long = "x".repeat(ADDRESS);
        assert!(check("peer", &format!("sip:{long}@b")).is_err());
    }
}
