//! Signals as something to read: SIGTERM and SIGINT stop the agent, SIGHUP has it read its configuration again.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

/// What somebody outside wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// SIGTERM or SIGINT: take leave of everybody, then end. A second one: end at once.
    Stop,
    /// SIGHUP: read the configuration again.
    Reload,
}

/// The signals of this process, taken off their handlers.
#[derive(Debug)]
pub struct Signals(SignalFd);

impl Signals {
    /// Takes the signals over. Call it before the first thread starts: threads inherit what is blocked, and a
    /// thread that lets a signal through would still die of it.
    ///
    /// # Errors
    /// The kernel's, when there is no descriptor left.
    pub fn take() -> io::Result<Signals> {
        let mut set = SigSet::empty();
        for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
            set.add(signal);
        }
        set.thread_block()?;
        let flags = SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC;
        Ok(Signals(SignalFd::with_flags(&set, flags)?))
    }

    /// The next wish, if there is one.
    pub fn next(&self) -> Option<Wish> {
        let info = self.0.read_signal().ok()??;
        let number = i32::try_from(info.ssi_signo).ok()?;
        match Signal::try_from(number).ok()? {
            Signal::SIGHUP => Some(Wish::Reload),
            _ => Some(Wish::Stop),
        }
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::signal::raise;

    /// Each test has a thread of its own, and `raise` signals the calling thread, so it disturbs nobody else.
    #[test]
    fn signals_become_wishes() {
        let signals = Signals::take().expect("a signalfd");
        assert_eq!(signals.next(), None);
        for (signal, wish) in [
            (Signal::SIGHUP, Wish::Reload),
            (Signal::SIGTERM, Wish::Stop),
            (Signal::SIGINT, Wish::Stop),
        ] {
            raise(signal).expect("sent");
            assert_eq!(signals.next(), Some(wish));
            assert_eq!(signals.next(), None);
        }
    }
}
