//! Where the loop sleeps: one epoll set for everything that a SIP message or a timer touches.
//!
//! The reactor of async-io would do, but it costs a heap allocation for each wake-up, and its own thread takes
//! turns with ours. So the hot descriptors are here, level-triggered; the reactor keeps the control socket's
//! connections, and rings the [`Doorbell`] when one of them has work for the executor.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Wake;

use rustix::event::{EventfdFlags, epoll, eventfd};
use rustix::io::Errno;

use crate::ground::limits::SOFTPHONES;

/// Whose descriptor is ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A task can go on, or somebody asked the loop to stop.
    Doorbell,
    /// The deadline is there.
    Timer,
    /// A signal came.
    Signals,
    /// A name server answered.
    Dns,
    /// A neighbour asks for a name, or says one.
    Mdns,
    /// An address of ours came or went.
    Moves,
    /// The first connection came to the control socket.
    Control,
    /// The calendar clock was set.
    Clock,
    /// The phone on this device tells of a call, or its connection has ended: which one.
    Softphone(u8),
    /// A command has ended: which one.
    Command(u8),
    /// Something of the panel: which descriptor.
    Panel(u8),
    /// A datagram came, or an error for one that we sent: which socket.
    Socket(u8),
    /// A stream begins: on which listener.
    Listener(u8),
    /// A stream has something to read, room to write, or has ended: which one.
    Stream(u16),
}

/// The epoll set.
pub struct Poller {
    registry: Registry,
    events: [epoll::Event; EVENTS],
}

impl Poller {
    /// An empty set.
    ///
    /// # Errors
    /// The kernel's, when there is no descriptor left.
    pub fn new() -> io::Result<Poller> {
        let nothing = epoll::Event {
            flags: epoll::EventFlags::empty(),
            data: epoll::EventData::new_u64(0),
        };
        Ok(Poller {
            registry: Registry(Rc::new(epoll::create(epoll::CreateFlags::CLOEXEC)?)),
            events: [nothing; EVENTS],
        })
    }

    /// A handle for those that add descriptors later.
    pub fn registry(&self) -> Registry {
        self.registry.clone()
    }

    /// Sleeps until a source is ready; with `at_once`, only looks.
    ///
    /// # Errors
    /// The kernel's; an interruption is not an error.
    pub fn wait(&mut self, at_once: bool) -> io::Result<impl Iterator<Item = Source> + use<>> {
        let limit = at_once.then(rustix::event::Timespec::default);
        let count = match epoll::wait(&*self.registry.0, &mut self.events, limit.as_ref()) {
            Ok(count) => count,
            Err(Errno::INTR) => 0,
            Err(error) => return Err(error.into()),
        };
        let events = self.events;
        Ok((0..count).filter_map(move |at| Source::from_number(events[at].data.u64())))
    }
}

/// Where descriptors are added; closing one takes it out again.
#[derive(Clone, Debug)]
pub struct Registry(Rc<OwnedFd>);

impl Registry {
    /// Reports `source` while `fd` has something to read.
    ///
    /// # Errors
    /// The kernel's, when it is out of memory.
    pub fn add(&self, fd: impl AsFd, source: Source) -> io::Result<()> {
        self.add_with(fd, source, epoll::EventFlags::IN)
    }

    /// Reports `source` when `fd` has something to read, and never again.
    ///
    /// # Errors
    /// As [`Registry::add`].
    pub fn add_once(&self, fd: impl AsFd, source: Source) -> io::Result<()> {
        self.add_with(
            fd,
            source,
            epoll::EventFlags::IN | epoll::EventFlags::ONESHOT,
        )
    }

    /// Reports `source` while `fd` has room to write, or something to read as well.
    ///
    /// # Errors
    /// As [`Registry::add`].
    pub fn add_both(&self, fd: impl AsFd, source: Source) -> io::Result<()> {
        self.add_with(fd, source, epoll::EventFlags::IN | epoll::EventFlags::OUT)
    }

    /// Changes what `fd`, which was added before, is looked at for.
    ///
    /// # Errors
    /// The kernel's; none is known for one that was added.
    pub fn change(
        &self,
        fd: impl AsFd,
        source: Source,
        readable: bool,
        writable: bool,
    ) -> io::Result<()> {
        let mut flags = epoll::EventFlags::empty();
        flags.set(epoll::EventFlags::IN, readable);
        flags.set(epoll::EventFlags::OUT, writable);
        let data = epoll::EventData::new_u64(source.number());
        epoll::modify(&*self.0, fd, data, flags)?;
        Ok(())
    }

    fn add_with(&self, fd: impl AsFd, source: Source, flags: epoll::EventFlags) -> io::Result<()> {
        let data = epoll::EventData::new_u64(source.number());
        epoll::add(&*self.0, fd, data, flags)?;
        Ok(())
    }
}

