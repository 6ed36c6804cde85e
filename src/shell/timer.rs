//! One timer for all that waits: a timerfd on the clock of [`super::clock::now`].

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};

use crate::ground::time::Instant;

/// The timer. It is set only when it would ring too late: a later deadline lets it ring once for nothing,
/// which is cheaper than a system call for every message that moves a deadline.
#[derive(Debug)]
pub struct Timer {
    fd: OwnedFd,
    rings: Option<Instant>,
}

impl Timer {
    /// A timer that does not ring.
    ///
    /// # Errors
    /// The kernel's, when there is no descriptor left.
    pub fn new() -> io::Result<Timer> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        Ok(Timer {
            fd: timerfd_create(TimerfdClockId::Boottime, flags)?,
            rings: None,
        })
    }

    /// Makes sure that the timer rings at `deadline` at the latest.
    ///
    /// # Errors
    /// The kernel's; none is known for a valid descriptor.
    pub fn set(&mut self, deadline: Option<Instant>) -> io::Result<()> {
        let Some(deadline) = deadline else {
            return Ok(());
        };
        if self.rings.is_some_and(|rings| rings <= deadline) {
            return Ok(());
        }
        // Zero would switch the timer off.
        let micros = deadline.as_micros().max(1);
        let once = Itimerspec {
            it_interval: timespec(0),
            it_value: timespec(micros),
        };
        timerfd_settime(&self.fd, TimerfdTimerFlags::ABSTIME, &once)?;
        self.rings = Some(deadline);
        Ok(())
    }

    /// Takes note that the timer has rung.
    pub fn handle_ring(&mut self) {
        let mut count = [0; 8];
        if rustix::io::read(&self.fd, &mut count).is_ok() {
            self.rings = None;
        }
    }
}

impl AsFd for Timer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

fn timespec(micros: u64) -> Timespec {
    Timespec {
        // What does not fit is hundreds of thousands of years away.
        tv_sec: i64::try_from(micros / 1_000_000).unwrap_or(i64::MAX),
        tv_nsec: (micros % 1_000_000 * 1_000).try_into().unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::time::Duration;
    use crate::shell::clock;
    use rustix::event::{PollFd, PollFlags, poll};
    use rustix::time::timerfd_gettime;

    fn wait(timer: &Timer) {
        poll(&mut [PollFd::new(timer, PollFlags::IN)], None).expect("poll works");
    }

    #[test]
    fn rings_not_before_its_deadline() {
        let mut timer = Timer::new().expect("a timer");
        let deadline = clock::now() + Duration::from_millis(20);
        timer.set(Some(deadline)).expect("set");
        wait(&timer);
        assert!(clock::now() >= deadline);
        timer.handle_ring();
        assert_eq!(timer.rings, None);
    }

    #[test]
    fn an_earlier_deadline_moves_it_and_a_later_one_does_not() {
        let mut timer = Timer::new().expect("a timer");
        let now = clock::now();
        timer
            .set(Some(now + Duration::from_secs(100)))
            .expect("set");
        timer
            .set(Some(now + Duration::from_secs(900)))
            .expect("set");
        let left = timerfd_gettime(&timer).expect("armed").it_value.tv_sec;
        assert!(left <= 100, "{left}");
        timer.set(Some(now + Duration::from_secs(9))).expect("set");
        let left = timerfd_gettime(&timer).expect("armed").it_value.tv_sec;
        assert!(left <= 9, "{left}");
    }

    #[test]
    fn a_deadline_in_the_past_rings_at_once() {
        let mut timer = Timer::new().expect("a timer");
        timer.set(Some(Instant::ZERO)).expect("set");
        wait(&timer);
    }
}
