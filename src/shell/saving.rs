//! The agent's records on their way to the state store and back.

use std::boxed::Box;
use std::format;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::string::{String, ToString};
use std::task::Waker;
use std::time::Duration;
use std::vec;
use std::vec::Vec;

use log::{debug, info, warn};

use super::clock;
use super::failed::Failed;
use super::store::writer::Writer;
use super::store::{Batch, Folder, Medium, Opened, Store};
use crate::engine::agent::{Agent, Key, RECORD};
use crate::ground::time::{Instant, Moment};

/// What keeps the agent's state.
pub struct Saving {
    writer: Writer,
    batch: Batch,
    buf: Box<[u8]>,
    folder: PathBuf,
    /// After a failure: when to try again.
    not_before: Option<Instant>,
}

/// Records at once: the agent's, and when the process began.
const RECORDS: usize = Key::COUNT + 1;

/// How long a disk that fails is left alone.
const PAUSE: Duration = Duration::from_secs(60);

/// How long the end of the process waits for the disk.
const PATIENCE: Duration = Duration::from_secs(2);

impl Saving {
    /// Opens the state in `folder` and gives it back to the agent, which must have been started. Where it cannot be
    /// had the agent works from memory alone, and the log says so.
    ///
    /// # Errors
    /// Another agent has the same folder.
    pub fn begin(
        agent: &mut Agent,
        folder: &Path,
        id: u64,
        waker: Waker,
    ) -> Result<Option<Saving>, Failed> {
        let shown = folder.display();
        let opened = Folder::take(folder).and_then(|folder| Store::open(folder, id, RECORDS));
        let (mut store, opened) = match opened {
            Ok(opened) => opened,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                let remedy = "end it, or give this one a folder of its own with --state";
                return Err(Failed(format!(
                    "another agent keeps its state in {shown}\nremedy: {remedy}"
                )));
            }
            Err(error) => {
                warn!(
                    "nothing will be kept over a restart: {shown}: {error}; {}",
                    remedy(&error)
                );
                return Ok(None);
            }
        };
        match opened {
            Opened::New => info!("state is kept in {shown}"),
            Opened::Whole => debug!("state is kept in {shown}"),
            Opened::Torn => {
                info!("the last write to {shown}/state did not get there before the power went");
            }
            Opened::SetAside(why) => {
                warn!(
                    "{shown}/state cannot be used: {why}. It is {shown}/state.bad now, and nothing is remembered"
                );
            }
        }
        let restored = match restore(agent, &mut store) {
            Ok(restored) => restored,
            Err(error) => {
                let remedy = remedy(&error);
                warn!(
                    "only do-not-disturb, activities, notes and decisions are restored, and nothing is kept: {shown}: {error}; {remedy}"
                );
                restore_settled(agent, &store)
            }
        };
        if restored > 0 {
            info!("{restored} records restored from {shown}");
        }
        let writer = match Writer::start(store, waker) {
            Ok(writer) => writer,
            Err(error) => {
                warn!("nothing will be kept over a restart: no thread for the disk: {error}");
                return Ok(None);
            }
        };
        Ok(Some(Saving {
            writer,
            batch: Batch::new(),
            buf: vec![0; RECORD].into_boxed_slice(),
            folder: folder.to_path_buf(),
            not_before: None,
        }))
    }

    /// When [`Saving::save`] has something to do; never while the disk is at work.
    pub fn deadline(&self, agent: &Agent) -> Option<Instant> {
        let due = agent.save_due()?;
        let due = self.not_before.map_or(due, |pause| due.max(pause));
        self.writer.is_idle().then_some(due)
    }

    /// Hands over what is due.
    pub fn save(&mut self, moment: Moment, agent: &mut Agent) {
        if self.deadline(agent).is_none_or(|due| due > moment.now) {
            return;
        }
        self.hand_over(moment, agent);
    }

    /// The disk is done, perhaps.
    pub fn look(&mut self, now: Instant, agent: &mut Agent) {
        if self.writer.take_lost() {
            let folder = self.folder.display();
            warn!("somebody took {folder}/state away: it is written anew");
        }
        match self.writer.take_outcome() {
            None => {}
            Some(Ok(())) if self.not_before.take().is_some() => {
                info!("state is kept in {} again", self.folder.display());
            }
            Some(Ok(())) => {}
            Some(Err(error)) => {
                if self.not_before.is_none() {
                    let folder = self.folder.display();
                    warn!("state is not kept: {folder}: {error}; {}", remedy(&error));
                }
                self.not_before = Some(now + PAUSE);
                // Nobody knows what is there now, so all of it is written when it works again.
                agent.save_all(now);
            }
        }
    }

    /// Writes everything, before the process ends.
    pub fn end(&mut self, agent: &mut Agent) {
        let moment = clock::moment();
        if !self.writer.wait(PATIENCE) {
            return warn!("the disk did not take the last state");
        }
        self.look(moment.now, agent);
        if self.not_before.is_none() && agent.save_due().is_some() {
            self.hand_over(moment, agent);
            self.writer.wait(PATIENCE);
            self.look(moment.now, agent);
        }
    }

    fn hand_over(&mut self, moment: Moment, agent: &mut Agent) {
        agent.begin_save(moment.now);
        if fill(&mut self.batch, &mut self.buf, moment, agent) {
            self.writer.submit(&mut self.batch);
        }
    }
}

