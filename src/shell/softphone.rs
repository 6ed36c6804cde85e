//! The phone on the same device: a connection to its control socket, on which it tells of its calls, and is told to make
//! them.
//!
//! ```text
//!   Waiting ──time──► Connecting ──► Listening ──the connection ends──► Waiting, for a second
//!      ▲                  │ refused: its calls are gone
//!      └──── 5 s, 10 … ───┘
//! ```
//!
//! baresip lets one in at a time: whoever connects after us takes our place, and we come back a second later. Until that
//! is tried its calls stay as they were. An order that finds no connection waits for the next try, which comes at once.

mod baresip;
mod hub;
mod netstring;
mod order;

pub use order::Order;

use std::format;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::string::String;
use std::vec::Vec;

use log::{info, warn};

use self::baresip::{Calls, Heard, LIST};
use self::netstring::Netstrings;
use super::net::streams::{connect, outcome};
use super::poller::{Registry, Source};
use crate::engine::config::SoftphoneSettings;
use crate::ground::time::{Duration, Instant, Seconds};
use crate::users::compose::{Fact, Source as Teller};

/// The phones of the settings.
pub struct Softphones {
    registry: Registry,
    all: Vec<Softphone>,
}

/// What a phone says.
#[derive(Clone, Copy, Debug)]
pub enum Said<'a> {
    /// Something of a call of the presentity with that number.
    Call(usize, Fact<'a>),
    /// It is not heard any more: all its calls are gone.
    Gone(Teller),
}

struct Softphone {
    number: u8,
    settings: SoftphoneSettings,
    state: State,
    stream: Netstrings,
    calls: Calls,
    /// How long to wait after the next failure.
    wait: Duration,
    /// Whether the log says that it can't be heard.
    is_missed: bool,
    /// What it is to be told once there is a connection: the last press counts.
    order: Option<String>,
    /// How the last order failed, if it did.
    failing: Option<String>,
}

enum State {
    Waiting(Instant),
    Connecting(TcpStream),
    Listening(TcpStream),
}

impl Softphones {
    /// None yet; their connections are reported to `registry`.
    pub fn new(registry: Registry) -> Softphones {
        Softphones {
            registry,
            all: Vec::new(),
        }
    }

