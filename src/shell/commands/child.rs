//! A program at work, and all that it starts: a process group of its own, with nothing of ours but a place at
//! `/dev/null`. Read posix_spawn(3) and pidfd_open(2).

use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use nix::spawn::{PosixSpawnAttr, PosixSpawnFileActions, PosixSpawnFlags, posix_spawn};
use nix::sys::signal::{SigSet, Signal as Blocked};
use nix::unistd::Pid as Group;
use rustix::fs::{Mode, OFlags, open};
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, kill_process_group, pidfd_open, waitid,
};

use super::command::Command;

/// A program at work. Dropped, it is ended.
#[derive(Debug)]
pub(super) struct Child {
    pid: Pid,
    /// Readable when it has ended.
    fd: OwnedFd,
    /// Whether the kernel knows it no more.
    is_over: bool,
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// By itself, with that status.
    Status(i32),
    /// By that signal.
    Signal(i32),
}

impl Child {
    /// Starts it, with this environment and no other.
    ///
    /// # Errors
    /// The kernel's: it is not there, may not be run, is no program; or there is no room for another process. Also where
    /// the kernel can't tell when a process ends (before Linux 5.3): then nothing is started.
    pub(super) fn start(command: &Command, environment: &[CString]) -> io::Result<Child> {
        // Before there is something to be told of.
        pidfd_open(rustix::process::getpid(), PidfdFlags::empty())?;
        let null = open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?;
        let mut files = PosixSpawnFileActions::init()?;
        for standard in 0..=2 {
            files.add_dup2(null.as_raw_fd(), standard)?;
        }
        let pid = posix_spawn(
            command.path(),
            &files,
            &attributes()?,
            command.words(),
            environment,
        )?;
        let pid = Pid::from_raw(pid.as_raw()).ok_or(io::ErrorKind::NotFound)?;
        let fd = pidfd_open(pid, PidfdFlags::empty());
        let fd = fd.inspect_err(|_| end(pid))?;
        Ok(Child {
            pid,
            fd,
            is_over: false,
        })
    }

    /// How it ended, if it has. What it left behind in its process group ends with it.
    pub(super) fn take_end(&mut self) -> Option<End> {
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
        // Until it is taken note of, the number of the group is nobody else's.
        let kept = waitid(WaitId::PidFd(self.fd.as_fd()), look | WaitIdOptions::NOWAIT);
        kept.ok().flatten()?;
        let _ = kill_process_group(self.pid, Signal::KILL); // Mostly nothing is left.
        let status = waitid(WaitId::PidFd(self.fd.as_fd()), look)
            .ok()
            .flatten()?;
        self.is_over = true;
        let signal = status.terminating_signal().map(End::Signal);
        signal.or(status.exit_status().map(End::Status))
    }
}

impl AsFd for Child {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if !self.is_over {
            end(self.pid);
        }
    }
}

/// Ends a process group at once, and takes note of it: nothing outlives this signal.
fn end(pid: Pid) {
    let _ = kill_process_group(pid, Signal::KILL); // It may have ended by itself.
    let _ = waitid(WaitId::Pid(pid), WaitIdOptions::EXITED);
}

/// Its own group, and signals as any program expects them: we block some, and ignore a broken pipe.
fn attributes() -> io::Result<PosixSpawnAttr> {
    let mut attributes = PosixSpawnAttr::init()?;
    attributes.set_pgroup(Group::from_raw(0))?;
    attributes.set_sigmask(&SigSet::empty())?;
    let mut ignored = SigSet::empty();
    ignored.add(Blocked::SIGPIPE);
    attributes.set_sigdefault(&ignored)?;
    attributes.set_flags(
        PosixSpawnFlags::POSIX_SPAWN_SETPGROUP
            | PosixSpawnFlags::POSIX_SPAWN_SETSIGMASK
            | PosixSpawnFlags::POSIX_SPAWN_SETSIGDEF,
    )?;
    Ok(attributes)
}
