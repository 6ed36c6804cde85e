//! A thread that waits for the disk, so that the loop never does: a card may take seconds for one sync.
//!
//! It sleeps until it gets a batch, writes it, and rings. There is one batch at a time; what changes meanwhile waits in
//! the agent, merged. Memory is taken once.

use std::io;
use std::string::ToString;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use super::{Batch, Counters, Medium, Store};

/// Hands batches to a store on a thread of its own.
pub struct Writer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    work: Mutex<Work>,
    /// Rings for the thread, and for whoever waits for it.
    changed: Condvar,
}

struct Work {
    state: State,
    batch: Batch,
    counters: Counters,
    lost: bool,
    ends: bool,
}

enum State {
    /// Nothing to do.
    Idle,
    /// The batch is to be written.
    Given,
    /// It is being written.
    Writing,
    /// It was, or not.
    Done(io::Result<()>),
}

/// Bytes of the thread's stack: a commit needs a tenth of it.
const STACK: usize = 128 * 1024;

impl Writer {
    /// Starts the thread; `waker` is rung when a batch is done.
    ///
    /// # Errors
    /// The system's, when it has no thread for us.
    pub fn start<M: Medium + Send + 'static>(store: Store<M>, waker: Waker) -> io::Result<Writer> {
        let shared = Arc::new(Shared {
            work: Mutex::new(Work {
                state: State::Idle,
                batch: Batch::new(),
                counters: store.counters(),
                lost: false,
                ends: false,
            }),
            changed: Condvar::new(),
        });
        let builder = Builder::new().name("store".to_string()).stack_size(STACK);
        let mine = shared.clone();
        let thread = builder.spawn(move || serve(&mine, store, &waker))?;
        Ok(Writer {
            shared,
            thread: Some(thread),
        })
    }

    /// Whether a batch can be handed over.
    pub fn is_idle(&self) -> bool {
        matches!(self.shared.lock().state, State::Idle)
    }

    /// Hands `batch` over, and gives an empty one back in its place. Only while [`Writer::is_idle`].
    pub fn submit(&self, batch: &mut Batch) {
        let mut work = self.shared.lock();
        core::mem::swap(&mut work.batch, batch);
        batch.clear();
        work.state = State::Given;
        self.shared.changed.notify_all();
    }

    /// What became of the batch, once.
    pub fn take_outcome(&self) -> Option<io::Result<()>> {
        let mut work = self.shared.lock();
        match core::mem::replace(&mut work.state, State::Idle) {
            State::Done(outcome) => Some(outcome),
            other => {
                work.state = other;
                None
            }
        }
    }

    /// Whether the file was taken away since the last question.
    pub fn take_lost(&self) -> bool {
        core::mem::take(&mut self.shared.lock().lost)
    }

    /// Waits until nothing is being written, for that long at most. Whether it is so.
    pub fn wait(&self, patience: Duration) -> bool {
        let until = Instant::now() + patience;
        let mut work = self.shared.lock();
        while matches!(work.state, State::Given | State::Writing) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let waited = self.shared.changed.wait_timeout(work, left);
            work = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// What the store did to the disk.
    #[cfg(test)]
    pub fn counters(&self) -> Counters {
        self.shared.lock().counters
    }
}

impl Drop for Writer {
    /// Ends the thread, unless it waits for the disk: then it ends with the process.
    fn drop(&mut self) {
        let mut work = self.shared.lock();
        work.ends = true;
        let waits = matches!(work.state, State::Writing);
        drop(work);
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take().filter(|_| !waits) {
            let _ = thread.join(); // It has nothing to say.
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn serve<M: Medium>(shared: &Shared, mut store: Store<M>, waker: &Waker) {
    let mut batch = Batch::new();
    loop {
        let mut work = shared.lock();
        while !matches!(work.state, State::Given) && !work.ends {
            work = shared
                .changed
                .wait(work)
                .unwrap_or_else(PoisonError::into_inner);
        }
        if !matches!(work.state, State::Given) {
            return;
        }
        core::mem::swap(&mut work.batch, &mut batch);
        work.state = State::Writing;
        drop(work);
        let outcome = store.commit(&batch);
        batch.clear();
        let mut work = shared.lock();
        work.state = State::Done(outcome);
        work.counters = store.counters();
        work.lost |= store.take_lost();
        drop(work);
        shared.changed.notify_all();
        waker.wake_by_ref();
    }
}

#[cfg(test)]
mod tests {
    use super::super::Folder;
    use super::*;
    use std::format;
    use std::fs;
    use std::string::String;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;
    use std::vec::Vec;

    struct Bell(AtomicUsize);

    impl Wake for Bell {
        fn wake(self: Arc<Bell>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn batches_are_written_behind_the_loops_back() {
        let name = format!("lampfield-writer-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&path);
        let folder = Folder::take(&path).expect("a folder");
        assert!(Folder::take(&path).is_err(), "it is ours alone");
        let (store, _) = Store::open(folder, 7, 8).expect("opened");
        let bell = Arc::new(Bell(AtomicUsize::new(0)));
        let writer = Writer::start(store, Waker::from(bell.clone())).expect("a thread");
        let mut batch = Batch::new();
        for round in 1..=3 {
            assert!(writer.is_idle());
            batch.put("a", Some(&[round])).expect("it fits");
            writer.submit(&mut batch);
            assert!(batch.is_empty());
            assert!(writer.wait(Duration::from_secs(20)));
            assert!(matches!(writer.take_outcome(), Some(Ok(()))));
            assert!(writer.take_outcome().is_none());
        }
        assert_eq!(writer.counters().commits, 3);
        drop(writer);
        assert_eq!(bell.0.load(Ordering::SeqCst), 3);
        let folder = Folder::take(&path).expect("free again");
        let (store, _) = Store::open(folder, 8, 8).expect("opened");
        let mut all = Vec::new();
        store.each(&mut |name, value| all.push((String::from(name), value.to_vec())));
        assert_eq!(all, [(String::from("a"), std::vec![3])]);
        drop(store);
        let _ = fs::remove_dir_all(&path); // The system clears its temporary files too.
    }
}
