//! The one loop. A turn: sleep until something is ready, hand it to the agent, do what the agent says.
//!
//! ```text
//!   ┌─► sleep, unless something is left to send
//!   │     read what is ready: each socket until it is empty, or PILE datagrams; answer it
//!   │     send what the agent says: until it waits, or TURN messages
//!   └───────────┘
//! ```
//!
//! So a thousand watchers who are told something are heard while they are told, and neither can a flood keep us from
//! sending nor a change keep us from reading.
//!
//! In the steady state of SIP a turn makes no heap allocation, and an isolated datagram costs three system calls:
//! the sleep, the receipt, the answer (a fourth only when the next deadline comes nearer); so does a message on a
//! stream. Nothing wakes an idle agent but its own deadlines.
//!
//! Everything runs on the caller's thread. The thread that async-io starts at the first connection to the control
//! socket runs none of our code: it rings the doorbell.

use std::boxed::Box;
use std::cell::RefCell;
use std::future::{Future, pending};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::rc::Rc;
use std::string::String;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};
use std::vec::Vec;

use log::{info, warn};
use smol::LocalExecutor;

use super::changes::Changes;
use super::clock;
use super::commands::{Commands, Runner};
use super::control::Control;
use super::control::socket::Claim;
use super::dns::{Families, Paths, Resolver};
use super::failed::Failed;
use super::hub::{Hub, Reload, TURN, note};
use super::journal::Limiter;
use super::listen::Listen;
use super::mdns::Mdns;
use super::net::SOCKETS;
use super::net::inbox::{BATCH, Inbox, Received};
use super::net::locals::{announced, depends_on_routes};
use super::net::outbox::Outbox;
use super::net::places::{Places, addresses, inside_tls};
use super::net::routes::Moves;
use super::net::streams::Streams;
use super::panel::Panel;
use super::panel::board::Board;
use super::poller::{Doorbell, Poller, Registry, Source};
use super::saving::Saving;
use super::seed::seed;
use super::service::Service;
use super::signals::{Signals, Wish};
use super::softphone::Softphones;
use super::steps::Steps;
use super::timer::Timer;
use super::tls::Tls;
use super::users::Roll;
use super::zone;
use crate::engine::agent::Agent;
use crate::engine::config::Settings;
use crate::ground::time::{Duration, Instant};

mod stop;

pub use stop::StopHandle;

/// What a runtime needs to know beside the agent's settings.
pub struct Options {
    /// What the agent is told.
    pub settings: Box<Settings>,
    /// Where SIP is spoken; port 0 takes a free one.
    pub listen: Vec<Listen>,
    /// The users there are.
    pub users: Roll,
    /// Our certificate, and whom we believe.
    pub tls: Tls,
    /// The control socket; `None` for none.
    pub control: Option<PathBuf>,
    /// The folder in which state is kept over a restart; `None` for none.
    pub state: Option<PathBuf>,
    /// What the panel is made of.
    pub board: Board,
    /// What is run for buttons and lamps.
    pub commands: Commands,
    /// What the machine knows about names; the default is right outside tests.
    pub names: Paths,
    /// The host's name under which presentities are announced on the local network; `None` for no announcement.
    pub discover: Option<String>,
    /// Takes SIGTERM, SIGINT and SIGHUP over; only for a process that is all ours.
    pub signals: bool,
    /// Reads the settings again.
    pub reload: Option<Reload>,
    /// Stops by itself after this long.
    pub lasts: Option<Duration>,
}

/// The agent at work.
pub struct Runtime {
    hub: Rc<RefCell<Hub>>,
    inbox: Inbox,
    poller: Poller,
    timer: Timer,
    signals: Option<Signals>,
    /// Only where the kernel tells.
    steps: Option<Steps>,
    /// Only where what we announce depends on them.
    moves: Option<Moves>,
    bell: Arc<Doorbell>,
    waker: Waker,
    tasks: Pin<Box<dyn Future<Output = ()>>>,
    control: Option<Control>,
    stop: StopHandle,
    service: Service,
    /// When it stops by itself.
    ends: Option<Instant>,
    state: State,
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// At work.
    Running,
    /// Taking leave of everybody, until this moment at the latest.
    Stopping(Instant),
    /// Done.
    Stopped,
}

