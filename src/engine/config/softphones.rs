//! The phones on the same device, whose calls are those of a presentity.

use super::{Invalid, Settings};
use core::net::SocketAddr;

/// A phone on the same device that tells of its calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SoftphoneSettings {
    /// Where baresip's `ctrl_tcp` module listens: on this device.
    pub baresip: SocketAddr,
    /// The index of the presentity whose calls these are.
    pub presentity: u16,
}

impl Settings {
    pub(super) fn validate_softphones(&self) -> Result<(), Invalid> {
        for (at, phone) in self.softphones.iter().enumerate() {
            let is_here = phone.baresip.ip().is_loopback() && phone.baresip.port() != 0;
            let before = &self.softphones[..at];
            let is_own = before.iter().all(|it| it.baresip != phone.baresip);
            let is_somebodys = usize::from(phone.presentity) < self.presentities.len();
            if !is_here || !is_own || !is_somebodys {
                return Err(Invalid::Softphone(at));
            }
        }
        Ok(())
    }
}
