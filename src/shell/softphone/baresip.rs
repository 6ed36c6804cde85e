//! What baresip's `ctrl_tcp` module says of its calls: events, and a list of them for people.
//!
//! The list alone says whether a call is on hold (baresip 1.0 has no event for that), and which calls there were before
//! we came. It names no Call-ID, so its lines are matched by the other end.

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
    class: String,
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
        if message.class != "call" {
            return Heard::Nothing;
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
        let known = self.all.iter().position(|it| it.id == message.id);
        let state = match message.r#type.as_str() {
            "CALL_INCOMING" | "CALL_RINGING" | "CALL_PROGRESS" => State::Early,
            "CALL_ESTABLISHED" => State::Confirmed,
            "CALL_CLOSED" => State::Terminated,
            // The first offer of a call that we make; any other may put it on hold.
            "CALL_OUTGOING" | "CALL_LOCAL_SDP" if known.is_none() => State::Trying,
            "CALL_LOCAL_SDP" | "CALL_HOLD" | "CALL_RESUME" => return Heard::Ask,
            _ => return Heard::Nothing,
        };
        if state == State::Terminated {
            self.close(message, known, each);
            return Heard::Nothing;
        }
        if message.id.is_empty() || (state == State::Trying && message.direction != OUTGOING) {
            return Heard::Nothing;
        }
        self.enter(
            &Call {
                id: message.id.clone(),
                state,
                is_held: false,
                direction: direction(&message.direction),
                peer: message.peeruri.clone(),
                display: message.peerdisplayname.clone(),
            },
            each,
        );
        Heard::Nothing
    }

    fn close(&mut self, message: &Message, known: Option<usize>, each: &mut dyn FnMut(&Call)) {
        let listed = listed(&message.peeruri);
        let at = known.or_else(|| self.all.iter().position(|it| it.id == listed));
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
                let mut call = self.all.remove(at);
                call.state = State::Terminated;
                each(&call);
                continue;
            };
            let line = lines.remove(line);
            let call = &mut self.all[at];
            let before = (call.state, call.is_held);
            let state = state(line).unwrap_or(call.state);
            (call.state, call.is_held) = (state, line.contains("(on hold)"));
            if (call.state, call.is_held) != before {
                each(&self.all[at].clone());
            }
        }
        for line in lines {
            if let Some(state) = state(line) {
                self.enter(
                    &Call {
                        id: listed(peer(line)),
                        state,
                        is_held: line.contains("(on hold)"),
                        direction: line.contains("INCOMING").then_some(Direction::Recipient),
                        peer: peer(line).to_string(),
                        display: String::new(),
                    },
                    each,
                );
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

/// How far a call is by a line of the list; `None` if it is over.
fn state(line: &str) -> Option<State> {
    let words = [
        ("ESTABLISHED", State::Confirmed),
        ("INCOMING", State::Early),
        ("RINGING", State::Early),
        ("EARLY", State::Early),
        ("OUTGOING", State::Trying),
    ];
    let found = words.into_iter().find(|(word, _)| line.contains(word));
    found.map(|(_, state)| state)
}

fn direction(word: &str) -> Option<Direction> {
    match word {
        "incoming" => Some(Direction::Recipient),
        OUTGOING => Some(Direction::Initiator),
        _ => None,
    }
}

const OUTGOING: &str = "outgoing";

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

    #[test]
    fn an_outgoing_call_is_tried_first() {
        let mut calls = Calls::default();
        for (kind, state) in [
            ("CALL_LOCAL_SDP", State::Trying),
            ("CALL_RINGING", State::Early),
            ("CALL_ESTABLISHED", State::Confirmed),
        ] {
            tells(&mut calls, &event(kind, "outgoing", "c1"), "c1", state);
        }
        let offer = event("CALL_LOCAL_SDP", "incoming", "c2");
        assert_eq!(told(&mut calls, &offer), (Vec::new(), Heard::Nothing));
    }

    #[test]
    fn the_list_says_what_is_held() {
        let mut calls = Calls::default();
        told(&mut calls, &event("CALL_ESTABLISHED", "incoming", "c1"));
        let offer = told(&mut calls, &event("CALL_LOCAL_SDP", "incoming", "c1"));
        assert_eq!(offer, (Vec::new(), Heard::Ask));
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
