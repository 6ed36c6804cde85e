//! A driver of another kind: it takes looks, as a USB light or an output for home automation would, and keeps them.

use std::boxed::Box;
use std::cell::RefCell;
use std::rc::Rc;
use std::string::{String, ToString};
use std::sync::Arc;
use std::task::Wake;
use std::vec::Vec;

use crate::ground::time::Instant;
use crate::shell::panel::driver::{Driver, Kind, Ports, Wiring};
use crate::shell::panel::{Event, Problem, Queue, Touch};
use crate::shell::poller::Doorbell;
use crate::users::lamps::Look;

pub(in crate::shell::panel) const KIND: Kind = Kind { ports: 1, open };

std::thread_local! {
    /// The one that the next panel of this thread gets.
    static WANTED: RefCell<Option<Recorder>> = const { RefCell::new(None) };
}

/// What the driver was told, and what it is to say.
#[derive(Clone, Debug)]
pub(super) struct Recorder(Rc<RefCell<State>>);

#[derive(Debug)]
struct State {
    looks: Vec<Look>,
    changed: bool,
    idle_flushes: usize,
    bell: Arc<Doorbell>,
    deadline: Option<Instant>,
    problem: Option<Problem>,
}

impl Recorder {
    /// The next panel of this thread gets one.
    pub(super) fn wanted() -> Recorder {
        let recorder = Recorder(Rc::new(RefCell::new(State {
            looks: Vec::new(),
            changed: false,
            idle_flushes: 0,
            bell: Doorbell::new().expect("a doorbell"),
            deadline: None,
            problem: None,
        })));
        WANTED.set(Some(recorder.clone()));
        recorder
    }

    pub(super) fn looks(&self) -> Vec<String> {
        let state = self.0.borrow();
        state.looks.iter().map(ToString::to_string).collect()
    }

    pub(super) fn flushes_without_change(&self) -> usize {
        self.0.borrow().idle_flushes
    }

    /// Its descriptor is ready.
    pub(super) fn ring(&self) {
        self.0.borrow().bell.wake_by_ref();
    }

    pub(super) fn wait_until(&self, due: Instant) {
        self.0.borrow_mut().deadline = Some(due);
    }

    /// It says so at its next time-out.
    pub(super) fn fail(&self, problem: Problem) {
        self.0.borrow_mut().problem = Some(problem);
    }
}

/// The driver of a [`Recorder`].
#[derive(Debug)]
struct Recording {
    state: Rc<RefCell<State>>,
    problem: Option<Problem>,
}

fn open(wiring: &Wiring<'_>, ports: &Ports, _: Instant, _: &mut Queue) -> Option<Box<dyn Driver>> {
    let Recorder(state) = WANTED.take()?;
    state.borrow_mut().looks = wiring.board.lamps.iter().map(|_| Look::OFF).collect();
    ports.add(&*state.borrow().bell, 0).expect("added");
    let problem = None;
    Some(Box::new(Recording { state, problem }))
}

impl Driver for Recording {
    fn show(&mut self, _: Instant, lamp: usize, look: Look) {
        let mut state = self.state.borrow_mut();
        state.looks[lamp] = look;
        state.changed = true;
    }

    fn flush(&mut self, _: Instant) -> bool {
        let mut state = self.state.borrow_mut();
        if !std::mem::take(&mut state.changed) {
            state.idle_flushes += 1;
        }
        true
    }

    fn handle_readable(&mut self, _: Instant, port: u8, events: &mut Queue) {
        assert_eq!(port, 0);
        self.state.borrow().bell.handle_readable();
        let (button, pressed) = (0, true);
        events.push(Event::Edge(Touch { button, pressed }));
    }

    fn handle_timeout(&mut self, now: Instant, _: &mut Queue) {
        let mut state = self.state.borrow_mut();
        if state.deadline.take_if(|due| *due <= now).is_some() {
            self.problem = state.problem.take();
        }
    }

    fn deadline(&self) -> Option<Instant> {
        self.state.borrow().deadline
    }

    fn trouble(&self, line: usize) -> Option<&Problem> {
        self.problem.as_ref().filter(|_| line == 0)
    }

    fn end(&mut self) {
        self.state.borrow_mut().looks.fill(Look::OFF);
    }
}