/// How long taking leave may last.
pub const LEAVE: Duration = Duration::from_secs(3);

/// Datagrams taken from one socket before the others and the timer get their turn: about as many as the kernel keeps for
/// a socket, where nobody allowed us more.
const PILE: usize = 256;

impl Runtime {
    /// Binds everything and starts the agent, which must be fresh.
    ///
    /// # Errors
    /// What could not be had: an address, the control socket, a descriptor.
    pub fn new(agent: &'static mut Agent, options: Options) -> Result<Runtime, Failed> {
        // Before anything starts a thread.
        let signals = options.signals.then(Signals::take).transpose()?;
        let wanted = options.listen.len();
        if wanted > SOCKETS {
            let what = "addresses to listen on, at most";
            return Err(Failed(std::format!(
                "{wanted} {what} {SOCKETS} are possible"
            )));
        }
        // Both before the panel: where another agent runs, the lamps are its own.
        let claim = options.control.map(Claim::take).transpose()?;
        let places = Places::open(&options.listen)?;
        let (listeners, sockets) = (places.list(), places.sockets);
        let (poller, timer, bell) = (Poller::new()?, Timer::new()?, Doorbell::new()?);
        let registry = poller.registry();
        registry.add(&*bell, Source::Doorbell)?;
        registry.add(&timer, Source::Timer)?;
        if let Some(signals) = &signals {
            registry.add(signals, Source::Signals)?;
        }
        for (at, socket) in (0..).zip(&sockets) {
            registry.add(&socket.udp, Source::Socket(at))?;
        }
        let own = addresses(&listeners);
        let usable = families(&own);
        let moment = clock::moment();
        let now = moment.now;
        let moves = watch_addresses(&registry, &own);
        let locals = announced(&own);
        agent.set_secure_listeners(&inside_tls(&listeners));
        agent.start(moment, &options.settings, seed()?, &locals);
        agent.set_zone(moment, zone::read(moment.wall));
        // Before those who watched are taken back.
        agent.set_users(&options.users.users);
        let waker = Waker::from(bell.clone());
        let saving = match &options.state {
            Some(folder) => Saving::begin(agent, folder, seed()?[0], waker)?,
            None => None,
        };
        let mdns = Mdns::new(registry.clone(), seed()?, listeners.clone());
        let mut outbox = Outbox::new(&sockets);
        outbox.announce(&locals);
        let hub = Rc::new(RefCell::new(Hub {
            agent,
            panel: Panel::open(&options.board, &registry, now),
            changes: Changes::new(),
            started: now,
            listeners,
            locals,
            board: options.board.name,
            outbox,
            streams: Streams::new(places.listeners, options.tls, registry.clone())?,
            resolver: Resolver::new(registry.clone(), usable, options.names),
            mdns,
            softphones: Softphones::new(registry.clone()),
            discover: options.discover,
            runner: Runner::new(registry.clone(), options.commands),
            limiter: Limiter::new(),
            strangers: Limiter::new(),
            reload: options.reload,
            users: options.users.file,
            saving,
            zone_due: None,
            deadline: None,
            left: TURN,
            is_behind: false,
            unreachable: Vec::new(),
        }));
        let executor = Rc::new(LocalExecutor::new());
        let control = claim
            .map(|claim| Control::open(executor.clone(), hub.clone(), &registry, claim))
            .transpose()?;
        hub.borrow_mut().configure_phones(now);
        hub.borrow_mut().begin(now);
        // Nobody polled the tasks yet, so nothing would ring for the first of them.
        bell.wake_by_ref();
        Ok(Runtime {
            hub,
            inbox: Inbox::new(&sockets),
            poller,
            timer,
            signals,
            steps: Steps::watch(&registry),
            moves,
            waker: Waker::from(bell.clone()),
            tasks: Box::pin(async move { executor.run(pending()).await }),
            control,
            stop: StopHandle::new(bell.clone()),
            bell,
            service: Service::none(),
            ends: options.lasts.map(|lasts| now + lasts),
            state: State::Running,
        })
    }

