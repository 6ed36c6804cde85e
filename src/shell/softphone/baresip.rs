//! What baresip's `ctrl_tcp` module says of its calls: events, and a list of them for people.
//!
//! The list alone says whether a call is on hold, that one is being made (baresip 1.0 has no events for these, but one for
//! each offer that comes and each answer to ours), and which calls there were before we came. It names no Call-ID, so its lines are matched by the other end.

use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

use serde::Deserialize;

use crate::ground::limits::CALLS;
use crate::wire::doc::dialog_info::{Direction, State};

/// The calls of one baresip.
#[derive(Debug, Default)]
pub(super) struct Calls {
    all: Vec<Call>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Call {
    /// Its Call-ID; of one that only the list has told of, something else.
    pub(super) id: String,
    /// Its Call-ID, where that became known later.
    late: String,
    pub(super) state: State,
    pub(super) is_held: bool,
    pub(super) direction: Option<Direction>,
    pub(super) peer: String,
    pub(super) display: String,
}

/// A message of the module.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Message {
    response: bool,
    ok: bool,
    data: String,
    r#type: String,
    direction: String,
    peeruri: String,
    peerdisplayname: String,
    id: String,
}

/// What comes of a message.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// Nothing.
    Nothing,
    /// The list has to be asked for.
    Ask,
    /// An order was carried out, or else why not.
    Done(Option<String>),
}

/// Asks for the list.
pub(super) const LIST: &str = r#"{"command":"listcalls"}"#;

impl Calls {
    /// Takes in a message, and shows each call of which something is another now.
    pub(super) fn take(&mut self, message: &[u8], each: &mut dyn FnMut(&Call)) -> Heard {
        // Statistics come every few seconds, and say nothing of a call.
        if memchr::memmem::find(message, b"CALL_RTCP").is_some() {
            return Heard::Nothing;
        }
        let Ok(message) = serde_json::from_slice::<Message>(message) else {
            return Heard::Nothing;
        };
        if message.response {
            return self.answer(&message, each);
        }
        self.event(&message, each)
    }

    /// The list, or what became of an order.
    fn answer(&mut self, message: &Message, each: &mut dyn FnMut(&Call)) -> Heard {
        if message.data.contains("ctive calls") {
            self.list(&message.data, each);
            return Heard::Nothing;
        }
        let why = message.data.trim();
        Heard::Done((!message.ok).then(|| why.to_string()))
    }

    /// All are over, as far as anybody knows.
    pub(super) fn clear(&mut self) {
        self.all.clear();
    }