/// Gives the agent its records back, the identity first. Says how many were of use.
///
/// What a restored agent says next uses numbers that its records set aside, and the records have to say so before: where
/// nothing can be written, every restart would use the same numbers again. So without a first write there is no
/// restoring, and the second one is waited for.
///
/// # Errors
/// The disk's; the agent is as fresh as it was, unless the disk worked for the first write alone.
fn restore<M: Medium>(agent: &mut Agent, store: &mut Store<M>) -> io::Result<usize> {
    let moment = clock::moment();
    let mut batch = Batch::new();
    let _ = batch.put(
        "boot",
        Some(&moment.wall.unix_millis().unwrap_or(0).to_le_bytes()),
    ); // It is short.
    let written = drop_displaced(store).and_then(|()| store.commit(&batch));
    agent.keep();
    written?;
    let restored = give_back(agent, store, moment, |_| true);
    let mut buf = vec![0; RECORD];
    agent.begin_save(moment.now);
    while fill(&mut batch, &mut buf, moment, agent) {
        store.commit(&batch)?;
    }
    Ok(restored)
}

/// Gives the agent back what uses no numbers that were to be set aside first. Says how many were of use.
fn restore_settled<M: Medium>(agent: &mut Agent, store: &Store<M>) -> usize {
    give_back(agent, store, clock::moment(), |key| match key {
        Key::Identity | Key::Decisions | Key::Desk(_) => true,
        Key::Subscription(_) | Key::Binding(_) | Key::Publication(_) | Key::Upstream(_) => false,
    })
}

/// Gives back the records of some keys, the identity first. Says how many were of use.
fn give_back<M: Medium>(
    agent: &mut Agent,
    store: &Store<M>,
    moment: Moment,
    is_wanted: impl Fn(Key) -> bool,
) -> usize {
    let mut restored = 0;
    for first in [true, false] {
        store.each(&mut |name, record| {
            let Some(key) = Key::named(name).filter(|&key| is_wanted(key)) else {
                return;
            };
            if (key == Key::Identity) == first && agent.restore(moment, key, record) {
                restored += 1;
            }
        });
    }
    restored
}

/// Drops what a build with larger tables left for places that this one does not have: it would stay for ever.
///
/// # Errors
/// The disk's.
fn drop_displaced<M: Medium>(store: &mut Store<M>) -> io::Result<()> {
    let mut displaced = Vec::new();
    store.each(&mut |name, _| {
        if Key::named(name).is_some_and(|key| !key.has_place()) {
            displaced.push(name.to_string());
        }
    });
    let mut batch = Batch::new();
    for name in &displaced {
        let _ = batch.put(name, None); // There is room.
        if !batch.has_room() {
            store.commit(&batch)?;
            batch.clear();
        }
    }
    if batch.is_empty() {
        return Ok(());
    }
    store.commit(&batch)
}

/// Puts records into an empty batch, as many as fit. Whether there were any.
fn fill(batch: &mut Batch, buf: &mut [u8], moment: Moment, agent: &mut Agent) -> bool {
    batch.clear();
    while batch.has_room() {
        let Some((key, len)) = agent.next_record(moment, buf) else {
            break;
        };
        let value = len.and_then(|len| buf.get(..len));
        let _ = batch.put(&key.name(), value); // There is room, and no record is longer.
    }
    !batch.is_empty()
}

fn remedy(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::StorageFull => "make room on the disk",
        ErrorKind::ReadOnlyFilesystem => {
            "let the folder be written to, or name another with --state"
        }
        ErrorKind::PermissionDenied => "give this user the folder, or name another with --state",
        _ => "look after the disk",
    }
    .to_string()
}

#[cfg(test)]
mod tests;
