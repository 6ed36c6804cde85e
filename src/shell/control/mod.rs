//! The control socket: HTTP/1.1 over a Unix socket, for the command line.
//!
//! [`socket`] owns the file, [`http`] the bytes, [`router`] what is asked and [`views`] what is answered. None of the
//! last three knows a transport: whatever carries HTTP gets the same routes from [`converse`], and what it may do there
//! is said by its [`Rights`]. Who can open the socket's file has all of them.

mod cause;
mod conversation;
pub mod follow;
pub mod http;
pub mod mailbox;
mod rights;
pub mod router;
pub mod socket;
pub mod views;

pub use conversation::converse;
pub use rights::Rights;

use std::cell::{Cell, RefCell};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::rc::Rc;

use log::{debug, warn};
use smol::{Async, LocalExecutor, Timer};

use self::conversation::send_away;
use self::socket::{Claim, Refused};
use super::failed::Failed;
use super::hub::Hub;
use super::poller::{Registry, Source};
use crate::ground::time::Duration;

/// Connections at the same time. As many more are answered with 503, the rest is closed without a word.
pub const CONNECTIONS: usize = 8;

/// The open control socket. Its file goes when this goes.
pub struct Control {
    claim: Claim,
    /// Who serves it, until it does: async-io's thread and queues are some 80 kB, which an agent that is asked
    /// nothing need not have.
    asleep: Option<Asleep>,
}

struct Asleep {
    executor: Rc<LocalExecutor<'static>>,
    hub: Rc<RefCell<Hub>>,
    listener: UnixListener,
}

impl Control {
    /// Serves what was claimed; [`Source::Control`] says when somebody comes.
    ///
    /// # Errors
    /// The kernel's, when it is out of memory.
    pub fn open(
        executor: Rc<LocalExecutor<'static>>,
        hub: Rc<RefCell<Hub>>,
        registry: &Registry,
        (claim, listener): (Claim, UnixListener),
    ) -> Result<Control, Failed> {
        registry.add_once(&listener, Source::Control)?;
        let asleep = Some(Asleep {
            executor,
            hub,
            listener,
        });
        Ok(Control { claim, asleep })
    }

    /// The first connection came: from now on a task takes them.
    pub fn handle_readable(&mut self) {
        let Some(Asleep {
            executor,
            hub,
            listener,
        }) = self.asleep.take()
        else {
            return;
        };
        match Async::new(listener) {
            Ok(listener) => {
                let tasks = executor.clone();
                executor
                    .spawn(async move { accept(tasks, hub, listener).await })
                    .detach();
            }
            Err(error) => warn!("the control socket can't be served: {error}"),
        }
    }

    /// The socket's file.
    pub fn path(&self) -> &Path {
        self.claim.path()
    }
}

impl From<Refused> for Failed {
    fn from(refused: Refused) -> Failed {
        Failed(std::format!("{refused}"))
    }
}

async fn accept(
    executor: Rc<LocalExecutor<'static>>,
    hub: Rc<RefCell<Hub>>,
    listener: Async<UnixListener>,
) {
    /// How long to leave the listener alone when there are no descriptors left.
    const PAUSE: Duration = Duration::from_millis(200);
    let open = Places::default();
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                warn!("control socket: {error}");
                Timer::after(PAUSE).await;
                continue;
            }
        };
        let Some(slot) = Slot::take(&open) else {
            continue;
        };
        let hub = hub.clone();
        executor
            .spawn(async move {
                let conversation = match slot.is_served {
                    true => converse(stream, &hub, Rights::Full).await,
                    false => send_away(stream).await,
                };
                if let Err(error) = conversation {
                    debug!("control socket: {error}");
                }
                drop(slot);
            })
            .detach();
    }
}

/// The place of a connection; it is free again when this goes.
struct Slot {
    /// How many connections there are of this kind.
    open: Rc<Cell<usize>>,
    is_served: bool,
}

/// The places taken by those that are served, and by those that are sent away.
#[derive(Default)]
struct Places {
    served: Rc<Cell<usize>>,
    refused: Rc<Cell<usize>>,
}

impl Slot {
    fn take(places: &Places) -> Option<Slot> {
        let kinds = [(&places.served, true), (&places.refused, false)];
        let free = kinds.into_iter().find(|(open, _)| open.get() < CONNECTIONS);
        free.map(|(open, is_served)| {
            open.set(open.get() + 1);
            Slot {
                open: open.clone(),
                is_served,
            }
        })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.open.set(self.open.get() - 1);
    }
}

#[cfg(test)]
mod tests;