    fn event(&mut self, message: &Message, each: &mut dyn FnMut(&Call)) -> Heard {
        let known = self.find(message);
        let state = match message.r#type.as_str() {
            "CALL_INCOMING" | "CALL_RINGING" | "CALL_PROGRESS" => State::Early,
            "CALL_ESTABLISHED" => State::Confirmed,
            "CALL_CLOSED" => {
                self.close(known, each);
                return Heard::Nothing;
            }
            "CALL_LOCAL_SDP" | "CALL_REMOTE_SDP" | "CALL_HOLD" | "CALL_RESUME" => {
                return Heard::Ask;
            }
            _ => return Heard::Nothing,
        };
        if message.id.is_empty() {
            return Heard::Nothing;
        }
        let mut call = Call {
            id: message.id.clone(),
            late: String::new(),
            state,
            is_held: false,
            direction: direction(&message.direction),
            peer: message.peeruri.clone(),
            display: message.peerdisplayname.clone(),
        };
        if let Some(known) = known.map(|at| &self.all[at])
            && known.id != message.id
        {
            call.id.clone_from(&known.id);
            call.late.clone_from(&message.id);
        }
        self.enter(&call, each);
        Heard::Nothing
    }

    /// The call that an event is about: the one of that Call-ID, or else one with that peer of which none is known.
    fn find(&self, message: &Message) -> Option<usize> {
        let is_it = |it: &Call| !message.id.is_empty() && [&it.id, &it.late].contains(&&message.id);
        let listed = listed(&message.peeruri);
        let may_be = |it: &Call| it.id == listed && it.late.is_empty();
        let mut all = self.all.iter();
        let known = all.position(is_it);
        known.or_else(|| self.all.iter().position(may_be))
    }

    fn close(&mut self, at: Option<usize>, each: &mut dyn FnMut(&Call)) {
        if let Some(at) = at {
            let mut call = self.all.remove(at);
            call.state = State::Terminated;
            each(&call);
        }
    }

    fn enter(&mut self, call: &Call, each: &mut dyn FnMut(&Call)) {
        match self.all.iter().position(|it| it.id == call.id) {
            Some(at) if self.all[at] == *call => return,
            Some(at) => self.all[at] = call.clone(),
            None if self.all.len() < CALLS => self.all.push(call.clone()),
            // The agent tells of no more.
            None => return,
        }
        each(call);
    }

    /// The list as `listcalls` prints it: `> [line 1]  0:00:05  ESTABLISHED  (on hold)  sip:bob@host` for each.
    fn list(&mut self, text: &str, each: &mut dyn FnMut(&Call)) {
        let mut lines: Vec<&str> = text.lines().filter(|it| it.contains("[line ")).collect();
        for at in (0..self.all.len()).rev() {
            let peer = |line: &&str| peer(line) == self.all[at].peer;
            let Some(line) = lines.iter().position(peer) else {
                self.close(Some(at), each);
                continue;
            };
            let line = lines.remove(line);
            let call = &mut self.all[at];
            let before = (call.state, call.is_held);
            let state = progress(line).map_or(call.state, |(state, _)| state);
            (call.state, call.is_held) = (state, line.contains("(on hold)"));
            if (call.state, call.is_held) != before {
                each(&self.all[at].clone());
            }
        }
        for line in lines {
            if let Some((state, direction)) = progress(line) {
                let call = Call {
                    id: listed(peer(line)),
                    late: String::new(),
                    state,
                    is_held: line.contains("(on hold)"),
                    direction,
                    peer: peer(line).to_string(),
                    display: String::new(),
                };
                self.enter(&call, each);
            }
        }
    }
}

/// What a call is known by of which no event has told.
fn listed(peer: &str) -> String {
    format!("listed {peer}")
}

fn peer(line: &str) -> &str {
    line.split_whitespace().last().unwrap_or_default()
}

/// How far a call is by a line of the list, and who called where that is to be seen; `None` if it is over.
fn progress(line: &str) -> Option<(State, Option<Direction>)> {
    let (caller, called) = (Some(Direction::Initiator), Some(Direction::Recipient));
    let words = [
        ("ESTABLISHED", State::Confirmed, None),
        ("INCOMING", State::Early, called),
        ("RINGING", State::Early, caller),
        ("EARLY", State::Early, caller),
        ("OUTGOING", State::Trying, caller),
    ];
    let found = words.into_iter().find(|(word, ..)| line.contains(word));
    found.map(|(_, state, direction)| (state, direction))
}

