//! What a service manager wants to hear (`sd_notify(3)`), and the watchdog's heartbeat.
//!
//! systemd names a datagram socket in `NOTIFY_SOCKET`; each message is a few `KEY=VALUE` lines. Where nobody asked,
//! everything here does nothing. The heartbeat comes from the one loop: a loop that hangs misses it, and the manager
//! starts the agent again. It is the only wake-up that the agent has of itself, at half the manager's time.

use core::fmt::Write as _;
use std::env;
use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

use log::debug;
use rustix::time::{ClockId, clock_gettime};

use crate::ground::text::Text;
use crate::ground::time::{Duration, Instant};

/// The manager that started us, if it wants to hear of us.
#[derive(Debug, Default)]
pub struct Service {
    socket: Option<UnixDatagram>,
    watchdog: Option<Watchdog>,
}

/// The manager's watchdog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Watchdog {
    /// From one heartbeat to the next: half of the manager's time.
    beat: Duration,
    /// When the next one is due.
    next: Instant,
}

/// Bytes of one message.
const MESSAGE: usize = 200;

/// How soon a heartbeat that the manager had no room for is sent again.
const RETRY: Duration = Duration::from_secs(1);

impl Service {
    /// Nobody.
    pub const fn none() -> Service {
        Service {
            socket: None,
            watchdog: None,
        }
    }

    /// The one that the environment names. A socket that cannot be had is as good as none: an agent that works is
    /// worth more than one that is heard of. Call it before the sandbox is closed.
    pub fn from_environment(now: Instant) -> Service {
        let Some(name) = env::var_os("NOTIFY_SOCKET") else {
            return Service::none();
        };
        let socket = connect(&name);
        if let Err(error) = &socket {
            debug!(
                "the service manager at {} is not told of us: {error}",
                name.display()
            );
        }
        let number = |name| env::var(name).ok().and_then(|text| text.parse().ok());
        let (micros, process) = (number("WATCHDOG_USEC"), number("WATCHDOG_PID"));
        let own = u64::from(std::process::id());
        let ours = process.is_none_or(|process| process == own);
        Service {
            socket: socket.ok(),
            watchdog: micros
                .filter(|_| ours)
                .and_then(|it| Watchdog::new(it, now)),
        }
    }

    /// The agent works, from now on or again; `status` says how, in one line.
    pub fn ready(&self, status: &str) {
        self.tell(format_args!("READY=1\nSTATUS={status}"));
    }

    /// It reads its configuration again; [`Service::ready`] follows, however that ends.
    pub fn reloading(&self) {
        let now = clock_gettime(ClockId::Monotonic);
        let micros = i128::from(now.tv_sec) * 1_000_000 + i128::from(now.tv_nsec) / 1_000;
        self.tell(format_args!("RELOADING=1\nMONOTONIC_USEC={micros}"));
    }

    /// It takes leave.
    pub fn stopping(&self) {
        self.tell(format_args!(
            "STOPPING=1\nSTATUS=taking leave of the watchers"
        ));
    }

    /// When [`Service::handle_timeout`] wants to be called: never, without a watchdog.
    pub fn deadline(&self) -> Option<Instant> {
        self.watchdog.map(|it| it.next)
    }

    /// Sends the heartbeat when it is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        let Some(due) = self.watchdog.filter(|it| it.next <= now) else {
            return;
        };
        let wait = if self.tell(format_args!("WATCHDOG=1")) {
            due.beat
        } else {
            RETRY.min(due.beat)
        };
        self.watchdog = Some(Watchdog {
            next: now + wait,
            ..due
        });
    }

    /// Says whether it was heard. A message that is too long is cut: its first line is the one that counts.
    fn tell(&self, message: core::fmt::Arguments<'_>) -> bool {
        let Some(socket) = &self.socket else {
            return true;
        };
        let mut text: Text<MESSAGE> = Text::new();
        let _ = text.write_fmt(message);
        match socket.send(text.as_bytes()) {
            Ok(_) => true,
            Err(error) => {
                debug!("the service manager was not told: {error}");
                false
            }
        }
    }
}