impl Source {
    fn number(self) -> u64 {
        match self {
            Source::Doorbell => 0,
            Source::Timer => 1,
            Source::Signals => 2,
            Source::Dns => 3,
            Source::Moves => 4,
            Source::Control => 5,
            Source::Clock => 6,
            Source::Mdns => 7,
            Source::Softphone(at) => FIRST_SOFTPHONE + u64::from(at),
            Source::Command(at) => FIRST_COMMAND + u64::from(at),
            Source::Panel(at) => FIRST_PANEL + u64::from(at),
            Source::Socket(at) => FIRST_SOCKET + u64::from(at),
            Source::Listener(at) => FIRST_LISTENER + u64::from(at),
            Source::Stream(at) => FIRST_STREAM + u64::from(at),
        }
    }

    fn from_number(number: u64) -> Option<Source> {
        match number {
            0 => Some(Source::Doorbell),
            1 => Some(Source::Timer),
            2 => Some(Source::Signals),
            3 => Some(Source::Dns),
            4 => Some(Source::Moves),
            5 => Some(Source::Control),
            6 => Some(Source::Clock),
            7 => Some(Source::Mdns),
            at if at >= FIRST_STREAM => u16::try_from(at - FIRST_STREAM).ok().map(Source::Stream),
            at if at >= FIRST_LISTENER => {
                u8::try_from(at - FIRST_LISTENER).ok().map(Source::Listener)
            }
            at if at >= FIRST_PANEL => u8::try_from(at - FIRST_PANEL).ok().map(Source::Panel),
            at if at >= FIRST_SOCKET => u8::try_from(at - FIRST_SOCKET).ok().map(Source::Socket),
            at if at >= FIRST_COMMAND => u8::try_from(at - FIRST_COMMAND).ok().map(Source::Command),
            at => Some(Source::Softphone(u8::try_from(at - FIRST_SOFTPHONE).ok()?)),
        }
    }
}

/// Wakes the loop from a task, from async-io's thread, or from a test's.
#[derive(Debug)]
pub struct Doorbell {
    fd: OwnedFd,
    rung: AtomicBool,
}

impl Doorbell {
    /// A silent doorbell.
    ///
    /// # Errors
    /// The kernel's, when there is no descriptor left.
    pub fn new() -> io::Result<Arc<Doorbell>> {
        let flags = EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC;
        Ok(Arc::new(Doorbell {
            fd: eventfd(0, flags)?,
            rung: AtomicBool::new(false),
        }))
    }

    /// Whether somebody has rung since the last call.
    pub fn take(&self) -> bool {
        self.rung.swap(false, Ordering::AcqRel)
    }

    /// Whether somebody has rung since [`Doorbell::take`] was called last.
    #[cfg(test)]
    pub fn rung(&self) -> bool {
        self.rung.load(Ordering::Acquire)
    }

    /// Makes the descriptor quiet again.
    pub fn handle_readable(&self) {
        let mut count = [0; 8];
        let _ = rustix::io::read(&self.fd, &mut count); // Nothing to read is as quiet.
    }
}

impl Wake for Doorbell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.rung.swap(true, Ordering::AcqRel) {
            let _ = rustix::io::write(&self.fd, &1_u64.to_ne_bytes()); // A full counter wakes too.
        }
    }
}

impl AsFd for Doorbell {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Sources reported in one go; the rest comes with the next wait.
const EVENTS: usize = 16;

/// As many as [`SOFTPHONES`] follow.
const FIRST_SOFTPHONE: u64 = 8;
/// [`AT_ONCE`](super::commands::AT_ONCE) of them.
const FIRST_COMMAND: u64 = 12;
const FIRST_SOCKET: u64 = 16;

const _: () = assert!(FIRST_SOFTPHONE + SOFTPHONES as u64 <= FIRST_COMMAND);
const FIRST_PANEL: u64 = FIRST_SOCKET + 256;
const FIRST_LISTENER: u64 = FIRST_PANEL + 256;
const FIRST_STREAM: u64 = FIRST_LISTENER + 256;

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;
    use std::vec::Vec;

    #[test]
    fn numbers_stand_for_their_sources() {
        for source in [
            Source::Doorbell,
            Source::Timer,
            Source::Signals,
            Source::Dns,
            Source::Moves,
            Source::Control,
            Source::Mdns,
            Source::Softphone(0),
            Source::Softphone(SOFTPHONES as u8 - 1),
            Source::Command(0),
            Source::Command(3),
            Source::Socket(0),
            Source::Socket(255),
            Source::Panel(0),
            Source::Panel(255),
            Source::Listener(0),
            Source::Listener(255),
            Source::Stream(0),
            Source::Stream(u16::MAX),
        ] {
            assert_eq!(Source::from_number(source.number()), Some(source));
        }
    }

    #[test]
    fn a_ring_from_another_thread_wakes_once() {
        let mut poller = Poller::new().expect("a poller");
        let bell = Doorbell::new().expect("a doorbell");
        let registry = poller.registry();
        registry.add(&*bell, Source::Doorbell).expect("added");
        let other = bell.clone();
        let thread = thread::spawn(move || {
            other.wake_by_ref();
            other.wake_by_ref();
        });
        let ready: Vec<_> = poller.wait(false).expect("waits").collect();
        thread.join().expect("joined");
        assert_eq!(ready, [Source::Doorbell]);
        assert!(bell.take());
        bell.handle_readable();
        assert_eq!(poller.wait(true).expect("looks").count(), 0);
        assert!(!bell.take());
    }
}