    /// Tells the service manager that everything is bound, and from now on how it goes.
    pub fn report_to(&mut self, service: Service) {
        self.service = service;
        self.service.ready(&self.status());
    }

    /// Works until it is stopped.
    ///
    /// # Errors
    /// Only what makes sleeping impossible.
    pub fn run(&mut self) -> Result<(), Failed> {
        let mut result = Ok(());
        while result.is_ok() && self.state != State::Stopped {
            result = self.turn().map(drop);
        }
        self.hub.borrow_mut().end();
        result
    }

    /// Sleeps until something is ready and deals with it.
    ///
    /// # Errors
    /// Only what makes sleeping impossible.
    pub fn turn(&mut self) -> Result<State, Failed> {
        let rung = self.bell.take();
        if rung {
            self.hub.borrow_mut().look_at_disk(clock::now());
            self.run_tasks();
            self.obey(self.stop.take());
            self.look_whether_stopped();
        }
        let deadline = self.hub.borrow().next_deadline();
        let deadline = match self.state {
            State::Stopping(until) => Some(deadline.map_or(until, |at| at.min(until))),
            State::Running => deadline.into_iter().chain(self.ends).min(),
            State::Stopped => deadline,
        };
        let deadline = deadline.into_iter().chain(self.service.deadline()).min();
        self.timer.set(deadline)?;
        let at_once = self.state == State::Stopped || self.hub.borrow().is_behind();
        let mut now = None;
        let sources = self.poller.wait(at_once)?;
        self.hub.borrow_mut().hear_more();
        for source in sources {
            self.handle(*now.insert(clock::now()), source);
        }
        let now = now.unwrap_or_else(clock::now);
        self.hub.borrow_mut().settle(now);
        if self.service.deadline().is_some() {
            self.service.handle_timeout(clock::now());
        }
        if self.ends.take_if(|ends| clock::now() >= *ends).is_some() {
            self.obey(Some(Wish::Stop));
        }
        self.look_whether_stopped();
        Ok(self.state)
    }

    /// Stops the runtime from another thread, or from a task.
    pub fn stop_handle(&self) -> StopHandle {
        self.stop.clone()
    }

    /// Where SIP is spoken, with real ports: UDP first.
    pub fn listeners(&self) -> Vec<Listen> {
        self.hub.borrow().listeners.clone()
    }

    /// The control socket, if there is one.
    pub fn control(&self) -> Option<&Path> {
        self.control.as_ref().map(Control::path)
    }

    /// What the faces look at.
    pub fn hub(&self) -> &RefCell<Hub> {
        &self.hub
    }

    fn handle(&mut self, now: Instant, source: Source) {
        match source {
            Source::Doorbell => self.bell.handle_readable(),
            Source::Timer => {
                self.timer.handle_ring();
                self.hub.borrow_mut().handle_timeout(now);
            }
            Source::Signals => {
                while let Some(wish) = self.signals.as_ref().and_then(Signals::next) {
                    self.obey(Some(wish));
                }
            }
            Source::Dns => {
                self.hub.borrow_mut().resolver.handle_readable(now);
            }
            Source::Mdns => self.hub.borrow_mut().mdns.handle_readable(now),
            Source::Moves => {
                if let Some(moves) = &self.moves {
                    moves.drain();
                }
                self.hub.borrow_mut().look_for_addresses();
            }
            Source::Clock => {
                if let Some(steps) = &self.steps {
                    steps.handle_readable();
                }
                self.hub.borrow_mut().handle_clock();
            }
            Source::Control => {
                if let Some(control) = &mut self.control {
                    control.handle_readable();
                }
            }
            Source::Panel(which) => {
                let mut hub = self.hub.borrow_mut();
                hub.change_panel(|panel, now| panel.handle_readable(now, which));
            }
            Source::Command(at) => self.hub.borrow_mut().runner.handle_ended(at),
            Source::Softphone(at) => self.hub.borrow_mut().hear_phone(now, at),
            Source::Socket(at) => self.receive(now, usize::from(at)),
            Source::Listener(at) => {
                let hub = &mut *self.hub.borrow_mut();
                let agent = &*hub.agent;
                hub.streams
                    .accept(now, usize::from(at), |ip| agent.trusts(ip));
            }
            Source::Stream(place) => self.hub.borrow_mut().handle_stream(now, place),
        }
    }