fn direction(word: &str) -> Option<Direction> {
    match word {
        "incoming" => Some(Direction::Recipient),
        "outgoing" => Some(Direction::Initiator),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An event as baresip 1.0 sends it.
    fn event(kind: &str, direction: &str, id: &str) -> String {
        format!(
            "{{\"event\":true,\"type\":\"{kind}\",\"class\":\"call\",\"accountaor\":\"sip:desk@127.0.0.1\",\
             \"direction\":\"{direction}\",\"peeruri\":\"sip:{id}@127.0.0.1\",\"id\":\"{id}\",\"param\":\"x\"}}"
        )
    }

    fn list(lines: &str) -> String {
        let data = format!("\\n--- Active calls (1) ---\\n{lines}\\n");
        format!("{{\"response\":true,\"ok\":true,\"data\":\"{data}\"}}")
    }

    /// What is told because of a message: id, state, on hold.
    fn told(calls: &mut Calls, message: &str) -> (Vec<(String, State, bool)>, Heard) {
        let mut all = Vec::new();
        let heard = calls.take(message.as_bytes(), &mut |it| {
            all.push((it.id.clone(), it.state, it.is_held));
        });
        (all, heard)
    }

    #[track_caller]
    fn tells(calls: &mut Calls, message: &str, id: &str, state: State) {
        let (all, heard) = told(calls, message);
        assert_eq!(all, [(id.to_string(), state, false)]);
        assert_eq!(heard, Heard::Nothing);
    }

    #[test]
    fn an_incoming_call_rings_talks_and_ends() {
        let mut calls = Calls::default();
        for (kind, state) in [
            ("CALL_INCOMING", State::Early),
            ("CALL_ESTABLISHED", State::Confirmed),
            ("CALL_CLOSED", State::Terminated),
        ] {
            tells(&mut calls, &event(kind, "incoming", "c1"), "c1", state);
        }
        let again = told(&mut calls, &event("CALL_CLOSED", "incoming", "c1"));
        assert_eq!(again, (Vec::new(), Heard::Nothing));
    }

    /// The first offer has no Call-ID; the list says what comes of it.
    #[test]
    fn an_outgoing_call_is_one_from_the_first_offer_on() {
        let mut calls = Calls::default();
        let offer = event("CALL_LOCAL_SDP", "outgoing", "c1").replace(",\"id\":\"c1\"", "");
        assert_eq!(told(&mut calls, &offer), (Vec::new(), Heard::Ask));
        let id = "listed sip:c1@127.0.0.1";
        let made = list("> [line 1]  0:00:00   OUTGOING             sip:c1@127.0.0.1");
        tells(&mut calls, &made, id, State::Trying);
        for (kind, state) in [
            ("CALL_RINGING", State::Early),
            ("CALL_ESTABLISHED", State::Confirmed),
            ("CALL_CLOSED", State::Terminated),
        ] {
            tells(&mut calls, &event(kind, "outgoing", "c1"), id, state);
        }
    }

    #[test]
    fn the_list_says_what_is_held() {
        let mut calls = Calls::default();
        told(&mut calls, &event("CALL_ESTABLISHED", "incoming", "c1"));
        // Hold is offered anew, and all that is told of it is that the answer came.
        for kind in ["CALL_LOCAL_SDP", "CALL_REMOTE_SDP"] {
            let heard = told(&mut calls, &event(kind, "incoming", "c1"));
            assert_eq!(heard, (Vec::new(), Heard::Ask), "{kind}");
        }
        let held = list("> [line 1]  0:00:05  ESTABLISHED  (on hold)  sip:c1@127.0.0.1");
        let expected = ("c1".to_string(), State::Confirmed, true);
        assert_eq!(told(&mut calls, &held).0, [expected]);
        let back = list("> [line 1]  0:00:09  ESTABLISHED             sip:c1@127.0.0.1");
        tells(&mut calls, &back, "c1", State::Confirmed);
        tells(&mut calls, &list(""), "c1", State::Terminated);
    }

    #[test]
    fn a_call_of_before_is_known_by_the_list() {
        let mut calls = Calls::default();
        let line = list("  [line 1]  0:00:05  ESTABLISHED             sip:c1@127.0.0.1");
        let id = "listed sip:c1@127.0.0.1";
        tells(&mut calls, &line, id, State::Confirmed);
        assert_eq!(told(&mut calls, &line).0, []);
        let over = event("CALL_CLOSED", "incoming", "c1");
        tells(&mut calls, &over, id, State::Terminated);
    }

    #[test]
    fn nothing_else_is_heard() {
        let mut calls = Calls::default();
        for message in [
            "",
            "{}",
            "[]",
            "{\"event\":true,\"type\":\"REGISTER_OK\",\"class\":\"register\"}",
            &event("CALL_RTCP", "incoming", "c1"),
            &event("CALL_DTMF_START", "incoming", "c1"),
            &event("CALL_ESTABLISHED", "incoming", ""),
        ] {
            let heard = told(&mut calls, message);
            assert_eq!(heard, (Vec::new(), Heard::Nothing), "{message}");
        }
    }

    #[test]
    fn an_order_is_done_or_refused() {
        let mut calls = Calls::default();
        let said = |ok: bool| format!("{{\"response\":true,\"ok\":{ok},\"data\":\"no call\\n\"}}");
        let done = |why| (Vec::new(), Heard::Done(why));
        assert_eq!(told(&mut calls, &said(true)), done(None));
        let refused = done(Some("no call".to_string()));
        assert_eq!(told(&mut calls, &said(false)), refused);
    }
}
