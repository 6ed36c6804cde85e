//! Any bytes as what happens to an agent: datagrams of a grammar that knows its dialogs and tags, answers right and
//! wrong, buttons, time, other settings, connections, restarts with the store. Whatever happens:
//!
//! - it comes to rest, and waits for nothing that has passed;
//! - what it sends can be parsed, and frames as one message;
//! - nothing goes to a host that neither was configured nor sent anything, nor was named by a server of ours;
//! - after silent hours nobody is served, registered or published for, and no lamp says that it knows;
//! - told to stop, it takes its leave.

mod desk;
mod grammar;
mod settings;

use desk::Desk;
pub(crate) use desk::run_for;
use grammar::{Bytes, PEERS};
use lampfield::wire::doc::pidf::Activities;
use lampfield::{
    Agent, Decided, Decree, Duration, Input, Instant, Moment, Seconds, Settings, Text, Wall, Whom,
};

/// What happens in one run, at most.
const DEEDS: usize = 200;

/// How long all is silent at the end: the longest lifetime that is granted or asked for here, and some more.
const SILENCE: Seconds = Seconds(2 * 3_600);

pub(crate) fn run(bytes: &[u8]) {
    let mut bytes = Bytes(bytes);
    let mut desk = Desk::start(settings::drawn(&mut bytes));
    // Hours take longer than all that goes before them.
    let is_long = bytes.byte() & 3 == 0;
    for _ in 0..DEEDS {
        if bytes.is_empty() {
            break;
        }
        happen(&mut desk, &mut bytes);
        desk.settle();
    }
    if is_long {
        desk.fall_silent(SILENCE);
    }
    desk.stop();
}

/// An agent that has started by the usual settings.
pub(crate) fn desk() -> (Box<Agent>, Moment) {
    restart(&settings::drawn(&mut Bytes(&[])))
}

/// A fresh agent that has started.
pub(crate) fn restart(settings: &Settings) -> (Box<Agent>, Moment) {
    let moment = Moment {
        now: Instant::from_millis(1_000_000),
        wall: Wall::from_unix_millis(1_790_000_000_000),
    };
    let mut agent = Box::new(const { Agent::new() });
    agent.start(moment, settings, [1, 2], &[grammar::LOCAL.into()]);
    (agent, moment)
}

/// The next thing that happens.
fn happen(desk: &mut Desk, bytes: &mut Bytes<'_>) {
    match bytes.byte() % 32 {
        0..6 => {
            let (peer, text) = desk.request("SUBSCRIBE", bytes);
            desk.receive(peer, text.as_bytes());
        }
        6..9 => {
            let (peer, text) = desk.request("PUBLISH", bytes);
            desk.receive(peer, text.as_bytes());
        }
        9..11 => {
            let (peer, text) = desk.request("REGISTER", bytes);
            desk.receive(peer, text.as_bytes());
        }
        11..15 => {
            let (peer, text) = desk.request("NOTIFY", bytes);
            desk.receive(peer, text.as_bytes());
        }
        15 => {
            let method = bytes.pick(&["OPTIONS", "CANCEL", "ACK", "INVITE", "MESSAGE", "LAMP"]);
            let (peer, text) = desk.request(method, bytes);
            desk.receive(peer, text.as_bytes());
        }
        16..21 => {
            if let Some((peer, text)) = desk.answer(bytes) {
                desk.receive(peer, text.as_bytes());
            }
        }
        21 => {
            let peer = bytes.pick(&PEERS);
            let raw = bytes.take();
            desk.receive(peer, raw);
        }
        22 => desk.repeat(bytes),
        23..26 => desk.pass(draw_time(bytes)),
        26 => operate(desk, bytes),
        27 => desk.reconfigure(settings::drawn(bytes)),
        28 => trouble(desk, bytes),
        29 => desk.resolve(bytes),
        30 => decide(desk, bytes),
        _ => match bytes.byte() % 3 {
            0 => desk.restart(),
            1 => desk.step_wall(bytes),
            _ => desk.pass(Duration::from_secs(32)),
        },
    }
}

fn draw_time(bytes: &mut Bytes<'_>) -> Duration {
    let number = u64::from(bytes.byte());
    match number & 3 {
        0 => Duration::from_millis(number),
        1 => Duration::from_millis(100 * number),
        2 => Duration::from_secs(number),
        _ => Duration::from_secs(30 * number),
    }
}

/// Buttons and sensors.
fn operate(desk: &mut Desk, bytes: &mut Bytes<'_>) {
    let (kind, on) = (bytes.byte(), bytes.byte() & 1 == 0);
    let presentity = usize::from(kind >> 6);
    let input = match kind % 8 {
        0 => Input::Hook(on),
        1 => Input::Dnd(on),
        2 => Input::Idle(on),
        3 => Input::Activity(Activities::MEETING),
        4 => Input::Note(Text::copied("back at <three> & later").expect("short")),
        5 => Input::Clear,
        button => {
            let moment = desk.moment();
            let button = usize::from(button - 5) % 4;
            return desk.agent.handle_button(moment, button, on);
        }
    };
    let moment = desk.moment();
    desk.agent.handle_input(moment, presentity, input);
}

/// What the network says of peers and connections.
fn trouble(desk: &mut Desk, bytes: &mut Bytes<'_>) {
    let peer = bytes.pick(&PEERS);
    let moment = desk.moment();
    match bytes.byte() % 5 {
        0 => {
            let quoted = desk.seen.last_request().as_bytes();
            desk.agent.handle_unreachable(moment, peer.remote, quoted);
        }
        1 => desk.connect(),
        2 => desk.disconnect(bytes),
        3 => desk.agent.handle_pong(&peer),
        _ => desk.agent.handle_panel(moment, bytes.byte() & 1 == 0),
    }
}

/// The owner decides about strangers.
fn decide(desk: &mut Desk, bytes: &mut Bytes<'_>) {
    let what = bytes.pick(&[
        Decided::Allow,
        Decided::Block,
        Decided::PoliteBlock,
        Decided::Nothing,
    ]);
    let (moment, decree) = (desk.moment(), Decree::plain(what));
    match bytes.byte() % 3 {
        0 => drop(desk.agent.approve_waiting(usize::from(bytes.byte() & 1))),
        1 => {
            let whom = Whom::At(bytes.pick(&PEERS).remote.ip());
            let _ = desk.agent.decide(moment, whom, decree);
        }
        _ => {
            let whom = Whom::Named(b"sip:phone@198.51.100.7");
            let _ = desk.agent.decide(moment, whom, decree);
        }
    }
}
