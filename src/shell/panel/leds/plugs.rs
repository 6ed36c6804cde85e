//! Hears of LEDs that come and go: a light that is not touched would not notice.
//!
//! The kernel tells everybody what is plugged in and out (uevents), by netlink; its files in `/sys` say nothing.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::netlink::{KOBJECT_UEVENT, SocketAddrNetlink};
use rustix::net::{AddressFamily, RecvFlags, SocketFlags, SocketType, bind, recv, socket_with};

/// The kernel's news of devices.
#[derive(Debug)]
pub(in super::super) struct Plugs(OwnedFd);

impl Plugs {
    /// Listens to the kernel.
    ///
    /// # Errors
    /// The kernel's: a sandbox may forbid it.
    pub(in super::super) fn listen() -> io::Result<Plugs> {
        const KERNEL: u32 = 1;
        // When its rules have changed the rights of the files.
        const UDEV: u32 = 2;
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let (family, kind) = (AddressFamily::NETLINK, SocketType::RAW);
        let fd = socket_with(family, kind, flags, Some(KOBJECT_UEVENT))?;
        bind(&fd, &SocketAddrNetlink::new(0, KERNEL | UDEV))?;
        Ok(Plugs(fd))
    }

    /// Takes what the kernel has said, and whether an LED may have come or gone. Which one does not matter: we look
    /// for ourselves.
    pub(in super::super) fn drain(&self) -> bool {
        const ENOUGH: usize = 64;
        let mut news = false;
        let mut buf = [0_u8; 2_048];
        for _ in 0..ENOUGH {
            match recv(&self.0, &mut buf[..], RecvFlags::DONTWAIT) {
                Ok((len, _)) => news |= concerns_leds(&buf[..len]),
                // Some were lost.
                Err(Errno::NOBUFS) => news = true,
                Err(_) => break,
            }
        }
        news
    }
}

impl AsFd for Plugs {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Whether a message is of an LED that came or went. It begins with `ACTION@PATH`, or with udev's head; fields follow, each
/// with its end. Changes are our own: each new trigger is told too.
fn concerns_leds(message: &[u8]) -> bool {
    let fields = || message.split(|byte| *byte == 0).skip(1);
    let is_change = fields().any(|field| field.ends_with(b"ACTION=change"));
    !is_change && fields().any(|field| field.ends_with(b"SUBSYSTEM=leds"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_leds_that_come_or_go_are_news() {
        for (message, expected) in [
            (
                &b"add@/devices/l/leds/a\0ACTION=add\0SUBSYSTEM=leds\0SEQNUM=9\0"[..],
                true,
            ),
            (
                b"remove@/devices/l/leds/a\0ACTION=remove\0SUBSYSTEM=leds\0",
                true,
            ),
            (
                b"change@/devices/l/leds/a\0ACTION=change\0SUBSYSTEM=leds\0TRIGGER=timer\0",
                false,
            ),
            (
                b"add@/devices/leds\0ACTION=add\0SUBSYSTEM=platform\0",
                false,
            ),
            (
                b"libudev\0\xfe\xed\xca\xfe\0\0\0\x28ACTION=add\0DEVPATH=/l\0SUBSYSTEM=leds\0",
                true,
            ),
            (
                b"libudev\0\xfe\xed\xca\xfe\0\0\0\0ACTION=change\0SUBSYSTEM=leds\0",
                false,
            ),
            (b"SUBSYSTEM=leds", false),
            (b"", false),
        ] {
            let text = std::string::String::from_utf8_lossy(message);
            assert_eq!(concerns_leds(message), expected, "{text:?}");
        }
    }

    #[test]
    fn without_news_there_is_nothing_to_take() {
        // Not every container lets us listen.
        if let Ok(plugs) = Plugs::listen() {
            while plugs.drain() {}
            assert!(!plugs.drain());
        }
    }
}