impl Watchdog {
    fn new(micros: u64, now: Instant) -> Option<Watchdog> {
        let beat = Duration::from_micros(micros / 2);
        (micros > 1).then_some(Watchdog {
            beat,
            next: now + beat,
        })
    }
}

/// A name that begins with `@` is abstract: it is no file.
fn connect(name: &OsStr) -> io::Result<UnixDatagram> {
    let address = match name.as_bytes() {
        [b'@', rest @ ..] => SocketAddr::from_abstract_name(rest)?,
        _ => SocketAddr::from_pathname(name)?,
    };
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    socket.connect_addr(&address)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::String;

    /// A service and the manager's end of its socket.
    fn service(watchdog: Option<Watchdog>) -> (Service, UnixDatagram) {
        let (ours, theirs) = UnixDatagram::pair().expect("a pair");
        for end in [&ours, &theirs] {
            end.set_nonblocking(true).expect("set");
        }
        let socket = Some(ours);
        (Service { socket, watchdog }, theirs)
    }

    fn heard(manager: &UnixDatagram) -> Option<String> {
        let mut buf = [0; 2 * MESSAGE];
        let length = manager.recv(&mut buf).ok()?;
        Some(String::from_utf8_lossy(&buf[..length]).into_owned())
    }

    #[test]
    fn the_manager_hears_of_each_step() {
        let (service, manager) = service(None);
        service.ready("sip on udp:127.0.0.1:5060");
        let ready = "READY=1\nSTATUS=sip on udp:127.0.0.1:5060";
        assert_eq!(heard(&manager).as_deref(), Some(ready));
        service.reloading();
        let text = heard(&manager).expect("told");
        let micros = text.strip_prefix("RELOADING=1\nMONOTONIC_USEC=");
        assert!(micros.is_some_and(|it| it.parse::<u64>().is_ok()), "{text}");
        service.stopping();
        assert!(heard(&manager).is_some_and(|it| it.starts_with("STOPPING=1\n")));
    }

    #[test]
    fn a_status_that_is_too_long_takes_nothing_else_along() {
        let (service, manager) = service(None);
        service.ready(&"ä".repeat(MESSAGE));
        let text = heard(&manager).expect("told");
        assert!(text.starts_with("READY=1\n"), "{text}");
        assert!(text.len() <= MESSAGE);
    }

    #[test]
    fn the_heart_beats_at_half_the_watchdogs_time() {
        let start = Instant::from_millis(10_000);
        let (mut service, manager) = service(Watchdog::new(30_000_000, start));
        let due = start + Duration::from_secs(15);
        assert_eq!(service.deadline(), Some(due));
        service.handle_timeout(Instant::from_millis(24_999));
        assert_eq!(heard(&manager), None);
        service.handle_timeout(due);
        assert_eq!(heard(&manager).as_deref(), Some("WATCHDOG=1"));
        assert_eq!(service.deadline(), Some(due + Duration::from_secs(15)));
    }

    #[test]
    fn a_heartbeat_that_was_not_heard_is_sent_again_soon() {
        let start = Instant::from_millis(10_000);
        let (mut service, manager) = service(Watchdog::new(30_000_000, start));
        drop(manager);
        let due = start + Duration::from_secs(15);
        service.handle_timeout(due);
        assert_eq!(service.deadline(), Some(due + RETRY));
    }

    #[test]
    fn nobody_asked_nobody_is_told() {
        let mut service = Service::none();
        service.ready("here");
        assert_eq!(service.deadline(), None);
        service.handle_timeout(Instant::from_millis(1));
        assert_eq!(Watchdog::new(0, Instant::ZERO), None);
    }

    #[test]
    fn an_abstract_name_is_found() {
        let name = std::format!("lampfield-service-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(name.as_bytes()).expect("a name");
        let manager = UnixDatagram::bind_addr(&address).expect("free");
        let socket = connect(OsStr::new(&std::format!("@{name}"))).expect("there");
        socket.send(b"READY=1").expect("sent");
        assert_eq!(heard(&manager).as_deref(), Some("READY=1"));
    }
}
