//! The control socket: HTTP/1.1 over a Unix socket, for the command line.
//!
//! [`socket`] owns the file, [`http`] the bytes, [`router`] what is asked and [`views`] what is answered. None of the
//! last three knows a transport: whatever carries HTTP gets the same routes from [`converse`], and what it may do there
//! is said by its [`Rights`]. Who can open the socket's file has all of them.

pub mod call;
mod cause;
mod conversation;
pub mod follow;
pub mod http;
pub mod mailbox;
pub mod place;
pub mod policy;
mod rights;
pub mod router;
pub mod socket;
pub mod views;

pub use conversation::converse;
pub use rights::Rights;

use std::cell::{Cell, RefCell};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::rc::Rc;
use std::vec::Vec;

use log::{debug, warn};
use smol::future::yield_now;
use smol::{Async, LocalExecutor, Task, Timer};

use self::conversation::send_away;
use self::http::HttpError;
pub use self::place::Place;
use self::socket::{Claim, Refused};
use super::failed::Failed;
use super::hub::Hub;
use super::poller::{Registry, Source};
use crate::ground::time::Duration;

/// Connections at the same time. With one more, whoever has asked nothing for longest makes way; if all ask or follow, as
/// many more are answered with 503, and the rest is closed without a word.
pub const CONNECTIONS: usize = 8;

/// How many of those may follow, so that there is always a place for a command. More get 503.
pub const FOLLOWERS: usize = CONNECTIONS / 2;

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
    let mut callers = Callers::default();
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                warn!("control socket: {error}");
                Timer::after(PAUSE).await;
                continue;
            }
        };
        let conversation = match callers.make_room() {
            true => Conversation::Served(Rc::new(Place::new(&callers.followers))),
            false if callers.refused.get() < CONNECTIONS => Conversation::Refused,
            false => continue,
        };
        callers.begin(&executor, &hub, stream, conversation);
        // What it asks is read before the next one comes, who may need a place.
        yield_now().await;
    }
}

/// Those who are connected.
#[derive(Default)]
struct Callers {
    served: Vec<(Rc<Place>, Task<()>)>,
    followers: Rc<Cell<usize>>,
    /// How many are being sent away.
    refused: Rc<Cell<usize>>,
}

enum Conversation {
    Served(Rc<Place>),
    Refused,
}

impl Callers {
    /// Whether there is a place for one more, if need be that of whoever has asked nothing for longest.
    fn make_room(&mut self) -> bool {
        self.served.retain(|(_, task)| !task.is_finished());
        if self.served.len() < CONNECTIONS {
            return true;
        }
        let idle = (0..).zip(&self.served);
        let idle = idle.filter_map(|(at, (place, _))| Some((place.idle_since()?, at)));
        let Some((_, at)) = idle.min() else {
            return false;
        };
        // Its task ends, and its connection with it.
        drop(self.served.swap_remove(at));
        true
    }

    fn begin(
        &mut self,
        executor: &LocalExecutor<'static>,
        hub: &Rc<RefCell<Hub>>,
        stream: Async<UnixStream>,
        conversation: Conversation,
    ) {
        let tell = |result: Result<(), HttpError>| {
            if let Err(error) = result {
                debug!("control socket: {error}");
            }
        };
        match conversation {
            Conversation::Served(place) => {
                let (hub, mine) = (hub.clone(), place.clone());
                let task = executor.spawn(async move {
                    tell(converse(stream, &hub, Rights::Full, &mine).await);
                });
                self.served.push((place, task));
            }
            Conversation::Refused => {
                let refused = self.refused.clone();
                refused.set(refused.get() + 1);
                let task = executor.spawn(async move {
                    tell(send_away(stream).await);
                    refused.set(refused.get() - 1);
                });
                task.detach();
            }
        }
    }
}

#[cfg(test)]
mod tests;