    /// Takes what has come on a socket, within reason; the poller reminds us of the rest.
    fn receive(&mut self, now: Instant, at: usize) {
        let hub = &mut *self.hub.borrow_mut();
        for _ in 0..PILE / BATCH {
            let received = self.inbox.receive(at, |flow, bytes| {
                hub.handle_datagram(now, flow, bytes);
            });
            match received {
                Received::Datagrams(1..) => {}
                // Ready without a datagram: an error report.
                Received::Datagrams(0) | Received::Failed(_) => {
                    let failed = &mut hub.unreachable;
                    self.inbox
                        .take_errors(at, |remote, bytes| note(failed, remote, bytes));
                }
            }
            if received != Received::Datagrams(BATCH) {
                break;
            }
        }
    }

    fn run_tasks(&mut self) {
        let mut context = Context::from_waker(&self.waker);
        // It never ends: it waits for tasks for ever.
        let _ = self.tasks.as_mut().poll(&mut context);
    }

    fn obey(&mut self, wish: Option<Wish>) {
        match (wish, self.state) {
            (None, _) => {}
            (Some(Wish::Stop), State::Running) => {
                info!("stopping");
                self.service.stopping();
                self.state = State::Stopping(clock::now() + LEAVE);
                let mut hub = self.hub.borrow_mut();
                hub.mdns.take_leave(clock::now());
                hub.change(|agent, moment| {
                    agent.stop(moment.now);
                    // Lamps show at once that nobody vouches for them: there may be no other turn.
                    agent.handle_timeout(moment);
                });
            }
            (Some(Wish::Stop), State::Stopping(_) | State::Stopped) => self.state = State::Stopped,
            (Some(Wish::Reload), State::Running) => self.reload(),
            (Some(Wish::Reload), State::Stopping(_) | State::Stopped) => {}
        }
    }

    fn reload(&mut self) {
        self.service.reloading();
        let mut status = self.status();
        if let Err(error) = self.hub.borrow_mut().reload() {
            for line in error.lines() {
                warn!("{line}");
            }
            warn!("the configuration in force goes on");
            status.push_str("; the changed configuration was refused, see the log");
        }
        self.service.ready(&status);
    }

    /// One line: where SIP is spoken.
    pub fn status(&self) -> String {
        let listeners = self.listeners();
        let listeners: Vec<_> = listeners.iter().map(|it| std::format!("{it}")).collect();
        std::format!("sip on {}", listeners.join(" "))
    }

    fn look_whether_stopped(&mut self) {
        let hub = self.hub.borrow();
        if let State::Stopping(until) = self.state
            && ((hub.agent.is_stopped() && hub.runner.is_idle()) || clock::now() >= until)
        {
            self.state = State::Stopped;
        }
    }
}

fn families(own: &[SocketAddr]) -> Families {
    Families {
        v4: own.iter().any(SocketAddr::is_ipv4),
        v6: own.iter().any(SocketAddr::is_ipv6),
    }
}

/// Without it a new address is found at the next start.
fn watch_addresses(registry: &Registry, listeners: &[SocketAddr]) -> Option<Moves> {
    if !depends_on_routes(listeners) {
        return None;
    }
    let moves = Moves::listen().and_then(|moves| {
        registry.add(&moves, Source::Moves)?;
        Ok(moves)
    });
    if let Err(error) = &moves {
        info!("changes of this machine's addresses will not be noticed: {error}");
    }
    moves.ok()
}

#[cfg(test)]
mod tests;