    /// The phones are these now. Those that were there and are no more, or have another number, are told to be gone.
    pub fn configure(
        &mut self,
        now: Instant,
        settings: &[SoftphoneSettings],
        tell: &mut dyn FnMut(Said<'_>),
    ) {
        let same = self
            .all
            .iter()
            .map(|it| it.settings)
            .eq(settings.iter().copied());
        if same {
            return;
        }
        for phone in self.all.drain(..) {
            tell(Said::Gone(phone.teller()));
        }
        let all = (0..).zip(settings);
        self.all = all
            .map(|(number, it)| Softphone::new(now, number, *it))
            .collect();
    }

    /// The connection of the phone with that number has something to read, or is there.
    pub fn handle_ready(&mut self, now: Instant, number: u8, tell: &mut dyn FnMut(Said<'_>)) {
        if let Some(phone) = self.all.get_mut(usize::from(number)) {
            phone.handle_ready(now, &self.registry, tell);
        }
    }

    /// Tells the phone at that address what to do. What becomes of it, the log says.
    pub fn order(
        &mut self,
        now: Instant,
        at: SocketAddr,
        order: Order<'_>,
        tell: &mut dyn FnMut(Said<'_>),
    ) {
        let phone = self.all.iter_mut().find(|it| it.settings.baresip == at);
        if let Some(phone) = phone {
            phone.order = Some(order::netstring(order));
            match phone.state {
                State::Waiting(_) => phone.begin(now, &self.registry, tell),
                State::Connecting(_) => {}
                State::Listening(_) => {
                    if phone.give().is_err() {
                        phone.begin(now, &self.registry, tell);
                    }
                }
            }
        }
    }

    /// It may be time to connect again.
    pub fn handle_timeout(&mut self, now: Instant, tell: &mut dyn FnMut(Said<'_>)) {
        for phone in &mut self.all {
            match phone.state {
                State::Waiting(until) if until <= now => phone.begin(now, &self.registry, tell),
                State::Waiting(_) | State::Connecting(_) | State::Listening(_) => {}
            }
        }
    }

    /// When [`Softphones::handle_timeout`] has something to do.
    pub fn deadline(&self) -> Option<Instant> {
        let due = self.all.iter().filter_map(|it| match it.state {
            State::Waiting(until) => Some(until),
            State::Connecting(_) | State::Listening(_) => None,
        });
        due.min()
    }
}

impl Softphone {
    fn new(now: Instant, number: u8, settings: SoftphoneSettings) -> Softphone {
        Softphone {
            number,
            settings,
            state: State::Waiting(now),
            stream: Netstrings::new(),
            calls: Calls::default(),
            wait: FIRST,
            is_missed: false,
            order: None,
            failing: None,
        }
    }

    fn teller(&self) -> Teller {
        Teller::Phone(self.number)
    }

    fn begin(&mut self, now: Instant, registry: &Registry, tell: &mut dyn FnMut(Said<'_>)) {
        let source = Source::Softphone(self.number);
        let begun = connect(self.settings.baresip, None)
            .and_then(|tcp| registry.add_both(&tcp, source).map(|()| tcp));
        match begun {
            Ok(tcp) => self.state = State::Connecting(tcp),
            Err(error) => self.miss(now, &error, tell),
        }
    }

    fn handle_ready(&mut self, now: Instant, registry: &Registry, tell: &mut dyn FnMut(Said<'_>)) {
        let listened = match &self.state {
            State::Waiting(_) => return,
            State::Connecting(tcp) => match outcome(tcp) {
                None => return,
                Some(Ok(())) => self.listen(registry),
                Some(Err(error)) => return self.miss(now, &error, tell),
            },
            State::Listening(_) => self.hear(tell),
        };
        if listened.is_err() {
            // Somebody else may have connected. That is found out soon, and till then nothing is known to be over.
            self.state = State::Waiting(now + SOON);
        }
    }

    /// The connection is there: asks for the calls of before.
    fn listen(&mut self, registry: &Registry) -> io::Result<()> {
        let State::Connecting(tcp) =
            std::mem::replace(&mut self.state, State::Waiting(Instant::ZERO))
        else {
            return Ok(());
        };
        registry.change(&tcp, Source::Softphone(self.number), true, false)?;
        self.stream.clear();
        self.state = State::Listening(tcp);
        self.wait = FIRST;
        self.is_missed = false;
        info!("hears the calls of the phone at {}", self.settings.baresip);
        self.ask()?;
        self.give()
    }

    /// Gives the order that waits, if one does.
    fn give(&mut self) -> io::Result<()> {
        let State::Listening(tcp) = &mut self.state else {
            return Ok(());
        };
        if let Some(order) = &self.order {
            tcp.write_all(order.as_bytes())?;
            self.order = None;
        }
        Ok(())
    }

    fn ask(&mut self) -> io::Result<()> {
        let State::Listening(tcp) = &mut self.state else {
            return Ok(());
        };
        // So few bytes fit; should they not, it has stopped reading.
        tcp.write_all(order::framed(LIST).as_bytes())
    }

    /// Reads what has come, one buffer full; the poller reminds us of the rest.
    fn hear(&mut self, tell: &mut dyn FnMut(Said<'_>)) -> io::Result<()> {
        let State::Listening(tcp) = &mut self.state else {
            return Ok(());
        };
        match self.stream.fill(|room| tcp.read(room)) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(_) => {}
            Err(error) if is_passing(&error) => return Ok(()),
            Err(error) => return Err(error),
        }
        let (presentity, teller) = (usize::from(self.settings.presentity), self.teller());
        let (mut asks, mut done) = (false, None);
        let garbled = |_| io::Error::from(ErrorKind::InvalidData);
        while let Some(message) = self.stream.next().map_err(garbled)? {
            let heard = self.calls.take(message, &mut |call| {
                tell(Said::Call(presentity, fact(teller, call)));
            });
            match heard {
                Heard::Nothing => {}
                Heard::Ask => asks = true,
                Heard::Done(refusal) => done = Some(refusal),
            }
        }
        if let Some(refusal) = done {
            self.note(refusal.map(|why| format!("it refuses: {why}")));
        }
        if asks { self.ask() } else { Ok(()) }
    }

    /// A line in the log when orders fail, fail otherwise, or work again.
    fn note(&mut self, failure: Option<String>) {
        if failure == self.failing {
            return;
        }
        let at = self.settings.baresip;
        match &failure {
            Some(why) => warn!(
                "baresip at {at} makes no call: {why}; remedy: start it with the modules menu.so and ctrl_tcp.so, and \
                 ctrl_tcp_listen {at} in its config"
            ),
            None => info!("baresip at {at} does what it is told again"),
        }
        self.failing = failure;
    }

    /// It is not there: nor are its calls.
    fn miss(&mut self, now: Instant, error: &io::Error, tell: &mut dyn FnMut(Said<'_>)) {
        self.state = State::Waiting(now + self.wait);
        self.wait = (self.wait * 2).min(LAST);
        self.calls.clear();
        tell(Said::Gone(self.teller()));
        if self.order.take().is_some() {
            self.note(Some(format!("{error}")));
        }
        if !std::mem::replace(&mut self.is_missed, true) {
            let at = self.settings.baresip;
            warn!("does not hear the calls of the phone at {at}: {error}");
        }
    }
}

fn fact(source: Teller, call: &baresip::Call) -> Fact<'_> {
    Fact {
        source,
        id: &call.id,
        state: call.state,
        is_held: call.is_held,
        direction: call.direction,
        ending: None,
        peer: Some(&call.peer),
        display: &call.display,
        lasts: DAY,
    }
}

fn is_passing(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

/// Before a connection that has ended is made again.
const SOON: Duration = Duration::from_secs(1);

const FIRST: Duration = Duration::from_secs(5);
const LAST: Duration = Duration::from_secs(60);

/// The phone says when a call is over, and its connection that it says nothing any more.
const DAY: Seconds = Seconds(86_400);

#[cfg(test)]
mod tests;
