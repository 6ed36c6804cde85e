//! Stops the loop, or has it read its configuration again, from elsewhere.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::Wake;

use crate::shell::poller::Doorbell;
use crate::shell::signals::Wish;

/// Stops a runtime; a second time ends it without taking leave.
#[derive(Clone, Debug)]
pub struct StopHandle {
    wanted: Arc<AtomicU8>,
    bell: Arc<Doorbell>,
}

impl StopHandle {
    pub(super) fn new(bell: Arc<Doorbell>) -> StopHandle {
        StopHandle {
            wanted: Arc::default(),
            bell,
        }
    }

    /// As SIGTERM does.
    pub fn stop(&self) {
        self.wanted.fetch_or(STOP, Ordering::AcqRel);
        self.bell.wake_by_ref();
    }

    /// As SIGHUP does.
    pub fn reload(&self) {
        self.wanted.fetch_or(RELOAD, Ordering::AcqRel);
        self.bell.wake_by_ref();
    }

    pub(super) fn take(&self) -> Option<Wish> {
        match self.wanted.swap(0, Ordering::AcqRel) {
            0 => None,
            RELOAD => Some(Wish::Reload),
            _ => Some(Wish::Stop),
        }
    }
}

const STOP: u8 = 1;
const RELOAD: u8 = 2;
