//! Notices that somebody has set the calendar clock: a timer that never rings, but is cancelled then
//! (timerfd_create(2), `TFD_TIMER_CANCEL_ON_SET`). So a device that learns the date costs one wake-up, and no other does.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use log::info;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};

use super::poller::{Registry, Source};

/// What is readable once the clock was set.
#[derive(Debug)]
pub struct Steps(OwnedFd);

impl Steps {
    /// Begins to look, and reports [`Source::Clock`]. Without it a new date counts from the next time on that a rule
    /// speaks of, or within the hour.
    pub fn watch(registry: &Registry) -> Option<Steps> {
        let steps = Steps::new().and_then(|steps| {
            registry.add(&steps, Source::Clock)?;
            Ok(steps)
        });
        if let Err(error) = &steps {
            info!("a new date will not be noticed at once: {error}");
        }
        steps.ok()
    }

    fn new() -> io::Result<Steps> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let steps = Steps(timerfd_create(TimerfdClockId::Realtime, flags)?);
        steps.arm()?;
        Ok(steps)
    }

    /// Takes note that the clock was set.
    pub fn handle_readable(&self) {
        let _ = rustix::io::read(&self.0, &mut [0; 8]); // It says that it was cancelled.
        let _ = self.arm(); // What worked once works again.
    }

    fn arm(&self) -> io::Result<()> {
        let nothing = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        let never = Itimerspec {
            it_interval: nothing,
            it_value: Timespec {
                // Past every date that this program will see.
                tv_sec: 1 << 40,
                tv_nsec: 0,
            },
        };
        let flags = TimerfdTimerFlags::ABSTIME | TimerfdTimerFlags::CANCEL_ON_SET;
        timerfd_settime(&self.0, flags, &never)?;
        Ok(())
    }
}

impl AsFd for Steps {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
